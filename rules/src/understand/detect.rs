//! Tells a rule from a task, a question, praise and a one-off.
//!
//! The cues are data; what is here is how they weigh against each other. One thing said for this once takes its whole
//! sentence out, a question is a rule only as a complaint, and an instruction without any cue for its being meant for
//! good is a task, unless it says when (`run the tests before committing`) or stands in a document of rules.

use super::Class;
use super::clause::{Role, Statement, What};
use super::meaning::{Meaning, Stance, complains, names_something};
use super::name::{Place, VERBS};
use super::text::Sentence;
use super::thing::Sort;
use crate::Correction;
use crate::lexicon::{Cue, Measure, Of};
use std::ops::Range;

/// How one statement reads.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one cue that was or was not there")]
pub(super) struct Reading {
    pub range: Range<usize>,
    pub confidence: f32,
    pub soft: bool,
    stance: Stance,
    /// A cue that it is meant for good.
    durable: bool,
    /// A stance that by itself means for good, such as `never`.
    strong: bool,
    this_time: bool,
    complaint: bool,
    forgotten: bool,
    /// It says what something should be instead.
    rejects: bool,
    /// It prefers something to something else of which it does not say `this`.
    weighs: bool,
    /// It speaks of a habit: `stop …ing`, `we don't use …`.
    habit: bool,
    /// It says what to use in files of a kind.
    general: bool,
    /// It is about every thing of a kind.
    every: bool,
    /// It is about what the agent says or asks.
    manners: bool,
    told: bool,
    question: bool,
    reported: bool,
    request: bool,
    wrong: bool,
    praise: bool,
    /// It speaks of `this` or `it` and of nothing else.
    pointing: bool,
    /// It begins with what is to be done.
    imperative: bool,
    /// It says before, after or instead of what.
    timed: bool,
    replaces: bool,
    property: bool,
    /// It sets a limit to how long something may be.
    measured: bool,
    tool: bool,
    names: bool,
}

/// Reads the cues of a statement.
pub(super) fn read(statement: &Statement<'_, '_>, sentence: &Sentence, meaning: &Meaning<'_>) -> Reading {
    let has = |cue| statement.has(cue);
    let strong = has(Cue::Always) || has(Cue::Strong) || (has(Cue::Permission) && meaning.stance == Stance::Never);
    let main = &meaning.main;
    let first_asks = statement.units().find(|unit| unit.what != What::Comma).is_some_and(|unit| unit.is(Cue::Asks));
    let timed =
        meaning.before.is_some() || statement.clause(Role::After).is_some() || statement.clause(Role::When).is_some();
    let durable = has(Cue::Durable) || has(Cue::PerSession) || has(Cue::PerTurn);
    let confidence = if strong || durable { 0.9 } else { 0.75 };
    Reading {
        range: statement.range.clone(),
        confidence,
        soft: has(Cue::Soft) && !strong,
        stance: meaning.stance,
        durable,
        strong,
        this_time: has(Cue::ThisTime),
        complaint: complains(statement),
        rejects: statement.clause(Role::Instead).is_some(),
        weighs: statement.clause(Role::Instead).is_some() && main.verb == Some(Cue::Use) && !has(Cue::This),
        habit: is_habit(statement),
        general: is_general(statement) && main.places.iter().any(Place::is_kind),
        every: statement.units().next().is_some_and(|unit| unit.is(Cue::Every))
            && (has(Cue::Must) || main.verb == Some(Cue::Place)),
        manners: matches!(main.verb, Some(Cue::Say | Cue::Ask)),
        forgotten: has(Cue::Forgot),
        told: has(Cue::Told),
        question: sentence.question || first_asks,
        reported: has(Cue::Reported),
        request: has(Cue::Requests),
        wrong: has(Cue::Wrong) || has(Cue::Undo) || has(Cue::Complaint) || has(Cue::Forgot),
        praise: has(Cue::Praise),
        pointing: main.things.is_empty() && main.properties.is_empty() && has(Cue::This),
        imperative: begins(statement),
        timed,
        replaces: !meaning.rejected.is_empty() || !meaning.instead.is_empty(),
        property: (main.verb == Some(Cue::Place) && has(Cue::New))
            || main
                .properties
                .iter()
                .any(|property| matches!(property.of.first(), Some(Of::File | Of::Content | Of::Name)))
            || (meaning.only && !main.places.is_empty())
            || (main.subject.is_some() && !main.properties.is_empty())
            || (!main.measures.is_empty() && !statement.units().next().is_some_and(|unit| unit.is(Cue::This)))
            || main.literal.is_some()
            || main.pattern.is_some(),
        measured: meaning.limits
            && !has(Cue::This)
            && main.measures.iter().any(|(_, measure)| *measure == Some(Measure::MaxLines)),
        tool: main.things.iter().any(|thing| thing.sort == Sort::Command),
        names: names_something(statement),
    }
}

/// Whether a statement speaks of a habit: what is stopped has an `-ing`, or what is not done is what *we* do not do.
fn is_habit(statement: &Statement<'_, '_>) -> bool {
    let units: Vec<_> = statement.units().collect();
    units.windows(3).any(|three| {
        let [first, second, third] = three else { return false };
        let stopped = first.is(Cue::Never) && second.text.ends_with("ing") && !third.is(Cue::This);
        let ours = first.text.eq_ignore_ascii_case("we") && second.is(Cue::Never) && third.is_any(&VERBS);
        stopped || ours
    })
}

/// Whether a statement says what to use as a rule: `use single quotes`, but not `use the new button`.
fn is_general(statement: &Statement<'_, '_>) -> bool {
    let units: Vec<_> = statement.units().collect();
    units.windows(2).any(|two| matches!(two, [first, second] if first.is(Cue::Use) && !second.is_filler()))
}

/// Whether a statement begins with a verb or with how it is meant.
fn begins(statement: &Statement<'_, '_>) -> bool {
    let first = statement.units().find(|unit| !matches!(unit.what, What::Comma | What::Mark));
    first.is_some_and(|unit| {
        unit.is_any(&VERBS)
            || unit.is_any(&[Cue::Never, Cue::Always, Cue::Must, Cue::Only, Cue::Before, Cue::After, Cue::When])
    }) && first.is_some_and(|unit| !unit.text.ends_with("ing") && !unit.text.ends_with('s'))
}

impl Reading {
    /// Takes in a statement that belongs to this one.
    pub(super) fn join(&mut self, other: &Self) {
        self.range = self.range.start.min(other.range.start)..self.range.end.max(other.range.end);
        self.replaces = true;
        self.durable |= other.durable;
        self.strong |= other.strong;
        self.this_time |= other.this_time;
        self.confidence = self.confidence.max(other.confidence);
        self.stance = Stance::Never;
    }
}

/// What the statements of a message say together.
#[derive(Debug)]
pub(super) struct Whole {
    /// Something in it is meant for this once.
    this_time: bool,
    /// Something in it is meant for good.
    durable: bool,
    /// It stands in a document of rules, not in a chat.
    document: bool,
    wrong: Vec<Range<usize>>,
}

impl Whole {
    pub(super) fn of<'r>(readings: impl Iterator<Item = &'r Reading>, correction: &Correction) -> Self {
        let about =
            correction.context.as_ref().is_some_and(|context| context.heading.is_some() || context.body.is_some());
        let file = correction.source.as_deref().unwrap_or_default();
        let document =
            about || [".md", ".mdc", ".cursorrules", ".rules"].iter().any(|extension| file.ends_with(extension));
        let mut whole = Self { this_time: false, durable: false, document, wrong: Vec::new() };
        for reading in readings {
            whole.this_time |= reading.this_time;
            whole.durable |= reading.durable && !reading.question;
            if (reading.wrong || reading.this_time) && !reading.praise {
                whole.wrong.push(reading.range.clone());
            }
        }
        whole
    }

    /// Whether a statement is meant for good; `composed` tells whether a rule could be made of it.
    pub(super) fn is_durable(&self, reading: &Reading, composed: bool) -> bool {
        let out = reading.reported
            || (reading.praise && !reading.strong)
            || (reading.this_time && !reading.strong && !self.durable && !self.document);
        if out || (reading.pointing && !composed && !reading.durable && !reading.strong) {
            return false;
        }
        let lasting = reading.strong || reading.durable || self.durable;
        if reading.complaint && reading.rejects {
            return true;
        }
        if reading.question && !self.document {
            let asked = reading.request && reading.strong;
            return composed && (reading.complaint || reading.forgotten || asked || (lasting && reading.told));
        }
        if self.this_time && !lasting && !self.document {
            return false;
        }
        let bare = reading.property && !reading.request;
        let said = match reading.stance {
            Stance::Never => !reading.request || lasting,
            Stance::Use => {
                lasting
                    || reading.replaces
                    || reading.told
                    || reading.timed
                    || bare
                    || (reading.tool && !reading.request)
            }
            Stance::Must => lasting || reading.timed || reading.forgotten || bare,
            Stance::AtMost => true,
            Stance::Plain => lasting || reading.timed || bare || (self.document && reading.imperative),
        };
        if composed {
            // In a document of rules, what a check can be made of is one, however it is put.
            let told = reading.stance != Stance::Plain || reading.imperative;
            return said || (self.document && told && !reading.question && !reading.request);
        }
        // In a document of rules, an instruction is one even where no check can be made of it.
        if self.document && !reading.question && (reading.imperative || reading.stance == Stance::Never) {
            return true;
        }
        if reading.measured && !reading.request {
            return true;
        }
        match reading.stance {
            Stance::Never => {
                reading.strong
                    || reading.habit
                    || (reading.durable && reading.names)
                    || (reading.manners && !reading.request)
            }
            Stance::Must => (reading.strong && !reading.request) || reading.durable || reading.every,
            Stance::Plain => (reading.durable && reading.names && !reading.request) || reading.every,
            Stance::Use => {
                (reading.strong || reading.durable && reading.names || reading.weighs || reading.general)
                    && !reading.request
            }
            Stance::AtMost => false,
        }
    }

    /// The class of a message from which no rule follows.
    pub(super) fn class(&self) -> (Class, String) {
        if self.wrong.is_empty() {
            (Class::NotACorrection, "nothing in it says that something was wrong or is to hold for good".to_owned())
        } else if self.this_time {
            (Class::OneOff, "said for this once".to_owned())
        } else {
            (Class::OneOff, "something was wrong, but nothing says that it is meant for good".to_owned())
        }
    }

    /// The parts that a class without rules rests on.
    pub(super) fn evidence(&self, class: Class) -> Vec<Range<usize>> {
        if class == Class::OneOff { self.wrong.clone() } else { Vec::new() }
    }
}
