//! Secrets never stay, and what only looks like one does: a corpus of texts, and properties of any text.

#![expect(clippy::indexing_slicing, reason = "a test that cannot be set up has failed")]

use memory::redact::{redact, redacted};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// A text, and what becomes of it; without that it stays.
#[derive(Debug, Deserialize)]
struct Case {
    text: String,
    redacted: Option<String>,
}

/// Puts letters in the place of `{a36}` (letters and digits), `{u16}` (upper case), `{h32}` (hexadecimal), `{n12}` and `{uuid}`:
/// no file of ours holds what looks like a secret.
fn filled(text: &str) -> String {
    let letters = |alphabet: &str, count: usize| -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..count).map(|n| alphabet[((n * 2_654_435_761) >> 7) % alphabet.len()]).collect()
    };
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, inside, after)) = rest
        .split_once('{')
        .and_then(|(before, rest)| rest.split_once('}').map(|(inside, after)| (before, inside, after)))
    {
        let (form, count) = inside.split_at(usize::from(!inside.is_empty()));
        let put = match (form, count.parse()) {
            ("u", _) if inside == "uuid" => Some("0193a5b2-7c1e-7d3f-9a4b-1c2d3e4f5a6b".to_owned()),
            ("a", Ok(count)) => Some(letters("aB3dEf7hJkL9mNpQ2rStUv5wXyZ1", count)),
            ("u", Ok(count)) => Some(letters("ABC2DEFG3HJK4", count)),
            ("h", Ok(count)) => Some(letters("0a1b2c3d4e5f6789", count)),
            ("n", Ok(count)) => Some(letters("1234567890", count)),
            _ => None,
        };
        filled.push_str(before);
        if let Some(put) = put {
            filled.push_str(&put);
            rest = after;
        } else {
            filled.push('{');
            rest = rest.get(before.len() + 1..).unwrap_or_default();
        }
    }
    filled + rest
}

#[test]
fn secrets_go_and_the_rest_stays() {
    let mut wrong = Vec::new();
    for line in include_str!("secrets.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let text = filled(&case.text);
        let expected = case.redacted.as_deref().map_or_else(|| text.clone(), filled);
        let is = redacted(&text).into_owned();
        if is != expected || redacted(&is) != is {
            wrong.push(format!("{line}\n  gives {is}\n  then  {}", redacted(&is)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fields_are_judged_by_their_names_too() {
    let fields = json!({
        "password": "letmein", "note": filled("use ghp_{a36}"), "token": 7, "list": ["fine", {"api_key": filled("{a24}")}],
        "secrets": "two of them", "tokens": ["a"], "page_token": "next",
    });
    let mut fields = fields.as_object().unwrap().clone();
    redact(&mut fields);
    assert_eq!(
        serde_json::Value::Object(fields),
        json!({
            "password": "[redacted password]", "note": "use [redacted GitHub token]", "token": 7,
            "list": ["fine", {"api_key": "[redacted API key]"}], "secrets": "two of them", "tokens": ["a"], "page_token": "next",
        })
    );
}

/// Without its bounds the scan would take minutes here.
#[test]
fn a_text_made_to_be_slow_is_not() {
    let pieces = [
        "eyJ-",
        "eyJaaaaaaaa.",
        "password=",
        "password=\"",
        "token='password=`",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "AIza-",
        "api_ key =",
    ];
    for piece in pieces {
        let text = piece.repeat((1 << 16) / piece.len());
        assert!(redacted(&text).len() < 4 * text.len());
    }
}

/// Texts of pieces that mean something next to each other.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password"),
        Just("token"),
        Just("api_key"),
        Just("secret"),
        Just("authorization"),
        Just("Bearer "),
        Just("Basic "),
        Just("="),
        Just(": "),
        Just(" is "),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just(" "),
        Just("\n"),
        Just("://"),
        Just("@"),
        Just(":"),
        Just("hunter2"),
        Just("[redacted token]"),
        Just("{a40}"),
        Just("ghp_{a36}"),
        Just("AKIA{u16}"),
        Just("sk-ant-{a30}"),
        Just("eyJ{a20}.eyJ{a20}.{a20}"),
        Just("-----BEGIN PRIVATE KEY-----"),
        Just("-----END PRIVATE KEY-----"),
        Just("ä"),
        Just("."),
        Just("-"),
        Just("_"),
        Just("("),
        Just("str"),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| filled(&pieces.concat()))
}

proptest! {
    #[test]
    fn nothing_is_left_to_find(text in text()) {
        let once = redacted(&text).into_owned();
        prop_assert_eq!(redacted(&once), once.as_str());
    }

    #[test]
    fn any_text_can_be_looked_through(text in any::<String>()) {
        let once = redacted(&text).into_owned();
        prop_assert_eq!(redacted(&once), once.as_str());
    }

    #[test]
    fn no_text_around_it_hides_a_token(before in text(), after in any::<String>()) {
        for token in ["ghp_{a36}", "AKIA{u16}", "sk-ant-{a30}", "xoxb-{n12}-{a24}", "eyJ{a20}.eyJ{a20}.{a20}"].map(filled) {
            let text = format!("{before} {token} {after}");
            let once = redacted(&text);
            prop_assert!(!once.contains(&format!(" {token} ")), "{}", once);
        }
    }
}
