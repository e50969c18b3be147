//! Predicates and directives in plain words, for reports and explanations.

use crate::directive::{Directive, During, Pattern, Per};
use crate::predicate::{FileAction, FileTest, Indent, Moment, Predicate, TextTest};

/// Says what a predicate is true of, as a noun phrase.
pub fn describe(predicate: &Predicate) -> String {
    match predicate {
        Predicate::All(parts) => joined(parts, " and "),
        Predicate::Any(parts) => joined(parts, " or "),
        Predicate::Not(part) => format!("not {}", describe(part)),
        Predicate::Command(test) => {
            let mut text = format!("`{}`", test.run);
            if !test.without.is_empty() {
                text += &format!(" without {}", ticked(&test.without, " or "));
            }
            if let Some(env) = &test.env {
                text += &format!(" with `{env}` set");
            }
            if let Some(cwd) = &test.cwd {
                text += &format!(" in `{cwd}`");
            }
            if let Some(into) = &test.into {
                text += &format!(" piped into `{into}`");
            }
            text
        }
        Predicate::File(test) => file(test),
        Predicate::Read(test) if test.path.is_empty() => "reading a file".to_owned(),
        Predicate::Read(test) => format!("reading {}", ticked(&test.path, " or ")),
        Predicate::Commit(test) => format!("a commit whose message {}", text(test)),
        Predicate::PullRequest(test) => format!("a pull request whose text {}", text(test)),
        Predicate::Reply(test) => format!("a reply that {}", text(test)),
        Predicate::Prompt(test) => format!("a prompt that {}", text(test)),
        Predicate::Tool(test) => {
            let name = if test.name.is_empty() { "any tool".to_owned() } else { ticked(&test.name, " or ") };
            match (&test.arg, &test.value) {
                (Some(arg), Some(value)) => format!("{name} where `{arg}` {}", text(value)),
                (Some(arg), None) => format!("{name} with `{arg}`"),
                _ => format!("the tool {name}"),
            }
        }
        Predicate::Exit(exit) => match exit {
            crate::predicate::ExitTest::Ok => "success".to_owned(),
            crate::predicate::ExitTest::Failed => "failure".to_owned(),
            crate::predicate::ExitTest::Code(code) => format!("exit status {code}"),
        },
        Predicate::Workspace(test) => {
            let mut says = Vec::new();
            says.extend(test.exists.map(|yes| if yes { "exists".to_owned() } else { "does not exist".to_owned() }));
            says.extend(test.changed.map(|yes| if yes { "is changed".to_owned() } else { "is unchanged".to_owned() }));
            says.extend(test.text.as_ref().map(text));
            format!("the file `{}` that {}", test.path, says.join(" and "))
        }
        Predicate::Event(moment) => match moment {
            Moment::SessionStart => "the start of a session",
            Moment::Prompt => "a prompt",
            Moment::Tool => "a tool call",
            Moment::Reply => "a reply",
            Moment::Stop => "the end of a turn",
            Moment::SubagentStart => "the start of a subagent",
            Moment::SubagentStop => "the end of a subagent",
            Moment::PreCompact => "a compaction",
        }
        .to_owned(),
    }
}

/// How many alternatives are named before the rest is counted.
const MOST_NAMED: usize = 4;

fn joined(parts: &[Predicate], by: &str) -> String {
    match parts {
        [] => "anything".to_owned(),
        [one] => describe(one),
        many if many.len() > MOST_NAMED => {
            let named = many.iter().take(MOST_NAMED - 1).map(describe).collect::<Vec<_>>().join(", ");
            format!("{named}{by}{} more", many.len() + 1 - MOST_NAMED)
        }
        many => many.iter().map(describe).collect::<Vec<_>>().join(by),
    }
}

fn ticked(words: &[String], by: &str) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(by)
}

fn file(test: &FileTest) -> String {
    let what = match test.action {
        Some(FileAction::Create) => "a new",
        Some(FileAction::Delete) => "a deletion of a",
        Some(FileAction::Modify) | None => "a change of a",
    };
    let language = test.language.join(" or ");
    let mut says = format!("{what} {}file", if language.is_empty() { String::new() } else { format!("{language} ") });
    if !test.path.is_empty() {
        says += &format!(" {}", ticked(&test.path, " or "));
    }
    if !test.not_path.is_empty() {
        says += &format!(" outside {}", ticked(&test.not_path, " and "));
    }
    let mut more = Vec::new();
    more.extend(test.name.as_ref().map(|inner| format!("whose name {}", text(inner))));
    more.extend(test.added.as_ref().map(|inner| format!("whose added lines {}", plural(inner))));
    more.extend(test.removed.as_ref().map(|inner| format!("whose removed lines {}", plural(inner))));
    more.extend(test.content.as_ref().map(|inner| format!("whose text {}", text(inner))));
    more.extend(test.code.as_ref().map(|code| {
        let what: Vec<String> = code.pattern.iter().chain(&code.kind).cloned().collect();
        format!("that introduces {}", ticked(&what, " or "))
    }));
    if !more.is_empty() {
        says += &format!(" {}", more.join(" and "));
    }
    says
}

fn plural(test: &TextTest) -> String {
    text(test).replacen("contains", "contain", 1).replacen("mentions", "mention", 1).replacen("matches", "match", 1)
}

/// Says what a text must be like, as a verb phrase in the third person.
fn text(test: &TextTest) -> String {
    let all = |parts: &[TextTest], by: &str| match parts {
        [] => "is anything".to_owned(),
        many => many.iter().map(text).collect::<Vec<_>>().join(by),
    };
    match test {
        TextTest::All(parts) => all(parts, " and "),
        TextTest::Any(parts) => all(parts, " or "),
        TextTest::Not(part) => format!("is not one that {}", text(part)),
        TextTest::Contains(words) => format!("contains `{words}`"),
        TextTest::Mentions(words) => format!("mentions `{words}`"),
        TextTest::Matches(pattern) => format!("matches `{pattern}`"),
        TextTest::StartsWith(words) => format!("starts with `{words}`"),
        TextTest::EndsWith(words) => format!("ends with `{words}`"),
        TextTest::Empty(yes) => if *yes { "is empty" } else { "is not empty" }.to_owned(),
        TextTest::Emoji(yes) => if *yes { "has an emoji" } else { "has no emoji" }.to_owned(),
        TextTest::Language(code) => format!("is written in `{code}`"),
        TextTest::MaxChars(n) => format!("has at most {n} characters"),
        TextTest::MaxWords(n) => format!("has at most {n} words"),
        TextTest::MaxSentences(n) => format!("has at most {n} sentences"),
        TextTest::MaxLines(n) => format!("has at most {n} lines"),
        TextTest::MaxLineChars(n) => format!("has no line over {n} characters"),
        TextTest::MaxQuestions(n) => format!("asks at most {n} questions"),
        TextTest::MinHeadings(n) => format!("has at least {n} headings"),
        TextTest::Imperative(yes) => if *yes { "is in the imperative" } else { "is not in the imperative" }.to_owned(),
        TextTest::Indent(indent) => match indent {
            Indent::Tabs => "is indented with tabs",
            Indent::Spaces => "is indented with spaces",
            Indent::TwoSpaces => "is indented by two spaces",
            Indent::FourSpaces => "is indented by four spaces",
        }
        .to_owned(),
        TextTest::FirstLine(part) => format!("has a first line that {}", text(part)),
        TextTest::FirstSentence(part) => format!("has a first sentence that {}", text(part)),
        TextTest::Body(part) => format!("has a body that {}", text(part)),
        TextTest::SomeLine(part) => format!("has a line that {}", text(part)),
    }
}

/// Says what a directive asks, in one sentence.
pub fn explain(directive: &Directive) -> String {
    let says = describe;
    let mut sentence = match &directive.pattern {
        Pattern::Absence { never } => format!("Never {}", says(never)),
        Pattern::Substitution { never, instead } => {
            let first = instead.last().map(|replacement| replacement.to.as_str()).unwrap_or_default();
            format!("Never {}; use `{first}`", says(never))
        }
        Pattern::Universality { every, must } => format!("Every {} must be {}", says(every), says(must)),
        Pattern::Precedence { first, then, again_after } => {
            let again = again_after.as_ref().map(|again| format!(", and again after {}", says(again)));
            format!("Before {} there must be {}{}", says(then), says(first), again.unwrap_or_default())
        }
        Pattern::Response { trigger, require } => {
            format!("After {} there must be {} before the turn ends", says(trigger), says(require))
        }
        Pattern::Existence { require } => format!("Before the turn ends there must be {}", says(require)),
        Pattern::BoundedExistence { of, at_most } => format!("At most {at_most} × {}", says(of)),
        Pattern::ResponseChain { trigger, require } => {
            let steps = require.iter().map(says).collect::<Vec<_>>().join(", then ");
            format!("After {} there must be {steps} before the turn ends", says(trigger))
        }
        Pattern::PrecedenceChain { first, then } => {
            let steps = first.iter().map(says).collect::<Vec<_>>().join(", then ");
            format!("Before {} there must be {steps}", says(then))
        }
    };
    sentence += &directive.when.as_ref().map(|when| format!(", when there is {}", says(when))).unwrap_or_default();
    sentence +=
        &directive.unless.as_ref().map(|unless| format!(", unless there is {}", says(unless))).unwrap_or_default();
    sentence += &during(&directive.during);
    sentence += match directive.per {
        Per::Session => "",
        Per::Turn => ", in each turn",
        Per::File => ", for each file by itself",
    };
    sentence + "."
}

fn during(during: &During) -> String {
    let edge = |word: &str, predicate: &Option<Predicate>| {
        predicate.as_ref().map(|predicate| format!(", {word} {}", describe(predicate))).unwrap_or_default()
    };
    edge("from", &during.after) + &edge("until", &during.until) + &edge("if it comes before", &during.before)
}
