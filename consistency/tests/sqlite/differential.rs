//! Random inputs go to the core in memory and to the store in a file: equal answers, equal sessions, equal rows.

use super::{Folder, key, open};
use consistency::decide::{EffectEnd, Issue, Order, Reply, Work};
use consistency::ledger::{EffectId, Registered, Repeat, Stage, View};
use consistency::operation::{Delta, Merge, Operation};
use consistency::range::Range;
use consistency::session::{Begin, Mode, Stale};
use consistency::state::{Act, Input, Output, State};
use consistency::store::Shell;
use consistency::store::sqlite::{SqliteShell, replay};
use consistency::{Content, Key, Lane, Level, SessionId, Tool, Version};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What happens; what it is about is chosen among what there is.
#[derive(Debug, Clone)]
enum Event {
    Begin(usize, Level, Mode),
    Act(usize, Act),
    Commit(usize, Work),
    Abort(usize),
    Lease(usize, Key, u64),
    Resume(usize),
    Again(usize, Work),
    /// The order, and whether it comes from another process.
    Order(Choice, bool),
    /// The process ends in order and another one goes on.
    Reopen,
}

#[derive(Debug, Clone)]
enum Choice {
    Retract(usize),
    Approve(usize),
    Register(Tool, Option<Registered>),
    Claim(Lane, u64),
    Settle(usize, bool, EffectEnd),
    Recover,
    Collect(usize),
    Forged,
}

fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![Just(key("a")), Just(key("b/1")), Just(key("b/2"))]
}

fn values() -> impl Strategy<Value = consistency::Value> {
    prop_oneof![Just(json!(null)), Just(json!([1])), Just(json!(0.1)), Just(json!({"x": 1})), Just(json!("l\nm\n"))]
        .prop_map(consistency::Value::from)
}

fn operations() -> impl Strategy<Value = Operation> {
    let merges = prop_oneof![Just(Merge::Fields), Just(Merge::Lines), Just(Merge::Set)];
    let bases = prop_oneof![Just(Content::Absent), Just(Content::Deleted), values().prop_map(Content::Present)];
    prop_oneof![
        3 => values().prop_map(Operation::Put),
        1 => Just(Operation::Delete),
        2 => values().prop_map(|value| Operation::Delta(Delta::Append(value))),
        1 => values().prop_map(|value| Operation::Delta(Delta::Add(value))),
        1 => (-1..2_i64).prop_map(|by| Operation::Delta(Delta::Count(by))),
        1 => proptest::option::of(values()).prop_map(|value| Operation::Delta(Delta::Field("x".to_owned(), value))),
        1 => (bases, values(), merges).prop_map(|(base, ours, by)| Operation::Merge { base, ours, by }),
    ]
}

fn tools() -> impl Strategy<Value = Tool> {
    prop_oneof![Just(Tool::from("mail")), Just(Tool::from("shell"))]
}

fn lanes() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::from("east")), Just(Lane::from("west"))]
}

fn works() -> impl Strategy<Value = Work> {
    let writes = proptest::collection::btree_map(keys(), proptest::collection::vec(operations(), 1..3), 0..3);
    let issue = (lanes(), tools(), values()).prop_map(|(lane, tool, payload)| Issue { lane, tool, payload });
    let effects = proptest::collection::vec(issue, 0..2);
    let idempotency = proptest::option::weighted(0.2, prop_oneof![Just("one".to_owned()), Just("two".to_owned())]);
    (writes, effects, idempotency, proptest::bool::weighted(0.3))
        .prop_map(|(writes, effects, idempotency, hold)| Work { writes, effects, idempotency, hold })
}

fn acts() -> impl Strategy<Value = Act> {
    let steps = || proptest::collection::vec(0..3_u32, 0..2);
    let ranges = prop_oneof![
        Just(Range::all()),
        Just(Range::prefix("b/")),
        Just(Range { from: "b".into(), to: Some("a".into()) })
    ];
    prop_oneof![
        6 => keys().prop_map(Act::Read),
        2 => ranges.prop_map(Act::Scan),
        2 => tools().prop_map(Act::Pin),
        1 => steps().prop_map(Act::Step),
        1 => keys().prop_map(Act::Acknowledge),
        1 => steps().prop_map(Act::Rewind),
    ]
}

fn orders() -> impl Strategy<Value = Choice> {
    let repeats = prop_oneof![Just(Repeat::Keyed), Just(Repeat::Queryable), Just(Repeat::Never)];
    let prints = prop_oneof![Just("v1"), Just("v2")];
    let registered = (prints, repeats).prop_map(|(print, repeat)| Registered { fingerprint: print.into(), repeat });
    let ends = prop_oneof![
        Just(EffectEnd::Done),
        Just(EffectEnd::Retry { after: 2 }),
        Just(EffectEnd::Failed),
        Just(EffectEnd::Unknown)
    ];
    prop_oneof![
        3 => (0..4_usize).prop_map(Choice::Retract),
        3 => (0..4_usize).prop_map(Choice::Approve),
        3 => (tools(), proptest::option::weighted(0.8, registered)).prop_map(|(tool, is)| Choice::Register(tool, is)),
        5 => (lanes(), 1..4_u64).prop_map(|(lane, now)| Choice::Claim(lane, now)),
        3 => (0..3_usize, any::<bool>(), ends).prop_map(|(nth, token, end)| Choice::Settle(nth, token, end)),
        1 => Just(Choice::Recover),
        2 => (0..3_usize).prop_map(Choice::Collect),
        1 => Just(Choice::Forged),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let slots = || 0..4_usize;
    let levels = prop_oneof![Just(Level::L0), Just(Level::L1), Just(Level::L2), Just(Level::L3), Just(Level::L4)];
    let modes = prop_oneof![4 => Just(Mode::ReadWrite), 1 => Just(Mode::Snapshot), 1 => Just(Mode::Fresh)];
    prop_oneof![
        1 => (slots(), levels, modes).prop_map(|(slot, level, mode)| Event::Begin(slot, level, mode)),
        24 => (slots(), acts()).prop_map(|(slot, act)| Event::Act(slot, act)),
        14 => (slots(), works()).prop_map(|(slot, work)| Event::Commit(slot, work)),
        1 => slots().prop_map(Event::Abort),
        3 => (slots(), keys(), 1..4_u64).prop_map(|(slot, key, now)| Event::Lease(slot, key, now)),
        1 => slots().prop_map(Event::Resume),
        1 => (slots(), works()).prop_map(|(slot, work)| Event::Again(slot, work)),
        10 => (orders(), any::<bool>()).prop_map(|(choice, foreign)| Event::Order(choice, foreign)),
        1 => Just(Event::Reopen),
    ]
}

/// The core and the store, side by side.
struct Pair {
    folder: Folder,
    state: State,
    shell: SqliteShell,
    slots: [SessionId; 4],
    next: u64,
}

impl Pair {
    fn new() -> Pair {
        let folder = Folder::new();
        let shell = folder.open();
        Pair { folder, state: State::default(), shell, slots: [SessionId(0); 4], next: 0 }
    }

    fn input(&mut self, event: &Event) -> Input {
        match event.clone() {
            Event::Begin(slot, level, mode) => {
                self.next += 1;
                self.slots[slot] = SessionId(self.next);
                let agent = ["ann", "bob", "cy", "di"][slot].into();
                Input::Begin(Begin { id: self.slots[slot], agent, level, mode, started: self.next % 3 })
            }
            Event::Act(slot, act) => Input::Act(self.slots[slot], act),
            Event::Commit(slot, work) => Input::Commit { id: self.slots[slot], work, now: 2 },
            Event::Again(slot, work) => {
                let idempotency = Some("one".to_owned());
                Input::Commit { id: SessionId(900 + slot as u64), work: Work { idempotency, ..work }, now: 2 }
            }
            Event::Abort(slot) => Input::Abort(self.slots[slot]),
            Event::Lease(slot, key, now) => Input::Lease { id: self.slots[slot], key, now, until: now + 2 },
            Event::Resume(slot) => match self.state.sessions.get(&self.slots[slot]).cloned() {
                Some(session) => Input::Resume(Box::new(session)),
                None => Input::Abort(self.slots[slot]),
            },
            Event::Order(choice, _) => Input::Order(self.order(choice)),
            Event::Reopen => Input::Abort(SessionId(0)),
        }
    }

    fn order(&self, choice: Choice) -> Order {
        let Ok(clock) = self.state.ledger.clock();
        let nth = |nth: usize| {
            let open: Vec<Version> = self.state.ledger.open_commits().map(|open| open.version).collect();
            open.get(nth % open.len().max(1)).copied().unwrap_or(clock)
        };
        match choice {
            Choice::Retract(n) => Order::Retract { version: nth(n), agent: "eve".into() },
            Choice::Approve(n) => Order::Approve { version: nth(n) },
            Choice::Register(tool, registered) => Order::Register { tool, registered },
            Choice::Claim(lane, now) => Order::Claim { lane, now, until: now + 1 },
            Choice::Settle(n, token, end) => {
                let effects: Vec<_> = self.state.ledger.effects().filter(|e| !e.stage.is_settled()).collect();
                let effect = effects.get(n % effects.len().max(1));
                let claim = effect.and_then(|effect| match effect.stage {
                    Stage::Claimed { token, .. } | Stage::InDoubt { token } => Some(token),
                    _ => None,
                });
                let id = effect.map_or(EffectId { commit: clock, index: 9 }, |effect| effect.id);
                Order::Settle { id, token: claim.filter(|_| token), end }
            }
            Choice::Recover => Order::Recover,
            Choice::Collect(back) => {
                let back = (0..back).fold(clock, |version, _| version.previous().unwrap_or_default());
                Order::Collect { horizon: back }
            }
            Choice::Forged => Order::Retract { version: Version::from_bits(u64::MAX), agent: "eve".into() },
        }
    }

    /// Begins a session where the event is about one that is not there.
    fn prepare(&mut self, turn: usize, event: &Event) {
        if let Event::Act(slot, _) | Event::Commit(slot, _) | Event::Lease(slot, ..) = event
            && !self.state.sessions.contains_key(&self.slots[*slot])
        {
            let mode = if turn % 4 == 3 { Mode::Snapshot } else { Mode::ReadWrite };
            self.take(&Event::Begin(*slot, Level::ALL[turn % 5], mode));
        }
    }

    fn take(&mut self, event: &Event) -> Output {
        let input = self.input(event);
        if let Event::Reopen = event {
            self.state.sessions.clear();
            let elsewhere = Folder::new();
            drop(std::mem::replace(&mut self.shell, elsewhere.open()));
            self.shell = self.folder.open();
        }
        let meant = self.state.step(input.clone());
        let done = if let Event::Order(_, true) = event {
            open(&self.folder.path()).submit(input)
        } else {
            self.shell.submit(input)
        };
        assert_eq!(done.unwrap(), meant, "to {event:?}");
        meant
    }

    fn same_sessions(&self) {
        for id in 0..=self.next {
            let mut meant = self.state.sessions.get(&SessionId(id)).cloned();
            if let Some(session) = &mut meant {
                let Ok(stale) = session.stale(&self.state.ledger);
                if session.begin.level > Level::L0 && session.begin.mode != Mode::Snapshot {
                    assert_eq!(session.doomed, stale, "doomed exactly when stale, in the core");
                }
            }
            assert_eq!(self.shell.session(SessionId(id)).unwrap(), meant);
        }
    }

    fn same_rows(&self) {
        let (ledger, shell) = (&self.state.ledger, &self.shell);
        let Ok(clock) = ledger.clock();
        assert_eq!(shell.clock().unwrap(), clock);
        for key in [key("a"), key("b/1"), key("b/2")] {
            assert_eq!(shell.history(&key).unwrap(), ledger.history(&key).cloned().collect::<Vec<_>>());
        }
        assert_eq!(shell.written_since(Version::ZERO, 9).unwrap(), ledger.written_since(Version::ZERO));
        assert_eq!(shell.effects(None, 999).unwrap(), ledger.effects().cloned().collect::<Vec<_>>());
        assert_eq!(shell.open_commits().unwrap(), ledger.open_commits().cloned().collect::<Vec<_>>());
        let pairs = |(name, is): (&Tool, &Registered)| (name.clone(), is.clone());
        assert_eq!(shell.tools().unwrap(), ledger.tools().map(pairs).collect::<Vec<_>>());
        assert_eq!(shell.leases().unwrap(), ledger.leases().map(|(k, l)| (k.clone(), l.clone())).collect::<Vec<_>>());
        replay(&self.folder.path()).unwrap();
    }
}

/// What an output is, to know that all kinds were met.
fn kind(output: &Output) -> String {
    let shown = format!("{output:?}");
    let depth = if matches!(output, Output::Reply(Reply::Conflict(_) | Reply::Refused(_) | Reply::Idle { .. })) {
        3
    } else {
        2
    };
    shown
        .split(['(', ' ', '{', '}', ')', ':'])
        .filter(|word| !word.is_empty())
        .take(depth)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_store_in_a_file_answers_as_the_core_does() {
    let config = Config {
        cases: std::env::var("CASES").map_or(96, |n| n.parse().unwrap()),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let met: RefCell<BTreeMap<String, usize>> = RefCell::default();
    let done = runner.run(&proptest::collection::vec(events(), 1..120), |events| {
        let mut pair = Pair::new();
        for (turn, event) in events.iter().enumerate() {
            pair.prepare(turn, event);
            *met.borrow_mut().entry(kind(&pair.take(event))).or_default() += 1;
            if turn % 3 == 0 {
                pair.same_sessions();
            }
        }
        pair.same_sessions();
        pair.same_rows();
        Ok(())
    });
    let met = met.into_inner();
    assert!(done.is_ok(), "{}", done.unwrap_err());
    for kind in [
        "Doomed",
        "TooOld",
        "Scanned",
        "Read",
        "Rewound",
        "Pinned Some",
        "Reply Committed",
        "Reply Conflict Cell",
        "Reply Conflict Tool",
        "Reply Conflict Lease",
        "Reply Busy",
        "Reply Granted",
        "Reply Claimed",
        "Reply Idle blocked",
        "Reply Retracted",
        "Reply Approved",
        "Reply Refused Misfit",
        "Reply Refused KeyReused",
        "Reply Refused NotPinned",
        "Reply Refused NotOpen",
        "Reply Refused NotClaimed",
        "Reply Refused ReadOnly",
        "Reply Refused Finished",
    ] {
        assert!(met.keys().any(|met| met.starts_with(kind)), "`{kind}` was never met: {met:#?}");
    }
}

#[test]
fn a_lease_that_was_lost_and_is_granted_again_dooms_nobody() {
    let mut pair = Pair::new();
    let lease = Event::Lease(2, key("a"), 1);
    let put = Work { writes: [(key("a"), vec![Operation::Put(json!(1).into())])].into(), ..Work::default() };
    for (event, doomed) in [
        (Event::Begin(2, Level::L1, Mode::ReadWrite), 0),
        (Event::Begin(1, Level::L0, Mode::ReadWrite), 0),
        (Event::Begin(0, Level::L0, Mode::ReadWrite), 0),
        (lease.clone(), 0),
        (Event::Commit(0, put), 1),
        (lease, 0),
    ] {
        pair.take(&event);
        pair.same_sessions();
        let found = pair.shell.session(pair.slots[2]).unwrap().map_or(0, |session| session.doomed.len());
        assert_eq!(found, doomed, "after {event:?}");
    }
}

#[test]
fn a_retraction_dooms_who_read_what_was_replaced_since() {
    let mut pair = Pair::new();
    let put =
        |hold| Work { hold, writes: [(key("a"), vec![Operation::Put(json!(1).into())])].into(), ..Work::default() };
    for event in [
        Event::Begin(0, Level::L1, Mode::ReadWrite),
        Event::Commit(0, put(true)),
        Event::Begin(1, Level::L2, Mode::ReadWrite),
        Event::Act(1, Act::Read(key("a"))),
        Event::Begin(2, Level::L1, Mode::ReadWrite),
        Event::Commit(2, put(false)),
        Event::Order(Choice::Retract(0), true),
    ] {
        pair.take(&event);
        pair.same_sessions();
    }
    let doomed = pair.shell.session(pair.slots[1]).unwrap().unwrap().doomed;
    assert!(matches!(doomed[..], [Stale::Cell { .. }, Stale::Retracted { .. }]), "{doomed:?}");
}
