//! Rows of tables, and the same rows as JSON lines.

use crate::output::{self, PlainFormat, shortened, shown};
use crate::render::table;
use anyhow::Result;
use consistency::operation::{Delta, Operation};
use consistency::{Agent, Content, Key, Value, Version};
use serde::Serialize;
use std::io::Write;

/// The most columns that a value takes in a table.
const VALUE_COLUMNS: usize = 48;

/// What one command lists: an object for scripts, columns for people.
pub(crate) trait Row: Serialize {
    /// What a row is, in one word.
    const NOUN: &'static str;
    /// What the columns are.
    const HEADER: &'static [&'static str];
    /// The texts of the columns.
    fn columns(&self) -> Vec<String>;
}

/// Prints all rows, and for people how many.
pub(crate) fn list<R: Row>(out: &mut dyn Write, format: PlainFormat, rows: &[R]) -> Result<()> {
    if format == PlainFormat::Json {
        return rows.iter().try_for_each(|row| output::json(out, row));
    }
    if !rows.is_empty() {
        let mut table = table::plain(R::HEADER);
        for row in rows {
            table.add_row(row.columns().iter().map(|column| shown(column)));
        }
        table::write_table(out, &table)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", table::plural(rows.len(), R::NOUN))?;
    Ok(())
}

/// A version of a cell.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    pub(super) key: Key,
    pub(super) version: Version,
    pub(super) author: Agent,
    #[serde(flatten)]
    pub(super) content: Content,
}

impl Row for Cell {
    const NOUN: &'static str = "cell";
    const HEADER: &'static [&'static str] = &["key", "version", "author", "value"];

    fn columns(&self) -> Vec<String> {
        let Cell { key, version, author, content } = self;
        vec![key.to_string(), version.to_string(), author.to_string(), brief(content, VALUE_COLUMNS)]
    }
}

/// A version of a cell with how it came about.
#[derive(Debug, Serialize)]
pub(super) struct Past {
    #[serde(flatten)]
    pub(super) cell: Cell,
    pub(super) derived: Vec<Operation>,
}

impl Row for Past {
    const NOUN: &'static str = "version";
    const HEADER: &'static [&'static str] = &["version", "author", "what", "value"];

    fn columns(&self) -> Vec<String> {
        let Cell { version, author, content, .. } = &self.cell;
        let what = match content {
            _ if !self.derived.is_empty() => self.derived.iter().map(operation).collect::<Vec<_>>().join(", "),
            Content::Present(_) => "put".to_owned(),
            Content::Deleted => "delete".to_owned(),
            // Only a retraction makes a cell what it was before it was first written.
            Content::Absent => "take back".to_owned(),
        };
        let value = brief(content, VALUE_COLUMNS);
        vec![version.to_string(), author.to_string(), shortened(&what, VALUE_COLUMNS), value]
    }
}

fn operation(operation: &Operation) -> String {
    let value = |value: &Value| shortened(&shown(&value.to_string()), 24);
    match operation {
        Operation::Put(_) => "put".to_owned(),
        Operation::Delete => "delete".to_owned(),
        Operation::Merge { .. } => "merge".to_owned(),
        Operation::Delta(Delta::Append(item)) => format!("append {}", value(item)),
        Operation::Delta(Delta::Add(item)) => format!("add {}", value(item)),
        Operation::Delta(Delta::Count(by)) => format!("count {by:+}"),
        Operation::Delta(Delta::Field(name, Some(to))) => format!("{name}: {}", value(to)),
        Operation::Delta(Delta::Field(name, None)) => format!("remove {name}"),
    }
}

/// What a cell holds, on one line. What is no value is in brackets, which no JSON text begins and ends with.
pub(super) fn brief(content: &Content, columns: usize) -> String {
    match content {
        Content::Present(value) => shortened(&shown(&value.to_string()), columns),
        Content::Absent => "(absent)".to_owned(),
        Content::Deleted => "(deleted)".to_owned(),
    }
}
