//! Questions whose evidence is known, with what the product's search finds for them.

use crate::features::Scene;
use crate::policy::profile::Asked;
use crate::train::Sample;
use memory::evaluation::{EvaluationError, Indexed, Measures};
use memory::import::conversation::{Conversation, Question};
use memory::index::Mode;
use memory::text::terms;
use std::collections::BTreeSet;

/// The category of questions that nothing in the conversation answers, in `LoCoMo`.
const UNANSWERABLE: &str = "5";

/// A turn as it is emitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted {
    /// What it costs, in tokens.
    pub tokens: u32,
    /// Its terms.
    pub terms: BTreeSet<String>,
}

/// A question about a conversation.
#[derive(Debug, Clone)]
pub struct Case {
    /// The candidates, compared by meaning where there is a model.
    pub hybrid: Found,
    /// The candidates by words alone.
    pub words: Found,
    /// The turns that BM25 alone finds, best first.
    pub bm25: Vec<usize>,
    /// The turns that answer it.
    pub evidence: BTreeSet<usize>,
    /// The terms of the answer.
    pub answer: BTreeSet<String>,
    /// The data set's name or number of its kind.
    pub category: String,
}

/// What one way of searching found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What the model learns from.
    pub sample: Sample,
    /// Which turn each candidate is.
    pub turns: Vec<usize>,
}

/// All questions of some conversations.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    /// The questions, those of one conversation after another.
    pub all: Vec<Case>,
    /// The turns of each conversation.
    pub turns: Vec<Vec<Emitted>>,
}

impl Cases {
    /// Searches for all questions that have evidence.
    ///
    /// # Errors
    /// [`EvaluationError`] when the index or the embedder fails.
    pub fn new(
        conversations: &[Conversation],
        indexed: &Indexed,
        tokens: &dyn Fn(&str) -> usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Cases, EvaluationError> {
        let mut cases = Cases::default();
        for (number, conversation) in conversations.iter().enumerate() {
            cases.turns.push(emitted(conversation, tokens));
            for question in &conversation.questions {
                let evidence = evidence(conversation, question);
                if question.category == UNANSWERABLE || evidence.is_empty() {
                    continue;
                }
                let found = |mode: Mode| found(number, conversation, question, &evidence, indexed, mode);
                cases.all.push(Case {
                    hybrid: found(Mode::Hybrid)?,
                    words: found(Mode::Lexical)?,
                    bm25: indexed.bm25(conversation, &question.text)?,
                    answer: question.answer.as_deref().map(terms).unwrap_or_default().into_iter().collect(),
                    category: question.category.clone(),
                    evidence,
                });
            }
            progress(number + 1);
        }
        Ok(cases)
    }

    /// The questions, as they are replayed.
    pub fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        #[expect(clippy::cast_precision_loss, reason = "no question has 2^24 pieces of evidence")]
        let count = |case: &Case| case.evidence.len() as f32;
        self.all.iter().map(move |case| {
            let Sample { conversation, question, found, labels, .. } = &case.hybrid.sample;
            Asked { conversation: *conversation, question, found, labels, evidence: count(case) }
        })
    }

    /// What a turn of a question's conversation costs and says.
    pub fn emitted(&self, case: &Case, turn: usize) -> Option<&Emitted> {
        self.turns.get(case.hybrid.sample.conversation)?.get(turn)
    }
}

impl Case {
    /// The measures of a ranking of turns.
    pub fn measures(&self, ranked: &[usize]) -> Measures {
        Measures::of(ranked, &self.evidence)
    }
}

impl Found {
    /// The turns by some value of each candidate, best first; of equal ones, in the order of the search.
    pub fn ranked(&self, values: &[f32]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.turns.len()).collect();
        let value = |at: &usize| values.get(*at).copied().unwrap_or(f32::NEG_INFINITY);
        order.sort_by(|one, other| value(other).total_cmp(&value(one)).then(one.cmp(other)));
        order.into_iter().filter_map(|at| self.turns.get(at)).copied().collect()
    }
}

/// Each turn as the context shows it: with its date and its speaker.
fn emitted(conversation: &Conversation, tokens: &dyn Fn(&str) -> usize) -> Vec<Emitted> {
    let turn = |turn: &memory::import::conversation::Utterance| {
        let date = turn.date.as_deref().unwrap_or_default();
        let shown = format!("[{date}] {}: {}", turn.speaker, turn.said());
        Emitted {
            tokens: u32::try_from(tokens(&shown)).unwrap_or(u32::MAX),
            terms: terms(&shown).into_iter().collect(),
        }
    };
    conversation.turns.iter().map(turn).collect()
}

/// The turns that answer a question; where the data set names sessions, the turns in them that it marks, or all.
fn evidence(conversation: &Conversation, question: &Question) -> BTreeSet<usize> {
    let named = |id: &String| question.evidence.contains(id);
    let turns = || conversation.turns.iter().enumerate();
    let exact: BTreeSet<usize> = turns().filter(|(_, turn)| named(&turn.id)).map(|(at, _)| at).collect();
    if !exact.is_empty() {
        return exact;
    }
    let of_session = || turns().filter(|(_, turn)| named(&turn.session));
    let marked: BTreeSet<usize> = of_session().filter(|(_, turn)| turn.marked).map(|(at, _)| at).collect();
    if marked.is_empty() { of_session().map(|(at, _)| at).collect() } else { marked }
}

fn found(
    number: usize,
    conversation: &Conversation,
    question: &Question,
    evidence: &BTreeSet<usize>,
    indexed: &Indexed,
    mode: Mode,
) -> Result<Found, EvaluationError> {
    let found = indexed.candidates(conversation, &question.text, mode)?;
    let turns: Vec<usize> =
        found.hits.iter().map(|hit| indexed.turn(hit.stored.record.id).unwrap_or(usize::MAX)).collect();
    let labels = turns.iter().map(|turn| if evidence.contains(turn) { 1.0 } else { 0.0 }).collect();
    let rows = Scene::new(&question.text, &found).rows();
    let sample = Sample { conversation: number, question: question.text.clone(), found, labels, rows };
    Ok(Found { sample, turns })
}
