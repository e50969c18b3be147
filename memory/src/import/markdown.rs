//! Markdown: a record for each section, with the headings above it; front matter in front is kept as metadata.
//!
//! Sections are cut at ATX headings (`CommonMark` 0.31, section 4.2), outside fenced code. Front matter is read as lines of
//! `name: value`: what is nested in it is kept as text.

use super::{Found, Sink, split};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Trust};
use serde_json::{Map, Value};
use std::io::Read;
use std::ops::ControlFlow;

/// The most text of one record, headings aside: what is longer is cut at a paragraph.
const MAX_SECTION_BYTES: usize = 4 * 1024;

/// Reads a file; `name` is its path, and the source of its records.
pub(super) fn read(name: &str, mut input: impl Read, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let mut bytes = Vec::new();
    if let Err(error) = input.read_to_end(&mut bytes) {
        return sink(Found::Problem(String::new(), error.to_string(), "read the file again"));
    }
    let text = String::from_utf8_lossy(&bytes);
    let (front, body) = front_matter(text.trim_start_matches('\u{feff}'));
    let metadata = fields(front);
    // The end of a path says most of where it is.
    let source: String = name.chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
    let provenance = Provenance { trust: Trust::User, source: Some(source), ..Provenance::default() };
    for (headings, section) in sections(body) {
        let title: String = headings.join(" › ").chars().take(MAX_TEXT_BYTES / 16).collect();
        for part in split::within(&section, MAX_SECTION_BYTES) {
            let text = if title.is_empty() { part.to_owned() } else { format!("{title}\n{part}") };
            let (metadata, provenance) = (metadata.clone(), provenance.clone());
            sink(Found::Draft(Box::new(Draft { metadata, provenance, ..Draft::new(text) })))?;
        }
    }
    ControlFlow::Continue(())
}

/// The front matter, and what follows it.
fn front_matter(text: &str) -> (&str, &str) {
    let inside = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"));
    let split = inside.and_then(|inside| {
        let end = inside.lines().scan(0, |at, line| {
            let start = *at;
            *at += line.len() + 1;
            Some((start, line.trim_end()))
        });
        let (end, mark) = end.into_iter().find(|(_, line)| matches!(*line, "---" | "..."))?;
        Some((inside.get(..end)?, inside.get(end..)?.trim_start_matches(mark)))
    });
    split.unwrap_or(("", text))
}

fn fields(front: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for line in front.lines() {
        match line.split_once(':').filter(|(name, _)| !name.starts_with([' ', '\t', '-', '#']) && !name.is_empty()) {
            Some((name, value)) => {
                let value = value.trim().trim_matches(['"', '\'']);
                fields.insert(name.trim().to_owned(), value.into());
            }
            // What is nested belongs to the last field.
            None if !line.trim().is_empty() => {
                if let Some((_, Value::String(last))) = fields.iter_mut().next_back() {
                    let gap = if last.is_empty() { "" } else { "\n" };
                    last.push_str(&format!("{gap}{}", line.trim()));
                }
            }
            None => {}
        }
    }
    fields
}

/// The sections that have a text, each with the headings above it, the uppermost first.
fn sections(body: &str) -> Vec<(Vec<String>, String)> {
    let mut all = Vec::new();
    let (mut headings, mut section): (Vec<(usize, String)>, String) = (Vec::new(), String::new());
    let mut fence: Option<&str> = None;
    let end = |headings: &[(usize, String)], section: &mut String, all: &mut Vec<_>| {
        let text = std::mem::take(section);
        if !text.trim().is_empty() {
            all.push((headings.iter().map(|(_, heading)| heading.clone()).collect(), text.trim().to_owned()));
        }
    };
    for line in body.lines() {
        let start = line.trim_start();
        match fence {
            Some(mark) if start.starts_with(mark) => fence = None,
            Some(_) => {}
            None => fence = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark)),
        }
        match heading(line).filter(|_| fence.is_none()) {
            Some((level, title)) => {
                end(&headings, &mut section, &mut all);
                headings.retain(|(above, _)| *above < level);
                headings.push((level, title.to_owned()));
            }
            None => section.push_str(&format!("{line}\n")),
        }
    }
    end(&headings, &mut section, &mut all);
    all
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let is_heading = (1..=6).contains(&level) && (title.is_empty() || title.starts_with([' ', '\t']));
    is_heading.then(|| (level, title.trim().trim_end_matches('#').trim_end()))
}
