//! Witnesses: events of which something holds, or close by does not.
//!
//! Most of what a message names becomes no rule. So a witness is only what tells its event from others of its kind, and the
//! event is made where a rule shows it.

use crate::{Event, EventKind};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

type Text = Cow<'static, str>;

/// What an event is made from.
#[derive(Debug, Clone)]
pub(super) enum Witness {
    /// A shell command that is about to run.
    Command(Text),
    /// A file that is about to be read.
    Read(Text),
    /// A passage of a file that is about to be replaced.
    Edit { path: Text, old: &'static str, new: Text },
    /// A file that is about to be written whole.
    Write { path: Text, content: Text },
    /// An event that was made before.
    Made(Arc<Event>),
}

impl Witness {
    pub(super) fn command(text: impl Into<Text>) -> Self {
        Self::Command(text.into())
    }

    pub(super) fn read(path: impl Into<Text>) -> Self {
        Self::Read(path.into())
    }

    pub(super) fn edit(path: impl Into<Text>, old: &'static str, new: impl Into<Text>) -> Self {
        Self::Edit { path: path.into(), old, new: new.into() }
    }

    pub(super) fn write(path: impl Into<Text>, content: impl Into<Text>) -> Self {
        Self::Write { path: path.into(), content: content.into() }
    }

    /// The event itself.
    pub(super) fn event(&self) -> Event {
        match self {
            Self::Command(text) => Event::command(&**text),
            Self::Read(path) => Event::tool("Read", json!({ "file_path": path })),
            Self::Edit { path, old, new } => Event::edit(&**path, *old, &**new),
            Self::Write { path, content } => Event::write(&**path, &**content),
            Self::Made(event) => Event::clone(event),
        }
    }

    /// The result of the call, where it is one.
    pub(super) fn done(&self, ok: bool) -> Event {
        self.event().done(ok)
    }

    /// The path that it writes or reads.
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Read(path) | Self::Edit { path, .. } | Self::Write { path, .. } => Some(path),
            Self::Made(event) => path_of(event),
            Self::Command(_) => None,
        }
    }

    /// The text of a shell command, if it is one.
    pub(super) fn shell(&self) -> Option<&str> {
        match self {
            Self::Command(text) => Some(text),
            Self::Made(event) => event.shell(),
            _ => None,
        }
    }

    /// What it writes into a file, if it writes one.
    pub(super) fn written(&self) -> Option<&str> {
        match self {
            Self::Edit { new, .. } => Some(new),
            Self::Write { content, .. } => Some(content),
            Self::Made(event) => event.written(),
            _ => None,
        }
    }

    /// The same at another path.
    #[must_use]
    pub(super) fn at(&self, path: &str) -> Self {
        let text = || Cow::Owned(path.to_owned());
        match self {
            Self::Command(command) if command.starts_with("rm ") => Self::command(format!("rm {path}")),
            Self::Command(_) => self.clone(),
            Self::Read(_) => Self::Read(text()),
            Self::Edit { old, new, .. } => Self::Edit { path: text(), old, new: new.clone() },
            Self::Write { content, .. } => Self::Write { path: text(), content: content.clone() },
            Self::Made(event) => at_path(event, path).into(),
        }
    }
}

impl From<Event> for Witness {
    fn from(event: Event) -> Self {
        Self::Made(Arc::new(event))
    }
}

impl From<&Arc<Event>> for Witness {
    fn from(event: &Arc<Event>) -> Self {
        Self::Made(Arc::clone(event))
    }
}

/// The same event at another path.
pub(super) fn at_path(event: &Event, path: &str) -> Event {
    let mut event = event.clone();
    if let EventKind::PreToolUse { input: Value::Object(input), .. }
    | EventKind::PostToolUse { input: Value::Object(input), .. } = &mut event.kind
    {
        if let Some(known) = input.get_mut("file_path") {
            *known = Value::String(path.to_owned());
        } else if let Some(Value::String(command)) = input.get_mut("command")
            && command.starts_with("rm ")
        {
            *command = format!("rm {path}");
        }
    }
    event
}

/// The path that an event writes or reads.
pub(super) fn path_of(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
            input.get("file_path").and_then(Value::as_str)
        }
        _ => None,
    }
}
