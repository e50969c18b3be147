//! Conversations in the product's own index, each of them a tenant's: what is measured is what serves.

use super::retrieval::EvaluationError;
use crate::embed::Embedder;
use crate::filter::Filter;
use crate::import::conversation::Conversation;
use crate::index::{Candidates, Index, IndexError, Mode, Progress, Query};
use crate::memories::Memories;
use crate::record::RecordId;
use crate::tenant::{BadTenant, Tenant};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How deep the search is looked into.
pub const DEPTH: usize = 100;

/// One index over all conversations.
#[derive(Debug)]
pub struct Indexed {
    index: Index,
    turns: BTreeMap<RecordId, usize>,
}

impl Indexed {
    /// Puts the conversations into an empty store and indexes them in an empty folder.
    ///
    /// # Errors
    /// [`EvaluationError`] when the store, the index or the embedder fails.
    pub fn new(
        conversations: &[Conversation],
        memories: &Memories,
        folder: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Indexed, EvaluationError> {
        let mut turns = BTreeMap::new();
        for conversation in conversations {
            let places: BTreeMap<&str, usize> =
                conversation.turns.iter().enumerate().map(|(at, turn)| (turn.id.as_str(), at)).collect();
            for draft in conversation.drafts("evaluation") {
                let at = draft.metadata.get("turn_id").and_then(|id| places.get(id.as_str()?)).copied();
                let added = memories.add(&tenant(conversation)?, "evaluation", &draft)?;
                turns.extend(at.map(|at| (added.id, at)));
            }
        }
        let index = Index::open(folder, memories, embedder)?;
        index.embed_pending(progress)?;
        Ok(Indexed { index, turns })
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Which turn of its conversation a record is.
    pub fn turn(&self, id: RecordId) -> Option<usize> {
        self.turns.get(&id).copied()
    }

    /// What a question finds in a conversation, at most [`DEPTH`], with what is known around it.
    ///
    /// # Errors
    /// [`EvaluationError`] when the index fails.
    pub fn candidates(
        &self,
        conversation: &Conversation,
        question: &str,
        mode: Mode,
    ) -> Result<Candidates, EvaluationError> {
        Ok(self.index.candidates(&tenant(conversation)?, &query(question, mode))?)
    }

    /// The turns that BM25 alone finds, best first, at most [`DEPTH`].
    ///
    /// # Errors
    /// [`EvaluationError`] when the index fails.
    pub fn bm25(&self, conversation: &Conversation, question: &str) -> Result<Vec<usize>, EvaluationError> {
        let query = Query { neighbours: false, ..query(question, Mode::Lexical) };
        let hits = self.index.search(&tenant(conversation)?, &query)?;
        Ok(hits.iter().filter_map(|hit| self.turn(hit.stored.record.id)).collect())
    }

    /// The turns that are found, best first.
    pub(super) fn ranked(&self, tenant: &Tenant, question: &str) -> Result<Vec<usize>, IndexError> {
        let hits = self.index.search(tenant, &query(question, Mode::Hybrid))?;
        Ok(hits.iter().filter_map(|hit| self.turn(hit.stored.record.id)).collect())
    }
}

fn query(question: &str, mode: Mode) -> Query {
    Query { text: question.to_owned(), filter: Filter::everything(), limit: DEPTH, mode, neighbours: true }
}

/// The tenant that a conversation belongs to; its own name may hold what a tenant's may not.
pub(super) fn tenant(conversation: &Conversation) -> Result<Tenant, BadTenant> {
    let hash = blake3::hash(conversation.name.as_bytes()).to_hex();
    Tenant::new(&format!("c{}", hash.chars().take(16).collect::<String>()))
}
