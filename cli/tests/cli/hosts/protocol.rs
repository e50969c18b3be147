//! The protocols in which hosts speak with models, as far as one answer needs them: a tool call or a text.
//!
//! Streams are sent whole, as one body: a client cannot tell, and nothing here waits.

use serde_json::{Value, json};

/// What the model does next, in the words of one host.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// It calls a tool.
    Call { name: &'static str, arguments: Value },
    /// It says something, and its turn ends.
    Say(&'static str),
}

/// The answer to a request: what its body is, and the body. Nothing where no model would be asked at such a path.
pub(crate) fn answer(path: &str, request: &Value, act: &Act, number: usize) -> Option<(&'static str, String)> {
    let is_stream = request["stream"] == true;
    let path = path.trim_end_matches('/');
    Some(if path.ends_with("/messages") {
        messages(act, number, is_stream)
    } else if path.ends_with("/responses") {
        responses(act, number, request)
    } else if path.ends_with("/chat/completions") {
        completions(act, number, is_stream)
    } else if path.ends_with(":streamGenerateContent") {
        (STREAM, format!("data: {}\n\n", content(act)))
    } else if path.ends_with(":generateContent") {
        (JSON, content(act).to_string())
    } else if path.ends_with(":countTokens") {
        (JSON, json!({ "totalTokens": 10 }).to_string())
    } else if path.ends_with("/count_tokens") {
        (JSON, json!({ "input_tokens": 10 }).to_string())
    } else {
        return None;
    })
}

/// Whether a request offers a tool, and of which type it is.
pub(crate) fn offered<'r>(request: &'r Value, name: &str) -> Option<&'r str> {
    let named = |tool: &Value| ["/name", "/function/name"].iter().any(|path| tool.pointer(path) == Some(&json!(name)));
    let listed = |tool: &'r Value| tool["functionDeclarations"].as_array().is_some_and(|list| list.iter().any(named));
    let tool = request["tools"].as_array()?.iter().find(|tool| named(tool) || listed(tool))?;
    Some(tool["type"].as_str().unwrap_or("function"))
}

const STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";

/// Server-sent events, each named by its type.
fn events(events: &[Value]) -> (&'static str, String) {
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    (STREAM, events.iter().map(line).collect())
}

/// Anthropic's Messages.
fn messages(act: &Act, number: usize, is_stream: bool) -> (&'static str, String) {
    let (block, reason) = match act {
        Act::Call { name, arguments } => (
            json!({ "type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": arguments }),
            "tool_use",
        ),
        Act::Say(text) => (json!({ "type": "text", "text": text }), "end_turn"),
    };
    let message = |content: &[&Value], stop: Option<&str>| {
        json!({ "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": "loop", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": { "input_tokens": 10, "output_tokens": 10 } })
    };
    if !is_stream {
        return (JSON, message(&[&block], Some(reason)).to_string());
    }
    let (start, delta) = match act {
        Act::Call { name, arguments } => (
            json!({ "type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": arguments.to_string() }),
        ),
        Act::Say(text) => (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": text })),
    };
    events(&[
        json!({ "type": "message_start", "message": message(&[], None) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": start }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": { "output_tokens": 10 } }),
        json!({ "type": "message_stop" }),
    ])
}

/// `OpenAI`'s Responses.
fn responses(act: &Act, number: usize, request: &Value) -> (&'static str, String) {
    let call = format!("call_{number}");
    let item = match act {
        Act::Call { name, arguments } if offered(request, name) == Some("custom") => {
            json!({ "type": "custom_tool_call", "call_id": call, "name": name, "input": arguments["input"] })
        }
        Act::Call { name, arguments } => {
            json!({ "type": "function_call", "call_id": call, "name": name, "arguments": arguments.to_string() })
        }
        Act::Say(text) => json!({ "type": "message", "role": "assistant", "id": format!("msg_{number}"),
            "content": [{ "type": "output_text", "text": text }] }),
    };
    let id = format!("resp_{number}");
    let usage = json!({ "input_tokens": 10, "input_tokens_details": null, "output_tokens": 10,
        "output_tokens_details": null, "total_tokens": 20 });
    events(&[
        json!({ "type": "response.created", "response": { "id": id } }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": { "id": id, "usage": usage, "output": [item] } }),
    ])
}

/// `OpenAI`'s Chat Completions.
fn completions(act: &Act, number: usize, is_stream: bool) -> (&'static str, String) {
    let (message, reason) = match act {
        Act::Call { name, arguments } => {
            let function = json!({ "name": name, "arguments": arguments.to_string() });
            let call = json!({ "index": 0, "id": format!("call_{number}"), "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
        Act::Say(text) => (json!({ "role": "assistant", "content": text }), "stop"),
    };
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20 });
    let chunk = |kind: &str, choice: Value| {
        json!({ "id": format!("chat_{number}"), "object": kind, "created": 1, "model": "loop", "choices": [choice],
            "usage": usage })
    };
    if !is_stream {
        let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
        return (JSON, chunk("chat.completion", choice).to_string());
    }
    let said = chunk("chat.completion.chunk", json!({ "index": 0, "delta": message, "finish_reason": null }));
    let over = chunk("chat.completion.chunk", json!({ "index": 0, "delta": {}, "finish_reason": reason }));
    (STREAM, format!("data: {said}\n\ndata: {over}\n\ndata: [DONE]\n\n"))
}

/// Gemini's content.
fn content(act: &Act) -> Value {
    let part = match act {
        Act::Call { name, arguments } => json!({ "functionCall": { "name": name, "args": arguments } }),
        Act::Say(text) => json!({ "text": text }),
    };
    json!({
        "candidates": [{ "content": { "role": "model", "parts": [part] }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20 },
    })
}
