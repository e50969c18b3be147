//! What is found: turns, chunks of neighbouring turns, or whole sessions.

use crate::import::conversation::{Conversation, Question};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most tokens of a chunk.
const CHUNK_TOKENS: usize = 256;

/// What is found as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A turn.
    Turn,
    /// Turns of one session, one after the other, up to 256 tokens.
    Chunk,
    /// A session.
    Session,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Turn => "turn",
            Unit::Chunk => "chunk",
            Unit::Session => "session",
        })
    }
}

/// The units of one conversation, and which of them answer which question.
#[derive(Debug)]
pub(super) struct Units {
    /// The text of each.
    pub(super) texts: Vec<String>,
    /// Session and place in it of each, where units are turns.
    pub(super) places: Vec<(String, u32)>,
    answers: BTreeMap<String, BTreeSet<usize>>,
}

impl Units {
    /// The turns, with their speakers; with `dated`, the date in front.
    pub(super) fn turns(conversation: &Conversation, dated: bool) -> Units {
        Units {
            texts: spoken(conversation, dated),
            places: conversation.turns.iter().map(|turn| (turn.session.clone(), turn.place)).collect(),
            answers: conversation
                .turns
                .iter()
                .enumerate()
                .map(|(at, turn)| (turn.id.clone(), BTreeSet::from([at])))
                .collect(),
        }
    }

    /// The chunks, by a count of the tokens of a turn.
    pub(super) fn chunks(conversation: &Conversation, tokens: &dyn Fn(&str) -> usize) -> Units {
        let (mut of_chunk, mut session) = (0, None);
        Units::groups(conversation, |turn, said| {
            let counted = tokens(said);
            let is_new = session != Some(turn.session.clone()) || of_chunk + counted > CHUNK_TOKENS;
            of_chunk = if is_new { counted } else { of_chunk + counted };
            session = Some(turn.session.clone());
            is_new
        })
    }

    /// The sessions.
    pub(super) fn sessions(conversation: &Conversation) -> Units {
        let mut session = None;
        let mut units =
            Units::groups(conversation, |turn, _| session.replace(turn.session.clone()) != Some(turn.session.clone()));
        // Data sets whose evidence is sessions name them by these ids.
        for turn in &conversation.turns {
            let own = units.answers.get(&turn.id).cloned().unwrap_or_default();
            units.answers.entry(turn.session.clone()).or_default().extend(own);
        }
        units
    }

    fn groups(
        conversation: &Conversation,
        mut is_new: impl FnMut(&crate::import::conversation::Utterance, &str) -> bool,
    ) -> Units {
        let mut units = Units { texts: Vec::new(), places: Vec::new(), answers: BTreeMap::new() };
        for (turn, said) in conversation.turns.iter().zip(spoken(conversation, false)) {
            let is_new = is_new(turn, &said);
            match units.texts.last_mut().filter(|_| !is_new) {
                Some(text) => *text = format!("{text}\n{said}"),
                None => units.texts.push(said),
            }
            units.answers.insert(turn.id.clone(), BTreeSet::from([units.texts.len() - 1]));
        }
        units
    }

    /// The units that answer a question; none where the data set does not say it of such units.
    pub(super) fn evidence(&self, question: &Question) -> BTreeSet<usize> {
        question.evidence.iter().filter_map(|id| self.answers.get(id)).flatten().copied().collect()
    }
}

fn spoken(conversation: &Conversation, dated: bool) -> Vec<String> {
    let spoken = conversation.turns.iter().map(|turn| {
        let said = format!("{}: {}", turn.speaker, turn.said());
        match turn.date.as_ref().filter(|_| dated) {
            Some(date) => format!("[{date}] {said}"),
            None => said,
        }
    });
    spoken.collect()
}
