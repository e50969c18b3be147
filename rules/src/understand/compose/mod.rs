//! From what a statement means to the rules it makes: the pattern, the scope, the name, the title and the examples.
//!
//! Nothing here looks at words. What arrives are things, places and properties; what leaves are drafts whose examples
//! are put together from the things' own events, so that a rule and its tests cannot speak of different things.

mod code;
mod duty;
mod never;
mod place;
mod run;
mod texts;

pub(super) use texts::layout;

use super::meaning::{Meaning, Stance};
use super::thing::{Sort, Thing};
use crate::lexicon::Cue;
use crate::{Decision, Directive, During, Event, Lexicon, Pattern, Per, Predicate, Scope};

/// A rule before it has its place in the book.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub id: String,
    pub title: String,
    pub check: Option<Directive>,
    pub decided_by: Decision,
    pub remind_when: Option<Predicate>,
    pub scope: Scope,
    pub examples: Vec<(bool, Vec<Event>)>,
}

impl Draft {
    pub(super) fn of(id: String, title: String, pattern: Pattern) -> Self {
        Self {
            id,
            title,
            check: Some(Directive::of(pattern)),
            decided_by: Decision::Check,
            remind_when: None,
            scope: Scope::default(),
            examples: Vec::new(),
        }
    }

    pub(super) fn violates(mut self, events: impl Into<Vec<Event>>) -> Self {
        self.examples.push((true, events.into()));
        self
    }

    pub(super) fn clean(mut self, events: impl Into<Vec<Event>>) -> Self {
        self.examples.push((false, events.into()));
        self
    }

    fn per(mut self, per: Per) -> Self {
        if let Some(check) = &mut self.check {
            check.per = per;
        }
        self
    }

    fn during(mut self, during: During) -> Self {
        if let Some(check) = &mut self.check {
            check.during = during;
        }
        self
    }

    fn when(mut self, when: Predicate) -> Self {
        if let Some(check) = &mut self.check {
            check.when = Some(when);
        }
        self
    }

    /// Puts the rule into a scope and its examples with it.
    pub(super) fn scoped(mut self, scope: &Scope) -> Self {
        self.scope = scope.clone();
        for (_, events) in &mut self.examples {
            for event in events {
                place::place_event(event, scope);
            }
        }
        self
    }
}

/// The rules that a statement makes; none where its things cannot be told.
pub(super) fn compose(meaning: &Meaning<'_>, lexicon: &Lexicon) -> Vec<Draft> {
    let composer = Composer { meaning, lexicon };
    let scope = composer.scope();
    composer
        .drafts()
        .into_iter()
        .map(|draft| if scope.is_everywhere() { draft } else { draft.scoped(&scope) })
        .collect()
}

struct Composer<'m, 'l> {
    meaning: &'m Meaning<'m>,
    lexicon: &'l Lexicon,
}

impl Composer<'_, '_> {
    fn drafts(&self) -> Vec<Draft> {
        let main = &self.meaning.main;
        if main.verb == Some(Cue::Ask) && self.meaning.stance != Stance::Never {
            return self.asked();
        }
        if let Some(read) = self.guided() {
            return vec![read];
        }
        if self.meaning.unclear {
            return Vec::new();
        }
        if let Some(run) = self.piped().or_else(|| self.rooted()).or_else(|| self.timed_out()) {
            return run;
        }
        if !self.meaning.scopes.is_empty() && self.meaning.stance != Stance::Never {
            return vec![self.listed_scopes()];
        }
        if let Some(flag) = self.meaning.without.first().filter(|_| self.meaning.rejected.is_empty()) {
            return self.without(flag);
        }
        if self.meaning.stance != Stance::Never
            && let Some(only) = self.only_files()
        {
            return vec![only];
        }
        let edge = matches!(main.literal, Some((Cue::StartsWith | Cue::EndsWith, _))) && main.subjects.is_empty();
        let files = main.sites.is_empty() && main.things.iter().all(|thing| thing.sort == Sort::File);
        if edge && self.meaning.stance == Stance::Never && files {
            // `no test prefix for new tests`: of what it is a prefix does not show, unless it is like no other word.
            return self.names_in_front();
        }
        let in_step = if self.meaning.together { self.in_step() } else { Vec::new() };
        if !in_step.is_empty() || self.meaning.together && self.meaning.after.is_none() {
            return in_step;
        }
        if self.meaning.entry && self.meaning.stance != Stance::Never {
            return self.entered().into_iter().collect();
        }
        if main.verb == Some(Cue::BackUp) {
            let copied = self.copied();
            // `back up the database`: nothing but files is copied by a command that is known.
            return copied.or_else(|| (main.words == 0).then(|| self.backed_up())).into_iter().collect();
        }
        if let Some((runner, programs)) = self.meaning.through.as_deref()
            && self.meaning.rejected.is_empty()
        {
            return vec![self.through(runner, programs)];
        }
        if let Some(base) = self.based().or_else(|| self.branched()) {
            return vec![base];
        }
        let in_code = self.in_code();
        if !in_code.is_empty() {
            return in_code;
        }
        if self.rejects_code() {
            return self.used();
        }
        if self.about_texts() {
            return self.properties();
        }
        match self.meaning.stance {
            Stance::Never => self.never(),
            Stance::Use if self.places() => self.must(),
            Stance::Use => self.used(),
            Stance::AtMost => self.bounded().into_iter().collect(),
            Stance::Must | Stance::Plain => match self.only_places() {
                Some(limits) => vec![limits],
                None => self.must(),
            },
        }
    }

    /// Whether it says where something belongs, and not by what it takes another's place.
    fn places(&self) -> bool {
        let main = &self.meaning.main;
        main.verb == Some(Cue::Place) && !main.places.is_empty() && self.meaning.rejected.is_empty()
    }

    /// `single backticks in docstrings, not double backticks` asks for no docstring.
    fn rejects_code(&self) -> bool {
        let main = &self.meaning.main;
        let known = |thing: &Thing| thing.sort == Sort::Code && thing.known.is_some();
        self.meaning.stance == Stance::Use
            && self.meaning.rejected.iter().any(known)
            && main.things.is_empty()
            && main.is_open()
    }
}
