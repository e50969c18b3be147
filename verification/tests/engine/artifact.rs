//! The artifact keeps what was compiled, and damage to it is refused or harmless, even where the checksum has been made
//! to fit.

use super::sessions::{by_the_product, checks};
use super::strategy;
use compiler::{Check, Checker, Checks, NoWorkspace};
use proptest::prelude::*;
use rules::{Event, Pattern, Predicate, Rule, RuleId};
use verification::fuzz::resealed;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_back_judges_alike(rules in strategy::rules(), (told, events) in strategy::session()) {
        let Some(checks) = checks(&rules) else { return Err(TestCaseError::reject("not possible")) };
        let read = Checks::read(checks.bytes().to_vec()).unwrap();
        prop_assert_eq!(read.iter().collect::<Vec<_>>(), checks.iter().collect::<Vec<_>>());
        prop_assert_eq!(by_the_product(&checks, told, &events), by_the_product(&read, told, &events));
    }
}

/// A rule for each of a few kinds of tests.
fn small() -> Checks {
    let never = [
        Predicate::command("npm install|i --force"),
        Predicate::path(["src/**/*.rs"]),
        serde_json::from_str(r#"{"reply":{"matches":"a+b"}}"#).unwrap(),
    ];
    let rule = |(at, never): (usize, Predicate)| {
        let text = format!("id = 'rule-{at}'\ntitle = 'a rule'\nstate = 'armed'\n");
        let check = Some(rules::Directive::of(Pattern::Absence { never }));
        Rule { check, id: RuleId::slug(&format!("rule-{at}")), ..rules::file::parse(&text, "").unwrap() }
    };
    let rules = never.into_iter().enumerate().map(rule);
    Checks::of(&rules.map(|rule| Check::of(&rule).unwrap()).collect::<Vec<_>>(), [7; 32])
}

/// Uses what was read for everything that it is there for.
fn used(bytes: Vec<u8>) -> bool {
    let Ok(checks) = Checks::read(bytes) else { return false };
    let mut checker = Checker::new(&checks);
    for event in
        [Event::command("npm install --force x"), Event::write("src/a/b.rs", "text\n"), Event::stop("aab", Vec::new())]
    {
        checker.observe(&event, &NoWorkspace);
    }
    checker.pending();
    checks.iter().count() <= checks.len()
}

#[test]
fn every_damaged_byte_is_refused() {
    let bytes = small().bytes().to_vec();
    assert!(used(bytes.clone()));
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            assert!(!used(damaged), "byte {at} ^ {flip} is read");
        }
    }
    for length in 0..bytes.len() {
        assert!(!used(bytes[..length].to_vec()), "{length} bytes are read");
    }
}

#[test]
fn a_damaged_byte_under_a_fitting_checksum_does_no_harm() {
    let bytes = small().bytes().to_vec();
    let mut read = 0;
    for at in 0..bytes.len() {
        for value in [0, 1, 2, 0x3f, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            read += usize::from(used(resealed(damaged)));
        }
    }
    assert!(read > bytes.len(), "what the checksum alone would have found is read: {read}");
}
