//! `/v1/memory-tool` runs the commands of Anthropic's memory tool; `/v1/files` reads and writes the same files, with the
//! preconditions of its memory stores.

use super::docs::{brief, example, problems};
use super::{App, Body, Caller, Path, Problem, Query, Writer};
use crate::keys::Access;
use crate::memory_tool::files::{self, File, FileError, Place, ROOT};
use crate::memory_tool::{self, Command, Told};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    let run = "Run a command of Anthropic's memory tool. Give the `input` of the `tool_use`; put `content` and `is_error` \
        into the `tool_result`.";
    let written = "Write a file, there or not. With `precondition`, only if it has that content: 409 otherwise.";
    ApiRouter::new()
        .api_route(
            "/v1/memory-tool",
            post_with(tool, |op| {
                example(
                    brief(op, "run_memory_tool", "Run a command of the memory tool", "files"),
                    &json!({"command": "create", "path": "/memories/notes.md", "file_text": "prefers pnpm"}),
                )
                .description(run)
            }),
        )
        .api_route(
            "/v1/files",
            get_with(list, |op| brief(op, "list_files", "List the files of the memory tool", "files")),
        )
        .api_route(
            "/v1/files/{*path}",
            get_with(show, |op| brief(op, "show_file", "Show a file", "files"))
                .put_with(write, |op| {
                    let op =
                        example(brief(op, "write_file", "Write a file", "files"), &json!({"content": "prefers pnpm"}))
                            .description(written);
                    problems(op.response::<200, Json<File>>().response::<201, Json<File>>(), &[409])
                })
                .delete_with(delete, |op| {
                    problems(brief(op, "delete_file", "Delete a file", "files").response::<204, ()>(), &[404, 409])
                }),
        )
}

/// A file's path below `/memories`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Named {
    /// The path, as in `notes/today.md`.
    pub path: String,
}

/// Which files are meant.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// A folder below `/memories`; all files without one.
    pub path_prefix: Option<String>,
}

/// The files that were found, without their contents.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// In the order of their names.
    pub data: Vec<File>,
}

/// What a file is to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Its text: at most 102,400 bytes.
    pub content: String,
    /// What must hold for it to be written.
    pub precondition: Option<Precondition>,
}

/// What must hold for a file to be written, as memory stores say it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Precondition {
    /// The file has this content.
    ContentSha256 {
        /// SHA-256 of the bytes of the content, in lower-case hexadecimal.
        content_sha256: String,
    },
}

/// What must hold for a file to be deleted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// SHA-256 of the content that the file must have.
    pub expected_content_sha256: Option<String>,
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Problem {
        let status = match &error {
            FileError::NotThere(_) => StatusCode::NOT_FOUND,
            FileError::Changed { .. } | FileError::There(_) | FileError::Folder(_) | FileError::InFile(_) => {
                StatusCode::CONFLICT
            }
            FileError::Outside(_) | FileError::Escapes(_) | FileError::Path(_) => StatusCode::BAD_REQUEST,
            FileError::Large(_) => StatusCode::PAYLOAD_TOO_LARGE,
            FileError::Memory(_) => {
                let FileError::Memory(error) = error else { return Problem::internal() };
                return error.into();
            }
        };
        Problem::new(status, error.to_string())
    }
}

async fn tool(State(app): State<App>, caller: Caller, Body(command): Body<Command>) -> Result<Json<Told>, Problem> {
    if !matches!(command, Command::View { .. }) {
        caller.demand(Access::Write)?;
    }
    let told = app
        .blocking(move |service| Ok(memory_tool::run(service.memories(), &caller.tenant, &caller.name, &command)?))
        .await?;
    Ok(Json(told))
}

async fn list(State(app): State<App>, caller: Caller, Query(within): Query<Within>) -> Result<Json<Listed>, Problem> {
    let folder = Place::of(&absolute(&within.path_prefix.unwrap_or_default()))?;
    let found = app.blocking(move |service| Ok(files::list(service.memories(), &caller.tenant, &folder)?)).await?;
    let data = found.iter().map(|(place, text)| File { content: None, ..File::of(place, text) }).collect();
    Ok(Json(Listed { data }))
}

async fn show(State(app): State<App>, caller: Caller, Path(named): Path<Named>) -> Result<Json<File>, Problem> {
    let place = Place::of(&absolute(&named.path))?;
    let file = app
        .blocking(move |service| {
            let text = files::read(service.memories(), &caller.tenant, &place)?;
            Ok(File::of(&place, &text.ok_or_else(|| FileError::NotThere(place.to_string()))?))
        })
        .await?;
    Ok(Json(file))
}

async fn write(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(named): Path<Named>,
    Body(write): Body<Write>,
) -> Result<(StatusCode, Json<File>), Problem> {
    let place = Place::of(&absolute(&named.path))?;
    let expected = write.precondition.map(|Precondition::ContentSha256 { content_sha256 }| content_sha256);
    let (file, is_new) = app
        .blocking(move |service| {
            let put = (&place, write.content.as_str());
            Ok(files::put(service.memories(), &caller.tenant, &caller.name, put, expected.as_deref())?)
        })
        .await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(file)))
}

async fn delete(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(named): Path<Named>,
    Query(delete): Query<Delete>,
) -> Result<StatusCode, Problem> {
    let place = Place::of(&absolute(&named.path))?;
    app.blocking(move |service| {
        let expected = delete.expected_content_sha256.as_deref();
        Ok(files::delete(service.memories(), &caller.tenant, &caller.name, &place, expected)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn absolute(below: &str) -> String {
    format!("{ROOT}/{below}")
}
