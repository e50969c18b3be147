//! What words can mean: the phrases of the lexicon, in the order in which a longer one comes before a shorter.
//!
//! The build script reads the built-in files by this very file, and lays their phrases out as they are looked up
//! ([`super::table`]); a user's own files are read by it when the program runs. What the files say beside words is in
//! [`super::data`].

use super::table::hash;
use crate::understand::words;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// What a phrase can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Phrase {
    pub rest: Words,
    /// Words that must come within eight words behind it.
    pub tail: Words,
    /// Mostly one.
    pub senses: SmallVec<[Sense; 1]>,
}

/// Words in one piece: there are tens of thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Words(#[serde(borrow)] Cow<'static, str>);

impl Words {
    /// What stands between two words, and in none.
    const BETWEEN: char = '\n';

    fn of(words: impl Iterator<Item = String>) -> Self {
        Self(words.fold(String::new(), |text, word| text + &word + "\n").into())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split_terminator(Self::BETWEEN)
    }

    /// Whether these words come first among others, and what comes behind them then.
    pub(crate) fn begin<'w, I: Iterator<Item = &'w str>>(&self, mut words: I) -> Option<I> {
        let mut own = &*self.0;
        while !own.is_empty() {
            own = own.strip_prefix(words.next()?)?.strip_prefix(Self::BETWEEN)?;
        }
        Some(words)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.matches(Self::BETWEEN).count()
    }

    /// A print of the first word, or of none.
    fn print(&self) -> u32 {
        hash(self.0.split(Self::BETWEEN).next().unwrap_or_default())
    }
}

impl Phrase {
    fn count(&self) -> usize {
        self.rest.count() + self.tail.count()
    }

    /// Whether the tail comes within the next eight words; an empty one always does. What is said not to be is no part of it.
    fn has_tail<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> bool {
        let Some(first) = self.tail.iter().next() else { return true };
        let mut ahead = words.take(8 + self.tail.count());
        while let Some(word) = ahead.next() {
            let mut behind = ahead.clone();
            if word == first && self.tail.iter().skip(1).all(|word| behind.next() == Some(word)) {
                return true;
            }
            if matches!(word, "not" | "never") {
                return false;
            }
        }
        false
    }
}

/// The phrases of one first word, by a print of their second one and then by length, the longer first: hundreds begin with
/// "the", "do" or "git", and a message has one second word.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Phrase>", into = "Vec<Phrase>", bound(deserialize = "'de: 'static"))]
pub(crate) struct List {
    phrases: Vec<Phrase>,
    /// The prints, and where the phrases of each begin.
    seconds: Vec<(u32, usize)>,
}

impl From<Vec<Phrase>> for List {
    fn from(phrases: Vec<Phrase>) -> Self {
        let mut seconds: Vec<(u32, usize)> = Vec::new();
        for (at, phrase) in phrases.iter().enumerate() {
            let print = phrase.rest.print();
            if seconds.last().is_none_or(|(last, _)| *last != print) {
                seconds.push((print, at));
            }
        }
        Self { phrases, seconds }
    }
}

impl From<List> for Vec<Phrase> {
    fn from(list: List) -> Self {
        list.phrases
    }
}

impl List {
    /// The longest phrase that fits the words behind the first one; of equally long ones, the one that names more of what comes
    /// next.
    pub(crate) fn longest<'w>(&self, behind: &(impl Iterator<Item = &'w str> + Clone)) -> Option<&Phrase> {
        let fits = |phrase: &&Phrase| phrase.rest.begin(behind.clone()).is_some_and(|behind| phrase.has_tail(behind));
        let of = |second: &str| {
            let at = self.seconds.binary_search_by_key(&hash(second), |(print, _)| *print).ok()?;
            let (_, begin) = *self.seconds.get(at)?;
            let end = self.seconds.get(at + 1).map_or(self.phrases.len(), |(_, next)| *next);
            self.phrases.get(begin..end)?.iter().find(fits)
        };
        let short = of("");
        match (short, behind.clone().next().and_then(of)) {
            (Some(short), Some(long)) if short.count() > long.count() => Some(short),
            (short, long) => long.or(short),
        }
    }
}

/// Phrases by their first word.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phrases(pub HashMap<String, List>);

impl Phrases {
    /// Adds a phrase. Where none that begins so is here, those that are `known` by its first word are taken in with it.
    pub(crate) fn learn(&mut self, phrase: &str, sense: Sense, known: impl FnOnce(&str) -> List) {
        let (head, tail) = phrase.split_once('…').unwrap_or((phrase, ""));
        let mut head = words(head).into_iter();
        let Some(first) = head.next() else { return };
        let (rest, tail) = (Words::of(head), Words::of(words(tail).into_iter()));
        let list = self.0.entry(first).or_insert_with_key(|first| known(first));
        let mut phrases = std::mem::take(&mut list.phrases);
        if let Some(known) = phrases.iter_mut().find(|known| known.rest == rest && known.tail == tail) {
            // What is learned later comes first: a user's own word wins.
            known.senses.insert(0, sense);
        } else {
            let (phrase, print) =
                (Phrase { senses: smallvec![sense], rest, tail }, |known: &Phrase| known.rest.print());
            let earlier = |known: &Phrase| (print(known), phrase.count()) <= (print(&phrase), known.count());
            let at = phrases.iter().position(|known| !earlier(known)).unwrap_or(phrases.len());
            phrases.insert(at, phrase);
        }
        *list = List::from(phrases);
    }
}

/// What one file says of words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vocabulary {
    cue: Vec<Cues>,
    number: Vec<Number>,
    site: Vec<Called>,
    form: Vec<Called>,
    idiom: Vec<Called>,
    subject: Vec<Subject>,
    measure: Vec<Measured>,
    property: Vec<Called>,
    flag: Vec<Called>,
    tool: Vec<Called>,
    action: Vec<Called>,
    files: Vec<Called>,
    language: Vec<Called>,
    construct: Vec<Called>,
    library: Vec<Called>,
    moment: Vec<Called>,
    agent_tool: Vec<AgentTools>,
    host: Vec<Called>,
}

/// Under which heading of its file a thing stands that is read when a message names it, in the order in which they are numbered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Sort {
    Tool,
    Action,
    Files,
    Language,
    Construct,
    Library,
}

/// How many things of each sort there are, which is the number of the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub entries: usize,
    pub properties: usize,
    pub flags: usize,
    pub idioms: usize,
    pub sites: usize,
    pub forms: usize,
}

/// A thing, as far as it is called something.
#[derive(Debug, Deserialize)]
struct Called {
    #[serde(default)]
    name: String,
    /// Its name where nothing else is said.
    words: Option<Vec<String>>,
    #[serde(default)]
    literal: bool,
}

impl Called {
    fn words(&self) -> &[String] {
        self.words.as_deref().unwrap_or_else(|| std::slice::from_ref(&self.name))
    }
}

/// Phrases of one meaning, by language.
#[derive(Debug, Deserialize)]
struct Cues {
    means: Cue,
    #[serde(flatten)]
    phrases: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    words: Vec<String>,
    value: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    of: Of,
    #[serde(default)]
    part: Part,
    words: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    words: Vec<String>,
    test: Measure,
}

#[derive(Debug, Deserialize)]
struct AgentTools {
    names: Vec<String>,
}

impl Vocabulary {
    /// Every phrase with what it means, in the order in which they are learnt, where so much is known already.
    ///
    /// INVARIANT: entries are numbered in the order in which `Data::into_entries` makes them.
    pub(crate) fn phrases(&self, known: &mut Counts) -> Vec<(String, Sense)> {
        let mut found = Vec::new();
        let mut say = |words: &[String], sense: Sense| found.extend(words.iter().map(|word| (word.clone(), sense)));
        for cue in &self.cue {
            cue.phrases.values().for_each(|words| say(words, Sense::Cue(cue.means)));
        }
        self.number.iter().for_each(|number| say(&number.words, Sense::Number(number.value)));
        self.site.iter().for_each(|site| say(site.words(), Sense::Site(next(&mut known.sites))));
        self.form.iter().for_each(|form| say(form.words(), Sense::Form(next(&mut known.forms))));
        self.idiom.iter().for_each(|idiom| say(idiom.words(), Sense::Idiom(next(&mut known.idioms))));
        self.subject.iter().for_each(|subject| say(&subject.words, Sense::Subject(subject.of, subject.part)));
        self.measure.iter().for_each(|measure| say(&measure.words, Sense::Measure(measure.test)));
        self.property.iter().for_each(|property| say(property.words(), Sense::Property(next(&mut known.properties))));
        self.flag.iter().for_each(|flag| say(flag.words(), Sense::Flag(next(&mut known.flags))));
        for names in self.entries() {
            let sense = Sense::Entry(next(&mut known.entries));
            // An article in front is skipped when a message is read, so it is no part of the name.
            found.extend(names.iter().map(|name| (name.strip_prefix("the ").unwrap_or(name).to_owned(), sense)));
        }
        found
    }

    /// What each entry is called.
    fn entries(&self) -> impl Iterator<Item = Cow<'_, [String]>> {
        let called = |called| Cow::Borrowed(Called::words(called));
        let (literal, named): (Vec<_>, Vec<_>) = self.tool.iter().partition(|tool| tool.literal);
        let agent_tools = self.agent_tool.iter().flat_map(|tools| &tools.names);
        let things = [&self.action, &self.files, &self.language, &self.construct, &self.library];
        (literal.into_iter().flat_map(Called::words).map(|phrase| Cow::Borrowed(std::slice::from_ref(phrase))))
            .chain(self.moment.iter().map(called))
            .chain(agent_tools.map(|name| Cow::Owned(vec![format!("{name} tool"), format!("tool {name}")])))
            .chain(self.host.iter().map(called))
            .chain(named.into_iter().map(called))
            .chain(things.into_iter().flatten().map(called))
    }
}

/// The number of the next of its sort.
fn next(count: &mut usize) -> usize {
    *count += 1;
    *count - 1
}

/// What a word does in a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cue {
    // How it is meant.
    Strong,
    Never,
    Not,
    No,
    Always,
    Must,
    Use,
    Only,
    AtMost,
    AtLeast,
    Once,
    Soft,
    // How the parts hang together.
    InsteadOf,
    Rejected,
    Before,
    After,
    When,
    While,
    Unless,
    Outside,
    Until,
    Between,
    Permission,
    Then,
    And,
    Or,
    In,
    To,
    PerTurn,
    PerSession,
    // What kind of message it is.
    Durable,
    ThisTime,
    Undo,
    Wrong,
    Opinion,
    Every,
    Complaint,
    Forgot,
    Told,
    Again,
    Praise,
    Asks,
    Requests,
    Reported,
    This,
    Reason,
    Assure,
    Filler,
    // What is done.
    Run,
    Edit,
    Place,
    Create,
    Delete,
    Read,
    Say,
    Ask,
    BackUp,
    // What is said of it.
    Fail,
    Pass,
    OpenItems,
    Together,
    Entry,
    New,
    Named,
    StartsWith,
    EndsWith,
    Contains,
    Folder,
    Branch,
    Tool,
    /// From the root of the repository.
    Root,
    /// From a folder below it.
    Nested,
}

/// What a property can be said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Of {
    /// The message of a commit.
    Commit,
    /// The title and the body of a pull request.
    Request,
    /// What the agent says to the user.
    Reply,
    /// The lines that are added to a file.
    File,
    /// A file as a whole.
    Content,
    /// Each line of a file.
    Lines,
    /// The name of a new file.
    Name,
    /// The name of a new branch.
    Branch,
}

/// Which part of a text is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// All of it.
    #[default]
    Whole,
    /// Its first line.
    Title,
    /// What follows the first line.
    Body,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "they are the names of the tests")]
pub(crate) enum Measure {
    MaxChars,
    MaxWords,
    MaxSentences,
    MaxLines,
    MaxQuestions,
}
