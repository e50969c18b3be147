//! Rules of every shape, for properties.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use rules::directive::{Fail, Replacement, Undecided};
use rules::predicate::{
    CodeTest, CommandTest, ExitTest, FileAction, FileTest, Indent, Moment, PathTest, TextTest, ToolTest, WorkspaceTest,
};
use rules::{
    Decision, Directive, During, Example, Pattern, Per, Predicate, Quote, Rule, RuleId, Scope, State, Strength,
};

/// Text with all that is hard to quote.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}( [a-z]{1,8}){0,3}",
        1 => "[a-c'\"\\\\{}#=\n\t,.]{0,12}",
        1 => "'{0,4}[\u{0}-\u{20}\u{7f}é\u{202e}…]{0,4}\"{0,4}[\r\n]{0,2}'{0,4}",
        1 => "[a-z ]{90,130}",
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn text_test() -> impl Strategy<Value = TextTest> {
    let leaf = prop_oneof![
        text().prop_map(TextTest::Contains),
        text().prop_map(TextTest::Mentions),
        text().prop_map(TextTest::Matches),
        any::<bool>().prop_map(TextTest::Emoji),
        any::<bool>().prop_map(TextTest::Empty),
        any::<u32>().prop_map(TextTest::MaxChars),
        Just(TextTest::Indent(Indent::TwoSpaces)),
        Just(TextTest::Language("de".to_owned())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(TextTest::All),
            vec(inner.clone(), 0..3).prop_map(TextTest::Any),
            inner.clone().prop_map(|test| TextTest::Not(Box::new(test))),
            inner.prop_map(|test| TextTest::FirstLine(Box::new(test))),
        ]
    })
}

fn command() -> impl Strategy<Value = Predicate> {
    (text(), texts(), of(text()), of(text()), of(text()))
        .prop_map(|(run, without, env, cwd, into)| Predicate::Command(CommandTest { run, without, env, cwd, into }))
}

fn file() -> impl Strategy<Value = Predicate> {
    let code = (texts(), texts(), of(text_test()), texts()).prop_map(|(pattern, kind, text, not_inside)| CodeTest {
        pattern,
        kind,
        text,
        not_inside,
    });
    let action = of(prop_oneof![Just(FileAction::Create), Just(FileAction::Modify), Just(FileAction::Delete)]);
    let tests = (of(text_test()), of(text_test()), of(text_test()), of(text_test()));
    (texts(), texts(), texts(), action, tests, of(code)).prop_map(
        |(path, not_path, language, action, (name, added, removed, content), code)| {
            let test = FileTest { path, not_path, language, action, name, added, removed, content, code };
            Predicate::File(Box::new(test))
        },
    )
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        3 => command(),
        3 => file(),
        1 => (texts(), texts()).prop_map(|(path, not_path)| Predicate::Read(PathTest { path, not_path })),
        1 => text_test().prop_map(Predicate::Commit),
        1 => text_test().prop_map(Predicate::PullRequest),
        1 => text_test().prop_map(Predicate::Reply),
        1 => text_test().prop_map(Predicate::Prompt),
        1 => (texts(), of(text()), of(text_test()))
            .prop_map(|(name, arg, value)| Predicate::Tool(ToolTest { name, arg, value })),
        1 => any::<i32>().prop_map(|code| Predicate::Exit(ExitTest::Code(code))),
        1 => Just(Predicate::Exit(ExitTest::Failed)),
        1 => (text(), of(any::<bool>()), of(any::<bool>()), of(text_test())).prop_map(|(path, exists, changed, text)| {
            Predicate::Workspace(WorkspaceTest { path, exists, changed, text })
        }),
        1 => Just(Predicate::Event(Moment::SubagentStop)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Predicate::All),
            vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.prop_map(|test| Predicate::Not(Box::new(test))),
        ]
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let replacement =
        (prop_oneof![Just(String::new()), text()], text()).prop_map(|(from, to)| Replacement { from, to });
    let p = || predicate().boxed();
    prop_oneof![
        p().prop_map(|never| Pattern::Absence { never }),
        (p(), vec(replacement, 0..4)).prop_map(|(never, instead)| Pattern::Substitution { never, instead }),
        (p(), p()).prop_map(|(every, must)| Pattern::Universality { every, must }),
        (p(), p(), of(p())).prop_map(|(first, then, again_after)| Pattern::Precedence { first, then, again_after }),
        (p(), p()).prop_map(|(trigger, require)| Pattern::Response { trigger, require }),
        p().prop_map(|require| Pattern::Existence { require }),
        (p(), any::<u8>()).prop_map(|(of, at_most)| Pattern::BoundedExistence { of, at_most }),
        (p(), vec(p(), 0..4)).prop_map(|(trigger, require)| Pattern::ResponseChain { trigger, require }),
        (vec(p(), 0..4), p()).prop_map(|(first, then)| Pattern::PrecedenceChain { first, then }),
    ]
}

fn directive() -> impl Strategy<Value = Directive> {
    let during = (of(predicate()), of(predicate()), of(predicate())).prop_map(|(after, before, until)| During {
        after,
        before,
        until,
    });
    let during = prop_oneof![3 => Just(During::default()), 1 => during];
    let per = prop_oneof![Just(Per::Session), Just(Per::Turn), Just(Per::File)];
    let undecided = prop_oneof![Just(Undecided::Pass), Just(Undecided::Violated)];
    let fail = prop_oneof![Just(Fail::Open), Just(Fail::Closed)];
    (pattern(), of(predicate()), of(predicate()), during, per, undecided, fail).prop_map(
        |(pattern, when, unless, during, per, undecided, fail)| Directive {
            pattern,
            when,
            unless,
            during,
            per,
            undecided,
            fail,
        },
    )
}

fn name() -> impl Strategy<Value = RuleId> {
    "[a-c][a-z0-9-]{0,3}".prop_map(|text| RuleId::try_from(text).unwrap())
}

fn quote() -> impl Strategy<Value = Quote> {
    (text(), "[a-f0-9]{16}", of(text()), of(text()), of(0..u64::MAX >> 1))
        .prop_map(|(quote, correction, source, session, turn)| Quote { quote, correction, source, session, turn })
}

/// A rule whose check can be anything that can be written down, sense or not.
pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    let state = prop_oneof![Just(State::Proposed), Just(State::Shadow), Just(State::Armed), Just(State::Retired)];
    let strength = prop_oneof![Just(Strength::Must), Just(Strength::Should)];
    let decision = prop_oneof![Just(Decision::Check), Just(Decision::Judged), Just(Decision::Reminder)];
    let links = (of(name()), vec(name(), 0..3), of(name()));
    let scope = prop_oneof![
        2 => Just(Scope::default()),
        1 => (texts(), texts(), texts(), texts())
            .prop_map(|(directory, branch, host, session)| Scope { directory, branch, host, session }),
    ];
    let example =
        (any::<bool>(), of(text()), text()).prop_map(|(violates, note, events)| Example { violates, note, events });
    let evidence = (vec(quote(), 0..4), vec(example, 0..4));
    let head = (name(), text(), state, strength, decision, of(0.0f32..=1.0));
    (head, links, scope, of(directive()), of(predicate()), evidence).prop_map(
        |(head, links, scope, check, remind_when, (said, examples))| {
            let (id, title, state, strength, decided_by, confidence) = head;
            let (superseded_by, split_into, refines) = links;
            Rule {
                id,
                title,
                state,
                strength,
                decided_by,
                confidence,
                superseded_by,
                split_into,
                refines,
                scope,
                check,
                remind_when,
                said,
                examples,
            }
        },
    )
}
