//! `LoCoMo` (Maharana et al. 2024, arXiv 2402.17753): ten long conversations of two people, over weeks, with questions.
//!
//! `[{"sample_id", "conversation": {"session_1": [{"dia_id", "speaker", "text", "blip_caption"?}], "session_1_date_time"},
//! "qa": [{"question", "answer", "evidence": ["D1:3"], "category"}]}]`. The data set is not shipped: it is CC BY-NC.

use super::ImportError;
use super::conversation::{self, Conversation, Question, Utterance};
use crate::record::Trust;
use consistency::Millis;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;

/// The conversations of a file.
///
/// # Errors
/// [`ImportError`] where the file is no JSON, or an element is no conversation.
pub fn parse(input: impl Read) -> Result<Vec<Conversation>, ImportError> {
    conversation::parse(input, conversation)
}

/// One element of the file.
///
/// # Errors
/// What is wrong.
pub(super) fn conversation(sample: &Value) -> Result<Conversation, String> {
    let sessions = sample.get("conversation").and_then(Value::as_object);
    let sessions = sessions.ok_or("an object with `conversation` is expected")?;
    let name = sample.get("sample_id").and_then(Value::as_str).ok_or("`sample_id` is missing")?.to_owned();
    let mut all = Conversation { name, ..Conversation::default() };
    // The file has them in their order; text sorts 10 before 2.
    let mut numbered: Vec<(u32, &Value)> =
        sessions.iter().filter_map(|(name, turns)| Some((number(name)?, turns))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    for (number, turns) in numbered {
        let date = sessions.get(&format!("session_{number}_date_time")).and_then(Value::as_str);
        session(&mut all, number, turns, date);
    }
    let known: BTreeSet<&str> = all.turns.iter().map(|turn| turn.id.as_str()).collect();
    let asked = sample.get("qa").and_then(Value::as_array).into_iter().flatten();
    all.questions = asked.filter_map(|asked| question(asked, &known)).collect();
    Ok(all)
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("session_")?.parse().ok()
}

fn session(all: &mut Conversation, number: u32, turns: &Value, date: Option<&str>) {
    let mut place = 0;
    for (at, turn) in turns.as_array().into_iter().flatten().enumerate() {
        let text = |name: &str| turn.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned());
        let (text, image) = (text("text").unwrap_or_default(), text("blip_caption").filter(|image| !image.is_empty()));
        let named = |name: &str| turn.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(speaker), Some(id)) = (named("speaker"), named("dia_id")) else {
            all.left_out.push(format!("turn {} of `session_{number}` has no `speaker` or no `dia_id`", at + 1));
            continue;
        };
        if text.is_empty() && image.is_none() {
            all.left_out.push(format!("turn {} of `session_{number}` is empty", at + 1));
            continue;
        }
        let id = ids(&id).into_iter().next().unwrap_or(id);
        let (session, said_at, date) = (format!("session_{number}"), date.and_then(moment), date.map(str::to_owned));
        let trust = Trust::User;
        all.turns.push(Utterance { id, speaker, text, image, session, place, said_at, date, trust, marked: false });
        place += 1;
    }
}

fn question(asked: &Value, known: &BTreeSet<&str>) -> Option<Question> {
    let shown = |name: &str| match asked.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let mut evidence = Vec::new();
    for id in asked.get("evidence").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        for id in ids(id) {
            if known.contains(id.as_str()) && !evidence.contains(&id) {
                evidence.push(id);
            }
        }
    }
    let (answer, category) = (shown("answer"), shown("category").unwrap_or_default());
    Some(Question { text: shown("question")?, answer, evidence, category })
}

/// The ids in a text, as the file writes them: `D1:3`, but also `D:11:26`, `D30:05` and several in one text.
fn ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split('D').skip(1) {
        let mut numbers = part.trim_start_matches(':').splitn(2, ':');
        let mut next = || -> Option<u32> {
            let digits: String = numbers.next()?.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        if let (Some(session), Some(turn)) = (next(), next()) {
            found.push(format!("D{session}:{turn}"));
        }
    }
    found
}

/// `1:56 pm on 8 May, 2023`.
fn moment(date: &str) -> Option<Millis> {
    super::moment("%I:%M %p on %d %B, %Y", date)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_read_as_the_file_writes_them() {
        let cases: [(&str, &[&str]); 7] = [
            ("D1:3", &["D1:3"]),
            ("D:11:26", &["D11:26"]),
            ("D30:05", &["D30:5"]),
            ("D8:6; D9:17", &["D8:6", "D9:17"]),
            ("D9:1 D4:4 D4:6", &["D9:1", "D4:4", "D4:6"]),
            ("D", &[]),
            ("", &[]),
        ];
        for (text, ids) in cases {
            assert_eq!(super::ids(text), ids, "{text}");
        }
    }

    #[test]
    fn dates_are_read_as_the_file_writes_them() {
        assert_eq!(super::moment("1:56 pm on 8 May, 2023"), Some(1_683_554_160_000));
        assert_eq!(super::moment("12:48 am on 1 February, 2023"), Some(1_675_212_480_000));
        assert_eq!(super::moment("soon"), None);
    }
}
