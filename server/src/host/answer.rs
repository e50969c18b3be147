//! From what is to be said to a host's answer.
//!
//! INVARIANT: an answer is nothing at all, or one JSON object that holds no key but those of the description, and no text
//! in it is empty: a host with closed schemas drops anything else, denial and all.

use super::description::{Description, Hook, Shape, Slot};
use serde_json::{Map, Value};

/// The longest reason of a denial or of a turn that goes on, in characters.
const MAX_REASON_CHARS: usize = 6_000;

/// What is to be said at a hook; all of it may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reaction {
    /// Why the call is refused.
    pub deny: Option<String>,
    /// The arguments that the call is made with instead.
    pub rewrite: Option<Value>,
    /// Why the turn is not over.
    pub hold: Option<String>,
    /// What the agent should know.
    pub context: Option<String>,
    /// What the user should know.
    pub notice: Option<String>,
}

/// What a hook's process prints and ends with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Standard output: empty for no opinion.
    pub output: String,
    /// The exit status.
    pub exit: u8,
    /// Whether it was judged by checks that have to be made anew.
    pub outdated: bool,
}

impl Reaction {
    /// The host's spelling. What cannot be said at this hook is left out.
    pub fn answer(&self, host: &Description, hook: &Hook) -> Answer {
        let mut object = Map::new();
        let mut exit = 0;
        let mut fill = |shape: &Shape, what: &Value| {
            for (path, slot) in shape.slots {
                let value = match slot {
                    Slot::Word(word) => Value::from(*word),
                    Slot::Event => Value::from(hook.name),
                    Slot::Text | Slot::Input => what.clone(),
                };
                put(&mut object, path, value);
            }
            exit = exit.max(shape.exit);
        };
        let mut say = |shape: Option<&Shape>, text: Option<&String>, most: usize| {
            let text = text.map(|text| cut(text.trim(), most)).filter(|text| !text.is_empty());
            shape.zip(text).map(|(shape, text)| fill(shape, &Value::from(text))).is_some()
        };
        let refused = say(hook.answers.deny.as_ref(), self.deny.as_ref(), MAX_REASON_CHARS)
            || say(hook.answers.hold.as_ref(), self.hold.as_ref(), MAX_REASON_CHARS);
        if !refused {
            say(hook.answers.context.as_ref(), self.context.as_ref(), host.context_chars);
            say(hook.answers.notice.as_ref(), self.notice.as_ref(), MAX_REASON_CHARS);
            if let Some((shape, input)) = hook.answers.rewrite.as_ref().zip(self.rewrite.as_ref()) {
                fill(shape, input);
            }
        }
        let output = if object.is_empty() { String::new() } else { Value::Object(object).to_string() };
        Answer { output, exit, outdated: false }
    }
}

/// Puts a value where a path leads.
pub(super) fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// A text of at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most.saturating_sub(1)) {
        Some((end, _)) if text.chars().nth(most).is_some() => text.get(..end).unwrap_or_default().to_owned() + "…",
        _ => text.to_owned(),
    }
}
