//! What a sentence holds beside what it says, before it is split: reasons, concessions, examples and remedies are taken out, and
//! what stands too late is brought to where it belongs.

use super::clause::{JOINTS, STANCES, closes, forbids, opens, urges};
use super::name::VERBS;
use super::token::Form;
use super::unit::{Unit, What};
use crate::lexicon::Cue;

/// Takes apart what shows by how it is written what is meant: `no space before the size: CHAR(8), not CHAR (8)` says no more than
/// its end does, and `import from the source (e.g. @ui/button, not @ui)` says both.
pub(super) fn written_pair<'a, 'l>(units: &mut Vec<Unit<'a, 'l>>) -> Option<Vec<Unit<'a, 'l>>> {
    let text =
        |unit: &Unit<'_, '_>| unit.literal && unit.what != What::Literal(Form::Quote) && !unit.text.starts_with('-');
    let pair = |units: &[Unit<'_, '_>]| match units {
        [one, comma, not, other, ..] if comma.text == "," => text(one) && not.is(Cue::Not) && text(other),
        [one, not, other, ..] => text(one) && not.is(Cue::Not) && text(other),
        _ => false,
    };
    let at = (1..units.len()).find(|at| units.get(*at..).is_some_and(pair))?;
    let (before, behind) = units.split_at_checked(at)?;
    let whole = behind.iter().skip(3).skip_while(|unit| unit.literal).all(|unit| unit.what == What::Mark);
    if before.iter().any(|unit| unit.literal) || !whole {
        return None;
    }
    if before.last().is_some_and(|unit| matches!(unit.text, ":" | "：")) {
        units.drain(..at);
        return None;
    }
    let open = before.iter().rposition(opens).filter(|open| at - open < 5)?;
    let closed = units.iter().rposition(closes)?;
    let shown = units.get(at..closed)?.to_vec();
    if units.iter().take(open).any(|unit| unit.is_any(&[Cue::Not, Cue::InsteadOf])) {
        // The two are what the rest calls by their kinds.
        *units = shown;
        return None;
    }
    units.drain(open..=closed);
    Some(shown)
}

/// Where a parenthesis gives examples of what is named in front of it, or of what cannot be told by them alone.
pub(super) fn example(units: &[Unit<'_, '_>]) -> Option<(usize, usize)> {
    let at = units.windows(2).position(|two| {
        let lead = two.get(1).map(Unit::lower).unwrap_or_default();
        two.first().is_some_and(opens)
            && matches!(lead.trim_end_matches([',', '.']), "e.g" | "eg" | "for" | "such" | "like" | "i.e")
    })?;
    let close = units.iter().skip(at).position(closes)? + at;
    let inside = units.get(at + 1..close).unwrap_or_default();
    let outside = || units.iter().take(at).chain(units.iter().skip(close + 1));
    let written = outside().any(|unit| unit.literal) || outside().any(Unit::is_content);
    let whole = inside.iter().any(|unit| unit.literal && unit.text.contains(' '));
    let shown = inside.iter().any(|unit| unit.literal)
        && !inside.iter().any(|unit| unit.is(Cue::Not) || unit.is(Cue::InsteadOf));
    let options =
        inside.iter().any(|unit| unit.what == What::Literal(Form::Flag) || unit.literal && unit.text.starts_with('-'));
    // `set a timeout when running the tests (e.g. `timeout: 60000`)`
    let keyed =
        inside.iter().any(|unit| unit.literal && unit.text.split(' ').next().is_some_and(|key| key.ends_with(':')));
    let timed = inside.iter().skip(1).take(3).any(|unit| unit.is_any(&[Cue::After, Cue::Before, Cue::When]));
    // Of commands that are forbidden by their kind, the examples are what can be told.
    let commands = inside.iter().any(|unit| unit.what == What::Command && unit.literal)
        && outside().any(|unit| unit.is(Cue::Never))
        && outside().any(|unit| matches!(&*unit.lower(), "commands" | "command" | "operations" | "команды"));
    (shown
        && !commands
        && (options && !outside().any(|unit| unit.literal)
            || (timed || keyed && whole) && outside().any(Unit::is_content)
            || outside().any(|unit| unit.literal)
            || whole && !written
            || whole && outside().any(|unit| unit.is_any(&[Cue::Never]))))
    .then_some((at, close))
}

/// Takes out the parentheses that hold nothing but how the known thing in front of them is written: `named exports
/// (`export const`)`.
pub(super) fn drop_spellings(units: &mut Vec<Unit<'_, '_>>) {
    if !units.iter().any(opens) || units.iter().any(|unit| unit.is(Cue::Never)) {
        return;
    }
    let written = |four: &[Unit<'_, '_>]| {
        matches!(four, [named, open, code, close]
            if named.is_content() && !named.literal && opens(open) && code.what == What::Literal(Form::Code) && closes(close))
    };
    let mut spelled = vec![false; units.len()];
    for (at, _) in units.windows(4).enumerate().filter(|(_, four)| written(four)) {
        spelled.get_mut(at + 1..at + 4).unwrap_or_default().fill(true);
    }
    let mut spelled = spelled.into_iter();
    units.retain(|_| !spelled.next().unwrap_or_default());
}

/// Brings an exception in parentheses to what it is an exception of: `avoid X - use Y instead (except in tests)`.
pub(super) fn bring_exception(units: &mut Vec<Unit<'_, '_>>) {
    let excepts = |unit: &Unit<'_, '_>| unit.is(Cue::Unless) && unit.lower().starts_with("except");
    let at = units.windows(2).position(|two| matches!(two, [open, except] if opens(open) && excepts(except)));
    let Some(open) = at else { return };
    let Some(close) = units.iter().skip(open).position(closes).map(|at| at + open) else { return };
    let turn = |unit: &Unit<'_, '_>| matches!(unit.text, "-" | "–" | "—" | "--" | ";");
    let Some(turn) = units.iter().take(open).position(turn) else { return };
    let inside: Vec<_> = units.drain(open..=close).filter(|unit| !opens(unit) && !closes(unit)).collect();
    let said = inside.iter().position(|unit| unit.text == "where").unwrap_or(inside.len());
    units.splice(turn..turn, inside.into_iter().take(said));
}

/// Takes out by what means something is avoided: `avoid slow renders by using useMemo` forbids no such call.
pub(super) fn drop_remedy(units: &mut Vec<Unit<'_, '_>>) {
    // `classes end with Error, never with Exception`: the first half says it all.
    let texts = |unit: &Unit<'_, '_>| unit.is_any(&[Cue::StartsWith, Cue::EndsWith]);
    let other = |three: &[Unit<'_, '_>]| {
        let [comma, never, with] = three else { return false };
        comma.what == What::Comma && never.is_any(&[Cue::Never, Cue::Not]) && with.text == "with"
    };
    // `run the linter before committing, never after`: so does it here.
    let late = |units: &[Unit<'_, '_>]| {
        let [comma, never, when, rest @ ..] = units else { return false };
        comma.what == What::Comma
            && never.is_any(&[Cue::Never, Cue::Not])
            && when.is_any(&[Cue::Before, Cue::After])
            && rest.iter().all(|unit| unit.what == What::Mark)
    };
    if let Some(at) = (1..units.len()).find(|at| units.get(*at..).is_some_and(late)) {
        units.truncate(at);
    }
    if let Some(at) = units.windows(3).position(other)
        && units.iter().take(at).any(texts)
    {
        units.truncate(at);
    }
    let avoids = |unit: &Unit<'_, '_>| matches!(&*unit.lower(), "avoid" | "prevent" | "minimize" | "reduce");
    if !units.iter().take(2).any(avoids) {
        return;
    }
    let means = |two: &[Unit<'_, '_>]| matches!(two, [by, doing] if by.text == "by" && doing.text.ends_with("ing"));
    if let Some(at) = units.windows(2).position(means) {
        units.truncate(at);
    }
}

/// Takes out what changes nothing: `never merge it, even with all checks green`, `X is fine for reading, but Y is forbidden`.
pub(super) fn drop_concession(units: &mut Vec<Unit<'_, '_>>) {
    const CONCEDES: [&str; 8] =
        ["although", "though", "even", "however", "regardless", "whatever", "notwithstanding", "no matter"];
    let stands =
        |units: &[Unit<'_, '_>]| units.iter().any(|unit| unit.is_any(&STANCES) || urges(unit)) || forbids(units);
    let concedes = |two: &[Unit<'_, '_>]| matches!(two, [comma, word] if matches!(comma.text, "," | "—" | "–") && CONCEDES.contains(&&*word.lower()));
    if let Some(at) = units.windows(2).position(concedes).filter(|at| units.get(..*at).is_some_and(stands)) {
        // `never, even in tests, use X`: what stands behind the next comma goes on.
        let next = units.iter().skip(at + 1).position(|unit| unit.text == ",");
        units.drain(at..next.map_or(units.len(), |next| at + 1 + next));
    }
    // `hands off X, if you need something, tell me`
    let asks = |units: &[Unit<'_, '_>]| {
        let [comma, when, rest @ ..] = units else { return false };
        let tells = |unit: &Unit<'_, '_>| {
            let text = unit.lower();
            ["tell", "ping", "shout", "let me know", "message"].iter().any(|head| text.starts_with(head))
        };
        comma.text == ","
            && when.is(Cue::When)
            && rest.iter().any(|unit| unit.is(Cue::Ask) || tells(unit))
            && !rest.iter().any(|unit| unit.is_any(&[Cue::Never, Cue::Always]))
    };
    let tail = (1..units.len()).find(|at| units.get(*at..).is_some_and(asks));
    if let Some(at) = tail.filter(|at| units.get(..*at).is_some_and(stands)) {
        units.truncate(at);
    }
    let but = units.windows(2).position(|two| matches!(two, [comma, but] if comma.text == "," && but.text == "but"));
    let Some(at) = but else { return };
    let (Some(left), Some(right)) = (units.get(..at), units.get(at + 2..)) else { return };
    let may = |unit: &Unit<'_, '_>| {
        matches!(&*unit.lower(), "okay" | "ok" | "fine" | "can" | "may" | "allowed" | "acceptable")
    };
    let forbids =
        right.iter().any(|unit| unit.is(Cue::Never)) && right.iter().any(|unit| unit.is_content() || unit.literal);
    if left.iter().any(may) && !left.iter().any(|unit| unit.is_any(&[Cue::Never, Cue::Only])) && forbids {
        units.drain(..at + 2);
    }
}

/// Puts what forbids at the end of a sentence to its front, where it is not said of what stands next to it: `deploying without
/// make smoke is not allowed`.
pub(super) fn front_verdict(units: &mut Vec<Unit<'_, '_>>) {
    let Some(last) = units.iter().rposition(|unit| unit.what != What::Mark) else { return };
    let passive = |unit: &Unit<'_, '_>| {
        let text = unit.lower();
        unit.is(Cue::Never)
            && ["forbidden", "allowed", "banned", "prohibited", "permitted", "acceptable"]
                .iter()
                .any(|end| text.ends_with(end))
    };
    let lacks =
        |units: &[Unit<'_, '_>]| units.iter().any(|unit| unit.is(Cue::Before) && unit.lower().starts_with("without"));
    let once = |units: &[Unit<'_, '_>]| units.iter().filter(|unit| unit.is(Cue::Never)).count() == 1;
    if units.get(last).is_some_and(passive) && lacks(units) && once(units) {
        let start = units.first().map_or(0, |unit| unit.range.start);
        if let Some(part) = units.get_mut(..=last) {
            part.rotate_right(1);
        }
        if let Some(first) = units.first_mut() {
            first.range = start..start;
        }
        if units.get(1).is_some_and(|unit| matches!(unit.text, "is" | "are")) {
            units.remove(1);
        }
    }
}

/// Reads `docs (do not edit): a.md, b.md` as `do not edit a.md, b.md`.
pub(super) fn front_aside(units: &mut Vec<Unit<'_, '_>>) {
    let Some(open) = units.iter().position(opens) else { return };
    let Some(close) = units.iter().skip(open).position(closes).map(|length| open + length) else { return };
    let inside = units.get(open + 1..close).unwrap_or_default();
    let says = inside.iter().any(|unit| unit.is(Cue::Never)) && inside.iter().any(|unit| unit.is_any(&VERBS));
    let said = units.iter().take(open).any(|unit| unit.literal || unit.is_any(&STANCES));
    let behind = units.get(close + 1..).unwrap_or_default();
    let mark = |unit: &Unit<'_, '_>| unit.what == What::Comma || unit.is_any(&[Cue::And, Cue::Or]);
    let lists = matches!(behind, [colon, listed @ ..]
        if colon.text == ":" && listed.iter().any(|unit| unit.literal) && listed.iter().all(|unit| unit.literal || mark(unit)));
    if says && lists && !said && !inside.iter().any(|unit| unit.literal || unit.is_content()) {
        units.drain(close..=close + 1);
        units.drain(..=open);
    }
}

/// Reads `have X run` as `run X`.
pub(super) fn front_run(units: &mut [Unit<'_, '_>]) {
    let Some(have) = units.iter().position(|unit| !unit.is_filler() && unit.lower() != "please") else { return };
    let run = units.iter().skip(have).take(6).position(|unit| unit.is(Cue::Run) && unit.text == "run");
    let Some(part) = run.and_then(|run| units.get_mut(have..=have + run)) else { return };
    if let [first, named @ .., _] = &*part
        && first.text.eq_ignore_ascii_case("have")
        && named.iter().any(|unit| unit.literal || unit.is_content())
        && !named.iter().any(|unit| unit.is_any(&STANCES) || unit.is_any(&VERBS))
    {
        part.swap(0, part.len() - 1);
    }
}

/// Takes out why something is done that is done before or after something else: behind `so` and its like, nothing more is
/// asked for.
pub(super) fn drop_reason(units: &mut Vec<Unit<'_, '_>>) {
    if !units.first().is_some_and(|unit| unit.is_any(&JOINTS)) {
        return;
    }
    let Some(at) = units.iter().position(|unit| unit.is(Cue::Reason) && unit.lower().starts_with("so")) else { return };
    let asks = |unit: &Unit<'_, '_>| unit.is_any(&STANCES) || urges(unit);
    if !units.iter().skip(at).any(asks) && units.iter().take(at).any(|unit| urges(unit)) {
        units.truncate(at);
    }
}

/// Where a parenthesis behind `before …` or `after …` holds nothing but how what stands in front of that is written.
pub(super) fn spelled_late(units: &[Unit<'_, '_>]) -> Option<(usize, usize, usize)> {
    let timed = |unit: &Unit<'_, '_>| unit.is_any(&[Cue::Before, Cue::After]);
    let names = |unit: &Unit<'_, '_>| unit.is_content() || unit.what == What::Word;
    let joint = units.iter().position(timed).filter(|at| units.iter().take(*at).any(names))?;
    let open = units.iter().skip(joint).position(opens)? + joint;
    let close = units.iter().skip(open).position(closes)? + open;
    let inside = units.get(open + 1..close)?;
    let written = |unit: &Unit<'_, '_>| unit.literal || unit.what == What::Comma || unit.is_any(&[Cue::And, Cue::Or]);
    let said = units.get(joint + 1..open)?;
    let apart = said.iter().any(Unit::is_content) && !said.iter().any(|unit| unit.literal);
    (apart && inside.iter().any(|unit| unit.literal) && inside.iter().all(written)).then_some((joint, open, close))
}
