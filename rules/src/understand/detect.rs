//! Tells a rule from a task, a question, praise and a one-off.
//!
//! The cues are data; what is here is how they weigh against each other. One thing said for this once takes its whole
//! sentence out, a question is a rule only as a complaint, and an instruction without any cue for its being meant for
//! good is a task, unless it says when (`run the tests before committing`) or stands in a document of rules.

use super::Class;
use super::clause::{Role, Statement};
use super::meaning::{Meaning, Stance, complains, names_something};
use super::name::{Place, VERBS};
use super::speech::{Act, Acts};
use super::text::Sentence;
use super::thing::{Sort, Thing};
use super::unit::{Unit, What};
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
    /// It forbids something of all things of a kind: `don't add comments`.
    generic: bool,
    /// It is about every thing of a kind.
    every: bool,
    /// It speaks of making, changing or deleting something.
    makes: bool,
    /// It is about what the agent says or asks.
    manners: bool,
    told: bool,
    question: bool,
    /// Its sentence ends with a question mark.
    asked: bool,
    reported: bool,
    request: bool,
    wrong: bool,
    praise: bool,
    /// It speaks of `this` or `it` and of nothing else.
    pointing: bool,
    /// It is about one file at hand that it does not name, or stops what is running: it can only be meant for now.
    passing: bool,
    /// It begins with what is to be done.
    imperative: bool,
    /// It says before, after or instead of what.
    timed: bool,
    /// It says only under which circumstances.
    circumstance: bool,
    replaces: bool,
    /// It puts one known thing in the place of another.
    swaps: bool,
    property: bool,
    /// It sets a limit to how long something may be.
    measured: bool,
    tool: bool,
    names: bool,
    /// What its sentence does.
    acts: Acts,
    /// Whether the action that was corrected holds something that it names.
    has_done: bool,
}

/// Reads the cues of a statement.
///
/// `action` is the one that was corrected, in lower case.
pub(super) fn read(
    statement: &Statement<'_, '_>,
    sentence: &Sentence,
    meaning: &Meaning<'_>,
    acts: Acts,
    action: Option<&str>,
) -> Reading {
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
        generic: is_generic(statement),
        every: statement.units().next().is_some_and(|unit| unit.is(Cue::Every))
            && (has(Cue::Must) || main.verb == Some(Cue::Place)),
        makes: matches!(main.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Place)),
        manners: matches!(main.verb, Some(Cue::Say | Cue::Ask)),
        forgotten: has(Cue::Forgot),
        told: has(Cue::Told),
        question: sentence.question || first_asks,
        asked: sentence.question,
        reported: has(Cue::Reported),
        request: has(Cue::Requests),
        wrong: has(Cue::Wrong) || has(Cue::Undo) || has(Cue::Complaint) || has(Cue::Forgot),
        praise: has(Cue::Praise),
        pointing: main.things.is_empty() && main.properties.is_empty() && has(Cue::This),
        passing: halts(statement)
            || (statement.clause(Role::Instead).is_none()
                && main.things.iter().all(|thing| thing.slug == "files")
                && points_at_file(statement)),
        imperative: begins(statement) || begins_with_act(statement, meaning),
        timed,
        circumstance: meaning.before.is_none() && statement.clause(Role::After).is_none(),
        replaces: !meaning.rejected.iter().chain(&meaning.instead).all(is_written_file),
        swaps: !meaning.rejected.is_empty() && meaning.rejected.iter().chain(&main.things).all(|it| it.known.is_some()),
        property: (main.verb == Some(Cue::Place) && has(Cue::New))
            || meaning.is_placed()
            || main.properties.iter().any(|property| match property.of.first() {
                Some(Of::Commit) => !property.dependent && !has(Cue::This),
                of => matches!(of, Some(Of::File | Of::Content | Of::Name)),
            })
            || (meaning.only && !main.places.is_empty())
            || (main.subject.is_some() && !main.properties.is_empty() && !has(Cue::This))
            || (!main.measures.is_empty() && !statement.units().next().is_some_and(|unit| unit.is(Cue::This)))
            || main.literal.is_some()
            || (!main.sites.is_empty() && !main.forms.is_empty())
            || main.pattern.is_some(),
        measured: meaning.limits
            && !has(Cue::This)
            && main.measures.iter().any(|(_, measure)| *measure == Some(Measure::MaxLines)),
        tool: main.things.iter().any(|thing| thing.sort == Sort::Command),
        names: names_something(statement),
        acts: if acts.told().is_some_and(|told| turns(statement, told)) { acts.but_tells() } else { acts },
        has_done: action.is_some_and(|action| has_done(statement, action)),
    }
}

/// Whether a statement says how it is meant behind what it tells and a comma: `I can't see it all, so never push untested`.
fn turns(statement: &Statement<'_, '_>, told: usize) -> bool {
    let behind = statement.units().skip_while(|unit| unit.range.start < told || unit.what != What::Comma);
    let behind = behind.skip(1).skip_while(|unit| unit.is_filler() || matches!(unit.text, "so" | "but" | "therefore"));
    behind.take(2).any(|unit| unit.is_any(&[Cue::Never, Cue::Always, Cue::Strong]))
}

/// Whether an action holds something that a statement names.
fn has_done(statement: &Statement<'_, '_>, action: &str) -> bool {
    let mut named = statement.units().filter(|unit| unit.is_content() && !unit.text.is_empty());
    named.any(|unit| action.contains(&*unit.lower()))
}

/// The action that a correction is about, in lower case.
pub(super) fn action(correction: &Correction) -> Option<String> {
    let action = correction.context.as_ref()?.action.as_ref()?;
    serde_json::to_string(action).ok().map(|text| text.to_lowercase())
}

/// Whether a thing is one file by its name: another in its place is a matter of the task at hand.
fn is_written_file(thing: &Thing) -> bool {
    thing.sort == Sort::File && thing.literal
}

/// Whether a statement speaks of a habit: what is stopped has an `-ing`, or what is not done is what *we* do not do.
fn is_habit(statement: &Statement<'_, '_>) -> bool {
    if !statement.has(Cue::Never) {
        return false;
    }
    let units: Vec<_> = statement.units().collect();
    units.windows(3).any(|three| {
        let [first, second, third] = three else { return false };
        let stopped = first.is(Cue::Never) && second.text.ends_with("ing") && !third.is(Cue::This);
        let ours = first.text.eq_ignore_ascii_case("we") && second.is(Cue::Never) && third.is_any(&VERBS);
        stopped || ours
    })
}

/// Whether a statement is about `that file`.
fn points_at_file(statement: &Statement<'_, '_>) -> bool {
    let units = statement.clause(Role::Main).map(|clause| &*clause.units).unwrap_or_default();
    units.windows(2).any(|two| matches!(two, [this, file] if this.is(Cue::This) && file.text.starts_with("file")))
}

/// Whether a statement stops something that runs: `stop the server`, but not `stop pushing`.
fn halts(statement: &Statement<'_, '_>) -> bool {
    let mut units = statement.units().filter(|unit| !matches!(unit.what, What::Comma | What::Mark));
    let stops = units.next().is_some_and(|unit| unit.is(Cue::Never) && unit.text.eq_ignore_ascii_case("stop"));
    stops && units.next().is_none_or(|unit| unit.is_any(&[Cue::Filler, Cue::This]))
}

/// Whether what a statement forbids is named in the plural and without an article.
fn is_generic(statement: &Statement<'_, '_>) -> bool {
    let units = statement.clause(Role::Main).map(|clause| &*clause.units).unwrap_or_default();
    let Some(never) = units.iter().position(|unit| unit.is(Cue::Never)) else { return false };
    let bare = |unit: &&Unit<'_, '_>| !unit.is_filler() && !unit.is_any(&[Cue::And, Cue::Or, Cue::In, Cue::To]);
    let object = units.get(never + 1..).unwrap_or_default().iter().take(5).take_while(bare);
    object.into_iter().any(|unit| unit.text.len() > 3 && unit.text.ends_with('s') && !unit.text.ends_with("ss"))
}

/// Whether a statement says what to use as a rule: `use single quotes`, but not `use the new button`.
fn is_general(statement: &Statement<'_, '_>) -> bool {
    let (first, second) = (statement.units(), statement.units().skip(1));
    first.zip(second).any(|(first, second)| first.is(Cue::Use) && !second.is_filler())
}

/// Whether a statement begins with a verb or with how it is meant.
fn begins(statement: &Statement<'_, '_>) -> bool {
    let first = statement.units().find(|unit| !matches!(unit.what, What::Comma | What::Mark));
    first.is_some_and(|unit| {
        unit.is_any(&VERBS)
            || unit.is_any(&[Cue::Never, Cue::Always, Cue::Must, Cue::Only, Cue::Before, Cue::After, Cue::When])
    }) && first.is_some_and(|unit| !unit.text.ends_with("ing") && !unit.text.ends_with('s'))
}

/// Whether a statement begins with what is done by a known command and has no other verb: `open PRs as drafts`.
fn begins_with_act(statement: &Statement<'_, '_>, meaning: &Meaning<'_>) -> bool {
    let first = statement.units().find(|unit| !matches!(unit.what, What::Comma | What::Mark));
    let act = meaning.main.things.first().is_some_and(|thing| thing.sort == Sort::Command && thing.says.is_some());
    let told = !meaning.main.flags.is_empty() || meaning.main.words == 0;
    first.is_some_and(|unit| {
        unit.is_content() && !unit.literal && (unit.text.contains(' ') || !unit.text.ends_with('s'))
    }) && act
        && told
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
#[expect(clippy::struct_excessive_bools, reason = "each is something that was or was not said")]
pub(super) struct Whole {
    /// Something in it is meant for this once.
    this_time: bool,
    /// Something in it is meant for good.
    durable: bool,
    /// It stands in a document of rules, not in a chat.
    document: bool,
    /// It begins with a task, for which the rest may be meant.
    task: bool,
    /// It names a document of rules.
    refers: bool,
    wrong: Vec<Range<usize>>,
    /// What says of something only that it is not as it was to be.
    faults: Vec<Range<usize>>,
}

/// A message that is longer, in bytes, says more than a few rules.
const LONG: usize = 400;

/// How many points a message lists, a line each or one behind the other.
fn points(text: &str) -> usize {
    let numbered = |three: &&[u8]| matches!(three, [b'0'..=b'9', b'.' | b')', b' ' | b'\t' | b'\n']);
    let marked = |line: &&str| ["- ", "* "].iter().any(|mark| line.trim_start().starts_with(mark));
    text.as_bytes().windows(3).filter(numbered).count() + text.lines().filter(marked).count()
}

impl Whole {
    pub(super) fn of<'r>(readings: impl Iterator<Item = &'r Reading>, correction: &Correction) -> Self {
        let about =
            correction.context.as_ref().is_some_and(|context| context.heading.is_some() || context.body.is_some());
        let file = correction.source.as_deref().unwrap_or_default();
        let document =
            about || [".md", ".mdc", ".cursorrules", ".rules"].iter().any(|extension| file.ends_with(extension));
        let mut whole = Self {
            this_time: false,
            durable: false,
            document,
            task: false,
            refers: false,
            wrong: Vec::new(),
            faults: Vec::new(),
        };
        // What is set out at length in points is what to make; a short list may be one of rules.
        whole.task = !document && correction.text.len() > LONG && points(&correction.text) >= 3;
        let mut first = true;
        for reading in readings {
            whole.task |= std::mem::take(&mut first) && reading.acts.has(Act::Tasks);
            whole.refers |= reading.acts.has(Act::Document);
            whole.this_time |= reading.this_time;
            whole.durable |= reading.durable && !reading.question;
            if reading.praise {
                continue;
            }
            if reading.wrong || reading.this_time {
                whole.wrong.push(reading.range.clone());
            } else if reading.acts.has(Act::Faults) {
                whole.faults.push(reading.range.clone());
            }
        }
        whole
    }

    /// Whether a statement is meant for good; `composed` tells whether a rule could be made of it.
    pub(super) fn is_durable(&self, reading: &Reading, composed: bool) -> bool {
        if self.document {
            let demands = reading.acts.has(Act::Demands) && !reading.question && !reading.reported;
            return demands || self.says(reading, composed);
        }
        let vows = reading.acts.has(Act::Vows) && reading.strong && !reading.asked;
        if reading.acts.has(Act::Records) || vows && !reading.reported && !reading.this_time {
            return true;
        }
        let does = |act| reading.acts.has(act);
        let extent = does(Act::Tasks) && does(Act::Extent) && !reading.strong;
        let bounds = does(Act::Bounds) && !reading.strong;
        // What was made or deleted once may be put right; with what and where it was done is another matter.
        let over = does(Act::Past) && reading.makes && !reading.rejects && !reading.has_done;
        let beside =
            does(Act::Tells) && !does(Act::Method) || over || (does(Act::AsksHow) || bounds) && !reading.durable;
        let passing = reading.passing && !reading.durable && !reading.strong;
        !extent && !beside && !passing && (self.says(reading, composed) || self.lasts(reading, composed))
    }

    /// Whether a form that a statement shows is meant for good: who shows one means all that are to come, unless they ask
    /// for it, or say that it is for this time (`today's must be named 20260324_notes.md` shows how all must be).
    pub(super) fn is_form(&self, reading: &Reading) -> bool {
        let passing = reading.this_time && !reading.acts.has(Act::Demands);
        self.document || !reading.question && !reading.asked && !passing
    }

    /// Whether a statement of a chat is meant for good by what is done with words in it.
    fn lasts(&self, reading: &Reading, composed: bool) -> bool {
        let does = |act| reading.acts.has(act);
        let about_work = does(Act::Procedure) || reading.names;
        let wrong = reading.complaint || reading.wrong || reading.forgotten || !self.wrong.is_empty();
        let never = reading.stance == Stance::Never;
        // What is reminded of is there already, so it is meant for good.
        let asks = reading.stance != Stance::Plain;
        let reminds = does(Act::Appeals) && self.refers && (reading.question || reading.told || wrong || asks);
        let norms = does(Act::Norms) && !reading.question && !reading.this_time;
        // What is to be done each time outlasts the task that it is said with.
        let paced = does(Act::Cadence) && (asks || reading.imperative || does(Act::Wants) || does(Act::Tasks));
        if paced && !reading.question && !reading.this_time && !reading.reported {
            return true;
        }
        if ((reminds || norms) && !self.task) || (does(Act::Method) && (wrong || !reading.question)) {
            return true;
        }
        if reading.reported || reading.praise || (reading.this_time && !does(Act::Omitted)) {
            return false;
        }
        if does(Act::Uninvited) && does(Act::Procedure) {
            return true;
        }
        if does(Act::Product) && !does(Act::Procedure) {
            return false;
        }
        let complains = (does(Act::Again) && never)
            || does(Act::Told)
            || (does(Act::Ongoing) && reading.question && (about_work || does(Act::Autonomy) || !reading.pointing))
            || (does(Act::Omitted) && about_work)
            || (does(Act::Ongoing) && does(Act::Conduct))
            || (reading.complaint && reading.rejects);
        // A complaint that names what the agent has just done is about that, and a check can see it.
        let acted = composed && reading.complaint && reading.has_done;
        if complains || acted {
            return true;
        }
        if reading.question || self.task {
            return false;
        }
        let chooses = does(Act::Choice);
        (does(Act::Conduct) && (never || reading.complaint || composed))
            || does(Act::Principles)
            || does(Act::Conventions)
            || does(Act::Autonomy)
            || (does(Act::General) && (asks || reading.timed))
            || (does(Act::Procedure) && reading.timed && reading.stance == Stance::Must)
            || reading.generic
            || (does(Act::Prefers) && about_work && !chooses)
            || (does(Act::Wants) && reading.rejects && !chooses)
            || (does(Act::Procedure) && (never || reading.stance == Stance::Use && wrong) && !chooses)
    }

    /// Whether a statement is meant for good by how it is said and by what it is about.
    fn says(&self, reading: &Reading, composed: bool) -> bool {
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
            let swaps = reading.request && reading.swaps;
            return composed && (reading.complaint || reading.forgotten || asked || swaps || (lasting && reading.told));
        }
        // What is said along with a task is said for that task.
        let noun = composed && reading.acts.has(Act::Tasks) && reading.stance != Stance::Never;
        let beside = self.task && !noun;
        if (self.this_time || beside) && !lasting && !self.document {
            return false;
        }
        // What is said of buttons is what to make, not how to work.
        let made = reading.acts.has(Act::Product) && !reading.acts.has(Act::Procedure) && !self.document;
        let bare = reading.property && !reading.request;
        // `create a file that is opened when the button is pressed`
        let set = reading.acts.has(Act::Tasks) && reading.circumstance && !self.document;
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
            Stance::Plain => lasting || reading.timed && !set || bare || (self.document && reading.imperative),
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
        if made && !reading.durable {
            return false;
        }
        let every = reading.every && (self.document || reading.names || reading.acts.has(Act::Procedure));
        match reading.stance {
            Stance::Never => {
                reading.strong
                    || reading.habit
                    || (reading.durable && reading.names)
                    || (reading.manners && !reading.request && !self.task)
            }
            Stance::Must => (reading.strong && !reading.request) || reading.durable || every,
            Stance::Plain => (reading.durable && reading.names && !reading.request) || every,
            Stance::Use => {
                (reading.strong || reading.durable && reading.names || reading.weighs || reading.general)
                    && !reading.request
            }
            Stance::AtMost => false,
        }
    }

    /// The class of a message from which no rule follows.
    pub(super) fn class(&self) -> (Class, String) {
        if self.wrong.is_empty() && self.faults.is_empty() {
            (Class::NotACorrection, "nothing in it says that something was wrong or is to hold for good".to_owned())
        } else if self.this_time {
            (Class::OneOff, "said for this once".to_owned())
        } else {
            (Class::OneOff, "something was wrong, but nothing says that it is meant for good".to_owned())
        }
    }

    /// The parts that a class without rules rests on.
    pub(super) fn evidence(&self, class: Class) -> Vec<Range<usize>> {
        match class {
            Class::OneOff if self.wrong.is_empty() => self.faults.clone(),
            Class::OneOff => self.wrong.clone(),
            _ => Vec::new(),
        }
    }
}
