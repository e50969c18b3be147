//! Runs a model, and tells in words what was found.

use super::action::Action;
use super::promise::{Event, Promise};
use super::setup::Setup;
use consistency::decide::Reply;
use consistency::session::Stale;
use consistency::state::Output;
use consistency::{Content, Version};
use stateright::{Checker, Model, UniformChooser};
use std::net::SocketAddr;
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

/// How states are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// All, nearest first; a counterexample is a shortest one where one thread searches.
    Breadth,
    /// All, in less memory.
    Depth,
    /// As many as this, on random walks from this seed.
    Walks(usize, u64),
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many different states there are; of walks, how many were visited.
    pub states: usize,
    /// How many actions lead to the farthest state, nearest first.
    pub depth: usize,
    /// Whether nothing was left out. A search that was cut short proves nothing.
    pub complete: bool,
    /// The promises that were put to the test.
    pub judged: Vec<Promise>,
    /// What happened on the way.
    pub happened: Vec<Event>,
    /// The promises that were broken.
    pub broken: Vec<Counterexample>,
}

/// How a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The promise.
    pub promise: Promise,
    /// What happened, and what the core answered, in words.
    pub story: Vec<String>,
}

impl Counterexample {
    /// How many actions it takes.
    pub fn depth(&self) -> usize {
        self.story.len()
    }
}

/// How often the one who watches hears how far a search is.
const HEARD_EVERY: Duration = Duration::from_millis(20);

impl Setup {
    /// Runs the model with so many threads; `watch` hears now and then how many states there are.
    pub fn check(&self, search: Search, threads: usize, watch: &mut dyn FnMut(usize)) -> Checked {
        let builder = self.clone().checker().threads(threads);
        match search {
            Search::Breadth => self.finish(builder.spawn_bfs(), false, watch),
            Search::Depth => self.finish(builder.spawn_dfs(), false, watch),
            Search::Walks(states, seed) => {
                let walks = builder.target_state_count(states).spawn_simulation(seed, UniformChooser);
                self.finish(walks, true, watch)
            }
        }
    }

    /// Looks for the shortest way to break one promise.
    pub fn refute(&self, promise: Promise) -> Option<Counterexample> {
        // A checker that watches several goes on after the first, and keeps the last way it finds.
        let one = Setup { watched: vec![promise], ..self.clone() };
        one.check(Search::Breadth, 1, &mut |_| ()).broken.pop()
    }

    /// Serves the model to a browser until the program ends; the address has to be free.
    pub fn explore(&self, address: SocketAddr) {
        self.clone().checker().serve(address);
    }

    fn finish(&self, mut checker: impl Checker<Setup>, walks: bool, watch: &mut dyn FnMut(usize)) -> Checked {
        let mut handles = checker.handles();
        while !handles.iter().all(JoinHandle::is_finished) {
            sleep(HEARD_EVERY);
            watch(if walks { checker.state_count() } else { checker.unique_state_count() });
        }
        let sound = handles.drain(..).all(|handle| handle.join().is_ok());
        let mut broken: Vec<Counterexample> = Vec::new();
        for (name, path) in checker.discoveries() {
            let promise = Promise::ALL.iter().find(|promise| promise.words() == name);
            if let Some(promise) = promise {
                broken.push(Counterexample { promise: *promise, story: self.story(path.into_actions()) });
            }
        }
        broken.sort_by_key(|found| (found.depth(), found.promise));
        Checked {
            states: if walks { checker.state_count() } else { checker.unique_state_count() },
            depth: checker.max_depth().saturating_sub(usize::from(!walks)),
            complete: sound && (walks || checker.is_done()),
            judged: self.coverage.judged(),
            happened: self.coverage.happened(),
            broken,
        }
    }

    /// What happens in words, with what the core answers.
    fn story(&self, actions: Vec<Action>) -> Vec<String> {
        let mut states = self.init_states();
        let Some(mut state) = states.pop() else { return Vec::new() };
        let told = actions.into_iter().map(|action| {
            let (next, output) = self.turn(&state, action);
            state = next;
            let answer = output.map(|output| answer(&output)).filter(|answer| !answer.is_empty());
            answer.map_or_else(|| action.to_string(), |answer| format!("{action} → {answer}"))
        });
        told.collect()
    }
}

/// An answer of the core in words; nothing where it says no more than that it was done.
fn answer(output: &Output) -> String {
    match output {
        Output::Read(content, version) => told(content, *version),
        Output::Scanned(found) if found.is_empty() => "nothing".to_owned(),
        Output::Scanned(found) => {
            let found = found.iter().map(|(key, it)| format!("`{key}`: {}", told(&it.content, it.version)));
            found.collect::<Vec<_>>().join(", ")
        }
        Output::Pinned(print) => print.as_ref().map_or("not there".to_owned(), |print| format!("number {print}")),
        Output::Doomed(stale) => format!("doomed: {}", stale.first().map(about).unwrap_or_default()),
        Output::TooOld => "the snapshot is too old".to_owned(),
        Output::Reply(reply) => replied(reply),
        Output::Session(_) | Output::Step(_) | Output::Rewound(_) => String::new(),
    }
}

fn told(content: &Content, version: Version) -> String {
    match content {
        Content::Absent => "absent".to_owned(),
        Content::Deleted => format!("deleted ({version})"),
        Content::Present(value) => format!("{value} ({version})"),
    }
}

fn replied(reply: &Reply) -> String {
    match reply {
        Reply::Committed { version, is_final: true } => format!("committed as {version}, final"),
        Reply::Committed { version, is_final: false } => format!("committed as {version}, open"),
        Reply::Conflict(stale) => format!("conflict: {}", about(stale)),
        Reply::Busy { key, holder, .. } => format!("busy: session {holder} has `{key}`"),
        Reply::Refused(refusal) => format!("refused: {refusal}"),
        Reply::Granted { token } => format!("granted, token {token}"),
        Reply::Claimed { effect, ask, .. } => {
            let ask = if *ask { ", to ask first" } else { "" };
            format!("effect {} of {}{ask}", effect.id.index, effect.id.commit)
        }
        Reply::Idle { blocked: Some((id, wait)) } => {
            format!("idle: effect {} of {} waits: {wait:?}", id.index, id.commit)
        }
        Reply::Idle { blocked: None } => "idle".to_owned(),
        Reply::Retracted { commits, .. } => format!("retracted: {commits:?}"),
        Reply::Approved(versions) => format!("final: {versions:?}"),
        Reply::Done(version) => format!("at {version}"),
    }
}

fn about(stale: &Stale) -> String {
    match stale {
        Stale::Cell { key, read, now, .. } => format!("`{key}` was read at {read} and is at {now}"),
        Stale::Tool { .. } => "the tool changed".to_owned(),
        Stale::Lease { key, .. } => format!("the lease on `{key}` was lost"),
        Stale::Retracted { version, .. } => format!("{version} was retracted"),
    }
}
