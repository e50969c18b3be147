//! Transactions over records: what they promise, one by one and against a naive model.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use consistency::store::{Store, World};
use memory::memories::limits::{Excess, MAX_CATEGORIES, MAX_METADATA_BYTES, MAX_PAST};
use memory::record::Happening;
use memory::{Draft, Filter, Memories, MemoryError, Patch, Provenance, RecordId, Scope, Tenant, Trust};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A world whose clock stands still until it is moved.
#[derive(Debug, Default)]
pub(crate) struct Still {
    pub(crate) now: AtomicU64,
    fresh: AtomicU64,
}

impl World for Still {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
    fn fresh(&self) -> u64 {
        self.fresh.fetch_add(1, Ordering::SeqCst)
    }
}

pub(crate) fn memories() -> (Memories, Arc<Still>) {
    let world = Arc::new(Still::default());
    (Memories::new(Store::in_memory(), world.clone()), world)
}

fn resting(text: &str, inputs: &[RecordId]) -> Draft {
    Draft { provenance: Provenance { rests_on: inputs.to_vec(), ..Provenance::default() }, ..Draft::new(text) }
}

fn local() -> Tenant {
    Tenant::local()
}

#[test]
fn a_newer_write_survives_a_slow_consolidation_which_is_done_again() {
    let (memories, _) = memories();
    let user =
        Draft { provenance: Provenance { trust: Trust::User, ..Provenance::default() }, ..Draft::new("likes tea") };
    let tea = memories.add(&local(), "ann", &user).unwrap().id;
    let web =
        Draft { provenance: Provenance { trust: Trust::Outside, ..Provenance::default() }, ..Draft::new("tea is hot") };
    let hot = memories.add(&local(), "web", &web).unwrap().id;
    let mut rounds = 0;
    let (added, _) = memories
        .consolidate(&local(), "sleep", &[tea, hot], |inputs| {
            rounds += 1;
            if rounds == 1 {
                let patch = Patch { text: Some("likes coffee".to_owned()), ..Patch::default() };
                memories.update(&local(), "ann", tea, &patch, None).unwrap();
            }
            Draft::new(format!("{} and {}", inputs[0].text, inputs[1].text))
        })
        .unwrap();
    assert_eq!(rounds, 2);
    let record = memories.get(&local(), added.id).unwrap().unwrap().record;
    assert_eq!(record.text, "likes coffee and tea is hot");
    assert_eq!(memories.get(&local(), tea).unwrap().unwrap().record.text, "likes coffee");
    assert_eq!(record.provenance.trust, Trust::Outside);
    assert_eq!(record.provenance.source.as_deref(), Some("consolidation"));
    assert_eq!(record.provenance.rests_on, [tea, hot]);
}

#[test]
fn a_consolidation_of_what_is_forgotten_meanwhile_is_not_written() {
    let (memories, _) = memories();
    let id = memories.add(&local(), "ann", &Draft::new("the diagnosis")).unwrap().id;
    let done = memories.consolidate(&local(), "sleep", &[id], |inputs| {
        let _ = memories.forget(&local(), "ann", id);
        Draft::new(format!("summary of {}", inputs[0].text))
    });
    assert!(matches!(done, Err(MemoryError::Unknown(unknown)) if unknown == id));
    assert_eq!(memories.list(&local(), None, 10).unwrap(), []);
}

#[test]
fn what_rests_on_something_forgotten_is_forgotten_too() {
    let (memories, _) = memories();
    let add = |draft: &Draft| memories.add(&local(), "ann", draft).unwrap().id;
    let (one, two) = (add(&Draft::new("one")), add(&Draft::new("two")));
    let sum = add(&resting("one and two", &[one, two]));
    let far = add(&resting("three", &[sum]));
    let said = add(&resting("said since", &[sum]));
    assert_eq!(add(&Draft::new("said since")), said);
    memories.forget(&local(), "ann", one).unwrap();
    let left: Vec<_> = memories.list(&local(), None, 10).unwrap().into_iter().map(|stored| stored.record.id).collect();
    assert_eq!(left, [two, said]);
    for id in [one, sum, far] {
        let past = memories.history(&local(), id).unwrap();
        assert!(past.iter().all(|event| event.before.is_none() && event.after.is_none()));
        assert_eq!(past.last().unwrap().what, Happening::Forgotten);
    }
    let cells = memories.store().list(&consistency::range::Range::prefix("@memory/"), 100).unwrap();
    assert!(cells.iter().all(|(_, cell)| !format!("{:?}", cell.content).contains("one and two")));
    assert!(cells.iter().all(|(key, _)| !key.as_str().contains("/rests/")));
}

#[test]
fn what_expires_goes_with_what_rests_on_it_and_a_day_old_key_goes_too() {
    let (memories, world) = memories();
    let brief = Draft { expires_at: Some(1000), ..Draft::new("brief") };
    let id = memories.add(&local(), "ann", &brief).unwrap().id;
    let other = Tenant::new("other").unwrap();
    let theirs = memories.add(&other, "bob", &brief).unwrap().id;
    let derived = memories.add(&local(), "ann", &resting("from brief", &[id])).unwrap().id;
    assert_eq!(memories.get(&local(), derived).unwrap().unwrap().record.expires_at, Some(1000));
    let longer = Patch { expires_at: Some(5000), ..Patch::default() };
    memories.update(&other, "bob", theirs, &longer, None).unwrap();
    memories.once(&local(), "ann", "key", "a", |transaction| transaction.add(&Draft::new("lasts"))).unwrap();
    assert_eq!(memories.expire(None, "sweep", 10).unwrap(), 0);
    world.now.store(1000, Ordering::SeqCst);
    assert!(memories.expire(None, "sweep", 10).unwrap() > 0);
    assert_eq!(memories.get(&local(), id).unwrap(), None);
    assert_eq!(memories.get(&local(), derived).unwrap(), None);
    assert!(memories.get(&other, theirs).unwrap().is_some());
    let again = memories.once(&local(), "ann", "key", "b", |transaction| transaction.add(&Draft::new("more")));
    assert!(matches!(again, Err(MemoryError::Reused)));
    world.now.store(100_000_000, Ordering::SeqCst);
    while memories.expire(None, "sweep", 1).unwrap() > 0 {}
    memories.once(&local(), "ann", "key", "b", |_| Ok(())).unwrap();
    assert_eq!(memories.get(&other, theirs).unwrap(), None);
    assert_eq!(memories.list(&local(), None, 10).unwrap().len(), 1);
}

#[test]
fn a_key_gives_the_first_answer_again_and_refuses_another_request() {
    let (memories, _) = memories();
    let add = |request: &str| {
        memories
            .once(&local(), "ann", "key", request, |transaction| transaction.add(&Draft::new(request)))
            .map(|done| done.0)
    };
    let first = add("tea").unwrap();
    assert_eq!(add("tea").unwrap(), first);
    assert!(first.is_new);
    assert!(matches!(add("coffee"), Err(MemoryError::Reused)));
}

#[test]
fn everything_that_a_filter_means_is_forgotten_in_steps() {
    let (memories, _) = memories();
    for n in 0..250 {
        let scope = Scope { user: Some(if n % 5 == 0 { "ann" } else { "bob" }.to_owned()), ..Scope::default() };
        memories.add(&local(), "test", &Draft::new(format!("note {n}")).within(scope)).unwrap();
    }
    let bob = Filter::of_scope(&Scope { user: Some("bob".to_owned()), ..Scope::default() });
    assert_eq!(memories.forget_all(&local(), "test", &bob).unwrap(), 200);
    assert_eq!(memories.list(&local(), None, 1000).unwrap().len(), 50);
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let (memories, _) = memories();
    let refused = |draft: Draft| match memories.add(&local(), "ann", &draft) {
        Err(MemoryError::Excess(excess)) => Some(excess),
        _ => None,
    };
    let metadata = |value| [("a".to_owned(), value)].into_iter().collect();
    let deep = (0..9).fold(json!(1), |inner, _| json!([inner]));
    let draft = Draft::new("text");
    assert_eq!(refused(Draft { metadata: metadata(deep), ..draft.clone() }), Some(Excess::Depth));
    let large = Draft { metadata: metadata("x ".repeat(MAX_METADATA_BYTES).into()), ..draft.clone() };
    assert!(matches!(refused(large), Some(Excess::Metadata(_))));
    let many = Draft { categories: vec!["c".to_owned(); MAX_CATEGORIES + 1], ..draft.clone() };
    assert!(matches!(refused(many), Some(Excess::Categories(_))));
    for name in [String::new(), "a\nb".to_owned(), "x".repeat(257)] {
        assert_eq!(refused(Draft { user_id: Some(name), ..draft.clone() }), Some(Excess::Name("user_id")));
    }
    assert_eq!(refused(draft.clone()), None);
    let id = memories.add(&local(), "ann", &draft).unwrap().id;
    for n in 0..2 * MAX_PAST {
        let patch = Patch { text: Some(format!("text {n}")), ..Patch::default() };
        memories.update(&local(), "ann", id, &patch, None).unwrap();
    }
    assert_eq!(memories.history(&local(), id).unwrap().len(), MAX_PAST);
}

#[test]
fn no_cell_holds_a_secret() {
    let (memories, _) = memories();
    let metadata = json!({"password": "letmein", "note": "password=hunter2"});
    let draft = Draft {
        metadata: metadata.as_object().unwrap().clone(),
        categories: vec!["token=abcd1234efgh".to_owned()],
        ..Draft::new("password=hunter2 for the wiki")
    };
    let id = memories.add(&local(), "ann", &draft).unwrap().id;
    let patch = Patch { text: Some("now password=hunter3".to_owned()), ..Patch::default() };
    memories.update(&local(), "ann", id, &patch, None).unwrap();
    for (key, cell) in memories.store().list(&consistency::range::Range::prefix("@memory/"), 100).unwrap() {
        let content = format!("{:?}", cell.content);
        for secret in ["hunter", "letmein", "abcd1234"] {
            assert!(!content.contains(secret), "{key} {content}");
        }
    }
}

/// Something done to a few records.
#[derive(Debug, Clone)]
enum Step {
    Add { text: usize, user: usize },
    Derive { text: usize, from: usize },
    Update { which: usize, text: usize },
    Forget { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..6usize, 0..2usize).prop_map(|(text, user)| Step::Add { text, user }),
        1 => (6..9usize, 0..8usize).prop_map(|(text, from)| Step::Derive { text, from }),
        2 => (0..8usize, 0..9usize).prop_map(|(which, text)| Step::Update { which, text }),
        2 => (0..8usize).prop_map(|which| Step::Forget { which }),
    ]
}

/// What the memories should be: texts by user, and what rests on what.
#[derive(Debug, Default)]
struct Naive {
    all: BTreeMap<RecordId, (Option<String>, String, Vec<RecordId>)>,
}

impl Naive {
    fn holder(&self, user: Option<&str>, text: &str) -> Option<RecordId> {
        self.all.iter().find(|(_, (owner, said, _))| owner.as_deref() == user && said == text).map(|(id, _)| *id)
    }

    fn forget(&mut self, id: RecordId) {
        self.all.remove(&id);
        let resting: Vec<_> = self.all.iter().filter(|(_, (_, _, on))| on.contains(&id)).map(|(id, _)| *id).collect();
        for id in resting {
            self.forget(id);
        }
    }

    fn nth(&self, which: usize) -> Option<RecordId> {
        let count = self.all.len();
        (count > 0).then(|| *self.all.keys().nth(which % count).unwrap())
    }
}

proptest! {
    #[test]
    fn any_history_is_as_the_model_says(steps in proptest::collection::vec(step(), 0..40)) {
        let (memories, _) = memories();
        let mut naive = Naive::default();
        for step in steps {
            match step {
                Step::Add { text, user } => {
                    let (text, user) = (format!("text {text}"), Some(format!("user {user}")));
                    let draft = Draft { user_id: user.clone(), ..Draft::new(&text) };
                    let added = memories.add(&local(), "test", &draft).unwrap();
                    let holder = naive.holder(user.as_deref(), &text);
                    prop_assert_eq!(holder.unwrap_or(added.id), added.id);
                    prop_assert_eq!(added.is_new, holder.is_none());
                    naive.all.insert(added.id, (user, text, Vec::new()));
                }
                Step::Derive { text, from } => {
                    let Some(input) = naive.nth(from) else { continue };
                    let text = format!("text {text}");
                    let added = memories.consolidate(&local(), "test", &[input], |_| Draft::new(&text)).unwrap().0;
                    prop_assert_eq!(added.is_new, naive.holder(None, &text).is_none());
                    if added.is_new {
                        naive.all.insert(added.id, (None, text, vec![input]));
                    }
                }
                Step::Update { which, text } => {
                    let Some(id) = naive.nth(which) else { continue };
                    let text = format!("text {text}");
                    let patch = Patch { text: Some(text.clone()), ..Patch::default() };
                    let done = memories.update(&local(), "test", id, &patch, None);
                    match naive.holder(naive.all[&id].0.as_deref(), &text).filter(|other| *other != id) {
                        Some(other) => prop_assert!(matches!(done, Err(MemoryError::Duplicate(same)) if same == other)),
                        None => naive.all.get_mut(&id).unwrap().1 = done.unwrap().record.text,
                    }
                }
                Step::Forget { which } => {
                    let Some(id) = naive.nth(which) else { continue };
                    memories.forget(&local(), "test", id).unwrap();
                    naive.forget(id);
                }
            }
            let is: Vec<_> = memories.list(&local(), None, 100).unwrap().into_iter().map(|stored| stored.record).collect();
            let is: Vec<_> = is.into_iter().map(|record| (record.id, record.scope.user, record.text)).collect();
            let should: Vec<_> = naive.all.iter().map(|(id, (user, text, _))| (*id, user.clone(), text.clone())).collect();
            prop_assert_eq!(is, should);
        }
    }
}
