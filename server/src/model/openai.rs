//! Chat completions, as `OpenAI` and the many servers that are compatible with it answer them, as server-sent events.

use super::protocol::Protocol;
use super::settings::Settings;
use super::stream::{Framing, Partial};
use memory::model::{Ask, ModelError};
use serde_json::{Value, json};

/// `POST BASE/chat/completions`.
#[derive(Debug)]
pub(super) struct OpenAi;

impl Protocol for OpenAi {
    fn path(&self) -> &'static str {
        "/chat/completions"
    }

    fn headers(&self, key: &str) -> Vec<(&'static str, String)> {
        if key.is_empty() { Vec::new() } else { vec![("authorization", format!("Bearer {key}"))] }
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn body(&self, settings: &Settings, ask: &Ask) -> Value {
        // The provider itself takes only the new name of the cap, most of the compatible ones only the old one.
        let cap = if settings.base_url.is_none() { "max_completion_tokens" } else { "max_tokens" };
        let mut body = json!({
            "model": settings.model,
            "stream": true,
            "stream_options": {"include_usage": true},
            "messages": [{"role": "system", "content": ask.system}, {"role": "user", "content": ask.prompt}],
            cap: ask.max_tokens,
        });
        if let (Some(temperature), Some(body)) = (settings.temperature, body.as_object_mut()) {
            body.insert("temperature".to_owned(), temperature.into());
        }
        body
    }

    fn take(&self, event: &Value, partial: &mut Partial) -> Result<(), ModelError> {
        if let Some(choice) = event.pointer("/choices/0") {
            partial.push(choice.pointer("/delta/content").and_then(Value::as_str).unwrap_or_default())?;
            partial.is_complete |= choice.get("finish_reason").is_some_and(Value::is_string);
        }
        // It comes last, after the reason to finish, and in some servers with each piece.
        if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
            partial.input = usage.get("prompt_tokens").and_then(Value::as_u64);
            partial.output = usage.get("completion_tokens").and_then(Value::as_u64);
        }
        Ok(())
    }
}
