//! The short form of the model-checking suite: a test a model, so that they run side by side.
//!
//! Numbers of states, depths and mutants are exact. Where a change of the core is meant to change them, `trace verify`
//! tells the new ones, and `docs/verification.md` says how it is made anew.

use consistency::Level;
use consistency::guard::Guard;
use std::collections::BTreeSet;
use verification::model::ladder::Rung;
use verification::model::mutants::{Fate, LEDGER};
use verification::model::promise::{Event, Promise};
use verification::model::run::Search;
use verification::model::suite::{self, Form};

/// A test for each model of the short form, and one that none is missing.
macro_rules! models {
    ($($test:ident = $model:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            let row = suite::row($model).unwrap();
            let checked = row.setup.check(row.search, 1, &mut |_| ());
            let unexpected = row.unexpected(&checked);
            assert!(unexpected.is_empty(), "{}:\n{}", $model, unexpected.join("\n"));
        })*

        #[test]
        fn every_model_of_the_short_form_has_a_test() {
            let names: Vec<_> = suite::rows(Form::Short).iter().map(|row| row.setup.name).collect();
            assert_eq!(names, [$($model),*]);
        }
    };
}

models! {
    level_0 = "l0",
    level_1 = "l1",
    predicates = "predicates",
    level_2 = "l2",
    level_3 = "l3",
    level_4 = "l4",
    durability = "durability",
    outbox_with_keys = "outbox-keyed",
    outbox_that_asks = "outbox-queryable",
    outbox_in_doubt = "outbox-never",
    processes = "processes",
    leases = "leases",
    read_only = "read-only",
    collection = "collection",
    collection_at_its_cap = "cap",
    deltas = "deltas",
    merges = "merges",
    repair = "repair",
    idempotency = "idempotency",
    forgery = "forgery",
}

#[test]
fn every_level_excludes_what_it_says_and_admits_the_rest() {
    for level in Level::ALL {
        let rung = Rung::check(level);
        assert!(rung.unexpected().is_empty(), "{level}:\n{}", rung.unexpected().join("\n"));
        for (promise, found) in verification::model::ladder::ANOMALIES.iter().zip(&rung.found) {
            let (_, excluded) = promise.anomaly().unwrap();
            assert_eq!(found.is_none(), level >= excluded, "{promise} at {level}");
        }
    }
}

#[test]
fn every_guard_is_in_the_ledger_once() {
    let guards: Vec<_> = LEDGER.iter().map(|mutant| mutant.guard).collect();
    assert_eq!(guards, Guard::ALL);
}

#[test]
fn every_mutant_meets_its_fate() {
    for mutant in LEDGER {
        let found = mutant.check();
        assert_eq!(mutant.unexpected(found.as_ref()), None);
        if let Fate::Survives(reason) = mutant.fate {
            assert!(!reason.is_empty(), "{:?} survives for a reason", mutant.guard);
        }
    }
}

#[test]
fn every_promise_is_tried_and_everything_happens_in_some_model() {
    let rows = suite::rows(Form::Short);
    let tried: BTreeSet<Promise> = rows.iter().flat_map(|row| &row.promises).copied().collect();
    let happens: BTreeSet<Event> = rows.iter().flat_map(|row| &row.sometimes).copied().collect();
    let all = |promise: &&Promise| !tried.contains(promise);
    assert_eq!(Promise::ALL.iter().filter(all).collect::<Vec<_>>(), Vec::<&Promise>::new());
    let missing = Event::ALL.iter().filter(|event| !happens.contains(event)).collect::<Vec<_>>();
    assert_eq!(missing, Vec::<&Event>::new());
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let mut row = suite::row("forgery").unwrap();
    row.states += 1;
    row.depth = Some(0);
    row.sometimes.push(Event::Crash);
    row.promises.push(Promise::ActsOnce);
    let checked = row.setup.check(row.search, 2, &mut |_| ());
    assert_eq!(row.unexpected(&checked).len(), 4);
}

#[test]
fn random_walks_find_nothing_but_what_is_expected() {
    let mut row = suite::row("walks").unwrap();
    row.search = Search::Walks(20_000, 7);
    let checked = row.setup.check(row.search, 1, &mut |_| ());
    assert!(checked.broken.is_empty() && checked.states >= 20_000, "{:?}", checked.broken);
}

#[test]
fn the_page_has_the_numbers_of_the_suite() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verification.md");
    let page = std::fs::read_to_string(path).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().replace(',', "")).collect::<Vec<_>>();
    let has = |wanted: &[(usize, String)]| {
        page.lines().map(cells).any(|row| wanted.iter().all(|(place, cell)| row.get(*place) == Some(cell)))
    };
    for row in suite::rows(Form::Short).into_iter().chain(suite::rows(Form::Long)) {
        let mut wanted = vec![(1, row.setup.name.to_owned()), (3, row.setup.size())];
        if !matches!(row.search, Search::Walks(..)) {
            wanted.push((4, row.states.to_string()));
        }
        wanted.extend(row.depth.map(|depth| (5, depth.to_string())));
        assert!(has(&wanted), "docs/verification.md is stale: it lacks {wanted:?}; its head says how it is made");
    }
    for mutant in LEDGER {
        let mut wanted = vec![(1, format!("{:?}", mutant.guard)), (2, mutant.model.to_owned())];
        if let Fate::Caught(promise, depth) = mutant.fate {
            wanted.extend([(3, promise.to_string().replace(',', "")), (4, depth.to_string())]);
        }
        assert!(has(&wanted), "docs/verification.md is stale: it lacks {wanted:?}; its head says how it is made");
    }
}
