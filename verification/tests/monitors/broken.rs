//! Monitors broken on purpose: each is a mistake that is easily made, and each must be caught.

use super::*;
use serde_json::Value;
use std::fmt::Write as _;

/// What a broken monitor accepts.
type Accepts = Box<dyn Fn(&[Instant]) -> bool>;

/// A monitor with a deliberate mistake, and the directive that it pretends to be for.
struct Broken {
    mistake: &'static str,
    directive: Directive,
    /// Whether only traces with attempts and completions apart can show it.
    by_phase: bool,
    accepts: Accepts,
}

impl Broken {
    /// Lowers another directive instead.
    fn directive(mistake: &'static str, directive: Directive, instead: &Directive) -> Self {
        let product = Product::of(instead);
        Self { mistake, directive, by_phase: false, accepts: Box::new(move |trace| product.accepts(trace)) }
    }

    /// Means another formula.
    fn formula(mistake: &'static str, directive: Directive, text: &str) -> Self {
        let formula = formula(text);
        Self {
            mistake,
            directive,
            by_phase: false,
            accepts: Box::new(move |trace| formula.accepts(trace, Instant::truth)),
        }
    }

    /// Has another table: `redirect` says, from the true monitor, which state to go to instead of which.
    fn table(mistake: &'static str, directive: Directive, redirect: impl Fn(&Monitor, u8) -> u8) -> Self {
        let product = Product::of(&directive);
        let mut table = serde_json::to_value(&product.monitor).unwrap();
        for to in table.get_mut("next").and_then(Value::as_array_mut).unwrap() {
            let state = u8::try_from(to.as_u64().unwrap()).unwrap();
            *to = Value::from(redirect(&product.monitor, state));
        }
        let product = Product { monitor: serde_json::from_value(table).unwrap(), ..product };
        Self { mistake, directive, by_phase: false, accepts: Box::new(move |trace| product.accepts(trace)) }
    }

    /// Looks for every atom in either phase.
    fn phases(mistake: &'static str, directive: Directive) -> Self {
        let product = Product::of(&directive);
        let blind = move |trace: &[Instant]| {
            let either = trace.iter().map(|now| Instant::both(now.attempted | now.completed));
            product.accepts(&either.collect::<Vec<_>>())
        };
        Self { mistake, directive, by_phase: true, accepts: Box::new(blind) }
    }
}

fn broken() -> Vec<Broken> {
    let globally = Directive::of;
    let guarded = |pattern| Directive { when: Some(p("w")), unless: Some(p("u")), ..Directive::of(pattern) };
    let state = |monitor: &Monitor, is: &dyn Fn(u8) -> bool| monitor.states().find(|state| is(*state));
    vec![
        Broken::directive("precedence forgets again_after", globally(precedence(true)), &globally(precedence(false))),
        Broken::directive("bounded existence allows one more", globally(bounded(2)), &globally(bounded(3))),
        Broken::directive("bounded existence allows one less", globally(bounded(2)), &globally(bounded(1))),
        Broken::directive("between is after-until", during(absence(), "between"), &during(absence(), "after-until")),
        Broken::directive(
            "after-until is between",
            during(existence(), "after-until"),
            &during(existence(), "between"),
        ),
        Broken::directive("before does not wait for the end", during(absence(), "before"), &during(absence(), "until")),
        Broken::directive("until is ignored", during(absence(), "after-until"), &during(absence(), "after")),
        Broken::directive("when is ignored", guarded(absence()), &Directive { when: None, ..guarded(absence()) }),
        Broken::directive("unless is ignored", guarded(response()), &Directive { unless: None, ..guarded(response()) }),
        Broken::directive(
            "existence needs no when",
            guarded(existence()),
            &Directive { when: None, ..guarded(existence()) },
        ),
        Broken::formula("response is met by an earlier reaction", globally(response()), "F p -> F s"),
        Broken::formula("response needs a later instant", globally(response()), "G(p -> X F s)"),
        Broken::formula("response is never reopened", globally(response()), "!p W (p & F s)"),
        Broken::formula("precedence must come about", globally(precedence(false)), "!p U s"),
        Broken::formula("precedence needs an earlier instant", globally(precedence(false)), "!p W (s & !p)"),
        Broken::formula(
            "the end is part of the segment",
            during(absence(), "after-until"),
            "G((q & !r) -> (!p W (r & !p)))",
        ),
        Broken::formula("what comes with the end counts", during(existence(), "before"), "F r -> (!r U p)"),
        Broken::formula("the start is not part of the segment", during(absence(), "after"), "!q W (q & N G !p)"),
        Broken::formula("after restarts at each start", during(existence(), "after"), "G(q -> F p)"),
        Broken::formula("a later start forgives", during(precedence(false), "after"), "(G !q) | F(q & (!p W s))"),
        Broken::formula(
            "a second start opens no segment",
            during(existence(), "between"),
            "(!(!(q & !r) U (q & !r & !p & ((!r & !p) U r)))) & G(r -> N !(!(q & !r) U (q & !r & !p & ((!r & !p) U r))))",
        ),
        Broken::formula(
            "a start at an end opens a segment",
            during(absence(), "after-until"),
            "G(q -> (!p & N(!p W r)))",
        ),
        Broken::formula("a session may not end between steps", globally(bounded(1)), "!p W (p & X G !p)"),
        Broken::formula("a chain is met in any order", globally(response_chain()), "G(p -> (F s & F t))"),
        Broken::formula("a chain is met in one instant", globally(response_chain()), "G(p -> F(s & F t))"),
        Broken::formula("a chain forgets its last step", globally(response_chain()), "G(p -> F s)"),
        Broken::formula(
            "a chain precedes in any order",
            globally(precedence_chain()),
            "F p -> ((!p U (s & !p)) & (!p U t))",
        ),
        Broken::table("the trap is merged with the settled state", globally(precedence(false)), move |monitor, to| {
            let settled = state(monitor, &|state| monitor.settled(state)).unwrap();
            if monitor.violated(to) { settled } else { to }
        }),
        Broken::table("states are told apart by acceptance alone", globally(bounded(2)), |monitor, to| {
            monitor.states().find(|state| monitor.accepts(*state) == monitor.accepts(to)).unwrap()
        }),
        Broken::table("an open segment forgets its obligation", during(response(), "after-until"), |monitor, to| {
            if monitor.accepts(to) || monitor.violated(to) { to } else { Monitor::START }
        }),
        Broken::phases("an attempt meets an obligation", globally(response())),
        Broken::phases("a completion is a second attempt", globally(bounded(1))),
    ]
}

#[test]
fn monitors_broken_on_purpose_are_caught() {
    let mut ledger = format!("{:<44} | {:<18} | caught by\n", "mistake", "pattern");
    let mut missed = Vec::new();
    for Broken { mistake, directive, by_phase, accepts } in broken() {
        let specification = Specification::of(&directive).unwrap();
        let specified = |trace: &[Instant]| specification.accepts(trace, Instant::truth);
        let names = names(&directive);
        let (alphabet, length) = if by_phase { (phased(&names, 1), 2) } else { (alphabet(&names, 3), 4) };
        let product = Product::of(&directive);
        let unbroken = difference(&alphabet, length.min(3), specified, |trace| product.accepts(trace));
        assert_eq!(unbroken, None, "{mistake}: caught even without it");
        match difference(&alphabet, length, specified, &accepts) {
            None => missed.push(mistake),
            Some(trace) => {
                let trace = if trace.is_empty() { "nothing yet".to_owned() } else { written(&trace) };
                writeln!(ledger, "{mistake:<44} | {:<18} | {trace}", directive.pattern.name()).unwrap();
            }
        }
    }
    eprintln!("{ledger}");
    assert_eq!(missed, Vec::<&str>::new(), "not caught");
}
