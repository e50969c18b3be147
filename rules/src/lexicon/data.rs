//! The shape of the lexicon's files, and how each sort of thing becomes an entry; what its words mean is in
//! [`super::phrases`].

use super::phrases::{Of, Part};
use super::site::{Form, Site};
use super::{CodeTest, Entry, Event, FileTest, Kind, Moment, Predicate, TextTest, ToolTest, any_command};
use crate::predicate::FileAction;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// One file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Data {
    pub pasted: Vec<String>,
    pub extensions: Vec<String>,
    pub not_paths: Vec<String>,
    pub folders: Vec<String>,
    pub programs: Vec<String>,
    pub keywords: Vec<String>,
    cue: IgnoredAny,
    number: IgnoredAny,
    subject: IgnoredAny,
    measure: IgnoredAny,
    pub idiom: Vec<Idiom>,
    pub runner: Vec<Runner>,
    pub site: Vec<Site>,
    pub form: Vec<Form>,
    pub property: Vec<Property>,
    pub replacement: Vec<ReplacementData>,
    pub flag: Vec<Flag>,
    tool: Vec<Tool>,
    action: Vec<Action>,
    files: Vec<Files>,
    language: Vec<Language>,
    construct: Vec<Construct>,
    library: Vec<Library>,
    moment: Vec<MomentData>,
    agent_tool: Vec<AgentTools>,
    host: Vec<Host>,
}

/// What other programs are run through, as `uv run pytest` is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runner {
    /// How it is spelled, in front of the program.
    pub run: Vec<String>,
    /// The pattern of the programs that are meant where none is named.
    pub programs: String,
}

/// Phrases that mean what other words of the lexicon mean one after the other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Idiom {
    pub means: String,
    #[serde(rename = "words")]
    _words: IgnoredAny,
}

impl Part {
    /// A test on this part.
    pub(crate) fn test(self, test: TextTest) -> TextTest {
        match self {
            Self::Whole => test,
            Self::Title => TextTest::FirstLine(Box::new(test)),
            Self::Body => TextTest::Body(Box::new(test)),
        }
    }

    /// A text of which this is the part.
    pub(crate) fn text(self, part: &str) -> String {
        if self == Self::Body { format!("Add the parser\n\n{part}") } else { part.to_owned() }
    }
}

/// How a text can be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Property {
    pub name: String,
    /// How a text is said to be so: `in the imperative`.
    pub so: String,
    pub of: Vec<Of>,
    /// Whether what it forbids is forbidden in every text that can have it, where none is named.
    #[serde(default)]
    pub everywhere: bool,
    /// Whether it says nothing where what it is said of is not named.
    #[serde(default)]
    pub dependent: bool,
    /// The languages that it is a property of, where not of any file.
    #[serde(default)]
    pub language: Vec<String>,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    pub must: TextTest,
    /// What shows it where it is forbidden, if that is not what passes `must`.
    #[serde(default)]
    pub never: Option<TextTest>,
    /// The test on the lines of a file, where it is another one.
    #[serde(default)]
    pub in_file: Option<TextTest>,
    /// The test on the text of a commit, which is short, where it is another one.
    #[serde(default)]
    pub in_commit: Option<TextTest>,
    /// A regular expression for one of what there can be several of, from the beginning of its line.
    #[serde(default)]
    pub one: Option<String>,
    /// A text that passes the test.
    pub good: String,
    /// One that does not.
    pub bad: String,
}

/// What is said of a command where an option is meant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flag {
    #[serde(rename = "words")]
    _words: IgnoredAny,
    /// The action that it is an option of, where the words say so.
    pub of: Option<String>,
    /// The option, as it can be spelled.
    pub flags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplacementData {
    pub never: String,
    #[serde(rename = "use")]
    pub instead: String,
    pub steps: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    name: String,
    words: Option<Vec<String>>,
    run: OneOrMore,
    #[serde(default)]
    subcommands: Vec<String>,
    /// Whether each of its phrases is a command as it stands, as with a program whose name is a common word.
    #[serde(default)]
    literal: bool,
    group: Option<String>,
    violates: Vec<String>,
    clean: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    name: String,
    says: (String, String),
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    #[serde(default)]
    renewed: bool,
    run: BTreeMap<String, Vec<String>>,
    /// A regular expression for shell text that does it, too: variables are gone from the commands that it becomes.
    #[serde(default)]
    text: Option<String>,
    violates: Vec<String>,
    clean: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    name: String,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    path: Vec<String>,
    #[serde(default)]
    not_path: Vec<String>,
    violates: Vec<String>,
    clean: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    name: String,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    extensions: Vec<String>,
    group: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Construct {
    name: String,
    says: Option<(String, String)>,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    tests: Vec<ConstructTest>,
    group: Option<String>,
    violates: BTreeMap<String, String>,
    clean: BTreeMap<String, String>,
}

/// A library, as the code that imports it and the manifest that lists it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Library {
    name: String,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    modules: Vec<String>,
    /// What it is for: one library of a group takes the place of another.
    group: String,
}

/// One way in which a construct is found: a pattern or a kind of node, or a test on the added lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstructTest {
    /// Globs of files, where their language does not tell them apart.
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    language: Vec<String>,
    #[serde(default)]
    pattern: Vec<String>,
    #[serde(default)]
    kind: Vec<String>,
    text: Option<TextTest>,
    added: Option<TextTest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MomentData {
    event: Moment,
    #[serde(rename = "words")]
    _words: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentTools {
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    name: String,
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
}

impl Data {
    /// Every thing that a user can name, as an entry.
    ///
    /// INVARIANT: they come in the order in which `Vocabulary::phrases` numbers them.
    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        let (literal, named): (Vec<_>, Vec<_>) = self.tool.into_iter().partition(|tool| tool.literal);
        let agent_tools = self.agent_tool.into_iter().flat_map(|tools| tools.names);
        let host = |host: Host| Entry::new(&host.name, Kind::Host, Predicate::All(Vec::new()), Vec::new(), Vec::new());
        (literal.into_iter().flat_map(Tool::spelled))
            .chain(self.moment.into_iter().map(MomentData::entry))
            .chain(agent_tools.map(|name| agent_tool(&name)))
            .chain(self.host.into_iter().map(host))
            .chain(named.into_iter().map(Tool::entry))
            .chain(self.action.into_iter().map(Action::entry))
            .chain(self.files.into_iter().map(Files::entry))
            .chain(self.language.into_iter().map(Language::entry))
            .chain(self.construct.into_iter().map(Construct::entry))
            .chain(self.library.into_iter().map(Library::entry))
    }
}

impl Tool {
    pub(super) fn entry(self) -> Entry {
        let patterns = match self.run {
            OneOrMore::One(pattern) => vec![pattern],
            OneOrMore::More(patterns) => patterns,
        };
        let (violates, clean) = (commands(self.violates), commands(self.clean));
        let entry = Entry::new(&self.name, Kind::Tool, any_command(&patterns), violates, clean);
        Entry { group: self.group, subcommands: self.subcommands, ..entry }
    }

    /// Each phrase as the command that it is as it stands: what else the program does is not meant.
    fn spelled(self) -> impl Iterator<Item = Entry> {
        let Self { name, words, group, clean, .. } = self;
        words.unwrap_or_else(|| vec![name]).into_iter().map(move |phrase| {
            let says = Some((format!("run `{phrase}`"), format!("running `{phrase}`")));
            let (violates, clean) = (commands(vec![phrase.clone()]), commands(clean.clone()));
            let entry = Entry::new(&phrase.replace(' ', "-"), Kind::Action, any_command([&phrase]), violates, clean);
            Entry { says, group: group.clone(), ..entry }
        })
    }
}

impl Action {
    pub(super) fn entry(self) -> Entry {
        let mut predicate = any_command(self.run.values().flatten());
        if let Some(text) = self.text {
            let value = Some(TextTest::Matches(text));
            let text = ToolTest { name: Vec::new(), arg: Some("/command".to_owned()), value };
            predicate = Predicate::Any(vec![predicate, Predicate::Tool(text)]);
        }
        let by_language =
            self.run.iter().map(|(language, patterns)| (language.clone(), any_command(patterns))).collect();
        let entry = Entry::new(&self.name, Kind::Action, predicate, commands(self.violates), commands(self.clean));
        Entry { says: Some(self.says), renewed: self.renewed, by_language, ..entry }
    }
}

impl Files {
    pub(super) fn entry(self) -> Entry {
        let test = FileTest { path: self.path, not_path: self.not_path, ..FileTest::default() };
        Entry::new(&self.name, Kind::Files, file(test), edits(self.violates), edits(self.clean))
    }
}

impl Language {
    pub(super) fn entry(self) -> Entry {
        let path = self.extensions.iter().map(|extension| format!("*.{extension}")).collect();
        let violates = self.extensions.iter().map(|extension| format!("src/main.{extension}"));
        let entry = Entry::new(
            &self.name,
            Kind::Language,
            file(FileTest { path, ..FileTest::default() }),
            edits(violates),
            edits(["notes.txt".to_owned()]),
        );
        Entry { group: self.group, ..entry }
    }
}

impl Construct {
    pub(super) fn entry(self) -> Entry {
        let mut tests: Vec<_> = self.tests.into_iter().map(|test| file(test.file())).collect();
        let predicate = if tests.len() == 1 { tests.remove(0) } else { Predicate::Any(tests) };
        let entry = Entry::new(&self.name, Kind::Construct, predicate, writes(self.violates), writes(self.clean));
        Entry { says: self.says, group: self.group, ..entry }
    }
}

impl ConstructTest {
    fn file(self) -> FileTest {
        let code = CodeTest { pattern: self.pattern, kind: self.kind, text: self.text, not_inside: Vec::new() };
        let code = (code != CodeTest::default()).then_some(code);
        FileTest { path: self.path, language: self.language, added: self.added, code, ..FileTest::default() }
    }
}

impl Library {
    pub(super) fn entry(self) -> Entry {
        let names: Vec<_> = self.modules.iter().map(|name| name.replace('.', "\\.")).collect();
        let names = names.join("|");
        let quoted = format!("(from|require\\(|import|import\\()\\s*['\"]({names})(/[^'\"]*)?['\"]");
        let plain = format!("^\\s*(import|from|use|using|require)\\s+['\"]?({names})\\b|(^|[^\\w:])({names})::");
        let listed = format!("^\\s*['\"]?({names})['\"]?\\s*[:=]\\s*['\"{{^~]?[\\^~v\\d'\"{{]");
        let added = |pattern: String| Some(TextTest::Matches(pattern));
        let code = FileTest { added: added(format!("{quoted}|{plain}")), ..FileTest::default() };
        let path = ["package.json", "Cargo.toml", "pyproject.toml"].map(str::to_owned).to_vec();
        let manifest = FileTest { path, added: added(listed), ..FileTest::default() };
        let name = self.modules.first().cloned().unwrap_or_default();
        let import = |name: &str| vec![Event::write("src/app.ts", format!("import {{ a }} from \"{name}\";\n"))];
        let entry = Entry::new(
            &self.name,
            Kind::Construct,
            Predicate::Any(vec![file(code), file(manifest)]),
            import(&name),
            import("./a"),
        );
        Entry { group: Some(self.group), ..entry }
    }
}

impl MomentData {
    fn entry(self) -> Entry {
        let (name, violates) = match self.event {
            Moment::Stop => ("done", vec![Event::stop("Done.", Vec::new())]),
            _ => ("moment", Vec::new()),
        };
        let clean = vec![Event::command("ls")];
        Entry::new(name, Kind::Moment, Predicate::Event(self.event), violates, clean)
    }
}

fn agent_tool(name: &str) -> Entry {
    let predicate = Predicate::Tool(ToolTest { name: vec![name.to_owned()], ..ToolTest::default() });
    let violates = vec![Event::tool(name, serde_json::json!({}))];
    let clean = vec![Event::tool(format!("{name}Other"), serde_json::json!({}))];
    Entry::new(&format!("{}-tool", name.to_lowercase()), Kind::AgentTool, predicate, violates, clean)
}

impl Property {
    /// Whether it says in which natural language something is.
    pub(crate) fn is_tongue(&self) -> bool {
        self.so.strip_prefix("in ").is_some_and(|name| name.starts_with(char::is_uppercase))
    }

    /// The property as something that holds of an event.
    pub(crate) fn entry(&self) -> Entry {
        let of = self.of.first().copied().unwrap_or(Of::Reply);
        let event = |text: &str| vec![self.event(of, text)];
        Entry::new(&self.name, Kind::Property, self.test(of, Part::Whole), event(&self.good), event(&self.bad))
    }

    /// The property as a test on what it is said of.
    pub(crate) fn test(&self, of: Of, part: Part) -> Predicate {
        self.spoken(of.test(part.test(self.shown(of).clone())))
    }

    /// The test on the text alone.
    pub(crate) fn shown(&self, of: Of) -> &TextTest {
        let own = match of {
            Of::File => self.in_file.as_ref(),
            Of::Commit | Of::Request => self.in_commit.as_ref(),
            _ => None,
        };
        own.unwrap_or(&self.must)
    }

    /// The property as something that is not to be; none where its lack is all that shows.
    pub(crate) fn forbidden(&self, of: Of, part: Part) -> Option<Predicate> {
        let test = self.never.as_ref().or(Some(&self.must).filter(|must| !matches!(must, TextTest::Not(_))))?;
        Some(self.spoken(of.test(part.test(test.clone()))))
    }

    /// Everything that can have the property.
    pub(crate) fn all(&self, of: Of) -> Predicate {
        self.spoken(of.test(TextTest::All(Vec::new())))
    }

    /// A test on files in the property's languages.
    fn spoken(&self, mut predicate: Predicate) -> Predicate {
        if let Predicate::File(test) = &mut predicate {
            test.language.clone_from(&self.language);
        }
        predicate
    }

    /// An event with such a text, in a file of the property's language.
    pub(crate) fn event(&self, of: Of, text: &str) -> Event {
        let path = match self.language.first().map(String::as_str) {
            _ if of == Of::Name => return Event::write(format!("src/{text}"), "new\n"),
            Some("typescript") => "src/app.ts",
            Some("tsx") => "src/App.tsx",
            Some("c") => "src/app.c",
            Some("csharp") => "src/App.cs",
            Some("elixir") => "lib/app.ex",
            Some("go") => "app/app.go",
            Some("java") => "src/App.java",
            Some("markdown") => "docs/guide.md",
            Some("bash") => "bin/run.sh",
            _ => return of.event(text),
        };
        if matches!(of, Of::File | Of::Lines | Of::Content) { Event::write(path, text) } else { of.event(text) }
    }
}

impl Of {
    /// The test on a text as a test on an event.
    pub(crate) fn test(self, text: TextTest) -> Predicate {
        match self {
            Self::Commit => Predicate::Commit(text),
            Self::Request => Predicate::PullRequest(text),
            Self::Reply => Predicate::Reply(text),
            // Only its beginning can be told, from the command that makes it.
            Self::Branch => Predicate::Any(Vec::new()),
            Self::File | Self::Lines => file(FileTest { added: Some(text), ..FileTest::default() }),
            Self::Name => file(FileTest { name: Some(text), action: Some(FileAction::Create), ..FileTest::default() }),
            Self::Content => file(FileTest { content: Some(text), ..FileTest::default() }),
        }
    }

    /// An event with such a text.
    pub(crate) fn event(self, text: &str) -> Event {
        match self {
            Self::Commit => {
                let quoted = text.replace('\'', "'\\''");
                Event::command(format!("git commit -m '{quoted}'"))
            }
            Self::Request => {
                let quoted = text.replace('\'', "'\\''");
                let (title, body) = quoted.split_once('\n').unwrap_or((&quoted, ""));
                Event::command(format!("gh pr create --title '{title}' --body '{}'", body.trim_start()))
            }
            Self::Reply => Event::stop(text, Vec::new()),
            Self::File | Self::Lines | Self::Content => Event::write("src/main.py", text),
            Self::Name => Event::write(format!("src/{text}"), "new\n"),
            Self::Branch => Event::command(format!("git checkout -b {text}")),
        }
    }
}

fn file(test: FileTest) -> Predicate {
    Predicate::File(Box::new(test))
}

fn commands(texts: Vec<String>) -> Vec<Event> {
    texts.into_iter().map(Event::command).collect()
}

fn edits(paths: impl IntoIterator<Item = String>) -> Vec<Event> {
    paths.into_iter().map(|path| Event::edit(path, "old", "new")).collect()
}

fn writes(files: BTreeMap<String, String>) -> Vec<Event> {
    files.into_iter().map(|(path, text)| Event::write(path, text)).collect()
}
