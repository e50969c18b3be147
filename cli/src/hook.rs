//! `trace hook`: one event of a host comes in on standard input, and the host's answer goes out.
//!
//! A process of its own for every event, so it is dispatched before anything of the command line is built. Whatever goes
//! wrong, the agent goes on: an empty answer and exit status 0 mean "no opinion" to every host, and a line in
//! `.trace/log.jsonl` says that nothing was enforced. Only a denial has another exit status, on hosts that ask for one.

use crate::{End, user_rules};
use anyhow::Result;
use server::host::hook::MAX_WAIT;
use server::host::{Answer, Description, HOSTS, Hook, Moment, Surroundings, hook, named, payload, unjudged};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest payload that is read, in bytes.
const MAX_PAYLOAD_BYTES: u64 = 16 << 20;
/// How long a host may take to say what happened.
const LISTENING: Duration = Duration::from_secs(2);
/// How long an answer may take.
const THINKING: Duration = Duration::from_millis(50);
/// How long an answer may take where rule files are read or written: when a session begins, and when the user speaks.
const READING: Duration = Duration::from_secs(2);
/// Another limit for an answer, in milliseconds, for machines that are very slow. Git may take half of a limit.
const LIMIT: &str = "TRACE_HOOK_LIMIT_MS";

/// Judge one event of an agent's host, as its hooks call it
///
/// Reads the host's payload from standard input and prints the host's answer. `trace install` sets this up.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace hook claude-code < payload.json
  trace hook copilot preToolUse < payload.json    where the payload does not name its event

Exit code: 0, also where something went wrong; 2 where a host expects it with a denial.")]
pub(crate) struct Arguments {
    /// claude-code, codex, copilot, cursor, gemini or opencode
    host: String,
    /// The event, where the payload does not name it
    event: Option<String>,
}

/// What the thread that works has told the one that watches the time.
struct Told {
    /// The event, and where it happened.
    hook: Option<&'static Hook>,
    place: Option<String>,
    /// When an answer comes too late, and how long that was in all.
    until: Instant,
    limit: Duration,
    /// Whether one of the two answers: nobody answers twice.
    answered: bool,
}

/// The way of a process that a host has started: nothing but the host and the event is looked at.
pub(crate) fn quick() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != "hook" {
        return None;
    }
    let words: Vec<OsString> = words.collect();
    let plain = |word: &OsString| !word.as_encoded_bytes().starts_with(b"-");
    if words.is_empty() || !words.iter().all(plain) {
        return None;
    }
    let text = |at: usize| words.get(at).map(|word| word.to_string_lossy().into_owned());
    Some(ExitCode::from(respond(&text(0)?, text(1).as_deref(), None)))
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    match respond(&arguments.host, arguments.event.as_deref(), root) {
        0 => Ok(End::Clean),
        // Two is what a host that looks at the status takes for a denial.
        _ => anyhow::bail!("the action is denied"),
    }
}

/// Answers on standard output, and says the exit status.
fn respond(name: &str, event: Option<&str>, root: Option<PathBuf>) -> u8 {
    let Some(host) = named(name) else {
        let names = HOSTS.map(|host| host.name).join(", ");
        let _ = writeln!(std::io::stderr(), "trace: there is no host `{name}`; help: one of {names}");
        return 0;
    };
    let cwd = root.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    let project = host.project.iter().find_map(std::env::var_os).map(PathBuf::from);
    let patience = own_limit().unwrap_or(THINKING) / 2;
    let around = Surroundings { cwd, user: user_rules(), project, patience };
    let answer = watched(host, event, &around);
    // A host that does not listen any more has decided without us.
    let printed = std::io::stdout().write_all(answer.output.as_bytes());
    if printed.is_ok() { answer.exit } else { 0 }
}

/// Works while another thread watches the time, which ends the process where it is too late.
///
/// The work is done by the first thread, because the other way round a busy machine would have to wake two threads in turn.
fn watched(host: &'static Description, event: Option<&str>, around: &Surroundings) -> Answer {
    let until = Instant::now() + LISTENING;
    let told = Arc::new(Mutex::new(Told { hook: None, place: None, until, limit: LISTENING, answered: false }));
    let (watched, own) = (Arc::clone(&told), around.clone());
    let watch = std::thread::Builder::new().spawn(move || watch(host, &watched, &own));
    let work = || work(host, event, around, &told);
    let worked = match watch {
        Ok(_) => catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("a fault of the program".to_owned())),
        Err(error) => Err(error.to_string()),
    };
    let (hook, place, late) = {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.hook, told.place.take(), std::mem::replace(&mut told.answered, true))
    };
    if late {
        loop {
            // The other thread is ending the process.
            std::thread::park();
        }
    }
    worked.unwrap_or_else(|why| unjudged(host, hook, place.as_deref(), &why, around))
}

/// Waits until it is too late for an answer, and then ends the process with the one for calls that are not judged.
fn watch(host: &'static Description, told: &Mutex<Told>, around: &Surroundings) {
    loop {
        let late = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.answered {
                return;
            }
            let left = told.until.saturating_duration_since(Instant::now());
            told.answered = left.is_zero();
            if told.answered { Ok((told.hook, told.place.take(), told.limit)) } else { Err(left) }
        };
        match late {
            // Nobody wakes it when an event was heard, which may be too late sooner: waking costs the worker.
            Err(left) => std::thread::sleep(left.min(own_limit().unwrap_or(THINKING))),
            Ok((hook, place, limit)) => {
                let why = format!("no answer within {} ms", limit.as_millis());
                let answer = unjudged(host, hook, place.as_deref(), &why, around);
                drop(std::io::stdout().write_all(answer.output.as_bytes()).and_then(|()| std::io::stdout().flush()));
                // The checks may have to be made anew; somebody has to come to an end with it.
                refresh(around, place.as_deref());
                return quit(answer.exit);
            }
        }
    }
}

#[expect(clippy::exit, reason = "the thread that works may be anywhere, and will not come back in time")]
fn quit(exit: u8) {
    std::process::exit(exit.into());
}

/// The limit that the environment sets.
fn own_limit() -> Option<Duration> {
    std::env::var(LIMIT).ok()?.parse().ok().map(Duration::from_millis)
}

fn work(
    host: &'static Description,
    event: Option<&str>,
    around: &Surroundings,
    told: &Mutex<Told>,
) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_PAYLOAD_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_PAYLOAD_BYTES {
        return Err(format!("a payload of more than {MAX_PAYLOAD_BYTES} bytes"));
    }
    let Some(heard) = payload::read(host, event, &bytes).map_err(|error| error.to_string())? else {
        return Ok(Answer::default());
    };
    drop(bytes);
    let place = heard.cwd.clone();
    let reads = heard.hook.moment == Moment::Stop && host.transcript.is_some();
    let thinking = if reads { THINKING + MAX_WAIT } else { THINKING };
    let limit = own_limit().unwrap_or(if heard.hook.moment.may_read() { READING } else { thinking });
    {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.hook, told.place) = (Some(heard.hook), place.clone());
        (told.limit, told.until) = (limit, Instant::now() + limit);
    }
    let answer = hook(host, heard, around).map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
    if answer.outdated {
        refresh(around, place.as_deref());
    }
    Ok(answer)
}

/// Starts a process that brings the compiled checks up to date, and does not wait for it.
fn refresh(around: &Surroundings, place: Option<&str>) {
    let Some((engine, own)) = around.engine(place).ok().zip(std::env::current_exe().ok()) else { return };
    let mut check = Command::new(own);
    check.arg("--root").arg(engine.root()).args(["check", "-"]);
    drop(check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn());
}
