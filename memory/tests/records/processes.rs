//! Several processes on one store: this very binary, started anew with a task in its environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use consistency::store::{Store, System};
use memory::{Draft, Memories, Tenant};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

fn open(folder: &Path) -> Memories {
    Memories::new(Store::open(folder.join("state.db")).unwrap(), Arc::new(System))
}

fn start(task: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "processes::another_process", "--ignored", "--nocapture"]);
    command.env("TRACE_CHILD", task).env("TRACE_FOLDER", folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The test that is no test: what another process does.
#[test]
#[ignore = "runs in the processes that other tests start"]
fn another_process() {
    let Ok(task) = std::env::var("TRACE_CHILD") else { return };
    let memories = open(Path::new(&std::env::var_os("TRACE_FOLDER").unwrap()));
    // All wait for a line, so that they begin at once.
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    for n in 0.. {
        let text = if task == "same" { "the same fact".to_owned() } else { format!("fact {n}") };
        let added = memories.add(&Tenant::local(), "child", &Draft::new(text)).unwrap();
        let mut out = std::io::stdout().lock();
        out.write_all(format!("@ {}\n", added.id).as_bytes()).unwrap();
        out.flush().unwrap();
        if task == "same" {
            return;
        }
    }
}

#[test]
fn eight_processes_that_add_the_same_fact_add_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let memories = open(folder.path());
    let mut children: Vec<Child> = (0..8).map(|_| start("same", folder.path())).collect();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let ends: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(ends.iter().all(|end| end.status.success()));
    assert_eq!(memories.list(&Tenant::local(), None, 10).unwrap().len(), 1);
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let memories = open(folder.path());
    let mut child = start("many", folder.path());
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        acknowledged.extend(line.split_once("@ ").map(|(_, id)| id.parse::<memory::RecordId>().unwrap()));
        // It goes on writing while it dies.
        if acknowledged.len() == 50 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 50);
    assert!(memories.newest(&Tenant::local(), &acknowledged).unwrap().iter().all(Option::is_some));
}
