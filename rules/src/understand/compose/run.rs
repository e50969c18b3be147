//! How commands are run: where, for how long at most, and what takes their output.

use super::{Composer, Draft};
use crate::lexicon::Cue;
use crate::predicate::{CommandTest, TextTest, ToolTest};
use crate::understand::meaning::Stance;
use crate::understand::thing::{Sort, Thing, command_thing, sample_commands, slug};
use crate::{Event, Pattern, Predicate};
use serde_json::json;

impl Composer<'_, '_> {
    /// `run pnpm from the root only`, `never run it from a package`: in no folder below the root.
    pub(super) fn rooted(&self) -> Option<Vec<Draft>> {
        let (meaning, main) = (self.meaning, &self.meaning.main);
        let timed = !meaning.rooted || meaning.before.is_some() || meaning.after.is_some();
        let rejects = !meaning.rejected.is_empty() || meaning.rejects;
        if timed || rejects || !main.things.iter().all(|thing| thing.sort == Sort::Command) {
            return None;
        }
        if main.things.is_empty() && !(main.verb == Some(Cue::Run) && main.words < 3) {
            return Some(Vec::new());
        }
        let draft = |thing: Thing| {
            let what = if thing.slug == ANY { "commands" } else { &*thing.label };
            let inside = Event { cwd: Some("packages/app".to_owned()), ..thing.holds.event() };
            let (id, title) = (format!("{}-below-the-root", slug(what)), format!("run {what} from the root only"));
            // `*` alone would find the root, which is `.`.
            let below = |test: &CommandTest| CommandTest { cwd: Some("[!.]*".to_owned()), ..test.clone() };
            let never = each(&thing.predicate, &below);
            Draft::of(id, title, Pattern::Absence { never }).violates([inside]).clean([thing.holds.event()])
        };
        Some(or_any(main.things.clone()).into_iter().map(draft).collect())
    }

    /// `never pipe test output into head`
    pub(super) fn piped(&self) -> Option<Vec<Draft>> {
        let meaning = self.meaning;
        let sinks = meaning.piped.as_ref().filter(|_| meaning.stance == Stance::Never)?;
        let script = |thing: &Thing| match thing.sort {
            Sort::File if thing.literal => command_thing(thing.label.trim_matches('`'), None),
            _ => thing.clone(),
        };
        let things: Vec<_> = meaning.main.things.iter().map(script).collect();
        if things.is_empty() && meaning.main.words > 3 || !things.iter().all(|thing| thing.sort == Sort::Command) {
            return Some(Vec::new());
        }
        let into = if sinks.is_empty() { "*".to_owned() } else { sinks.join("|") };
        let sink = sinks.first().map_or("tail", String::as_str);
        let names = sinks.iter().map(|sink| format!("`{sink}`")).collect::<Vec<_>>().join(" or ");
        let draft = |thing: Thing| {
            let what = if thing.slug == ANY { "output" } else { &*thing.label };
            let to = if sinks.is_empty() { "anything" } else { &names };
            let of = if thing.slug == ANY { String::new() } else { format!(" of {}", thing.label) };
            let title = format!("never pipe the output{of} into {to}");
            let id = format!("{}-into-{}", slug(what), slug(to));
            let with = |test: &CommandTest| CommandTest { into: Some(into.clone()), ..test.clone() };
            let run = sample_commands(&thing.predicate).into_iter().next();
            let run = run.filter(|_| thing.slug != ANY).unwrap_or_else(|| "make test".to_owned());
            let draft = Draft::of(id, title, Pattern::Absence { never: each(&thing.predicate, &with) });
            draft.violates([Event::command(format!("{run} | {sink}"))]).clean([Event::command(run)])
        };
        Some(or_any(things).into_iter().map(draft).collect())
    }

    /// `always set a timeout when running the tests`: an argument of the tool that runs them, or a program in front of them.
    pub(super) fn timed_out(&self) -> Option<Vec<Draft>> {
        let (meaning, main) = (self.meaning, &self.meaning.main);
        let lacks = meaning.before.as_deref().is_some_and(|named| named.things.is_empty());
        let told = match meaning.stance {
            Stance::Never => lacks,
            Stance::Must | Stance::Use => !lacks,
            _ => false,
        };
        let run = || main.things.iter().chain(meaning.after.iter().flat_map(|named| &named.things));
        let mut things =
            run().filter(|thing| thing.sort == Sort::Command && !thing.label.contains("timeout")).peekable();
        if !meaning.timed_out || !told || things.peek().is_none() {
            return None;
        }
        let draft = |thing: &Thing| {
            let argument =
                |name: &str| Predicate::Tool(ToolTest { arg: Some(format!("/{name}")), ..ToolTest::default() });
            let written = TextTest::Matches(r"\bg?timeout\b".to_owned());
            let written = ToolTest { arg: Some("/command".to_owned()), value: Some(written), ..ToolTest::default() };
            let within = [argument("timeout"), argument("timeout_ms"), Predicate::Tool(written)];
            let never = thing.predicate.clone().and(Predicate::Any(within.to_vec()).negated());
            let (id, title) =
                (format!("{}-without-timeout", thing.slug), format!("set a timeout when {}", thing.doing()));
            let run = thing.holds.shell().unwrap_or("make test").to_owned();
            let timed = Event::tool("Bash", json!({ "command": run, "timeout": 60_000 }));
            Draft::of(id, title, Pattern::Absence { never }).violates([thing.holds.event()]).clean([timed])
        };
        Some(things.map(draft).collect())
    }
}

/// The commands that are named, or any.
fn or_any(named: Vec<Thing>) -> Vec<Thing> {
    let any = Thing { predicate: Predicate::command("*"), slug: ANY.to_owned(), ..command_thing("make", None) };
    if named.is_empty() { vec![any] } else { named }
}

/// The slug of any command.
const ANY: &str = "any-command";

/// The same commands, each tested for more.
fn each(predicate: &Predicate, more: &impl Fn(&CommandTest) -> CommandTest) -> Predicate {
    match predicate {
        Predicate::Command(test) => Predicate::Command(more(test)),
        Predicate::Any(parts) => Predicate::Any(parts.iter().map(|part| each(part, more)).collect()),
        other => other.clone(),
    }
}
