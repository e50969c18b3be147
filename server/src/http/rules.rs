//! `/v1/rules`: the rules of the workspace that is served, what is said into them, and what they say of events.
//!
//! A workspace's rules are its user's: they answer to the local tenant, and to nobody else. What is compiled and checked
//! here is compiled and checked as by `trace compile` and `trace check`, with the same records in the answer.

use super::{App, Body, Caller, Path, Problem, Writer};
use crate::engine::{Engine, EngineError};
use crate::folder::RuleFile;
use crate::http::docs::{brief, example};
use crate::report::{Checked, Record};
use crate::service::Service;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use compiler::Checker;
use rules::{Correction, Event, Rule, State as RuleState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most events that one request judges.
const MAX_EVENTS: usize = 10_000;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/v1/rules", get_with(list, |op| brief(op, "list_rules", "List the rules", "rules")))
        .api_route("/v1/rules/{name}", get_with(show, |op| brief(op, "explain_rule", "Explain a rule", "rules")))
        .api_route(
            "/v1/rules/compile",
            post_with(compile, |op| {
                example(
                    brief(op, "compile_rules", "Make rules and checks of what a user said", "rules"),
                    &json!({"text": "no, use pnpm here instead of npm"}),
                )
                .description("As `trace compile`.")
            }),
        )
        .api_route(
            "/v1/rules/check",
            post_with(check, |op| {
                example(
                    brief(op, "check_events", "Judge events by the rules", "rules"),
                    &json!({"event": {"event": "pre_tool_use", "tool": "Bash", "input": {"command": "npm install"}}}),
                )
                .description("As `trace check`.")
            }),
        )
}

/// A rule in short.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it asks, in one line.
    pub title: String,
    /// Its state.
    pub state: RuleState,
    /// Where it bites, where a check decides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bites: Option<String>,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AllRules {
    /// The rules that apply, in the order of their names.
    pub rules: Vec<Listed>,
    /// What is wrong with rule files.
    pub diagnostics: Vec<rules::Diagnostic>,
}

/// A rule with what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explained {
    /// The rule.
    pub rule: Rule,
    /// What it means, in one sentence, where a check decides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// Where it bites, where a check decides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bites: Option<String>,
}

/// What a user said: a text, or corrections with their circumstances.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Said {
    /// A message.
    text: Option<String>,
    /// Messages, as lines of a correction file (`trace schema correction`).
    corrections: Vec<Correction>,
    /// Puts new rules in shadow: they are logged, not enforced.
    shadow: bool,
}

/// Events to be judged, in their order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Happened {
    /// One event (`trace schema event`).
    event: Option<Event>,
    /// Several.
    events: Vec<Event>,
    /// The session of those that name none.
    session: Option<String>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Its records, the sum last, as `--format json` prints them (`trace schema report`).
    pub records: Vec<Record>,
}

/// Does something with the rules, where the caller is the one whose they are.
async fn with<T: Send + 'static>(
    app: &App,
    caller: &Caller,
    work: impl FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if !caller.tenant.is_local() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the rules are of the workspace, and for its user only"));
    }
    app.blocking(move |service: &Service| {
        let none = || Problem::new(StatusCode::NOT_FOUND, "no workspace is served: start `trace serve` in one");
        work(&service.engine().ok_or_else(none)??)
    })
    .await
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Problem {
        match error {
            EngineError::UnknownRule { .. } => Problem::new(StatusCode::NOT_FOUND, error.to_string()),
            EngineError::NotAllowed(_) | EngineError::NothingToUndo(_) => {
                Problem::new(StatusCode::CONFLICT, error.to_string())
            }
            EngineError::Folder(_) | EngineError::Workspace { .. } | EngineError::Input { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "the workspace can't be used");
                Problem::internal()
            }
        }
    }
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<AllRules>, Problem> {
    with(&app, &caller, |engine| {
        let loaded = engine.rules();
        let applies = loaded.files.iter().filter(|file| !file.overridden);
        let mut rules: Vec<Listed> = applies.map(|RuleFile { rule, .. }| listed(rule)).collect();
        rules.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Json(AllRules { rules, diagnostics: loaded.diagnostics }))
    })
    .await
}

fn listed(rule: &Rule) -> Listed {
    Listed { name: rule.id.to_string(), title: rule.title.clone(), state: rule.state, bites: bites(rule) }
}

fn bites(rule: &Rule) -> Option<String> {
    rule.check.as_ref().map(|check| check.pattern.bites().to_owned())
}

/// A rule in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct Named {
    /// Its name.
    name: String,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(Named { name }): Path<Named>,
) -> Result<Json<Explained>, Problem> {
    with(&app, &caller, move |engine| {
        let rule = engine.rule(&name)?.rule;
        let means = rule.check.as_ref().map(rules::explain);
        Ok(Json(Explained { means, bites: bites(&rule), rule }))
    })
    .await
}

async fn compile(
    State(app): State<App>,
    Writer(caller): Writer,
    Body(said): Body<Said>,
) -> Result<Json<Report>, Problem> {
    let Said { text, mut corrections, shadow } = said;
    corrections.extend(text.map(Correction::of));
    if corrections.is_empty() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing was said: send `text` or `corrections`"));
    }
    with(&app, &caller, move |engine| {
        let mut lines = Vec::new();
        for correction in &corrections {
            serde_json::to_writer(&mut lines, correction).map_err(|_| Problem::internal())?;
            lines.push(b'\n');
        }
        let compiled = engine.compile(lines.as_slice(), "http", !shadow, &mut |_| {})?;
        let mut records = Vec::new();
        let taken: std::io::Result<()> = compiled.each(&mut |record| {
            records.push(record);
            Ok(())
        });
        taken.map_err(|source| EngineError::Input { name: "http".to_owned(), source })?;
        Ok(Json(Report { records }))
    })
    .await
}

async fn check(
    State(app): State<App>,
    caller: Caller,
    Body(happened): Body<Happened>,
) -> Result<Json<Report>, Problem> {
    let Happened { event, mut events, session } = happened;
    events.extend(event);
    if events.len() > MAX_EVENTS {
        let detail = format!("one request judges at most {MAX_EVENTS} events");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    for event in &mut events {
        event.session = event.session.take().or_else(|| session.clone());
    }
    with(&app, &caller, move |engine| Ok(Json(Report { records: judged(engine, &events) }))).await
}

/// What the checks say of some events, and what is owed after them.
fn judged(engine: &Engine, events: &[Event]) -> Vec<Record> {
    let (checks, diagnostics) = engine.checks();
    let mut records: Vec<Record> = diagnostics.into_iter().map(Record::Diagnostic).collect();
    let mut sum = Checked { rules: checks.len(), events: events.len(), ..Checked::default() };
    let mut checker = Checker::new(&checks);
    let mut verdicts: Vec<_> = events.iter().flat_map(|event| checker.observe(event, engine.workspace())).collect();
    verdicts.extend(checker.pending());
    for verdict in verdicts {
        sum.count(&verdict);
        records.push(Record::Verdict(verdict));
    }
    records.push(Record::Checked(sum));
    records
}
