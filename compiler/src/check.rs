//! A rule, lowered to what is evaluated: compiled predicates and a monitor over their truth values.

use crate::code;
use crate::command::CommandPattern;
use crate::condition::Condition;
use crate::facts::Command;
use crate::monitor::{self, Monitor, Phase};
use rules::directive::{Directive, Fail, Pattern, Per, Replacement, Undecided};
use rules::predicate::{CommandTest, FileTest};
use rules::{Code, Diagnostic, Predicate, Rule, RuleId, Scope, State, Strength};
use serde::{Deserialize, Serialize};

/// A compiled rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The rule's name.
    pub id: RuleId,
    /// What it asks, in one line.
    pub title: String,
    /// Whether it is enforced or only logged.
    pub state: State,
    /// How much it is meant.
    pub strength: Strength,
    /// The user's words, if they are known.
    pub said: Option<String>,
    /// The atoms of the monitor, in order.
    pub parts: Vec<Part>,
    /// What follows from their truth over time.
    pub monitor: Monitor,
    /// What it is counted over.
    pub per: Per,
    /// What cannot be decided counts as.
    pub undecided: Undecided,
    /// Whether a call is refused that could not be judged.
    pub fails_closed: bool,
    /// Where it applies.
    pub reach: Reach,
    /// What to do instead.
    pub fixes: Vec<Fix>,
    /// What is owed at the end of a turn, in words; empty where nothing ever is.
    pub owed: String,
}

/// One atom of a monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// When it holds.
    pub condition: Condition,
    /// Whether it is about attempts or completions.
    pub phase: Phase,
    /// Whether it asks itself how a call ended; otherwise only calls that succeeded count.
    pub tests_exit: bool,
}

/// The circumstances under which a check applies; an empty list allows all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Globs for branches.
    pub branch: Vec<String>,
    /// Names of hosts.
    pub host: Vec<String>,
    /// Names of sessions.
    pub session: Vec<String>,
}

/// A replacement, compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    from: Option<CommandPattern>,
    to: String,
}

impl Check {
    /// Lowers a rule.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of(rule: &Rule) -> Result<Self, Vec<Diagnostic>> {
        let Some(directive) = &rule.check else {
            let message = format!("rule `{}` holds no check", rule.id);
            return Err(vec![Diagnostic::of(Code::NoCheck, message)]);
        };
        let directive = within(directive, &rule.scope.directory);
        let (atoms, monitor) = monitor::lower(&directive)
            .map_err(|error| vec![Diagnostic::of(Code::TooComplex, format!("rule `{}`: {error}", rule.id))])?;
        let mut diagnostics = Vec::new();
        if monitor.violated(Monitor::START) {
            let message = format!("rule `{}` can never be kept: every session violates it", rule.id);
            diagnostics.push(Diagnostic::of(Code::BadPattern, message));
        }
        let mut parts = Vec::new();
        for atom in atoms {
            diagnostics.extend(unknown_languages(&atom.predicate));
            match Condition::of(&atom.predicate) {
                Ok(condition) => {
                    let tests_exit = condition.tests_exit();
                    parts.push(Part { condition, phase: atom.phase, tests_exit });
                }
                Err(errors) => {
                    diagnostics.extend(errors.into_iter().map(|error| Diagnostic::of(Code::BadPattern, error)));
                }
            }
        }
        let fixes = match &directive.pattern {
            Pattern::Substitution { instead, .. } => instead.iter().map(Fix::of).collect(),
            _ => Vec::new(),
        };
        // One mistake in a predicate that several atoms share is one mistake.
        let mut seen = Vec::new();
        diagnostics.retain(|diagnostic| {
            let new = !seen.contains(&diagnostic.message);
            seen.push(diagnostic.message.clone());
            new
        });
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let Scope { branch, host, session, .. } = rule.scope.clone();
        Ok(Self {
            id: rule.id.clone(),
            title: rule.title.clone(),
            state: rule.state,
            strength: rule.strength,
            said: rule.said.first().map(|quote| quote.quote.clone()),
            parts,
            monitor,
            per: directive.per,
            undecided: directive.undecided,
            fails_closed: directive.fail == Fail::Closed,
            reach: Reach { branch, host, session },
            fixes,
            owed: owed(&directive.pattern),
        })
    }

    /// Whether commands of the check name the file that it is about.
    pub fn names_file(&self) -> bool {
        self.parts.iter().any(|part| part.condition.names_file())
    }

    /// Whether it is about what the agent says.
    pub fn tests_reply(&self) -> bool {
        self.parts.iter().any(|part| part.condition.tests_reply())
    }

    /// Whether an event alone decides it, whatever came before: only such checks can judge a diff.
    pub fn is_momentary(&self) -> bool {
        let successor = |letter| self.monitor.step(Monitor::START, letter);
        let stays = |state| state == Monitor::START || self.monitor.violated(state);
        self.monitor.accepts(Monitor::START) && self.monitor.letters().all(|letter| stays(successor(letter)))
    }

    /// What to run instead of a command: the first replacement that fits, with the arguments that it does not cover.
    pub fn fix(&self, command: &Command) -> Option<String> {
        self.fixes.iter().find_map(|fix| {
            let covered = match &fix.from {
                Some(from) => {
                    let matched = from.matches(command, None);
                    (matched.truth == crate::truth::Truth::Yes).then_some(matched.covered)?
                }
                None => return Some(fix.to.clone()),
            };
            let rest = command.args.iter().skip(covered).map(|word| quoted(&word.text));
            Some([fix.to.clone()].into_iter().chain(rest).collect::<Vec<_>>().join(" "))
        })
    }
}

impl Fix {
    fn of(replacement: &Replacement) -> Self {
        let from = CommandPattern::of(&CommandTest::from(replacement.from.as_str())).ok();
        Self { from, to: replacement.to.clone() }
    }
}

impl Reach {
    /// Whether a check applies under these circumstances and on this branch; what an event does not say limits nothing but
    /// a session.
    pub fn covers(&self, event: &rules::Event, branch: Option<&str>) -> bool {
        let fits = |globs: &[String], name: Option<&str>, otherwise: bool| {
            globs.is_empty()
                || name.map_or(otherwise, |name| globs.iter().any(|glob| fast_glob::glob_match(glob, name)))
        };
        fits(&self.branch, branch, false)
            && fits(&self.host, event.host.as_deref(), false)
            && fits(&self.session, event.session.as_deref(), false)
    }
}

fn owed(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Response { require, .. } | Pattern::Existence { require } => rules::describe(require),
        Pattern::ResponseChain { require, .. } => {
            require.iter().map(rules::describe).collect::<Vec<_>>().join(", then ")
        }
        _ => String::new(),
    }
}

/// Quotes an argument for a shell where it must be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Limits a directive to directories: the predicates that it bites on or is triggered by, not what meets an obligation,
/// which may well be done from elsewhere.
fn within(directive: &Directive, directories: &[String]) -> Directive {
    let mut directive = directive.clone();
    if directories.is_empty() {
        return directive;
    }
    let limit = |predicate: &mut Predicate| *predicate = limited(predicate, directories);
    match &mut directive.pattern {
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => limit(never),
        Pattern::Universality { every, .. } => limit(every),
        Pattern::Precedence { then, again_after, .. } => {
            limit(then);
            again_after.iter_mut().for_each(limit);
        }
        Pattern::PrecedenceChain { then, .. } => limit(then),
        Pattern::Response { trigger, .. } | Pattern::ResponseChain { trigger, .. } => limit(trigger),
        Pattern::Existence { .. } => {
            let inside =
                Predicate::path(directories.iter().map(|directory| format!("{}/", directory.trim_end_matches('/'))));
            directive.when = Some(match directive.when.take() {
                Some(when) => limited(&when, directories),
                None => inside,
            });
        }
        Pattern::BoundedExistence { of, .. } => limit(of),
    }
    directive
}

fn limited(predicate: &Predicate, directories: &[String]) -> Predicate {
    let all = |parts: &[Predicate]| parts.iter().map(|part| limited(part, directories)).collect();
    match predicate {
        Predicate::All(parts) => Predicate::All(all(parts)),
        Predicate::Any(parts) => Predicate::Any(all(parts)),
        Predicate::Command(test) if test.cwd.is_none() => Predicate::Any(
            directories
                .iter()
                .map(|directory| Predicate::Command(CommandTest { cwd: Some(directory.clone()), ..test.clone() }))
                .collect(),
        ),
        Predicate::File(_) | Predicate::Read(_) => {
            let globs: Vec<String> =
                directories.iter().map(|directory| format!("{}/", directory.trim_end_matches('/'))).collect();
            let inside = match predicate {
                Predicate::Read(_) => Predicate::Read(rules::predicate::PathTest { path: globs, not_path: Vec::new() }),
                _ => Predicate::File(Box::new(FileTest { path: globs, ..FileTest::default() })),
            };
            Predicate::All(vec![predicate.clone(), inside])
        }
        other => other.clone(),
    }
}

fn unknown_languages(predicate: &Predicate) -> Vec<Diagnostic> {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().flat_map(unknown_languages).collect(),
        Predicate::Not(part) => unknown_languages(part),
        Predicate::File(test) if test.code.is_some() => test
            .language
            .iter()
            .filter(|name| !code::languages().any(|known| known == name.as_str()))
            .map(|name| {
                let known = code::languages().collect::<Vec<_>>().join(", ");
                Diagnostic::of(Code::UnknownLanguage, format!("`{name}` has no grammar; these have: {known}"))
            })
            .collect(),
        _ => Vec::new(),
    }
}
