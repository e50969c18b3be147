//! Turns the lexicon into what is read fastest.
//!
//! A process that reads one message pays for the whole lexicon each time. TOML is for who writes it; what is built in is the
//! same data as JSON, which is read several times as fast, with what finds a thing in front of all else that is said of it.

use serde_json::{Map, Value, json};
use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The files of the lexicon, in the order in which they are learnt: of two meanings of a word, the later one comes first.
const LEXICON: [&str; 10] =
    ["words", "tools", "commands", "files", "constructs", "web", "languages", "libraries", "properties", "sites"];

/// The headings under which things stand that are read when a message names them.
const THINGS: [&str; 6] = ["tool", "action", "files", "language", "construct", "library"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=lexicon");
    let out = env::var("OUT_DIR")?;
    let lexicon = LEXICON.iter().map(|name| read(name).map(split)).collect::<Result<Vec<_>, _>>()?;
    fs::write(Path::new(&out).join("lexicon.json"), serde_json::to_string(&lexicon)?)?;
    fs::write(Path::new(&out).join("speech.json"), serde_json::to_string(&read("speech")?)?)?;
    Ok(())
}

fn read(name: &str) -> Result<Map<String, Value>, Box<dyn Error>> {
    let path = format!("lexicon/{name}.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(toml::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

/// A file as its things and the rest of it.
fn split(mut file: Map<String, Value>) -> Value {
    let mut things = Vec::new();
    for sort in THINGS {
        let Some(Value::Array(listed)) = file.remove(sort) else { continue };
        // Each phrase of a literal tool is a thing of its own.
        let is_literal = |thing: &Value| thing.get("literal") == Some(&Value::Bool(true));
        let (literal, named): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_literal);
        for thing in named {
            let (name, group) = (thing.get("name"), thing.get("group"));
            let words = thing.get("words").cloned().unwrap_or_else(|| json!([name]));
            things.push(json!({ "sort": sort, "name": name, "group": group, "words": words, "thing": thing }));
        }
        file.insert(sort.to_owned(), Value::Array(literal));
    }
    json!({ "data": file, "things": things })
}
