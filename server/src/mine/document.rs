//! Documents of instructions: each paragraph and each element of a list is a statement, under the heading that it stands
//! under or the line that introduces its list.
//!
//! Front matter (`globs` of Cursor, `applyTo` of Copilot) says where a document applies. Code, tables and comments hold no
//! statements.

use memory::redact::redacted;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use rules::correction::Context;
use rules::{Correction, Scope};
use std::ops::Range;

/// What a document says.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// The statements, each with its line from 1.
    pub(super) found: Vec<(usize, Correction)>,
    /// How many blocks hold none.
    pub(super) passed: usize,
}

/// Reads a document; `directory` is what it is about.
pub(super) fn statements(text: &str, name: &str, directory: Option<&str>) -> Statements {
    let (front, body) = front_matter(text);
    let before = text.len() - body.len();
    let scope = scope(&front, directory);
    let mut blocks = Blocks { body, ..Blocks::default() };
    for (event, range) in Parser::new_ext(body, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS).into_offset_iter() {
        blocks.event(&event, range);
    }
    let line_of = |at: usize| text.get(..before + at).unwrap_or_default().matches('\n').count() + 1;
    let found = blocks.found.into_iter().map(|(at, heading, said)| {
        let line = line_of(at);
        let correction = Correction {
            source: Some(format!("{name}:{line}")),
            // Even an empty heading says that this is a document and not a chat.
            context: Some(Context { heading: Some(heading), languages: languages(&front), ..Context::default() }),
            scope: scope.clone(),
            ..Correction::of(redacted(&said))
        };
        (line, correction)
    });
    Statements { found: found.collect(), passed: blocks.passed }
}

/// The blocks of a document as they are read.
#[derive(Debug, Default)]
struct Blocks<'t> {
    body: &'t str,
    /// The statement at hand.
    range: Option<Range<usize>>,
    heading: String,
    /// For each list that is open, the line that introduces it.
    leads: Vec<Option<String>>,
    last: String,
    /// How deep we are in what holds no statements.
    skipped: usize,
    /// Where each statement begins, what it stands under, and what it says.
    found: Vec<(usize, String, String)>,
    passed: usize,
}

impl Blocks<'_> {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Table(_) | Tag::HtmlBlock) => {
                self.flush();
                self.skipped += 1;
                self.passed += 1;
            }
            Event::End(TagEnd::CodeBlock | TagEnd::Table | TagEnd::HtmlBlock) => {
                self.skipped = self.skipped.saturating_sub(1);
            }
            _ if self.skipped > 0 => {}
            Event::Start(Tag::Heading { .. } | Tag::Paragraph | Tag::Item | Tag::BlockQuote(_))
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::BlockQuote(_))
            | Event::Rule => self.flush(),
            Event::End(TagEnd::Heading(_)) => {
                self.heading = self.take().map(|(_, text)| text).unwrap_or_default();
                self.last.clear();
            }
            Event::Start(Tag::List(_)) => {
                self.flush();
                let lead = Some(self.last.trim_end_matches('*')).filter(|last| last.ends_with([':', '：']));
                self.leads.push(lead.map(str::to_owned));
            }
            Event::End(TagEnd::List(_)) => {
                self.flush();
                self.leads.pop();
                self.last.clear();
            }
            Event::TaskListMarker(_) => {}
            _ => {
                let start = self.range.as_ref().map_or(range.start, |known| known.start.min(range.start));
                self.range = Some(start..range.end.max(self.range.as_ref().map_or(0, |known| known.end)));
            }
        }
    }

    /// The words at hand, on one line.
    fn take(&mut self) -> Option<(usize, String)> {
        let range = self.range.take()?;
        let words =
            self.body.get(range.clone())?.lines().map(|line| line.trim_start_matches(['>', ' ', '\t']).trim_end());
        let text = words.collect::<Vec<_>>().join(" ").trim().to_owned();
        (!text.is_empty()).then_some((range.start, text))
    }

    fn flush(&mut self) {
        let Some((at, text)) = self.take() else { return };
        let lead = self.leads.iter().rev().flatten().next();
        let heading = lead.unwrap_or(&self.heading).clone();
        self.last.clone_from(&text);
        self.found.push((at, heading, text));
    }
}

/// The fields of the front matter, and what follows it.
pub(super) fn front_matter(text: &str) -> (Vec<(String, String)>, &str) {
    let none = || (Vec::new(), text);
    let Some(inside) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return none() };
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    for line in inside.split_inclusive('\n') {
        at += line.len();
        let line = line.trim_end();
        if line == "---" || line == "..." {
            return (fields, inside.get(at..).unwrap_or_default());
        }
        let is_nested = line.starts_with([' ', '\t', '-']);
        match (line.split_once(':').filter(|_| !is_nested), fields.last_mut()) {
            (Some((name, value)), _) => fields.push((name.trim().to_owned(), value.trim().to_owned())),
            (None, Some((_, last))) => {
                last.push('\n');
                last.push_str(line);
            }
            (None, None) => {}
        }
    }
    none()
}

/// A value without its quotation marks.
pub(super) fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = |mark| value.strip_prefix(mark).and_then(|value| value.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// The globs that a document is for.
fn globs(front: &[(String, String)]) -> Vec<&str> {
    let named = front.iter().filter(|(name, _)| name == "globs" || name == "applyTo");
    let split = named.flat_map(|(_, value)| value.trim_matches(['[', ']']).split([',', '\n']));
    split.map(|glob| unquoted(glob.trim().trim_start_matches("- "))).filter(|glob| !glob.is_empty()).collect()
}

/// Where a document applies: the folders in front of the wildcards of its globs, or its own.
fn scope(front: &[(String, String)], directory: Option<&str>) -> Option<Scope> {
    let folders = globs(front).into_iter().map(|glob| {
        let plain = glob.split('/').take_while(|part| !part.contains(['*', '?', '{', '.']));
        let plain: Vec<&str> = directory.into_iter().chain(plain).collect();
        plain.join("/")
    });
    let mut folders: Vec<String> = folders.collect();
    if folders.is_empty() {
        folders.extend(directory.map(str::to_owned));
    }
    // One glob that is for every folder is for every folder.
    let is_limited = !folders.is_empty() && folders.iter().all(|folder| !folder.is_empty());
    folders.sort();
    folders.dedup();
    is_limited.then(|| Scope { directory: folders, ..Scope::default() })
}

/// The languages that all globs of a document are for.
fn languages(front: &[(String, String)]) -> Vec<String> {
    let globs = globs(front);
    let of = |glob: &&str| compiler::facts::language(glob.trim_end_matches('}').rsplit('/').next()?);
    let mut languages: Vec<String> = globs.iter().filter_map(of).map(str::to_owned).collect();
    languages.sort();
    languages.dedup();
    languages
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn statements_stand_under_headings_and_under_the_lines_that_introduce_lists() {
        let text = "---\ndescription: x\nglobs: src/**/*.ts, src/*.tsx\n---\n# Style\n\nUse tabs,\nnot spaces.\n\n\
                    Never commit:\n- `.env`\n  - keys\n- [ ] build output\n\n```sh\nnpm i\n```\n\n| a |\n|---|\n| b |\n\n\
                    > Ask *first*.\n\n## Git\n\n* one\n\n* two\n  more\n";
        let read = statements(text, "a.mdc", Some("web"));
        let found: Vec<_> = read
            .found
            .iter()
            .map(|(line, correction)| {
                let heading = correction.context.as_ref().and_then(|context| context.heading.as_deref());
                (*line, heading.unwrap_or_default(), correction.text.as_str())
            })
            .collect();
        assert_eq!(
            found,
            [
                (7, "Style", "Use tabs, not spaces."),
                (10, "Style", "Never commit:"),
                (11, "Never commit:", "`.env`"),
                (12, "Never commit:", "keys"),
                (13, "Never commit:", "build output"),
                (23, "Style", "Ask *first*."),
                (27, "Git", "one"),
                (29, "Git", "two more"),
            ]
        );
        assert_eq!(read.passed, 2);
        let (_, first) = &read.found[0];
        assert_eq!(first.scope.as_ref().unwrap().directory, ["web/src"]);
        assert_eq!(first.context.as_ref().unwrap().languages, ["tsx", "typescript"]);
        assert_eq!(first.source.as_deref(), Some("a.mdc:7"));
        assert!(statements("---\nnever closed\n", "a.md", None).found[0].1.scope.is_none());
    }
}
