//! Conversations of the public data sets: what was said, and what is asked about it.
//!
//! What an import keeps of one are its turns, as [`Conversation::drafts`]; questions and evidence are for whoever measures.

use super::{ImportError, json, split};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Scope, Trust, Turn};
use consistency::Millis;
use serde_json::Value;
use std::io::Read;
use std::ops::ControlFlow;

/// A conversation of a data set, over one or many sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Its name in the data set.
    pub name: String,
    /// Everything that was said, in its order.
    pub turns: Vec<Utterance>,
    /// What the data set asks about it.
    pub questions: Vec<Question>,
    /// What could not be read, for a person.
    pub left_out: Vec<String>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Its id: `D1:3` in `LoCoMo`, `SESSION#3` (counted from 1) in `LongMemEval`.
    pub id: String,
    /// Who speaks: a name, or `user` and `assistant`.
    pub speaker: String,
    /// The words, without speaker, date or image.
    pub text: String,
    /// What an image shows that came with it.
    pub image: Option<String>,
    /// The session: `session_1`, or the data set's own id of it.
    pub session: String,
    /// Its place in the session, counted from 0.
    pub place: u32,
    /// When the session was, taken as UTC: the data sets name no zone.
    pub said_at: Option<Millis>,
    /// The same as the data set writes it.
    pub date: Option<String>,
    /// How far it may be trusted.
    pub trust: Trust,
    /// Whether the data set marks it as holding an answer.
    pub marked: bool,
}

/// What is asked about a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub text: String,
    /// What answers it; nothing where it can't be answered.
    pub answer: Option<String>,
    /// Where the answer is: ids of turns in `LoCoMo`, of sessions in `LongMemEval`; those that are there, each once.
    pub evidence: Vec<String>,
    /// The data set's name or number of its kind.
    pub category: String,
}

impl Utterance {
    /// The words with what came with them, as they are kept: `text [image: caption]`.
    pub fn said(&self) -> String {
        match &self.image {
            Some(image) if self.text.is_empty() => format!("[image: {image}]"),
            Some(image) => format!("{} [image: {image}]", self.text),
            None => self.text.clone(),
        }
    }
}

impl Conversation {
    /// What is to be remembered of it: a draft for each turn, several of one place where a text is too long for one.
    /// The conversation is the run of the scope; each session is a conversation of [`Turn`]s, as what follows days later
    /// is no neighbour.
    pub fn drafts(&self, source: &str) -> impl Iterator<Item = Draft> {
        let scope = Scope { run: Some(self.name.clone()), ..Scope::default() };
        self.turns.iter().flat_map(move |turn| {
            let said = turn.said();
            let parts: Vec<String> = split::within(&said, MAX_TEXT_BYTES).map(str::to_owned).collect();
            let draft = turn.draft(&self.name, source).within(scope.clone());
            parts.into_iter().map(move |text| Draft { text, ..draft.clone() })
        })
    }
}

impl Utterance {
    fn draft(&self, conversation: &str, source: &str) -> Draft {
        Draft {
            metadata: [("turn_id".to_owned(), self.id.clone().into())].into_iter().collect(),
            provenance: Provenance { trust: self.trust, source: Some(source.to_owned()), ..Provenance::default() },
            turn: Some(Turn {
                conversation: format!("{conversation}/{}", self.session),
                place: self.place,
                speaker: Some(self.speaker.clone()),
                said_at: self.said_at,
            }),
            ..Draft::default()
        }
    }
}

/// The conversations of a file, each read by `one`.
pub(super) fn parse(
    input: impl Read,
    one: fn(&Value) -> Result<Conversation, String>,
) -> Result<Vec<Conversation>, ImportError> {
    let (mut all, mut bad) = (Vec::new(), None);
    json::elements(input, &mut |item, sample| match one(&sample) {
        Ok(conversation) => {
            all.push(conversation);
            ControlFlow::Continue(())
        }
        Err(what) => {
            bad = Some(ImportError::Item { item, what });
            ControlFlow::Break(())
        }
    })?;
    bad.map_or(Ok(all), Err)
}
