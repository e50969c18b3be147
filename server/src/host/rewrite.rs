//! A command that is forbidden, changed into the one that a rule names instead, where both surely mean the same.
//!
//! INVARIANT: nothing is guessed. The command stands in the text word for word, without quotes, expansions, redirections or
//! another program around it; the rule names its replacement; and the lexicon vouches for the two, arguments and all.

use compiler::Verdict;
use compiler::verdict::WitnessKind;
use rules::means_the_same;
use std::ops::Range;

/// A text for the shell in which what is refused is changed; nothing where one of the refusals stays.
pub(super) fn changed(text: &str, refusals: &[&Verdict]) -> Option<String> {
    let mut changes = refusals.iter().map(|refusal| change(text, refusal)).collect::<Option<Vec<_>>>()?;
    changes.sort_by_key(|(place, _)| (place.start, place.end));
    // Two rules may refuse one command for one reason.
    changes.dedup();
    let mut result = String::new();
    let mut end = 0;
    for (place, instead) in changes {
        result.push_str(text.get(end..place.start)?);
        result.push_str(instead);
        end = place.end;
    }
    result.push_str(text.get(end..)?);
    Some(result)
}

/// Where the refused command stands, and what takes its place.
fn change<'v>(text: &str, refusal: &'v Verdict) -> Option<(Range<usize>, &'v str)> {
    let witness = refusal.witness.as_ref().filter(|witness| witness.kind == WitnessKind::Command)?;
    let [start, end] = witness.span?;
    let call = text.get(start..end)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || " @%+=:,./_^~-".contains(c);
    let instead = refusal.fix.as_deref()?;
    let words = |text: &'v str| text.split(' ').collect::<Vec<_>>();
    let sure =
        call == witness.text && call.chars().all(plain) && means_the_same(&words(&witness.text), &words(instead));
    sure.then_some((start..end, instead))
}
