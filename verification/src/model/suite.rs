//! Which models there are, and what is expected of each.

use super::action::{Change, Deed, Need};
use super::setup::Setup;
use consistency::Level;
use consistency::ledger::Repeat;
use consistency::session::Mode;

const L1: &[Level] = &[Level::L1];
const L2: &[Level] = &[Level::L2];

/// x
pub fn setups() -> Vec<Setup> {
    let deletes = Deed::PUT.by(Change::Delete);
    let append = Deed::PUT.by(Change::Append);
    let _ = deletes;
    vec![
        Setup {
            agents: 3,
            deeds: vec![Deed::PUT, Deed::PUT_ALL],
            ..Setup::new("l0", "commits are atomic, and the last writer wins", &[Level::L0])
        },
        Setup {
            deeds: vec![Deed::PUT, Deed::PUT_ALL, Deed::NOTHING],
            ..Setup::new("l1", "reads are validated", L1)
        },
        Setup {
            scans: true,
            deeds: vec![Deed::PUT, Deed::PUT.by(Change::Delete)],
            ..Setup::new("predicates", "searches and absence are validated", L1)
        },
        Setup {
            deeds: vec![Deed::PUT, Deed::HOLD, Deed::ISSUE],
            tool: Some(Repeat::Keyed),
            claims: 1,
            retractions: 1,
            ..Setup::new("l2", "effects wait, and retractions cascade", L2)
        },
        Setup {
            keys: 1,
            deeds: vec![Deed::HOLD.with_effects(1), Deed::ISSUE.with_effects(2), Deed::ISSUE],
            tool: Some(Repeat::Keyed),
            claims: 3,
            lanes: 1,
            retractions: 1,
            transactions: 2,
            ..Setup::new("l3", "effects keep their order", &[Level::L3])
        },
        Setup {
            keys: 1,
            transactions: 2,
            deeds: vec![Deed::HOLD.with_effects(1), Deed::ISSUE.with_effects(2)],
            tool: Some(Repeat::Keyed),
            pins: true,
            claims: 2,
            registrations: 2,
            retractions: 1,
            ..Setup::new("l4", "pinned tools are validated", &[Level::L4])
        },
        Setup {
            crashes: 2,
            parks: 1,
            keys: 2,
            transactions: 3,
            ..Setup::new("durability", "crashes lose what is not on disk, and sessions go on", L1)
        },
        outbox("outbox-keyed", Repeat::Keyed),
        outbox("outbox-queryable", Repeat::Queryable),
        outbox("outbox-never", Repeat::Never),
        Setup {
            agents: 3,
            keys: 1,
            leases: true,
            ticks: 2,
            ..Setup::new("leases", "wound-wait, fencing and progress", L1)
        },
        Setup {
            modes: &[Mode::ReadWrite, Mode::Snapshot, Mode::Fresh],
            scans: true,
            deeds: vec![Deed::PUT, Deed::ISSUE, Deed::NOTHING],
            tool: Some(Repeat::Keyed),
            keys: 1,
            ..Setup::new("read-only", "snapshot and fresh sessions", L1)
        },
        Setup {
            modes: &[Mode::ReadWrite, Mode::Snapshot],
            deeds: vec![Deed::PUT, Deed::HOLD],
            agents: 3,
            keys: 1,
            collections: 1,
            retractions: 1,
            ..Setup::new("collection", "history is forgotten when nobody needs it", L2)
        },
        Setup {
            modes: &[Mode::ReadWrite, Mode::Snapshot],
            deeds: vec![Deed::PUT, Deed::HOLD],
            agents: 3,
            keys: 1,
            collections: 1,
            retractions: 1,
            need: Need::Capped,
            ..Setup::new("cap", "history is forgotten although somebody needs it", L2)
        },
        Setup {
            levels: &[Level::L1, Level::L2],
            keys: 1,
            deeds: vec![
                Deed { held: true, ..Deed::PUT.by(Change::Append) },
                Deed::PUT.by(Change::Append),
                Deed { held: true, ..Deed::PUT.by(Change::Add) },
                Deed::PUT.by(Change::Add),
                Deed::ISSUE,
            ],
            tool: Some(Repeat::Keyed),
            retractions: 1,
            ..Setup::new("deltas", "deltas commute, and are taken back one by one", L2)
        },
        Setup {
            agents: 3,
            keys: 1,
            deeds: vec![Deed::PUT.by(Change::Merge), append, Deed::PUT],
            ..Setup::new("merges", "three-way merges and misfits", L1)
        },
        Setup {
            steps: true,
            acknowledges: true,
            scans: true,
            keys: 2,
            transactions: 2,
            ..Setup::new("repair", "acknowledge, and do steps again", L2)
        },
        Setup {
            keys: 1,
            deeds: vec![Deed::PUT.by(Change::Same).under_key(), Deed::PUT.under_key(), Deed::PUT],
            ..Setup::new("idempotency", "commits are repeated", L1)
        },
        Setup { forgeries: 1, keys: 2, transactions: 3, ..Setup::new("forgery", "versions that never were", L1) },
    ]
}

fn outbox(name: &'static str, repeat: Repeat) -> Setup {
    Setup {
        keys: 0,
        reads: false,
        agents: 1,
        transactions: 1,
        deeds: vec![Deed::ISSUE.with_effects(2)],
        tool: Some(repeat),
        claims: 4,
        faults: true,
        ticks: 2,
        crashes: 1,
        ..Setup::new(name, "dispatchers are lost, and tools are asked", &[Level::L3])
    }
}
