//! Processes that end at every boundary of the shell, the dispatcher and the tools; and the next ones, while they recover.

use super::child::{reported, start};
use super::verdict::{Acknowledged, Figures};
use super::{Place, times};

/// The points at which a process ends.
const POINTS: [&str; 10] = [
    "Decided",
    "Applied",
    "BeforeCommit",
    "AfterCommit",
    "BeforeAck",
    "after-claiming",
    "before-the-act",
    "after-the-act",
    "before-settling",
    "after-settling",
];

/// Ends processes of one store at every point, at the n-th time that it is reached; and then again the first time, which
/// for the shell's points is in the recovery of what the one before left.
fn deaths(n: u64) -> Figures {
    let (place, mut acknowledged) = (Place::new(), Acknowledged::default());
    for point in POINTS {
        for (again, n) in [("first", n), ("then", 1)] {
            let name = format!("{point}-{again}");
            let output = start(&format!("die {name} {point} {n}"), &place.path()).wait_with_output().unwrap();
            assert!(output.status.code().is_none(), "{point} was not reached {n} times");
            acknowledged.add(&name, &reported(&output.stdout), true);
        }
        acknowledged.hold(&place.path());
    }
    acknowledged.close(&place.path())
}

#[test]
fn processes_that_end_at_any_boundary_lose_nothing_acknowledged_and_no_effect_acts_twice() {
    let most = times(4);
    let figures = std::thread::scope(|scope| {
        let work =
            |odd| move || (1..=most).filter(|n| n % 2 == odd).map(deaths).fold(Figures::default(), Figures::plus);
        let threads = [0, 1].map(|odd| scope.spawn(work(odd)));
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(Figures::default(), Figures::plus)
    });
    println!("{} deaths at {} boundaries: {figures:?}", most * 2 * POINTS.len() as u64, POINTS.len());
    assert!(figures.acknowledged > 0 && figures.repeated_calls > 0 && figures.doubts > 0, "{figures:?}");
}
