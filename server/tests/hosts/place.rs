//! A workspace with rules, in which hosts speak.

use serde_json::Value;
use server::host::description::Slot;
use server::host::{Answer, Description, HOSTS, Surroundings, hook, payload};
use server::{Engine, engine};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The workspace.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) root: PathBuf,
}

impl Place {
    /// A workspace with rules that are enforced.
    pub(crate) fn with(said: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = Self { _folder: folder, root };
        let engine = place.engine();
        engine.create().unwrap();
        engine.compile(said.join("\n").as_bytes(), "said", true, &mut |_| {}).unwrap();
        assert_eq!(engine.checks().0.len(), said.len(), "each sentence makes one check");
        place
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::open(&engine::Place::At(self.root.clone()), None).unwrap()
    }

    /// What a host is answered; a payload that is none is passed over, as the command does.
    pub(crate) fn hears(&self, host: &'static Description, name: Option<&str>, payload: &[u8]) -> Answer {
        let Ok(Some(heard)) = payload::read(host, name, payload) else { return Answer::default() };
        let around = Surroundings { cwd: self.root.clone(), user: None, project: None, patience: Duration::MAX };
        hook(host, heard, &around).unwrap()
    }

    /// A text of the corpus, with the workspace where it says `/w`.
    pub(crate) fn placed(&self, text: &str) -> String {
        let root = serde_json::to_string(self.root.to_str().unwrap()).unwrap();
        text.replace("/w/", &format!("{}/", root.trim_matches('"'))).replace("\"/w\"", &root)
    }
}

/// The host that a folder of captures is from.
pub(crate) fn host_of(folder: &Path) -> &'static Description {
    let name = folder.file_name().unwrap().to_str().unwrap();
    HOSTS.into_iter().find(|host| name.starts_with(host.name)).unwrap()
}

/// Whether an answer is one that the host takes: nothing, or one object of keys that the description has, none empty.
pub(crate) fn is_valid(host: &Description, answer: &Answer) -> bool {
    if answer.output.is_empty() {
        return answer.exit == 0;
    }
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&answer.output) else { return false };
    let mut leaves = Vec::new();
    let mut open: Vec<(String, &Value)> = object.iter().map(|(key, value)| (key.clone(), value)).collect();
    let shapes = || {
        let answers = host.events.iter().map(|hook| hook.answers);
        answers.flat_map(|own| [&own.deny, &own.rewrite, &own.context, &own.hold, &own.notice]).flatten()
    };
    let is_input = |path: &str| shapes().flat_map(|shape| shape.slots).any(|slot| *slot == (path, Slot::Input));
    while let Some((path, value)) = open.pop() {
        match value {
            // What a call's arguments hold is the tool's.
            Value::Object(_) if is_input(&path) => {}
            Value::Object(inner) => open.extend(inner.iter().map(|(key, value)| (format!("{path}.{key}"), value))),
            Value::String(text) if !text.is_empty() => leaves.push(path),
            _ => return false,
        }
    }
    let known = |path: &String| shapes().any(|shape| shape.slots.iter().any(|(slot, _)| slot == path));
    leaves.iter().all(known)
}
