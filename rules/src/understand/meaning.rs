//! What a statement means: how it is meant (never, always, use), what it is about, and what its clauses are about.

use super::around::Forbidden;
use super::clause::{Clause, Role, Statement};
use super::limit::{acts_unknown, does_unknown, is_limited, is_partial, is_purpose, settled};
use super::name::{Named, Place, name, narrows};
use super::operand::operands;
use super::thing::{Sort, Thing, command_thing, file_thing, text_thing, word_thing};
use super::unit::{Unit, What};
use crate::lexicon::{Cue, Sense};
use crate::{Lexicon, Predicate};

/// How a statement is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    /// It is not to happen.
    Never,
    /// It is to happen.
    Must,
    /// One thing is to be used, perhaps instead of another.
    Use,
    /// It is to happen at most so often.
    AtMost,
    /// Nothing but the words says how.
    Plain,
}

/// A statement, named.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one cue that was or was not there")]
pub(super) struct Meaning<'l> {
    pub stance: Stance,
    pub main: Named<'l>,
    // Mostly there is none of these.
    pub before: Option<Box<Named<'l>>>,
    pub after: Option<Box<Named<'l>>>,
    pub unless: Option<Box<Named<'l>>>,
    pub outside: Option<Box<Named<'l>>>,
    pub until: Option<Box<Named<'l>>>,
    pub between: Option<Box<(Named<'l>, Named<'l>)>>,
    /// What is not to be used, where the main clause says what is.
    pub rejected: Vec<Thing>,
    /// What is to be used, where the main clause says what is not.
    pub instead: Vec<Thing>,
    /// What programs are to be run through, and those that are not to be run without.
    pub through: Option<Box<(Thing, Vec<Thing>)>>,
    /// What the main clause says is to be used, where the lexicon does not know it.
    pub unknown: Option<String>,
    /// The file whose open items keep the turn from ending.
    pub open_items: Option<String>,
    pub count: Option<u32>,
    /// What it forbids to what it names is not known: `controllers must not call repositories`.
    pub does_unknown: bool,
    /// What it forbids to do is not known: `do not pipe X through Y`.
    pub acts_unknown: bool,
    /// It speaks of reports, which are documents.
    pub reports: bool,
    /// How many there are to be of something at least.
    pub at_least: Option<u32>,
    pub permission: bool,
    /// A clause limits the statement in a way that cannot be told: no check may go without it.
    pub unclear: bool,
    pub failing: bool,
    pub forgotten: bool,
    pub always: bool,
    pub new: bool,
    /// Whether what it says of no text in particular can be meant of answers.
    pub replies: bool,
    /// It says that something is kept up to date.
    pub updates: bool,
    /// What is excepted is that something passes: `never commit unless the tests pass`.
    pub passes: bool,
    /// It says that what it names passes.
    pub passed: bool,
    /// It says what is aimed at.
    pub targets: bool,
    /// It says where something belongs, and not only where it is.
    pub belongs: bool,
    /// It says that something is called, as code is.
    pub calls: bool,
    /// It speaks of a comment above something.
    pub explained: bool,
    /// It says that something is returned.
    pub returns: bool,
    /// It says that something is defined, and not that it is called.
    pub defines: bool,
    /// It says that something is written, and not that what is there is edited.
    pub writes: bool,
    /// It names something in place of something else.
    pub rejects: bool,
    /// It says when, and not after what.
    pub when: bool,
    /// Options that are not to be used.
    pub without: Vec<String>,
    /// When it says to ask, in its own words.
    pub asked: Option<String>,
    /// It says that something is run in the root of the repository, or in no folder below it.
    pub rooted: bool,
    /// It says that something is run with a timeout, or not without one.
    pub timed_out: bool,
    /// The programs that output is piped into, or none where it says only that it is piped.
    pub piped: Option<Vec<String>>,
    /// The scopes of commits that it lists.
    pub scopes: Vec<String>,
    /// It speaks of words and phrases.
    pub wording: bool,
    /// It speaks of a title.
    pub titled: bool,
    /// It says that files are changed together.
    pub together: bool,
    /// It says that something is entered in a file.
    pub entry: bool,
    pub every: bool,
    pub limits: bool,
    /// It says that something is run so that all is in order.
    pub assures: bool,
    pub only: bool,
    /// Several things are to be done in the order in which they are named.
    pub ordered: bool,
    /// What is named follows how it is meant (`always commit`), and is not its subject (`commits must …`).
    pub leads: bool,
    /// Whether it is done first.
    pub first: bool,
    pub per_turn: bool,
    pub per_session: bool,
}

impl Meaning<'_> {
    /// Whether it says that a command is run that is written out, and nothing of when.
    pub(super) fn runs_written(&self) -> bool {
        let written = |thing: &Thing| thing.literal && thing.sort == Sort::Command;
        self.main.verb == Some(Cue::Run) && self.after.is_none() && self.main.things.iter().all(written)
    }

    /// Whether it says of files of a kind where they are, and nothing else: `unit tests in spec/units/`.
    pub(super) fn is_placed(&self) -> bool {
        let main = &self.main;
        let kind =
            |thing: &Thing| thing.sort == Sort::File && !thing.literal && !matches!(&*thing.slug, "files" | "code");
        let written =
            |place: &Place| matches!(place, Place::Files { label, outside: false, .. } if label.contains('/'));
        let timeless = self.before.is_none() && self.after.is_none() && self.unless.is_none();
        self.stance == Stance::Plain
            && (matches!(main.verb, None | Some(Cue::Create))
                || main.verb == Some(Cue::Place) && self.belongs
                || main.verb == Some(Cue::Edit) && self.writes)
            && main.words == 0
            && timeless
            && matches!(main.things.as_slice(), [thing] if kind(thing))
            && matches!(main.places.as_slice(), [place] if written(place))
    }
}

/// Names everything in a statement.
///
/// Under a heading that forbids (`Never do`), what is told to be done is forbidden.
pub(super) fn mean<'l>(
    statement: &Statement<'_, '_>,
    lexicon: &'l Lexicon,
    languages: &[String],
    forbidden: Forbidden,
) -> Meaning<'l> {
    let named = |role, verb| statement.clause(role).map(|it| Box::new(name(it, lexicon, languages, verb, false)));
    let empty = Clause::of(Role::Main, Vec::new());
    let clause = statement.clause(Role::Main).unwrap_or(&empty);
    let (mut main, stance, negative) = told(statement, clause, lexicon, languages, forbidden);
    let stance = confined(clause, &mut main, stance);
    let about = |role: Role, verb| {
        let mut named = named(role, verb)?;
        complete(&mut named, statement.clause(role), lexicon);
        Some(named)
    };
    let verb = main.verb;
    // Beside a command, what is named before or after it without a verb is run, too.
    let runs = (main.things.first().is_some_and(|thing| thing.sort == Sort::Command)).then_some(Cue::Run);
    let after = time(statement);
    let (rejected, without) = rejected(statement.clause(Role::Instead), named(Role::Instead, verb), &mut main);
    let has = |cue| statement.has(cue);
    let mut unclear = is_limited(statement, &main, &rejected, stance, lexicon, languages);
    unclear |= stance == Stance::Never && is_partial(clause, &main);
    // What only hands over to another program is seen by that program.
    unclear |= prefixed(clause).is_some_and(|runner| runner.text.ends_with("--"));
    let open_items = open_items(statement, lexicon);
    let passes = statement.clause(Role::Unless).is_some_and(passes);
    let mut afterwards = about(after, runs);
    if let Some(text) = afterwards.as_ref().filter(|when| when.is_text() && main.subjects.is_empty()) {
        // `when writing a commit message, …` says which text is meant.
        main.subjects.clone_from(&text.subjects);
        main.subject = main.subjects.first().map(|(of, _)| *of);
    }
    if stance == Stance::Never && after == Role::When && !has(Cue::Fail) && open_items.is_none() {
        unclear |= !settled(&mut main, afterwards.take());
    }
    Meaning {
        unclear,
        before: about(Role::Before, runs),
        after: afterwards,
        unless: named(Role::Unless, Some(if passes { Cue::Run } else { Cue::Edit })),
        outside: named(Role::Outside, Some(Cue::Edit)),
        until: named(Role::Until, runs),
        between: statement.clause(Role::Between).and_then(|clause| between(clause, lexicon, languages)).map(Box::new),
        unknown: (!rejected.is_empty()).then(|| unknown(clause)).and_then(|words| match words.as_slice() {
            [word] => Some((*word).to_owned()),
            _ => None,
        }),
        rejected,
        through: through(clause, lexicon, languages).filter(|_| !negative).map(Box::new),
        open_items,
        passes,
        when: after == Role::When,
        without,
        asked: (verb == Some(Cue::Ask)).then(|| act_of(statement)).flatten(),
        together: clause.has(Cue::Together) && !negative,
        ..cued(statement, clause, main, stance)
    }
}

/// The plain words of a clause that say more of what it means than a cue does; they are read once.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one word that was or was not there")]
struct Said {
    target: bool,
    place: bool,
    call: bool,
    comment: bool,
    above: bool,
    result: bool,
    definition: bool,
    write: bool,
    word: bool,
    title: bool,
    header: bool,
    first: bool,
}

impl Said {
    fn in_clause(clause: &Clause<'_, '_>) -> Self {
        let mut said = Self::default();
        for unit in &clause.units {
            match &*unit.lower() {
                "target" | "targets" | "targeting" | "base" | "against" => said.target = true,
                "belong" | "belongs" | "go" | "goes" => said.place = true,
                "call" | "calling" | "invoke" | "invoking" => said.call = true,
                "comment" | "comments" => said.comment = true,
                "above" | "before" | "preceding" | "preceded" => said.above = true,
                "return" | "returns" => said.result = true,
                "implement" | "implementing" | "define" | "defining" | "declare" | "override" | "overriding" => {
                    said.definition = true;
                }
                "write" => said.write = true,
                "word" | "words" | "phrase" | "phrases" | "term" | "terms" | "filler" | "language" | "wording" => {
                    said.word = true;
                }
                "title" | "titles" | "subject" => said.title = true,
                "header" | "headline" => said.header = true,
                "first" => said.first = true,
                other => said.result |= other.starts_with("返回"),
            }
        }
        said
    }
}

/// What the cues of a statement say, and nothing of its clauses but the main one.
fn cued<'l>(statement: &Statement<'_, '_>, clause: &Clause<'_, '_>, main: Named<'l>, stance: Stance) -> Meaning<'l> {
    let has = |cue| statement.has(cue);
    let said = Said::in_clause(clause);
    Meaning {
        stance,
        before: None,
        after: None,
        unless: None,
        outside: None,
        until: None,
        between: None,
        rejected: Vec::new(),
        instead: Vec::new(),
        through: None,
        unknown: None,
        open_items: None,
        unclear: false,
        without: Vec::new(),
        asked: None,
        together: false,
        when: false,
        passes: false,
        count: main.measures.first().map(|(count, _)| *count),
        does_unknown: does_unknown(clause),
        acts_unknown: acts_unknown(clause),
        reports: reports(clause),
        at_least: main.measures.first().map(|(count, _)| *count).filter(|_| clause.has(Cue::AtLeast)),
        permission: has(Cue::Permission),
        failing: has(Cue::Fail),
        forgotten: has(Cue::Forgot),
        always: has(Cue::Always),
        new: has(Cue::New),
        replies: true,
        updates: updates(statement),
        passed: clause.has(Cue::Pass),
        targets: said.target,
        belongs: said.place,
        calls: said.call || speaks_of_calls(clause),
        explained: said.comment && said.above,
        returns: said.result,
        defines: said.definition,
        writes: said.write,
        rejects: statement.clause(Role::Instead).is_some() && !is_purpose(clause),
        rooted: clause.has(Cue::Root) || clause.has(Cue::Nested),
        timed_out: statement.units().any(|unit| unit.text.starts_with("timeout")),
        piped: clause.piped(),
        scopes: clause.scopes(),
        wording: said.word,
        titled: said.title || said.header && main.literal.is_none() && !main.measures.is_empty(),
        entry: clause.has(Cue::Entry),
        every: has(Cue::Every),
        only: clause.has(Cue::Only),
        ordered: clause.has(Cue::Then),
        leads: leads(clause),
        first: said.first,
        limits: has(Cue::AtMost) || has(Cue::Must),
        assures: has(Cue::Assure),
        per_turn: has(Cue::PerTurn),
        per_session: has(Cue::PerSession),
        main,
    }
}

/// The clause that says when or after what: `when editing docs, run X after changes` is about docs.
fn time(statement: &Statement<'_, '_>) -> Role {
    let idle = |clause: &Clause<'_, '_>| clause.units.iter().all(|unit| !unit.is_content() && unit.what != What::Word);
    let circumstance = || statement.clause(Role::When).is_some_and(|clause| clause.units.iter().any(Unit::is_content));
    match statement.clause(Role::After) {
        Some(clause) if idle(clause) && circumstance() => Role::When,
        Some(_) => Role::After,
        None => Role::When,
    }
}

/// What the main clause names, how it is meant, and whether it forbids.
fn told<'l>(
    statement: &Statement<'_, '_>,
    clause: &Clause<'_, '_>,
    lexicon: &'l Lexicon,
    languages: &[String],
    forbidden: Forbidden,
) -> (Named<'l>, Stance, bool) {
    let complaint = complains(statement) && !statement.has(Cue::Told);
    let list = forbidden != Forbidden::Nothing;
    // `keep .env out of git`
    let kept = clause.units.iter().any(|unit| unit.text.starts_with("out of ") && unit.is_content())
        && clause.units.iter().take(2).any(|unit| matches!(&*unit.lower(), "keep" | "leave" | "keeping"));
    let negative = list || kept || clause.has(Cue::Never) || clause.has(Cue::No) || complaint;
    let verb = (forbidden == Forbidden::Say).then_some(Cue::Say);
    let mut main = match clause.unpiped() {
        Some(piped) if negative => name(&piped, lexicon, languages, Some(Cue::Run), false),
        _ => {
            let forbids = clause.forbidding().or_else(|| clause.told_before());
            name(forbids.as_ref().unwrap_or(clause), lexicon, languages, verb, negative)
        }
    };
    if let Some(program) = clause.told_before().and_then(|_| clause.units.iter().find_map(subcommand)) {
        // `make plan is fine, no apply`
        let word = |thing: &Thing| {
            let word = thing.label.trim_matches('`');
            thing.literal && thing.sort == Sort::Code && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        };
        for thing in main.things.iter_mut().filter(|thing| word(thing)) {
            let text = format!("{program} {}", thing.label.trim_matches('`'));
            *thing = Thing { literal: true, ..command_thing(&text, Some(lexicon)) };
        }
    }
    if negative {
        operands(clause, &mut main);
    }
    if forbidden == Forbidden::Commit {
        main.things = main.things.iter().filter_map(|thing| thing.as_file().staged()).collect();
    }
    let unnamed = main.things.is_empty() && main.properties.is_empty() && main.subject.is_none();
    if negative && unnamed {
        main.things = identifiers_in(clause);
    }
    let spelled = unnamed && !main.things.is_empty();
    let turned = list && !clause.has(Cue::Only) && statement.clause(Role::Instead).is_none();
    let stance = match stance(statement, clause, &main, complaint, spelled) {
        Stance::Plain | Stance::Use if turned || kept => Stance::Never,
        stance => stance,
    };
    (main, stance, negative)
}

/// The program of a command of two words that is written out.
fn subcommand<'a>(unit: &Unit<'a, '_>) -> Option<&'a str> {
    let (program, word) = unit.text.split_once(' ').filter(|_| unit.literal && unit.what == What::Command)?;
    word.chars().all(|c| c.is_ascii_lowercase()).then_some(program)
}

/// `use unwrap only in tests`, `X is fine in tests and nowhere else`, `X is reserved for src/net.ts` forbid it outside of them.
fn confined(clause: &Clause<'_, '_>, main: &mut Named<'_>, stance: Stance) -> Stance {
    let units = &clause.units;
    let said = |text: &str| {
        let verb = |word: &str| {
            matches!(word, "be" | "is" | "used" | "called" | "allowed" | "permitted" | "imported" | "tolerated")
        };
        text.split(' ').all(verb)
    };
    let only = units.iter().enumerate().filter(|(_, unit)| unit.is(Cue::Only)).any(|(at, only)| {
        let behind = units.get(at + 1..).unwrap_or_default();
        let there = only.text.contains("else") || only.text.ends_with("there");
        let last = only.text == "only" && behind.iter().all(|unit| unit.what == What::Mark);
        let within = || behind.iter().find(|unit| !said(unit.text)).is_some_and(|unit| unit.is(Cue::In));
        there || last && at > 2 || only.text == "only" && within()
    });
    let reserved = units.iter().any(|unit| matches!(&*unit.lower(), "reserved" | "confined" | "restricted"));
    let code = |things: &[Thing]| !things.is_empty() && things.iter().all(|thing| thing.sort == Sort::Code);
    if let [held @ .., file] = main.things.as_slice()
        && reserved
        && code(held)
        && file.sort == Sort::File
        && stance != Stance::Never
    {
        main.places = vec![file.place()];
        main.things.pop();
    }
    // `only src/net.ts may open a WebSocket`
    let alone = units.first().is_some_and(|unit| unit.is(Cue::Only) && unit.text.eq_ignore_ascii_case("only"));
    let code = code(&main.things);
    match main.places.as_mut_slice() {
        [Place::Files { outside: true, .. }] if alone && code => Stance::Never,
        [Place::Files { outside, .. }] if (only || reserved) && code && stance != Stance::Never => {
            *outside = true;
            Stance::Never
        }
        _ => stance,
    }
}

/// What is not to be used: the things of the clause that says so, and the options.
fn rejected(
    clause: Option<&Clause<'_, '_>>,
    named: Option<Box<Named<'_>>>,
    main: &mut Named<'_>,
) -> (Vec<Thing>, Vec<String>) {
    let Some(named) = named else { return (Vec::new(), Vec::new()) };
    let (flags, quotes) = (named.flags.clone(), named.quotes.clone());
    if clause.is_some_and(|clause| is_partial(clause, &named)) {
        return (Vec::new(), flags);
    }
    let things = identifiers(*named, clause);
    if !things.is_empty() || !main.properties.is_empty() || !main.things.is_empty() || main.quotes.len() != 1 {
        return (things, flags);
    }
    // `"lockfile", not "lock file"`: one spelling instead of another.
    main.things = main.quotes.iter().map(|text| Thing { literal: true, ..text_thing(text) }).collect();
    (quotes.iter().map(|text| word_thing(text)).collect(), flags)
}

/// Whether a clause speaks of reports, or writes out the marks of headings and speaks of no answers.
fn reports(clause: &Clause<'_, '_>) -> bool {
    let report = |unit: &Unit<'_, '_>| ["report", "reports"].iter().any(|name| unit.text.eq_ignore_ascii_case(name));
    let answers = |unit: &Unit<'_, '_>| {
        let text = unit.lower();
        ["repl", "respon", "answer", "message"].iter().any(|head| text.starts_with(head))
    };
    let units = || clause.units.iter();
    units().any(report) || units().any(|unit| unit.text.starts_with("##")) && !units().any(answers)
}

/// Whether a clause is about the calls of something: `calls to fetchJson must …`.
fn speaks_of_calls(clause: &Clause<'_, '_>) -> bool {
    clause.units.windows(3).any(|three| {
        matches!(three, [calls, of, name]
            if matches!(&*calls.lower(), "calls" | "call") && matches!(of.text, "to" | "of") && name.literal)
    })
}

/// Whether a clause says that something passes.
fn passes(clause: &Clause<'_, '_>) -> bool {
    let ends = |unit: &Unit<'_, '_>| [" pass", " passes", " passed"].iter().any(|end| unit.lower().ends_with(end));
    clause.units.iter().any(|unit| unit.is(Cue::Pass) || ends(unit))
}

/// How a statement is meant; `spelled` is whether what it names is known only by how it is spelled.
fn stance(
    statement: &Statement<'_, '_>,
    clause: &Clause<'_, '_>,
    main: &Named<'_>,
    complaint: bool,
    spelled: bool,
) -> Stance {
    let times = main.measures.iter().any(|(_, measure)| measure.is_none());
    let counted = clause.has(Cue::Once) || (clause.has(Cue::AtMost) && times);
    // `no` forbids only where something that it can forbid stands behind it: `no, use yarn` is an answer.
    let no = clause.units.iter().position(|unit| unit.is(Cue::No)).is_some_and(|at| {
        let behind = clause.units.get(at + 1..).unwrap_or_default();
        behind.first().is_some_and(|next| next.what != What::Comma)
            && (behind.iter().take(3).any(Unit::is_content) || spelled || lists(behind) || lacks(behind, main))
    });
    let measured = clause.has(Cue::AtMost) && !main.measures.is_empty();
    let tool = main.things.first().is_some_and(|thing| thing.known.is_some() && thing.sort == Sort::Command);
    let used = main.verb == Some(Cue::Use)
        || clause.units.iter().rfind(|unit| unit.what != What::Mark).is_some_and(|unit| unit.text == "instead")
        || statement.clause(Role::Instead).is_some()
        || (clause.has(Cue::Only) && tool);
    let needs = clause.has(Cue::Must) || clause.has(Cue::Always) || statement.has(Cue::Forgot);
    let texts = [Cue::StartsWith, Cue::EndsWith, Cue::Contains];
    let not = main.literal.is_some()
        && clause.units.windows(2).any(|two| matches!(two, [not, with] if not.is(Cue::Not) && with.is_any(&texts)));
    if (clause.has(Cue::Never) || no || not) && !measured {
        Stance::Never
    } else if counted && main.things.iter().any(|thing| thing.sort == Sort::Command || thing.sort == Sort::Tool) {
        Stance::AtMost
    } else if complaint && !statement.has(Cue::Forgot) || removes(clause, main) {
        Stance::Never
    } else if used {
        Stance::Use
    } else if needs {
        Stance::Must
    } else {
        Stance::Plain
    }
}

/// Whether a clause has nothing but a property of texts taken away: `get rid of the co-author line`.
fn removes(clause: &Clause<'_, '_>, main: &Named<'_>) -> bool {
    let first = clause.units.iter().find(|unit| !unit.is_filler() && unit.text != "please");
    let out = |two: &[Unit<'_, '_>]| matches!(two, [out, of] if out.text == "out" && of.text == "of");
    let known = |thing: &Thing| thing.sort == Sort::Code && thing.known.is_some();
    let named = !main.properties.is_empty() || !main.things.is_empty() && main.things.iter().all(known);
    // `keep emoji out of commits`
    let kept = named && clause.units.iter().take(2).any(|unit| unit.text.eq_ignore_ascii_case("keep"));
    kept && (clause.units.windows(2).any(out) || clause.units.iter().any(|unit| unit.text == "out of"))
        || main.things.is_empty()
            && !main.properties.is_empty()
            && first.is_some_and(|unit| unit.is(Cue::Delete) && !unit.is_content())
}

/// Whether what follows is how no text begins, ends or what it holds: `no prefix such as fix:`.
fn lacks(behind: &[Unit<'_, '_>], main: &Named<'_>) -> bool {
    let told = |unit: &Unit<'_, '_>| unit.is_any(&[Cue::StartsWith, Cue::EndsWith, Cue::Contains]);
    main.literal.is_some() && behind.first().is_some_and(told)
}

/// Whether what is forbidden is listed behind a colon: `no history modification: git rebase`.
fn lists(behind: &[Unit<'_, '_>]) -> bool {
    let colon = behind.iter().take(5).position(|unit| matches!(unit.text, ":" | "："));
    colon.is_some_and(|at| {
        behind.iter().skip(at + 1).find(|unit| unit.what != What::Mark).is_some_and(|unit| unit.literal)
    })
}

/// Whether the statement begins as a complaint: `you're editing …`, but not `what you're giving me`.
pub(super) fn complains(statement: &Statement<'_, '_>) -> bool {
    statement.units().filter(|unit| unit.what != What::Comma).take(3).any(|unit| unit.is(Cue::Complaint))
}

/// A clause that says only what is done (`before you edit it`) is about files; `after a change`, about code.
pub(super) fn complete(named: &mut Named<'_>, clause: Option<&Clause<'_, '_>>, lexicon: &Lexicon) {
    let bare = clause.is_some_and(|clause| !clause.units.iter().any(|unit| unit.what == What::Word));
    if named.things.is_empty() && named.subject.is_none() && bare && matches!(named.verb, Some(Cue::Edit | Cue::Create))
    {
        let name = if clause.is_some_and(|clause| clause.has(Cue::This)) { "files" } else { "code" };
        if let Some(Predicate::File(test)) =
            lexicon.entry_named(name, crate::lexicon::Kind::Files).map(|entry| &entry.predicate)
        {
            let mut thing = file_thing(test.path.clone(), name, None);
            name.clone_into(&mut thing.label);
            thing.holds = thing.holds.at("src/lib.rs");
            named.things.push(thing);
        }
    }
}

/// The things of an `instead of` clause; a word with the shape of an identifier stands for itself, but a plain one may be
/// an idea (`composition over inheritance`), which no text shows.
fn identifiers(named: Named<'_>, clause: Option<&Clause<'_, '_>>) -> Vec<Thing> {
    if !named.things.is_empty() {
        return named.things;
    }
    let identifier = |text: &str| {
        let mixed =
            text.chars().skip(1).any(char::is_uppercase) && text.trim_end_matches('s').chars().any(char::is_lowercase);
        text.contains(['_', '.', '(', ':']) || mixed || text.contains('-') && !is_compound(text)
    };
    let words = clause.map(unknown).unwrap_or_default();
    let single = |word: &str| {
        let plural =
            word.ends_with('s') && !word.ends_with("ss") && word.chars().filter(|c| c.is_uppercase()).count() > 1;
        if plural { word.trim_end_matches('s').to_owned() } else { word.to_owned() }
    };
    words.into_iter().filter(|word| identifier(word)).take(1).map(|word| text_thing(&single(word))).collect()
}

/// Whether a word with a hyphen is made up as any adjective is: `cross-package`, `shell-based`.
fn is_compound(word: &str) -> bool {
    const HEADS: [&str; 15] = [
        "hard", "non", "cross", "post", "pre", "multi", "self", "co", "sub", "inter", "intra", "top", "low", "high",
        "long",
    ];
    const TAILS: [&str; 15] = [
        "else", "based", "level", "style", "specific", "wide", "like", "driven", "oriented", "facing", "only", "time",
        "off", "in", "free",
    ];
    let (head, tail) = word.split_once('-').unwrap_or((word, ""));
    HEADS.contains(&head) || TAILS.contains(&tail)
}

/// Whether things are code that is written out with a name in it.
pub(super) fn are_spelled(things: &[Thing]) -> bool {
    let spelled = |thing: &Thing| thing.literal && thing.sort == Sort::Code && thing.slug != "rule";
    !things.is_empty() && things.iter().all(spelled)
}

/// What the names of types end with that say of what sort they are; other names in mixed case may be those of products
/// (`PyTorch`).
const SORTS: [&str; 21] = [
    "Exception",
    "Error",
    "Service",
    "Controller",
    "Manager",
    "Factory",
    "Helper",
    "Util",
    "Impl",
    "Base",
    "Mixin",
    "Provider",
    "Handler",
    "Component",
    "Repository",
    "Test",
    "Client",
    "Context",
    "Builder",
    "Config",
    "Model",
];

/// The words of a clause that no language but code spells so: `RuntimeException`, `oven::heat`, `fail()`.
fn identifiers_in(clause: &Clause<'_, '_>) -> Vec<Thing> {
    if narrows(clause, &[]) {
        return Vec::new();
    }
    let spelled = |text: &str| {
        let small = text.chars().filter(|c| c.is_lowercase()).count();
        let typed =
            text.starts_with(char::is_lowercase) || SORTS.iter().any(|sort| text.trim_end_matches('s').ends_with(sort));
        let mixed = typed
            && small > 2
            && text.chars().skip(1).any(char::is_uppercase)
            && text.chars().all(char::is_alphanumeric);
        let marked = text.contains("::") || text.contains("->") || text.ends_with("()");
        mixed || marked || (text.contains('_') && text.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    // Behind `no` or `never use`, a name of any spelling is what is meant.
    let named = |at: usize| {
        let text = clause.units.get(at).map_or("", |unit| unit.text);
        let before = clause.units.get(..at).unwrap_or_default().iter().rev().find(|unit| !unit.is_filler());
        let humps = text.chars().filter(|c| c.is_uppercase()).count() > 1
            && text.chars().filter(|c| c.is_lowercase()).count() > 2;
        let member = text.split_once('.').is_some_and(|(of, name)| {
            of.starts_with(char::is_uppercase) && name.starts_with(char::is_alphabetic) && name.len() > 2
        });
        let plain = text.chars().all(|c| c.is_alphanumeric() || c == '.');
        plain && (member || humps && before.is_some_and(|unit| unit.is_any(&[Cue::No, Cue::Never, Cue::Use])))
    };
    let words = clause
        .units
        .iter()
        .enumerate()
        .filter(|(at, unit)| unit.what == What::Word && (spelled(unit.text) || named(*at)));
    let words = words.map(|(_, unit)| unit);
    words.take(4).map(|unit| Thing { literal: true, ..text_thing(unit.text) }).collect()
}

/// The words of a clause that the lexicon does not know; behind `use`, where it says so.
fn unknown<'a>(clause: &Clause<'a, '_>) -> Vec<&'a str> {
    let from = clause.units.iter().position(|unit| unit.is(Cue::Use)).unwrap_or(0);
    let words = clause.units.iter().skip(from).filter(|unit| unit.what == What::Word);
    words.map(|unit| unit.text).collect()
}

/// `run pytest through uv run`: what programs are run through, and the programs that are named beside it, or else those that
/// are usually run so.
fn through(clause: &Clause<'_, '_>, lexicon: &Lexicon, languages: &[String]) -> Option<(Thing, Vec<Thing>)> {
    let told = [Cue::Use, Cue::Run, Cue::StartsWith, Cue::Always].into_iter().any(|cue| clause.has(cue));
    if !told {
        return None;
    }
    let runs = |unit: &&Unit<'_, '_>| unit.literal && lexicon.runs(unit.text).is_some();
    let known = clause.units.iter().find(runs);
    // What ends with `--` hands over a command that is seen by itself, too.
    let runner = known.or_else(|| prefixed(clause)).filter(|runner| !runner.text.ends_with("--"))?;
    let others = |unit: &&Unit<'_, '_>| !std::ptr::eq(*unit, runner) && !unit.is(Cue::StartsWith);
    let units = clause.units.iter().filter(others).cloned().collect();
    let others = name(&Clause::of(Role::Main, units), lexicon, languages, Some(Cue::Run), false).things;
    let others: Vec<_> = others.into_iter().filter(|thing| thing.sort == Sort::Command).collect();
    // What is written out beside it with arguments of its own is another way to run it.
    if others.iter().any(|thing| thing.literal && thing.label.contains(' ')) {
        return None;
    }
    let usual = lexicon.runs(runner.text).filter(|programs| !programs.is_empty());
    let any = |programs: &str| Thing {
        predicate: Predicate::command(programs),
        ..command_thing(programs.split('|').next().unwrap_or(programs), None)
    };
    // `run Python commands through uv run` speaks of all that are usually run so.
    let others = match others.as_slice() {
        [one] if one.slug == "python" && usual.is_some_and(|programs| programs.starts_with("python|")) => Vec::new(),
        _ => others,
    };
    let whole = others.is_empty().then(|| usual.map(any)).flatten();
    let others: Vec<_> = others.into_iter().chain(whole).collect();
    (!others.is_empty()).then(|| (command_thing(runner.text, None), others))
}

/// `prefix all make commands with ./box`: what stands in front of commands, known or not.
fn prefixed<'c, 'a, 'l>(clause: &'c Clause<'a, 'l>) -> Option<&'c Unit<'a, 'l>> {
    if !clause.has(Cue::StartsWith) {
        return None;
    }
    let prefix = clause.units.iter().any(|unit| unit.is(Cue::StartsWith) && unit.lower().starts_with("prefix"));
    let commands = clause.units.iter().any(|unit| matches!(unit.text, "command" | "commands"));
    let mut with =
        clause.units.windows(2).filter(|two| matches!(two, [with, runner] if with.text == "with" && runner.literal));
    with.next_back().and_then(|two| two.last()).filter(|_| prefix && commands)
}

/// When a statement says to ask, as it is put: `before refactoring the parser`.
fn act_of(statement: &Statement<'_, '_>) -> Option<String> {
    const MOST: usize = 6;
    let (clause, cue) = match statement.clause(Role::Before) {
        Some(clause) => (clause, Cue::Before),
        None => (statement.clause(Role::When)?, Cue::When),
    };
    let said = clause.units.iter().take_while(|unit| !matches!(unit.what, What::Comma | What::Mark));
    let words = said.take(MOST).map(|unit| unit.text).filter(|text| !text.is_empty());
    let words: Vec<_> =
        statement.joint(cue).into_iter().map(str::to_lowercase).chain(words.map(str::to_owned)).collect();
    (words.len() > 1).then(|| words.join(" "))
}

/// Whether a statement says that a file is kept up to date, and not merely that it is the one that is edited.
fn updates(statement: &Statement<'_, '_>) -> bool {
    let edited = |unit: &Unit<'_, '_>| unit.lower().starts_with("edit") || unit.text == "modify";
    !statement.units().any(edited)
}

/// Whether the first thing stands behind the stance.
fn leads(clause: &Clause<'_, '_>) -> bool {
    let content = clause.units.iter().position(Unit::is_content);
    let stance = clause.units.iter().position(|unit| unit.is_any(&[Cue::Always, Cue::Must, Cue::Forgot]));
    stance.zip(content).is_some_and(|(stance, content)| stance < content)
}

/// The two ends of `between … and …`.
fn between<'l>(clause: &Clause<'_, '_>, lexicon: &'l Lexicon, languages: &[String]) -> Option<(Named<'l>, Named<'l>)> {
    let and = clause.units.iter().position(|unit| unit.is(Cue::And))?;
    let part = |units: Option<&[Unit<'_, '_>]>| {
        name(&Clause::of(Role::Between, units.unwrap_or_default().to_vec()), lexicon, languages, Some(Cue::Run), false)
    };
    Some((part(clause.units.get(..and)), part(clause.units.get(and + 1..))))
}

/// The file of `while FILE has open items`.
fn open_items(statement: &Statement<'_, '_>, lexicon: &Lexicon) -> Option<String> {
    let clause = [Role::While, Role::When, Role::After].into_iter().find_map(|role| statement.clause(role))?;
    if !clause.has(Cue::OpenItems) {
        return None;
    }
    clause.units.iter().find(|unit| lexicon.is_path(unit.text)).map(|unit| unit.text.to_owned())
}

/// Whether any part of a clause means something that a rule can be about.
pub(super) fn names_something(statement: &Statement<'_, '_>) -> bool {
    statement
        .units()
        .any(|unit| unit.is_content() || unit.senses().iter().any(|sense| matches!(sense, Sense::Subject(..))))
}
