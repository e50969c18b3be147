//! Rules of hookify (`.claude/hookify.NAME.local.md`): front matter with an event and patterns, and a message.
//!
//! A rule becomes a check where its patterns look at a command or at an edit; examples are made from the patterns
//! themselves, and tried like all examples. What looks at the transcript or at a prompt becomes a reminder.

use super::document::{front_matter, unquoted};
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};
use rules::predicate::{FileTest, Moment, TextTest, ToolTest};
use rules::{
    Correction, Decision, Directive, Event, Example, Pattern, Predicate, Rule, RuleId, Scope, State, Strength,
    Understanding,
};

/// The most commands that one expression is spelled out as.
const MAX_SPELLINGS: usize = 16;

/// One condition.
#[derive(Debug)]
struct Condition {
    field: String,
    operator: String,
    pattern: String,
}

/// A rule file as a rule.
///
/// # Errors
/// Why it is passed over.
pub(super) fn rule(text: &str, name: &str) -> Result<(Correction, Understanding), &'static str> {
    let (front, message) = front_matter(text);
    let field = |wanted: &str| front.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let slug = field("name").map(unquoted).ok_or("hookify rules without a name")?;
    if field("enabled").is_some_and(|enabled| unquoted(enabled) == "false") {
        return Err("hookify rules that are switched off");
    }
    let event = field("event").map_or("all", unquoted);
    let conditions = match (field("conditions"), field("pattern")) {
        (Some(listed), _) => conditions(listed),
        (None, Some(pattern)) => {
            let looks_at = if event == "file" { "new_text" } else { "command" };
            let condition = |pattern: &str| Condition {
                field: looks_at.to_owned(),
                operator: "regex_match".to_owned(),
                pattern: unquoted(pattern).to_owned(),
            };
            vec![condition(pattern)]
        }
        (None, None) => return Err("hookify rules without a pattern"),
    };
    let quote = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(slug).to_owned();
    let correction = Correction { source: Some(name.to_owned()), ..Correction::of(text) };
    let check = match event {
        "bash" | "file" => check(&conditions),
        _ => None,
    };
    let strength = if field("action").map(unquoted) == Some("block") { Strength::Must } else { Strength::Should };
    let remind_when = match event {
        "stop" => Some(Predicate::Event(Moment::Stop)),
        "prompt" => conditions.first().and_then(text_test).map(Predicate::Prompt),
        _ => None,
    };
    let (never, examples) = check.unzip();
    let rule = Rule {
        id: RuleId::slug(slug),
        title: quote.trim_matches(['*', '#', ' ']).chars().take(80).collect(),
        state: State::Proposed,
        strength,
        decided_by: if never.is_some() { Decision::Check } else { Decision::Reminder },
        confidence: None,
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope: Scope::default(),
        remind_when: remind_when.filter(|_| never.is_none()),
        check: never.map(|never| Directive::of(Pattern::Absence { never })),
        said: vec![correction.quote(&quote)],
        examples: examples.unwrap_or_default(),
    };
    let start = text.find(&quote).unwrap_or_default();
    let understood = Understanding {
        class: rules::Class::Durable,
        evidence: std::iter::once(start..start + quote.len()).collect(),
        rules: vec![rule],
        why: "a rule of hookify".to_owned(),
    };
    Ok((correction, understood))
}

/// The conditions in a list of front matter.
fn conditions(listed: &str) -> Vec<Condition> {
    let mut found: Vec<Condition> = Vec::new();
    for line in listed.lines() {
        let line = line.trim();
        let (is_new, line) = line.strip_prefix("- ").map_or((false, line), |line| (true, line));
        let Some((name, value)) = line.split_once(':') else { continue };
        if is_new {
            let operator = "regex_match".to_owned();
            found.push(Condition { field: String::new(), operator, pattern: String::new() });
        }
        let Some(last) = found.last_mut() else { continue };
        let value = unquoted(value).to_owned();
        match name.trim() {
            "field" => last.field = value,
            "operator" => last.operator = value,
            "pattern" => last.pattern = value,
            _ => {}
        }
    }
    found
}

/// What never happens, with examples; nothing where a condition looks at something that no event holds.
fn check(conditions: &[Condition]) -> Option<(Predicate, Vec<Example>)> {
    let mut parts = Vec::new();
    let (mut command, mut path, mut words) = (None, None, None);
    for condition in conditions {
        let test = text_test(condition)?;
        let example = example(condition)?;
        let shell = |value| {
            let (name, arg) = (vec!["Bash".to_owned()], Some("/command".to_owned()));
            Predicate::Tool(ToolTest { name, arg, value: Some(value) })
        };
        parts.push(match condition.field.as_str() {
            "command" => {
                command = Some(example);
                commands(condition).unwrap_or_else(|| shell(test))
            }
            "file_path" => {
                path = Some(example.trim_end_matches('/').to_owned());
                Predicate::path(globs(condition)?)
            }
            "new_text" | "new_string" | "content" => {
                words = Some(example);
                Predicate::File(Box::new(FileTest { added: Some(test), ..FileTest::default() }))
            }
            _ => return None,
        });
    }
    let events = match (command, path, words) {
        (Some(command), None, None) => [Event::command(command), Event::command("true")],
        (None, path, words) => {
            let (path, words) = (path.unwrap_or_else(|| "notes/a".to_owned()), words.unwrap_or_default());
            [Event::write(path, format!("{words}\n")), Event::write("notes/b", "plain words\n")]
        }
        _ => return None,
    };
    let [violating, clean] = events;
    let examples = vec![Example::of(true, &[violating]), Example::of(false, &[clean])];
    let never = if parts.len() == 1 { parts.pop()? } else { Predicate::All(parts) };
    Some((never, examples))
}

/// The commands that a condition names, seen through quoting and wrappers; nothing where it is about more than plain words.
fn commands(condition: &Condition) -> Option<Predicate> {
    let spelled = match condition.operator.as_str() {
        "regex_match" => spellings(&regex_syntax::parse(&condition.pattern).ok()?)?,
        "contains" | "starts_with" => vec![condition.pattern.clone()],
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_./:=@".contains(c);
    let mut found = Vec::new();
    for text in spelled.iter().map(|text| text.trim()) {
        if text.is_empty() || !text.chars().all(is_plain) {
            return None;
        }
        found.push(Predicate::command(text));
    }
    if found.len() == 1 { found.pop() } else { Some(Predicate::Any(found)) }
}

/// The files that a condition names; nothing where it is about more than plain words.
fn globs(condition: &Condition) -> Option<Vec<String>> {
    let pattern = condition.pattern.as_str();
    let (spelled, begins, ends) = match condition.operator.as_str() {
        "regex_match" => {
            let spelled = spellings(&regex_syntax::parse(pattern).ok()?)?;
            (spelled, pattern.starts_with('^'), pattern.ends_with('$') && !pattern.ends_with("\\$"))
        }
        "contains" => (vec![pattern.to_owned()], false, false),
        "starts_with" => (vec![pattern.to_owned()], true, false),
        "ends_with" => (vec![pattern.to_owned()], false, true),
        "equals" => (vec![pattern.to_owned()], true, true),
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
    let mut globs = Vec::new();
    for text in spelled {
        if text.is_empty() || !text.chars().all(is_plain) {
            return None;
        }
        let heads: &[&str] = if begins { &[""] } else { &["*", "**/*"] };
        let tails: &[&str] = if ends { &[""] } else { &["*", "*/**"] };
        for head in heads {
            globs.extend(tails.iter().map(|tail| format!("{head}{text}{tail}")));
        }
    }
    Some(globs)
}

/// All texts that an expression matches, blanks aside; nothing where they are too many, or not plain.
fn spellings(hir: &Hir) -> Option<Vec<String>> {
    let found = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8(literal.0.to_vec()).ok()?],
        HirKind::Class(class) => vec![is_blank(class).then(|| " ".to_owned())?],
        HirKind::Capture(capture) => spellings(&capture.sub)?,
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max, repetition.sub.kind()) {
            (_, _, HirKind::Class(class)) if is_blank(class) => vec![" ".to_owned()],
            (0, Some(1), _) => spellings(&repetition.sub)?.into_iter().chain([String::new()]).collect(),
            _ => return None,
        },
        HirKind::Alternation(parts) => parts.iter().map(spellings).collect::<Option<Vec<_>>>()?.concat(),
        HirKind::Concat(parts) => parts.iter().try_fold(vec![String::new()], |before, part| {
            let next = spellings(part)?;
            let joined = before.iter().flat_map(|head| next.iter().map(move |tail| format!("{head}{tail}")));
            Some(joined.take(MAX_SPELLINGS + 1).collect())
        })?,
    };
    (found.len() <= MAX_SPELLINGS).then_some(found)
}

/// Whether a class is that of blanks.
fn is_blank(class: &Class) -> bool {
    let Class::Unicode(class) = class else { return false };
    class.iter().all(|range| range.start().is_whitespace() && range.end().is_whitespace())
}

fn text_test(condition: &Condition) -> Option<TextTest> {
    let pattern = condition.pattern.clone();
    Some(match condition.operator.as_str() {
        // Hookify's own expressions ignore case.
        "regex_match" => TextTest::Matches(format!("(?i){pattern}")),
        "contains" => TextTest::Contains(pattern),
        "not_contains" => TextTest::Not(Box::new(TextTest::Contains(pattern))),
        "starts_with" => TextTest::StartsWith(pattern),
        "ends_with" => TextTest::EndsWith(pattern),
        "equals" => TextTest::All(vec![TextTest::StartsWith(pattern.clone()), TextTest::EndsWith(pattern)]),
        _ => return None,
    })
}

/// A text of which a condition holds.
fn example(condition: &Condition) -> Option<String> {
    match condition.operator.as_str() {
        "regex_match" => {
            let mut text = String::new();
            shortest(&regex_syntax::parse(&condition.pattern).ok()?, &mut text);
            Some(text)
        }
        "not_contains" => Some("echo".to_owned()),
        _ => Some(condition.pattern.clone()),
    }
}

/// Adds a text that an expression matches: the first alternative, and every repetition as seldom as it may be, but once.
fn shortest(hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            // Readable where the class allows it.
            let readable =
                class.iter().find_map(|range| ('!'..='~').find(|c| (range.start()..=range.end()).contains(c)));
            let space = || class.iter().any(|range| (range.start()..=range.end()).contains(&' ')).then_some(' ');
            text.extend(space().or(readable).or_else(|| class.iter().next().map(ClassUnicodeRange::start)));
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => {}
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.clamp(u32::from(repetition.max != Some(0)), 64) {
                shortest(&repetition.sub, text);
            }
        }
        HirKind::Capture(capture) => shortest(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| shortest(part, text)),
        HirKind::Alternation(parts) => parts.iter().take(1).for_each(|part| shortest(part, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::rule;
    use compiler::{Check, trial};
    use rules::{Decision, Strength};

    fn file(front: &str) -> String {
        format!("---\nname: mine\nenabled: true\n{front}\n---\n\n**Mind this!**\n\nMore.\n")
    }

    #[test]
    fn rules_become_checks_that_pass_the_examples_made_from_their_patterns() {
        let checks = [
            "event: bash\npattern: rm\\s+-rf|dd\\s+if=\naction: block",
            "event: bash\npattern: (sudo\\s+)?chmod 777",
            "event: file\npattern: console\\.log\\(",
            "event: file\nconditions:\n  - field: file_path\n    operator: regex_match\n    pattern: \\.env$\n  - field: \
             new_text\n    operator: contains\n    pattern: API_KEY",
            "event: file\nconditions:\n  - field: file_path\n    operator: ends_with\n    pattern: .lock",
        ];
        for front in checks {
            let (correction, understood) = rule(&file(front), "hookify.mine.local.md").unwrap();
            let [rule] = understood.rules.as_slice() else { panic!("{front}") };
            assert_eq!((rule.id.as_str(), rule.decided_by), ("mine", Decision::Check), "{front}");
            assert!(correction.text.contains(&rule.said[0].quote));
            let mut tried = rule.clone();
            tried.examples.extend(trial::mutants(rule));
            let trial = trial::run(&tried, &Check::of(rule).unwrap(), &|_| None);
            assert!(trial.passed(), "{front}: {:?}", trial.failures);
            assert_eq!(rule.strength == Strength::Must, front.contains("block"));
        }
    }

    #[test]
    fn what_no_event_holds_is_a_reminder_and_what_is_switched_off_is_passed_over() {
        for front in
            ["event: stop\npattern: .*", "event: prompt\nconditions:\n  - field: user_prompt\n    pattern: deploy"]
        {
            let (_, understood) = rule(&file(front), "h.md").unwrap();
            assert_eq!(understood.rules[0].decided_by, Decision::Reminder);
            assert!(understood.rules[0].remind_when.is_some() && understood.rules[0].check.is_none());
        }
        let off = file("event: bash\npattern: x").replace("enabled: true", "enabled: false");
        assert_eq!(rule(&off, "h.md").unwrap_err(), "hookify rules that are switched off");
        assert_eq!(rule("no front matter", "h.md").unwrap_err(), "hookify rules without a name");
    }
}
