//! Runs a syntax tree in the abstract: takes every way once and records each simple command with its effects.
//!
//! A command's output is followed where it is known (`echo`, `printf`, `cat`, …), so that texts which reach a shell
//! through pipes, substitutions and files are read. A variable that several ways leave with several values is unknown.

use super::call::Call;
use super::parser::parse;
use super::syntax::{Assignment, Command, HOLE, Item, Kind, Program, Redirect, Target, Value, Word};
use super::{MAX_COMMANDS, MAX_DEPTH, MAX_TEXT, MAX_TEXTS, MAX_WORK, ShellFacts, known};
use crate::facts::Unknown;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// The most values of a loop that are tried one by one.
const MAX_ROUNDS: usize = 16;
/// Output that goes through more programs than these is told by the nearest of them.
const MAX_PIPED: usize = 16;
/// The most variables whose values are followed.
const MAX_VARIABLES: usize = 256;
/// The longest output that is followed, in bytes.
const MAX_OUTPUT: usize = MAX_TEXT;
/// The most parts that are listed as unknown.
const MAX_UNKNOWN: usize = 256;
/// The longest part of a text that an [`Unknown`] repeats, in characters.
const MAX_EXCERPT: usize = 200;

pub(super) type Variables = BTreeMap<String, Vec<String>>;

/// What a subshell has a copy of.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) vars: Rc<Variables>,
    /// Functions, and whether each is certain to be defined.
    pub(super) functions: Rc<BTreeMap<String, (Rc<Command>, bool)>>,
    pub(super) aliases: Rc<BTreeMap<String, String>>,
    /// Whether aliases are known to be expanded.
    pub(super) expand_aliases: bool,
    /// `$0`, `$1` and so on.
    pub(super) args: Rc<Vec<String>>,
    /// The directory: empty for where the text starts, `None` where it is not known.
    pub(super) cwd: Option<String>,
    pub(super) previous_cwd: Option<String>,
}

/// A run of one event's text.
#[derive(Debug, Default)]
pub(super) struct Shell {
    pub(super) facts: ShellFacts,
    pub(super) state: State,
    /// What the text has written to files.
    pub(super) files: BTreeMap<String, String>,
    /// Names that the text has given to programs, by linking or copying.
    pub(super) links: BTreeMap<String, String>,
    pub(super) via: Vec<String>,
    /// The branch that the text has switched to, and whether anything was done to one.
    pub(super) branch: Option<String>,
    pub(super) acted: bool,
    /// The span of the text that is run now, if it is not the event's.
    within: Option<Range<usize>>,
    pub(super) depth: usize,
    /// How many ways that may not be taken enclose what runs now.
    ways: usize,
    /// The functions that are being run.
    pub(super) active: Vec<String>,
    texts: usize,
    work: usize,
    /// Whether what runs now runs on another machine or in a container.
    pub(super) remote: bool,
}

/// Runs a text.
pub(super) fn facts(text: &str, cwd: Option<&str>) -> ShellFacts {
    let mut shell = Shell::default();
    shell.state.cwd = Some(cwd.unwrap_or_default().to_owned());
    shell.state.args = Rc::new(vec!["bash".to_owned()]);
    shell.read(text, None);
    shell.facts
}

impl Shell {
    /// Takes some of the work that is allowed; false once it is used up.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        let before = self.work;
        self.work = self.work.saturating_add(cost);
        if before <= MAX_WORK && self.work > MAX_WORK {
            self.unknown("", "it does too much to be followed", self.within.clone().unwrap_or_default());
        }
        self.work <= MAX_WORK
    }

    pub(super) fn unknown(&mut self, text: &str, why: &'static str, span: Range<usize>) {
        let text = known(text.trim()).text.chars().take(MAX_EXCERPT).collect();
        let unknown = Unknown { text, why, span };
        if self.facts.unknown.len() < MAX_UNKNOWN && !self.facts.unknown.contains(&unknown) {
            self.facts.unknown.push(unknown);
        }
    }

    /// Reads and runs a text in the current state; its output.
    fn read(&mut self, text: &str, input: Option<&String>) -> String {
        let span = self.within.clone().unwrap_or(0..text.len());
        if text.len() > MAX_TEXT {
            self.unknown(text, "it is too long", span);
            return HOLE.to_string();
        }
        self.spend(text.len());
        let (program, fault) = parse(text, self.within.clone());
        let output = self.program(&program, input);
        if let Some(fault) = fault {
            let span = self.within.clone().unwrap_or(fault.at..text.len());
            self.unknown(text.get(fault.at..).unwrap_or(text), fault.why, span);
        }
        output
    }

    /// Runs a text that a command hands to a shell; its output.
    pub(super) fn nested(&mut self, text: &str, via: &str, input: Option<&String>, span: &Range<usize>) -> String {
        if text.trim_matches(|c: char| c == HOLE || c.is_whitespace()).is_empty() {
            if text.contains(HOLE) {
                self.unknown(via, "the text that a shell reads is computed", span.clone());
                return HOLE.to_string();
            }
            return String::new();
        }
        if self.texts >= MAX_TEXTS {
            self.unknown(text, "it is nested too deeply", span.clone());
            return HOLE.to_string();
        }
        let outside = self.within.replace(span.clone());
        self.texts += 1;
        self.via.push(via.to_owned());
        let output = self.read(text, input);
        self.via.pop();
        self.texts -= 1;
        self.within = outside;
        output
    }

    /// Runs something whose changes to the state are lost.
    pub(super) fn subshell<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let state = self.state.clone();
        self.spend(state.vars.len());
        let result = run(self);
        self.state = state;
        result
    }

    /// Runs something elsewhere, where neither directory nor files are those of the event.
    pub(super) fn elsewhere<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let remote = std::mem::replace(&mut self.remote, true);
        let result = self.subshell(|shell| {
            shell.state.cwd = None;
            run(shell)
        });
        self.remote = remote;
        result
    }

    pub(super) fn assign(&mut self, name: &str, values: Vec<String>) {
        let room = self.state.vars.len() < MAX_VARIABLES || self.state.vars.contains_key(name);
        let bytes: usize = values.iter().map(String::len).sum();
        if !self.spend(self.state.vars.len() + bytes) || !room {
            return;
        }
        let values = if bytes > MAX_OUTPUT { vec![HOLE.to_string()] } else { values };
        Rc::make_mut(&mut self.state.vars).insert(name.to_owned(), values);
    }

    pub(super) fn program(&mut self, program: &Program, input: Option<&String>) -> String {
        let mut output = String::new();
        for item in &program.items {
            if self.facts.commands.len() >= MAX_COMMANDS {
                self.unknown("", "it runs too many commands", self.within.clone().unwrap_or_default());
                break;
            }
            if !self.spend(1) {
                break;
            }
            let part = self.item(item, input);
            add_output(&mut output, &part);
        }
        output
    }

    fn item(&mut self, item: &Item, input: Option<&String>) -> String {
        if item.background {
            return self.subshell(|shell| shell.pipeline(&item.commands, input));
        }
        if !item.conditional {
            return self.pipeline(&item.commands, input);
        }
        self.way(|shell| shell.pipeline(&item.commands, input))
    }

    /// Runs something that may not run.
    fn way(&mut self, run: impl FnOnce(&mut Self) -> String) -> String {
        let before = Rc::clone(&self.state.vars);
        self.ways += 1;
        let output = run(self);
        self.ways -= 1;
        self.blur(&before);
        output
    }

    /// Forgets what was known before and has changed on a way that may not be taken.
    fn blur(&mut self, before: &Rc<Variables>) {
        if Rc::ptr_eq(before, &self.state.vars) || !self.spend(before.len()) {
            return;
        }
        let vars = Rc::make_mut(&mut self.state.vars);
        for (name, value) in before.iter() {
            if let Some(now) = vars.get_mut(name).filter(|now| *now != value) {
                *now = vec![HOLE.to_string()];
            }
        }
    }

    fn pipeline(&mut self, commands: &[Command], input: Option<&String>) -> String {
        if let [command] = commands {
            return self.command(command, input);
        }
        let (mut flow, mut begins) = (input.cloned(), Vec::with_capacity(commands.len()));
        for command in commands {
            begins.push(self.facts.commands.len());
            flow = Some(self.subshell(|shell| shell.command(command, flow.as_ref())));
        }
        self.join(&begins);
        flow.unwrap_or_default()
    }

    /// Notes into which programs the output of each part of a pipeline goes; the parts begin with these commands.
    fn join(&mut self, begins: &[usize]) {
        for two in begins.windows(2) {
            let [begin, next] = *two else { continue };
            let Some((before, behind)) = self.facts.commands.split_at_mut_checked(next) else { continue };
            let programs = || behind.iter().take(MAX_PIPED).map(|command| command.program.clone());
            for command in before.get_mut(begin..).into_iter().flatten() {
                command.into.extend(programs());
            }
        }
    }

    pub(super) fn command(&mut self, command: &Command, input: Option<&String>) -> String {
        if self.depth >= MAX_DEPTH || !self.spend(1) {
            self.unknown("", "it is nested too deeply", command.span.clone());
            return HOLE.to_string();
        }
        self.depth += 1;
        let (read, writes) = self.redirects(&command.redirects);
        let input = read.as_ref().or(input);
        let output = match &command.kind {
            Kind::Simple { assignments, words, arrays } => {
                let call = Call {
                    writes: writes.iter().map(|(path, _)| path.clone()).collect(),
                    input: input.cloned(),
                    span: command.span.clone(),
                    ..Call::default()
                };
                self.simple((assignments, words, arrays), call)
            }
            kind => self.compound(kind, input),
        };
        self.depth -= 1;
        self.redirected(output, &writes)
    }

    fn compound(&mut self, kind: &Kind, input: Option<&String>) -> String {
        match kind {
            Kind::Simple { .. } => String::new(),
            Kind::Group(body) => self.program(body, input),
            Kind::Subshell(body) => self.subshell(|shell| shell.program(body, input)),
            Kind::Coproc(body) => self.subshell(|shell| shell.command(body, input)),
            Kind::Function { name, body } => {
                if self.spend(self.state.functions.len()) {
                    Rc::make_mut(&mut self.state.functions).insert(name.clone(), (Rc::clone(body), self.ways == 0));
                }
                String::new()
            }
            Kind::For { name, words, body } => {
                let values = match words {
                    Some(words) => words.iter().flat_map(|word| self.fields(word)).map(|field| field.text).collect(),
                    None => self.state.args.iter().skip(1).cloned().collect::<Vec<_>>(),
                };
                self.rounds(name, &values, body, input)
            }
            Kind::Branches { words, bodies } => {
                for word in words {
                    self.text(word);
                }
                let mut outputs = Vec::new();
                for body in bodies {
                    outputs.push(self.way(|shell| shell.program(body, input)));
                }
                outputs.retain(|output| !output.is_empty());
                if outputs.len() > 1 { HOLE.to_string() } else { outputs.pop().unwrap_or_default() }
            }
        }
    }

    /// Runs the body of a loop for each value, or for some and then for an unknown one.
    fn rounds(&mut self, name: &str, values: &[String], body: &Program, input: Option<&String>) -> String {
        let mut output = String::new();
        for value in values.iter().take(MAX_ROUNDS) {
            self.assign(name, vec![value.clone()]);
            let part = self.program(body, input);
            add_output(&mut output, &part);
        }
        if values.len() > MAX_ROUNDS {
            self.assign(name, vec![HOLE.to_string()]);
            let part = self.program(body, input);
            add_output(&mut output, &part);
        }
        output
    }

    /// `<( … )` and `>( … )`: runs it, and the name of a file that holds its output.
    pub(super) fn process(&mut self, program: &Program, written: bool) -> String {
        let input = written.then(|| HOLE.to_string());
        let output = self.subshell(|shell| shell.program(program, input.as_ref()));
        let path = format!("/dev/fd/{}", 63 + self.files.len());
        self.files.insert(path.clone(), output);
        path
    }

    /// What the redirections feed into a command, and where its standard output goes (whether it is appended).
    fn redirects(&mut self, redirects: &[Redirect]) -> (Option<String>, Vec<(String, bool)>) {
        let (mut input, mut writes) = (None, Vec::new());
        for redirect in redirects {
            let text = match &redirect.target {
                Target::HereDocument(body) => body.get().map(|body| self.text(body)).unwrap_or_default(),
                Target::HereString(word) => self.text(word) + "\n",
                Target::Read(word) => {
                    let path = self.text(word);
                    self.read_file(&path)
                }
                Target::Write(word) | Target::Append(word) => {
                    let path = self.text(word);
                    let append = matches!(redirect.target, Target::Append(_));
                    if redirect.fd.as_deref().is_none_or(|fd| fd == "1") {
                        writes.push((path, append));
                    } else {
                        self.wrote(&path, append, &HOLE.to_string());
                    }
                    continue;
                }
                Target::ReadFrom(word) => {
                    let path = format!("/dev/fd/{}", self.text(word));
                    let Some(text) = self.files.get(&path) else { continue };
                    text.clone()
                }
                Target::Duplicate => continue,
            };
            match redirect.fd.as_deref() {
                None | Some("0") => input = Some(text),
                Some(fd) => drop(self.files.insert(format!("/dev/fd/{fd}"), text)),
            }
        }
        (input, writes)
    }

    /// Sends output to where redirections lead; what is left of it.
    fn redirected(&mut self, output: String, writes: &[(String, bool)]) -> String {
        for (path, append) in writes {
            self.wrote(path, *append, &output);
        }
        if writes.is_empty() { output } else { String::new() }
    }

    fn simple(
        &mut self,
        (assignments, words, arrays): (&[Assignment], &[Word], &[Assignment]),
        mut call: Call,
    ) -> String {
        if let Some(output) = self.alias(words, &call) {
            return output;
        }
        for word in words {
            let fields = self.fields(word);
            call.words.extend(fields);
        }
        for assignment in arrays {
            self.assignment(assignment);
        }
        if call.words.is_empty() && words.is_empty() {
            for assignment in assignments {
                self.assignment(assignment);
            }
            return String::new();
        }
        for assignment in assignments {
            let value = match &assignment.value {
                Value::One(word) => self.text(word),
                Value::Array(_) => HOLE.to_string(),
            };
            call.env.push((assignment.name.clone(), value));
        }
        self.call(call)
    }

    fn assignment(&mut self, assignment: &Assignment) {
        let Assignment { name, index, append, value } = assignment;
        let index = index.as_ref().map(|index| self.pieces_text(index));
        let new = match value {
            Value::One(word) => vec![self.text(word)],
            Value::Array(words) => words.iter().flat_map(|word| self.fields(word)).map(|field| field.text).collect(),
        };
        let mut values = self.state.vars.get(name).cloned().unwrap_or_default();
        match (index.map(|index| index.parse::<usize>()), value) {
            (Some(Ok(index)), _) if index <= MAX_VARIABLES => {
                values.resize(values.len().max(index + 1), String::new());
                if let (Some(slot), Some(new)) = (values.get_mut(index), new.into_iter().next()) {
                    *slot = new;
                }
            }
            (Some(_), _) => values.extend(new),
            (None, Value::Array(_)) if *append => values.extend(new),
            (None, Value::One(_)) if *append => {
                let first = values.first().cloned().unwrap_or_default();
                values = vec![first + &new.concat()];
            }
            (None, _) => values = new,
        }
        self.assign(name, values);
    }

    /// Runs a command whose word is an alias; `None` if it is not, or may not be one.
    fn alias(&mut self, words: &[Word], call: &Call) -> Option<String> {
        let (first, rest) = words.split_first()?;
        let name = first.plain()?;
        let via = format!("alias {name}");
        let text = self.state.aliases.get(name).filter(|_| !self.via.contains(&via) && self.texts < MAX_TEXTS)?.clone();
        let (mut program, _) = parse(&text, Some(call.span.clone()));
        let last = program.items.last_mut().and_then(|item| item.commands.last_mut());
        if let Some(Kind::Simple { words, .. }) = last.map(|command| &mut command.kind) {
            words.extend(rest.iter().cloned());
        }
        self.via.push(via);
        self.texts += 1;
        let output = self.program(&program, call.input.as_ref());
        self.texts -= 1;
        self.via.pop();
        self.state.expand_aliases.then_some(output)
    }
}

/// Adds output, as long as there is room for it.
fn add_output(output: &mut String, part: &str) {
    if output.len() + part.len() <= MAX_OUTPUT {
        output.push_str(part);
    } else if !output.ends_with(HOLE) {
        output.push(HOLE);
    }
}
