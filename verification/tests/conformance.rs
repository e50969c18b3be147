//! Conformance: random paths of the models drive the store in a file, which has to answer as the core did, and to hold the
//! same rows in the end. The other way, a store's own log is replayed through the core.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use consistency::Key;
use consistency::ledger::{Ledger, View as _, Written};
use consistency::range::Range;
use consistency::state::{Input, Output, State};
use consistency::store::Shell as _;
use consistency::store::sqlite::{Options, SqliteShell, replay};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use verification::model::suite::{self, Form};

/// How long a path is; most end before, where nothing is left to do.
const LENGTH: usize = 40;

#[test]
fn paths_of_the_models_lead_a_store_in_a_file_to_the_same_rows() {
    let walks = if std::env::var_os("TRACE_LONG").is_some() { 200 } else { 25 };
    let (mut answers, mut inputs) = (BTreeSet::new(), 0);
    for row in suite::rows(Form::Short) {
        for seed in 0..walks {
            let folder = tempfile::tempdir().unwrap();
            let (asked, state) = row.setup.walk(seed, LENGTH);
            let start = row.setup.walk(seed, 0).1;
            let path = folder.path().join("state.db");
            let place = format!("{}, path {seed}", row.setup.name);
            drive(&path, &start, &asked, &state, &place);
            inputs += asked.len();
            answers.extend(asked.iter().map(|(_, output)| kind(output)));
            let replayed = replay(&path).unwrap();
            assert_eq!(replayed.clock, state.ledger.clock().unwrap(), "{place}");
        }
    }
    eprintln!("{inputs} inputs, answers: {answers:?}");
    assert!(inputs > 2_000 && answers.len() >= 12, "{inputs} inputs, answers: {answers:?}");
}

/// What an answer is, without what it holds.
fn kind(output: &Output) -> String {
    let text = format!("{output:?}");
    let end =
        |from: usize| text.get(from..).unwrap_or_default().find([' ', '(', '{']).map_or(text.len(), |end| from + end);
    let first = end(0);
    let second = if text.starts_with("Reply(") { end(first + 1) } else { first };
    text.get(..second).unwrap_or_default().to_owned()
}

/// Asks the store what the core was asked.
fn drive(path: &Path, start: &State, asked: &[(Input, Output)], state: &State, place: &str) {
    let shell = SqliteShell::open(path, Options::new(Arc::new(|| 0))).unwrap();
    for (tool, registered) in start.ledger.tools() {
        let (tool, registered) = (tool.clone(), Some(registered.clone()));
        let order = consistency::decide::Order::Register { tool, registered };
        shell.submit(Input::Order(order)).unwrap();
    }
    for (turn, (input, output)) in asked.iter().enumerate() {
        assert_eq!(shell.submit(input.clone()).unwrap(), *output, "{place}, turn {turn}: {input:?}");
        for (id, session) in state.sessions.iter().filter(|_| turn + 1 == asked.len()) {
            let doomed = shell.session(*id).unwrap().map(|session| session.doomed);
            assert_eq!(doomed.as_ref(), Some(&session.doomed), "{place}: the session {id}");
        }
    }
    same(&shell, &state.ledger, place);
}

fn same(shell: &SqliteShell, ledger: &Ledger, place: &str) {
    let keys: Vec<Key> =
        ledger.scan(&Range::all(), ledger.clock().unwrap()).unwrap().into_iter().map(|(key, _)| key).collect();
    for key in keys {
        let meant: Vec<Written> = ledger.history(&key).cloned().collect();
        assert_eq!(shell.history(&key).unwrap(), meant, "{place}: the cell {key}");
    }
    assert_eq!(shell.clock().unwrap(), ledger.clock().unwrap(), "{place}");
    assert_eq!(shell.effects(None, usize::MAX).unwrap(), ledger.effects().cloned().collect::<Vec<_>>(), "{place}");
    assert_eq!(shell.open_commits().unwrap(), ledger.open_commits().cloned().collect::<Vec<_>>(), "{place}");
    let tools: Vec<_> = ledger.tools().map(|(tool, registered)| (tool.clone(), registered.clone())).collect();
    assert_eq!(shell.tools().unwrap(), tools, "{place}");
    let leases: Vec<_> = ledger.leases().map(|(key, lease)| (key.clone(), lease.clone())).collect();
    assert_eq!(shell.leases().unwrap(), leases, "{place}");
}
