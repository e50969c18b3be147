//! One model: how much of what may happen, and the machine that makes it happen.

use super::action::{Action, Change, Deed, End, Need, Number, Target, session, tool};
use super::oracle::{Life, Oracle};
use super::promise::{self, Coverage, Promise};
use super::turn::Turn;
use crate::workload::Random;
use consistency::Level;
use consistency::decide::Order;
use consistency::guard::Guards;
use consistency::ledger::{Ledger, Registered, Repeat, Stage, View};
use consistency::session::Mode;
use consistency::state::{Input, Output, State};
use stateright::{Model, Property};

/// A model: which sessions and orders there are, and how many of each.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing may happen at all")]
pub struct Setup {
    /// Its name, for the command line.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// The levels that sessions may begin at.
    pub levels: &'static [Level],
    /// The modes that sessions may begin in.
    pub modes: &'static [Mode],
    /// How many sessions there are at a time.
    pub agents: u8,
    /// How many cells there are, all of them absent at first.
    pub keys: u8,
    /// How many sessions may begin, and so commit.
    pub transactions: u8,
    /// Whether sessions read cells.
    pub reads: bool,
    /// Whether sessions search.
    pub scans: bool,
    /// What sessions may commit.
    pub deeds: Vec<Deed>,
    /// Whether sessions begin a second step, and do steps again once they are doomed.
    pub steps: bool,
    /// Whether doomed sessions acknowledge.
    pub acknowledges: bool,
    /// Whether sessions ask for leases, abort and begin again.
    pub leases: bool,
    /// What may be done with the tool in doubt; nothing where there is no tool and so no effect.
    pub tool: Option<Repeat>,
    /// Whether sessions pin the tool.
    pub pins: bool,
    /// How many lanes there are.
    pub lanes: u8,
    /// How often effects may be claimed.
    pub claims: u8,
    /// Whether calls fail, dispatchers are lost or unsure, and people decide.
    pub faults: bool,
    /// How often the registry changes.
    pub registrations: u8,
    /// How often retractions are asked for.
    pub retractions: u8,
    /// How far time goes.
    pub ticks: u8,
    /// How often the store crashes.
    pub crashes: u8,
    /// How often sessions are written down while the store runs.
    pub parks: u8,
    /// How often somebody claims to have read the future.
    pub forgeries: u8,
    /// How often history is collected.
    pub collections: u8,
    /// How much of it is left.
    pub need: Need,
    /// Whether what the anomalies are is asked at every level, not only where they are excluded.
    pub strict: bool,
    /// The guards of the core.
    pub guards: Guards,
    /// Which promises the checker watches.
    pub watched: Vec<Promise>,
    /// What the run comes across.
    pub coverage: Coverage,
}

/// A state of a model: the core, as it runs in production, and the oracle beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Situation {
    /// The core.
    pub core: State,
    /// What is on disk, where that is not all.
    pub saved: Option<Box<(Ledger, super::oracle::Truth)>>,
    /// The oracle.
    pub oracle: Oracle,
    /// The promises that were broken on the way, as bits.
    pub broken: u32,
}

impl Setup {
    /// A model of two agents that read and put cells at some levels, with nothing else.
    pub fn new(name: &'static str, about: &'static str, levels: &'static [Level]) -> Setup {
        Setup {
            name,
            about,
            levels,
            modes: &[Mode::ReadWrite],
            agents: 2,
            keys: 2,
            transactions: 3,
            reads: true,
            scans: false,
            deeds: vec![Deed::PUT],
            steps: false,
            acknowledges: false,
            leases: false,
            tool: None,
            pins: false,
            lanes: 1,
            claims: 0,
            faults: false,
            registrations: 0,
            retractions: 0,
            ticks: 0,
            crashes: 0,
            parks: 0,
            forgeries: 0,
            collections: 0,
            need: Need::Live,
            strict: false,
            guards: Guards::ALL,
            watched: Promise::ALL.to_vec(),
            coverage: Coverage::default(),
        }
    }

    /// The sizes, in words.
    pub fn size(&self) -> String {
        let Setup { agents, keys, transactions, .. } = self;
        format!("{agents}a {keys}k {transactions}t")
    }

    /// What happens, and what the core answers, if it is asked anything.
    pub fn turn(&self, last: &Situation, action: Action) -> (Situation, Option<Output>) {
        let mut turn = Turn { setup: self, now: last.clone(), asked: None };
        let output = turn.take(action);
        (turn.now, output)
    }

    /// How it all begins.
    fn start(&self) -> Situation {
        let mut core = State::with(self.guards);
        let mut oracle = Oracle::default();
        if self.tool.is_some() {
            core.step(Input::Order(Order::Register { tool: tool(), registered: Some(self.registered(1)) }));
            oracle.truth.tool = Some(1);
        }
        let Ok(clock) = core.ledger.clock();
        oracle.handed = clock;
        Situation { core, saved: None, oracle, broken: 0 }
    }

    /// A path of at most so many actions that a seed chooses: what the core is asked on it and answers, and where it leads.
    /// What happens to the core from outside (a crash, a session that is written down) is left out.
    pub fn walk(&self, seed: u64, length: usize) -> (Vec<(Input, Output)>, State) {
        let outside = |action: &Action| {
            use Action::{Crash, Forge, Park, Resume, Save};
            matches!(action, Crash | Save | Park(_) | Resume(_) | Forge(..))
        };
        let mut dice = Random::new(seed);
        let (mut asked, mut now) = (Vec::new(), self.start());
        for _ in 0..length {
            let mut actions = Vec::new();
            self.actions(&now, &mut actions);
            actions.retain(|action| !outside(action));
            let place = usize::try_from(dice.below(actions.len() as u64)).unwrap_or_default();
            let Some(action) = actions.into_iter().nth(place) else { break };
            let mut turn = Turn { setup: self, now, asked: Some(asked) };
            turn.take(action);
            (now, asked) = (turn.now, turn.asked.unwrap_or_default());
        }
        (asked, now.core)
    }

    /// The actions of a session that runs.
    fn of_session(&self, state: &Situation, number: Number, life: &Life, actions: &mut Vec<Action>) {
        let doomed = state.core.sessions.get(&session(number)).is_some_and(|session| !session.doomed.is_empty());
        let saw = |cell: Option<u8>| life.seen.iter().any(|seen| seen.step == life.steps && seen.cell == cell);
        let cells = || 0..self.keys;
        if self.reads {
            actions.extend(cells().filter(|cell| !saw(Some(*cell))).map(|cell| Action::Read(number, cell)));
        }
        if self.scans && !saw(None) {
            actions.push(Action::Scan(number));
        }
        if self.pins && life.pin.is_none() {
            actions.push(Action::Pin(number));
        }
        if self.steps && life.steps == 0 {
            actions.push(Action::Step(number));
        }
        if self.steps && doomed {
            actions.extend((0..=life.steps).map(|step| Action::Rewind(number, step)));
        }
        if self.acknowledges && doomed {
            let relied = |cell: &u8| life.seen.iter().any(|seen| seen.cell.is_none_or(|seen| seen == *cell));
            actions.extend(cells().filter(relied).map(|cell| Action::Acknowledge(number, cell)));
        }
        if self.leases {
            actions.extend(cells().map(|cell| Action::Lease(number, cell)));
        }
        self.commits(number, Some(life), actions);
        if self.leases || doomed {
            actions.push(Action::Abort(number));
        }
        if state.oracle.spent.parked < self.parks {
            actions.push(Action::Park(number));
        }
        if state.oracle.spent.parked < self.forgeries {
            actions.extend(cells().filter(|cell| !saw(Some(*cell))).map(|cell| Action::Forge(number, cell)));
        }
    }

    fn commits(&self, number: Number, life: Option<&Life>, actions: &mut Vec<Action>) {
        for deed in &self.deeds {
            let cells = if deed.target == Target::One { self.keys } else { 1 };
            let read = |cell| life.is_some_and(|life| life.seen.iter().any(|seen| seen.cell == Some(cell)));
            let may = |cell: &u8| deed.change != Change::Merge || read(*cell);
            actions.extend((0..cells).filter(may).map(|cell| Action::Commit(number, *deed, cell)));
        }
    }

    /// The actions of those who are no session.
    fn of_others(&self, state: &Situation, actions: &mut Vec<Action>) {
        let Oracle { truth, spent, .. } = &state.oracle;
        for (place, entry) in (0..).zip(&truth.log) {
            if spent.retractions < self.retractions && entry.retracted.is_none() {
                actions.push(Action::Retract(place));
            }
            if entry.held && !entry.is_final && entry.retracted.is_none() {
                actions.push(Action::Approve(place));
            }
        }
        if spent.registrations < self.registrations {
            actions.push(Action::Register(Some(spent.registrations + 2)));
            if truth.tool.is_some() {
                actions.push(Action::Register(None));
            }
        }
        if state.oracle.now < self.ticks {
            actions.push(Action::Tick);
        }
        if state.saved.is_some() {
            actions.push(Action::Save);
        }
        if spent.crashes < self.crashes {
            actions.push(Action::Crash);
        }
        if spent.collections < self.collections {
            actions.push(Action::Collect(self.need));
        }
        self.of_outbox(state, actions);
    }

    fn of_outbox(&self, state: &Situation, actions: &mut Vec<Action>) {
        let Oracle { truth, dispatchers, spent, now, .. } = &state.oracle;
        if spent.claims < self.claims && !truth.effects.is_empty() {
            actions.extend((0..self.lanes).map(Action::Claim));
        }
        for (number, dispatcher) in dispatchers {
            match dispatcher.called {
                // INVARIANT: a dispatcher calls no tool once its claim has ended, as the real one does not.
                None if dispatcher.until > *now => {
                    actions.push(Action::Call(*number, true));
                    if self.faults {
                        actions.push(Action::Call(*number, false));
                    }
                }
                None => {}
                Some(true) => actions.push(Action::Settle(*number, End::Done)),
                Some(false) => {
                    actions.extend([End::Retry, End::Failed].map(|end| Action::Settle(*number, end)));
                }
            }
            if self.faults {
                actions.push(Action::Lose(*number));
                if dispatcher.called == Some(true) {
                    actions.push(Action::Settle(*number, End::Unknown));
                }
            }
        }
        for (place, sent) in (0..).zip(truth.effects.iter().filter(|_| self.faults)) {
            let Ok(effect) = state.core.ledger.effect(sent.id);
            let running = dispatchers.values().any(|dispatcher| dispatcher.effect == place);
            if !running && effect.is_some_and(|effect| matches!(effect.stage, Stage::InDoubt { .. })) {
                let ends: &[End] = if sent.acts > 0 { &[End::Done] } else { &[End::Retry, End::Failed] };
                actions.extend(ends.iter().map(|end| Action::Decide(place, *end)));
            }
        }
    }

    /// What the tool is registered as.
    pub(super) fn registered(&self, print: u8) -> Registered {
        let repeat = self.tool.unwrap_or(Repeat::Never);
        Registered { fingerprint: print.to_string().as_str().into(), repeat }
    }
}

impl Model for Setup {
    type State = Situation;
    type Action = Action;

    fn init_states(&self) -> Vec<Situation> {
        vec![self.start()]
    }

    fn actions(&self, state: &Situation, actions: &mut Vec<Action>) {
        let oracle = &state.oracle;
        if oracle.begun < self.transactions && oracle.lives.len() < usize::from(self.agents) {
            let modes = |level| self.modes.iter().map(move |mode| Action::Begin(level, *mode));
            actions.extend(self.levels.iter().copied().flat_map(modes));
        }
        for (number, life) in &oracle.lives {
            if life.parked.is_some() {
                actions.push(Action::Resume(*number));
            } else {
                self.of_session(state, *number, life, actions);
            }
        }
        if self.deeds.iter().any(|deed| deed.keyed) {
            let over = (1..=oracle.begun).filter(|number| !oracle.lives.contains_key(number));
            over.for_each(|number| self.commits(number, None, actions));
        }
        self.of_others(state, actions);
    }

    fn next_state(&self, last: &Situation, action: Action) -> Option<Situation> {
        let (next, _) = self.turn(last, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Setup>> {
        promise::properties()
            .into_iter()
            .filter(|property| self.watched.iter().any(|p| p.words() == property.name))
            .collect()
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }
}
