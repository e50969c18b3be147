//! The fuzzer's targets without the fuzzer: on a small corpus, on deterministic mutations of it, and on inputs that grow.
//!
//! `TRACE_FUZZ=shell:6563686f cargo test -p verification --test engine replay` runs one input again.

use compiler::NoWorkspace;
use rules::{Correction, Event, Lexicon, understand};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use verification::fuzz::{TARGETS, Target, growth::GROWTH};

/// How many mutations are tried for each target.
const MUTATIONS: usize = 2_000;
/// The longest input that is mutated, in bytes.
const LONGEST: usize = 4_096;

/// Pseudo-random numbers (`SplitMix64`: Steele, Lea and Flood, OOPSLA 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/fuzz").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One small change of one seed, or two seeds in one.
fn mutated(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    const HARD: &[&[u8]] =
        &[b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"'", b"\"", b"$(", b"\\", b"\n", b"{", b"]]", "\u{301}".as_bytes()];
    let mut input = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(input.len() + 1);
        let end = (at + numbers.below(16)).min(input.len());
        match numbers.below(6) {
            0 if at < input.len() => input[at] ^= 1 << numbers.below(8),
            1 => drop(input.splice(at..end, HARD[numbers.below(HARD.len())].iter().copied())),
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].repeat(1 + numbers.below(64));
                drop(input.splice(at..at, again));
            }
            4 => {
                let other = &seeds[numbers.below(seeds.len())];
                input.truncate(at);
                input.extend(&other[numbers.below(other.len() + 1)..]);
            }
            _ => input.insert(at, u8::try_from(numbers.below(256)).unwrap()),
        }
    }
    input.truncate(LONGEST);
    input
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap(), 16).unwrap()).collect()
}

/// Runs a target, and says how to run it again where it panics.
fn withstands(name: &str, target: Target, input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("replay with: TRACE_FUZZ={name}:{} cargo test -p verification --test engine replay", hex(input));
        panic::resume_unwind(cause);
    }
}

fn smoke(name: &str) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).unwrap().1;
    let seeds = seeds(name);
    assert!(seeds.len() >= 4, "{name} has a corpus");
    let mut numbers = Numbers(0x7ace);
    for seed in &seeds {
        withstands(name, target, seed);
    }
    for _ in 0..MUTATIONS {
        withstands(name, target, &mutated(&seeds, &mut numbers));
    }
}

#[test]
fn corrections_withstand_mutations() {
    smoke("input_detection");
}

#[test]
fn shell_texts_withstand_mutations() {
    smoke("shell");
}

#[test]
fn rule_files_withstand_mutations() {
    smoke("rule_file");
}

#[test]
fn artifacts_withstand_mutations() {
    smoke("artifact");
}

#[test]
fn evaluations_withstand_mutations() {
    smoke("evaluation");
}

#[test]
fn every_target_is_smoked() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["input_detection", "shell", "rule_file", "artifact", "evaluation"]);
    assert!(names.iter().all(|name| GROWTH.iter().any(|(target, _, _)| target == name)), "and grows");
}

#[test]
fn inputs_that_grow_to_a_mebibyte_come_to_an_end() {
    for (name, what, grows) in GROWTH {
        let target = TARGETS.iter().find(|(known, _)| known == name).unwrap().1;
        // Many messages or events are no longer one of them.
        let largest = if *name == "evaluation" || *what == "many lines" { 16 } else { 20 };
        for size in (8..=largest).step_by(4).map(|power| 1 << power) {
            let input = grows(size);
            assert!(input.len() <= size + 256, "{what} is about as long as asked for");
            let ended = panic::catch_unwind(AssertUnwindSafe(|| target(&input)));
            assert!(ended.is_ok(), "{name}: {what} at {size} bytes");
        }
    }
}

/// The inputs of a target that grow, as texts of some sizes.
fn growing(target: &str) -> impl Iterator<Item = (&'static str, String)> {
    let of_target = GROWTH.iter().filter(move |(name, _, _)| *name == target);
    of_target.flat_map(|(_, what, grows)| {
        (8..=16).step_by(2).map(|power| (*what, String::from_utf8(grows(1 << power)).unwrap()))
    })
}

#[test]
fn facts_do_not_outgrow_their_text() {
    for (what, text) in growing("shell") {
        let facts = compiler::facts::facts(&Event::command(text.as_str()), &NoWorkspace);
        let words = facts.commands.iter().flat_map(|command| &command.args).map(|word| word.text.len() + 1);
        let held = words.sum::<usize>() + facts.unknown.iter().map(|part| part.text.len() + 1).sum::<usize>();
        assert!(held <= 80 * text.len() + 65_536, "{what}: {held} bytes of {}", text.len());
    }
}

#[test]
fn rules_do_not_outgrow_what_was_said() {
    for (what, text) in growing("input_detection") {
        let understood = understand(&Correction::of(text.as_str()), Lexicon::builtin());
        let held: usize = understood.rules.iter().map(|rule| rules::file::render(rule).len()).sum();
        assert!(held <= 128 * text.len() + 4_096, "{what}: {held} bytes of {}", text.len());
    }
}

#[test]
fn replay() {
    let Ok(input) = std::env::var("TRACE_FUZZ") else { return };
    let (name, bytes) = input.split_once(':').unwrap();
    let target = TARGETS.iter().find(|(known, _)| *known == name).unwrap().1;
    target(&unhex(bytes));
}
