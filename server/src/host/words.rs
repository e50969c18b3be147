//! What agents and users are told.
//!
//! Every text begins with our mark, so that what comes back as a prompt is known to be ours. No text says how a check
//! could be passed by: an agent is told what to do instead, and only a person can waive a rule.

use super::answer::cut;
use super::description::OUR_MARK;
use crate::report::{Admission, Outcome};
use compiler::Verdict;
use compiler::verdict::WitnessKind;
use rules::{Rule, RuleId, State};

/// The longest quote of a user's words, in characters.
const MAX_QUOTE_CHARS: usize = 200;
/// The longest command that is shown, in characters.
const MAX_COMMAND_CHARS: usize = 500;
/// How many characters a token of a language model has on average; only budgets are counted by it.
const CHARS_PER_TOKEN: usize = 4;

/// Why a call is refused.
pub(super) fn denial(verdicts: &[&Verdict]) -> String {
    let rules = verdicts.iter().map(|verdict| reason(verdict)).collect::<Vec<_>>().join("\n");
    format!("{OUR_MARK} This action is not allowed here.\n{rules}")
}

/// Why a call is refused that could not be judged.
pub(super) fn unjudged(closed: &[(RuleId, String)]) -> String {
    let rules: Vec<String> = closed.iter().map(|(rule, title)| format!("- {title} (rule `{rule}`)")).collect();
    let rules = rules.join("\n");
    format!(
        "{OUR_MARK} This call could not be judged, and these rules let nothing pass unjudged:\n{rules}\nTry once more; \
         if it is refused again, tell the user to run `trace status`."
    )
}

/// As what a call is made instead, and why.
pub(super) fn rewritten(asked: &str, made: &str, verdicts: &[&Verdict]) -> String {
    let rules = verdicts.iter().map(|verdict| reason(verdict)).collect::<Vec<_>>().join("\n");
    let shown = |text: &str| cut(text, MAX_COMMAND_CHARS);
    format!("{OUR_MARK} `{}` was run as `{}`. Write it so from now on.\n{rules}", shown(asked), shown(made))
}

/// Why a turn is not over: every cause in one message.
pub(super) fn hold(verdicts: &[&Verdict]) -> String {
    let rules = verdicts.iter().map(|verdict| reason(verdict)).collect::<Vec<_>>().join("\n");
    format!(
        "{OUR_MARK} Before you finish, this is still open:\n{rules}\nDo it now, or tell the user why it cannot be done."
    )
}

/// What was found once it could not be stopped any more.
pub(super) fn afterwards(verdicts: &[&Verdict]) -> String {
    let rules = verdicts.iter().map(|verdict| reason(verdict)).collect::<Vec<_>>().join("\n");
    format!("{OUR_MARK} What was just done does not keep a rule of this user:\n{rules}")
}

/// What the user is told when a turn ends with something open.
pub(super) fn unresolved(verdicts: &[&Verdict]) -> String {
    let rules: Vec<String> = verdicts.iter().map(|verdict| format!("`{}` ({})", verdict.rule, verdict.title)).collect();
    format!("{OUR_MARK} unresolved at the end of this turn: {}", rules.join(", "))
}

fn reason(verdict: &Verdict) -> String {
    let mut text = format!("- {} (rule `{}`)", verdict.title, verdict.rule);
    if let Some(said) = &verdict.said {
        text.push_str(&format!("\n  the user said: \"{}\"", cut(said, MAX_QUOTE_CHARS)));
    }
    if let Some(witness) = &verdict.witness {
        let place = match (&witness.path, witness.line) {
            (Some(path), Some(line)) => format!(" ({path}:{line})"),
            (Some(path), None) if *path != witness.text => format!(" ({path})"),
            _ => String::new(),
        };
        let found = if witness.kind == WitnessKind::Unknown { "cannot be told" } else { "found" };
        text.push_str(&format!("\n  {found}: {}{place}", witness.text));
    }
    match (&verdict.fix, &verdict.witness) {
        (Some(fix), Some(_)) => text.push_str(&format!("\n  instead: {fix}")),
        (Some(owed), None) => text.push_str(&format!("\n  still owed: {owed}")),
        _ => {}
    }
    text
}

/// The rules in the given order within a budget, and how many did not fit; nothing where there is none.
pub(super) fn reminder(rules: &[&Rule], budget_tokens: usize, most_chars: usize) -> Option<String> {
    let most = (budget_tokens * CHARS_PER_TOKEN).min(most_chars);
    let mut text = format!("{OUR_MARK} This user's rules; what checks can decide is enforced:");
    // The last line says what did not fit.
    let reserve = 60;
    let mut told = 0;
    for rule in rules {
        let quote = rule.said.first().map(|said| cut(said.quote.trim(), MAX_QUOTE_CHARS));
        let quote = quote.filter(|quote| *quote != rule.title).map(|quote| format!(" (\"{quote}\")"));
        let line = format!("\n- {}{}", rule.title, quote.unwrap_or_default());
        if text.chars().count() + line.chars().count() + reserve > most {
            break;
        }
        text.push_str(&line);
        told += 1;
    }
    if told < rules.len() {
        text.push_str(&format!("\n{} more rules did not fit here.", rules.len() - told));
    }
    (told > 0).then_some(text)
}

/// What was understood of the user's words; nothing where no rule followed.
pub(super) fn understood(rules: &[Outcome]) -> Option<String> {
    let line = |rule: &Outcome| {
        let stands = match (rule.state, rule.admission) {
            (State::Armed, _) => "it is enforced already",
            (State::Shadow, _) => "its violations are logged until the user arms it",
            (State::Proposed, _) => "it waits for the user",
            (State::Retired, _) => "the user has retired it",
        };
        let known = if rule.admission == Admission::New { "" } else { ", said before" };
        format!("\n- {} (rule `{}`{known}): {stands}", rule.title, rule.rule)
    };
    let lines: String = rules.iter().map(line).collect();
    let mark = format!("{OUR_MARK} What the user just said was taken down as a rule for good:");
    (!lines.is_empty()).then(|| format!("{mark}{lines}\nFollow it from now on."))
}
