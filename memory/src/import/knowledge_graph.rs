//! The file of the MCP knowledge-graph server (`modelcontextprotocol/servers`, `src/memory`): JSONL with
//! `{"type": "entity", "name", "entityType", "observations": [text]}` and `{"type": "relation", "from", "to", "relationType"}`.
//! Each observation and each relation becomes a sentence that can be found by itself.

use super::{Found, Sink};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Trust};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;

/// A line of the file.
pub(super) fn line(number: usize, value: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    let bad = |what: &str, sink: &mut Sink<'_>| {
        sink(Found::Problem(format!(":{number}"), what.to_owned(), "the other lines are imported; repair this one"))
    };
    match field("type") {
        Some("entity") => {
            let Some(name) = field("name") else { return bad("an entity has a `name`", sink) };
            let kind = field("entityType").unwrap_or("thing");
            let all =
                value.get("observations").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let metadata = json!({"entity": name, "entity_type": kind});
            let said: Vec<&str> = all.map(str::trim).filter(|text| !text.is_empty()).collect();
            if said.is_empty() {
                return keep(&format!("{name} is a {kind}"), &metadata, sink);
            }
            said.into_iter().try_for_each(|text| keep(&format!("{name} ({kind}): {text}"), &metadata, sink))
        }
        Some("relation") => {
            let (Some(from), Some(to), Some(kind)) = (field("from"), field("to"), field("relationType")) else {
                return bad("a relation has `from`, `to` and `relationType`", sink);
            };
            let metadata = json!({"entity": from, "related_to": to, "relation": kind});
            keep(&format!("{from} {} {to}", kind.replace('_', " ")), &metadata, sink)
        }
        _ => bad("the `type` of a line is `entity` or `relation`", sink),
    }
}

fn keep(text: &str, metadata: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let source = Some("import/knowledge-graph".to_owned());
    let metadata: Map<String, Value> = metadata.as_object().cloned().unwrap_or_default();
    let parts: Vec<String> = super::split::within(text, MAX_TEXT_BYTES).map(str::to_owned).collect();
    parts.into_iter().try_for_each(|text| {
        let provenance = Provenance { trust: Trust::Agent, source: source.clone(), ..Provenance::default() };
        sink(Found::Draft(Box::new(Draft { metadata: metadata.clone(), provenance, ..Draft::new(text) })))
    })
}
