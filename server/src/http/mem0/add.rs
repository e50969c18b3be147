//! Adding what was said. The role of a message decides how far its text may be trusted later.

use super::asked::{Asked, bad};
use super::shown::{IMMUTABLE, Moment, end_of_day};
use super::{Named, extract};
use crate::http::{App, Caller, Path, Problem, Writer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use memory::filter::shown;
use memory::record::Happening;
use memory::{Draft, Interval, MemoryError, Provenance, RecordId, Scope, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most messages of one request.
const MAX_MESSAGES: usize = 1000;

/// What is to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0Add")]
pub(super) struct Add {
    /// What was said.
    messages: Messages,
    /// The person it belongs to.
    user_id: Option<String>,
    /// The agent it belongs to.
    agent_id: Option<String>,
    /// The application it belongs to.
    app_id: Option<String>,
    /// The run it belongs to.
    run_id: Option<String>,
    /// The same ids, as an object.
    filters: Option<Scope>,
    /// Whether facts are to be drawn from it, as they are unless this is false, where a language model is configured.
    infer: Option<bool>,
    /// What is kept with each memory.
    metadata: Option<Map<String, Value>>,
    /// What a language model is told about which facts are wanted.
    custom_instructions: Option<String>,
    /// The same, for what agents said.
    agent_custom_instructions: Option<String>,
    /// From when on it holds.
    timestamp: Option<Moment>,
    /// The last day on which it is to be recalled.
    expiration_date: Option<String>,
    /// Whether these routes refuse to change it later.
    immutable: Option<bool>,
    /// Accepted; memories have the categories that they are given elsewhere.
    #[serde(rename = "custom_categories")]
    _custom_categories: Option<Value>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "structured_data_schema")]
    _structured_data_schema: Option<Value>,
    /// Accepted; the answer has always the newest form.
    #[serde(rename = "output_format")]
    _output_format: Option<String>,
    /// Accepted; the answer has always the newest form.
    #[serde(rename = "version")]
    _version: Option<String>,
    /// Accepted; what is asked is always done before the answer.
    #[serde(rename = "async_mode")]
    _async_mode: Option<bool>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "source")]
    _source: Option<String>,
}

/// What was said: messages, one message, or just a text of the user.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Messages {
    /// Messages.
    Many(Vec<Message>),
    /// One.
    One(Message),
    /// What the user said.
    Text(String),
}

/// One message.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(super) struct Message {
    /// `user`, `assistant`, `tool` or `system`.
    role: String,
    /// What was said.
    #[serde(default)]
    content: Said,
    /// Who said it, where several share a role.
    name: Option<String>,
}

/// The content of a message.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Said {
    /// A text.
    Text(String),
    /// Parts, of which those of type `text` are read.
    Parts(Vec<Part>),
    /// One part.
    Part(Part),
    /// Nothing, as where an assistant only calls tools.
    #[default]
    Nothing,
}

/// A part of a message.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Part {
    /// `text`, or something that is not read.
    #[serde(rename = "type")]
    _kind: String,
    /// The text.
    text: Option<String>,
}

/// Something that was said, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Utterance {
    pub(super) trust: Trust,
    pub(super) name: Option<String>,
    pub(super) text: String,
}

/// What an addition came to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Added")]
pub(super) struct Added {
    /// What was done, and what was not.
    message: String,
    /// Always `SUCCEEDED`.
    status: &'static str,
    /// The first memory: what `/v1/event/{id}/` tells about.
    event_id: Option<RecordId>,
    /// The memories.
    results: Vec<Change>,
}

/// A memory that was added, or that was there.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Change")]
struct Change {
    id: RecordId,
    /// What is remembered.
    memory: String,
    /// The same, where older clients look.
    data: Data,
    /// `ADD`, or `NOOP` for what was there already.
    event: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Data")]
struct Data {
    memory: String,
}

impl Change {
    fn new(id: RecordId, memory: String, event: &'static str) -> Change {
        Change { id, data: Data { memory: memory.clone() }, memory, event }
    }
}

pub(super) async fn add(
    State(app): State<App>,
    Writer(caller): Writer,
    Asked(add): Asked<Add>,
) -> Result<Json<Added>, Problem> {
    let scope = add.scope()?;
    let template = add.template(&scope)?;
    let (said, left_out) = add.messages.utterances()?;
    let instructions = [add.custom_instructions, add.agent_custom_instructions];
    let infer = add.infer.unwrap_or(true);
    let added = app
        .blocking(move |service| {
            let (mut kept, how) = if infer {
                let instructions: Vec<String> = instructions.into_iter().flatten().collect();
                extract::kept(service.settings().model.as_deref(), &said, &instructions, scope.agent.is_some())
            } else {
                (said, "as they were said".to_owned())
            };
            kept.retain(|utterance| !utterance.text.trim().is_empty());
            let drafts: Vec<Draft> = kept.into_iter().map(|utterance| utterance.draft(&template)).collect();
            let (results, _) = service.memories().write(&caller.tenant, &caller.name, |transaction| {
                let add = |draft: &Draft| {
                    let added = transaction.add(draft)?;
                    let text = transaction.get(added.id)?.map_or_else(|| draft.text.clone(), |record| record.text);
                    Ok::<_, MemoryError>(Change::new(added.id, text, if added.is_new { "ADD" } else { "NOOP" }))
                };
                drafts.iter().map(add).collect::<Result<Vec<_>, _>>()
            })?;
            let message = told(results.len(), &how, left_out);
            let event_id = results.first().map(|change| change.id);
            Ok(Added { message, status: "SUCCEEDED", event_id, results })
        })
        .await?;
    Ok(Json(added))
}

fn told(count: usize, how: &str, left_out: usize) -> String {
    let left_out =
        if left_out == 0 { String::new() } else { format!("; {left_out} part(s) that are no text were left out") };
    format!("{count} memory(s) kept {how}{left_out}")
}

impl Add {
    /// Where it belongs: the ids beside the messages and those in `filters`, which must not disagree.
    fn scope(&self) -> Result<Scope, Problem> {
        let inner = self.filters.clone().unwrap_or_default();
        let one = |name: &str, outer: &Option<String>, inner: Option<String>| match (outer.clone(), inner) {
            (Some(outer), Some(inner)) if outer != inner => Err(bad(format!("`{name}` is given twice, and differs"))),
            (outer, inner) => Ok(outer.or(inner).filter(|id| !id.is_empty())),
        };
        let scope = Scope {
            user: one("user_id", &self.user_id, inner.user)?,
            agent: one("agent_id", &self.agent_id, inner.agent)?,
            app: one("app_id", &self.app_id, inner.app)?,
            run: one("run_id", &self.run_id, inner.run)?,
        };
        if scope.is_empty() {
            return Err(bad("one of user_id, agent_id, app_id and run_id is needed"));
        }
        if scope.parts().iter().any(|(_, id)| *id == Some("*")) {
            return Err(bad("`*` stands for any id, so nothing can be added to it"));
        }
        Ok(scope)
    }

    /// What all its memories share.
    fn template(&self, scope: &Scope) -> Result<Draft, Problem> {
        let mut metadata = self.metadata.clone().unwrap_or_default();
        if self.immutable == Some(true) {
            metadata.insert(IMMUTABLE.to_owned(), true.into());
        }
        let from = self.timestamp.as_ref().map(Moment::millis).transpose()?;
        let expires_at = self.expiration_date.as_deref().map(end_of_day).transpose()?;
        let valid = Interval { from, until: None };
        Ok(Draft { metadata, valid, expires_at, ..Draft::default() }.within(scope.clone()))
    }
}

impl Messages {
    /// What was said, without what the system said; and how many parts were no text.
    fn utterances(self) -> Result<(Vec<Utterance>, usize), Problem> {
        let messages = match self {
            Messages::Many(messages) => messages,
            Messages::One(message) => vec![message],
            Messages::Text(text) => vec![Message { role: "user".to_owned(), content: Said::Text(text), name: None }],
        };
        if messages.is_empty() || messages.len() > MAX_MESSAGES {
            return Err(bad(format!("`messages` holds 1 to {MAX_MESSAGES} messages")));
        }
        let (mut said, mut left_out) = (Vec::new(), 0);
        for Message { role, content, name } in messages {
            let trust = match role.as_str() {
                "user" => Trust::User,
                "assistant" => Trust::Agent,
                "tool" | "function" => Trust::Outside,
                "system" | "developer" => continue,
                other => return Err(bad(format!("`{other}` is no role: use user, assistant, tool or system"))),
            };
            let parts = match content {
                Said::Text(text) => vec![Some(text)],
                Said::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
                Said::Part(part) => vec![part.text],
                Said::Nothing => Vec::new(),
            };
            left_out += parts.iter().filter(|part| part.is_none()).count();
            let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
            said.push(Utterance { trust, name, text });
        }
        Ok((said, left_out))
    }
}

impl Utterance {
    fn draft(self, template: &Draft) -> Draft {
        let mut draft = Draft { text: self.text, ..template.clone() };
        draft.provenance = Provenance { trust: self.trust, source: Some("api/mem0".to_owned()), rests_on: Vec::new() };
        if let Some(name) = self.name {
            draft.metadata.entry("actor_id").or_insert_with(|| name.into());
        }
        draft
    }
}

/// An addition, as it is told afterwards.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Event")]
pub(super) struct Event {
    /// Its name: that of the first memory that was added.
    id: RecordId,
    /// Always `ADD`.
    #[serde(rename = "event_type")]
    kind: &'static str,
    /// Always `SUCCEEDED`: nothing is done in the background.
    status: &'static str,
    /// When it was done.
    created_at: String,
    /// When it was done.
    updated_at: String,
    /// The memory, unless it was forgotten.
    results: Vec<Change>,
}

pub(super) async fn event(
    State(app): State<App>,
    caller: Caller,
    Path(Named { id }): Path<Named>,
) -> Result<Json<Event>, Problem> {
    let unknown = Problem::new(StatusCode::NOT_FOUND, format!("there is no event `{id}`"));
    let id: RecordId = id.parse().map_err(|_| unknown.clone())?;
    let past = app.blocking(move |service| Ok(service.memories().history(&caller.tenant, id)?)).await?;
    let added = past.into_iter().find(|past| past.what == Happening::Added).ok_or(unknown)?;
    let at = shown(added.at);
    let results = added.after.map(|text| Change::new(id, text, "ADD")).into_iter().collect();
    let event = Event { id, kind: "ADD", status: "SUCCEEDED", created_at: at.clone(), updated_at: at, results };
    Ok(Json(event))
}
