//! A workspace that holds what the events of an example have written, and nothing else.

use super::{Facts, Workspace};
use rules::predicate::FileAction;
use std::collections::BTreeMap;

/// The files that were written so far.
#[derive(Debug, Clone, Default)]
pub struct Written {
    files: BTreeMap<String, String>,
}

impl Written {
    /// Takes what an event changes.
    pub fn take(&mut self, facts: &Facts) {
        for file in &facts.files {
            if file.action == FileAction::Delete {
                self.files.remove(&file.path);
            } else if file.whole {
                self.files.insert(file.path.clone(), file.after.clone());
            } else {
                // Of a file that was there before the example only the fragment is known.
                let known = self.files.entry(file.path.clone()).or_default();
                known.push_str(&file.added);
            }
        }
    }
}

impl Workspace for Written {
    fn root(&self) -> Option<&str> {
        None
    }

    fn read(&self, path: &str) -> Option<String> {
        self.files.get(path).cloned()
    }

    fn exists(&self, path: &str) -> Option<bool> {
        Some(self.files.contains_key(path))
    }

    fn changed(&self, path: &str) -> Option<bool> {
        self.exists(path)
    }
}
