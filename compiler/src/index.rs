//! Which checks an event can concern.
//!
//! Every check is filed under a few keys, such that an event which has none of them leaves its monitor where it starts.
//! (Monitors that have left their start are few, and are stepped at every event.) The event's keys are looked up, and only what they name is evaluated: 10,000 rules cost about as much as the
//! few that an event touches. Texts are keyed by four-byte grams, so a literal is found in one pass however many there
//! are.
//!
//! INVARIANT: the index may name a check in vain, and never leaves one out.

use crate::condition::{CodeCondition, Condition, FileCondition};
use crate::facts::Facts;
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};
use rules::predicate::{Moment, TextTest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The bits of the filter that is asked before the table is.
const FILTER_BITS: u32 = 1 << 17;

/// A reason to look at a check, hashed; equal keys have equal hashes, and a collision costs a look in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(u64);

/// What keys are made of.
#[derive(Debug, Clone, Copy)]
enum Trait<'a> {
    Always,
    Program(&'a str),
    /// A program with one of its arguments.
    Word(&'a str, &'a str),
    AnyCommand,
    Extension(&'a str),
    Name(&'a str),
    Folder(&'a str),
    Language(&'a str),
    AnyFile,
    AnyRead,
    AnyCommit,
    PullRequest,
    Reply,
    Prompt,
    Tool(&'a str),
    AnyTool,
    Completed,
    Moment(Moment),
    Gram(u32),
}

impl From<Trait<'_>> for Key {
    fn from(of: Trait<'_>) -> Self {
        let (tag, text, more): (u64, &str, &str) = match of {
            Trait::Always => (0, "", ""),
            Trait::Program(name) => (1, name, ""),
            Trait::Word(name, word) => (3, name, word),
            Trait::AnyCommand => (2, "", ""),
            Trait::Extension(name) => (4, name, ""),
            Trait::Name(name) => (5, name, ""),
            Trait::Folder(name) => (6, name, ""),
            Trait::Language(name) => (7, name, ""),
            Trait::AnyFile => (8, "", ""),
            Trait::AnyRead => (9, "", ""),
            Trait::AnyCommit => (10, "", ""),
            Trait::Reply => (11, "", ""),
            Trait::Prompt => (12, "", ""),
            Trait::Tool(name) => (13, name, ""),
            Trait::AnyTool => (14, "", ""),
            Trait::Completed => (15, "", ""),
            Trait::Moment(moment) => return Self(16 << 56 | moment as u64),
            Trait::Gram(gram) => return Self(17 << 56 | u64::from(gram)),
            Trait::PullRequest => (18, "", ""),
        };
        // FNV-1a (Fowler, Noll, Vo), 64 bits, folded into 56.
        let separate = if more.is_empty() { "" } else { "\0" };
        let bytes = text.bytes().chain(separate.bytes()).chain(more.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(tag << 56 | (hash ^ hash >> 56) & 0x00ff_ffff_ffff_ffff)
    }
}

/// One way to file a check: every one of these keys, or, for a literal, any one gram of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Slot {
    Key(Key),
    Literal(Vec<u32>),
}

/// The keys of all checks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Index {
    /// In order.
    keys: Vec<Key>,
    /// For each key, where its checks end in `checks`; they begin where those of the key before end.
    ends: Vec<u32>,
    checks: Vec<u32>,
    #[serde(skip)]
    filter: Vec<u64>,
}

/// Collects the keys of checks.
#[derive(Debug, Default)]
pub struct Builder {
    filed: BTreeMap<Key, Vec<u32>>,
    /// Literals are filed last, under the gram of theirs that the fewest checks have.
    literals: Vec<(u32, Vec<u32>)>,
}

impl Builder {
    /// Files a check under the keys of its conditions; `always` for one that must see every event.
    pub fn file<'a>(&mut self, check: u32, conditions: impl IntoIterator<Item = &'a Condition>, always: bool) {
        let slots = conditions.into_iter().map(slots_of).collect::<Option<Vec<_>>>().filter(|_| !always);
        let slots = slots.map_or_else(|| vec![Slot::Key(Trait::Always.into())], |slots| slots.concat());
        let mut keys = BTreeSet::new();
        for slot in slots {
            match slot {
                Slot::Key(key) => drop(keys.insert(key)),
                Slot::Literal(grams) => self.literals.push((check, grams)),
            }
        }
        for key in keys {
            self.filed.entry(key).or_default().push(check);
        }
    }

    /// Files a check under the end of a turn, where it may be violated by what did not happen.
    pub fn file_at_stop(&mut self, check: u32) {
        for moment in [Moment::Stop, Moment::SubagentStop] {
            self.filed.entry(Trait::Moment(moment).into()).or_default().push(check);
        }
    }

    /// The index.
    pub fn build(mut self) -> Index {
        let mut frequency: HashMap<u32, u32> = HashMap::new();
        for gram in self.literals.iter().flat_map(|(_, grams)| grams) {
            *frequency.entry(*gram).or_default() += 1;
        }
        for (check, grams) in self.literals {
            let rarest = grams.into_iter().min_by_key(|gram| (frequency.get(gram).copied(), *gram));
            if let Some(gram) = rarest {
                self.filed.entry(Trait::Gram(gram).into()).or_default().push(check);
            }
        }
        let mut index = Index::default();
        for (key, checks) in self.filed {
            index.keys.push(key);
            index.checks.extend(checks);
            index.ends.push(u32::try_from(index.checks.len()).unwrap_or(u32::MAX));
        }
        index.prepare();
        index
    }
}

impl Index {
    /// Makes the filter, which the artifact does not hold.
    pub fn prepare(&mut self) {
        self.filter = vec![0; (FILTER_BITS / 64) as usize];
        for key in &self.keys {
            let (word, bit) = place(*key);
            if let Some(word) = self.filter.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Whether every place it names is there, for an index that was read from a file.
    pub fn is_valid(&self, checks: usize) -> bool {
        self.keys.len() == self.ends.len()
            && self.keys.is_sorted()
            && self.ends.is_sorted()
            && self.ends.last().is_none_or(|end| *end as usize == self.checks.len())
            && self.checks.iter().all(|check| (*check as usize) < checks)
    }

    /// Whether any check may be about files that are changed.
    pub fn concerns_files(&self) -> bool {
        let files = Key(4 << 56)..Key(9 << 56);
        let first = self.keys.partition_point(|key| *key < files.start);
        let always = Key::from(Trait::Always);
        self.keys.get(first).is_some_and(|key| files.contains(key)) || self.keys.binary_search(&always).is_ok()
    }

    /// The checks that an event can concern, in order.
    pub fn candidates(&self, facts: &Facts, completed: bool) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut look = |of: Trait<'_>| self.collect(of.into(), &mut found);
        look(Trait::Always);
        if completed {
            look(Trait::Completed);
        }
        if let Some(moment) = facts.moment {
            look(Trait::Moment(moment));
        }
        for command in &facts.commands {
            look(Trait::AnyCommand);
            look(Trait::Program(&command.program));
            for word in &command.args {
                look(Trait::Word(&command.program, &word.text));
            }
        }
        for file in &facts.files {
            look(Trait::AnyFile);
            path_traits(&file.path).for_each(&mut look);
            file.language.map(Trait::Language).into_iter().for_each(&mut look);
        }
        for path in &facts.reads {
            look(Trait::AnyRead);
            path_traits(path).for_each(&mut look);
        }
        facts.commits.iter().for_each(|_| look(Trait::AnyCommit));
        facts.pull_request.iter().for_each(|_| look(Trait::PullRequest));
        facts.reply.iter().for_each(|_| look(Trait::Reply));
        facts.prompt.iter().for_each(|_| look(Trait::Prompt));
        if let Some(call) = &facts.tool {
            look(Trait::AnyTool);
            look(Trait::Tool(&call.name));
        }
        let commits = facts.commits.iter().map(|commit| &commit.message.text);
        let files = facts.files.iter().flat_map(|file| [&file.added, &file.removed, &file.after]);
        for text in commits.chain(files).chain(&facts.reply).chain(&facts.prompt) {
            self.collect_grams(text, &mut found);
        }
        found
    }

    fn collect_grams(&self, text: &str, found: &mut BTreeSet<u32>) {
        for gram in grams(text.as_bytes()) {
            let key = Key::from(Trait::Gram(gram));
            let (word, bit) = place(key);
            if self.filter.get(word).is_some_and(|word| word & bit != 0) {
                self.collect(key, found);
            }
        }
    }

    fn collect(&self, key: Key, found: &mut BTreeSet<u32>) {
        let Ok(at) = self.keys.binary_search(&key) else { return };
        let end = self.ends.get(at).copied().unwrap_or_default() as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default() as usize;
        found.extend(self.checks.get(start..end).unwrap_or_default());
    }
}

/// Where a key lies in the filter.
fn place(key: Key) -> (usize, u64) {
    let mixed = key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let bit = u32::try_from(mixed).unwrap_or_default() % FILTER_BITS;
    ((bit / 64) as usize, 1 << (bit % 64))
}

/// The four-byte grams of a text, ASCII letters in lower case.
fn grams(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut last = 0;
    text.iter().enumerate().filter_map(move |(at, byte)| {
        last = last << 8 | u32::from(byte.to_ascii_lowercase());
        (at >= 3).then_some(last)
    })
}

/// The traits of a path: its extension, its name and its folders.
fn path_traits(path: &str) -> impl Iterator<Item = Trait<'_>> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').map(|(_, extension)| Trait::Extension(extension));
    let folders = folders.split('/').filter(|folder| !folder.is_empty()).map(Trait::Folder);
    [Trait::Name(name)].into_iter().chain(extension).chain(folders)
}

/// How to file a condition so that it is looked at whenever it can hold; `None` where nothing in particular is needed.
fn slots_of(condition: &Condition) -> Option<Vec<Slot>> {
    let one = |of: Trait<'_>| Some(vec![Slot::Key(of.into())]);
    match condition {
        Condition::All(parts) => narrowest(parts.iter().filter_map(slots_of)),
        Condition::Any(parts) => union(parts.iter().map(slots_of)),
        Condition::Not(_) | Condition::Workspace(_) => None,
        Condition::Command(pattern) if pattern.program.iter().any(|name| is_glob(name)) => one(Trait::AnyCommand),
        Condition::Command(pattern) => Some(match pattern.needed_words() {
            None => pattern.program.iter().map(|name| Slot::Key(Trait::Program(name).into())).collect(),
            Some(words) => {
                let pairs = pattern.program.iter().flat_map(|name| words.iter().map(move |word| (name, word)));
                pairs.map(|(name, word)| Slot::Key(Trait::Word(name, word).into())).collect()
            }
        }),
        Condition::File(file) => file_slots(file),
        Condition::Read(paths) => paths_slots(&paths.any).or_else(|| one(Trait::AnyRead)),
        Condition::Commit(test) => literal_slots(test).or_else(|| one(Trait::AnyCommit)),
        Condition::PullRequest(_) => one(Trait::PullRequest),
        Condition::Reply(test) => literal_slots(test).or_else(|| one(Trait::Reply)),
        Condition::Prompt(test) => literal_slots(test).or_else(|| one(Trait::Prompt)),
        Condition::Tool(tool) if tool.name.is_empty() || tool.name.iter().any(|name| is_glob(name)) => {
            one(Trait::AnyTool)
        }
        Condition::Tool(tool) => Some(tool.name.iter().map(|name| Slot::Key(Trait::Tool(name).into())).collect()),
        Condition::Exit(_) => one(Trait::Completed),
        Condition::Moment(moment) => one(Trait::Moment(*moment)),
    }
}

fn file_slots(file: &FileCondition) -> Option<Vec<Slot>> {
    let languages = (!file.language.is_empty())
        .then(|| file.language.iter().map(|name| Slot::Key(Trait::Language(name).into())).collect());
    let ways = [
        file.added.as_ref().and_then(literal_slots),
        file.code.as_ref().and_then(code_slots),
        paths_slots(&file.paths.any),
        languages,
    ];
    narrowest(ways.into_iter().flatten()).or_else(|| Some(vec![Slot::Key(Trait::AnyFile.into())]))
}

/// The narrowest of several ways to file a conjunction: a literal is rarer than a name, and fewer keys are better.
fn narrowest(ways: impl Iterator<Item = Vec<Slot>>) -> Option<Vec<Slot>> {
    let breadth = |slot: &Slot| match slot {
        Slot::Literal(_) => 1,
        Slot::Key(Key(key)) => match key >> 56 {
            3 => 1,
            1 | 5 | 13 => 2,
            4 | 6 | 7 => 20,
            _ => 100,
        },
    };
    ways.min_by_key(|way| way.iter().map(breadth).sum::<usize>())
}

fn union(ways: impl Iterator<Item = Option<Vec<Slot>>>) -> Option<Vec<Slot>> {
    ways.collect::<Option<Vec<_>>>().map(|all| all.concat())
}

/// Keys for globs of which one must match; `None` where a glob says nothing about names.
fn paths_slots(globs: &[String]) -> Option<Vec<Slot>> {
    if globs.is_empty() {
        return None;
    }
    union(globs.iter().map(|glob| {
        let parts: Vec<&str> = glob.split('/').collect();
        let (last, folders) = parts.split_last()?;
        let key = if !is_glob(last) {
            Trait::Name(last)
        } else if let Some(folder) = folders.iter().rev().find(|folder| !is_glob(folder) && !folder.is_empty()) {
            Trait::Folder(folder)
        } else {
            Trait::Extension(last.rsplit_once('.').map(|(_, extension)| extension).filter(|e| !is_glob(e))?)
        };
        Some(vec![Slot::Key(key.into())])
    }))
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{', '!', '\\'])
}

fn literal_slots(test: &TextTest) -> Option<Vec<Slot>> {
    match test {
        TextTest::All(parts) => narrowest(parts.iter().filter_map(literal_slots)),
        TextTest::Any(parts) => union(parts.iter().map(literal_slots)),
        TextTest::FirstLine(part) | TextTest::FirstSentence(part) | TextTest::Body(part) | TextTest::SomeLine(part) => {
            literal_slots(part)
        }
        TextTest::Contains(text) | TextTest::StartsWith(text) | TextTest::EndsWith(text) => literal(text),
        // The white space inside a phrase, and the case of letters beyond ASCII, may differ from the text's.
        TextTest::Mentions(phrase) => phrase
            .split(|c: char| c.is_whitespace() || !c.is_ascii() && (c.is_lowercase() || c.is_uppercase()))
            .max_by_key(|word| word.len())
            .and_then(literal),
        TextTest::Matches(pattern) => required_literal(pattern).as_deref().and_then(literal),
        _ => None,
    }
}

fn literal(text: &str) -> Option<Vec<Slot>> {
    let grams: Vec<u32> = grams(text.as_bytes()).collect();
    (!grams.is_empty()).then(|| vec![Slot::Literal(grams)])
}

/// The longest text that stands in every match of a regular expression, but for the case of its letters; nothing where none does.
fn required_literal(pattern: &str) -> Option<String> {
    let mut runs = vec![String::new()];
    require(&regex_syntax::parse(pattern).ok()?, &mut runs);
    runs.into_iter().max_by_key(String::len).filter(|run| !run.is_empty())
}

/// Adds what every match of an expression holds: to the last run, as long as it stands right behind it.
fn require(expression: &Hir, runs: &mut Vec<String>) {
    let mut add = |text: &str| runs.last_mut().map(|run| run.push_str(text));
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => drop(add(text)),
            Err(_) => runs.push(String::new()),
        },
        HirKind::Class(class) => match letter(class) {
            Some(letter) => drop(add(letter.encode_utf8(&mut [0; 4]))),
            None => runs.push(String::new()),
        },
        HirKind::Capture(group) => require(&group.sub, runs),
        HirKind::Concat(parts) => parts.iter().for_each(|part| require(part, runs)),
        HirKind::Repetition(repeated) => {
            if repeated.min > 0 {
                require(&repeated.sub, runs);
            }
            // Once more or once less stands between this and what comes next.
            runs.push(String::new());
        }
        HirKind::Alternation(_) => runs.push(String::new()),
    }
}

/// The letter of which a class holds both cases and nothing else, as `(?i)` makes them.
fn letter(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let [upper, lower] = class.ranges() else { return None };
    let one = |range: &ClassUnicodeRange| (range.start() == range.end()).then_some(range.start());
    one(lower).filter(|lower| lower.is_ascii_lowercase() && one(upper) == Some(lower.to_ascii_uppercase()))
}

/// For each pattern the longest name that stands in it as it is; `None` where a pattern has none.
fn code_slots(code: &CodeCondition) -> Option<Vec<Slot>> {
    if code.pattern.is_empty() || code.has_kinds() {
        return None;
    }
    union(code.pattern.iter().map(|pattern| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        pattern.split(|c| !word(c)).filter(|name| !name.contains('$')).max_by_key(|name| name.len()).and_then(literal)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_expression_requires_its_longest_plain_run() {
        for (pattern, expected) in [
            (r"console\.log\(", Some("console.log(")),
            (r"foo(bar)?bazqux", Some("bazqux")),
            (r"a|b", None),
            (r"^\s*(sudo\s+)?tool\s+deploy(\s|$)", Some("deploy")),
            (r"\(|x", None),
            (r"a\|b", Some("a|b")),
            (r"colou?r", Some("colo")),
            (r"\bTODO\b", Some("TODO")),
            (r"[abc]+", None),
            (r"x{2}yy", Some("yy")),
            (r"x[)abcd]", Some("x")),
            (r"(?i)todo", Some("todo")),
            (r"ab+c", Some("ab")),
            (r"(foo)(bar)", Some("foobar")),
            (r"\x41\x42c", Some("ABc")),
        ] {
            assert_eq!(required_literal(pattern).as_deref(), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn every_match_of_an_expression_holds_what_it_requires(
            (pattern, text) in proptest::collection::vec(prop::sample::select(vec![
                "foo", "Bar", "(qux)?", "[)abcd]", "[^)]", "(x|yy)", "b+", "c{2,3}", "(?i:todo)", "(ab)+", "z*", r"\|", r"\(", "é",
            ]), 1..6).prop_flat_map(|pieces| {
                let pattern = pieces.concat();
                (Just(pattern.clone()), proptest::string::string_regex(&pattern).unwrap())
            }))
        {
            if let Some(required) = required_literal(&pattern) {
                let [text, required] = [text, required].map(|text| text.to_ascii_lowercase());
                prop_assert!(text.contains(&required), "{} requires {}, and matches {}", pattern, required, text);
            }
        }
    }
}
