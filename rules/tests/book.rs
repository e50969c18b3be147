//! Rules as files, and the rule book: what is written is read back, what is wrong is shown where it stands, and what is
//! said again changes nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall fail")]

mod strategy;

use proptest::prelude::*;
use rules::book::{Action, Admission, Change, NotAllowed, RuleBook, Trail, transition};
use rules::directive::Replacement;
use rules::file::{misnamed, parse, render, update};
use rules::predicate::{CodeTest, CommandTest, FileTest, TextTest};
use rules::{Directive, Event, Example, Pattern, Predicate, Quote, Rule, RuleId, Scope, State, Strength};

fn id(text: &str) -> RuleId {
    RuleId::try_from(text.to_owned()).unwrap()
}

/// A rule that follows from words with the hash `correction`.
fn rule(name: &str, correction: &str, pattern: Pattern) -> Rule {
    let quote = format!("words of {correction}");
    Rule {
        id: id(name),
        title: name.to_owned(),
        state: State::Armed,
        strength: Strength::Must,
        decided_by: rules::Decision::Check,
        confidence: Some(0.8),
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope: Scope::default(),
        check: Some(Directive::of(pattern)),
        remind_when: None,
        said: vec![Quote {
            quote,
            correction: correction.to_owned(),
            source: None,
            session: Some("s".to_owned()),
            turn: correction.trim_start_matches('c').parse().ok(),
        }],
        examples: Vec::new(),
    }
}

fn never(command: &str) -> Pattern {
    Pattern::Absence { never: Predicate::command(command) }
}

fn instead(from: &str, to: &str) -> Pattern {
    let replacement = Replacement { from: from.to_owned(), to: to.to_owned() };
    Pattern::Substitution { never: Predicate::command(from), instead: vec![replacement] }
}

fn with(mut rule: Rule, change: impl FnOnce(&mut Directive)) -> Rule {
    change(rule.check.as_mut().unwrap());
    rule
}

fn admit(book: &mut RuleBook, proposal: &Rule) -> Admission {
    let admission = book.admit(proposal);
    admission.clone().into_rules().into_iter().for_each(|rule| book.insert(rule));
    admission
}

fn example() -> Rule {
    let rule = Rule {
        title: "no unwrap() outside tests; use ?".to_owned(),
        scope: Scope { directory: vec!["server/**".to_owned()], ..Scope::default() },
        examples: vec![
            Example::of(true, &[Event::write("src/a.rs", "x.unwrap();\n")]),
            Example::of(false, &[Event::write("src/a.rs", "x?;\n")]).noted("the fix"),
        ],
        ..rule("unwrap-in-library", "7f3a9c01d2e4b586", never("x"))
    };
    with(rule, |check| {
        let code = CodeTest { pattern: vec!["$X.unwrap()".to_owned()], ..CodeTest::default() };
        let file = FileTest {
            language: vec!["rust".to_owned()],
            not_path: vec!["tests/**".to_owned(), "**/test_*.rs".to_owned(), "benches/**".to_owned()],
            code: Some(code),
            ..FileTest::default()
        };
        check.pattern = Pattern::Absence { never: Predicate::File(Box::new(file)) };
        check.unless = Some(Predicate::Any(vec![
            Predicate::Commit(TextTest::Matches(r"^(wip|draft)\b".to_owned())),
            Predicate::Command(CommandTest {
                cwd: Some("experiments/**".to_owned()),
                ..CommandTest::from("cargo run")
            }),
            Predicate::path(["examples/**"]),
        ]));
    })
}

#[test]
fn a_rule_reads_well() {
    insta::assert_snapshot!(render(&example()), @r#"
    id = "unwrap-in-library"
    title = "no unwrap() outside tests; use ?"
    state = "armed"
    confidence = 0.8

    [scope]
    directory = ["server/**"]

    [check]
    pattern = "absence"
    unless.any = [
        { commit = { matches = '^(wip|draft)\b' } },
        { command = { run = "cargo run", cwd = "experiments/**" } },
        { file = { path = ["examples/**"] } },
    ]

    [check.never.file]
    not_path = ["tests/**", "**/test_*.rs", "benches/**"]
    language = ["rust"]
    code = { pattern = ["$X.unwrap()"] }

    [[said]]
    quote = "words of 7f3a9c01d2e4b586"
    correction = "7f3a9c01d2e4b586"
    session = "s"

    [[example]]
    violates = true
    events = '''
    {"event":"pre_tool_use","tool":"Write","input":{"file_path":"src/a.rs","content":"x.unwrap();\n"}}'''

    [[example]]
    violates = false
    note = "the fix"
    events = '''
    {"event":"pre_tool_use","tool":"Write","input":{"file_path":"src/a.rs","content":"x?;\n"}}'''
    "#);
}

#[test]
fn every_fault_of_a_file_is_shown_where_it_stands() {
    let text = r#"
id = "no-npm"
title = "no npm"
state = "armd"

[check]
pattern = "absence"
never = { comand = "npm" }
unles = { command = "npm ci", file = {} }
when = { all = [{ command = { run = "a", wihtout = [] } }] }
"#;
    let faults = parse(text, "rules/no-npm.toml").unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    rules/no-npm.toml:4:9: T201: unknown variant `armd` (help: did you mean `armed`?)
    rules/no-npm.toml:8:11: T201: unknown variant `comand` (help: did you mean `command`?)
    rules/no-npm.toml:9:1: T201: unknown field `unles` (help: did you mean `unless`?)
    rules/no-npm.toml:10:17: T201: a command is a pattern, or a table of `run`, `without`, `env`, `cwd` and `into` (help: mend the file, or take the last change back with `trace rules undo NAME`)
    ");
}

#[test]
fn a_field_of_another_pattern_a_wrong_pattern_and_a_missing_field_are_faults() {
    let faults = |check: &str| {
        let text = format!("id = \"a\"\ntitle = \"a\"\nstate = \"armed\"\n[check]\n{check}\n");
        parse(&text, "a.toml").unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(faults("pattern = 'absence'\nnever = { command = 'a' }\nrequire = { command = 'a' }"), @r"
    a.toml:7:1: T201: unknown field `require` (help: known here: `never`, `pattern`, `when`, `unless`, `during`, `per`, `undecided`, `fail`)
    ");
    insta::assert_snapshot!(faults("pattern = 'absense'"), @r"
    a.toml:5:11: T201: unknown pattern `absense` (help: did you mean `absence`?)
    ");
    insta::assert_snapshot!(faults("pattern = 'absence'"), @r"
    a.toml:4:1: T201: missing field `never` (help: mend the file, or take the last change back with `trace rules undo NAME`)
    ");
    insta::assert_snapshot!(faults("never = { command = 'a' }"), @r"
    a.toml:4:1: T201: missing field `pattern` (help: mend the file, or take the last change back with `trace rules undo NAME`)
    ");
    insta::assert_snapshot!(faults("pattern = 'existence'\nrequire = [{ command = 'a' }]"), @r#"
    a.toml:6:11: T201: wanted string or table (help: write one test to a table, as in `{ command = "npm" }`, and join several in `{ all = […] }` or `{ any = […] }`)
    "#);
}

#[test]
fn a_file_that_is_no_rule_at_all_is_told_in_few_faults() {
    let faults = parse(&"= = =\n".repeat(20_000), "a.toml").unwrap_err();
    assert_eq!(faults.len(), 20);
}

#[test]
fn a_file_is_named_after_its_rule() {
    let rule = rule("no-npm", "c1", never("npm"));
    assert_eq!(misnamed(&rule, &render(&rule), "rules/no-npm.toml"), None);
    let fault = misnamed(&rule, &render(&rule), "rules/npm.toml").unwrap();
    assert_eq!((fault.code.page().name, fault.span.unwrap().column), ("T202", 6));
}

#[test]
fn an_update_keeps_what_a_person_wrote_around_it() {
    let text = r#"# Ask Ada before changing this.
id    = "no-npm"   # never reuse
state = "armed" # since March
title = 'no npm'

[check]
# npm writes a second lock file
never.command = "npm"
pattern = "absence"

[[said]]
correction = "c1" # the first time
quote = "no npm!"

# proofs
[[example]]
events = '{"event":"pre_tool_use","tool":"Bash","input":{"command":"npm ci"}}'
violates = true
"#;
    let mut rule = parse(text, "").unwrap();
    rule.state = State::Retired;
    rule.superseded_by = Some(id("npm-instead-of-pnpm"));
    rule.said.push(Quote {
        quote: "no \"npm\"".into(),
        correction: "c2".into(),
        source: None,
        session: None,
        turn: None,
    });
    rule.check.as_mut().unwrap().unless = Some(Predicate::path(["docs/**"]));
    insta::assert_snapshot!(update(text, &rule), @r#"
    # Ask Ada before changing this.
    id    = "no-npm"   # never reuse
    state = "retired" # since March
    title = 'no npm'
    superseded_by = "npm-instead-of-pnpm"

    [check]
    # npm writes a second lock file
    never.command = "npm"
    pattern = "absence"
    unless = { file = { path = ["docs/**"] } }

    [[said]]
    correction = "c1" # the first time
    quote = "no npm!"

    [[said]]
    quote = 'no "npm"'
    correction = "c2"

    # proofs
    [[example]]
    events = '{"event":"pre_tool_use","tool":"Bash","input":{"command":"npm ci"}}'
    violates = true
    "#);
}

#[test]
fn an_update_that_changes_nothing_keeps_every_byte() {
    let text = "state='armed'\r\ntitle = \"\"\"\na\"\"\"\r\nid=\"a\" # …\r\n\r\n\r\n";
    let rule = parse(text, "").unwrap();
    assert_eq!(update(text, &rule), text);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(rule in strategy::rule()) {
        let text = render(&rule);
        prop_assert_eq!(parse(&text, "").map_err(|faults| format!("{faults:?}\n{text}")), Ok(rule));
    }

    #[test]
    fn an_update_says_what_the_rule_says(old in strategy::rule(), new in strategy::rule()) {
        let text = format!("# kept\n{}# kept too\n", render(&old));
        prop_assert_eq!(parse(&update(&text, &new), ""), Ok(new.clone()));
        let partly = Rule { title: new.title, said: new.said, state: new.state, ..old };
        let updated = update(&text, &partly);
        prop_assert!(updated.starts_with("# kept\n") && updated.contains("# kept too"), "{}", updated);
        prop_assert_eq!(parse(&updated, ""), Ok(partly));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}|[\\[\\]={}a-e.'\"\n#]{0,80}") {
        let _ = parse(&text, "a.toml");
    }

    #[test]
    fn a_proposal_is_known_after_it_is_admitted(proposals in proptest::collection::vec(strategy::rule(), 1..12)) {
        let mut book = RuleBook::default();
        for proposal in &proposals {
            admit(&mut book, proposal);
        }
        let first: Vec<Rule> = book.iter().cloned().collect();
        let mut again: RuleBook = first.iter().cloned().collect();
        for proposal in proposals.iter().filter(|proposal| !proposal.said.is_empty()) {
            let admission = admit(&mut again, proposal);
            prop_assert!(matches!(admission, Admission::Known(_)), "{:?}", admission);
        }
    }
}

#[test]
fn the_same_words_are_known_and_other_words_for_the_same_check_are_evidence() {
    let mut book = RuleBook::default();
    let first = rule("no-npm", "c1", never("npm"));
    assert_eq!(admit(&mut book, &first), Admission::New(first.clone()));
    assert_eq!(admit(&mut book, &first), Admission::Known(id("no-npm")));

    let other = rule("ban-npm", "c2", Pattern::Absence { never: Predicate::All(vec![Predicate::command(" npm ")]) });
    let Admission::Evidence(cited) = admit(&mut book, &other) else { panic!("not evidence") };
    let corrections: Vec<&str> = cited.said.iter().map(|quote| quote.correction.as_str()).collect();
    assert_eq!((cited.id, corrections), (id("no-npm"), vec!["c1", "c2"]));
    assert_eq!(admit(&mut book, &other), Admission::Known(id("no-npm")));
}

#[test]
fn another_check_of_the_same_name_gets_a_number() {
    let mut book = RuleBook::default();
    admit(&mut book, &rule("no-npm", "c1", never("npm")));
    admit(&mut book, &rule("no-npm", "c2", never("npm install")));
    assert_eq!(*admit(&mut book, &rule("no-npm", "c3", never("npm ci"))).id(), id("no-npm-3"));

    let long = "a".repeat(RuleId::MAX_CHARS);
    admit(&mut book, &rule(&long, "c4", never("a")));
    let numbered = admit(&mut book, &rule(&long, "c5", never("b"))).id().to_string();
    assert!(RuleId::try_from(numbered.clone()).is_ok() && numbered.ends_with("-2"), "{numbered}");
}

#[test]
fn an_exception_refines_the_rule_and_its_absence_takes_nothing_back() {
    let mut book = RuleBook::default();
    let docs = || Some(Predicate::path(["docs/**"]));
    admit(&mut book, &rule("no-npm", "c1", never("npm")));
    let narrower = with(rule("no-npm-but-docs", "c2", never("npm")), |check| check.unless = docs());
    let Admission::Update(refined) = admit(&mut book, &narrower) else { panic!("not an update") };
    assert_eq!((&refined.id, &refined.check.as_ref().unwrap().unless), (&id("no-npm"), &docs()));
    assert_eq!(refined.said.len(), 2);

    let Admission::Evidence(rule) = admit(&mut book, &rule("no-npm", "c3", never("npm"))) else {
        panic!("not evidence")
    };
    assert_eq!(rule.check.unwrap().unless, docs());
}

#[test]
fn a_replacement_and_more_strength_refine_the_rule() {
    let mut book = RuleBook::default();
    let soft = Rule { strength: Strength::Should, ..rule("no-npm", "c1", never("npm")) };
    admit(&mut book, &soft);
    let Admission::Update(refined) = admit(&mut book, &rule("npm-instead-of-pnpm", "c2", instead("npm", "pnpm")))
    else {
        panic!("not an update")
    };
    assert_eq!((refined.id, refined.strength), (id("no-npm"), Strength::Must));
    assert_eq!(refined.check.unwrap().pattern, instead("npm", "pnpm"));
    assert_eq!(admit(&mut book, &soft), Admission::Known(id("no-npm")));
}

#[test]
fn a_special_case_of_a_rule_is_evidence_for_it() {
    let mut book = RuleBook::default();
    admit(&mut book, &rule("no-npm", "c1", never("npm")));
    let in_docs = |correction| {
        with(rule("no-npm-in-docs", correction, never("npm")), |check| check.when = Some(Predicate::path(["docs/**"])))
    };
    assert_eq!(*admit(&mut book, &in_docs("c2")).id(), id("no-npm"));
    assert!(matches!(admit(&mut book, &in_docs("c2")), Admission::Known(_)));

    let mut softer: RuleBook =
        [Rule { strength: Strength::Should, ..rule("no-npm", "c1", never("npm")) }].into_iter().collect();
    assert_eq!(*admit(&mut softer, &in_docs("c2")).id(), id("no-npm-in-docs"));
}

#[test]
fn the_exact_reverse_supersedes_and_can_be_superseded_in_turn() {
    let mut book = RuleBook::default();
    admit(&mut book, &rule("npm-to-pnpm", "c1", instead("npm|npx", "pnpm")));
    let Admission::Supersedes { old, rule: new } = admit(&mut book, &rule("pnpm-to-npm", "c2", instead("pnpm", "npm")))
    else {
        panic!("not superseded")
    };
    assert_eq!((old.state, old.superseded_by), (State::Retired, Some(new.id.clone())));
    assert_eq!(new.id, id("pnpm-to-npm"));

    let Admission::Supersedes { old, rule: new } = admit(&mut book, &rule("again", "c3", instead("npm|npx", "pnpm")))
    else {
        panic!("not superseded")
    };
    assert_eq!((old.id, new.id, new.said.len()), (id("pnpm-to-npm"), id("npm-to-pnpm"), 2));
    assert_eq!((new.state, new.superseded_by), (State::Armed, None));
}

#[test]
fn only_the_exact_reverse_supersedes() {
    for (old, new) in [
        (instead("git checkout", "git switch"), instead("git reset", "git restore")),
        (instead("npm", "pnpm"), instead("pnpm", "yarn")),
        (instead("npm install", "pnpm add"), instead("pnpm", "npm")),
        (instead("npm", "pnpm"), never("pnpm")),
        (never("npm"), Pattern::Existence { require: Predicate::command("npm ci") }),
    ] {
        let mut book = RuleBook::default();
        admit(&mut book, &rule("old", "c1", old));
        let admission = admit(&mut book, &rule("new", "c2", new));
        assert!(matches!(admission, Admission::New(_)), "{admission:?}");
    }
    let mut book = RuleBook::default();
    admit(&mut book, &rule("old", "c1", instead("npm", "pnpm")));
    let elsewhere =
        with(rule("new", "c2", instead("pnpm", "npm")), |check| check.when = Some(Predicate::path(["a/**"])));
    assert!(matches!(admit(&mut book, &elsewhere), Admission::New(_)));
}

#[test]
fn what_must_never_be_and_what_must_always_be_are_reverses() {
    let reply = |test| Predicate::Reply(test);
    let every = |must| Pattern::Universality { every: reply(TextTest::All(Vec::new())), must };
    for (old, new) in [
        (never("make"), Pattern::Existence { require: Predicate::command("make") }),
        (Pattern::Absence { never: reply(TextTest::Emoji(true)) }, every(reply(TextTest::Emoji(true)))),
        (every(reply(TextTest::Emoji(false))), every(reply(TextTest::Emoji(true)))),
        (every(reply(TextTest::Not(Box::new(TextTest::Emoji(true))))), every(reply(TextTest::Emoji(true)))),
    ] {
        let mut book = RuleBook::default();
        admit(&mut book, &rule("old", "c1", old));
        let admission = admit(&mut book, &rule("new", "c2", new));
        assert!(matches!(admission, Admission::Supersedes { .. }), "{admission:?}");
    }
}

#[test]
fn only_what_was_surely_said_later_supersedes() {
    let at = |mut rule: Rule, turn: u64| {
        rule.said[0].session = Some("s".to_owned());
        rule.said[0].turn = Some(turn);
        rule
    };
    let elsewhere = |mut rule: Rule| {
        rule.said[0].session = Some("another".to_owned());
        rule
    };
    let unplaced = |mut rule: Rule| {
        rule.said[0].turn = None;
        rule
    };
    let (old, new) = (rule("old", "c1", instead("npm", "pnpm")), rule("new", "c2", instead("pnpm", "npm")));
    for (old, new, supersedes) in [
        (at(old.clone(), 3), at(new.clone(), 4), true),
        (at(old.clone(), 4), at(new.clone(), 3), false),
        (at(old.clone(), 4), elsewhere(new.clone()), false),
        (at(old, 4), unplaced(new), false),
    ] {
        let mut book = RuleBook::default();
        admit(&mut book, &old);
        assert_eq!(matches!(admit(&mut book, &new), Admission::Supersedes { .. }), supersedes);
    }
}

#[test]
fn a_rule_that_a_person_changed_is_not_made_again_from_the_same_words() {
    let proposal = rule("no-npm", "c1", never("npm"));
    let edited = Rule { state: State::Retired, ..rule("no-npm", "c1", never("npm publish")) };
    let mut book: RuleBook = [edited].into_iter().collect();
    assert_eq!(admit(&mut book, &proposal), Admission::Known(id("no-npm")));
}

#[test]
fn two_rules_from_the_same_words_are_both_admitted() {
    let mut book = RuleBook::default();
    admit(&mut book, &rule("no-push", "c1", never("git push")));
    assert!(matches!(admit(&mut book, &rule("no-push", "c1", never("hg push"))), Admission::New(_)));
    assert_eq!(book.len(), 2);
}

#[test]
fn thousands_of_proposals_of_one_name_one_check_or_many_exceptions_stay_bounded() {
    let mut book = RuleBook::default();
    for n in 0..2_000 {
        let correction = format!("c{n}");
        admit(&mut book, &rule("many", &correction, never(&format!("tool-{n}"))));
        admit(&mut book, &rule("same", &correction, never("same")));
        admit(&mut book, &rule("turn", &correction, instead("a", &format!("b{n}"))));
        let except = Some(Predicate::command(&format!("tool-{n}")));
        admit(&mut book, &with(rule("except", &correction, never("x")), |check| check.unless = except));
    }
    assert_eq!(book.len(), 2_000 + 1 + 1 + 2_000 / 8);
    assert!(book.iter().all(|rule| rule.said.len() <= 64));
}

#[test]
fn a_rule_lives_from_proposed_to_retired_and_can_come_back() {
    let mut rule = rule("no-npm", "c1", never("npm"));
    rule.state = State::Proposed;
    for (action, state) in
        [(Action::Shadow, State::Shadow), (Action::Arm, State::Armed), (Action::Retire, State::Retired)]
    {
        rule = transition(&rule, action).unwrap();
        assert_eq!(rule.state, state);
    }
    rule.superseded_by = Some(id("other"));
    let again = transition(&rule, Action::Arm).unwrap();
    assert_eq!((again.state, again.superseded_by), (State::Armed, None));

    assert_eq!(
        transition(&rule, Action::Retire),
        Err(NotAllowed::Already { rule: id("no-npm"), state: State::Retired })
    );
    assert_eq!(transition(&rule, Action::Edit), Err(NotAllowed::NoState(Action::Edit)));
    rule.check = None;
    assert_eq!(transition(&rule, Action::Arm), Err(NotAllowed::NoCheck(id("no-npm"))));
}

#[test]
fn undoing_walks_back_and_does_not_go_in_circles() {
    let change = |seq: u64, action, before: Option<&str>, after: Option<&str>| Change {
        seq,
        at: String::new(),
        rule: id("a"),
        action,
        by: "test".to_owned(),
        reason: None,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let mut history = vec![
        change(1, Action::Compile, None, Some("one")),
        change(2, Action::Arm, Some("one"), Some("two")),
        Change { rule: id("b"), ..change(3, Action::Compile, None, Some("other")) },
        change(4, Action::Edit, Some("two"), Some("three")),
    ];
    let mut texts = Vec::new();
    while let Some(undo) = Trail::of(id("a"), history.iter().cloned()).undo("now", "test") {
        texts.push(undo.after.clone());
        history.push(undo);
    }
    assert_eq!(texts, [Some("two".to_owned()), Some("one".to_owned()), None]);
}
