//! Messages, as Anthropic answers them, as server-sent events.

use super::protocol::Protocol;
use super::settings::Settings;
use super::stream::{Framing, Partial};
use memory::model::{Ask, ModelError};
use serde_json::{Value, json};

/// `POST BASE/v1/messages`.
#[derive(Debug)]
pub(super) struct Anthropic;

impl Protocol for Anthropic {
    fn path(&self) -> &'static str {
        "/v1/messages"
    }

    fn headers(&self, key: &str) -> Vec<(&'static str, String)> {
        let version = ("anthropic-version", "2023-06-01".to_owned());
        if key.is_empty() { vec![version] } else { vec![version, ("x-api-key", key.to_owned())] }
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn body(&self, settings: &Settings, ask: &Ask) -> Value {
        let mut body = json!({
            "model": settings.model,
            "stream": true,
            "max_tokens": ask.max_tokens,
            "system": ask.system,
            "messages": [{"role": "user", "content": ask.prompt}],
        });
        if let (Some(temperature), Some(body)) = (settings.temperature, body.as_object_mut()) {
            body.insert("temperature".to_owned(), temperature.into());
        }
        body
    }

    fn take(&self, event: &Value, partial: &mut Partial) -> Result<(), ModelError> {
        let tokens = |path: &str| event.pointer(path).and_then(Value::as_u64);
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => {
                let parts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
                let told = parts.map(|part| tokens(&format!("/message/usage/{part}")));
                if told.iter().any(Option::is_some) {
                    partial.input = Some(told.into_iter().flatten().fold(0, u64::saturating_add));
                }
                partial.output = tokens("/message/usage/output_tokens");
            }
            Some("content_block_delta") => {
                partial.push(event.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default())?;
            }
            // What it tells is the sum so far.
            Some("message_delta") => partial.output = tokens("/usage/output_tokens").or(partial.output),
            Some("message_stop") => (partial.is_complete, partial.is_over) = (true, true),
            // Pings, and kinds of events that are yet to come.
            _ => {}
        }
        Ok(())
    }
}
