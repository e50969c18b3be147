//! What never happens, and what is used instead.

use super::duty;
use super::place::{base, excluded, file_paths, under};
use super::{Composer, Draft};
use crate::directive::Replacement;
use crate::lexicon::{Cue, Entry, Kind};
use crate::predicate::{CommandTest, ExitTest, FileAction, FileTest, Moment, TextTest, WorkspaceTest};
use crate::understand::name::Place;
use crate::understand::path::siblings;
use crate::understand::spelled::{differing, escaped};
use crate::understand::thing::{Sort, Thing, command_thing, defined, entry_thing, optionless, slug, text_thing};
use crate::understand::witness::Witness;
use crate::{During, Event, EventKind, Pattern, Predicate};
use std::borrow::Cow;

impl Composer<'_, '_> {
    pub(super) fn never(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let lacks = meaning.before.as_deref().filter(|named| named.things.is_empty() && !named.flags.is_empty());
        if let (Some(without), [command]) = (lacks, meaning.main.things.as_slice())
            && command.sort == Sort::Command
        {
            // `never run cargo test without --locked`
            return vec![duty::flagged(command, &without.flags)];
        }
        if let (Some(before), Some(then)) = (meaning.before.as_deref(), meaning.main.things.first())
            && !before.things.is_empty()
        {
            // `never commit before the tests ran`: what comes first is in the clause.
            let files = |first: &Thing| first.sort == Sort::File && then.sort == Sort::File;
            // `never change the API without updating the docs`: which of the two comes first does not matter.
            let draft = |first: &Thing| {
                if files(first) { duty::update(first, &self.limited(then)) } else { self.precedence(first, then) }
            };
            return before.things.iter().map(draft).collect();
        }
        if !meaning.instead.is_empty() && !meaning.main.things.is_empty() {
            return vec![self.substitution(&meaning.main.things, &meaning.instead)];
        }
        if let Some(path) = &meaning.open_items {
            return vec![open_items(path)];
        }
        let until = meaning.until.as_deref().map(|named| &*named.things).filter(|things| !things.is_empty());
        if let (Some(first), None) = (until, &meaning.after) {
            return match meaning.main.things.first() {
                // The turn ends well where nothing was changed.
                Some(then) if then.sort == Sort::Stop => first.iter().map(|first| self.after_code(first)).collect(),
                Some(then) => first.iter().map(|first| self.precedence(first, then)).collect(),
                None => Vec::new(),
            };
        }
        if let (true, Some(first)) = (meaning.passes, meaning.unless.as_deref().and_then(|named| named.things.first()))
            && first.sort == Sort::Command
        {
            // `never commit unless the tests pass`
            return meaning.main.things.iter().map(|then| self.precedence(first, then)).collect();
        }
        if let Some(limits) = self.only_places() {
            return vec![limits];
        }
        let mut things: Vec<_> = meaning.main.things.iter().map(|thing| self.limited(&self.in_file(thing))).collect();
        let loose = things.is_empty() && meaning.main.words > 1;
        if let Some(flag) = meaning.main.flags.first().filter(|_| !loose) {
            things = with_flag(things, flag);
        }
        if meaning.defines {
            things = things.into_iter().map(|thing| defined(&thing).unwrap_or(thing)).collect();
        }
        let mut drafts = Vec::new();
        for thing in things.into_iter().filter(|thing| !self.is_vague(thing)) {
            drafts.push(if meaning.permission && matches!(thing.sort, Sort::Command | Sort::File | Sort::Code) {
                permitted(&thing)
            } else {
                self.absence(&thing)
            });
        }
        drafts
    }

    /// Whether it is not the thing as such that is forbidden.
    ///
    /// `don't edit any files` without a place is about the task at hand; where a command must stay out of a folder (`no rm
    /// outside of /tmp`), its arguments would have to be understood.
    fn is_vague(&self, thing: &Thing) -> bool {
        let meaning = self.meaning;
        thing.predicate == Predicate::File(Box::default())
                || (thing.slug == "files" && meaning.main.places.is_empty())
                || (thing.slug == "code" && meaning.main.places.is_empty())
                || (thing.sort == Sort::Command && meaning.outside.is_some())
                // `controllers must not call repositories`: what is done to the files is not known.
                || (thing.sort == Sort::File
                    && !thing.literal
                    && !matches!(meaning.main.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read | Cue::Place))
                    && meaning.does_unknown)
                // Who runs nothing else to build a library may use the library.
                || (thing.sort == Sort::Code && !thing.literal && meaning.main.verb == Some(Cue::Run) && !meaning.calls)
                // Nor does who lists them in a file make any: `never add lock files to .gitignore`.
                || (thing.sort == Sort::File
                    && !thing.literal
                    && meaning.main.verb == Some(Cue::Create)
                    && meaning.main.places.iter().any(Place::is_file))
                // `do not concatenate localised strings`: what is done to them is not known.
                || (thing.sort == Sort::File
                    && !thing.literal
                    && meaning.main.verb.is_none()
                    && meaning.main.words > 1
                    && meaning.main.places.is_empty())
                // What is run in files of a kind, or outside of them, changes none of them.
                || (thing.sort == Sort::File && !thing.literal && meaning.main.verb == Some(Cue::Run))
                // `in the git settings, do not touch the project`: no command is edited.
                || (thing.sort == Sort::Command
                    && matches!(meaning.main.verb, Some(Cue::Edit | Cue::Create | Cue::Read))
                    && meaning.does_unknown)
                // `do not pipe run.sh through tail`: nor is that an edit of the file.
                || (thing.sort == Sort::File && meaning.main.verb.is_none() && meaning.acts_unknown)
                // A turn ends; what it is not to end with is another matter.
                || (thing.sort == Sort::Stop && meaning.after.is_none() && meaning.between.is_none())
    }

    /// `use debug builds, not --release`: commands of that sort, or any, never have the option.
    pub(super) fn without(&self, flag: &str) -> Vec<Draft> {
        let named = self.meaning.main.things.iter().filter(|thing| thing.sort == Sort::Command && thing.literal);
        let named: Vec<_> = named.cloned().collect();
        // `use commit -S --signoff, not --signoff alone` forbids no option that it asks for.
        if named.iter().any(|thing| thing.label.split([' ', '`']).any(|word| word == flag)) {
            return Vec::new();
        }
        let bare = named.into_iter().map(|thing| if thing.label.contains(" -") { optionless(&thing) } else { thing });
        with_flag(bare.collect(), flag).iter().map(|thing| self.absence(thing)).collect()
    }

    /// A command in a file that is named is a text.
    fn in_file<'t>(&self, thing: &'t Thing) -> Cow<'t, Thing> {
        let file = |place: &Place| matches!(place, Place::Files { label, outside: false, .. } if label.contains('.'));
        let runs = self.meaning.main.verb == Some(Cue::Run);
        let on = self.meaning.main.places.iter().find(|place| file(place)).filter(|_| runs);
        if let (Some(Place::Files { label, .. }), Sort::Command) = (on, thing.sort) {
            // `never run clang-format on CMakeLists.txt`
            let command = thing.label.trim_matches('`');
            let ending = label.starts_with('.') && !label.contains('/');
            let label = if ending { format!("*{label}") } else { label.trim_start_matches("./").to_owned() };
            return Cow::Owned(Thing {
                predicate: given(&thing.predicate, &label),
                label: format!("`{command} {label}`"),
                slug: format!("{}-{}", thing.slug, slug(&label)),
                says: None,
                holds: Witness::command(format!("{command} {}", label.replace('*', "src/a"))),
                fails: Witness::command(format!("{command} other.txt")),
                ..thing.clone()
            });
        }
        if thing.sort == Sort::Command && thing.literal && self.meaning.main.places.iter().any(file) {
            return Cow::Owned(Thing { literal: true, ..text_thing(thing.label.trim_matches('`')) });
        }
        Cow::Borrowed(thing)
    }

    pub(super) fn absence(&self, thing: &Thing) -> Draft {
        let thing = &written(thing);
        let (verb, id) = match thing.sort {
            Sort::Command => ("", named_after(&thing.act(), &thing.slug)),
            Sort::File if self.meaning.main.verb == Some(Cue::Delete) => ("delete", format!("delete-{}", thing.slug)),
            Sort::File if self.meaning.main.verb == Some(Cue::Create) => ("create", format!("create-{}", thing.slug)),
            Sort::File => ("edit", format!("edit-{}", thing.slug)),
            Sort::Code if matches!(self.meaning.main.verb, Some(Cue::Edit | Cue::Create)) => {
                ("write", thing.slug.clone())
            }
            Sort::Read => ("read", format!("read-{}", thing.slug)),
            Sort::Reply => ("say", format!("{}-in-reply", thing.slug)),
            Sort::Code | Sort::Tool => ("use", thing.slug.clone()),
            Sort::Stop => ("end the turn", "done-too-early".to_owned()),
            Sort::Other => ("do", thing.slug.clone()),
        };
        let act = match &thing.says {
            Some((act, _)) => act.clone(),
            None if thing.sort == Sort::Stop => verb.to_owned(),
            None if thing.sort == Sort::Command => thing.act(),
            None => format!("{verb} {}", thing.label).trim_start().to_owned(),
        };
        let title = format!("never {act}{}", self.whereabouts(thing));
        let id = format!("{id}{}", self.suffix(thing));
        let draft = Draft::of(id, title, Pattern::Absence { never: thing.predicate.clone() });
        self.segment(draft, thing)
    }

    /// The part of the session that something is forbidden in, with examples from inside and outside it.
    fn segment(&self, draft: Draft, thing: &Thing) -> Draft {
        let meaning = self.meaning;
        let act = thing.holds.event();
        if meaning.failing {
            let Some(trigger) = meaning.after.as_deref().and_then(|named| named.things.first()) else { return draft };
            let ended = |test| trigger.predicate.clone().and(Predicate::Exit(test));
            let during =
                During { after: Some(ended(ExitTest::Failed)), before: None, until: Some(ended(ExitTest::Ok)) };
            let failed = trigger.holds.done(false);
            let passed = trigger.holds.done(true);
            return draft.during(during).violates([failed.clone(), act.clone()]).clean([failed, passed, act]);
        }
        let start = meaning
            .after
            .as_deref()
            .or(meaning.between.as_deref().map(|(start, _)| start))
            .and_then(|n| n.things.first());
        let end =
            meaning.until.as_deref().or(meaning.between.as_deref().map(|(_, end)| end)).and_then(|n| n.things.first());
        if start.is_none() && end.is_none() {
            let draft = draft.violates([act]).clean([thing.fails.event()]);
            return self.excepted(draft, thing);
        }
        let after = start.map(|start| apart(&start.predicate, end.map(|end| &end.predicate)));
        let during = During { after, before: None, until: end.map(|end| end.predicate.clone()) };
        let begun = start.map(|start| start.holds.done(true));
        let ended = end.map(|end| end.holds.done(true));
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
            let inside = thing.holds.at(&under(glob, thing.holds.path()));
            return draft.clean([inside.event()]);
        }
        let folder = excluded(unless).first().map(|glob| base(glob).to_owned());
        let Some(check) = &mut draft.check else { return draft };
        if let (Some(folder), Sort::Command) = (folder, thing.sort) {
            let there = CommandTest { run: "*".to_owned(), cwd: Some(folder.clone()), ..CommandTest::default() };
            check.unless = Some(Predicate::Command(there));
            return draft.clean([Event { cwd: Some(folder), ..thing.holds.event() }]);
        }
        if let Some(exception) = unless.things.first().filter(|exception| exception.sort != Sort::File) {
            check.unless = Some(exception.predicate.clone());
        }
        draft
    }

    /// `only edit files in src/`, `never edit files outside src/`: whatever lies elsewhere is left alone.
    pub(super) fn only_places(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let whatever = |thing: &Thing| matches!(&*thing.slug, "files" | "code");
        // `no field injection outside tests`: what is not known is not the files.
        let edits = matches!(meaning.main.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Place));
        let unknown = !edits && !meaning.only && meaning.main.things.is_empty();
        if !meaning.main.things.iter().all(whatever) || meaning.main.subject.is_some() || unknown {
            return None;
        }
        let (globs, label) = match (&meaning.outside, meaning.main.places.first()) {
            (Some(outside), _) => (excluded(outside), outside.things.first().map(|thing| thing.label.clone())?),
            (None, Some(Place::Files { globs, label, outside }))
                if *outside || (meaning.only && !meaning.main.elsewhere) =>
            {
                (globs.clone(), format!("`{label}`"))
            }
            _ => return None,
        };
        let inside = under(globs.first()?, None);
        let id = format!("edit-outside-{}", slug(&label));
        let (action, act) = match meaning.main.verb {
            Some(Cue::Create) if !meaning.only => (Some(FileAction::Create), "create"),
            Some(Cue::Delete) if !meaning.only => (Some(FileAction::Delete), "delete"),
            _ => (None, "edit"),
        };
        let event = |path: &str| match action {
            Some(FileAction::Create) => Event::write(path, "new\n"),
            Some(FileAction::Delete) => Event::command(format!("rm {path}")),
            _ => Event::edit(path, "old", "new"),
        };
        let never = Predicate::File(Box::new(FileTest { not_path: globs, action, ..FileTest::default() }));
        Some(
            Draft::of(
                id.replace("edit", act),
                format!("never {act} files outside {label}"),
                Pattern::Absence { never },
            )
            .violates([event("elsewhere/other.txt")])
            .clean([event(&inside)]),
        )
    }

    /// `only edit locales/en.json`: what lies beside it and is of its kind is left alone.
    pub(super) fn only_files(&self) -> Option<Draft> {
        let main = &self.meaning.main;
        let named = |thing: &Thing| thing.sort == Sort::File && thing.literal;
        let edits = matches!(main.verb, Some(Cue::Edit | Cue::Create));
        if !self.meaning.only || !edits || main.things.is_empty() || !main.things.iter().all(named) {
            return None;
        }
        let beside: Vec<_> = main.things.iter().filter_map(|thing| siblings(thing.label.trim_matches('`'))).collect();
        if beside.len() < main.things.len() {
            return None;
        }
        let own: Vec<_> = main.things.iter().flat_map(|thing| file_paths(&thing.predicate)).collect();
        let first = main.things.first()?;
        let path = first.holds.path()?;
        let other = under(beside.first()?, None).replace("example", "other").replace("??", "fr");
        let test = FileTest { path: beside, not_path: own, ..FileTest::default() };
        let id = format!("edit-beside-{}", first.slug);
        let draft = Draft::of(
            id,
            format!("edit only {} of the files like it", first.label),
            Pattern::Absence { never: Predicate::File(Box::new(test)) },
        );
        Some(draft.violates([Event::edit(other, "old", "new")]).clean([Event::edit(path, "old", "new")]))
    }

    fn substitution(&self, never: &[Thing], instead: &[Thing]) -> Draft {
        let never: Vec<_> = never.iter().map(|thing| spared(&self.limited(&self.in_file(thing)), instead)).collect();
        let names = |things: &[Thing]| things.iter().map(|thing| thing.slug.clone()).collect::<Vec<_>>().join("-and-");
        let labels = |things: &[Thing]| things.iter().map(|thing| thing.label.clone()).collect::<Vec<_>>().join(" or ");
        let mut steps = Vec::new();
        for thing in &never {
            steps.extend(instead.first().into_iter().flat_map(|to| self.steps(thing, to)));
        }
        let id = format!("{}-instead-of-{}", names(&never), names(instead));
        let title = format!(
            "use {}, not {}{}",
            labels(instead),
            labels(&never),
            never.first().map(|thing| self.whereabouts(thing)).unwrap_or_default()
        );
        let pattern =
            Pattern::Substitution { never: any(never.iter().map(|thing| thing.predicate.clone())), instead: steps };
        let mut draft = Draft::of(id, title, pattern);
        for thing in &never {
            draft = draft.violates([thing.holds.event()]);
        }
        let fine = instead.first().map_or_else(|| Event::command("ls"), |thing| thing.holds.event());
        let draft = draft.clean([fine]);
        match never.first() {
            Some(thing) => self.excepted(draft, thing),
            None => draft,
        }
    }

    /// `run pytest through uv run`: no program of these runs without.
    pub(super) fn through(&self, runner: &Thing, programs: &[Thing]) -> Draft {
        let prefix = runner.label.trim_matches('`');
        let first = programs.first().and_then(|program| program.holds.shell()).unwrap_or("run");
        let runner = Thing { holds: Witness::command(format!("{prefix} {first}")), ..runner.clone() };
        let mut draft = self.substitution(programs, std::slice::from_ref(&runner));
        if let Some(Pattern::Substitution { never, instead }) = draft.check.as_mut().map(|check| &mut check.pattern) {
            let names = words_of(never);
            let through = |name: &String| Replacement { from: name.clone(), to: format!("{prefix} {name}") };
            *instead = names.iter().map(through).collect();
            let most: Vec<_> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > most.len() { " and the like" } else { "" };
            draft.title = format!("run {}{more} through {}", most.join(", "), runner.label);
        }
        draft
    }

    /// The steps of the lexicon, or the plain replacement of one name by the other.
    fn steps(&self, never: &Thing, instead: &Thing) -> Vec<Replacement> {
        let name = |thing: &Thing| thing.known.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some(steps) = self.lexicon.replacements(&name(never), &name(instead)) {
            return steps.to_vec();
        }
        let to = instead.label.trim_matches('`').to_owned();
        let from = match (&never.predicate, never.sort) {
            (Predicate::Command(test), Sort::Command) => test.run.trim_end_matches(" $").to_owned(),
            (Predicate::Any(_), Sort::Command) => never.label.trim_matches('`').to_owned(),
            (_, Sort::Code) if never.known.is_none() => never.label.trim_matches('`').to_owned(),
            _ => String::new(),
        };
        vec![Replacement { from, to }]
    }

    pub(super) fn used(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let writes = matches!(meaning.main.verb, Some(Cue::Edit | Cue::Create | Cue::Place | Cue::Read | Cue::Delete));
        let folder = |thing: &Thing| thing.sort == Sort::File && thing.label.trim_matches('`').ends_with('/');
        if !writes && meaning.rejected.iter().any(folder) {
            // `imports come from lib/, not src/`: nothing is written there.
            return Vec::new();
        }
        if !meaning.rejected.is_empty() {
            let named = &meaning.main.things;
            let rejected: Vec<_> = meaning.rejected.iter().map(|thing| but(self.rival(thing), named)).collect();
            let unknown: Vec<_> = meaning.unknown.as_deref().map(text_thing).into_iter().collect();
            let instead = if named.is_empty() { &unknown } else { named };
            if rejected.iter().any(|never| instead.iter().any(|thing| thing.predicate == never.predicate)) {
                return Vec::new();
            }
            // `code over comments` weighs two things of different sorts: neither can take the other's place.
            let alike = |never: &Thing| {
                let tool = |thing: &Thing| thing.sort == Sort::Tool && never.sort == Sort::Command;
                named.iter().any(|thing| thing.sort == never.sort || thing.literal || tool(thing))
            };
            if !named.is_empty() && !rejected.iter().any(alike) {
                // A program that is written out is not to be run, and code that is known or written out is not to be
                // written, whatever takes its place.
                let told = |never: &&Thing| match never.sort {
                    Sort::Command => never.literal,
                    Sort::Code => (never.literal || never.known.is_some()) && meaning.main.verb == Some(Cue::Use),
                    _ => false,
                };
                return rejected.iter().filter(told).map(|never| self.absence(&self.limited(never))).collect();
            }
            if instead.is_empty() {
                return rejected.iter().map(|never| self.absence(&self.limited(never))).collect();
            }
            return vec![self.substitution(&rejected, instead)];
        }
        if meaning.rejects {
            // What is not to be used cannot be told, so neither can what would be kept by using the other: of programs, any
            // other; of what is written in code (`interfaces over classes`), nothing.
            let programs = meaning.main.things.iter().filter(|thing| thing.sort == Sort::Command);
            return programs.filter_map(|thing| self.preferred(thing)).collect();
        }
        if let Some(limits) = self.only_places() {
            return vec![limits];
        }
        if meaning.when && !meaning.main.flags.is_empty() {
            return self.must();
        }
        let command = meaning.main.things.first().filter(|thing| thing.sort == Sort::Command);
        if let (false, Some(command)) = (meaning.main.flags.is_empty(), command) {
            return vec![duty::flagged(command, &meaning.main.flags)];
        }
        let timed = meaning.main.aim.is_some()
            || meaning.before.is_some()
            || (meaning.after.is_some() && !meaning.main.things.is_empty());
        if timed {
            return self.must();
        }
        meaning.main.things.iter().filter_map(|thing| self.preferred(thing)).collect()
    }

    /// What is not to be used, as the program that it is beside another: the name of `find` is that of much else.
    fn rival(&self, thing: &Thing) -> Thing {
        let named = self.meaning.main.things.first().and_then(|used| used.known.as_ref());
        let group = named.and_then(|(_, group)| group.as_ref()).filter(|_| thing.sort == Sort::Code && thing.literal);
        let tool = self.lexicon.entry_named(thing.label.trim_matches('`'), Kind::Tool);
        match (group, tool) {
            (Some(_), Some(tool)) if tool.group.as_ref() == group => {
                Thing { literal: true, ..entry_thing(tool, &tool.name, None, &[]) }
            }
            _ => self.rival_alike(thing).unwrap_or_else(|| thing.clone()),
        }
    }

    /// The only rival of what is used, where what is not used is said in the same word: beside parameterised logging,
    /// concatenation is that of log messages.
    fn rival_alike(&self, thing: &Thing) -> Option<Thing> {
        let (name, group) = self.meaning.main.things.first()?.known.as_ref()?;
        let (other, own) = thing.known.as_ref()?;
        let group = group.as_ref().filter(|group| own.as_ref() != Some(group))?;
        let mut rivals = self.lexicon.rivals(name, group);
        let (rival, more) = (rivals.next()?, rivals.next());
        let alike = |one: &str, two: &str| one.len() > 8 && two.len() > 8 && one.get(..9) == two.get(..9);
        let same = other.split('-').any(|word| rival.name.split('-').any(|rival| alike(word, rival)));
        (same && more.is_none()).then(|| entry_thing(rival, &thing.label, None, &[]))
    }

    /// A tool that is to be used: its rivals are not.
    fn preferred(&self, thing: &Thing) -> Option<Draft> {
        if let Some(draft) = self.installed(thing) {
            return Some(draft);
        }
        let (name, group) = thing.known.as_ref()?;
        let group = group.as_ref()?;
        let rivals: Vec<_> = (self.lexicon.rivals(name, group))
            .filter(|entry| entry.kind != Kind::Tool || self.lexicon.replacements(&entry.name, name).is_some())
            // `one for libraries and the other for programs`: what is named beside it is used, too.
            .filter(|entry| !self.meaning.main.things.iter().any(|thing| thing.slug == entry.name))
            .map(|entry| match entry.kind {
                Kind::Language => entry_thing(entry, &entry.name, Some(Cue::Use), &[]),
                _ => Thing {
                    predicate: entry.predicate.clone(),
                    label: format!("`{}`", entry.name),
                    slug: entry.name.clone(),
                    holds: entry.violates.first().map_or_else(|| thing.fails.clone(), Witness::from),
                    known: Some((entry.name.clone(), entry.group.clone())),
                    ..thing.clone()
                },
            })
            .collect();
        if rivals.is_empty() {
            return None;
        }
        let id = format!("only-{name}");
        let draft = self.substitution(&rivals, std::slice::from_ref(thing));
        Some(Draft { id, ..draft })
    }

    /// `use uv add`: no other program adds what the project depends on.
    fn installed(&self, thing: &Thing) -> Option<Draft> {
        let (program, verb) = thing.label.trim_matches('`').split_once(' ').filter(|_| thing.literal)?;
        let tool = self.lexicon.entry_named(program, Kind::Tool).filter(|_| INSTALLS.contains(&verb))?;
        let others = self.lexicon.rivals(&tool.name, tool.group.as_ref()?);
        let adds = |entry: &Entry| Thing {
            predicate: with_words(&entry.predicate, &format!("{}|i", INSTALLS.join("|"))),
            label: format!("`{} install`", entry.name),
            slug: entry.name.clone(),
            holds: Witness::command(format!("{} install parser", entry.name)),
            known: Some((entry.name.clone(), entry.group.clone())),
            ..thing.clone()
        };
        let known = |entry: &&Entry| self.lexicon.replacements(&entry.name, &tool.name).is_some();
        let rivals: Vec<_> = others.filter(known).map(adds).collect();
        let used = Thing { known: Some((tool.name.clone(), tool.group.clone())), ..thing.clone() };
        (!rivals.is_empty()).then(|| self.substitution(&rivals, &[used]))
    }
}

/// The words by which programs add what a project depends on.
const INSTALLS: [&str; 2] = ["add", "install"];

/// What is not to be used without the programs that are: `./mvnw` stands for Maven as `mvn` does.
fn but(mut never: Thing, used: &[Thing]) -> Thing {
    let program = |thing: &Thing| {
        let label = thing.label.trim_matches('`');
        let first = label.split(' ').next().unwrap_or_default();
        first.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let used: Vec<_> = used.iter().filter(|thing| thing.sort == Sort::Command).map(program).collect();
    if let Predicate::Command(test) = &mut never.predicate {
        let (programs, rest) = test.run.split_once(' ').map_or((&*test.run, None), |(head, rest)| (head, Some(rest)));
        let others: Vec<_> = programs.split('|').filter(|name| !used.iter().any(|used| used == name)).collect();
        if !others.is_empty() {
            test.run = std::iter::once(&*others.join("|")).chain(rest).collect::<Vec<_>>().join(" ");
        }
    }
    never
}

/// The programs and fixed words of command tests, each alternative of its own.
fn words_of(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Any(parts) => parts.iter().flat_map(words_of).collect(),
        Predicate::Command(test) => {
            let (programs, rest) = test.run.split_once(' ').unwrap_or((&test.run, ""));
            let plain = programs.split('|').filter(|name| !name.contains('*'));
            plain.map(|name| format!("{name} {rest}").trim_end().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// A command that is not to be run as it is, but with more: `pytest -q` and not `pytest`, `git push origin HEAD` and not just
/// `git push`. What has the options is fine, and so is what has other arguments.
fn cut(never: &Thing, to: &Thing) -> Option<Thing> {
    let plain = |test: &CommandTest| test.without.is_empty() && !test.run.contains(['|', '*', '!']);
    let written = |thing: &Thing| thing.label.starts_with('`').then(|| thing.label.trim_matches('`').to_owned());
    let own = match &never.predicate {
        Predicate::Command(test) if plain(test) => test.run.clone(),
        _ => written(never)?,
    };
    let more = written(to)?.strip_prefix(&own)?.strip_prefix(' ')?.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let options = more.iter().all(|word| word.starts_with('-'));
    let test = if options {
        CommandTest { run: own.clone(), without: more, ..CommandTest::default() }
    } else {
        CommandTest { run: format!("{own} $"), ..CommandTest::default() }
    };
    let holds = Witness::command(own);
    (never.sort == Sort::Command).then(|| Thing { predicate: Predicate::Command(test), holds, ..never.clone() })
}

/// What is not to be used, without the ways in which what is to be used runs it: `uv run pytest` instead of `pytest`.
fn spared(never: &Thing, instead: &[Thing]) -> Thing {
    let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    let programs: Vec<_> = instead.iter().filter_map(|to| to.holds.shell().map(first)).collect();
    let used = |test: &CommandTest| first(&test.run).split('|').any(|name| programs.iter().any(|own| own == name));
    let label = never.label.trim_matches('`');
    let same = |to: &Thing| {
        let longer = to.holds.shell().is_some_and(|text| text.len() > label.len() && text.starts_with(label));
        never.sort == Sort::Command && (to.predicate == never.predicate || longer)
    };
    // `@a/ui` and not `@a/ui/button`: what goes on in the way of the other is fine.
    let longer = |to: &Thing| {
        let other = to.label.trim_matches('`');
        never.sort == Sort::Code && never.literal && other.len() > label.len() && other.starts_with(label)
    };
    // `controls:Text` and not `Text`: what ends so is fine.
    let ending = |to: &Thing| {
        let other = to.label.trim_matches('`');
        never.sort == Sort::Code && never.literal && other.len() > label.len() && other.ends_with(label)
    };
    let differs = match instead {
        [to] if to.literal && to.sort == Sort::Code && never.sort == Sort::Code && never.literal => {
            differing(label, to.label.trim_matches('`'))
        }
        _ => None,
    };
    if let Some(shorter) = instead.iter().find_map(|to| cut(never, to)) {
        return shorter;
    }
    match (&never.predicate, differs) {
        (Predicate::File(test), Some(differs)) if never.known.is_none() => {
            let test = FileTest { added: Some(differs), ..(**test).clone() };
            Thing { predicate: Predicate::File(Box::new(test)), ..never.clone() }
        }
        (Predicate::File(test), _) if never.known.is_none() && instead.iter().any(|to| longer(to) || ending(to)) => {
            // `Compat.map` and not `map`: any other is the method that is not to be.
            let method = instead.iter().find(|to| to.label.trim_matches('`').ends_with(&format!(".{label}")));
            if let Some(to) = method {
                return Thing { predicate: beside(&never.predicate, to.label.trim_matches('`')), ..never.clone() };
            }
            let (before, behind) =
                if instead.iter().any(ending) { ("(^|[^\\w:./-])", "\\b") } else { ("", "($|[^\\w/.:(-])") };
            let whole = TextTest::Matches(format!("{before}{}{behind}", escaped(label)));
            let test = FileTest { added: Some(whole), ..(**test).clone() };
            Thing { predicate: Predicate::File(Box::new(test)), ..never.clone() }
        }
        (Predicate::Any(_) | Predicate::File(_), _)
            if never.known.is_some() && instead.iter().any(|to| inside(label, to).is_some()) =>
        {
            let kept = instead.iter().find_map(|to| inside(label, to)).unwrap_or_default();
            Thing { predicate: beside(&never.predicate, &kept), ..never.clone() }
        }
        // One way of doing it instead of another: only what is written out is not to be.
        _ if never.literal && instead.iter().any(same) => {
            let written = command_thing(label, None);
            Thing { literal: true, ..written }
        }
        (Predicate::Any(parts), _)
            if !parts.iter().all(|part| matches!(part, Predicate::Command(test) if used(test))) =>
        {
            let kept = parts.iter().filter(|part| !matches!(part, Predicate::Command(test) if used(test)));
            Thing { predicate: any(kept.cloned().collect::<Vec<_>>().into_iter()), ..never.clone() }
        }
        _ => never.clone(),
    }
}

/// What of a module is to be used instead of all of it: `zod/v4` beside `zod`.
fn inside(module: &str, instead: &Thing) -> Option<String> {
    let path = |c: char| c.is_alphanumeric() || "@/._-".contains(c);
    let parts = instead.label.split(|c| !path(c));
    parts.filter(|part| part.strip_prefix(module).is_some_and(|rest| rest.starts_with('/'))).map(str::to_owned).next()
}

/// A test on added lines without those that hold a text.
fn beside(test: &Predicate, kept: &str) -> Predicate {
    match test {
        Predicate::Any(parts) => Predicate::Any(parts.iter().map(|part| beside(part, kept)).collect()),
        Predicate::File(test) => match &test.added {
            Some(added) => {
                let other = TextTest::Not(Box::new(TextTest::Contains(kept.to_owned())));
                let lines = TextTest::SomeLine(Box::new(TextTest::All(vec![added.clone(), other])));
                Predicate::File(Box::new(FileTest { added: Some(lines), ..(**test).clone() }))
            }
            None => Predicate::File(test.clone()),
        },
        other => other.clone(),
    }
}

/// A program that is not known is not written into a script either; what documents say of it is no script.
fn written(thing: &Thing) -> Thing {
    let label = thing.label.trim_matches('`');
    let words: Vec<_> = label.split(' ').collect();
    let named = words.first().is_some_and(|word| word.len() > 3) && (words.len() > 1 || label.contains('-'));
    if thing.sort != Sort::Command || !thing.literal || thing.known.is_some() || !named || words.len() > 3 {
        return thing.clone();
    }
    let words = words.into_iter().map(|word| escaped(word).replace("\\*", "\\S*"));
    let line = format!("^\\s*(sudo\\s+)?{}(\\s|$)", words.collect::<Vec<_>>().join("\\s+"));
    let documents = ["*.md", "*.mdx", "*.rst", "*.txt", "**/docs/**"].map(str::to_owned).to_vec();
    let lines = FileTest { added: Some(TextTest::Matches(line)), not_path: documents, ..FileTest::default() };
    let predicate = Predicate::Any(vec![thing.predicate.clone(), Predicate::File(Box::new(lines))]);
    Thing { predicate, ..thing.clone() }
}

/// Commands with a flag; any command with the flag, where none is named.
fn with_flag(things: Vec<Thing>, flag: &str) -> Vec<Thing> {
    // The mark behind which another program's arguments begin is an option of some commands.
    if flag.trim_matches('-').is_empty() && (things.is_empty() || flag != "--") {
        return Vec::new();
    }
    if things.is_empty() {
        let any = command_thing(&format!("* {flag}"), None);
        let says = Some((format!("use `{flag}`"), format!("using `{flag}`")));
        return vec![Thing { label: format!("`{flag}`"), slug: format!("flag-{}", slug(flag)), says, ..any }];
    }
    things.into_iter().map(|thing| if thing.sort == Sort::Command { flagged(thing, flag) } else { thing }).collect()
}

/// The same commands where they are given a file.
fn given(predicate: &Predicate, file: &str) -> Predicate {
    match predicate {
        Predicate::Any(parts) => Predicate::Any(parts.iter().map(|part| given(part, file)).collect()),
        Predicate::Command(test) => {
            let file = if file.starts_with('*') { file.to_owned() } else { format!("{file}|*/{file}") };
            Predicate::Command(CommandTest { run: format!("{} ** {file}", test.run), ..test.clone() })
        }
        other => other.clone(),
    }
}

/// A command with a flag.
fn flagged(thing: Thing, flag: &str) -> Thing {
    // What stands for any value is no part of what is looked for.
    let open = |word: &&str| !word.trim_matches(['"', '\'']).trim_matches('.').is_empty() && !word.starts_with('<');
    let flag = &flag.trim_matches('`').split(' ').filter(open).collect::<Vec<_>>().join(" ");
    let text = thing.holds.shell().unwrap_or_default().split(" -").next().unwrap_or_default().to_owned();
    Thing {
        predicate: with_words(&thing.predicate, flag),
        says: Some((format!("{} with `{flag}`", thing.act()), format!("{} with `{flag}`", thing.doing()))),
        slug: format!("{}-{}", thing.slug, slug(flag)),
        holds: Witness::command(format!("{text} {flag}")),
        fails: Witness::command(text),
        ..thing
    }
}

/// The same commands with more words.
fn with_words(predicate: &Predicate, words: &str) -> Predicate {
    match predicate {
        Predicate::Any(parts) => Predicate::Any(parts.iter().map(|part| with_words(part, words)).collect()),
        Predicate::Command(test) => Predicate::command(&format!("{} {words}", test.run.trim_end_matches(" $"))),
        other => other.clone(),
    }
}

/// Something that needs the user's word: the prompt of the session must mention it.
pub(super) fn permitted(thing: &Thing) -> Draft {
    const FILLER: [&str; 24] = [
        "new", "the", "any", "files", "file", "a", "an", "to", "on", "in", "of", "for", "with", "and", "or", "run",
        "use", "up", "off", "out", "back", "all", "code", "git",
    ];
    let label = slug(&thing.label);
    let mut words: Vec<&str> =
        thing.slug.split('-').chain(label.split('-')).filter(|word| !FILLER.contains(word)).collect();
    words.sort_unstable();
    words.dedup();
    let word = words.first().copied().unwrap_or(&thing.slug).to_owned();
    let mut mentions: Vec<_> = words.into_iter().map(|word| TextTest::Mentions(word.to_owned())).collect();
    let asked = if mentions.len() == 1 { mentions.remove(0) } else { TextTest::Any(mentions) };
    let prompt = |text: String| Event::of(EventKind::UserPromptSubmit { text });
    let first = Predicate::Prompt(asked);
    let pattern = Pattern::Precedence { first, then: thing.predicate.clone(), again_after: None };
    Draft::of(format!("unasked-{}", thing.slug), format!("{} only when asked", asked_for(thing)), pattern)
        .violates([prompt("Mend it".to_owned()), thing.holds.event()])
        .clean([prompt(format!("Now {word}, please")), thing.holds.event()])
}

/// A name that begins with what is done: `run-tests`, `commit-env`, `push`.
fn named_after(act: &str, slug: &str) -> String {
    let verb = act.split(' ').next().unwrap_or_default();
    if slug.starts_with(verb) { slug.to_owned() } else { format!("{verb}-{slug}") }
}

fn asked_for(thing: &Thing) -> String {
    match &thing.predicate {
        Predicate::File(test) if test.action == Some(crate::predicate::FileAction::Create) => {
            format!("create {}", thing.label)
        }
        Predicate::File(test) if test.action == Some(crate::predicate::FileAction::Delete) => {
            format!("delete {}", thing.label)
        }
        Predicate::File(_) => format!("edit {}", thing.label),
        _ => thing.act(),
    }
}

/// `don't say done while TODO.md has open items`.
fn open_items(path: &str) -> Draft {
    let open = Predicate::Workspace(WorkspaceTest {
        path: path.to_owned(),
        text: Some(TextTest::Contains("- [ ]".to_owned())),
        ..WorkspaceTest::default()
    });
    let id = format!("done-with-open-{}", slug(path));
    Draft::of(
        id,
        format!("never end the turn while `{path}` has open items"),
        Pattern::Absence { never: Predicate::Event(Moment::Stop) },
    )
    .when(open)
    .violates([Event::write(path, "- [ ] one\n").done(true), Event::stop("Done.", Vec::new())])
    .clean([Event::write(path, "- [x] one\n").done(true), Event::stop("Done.", Vec::new())])
}

pub(super) fn any(mut predicates: impl ExactSizeIterator<Item = Predicate>) -> Predicate {
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
