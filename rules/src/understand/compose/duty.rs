//! What has to be done: before something, after something, in every session, or only so often.

use super::never::permitted;
use super::place::{file_paths, under, with_action};
use super::texts::named;
use super::{Composer, Draft};
use crate::directive::Replacement;
use crate::lexicon::{Cue, Kind, Of, Property};
use crate::predicate::{CommandTest, FileAction, TextTest};
use crate::understand::meaning::Stance;
use crate::understand::name::{Named, Place};
use crate::understand::thing::{Sort, Thing, file_thing, path_thing, sample_commands, slug, stop_thing};
use crate::understand::witness::Witness;
use crate::{Decision, Event, Pattern, Per, Predicate, Scope};

impl Composer<'_, '_> {
    pub(super) fn must(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        if let Some(drafts) = self.filed() {
            return drafts;
        }
        if main.verb == Some(Cue::Delete)
            && meaning.before.is_some()
            && main.things.iter().all(|thing| thing.sort == Sort::Code)
        {
            // `remove debug output before a commit`: what is not there to begin with need not go.
            return main.things.iter().map(|thing| self.absence(&self.limited(thing))).collect();
        }
        let kinds = main.things.iter().all(|thing| thing.sort == Sort::File && !thing.literal);
        if main.verb == Some(Cue::Delete) && kinds {
            // `delete temporary files when done`: which there are does not show.
            return Vec::new();
        }
        let mut things: Vec<_> = main.things.iter().filter(|thing| self.is_duty(thing)).collect();
        if things.iter().all(|thing| thing.literal && thing.sort == Sort::Command) {
            // `gofmt and goimports` are one program that goes by two names.
            things.dedup_by(|one, other| one.slug == other.slug && one.predicate == other.predicate);
        }
        if let Some(drafts) = self.optioned(&things) {
            return drafts;
        }
        let Some(first) = things.first().copied() else { return Vec::new() };
        if let (Some(aim), true) = (main.aim.as_deref(), meaning.before.is_none() && meaning.after.is_none()) {
            return vec![self.precedence(first, aim)];
        }
        let then = meaning.before.as_deref().and_then(Named::whole);
        let trigger = meaning.after.as_deref().and_then(Named::whole);
        // What is done when the turn ends is done before it ends.
        let ends = trigger.as_ref().is_some_and(|trigger| trigger.sort == Sort::Stop);
        let (then, trigger) = if ends { (then.or(trigger), None) } else { (then, trigger) };
        let (then, trigger) = (then.as_ref(), trigger.as_ref());
        let again = |other: &Thing| {
            things
                .iter()
                .any(|thing| thing.predicate == other.predicate || other.slug.ends_with(&format!("-{}", thing.slug)))
        };
        if let Some(changed) = trigger.filter(|_| first.sort == Sort::Read && !first.literal) {
            return read_again(first, changed).into_iter().collect();
        }
        let repeats = things.iter().skip(1).any(|thing| thing.slug == first.slug);
        if repeats || [then, trigger].into_iter().flatten().any(again) {
            return Vec::new();
        }
        let chain = meaning.ordered && things.len() > 1;
        let code = main.on.as_deref().cloned().unwrap_or_else(|| self.code());
        let timed = then.is_some() || trigger.is_some();
        let there = main.written_place().filter(|_| timed && main.verb == Some(Cue::Edit) && main.words < 3);
        let things: Vec<_> = match there {
            Some(files) => vec![files],
            None => things.iter().map(|thing| mentioned(thing)).collect(),
        };
        let written = things.iter().all(|thing| thing.sort == Sort::Command && thing.literal);
        let things = if main.either && written && !chain { Thing::any(&things).into_iter().collect() } else { things };
        match (then.filter(|then| then.sort != Sort::Stop), trigger) {
            (Some(then), None) if chain => vec![precedence_chain(&main.things, then)],
            (Some(then), None) => things.iter().map(|thing| self.precedence(thing, then)).collect(),
            // `run the linter on changed files before a commit`: what changed is what the commit holds.
            (Some(then), Some(trigger)) if !chain && then.sort == Sort::Command && trigger.slug == "code" => {
                things.iter().map(|thing| self.precedence(thing, then)).collect()
            }
            (None, Some(trigger)) if let Some(drafts) = self.not_after(first, &things, trigger) => drafts,
            (_, Some(trigger)) if chain => vec![response_chain(trigger, &main.things)],
            (_, Some(trigger)) => things.iter().map(|thing| follow(thing, trigger)).collect(),
            (None, None) if then.is_some() => things.iter().map(|thing| follow(thing, &code)).collect(),
            (None, None) => self.timeless(&things, &code),
        }
    }

    /// What files of a kind are called, or where they lie.
    fn filed(&self) -> Option<Vec<Draft>> {
        let main = &self.meaning.main;
        let files = main.things.iter().find(|thing| thing.sort == Sort::File)?;
        if let Some(pattern) = &main.pattern {
            return Some(vec![named(files, pattern)]);
        }
        let belongs = main.verb == Some(Cue::Place) || self.meaning.is_placed();
        let place = main.places.first().filter(|_| belongs)?;
        Some(placed(files, place).into_iter().collect())
    }

    /// What comes before something though it is said to be done when or after that, or takes its place.
    fn not_after(&self, first: &Thing, things: &[Thing], trigger: &Thing) -> Option<Vec<Draft>> {
        let meaning = self.meaning;
        if meaning.when && (prepares(first) || meaning.first) {
            // What is read, or which skill is taken up, when something is done comes before it.
            return Some(vec![self.precedence(first, trigger)]);
        }
        if first.sort != Sort::Command {
            return None;
        }
        if meaning.only {
            // `only push after make test`: what may follow need not.
            let precedes = matches!(trigger.sort, Sort::Command | Sort::Read);
            return Some(things.iter().filter(|_| precedes).map(|thing| self.precedence(trigger, thing)).collect());
        }
        // `when running tests, use make test`: that is how it is done, and not what follows.
        let by = meaning.when && trigger.sort == Sort::Command && meaning.main.verb == Some(Cue::Use);
        by.then(|| done_by(trigger, first).into_iter().collect())
    }

    /// Whether a thing that is named is something to be done.
    fn is_duty(&self, thing: &Thing) -> bool {
        let writes = matches!(self.meaning.main.verb, Some(Cue::Create | Cue::Edit));
        // Tests that are written are not tests that run, nor are they a file of their own each time.
        let made = match thing.sort {
            Sort::Command => !thing.literal && !matches!(&*thing.slug, "commit" | "pull-request"),
            Sort::File => {
                !thing.literal && thing.slug.ends_with("tests") && self.meaning.main.verb == Some(Cue::Create)
            }
            _ => false,
        };
        // Who uses a template does not change it.
        let used = thing.sort == Sort::File && thing.literal && self.meaning.main.verb == Some(Cue::Use);
        // `changes pass the pipeline`, `imports go at the top`: nothing is done to those files.
        let idle =
            thing.sort == Sort::File && !thing.literal && matches!(self.meaning.main.verb, None | Some(Cue::Place));
        // `the files` says nothing of what is done.
        let vague = thing.sort == Sort::File && thing.slug == "files";
        !(matches!(thing.sort, Sort::Stop | Sort::Code) || vague || used || idle || made && writes)
    }

    /// The commands that are run with the options that are named.
    fn optioned(&self, things: &[&Thing]) -> Option<Vec<Draft>> {
        let meaning = self.meaning;
        // `pull with rebase before you push` says what comes first.
        let timed = meaning.before.as_deref().is_some_and(|named| !named.things.is_empty());
        let flags = Some(&meaning.main.flags)
            .filter(|flags| !(flags.is_empty() || timed && things.iter().any(|thing| !thing.literal)))?;
        let when = || meaning.after.iter().flat_map(|named| &named.things).filter(|thing| thing.sort == Sort::Command);
        let Some(first) = things.first() else {
            // `use --frozen-lockfile when installing dependencies`
            return meaning.before.is_none().then(|| when().map(|thing| flagged(thing, flags)).collect());
        };
        if let Some(run) = when().find(|thing| meaning.when && thing.literal) {
            // `when running dotnet format, use --folder`
            return Some(vec![flagged(run, flags)]);
        }
        let told =
            meaning.main.verb.is_some() || meaning.stance == Stance::Must || first.says.is_some() || first.literal;
        let all = things.iter().filter(|thing| thing.sort == Sort::Command && thing.literal == first.literal);
        (first.sort == Sort::Command && told).then(|| all.map(|thing| flagged(thing, flags)).collect())
    }

    /// What is to be done where nothing says before or after what.
    fn timeless(&self, things: &[Thing], code: &Thing) -> Vec<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        let after_code = |done: &dyn Fn(&Thing) -> bool| {
            things.iter().filter(|thing| done(thing)).map(|thing| follow(thing, code)).collect()
        };
        if meaning.assures && main.verb.is_none_or(|verb| matches!(verb, Cue::Run | Cue::Use)) {
            return after_code(&|thing| thing.sort == Sort::Command && thing.literal);
        }
        if meaning.after.is_some() || meaning.before.is_some() {
            return Vec::new();
        }
        if meaning.passed && meaning.stance == Stance::Must {
            // `ensure that make check passes`
            return after_code(&|thing| thing.sort == Sort::Command && (thing.literal || thing.renewed));
        }
        if meaning.per_session {
            return things.iter().map(existence).collect();
        }
        // `format any Go code`: what is known to be done to files is done to those that are named.
        let known = things.first().is_some_and(|thing| thing.sort == Sort::Command && thing.says.is_some());
        let formats = main.on.is_some() && known;
        if !meaning.forgotten && !meaning.always && !formats {
            return Vec::new();
        }
        // What is merely named (`always pnpm`, `PRs must always …`) is not a thing to do after each change.
        after_code(&|thing| {
            let does = thing.sort == Sort::Command || thing.sort == Sort::File && meaning.updates;
            let plain = thing.says.is_none() || main.words == 0 || main.on.is_some() || meaning.forgotten;
            let done = main.verb.is_some_and(|verb| verb != Cue::Use) || meaning.leads && !thing.literal;
            // Nobody squashes, merges or releases after each change, nor opens a pull request.
            let rare = ["squash", "rebase", "merge", "tag", "release", "deploy", "pull-request"];
            let rare = !thing.literal && rare.iter().any(|act| thing.slug.starts_with(act));
            let vague = rare || matches!(&*thing.slug, "code" | "files") || thing.literal && main.words > 8;
            does && plain && !vague && (formats || done)
        })
    }

    /// `keep README.md and README.zh.md in sync`, `keep the English and the German pages aligned`: who changes the one changes the
    /// other.
    pub(super) fn in_step(&self) -> Vec<Draft> {
        let main = &self.meaning.main;
        let written = |thing: &Thing| thing.sort == Sort::File && thing.literal;
        let spoken: Vec<_> = main.properties.iter().filter_map(|property| translated(property)).collect();
        match (main.things.as_slice(), spoken.as_slice()) {
            ([one, other], _) if written(one) && written(other) => vec![update(other, one), update(one, other)],
            (things, [one, other]) if !things.iter().any(written) => vec![update(other, one), update(one, other)],
            _ => Vec::new(),
        }
    }

    /// `every new feature needs an entry in CHANGELOG.md`: what is noted of any change goes with all code, anything else with
    /// the files that are named.
    pub(super) fn entered(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        let told =
            meaning.every || meaning.always || meaning.new || meaning.after.is_some() || meaning.stance == Stance::Must;
        let file = main.things.iter().find(|thing| thing.sort == Sort::File).filter(|_| told)?;
        let when = meaning.after.as_deref().and_then(Named::whole).filter(|when| when.sort == Sort::File);
        let log = file.slug.starts_with("log")
            || ["change", "release", "history", "news"].iter().any(|word| file.slug.contains(word));
        let with = when.or_else(|| main.on.as_deref().cloned().filter(|on| on.predicate != file.predicate));
        let with = with.or_else(|| log.then(|| self.code()))?;
        let mut file = file.clone();
        if let Predicate::File(test) = &mut file.predicate {
            // Who adds an entry makes no new file.
            test.action = None;
        }
        Some(update(&file, &with))
    }

    /// `when you work on the parser, read parser/README.md first`: the guide in a folder is read before anything in it changes.
    pub(super) fn guided(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let guide = match meaning.main.things.as_slice() {
            [guide] if meaning.main.verb == Some(Cue::Read) && guide.literal => guide,
            _ => return None,
        };
        let about =
            meaning.before.as_deref().or(meaning.after.as_deref()).filter(|_| meaning.stance != Stance::Never)?;
        let (folder, name) = guide.label.trim_matches('`').rsplit_once('/')?;
        let shouted = name.split('.').next().is_some_and(|stem| stem.len() > 3 && !stem.contains(char::is_lowercase));
        let of_docs = folder.split('/').any(|part| part.starts_with("doc") || part.starts_with('.'));
        if !shouted || of_docs || !about.things.is_empty() {
            return None;
        }
        Some(self.precedence(guide, &path_thing(&format!("{folder}/"), None)))
    }

    /// What must follow every change of code.
    pub(super) fn after_code(&self, require: &Thing) -> Draft {
        follow(require, &self.code())
    }

    /// Any change of code.
    fn code(&self) -> Thing {
        let paths = self.lexicon.entry_named("code", Kind::Files).map(|entry| file_paths(&entry.predicate));
        let code = file_thing(paths.unwrap_or_default(), "code", None);
        let holds = code.holds.at("src/lib.rs");
        Thing { slug: "code".to_owned(), label: "code".to_owned(), holds, ..code }
    }

    pub(super) fn precedence(&self, first: &Thing, then: &Thing) -> Draft {
        // `before modifying code, read the docs in dev/knowledge/`: where says what is read.
        let there = match self.meaning.main.places.as_slice() {
            [Place::Files { globs, label, outside: false }] if first.sort == Sort::Read && !first.literal => {
                Some(Thing { literal: true, ..file_thing(globs.clone(), label, Some(Cue::Read)) })
            }
            _ => None,
        };
        let first = there.as_ref().unwrap_or(first);
        // One file that is named is read once, and not each before itself.
        let same_file = matches!(first.sort, Sort::Read) && then.sort == Sort::File && !first.literal;
        let then = &match there {
            Some(_) => then.clone(),
            None if same_file => modified(then, &first.holds),
            None => self.limited(then),
        };
        // What comes before all others of its program is not one of them.
        let then = &if is_one_of(first, then) {
            Thing { predicate: then.predicate.clone().and(first.predicate.clone().negated()), ..then.clone() }
        } else {
            then.clone()
        };
        let again_after = first.renewed.then(|| self.lexicon.entry_named("code", Kind::Files)).flatten();
        let pattern = Pattern::Precedence {
            first: first.predicate.clone(),
            then: then.predicate.clone(),
            again_after: again_after.map(|entry| entry.predicate.clone()),
        };
        let (id, title) = if same_file {
            ("read-before-edit".to_owned(), format!("read {} before editing it", first.label))
        } else if first.sort == Sort::Read {
            (
                format!("read-{}-before-{}", first.slug, then.slug),
                format!("read {} before {}", first.label, then.doing()),
            )
        } else {
            (format!("{}-before-{}", first.slug, then.slug), format!("{} before {}", first.act(), then.doing()))
        };
        Draft::of(id, title, pattern)
            .per(if same_file { Per::File } else { Per::Session })
            .violates([then.holds.event()])
            .clean([first.holds.done(true), then.holds.event()])
    }

    pub(super) fn backed_up(&self) -> Draft {
        let wanted = self.meaning.main.things.iter().find(|thing| thing.sort == Sort::File);
        let label = wanted.map_or("a file", |thing| &thing.label);
        let it = if label.ends_with('s') { "them" } else { "it" };
        let then = wanted.cloned().unwrap_or_else(|| file_thing(vec!["**".to_owned()], "files", None));
        let then = modified(&then, &then.holds);
        let path = then.holds.path().unwrap_or("example.txt").to_owned();
        let pattern = Pattern::Precedence {
            first: Predicate::command("cp $file"),
            then: then.predicate.clone(),
            again_after: None,
        };
        Draft::of("back-up-before-editing".to_owned(), format!("back up {label} before editing {it}"), pattern)
            .per(Per::File)
            .violates([then.holds.event()])
            .clean([Event::command(format!("cp {path} {path}.bak")).done(true), then.holds.event()])
    }

    /// `before editing A, back it up as B`: the copy is named.
    pub(super) fn copied(&self) -> Option<Draft> {
        let named = |things: &[Thing]| things.iter().find(|thing| thing.sort == Sort::File && thing.literal).cloned();
        let copy = named(&self.meaning.main.things)?;
        let file = named(&self.meaning.before.as_deref()?.things).filter(|file| file.predicate != copy.predicate)?;
        let copy = Thing {
            predicate: with_action(&copy.predicate, FileAction::Create),
            holds: Witness::write(copy.holds.path()?.to_owned(), "new\n"),
            ..copy
        };
        Some(self.precedence(&copy, &file))
    }

    /// `ask before …`: what can be seen waits until the user speaks of it; for anything else, nothing shows in the events
    /// whether the user agreed, so it is put in front of the agent in time.
    pub(super) fn asked(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let Some(about) = meaning.before.as_deref().or(meaning.after.as_deref()) else { return Vec::new() };
        let seen = |thing: &&Thing| matches!(thing.sort, Sort::Command | Sort::File) && thing.slug != "files";
        let seen: Vec<_> = about.things.iter().filter(seen).map(permitted).collect();
        if !seen.is_empty()
            && (about.words == 0 || about.words < 3 && about.things.iter().all(|thing| thing.says.is_some()))
        {
            return seen;
        }
        let thing = about.things.first();
        let when = match (thing, &meaning.asked) {
            (Some(thing), _) => format!("before {}", thing.doing()),
            (None, Some(words)) => words.clone(),
            (None, None) => "before acting".to_owned(),
        };
        let named = thing.map_or_else(|| slug(&when), |thing| format!("before-{}", thing.slug));
        vec![Draft {
            id: format!("ask-{named}"),
            title: format!("ask {when}"),
            check: None,
            decided_by: Decision::Reminder,
            remind_when: thing.map(|thing| thing.predicate.clone()),
            scope: Scope::default(),
            examples: Vec::new(),
        }]
    }

    pub(super) fn bounded(&self) -> Option<Draft> {
        let of = self.meaning.main.things.first()?;
        let at_most = u8::try_from(self.meaning.count.unwrap_or(1)).ok()?;
        let (per, span) = if self.meaning.per_turn { (Per::Turn, "turn") } else { (Per::Session, "session") };
        let pattern = Pattern::BoundedExistence { of: of.predicate.clone(), at_most };
        let title = format!("{} at most {} per {span}", of.act(), times(at_most));
        let once = [of.holds.event(), of.holds.done(true)];
        let full: Vec<_> = std::iter::repeat_n(once, usize::from(at_most)).flatten().collect();
        let exceed: Vec<_> = full.iter().cloned().chain([of.holds.event()]).collect();
        let id = format!("{}-more-than-{}-per-{span}", of.slug, times(at_most).replace(' ', "-"));
        Some(Draft::of(id, title, pattern).per(per).violates(exceed).clean([of.holds.event()]))
    }
}

/// Commands of a sort are run by the one that is written out.
fn done_by(sort: &Thing, by: &Thing) -> Option<Draft> {
    let label = by.label.trim_matches('`');
    let other = sample_commands(&sort.predicate).into_iter().find(|text| !text.starts_with(label) && by.literal)?;
    let never = sort.predicate.clone().and(by.predicate.clone().negated());
    let instead = vec![Replacement { from: String::new(), to: label.to_owned() }];
    let title = format!("use {} when {}", by.label, sort.doing());
    let draft = Draft::of(format!("{}-not-by-{}", sort.slug, by.slug), title, Pattern::Substitution { never, instead });
    Some(draft.violates([Event::command(other)]).clean([by.holds.event()]))
}

/// Whether something is done in order to know how to do something else.
fn prepares(thing: &Thing) -> bool {
    thing.sort == Sort::Read && thing.literal || thing.sort == Sort::Tool && thing.slug.ends_with("-skill")
}

/// Whether a command is one of those that another names by their program alone.
fn is_one_of(one: &Thing, all: &Thing) -> bool {
    let program = |thing: &Thing| match &thing.predicate {
        Predicate::Command(test) => test.run.split(' ').next().map(str::to_owned),
        _ => None,
    };
    let whole = matches!(&all.predicate, Predicate::Command(test) if !test.run.contains(' '));
    match (program(one), program(all)) {
        (Some(one), Some(all)) => whole && all.split('|').any(|name| name == one),
        _ => false,
    }
}

/// A program that must run may be run through another one, such as a container's.
fn mentioned(thing: &Thing) -> Thing {
    match &thing.predicate {
        Predicate::Command(test)
            if thing.known.is_none()
                && !test.run.contains(' ')
                && (test.run.contains('-') || !thing.label.contains(['/', '.'])) =>
        {
            let name = if test.run.contains('-') { format!("*{}*", test.run) } else { test.run.clone() };
            let through = Predicate::command(&format!("* ** {name}|*:{name}"));
            Thing { predicate: Predicate::Any(vec![thing.predicate.clone(), through]), ..thing.clone() }
        }
        _ => thing.clone(),
    }
}

/// What must follow something: a file that goes with another may come first, anything else comes after.
fn follow(require: &Thing, trigger: &Thing) -> Draft {
    if require.sort == Sort::File && trigger.sort == Sort::File {
        update(require, trigger)
    } else {
        response(require, trigger)
    }
}

/// The files in a natural language, by its code (ISO 639-1) in their path.
fn translated(property: &Property) -> Option<Thing> {
    let TextTest::Language(code) = property.shown(Of::Reply) else { return None };
    let globs = ["**/{}/**", "**/{}-*/**", "*.{}.*", "*_{}.*", "*-{}.*", "*.{}-*.*"];
    let globs = globs.map(|glob| glob.replace("{}", code)).to_vec();
    let label = format!("what is {}", property.so);
    let files = file_thing(globs, &label, None);
    let holds = Witness::edit(format!("docs/{code}/guide.md"), "old", "new");
    Some(Thing { slug: slug(&property.name), label, holds, ..files })
}

/// `after an edit, read the file again`: each file that was changed, whichever it is.
fn read_again(what: &Thing, changed: &Thing) -> Option<Draft> {
    let any = |thing: &Thing| matches!(&*thing.slug, "files" | "code" | "read-files" | "read-code");
    if changed.sort != Sort::File || !any(what) || !any(changed) {
        return None;
    }
    let read = path_thing("**", Some(Cue::Read));
    let pattern = Pattern::Response { trigger: changed.predicate.clone(), require: read.predicate.clone() };
    let path = changed.holds.path().unwrap_or("src/lib.rs").to_owned();
    let edit = Event::edit(&path, "old", "new").done(true);
    let again = read.holds.at(&path).done(true);
    let stop = stop_thing().holds.event();
    let title = format!("read {} again after editing it", if changed.slug == "code" { "code" } else { "a file" });
    let draft = Draft::of("read-after-edit".to_owned(), title, pattern).per(Per::File);
    Some(draft.violates([edit.clone(), stop.clone()]).clean([edit, again, stop]))
}

/// `always run cargo test with --locked`: the command without any spelling of the flag never runs.
pub(super) fn flagged(command: &Thing, flags: &[String]) -> Draft {
    // Of an option with its value, the value is looked for.
    let open = |word: &&str| word.len() > 1 && !word.contains(['<', '>', '{', '[']);
    let whole = |flag: &String| !flag.contains(['"', '\'']);
    let word = |flag: &String| {
        let named = flag.split(' ').rfind(open).filter(|_| whole(flag));
        named.or_else(|| flag.split(' ').next()).unwrap_or(flag).to_owned()
    };
    let words: Vec<_> = flags.iter().map(word).collect();
    let flag = flags.first().map_or("", String::as_str);
    let never = without(&command.predicate, &words);
    let (id, title) =
        (format!("{}-without-{}", command.slug, slug(flag)), format!("always {} with `{flag}`", command.act()));
    let bare = lacking(command.holds.shell().unwrap_or_default(), &words);
    let clean = Event::command(format!("{bare} {flag}"));
    Draft::of(id, title, Pattern::Absence { never }).violates([Event::command(bare)]).clean([clean])
}

/// A command text or pattern without some of its words.
fn lacking(text: &str, words: &[String]) -> String {
    text.split(' ').filter(|part| !words.iter().any(|word| word == part)).collect::<Vec<_>>().join(" ")
}

/// The same commands where they lack each of some flags.
fn without(predicate: &Predicate, flags: &[String]) -> Predicate {
    match predicate {
        Predicate::Any(parts) => Predicate::Any(parts.iter().map(|part| without(part, flags)).collect()),
        Predicate::Command(test) => {
            let run = lacking(&test.run, flags);
            let without = test.without.iter().chain(flags).cloned().collect();
            Predicate::Command(CommandTest { run, without, ..test.clone() })
        }
        other => other.clone(),
    }
}

/// `put migrations in db/migrations/`: what is created of this kind lies there.
fn placed(files: &Thing, place: &Place) -> Option<Draft> {
    let Place::Files { globs, label, outside: false } = place else { return None };
    let must = Predicate::path(globs.iter().cloned());
    let path = files.holds.path()?;
    let there = under(globs.first()?, Some(path));
    let name = path.rsplit('/').next().unwrap_or(path);
    let elsewhere = if path == there { format!("elsewhere/{name}") } else { path.to_owned() };
    let mut every = with_action(&files.predicate, FileAction::Create);
    if let (Predicate::File(test), "docs") = (&mut every, &*files.slug) {
        // What documents a folder lies in it, and what agents and tools read where they look for it.
        let other = r"(?i)\A(readme|changelog|contributing|license|security|agents|claude|gemini|skill|codeowners)\b";
        test.name = Some(TextTest::Not(Box::new(TextTest::Matches(other.to_owned()))));
        test.not_path.push("**/.*/**".to_owned());
    }
    let pattern = Pattern::Universality { every, must };
    let (id, title) = (format!("{}-in-{}", files.slug, slug(label)), format!("put {} in `{label}`", files.label));
    Some(
        Draft::of(id, title, pattern)
            .violates([Event::write(elsewhere, "new\n")])
            .clean([Event::write(there, "new\n")]),
    )
}

fn response(require: &Thing, trigger: &Thing) -> Draft {
    let pattern = Pattern::Response { trigger: trigger.predicate.clone(), require: require.predicate.clone() };
    let opened = trigger.holds.done(true);
    let stop = stop_thing().holds.event();
    Draft::of(
        format!("{}-after-{}", require.slug, after_slug(trigger)),
        format!("{} after {}", require.act(), trigger.doing()),
        pattern,
    )
    .violates([opened.clone(), stop.clone()])
    .clean([opened, require.holds.done(true), stop])
}

fn response_chain(trigger: &Thing, require: &[Thing]) -> Draft {
    let slugs: Vec<_> = require.iter().map(|thing| thing.slug.clone()).collect();
    let labels: Vec<_> = require.iter().map(Thing::act).collect();
    let opened = trigger.holds.done(true);
    let done: Vec<_> = require.iter().map(|thing| thing.holds.done(true)).collect();
    let stop = stop_thing().holds.event();
    let short: Vec<_> =
        std::iter::once(opened.clone()).chain(done.iter().take(1).cloned()).chain([stop.clone()]).collect();
    let full: Vec<_> = std::iter::once(opened).chain(done).chain([stop]).collect();
    let pattern = Pattern::ResponseChain {
        trigger: trigger.predicate.clone(),
        require: require.iter().map(|thing| thing.predicate.clone()).collect(),
    };
    let id = format!("{}-after-{}", slugs.join("-then-"), after_slug(trigger));
    Draft::of(id, format!("{} after {}", labels.join(", then "), trigger.doing()), pattern).violates(short).clean(full)
}

fn precedence_chain(first: &[Thing], then: &Thing) -> Draft {
    let slugs: Vec<_> = first.iter().map(|thing| thing.slug.clone()).collect();
    let labels: Vec<_> = first.iter().map(Thing::act).collect();
    let done: Vec<_> = first.iter().map(|thing| thing.holds.done(true)).collect();
    let short: Vec<_> = done.iter().take(1).cloned().chain([then.holds.event()]).collect();
    let full: Vec<_> = done.into_iter().chain([then.holds.event()]).collect();
    let pattern = Pattern::PrecedenceChain {
        first: first.iter().map(|thing| thing.predicate.clone()).collect(),
        then: then.predicate.clone(),
    };
    let id = format!("{}-before-{}", slugs.join("-then-"), then.slug);
    Draft::of(id, format!("{} before {}", labels.join(", then "), then.doing()), pattern).violates(short).clean(full)
}

/// A file that is updated in every session that touches others; which comes first does not matter.
pub(super) fn update(require: &Thing, trigger: &Thing) -> Draft {
    let (changed, updated) = (trigger.holds.done(true), require.holds.done(true));
    let stop = stop_thing().holds.event();
    let pattern = Pattern::Existence { require: require.predicate.clone() };
    Draft::of(
        format!("{}-with-{}", require.slug, trigger.slug),
        format!("update {} with every change of {}", require.label, trigger.label),
        pattern,
    )
    .when(trigger.predicate.clone())
    .violates([changed.clone(), stop.clone()])
    .clean([changed, updated, stop])
}

fn existence(require: &Thing) -> Draft {
    let pattern = Pattern::Existence { require: require.predicate.clone() };
    let stop = stop_thing().holds.event();
    Draft::of(format!("{}-in-every-session", require.slug), format!("{} in every session", require.act()), pattern)
        .violates([stop.clone()])
        .clean([require.holds.done(true), stop])
}

/// A file that is changed, at the path of another event.
fn modified(thing: &Thing, like: &Witness) -> Thing {
    let path = like.path().unwrap_or("src/lib.rs").to_owned();
    let holds = Witness::edit(path, "old", "new");
    Thing { predicate: with_action(&thing.predicate, FileAction::Modify), holds, ..thing.clone() }
}

fn after_slug(trigger: &Thing) -> String {
    if trigger.sort == Sort::File { format!("{}-edit", trigger.slug) } else { trigger.slug.clone() }
}

/// So many times, in words.
pub(super) fn times(n: u8) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}
