//! Reports as SARIF 2.1.0 (OASIS), which code scanning services read.

use compiler::{Outcome, Verdict};
use rules::{Diagnostic, Severity, Span};
use serde_json::{Value, json};
use server::report::{Conflict, Record};
use std::collections::BTreeMap;

/// What was found so far.
#[derive(Default)]
pub(super) struct Log {
    rules: BTreeMap<String, Value>,
    results: Vec<Value>,
}

impl Log {
    /// Adds a record; what is no finding is left out.
    pub(super) fn add(&mut self, record: &Record) {
        match record {
            Record::Verdict(verdict) if verdict.outcome == Outcome::Violated => self.verdict(verdict),
            Record::Diagnostic(diagnostic) => self.diagnostic(diagnostic),
            Record::Conflict(conflict) => self.conflict(conflict),
            _ => {}
        }
    }

    /// The whole log.
    pub(super) fn finish(&mut self) -> Value {
        let rules: Vec<Value> = std::mem::take(&mut self.rules).into_values().collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "trace", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "unicodeCodePoints",
                "results": std::mem::take(&mut self.results),
            }],
        })
    }

    fn rule(&mut self, id: &str, title: &str, help: &str) {
        let rule = || json!({ "id": id, "shortDescription": { "text": title }, "help": { "text": help } });
        self.rules.entry(id.to_owned()).or_insert_with(rule);
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let said = verdict.said.as_deref().unwrap_or(&verdict.title);
        self.rule(verdict.rule.as_str(), &verdict.title, &format!("You said: “{said}”"));
        let level = match (verdict.state, verdict.blocks) {
            (rules::State::Armed, true) => "error",
            (rules::State::Armed, false) => "warning",
            _ => "note",
        };
        let witness = verdict.witness.as_ref().map(|witness| format!(": {}", witness.text)).unwrap_or_default();
        let fix = verdict.fix.as_ref().map(|fix| format!("; instead: {fix}")).unwrap_or_default();
        let place = verdict.witness.as_ref().and_then(|witness| Some((witness.path.as_ref()?, witness.line)));
        self.results.push(json!({
            "ruleId": verdict.rule,
            "level": level,
            "message": { "text": format!("{}{witness}{fix}", verdict.title) },
            "locations": place.map(|(path, line)| location(path, line.unwrap_or(1), None)).into_iter().collect::<Vec<_>>(),
        }));
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        let page = diagnostic.code.page();
        self.rule(page.name, page.title, page.help);
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => "note",
        };
        let place = diagnostic.span.as_ref().map(|span| location(&span.file, span.line, Some(column(span))));
        self.results.push(json!({
            "ruleId": page.name,
            "level": level,
            "message": { "text": format!("{} ({})", diagnostic.message, diagnostic.help) },
            "locations": place.into_iter().collect::<Vec<_>>(),
        }));
    }

    fn conflict(&mut self, conflict: &Conflict) {
        let page = rules::Code::Conflict.page();
        self.rule(page.name, page.title, page.help);
        let text = format!(
            "`{}` (“{}”) and `{}` (“{}”) cannot both be kept: {}",
            conflict.newer, conflict.newer_said, conflict.older, conflict.older_said, conflict.why
        );
        let location = location(&format!(".trace/rules/{}.toml", conflict.newer), 1, None);
        self.results.push(json!({
            "ruleId": page.name, "level": "warning", "message": { "text": text }, "locations": [location],
        }));
    }
}

fn location(path: &str, line: usize, column: Option<usize>) -> Value {
    let mut region = json!({ "startLine": line });
    if let (Some(column), Some(region)) = (column, region.as_object_mut()) {
        region.insert("startColumn".to_owned(), json!(column));
    }
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(path) }, "region": region } })
}

/// The column in characters; a span has it in bytes, and may lie behind what is kept of the line.
fn column(span: &Span) -> usize {
    let known = span.text.floor_char_boundary(span.column.saturating_sub(1));
    let characters = span.text.get(..known).unwrap_or_default().chars().count();
    characters + span.column.saturating_sub(known).max(1)
}

/// A path as a URI reference (RFC 3986): what may not stand there is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}
