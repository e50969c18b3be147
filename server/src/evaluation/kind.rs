//! The kind of a rule, in the terms that corpora are labelled with.

use rules::directive::Pattern;
use rules::predicate::{FileTest, TextTest};
use rules::{Decision, Predicate, Rule};

/// What a predicate is about first of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About<'p> {
    Command,
    Commit,
    File(&'p FileTest),
    Path,
    Reply,
    Other,
}

/// The kind of a rule.
pub fn kind(rule: &Rule) -> &'static str {
    let Some(check) = rule.check.as_ref().filter(|_| rule.decided_by == Decision::Check) else {
        return "workflow_semantic";
    };
    match &check.pattern {
        Pattern::Precedence { .. } | Pattern::PrecedenceChain { .. } => "command_require_before",
        Pattern::Response { require, .. } | Pattern::Existence { require } if about(require) == About::Reply => {
            "reply_text"
        }
        Pattern::Response { .. } | Pattern::ResponseChain { .. } | Pattern::Existence { .. } => "command_require_after",
        Pattern::Universality { every, must } => match (about(every), about(must)) {
            (About::Commit, _) | (_, About::Commit) => "commit_message",
            (About::Reply, _) | (_, About::Reply) => "reply_text",
            (About::Command, _) => "command_prefer",
            (_, About::File(test)) if test.code.is_some() => "code_require",
            (_, About::File(test)) if test.added.is_some() || test.content.is_some() => "format",
            _ => "path_require",
        },
        Pattern::Substitution { never, .. } if about(never) == About::Command => "command_prefer",
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => forbidden(never),
        Pattern::BoundedExistence { of, .. } => forbidden(of),
    }
}

/// The kind of a rule that forbids this.
fn forbidden(never: &Predicate) -> &'static str {
    match about(never) {
        About::Commit => "commit_message",
        About::Reply => "reply_text",
        About::Path => "path_forbid",
        About::Command | About::Other => "command_forbid",
        About::File(test) => match test.added.as_ref().or(test.content.as_ref()) {
            Some(text) if is_format(text) => "format",
            None if test.code.is_none() => "path_forbid",
            _ => "code_forbid",
        },
    }
}

/// What a predicate is about: of what must be true together, the most special.
fn about(predicate: &Predicate) -> About<'_> {
    match predicate {
        // Of alternatives, the one that is named first.
        Predicate::Any(parts) => parts.iter().map(about).find(|about| *about != About::Other).unwrap_or(About::Other),
        Predicate::All(parts) => {
            let found: Vec<_> = parts.iter().map(about).collect();
            let file = |about: &&About<'_>| matches!(about, About::File(_));
            let special = |about: &&About<'_>| !matches!(about, About::Other | About::File(_));
            (found.iter().find(special).or_else(|| found.iter().find(file))).copied().unwrap_or(About::Other)
        }
        Predicate::Not(part) => about(part),
        Predicate::Command(_) | Predicate::Tool(_) | Predicate::Exit(_) => About::Command,
        Predicate::Commit(_) | Predicate::PullRequest(_) => About::Commit,
        Predicate::Reply(_) => About::Reply,
        Predicate::File(test) => About::File(test),
        Predicate::Read(_) | Predicate::Workspace(_) => About::Path,
        Predicate::Prompt(_) | Predicate::Event(_) => About::Other,
    }
}

/// Whether a test is about how a text looks and not about what it says.
fn is_format(test: &TextTest) -> bool {
    match test {
        TextTest::All(parts) | TextTest::Any(parts) => parts.iter().any(is_format),
        TextTest::Not(part) | TextTest::SomeLine(part) | TextTest::FirstLine(part) => is_format(part),
        TextTest::Contains(_) | TextTest::Mentions(_) | TextTest::Matches(_) => false,
        _ => true,
    }
}

/// The group of kinds in which a mix-up is harmless; nothing for what is no kind of rule.
pub fn coarse(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "command_require_before" | "command_require_after" => "obligation",
        "command_forbid" | "command_prefer" | "commit_message" => "command",
        "path_forbid" | "path_require" => "path",
        "code_forbid" | "code_require" | "format" => "content",
        "reply_text" => "reply",
        "workflow_semantic" | "other" => "semantic",
        _ => return None,
    })
}
