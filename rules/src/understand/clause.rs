//! A sentence as statements, and a statement as clauses: who does what, and before, after, unless or instead of what.
//!
//! This is a grammar of cues, not of words: it knows where a clause begins from the cue in front of it and where a
//! fronted clause ends from the comma or the next cue, and leaves everything between to be named by the lexicon.

use super::name::VERBS;
use super::trim::{
    bring_exception, drop_concession, drop_reason, drop_remedy, drop_spellings, example, front_aside, front_run,
    front_verdict, spelled_late, written_pair,
};
use super::unit::{Cues, Unit, What};
use crate::lexicon::{Cue, Sense};
use std::ops::Range;

/// The part that a clause plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Before,
    After,
    When,
    While,
    Unless,
    Outside,
    Until,
    Between,
    Instead,
}

/// A clause.
#[derive(Debug, Clone)]
pub(super) struct Clause<'a, 'l> {
    pub role: Role,
    pub units: Vec<Unit<'a, 'l>>,
    /// Those of its units.
    cues: Cues,
}

impl<'a, 'l> Clause<'a, 'l> {
    pub(super) fn of(role: Role, units: Vec<Unit<'a, 'l>>) -> Self {
        let cues = Cues::in_units(&units);
        Self { role, units, cues }
    }

    pub(super) fn has(&self, cue: Cue) -> bool {
        self.cues.has(cue)
    }

    /// The programs that it speaks of piping into, or none where it says only that something is piped.
    pub(super) fn piped(&self) -> Option<Vec<String>> {
        const SINKS: [&str; 17] = [
            "head", "tail", "less", "more", "grep", "rg", "sed", "awk", "jq", "cat", "tee", "wc", "sort", "xargs",
            "bash", "sh", "zsh",
        ];
        let (_, begin) = self.pipe()?;
        let sinks = self.units.get(begin..).unwrap_or_default().iter();
        let sinks = sinks.take_while(|unit| !matches!(unit.text, "(" | "." | ";"));
        let names = sinks.filter(|unit| unit.literal || SINKS.contains(&unit.text));
        let names: Vec<_> = names.map(|unit| unit.text.trim_start_matches(['|', ' ']).to_owned()).collect();
        let program = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        // `never pipe output into the clipboard` names no program.
        let told = !names.is_empty() || begin == self.units.len();
        (told && names.iter().all(program)).then_some(names)
    }

    /// The scopes that it says commits have: `commit scopes: app, docs`.
    pub(super) fn scopes(&self) -> Vec<String> {
        let scope = |unit: &Unit<'_, '_>| matches!(&*unit.lower(), "scope" | "scopes");
        let Some(at) = self.units.iter().position(scope) else { return Vec::new() };
        let of_commits = self.units.iter().any(|unit| unit.lower().contains("commit"));
        let listed = self.units.get(at + 1..).filter(|_| of_commits).unwrap_or_default();
        let name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.' | '*'));
        listed.iter().filter(|unit| unit.literal && name(unit.text)).map(|unit| unit.text.to_owned()).collect()
    }

    /// What is piped, where it says that something is.
    pub(super) fn unpiped(&self) -> Option<Self> {
        let (at, sinks) = self.pipe()?;
        let units = self.units.iter().take(sinks).enumerate().filter(|(place, _)| *place != at);
        Some(Self::of(self.role, units.map(|(_, unit)| unit.clone()).collect()))
    }

    /// What it forbids or complains of, where it tells behind a comma what to do, or what there is: `never push to main, open
    /// a pull request`, `don't call a(), it's b() now`.
    pub(super) fn forbidding(&self) -> Option<Self> {
        const REASONS: [&str; 9] = ["the", "this", "it", "they", "they're", "these", "i", "i'm", "otherwise"];
        const DONE: [&str; 30] = [
            "open",
            "create",
            "make",
            "run",
            "write",
            "submit",
            "ask",
            "add",
            "put",
            "file",
            "go",
            "change",
            "regenerate",
            "update",
            "take",
            "return",
            "pass",
            "call",
            "keep",
            "leave",
            "throw",
            "raise",
            "import",
            "see",
            "check",
            "try",
            "we",
            "it's",
            "that's",
            "there's",
        ];
        let (forbids, complains) = (self.has(Cue::Never), self.has(Cue::Complaint));
        let never = self.units.iter().position(|unit| unit.is_any(&[Cue::Never, Cue::Complaint]))?;
        // `X is unmaintained: Y for all new code` says what is forbidden before it says that it is.
        let verdict = self.units.get(never).is_some_and(|unit| {
            let text = unit.lower();
            ["is ", "are ", "isn't ", "aren't ", "has ", "have "].iter().any(|head| text.starts_with(head))
        });
        let told = self.units.iter().take(never).any(|unit| unit.literal || unit.is_content())
            && !self.units.iter().skip(never).any(|unit| unit.text == "there");
        let ends = |unit: &&Unit<'_, '_>| matches!(unit.text, "," | ":" | "—" | "–" | ";");
        if let (true, true, Some(end)) = (verdict, told, self.units.iter().skip(never).position(|unit| ends(&unit))) {
            return Some(Self::of(self.role, self.units.iter().take(never + end).cloned().collect()));
        }
        let mut commas = self.units.iter().enumerate().skip(never).filter(|(_, unit)| unit.text == ",");
        let (comma, _) = commas.next()?;
        let [first, rest @ ..] = self.units.get(comma + 1..)? else { return None };
        let word = first.lower();
        let done =
            DONE.contains(&word.split([' ', '\u{2019}']).next().unwrap_or_default()) || word.starts_with("it\u{2019}");
        // `no force unwraps, the app crashed again`: a sentence of its own, with more words than a list has.
        let words = rest.iter().filter(|unit| unit.what == What::Word || unit.is_any(&VERBS)).count();
        let done = done || REASONS.contains(&&*word) && words > 1;
        let urged = complains && !forbids && first.is_any(&[Cue::Always, Cue::Use, Cue::Must]);
        // `never commit, push or merge` forbids all three.
        let listed = commas.next().is_some() || rest.first().is_some_and(|unit| unit.is_any(&[Cue::Or, Cue::And]));
        let before = self.units.get(..comma)?;
        let named = before.iter().any(|unit| unit.literal || unit.is_content());
        // `no further uses of logrus, log/slog is what new code uses`
        let tells = first.literal
            && rest.first().is_some_and(|unit| {
                matches!(
                    unit.text,
                    "is" | "are" | "does" | "has" | "already" | "was" | "handles" | "decides" | "covers"
                )
            });
        ((!first.literal && (done || urged) || tells) && !listed && named).then(|| Self::of(self.role, before.to_vec()))
    }

    /// What it forbids, where it tells before a comma how things are: `this box has podman, there is no docker`, `we replaced yapf by
    /// ruff, so don't call the old one`.
    pub(super) fn told_before(&self) -> Option<Self> {
        let forbids = |unit: &Unit<'_, '_>| unit.is_any(&[Cue::Never, Cue::No]);
        let never = self.units.iter().position(forbids)?;
        let comma = self.units.get(..never)?.iter().rposition(|unit| unit.text == ",")?;
        let (before, behind) = (self.units.get(..comma)?, self.units.get(never + 1..)?);
        let leads = |unit: &Unit<'_, '_>| {
            let told =
                matches!(&*unit.lower(), "so" | "there" | "is" | "are" | "please" | "and" | "we" | "you" | "just");
            told || unit.is_filler() || unit.is(Cue::Reason)
        };
        let between = self.units.get(comma + 1..never)?;
        let led = between.iter().all(leads);
        let so = between.first().is_some_and(|unit| matches!(unit.text, "so" | "therefore" | "hence"));
        // `we write fakes by hand, so MockK is not welcome`
        let verdict = between.iter().any(|unit| unit.is_content() || unit.literal);
        // `in tests, no mocks`: where it is meant.
        let tells = |two: &[Unit<'_, '_>]| match two {
            [what, verb] => {
                let verb = verb.lower();
                let which = matches!(what.text, "that" | "which" | "who" | "what" | ",");
                !which
                    && matches!(&*verb, "is" | "are" | "has" | "have" | "does" | "replaced" | "comes" | "come" | "goes")
            }
            _ => false,
        };
        let told = (so || before.windows(2).any(tells)) && before.iter().any(|unit| unit.is_content() || unit.literal);
        let object = behind.iter().take_while(|unit| unit.what != What::Comma);
        let object: Vec<_> = object.filter(|unit| !unit.is_filler() && !unit.is_any(&VERBS)).collect();
        let points = self.units.get(comma..)?.iter().any(|unit| unit.is(Cue::This));
        let names = object.first().is_some_and(|first| !first.is_any(&[Cue::In, Cue::To, Cue::Outside]))
            && object.iter().any(|unit| unit.is_content() || unit.literal || unit.what == What::Word);
        (told && !points && (led && names || verdict))
            .then(|| Self::of(self.role, self.units.iter().skip(comma + 1).cloned().collect()))
    }

    /// Where it says that something is piped, and where it begins to say into what.
    fn pipe(&self) -> Option<(usize, usize)> {
        let says = |unit: &Unit<'_, '_>| {
            unit.text.starts_with(['p', 'P']) && matches!(&*unit.lower(), "pipe" | "piping" | "piped")
        };
        let at = self.units.iter().position(says)?;
        // `never use head or pipe the output` forbids more than that.
        let before = self.units.get(..at)?.iter().rev().find(|unit| !unit.is_filler() && unit.text != "to");
        let forbids = [Cue::Never, Cue::No, Cue::Complaint];
        before.filter(|unit| unit.is_any(&forbids))?;
        let into = |unit: &Unit<'_, '_>| matches!(unit.text, "to" | "into" | "through" | "in");
        let sinks = self.units.iter().skip(at).position(into).map_or(self.units.len(), |to| at + to + 1);
        Some((at, sinks))
    }
}

/// One thing said, with the clauses around it.
#[derive(Debug, Clone)]
pub(super) struct Statement<'a, 'l> {
    pub clauses: Vec<Clause<'a, 'l>>,
    /// The words that join them.
    joints: Vec<Unit<'a, 'l>>,
    pub range: Range<usize>,
    /// Those of its clauses and of the words that join them.
    cues: Cues,
}

impl<'a, 'l> Statement<'a, 'l> {
    /// The clause with this part, if there is one.
    pub(super) fn clause(&self, role: Role) -> Option<&Clause<'a, 'l>> {
        self.clauses.iter().find(|clause| clause.role == role)
    }

    /// All the units of its clauses.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit<'a, 'l>> {
        self.clauses.iter().flat_map(|clause| &clause.units)
    }

    /// The word that joins a clause with this cue to the rest.
    pub(super) fn joint(&self, cue: Cue) -> Option<&'a str> {
        self.joints.iter().find(|unit| unit.is(cue)).map(|unit| unit.text)
    }

    pub(super) fn has(&self, cue: Cue) -> bool {
        self.cues.has(cue)
    }

    /// Whether it puts one thing over another, and does not say that it is used.
    pub(super) fn ranks(&self) -> bool {
        self.joints.iter().any(|unit| unit.text.eq_ignore_ascii_case("over")) && !self.has(Cue::Use)
    }
}

pub(super) const STANCES: [Cue; 6] = [Cue::Never, Cue::Always, Cue::Must, Cue::Use, Cue::Only, Cue::Told];
pub(super) const JOINTS: [Cue; 9] = [
    Cue::Before,
    Cue::After,
    Cue::When,
    Cue::While,
    Cue::Unless,
    Cue::Outside,
    Cue::Until,
    Cue::Between,
    Cue::InsteadOf,
];

/// What a part of a sentence between two breaks holds.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    stance: bool,
    never: bool,
    content: bool,
}

impl Part {
    fn of(units: &[Unit<'_, '_>]) -> Self {
        Self {
            stance: units.iter().any(|unit| unit.is_any(&STANCES)) || forbids(units),
            never: units.iter().any(|unit| unit.is(Cue::Never)),
            content: units.iter().any(|unit| unit.is_content() || unit.what == What::Word),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            stance: self.stance || other.stance,
            never: self.never || other.never,
            content: self.content || other.content,
        }
    }

    fn stands(self) -> bool {
        self.stance && self.content
    }
}

/// Whether a part begins with `no` or `never`.
pub(super) fn forbids(units: &[Unit<'_, '_>]) -> bool {
    units.first().is_some_and(|unit| unit.is_any(&[Cue::No, Cue::Never]))
}

/// Whether a word asks for something to be done: behind what is forbidden and a colon, it is what to do instead.
pub(super) fn urges(unit: &Unit<'_, '_>) -> bool {
    unit.is_any(&[Cue::Run, Cue::Edit, Cue::Create, Cue::Place, Cue::Read])
        && !unit.literal
        && !unit.text.ends_with("ing")
}

/// Whether a part says what to do instead of what stands before it: `…, simply run X`, `…, regenerate it with X`.
fn turns(units: &[Unit<'_, '_>]) -> bool {
    let first = units.iter().find(|unit| !unit.is_filler());
    let adverb = units.first().is_some_and(Unit::is_filler);
    let bare = |unit: &&Unit<'_, '_>| !unit.text.ends_with("ing");
    let means = units.iter().any(|unit| matches!(unit.text, "with" | "via" | "instead"));
    let instead = units.iter().rfind(|unit| unit.what != What::Mark).is_some_and(|unit| unit.text == "instead");
    let only = units.first().is_some_and(|unit| matches!(unit.text, "just" | "simply")) && units.len() > 2;
    instead
        || only
        || first
            .filter(bare)
            .is_some_and(|unit| (unit.is(Cue::Run) && adverb) || (means && !unit.literal && unit.what != What::Word))
}

/// Each is looked for in the whole sentence: a sentence with more parentheses that count is a list of something else.
const MAX_ASIDES: usize = 16;

/// Splits a sentence into statements: at a comma or a conjunction with a stance on either side.
pub(super) fn statements<'a, 'l>(mut units: Vec<Unit<'a, 'l>>) -> Vec<Statement<'a, 'l>> {
    let mut found = Vec::new();
    drop_spellings(&mut units);
    drop_reason(&mut units);
    bring_exception(&mut units);
    drop_remedy(&mut units);
    drop_concession(&mut units);
    front_verdict(&mut units);
    front_run(&mut units);
    front_aside(&mut units);
    let shown = written_pair(&mut units);
    for _ in 0..MAX_ASIDES {
        let Some((open, close)) = example(&units) else { break };
        units.drain(open..=close);
    }
    if let Some((joint, open, close)) = spelled_late(&units) {
        // `format before committing (`make fmt`)`: how it is written belongs to what is done.
        if let Some(part) = units.get_mut(joint..=close) {
            part.rotate_left(open - joint);
        }
    }
    for _ in 0..MAX_ASIDES {
        let Some((open, close)) = aside(&units) else { break };
        let inside: Vec<_> = units.drain(open..=close).collect();
        let inside = inside.into_iter().filter(|unit| !matches!(unit.text, "(" | ")" | "（" | "）")).collect();
        found.extend(sequence(inside));
    }
    let more = pairs(&mut units).or_else(|| opposed(&mut units));
    let more = more.into_iter().chain(shown).flat_map(sequence);
    found.splice(0..0, sequence(units).into_iter().chain(more));
    found
}

/// Takes apart what is to be done and what is never to be: `after a change run X, but never Y`.
fn opposed<'a, 'l>(units: &mut Vec<Unit<'a, 'l>>) -> Option<Vec<Unit<'a, 'l>>> {
    let joins = |unit: &Unit<'_, '_>| unit.is(Cue::And) || unit.text == "but";
    // `one test may be run, but ask before running all`
    let asks = |unit: Option<&Unit<'_, '_>>| unit.is_some_and(|unit| unit.is(Cue::Ask));
    let asked = units.iter().position(|unit| unit.text == "but").filter(|but| {
        let done = units.get(but + 1).is_some_and(|unit| matches!(unit.text, "do" | "always" | "please"));
        asks(units.get(but + 1 + usize::from(done)))
    });
    if let Some(but) = asked {
        return Some(units.split_off(but).into_iter().skip(1).collect());
    }
    let at = units.windows(2).position(|two| matches!(two, [join, never] if joins(join) && never.is(Cue::Never)))?;
    let (before, behind) = units.split_at_checked(at)?;
    let but = behind.first().is_some_and(|unit| unit.text == "but");
    // `commit but never push`
    let urged = before.iter().position(|unit| urges(unit) && !unit.text.is_empty());
    // `capitalise the title and leave out the full stop`
    let property = |unit: &Unit<'_, '_>| unit.senses().iter().any(|sense| matches!(sense, Sense::Property(_)));
    let demands =
        before.first().is_some_and(property) || before.iter().any(|unit| unit.is_any(&[Cue::Must, Cue::Always]));
    let done = urged.or((but || demands).then_some(0))?;
    let names = |units: &[Unit<'_, '_>]| units.iter().any(Unit::is_content);
    if !names(before.get(done..)?) || !names(behind) || before.iter().any(|unit| unit.is(Cue::Never)) {
        return None;
    }
    // What is never done then is forbidden then, and no longer.
    let then = before.first().is_some_and(|unit| unit.is_any(&[Cue::When, Cue::While, Cue::After]));
    let fronted = before.iter().position(|unit| unit.text == ",").filter(|_| then && but);
    let circumstance: Vec<_> = before.iter().take(fronted.map_or(0, |at| at + 1)).cloned().collect();
    let behind = units.split_off(at);
    Some(circumstance.into_iter().chain(behind.into_iter().skip(1)).collect())
}

/// Takes apart what is preferred to what, pair by pair: `prefer rg over grep and fd over find`.
fn pairs<'a, 'l>(units: &mut Vec<Unit<'a, 'l>>) -> Option<Vec<Unit<'a, 'l>>> {
    let over = |unit: &Unit<'_, '_>| unit.is(Cue::InsteadOf);
    let first = units.iter().position(over)?;
    let second = units.iter().skip(first + 1).position(over)? + first + 1;
    let joins = |unit: &Unit<'_, '_>| unit.is(Cue::And) || matches!(unit.text, "," | ";");
    let cut = (first + 1..second).rev().find(|at| units.get(*at).is_some_and(joins))?;
    let used = units.iter().take(first).find(|unit| unit.is(Cue::Use))?.clone();
    let second = units.split_off(cut);
    let again = second.iter().any(|unit| unit.is_any(&STANCES));
    // It is said once, and meant here, too.
    let start = second.get(1).map_or(used.range.end, |unit| unit.range.start);
    let mut used = used;
    used.range = start..start;
    Some((!again).then_some(used).into_iter().chain(second.into_iter().skip(1)).collect())
}

pub(super) fn opens(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.text, "(" | "（")
}

pub(super) fn closes(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.text, ")" | "）")
}

/// Where a parenthesis stands that says something of its own: what else is done, and when.
fn aside(units: &[Unit<'_, '_>]) -> Option<(usize, usize)> {
    let open = |from: usize| units.iter().skip(from).position(opens).map(|at| at + from);
    let mut from = 0;
    while let Some(at) = open(from) {
        let close = units.iter().skip(at).position(closes)? + at;
        let inside = units.get(at + 1..close).unwrap_or_default();
        let joins = inside.iter().any(|unit| unit.is_any(&JOINTS));
        let leads = inside.iter().take(2).any(|unit| unit.is_any(&STANCES) || unit.is_any(&[Cue::And, Cue::Run]));
        let instead = at > 0 && inside.len() > 1 && inside.first().is_some_and(|unit| unit.is(Cue::Use));
        if (inside.len() > 3 || instead) && leads && (joins || inside.iter().any(Unit::is_content)) {
            return Some((at, close));
        }
        from = close + 1;
    }
    None
}

/// Splits a sentence without parentheses.
fn sequence<'a, 'l>(units: Vec<Unit<'a, 'l>>) -> Vec<Statement<'a, 'l>> {
    let breaks = (units.iter().enumerate())
        .filter(|(_, unit)| {
            matches!(unit.what, What::Comma | What::Mark) || unit.is_any(&[Cue::And, Cue::Then, Cue::Reason])
        })
        .map(|(at, _)| at)
        .chain([units.len()]);
    let mut cuts = Vec::new();
    let (mut start, mut from) = (0, 0);
    let mut left = Part::default();
    for at in breaks {
        let segment = units.get(from..at).unwrap_or_default();
        let right = Part::of(segment);
        let fronted = units.get(start).is_some_and(|unit| unit.is_any(&JOINTS) || unit.is(Cue::In));
        let early = segment.iter().take(2).any(|unit| unit.is_any(&STANCES)) || segment.iter().any(Unit::is_unspaced);
        let after_comma =
            from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, "," | "(" | "-" | "--" | "—" | "–"));
        let dash = from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, "-" | "--" | "—" | "–"));
        let contrary =
            after_comma && (left.content && right.content && forbids(segment) || left.never && turns(segment));
        let colon = from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, ":" | "："));
        let begins =
            |unit: &Unit<'_, '_>| !unit.literal && unit.text.starts_with(char::is_uppercase) && !unit.is_content();
        let named = || units.get(start..from).unwrap_or_default().iter().any(Unit::is_content);
        let conditioned = colon
            && left.stands()
            && left.never
            && segment.first().is_some_and(|unit| {
                unit.is_any(&JOINTS) || named() && urges(unit) || segment.len() > 2 && begins(unit)
            });
        // `use X - not Y` goes on to say what is not to be used.
        let goes_on = segment.first().is_some_and(|unit| unit.is(Cue::Not));
        if !fronted
            && (conditioned
                || left.stands() && right.stands() && early
                || contrary
                || dash && left.stands() && !goes_on)
        {
            cuts.push(from);
            start = from;
            left = right;
        } else {
            left = left.and(right);
        }
        from = at + 1;
        let reason = units.get(at).is_some_and(|unit| unit.is(Cue::Reason));
        if reason && !fronted && left.stands() {
            cuts.push(at);
            start = at;
            left = Part::default();
        }
    }
    let mut found = Vec::new();
    let mut rest = units;
    for cut in cuts.into_iter().rev() {
        let part = rest.split_off(cut);
        // Why something is so is no rule of its own.
        if !part.first().is_some_and(|unit| unit.is(Cue::Reason)) {
            found.push(statement(part));
        }
    }
    found.push(statement(rest));
    found.reverse();
    found.retain(|statement| !statement.range.is_empty());
    found
}

/// A clause while it is read.
#[derive(Debug)]
struct Open<'a, 'l> {
    clause: Clause<'a, 'l>,
    /// Whether it holds anything but cues.
    said: bool,
    /// Whether it names something that a rule can be about.
    named: bool,
}

impl<'a, 'l> Open<'a, 'l> {
    fn of(role: Role) -> Self {
        Self { clause: Clause::of(role, Vec::new()), said: false, named: false }
    }

    /// Whether it says what is done, to whatever: `before making changes, …`.
    fn acts(&self) -> bool {
        self.clause.units.iter().any(|unit| unit.is_any(&VERBS))
    }

    fn push(&mut self, unit: Unit<'a, 'l>) {
        self.named |= unit.is_content();
        self.said |= self.named || unit.what == What::Word;
        self.clause.units.push(unit);
    }
}

/// Splits a statement into clauses.
fn statement<'a, 'l>(units: Vec<Unit<'a, 'l>>) -> Statement<'a, 'l> {
    // What joins it to others is no part of its quote.
    let joins = |unit: &&Unit<'_, '_>| {
        matches!(unit.what, What::Comma | What::Mark) || unit.is_any(&[Cue::And, Cue::Or, Cue::Then])
    };
    let said = || units.iter().filter(|unit| !joins(unit));
    let range = match (said().next(), said().next_back()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    };
    let mut clauses: Vec<Clause<'a, 'l>> = Vec::new();
    let mut open = Open::of(Role::Main);
    open.clause.units.reserve(units.len());
    let mut joints = Vec::new();
    let mut main_said = false;
    let mut lists = lists(&units);
    lists.extend(enclosed(&units));
    for (at, unit) in units.into_iter().enumerate() {
        let role = open.clause.role;
        if role == Role::Main && is_followed(&unit) && is_change(&open.clause.units) {
            // `a new page requires an entry in …`: what stands in front is when.
            clauses.push(Clause { role: Role::After, ..std::mem::replace(&mut open, Open::of(Role::Main)).clause });
            continue;
        }
        if let Some(next) = joint(&unit, &open) {
            main_said |= role == Role::Main && open.named;
            let timed = matches!(next, Role::Before | Role::After | Role::When);
            let postponed = unit.is_unspaced() && timed && role == Role::Main && open.said;
            if postponed || unit.is(Cue::Rejected) {
                // The cue stands behind its clause, and what follows is the main one.
                let clause = std::mem::replace(&mut open, Open::of(Role::Main)).clause;
                clauses.push(Clause { role: next, ..clause });
            } else {
                clauses.push(std::mem::replace(&mut open, Open::of(next)).clause);
            }
            joints.push(unit);
            continue;
        }
        let returns = role != Role::Main
            && (role == Role::Instead && unit.text == ")"
                || (open.said || open.acts() || matches!(unit.text, ":" | "：") && !open.clause.units.is_empty())
                    && unit.what == What::Comma
                    && role != Role::Between
                    && (main_said || !lists.contains(&at))
                // `before using X`: that is what is done before.
                || !main_said && unit.is_any(&STANCES) && !(unit.text == "using" && open.clause.units.is_empty())
                || !main_said && open.said && unit.is_any(&[Cue::Then, Cue::Run]) && !unit.text.ends_with("ing"));
        if returns {
            clauses.push(std::mem::replace(&mut open, Open::of(Role::Main)).clause);
        }
        open.push(unit);
    }
    clauses.push(open.clause);
    clauses.retain(|clause| !clause.units.is_empty());
    let clauses: Vec<_> =
        joined(clauses).into_iter().map(|clause| Clause { cues: Cues::in_units(&clause.units), ..clause }).collect();
    let cues = clauses.iter().fold(Cues::in_units(&joints), |all, clause| all.and(clause.cues));
    Statement { clauses, joints, range, cues }
}

/// The commas in parentheses: `when running Python commands (pytest, mypy), …`.
fn enclosed(units: &[Unit<'_, '_>]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for (at, unit) in units.iter().enumerate() {
        depth = if opens(unit) { depth + 1 } else { depth.saturating_sub(usize::from(closes(unit))) };
        found.extend((depth > 0 && unit.text == ",").then_some(at));
    }
    found
}

/// The commas between things that are listed in front of what is to be done: `before running A, B or C, run D`.
fn lists(units: &[Unit<'_, '_>]) -> Vec<usize> {
    let comma = |at: &usize| units.get(*at).is_some_and(|unit| unit.text == ",");
    let urges = |at: usize| units.iter().skip(at + 1).find(|unit| !unit.is_filler()).is_some_and(urges);
    let Some(last) = (0..units.len()).rev().find(|at| comma(at) && urges(*at)) else { return Vec::new() };
    // `before changing A, B, or C, read D`
    let closed =
        (0..last).rev().find(|at| comma(at) && units.get(at + 1).is_some_and(|next| next.is_any(&[Cue::And, Cue::Or])));
    let goes_on =
        |at: &usize| closed.is_some_and(|closed| *at <= closed) || units.get(at + 1).is_some_and(|next| next.literal);
    (0..last).filter(comma).filter(goes_on).collect()
}

/// Whether what stands in front is when something is due: `a schema change requires …`, `… is followed by …`.
fn is_followed(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.text, "requires" | "require" | "followed by" | "demands" | "demand" | "calls for" | "call for")
}

/// Whether a clause so far names a change, as `schema changes` and `adding a page` do.
fn is_change(units: &[Unit<'_, '_>]) -> bool {
    let change = |unit: &Unit<'_, '_>| {
        let text = unit.lower();
        let first = text.split(' ').next().unwrap_or_default();
        matches!(first, "changes" | "change" | "adding" | "changing" | "editing" | "modifying" | "edits")
    };
    units.len() > 1 && units.iter().any(change) && !units.iter().any(|unit| unit.is_any(&STANCES))
}

/// The part of the clause that this unit begins, if it begins one.
fn joint(unit: &Unit<'_, '_>, open: &Open<'_, '_>) -> Option<Role> {
    // `commits that are not signed off`: which they are.
    let which = matches!(open.clause.units.as_slice(), [.., that, are]
        if matches!(that.text, "that" | "which") && matches!(are.text, "is" | "are"));
    let role = |cue| match cue {
        Cue::Not if which => None,
        Cue::Before => Some(Role::Before),
        Cue::After => Some(Role::After),
        Cue::When => Some(Role::When),
        Cue::While => Some(Role::While),
        Cue::Unless => Some(Role::Unless),
        Cue::Outside => Some(Role::Outside),
        Cue::Until => Some(Role::Until),
        Cue::Between => Some(Role::Between),
        Cue::InsteadOf | Cue::Rejected => Some(Role::Instead),
        Cue::Not
            if open.named
                || open
                    .clause
                    .units
                    .last()
                    .is_some_and(|last| last.what == What::Comma || matches!(last.text, "(" | "-")) =>
        {
            Some(Role::Instead)
        }
        _ => None,
    };
    unit.senses().iter().find_map(|sense| match sense {
        Sense::Cue(cue) => role(*cue),
        _ => None,
    })
}

/// Brings the pieces of the main clause together, in order, at the front.
fn joined<'a, 'l>(clauses: Vec<Clause<'a, 'l>>) -> Vec<Clause<'a, 'l>> {
    if clauses.iter().skip(1).all(|clause| clause.role != Role::Main)
        && clauses.first().is_some_and(|clause| clause.role == Role::Main)
    {
        return clauses;
    }
    let (main, mut others): (Vec<_>, Vec<_>) = clauses.into_iter().partition(|clause| clause.role == Role::Main);
    let units = main.into_iter().flat_map(|clause| clause.units).collect();
    others.insert(0, Clause::of(Role::Main, units));
    others
}
