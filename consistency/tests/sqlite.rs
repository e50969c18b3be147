//! The store in a file: what survives, what several processes see, and that it answers as the core does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects has failed"
)]

#[path = "sqlite/crash.rs"]
mod crash;
#[path = "sqlite/differential.rs"]
mod differential;
#[path = "sqlite/keeps.rs"]
mod keeps;
#[path = "sqlite/processes.rs"]
mod processes;

use consistency::decide::{Issue, Order, Reply, Work};
use consistency::operation::{Delta, Operation};
use consistency::range::Range;
use consistency::session::{Begin, Mode};
use consistency::state::{Act, Input, Output};
use consistency::store::sqlite::{Options, Point, SqliteShell};
use consistency::store::{Shell, Store, StoreError};
use consistency::{Content, Key, Level, SessionId, Version};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder for a store, gone with the value.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn open(&self) -> SqliteShell {
        open(&self.path())
    }
}

fn options() -> Options {
    Options::new(Arc::new(|| 1_000_000))
}

fn open(path: &Path) -> SqliteShell {
    SqliteShell::open(path, options()).unwrap()
}

/// A session's number that nothing else of the test run has, in whichever process.
fn fresh() -> SessionId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    SessionId(u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Ordering::Relaxed))
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn begin_as(shell: &dyn Shell, level: Level, mode: Mode) -> SessionId {
    let id = fresh();
    let begin = Begin { id, agent: "tester".into(), level, mode, started: id.0 };
    assert_eq!(shell.submit(Input::Begin(begin)).unwrap(), Output::Session(id));
    id
}

fn begin(shell: &dyn Shell) -> SessionId {
    begin_as(shell, Level::L1, Mode::ReadWrite)
}

fn read(shell: &dyn Shell, id: SessionId, cell: &str) -> Output {
    shell.submit(Input::Act(id, Act::Read(key(cell)))).unwrap()
}

fn put(cell: &str, value: Json) -> Work {
    write(cell, Operation::Put(value.into()))
}

fn append(cell: &str, value: Json) -> Work {
    write(cell, Operation::Delta(Delta::Append(value.into())))
}

fn write(cell: &str, operation: Operation) -> Work {
    Work { writes: [(key(cell), vec![operation])].into(), ..Work::default() }
}

fn issue(lane: &str, tool: &str) -> Issue {
    Issue { lane: lane.into(), tool: tool.into(), payload: json!({"to": lane}).into() }
}

fn commit(shell: &dyn Shell, id: SessionId, work: Work) -> Result<Output, StoreError> {
    shell.submit(Input::Commit { id, work, now: 10 })
}

/// Commits in a session of its own.
fn once(shell: &dyn Shell, work: Work) -> Version {
    committed(commit(shell, begin(shell), work))
}

fn committed(output: Result<Output, StoreError>) -> Version {
    match output.unwrap() {
        Output::Reply(Reply::Committed { version, .. }) => version,
        other => panic!("not committed: {other:?}"),
    }
}

fn order(shell: &dyn Shell, order: Order) -> Reply {
    match shell.submit(Input::Order(order)).unwrap() {
        Output::Reply(reply) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// What a cell holds now.
fn holds(shell: &dyn Shell, cell: &str) -> Content {
    let id = begin(shell);
    let seen = read(shell, id, cell);
    shell.submit(Input::Abort(id)).unwrap();
    match seen {
        Output::Read(content, _) => content,
        other => panic!("nothing read: {other:?}"),
    }
}

fn length(content: &Content) -> usize {
    content.value().and_then(|value| value.json().as_array().map(Vec::len)).unwrap_or_default()
}
