//! Entries that are read when they are first asked for.
//!
//! A message names a handful of the things that the lexicon knows. What is needed to find them is read at once, by name, sort and
//! group; the rest stays the text that it was built in as, until something names it.

use super::data::{Action, Construct, Files, Language, Library, Tool};
use super::phrases::Sort;
use super::{Entry, Kind};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

/// The texts of the built-in things, one behind the other.
const TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/things.json"));

/// An entry, read or not.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub group: Option<Cow<'static, str>>,
    unread: Option<(Sort, Range<u32>)>,
    entry: OnceLock<Option<Box<Entry>>>,
}

/// A thing as it is built in: what finds it, and where all that is said of it stands.
#[derive(Debug, Deserialize)]
pub(super) struct BuiltIn(
    Sort,
    #[serde(borrow)] Cow<'static, str>,
    #[serde(borrow)] Option<Cow<'static, str>>,
    Range<u32>,
);

/// What is built in of one file: its things, and where the texts of its properties and sites stand.
type OfFile = (Vec<BuiltIn>, Vec<Range<u32>>, Vec<Range<u32>>);

/// The things that are built in, by file.
pub(super) fn built_in() -> Vec<OfFile> {
    // What the build script wrote can be read, as a test shows.
    postcard::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/things.list"))).unwrap_or_default()
}

impl Listed {
    /// Whether it is one of the built-in things that most messages do not name.
    pub(super) fn is_named(&self) -> bool {
        self.unread.is_some()
    }

    /// The entry; none where the text of a built-in one can't be read, which a test rules out.
    pub(super) fn entry(&self) -> Option<&Entry> {
        let read = || {
            let (sort, place) = self.unread.as_ref()?;
            sort.read(text(place)?).ok().map(Box::new)
        };
        self.entry.get_or_init(read).as_deref()
    }
}

fn text(place: &Range<u32>) -> Option<&'static str> {
    TEXTS.get(usize::try_from(place.start).ok()?..usize::try_from(place.end).ok()?)
}

/// What is known by its number alone, read or not.
#[derive(Debug, Clone)]
pub(super) struct Held<T> {
    place: Range<u32>,
    read: OnceLock<Option<Box<T>>>,
}

impl<T: Deserialize<'static>> Held<T> {
    /// It; none where the text of a built-in one can't be read, which a test rules out.
    pub(super) fn get(&self) -> Option<&T> {
        let read = || serde_json::from_str(text(&self.place)?).ok();
        self.read.get_or_init(read).as_deref()
    }
}

impl<T> From<Range<u32>> for Held<T> {
    fn from(place: Range<u32>) -> Self {
        Self { place, read: OnceLock::new() }
    }
}

impl<T> Held<T> {
    /// What was read already.
    pub(super) fn of(thing: T) -> Self {
        Self { place: 0..0, read: OnceLock::from(Some(Box::new(thing))) }
    }
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        let (name, group) = (Cow::Owned(entry.name.clone()), entry.group.clone().map(Cow::Owned));
        Self { name, kind: entry.kind, group, unread: None, entry: OnceLock::from(Some(Box::new(entry))) }
    }
}

impl From<BuiltIn> for Listed {
    fn from(BuiltIn(sort, name, group, text): BuiltIn) -> Self {
        Self { name, kind: sort.kind(), group, unread: Some((sort, text)), entry: OnceLock::new() }
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

    fn read(self, text: &str) -> serde_json::Result<Entry> {
        Ok(match self {
            Self::Tool => serde_json::from_str::<Tool>(text)?.entry(),
            Self::Action => serde_json::from_str::<Action>(text)?.entry(),
            Self::Files => serde_json::from_str::<Files>(text)?.entry(),
            Self::Language => serde_json::from_str::<Language>(text)?.entry(),
            Self::Construct => serde_json::from_str::<Construct>(text)?.entry(),
            Self::Library => serde_json::from_str::<Library>(text)?.entry(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lexicon;

    #[test]
    fn every_entry_can_be_read_and_is_what_finds_it() {
        let lexicon = Lexicon::builtin();
        assert!(lexicon.entries.len() > 1000);
        assert!(lexicon.properties.len() > 50 && lexicon.properties.iter().all(|property| property.get().is_some()));
        assert!(lexicon.sites.len() > 20 && lexicon.sites.iter().all(|site| site.get().is_some()));
        for listed in &lexicon.entries {
            let entry = listed.entry().unwrap_or_else(|| panic!("`{}` can't be read", listed.name));
            let found_by = (&*entry.name, entry.kind, entry.group.as_deref());
            assert_eq!((&*listed.name, listed.kind, listed.group.as_deref()), found_by);
        }
    }
}
