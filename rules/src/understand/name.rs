//! What a clause names: things, places, properties, measures, and what is done to them.

use super::clause::{Clause, Role, Unit, What};
use super::path::{at_path, globs, path_of};
use super::text::Form;
use super::thing::{
    Sort, Thing, command_thing, entry_thing, file_thing, import_thing, is_command_like, is_skill, path_thing,
    reply_thing, skill_thing, text_thing, tool_thing, word_thing,
};
use crate::Lexicon;
use crate::Predicate;
use crate::lexicon::{Cue, Entry, Form as Shaped, Kind, Measure, Of, Part, Property, Sense, Site};

/// A place that a rule is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Files under these globs.
    Files {
        globs: Vec<String>,
        label: String,
        outside: bool,
    },
    Branch(String),
    Host(String),
}

impl Place {
    /// Whether it is files of a kind (`TypeScript`, `tests`), not a path that is written out.
    pub(super) fn is_kind(&self) -> bool {
        matches!(self, Self::Files { label, outside: false, .. } if !label.contains(['/', '.']))
    }
}

/// All that a clause names.
#[derive(Debug, Clone, Default)]
pub(super) struct Named<'l> {
    pub things: Vec<Thing>,
    pub places: Vec<Place>,
    pub properties: Vec<&'l Property>,
    pub subject: Option<Of>,
    /// All that it is said of, with the part that is meant.
    pub subjects: Vec<(Of, Part)>,
    pub measures: Vec<(u32, Option<Measure>)>,
    /// Names and texts in code that it is said of.
    pub sites: Vec<&'l Site>,
    /// The forms of such.
    pub forms: Vec<&'l Shaped>,
    /// Texts of which a subject starts with, ends with or contains one.
    pub literal: Option<(Cue, Vec<String>)>,
    /// Texts in quotation marks.
    pub quotes: Vec<String>,
    /// Flags of commands.
    pub flags: Vec<String>,
    /// A pattern that names follow.
    pub pattern: Option<String>,
    pub verb: Option<Cue>,
    /// Whether something that is not known is done in its places.
    pub elsewhere: bool,
    /// The files that what is run is run on, where they are named along with it.
    pub on: Option<Thing>,
    /// How many words there are that mean nothing here.
    pub words: usize,
}

impl Named<'_> {
    /// What the clause names, as one thing.
    pub(super) fn whole(&self) -> Option<Thing> {
        Thing::any(&self.things)
    }
}

/// What can be done.
pub(super) const VERBS: [Cue; 10] =
    [Cue::Place, Cue::Run, Cue::Edit, Cue::Create, Cue::Delete, Cue::Read, Cue::Say, Cue::Ask, Cue::BackUp, Cue::Use];

/// Names what a clause is about; `verb` is what is done where the clause itself does not say, and `negative` is whether it
/// is forbidden: then a thing that words around it limit in an unknown way is left out, since it may well be fine as such.
pub(super) fn name<'l>(
    clause: &Clause<'_, '_>,
    lexicon: &'l Lexicon,
    languages: &[String],
    verb: Option<Cue>,
    negative: bool,
) -> Named<'l> {
    let done = clause.units.iter().enumerate().filter(|(at, _)| !is_object(clause, *at)).map(|(_, unit)| unit);
    let verbs = done.flat_map(|unit| VERBS.into_iter().filter(|cue| unit.is(*cue)));
    // `use` says least about what is done, and who adds to a file edits it: any other verb beside them wins, but not one
    // that says what for (`use X to run Y`).
    let purpose = clause.units.windows(2).find_map(|two| match two {
        [to, verb] if to.is(Cue::To) => VERBS.into_iter().find(|cue| verb.is(*cue)),
        _ => None,
    });
    let verbs = verbs.filter(|cue| Some(*cue) != purpose || !clause.has(Cue::Use));
    let follows = clause.units.windows(2).any(|three| {
        let path = |unit: &Unit<'_, '_>| matches!(unit.what, What::Literal(_)) && lexicon.is_path(unit.text);
        matches!(three, [follow, rest @ ..] if matches!(follow.text, "follow" | "following") && rest.iter().any(path))
    });
    let verb = if follows { Some(Cue::Read) } else { verb };
    let own = verbs.min_by_key(|cue| match cue {
        Cue::Use => 2,
        Cue::Create => 1,
        _ => 0,
    });
    let patterned = clause.units.iter().any(|unit| unit.literal && unit.text.contains('*'));
    let mut namer = Namer {
        lexicon,
        languages,
        role: clause.role,
        negative,
        // What is named by a pattern are files.
        named: Named {
            verb: own.or(verb).or((clause.has(Cue::Named) && patterned).then_some(Cue::Place)),
            ..Named::default()
        },
        joined: false,
        behind_word: false,
        behind_literal: false,
        before_stance: 0,
        labelled: false,
        worded: false,
        passive: false,
        likened: false,
        aside: None,
        purposed: false,
        behind_thing: false,
        phrases: clause.units.iter().any(|unit| {
            let words = [
                "phrases",
                "phrase",
                "expressions",
                "acknowledgments",
                "acknowledgements",
                "pleasantries",
                "openers",
                "filler",
                "fillers",
            ];
            words.contains(&unit.text)
        }),
        called: false,
        describes: [Cue::StartsWith, Cue::EndsWith, Cue::Contains].into_iter().any(|cue| clause.has(cue)),
    };
    let mut at = 0;
    while at < clause.units.len() {
        let units = clause.units.get(at..).unwrap_or_default();
        let before = namer.named.things.len();
        at += namer.step(units);
        namer.behind_thing = namer.named.things.len() > before;
        let word = units.first().is_some_and(|unit| unit.what == What::Word && !unit.text.ends_with("ly"));
        let last = units.first().map_or("", |unit| unit.text);
        namer.purposed =
            units.first().is_some_and(|unit| unit.is(Cue::To) && !unit.is(Cue::Never)) && namer.named.words > 0;
        if last == "(" {
            namer.aside = namer.aside.or(Some(before));
        }
        let goes_on = units
            .first()
            .is_some_and(|unit| unit.literal || unit.what == What::Comma || unit.is_any(&[Cue::Or, Cue::And]));
        namer.likened = last == "like" || namer.likened && goes_on;
        namer.passive = last.ends_with("be") || matches!(last, "is" | "are" | "was" | "were" | "been" | "gets");
        let words = ["word", "words", "verb", "verbs", "term", "terms"];
        namer.worded = units.first().is_some_and(|unit| words.contains(&unit.text));
        namer.called =
            units.first().is_some_and(|unit| matches!(unit.text, "call" | "calling" | "invoke" | "invoking"));
        namer.named.words += usize::from(word);
        // `the project's` says no more than an article.
        let quoted = units.first().is_some_and(|unit| unit.what == What::Literal(Form::Quote));
        namer.behind_word = quoted
            || word && !units.first().is_some_and(|unit| unit.text.ends_with(['s']) && unit.text.contains(['\'', '’']));
    }
    let with = clause
        .units
        .windows(2)
        .any(|two| matches!(two, [with, word] if with.text == "with" && word.what == What::Word));
    if negative && with && namer.named.things.iter().all(|thing| thing.sort == Sort::Command) {
        // What is forbidden only with something else is fine as such.
        namer.named.things.clear();
    }
    let together = ["concurrently", "parallel", "simultaneously", "multiple", "mix", "mixing", "combine", "combining"];
    if negative && clause.units.iter().any(|unit| together.contains(&&*unit.text.to_lowercase())) {
        namer.named.things.clear();
    }
    if negative && clause.units.iter().any(|unit| unit.text == "too") {
        // What is too long or too many is fine as such.
        namer.named.things.clear();
    }
    namer.keep();
    namer.settle();
    namer.named
}

/// Whether a verb stands as the noun that something else is done to: `lint your changes`.
fn is_object(clause: &Clause<'_, '_>, at: usize) -> bool {
    let noun = clause.units.get(at).is_some_and(|unit| matches!(unit.text, "changes" | "edits" | "modifications"));
    let before = clause.units.get(..at).unwrap_or_default();
    let call = clause.units.get(at).is_some_and(|unit| matches!(unit.text, "call" | "calls"));
    noun && before.last().is_some_and(Unit::is_filler) && before.first().is_some_and(Unit::is_content)
        || call && before.last().is_some_and(|unit| unit.literal)
}

struct Namer<'l, 'c> {
    lexicon: &'l Lexicon,
    languages: &'c [String],
    role: Role,
    negative: bool,
    named: Named<'l>,
    /// Whether something joins the next thing to the last one.
    joined: bool,
    /// Whether the last unit was a word that means nothing here.
    behind_word: bool,
    /// Whether the last unit said what for.
    purposed: bool,
    /// How many things stood before the first parenthesis.
    aside: Option<usize>,
    /// Whether the last unit said that an example follows.
    likened: bool,
    /// Whether the last unit named a thing.
    behind_thing: bool,
    /// Whether the last unit was a form of `be`.
    passive: bool,
    /// Whether the last unit said that a word follows.
    worded: bool,
    /// Whether a colon stands before this unit.
    labelled: bool,
    /// Whether the clause speaks of phrases.
    phrases: bool,
    /// How many things stood before the clause said that it forbids.
    before_stance: usize,
    /// Whether the last unit was written as in code.
    behind_literal: bool,
    /// Whether the last unit said that something is called.
    called: bool,
    /// Whether the clause says what something begins with, ends with or holds.
    describes: bool,
}

impl Namer<'_, '_> {
    /// Takes in the next unit, with those behind it that belong to it, and says how many.
    fn step(&mut self, units: &[Unit<'_, '_>]) -> usize {
        let Some(unit) = units.first() else { return 1 };
        // `for client/server pairs` is about no path.
        let pair = unit.text == "for" && units.get(1).is_some_and(|next| next.what == What::Literal(Form::Path));
        if unit.is_any(&[Cue::In, Cue::To, Cue::Outside])
            && !pair
            && let Some((mut place, mut count)) = self.place(units.get(1..).unwrap_or_default(), unit.is(Cue::Outside))
        {
            while let Place::Files { globs: known, label, .. } = &mut place
                && let Some((more, path)) = other_path(units.get(count + 1..).unwrap_or_default(), self.lexicon)
                && label.contains('/')
            {
                known.extend(globs(path));
                count += more;
            }
            // What is done in a place to something unknown is not about the place.
            self.named.elsewhere |= unit.is_any(&[Cue::In, Cue::To]) && self.named.words > 0;
            self.named.places.push(place);
            return count + 1;
        }
        if unit.text == "against" && units.get(1).is_some_and(|next| next.literal) {
            return 2;
        }
        let said = !self.named.things.is_empty() || self.named.verb.is_some() || self.negative && self.named.words > 0;
        if unit.is(Cue::In) && said {
            // What stands behind `in` or `for` and is no place is a circumstance, not what the rule is about.
            let skip = units.iter().skip(1).take_while(|unit| unit.is_filler()).count() + 1;
            let Some(behind) = units.get(skip) else { return 1 };
            self.said_in(behind);
            let named = !behind.literal && behind.senses().iter().any(is_entry)
                || behind.literal
                    && self.negative
                    && !self.named.things.is_empty()
                    && !matches!(behind.what, What::Command);
            if !named {
                return 1;
            }
            // What is joined to it is a circumstance, too: `in commits or PRs`.
            let mut count = skip + 1;
            while let [join, next, ..] = units.get(count..).unwrap_or_default() {
                let joins = join.what == What::Comma || join.is_any(&[Cue::Or, Cue::And]);
                if !joins
                    || next.literal
                    || next.is_any(&VERBS)
                    || next.what != What::Word
                        && !next.senses().iter().any(|sense| is_entry(sense) || matches!(sense, Sense::Subject(..)))
                {
                    break;
                }
                self.said_in(next);
                count += 2;
            }
            return count;
        }
        if let Some(cue) = [Cue::StartsWith, Cue::EndsWith, Cue::Contains].into_iter().find(|cue| unit.is(*cue))
            && let Some((texts, count)) = literals(units)
        {
            // What stands between is what it is said of: `prefix commit messages with …`.
            for between in units.iter().skip(1).take(count.saturating_sub(1)).take_while(|unit| !unit.literal) {
                self.said_in(between);
                self.said_of_code(between.code);
            }
            if texts.iter().all(|text| text.starts_with('-')) {
                self.named.flags.extend(texts);
            } else {
                self.named.literal = Some((cue, texts));
            }
            return count;
        }
        if unit.is(Cue::Named)
            && let Some(pattern) =
                units.iter().skip(1).take(4).find(|unit| unit.text.contains('*') || unit.text.starts_with('.'))
        {
            self.named.pattern = Some(pattern.text.to_owned());
            return 1;
        }
        if self.named.pattern.as_deref() == Some(unit.text) {
            return units.len();
        }
        if let Some(count) = self.compound(units) {
            return count;
        }
        if self.behind_word && matches!(unit.text, "format" | "formats") {
            // `the required format` is no formatting.
            return 1;
        }
        if unit.is(Cue::Never) {
            if self.negative && self.labelled {
                // What stands before a colon is what the rest is about, not what is forbidden.
                self.named.things.clear();
            }
            self.before_stance = self.named.things.len();
        }
        self.labelled = unit.text == ":" || self.labelled && unit.what == What::Mark;
        let before = self.named.things.len();
        if unit.is(Cue::Run) && !self.negative && self.role == Role::Main && !self.joined {
            // `enforced by X — run Y`: what was named before is not what is run.
            let other = |thing: &Thing| thing.sort == Sort::Command && thing.literal;
            let reads = self.named.things.iter().all(other);
            if reads && !self.passive && self.named.verb == Some(Cue::Run) {
                self.named.things.clear();
            }
        }
        // `private methods` are not all methods.
        let every = !self.behind_word || !unit.code.iter().any(|sense| matches!(sense, Sense::Site(_)));
        if every {
            self.said_of_code(unit.code);
        }
        self.take(unit);
        // `squash commits` is not to commit.
        let noun = |thing: &Thing| matches!(&*thing.slug, "commit" | "pull-request") && unit.text.ends_with('s');
        let other = self.behind_word && self.named.verb.is_none() && self.named.things.get(before).is_some_and(noun);
        let done_to = self.negative && self.passive && self.named.words > 0 && unit.literal;
        if other || done_to || self.negative && self.is_limited(units) {
            self.named.things.truncate(before);
        }
        let adjacent = unit.literal && std::mem::replace(&mut self.behind_literal, unit.literal);
        self.behind_literal = unit.literal;
        if let Some(thing) = self.named.things.get_mut(before) {
            self.joined |= adjacent;
            thing.literal = unit.literal;
            if unit.literal && thing.says.is_none() && !thing.label.contains('`') {
                thing.label = format!("`{}`", unit.text);
            }
            thing.joined = std::mem::take(&mut self.joined);
            if self.behind_thing {
                self.join_language();
            }
        }
        self.joined |= unit.what == What::Comma || unit.text == "/" || unit.is_any(&[Cue::And, Cue::Or, Cue::Then]);
        1
    }

    /// Takes in a unit that the next one says more of (`src folder`, `RST files`), and says how many those are.
    fn compound(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        let foldered = units.get(1).is_some_and(|next| next.is(Cue::Folder));
        if foldered && matches!(unit.what, What::Word | What::Literal(Form::Path | Form::Code)) {
            let path = format!("{}/", unit.text.trim_end_matches('/'));
            self.named.things.push(path_thing(&path, self.named.verb));
            return Some(2);
        }
        let imports = matches!(&*unit.text.to_lowercase(), "import" | "importing" | "imports");
        let from = units.iter().skip(1).position(|unit| !unit.is(Cue::In)).map_or(1, |at| at + 1);
        if let Some(module) = units.get(from).filter(|module| imports && module.literal && module.what != What::Command)
        {
            let named = self.negative || self.role == Role::Instead;
            let thing = if named { import_thing(module.text) } else { text_thing(module.text) };
            self.named.things.push(Thing { literal: true, joined: std::mem::take(&mut self.joined), ..thing });
            return Some(from + 1);
        }
        if let Some(folder) =
            unit.text.strip_suffix("/SKILL.md").filter(|_| units.get(1).is_some_and(|next| next.text == "skill"))
        {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            self.named.things.push(Thing { literal: true, ..skill_thing(name) });
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
        if unit.what == What::Literal(Form::Code) && units.get(1).is_some_and(|next| next.text == "skill") {
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

    /// The ending of files that stands before `files`: `.q4 files`, whether listed or not, or `RST files`.
    fn ending<'t>(&self, unit: &Unit<'t, '_>) -> Option<&'t str> {
        let shouted = unit.text.len() <= 5 && unit.text.chars().all(|c| c.is_ascii_uppercase());
        let known = unit.what == What::Word && (shouted || self.lexicon.is_extension(&unit.text.to_lowercase()));
        let plain = |ending: &&str| !ending.is_empty() && ending.chars().all(char::is_alphanumeric);
        unit.text.strip_prefix('.').or(known.then_some(unit.text)).filter(plain)
    }

    /// Whether the words around a unit say which of its kind are meant, so that the kind as such is not: `large PRs`,
    /// `TODO assignees`, `comments that …`. What is written as in code, and a program, is meant by itself.
    fn is_limited(&self, units: &[Unit<'_, '_>]) -> bool {
        let Some(unit) = units.first().filter(|unit| !unit.literal) else { return false };
        let kind = |kind: Kind| {
            let of = |sense: &Sense| matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(|entry| entry.kind == kind));
            unit.senses().iter().any(of)
        };
        let program = unit.text.split(' ').next().unwrap_or_default();
        let written = unit.text.contains(' ') && self.lexicon.entry_named(program, Kind::Tool).is_some();
        if written
            || kind(Kind::Tool)
            || ![Kind::Action, Kind::Files, Kind::Language, Kind::Construct].into_iter().any(kind)
        {
            return false;
        }
        let next = units.get(1);
        let acts = kind(Kind::Action) && !unit.is_any(&VERBS) && !unit.senses().iter().any(|sense| {
            matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(|entry| entry.name == "commit"))
        });
        if acts && next.is_some_and(|next| self.is_object(next)) {
            return true;
        }
        // `push to the upstream repo` is not just any push.
        let behind = || units.iter().skip(2).filter(|unit| !unit.is_filler());
        let to = kind(Kind::Action) && next.is_some_and(|next| next.is(Cue::To));
        let known = |unit: &Unit<'_, '_>| {
            unit.literal || matches!(unit.text, "main" | "master" | "develop" | "trunk" | "production" | "prod")
        };
        if to
            && behind().next().is_some_and(|unit| unit.what == What::Word && !known(unit))
            && !behind().nth(1).is_some_and(|unit| unit.is(Cue::Branch))
        {
            return true;
        }
        let word = |unit: Option<&Unit<'_, '_>>| unit.is_some_and(|unit| unit.what == What::Word);
        let that = |unit: &Unit<'_, '_>| matches!(unit.text, "that" | "which" | "who");
        let relative = next.is_some_and(that)
            || units.windows(2).any(|two| matches!(two, [first, second] if that(first) && second.what == What::Word))
            || kind(Kind::Action) && self.purposed;
        self.behind_word || word(next) || relative
    }

    /// Whether a unit names files, a language or code, so that what is done is done to that alone.
    fn is_object(&self, unit: &Unit<'_, '_>) -> bool {
        let what = |entry: &Entry| {
            matches!(entry.kind, Kind::Files | Kind::Language | Kind::Construct)
                && !matches!(&*entry.name, "code" | "files")
        };
        let named = |sense: &Sense| matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(what));
        let cue = unit.senses().iter().any(|sense| matches!(sense, Sense::Cue(_)));
        !unit.literal && !cue && unit.senses().iter().any(named)
    }

    /// Whether a unit names files without saying which.
    fn is_any_file(&self, unit: &Unit<'_, '_>) -> bool {
        unit.senses().iter().any(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).is_some_and(|entry| entry.name == "files"),
            _ => false,
        })
    }

    /// `Python tests` are the tests that are written in Python.
    fn join_language(&mut self) {
        let [.., language, files] = self.named.things.as_mut_slice() else { return };
        let (Predicate::File(spoken), Predicate::File(test)) = (&language.predicate, &mut files.predicate) else {
            return;
        };
        let name = language.known.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        let speaks = self.lexicon.entry_named(&name, Kind::Language).is_some();
        let (Some(glob), true) = (spoken.path.first(), speaks && !files.literal && !files.joined) else { return };
        test.language.push(name.clone());
        if let Some(stem) =
            path_of(&files.holds).and_then(|path| path.rsplit_once('.')).map(|(stem, _)| stem.to_owned())
        {
            files.holds = at_path(&files.holds, &format!("{stem}{}", glob.trim_start_matches('*')));
        }
        files.slug = format!("{name}-{}", files.slug);
        files.label = format!("{} {}", language.label, files.label.trim_start_matches("the "));
        let at = self.named.things.len() - 2;
        self.named.things.remove(at);
    }

    /// Takes in one unit.
    fn take(&mut self, unit: &Unit<'_, '_>) {
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
                Sense::Property(at) => self.named.properties.extend(self.lexicon.property(*at)),
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
    fn said_of_code(&mut self, senses: &[Sense]) {
        for sense in senses {
            match sense {
                Sense::Site(at) => self.named.sites.extend(self.lexicon.site(*at)),
                Sense::Form(at) => self.named.forms.extend(self.lexicon.form(*at)),
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
    fn said_in(&mut self, unit: &Unit<'_, '_>) {
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
        let sign = unit.text.chars().count() == 1 && !unit.text.contains(char::is_alphanumeric);
        let keyword = form == Form::Code && self.lexicon.is_keyword(unit.text);
        if unit.text.trim().is_empty() || (sign || keyword || self.likened) && self.negative {
            return;
        }
        let verb = self.named.verb;
        let edits = verb.is_some_and(|verb| !matches!(verb, Cue::Use | Cue::Run | Cue::Ask | Cue::Say));
        let thing = match form {
            _ if unit.text.starts_with('-') => {
                self.named.flags.push(unit.text.to_owned());
                return;
            }
            _ if verb == Some(Cue::Say) || (self.named.subject == Some(Of::Reply) && form == Form::Quote) => {
                reply_thing(unit.text)
            }
            Form::Quote if self.phrases && !unit.text.contains(['(', '_', '=']) => reply_thing(unit.text),
            Form::Code if verb == Some(Cue::Run) && is_skill(unit.text) => {
                skill_thing(unit.text.trim_start_matches('/'))
            }
            // What is called and has no arguments is code (`call fetch directly`).
            Form::Code if self.called && !unit.text.contains([' ', '/', '-']) => text_thing(unit.text),
            Form::Code if self.is_command(unit.text) => return self.commands(unit.text),
            _ if self.lexicon.is_path(unit.text) || matches!(verb, Some(Cue::Edit)) && unit.text.starts_with('.') => {
                path_thing(unit.text, verb)
            }
            // `moves/deletes` are two words unless something is done to files.
            Form::Path if !edits && !unit.text.contains(['.', '*', '~']) && !unit.text.ends_with('/') => return,
            Form::Quote if self.negative && self.worded => word_thing(unit.text),
            // A verb in quotation marks (`don't "fix" the order`) is meant in another way.
            Form::Quote
                if self.negative && verb != Some(Cue::Use) && unit.text.chars().all(|c| c.is_ascii_lowercase()) =>
            {
                return;
            }
            Form::Quote if self.negative && verb == Some(Cue::Create) && !self.named.things.is_empty() => return,
            Form::Quote if verb.is_none() && !unit.text.contains(['(', '_', '=']) => {
                self.named.quotes.push(unit.text.to_owned());
                return;
            }
            _ => text_thing(unit.text),
        };
        self.named.things.push(thing);
    }

    /// Takes in a command line; of several in one, each is run.
    fn commands(&mut self, text: &str) {
        for (at, part) in text.split("&&").map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let thing = command_thing(self.run_as(part), Some(self.lexicon));
            self.named.things.push(Thing { literal: at > 0, joined: at > 0, ..thing });
        }
    }

    /// The part of a command that is looked for: who is to run it may give the program behind `--` other options.
    fn run_as<'t>(&self, text: &'t str) -> &'t str {
        if self.negative { text } else { text.split(" -- ").next().unwrap_or(text) }
    }

    /// Whether a code span is run: it is the object of `run`, or what is used reads like a command or a script.
    fn is_command(&self, text: &str) -> bool {
        let path = self.lexicon.is_path(text);
        let edits = self.named.verb.is_some_and(|verb| !matches!(verb, Cue::Use | Cue::Run));
        if self.lexicon.is_program(text.split(' ').next().unwrap_or(text)) && !edits && !path {
            return true;
        }
        let main = matches!(self.role, Role::Main | Role::Instead);
        match self.named.verb {
            Some(Cue::Run) if text.contains(['(', '=', '{']) || text.contains("::") => false,
            // Programs are not spelled like the names of products.
            Some(Cue::Run) if text.starts_with(char::is_uppercase) && !text.contains([' ', '-', '/']) => false,
            Some(Cue::Run) => !path || (main && text.contains('/') && !is_data(text)),
            Some(Cue::Use) if path => main && text.contains('/') && !text.ends_with(['/', '*']),
            None if path => is_script(text),
            Some(Cue::Use) | None => is_command_like(text, self.lexicon),
            _ => false,
        }
    }

    /// The place that some units name, and how many of them.
    fn place(&self, units: &[Unit<'_, '_>], outside: bool) -> Option<(Place, usize)> {
        let skip = units.iter().take_while(|unit| unit.is_filler()).count();
        let unit = units.get(skip)?;
        let next = units.get(skip + 1);
        let files = |globs: Vec<String>, label: &str| Place::Files { globs, label: label.to_owned(), outside };
        let stands_alone = next.is_none_or(|next| next.what != What::Word && !next.is(Cue::Folder));
        let pushed = unit.literal
            && !unit.text.contains([' ', '.', '/'])
            && self.named.things.last().is_some_and(|thing| matches!(&*thing.slug, "push" | "force-push" | "commit"));
        let pushed = pushed
            || matches!(unit.text, "upstream" | "origin")
                && stands_alone
                && self.named.things.last().is_some_and(|thing| matches!(&*thing.slug, "push" | "force-push"));
        if next.is_some_and(|next| next.is(Cue::Branch))
            || (matches!(unit.text, "main" | "master" | "develop" | "trunk") && stands_alone)
            || pushed
        {
            let width = 1 + usize::from(next.is_some_and(|next| next.is(Cue::Branch)));
            return Some((Place::Branch(unit.text.to_owned()), skip + width));
        }
        if next.is_some_and(|next| next.is(Cue::Folder))
            && matches!(unit.what, What::Word | What::Literal(_) | What::Known(_))
        {
            let text = format!("{}/", unit.text.trim_end_matches('/'));
            return Some((files(globs(&text), &text), skip + 2));
        }
        if unit.is(Cue::Folder) {
            // `for package management` names no folder.
            let word = |next: &Unit<'_, '_>| next.what == What::Word && unit.text != "package";
            let name = next.filter(|next| word(next) || matches!(next.what, What::Literal(_)))?;
            let text = format!("{}/", name.text.trim_end_matches('/'));
            return Some((files(globs(&text), &text), skip + 2));
        }
        if matches!(unit.what, What::Literal(_)) && self.lexicon.is_path(unit.text) {
            return Some((files(globs(unit.text), unit.text), skip + 1));
        }
        unit.senses().iter().find_map(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).and_then(|entry| match (entry.kind, &entry.predicate) {
                (Kind::Host, _) => Some((Place::Host(entry.name.clone()), skip + 1)),
                (Kind::Files | Kind::Language, Predicate::File(test)) if entry.name != "files" => {
                    Some((files(test.path.clone(), unit.text), skip + 1))
                }
                _ => None,
            }),
            _ => None,
        })
    }

    /// Keeps what the clause is about: where something is written as it stands in code, the words around it only
    /// describe it, and what nothing joins to the first thing is said about it.
    fn keep(&mut self) {
        let things = &mut self.named.things;
        if let Some(flag) = things.iter().position(|thing| {
            thing.known.is_some()
                && thing.label.starts_with(['-', '`'])
                && thing.literal
                && thing.label.trim_matches('`').starts_with("--")
        }) {
            // An option with a meaning of its own says all, but for the command that it is said of.
            let of = things.iter().find_map(|thing| match &*thing.slug {
                "commit" => Some("git commit"),
                "push" => Some("git push"),
                _ => None,
            });
            let mut meant = things.swap_remove(flag);
            if let (Some(of), Predicate::Any(parts)) = (of, &mut meant.predicate)
                && parts.iter().any(|part| runs(part, of))
            {
                parts.retain(|part| runs(part, of));
            }
            *things = vec![meant];
            return;
        }
        if self.negative && self.before_stance > 0 && self.before_stance < things.len() && self.named.verb.is_some() {
            // `functions with a session must not call session.commit()`: the subject is not what is forbidden.
            things.drain(..self.before_stance);
        }
        if self.negative && things.first().is_some_and(|thing| thing.slug == "commit") && self.named.verb.is_none() {
            // What is never committed are files.
            let staged: Vec<_> = things.iter().filter_map(Thing::staged).collect();
            if !staged.is_empty() {
                *things = staged;
                return;
            }
        }
        if !self.named.flags.is_empty() && things.iter().any(|thing| thing.sort == Sort::Command) {
            things.retain(|thing| thing.sort == Sort::Command);
        } else if let (true, Some(aside), [first, ..]) = (self.negative, self.aside, things.as_slice())
            && aside > 0
            && first.sort == Sort::Code
            && first.known.is_some()
        {
            // What stands in parentheses behind it is its name elsewhere.
            things.truncate(aside);
        } else if things.iter().any(|thing| thing.literal) {
            let on = things.iter().find(|thing| thing.sort == Sort::File && !thing.literal && thing.slug != "files");
            self.named.on = on.cloned();
            things.retain(|thing| thing.literal);
        }
        if let ([_, ..], [thing]) = (self.named.flags.as_slice(), things.as_mut_slice())
            && let Some(program) = program(thing)
        {
            // What takes options is a program.
            *thing = Thing { literal: true, ..command_thing(&program, Some(self.lexicon)) };
        }
        if things.first().is_some_and(|thing| thing.literal && thing.sort == Sort::Command) {
            // What is run is said with what it is run on.
            let mut first = true;
            things.retain(|thing| {
                thing.sort == Sort::Command && thing.literal && (std::mem::take(&mut first) || thing.joined)
            });
            return;
        }
        let joined = things.iter().skip(1).take_while(|thing| thing.joined).count();
        if things.first().is_some_and(|thing| thing.sort == Sort::Command) {
            let on = things.get(joined + 1..).unwrap_or_default().iter().find(|thing| thing.sort == Sort::File);
            self.named.on = on.filter(|thing| thing.slug != "files").cloned().or(self.named.on.take());
        }
        things.truncate(joined + 1);
    }

    /// What is written out beside a commit or a pull request is a part of its text (`add a Notes: section to every PR`).
    fn spell(&mut self) {
        let named = &mut self.named;
        let typed = !named.things.is_empty() && named.things.iter().all(|thing| is_commit_type(&thing.label));
        if typed && named.subjects.is_empty() {
            named.subject = Some(Of::Commit);
            named.subjects = vec![(Of::Commit, Part::Title), (Of::Request, Part::Title)];
        }
        if named.subject == Some(Of::Branch)
            && named.literal.is_none()
            && let [thing] = named.things.as_slice()
            && let Some((head, _)) = thing.label.trim_matches('`').split_once('/').filter(|_| thing.literal)
            && head.chars().all(|c| c.is_alphanumeric() || c == '-')
        {
            named.literal = Some((Cue::StartsWith, vec![format!("{head}/")]));
            named.things.clear();
        }
        let texts = matches!(named.subject, Some(Of::Commit | Of::Request));
        if !texts || named.literal.is_some() {
            return;
        }
        let act = |thing: &Thing| matches!(&*thing.slug, "commit" | "pull-request");
        let spelled = |thing: &Thing| thing.says.is_none() && matches!(thing.sort, Sort::Code | Sort::Reply);
        if !named
            .things
            .iter()
            .all(|thing| act(thing) || spelled(thing) && (thing.literal || thing.sort == Sort::Reply))
        {
            return;
        }
        let said = named.things.iter().filter(|thing| spelled(thing));
        let mut found: Vec<_> = said.map(|thing| thing.label.trim_matches(['`', '“', '”']).to_owned()).collect();
        if named.properties.is_empty() {
            found.append(&mut named.quotes);
        }
        for text in &mut found {
            if super::compose::layout(text).is_none() {
                text.truncate(fixed(text).len());
            }
        }
        // What is shown whole is an example.
        found.retain(|text| {
            text.chars().any(char::is_alphanumeric) && (text.contains(':') || text.split(' ').count() < 5)
        });
        if !found.is_empty() {
            let kind = |text: &String| text.ends_with(':') && text.starts_with(char::is_lowercase);
            let cue = if found.iter().all(kind) { Cue::StartsWith } else { Cue::Contains };
            named.literal = Some((cue, found));
            named.things.clear();
        }
    }

    /// Where nothing but a place is named, the place is the thing (`stop writing to /tmp`).
    fn settle(&mut self) {
        self.spell();
        let named = &mut self.named;
        let bare = named.things.is_empty()
            && named.properties.is_empty()
            && named.subject.is_none()
            && named.measures.is_empty();
        let writes = matches!(named.verb, Some(Cue::Edit | Cue::Create | Cue::Delete | Cue::Read));
        if bare
            && writes
            && !(self.negative && named.elsewhere)
            && let Some(Place::Files { globs, label, outside: false }) = named.places.first()
        {
            // Who adds something to a file edits it.
            let verb = if named.verb == Some(Cue::Create) { Some(Cue::Edit) } else { named.verb };
            named.things.push(file_thing(globs.clone(), label, verb));
            named.places.remove(0);
        }
    }
}

/// The next of several paths that are joined, and how many units it takes.
fn other_path<'a>(units: &[Unit<'a, '_>], lexicon: &Lexicon) -> Option<(usize, &'a str)> {
    let joins = |unit: &&Unit<'_, '_>| unit.what == What::Comma || unit.is_any(&[Cue::Or, Cue::And]);
    let skip = units.iter().take_while(joins).count();
    let path = units.get(skip).filter(|unit| skip > 0 && skip < 3 && unit.literal)?;
    let known = matches!(path.what, What::Literal(_)) && lexicon.is_path(path.text) && path.text.contains('/');
    known.then_some((skip + 1, path.text))
}

/// Whether a test is for commands that begin so.
fn runs(test: &Predicate, start: &str) -> bool {
    matches!(test, Predicate::Command(test) if test.run.starts_with(start))
}

/// Whether a code span is the type that a conventional commit begins with.
fn is_commit_type(label: &str) -> bool {
    let types = ["feat", "fix", "chore", "docs", "refactor", "perf", "test", "ci", "build", "style", "revert"];
    label.trim_matches('`').strip_suffix(':').is_some_and(|name| types.contains(&name))
}

/// The name in a code span that reads like that of a program.
fn program(thing: &Thing) -> Option<String> {
    let name = thing.label.trim_matches('`');
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c));
    (thing.literal && thing.sort == Sort::Code && thing.known.is_none() && plain).then(|| name.to_owned())
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
    let runs = ["sh", "bash", "js", "mjs", "ts", "py", "rb", "ps1", "bat", "nu", "pl", "fish"];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !name.is_empty()
        && !path.contains('*')
        && folder.split('/').any(|part| kept.contains(&part))
        && ending.is_none_or(|e| runs.contains(&e))
}

/// The texts that follow a verb such as `start with`, and how many units they take; a name may stand without marks.
fn literals(units: &[Unit<'_, '_>]) -> Option<(Vec<String>, usize)> {
    let written = |unit: &Unit<'_, '_>| matches!(unit.what, What::Literal(_)) || unit.literal;
    let name = |unit: &Unit<'_, '_>| {
        !unit.is_content() && unit.what == What::Word && unit.text.starts_with(char::is_uppercase)
    };
    let near = units.iter().skip(1).take(6);
    let first = near
        .clone()
        .position(written)
        .or_else(|| near.take_while(|unit| unit.is_filler() || name(unit)).position(name))?
        + 1;
    let joins = |unit: &&Unit<'_, '_>| unit.what == What::Comma || unit.is_any(&[Cue::Or, Cue::And]);
    let more = units.iter().skip(first + 1).take_while(|unit| written(unit) || joins(unit));
    let count = first + 1 + more.count();
    let found = units.iter().take(count).skip(first).filter(|unit| !joins(unit));
    let texts: Vec<_> = found
        .map(|unit| fixed(unit.text).to_owned())
        .filter(|text| text.chars().count() > 1 || text.contains(char::is_alphanumeric))
        .collect();
    (!texts.is_empty()).then_some((texts, count))
}

/// The part of a text in front of what stands for something else: `Closes #` of `Closes #<number>`.
fn fixed(text: &str) -> &str {
    let text = text.split(['<', '{', '…']).next().unwrap_or(text);
    text.split_once("#N").map_or(text, |(head, _)| text.get(..=head.len()).unwrap_or(head)).trim_end()
}

fn is_entry(sense: &Sense) -> bool {
    matches!(sense, Sense::Entry(_))
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
