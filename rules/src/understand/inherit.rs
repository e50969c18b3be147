//! What a statement takes over: from the heading that it stands under, from the lead of the message, and from what was
//! named last.

use super::clause::{Role, Statement};
use super::meaning::{Meaning, Stance};
use super::name::{Named, Place};
use super::thing::{Sort, Thing, file_thing, optionless};
use super::token::lowered;
use super::unit::What;
use crate::lexicon::{Cue, Of, Part};

impl Meaning<'_> {
    /// The texts that a heading is about: those that it names, or those that who does what it names writes (`Commit rules`).
    fn texts(&self) -> Vec<(Of, Part)> {
        let texts = self.main.subjects.iter().filter(|(of, _)| matches!(of, Of::Commit | Of::Request));
        let texts: Vec<_> = texts.copied().collect();
        let bare = texts.is_empty() && self.stance == Stance::Plain && self.before.is_none() && self.after.is_none();
        let written = |thing: &Thing| match &*thing.slug {
            "commit" => Some((Of::Commit, Part::Whole)),
            "pull-request" => Some((Of::Request, Part::Whole)),
            _ => None,
        };
        if bare { self.main.things.iter().filter_map(written).collect() } else { texts }
    }

    /// Takes over from the heading what the statement leaves open: before or after what a command is run, and which
    /// texts have a property.
    pub(super) fn stand_under(&mut self, heading: &Self) {
        let main = &mut self.main;
        let timeless = self.before.is_none() && self.after.is_none() && self.until.is_none() && self.between.is_none();
        let runs = !main.things.is_empty()
            && main
                .things
                .iter()
                .all(|thing| thing.sort == Sort::Command && (thing.literal || main.verb == Some(Cue::Run)));
        let updates = main.verb == Some(Cue::Edit)
            && !main.things.is_empty()
            && main.things.iter().all(|thing| thing.sort == Sort::File && thing.literal)
            && heading.before.is_some();
        if timeless && (runs || updates) && self.stance != Stance::Never && self.rejected.is_empty() && !heading.rejects
        {
            self.before = heading.before.clone().filter(|named| !named.things.is_empty());
            self.after = heading.after.clone().filter(|named| !named.things.is_empty());
        }
        let written = |thing: &Thing| thing.sort == Sort::File && thing.literal;
        let kind = |thing: &Thing| thing.sort == Sort::File && !thing.literal;
        let protects = heading.stance == Stance::Never && heading.main.verb == Some(Cue::Edit);
        let told = matches!(main.verb, Some(Cue::Edit | Cue::Create | Cue::Use | Cue::Read));
        if protects && heading.main.things.iter().all(kind) && self.stance == Stance::Plain && !told && timeless {
            // `dist/*: made by make` under `Generated files, do not edit`.
            let mut files: Vec<_> = main.things.iter().filter(|thing| written(thing)).cloned().collect();
            if !files.is_empty() {
                std::mem::swap(&mut main.things, &mut files);
                self.stance = Stance::Never;
            }
        }
        let phrases =
            main.things.iter().all(|thing| thing.literal && thing.sort == Sort::Code && thing.label.contains(' '));
        let phrases = phrases
            || self.wording
                && main.things.iter().all(|thing| thing.literal && matches!(thing.sort, Sort::Code | Sort::Reply));
        let of_request = heading.main.subjects.iter().any(|(of, _)| matches!(of, Of::Commit | Of::Request));
        if of_request
            && phrases
            && main.verb != Some(Cue::Run)
            && main.properties.is_empty()
            && !main.things.is_empty()
            && main.literal.is_none()
            && main.subjects.is_empty()
        {
            let said = main.things.drain(..).map(|thing| thing.label.trim_matches('`').to_owned());
            main.literal = Some((Cue::Contains, said.collect()));
        }
        let of_texts = main.properties.iter().any(|property| property.of.contains(&Of::Commit));
        if main.subjects.is_empty() && (of_texts || main.literal.is_some() || !main.measures.is_empty()) {
            main.subjects = heading.texts();
            let never = self.stance == Stance::Never && of_texts;
            if never && main.subjects.iter().all(|(of, _)| *of == Of::Request) && !main.subjects.is_empty() {
                // What is not to be in a pull request at all is not to be in its commits.
                main.subjects.push((Of::Commit, Part::Whole));
            }
            main.subjects.iter_mut().filter(|_| self.titled).for_each(|(_, part)| *part = Part::Title);
            main.subject = main.subjects.first().map(|(of, _)| *of);
        }
    }

    /// Holds in the folder that the message began with, where it forbids something in code and says not where.
    pub(super) fn stand_in(&mut self, lead: &Place) {
        let main = &mut self.main;
        let code = !main.things.is_empty() && main.things.iter().all(|thing| thing.sort == Sort::Code);
        if code
            && self.stance == Stance::Never
            && main.places.is_empty()
            && !main.things.iter().any(|thing| thing.literal)
        {
            main.places.push(lead.clone());
        }
    }

    /// Takes over from what was said in front of it in the same sentence which texts it is about: `commit subject: at most 50
    /// characters, no period at the end`.
    pub(super) fn stand_beside(&mut self, earlier: &Self) {
        let main = &mut self.main;
        let open = main.subjects.is_empty() && main.things.is_empty() && !main.properties.is_empty();
        if open && main.properties.iter().all(|property| property.dependent) {
            main.subjects.clone_from(&earlier.main.subjects);
            main.subject = main.subjects.first().map(|(of, _)| *of);
        }
    }

    /// Takes `these files` to be those that were named last, and `use this` to be the command, and remembers what is named
    /// here.
    pub(super) fn take_up(&mut self, statement: &Statement<'_, '_>, last: &mut Option<Thing>) {
        let main = &mut self.main;
        let runs = matches!(main.verb, Some(Cue::Run | Cue::Use)) || !main.flags.is_empty();
        if let Some(command) = last.as_ref().filter(|last| last.sort == Sort::Command)
            && main.things.is_empty()
            && runs
            && main.places.is_empty()
            && (statement.has(Cue::This) || main.words == 0 || !main.flags.is_empty())
        {
            // `run X --locked; never use --release` is about any X.
            let bare = self.stance == Stance::Never && !main.flags.is_empty();
            main.things = vec![if bare { optionless(command) } else { command.clone() }];
        }
        let writes = matches!(main.verb, Some(Cue::Edit | Cue::Create | Cue::Delete));
        let anything = main.things.iter().all(|thing| thing.slug == "files") && main.places.is_empty();
        let made = |text: &str| {
            matches!(
                &*lowered(text),
                "generated" | "auto-generated" | "autogenerated" | "compiled" | "by" | "automatically"
            )
        };
        let points =
            statement.has(Cue::This) || !statement.units().any(|unit| unit.what == What::Word && !made(unit.text));
        let file = last.clone().filter(|last| last.sort == Sort::File);
        if let Some(last) = file.filter(|_| self.stance == Stance::Never && writes && anything && points) {
            main.things = vec![last];
        }
        let left = statement.clause(Role::Instead).filter(|clause| {
            clause.has(Cue::Edit) && clause.has(Cue::This) && !clause.units.iter().any(|unit| unit.literal)
        });
        if let Some(file) = last.as_ref().filter(|last| last.sort == Sort::File && left.is_some()) {
            // `it is generated; regenerate it rather than editing it`
            self.stance = Stance::Never;
            self.rejected.clear();
            self.unclear = false;
            self.main = Named { things: vec![file.clone()], verb: Some(Cue::Edit), ..Named::default() };
            return;
        }
        let removed = statement.units().any(|unit| unit.is(Cue::Delete)) && statement.has(Cue::This);
        if let Some(code) = last.as_ref().filter(|last| last.sort == Sort::Code && removed && main.things.is_empty()) {
            // `a stray X passes the linter; remove it`
            (self.stance, self.unclear) = (Stance::Never, false);
            self.main = Named { things: vec![code.clone()], ..Named::default() };
            return;
        }
        let stray = |text: &str| matches!(text, "stray" | "leftover" | "left-over" | "forgotten" | "accidental");
        if let [code] = main.things.as_slice()
            && code.sort == Sort::Code
            && statement.units().any(|unit| stray(&unit.lower()))
        {
            *last = Some(code.clone());
            return;
        }
        let taken = |thing: &&Thing| matches!(thing.sort, Sort::File | Sort::Command) && thing.literal;
        let files = || main.things.iter().all(|thing| thing.sort == Sort::File && thing.literal);
        let all = (main.things.len() > 1 && files()).then(|| Thing::any(&main.things)).flatten();
        let named = all.or_else(|| main.things.iter().find(taken).cloned());
        let place = || {
            main.places.iter().find_map(|place| match place {
                Place::Files { globs, label, outside: false } if label.contains('/') => {
                    Some(Thing { literal: true, ..file_thing(globs.clone(), label, None) })
                }
                _ => None,
            })
        };
        // What nothing is done to is where the sentence takes place.
        *last = match main.verb {
            Some(_) => named.or_else(place),
            None => place().or(named),
        }
        .or(last.take());
    }
}

/// The folder that a message is about, where it begins with its name and a dash: `` `core-domain` — shared types; no IO ``.
pub(super) fn lead(statement: &Statement<'_, '_>) -> Option<Place> {
    let mut units = statement.units().filter(|unit| !matches!(unit.text, "*" | "**"));
    let (name, dash) = (units.next()?, units.next()?);
    let folder = name.text.trim_end_matches('/');
    let named = name.literal
        && name.text.contains(['-', '/'])
        && folder.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '/'))
        && folder.starts_with(|c: char| c.is_ascii_lowercase());
    (named && matches!(dash.text, "—" | "–" | "-" | "--" | ":")).then(|| Place::Files {
        globs: vec![format!("**/{folder}/**")],
        label: format!("{folder}/"),
        outside: false,
    })
}
