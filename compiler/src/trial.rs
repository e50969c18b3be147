//! A rule earns its arm: its own examples, and mutants of them, are judged as the rule says.
//!
//! A mutant is the same act in another spelling: the command quoted, in a subshell or behind `bash -c`, the edit made by
//! another tool. It must be judged like the example that it is made from.

use crate::artifact::Checks;
use crate::check::Check;
use crate::checker::Checker;
use crate::verdict::Outcome;
use rules::{Code, Diagnostic, Event, EventKind, Example, Rule, Span};
use serde_json::{Value, json};

/// The mark of a mutant's note.
const MUTANT: &str = "mutant: ";

/// How a rule did on its own tests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial {
    /// How many examples that violate the rule were judged rightly.
    pub violating: usize,
    /// How many that do not were judged rightly.
    pub clean: usize,
    /// What went wrong.
    pub failures: Vec<Diagnostic>,
}

impl Trial {
    /// Whether the rule may be armed by itself: nothing went wrong, and both kinds of examples are there.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.violating > 0 && self.clean > 0
    }
}

/// Judges a rule's examples by its check; `place` says where an example stands, by its number from 0, or the rule.
pub fn run(rule: &Rule, check: &Check, place: &dyn Fn(Option<usize>) -> Option<Span>) -> Trial {
    // The rule is tried as it would be enforced, where it would be.
    let check = Check { state: rules::State::Armed, reach: crate::check::Reach::default(), ..check.clone() };
    let checks = Checks::of(std::slice::from_ref(&check), [0; 32]);
    let mut checker = Checker::new(&checks);
    let mut trial = Trial::default();
    let failed = |code, message: String, example| Diagnostic { span: place(example), ..Diagnostic::of(code, message) };
    for (number, example) in rule.examples.iter().enumerate() {
        let events = match example.parse() {
            Ok(events) if !events.is_empty() => events,
            Ok(_) => {
                let message = format!("example {} of rule `{}` has no events", number + 1, rule.id);
                trial.failures.push(failed(Code::BadExample, message, Some(number)));
                continue;
            }
            Err(error) => {
                let message = format!("example {} of rule `{}`: {error}", number + 1, rule.id);
                trial.failures.push(failed(Code::BadExample, message, Some(number)));
                continue;
            }
        };
        let violated = checker.judge(&events, &rule.id) == Outcome::Violated;
        if violated != example.violates {
            trial.failures.push(failed(Code::FailedExample, failure(rule, number, example), Some(number)));
        } else if violated {
            trial.violating += 1;
        } else {
            trial.clean += 1;
        }
    }
    if trial.failures.is_empty() && !trial.passed() {
        let lacks = if trial.violating == 0 { "violates it" } else { "does not violate it" };
        let message = format!("rule `{}` has no example that {lacks}", rule.id);
        trial.failures.push(failed(Code::Untested, message, None));
    }
    trial
}

fn failure(rule: &Rule, number: usize, example: &Example) -> String {
    let should = if example.violates { "violate it" } else { "leave it alone" };
    let note = example.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let last = example.events.lines().last().unwrap_or_default();
    let end = last.floor_char_boundary(160);
    let last = last.get(..end).unwrap_or_default();
    format!("example {}{note} of rule `{}` should {should} and does not: {last}", number + 1, rule.id)
}

/// The mutants of a rule's examples that it does not hold yet.
pub fn mutants(rule: &Rule) -> Vec<Example> {
    let mut made = Vec::new();
    for example in rule.examples.iter().filter(|example| !is_mutant(example)) {
        let Ok(events) = example.parse() else { continue };
        // The deed is the last event, or what led to it where the last one only ends the turn.
        let Some(at) = events.iter().rposition(|event| call(event).is_some()) else { continue };
        let Some(deed) = events.get(at) else { continue };
        for (note, mutant) in mutate(deed) {
            let mutated = events.iter().enumerate().map(|(i, event)| if i == at { &mutant } else { event });
            let mutated: Vec<Event> = mutated.cloned().collect();
            made.push(Example::of(example.violates, &mutated).noted(format!("{MUTANT}{note}")));
        }
        // One example of each kind is enough to breed from; the file stays readable.
        if made.iter().any(|mutant| mutant.violates) && made.iter().any(|mutant| !mutant.violates) {
            break;
        }
    }
    made.retain(|mutant| !rule.examples.iter().any(|known| known.events == mutant.events));
    made
}

/// Whether an example was made by [`mutants`].
pub fn is_mutant(example: &Example) -> bool {
    example.note.as_ref().is_some_and(|note| note.starts_with(MUTANT))
}

fn call(event: &Event) -> Option<(&str, &Value)> {
    match &event.kind {
        EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } => Some((tool, input)),
        _ => None,
    }
}

fn mutate(event: &Event) -> Vec<(&'static str, Event)> {
    let Some((_, input)) = call(event) else { return Vec::new() };
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    if let Some(command) = text("command") {
        return commands(command)
            .into_iter()
            .map(|(note, text)| (note, with(event, None, json!({ "command": text }))))
            .collect();
    }
    let (Some(path), Some(new)) = (text("file_path"), text("content").or_else(|| text("new_string"))) else {
        return Vec::new();
    };
    if let Some(old) = text("old_string") {
        let edits = json!({ "file_path": path, "edits": [{ "old_string": old, "new_string": new }] });
        return vec![("another tool", with(event, Some("MultiEdit"), edits))];
    }
    let lines: Vec<String> = new.lines().map(|line| format!("+{line}\n")).collect();
    let patch = format!("*** Begin Patch\n*** Add File: {path}\n{}*** End Patch\n", lines.concat());
    vec![("as a patch", with(event, Some("apply_patch"), json!({ "input": patch })))]
}

fn with(event: &Event, new_tool: Option<&str>, new_input: Value) -> Event {
    let mut event = event.clone();
    if let EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } = &mut event.kind {
        if let Some(name) = new_tool {
            name.clone_into(tool);
        }
        *input = new_input;
    }
    event
}

/// Other spellings of a one-line command.
fn commands(command: &str) -> Vec<(&'static str, String)> {
    if command.contains(['\n', '\'', '\\', '#']) || command.contains("<<") {
        return Vec::new();
    }
    let mut spellings = vec![
        ("bash -c", format!("bash -c '{command}'")),
        ("after another command", format!("true && {command}")),
        ("in a subshell", format!("({command})")),
    ];
    let (program, rest) = command.split_once(' ').unwrap_or((command, ""));
    if !program.is_empty() && program.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        spellings.push(("quoted", format!("\"{program}\" {rest}").trim_end().to_owned()));
        spellings.push(("with an assignment", format!("TRACE_MUTANT=1 {command}")));
    }
    spellings
}
