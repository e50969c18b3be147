//! From what a statement means to the rules it makes: the pattern, the scope, the name, the title and the examples.
//!
//! Nothing here looks at words. What arrives are things, places and properties; what leaves are drafts whose examples
//! are put together from the things' own events, so that a rule and its tests cannot speak of different things.

use super::meaning::{Meaning, Stance};
use super::thing::{Named, Place, Sort, Thing, at_path, file_thing, path_of, sample_path, stop_thing};
use crate::directive::Replacement;
use crate::lexicon::{Cue, Kind, Measure, Of, Property};
use crate::predicate::{CommandTest, ExitTest, FileAction, FileTest, Moment, TextTest, WorkspaceTest};
use crate::{Decision, Directive, During, Event, EventKind, Lexicon, Pattern, Per, Predicate, Scope};

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
    fn of(id: String, title: String, pattern: Pattern) -> Self {
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

    fn violates(mut self, events: impl Into<Vec<Event>>) -> Self {
        self.examples.push((true, events.into()));
        self
    }

    fn clean(mut self, events: impl Into<Vec<Event>>) -> Self {
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
            events.iter_mut().for_each(|event| place_event(event, scope));
        }
        self
    }
}

/// The rules that a statement makes; none where its things cannot be told.
pub(super) fn compose(meaning: &Meaning<'_>, lexicon: &Lexicon) -> Vec<Draft> {
    let composer = Composer { meaning, lexicon };
    let scope = composer.scope();
    composer.drafts().into_iter().map(|draft| if scope.is_everywhere() { draft } else { draft.scoped(&scope) }).collect()
}

struct Composer<'m, 'l> {
    meaning: &'m Meaning<'m>,
    lexicon: &'l Lexicon,
}

impl Composer<'_, '_> {
    fn drafts(&self) -> Vec<Draft> {
        let main = &self.meaning.main;
        if main.verb == Some(Cue::Ask) {
            return self.asked().into_iter().collect();
        }
        if main.verb == Some(Cue::BackUp) {
            return vec![self.backed_up()];
        }
        let properties = self.properties();
        if !properties.is_empty() {
            return properties;
        }
        match self.meaning.stance {
            Stance::Never => self.never(),
            Stance::Use => self.used(),
            Stance::AtMost => self.bounded().into_iter().collect(),
            Stance::Must | Stance::Plain => self.only_places().or_else(|| self.must()).into_iter().collect(),
        }
    }

    // ---- what never happens -----------------------------------------------------------------------------------

    fn never(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        if let Some(first) = meaning.before.as_ref().and_then(|named| named.things.first()) {
            // `never commit before the tests ran`: what comes first is in the clause.
            return meaning.main.things.first().map(|then| self.precedence(first, then)).into_iter().collect();
        }
        if !meaning.instead.is_empty() && !meaning.main.things.is_empty() {
            return vec![self.substitution(&meaning.main.things, &meaning.instead)];
        }
        if let Some(path) = &meaning.open_items {
            return vec![open_items(path)];
        }
        if let Some(limits) = self.only_places() {
            return vec![limits];
        }
        let things: Vec<_> = meaning.main.things.iter().map(|thing| self.limited(thing)).collect();
        let mut drafts = Vec::new();
        // `don't edit any files` without a place is about the task at hand.
        let anything = |thing: &Thing| thing.predicate == Predicate::File(Box::default());
        for thing in things.into_iter().filter(|thing| !anything(thing)) {
            drafts.push(if meaning.permission && thing.sort == Sort::Command { permitted(&thing) } else { self.absence(&thing) });
        }
        drafts
    }

    fn absence(&self, thing: &Thing) -> Draft {
        let (verb, id) = match thing.sort {
            Sort::Command if thing.label.starts_with('`') => ("run", format!("run-{}", thing.slug)),
            Sort::Command => ("", thing.slug.clone()),
            Sort::File if self.meaning.main.verb == Some(Cue::Delete) => ("delete", format!("delete-{}", thing.slug)),
            Sort::File if self.meaning.main.verb == Some(Cue::Create) => ("create", format!("create-{}", thing.slug)),
            Sort::File => ("edit", format!("edit-{}", thing.slug)),
            Sort::Code => ("write", thing.slug.clone()),
            Sort::Read => ("read", format!("read-{}", thing.slug)),
            Sort::Reply => ("say", format!("{}-in-reply", thing.slug)),
            Sort::Tool => ("use", thing.slug.clone()),
            Sort::Stop => ("end the turn", "done-too-early".to_owned()),
            Sort::Other => ("do", thing.slug.clone()),
        };
        let label = if thing.sort == Sort::Stop { "" } else { &thing.label };
        let words = ["never", verb, label].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let title = format!("{}{}", words.join(" "), self.whereabouts(thing));
        let id = format!("{id}{}", self.suffix(thing));
        let draft = Draft::of(id, title, Pattern::Absence { never: thing.predicate.clone() });
        self.segment(draft, thing)
    }

    /// The part of the session that something is forbidden in, with examples from inside and outside it.
    fn segment(&self, draft: Draft, thing: &Thing) -> Draft {
        let meaning = self.meaning;
        let act = thing.holds.clone();
        if meaning.failing {
            let Some(trigger) = meaning.after.as_ref().and_then(|named| named.things.first()) else { return draft };
            let ended = |test| trigger.predicate.clone().and(Predicate::Exit(test));
            let during = During { after: Some(ended(ExitTest::Failed)), before: None, until: Some(ended(ExitTest::Ok)) };
            let failed = trigger.holds.clone().done(false);
            let passed = trigger.holds.clone().done(true);
            return draft.during(during).violates([failed.clone(), act.clone()]).clean([failed, passed, act]);
        }
        let start = meaning.after.as_ref().or(meaning.between.as_ref().map(|(start, _)| start)).and_then(|n| n.things.first());
        let end = meaning.until.as_ref().or(meaning.between.as_ref().map(|(_, end)| end)).and_then(|n| n.things.first());
        if start.is_none() && end.is_none() {
            let draft = draft.violates([act]).clean([thing.fails.clone()]);
            return self.excepted(draft, thing);
        }
        let after = start.map(|start| apart(&start.predicate, end.map(|end| &end.predicate)));
        let during = During { after, before: None, until: end.map(|end| end.predicate.clone()) };
        let begun = start.map(|start| start.holds.clone().done(true));
        let ended = end.map(|end| end.holds.clone().done(true));
        let inside: Vec<_> = begun.clone().into_iter().chain([act.clone()]).collect();
        let outside: Vec<_> = match ended {
            Some(ended) => begun.into_iter().chain([ended, act]).collect(),
            None => vec![act],
        };
        draft.during(during).violates(inside).clean(outside)
    }

    /// Adds the exception, where one is given that is not a place.
    fn excepted(&self, mut draft: Draft, thing: &Thing) -> Draft {
        let Some(unless) = &self.meaning.unless else { return draft };
        if let Some(glob) = excluded(unless).first()
            && matches!(thing.sort, Sort::File | Sort::Code)
        {
            let inside = at_path(&thing.holds, &under(glob, path_of(&thing.holds)));
            return draft.clean([inside]);
        }
        if let (Some(check), Some(exception)) = (&mut draft.check, unless.things.first())
            && exception.sort != Sort::File
        {
            check.unless = Some(exception.predicate.clone());
        }
        draft
    }

    /// `only edit files in src/`, `never edit files outside src/`: whatever lies elsewhere is left alone.
    fn only_places(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let whatever = |thing: &Thing| matches!(&*thing.slug, "files" | "code");
        if !meaning.main.things.iter().all(whatever) || meaning.main.subject.is_some() {
            return None;
        }
        let (globs, label) = match (&meaning.outside, meaning.main.places.first()) {
            (Some(outside), _) => (excluded(outside), outside.things.first().map(|thing| thing.label.clone())?),
            (None, Some(Place::Files { globs, label, outside })) if *outside || meaning.only => (globs.clone(), format!("`{label}`")),
            _ => return None,
        };
        let inside = under(globs.first()?, None);
        let id = format!("edit-outside-{}", super::thing::slug(&label));
        let never = Predicate::File(Box::new(FileTest { not_path: globs, ..FileTest::default() }));
        Some(
            Draft::of(id, format!("never edit files outside {label}"), Pattern::Absence { never })
                .violates([Event::edit("elsewhere/other.txt", "old", "new")])
                .clean([Event::edit(inside, "old", "new")]),
        )
    }

    fn substitution(&self, never: &[Thing], instead: &[Thing]) -> Draft {
        let never: Vec<_> = never.iter().map(|thing| self.limited(thing)).collect();
        let names = |things: &[Thing]| things.iter().map(|thing| thing.slug.clone()).collect::<Vec<_>>().join("-and-");
        let labels = |things: &[Thing]| things.iter().map(|thing| thing.label.clone()).collect::<Vec<_>>().join(" or ");
        let mut steps = Vec::new();
        for thing in &never {
            steps.extend(instead.first().into_iter().flat_map(|to| self.steps(thing, to)));
        }
        let id = format!("{}-instead-of-{}", names(&never), names(instead));
        let title = format!("use {}, not {}{}", labels(instead), labels(&never), never.first().map(|thing| self.whereabouts(thing)).unwrap_or_default());
        let pattern = Pattern::Substitution { never: any(never.iter().map(|thing| thing.predicate.clone())), instead: steps };
        let mut draft = Draft::of(id, title, pattern);
        for thing in &never {
            draft = draft.violates([thing.holds.clone()]);
        }
        let fine = instead.first().map_or_else(|| Event::command("ls"), |thing| thing.holds.clone());
        let draft = draft.clean([fine]);
        match never.first() {
            Some(thing) => self.excepted(draft, thing),
            None => draft,
        }
    }

    /// The steps of the lexicon, or the plain replacement of one name by the other.
    fn steps(&self, never: &Thing, instead: &Thing) -> Vec<Replacement> {
        let name = |thing: &Thing| thing.known.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some(steps) = self.lexicon.replacements(&name(never), &name(instead)) {
            return steps.to_vec();
        }
        let to = instead.label.trim_matches('`').to_owned();
        let from = match (&never.predicate, never.sort) {
            (Predicate::Command(test), Sort::Command) => test.run.clone(),
            (Predicate::Any(_), Sort::Command) => never.label.trim_matches('`').to_owned(),
            (_, Sort::Code) if never.known.is_none() => never.label.trim_matches('`').to_owned(),
            _ => String::new(),
        };
        vec![Replacement { from, to }]
    }

    // ---- what is used -----------------------------------------------------------------------------------------

    fn used(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        if !meaning.rejected.is_empty() {
            let named = &meaning.main.things;
            let instead = if named.is_empty() { &meaning.unknown } else { named };
            if meaning.rejected.iter().any(|never| instead.iter().any(|thing| thing.slug == never.slug)) {
                return Vec::new();
            }
            return vec![self.substitution(&meaning.rejected, instead)];
        }
        if let Some(limits) = self.only_places() {
            return vec![limits];
        }
        let timed = meaning.before.is_some() || (meaning.after.is_some() && !meaning.main.things.is_empty());
        if timed {
            return self.must().into_iter().collect();
        }
        meaning.main.things.iter().filter_map(|thing| self.preferred(thing)).collect()
    }

    /// A tool that is to be used: its rivals are not.
    fn preferred(&self, thing: &Thing) -> Option<Draft> {
        let (name, group) = thing.known.as_ref()?;
        let group = group.as_ref()?;
        let rivals: Vec<_> = (self.lexicon.rivals(name, group))
            .filter(|entry| self.lexicon.replacements(&entry.name, name).is_some())
            .map(|entry| Thing {
                predicate: entry.predicate.clone(),
                label: format!("`{}`", entry.name),
                slug: entry.name.clone(),
                holds: entry.violates.first().cloned().unwrap_or_else(|| thing.fails.clone()),
                known: Some((entry.name.clone(), entry.group.clone())),
                ..thing.clone()
            })
            .collect();
        if rivals.is_empty() {
            return None;
        }
        let id = format!("only-{name}");
        let draft = self.substitution(&rivals, std::slice::from_ref(thing));
        Some(Draft { id, ..draft })
    }

    // ---- what has to be done ----------------------------------------------------------------------------------

    fn must(&self) -> Option<Draft> {
        let meaning = self.meaning;
        if let Some(pattern) = &meaning.main.pattern {
            return meaning.main.things.iter().find(|thing| thing.sort == Sort::File).map(|files| named(files, pattern));
        }
        let things = &meaning.main.things;
        let first = things.iter().find(|thing| thing.sort != Sort::Stop)?;
        if things.iter().skip(1).any(|thing| thing.slug == first.slug) {
            return None;
        }
        let then = meaning.before.as_ref().and_then(|named| named.things.first());
        let trigger = meaning.after.as_ref().and_then(|named| named.things.first());
        if [then, trigger].into_iter().flatten().any(|other| other.slug == first.slug && other.sort != Sort::File) {
            return None;
        }
        match (then, trigger) {
            (Some(then), None) if then.sort != Sort::Stop => Some(match things.as_slice() {
                [_, _, ..] => precedence_chain(things, then),
                _ => self.precedence(first, then),
            }),
            (_, Some(trigger)) if things.len() > 1 => Some(response_chain(trigger, things)),
            (_, Some(trigger)) if first.sort == Sort::File && trigger.sort == Sort::File => Some(update(first, trigger)),
            (_, Some(trigger)) => Some(response(first, trigger)),
            (Some(_), None) => self.lexicon.entry_named("code", Kind::Files).map(|entry| {
                let code = file_thing(file_paths(&entry.predicate), "code", None);
                let code = Thing { slug: "code".to_owned(), label: "code".to_owned(), holds: at_path(&code.holds, "src/lib.rs"), ..code };
                response(first, &code)
            }),
            (None, None) if meaning.after.is_some() || meaning.before.is_some() => None,
            (None, None) if matches!(first.sort, Sort::Code) || first.label.starts_with('`') && meaning.main.verb.is_none() => None,
            (None, None) if meaning.forgotten || meaning.per_session || meaning.always => Some(existence(first)),
            (None, None) => None,
        }
    }

    fn precedence(&self, first: &Thing, then: &Thing) -> Draft {
        let same_file = matches!(first.sort, Sort::Read) && then.sort == Sort::File;
        let then = &if same_file { modified(then, &first.holds) } else { self.limited(then) };
        let again_after = first.renewed.then(|| self.lexicon.entry_named("code", Kind::Files)).flatten();
        let pattern = Pattern::Precedence {
            first: first.predicate.clone(),
            then: then.predicate.clone(),
            again_after: again_after.map(|entry| entry.predicate.clone()),
        };
        let (id, title) = if same_file {
            ("read-before-edit".to_owned(), format!("read {} before editing it", first.label))
        } else {
            (format!("{}-before-{}", first.slug, then.slug), format!("{} before {}", first.label, then.label))
        };
        Draft::of(id, title, pattern)
            .per(if same_file { Per::File } else { Per::Session })
            .violates([then.holds.clone()])
            .clean([first.holds.clone().done(true), then.holds.clone()])
    }

    fn backed_up(&self) -> Draft {
        let wanted = self.meaning.main.things.iter().find(|thing| thing.sort == Sort::File);
        let label = wanted.map_or("a file", |thing| &thing.label);
        let then = wanted.cloned().unwrap_or_else(|| file_thing(vec!["**".to_owned()], "files", None));
        let then = modified(&then, &then.holds);
        let path = path_of(&then.holds).unwrap_or("example.txt").to_owned();
        let pattern = Pattern::Precedence { first: Predicate::command("cp $file"), then: then.predicate.clone(), again_after: None };
        Draft::of("back-up-before-editing".to_owned(), format!("back up {label} before editing it"), pattern)
            .per(Per::File)
            .violates([then.holds.clone()])
            .clean([Event::command(format!("cp {path} {path}.bak")).done(true), then.holds])
    }

    /// `ask before …`: nothing shows in the events whether the user agreed, so it is put in front of the agent in time.
    fn asked(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let about = meaning.before.as_ref().or(meaning.after.as_ref())?;
        let thing = about.things.first();
        let (label, slug) = thing.map_or(("it", "acting"), |thing| (&thing.label, &thing.slug));
        Some(Draft {
            id: format!("ask-before-{slug}"),
            title: format!("ask before {label}"),
            check: None,
            decided_by: Decision::Reminder,
            remind_when: thing.map(|thing| thing.predicate.clone()),
            scope: Scope::default(),
            examples: Vec::new(),
        })
    }

    fn bounded(&self) -> Option<Draft> {
        let of = self.meaning.main.things.first()?;
        let at_most = u8::try_from(self.meaning.count.unwrap_or(1)).ok()?;
        let (per, span) = if self.meaning.per_turn { (Per::Turn, "turn") } else { (Per::Session, "session") };
        let pattern = Pattern::BoundedExistence { of: of.predicate.clone(), at_most };
        let title = format!("{} at most {} per {span}", of.label, times(at_most));
        let once = [of.holds.clone(), of.holds.clone().done(true)];
        let full: Vec<_> = std::iter::repeat_n(once, usize::from(at_most)).flatten().collect();
        let exceed: Vec<_> = full.iter().cloned().chain([of.holds.clone()]).collect();
        let id = format!("{}-more-than-{}-per-{span}", of.slug, times(at_most).replace(' ', "-"));
        Some(Draft::of(id, title, pattern).per(per).violates(exceed).clean([of.holds.clone()]))
    }

    // ---- how texts are ----------------------------------------------------------------------------------------

    fn properties(&self) -> Vec<Draft> {
        let main = &self.meaning.main;
        let mut drafts: Vec<_> = main.properties.iter().map(|property| self.property(property)).collect();
        drafts.extend(main.measures.iter().filter_map(|(count, measure)| self.measured(*count, (*measure)?)));
        if self.meaning.per_turn
            && let Some((count, Some(Measure::MaxQuestions))) = main.measures.first()
        {
            drafts.extend(u8::try_from(*count).ok().map(questions));
        }
        if let (Some((cue, text)), Some(of)) = (&main.literal, main.subject) {
            drafts.push(literal(self.meaning.stance, *cue, text, of));
        }
        drafts
    }

    fn property(&self, property: &Property) -> Draft {
        let usual = property.of.first().copied().unwrap_or(Of::Reply);
        let of = self.meaning.main.subject.filter(|of| property.of.contains(of)).unwrap_or(usual);
        let subject = noun(of);
        let (test, good, bad) = (property.must.clone(), of.event(&property.good), of.event(&property.bad));
        if self.meaning.stance == Stance::Never {
            let id = format!("{}-in-{subject}", property.name);
            let title = format!("no {} in {subject}", property.name.replace('-', " "));
            return Draft::of(id, title, Pattern::Absence { never: of.test(test) }).violates([good]).clean([bad]);
        }
        let files = self.meaning.main.things.iter().find(|thing| thing.sort == Sort::File);
        let id = format!("{subject}-{}", property.name);
        let title = format!("{subject}: {}", property.name.replace('-', " "));
        let Some(files) = files.filter(|_| matches!(of, Of::File | Of::Content)) else {
            let pattern = Pattern::Universality { every: of.test(TextTest::All(Vec::new())), must: of.test(test) };
            return Draft::of(id, title, pattern).violates([bad]).clean([good]);
        };
        let every = if self.meaning.new { with_action(&files.predicate, FileAction::Create) } else { files.predicate.clone() };
        let path = path_of(&files.holds).unwrap_or("src/main.py").to_owned();
        let pattern = Pattern::Universality { every, must: of.test(test) };
        let (id, title) = (format!("{}-{}", files.slug, property.name), format!("{}: {}", files.label, property.name.replace('-', " ")));
        Draft::of(id, title, pattern)
            .violates([Event::write(&path, &property.bad)])
            .clean([Event::write(&path, &property.good)])
    }

    fn measured(&self, count: u32, measure: Measure) -> Option<Draft> {
        let main = &self.meaning.main;
        if !self.meaning.limits && measure != Measure::MaxQuestions {
            return None;
        }
        let of = main.subject.or((measure == Measure::MaxQuestions || measure == Measure::MaxSentences).then_some(Of::Reply))?;
        let many = |n: u32, word: &str| std::iter::repeat_n(word, n.min(2000) as usize).collect::<String>();
        let (test, name, word) = match (measure, of) {
            (Measure::MaxChars, Of::Lines | Of::File) => (TextTest::MaxLineChars(count), "characters", "x"),
            (Measure::MaxChars, Of::Commit) => (TextTest::FirstLine(Box::new(TextTest::MaxChars(count))), "characters", "x"),
            (Measure::MaxChars, _) => (TextTest::MaxChars(count), "characters", "x"),
            (Measure::MaxWords, _) => (TextTest::MaxWords(count), "words", "word "),
            (Measure::MaxSentences, _) => (TextTest::MaxSentences(count), "sentences", "It works. "),
            (Measure::MaxLines, _) => (TextTest::MaxLines(count), "lines", "a line\n"),
            (Measure::MaxQuestions, _) => (TextTest::MaxQuestions(count), "questions", "Is it so? "),
        };
        let (good, bad) = (of.event(&many(1, word)), of.event(&many(count + 1, word)));
        let subject = noun(of);
        let pattern = Pattern::Universality { every: of.test(TextTest::All(Vec::new())), must: of.test(test) };
        let title = format!("{subject}: at most {count} {}", name.replace('-', " "));
        Some(Draft::of(format!("{subject}-over-{count}-{name}"), title, pattern).violates([bad]).clean([good]))
    }

    // ---- where ------------------------------------------------------------------------------------------------

    /// A thing within the places that the statement names.
    fn limited(&self, thing: &Thing) -> Thing {
        let mut thing = thing.clone();
        for place in &self.meaning.main.places {
            match place {
                Place::Branch(branch) if matches!(&*thing.slug, "push" | "force-push") => push_to(&mut thing, branch),
                Place::Files { globs, outside, .. } if matches!(thing.sort, Sort::File | Sort::Code | Sort::Read) => {
                    narrow(&mut thing.predicate, globs, *outside);
                    if !outside && let Some(glob) = globs.iter().find(|glob| glob.ends_with("/**")).or(globs.first()) {
                        let path = under(glob, path_of(&thing.holds));
                        thing.fails = thing.holds.clone();
                        thing.holds = at_path(&thing.holds, &path);
                    }
                }
                _ => {}
            }
        }
        let globs: Vec<_> = self.meaning.unless.iter().chain(&self.meaning.outside).flat_map(excluded).collect();
        if !globs.is_empty() && matches!(thing.sort, Sort::File | Sort::Code) {
            narrow(&mut thing.predicate, &globs, true);
        }
        thing
    }

    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        let main = &self.meaning.main;
        let in_files = main.things.iter().chain(&self.meaning.rejected).any(|t| matches!(t.sort, Sort::File | Sort::Code | Sort::Read));
        let pushes = main.things.iter().any(|thing| matches!(&*thing.slug, "push" | "force-push"));
        let others = self.meaning.after.iter().flat_map(|named| &named.places);
        for place in main.places.iter().chain(others) {
            match place {
                Place::Branch(branch) if !pushes => scope.branch.push(branch.clone()),
                Place::Host(host) => scope.host.push(host.clone()),
                Place::Files { globs, outside: false, label } if !in_files && !self.meaning.only && main.subject.is_none() && label.ends_with('/') => {
                    scope.directory.extend(globs.iter().map(|glob| base(glob).to_owned()));
                }
                _ => {}
            }
        }
        scope
    }

    /// Where the rule holds, behind its title.
    fn whereabouts(&self, thing: &Thing) -> String {
        let mut text = String::new();
        for place in &self.meaning.main.places {
            let (word, name) = match place {
                Place::Branch(branch) => (if thing.slug.contains("push") { "to" } else { "on" }, format!("`{branch}`")),
                Place::Files { label, outside: true, .. } => ("outside", format!("`{label}`")),
                Place::Files { label, .. } => ("in", format!("`{label}`")),
                Place::Host(host) => ("in", host.clone()),
            };
            text = format!("{text} {word} {name}");
        }
        let meaning = self.meaning;
        let (after, behind) = if meaning.failing { ("while", " fail") } else { ("after", "") };
        let parts = [
            (after, meaning.after.as_ref(), behind),
            ("until", meaning.until.as_ref(), ""),
            ("outside", meaning.outside.as_ref(), ""),
            ("except in", meaning.unless.as_ref(), ""),
        ];
        for (word, named, behind) in parts {
            if let Some(label) = named.and_then(|named| named.things.first().map(|thing| thing.label.clone()).or(place_label(named))) {
                text = format!("{text} {word} {label}{behind}");
            }
        }
        text
    }

    /// What the rule's name adds to that of the thing.
    fn suffix(&self, thing: &Thing) -> String {
        let meaning = self.meaning;
        let first = |named: &Option<Named<'_>>| named.as_ref().and_then(|named| named.things.first().map(|thing| thing.slug.clone()));
        let mut text = String::new();
        for place in &meaning.main.places {
            match place {
                Place::Branch(branch) if !thing.slug.contains("push") => text = format!("{text}-on-{}", super::thing::slug(branch)),
                Place::Files { label, outside, .. } if matches!(thing.sort, Sort::File | Sort::Code) => {
                    text = format!("{text}-{}-{}", if *outside { "outside" } else { "in" }, super::thing::slug(label));
                }
                _ => {}
            }
        }
        if let Some(slug) = first(&meaning.outside) {
            text = format!("{text}-outside-{slug}");
        }
        match (first(&meaning.after), &meaning.between) {
            (Some(slug), _) if meaning.failing => format!("{text}-while-{slug}-fail"),
            (Some(slug), _) => format!("{text}-after-{slug}"),
            (None, Some((start, _))) => format!("{text}-during-{}", start.things.first().map_or("it", |thing| &thing.slug)),
            _ => text,
        }
    }
}

/// Questions are counted over all that is said in a turn, too, not only in each answer.
fn questions(at_most: u8) -> Draft {
    let asks = Predicate::Reply(TextTest::Not(Box::new(TextTest::MaxQuestions(0))));
    let asked = || Event::of(EventKind::Reply { text: "Is it so?".to_owned() });
    let (id, title) = (format!("more-than-{at_most}-asking-per-turn"), format!("ask at most {} per turn", times(at_most)));
    let exceed: Vec<_> = std::iter::repeat_with(asked).take(usize::from(at_most) + 1).collect();
    Draft::of(id, title, Pattern::BoundedExistence { of: asks, at_most }).per(Per::Turn).violates(exceed).clean([asked()])
}

/// So many times, in words.
fn times(n: u8) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// How an exception's place is called.
fn place_label(named: &Named<'_>) -> Option<String> {
    named.places.iter().find_map(|place| match place {
        Place::Files { label, .. } => Some(format!("`{label}`")),
        _ => None,
    })
}

/// A command that needs the user's word: the prompt of the turn must mention it.
fn permitted(thing: &Thing) -> Draft {
    let word = thing.slug.replace('-', " ");
    let first = Predicate::Prompt(TextTest::Mentions(word.clone()));
    let prompt = |text: String| Event::of(EventKind::UserPromptSubmit { text });
    let pattern = Pattern::Precedence { first, then: thing.predicate.clone(), again_after: None };
    Draft::of(format!("unasked-{}", thing.slug), format!("{} only when asked", thing.label), pattern)
        .violates([prompt("Mend the parser".to_owned()), thing.holds.clone()])
        .clean([prompt(format!("Now {word} it")), thing.holds.clone()])
}

/// `don't say done while TODO.md has open items`.
fn open_items(path: &str) -> Draft {
    let open = Predicate::Workspace(WorkspaceTest {
        path: path.to_owned(),
        text: Some(TextTest::Contains("- [ ]".to_owned())),
        ..WorkspaceTest::default()
    });
    let id = format!("done-with-open-{}", super::thing::slug(path));
    Draft::of(id, format!("never end the turn while `{path}` has open items"), Pattern::Absence { never: Predicate::Event(Moment::Stop) })
        .when(open)
        .violates([Event::write(path, "- [ ] one\n").done(true), Event::stop("Done.", Vec::new())])
        .clean([Event::write(path, "- [x] one\n").done(true), Event::stop("Done.", Vec::new())])
}

fn response(require: &Thing, trigger: &Thing) -> Draft {
    let pattern = Pattern::Response { trigger: trigger.predicate.clone(), require: require.predicate.clone() };
    let opened = trigger.holds.clone().done(true);
    let stop = stop_thing().holds;
    Draft::of(format!("{}-after-{}", require.slug, after_slug(trigger)), format!("{} after {}", require.label, after_label(trigger)), pattern)
        .violates([opened.clone(), stop.clone()])
        .clean([opened, require.holds.clone().done(true), stop])
}

fn response_chain(trigger: &Thing, require: &[Thing]) -> Draft {
    let slugs: Vec<_> = require.iter().map(|thing| thing.slug.clone()).collect();
    let labels: Vec<_> = require.iter().map(|thing| thing.label.clone()).collect();
    let opened = trigger.holds.clone().done(true);
    let done: Vec<_> = require.iter().map(|thing| thing.holds.clone().done(true)).collect();
    let stop = stop_thing().holds;
    let short: Vec<_> = std::iter::once(opened.clone()).chain(done.iter().take(1).cloned()).chain([stop.clone()]).collect();
    let full: Vec<_> = std::iter::once(opened).chain(done).chain([stop]).collect();
    let pattern = Pattern::ResponseChain {
        trigger: trigger.predicate.clone(),
        require: require.iter().map(|thing| thing.predicate.clone()).collect(),
    };
    let id = format!("{}-after-{}", slugs.join("-then-"), after_slug(trigger));
    Draft::of(id, format!("{} after {}", labels.join(", then "), after_label(trigger)), pattern).violates(short).clean(full)
}

fn precedence_chain(first: &[Thing], then: &Thing) -> Draft {
    let slugs: Vec<_> = first.iter().map(|thing| thing.slug.clone()).collect();
    let labels: Vec<_> = first.iter().map(|thing| thing.label.clone()).collect();
    let done: Vec<_> = first.iter().map(|thing| thing.holds.clone().done(true)).collect();
    let short: Vec<_> = done.iter().take(1).cloned().chain([then.holds.clone()]).collect();
    let full: Vec<_> = done.into_iter().chain([then.holds.clone()]).collect();
    let pattern = Pattern::PrecedenceChain {
        first: first.iter().map(|thing| thing.predicate.clone()).collect(),
        then: then.predicate.clone(),
    };
    let id = format!("{}-before-{}", slugs.join("-then-"), then.slug);
    Draft::of(id, format!("{} before {}", labels.join(", then "), then.label), pattern).violates(short).clean(full)
}

/// A file that is updated in every session that touches others; which comes first does not matter.
fn update(require: &Thing, trigger: &Thing) -> Draft {
    let (changed, updated) = (trigger.holds.clone().done(true), require.holds.clone().done(true));
    let stop = stop_thing().holds;
    let pattern = Pattern::Existence { require: require.predicate.clone() };
    Draft::of(format!("{}-with-{}", require.slug, trigger.slug), format!("{} with every change of {}", require.label, trigger.label), pattern)
        .when(trigger.predicate.clone())
        .violates([changed.clone(), stop.clone()])
        .clean([changed, updated, stop])
}

fn existence(require: &Thing) -> Draft {
    let pattern = Pattern::Existence { require: require.predicate.clone() };
    let stop = stop_thing().holds;
    Draft::of(format!("{}-in-every-session", require.slug), format!("{} before the end of every session", require.label), pattern)
        .violates([stop.clone()])
        .clean([require.holds.clone().done(true), stop])
}

/// `test files are named *_test.py`.
fn named(files: &Thing, pattern: &str) -> Draft {
    let every = with_action(&files.predicate, FileAction::Create);
    let must = Predicate::path([pattern]);
    let path = path_of(&files.holds).unwrap_or("tests/example.txt");
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let extension = pattern.rsplit_once('.').map_or("txt", |(_, extension)| extension);
    let at = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    Draft::of(
        format!("{}-named-{}", files.slug, super::thing::slug(pattern)),
        format!("{} are named `{pattern}`", files.label),
        Pattern::Universality { every, must },
    )
    .violates([Event::write(at(&format!("other.{extension}")), "new\n")])
    .clean([Event::write(at(&sample_path(pattern)), "new\n")])
}

/// A subject's text that starts with, ends with or contains a literal.
fn literal(stance: Stance, cue: Cue, text: &str, of: Of) -> Draft {
    let (test, good, verb) = match cue {
        Cue::StartsWith => (TextTest::StartsWith(text.to_owned()), format!("{text} add the parser"), "start"),
        Cue::EndsWith => (TextTest::EndsWith(text.to_owned()), format!("Add the parser {text}"), "end"),
        _ => (TextTest::Contains(text.to_owned()), format!("Add the parser {text} today"), "hold"),
    };
    let (good, bad) = (of.event(&good), of.event("Add the parser today"));
    let (subject, name) = (noun(of), super::thing::slug(text));
    if stance == Stance::Never {
        let pattern = Pattern::Absence { never: of.test(test) };
        return Draft::of(format!("{name}-in-{subject}"), format!("{subject}: never {verb} with `{text}`"), pattern).violates([good]).clean([bad]);
    }
    let pattern = Pattern::Universality { every: of.test(TextTest::All(Vec::new())), must: of.test(test) };
    Draft::of(format!("{subject}-{verb}-with-{name}"), format!("{subject}: {verb} with `{text}`"), pattern).violates([bad]).clean([good])
}

/// How a rule's name and title call what a text is part of.
fn noun(of: Of) -> &'static str {
    match of {
        Of::Commit => "commit-message",
        Of::Reply => "reply",
        Of::File | Of::Content => "file",
        Of::Lines => "line",
    }
}

fn after_slug(trigger: &Thing) -> String {
    if trigger.sort == Sort::File { format!("{}-edit", trigger.slug) } else { trigger.slug.clone() }
}

fn after_label(trigger: &Thing) -> String {
    if trigger.sort == Sort::File { format!("a change of {}", trigger.label) } else { trigger.label.clone() }
}

fn any(mut predicates: impl ExactSizeIterator<Item = Predicate>) -> Predicate {
    match predicates.len() {
        1 => predicates.next().unwrap_or(Predicate::Any(Vec::new())),
        _ => Predicate::Any(predicates.collect()),
    }
}

/// The start of a segment, kept apart from its end where the one command is the beginning of the other.
fn apart(start: &Predicate, end: Option<&Predicate>) -> Predicate {
    let (Predicate::Command(start), Some(Predicate::Command(end))) = (start, end) else { return start.clone() };
    let flags = end.run.strip_prefix(&start.run).unwrap_or_default().split_whitespace().map(str::to_owned);
    Predicate::Command(CommandTest { without: start.without.iter().cloned().chain(flags).collect(), ..start.clone() })
}

/// A file that is changed, at the path of another event.
fn modified(thing: &Thing, like: &Event) -> Thing {
    let path = path_of(like).unwrap_or("src/lib.rs").to_owned();
    let holds = Event::edit(path, "old", "new");
    Thing { predicate: with_action(&thing.predicate, FileAction::Modify), holds, ..thing.clone() }
}

fn with_action(predicate: &Predicate, action: FileAction) -> Predicate {
    match predicate {
        Predicate::File(test) => Predicate::File(Box::new(FileTest { action: Some(action), ..(**test).clone() })),
        other => other.clone(),
    }
}

fn file_paths(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::File(test) => test.path.clone(),
        _ => Vec::new(),
    }
}

/// Limits every file test to some globs, or keeps it out of them.
fn narrow(predicate: &mut Predicate, globs: &[String], outside: bool) {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter_mut().for_each(|part| narrow(part, globs, outside)),
        Predicate::Not(part) => narrow(part, globs, !outside),
        Predicate::File(test) if outside => test.not_path.extend(globs.iter().cloned()),
        Predicate::File(test) if test.path.is_empty() => test.path = globs.to_vec(),
        Predicate::File(test) => {
            let folders = globs.iter().filter(|glob| glob.ends_with("/**"));
            test.path = folders.flat_map(|folder| test.path.iter().map(move |path| within(folder, path))).collect();
        }
        _ => {}
    }
}

/// A glob within a folder's glob.
fn within(folder: &str, path: &str) -> String {
    let folder = folder.trim_end_matches("**");
    format!("{folder}**/{}", path.strip_prefix("**/").unwrap_or(path))
}

/// The folder that a glob is about.
fn base(glob: &str) -> &str {
    glob.strip_prefix("**/").unwrap_or(glob).trim_end_matches("/**")
}

/// A path that the glob matches, with the file name of another path.
fn under(glob: &str, path: Option<&str>) -> String {
    let name = path.and_then(|path| path.rsplit('/').next()).unwrap_or("example.txt");
    if glob.ends_with("/**") { format!("{}/{name}", sample_path(base(glob))) } else { sample_path(glob) }
}

/// The globs that an exception names.
fn excluded(named: &Named<'_>) -> Vec<String> {
    let places = named.places.iter().filter_map(|place| match place {
        Place::Files { globs, .. } => Some(globs.clone()),
        _ => None,
    });
    let things = named.things.iter().filter(|thing| thing.sort == Sort::File).map(|thing| file_paths(&thing.predicate));
    places.chain(things).flatten().collect()
}

/// `push to main`: the branch is an argument.
fn push_to(thing: &mut Thing, branch: &str) {
    fn add(predicate: &mut Predicate, branch: &str) {
        match predicate {
            Predicate::Command(test) if test.run.starts_with("git push") => test.run.push_str(&format!(" ** {branch}|*:{branch}")),
            Predicate::Any(parts) => parts.iter_mut().for_each(|part| add(part, branch)),
            _ => {}
        }
    }
    let force = if thing.slug == "force-push" { " --force" } else { "" };
    if thing.slug == "force-push" {
        thing.predicate = Predicate::command("git push --force|-f|--force-with-lease");
    }
    add(&mut thing.predicate, branch);
    thing.holds = Event::command(format!("git push{force} origin {branch}"));
    thing.fails = Event::command(format!("git push{force} origin feature"));
    thing.slug = format!("{}-to-{}", thing.slug, super::thing::slug(branch));
}

/// Gives an event the circumstances of a scope.
fn place_event(event: &mut Event, scope: &Scope) {
    event.branch = scope.branch.first().map(|branch| sample_path(branch)).or(event.branch.take());
    event.host = scope.host.first().cloned().or(event.host.take());
    event.session = scope.session.first().cloned().or(event.session.take());
    if let Some(folder) = scope.directory.first().map(|glob| sample_path(base(glob))) {
        match path_of(event).map(|path| path.starts_with(&folder)) {
            Some(false) => {
                let path = under(&format!("{folder}/**"), path_of(event));
                *event = at_path(event, &path);
            }
            Some(true) => {}
            None => event.cwd = Some(folder),
        }
    }
}
