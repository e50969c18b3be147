//! The two stores of the paper's reference runtime, written anew from their description: what ours is compared with.
//!
//! Both keep one mutex and copy every value. Deliberately absent: whatever the description does not tell, such as waiting
//! for a lock, leases or the collection of versions.

use parking_lot::Mutex;
use std::collections::HashMap;

/// Exclusive locks on declared cells, taken at the beginning without waiting and kept to the end.
#[derive(Debug, Default)]
pub struct Locking {
    shared: Mutex<Locked>,
}

#[derive(Debug, Default)]
struct Locked {
    last: u64,
    cells: HashMap<String, Owned>,
}

#[derive(Debug, Default)]
struct Owned {
    value: String,
    holder: Option<u64>,
}

/// What has its locks: the values as they were copied when it began.
#[derive(Debug)]
pub struct Holder {
    id: u64,
    values: Vec<(String, String)>,
}

impl Locking {
    /// Writes a cell that nobody holds, as the store is filled.
    pub fn fill(&self, key: &str, value: &str) {
        let owned = Owned { value: value.to_owned(), holder: None };
        self.shared.lock().cells.insert(key.to_owned(), owned);
    }

    /// Takes the locks of all declared cells, or none where somebody holds one of them.
    pub fn begin(&self, declared: &[&str]) -> Option<Holder> {
        let mut shared = self.shared.lock();
        let held = |key: &&str| shared.cells.get(*key).is_some_and(|cell| cell.holder.is_some());
        if declared.iter().any(held) {
            return None;
        }
        shared.last += 1;
        let id = shared.last;
        let mut values = Vec::with_capacity(declared.len());
        for key in declared {
            let cell = shared.cells.entry((*key).to_owned()).or_default();
            cell.holder = Some(id);
            values.push(((*key).to_owned(), cell.value.clone()));
        }
        Some(Holder { id, values })
    }

    /// Writes, and gives the locks back.
    pub fn commit(&self, holder: Holder, writes: &[(&str, &str)]) {
        let mut shared = self.shared.lock();
        for (key, value) in writes {
            if let Some(cell) = shared.cells.get_mut(*key).filter(|cell| cell.holder == Some(holder.id)) {
                (*value).clone_into(&mut cell.value);
            }
        }
        for (key, _) in holder.values {
            if let Some(cell) = shared.cells.get_mut(&key) {
                cell.holder = None;
            }
        }
    }
}

impl Holder {
    /// The value of a declared cell, copied when the locks were taken.
    pub fn read(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Snapshots that are validated at the commit by going through every version of every cell that was read.
#[derive(Debug, Default)]
pub struct Scanning {
    shared: Mutex<Versions>,
}

#[derive(Debug, Default)]
struct Versions {
    clock: u64,
    cells: HashMap<String, Vec<(u64, String)>>,
}

/// What reads at a snapshot.
#[derive(Debug)]
pub struct Reader {
    snapshot: u64,
    reads: Vec<String>,
}

impl Scanning {
    /// Writes a cell, as the store is filled.
    pub fn fill(&self, key: &str, value: &str) {
        self.shared.lock().cells.insert(key.to_owned(), vec![(0, value.to_owned())]);
    }

    /// Begins at the present.
    pub fn begin(&self) -> Reader {
        Reader { snapshot: self.shared.lock().clock, reads: Vec::new() }
    }

    /// Reads a cell as of the snapshot.
    pub fn read(&self, reader: &mut Reader, key: &str) -> Option<String> {
        reader.reads.push(key.to_owned());
        let shared = self.shared.lock();
        let versions = shared.cells.get(key)?;
        versions.iter().rev().find(|(version, _)| *version <= reader.snapshot).map(|(_, value)| value.clone())
    }

    /// Writes if none of the versions of what was read is newer than the snapshot; tells whether it did.
    pub fn commit(&self, reader: &Reader, writes: &[(&str, &str)]) -> bool {
        let mut shared = self.shared.lock();
        let newer = |key: &String| {
            let versions = shared.cells.get(key).into_iter().flatten();
            versions.filter(|(version, _)| *version > reader.snapshot).count()
        };
        if reader.reads.iter().map(newer).sum::<usize>() > 0 {
            return false;
        }
        shared.clock += 1;
        let version = shared.clock;
        for (key, value) in writes {
            shared.cells.entry((*key).to_owned()).or_default().push((version, (*value).to_owned()));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_refused_at_once_and_given_back_at_the_end() {
        let store = Locking::default();
        let first = store.begin(&["a", "b"]).unwrap();
        assert!(store.begin(&["b", "c"]).is_none());
        store.commit(first, &[("a", "1")]);
        assert_eq!(store.begin(&["a", "c"]).unwrap().read("a"), Some("1"));
    }

    #[test]
    fn a_version_after_the_snapshot_refuses_the_commit() {
        let store = Scanning::default();
        store.fill("a", "0");
        let (mut first, mut second) = (store.begin(), store.begin());
        assert_eq!(store.read(&mut first, "a").as_deref(), Some("0"));
        store.read(&mut second, "a");
        assert!(store.commit(&first, &[("a", "1")]) && !store.commit(&second, &[("b", "1")]));
    }
}
