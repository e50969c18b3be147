//! Programs that run another program: what they run, told from their arguments and input.
//!
//! The tables are knowledge about the world, not logic: a new wrapper is a new line. Runners of a package manager's own
//! scripts and tools (`npx`, `pnpm dlx`, `uv run`) are not wrappers: they are what a rule is about.

use super::call::Call;
use super::expand::Field;
use super::syntax::HOLE;

/// Something that a wrapper runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside {
    pub(super) run: Run,
    /// The wrapper's name for [`via`](crate::facts::Command::via).
    pub(super) via: String,
    pub(super) env: Vec<(String, String)>,
    /// The directory it changes to.
    pub(super) cwd: Option<String>,
    /// Whether it runs on another machine or in a container.
    pub(super) remote: bool,
}

/// The forms of what is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Run {
    Words(Vec<Field>),
    Text(String),
}

/// A program whose arguments are a command, after options of its own.
struct Wrapper {
    name: &'static str,
    /// The options that take the next word as their value.
    valued: &'static [&'static str],
    /// How many words stand between the options and the command.
    operands: usize,
}

const fn wrapper(name: &'static str, valued: &'static [&'static str], operands: usize) -> Wrapper {
    Wrapper { name, valued, operands }
}

/// The wrappers that need no more than that.
const WRAPPERS: [Wrapper; 51] = [
    wrapper("builtin", &[], 0),
    wrapper("busybox", &[], 0),
    wrapper("caffeinate", &["-t", "-w"], 0),
    wrapper("chroot", &["--userspec", "--groups"], 1),
    wrapper("chronic", &[], 0),
    wrapper("chrt", &["-T", "-P", "-D"], 1),
    wrapper("command", &[], 0),
    wrapper("dbus-run-session", &["--config-file"], 0),
    wrapper("ddev", &[], 0),
    wrapper("doas", &["-u", "-C"], 0),
    wrapper("dumb-init", &["-r"], 0),
    wrapper("eatmydata", &[], 0),
    wrapper("entr", &[], 0),
    wrapper("env", &["-u", "--unset", "-C", "--chdir"], 0),
    wrapper("exec", &["-a"], 0),
    wrapper("fakeroot", &["-l", "-s", "-i", "-b"], 0),
    wrapper("firejail", &[], 0),
    wrapper("flock", &["-w", "--timeout", "-E", "--conflict-exit-code"], 1),
    wrapper("gtimeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    wrapper("ifne", &[], 0),
    wrapper("ionice", &["-c", "-n", "-p", "--class", "--classdata"], 0),
    wrapper("ltrace", &["-e", "-o", "-p", "-s", "-u", "-n", "-a", "-l"], 0),
    wrapper("nice", &["-n", "--adjustment"], 0),
    wrapper("nocorrect", &[], 0),
    wrapper("noglob", &[], 0),
    wrapper("nohup", &[], 0),
    wrapper("nsenter", &["-t", "--target", "-S", "-G"], 0),
    wrapper("numactl", &["-N", "-m", "-C", "-i", "-p"], 0),
    wrapper("pkexec", &["--user"], 0),
    wrapper("prlimit", &["-p", "--pid", "-o", "--output"], 0),
    wrapper("proxychains", &["-f"], 0),
    wrapper("proxychains4", &["-f"], 0),
    wrapper("rlwrap", &["-f", "-H", "-C", "-a"], 0),
    wrapper("screen", &["-S", "-t", "-T", "-c", "-e", "-h", "-s", "-p", "-X"], 0),
    wrapper("setarch", &[], 1),
    wrapper("setsid", &[], 0),
    wrapper("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"], 0),
    wrapper("strace", &["-a", "-b", "-e", "-E", "-I", "-o", "-O", "-p", "-P", "-s", "-S", "-u", "-X"], 0),
    wrapper(
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--host",
            "--prompt", "--chdir",
        ],
        0,
    ),
    wrapper("systemd-run", &["-p", "-u", "-E", "-H", "-M", "--unit", "--property", "--setenv", "--slice", "--uid"], 0),
    wrapper("taskset", &[], 1),
    wrapper("time", &["-f", "-o", "--format", "--output"], 0),
    wrapper("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    wrapper("tini", &["-p", "-e"], 0),
    wrapper("torsocks", &["-a", "-P", "-u", "-p"], 0),
    wrapper("toybox", &[], 0),
    wrapper("unbuffer", &[], 0),
    wrapper("unshare", &["-S", "-G", "-R", "-w"], 0),
    wrapper("valgrind", &[], 0),
    wrapper("winpty", &[], 0),
    wrapper("wsl", &["-d", "-u", "--cd", "--distribution", "--user"], 0),
];

/// Programs that run all their words after `--`; whether elsewhere.
const AFTER_DASHES: [(&str, bool); 10] = [
    ("kubectl", true),
    ("oc", true),
    ("lxc", true),
    ("incus", true),
    ("multipass", true),
    ("aws-vault", false),
    ("doppler", false),
    ("op", false),
    ("mise", false),
    ("xvfb-run", false),
];

/// Programs with an option whose value is a shell text.
const TEXT_OPTIONS: [(&str, &[&str]); 8] = [
    ("su", &["-c", "--command", "--session-command"]),
    ("runuser", &["-c", "--command"]),
    ("script", &["-c", "--command"]),
    ("flock", &["-c", "--command"]),
    ("nix-shell", &["--run", "--command"]),
    ("nodemon", &["-x", "--exec"]),
    ("vagrant", &["-c", "--command"]),
    ("tar", &["--to-command", "--checkpoint-action=exec"]),
];

const XARGS_OPTIONS: [&str; 17] = [
    "-I",
    "-J",
    "-R",
    "-n",
    "-P",
    "-L",
    "-d",
    "-a",
    "-E",
    "-s",
    "--max-args",
    "--max-procs",
    "--max-lines",
    "--delimiter",
    "--arg-file",
    "--max-chars",
    "--process-slot-var",
];
const PARALLEL_OPTIONS: [&str; 12] =
    ["-j", "--jobs", "-a", "-I", "-S", "-n", "-N", "-P", "--colsep", "--joblog", "--results", "--delay"];
const SSH_OPTIONS: [&str; 20] = [
    "-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p", "-Q", "-R", "-S",
    "-W",
];
const CONTAINER_OPTIONS: [&str; 50] = [
    "-a",
    "-c",
    "-e",
    "-f",
    "-h",
    "-H",
    "-l",
    "-m",
    "-p",
    "-u",
    "-v",
    "-w",
    "--add-host",
    "--attach",
    "--cap-add",
    "--cap-drop",
    "--config",
    "--context",
    "--cpus",
    "--detach-keys",
    "--device",
    "--dns",
    "--entrypoint",
    "--env",
    "--env-file",
    "--expose",
    "--file",
    "--gpus",
    "--host",
    "--hostname",
    "--index",
    "--ipc",
    "--label",
    "--link",
    "--memory",
    "--mount",
    "--name",
    "--network",
    "--pid",
    "--platform",
    "--profile",
    "--project-directory",
    "--project-name",
    "--publish",
    "--pull",
    "--restart",
    "--security-opt",
    "--shm-size",
    "--user",
    "--volume",
];
const GIT_OPTIONS: [&str; 6] = ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"];

/// The most values of a list that are tried one by one.
const MAX_VALUES: usize = 16;

/// What a program runs, by its arguments and input; empty for a program that runs nothing.
pub(super) fn inside(program: &str, call: &Call) -> Vec<Inside> {
    let words = call.words.get(1..).unwrap_or_default();
    let args: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    if let Some(texts) = option_texts(program, &args) {
        return texts;
    }
    match program {
        "command" if args.first().is_some_and(|arg| matches!(*arg, "-v" | "-V")) => Vec::new(),
        "env" => env(words, &args),
        "find" => find(words, &args),
        "fd" | "fdfind" => fd(words, &args),
        "xargs" | "gxargs" => xargs(words, &args, call.input.as_deref()),
        "parallel" => parallel(&args, call.input.as_deref()),
        "watch" => joined("watch", &args, operands_at(&args, &["-n", "--interval"]), false),
        "ssh" | "mosh" => joined(program, &args, operands_at(&args, &SSH_OPTIONS) + 1, true),
        "cmd" => {
            let start = args.iter().position(|arg| arg.eq_ignore_ascii_case("/c")).map_or(args.len(), |at| at + 1);
            joined(program, &args, start, false)
        }
        "docker" | "podman" | "nerdctl" | "docker-compose" => container(program, words, &args),
        "git" => git(words, &args),
        "tmux" => tmux(&args),
        "direnv" => after(program, words, 2, args.first() == Some(&"exec"), false),
        _ => match AFTER_DASHES.iter().find(|(name, _)| *name == program) {
            Some((_, remote)) => {
                let start = args.iter().position(|arg| *arg == "--").map(|at| at + 1);
                start.map_or_else(Vec::new, |start| after(program, words, start, true, *remote))
            }
            None => WRAPPERS.iter().find(|wrapper| wrapper.name == program).map_or_else(Vec::new, |wrapper| {
                let start = operands_at(&args, wrapper.valued) + wrapper.operands;
                assigned(program, words, start)
            }),
        },
    }
}

/// Where the first word stands that is neither an option nor an option's value.
pub(super) fn operands_at(args: &[&str], valued: &[&str]) -> usize {
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        if *arg == "--" {
            return at + 1;
        }
        if !arg.starts_with(['-', '+']) || arg.len() == 1 {
            break;
        }
        // In a cluster such as `-xu NAME` the last letter may take a value.
        let cluster = !arg.starts_with("--") && arg.chars().skip(1).all(|c| c.is_ascii_alphabetic());
        let last = arg.chars().last().filter(|_| cluster).map(|last| format!("-{last}"));
        let takes = valued.contains(arg) || last.is_some_and(|last| valued.contains(&last.as_str()));
        at += if takes { 2 } else { 1 };
    }
    at.min(args.len())
}

fn part(via: &str, run: Run) -> Inside {
    Inside { run, via: via.to_owned(), env: Vec::new(), cwd: None, remote: false }
}

/// The words from a place on, if there are any and a condition holds.
fn after(via: &str, words: &[Field], start: usize, holds: bool, remote: bool) -> Vec<Inside> {
    match words.get(start..) {
        Some(words) if holds && !words.is_empty() => vec![Inside { remote, ..part(via, Run::Words(words.to_vec())) }],
        _ => Vec::new(),
    }
}

/// The same with assignments in front, as `env` and `sudo` take them.
fn assigned(via: &str, words: &[Field], start: usize) -> Vec<Inside> {
    let words = words.get(start..).unwrap_or_default();
    let env: Vec<(String, String)> = words
        .iter()
        .map_while(|word| word.text.split_once('=').filter(|(name, _)| !name.contains('/')))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut inside = after(via, words, env.len(), true, false);
    for part in &mut inside {
        part.env.clone_from(&env);
    }
    inside
}

/// The words from a place on as one shell text.
fn joined(via: &str, args: &[&str], start: usize, remote: bool) -> Vec<Inside> {
    match args.get(start..) {
        Some(words) if !words.is_empty() => vec![Inside { remote, ..part(via, Run::Text(words.join(" "))) }],
        _ => Vec::new(),
    }
}

/// The values of options that are shell texts.
fn option_texts(program: &str, args: &[&str]) -> Option<Vec<Inside>> {
    let (_, options) = TEXT_OPTIONS.iter().find(|(name, _)| *name == program)?;
    let mut texts = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        let cluster =
            |option: &str| !arg.starts_with("--") && option.len() == 2 && arg.ends_with(option.trim_start_matches('-'));
        let text = options.iter().find_map(|option| match arg.strip_prefix(option) {
            Some("") => args.get(at + 1).copied(),
            Some(rest) => rest.strip_prefix('='),
            None => args.get(at + 1).copied().filter(|_| arg.starts_with('-') && cluster(option)),
        });
        texts.extend(text.map(|text| part(program, Run::Text(text.to_owned()))));
    }
    if texts.is_empty() { None } else { Some(texts) }
}

fn env(words: &[Field], args: &[&str]) -> Vec<Inside> {
    let start = operands_at(args, &["-u", "--unset", "-C", "--chdir", "-S", "--split-string"]);
    let options = args.get(..start).unwrap_or_default();
    let value_of = |names: [&str; 2]| {
        let at = options.iter().position(|option| names.contains(option));
        let attached = options.iter().find_map(|option| names.iter().find_map(|name| option.strip_prefix(name)));
        let next = at.and_then(|at| options.get(at + 1)).copied();
        next.or(attached.map(|value| value.trim_start_matches('='))).filter(|value| !value.is_empty())
    };
    if let Some(text) = value_of(["-S", "--split-string"]) {
        let rest = args.get(start..).unwrap_or_default();
        return vec![part("env", Run::Text(format!("{text} {}", rest.join(" "))))];
    }
    let cwd = value_of(["-C", "--chdir"]).map(str::to_owned);
    // A lone `-` is `-i`.
    let start = start + usize::from(args.get(start) == Some(&"-"));
    let mut inside = assigned("env", words, start);
    for part in &mut inside {
        part.cwd.clone_from(&cwd);
    }
    inside
}

/// The words with each placeholder replaced.
fn replaced(words: &[Field], placeholder: &str, value: &str) -> Vec<Field> {
    words.iter().map(|word| Field { text: word.text.replace(placeholder, value), ..*word }).collect()
}

fn find(words: &[Field], args: &[&str]) -> Vec<Inside> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if matches!(*arg, "-exec" | "-execdir" | "-ok" | "-okdir") {
            let rest = words.get(at + 1..).unwrap_or_default();
            let end = rest.iter().position(|word| matches!(word.text.as_str(), ";" | "+")).unwrap_or(rest.len());
            let command = replaced(rest.get(..end).unwrap_or_default(), "{}", &HOLE.to_string());
            found.push(part(&format!("find {arg}"), Run::Words(command)));
        }
    }
    found
}

fn fd(words: &[Field], args: &[&str]) -> Vec<Inside> {
    let start = args.iter().position(|arg| matches!(*arg, "-x" | "-X" | "--exec" | "--exec-batch"));
    let rest = start.and_then(|start| words.get(start + 1..)).unwrap_or_default();
    let end = rest.iter().position(|word| word.text == ";").unwrap_or(rest.len());
    after("fd", &replaced(rest.get(..end).unwrap_or_default(), "{}", &HOLE.to_string()), 0, true, false)
}

fn xargs(words: &[Field], args: &[&str], input: Option<&str>) -> Vec<Inside> {
    let start = operands_at(args, &XARGS_OPTIONS);
    let command = words.get(start..).unwrap_or_default();
    let options = args.get(..start).unwrap_or_default();
    let placeholder = options.iter().enumerate().find_map(|(at, option)| match option.strip_prefix("-I")? {
        "" => options.get(at + 1).copied(),
        attached => Some(attached),
    });
    let input = input.filter(|input| !input.contains(HOLE));
    let Some(placeholder) = placeholder else {
        let items = input.map_or_else(
            || vec![Field::literal(HOLE)],
            |input| {
                input
                    .split(|c: char| c.is_whitespace() || c == '\0')
                    .filter(|item| !item.is_empty())
                    .map(Field::literal)
                    .collect()
            },
        );
        // Without a command, `echo` is run.
        return if command.is_empty() {
            Vec::new()
        } else {
            vec![part("xargs", Run::Words([command, &items].concat()))]
        };
    };
    let lines: Vec<&str> = input.map_or_else(Vec::new, |input| input.lines().take(MAX_VALUES + 1).collect());
    let hole = HOLE.to_string();
    let values = if lines.is_empty() || lines.len() > MAX_VALUES { vec![hole.as_str()] } else { lines };
    values
        .into_iter()
        .flat_map(|value| after("xargs", &replaced(command, placeholder, value), 0, true, false))
        .collect()
}

/// GNU parallel: a template and values, or whole commands as values.
fn parallel(args: &[&str], input: Option<&str>) -> Vec<Inside> {
    let start = operands_at(args, &PARALLEL_OPTIONS);
    let rest = args.get(start..).unwrap_or_default();
    let end = rest.iter().position(|arg| arg.starts_with(":::")).unwrap_or(rest.len());
    let template = rest.get(..end).unwrap_or_default().join(" ");
    let hole = HOLE.to_string();
    let given = rest.get(end + 1..).unwrap_or_default().iter().copied().filter(|arg| !arg.starts_with(":::"));
    let values: Vec<&str> = match input {
        _ if end < rest.len() => given.take(MAX_VALUES).collect(),
        Some(input) => input.lines().take(MAX_VALUES).collect(),
        None => vec![hole.as_str()],
    };
    let text = |value: &str| {
        if template.is_empty() {
            value.to_owned()
        } else if template.contains('{') {
            ["{}", "{.}", "{/}"].iter().fold(template.clone(), |text, mark| text.replace(mark, value))
        } else {
            format!("{template} {value}")
        }
    };
    values.into_iter().map(|value| part("parallel", Run::Text(text(value)))).collect()
}

/// `docker exec`, `docker run` and their like, also behind `compose`.
fn container(program: &str, words: &[Field], args: &[&str]) -> Vec<Inside> {
    let mut at = 0;
    let mut names = vec![program];
    loop {
        at += operands_at(args.get(at..).unwrap_or_default(), &CONTAINER_OPTIONS);
        match args.get(at) {
            Some(name @ (&"exec" | &"run")) => {
                names.push(name);
                break;
            }
            Some(&("compose" | "container")) => at += 1,
            _ => return Vec::new(),
        }
    }
    let rest = args.get(at + 1..).unwrap_or_default();
    let options = operands_at(rest, &CONTAINER_OPTIONS);
    let entry = rest.get(..options).unwrap_or_default().iter().enumerate().find_map(|(at, option)| {
        let value = option.strip_prefix("--entrypoint")?;
        value.strip_prefix('=').or_else(|| rest.get(at + 1).copied())
    });
    let command = words.get(at + 1 + options + 1..).unwrap_or_default();
    let command: Vec<Field> = entry.map(Field::literal).into_iter().chain(command.iter().cloned()).collect();
    after(&names.join(" "), &command, 0, true, true)
}

/// What git runs for an alias, and for the subcommands that take a command.
fn git(words: &[Field], args: &[&str]) -> Vec<Inside> {
    let start = operands_at(args, &GIT_OPTIONS);
    let (options, rest) = args.split_at_checked(start).unwrap_or_default();
    let Some((subcommand, operands)) = rest.split_first() else { return Vec::new() };
    let alias =
        options.iter().find_map(|option| option.strip_prefix("alias.")?.strip_prefix(subcommand)?.strip_prefix("=!"));
    if let Some(text) = alias {
        return vec![part("git", Run::Text(format!("{text} {}", operands.join(" "))))];
    }
    match (*subcommand, operands.first()) {
        ("bisect", Some(&"run")) => after("git bisect run", words, start + 2, true, false),
        ("submodule", Some(&"foreach")) => {
            let operand = operands_at(operands.get(1..).unwrap_or_default(), &[]);
            joined("git submodule foreach", operands, 1 + operand, false)
        }
        ("rebase", _) => operands
            .windows(2)
            .filter_map(|pair| matches!(pair, ["-x" | "--exec", _]).then(|| pair.last().copied()).flatten())
            .map(|text| part("git rebase --exec", Run::Text(text.to_owned())))
            .collect(),
        _ => Vec::new(),
    }
}

/// What tmux types or starts.
fn tmux(args: &[&str]) -> Vec<Inside> {
    let Some((subcommand, rest)) = args.split_first() else { return Vec::new() };
    match *subcommand {
        "send-keys" | "send" => {
            let keys = rest.get(operands_at(rest, &["-t", "-N"])..).unwrap_or_default();
            let typed = keys.iter().filter(|key| !matches!(**key, "Enter" | "C-m" | "C-c" | "KPEnter" | "Space"));
            typed.map(|text| part("tmux", Run::Text((*text).to_owned()))).collect()
        }
        "new" | "new-session" | "new-window" | "neww" | "split-window" | "splitw" | "respawn-pane" => {
            let start = operands_at(rest, &["-s", "-n", "-t", "-c", "-x", "-y", "-e", "-F", "-l", "-p"]);
            joined("tmux", rest, start, false)
        }
        _ => Vec::new(),
    }
}
