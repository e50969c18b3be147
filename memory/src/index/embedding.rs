//! Which records still need a vector, and how they get one.

use super::unit::{digest, unit};
use super::vectors::{Embedded, Vectors};
use super::{Index, IndexError, Progress, broken};
use crate::embed::{self, Embedder};
use crate::memories::Stored;
use crate::record::RecordId;
use crate::tenant::Tenant;

/// How many texts are embedded at once.
const BATCH: usize = 64;
/// How many vectors a graph learns between two looks at what else is wanted.
const LESSON: usize = 64;

impl Index {
    /// Opens the file of the vectors and takes over those that are still right; the others are deleted.
    pub(super) fn load_vectors(&mut self, store: &str, progress: &mut dyn FnMut(Progress)) -> Result<(), IndexError> {
        let by = self.embedder.as_ref().map(|embedder| embedder.id());
        let (state, mut stale) = (self.state.get_mut(), Vec::new());
        let opened = Vectors::open(&self.folder.join("vectors.db"), store, by, |kept| {
            let roster = Tenant::new(&kept.tenant).ok().and_then(|tenant| state.rosters.get_mut(&tenant));
            let entry = roster.as_ref().and_then(|roster| roster.get(kept.id));
            if entry.is_none_or(|entry| entry.digest != kept.digest) {
                stale.push((kept.tenant, kept.id));
            } else if let Some(roster) = roster.filter(|_| !kept.numbers.is_empty()) {
                roster.embed(kept.id, kept.digest, &kept.numbers);
            }
        });
        let Some((vectors, why)) = opened.map_err(|error| broken(&self.folder, &error))? else { return Ok(()) };
        if let Some(why) = why {
            progress(Progress::Rebuilding { part: "vectors", why });
        }
        let gone = stale.iter().map(|(tenant, id)| (tenant.as_str(), *id));
        vectors.delete(gone).map_err(|error| broken(&self.folder, &error))?;
        self.vectors = Some(vectors);
        Ok(())
    }

    /// An embedder that only looks at words takes no time worth waiting for.
    pub(super) fn embed_at_once(&self) -> Result<(), IndexError> {
        if self.embedder.as_ref().is_some_and(|embedder| !embedder.is_semantic()) {
            self.embed_known(&mut |_| {})?;
        }
        Ok(())
    }

    /// Makes the vectors that are missing; tells how many. Records without one are found by their words meanwhile.
    ///
    /// # Errors
    /// [`IndexError`]; the vectors made until then are kept.
    pub fn embed_pending(&self, progress: &mut dyn FnMut(Progress)) -> Result<usize, IndexError> {
        self.catch_up(progress)?;
        let made = self.embed_known(progress)?;
        self.teach();
        Ok(made)
    }

    fn embed_known(&self, progress: &mut dyn FnMut(Progress)) -> Result<usize, IndexError> {
        let (Some(embedder), Some(vectors)) = (&self.embedder, &self.vectors) else { return Ok(0) };
        if self.state.read().rosters.values().all(|roster| roster.pending.is_empty()) {
            return Ok(0);
        }
        let _alone = self.embedding.lock();
        let pending: Vec<(Tenant, Vec<RecordId>)> = {
            let state = self.state.read();
            let waiting = state.rosters.iter().filter(|(_, roster)| !roster.pending.is_empty());
            waiting.map(|(tenant, roster)| (tenant.clone(), roster.pending.iter().copied().collect())).collect()
        };
        let (mut done, mut made) = (0, 0);
        let of = pending.iter().map(|(_, ids)| ids.len()).sum();
        for (tenant, ids) in &pending {
            for batch in ids.chunks(BATCH) {
                made += self.embed(&**embedder, vectors, tenant, batch)?;
                done += batch.len();
                progress(Progress::Embedded { done, of });
            }
        }
        Ok(made)
    }

    fn embed(
        &self,
        embedder: &dyn Embedder,
        vectors: &Vectors,
        tenant: &Tenant,
        ids: &[RecordId],
    ) -> Result<usize, IndexError> {
        let stored = self.memories.newest(tenant, ids)?;
        let unit = |Stored { record, .. }: &Stored| (record.id, unit(record));
        let texts: Vec<(RecordId, String)> = stored.iter().flatten().map(unit).collect();
        let wanted: Vec<(RecordId, u64)> = texts.iter().map(|(id, text)| (*id, digest(text))).collect();
        let known = vectors.known(tenant, &wanted).map_err(|error| broken(&self.folder, &error))?;
        let is_unknown = |id: &RecordId| known.get(id).is_none_or(Vec::is_empty);
        let unknown: Vec<&str> = texts.iter().filter(|(id, _)| is_unknown(id)).map(|(_, text)| text.as_str()).collect();
        let new = if unknown.is_empty() { Vec::new() } else { embed::embed(embedder, &unknown)? };
        let ids = wanted.iter().filter(|(id, _)| is_unknown(id));
        let new: Vec<Embedded> = ids.zip(new).map(|((id, digest), vector)| (*id, *digest, vector)).collect();
        vectors.keep(tenant, &new).map_err(|error| broken(&self.folder, &error))?;
        let mut state = self.state.write();
        let Some(roster) = state.rosters.get_mut(tenant) else { return Ok(0) };
        let mut gone = Vec::new();
        for (id, digest, vector) in &new {
            if !roster.embed(*id, *digest, vector) {
                gone.push((tenant.name(), *id));
            }
        }
        for ((id, digest), vector) in wanted.iter().filter_map(|of| Some((of, known.get(&of.0)?))) {
            roster.embed(*id, *digest, vector);
        }
        drop(state);
        // Forgotten or changed while it was embedded: the roster may be behind the store or before it, and either way the
        // vector is made again should it still be wanted.
        vectors.delete(gone.into_iter()).map_err(|error| broken(&self.folder, &error))?;
        Ok(new.len())
    }

    /// Teaches the graphs, where there are to be some, what they do not know yet.
    fn teach(&self) {
        let _alone = self.embedding.lock();
        let tenants: Vec<Tenant> = self.state.read().rosters.keys().cloned().collect();
        for tenant in &tenants {
            let begin = || self.state.write().rosters.get_mut(tenant)?.vectors.graph(self.settings.exact);
            let Some(graph) = begin() else { continue };
            let lesson = || Some(self.state.read().rosters.get(tenant)?.vectors.unlearned(&graph, LESSON));
            while let Some(lesson) = lesson().filter(|lesson| !lesson.is_empty()) {
                graph.learn(&lesson);
            }
        }
    }
}
