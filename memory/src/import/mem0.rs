//! What `mem0` gives out: `[{"id", "memory", "user_id", "metadata", "created_at", …}]`, or that list as the `results` (and
//! `relations`) of an object, as `get_all` answers and the platform's exports have it.

use super::{Found, Sink};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Trust};
use serde_json::{Map, Value};
use std::ops::ControlFlow;

/// An element of the file: a memory, or an object that holds a list of them.
pub(super) fn memories(item: usize, value: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let list = ["results", "memories"].into_iter().find_map(|name| value.get(name).and_then(Value::as_array));
    let Some(list) = list else { return memory(item, value, sink) };
    list.iter().enumerate().try_for_each(|(place, value)| memory(place + 1, value, sink))
}

fn memory(item: usize, value: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(said) = text("memory").or_else(|| text("text")).or_else(|| text("data")) else {
        let what = "there is no text in `memory`".to_owned();
        return sink(Found::Problem(format!(" item {item}"), what, "it is left out; nothing else is"));
    };
    let mut metadata = value.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    // What has no field of its own is kept with the rest.
    for (name, key) in [("id", "mem0_id"), ("created_at", "mem0_created_at"), ("updated_at", "mem0_updated_at")] {
        if let Some(value) = text(name) {
            metadata.insert(key.to_owned(), value.into());
        }
    }
    let categories = value.get("categories").and_then(Value::as_array).into_iter().flatten();
    let draft = Draft {
        user_id: text("user_id"),
        agent_id: text("agent_id"),
        app_id: text("app_id"),
        run_id: text("run_id"),
        metadata: metadata.into_iter().collect::<Map<_, _>>(),
        categories: categories.filter_map(Value::as_str).map(str::to_owned).collect(),
        provenance: Provenance { trust: Trust::Agent, source: Some("import/mem0".to_owned()), ..Provenance::default() },
        ..Draft::default()
    };
    let parts: Vec<String> = super::split::within(&said, MAX_TEXT_BYTES).map(str::to_owned).collect();
    parts.into_iter().try_for_each(|text| sink(Found::Draft(Box::new(Draft { text, ..draft.clone() }))))
}
