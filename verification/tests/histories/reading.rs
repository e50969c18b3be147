//! Recordings as text: both kinds are told apart, a torn end is said, and everything else that is wrong has its line.

use consistency::history::{Event, Fault, History, HistoryError, Recording};
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = r#"{"event":"begin","session":"1","agent":"ana","level":"L1"}"#;
const READ: &str = r#"{"event":"read","session":"1","key":"plan","version":"0.0","value":{"is":"absent"}}"#;
const COMMIT: &str = r#"{"event":"commit","session":"1","version":"0.1","writes":[{"key":"plan","how":"put","content":{"is":"present","value":null}}],"effects":[]}"#;
const RECORD: &str = r#"{"agent":"a","read_set":["x"],"read_values":{"x":"1"},"read_time":1,"write_set":[],"write_values":{},"write_time":2,"planned_tool":null,"tools_used":[],"tools_visible_at_read":[],"io":[],"co":[]}"#;

fn read(text: &str) -> Result<Recording, HistoryError> {
    Recording::read(text.as_bytes())
}

fn store(text: &str) -> History {
    match read(text).unwrap() {
        Recording::Store(history) => history,
        Recording::Operations(_) => panic!("a store's history"),
    }
}

#[test]
fn every_event_is_written_as_it_is_read() {
    let text = [
        BEGIN,
        READ,
        r#"{"event":"scan","session":"1","from":"todo/","to":"todo0","found":[["todo/1","0.1"]]}"#,
        r#"{"event":"scan","session":"1","from":"","to":null,"found":[],"snapshot":"1.7"}"#,
        r#"{"event":"pin","session":"1","tool":"bash","fingerprint":null}"#,
        r#"{"event":"acknowledge","session":"1","key":"plan","version":"0.2"}"#,
        r#"{"event":"write","session":"1","key":"plan","version":"0.2","content":{"is":"deleted"}}"#,
        COMMIT,
        r#"{"event":"abort","session":"2","reason":"conflict"}"#,
        r#"{"event":"retract","version":"0.3","retracted":["0.1"],"writes":[{"key":"plan","content":{"is":"absent"}}]}"#,
        r#"{"event":"finalise","version":"0.3"}"#,
        r#"{"event":"tool","tool":"bash","fingerprint":"v1"}"#,
        r#"{"event":"effect","version":"0.1","index":0,"lane":"sh","tool":"bash","fingerprint":"v1"}"#,
    ];
    for line in text {
        let event: Event = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
    }
}

#[test]
fn the_first_line_that_is_not_empty_tells_the_kind() {
    assert_eq!(store("").transactions().len(), 0);
    assert_eq!(store(&format!("\n\n{BEGIN}\n\n{READ}\r\n{COMMIT}")).transactions().len(), 1);
    for text in
        [format!("\n{RECORD}\n\n{RECORD}"), format!("[{RECORD},\n{RECORD}]"), format!("[\n{RECORD},{RECORD}]\n")]
    {
        let Recording::Operations(operations) = read(&text).unwrap() else { panic!("{text}") };
        assert_eq!(operations.records().len(), 2);
    }
    for text in ["hello", "{}", "7", "\"event\"", "{\"agent\":\"a\"}"] {
        let error = read(text).unwrap_err();
        assert!(matches!(error.fault, Fault::Kind), "{text}: {error}");
    }
}

#[test]
fn a_torn_last_line_is_left_out_and_said() {
    let whole = format!("{BEGIN}\n{READ}\n{COMMIT}\n");
    assert_eq!(store(&whole).torn(), None);
    let last = format!("{BEGIN}\n{READ}\n").len();
    for end in last..whole.len() {
        let (text, _) = whole.split_at(end);
        let history = store(text);
        let is_torn = (last + 1..last + COMMIT.len()).contains(&end);
        assert_eq!(history.torn(), is_torn.then_some(3), "{text}");
    }
    // A torn character is a torn line.
    let mut bytes = format!("{BEGIN}\n{{\"event\":\"abort\",\"session\":\"1\",\"reason\":\"ü").into_bytes();
    bytes.pop();
    let Recording::Store(history) = Recording::read(bytes.as_slice()).unwrap() else { panic!("a store's history") };
    assert_eq!(history.torn(), Some(2));
}

#[test]
fn every_other_bad_line_is_an_error_with_its_number_and_help() {
    let commit_again = COMMIT.replace("\"session\":\"1\"", "\"session\":\"2\"");
    let begin_again = BEGIN.replace("\"session\":\"1\"", "\"session\":\"2\"");
    let mut shown = String::new();
    for (text, line) in [
        (format!("{BEGIN}\n{{\"event\":\"rea\n{COMMIT}\n"), 2),
        (format!("{BEGIN}\n{RECORD}\n"), 2),
        (format!("{BEGIN}\n{RECORD}"), 2),
        (format!("{READ}\n"), 1),
        (format!("{BEGIN}\n\n{BEGIN}\n"), 3),
        (format!("{BEGIN}\n{COMMIT}\n{READ}\n"), 3),
        (format!("{BEGIN}\n{COMMIT}\n{begin_again}\n{commit_again}\n"), 4),
        (format!("{BEGIN}\n{}\n", COMMIT.replace("0.1", "0.0")), 2),
        (format!("{BEGIN}\n{}\n", COMMIT.replace("0.1", "1")), 2),
        (format!("{BEGIN}\n{}\n", r#"{"event":"scan","session":"1","from":"b","to":"a","found":[]}"#), 2),
        (format!("{RECORD}\n{{}}\n"), 2),
        (format!("{RECORD}\n{{\"agent\":"), 0),
        (format!("[{RECORD},\n{{\"agent\":7}}]"), 2),
        ("hello".to_owned(), 1),
    ] {
        match read(&text) {
            Ok(Recording::Operations(operations)) if line == 0 => assert_eq!(operations.torn(), Some(2)),
            Ok(_) => panic!("{text}"),
            Err(error) => {
                assert_eq!(error.line, line, "{text}\n{error}");
                writeln!(shown, "{error}").unwrap();
                let helps = error.to_string().contains("\nhelp: ");
                assert!(helps, "{error}");
            }
        }
    }
    assert!(shown.contains("line 1: session `1` has not begun\nhelp: "), "{shown}");
    assert!(shown.contains("line 4: version 0.1 is not free\nhelp: "), "{shown}");
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let whole = [BEGIN, READ, COMMIT].join("\n");
    for place in 0..whole.len() {
        for byte in [b'"', b'}', b'\n', 0xff, b'0', b'['] {
            let mut bytes = whole.clone().into_bytes();
            bytes[place] = byte;
            if let Ok(Recording::Store(history)) = Recording::read(bytes.as_slice()) {
                history.level();
            }
        }
    }
}

#[test]
fn every_sample_shows_what_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/histories");
    for (name, expected) in [
        ("clean", ""),
        ("edit-review", "A1"),
        ("lost-update", "A1"),
        ("phantom", "A1"),
        ("write-skew", "A1"),
        ("cascade", "A3"),
        ("reordering", "A6"),
        ("phantom-tool", "A2"),
        ("operations", "A1"),
    ] {
        let text = std::fs::read_to_string(folder.join(name).with_extension("jsonl")).unwrap();
        let level = match read(&text).unwrap() {
            Recording::Store(history) => history.level(),
            Recording::Operations(operations) => operations.level(),
        };
        assert_eq!(level.because.map_or("", |anomaly| anomaly.name()), expected, "{name}");
    }
}
