//! Lays the lexicon out as it is read.
//!
//! A process that reads one message pays for each thing of the lexicon that it takes in. TOML is for who writes it; built in
//! are a table of its phrases, in which a word is looked up where it lies, a list of the things that most messages do not
//! name, whose texts are read when one is named, and as JSON what else the files say.

use phrases::{Counts, List, Phrases, Sort, Vocabulary};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::{env, fs};

#[path = "src/lexicon/phrases.rs"]
#[expect(dead_code, reason = "the program asks for more than the build script")]
mod phrases;
#[path = "src/lexicon/table.rs"]
#[expect(dead_code, reason = "the build script only writes")]
mod table;
#[path = "src/understand/token.rs"]
#[expect(dead_code, reason = "phrases of the lexicon are split as messages are")]
mod token;

/// As in the library, for the files that both share.
mod understand {
    pub(crate) use crate::token::words;
}

/// The files of the lexicon, in the order in which they are learnt: of two meanings of a word, the later one comes first.
const LEXICON: [&str; 10] =
    ["words", "tools", "commands", "files", "constructs", "web", "languages", "libraries", "properties", "sites"];

/// The headings under which things stand that are read when a message names them, in the order in which they are numbered.
const THINGS: [(&str, Sort); 6] = [
    ("tool", Sort::Tool),
    ("action", Sort::Action),
    ("files", Sort::Files),
    ("language", Sort::Language),
    ("construct", Sort::Construct),
    ("library", Sort::Library),
];

/// The headings under which nothing stands but what words mean, and those whose things are known by number.
const WORDS: [&str; 4] = ["cue", "number", "subject", "measure"];
const CALLED: [&str; 3] = ["property", "form", "host"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=lexicon");
    let out = env::var("OUT_DIR")?;
    let out = |name: &str, bytes: &[u8]| fs::write(Path::new(&out).join(name), bytes);

    let (mut files, mut things) = (Vec::new(), Things::default());
    let (mut known, mut phrases) = (Counts::default(), Phrases::default());
    for name in LEXICON {
        let file = read(name)?;
        let vocabulary: Vocabulary = serde_json::from_value(Value::Object(file.clone()))?;
        for (phrase, sense) in vocabulary.phrases(&mut known) {
            phrases.learn(&phrase, sense, |_| List::default());
        }
        files.push(things.split(file)?);
    }
    let (slots, records) = lay_out(&phrases.0.into_iter().collect())?;
    out("phrases.slots", &slots)?;
    out("phrases.records", &records)?;
    out("things.list", &postcard::to_stdvec(&things.listed)?)?;
    out("things.json", things.texts.as_bytes())?;
    out("lexicon.json", serde_json::to_string(&files)?.as_bytes())?;
    let mut acts: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let Speech { act } = serde_json::from_value(Value::Object(read("speech")?))?;
    for (does, phrase) in act.iter().flat_map(|act| act.phrases.iter().map(|phrase| (&act.does, phrase))) {
        let first = phrase.trim_start_matches(['^', ',']).split(' ').next().unwrap_or_default();
        acts.entry(first.to_owned()).or_default().push((phrase.clone(), does.clone()));
    }
    let (slots, records) = lay_out(&acts)?;
    out("speech.slots", &slots)?;
    Ok(out("speech.records", &records)?)
}

/// What the program asks of the acts of speech: which phrases do what.
#[derive(Deserialize)]
struct Speech {
    act: Vec<Act>,
}

#[derive(Deserialize)]
struct Act {
    does: String,
    phrases: Vec<String>,
}

fn read(name: &str) -> Result<Map<String, Value>, Box<dyn Error>> {
    let path = format!("lexicon/{name}.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(toml::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

/// What most messages do not name: by file, each with what finds it and where its text is, and where the texts of properties
/// and sites are.
#[derive(Default)]
struct Things {
    listed: Vec<(Vec<Thing>, Texts, Texts)>,
    texts: String,
}

impl Things {
    /// Takes the things out of a file, and leaves the rest of it.
    fn split(&mut self, mut file: Map<String, Value>) -> Result<Map<String, Value>, Box<dyn Error>> {
        for heading in WORDS {
            file.remove(heading);
        }
        for heading in CALLED {
            file.get_mut(heading).and_then(Value::as_array_mut).into_iter().flatten().for_each(forget_words);
        }
        let mut found = Vec::new();
        for (heading, sort) in THINGS {
            let Some(Value::Array(listed)) = file.remove(heading) else { continue };
            // Each phrase of a literal tool is a thing of its own.
            let is_literal = |thing: &Value| thing.get("literal") == Some(&Value::Bool(true));
            let (literal, named): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_literal);
            for mut thing in named {
                forget_words(&mut thing);
                let text = |key| thing.get(key).and_then(Value::as_str).map(str::to_owned);
                let name = text("name").ok_or("a thing without a name")?;
                found.push((sort, name, text("group"), self.text(&thing)?));
            }
            file.insert(heading.to_owned(), Value::Array(literal));
        }
        let [properties, sites] = ["property", "site"].map(|heading| {
            let things = file.remove(heading);
            things.iter().filter_map(Value::as_array).flatten().map(|thing| self.text(thing)).collect::<Result<_, _>>()
        });
        self.listed.push((found, properties?, sites?));
        Ok(file)
    }

    /// Keeps a thing's text, and says where.
    fn text(&mut self, thing: &Value) -> Result<Range<u32>, Box<dyn Error>> {
        let begin = u32::try_from(self.texts.len())?;
        self.texts += &thing.to_string();
        Ok(begin..u32::try_from(self.texts.len())?)
    }
}

/// Takes away what a thing is called, which the table of phrases says.
fn forget_words(thing: &mut Value) {
    if let Some(thing) = thing.as_object_mut() {
        thing.remove("words");
    }
}

/// Where texts are.
type Texts = Vec<Range<u32>>;

/// A thing's sort, name and group, and where its text is.
type Thing = (Sort, String, Option<String>, Range<u32>);

/// Lists as [`table::Table`] reads them.
fn lay_out<T: Serialize>(lists: &BTreeMap<String, T>) -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    let size = (2 * lists.len()).next_power_of_two();
    let (mut slots, mut records) = (vec![0_u32; size], Vec::new());
    for (number, (word, list)) in lists.iter().enumerate() {
        let free = table::probes(word, size).find(|at| slots.get(*at) == Some(&0));
        let begin = u32::try_from(records.len() + 1).ok().filter(|begin| begin >> table::BEGIN_BITS == 0);
        *free.and_then(|at| slots.get_mut(at)).ok_or("a full table")? =
            table::print(word) << table::BEGIN_BITS | begin.ok_or("too many records")?;
        records = postcard::to_extend(&(number, word, list), records)?;
    }
    let numbers = std::iter::once(u32::try_from(lists.len())?).chain(slots);
    Ok((numbers.flat_map(u32::to_le_bytes).collect(), records))
}
