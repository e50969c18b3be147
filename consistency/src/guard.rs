//! The guards of the core, each with a switch.
//!
//! Every store runs with all of them; nothing but a model can build a state without one. The model checker switches each
//! off in turn and has to find what goes wrong then, which shows that the guard is needed and that the models see it.

/// One thing that the core checks or does to keep its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Guard {
    /// A commit validates the versions that the session read.
    Reads,
    /// A read of what is not there is validated like any other.
    Absence,
    /// A commit validates the intervals that the session searched.
    Searches,
    /// A read of something newer than the snapshot re-validates the earlier reads first.
    Extension,
    /// A commit dooms the sessions that read what it wrote.
    Notice,
    /// A read-only session in fresh mode is validated.
    Fresh,
    /// A session in snapshot mode can't write.
    ReadOnly,
    /// A session commits once.
    Once,
    /// A commit with a known idempotency key returns the stored outcome.
    Idempotency,
    /// A version that was never handed out is refused.
    Forgery,
    /// Recovery begins a new epoch.
    Epoch,
    /// A commit is refused when something it rests on was retracted.
    Predecessors,
    /// What rests on an open commit is open too.
    Dependence,
    /// A content made by deltas rests on all commits that contributed to it.
    Contributors,
    /// A held commit waits for its approval.
    Hold,
    /// A retraction takes along what rests on the retracted.
    Cascade,
    /// A retraction writes compensating versions.
    Compensation,
    /// From L2 on, effects wait until their commit is final.
    Release,
    /// From L3 on, an effect waits for the earlier ones of its lane.
    LaneOrder,
    /// At L4, a commit validates the pinned tools.
    PinsAtCommit,
    /// At L4, an effect is refused when its tool is not the pinned one.
    PinsAtUse,
    /// An effect is sent by one dispatcher at a time.
    Claims,
    /// An effect on a tool without idempotency is in doubt once its dispatcher is lost, and not sent again.
    Doubt,
    /// A commit is refused when a lease that the session relied on was lost.
    Tokens,
    /// Lease tokens only grow.
    Monotone,
    /// A younger session waits for an older holder of a lease.
    WoundWait,
    /// History is kept as long as a live snapshot or an open commit may need it.
    Horizon,
}

impl Guard {
    /// All guards.
    pub const ALL: [Guard; 27] = [
        Guard::Reads,
        Guard::Absence,
        Guard::Searches,
        Guard::Extension,
        Guard::Notice,
        Guard::Fresh,
        Guard::ReadOnly,
        Guard::Once,
        Guard::Idempotency,
        Guard::Forgery,
        Guard::Epoch,
        Guard::Predecessors,
        Guard::Dependence,
        Guard::Contributors,
        Guard::Hold,
        Guard::Cascade,
        Guard::Compensation,
        Guard::Release,
        Guard::LaneOrder,
        Guard::PinsAtCommit,
        Guard::PinsAtUse,
        Guard::Claims,
        Guard::Doubt,
        Guard::Tokens,
        Guard::Monotone,
        Guard::WoundWait,
        Guard::Horizon,
    ];
}

/// Which guards are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guards(u32);

impl Guards {
    /// Every guard, as every store has them.
    pub const ALL: Guards = Guards(u32::MAX);

    /// Every guard but one.
    pub const fn without(guard: Guard) -> Guards {
        Guards(u32::MAX ^ (1 << guard as u8))
    }

    /// These guards but one.
    #[must_use]
    pub const fn less(self, guard: Guard) -> Guards {
        Guards(self.0 & !(1 << guard as u8))
    }

    /// Tells whether a guard is on.
    pub const fn on(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u8) != 0
    }
}

impl Default for Guards {
    fn default() -> Guards {
        Guards::ALL
    }
}
