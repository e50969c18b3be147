//! Any predicate on any facts is what the page says.

use super::strategy;
use compiler::Workspace;
use compiler::code::Grammars;
use compiler::condition::{Condition, Outcome, Situation};
use compiler::text::Expressions;
use compiler::truth::Truth;
use proptest::prelude::*;
use rules::Predicate;
use verification::reference::predicates::{Seen, truth};

/// A workspace in which it is known of some files only whether they exist.
#[derive(Debug)]
pub(crate) struct Known;

impl Workspace for Known {
    fn root(&self) -> Option<&str> {
        None
    }

    fn read(&self, path: &str) -> Option<String> {
        (path == "a.rs").then(|| "todo".to_owned())
    }

    fn exists(&self, path: &str) -> Option<bool> {
        (!path.starts_with("docs")).then_some(path == "a.rs")
    }

    fn changed(&self, path: &str) -> Option<bool> {
        self.exists(path)
    }
}

pub(crate) fn decided(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    let Seen { facts, outcome, file, workspace } = *seen;
    let (expressions, grammars) = (&Expressions::default(), &Grammars::default());
    let situation = Situation { facts, outcome, file, workspace, expressions, grammars };
    Condition::of(predicate).unwrap().decide(&situation).truth
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_predicate_on_any_facts(
        predicate in strategy::predicate(),
        facts in strategy::facts(),
        ended in prop::option::of((any::<bool>(), prop::option::of(0..3))),
        file in prop::option::weighted(0.2, prop::sample::select(strategy::PATHS)),
    ) {
        let outcome = ended.map(|(ok, code)| Outcome { ok, code });
        let seen = Seen { facts: &facts, outcome, file, workspace: &Known };
        prop_assert_eq!(decided(&predicate, &seen), truth(&predicate, &seen), "{:?}\non {:?}", predicate, facts);
    }
}
