//! Predicates, facts, rules and sessions over a tiny alphabet, so that they often have to do with each other.

use compiler::facts::{Command, Commit, Facts, FileChange, ToolCall, Unknown, Word};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use rules::directive::{Fail, Replacement, Undecided};
use rules::predicate::{
    CommandTest, ExitTest, FileAction, FileTest, Moment, PathTest, TextTest, ToolTest, WorkspaceTest,
};
use rules::{
    Decision, Directive, During, Event, EventKind, Pattern, Per, Predicate, Rule, RuleId, Scope, State, Strength,
};
use serde_json::json;

/// The paths of all files.
pub(crate) const PATHS: &[&str] = &["a.rs", "src/a.rs", "src/b.md", "docs/a.md", "src/docs/c.rs", "x.rs/y"];
const TEXTS: &[&str] = &["", "todo", "fix it", "fix the todo\nplease", "  fix"];

fn text() -> impl Strategy<Value = String> {
    select(TEXTS).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    select(PATHS).prop_map(str::to_owned)
}

pub(crate) fn text_test() -> impl Strategy<Value = TextTest> {
    let leaf = prop_oneof![
        select(&["todo", "fix"]).prop_map(|word| TextTest::Contains(word.to_owned())),
        Just(TextTest::Mentions("todo".to_owned())),
        Just(TextTest::Matches("t.do$".to_owned())),
        Just(TextTest::StartsWith("fix".to_owned())),
        Just(TextTest::EndsWith("todo".to_owned())),
        any::<bool>().prop_map(TextTest::Empty),
        Just(TextTest::MaxLines(1)),
        Just(TextTest::Language("de".to_owned())),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(TextTest::All),
            vec(inner.clone(), 0..3).prop_map(TextTest::Any),
            inner.clone().prop_map(|test| TextTest::Not(Box::new(test))),
            inner.clone().prop_map(|test| TextTest::FirstLine(Box::new(test))),
            inner.prop_map(|test| TextTest::SomeLine(Box::new(test))),
        ]
    })
}

fn command_test() -> impl Strategy<Value = Predicate> {
    let run = select(&["a", "b", "a|c", "a x", "a x $", "a ** y", "* -f", "b -f|-g", "?", "c $file"]);
    let into = weighted(0.1, select(&["b", "a|c", "*"]));
    (run, weighted(0.2, Just("-f")), weighted(0.1, Just("E=1")), weighted(0.1, Just("src")), into).prop_map(
        |(run, without, env, cwd, into)| {
            Predicate::Command(CommandTest {
                run: run.to_owned(),
                without: without.into_iter().map(str::to_owned).collect(),
                env: env.map(str::to_owned),
                cwd: cwd.map(str::to_owned),
                into: into.map(str::to_owned),
            })
        },
    )
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    let glob = select(&["*.rs", "src/", "docs/**", "src/**/*.rs", "a.*", "**/c.rs", "src/b.md", "*.{rs,md}", "docs"]);
    vec(glob.prop_map(str::to_owned), 0..3)
}

fn file_test() -> impl Strategy<Value = Predicate> {
    let action = weighted(0.2, select(&[FileAction::Create, FileAction::Modify, FileAction::Delete]));
    let some = || weighted(0.2, text_test());
    let language = weighted(0.2, select(&["rust", "markdown"]));
    let texts = (some(), some(), some(), some());
    (globs(), weighted(0.2, globs()), language, action, texts).prop_map(
        |(path, not_path, language, action, (name, added, removed, content))| {
            Predicate::File(Box::new(FileTest {
                path,
                not_path: not_path.unwrap_or_default(),
                language: language.into_iter().map(str::to_owned).collect(),
                action,
                name,
                added,
                removed,
                content,
                code: None,
            }))
        },
    )
}

fn read_test() -> impl Strategy<Value = Predicate> {
    (globs(), weighted(0.2, globs()))
        .prop_map(|(path, not_path)| Predicate::Read(PathTest { path, not_path: not_path.unwrap_or_default() }))
}

fn tool_test() -> impl Strategy<Value = Predicate> {
    let names = vec(select(&["Bash", "W*", "Edit"]).prop_map(str::to_owned), 0..2);
    (names, weighted(0.3, Just("/command".to_owned())), weighted(0.3, text_test()))
        .prop_map(|(name, arg, value)| Predicate::Tool(ToolTest { name, arg, value }))
}

fn leaf() -> impl Strategy<Value = Predicate> {
    let moments = select(&[Moment::Prompt, Moment::Tool, Moment::Reply, Moment::Stop]);
    prop_oneof![
        6 => command_test(),
        6 => file_test(),
        2 => read_test(),
        1 => text_test().prop_map(Predicate::Commit),
        1 => text_test().prop_map(Predicate::PullRequest),
        1 => text_test().prop_map(Predicate::Reply),
        1 => text_test().prop_map(Predicate::Prompt),
        1 => tool_test(),
        1 => select(&[ExitTest::Ok, ExitTest::Failed, ExitTest::Code(2)]).prop_map(Predicate::Exit),
        1 => (path(), of(any::<bool>())).prop_map(|(path, exists)| {
            Predicate::Workspace(WorkspaceTest { path, exists, changed: None, text: None })
        }),
        1 => moments.prop_map(Predicate::Event),
    ]
}

/// Predicates of every shape.
pub(crate) fn predicate() -> impl Strategy<Value = Predicate> {
    leaf().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(Predicate::All),
            1 => vec(inner.clone(), 0..3).prop_map(Predicate::Any),
            1 => inner.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    })
}

fn word() -> impl Strategy<Value = Word> {
    let text = select(&["x", "y", "-f", "-gf", "--", "./a.rs", "src/a.rs"]).prop_map(str::to_owned);
    (text, weighted(0.1, Just(()))).prop_map(|(text, unknown)| match unknown {
        None => Word { text, exact: true },
        Some(()) => Word { text: String::new(), exact: false },
    })
}

fn command() -> impl Strategy<Value = Command> {
    let env = weighted(0.2, Just(("E".to_owned(), "1".to_owned())));
    let into = vec(select(&["a", "b"]), 0..2);
    let cwd = weighted(0.3, select(&["src", "src/docs", "docs"]));
    (select(&["a", "b", "c"]), vec(word(), 0..4), env, cwd, into).prop_map(|(program, args, env, cwd, into)| Command {
        program: program.to_owned(),
        args,
        env: env.into_iter().collect(),
        cwd: cwd.map(str::to_owned),
        writes: Vec::new(),
        into: into.into_iter().map(str::to_owned).collect(),
        via: Vec::new(),
        span: 0..1,
    })
}

fn change() -> impl Strategy<Value = FileChange> {
    let action = select(&[FileAction::Create, FileAction::Modify, FileAction::Delete]);
    (path(), action, text(), text(), text(), any::<bool>()).prop_map(|(path, action, added, removed, after, whole)| {
        let language = (path.rsplit('.').next() == Some("rs")).then_some("rust");
        FileChange { path, language, action, added, removed, before: String::new(), after, whole }
    })
}

/// Facts of any event, possible or not.
pub(crate) fn facts() -> impl Strategy<Value = Facts> {
    let unknown = vec(Just(Unknown { text: "?".to_owned(), why: "unset", span: 0..1 }), 0..2);
    let commit = (text(), any::<bool>()).prop_map(|(text, exact)| Commit { message: Word { text, exact } });
    let request = (text(), any::<bool>()).prop_map(|(text, exact)| Word { text, exact });
    let tool = (select(&["Bash", "Write"]), text())
        .prop_map(|(name, text)| ToolCall { name: name.to_owned(), input: json!({ "command": text }) });
    let moment = of(select(&[Moment::Prompt, Moment::Tool, Moment::Reply, Moment::Stop]));
    let items = (vec(command(), 0..3), unknown, vec(change(), 0..3), vec(path(), 0..2), vec(commit, 0..2));
    (items, of(request), of(tool), of(text()), of(text()), moment).prop_map(
        |((commands, unknown, files, reads, commits), pull_request, tool, reply, prompt, moment)| Facts {
            commands,
            unknown,
            files,
            reads,
            commits,
            branch: None,
            pull_request,
            tool,
            reply,
            prompt,
            moment,
        },
    )
}

/// Predicates that a rule per file can follow: each names the file.
fn about_a_file() -> impl Strategy<Value = Predicate> {
    let by_name = Just(Predicate::command("c $file"));
    prop_oneof![3 => file_test(), 2 => read_test(), 1 => by_name]
}

fn pattern(p: &BoxedStrategy<Predicate>) -> impl Strategy<Value = Pattern> + use<> {
    let one = || p.clone();
    let instead = Just(vec![Replacement { from: String::new(), to: "c".to_owned() }]);
    prop_oneof![
        one().prop_map(|never| Pattern::Absence { never }),
        (one(), instead).prop_map(|(never, instead)| Pattern::Substitution { never, instead }),
        (one(), one()).prop_map(|(every, must)| Pattern::Universality { every, must }),
        one().prop_map(|require| Pattern::Existence { require }),
        (one(), one(), of(one())).prop_map(|(first, then, again_after)| Pattern::Precedence {
            first,
            then,
            again_after
        }),
        (one(), one()).prop_map(|(trigger, require)| Pattern::Response { trigger, require }),
        (one(), 0..3u8).prop_map(|(of, at_most)| Pattern::BoundedExistence { of, at_most }),
        (one(), vec(one(), 1..3)).prop_map(|(trigger, require)| Pattern::ResponseChain { trigger, require }),
        (vec(one(), 1..3), one()).prop_map(|(first, then)| Pattern::PrecedenceChain { first, then }),
    ]
}

fn directive() -> impl Strategy<Value = Directive> {
    let anything = prop_oneof![3 => leaf(), 1 => predicate()].boxed();
    let any_per = prop_oneof![3 => Just(Per::Session), 2 => Just(Per::Turn)];
    let of = |p: BoxedStrategy<Predicate>, per: BoxedStrategy<Per>| {
        let maybe = |weight| weighted(weight, p.clone());
        let during =
            (maybe(0.2), maybe(0.1), maybe(0.1)).prop_map(|(after, before, until)| During { after, before, until });
        let undecided = prop_oneof![3 => Just(Undecided::Pass), 1 => Just(Undecided::Violated)];
        (pattern(&p), maybe(0.2), maybe(0.2), during, per, undecided).prop_map(
            |(pattern, when, unless, during, per, undecided)| Directive {
                pattern,
                when,
                unless,
                during,
                per,
                undecided,
                fail: Fail::Open,
            },
        )
    };
    prop_oneof![
        4 => of(anything, any_per.boxed()),
        // Of which file something should exist, or be meant by what cannot be told, nothing tells.
        1 => of(about_a_file().boxed(), Just(Per::File).boxed())
            .prop_filter("existence per file", |directive| !matches!(directive.pattern, Pattern::Existence { .. }))
            .prop_map(|directive| Directive { undecided: Undecided::Pass, ..directive }),
    ]
}

/// A rule without a name, in any scope.
pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    let names = |name: &'static str| weighted(0.15, Just(vec![name.to_owned()])).prop_map(Option::unwrap_or_default);
    let scope = (names("src"), names("main"), names("codex"), names("s"))
        .prop_map(|(directory, branch, host, session)| Scope { directory, branch, host, session });
    let state = prop_oneof![4 => Just(State::Armed), 1 => Just(State::Shadow)];
    let strength = prop_oneof![4 => Just(Strength::Must), 1 => Just(Strength::Should)];
    (directive(), scope, state, strength).prop_map(|(check, scope, state, strength)| Rule {
        id: RuleId::slug("rule"),
        title: String::new(),
        state,
        strength,
        decided_by: Decision::Check,
        confidence: None,
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope,
        check: Some(check),
        remind_when: None,
        said: Vec::new(),
        examples: Vec::new(),
    })
}

/// Some rules, each with a name of its own.
pub(crate) fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(rule(), 1..6).prop_map(|rules| {
        let named = |(at, rule): (usize, Rule)| Rule { id: RuleId::slug(&format!("rule-{at}")), ..rule };
        rules.into_iter().enumerate().map(named).collect()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let shell = select(&[
        "a",
        "b -f",
        "a x",
        "a x y",
        "a y",
        "c a.rs",
        "c src/a.rs",
        "b; a -f",
        "cd src && a",
        "E=1 b",
        "a \"$V\"",
        "eval \"$V\"",
        "git commit -m 'fix it'",
        "git commit -m todo",
        "gh pr create --title 'fix it' --body todo",
        "gh pr create --title \"$V\" --body todo",
        "echo todo > a.rs",
        "rm src/a.rs",
        "cat docs/a.md",
        "bash -c 'b -g'",
    ]);
    let read = |path: String| Event::tool("Read", json!({ "file_path": path }));
    let kind = prop_oneof![
        6 => shell.prop_map(Event::command),
        3 => (path(), text()).prop_map(|(path, text)| Event::write(path, text)),
        3 => (path(), text(), text()).prop_map(|(path, old, new)| Event::edit(path, old, new)),
        2 => path().prop_map(read),
        1 => text().prop_map(|text| Event::of(EventKind::Reply { text })),
        2 => text().prop_map(|text| Event::of(EventKind::UserPromptSubmit { text })),
        2 => text().prop_map(|text| Event::stop(text, Vec::new())),
        1 => Just(Event::of(EventKind::SubagentStop { reply: None })),
        1 => Just(Event::of(EventKind::SessionStart)),
    ];
    let often = |name: &'static str| weighted(0.7, Just(name.to_owned()));
    let session = prop_oneof![3 => Just(Some("s".to_owned())), 1 => Just(None)];
    (kind, session, often("main"), often("codex")).prop_map(|(event, session, branch, host)| Event {
        session,
        branch,
        host,
        ..event
    })
}

/// How a call ends, where that is told: `None` for a call whose result never comes.
pub(crate) type Ending = Option<(bool, Option<i32>)>;

/// A session: whether results are told, and each event with how it ends if it is a call.
pub(crate) fn session() -> impl Strategy<Value = (bool, Vec<(Event, Ending)>)> {
    let ending = prop_oneof![
        5 => Just(Some((true, None))),
        2 => Just(Some((false, Some(2)))),
        1 => Just(None),
    ];
    (any::<bool>(), vec((event(), ending), 1..9))
}

/// The result of a call.
pub(crate) fn result(call: &Event, (ok, code): (bool, Option<i32>)) -> Event {
    let mut done = call.clone().done(ok);
    if let EventKind::PostToolUse { exit_code, .. } = &mut done.kind {
        *exit_code = code;
    }
    done
}
