//! Leases: who may generate for a cell first. They help progress, and safety never depends on them.
//!
//! Wound-wait by the time that the work first began: an older session takes a lease from a younger one, a younger one
//! waits. As a retry keeps its first beginning, everybody becomes the oldest at last; nobody starves, nothing deadlocks.

use crate::cell::{Key, Millis, SessionId};
use crate::decide::{Decision, Refusal, Reply};
use crate::guard::Guard;
use crate::ledger::{Change, Lease, View};
use crate::session::Session;

/// Grants a lease, renews it, or tells who has it.
pub(crate) fn ask<V: View>(
    view: &V,
    session: SessionId,
    started: Millis,
    key: &Key,
    now: Millis,
    until: Millis,
) -> Result<Decision, V::Error> {
    let current = view.lease(key)?;
    if let Some(lease) = &current {
        if lease.holder == session {
            let renewed = Lease { until: until.max(lease.until), ..lease.clone() };
            let reply = Reply::Granted { token: lease.token };
            return Ok(Decision { reply, changes: vec![Change::Lease { key: key.clone(), lease: Some(renewed) }] });
        }
        if waits(view, (started, session), lease, now) {
            return Ok(Decision::only(busy(key, lease)));
        }
    }
    let last = view.last_token()?;
    let next = if view.guards().on(Guard::Monotone) { last.checked_add(1) } else { Some(1) };
    let Some(token) = next else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let lease = Lease { holder: session, started, token, until };
    let changes = vec![Change::Token { token }, Change::Lease { key: key.clone(), lease: Some(lease) }];
    Ok(Decision { reply: Reply::Granted { token }, changes })
}

/// Gives a lease back; nothing happens if it is somebody else's by now.
pub(crate) fn release<V: View>(view: &V, session: SessionId, key: &Key) -> Result<Decision, V::Error> {
    let mine = view.lease(key)?.is_some_and(|lease| lease.holder == session);
    let changes = if mine { vec![Change::Lease { key: key.clone(), lease: None }] } else { Vec::new() };
    Ok(Decision { reply: Reply::Done(view.clock()?), changes })
}

/// What another session's lease does to a commit that writes the cell: it waits, or it takes the lease away.
pub(crate) fn in_the_way<V: View>(
    view: &V,
    session: &Session,
    key: &Key,
    now: Millis,
    changes: &mut Vec<Change>,
) -> Result<Option<Reply>, V::Error> {
    let Some(lease) = view.lease(key)?.filter(|lease| lease.holder != session.begin.id) else { return Ok(None) };
    if waits(view, (session.begin.started, session.begin.id), &lease, now) {
        return Ok(Some(busy(key, &lease)));
    }
    changes.push(Change::Lease { key: key.clone(), lease: None });
    Ok(None)
}

/// Tells whether a session has to wait for the holder of a lease: it lasts, and the holder is older.
fn waits<V: View>(view: &V, session: (Millis, SessionId), lease: &Lease, now: Millis) -> bool {
    let older = session < (lease.started, lease.holder);
    lease.until > now && !older && view.guards().on(Guard::WoundWait)
}

fn busy(key: &Key, lease: &Lease) -> Reply {
    Reply::Busy { key: key.clone(), holder: lease.holder, until: lease.until }
}
