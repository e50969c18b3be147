//! Entries that are read when they are first asked for.
//!
//! A message names a handful of the things that the lexicon knows. What is needed to find them is read at once, by name, sort and
//! group; the rest stays the text that it was built in as, until something names it.

use super::data::{Action, Construct, Files, Language, Library, Tool};
use super::{Entry, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::OnceLock;

/// An entry, read or not.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub group: Option<Cow<'static, str>>,
    unread: Option<(Sort, &'static RawValue)>,
    entry: OnceLock<Option<Box<Entry>>>,
}

/// A thing as it is built in: what finds it, and all that is said of it.
#[derive(Debug, Deserialize)]
pub(super) struct BuiltIn {
    sort: Sort,
    #[serde(borrow)]
    name: Cow<'static, str>,
    #[serde(borrow)]
    group: Option<Cow<'static, str>>,
    #[serde(borrow)]
    pub words: Vec<Cow<'static, str>>,
    #[serde(borrow)]
    thing: &'static RawValue,
}

/// Under which heading of its file a thing stands.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Tool,
    Action,
    Files,
    Language,
    Construct,
    Library,
}

impl Listed {
    /// The entry; none where the text of a built-in one can't be read, which a test rules out.
    pub(super) fn entry(&self) -> Option<&Entry> {
        let read = || self.unread.and_then(|(sort, thing)| sort.read(thing.get()).ok()).map(Box::new);
        self.entry.get_or_init(read).as_deref()
    }
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        let (name, group) = (Cow::Owned(entry.name.clone()), entry.group.clone().map(Cow::Owned));
        Self { name, kind: entry.kind, group, unread: None, entry: OnceLock::from(Some(Box::new(entry))) }
    }
}

impl From<BuiltIn> for Listed {
    fn from(BuiltIn { sort, name, group, thing, .. }: BuiltIn) -> Self {
        Self { name, kind: sort.kind(), group, unread: Some((sort, thing)), entry: OnceLock::new() }
    }
}

impl Sort {
    fn kind(self) -> Kind {
        match self {
            Self::Tool => Kind::Tool,
            Self::Action => Kind::Action,
            Self::Files => Kind::Files,
            Self::Language => Kind::Language,
            Self::Construct | Self::Library => Kind::Construct,
        }
    }

    fn read(self, thing: &str) -> serde_json::Result<Entry> {
        let (_, entry) = match self {
            Self::Tool => serde_json::from_str::<Tool>(thing)?.entry(),
            Self::Action => serde_json::from_str::<Action>(thing)?.entry(),
            Self::Files => serde_json::from_str::<Files>(thing)?.entry(),
            Self::Language => serde_json::from_str::<Language>(thing)?.entry(),
            Self::Construct => serde_json::from_str::<Construct>(thing)?.entry(),
            Self::Library => serde_json::from_str::<Library>(thing)?.entry(),
        };
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lexicon;

    #[test]
    fn every_entry_can_be_read_and_is_what_finds_it() {
        let lexicon = Lexicon::builtin();
        assert!(lexicon.entries.len() > 1000);
        for listed in &lexicon.entries {
            let entry = listed.entry().unwrap_or_else(|| panic!("`{}` can't be read", listed.name));
            let found_by = (&*entry.name, entry.kind, entry.group.as_deref());
            assert_eq!((&*listed.name, listed.kind, listed.group.as_deref()), found_by);
        }
    }
}
