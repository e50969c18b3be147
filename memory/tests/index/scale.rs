//! Commits larger than what is read at once, and many records.

use crate::setup::{Hashed, Place, all, ids, tenant, user};
use memory::index::{Mode, Progress, Settings};
use memory::{Draft, Filter};

#[test]
fn commits_larger_than_a_page_are_followed_whole() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open_telling(Some(Hashed::new("one", 8, false)), Settings { tail: 500, exact: 100_000 }).0;
    let drafts: Vec<Draft> = (0..1_500).map(|number| Draft::new(format!("tea {number}")).within(user("ana"))).collect();
    let add = |it: &mut memory::memories::Transaction<'_>| drafts.iter().map(|draft| Ok(it.add(draft)?.id)).collect();
    let (added, _): (Vec<_>, _) = place.memories.write(&tenant, "test", add).unwrap();
    assert_eq!(ids(&index, &tenant, &all("tea", Mode::Hybrid, &Filter::everything())), {
        let mut sorted = added.clone();
        sorted.sort_unstable();
        sorted
    });
    assert_eq!(index.stats().vectors, 1_500);
    let forget = |it: &mut memory::memories::Transaction<'_>| added[3..].iter().try_for_each(|id| it.forget(*id));
    place.memories.write(&tenant, "test", forget).unwrap();
    assert_eq!(index.list(&tenant, &Filter::everything(), 0, 10).unwrap().total, 3);
    assert_eq!(ids(&index, &tenant, &all("tea", Mode::Dense, &Filter::everything())).len(), 3);
    drop(index);
    let index = place.open(Some(Hashed::new("one", 8, false)));
    assert_eq!((index.stats().records, index.stats().vectors), (3, 3));
    assert_eq!(index.entities(&tenant).unwrap()[0].records, 3);
}

#[test]
fn embedding_tells_how_far_it_is_and_goes_on_where_it_was() {
    let (place, tenant) = (Place::new(), tenant("one"));
    for number in 0..150 {
        place.add(&tenant, &Draft::new(format!("tea {number}")));
    }
    let index = place.open(Some(Hashed::new("one", 8, true)));
    let mut told = Vec::new();
    assert_eq!(index.embed_pending(&mut |progress| told.push(progress)).unwrap(), 150);
    assert_eq!(told, [64, 128, 150].map(|done| Progress::Embedded { done, of: 150 }));
    assert_eq!(index.embed_pending(&mut |progress| told.push(progress)).unwrap(), 0);
    drop(index);
    assert_eq!(place.open(Some(Hashed::new("one", 8, true))).stats().vectors, 150);
}
