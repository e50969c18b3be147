//! Recognises whether a user said something durable, and rewrites it as atomic rules.
//!
//! A message goes through five steps: [`text`] finds the sentences that are the user's own words; [`unit`] and [`clause`]
//! find known phrases, and who does what and before, after, unless or instead of what; [`thing`] and [`meaning`] name it by
//! the lexicon; [`speech`] and [`detect`] tell a rule from a task, a question and a one-off; and [`compose`] writes the rule
//! with its examples.
//!
//! INVARIANTS: the answer depends on nothing but the message and the lexicon; no step backtracks, so the time is linear
//! in the message; evidence is always an exact part of the message. There is no model here, and what cannot be decided
//! by a check is never claimed to be: it becomes a rule to be judged or a reminder.

mod around;
mod clause;
mod compose;
mod detect;
mod inherit;
mod limit;
mod meaning;
mod name;
mod operand;
mod path;
mod sample;
mod speech;
mod spelled;
mod text;
mod thing;
mod token;
mod trim;
mod unit;
mod witness;

pub(crate) use token::words;

use crate::{Correction, Decision, Example, Lexicon, Rule, RuleId, Scope, State, Strength};
use around::Forbidden;
use compose::{Draft, compose};
use detect::Reading;
use meaning::{Meaning, Stance, mean};
use name::VERBS;
use std::collections::BTreeSet;
use std::ops::Range;
use thing::shortened;

/// What a message turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Understanding {
    /// Its class.
    pub class: Class,
    /// The parts of the message that the class rests on, in bytes.
    pub evidence: Vec<Range<usize>>,
    /// The rules that follow from it, as proposals.
    pub rules: Vec<Rule>,
    /// Why, in one line.
    pub why: String,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A task, a question, praise, an approval: nothing was wrong.
    NotACorrection,
    /// Something was wrong this once.
    OneOff,
    /// Something is to hold from now on.
    Durable,
}

/// Longer messages are read up to here; what lies behind is almost always pasted.
const MAX_BYTES: usize = 64 << 10;

/// A sentence makes no more rules than this: each holds the whole of it as evidence, so a long list would grow with its
/// square.
const MAX_RULES_OF_A_SENTENCE: usize = 32;

/// Reads a message.
///
/// ```
/// use rules::{Correction, Lexicon, understand};
/// let understood = understand(&Correction::of("never use npm here, use pnpm"), Lexicon::builtin());
/// assert_eq!(understood.rules[0].id.as_str(), "npm-instead-of-pnpm");
/// ```
pub fn understand(correction: &Correction, lexicon: &Lexicon) -> Understanding {
    let own = &correction.text;
    let own = own.get(..own.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    let text = &*around::whole(own, correction);
    let languages = correction.context.as_ref().map(|context| &*context.languages).unwrap_or_default();
    let forbidden = around::forbidden(correction, lexicon);
    let replies = around::is_about_talk(correction);
    let mut headings = Vec::new();
    for heading in around::headings(correction) {
        let units = unit::units(heading, &token::tokens(heading, 0..heading.len()), lexicon);
        headings.extend(
            clause::statements(units).iter().map(|statement| mean(statement, lexicon, languages, Forbidden::Nothing)),
        );
    }
    let action = detect::action(correction);
    let mut said: Vec<(Reading, Meaning<'_>)> = Vec::with_capacity(4);
    let (mut last, mut lead) = (None, None);
    for sentence in text::sentences(text, lexicon) {
        let tokens = token::tokens(text, sentence.range.clone());
        let acts = speech::acts(&tokens);
        let units = unit::units(text, &tokens, lexicon);
        let begun = said.len();
        for statement in clause::statements(units) {
            // In a list of what is forbidden, `X; use Y` says with its second half what to do.
            let remedy = !said.is_empty() && statement.units().next().is_some_and(|unit| unit.is_any(&VERBS));
            let forbidden = if remedy { Forbidden::Nothing } else { forbidden };
            let mut meaning = mean(&statement, lexicon, languages, forbidden);
            match &lead {
                None if said.is_empty() => lead = inherit::lead(&statement),
                None => {}
                Some(lead) => meaning.stand_in(lead),
            }
            meaning.take_up(&statement, &mut last);
            if let Some((_, earlier)) = said.get(begun..).and_then(<[_]>::last) {
                meaning.stand_beside(earlier);
            }
            meaning.replies = replies;
            for heading in &headings {
                meaning.stand_under(heading);
            }
            let mut reading = detect::read(&statement, &sentence, &meaning, acts, action.as_deref());
            reading.range = around::within(own, reading.range);
            said.push((reading, meaning));
        }
    }
    spare(&mut said);
    let whole = detect::Whole::of(said.iter().map(|(reading, _)| reading), correction);
    let mut writer =
        Writer { correction, taken: BTreeSet::new(), written: Vec::new(), evidence: Vec::new(), sentence: (0..0, 0) };
    for (reading, meaning) in merged(said) {
        let timed = meaning.before.is_some() || meaning.after.is_some();
        let shown = sample::drafts(text.get(reading.range.clone()).unwrap_or_default());
        if shown.is_empty() && ![true, false].iter().any(|composed| whole.is_durable(&reading, *composed)) {
            // Most of what is said in a chat: no rule follows from it, whatever a check could be made of.
            continue;
        }
        let drafts = compose(&meaning, lexicon);
        if !shown.is_empty() && (!timed || drafts.is_empty()) && whole.is_form(&reading) {
            writer.write(&reading, shown, text);
        } else if whole.is_durable(&reading, !drafts.is_empty()) {
            writer.write(&reading, drafts, text);
        }
    }
    writer.conclude(&whole)
}

/// Takes the file that alone is edited out of those that are left alone: `only edit A_en.txt, never A_<lang>.txt`.
fn spare(said: &mut [(Reading, Meaning<'_>)]) {
    let only = said.iter().filter(|(_, meaning)| meaning.only && meaning.stance != Stance::Never);
    let only: Vec<_> =
        only.flat_map(|(_, meaning)| meaning.main.things.iter().filter(|thing| thing.literal)).cloned().collect();
    for (_, meaning) in said.iter_mut().filter(|(_, meaning)| meaning.stance == Stance::Never) {
        let things = &meaning.main.things;
        let spared =
            |file: &&thing::Thing| things.iter().any(|thing| thing.literal && path::covers(&thing.label, &file.label));
        let spared: Vec<_> = only.iter().filter(spared).cloned().collect();
        if meaning.unless.is_none() && !spared.is_empty() {
            meaning.unless = Some(Box::new(name::Named { things: spared, ..name::Named::default() }));
        }
    }
}

/// Brings `never use npm` and `use pnpm` together where they stand side by side.
fn merged<'l>(said: Vec<(Reading, Meaning<'l>)>) -> Vec<(Reading, Meaning<'l>)> {
    if said.len() < 2 {
        return said;
    }
    let mut found: Vec<(Reading, Meaning<'l>)> = Vec::with_capacity(said.len());
    for (reading, mut meaning) in said {
        if let Some((before, last)) = found.last_mut() {
            let (never, used) = match (last.stance, meaning.stance) {
                (Stance::Never, Stance::Use) => (&mut *last, &mut meaning),
                (Stance::Use, Stance::Never) => (&mut meaning, &mut *last),
                (Stance::Plain | Stance::Must, Stance::Never) if last.runs_written() => (&mut meaning, &mut *last),
                _ => {
                    found.push((reading, meaning));
                    continue;
                }
            };
            if replaces(never, used) {
                never.instead = std::mem::take(&mut used.main.things);
                let swap = last.stance != Stance::Never;
                before.join(&reading);
                if swap {
                    *last = meaning;
                }
                continue;
            }
        }
        found.push((reading, meaning));
    }
    found
}

/// Whether the one statement says what to use instead of the other's.
fn replaces(never: &Meaning<'_>, used: &Meaning<'_>) -> bool {
    let sort = |meaning: &Meaning<'_>| meaning.main.things.first().map(|thing| thing.sort);
    let free =
        |meaning: &Meaning<'_>| meaning.rejected.is_empty() && meaning.instead.is_empty() && meaning.before.is_none();
    // `run X --locked; never use --release` forbids an option, and not what is used.
    let option = !never.main.flags.is_empty();
    sort(never).is_some() && sort(never) == sort(used) && free(never) && free(used) && !option
}

/// The rules of one message as they are written.
struct Writer<'c> {
    correction: &'c Correction,
    taken: BTreeSet<String>,
    written: Vec<Rule>,
    evidence: Vec<Range<usize>>,
    /// The sentence at hand, and how many rules it has made.
    sentence: (Range<usize>, usize),
}

impl Writer<'_> {
    fn write(&mut self, reading: &Reading, drafts: Vec<Draft>, text: &str) {
        let quote = text.get(reading.range.clone()).unwrap_or_default();
        let drafts = if drafts.is_empty() { vec![judged(quote)] } else { drafts };
        self.evidence.push(reading.range.clone());
        self.written.reserve(drafts.len());
        if self.sentence.0 != reading.range {
            self.sentence = (reading.range.clone(), 0);
        }
        for draft in drafts {
            if self.sentence.1 == MAX_RULES_OF_A_SENTENCE {
                break;
            }
            let draft = match &self.correction.scope {
                Some(scope) => {
                    let scope = both(&draft.scope, scope);
                    draft.scoped(&scope)
                }
                None => draft,
            };
            let said_before = self
                .written
                .iter_mut()
                .find(|rule| rule.check.is_some() && rule.check == draft.check && rule.scope == draft.scope);
            if let Some(rule) = said_before {
                // One sentence is said once, however often it names the same thing.
                if rule.said.last().is_none_or(|last| last.quote != quote) {
                    rule.said.push(self.correction.quote(quote));
                }
                continue;
            }
            let rule = self.rule(draft, reading, quote);
            self.written.push(rule);
            self.sentence.1 += 1;
        }
    }

    fn rule(&mut self, draft: Draft, reading: &Reading, quote: &str) -> Rule {
        let confidence = match draft.decided_by {
            Decision::Check => reading.confidence,
            Decision::Judged | Decision::Reminder => reading.confidence.min(0.6),
        };
        Rule {
            id: self.free_id(&draft.id),
            title: draft.title,
            state: State::Proposed,
            strength: if reading.soft { Strength::Should } else { Strength::Must },
            decided_by: draft.decided_by,
            confidence: Some(confidence),
            superseded_by: None,
            split_into: Vec::new(),
            refines: None,
            scope: draft.scope,
            check: draft.check,
            remind_when: draft.remind_when,
            said: vec![self.correction.quote(quote)],
            examples: draft.examples.iter().map(|(violates, events)| Example::of(*violates, events)).collect(),
        }
    }

    /// The slug, numbered where this message already made a rule of that name.
    fn free_id(&mut self, wanted: &str) -> RuleId {
        let mut id = RuleId::slug(wanted);
        if id.as_str() == "rule" {
            // Nothing of it can be spelled in a slug: it is named after the message.
            id = RuleId::slug(&format!("said-{}", self.correction.key()));
        }
        let taken = |id: &RuleId| self.taken.contains(id.as_str());
        let mut n = 1;
        let wanted = id.clone();
        while taken(&id) {
            n += 1;
            id = wanted.numbered(n);
        }
        self.taken.insert(id.as_str().to_owned());
        id
    }

    fn conclude(self, whole: &detect::Whole) -> Understanding {
        if self.written.is_empty() {
            let (class, why) = whole.class();
            return Understanding { class, evidence: whole.evidence(class), rules: Vec::new(), why };
        }
        let checks = self.written.iter().filter(|rule| rule.check.is_some()).count();
        let judged = self.written.iter().any(|rule| rule.decided_by == Decision::Judged);
        let why = match (checks, judged) {
            (0, true) => "said for good, but only judgement can decide it",
            (0, false) => "said for good, but nothing that an agent does shows whether it is kept",
            _ if checks < self.written.len() => "said for good, and checks can decide a part of it",
            _ => "said for good, and a check can decide it",
        };
        let why = why.to_owned();
        Understanding { class: Class::Durable, evidence: self.evidence, rules: self.written, why }
    }
}

/// A title is read at a glance.
const MAX_TITLE_CHARS: usize = 58;

/// A rule that nothing but judgement decides.
fn judged(quote: &str) -> Draft {
    let words = quote.split_whitespace().collect::<Vec<_>>().join(" ").replace("**", "");
    let short = shortened(&words, MAX_TITLE_CHARS, ' ');
    let title = if short.len() < words.len() { format!("{short}…") } else { words.clone() };
    Draft {
        id: shortened(&words, MAX_TITLE_CHARS, ' ').to_owned(),
        title,
        check: None,
        decided_by: Decision::Judged,
        remind_when: None,
        scope: Scope::default(),
        examples: Vec::new(),
    }
}

/// Both scopes at once; where both name something of a kind, what was said from outside holds.
fn both(own: &Scope, given: &Scope) -> Scope {
    let pick = |own: &Vec<String>, given: &Vec<String>| if given.is_empty() { own.clone() } else { given.clone() };
    Scope {
        directory: pick(&own.directory, &given.directory),
        branch: pick(&own.branch, &given.branch),
        host: pick(&own.host, &given.host),
        session: pick(&own.session, &given.session),
    }
}
