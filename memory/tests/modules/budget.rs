//! Whatever is split, spent, settled and refunded: never more than the caps, and no deadline ever later.

use crate::Manual;
use memory::budget::{Budget, Cost, Limits, NanoUsd, Overdrawn};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// One thing that happens to one of the budgets there are, which is named by its place.
#[derive(Debug, Clone)]
enum Step {
    Split(usize, u64, u64, u64),
    Spend(usize, u64, u64),
    Settle(usize, u64, u64),
    Refund(usize, usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let amount = || prop_oneof![0..400_u64, 0..40_u64, Just(u64::MAX)];
    prop_oneof![
        (0..8_usize, amount(), amount(), 0..100_u64).prop_map(|(of, a, b, c)| Step::Split(of, a, b, c)),
        (0..8_usize, amount(), amount()).prop_map(|(of, a, b)| Step::Spend(of, a, b)),
        (0..8_usize, amount(), amount()).prop_map(|(of, a, b)| Step::Settle(of, a, b)),
        (0..8_usize, 0..8_usize).prop_map(|(to, part)| Step::Refund(to, part)),
        (0..30_u64).prop_map(Step::Wait),
    ]
}

fn cost(tokens: u64, nano_usd: u64) -> Cost {
    Cost { tokens, nano_usd: NanoUsd(nano_usd) }
}

proptest! {
    #[test]
    fn no_tree_of_parts_spends_more_than_the_caps(
        tokens in 0..1000_u32,
        nano_usd in 0..1000_u32,
        ms in 0..200_u32,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let clock = Arc::new(Manual::default());
        let limits = Limits { tokens: Some(tokens), ms: Some(ms), usd: Some(f64::from(nano_usd) / 1e9) };
        let mut all = vec![Budget::new(limits, clock.clone())];
        // What was paid by parts that were dropped still counts as paid.
        let (mut paid_tokens, mut paid_money) = (0_u64, 0_u64);
        let end = Duration::from_millis(ms.into());
        for step in steps {
            let of = |place: usize, all: &[Budget]| place % all.len();
            match step {
                Step::Split(place, tokens, money, ms) => {
                    let place = of(place, &all);
                    let before = all[place].time_left().unwrap();
                    if let Ok(part) = all[place].split(cost(tokens, money), Some(Duration::from_millis(ms))) {
                        prop_assert!(part.time_left().unwrap() <= before);
                        all.push(part);
                    }
                }
                Step::Spend(place, tokens, money) => {
                    let place = of(place, &all);
                    let late = all[place].time_left().unwrap().is_zero();
                    match all[place].spend(cost(tokens, money)) {
                        Ok(()) => {
                            prop_assert!(!late);
                            paid_tokens += tokens;
                            paid_money += money;
                        }
                        Err(Overdrawn::Time) => prop_assert!(late),
                        Err(Overdrawn::Tokens) => prop_assert!(all[place].tokens_left().unwrap() < tokens),
                        Err(Overdrawn::Money) => prop_assert!(all[place].money_left().unwrap().0 < money),
                    }
                }
                Step::Settle(place, tokens, money) => {
                    let place = of(place, &all);
                    let rest = all[place].settle(cost(tokens, money));
                    paid_tokens += tokens - rest.tokens;
                    paid_money += money - rest.nano_usd.0;
                }
                Step::Refund(to, part) => {
                    let part = of(part, &all);
                    if part > 0 {
                        let part = all.swap_remove(part);
                        let to = of(to, &all);
                        let before = all[to].time_left().unwrap();
                        all[to].refund(part);
                        prop_assert_eq!(all[to].time_left().unwrap(), before);
                    }
                }
                Step::Wait(ms) => clock.advance(Duration::from_millis(ms)),
            }
            let left: u64 = all.iter().map(|budget| budget.tokens_left().unwrap()).sum();
            let money: u64 = all.iter().map(|budget| budget.money_left().unwrap().0).sum();
            prop_assert_eq!(left + paid_tokens, u64::from(tokens));
            prop_assert_eq!(money + paid_money, u64::from(nano_usd));
            prop_assert!(all.iter().all(|budget| budget.time_left().unwrap() <= end));
            let spent: u64 = all.iter().map(|budget| budget.spent().tokens).sum();
            prop_assert_eq!(spent, paid_tokens);
        }
    }
}

#[test]
fn a_part_of_another_request_adds_nothing() {
    let limits = Limits { tokens: Some(10), ..Limits::default() };
    let clock = Arc::new(Manual::default());
    let (mut one, mut other) = (Budget::new(limits, clock.clone()), Budget::new(limits, clock));
    let part = other.split(cost(5, 0), None).unwrap();
    one.refund(part);
    assert_eq!((one.tokens_left(), other.tokens_left()), (Some(10), Some(5)));
}

#[test]
fn what_is_not_capped_has_no_end() {
    let mut budget = Budget::new(Limits::default(), Arc::new(Manual::default()));
    budget.spend(cost(u64::MAX, u64::MAX)).unwrap();
    let part = budget.split(cost(3, 4), Some(Duration::MAX)).unwrap();
    assert_eq!((part.tokens_left(), part.money_left()), (Some(3), Some(NanoUsd(4))));
    budget.refund(part);
    assert_eq!((budget.tokens_left(), budget.time_left()), (None, None));
}
