//! A workspace's own lexicon, `.trace/lexicon/*.toml`: each entry is tried on its own events.
//!
//! The files have the shape of the built-in lexicon and are read whenever messages are. An entry holds of the events under
//! `violates` and not of those under `clean`; without both nothing shows that it means what its author thinks.

use crate::engine::Engine;
use crate::reader;
use compiler::{Check, Checker, Checks, Outcome};
use rules::lexicon::Entry;
use rules::{
    Code, Decision, Diagnostic, Directive, Event, Lexicon, Pattern, Rule, RuleId, Scope, Span, State, Strength,
};
use std::path::{Path, PathBuf};

/// How an entry did on its own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its name.
    pub entry: String,
    /// How many events it holds of, as it should.
    pub violating: usize,
    /// How many it does not hold of, as it should.
    pub clean: usize,
    /// What is wrong.
    pub failures: Vec<Diagnostic>,
}

/// The files of a workspace's own lexicon, in the order in which they are read.
pub fn files(engine: &Engine) -> Vec<PathBuf> {
    reader::files(&engine.path("lexicon"))
}

/// Tries every entry of a file.
///
/// # Errors
/// What is wrong with the file, with the place.
pub fn tried(path: &Path, name: &str) -> Result<Vec<Tried>, Diagnostic> {
    let text = reader::text(path, name)?;
    let lexicon = Lexicon::alone(&text, name)?;
    Ok(lexicon.entries().map(|entry| try_entry(&entry, &text, name)).collect())
}

fn try_entry(entry: &Entry, text: &str, file: &str) -> Tried {
    let place = place(&entry.name, text, file);
    let mut tried = Tried { entry: entry.name.clone(), violating: 0, clean: 0, failures: Vec::new() };
    let help = "mend the entry, or its examples under `violates` and `clean`";
    let failed = |code, message: String| Diagnostic::of(code, message).help(help).at(place.clone());
    let rule = absence(entry);
    let check = match Check::of(&rule) {
        Ok(check) => check,
        Err(faults) => {
            tried.failures = faults.into_iter().map(|fault| failed(fault.code, fault.message)).collect();
            return tried;
        }
    };
    let checks = Checks::of(&[check], [0; 32]);
    let mut checker = Checker::new(&checks);
    let mut holds = |event: &Event| checker.judge(std::slice::from_ref(event), &rule.id) == Outcome::Violated;
    let cases = entry.violates.iter().map(|event| (event, true)).chain(entry.clean.iter().map(|event| (event, false)));
    for (event, violates) in cases {
        if holds(event) == violates {
            *(if violates { &mut tried.violating } else { &mut tried.clean }) += 1;
        } else {
            let shown = serde_json::to_string(event).unwrap_or_default();
            let should =
                if violates { "hold of its example and does not" } else { "not hold of its clean example and does" };
            tried
                .failures
                .push(failed(Code::FailedExample, format!("entry `{}` should {should}: {shown}", entry.name)));
        }
    }
    for (list, lacks) in [(&entry.violates, "`violates`"), (&entry.clean, "`clean`")] {
        if list.is_empty() {
            tried.failures.push(failed(Code::Untested, format!("entry `{}` has no example under {lacks}", entry.name)));
        }
    }
    tried
}

/// Where an entry is named.
fn place(name: &str, text: &str, file: &str) -> Span {
    let quoted = [format!("name = \"{name}\""), format!("\"{name}\"")];
    let found = quoted.iter().find_map(|quoted| Some((text.find(quoted.as_str())?, quoted.len())));
    Span::within(file, text, found.map_or(0..0, |(start, length)| start..start + length))
}

/// That what an entry stands for never happens.
fn absence(entry: &Entry) -> Rule {
    Rule {
        id: RuleId::slug(&entry.name),
        title: entry.name.clone(),
        state: State::Armed,
        strength: Strength::Must,
        decided_by: Decision::Check,
        confidence: None,
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope: Scope::default(),
        check: Some(Directive::of(Pattern::Absence { never: entry.predicate.clone() })),
        remind_when: None,
        said: Vec::new(),
        examples: Vec::new(),
    }
}
