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
mod site;

use crate::directive::Replacement;
use crate::event::Event;
use crate::predicate::{CodeTest, CommandTest, FileTest, Moment, Predicate, TextTest, ToolTest};
use crate::understand::words;
use crate::{Code, Diagnostic, Span};
pub(crate) use data::{Cue, Flag, Measure, Of, Part, Property};
use data::{Data, Runner};
pub use equivalent::means_the_same;
use listed::{BuiltIn, Listed};
use serde::Deserialize;
pub(crate) use site::{Form, Shape, Site};
use smallvec::{SmallVec, smallvec};
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// The files of `lexicon/`, as they were when this was built.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/lexicon.json"));

/// The built-in knowledge, read when it is first asked for.
static BUILTIN: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon::empty();
    for File { data, things } in files() {
        lexicon.add(data);
        for mut thing in things {
            let words = std::mem::take(&mut thing.words);
            lexicon.list(&words, thing.into());
        }
    }
    lexicon
});

fn files() -> Vec<File> {
    serde_json::from_str(BUILT_IN).unwrap_or_default()
}

/// One file as it is built in.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct File {
    data: Data,
    /// What most messages do not name.
    things: Vec<BuiltIn>,
}

/// What is known about the world.
#[derive(Debug, Clone)]
pub struct Lexicon {
    entries: Vec<Listed>,
    properties: Vec<Property>,
    replacements: Vec<(String, String, Vec<Replacement>)>,
    flags: Vec<Flag>,
    idioms: Vec<Vec<String>>,
    runners: Vec<Runner>,
    sites: Vec<Site>,
    forms: Vec<Form>,
    pasted: Vec<String>,
    extensions: BTreeSet<String>,
    not_paths: BTreeSet<String>,
    folders: BTreeSet<String>,
    programs: BTreeSet<String>,
    keywords: BTreeSet<String>,
    index: HashMap<String, Vec<Phrase>>,
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
    pub violates: Vec<Event>,
    /// Events close by of which it does not hold.
    pub clean: Vec<Event>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What a phrase can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    Cue(Cue),
    Entry(usize),
    Property(usize),
    Subject(Of, Part),
    Measure(Measure),
    Number(u32),
    /// An option of a command.
    Flag(usize),
    /// What other words mean one after the other.
    Idiom(usize),
    /// Names or texts in code.
    Site(usize),
    /// A form of such.
    Form(usize),
}

/// A phrase behind its first word.
#[derive(Debug, Clone)]
struct Phrase {
    rest: Words,
    /// Words that must come within eight words behind it.
    tail: Words,
    /// Mostly one.
    senses: SmallVec<[Sense; 1]>,
}

/// Words in one piece of memory: there are tens of thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Words(Box<str>);

impl Words {
    /// What stands between two words, and in none.
    const BETWEEN: char = '\n';

    fn of(words: impl Iterator<Item = String>) -> Self {
        let mut text = String::new();
        for word in words {
            text += &word;
            text.push(Self::BETWEEN);
        }
        Self(text.into_boxed_str())
    }

    fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split_terminator(Self::BETWEEN)
    }

    fn count(&self) -> usize {
        self.0.matches(Self::BETWEEN).count()
    }
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
        let mut lexicon = Self::empty();
        for file in files() {
            lexicon.add(file.data);
        }
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
        let data = toml::from_str(text).map_err(|error| {
            let diagnostic = Diagnostic::of(Code::RuleFileSyntax, error.message().to_owned())
                .help("mend the lexicon file; its shape is that of the built-in `lexicon/*.toml`");
            match error.span() {
                Some(range) => diagnostic.at(Span::within(file, text, range)),
                None => diagnostic,
            }
        })?;
        let mut lexicon = self.clone();
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
            .chain(self.properties.iter().map(Property::entry))
    }

    pub(crate) fn entry(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)?.entry()
    }

    pub(crate) fn entry_named(&self, name: &str, kind: Kind) -> Option<&Entry> {
        self.entries.iter().rev().find(|listed| listed.name == name && listed.kind == kind)?.entry()
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
        self.properties.get(at)
    }

    pub(crate) fn site(&self, at: usize) -> Option<&Site> {
        self.sites.get(at)
    }

    pub(crate) fn form(&self, at: usize) -> Option<&Form> {
        self.forms.get(at)
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
        let code = ["://", "()", "::", "->", "="].iter().any(|mark| word.contains(mark));
        // `@docs/guide.md` mentions a file, `@scope/name` is a package.
        let mentioned = word.strip_prefix('@').filter(|path| path.contains('/'));
        let of_file = |path: &str| path.rsplit_once('.').is_some_and(|(_, ending)| self.extensions.contains(ending));
        let foreign = code || word.starts_with(['-', '$']) || word.starts_with('@') && !mentioned.is_some_and(of_file);
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
        let known = word.split('/').next().is_some_and(|first| self.folders.contains(&first.to_lowercase()));
        !word.contains('/') || marked || known
    }

    /// The longest phrase at the beginning of these words (in lower case).
    pub(crate) fn longest<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Option<Match<'_>> {
        let mut ahead = words;
        let first = ahead.next()?;
        let fits = |phrase: &&Phrase| {
            let mut words = ahead.clone();
            phrase.rest.iter().all(|word| words.next() == Some(word)) && holds_tail(&phrase.tail, words)
        };
        let found = self.index.get(first)?.iter().find(fits)?;
        Some(Match { words: found.rest.count() + 1, senses: &found.senses })
    }

    fn empty() -> Self {
        Self {
            entries: Vec::new(),
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
            index: HashMap::new(),
        }
    }

    fn learn(&mut self, phrase: &str, sense: Sense) {
        let (head, tail) = phrase.split_once('…').unwrap_or((phrase, ""));
        let mut head = words(head).into_iter();
        let Some(first) = head.next() else { return };
        let (rest, tail) = (Words::of(head), Words::of(words(tail).into_iter()));
        let phrases = self.index.entry(first).or_default();
        if let Some(known) = phrases.iter_mut().find(|known| known.rest == rest && known.tail == tail) {
            // What is learned later comes first: a user's own word wins.
            known.senses.insert(0, sense);
            return;
        }
        let own = rest.count() + tail.count();
        let longer = |known: &Phrase| known.rest.count() + known.tail.count() >= own;
        let at = phrases.iter().position(|known| !longer(known)).unwrap_or(phrases.len());
        // Most words begin one phrase only, and each prompt of a user's makes all of this anew: there is room for little more.
        if phrases.len() == phrases.capacity() {
            phrases.reserve_exact(1 + phrases.len() / 4);
        }
        phrases.insert(at, Phrase { rest, tail, senses: smallvec![sense] });
    }

    /// Takes in a thing with what it is called.
    fn list(&mut self, names: &[impl AsRef<str>], listed: Listed) {
        let at = self.entries.len();
        for name in names {
            // An article in front is skipped when a message is read, so it is no part of the name.
            let name = name.as_ref();
            self.learn(name.strip_prefix("the ").unwrap_or(name), Sense::Entry(at));
        }
        self.entries.push(listed);
    }

    fn add(&mut self, mut data: Data) {
        self.pasted.append(&mut data.pasted);
        self.extensions.extend(std::mem::take(&mut data.extensions));
        self.not_paths.extend(std::mem::take(&mut data.not_paths));
        self.folders.extend(std::mem::take(&mut data.folders));
        self.programs.extend(std::mem::take(&mut data.programs));
        self.keywords.extend(std::mem::take(&mut data.keywords));
        for cue in &data.cue {
            for phrase in cue.phrases.values().flatten() {
                self.learn(phrase, Sense::Cue(cue.means));
            }
        }
        for number in &data.number {
            number.words.iter().for_each(|word| self.learn(word, Sense::Number(number.value)));
        }
        self.runners.append(&mut data.runner);
        for site in std::mem::take(&mut data.site) {
            site.words.iter().for_each(|word| self.learn(word, Sense::Site(self.sites.len())));
            self.sites.push(site);
        }
        for form in std::mem::take(&mut data.form) {
            form.words.iter().for_each(|word| self.learn(word, Sense::Form(self.forms.len())));
            self.forms.push(form);
        }
        for idiom in &data.idiom {
            let at = self.idioms.len();
            idiom.words.iter().for_each(|phrase| self.learn(phrase, Sense::Idiom(at)));
            self.idioms.push(words(&idiom.means));
        }
        for subject in &data.subject {
            subject.words.iter().for_each(|word| self.learn(word, Sense::Subject(subject.of, subject.part)));
        }
        for measure in &data.measure {
            measure.words.iter().for_each(|word| self.learn(word, Sense::Measure(measure.test)));
        }
        for property in std::mem::take(&mut data.property) {
            let at = self.properties.len();
            property.words.iter().for_each(|word| self.learn(word, Sense::Property(at)));
            self.properties.push(property);
        }
        for flag in std::mem::take(&mut data.flag) {
            let at = self.flags.len();
            flag.words.iter().for_each(|word| self.learn(word, Sense::Flag(at)));
            self.flags.push(flag);
        }
        for replacement in std::mem::take(&mut data.replacement) {
            let steps = replacement.steps.into_iter().map(|(from, to)| Replacement { from, to }).collect();
            self.replacements.push((replacement.never, replacement.instead, steps));
        }
        for (names, entry) in data.into_entries() {
            self.list(&names, entry.into());
        }
    }
}

/// Whether the tail comes within the next eight words; an empty one always does.
fn holds_tail<'w>(tail: &Words, words: impl Iterator<Item = &'w str> + Clone) -> bool {
    let Some(first) = tail.iter().next() else { return true };
    let mut ahead = words.take(8 + tail.count());
    while let Some(word) = ahead.next() {
        let mut behind = ahead.clone();
        if word == first && tail.iter().skip(1).all(|word| behind.next() == Some(word)) {
            return true;
        }
    }
    false
}

impl Entry {
    /// A thing that holds of some of these events and not of the others.
    fn new(name: &str, kind: Kind, predicate: Predicate, violates: Vec<Event>, clean: Vec<Event>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            predicate,
            violates,
            clean,
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
