//! Hostile bytes at every door: what must hold of any input whatever.
//!
//! Each target is a function of bytes that panics where something does not hold. The smoke mode of the tests, the fuzzer in
//! `verification/fuzz` and the bench `growth` run the same functions; see `verification/README.md`.
#![expect(clippy::missing_panics_doc, reason = "a target panics wherever something does not hold")]

mod bytes;
pub mod growth;

use bytes::Bytes;
use compiler::facts::{Facts, facts};
use compiler::{Check, Checker, Checks, NoWorkspace};
use rules::correction::Form;
use rules::{Directive, Event, EventKind, Lexicon, Pattern, Predicate, Rule, understand};
use serde_json::Value;
use std::ops::Range;

/// What can be done to the product with any bytes.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("input_detection", input_detection),
    ("shell", shell),
    ("rule_file", rule_file),
    ("artifact", artifact),
    ("evaluation", evaluation),
];

/// Lines of a file of corrections, whatever form they are in.
pub fn input_detection(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let form = Form::detect(text.lines().next().unwrap_or_default());
    for line in text.lines() {
        match form.read(line) {
            Ok(Some(correction)) => {
                let understood = understand(&correction, Lexicon::builtin());
                for evidence in &understood.evidence {
                    assert!(correction.text.get(evidence.clone()).is_some(), "evidence is a part of the message");
                }
                for rule in &understood.rules {
                    let quoted = |quote: &rules::Quote| correction.text.contains(&quote.quote);
                    assert!(rule.said.iter().all(quoted), "a quote is a part of the message: {:?}", rule.said);
                    survives(rule);
                }
            }
            Ok(None) => assert!(line.trim_start_matches('\u{feff}').trim().is_empty(), "only blank lines say nothing"),
            Err(error) => assert!((1..=line.len().max(1)).contains(&error.column), "{error:?} is in the line"),
        }
    }
}

/// The text of a shell command.
pub fn shell(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let facts = facts(&Event::command(text.as_ref()), &NoWorkspace);
    let spans = facts.commands.iter().map(|command| &command.span).chain(facts.unknown.iter().map(|part| &part.span));
    for span in spans {
        assert!(text.get(span.clone()).is_some(), "{span:?} is a part of the text");
    }
}

/// A rule file.
pub fn rule_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match rules::file::parse(&text, "rule.toml") {
        Ok(rule) => survives(&rule),
        Err(faults) => assert!(!faults.is_empty(), "what is refused has a reason"),
    }
}

/// A rule is written and read again without a change, and its check is made or refused.
fn survives(rule: &Rule) {
    let text = rules::file::render(rule);
    let read = rules::file::parse(&text, "rule.toml");
    assert_eq!(read.as_ref(), Ok(rule), "read from\n{text}");
    if let Ok(check) = Check::of(rule) {
        assert!(check.monitor.is_valid(), "a monitor's tables fit together");
    }
}

/// Compiled checks: the bytes themselves, and the bytes laid over sound ones under a checksum that fits.
pub fn artifact(bytes: &[u8]) {
    let at = bytes.first().map_or(0, |first| usize::from(*first) * 8);
    let mut sound = sound_artifact();
    for (place, byte) in sound.iter_mut().skip(CHECKSUM.end + at).zip(bytes.iter().skip(1)) {
        *place = *byte;
    }
    for bytes in [bytes.to_vec(), resealed(bytes.to_vec()), resealed(sound)] {
        let Ok(checks) = Checks::read(bytes) else { continue };
        let mut checker = Checker::new(&checks);
        for event in
            [Event::command("npm install --force x"), Event::write("src/a.rs", "aab\n"), Event::stop("aab", Vec::new())]
        {
            checker.observe(&event, &NoWorkspace);
        }
        assert!(checker.pending().len() <= checks.len(), "at most every check is open");
    }
}

/// Where the checksum of an artifact stands; all that follows is under it.
const CHECKSUM: Range<usize> = 12..44;

/// The artifact with a checksum that fits its content.
pub fn resealed(mut artifact: Vec<u8>) -> Vec<u8> {
    let hash = blake3::hash(artifact.get(CHECKSUM.end..).unwrap_or_default());
    if let Some(place) = artifact.get_mut(CHECKSUM) {
        place.copy_from_slice(hash.as_bytes());
    }
    artifact
}

fn sound_artifact() -> Vec<u8> {
    let never = [
        Predicate::command("npm install|i --force"),
        Predicate::path(["src/**/*.rs"]),
        Predicate::Reply(rules::predicate::TextTest::Matches("a+b".to_owned())),
    ];
    let check = |never| Check::of(&bytes::rule(0, Directive::of(Pattern::Absence { never }))).ok();
    Checks::of(&never.into_iter().filter_map(check).collect::<Vec<_>>(), [7; 32]).bytes().to_vec()
}

/// Rules and events made of the bytes.
pub fn evaluation(bytes: &[u8]) {
    let mut bytes = Bytes::of(bytes);
    let rules: Vec<Rule> = (0..=bytes.below(3)).map(|at| bytes::rule(at, bytes.directive())).collect();
    let checks: Vec<Check> = rules.iter().filter_map(|rule| Check::of(rule).ok()).collect();
    let checks = Checks::of(&checks, [0; 32]);
    let mut checker = Checker::new(&checks);
    while let Some(event) = bytes.event() {
        for verdict in checker.observe(&event, &NoWorkspace) {
            let Some([start, end]) = verdict.witness.as_ref().and_then(|witness| witness.span) else { continue };
            let shown = texts(&event).iter().any(|text| text.get(start..end).is_some());
            assert!(shown, "{start}..{end} is a part of {event:?}");
        }
        assert!(checker.pending().iter().all(|open| !open.blocks), "what is open blocks nothing");
    }
}

/// The texts of an event, and of those that it tells of.
fn texts(event: &Event) -> Vec<String> {
    let Facts { files, commits, reply, prompt, .. } = facts(event, &NoWorkspace);
    let files = files.into_iter().flat_map(|file| [file.added, file.removed, file.after]);
    let commits = commits.into_iter().map(|commit| commit.message.text);
    let more = match &event.kind {
        EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
            input.get("command").and_then(Value::as_str).map(str::to_owned).into_iter().collect()
        }
        EventKind::Stop { history, .. } => history.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    };
    files.chain(commits).chain(reply).chain(prompt).chain(more).collect()
}
