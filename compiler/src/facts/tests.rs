//! Limits: no text, patch or tool input makes reading it panic, overflow the stack, or take long.

use super::shell::commands;
use super::{NoWorkspace, facts, from_unified_diff};
use proptest::prelude::*;
use rules::{Event, EventKind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Characters and words that shells, or their texts, treat specially.
const PARTS: &str = r#"
    $( (( ) ( { } ${ ` ' " $' \ ; ;; && || | & <<EOF EOF <<< <( > >& 2> [[ ]] if then else fi for in do done case esac while
    function f() f a= a[ ]=1 $a $@ ${a[@]} {a,b} {1..9} echo npm eval bash -c xargs find -exec env cd .. - -- * ? ~ # ! é
    python3 os.system( awk sed -i git commit -m alias set read trap printf %s 99999999999> make -f docker run parallel ::: ${a#
    ${a/ ${#a $(( )) tee sh coproc time select until exec source ssh perl -e ruby %x node su tmux send-keys base64 -d \n
"#;

/// Texts of these, with and without space between.
fn shell_like() -> impl Strategy<Value = String> {
    let parts: Vec<&str> = PARTS.split_whitespace().collect();
    let part = (prop::sample::select(parts), prop::sample::select(vec!["", " ", " ", "\n", "\u{10FFFF}"]));
    prop::collection::vec(part, 0..40)
        .prop_map(|parts| parts.into_iter().map(|(part, space)| part.to_owned() + space).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 2000 } else { 20_000 }))]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        commands(&text, Some("a"));
    }

    #[test]
    fn anything_like_a_shell_text_is_read(text in shell_like()) {
        let found = commands(&text, None);
        for command in &found.commands {
            prop_assert!(text.get(command.span.clone()).is_some(), "{command:?}");
            prop_assert!(!command.program.is_empty());
        }
    }

    #[test]
    fn any_patch_is_read(lines in prop::collection::vec("[-+ @*d](-- a/x|\\+\\+ b/x|@ -1,3 \\+1,2 @@|iff --git a/x b/x|\\*\\* Begin Patch|\\*\\* Update File: a|é)?", 0..30)) {
        let text = lines.join("\n");
        from_unified_diff(&text);
        facts(&Event::tool("apply_patch", json!({ "command": text })), &NoWorkspace);
    }

    #[test]
    fn any_input_is_read(tool in "Bash|Write|Edit|MultiEdit|apply_patch|str_replace_editor|Read", key in "command|file_path|edits|old_string|path|cmd", text in any::<String>()) {
        for value in [json!(text), json!([text]), json!({ "a": text }), json!(5), Value::Null] {
            let input = json!({ "file_path": "a", key.as_str(): value });
            facts(&Event::tool(tool.as_str(), input.clone()), &NoWorkspace);
            facts(&Event::tool(tool.as_str(), value), &NoWorkspace);
            let kind = EventKind::PostToolUse { tool: tool.clone(), input, output: Value::Null, ok: None, exit_code: None, id: None };
            facts(&Event::of(kind), &NoWorkspace);
        }
    }
}

/// Reads a text on a thread with as little stack as the threads of tests have, and says how long it took.
fn time(text: String) -> Duration {
    let read = move || {
        let start = Instant::now();
        commands(&text, None);
        start.elapsed()
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap()
}

#[test]
fn nesting_is_bounded_in_depth_and_time() {
    let parts = [
        ("(", "a", ")"),
        ("$(", "a", ")"),
        ("\"$(", "a", ")\""),
        ("((", "a;b", "))"),
        ("$((", "1", "))"),
        ("${a:-", "b", "}"),
        ("{ ", "a;", " }"),
        ("if ", "a", "; then b; fi"),
        ("case x in x) ", "a", ";; esac"),
        ("case x in x) ", "a", " esac"),
        ("while ", "a", "; do b; done"),
        ("f() { ", "a;", " }"),
        ("function f { ", "a;", " }; f"),
        ("coproc ", "a", ""),
        ("<(", "a", ")"),
        ("a[$(", "b", ")]=1"),
        ("a=(", "b", ")"),
        ("{a,", "b", "}"),
        ("@(", "a", ")"),
        ("`", "a", "`"),
        ("eval ", "a", ""),
        ("sudo ", "a", ""),
        ("! ", "a", ""),
        ("\"", "a", "\""),
        ("'", "a", "'"),
        ("a | ", "b", ""),
        ("a && ", "b", ""),
        ("cat <<A\n$(", "b", ")\nA\n"),
        ("xargs ", "a", ""),
        ("env -S ", "a", ""),
        ("$(echo ", "a", ")"),
        ("bash -c '", "a", "'"),
        ("for a in b; do ", "c", "; done"),
        ("for a in b c; do ", "d;", " done;"),
        ("{1..999}", "a", ""),
        ("{a,b}", "c", ""),
        ("a=$a$a;", "echo $a", ""),
        ("f() { f; f; };", "f", ""),
        ("f() { f|f& };", "f", ""),
        ("set -- $@ $@ a;", "b", ""),
        ("(a=1);", "a", ""),
        ("a=${a//?/aa};", "b", "b"),
        ("<<A ", "a", "\n"),
        ("\\\n", "a", ""),
        ("alias a='a a';", "\na", ""),
        ("echo $(", "a", ") | sh"),
        ("python3 -c \"os.system('", "a", "')\""),
        ("$(( ", "1", ""),
        ("${", "a", ""),
        ("$[", "1", "]"),
        ("[[ ", "a", " ]]"),
        ("a ", "b", ""),
        ("a\n", "b", ""),
        ("#", "a", "\na"),
    ];
    for (open, middle, close) in parts {
        for count in [8, 20, 63, 64, 65, 100, 1000, 30_000] {
            let text = [&open.repeat(count), middle, &close.repeat(count)].concat();
            let taken = time(text.clone()) + time([&open.repeat(count), middle].concat());
            let most = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
            assert!(taken < most, "{open:?} {count} times took {taken:?}");
        }
    }
}

#[test]
fn long_texts_are_unknown() {
    let found = commands(&"npm ci; ".repeat(20_000), None);
    assert!(found.commands.is_empty());
    assert_eq!(found.unknown.len(), 1);
    let many = commands(&"a\n".repeat(20_000), None);
    assert!(many.commands.len() <= 4096 && many.unknown.len() == 1, "{} {:?}", many.commands.len(), many.unknown);
}

#[test]
fn large_edits_take_linear_time() {
    let line = "a line that is the same as every other one\n";
    let start = Instant::now();
    let found = facts(&Event::edit("a", line.repeat(50_000), line.repeat(50_001)), &NoWorkspace);
    assert_eq!(found.files.first().map(|change| change.added.as_str()), Some(line));
    assert!(start.elapsed() < Duration::from_secs(5));
}
