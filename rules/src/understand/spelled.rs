//! What a text that is written out stands for: a call with any arguments, a type with any parameter, and of two ways to write
//! something, what only the one that is not wanted has.

use crate::predicate::TextTest;

/// The texts that a code span stands for: a call with any arguments, a type with any parameter, anything for an ellipsis.
pub(super) fn spelled(text: &str) -> TextTest {
    if text.contains('…') {
        return spelled(&text.replace('…', "..."));
    }
    // A plain word is looked for whole, anything else as it stands; of a template's tag, its name counts.
    let name = |c: char| c.is_alphanumeric() || c == '_';
    if text.chars().all(name) {
        return TextTest::Matches(format!("\\b{text}\\b"));
    }
    if !text.contains(name) {
        // An operator is not a part of a longer one.
        let around = "[^-+*/%=<>!?&|^~.:]";
        return TextTest::Matches(format!("(^|{around}){}($|{around})", escaped(text)));
    }
    if let Some(rooted) = text.strip_prefix('\\').filter(|rest| rest.chars().all(name)) {
        return TextTest::Matches(format!("(^|[^\\w\\\\])\\\\{rooted}\\b"));
    }
    let tag = text.strip_prefix("{%").and_then(|tag| tag.strip_suffix("%}")).map(str::trim);
    if let Some(name) = tag.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')) {
        return TextTest::Matches(format!("\\{{%-?\\s*{name}\\b"));
    }
    let element =
        text.strip_prefix('<').and_then(|tag| tag.strip_suffix('>')).map(|tag| tag.trim_end_matches([' ', '/']));
    if let Some(name) = element.filter(|name| name.len() > 1 && name.chars().all(name_of_element)) {
        // An element is opened with attributes or without.
        return TextTest::Matches(format!("<{}(\\s|/?>|$)", escaped(name)));
    }
    // `verify.base*()` is any call that begins so.
    if let Some(head) = text.strip_suffix("*()").filter(|head| head.ends_with(name) && !head.contains(['*', '('])) {
        return TextTest::Matches(format!("\\b{}\\w*\\(", escaped(head)));
    }
    if let Some(callee) = called_with_samples(text) {
        return TextTest::Matches(format!(
            "{}{}\\(",
            if callee.starts_with(name) { "\\b" } else { "" },
            escaped(callee)
        ));
    }
    if let Some(open) = with_samples(text) {
        return open;
    }
    // `async { }` and `Vec<>` leave open what they hold.
    let empty = [("{ }", "\\{"), ("{}", "\\{"), ("<>", "<")];
    let held = empty.iter().find_map(|(tail, open)| text.strip_suffix(tail).map(|head| (head.trim_end(), *open)));
    if let Some((head, open)) = held.filter(|(head, _)| head.ends_with(name) && !head.contains(['(', '{', '$'])) {
        return TextTest::Matches(format!("{}\\s*{open}", escaped(head)));
    }
    // `assert*` begins so, and `*_fixture` ends so.
    if let Some(head) =
        text.strip_suffix('*').filter(|head| head.ends_with(|c| name(c) || c == '-') && !head.contains('*'))
    {
        return TextTest::Matches(format!("{}\\w*", escaped(head)));
    }
    let call = text.strip_suffix("()").or_else(|| text.strip_suffix("(...)")).map(|name| format!("{name}("));
    let open = call.as_deref().or_else(|| text.strip_suffix("<T>").and_then(|_| text.strip_suffix("T>")));
    let parts: Vec<_> = open.unwrap_or(text).split("...").collect();
    if open.is_none() && parts.len() == 1 {
        return TextTest::Contains(text.to_owned());
    }
    let escaped = parts.into_iter().map(escaped);
    let start = if text.starts_with(|c: char| c.is_alphanumeric() || c == '_') { "\\b" } else { "" };
    TextTest::Matches(format!("{start}{}", escaped.collect::<Vec<_>>().join(".*")))
}

fn name_of_element(c: char) -> bool {
    c.is_alphanumeric() || "._:-".contains(c)
}

/// A text as a regular expression that matches nothing else.
pub(super) fn escaped(text: &str) -> String {
    let escape = |c: char| if "\\.+*?()|[]{}^$".contains(c) { vec!['\\', c] } else { vec![c] };
    text.chars().flat_map(escape).collect()
}

/// The name of what is called with arguments that only show where arguments stand: `log.info("text {x}", arg)`.
fn called_with_samples(text: &str) -> Option<&str> {
    const SAMPLES: [&str; 18] = [
        "foo", "bar", "baz", "arg", "args", "x", "y", "obj", "value", "name", "item", "text", "message", "msg", "key",
        "path", "data", "err",
    ];
    let (callee, arguments) = text.strip_suffix(')')?.split_once('(')?;
    let named = |c: char| c.is_alphanumeric() || "_.:$>-".contains(c);
    let shows = |word: &str| SAMPLES.contains(&word);
    let mut words =
        arguments.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).peekable();
    let sample = words.peek().is_some() && words.all(shows);
    let filled = arguments.starts_with(['"', '\'']) && arguments.contains([' ', '{', '%']);
    (callee.len() > 2 && callee.chars().all(named) && !arguments.contains('(') && (sample || filled)).then_some(callee)
}

/// A text in which names that only show where one stands are left open: `array.map(foo)` is any `….map(…)`.
fn with_samples(text: &str) -> Option<TextTest> {
    let parts = parts(text);
    let sample = |part: &str| matches!(part, "foo" | "bar" | "baz" | "array" | "arr");
    let named = parts.iter().any(|part| is_word(part) && part.len() > 2 && !sample(part));
    let regex = parts.iter().map(|part| match *part {
        part if sample(part) => "\\w+".to_owned(),
        part if part.trim().is_empty() => "\\s+".to_owned(),
        part => escaped(part),
    });
    (named && parts.iter().any(|part| sample(part))).then(|| TextTest::Matches(regex.collect()))
}

/// What only the one of two texts has, where they are two ways to write the same: `x.[` of `x.[0]` beside `x[0]`. Names that
/// both have stand for any, and those that both begin or end with say nothing.
pub(super) fn differing(text: &str, other: &str) -> Option<TextTest> {
    if text.contains('*') || !text.contains(char::is_alphanumeric) {
        return None;
    }
    let (own, beside) = (parts(text), parts(other));
    let shared = |part: &str| is_word(part) && beside.contains(&part);
    let begin = own.iter().zip(&beside).take_while(|(one, two)| one == two).count();
    let most = own.len().min(beside.len()) - begin;
    let end = own.iter().rev().zip(beside.iter().rev()).take(most).take_while(|(one, two)| one == two).count();
    let alike = begin + end > 0 || own.iter().any(|part| shared(part));
    let middle = own.get(begin..own.len() - end).unwrap_or_default();
    if !alike || middle.iter().all(|part| part.trim().is_empty() || shared(part)) {
        return None;
    }
    // A call keeps its name, and a short difference what stands around it.
    let called = |at: &usize| is_word(own.get(*at).copied().unwrap_or_default()) && own.get(at + 1) == Some(&"(");
    let mut first = (0..begin).rev().find(called).unwrap_or(begin);
    let mut last = own.len() - end;
    if middle.iter().filter(|part| !part.trim().is_empty()).count() == 1 {
        first = first.min(begin.saturating_sub(1));
        last += own.get(last..).unwrap_or_default().iter().take_while(|part| part.trim().is_empty()).count()
            + usize::from(end > 0);
    }
    let kept: Vec<_> = own.get(first..last.min(own.len())).unwrap_or_default().to_vec();
    let open = |at: usize, part: &str| shared(part) && kept.get(at + 1) != Some(&"(") || part.trim().is_empty();
    let from = (0..kept.len()).find(|at| !kept.get(*at).is_some_and(|part| open(*at, part)))?;
    let to = (0..kept.len()).rev().find(|at| !kept.get(*at).is_some_and(|part| open(*at, part)))? + 1;
    let fixed = kept.get(from..to)?;
    if fixed.iter().all(|part| part.chars().all(|c| "=<>!&|+-*/% ".contains(c))) {
        // `== null`, and not any `==`.
        return None;
    }
    let mut regex = if is_word(fixed.first()?) {
        "\\b".to_owned()
    } else if from > 0 {
        "\\w".to_owned()
    } else {
        String::new()
    };
    for (at, part) in fixed.iter().enumerate() {
        match part {
            part if part.trim().is_empty() => regex.push_str("\\s+"),
            part if open(from + at, part) => regex.push_str(".+?"),
            part => regex.push_str(&escaped(part)),
        }
    }
    if is_word(fixed.last()?) {
        regex.push_str("\\b");
    }
    let signs = fixed.iter().filter(|part| !is_word(part) && !part.trim().is_empty()).count();
    (signs > 1 || fixed.iter().any(|part| is_word(part) && part.len() > 2 && !shared(part)))
        .then_some(TextTest::Matches(regex))
}

fn is_word(part: &str) -> bool {
    part.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// A text as words, runs of white space and single marks.
fn parts(text: &str) -> Vec<&str> {
    let sort = |c: char| if c.is_alphanumeric() || c == '_' { 0 } else { u8::from(!c.is_whitespace()) + 1 };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match sort(first) {
            2 => first.len_utf8(),
            kind => rest.find(|c| sort(c) != kind).unwrap_or(rest.len()),
        };
        let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        found.push(part);
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(text: &str, other: &str) -> Option<String> {
        match differing(text, other) {
            Some(TextTest::Matches(regex)) => Some(regex),
            _ => None,
        }
    }

    #[test]
    fn of_two_ways_only_what_differs_is_looked_for() {
        let found = |text: &str, other: &str| regex(text, other).unwrap();
        assert_eq!(found("rows:[0]", "rows[0]"), r"\w:\[");
        assert_eq!(found("typedef long id_t;", "using id_t = long;"), r"\btypedef\b");
        assert_eq!(found("load('/a/b')", "load('a/b')"), r"\bload\('/");
        assert_eq!(found("printf \"n %s\" n", "$\"n {n}\""), "\\bprintf\\s+\".+?\\s+%s\"");
        assert_eq!(found("task { }", "job { }"), r"\btask\s+\{");
    }

    #[test]
    fn what_has_nothing_in_common_is_looked_for_as_it_stands() {
        for (text, other) in [("moment", "dayjs"), ("@a/ui", "@a/ui/button"), ("a.get", "a/get"), ("INT (5)", "INT(5)")]
        {
            assert_eq!(regex(text, other), None, "{text}");
        }
    }
}
