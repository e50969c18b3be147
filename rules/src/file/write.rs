//! Writing a rule file from nothing: short things on one line, long ones over several, always in the same order.

use crate::rule::Rule;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The longest line that is written where it can be helped, in characters.
const WIDTH: usize = 100;

/// The tables that have a header of their own even when they are short.
const HEADED: &[&str] = &["scope", "check"];

/// Writes a rule as TOML.
pub fn render(rule: &Rule) -> String {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    // JSON has double precision only; through it, 0.8 would come out as 0.800000011920929.
    if let (Some(confidence), Some(field)) = (rule.confidence, value.get_mut("confidence")) {
        *field = format!("{confidence:?}").parse().unwrap_or_default();
    }
    let mut out = String::new();
    if let Value::Object(fields) = value {
        table(&mut out, "", &fields);
    }
    out
}

/// Writes the fields of a table: first those that stand in it, then those with headers.
fn table(out: &mut String, path: &str, fields: &Map<String, Value>) {
    let mut headed = Vec::new();
    for (key, value) in fields {
        match value {
            Value::Object(_) if HEADED.contains(&key.as_str()) => headed.push((key.clone(), value)),
            Value::Array(_) if path.is_empty() && (key == "said" || key == "example") => {
                headed.push((key.clone(), value));
            }
            _ => headed.extend(line(out, key, value)),
        }
    }
    for (key, value) in headed {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            Value::Array(tables) => tables.iter().for_each(|value| header(out, &format!("[[{path}]]"), &path, value)),
            _ => header(out, &format!("[{path}]"), &path, value),
        }
    }
}

/// Writes a table with its header.
fn header(out: &mut String, header: &str, path: &str, value: &Value) {
    if let Value::Object(fields) = value {
        let _ = write!(out, "\n{header}\n");
        table(out, path, fields);
    }
}

/// Writes a field, or gives it back with its dotted name when it is a table too long for a line.
fn line<'v>(out: &mut String, key: &str, value: &'v Value) -> Option<(String, &'v Value)> {
    let (mut key, mut value) = (key.to_owned(), value);
    // A table with one field is shorter as a dotted name: `never.any = […]`.
    while let Value::Object(fields) = value
        && !fits(&key, value)
    {
        let mut fields = fields.iter();
        match (fields.next(), fields.next()) {
            (Some((name, inner)), None) => {
                key = format!("{key}.{name}");
                value = inner;
            }
            _ => return Some((key, value)),
        }
    }
    let text = match value {
        Value::String(text) if key == "events" || text.contains('\n') => lines(text),
        _ => broken(value, key.chars().count() + 3, 0),
    };
    let _ = writeln!(out, "{key} = {text}");
    None
}

/// Whether a field fits on a line.
fn fits(key: &str, value: &Value) -> bool {
    key.chars().count() + 3 + inline(value).chars().count() <= WIDTH
}

/// A value on one line if that leaves room, and otherwise with its arrays over several; TOML 1.0 has no line breaks in
/// inline tables except inside their values.
fn broken(value: &Value, before: usize, indent: usize) -> String {
    let short = inline(value);
    if before + short.chars().count() <= WIDTH {
        return short;
    }
    match value {
        Value::Array(items) if !items.is_empty() => {
            let (inner, outer) = (" ".repeat(indent + 4), " ".repeat(indent));
            let mut out = "[\n".to_owned();
            for item in items {
                let _ = writeln!(out, "{inner}{},", broken(item, indent + 5, indent + 4));
            }
            format!("{out}{outer}]")
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} = {}", broken(value, WIDTH, indent)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        _ => short,
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A string on one line: as it is where that spares escapes.
fn string(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    // JSON's escapes are TOML's; but TOML wants DEL escaped too.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A string over several lines, as it is, unless something in it forbids that.
fn lines(text: &str) -> String {
    let forbidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains("'''") || text.ends_with('\'') || text.contains(forbidden) {
        return string(text);
    }
    format!("'''\n{text}'''")
}
