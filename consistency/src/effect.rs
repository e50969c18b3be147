//! The outbox: which effect leaves next, and what becomes of it.
//!
//! An effect is stored with the commit that issues it and sent afterwards. Below L2 it may leave at once; from L2 on only
//! when its commit is final; from L3 on in the order of commit and issue, lane by lane. "Exactly once" holds for tools that
//! take an idempotency key or can be asked; for the others a lost dispatcher leaves an effect *in doubt*.

use crate::cell::{Lane, Level, Millis};
use crate::decide::{Decision, EffectEnd, Refusal, Reply, Wait};
use crate::guard::{Guard, Guards};
use crate::ledger::{Change, DropCause, Effect, EffectId, Repeat, Stage, View};

/// Takes the next effect of a lane that may leave; what can't leave any more is dropped or put in doubt on the way.
pub(crate) fn claim<V: View>(view: &V, lane: &Lane, now: Millis, until: Millis) -> Result<Decision, V::Error> {
    let mut changes = Vec::new();
    let (mut blocked, mut ahead, mut last) = (None, false, None);
    while let Some(effect) = view.next_unsettled(lane, last)? {
        last = Some(effect.id);
        let ordered = is_ordered(&effect) && view.guards().on(Guard::LaneOrder);
        if ordered && ahead {
            continue;
        }
        let wait = match waits(view, &effect, now)? {
            None if changed(view, &effect)? => {
                changes.push(Change::Effect { effect: unsendable(effect) });
                continue;
            }
            None => return take(view, effect, until, changes),
            Some(wait) => wait,
        };
        if let Stage::Claimed { until, .. } = effect.stage
            && wait == Wait::InDoubt
            && until <= now
        {
            changes.push(Change::Effect { effect: lost(view, effect.clone())? });
        }
        ahead |= ordered;
        blocked = blocked.or(Some((effect.id, wait)));
    }
    Ok(Decision { reply: Reply::Idle { blocked }, changes })
}

/// Gives an effect to the dispatcher.
fn take<V: View>(view: &V, effect: Effect, until: Millis, mut changes: Vec<Change>) -> Result<Decision, V::Error> {
    let Some(token) = view.last_token()?.checked_add(1) else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let (failures, again) = match effect.stage {
        Stage::Waiting { failures, .. } => (failures, false),
        Stage::Claimed { failures, .. } => (failures, true),
        _ => (0, true),
    };
    let ask = again && repeat(view, &effect)? == Repeat::Queryable;
    let effect = Effect { stage: Stage::Claimed { token, until, failures }, ..effect };
    changes.push(Change::Token { token });
    changes.push(Change::Effect { effect: effect.clone() });
    Ok(Decision { reply: Reply::Claimed { effect: Box::new(effect), token, ask }, changes })
}

/// Why an effect can't leave now, if so.
fn waits<V: View>(view: &V, effect: &Effect, now: Millis) -> Result<Option<Wait>, V::Error> {
    let is_open = view.open(effect.id.commit)?.is_some();
    Ok(hindrance(effect, is_open, repeat(view, effect)?, view.guards(), now))
}

/// Why an effect can't leave now, if so, given whether its commit is open and what may be done with its tool.
pub(crate) fn hindrance(effect: &Effect, is_open: bool, repeat: Repeat, guards: Guards, now: Millis) -> Option<Wait> {
    if is_open && effect.level >= Level::L2 && guards.on(Guard::Release) {
        return Some(Wait::NotFinal);
    }
    match effect.stage {
        Stage::Waiting { after, .. } => (after > now).then_some(Wait::Later),
        Stage::Claimed { until, .. } if until > now => guards.on(Guard::Claims).then_some(Wait::Sending),
        Stage::Claimed { .. } if sent_again(repeat, guards) => None,
        _ => Some(Wait::InDoubt),
    }
}

/// Tells whether an effect waits for the earlier ones of its lane.
pub(crate) fn is_ordered(effect: &Effect) -> bool {
    effect.level >= Level::L3
}

/// Tells whether the tool that an L4 session relied on is another one by now.
fn changed<V: View>(view: &V, effect: &Effect) -> Result<bool, V::Error> {
    if effect.level < Level::L4 || !view.guards().on(Guard::PinsAtUse) {
        return Ok(false);
    }
    let now = view.tool(&effect.tool)?.map(|registered| registered.fingerprint);
    Ok(now != effect.pinned)
}

/// An effect whose tool is not the pinned one: it does not happen, unless an earlier call may have arrived.
fn unsendable(effect: Effect) -> Effect {
    let stage = match effect.stage {
        Stage::Claimed { token, .. } => Stage::InDoubt { token },
        _ => Stage::Dropped(DropCause::ToolChanged),
    };
    Effect { stage, ..effect }
}

/// What becomes of an effect whose dispatcher is gone.
pub(crate) fn lost<V: View>(view: &V, effect: Effect) -> Result<Effect, V::Error> {
    let Stage::Claimed { token, failures, .. } = effect.stage else { return Ok(effect) };
    let stage = if sent_again(repeat(view, &effect)?, view.guards()) {
        // The claim ends at once; whoever takes it next still sees that an earlier call may have arrived.
        Stage::Claimed { token, until: 0, failures }
    } else {
        Stage::InDoubt { token }
    };
    Ok(Effect { stage, ..effect })
}

fn sent_again(repeat: Repeat, guards: Guards) -> bool {
    repeat != Repeat::Never || !guards.on(Guard::Doubt)
}

fn repeat<V: View>(view: &V, effect: &Effect) -> Result<Repeat, V::Error> {
    Ok(view.tool(&effect.tool)?.map_or(Repeat::Never, |registered| registered.repeat))
}

/// Settles an effect: by the dispatcher that has the claim, or, where it is in doubt, by a person.
pub(crate) fn settle<V: View>(
    view: &V,
    id: EffectId,
    token: Option<u64>,
    end: EffectEnd,
) -> Result<Decision, V::Error> {
    let refused = Decision::refused(Refusal::NotClaimed(id));
    let Some(effect) = view.effect(id)? else { return Ok(refused) };
    let (claim, failures) = match effect.stage {
        Stage::Claimed { token, failures, .. } => (token, failures),
        Stage::InDoubt { token } => (token, 0),
        _ => return Ok(refused),
    };
    let by_person = token.is_none() && matches!(effect.stage, Stage::InDoubt { .. });
    if token != Some(claim) && !by_person {
        return Ok(refused);
    }
    let stage = match end {
        EffectEnd::Done => Stage::Done,
        EffectEnd::Retry { after } => Stage::Waiting { after, failures: failures.saturating_add(1) },
        EffectEnd::Failed if by_person => Stage::Dropped(DropCause::Settled),
        EffectEnd::Failed => Stage::Dropped(DropCause::Failed),
        EffectEnd::Unknown => Stage::InDoubt { token: claim },
    };
    let changes = vec![Change::Effect { effect: Effect { stage, ..effect } }];
    Ok(Decision { reply: Reply::Done(view.clock()?), changes })
}
