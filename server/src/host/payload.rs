//! From a host's payload to an event.
//!
//! Total: what is not JSON is an error that the caller passes over, and what is not known is nothing. Of a payload only
//! the fields of the description are looked at.

use super::answer::put;
use super::description::{Description, Exit, Hook, Moment, OUR_MARK};
use rules::{Event, EventKind};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What a host says at one of its hooks.
#[derive(Debug)]
pub struct Heard {
    /// The hook.
    pub hook: &'static Hook,
    /// What happened, where it is something that rules can be about. What no person wrote is no prompt.
    pub event: Option<Event>,
    /// The session; empty where the host does not say.
    pub session: String,
    /// The directory.
    pub cwd: Option<String>,
    /// The call's arguments as the host spells them, where it takes others.
    pub input: Option<Value>,
    /// The transcript's file.
    pub transcript: Option<String>,
    /// What a line of the transcript that tells of this call is known by.
    pub stamp: Value,
    /// Whether the session is a subagent's, so that its prompts are written by an agent.
    pub is_child: bool,
    /// Whether the agent is being held at its stop already, where the host says.
    pub held: Option<bool>,
}

/// A payload is no JSON object.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is no JSON, or nested deeper than 128 levels.
    #[error("the payload is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is something else.
    #[error("the payload is not a JSON object")]
    NotAnObject,
}

/// Reads a payload; nothing where the event is not one of the host's that we know. `name` is the event as the hook's
/// command line tells it.
///
/// # Errors
/// It is no JSON object.
pub fn read(host: &'static Description, name: Option<&str>, bytes: &[u8]) -> Result<Option<Heard>, PayloadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let payload: Value = serde_json::from_slice(bytes)?;
    if !payload.is_object() {
        return Err(PayloadError::NotAnObject);
    }
    let known = |name: &str| host.events.iter().find(|hook| hook.name == name);
    let Some(hook) = text(&payload, host.fields.event).and_then(known).or_else(|| name.and_then(known)) else {
        return Ok(None);
    };
    let own = |paths: &[&str]| text(&payload, paths).filter(|found| !found.is_empty()).map(str::to_owned);
    let session = own(host.fields.session).unwrap_or_default();
    let cwd = own(host.fields.cwd);
    let event = kind(host, hook, &payload).map(|kind| Event {
        kind,
        session: Some(session.clone()).filter(|session| !session.is_empty()),
        agent: own(host.fields.agent),
        host: Some(host.name.to_owned()),
        branch: None,
        cwd: cwd.clone(),
    });
    Ok(Some(Heard {
        hook,
        event,
        session,
        cwd,
        input: hook.answers.rewrite.as_ref().and_then(|_| found(&payload, host.fields.input)).cloned(),
        transcript: own(host.fields.transcript),
        stamp: host.transcript.as_ref().and_then(|how| at(&payload, how.stamp)).cloned().unwrap_or_default(),
        is_child: text(&payload, host.fields.parent).is_some(),
        held: found(&payload, host.fields.held).and_then(Value::as_bool),
    }))
}

/// A command as a host tells of it before it runs, for trying a hook; `names` the event where the command line does not.
pub fn forbidden_call(host: &Description, hook: &Hook, cwd: &Path, command: &str, names: bool) -> Value {
    let fields = &host.fields;
    let shell = host.tools.iter().find(|tool| tool.name == SHELL).map_or(SHELL, |tool| tool.native);
    let mut payload = Map::new();
    let mut say = |paths: &[&str], value: Value| {
        if let Some(path) = paths.first() {
            put(&mut payload, path, value);
        }
    };
    if names {
        say(fields.event, json!(hook.name));
    }
    say(fields.session, json!("trace-doctor"));
    say(fields.cwd, json!(cwd));
    say(fields.tool, json!(shell));
    say(fields.input, json!({ "command": command, "description": "a call that is not made" }));
    say(fields.call, json!("trace-doctor"));
    Value::Object(payload)
}

fn kind(host: &Description, hook: &Hook, payload: &Value) -> Option<EventKind> {
    let fields = &host.fields;
    let reply = || text(payload, fields.reply).map(str::to_owned);
    Some(match hook.moment {
        Moment::SessionStart => EventKind::SessionStart,
        Moment::Prompt => EventKind::UserPromptSubmit { text: own_words(host, words(payload, fields.prompt))? },
        Moment::BeforeTool => {
            let (tool, input) = call(host, hook, payload)?;
            EventKind::PreToolUse { tool, input, id: text(payload, fields.call).map(str::to_owned) }
        }
        Moment::AfterTool | Moment::AfterFailure => {
            let (tool, input) = call(host, hook, payload)?;
            let (ok, exit_code) = ended(host, hook, payload, tool == SHELL);
            EventKind::PostToolUse {
                tool,
                input,
                output: found(payload, fields.output).cloned().unwrap_or_default(),
                ok,
                exit_code,
                id: text(payload, fields.call).map(str::to_owned),
            }
        }
        Moment::Stop => EventKind::Stop { reply: reply(), history: Vec::new() },
        Moment::SubagentStart => EventKind::SubagentStart,
        Moment::SubagentStop => EventKind::SubagentStop { reply: reply() },
        Moment::Compact => EventKind::PreCompact,
        Moment::Other => return None,
    })
}

/// A prompt without what the host has put in front of it, or around it; nothing where no person wrote it.
pub(crate) fn own_words(host: &Description, prompt: String) -> Option<String> {
    let after = |text: &str| {
        let text = text.trim_start();
        host.preambles.iter().find_map(|(open, close)| Some(text.strip_prefix(open)?.split_once(close)?.1.to_owned()))
    };
    let own = std::iter::successors(Some(prompt), |text| after(text)).last().unwrap_or_default();
    let own = own.trim();
    let inner = own.strip_prefix('"').and_then(|own| own.strip_suffix('"')).filter(|_| host.quotes_prompts);
    // Marks that stand inside were escaped; one that was not is the user's own quotation.
    let inner = inner.map(|inner| inner.replace("\\\"", "\0")).filter(|inner| !inner.contains('"'));
    let own = inner.map_or_else(|| own.to_owned(), |inner| inner.replace('\0', "\""));
    let is_machine = |mark: &&str| own.trim_start().starts_with(*mark);
    (!own.trim().is_empty() && !host.machine_text.iter().chain(&[OUR_MARK]).any(is_machine)).then_some(own)
}

/// The shell, in the words of rules.
const SHELL: &str = "Bash";

/// The tool and its arguments in the words of rules.
fn call(host: &Description, hook: &Hook, payload: &Value) -> Option<(String, Value)> {
    if let Some((tool, keys)) = hook.tool {
        let given = keys.iter().filter_map(|key| Some(((*key).to_owned(), payload.get(key)?.clone())));
        return Some((tool.to_owned(), Value::Object(given.collect())));
    }
    let native = text(payload, host.fields.tool)?;
    Some(renamed(host, native, found(payload, host.fields.input).cloned().unwrap_or_default()))
}

/// A tool and its arguments, from the host's words to those of rules.
pub(crate) fn renamed(host: &Description, native: &str, input: Value) -> (String, Value) {
    // Some versions of some hosts send the arguments as a text that is JSON.
    let parsed = input.as_str().filter(|text| text.starts_with('{')).and_then(|text| serde_json::from_str(text).ok());
    let input = parsed.unwrap_or(input);
    let Some(tool) = host.tools.iter().find(|tool| tool.native == native) else {
        return (native.to_owned(), input);
    };
    let Value::Object(given) = input else { return (tool.name.to_owned(), input) };
    let named = |key: String| tool.keys.iter().find(|(own, _)| *own == key).map_or(key, |(_, name)| (*name).to_owned());
    let input: Map<String, Value> = given.into_iter().map(|(key, value)| (named(key), value)).collect();
    (tool.name.to_owned(), Value::Object(input))
}

/// Whether a call succeeded, and its exit status, as far as the host tells.
fn ended(host: &Description, hook: &Hook, payload: &Value, is_shell: bool) -> (Option<bool>, Option<i32>) {
    for exit in host.exits {
        let code = match exit {
            Exit::Number(path) => at(payload, path).and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()),
            Exit::Marked { path, mark, end } => string(payload, path).and_then(|text| marked(text, mark, end)),
            Exit::Opening { path, mark } => string(payload, path).and_then(|text| number(text.strip_prefix(mark)?)),
            Exit::Unfinished(path) => match at(payload, path) {
                None | Some(Value::Null | Value::Bool(false)) => None,
                Some(_) => return (Some(false), None),
            },
            Exit::Says(path, good) => match string(payload, path) {
                None => None,
                Some(said) => return (Some(said == *good), None),
            },
            Exit::Otherwise(path) => at(payload, path).filter(|value| !value.is_null()).map(|_| 0),
        };
        if let Some(code) = code {
            return (Some(code == 0), is_shell.then_some(code));
        }
    }
    ((hook.moment == Moment::AfterFailure).then_some(false), None)
}

/// The number behind the last mark.
fn marked(text: &str, mark: &str, end: &str) -> Option<i32> {
    let text = text.trim_end();
    let (_, rest) = text.rsplit_once(mark)?;
    if end.is_empty() { number(rest) } else { rest.strip_suffix(end)?.parse().ok() }
}

/// The number that a text begins with.
fn number(text: &str) -> Option<i32> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').len();
    text.get(..digits)?.parse().ok()
}

/// Where a path leads.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    })
}

fn found<'v>(value: &'v Value, paths: &[&str]) -> Option<&'v Value> {
    paths.iter().find_map(|path| at(value, path))
}

fn string<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    at(value, path)?.as_str()
}

fn text<'v>(value: &'v Value, paths: &[&str]) -> Option<&'v str> {
    paths.iter().find_map(|path| string(value, path))
}

/// The texts that the paths lead to, a line each where a path leads to several.
fn words(value: &Value, paths: &[&str]) -> String {
    let several = |path: &&str| {
        let (list, rest) = path.split_once(".*.")?;
        // A part that a program has added is not the user's.
        let own = |item: &&Value| item.get("synthetic").and_then(Value::as_bool) != Some(true);
        let parts = at(value, list)?.as_array()?.iter().filter(own);
        Some(parts.filter_map(|item| string(item, rest)).collect::<Vec<_>>().join("\n"))
    };
    let one = |path: &&str| several(path).or_else(|| string(value, path).map(str::to_owned));
    paths.iter().find_map(one).unwrap_or_default()
}
