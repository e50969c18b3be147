//! Where a rule holds: within some files, outside of others, on a branch, in a host; and the words for it.

use super::Composer;
use crate::predicate::{FileAction, FileTest};
use crate::understand::name::{Named, Place};
use crate::understand::path::sample_path;
use crate::understand::thing::{Sort, Thing, slug};
use crate::understand::witness::{Witness, at_path, path_of};
use crate::{Event, Predicate, Scope};

impl Composer<'_, '_> {
    /// A thing within the places that the statement names.
    pub(super) fn limited(&self, thing: &Thing) -> Thing {
        let mut thing = thing.clone();
        // `rebase on main before pushing` says nothing of where to.
        let pushes = self.meaning.main.things.iter().all(|main| main.slug.ends_with("push"));
        for place in &self.meaning.main.places {
            match place {
                Place::Branches(names) if pushes && matches!(&*thing.slug, "push" | "force-push") => {
                    push_to(&mut thing, names);
                }
                Place::Files { globs, outside, .. } if matches!(thing.sort, Sort::File | Sort::Code | Sort::Read) => {
                    if !outside && thing.sort == Sort::File && lies_in(&thing, globs) {
                        // `middleware files in app/Middleware/` are the files that lie there.
                        widen(&mut thing.predicate);
                    }
                    narrow(&mut thing.predicate, globs, *outside);
                    if !outside && let Some(glob) = globs.iter().find(|glob| glob.ends_with("/**")).or(globs.first()) {
                        let path = under(glob, thing.holds.path());
                        // The same outside of the place is the close action that is clean; the file's own name may be in it.
                        thing.fails = match path.rsplit_once('.') {
                            Some((_, ending)) if glob.ends_with("/**") => {
                                thing.holds.at(&format!("elsewhere/example.{ending}"))
                            }
                            _ => thing.holds.clone(),
                        };
                        thing.holds = thing.holds.at(&path);
                    }
                }
                _ => {}
            }
        }
        let globs: Vec<_> =
            self.meaning.unless.iter().chain(&self.meaning.outside).flat_map(|named| excluded(named)).collect();
        if !globs.is_empty() && matches!(thing.sort, Sort::File | Sort::Code) {
            narrow(&mut thing.predicate, &globs, true);
        }
        thing
    }

    pub(super) fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        let main = &self.meaning.main;
        let in_files = main
            .things
            .iter()
            .chain(&self.meaning.rejected)
            .any(|t| matches!(t.sort, Sort::File | Sort::Code | Sort::Read));
        let pushes = main.things.iter().any(|thing| matches!(&*thing.slug, "push" | "force-push"));
        let others = self.meaning.after.iter().flat_map(|named| &named.places);
        for place in main.places.iter().chain(others) {
            match place {
                Place::Branches(names) if !pushes => scope.branch.extend_from_slice(names),
                Place::Host(host) => scope.host.push(host.clone()),
                Place::Files { globs, outside: false, label }
                    if !in_files && !self.meaning.only && main.subject.is_none() && label.ends_with('/') =>
                {
                    scope.directory.extend(globs.iter().map(|glob| base(glob).to_owned()));
                }
                _ => {}
            }
        }
        scope
    }

    /// Where the rule holds, behind its title.
    pub(super) fn whereabouts(&self, thing: &Thing) -> String {
        let mut text = String::new();
        for place in &self.meaning.main.places {
            let (word, name) = match place {
                Place::Branches(names) => {
                    (if thing.slug.contains("push") { "to" } else { "on" }, format!("`{}`", names.join("` or `")))
                }
                Place::Files { label, outside: true, .. } => ("outside", format!("`{label}`")),
                Place::Files { label, .. } => ("in", format!("`{label}`")),
                Place::Host(host) => ("in", host.clone()),
            };
            if thing.sort == Sort::Command && thing.label.ends_with(&format!(" {}", name.trim_start_matches('`'))) {
                // The command already holds it.
                continue;
            }
            text = format!("{text} {word} {name}");
        }
        let meaning = self.meaning;
        let first = |named: Option<&Named<'_>>, say: fn(&Thing) -> String| {
            named.and_then(|named| named.things.first().map(say).or(place_label(named)))
        };
        let label = |thing: &Thing| thing.label.clone();
        let parts = if meaning.failing {
            [("while", first(meaning.after.as_deref(), label).map(|label| format!("{label} fail")))].to_vec()
        } else {
            [("after", first(meaning.after.as_deref(), Thing::doing))].to_vec()
        };
        let parts = parts.into_iter().chain([
            (
                "between",
                meaning.between.as_deref().and_then(|(start, end)| {
                    Some(format!("{} and {}", first(Some(start), Thing::doing)?, first(Some(end), Thing::doing)?))
                }),
            ),
            ("until", first(meaning.until.as_deref(), Thing::doing)),
            ("outside", first(meaning.outside.as_deref(), label)),
            ("except in", first(meaning.unless.as_deref(), label)),
        ]);
        for (word, label) in parts {
            if let Some(label) = label {
                text = format!("{text} {word} {label}");
            }
        }
        text
    }

    /// What the rule's name adds to that of the thing.
    pub(super) fn suffix(&self, thing: &Thing) -> String {
        let meaning = self.meaning;
        let first =
            |named: Option<&Named<'_>>| named.and_then(|named| named.things.first().map(|thing| thing.slug.clone()));
        let mut text = String::new();
        for place in &meaning.main.places {
            match place {
                Place::Branches(names) if !thing.slug.contains("push") => {
                    text = format!("{text}-on-{}", slug(&names.join("-")));
                }
                Place::Files { label, outside, .. } if matches!(thing.sort, Sort::File | Sort::Code) => {
                    text = format!("{text}-{}-{}", if *outside { "outside" } else { "in" }, slug(label));
                }
                _ => {}
            }
        }
        if let Some(slug) = first(meaning.outside.as_deref()) {
            text = format!("{text}-outside-{slug}");
        }
        match (first(meaning.after.as_deref()), meaning.between.as_deref()) {
            (Some(slug), _) if meaning.failing => format!("{text}-while-{slug}-fail"),
            (Some(slug), _) => format!("{text}-after-{slug}"),
            (None, Some((start, _))) => {
                format!("{text}-during-{}", start.things.first().map_or("it", |thing| &thing.slug))
            }
            _ => text,
        }
    }
}

/// How an exception's place is called.
pub(super) fn place_label(named: &Named<'_>) -> Option<String> {
    named.places.iter().find_map(|place| match place {
        Place::Files { label, .. } => Some(format!("`{label}`")),
        _ => None,
    })
}

pub(super) fn with_action(predicate: &Predicate, action: FileAction) -> Predicate {
    match predicate {
        Predicate::File(test) => Predicate::File(Box::new(FileTest { action: Some(action), ..(**test).clone() })),
        other => other.clone(),
    }
}

pub(super) fn file_paths(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::File(test) => test.path.clone(),
        _ => Vec::new(),
    }
}

/// Limits every file test to some globs, or keeps it out of them.
pub(super) fn narrow(predicate: &mut Predicate, globs: &[String], outside: bool) {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter_mut().for_each(|part| narrow(part, globs, outside)),
        Predicate::Not(part) => narrow(part, globs, !outside),
        Predicate::File(test) if outside => test.not_path.extend(globs.iter().cloned()),
        Predicate::File(test) if test.path.is_empty() => test.path = globs.to_vec(),
        Predicate::File(test) => {
            let folders: Vec<_> = globs.iter().filter(|glob| glob.ends_with("/**")).collect();
            if folders.is_empty() {
                return;
            }
            let folders = folders.into_iter();
            test.path = folders.flat_map(|folder| test.path.iter().map(move |path| within(folder, path))).collect();
        }
        Predicate::Read(test) if outside => test.not_path.extend(globs.iter().cloned()),
        Predicate::Read(test) if test.path.iter().all(|path| path == "**") => test.path = globs.to_vec(),
        _ => {}
    }
}

/// A glob within a folder's glob.
fn within(folder: &str, path: &str) -> String {
    let folder = folder.trim_end_matches("**");
    format!("{folder}**/{}", path.strip_prefix("**/").unwrap_or(path))
}

/// The folder that a glob is about.
pub(super) fn base(glob: &str) -> &str {
    glob.strip_prefix("**/").unwrap_or(glob).trim_end_matches("/**")
}

/// A path that the glob matches, with the file name of another path.
pub(super) fn under(glob: &str, path: Option<&str>) -> String {
    let name = path.and_then(|path| path.rsplit('/').next()).unwrap_or("example.txt");
    if glob.ends_with("/**") { format!("{}/{name}", sample_path(base(glob))) } else { sample_path(glob) }
}

/// The globs that an exception names.
pub(super) fn excluded(named: &Named<'_>) -> Vec<String> {
    let places = named.places.iter().filter_map(|place| match place {
        Place::Files { globs, .. } => Some(globs.clone()),
        _ => None,
    });
    let things = named.things.iter().filter(|thing| thing.sort == Sort::File).map(|thing| file_paths(&thing.predicate));
    places.chain(things).flatten().collect()
}

/// Whether a place is a folder of the kind that a thing is.
fn lies_in(thing: &Thing, globs: &[String]) -> bool {
    let kinds = file_paths(&thing.predicate);
    let folders = || kinds.iter().filter_map(|glob| glob.strip_prefix("**/")?.strip_suffix("/**"));
    let within = |glob: &String| {
        let parts = glob.strip_suffix("/**").unwrap_or_default().split('/');
        parts.into_iter().any(|part| folders().any(|folder| folder.eq_ignore_ascii_case(part)))
    };
    !thing.literal && globs.iter().any(within)
}

/// The same files, whatever their paths.
fn widen(predicate: &mut Predicate) {
    match predicate {
        Predicate::File(test) => test.path.clear(),
        Predicate::Any(parts) => parts.iter_mut().for_each(widen),
        _ => {}
    }
}

/// `push to main`: the branch is an argument.
fn push_to(thing: &mut Thing, branches: &[String]) {
    fn add(predicate: &mut Predicate, any: &str) {
        match predicate {
            Predicate::Command(test) if test.run.starts_with("git push") => test.run = format!("{} ** {any}", test.run),
            Predicate::Any(parts) => parts.iter_mut().for_each(|part| add(part, any)),
            _ => {}
        }
    }
    let force = if thing.slug == "force-push" { " --force" } else { "" };
    if thing.slug == "force-push" {
        thing.predicate = Predicate::command("git push --force|-f|--force-with-lease");
    }
    let any: Vec<_> = branches.iter().map(|name| format!("{name}|*:{name}")).collect();
    add(&mut thing.predicate, &any.join("|"));
    let first = branches.first().map_or("main", String::as_str);
    thing.holds = Witness::command(format!("git push{force} origin {first}"));
    thing.fails = Witness::command(format!("git push{force} origin feature"));
    thing.slug = format!("{}-to-{}", thing.slug, slug(&branches.join("-")));
}

/// Gives an event the circumstances of a scope.
pub(super) fn place_event(event: &mut Event, scope: &Scope) {
    event.branch = scope.branch.first().map(|branch| sample_path(branch)).or(event.branch.take());
    event.host = scope.host.first().cloned().or(event.host.take());
    event.session = scope.session.first().cloned().or(event.session.take());
    if let Some(folder) = scope.directory.first().map(|glob| sample_path(base(glob))) {
        match path_of(event).map(|path| path.starts_with(&folder)) {
            Some(false) => {
                let path = under(&format!("{folder}/**"), path_of(event));
                *event = at_path(event, &path);
            }
            Some(true) => {}
            None => event.cwd = Some(folder),
        }
    }
}
