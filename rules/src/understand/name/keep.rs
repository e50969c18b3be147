//! Which of the things that were named a clause is about, and which only describe it.

use super::Place;
use super::namer::Namer;
use crate::Predicate;
use crate::lexicon::{Cue, Kind, Of, Part};
use crate::understand::compose::layout;
use crate::understand::path::globs;
use crate::understand::thing::{Sort, Thing, command_thing, entry_thing, file_thing};
use crate::understand::unit::{Unit, What};

impl Namer<'_, '_> {
    /// Keeps what the clause is about: where something is written as it stands in code, the words around it only
    /// describe it, and what nothing joins to the first thing is said about it.
    pub(super) fn keep(&mut self) {
        let writes = matches!(self.named.verb, Some(Cue::Edit | Cue::Create | Cue::Delete));
        let files = |thing: &Thing| thing.sort == Sort::File && thing.literal;
        if writes && self.named.things.iter().all(|thing| thing.slug == "files") && self.labels.iter().any(files) {
            // `src/gen/: do not add files`: they are those that stand in front.
            self.named.things = std::mem::take(&mut self.labels);
            self.named.things.retain(files);
        }
        if self.keep_option() {
            return;
        }
        self.drop_subject();
        self.place_subject();
        if self.negative && self.keep_staged() {
            return;
        }
        self.keep_written();
        let things = &mut self.named.things;
        if things.first().is_some_and(|thing| thing.literal && thing.sort == Sort::Command) {
            // What is run is said with what it is run on.
            let mut first = true;
            things.retain(|thing| {
                thing.sort == Sort::Command
                    && (thing.literal && (std::mem::take(&mut first) || thing.joined) || is_check_beside(thing))
            });
            return;
        }
        let joined = things.iter().skip(1).take_while(|thing| thing.joined).count();
        if things.first().is_some_and(|thing| thing.sort == Sort::Command) {
            let on = things.get(joined + 1..).unwrap_or_default().iter().find(|thing| thing.sort == Sort::File);
            let on = on.filter(|thing| thing.slug != "files").cloned().map(Box::new);
            self.named.on = on.or(self.named.on.take());
        }
        things.truncate(joined + 1);
    }

    /// An option with a meaning of its own says all, but for the command that it is said of.
    fn keep_option(&mut self) -> bool {
        let things = &mut self.named.things;
        let option =
            |thing: &Thing| thing.known.is_some() && thing.literal && thing.label.trim_matches('`').starts_with("--");
        let Some(at) = things.iter().position(option) else { return false };
        let of = things.iter().find_map(|thing| match &*thing.slug {
            "commit" => Some("git commit"),
            "push" => Some("git push"),
            _ => None,
        });
        let mut meant = things.swap_remove(at);
        if let (Some(of), Predicate::Any(parts)) = (of, &mut meant.predicate)
            && parts.iter().any(|part| runs(part, of))
        {
            parts.retain(|part| runs(part, of));
        }
        *things = vec![meant];
        true
    }

    /// `functions with a session must not call session.commit()`: the subject is not what is forbidden.
    fn drop_subject(&mut self) {
        let things = &mut self.named.things;
        let imports = things.get(self.before_stance).is_some_and(|thing| thing.slug.starts_with("import-"));
        let told = self.named.verb.is_some() || imports;
        if !self.negative || !told || self.before_stance == 0 || self.before_stance >= things.len() {
            return;
        }
        let before: Vec<_> = things.drain(..self.before_stance).collect();
        let folder = |thing: &Thing| {
            let name = thing.label.trim_matches('`').trim_end_matches('/').to_owned();
            let plain = name.chars().all(|c| c.is_alphanumeric() || "_-/.".contains(c));
            (imports && thing.literal && plain).then(|| format!("{name}/"))
        };
        // `core must not import from ui` is about what lies in `core`, and `controllers must not call X` about controllers.
        let places = before.iter().filter_map(folder);
        let places = places.map(|label| Place::Files { globs: globs(&label), label, outside: false });
        self.named.places.extend(places);
        let kind =
            |thing: &&Thing| thing.sort == Sort::File && !thing.literal && !matches!(&*thing.slug, "files" | "code");
        let code = self.named.things.iter().all(|thing| thing.sort == Sort::Code);
        // `tests must never call X`: what is run is a file, too.
        let run = |thing: &Thing| matches!(thing.sort, Sort::Command | Sort::Read) && thing.slug.ends_with("tests");
        let files = || self.lexicon.entry_named("tests", Kind::Files);
        let tests = before.iter().find(|thing| run(thing) && !thing.literal).filter(|_| code).and_then(|_| files());
        let tests = tests.map(|entry| entry_thing(entry, "tests", None, self.languages).place());
        self.named.places.extend(tests);
        self.named.places.extend(before.iter().filter(kind).filter(|_| code).map(Thing::place));
    }

    /// `only src/net.ts may open a WebSocket`: what stands in front is where it may be done.
    fn place_subject(&mut self) {
        let things = &mut self.named.things;
        let Some((subject, done)) = self.alone.1.and_then(|at| things.split_at_checked(at)) else { return };
        let files = |thing: &Thing| thing.sort == Sort::File && thing.literal;
        let told = !subject.is_empty() && !done.is_empty() && done.iter().all(|thing| thing.sort == Sort::Code);
        if !told || !subject.iter().all(files) {
            return;
        }
        let label = subject.first().map(|thing| thing.label.trim_matches('`').to_owned()).unwrap_or_default();
        let globs = subject.iter().flat_map(|thing| match &thing.predicate {
            Predicate::File(test) => test.path.clone(),
            _ => Vec::new(),
        });
        self.named.places = vec![Place::Files { globs: globs.collect(), label, outside: true }];
        things.drain(..subject.len());
    }

    /// What is never committed are files.
    fn keep_staged(&mut self) -> bool {
        let things = &mut self.named.things;
        // `.env must never be committed`, `never add .env to git`
        let file = |thing: &Thing| matches!(thing.as_file().sort, Sort::File | Sort::Read);
        // `half-finished work must not be committed`: what that is does not show.
        if let [commit] = things.as_slice()
            && commit.slug == "commit"
            && commit.label.starts_with("be ")
            && self.named.words > 0
        {
            things.clear();
            return true;
        }
        let late = matches!(things.as_slice(), [files @ .., last]
            if last.slug == "commit" && !last.joined && !files.is_empty() && files.iter().all(file));
        if late {
            things.rotate_right(1);
        }
        if things.first().is_none_or(|thing| thing.slug != "commit") || !late && self.named.verb.is_some() {
            return false;
        }
        // To commit code is to commit.
        things.retain(|thing| thing.slug != "code");
        // What is committed and has an ending is a file.
        let staged: Vec<_> = things.iter().filter_map(|thing| thing.as_file().staged()).collect();
        let any = !staged.is_empty();
        if any {
            *things = staged;
        } else if things.iter().any(|thing| thing.sort == Sort::Code) {
            // Who is never to commit what code may hold is never to write it.
            things.retain(|thing| thing.slug != "commit");
        }
        any
    }

    /// Where something is written as it stands in code, the words around it only describe it.
    fn keep_written(&mut self) {
        let things = &mut self.named.things;
        if self.by_means && !self.negative {
            // `regenerate llms.txt with just llms`: what is done is the command.
            things.retain(|thing| thing.sort == Sort::Command && thing.literal);
            self.named.verb = Some(Cue::Run);
        }
        let skill = things.iter().any(|thing| thing.sort == Sort::Tool && thing.slug.ends_with("-skill"));
        // `use the pr-creator skill to open pull requests`
        let aim = things.iter().find(|thing| thing.sort == Sort::Command).filter(|_| skill);
        self.named.aim = aim.cloned().map(Box::new);
        let aside = self.aside.filter(|aside| self.negative && *aside > 0);
        let meant = things.first().is_some_and(|first| first.sort == Sort::Code && first.known.is_some());
        if !self.named.flags.is_empty() && things.iter().any(|thing| thing.sort == Sort::Command) {
            things.retain(|thing| thing.sort == Sort::Command);
        } else if let (true, Some(aside)) = (meant, aside) {
            // What stands in parentheses behind it is its name elsewhere.
            things.truncate(aside);
        } else if things.iter().any(|thing| thing.literal) {
            let on = things.iter().find(|thing| thing.sort == Sort::File && !thing.literal && thing.slug != "files");
            self.named.on = on.cloned().map(Box::new);
            let run = !self.negative
                && matches!(things.as_slice(), [run, beside @ ..]
                    if run.literal && run.sort == Sort::Command && beside.iter().all(is_check_beside));
            things.retain(|thing| thing.literal || run && is_check_beside(thing));
        }
        if let ([_, ..], [thing]) = (self.named.flags.as_slice(), things.as_mut_slice())
            && let Some(program) = program(thing)
        {
            // What takes options is a program.
            *thing = Thing { literal: true, ..command_thing(&program, Some(self.lexicon)) };
        }
    }

    /// What is written out beside a commit or a pull request is a part of its text (`add a Notes: section to every PR`).
    fn spell(&mut self) {
        let named = &mut self.named;
        let typed = !named.things.is_empty() && named.things.iter().all(|thing| is_commit_type(&thing.label));
        if typed && named.subjects.is_empty() {
            let trailer = named.things.iter().any(|thing| is_trailer(&thing.label));
            let part = if trailer { Part::Whole } else { Part::Title };
            named.subject = Some(Of::Commit);
            named.subjects = vec![(Of::Commit, part), (Of::Request, part)];
        }
        if named.subject == Some(Of::Branch)
            && named.literal.is_none()
            && !named.things.is_empty()
            && named.things.iter().all(|thing| thing.literal && thing.sort != Sort::Command)
        {
            let shown = named.things.drain(..).map(|thing| thing.label.trim_matches('`').to_owned());
            named.literal = Some((Cue::StartsWith, shown.collect()));
        }
        let texts = matches!(named.subject, Some(Of::Commit | Of::Request));
        // Beside a property, what is written out is an example of it.
        if !texts || named.literal.is_some() || !named.properties.is_empty() {
            return;
        }
        let act = |thing: &Thing| matches!(&*thing.slug, "commit" | "pull-request");
        let spelled = |thing: &Thing| thing.says.is_none() && matches!(thing.sort, Sort::Code | Sort::Reply);
        if !named
            .things
            .iter()
            .all(|thing| act(thing) || spelled(thing) && (thing.literal || thing.sort == Sort::Reply))
        {
            return;
        }
        let said = named.things.iter().filter(|thing| spelled(thing));
        let mut found: Vec<_> = said.map(|thing| thing.label.trim_matches(['`', '“', '”']).to_owned()).collect();
        found.append(&mut named.quotes);
        for text in &mut found {
            if let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                *text = inside.to_owned();
            }
            if layout(text).is_none() {
                text.truncate(fixed(text).len());
            }
        }
        // What is shown whole is an example.
        found.retain(|text| {
            text.chars().any(char::is_alphanumeric) && (text.contains(':') || text.split(' ').count() < 5)
        });
        if !found.is_empty() {
            let kind = |text: &String| text.ends_with(':') && text.starts_with(char::is_lowercase);
            let cue = if found.iter().all(kind) { Cue::StartsWith } else { Cue::Contains };
            named.literal = Some((cue, found));
            named.things.clear();
        }
    }

    /// `all commits use --signoff`: options that are said of a text are those of the command that makes it.
    fn run_options(&mut self) {
        let named = &mut self.named;
        let has = |flag: &str| named.flags.iter().any(|given| given == flag);
        let command = match named.subject {
            _ if has("--squash") => "gh pr merge",
            Some(Of::Commit) => "git commit",
            Some(Of::Request) => "gh pr create",
            _ if has("--draft") && named.words == 0 => "gh pr create",
            _ => return,
        };
        // `squash and merge pull requests` is about merging them.
        let squashed = has("--squash");
        named.things.retain(|thing| !squashed || thing.slug != "pull-request");
        if named.things.is_empty() && !named.flags.is_empty() && named.properties.is_empty() && named.literal.is_none()
        {
            named.things.push(Thing { literal: true, ..command_thing(command, Some(self.lexicon)) });
        }
    }

    /// Where nothing but a place is named, the place is the thing (`stop writing to /tmp`).
    pub(super) fn settle(&mut self) {
        self.spell();
        self.run_options();
        let named = &mut self.named;
        if named.places.iter().any(|place| matches!(place, Place::Files { outside: false, .. })) {
            // Scratch files that are written somewhere are any files.
            named.things.retain(|thing| thing.slug != "temporary-files");
            // `delete files in migrations/` is about those files, whatever deletes them, and not about commands run there.
            if named.things.iter().any(|thing| thing.slug == "delete-files") {
                named.things.retain(|thing| thing.slug != "delete-files");
                named.verb = Some(Cue::Delete);
            }
        }
        let bare = named.things.is_empty()
            && named.properties.is_empty()
            && named.subject.is_none()
            && named.measures.is_empty();
        let writes = matches!(named.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read));
        if bare
            && writes
            && !(self.negative && named.elsewhere)
            && let Some(Place::Files { globs, label, outside: false }) = named.places.first()
        {
            // Who adds something to a file edits it.
            let verb = if named.verb == Some(Cue::Create) { Some(Cue::Edit) } else { named.verb };
            named.things.push(file_thing(globs.clone(), label, verb));
            named.places.remove(0);
        }
    }
}

/// Whether a test is for commands that begin so.
fn runs(test: &Predicate, start: &str) -> bool {
    matches!(test, Predicate::Command(test) if test.run.starts_with(start))
}

/// Whether a code span is the name of a trailer that tells who took part.
fn is_trailer(label: &str) -> bool {
    let name = label.trim_matches(['`', '“', '”']).trim_end_matches(':');
    let head = name.strip_suffix("-by").or_else(|| name.strip_suffix("-By"));
    head.is_some_and(|head| {
        head.starts_with(char::is_uppercase) && head.chars().all(|c| c.is_alphanumeric() || c == '-')
    })
}

/// Whether a code span is the type that a conventional commit begins with, or such a trailer.
fn is_commit_type(label: &str) -> bool {
    if is_trailer(label) {
        return true;
    }
    let types = [
        "feat", "feature", "fix", "bugfix", "chore", "docs", "refactor", "perf", "test", "ci", "build", "style",
        "revert",
    ];
    label.trim_matches('`').strip_suffix(':').is_some_and(|name| types.contains(&name))
}

/// The name in a code span that reads like that of a program.
fn program(thing: &Thing) -> Option<String> {
    let name = thing.label.trim_matches('`');
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c));
    (thing.literal && thing.sort == Sort::Code && thing.known.is_none() && plain).then(|| name.to_owned())
}

/// The texts that follow a verb such as `start with`, and how many units they take; a name may stand without marks.
pub(super) fn literals(units: &[Unit<'_, '_>]) -> Option<(Vec<String>, usize)> {
    // A command that stands in the prose is not what a text begins with.
    let prose = |unit: &Unit<'_, '_>| unit.what == What::Command && unit.range.len() == unit.text.len();
    // `com.example.app` is written as no word is.
    let dotted = |unit: &Unit<'_, '_>| {
        unit.text.matches('.').count() > 1
            && unit
                .text
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let written =
        |unit: &Unit<'_, '_>| (matches!(unit.what, What::Literal(_)) || unit.literal || dotted(unit)) && !prose(unit);
    let name = |unit: &Unit<'_, '_>| {
        !unit.is_content() && unit.what == What::Word && unit.text.starts_with(char::is_uppercase)
    };
    let near = units.iter().skip(1).take(9);
    // `include the following comment at the end: …`
    let follows = near.clone().any(|unit| unit.text == "following");
    let colon = units.iter().position(|unit| matches!(unit.text, ":" | "：")).filter(|_| follows);
    let behind = colon.filter(|at| units.get(at + 1).is_some_and(written));
    let first = near
        .clone()
        .position(written)
        .or(behind)
        .or_else(|| near.take_while(|unit| unit.is_filler() || name(unit)).position(name))?
        + 1;
    let joins =
        |unit: &&Unit<'_, '_>| unit.what == What::Comma || unit.text == "/" || unit.is_any(&[Cue::Or, Cue::And]);
    let more = units.iter().skip(first + 1).take_while(|unit| written(unit) || joins(unit));
    let count = first + 1 + more.count();
    let found = units.iter().take(count).skip(first).filter(|unit| !joins(unit));
    // What a text ends with is not cut: something comes behind its fixed part.
    let ends = units.first().is_some_and(|verb| verb.is(Cue::EndsWith));
    let texts: Vec<_> = found
        .map(|unit| if ends && layout(unit.text).is_some() { unit.text } else { fixed(unit.text) }.to_owned())
        .filter(|text| {
            text.chars().count() > 1 || text.contains(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
        })
        .collect();
    (!texts.is_empty()).then_some((texts, count))
}

/// The part of a text in front of what stands for something else: `Closes #` of `Closes #<number>`.
fn fixed(text: &str) -> &str {
    if text.starts_with("<!--") {
        return text;
    }
    let text = text.split(['<', '{', '…']).next().unwrap_or(text);
    text.split_once("#N").map_or(text, |(head, _)| text.get(..=head.len()).unwrap_or(head)).trim_end()
}

/// Whether something is checked beside the command that is written out: `run `make lint` and the tests`.
fn is_check_beside(thing: &Thing) -> bool {
    thing.sort == Sort::Command && thing.renewed && thing.joined && thing.known.is_some()
}
