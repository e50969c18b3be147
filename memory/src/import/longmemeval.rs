//! `LongMemEval` (Wu et al. 2024, arXiv 2410.10813, MIT): a question over a haystack of sessions of a user and an assistant.
//!
//! `[{"question_id", "question_type", "question", "answer", "question_date", "haystack_session_ids", "haystack_dates",
//! "haystack_sessions": [[{"role", "content", "has_answer"?}]], "answer_session_ids"}]`; also with `questions`, `answers` and
//! `answer_session_ids` in lists of the same length, for several questions over one haystack.

use super::ImportError;
use super::conversation::{self, Conversation, Question, Utterance};
use crate::record::Trust;
use consistency::Millis;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;

/// The haystacks of a file.
///
/// # Errors
/// [`ImportError`] where the file is no JSON, or an element is no haystack.
pub fn parse(input: impl Read) -> Result<Vec<Conversation>, ImportError> {
    conversation::parse(input, conversation)
}

/// One element of the file.
///
/// # Errors
/// What is wrong.
pub(super) fn conversation(sample: &Value) -> Result<Conversation, String> {
    let list = |name: &str| sample.get(name).and_then(Value::as_array);
    let sessions = list("haystack_sessions").ok_or("an object with `haystack_sessions` is expected")?;
    let name = sample.get("question_id").and_then(Value::as_str).ok_or("`question_id` is missing")?.to_owned();
    let mut all = Conversation { name, ..Conversation::default() };
    let (ids, dates) = (list("haystack_session_ids"), list("haystack_dates"));
    for (place, turns) in sessions.iter().enumerate() {
        let at = |list: Option<&Vec<Value>>| Some(list?.get(place)?.as_str()?.to_owned());
        let id = at(ids).unwrap_or_else(|| format!("session_{}", place + 1));
        session(&mut all, &id, turns, at(dates).as_deref());
    }
    let known: BTreeSet<&str> = all.turns.iter().map(|turn| turn.session.as_str()).collect();
    all.questions = questions(sample, &known);
    Ok(all)
}

fn session(all: &mut Conversation, id: &str, turns: &Value, date: Option<&str>) {
    let said_at = date.and_then(moment);
    let mut place = 0;
    for (at, turn) in turns.as_array().into_iter().flatten().enumerate() {
        let field = |name: &str| turn.get(name).and_then(Value::as_str);
        let (Some(role), Some(text)) = (field("role"), field("content").map(str::trim)) else {
            all.left_out.push(format!("turn {} of `{id}` has no `role` or no `content`", at + 1));
            continue;
        };
        if text.is_empty() {
            all.left_out.push(format!("turn {} of `{id}` is empty", at + 1));
            continue;
        }
        all.turns.push(Utterance {
            id: format!("{id}#{}", at + 1),
            speaker: role.to_owned(),
            text: text.to_owned(),
            image: None,
            session: id.to_owned(),
            place,
            said_at,
            date: date.map(str::to_owned),
            trust: if role == "user" { Trust::User } else { Trust::Agent },
            marked: turn.get("has_answer").and_then(Value::as_bool).unwrap_or_default(),
        });
        place += 1;
    }
}

fn questions(sample: &Value, known: &BTreeSet<&str>) -> Vec<Question> {
    let category = sample.get("question_type").and_then(Value::as_str).unwrap_or_default();
    let asked = |text: &Value, answer: Option<&Value>, evidence: Option<&Value>| {
        let ids = evidence.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut evidence: Vec<String> = Vec::new();
        for id in ids.filter(|id| known.contains(id)) {
            if !evidence.iter().any(|known| known == id) {
                evidence.push(id.to_owned());
            }
        }
        let answer = answer.filter(|answer| !answer.is_null());
        let answer = answer.map(|answer| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned));
        Some(Question { text: text.as_str()?.to_owned(), answer, evidence, category: category.to_owned() })
    };
    if let Some(question) = sample.get("question") {
        return asked(question, sample.get("answer"), sample.get("answer_session_ids")).into_iter().collect();
    }
    let at = |name: &str, place: usize| sample.get(name)?.get(place);
    let texts = sample.get("questions").and_then(Value::as_array).into_iter().flatten().enumerate();
    texts.filter_map(|(place, text)| asked(text, at("answers", place), at("answer_session_ids", place))).collect()
}

/// `2023/05/30 (Tue) 23:40`.
fn moment(date: &str) -> Option<Millis> {
    super::moment("%Y/%m/%d (%a) %H:%M", date)
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_read_as_the_file_writes_them() {
        assert_eq!(super::moment("2023/05/30 (Tue) 23:40"), Some(1_685_490_000_000));
        assert_eq!(super::moment("2023-05-30"), None);
    }
}
