//! What a clause is about: each thing as a predicate with an event of which it holds and one close by of which it does not.

use super::clause::{Clause, Unit, What};
use super::text::{Form, is_path};
use crate::lexicon::{Cue, Entry, Kind, Measure, Of, Property, Sense};
use crate::predicate::{FileAction, FileTest, Moment, PathTest, TextTest, ToolTest};
use crate::{Event, EventKind, Lexicon, Predicate};
use serde_json::{Value, json};

/// Something that can happen.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub predicate: Predicate,
    pub sort: Sort,
    /// How a title names it.
    pub label: String,
    /// How a rule's name names it.
    pub slug: String,
    /// An event of which it holds.
    pub holds: Event,
    /// An event close by of which it does not.
    pub fails: Event,
    /// The lexicon's name and group for it, where it has them.
    pub known: Option<(String, Option<String>)>,
    /// Whether a later change of code undoes it.
    pub renewed: bool,
}

/// What a thing is seen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Command,
    File,
    Code,
    Read,
    Reply,
    Tool,
    Stop,
    Other,
}

/// A place that a rule is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Files under these globs.
    Files { globs: Vec<String>, label: String, outside: bool },
    Branch(String),
    Host(String),
}

/// All that a clause names.
#[derive(Debug, Default)]
pub(super) struct Named<'l> {
    pub things: Vec<Thing>,
    pub places: Vec<Place>,
    pub properties: Vec<&'l Property>,
    pub subject: Option<Of>,
    pub measures: Vec<(u32, Option<Measure>)>,
    /// A text that a subject starts with, ends with or contains.
    pub literal: Option<(Cue, String)>,
    /// A pattern that names follow.
    pub pattern: Option<String>,
    pub verb: Option<Cue>,
}

const VERBS: [Cue; 9] =
    [Cue::Run, Cue::Edit, Cue::Create, Cue::Delete, Cue::Read, Cue::Say, Cue::Ask, Cue::BackUp, Cue::Use];

/// Names what a clause is about; `verb` is what is done where the clause itself does not say.
pub(super) fn name<'l>(clause: &Clause<'_, '_>, lexicon: &'l Lexicon, languages: &[String], verb: Option<Cue>) -> Named<'l> {
    let verbs = clause.units.iter().flat_map(|unit| VERBS.into_iter().filter(|cue| unit.is(*cue)));
    // `use` says least about what is done: any other verb beside it wins.
    let own = verbs.min_by_key(|cue| *cue == Cue::Use);
    let mut namer = Namer { lexicon, languages, named: Named { verb: own.or(verb), ..Named::default() } };
    let mut at = 0;
    while at < clause.units.len() {
        at += namer.step(clause.units.get(at..).unwrap_or_default());
    }
    namer.settle();
    namer.named
}

struct Namer<'l, 'c> {
    lexicon: &'l Lexicon,
    languages: &'c [String],
    named: Named<'l>,
}

impl Namer<'_, '_> {
    /// Takes in the next unit, with those behind it that belong to it, and says how many.
    fn step(&mut self, units: &[Unit<'_, '_>]) -> usize {
        let Some(unit) = units.first() else { return 1 };
        if unit.is_any(&[Cue::In, Cue::To, Cue::Outside])
            && let Some((place, count)) = self.place(units.get(1..).unwrap_or_default(), unit.is(Cue::Outside))
        {
            self.named.places.push(place);
            return count + 1;
        }
        if let Some(cue) = [Cue::StartsWith, Cue::EndsWith, Cue::Contains].into_iter().find(|cue| unit.is(*cue))
            && let Some(literal) = units.iter().skip(1).take(3).find(|unit| matches!(unit.what, What::Literal(_)))
        {
            self.named.literal = Some((cue, literal.text.to_owned()));
            return 1 + units.iter().position(|unit| std::ptr::eq(unit, literal)).unwrap_or(0);
        }
        if unit.is(Cue::Named)
            && let Some(pattern) = units.iter().skip(1).take(4).find(|unit| unit.text.contains('*') || unit.text.contains('.'))
        {
            self.named.pattern = Some(pattern.text.to_owned());
            return units.len();
        }
        if units.get(1).is_some_and(|next| next.is(Cue::Folder)) && !unit.is_content() || folder_literal(units) {
            if matches!(unit.what, What::Word | What::Literal(_)) && !unit.text.is_empty() {
                self.named.things.push(path_thing(&format!("{}/", unit.text.trim_end_matches('/')), self.named.verb));
                return 2;
            }
        }
        if units.get(1).is_some_and(|next| next.is(Cue::Tool)) && unit.text.starts_with(char::is_uppercase) {
            self.named.things.push(tool_thing(unit.text));
            return 2;
        }
        self.take(unit);
        1
    }

    /// Takes in one unit.
    fn take(&mut self, unit: &Unit<'_, '_>) {
        match unit.what {
            What::Known(senses) => self.known(unit, senses),
            What::Command => self.named.things.push(command_thing(unit.text, self.lexicon)),
            What::Literal(form) => self.literal(unit, form),
            What::Number(value) => self.named.measures.push((value, None)),
            What::Word | What::Comma | What::Mark => {}
        }
    }

    fn known(&mut self, unit: &Unit<'_, '_>, senses: &[Sense]) {
        let mut entries: Vec<&Entry> = Vec::new();
        for sense in senses {
            match sense {
                Sense::Entry(at) => entries.extend(self.lexicon.entry(*at)),
                Sense::Property(at) => self.named.properties.extend(self.lexicon.property(*at)),
                Sense::Subject(of) => self.named.subject = self.named.subject.or(Some(*of)),
                Sense::Measure(measure) => self.measure(*measure),
                Sense::Number(value) => self.named.measures.push((*value, None)),
                Sense::Cue(_) => {}
            }
        }
        let verb = self.named.verb;
        // Of several meanings, the one that fits what is done.
        if let Some(entry) = entries.into_iter().min_by_key(|entry| rank(entry.kind, verb)) {
            match entry.kind {
                Kind::Host => self.named.places.push(Place::Host(entry.name.clone())),
                _ => self.named.things.push(entry_thing(entry, unit.text, verb, self.languages)),
            }
        }
    }

    /// A measure takes the number before it; a subject that is also a measure (`lines`) takes it where there is one.
    fn measure(&mut self, measure: Measure) {
        if let Some(last) = self.named.measures.last_mut() {
            last.1 = last.1.or(Some(measure));
        }
    }

    fn literal(&mut self, unit: &Unit<'_, '_>, form: Form) {
        let verb = self.named.verb;
        let thing = match form {
            Form::Flag => return,
            _ if verb == Some(Cue::Say) || (self.named.subject == Some(Of::Reply) && form == Form::Quote) => reply_thing(unit.text),
            Form::Code if verb == Some(Cue::Run) => command_thing(unit.text, self.lexicon),
            _ if is_path(unit.text) || matches!(verb, Some(Cue::Edit)) && unit.text.starts_with('.') => path_thing(unit.text, verb),
            Form::Quote if verb.is_none() => return,
            _ => text_thing(unit.text),
        };
        self.named.things.push(thing);
    }

    /// The place that some units name, and how many of them.
    fn place(&self, units: &[Unit<'_, '_>], outside: bool) -> Option<(Place, usize)> {
        let skip = units.iter().take_while(|unit| matches!(unit.text, "the" | "a" | "our" | "your" | "any" | "this" | "of" | "der" | "dem")).count();
        let unit = units.get(skip)?;
        let next = units.get(skip + 1);
        let files = |globs: Vec<String>, label: &str| Place::Files { globs, label: label.to_owned(), outside };
        if next.is_some_and(|next| next.is(Cue::Branch)) || matches!(unit.text, "main" | "master") {
            let width = 1 + usize::from(next.is_some_and(|next| next.is(Cue::Branch)));
            return Some((Place::Branch(unit.text.to_owned()), skip + width));
        }
        if next.is_some_and(|next| next.is(Cue::Folder)) && matches!(unit.what, What::Word | What::Literal(_) | What::Known(_)) {
            let text = format!("{}/", unit.text.trim_end_matches('/'));
            return Some((files(globs(&text), &text), skip + 2));
        }
        if unit.is(Cue::Folder) {
            let name = next.filter(|next| matches!(next.what, What::Word | What::Literal(_)))?;
            let text = format!("{}/", name.text.trim_end_matches('/'));
            return Some((files(globs(&text), &text), skip + 2));
        }
        if matches!(unit.what, What::Literal(_)) && is_path(unit.text) {
            return Some((files(globs(unit.text), unit.text), skip + 1));
        }
        unit.senses().iter().find_map(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).and_then(|entry| match (entry.kind, &entry.predicate) {
                (Kind::Host, _) => Some((Place::Host(entry.name.clone()), skip + 1)),
                (Kind::Files | Kind::Language, Predicate::File(test)) if entry.name != "files" => {
                    Some((files(test.path.clone(), unit.text), skip + 1))
                }
                _ => None,
            }),
            _ => None,
        })
    }

    /// Where nothing but a place is named, the place is the thing (`stop writing to /tmp`).
    fn settle(&mut self) {
        let named = &mut self.named;
        let bare = named.things.is_empty() && named.properties.is_empty() && named.subject.is_none() && named.measures.is_empty();
        let writes = matches!(named.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read));
        if bare && writes && let Some(Place::Files { globs, label, outside: false }) = named.places.first() {
            named.things.push(file_thing(globs.clone(), label, named.verb));
            named.places.remove(0);
        }
    }
}

/// Whether a path literal is followed by the word `folder`.
fn folder_literal(units: &[Unit<'_, '_>]) -> bool {
    units.first().is_some_and(|unit| matches!(unit.what, What::Literal(Form::Path | Form::Code)))
        && units.get(1).is_some_and(|next| next.is(Cue::Folder))
}

/// How well a sort of thing fits what is done to it; lower is better.
fn rank(kind: Kind, verb: Option<Cue>) -> u8 {
    let order: &[Kind] = match verb {
        Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read) => &[Kind::Files, Kind::Language, Kind::Construct, Kind::Action, Kind::Tool],
        Some(Cue::Run) => &[Kind::Action, Kind::Tool, Kind::Construct],
        _ => &[Kind::Tool, Kind::Action, Kind::Moment, Kind::Construct, Kind::AgentTool, Kind::Files],
    };
    order.iter().position(|known| *known == kind).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn entry_thing(entry: &Entry, label: &str, verb: Option<Cue>, languages: &[String]) -> Thing {
    let sort = match entry.kind {
        Kind::Tool | Kind::Action => Sort::Command,
        Kind::Files | Kind::Language => Sort::File,
        Kind::Construct => Sort::Code,
        Kind::AgentTool => Sort::Tool,
        Kind::Moment => Sort::Stop,
        Kind::Property => Sort::Reply,
        Kind::Host => Sort::Other,
    };
    if sort == Sort::File
        && let Predicate::File(test) = &entry.predicate
    {
        let mut thing = file_thing(test.path.clone(), label, verb);
        thing.known = Some((entry.name.clone(), entry.group.clone()));
        thing.slug.clone_from(&entry.name);
        if let (Some(Event { kind: EventKind::PreToolUse { input, .. }, .. }), Some(_)) = (entry.violates.first(), test.path.first())
            && let Some(path) = input.get("file_path").and_then(Value::as_str)
        {
            thing.holds = at_path(&thing.holds, path);
        }
        return thing;
    }
    let spoken: Vec<_> = entry.by_language.iter().filter(|(language, _)| languages.iter().any(|known| known.eq_ignore_ascii_case(language))).collect();
    let narrowed = (!spoken.is_empty()).then(|| {
        let any = entry.by_language.iter().filter(|(language, _)| language == "any");
        Predicate::Any(spoken.iter().copied().chain(any).map(|(_, predicate)| predicate.clone()).collect())
    });
    let holds = match &narrowed {
        Some(predicate) => sample_command(predicate).map(Event::command),
        None => None,
    };
    Thing {
        predicate: narrowed.unwrap_or_else(|| entry.predicate.clone()),
        sort,
        label: if sort == Sort::Command && entry.kind == Kind::Tool { format!("`{}`", entry.name) } else { label.to_owned() },
        slug: entry.name.clone(),
        holds: holds.or_else(|| entry.violates.first().cloned()).unwrap_or_else(|| Event::command("true")),
        fails: entry.clean.first().cloned().unwrap_or_else(|| Event::command("ls")),
        known: Some((entry.name.clone(), entry.group.clone())),
        renewed: entry.renewed,
    }
}

/// A command text that the first pattern of a predicate finds.
fn sample_command(predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::Command(test) => {
            let words = test.run.split(' ').filter(|word| !matches!(*word, "$" | "**"));
            let first = |word: &str| word.split('|').next().unwrap_or_default().replace('*', "x");
            Some(words.map(first).collect::<Vec<_>>().join(" "))
        }
        Predicate::Any(parts) | Predicate::All(parts) => parts.iter().find_map(sample_command),
        _ => None,
    }
}

/// A command that is written out; a program that goes by several names is looked for under each.
fn command_thing(text: &str, lexicon: &Lexicon) -> Thing {
    let text = text.split_whitespace().filter(|word| !word.starts_with('<')).collect::<Vec<_>>().join(" ");
    let pattern = text.replace(['|', '$'], "");
    let (program, rest) = pattern.split_once(' ').unwrap_or((&pattern, ""));
    let tool = lexicon.entry_named(program, Kind::Tool);
    let predicate = match tool.map(|tool| &tool.predicate) {
        Some(Predicate::Any(parts)) => Predicate::Any(parts.iter().map(|part| followed(part, rest)).collect()),
        Some(Predicate::Command(test)) => followed(&Predicate::command(test.run.split('|').next().unwrap_or(program)), rest),
        _ => Predicate::command(&pattern),
    };
    let mention = if program == "grep" { "cat notes.txt".to_owned() } else { format!("grep -rn '{}' docs", text.replace('\'', "")) };
    Thing {
        predicate,
        sort: Sort::Command,
        label: format!("`{text}`"),
        slug: slug(&text),
        known: tool.map(|tool| (tool.name.clone(), None)),
        renewed: ["test", "check", "lint", "clippy"].iter().any(|word| text.contains(word)),
        fails: Event::command(mention),
        holds: Event::command(pattern),
    }
}

/// A command test with more words.
fn followed(test: &Predicate, rest: &str) -> Predicate {
    match test {
        Predicate::Command(test) => Predicate::command(format!("{} {rest}", test.run).trim()),
        other => other.clone(),
    }
}

/// Files under a path that is written out.
fn path_thing(text: &str, verb: Option<Cue>) -> Thing {
    file_thing(globs(text), text, verb)
}

/// Files under these globs.
pub(super) fn file_thing(globs: Vec<String>, label: &str, verb: Option<Cue>) -> Thing {
    let path = globs.first().map_or_else(|| "src/main.rs".to_owned(), |glob| sample_path(glob));
    let path = if path.contains('/') || globs.iter().any(|glob| !glob.starts_with('*')) { path } else { format!("src/{path}") };
    let bare = label.trim_matches('/');
    let everything = globs.iter().any(|glob| glob == "**");
    let away = Event::edit("notes/other.txt", "old", "new");
    let (predicate, sort, holds, fails) = if verb == Some(Cue::Read) {
        let test = PathTest { path: globs, not_path: Vec::new() };
        let read = |path: &str| Event::tool("Read", json!({ "file_path": path }));
        (Predicate::Read(test), Sort::Read, read(&path), read("notes/other.txt"))
    } else {
        let action = match verb {
            Some(Cue::Delete) => Some(FileAction::Delete),
            _ => None,
        };
        let holds = match action {
            Some(_) => Event::command(format!("rm {path}")),
            None => Event::edit(&path, "old", "new"),
        };
        let path = if everything { Vec::new() } else { globs };
        let test = FileTest { path, action, ..FileTest::default() };
        (Predicate::File(Box::new(test)), Sort::File, holds, if everything { Event::command("ls") } else { away })
    };
    Thing { predicate, sort, label: format!("`{label}`"), slug: slug(bare), holds, fails, known: None, renewed: false }
}

/// Added lines that hold a text.
pub(super) fn text_thing(text: &str) -> Thing {
    let test = FileTest { added: Some(TextTest::Contains(text.to_owned())), ..FileTest::default() };
    Thing {
        predicate: Predicate::File(Box::new(test)),
        sort: Sort::Code,
        label: format!("`{text}`"),
        slug: slug(text),
        holds: Event::edit("src/main.py", "old", format!("{text}\n")),
        fails: Event::edit("src/main.py", "old", "new\n"),
        known: None,
        renewed: false,
    }
}

/// An answer that holds a phrase.
fn reply_thing(text: &str) -> Thing {
    Thing {
        predicate: Predicate::Reply(TextTest::Mentions(text.to_owned())),
        sort: Sort::Reply,
        label: format!("“{text}”"),
        slug: slug(text),
        holds: Event::stop(format!("{text}. It works."), Vec::new()),
        fails: Event::stop("It works.", Vec::new()),
        known: None,
        renewed: false,
    }
}

/// A call of one of the agent's tools.
fn tool_thing(name: &str) -> Thing {
    Thing {
        predicate: Predicate::Tool(ToolTest { name: vec![name.to_owned()], ..ToolTest::default() }),
        sort: Sort::Tool,
        label: format!("the {name} tool"),
        slug: format!("{}-tool", slug(name)),
        holds: Event::tool(name, json!({})),
        fails: Event::tool(format!("{name}Other"), json!({})),
        known: None,
        renewed: false,
    }
}

/// The end of a turn.
pub(super) fn stop_thing() -> Thing {
    Thing {
        predicate: Predicate::Event(Moment::Stop),
        sort: Sort::Stop,
        label: "the end of the turn".to_owned(),
        slug: "done".to_owned(),
        holds: Event::stop("Done.", Vec::new()),
        fails: Event::command("ls"),
        known: None,
        renewed: false,
    }
}

/// The globs that a path stands for: a folder stands for all that lies in it, a bare name for it at any depth.
pub(super) fn globs(text: &str) -> Vec<String> {
    let text = text.strip_prefix("./").unwrap_or(text);
    if text.starts_with('.') && !text.contains('/') && text.chars().skip(1).all(|c| c.is_ascii_alphanumeric()) && text.len() <= 5 && text != ".env" {
        return vec![format!("*{text}")];
    }
    let bare = text.trim_end_matches('/');
    let named = bare.rsplit('/').next().is_some_and(|name| name.contains('.') || name.contains('*'));
    let folder = text.ends_with('/') || (text.contains('/') && !named);
    match (folder, bare.contains('/') || bare.starts_with('~')) {
        (true, false) => vec![format!("**/{bare}/**")],
        (true, true) => vec![format!("{bare}/**")],
        (false, _) => vec![text.to_owned()],
    }
}

/// A path that a glob matches.
pub(super) fn sample_path(glob: &str) -> String {
    let mut path = String::new();
    let mut rest = glob.strip_prefix("**/").unwrap_or(glob);
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**/") {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("**") {
            path.push_str("example.txt");
            rest = behind;
        } else if let (true, Some((inside, behind))) = (c == '{', rest.get(1..).and_then(|rest| rest.split_once('}'))) {
            path.push_str(inside.split(',').next().unwrap_or_default());
            rest = behind;
        } else {
            if c == '*' { path.push_str("example") } else { path.push(c) }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    path
}

/// The same event at another path.
pub(super) fn at_path(event: &Event, path: &str) -> Event {
    let mut event = event.clone();
    if let EventKind::PreToolUse { input: Value::Object(input), .. } | EventKind::PostToolUse { input: Value::Object(input), .. } = &mut event.kind {
        if let Some(known) = input.get_mut("file_path") {
            *known = Value::String(path.to_owned());
        } else if let Some(Value::String(command)) = input.get_mut("command")
            && command.starts_with("rm ")
        {
            *command = format!("rm {path}");
        }
    }
    event
}

/// The path that an event writes or reads.
pub(super) fn path_of(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => input.get("file_path").and_then(Value::as_str),
        _ => None,
    }
}

/// A few words as a part of a rule's name.
pub(super) fn slug(text: &str) -> String {
    let slug = crate::RuleId::slug(text);
    let short: String = slug.as_str().chars().take(40).collect();
    short.trim_matches('-').to_owned()
}
