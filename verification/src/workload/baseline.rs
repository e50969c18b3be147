//! The two stores of the paper's reference runtime, written anew from their description: what ours is compared with.
//!
//! Both keep one mutex, an ordered map of texts, and copy every name and value. Deliberately absent: whatever the description
//! does not tell, such as waiting for a lock, leases or the collection of versions.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Exclusive locks on declared cells, taken at the beginning without waiting and kept to the end.
///
/// As the reference has it: which name holds a cell, and which cells a name holds, are two maps; beginning, committing and
/// giving the locks back are three critical sections.
#[derive(Debug, Default)]
pub struct Locking {
    shared: Mutex<Locked>,
}

#[derive(Debug, Default)]
struct Locked {
    last: u64,
    values: BTreeMap<String, String>,
    holders: HashMap<String, String>,
    holdings: HashMap<String, HashSet<String>>,
}

/// What has its locks: the values as they were copied when it began.
#[derive(Debug)]
pub struct Holder {
    name: String,
    values: BTreeMap<String, String>,
}

impl Locking {
    /// Writes a cell that nobody holds, as the store is filled.
    pub fn fill(&self, key: &str, value: &str) {
        self.shared.lock().values.insert(key.to_owned(), value.to_owned());
    }

    /// Takes the locks of all declared cells, or none where somebody holds one of them.
    pub fn begin(&self, declared: &[&str]) -> Option<Holder> {
        let mut shared = self.shared.lock();
        if declared.iter().any(|key| shared.holders.contains_key(*key)) {
            return None;
        }
        shared.last += 1;
        let name = shared.last.to_string();
        let mut values = BTreeMap::new();
        for key in declared {
            shared.holders.insert((*key).to_owned(), name.clone());
            shared.holdings.entry(name.clone()).or_default().insert((*key).to_owned());
            values.insert((*key).to_owned(), shared.values.get(*key).cloned().unwrap_or_default());
        }
        Some(Holder { name, values })
    }

    /// Writes what the holder has the locks of, and gives all of them back.
    pub fn commit(&self, holder: &Holder, writes: &[(&str, &str)]) {
        let mut shared = self.shared.lock();
        for (key, value) in writes {
            if shared.holders.get(*key) == Some(&holder.name) {
                shared.values.insert((*key).to_owned(), (*value).to_owned());
            }
        }
        drop(shared);
        let mut shared = self.shared.lock();
        for key in shared.holdings.remove(&holder.name).unwrap_or_default() {
            if shared.holders.get(&key) == Some(&holder.name) {
                shared.holders.remove(&key);
            }
        }
    }
}

impl Holder {
    /// The value of a declared cell, copied when the locks were taken.
    pub fn read(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

/// Snapshots that are validated at the commit by going through every version of every cell there is, each name and value
/// numbered on the way: the reference's serializable mode.
#[derive(Debug, Default)]
pub struct Scanning {
    shared: Mutex<Versions>,
}

#[derive(Debug, Default)]
struct Versions {
    clock: u64,
    cells: BTreeMap<String, Vec<(u64, String)>>,
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
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut number = |text| {
            let next = numbers.len();
            *numbers.entry(text).or_insert(next)
        };
        let mut all = Vec::new();
        for (key, versions) in &shared.cells {
            all.extend(versions.iter().map(|(version, value)| (number(key), *version, number(value))));
        }
        let reads: Vec<usize> = reader.reads.iter().map(|key| number(key)).collect();
        if all.iter().any(|(key, version, _)| *version > reader.snapshot && reads.contains(key)) {
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
        store.commit(&first, &[("a", "1")]);
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
