//! What commands do to files, which files they show, and the commits that they make.

use super::call::Call;
use super::run::Shell;
use super::syntax::HOLE;
use super::wrappers::operands_at;
use super::{CommitMessage, FileEffect, known};
use crate::facts::paths::{base_name, join};
use rules::predicate::FileAction;

/// Programs that show the files they are given, with their options that take a value.
const READERS: [(&str, &[&str]); 12] = [
    ("cat", &[]),
    ("tac", &[]),
    ("nl", &["-b", "-s", "-w"]),
    ("head", &["-n", "-c", "--lines", "--bytes"]),
    ("tail", &["-n", "-c", "--lines", "--bytes"]),
    ("less", &["-p", "-t"]),
    ("more", &["-n"]),
    ("bat", &["-l", "-r", "--language", "--line-range", "--style", "--theme"]),
    ("batcat", &["-l", "-r", "--language", "--line-range", "--style", "--theme"]),
    ("view", &[]),
    ("xxd", &["-l", "-s", "-c"]),
    ("od", &["-A", "-t", "-N", "-j"]),
];

impl Shell {
    /// Notes what a program does to files.
    pub(super) fn effects(&mut self, program: &str, call: &Call) {
        let args: Vec<&str> = call.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        if let Some((_, valued)) = READERS.iter().find(|(name, _)| *name == program) {
            return self.reads(operands(&args, valued));
        }
        match program {
            "rm" => self.deletes(operands(&args, &[]), args.iter().any(|arg| is_recursive(arg))),
            "unlink" | "shred" => self.deletes(operands(&args, &[]), false),
            "rmdir" | "trash" | "rimraf" => self.deletes(operands(&args, &[]), true),
            "find" if finds_to_delete(&args) => {
                let found = searched(&args);
                self.deletes(found.iter().map(String::as_str), true);
            }
            "mv" | "gmv" => self.moves(&args, true),
            "cp" | "gcp" | "install" | "rsync" => self.moves(&args, false),
            "ln" => self.link(&args),
            "touch" | "truncate" => {
                for path in operands(&args, &["-t", "-d", "-r", "-s", "--date", "--reference", "--size"]) {
                    self.change(path, FileAction::Create, Some(""), true);
                }
            }
            "tee" => {
                let append = args.iter().any(|arg| matches!(*arg, "-a" | "--append"));
                for path in operands(&args, &[]) {
                    self.wrote(path, append, &call.input.clone().unwrap_or(HOLE.to_string()));
                }
            }
            "dd" => {
                if let Some(path) = args.iter().find_map(|arg| arg.strip_prefix("of=")) {
                    self.wrote(path, false, &HOLE.to_string());
                }
            }
            "curl" | "wget" => self.downloads(program, &args),
            "sed" | "gsed" => self.edits_in_place(&args, &["-e", "-f", "-l", "--expression", "--file"]),
            "perl" | "ruby" if args.iter().any(|arg| in_place(arg)) => {
                self.edits_in_place(&args, &["-e", "-E", "-I", "-M"]);
            }
            "apply_patch" | "applypatch" => {
                let patch = args.first().map(|patch| (*patch).to_owned()).or_else(|| call.input.clone());
                self.facts.patches.extend(patch.filter(|_| !self.remote));
            }
            "patch" => self.facts.patches.extend(call.input.clone().filter(|_| !self.remote)),
            "git" => self.git(call, &args),
            "gh" | "glab" => self.pull_request(program, &args, call.input.as_ref()),
            _ => {}
        }
    }

    /// Notes a change of a file.
    fn change(&mut self, path: &str, action: FileAction, content: Option<&str>, append: bool) {
        let content = content.filter(|content| !content.contains(HOLE)).map(str::to_owned);
        self.note(path, |path| FileEffect { path, action, content, append, below: false });
    }

    fn note(&mut self, path: &str, effect: impl FnOnce(String) -> FileEffect) {
        let device = path.starts_with("/dev/") || path == "-" || path.is_empty();
        if device || path.contains(HOLE) || self.remote || self.state.cwd.is_none() || !self.spend(1) {
            return;
        }
        let effect = effect(self.path(path));
        if self.facts.effects.last() != Some(&effect) {
            self.facts.effects.push(effect);
        }
    }

    /// Notes that a text is written to a file, and keeps it for those who read it later in the text.
    pub(super) fn wrote(&mut self, path: &str, append: bool, content: &str) {
        let place = self.path(path);
        if !self.spend(content.len()) {
            return;
        }
        self.change(path, if append { FileAction::Modify } else { FileAction::Create }, Some(content), append);
        let before = self.files.get(&place).filter(|_| append).cloned();
        self.files.insert(place, before.unwrap_or_default() + content);
    }

    /// The text of a file as far as this text has written it.
    pub(super) fn read_file(&mut self, path: &str) -> String {
        self.reads([path]);
        self.files.get(&self.path(path)).cloned().unwrap_or(HOLE.to_string())
    }

    fn reads<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        for path in paths {
            let device = path.starts_with("/dev/") || path == "-" || path.is_empty();
            if !device && !path.contains(HOLE) && !self.remote && self.state.cwd.is_some() {
                let path = self.path(path);
                self.facts.reads.push(path);
            }
        }
    }

    /// Notes that paths are deleted, where they are folders with what is `below`.
    fn deletes<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>, below: bool) {
        for path in paths {
            let effect = |path| FileEffect { path, action: FileAction::Delete, content: None, append: false, below };
            self.note(path, effect);
        }
    }

    /// `mv` and `cp`: the last operand is where the others go.
    fn moves(&mut self, args: &[&str], away: bool) {
        let paths: Vec<&str> = operands(args, &["-S", "-m", "-o", "-g", "--suffix", "--exclude"]).collect();
        let target_option = args.iter().position(|arg| *arg == "-t" || *arg == "--target-directory");
        let target = target_option.and_then(|at| args.get(at + 1)).copied();
        let (sources, target, folder) = match (target, paths.split_last()) {
            (Some(target), _) => (paths.iter().copied().filter(|path| *path != target).collect(), target, true),
            (None, Some((target, sources))) => {
                (sources.to_vec(), *target, sources.len() > 1 || target.ends_with(['/', '.']))
            }
            (None, None) => return,
        };
        for source in sources {
            let path = if folder { join(target, base_name(source.trim_end_matches('/'))) } else { target.to_owned() };
            let (from, to) = (self.path(source), self.path(&path));
            let content = self.files.get(&from).cloned();
            if away {
                self.deletes([source], true);
            }
            self.change(&path, FileAction::Create, content.as_deref(), false);
            match content {
                Some(content) => drop(self.files.insert(to, content)),
                None => self.give_name(source, &path),
            }
        }
    }

    fn link(&mut self, args: &[&str]) {
        let paths: Vec<&str> = operands(args, &["-t", "-S"]).collect();
        if let [source, path] = paths.as_slice() {
            let path =
                if path.ends_with('/') || *path == "." { join(path, base_name(source)) } else { (*path).to_owned() };
            self.give_name(source, &path);
        } else if let [source] = paths.as_slice() {
            self.give_name(source, base_name(source));
        }
    }

    /// Remembers that a path now names what another one does.
    pub(super) fn give_name(&mut self, source: &str, path: &str) {
        let program = self.links.get(&self.place(source)).cloned().unwrap_or_else(|| base_name(source).to_owned());
        self.links.insert(self.path(path), program.clone());
        self.links.insert(base_name(path).to_owned(), program);
    }

    fn downloads(&mut self, program: &str, args: &[&str]) {
        let long = if program == "curl" { "--output" } else { "--output-document" };
        let short = if program == "curl" { "-o" } else { "-O" };
        for pair in args.windows(2) {
            if let [option, path] = pair
                && (*option == long
                    || *option == short
                    || (program == "curl" && option.starts_with('-') && option.ends_with('o')))
            {
                self.wrote(path, false, &HOLE.to_string());
            }
        }
    }

    /// `sed`: with `-i` it changes the files that it is given, without it shows them.
    fn edits_in_place(&mut self, args: &[&str], valued: &[&str]) {
        let scripted =
            args.iter().any(|arg| valued.iter().take(2).any(|option| arg.starts_with(option)) || is_cluster_of_e(arg));
        let valued: Vec<&str> = valued.to_vec();
        let paths = operands(args, &valued).skip(usize::from(!scripted)).filter(|path| !path.is_empty());
        if args.iter().any(|arg| in_place(arg)) {
            for path in paths {
                self.change(path, FileAction::Modify, None, false);
            }
        } else {
            self.reads(paths);
        }
    }

    fn git(&mut self, call: &Call, args: &[&str]) {
        let start = operands_at(args, &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"]);
        let folder = args.windows(2).take(start).find_map(|pair| match pair {
            ["-C", folder] => Some(*folder),
            _ => None,
        });
        let rest = args.get(start..).unwrap_or_default();
        let Some((subcommand, options)) = rest.split_first() else { return };
        let input = call.input.as_ref();
        if folder.is_none() {
            self.branches(subcommand, options);
        }
        let run = |shell: &mut Self| match *subcommand {
            "rm" if !options.contains(&"--cached") => {
                shell.deletes(operands(options, &[]), options.iter().any(|option| is_recursive(option)));
            }
            "mv" => shell.moves(options, true),
            "clean" if !options.iter().any(|option| is_dry(option)) => {
                let mut paths: Vec<_> = operands(options, &["-e", "--exclude"]).collect();
                if paths.is_empty() {
                    paths.push("*");
                }
                shell.deletes(paths, true);
            }
            "apply" => shell.facts.patches.extend(input.cloned().filter(|_| !shell.remote)),
            "commit" => shell.commit(options, input),
            _ => {}
        };
        match folder {
            Some(folder) => self.subshell(|shell| {
                shell.change_directory(folder);
                run(shell);
            }),
            None => run(self),
        }
    }

    /// The message of `git commit`; empty and not exact where an editor asks for it or another commit has it.
    fn commit(&mut self, options: &[&str], input: Option<&String>) {
        if options.iter().any(|option| matches!(*option, "--dry-run" | "-h" | "--help")) {
            return;
        }
        let mut paragraphs: Vec<String> = Vec::new();
        let mut trailers: Vec<String> = Vec::new();
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            if let Some(value) = option.strip_prefix("--trailer") {
                let value = value.strip_prefix('=').or_else(|| rest.next().copied()).unwrap_or_default();
                trailers.push(value.to_owned());
                continue;
            }
            if matches!(*option, "-s" | "--signoff") {
                trailers.push(format!("Signed-off-by: {HOLE}"));
                continue;
            }
            match commit_option(option) {
                Some((true, attached)) => {
                    paragraphs.extend(attached.or_else(|| rest.next().copied()).map(str::to_owned));
                }
                Some((false, attached)) => {
                    let path = attached.or_else(|| rest.next().copied()).unwrap_or_default();
                    let stdin = matches!(path, "-" | "/dev/stdin");
                    let text = if stdin { input.cloned() } else { self.files.get(&self.path(path)).cloned() };
                    match text {
                        Some(text) => paragraphs.push(text.trim_end().to_owned()),
                        None if stdin || path.contains(HOLE) => paragraphs.push(HOLE.to_string()),
                        None => return self.facts.commits.push(CommitMessage::File(self.path(path))),
                    }
                }
                None if *option == "--" => break,
                None => {}
            }
        }
        if paragraphs.is_empty() {
            paragraphs.push(HOLE.to_string());
        }
        if !trailers.is_empty() {
            paragraphs.push(trailers.join("\n"));
        }
        self.facts.commits.push(CommitMessage::Text(known(&paragraphs.join("\n\n"))));
    }

    /// The title and the body of `gh pr create` and the like; not exact where an editor or the commits fill them in.
    fn pull_request(&mut self, program: &str, args: &[&str], input: Option<&String>) {
        let ["pr" | "mr", action @ ("create" | "new" | "edit" | "update"), options @ ..] = args else { return };
        let (mut title, mut body) = (None, None);
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            let (name, attached) = option.split_once('=').map_or((*option, None), |(name, value)| (name, Some(value)));
            let mut value = || attached.or_else(|| rest.next().copied()).unwrap_or_default();
            match name {
                "--title" | "-t" => title = Some(value().to_owned()),
                "--body" | "--description" | "-b" => body = Some(value().to_owned()),
                "-d" if program == "glab" => body = Some(value().to_owned()),
                "--body-file" | "-F" => {
                    let path = value();
                    let text = if path == "-" { input.cloned() } else { self.files.get(&self.path(path)).cloned() };
                    body = Some(text.map_or(HOLE.to_string(), |text| text.trim_end().to_owned()));
                }
                _ => {}
            }
        }
        // What an edit does not name stays as it is; what a new one lacks is asked for.
        let rest = if matches!(*action, "edit" | "update") { String::new() } else { HOLE.to_string() };
        let text = format!("{}\n\n{}", title.unwrap_or_else(|| rest.clone()), body.unwrap_or(rest));
        self.facts.pull_request = Some(known(&text));
    }
}

/// Whether an option of `git commit` gives the message (or a file with it), and the value attached to it.
fn commit_option(option: &str) -> Option<(bool, Option<&str>)> {
    if let Some(long) = option.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return match name {
            "message" => Some((true, value)),
            "file" => Some((false, value)),
            _ => None,
        };
    }
    let cluster = option.strip_prefix('-')?;
    // Letters whose value is the rest of the cluster end it.
    let at = cluster.find(['m', 'F', 'C', 'c', 't', 'u', 'S'])?;
    let value = cluster.get(at + 1..).filter(|value| !value.is_empty());
    match cluster.get(at..)?.chars().next()? {
        'm' => Some((true, value)),
        'F' => Some((false, value)),
        _ => None,
    }
}

/// The words that are neither options nor their values.
fn operands<'a>(args: &[&'a str], valued: &[&str]) -> impl Iterator<Item = &'a str> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let rest = args.get(at..).unwrap_or_default();
        let start = operands_at(rest, valued);
        let literal = start > 0 && rest.get(start - 1) == Some(&"--");
        let count = if literal { rest.len() } else { start + 1 };
        paths.extend(rest.get(start..count).unwrap_or_default());
        at += count.max(1);
    }
    paths.into_iter()
}

/// Whether an option asks for folders with what lies in them.
fn is_recursive(option: &str) -> bool {
    let cluster = option.starts_with('-') && !option.starts_with("--");
    option == "--recursive" || cluster && option.contains(['r', 'R'])
}

/// Whether an option of `git clean` asks what it would do.
fn is_dry(option: &str) -> bool {
    let cluster = option.starts_with('-') && !option.starts_with("--");
    option == "--dry-run" || cluster && option.contains('n')
}

/// Whether `find` deletes what it comes upon.
fn finds_to_delete(args: &[&str]) -> bool {
    let runs = |pair: &[&str]| match pair {
        [option, program] => {
            matches!(*option, "-exec" | "-execdir" | "-ok" | "-okdir")
                && matches!(base_name(program), "rm" | "unlink" | "rmdir" | "shred" | "trash" | "rimraf")
        }
        _ => false,
    };
    args.contains(&"-delete") || args.windows(2).any(runs)
}

/// The most places of a search that are told apart.
const MAX_PLACES: usize = 4;

/// The paths that `find` comes upon, as patterns: what lies below each place where it starts, by name where it asks for one.
fn searched(args: &[&str]) -> Vec<String> {
    // What comes before the places are options of how links are followed.
    let args =
        args.get(args.iter().take_while(|arg| matches!(**arg, "-H" | "-L" | "-P")).count()..).unwrap_or_default();
    let count = args.iter().take_while(|arg| !arg.starts_with(['-', '(', '!', ','])).count();
    let (places, tests) = args.split_at(count);
    let value = |names: &[&str]| {
        let at = tests.iter().position(|arg| names.contains(arg))?;
        let denied = at.checked_sub(1).is_some_and(|before| matches!(tests.get(before), Some(&("!" | "-not"))));
        tests.get(at + 1).filter(|_| !denied)
    };
    if let Some(path) = value(&["-path", "-ipath", "-wholename"]) {
        return vec![(*path).to_owned()];
    }
    let name = value(&["-name", "-iname"]).unwrap_or(&"*");
    let places = if places.is_empty() { &["."] } else { places };
    places.iter().take(MAX_PLACES).map(|place| join(place, name)).collect()
}

/// Whether an option of `sed`, `perl` or `ruby` asks for a change in place.
fn in_place(option: &str) -> bool {
    let cluster = option.starts_with('-') && !option.starts_with("--");
    option.starts_with("--in-place") || (cluster && option.chars().skip(1).take(4).any(|letter| letter == 'i'))
}

/// Whether a cluster of letters such as `-pie` takes the script as its value.
fn is_cluster_of_e(option: &str) -> bool {
    option.starts_with('-') && !option.starts_with("--") && option.ends_with(['e', 'E'])
}
