//! Many agents at once, at every level, over a few cells, lanes and tools: threads in memory and processes on a file. The
//! anomalies that the level excludes never occur in their histories, and all the others do, so that the runs could show them.
//!
//! Tools are replaced between calls and not within one: no store can see what happens inside a call.

use super::child::{file, report, said, start};
use super::record::{Anomalies, append, commit, judge, read};
use super::{Dice, Place, times};
use consistency::decide::{Issue as Issued, Order, Reply, Work};
use consistency::history::{Event, How, Issue};
use consistency::ledger::{DropCause, Registered, Repeat, Stage};
use consistency::operation::Operation;
use consistency::range::Range;
use consistency::session::{Begin, Mode};
use consistency::state::{Act, Input, Output};
use consistency::store::outbox::{Answer, Call, Options as Dispatch, Tools, Turn};
use consistency::store::sqlite::{Options, SqliteShell, replay};
use consistency::store::{Memory, Shell, Store, System, World};
use consistency::{Key, Lane, Level, Millis, SessionId, Tool, Version};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CELLS: [&str; 3] = ["cell/a", "cell/b", "cell/c"];
const LANES: [&str; 2] = ["mail", "repository"];
const TOOL: &str = "tool";

fn keys() -> Vec<Key> {
    CELLS.map(|cell| Key::new(cell).unwrap()).to_vec()
}

/// A clock that moves on with every look, so that what waits for a moment never waits long.
#[derive(Debug, Default)]
struct Ticking(AtomicU64);

impl World for Ticking {
    fn now(&self) -> Millis {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
    fn fresh(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Where the effects of a run are told, in the order in which they leave.
enum Sink {
    Threads(Arc<Mutex<Vec<Event>>>),
    Processes(PathBuf),
}

/// One agent of a run: it holds one session after the other, and now and then does what operators do.
struct Actor<'a> {
    name: String,
    level: Level,
    dice: Dice,
    shell: &'a Arc<dyn Shell>,
    world: Arc<dyn World>,
    store: Store,
    /// Its lock is held while a tool is replaced, and shared while one is called.
    registry: PathBuf,
    sink: &'a Sink,
    events: Vec<Event>,
    held: Vec<Version>,
    pause: fn(&mut Dice),
}

impl Actor<'_> {
    fn submit(&self, input: Input) -> Output {
        self.shell.submit(input).unwrap()
    }

    fn order(&self, order: Order) -> Reply {
        match self.submit(Input::Order(order)) {
            Output::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn run(&mut self, turns: u64) {
        for _ in 0..turns {
            match self.dice.below(8) {
                0 => self.replace_the_tool(),
                1 => self.decide_what_is_held(),
                2 | 3 => self.dispatch(),
                _ => self.session(),
            }
            (self.pause)(&mut self.dice);
        }
        while !self.held.is_empty() {
            self.decide_what_is_held();
        }
    }

    fn session(&mut self) {
        let id = SessionId(self.world.fresh());
        let (agent, level, mode) = (self.name.as_str().into(), self.level, Mode::ReadWrite);
        self.events.push(Event::Begin { session: id, agent: self.name.as_str().into(), level });
        self.submit(Input::Begin(Begin { id, agent, level, mode, started: self.world.now() }));
        let reason = match self.generate(id) {
            Some(work) => match self.commit(id, work) {
                Ok(()) => return,
                Err(reason) => reason,
            },
            None => "doomed".to_owned(),
        };
        self.submit(Input::Abort(id));
        self.events.push(Event::Abort { session: id, reason });
    }

    /// Reads, searches and pins, and makes up what to write; nothing where the session is doomed.
    fn generate(&mut self, session: SessionId) -> Option<Work> {
        for _ in 0..=self.dice.below(2) {
            if self.dice.once_in(4) {
                self.scan(session)?;
            } else {
                let key = keys().swap_remove(usize::try_from(self.dice.below(3)).unwrap());
                let Output::Read(value, version) = self.submit(Input::Act(session, Act::Read(key.clone()))) else {
                    return None;
                };
                self.events.push(Event::Read { session, key, version, value: Some(value) });
            }
            (self.pause)(&mut self.dice);
        }
        let mut work = Work { hold: self.dice.once_in(4), ..Work::default() };
        let key = keys().swap_remove(usize::try_from(self.dice.below(3)).unwrap());
        let item = json!([self.name, self.dice.below(1000)]).into();
        let operation = match self.dice.below(5) {
            0 => Operation::Delete,
            _ => Operation::Put(item),
        };
        work.writes.insert(key, vec![operation]);
        if self.dice.once_in(2) {
            let Output::Pinned(fingerprint) = self.submit(Input::Act(session, Act::Pin(TOOL.into()))) else {
                return None;
            };
            self.events.push(Event::Pin { session, tool: TOOL.into(), fingerprint });
            for _ in 0..=self.dice.below(2) {
                let lane: Lane = LANES[usize::try_from(self.dice.below(2)).unwrap()].into();
                work.effects.push(Issued { lane, tool: TOOL.into(), payload: json!("do").into() });
            }
        }
        Some(work)
    }

    fn scan(&mut self, session: SessionId) -> Option<()> {
        let range = Range::prefix("cell/");
        let Output::Scanned(found) = self.submit(Input::Act(session, Act::Scan(range.clone()))) else { return None };
        let kept = self.shell.session(session).unwrap().unwrap();
        let snapshot = kept.searches.last().map(|search| search.through);
        let found = found.into_iter().map(|(key, written)| (key, written.version)).collect();
        let Range { from, to } = range;
        self.events.push(Event::Scan { session, from, to, found, snapshot });
        Some(())
    }

    fn commit(&mut self, id: SessionId, work: Work) -> Result<(), String> {
        let how = |operations: &[Operation]| match operations {
            [Operation::Put(_)] => How::Put,
            [Operation::Delete] => How::Delete,
            _ => How::Delta,
        };
        let writes: Vec<_> = work.writes.iter().map(|(key, operations)| (key.clone(), how(operations))).collect();
        let issues = work.effects.iter();
        let issues = issues.map(|issue| Issue { lane: issue.lane.clone(), tool: issue.tool.clone() }).collect();
        let hold = work.hold;
        match self.submit(Input::Commit { id, work, now: self.world.now() }) {
            Output::Reply(Reply::Committed { version, .. }) => {
                self.events.push(commit(id, version, &writes, issues));
                if hold {
                    self.held.push(version);
                }
                Ok(())
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Approves a held commit of its own, or takes it back, if nobody has.
    fn decide_what_is_held(&mut self) {
        let Some(version) = self.held.pop() else { return };
        if self.dice.once_in(2) {
            self.order(Order::Approve { version });
        } else if let Reply::Retracted { version, commits } =
            self.order(Order::Retract { version, agent: self.name.as_str().into() })
        {
            self.events.push(Event::Retract { version, retracted: commits, writes: Vec::new() });
        }
    }

    fn replace_the_tool(&mut self) {
        let lock = File::create(&self.registry).unwrap();
        lock.lock().unwrap();
        register(&self.store, self.dice.below(3));
    }

    /// Sends what may leave on a lane, one effect at most.
    fn dispatch(&mut self) {
        let lane = LANES[usize::try_from(self.dice.below(2)).unwrap()].into();
        let lock = File::create(&self.registry).unwrap();
        lock.lock_shared().unwrap();
        let turned_down = self.dice.once_in(3);
        let tools = Told { store: &self.store, sink: self.sink, turned_down };
        self.store.dispatch_once(&lane, &tools, &dispatch(self.sink)).unwrap();
    }
}

fn register(store: &Store, fingerprint: u64) {
    store.register(TOOL, fingerprint.to_string(), Repeat::Keyed).unwrap();
}

/// What was turned down waits for about as long as the others need to overtake it.
fn dispatch(sink: &Sink) -> Dispatch {
    let pause = match sink {
        Sink::Threads(_) => 5,
        Sink::Processes(_) => 30,
    };
    Dispatch { first_pause: Duration::from_millis(pause), most_failures: u32::MAX, ..Dispatch::default() }
}

/// A tool that tells when it is called, and as what.
struct Told<'a> {
    store: &'a Store,
    sink: &'a Sink,
    turned_down: bool,
}

impl Tools for Told<'_> {
    fn call(&self, call: &Call) -> Answer {
        if self.turned_down {
            return Answer::Retry;
        }
        let found = self.store.tools().unwrap().into_iter().find(|(tool, _)| *tool == call.tool);
        let fingerprint = found.map(|(_, Registered { fingerprint, .. })| fingerprint);
        let (index, lane, tool): (_, Lane, Tool) = (call.id.index as usize, call.lane.clone(), call.tool.clone());
        let event = Event::Effect { version: call.id.commit, index, lane, tool, fingerprint };
        match self.sink {
            Sink::Threads(events) => events.lock().unwrap().push(event),
            Sink::Processes(path) => append(path, &[event]),
        }
        Answer::Done
    }
}

/// Sends all that is left when the agents are gone: nothing may be stuck, and nothing lost.
fn drain(store: &Store, sink: &Sink) {
    let tools = Told { store, sink, turned_down: false };
    for lane in LANES {
        while let Turn::Sent { .. } | Turn::Idle { blocked: Some(_) } =
            store.dispatch_once(&lane.into(), &tools, &dispatch(sink)).unwrap()
        {}
    }
    let settled =
        |stage: &Stage| matches!(stage, Stage::Done | Stage::Dropped(DropCause::Retracted | DropCause::ToolChanged));
    assert!(store.effects(None, usize::MAX).unwrap().iter().all(|effect| settled(&effect.stage)));
}

/// Checks what the histories of a level must not show, and what they must.
fn check(level: Level, runs: u64, what: &str, found: Anomalies) {
    println!("{level}: {runs} runs of {what}: {found:?}");
    for (anomaly, (name, first)) in
        found.by_level().into_iter().zip([("A1", Level::L1), ("A3", Level::L2), ("A6", Level::L3), ("A2", Level::L4)])
    {
        if level >= first {
            assert_eq!(anomaly, 0, "{level} excludes {name}");
        } else {
            assert!(anomaly > 0, "{level} admits {name}, and no run of {what} shows it");
        }
    }
    assert_eq!(
        found.cyclic > 0,
        level == Level::L0,
        "{level}: no serialization graph has a cycle from L1 on, and some do below"
    );
    assert!(found.commits as u64 > runs && found.effects as u64 > runs, "{found:?}");
}

/// One run of three threads in memory.
fn threads(level: Level, stream: u64, registry: &Path) -> Anomalies {
    let (shell, world): (Arc<dyn Shell>, Arc<dyn World>) = (Arc::new(Memory::default()), Arc::new(Ticking::default()));
    let store = Store::with(shell.clone(), world.clone());
    register(&store, 0);
    let effects = Arc::new(Mutex::new(Vec::new()));
    let sink = Sink::Threads(effects.clone());
    let mut events = Vec::new();
    std::thread::scope(|scope| {
        let actor = |n: u64| Actor {
            name: format!("agent {n}"),
            level,
            dice: Dice::new(stream * 8 + n),
            shell: &shell,
            world: world.clone(),
            store: store.clone(),
            registry: registry.to_owned(),
            sink: &sink,
            events: Vec::new(),
            held: Vec::new(),
            pause: |dice| (0..dice.below(3)).for_each(|_| std::thread::yield_now()),
        };
        let actors: Vec<_> = (0..3).map(actor).collect();
        let run = |mut actor: Actor<'_>| {
            actor.run(10);
            actor.events
        };
        let running: Vec<_> = actors.into_iter().map(|actor| scope.spawn(move || run(actor))).collect();
        events.extend(running.into_iter().flat_map(|actor| actor.join().unwrap()));
    });
    drain(&store, &sink);
    events.append(&mut effects.lock().unwrap());
    judge(events, &*shell, &keys())
}

#[test]
fn threads_in_memory_show_no_anomaly_that_their_level_excludes_and_all_others() {
    let (place, runs) = (Place::new(), times(1000));
    for level in Level::ALL {
        let found = std::thread::scope(|scope| {
            let half = |n: u64| {
                let registry = place.path().join(format!("registry {n}"));
                scope.spawn(move || {
                    let runs = (0..runs).filter(|run| run % 2 == n);
                    runs.map(|run| threads(level, run, &registry)).fold(Anomalies::default(), Anomalies::plus)
                })
            };
            [half(0), half(1)].map(|half| half.join().unwrap()).into_iter().fold(Anomalies::default(), Anomalies::plus)
        });
        check(level, runs, "threads in memory", found);
    }
}

fn opened(folder: &Path) -> Arc<dyn Shell> {
    Arc::new(SqliteShell::open(&file(folder), Options::new(Arc::new(|| System.now()))).unwrap())
}

/// One agent of every run, in a process of its own: it begins each run when it is told to, and tells when it is done.
pub(crate) fn process(folder: &Path, agent: u64, level: Level, runs: u64) {
    let mut told = std::io::stdin().lock().lines();
    for run in 0..runs {
        told.next().unwrap().unwrap();
        let folder = folder.join(run.to_string());
        let shell = opened(&folder);
        let world: Arc<dyn World> = Arc::new(System);
        let mut actor = Actor {
            name: format!("agent {agent}"),
            level,
            dice: Dice::new((1000 + run) * 8 + agent),
            shell: &shell,
            world: world.clone(),
            store: Store::with(shell.clone(), world),
            registry: folder.join("registry"),
            sink: &Sink::Processes(folder.join("effects")),
            events: Vec::new(),
            held: Vec::new(),
            pause: |dice| std::thread::sleep(Duration::from_micros(dice.below(500))),
        };
        actor.run(7);
        append(&folder.join(format!("events {agent}")), &actor.events);
        drop(actor);
        drop(shell);
        report("done");
    }
}

/// The runs of a level: two or three processes share a store, a new one each run.
fn processes(level: Level, runs: u64) -> Anomalies {
    let (place, mut found) = (Place::new(), Anomalies::default());
    let agents = 2 + u64::from(level >= Level::L2);
    let mut children: Vec<_> =
        (0..agents).map(|agent| start(&format!("stress {agent} {level} {runs}"), &place.path())).collect();
    let mut told: Vec<_> =
        children.iter_mut().map(|child| std::io::BufReader::new(child.stdout.take().unwrap()).lines()).collect();
    for run in 0..runs {
        let folder = place.path().join(run.to_string());
        std::fs::create_dir(&folder).unwrap();
        let shell = opened(&folder);
        let store = Store::with(shell.clone(), Arc::new(System));
        register(&store, 0);
        for child in &mut children {
            child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        }
        for lines in &mut told {
            let done = lines.any(|line| line.unwrap().ends_with("@ done"));
            assert!(done, "a process died in run {run} of {level}: {}", said(&place.path()));
        }
        drain(&store, &Sink::Processes(folder.join("effects")));
        let files = (0..agents).map(|agent| format!("events {agent}")).chain(["effects".to_owned()]);
        let events = files.flat_map(|name| read(&folder.join(name))).collect();
        found = found.plus(judge(events, &*shell, &keys()));
        drop((store, shell));
        replay(&file(&folder)).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    found
}

#[test]
fn processes_on_a_file_show_no_anomaly_that_their_level_excludes_and_all_others() {
    let runs = times(200);
    std::thread::scope(|scope| {
        let levels = Level::ALL.map(|level| (level, scope.spawn(move || processes(level, runs))));
        for (level, found) in levels {
            check(level, runs, "processes on a file", found.join().unwrap());
        }
    });
}
