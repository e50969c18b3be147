//! Turns the lexicon into what is read fastest.
//!
//! A process that reads one message pays for the whole lexicon each time. TOML is for who writes it; what is built in is the
//! same data as JSON, which is read several times as fast.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The files of the lexicon, in the order in which they are learnt: of two meanings of a word, the later one comes first.
const LEXICON: [&str; 10] =
    ["words", "tools", "commands", "files", "constructs", "web", "languages", "libraries", "properties", "sites"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=lexicon");
    let out = env::var("OUT_DIR")?;
    let lexicon = LEXICON.iter().map(|name| read(name)).collect::<Result<Vec<_>, _>>()?;
    fs::write(Path::new(&out).join("lexicon.json"), serde_json::to_string(&lexicon)?)?;
    fs::write(Path::new(&out).join("speech.json"), serde_json::to_string(&read("speech")?)?)?;
    Ok(())
}

fn read(name: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    let path = format!("lexicon/{name}.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(toml::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}
