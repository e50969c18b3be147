//! The compiled checks as one file: versioned, checksummed, and read without decoding more than an event needs.
//!
//! Layout: magic (8 bytes), format (4, little endian), BLAKE3 of all that follows (32), then the source's fingerprint
//! (32), the length of the head (4), the head (postcard: index and the ends of the checks), and the checks (postcard, one
//! after the other). The file is derived: anything wrong with it means that it is made anew.

use crate::check::Check;
use crate::index::{Builder, Index};
use crate::monitor::Monitor;
use rules::directive::{Per, Undecided};
use rules::{State, Strength};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

const MAGIC: &[u8; 8] = b"TRACECHK";
/// Grows with every change of the layout or of a type in it.
const FORMAT: u32 = 3;
const CHECKED: usize = 8 + 4 + 32;
const HEAD: usize = CHECKED + 32 + 4;

/// Compiled checks, ready to be asked.
#[derive(Debug)]
pub struct Checks {
    bytes: Vec<u8>,
    head: Head,
    body: usize,
    decoded: Vec<OnceLock<Option<Box<Check>>>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    index: Index,
    /// Where each check ends in the body.
    ends: Vec<u32>,
    /// The checks that start anew with each turn, in order.
    per_turn: Vec<u32>,
    /// The checks that refuse a call which could not be judged, in order.
    closed: Vec<u32>,
}

/// Why a file of compiled checks is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// It is something else.
    #[error("not a file of compiled checks")]
    NotAnArtifact,
    /// It was written by another version.
    #[error("compiled checks of format {found}, this version reads format {FORMAT}")]
    Format {
        /// Its format.
        found: u32,
    },
    /// Its content is not what was written.
    #[error("damaged compiled checks")]
    Damaged,
}

impl Checks {
    /// Compiles the artifact of some checks; the fingerprint says what they were made from.
    pub fn of(checks: &[Check], fingerprint: [u8; 32]) -> Self {
        let mut builder = Builder::default();
        let mut body = Vec::new();
        let mut ends = Vec::new();
        let mut per_turn = Vec::new();
        let mut closed = Vec::new();
        for (number, check) in (0_u32..).zip(checks) {
            // INVARIANT: serialising these types into memory cannot fail; a check that did would be left out whole.
            let Ok(blob) = postcard::to_stdvec(check) else { continue };
            // Monitors that have left their start are stepped at every event; the index is for all the others.
            let heeded = check.parts.iter().enumerate().filter(|(atom, _)| check.monitor.heeds(Monitor::START, *atom));
            let always = !check.monitor.idle(Monitor::START) || check.undecided == Undecided::Violated;
            builder.file(number, heeded.map(|(_, part)| &part.condition), always);
            if !check.monitor.accepts(Monitor::START) {
                builder.file_at_stop(number);
            }
            if check.per == Per::Turn {
                per_turn.push(number);
            }
            if check.fails_closed && check.state == State::Armed && check.strength == Strength::Must {
                closed.push(number);
            }
            body.extend(blob);
            ends.push(u32::try_from(body.len()).unwrap_or(u32::MAX));
        }
        let head = Head { index: builder.build(), ends, per_turn, closed };
        let encoded = postcard::to_stdvec(&head).unwrap_or_default();
        let mut rest = fingerprint.to_vec();
        rest.extend(u32::try_from(encoded.len()).unwrap_or(u32::MAX).to_le_bytes());
        rest.extend(encoded);
        let start = rest.len();
        rest.extend(body);
        let decoded = head.ends.iter().map(|_| OnceLock::new()).collect();
        Self { body: CHECKED + start, bytes: sealed(&rest), head, decoded }
    }

    /// The same checks, made from something that this fingerprint says.
    #[must_use]
    pub fn made_from(mut self, fingerprint: [u8; 32]) -> Self {
        let body = self.bytes.get(CHECKED + 32..).unwrap_or_default();
        self.bytes = sealed(&[&fingerprint, body].concat());
        self
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// Why it is not usable; it is then to be made anew.
    pub fn read(bytes: Vec<u8>) -> Result<Self, ArtifactError> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(ArtifactError::NotAnArtifact);
        }
        let found = number(&bytes, 8).ok_or(ArtifactError::Damaged)?;
        if found != FORMAT {
            return Err(ArtifactError::Format { found });
        }
        let rest = bytes.get(CHECKED..).ok_or(ArtifactError::Damaged)?;
        if bytes.get(12..CHECKED) != Some(blake3::hash(rest).as_bytes().as_slice()) {
            return Err(ArtifactError::Damaged);
        }
        let length = number(&bytes, CHECKED + 32).ok_or(ArtifactError::Damaged)? as usize;
        let body = HEAD + length;
        let encoded = bytes.get(HEAD..body).ok_or(ArtifactError::Damaged)?;
        let mut head: Head = postcard::from_bytes(encoded).map_err(|_| ArtifactError::Damaged)?;
        let whole = head.ends.last().is_none_or(|end| body + *end as usize == bytes.len());
        if !head.index.is_valid(head.ends.len()) || !head.ends.is_sorted() || !whole {
            return Err(ArtifactError::Damaged);
        }
        head.index.prepare();
        let decoded = head.ends.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { bytes, head, body, decoded })
    }

    /// The file's content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the checks were made from.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        self.bytes.get(CHECKED..CHECKED + 32)?.try_into().ok()
    }

    /// How many checks there are.
    pub fn len(&self) -> usize {
        self.head.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.head.ends.is_empty()
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.head.index
    }

    /// Whether a check starts anew with each turn.
    pub fn is_per_turn(&self, number: u32) -> bool {
        self.head.per_turn.binary_search(&number).is_ok()
    }

    /// The armed checks that refuse a call which could not be judged.
    pub fn closed(&self) -> impl Iterator<Item = &Check> {
        self.head.closed.iter().filter_map(|number| self.check(*number))
    }

    /// A check by its number, decoded when it is first asked for.
    pub fn check(&self, number: u32) -> Option<&Check> {
        let at = number as usize;
        let decode = || {
            let start = at.checked_sub(1).and_then(|before| self.head.ends.get(before)).copied().unwrap_or(0) as usize;
            let end = *self.head.ends.get(at)? as usize;
            let blob = self.bytes.get(self.body + start..self.body + end)?;
            let check: Check = postcard::from_bytes(blob).ok()?;
            (check.monitor.is_valid() && check.parts.len() <= crate::monitor::MAX_ATOMS).then(|| Box::new(check))
        };
        self.decoded.get(at)?.get_or_init(decode).as_deref()
    }

    /// Every check, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        (0..).take(self.len()).filter_map(|number| self.check(number))
    }
}

/// A file with this content.
fn sealed(rest: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), &FORMAT.to_le_bytes(), blake3::hash(rest).as_bytes(), rest].concat()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
