//! Ways to look for the evidence of questions, side by side: each row is one way over all questions.

use super::bm25::Bm25;
use super::indexed::{Indexed, tenant};
use super::measures::Measures;
use super::units::{Unit, Units};
use crate::embed::{EmbedError, Embedder, cosine, embed_all};
use crate::import::conversation::{Conversation, Question};
use crate::index::IndexError;
use crate::memories::{Memories, MemoryError};
use crate::rank::{Scores, reciprocal_rank_fusion, sorted, with_neighbours, z_score_sum};
use crate::tenant::{BadTenant, Tenant};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The category of questions that nothing in the conversation answers.
const UNANSWERABLE: &str = "5";

/// A way to look for evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By words.
    Words {
        /// Whether the date stands in front of each text.
        dated: bool,
    },
    /// By meaning.
    Meaning,
    /// Both, by reciprocal rank.
    Ranks,
    /// Both, by the sum of z-scores.
    ZScores {
        /// Whether words are looked for in texts with their date.
        dated: bool,
        /// Whether the better neighbour counts.
        neighbours: bool,
    },
    /// As the product searches: [`Index::search`](crate::index::Index::search) by itself.
    Product,
}

impl Method {
    fn needs_meaning(self) -> bool {
        matches!(self, Method::Meaning | Method::Ranks | Method::ZScores { .. })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Words { dated: false } => "BM25",
            Method::Words { dated: true } => "BM25, date",
            Method::Meaning => "dense",
            Method::Ranks => "RRF, k = 60",
            Method::ZScores { dated: false, neighbours: false } => "z-score sum",
            Method::ZScores { dated: false, neighbours: true } => "z-score sum, neighbours",
            Method::ZScores { dated: true, neighbours: false } => "z-score sum, date",
            Method::ZScores { dated: true, neighbours: true } => "z-score sum, date, neighbours",
            Method::Product => "the product's search",
        })
    }
}

/// The rows, in their order.
const ROWS: [(Unit, Method); 10] = [
    (Unit::Turn, Method::Words { dated: false }),
    (Unit::Turn, Method::Words { dated: true }),
    (Unit::Turn, Method::Meaning),
    (Unit::Turn, Method::Ranks),
    (Unit::Turn, Method::ZScores { dated: false, neighbours: false }),
    (Unit::Turn, Method::ZScores { dated: false, neighbours: true }),
    (Unit::Turn, Method::ZScores { dated: true, neighbours: true }),
    (Unit::Turn, Method::Product),
    (Unit::Chunk, Method::Words { dated: false }),
    (Unit::Session, Method::Words { dated: false }),
];

/// One way, over all questions that it can be measured on.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What is found.
    pub unit: Unit,
    /// How.
    pub method: Method,
    /// The measures of each question, in the order of the data: what two rows are compared by.
    pub each: Vec<Measures>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How many conversations.
    pub conversations: usize,
    /// How many questions with evidence.
    pub questions: usize,
    /// The rows; those that need an embedder only where there is one.
    pub rows: Vec<Row>,
}

/// What measuring works with.
pub struct Tools<'t> {
    /// The embedder, if there is one.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// How many tokens a text has, for chunks.
    pub tokens: &'t dyn Fn(&str) -> usize,
    /// An empty store for the product's own search.
    pub memories: Memories,
    /// An empty folder for its indexes.
    pub folder: &'t Path,
    /// Is told how many conversations are measured.
    pub progress: &'t mut dyn FnMut(usize),
}

impl fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("embedder", &self.embedder).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The index in memory.
    #[error("the index in memory failed: {0}")]
    Bm25(#[from] tantivy::TantivyError),
    /// The embedder.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The product's store.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A conversation that can be no tenant's.
    #[error(transparent)]
    Tenant(#[from] BadTenant),
    /// The product's index.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Measures every way on all questions with evidence, but for those that are meant to have no answer.
///
/// # Errors
/// [`EvaluationError`] when an index or the embedder fails.
pub fn evaluate(conversations: &[Conversation], tools: &mut Tools<'_>) -> Result<Report, EvaluationError> {
    let methods = ROWS.iter().filter(|(_, method)| tools.embedder.is_some() || !method.needs_meaning());
    let mut rows: Vec<Row> =
        methods.map(|(unit, method)| Row { unit: *unit, method: *method, each: Vec::new() }).collect();
    let embedder = tools.embedder.clone();
    let product = Indexed::new(conversations, &tools.memories, tools.folder, embedder, &mut |_| {})?;
    let mut questions = 0;
    for (done, conversation) in conversations.iter().enumerate() {
        let asked: Vec<&Question> = conversation
            .questions
            .iter()
            .filter(|question| question.category != UNANSWERABLE && !question.evidence.is_empty())
            .collect();
        questions += asked.len();
        let searches = Searches::new(conversation, &asked, &product, tools)?;
        for row in &mut rows {
            searches.measure(row, &asked)?;
        }
        (tools.progress)(done + 1);
    }
    rows.retain(|row| !row.each.is_empty());
    Ok(Report { conversations: conversations.len(), questions, rows })
}

/// Everything that one conversation is searched with.
struct Searches<'p> {
    turns: Units,
    chunks: Units,
    sessions: Units,
    words: Bm25,
    dated: Bm25,
    of_chunks: Bm25,
    of_sessions: Bm25,
    dense: BTreeMap<String, Vec<f64>>,
    product: &'p Indexed,
    tenant: Tenant,
}

impl<'p> Searches<'p> {
    fn new(
        conversation: &Conversation,
        asked: &[&Question],
        product: &'p Indexed,
        tools: &Tools<'_>,
    ) -> Result<Searches<'p>, EvaluationError> {
        let index = |units: &Units| Bm25::new(units.texts.iter().map(String::as_str));
        let (turns, dated) = (Units::turns(conversation, false), Units::turns(conversation, true));
        let chunks = Units::chunks(conversation, tools.tokens);
        let sessions = Units::sessions(conversation);
        Ok(Searches {
            words: index(&turns)?,
            dated: index(&dated)?,
            of_chunks: index(&chunks)?,
            of_sessions: index(&sessions)?,
            dense: tools
                .embedder
                .as_deref()
                .map(|embedder| dense(embedder, &turns, asked))
                .transpose()?
                .unwrap_or_default(),
            product,
            tenant: tenant(conversation)?,
            turns,
            chunks,
            sessions,
        })
    }

    /// Adds the measures of all questions that the data set answers with such units.
    fn measure(&self, row: &mut Row, asked: &[&Question]) -> Result<(), EvaluationError> {
        let (units, index) = match row.unit {
            Unit::Turn => (&self.turns, &self.words),
            Unit::Chunk => (&self.chunks, &self.of_chunks),
            Unit::Session => (&self.sessions, &self.of_sessions),
        };
        for question in asked {
            let evidence = units.evidence(question);
            if !evidence.is_empty() {
                let ranked = self.ranked(row.method, index, &question.text)?;
                row.each.push(Measures::of(&ranked, &evidence));
            }
        }
        Ok(())
    }

    fn ranked(&self, method: Method, index: &Bm25, question: &str) -> Result<Vec<usize>, EvaluationError> {
        let words = |dated: bool| (if dated { &self.dated } else { index }).search(question).map(Scores::all);
        let dense = || {
            let near = self.dense.get(question).map(Vec::as_slice).unwrap_or_default();
            Scores::best(near.iter().copied().enumerate().collect())
        };
        let ranked = match method {
            Method::Words { dated } => sorted(words(dated)?.found),
            Method::Meaning => sorted(dense().found),
            Method::Ranks => reciprocal_rank_fusion(&[words(false)?, dense()]),
            Method::ZScores { dated, neighbours } => {
                let scores = z_score_sum(&[words(dated)?, dense()]);
                let place = |at: &usize| self.turns.places.get(*at).cloned();
                if neighbours { with_neighbours(&scores, place) } else { scores }
            }
            Method::Product => return Ok(self.product.ranked(&self.tenant, question)?),
        };
        Ok(ranked.into_iter().map(|(at, _)| at).collect())
    }
}

/// How near each turn is to each question.
fn dense(
    embedder: &dyn Embedder,
    turns: &Units,
    asked: &[&Question],
) -> Result<BTreeMap<String, Vec<f64>>, EmbedError> {
    let texts: Vec<&str> = turns.texts.iter().map(String::as_str).collect();
    let questions: Vec<&str> = asked.iter().map(|question| question.text.as_str()).collect();
    let turns = embed_all(embedder, &texts, &mut |_| {})?;
    let questions_embedded = embed_all(embedder, &questions, &mut |_| {})?;
    let near = |question: &Vec<f32>| turns.iter().map(|turn| f64::from(cosine(question, turn))).collect();
    Ok(questions.iter().map(|question| (*question).to_owned()).zip(questions_embedded.iter().map(near)).collect())
}
