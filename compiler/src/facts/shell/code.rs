//! What code in other languages hands to a shell or runs, where it is written out: `python3 -c`, `perl -e`, ….
//!
//! The code is scanned, not parsed: strings and comments are skipped, calls of the functions in the table are looked at,
//! and their string literals read. A call whose argument is computed is an unknown. Deliberately absent: names that are
//! computed or assigned to others.

use super::call::Call;
use super::expand::Field;
use super::run::Shell;
use super::syntax::HOLE;
use super::words::unescape;
use super::wrappers::operands_at;
use std::ops::Range;

/// A language whose programs can be given on a command line.
struct Language {
    /// The names of its interpreters; versions may follow.
    programs: &'static [&'static str],
    /// The options whose value is code; empty where the first operand is.
    code: &'static [&'static str],
    /// Other options that take a value.
    valued: &'static [&'static str],
    /// Functions that run a command. A name with a dot must be called as written, its last part also where the
    /// code imports it.
    calls: &'static [&'static str],
    /// Whether backquotes run a command.
    backquotes: bool,
    /// What begins a comment.
    comment: &'static str,
}

const LANGUAGES: [Language; 7] = [
    Language {
        programs: &["python", "pypy"],
        code: &["-c"],
        valued: &["-W", "-X", "-Q"],
        calls: &[
            "system",
            "popen",
            "Popen",
            "subprocess.run",
            "subprocess.call",
            "sp.run",
            "sp.call",
            "check_call",
            "check_output",
            "getoutput",
            "getstatusoutput",
            "create_subprocess_shell",
            "create_subprocess_exec",
            "pty.spawn",
            "execl",
            "execlp",
            "execv",
            "execvp",
            "execvpe",
            "spawnlp",
            "spawnvp",
        ],
        backquotes: false,
        comment: "#",
    },
    Language {
        programs: &["perl"],
        code: &["-e", "-E"],
        valued: &["-I", "-M", "-F"],
        calls: &["system", "exec", "qx", "readpipe", "open"],
        backquotes: true,
        comment: "#",
    },
    Language {
        programs: &["ruby"],
        code: &["-e"],
        valued: &["-I", "-r", "-C"],
        calls: &["system", "exec", "spawn", "popen", "%x", "capture2", "capture2e", "capture3"],
        backquotes: true,
        comment: "#",
    },
    Language {
        programs: &["node", "nodejs", "bun", "deno", "tsx", "ts-node"],
        code: &["-e", "-p", "-pe", "--eval", "--print", "eval"],
        valued: &["-r", "--require", "--import", "--loader"],
        calls: &[
            "execSync",
            "spawn",
            "spawnSync",
            "execFile",
            "execFileSync",
            "child_process.exec",
            "child_process').exec",
            "child_process\").exec",
            "cp.exec",
            "$",
            "fork",
        ],
        backquotes: false,
        comment: "//",
    },
    Language {
        programs: &["php"],
        code: &["-r"],
        valued: &["-d", "-c"],
        calls: &["system", "exec", "shell_exec", "passthru", "popen", "proc_open"],
        backquotes: true,
        comment: "//",
    },
    Language {
        programs: &["awk", "gawk", "mawk", "nawk"],
        code: &[],
        valued: &["-v", "-F", "-f", "--assign", "--field-separator", "--file"],
        calls: &["system"],
        backquotes: false,
        comment: "#",
    },
    Language {
        programs: &["lua", "luajit"],
        code: &["-e"],
        valued: &["-l"],
        calls: &["os.execute", "io.popen"],
        backquotes: false,
        comment: "--",
    },
];

/// What a call in the code runs.
#[derive(Debug, PartialEq, Eq)]
enum Ran {
    Text(String),
    Words(Vec<String>),
    Code(String),
}

impl Shell {
    /// Reads the code that an interpreter is given; its output, or `None` for a program that is none.
    pub(super) fn code_program(&mut self, program: &str, call: &Call) -> Option<String> {
        if matches!(program, "make" | "gmake") {
            self.make(program, call);
            return None;
        }
        let language = language(program)?;
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        let valued = [language.code, language.valued].concat();
        let start = operands_at(&args, &valued);
        let mut given = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let cluster = || {
                !arg.starts_with("--") && arg.starts_with('-') && arg.ends_with(['e', 'E']) && !language.code.is_empty()
            };
            if language.code.contains(arg) || (at < start && cluster()) {
                given.extend(args.get(at + 1).map(|code| (*code).to_owned()));
            }
        }
        let operand = args.get(start).copied();
        match operand {
            _ if !given.is_empty() => {}
            Some(code) if language.code.is_empty() => given.push(code.to_owned()),
            None | Some("-") => given.extend(call.input.clone()),
            Some(path) => given.extend(self.files.get(&self.path(path)).cloned()),
        }
        for code in &given {
            self.code(program, code, &call.span);
        }
        // `perl -i` and the like change files, too.
        self.effects(program, call);
        Some(HOLE.to_string())
    }

    /// Reads code for an interpreter.
    pub(super) fn code(&mut self, program: &str, code: &str, span: &Range<usize>) {
        let Some(language) = language(program) else { return };
        let mut texts = vec![code.to_owned()];
        let mut rounds = 0;
        while let Some(code) = texts.pop().filter(|code| rounds < super::MAX_TEXTS && self.spend(code.len())) {
            rounds += 1;
            for ran in (Scanner { language, code: &code, at: 0 }).calls() {
                match ran {
                    Ran::Code(code) => texts.push(code),
                    Ran::Text(text) => {
                        // What awk writes to a command is not known.
                        let input = language.code.is_empty().then(|| HOLE.to_string());
                        self.nested(&text, program, input.as_ref(), span);
                    }
                    Ran::Words(words) => {
                        self.via.push(program.to_owned());
                        let words = words.into_iter().map(Field::literal).collect();
                        self.call(Call { words, span: span.clone(), external: true, ..Call::default() });
                        self.via.pop();
                    }
                }
            }
        }
    }
}

fn language(program: &str) -> Option<&'static Language> {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    LANGUAGES.iter().find(|language| language.programs.contains(&name))
}

/// A pass over code.
struct Scanner<'a> {
    language: &'static Language,
    code: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.code.len());
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start().len());
    }

    fn is(&self, program: &str) -> bool {
        self.language.programs.contains(&program)
    }

    /// All that the code runs, in order.
    fn calls(mut self) -> Vec<Ran> {
        let mut found = Vec::new();
        let mut piped = false;
        while let Some(next) = self.peek() {
            if self.rest().starts_with(self.language.comment) {
                self.skip(self.rest().find('\n').unwrap_or(self.rest().len()));
            } else if next == '`' && self.language.backquotes {
                found.extend(self.string().map(Ran::Text));
            } else if matches!(next, '"' | '\'' | '`') {
                let text = self.string();
                self.skip_blanks();
                let read = self.rest().strip_prefix('|').is_some_and(|rest| rest.trim_start().starts_with("getline"));
                found.extend(text.filter(|_| self.is("awk") && (piped || read)).map(Ran::Text));
            } else if next.is_alphabetic() || matches!(next, '_' | '$' | '%') {
                self.name(&mut found);
            } else {
                self.skip(next.len_utf8());
            }
            if !next.is_whitespace() {
                piped = next == '|';
            }
        }
        found
    }

    /// A name, and the call that it may begin.
    fn name(&mut self, found: &mut Vec<Ran>) {
        let before = self.code.get(..self.at).unwrap_or_default();
        let rest = self.rest();
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let tail = rest.get(first..).unwrap_or_default();
        let length = first + tail.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tail.len());
        let name = rest.get(..length).unwrap_or_default();
        self.skip(length);
        let runs = self.language.calls.iter().any(|call| match call.rsplit_once('.') {
            Some((qualifier, last)) => {
                let imported = || !before.ends_with('.') && self.code.contains(&format!("from {qualifier} import"));
                last == name
                    && (before.strip_suffix('.').is_some_and(|before| before.ends_with(qualifier)) || imported())
            }
            None => *call == name,
        });
        let evaluates = matches!(name, "eval" | "exec") && !runs && !before.ends_with('.') && !self.is("awk");
        if !runs && !evaluates {
            return;
        }
        self.skip_blanks();
        let parenthesis = self.peek() == Some('(');
        let bare = self.is("perl") || self.is("ruby") || name == "$";
        if parenthesis {
            self.skip(1);
        } else if !bare || !self.peek().is_some_and(|c| matches!(c, '"' | '\'' | '`' | '[' | '{' | '/' | '|')) {
            return;
        }
        if evaluates && !(parenthesis || self.rest().starts_with(['"', '\''])) {
            return;
        }
        let delimited = matches!(name, "qx" | "%x");
        let mut arguments =
            if delimited { self.delimited(parenthesis).into_iter().collect() } else { self.arguments(parenthesis) };
        if name == "open" {
            arguments = piped(arguments);
        }
        found.extend(ran(arguments, evaluates, name.starts_with("exec") && self.is("python")));
    }

    /// The text of `qx{…}`.
    fn delimited(&mut self, parenthesis: bool) -> Option<String> {
        let open = if parenthesis { '(' } else { self.peek()? };
        if !parenthesis {
            self.skip(open.len_utf8());
        }
        let close = match open {
            '(' => ')',
            '{' => '}',
            '[' => ']',
            other => other,
        };
        let length = self.rest().find(close)?;
        let text = self.rest().get(..length)?;
        self.skip(length + close.len_utf8());
        Some(interpolated(text))
    }

    /// The string literals of a call's arguments; a hole for an argument, or a part of one, that is computed. Named
    /// arguments and objects are left out.
    fn arguments(&mut self, parenthesis: bool) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let (mut current, mut named, mut lists) = (None::<String>, false, 0_usize);
        while let Some(next) = self.peek() {
            match next {
                '"' | '\'' | '`' => {
                    let text = self.string().unwrap_or(HOLE.to_string());
                    current.get_or_insert_default().push_str(&text);
                    continue;
                }
                '[' => lists += 1,
                ']' if lists > 0 => lists -= 1,
                ')' | ']' | '}' => break,
                ';' | '\n' if !parenthesis => break,
                ',' => {
                    arguments.extend(current.take().filter(|_| !named));
                    named = false;
                }
                '=' => named = true,
                '{' => {
                    let length = self.rest().find('}').map_or(self.rest().len(), |end| end + 1);
                    self.skip(length);
                    named = true;
                    continue;
                }
                '+' | '.' => {}
                // The prefixes of Python's strings.
                'r' | 'b' | 'u' if self.rest().get(1..).is_some_and(|rest| rest.starts_with(['"', '\''])) => {}
                'f' if self.rest().get(1..).is_some_and(|rest| rest.starts_with(['"', '\''])) => {
                    self.skip(1);
                    let text = self.string().unwrap_or_default();
                    current.get_or_insert_default().push_str(&without_braces(&text));
                    continue;
                }
                _ if next.is_whitespace() => {}
                _ => {
                    let rest = self.rest();
                    let length =
                        rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
                    current.get_or_insert_default().push(HOLE);
                    self.skip(length.max(next.len_utf8()));
                    continue;
                }
            }
            self.skip(next.len_utf8());
        }
        arguments.extend(current.filter(|_| !named));
        arguments
    }

    /// A string literal, which begins here; `None` if it does not end.
    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        let mark: String = std::iter::repeat_n(quote, if self.triple(quote) { 3 } else { 1 }).collect();
        self.skip(mark.len());
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().find(|(at, c)| {
            let ends = !escaped && *c == quote && rest.get(*at..).is_some_and(|rest| rest.starts_with(&mark));
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else {
            self.at = self.code.len();
            return None;
        };
        let text = rest.get(..end).unwrap_or_default();
        self.skip(end + mark.len());
        let raw = quote == '\'' && !self.is("python") && !self.is("node");
        if raw {
            return Some(text.replace("\\'", "'").replace("\\\\", "\\"));
        }
        let interpolates = quote == '`' || ((self.is("perl") || self.is("ruby") || self.is("php")) && quote == '"');
        Some(if interpolates { interpolated(&unescape(text)) } else { unescape(text) })
    }

    fn triple(&self, quote: char) -> bool {
        self.is("python") && self.rest().starts_with(&String::from_iter([quote; 3]))
    }
}

/// Of the arguments of `open`, the command that it pipes to or from.
fn piped(arguments: Vec<String>) -> Vec<String> {
    if let Some(at) = arguments.iter().position(|argument| matches!(argument.as_str(), "-|" | "|-")) {
        return arguments.into_iter().skip(at + 1).collect();
    }
    let command = |argument: &String| {
        let text = argument.trim();
        text.strip_suffix('|').or_else(|| text.strip_prefix('|')).map(str::to_owned)
    };
    arguments.iter().filter_map(command).collect()
}

/// What a call with these arguments runs.
fn ran(mut arguments: Vec<String>, evaluates: bool, names_itself: bool) -> Option<Ran> {
    if arguments.is_empty() {
        return None;
    }
    if evaluates {
        let code = arguments.swap_remove(0);
        // Code that is computed is as good as a text that is.
        return Some(if code.contains(HOLE) { Ran::Text(HOLE.to_string()) } else { Ran::Code(code) });
    }
    if names_itself && arguments.len() > 1 {
        arguments.remove(1);
    }
    Some(if arguments.len() == 1 { Ran::Text(arguments.swap_remove(0)) } else { Ran::Words(arguments) })
}

/// A text with `#{…}`, `${…}`, `$name` and `@name` left open.
fn interpolated(text: &str) -> String {
    let mut result = String::new();
    let mut characters = text.chars().peekable();
    while let Some(next) = characters.next() {
        match (next, characters.peek()) {
            ('#' | '$', Some('{')) => {
                result.push(HOLE);
                characters.find(|c| *c == '}');
            }
            ('$' | '@', Some(name)) if name.is_alphabetic() || *name == '_' => {
                result.push(HOLE);
                while characters.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
            }
            _ => result.push(next),
        }
    }
    result
}

/// A text with `{…}` left open.
fn without_braces(text: &str) -> String {
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(next) = characters.next() {
        if next == '{' {
            result.push(HOLE);
            characters.find(|c| *c == '}');
        } else {
            result.push(next);
        }
    }
    result
}
