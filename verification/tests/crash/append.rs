//! Four processes of six rounds, each adding to one list: by reading and writing it, and by appending.

use super::Place;
use super::child::{file, start};
use consistency::Level;
use consistency::store::sqlite::replay;
use consistency::store::{Outcome, Store};
use serde_json::json;
use std::path::Path;

const WRITERS: [&str; 4] = ["a", "b", "c", "d"];
const ROUNDS: usize = 6;

/// What each process does.
pub(crate) fn rounds(folder: &Path, name: &str) {
    let store = Store::open(file(folder)).unwrap();
    for round in 0..ROUNDS {
        let mut session = store.begin(name, Level::L1).unwrap();
        loop {
            let seen = session.read("list").unwrap();
            let mut list = seen.value().map_or(Vec::new(), |list| list.json().as_array().unwrap().clone());
            list.push(json!([name, round]));
            session.write("list", list).unwrap();
            session.append("log", json!([name, round])).unwrap();
            match session.commit(None).unwrap() {
                Outcome::Committed { .. } => break,
                _ => session.restart().unwrap(),
            }
        }
    }
}

#[test]
fn four_processes_of_six_rounds_append_twenty_four_of_twenty_four() {
    let place = Place::new();
    let writers = WRITERS.map(|name| start(&format!("append {name}"), &place.path()));
    for writer in writers {
        assert!(writer.wait_with_output().unwrap().status.success());
    }
    let store = Store::open(file(&place.path())).unwrap();
    for cell in ["list", "log"] {
        let found = store.snapshot("judge").unwrap().read(cell).unwrap();
        let found = found.value().unwrap().json().as_array().unwrap().clone();
        assert_eq!(found.len(), WRITERS.len() * ROUNDS, "{cell}");
        for name in WRITERS {
            let own: Vec<_> = found.iter().filter(|item| item[0] == name).collect();
            let meant: Vec<_> = (0..ROUNDS).map(|round| json!([name, round])).collect();
            assert!(own.into_iter().eq(&meant), "{cell}: all of {name}, in order");
        }
    }
    drop(store);
    assert_eq!(replay(&file(&place.path())).unwrap().entries, 24);
}
