//! Ways to make a context: by compiled choices, and by what feedback taught.

use super::*;
use router::online::{Arm, Bandit, Draw};
use router::pareto::{Compiled, Configuration};
use std::collections::BTreeSet;

fn tiers(reply: &Reply) -> Vec<Tier> {
    reply.spending.steps.iter().map(|step| step.asked).collect()
}

#[test]
fn a_compiled_choice_is_chosen_by_the_budget_as_far_as_it_can_run() {
    let index = index(false);
    let choice = |tokens, evidence, tiers: [Tier; 5], ms| Configuration { tokens, tiers, evidence, ms };
    let mut dear = [Tier::Low; 5];
    (dear[1], dear[4]) = (Tier::Mid, Tier::High);
    let configurations = vec![choice(200, 0.5, [Tier::Low; 5], 0.0), choice(400, 0.8, dear, 10.0)];
    let choices = Compiled { configurations };
    let ask = |limits: Limits, tiers: Tiers| {
        let sources = Sources { choices: Some(&choices), ..Sources::new(&index, Arc::new(Manual::default())) };
        recall(&sources, &Tenant::local(), &request(limits, tiers)).unwrap()
    };
    let tokens = |tokens| Limits { tokens: Some(tokens), ..Limits::default() };
    let rich = ask(tokens(400), Tiers::default());
    // There is no language model: of the choice runs what can.
    assert_eq!(tiers(&rich), [Tier::Low, Tier::Mid, Tier::Low, Tier::Low, Tier::Low]);
    assert_eq!(rich.routing.why, "compiled: 80.0 % of the evidence at 400 tokens");
    check(&rich, tokens(400), &index);
    let poor = ask(tokens(300), Tiers::default());
    assert_eq!((tiers(&poor), poor.routing.why.contains("at 200 tokens")), (vec![Tier::Low; 5], true));
    let poorest = ask(tokens(100), Tiers::default());
    assert_eq!(poorest.routing.why, "none of the compiled choices is within the budget");
    let named = ask(tokens(400), Tiers { entity: Some(Tier::Low), ..Tiers::default() });
    assert_eq!(tiers(&named), vec![Tier::Low; 5], "what is asked for is not overruled");
}

/// A recall with a bandit that has learnt nothing and tries another way every second time.
fn tried(index: &Index, share: f64, limits: Limits, tiers: Tiers) -> Reply {
    let online = Some(Draw { bandit: Arc::new(Bandit::new(0.5)), share });
    let clock = Arc::new(Manual::default());
    let sources = Sources { weights: Some(weights()), online, ..Sources::new(index, clock) };
    recall(&sources, &Tenant::local(), &request(limits, tiers)).unwrap()
}

#[test]
fn each_way_is_what_it_says() {
    let index = index(false);
    let clock = || Arc::new(Manual::default());
    let usual = ask_priced(&index, None, clock(), &request(Limits::default(), Tiers::default()));
    let arms = |reply: &Reply| reply.trial.as_ref().map(|trial| trial.available.clone()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for step in 0..100 {
        let share = f64::from(step) / 100.0;
        let reply = tried(&index, share, Limits::default(), Tiers::default());
        assert_eq!(arms(&reply), BTreeSet::from([Arm::Usual, Arm::Ranked, Arm::Mid]));
        let trial = reply.trial.as_ref().unwrap();
        match trial.arm {
            Arm::Usual => assert_eq!((&reply.context, trial.propensity > 0.6), (&usual.context, true)),
            Arm::Ranked => {
                let ranked = ask(&index, None, clock(), &request(Limits::default(), Tiers::default()));
                assert!(reply.decision.is_none() && trial.propensity < 0.2);
                assert_eq!(tiers(&reply), vec![Tier::Low; 5]);
                assert_eq!(reply.items.len(), ranked.items.len());
            }
            Arm::Mid => assert!(tiers(&reply).contains(&Tier::Mid) && reply.decision.is_some()),
            Arm::High => panic!("there is no language model"),
        }
        seen.insert(trial.arm);
    }
    assert_eq!(seen.len(), 3);
    // Where every tier is asked for, only the packing is left to choose; and nothing is overruled.
    let named = tried(&index, 0.99, Limits::default(), all(Tier::Mid));
    assert_eq!((arms(&named), tiers(&named)), (BTreeSet::from([Arm::Usual, Arm::Ranked]), vec![Tier::Mid; 5]));
}

proptest! {
    #[test]
    fn a_way_that_is_tried_keeps_to_the_budget(
        share in 0.0..1.0_f64, tokens in proptest::option::of(0..600_u32), ms in proptest::option::of(0..50_u32))
    {
        let index = index(false);
        let limits = Limits { tokens, ms, ..Limits::default() };
        check(&tried(&index, share, limits, Tiers::default()), limits, &index);
    }
}
