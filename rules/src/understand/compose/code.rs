//! How names, texts, calls and files of a kind are in code: what they begin with, hold, or are spelled like.
//!
//! INVARIANT: only what the added lines themselves show is judged. A call that goes on in the next line is left alone, and
//! what a whole file must hold is asked of new files only.

use super::place::{file_paths, with_action};
use super::{Composer, Draft};
use crate::lexicon::{Cue, Form, Of, Shape, Site};
use crate::predicate::{FileAction, FileTest, TextTest};
use crate::understand::meaning::Stance;
use crate::understand::name::{Place, Spelling};
use crate::understand::path::sample_path;
use crate::understand::spelled::escaped;
use crate::understand::thing::{Sort, Thing, file_thing, slug};
use crate::{Event, Pattern, Predicate};
use serde::de::IgnoredAny;

/// The endings of files with code, and the usual one.
const CODE: (&str, &str) = (
    "tsx?|jsx?|[mc][tj]s|vue|svelte|astro|py|rb|rs|go|kt|swift|dart|java|cs|php|scala|exs?|c|cc|cpp|h|hpp|razor|sql",
    "ts",
);
/// Those of files with a component of a user interface.
const COMPONENTS: (&str, &str) = ("tsx|jsx|vue|svelte|astro|kt|swift|dart|razor", "tsx");

impl Composer<'_, '_> {
    /// The rules about what stands in code; none where the statement is about something else.
    pub(super) fn in_code(&self) -> Vec<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        let elsewhere = main.subjects.iter().any(|(of, _)| *of != Of::File);
        let timed = [&meaning.before, &meaning.until].into_iter().any(Option::is_some) || meaning.between.is_some();
        if elsewhere || timed || !meaning.rejected.is_empty() || meaning.permission {
            return Vec::new();
        }
        let formed = self.formed();
        if !formed.is_empty() {
            return formed;
        }
        self.files_formed()
            .or_else(|| self.commented())
            .or_else(|| self.returned())
            .or_else(|| self.held_by_calls())
            .or_else(|| self.held_by_files())
            .into_iter()
            .collect()
    }

    /// `component files are PascalCase`: what a new file of a kind is called.
    fn files_formed(&self) -> Option<Draft> {
        let main = &self.meaning.main;
        let named = |form: &&&Form| !form.texts && matches!(form.shape, Shape::Matches(_));
        let (form, files) =
            (main.forms.iter().find(named)?, main.things.iter().find(|thing| thing.sort == Sort::File)?);
        let Shape::Matches(name) = &form.shape else { return None };
        let open = files.literal || matches!(&*files.slug, "files" | "code");
        if open || !main.properties.is_empty() || self.meaning.stance == Stance::Never {
            return None;
        }
        // What lies beside components, such as styles and utilities, has names of its own.
        let (endings, ending) = if files.slug.contains("component") { COMPONENTS } else { CODE };
        let mut every = with_action(&files.predicate, FileAction::Create);
        let path = files.holds.path()?.to_owned();
        if let Predicate::File(test) = &mut every {
            let special = TextTest::Matches(r"\A(?:index|main|mod|lib|[._])".to_owned());
            let code = TextTest::Matches(format!(r"\.(?:{endings})\z"));
            test.name = Some(TextTest::All(vec![code, TextTest::Not(Box::new(special))]));
        }
        let called = TextTest::Matches(format!(r"\A(?:{name})(?:\.[\w-]+)+\z"));
        let must = Predicate::File(Box::new(FileTest { name: Some(called), ..FileTest::default() }));
        let (folder, file) = path.rsplit_once('/').unwrap_or(("src", &path));
        let ending = file.rsplit_once('.').map_or(ending, |(_, own)| if own == "txt" { ending } else { own });
        let write = |name: &str| Event::write(format!("{folder}/{name}.{ending}"), "new\n");
        let (id, title) = (
            format!("{}-not-{}", files.slug, slug(&form.name)),
            format!("name {} in {}", files.label.trim_start_matches("the "), form.name),
        );
        let draft = Draft::of(id, title, Pattern::Universality { every, must });
        Some(draft.violates([write(&form.bad)]).clean([write(&form.good)]))
    }

    /// `interfaces are prefixed with I`, `log messages start with a capital letter`.
    fn formed(&self) -> Vec<Draft> {
        let main = &self.meaning.main;
        let never = self.meaning.stance == Stance::Never;
        let globs = main.places.iter().find_map(|place| match place {
            Place::Files { globs, label, outside: false } if label.contains(['/', '.', '*']) => Some(globs.clone()),
            _ => None,
        });
        let pairs = pairs(&main.spelling);
        let last = main.spelling.last().is_some_and(|one| matches!(one, Spelling::Form(form) if !form.texts));
        let first = main.spelling.first().is_some_and(|one| matches!(one, Spelling::Form(form) if !form.texts));
        if first && last && pairs.len() == 1 && main.forms.len() > 1 {
            // `file names are kebab-case, components PascalCase`: what the first of them are was not read.
            return Vec::new();
        }
        if pairs.windows(2).any(|two| matches!(two, [(_, one), (_, other)] if one.name != other.name)) {
            let globs = globs.unwrap_or_default();
            return pairs.iter().map(|(site, form)| of_site(site, form, never, &globs)).collect();
        }
        // `Go functions` are those in Go.
        let spoken =
            main.on.as_deref().into_iter().chain(&main.things).find(|thing| thing.sort == Sort::File && !thing.literal);
        let spoken =
            spoken.filter(|files| !matches!(&*files.slug, "files" | "code")).map(|files| file_paths(&files.predicate));
        let globs = globs.or(spoken).unwrap_or_default();
        let said = main.literal.clone().or_else(|| self.quoted());
        let literal = said.as_ref().and_then(|(cue, texts)| spelled(*cue, texts));
        let shown =
            || main.things.iter().filter(|thing| thing.literal && !never).find_map(|thing| template(&thing.label));
        let spelled: Vec<_> = literal.into_iter().chain(shown()).collect();
        let mut drafts = Vec::new();
        for site in &main.sites {
            let holds = said.as_ref().is_some_and(|(cue, _)| *cue == Cue::Contains);
            let spelled = spelled.iter().filter(|_| site.text || !holds);
            let forms = main.forms.iter().copied().filter(|form| form.texts == site.text).chain(spelled);
            let most = if site.text { 2 } else { 1 };
            drafts.extend(forms.take(most).map(|form| of_site(site, form, never, &globs)));
        }
        drafts
    }

    /// `no new APIs prefixed with __experimental`: names in code that begin so, whatever they name.
    pub(super) fn names_in_front(&self) -> Vec<Draft> {
        let Some((Cue::StartsWith, texts)) = &self.meaning.main.literal else { return Vec::new() };
        let marked = |text: &&String| {
            text.len() > 4
                && text.contains(['_', '$'])
                && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        };
        let draft = |text: &String| {
            let added = Some(TextTest::Matches(format!("\\b{}\\w", escaped(text))));
            let never = Predicate::File(Box::new(FileTest { added, ..FileTest::default() }));
            let write = |name: &str| Event::edit("src/main.ts", "", format!("export const {name} = 1;\n"));
            let draft = Draft::of(
                format!("names-with-{}-in-front", slug(text)),
                format!("never write names with `{text}` in front"),
                Pattern::Absence { never },
            );
            draft.violates([write(&format!("{text}Name"))]).clean([write("name")])
        };
        texts.iter().filter(marked).map(draft).collect()
    }

    /// `no "simply" in comments`: what is forbidden is forbidden in texts of that kind.
    fn quoted(&self) -> Option<(Cue, Vec<String>)> {
        let main = &self.meaning.main;
        let written = |thing: &Thing| thing.sort == Sort::Code && thing.literal && thing.known.is_none();
        let told = self.meaning.stance == Stance::Never && !main.things.is_empty() && main.things.iter().all(written);
        let texts = || main.things.iter().map(|thing| thing.label.trim_matches('`').to_owned()).collect();
        (told && main.sites.iter().any(|site| site.text)).then(|| (Cue::Contains, texts()))
    }

    /// `pass timeout= to requests.get()`: a call that is whole on its line holds a text.
    fn held_by_calls(&self) -> Option<Draft> {
        let main = &self.meaning.main;
        let (cue, texts) = main.literal.as_ref()?;
        let called = self.meaning.after.as_deref().filter(|_| main.things.is_empty()).map(|named| &named.things);
        let calls = called.unwrap_or(&main.things);
        // `@Route paths start with /api`: an annotation is called by its name.
        let annotates = |thing: &Thing| thing.label.trim_matches('`').starts_with('@');
        let named =
            |thing: &Thing| thing.sort == Sort::Code && thing.literal && (thing.known.is_none() || annotates(thing));
        let called = |call: &Thing| call.label.contains('(') || annotates(call);
        let called = self.meaning.calls || calls.iter().any(called);
        let plain = |call: &Thing| !call.label.split('(').next().is_some_and(|name| name.contains([' ', '"', '#']));
        if calls.is_empty()
            || !called
            || !calls.iter().all(plain)
            || !calls.iter().all(named)
            || texts.iter().any(|text| text.starts_with('-'))
        {
            return None;
        }
        let names: Vec<_> = calls.iter().map(|call| call_name(&call.label)).collect();
        let any = names.iter().map(|(regex, _)| &**regex).collect::<Vec<_>>().join("|");
        let wanted = texts.iter().map(|text| escaped(text)).collect::<Vec<_>>().join("|");
        let first = "\\(\\s*(?:\\w+\\s*=\\s*)?";
        let (whole, holds) = match cue {
            // Of what it is given, the first text is what begins so.
            Cue::StartsWith => (format!("(?:{any}){first}[\"'`]"), format!("(?:{any}){first}[\"'`]?(?:{wanted})")),
            _ => (format!("(?:{any})\\(.*\\)"), format!("(?:{any})\\(.*(?:{wanted})")),
        };
        let (whole, holds) = (TextTest::Matches(whole), TextTest::Matches(holds));
        let never = self.meaning.stance == Stance::Never;
        let other = if never { holds } else { TextTest::Not(Box::new(holds)) };
        let line = TextTest::SomeLine(Box::new(TextTest::All(vec![whole, other])));
        let pattern = Pattern::Absence {
            never: Predicate::File(Box::new(FileTest { added: Some(line), ..FileTest::default() })),
        };
        let ((_, name), text) = (names.first()?, texts.first()?);
        let write = |inside: &str| Event::edit("src/main.py", "", format!("x = a.{name}({inside})\n"));
        let (with, bare) = match cue {
            Cue::StartsWith => (write(&format!("'{}'", text.trim_matches(['\'', '"']))), write("'zzz'")),
            _ => (write(text), write("")),
        };
        let labels = names.iter().map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let draft = if never {
            let id = format!("{}-in-{}", slug(text), slug(name));
            Draft::of(id, format!("never pass `{text}` to {labels}"), pattern).violates([with]).clean([bare])
        } else {
            let id = format!("{}-without-{}", slug(name), slug(text));
            let what = if *cue == Cue::StartsWith { format!("what starts with `{text}`") } else { format!("`{text}`") };
            Draft::of(id, format!("pass {what} to {labels}"), pattern).violates([bare]).clean([with])
        };
        Some(draft)
    }

    /// `put a comment above each eslint-disable`: what is written there has one in the line before.
    fn commented(&self) -> Option<Draft> {
        let (meaning, main) = (self.meaning, &self.meaning.main);
        let told = meaning.every || meaning.always || meaning.stance == Stance::Must;
        let [code] = main.things.as_slice() else { return None };
        if !meaning.explained || !told || meaning.stance == Stance::Never || code.sort != Sort::Code {
            return None;
        }
        let Predicate::File(test) = &code.predicate else { return None };
        let found = match &test.added {
            Some(TextTest::Contains(text)) => escaped(text),
            Some(TextTest::Matches(regex)) if !regex.contains(['^', '\n']) => format!("(?:{regex})"),
            _ => return None,
        };
        // A line is blank, or begins as no comment does; what an edit begins with has nothing in front of it.
        let other = r#"(?:\A|(?:\A|\n)[ \t]*(?:[^\s#/*;%<"'-][^\n]*)?\n)"#;
        let added = Some(TextTest::Matches(format!("{other}[^\\n]*{found}")));
        let never = Predicate::File(Box::new(FileTest { added, ..(**test).clone() }));
        let title = format!("write a comment above {}", code.label);
        let draft = Draft::of(format!("{}-without-comment", code.slug), title, Pattern::Absence { never });
        let (path, text) = (code.holds.path()?, code.holds.written()?);
        let commented = Event::edit(path, "", format!("// the reason\n# the reason\n{}", text.trim_start()));
        Some(draft.violates([Event::edit(path, "", text)]).clean([commented]))
    }

    /// `controllers return Result<T>`: public methods in files of a kind, in languages where the type stands in front of the name.
    fn returned(&self) -> Option<Draft> {
        let (meaning, main) = (self.meaning, &self.meaning.main);
        let kind = |thing: &&Thing| {
            thing.sort == Sort::File && !thing.literal && !matches!(&*thing.slug, "files" | "code" | "docs" | "tests")
        };
        let files = main.on.as_deref().or_else(|| main.things.iter().find(kind)).filter(|files| kind(files))?;
        let shown = match &main.literal {
            Some((_, texts)) => texts.first().cloned(),
            None => main.things.iter().find(|thing| thing.literal).map(|thing| thing.label.clone()),
        }?;
        let name = shown.trim_matches('`').split('<').next().unwrap_or_default();
        let typed = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
        if !meaning.returns || !typed || meaning.stance == Stance::Never || meaning.after.is_some() {
            return None;
        }
        let method = r"^\s*public\s+(?:(?:static|final|async|virtual|override|synchronized)\s+)*[\w<>\[\],.? ]*[\w>\]?]\s+\w+\s*\(";
        let other = TextTest::Not(Box::new(TextTest::Matches(format!(r"\b{}\b", escaped(name)))));
        let line = TextTest::SomeLine(Box::new(TextTest::All(vec![TextTest::Matches(method.to_owned()), other])));
        let never = Predicate::File(Box::new(FileTest {
            path: file_paths(&files.predicate),
            language: ["java", "csharp"].map(str::to_owned).to_vec(),
            added: Some(line),
            ..FileTest::default()
        }));
        let kinds = files.label.trim_start_matches("the ");
        let (id, title) = (format!("{}-return-{}", files.slug, slug(name)), format!("return `{name}` from {kinds}"));
        let path = files.holds.path()?.rsplit_once('/').map_or("src", |(folder, _)| folder).to_owned();
        let write =
            |of: &str| Event::edit(format!("{path}/UserController.java"), "", format!("public {of} get() {{\n"));
        let draft = Draft::of(id, title, Pattern::Absence { never });
        Some(draft.violates([write("String")]).clean([write(name)]))
    }

    /// `every migration must include a down method`: a new file of this kind holds a text.
    fn held_by_files(&self) -> Option<Draft> {
        let meaning = self.meaning;
        let main = &meaning.main;
        let starts = meaning.stance == Stance::Plain && matches!(main.literal, Some((Cue::StartsWith, _)));
        let told = meaning.stance == Stance::Must || meaning.always || meaning.every && meaning.stance != Stance::Never;
        if !(told || starts)
            || !meaning.main.flags.is_empty()
            || meaning.after.is_some()
            || main.verb == Some(Cue::Place)
        {
            return None;
        }
        let place = main.places.iter().find_map(|place| match place {
            Place::Files { globs, label, outside: false } => Some(file_thing(globs.clone(), label, None)),
            _ => None,
        });
        let named = main.things.iter().find(|thing| thing.sort == Sort::File && !thing.literal).cloned();
        let files = main
            .on
            .as_deref()
            .cloned()
            .or(named)
            .or(place)
            .filter(|files| !matches!(&*files.slug, "code" | "files" | "docs"))?;
        if let Some((Cue::EndsWith, texts)) = &main.literal
            && let [ending] = texts.as_slice()
            && is_name_ending(ending)
        {
            return Some(super::texts::named(&files, &format!("*{ending}")));
        }
        let (test, label) = if let Some((cue, texts)) = &main.literal {
            let any = texts.iter().map(|text| at_start(*cue, text)).collect();
            (TextTest::Any(any), texts.first()?.clone())
        } else {
            let wanted = main.things.iter().find(|thing| {
                let plain = thing.known.is_none() || !thing.label.trim_matches('`').contains('`');
                thing.literal && thing.sort == Sort::Code && plain && thing.says.is_none()
            })?;
            let Predicate::File(test) = &wanted.predicate else { return None };
            if main.verb == Some(Cue::Use) && matches!(test.added, Some(TextTest::Mentions(_))) {
                // `always use "NetBox" in docs` says how a word is spelled.
                return None;
            }
            let label = wanted.label.trim_matches('`').to_owned();
            // What is known by its name may be told by what is wrong with it.
            let known = wanted.known.is_some().then(|| TextTest::Contains(label.clone()));
            (known.or(test.added.clone())?, label)
        };
        let path = files.holds.path().map_or_else(|| sample_path("src/example.txt"), str::to_owned);
        let pattern = Pattern::Universality {
            every: with_action(&files.predicate, FileAction::Create),
            must: Of::Content.test(test),
        };
        let title = format!("write `{label}` in new {}", files.label.trim_start_matches("the "));
        let draft = Draft::of(format!("{}-without-{}", files.slug, slug(&label)), title, pattern);
        Some(draft.violates([Event::write(&path, "other\n")]).clean([Event::write(&path, format!("{label}\n"))]))
    }
}

/// The names and the form of each: `camelCase for functions, PascalCase for types`, or `functions: camelCase, types: …`.
fn pairs<'l>(spelling: &[Spelling<'l>]) -> Vec<(&'l Site, &'l Form)> {
    let names = |one: &&Spelling<'l>| match one {
        Spelling::Site(site) => !site.text,
        Spelling::Form(form) => !form.texts,
    };
    let mut found = Vec::new();
    let (mut sites, mut last): (Vec<&'l Site>, Option<&'l Form>) = (Vec::new(), None);
    let sites_first = matches!(spelling.iter().find(names), Some(Spelling::Site(_)));
    for one in spelling.iter().filter(names) {
        match *one {
            Spelling::Site(site) if sites_first => sites.push(site),
            Spelling::Form(form) if sites_first => found.extend(sites.drain(..).map(|site| (site, form))),
            Spelling::Form(form) => last = Some(form),
            Spelling::Site(site) => found.extend(last.map(|form| (site, form))),
        }
    }
    found
}

/// Whether a text is what names of files end with: `.test.ts`, `_test.go`.
fn is_name_ending(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.starts_with(['.', '_', '-']) && text.contains('.') && text.chars().all(plain)
}

/// A text that a file begins with, where its first line can be that; what else it holds may stand behind a shebang.
fn at_start(cue: Cue, text: &str) -> TextTest {
    let first = ["#!", "//", "/*", "<?", "<!", "\"use", "'use", "# "].iter().any(|mark| text.starts_with(mark));
    if cue == Cue::StartsWith && first {
        TextTest::StartsWith(text.to_owned())
    } else {
        TextTest::Contains(text.to_owned())
    }
}

/// The name of what is called, as a regular expression, and as it is shown: a method that is named by its type may be called
/// on anything.
fn call_name(label: &str) -> (String, String) {
    let name = label.trim_matches('`').split('(').next().unwrap_or_default();
    match name.rsplit_once(['.', ':']) {
        Some((of, method)) if of.is_empty() || of.starts_with(char::is_uppercase) => {
            (format!("\\.{}", escaped(method)), method.to_owned())
        }
        _ if name.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
            (format!("\\b{}", escaped(name)), name.to_owned())
        }
        _ => (escaped(name), name.to_owned()),
    }
}

/// The form of what begins with, ends with or holds one of some texts.
fn spelled(cue: Cue, texts: &[String]) -> Option<Form> {
    let first = texts.first()?;
    // A word is found as a word, in any case.
    let word = |text: &str| cue == Cue::Contains && text.chars().all(char::is_alphabetic);
    let found = |text: &String| if word(text) { format!("\\b(?i:{text})\\b") } else { escaped(text) };
    let any = format!("(?:{})", texts.iter().map(found).collect::<Vec<_>>().join("|"));
    let labels = texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ");
    let (shape, good, name) = match cue {
        Cue::StartsWith => (Shape::Opens(any), format!("{first}Name"), format!("{labels} in front")),
        Cue::EndsWith => (Shape::Closes(any), format!("Name{first}"), format!("{labels} at the end")),
        _ => (Shape::Holds(any), format!("a {first}"), labels),
    };
    Some(Form { name, _words: IgnoredAny, texts: false, shape, good, bad: "zzz".to_owned() })
}

/// The form that is shown with something left open: `_camelCase`, `test_<thing>`.
fn template(label: &str) -> Option<Form> {
    const OPEN: [(&str, &str, &str); 5] = [
        ("camelCase", "[a-z][A-Za-z0-9]*", "someName"),
        ("PascalCase", "[A-Z][A-Za-z0-9]*", "SomeName"),
        ("snake_case", "[a-z0-9_]+", "some_name"),
        ("UPPER_SNAKE_CASE", "[A-Z0-9_]+", "SOME_NAME"),
        ("*", "\\w*", "Some"),
    ];
    let text = label.trim_matches('`');
    let (mut regex, mut good, mut rest, mut open) = (String::new(), String::new(), text, false);
    while let Some(c) = rest.chars().next() {
        let close = match c {
            '<' => Some('>'),
            '{' => Some('}'),
            _ => None,
        };
        if let Some((_, behind)) = close.and_then(|close| rest.split_once(close)) {
            regex.push_str("\\w+");
            good.push_str("some");
            (rest, open) = (behind, true);
        } else if let Some((word, pattern, sample)) = OPEN.iter().find(|(word, ..)| rest.starts_with(word)) {
            regex.push_str(pattern);
            good.push_str(sample);
            (rest, open) = (rest.get(word.len()..).unwrap_or_default(), true);
        } else {
            regex.push_str(&escaped(&c.to_string()));
            good.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    let form = |good: String| Form {
        name: format!("the form `{text}`"),
        _words: IgnoredAny,
        texts: false,
        shape: Shape::Matches(regex),
        good,
        bad: "$zz-z$".to_owned(),
    };
    let named = good.chars().all(|c| c.is_alphanumeric() || "_$-.".contains(c));
    (open && named).then(|| form(good))
}

/// Names or texts of a kind have a form, or never have it.
fn of_site(site: &Site, form: &Form, never: bool, globs: &[String]) -> Draft {
    let sites = site.words.first().map_or(&*site.name, String::as_str);
    let with = if form.texts || form.name.contains(' ') || form.name.contains('`') { "with" } else { "in" };
    let test = site.test(form, never, globs);
    let path = globs.first().map(|glob| super::place::under(glob, None));
    let event = |text: &str| site.event(text, path.as_deref());
    let (good, bad) = (event(&form.good), event(&form.bad));
    let (id, title) = if never {
        (format!("{}-in-{}", slug(&form.name), slug(&site.name)), format!("never write {sites} {with} {}", form.name))
    } else {
        (format!("{}-not-{}", slug(&site.name), slug(&form.name)), format!("write {sites} {with} {}", form.name))
    };
    let draft = Draft::of(id, title, Pattern::Absence { never: test });
    if never { draft.violates([good]).clean([bad]) } else { draft.violates([bad]).clean([good]) }
}
