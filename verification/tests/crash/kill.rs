//! Processes that are killed at random points.

use super::child::{reported, start};
use super::verdict::{Acknowledged, Figures};
use super::{Dice, Place, times};
use std::process::Child;
use std::time::Duration;

/// How often the processes of one store are killed.
const KILLS: u64 = 25;

/// Kills a process at once and tells what it had reported.
fn kill(mut child: Child) -> Vec<String> {
    child.kill().unwrap();
    reported(&child.wait_with_output().unwrap().stdout)
}

/// Kills processes of one store, one at a time or two at the same time.
fn kills(stream: u64) -> Figures {
    let (place, mut dice, mut acknowledged) = (Place::new(), Dice::new(stream), Acknowledged::default());
    let together = stream.is_multiple_of(2);
    let mut killed = 0;
    while killed < KILLS {
        let names: Vec<String> = (killed..KILLS).take(1 + usize::from(together)).map(|n| format!("p{n}")).collect();
        let mut children = Vec::new();
        for name in &names {
            children.push((name, start(&format!("work {name}"), &place.path())));
        }
        for (name, child) in children {
            // Some die before the store is open, most in the middle of their work.
            std::thread::sleep(Duration::from_micros(5_000 + dice.below(60_000)));
            acknowledged.add(name, &kill(child), !together);
            killed += 1;
        }
        acknowledged.hold(&place.path());
    }
    acknowledged.close(&place.path())
}

#[test]
fn processes_killed_at_random_lose_nothing_acknowledged_and_no_effect_acts_twice() {
    let stores = times(500) / KILLS;
    let lanes: Vec<u64> = (0..2).collect();
    let figures = std::thread::scope(|scope| {
        let work =
            |lane| move || (0..stores).filter(|n| n % 2 == lane).map(kills).fold(Figures::default(), Figures::plus);
        let threads: Vec<_> = lanes.into_iter().map(|lane| scope.spawn(work(lane))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(Figures::default(), Figures::plus)
    });
    println!("{} kills: {figures:?}", stores * KILLS);
    assert!(figures.acknowledged > 500, "the processes got to work");
    assert!(figures.commits >= figures.acknowledged && figures.repeated_calls > 0 && figures.doubts > 0, "{figures:?}");
}
