//! Vectors in memory, one after another, compared with all of them one by one: exact, and fast up to about a hundred thousand.
//!
//! Beyond that a graph (HNSW, Malkov and Yashunin 2018) proposes candidates, whose cosines are exact all the same; what is
//! not in the graph yet is compared one by one.
//!
//! INVARIANT: a slot belongs to one vector until [`Flat::compact`] moves all of them, which drops the graph.

use crate::record::RecordId;
use hnsw_rs::prelude::{Distance, Hnsw};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that are multiplied at once; vectors are padded to a multiple, so that compilers make vector instructions of it.
const LANES: usize = 8;
/// Of so many dead slots, a quarter of all at least, the vectors are moved together.
const MOST_DEAD: usize = 1024;
/// How many neighbours a point of the graph has.
const CONNECTIONS: usize = 16;
/// How many layers the graph has at most.
const LAYERS: usize = 16;
/// How widely neighbours are looked for.
const BREADTH: usize = 200;

/// The vectors of a tenant.
#[derive(Debug, Default)]
pub(super) struct Flat {
    /// How long a padded vector is.
    stride: usize,
    numbers: Vec<f32>,
    owners: Vec<Option<Owner>>,
    dead: usize,
    graph: Option<Arc<Graph>>,
    /// How often slots were moved.
    moves: u64,
}

/// Whose vector a slot holds.
#[derive(Debug, Clone, Copy)]
struct Owner {
    id: RecordId,
    scope: u32,
}

/// The graph over the first slots. It is searched while it learns more.
pub(super) struct Graph {
    hnsw: Hnsw<'static, f32, OneMinusCosine>,
    /// How many slots it knows of.
    covered: AtomicUsize,
    /// For which moves of slots it holds.
    moves: u64,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph over {} slots", self.covered())
    }
}

impl Graph {
    fn covered(&self) -> usize {
        self.covered.load(Ordering::Acquire)
    }

    /// Learns the vectors of [`Flat::unlearned`].
    pub(super) fn learn(&self, slots: &[(usize, Vec<f32>)]) {
        for (slot, vector) in slots {
            self.hnsw.insert((vector, *slot));
            self.covered.store(slot + 1, Ordering::Release);
        }
    }
}

#[derive(Clone, Copy)]
struct OneMinusCosine;

impl Distance<f32> for OneMinusCosine {
    fn eval(&self, one: &[f32], other: &[f32]) -> f32 {
        (1.0 - dot(one, other)).max(0.0)
    }
}

impl Flat {
    /// Takes a vector; tells its slot.
    pub(super) fn push(&mut self, id: RecordId, scope: u32, vector: &[f32]) -> Option<u32> {
        let slot = u32::try_from(self.owners.len()).ok()?;
        let padded = padded(vector);
        if self.owners.is_empty() {
            self.stride = padded.len();
        }
        if padded.is_empty() || padded.len() != self.stride {
            return None;
        }
        self.numbers.extend(padded);
        self.owners.push(Some(Owner { id, scope }));
        Some(slot)
    }

    /// Frees a slot.
    pub(super) fn remove(&mut self, slot: u32) {
        if place(slot).and_then(|slot| self.owners.get_mut(slot)).and_then(Option::take).is_some() {
            self.dead += 1;
        }
    }

    /// Moves the vectors together where too many slots are dead; tells the new slots.
    pub(super) fn compact(&mut self) -> Vec<(RecordId, u32)> {
        if self.dead < MOST_DEAD.max(self.owners.len() / 4) {
            return Vec::new();
        }
        let old = std::mem::take(self);
        self.moves = old.moves + 1;
        let live = old.owners.iter().zip(old.numbers.chunks_exact(old.stride.max(1)));
        let live = live.filter_map(|(owner, vector)| Some((owner.as_ref()?, vector)));
        live.filter_map(|(owner, vector)| Some((owner.id, self.push(owner.id, owner.scope, vector)?))).collect()
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.owners.len() - self.dead
    }

    /// The cosine of the vector in a slot with a question's.
    pub(super) fn cosine(&self, slot: u32, question: &Question) -> Option<f32> {
        Some(dot(self.vector(slot)?, &question.0))
    }

    /// The vector in a slot, padded.
    pub(super) fn vector(&self, slot: u32) -> Option<&[f32]> {
        let start = place(slot)?.checked_mul(self.stride)?;
        self.numbers.get(start..start + self.stride)
    }

    /// Records within some scopes with their cosines, in no order, and whether these are all: with more than `exact` in
    /// question they are the nearest `wanted` ones, as far as the graph finds them.
    pub(super) fn near(
        &self,
        question: &Question,
        within: impl Fn(u32) -> bool,
        wanted: usize,
        exact: usize,
    ) -> (Vec<(RecordId, f32)>, bool) {
        let meant = |owner: &&Owner| within(owner.scope);
        let many = || wanted < exact && self.owners.iter().flatten().filter(meant).nth(exact).is_some();
        let graph = self.graph.as_ref().filter(|_| many());
        let first = graph.map_or(0, |graph| graph.covered());
        let slots = self.owners.iter().zip(self.numbers.chunks_exact(self.stride.max(1))).skip(first);
        let rest = slots.filter_map(|(owner, vector)| {
            let owner = owner.as_ref().filter(meant)?;
            Some((owner.id, dot(vector, &question.0)))
        });
        let mut found: Vec<(RecordId, f32)> = rest.collect();
        if let Some(graph) = graph {
            let owner = |slot: usize| self.owners.get(slot).filter(|_| slot < first)?.as_ref().filter(meant);
            let known = |slot: &usize| owner(*slot).is_some();
            for near in graph.hnsw.search_filter(&question.0, wanted, wanted.max(BREADTH), Some(&known)) {
                found.extend(owner(near.d_id).map(|owner| (owner.id, 1.0 - near.distance)));
            }
        }
        (found, graph.is_none())
    }

    /// The graph that has to learn more, where there are more than `exact` vectors. Some may always be missing in it: they
    /// cost little to compare, and it need not be asked for with each.
    pub(super) fn graph(&mut self, exact: usize) -> Option<Arc<Graph>> {
        let covered = self.graph.as_ref().map_or(0, |graph| graph.covered());
        if self.len() <= exact || self.owners.len() - covered <= exact / 16 {
            return None;
        }
        let new = || {
            let hnsw = Hnsw::new(CONNECTIONS, self.owners.len(), LAYERS, BREADTH, OneMinusCosine);
            Arc::new(Graph { hnsw, covered: AtomicUsize::new(0), moves: self.moves })
        };
        Some(self.graph.get_or_insert_with(new).clone())
    }

    /// What a graph still has to learn: at most `count` slots with their vectors.
    pub(super) fn unlearned(&self, graph: &Graph, count: usize) -> Vec<(usize, Vec<f32>)> {
        if graph.moves != self.moves {
            return Vec::new();
        }
        let slots = self.numbers.chunks_exact(self.stride.max(1)).enumerate().skip(graph.covered());
        slots.take(count).map(|(slot, vector)| (slot, vector.to_vec())).collect()
    }
}

/// The vector of a question.
#[derive(Debug)]
pub(super) struct Question(Vec<f32>);

impl Question {
    pub(super) fn new(vector: &[f32]) -> Question {
        Question(padded(vector))
    }

    /// The cosine with a sum of vectors; nothing where there is none.
    pub(super) fn near(&self, vectors: &[&[f32]]) -> Option<f32> {
        let mut sum = vec![0.0; self.0.len()];
        for (at, number) in vectors.iter().flat_map(|vector| vector.iter().enumerate()) {
            *sum.get_mut(at)? += number;
        }
        let length = dot(&sum, &sum).sqrt();
        (length > 0.0).then(|| dot(&sum, &self.0) / length)
    }
}

fn padded(vector: &[f32]) -> Vec<f32> {
    let mut padded = vector.to_vec();
    padded.resize(vector.len().next_multiple_of(LANES), 0.0);
    padded
}

fn place(slot: u32) -> Option<usize> {
    usize::try_from(slot).ok()
}

/// The sum of products, in [`LANES`] sums that do not wait for each other.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (one, other) in one.chunks_exact(LANES).zip(other.chunks_exact(LANES)) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    sums.iter().sum()
}
