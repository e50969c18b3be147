//! Conversations that are generated here, with questions whose evidence is known: what the shipped model is learnt from.
//!
//! Two people talk over many sessions, months long. Each tells events of the topics in `topics.toml`; the other asks, and a
//! detail is told in answer. Both have events of the same topics, mention again what was told, and talk about nothing in
//! between: what shares the words of a question is often not its answer. Questions are put in other words than the events are
//! told in; some need several turns, and some name the month.
//!
//! INVARIANT: a seed and a count make the same conversations. Nothing in them is from any data set.

mod talk;

use crate::random::Random;
use memory::import::conversation::Conversation;
use serde::Deserialize;
use talk::Talk;

/// A topic: how its events are told and asked for.
#[derive(Debug, Deserialize)]
struct Topic {
    kind: String,
    items: Vec<String>,
    tell: Vec<String>,
    when: Vec<String>,
    what: Vec<String>,
    all: Vec<String>,
    later: Vec<String>,
    react: Vec<String>,
    detail: Vec<Detail>,
}

/// Something more that is told of an event when somebody asks.
#[derive(Debug, Deserialize)]
struct Detail {
    prompt: Vec<String>,
    answer: Vec<String>,
    values: Vec<String>,
    ask: Vec<String>,
}

/// What is said besides.
#[derive(Debug, Deserialize)]
struct Chat {
    names: Vec<String>,
    hello: Vec<String>,
    reply: Vec<String>,
    nothing: Vec<String>,
    again: Vec<String>,
    bye: Vec<String>,
    whens: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Topics {
    topic: Vec<Topic>,
}

/// Everything that can be said.
#[derive(Debug)]
struct Lines {
    topics: Vec<Topic>,
    chat: Chat,
}

impl Lines {
    fn read() -> Option<Lines> {
        let Topics { topic } = toml::from_str(include_str!("topics.toml")).ok()?;
        Some(Lines { topics: topic, chat: toml::from_str(include_str!("chat.toml")).ok()? })
    }
}

/// Generates so many conversations.
pub fn generate(count: usize, seed: u64) -> Vec<Conversation> {
    let Some(lines) = Lines::read() else { return Vec::new() };
    let mut random = Random::new(seed);
    (0..count).map(|number| Talk::new(&lines, Random::new(random.next())).conversation(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_can_be_said_can_be_read() {
        let lines = Lines::read().unwrap();
        assert!(lines.topics.len() > 10 && lines.chat.names.len() > 10);
    }

    #[test]
    fn a_seed_makes_the_same_conversations_and_evidence_is_in_them() {
        let all = generate(3, 1);
        assert_eq!(all, generate(3, 1));
        assert_ne!(all[0].turns, generate(1, 2)[0].turns);
        for one in &all {
            let ids: BTreeSet<&String> = one.turns.iter().map(|turn| &turn.id).collect();
            assert_eq!(ids.len(), one.turns.len());
            assert!(one.questions.len() > 40, "{}", one.questions.len());
            for question in &one.questions {
                assert!(!question.evidence.is_empty() && question.evidence.iter().all(|id| ids.contains(id)));
                assert!(!question.text.contains('{'), "{}", question.text);
            }
            assert!(one.turns.iter().all(|turn| !turn.text.contains('{')));
        }
    }
}
