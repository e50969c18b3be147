//! What is final, and how a commit that is not final is taken back.
//!
//! A commit is final when it is not held and everything it rests on is final. Until then it can be retracted: what rests on
//! it goes too, and a compensating commit gives its cells the content that they would have without it.

use crate::cell::{Agent, Content, Key, Version};
use crate::decide::{Decision, Refusal, Reply};
use crate::guard::Guard;
use crate::ledger::{Change, DropCause, Effect, Open, Stage, View, Written};
use crate::operation::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// Takes a commit back, with all that rests on it.
pub(crate) fn retract<V: View>(view: &V, version: Version, agent: &Agent) -> Result<Decision, V::Error> {
    let guards = view.guards();
    let Some(first) = view.open(version)? else { return Ok(Decision::refused(Refusal::NotOpen(version))) };
    let Some(compensation) = view.clock()?.next() else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let gone = closure(view, first)?;
    let mut changes = vec![Change::Clock { version: compensation }];
    for version in gone.keys() {
        changes.push(Change::Retracted { version: *version });
        changes.push(Change::Close { version: *version });
        for effect in view.effects_of(*version)? {
            // What was sent stays sent; a claimed one may be on its way, and its dispatcher tells.
            if matches!(effect.stage, Stage::Waiting { .. }) {
                let stage = Stage::Dropped(DropCause::Retracted);
                changes.push(Change::Effect { effect: Effect { stage, ..effect } });
            }
        }
    }
    let mut rests_on = BTreeSet::new();
    let mut restored = Vec::new();
    if guards.on(Guard::Compensation) {
        let keys: BTreeSet<&Key> = gone.values().flat_map(|open| &open.keys).collect();
        for key in keys {
            let Some(newest) = view.newest(key)? else { continue };
            let (content, standing) = without(view, key, newest.clone(), &gone)?;
            // Where others have replaced the content since, there is nothing to restore.
            if content == newest.content && !gone.contains_key(&newest.version) {
                continue;
            }
            rests_on.extend(standing);
            let written = Written { version: compensation, content, author: agent.clone(), derived: Vec::new() };
            changes.push(Change::Cell { key: key.clone(), written });
            restored.push(key.clone());
        }
    }
    if !rests_on.is_empty() {
        let agent = agent.clone();
        changes
            .push(Change::Open { open: Open { version: compensation, agent, held: false, rests_on, keys: restored } });
    }
    Ok(Decision { reply: Reply::Retracted { version: compensation, commits: gone.into_keys().collect() }, changes })
}

/// The commit and all open ones that rest on it, however far.
fn closure<V: View>(view: &V, first: Open) -> Result<BTreeMap<Version, Open>, V::Error> {
    let mut todo = vec![first];
    let mut found = BTreeMap::new();
    while let Some(open) = todo.pop() {
        if view.guards().on(Guard::Cascade) {
            todo.extend(view.resting_on(open.version)?);
        }
        found.insert(open.version, open);
    }
    Ok(found)
}

/// What a cell would hold without the retracted commits: the last standing content, and the standing deltas upon it; with
/// the open commits that this rests on.
fn without<V: View>(
    view: &V,
    key: &Key,
    newest: Written,
    gone: &BTreeMap<Version, Open>,
) -> Result<(Content, Vec<Version>), V::Error> {
    let mut rests_on = Vec::new();
    let mut deltas: Vec<Vec<Operation>> = Vec::new();
    let mut base = Content::Absent;
    let mut written = Some(newest);
    while let Some(Written { version, content, derived, .. }) = written {
        let standing = !gone.contains_key(&version) && !view.is_retracted(version)?;
        if standing && view.open(version)?.is_some() {
            rests_on.push(version);
        }
        if standing && derived.is_empty() {
            base = content;
            break;
        }
        if standing {
            deltas.push(derived);
        }
        written = match version.previous() {
            Some(before) => view.at(key, before)?,
            None => None,
        };
    }
    for operation in deltas.into_iter().rev().flatten() {
        base = operation.apply(&base).unwrap_or_else(|_| match operation {
            // What was made of the retracted content stands for itself where it can't be combined with what was before.
            Operation::Merge { ours, .. } => Content::Present(ours),
            // A delta that fitted with the retracted ones and does not fit without them has nothing to change.
            _ => base,
        });
    }
    Ok((base, rests_on))
}

/// Approves a held commit; it, and what waited only for it, becomes final.
pub(crate) fn approve<V: View>(view: &V, version: Version) -> Result<Decision, V::Error> {
    let Some(open) = view.open(version)? else { return Ok(Decision::refused(Refusal::NotOpen(version))) };
    let mut waiting = BTreeMap::from([(version, Open { held: false, ..open })]);
    let mut finals = BTreeSet::new();
    let mut todo = vec![version];
    while let Some(version) = todo.pop() {
        let ready = waiting.get(&version).is_some_and(|open| !open.held && open.rests_on.is_empty());
        if !ready || !finals.insert(version) {
            continue;
        }
        for next in view.resting_on(version)? {
            todo.push(next.version);
            waiting.entry(next.version).or_insert(next).rests_on.remove(&version);
        }
    }
    let changes = waiting.into_iter().map(|(version, open)| {
        if finals.contains(&version) { Change::Close { version } } else { Change::Open { open } }
    });
    Ok(Decision { changes: changes.collect(), reply: Reply::Approved(finals.into_iter().collect()) })
}
