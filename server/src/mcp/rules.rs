//! Tools for the rules of the workspace. They are its user's: whoever comes with another tenant's key is told that there are none.

#![expect(clippy::doc_markdown, reason = "what is said of the fields goes to models, as plain text")]

use super::Tools;
use super::said::{Failure, closed};
use crate::engine::{Engine, EngineError};
use crate::http::Caller;
use crate::report::{Conflict, Input, Outcome, Record};
use crate::service::Service;
use ::rules::{Decision, Event, Rule, State};
use compiler::{Checker, Verdict};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = closed)]
struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// What the user said, in their exact words.
    text: String,
    /// Whether violations are only logged for now, and nothing is stopped.
    #[serde(default)]
    shadow: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Happening {
    /// What is about to happen, as in {"event": "pre_tool_use", "tool": "Bash", "input": {"command": "npm install"}}. Other
    /// events: user_prompt_submit and reply (with `text`), post_tool_use (with `tool`, `input`, `ok`), stop (with `reply`).
    event: Map<String, Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The name of the rule, as `list_rules` gives it.
    name: String,
}

/// The rules that apply.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// The rules, in the order of their names.
    rules: Vec<Short>,
    /// What is wrong with rule files.
    problems: Vec<String>,
}

/// A rule in short.
#[derive(Debug, Serialize, JsonSchema)]
struct Short {
    /// Its name.
    name: String,
    /// What it asks, in one line.
    title: String,
    /// Whether it is enforced (`armed`), only logged (`shadow`), or neither.
    state: State,
}

/// What became of what the user said.
#[derive(Debug, Serialize, JsonSchema)]
struct Compiled {
    /// In one line.
    result: String,
    /// The rules that it made or supports.
    rules: Vec<Outcome>,
    /// Rules that can't be kept together with others; a person decides.
    conflicts: Vec<Conflict>,
    /// What is wrong.
    problems: Vec<String>,
}

/// What the rules say of an event.
#[derive(Debug, Serialize, JsonSchema)]
struct Judged {
    /// Whether a rule stops it.
    blocked: bool,
    /// The answers of the rules that it concerns, with the user's words and what to do instead.
    verdicts: Vec<Verdict>,
    /// What is wrong with rule files.
    problems: Vec<String>,
}

/// A rule, explained.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    /// Its name.
    name: String,
    /// What it asks, in one line.
    title: String,
    /// Its state.
    state: State,
    /// What it means, in one sentence.
    means: String,
    /// What the user said.
    said: Vec<String>,
    /// Where it bites, where a check decides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bites: Option<String>,
}

/// Does something with the rules of the workspace, for the user whose they are.
fn with<T>(
    service: &Service,
    caller: &Caller,
    work: impl FnOnce(&Engine) -> Result<T, EngineError>,
) -> Result<T, Failure> {
    let none = || Failure::new("no rules are served here: start `trace serve` or `trace mcp` in a workspace");
    if !caller.tenant.is_local() {
        return Err(none());
    }
    let engine = service.engine().ok_or_else(none)?;
    engine.and_then(|engine| work(&engine)).map_err(|error| Failure::new(error.to_string()))
}

fn meaning(rule: &Rule) -> String {
    match (&rule.check, rule.decided_by) {
        (Some(check), _) => ::rules::explain(check),
        (None, Decision::Judged) => "Only a model can decide it: keep to it.".to_owned(),
        (None, _) => "Nothing decides it: keep to it.".to_owned(),
    }
}

fn problems(diagnostics: Vec<::rules::Diagnostic>) -> Vec<String> {
    diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
}

#[tool_router(router = rule_tools, vis = "pub(super)")]
impl Tools {
    /// Lists the rules that the user has taught in this workspace.
    #[tool(annotations(title = "List rules", read_only_hint = true, open_world_hint = false))]
    async fn list_rules(&self, Parameters(Nothing {}): Parameters<Nothing>) -> Result<Json<Listed>, Failure> {
        let loaded = self.blocking(|service, caller| with(service, caller, |engine| Ok(engine.rules()))).await?;
        let rules = loaded.rules();
        let short = |rule: &Rule| Short { name: rule.id.to_string(), title: rule.title.clone(), state: rule.state };
        let mut rules: Vec<Short> = rules.map(short).collect();
        rules.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Json(Listed { rules, problems: problems(loaded.diagnostics) }))
    }

    /// Makes a rule of what the user said to correct you, so that it holds from now on. Give their exact words: what is no
    /// lasting correction makes no rule.
    #[tool(annotations(
        title = "Compile a correction",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn compile_correction(&self, Parameters(said): Parameters<Said>) -> Result<Json<Compiled>, Failure> {
        // As a line of JSON it is one message, whatever lines it has.
        let line = json!({ "text": said.text }).to_string();
        let compiled = self
            .writing(move |service, caller| {
                with(service, caller, |engine| {
                    let failed = |source| EngineError::Input { name: "the correction".to_owned(), source };
                    let compilation = engine.compile(line.as_bytes(), "mcp", !said.shadow, &mut |_| {})?;
                    let mut compiled = Compiled {
                        result: String::new(),
                        rules: Vec::new(),
                        conflicts: Vec::new(),
                        problems: Vec::new(),
                    };
                    compilation
                        .each(&mut |record| {
                            compiled.take(record);
                            Ok(())
                        })
                        .map_err(failed)?;
                    Ok(compiled)
                })
            })
            .await?;
        Ok(Json(compiled))
    }

    /// Tells whether the rules allow what is about to happen, before it happens. The event is judged by itself: rules about
    /// what has to come before or after it are judged where the host reports all events.
    #[tool(annotations(title = "Check an event", read_only_hint = true, open_world_hint = false))]
    async fn check_event(&self, Parameters(happening): Parameters<Happening>) -> Result<Json<Judged>, Failure> {
        let event: Event = serde_json::from_value(Value::Object(happening.event))
            .map_err(|error| Failure::new(format!("`event` is none: {error}")))?;
        let judged = self.blocking(move |service, caller| {
            with(service, caller, |engine| {
                let (checks, diagnostics) = engine.checks();
                let verdicts = Checker::new(&checks).observe(&event, engine.workspace());
                let blocked = verdicts.iter().any(|verdict| verdict.blocks);
                Ok(Judged { blocked, verdicts, problems: problems(diagnostics) })
            })
        });
        Ok(Json(judged.await?))
    }

    /// Explains a rule: what it means, and what the user said.
    #[tool(annotations(title = "Explain a rule", read_only_hint = true, open_world_hint = false))]
    async fn explain_rule(&self, Parameters(named): Parameters<Named>) -> Result<Json<Explained>, Failure> {
        let found = self.blocking(move |service, caller| with(service, caller, |engine| engine.rule(&named.name)));
        let rule = found.await?.rule;
        Ok(Json(Explained {
            name: rule.id.to_string(),
            title: rule.title.clone(),
            state: rule.state,
            means: meaning(&rule),
            said: rule.said.iter().map(|quote| quote.quote.clone()).collect(),
            bites: rule.check.as_ref().map(|check| check.pattern.bites().to_owned()),
        }))
    }
}

impl Compiled {
    fn take(&mut self, record: Record) {
        match record {
            Record::Input(Input { fate, why, rules, .. }) => {
                self.result = format!("{fate}: {why}");
                self.rules.extend(rules);
            }
            Record::Conflict(conflict) => self.conflicts.push(conflict),
            Record::Diagnostic(diagnostic) => self.problems.push(diagnostic.message),
            Record::Verdict(_)
            | Record::Backtest(_)
            | Record::Proposal(_)
            | Record::Mined(_)
            | Record::Compiled(_)
            | Record::Checked(_) => {}
        }
    }
}
