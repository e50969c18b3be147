//! What a unit names: a thing by the lexicon, or by the way in which it is written.

use super::namer::Namer;
use super::{Place, Shaped, Spelling};
use crate::Predicate;
use crate::lexicon::{Cue, Entry, Kind, Measure, Of, Part, Property, Sense};
use crate::understand::clause::Role;
use crate::understand::thing::{
    Sort, Thing, command_thing, entry_thing, file_thing, import_thing, is_command_like, is_skill, path_thing,
    reply_thing, skill_thing, text_thing, tool_thing, word_thing,
};
use crate::understand::token::Form;
use crate::understand::unit::{Unit, What};

impl<'l> Namer<'l, '_> {
    /// The form of names that a code span shows by its own.
    fn form(&self, text: &str) -> Option<&'l Shaped> {
        let name = match text {
            "snake_case" | "lower_snake_case" => "snake_case",
            "camelCase" | "lowerCamelCase" => "camelCase",
            "PascalCase" | "CamelCase" | "UpperCamelCase" => "PascalCase",
            "UPPER_SNAKE_CASE" | "SCREAMING_SNAKE_CASE" | "UPPER_CASE" | "ALL_CAPS" | "CONSTANT_CASE" => {
                "UPPER_SNAKE_CASE"
            }
            "kebab-case" => "kebab-case",
            _ => return None,
        };
        self.lexicon.form_named(name)
    }
}

impl Namer<'_, '_> {
    /// Takes in a unit that the next one says more of (`src folder`, `RST files`), and says how many those are.
    pub(super) fn compound(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        let foldered = units.get(1).is_some_and(|next| self.is_folder_of(unit, next));
        if foldered && matches!(unit.what, What::Word | What::Literal(Form::Path | Form::Code)) {
            let path = format!("{}/", unit.text.trim_end_matches('/'));
            let thing = path_thing(&path, self.named.verb);
            let joined = std::mem::take(&mut self.joined) && unit.literal;
            self.named.things.push(Thing { literal: unit.literal, joined, ..thing });
            return Some(2);
        }
        if let Some(globs) = foldered.then(|| self.folders(unit)).filter(|globs| !globs.is_empty()) {
            self.named.things.push(file_thing(globs, unit.text, self.named.verb));
            return Some(2);
        }
        if let [root, file, ..] = units
            && matches!(&*root.lower(), "root" | "top-level")
            && file.literal
            && file.text.contains('.')
            && !file.text.contains(['/', ' ', '*'])
            && self.lexicon.is_path(file.text)
        {
            let mut thing = path_thing(file.text, self.named.verb);
            if let Predicate::File(test) = &mut thing.predicate {
                test.not_path.push("*/**".to_owned());
            }
            let label = format!("the root `{}`", file.text);
            self.named.things.push(Thing { literal: true, label, joined: std::mem::take(&mut self.joined), ..thing });
            return Some(2);
        }
        if let Some(count) = self.imported(units) {
            return Some(count);
        }
        if let Some(folder) =
            unit.text.strip_suffix("/SKILL.md").filter(|_| units.get(1).is_some_and(|next| next.text == "skill"))
        {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            self.named.things.push(Thing { literal: true, ..skill_thing(name) });
            return Some(2);
        }
        let edge = match units.get(1).map(|next| next.text) {
            Some("prefix" | "prefixes") => Some(Cue::StartsWith),
            Some("suffix" | "suffixes") => Some(Cue::EndsWith),
            _ => None,
        };
        if let Some(edge) = edge.filter(|_| unit.literal && self.named.literal.is_none()) {
            // `fix:` or `docs:` prefixes
            let joined = std::mem::take(&mut self.joined) && self.named.things.iter().all(|thing| thing.literal);
            let before = self.named.things.drain(..if joined { self.named.things.len() } else { 0 });
            let before = before.map(|thing| thing.label.trim_matches('`').to_owned());
            self.named.literal = Some((edge, before.chain([unit.text.to_owned()]).collect()));
            return Some(2);
        }
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_ ".contains(c));
        if unit.what == What::Literal(Form::Code)
            && units.get(1).is_some_and(|next| matches!(next.text, "command" | "commands" | "cli" | "CLI" | "binary"))
            && plain(unit.text)
        {
            let thing = command_thing(unit.text, Some(self.lexicon));
            self.named.things.push(Thing { literal: true, joined: std::mem::take(&mut self.joined), ..thing });
            return Some(2);
        }
        if unit.literal && units.get(1).is_some_and(|next| next.text == "skill") {
            self.named.things.push(Thing { literal: true, ..skill_thing(unit.text.trim_start_matches('/')) });
            return Some(2);
        }
        if units.get(1).is_some_and(|next| next.is(Cue::Tool)) && unit.text.starts_with(char::is_uppercase) {
            self.named.things.push(tool_thing(unit.text));
            return Some(2);
        }
        let of_files = units.get(1).is_some_and(|next| self.is_any_file(next));
        if of_files && let Some(ending) = self.ending(unit) {
            let thing = path_thing(&format!(".{}", ending.to_lowercase()), self.named.verb);
            self.named.things.push(Thing { literal: true, ..thing });
            return Some(2);
        }
        if unit.what == What::Word && of_files {
            // `proto files` are not just any files: what kind they are is not known.
            return Some(2);
        }
        None
    }

    /// The folders that a kind of files lies in: `the test directory` is no test that is run.
    fn folders(&self, unit: &Unit<'_, '_>) -> Vec<String> {
        let files = unit.senses().iter().find_map(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).filter(|entry| entry.kind == Kind::Files),
            _ => None,
        });
        match files.map(|entry| &entry.predicate) {
            Some(Predicate::File(test)) => test.path.iter().filter(|glob| glob.ends_with("/**")).cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Takes in what some units say is imported, and says how many those are.
    fn imported(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        let depends = ["depend", "depends", "rely", "relies"].contains(&unit.text)
            && units.get(1).is_some_and(|on| on.text == "on");
        let imports = depends || matches!(&*unit.lower(), "import" | "importing" | "imports");
        // `direct dayjs imports`
        let named = |unit: &Unit<'_, '_>| {
            unit.literal
                || unit.what == What::Word && unit.text.chars().all(|c| c.is_ascii_lowercase() || "-@/".contains(c))
        };
        if let [direct, module, imports, ..] = units
            && direct.lower() == "direct"
            && named(module)
            && matches!(imports.text, "imports" | "import")
            && self.negative
        {
            self.named.things.push(Thing { literal: true, ..import_thing(module.text) });
            return Some(3);
        }
        let from = units.iter().skip(1).position(|unit| !unit.is(Cue::In)).map_or(1, |at| at + 1);
        if let Some(module) = units.get(from).filter(|module| imports && module.literal && module.what != What::Command)
        {
            let named = self.negative || self.role == Role::Instead;
            let thing = if named { import_thing(module.text) } else { text_thing(module.text) };
            self.named.things.push(Thing { literal: true, joined: std::mem::take(&mut self.joined), ..thing });
            // `import X from Y` says where it comes from.
            let source = units.get(from + 1).is_some_and(|next| next.text == "from");
            return Some(if source && units.get(from + 2).is_some_and(|next| next.literal) {
                from + 3
            } else {
                from + 1
            });
        }
        None
    }

    /// The ending of files that stands before `files`: `.q4 files`, whether listed or not, or `RST files`.
    fn ending<'t>(&self, unit: &Unit<'t, '_>) -> Option<&'t str> {
        let shouted = unit.text.len() <= 5 && unit.text.chars().all(|c| c.is_ascii_uppercase());
        let known = unit.what == What::Word && (shouted || self.lexicon.is_extension(&unit.lower()));
        let plain = |ending: &&str| !ending.is_empty() && ending.chars().all(char::is_alphanumeric);
        unit.text.strip_prefix('.').or(known.then_some(unit.text)).filter(plain)
    }

    /// Takes in one unit.
    pub(super) fn take(&mut self, unit: &Unit<'_, '_>) {
        if self.lost && self.negative {
            return;
        }
        match unit.what {
            What::Known(senses) => self.known(unit, senses),
            What::Command => self.commands(unit.text),
            What::Literal(form) => self.literal(unit, form),
            What::Number(value) => self.named.measures.push((value, None)),
            What::Word | What::Comma | What::Mark => {}
        }
    }

    fn known(&mut self, unit: &Unit<'_, '_>, senses: &[Sense]) {
        let mut entries: Vec<&Entry> = Vec::new();
        for sense in senses {
            match sense {
                Sense::Entry(at) => entries.extend(self.lexicon.entry(*at)),
                // `a name field (in single quotes)` is about that field.
                Sense::Property(_)
                    if self.inside
                        && self.named.properties.is_empty()
                        && (self.named.literal.is_some() || self.named.things.iter().any(|thing| thing.literal)) => {}
                Sense::Property(at) => {
                    let property = self.lexicon.property(*at);
                    // `camelCase for functions, PascalCase for types`: what is said of code as a whole is a form, too.
                    let form = property.and_then(|property| match &*property.name {
                        "snake-case" => Some("snake_case"),
                        "camel-case" => Some("camelCase"),
                        "pascal-case" => Some("PascalCase"),
                        _ => None,
                    });
                    let form = form.map(|name| if unit.text == "CamelCase" { "PascalCase" } else { name });
                    let form = form.and_then(|name| self.lexicon.form_named(name));
                    self.named.spelling.extend(form.map(Spelling::Form));
                    // `follow the table below`: what stands somewhere is not how an answer is.
                    let there = |property: &&Property| {
                        self.behind.definite && property.of.first() == Some(&Of::Reply) && property.name == "table"
                    };
                    self.named.properties.extend(property.filter(|property| !there(property)));
                }
                Sense::Subject(of, part) => self.said_of(*of, *part),
                Sense::Measure(measure) => self.measure(*measure),
                Sense::Number(value) => self.named.measures.push((*value, None)),
                Sense::Flag(at) => self.option(*at),
                Sense::Cue(_) | Sense::Idiom(_) | Sense::Site(_) | Sense::Form(_) => {}
            }
        }
        let verb = self.named.verb;
        let edits = matches!(verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read | Cue::Place));
        // One uses no files, and a word in a code span is code unless something is done to files.
        let plain = !unit.text.contains(['.', '/', ' ']);
        let files = |entry: &Entry| entry.kind == Kind::Files || (entry.kind == Kind::Language && unit.literal);
        let spoken = self.negative && !edits && (verb == Some(Cue::Use) || unit.literal) && plain;
        if spoken && !entries.is_empty() && entries.iter().all(|entry| files(entry)) {
            if unit.literal {
                self.named.things.push(text_thing(unit.text));
            }
            return;
        }
        // All the tests are what is not to be run, any of them what is.
        let whole =
            entries.iter().any(|entry| entry.name == "full-tests") && entries.iter().any(|entry| entry.name == "tests");
        if whole {
            let wanted = if self.negative || self.role == Role::Instead { "full-tests" } else { "tests" };
            entries.retain(|entry| entry.name == wanted);
        }
        // Tests that lie somewhere are files, whatever runs them.
        let runs = |entry: &Entry| matches!(&*entry.name, "tests" | "full-tests") && entry.kind == Kind::Action;
        if verb == Some(Cue::Place) && !entries.is_empty() && entries.iter().all(|entry| runs(entry)) {
            entries.extend(self.lexicon.entry_named("tests", Kind::Files));
        }
        // Of several meanings, the one that fits what is done.
        if let Some(entry) =
            entries.into_iter().min_by_key(|entry| rank(entry.kind, verb.or(self.describes.then_some(Cue::Place))))
        {
            match entry.kind {
                Kind::Host => self.named.places.push(Place::Host(entry.name.clone())),
                _ => self.named.things.push(entry_thing(entry, unit.text, verb, self.languages)),
            }
        }
    }

    /// Notes the names and texts in code that a unit can mean, and the forms of such.
    pub(super) fn said_of_code(&mut self, unit: &Unit<'_, '_>) {
        let senses = unit.code;
        for sense in senses {
            match sense {
                Sense::Site(at) => {
                    let site = self.lexicon.site(*at);
                    self.named.sites.extend(site);
                    self.named.spelling.extend(site.map(Spelling::Site));
                }
                Sense::Form(at) => {
                    // Who writes it so shows what it means.
                    let pascal = (unit.text == "CamelCase").then(|| self.lexicon.form_named("PascalCase")).flatten();
                    let form = pascal.or(self.lexicon.form(*at));
                    self.named.forms.extend(form);
                    self.named.spelling.extend(form.map(Spelling::Form));
                }
                _ => {}
            }
        }
    }

    /// An option that words stand for, with what it is an option of.
    fn option(&mut self, at: usize) {
        let Some(flag) = self.lexicon.flag(at) else { return };
        self.named.flags.extend_from_slice(&flag.flags);
        let action = flag.of.as_ref().and_then(|name| self.lexicon.entry_named(name, Kind::Action));
        self.named.things.extend(action.map(|entry| entry_thing(entry, &entry.name, None, self.languages)));
    }

    /// Notes that something is said of the texts that a unit names.
    pub(super) fn said_in(&mut self, unit: &Unit<'_, '_>) {
        for sense in unit.senses() {
            if let Sense::Subject(of, part) = sense {
                self.said_of(*of, *part);
            }
        }
    }

    fn said_of(&mut self, of: Of, part: Part) {
        self.named.subject = self.named.subject.or(Some(of));
        if !self.named.subjects.iter().any(|(known, _)| *known == of) {
            self.named.subjects.push((of, part));
        }
    }

    /// A measure takes the number before it; a subject that is also a measure (`lines`) takes it where there is one.
    fn measure(&mut self, measure: Measure) {
        if let Some(last) = self.named.measures.last_mut() {
            last.1 = last.1.or(Some(measure));
        }
    }

    fn literal(&mut self, unit: &Unit<'_, '_>, form: Form) {
        if form == Form::Code
            && let Some(form) = self.form(unit.text)
        {
            self.named.forms.push(form);
            self.named.spelling.push(Spelling::Form(form));
            return;
        }
        let sign = unit.text.chars().count() == 1 && !unit.text.contains(char::is_alphanumeric)
            || self.chains && matches!(unit.text, "&&" | "||" | ">>" | "2>&1");
        let argument = self.named.things.last().is_some_and(|last| last.sort == Sort::Command && last.literal);
        if sign && self.joined && argument {
            // `git add -A` / `.`: another argument of the command before.
            return;
        }
        let keyword = form == Form::Code && self.lexicon.is_keyword(unit.text);
        let example = self.behind.like && !((self.phrases || self.words) && form == Form::Quote);
        if unit.text.trim().is_empty() || (sign || keyword || example) && self.negative {
            // `no ! for what may be null`: where the object is nothing that can be told, what follows is not it.
            self.named.words += usize::from(sign || keyword);
            self.lost |= sign;
            return;
        }
        let verb = self.named.verb;
        let edits = verb.is_some_and(|verb| !matches!(verb, Cue::Use | Cue::Run | Cue::Ask | Cue::Say));
        let thing = match form {
            _ if self.spells_option(unit.text) => return,
            _ if unit.text.starts_with('-') => {
                self.named.flags.push(unit.text.to_owned());
                return;
            }
            _ if verb == Some(Cue::Say) || (self.named.subject == Some(Of::Reply) && form == Form::Quote) => {
                reply_thing(unit.text)
            }
            Form::Quote if self.phrases && !unit.text.contains(['(', '_', '=']) => reply_thing(unit.text),
            Form::Code if unit.text.starts_with("mcp__") => tool_thing(unit.text),
            Form::Code if verb == Some(Cue::Run) && is_skill(unit.text) => {
                skill_thing(unit.text.trim_start_matches('/'))
            }
            // `never set the status to approved`: what something is set to is no command.
            Form::Code if self.behind.purpose && verb.is_none() && self.program(unit.text).is_none() => {
                text_thing(unit.text)
            }
            // What is called and has no arguments is code (`call fetch directly`).
            Form::Code if self.behind.call && is_module(unit.text) => text_thing(unit.text),
            Form::Code if self.is_command(unit.text) => return self.commands(unit.text),
            Form::Path
                if matches!(verb, Some(Cue::Run | Cue::Use)) && is_script(unit.text)
                    || verb == Some(Cue::Run) && has_run_ending(unit.text) && !self.behind.thing =>
            {
                return self.commands(unit.text);
            }
            _ if self.lexicon.is_path(unit.text) && !is_hosted(unit.text)
                || matches!(verb, Some(Cue::Edit)) && unit.text.starts_with('.') =>
            {
                path_thing(unit.text, verb)
            }
            // `moves/deletes` are two words unless something is done to files.
            Form::Path if !edits && !unit.text.contains(['.', '*', '~']) && !unit.text.ends_with('/') => return,
            Form::Quote if self.negative && self.behind.term => word_thing(unit.text),
            // A verb in quotation marks (`don't "fix" the order`) is meant in another way.
            Form::Quote
                if self.negative && verb != Some(Cue::Use) && unit.text.chars().all(|c| c.is_ascii_lowercase()) =>
            {
                self.named.words += 1;
                return;
            }
            Form::Quote if self.negative && verb == Some(Cue::Create) && !self.named.things.is_empty() => return,
            Form::Quote if verb.is_none() && !unit.text.contains(['(', '_', '=']) => {
                self.named.quotes.push(unit.text.to_owned());
                return;
            }
            // What is quoted is said in documents as well as in code.
            Form::Quote if unit.text.chars().all(char::is_alphabetic) => word_thing(unit.text),
            _ => text_thing(unit.text),
        };
        self.named.things.push(thing);
    }

    /// Takes in another spelling of the option that the command before it ends with: `git add -A` / `--all`.
    fn spells_option(&mut self, text: &str) -> bool {
        let last = self.named.things.last().filter(|last| last.sort == Sort::Command && last.literal && self.joined);
        let Some(label) = last.map(|last| last.label.trim_matches('`').to_owned()) else { return false };
        let Some((base, option)) = label.rsplit_once(' ').filter(|_| text.starts_with('-') && self.negative) else {
            return false;
        };
        if !option.starts_with('-') || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return false;
        }
        self.commands(&format!("{base} {text}"));
        true
    }

    /// Takes in a command line; of several in one, each is run.
    fn commands(&mut self, text: &str) {
        let parts: Vec<_> = text.split("&&").map(str::trim).filter(|part| !part.is_empty()).collect();
        // Where it is run is no command of its own.
        let done = parts.iter().filter(|part| parts.len() == 1 || !part.starts_with("cd "));
        for (at, part) in done.enumerate() {
            let thing = command_thing(self.run_as(part), Some(self.lexicon));
            self.named.things.push(Thing { literal: at > 0, joined: at > 0, ..thing });
        }
    }

    /// The program that a text begins with, if it is a known one.
    fn program(&self, text: &str) -> Option<&Entry> {
        self.lexicon.entry_named(text.split(' ').next()?, Kind::Tool)
    }

    /// The part of a command that is looked for: who is to run it may give the program behind `--` other options.
    fn run_as<'t>(&self, text: &'t str) -> &'t str {
        if self.negative { text } else { text.split(" -- ").next().unwrap_or(text) }
    }

    /// Whether a code span is run: it is the object of `run`, or what is used reads like a command or a script.
    fn is_command(&self, text: &str) -> bool {
        let path = self.lexicon.is_path(text);
        let edits = self.named.verb.is_some_and(|verb| !matches!(verb, Cue::Use | Cue::Run));
        if self.lexicon.is_program(text.split(' ').next().unwrap_or(text)) && !edits && !path && !text.contains("=>") {
            return true;
        }
        let main = matches!(self.role, Role::Main | Role::Instead);
        // Nor are folders run, nor what is spelled like a function.
        let camel = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_alphanumeric())
            && text.contains(|c: char| c.is_ascii_uppercase());
        // `timeout: 60000` is what an argument is called and given.
        let keyed = text.split(' ').next().is_some_and(|word| word.ends_with(':'));
        if text.starts_with(['[', '<', '{']) || is_hosted(text) || text.ends_with('/') || camel || keyed {
            return false;
        }
        match self.named.verb {
            Some(Cue::Run) if text.contains(['(', '=', '{']) || text.contains("::") => false,
            // Programs are not spelled like the names of products.
            Some(Cue::Run) if text.starts_with(char::is_uppercase) && !text.contains([' ', '-', '/']) => false,
            // `never push without ./scripts/check.sh`
            Some(Cue::Run) if path && self.role == Role::Before => text.starts_with("./") || is_script(text),
            Some(Cue::Run) => !path || main && !is_data(text) && (text.contains('/') || has_run_ending(text)),
            Some(Cue::Use) if path => main && text.contains('/') && !text.ends_with(['/', '*']) && !is_data(text),
            None if path => is_script(text),
            Some(Cue::Use) | None => is_command_like(text, self.lexicon),
            // `never delete apps by `adb uninstall``
            Some(Cue::Delete) if self.negative && !path => text.contains(' ') && is_command_like(text, self.lexicon),
            _ => false,
        }
    }
}

/// Whether what is called is a function or a module (`encoding/json`), and no script.
fn is_module(text: &str) -> bool {
    !text.contains([' ', '-']) && (!text.contains('/') || !text.starts_with(['.', '/']) && !text.contains('.'))
}

/// Whether what is named lies on a host that the name begins with, as modules of Go do: `github.com/a/b`.
fn is_hosted(text: &str) -> bool {
    let host = text.split_once('/').and_then(|(host, _)| host.rsplit_once('.'));
    host.is_some_and(|(name, ending)| !name.is_empty() && matches!(ending, "com" | "org" | "io" | "dev" | "net" | "in"))
}

/// Whether a path names a file that is written and not run.
fn is_data(path: &str) -> bool {
    const DATA: [&str; 16] = [
        "md", "mdx", "json", "yaml", "yml", "toml", "hcl", "tf", "txt", "css", "html", "sql", "proto", "lock", "xml",
        "csv",
    ];
    path.rsplit_once('.').is_some_and(|(_, ending)| DATA.contains(&ending)) || path.contains('*')
}

/// Whether a path is that of a program in a folder for such.
fn is_script(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let kept = ["script", "scripts", "bin", "tools", "hack", ".", "dev", "ci"];
    !name.is_empty()
        && !path.contains('*')
        && folder.split('/').any(|part| kept.contains(&part))
        && (!name.contains('.') || has_run_ending(name))
}

/// Whether a file is a program, by what its name ends with.
fn has_run_ending(path: &str) -> bool {
    let runs = ["sh", "bash", "js", "mjs", "ts", "py", "rb", "ps1", "bat", "cmd", "nu", "pl", "fish"];
    path.rsplit_once('.').is_some_and(|(_, ending)| runs.contains(&ending))
}

/// How well a sort of thing fits what is done to it; lower is better.
fn rank(kind: Kind, verb: Option<Cue>) -> u8 {
    let order: &[Kind] = match verb {
        Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read | Cue::Place) => {
            &[Kind::Files, Kind::Language, Kind::Construct, Kind::Action, Kind::Tool]
        }
        Some(Cue::Run) => &[Kind::Action, Kind::Tool, Kind::Construct],
        _ => &[Kind::Tool, Kind::Action, Kind::Moment, Kind::Construct, Kind::AgentTool, Kind::Files],
    };
    order.iter().position(|known| *known == kind).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

/// Whether a unit shows how files are named: `*_test.go`, `V{n}__{what}.sql`.
pub(super) fn is_pattern(unit: &Unit<'_, '_>) -> bool {
    let open = unit.text.contains(['<', '{']) && unit.text.contains('.') && !unit.text.contains([' ', '(']);
    unit.text.contains('*') || unit.text.starts_with('.') && unit.text.len() > 1 || unit.literal && open
}
