//! Things that can happen: each as a predicate with an event of which it holds and one close by of which it does not.

use crate::lexicon::{Cue, Entry, Kind};
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
    /// Whether it was written as it stands in code.
    pub literal: bool,
    /// Whether `or`, `and` or a comma joins it to the thing before it.
    pub joined: bool,
}

impl Thing {
    /// Several things as one, of which any may happen.
    pub(super) fn any(things: &[Self]) -> Option<Self> {
        let first = things.first()?;
        if things.len() == 1 {
            return Some(first.clone());
        }
        let join = |part: fn(&Self) -> &str, by: &str| things.iter().map(part).collect::<Vec<_>>().join(by);
        Some(Self {
            predicate: Predicate::Any(things.iter().map(|thing| thing.predicate.clone()).collect()),
            label: join(|thing| &thing.label, " or "),
            slug: join(|thing| &thing.slug, "-or-"),
            renewed: things.iter().all(|thing| thing.renewed),
            ..first.clone()
        })
    }
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

pub(super) fn entry_thing(entry: &Entry, label: &str, verb: Option<Cue>, languages: &[String]) -> Thing {
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
        label.clone_into(&mut thing.label);
        if entry.kind == Kind::Language
            && verb == Some(Cue::Use)
            && let Predicate::File(test) = &mut thing.predicate
        {
            test.action = Some(FileAction::Create);
        }
        if let (Some(Event { kind: EventKind::PreToolUse { input, .. }, .. }), Some(_)) =
            (entry.violates.first(), test.path.first())
            && let Some(path) = input.get("file_path").and_then(Value::as_str)
        {
            thing.holds = at_path(&thing.holds, path);
        }
        return thing;
    }
    let spoken: Vec<_> = entry
        .by_language
        .iter()
        .filter(|(language, _)| languages.iter().any(|known| known.eq_ignore_ascii_case(language)))
        .collect();
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
        label: match entry.kind {
            Kind::Tool => format!("`{}`", entry.name),
            Kind::Construct => entry.name.replace('-', " "),
            _ => label.to_owned(),
        },
        slug: entry.name.clone(),
        holds: holds.or_else(|| entry.violates.first().cloned()).unwrap_or_else(|| Event::command("true")),
        fails: entry.clean.first().cloned().unwrap_or_else(|| Event::command("ls")),
        known: Some((entry.name.clone(), entry.group.clone())),
        renewed: entry.renewed,
        literal: false,
        joined: false,
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
pub(super) fn command_thing(text: &str, lexicon: Option<&Lexicon>) -> Thing {
    let text = text.split_whitespace().filter(|word| !word.starts_with('<')).collect::<Vec<_>>().join(" ");
    let pattern = text.replace(['|', '$'], "");
    let (program, rest) = pattern.split_once(' ').unwrap_or((&pattern, ""));
    let tool = lexicon.and_then(|lexicon| lexicon.entry_named(program, Kind::Tool));
    let predicate = match tool.map(|tool| &tool.predicate) {
        Some(Predicate::Any(parts)) => Predicate::Any(parts.iter().map(|part| followed(part, rest)).collect()),
        Some(Predicate::Command(known)) => {
            followed(&Predicate::command(known.run.split('|').next().unwrap_or(program)), rest)
        }
        _ => Predicate::command(&pattern),
    };
    let mention = if program == "grep" {
        "cat notes.txt".to_owned()
    } else {
        format!("grep -rn '{}' docs", text.replace('\'', ""))
    };
    Thing {
        predicate,
        sort: Sort::Command,
        label: format!("`{text}`"),
        slug: slug(&text),
        known: tool.map(|tool| (tool.name.clone(), None)),
        renewed: ["test", "check", "lint", "clippy"].iter().any(|word| text.contains(word)),
        literal: false,
        joined: false,
        fails: Event::command(mention),
        holds: Event::command(pattern.replace('*', "tool")),
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
pub(super) fn path_thing(text: &str, verb: Option<Cue>) -> Thing {
    file_thing(globs(text), text, verb)
}

/// Files under these globs.
pub(super) fn file_thing(globs: Vec<String>, label: &str, verb: Option<Cue>) -> Thing {
    let path = globs.first().map_or_else(|| "src/main.rs".to_owned(), |glob| sample_path(glob));
    let path = if path.contains('/') || globs.iter().any(|glob| !glob.starts_with('*')) {
        path
    } else {
        format!("src/{path}")
    };
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
            Some(Cue::Create) => Some(FileAction::Create),
            _ => None,
        };
        let holds = match action {
            Some(FileAction::Delete) => Event::command(format!("rm {path}")),
            Some(_) => Event::write(&path, "new\n"),
            None => Event::edit(&path, "old", "new"),
        };
        let path = if everything { Vec::new() } else { globs };
        let test = FileTest { path, action, ..FileTest::default() };
        (Predicate::File(Box::new(test)), Sort::File, holds, if everything { Event::command("ls") } else { away })
    };
    Thing {
        predicate,
        sort,
        label: format!("`{label}`"),
        slug: slug(bare),
        holds,
        fails,
        known: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// Added lines that hold a text.
pub(super) fn text_thing(text: &str) -> Thing {
    // A plain word is looked for whole, anything else as it stands.
    let plain = text.chars().all(char::is_alphanumeric);
    let found = if plain { TextTest::Mentions(text.to_owned()) } else { TextTest::Contains(text.to_owned()) };
    let lines = FileTest { added: Some(found), ..FileTest::default() };
    Thing {
        predicate: Predicate::File(Box::new(lines)),
        sort: Sort::Code,
        label: format!("`{text}`"),
        slug: slug(text),
        holds: Event::edit("src/main.py", "old", format!("{text}\n")),
        fails: Event::edit("src/main.py", "old", "new\n"),
        known: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// An answer that holds a phrase.
pub(super) fn reply_thing(text: &str) -> Thing {
    Thing {
        predicate: Predicate::Reply(TextTest::Mentions(text.to_owned())),
        sort: Sort::Reply,
        label: format!("“{text}”"),
        slug: slug(text),
        holds: Event::stop(format!("{text}. It works."), Vec::new()),
        fails: Event::stop("It works.", Vec::new()),
        known: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// A call of one of the agent's tools.
pub(super) fn tool_thing(name: &str) -> Thing {
    Thing {
        predicate: Predicate::Tool(ToolTest { name: vec![name.to_owned()], ..ToolTest::default() }),
        sort: Sort::Tool,
        label: format!("the {name} tool"),
        slug: format!("{}-tool", slug(name)),
        holds: Event::tool(name, json!({})),
        fails: Event::tool(format!("{name}Other"), json!({})),
        known: None,
        renewed: false,
        literal: false,
        joined: false,
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
        literal: false,
        joined: false,
    }
}

/// The globs that a path stands for: a folder stands for all that lies in it, a bare name for it at any depth.
pub(super) fn globs(text: &str) -> Vec<String> {
    let text = text.strip_prefix("./").unwrap_or(text);
    if text.starts_with('.')
        && !text.contains('/')
        && text.chars().skip(1).all(|c| c.is_ascii_alphanumeric())
        && text.len() <= 5
        && text != ".env"
    {
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
            if c == '*' {
                path.push_str("example");
            } else {
                path.push(c);
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    path
}

/// The same event at another path.
pub(super) fn at_path(event: &Event, path: &str) -> Event {
    let mut event = event.clone();
    if let EventKind::PreToolUse { input: Value::Object(input), .. }
    | EventKind::PostToolUse { input: Value::Object(input), .. } = &mut event.kind
    {
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
        EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
            input.get("file_path").and_then(Value::as_str)
        }
        _ => None,
    }
}

/// A few words as a part of a rule's name.
pub(super) fn slug(text: &str) -> String {
    let slug = crate::RuleId::slug(text);
    let short: String = slug.as_str().chars().take(40).collect();
    short.trim_matches('-').to_owned()
}
