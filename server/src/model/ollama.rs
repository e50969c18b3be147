//! Ollama's chat, as lines of JSON.

use super::protocol::Protocol;
use super::settings::Settings;
use super::stream::{Framing, Partial};
use memory::model::{Ask, ModelError};
use memory::tokens;
use serde_json::{Value, json};

/// The least context that is asked for, in tokens; more comes in doublings, since each size loads the model anew.
const LEAST_CONTEXT: u64 = 4096;

/// `POST BASE/api/chat`.
#[derive(Debug)]
pub(super) struct Ollama;

impl Protocol for Ollama {
    fn path(&self) -> &'static str {
        "/api/chat"
    }

    fn headers(&self, key: &str) -> Vec<(&'static str, String)> {
        if key.is_empty() { Vec::new() } else { vec![("authorization", format!("Bearer {key}"))] }
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn body(&self, settings: &Settings, ask: &Ask) -> Value {
        // Without a size that holds it all, the beginning of the question would be cut off silently.
        let needed = tokens::of(&ask.system) + tokens::of(&ask.prompt) + u64::from(ask.max_tokens);
        let context = needed.max(LEAST_CONTEXT).checked_next_power_of_two().unwrap_or(needed);
        json!({
            "model": settings.model,
            "stream": true,
            "messages": [{"role": "system", "content": ask.system}, {"role": "user", "content": ask.prompt}],
            "options": {
                "num_predict": ask.max_tokens,
                "num_ctx": context,
                "temperature": settings.temperature.unwrap_or(0.0),
            },
        })
    }

    fn take(&self, event: &Value, partial: &mut Partial) -> Result<(), ModelError> {
        partial.push(event.pointer("/message/content").and_then(Value::as_str).unwrap_or_default())?;
        if event.get("done").and_then(Value::as_bool) == Some(true) {
            (partial.is_complete, partial.is_over) = (true, true);
            partial.input = event.get("prompt_eval_count").and_then(Value::as_u64);
            partial.output = event.get("eval_count").and_then(Value::as_u64);
        }
        Ok(())
    }
}
