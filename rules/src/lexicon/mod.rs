//! What is known about the world, as data: the words that carry a correction's grammar, and the things that it is about.
//!
//! The data lies in `lexicon/*.toml`; a user's own file has the same shape and wins over the built-in one. Every thing
//! has events of which it holds and events close by of which it does not, which are its tests.
//!
//! INVARIANT: a lookup is one hash of one word and a walk over the phrases that begin with it, longest first, so that
//! reading a message takes time linear in its length. There is no stemming and no fuzzy match: a form that is to be
//! known is listed.

mod data;
mod equivalent;
mod listed;
mod phrases;
mod site;
mod table;

use crate::directive::Replacement;
use crate::event::Event;
use crate::predicate::{CodeTest, CommandTest, FileTest, Moment, Predicate, TextTest, ToolTest};
use crate::understand::words;
use crate::{Code, Diagnostic, Span};
use data::{Data, Runner};
pub(crate) use data::{Flag, Property};
pub use equivalent::means_the_same;
use listed::{Held, Listed};
use phrases::{Counts, List, Phrases, Vocabulary};
pub(crate) use phrases::{Cue, Measure, Of, Part, Sense};
pub(crate) use site::{Form, Shape, Site};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, OnceLock};
pub(crate) use table::Table;

/// What the files of `lexicon/` say beside what words mean, as it was when this was built.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/lexicon.json"));

/// The built-in phrases.
static PHRASES: LazyLock<Table<List>> = LazyLock::new(|| {
    let slots = include_bytes!(concat!(env!("OUT_DIR"), "/phrases.slots"));
    Table::new(slots, include_bytes!(concat!(env!("OUT_DIR"), "/phrases.records")))
});

/// The built-in knowledge, read when it is first asked for.
static BUILTIN: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon { built_in: Some(&PHRASES), ..Lexicon::empty() };
    let files: Vec<Data> = serde_json::from_str(BUILT_IN).unwrap_or_default();
    for (data, (things, properties, sites)) in files.into_iter().zip(listed::built_in()) {
        lexicon.add(data);
        lexicon.entries.extend(things.into_iter().map(Listed::from));
        lexicon.properties.extend(properties.into_iter().map(Held::from));
        lexicon.sites.extend(sites.into_iter().map(Held::from));
    }
    lexicon
});

/// What is known about the world.
#[derive(Debug, Clone)]
pub struct Lexicon {
    entries: Vec<Listed>,
    /// The places of the entries, by name and sort, made when the first is asked for by its name.
    by_name: OnceLock<Vec<usize>>,
    properties: Vec<Held<Property>>,
    replacements: Vec<(String, String, Vec<Replacement>)>,
    flags: Vec<Flag>,
    idioms: Vec<Vec<String>>,
    runners: Vec<Runner>,
    sites: Vec<Held<Site>>,
    forms: Vec<Form>,
    pasted: Vec<String>,
    extensions: BTreeSet<String>,
    not_paths: BTreeSet<String>,
    folders: BTreeSet<String>,
    programs: BTreeSet<String>,
    keywords: BTreeSet<String>,
    /// The phrases that are built in, where they are known.
    built_in: Option<&'static Table<List>>,
    /// Those by whose first word something was learnt since, with the built-in ones.
    learnt: Phrases,
}

/// A thing that can be true of an event, with events that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name, a slug.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The test for it.
    pub predicate: Predicate,
    /// Events of which it holds.
    pub violates: Vec<Arc<Event>>,
    /// Events close by of which it does not hold.
    pub clean: Vec<Arc<Event>>,
    /// Things of one group can take each other's place.
    pub group: Option<String>,
    /// How titles say it, where it is something to do: to do it, and doing it (`commit`, `committing`).
    pub says: Option<(String, String)>,
    /// Whether a later change of code undoes it, as with tests that ran before the change.
    pub renewed: bool,
    /// Words that may follow its name as a part of the command.
    pub subcommands: Vec<String>,
    /// The tests that are for one language only, where it has such.
    pub by_language: Vec<(String, Predicate)>,
}

/// The sorts of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program.
    Tool,
    /// Something that commands do, whatever the program.
    Action,
    /// A kind of file.
    Files,
    /// A programming language, as the files written in it.
    Language,
    /// Something written in code.
    Construct,
    /// A property of a commit message, a reply or a file.
    Property,
    /// A tool of the agent itself.
    AgentTool,
    /// A moment of the session.
    Moment,
    /// A program that hosts agents; as a predicate, nothing.
    Host,
}

/// A phrase that was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match<'a> {
    /// How many words it takes.
    pub words: usize,
    /// What it can mean.
    pub senses: &'a [Sense],
}

impl Lexicon {
    /// The built-in lexicon.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The built-in lexicon without the tools, actions, files, languages, constructs and libraries that it knows by name: the forms
    /// of sentences, properties and places stay. For measuring what those names are worth.
    pub fn nameless() -> Self {
        let mut lexicon = Self::builtin().clone();
        let is_named = |sense: &Sense| match sense {
            Sense::Entry(at) => lexicon.entries.get(*at).is_some_and(Listed::is_named),
            _ => false,
        };
        let all = PHRASES.words().map(|word| {
            let mut phrases = Vec::from(PHRASES.get(word).cloned().unwrap_or_default());
            phrases.retain_mut(|phrase| {
                phrase.senses.retain(|sense| !is_named(sense));
                !phrase.senses.is_empty()
            });
            (word.to_owned(), List::from(phrases))
        });
        lexicon.learnt = Phrases(all.collect());
        lexicon.built_in = None;
        lexicon
    }

    /// A user's own file by itself.
    ///
    /// # Errors
    /// What is wrong with the file, with the place.
    pub fn alone(text: &str, file: &str) -> Result<Self, Diagnostic> {
        Self::empty().with(text, file)
    }

    /// This lexicon with a user's own file added.
    ///
    /// # Errors
    /// What is wrong with the file, with the place.
    pub fn with(&self, text: &str, file: &str) -> Result<Self, Diagnostic> {
        let wrong = |error: toml::de::Error| {
            let diagnostic = Diagnostic::of(Code::RuleFileSyntax, error.message().to_owned())
                .help("mend the lexicon file; its shape is that of the built-in `lexicon/*.toml`");
            match error.span() {
                Some(range) => diagnostic.at(Span::within(file, text, range)),
                None => diagnostic,
            }
        };
        let data = toml::from_str(text).map_err(wrong)?;
        let vocabulary: Vocabulary = toml::from_str(text).map_err(wrong)?;
        let mut lexicon = self.clone();
        for (phrase, sense) in vocabulary.phrases(&mut lexicon.counts()) {
            let known = |first: &str| self.built_in.and_then(|phrases| phrases.get(first)).cloned().unwrap_or_default();
            lexicon.learnt.learn(&phrase, sense, known);
        }
        lexicon.add(data);
        Ok(lexicon)
    }

    /// Everything that can be true of an event: what the user can name, and the properties of texts.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.entries
            .iter()
            .filter(|listed| listed.kind != Kind::Host)
            .filter_map(Listed::entry)
            .cloned()
            .chain(self.properties.iter().filter_map(Held::get).map(Property::entry))
    }

    pub(crate) fn entry(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)?.entry()
    }

    /// The entry of this name and sort; of several, the one that was added last.
    pub(crate) fn entry_named(&self, name: &str, kind: Kind) -> Option<&Entry> {
        let of = |at: &usize| self.entries.get(*at).map(|listed| (&*listed.name, listed.kind));
        let by_name = self.by_name.get_or_init(|| {
            let mut places: Vec<_> = (0..self.entries.len()).collect();
            places.sort_by_key(of);
            places
        });
        let last = by_name.partition_point(|at| of(at) <= Some((name, kind))).checked_sub(1)?;
        let found = by_name.get(last).filter(|at| of(at) == Some((name, kind)))?;
        self.entries.get(*found)?.entry()
    }

    /// The tools, or the things in code, that can take this one's place.
    pub(crate) fn rivals<'a>(&'a self, name: &'a str, group: &'a str) -> impl Iterator<Item = &'a Entry> {
        let rivals = self.entries.iter().filter(move |listed| {
            matches!(listed.kind, Kind::Tool | Kind::Construct | Kind::Language)
                && listed.group.as_deref() == Some(group)
                && listed.name != name
        });
        rivals.filter_map(Listed::entry)
    }

    pub(crate) fn property(&self, at: usize) -> Option<&Property> {
        self.properties.get(at)?.get()
    }

    pub(crate) fn site(&self, at: usize) -> Option<&Site> {
        self.sites.get(at)?.get()
    }

    pub(crate) fn form(&self, at: usize) -> Option<&Form> {
        self.forms.get(at)
    }

    /// The form of this name.
    pub(crate) fn form_named(&self, name: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.name == name)
    }

    /// The words that an idiom stands for.
    pub(crate) fn idiom(&self, at: usize) -> &[String] {
        self.idioms.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    /// The programs that are run through a text such as `bundle exec`, if it is one that programs are run through.
    pub(crate) fn runs(&self, text: &str) -> Option<&str> {
        let text = text.trim_end_matches(" --").trim_end();
        self.runners
            .iter()
            .rev()
            .find(|runner| runner.run.iter().any(|run| run == text))
            .map(|runner| &*runner.programs)
    }

    pub(crate) fn flag(&self, at: usize) -> Option<&Flag> {
        self.flags.get(at)
    }

    /// The steps from one thing to the one that takes its place, most special first.
    pub(crate) fn replacements(&self, never: &str, instead: &str) -> Option<&[Replacement]> {
        self.replacements.iter().rev().find(|(from, to, _)| from == never && to == instead).map(|(.., steps)| &**steps)
    }

    /// Whether a line begins as pasted output does.
    pub(crate) fn is_pasted(&self, line: &str) -> bool {
        let line = line.trim_start();
        self.pasted.iter().any(|start| line.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
    }

    /// Whether files end so, without the full stop.
    pub(crate) fn is_extension(&self, ending: &str) -> bool {
        self.extensions.contains(ending)
    }

    /// Whether a word belongs to a programming language, so that a text with it is code and no command.
    pub(crate) fn is_keyword(&self, word: &str) -> bool {
        self.keywords.contains(word)
    }

    /// Whether a word has the shape of a path, a file name or a glob.
    pub(crate) fn is_path(&self, word: &str) -> bool {
        if !word.contains(['/', '.', '*']) {
            return false;
        }
        let code = ["://", "()", "::", "->", "="].iter().any(|mark| word.contains(mark));
        // `@docs/guide.md` mentions a file, `@scope/name` is a package.
        let mentioned = word.strip_prefix('@').filter(|path| path.contains('/'));
        let of_file = |path: &str| path.rsplit_once('.').is_some_and(|(_, ending)| self.extensions.contains(ending));
        let foreign = code
            || word.starts_with(['-', '$', ':'])
            || word.starts_with("mcp__")
            || word.starts_with('@') && !mentioned.is_some_and(of_file);
        let blank = !word.contains(|c: char| c.is_alphanumeric() || c == '*');
        let code = word.contains('/') && word.split('/').all(|part| self.keywords.contains(part) || part == "do-while");
        if foreign
            || blank
            || code
            || word.contains(char::is_whitespace)
            || self.not_paths.contains(&word.to_lowercase())
        {
            return false;
        }
        let name = word.rsplit('/').next().unwrap_or_default();
        // What stands alone and ends so is more often a member (`process.env`, `Math.log`) than a file.
        let member = |head: &str, ending: &str| {
            matches!(ending, "env" | "key" | "log") && !head.is_empty() && name == word && !head.contains(['*', '.'])
        };
        let known = |(head, ending): &(&str, &str)| self.extensions.contains(*ending) && !member(head, ending);
        let ending = name.split_once('.').filter(known);
        let last = name.rsplit_once('.').filter(known);
        let plain = |c: char| c.is_alphanumeric() || "/_-.*{},@".contains(c);
        (word.starts_with('/') && word.len() > 1)
            || word.starts_with("~/")
            || word.starts_with("./")
            || word.ends_with('/')
            || (word.contains('/') && word.chars().all(plain))
            || ending.is_some()
            || last.is_some()
            || (word.contains('*') && word.chars().any(char::is_alphanumeric))
    }

    /// Whether every system has a program of this name.
    pub(crate) fn is_program(&self, word: &str) -> bool {
        self.programs.contains(word)
    }

    /// Whether a path that stands in prose is one, and not two words with a slash between them (`getters/setters`).
    pub(crate) fn is_prose_path(&self, word: &str) -> bool {
        let marked = word.contains(['.', '*', '~', '{', '_', '-']) || word.starts_with('/') || word.ends_with('/');
        let shouted = |first: &str| !first.chars().any(char::is_lowercase);
        let known = |first: &str| !shouted(first) && self.folders.contains(&first.to_lowercase());
        let known = word.split('/').next().is_some_and(known);
        !word.contains('/') || marked || known
    }

    /// The longest phrase at the beginning of these words (in lower case).
    pub(crate) fn longest<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Option<Match<'_>> {
        let mut ahead = words;
        let first = ahead.next()?;
        let learnt = if self.learnt.0.is_empty() { None } else { self.learnt.0.get(first) };
        let phrases = match learnt {
            Some(phrases) => phrases,
            None => self.built_in?.get(first)?,
        };
        let found = phrases.longest(&ahead)?;
        Some(Match { words: found.rest.count() + 1, senses: &found.senses })
    }

    fn empty() -> Self {
        Self {
            entries: Vec::new(),
            by_name: OnceLock::new(),
            properties: Vec::new(),
            replacements: Vec::new(),
            flags: Vec::new(),
            idioms: Vec::new(),
            runners: Vec::new(),
            sites: Vec::new(),
            forms: Vec::new(),
            pasted: Vec::new(),
            extensions: BTreeSet::new(),
            not_paths: BTreeSet::new(),
            folders: BTreeSet::new(),
            programs: BTreeSet::new(),
            keywords: BTreeSet::new(),
            built_in: None,
            learnt: Phrases::default(),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            entries: self.entries.len(),
            properties: self.properties.len(),
            flags: self.flags.len(),
            idioms: self.idioms.len(),
            sites: self.sites.len(),
            forms: self.forms.len(),
        }
    }

    /// Takes in what a file says beside what words mean.
    fn add(&mut self, mut data: Data) {
        self.pasted.append(&mut data.pasted);
        self.extensions.extend(std::mem::take(&mut data.extensions));
        self.not_paths.extend(std::mem::take(&mut data.not_paths));
        self.folders.extend(std::mem::take(&mut data.folders));
        self.programs.extend(std::mem::take(&mut data.programs));
        self.keywords.extend(std::mem::take(&mut data.keywords));
        self.runners.append(&mut data.runner);
        self.sites.extend(data.site.drain(..).map(Held::of));
        self.forms.append(&mut data.form);
        self.idioms.extend(data.idiom.iter().map(|idiom| words(&idiom.means)));
        self.properties.extend(data.property.drain(..).map(Held::of));
        self.flags.append(&mut data.flag);
        for replacement in std::mem::take(&mut data.replacement) {
            let steps = replacement.steps.into_iter().map(|(from, to)| Replacement { from, to }).collect();
            self.replacements.push((replacement.never, replacement.instead, steps));
        }
        self.entries.extend(data.into_entries().map(Listed::from));
        self.by_name = OnceLock::new();
    }
}

impl Entry {
    /// A thing that holds of some of these events and not of the others.
    fn new(name: &str, kind: Kind, predicate: Predicate, violates: Vec<Event>, clean: Vec<Event>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            predicate,
            violates: violates.into_iter().map(Arc::new).collect(),
            clean: clean.into_iter().map(Arc::new).collect(),
            group: None,
            says: None,
            renewed: false,
            subcommands: Vec::new(),
            by_language: Vec::new(),
        }
    }
}

/// Any of these command patterns.
fn any_command<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Predicate {
    let mut tests: Vec<_> =
        patterns.into_iter().map(|pattern| Predicate::Command(CommandTest::from(&**pattern))).collect();
    match tests.len() {
        1 => tests.remove(0),
        _ => Predicate::Any(tests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A thing of each sort, in another order than they are numbered in.
    const SORTS: &str = r#"
            [[host]]
            name = "hosted"
            words = ["the hosting thing"]
            [[library]]
            name = "lib"
            words = ["lib", "tests lib", "integration lib"]
            modules = ["lib"]
            group = "libs"
            [[construct]]
            name = "built"
            words = ["built thing"]
            tests = [{ added = { matches = "x" } }]
            violates = { "a.rs" = "x" }
            clean = { "a.rs" = "y" }
            [[language]]
            name = "spoken"
            words = ["spoken thing"]
            extensions = ["spk"]
            [[moment]]
            event = "stop"
            words = ["the last thing"]
            [[files]]
            name = "filed"
            words = ["filed thing"]
            path = ["f"]
            violates = ["f"]
            clean = ["g"]
            [[action]]
            name = "acted"
            says = ["act", "acting"]
            words = ["acted thing"]
            run = { any = ["act"] }
            violates = ["act"]
            clean = ["ls"]
            [[tool]]
            name = "used"
            run = "used"
            violates = ["used"]
            clean = ["ls"]
            [[tool]]
            name = "spelled"
            words = ["spelled one", "spelled two"]
            run = "spelled"
            literal = true
            violates = ["spelled one"]
            clean = ["ls"]
            [[agent_tool]]
            names = ["Grasp"]
        "#;

    /// What a phrase can mean, by name.
    fn meanings(lexicon: &Lexicon, phrase: &str) -> Vec<String> {
        let words = words(&phrase.replace('…', " "));
        let found = lexicon.longest(words.iter().map(String::as_str));
        let senses = found.map(|found| found.senses.to_vec()).unwrap_or_default();
        let name = |sense: Sense| match sense {
            Sense::Entry(at) => format!("{:?} {}", lexicon.entries[at].kind, lexicon.entries[at].name),
            Sense::Property(at) => format!("property {}", lexicon.property(at).unwrap().name),
            Sense::Flag(at) => format!("flag {:?}", lexicon.flags[at].flags),
            Sense::Idiom(at) => format!("idiom {:?}", lexicon.idioms[at]),
            Sense::Site(at) => format!("site {}", lexicon.site(at).unwrap().name),
            Sense::Form(at) => format!("form {}", lexicon.forms[at].name),
            other => format!("{other:?}"),
        };
        senses.into_iter().map(name).collect()
    }

    #[test]
    fn what_the_build_script_laid_out_is_what_its_files_say_when_they_are_read_as_a_users() {
        let files = [
            "words",
            "tools",
            "commands",
            "files",
            "constructs",
            "web",
            "languages",
            "libraries",
            "properties",
            "sites",
        ];
        let (mut read, mut phrases) = (Lexicon::empty(), Vec::new());
        for name in files {
            let text = fs::read_to_string(format!("lexicon/{name}.toml")).unwrap();
            let vocabulary: Vocabulary = toml::from_str(&text).unwrap();
            phrases.extend(vocabulary.phrases(&mut Counts::default()));
            read = read.with(&text, name).unwrap();
        }
        assert!(phrases.len() > 10_000, "{}", phrases.len());
        let built = Lexicon::builtin();
        assert_eq!(read.counts(), built.counts());
        for (phrase, _) in &phrases {
            let expected = meanings(&read, phrase);
            assert!(!expected.is_empty(), "`{phrase}` is not found");
            assert_eq!(meanings(built, phrase), expected, "{phrase}");
        }
        assert_eq!(PHRASES.words().count(), read.learnt.0.len());
        for word in ["", "zzz", "neve", "neverr", "日"] {
            assert_eq!(PHRASES.get(word).is_some(), read.learnt.0.contains_key(word), "{word}");
        }
    }

    #[test]
    fn things_of_all_sorts_are_found_by_what_they_are_called() {
        let lexicons = [Lexicon::alone(SORTS, "own").unwrap(), Lexicon::builtin().with(SORTS, "own").unwrap()];
        for lexicon in &lexicons {
            for (phrase, expected) in [
                ("hosting thing", "Host hosted"),
                ("lib", "Construct lib"),
                ("built thing", "Construct built"),
                ("spoken thing", "Language spoken"),
                ("last thing", "Moment done"),
                ("filed thing", "Files filed"),
                ("acted thing", "Action acted"),
                ("used", "Tool used"),
                ("spelled one", "Action spelled-one"),
                ("spelled two", "Action spelled-two"),
                ("tool grasp", "AgentTool grasp-tool"),
            ] {
                assert_eq!(meanings(lexicon, phrase).first().map(String::as_str), Some(expected), "{phrase}");
            }
        }
        // What is built in under the same first words is still there.
        for phrase in ["tests", "tests pass", "integration tests"] {
            let expected = meanings(Lexicon::builtin(), phrase);
            assert!(!expected.is_empty());
            assert_eq!(meanings(&lexicons[1], phrase), expected, "{phrase}");
        }
    }
}
