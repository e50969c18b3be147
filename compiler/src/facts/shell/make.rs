//! The recipes of makefiles that a text hands to `make` or writes.
//!
//! Every recipe counts, whichever target is made. Deliberately absent: functions, included files and conditionals.

use super::call::Call;
use super::run::Shell;
use super::syntax::HOLE;
use std::collections::BTreeMap;

impl Shell {
    /// `make`: the recipes of a makefile that is piped in, given with `--eval`, or written by the text.
    pub(super) fn make(&mut self, program: &str, call: &Call) {
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        let mut makefiles = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let value = |option: &str| match arg.strip_prefix(option)? {
                "" => args.get(at + 1).copied(),
                attached => Some(attached.trim_start_matches('=')),
            };
            if let Some(text) = value("--eval") {
                makefiles.push(text.to_owned());
            }
            let cluster = arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('f');
            let given = || ["-f", "--file", "--makefile"].into_iter().find_map(value);
            if let Some(path) = if cluster { args.get(at + 1).copied() } else { given() } {
                let stdin = matches!(path, "-" | "/dev/stdin");
                makefiles.extend(if stdin { call.input.clone() } else { self.files.get(&self.path(path)).cloned() });
            }
        }
        if makefiles.is_empty() {
            let names = ["GNUmakefile", "makefile", "Makefile"];
            makefiles.extend(names.iter().find_map(|name| self.files.get(&self.path(name)).cloned()));
        }
        for makefile in makefiles {
            let mut variables = BTreeMap::new();
            for line in makefile.lines() {
                if let Some(text) = recipe(line, &variables) {
                    self.nested(&text, program, None, &call.span);
                } else if let Some((name, value)) = line.split_once('=') {
                    variables.insert(name.trim_end_matches([':', '?', ' ']).trim_start(), value.trim());
                }
            }
        }
    }
}

/// The shell text of a line of a makefile, if it has one.
fn recipe(line: &str, variables: &BTreeMap<&str, &str>) -> Option<String> {
    let text = line.strip_prefix('\t').or_else(|| line.split_once(':')?.1.split_once(';').map(|(_, recipe)| recipe))?;
    let text = text.trim_start_matches(['@', '-', '+', ' ', '\t']);
    let (mut result, hole) = (String::new(), HOLE.to_string());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let variable = after.strip_prefix(['(', '{']).and_then(|inside| inside.split_once([')', '}']));
        rest = match (after.strip_prefix('$'), variable) {
            (Some(after), _) => {
                result.push('$');
                after
            }
            (None, Some((name, after))) => {
                result.push_str(variables.get(name).unwrap_or(&hole.as_str()));
                after
            }
            (None, None) => {
                result.push(HOLE);
                let mut characters = after.chars();
                characters.next();
                characters.as_str()
            }
        };
    }
    Some(result + rest)
}
