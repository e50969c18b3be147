//! What a dispatcher does with effects: order, retries, doubt, approval, retraction, and lanes that do not delay each other.
//!
//! Time is set by hand and threads meet in channels, so nothing here depends on how fast the machine is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

use consistency::decide::{EffectEnd, Wait};
use consistency::ledger::{DropCause, EffectId, Repeat, Stage};
use consistency::store::outbox::{Answer, Call, Dispatcher, Hindrance, Options, Tools, Turn};
use consistency::store::{Memory, Outcome, Store, World};
use consistency::{Lane, Level, Millis, Version};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(5);

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hand {
    now: AtomicU64,
    last: AtomicU64,
}

impl World for Hand {
    fn now(&self) -> Millis {
        self.now.load(Ordering::SeqCst)
    }
    fn fresh(&self) -> u64 {
        self.last.fetch_add(1, Ordering::SeqCst)
    }
}

fn store() -> (Store, Arc<Hand>) {
    let hand = Arc::new(Hand::default());
    hand.now.store(1_000_000, Ordering::SeqCst);
    (Store::with(Arc::new(Memory::default()), hand.clone()), hand)
}

fn options() -> Options {
    Options { look_again: Duration::from_millis(5), ..Options::default() }
}

/// Commits effects `(lane, tool, payload)`.
fn issue(store: &Store, level: Level, effects: &[(&str, &str, &str)]) -> Version {
    commit(store, level, effects, false)
}

#[track_caller]
fn commit(store: &Store, level: Level, effects: &[(&str, &str, &str)], hold: bool) -> Version {
    let mut session = store.begin("agent", level).unwrap();
    for (lane, tool, payload) in effects {
        session.effect(*lane, *tool, *payload).unwrap();
    }
    if hold {
        session.hold();
    }
    match session.commit(None).unwrap() {
        Outcome::Committed { version, .. } => version,
        other => panic!("not committed: {other:?}"),
    }
}

fn stages(store: &Store) -> Vec<Stage> {
    store.effects(None, usize::MAX).unwrap().into_iter().map(|effect| effect.stage).collect()
}

fn payload(call: &Call) -> String {
    call.payload.json().as_str().unwrap_or_default().to_owned()
}

/// A tool that answers from a list, then says that it is done; and remembers its calls.
#[derive(Default)]
struct Script {
    answers: Mutex<Vec<Answer>>,
    happened: Mutex<Vec<Option<bool>>>,
    calls: Mutex<Vec<Call>>,
}

impl Script {
    fn answering(answers: &[Answer]) -> Script {
        Script { answers: Mutex::new(answers.iter().rev().copied().collect()), ..Script::default() }
    }

    fn payloads(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(payload).collect()
    }
}

impl Tools for Script {
    fn call(&self, call: &Call) -> Answer {
        self.calls.lock().unwrap().push(call.clone());
        let answer = self.answers.lock().unwrap().pop();
        answer.unwrap_or(Answer::Done)
    }
    fn ask(&self, _: &Call) -> Option<bool> {
        self.happened.lock().unwrap().pop().unwrap()
    }
}

fn turn(store: &Store, lane: &str, tools: &dyn Tools) -> Turn {
    store.dispatch_once(&lane.into(), tools, &options()).unwrap()
}

/// Lets a lane run until nothing may leave.
fn drain(store: &Store, lane: &str, tools: &dyn Tools) -> Option<(EffectId, Wait)> {
    loop {
        if let Turn::Idle { blocked } = turn(store, lane, tools) {
            return blocked;
        }
    }
}

#[test]
fn from_l3_on_a_failure_holds_back_what_comes_after_it_and_below_it_does_not() {
    for (level, order) in [(Level::L1, vec!["a", "b", "c", "a"]), (Level::L3, vec!["a", "a", "b", "c"])] {
        let (store, hand) = store();
        issue(&store, level, &[("mail", "send", "a"), ("mail", "send", "b")]);
        issue(&store, level, &[("mail", "send", "c")]);
        let tool = Script::answering(&[Answer::Retry]);
        assert_eq!(drain(&store, "mail", &tool).unwrap().1, Wait::Later);
        hand.now.fetch_add(100, Ordering::SeqCst);
        assert_eq!(drain(&store, "mail", &tool), None);
        assert_eq!(tool.payloads(), order, "{level}");
        assert_eq!(stages(&store), vec![Stage::Done; 3]);
    }
}

#[test]
fn failures_wait_twice_as_long_each_time_up_to_a_limit_and_end_at_another() {
    let (store, hand) = store();
    issue(&store, Level::L3, &[("mail", "send", "a")]);
    let tool = Script::answering(&[Answer::Retry; 9]);
    let options = Options { longest_pause: Duration::from_millis(500), most_failures: 6, ..options() };
    let mut pauses = Vec::new();
    loop {
        match store.dispatch_once(&"mail".into(), &tool, &options).unwrap() {
            Turn::Sent { end: Some(EffectEnd::Retry { after }), .. } => {
                pauses.push(after - hand.now());
                hand.now.store(after - 1, Ordering::SeqCst);
                let early = store.dispatch_once(&"mail".into(), &tool, &options).unwrap();
                assert!(matches!(early, Turn::Idle { blocked: Some((_, Wait::Later)) }));
                hand.now.store(after, Ordering::SeqCst);
            }
            Turn::Sent { end: Some(EffectEnd::Failed), .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pauses, [100, 200, 400, 500, 500]);
    let failures: Vec<u32> = tool.calls.lock().unwrap().iter().map(|call| call.failures).collect();
    assert_eq!(failures, [0, 1, 2, 3, 4, 5]);
    assert_eq!(stages(&store), [Stage::Dropped(DropCause::Failed)]);
}

#[test]
fn an_answer_that_is_missing_leaves_doubt_unless_the_tool_takes_a_key_or_can_be_asked() {
    let (store, hand) = store();
    store.register("keyed", "1", Repeat::Keyed).unwrap();
    store.register("queryable", "1", Repeat::Queryable).unwrap();
    for (lane, tool) in [("k", "keyed"), ("q", "queryable"), ("n", "never")] {
        issue(&store, Level::L3, &[(lane, tool, tool), (lane, tool, "next")]);
    }
    let broken = |_: &Call| -> Answer { panic!("the tool breaks, as this test wants") };
    for lane in ["k", "q", "n"] {
        assert!(matches!(turn(&store, lane, &broken), Turn::Sent { .. }));
        assert!(matches!(turn(&store, lane, &broken), Turn::Idle { blocked: Some(_) }), "the lane waits");
    }
    hand.now.fetch_add(3_600_000, Ordering::SeqCst);

    let keyed = Script::default();
    drain(&store, "k", &keyed);
    assert_eq!(keyed.payloads(), ["keyed", "next"]);
    let first = &store.effects(None, 1).unwrap()[0];
    let calls = keyed.calls.lock().unwrap();
    assert!(calls[0].key.ends_with(&format!("/{}/0", first.id.commit)), "{}", calls[0].key);
    assert_ne!(calls[0].key, calls[1].key);

    let asked = Script { happened: Mutex::new(vec![Some(true), None]), ..Script::default() };
    assert_eq!(turn(&store, "q", &asked), Turn::Sent { id: store.effects(None, 3).unwrap()[2].id, end: None });
    hand.now.fetch_add(3_600_000, Ordering::SeqCst);
    drain(&store, "q", &asked);
    assert_eq!(asked.payloads(), ["next"], "what has happened is not done again");

    let never = Script::default();
    assert_eq!(drain(&store, "n", &never).unwrap().1, Wait::InDoubt);
    assert_eq!(never.payloads(), [""; 0], "what may have happened is not done again");
    let pending = store.pending().unwrap();
    let doubtful = pending[0].effect.id;
    let why: Vec<_> = pending.iter().map(|pending| pending.hindrance.unwrap()).collect();
    assert_eq!(why, [Hindrance::Own(Wait::InDoubt), Hindrance::Behind(doubtful)]);
    store.settle(doubtful, EffectEnd::Done).unwrap();
    assert_eq!(store.pending().unwrap()[0].hindrance, None);
    assert_eq!(drain(&store, "n", &never), None);
    assert_eq!(never.payloads(), ["next"]);
    assert_eq!(stages(&store), vec![Stage::Done; 6]);
}

#[test]
fn a_tool_that_was_asked_and_knows_nothing_is_called() {
    let (store, hand) = store();
    store.register("queryable", "1", Repeat::Queryable).unwrap();
    issue(&store, Level::L1, &[("q", "queryable", "a")]);
    turn(&store, "q", &|_: &Call| Answer::Unknown);
    hand.now.fetch_add(3_600_000, Ordering::SeqCst);
    let asked = Script { happened: Mutex::new(vec![Some(false)]), ..Script::default() };
    drain(&store, "q", &asked);
    assert_eq!((asked.payloads(), stages(&store)), (vec!["a".to_owned()], vec![Stage::Done]));
}

#[test]
fn an_answer_after_the_claim_has_ended_counts_only_while_nobody_else_has_the_effect() {
    for (repeat, stage) in [(Repeat::Never, Stage::Done), (Repeat::Keyed, Stage::Dropped(DropCause::Failed))] {
        let (store, hand) = store();
        store.register("tool", "1", repeat).unwrap();
        issue(&store, Level::L3, &[("lane", "tool", "a")]);
        let late = |_: &Call| {
            hand.now.fetch_add(3_600_000, Ordering::SeqCst);
            turn(&store, "lane", &|_: &Call| Answer::Failed);
            Answer::Done
        };
        turn(&store, "lane", &late);
        assert_eq!(stages(&store), [stage], "{repeat:?}");
    }
}

#[test]
fn a_tool_that_changed_is_not_called_at_l4_and_below_it_is() {
    for (level, calls) in [(Level::L3, 1), (Level::L4, 0)] {
        let (store, _) = store();
        store.register("tool", "1", Repeat::Keyed).unwrap();
        issue(&store, level, &[("lane", "tool", "a")]);
        store.register("tool", "2", Repeat::Keyed).unwrap();
        let tool = Script::default();
        assert_eq!(drain(&store, "lane", &tool), None);
        assert_eq!(tool.payloads().len(), calls, "{level}");
        let dropped = stages(&store) == [Stage::Dropped(DropCause::ToolChanged)];
        assert_eq!(dropped, level == Level::L4);
    }
}

/// Tells of each call, and answers when it is told to.
struct Gate {
    calls: Mutex<Sender<Call>>,
    slow: Mutex<Receiver<Answer>>,
}

fn gate() -> (Arc<Gate>, Receiver<Call>, Sender<Answer>) {
    let (calls, seen) = channel();
    let (answer, slow) = channel();
    (Arc::new(Gate { calls: Mutex::new(calls), slow: Mutex::new(slow) }), seen, answer)
}

impl Tools for Gate {
    fn call(&self, call: &Call) -> Answer {
        self.calls.lock().unwrap().send(call.clone()).unwrap();
        if call.lane.as_str().starts_with("slow") {
            self.slow.lock().unwrap().recv_timeout(STUCK).unwrap()
        } else {
            Answer::Done
        }
    }
}

#[test]
fn a_slow_lane_takes_one_thread_and_delays_no_other() {
    let (store, _) = store();
    for payload in ["1", "2", "3", "4", "5"] {
        issue(&store, Level::L0, &[("slow", "tool", payload)]);
    }
    let (tools, calls, answer) = gate();
    let threads = 2.try_into().unwrap();
    let dispatcher = Dispatcher::run(&store, tools, Options { threads, ..options() }).unwrap();
    assert_eq!(payload(&calls.recv_timeout(STUCK).unwrap()), "1");
    for n in 0..20 {
        let lane = format!("fast {}", n % 3);
        issue(&store, Level::L3, &[(&lane, "tool", "quick")]);
        assert_eq!(payload(&calls.recv_timeout(STUCK).unwrap()), "quick", "while the slow lane is still at its first");
    }
    for _ in 0..5 {
        answer.send(Answer::Done).unwrap();
    }
    let slow: Vec<String> = (0..4).map(|_| payload(&calls.recv_timeout(STUCK).unwrap())).collect();
    assert_eq!(slow, ["2", "3", "4", "5"]);
    dispatcher.stop();
    assert_eq!(stages(&store), vec![Stage::Done; 25]);
}

#[test]
fn stopping_waits_for_the_call_under_way_and_begins_no_other() {
    let (store, _) = store();
    issue(&store, Level::L3, &[("slow", "tool", "1"), ("slow", "tool", "2")]);
    let (tools, calls, answer) = gate();
    let dispatcher = Dispatcher::run(&store, tools, options()).unwrap();
    calls.recv_timeout(STUCK).unwrap();
    let stopping = std::thread::spawn(move || dispatcher.stop());
    assert!(!stopping.is_finished(), "the call has not returned");
    answer.send(Answer::Done).unwrap();
    drop(answer);
    stopping.join().unwrap();
    let stages = stages(&store);
    assert_eq!(stages[0], Stage::Done);
    assert!(calls.try_iter().count() <= 1 && stages.len() == 2);
}

#[test]
fn approval_releases_and_retraction_drops_while_the_dispatcher_runs() {
    let (store, _) = store();
    let (tools, calls, _answer) = gate();
    let _dispatcher = Dispatcher::run(&store, tools, options()).unwrap();
    let held = commit(&store, Level::L2, &[("mail", "tool", "held")], true);
    let doomed = commit(&store, Level::L2, &[("mail", "tool", "retracted")], true);
    issue(&store, Level::L2, &[("mail", "tool", "free")]);
    assert_eq!(payload(&calls.recv_timeout(STUCK).unwrap()), "free", "nothing else has left before");
    let open = Some(Hindrance::Own(Wait::NotFinal));
    assert!(store.pending().unwrap().iter().take(2).all(|pending| pending.hindrance == open));
    store.retract(doomed, "person").unwrap();
    store.approve(held).unwrap();
    assert_eq!(payload(&calls.recv_timeout(STUCK).unwrap()), "held");
    issue(&store, Level::L2, &[("mail", "tool", "last")]);
    assert_eq!(payload(&calls.recv_timeout(STUCK).unwrap()), "last");
    assert_eq!(stages(&store)[1], Stage::Dropped(DropCause::Retracted));
}

#[test]
fn several_dispatchers_send_each_effect_once_and_from_l3_on_in_order() {
    let (store, _) = store();
    let (tools, calls, _answer) = gate();
    let dispatchers: Vec<Dispatcher> =
        (0..3).map(|_| Dispatcher::run(&store, tools.clone(), options()).unwrap()).collect();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || {
                for _ in 0..25 {
                    issue(&store, Level::L3, &[("a", "tool", "x"), ("b", "tool", "x"), ("a", "tool", "y")]);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let calls: Vec<Call> = (0..300).map(|_| calls.recv_timeout(STUCK).unwrap()).collect();
    drop(dispatchers);
    let keys: BTreeSet<&str> = calls.iter().map(|call| call.key.as_str()).collect();
    assert_eq!(keys.len(), 300, "every effect once, each under its own key");
    for lane in ["a", "b"] {
        let ids: Vec<EffectId> =
            calls.iter().filter(|call| call.lane == Lane::from(lane)).map(|call| call.id).collect();
        assert!(ids.is_sorted() && ids.len() >= 100, "lane {lane} is in order");
    }
    assert_eq!(stages(&store), vec![Stage::Done; 300]);
}
