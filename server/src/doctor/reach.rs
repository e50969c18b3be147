//! Whether a host's hooks reach us: the very command line that its settings hold is told of a call that a rule forbids.
//!
//! The rule is one of a folder made for it, and no call is made: nothing of the user's is touched. What cannot be told from
//! here is whether the host itself runs its hooks.

use super::{Finding, Part, Surroundings};
use crate::host::description::{Description, Hook, Moment, Slot};
use crate::host::{log, named, payload};
use crate::install::{Scope, Setup};
use serde_json::Value;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A program that nobody has.
const FORBIDDEN: &str = "never-run-by-anybody";
/// The rule that is broken.
const RULE: &str = "id = \"never-run-by-anybody\"\ntitle = \"a rule that is broken to see what happens\"\nstate = \"armed\"\n\n\
    [check]\npattern = \"absence\"\nnever = { command = \"never-run-by-anybody\" }\n";
/// How long a hook may take, as hosts have it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a hook's process did.
struct Ended {
    status: ExitStatus,
    output: String,
    errors: String,
}

/// Tells of each of our hooks in the settings of a host, the user's and the project's, and in our plugin where the host has
/// installed it, what it does with a forbidden call.
pub(super) fn examine(host: &str, name: &str, surroundings: &Surroundings<'_>, tell: &mut dyn FnMut(Finding)) {
    let Some(host) = named(host) else { return };
    let Some(hook) = host.events.iter().find(|hook| hook.moment == Moment::BeforeTool) else { return };
    let set = |variable: &str| surroundings.folder(variable);
    let root = surroundings.engine.root();
    let bases = [(Scope::User, surroundings.home.as_deref()), (Scope::Project, Some(root))];
    let setups =
        bases.into_iter().filter_map(|(scope, base)| Setup::of(host.name, scope, base?, Path::new(""), "trace", &set));
    let (mut files, mut form) = (Vec::new(), None);
    for setup in setups {
        let text = fs::read_to_string(setup.path()).unwrap_or_default();
        if setup.is_switched_off(&text) {
            let what = format!("{name}: `{}` switches all hooks off: nothing is enforced", setup.path().display());
            return tell(Finding::broken(Part::Host, what, "take `disableAllHooks` out"));
        }
        files.push((setup.path().to_owned(), setup.commands(&text, hook.name)));
        form = Some(setup);
    }
    let plugins = surroundings.plugins(host.name);
    let by_settings = files.iter().any(|(_, commands)| !commands.is_empty());
    for plugin in &plugins {
        let text = fs::read_to_string(&plugin.hooks).unwrap_or_default();
        let commands = form.as_ref().map(|form| form.commands(&text, hook.name)).unwrap_or_default();
        let id = &plugin.id;
        match (plugin.is_on, by_settings) {
            (false, true) => {}
            (false, false) => {
                let what = format!("{name}: our plugin `{id}` is installed, and switched off: nothing is enforced");
                tell(Finding::broken(Part::Host, what, "switch it on in the host's list of plugins"));
            }
            (true, _) if commands.is_empty() => {
                let what = format!("{name}: no hook of ours can be read in `{}`", plugin.hooks.display());
                tell(Finding::broken(Part::Host, what, format!("install `{id}` again")));
            }
            (true, true) => {
                let what = format!(
                    "{name}: its settings and our plugin `{id}` both have our hooks: each event is judged twice"
                );
                tell(Finding::look(Part::Host, what, format!("`trace uninstall {}` leaves the plugin", host.name)));
                files.push((plugin.hooks.clone(), commands));
            }
            (true, false) => files.push((plugin.hooks.clone(), commands)),
        }
    }
    for (file, command) in files.iter().flat_map(|(file, commands)| commands.iter().map(move |command| (file, command)))
    {
        tell(tried(host, hook, name, command, file));
    }
    if plugins.is_empty() && !by_settings {
        let what = format!("{name}: neither its settings nor a plugin have our hooks");
        tell(Finding::look(Part::Host, what, format!("`trace install {}`", host.name)));
    }
}

/// Runs a hook on a forbidden call, and tells what happened.
fn tried(host: &Description, hook: &Hook, name: &str, command: &str, settings: &Path) -> Finding {
    let broken = |what: String, help: &str| Finding::broken(Part::Host, format!("{name}: {what}"), help);
    let place = match made() {
        Ok(place) => place,
        Err(error) => {
            return broken(format!("no folder can be made to try its hooks in: {error}"), "make room, and try again");
        }
    };
    let again = format!("`trace install {}` writes it anew", host.name);
    let told = payload::forbidden_call(host, hook, place.path(), FORBIDDEN, !command.contains(hook.name));
    let ended = match run(command, host.project, place.path(), &told.to_string()) {
        Ok(Some(ended)) => ended,
        Ok(None) => return broken(format!("`{command}` did not end within {} s", PATIENCE.as_secs()), &again),
        Err(error) => return broken(format!("`{command}` can't be run: {error}"), &again),
    };
    let settings = settings.display();
    if is_denial(hook, &ended) {
        let trust = if host.name == "codex" { "; Codex runs it once it was told to trust it" } else { "" };
        let what = format!("{name}: a forbidden call was refused by the hook in `{settings}`{trust}");
        return Finding::well(Part::Host, what);
    }
    let entries = log::read(&place.path().join(".trace")).unwrap_or_default();
    let late = entries.iter().rfind(|entry| entry.what == log::What::NotEnforced);
    if let Some(why) = late.and_then(|entry| entry.why.as_deref()) {
        let what = format!("{name}: a forbidden call passed the hook in `{settings}`: {why}");
        return Finding::look(Part::Host, what, "try again when the machine is less busy");
    }
    let said = ended.errors.lines().next().filter(|line| !line.is_empty()).unwrap_or("it said nothing");
    let what =
        format!("a forbidden call passed the hook in `{settings}`: `{command}` ended with {}; {said}", ended.status);
    broken(what, &again)
}

/// A workspace with one rule.
fn made() -> io::Result<tempfile::TempDir> {
    let place = tempfile::tempdir()?;
    let rules = place.path().join(".trace/rules");
    fs::create_dir_all(&rules)?;
    fs::write(rules.join(format!("{FORBIDDEN}.toml")), RULE)?;
    Ok(place)
}

/// Runs a command line as a host does; nothing where it does not end in time.
fn run(command: &str, project: &[&str], place: &Path, input: &str) -> io::Result<Option<Ended>> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(place);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in project {
        shell.env_remove(variable);
    }
    let mut child = shell.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read has ended already.
        drop(stdin.write_all(input.as_bytes()));
    }
    let (say, said) = channel();
    let streams = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let (mut output, mut errors) = (String::new(), String::new());
        drop(streams.0.map(|mut stream| stream.read_to_string(&mut output)));
        drop(streams.1.map(|mut stream| stream.read_to_string(&mut errors)));
        drop(say.send((output, errors)));
    });
    let heard = said.recv_timeout(PATIENCE).ok();
    if heard.is_none() {
        child.kill()?;
    }
    let status = child.wait()?;
    Ok(heard.map(|(output, errors)| Ended { status, output, errors }))
}

/// Whether the host would take it for a refusal, and it is ours.
fn is_denial(hook: &Hook, ended: &Ended) -> bool {
    let Some(shape) = &hook.answers.deny else { return false };
    let Ok(answer) = serde_json::from_str::<Value>(&ended.output) else { return false };
    let fits = |(path, slot): &(&str, Slot)| {
        let said = answer.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_str);
        said.is_some_and(|said| match slot {
            Slot::Word(word) => said == *word,
            Slot::Event => said == hook.name,
            Slot::Text | Slot::Input => said.contains(FORBIDDEN),
        })
    };
    shape.slots.iter().all(fits) && ended.status.code() == Some(shape.exit.into())
}
