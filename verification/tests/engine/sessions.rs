//! Any rules over any sessions are what the page says: the index leaves no check out, monitors and turns and sessions are
//! kept apart, and what is denied does not happen.

use super::strategy::{self, Ending, PATHS, result};
use compiler::{Check, Checker, Checks, Monitor, NoWorkspace};
use proptest::prelude::*;
use rules::{Event, EventKind, Rule, RuleId};
use std::collections::BTreeSet;
use verification::reference::sessions::{Reading, Sessions};

/// What each event violates: the event and the rules.
pub(crate) type Violations = Vec<(Event, BTreeSet<RuleId>)>;

/// Feeds a session to whoever judges it; results follow the calls that are not denied.
pub(crate) fn run(
    told: bool,
    events: &[(Event, Ending)],
    mut observe: impl FnMut(&Event) -> (BTreeSet<RuleId>, bool),
) -> Violations {
    let mut violations = Vec::new();
    let mut called = BTreeSet::new();
    for (event, ending) in events {
        let (violated, denied) = observe(event);
        violations.push((event.clone(), violated));
        let is_call = matches!(event.kind, EventKind::PreToolUse { .. });
        // The first result is what tells that a session has any.
        let is_first = is_call && !denied && called.insert(event.session.clone());
        let ending = if is_first { ending.or(Some((true, None))) } else { *ending };
        if let Some(ending) = ending.filter(|_| told && is_call && !denied) {
            let done = result(event, ending);
            let (violated, _) = observe(&done);
            violations.push((done, violated));
        }
    }
    violations
}

/// The checks of rules; nothing where one is too complex, or asks for what can never be before anything has happened.
pub(crate) fn checks(rules: &[Rule]) -> Option<Checks> {
    let possible = |check: &Check| !check.monitor.violated(Monitor::START);
    let checks: Option<Vec<Check>> = rules.iter().map(|rule| Check::of(rule).ok().filter(possible)).collect();
    Some(Checks::of(&checks?, [0; 32]))
}

pub(crate) fn by_the_product(checks: &Checks, told: bool, events: &[(Event, Ending)]) -> Violations {
    let mut checker = Checker::new(checks);
    run(told, events, |event| {
        let verdicts = checker.observe(event, &NoWorkspace);
        let denied = verdicts.iter().any(|verdict| verdict.blocks);
        (verdicts.into_iter().map(|verdict| verdict.rule).collect(), denied)
    })
}

pub(crate) fn by_the_page(rules: &[Rule], told: bool, events: &[(Event, Ending)], reading: Reading) -> Violations {
    let mut sessions = Sessions::of(rules, PATHS, told, reading);
    run(told, events, |event| sessions.observe(event))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rules_over_any_session(rules in strategy::rules(), (told, events) in strategy::session()) {
        let Some(checks) = checks(&rules) else { return Err(TestCaseError::reject("not possible")) };
        let product = by_the_product(&checks, told, &events);
        let page = by_the_page(&rules, told, &events, Reading::default());
        if product != page {
            let rules: Vec<String> = rules.iter().map(rules::file::render).collect();
            let judged = |violations: &Violations| {
                let line = |(event, violated): &(Event, _)| format!("{} {violated:?}", serde_json::to_string(event).unwrap());
                violations.iter().map(line).collect::<Vec<_>>().join("\n")
            };
            let (product, page) = (judged(&product), judged(&page));
            prop_assert!(false, "{}\nthe product:\n{product}\nthe page:\n{page}", rules.join("\n"));
        }
    }
}
