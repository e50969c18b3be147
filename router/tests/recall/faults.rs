//! Slow, failing and lying tiers: no budget is exceeded, every reply is one, and what is lost is what the next tier costs.
//!
//! `TRACE_BUDGETS=100000 cargo test --workspace --test recall budgets` asks more; the seed is printed, and taken from
//! `TRACE_SEED`.

use super::{Act, Indexed, Letters, Manual, all, index_with, records, weights};
use memory::budget::{Clock, Limits, NanoUsd};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::filter::Filter;
use memory::memories::Stored;
use memory::model::{Answer, Ask, Model, ModelError, Price, Usage};
use memory::{Tenant, tokens};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use router::{Reply, Request, Sources, Tier, Tiers, recall};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many requests are asked unless more are wanted.
const REQUESTS: u32 = 1000;
const MODULES: [&str; 5] = ["filter", "entity", "temporal", "topic", "summary"];
/// Texts that are no answer, and one that is no answer to most questions.
const GARBAGE: [&str; 5] = ["", "{\"grades\":[{\"item\":0,\"grade\":9}]}", "null", "\u{0}\u{feff}{", "{\"grades\":[]}"];

/// What an embedder does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answering {
    Well,
    Fails,
    /// Numbers that are none, of which there are others than asked for, or fewer vectors than texts.
    NoNumbers,
    Longer,
    Fewer,
}

/// An embedder that fails by plan, and takes its time.
#[derive(Debug)]
struct Unsteady {
    letters: Letters,
    plan: Mutex<Vec<(Answering, Duration)>>,
    /// The clock, and when the time is up.
    clock: Mutex<(Arc<Manual>, Option<Duration>)>,
    late: AtomicUsize,
}

impl Embedder for Unsteady {
    fn id(&self) -> &EmbedderId {
        self.letters.id()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let (clock, until) = self.clock.lock().unwrap().clone();
        if until.is_some_and(|until| clock.elapsed() >= until && !until.is_zero()) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        let (answering, takes) = self.plan.lock().unwrap().pop().unwrap_or((Answering::Well, Duration::ZERO));
        clock.advance(takes);
        let mut vectors = self.letters.embed(texts)?;
        match answering {
            Answering::Well => {}
            Answering::Fails => return Err(EmbedError::Failed("the library is gone".into())),
            Answering::NoNumbers => vectors.iter_mut().for_each(|vector| vector[3] = f32::NAN),
            Answering::Longer => vectors.iter_mut().for_each(|vector| vector.push(1.0)),
            Answering::Fewer => drop(vectors.pop()),
        }
        Ok(vectors)
    }

    fn is_semantic(&self) -> bool {
        false
    }
}

/// A language model that does something else for each module.
#[derive(Debug)]
struct Moody {
    acts: BTreeMap<&'static str, (Act, Duration)>,
    price: Price,
    clock: Arc<Manual>,
}

impl Model for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn price(&self) -> Price {
        self.price
    }

    fn ask(&self, ask: &Ask) -> Result<Answer, ModelError> {
        let (module, well) = super::answer_to(ask);
        let (act, takes) = self.acts.get(module).cloned().unwrap_or((Act::Well, Duration::ZERO));
        self.clock.advance(takes.min(ask.time));
        if takes > ask.time {
            return Err(ModelError::Late);
        }
        match act {
            Act::Fail(error) => Err(error),
            Act::Say(text, usage) => Ok(Answer { text, usage }),
            Act::Well => Ok(Answer { text: well.to_owned(), usage: Usage { input: 100, output: 20 } }),
        }
    }
}

/// A request, and what goes wrong meanwhile.
#[derive(Debug, Clone)]
struct Trouble {
    query: &'static str,
    limits: Limits,
    tiers: Tiers,
    limit: usize,
    acts: Vec<(Act, Duration)>,
    embeds: Vec<(Answering, Duration)>,
    price: (u64, u64),
    has_model: bool,
    has_embedder: bool,
    is_priced: bool,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let answering = prop_oneof![
        5 => Just(Answering::Well),
        1 => Just(Answering::Fails),
        1 => Just(Answering::NoNumbers),
        1 => Just(Answering::Longer),
        1 => Just(Answering::Fewer),
    ];
    let took = prop_oneof![3 => Just(0_u64), 1 => 0..40_u64, 1 => 0..2000_u64].prop_map(Duration::from_millis);
    let garbage = (0..GARBAGE.len(), 0..9000_u64, 0..900_u64)
        .prop_map(|(at, input, output)| Act::Say(GARBAGE[at].to_owned(), Usage { input, output }));
    let act = prop_oneof![3 => super::act(), 1 => (garbage, took.clone())];
    let query = prop_oneof![
        4 => Just("What is the tale about Caroline?"),
        3 => Just("When did Melanie move after the marathon?"),
        1 => Just("a"),
        1 => Just(""),
    ];
    let faults = (proptest::collection::vec(act, 5), proptest::collection::vec((answering, took), 0..8));
    let asked = (query, super::limits(), super::tiers(), 0..30_usize);
    let there = (any::<bool>(), any::<bool>(), any::<bool>(), (0..9000_u64, 0..40_000_u64));
    (asked, faults, there).prop_map(
        |((query, limits, tiers, limit), (acts, embeds), (has_model, has_embedder, is_priced, price))| Trouble {
            query,
            limits,
            tiers,
            limit,
            acts,
            embeds,
            price,
            has_model,
            has_embedder,
            is_priced,
        },
    )
}

/// The indexes that are asked, with the embedder of the second one.
struct Scene {
    plain: (Indexed, Vec<Stored>),
    embedded: (Indexed, Vec<Stored>),
    embedder: Arc<Unsteady>,
}

impl Scene {
    fn new() -> Scene {
        let clock = Mutex::new((Arc::new(Manual::default()), None));
        let embedder = Arc::new(Unsteady {
            letters: Letters::default(),
            plan: Mutex::default(),
            clock,
            late: AtomicUsize::new(0),
        });
        let with_records = |index: Indexed| {
            let records = records(&index);
            (index, records)
        };
        let plain = with_records(index_with(None));
        let embedded = with_records(index_with(Some(embedder.clone())));
        Scene { plain, embedded, embedder }
    }

    fn of(&self, trouble: &Trouble) -> &(Indexed, Vec<Stored>) {
        if trouble.has_embedder { &self.embedded } else { &self.plain }
    }

    /// Asks; gives back the reply and how long it took.
    fn ask(&self, trouble: &Trouble) -> (Reply, Duration) {
        let clock = Arc::new(Manual::default());
        let until = trouble.limits.ms.map(|ms| Duration::from_millis(ms.into()));
        *self.embedder.clock.lock().unwrap() = (clock.clone(), until);
        *self.embedder.plan.lock().unwrap() = trouble.embeds.iter().rev().copied().collect();
        let acts = MODULES.into_iter().zip(trouble.acts.iter().cloned()).collect();
        let price = Price { input: trouble.price.0, output: trouble.price.1 };
        let model = trouble.has_model.then(|| Arc::new(Moody { acts, price, clock: clock.clone() }) as Arc<dyn Model>);
        let Trouble { query, limits, tiers, limit, .. } = trouble.clone();
        let request = Request { query: query.into(), filter: Filter::everything(), limits, tiers, limit };
        let weights = trouble.is_priced.then(weights);
        let sources = Sources { model, weights, ..Sources::new(&self.of(trouble).0, clock.clone()) };
        let reply = recall(&sources, &Tenant::local(), &request).unwrap();
        self.embedder.plan.lock().unwrap().clear();
        (reply, clock.elapsed())
    }

    /// What is wrong with a reply. The time may be exceeded only by what was being computed when it ran out: nothing is begun
    /// after it.
    fn wrong(&self, trouble: &Trouble, reply: &Reply, took: Duration) -> Vec<String> {
        let mut wrong = violations(reply, trouble.limits, trouble.limit, &self.of(trouble).1);
        let slowest = trouble.embeds.iter().map(|(_, takes)| *takes).max().unwrap_or_default();
        let slowest = if trouble.has_embedder { slowest } else { Duration::ZERO };
        let cap = trouble.limits.ms.map(|ms| Duration::from_millis(ms.into()));
        if cap.is_some_and(|cap| took > cap + slowest) {
            wrong.push(format!("{took:?} of {cap:?}"));
        }
        if self.embedder.late.swap(0, Ordering::SeqCst) > 0 {
            wrong.push("something was begun after the time was up".to_owned());
        }
        wrong
    }

    /// The same request where each module is asked at once for the tier that answered, and nothing goes wrong; nothing where
    /// the time ran out before all modules had run.
    fn at_once(&self, trouble: &Trouble, reply: &Reply) -> Option<Reply> {
        let ran: Vec<Tier> = reply.spending.steps.iter().map(|step| step.ran).collect::<Option<_>>()?;
        let [filter, entity, temporal, topic, summary] = ran.iter().copied().map(Some).collect::<Vec<_>>()[..] else {
            return None;
        };
        // That the question could not be embedded is no tier's failure: the search then goes by words, here too.
        let search = trouble.embeds.first().filter(|(answering, _)| *answering != Answering::Well);
        let calm = Trouble {
            limits: Limits { tokens: trouble.limits.tokens, ..Limits::default() },
            tiers: Tiers { filter, entity, temporal, topic, summary },
            acts: trouble.acts.iter().map(|(act, _)| (act.clone(), Duration::ZERO)).collect(),
            embeds: search.map(|_| (Answering::Fails, Duration::ZERO)).into_iter().collect(),
            ..trouble.clone()
        };
        let again = self.ask(&calm).0;
        assert_eq!(again.spending.steps.iter().filter_map(|step| step.ran).collect::<Vec<_>>(), ran);
        Some(again)
    }
}

/// In what a reply is not what was promised.
fn violations(reply: &Reply, limits: Limits, limit: usize, real: &[Stored]) -> Vec<String> {
    let counted = if reply.context.is_empty() { 0 } else { tokens::of(&reply.context) };
    let (cost, steps) = (reply.spending.cost, &reply.spending.steps);
    let billed: u64 = steps.iter().map(|step| step.cost.nano_usd.0).sum();
    let says_why = |step: &router::Step| step.ran == Some(step.asked) || step.note.is_some();
    let is_shown = |item: &router::Item| reply.context.contains(&format!("\n[{} ", item.number));
    let rules = [
        ("tokens are billed as they are", cost.tokens == counted),
        ("tokens", limits.tokens.is_none_or(|cap| counted <= u64::from(cap))),
        ("dollars", limits.usd.is_none_or(|cap| cost.nano_usd <= NanoUsd::from_usd(cap))),
        ("each dollar is billed to a module", billed == cost.nano_usd.0),
        ("all modules are told of", steps.iter().map(|step| step.module.as_str()).eq(MODULES)),
        ("no tier above the one that is asked for", steps.iter().all(|step| step.ran <= Some(step.asked))),
        ("who runs otherwise says why", steps.iter().all(says_why)),
        ("no more items than wanted", reply.items.len() <= limit),
        ("items are numbered", reply.items.iter().map(|item| item.number).eq(1..=reply.items.len())),
        ("items are records", reply.items.iter().all(|item| real.contains(&item.hit.stored))),
        ("items are in the context", reply.items.iter().all(is_shown)),
        ("the best is first", reply.items.is_sorted_by(|one, other| one.value >= other.value)),
    ];
    rules.into_iter().filter(|(_, holds)| !holds).map(|(rule, _)| rule.to_owned()).collect()
}

/// A number from the environment.
fn set(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_trouble_breaks_budgets_or_replies_or_costs_more_than_a_tier() {
    let requests = set("TRACE_BUDGETS").map_or(REQUESTS, |count| u32::try_from(count).unwrap());
    let seed = set("TRACE_SEED").unwrap_or(7);
    println!("seed {seed}: {requests} requests");
    let (compared, fell) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = |part: u64| {
        let scene = Scene::new();
        let config = ProptestConfig { cases: requests / 2, failure_persistence: None, ..ProptestConfig::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8] = u8::try_from(part).unwrap();
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let result = runner.run(&trouble(), |trouble| {
            let (reply, took) = scene.ask(&trouble);
            prop_assert_eq!(scene.wrong(&trouble, &reply, took), Vec::<String>::new());
            let fallen = reply.spending.steps.iter().any(|step| step.ran < Some(step.asked));
            fell.fetch_add(usize::from(fallen), Ordering::SeqCst);
            if trouble.limit.is_multiple_of(8) {
                prop_assert_eq!(&scene.ask(&trouble).0, &reply, "the same trouble makes the same reply");
            }
            if let Some(again) = scene.at_once(&trouble, &reply) {
                compared.fetch_add(1, Ordering::SeqCst);
                prop_assert_eq!(
                    &again.context,
                    &reply.context,
                    "what a failed tier leaves behind is the next one's work"
                );
                prop_assert_eq!(&again.items, &reply.items);
            }
            Ok(())
        });
        match result {
            Ok(()) => {}
            Err(TestError::Fail(why, trouble)) => panic!("replay with: TRACE_SEED={seed}: {why}\n{trouble:#?}"),
            Err(error) => panic!("{error}"),
        }
    };
    std::thread::scope(|scope| {
        let run = &run;
        let parts: Vec<_> = (0..2).map(|part| scope.spawn(move || run(part))).collect();
        for part in parts {
            part.join().unwrap();
        }
    });
    let (compared, fell) = (compared.into_inner(), fell.into_inner());
    println!("{fell} fell to a lower tier, {compared} compared with that tier asked for at once");
    assert!(3 * compared > requests as usize && 4 * fell > requests as usize, "{compared} {fell}");
}

#[test]
fn what_breaks_a_budget_is_seen() {
    let scene = Scene::new();
    let limits = Limits { tokens: Some(300), usd: Some(0.1), ms: Some(500) };
    let acts = vec![(Act::Well, Duration::from_millis(10)); 5];
    let trouble = Trouble {
        query: "What is the tale about Caroline?",
        limits,
        tiers: all(Tier::High),
        limit: 10,
        acts,
        embeds: Vec::new(),
        price: (1000, 5000),
        has_model: true,
        has_embedder: true,
        is_priced: false,
    };
    let (reply, took) = scene.ask(&trouble);
    assert_eq!(scene.wrong(&trouble, &reply, took), Vec::<String>::new());
    let broken: [fn(&mut Reply); 9] = [
        |reply| reply.context.push_str(&"word ".repeat(400)),
        |reply| reply.spending.cost.tokens += 1,
        |reply| reply.spending.cost.nano_usd = NanoUsd::from_usd(0.2),
        |reply| drop(reply.spending.steps.pop()),
        |reply| reply.spending.steps[0].asked = Tier::Low,
        |reply| reply.spending.steps[1].ran = Some(Tier::Low),
        |reply| reply.items[0].number = 2,
        |reply| reply.items[0].hit.stored.record.text.push('!'),
        |reply| reply.items.push(reply.items[0].clone()),
    ];
    for (number, breaks) in broken.into_iter().enumerate() {
        let mut reply = reply.clone();
        breaks(&mut reply);
        assert!(!scene.wrong(&trouble, &reply, took).is_empty(), "variant {number}");
    }
    assert_eq!(scene.wrong(&trouble, &reply, Duration::from_millis(501)).len(), 1, "late");
}
