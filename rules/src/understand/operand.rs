//! What the verb of a program is given: a branch that is merged, a program that is installed.
//!
//! `never merge main into your branch` forbids one merge and says nothing of the word `main`; `do not install node` says
//! nothing of running it.

use super::clause::Clause;
use super::name::Named;
use super::thing::{Sort, Thing, slug};
use super::unit::{Unit, What};
use super::witness::Witness;
use crate::Predicate;
use crate::lexicon::{Cue, Sense};

/// What puts programs on a machine.
const INSTALLERS: &str = "apt|apt-get|brew|dnf|yum|pacman|apk|zypper|choco|winget|scoop|snap|port|pip|pip3|pipx|uv|npm|pnpm|\
                          yarn|bun|cargo|gem|conda|mamba|nvm|asdf|mise|rustup|volta|pyenv";

/// Takes what a clause forbids for the call of a program with what it is given.
pub(super) fn operands(clause: &Clause<'_, '_>, main: &mut Named<'_>) {
    const VERBS: [&str; 8] = ["merge", "merging", "install", "installing", "label", "labels", "plain", "bare"];
    if !clause.units.iter().any(|unit| VERBS.iter().any(|verb| unit.text.eq_ignore_ascii_case(verb))) {
        return;
    }
    let units: Vec<_> = clause.units.iter().filter(|unit| !unit.is_filler()).collect();
    if let Some(label) = labelled(&units, main) {
        main.things = vec![assign(label)];
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

/// The label that is not to be given to issues and pull requests.
fn labelled<'a>(units: &[&Unit<'a, '_>], main: &Named<'_>) -> Option<&'a str> {
    let gives = main.verb.is_none_or(|verb| matches!(verb, Cue::Create | Cue::Use | Cue::Place | Cue::Edit));
    let named = units.windows(2).find_map(|two| match two {
        [name, label] if name.literal && matches!(&*label.lower(), "label" | "labels") => Some(name.text),
        _ => None,
    });
    named.filter(|name| gives && main.things.len() < 2 && !name.contains(['<', '(', ' ']))
}

fn assign(label: &str) -> Thing {
    let give = format!("gh issue|pr ** --label|-l|--add-label {label}");
    Thing {
        predicate: Predicate::Any(vec![
            Predicate::command(&give),
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
    let verb = |unit: &&Unit<'_, '_>| matches!(&*unit.lower(), "install" | "installing" | "reinstall");
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
