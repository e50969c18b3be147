//! Things that can happen: each as a predicate with an event of which it holds and one close by of which it does not.

use super::name::Place;
use super::path::{globs, sample_path};
use super::spelled::{escaped, spelled};
use super::witness::{Witness, path_of};
use crate::lexicon::{Cue, Entry, Kind};
use crate::predicate::{CommandTest, FileAction, FileTest, Moment, PathTest, TextTest, ToolTest};
use crate::{Event, Lexicon, Predicate};
use serde_json::json;

/// Folders that go by these names wherever they lie.
const FOLDERS: [&str; 8] = ["node_modules", "dist", "build", "target", "__pycache__", "venv", "vendor", "coverage"];

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
    pub holds: Witness,
    /// An event close by of which it does not.
    pub fails: Witness,
    /// The lexicon's name and group for it, where it has them.
    pub known: Option<(String, Option<String>)>,
    /// How titles say it, where that does not follow from the label: to do it, and doing it.
    pub says: Option<(String, String)>,
    /// Whether a later change of code undoes it.
    pub renewed: bool,
    /// Whether it was written as it stands in code.
    pub literal: bool,
    /// Whether `or`, `and` or a comma joins it to the thing before it.
    pub joined: bool,
}

impl Thing {
    /// To do it, as titles say it.
    pub(super) fn act(&self) -> String {
        let verb = match self.sort {
            Sort::Command if self.label.starts_with('`') => "run",
            Sort::Command | Sort::Other => "",
            Sort::File => "update",
            Sort::Code => "write",
            Sort::Read => "read",
            Sort::Reply => "say",
            Sort::Tool => "use",
            Sort::Stop => return "end the turn".to_owned(),
        };
        self.says
            .as_ref()
            .map_or_else(|| format!("{verb} {}", self.label).trim_start().to_owned(), |(act, _)| act.clone())
    }

    /// Doing it, as titles say it.
    pub(super) fn doing(&self) -> String {
        let action = match &self.predicate {
            Predicate::File(test) => test.action,
            _ => None,
        };
        let verb = match (self.sort, action) {
            (Sort::Command, _) if self.label.starts_with('`') => "running",
            (Sort::Command | Sort::Other, _) => "",
            (Sort::File, Some(FileAction::Create)) => "creating",
            (Sort::File, Some(FileAction::Delete)) => "deleting",
            (Sort::File, _) => "editing",
            (Sort::Code, _) => "writing",
            (Sort::Read, _) => "reading",
            (Sort::Reply, _) => "saying",
            (Sort::Tool, _) => "using",
            (Sort::Stop, _) => return "ending the turn".to_owned(),
        };
        self.says
            .as_ref()
            .map_or_else(|| format!("{verb} {}", self.label).trim_start().to_owned(), |(_, doing)| doing.clone())
    }

    /// The files that it is about, as a place.
    pub(super) fn place(&self) -> Place {
        let globs = match &self.predicate {
            Predicate::File(test) => test.path.clone(),
            _ => Vec::new(),
        };
        Place::Files { globs, label: self.label.trim_matches('`').to_owned(), outside: false }
    }

    /// A text with an ending as the file that it names, where only files can be meant.
    pub(super) fn as_file(&self) -> Self {
        let label = self.label.trim_matches('`');
        let ending = label
            .rsplit_once('.')
            .is_some_and(|(_, ending)| !ending.is_empty() && ending.chars().all(char::is_alphanumeric));
        if self.sort == Sort::Code && self.literal && ending && !label.contains(char::is_whitespace) {
            return Self { literal: true, ..file_thing(globs(label), label, None) };
        }
        if self.sort == Sort::Code && self.literal && FOLDERS.contains(&label) {
            return Self { literal: true, ..file_thing(globs(&format!("{label}/")), label, None) };
        }
        self.clone()
    }

    /// The commands that would commit it, if it is files of a kind.
    pub(super) fn staged(&self) -> Option<Self> {
        let paths = match &self.predicate {
            Predicate::File(test) => &test.path,
            // `check .env into version control`
            Predicate::Read(test) => &test.path,
            _ => return None,
        };
        let globs: Vec<_> = paths.iter().filter(|glob| *glob != "**").collect();
        let first = globs.first()?;
        let names = globs.iter().flat_map(|glob| {
            let bare = glob.trim_start_matches("**/").trim_end_matches("/**");
            let inside = glob.ends_with("/**").then(|| format!("{bare}/*|*/{bare}/*"));
            [Some(bare.to_owned()), Some(format!("*/{bare}")), inside].into_iter().flatten()
        });
        let pattern = format!("git add|stage|commit ** {}", names.collect::<Vec<_>>().join("|"));
        Some(Self {
            predicate: Predicate::command(&pattern),
            sort: Sort::Command,
            label: self.label.clone(),
            says: Some((format!("commit {}", self.label), format!("committing {}", self.label))),
            slug: format!("commit-{}", self.slug),
            holds: Witness::command(format!("git add {}", sample_path(first))),
            fails: Witness::command("git add src/lib.rs"),
            known: None,
            ..self.clone()
        })
    }

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
            says: things.iter().any(|thing| thing.says.is_some()).then(|| {
                let say = |says: fn(&Self) -> String| things.iter().map(says).collect::<Vec<_>>().join(" or ");
                (say(Self::act), say(Self::doing))
            }),
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
    // What an idiom stands for is named by the lexicon.
    let spoken = entry.name.replace('-', " ");
    // So is what is said by where it is not.
    let label = if label.is_empty() || label.starts_with("outside") { &*spoken } else { label };
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
        if let Predicate::File(own) = &mut thing.predicate {
            own.not_path.clone_from(&test.not_path);
        }
        // `the schema`, but `config files`, `a file`, `CSS`.
        let whole = entry.kind == Kind::Files && !stands_alone(label);
        thing.label = if whole { format!("the {label}") } else { label.to_owned() };
        if entry.kind == Kind::Language
            && verb == Some(Cue::Use)
            && let Predicate::File(test) = &mut thing.predicate
        {
            test.action = Some(FileAction::Create);
        }
        if (test.path.first().or(test.not_path.first())).is_some()
            && let Some(path) = entry.violates.first().and_then(|event| path_of(event))
        {
            thing.holds = thing.holds.at(path);
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
        Some(predicate) => sample_command(predicate).map(Witness::command),
        None => None,
    };
    Thing {
        predicate: narrowed.unwrap_or_else(|| entry.predicate.clone()),
        sort,
        label: match entry.kind {
            Kind::Tool => format!("`{}`", called(entry, label)),
            Kind::Construct if label.trim_matches('`').contains('`') => label.to_owned(),
            // What is spelled as in code is shown as code.
            Kind::Construct if label.contains(['.', '(', '!', '@', ':', '*']) || entry.name.starts_with(label) => {
                format!("`{}`", label.trim_matches('`'))
            }
            Kind::AgentTool => format!("the {label}"),
            _ => label.to_owned(),
        },
        slug: entry.name.clone(),
        holds: holds.or_else(|| entry.violates.first().map(Witness::from)).unwrap_or_else(|| Witness::command("true")),
        fails: entry.clean.first().map_or_else(|| Witness::command("ls"), Witness::from),
        known: Some((entry.name.clone(), entry.group.clone())),
        says: entry.says.clone(),
        renewed: entry.renewed,
        literal: false,
        joined: false,
    }
}

/// The name of a program: as it is written, where that is one of those that it goes by (`./gradlew`).
fn called<'t>(entry: &'t Entry, written: &'t str) -> &'t str {
    let name = written.rsplit('/').next().unwrap_or(written);
    let goes_by = match &entry.predicate {
        Predicate::Command(test) => {
            test.run.split(' ').next().is_some_and(|programs| programs.split('|').any(|one| one == name))
        }
        _ => false,
    };
    if goes_by && (written.contains('/') || name != entry.name) { written } else { &entry.name }
}

/// Whether a noun stands without `the`: a plural, or one with an article of its own.
fn stands_alone(noun: &str) -> bool {
    noun.ends_with('s')
        || noun.starts_with(['.', '`'])
        || ["a ", "any ", "each ", "every ", "any", "files "].iter().any(|article| noun.starts_with(article))
}

/// A command that is written out, without its options and what follows them.
pub(super) fn optionless(thing: &Thing) -> Thing {
    let text = thing.label.trim_matches('`');
    let words: Vec<_> = text.split(' ').take_while(|word| !word.starts_with('-')).collect();
    Thing { literal: true, ..command_thing(&words.join(" "), None) }
}

/// Where a function that is written out with its parentheses is defined, and not where it is called.
pub(super) fn defined(thing: &Thing) -> Option<Thing> {
    const WORDS: &str = "function|def|fn|func|fun|sub|public|private|protected|internal|static|async|override|void";
    let name = thing.label.trim_matches('`').strip_suffix("()").filter(|_| thing.sort == Sort::Code)?;
    let Predicate::File(test) = &thing.predicate else { return None };
    let added = Some(TextTest::Matches(format!(r"\b(?:{WORDS})\b[^;=(\n]*\b{}\s*\(", escaped(name))));
    let write = |text: String| Witness::edit("src/main.php", "", text);
    Some(Thing {
        predicate: Predicate::File(Box::new(FileTest { added, ..(**test).clone() })),
        slug: format!("{}-defined", slug(name)),
        says: Some((format!("define `{name}()`"), format!("defining `{name}()`"))),
        holds: write(format!("public function {name}() {{\n")),
        fails: write(format!("$a->{name}();\n")),
        ..thing.clone()
    })
}

/// A command text that the first pattern of a predicate finds.
fn sample_command(predicate: &Predicate) -> Option<String> {
    sample_commands(predicate).into_iter().next()
}

/// Command texts that the patterns of a predicate find, one for each.
pub(super) fn sample_commands(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Command(test) => {
            let words = test.run.split(' ').filter(|word| !matches!(*word, "$" | "**") && !word.starts_with('!'));
            let first = |word: &str| word.split('|').next().unwrap_or_default().replace('*', "x");
            vec![words.map(first).collect::<Vec<_>>().join(" ")]
        }
        Predicate::Any(parts) | Predicate::All(parts) => parts.iter().flat_map(sample_commands).collect(),
        _ => Vec::new(),
    }
}

/// A command that is written out, as it is shown and as it is looked for.
struct Written {
    /// An assignment in front of it.
    assigned: Option<String>,
    shown: String,
    pattern: String,
}

impl Written {
    fn of(text: &str) -> Self {
        let mut text = text.to_owned();
        while let Some((start, length)) = text.find('<').and_then(|at| text.get(at..)?.find('>').map(|to| (at, to))) {
            let inside = text.get(start..=start + length).unwrap_or_default();
            if !inside.contains(' ') {
                break;
            }
            text.replace_range(start..=start + length, "…");
        }
        let open = |word: &str| {
            let bare = word.trim_matches(['"', '\'']);
            bare.starts_with(['<', '[', '…']) || bare == "..." || bare.contains("path/to/")
        };
        let (mut assigned, mut shown, mut pattern) = (None, Vec::new(), Vec::new());
        let (mut behind, mut gap) = (false, false);
        for word in text.split_whitespace() {
            // What stands for something else, and the mark behind which another program's arguments begin, match nothing.
            behind |= word == "--";
            if open(word) || word == "--" || behind && !word.starts_with('-') {
                gap |= !shown.is_empty() && open(word);
            } else if shown.is_empty() && assigned.is_none() && is_assignment(word) {
                assigned = Some(word.to_owned());
            } else {
                // Any words stand between two that are given.
                pattern.extend((std::mem::take(&mut gap) && !word.starts_with('-')).then_some("**".to_owned()));
                shown.push(word);
                let argument = shown.len() > 1 && variable(word).is_some();
                pattern.push(match shown.len() {
                    // Whatever a variable holds.
                    _ if argument => "*".to_owned(),
                    2 => either(word),
                    _ => word.replace(['|', '$'], ""),
                });
            }
        }
        Self { assigned, shown: shown.join(" "), pattern: pattern.join(" ") }
    }
}

/// The name of the variable that a word of a command consists of: `"$TOKEN"`, `${TOKEN}`.
fn variable(word: &str) -> Option<&str> {
    let name = word.trim_matches(['"', '\'']).strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let named = name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    named.then_some(name)
}

/// `echo $TOKEN`: what a variable holds does not show, but that it is printed does.
fn printed(text: &str) -> Option<Predicate> {
    let (program, rest) = text.split_once(' ').filter(|(program, _)| matches!(*program, "echo" | "printf"))?;
    let name = variable(rest)?;
    let value = Some(TextTest::Matches(format!(r"\b{program}\b[^\n|;&]*\$\{{?{name}\b")));
    Some(Predicate::Tool(ToolTest { name: Vec::new(), arg: Some("/command".to_owned()), value }))
}

/// A word of a command for matching; of `kubectl apply/edit/delete` any is meant.
fn either(word: &str) -> String {
    let verb = |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase());
    let several = word.matches('/').count() > 1 && word.split('/').all(verb);
    if several { word.replace('/', "|") } else { word.replace(['|', '$'], "") }
}

/// Whether a word of a command sets a variable of its environment.
pub(super) fn is_assignment(word: &str) -> bool {
    let named =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    word.split_once('=').is_some_and(|(name, value)| named(name) && !value.is_empty())
}

/// A command that is written out; a program that goes by several names is looked for under each.
pub(super) fn command_thing(text: &str, lexicon: Option<&Lexicon>) -> Thing {
    let Written { assigned, shown: text, pattern } = Written::of(text);
    let (program, rest) = pattern.split_once(' ').unwrap_or((&pattern, ""));
    // Commands are known by the name of the program, wherever it lies.
    let path = program;
    let program = program.rsplit(['/', '\\']).find(|name| !name.is_empty()).unwrap_or(program);
    // A POSIX shell reads `scripts\gen.bat` without its backslash.
    let bare = if path.contains('\\') { format!("|{}", path.replace('\\', "")) } else { String::new() };
    let pattern = format!("{program}{bare} {rest}").trim_end().to_owned();
    let tool = lexicon.and_then(|lexicon| lexicon.entry_named(program, Kind::Tool));
    let predicate = match tool.map(|tool| &tool.predicate) {
        Some(Predicate::Any(parts)) => Predicate::Any(parts.iter().map(|part| followed(part, rest)).collect()),
        Some(Predicate::Command(known)) => {
            followed(&Predicate::command(known.run.split('|').next().unwrap_or(program)), rest)
        }
        _ => Predicate::command(&pattern),
    };
    let predicate = match script(program, rest) {
        Some(other) => Predicate::Any(vec![predicate, Predicate::command(&other)]),
        None => predicate,
    };
    let predicate = printed(&text).unwrap_or(predicate);
    let predicate = assigned.iter().fold(predicate, |predicate, assigned| under_assignment(predicate, assigned));
    let start = assigned.map(|assigned| format!("{assigned} ")).unwrap_or_default();
    let mention = if program == "grep" {
        "cat notes.txt".to_owned()
    } else {
        format!("grep -rn '{}' docs", text.replace('\'', ""))
    };
    Thing {
        predicate,
        sort: Sort::Command,
        label: format!("`{start}{text}`"),
        slug: slug(&text),
        known: tool.map(|tool| (tool.name.clone(), None)),
        says: None,
        renewed: ["test", "check", "lint", "clippy"].iter().any(|word| text.contains(word)),
        literal: false,
        joined: false,
        fails: Witness::command(mention),
        holds: Witness::command(match printed(&text) {
            Some(_) => text.clone(),
            None => start + &pattern.replace("** ", "").replace('*', "tool"),
        }),
    }
}

/// The other way to call a script of a package: `pnpm build` for `pnpm run build`.
fn script(program: &str, rest: &str) -> Option<String> {
    const OWN: [&str; 40] = [
        "add",
        "install",
        "i",
        "remove",
        "rm",
        "uninstall",
        "un",
        "update",
        "up",
        "upgrade",
        "link",
        "unlink",
        "dlx",
        "exec",
        "create",
        "init",
        "publish",
        "pack",
        "audit",
        "why",
        "outdated",
        "list",
        "ls",
        "config",
        "store",
        "patch",
        "import",
        "prune",
        "fetch",
        "deploy",
        "rebuild",
        "workspace",
        "workspaces",
        "cache",
        "set",
        "info",
        "x",
        "pm",
        "run-script",
        "ci",
    ];
    let (first, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let plain =
        |word: &str| !word.is_empty() && !OWN.contains(&word) && word.starts_with(|c: char| c.is_ascii_lowercase());
    match program {
        "pnpm" | "yarn" | "bun" if first == "run" && plain(more) => Some(format!("{program} {more}")),
        "pnpm" | "yarn" | "bun"
            if plain(first)
                && (program, first) != ("bun", "test")
                && first != "run"
                && !first.contains(['|', '*', '.', '/']) =>
        {
            Some(format!("{program} run {rest}"))
        }
        "npm" if matches!(first, "test" | "start") => Some(format!("npm run {rest}")),
        _ => None,
    }
}

/// The same commands where a variable of their environment is set in front of them.
fn under_assignment(predicate: Predicate, assigned: &str) -> Predicate {
    match predicate {
        Predicate::Any(parts) => {
            Predicate::Any(parts.into_iter().map(|part| under_assignment(part, assigned)).collect())
        }
        Predicate::Command(test) => Predicate::Command(CommandTest { env: Some(assigned.to_owned()), ..test }),
        other => other,
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
    let mut found = globs(text);
    if !text.ends_with('/') && found == [format!("{text}/**")] {
        // `doc/changelog` may be a folder or a file.
        found.push(text.to_owned());
    }
    file_thing(found, text, verb)
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
    let ending = label.starts_with('.') && globs.first().is_some_and(|glob| glob.starts_with("*."));
    let everything = globs.iter().any(|glob| glob == "**");
    let away = Witness::edit("notes/other.txt", "old", "new");
    let (predicate, sort, holds, fails) = if verb == Some(Cue::Read) {
        let test = PathTest { path: globs, not_path: Vec::new() };
        (Predicate::Read(test), Sort::Read, Witness::read(path), Witness::read("notes/other.txt"))
    } else {
        let action = match verb {
            Some(Cue::Delete) => Some(FileAction::Delete),
            Some(Cue::Create) => Some(FileAction::Create),
            _ => None,
        };
        let holds = match action {
            Some(FileAction::Delete) => Witness::command(format!("rm {path}")),
            Some(_) => Witness::write(path, "new\n"),
            None => Witness::edit(path, "old", "new"),
        };
        let path = if everything { Vec::new() } else { globs };
        let test = FileTest { path, action, ..FileTest::default() };
        (Predicate::File(Box::new(test)), Sort::File, holds, if everything { Witness::command("ls") } else { away })
    };
    Thing {
        predicate,
        sort,
        label: if ending { format!("`{label}` files") } else { format!("`{label}`") },
        slug: slug(bare),
        holds,
        fails,
        known: None,
        says: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// Whether a code span reads like a command: plain words and flags, and not the beginning of a statement.
pub(super) fn is_command_like(text: &str, lexicon: &Lexicon) -> bool {
    let mut words = text.split_whitespace();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:@".contains(c);
    let program = words.next().is_some_and(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c == '.')
            && word.chars().all(plain)
            && !word.ends_with(':')
            && !lexicon.is_keyword(word)
    });
    let argument = |word: &str| {
        let text = word.trim_end_matches('*');
        word.starts_with(['-', '<', '[']) || word == "..." || (text.chars().all(plain) && !lexicon.is_keyword(word))
    };
    let count = words.clone().count();
    program && (text.starts_with("./") || (1..8).contains(&count)) && words.all(argument)
}

/// Added lines that hold a text.
pub(super) fn text_thing(text: &str) -> Thing {
    let found = spelled(text);
    // A word that is not only a name may stand in any document.
    let word = text.chars().all(|c| c.is_ascii_lowercase());
    let not_path = if word { ["*.md", "*.mdx", "*.rst", "*.txt"].map(str::to_owned).to_vec() } else { Vec::new() };
    let lines = FileTest { added: Some(found), not_path, ..FileTest::default() };
    Thing {
        predicate: Predicate::File(Box::new(lines)),
        sort: Sort::Code,
        label: format!("`{text}`"),
        slug: slug(text),
        holds: Witness::edit("src/main.py", "old", format!("{text}\n")),
        fails: Witness::edit("src/main.py", "old", "new\n"),
        known: None,
        says: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// Added lines, of documents too, that hold a word in any case.
pub(super) fn word_thing(word: &str) -> Thing {
    let lines = FileTest { added: Some(TextTest::Mentions(word.to_owned())), ..FileTest::default() };
    Thing { predicate: Predicate::File(Box::new(lines)), ..text_thing(word) }
}

/// Code that imports a module.
pub(super) fn import_thing(module: &str) -> Thing {
    let names = module.trim_matches('/');
    // A file is imported by its name without the ending, from wherever it lies.
    let file = [".ts", ".tsx", ".js", ".jsx", ".mjs", ".py"].iter().find_map(|ending| names.strip_suffix(ending));
    let place = if file.is_some() || module.ends_with('/') { "(?:[\\w@~.-]*/)*" } else { "" };
    let names = file.unwrap_or(names);
    let heads = "import|from|export|use|using|require|#include|(const|let|var)\\b.*require\\(";
    let line = format!("^\\s*({heads})[^\\n]*[\\s\"'(]{place}{}($|[\\s\"';,./:)])", escaped(names));
    // What lies in a folder may import what lies beside it.
    let not_path = if module.ends_with('/') { globs(module) } else { Vec::new() };
    let lines = FileTest { added: Some(TextTest::Matches(line)), not_path, ..FileTest::default() };
    Thing {
        predicate: Predicate::File(Box::new(lines)),
        slug: format!("import-{}", slug(names)),
        says: Some((format!("import `{module}`"), format!("importing `{module}`"))),
        holds: Witness::edit("src/app.ts", "old", format!("import {{ a }} from \"{names}\";\n")),
        ..text_thing(module)
    }
}

/// An answer that holds a phrase.
pub(super) fn reply_thing(text: &str) -> Thing {
    let said = text.trim_end_matches(['!', '.', '?', ',', ' ', '…']);
    Thing {
        predicate: Predicate::Reply(TextTest::Mentions(said.to_owned())),
        sort: Sort::Reply,
        label: format!("“{text}”"),
        slug: slug(text),
        holds: Event::stop(format!("{text}. It works."), Vec::new()).into(),
        fails: Event::stop("It works.", Vec::new()).into(),
        known: None,
        says: None,
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
        holds: Event::tool(name, json!({})).into(),
        fails: Event::tool(format!("{name}Other"), json!({})).into(),
        known: None,
        says: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// Whether a code span names a skill as hosts write it: `/review`.
pub(super) fn is_skill(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-:_".contains(c);
    text.strip_prefix('/').is_some_and(|name| !name.is_empty() && name.chars().all(plain))
}

/// A skill that the agent takes up.
pub(super) fn skill_thing(name: &str) -> Thing {
    let value = Some(TextTest::EndsWith(name.to_owned()));
    let test = ToolTest { name: vec!["Skill".to_owned()], arg: Some("/skill".to_owned()), value };
    Thing {
        predicate: Predicate::Tool(test),
        label: format!("the skill `{name}`"),
        slug: format!("{}-skill", slug(name)),
        holds: Event::tool("Skill", json!({ "skill": name })).into(),
        fails: Event::tool("Skill", json!({ "skill": "other" })).into(),
        ..tool_thing("Skill")
    }
}

/// The end of a turn.
pub(super) fn stop_thing() -> Thing {
    Thing {
        predicate: Predicate::Event(Moment::Stop),
        sort: Sort::Stop,
        label: "the end of the turn".to_owned(),
        slug: "done".to_owned(),
        holds: Event::stop("Done.", Vec::new()).into(),
        fails: Witness::command("ls"),
        known: None,
        says: None,
        renewed: false,
        literal: false,
        joined: false,
    }
}

/// A few words as a part of a rule's name.
pub(super) fn slug(text: &str) -> String {
    let slug = crate::RuleId::slug(text);
    shortened(slug.as_str(), 40, '-').to_owned()
}

/// A text cut to so many characters between two words, unless it is one long word.
pub(super) fn shortened(text: &str, most: usize, between: char) -> &str {
    let Some((end, _)) = text.char_indices().nth(most) else { return text };
    let cut = text.get(..=end).unwrap_or(text);
    let end = cut.rfind(between).filter(|at| *at > most / 2).unwrap_or(end);
    text.get(..end).unwrap_or(text).trim_end_matches(|c: char| !c.is_alphanumeric())
}
