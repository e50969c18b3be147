//! `HotpotQA` (Yang et al. 2018, arXiv 1809.09600, CC BY-SA): questions that take two paragraphs to answer, among distractors.
//!
//! `[{"_id", "question", "answer", "type", "level", "supporting_facts": [[title, sentence]], "context": [[title,
//! [sentence, …]]]}]`. A paragraph is a session, its sentences are its turns, and its title is who speaks. In the
//! long-context variant, [`pooled`], many questions share the paragraphs of all of them.

use super::ImportError;
use super::conversation::{self, Conversation, Question, Utterance};
use crate::record::Trust;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;

/// The questions of a file, each with its own paragraphs.
///
/// # Errors
/// [`ImportError`] where the file is no JSON, or an element is no question.
pub fn parse(input: impl Read) -> Result<Vec<Conversation>, ImportError> {
    conversation::parse(input, conversation)
}

/// Questions over the paragraphs of so many of them, each paragraph once.
pub fn pooled(alone: Vec<Conversation>, together: usize) -> Vec<Conversation> {
    let mut pooled: Vec<Conversation> = Vec::new();
    for (number, one) in alone.into_iter().enumerate() {
        if number % together.max(1) == 0 {
            pooled.push(Conversation { name: format!("{}+", one.name), ..Conversation::default() });
        }
        let Some(all) = pooled.last_mut() else { continue };
        let known: BTreeSet<String> = all.turns.iter().map(|turn| turn.id.clone()).collect();
        all.turns.extend(one.turns.into_iter().filter(|turn| !known.contains(&turn.id)));
        all.questions.extend(one.questions);
        all.left_out.extend(one.left_out);
    }
    pooled
}

fn conversation(sample: &Value) -> Result<Conversation, String> {
    let list = |name: &str| sample.get(name).and_then(Value::as_array);
    let text = |name: &str| sample.get(name).and_then(Value::as_str).map(str::to_owned);
    let paragraphs = list("context").ok_or("an object with `context` is expected")?;
    let name = text("_id").or_else(|| text("id")).ok_or("`_id` is missing")?;
    let mut all = Conversation { name, ..Conversation::default() };
    for (at, paragraph) in paragraphs.iter().enumerate() {
        let (title, sentences) = (paragraph.get(0).and_then(Value::as_str), paragraph.get(1).and_then(Value::as_array));
        let (Some(title), Some(sentences)) = (title, sentences) else {
            all.left_out.push(format!("paragraph {} has no title or no sentences", at + 1));
            continue;
        };
        let sentences = sentences.iter().enumerate().filter_map(|(place, text)| Some((place, text.as_str()?.trim())));
        all.turns
            .extend(sentences.filter(|(_, text)| !text.is_empty()).map(|(place, text)| sentence(title, place, text)));
    }
    let known: BTreeSet<&str> = all.turns.iter().map(|turn| turn.id.as_str()).collect();
    let mut evidence: Vec<String> = Vec::new();
    for fact in list("supporting_facts").into_iter().flatten() {
        let (Some(title), Some(place)) = (fact.get(0).and_then(Value::as_str), fact.get(1).and_then(Value::as_u64))
        else {
            continue;
        };
        let id = format!("{title}#{place}");
        if known.contains(id.as_str()) && !evidence.contains(&id) {
            evidence.push(id);
        }
    }
    let question = text("question").ok_or("`question` is missing")?;
    let category = text("type").unwrap_or_default();
    all.questions = vec![Question { text: question, answer: text("answer"), evidence, category }];
    Ok(all)
}

fn sentence(title: &str, place: usize, text: &str) -> Utterance {
    Utterance {
        id: format!("{title}#{place}"),
        speaker: title.to_owned(),
        text: text.to_owned(),
        image: None,
        session: title.to_owned(),
        place: u32::try_from(place).unwrap_or(u32::MAX),
        said_at: None,
        date: None,
        trust: Trust::Outside,
        marked: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"[
        {"_id": "a", "question": "Who led the band of the song Kite?", "answer": "Ann Lee", "type": "bridge", "level": "easy",
         "supporting_facts": [["Kite", 0], ["The Reeds", 1], ["Kite", 9]],
         "context": [["Kite", ["Kite is a song by The Reeds.", " It was slow."]], ["The Reeds", ["A band.", "Ann Lee led it."]]]},
        {"_id": "b", "question": "Is Kite slow?", "answer": "yes", "type": "comparison", "level": "easy",
         "supporting_facts": [["Kite", 1]], "context": [["Kite", ["Kite is a song by The Reeds.", " It was slow."]], 7]}
    ]"#;

    #[test]
    fn supporting_facts_are_the_evidence_that_is_there() {
        let all = parse(TWO.as_bytes()).unwrap();
        assert_eq!(all[0].questions[0].evidence, ["Kite#0", "The Reeds#1"]);
        assert_eq!(all[0].turns[1].text, "It was slow.");
        assert_eq!(all[1].left_out, ["paragraph 2 has no title or no sentences"]);
    }

    #[test]
    fn pooled_questions_share_each_paragraph_once() {
        let pooled = pooled(parse(TWO.as_bytes()).unwrap(), 2);
        assert_eq!(pooled.len(), 1);
        assert_eq!((pooled[0].turns.len(), pooled[0].questions.len()), (4, 2));
    }
}
