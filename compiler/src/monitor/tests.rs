//! Patterns and scopes as tables of traces. A trace is instants, each the letters of what is true then, `.` for nothing.

use super::automaton::{Automaton, letters};
use super::ltlf::Formula;
use super::*;
use proptest::prelude::*;
use rules::predicate::Predicate;
use rules::{Directive, During, Pattern};

fn p(name: &str) -> Predicate {
    Predicate::command(name)
}

fn chain(names: &str) -> Vec<Predicate> {
    names.split(' ').map(p).collect()
}

/// Whether a predicate over dummy commands is true where these hold.
fn holds(predicate: &Predicate, now: &str) -> bool {
    match predicate {
        Predicate::Command(test) => now.contains(&test.run),
        Predicate::Not(inner) => !holds(inner, now),
        Predicate::All(parts) => parts.iter().all(|part| holds(part, now)),
        Predicate::Any(parts) => parts.iter().any(|part| holds(part, now)),
        other => panic!("{other:?} is not used here"),
    }
}

/// How a monitor stands after a trace.
fn standing(atoms: &[Atom], monitor: &Monitor, trace: &str) -> &'static str {
    let state = trace.split_whitespace().fold(Monitor::START, |state, now| {
        let bits = atoms.iter().enumerate().map(|(at, atom)| u8::from(holds(&atom.predicate, now)) << at);
        monitor.step(state, bits.sum())
    });
    match (monitor.violated(state), monitor.settled(state), monitor.accepts(state)) {
        (true, ..) => "violated",
        (_, true, _) => "settled",
        (_, _, true) => "ok",
        _ => "pending",
    }
}

/// Runs a table of `trace | standing`.
fn table(directive: &Directive, cases: &str) {
    let (atoms, monitor) = lower(directive).unwrap();
    assert!(monitor.is_valid());
    for case in cases.lines().filter(|line| !line.trim().is_empty()) {
        let (trace, expected) = case.split_once('|').unwrap();
        assert_eq!(standing(&atoms, &monitor, trace), expected.trim(), "after `{}`", trace.trim());
    }
}

fn during(pattern: Pattern, after: &str, before: &str, until: &str) -> Directive {
    let bound = |name: &str| (!name.is_empty()).then(|| p(name));
    let during = During { after: bound(after), before: bound(before), until: bound(until) };
    Directive { during, ..Directive::of(pattern) }
}

fn absence() -> Pattern {
    Pattern::Absence { never: p("p") }
}

fn existence() -> Pattern {
    Pattern::Existence { require: p("p") }
}

fn response() -> Pattern {
    Pattern::Response { trigger: p("t"), require: p("r") }
}

#[test]
fn absence_bites_at_once() {
    table(&Directive::of(absence()), " |ok\n .|ok\n p|violated\n . p .|violated");
    let guarded = Directive { when: Some(p("w")), unless: Some(p("u")), ..Directive::of(absence()) };
    table(&guarded, "p|ok\n pw|violated\n pwu|ok\n w p|ok");
}

#[test]
fn substitution_is_absence() {
    let substitution = Pattern::Substitution { never: p("p"), instead: Vec::new() };
    assert_eq!(lower(&Directive::of(substitution)), lower(&Directive::of(absence())));
}

#[test]
fn universality_bites_where_it_is_not_so() {
    let universality = Directive::of(Pattern::Universality { every: p("e"), must: p("m") });
    table(&universality, ".|ok\n em|ok\n e|violated\n m|ok");
    let guarded = Directive { when: Some(p("w")), unless: Some(p("u")), ..universality };
    table(&guarded, "e|ok\n ew|violated\n ewm|ok\n ewu|ok");
}

#[test]
fn precedence_wants_the_first_thing_first() {
    let precedence = |again_after| Directive::of(Pattern::Precedence { first: p("f"), then: p("t"), again_after });
    table(&precedence(None), ".|ok\n t|violated\n f|settled\n f t a t|settled\n ft|settled");
    let again = precedence(Some(p("a")));
    table(&again, "t|violated\n f t|ok\n f a t|violated\n f a f t|ok\n f af t|ok\n f at|violated\n a|ok");
}

#[test]
fn response_is_open_until_it_is_met() {
    let directive = Directive::of(response());
    table(&directive, " |ok\n t|pending\n t . r|ok\n tr|ok\n r t|pending\n t r t|pending");
    let guarded = Directive { when: Some(p("w")), unless: Some(p("u")), ..directive };
    table(&guarded, "t|ok\n tw|pending\n tw r|ok\n twu|ok");
}

#[test]
fn existence_is_open_until_it_happens() {
    let directive = Directive::of(existence());
    table(&directive, " |pending\n . .|pending\n . p|settled");
    let guarded = Directive { when: Some(p("w")), unless: Some(p("u")), ..directive };
    table(&guarded, " |ok\n w|pending\n u w|settled\n w u|settled\n p w|settled");
}

#[test]
fn bounded_existence_counts() {
    let at_most = |at_most| Directive::of(Pattern::BoundedExistence { of: p("p"), at_most });
    table(&at_most(0), ".|ok\n p|violated");
    table(&at_most(2), "p . p|ok\n p p .|ok\n p p p|violated\n p . p . p|violated");
    assert_eq!(lower(&at_most(254)).unwrap().1.states().count(), MAX_STATES);
    assert_eq!(lower(&at_most(255)), Err(TooComplex));
}

#[test]
fn response_chain_is_met_in_order() {
    let directive = Directive::of(Pattern::ResponseChain { trigger: p("t"), require: chain("a b") });
    table(
        &directive,
        " |ok\n t|pending\n t a b|ok\n t ab|pending\n t b a|pending\n ta b|ok\n t a t b|pending\n t a t b a b|ok",
    );
    let twice = Directive::of(Pattern::ResponseChain { trigger: p("t"), require: chain("a a") });
    table(&twice, "t a|pending\n t a a|ok");
    let empty = Directive::of(Pattern::ResponseChain { trigger: p("t"), require: Vec::new() });
    table(&empty, "t|settled");
}

#[test]
fn precedence_chain_wants_all_things_first() {
    let directive = Directive::of(Pattern::PrecedenceChain { first: chain("a b"), then: p("t") });
    table(
        &directive,
        " |ok\n t|violated\n a t|violated\n a b t|settled\n a bt|settled\n ab t|violated\n b a t|violated\n at b|violated",
    );
}

#[test]
fn a_chain_has_a_longest_length() {
    let longest = |n| Directive::of(Pattern::ResponseChain { trigger: p("t"), require: vec![p("a"); n] });
    assert!(lower(&longest(8)).is_ok());
    assert_eq!(lower(&longest(9)), Err(TooComplex));
    let names: Vec<Predicate> = (0..9).map(|n| p(&n.to_string())).collect();
    let wide = |n: usize| Directive::of(Pattern::PrecedenceChain { first: names[1..n].to_vec(), then: p("0") });
    assert_eq!(lower(&wide(8)).unwrap().0.len(), MAX_ATOMS);
    assert_eq!(lower(&wide(9)), Err(TooComplex));
}

#[test]
fn after_covers_all_from_the_first_start() {
    table(&during(absence(), "q", "", ""), "p|ok\n p q|ok\n qp|violated\n q . p|violated");
    table(&during(existence(), "q", "", ""), " |ok\n p|ok\n p q|pending\n qp|settled\n q p q|settled");
}

#[test]
fn before_counts_only_when_the_end_comes() {
    table(&during(absence(), "", "r", ""), "p|ok\n p r|violated\n rp|settled\n r p|settled");
    table(&during(existence(), "", "r", ""), " |ok\n r|violated\n p|settled\n rp|violated\n . r p|violated");
    table(&during(response(), "", "e", ""), "t|ok\n t e|violated\n t r e|settled\n t er|violated");
}

#[test]
fn between_counts_every_segment_that_is_closed() {
    let between = during(absence(), "q", "r", "");
    table(
        &between,
        "p|ok\n q p|ok\n q p r|violated\n q . r p|ok\n q r q p r|violated\n qp r|violated\n q rp|ok\n qr p r|ok",
    );
    table(&during(existence(), "q", "r", ""), "q r|violated\n q|ok\n q p r|ok\n q p q r|violated\n q qp r|ok");
}

#[test]
fn after_until_counts_the_last_segment_too() {
    let until = during(absence(), "q", "", "r");
    table(&until, "p|ok\n q p|violated\n q r p|ok\n q rp|ok\n qr p|ok\n q r qp|violated");
    table(&during(existence(), "q", "", "r"), "q|pending\n q p|ok\n q r|violated\n q p q|pending");
    table(&during(existence(), "", "", "r"), " |pending\n p|settled\n r|violated\n . p r|settled");
}

#[test]
fn overlapping_segments_stay_few() {
    let counted = Pattern::BoundedExistence { of: p("p"), at_most: 100 };
    let (_, monitor) = lower(&during(counted, "q", "", "r")).unwrap();
    assert_eq!(monitor.states().count(), 103, "outside, 0 to 100 inside, violated");
}

#[test]
fn with_both_ends_a_segment_ends_at_either_or_with_the_session() {
    table(&during(absence(), "q", "r", "e"), "q p|violated\n q r p|ok\n q e p|ok");
}

#[test]
fn the_same_predicate_in_the_same_phase_is_one_atom() {
    let same = Pattern::Precedence { first: p("a"), then: p("a"), again_after: Some(p("a")) };
    let (atoms, _) = lower(&Directive::of(same)).unwrap();
    assert_eq!(atoms, [Phase::Attempt, Phase::Completion].map(|phase| Atom { predicate: p("a"), phase }),);
}

#[test]
fn a_damaged_monitor_is_not_valid_and_does_no_harm() {
    let (_, monitor) = lower(&Directive::of(response())).unwrap();
    let damaged = [
        Monitor { letters: 3, ..monitor.clone() },
        Monitor { letters: 512, ..monitor.clone() },
        Monitor { letters: 0, next: Vec::new(), accepting: Vec::new() },
        Monitor { accepting: vec![true; 300], ..monitor.clone() },
        Monitor { next: vec![7; monitor.next.len()], ..monitor.clone() },
        Monitor { next: Vec::new(), ..monitor.clone() },
    ];
    assert!(monitor.is_valid());
    for monitor in damaged {
        assert!(!monitor.is_valid(), "{monitor:?}");
        for state in 0..=u8::MAX {
            let next = monitor.step(state, 255);
            let _ = (monitor.accepts(next), monitor.violated(next), monitor.settled(next), monitor.heeds(next, 0));
        }
    }
    assert_eq!(monitor.step(9, 0), 9);
    assert!(monitor.settled(9));
}

#[test]
fn a_monitor_survives_its_binary_form() {
    let (_, monitor) = lower(&during(response(), "q", "", "e")).unwrap();
    let bytes = postcard::to_stdvec(&monitor).unwrap();
    assert_eq!(postcard::from_bytes::<Monitor>(&bytes).unwrap(), monitor);
}

#[test]
fn an_instant_without_atoms_changes_nothing_in_a_pattern() {
    for pattern in [absence(), existence(), response()] {
        let (_, monitor) = lower(&during(pattern, "q", "", "e")).unwrap();
        assert!(monitor.states().all(|state| monitor.idle(state)));
    }
    let must_be = Pattern::Absence { never: p("p").negated() };
    let (_, monitor) = lower(&Directive::of(must_be)).unwrap();
    assert!(monitor.idle(Monitor::START), "the negation is inside the atom");
}

/// Any formula over three atoms, four operators deep.
fn formulas() -> impl Strategy<Value = Formula> {
    let leaf = prop_oneof![
        Just(Formula::truth()),
        Just(Formula::falsity()),
        (0..3u8).prop_map(Formula::atom),
        (0..3u8).prop_map(Formula::not),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| a.and(&b)),
            two.clone().prop_map(|(a, b)| a.or(b)),
            two.clone().prop_map(|(a, b)| a.until(b)),
            two.prop_map(|(a, b)| a.weak_until(b)),
            inner.clone().prop_map(Formula::next),
            inner.prop_map(Formula::weak_next),
        ]
    })
}

proptest! {
    /// The automaton, minimised or not, accepts what progression accepts.
    #[test]
    fn minimised_is_unminimised_is_progression(formula in formulas(), trace in prop::collection::vec(0..8u8, 0..10)) {
        let Ok(large) = Automaton::explore(3, formula.clone(), Formula::progress, Formula::accepts_empty) else {
            return Ok(());
        };
        let small = large.minimised();
        prop_assert!(small.accepting.len() <= large.accepting.len());
        prop_assert_eq!(&small.minimised(), &small);
        let run = |automaton: &Automaton| {
            let end = trace.iter().fold(0, |state, letter| automaton.step(state, *letter));
            automaton.accepts(end)
        };
        let rest = trace.iter().fold(formula, |rest, letter| rest.progress(*letter));
        prop_assert_eq!(run(&small), run(&large));
        prop_assert_eq!(run(&small), rest.accepts_empty());
    }

    /// No two states of a minimised automaton accept the same words.
    #[test]
    fn minimal_states_differ(formula in formulas()) {
        let Ok(large) = Automaton::explore(3, formula, Formula::progress, Formula::accepts_empty) else {
            return Ok(());
        };
        let small = large.minimised();
        let escapes = small.escapes();
        let states = small.accepting.len();
        for (s, t) in (0..states).flat_map(|s| (0..s).map(move |t| (s, t))) {
            prop_assert!(escapes.contains(&(s, t)) || escapes.contains(&(t, s)));
        }
    }

    /// The temporal operators' duals and expansions hold of progressed formulas too.
    #[test]
    fn weak_until_is_until_or_always(formula in formulas(), trace in prop::collection::vec(0..8u8, 0..8)) {
        let end = Formula::atom(0);
        let weak = formula.clone().weak_until(end.clone());
        let strong = formula.clone().until(end).or(formula.always());
        let after = |start: Formula| trace.iter().fold(start, |rest, letter| rest.progress(*letter)).accepts_empty();
        prop_assert_eq!(after(weak), after(strong));
    }
}

#[test]
fn letters_are_all_bit_sets() {
    assert_eq!(letters(0).count(), 1);
    assert_eq!(letters(8).count(), 256);
}
