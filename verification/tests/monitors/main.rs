//! Monitors against the specification: patterns × scopes exhaustively on short traces, any directive on random ones, the
//! literature's own formulas, a reading of the scopes by cutting the trace into segments, and monitors broken on purpose.
//!
//! A trace is written as instants, each the letters of the predicates that hold then: `q ps .`; where attempts and
//! completions differ, `p/s` is an attempt of `p` and a completion of `s`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod broken;
mod published;

use compiler::monitor::{Atom, Monitor, Phase, lower};
use proptest::prelude::*;
use rules::{Directive, During, Pattern, Predicate};
use serde_json::json;
use verification::reference::Specification;

/// What holds at an instant: a bit for each letter of the alphabet, in attempts and in completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instant {
    attempted: u32,
    completed: u32,
}

fn bit(name: char) -> u32 {
    1 << (u32::from(name) - u32::from('a'))
}

fn holds(predicate: &Predicate, now: u32) -> bool {
    match predicate {
        Predicate::Command(test) => test.run.chars().all(|name| now & bit(name) != 0),
        Predicate::Not(inner) => !holds(inner, now),
        Predicate::All(parts) => parts.iter().all(|part| holds(part, now)),
        Predicate::Any(parts) => parts.iter().any(|part| holds(part, now)),
        other => panic!("{other:?} is not used here"),
    }
}

impl Instant {
    fn both(names: u32) -> Self {
        Self { attempted: names, completed: names }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that a specification asks for")]
    fn truth(atom: &Atom, now: &Self) -> bool {
        match atom.phase {
            Phase::Attempt => holds(&atom.predicate, now.attempted),
            Phase::Completion => holds(&atom.predicate, now.completed),
        }
    }
}

fn trace(text: &str) -> Vec<Instant> {
    let names = |instant: &str| instant.chars().filter(char::is_ascii_lowercase).map(bit).sum();
    text.split_whitespace().map(|instant| Instant::both(names(instant))).collect()
}

fn written(trace: &[Instant]) -> String {
    let letters = |names: u32| ('a'..='z').filter(|name| names & bit(*name) != 0).collect::<String>();
    let instants = trace.iter().map(|now| match (letters(now.attempted), letters(now.completed)) {
        (attempted, completed) if attempted != completed => format!("{attempted}/{completed}"),
        (both, _) if both.is_empty() => ".".to_owned(),
        (both, _) => both,
    });
    instants.collect::<Vec<_>>().join(" ")
}

/// The product, run over instants.
#[derive(Debug, Clone)]
struct Product {
    atoms: Vec<Atom>,
    monitor: Monitor,
}

impl Product {
    fn of(directive: &Directive) -> Self {
        let (atoms, monitor) = lower(directive).unwrap();
        Self { atoms, monitor }
    }

    fn step(&self, state: u8, now: Instant) -> u8 {
        let letter = (0..).zip(&self.atoms).map(|(at, atom)| u8::from(Instant::truth(atom, &now)) << at).sum();
        self.monitor.step(state, letter)
    }

    fn run(&self, trace: &[Instant]) -> u8 {
        trace.iter().fold(Monitor::START, |state, now| self.step(state, *now))
    }

    fn accepts(&self, trace: &[Instant]) -> bool {
        self.monitor.accepts(self.run(trace))
    }

    /// A shortest continuation after which a session may end.
    fn way_out(&self, state: u8, alphabet: &[Instant]) -> Option<Vec<Instant>> {
        let mut ways = vec![(state, Vec::new())];
        let mut at = 0;
        while let Some((state, way)) = ways.get(at).cloned() {
            if self.monitor.accepts(state) {
                return Some(way);
            }
            for now in alphabet {
                let next = self.step(state, *now);
                if ways.iter().all(|(known, _)| *known != next) {
                    ways.push((next, [way.as_slice(), &[*now]].concat()));
                }
            }
            at += 1;
        }
        None
    }
}

/// The scopes read as their prose says: the trace is cut into segments, and each that counts is judged by itself.
fn accepts_by_segments(directive: &Directive, trace: &[Instant]) -> bool {
    let whole = Directive { during: During::default(), ..directive.clone() };
    let whole = Specification::of(&whole).unwrap();
    let During { after, before, until } = &directive.during;
    let is = |bound: &Option<Predicate>, phase: Phase, at: usize| {
        let atom = bound.clone().map(|predicate| Atom { predicate, phase });
        atom.is_some_and(|atom| Instant::truth(&atom, &trace[at]))
    };
    let ends = |at: &usize| is(before, Phase::Attempt, *at) || is(until, Phase::Attempt, *at);
    let starts: Vec<usize> = match (after, before.is_some() || until.is_some()) {
        (None, _) => vec![0],
        (Some(_), false) => (0..trace.len()).find(|at| is(after, Phase::Completion, *at)).into_iter().collect(),
        (Some(_), true) => (0..trace.len()).filter(|at| is(after, Phase::Completion, *at) && !ends(at)).collect(),
    };
    starts.iter().all(|start| match (*start..trace.len()).find(ends) {
        Some(end) => whole.accepts(&trace[*start..end], Instant::truth),
        None if before.is_some() && until.is_none() => true,
        None => whole.accepts(&trace[*start..], Instant::truth),
    })
}

fn p(name: &str) -> Predicate {
    Predicate::command(name)
}

fn absence() -> Pattern {
    Pattern::Absence { never: p("p") }
}

fn existence() -> Pattern {
    Pattern::Existence { require: p("p") }
}

fn universality() -> Pattern {
    Pattern::Universality { every: Predicate::All(Vec::new()), must: p("p") }
}

fn precedence(again: bool) -> Pattern {
    Pattern::Precedence { first: p("s"), then: p("p"), again_after: again.then(|| p("a")) }
}

fn response() -> Pattern {
    Pattern::Response { trigger: p("p"), require: p("s") }
}

fn bounded(at_most: u8) -> Pattern {
    Pattern::BoundedExistence { of: p("p"), at_most }
}

fn response_chain() -> Pattern {
    Pattern::ResponseChain { trigger: p("p"), require: vec![p("s"), p("t")] }
}

fn precedence_chain() -> Pattern {
    Pattern::PrecedenceChain { first: vec![p("s"), p("t")], then: p("p") }
}

/// A pattern in a scope by its name.
fn during(pattern: Pattern, scope: &str) -> Directive {
    let (q, r) = (Some(p("q")), Some(p("r")));
    let during = match scope {
        "globally" => During::default(),
        "before" => During { before: r, ..During::default() },
        "after" => During { after: q, ..During::default() },
        "between" => During { after: q, before: r, until: None },
        "after-until" => During { after: q, before: None, until: r },
        "until" => During { after: None, before: None, until: r },
        other => panic!("no scope {other}"),
    };
    Directive { during, ..Directive::of(pattern) }
}

const SCOPES: [&str; 6] = ["globally", "before", "after", "between", "after-until", "until"];

/// A formula over the letters themselves.
fn formula(text: &str) -> Specification {
    let atom = |name: char| Atom { predicate: p(&name.to_string()), phase: Phase::Completion };
    let names: Vec<_> = "pqrsta".chars().map(|name| (name.to_string(), atom(name))).collect();
    Specification::read(text, &names).unwrap()
}

/// All sets of at most so many of these letters.
fn subsets(names: &str, at_most: u32) -> Vec<u32> {
    let sets = names.chars().fold(vec![0], |sets: Vec<u32>, name| {
        sets.iter().copied().chain(sets.iter().map(|set| set | bit(name))).collect()
    });
    sets.into_iter().filter(|set| set.count_ones() <= at_most).collect()
}

/// All instants with at most so many of these letters, in attempts and completions alike.
fn alphabet(names: &str, at_most: u32) -> Vec<Instant> {
    subsets(names, at_most).into_iter().map(Instant::both).collect()
}

/// All instants with at most so many of these letters in attempts, and so many in completions.
fn phased(names: &str, at_most: u32) -> Vec<Instant> {
    let sets = subsets(names, at_most);
    let completed = |attempted| sets.iter().map(move |completed| Instant { attempted, completed: *completed });
    sets.iter().flat_map(|attempted| completed(*attempted)).collect()
}

/// The letters that a directive's predicates are made of.
fn names(directive: &Directive) -> String {
    let text = serde_json::to_string(&json!([Product::of(directive).atoms])).unwrap();
    ('a'..='z').filter(|name| text.contains(&format!("\"command\":\"{name}\""))).collect()
}

/// Shortest first, the first trace up to a length on which two readings differ.
fn difference(
    alphabet: &[Instant],
    length: usize,
    one: impl Fn(&[Instant]) -> bool,
    other: impl Fn(&[Instant]) -> bool,
) -> Option<Vec<Instant>> {
    let mut traces = vec![Vec::new()];
    for _ in 0..=length {
        if let Some(differs) = traces.iter().find(|trace| one(trace) != other(trace)) {
            return Some(differs.clone());
        }
        let longer =
            |trace: &Vec<Instant>| alphabet.iter().map(|now| [trace, &[*now][..]].concat()).collect::<Vec<_>>();
        traces = traces.iter().flat_map(longer).collect();
    }
    None
}

/// Walks all traces up to a length and compares the product with the specification and with the segments: acceptance at
/// every prefix, and a violation exactly where no continuation is right. `owed` is how many instants meet any obligation
/// of the pattern: the steps of its chain, played one at a time with nothing else.
struct Walk<'a> {
    directive: &'a Directive,
    product: Product,
    specification: Specification,
    alphabet: Vec<Instant>,
    length: usize,
    owed: usize,
    traces: usize,
}

impl Walk<'_> {
    /// Whether the trace or a continuation within the length is right.
    fn walk(&mut self, trace: &mut Vec<Instant>, state: u8) -> bool {
        self.traces += 1;
        let right = self.specification.accepts(trace, Instant::truth);
        let at = || format!("{:?} after `{}`", self.directive, written(trace));
        assert_eq!(self.product.monitor.accepts(state), right, "product and specification, {}", at());
        assert_eq!(accepts_by_segments(self.directive, trace), right, "segments and specification, {}", at());
        let mut hopeful = right;
        if trace.len() < self.length {
            for now in self.alphabet.clone() {
                trace.push(now);
                hopeful |= self.walk(trace, self.product.step(state, now));
                trace.pop();
            }
        }
        let violated = self.product.monitor.violated(state);
        assert!(!(violated && hopeful), "violated but can be right, {:?} after `{}`", self.directive, written(trace));
        if trace.len() + self.owed <= self.length {
            assert_eq!(violated, !hopeful, "{:?} after `{}`", self.directive, written(trace));
        }
        hopeful
    }
}

/// Walks all traces up to length five over directives of up to three letters; over more letters, those of instants with at
/// most one, and shorter ones with at most two.
fn exhaust(directive: &Directive) -> usize {
    let names = names(directive);
    let owed = match &directive.pattern {
        Pattern::ResponseChain { require, .. } => require.len(),
        _ => 1,
    };
    let sizes: &[(u32, usize)] = match names.len() {
        0..=2 => &[(2, 5)],
        3 => &[(3, 5)],
        _ => &[(2, 3), (1, 5)],
    };
    let run = |(most, length): &(u32, usize)| {
        let (product, specification) = (Product::of(directive), Specification::of(directive).unwrap());
        let alphabet = alphabet(&names, *most);
        let mut walk = Walk { directive, product, specification, alphabet, length: *length, owed, traces: 0 };
        walk.walk(&mut Vec::new(), Monitor::START);
        walk.traces
    };
    sizes.iter().map(run).sum()
}

#[test]
fn every_pattern_in_every_scope_is_what_the_specification_says() {
    let patterns = [
        absence(),
        existence(),
        universality(),
        Pattern::Universality { every: p("e"), must: p("p") },
        precedence(false),
        precedence(true),
        response(),
        bounded(0),
        bounded(2),
        response_chain(),
        precedence_chain(),
    ];
    let mut traces = 0;
    for (pattern, scope) in patterns.iter().flat_map(|pattern| SCOPES.map(|scope| (pattern, scope))) {
        traces += exhaust(&during(pattern.clone(), scope));
    }
    eprintln!("{} patterns × {} scopes: {traces} traces", patterns.len(), SCOPES.len());
}

#[test]
fn guards_are_what_the_specification_says() {
    for pattern in [absence(), existence(), bounded(1), precedence(false), response()] {
        for scope in ["globally", "after-until"] {
            let plain = during(pattern.clone(), scope);
            exhaust(&Directive { when: Some(p("w")), ..plain.clone() });
            exhaust(&Directive { unless: Some(p("u")), ..plain });
        }
    }
}

/// A predicate over four letters; few, so that roles often share one.
fn predicates() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        6 => "[a-d]".prop_map(|name| p(&name)),
        1 => "[a-d]".prop_map(|name| p(&name).negated()),
        1 => ("[a-d]", "[a-d]").prop_map(|(a, b)| Predicate::Any(vec![p(&a), p(&b)])),
    ]
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let one = predicates;
    let some = || prop::collection::vec(predicates(), 0..4);
    prop_oneof![
        one().prop_map(|never| Pattern::Absence { never }),
        (one(), one()).prop_map(|(every, must)| Pattern::Universality { every, must }),
        one().prop_map(|require| Pattern::Existence { require }),
        (one(), one(), prop::option::of(one())).prop_map(|(first, then, again_after)| Pattern::Precedence {
            first,
            then,
            again_after
        }),
        (one(), one()).prop_map(|(trigger, require)| Pattern::Response { trigger, require }),
        (one(), 0..4u8).prop_map(|(of, at_most)| Pattern::BoundedExistence { of, at_most }),
        (one(), some()).prop_map(|(trigger, require)| Pattern::ResponseChain { trigger, require }),
        (some(), one()).prop_map(|(first, then)| Pattern::PrecedenceChain { first, then }),
    ]
}

fn directives() -> impl Strategy<Value = Directive> {
    let maybe = |weight| prop::option::weighted(weight, predicates());
    let bounds = (maybe(0.5), maybe(0.4), maybe(0.3));
    (patterns(), maybe(0.3), maybe(0.3), bounds).prop_map(|(pattern, when, unless, (after, before, until))| Directive {
        when,
        unless,
        during: During { after, before, until },
        ..Directive::of(pattern)
    })
}

/// Directives whose atoms are independent of each other: no guards, no composed predicates.
fn independent() -> impl Strategy<Value = Directive> {
    let plain = |predicate: &Predicate| matches!(predicate, Predicate::Command(_));
    directives()
        .prop_map(move |mut directive| {
            (directive.when, directive.unless) = (None, None);
            if directive.during.before.is_some() {
                directive.during.until = None;
            }
            directive
        })
        .prop_filter("composed", move |directive| {
            matches!(directive.pattern, Pattern::Universality { .. })
                || lower(directive).unwrap().0.iter().all(|atom| plain(&atom.predicate))
        })
}

/// Traces in which most instants are an attempt, a completion, or both alike.
fn traces() -> impl Strategy<Value = Vec<Instant>> {
    let instant = (0..16u32, 0..16u32, 0..8u8).prop_map(|(attempted, completed, kind)| match kind {
        0..3 => Instant::both(attempted),
        3..5 => Instant { attempted, completed: 0 },
        5..7 => Instant { attempted: 0, completed },
        _ => Instant { attempted, completed },
    });
    prop::collection::vec(instant, 0..=12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every prefix of a trace the product accepts what the specification and the segments accept.
    #[test]
    fn any_directive_on_any_trace(directive in directives(), trace in traces()) {
        let (product, specification) = (Product::of(&directive), Specification::of(&directive).unwrap());
        prop_assert!(product.monitor.is_valid());
        for end in 0..=trace.len() {
            let (prefix, at) = (&trace[..end], written(&trace[..end]));
            let right = specification.accepts(prefix, Instant::truth);
            prop_assert_eq!(product.accepts(prefix), right, "product, after `{}`", at);
            prop_assert_eq!(accepts_by_segments(&directive, prefix), right, "segments, after `{}`", at);
        }
    }

    /// A violation has no way out of up to two instants with one attempt and one completion each; anything else has one, which the product can
    /// name and the specification confirms.
    #[test]
    fn violated_is_where_nothing_helps(directive in independent(), trace in traces()) {
        let (product, specification) = (Product::of(&directive), Specification::of(&directive).unwrap());
        let (few, all) = (phased("abcd", 1), phased("abcd", 4));
        let mut violated = false;
        for end in 0..=trace.len() {
            let prefix = &trace[..end];
            let state = product.run(prefix);
            if violated {
                prop_assert!(product.monitor.violated(state), "a violation stays one");
            } else if product.monitor.violated(state) {
                violated = true;
                let never = |more: &[Instant]| specification.accepts(&[prefix, more].concat(), Instant::truth);
                let helps = difference(&few, 2, never, |_| false);
                prop_assert!(helps.is_none(), "`{}` helps after `{}`", written(&helps.unwrap()), written(prefix));
            } else {
                let way = product.way_out(state, &all);
                prop_assert!(way.is_some(), "not violated, but no way out after `{}`", written(prefix));
                prop_assert!(specification.accepts(&[prefix, &way.unwrap()].concat(), Instant::truth));
            }
        }
    }
}
