//! Random histories: whatever is added, changed, forgotten, let expire, lost, damaged and opened again, the answers are those of
//! a reference that reads all records.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a history that can't be run has failed")]

use crate::setup::{Hashed, Place, all, copied, files, ids, tenant, user};
use memory::index::{Index, Mode, Settings};
use memory::{Draft, Filter, Patch, RecordId, Tenant, Turn};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const WORDS: [&str; 12] =
    ["tea", "coffee", "pnpm", "npm", "Berlin", "Rust", "sunrise", "painting", "dogs", "guitar", "tests", "deploys"];
const USERS: [&str; 3] = ["ana", "ben", "cleo"];

#[derive(Debug, Clone)]
enum Step {
    Add {
        tenant: usize,
        user: usize,
        words: [usize; 3],
        place: Option<u32>,
        lives: Option<u64>,
        kind: u8,
    },
    Change {
        record: usize,
        words: Option<[usize; 3]>,
        kind: u8,
    },
    Forget {
        record: usize,
    },
    Wait {
        ms: u64,
    },
    Commit,
    Tend,
    /// Leaves, with or without writing the files, and opens again with this embedder.
    Reopen {
        embedder: usize,
        crash: bool,
    },
    Damage(Damage),
    /// Keeps a copy of the files, or puts the last copy back in their place.
    Copy {
        back: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    DeleteAll,
    DeleteOne(usize),
    Truncate(usize),
    Flip(usize, usize),
    Garbage(usize),
    Vectors,
    NoVectors,
}

fn words() -> impl Strategy<Value = [usize; 3]> {
    [0..WORDS.len(), 0..WORDS.len(), 0..WORDS.len()]
}

fn step() -> impl Strategy<Value = Step> {
    let lives = proptest::option::weighted(0.2, 1..2_000_u64);
    let damage = prop_oneof![
        Just(Damage::DeleteAll),
        (0..40_usize).prop_map(Damage::DeleteOne),
        (0..40_usize).prop_map(Damage::Truncate),
        (0..40_usize, any::<usize>()).prop_map(|(file, byte)| Damage::Flip(file, byte)),
        (0..40_usize).prop_map(Damage::Garbage),
        Just(Damage::Vectors),
        Just(Damage::NoVectors),
    ];
    let add = (0..2_usize, 0..3_usize, words(), proptest::option::of(0..6_u32), lives, 0..3_u8);
    prop_oneof![
        8 => add.prop_map(|(tenant, user, words, place, lives, kind)| Step::Add { tenant, user, words, place, lives, kind }),
        6 => (any::<usize>(), proptest::option::weighted(0.8, words()), 0..3_u8)
            .prop_map(|(record, words, kind)| Step::Change { record, words, kind }),
        3 => any::<usize>().prop_map(|record| Step::Forget { record }),
        1 => (1..1_000_u64).prop_map(|ms| Step::Wait { ms }),
        2 => Just(Step::Commit),
        1 => Just(Step::Tend),
        1 => (0..4_usize, any::<bool>()).prop_map(|(embedder, crash)| Step::Reopen { embedder, crash }),
        1 => damage.prop_map(Step::Damage),
        1 => any::<bool>().prop_map(|back| Step::Copy { back }),
    ]
}

fn text(words: [usize; 3]) -> String {
    words.map(|word| WORDS[word]).join(" ")
}

fn embedder(number: usize) -> Option<Arc<Hashed>> {
    [None, Some(("one", 16, false)), Some(("two", 16, true)), Some(("three", 24, true))][number]
        .map(|(model, dimension, is_semantic)| Hashed::new(model, dimension, is_semantic))
}

struct Run {
    place: Place,
    index: Option<Index>,
    embedder: usize,
    tenants: [Tenant; 2],
    records: Vec<(Tenant, RecordId)>,
    forgotten: Vec<RecordId>,
}

impl Run {
    fn new() -> Run {
        let tenants = [tenant("one"), tenant("two")];
        let (records, forgotten) = (Vec::new(), Vec::new());
        Run { place: Place::new(), index: None, embedder: 0, tenants, records, forgotten }
    }

    fn index(&mut self) -> &Index {
        let settings = Settings { tail: 24, exact: 6 };
        self.index.get_or_insert_with(|| self.place.open_telling(embedder(self.embedder), settings).0)
    }

    fn take(&mut self, step: &Step) {
        let memories = self.place.memories.clone();
        match step {
            Step::Add { tenant, user: name, words, place, lives, kind } => {
                let now = self.place.hands.now.fetch_add(1, Ordering::Relaxed);
                let turn = place.map(|place| Turn {
                    conversation: format!("c{}", name % 2),
                    place,
                    speaker: Some(USERS[*name].into()),
                    said_at: Some(now),
                });
                let draft = Draft {
                    metadata: [("kind".to_owned(), json!(kind))].into_iter().collect(),
                    expires_at: lives.map(|lives| now + lives),
                    turn,
                    ..Draft::new(text(*words)).within(user(USERS[*name]))
                };
                let tenant = self.tenants[*tenant].clone();
                let id = self.place.add(&tenant, &draft);
                if !self.records.contains(&(tenant.clone(), id)) {
                    self.records.push((tenant, id));
                }
            }
            Step::Change { record, words, kind } if !self.records.is_empty() => {
                let (tenant, id) = &self.records[record % self.records.len()];
                let metadata = Some([("kind".to_owned(), json!(kind))].into_iter().collect());
                let patch = Patch { text: words.map(text), metadata, ..Patch::default() };
                // Another record may say the same already.
                drop(memories.update(tenant, "test", *id, &patch, None));
            }
            Step::Forget { record } if !self.records.is_empty() => {
                let (tenant, id) = self.records.swap_remove(record % self.records.len());
                memories.forget(&tenant, "test", id).unwrap();
                self.forgotten.push(id);
            }
            Step::Wait { ms } => drop(self.place.hands.now.fetch_add(*ms, Ordering::Relaxed)),
            Step::Commit => self.index().commit().unwrap(),
            Step::Tend => self.index().tend(&mut |_| {}).unwrap(),
            Step::Reopen { embedder, crash } => {
                if !crash {
                    self.index().commit().unwrap();
                }
                (self.index, self.embedder) = (None, *embedder);
            }
            Step::Damage(damage) => self.damage(*damage),
            Step::Copy { back } => self.copy(*back),
            Step::Change { .. } | Step::Forget { .. } => {}
        }
    }

    fn damage(&mut self, damage: Damage) {
        self.index = None;
        let of_words = |number: usize| {
            let files = files(&self.place.path("words"));
            (!files.is_empty()).then(|| files[number % files.len()].clone())
        };
        let change = |number: usize, change: &dyn Fn(&mut Vec<u8>)| {
            if let Some(path) = of_words(number) {
                let mut bytes = std::fs::read(&path).unwrap();
                change(&mut bytes);
                std::fs::write(&path, bytes).unwrap();
            }
        };
        match damage {
            Damage::DeleteAll => drop(std::fs::remove_dir_all(self.place.path("words"))),
            Damage::DeleteOne(number) => drop(of_words(number).map(std::fs::remove_file)),
            Damage::Truncate(number) => change(number, &|bytes| bytes.truncate(bytes.len() / 2)),
            Damage::Garbage(number) => change(number, &|bytes| bytes.fill(0xA5)),
            Damage::Flip(number, at) => change(number, &|bytes| {
                let length = bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at % length) {
                    *byte ^= 0x10;
                }
            }),
            Damage::Vectors => std::fs::write(self.place.path("vectors.db"), b"no database").unwrap(),
            Damage::NoVectors => drop(std::fs::remove_file(self.place.path("vectors.db"))),
        }
    }

    fn copy(&mut self, back: bool) {
        self.index = None;
        let (words, copy) = (self.place.path("words"), self.place.path("copy"));
        let (from, to) = if back { (copy, words) } else { (words, copy) };
        if !from.exists() {
            return;
        }
        copied(&from, &to);
    }

    fn compare(&mut self) {
        self.index();
        let Run { place, index, tenants, forgotten, embedder, .. } = self;
        let index = index.as_ref().unwrap();
        for tenant in tenants {
            assert_eq!(index.entities(tenant).unwrap(), place.entities(tenant));
            for filter in [json!({}), json!({"user_id": "ana"}), json!({"user_id": "ben", "metadata": {"kind": 1}})] {
                let filter = Filter::parse(&filter).unwrap();
                let mut expected = place.live(tenant, &filter);
                expected.reverse();
                let listed = index.list(tenant, &filter, 1, 3).unwrap();
                assert_eq!(listed.total, expected.len());
                assert_eq!(listed.page, expected.into_iter().skip(1).take(3).collect::<Vec<_>>());
                let text = "coffee and paintings";
                let found = ids(index, tenant, &all(text, Mode::Lexical, &filter));
                assert_eq!(found, place.with_words(tenant, &filter, text));
                let hybrid =
                    ids(index, tenant, &memory::index::Query { neighbours: true, ..all(text, Mode::Hybrid, &filter) });
                assert!(hybrid.iter().all(|id| !forgotten.contains(id)));
                assert!(found.iter().all(|id| hybrid.contains(id)), "what words find, both find");
                if *embedder > 0 {
                    index.embed_pending(&mut |_| {}).unwrap();
                    let near = ids(index, tenant, &all(text, Mode::Dense, &filter));
                    assert_eq!(near, place.live(tenant, &filter).iter().map(|it| it.record.id).collect::<Vec<_>>());
                }
            }
        }
        assert!(index.check().unwrap().is_empty(), "{:?}", index.check());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_a_reference_over_the_store(steps in proptest::collection::vec(step(), 1..60)) {
        let mut run = Run::new();
        for (number, step) in steps.iter().enumerate() {
            run.take(step);
            if number % 10 == 9 {
                run.compare();
            }
        }
        run.compare();
    }
}
