//! The normal form of checks, and the hashes under which the book finds rules that are the same or the reverse.
//!
//! Two predicates have the same normal form only if they mean the same; the converse is not tried for beyond order,
//! nesting, repetition, double negation and white space.

use crate::directive::{Directive, During, Pattern, Replacement};
use crate::predicate::{CodeTest, CommandTest, FileTest, PathTest, Predicate, TextTest, ToolTest, WorkspaceTest};
use crate::rule::{Quote, Rule, Scope};
use serde::Serialize;

/// A hash of something's normal form.
pub(super) type Key = [u8; 16];

/// The most commands that a pattern's alternatives are multiplied out to, and the most words of a replacement.
const MOST_FORMS: usize = 16;

fn key(value: &impl Serialize) -> Key {
    // Every type hashed here has text for its map keys, the only thing that JSON could refuse.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut key = Key::default();
    key.iter_mut().zip(blake3::hash(&text).as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

/// The key of a quote together with whatever cites it.
pub(super) fn citation(by: impl Serialize, quote: &Quote) -> Key {
    key(&("cited", by, &quote.correction, quote.quote.trim()))
}

/// The key of all that a rule's check says but for its replacements.
pub(super) fn form(rule: &Rule) -> Key {
    let unless = rule.check.as_ref().and_then(|check| check.unless.as_ref());
    key(&("form", identity(rule, true), unless.map(normal)))
}

/// The key of what a rule asks for, whatever its exceptions, and on request whatever its applicability.
///
/// A substitution forbids what the absence of the same forbids, so both have one key.
pub(super) fn identity(rule: &Rule, with_when: bool) -> Key {
    let scope = scope(&rule.scope);
    let Some(check) = &rule.check else {
        let words: Vec<String> = rule.title.split_whitespace().map(str::to_lowercase).collect();
        return key(&("unchecked", words, rule.remind_when.as_ref().map(normal), scope));
    };
    let pattern = match pattern(&check.pattern) {
        Pattern::Substitution { never, .. } => Pattern::Absence { never },
        other => other,
    };
    let when = check.when.as_ref().filter(|_| with_when).map(normal);
    key(&("check", pattern, when, during(&check.during), check.per, scope))
}

/// The keys under which a rule is found by its reverse.
pub(super) fn claims(rule: &Rule) -> Vec<Key> {
    let Some(check) = &rule.check else { return Vec::new() };
    let guards = guards(rule, check);
    let banned = terms(check).map(|terms| terms.banned).unwrap_or_default();
    let banned = banned.into_iter().map(|words| key(&("instead of", words, guards)));
    polar(check).into_iter().map(|(holds, what)| key(&(holds, what, guards))).chain(banned).collect()
}

/// The keys under which the rules are found of which this one may be the reverse.
pub(super) fn reverses(rule: &Rule) -> Vec<Key> {
    let Some(check) = &rule.check else { return Vec::new() };
    let guards = guards(rule, check);
    let wanted = terms(check).and_then(|terms| terms.wanted.into_iter().next()).unwrap_or_default();
    let prefixes = (1..=wanted.len().min(MOST_FORMS)).filter_map(|n| wanted.get(..n));
    let prefixes = prefixes.map(|words| key(&("instead of", words, guards)));
    polar(check).into_iter().map(|(holds, what)| key(&(!holds, what, guards))).chain(prefixes).collect()
}

/// Whether two rules found by those keys are the exact reverse of each other.
pub(super) fn is_reverse(newer: &Rule, older: &Rule) -> bool {
    let (Some(newer), Some(older)) = (&newer.check, &older.check) else { return false };
    let asks = |terms: &Terms, others: &Terms| {
        terms.place == others.place
            && terms.wanted.iter().all(|wanted| others.banned.iter().any(|banned| wanted.starts_with(banned)))
    };
    match (terms(newer), terms(older)) {
        (Some(newer), Some(older)) => asks(&newer, &older) && asks(&older, &newer),
        _ => polar(newer).iter().any(|(holds, what)| polar(older).contains(&(!holds, what.clone()))),
    }
}

/// What must be alike in a rule and its reverse.
fn guards(rule: &Rule, check: &Directive) -> Key {
    let when = check.when.as_ref().map(normal);
    let unless = check.unless.as_ref().map(normal);
    key(&(when, unless, during(&check.during), scope(&rule.scope)))
}

/// The tests that a check wants to hold, or not to hold, wherever they can.
fn polar(check: &Directive) -> Vec<(bool, Vec<Predicate>)> {
    match &check.pattern {
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => {
            let (holds, test) = polarity(normal(never));
            vec![(!holds, vec![test])]
        }
        Pattern::Existence { require } => {
            let (holds, test) = polarity(normal(require));
            vec![(holds, vec![test])]
        }
        Pattern::Universality { every, must } => {
            let (holds, test) = polarity(normal(must));
            let every = normal(every);
            let mut all = vec![(holds, vec![every.clone(), test.clone()])];
            if covers(&every, &test) {
                all.push((holds, vec![test]));
            }
            all
        }
        _ => Vec::new(),
    }
}

/// A test without the negations around it, and whether it is to hold.
fn polarity(test: Predicate) -> (bool, Predicate) {
    let of = |(holds, text), whole: fn(TextTest) -> Predicate| (holds, whole(text));
    match test {
        Predicate::Not(inner) => {
            let (holds, inner) = polarity(*inner);
            (!holds, inner)
        }
        Predicate::Reply(inner) => of(text_polarity(inner), Predicate::Reply),
        Predicate::Commit(inner) => of(text_polarity(inner), Predicate::Commit),
        Predicate::PullRequest(inner) => of(text_polarity(inner), Predicate::PullRequest),
        Predicate::Prompt(inner) => of(text_polarity(inner), Predicate::Prompt),
        other => (true, other),
    }
}

fn text_polarity(test: TextTest) -> (bool, TextTest) {
    match test {
        TextTest::Not(inner) => {
            let (holds, inner) = text_polarity(*inner);
            (!holds, inner)
        }
        TextTest::Empty(holds) => (holds, TextTest::Empty(true)),
        TextTest::Emoji(holds) => (holds, TextTest::Emoji(true)),
        TextTest::Imperative(holds) => (holds, TextTest::Imperative(true)),
        other => (true, other),
    }
}

/// Whether every item that the test looks at is of the kind, because the kind is all of them.
fn covers(every: &Predicate, test: &Predicate) -> bool {
    match (every, test) {
        (Predicate::Reply(all), Predicate::Reply(_))
        | (Predicate::Commit(all), Predicate::Commit(_))
        | (Predicate::PullRequest(all), Predicate::PullRequest(_))
        | (Predicate::Prompt(all), Predicate::Prompt(_)) => {
            *all == TextTest::All(Vec::new()) || *all == TextTest::Empty(false)
        }
        _ => false,
    }
}

/// What a substitution forbids and wants, in words.
struct Terms {
    /// Where it is looked for, if not in commands.
    place: Option<Predicate>,
    banned: Vec<Vec<String>>,
    wanted: Vec<Vec<String>>,
}

/// The terms of a substitution that forbids nothing but commands or a text, each named without doubt.
fn terms(check: &Directive) -> Option<Terms> {
    let Pattern::Substitution { never, instead } = &check.pattern else { return None };
    let words = |replacement: &Replacement| replacement.to.split_whitespace().map(str::to_owned).collect();
    let wanted: Vec<Vec<String>> = instead.iter().map(words).collect();
    let tests = match never {
        Predicate::Any(parts) => parts.iter().collect(),
        other => vec![other],
    };
    let mut place = None;
    let mut banned: Vec<Vec<String>> = Vec::new();
    for test in tests {
        match test {
            Predicate::Command(test) if CommandTest::from(test.run.as_str()) == *test => {
                banned.extend(forms(&test.run)?);
            }
            Predicate::File(test) => {
                let Some(TextTest::Contains(term) | TextTest::Mentions(term)) = &test.added else { return None };
                banned.push(term.split_whitespace().map(str::to_owned).collect());
                place = Some(normal(&Predicate::File(Box::new(FileTest { added: None, ..(**test).clone() }))));
            }
            _ => return None,
        }
    }
    let named = |terms: &Vec<Vec<String>>| !terms.is_empty() && !terms.iter().any(Vec::is_empty);
    (named(&banned) && named(&wanted)).then_some(Terms { place, banned, wanted })
}

/// The commands that a pattern names, one for each choice of its alternatives; none where it leaves words open.
fn forms(pattern: &str) -> Option<Vec<Vec<String>>> {
    let mut forms = vec![Vec::new()];
    for word in pattern.split_whitespace() {
        let alternatives: Vec<&str> = word.split('|').collect();
        if word.contains(['*', '?', '$']) || forms.len() * alternatives.len() > MOST_FORMS {
            return None;
        }
        forms = forms
            .iter()
            .flat_map(|form| alternatives.iter().map(|word| [form.as_slice(), &[(*word).to_owned()]].concat()))
            .collect();
    }
    Some(forms)
}

fn scope(scope: &Scope) -> Scope {
    let Scope { directory, branch, host, session } = scope;
    Scope { directory: set(directory), branch: set(branch), host: set(host), session: set(session) }
}

fn during(during: &During) -> During {
    let part = |part: &Option<Predicate>| part.as_ref().map(normal);
    During { after: part(&during.after), before: part(&during.before), until: part(&during.until) }
}

fn pattern(pattern: &Pattern) -> Pattern {
    match pattern {
        Pattern::Absence { never } => Pattern::Absence { never: normal(never) },
        Pattern::Substitution { never, instead } => {
            Pattern::Substitution { never: normal(never), instead: instead.clone() }
        }
        Pattern::Universality { every, must } => Pattern::Universality { every: normal(every), must: normal(must) },
        Pattern::Precedence { first, then, again_after } => Pattern::Precedence {
            first: normal(first),
            then: normal(then),
            again_after: again_after.as_ref().map(normal),
        },
        Pattern::Response { trigger, require } => {
            Pattern::Response { trigger: normal(trigger), require: normal(require) }
        }
        Pattern::Existence { require } => Pattern::Existence { require: normal(require) },
        Pattern::BoundedExistence { of, at_most } => Pattern::BoundedExistence { of: normal(of), at_most: *at_most },
        Pattern::ResponseChain { trigger, require } => {
            Pattern::ResponseChain { trigger: normal(trigger), require: all(require) }
        }
        Pattern::PrecedenceChain { first, then } => Pattern::PrecedenceChain { first: all(first), then: normal(then) },
    }
}

/// The normal forms of predicates, in the same order.
pub(super) fn all<'p>(predicates: impl IntoIterator<Item = &'p Predicate>) -> Vec<Predicate> {
    predicates.into_iter().map(normal).collect()
}

/// The normal form of a predicate.
fn normal(predicate: &Predicate) -> Predicate {
    match predicate {
        Predicate::All(parts) => {
            let open = |part| if let Predicate::All(parts) = part { parts } else { vec![part] };
            lone(sorted(parts.iter().map(normal).flat_map(open)), Predicate::All)
        }
        Predicate::Any(parts) => {
            let open = |part| if let Predicate::Any(parts) = part { parts } else { vec![part] };
            lone(sorted(parts.iter().map(normal).flat_map(open)), Predicate::Any)
        }
        Predicate::Not(inner) => normal(inner).negated(),
        Predicate::Command(test) => Predicate::Command(command(test)),
        Predicate::File(test) => Predicate::File(Box::new(file(test))),
        Predicate::Read(PathTest { path, not_path }) => {
            Predicate::Read(PathTest { path: set(path), not_path: set(not_path) })
        }
        Predicate::Commit(test) => Predicate::Commit(text(test)),
        Predicate::PullRequest(test) => Predicate::PullRequest(text(test)),
        Predicate::Reply(test) => Predicate::Reply(text(test)),
        Predicate::Prompt(test) => Predicate::Prompt(text(test)),
        Predicate::Tool(ToolTest { name, arg, value }) => {
            Predicate::Tool(ToolTest { name: set(name), arg: arg.clone(), value: value.as_ref().map(text) })
        }
        Predicate::Workspace(test) => {
            Predicate::Workspace(WorkspaceTest { text: test.text.as_ref().map(text), ..test.clone() })
        }
        Predicate::Exit(_) | Predicate::Event(_) => predicate.clone(),
    }
}

fn command(test: &CommandTest) -> CommandTest {
    let run = test.run.split_whitespace().collect::<Vec<_>>().join(" ");
    CommandTest { run, without: set(&test.without), ..test.clone() }
}

fn file(test: &FileTest) -> FileTest {
    FileTest {
        path: set(&test.path),
        not_path: set(&test.not_path),
        language: set(&test.language),
        action: test.action,
        name: test.name.as_ref().map(text),
        added: test.added.as_ref().map(text),
        removed: test.removed.as_ref().map(text),
        content: test.content.as_ref().map(text),
        code: test.code.as_ref().map(|code| CodeTest {
            pattern: set(&code.pattern),
            kind: set(&code.kind),
            text: code.text.as_ref().map(text),
            not_inside: set(&code.not_inside),
        }),
    }
}

fn text(test: &TextTest) -> TextTest {
    let boxed = |inner: &TextTest| Box::new(text(inner));
    match test {
        TextTest::All(parts) => {
            let open = |part| if let TextTest::All(parts) = part { parts } else { vec![part] };
            lone(sorted(parts.iter().map(text).flat_map(open)), TextTest::All)
        }
        TextTest::Any(parts) => {
            let open = |part| if let TextTest::Any(parts) = part { parts } else { vec![part] };
            lone(sorted(parts.iter().map(text).flat_map(open)), TextTest::Any)
        }
        TextTest::Not(inner) => match text(inner) {
            TextTest::Not(inner) => *inner,
            other => TextTest::Not(Box::new(other)),
        },
        TextTest::FirstLine(inner) => TextTest::FirstLine(boxed(inner)),
        TextTest::FirstSentence(inner) => TextTest::FirstSentence(boxed(inner)),
        TextTest::Body(inner) => TextTest::Body(boxed(inner)),
        TextTest::SomeLine(inner) => TextTest::SomeLine(boxed(inner)),
        other => other.clone(),
    }
}

/// Words of which the order does not matter.
fn set(words: &[String]) -> Vec<String> {
    sorted(words.iter().cloned())
}

/// Parts of which the order does not matter, in the order of their texts and each once.
fn sorted<T: Serialize + PartialEq>(parts: impl Iterator<Item = T>) -> Vec<T> {
    let mut parts: Vec<T> = parts.collect();
    parts.sort_by_cached_key(|part| serde_json::to_string(part).unwrap_or_default());
    parts.dedup();
    parts
}

/// A combination of parts, or the part itself where it is the only one.
fn lone<T>(mut parts: Vec<T>, combine: fn(Vec<T>) -> T) -> T {
    match (parts.pop(), parts.is_empty()) {
        (Some(part), true) => part,
        (part, _) => {
            parts.extend(part);
            combine(parts)
        }
    }
}
