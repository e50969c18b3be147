//! From what the user says in a running agent to the next rule.
//!
//! It is stored as `trace compile` stores it, and no rule is enforced by it: a rule that follows logs its violations until
//! a person arms it.

use crate::engine::{Engine, EngineError};
use crate::report::{Outcome, Record};
use memory::redact::redacted;
use rules::correction::Context;
use rules::{Class, Correction, Event};
use std::io;

/// What is known of the moment at which something was said.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) host: &'a str,
    pub(super) session: &'a str,
    /// The last call before it, as an event in JSON.
    pub(super) action: Option<&'a str>,
}

/// Takes a user's words down if they correct something, and answers with the rules that follow.
///
/// # Errors
/// Our files cannot be read or written.
pub(super) fn learn(engine: &Engine, said: &Said<'_>) -> Result<Vec<Outcome>, EngineError> {
    let action = said.action.and_then(|action| serde_json::from_str::<Event>(action).ok());
    let context = action.map(|action| Context { action: Some(Box::new(action)), ..Context::default() });
    let correction = Correction {
        session: Some(said.session.to_owned()).filter(|session| !session.is_empty()),
        at: Some(jiff::Timestamp::now().to_string()),
        source: Some(said.host.to_owned()),
        context,
        ..Correction::of(redacted(said.text))
    };
    let (reader, _) = engine.reader();
    if reader.understand(&correction).class == Class::NotACorrection {
        return Ok(Vec::new());
    }
    let unread = |source| EngineError::Input { name: said.host.to_owned(), source };
    let line = serde_json::to_string(&correction).map_err(|error| unread(error.into()))?;
    let compilation = engine.compile(line.as_bytes(), said.host, false, &mut |_| {})?;
    let mut made = Vec::new();
    let read: io::Result<()> = compilation.each(&mut |record| {
        if let Record::Input(input) = record {
            made.extend(input.rules);
        }
        Ok(())
    });
    read.map_err(unread)?;
    Ok(made)
}
