//! What limits a statement in a way that cannot be told: no check may go without it.

use super::clause::{Clause, Role, Statement};
use super::meaning::{Stance, are_spelled, complete};
use super::name::{Named, VERBS, name};
use super::thing::{Sort, Thing};
use super::token::Form;
use super::unit::{Unit, What};
use crate::lexicon::{Cue, Of, Property};
use crate::{Lexicon, Predicate};

/// Whether a clause limits a statement in a way that cannot be told.
pub(super) fn is_limited(
    statement: &Statement<'_, '_>,
    main: &Named<'_>,
    rejected: &[Thing],
    stance: Stance,
    lexicon: &Lexicon,
    languages: &[String],
) -> bool {
    let limits =
        [Role::Before, Role::After, Role::When, Role::While, Role::Unless, Role::Outside, Role::Until, Role::Between];
    // Where both what is used and what is not are written out, a circumstance says no more than where that comes up.
    let paired = statement.clause(Role::Instead).is_some() && are_spelled(&main.things) && are_spelled(rejected);
    let unclear = |role: Role| statement.clause(role).is_some_and(|clause| is_unclear(clause, lexicon, languages));
    // So it says where the agent is not to say something: `stop apologising if corrected`.
    let said = |property: &&Property| property.of.first() == Some(&Of::Reply);
    let spoken = stance == Stance::Never && !main.properties.is_empty() && main.properties.iter().all(said);
    // `never build while the server runs`: how long that lasts does not show. `while keeping …` is a goal.
    let lasts = statement.clause(Role::While).is_some_and(|clause| {
        let goal = clause.units.first().is_some_and(|unit| unit.text.ends_with("ing"));
        clause.units.iter().any(|unit| unit.is_content() || unit.what == What::Word)
            && !goal
            && !clause.has(Cue::Fail)
            && !clause.has(Cue::OpenItems)
    });
    limits
        .into_iter()
        .filter(|role| match role {
            Role::When => !paired && !spoken,
            Role::After => !spoken,
            _ => true,
        })
        .any(unclear)
        || stance == Stance::Never && lasts
        || statement.ranks()
        || stance == Stance::Plain && (permits(statement) || happens(statement))
        || is_for_some(statement)
        || stance != Stance::Never && is_at_times(statement, main)
        || is_excepted_late(statement)
        || is_assigned(statement, main)
        || is_taste(statement, main, rejected)
        || stance == Stance::Never && excepts_argument(statement, main, lexicon, languages)
        || excepts_itself(statement, main, rejected, lexicon, languages)
}

/// Whether what is excepted is what is forbidden: `prefer make over mvn unless the task needs mvn`.
fn excepts_itself(
    statement: &Statement<'_, '_>,
    main: &Named<'_>,
    rejected: &[Thing],
    lexicon: &Lexicon,
    languages: &[String],
) -> bool {
    let Some(clause) = statement.clause(Role::Unless) else { return false };
    let excepted = name(clause, lexicon, languages, main.verb, false).things;
    let forbidden = || main.things.iter().chain(rejected).filter(|thing| thing.sort == Sort::Command);
    excepted.iter().any(|thing| forbidden().any(|other| other.predicate == thing.predicate))
}

/// Whether what is excepted from commands is an argument of theirs: `no new dependencies except GRDB`.
fn excepts_argument(statement: &Statement<'_, '_>, main: &Named<'_>, lexicon: &Lexicon, languages: &[String]) -> bool {
    let Some(clause) = statement.clause(Role::Unless) else { return false };
    let commands = !main.things.is_empty() && main.things.iter().all(|thing| thing.sort == Sort::Command);
    let named = name(clause, lexicon, languages, None, false).things;
    commands && !named.is_empty() && named.iter().all(|thing| thing.sort == Sort::Code && thing.literal)
}

/// Whether a statement says of something that it may be done, and does not ask for it: `comments in tests are fine`.
fn permits(statement: &Statement<'_, '_>) -> bool {
    const MAY: [&str; 10] =
        ["acceptable", "fine", "ok", "okay", "allowed", "permitted", "exempt", "optional", "excepted", "tolerated"];
    !statement.has(Cue::Only) && statement.units().any(|unit| unit.what == What::Word && MAY.contains(&&*unit.lower()))
}

/// Whether a statement tells what happens by itself: `make will automatically rebuild it before it runs the tests`.
fn happens(statement: &Statement<'_, '_>) -> bool {
    let mut will = false;
    let itself =
        |unit: &Unit<'_, '_>| std::mem::replace(&mut will, unit.text == "will") && unit.text == "automatically";
    statement.units().take(8).any(itself)
}

/// Whether it is no text that a pull request is given: `add the label X to every PR`, `assign every PR to X`.
fn is_assigned(statement: &Statement<'_, '_>, main: &Named<'_>) -> bool {
    const GIVEN: [&str; 9] =
        ["label", "labels", "labelled", "labeled", "assign", "assigned", "assignee", "reviewer", "milestone"];
    let given = |unit: &Unit<'_, '_>| unit.what == What::Word && GIVEN.contains(&&*unit.lower());
    main.subject == Some(Of::Request) && main.literal.is_some() && statement.units().any(given)
}

/// Whether a statement begins with the only case that it holds in: `for type errors only: …`.
fn is_for_some(statement: &Statement<'_, '_>) -> bool {
    let mut units = statement.units().filter(|unit| !matches!(unit.text, "*" | "**"));
    units.next().is_some_and(|unit| unit.text.eq_ignore_ascii_case("for"))
        && units.take(6).any(|unit| unit.is(Cue::Only) && unit.text == "only")
        && statement.units().any(|unit| unit.text == ":")
}

/// Whether texts are to have something only at times: `use emoji only where they help`.
fn is_at_times(statement: &Statement<'_, '_>, main: &Named<'_>) -> bool {
    let mut only = false;
    let times = |unit: &Unit<'_, '_>| {
        let begins = matches!(unit.text, "where" | "if" | "when" | "for" | "to");
        std::mem::replace(&mut only, unit.is(Cue::Only) && unit.text == "only") && begins
    };
    !main.properties.is_empty() && main.things.is_empty() && statement.units().any(times)
}

/// Whether an exception is told in a sentence of its own: `use X, not Y (Z is the exception)`.
fn is_excepted_late(statement: &Statement<'_, '_>) -> bool {
    let exception = |unit: &Unit<'_, '_>| matches!(&*unit.lower(), "exception" | "exceptions");
    statement.clause(Role::Unless).is_none()
        && !statement.has(Cue::Always)
        && statement.units().skip(3).any(|unit| unit.what == What::Word && exception(unit))
        && statement.units().any(|unit| unit.text == "(")
}

/// Whether one sort of tests is preferred to another, which forbids to run neither.
fn is_taste(statement: &Statement<'_, '_>, main: &Named<'_>, rejected: &[Thing]) -> bool {
    let tests = |thing: &Thing| thing.sort == Sort::Command && !thing.literal && thing.slug.ends_with("tests");
    let rated = |things: &[Thing]| !things.is_empty() && things.iter().all(tests);
    statement.clause(Role::Instead).is_some() && rated(rejected) && rated(&main.things)
}

/// Whether a clause ends with what its options are for: `use -q to fail instead of asking`.
pub(super) fn is_purpose(clause: &Clause<'_, '_>) -> bool {
    let option = clause.units.iter().position(|unit| unit.text.starts_with('-') && unit.literal);
    option.is_some_and(|at| clause.units.iter().skip(at).any(|unit| unit.text == "to"))
}

/// What says of a text that it is not to be there.
const OCCURS: [&str; 10] = [
    "used",
    "allowed",
    "hardcoded",
    "hard-coded",
    "mentioned",
    "referenced",
    "included",
    "introduced",
    "imported",
    "reintroduced",
];

/// Whether something is forbidden only in a place or in a form that cannot be told: `never add a call to it`, `a bare #12`.
pub(super) fn is_partial(clause: &Clause<'_, '_>, main: &Named<'_>) -> bool {
    let code = main.things.iter().all(|thing| thing.sort == Sort::Code) && main.places.is_empty();
    let command = main.things.iter().all(|thing| thing.sort == Sort::Command) && !main.things.is_empty();
    // `ids must not be listed in X`: where, only the files there show.
    let named = !main.things.is_empty() || main.literal.is_some();
    let there =
        (command || code && named) && main.places.is_empty() && is_somewhere(clause, command || main.literal.is_some());
    if there || code && clause.has(Cue::Entry) || is_of_another(clause, main) {
        return true;
    }
    if is_told_apart(clause, code && named) {
        return true;
    }
    // `do not call showDialog from useEffect`: what calls it, the file does not tell.
    let text = clause.units.iter().position(|unit| unit.literal).unwrap_or(clause.units.len());
    let from = clause
        .units
        .iter()
        .skip(text + 1)
        .zip(clause.units.iter().skip(text + 2))
        .any(|(from, text)| from.text == "from" && text.literal && text.what != What::Literal(Form::Path));
    let imports = main.things.iter().any(|thing| thing.slug.starts_with("import-"));
    if code && named && !imports && main.places.is_empty() && from {
        return true;
    }
    if is_narrowed(clause, main, command) {
        return true;
    }
    // `do not format by hand`: what does it by itself is not meant; `no docstrings for private functions`: others are fine.
    let by_hand = clause.units.iter().any(|unit| matches!(&*unit.lower(), "manually" | "by hand" | "hand"));
    let formats = main.things.iter().any(|thing| thing.slug.starts_with("format") || thing.slug.starts_with("lint"));
    if by_hand && formats || is_for_a_kind(clause, main) {
        return true;
    }
    let files = main.things.iter().all(|thing| thing.sort == Sort::File) && !main.things.is_empty();
    let kinds = files && !main.things.iter().any(|thing| thing.literal);
    let fails = |unit: &Unit<'_, '_>| unit.is(Cue::Fail);
    // `not allowed to run X` says no purpose.
    let first = clause.units.iter().position(Unit::is_content).unwrap_or(clause.units.len());
    let aims = |units: &[Unit<'_, '_>]| {
        units.windows(2).any(|two| matches!(two, [to, verb] if to.text == "to" && !verb.literal && verb.is_any(&VERBS)))
    };
    // `never change tests to make them pass`
    if (files || command) && aims(clause.units.get(first..).unwrap_or_default()) {
        return true;
    }
    clause.units.windows(2).any(|two| match two {
        // `no Python 2`: other versions are fine.
        [tool, version] if is_version(version) && tool.is_content() => command || kinds,
        // `no f-strings where there are no variables`
        [what, there] if what.text == "where" && there.what != What::Mark => true,
        // `never commit code that fails X`, `never commit failing tests`: what they are at that moment does not show.
        [that, failing] if fails(failing) && matches!(that.text, "that" | "which") => true,
        [failing, what] if command && fails(failing) && what.is_content() => true,
        [to, it] if matches!(it.text, "it" | "them") => {
            // `X is deprecated, add no calls to it` says what it is.
            let first = clause.units.iter().position(|unit| unit.is_content() || unit.literal).unwrap_or(usize::MAX);
            let never = clause.units.iter().position(|unit| unit.is(Cue::Never)).unwrap_or(0);
            code && first > never && to.is_any(&[Cue::To, Cue::In])
        }
        // `and never just fix:` asks for more.
        [never, just] if never.is(Cue::Never) && just.text == "just" => true,
        // `ids must never be logged`: what is done to them is not known.
        [be, done]
            if be.text.ends_with("be")
                && done.what == What::Word
                && done.text.ends_with("ed")
                && !OCCURS.contains(&done.text) =>
        {
            code && main.things.iter().all(|thing| thing.known.is_none()) && main.literal.is_none()
        }
        [bare, text] => bare.text == "bare" && text.literal && main.literal.is_some(),
        _ => false,
    })
}

/// Whether the words around what is forbidden say that only a part of it is meant, or that it is named elsewhere.
fn is_narrowed(clause: &Clause<'_, '_>, main: &Named<'_>, command: bool) -> bool {
    // `never run the whole suite`: a part of it is fine.
    let says = |words: &[&str]| clause.units.iter().any(|unit| words.contains(&&*unit.lower()));
    let code = main.things.iter().all(|thing| thing.sort == Sort::Code) && main.places.is_empty();
    if command && says(&["whole", "entire", "full"]) && says(&["suite", "suites"]) {
        return true;
    }
    // `not raw millis() math`: other uses of it are fine.
    let raw = |three: &[Unit<'_, '_>]| {
        matches!(three, [raw, text, math]
            if matches!(raw.text, "raw" | "manual" | "hand-written") && text.literal && math.what == What::Word)
    };
    if code && clause.units.windows(3).any(raw) {
        return true;
    }
    // `do not edit the Ansible inventory`: the program may be run.
    let tool = |thing: &Thing| !thing.literal && thing.label.starts_with('`');
    if command && main.verb == Some(Cue::Edit) && main.things.iter().all(tool) && main.places.is_empty() {
        return true;
    }
    // `never run A followed by B`: neither alone is meant.
    let followed = |(unit, next): (&Unit<'_, '_>, &Unit<'_, '_>)| {
        unit.text == "followed by" || unit.text == "followed" && next.text == "by"
    };
    if clause.units.iter().zip(clause.units.iter().skip(1)).any(followed) {
        return true;
    }
    // `MockK is not welcome there`: where, another sentence says.
    let never = clause.units.iter().position(|unit| unit.is(Cue::Never)).unwrap_or(clause.units.len());
    let behind = clause.units.get(never + 1..).unwrap_or_default();
    if main.places.is_empty() && behind.iter().any(|unit| unit.text == "there" && unit.what == What::Word) {
        return true;
    }
    // `never run it in the `prod` namespace`: which calls are, their arguments show in ways of their own.
    let within = |three: &[Unit<'_, '_>]| {
        matches!(three, [within, name, of]
            if within.is(Cue::In) && name.literal && of.what == What::Word && !name.text.contains(['/', '.']))
    };
    let plain: Vec<_> = clause.units.iter().filter(|unit| !unit.is_filler()).cloned().collect();
    if command && main.places.is_empty() && plain.windows(3).any(within) {
        return true;
    }
    // `a token must never be put into localStorage`: other things may.
    let into = clause.units.iter().position(|unit| unit.text == "into");
    let put = |at: &usize| {
        let (front, behind) = clause.units.split_at(*at);
        let what = |unit: &Unit<'_, '_>| {
            unit.is_content() || unit.what == What::Word && !matches!(&*unit.lower(), "be" | "anything" | "code" | "it")
        };
        front.iter().any(what) && behind.iter().find(|unit| unit.is_content()).is_some_and(|unit| !unit.literal)
    };
    if main.things.iter().all(|thing| thing.sort == Sort::Code) && into.as_ref().is_some_and(put) {
        return true;
    }
    // `the bot rejects commits that are not signed off` asks for it.
    let lacking = |three: &[Unit<'_, '_>]| {
        matches!(three, [that, are, not]
            if matches!(that.text, "that" | "which") && matches!(are.text, "is" | "are") && not.is(Cue::Not))
    };
    if clause.units.windows(3).any(lacking) {
        return true;
    }
    // `open no socket elsewhere`: than where, another sentence says.
    if main.places.is_empty() && clause.units.iter().any(|unit| matches!(&*unit.lower(), "elsewhere" | "else")) {
        return true;
    }
    // `I don't want to see it in our code`: what it is stands elsewhere.
    let it =
        clause.units.windows(2).position(|two| matches!(two, [it, within] if it.is(Cue::This) && within.text == "in"));
    if it.is_some_and(|at| !clause.units.iter().take(at).any(|unit| unit.is_content() || unit.literal)) {
        return true;
    }
    false
}

/// Whether a property of files is forbidden only for some of what they hold: `no docstrings for private functions`.
fn is_for_a_kind(clause: &Clause<'_, '_>, main: &Named<'_>) -> bool {
    let files = main
        .properties
        .iter()
        .any(|property| property.of.first() == Some(&Of::File) || property.of.first() == Some(&Of::Content));
    let kind = |(unit, next): (&Unit<'_, '_>, &Unit<'_, '_>)| {
        unit.text == "for" && (next.what == What::Word || !next.code.is_empty())
    };
    files && main.subjects.is_empty() && clause.units.iter().zip(clause.units.iter().skip(1)).any(kind)
}

/// Whether words between a text and what forbids say which of it is meant (`a Mutex embedded in a struct is forbidden`), or
/// nothing that can be read follows what forbids.
fn is_told_apart(clause: &Clause<'_, '_>, code: bool) -> bool {
    let Some(never) = clause.units.iter().position(|unit| unit.is(Cue::Never)) else { return false };
    let (before, behind) = clause.units.split_at_checked(never + 1).unwrap_or_default();
    let text = before.iter().rposition(|unit| unit.literal);
    let between = text.and_then(|at| before.get(at + 1..)).unwrap_or_default();
    let which =
        |unit: &Unit<'_, '_>| unit.what == What::Word && unit.text.ends_with("ed") && !OCCURS.contains(&unit.text);
    // `never '''`
    let quotes = |unit: &Unit<'_, '_>| unit.what == What::Mark && unit.text.contains(['\'', '"']);
    code && between.iter().any(which) || !behind.is_empty() && behind.iter().all(quotes)
}

/// Whether what is forbidden is not the thing that is named, but something that is done to it, by it or with a part of it.
fn is_of_another(clause: &Clause<'_, '_>, main: &Named<'_>) -> bool {
    let all = |sort: Sort| main.things.iter().all(|thing| thing.sort == sort) && !main.things.is_empty();
    let (command, files, kinds) = (all(Sort::Command), all(Sort::File), main.things.iter().all(|thing| !thing.literal));
    let says = |words: &[&str]| clause.units.iter().any(|unit| words.contains(&&*unit.lower()));
    // `never delete comments`, `never pipe X through Y`, `never edit released sections of X`; but `drop a column` is what code does.
    let deletes = clause.units.iter().any(|unit| unit.is(Cue::Delete) && !unit.is_content());
    if deletes
        && clause.has(Cue::Never)
        && main.verb == Some(Cue::Delete)
        && (all(Sort::Code) || !main.properties.is_empty() && main.things.is_empty())
        || command && says(&["pipe", "piping", "piped"]) && clause.piped().is_none()
        || files && says(&["section", "sections", "entries", "parts"]) && says(&["of"])
        || before_never(clause, &["section", "sections", "entries"])
    {
        return true;
    }
    let Some(never) = clause.units.iter().position(|unit| unit.is(Cue::Never)) else { return false };
    let (before, behind) =
        (clause.units.get(..never).unwrap_or_default(), clause.units.get(never + 1..).unwrap_or_default());
    // `tests must not emit warnings`, `commits must not be made lightly`
    let subject = before.iter().any(Unit::is_content) && !before.iter().any(|unit| unit.is_any(&[Cue::In, Cue::To]));
    let done = behind.iter().find(|unit| !unit.is_filler() && !unit.text.ends_with("be"));
    let unknown = |unit: &Unit<'_, '_>| {
        unit.what == What::Word && unit.text.is_ascii() && !unit.text.ends_with("ly") && !OCCURS.contains(&unit.text)
    };
    // `compiler packages must not import runtime`: which files those are is not known.
    let importers = before.iter().any(|unit| {
        unit.what == What::Word && !matches!(&*unit.lower(), "code" | "we" | "you" | "agents" | "the" | "all" | "any")
    });
    let imports = main.things.first().is_some_and(|thing| thing.slug.starts_with("import-"));
    if imports && importers && main.places.is_empty() {
        return true;
    }
    command && kinds && subject && !behind.iter().any(Unit::is_content) && done.is_some_and(unknown)
}

/// Whether one of some words stands in front of what forbids.
fn before_never(clause: &Clause<'_, '_>, words: &[&str]) -> bool {
    let mut before = clause.units.iter().take_while(|unit| !unit.is(Cue::Never));
    before.any(|unit| words.contains(&&*unit.lower()))
}

/// Whether a unit is the version of what stands in front of it.
fn is_version(unit: &Unit<'_, '_>) -> bool {
    let numbered = unit.text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    matches!(unit.what, What::Number(_)) || unit.what == What::Word && numbered
}

/// What stands in front of a place or a time.
const WHERE: [&str; 7] = ["in", "on", "at", "during", "within", "inside", "from within"];

/// What stands in front of a use that is made of a command.
const USES: [&str; 3] = ["with", "against", "for"];

/// What says no more than `here`.
const ANYWHERE: [&str; 18] = [
    "committed",
    "checked-in",
    "final",
    "all",
    "project",
    "codebase",
    "repo",
    "repository",
    "code",
    "general",
    "practice",
    "order",
    "app",
    "application",
    "workspace",
    "particular",
    "favor",
    "favour",
];

/// Whether what is forbidden is forbidden only somewhere, at some time or for some use that no command shows: `never deploy
/// on Fridays`.
fn is_somewhere(clause: &Clause<'_, '_>, uses: bool) -> bool {
    let never = clause.units.iter().position(|unit| unit.is_any(&[Cue::Never, Cue::No])).unwrap_or(clause.units.len());
    let mut units = clause.units.iter().skip(never + 1);
    while let Some(unit) = units.next() {
        if WHERE.contains(&unit.text) || uses && USES.contains(&unit.text) {
            let anywhere = |unit: &Unit<'_, '_>| ANYWHERE.contains(&&*unit.lower()) || unit.text.ends_with("ing");
            return units.find(|unit| !unit.is_filler()).is_some_and(|unit| unit.what == What::Word && !anywhere(unit));
        }
    }
    false
}

/// Whether something is named in front of what forbids, and what stands behind that is not known.
pub(super) fn does_unknown(clause: &Clause<'_, '_>) -> bool {
    let never = clause.units.iter().position(|unit| unit.is(Cue::Never));
    never.and_then(|at| clause.units.split_at_checked(at)).is_some_and(|(before, behind)| {
        let word = |unit: &Unit<'_, '_>| unit.what == What::Word && !unit.text.ends_with("ly");
        before.iter().any(Unit::is_content) && behind.iter().any(word)
    })
}

/// Whether what stands right behind what forbids is a verb that is not known: `do not pipe X through Y`.
pub(super) fn acts_unknown(clause: &Clause<'_, '_>) -> bool {
    let never = clause.units.iter().position(|unit| unit.is(Cue::Never));
    let behind = never.and_then(|at| clause.units.get(at + 1..)).unwrap_or_default();
    let verb = behind.iter().find(|unit| !unit.is_filler() && !unit.text.ends_with("ly"));
    verb.is_some_and(|unit| {
        unit.what == What::Word && unit.text.is_ascii() && unit.text.starts_with(char::is_alphabetic)
    })
}

/// Whether `when …` says no more than where or during what something is forbidden; otherwise it limits the statement in a
/// way that cannot be told, since how long the circumstance lasts does not show.
pub(super) fn settled(main: &mut Named<'_>, when: Option<Box<Named<'_>>>) -> bool {
    let Some(when) = when else { return true };
    if main.things.is_empty() && !main.flags.is_empty() && when.things.iter().all(|thing| thing.sort == Sort::Command) {
        // `never --force when pushing`
        main.things = when.things;
        return true;
    }
    if when.things.iter().all(|thing| thing.sort == Sort::File) {
        let code = main.things.iter().all(|thing| matches!(thing.sort, Sort::Code | Sort::File));
        main.places.extend(when.things.iter().map(Thing::place).filter(|_| code));
        return code || when.things.is_empty();
    }
    // `when pushing, never force push`, `never --no-verify when you commit`
    let within = |thing: &Thing, other: &Thing| {
        thing.slug.contains(&other.slug)
            || first_command(&other.predicate).is_some_and(|run| runs(&thing.predicate, run))
    };
    // `when running Ruby, never use the system Ruby` speaks of no other.
    let same = |thing: &Thing, other: &Thing| {
        let programs = first_command(&thing.predicate).and_then(|run| run.split(' ').next()).unwrap_or_default();
        let run = first_command(&other.predicate).and_then(|run| run.split(' ').next());
        run.is_some_and(|run| programs.split('|').any(|program| program == run))
    };
    main.things.iter().all(|thing| when.things.iter().any(|other| within(thing, other) || same(thing, other)))
}

/// The first of the commands that a test finds.
fn first_command(test: &Predicate) -> Option<&str> {
    match test {
        Predicate::Command(test) => Some(&test.run),
        Predicate::Any(parts) => parts.iter().find_map(first_command),
        _ => None,
    }
}

/// Whether one of the commands that a test finds begins so.
fn runs(test: &Predicate, start: &str) -> bool {
    match test {
        Predicate::Command(test) => test.run.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ')),
        Predicate::Any(parts) => parts.iter().any(|part| runs(part, start)),
        _ => false,
    }
}

/// Whether a clause says something of which nothing can be told.
fn is_unclear(clause: &Clause<'_, '_>, lexicon: &Lexicon, languages: &[String]) -> bool {
    let said = clause.units.iter().filter(|unit| unit.what == What::Word).count();
    if said == 0 {
        // `do not commit if it fails`: what it is stands elsewhere.
        return clause.has(Cue::Fail) && !clause.units.iter().any(Unit::is_content);
    }
    // `never run the tests without a timeout` says all.
    if clause.role == Role::Before && clause.units.iter().any(|unit| unit.text.starts_with("timeout")) {
        return false;
    }
    // `when heavily editing X`: how much that is does not show.
    let some = ["heavily", "significantly", "substantially", "extensively", "majorly", "frequently", "heavy"];
    if clause.units.iter().any(|unit| some.contains(&&*unit.lower())) {
        return true;
    }
    let verb = matches!(clause.role, Role::Unless | Role::Outside).then_some(Cue::Edit);
    let mut named = name(clause, lexicon, languages, verb, false);
    complete(&mut named, Some(clause), lexicon);
    let told = !named.things.is_empty() || !named.places.is_empty() || clause.has(Cue::OpenItems);
    // `unless the tests were built a moment ago` excepts no tests.
    let moment =
        named.things.first().is_some_and(|thing| thing.sort == Sort::File && !thing.literal) && named.places.is_empty();
    let code = clause.role == Role::Outside && named.things.iter().any(|thing| thing.sort == Sort::Code);
    !told || code || clause.role == Role::Unless && moment && said > 2
}
