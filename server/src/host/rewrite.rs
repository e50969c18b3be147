//! A command that is forbidden, changed into the one that a rule names instead, where both surely mean the same.
//!
//! INVARIANT: nothing is guessed. The command stands in the text word for word, without quotes, expansions, redirections or
//! another program around it; the rule names its replacement; and the lexicon vouches for the two, arguments and all.

use super::hook::Visit;
use super::log::What;
use super::sessions::Record;
use super::words;
use compiler::verdict::WitnessKind;
use compiler::{Checks, Verdict};
use rules::{Event, EventKind, RuleId, means_the_same};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Range;

/// How often a call is changed until no rule refuses it.
const MAX_REWRITES: usize = 8;
/// A call as it is made instead.
pub(super) struct Rewritten {
    pub(super) event: Event,
    /// What rules say of it; none refuses it.
    pub(super) verdicts: Vec<Verdict>,
    /// Its arguments as the host spells them.
    pub(super) input: Value,
    /// What the agent is told.
    pub(super) told: String,
}

impl Visit<'_> {
    /// Changes a call that is refused into one that is not, where both surely mean the same and the host takes another.
    pub(super) fn rewritten(
        &mut self,
        record: &mut Record,
        waived: &BTreeMap<RuleId, Option<u32>>,
        event: &Event,
        verdicts: &[Verdict],
        checks: &Checks,
    ) -> Option<Rewritten> {
        let EventKind::PreToolUse { tool, input: asked, id } = &event.kind else { return None };
        if record.is_deaf {
            return None;
        }
        let mut input = self.heard.input.clone().filter(Value::is_object)?;
        let before =
            input.get("command")?.as_str().filter(|text| asked.get("command") == Some(&json!(text)))?.to_owned();
        let refused = |verdicts: &[Verdict]| verdicts.iter().filter(|one| one.blocks).cloned().collect::<Vec<_>>();
        let mut open = refused(verdicts);
        if open.is_empty() {
            return None;
        }
        let (mut text, mut causes) = (before.clone(), Vec::new());
        let kept = (record.clone(), self.log.clone());
        // A rule shows one command at a time.
        for _ in 0..MAX_REWRITES {
            let Some(new) = changed(&text, &open.iter().collect::<Vec<_>>()) else { break };
            text = new;
            causes.append(&mut open);
            let mut asked = asked.clone();
            *asked.get_mut("command")? = json!(text);
            let kind = EventKind::PreToolUse { tool: tool.clone(), input: asked, id: id.clone() };
            let event = Event { kind, ..event.clone() };
            // The call that was refused has used no waiver up.
            record.waived.clone_from(waived);
            self.log.clear();
            let verdicts = self.observed(record, &event, checks);
            open = refused(&verdicts);
            if open.is_empty() {
                *input.get_mut("command")? = json!(text);
                let told = words::rewritten(&before, &text, &causes.iter().collect::<Vec<_>>());
                self.note(What::Rewritten, &causes);
                record.changed = Some((before, text));
                return Some(Rewritten { event, verdicts, input, told });
            }
        }
        (*record, self.log) = kept;
        None
    }

    /// Looks whether the host has run a command as it was told to. One that has not, such as one in which another hook had
    /// the last word, has commands refused from now on.
    pub(super) fn listened(&mut self, record: &mut Record, event: &Event) {
        let EventKind::PostToolUse { input, .. } = &event.kind else { return };
        let Some(ran) = input.get("command").and_then(Value::as_str) else { return };
        let changed = record.changed.take_if(|(asked, made)| ran == asked || ran == made);
        if changed.is_some_and(|(asked, _)| ran == asked) {
            record.is_deaf = true;
            let why = format!("the host ran `{ran}` as it was asked for, and is told no other command in this session");
            self.log.push(self.entry(What::NotEnforced).because(&why));
        }
    }
}

/// A text for the shell in which what is refused is changed; nothing where one of the refusals stays.
fn changed(text: &str, refusals: &[&Verdict]) -> Option<String> {
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
