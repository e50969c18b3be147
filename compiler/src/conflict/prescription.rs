//! What a rule asks for, made concrete: events that would do, from its patterns and from its own clean examples.

use super::{compiled, mentions};
use crate::condition::{Condition, Outcome, Situation};
use crate::facts::{self, Facts, NoWorkspace};
use crate::text::Expressions;
use crate::trial;
use crate::truth::Truth;
use rules::directive::Per;
use rules::predicate::{CommandTest, FileAction, FileTest, TextTest};
use rules::{Directive, Event, EventKind, Pattern, Predicate, Rule};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The most ways that are spelled out for one prescription.
const MAX_WAYS: usize = 32;
/// What `$file` stands for where nothing else tells.
const SOME_FILE: &str = "file.txt";

/// An event, with what it holds.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) event: Event,
    pub(super) facts: Facts,
}

/// Something that a rule asks for.
#[derive(Debug)]
pub(super) struct Prescription {
    /// It, in words.
    pub(super) asked: String,
    /// What does it; each will do.
    pub(super) ways: Vec<Sample>,
    /// What all of them have in common, if that is known.
    condition: Option<Condition>,
    /// The path that a rule per file is followed on.
    file: Option<String>,
    /// For what is only the manner of a deed: the deed in another manner. Who forbids that too forbids the deed.
    pub(super) otherwise: Vec<Sample>,
    /// Whether texts in files are a part of it, and not made up.
    is_text: bool,
}

impl Sample {
    fn of(event: Event) -> Self {
        Self { facts: facts::facts(&event, &NoWorkspace), event }
    }

    /// The event in words.
    pub(super) fn words(&self) -> String {
        match &self.event.kind {
            EventKind::UserPromptSubmit { .. } => "a prompt".to_owned(),
            EventKind::Reply { .. } | EventKind::Stop { .. } | EventKind::SubagentStop { .. } => "a reply".to_owned(),
            EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } => {
                let command = input.get("command").and_then(Value::as_str).map(|text| format!("`{text}`"));
                let changed = || self.facts.files.first().map(|file| format!("a change of `{}`", file.path));
                let read = || self.facts.reads.first().map(|path| format!("reading `{path}`"));
                command.or_else(changed).or_else(read).unwrap_or_else(|| format!("the tool `{tool}`"))
            }
            _ => "the start".to_owned(),
        }
    }

    fn holds(&self, condition: &Condition, file: Option<&str>) -> bool {
        let situation = Situation {
            facts: &self.facts,
            outcome: Some(Outcome { ok: true, code: Some(0) }),
            file,
            workspace: &NoWorkspace,
            expressions: &Expressions::default(),
            grammars: &crate::code::Grammars::default(),
        };
        condition.decide(&situation).truth == Truth::Yes
    }
}

/// What a rule prescribes.
///
/// What it wants replies and messages to be like is not among them: any text that could be made up here would fail other
/// rules about texts for reasons of its own.
pub(super) fn prescriptions(rule: &Rule, directive: &Directive) -> Vec<Prescription> {
    let each = |steps: &[Predicate], when: String| -> Vec<Prescription> {
        let asked = steps.iter().filter_map(|step| Prescription::of(rule, directive, step));
        asked.map(|one| Prescription { asked: format!("{}{when}", one.asked), ..one }).collect()
    };
    let one = |predicate: &Predicate, when| each(std::slice::from_ref(predicate), when);
    let after = |trigger| format!(" after {}", rules::describe(trigger));
    let before = |then| format!(" before {}", rules::describe(then));
    match &directive.pattern {
        Pattern::Substitution { never, instead } => {
            instead.iter().flat_map(|replacement| replacements(rule, never, &replacement.to)).collect()
        }
        Pattern::Existence { require } => one(require, String::new()),
        Pattern::Response { trigger, require } => one(require, after(trigger)),
        Pattern::ResponseChain { trigger, require } => each(require, after(trigger)),
        Pattern::Precedence { first, then, .. } => one(first, before(then)),
        Pattern::PrecedenceChain { first, then } => each(first, before(then)),
        Pattern::Absence { .. } | Pattern::Universality { .. } | Pattern::BoundedExistence { .. } => Vec::new(),
    }
}

/// The replacement as a command, in each directory that the rule is about; or as a text, in the files of clean examples.
fn replacements(rule: &Rule, never: &Predicate, to: &str) -> Vec<Prescription> {
    let program = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    let is_command = to.split(' ').next().is_some_and(|word| !word.is_empty() && word.chars().all(program));
    let of = |ways: Vec<Event>, manner: Vec<Event>| Prescription {
        asked: format!("`{to}`"),
        ways: ways.into_iter().map(Sample::of).collect(),
        condition: None,
        file: None,
        otherwise: manner.into_iter().map(Sample::of).collect(),
        is_text: true,
    };
    if is_command && mentions(never, &|leaf| matches!(leaf, Predicate::Command(_))) {
        let directories = rule.scope.directory.iter().filter_map(|glob| sample_path(glob.trim_end_matches('/')));
        let inside = |directory| of(vec![Event { cwd: Some(directory), ..Event::command(to) }], Vec::new());
        let anywhere = rule.scope.directory.is_empty().then(|| of(vec![Event::command(to)], Vec::new()));
        return directories.map(inside).chain(anywhere).collect();
    }
    let paths: BTreeSet<String> =
        clean(rule).filter_map(|event| Sample::of(event).facts.files.pop()).map(|file| file.path).collect();
    if to.trim().is_empty() || paths.is_empty() || mentions(never, &|leaf| !matches!(leaf, Predicate::File(_))) {
        return Vec::new();
    }
    let with = |text: &str| paths.iter().take(MAX_WAYS).map(|path| Event::write(path, text)).collect();
    vec![of(with(to), with(""))]
}

impl Prescription {
    /// What makes a predicate true, where it is about deeds.
    fn of(rule: &Rule, directive: &Directive, predicate: &Predicate) -> Option<Self> {
        let words = |leaf: &Predicate| {
            use Predicate::{Commit, Prompt, PullRequest, Reply, Workspace};
            matches!(leaf, Reply(_) | Commit(_) | PullRequest(_) | Prompt(_) | Workspace(_))
        };
        if mentions(predicate, &words) {
            return None;
        }
        let condition = compiled(predicate);
        let path = file(rule, directive);
        let mut events = events(predicate, &path);
        let file = (directive.per == Per::File).then_some(path);
        let holds = |sample: &Sample| sample.holds(&condition, file.as_deref());
        for directory in rule.scope.directory.iter().filter_map(|glob| sample_path(glob.trim_end_matches('/'))) {
            let inside = |event: &Event| Event { cwd: Some(directory.clone()), ..event.clone() };
            let commands = events.iter().filter(|event| call(event).is_some_and(|(tool, _)| tool == "Bash"));
            events.extend(commands.map(inside).collect::<Vec<_>>());
        }
        for example in clean(rule) {
            let sample = Sample::of(example);
            // What else an example writes into a file is no part of what is asked.
            let bare = sample.facts.files.iter().map(|file| Event::write(&file.path, ""));
            let mut bare = bare.filter(|event| holds(&Sample::of(event.clone()))).peekable();
            if bare.peek().is_some() { events.extend(bare) } else { events.push(sample.event) }
        }
        let mut ways: Vec<Sample> = Vec::new();
        for event in events.into_iter().filter(|event| call(event).is_some()) {
            let sample = Sample::of(event);
            if holds(&sample) && !ways.iter().any(|way| way.event == sample.event) {
                ways.push(sample);
            }
        }
        ways.truncate(MAX_WAYS);
        let asked = rules::describe(predicate);
        let (otherwise, is_text) = (Vec::new(), tests_text(predicate));
        (!ways.is_empty()).then_some(Self { asked, ways, condition: Some(condition), file, otherwise, is_text })
    }

    /// Whether what another rule forbids is nothing of this: it forbids a manner, and here the manner is made up.
    pub(super) fn is_safe_from(&self, other: &Directive) -> bool {
        let commands = |predicate| mentions(predicate, &|leaf| matches!(leaf, Predicate::Command(_)));
        let only_how = matches!(&other.pattern, Pattern::Universality { must, .. } if !commands(must));
        only_how || !self.is_text && directive_predicates(other).into_iter().any(tests_text)
    }

    /// The ways, and first variants of them with the words that another rule wants commands to have.
    pub(super) fn varied(&self, other: &Directive) -> Vec<Sample> {
        let mut ways = self.ways.clone();
        let mut extras = Vec::new();
        for predicate in directive_predicates(other) {
            collect_extras(predicate, &mut extras);
        }
        for way in &self.ways {
            let Some(text) = call(&way.event).and_then(|(_, input)| input.get("command")?.as_str()) else { continue };
            for extra in &extras {
                let text = if extra.contains('=') { format!("{extra} {text}") } else { format!("{text} {extra}") };
                let sample = Sample::of(Event { cwd: way.event.cwd.clone(), ..Event::command(text) });
                if self.condition.as_ref().is_none_or(|condition| sample.holds(condition, self.file.as_deref())) {
                    ways.push(sample);
                }
            }
        }
        ways
    }
}

fn tests_text(predicate: &Predicate) -> bool {
    mentions(predicate, &|leaf| match leaf {
        Predicate::File(test) => {
            test.added.is_some() || test.removed.is_some() || test.content.is_some() || test.code.is_some()
        }
        _ => false,
    })
}

/// Events that a rule speaks of: a prompt, its examples, and what makes its predicates true.
pub(super) fn pool(rule: &Rule, directive: &Directive) -> Vec<Sample> {
    let file = file(rule, directive);
    let prompt = Event::of(EventKind::UserPromptSubmit { text: "go on".to_owned() });
    let spelled = directive_predicates(directive).into_iter().flat_map(|predicate| events(predicate, &file));
    let examples = rule.examples.iter().filter(|example| !trial::is_mutant(example));
    let examples = examples.filter_map(|example| example.parse().ok()).flatten();
    [prompt].into_iter().chain(spelled).chain(examples).take(2 * MAX_WAYS).map(Sample::of).collect()
}

/// The path that a rule per file is followed on.
fn file(rule: &Rule, directive: &Directive) -> String {
    if directive.per != Per::File {
        return SOME_FILE.to_owned();
    }
    let spelled = directive_predicates(directive).into_iter().flat_map(|predicate| events(predicate, SOME_FILE));
    let known = spelled.chain(clean(rule)).find_map(|event| super::path(&Sample::of(event).facts));
    known.unwrap_or_else(|| SOME_FILE.to_owned())
}

/// The calls in a rule's clean examples.
fn clean(rule: &Rule) -> impl Iterator<Item = Event> {
    let examples = rule.examples.iter().filter(|example| !example.violates && !trial::is_mutant(example));
    examples.filter_map(|example| example.parse().ok()).flatten().filter(|event| call(event).is_some())
}

fn call(event: &Event) -> Option<(&str, &Value)> {
    match &event.kind {
        EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } => Some((tool, input)),
        _ => None,
    }
}

fn directive_predicates(directive: &Directive) -> Vec<&Predicate> {
    let mut predicates: Vec<&Predicate> = match &directive.pattern {
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => vec![never],
        Pattern::Universality { every, must } => vec![every, must],
        Pattern::Precedence { first, then, again_after } => [first, then].into_iter().chain(again_after).collect(),
        Pattern::Response { trigger, require } => vec![trigger, require],
        Pattern::Existence { require } => vec![require],
        Pattern::BoundedExistence { of, .. } => vec![of],
        Pattern::ResponseChain { trigger, require } => [trigger].into_iter().chain(require).collect(),
        Pattern::PrecedenceChain { first, then } => first.iter().chain([then]).collect(),
    };
    let during = &directive.during;
    let more = [&directive.when, &directive.unless, &during.after, &during.before, &during.until];
    predicates.extend(more.into_iter().flatten());
    predicates
}

/// The flags, words and assignments that a rule may want commands to have.
fn collect_extras(predicate: &Predicate, extras: &mut Vec<String>) {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().for_each(|part| collect_extras(part, extras)),
        Predicate::Not(part) => collect_extras(part, extras),
        Predicate::Command(test) => {
            extras.extend(test.without.iter().filter_map(|word| sample_word(word)));
            let wanted = test.run.split_whitespace().skip(1).filter(|word| word.starts_with(['-', '!']));
            let wanted = wanted.flat_map(|word| word.trim_start_matches('!').split('|')).filter_map(sample_word);
            extras.extend(wanted);
            extras.extend(test.env.as_deref().map(assignment));
        }
        _ => {}
    }
}

/// Events that may make a predicate true; the caller looks whether they do.
fn events(predicate: &Predicate, file: &str) -> Vec<Event> {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().flat_map(|part| events(part, file)).collect(),
        Predicate::Command(test) => commands(test, file),
        Predicate::File(test) => files(test),
        Predicate::Read(test) => {
            let read = |path: String| Event::tool("Read", json!({ "file_path": path }));
            test.path.iter().filter_map(|glob| sample_path(glob)).map(read).collect()
        }
        Predicate::Commit(test) => {
            sample_text(test).map(|text| Event::command(format!("git commit -m '{text}'"))).into_iter().collect()
        }
        Predicate::PullRequest(test) => {
            sample_text(test).map(|text| Event::command(format!("gh pr create --title '{text}'"))).into_iter().collect()
        }
        Predicate::Reply(test) => sample_text(test).map(|text| Event::stop(text, Vec::new())).into_iter().collect(),
        Predicate::Prompt(test) => {
            sample_text(test).map(|text| Event::of(EventKind::UserPromptSubmit { text })).into_iter().collect()
        }
        Predicate::Tool(test) => {
            test.name.iter().filter_map(|name| sample_word(name)).map(|name| Event::tool(name, json!({}))).collect()
        }
        Predicate::Not(_) | Predicate::Exit(_) | Predicate::Workspace(_) | Predicate::Event(_) => Vec::new(),
    }
}

/// A command pattern, spelled out with each of its alternatives.
fn commands(test: &CommandTest, file: &str) -> Vec<Event> {
    let mut texts = vec![test.env.as_deref().map(assignment).unwrap_or_default()];
    for word in test.run.split_whitespace().filter(|word| !matches!(*word, "$" | "**") && !word.starts_with('!')) {
        let words: Vec<String> =
            if word == "$file" { vec![file.to_owned()] } else { word.split('|').filter_map(sample_word).collect() };
        let longer = |text: &String| words.iter().map(|word| format!("{text} {word}")).collect::<Vec<_>>();
        texts = texts.iter().flat_map(longer).take(MAX_WAYS).collect();
    }
    let cwd = test.cwd.as_deref().and_then(sample_path);
    let sink = test.into.as_deref().and_then(|into| into.split('|').find_map(sample_word));
    let piped = sink.map(|sink| format!(" | {sink}")).unwrap_or_default();
    let event = |text: String| Event::command(format!("{}{piped}", text.trim()));
    texts.into_iter().map(|text| Event { cwd: cwd.clone(), ..event(text) }).collect()
}

fn files(test: &FileTest) -> Vec<Event> {
    let text = test.added.as_ref().or(test.content.as_ref()).and_then(sample_text).unwrap_or_default();
    let event = |path: String| match test.action {
        Some(FileAction::Delete) => Event::command(format!("rm {path}")),
        Some(FileAction::Modify) => Event::edit(path, "before", &text),
        Some(FileAction::Create) | None => Event::write(path, &text),
    };
    test.path.iter().filter_map(|glob| sample_path(glob)).map(event).collect()
}

fn assignment(env: &str) -> String {
    match env.split_once('=') {
        Some((name, value)) => format!("{name}={}", sample_word(value).unwrap_or_default()),
        None => format!("{env}=1"),
    }
}

/// A word that a pattern matches, where it needs no quotes.
fn sample_word(pattern: &str) -> Option<String> {
    let word = pattern.replace(['*', '?'], if pattern.len() == 1 { "x" } else { "" });
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,^".contains(c);
    (!word.is_empty() && word.chars().all(plain)).then_some(word)
}

/// A path that a glob matches, for the simple ones.
fn sample_path(glob: &str) -> Option<String> {
    let path = glob.trim_start_matches("./").replace("**/", "").replace("**", "x").replace(['*', '?'], "x");
    let path = if path.ends_with('/') { path + "x" } else { path };
    (!path.is_empty() && !path.contains(['[', '{', '\\', '\''])).then_some(path)
}

/// A text that passes a test, for the simple ones.
fn sample_text(test: &TextTest) -> Option<String> {
    match test {
        TextTest::Contains(text) | TextTest::Mentions(text) | TextTest::StartsWith(text) | TextTest::EndsWith(text) => {
            (!text.contains(['\'', '\n'])).then(|| text.clone())
        }
        TextTest::Any(parts) => parts.iter().find_map(sample_text),
        TextTest::All(parts) => Some(parts.iter().filter_map(sample_text).collect::<Vec<_>>().join(" ")),
        TextTest::FirstLine(part) | TextTest::FirstSentence(part) | TextTest::SomeLine(part) => sample_text(part),
        _ => None,
    }
}
