//! What simple programs print, where their arguments and input tell.

use super::call::Call;
use super::run::Shell;
use super::syntax::HOLE;
use super::words::unescape;
use crate::facts::paths;

/// Programs that print nothing to their standard output.
const SILENT: [&str; 22] = [
    "true", "false", ":", "test", "[", "cd", "mkdir", "touch", "rm", "chmod", "chown", "ln", "cp", "mv", "sleep",
    "wait", "kill", "exit", "return", "break", "continue", "exec",
];
/// The longest output of one `printf`, in bytes.
const MAX_PRINTED: usize = 64 * 1024;

impl Shell {
    /// A program's output; a hole where it is not known.
    pub(super) fn output(&mut self, program: &str, call: &Call) -> String {
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        let hole = HOLE.to_string();
        let first_operand = || args.iter().find(|arg| !arg.starts_with('-')).copied();
        match program {
            _ if SILENT.contains(&program) => String::new(),
            "echo" => echo(&args),
            "printf" => self.printf(&args),
            "cat" | "tee" => {
                let files: Vec<&&str> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
                if files.is_empty() || program == "tee" {
                    return call.input.clone().unwrap_or(hole);
                }
                files
                    .into_iter()
                    .map(|path| self.files.get(&self.path(path)).cloned().unwrap_or(HOLE.to_string()))
                    .collect()
            }
            "base64" | "gbase64" if args.iter().any(|arg| matches!(*arg, "-d" | "-D" | "--decode" | "-di")) => {
                call.input.as_deref().and_then(decode_base64).unwrap_or(hole)
            }
            "rev" => call.input.as_ref().map_or(hole, |input| {
                input.lines().map(|line| line.chars().rev().chain(['\n']).collect::<String>()).collect()
            }),
            // The path ends with the very name.
            "which" | "command" | "type" => first_operand().map_or(hole, |name| format!("{name}\n")),
            "basename" => first_operand().map_or(hole, |path| format!("{}\n", paths::base_name(path))),
            "dirname" => {
                let path = first_operand().unwrap_or_default();
                format!("{}\n", path.rsplit_once('/').map_or(".", |(folder, _)| folder))
            }
            "pwd" => self.state.cwd.clone().filter(|cwd| !cwd.is_empty()).map_or(hole, |cwd| cwd + "\n"),
            _ => hole,
        }
    }

    fn printf(&mut self, args: &[&str]) -> String {
        let (variable, args) = match args {
            ["-v", name, rest @ ..] => (Some(*name), rest),
            ["--", rest @ ..] | rest => (None, rest),
        };
        let Some((format, values)) = args.split_first() else { return String::new() };
        let text = formatted(format, values);
        self.spend(text.len());
        match variable {
            Some(name) => {
                self.assign(name, vec![text]);
                String::new()
            }
            None => text,
        }
    }
}

fn echo(args: &[&str]) -> String {
    let is_option = |arg: &&&str| {
        arg.len() > 1 && arg.strip_prefix('-').is_some_and(|rest| rest.chars().all(|c| "neE".contains(c)))
    };
    let options = args.iter().take_while(is_option).count();
    let (options, words) = args.split_at_checked(options).unwrap_or_default();
    let has = |letter| options.iter().any(|option| option.contains(letter));
    let text = words.join(" ");
    let text = if has('e') { unescape(&text) } else { text };
    if has('n') { text } else { text + "\n" }
}

/// `printf`: the format is used again as long as there are values.
fn formatted(format: &str, values: &[&str]) -> String {
    let format = unescape(format);
    let mut result = String::new();
    let mut values = values.iter();
    loop {
        let before = values.len();
        let mut characters = format.chars();
        while let Some(next) = characters.next() {
            if next != '%' {
                result.push(next);
                continue;
            }
            let kind = characters.find(|c| c.is_ascii_alphabetic() || *c == '%');
            match kind {
                Some('%') => result.push('%'),
                Some('b') => result.push_str(&unescape(next_value(&mut values))),
                Some('s' | 'd' | 'i' | 'u' | 'q' | 'c') => result.push_str(next_value(&mut values)),
                _ => result.push(HOLE),
            }
        }
        if values.len() == 0 || values.len() == before || result.len() > MAX_PRINTED {
            return result;
        }
    }
}

fn next_value<'a>(values: &mut std::slice::Iter<'_, &'a str>) -> &'a str {
    values.next().copied().unwrap_or_default()
}

/// Decodes standard base64; `None` for anything else, or for what is no text.
fn decode_base64(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}
