//! Names and texts in code: where they stand, and the forms that they can have.
//!
//! A form demanded of a site becomes a test on single added lines: the site is found on the line, and what stands there has
//! the form or has not. Both are regular expressions, so that no file needs to be parsed and a fragment is enough.
//!
//! Lacks, on purpose, what spans lines: a name that stands on another line than its keyword is not seen.

use crate::predicate::{CodeTest, FileAction, FileTest, TextTest};
use crate::{Event, Predicate};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Where names or texts of a kind stand in code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    pub name: String,
    pub words: Vec<String>,
    /// Whether it is a text in quotation marks, and no name.
    #[serde(default)]
    pub text: bool,
    /// Whether it ends with the line.
    #[serde(default)]
    pub open: bool,
    /// Where it stands, by language.
    #[serde(rename = "in")]
    pub places: Vec<SitePlace>,
    /// What has the name, as a node of the syntax tree.
    #[serde(default)]
    pub nodes: Vec<SiteNode>,
}

/// What is named so, in some languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteNode {
    pub language: Vec<String>,
    /// Kinds of nodes, as the grammars name them.
    pub kind: Vec<String>,
    /// A path, and the first and the last line of one; what stands between is repeated.
    pub path: String,
    pub lines: [String; 3],
}

/// Where names or texts of a kind stand in some languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SitePlace {
    pub language: Vec<String>,
    /// A regular expression that ends where the site begins.
    pub before: String,
    /// One that begins where it ends.
    #[serde(default)]
    pub after: String,
    /// The files that it is in, where not in any of the language.
    #[serde(default)]
    pub files: Vec<String>,
    /// A regular expression for what is no such name though it stands there.
    #[serde(default)]
    pub unless: Option<String>,
    /// A path and a line that show it.
    pub path: String,
    pub line: String,
}

/// A form that names or texts can have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    pub name: String,
    #[serde(default, rename = "words")]
    pub _words: IgnoredAny,
    /// Whether it is a form of texts, and not of names.
    #[serde(default)]
    pub texts: bool,
    #[serde(flatten)]
    pub shape: Shape,
    /// A name or a text that has the form.
    pub good: String,
    /// One that has not.
    pub bad: String,
}

/// What a form is told by.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// All of it matches.
    Matches(String),
    /// It begins with what matches.
    Opens(String),
    /// It ends with what matches.
    Closes(String),
    /// Some of it matches.
    Holds(String),
}

impl Site {
    /// The lines where something of this kind lacks the form, or where it has a form that is forbidden.
    pub(crate) fn test(&self, form: &Form, forbidden: bool, globs: &[String]) -> Predicate {
        let mut tests: Vec<_> =
            self.places.iter().map(|place| Predicate::File(Box::new(self.at(place, form, forbidden, globs)))).collect();
        if tests.len() == 1 { tests.remove(0) } else { Predicate::Any(tests) }
    }

    fn at(&self, place: &SitePlace, form: &Form, forbidden: bool, globs: &[String]) -> FileTest {
        let inside = match (self.open, self.text) {
            (true, _) => "[^\\n]",
            (false, true) => "[^\"'`\\n]",
            (false, false) => "[\\w$-]",
        };
        let end = match (self.open, self.text) {
            (true, _) => "\\s*$".to_owned(),
            (false, true) => "[\"'`]".to_owned(),
            // Nothing of the name follows.
            (false, false) if place.after.is_empty() => "(?:[^\\w$-]|$)".to_owned(),
            (false, false) => place.after.clone(),
        };
        let form = match &form.shape {
            Shape::Matches(whole) if self.text => whole.clone(),
            Shape::Matches(whole) => format!("{whole}{end}"),
            Shape::Opens(start) => start.clone(),
            Shape::Closes(last) => format!("{inside}*{last}{end}"),
            Shape::Holds(part) => format!("{inside}*{part}"),
        };
        let found = |what: &str| TextTest::Matches(format!("{}{what}", place.before));
        let lines = if forbidden {
            vec![found(&form)]
        } else {
            let there = found(&format!("{inside}+{end}"));
            let other = place.unless.iter().map(|name| TextTest::Not(Box::new(found(&format!("(?:{name})")))));
            [there, TextTest::Not(Box::new(found(&form)))].into_iter().chain(other).collect()
        };
        let line = TextTest::SomeLine(Box::new(TextTest::All(lines)));
        let path = if globs.is_empty() { place.files.clone() } else { globs.to_vec() };
        FileTest { path, language: place.language.clone(), added: Some(line), ..FileTest::default() }
    }

    /// Those in new files that have more than so many lines.
    pub(crate) fn longer(&self, count: u32, globs: &[String]) -> Predicate {
        let long = |node: &SiteNode| {
            let text = Some(TextTest::Not(Box::new(TextTest::MaxLines(count))));
            let code = CodeTest { kind: node.kind.clone(), text, ..CodeTest::default() };
            Predicate::File(Box::new(FileTest {
                path: globs.to_vec(),
                language: node.language.clone(),
                action: Some(FileAction::Create),
                code: Some(code),
                ..FileTest::default()
            }))
        };
        Predicate::Any(self.nodes.iter().map(long).collect())
    }

    /// A new file with one that holds so many lines.
    pub(crate) fn long_event(&self, count: u32) -> Option<Event> {
        let node = self.nodes.first()?;
        let [first, between, last] = &node.lines;
        let body = format!("{between}\n").repeat(count as usize);
        Some(Event::write(node.path.clone(), format!("{first}\n{body}{last}\n")))
    }

    /// An edit that writes a name or a text of this kind, at its usual path or in another folder.
    pub(crate) fn event(&self, what: &str, near: Option<&str>) -> Event {
        let Some(place) = self.places.first() else { return Event::command("true") };
        let name = place.path.rsplit('/').next().unwrap_or(&place.path);
        let folder = near.and_then(|near| near.rsplit_once('/')).map(|(folder, _)| folder);
        let path = folder.map_or_else(|| place.path.clone(), |folder| format!("{folder}/{name}"));
        Event::edit(path, "", format!("{}\n", place.line.replace("{}", what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sites {
        site: Vec<Site>,
        form: Vec<Form>,
    }

    #[test]
    fn every_line_that_shows_a_site_holds_a_place_for_it() {
        let data: Sites = toml::from_str(include_str!("../../lexicon/sites.toml")).unwrap();
        for place in data.site.iter().flat_map(|site| &site.places) {
            assert!(place.line.contains("{}") && !place.language.is_empty(), "{place:?}");
        }
        assert!(data.form.iter().all(|form| form.good != form.bad));
    }
}
