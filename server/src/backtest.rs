//! Proposed rules over recorded sessions: what each would have stopped, and whether the user minded.
//!
//! The unit is the turn. A turn in which a rule fires speaks for the rule where the user's next message says what the rule
//! says, and against it where it does not: silence counts against a rule, so the share is a low estimate of its precision.
//! A turn that nobody answered is neither. The interval is Wilson's.
//!
//! INVARIANTS: rules are stepped as if they were in shadow, since what happened was not stopped; an obligation that is still
//! open when a turn ends counts once, not again with each later turn. Memory is bounded by the rules and their examples.

use crate::evaluation::score::wilson;
use crate::recorded::{Happened, Recording, Then, Told};
use compiler::{Check, Checker, Checks, Outcome, Verdict};
use memory::redact::redacted;
use rules::book::RuleBook;
use rules::correction::Context;
use rules::{Correction, Event, EventKind, Lexicon, Quote, Rule, RuleId, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;

/// How many examples of each kind are kept for a rule.
const MAX_EXAMPLES: usize = 3;
/// The least lower end of the interval at which a rule is proposed to be armed: it is then rather right than wrong.
const ARMS_FROM: f64 = 0.5;

/// What a rule would have done in recorded sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backtest {
    /// The rule.
    pub rule: RuleId,
    /// How often the user said in the recordings what the rule says, after a turn in which the agent acted.
    pub said: usize,
    /// In how many of those turns the rule fires: on what was corrected.
    pub caught: usize,
    /// In how many turns it fires that the user answered otherwise.
    pub elsewhere: usize,
    /// In how many turns it fires that nobody answered.
    pub unanswered: usize,
    /// The share of the answered turns in which it fires that were corrected; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Wilson's 95 % interval of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// What follows from it.
    pub advice: Advice,
    /// Some of what it fires on, what was corrected first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Firing>,
}

/// What a backtest advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// It fires where the user corrected, and hardly elsewhere.
    Arm,
    /// It never fires where the user answered: nothing speaks for it, and nothing against it.
    Quiet,
    /// It fires where the user did not mind, or too seldom to tell.
    Shadow,
}

/// A rule firing on something recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// The file.
    pub source: String,
    /// Its line.
    pub line: usize,
    /// The session.
    pub session: String,
    /// The turn.
    pub turn: u64,
    /// The command, path or words, or what was owed.
    pub what: String,
    /// Whether the user's next message corrected it; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<bool>,
}

/// How much was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// Sessions.
    pub sessions: usize,
    /// Turns.
    pub turns: usize,
    /// Calls of tools.
    pub calls: usize,
}

/// A backtest under way.
#[derive(Debug)]
pub struct Replay<'a> {
    book: &'a RuleBook,
    lexicon: &'a Lexicon,
    checks: Checks,
    /// The rules that cite a message, by session and turn.
    cited: BTreeMap<(&'a str, u64), BTreeSet<RuleId>>,
    tallies: BTreeMap<RuleId, Tally>,
    /// How much was replayed.
    pub replayed: Replayed,
}

#[derive(Debug, Default)]
struct Tally {
    said: usize,
    caught: usize,
    elsewhere: usize,
    unanswered: usize,
    right: Vec<Firing>,
    others: Vec<Firing>,
}

/// A turn of a session as it goes on.
#[derive(Debug, Default)]
struct Turn {
    fired: BTreeMap<RuleId, Firing>,
    last: Option<Event>,
}

impl<'a> Replay<'a> {
    /// A backtest of some rules of a book; `lexicon` is what the users' messages are read by.
    pub fn new(book: &'a RuleBook, rules: &BTreeSet<RuleId>, lexicon: &'a Lexicon) -> Self {
        let rules = || rules.iter().filter_map(|id| book.rule(id));
        let check = |rule: &Rule| Check::of(&Rule { state: State::Shadow, ..rule.clone() }).ok();
        let checks: Vec<Check> = rules().filter_map(check).collect();
        let tallies = checks.iter().map(|check| (check.id.clone(), Tally::default())).collect();
        let mut cited: BTreeMap<(&str, u64), BTreeSet<RuleId>> = BTreeMap::new();
        for (rule, quote) in rules().flat_map(|rule| rule.said.iter().map(move |quote| (rule, quote))) {
            if let Quote { session: Some(session), turn: Some(turn), .. } = quote {
                cited.entry((session, *turn)).or_default().insert(rule.id.clone());
            }
        }
        let checks = Checks::of(&checks, [0; 32]);
        Self { book, lexicon, checks, cited, tallies, replayed: Replayed::default() }
    }

    /// Replays a recording.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn recording(&mut self, recording: &Recording) -> io::Result<()> {
        let source = recording.path.display().to_string();
        let Self { book, lexicon, checks, cited, tallies, replayed } = self;
        let (mut checker, mut then, mut turn) = (Checker::new(checks), Then::default(), Turn::default());
        let mut session = None;
        let asked = |happened: &Happened, text: &str, last: Option<Event>| {
            let mut asked = cited.get(&(happened.session.as_str(), happened.turn)).cloned().unwrap_or_default();
            let correction = correction(happened, text, &source, last);
            let proposals = rules::understand(&correction, lexicon).rules;
            asked.extend(proposals.iter().map(|proposal| book.admit(proposal).id().clone()));
            asked
        };
        recording.read(&mut |told| {
            let Told::Happened(happened) = told else { return ControlFlow::Continue(()) };
            if session.as_ref() != Some(&happened.session) {
                close(tallies, &mut turn, None);
                (checker, then) = (Checker::new(checks), Then::default());
                session = Some(happened.session.clone());
                replayed.sessions += 1;
            }
            then.root_of(&happened.event);
            if let EventKind::UserPromptSubmit { text } = &happened.event.kind {
                replayed.turns += 1;
                let asked = asked(&happened, text, turn.last.clone());
                close(tallies, &mut turn, Some(&asked));
            }
            let verdicts = checker.observe(&happened.event, &then);
            if matches!(happened.event.kind, EventKind::PreToolUse { .. }) {
                replayed.calls += 1;
                turn.last = Some(happened.event.clone());
            }
            for verdict in verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Violated) {
                if verdict.witness.is_none() {
                    checker.forget(&happened.session, &verdict.rule);
                }
                turn.fired.entry(verdict.rule.clone()).or_insert_with(|| firing(&source, &happened, verdict));
            }
            ControlFlow::Continue(())
        })?;
        close(tallies, &mut turn, None);
        Ok(())
    }

    /// What became of each rule that has a check.
    pub fn finish(self) -> BTreeMap<RuleId, Backtest> {
        let done = |(rule, tally): (RuleId, Tally)| (rule.clone(), tally.backtest(rule));
        self.tallies.into_iter().map(done).collect()
    }
}

/// A message of a recorded session as what was said to the agent, after its last call in the turn before.
pub fn correction(happened: &Happened, text: &str, source: &str, last: Option<Event>) -> Correction {
    let context = last.map(|last| Context { action: Some(Box::new(last)), ..Context::default() });
    Correction {
        session: Some(happened.session.clone()),
        turn: Some(happened.turn),
        at: happened.at.clone(),
        source: Some(format!("{source}:{}", happened.line)),
        context,
        ..Correction::of(redacted(text))
    }
}

/// Ends a turn that the user answered by asking for some rules, or that nobody answered.
fn close(tallies: &mut BTreeMap<RuleId, Tally>, turn: &mut Turn, asked: Option<&BTreeSet<RuleId>>) {
    let Turn { mut fired, last } = std::mem::take(turn);
    for (rule, tally) in tallies {
        let corrected = asked.map(|asked| asked.contains(rule));
        tally.said += usize::from(corrected == Some(true) && (last.is_some() || fired.contains_key(rule)));
        let Some(firing) = fired.remove(rule) else { continue };
        let (count, kept) = match corrected {
            Some(true) => (&mut tally.caught, &mut tally.right),
            Some(false) => (&mut tally.elsewhere, &mut tally.others),
            None => (&mut tally.unanswered, &mut tally.others),
        };
        *count += 1;
        if kept.len() < MAX_EXAMPLES {
            kept.push(Firing { corrected, ..firing });
        }
    }
}

fn firing(source: &str, happened: &Happened, verdict: &Verdict) -> Firing {
    let owed = || verdict.fix.as_ref().map(|owed| format!("owed: {owed}"));
    let what = verdict.witness.as_ref().map(|witness| witness.text.clone()).or_else(owed).unwrap_or_default();
    Firing {
        source: source.to_owned(),
        line: happened.line,
        session: happened.session.clone(),
        turn: happened.turn,
        what: redacted(&what).into_owned(),
        corrected: None,
    }
}

impl Tally {
    #[expect(clippy::cast_precision_loss, reason = "turns of recorded sessions are few")]
    fn backtest(self, rule: RuleId) -> Backtest {
        let Self { said, caught, elsewhere, unanswered, right, others } = self;
        let answered = caught + elsewhere;
        let precision = (answered > 0).then(|| caught as f64 / answered as f64);
        let interval = precision.map(|share| wilson(share, answered as f64));
        let advice = match interval {
            None => Advice::Quiet,
            Some((low, _)) if low >= ARMS_FROM => Advice::Arm,
            Some(_) => Advice::Shadow,
        };
        let examples = right.into_iter().chain(others).collect();
        Backtest { rule, said, caught, elsewhere, unanswered, precision, interval, advice, examples }
    }
}

#[cfg(test)]
mod tests {
    use super::{Advice, Tally};
    use rules::RuleId;

    #[test]
    fn four_corrected_turns_of_four_propose_to_arm_and_fewer_or_others_do_not() {
        let advice = |caught, elsewhere, unanswered| {
            let tally = Tally { caught, elsewhere, unanswered, ..Tally::default() };
            tally.backtest(RuleId::slug("r")).advice
        };
        let expected = [
            ((4, 0, 0), Advice::Arm),
            ((3, 0, 9), Advice::Shadow),
            ((6, 1, 0), Advice::Shadow),
            ((9, 1, 0), Advice::Arm),
            ((0, 1, 0), Advice::Shadow),
            ((0, 0, 7), Advice::Quiet),
        ];
        for ((caught, elsewhere, unanswered), expected) in expected {
            assert_eq!(advice(caught, elsewhere, unanswered), expected, "{caught} {elsewhere} {unanswered}");
        }
    }
}
