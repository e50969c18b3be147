//! Files that are lost, foreign, held by others or can't be written.

#![expect(clippy::unwrap_used, reason = "a process that can't do its work has failed")]

use crate::setup::{Hashed, Place, all, copied, ids, tenant, user};
use consistency::Level;
use consistency::store::{Store, System, Tries};
use memory::index::{Index, Mode, Settings};
use memory::{Draft, Filter, Memories, Patch};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

fn everything(text: &str) -> memory::index::Query {
    all(text, Mode::Hybrid, &Filter::everything())
}

#[test]
fn another_embedders_vectors_are_deleted_and_made_again() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let id = place.add(&tenant, &Draft::new("violin"));
    let [one, two] = [("one", 16), ("two", 16)].map(|(model, dimension)| Hashed::new(model, dimension, true));
    let index = place.open(Some(one.clone()));
    assert_eq!(index.embed_pending(&mut |_| {}).unwrap(), 1);
    drop(index);
    let (index, rebuilt) = place.open_telling(Some(one), Settings::default());
    assert_eq!((index.stats().vectors, rebuilt), (1, Vec::new()), "they are kept");
    drop(index);
    let (index, rebuilt) = place.open_telling(Some(two.clone()), Settings::default());
    assert_eq!(index.stats().vectors, 0);
    assert_eq!(rebuilt, ["vectors: the vectors are of another embedder: `hash/one/16`, not `hash/two/16`"]);
    assert_eq!(index.embed_pending(&mut |_| {}).unwrap(), 1);
    let hit = index.search(&tenant, &all("violin", Mode::Dense, &Filter::everything())).unwrap().remove(0);
    assert!(hit.stored.record.id == id && hit.score > 0.999, "{hit:?}");
}

/// Does something to each file of the words in turn; whatever it is, they are made again, and all is found.
fn healed(harm: impl Fn(&Path)) {
    let (place, tenant) = (Place::new(), tenant("one"));
    let id = place.add(&tenant, &Draft::new("violin"));
    place.open(None).commit().unwrap();
    let files = || std::fs::read_dir(place.path("words")).unwrap().map(|entry| entry.unwrap().path());
    let of_segments = |path: &PathBuf| !path.extension().is_none_or(|ending| ending == "json" || ending == "lock");
    let names: Vec<_> = files().filter(of_segments).collect();
    assert!(names.len() > 3, "{names:?}");
    for harmed in names.iter().map(|path| path.extension().unwrap().to_owned()) {
        // Each time the files are made again, under other names.
        harm(&files().find(|path| path.extension().is_some_and(|ending| ending == harmed)).unwrap());
        let (index, rebuilt) = place.open_telling(None, Settings::default());
        assert!(rebuilt.iter().any(|why| why.starts_with("words: ")), "{}: {rebuilt:?}", harmed.display());
        assert_eq!(ids(&index, &tenant, &everything("violin")), [id]);
        index.commit().unwrap();
    }
}

#[test]
fn what_the_list_of_files_does_not_name_is_checked_too() {
    healed(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 0x10;
        std::fs::write(path, bytes).unwrap();
        std::fs::remove_file(path.with_file_name(".managed.json")).unwrap();
    });
}

#[test]
fn a_file_that_is_lost_is_missed() {
    healed(|path| std::fs::remove_file(path).unwrap());
}

#[test]
fn vectors_of_what_is_forgotten_leave_the_disk() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let [kept, gone, late] = ["tea", "coffee", "water"].map(|text| place.add(&tenant, &Draft::new(text)));
    let embedder = Hashed::new("one", 16, true);
    let stored = || {
        let file = rusqlite::Connection::open(place.path("vectors.db")).unwrap();
        file.query_row("SELECT count(*) FROM vector", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    let index = place.open(Some(embedder));
    index.embed_pending(&mut |_| {}).unwrap();
    assert_eq!(stored(), 3);
    place.memories.forget(&tenant, "test", gone).unwrap();
    index.follow().unwrap();
    assert_eq!(stored(), 2);
    drop(index);
    place.memories.forget(&tenant, "test", late).unwrap();
    drop(place.open(None));
    assert_eq!(stored(), 1, "without an embedder, too");
    let patch = Patch { text: Some("green tea".to_owned()), ..Patch::default() };
    place.memories.update(&tenant, "test", kept, &patch, None).unwrap();
    let index = place.open(Some(Hashed::new("one", 16, true)));
    assert_eq!(stored(), 0, "what it said before is forgotten, too");
    assert_eq!(ids(&index, &tenant, &everything("tea coffee water")), [kept]);
}

#[test]
fn files_of_another_store_are_made_again() {
    let (one, two, tenant) = (Place::new(), Place::new(), tenant("one"));
    one.add(&tenant, &Draft::new("tea at one"));
    let id = two.add(&tenant, &Draft::new("tea at two"));
    one.open(Some(Hashed::new("one", 16, false))).commit().unwrap();
    let there = Index::open(one.folder.path(), &two.memories, None).unwrap();
    assert_eq!(ids(&there, &tenant, &everything("tea")), [id]);
    assert_eq!(there.stats().records, 1);
}

#[test]
fn while_another_writes_the_tail_waits() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open_telling(None, Settings { tail: 2, ..Settings::default() }).0;
    let other = tantivy::Index::open_in_dir(place.path("words")).unwrap();
    let writer: tantivy::IndexWriter = other.writer_with_num_threads(1, 15_000_000).unwrap();
    let added: Vec<_> = (0..9).map(|number| place.add(&tenant, &Draft::new(format!("tea {number}")))).collect();
    assert_eq!(ids(&index, &tenant, &everything("tea")), added);
    index.commit().unwrap();
    assert_eq!(index.stats().tail, 9);
    drop(writer);
    index.commit().unwrap();
    assert_eq!((index.stats().tail, ids(&index, &tenant, &everything("tea"))), (0, added));
}

#[test]
fn files_that_went_back_are_not_written_past_what_they_lost() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open(None);
    let add = |text| {
        let id = place.add(&tenant, &Draft::new(text));
        index.commit().unwrap();
        index.follow().unwrap();
        index.commit().unwrap();
        id
    };
    let first = add("tea one");
    copied(&place.path("words"), &place.path("copy"));
    let second = add("tea two");
    copied(&place.path("copy"), &place.path("words"));
    let added = [first, second, add("tea three")];
    assert_eq!(ids(&index, &tenant, &everything("tea")), added);
    drop(index);
    assert_eq!(ids(&place.open(None), &tenant, &everything("tea")), added);
}

#[test]
fn without_its_files_an_open_index_goes_on() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open_telling(None, Settings { tail: 2, ..Settings::default() }).0;
    let mut added: Vec<_> = (0..3).map(|number| place.add(&tenant, &Draft::new(format!("tea {number}")))).collect();
    index.commit().unwrap();
    std::fs::remove_dir_all(place.path("words")).unwrap();
    added.extend((3..9).map(|number| place.add(&tenant, &Draft::new(format!("tea {number}")))));
    assert_eq!(ids(&index, &tenant, &everything("tea")), added);
    assert!(index.commit().is_err(), "whoever writes is told");
    assert_eq!(ids(&index, &tenant, &everything("tea")), added);
    drop(index);
    assert_eq!(ids(&place.open(None), &tenant, &everything("tea")), added);
}

#[test]
fn a_cell_that_holds_no_record_hides_no_other() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let [broken, whole] = ["tea one", "tea two"].map(|text| place.add(&tenant, &Draft::new(text)));
    let key = tenant.record(broken);
    place.memories.store().run("test", Level::L1, Tries::default(), |session| session.write(&key, "none")).unwrap();
    let index = place.open(None);
    assert_eq!(ids(&index, &tenant, &everything("tea")), [whole]);
    assert_eq!(index.list(&tenant, &Filter::everything(), 0, 9).unwrap().total, 1);
}

#[test]
fn two_indexes_on_one_folder_see_all_commits() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let embedder = || Some(Hashed::new("one", 16, true));
    let (one, two) = (place.open(embedder()), place.open(embedder()));
    let mut added = Vec::new();
    for number in 0..6 {
        added.push(place.add(&tenant, &Draft::new(format!("tea {number}"))));
        let (first, second) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        assert_eq!(first.embed_pending(&mut |_| {}).unwrap(), 1);
        first.commit().unwrap();
        assert_eq!(ids(second, &tenant, &everything("tea")), added);
        assert_eq!(second.embed_pending(&mut |_| {}).unwrap(), 0, "the other made it");
        second.commit().unwrap();
        assert_eq!((first.stats().tail, second.stats().tail), (0, 0));
        assert_eq!((one.stats().vectors, two.stats().vectors), (added.len(), added.len()));
    }
    place.memories.forget(&tenant, "test", added.remove(2)).unwrap();
    two.commit().unwrap();
    for index in [&one, &two] {
        assert_eq!(ids(index, &tenant, &everything("tea")), added);
        assert!(index.check().unwrap().is_empty());
    }
}

const CHILD: &str = "TRACE_TEST_INDEX_CHILD";

/// What a process of [`processes_share_a_folder`] does: adds, searches, and writes the files now and then.
fn work(folder: &Path, name: &str) -> (Memories, Index) {
    let memories = Memories::new(Store::open(folder.join("state.db")).unwrap(), Arc::new(System));
    let embedder = Hashed::new("one", 16, true);
    let index = Index::open(&folder.join("index"), &memories, Some(embedder)).unwrap();
    for number in 0..12 {
        let draft = Draft::new(format!("tea {name} {number}")).within(user(name));
        let id = memories.add(&tenant("one"), name, &draft).unwrap().id;
        assert!(ids(&index, &tenant("one"), &everything(&format!("{name} {number}"))).contains(&id));
        if number % 4 == 3 {
            index.embed_pending(&mut |_| {}).unwrap();
            index.commit().unwrap();
        }
    }
    (memories, index)
}

#[test]
fn a_child_of_the_next_test_works() {
    if let Ok(folder) = std::env::var(CHILD) {
        work(Path::new(&folder), &std::process::id().to_string());
    }
}

#[test]
fn processes_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let name = "faults::a_child_of_the_next_test_works";
    let spawn = || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name, "--nocapture"]).env(CHILD, folder.path()).stdout(Stdio::null()).spawn().unwrap()
    };
    let children = [spawn(), spawn()];
    let (memories, index) = work(folder.path(), "parent");
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let stored: Vec<_> =
        memories.list(&tenant("one"), None, usize::MAX).unwrap().iter().map(|it| it.record.id).collect();
    assert_eq!(stored.len(), 36);
    assert_eq!(ids(&index, &tenant("one"), &everything("tea")), stored);
    drop(index);
    let index = Index::open(&folder.path().join("index"), &memories, None).unwrap();
    assert_eq!(ids(&index, &tenant("one"), &everything("tea")), stored);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
}
