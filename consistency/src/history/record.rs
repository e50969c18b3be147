//! Histories of our own store: what its inputs and answers, or the entries of its log, say as [`Event`]s.
//!
//! A session's reads are told with its commit, as it relies on them then: what it rewound is not among them. Sessions that
//! did not commit leave no reads.

use super::event::{Compensation, Event, How, Issue, Write};
use crate::cell::{Content, Key, SessionId, Version};
use crate::decide::{Decision, Order, Proposal, Reply, Work};
use crate::ledger::{Change, Ledger, View};
use crate::operation::Operation;
use crate::session::Session;

/// What a decided order means for a history; the ledger as it was before the decision was applied.
pub fn events(ledger: &Ledger, order: &Order, decision: &Decision) -> Vec<Event> {
    let written = |change: &Change| match change {
        Change::Cell { key, written } => Some((key.clone(), written.content.clone())),
        _ => None,
    };
    let cells = decision.changes.iter().filter_map(written);
    let mut events = Vec::new();
    match (order, &decision.reply) {
        (Order::Commit(proposal), Reply::Committed { version, is_final }) => {
            let Proposal { session, work, .. } = proposal.as_ref();
            // An idempotency key that was known answers with a commit that is told already.
            if decision.changes.is_empty() {
                return events;
            }
            events.push(begin(session));
            let content = |key: &Key, version: Version| {
                let Ok(written) = ledger.at(key, version);
                written.filter(|written| written.version == version).map_or(Content::Absent, |written| written.content)
            };
            events.extend(relied_on(session, content));
            events.push(commit(session.begin.id, *version, work, cells));
            events.extend(is_final.then_some(Event::Finalise { version: *version }));
        }
        (Order::Retract { .. }, Reply::Retracted { version, commits }) => {
            let writes = cells.map(|(key, content)| Compensation { key, content }).collect();
            events.push(Event::Retract { version: *version, retracted: commits.clone(), writes });
        }
        (Order::Approve { .. }, Reply::Approved(versions)) => {
            events.extend(versions.iter().map(|version| Event::Finalise { version: *version }));
        }
        (Order::Register { tool, registered }, Reply::Done(_)) if !decision.changes.is_empty() => {
            let fingerprint = registered.as_ref().map(|registered| registered.fingerprint.clone());
            events.push(Event::Tool { tool: tool.clone(), fingerprint });
        }
        (Order::Claim { .. }, Reply::Claimed { effect, .. }) => {
            let Ok(now) = ledger.tool(&effect.tool);
            events.push(Event::Effect {
                version: effect.id.commit,
                index: effect.id.index as usize,
                lane: effect.lane.clone(),
                tool: effect.tool.clone(),
                fingerprint: now.map(|registered| registered.fingerprint),
            });
        }
        _ => {}
    }
    events
}

fn begin(session: &Session) -> Event {
    let begin = &session.begin;
    Event::Begin { session: begin.id, agent: begin.agent.clone(), level: begin.level }
}

/// What a session relies on as it commits; `content` tells what a cell held at a version.
fn relied_on(session: &Session, content: impl Fn(&Key, Version) -> Content) -> Vec<Event> {
    let id = session.begin.id;
    let mut events = Vec::new();
    for (key, read) in &session.reads {
        let value = content(key, read.version);
        events.push(Event::Read { session: id, key: key.clone(), version: read.version, value });
    }
    for search in &session.searches {
        let (from, to) = (search.range.from.clone(), search.range.to.clone());
        let snapshot = Some(search.through);
        events.push(Event::Scan { session: id, from, to, found: search.found.clone(), snapshot });
    }
    for (tool, pin) in &session.pins {
        let fingerprint = Some(pin.fingerprint.clone());
        events.push(Event::Pin { session: id, tool: tool.clone(), fingerprint });
    }
    for accepted in &session.acknowledged {
        events.push(Event::Acknowledge { session: id, key: accepted.key.clone(), version: accepted.now });
    }
    events
}

fn commit(id: SessionId, version: Version, work: &Work, cells: impl Iterator<Item = (Key, Content)>) -> Event {
    let how = |key: &Key| match work.writes.get(key).and_then(|operations| operations.first()) {
        Some(Operation::Delete) => How::Delete,
        Some(Operation::Delta(_)) => How::Delta,
        Some(Operation::Merge { .. }) => How::Merge,
        Some(Operation::Put(_)) | None => How::Put,
    };
    let writes = cells.map(|(key, content)| Write { how: how(&key), key, content }).collect();
    let effects = work.effects.iter().map(|issue| Issue { lane: issue.lane.clone(), tool: issue.tool.clone() });
    Event::Commit { session: id, version, writes, effects: effects.collect() }
}
