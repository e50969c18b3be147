//! How rules have done, counted from the log: what they have stopped, and how often a person has let it pass after all.
//!
//! Nothing of it leaves the machine. A waiver says that a rule was wrong just then; of a rule that is wrong more often than
//! not, [`Tally::is_mistrusted`] says so, and it is for the caller to put it in shadow.

use super::log::{Entry, What};
use rules::RuleId;
use std::collections::BTreeMap;

/// Who waives, in the log.
pub const PERSON: &str = "a person";
/// So many waivers are no accident.
const MIN_WAIVERS: u32 = 3;

/// How a rule has done since it was last put in shadow for its waivers, as far back as the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How often it has refused or changed a call, or held the end of a turn.
    pub stopped: u32,
    /// How often a person has waived it.
    pub waived: u32,
    /// How often it was violated without stopping anything.
    pub noted: u32,
}

impl Tally {
    /// The share of what it stopped that nobody waived, from 0 to 1; nothing where it has stopped nothing.
    pub fn precision(self) -> Option<f64> {
        let stood = self.stopped.saturating_sub(self.waived);
        (self.stopped > 0).then(|| f64::from(stood) / f64::from(self.stopped))
    }

    /// Whether it is waived more often than not, and not by accident.
    pub fn is_mistrusted(self) -> bool {
        self.waived >= MIN_WAIVERS && self.waived * 2 > self.stopped
    }
}

/// The tallies of all rules that the log speaks of.
pub fn tallies(entries: &[Entry]) -> BTreeMap<RuleId, Tally> {
    let mut tallies: BTreeMap<RuleId, Tally> = BTreeMap::new();
    for entry in entries {
        let Some(rule) = &entry.rule else { continue };
        let tally = tallies.entry(rule.clone()).or_default();
        match entry.what {
            What::Blocked | What::Rewritten | What::Held => tally.stopped += 1,
            What::Noted | What::Unresolved => tally.noted += 1,
            // A host's line says that a waiver was used.
            What::Waived => tally.waived += u32::from(entry.host == PERSON),
            // A person who arms it again has judged what was before.
            What::Demoted => *tally = Tally::default(),
            What::Learned | What::Protected | What::NotEnforced => {}
        }
    }
    tallies
}

#[cfg(test)]
mod tests {
    use super::{PERSON, Tally, tallies};
    use crate::host::log::{Entry, What};
    use rules::RuleId;

    fn tally(lines: &[(What, &str)]) -> Tally {
        let rule = RuleId::slug("r");
        let entry = |(what, host): &(What, &str)| Entry { rule: Some(rule.clone()), ..Entry::of(*what, host) };
        tallies(&lines.iter().map(entry).collect::<Vec<_>>()).remove(&rule).unwrap_or_default()
    }

    #[test]
    fn what_stood_is_told_from_what_was_waived() {
        let (blocked, waived) = ((What::Blocked, "codex"), (What::Waived, PERSON));
        assert_eq!(tally(&[]).precision(), None);
        assert_eq!(tally(&[blocked, (What::Held, "codex"), blocked, waived, blocked]).precision(), Some(0.75));
        assert_eq!(tally(&[blocked, waived, (What::Waived, "codex")]).waived, 1, "a use is no waiver");
        assert_eq!(tally(&[waived, waived]).precision(), None);
        for (lines, mistrusted) in [
            (vec![blocked, waived, blocked, waived], false),
            (vec![blocked, waived, blocked, waived, blocked, waived], true),
            (vec![blocked, waived, blocked, waived, blocked, waived, blocked, blocked, blocked], false),
            (vec![blocked, waived, blocked, waived, blocked, waived, (What::Demoted, "trace"), blocked, waived], false),
        ] {
            assert_eq!(tally(&lines).is_mistrusted(), mistrusted, "{lines:?}");
        }
    }
}
