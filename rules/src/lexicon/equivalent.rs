//! Calls that mean the same in two programs: what may be changed without asking, from `lexicon/equivalents.toml`.
//!
//! It is read apart from the lexicon, since it is small and asked for while an agent waits. Nothing is guessed: what the
//! data does not vouch for, word for word, is not the same.

use serde::Deserialize;
use std::sync::LazyLock;

/// The embedded file.
const TEXT: &str = include_str!("../../lexicon/equivalents.toml");

static BUILTIN: LazyLock<Vec<Equivalent>> =
    LazyLock::new(|| toml::from_str(TEXT).map(|data: Data| data.equivalent).unwrap_or_default());

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    equivalent: Vec<Equivalent>,
}

/// Calls with what may follow them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    /// How a call begins, and how the one that means the same does.
    calls: Vec<(String, String)>,
    /// Flags that mean the same in both.
    #[serde(default)]
    flags: Vec<String>,
    arguments: Arguments,
    /// Calls that mean the same, for the tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "every entry has examples, which are its tests"))]
    same: Vec<(String, String)>,
    /// Calls for which the entry does not vouch.
    #[cfg_attr(not(test), expect(dead_code, reason = "every entry has examples, which are its tests"))]
    differ: Vec<(String, String)>,
}

/// What may follow besides flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Arguments {
    None,
    Packages,
    Words,
    Any,
}

/// Whether a simple command means the same as another, word for word, by the built-in knowledge.
///
/// ```
/// let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
/// assert!(rules::means_the_same(&words("npm install left-pad"), &words("pnpm install left-pad")));
/// assert!(!rules::means_the_same(&words("npm install ./left-pad"), &words("pnpm install ./left-pad")));
/// ```
pub fn means_the_same(call: &[&str], instead: &[&str]) -> bool {
    BUILTIN.iter().any(|equivalent| equivalent.vouches(call, instead))
}

impl Equivalent {
    fn vouches(&self, call: &[&str], instead: &[&str]) -> bool {
        self.calls.iter().any(|(from, to)| {
            let rest = behind(call, from).filter(|rest| behind(instead, to) == Some(*rest));
            rest.is_some_and(|rest| rest.iter().all(|word| self.keeps(word)))
        })
    }

    /// Whether a word means the same to both programs.
    fn keeps(&self, word: &str) -> bool {
        match self.arguments {
            Arguments::Any => true,
            _ if word.starts_with('-') => self.flags.iter().any(|flag| flag == word),
            Arguments::None => false,
            Arguments::Packages => is_package(word),
            Arguments::Words => word.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c)),
        }
    }
}

/// The words behind those that a call begins with.
fn behind<'c, 'w>(call: &'c [&'w str], start: &str) -> Option<&'c [&'w str]> {
    start
        .split(' ')
        .try_fold(call, |rest, word| rest.split_first().filter(|(first, _)| **first == word).map(|(_, rest)| rest))
}

/// Whether a word is the name of a package in a registry, perhaps with a version: no path, address or repository.
fn is_package(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-^~".contains(c);
    let (scope, name) = match word.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(Some((scope, name))) => (scope, name),
        Some(None) => return false,
        None => ("a", word),
    };
    let (name, version) = name.split_once('@').unwrap_or((name, "1"));
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric());
    begins(scope)
        && begins(name)
        && !version.is_empty()
        && [scope, name, version].iter().all(|part| part.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::{BUILTIN, means_the_same};

    #[test]
    fn every_entry_vouches_for_its_examples_and_for_nothing_close_by() {
        assert!(!BUILTIN.is_empty(), "the file is read");
        let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        for equivalent in BUILTIN.iter() {
            assert!(!equivalent.same.is_empty() && !equivalent.differ.is_empty(), "{equivalent:?}");
            for (call, instead) in &equivalent.same {
                assert!(equivalent.vouches(&words(call), &words(instead)), "{call} is {instead}");
            }
            for (call, instead) in &equivalent.differ {
                assert!(!means_the_same(&words(call), &words(instead)), "{call} is not {instead}");
            }
        }
    }

    #[test]
    fn only_names_in_a_registry_are_packages() {
        let same = |package: &str| means_the_same(&["npm", "install", package], &["pnpm", "install", package]);
        for package in ["left-pad", "left-pad@1.3.0", "@types/node@^20", "lodash.merge@~4"] {
            assert!(same(package), "{package}");
        }
        for package in ["./x", "../x", "/x", "user/repo", "git+ssh://x", "x@file:../y", "@scope", "x@", "*", "$X", ""] {
            assert!(!same(package), "{package}");
        }
    }
}
