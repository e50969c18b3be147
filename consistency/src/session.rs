//! One agent's read – generate – write: what it read, searched and relied on, and whether all of that still holds.
//!
//! Reads are dynamic: a session need not say beforehand what it will read. Everything it has seen is one consistent view:
//! a cell newer than its snapshot is shown only after the earlier reads are found to still hold (snapshot extension).
//! INVARIANT: a session is doomed exactly when its validation would fail; [`Session::stale`] is both.

use crate::cell::{Agent, Content, Fingerprint, Key, Level, Millis, SessionId, Tool, Version};
use crate::guard::Guard;
use crate::ledger::{View, Written};
use crate::range::Range;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use std::collections::{BTreeMap, BTreeSet};

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads and writes.
    ReadWrite,
    /// Reads at one moment: never doomed, serialises there; can't write or cause effects.
    Snapshot,
    /// Reads, and is validated like a writer: for reads whose outcome triggers an effect.
    Fresh,
}

/// How a session begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Begin {
    /// Which session; unique in the store.
    pub id: SessionId,
    /// Who acts.
    pub agent: Agent,
    /// What it is protected from.
    pub level: Level,
    /// What it is for.
    pub mode: Mode,
    /// When the work began; a retry keeps the first attempt's, so that it grows older than its rivals.
    pub started: Millis,
}

/// What a session remembers. A value without the store: it may be kept in another process, or written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// How it began.
    pub begin: Begin,
    /// The moment that all its reads are seen at.
    pub snapshot: Version,
    /// The cells it read.
    pub reads: BTreeMap<Key, Read>,
    /// The intervals it searched.
    pub searches: Vec<Search>,
    /// The tools it relies on.
    pub pins: BTreeMap<Tool, Pin>,
    /// The leases it relies on, by their tokens.
    pub tokens: BTreeMap<Key, u64>,
    /// For each step of the work after the first, the steps it follows from.
    pub steps: Vec<Vec<Step>>,
    /// Changes that the agent declared not to matter.
    pub acknowledged: Vec<Acknowledged>,
    /// What no longer holds; empty while the session may commit.
    pub doomed: Vec<Stale>,
}

/// A step of a session's work, counted from 0; reads and writes belong to one.
pub type Step = u32;

/// A cell that was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Read {
    /// The version that was seen; [`Version::ZERO`] where the cell had never been written.
    pub version: Version,
    /// The open commits that the content rests on.
    pub rests_on: Vec<Version>,
    /// The steps that read it, in order.
    pub steps: SmallVec<[Step; 2]>,
}

/// An interval that was searched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Search {
    /// The keys that were searched.
    pub range: Range,
    /// The snapshot at which they were.
    pub through: Version,
    /// What was found, with its versions.
    pub found: Vec<(Key, Version)>,
    /// Later versions in there that the agent acknowledged.
    pub acknowledged: BTreeMap<Key, Version>,
    /// The open commits that the findings rest on.
    pub rests_on: Vec<Version>,
    /// The step that searched.
    pub step: Step,
}

/// A tool that a session relies on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// What the tool was.
    pub fingerprint: Fingerprint,
    /// The step that relied on it first.
    pub step: Step,
}

/// A change that the agent declared not to matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The cell.
    pub key: Key,
    /// The version that it had been read at.
    pub read: Version,
    /// The version that is accepted instead.
    pub now: Version,
}

/// Something that a session relies on and that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Stale {
    /// A cell has a newer version.
    Cell {
        /// The cell.
        key: Key,
        /// The version that the session saw.
        read: Version,
        /// The version that it has now.
        now: Version,
        /// Who wrote that.
        writer: Agent,
        /// What it holds now.
        value: Content,
        /// The search that covers it, where the cell itself was not read.
        through: Option<Range>,
        /// The first step that saw it.
        step: Step,
    },
    /// A tool changed or is gone.
    Tool {
        /// The tool.
        tool: Tool,
        /// What it was.
        pinned: Fingerprint,
        /// What it is; nothing where it is gone.
        now: Option<Fingerprint>,
        /// The first step that relied on it.
        step: Step,
    },
    /// A lease was lost to another session.
    Lease {
        /// The cell.
        key: Key,
        /// The token that the session has.
        token: u64,
        /// The current one; nothing where the lease is gone.
        now: Option<u64>,
    },
    /// A commit that the session's reads rest on was retracted.
    Retracted {
        /// That commit.
        version: Version,
        /// The first step that rests on it.
        step: Step,
    },
}

/// What a read or a search comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Seen<T> {
    /// What was found.
    Found(T),
    /// The session is doomed: what it saw before no longer holds. See [`Session::doomed`].
    Doomed,
    /// The session's snapshot is older than the history that is kept.
    TooOld,
}

impl Session {
    /// A session that sees the present.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn new<V: View>(view: &V, begin: Begin) -> Result<Session, V::Error> {
        Ok(Session {
            begin,
            snapshot: view.clock()?,
            reads: BTreeMap::new(),
            searches: Vec::new(),
            pins: BTreeMap::new(),
            tokens: BTreeMap::new(),
            steps: Vec::new(),
            acknowledged: Vec::new(),
            doomed: Vec::new(),
        })
    }

    /// The step that the session is in.
    pub fn step(&self) -> Step {
        Step::try_from(self.steps.len()).unwrap_or(Step::MAX)
    }

    /// Begins a step that follows from earlier ones.
    pub fn next_step(&mut self, after: Vec<Step>) -> Step {
        self.steps.push(after);
        self.step()
    }

    /// Reads a cell.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn read<V: View>(&mut self, view: &V, key: &Key) -> Result<Seen<(Content, Version)>, V::Error> {
        let step = self.step();
        if self.begin.mode == Mode::Snapshot {
            if view.horizon()? > self.snapshot {
                return Ok(Seen::TooOld);
            }
            let (content, version) = shown(view.at(key, self.snapshot)?);
            self.reads.entry(key.clone()).or_insert(Read { version, rests_on: Vec::new(), steps: smallvec![step] });
            return Ok(Seen::Found((content, version)));
        }
        if !self.doomed.is_empty() {
            return Ok(Seen::Doomed);
        }
        let newest = view.newest(key)?;
        let version = newest.as_ref().map_or(Version::ZERO, |written| written.version);
        if version > self.snapshot && !self.extend(view)? {
            return Ok(Seen::Doomed);
        }
        if let Some(read) = self.reads.get_mut(key) {
            if read.steps.last() != Some(&step) {
                read.steps.push(step);
            }
            if self.begin.level == Level::L0 {
                read.version = version;
            }
        } else {
            let rests_on = self.rests_on(view, key, newest.as_ref())?;
            self.reads.insert(key.clone(), Read { version, rests_on, steps: smallvec![step] });
        }
        Ok(Seen::Found(shown(newest)))
    }

    /// Finds the cells of an interval that hold a value, in the order of keys.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn scan<V: View>(&mut self, view: &V, range: &Range) -> Result<Seen<Vec<(Key, Written)>>, V::Error> {
        if self.begin.mode == Mode::Snapshot {
            if view.horizon()? > self.snapshot {
                return Ok(Seen::TooOld);
            }
            let found = present(view.scan(range, self.snapshot)?);
            self.remember(range, &found, Vec::new());
            return Ok(Seen::Found(found));
        }
        if !self.doomed.is_empty() {
            return Ok(Seen::Doomed);
        }
        let clock = view.clock()?;
        let found = view.scan(range, clock)?;
        if found.iter().any(|(_, written)| written.version > self.snapshot) && !self.extend(view)? {
            return Ok(Seen::Doomed);
        }
        let mut rests_on = Vec::new();
        for (key, written) in &found {
            rests_on.extend(self.rests_on(view, key, Some(written))?);
        }
        let found = present(found);
        self.remember(range, &found, rests_on);
        Ok(Seen::Found(found))
    }

    /// Remembers a search, once for each step: a search again that is not doomed has found the same.
    fn remember(&mut self, range: &Range, found: &[(Key, Written)], rests_on: Vec<Version>) {
        let step = self.step();
        if self.searches.iter().any(|search| search.step == step && search.range == *range) {
            return;
        }
        self.searches.push(Search {
            range: range.clone(),
            through: self.snapshot,
            found: found.iter().map(|(key, written)| (key.clone(), written.version)).collect(),
            acknowledged: BTreeMap::new(),
            rests_on,
            step,
        });
    }

    /// Relies on a tool being what it is now; tells what that is.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn pin<V: View>(&mut self, view: &V, tool: &Tool) -> Result<Option<Fingerprint>, V::Error> {
        if let Some(pin) = self.pins.get(tool) {
            return Ok(Some(pin.fingerprint.clone()));
        }
        let now = view.tool(tool)?.map(|registered| registered.fingerprint);
        if let Some(fingerprint) = &now {
            let pin = Pin { fingerprint: fingerprint.clone(), step: self.step() };
            self.pins.insert(tool.clone(), pin);
        }
        Ok(now)
    }

    /// Moves the snapshot to the present if all that was seen still holds there; else the session is doomed.
    fn extend<V: View>(&mut self, view: &V) -> Result<bool, V::Error> {
        if self.begin.level > Level::L0 && view.guards().on(Guard::Extension) {
            self.doomed = self.stale(view)?;
            if !self.doomed.is_empty() {
                return Ok(false);
            }
        }
        self.snapshot = view.clock()?;
        Ok(true)
    }

    /// All that the session relies on and that no longer holds, in the order of cells.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn stale<V: View>(&self, view: &V) -> Result<Vec<Stale>, V::Error> {
        let (level, guards) = (self.begin.level, view.guards());
        let mut stale = Vec::new();
        if level == Level::L0 || self.begin.mode == Mode::Snapshot {
            return Ok(stale);
        }
        if self.begin.mode == Mode::Fresh && !guards.on(Guard::Fresh) {
            return Ok(stale);
        }
        for (key, read) in &self.reads {
            let guard = if read.version == Version::ZERO { Guard::Absence } else { Guard::Reads };
            // Another version, not only a newer one: what was read may be forged, or lost in a crash.
            if guards.on(guard)
                && view.version_of(key)? != read.version
                && let Some(now) = view.newest(key)?
            {
                let step = read.steps.first().copied().unwrap_or_default();
                stale.push(Stale::cell(key.clone(), read.version, now, None, step));
            }
        }
        for search in self.searches.iter().filter(|_| guards.on(Guard::Searches)) {
            for (key, now) in view.changed(&search.range, search.through)? {
                let known = self.reads.contains_key(&key) || search.acknowledged.get(&key) == Some(&now.version);
                if !known {
                    stale.push(Stale::cell(key, search.through, now, Some(search.range.clone()), search.step));
                }
            }
        }
        for (key, token) in self.tokens.iter().filter(|_| guards.on(Guard::Tokens)) {
            let now = view.lease(key)?.map(|lease| lease.token);
            if now != Some(*token) {
                stale.push(Stale::Lease { key: key.clone(), token: *token, now });
            }
        }
        if level >= Level::L2 && guards.on(Guard::Predecessors) {
            for (version, step) in self.predecessors() {
                if view.is_retracted(version)? {
                    stale.push(Stale::Retracted { version, step });
                }
            }
        }
        if level >= Level::L4 && guards.on(Guard::PinsAtCommit) {
            for (tool, pin) in &self.pins {
                let now = view.tool(tool)?.map(|registered| registered.fingerprint);
                if now.as_ref() != Some(&pin.fingerprint) {
                    let pinned = pin.fingerprint.clone();
                    stale.push(Stale::Tool { tool: tool.clone(), pinned, now, step: pin.step });
                }
            }
        }
        Ok(stale)
    }

    /// A version that the session claims to have seen and that is still to come, if there is one.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn forged<V: View>(&self, view: &V) -> Result<Option<Version>, V::Error> {
        let clock = view.clock()?;
        let reads = self.reads.values().map(|read| read.version);
        let searches = self.searches.iter().map(|search| search.through);
        let mut seen = reads.chain(searches).chain([self.snapshot]);
        Ok(seen.find(|version| *version > clock).filter(|_| view.guards().on(Guard::Forgery)))
    }

    /// The commits that the session's reads rest on and that were open then, each with the first step that does.
    pub fn predecessors(&self) -> BTreeMap<Version, Step> {
        let mut found = BTreeMap::new();
        let reads = self.reads.values().map(|read| (&read.rests_on, read.steps.first().copied().unwrap_or_default()));
        let searches = self.searches.iter().map(|search| (&search.rests_on, search.step));
        for (versions, step) in reads.chain(searches) {
            for version in versions {
                found.entry(*version).and_modify(|first: &mut Step| *first = step.min(*first)).or_insert(step);
            }
        }
        found
    }

    /// Tells whether the session's reads rest on a commit that was open then.
    pub fn rested_on(&self, version: Version) -> bool {
        let reads = self.reads.values().map(|read| &read.rests_on);
        reads.chain(self.searches.iter().map(|search| &search.rests_on)).any(|versions| versions.contains(&version))
    }

    /// Tells whether the session saw any of these cells, by reading or by searching.
    pub fn saw<'a>(&self, mut keys: impl Iterator<Item = &'a Key>) -> bool {
        keys.any(|key| self.reads.contains_key(key) || self.searches.iter().any(|search| search.range.contains(key)))
    }

    /// Accepts what a cell holds now in place of what the session saw, and remembers that; tells the new content.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn acknowledge<V: View>(&mut self, view: &V, key: &Key) -> Result<(Content, Version), V::Error> {
        let newest = view.newest(key)?;
        let (content, now) = shown(newest.clone());
        let rests_on = self.rests_on(view, key, newest.as_ref())?;
        let mut seen = None;
        if let Some(read) = self.reads.get_mut(key) {
            seen = Some(std::mem::replace(&mut read.version, now));
            read.rests_on = rests_on;
        } else {
            for search in self.searches.iter_mut().filter(|search| search.range.contains(key)) {
                seen = Some(search.acknowledged.insert(key.clone(), now).unwrap_or(search.through));
                search.rests_on.extend(&rests_on);
            }
        }
        if let Some(read) = seen.filter(|read| *read != now) {
            self.acknowledged.push(Acknowledged { key: key.clone(), read, now });
        }
        self.doomed = self.stale(view)?;
        Ok((content, now))
    }

    /// Forgets some steps and all that follow from them, so that only those are done again; tells which they are. Leases
    /// that were lost are no longer relied on.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn rewind<V: View>(&mut self, view: &V, steps: &[Step]) -> Result<BTreeSet<Step>, V::Error> {
        let mut gone: BTreeSet<Step> = steps.iter().copied().collect();
        for (step, after) in (1..).zip(&self.steps) {
            if after.iter().any(|earlier| gone.contains(earlier)) {
                gone.insert(step);
            }
        }
        for read in self.reads.values_mut() {
            read.steps.retain(|step| !gone.contains(step));
        }
        self.reads.retain(|_, read| !read.steps.is_empty());
        self.searches.retain(|search| !gone.contains(&search.step));
        self.pins.retain(|_, pin| !gone.contains(&pin.step));
        for stale in std::mem::take(&mut self.doomed) {
            if let Stale::Lease { key, .. } = stale {
                self.tokens.remove(&key);
            }
        }
        self.doomed = self.stale(view)?;
        Ok(gone)
    }

    /// The open commits that a content rests on: those that contributed to it. Below L2 nothing is traced.
    fn rests_on<V: View>(&self, view: &V, key: &Key, newest: Option<&Written>) -> Result<Vec<Version>, V::Error> {
        if self.begin.level < Level::L2 {
            return Ok(Vec::new());
        }
        contributors(view, key, newest)
    }
}

/// The open commits that contributed to a cell's newest content: back to the last version that replaced it.
fn contributors<V: View>(view: &V, key: &Key, newest: Option<&Written>) -> Result<Vec<Version>, V::Error> {
    let mut found = Vec::new();
    let Some(oldest) = view.oldest_open()? else { return Ok(found) };
    let mut written = newest.cloned();
    while let Some(Written { version, derived, .. }) = written
        && version >= oldest
    {
        if view.open(version)?.is_some() {
            found.push(version);
        }
        if derived.is_empty() || !view.guards().on(Guard::Contributors) {
            break;
        }
        written = match version.previous() {
            Some(before) => view.at(key, before)?,
            None => None,
        };
    }
    Ok(found)
}

fn shown(written: Option<Written>) -> (Content, Version) {
    written.map_or((Content::Absent, Version::ZERO), |written| (written.content, written.version))
}

fn present(mut found: Vec<(Key, Written)>) -> Vec<(Key, Written)> {
    found.retain(|(_, written)| written.content.value().is_some());
    found
}

impl Stale {
    fn cell(key: Key, read: Version, now: Written, through: Option<Range>, step: Step) -> Stale {
        let Written { version, content, author, .. } = now;
        Stale::Cell { key, read, now: version, writer: author, value: content, through, step }
    }

    /// The first step that relied on it; everything from there on may have to be done again.
    pub fn step(&self) -> Option<Step> {
        match self {
            Stale::Cell { step, .. } | Stale::Tool { step, .. } | Stale::Retracted { step, .. } => Some(*step),
            Stale::Lease { .. } => None,
        }
    }

    /// The cell that it is about, if it is about one.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Stale::Cell { key, .. } | Stale::Lease { key, .. } => Some(key),
            Stale::Tool { .. } | Stale::Retracted { .. } => None,
        }
    }
}
