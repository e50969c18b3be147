//! An event concerns few rules, however many there are: what keeps a thousand rules as cheap as one.

use crate::rulebook;
use compiler::facts::{NoWorkspace, facts};
use compiler::{Check, Checks};
use rules::{Correction, Decision, Event, Lexicon, understand};

/// How many rules there are.
const RULES: usize = 800;

#[test]
fn rules_are_filed_under_what_they_speak_of() {
    let understood = |line: &str| understand(&Correction::of(line), Lexicon::builtin()).rules;
    let rules = rulebook::corrections(RULES).lines().flat_map(understood).collect::<Vec<_>>();
    let checks: Vec<Check> =
        rules.iter().filter(|rule| rule.decided_by == Decision::Check).map(|rule| Check::of(rule).unwrap()).collect();
    assert_eq!(checks.len(), RULES);
    let checks = Checks::of(&checks, [0; 32]);
    // Each with how many rules it breaks or may break.
    let events = [
        (Event::command("git status && git diff --stat"), 0),
        (Event::command("tool8 deploy --now"), 1),
        (Event::edit("src/app.ts", "const a = 1;", "const a = 2;\nconst b = legacyCaller(a);"), 0),
        (Event::write("bin/ship.sh", "#!/bin/sh\ntool16 deploy\nslow9 --all\n"), 2),
        (Event::edit("lib/core.c", "int x;", "int y = OLD_MACRO_15(x);"), 1),
        (Event::stop("The change is made, and the build is green.", Vec::new()), 0),
    ];
    for (event, broken) in events {
        let concerned = checks.index().candidates(&facts(&event, &NoWorkspace), true).len();
        // Names that begin alike share the grams that they are filed under; kinds of rules share nothing.
        assert!((broken..=broken + RULES / 50).contains(&concerned), "{concerned} of {RULES}: {event:?}");
    }
}
