//! What a clause names: things, places, properties, measures, and what is done to them.
//!
//! [`namer`] walks through the units, [`object`] makes things of them, and [`keep`] tells in the end which of them the clause
//! is about.

mod keep;
mod namer;
mod object;

use super::clause::Clause;
use super::thing::{Sort, Thing, file_thing};
use super::token::Form;
use super::unit::{Unit, What};
use crate::lexicon::{Cue, Form as Shaped, Measure, Of, Part, Property, Site};
use crate::predicate::FileAction;
use crate::{Lexicon, Predicate};
use namer::Namer;

/// A place that a rule is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Files under these globs.
    Files {
        globs: Vec<String>,
        label: String,
        outside: bool,
    },
    Branches(Vec<String>),
    Host(String),
}

impl Place {
    /// Whether it is one file that is written out.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::Files { label, outside: false, .. } if label.contains('.') && !label.ends_with('/'))
    }

    /// Whether it is files of a kind (`TypeScript`, `tests`), not a path that is written out.
    pub(super) fn is_kind(&self) -> bool {
        matches!(self, Self::Files { label, outside: false, .. } if !label.contains(['/', '.']))
    }
}

/// A name in code, or a form of such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Spelling<'l> {
    Site(&'l Site),
    Form(&'l Shaped),
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
    /// Both, in the order in which they are named.
    pub spelling: Vec<Spelling<'l>>,
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
    pub on: Option<Box<Thing>>,
    /// What a skill that is named is for.
    pub aim: Option<Box<Thing>>,
    /// How many words there are that mean nothing here.
    pub words: usize,
    /// Whether one of the things is enough.
    pub either: bool,
    /// The branch that others are made from.
    pub from: Option<String>,
}

impl Named<'_> {
    /// What the clause names, as one thing; files of a kind in a place that is written out are those in that place.
    pub(super) fn whole(&self) -> Option<Thing> {
        self.written_place().or_else(|| Thing::any(&self.things))
    }

    /// The files in the place that is written out, where nothing else is named but what kind they are of.
    pub(super) fn written_place(&self) -> Option<Thing> {
        let kind = |thing: &Thing| thing.sort == Sort::File && !thing.literal;
        let place = self.places.iter().find_map(|place| match place {
            Place::Files { globs, label, outside: false } if label.contains('/') => Some((globs, label)),
            _ => None,
        });
        let (globs, label) = place.filter(|_| self.things.iter().all(kind))?;
        Some(Thing { literal: true, ..file_thing(globs.clone(), label, None) })
    }

    /// Whether it names nothing but files of one kind that are written: `when writing C++ code`.
    pub(super) fn is_language(&self) -> bool {
        let kind = |thing: &Thing| thing.sort == Sort::File && !thing.literal;
        matches!(self.things.as_slice(), [thing] if kind(thing))
            && matches!(self.verb, Some(Cue::Create | Cue::Edit))
            && self.places.is_empty()
            && self.words == 0
    }

    /// Whether it says neither of which texts nor in which files.
    pub(super) fn is_open(&self) -> bool {
        let within = |place: &Place| matches!(place, Place::Files { outside: false, .. });
        self.subjects.is_empty() && !self.places.iter().any(within)
    }

    /// Whether it names nothing but a text such as a commit message, so that who writes it is meant.
    pub(super) fn is_text(&self) -> bool {
        let act = |thing: &Thing| matches!(&*thing.slug, "commit" | "pull-request");
        let named = !self.subjects.is_empty() || !self.things.is_empty();
        named && self.things.iter().all(act) && self.places.is_empty() && self.words == 0 && self.flags.is_empty()
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
    let patterned = || clause.units.iter().any(|unit| unit.literal && unit.text.contains(['*', '{', '<']));
    // What is named by a pattern are files.
    let verb = done(clause, lexicon).or(verb).or((clause.has(Cue::Named) && patterned()).then_some(Cue::Place));
    // `no new files in the root`
    let makes =
        |two: &[Unit<'_, '_>]| matches!(two, [new, files] if new.is(Cue::New) && files.lower().starts_with("files"));
    let made = negative && clause.units.windows(2).any(makes);
    let verb = verb.or(is_put(clause).then_some(Cue::Place)).or(made.then_some(Cue::Create));
    let mut namer = Namer::of(clause, lexicon, languages, verb, negative);
    let mut at = 0;
    while at < clause.units.len() {
        at += namer.next(clause.units.get(at..).unwrap_or_default());
    }
    if negative && narrows(clause, &namer.named.things) {
        namer.named.things.clear();
    }
    namer.keep();
    let imports = namer.named.things.first().is_some_and(|thing| thing.slug.starts_with("import-"));
    if negative && imports && namer.named.places.is_empty() {
        namer.named.places.extend(importer(clause));
    }
    namer.settle();
    let existing = || clause.units.iter().any(|unit| unit.lower().starts_with("existing"));
    if negative && matches!(namer.named.verb, None | Some(Cue::Edit)) && existing() {
        // What is there already is changed; a new one is made.
        for thing in &mut namer.named.things {
            if let Predicate::File(test) = &mut thing.predicate {
                test.action = test.action.or(Some(FileAction::Modify));
            }
        }
    }
    namer.named
}

/// Where those files lie that are forbidden to import something, where they go by the name of a folder: `the core must not
/// import from plugins/`, `compiler packages must not …`. A folder that is not there forbids nothing.
fn importer(clause: &Clause<'_, '_>) -> Option<Place> {
    let never = clause.units.iter().position(|unit| unit.is(Cue::Never))?;
    let noun = |unit: &Unit<'_, '_>| {
        matches!(
            &*unit.lower(),
            "layer" | "layers" | "package" | "packages" | "module" | "modules" | "crate" | "crates"
        )
    };
    let before = clause.units.get(..never).unwrap_or_default();
    // `production code` is no folder.
    if before.iter().any(|unit| unit.is_content() && !noun(unit)) {
        return None;
    }
    let mut words = before.iter().filter(|unit| unit.what == What::Word && !noun(unit));
    let word = words.next().filter(|unit| unit.text.chars().all(|c| c.is_ascii_alphabetic() || c == '-'))?.lower();
    let pronoun = matches!(&*word, "we" | "you" | "agents" | "it" | "they" | "this" | "always" | "all" | "any");
    (words.next().is_none() && !pronoun && before.len() < 5).then(|| Place::Files {
        globs: vec![format!("**/{word}/**"), format!("**/{word}-*/**")],
        label: format!("{word}/"),
        outside: false,
    })
}

/// Whether a clause says that something must be in a folder: `tests must be in tests/`.
fn is_put(clause: &Clause<'_, '_>) -> bool {
    clause.has(Cue::Must)
        && clause.units.windows(3).any(|three| {
            matches!(three, [be, into, folder]
                if be.text.ends_with("be") && into.is(Cue::In) && folder.literal && folder.text.contains('/'))
        })
}

/// What a clause says is done.
fn done(clause: &Clause<'_, '_>, lexicon: &Lexicon) -> Option<Cue> {
    let units = clause.units.iter().enumerate().filter(|(at, _)| !is_object(clause, *at)).map(|(_, unit)| unit);
    let verbs = units.flat_map(|unit| VERBS.into_iter().filter(|cue| unit.is(*cue)));
    // `use` says least about what is done, and who adds to a file edits it: any other verb beside them wins, but not one
    // that says what for (`use X to run Y`).
    let purpose = clause.units.windows(2).find_map(|two| match two {
        [to, verb] if to.is(Cue::To) => VERBS.into_iter().find(|cue| verb.is(*cue)),
        _ => None,
    });
    let verbs = verbs.filter(|cue| Some(*cue) != purpose || !clause.has(Cue::Use));
    let own = verbs.min_by_key(|cue| match cue {
        Cue::Use => 2,
        Cue::Create => 1,
        _ => 0,
    });
    let path = |unit: &Unit<'_, '_>| matches!(unit.what, What::Literal(_)) && lexicon.is_path(unit.text);
    own.or_else(|| {
        let said = || clause.units.iter().filter(|unit| !unit.is_filler());
        let follows = |unit: &Unit<'_, '_>| matches!(unit.text, "follow" | "following");
        said().zip(said().skip(1)).any(|(unit, next)| follows(unit) && path(next)).then_some(Cue::Read)
    })
}

/// Whether a clause that forbids says what must come together for that, so that the things as such are fine.
pub(super) fn narrows(clause: &Clause<'_, '_>, things: &[Thing]) -> bool {
    let narrow = |unit: &Unit<'_, '_>| {
        matches!(
            &*unit.lower(),
            "too"
                | "concurrently"
                | "parallel"
                | "simultaneously"
                | "multiple"
                | "mix"
                | "mixing"
                | "combine"
                | "combining"
        )
    };
    let named = |unit: &Unit<'_, '_>| matches!(unit.text, "tools" | "commands" | "programs" | "packages" | "libraries");
    // `with file arguments` says which calls are meant as any other word does.
    let plain = |unit: &Unit<'_, '_>| match unit.what {
        What::Word => !named(unit),
        _ => unit.text == "file" || unit.text == "files",
    };
    let with = |two: &[Unit<'_, '_>]| matches!(two, [with, word] if with.text == "with" && plain(word));
    clause.units.iter().any(narrow)
        || clause.units.windows(2).any(with) && things.iter().all(|thing| thing.sort == Sort::Command)
}

/// Whether a verb stands as the noun that something else is done to: `lint your changes`.
fn is_object(clause: &Clause<'_, '_>, at: usize) -> bool {
    let noun = clause.units.get(at).is_some_and(|unit| matches!(unit.text, "changes" | "edits" | "modifications"));
    let before = clause.units.get(..at).unwrap_or_default();
    let call = clause.units.get(at).is_some_and(|unit| matches!(unit.text, "call" | "calls"));
    let commits = |unit: &Unit<'_, '_>| unit.text.starts_with("commit");
    let near = || before.iter().rev().take(4);
    let said_of = || before.first().is_some_and(Unit::is_content) || near().any(|unit| unit.is(Cue::Must));
    // `never commit lockfile changes`
    let committed = || before.first().is_some_and(|unit| unit.is(Cue::Never)) && before.iter().any(commits);
    noun && before.last().is_some_and(|unit| unit.is_filler() && said_of() || unit.is_content() && committed())
        || call && before.last().is_some_and(|unit| unit.literal)
}

/// What the unit before was.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that it was or was not")]
struct Behind {
    /// A word that means nothing here.
    word: bool,
    /// Written as in code.
    literal: bool,
    /// The name of a thing.
    thing: bool,
    /// A form of `be`.
    be: bool,
    /// Something that says what for.
    purpose: bool,
    /// Something that says that an example follows, or one of several examples.
    like: bool,
    /// A word for programs, so that those that follow are meant themselves.
    tools: bool,
    /// Something that says that a word follows: `the term "click"`.
    term: bool,
    /// Something that says that what follows is called.
    call: bool,
    /// Something that says where to, or a word behind it.
    into: bool,
    /// A dash.
    dash: bool,
    /// Something that says by what means.
    with: bool,
    /// A parenthesis that opens.
    open: bool,
    /// A word that says, behind such, that something else will do as well.
    or: bool,
    /// A word for branches.
    branch: bool,
    /// An article or another word that points to something known, or a word between that and what it points to.
    definite: bool,
}

impl Behind {
    /// What the unit is to the next one; `thing` is whether it named one, and `words` whether there were words already.
    fn of(unit: &Unit<'_, '_>, before: Self, thing: bool, words: bool) -> Self {
        // `direct imports` are imports, and `existing files` are told apart by what is done.
        let plain =
            || matches!(&*unit.lower(), "direct" | "raw" | "plain" | "existing" | "explicit" | "import" | "importing");
        let word = unit.what == What::Word && !unit.text.ends_with("ly") && !plain();
        // `never ignore failing tests` is not about running them.
        let word = word || before.word && unit.is(Cue::Fail);
        // `the project's` says no more than an article.
        let owner = unit.text.ends_with('s') && unit.text.contains(['\'', '’']);
        let goes_on = unit.literal || unit.what == What::Comma || unit.is_any(&[Cue::Or, Cue::And]);
        Self {
            word: unit.what == What::Literal(Form::Quote) || word && !owner,
            literal: unit.literal,
            thing,
            be: unit.text.ends_with("be") || matches!(unit.text, "is" | "are" | "was" | "were" | "been" | "gets"),
            purpose: unit.is(Cue::To) && !unit.is(Cue::Never) && words,
            like: unit.text == "like" && !before.tools || before.like && goes_on,
            tools: matches!(unit.text, "tools" | "commands" | "programs" | "utilities"),
            term: matches!(unit.text, "word" | "words" | "verb" | "verbs" | "term" | "terms"),
            call: matches!(unit.text, "call" | "calling" | "invoke" | "invoking"),
            open: unit.text == "(",
            or: before.open && unit.is(Cue::Or),
            branch: unit.is(Cue::Branch),
            definite: unit.is(Cue::Every)
                || matches!(&*unit.lower(), "the" | "this" | "that" | "these" | "our")
                || before.definite && (word || unit.is_content() || unit.is(Cue::Named)),
            with: matches!(unit.text, "with" | "via" | "using" | "by running"),
            dash: matches!(unit.text, "—" | "–" | "--"),
            into: matches!(unit.text, "into" | "onto") || before.into && (unit.what == What::Word || unit.is_filler()),
        }
    }
}
