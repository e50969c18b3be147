//! Where a session stands, in a form that outlives the process.
//!
//! A hook is a process of its own for each event, so the monitors that have left their start and the calls whose results
//! are awaited are handed from one to the next. A monitor is named by its rule: rules may change between two events, and
//! one whose automaton is no longer the same starts anew.

use super::{Checker, MAX_INSTANCES, MAX_OPEN_CALLS, Session};
use crate::artifact::Checks;
use crate::check::Check;
use rules::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where one session stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// What the numbers of the checks refer to.
    artifact: Option<[u8; 32]>,
    monitors: Vec<Placed>,
    open: Vec<u64>,
}

/// A monitor that is away from its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Placed {
    number: u32,
    rule: RuleId,
    /// A hash of the predicates and the automaton.
    shape: u64,
    file: Option<String>,
    state: u8,
}

impl Standing {
    /// The rules whose monitors have left their start, in order of check.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        self.monitors.iter().map(|placed| &placed.rule)
    }

    /// The rules whose monitors stand elsewhere than they did before, or did not stand anywhere.
    pub fn moved_since<'a>(&'a self, before: &'a Standing) -> impl Iterator<Item = &'a RuleId> {
        self.monitors.iter().filter(|placed| !before.monitors.contains(placed)).map(|placed| &placed.rule)
    }

    fn session(self, checks: &Checks) -> Session {
        let known = checks.fingerprint().filter(|_| !self.monitors.is_empty());
        let renumbered: Option<BTreeMap<RuleId, u32>> = (self.artifact != known && known.is_some()).then(|| {
            let numbered =
                (0..).take(checks.len()).filter_map(|number| Some((checks.check(number)?.id.clone(), number)));
            numbered.collect()
        });
        let states = self.monitors.into_iter().filter_map(|placed| {
            let number = match &renumbered {
                None => placed.number,
                Some(numbers) => *numbers.get(&placed.rule)?,
            };
            let check = checks.check(number)?;
            let same = renumbered.is_none() || shape(check) == placed.shape;
            same.then_some(((number, placed.file), placed.state))
        });
        Session {
            states: states.take(MAX_INSTANCES).collect(),
            open: self.open.into_iter().take(MAX_OPEN_CALLS).map(|call| (call, None)).collect(),
            has_results: true,
            branch: None,
        }
    }
}

impl Checker<'_> {
    /// Takes a session up where another process has left it. Results of calls are awaited from then on.
    pub fn resume(&mut self, name: &str, standing: Standing) {
        self.sessions.insert(name.to_owned(), standing.session(self.checks));
    }

    /// Brings a rule's monitors in a session back to their start, as if nothing had happened that they watch for.
    pub fn forget(&mut self, session: &str, rule: &RuleId) {
        let checks = self.checks;
        let is_meant = |number: u32| checks.check(number).is_some_and(|check| check.id == *rule);
        if let Some(session) = self.sessions.get_mut(session) {
            session.states.retain(|(number, _), _| !is_meant(*number));
        }
    }

    /// Where a session stands.
    pub fn standing(&self, name: &str) -> Standing {
        let Some(session) = self.sessions.get(name) else { return Standing::default() };
        let monitors = session.states.iter().filter_map(|((number, file), state)| {
            let check = self.checks.check(*number)?;
            let (rule, shape, file) = (check.id.clone(), shape(check), file.clone());
            Some(Placed { number: *number, rule, shape, file, state: *state })
        });
        Standing {
            artifact: self.checks.fingerprint(),
            monitors: monitors.collect(),
            open: session.open.iter().map(|(call, _)| *call).collect(),
        }
    }
}

/// A hash of what a check's states mean.
fn shape(check: &Check) -> u64 {
    let text = postcard::to_stdvec(&(&check.monitor, &check.parts)).unwrap_or_default();
    let hash = blake3::hash(&text);
    hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
