//! How texts are: commit messages, replies, lines and whole files.

use super::duty::times;
use super::never::permitted;
use super::place::{excluded, file_paths, narrow, with_action};
use super::{Composer, Draft};
use crate::lexicon::{Cue, Measure, Of, Part, Property};
use crate::predicate::{CommandTest, FileAction, FileTest, TextTest};
use crate::understand::meaning::Stance;
use crate::understand::name::{Named, Place};
use crate::understand::path::sample_path;
use crate::understand::spelled::escaped;
use crate::understand::thing::{Sort, Thing, entry_thing, slug};
use crate::{Event, EventKind, Pattern, Per, Predicate};

/// Files whose lines are as long as what they hold.
const UNBROKEN: [&str; 8] = ["*.md", "*.mdx", "*.rst", "*.txt", "*.json", "*.lock", "*.csv", "*.svg"];

/// Whether two of one kind are named, of which each is for something else: `four spaces in Python and two in JavaScript`,
/// `answer in German, but write code in English`. Which holds where is not told apart.
fn is_paired(main: &Named<'_>) -> bool {
    let several = |alike: &dyn Fn(&Property) -> bool| {
        let mut alike = main.properties.iter().filter(|property| alike(property));
        let first = alike.next();
        alike.any(|other| first.is_some_and(|first| first.name != other.name))
    };
    let indents = |property: &Property| property.so.starts_with("indented");
    let lengths = main.subject == Some(Of::Lines)
        && main.measures.len() > 1
        && main.measures.iter().all(|(_, measure)| *measure != Some(Measure::MaxLines));
    let forms = main.forms.iter().filter(|form| !form.texts).count() > 1;
    several(&indents)
        || several(&|property| property.name.ends_with("-quotes"))
        || several(&Property::is_tongue)
        || lengths
        || !main.measures.is_empty() && main.properties.iter().any(|property| indents(property))
        || forms && main.properties.iter().any(|property| property.of.contains(&Of::Name))
}

impl Composer<'_, '_> {
    /// Whether the statement is about how texts are.
    pub(super) fn about_texts(&self) -> bool {
        let main = &self.meaning.main;
        let literal = main.literal.is_some() && main.subject.is_some();
        let measured = main
            .measures
            .iter()
            .any(|(count, measure)| measure.or(self.usual(*count)).is_some_and(|m| self.measured(*count, m).is_some()));
        let measured =
            measured || (self.meaning.limits && main.subject == Some(Of::Lines) && !main.measures.is_empty());
        // What is created or added is no part of an answer.
        let made = matches!(main.verb, Some(Cue::Create | Cue::Edit)) && main.subjects.is_empty();
        // `kept in the users table` speaks of no answer.
        let plain = self.meaning.stance == Stance::Plain && main.subjects.is_empty() && main.verb == Some(Cue::Place);
        let runs = main.things.iter().any(|thing| thing.sort == Sort::Command && thing.literal);
        let elsewhere = |property: &&Property| {
            let reply = property.of.first() == Some(&Of::Reply);
            let open = main.subjects.is_empty();
            (made || plain) && !property.everywhere && reply || open && (property.dependent || runs)
        };
        main.properties.iter().any(|property| !elsewhere(property)) || literal || measured
    }

    /// The rules about texts; none where they are to hold only at times, which a text does not show.
    pub(super) fn properties(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        // Who is not to apologise `if corrected` is not to at all.
        let named = |named: &Named<'_>| !named.things.is_empty() || !named.places.is_empty() || named.verb.is_some();
        let spoken = meaning.stance == Stance::Never
            && main.properties.iter().all(|property| property.of.first() == Some(&Of::Reply))
            && !(meaning.when && meaning.after.as_deref().is_some_and(named));
        let same = meaning.when && meaning.after.as_deref().is_some_and(|when| when.is_text() || when.is_language());
        let at_times = [&meaning.before, &meaning.until].into_iter().any(Option::is_some)
            || meaning.after.is_some() && !spoken && !same;
        if at_times || meaning.between.is_some() || is_paired(main) && meaning.stance != Stance::Never {
            return Vec::new();
        }
        if meaning.permission {
            let told = main.properties.iter().filter(|_| meaning.stance == Stance::Never);
            return told.filter_map(|property| asked_for(property)).collect();
        }
        // Quotes that a command shows are those of the shell.
        let shell = main
            .things
            .iter()
            .any(|thing| thing.sort == Sort::Command && thing.literal && thing.label.contains(['\'', '"']));
        let loose = |property: &&&Property| {
            let reply = property.of.first() == Some(&Of::Reply);
            let open = main.subjects.is_empty() && (property.dependent || reply && main.literal.is_some());
            !(open || shell && property.name.ends_with("-quotes"))
        };
        let said = main
            .properties
            .iter()
            .filter(loose)
            .flat_map(|property| self.said_of(property).into_iter().map(move |of| (property, of)));
        let mut drafts: Vec<_> = said.filter_map(|(property, of)| self.property(property, of)).collect();
        drafts.extend(
            main.measures.iter().filter_map(|(count, measure)| self.measured(*count, measure.or(self.usual(*count))?)),
        );
        if meaning.per_turn
            && let Some((count, Some(Measure::MaxQuestions))) = main.measures.first()
        {
            drafts.extend(u8::try_from(*count).ok().map(questions));
        }
        if let Some((cue, texts)) = &main.literal {
            drafts.extend(main.subjects.iter().filter_map(|of| match of {
                (Of::Branch, _) => branches(meaning.stance, *cue, texts),
                of => Some(literal(meaning.stance, *cue, texts, *of)),
            }));
        }
        let spoken = meaning.after.as_deref().filter(|when| when.is_language()).and_then(|when| when.things.first());
        let spoken = spoken.map(|files| file_paths(&files.predicate));
        let within = main_places(main).or(spoken.as_ref());
        for check in drafts.iter_mut().filter_map(|draft| draft.check.as_mut()) {
            if let (Pattern::Absence { never: every } | Pattern::Universality { every, .. }, Some(globs)) =
                (&mut check.pattern, within)
            {
                if let Predicate::File(test) = &mut *every
                    && test.language == ["markdown"]
                {
                    // Prose is written elsewhere, too.
                    test.language.clear();
                }
                narrow(every, globs, false);
            }
        }
        let globs: Vec<_> = meaning.unless.iter().chain(&meaning.outside).flat_map(|named| excluded(named)).collect();
        for check in drafts.iter_mut().filter_map(|draft| draft.check.as_mut()) {
            if let Pattern::Absence { never: every } | Pattern::Universality { every, .. } = &mut check.pattern
                && !globs.is_empty()
            {
                narrow(every, &globs, true);
            }
        }
        drafts
    }

    /// What a property is said of: the texts that are named, as far as they can have it, or the usual one.
    fn said_of(&self, property: &Property) -> Vec<(Of, Part)> {
        let can = |of: &Of| property.of.contains(of) || (*of == Of::Request && property.of.contains(&Of::Commit));
        let named: Vec<_> = self.meaning.main.subjects.iter().copied().filter(|(of, _)| can(of)).collect();
        if !named.is_empty() || !self.meaning.main.subjects.is_empty() {
            return named;
        }
        let in_files = main_places(&self.meaning.main).is_some() && property.of.contains(&Of::File);
        let of = if in_files { Of::File } else { property.of.first().copied().unwrap_or(Of::Reply) };
        // Documents speak of code; of answers, where they say so or say little else.
        let spoken = of != Of::Reply
            || property.everywhere
            || self.meaning.replies
            || self.meaning.reports
            || self.meaning.main.words < 2;
        if spoken { vec![(of, Part::Whole)] } else { Vec::new() }
    }

    fn property(&self, property: &Property, (of, part): (Of, Part)) -> Option<Draft> {
        if self.meaning.stance == Stance::Never && property.name == "spaces" && self.meaning.main.properties.len() < 2 {
            // `no spaces` in a name or a value is no indentation.
            return None;
        }
        // A file that has what is forbidden may be edited.
        let added = self.meaning.stance == Stance::Never;
        let of = if added && of == Of::Content { Of::File } else { of };
        let subject = noun(of);
        let event = |text: &str| property.event(of, &part.text(text));
        let wanted = self.meaning.at_least.filter(|n| (2..100).contains(n) && self.meaning.stance != Stance::Never);
        let counted = wanted.and_then(|n| Some((n, several(property, n)?)));
        let count = counted.as_ref().map_or(1, |(n, _)| *n as usize);
        let (good, bad) = (event(&vec![&*property.good; count].join("\n")), event(&property.bad));
        if self.meaning.stance == Stance::Never {
            let id = format!("{}-in-{subject}", property.name);
            let title = format!("never {} {}", write(of), property.so);
            let test = property.forbidden(of, part)?;
            if property.everywhere && self.meaning.main.is_open() {
                let never = Predicate::Any(property.of.iter().filter_map(|of| property.forbidden(*of, part)).collect());
                let texts = property
                    .of
                    .iter()
                    .map(|of| (property.event(*of, &property.good), property.event(*of, &property.bad)));
                let draft = Draft::of(id, title, Pattern::Absence { never });
                return Some(texts.fold(draft, |draft, (good, bad)| draft.violates([good]).clean([bad])));
            }
            return Some(Draft::of(id, title, Pattern::Absence { never: test }).violates([good]).clean([bad]));
        }
        if property.everywhere
            && matches!(of, Of::File | Of::Content)
            && !matches!(property.shown(of), TextTest::Not(_))
        {
            // Not every edit has a place for a contraction.
            return None;
        }
        let files = self.meaning.main.things.iter().find(|thing| thing.sort == Sort::File);
        let id = format!("{subject}-{}", lacking(&property.so));
        let title = match property.so.strip_prefix("indented") {
            Some(how) => format!("indent{how}"),
            None => format!("{} {}", write(of), property.so),
        };
        let layout = several(property, 1).is_some() && of == Of::Reply && property.language.is_empty();
        if layout && self.meaning.reports {
            // Reports are documents that are written.
            let every = FileTest { path: vec!["*.md".into()], action: Some(FileAction::Create), ..FileTest::default() };
            let test = counted.map_or_else(|| property.shown(of).clone(), |(_, test)| test);
            let pattern =
                Pattern::Universality { every: Predicate::File(Box::new(every)), must: Of::Content.test(test) };
            let least = if count > 1 { format!(", at least {count}") } else { String::new() };
            let title = format!("write new documents {}{least}", property.so);
            let write = |text: &str| Event::write("docs/report.md", text);
            let good = vec![&*property.good; count].join("\n");
            let draft = Draft::of(format!("document-{}", lacking(&property.so)), title, pattern);
            return Some(draft.violates([write(&property.bad)]).clean([write(&good)]));
        }
        if let Some((n, test)) = counted {
            let pattern = Pattern::Universality { every: property.all(of), must: of.test(part.test(test)) };
            let draft = Draft::of(format!("{id}-{n}"), format!("{title}, at least {n}"), pattern);
            return Some(draft.violates([bad]).clean([good]));
        }
        let some = |thing: &&Thing| property.language.is_empty() || !matches!(&*thing.slug, "files" | "code");
        let Some(files) = files.filter(some).filter(|_| matches!(of, Of::File | Of::Content)) else {
            let must = of.test(part.test(property.shown(of).clone()));
            let pattern = Pattern::Universality { every: property.all(of), must };
            return Some(Draft::of(id, title, pattern).violates([bad]).clean([good]));
        };
        let every =
            if self.meaning.new { with_action(&files.predicate, FileAction::Create) } else { files.predicate.clone() };
        let path = files.holds.path().unwrap_or("src/main.py").to_owned();
        let pattern = Pattern::Universality { every, must: of.test(property.shown(of).clone()) };
        let (id, title) =
            (format!("{}-{}", files.slug, lacking(&property.so)), format!("write {} {}", files.label, property.so));
        let draft = Draft::of(id, title, pattern);
        Some(draft.violates([Event::write(&path, &property.bad)]).clean([Event::write(&path, &property.good)]))
    }

    /// `pull requests must target develop`: where the command that opens one names its base, it names that one; or never
    /// does.
    pub(super) fn based(&self) -> Option<Draft> {
        let (meaning, main) = (self.meaning, &self.meaning.main);
        let opens = |thing: &Thing| thing.slug == "pull-request";
        let of_requests = main.subjects.iter().any(|(of, _)| *of == Of::Request)
            || main.things.iter().chain(meaning.after.iter().flat_map(|when| &when.things)).any(opens);
        if !meaning.targets || !of_requests {
            return None;
        }
        let branch = main.literal.as_ref().and_then(|(_, texts)| texts.first().cloned()).or_else(|| {
            main.places.iter().find_map(|place| match place {
                Place::Branches(names) => names.first().cloned(),
                _ => None,
            })
        });
        let branch = branch.filter(|branch| !branch.contains(' '))?;
        let never = meaning.stance == Stance::Never;
        let command = |run: &str| {
            let (run, without) =
                if never { (format!("{run} {branch}"), Vec::new()) } else { (run.to_owned(), vec![branch.clone()]) };
            Predicate::Command(CommandTest { run, without, ..CommandTest::default() })
        };
        let open = |base: &str| Event::command(format!("gh pr create --fill --base {base}"));
        let any = vec![command("gh pr create --base|-B"), command("glab mr create --target-branch|-b")];
        let (id, title) = if never {
            (format!("pull-request-to-{}", slug(&branch)), format!("never open pull requests against `{branch}`"))
        } else {
            (format!("pull-request-not-to-{}", slug(&branch)), format!("open pull requests against `{branch}`"))
        };
        let draft = Draft::of(id, title, Pattern::Absence { never: Predicate::Any(any) });
        let (good, bad) = if never { ("other", &*branch) } else { (&*branch, "other") };
        Some(draft.violates([open(bad)]).clean([open(good)]))
    }

    /// `commit scopes: app, docs`: where a commit has a scope, it is one of these.
    pub(super) fn listed_scopes(&self) -> Draft {
        let scopes = &self.meaning.scopes;
        let any = scopes.iter().map(|scope| escaped(scope).replace(r"\*", r"[\w./-]*")).collect::<Vec<_>>().join("|");
        let scoped = TextTest::Matches(r"\A\w+\([^)]*\)!?:".to_owned());
        let listed = TextTest::Matches(format!(r"\A\w+\((?:{any})(?:,\s*(?:{any}))*\)!?:"));
        let never = Of::Commit.test(TextTest::All(vec![scoped, TextTest::Not(Box::new(listed))]));
        let first = scopes.first().map(|scope| scope.replace('*', "a")).unwrap_or_default();
        let event = |scope: &str| Of::Commit.event(&format!("fix({scope}): read numbers"));
        let labels = scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", ");
        let (id, title) = ("commit-with-another-scope".to_owned(), format!("scope commits with {labels}"));
        Draft::of(id, title, Pattern::Absence { never }).violates([event("zzz")]).clean([event(&first)])
    }

    /// `create branches from develop`: where the command that makes one says from what, it is from that one; or never is.
    pub(super) fn branched(&self) -> Option<Draft> {
        let from = self.meaning.main.from.as_ref()?;
        let never = self.meaning.stance == Stance::Never;
        let make = |from: &str| {
            let named = |run: &str| Predicate::command(&format!("{run} * {from}"));
            Predicate::Any(vec![named("git checkout -b|-B"), named("git switch -c|-C|--create")])
        };
        let those = make(&format!("{from}|*/{from}"));
        let run = |from: &str| Event::command(format!("git checkout -b parser {from}"));
        let (id, title, test) = if never {
            (format!("branch-from-{}", slug(from)), format!("never make branches from `{from}`"), those)
        } else {
            let other = Predicate::All(vec![make("*"), those.negated()]);
            (format!("branch-not-from-{}", slug(from)), format!("make branches from `{from}`"), other)
        };
        let draft = Draft::of(id, title, Pattern::Absence { never: test });
        let (good, bad) = if never { ("origin/other", &**from) } else { (&**from, "origin/other") };
        Some(draft.violates([run(bad)]).clean([run(good)]))
    }

    /// What a number counts where nothing says it: how long a line is, or the title of a commit.
    fn usual(&self, count: u32) -> Option<Measure> {
        let lines = self.meaning.main.subject == Some(Of::Lines) && (40..1000).contains(&count);
        let titles = self.meaning.main.subjects.iter().any(|(of, part)| *of == Of::Commit && *part == Part::Title);
        (self.meaning.limits && (lines || titles && (30..200).contains(&count))).then_some(Measure::MaxChars)
    }

    fn measured(&self, count: u32, measure: Measure) -> Option<Draft> {
        let main = &self.meaning.main;
        if !self.meaning.limits && measure != Measure::MaxQuestions {
            return None;
        }
        if measure == Measure::MaxLines && main.subject == Some(Of::Lines) {
            return self.long_files(count);
        }
        let spoken =
            matches!(measure, Measure::MaxQuestions | Measure::MaxSentences).then_some((Of::Reply, Part::Whole));
        let (of, part) = main.subjects.first().copied().or(spoken)?;
        let many = |n: u32, word: &str| std::iter::repeat_n(word, n.min(2000) as usize).collect::<String>();
        let (test, name, word) = match (measure, of) {
            (Measure::MaxChars, Of::Lines | Of::File) => (TextTest::MaxLineChars(count), "characters", "x"),
            (Measure::MaxChars, Of::Commit | Of::Request) if part == Part::Whole => {
                (TextTest::FirstLine(Box::new(TextTest::MaxChars(count))), "characters", "x")
            }
            (Measure::MaxChars, _) => (TextTest::MaxChars(count), "characters", "x"),
            (Measure::MaxWords, _) => (TextTest::MaxWords(count), "words", "word "),
            (Measure::MaxSentences, _) => (TextTest::MaxSentences(count), "sentences", "It works. "),
            (Measure::MaxLines, _) => (TextTest::MaxLines(count), "lines", "a line\n"),
            (Measure::MaxQuestions, _) => (TextTest::MaxQuestions(count), "questions", "Is it so? "),
        };
        let event = |n: u32| of.event(&part.text(&many(n, word)));
        let (good, bad) = (event(1), event(count + 1));
        let subject = noun(of);
        let mut every = of.test(TextTest::All(Vec::new()));
        if of == Of::Lines {
            narrow(&mut every, &UNBROKEN.map(str::to_owned), true);
        }
        let pattern = Pattern::Universality { every, must: of.test(part.test(test)) };
        let name = if count == 1 { name.trim_end_matches('s') } else { name };
        let title = format!("{} with at most {count} {name}", write(of));
        Some(Draft::of(format!("{subject}-over-{count}-{name}"), title, pattern).violates([bad]).clean([good]))
    }

    /// How many lines a function or a class may have that is written as a part of a new file: who mends one that was too long
    /// before is not stopped.
    fn long_nodes(&self, count: u32) -> Option<Draft> {
        let main = &self.meaning.main;
        let site = main.sites.iter().find(|site| !site.nodes.is_empty())?;
        let most = main.measures.iter().map(|(count, _)| *count).min()?;
        if count != most {
            // `files under 500 lines and functions under 50`: the longer of them are the files.
            return None;
        }
        let never = site.longer(count, main_places(main).map_or(&[], Vec::as_slice));
        let name = site.words.first()?;
        let draft = Draft::of(
            format!("{}-over-{count}-lines", slug(&site.name)),
            format!("write {name} with at most {count} lines in new files"),
            Pattern::Absence { never },
        );
        let (long, short) = (site.long_event(count)?, site.long_event(1)?);
        Some(draft.violates([long]).clean([short]))
    }

    /// How many lines a file may have, as far as an example can show it; where a change ends does not show in a text.
    fn long_files(&self, count: u32) -> Option<Draft> {
        let main = &self.meaning.main;
        let kind = |thing: &Thing| thing.sort == Sort::File && !matches!(&*thing.slug, "files" | "code");
        let nodes = main.sites.iter().any(|site| !site.nodes.is_empty()) && !main.things.iter().any(kind);
        if nodes && let Some(draft) = self.long_nodes(count) {
            return Some(draft);
        }
        // `TypeScript classes` are no files.
        let files = main.things.iter().find(|thing| thing.sort == Sort::File && main.words == 0)?;
        let path = files.holds.path().filter(|_| count < 2000)?.to_owned();
        let pattern =
            Pattern::Universality { every: files.predicate.clone(), must: Of::Content.test(TextTest::MaxLines(count)) };
        let lines = |n: u32| Event::write(&path, "a line\n".repeat(n as usize));
        let (slug, label) = (&files.slug, &files.label);
        let title = format!("write {label} with at most {count} lines");
        let draft = Draft::of(format!("{slug}-over-{count}-lines"), title, pattern);
        Some(draft.violates([lines(count + 1)]).clean([lines(1)]))
    }
}

/// The files that a statement about texts is limited to.
fn main_places<'n>(main: &'n Named<'_>) -> Option<&'n Vec<String>> {
    main.places.iter().find_map(|place| match place {
        Place::Files { globs, outside: false, .. } => Some(globs),
        _ => None,
    })
}

/// The test that there is something so often; none where it cannot be counted.
fn several(property: &Property, n: u32) -> Option<TextTest> {
    match (&property.must, &property.one) {
        (TextTest::MinHeadings(_), _) => Some(TextTest::MinHeadings(n)),
        (_, Some(one)) => Some(TextTest::Matches(format!("(?m)(?:^{one}(?s:.*?)){{{n}}}"))),
        _ => None,
    }
}

/// Questions are counted over all that is said in a turn, too, not only in each answer.
fn questions(at_most: u8) -> Draft {
    let asks = Predicate::Reply(TextTest::Not(Box::new(TextTest::MaxQuestions(0))));
    let asked = || Event::of(EventKind::Reply { text: "Is it so?".to_owned() });
    let (id, title) =
        (format!("more-than-{at_most}-question-per-turn"), format!("ask at most {} per turn", times(at_most)));
    let exceed: Vec<_> = std::iter::repeat_with(asked).take(usize::from(at_most) + 1).collect();
    Draft::of(id, title, Pattern::BoundedExistence { of: asks, at_most })
        .per(Per::Turn)
        .violates(exceed)
        .clean([asked()])
}

/// `test files are named *_test.py`.
pub(super) fn named(files: &Thing, pattern: &str) -> Draft {
    let mut every = with_action(&files.predicate, FileAction::Create);
    if let (Predicate::File(test), Some((_, ending))) = (&mut every, pattern.rsplit_once('.')) {
        // What lies beside them, such as data, `__init__.py` and `conftest.py`, has names of its own.
        let other = ["_", "conftest"].map(|head| TextTest::Not(Box::new(TextTest::StartsWith(head.to_owned()))));
        test.name = Some(TextTest::All([TextTest::EndsWith(format!(".{ending}"))].into_iter().chain(other).collect()));
    }
    let must = Predicate::path([pattern]);
    let path = files.holds.path().unwrap_or("tests/example.txt");
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let extension = pattern.rsplit_once('.').map_or("txt", |(_, extension)| extension);
    let at = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    Draft::of(
        format!("{}-named-{}", files.slug, slug(pattern)),
        format!("{} are named `{pattern}`", files.label),
        Pattern::Universality { every, must },
    )
    .violates([Event::write(at(&format!("other.{extension}")), "new\n")])
    .clean([Event::write(at(&sample_path(pattern)), "new\n")])
}

/// `branch names start with feature/`: a branch that is made is named so.
fn branches(stance: Stance, cue: Cue, texts: &[String]) -> Option<Draft> {
    let told = stance != Stance::Never && cue == Cue::StartsWith;
    let open: Vec<_> = texts.iter().map(|text| branch_glob(text)).collect::<Option<Vec<_>>>().filter(|_| told)?;
    let (first, shown) = (texts.first()?, open.first()?.replace('*', "parser"));
    let names = open.join("|");
    let named = |names: &str| {
        Predicate::Any(vec![
            Predicate::command(&format!("git checkout -b|-B {names}")),
            Predicate::command(&format!("git switch -c|-C {names}")),
        ])
    };
    let never = Predicate::All(vec![named("*"), named(&names).negated()]);
    let label = texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ");
    let run = |name: &str| Event::command(format!("git checkout -b {name}"));
    let fixed = open.first()?.replace('*', "");
    let fixed = if fixed.contains(char::is_alphanumeric) { &fixed } else { first };
    let draft = Draft::of(
        format!("branch-without-{}", slug(fixed)),
        format!("start names of branches with {label}"),
        Pattern::Absence { never },
    );
    Some(draft.violates([run("other")]).clean([run(&shown)]))
}

/// The names of branches that a name shows whose parts are left open: `fix/*` for `fix/<topic>` and for `fix/`. A name that
/// leaves nothing open is that of one branch.
fn branch_glob(shown: &str) -> Option<String> {
    let parts: Vec<_> = shown.split('/').collect();
    let (last, folders) = parts.split_last()?;
    if let Some(first) = folders.first() {
        // Who begins with what stands for something else shows how the name is made up, part by part.
        let all = is_open(first);
        let folder = |part: &&str| if all || is_open(part) { "*".to_owned() } else { (*part).to_owned() };
        return Some(folders.iter().map(folder).chain(["*".to_owned()]).collect::<Vec<_>>().join("/"));
    }
    let head = last.find(['<', '{', '[', '$', '*']).map_or(*last, |at| last.get(..at).unwrap_or_default());
    (head.len() > 1 && (head.len() < last.len() || head.ends_with(['-', '_']))).then(|| format!("{head}*"))
}

/// Whether a part of a name stands for something else.
fn is_open(part: &str) -> bool {
    part.starts_with(['<', '{', '[', '$', '*'])
        || ["initials", "user", "username", "author", "your-name", "name", "type", "scope", "team", "prefix"]
            .contains(&part)
}

/// A subject's text that starts with, ends with or contains one of some literals.
fn literal(stance: Stance, cue: Cue, texts: &[String], (of, part): (Of, Part)) -> Draft {
    // Beside a form that is shown with its parts left open, the rest are examples of it.
    let formed: Vec<_> = texts.iter().filter(|text| layout(text).is_some()).cloned().collect();
    let texts = if formed.is_empty() { texts } else { &formed };
    let first = texts.first().map_or("", String::as_str);
    let (good, verb) = match cue {
        Cue::EndsWith if layout(first).is_some() => (format!("Add the parser\n\n{}", shown(first)), "end"),
        _ if layout(first).is_some() => (shown(first), "write"),
        Cue::StartsWith => (format!("{first} add the parser"), "start"),
        Cue::EndsWith => (format!("Add the parser {first}"), "end"),
        _ => (format!("Add the parser {first} today"), "hold"),
    };
    let test = |text: &String| match cue {
        _ if trailer(text).is_some() => TextTest::Contains(trailer(text).unwrap_or_default().to_owned()),
        // What a text ends with does not begin it.
        Cue::EndsWith if layout(text).is_some() => {
            TextTest::Matches(format!("(^|\\s){}\\s*\\z", layout(text).unwrap_or_default().trim_start_matches("\\A")))
        }
        _ if layout(text).is_some() => TextTest::Matches(layout(text).unwrap_or_default()),
        _ if is_ticket(text) => TextTest::Matches(
            if cue == Cue::StartsWith { "\\A\\W*[A-Z][A-Z0-9]+-\\d+" } else { "\\b[A-Z][A-Z0-9]+-\\d+" }.to_owned(),
        ),
        _ if text.contains('*') => TextTest::Matches(escaped(text).replace("\\*", "\\S*")),
        Cue::StartsWith => TextTest::StartsWith(text.clone()),
        Cue::EndsWith => TextTest::EndsWith(text.clone()),
        _ if text.chars().all(char::is_alphanumeric) => TextTest::Mentions(text.clone()),
        _ => TextTest::Contains(text.clone()),
    };
    let must = match texts {
        [one] => test(one),
        many => TextTest::Any(many.iter().map(test).collect()),
    };
    let event = |text: &str| of.event(&part.text(text));
    let (must, good, bad) = (part.test(must), event(&good), event("Add the parser today"));
    let (subject, name) = (noun(of), slug(first));
    let label = texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ");
    let title = match verb {
        "hold" => format!("mention {label} in {}", plural(of)),
        verb => format!("{verb} {} with {label}", plural(of)),
    };
    if stance == Stance::Never {
        let mut never = of.test(must);
        if of == Of::Commit && first.starts_with("Signed-off-by") {
            // The option writes the same.
            never = Predicate::Any(vec![never, Predicate::command("git commit --signoff|-s")]);
        }
        let pattern = Pattern::Absence { never };
        return Draft::of(format!("{name}-in-{subject}"), format!("never {title}"), pattern)
            .violates([good])
            .clean([bad]);
    }
    let pattern = Pattern::Universality { every: of.test(TextTest::All(Vec::new())), must: of.test(must) };
    Draft::of(format!("{subject}-without-{name}"), title, pattern).violates([bad]).clean([good])
}

/// What stands for the parts of a title that are left open.
const PARTS: [&str; 30] = [
    "type",
    "scope",
    "component",
    "module",
    "area",
    "package",
    "subsystem",
    "topic",
    "prefix",
    "category",
    "ticket",
    "description",
    "message",
    "title",
    "summary",
    "subject",
    "name",
    "number",
    "id",
    "issue",
    "short",
    "brief",
    "concise",
    "imperative",
    "lowercase",
    "util",
    "what",
    "verb",
    "text",
    "details",
];

/// The form of a title that is shown with its parts left open: `<module>: <message>`, `[SPARK-xxxx] Title`, `Fix #12: Description`.
pub(in crate::understand) fn layout(text: &str) -> Option<String> {
    // A comment and a heading are shown as they are.
    if text.starts_with("<!--") || text.starts_with('#') && text.contains("# ") {
        return None;
    }
    let whole = text.contains(": ") || text.starts_with('[');
    let start = if whole { "\\A" } else { "" }.to_owned();
    let (mut regex, mut rest, mut open, mut fixed) = (start, text.trim(), 0, 0);
    while let Some(c) = rest.chars().next() {
        let placeholder = match c {
            '<' => rest.split_once('>'),
            '{' => rest.split_once('}'),
            _ => None,
        };
        let words = |text: &str| text.split(' ').any(|word| PARTS.contains(&word));
        if let Some((_, behind)) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).filter(|(inside, _)| words(inside))
        {
            // `[package name]` is one part.
            regex.push_str("\\[[^\\]\\[]+\\]");
            (rest, open, fixed) = (behind, open + 1, fixed + 1);
            continue;
        }
        if let Some((_, behind)) = placeholder {
            regex.push_str(".+?");
            (rest, open) = (behind, open + 1);
            continue;
        }
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()).max(c.len_utf8());
        let (word, behind) = rest.split_at_checked(length)?;
        let number = word.chars().all(|c| c.is_ascii_digit())
            || word.len() > 1 && word.to_lowercase().chars().all(|c| matches!(c, 'x' | 'n'));
        if number {
            regex.push_str("\\d+");
            open += 1;
        } else if PARTS.contains(&&*word.to_lowercase()) {
            regex.push_str(if behind.is_empty() { ".+" } else { "[^:\\]\\[()]+?" });
            open += 1;
        } else {
            regex.push_str(&escaped(word));
            fixed += usize::from(!word.trim().is_empty());
        }
        rest = behind;
    }
    // `(scope)` may be left out where it is shown as one of the parts of a conventional title.
    let regex =
        if text.contains("(scope)") { regex.replace("\\([^:\\]\\[()]+?\\)", "(\\([^)]+\\))?!?") } else { regex };
    (open > 0 && fixed > 0 && text.chars().any(|c| !c.is_alphanumeric() && c != ' ')).then_some(regex)
}

/// A title of the form that is shown, with its parts filled in.
fn shown(text: &str) -> String {
    text.replace(['<', '>', '{', '}'], "")
        .replace("xxxx", "12")
        .replace("XXXX", "12")
        .replace("XXX", "12")
        .replace("NNN", "12")
}

/// The name of a trailer whose value is left open: `Assisted-by:` of `Assisted-by: AGENT_NAME`.
fn trailer(text: &str) -> Option<&str> {
    let (name, value) = text.split_once(':')?;
    let open = value.trim_start();
    let named = name.contains('-')
        && name.contains(char::is_lowercase)
        && name.chars().all(|c| c.is_alphanumeric() || c == '-');
    let shown = open.starts_with(['<', '{', '[']) || open.chars().all(|c| c.is_ascii_uppercase() || "_: ".contains(c));
    (named && shown && !open.is_empty()).then(|| text.get(..=name.len())).flatten()
}

/// Whether a text shows how issues are named, such as `ABC-123` and `[JIRA-XXX]`.
fn is_ticket(text: &str) -> bool {
    let text = text.trim_matches(['[', ']', ':', ' ', '#', '(', ')']);
    text.split_once('-').is_some_and(|(key, number)| {
        let shown =
            matches!(number, "XXX" | "XXXX" | "NNN" | "123" | "1234" | "12345" | "NNNN" | "456" | "###" | "000");
        key.len() > 1
            && key.chars().all(|c| c.is_ascii_uppercase())
            && (shown || !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
    })
}

/// How a rule's name says that a text is not so.
fn lacking(so: &str) -> String {
    let without = ["with a ", "with an ", "with "].into_iter().find_map(|with| so.strip_prefix(with));
    without.map_or_else(|| format!("not-{}", slug(so)), |what| format!("without-{}", slug(what)))
}

/// To write such a text, as titles say it.
fn write(of: Of) -> String {
    if of == Of::Reply { "answer".to_owned() } else { format!("write {}", plural(of)) }
}

/// The texts of a kind, as titles call them.
fn plural(of: Of) -> &'static str {
    match of {
        Of::Commit => "commit messages",
        Of::Request => "pull requests",
        Of::Reply => "replies",
        Of::File | Of::Content => "files",
        Of::Lines => "lines",
        Of::Name => "new files",
        Of::Branch => "branches",
    }
}

/// How a rule's name calls what a text is part of.
pub(super) fn noun(of: Of) -> &'static str {
    match of {
        Of::Commit => "commit-message",
        Of::Request => "pull-request",
        Of::Reply => "reply",
        Of::File | Of::Content => "file",
        Of::Lines => "line",
        Of::Name => "file-name",
        Of::Branch => "branch",
    }
}

/// What is not to be in an answer, a commit or a pull request unless the user asks for it.
fn asked_for(property: &Property) -> Option<Draft> {
    let of = *property.of.first()?;
    let says = Some((format!("{} {}", write(of), property.so), format!("writing {} {}", plural(of), property.so)));
    let mut thing = Thing { says, ..entry_thing(&property.entry(), &property.name, None, &[]) };
    if of != Of::Reply {
        let texts = property.of.iter().filter(|of| matches!(of, Of::Commit | Of::Request));
        let found: Vec<_> = texts.filter_map(|of| property.forbidden(*of, Part::Whole)).collect();
        (thing.predicate, thing.holds) = (Predicate::Any(found), property.event(of, &property.good).into());
    }
    if !matches!(of, Of::Reply | Of::Commit | Of::Request) || thing.predicate == Predicate::Any(Vec::new()) {
        return None;
    }
    let mut draft = permitted(&thing);
    // Who says `summarise` asks for a summary.
    let stem = property.name.get(..property.name.len().saturating_sub(2)).filter(|stem| stem.len() > 3);
    let spoken = escaped(stem.unwrap_or(&property.name)).replace("\\-", "[- ]").replace('-', "[- ]");
    let asked = TextTest::Matches(format!("(?i)\\b{spoken}"));
    if let Some(Pattern::Precedence { first, .. }) = draft.check.as_mut().map(|check| &mut check.pattern) {
        *first = Predicate::Prompt(asked);
    }
    Some(draft)
}
