//! The choices worth keeping: of all fixed choices of tiers and caps, those that no other one beats in evidence, tokens and time.
//!
//! A profile is made once; what is kept of it fits on a page, and one of it is chosen by the budget when a question is asked,
//! without learning anything again. It is what a policy has to beat: it knows the budget, and nothing of the question.

use crate::policy::Plan;
use crate::policy::profile::{BASE, CAPS, MS_PER_TOKEN, Profile, Replayed, plans};
use serde::{Deserialize, Serialize};

/// A fixed choice, and what it came to on the questions of the profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// The cap, in tokens.
    pub tokens: u32,
    /// The tiers, in the order of the modules.
    pub tiers: Plan,
    /// The mean share of the evidence.
    pub evidence: f32,
    /// The mean time of embedding, in milliseconds, as counted: [`MS_PER_TOKEN`].
    pub ms: f32,
}

/// The choices that no other one beats, the cheapest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Compiled {
    /// The choices.
    pub configurations: Vec<Configuration>,
}

impl Configuration {
    /// Whether it gives no less for no more, and is not the same.
    fn beats(&self, other: &Configuration) -> bool {
        let is_no_worse = self.tokens <= other.tokens && self.ms <= other.ms && self.evidence >= other.evidence;
        is_no_worse && (self.tokens < other.tokens || self.ms < other.ms || self.evidence > other.evidence)
    }
}

impl Compiled {
    /// Keeps of a profile what pays, by the questions of some conversations.
    pub fn new(profile: &Profile, is_seen: &dyn Fn(usize) -> bool) -> Compiled {
        let seen: Vec<&Replayed> = profile.questions.iter().filter(|one| is_seen(one.conversation)).collect();
        let all: Vec<Configuration> = CAPS
            .into_iter()
            .enumerate()
            .flat_map(|(cap, tokens)| plans(&profile.available).into_iter().map(move |tiers| (cap, tokens, tiers)))
            .map(|(cap, tokens, tiers)| {
                let got = seen.iter().map(|one| one.settled(cap, None, &tiers));
                let [evidence, cost, count] =
                    got.fold([0.0_f32; 3], |[a, b, c], got| [a + got.evidence, b + got.cost, c + 1.0]);
                let count = count.max(1.0);
                Configuration { tokens, tiers, evidence: evidence / count, ms: (cost / count - BASE) * MS_PER_TOKEN }
            })
            .collect();
        let mut kept: Vec<Configuration> =
            all.iter().filter(|one| !all.iter().any(|other| other.beats(one))).cloned().collect();
        kept.sort_by(|one, other| one.tokens.cmp(&other.tokens).then(one.ms.total_cmp(&other.ms)));
        // Of those that came to exactly the same, one is enough.
        kept.dedup_by(|one, other| one.tokens == other.tokens && one.ms <= other.ms && one.evidence <= other.evidence);
        Compiled { configurations: kept }
    }

    /// The choice that finds most within a budget; nothing where none is within it.
    pub fn choose(&self, tokens: Option<u32>, ms: Option<f32>) -> Option<&Configuration> {
        let fits =
            |one: &&Configuration| tokens.is_none_or(|tokens| one.tokens <= tokens) && ms.is_none_or(|ms| one.ms <= ms);
        let within = self.configurations.iter().filter(fits);
        // Of equal ones the first: the cheapest.
        within.reduce(|best, one| if one.evidence > best.evidence { one } else { best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::profile::{Got, number};
    use memory::module::Tier;

    /// One question, for which mid tiers find more, and each that embeds costs a hundred tokens.
    fn profile() -> Profile {
        let available = crate::policy::available(true, false);
        let of = |cap: usize| {
            let mut got = vec![None; 243];
            for plan in plans(&available) {
                let mids = plan.iter().filter(|tier| **tier == Tier::Mid).count();
                let evidence = 0.1 * f32::from(u8::try_from(mids.min(2) + cap).unwrap());
                let cost = BASE + 100.0 * f32::from(u8::try_from(mids).unwrap());
                got[number(&plan)] = Some(Got { evidence, cost });
            }
            got
        };
        let question = Replayed { conversation: 0, state: Vec::new(), got: (0..CAPS.len()).map(of).collect() };
        Profile { available, questions: vec![question] }
    }

    #[test]
    fn what_another_one_beats_is_not_kept_and_the_budget_chooses() {
        let compiled = Compiled::new(&profile(), &|_| true);
        // Of each cap: no mid tier, one, or two; a third one costs more and finds no more.
        assert_eq!(compiled.configurations.len(), 3 * CAPS.len(), "{compiled:?}");
        for one in &compiled.configurations {
            assert!(!compiled.configurations.iter().any(|other| other.beats(one)));
        }
        let chosen = |tokens, ms| compiled.choose(tokens, ms).map(|one| (one.tokens, one.ms.round()));
        assert_eq!(chosen(None, None), Some((CAPS[2], 20.0)));
        assert_eq!(chosen(Some(CAPS[1]), Some(10.0)), Some((CAPS[1], 10.0)));
        assert_eq!(chosen(Some(CAPS[1]), Some(0.0)), Some((CAPS[1], 0.0)));
        assert_eq!(chosen(Some(1), None), None);
        let text = serde_json::to_string(&compiled).unwrap();
        assert_eq!(serde_json::from_str::<Compiled>(&text).unwrap(), compiled);
    }
}
