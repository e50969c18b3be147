//! Another process: this very binary, started anew with a task in its environment.
//!
//! It reports on its standard output, one line at a time, in one write each: what was written before it died can be read.

use consistency::Level;
use consistency::cell::{Key, Version};
use consistency::decide::{Order, Reply};
use consistency::ledger::{Effect, EffectId, Lease, Open, Registered, Written};
use consistency::range::Range;
use consistency::session;
use consistency::state::{Input, Output};
use consistency::store::outbox::{Dispatcher, Options as Dispatch};
use consistency::store::sqlite::{Options, SqliteShell};
use consistency::store::{Entry, Live, Outcome, Shell, Store, StoreError, System, World};
use consistency::{Lane, SessionId, Tool};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The environment variable that holds a task.
const TASK: &str = "TRACE_CHILD";
/// The file, in its folder, with what processes say when they panic.
const SAID: &str = "said";

/// Starts a process on a folder.
pub(crate) fn start(task: &str, folder: &Path) -> Child {
    command(Command::new(std::env::current_exe().unwrap()), task, folder).spawn().unwrap()
}

/// Makes a command do a task on a folder.
pub(crate) fn command(mut command: Command, task: &str, folder: &Path) -> Command {
    command.args(["--exact", "child::another_process", "--ignored", "--nocapture"]).env(TASK, task);
    command.env("TRACE_FOLDER", folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let said = File::options().append(true).create(true).open(folder.join(SAID)).unwrap();
    command.stderr(said);
    command
}

/// The test that is no test: what another process does.
#[test]
#[ignore = "runs in the processes that other tests start"]
fn another_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let folder = PathBuf::from(std::env::var_os("TRACE_FOLDER").unwrap());
    let words: Vec<&str> = task.split(' ').collect();
    match words[..] {
        ["work", name] => work(&folder, name, |_| {}),
        ["die", name, point, n] => work(&folder, name, dying(point, n.parse().unwrap())),
        ["append", name] => super::append::rounds(&folder, name),
        ["fill"] => super::disk::fill(&folder),
        ["stress", actor, level, runs] => {
            super::stress::process(&folder, actor.parse().unwrap(), level.parse().unwrap(), runs.parse().unwrap());
        }
        _ => panic!("no task: {task}"),
    }
}

/// Tells whoever started this process.
pub(crate) fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("@ {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a process reported, without what the test harness says.
pub(crate) fn reported(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output).into_owned();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::trim_end);
    whole.filter_map(|line| line.split_once("@ ").map(|(_, line)| line.to_owned())).collect()
}

/// What the processes of a folder said when they panicked.
pub(crate) fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(SAID)).unwrap_or_default()
}

/// Ends the process at a point, when it is reached for the n-th time.
fn dying(at: &str, n: u64) -> impl Fn(&str) + Clone + Send + Sync + 'static {
    let (at, reached) = (at.to_owned(), Arc::new(AtomicU64::new(0)));
    move |point: &str| {
        if point.replace(' ', "-") == at && reached.fetch_add(1, Ordering::SeqCst) + 1 == n {
            std::process::abort();
        }
    }
}

/// The file of a store in a folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// How dispatchers work in these tests: with claims that a lost one does not hold for long.
pub(crate) fn dispatch() -> Dispatch {
    let (claim, look_again) = (Duration::from_millis(300), Duration::from_millis(20));
    Dispatch { claim, look_again, threads: 3.try_into().unwrap(), ..Dispatch::default() }
}

/// Commits without a pause and sends what may leave, until the process ends; reports each acknowledged commit.
fn work(folder: &Path, name: &str, at: impl Fn(&str) + Clone + Send + Sync + 'static) {
    let now = Arc::new(|| System.now());
    let point = at.clone();
    let faults: Arc<dyn Fn(consistency::store::sqlite::Point) + Send + Sync> =
        Arc::new(move |reached| point(&format!("{reached:?}")));
    let shell = SqliteShell::open(&file(folder), Options { faults: Some(faults), ..Options::new(now) }).unwrap();
    let shell = Arc::new(Watched { shell, at: at.clone() });
    let store = Store::with(shell, Arc::new(System));
    super::tools::register(&store);
    report("open");
    let tools = Arc::new(super::tools::Files { folder: folder.to_owned(), at });
    let dispatcher = Dispatcher::run(&store, tools, dispatch()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let store = &store;
            scope.spawn(move || (0..40).for_each(|n| commit(store, name, &format!("{name}-{thread}-{n}"))));
        }
    });
    while !store.lanes().unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    dispatcher.stop();
}

/// Commits one piece of work: a cell of its own, a line of a log, a counter, and an effect on every lane.
fn commit(store: &Store, name: &str, item: &str) {
    let mut session = store.begin(name, Level::L3).unwrap();
    session.read("anything").unwrap();
    session.write(&format!("own/{item}"), item).unwrap();
    session.append(&format!("log/{name}"), item).unwrap();
    session.count("count", 1).unwrap();
    for (tool, _) in super::tools::TOOLS {
        session.effect(super::tools::lane(tool), tool, item).unwrap();
    }
    if let Outcome::Committed { version, .. } = session.commit(item).unwrap() {
        report(&format!("{version} {item}"));
    }
}

/// A shell that tells when a dispatcher claims and settles.
struct Watched<F> {
    shell: SqliteShell,
    at: F,
}

impl<F> std::fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shell.fmt(f)
    }
}

impl<F: Fn(&str) + Send + Sync> Shell for Watched<F> {
    fn submit(&self, input: Input) -> Result<Output, StoreError> {
        let settles = matches!(input, Input::Order(Order::Settle { .. }));
        if settles {
            (self.at)("before settling");
        }
        let output = self.shell.submit(input);
        if settles {
            (self.at)("after settling");
        }
        if matches!(output, Ok(Output::Reply(Reply::Claimed { .. }))) {
            (self.at)("after claiming");
        }
        output
    }
    fn wait(&self, since: Version, timeout: Duration) -> Result<Version, StoreError> {
        self.shell.wait(since, timeout)
    }
    fn session(&self, id: SessionId) -> Result<Option<session::Session>, StoreError> {
        self.shell.session(id)
    }
    fn sessions(&self) -> Result<Vec<Live>, StoreError> {
        self.shell.sessions()
    }
    fn clock(&self) -> Result<Version, StoreError> {
        self.shell.clock()
    }
    fn identity(&self) -> Result<String, StoreError> {
        self.shell.identity()
    }

    fn history(&self, key: &Key) -> Result<Vec<Written>, StoreError> {
        self.shell.history(key)
    }
    fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError> {
        self.shell.newest(keys)
    }
    fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.shell.list(range, limit)
    }
    fn log_since(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.shell.log_since(seq, limit)
    }
    fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.shell.written_since(since, limit)
    }
    fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, StoreError> {
        self.shell.effects(after, limit)
    }
    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.shell.lanes()
    }
    fn open_commits(&self) -> Result<Vec<Open>, StoreError> {
        self.shell.open_commits()
    }
    fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError> {
        self.shell.tools()
    }
    fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError> {
        self.shell.leases()
    }
}
