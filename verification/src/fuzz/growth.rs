//! Inputs that grow: nested, repeated, and in one long line, for each target.

/// Makes an input of about so many bytes.
pub type Grows = fn(usize) -> Vec<u8>;

/// All inputs that grow: the target, what grows, and how.
pub const GROWTH: &[(&str, &str, Grows)] = &[
    ("input_detection", "one long word", |size| repeated("", "a", "", size)),
    ("input_detection", "one long sentence", |size| repeated("never use ", "npm and ", "", size)),
    ("input_detection", "a long list", |size| counted("never use ", |n| format!("`tool{n}` and "), size)),
    ("input_detection", "many rules", |size| counted("", |n| format!("Never run `tool{n}`. "), size)),
    ("input_detection", "many sentences", |size| repeated("", "Never use npm. ", "", size)),
    ("input_detection", "many lines", |size| repeated("", "never use npm\n", "", size)),
    ("input_detection", "many negations", |size| repeated("", "don't never not ", "", size)),
    ("input_detection", "many conditions", |size| repeated("never use npm ", "unless before after ", "", size)),
    ("input_detection", "quotes", |size| repeated("use ", "`\"'", "", size)),
    ("input_detection", "code", |size| repeated("", "```\nx\n```\n", "", size)),
    ("input_detection", "nested brackets", |size| nested("(", "npm", ")", size)),
    ("input_detection", "nested JSON", |size| nested("{\"text\":", "1", "}", size)),
    ("input_detection", "a long JSON text", |size| repeated("{\"text\":\"", "never use npm, ", "\"}", size)),
    ("input_detection", "combining marks", |size| repeated("", "e\u{301}\u{200d}", "", size)),
    ("shell", "one long word", |size| repeated("", "a", "", size)),
    ("shell", "many commands", |size| repeated("", "npm i;", "", size)),
    ("shell", "one long pipe", |size| repeated("", "npm i | ", "npm i", size)),
    ("shell", "many arguments", |size| repeated("npm ", "-f x ", "", size)),
    ("shell", "nested substitutions", |size| nested("$(", "npm i", ")", size)),
    ("shell", "nested groups", |size| nested("(", "npm i", ")", size)),
    ("shell", "nested braces", |size| nested("{ ", "npm i", "; }", size)),
    ("shell", "brace expansion", |size| repeated("echo ", "{a,b}", "", size)),
    ("shell", "nested wrappers", |size| repeated("", "sudo env xargs ", "npm i", size)),
    ("shell", "nested shells", |size| repeated("", "bash -c \"", "npm i", size)),
    ("shell", "open quotes", |size| repeated("echo ", "'\"", "", size)),
    ("shell", "here-documents", |size| repeated("", "cat <<x\nnpm\nx\n", "", size)),
    ("shell", "open here-documents", |size| repeated("", "cat <<x ", "\n", size)),
    ("shell", "variables", |size| repeated("V=npm; ", "V=$V$V; ", "$V", size)),
    ("shell", "functions", |size| repeated("", "f() { f; f; }; ", "f", size)),
    ("shell", "loops", |size| repeated("", "for x in a b; do ", "npm", size)),
    ("shell", "backslashes", |size| repeated("echo ", "\\", "", size)),
    ("rule_file", "one long line", |size| repeated("id = '", "a", "'", size)),
    ("rule_file", "many faults", |size| repeated("", "= =\n", "", size)),
    ("rule_file", "nested arrays", |size| nested("x = [", "1", "]", size)),
    ("rule_file", "nested predicates", |size| {
        [CHECK.as_bytes().to_vec(), nested("{ not = ", "{ command = 'npm' }", " }", size)].concat()
    }),
    ("rule_file", "many examples", |size| repeated(RULE, "[[example]]\nviolates = true\nevents = ''\n", "", size)),
    ("rule_file", "many alternatives", |size| repeated(ANY, "{ command = 'npm' }, ", "] }\n", size)),
    ("rule_file", "one long pattern", |size| repeated(COMMAND, "x ", "' }\n", size)),
    ("rule_file", "one long expression", |size| repeated(EXPRESSION, "(a|b)*", "' } }\n", size)),
    ("rule_file", "dotted names", |size| repeated("x", ".x", " = 1", size)),
    ("artifact", "zeros", |size| vec![0; size]),
    ("artifact", "ones", |size| vec![0xff; size]),
    ("artifact", "a header and ones", |size| repeated("TRACECHK\u{1}\0\0\0", "\u{7f}", "", size)),
    ("evaluation", "zeros", |size| vec![0; size]),
    ("evaluation", "ones", |size| vec![1; size]),
    ("evaluation", "counting", |size| (0..=u8::MAX).cycle().take(size).collect()),
    ("evaluation", "sevens", |size| (0..=u8::MAX).cycle().map(|byte| byte.wrapping_mul(7)).take(size).collect()),
];

const RULE: &str = "id = 'a'\ntitle = ''\nstate = 'armed'\n";
const CHECK: &str = "id = 'a'\ntitle = ''\nstate = 'armed'\n[check]\npattern = 'absence'\nnever = ";
const ANY: &str = "id = 'a'\ntitle = ''\nstate = 'armed'\n[check]\npattern = 'absence'\nnever = { any = [";
const COMMAND: &str = "id = 'a'\ntitle = ''\nstate = 'armed'\n[check]\npattern = 'absence'\nnever = { command = 'a ";
const EXPRESSION: &str =
    "id = 'a'\ntitle = ''\nstate = 'armed'\n[check]\npattern = 'absence'\nnever = { reply = { matches = '";

/// A text repeated between two others.
fn repeated(head: &str, unit: &str, tail: &str, size: usize) -> Vec<u8> {
    let times = size.saturating_sub(head.len() + tail.len()) / unit.len();
    [head, &unit.repeat(times), tail].concat().into_bytes()
}

/// A text followed by others that are all different.
fn counted(head: &str, unit: fn(usize) -> String, size: usize) -> Vec<u8> {
    let mut text = head.to_owned();
    for n in 0.. {
        let next = unit(n);
        if text.len() + next.len() > size.max(head.len()) {
            break;
        }
        text += &next;
    }
    text.into_bytes()
}

/// A text opened so many times around an innermost one, and closed as often.
fn nested(open: &str, inner: &str, close: &str, size: usize) -> Vec<u8> {
    let times = size.saturating_sub(inner.len()) / (open.len() + close.len());
    [&open.repeat(times), inner, &close.repeat(times)].concat().into_bytes()
}
