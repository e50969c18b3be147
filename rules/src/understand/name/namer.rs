//! The walk through the units of a clause: what each is to the one before it, and which of them only say where.

use super::object::is_pattern;
use super::{Behind, Named, Place, Spelling, VERBS};
use crate::lexicon::{Cue, Entry, Kind, Of, Sense};
use crate::understand::clause::{Clause, Role};
use crate::understand::path::{globs, opened};
use crate::understand::thing::{Sort, Thing};
use crate::understand::token::Form;
use crate::understand::unit::{Unit, What};
use crate::{Lexicon, Predicate};

/// Names what the units of a clause are, one after the other.
#[expect(clippy::struct_excessive_bools, reason = "each is something that the clause has said so far, or has not")]
pub(super) struct Namer<'l, 'c> {
    pub(super) lexicon: &'l Lexicon,
    pub(super) languages: &'c [String],
    pub(super) role: Role,
    pub(super) negative: bool,
    pub(super) named: Named<'l>,
    pub(super) behind: Behind,
    /// Whether something joins the next thing to the last one.
    pub(super) joined: bool,
    /// How many things stood before the first parenthesis.
    pub(super) aside: Option<usize>,
    /// How many things stood before the clause said that it forbids.
    pub(super) before_stance: usize,
    /// Whether the clause begins with `only`, and how many things stood before it said what those alone may do.
    pub(super) alone: (bool, Option<usize>),
    /// Whether a colon stands before this unit.
    labelled: bool,
    /// Whether the clause speaks of phrases.
    pub(super) phrases: bool,
    /// Whether it speaks of what commands are joined by.
    pub(super) chains: bool,
    /// Whether it speaks of words.
    pub(super) words: bool,
    /// Whether it stands in parentheses.
    pub(super) inside: bool,
    /// Whether only too much of what follows is meant.
    pub(super) qualified: bool,
    /// Whether the clause says what something begins with, ends with or holds.
    pub(super) describes: bool,
    /// Whether what follows says only what an option is for.
    purposed: bool,
    /// Whether this unit only says more of the next one.
    part: bool,
    /// Whether what is forbidden is a mark that cannot be told by itself.
    pub(super) lost: bool,
    /// Whether a file is made or mended by means of a command that is named.
    pub(super) by_means: bool,
    /// What was named before the colon in front of what is forbidden.
    pub(super) labels: Vec<Thing>,
}

impl<'l, 'c> Namer<'l, 'c> {
    pub(super) fn of(
        clause: &Clause<'_, '_>,
        lexicon: &'l Lexicon,
        languages: &'c [String],
        verb: Option<Cue>,
        negative: bool,
    ) -> Self {
        const PHRASES: [&str; 12] = [
            "language",
            "superlatives",
            "exclamations",
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
        Self {
            lexicon,
            languages,
            role: clause.role,
            negative,
            named: Named { verb, ..Named::default() },
            behind: Behind::default(),
            joined: false,
            aside: None,
            before_stance: 0,
            alone: (clause.units.first().is_some_and(|unit| unit.text.eq_ignore_ascii_case("only")), None),
            labelled: false,
            phrases: clause.units.iter().any(|unit| PHRASES.contains(&unit.text)),
            chains: clause
                .units
                .iter()
                .any(|unit| matches!(unit.text, "commands" | "command" | "chain" | "chaining" | "shell")),
            words: clause.units.iter().any(|unit| matches!(unit.text, "words" | "word" | "terms" | "adjectives")),
            describes: TEXTS.into_iter().any(|cue| clause.has(cue)),
            inside: false,
            qualified: false,
            purposed: false,
            part: false,
            lost: false,
            by_means: false,
            labels: Vec::new(),
        }
    }
}

/// What is said of texts.
const TEXTS: [Cue; 3] = [Cue::StartsWith, Cue::EndsWith, Cue::Contains];

/// What says of something in code that only too much of it is meant.
const QUALIFIERS: [&str; 10] = [
    "nested",
    "multiple",
    "repeated",
    "chained",
    "deeply",
    "unnecessary",
    "excessive",
    "needless",
    "redundant",
    "long",
];

/// What a name in code may be the name of, and is then no text in a file.
const OTHERS: [&str; 12] = [
    "label",
    "labels",
    "team",
    "channel",
    "milestone",
    "role",
    "account",
    "environment",
    "profile",
    "workflow",
    "job",
    "dashboard",
];

impl Namer<'_, '_> {
    /// Takes in the next unit, with those behind it that belong to it, and says how many.
    pub(super) fn next(&mut self, units: &[Unit<'_, '_>]) -> usize {
        let Some(unit) = units.first() else { return 1 };
        let before = self.named.things.len();
        let count = self.step(units);
        if unit.text == "(" {
            self.aside = self.aside.or(Some(before));
        }
        self.qualified = QUALIFIERS.contains(&&*unit.lower());
        self.inside = unit.text == "(" || self.inside && unit.text != ")";
        let thing = self.named.things.len() > before;
        let commanded = self.named.things.get(before).is_some_and(|thing| thing.sort == Sort::Command);
        self.by_means |= self.behind.with && unit.literal && commanded && self.made_of_file(before);
        self.behind = Behind::of(unit, self.behind, thing, self.named.words > 0);
        self.behind.word |= std::mem::take(&mut self.part);
        // `--force to get around it`: what an option is for says nothing of where it is used.
        self.purposed |= unit.text == "to" && !self.named.flags.is_empty() && self.named.things.is_empty();
        // What stands in parentheses behind a thing says more of it, and nothing else.
        let told = self.inside && before > 0;
        self.named.words +=
            usize::from(unit.what == What::Word && !unit.text.ends_with("ly") && !self.purposed && !told);
        count
    }

    /// Takes in the kind of files that stands in front of what is said of it: `XML: two spaces`.
    fn kind_in_front(&mut self, units: &[Unit<'_, '_>]) -> bool {
        let [unit, next, ..] = units else { return false };
        let shouted = unit.what == What::Word && unit.text.chars().all(|c| c.is_ascii_uppercase());
        let label = matches!(next.text, ":" | "：" | "/") && self.named.things.is_empty() && self.named.words == 0;
        if !(shouted && label) {
            return false;
        }
        let ending = unit.lower();
        // `KEY: never …` speaks of no files.
        let kind =
            matches!(&*ending, "xml" | "html" | "css" | "scss" | "sql" | "json" | "yaml" | "toml" | "csv" | "svg");
        if !kind {
            return false;
        }
        let glob = format!("*.{ending}");
        if let Some(Place::Files { globs, .. }) = self.named.places.first_mut() {
            globs.push(glob);
        } else {
            let label = unit.text.to_owned();
            self.named.places.push(Place::Files { globs: vec![glob], label, outside: false });
        }
        true
    }

    /// Whether what was named so far is one file that is written out.
    fn made_of_file(&self, before: usize) -> bool {
        matches!(self.named.things.get(..before), Some([file]) if file.sort == Sort::File && file.literal)
    }

    fn step(&mut self, units: &[Unit<'_, '_>]) -> usize {
        let Some(unit) = units.first() else { return 1 };
        let where_ = self
            .branched(units)
            .or_else(|| self.whereabouts(units))
            .or_else(|| self.circumstance(units))
            .or_else(|| self.text(units));
        if let Some(count) = where_ {
            return count;
        }
        if unit.is(Cue::Named)
            && let Some(pattern) = units.iter().skip(1).take(4).find(|unit| is_pattern(unit))
        {
            self.named.pattern = Some(opened(pattern.text));
            return 1;
        }
        if let ([colon, pattern, ..], [files]) = (units, self.named.things.as_slice())
            && matches!(colon.text, ":" | "：")
            && self.named.words == 0
            && files.sort == Sort::File
            && !files.literal
            && pattern.literal
            && pattern.text.contains(['<', '{'])
            && is_pattern(pattern)
        {
            // `test files: {name}.test.ts`
            self.named.pattern = Some(opened(pattern.text));
            return 2;
        }
        if self.named.pattern.is_some() && is_pattern(unit) {
            return units.len();
        }
        if let [text, prefixed, ..] = units
            && text.literal
            && matches!(prefixed.text.trim_start_matches('-'), "prefixed" | "suffixed")
        {
            // `I-prefixed interfaces`
            let cue = if prefixed.text.ends_with("prefixed") { Cue::StartsWith } else { Cue::EndsWith };
            self.named.literal = Some((cue, vec![text.text.to_owned()]));
            return 2;
        }
        if self.kind_in_front(units) {
            return 1;
        }
        if let Some(count) = self.compound(units) {
            return count;
        }
        // `the required format` is no formatting, and `the other tabs` are no indentation.
        let other = self.behind.word || units.get(1).is_some_and(|next| next.text == "of");
        if !(other && matches!(&*unit.lower(), "format" | "formats" | "tabs" | "spaces")) {
            self.stand(unit);
            self.object(units);
        }
        1
    }

    /// Takes in what branches are made from: `branch off develop`, `create branches from main`.
    fn branched(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        const USUAL: [&str; 8] = ["main", "master", "develop", "development", "dev", "trunk", "staging", "next"];
        units.first().filter(|unit| matches!(unit.text, "from" | "off"))?;
        let branches = self.named.subject == Some(Of::Branch)
            || self.behind.branch
            || self.named.things.iter().any(|thing| thing.slug == "create-branch");
        let skip = units.iter().skip(1).take_while(|unit| unit.is_filler() || unit.text == "of").count() + 1;
        let name = units.get(skip).filter(|_| branches)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
        if !(USUAL.contains(&name.text) || name.literal && name.text.chars().all(plain)) {
            return None;
        }
        self.named.from = Some(name.text.trim_start_matches("origin/").to_owned());
        Some(skip + 1)
    }

    /// Whether what follows is what has a form: `PascalCase for component files` is about what they are called.
    fn is_formed(&self, unit: &Unit<'_, '_>) -> bool {
        unit.text == "for" && self.named.spelling.iter().any(|one| matches!(one, Spelling::Form(_)))
    }

    /// Takes in the place that some units name.
    fn whereabouts(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        let code = self.named.things.last().is_some_and(|thing| thing.sort == Sort::Code);
        if unit.text == "from"
            && self.behind.literal
            && (code || !matches!(self.named.verb, Some(Cue::Read | Cue::Run | Cue::Delete | Cue::Place)))
        {
            // `use read_all from src/io.rs` says where it comes from.
            return units.get(1).filter(|next| next.literal).map(|_| 2);
        }
        // `for client/server pairs` is about no path.
        let requests = || self.named.things.last().is_some_and(|thing| thing.slug == "pull-request");
        let against = unit.text == "against" && requests();
        let pair = unit.text == "for" && units.get(1).is_some_and(|next| next.what == What::Literal(Form::Path));
        if !(against || unit.is_any(&[Cue::In, Cue::To, Cue::Outside])) || pair || self.is_formed(unit) {
            return None;
        }
        let (mut place, mut count) = self.place(units.get(1..).unwrap_or_default(), unit.is(Cue::Outside))?;
        while let Place::Files { globs: known, label, .. } = &mut place
            && let Some((more, path)) = other_path(units.get(count + 1..).unwrap_or_default(), self.lexicon)
            && (label.contains('/') && path.contains('/') || label.starts_with('.') && path.starts_with('.'))
        {
            known.extend(globs(path));
            count += more;
        }
        while let Place::Files { globs: known, label, .. } = &mut place
            && let Some((more, language)) = self.other_language(units.get(count + 1..).unwrap_or_default())
            && !label.contains(['/', '.'])
        {
            known.extend(language);
            count += more;
        }
        while let Place::Branches(known) = &mut place
            && let [join, branch, ..] = units.get(count + 1..).unwrap_or_default()
            && join.is_any(&[Cue::Or, Cue::And])
            && (branch.literal || matches!(branch.text, "main" | "master" | "develop" | "trunk"))
            && !branch.text.contains([' ', '.'])
        {
            known.push(branch.text.to_owned());
            count += 2;
        }
        // What is done in a place to something unknown is not about the place.
        self.named.elsewhere |= unit.is_any(&[Cue::In, Cue::To]) && self.named.words > 0;
        // Nor is it about what lies there: `no rST in Python docstrings`.
        let unknown = self.negative && self.named.words > 0 && self.named.things.is_empty();
        let bare = matches!(&place, Place::Files { label, .. } if !label.contains(['/', '.']));
        if unknown && bare && units.get(count + 1).is_some_and(|next| self.is_noun(next)) {
            count += 1;
        }
        self.named.places.push(place);
        if bare {
            count += self.rest_of_places(units.get(count + 1..).unwrap_or_default());
        }
        Some(count + 1)
    }

    /// How many units say where else something is forbidden of which nothing is known: `no internal details in docs, PR titles
    /// or code comments`.
    fn rest_of_places(&mut self, units: &[Unit<'_, '_>]) -> usize {
        let known = !self.named.things.is_empty() || !self.named.properties.is_empty();
        if !self.negative || known || self.named.words == 0 && self.named.quotes.is_empty() {
            return 0;
        }
        let noun = |sense: &Sense| matches!(sense, Sense::Entry(_) | Sense::Property(_) | Sense::Subject(..));
        let place = |unit: &&Unit<'_, '_>| {
            let told = unit.literal || unit.is_any(&VERBS) || unit.is_any(&[Cue::Never, Cue::Always, Cue::Must]);
            !told && (is_joint(unit) || unit.what == What::Word || unit.senses().iter().any(noun))
        };
        let places: Vec<_> = units.iter().take_while(place).collect();
        for unit in &places {
            self.said_in(unit);
        }
        places.len()
    }

    /// The files of the next of several languages that are joined, and how many units it takes.
    fn other_language(&self, units: &[Unit<'_, '_>]) -> Option<(usize, Vec<String>)> {
        let [join, next, ..] = units else { return None };
        let language = next.senses().iter().find_map(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).filter(|entry| entry.kind == Kind::Language),
            _ => None,
        })?;
        let Predicate::File(test) = &language.predicate else { return None };
        (join.text == "/" || join.is_any(&[Cue::And, Cue::Or])).then(|| (2, test.path.clone()))
    }

    /// Passes over what stands behind `in` or `for` and is no place: a circumstance, not what the rule is about.
    fn circumstance(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        if matches!(unit.text, "against" | "by") && units.get(1).is_some_and(|next| next.literal) && !self.behind.thing
        {
            // `generated by gen.py, do not edit`: who made it is not what is left alone.
            return (unit.text == "against" || self.negative).then_some(2);
        }
        let unknown = self.named.words > 0 || !self.named.quotes.is_empty();
        let said = !self.named.things.is_empty() || self.named.verb.is_some() || self.negative && unknown;
        // `use the release skill for releases`: what for is when.
        let skill = self.named.things.last().is_some_and(|thing| thing.slug.ends_with("-skill"));
        if !unit.is(Cue::In) || !said || skill || self.is_formed(unit) {
            return None;
        }
        let skip = units.iter().skip(1).take_while(|unit| unit.is_filler()).count() + 1;
        let Some(behind) = units.get(skip) else { return Some(1) };
        self.said_in(behind);
        if self.negative && self.named.things.iter().all(|thing| thing.literal && thing.sort == Sort::Code) {
            // `no "simply" in comments`
            self.said_of_code(behind);
        }
        let inside = matches!(unit.text, "within" | "inside") && !self.lexicon.is_path(behind.text);
        let object = self.negative && (inside || !self.named.things.is_empty()) && behind.what != What::Command;
        // `turn off a rule in a-plugin`: what is done there is not known.
        // Nor is it forbidden where something unknown is kept there: `no passwords in localStorage`.
        let unknown = usize::from(self.named.verb.is_none());
        let vague = self.negative && self.named.words > unknown && unit.text == "in";
        let passed = if behind.literal { object || vague || inside } else { self.is_noun(behind) };
        if !passed {
            return Some(1);
        }
        let mut count = skip + 1;
        if !behind.literal {
            count += self.rest_of_places(units.get(count..).unwrap_or_default());
        }
        // What is joined to it is a circumstance, too: `in commits or PRs`, `in Python docstrings`.
        while units.get(count).is_some_and(|next| !next.is_any(&VERBS) && self.is_noun(next)) {
            count += 1;
        }
        while let [join, next, ..] = units.get(count..).unwrap_or_default() {
            let noun = |sense: &Sense| is_entry(sense) || matches!(sense, Sense::Subject(..));
            // `no SQL in .joins(), .where()`: both are where it is.
            let alike = behind.literal && next.literal;
            let named = alike || next.what == What::Word || next.senses().iter().any(noun);
            if !is_joint(join) || next.literal && !alike || next.is_any(&VERBS) || !named {
                break;
            }
            self.said_in(next);
            count += 2;
        }
        Some(count)
    }

    /// Whether a unit names something of which it can be said where it is.
    fn is_noun(&self, unit: &Unit<'_, '_>) -> bool {
        let noun = |sense: &Sense| is_entry(sense) || self.negative && matches!(sense, Sense::Property(_));
        !unit.literal && unit.senses().iter().any(noun)
    }

    /// Takes in what something begins with, ends with or holds.
    fn text(&mut self, units: &[Unit<'_, '_>]) -> Option<usize> {
        let unit = units.first()?;
        // `reference pages` refer to nothing.
        let noun = unit.text == "reference" && units.get(1).is_some_and(|next| next.what == What::Word);
        let cue = TEXTS.into_iter().find(|cue| unit.is(*cue)).filter(|_| !noun)?;
        let (texts, count) = super::keep::literals(units)?;
        // `after a change, finish with make lint`: what is run ends no text.
        let program =
            |text: &String| self.lexicon.is_program(text.split(' ').next().unwrap_or(text)) || text.starts_with("./");
        if unit.is(Cue::Run) && texts.iter().all(program) {
            return None;
        }
        // `include a header (copy it from any .py file)`: no text holds the ending of a file.
        let ending = |text: &String| text.strip_prefix('.').is_some_and(|ending| self.lexicon.is_extension(ending));
        if cue == Cue::Contains && texts.iter().all(ending) {
            return None;
        }
        // What stands between is what it is said of: `prefix commit messages with …`.
        for between in units.iter().skip(1).take(count.saturating_sub(1)).take_while(|unit| !unit.literal) {
            self.said_in(between);
            self.said_of_code(between);
        }
        if texts.iter().all(|text| text.starts_with('-')) {
            self.named.flags.extend(texts);
        } else {
            self.named.literal = Some((cue, texts));
        }
        Some(count)
    }

    /// Notes where the clause says how it is meant, and drops what was named before that only leads there.
    fn stand(&mut self, unit: &Unit<'_, '_>) {
        if unit.is(Cue::Never) {
            if self.negative && self.labelled {
                // What stands before a colon is what the rest is about, not what is forbidden.
                self.labels = std::mem::take(&mut self.named.things);
            }
            self.before_stance = self.named.things.len();
        }
        if self.alone.0 && matches!(unit.text, "may" | "can" | "should" | "must" | "is allowed to") {
            self.alone.1 = self.alone.1.or(Some(self.named.things.len()));
        }
        self.labelled = matches!(unit.text, ":" | "|") || self.labelled && unit.what == What::Mark;
        let runs = unit.is(Cue::Run) && self.role == Role::Main && self.named.verb == Some(Cue::Run);
        let written = |thing: &Thing| thing.sort == Sort::Command && thing.literal;
        let apart = self.behind.dash || self.named.things.iter().all(written);
        if runs && !self.negative && !self.joined && !self.behind.be && apart {
            // `enforced by X — run Y`: what was named before is not what is run.
            self.named.things.clear();
        }
    }

    /// Takes in what one unit names, unless the words around it limit it.
    fn object(&mut self, units: &[Unit<'_, '_>]) {
        let Some(unit) = units.first() else { return };
        if self.is_for_some(units) {
            self.named.words += 1;
            return;
        }
        let before = self.named.things.len();
        // `private methods` are not all methods.
        if !self.behind.word || !unit.code.iter().any(|sense| matches!(sense, Sense::Site(_))) {
            self.said_of_code(unit);
        }
        self.take(unit);
        // `squash commits` is not to commit.
        let noun = |thing: &Thing| matches!(&*thing.slug, "commit" | "pull-request") && unit.text.ends_with('s');
        // Nor are the commits in `no secrets in code or commits`, which are where those are.
        let kept = self.negative && self.named.things.first().is_some_and(|thing| thing.sort == Sort::Code);
        let other =
            (self.behind.word || kept) && self.named.verb.is_none() && self.named.things.get(before).is_some_and(noun);
        let done_to = self.negative && self.behind.be && self.named.words > 0 && unit.literal;
        let left_out = self.negative || self.role == Role::Instead;
        if other || done_to || left_out && self.is_limited(units) {
            let told = |thing: &Thing| thing.sort != Sort::Command;
            self.named.words += usize::from(self.negative && self.named.things.get(before).is_some_and(told));
            self.named.things.truncate(before);
        }
        if self.behind.or
            && let [.., one, other] = self.named.things.as_mut_slice()
            && [&*one, &*other].iter().all(|thing| thing.sort == Sort::Command)
        {
            // `make test (or make test-unit)`: either will do.
            one.predicate = Predicate::Any(vec![one.predicate.clone(), other.predicate.clone()]);
            one.label = format!("{} or `{}`", one.label, unit.text);
            self.named.things.pop();
            return;
        }
        let adjacent = unit.literal && self.behind.literal;
        if let Some(thing) = self.named.things.get_mut(before) {
            thing.literal = unit.literal;
            if unit.literal && thing.says.is_none() && !thing.label.contains('`') {
                thing.label = format!("`{}`", unit.text);
            }
            thing.joined = std::mem::take(&mut self.joined) || adjacent;
            if self.behind.thing {
                self.join_language();
            }
        }
        self.joined |= unit.text == "/" || unit.is(Cue::Then) || is_joint(unit);
        let listed = self.named.things.len() > self.aside.unwrap_or_default();
        self.named.either |= unit.is(Cue::Or) && listed;
    }

    /// Whether a way to lay out answers is asked for where something else is shown: `use tables for comparisons`.
    fn is_for_some(&self, units: &[Unit<'_, '_>]) -> bool {
        let [unit, purpose, of, ..] = units else { return false };
        let layout = |sense: &Sense| match sense {
            Sense::Property(at) => self.lexicon.property(*at).is_some_and(|property| {
                property.of.first() == Some(&Of::Reply)
                    && matches!(&*property.name, "table" | "bullet-points" | "headings")
            }),
            _ => false,
        };
        purpose.text == "for" && of.what == What::Word && unit.senses().iter().any(layout)
    }

    /// Whether the words around a unit say which of its kind are meant, so that the kind as such is not: `large PRs`,
    /// `TODO assignees`, `comments that …`. What is written as in code, and a program, is meant by itself.
    fn is_limited(&mut self, units: &[Unit<'_, '_>]) -> bool {
        let Some(unit) = units.first() else { return false };
        if unit.literal {
            return self.is_literal_limited(units);
        }
        let kind = |kind: Kind| {
            let of = |sense: &Sense| matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(|entry| entry.kind == kind));
            unit.senses().iter().any(of)
        };
        let program = unit.text.split(' ').next().unwrap_or_default();
        let written = unit.text.contains(' ') && self.lexicon.entry_named(program, Kind::Tool).is_some();
        if kind(Kind::Tool) && self.is_part_of_name(units) {
            self.part = true;
            return true;
        }
        if written
            || kind(Kind::Tool)
            || ![Kind::Action, Kind::Files, Kind::Language, Kind::Construct].into_iter().any(kind)
        {
            return false;
        }
        let next = units.get(1);
        let commits = unit.senses().iter().any(|sense| {
            matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(|entry| entry.name == "commit"))
        });
        let listed = || units.iter().skip_while(|unit| unit.text != ":").skip(1).take(2).any(|unit| unit.literal);
        if commits && (next.is_some_and(|next| self.is_any_file(next)) || listed()) {
            // What follows says which files are meant.
            return false;
        }
        let acts = kind(Kind::Action) && !unit.is_any(&VERBS) && !commits;
        if acts && next.is_some_and(|next| self.is_object(next)) {
            return true;
        }
        // `push to the upstream repo` is not just any push.
        let behind = || units.iter().skip(2).filter(|unit| !unit.is_filler());
        let to = kind(Kind::Action) && next.is_some_and(|next| next.is(Cue::To))
            || kind(Kind::Files) && next.is_some_and(|next| matches!(next.text, "to" | "into" | "onto"))
            || kind(Kind::Files) && self.negative && next.is_some_and(|next| next.text == "for");
        let known = |unit: &Unit<'_, '_>| {
            unit.literal
                || matches!(
                    unit.text,
                    "upstream" | "origin" | "main" | "master" | "develop" | "trunk" | "production" | "prod"
                )
        };
        if to
            && behind().next().is_some_and(|unit| unit.what == What::Word && !known(unit))
            && !behind().nth(1).is_some_and(|unit| unit.is(Cue::Branch))
        {
            return true;
        }
        let allowed = |unit: &Unit<'_, '_>| {
            matches!(unit.text, "allowed" | "permitted" | "whatsoever" | "ever" | "period" | "either" | "等")
        };
        let word = |unit: Option<&Unit<'_, '_>>| unit.is_some_and(|unit| unit.what == What::Word && !allowed(unit));
        let at_all = matches!(units.get(1..3), Some([at, all]) if at.text == "at" && all.text == "all");
        let next = next.filter(|_| !at_all);
        let that = |unit: &Unit<'_, '_>| matches!(unit.text, "that" | "which" | "who");
        let relative = next.is_some_and(that)
            || units.windows(2).any(|two| matches!(two, [first, second] if that(first) && second.what == What::Word))
            || kind(Kind::Action) && self.behind.purpose;
        let own = units.iter().skip(1).find(|unit| !unit.is_filler()).filter(|_| commits);
        self.behind.word || word(next) || word(own) || relative
    }

    /// Whether the words around what is written as in code say that it as such is not meant.
    fn is_literal_limited(&self, units: &[Unit<'_, '_>]) -> bool {
        let Some(unit) = units.first() else { return false };
        if units.get(1).is_some_and(|next| {
            let sort = matches!(next.text, "prefixed" | "suffixed" | "style" | "based" | "like");
            sort || next.text == "as" && units.len() > 2 || OTHERS.contains(&next.text)
        }) {
            // `Test` prefixed classes are something else than `Test`, the `approved` label is no code, and `index` as a
            // key is not any `index`.
            return true;
        }
        // `nested if let` is not any `if let`, nor is `String` in function arguments any `String`.
        if self.qualified {
            return true;
        }
        let somewhere =
            |unit: &Unit<'_, '_>| unit.what == What::Word && !matches!(&*unit.lower(), "favor" | "favour" | "code");
        if self.role == Role::Instead
            && matches!(units.get(1..3), Some([within, place]) if within.text == "in" && somewhere(place))
        {
            return true;
        }
        // `an accepted .svg file` is not any such file.
        self.behind.word && unit.text.starts_with('.') && self.lexicon.is_extension(unit.text.trim_start_matches('.'))
    }

    /// Whether the name of a program only says more of something else: `git dependencies`, `destructive git commands`, `into
    /// system Python`.
    fn is_part_of_name(&self, units: &[Unit<'_, '_>]) -> bool {
        let Some(next) = units.get(1) else { return self.behind.word && self.behind.into };
        let calls = matches!(next.text, "command" | "commands" | "operation" | "operations");
        let kept =
            next.text.ends_with("ing") || matches!(next.text, "for" | "cli" | "CLI" | "here" | "directly" | "itself");
        let noun = next.what == What::Word && !kept
            || next.senses().iter().any(|sense| matches!(sense, Sense::Entry(at) if self.lexicon.entry(*at).is_some_and(|entry| entry.kind == Kind::Files)));
        (calls || self.behind.into) && self.behind.word || noun && next.text.ends_with('s') && !calls
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

    /// Whether two units name a folder: `src folder`, but not `the same folder`, `package directories` or `use the log package`.
    pub(super) fn is_folder_of(&self, unit: &Unit<'_, '_>, next: &Unit<'_, '_>) -> bool {
        const OTHER: [&str; 20] = [
            "same",
            "current",
            "working",
            "root",
            "parent",
            "home",
            "other",
            "another",
            "new",
            "existing",
            "separate",
            "own",
            "whole",
            "entire",
            "different",
            "temporary",
            "temp",
            "target",
            "project",
            "module",
        ];
        let package = next.text.starts_with("package");
        // `duplicate folders` are of a kind, and go by no name.
        let several = !unit.literal && matches!(next.text, "folders" | "directories" | "subfolders" | "subdirectories");
        next.is(Cue::Folder)
            && !several
            && !unit.is(Cue::Folder)
            && (unit.literal || !package && !OTHER.contains(&unit.text))
            && !(package && self.named.verb == Some(Cue::Use))
    }

    /// Whether a unit names files without saying which.
    pub(super) fn is_any_file(&self, unit: &Unit<'_, '_>) -> bool {
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
        if let Some(stem) = files.holds.path().and_then(|path| path.rsplit_once('.')).map(|(stem, _)| stem.to_owned()) {
            files.holds = files.holds.at(&format!("{stem}{}", glob.trim_start_matches('*')));
        }
        files.slug = format!("{name}-{}", files.slug);
        files.label = format!("{} {}", language.label, files.label.trim_start_matches("the "));
        let at = self.named.things.len() - 2;
        self.named.things.remove(at);
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
                && (stands_alone || next.is_some_and(|next| matches!(next.text, "repo" | "repository" | "remote")))
                && self.named.things.last().is_some_and(|thing| matches!(&*thing.slug, "push" | "force-push"));
        if next.is_some_and(|next| next.is(Cue::Branch))
            || (matches!(unit.text, "main" | "master" | "develop" | "trunk") && stands_alone)
            || pushed
        {
            let width = 1 + usize::from(next.is_some_and(|next| next.is(Cue::Branch)));
            return Some((Place::Branches(vec![unit.text.to_owned()]), skip + width));
        }
        if next.is_some_and(|next| self.is_folder_of(unit, next))
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
            let of_files = next.is_some_and(|next| self.is_any_file(next));
            return Some((files(globs(unit.text), unit.text), skip + 1 + usize::from(of_files)));
        }
        let known = unit.senses().iter().find_map(|sense| match sense {
            Sense::Entry(at) => self.lexicon.entry(*at).and_then(|entry| match (entry.kind, &entry.predicate) {
                (Kind::Host, _) => Some((Place::Host(entry.name.clone()), skip + 1)),
                (Kind::Files | Kind::Language, Predicate::File(test)) if entry.name != "files" => {
                    Some((files(test.path.clone(), unit.text), skip + 1))
                }
                _ => None,
            }),
            _ => None,
        });
        // `in JSON` is in files that end so.
        let ending = unit.lower();
        let shouted = !unit.literal && unit.text.len() > 2 && unit.text.chars().all(|c| c.is_ascii_uppercase());
        let written = || {
            (shouted && self.lexicon.is_extension(&ending))
                .then(|| (files(vec![format!("*.{ending}")], unit.text), skip + 1))
        };
        known.or_else(written)
    }
}

/// Whether a unit joins two others.
fn is_joint(unit: &Unit<'_, '_>) -> bool {
    unit.what == What::Comma && !matches!(unit.text, "—" | "–" | "--") || unit.is_any(&[Cue::And, Cue::Or])
}

/// The next of several paths that are joined, and how many units it takes.
fn other_path<'a>(units: &[Unit<'a, '_>], lexicon: &Lexicon) -> Option<(usize, &'a str)> {
    let joins = |unit: &&Unit<'_, '_>| unit.what == What::Comma || unit.is_any(&[Cue::Or, Cue::And]);
    let skip = units.iter().take_while(joins).count();
    let path = units.get(skip).filter(|unit| skip > 0 && skip < 3 && unit.literal)?;
    let ending = path.text.strip_prefix('.').is_some_and(|ending| lexicon.is_extension(ending));
    let known =
        matches!(path.what, What::Literal(_)) && lexicon.is_path(path.text) && (path.text.contains('/') || ending);
    known.then_some((skip + 1, path.text))
}

fn is_entry(sense: &Sense) -> bool {
    matches!(sense, Sense::Entry(_))
}
