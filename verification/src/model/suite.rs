//! Which models there are, and what is expected of each.
//!
//! Numbers of states are exact: a model that grows or shrinks has changed its meaning, and somebody has to look.

use super::action::{Change, Deed, Need};
use super::promise::Event as E;
use super::promise::{Coverage, Event, Promise};
use super::run::{Checked, Search};
use super::setup::Setup;
use Promise as P;
use consistency::Level;
use consistency::guard::{Guard, Guards};
use consistency::ledger::Repeat;
use consistency::session::Mode;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What continuous integration checks.
    Short,
    /// Larger models, for a machine with time and memory.
    Long,
}

/// A model, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The model.
    pub setup: Setup,
    /// How its states are visited.
    pub search: Search,
    /// How many there are; of walks, how many are visited at least.
    pub states: usize,
    /// How far the farthest is, where states are visited nearest first.
    pub depth: Option<usize>,
    /// What has to be put to the test.
    pub promises: Vec<Promise>,
    /// What has to happen.
    pub sometimes: Vec<Event>,
}

impl Row {
    fn new(setup: Setup, promises: &[&[Promise]], sometimes: &[&[Event]]) -> Row {
        let (promises, sometimes) = (promises.concat(), sometimes.concat());
        let (states, depth) = size(setup.name);
        Row { setup, search: Search::Breadth, states, depth, promises, sometimes }
    }

    /// The same expectations of a larger model, visited in less memory.
    fn grown(self, name: &'static str, grow: impl FnOnce(Setup) -> Setup) -> Row {
        let setup = grow(Setup { name, coverage: Coverage::default(), ..self.setup });
        let (states, depth) = size(name);
        Row { setup, search: Search::Depth, states, depth, ..self }
    }

    /// What is not as expected, in words; nothing where all is well.
    pub fn unexpected(&self, checked: &Checked) -> Vec<String> {
        let mut all = Vec::new();
        if !checked.complete {
            all.push("the search was cut short".to_owned());
        }
        let walks = matches!(self.search, Search::Walks(..));
        if if walks { checked.states < self.states } else { checked.states != self.states } {
            all.push(format!("{} states, where {} are expected", checked.states, self.states));
        }
        if let Some(depth) = self.depth.filter(|depth| *depth != checked.depth) {
            all.push(format!("depth {}, where {depth} is expected", checked.depth));
        }
        let untried = self.promises.iter().filter(|promise| !checked.judged.contains(promise));
        all.extend(untried.map(|promise| format!("“{promise}” was never put to the test")));
        let missing = self.sometimes.iter().filter(|event| !checked.happened.contains(event));
        all.extend(missing.map(|event| format!("“{event}” never happens")));
        all.extend(
            checked
                .broken
                .iter()
                .map(|found| format!("“{}” does not hold:\n  {}", found.promise, found.story.join("\n  "))),
        );
        all
    }
}

/// The models of a form, the smaller ones first.
pub fn rows(form: Form) -> Vec<Row> {
    match form {
        Form::Short => {
            let all = [
                levels(),
                durability(),
                vec![processes(), leases(), read_only()],
                collections(),
                deltas(),
                vec![repair(), idempotency(), forgery()],
            ];
            all.concat()
        }
        Form::Long => long(),
    }
}

/// The model of a name, of either form.
pub fn row(name: &str) -> Option<Row> {
    let mut all = rows(Form::Short).into_iter().chain(rows(Form::Long));
    all.find(|row| row.setup.name == name)
}

/// How many states random walks visit.
const WALKED: usize = 2_000_000;

/// How many states each model has, and how far the farthest is where that is known.
const SIZES: &[(&str, usize, Option<usize>)] = &[
    ("l0", 1_894, Some(9)),
    ("l1", 35_961, Some(11)),
    ("predicates", 8_065, Some(12)),
    ("l2", 67_581, Some(14)),
    ("l3", 9_260, Some(19)),
    ("l4", 32_773, Some(18)),
    ("durability", 44_620, Some(14)),
    ("outbox-keyed", 68_499, Some(20)),
    ("outbox-queryable", 72_215, Some(20)),
    ("outbox-never", 20_938, Some(21)),
    ("processes", 3_040, Some(11)),
    ("leases", 20_324, Some(20)),
    ("read-only", 37_646, Some(12)),
    ("collection", 18_993, Some(12)),
    ("cap", 21_361, Some(12)),
    ("deltas", 135_467, Some(11)),
    ("merges", 10_770, Some(12)),
    ("repair", 7_519, Some(16)),
    ("idempotency", 1_204, Some(10)),
    ("forgery", 1_136, Some(9)),
    ("l1-long", 544_391, None),
    ("predicates-long", 3_770_265, None),
    ("l2-long", 157_020, None),
    ("l4-long", 8_792_767, None),
    ("l4-crash-long", 796_357, None),
    ("l4-predicates-long", 1_617_253, None),
];

fn size(name: &str) -> (usize, Option<usize>) {
    let known = SIZES.iter().find(|(known, ..)| *known == name);
    known.map_or((0, None), |(_, states, depth)| (*states, *depth))
}

const L1: &[Level] = &[Level::L1];
const L2: &[Level] = &[Level::L2];

const CORE: &[P] = &[P::Doomed, P::Contents, P::Versions, P::Once];
const VALIDATED: &[P] = &[P::StaleGeneration, P::TornView, P::Founded];
const TRACED: &[P] = &[P::Cascade, P::Frugal, P::Stable, P::Held, P::Closed];
const OUTBOX: &[P] = &[P::CausalCascade, P::Released, P::ActsOnce, P::OneDispatcher, P::Ends, P::Tokens];

const WRITES: &[E] = &[E::Begin, E::Commit, E::Final];
const READS: &[E] = &[E::Read, E::Absent, E::Found];
const CONFLICTS: &[E] = &[E::ConflictRead, E::ConflictAbsent, E::ReadDoomed, E::Abort];
const SEARCHES: &[E] = &[E::Scan, E::Null, E::Hits, E::ConflictScan];
const HOLDS: &[E] =
    &[E::Open, E::Approve, E::Approved, E::ApprovedMore, E::Retract, E::Retracted, E::Cascaded, E::NotOpen];
const SENDS: &[E] = &[E::Claim, E::Claimed, E::Call, E::Acted, E::Settle, E::Idle];

/// One model a level.
fn levels() -> Vec<Row> {
    vec![l0(), l1(), predicates(), l2(), l3(), l4()]
}

fn l0() -> Row {
    let setup = Setup {
        agents: 3,
        deeds: vec![Deed::PUT, Deed::PUT_ALL],
        ..Setup::new("l0", "commits are atomic, the last writer wins", &[Level::L0])
    };
    Row::new(setup, &[CORE], &[WRITES, READS])
}

fn l1() -> Row {
    let setup = Setup {
        agents: 3,
        transactions: 4,
        deeds: vec![Deed::PUT, Deed::PUT_ALL, Deed::NOTHING],
        ..Setup::new("l1", "reads are validated", L1)
    };
    Row::new(setup, &[CORE, VALIDATED], &[WRITES, READS, CONFLICTS, &[E::Nothing]])
}

fn predicates() -> Row {
    let setup = Setup {
        agents: 3,
        scans: true,
        deeds: vec![Deed::PUT, Deed::PUT.by(Change::Delete)],
        ..Setup::new("predicates", "searches and absence are validated", L1)
    };
    let sometimes = [WRITES, READS, CONFLICTS, SEARCHES, &[E::Deleted]];
    Row::new(setup, &[CORE, VALIDATED], &sometimes)
}

fn l2() -> Row {
    let setup = Setup {
        deeds: vec![Deed::PUT, Deed::HOLD, Deed::ISSUE],
        tool: Some(Repeat::Keyed),
        claims: 1,
        retractions: 2,
        ..Setup::new("l2", "effects wait, retractions cascade", L2)
    };
    let sometimes = [WRITES, READS, CONFLICTS, HOLDS, SENDS, &[E::NotFinal]];
    Row::new(setup, &[CORE, VALIDATED, TRACED, OUTBOX], &sometimes)
}

fn l3() -> Row {
    let setup = Setup {
        keys: 1,
        lanes: 2,
        deeds: vec![Deed::HOLD.with_effects(1), Deed::ISSUE.with_effects(3)],
        tool: Some(Repeat::Keyed),
        claims: 4,
        retractions: 1,
        transactions: 2,
        ..Setup::new("l3", "effects keep their order, lane by lane", &[Level::L3])
    };
    let sometimes = [WRITES, READS, HOLDS, SENDS, &[E::NotFinal, E::Sending, E::ConflictAbsent]];
    Row::new(setup, &[CORE, VALIDATED, TRACED, OUTBOX, &[P::EffectOrder]], &sometimes)
}

fn l4() -> Row {
    let setup = Setup {
        keys: 1,
        transactions: 2,
        deeds: vec![Deed::HOLD.with_effects(1), Deed::ISSUE.with_effects(2)],
        tool: Some(Repeat::Keyed),
        pins: true,
        claims: 2,
        registrations: 2,
        retractions: 1,
        ..Setup::new("l4", "pinned tools are validated", &[Level::L4])
    };
    let tools = &[E::Pin, E::Unpinned, E::Register, E::Remove, E::ConflictTool, E::NotPinned, E::Dropped];
    let promises = [CORE, VALIDATED, TRACED, OUTBOX, &[P::EffectOrder, P::PhantomTool]];
    Row::new(setup, &promises, &[WRITES, READS, CONFLICTS, HOLDS, SENDS, tools, &[E::Sending]])
}

/// Crashes, for cells and for effects.
fn durability() -> Vec<Row> {
    let setup = Setup {
        crashes: 2,
        parks: 1,
        ..Setup::new("durability", "crashes lose what is not on disk, sessions go on", L1)
    };
    let crashes = &[E::Save, E::Crash, E::Lost, E::Survived, E::Park, E::Resume];
    let cells = Row::new(setup, &[CORE, VALIDATED, &[P::Recovery]], &[WRITES, READS, CONFLICTS, crashes]);
    let [keyed, queryable, never] = [
        ("outbox-keyed", "lost dispatchers, where the tool takes a key", Repeat::Keyed),
        ("outbox-queryable", "lost dispatchers, where the tool can be asked", Repeat::Queryable),
        ("outbox-never", "lost dispatchers, where nobody can tell", Repeat::Never),
    ]
    .map(|(name, about, repeat)| outbox(name, about, repeat));
    let repeats: &[E] = &[E::Asked, E::NotClaimed];
    vec![cells, keyed.and(repeats), queryable.and(&[repeats, &[E::Ask]].concat()), never]
}

fn outbox(name: &'static str, about: &'static str, repeat: Repeat) -> Row {
    let setup = Setup {
        keys: 0,
        reads: false,
        agents: 1,
        transactions: 1,
        deeds: vec![Deed::ISSUE.with_effects(2)],
        tool: Some(repeat),
        pins: true,
        claims: 4,
        faults: true,
        ticks: 2,
        crashes: 1,
        registrations: 1,
        ..Setup::new(name, about, &[Level::L4])
    };
    let faults = &[E::CallFails, E::Lose, E::Decide, E::Tick, E::Crash, E::Lost, E::ClaimedAgain];
    let waits = &[E::Sending, E::Later, E::InDoubt, E::Dropped];
    let promises = [CORE, OUTBOX, &[P::EffectOrder, P::PhantomTool, P::Recovery]];
    Row::new(setup, &promises, &[WRITES, SENDS, faults, waits])
}

/// Sessions of other processes: no notice reaches them, so a read has to find out by itself.
fn processes() -> Row {
    let setup = Setup {
        scans: true,
        deeds: vec![Deed::PUT, Deed::PUT_ALL],
        guards: Guards::ALL.less(Guard::Notice),
        watched: vec![P::StaleGeneration, P::TornView, P::Founded, P::Contents, P::Versions, P::Once],
        ..Setup::new("processes", "no notice reaches the sessions of other processes", L1)
    };
    let sometimes = [WRITES, READS, CONFLICTS, SEARCHES];
    Row::new(setup, &[VALIDATED, &[P::Contents, P::Versions, P::Once]], &sometimes)
}

fn leases() -> Row {
    let setup = Setup {
        agents: 3,
        keys: 1,
        leases: true,
        ticks: 2,
        ..Setup::new("leases", "wound-wait, fencing and progress", L1)
    };
    let leases = &[E::Lease, E::Granted, E::Renewed, E::Busy, E::Wounded, E::ConflictLease, E::Tick];
    let promises = [CORE, VALIDATED, &[P::Tokens, P::Fenced, P::WoundWait, P::Progress]];
    Row::new(setup, &promises, &[WRITES, READS, CONFLICTS, leases])
}

fn read_only() -> Row {
    let setup = Setup {
        agents: 3,
        modes: &[Mode::ReadWrite, Mode::Snapshot, Mode::Fresh],
        scans: true,
        deeds: vec![Deed::PUT, Deed::ISSUE, Deed::NOTHING],
        tool: Some(Repeat::Keyed),
        ..Setup::new("read-only", "snapshot and fresh sessions", L1)
    };
    let modes = &[E::BeginSnapshot, E::BeginFresh, E::RefusedReadOnly, E::Nothing];
    let promises = [CORE, VALIDATED, &[P::Snapshot, P::ReadOnly, P::Kept]];
    Row::new(setup, &promises, &[WRITES, READS, CONFLICTS, SEARCHES, modes])
}

/// History that is forgotten: where nobody needs it, or at its cap.
fn collections() -> Vec<Row> {
    let collection = Setup {
        modes: &[Mode::ReadWrite, Mode::Snapshot],
        deeds: vec![Deed::PUT, Deed::HOLD],
        agents: 3,
        keys: 1,
        collections: 2,
        retractions: 1,
        ..Setup::new("collection", "history that nobody needs is forgotten", L2)
    };
    let about = "history is forgotten although somebody needs it";
    let cap = Setup { name: "cap", about, need: Need::Capped, ..collection.clone() };
    let promises = [CORE, VALIDATED, TRACED, &[P::Snapshot, P::Kept]];
    let sometimes = [WRITES, READS, HOLDS, &[E::BeginSnapshot, E::RefusedReadOnly]];
    let of = |setup| Row::new(setup, &promises, &sometimes);
    let capped = Setup { coverage: Coverage::default(), ..cap };
    vec![of(collection).and(&[E::Collect]), of(capped).and(&[E::CollectCapped, E::TooOld])]
}

fn deltas() -> Vec<Row> {
    let append = Deed::PUT.by(Change::Append);
    let add = Deed::PUT.by(Change::Add);
    let deltas = Setup {
        keys: 1,
        deeds: vec![append, add, Deed { held: true, ..append }, Deed { held: true, ..add }, Deed::ISSUE],
        tool: Some(Repeat::Keyed),
        retractions: 2,
        ..Setup::new("deltas", "deltas commute, and are taken back one by one", &[Level::L1, Level::L2])
    };
    let merges = Setup {
        agents: 3,
        keys: 1,
        transactions: 4,
        deeds: vec![Deed::PUT.by(Change::Merge), append, Deed::PUT],
        ..Setup::new("merges", "three-way merges, and operations that do not fit", L1)
    };
    vec![
        Row::new(
            deltas,
            &[CORE, VALIDATED, TRACED],
            &[WRITES, READS, HOLDS, &[E::ConflictAbsent, E::ConflictRetracted]],
        ),
        Row::new(
            merges,
            &[CORE, VALIDATED],
            &[WRITES, READS, &[E::ConflictRead, E::ConflictAbsent, E::Merged, E::Misfit]],
        ),
    ]
}

fn repair() -> Row {
    let setup = Setup {
        steps: true,
        acknowledges: true,
        scans: true,
        transactions: 2,
        ..Setup::new("repair", "acknowledge, and do steps again", L2)
    };
    let repairs = &[E::Step, E::Rewind, E::Acknowledge];
    let conflicts = &[E::ConflictAbsent, E::ReadDoomed, E::Abort];
    Row::new(setup, &[CORE, VALIDATED], &[WRITES, READS, conflicts, SEARCHES, repairs])
}

fn idempotency() -> Row {
    let setup = Setup {
        keys: 1,
        transactions: 4,
        deeds: vec![Deed::PUT.by(Change::Same).under_key(), Deed::PUT.under_key(), Deed::PUT],
        ..Setup::new("idempotency", "commits are repeated", L1)
    };
    let repeats = &[E::Repeated, E::KeyReused, E::Finished];
    Row::new(setup, &[CORE, VALIDATED, &[P::Idempotency]], &[WRITES, READS, repeats])
}

fn forgery() -> Row {
    let setup = Setup { agents: 3, forgeries: 1, ..Setup::new("forgery", "versions that never were", L1) };
    Row::new(setup, &[CORE, VALIDATED], &[WRITES, READS, CONFLICTS, &[E::Forge, E::Forged]])
}

fn long() -> Vec<Row> {
    let crash = |setup| Setup { crashes: 1, ..setup };
    let crashes = &[E::Crash, E::Lost, E::Survived, E::Save, E::Resume];
    // A compensation of several cells rests, as a whole, on every open commit that it restored something of. What reads one
    // of its cells then rests on all of them: safe, but a retraction may take more than it must, and doom for it.
    let wide = [P::Founded, P::Frugal];
    let walks = Setup {
        agents: 4,
        keys: 4,
        transactions: 6,
        scans: true,
        deeds: vec![Deed::PUT, Deed::PUT_ALL, Deed::HOLD, Deed::ISSUE.with_effects(2)],
        tool: Some(Repeat::Keyed),
        pins: true,
        lanes: 2,
        claims: 4,
        registrations: 2,
        retractions: 2,
        crashes: 1,
        watched: Promise::ALL.iter().copied().filter(|promise| !wide.contains(promise)).collect(),
        ..Setup::new("walks", "random walks through everything", &[Level::L1, Level::L2, Level::L3, Level::L4])
    };
    let all = [CORE, VALIDATED, TRACED, OUTBOX, &[P::EffectOrder, P::PhantomTool, P::Recovery]].concat();
    let walked = all.into_iter().filter(|promise| !wide.contains(promise)).collect();
    let walks = Row {
        setup: walks,
        search: Search::Walks(WALKED, 7),
        states: WALKED,
        depth: None,
        promises: walked,
        sometimes: [WRITES, READS, SEARCHES, HOLDS, SENDS, crashes].concat(),
    };
    vec![
        l1().grown("l1-long", |setup| Setup { transactions: 5, ..setup }),
        predicates().grown("predicates-long", |setup| Setup { transactions: 5, ..setup }),
        l2().grown("l2-long", |setup| Setup { agents: 3, retractions: 2, claims: 2, ..setup }),
        l4().grown("l4-long", |setup| Setup { keys: 2, transactions: 3, ..setup }),
        l4().grown("l4-crash-long", |setup| Setup { keys: 2, ..crash(setup) }).and(crashes),
        l4().grown("l4-predicates-long", |setup| Setup { keys: 2, scans: true, ..crash(setup) })
            .and(crashes)
            .and(SEARCHES),
        walks,
    ]
}

impl Row {
    /// Has more to happen.
    fn and(mut self, more: &[Event]) -> Row {
        self.sometimes.extend(more);
        self
    }
}
