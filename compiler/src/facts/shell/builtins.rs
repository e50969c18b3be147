//! Commands that change the shell itself, and shells that read a text.

use super::call::Call;
use super::run::Shell;
use super::syntax::HOLE;
use super::wrappers::operands_at;
use crate::facts::paths;
use std::rc::Rc;

/// Programs that run the shell text they are given with `-c`, in a file or on standard input.
const SHELLS: [&str; 14] =
    ["sh", "bash", "zsh", "dash", "ksh", "ash", "mksh", "fish", "rbash", "rsh", "yash", "pwsh", "at", "batch"];
/// Their options that take a value.
const SHELL_OPTIONS: [&str; 6] = ["-o", "+o", "-O", "+O", "--rcfile", "--init-file"];

/// The longest word that is taken for letters of options, and not for one option as PowerShell has them.
const MAX_CLUSTER: usize = 8;

impl Shell {
    /// Where a path leads from the current directory.
    pub(super) fn place(&self, path: &str) -> String {
        let bare = !path.contains('/');
        if bare { path.to_owned() } else { self.path(path) }
    }

    /// The same for the name of a file.
    pub(super) fn path(&self, path: &str) -> String {
        paths::join(self.state.cwd.as_deref().unwrap_or_default(), path)
    }

    pub(super) fn change_directory(&mut self, path: &str) {
        let next = match path {
            "-" => self.state.previous_cwd.clone(),
            "" => Some("~".to_owned()),
            _ if path.contains(HOLE) => None,
            _ if path.starts_with(['/', '~']) => Some(paths::join("", path)),
            _ => self.state.cwd.as_ref().map(|cwd| paths::join(cwd, path)),
        };
        self.state.previous_cwd = std::mem::replace(&mut self.state.cwd, next);
    }

    /// Runs a builtin that changes the shell; its output, or `None` for any other program.
    pub(super) fn builtin(&mut self, program: &str, call: &Call) -> Option<String> {
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        let operand = args.iter().position(|arg| !arg.starts_with('-') || *arg == "-").unwrap_or(args.len());
        let operands = args.get(operand..).unwrap_or_default();
        match program {
            "cd" | "pushd" | "chdir" => self.change_directory(operands.first().unwrap_or(&"")),
            "popd" => self.change_directory("-"),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                // A reference to another variable is not followed.
                let reference = args.contains(&"-n");
                for (name, value) in operands.iter().filter_map(|operand| operand.split_once('=')) {
                    self.assign(name, vec![if reference { HOLE.to_string() } else { value.to_owned() }]);
                }
            }
            "unset" => {
                for name in operands {
                    if args.contains(&"-f") && self.spend(self.state.functions.len()) {
                        Rc::make_mut(&mut self.state.functions).remove(*name);
                    } else if self.spend(self.state.vars.len()) {
                        Rc::make_mut(&mut self.state.vars).remove(*name);
                    }
                }
            }
            "set" => self.set(&args),
            "shift" => {
                let count = operands.first().and_then(|count| count.parse().ok()).unwrap_or(1);
                let kept = self.state.args.iter().skip(1 + count).cloned();
                self.state.args = Rc::new(self.state.args.first().cloned().into_iter().chain(kept).collect());
            }
            "alias" => {
                for (name, text) in operands.iter().filter_map(|operand| operand.split_once('=')) {
                    if self.spend(self.state.aliases.len()) {
                        Rc::make_mut(&mut self.state.aliases).insert(name.to_owned(), text.to_owned());
                    }
                }
            }
            "unalias" => self.state.aliases = Rc::default(),
            "shopt" => self.state.expand_aliases |= args.contains(&"expand_aliases") && args.contains(&"-s"),
            "hash" if args.first() == Some(&"-p") => {
                if let [_, path, name] = args.as_slice() {
                    self.give_name(path, name);
                }
            }
            "read" => self.read_variables(&args, call),
            "mapfile" | "readarray" => {
                let start = operands_at(&args, &["-d", "-n", "-O", "-s", "-u", "-C", "-c"]);
                let text = call.input.clone().unwrap_or(HOLE.to_string());
                self.assign(args.get(start).unwrap_or(&"MAPFILE"), text.lines().map(str::to_owned).collect());
            }
            "eval" => return Some(self.nested(&args.join(" "), "eval", call.input.as_ref(), &call.span)),
            "source" | "." => return self.source(operands.first().copied()?, operands, call),
            "trap" => {
                let text = operands.first().filter(|text| **text != "-" && operands.len() > 1)?;
                self.subshell(|shell| shell.nested(text, "trap", None, &call.span));
            }
            _ => return None,
        }
        Some(String::new())
    }

    fn set(&mut self, args: &[&str]) {
        let from = match args.iter().position(|arg| *arg == "--") {
            Some(at) => at + 1,
            None if args.first().is_some_and(|first| !first.starts_with(['-', '+'])) => 0,
            None => return,
        };
        let name = self.state.args.first().cloned().unwrap_or_default();
        let words = args.iter().skip(from).map(|arg| (*arg).to_owned());
        self.state.args = Rc::new(std::iter::once(name).chain(words).collect());
    }

    /// Gives variables the words of the only line that is read, or unknown values.
    fn read_variables(&mut self, args: &[&str], call: &Call) {
        let start = operands_at(args, &["-p", "-d", "-n", "-N", "-t", "-u", "-i"]);
        let names = args.get(start..).unwrap_or_default();
        let line = call.input.as_ref().map(|input| input.trim_end_matches('\n')).filter(|line| !line.contains('\n'));
        let mut rest = line.map(str::trim);
        for (number, name) in names.iter().enumerate() {
            let last = number + 1 == names.len();
            let value = match rest.map(|text| text.split_once([' ', '\t'])) {
                Some(Some((first, after))) if !last => {
                    rest = Some(after.trim_start());
                    first.to_owned()
                }
                Some(_) => rest.replace("").unwrap_or_default().to_owned(),
                None => HOLE.to_string(),
            };
            let array = args.contains(&"-a");
            let values = value.split_whitespace().map(str::to_owned);
            let values = if array { values.collect() } else { vec![value] };
            self.assign(name, values);
        }
    }

    fn source(&mut self, path: &str, operands: &[&str], call: &Call) -> Option<String> {
        let text = match path {
            "/dev/stdin" | "/dev/fd/0" | "-" => call.input.clone()?,
            _ => self.files.get(&self.path(path))?.clone(),
        };
        let outside = Rc::clone(&self.state.args);
        if operands.len() > 1 {
            self.state.args = Rc::new(operands.iter().map(|word| (*word).to_owned()).collect());
        }
        let output = self.nested(&text, "source", call.input.as_ref(), &call.span);
        self.state.args = outside;
        Some(output)
    }

    /// Runs what a shell reads; its output, or `None` for any other program.
    pub(super) fn shell_program(&mut self, program: &str, call: &Call) -> Option<String> {
        if !SHELLS.contains(&program) {
            return None;
        }
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        let start = operands_at(&args, &SHELL_OPTIONS);
        let (options, operands) = args.split_at_checked(start)?;
        if let Some((_, startup)) = call.env.iter().find(|(name, _)| matches!(name.as_str(), "BASH_ENV" | "ENV")) {
            let text = self.files.get(&self.path(startup)).cloned().unwrap_or_default();
            self.subshell(|shell| shell.nested(&text, program, None, &call.span));
        }
        let has = |letter: char| {
            options.iter().any(|option| {
                option.starts_with('-')
                    && !option.starts_with("--")
                    && option.len() <= MAX_CLUSTER
                    && option.contains(letter)
            }) || (letter == 'c' && options.iter().any(|option| option.eq_ignore_ascii_case("-command")))
        };
        if has('c') {
            let (text, rest) = operands.split_first()?;
            return Some(self.with_args(rest, |shell| {
                shell.nested(text, &format!("{program} -c"), call.input.as_ref(), &call.span)
            }));
        }
        let operands = if has('s') { &[] } else { operands };
        match operands.first() {
            Some(&("/dev/stdin" | "/dev/fd/0" | "-")) | None => {
                let text = call.input.as_ref()?.clone();
                Some(self.with_args(&[program], |shell| shell.nested(&text, program, None, &call.span)))
            }
            Some(_) if matches!(program, "at" | "batch") => {
                let text = call.input.as_ref()?.clone();
                Some(self.subshell(|shell| shell.nested(&text, program, None, &call.span)))
            }
            Some(path) => {
                let text = self.files.get(&self.path(path))?.clone();
                Some(self.with_args(operands, |shell| shell.nested(&text, program, call.input.as_ref(), &call.span)))
            }
        }
    }

    /// Runs something in a subshell with these as `$0`, `$1` and so on.
    fn with_args<T>(&mut self, args: &[&str], run: impl FnOnce(&mut Self) -> T) -> T {
        let args = Rc::new(args.iter().map(|arg| (*arg).to_owned()).collect());
        self.subshell(|shell| {
            shell.state.args = args;
            run(shell)
        })
    }

    /// Runs a script that the text has written, by its first line's interpreter.
    pub(super) fn script(&mut self, script: &str, path: &str, call: &Call) -> String {
        let first = script.lines().next().unwrap_or_default();
        let mut words = first.strip_prefix("#!").unwrap_or("/bin/sh").split_whitespace();
        let interpreter = words.next().map(paths::base_name).unwrap_or_default();
        let interpreter =
            if interpreter == "env" { words.find(|word| !word.starts_with('-')) } else { Some(interpreter) };
        let interpreter = interpreter.unwrap_or_default().to_owned();
        self.via.push(path.to_owned());
        let output = if SHELLS.contains(&interpreter.as_str()) {
            let args: Vec<&str> = call.words.iter().map(|word| word.text.as_str()).collect();
            self.with_args(&args, |shell| shell.nested(script, &interpreter, call.input.as_ref(), &call.span))
        } else {
            self.code(&interpreter, script, &call.span);
            HOLE.to_string()
        };
        self.via.pop();
        output
    }
}
