//! Whatever bytes a hook is given, it answers as the host can read it, and refuses nothing that no rule forbids.
//!
//! `TRACE_HOSTILE=100000 cargo test --workspace --test hosts hostile` runs more; the seed is printed, and taken from
//! `TRACE_SEED`.

use crate::place::{Place, is_valid};
use server::host::{Description, HOSTS};

const CORPUS: &str = include_str!("spellings.jsonl");
const RULES: [&str; 3] = [
    "Never use npm here, use pnpm.",
    "Never write TODO in Rust files.",
    "After editing a .rs file, run cargo test before you finish.",
];
/// What payloads are damaged with.
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"null",
    b"\\ud800",
    b"\xff\xfe",
    b"\x00",
    b"-1e999",
    b"\\",
    b",",
    b"\xef\xbb\xbf",
    b"\"command\":",
    b"true",
    b"\xed\xa0\x80",
    b"$(((",
];

/// A sequence of numbers (xorshift64*, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// The corpus's payloads in the spelling of a host.
fn payloads(place: &Place) -> Vec<(&'static Description, Option<String>, Vec<u8>)> {
    let mut found = Vec::new();
    for line in CORPUS.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let host = HOSTS.into_iter().find(|host| host.name == case["host"]).unwrap();
        for event in case["events"].as_array().unwrap() {
            let text = place.placed(&event[1].to_string());
            found.push((host, event[0].as_str().map(str::to_owned), text.into_bytes()));
        }
    }
    found
}

/// Damages a payload.
fn damaged(mut bytes: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(at),
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(numbers.next() & 0xff).unwrap();
                }
            }
            2 => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
            3 => drop(bytes.drain(at..(at + numbers.below(40)).min(bytes.len()))),
            4 => {
                let part = bytes[at..(at + numbers.below(200)).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => bytes = (0..numbers.below(300)).map(|_| u8::try_from(numbers.next() & 0xff).unwrap()).collect(),
        }
    }
    bytes
}

#[test]
fn hostile_bytes_get_a_valid_answer_and_block_nothing_that_is_allowed() {
    let set = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let runs = set("TRACE_HOSTILE").unwrap_or(1_500);
    let seed = set("TRACE_SEED").unwrap_or(0x5eed_u64);
    println!("replay with: TRACE_SEED={seed}");
    let mut numbers = Numbers(seed | 1);
    let place = Place::with(&RULES);
    let payloads = payloads(&place);
    for run in 0..runs {
        let (host, name, bytes) = &payloads[numbers.below(payloads.len())];
        let bytes = damaged(bytes.clone(), &mut numbers);
        let answer = place.hears(host, name.as_deref(), &bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(is_valid(host, &answer), "run {run}, seed {seed}: {text}\n{answer:?}");
        if answer.output.contains("not allowed here") {
            let forbidden = text.contains("npm") || text.contains("TODO") || text.contains("\\u");
            assert!(forbidden, "run {run}, seed {seed}: refused without a cause: {text}\n{answer:?}");
        }
    }
}

#[test]
fn huge_and_deep_payloads_get_a_valid_answer() {
    let place = Place::with(&RULES);
    let deep = "[".repeat(100_000);
    let long = "a".repeat(4 << 20);
    for host in HOSTS {
        for (name, bytes) in [
            ("deep", format!("{{\"hook_event_name\":\"PreToolUse\",\"tool_input\":{deep}")),
            ("text", format!("\"{long}\"")),
            (
                "field",
                format!("{{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"{long}\",\"session_id\":\"{long}\"}}"),
            ),
        ] {
            let answer = place.hears(host, Some("preToolUse"), bytes.as_bytes());
            assert!(answer.output.is_empty() && answer.exit == 0, "{name} on {}", host.name);
        }
    }
}
