//! Changing and forgetting, one memory or many. Several in one request are changed all or not at all.

use super::asked::{Asked, Parameters, bad};
use super::shown::{Done, IMMUTABLE, Moment, NEVER, Shown, end_of_day};
use super::{Named, Narrowed, id};
use crate::http::{App, Caller, Path, Problem, Writer};
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use memory::memories::Transaction;
use memory::{Filter, Interval, MemoryError, Patch, Record, RecordId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The most memories of one request.
const MAX_BATCH: usize = 1000;
/// How many memories are forgotten in one transaction where many are: it holds the store's lock meanwhile.
const FORGOTTEN_AT_ONCE: usize = 500;

/// What is to change in a memory; what is not named stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0Update")]
pub(super) struct Update {
    /// The new text.
    text: Option<String>,
    /// The new metadata, in place of the old.
    metadata: Option<Map<String, Value>>,
    /// From when on it holds.
    timestamp: Option<Moment>,
    /// The last day on which it is to be recalled; null for no end.
    #[serde(default, deserialize_with = "Expiration::read")]
    #[schemars(with = "Option<String>")]
    expiration_date: Option<Expiration>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "source")]
    _source: Option<String>,
}

/// Until when a memory is recalled, where that is named at all: null says another thing than nothing.
#[derive(Debug)]
enum Expiration {
    /// Through this day.
    Day(String),
    /// For ever.
    Never,
}

impl Expiration {
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Expiration>, D::Error> {
        Option::deserialize(from).map(|date| Some(date.map_or(Expiration::Never, Expiration::Day)))
    }
}

/// What is to change in several memories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0UpdateBatch")]
pub(super) struct UpdateBatch {
    /// The memories: 1 to 1000.
    memories: Vec<UpdateOne>,
}

/// What is to change in one of several memories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0UpdateOne")]
struct UpdateOne {
    /// The memory.
    memory_id: String,
    /// What is to change.
    #[serde(flatten)]
    update: Update,
}

/// Which memories are to be forgotten.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0DeleteBatch")]
pub(super) struct DeleteBatch {
    /// The memories: 1 to 1000.
    memories: Vec<DeleteOne>,
}

/// One of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0DeleteOne")]
struct DeleteOne {
    /// The memory.
    memory_id: String,
}

/// Whose memories are to be forgotten.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0DeleteAll")]
pub(super) struct DeleteAll {
    /// The person's; `*` for anybody's.
    user_id: Option<String>,
    /// The agent's.
    agent_id: Option<String>,
    /// The application's.
    app_id: Option<String>,
    /// The run's.
    run_id: Option<String>,
    /// A filter, as JSON.
    filters: Option<String>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "source")]
    _source: Option<String>,
}

/// A memory as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Updated")]
pub(super) struct Updated {
    /// What is remembered, where older clients look.
    text: String,
    #[serde(flatten)]
    shown: Shown,
}

impl Update {
    fn patch(self) -> Result<Patch, Problem> {
        let expires_at = match self.expiration_date {
            None => None,
            Some(Expiration::Never) => Some(NEVER),
            Some(Expiration::Day(date)) => Some(end_of_day(&date)?),
        };
        let from = self.timestamp.as_ref().map(Moment::millis).transpose()?;
        let valid = from.map(|from| Interval { from: Some(from), until: None });
        let patch = Patch { text: self.text, metadata: self.metadata, categories: None, valid, expires_at };
        if patch == Patch::default() {
            return Err(bad("one of text, metadata, timestamp and expiration_date is needed"));
        }
        Ok(patch)
    }
}

pub(super) async fn update(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Named { id: text }): Path<Named>,
    Asked(update): Asked<Update>,
) -> Result<Json<Updated>, Problem> {
    let changes = [(id(&text)?, update.patch()?)];
    let mut records = app.blocking(move |service| updated(service, &caller, &changes)).await?;
    let shown = Shown::from(records.pop().ok_or_else(Problem::internal)?);
    Ok(Json(Updated { text: shown.memory.clone(), shown }))
}

pub(super) async fn update_batch(
    State(app): State<App>,
    Writer(caller): Writer,
    Asked(batch): Asked<UpdateBatch>,
) -> Result<Json<Done>, Problem> {
    bounded(batch.memories.len())?;
    let change = |one: UpdateOne| Ok((id(&one.memory_id)?, one.update.patch()?));
    let changes = batch.memories.into_iter().map(change).collect::<Result<Vec<_>, Problem>>()?;
    let records = app.blocking(move |service| updated(service, &caller, &changes)).await?;
    Ok(Done::new(format!("Successfully updated {} memories", records.len())))
}

/// Changes memories in one transaction, unless one of them must not be changed.
fn updated(service: &Service, caller: &Caller, changes: &[(RecordId, Patch)]) -> Result<Vec<Record>, Problem> {
    let (records, _) = service.memories().write(&caller.tenant, &caller.name, |transaction| {
        for (id, _) in changes {
            if is_immutable(transaction, *id)? {
                let why = format!("the memory `{id}` is immutable: forget it and add another");
                return Ok(Err(Problem::new(StatusCode::CONFLICT, why)));
            }
        }
        let change = |(id, patch): &(RecordId, Patch)| transaction.update(*id, patch, None);
        changes.iter().map(change).collect::<Result<Vec<_>, _>>().map(Ok)
    })?;
    records
}

fn is_immutable(transaction: &mut Transaction<'_>, id: RecordId) -> Result<bool, MemoryError> {
    let record = transaction.get(id)?.ok_or(MemoryError::Unknown(id))?;
    Ok(record.metadata.get(IMMUTABLE) == Some(&Value::Bool(true)))
}

pub(super) async fn delete(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Named { id: text }): Path<Named>,
) -> Result<Json<Done>, Problem> {
    let id = id(&text)?;
    app.blocking(move |service| Ok(service.memories().forget(&caller.tenant, &caller.name, id)?)).await?;
    Ok(Done::new("Memory deleted successfully!"))
}

pub(super) async fn delete_batch(
    State(app): State<App>,
    Writer(caller): Writer,
    Asked(batch): Asked<DeleteBatch>,
) -> Result<Json<Done>, Problem> {
    bounded(batch.memories.len())?;
    let ids = batch.memories.iter().map(|one| id(&one.memory_id)).collect::<Result<Vec<_>, _>>()?;
    let count = ids.len();
    app.blocking(move |service| {
        let forget = |transaction: &mut Transaction<'_>| ids.iter().try_for_each(|id| transaction.forget(*id));
        Ok(service.memories().write(&caller.tenant, &caller.name, forget)?)
    })
    .await?;
    Ok(Done::new(format!("Successfully deleted {count} memories")))
}

fn bounded(count: usize) -> Result<(), Problem> {
    if (1..=MAX_BATCH).contains(&count) {
        Ok(())
    } else {
        Err(bad(format!("`memories` holds 1 to {MAX_BATCH} memories")))
    }
}

pub(super) async fn delete_all(
    State(app): State<App>,
    Writer(caller): Writer,
    Parameters(all): Parameters<DeleteAll>,
) -> Result<Json<Done>, Problem> {
    let filters = all.filters.map(|filters| {
        let unread = "`filters` in a query has to be JSON; name user_id, agent_id, app_id or run_id beside it instead";
        serde_json::from_str(&filters).map_err(|_| bad(unread))
    });
    let ids = [("user_id", all.user_id), ("agent_id", all.agent_id), ("app_id", all.app_id), ("run_id", all.run_id)];
    // Read as a filter, where `*` stands for any.
    let more = ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.into()))).collect();
    let filter = Narrowed { filters: filters.transpose()?, more, ..Narrowed::default() }.filter()?;
    app.blocking(move |service| forget_all(service, &caller, &filter)).await?;
    Ok(Done::new("Memories deleted successfully!"))
}

/// Forgets all records that pass a filter, those that are expired too; tells how many. What is added meanwhile stays.
pub(crate) fn forget_all(service: &Service, caller: &Caller, filter: &Filter) -> Result<usize, Problem> {
    let all = service.memories().list(&caller.tenant, None, usize::MAX)?;
    let ids: Vec<RecordId> =
        all.into_iter().filter(|stored| filter.matches(&stored.record)).map(|stored| stored.record.id).collect();
    for ids in ids.chunks(FORGOTTEN_AT_ONCE) {
        service.memories().write(&caller.tenant, &caller.name, |transaction| {
            for id in ids {
                match transaction.forget(*id) {
                    // Somebody else forgot it first.
                    Ok(()) | Err(MemoryError::Unknown(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?;
    }
    Ok(ids.len())
}
