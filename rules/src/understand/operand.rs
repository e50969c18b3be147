//! What the verb of a program is given: a branch that is merged, a program that is installed.
//!
//! `never merge main into your branch` forbids one merge and says nothing of the word `main`; `do not install node` says
//! nothing of running it.

use super::clause::Clause;
use super::name::Named;
use super::spelled::escaped;
use super::thing::{Sort, Thing, command_thing, slug};
use super::unit::{Unit, What};
use super::witness::Witness;
use crate::Predicate;
use crate::lexicon::{Cue, Sense};
use crate::predicate::{CommandTest, FileTest, TextTest};

/// What puts programs on a machine.
const INSTALLERS: &str = "apt|apt-get|brew|dnf|yum|pacman|apk|zypper|choco|winget|scoop|snap|port|pip|pip3|pipx|uv|npm|pnpm|\
                          yarn|bun|cargo|gem|conda|mamba|nvm|asdf|mise|rustup|volta|pyenv";

/// Takes what a clause forbids for the call of a program with what it is given.
pub(super) fn operands(clause: &Clause<'_, '_>, main: &mut Named<'_>) {
    const VERBS: [&str; 12] = [
        "merge",
        "merging",
        "install",
        "installing",
        "label",
        "labels",
        "plain",
        "bare",
        "set",
        "setting",
        "export",
        "exporting",
    ];
    let takes = |unit: &Unit<'_, '_>| {
        VERBS.iter().any(|verb| unit.text.eq_ignore_ascii_case(verb)) || unit.literal && unit.text.starts_with("git ")
    };
    if !clause.units.iter().any(takes) {
        return;
    }
    let units: Vec<_> = clause.units.iter().filter(|unit| !unit.is_filler()).collect();
    complete(&mut main.things);
    if assigns(&units, main) {
        main.things = main.things.iter().map(assign).collect();
    } else if let Some(label) = labelled(&units, main) {
        main.things = vec![give(label)];
        main.verb = None;
    } else if let Some(branch) = merged(&units, main) {
        main.things = vec![merge(branch)];
        main.places.clear();
        main.verb = None;
    } else if installs(&units) && main.things.iter().all(is_program) {
        main.things = main.things.iter().map(install).collect();
    } else if let [thing] = main.things.as_mut_slice()
        && thing.literal
        && units
            .windows(2)
            .any(|two| matches!(two, [plain, run] if matches!(plain.text, "plain" | "bare") && run.literal))
        && let Predicate::Command(test) = &mut thing.predicate
    {
        // `never run plain `just run``: with anything behind it, it is another matter.
        test.run.push_str(" $");
    }
}

/// Writes out what is left out of the commands behind the first: `never git add -A or commit -a`.
fn complete(things: &mut [Thing]) {
    let mut git = false;
    for thing in things.iter_mut().filter(|thing| thing.literal) {
        let text = thing.label.trim_matches('`');
        if git && matches!(text.split(' ').next(), Some("add" | "commit" | "push")) {
            *thing = Thing { literal: true, joined: true, ..command_thing(&format!("git {text}"), None) };
        }
        git |= thing.label.trim_matches('`').starts_with("git ");
    }
}

/// Whether variables of the environment are what is set.
fn assigns(units: &[&Unit<'_, '_>], main: &Named<'_>) -> bool {
    let name = |text: &str| {
        text.contains('_') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let variable = |thing: &Thing| thing.sort == Sort::Code && thing.literal && name(thing.label.trim_matches('`'));
    let sets = |unit: &Unit<'_, '_>| matches!(&*unit.lower(), "set" | "setting" | "export" | "exporting");
    units.windows(2).any(|two| matches!(two, [set, text] if sets(set) && text.literal && name(text.text)))
        && main.things.iter().all(variable)
        && main.places.is_empty()
}

fn assign(variable: &Thing) -> Thing {
    let name = variable.label.trim_matches('`');
    let call = CommandTest { run: "*".to_owned(), env: Some(name.to_owned()), ..CommandTest::default() };
    let line = TextTest::Matches(format!("(?m)^\\s*(export\\s+)?{}\\s*=", escaped(name)));
    let kept = FileTest {
        path: [".env", ".env.*", "*.env"].map(str::to_owned).to_vec(),
        added: Some(line),
        ..FileTest::default()
    };
    Thing {
        predicate: Predicate::Any(vec![
            Predicate::Command(call),
            Predicate::command(&format!("export {name}=*")),
            Predicate::File(Box::new(kept)),
        ]),
        sort: Sort::Command,
        label: format!("`{name}`"),
        slug: format!("set-{}", slug(name)),
        holds: Witness::command(format!("{name}=1 make dev")),
        fails: Witness::command("OTHER_NAME=1 make dev"),
        known: None,
        says: Some((format!("set `{name}`"), format!("setting `{name}`"))),
        ..variable.clone()
    }
}

/// The label that is not to be given to issues and pull requests.
fn labelled<'a>(units: &[&Unit<'a, '_>], main: &Named<'_>) -> Option<&'a str> {
    let gives = main.verb.is_none_or(|verb| matches!(verb, Cue::Create | Cue::Use | Cue::Place | Cue::Edit));
    let named = units.windows(2).find_map(|two| match two {
        [name, label] if name.literal && matches!(&*label.lower(), "label" | "labels") => Some(name.text),
        _ => None,
    });
    // Texts of a user interface are labels, too.
    let tracked = |name: &str| {
        let spoken =
            |unit: &&Unit<'_, '_>| matches!(&*unit.lower(), "issue" | "issues" | "pr" | "prs" | "pull requests");
        name.contains(['/', ':']) || units.iter().any(spoken)
    };
    named.filter(|name| gives && main.things.len() < 2 && !name.contains(['<', '(', ' ']) && tracked(name))
}

fn give(label: &str) -> Thing {
    let call = format!("gh issue|pr ** --label|-l|--add-label {label}");
    Thing {
        predicate: Predicate::Any(vec![
            Predicate::command(&call),
            Predicate::command(&format!("glab issue|mr ** --label|-l {label}")),
        ]),
        sort: Sort::Command,
        label: format!("the label `{label}`"),
        slug: format!("label-{}", slug(label)),
        holds: Witness::command(format!("gh issue edit 12 --add-label {label}")),
        fails: Witness::command("gh issue edit 12 --add-label other"),
        known: None,
        says: Some((format!("give the label `{label}`"), format!("giving the label `{label}`"))),
        renewed: false,
        literal: true,
        joined: false,
    }
}

/// The branch that is merged into another.
fn merged<'a>(units: &[&Unit<'a, '_>], main: &Named<'_>) -> Option<&'a str> {
    const TRUNKS: [&str; 6] = ["main", "master", "develop", "dev", "trunk", "staging"];
    let is_merge = |unit: &Unit<'_, '_>| matches!(&*unit.lower(), "merge" | "merging");
    let branch = units.windows(3).find_map(|three| match three {
        [merge, branch, into] if is_merge(merge) && matches!(into.text, "into" | "to") => Some(branch.text),
        _ => None,
    })?;
    let trunk = |name: &str| TRUNKS.contains(&name.rsplit('/').next().unwrap_or(name));
    let into =
        units.iter().rev().take_while(|unit| !is_merge(unit)).any(|unit| trunk(unit.text) && unit.text != branch);
    let known = main.things.iter().all(|thing| thing.sort != Sort::Command || thing.slug.contains("merge"));
    (trunk(branch) && !into && known).then_some(branch)
}

fn merge(branch: &str) -> Thing {
    let name = branch.rsplit('/').next().unwrap_or(branch);
    Thing {
        predicate: Predicate::command(&format!("git merge ** {name}|*/{name}")),
        sort: Sort::Command,
        label: format!("`git merge {branch}`"),
        slug: slug(&format!("merge-{branch}")),
        holds: Witness::command(format!("git merge origin/{name}")),
        fails: Witness::command(format!("git rebase origin/{name}")),
        known: None,
        says: Some((format!("merge `{branch}`"), format!("merging `{branch}`"))),
        renewed: false,
        literal: true,
        joined: false,
    }
}

/// Whether a program is what is installed, and not what installs or a part of a name: `install node`, not `install with npm`.
fn installs(units: &[&Unit<'_, '_>]) -> bool {
    let verb = |unit: &&Unit<'_, '_>| matches!(&*unit.lower(), "install" | "installing");
    let Some(at) = units.iter().position(verb) else { return false };
    let behind = units.get(at + 1..).unwrap_or_default();
    let joins = |unit: &Unit<'_, '_>| unit.what == What::Comma || unit.is_any(&[Cue::And, Cue::Or]);
    let listed = |at: &usize| {
        let tool = |sense: &Sense| matches!(sense, Sense::Entry(_));
        // `install ruby or node`
        let joined = behind.get(at + 1).is_some_and(|next| joins(next));
        behind.get(*at).is_some_and(|unit| unit.senses().iter().any(tool) || joins(unit) || joined)
    };
    let programs = (0..behind.len()).take_while(listed).count();
    let next = behind.get(programs);
    programs > 0
        && next.is_none_or(|unit| {
            unit.what != What::Word || matches!(unit.text, "yourself" | "locally" | "with" | "on" | "here" | "again")
        })
}

/// A program, or a language, which is installed as one.
fn is_program(thing: &Thing) -> bool {
    let name = thing.label.trim_matches('`');
    let language = thing.sort == Sort::File && !thing.literal && name.chars().all(char::is_alphabetic);
    (thing.sort == Sort::Command || language && !name.ends_with('s')) && thing.known.is_some() && !name.contains(' ')
}

fn install(program: &Thing) -> Thing {
    let name = program.label.trim_matches('`').to_lowercase();
    Thing {
        predicate: Predicate::command(&format!("{INSTALLERS} install|add|i|use ** {name}|{name}@*")),
        sort: Sort::Command,
        label: format!("`{name}`"),
        slug: format!("install-{}", program.slug),
        holds: Witness::command(format!("brew install {name}")),
        fails: Witness::command("brew install jq"),
        known: None,
        says: Some((format!("install `{name}`"), format!("installing `{name}`"))),
        ..program.clone()
    }
}
