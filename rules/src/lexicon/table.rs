//! Lists by a word, laid out when the program was built: nothing is read before it is looked up.
//!
//! A process that reads one message looks up some dozens of words. What lists are there stays in the program's file, mapped
//! and not copied, until one is asked for. In `slots`, the number of lists comes first, then open addressing by [`hash`]: where
//! a list begins in `records`, plus one, or zero, and in the highest byte a print of its word, so that a word that is not there
//! is mostly told without a look at a record. In `records` stand, as [`postcard`] writes them, a list's number, its word and
//! the list itself. All numbers of `slots` have four bytes, the lowest first.

use once_cell::race::OnceBox;
use serde::Deserialize;
use std::fmt;

/// Lists by a word.
pub(crate) struct Table<T> {
    slots: &'static [u8],
    records: &'static [u8],
    /// What was asked for, by the number of the list; a cell has the size of a pointer.
    read: Box<[OnceBox<T>]>,
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Table").field("lists", &self.read.len()).finish_non_exhaustive()
    }
}

impl<T: Deserialize<'static> + Default> Table<T> {
    /// A table as the build script has laid it out.
    pub(crate) fn new(slots: &'static [u8], records: &'static [u8]) -> Self {
        let count = number(slots, 0).unwrap_or_default();
        Self { slots, records, read: (0..count).map(|_| OnceBox::new()).collect() }
    }

    /// The list of a word.
    pub(crate) fn get(&self, word: &str) -> Option<&T> {
        let size = self.slots.len() / 4 - 1;
        // INVARIANT: the build script leaves half of the slots free, so that an empty one is reached.
        for at in probes(word, size) {
            let slot = number(self.slots, at + 1).filter(|slot| *slot != 0)?;
            if slot >> BEGIN_BITS != print(word) as usize {
                continue;
            }
            let record = self.records.get(begin(slot)..)?;
            // The words are those of a text, so that their bytes tell them apart.
            let ((list, found), rest) = postcard::take_from_bytes::<(usize, &[u8])>(record).ok()?;
            if found == word.as_bytes() {
                // What the build script wrote can be read, as a test shows.
                let read = || postcard::take_from_bytes(rest).map(|(list, _): (T, _)| list).unwrap_or_default();
                return self.read.get(list).map(|list| list.get_or_init(|| Box::new(read())));
            }
        }
        None
    }

    /// All words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        let (slots, records) = (self.slots, self.records);
        (1..slots.len() / 4).filter_map(move |at| {
            let slot = number(slots, at).filter(|slot| *slot != 0)?;
            let ((_, word), _) = postcard::take_from_bytes::<(usize, &str)>(records.get(begin(slot)..)?).ok()?;
            Some(word)
        })
    }
}

fn number(slots: &[u8], at: usize) -> Option<usize> {
    let bytes = slots.get(4 * at..4 * at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// What a slot says of where its list begins.
pub(crate) const BEGIN_BITS: u32 = 24;

fn begin(slot: usize) -> usize {
    (slot & ((1 << BEGIN_BITS) - 1)).saturating_sub(1)
}

/// A byte of a word that does not say which slot comes first.
pub(crate) fn print(word: &str) -> u32 {
    hash(word) >> BEGIN_BITS
}

/// The slots in which a word can be, of so many; their number is a power of two.
pub(crate) fn probes(word: &str, size: usize) -> impl Iterator<Item = usize> {
    let first = hash(word);
    (0..size).map(move |step| (first as usize).wrapping_add(step) & (size - 1))
}

/// FNV-1a in 32 bits with its high bits folded down: the same on the machine that builds and on the one that runs.
pub(crate) fn hash(word: &str) -> u32 {
    let whole = word.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    whole ^ (whole >> 15)
}
