//! What each module makes of candidates, in the tiers that need no model; and how strictly models' answers are read.

use crate::{Manual, said};
use consistency::Version;
use memory::budget::{Budget, Limits};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::index::Hit;
use memory::memories::Stored;
use memory::module::{
    Fact, Halt, Module, Pool, entity::Entity, filter::Filter, summary::Summary, temporal::Temporal, topic::Topic,
};
use memory::record::{Interval, Record, Trust};
use std::sync::Arc;

/// 2023-06-01.
const NOW: u64 = 1_685_577_600_000;

/// A few letters' worth of meaning: how often each of 26 letters begins a word.
#[derive(Debug)]
struct Letters(EmbedderId);

impl Letters {
    fn new() -> Letters {
        Letters(EmbedderId { backend: "local".into(), model: "letters".into(), dimension: 26 })
    }
}

impl Embedder for Letters {
    fn id(&self) -> &EmbedderId {
        &self.0
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut vector = vec![0.01; 26];
            for word in text.to_lowercase().split_whitespace() {
                if let Some(number) = vector.get_mut(usize::from(word.as_bytes()[0].wrapping_sub(b'a'))) {
                    *number += 1.0;
                }
            }
            let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
            vector.into_iter().map(|number| number / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
    fn is_semantic(&self) -> bool {
        false
    }
}

fn budget(tokens: Option<u32>) -> Budget {
    Budget::new(Limits { tokens, ..Limits::default() }, Arc::new(Manual::default()))
}

/// The candidates in an order that says nothing about them.
fn pool(question: &str, records: Vec<Record>) -> Pool {
    let hit =
        |record| Hit { stored: Stored { record, version: Version::default() }, score: 1.0, lexical: None, dense: None };
    Pool::new(question, NOW, records.into_iter().map(hit).collect(), &budget(None))
}

fn turns(turns: &[(&str, &str, &str)]) -> Vec<Record> {
    (0..).zip(turns).map(|(place, (day, speaker, text))| said(place, day, speaker, text)).collect()
}

fn texts(pool: &Pool) -> Vec<&str> {
    pool.candidates().iter().map(memory::module::Candidate::text).collect()
}

/// A case: the module, the question, the turns, and the beginning of the turn that is to be first.
type Case = (&'static dyn Module, &'static str, &'static [(&'static str, &'static str, &'static str)], &'static str);

const LOW: &[Case] = &[
    (
        &Filter,
        "Which instrument does Anna play?",
        &[("2023-05-01", "", "The weather was fine."), ("2023-05-01", "", "Anna plays the cello.")],
        "Anna plays",
    ),
    (
        &Entity,
        "What did Caroline say?",
        &[("2023-05-01", "Melanie", "I bake bread."), ("2023-05-01", "Caroline", "I paint.")],
        "I paint",
    ),
    (
        &Entity,
        "where is getUserById defined",
        &[("2023-05-01", "", "get the users by hand"), ("2023-05-01", "", "getUserById lives in api/user.rs")],
        "getUserById",
    ),
    (
        &Temporal,
        "What happened in May 2022?",
        &[("2023-05-01", "", "We hiked."), ("2022-05-20", "", "We swam.")],
        "We swam",
    ),
    (
        &Temporal,
        "What did she do on 6 May 2023?",
        &[("2023-05-08", "", "I ran last week."), ("2023-05-08", "", "Last Saturday I sang.")],
        "Last Saturday",
    ),
    (
        &Temporal,
        "When did he run?",
        &[("2023-05-08", "", "I love running."), ("2023-05-08", "", "I ran yesterday.")],
        "I ran",
    ),
    (
        &Temporal,
        "What happened before March 2023?",
        &[("2023-05-08", "", "We met."), ("2023-01-08", "", "We parted.")],
        "We parted",
    ),
    (
        &Topic,
        "bread",
        &[
            ("2023-05-01", "", "Cars burn fuel."),
            ("2023-05-02", "", "Sourdough bread needs time."),
            ("2023-05-03", "", "Sourdough bread needs salt."),
        ],
        "Sourdough",
    ),
];

const MID: &[Case] = &[
    (
        &Entity,
        "What does Melanie Smith do?",
        &[
            ("2023-05-01", "Caroline", "I paint."),
            ("2023-05-01", "Mel", "I bake."),
            ("2023-05-02", "", "Melanie Smith came."),
        ],
        "Melanie Smith",
    ),
    (
        &Temporal,
        "Where does Ann live?",
        &[
            ("2023-01-01", "Ann", "I live in the city of Oslo."),
            ("2023-05-01", "Ann", "I live in the city of Bergen now."),
        ],
        "I live in the city of Bergen",
    ),
    (
        &Temporal,
        "Where did Ann live originally?",
        &[
            ("2023-01-01", "Ann", "I live in the city of Oslo."),
            ("2023-05-01", "Ann", "I live in the city of Bergen now."),
        ],
        "I live in the city of Oslo",
    ),
    (
        &Temporal,
        "Where did Ann live in February 2023?",
        &[
            ("2023-05-01", "Ann", "I live in the city of Bergen now."),
            ("2023-01-01", "Ann", "I live in the city of Oslo."),
        ],
        "I live in the city of Oslo",
    ),
    (
        &Temporal,
        "What did Ann buy after the marathon?",
        &[
            ("2023-01-01", "Ann", "Bought a lamp."),
            ("2023-03-01", "Ann", "I ran the marathon!"),
            ("2023-04-01", "Ann", "Bought a desk."),
        ],
        "I ran",
    ),
    (&Filter, "zebra zoo", &[("2023-05-01", "", "apples are abundant"), ("2023-05-01", "", "zany zoology")], "zany"),
    (
        &Topic,
        "x",
        &[("2023-05-01", "", "lone elephant"), ("2023-05-01", "", "zebras zigzag"), ("2023-05-01", "", "zebras zoom")],
        "zebras",
    ),
];

#[test]
fn low_tiers_prefer_what_answers() {
    for (module, question, records, first) in LOW {
        let mut pool = pool(question, turns(records));
        let change = module.low(&pool, &budget(None)).unwrap();
        pool.apply(change);
        assert!(texts(&pool)[0].starts_with(first), "{} · {question}: {:?}", module.name(), texts(&pool));
    }
}

#[test]
fn mid_tiers_prefer_what_answers() {
    for (module, question, records, first) in MID {
        let mut pool = pool(question, turns(records));
        let change = module.mid(&pool, Some(&Letters::new()), &budget(None)).unwrap();
        pool.apply(change);
        assert!(texts(&pool)[0].starts_with(first), "{} · {question}: {:?}", module.name(), texts(&pool));
    }
}

#[test]
fn what_is_compared_by_meaning_needs_an_embedder() {
    let pool = pool("x", turns(&[("2023-05-01", "", "a b c"), ("2023-05-02", "", "d e f")]));
    for module in memory::module::ALL {
        let done = module.mid(&pool, None, &budget(None));
        assert_eq!(module.needs_embedder(), matches!(done, Err(Halt::NoEmbedder)), "{}", module.name());
    }
}

#[test]
fn of_two_that_say_the_same_the_more_trusted_stays() {
    let mut records =
        turns(&[("2023-05-01", "", "Deploys happen on Thursday."), ("2023-05-01", "", "Deploys happen on Thursday!")]);
    records[1].provenance.trust = Trust::User;
    let mut pool = pool("when are deploys", records);
    let change = Filter.low(&pool, &budget(None)).unwrap();
    let facts = pool.apply(change);
    assert_eq!(texts(&pool), ["Deploys happen on Thursday!"]);
    assert!(matches!(facts[0], Fact::Duplicate { .. }));
}

#[test]
fn what_was_said_on_two_days_was_said_twice() {
    let mut pool = pool("x", turns(&[("2023-05-01", "", "I went running."), ("2023-05-02", "", "I went running.")]));
    let change = Filter.low(&pool, &budget(None)).unwrap();
    pool.apply(change);
    assert_eq!(pool.candidates().len(), 2);
}

#[test]
fn what_holds_no_longer_comes_last() {
    let mut records =
        turns(&[("2023-01-01", "", "The key is under the mat."), ("2023-01-02", "", "The key is in the shed.")]);
    records[0].valid = Interval { from: None, until: Some(NOW - 1) };
    let mut pool = pool("Where is the key?", records);
    let change = Temporal.low(&pool, &budget(None)).unwrap();
    pool.apply(change);
    assert!(texts(&pool)[0].contains("shed"));
}

#[test]
fn a_summary_shows_the_sentences_that_answer() {
    let long = "We talked about the garden for a long while. The wifi password is swordfish. Then it began to rain and we all \
        went back into the house to drink some tea together.";
    let mut pool = pool(
        "What is the wifi password?",
        turns(&[("2023-05-01", "", long), ("2023-05-02", "", "It rained again and again.")]),
    );
    for tokens in [75, 90] {
        let change = Summary.low(&pool, &budget(Some(tokens))).unwrap();
        pool.apply(change);
        let shown = pool.candidates().iter().filter(|one| !one.is_left_out()).map(memory::module::Candidate::excerpt);
        let shown: Vec<String> = shown.collect();
        assert!(shown.iter().any(|shown| shown.contains("The wifi password is swordfish.")), "{tokens}: {shown:?}");
        assert!(!shown.iter().any(|shown| shown.contains("tea")), "{tokens}: {shown:?}");
    }
}

#[test]
fn what_fits_is_shown_whole() {
    let mut pool = pool("x", turns(&[("2023-05-01", "", "One. Two. Three."), ("2023-05-02", "", "Four.")]));
    let change = Summary.low(&pool, &budget(Some(1000))).unwrap();
    pool.apply(change);
    assert_eq!(pool.candidates()[0].excerpt(), "One. Two. Three.");
}

#[test]
fn models_answers_are_read_strictly() {
    let pool = pool("x", turns(&[("2023-05-01", "", "a b c"), ("2023-05-02", "", "d e f")]));
    let cases: &[(&dyn Module, &str, bool)] = &[
        (&Filter, r#"{"grades":[{"item":1,"grade":3}]}"#, true),
        (&Filter, "```json\n{\"grades\":[]}\n```", true),
        (&Filter, r#"Sure! {"grades":[]}"#, false),
        (&Filter, r#"{"grades":[{"item":3,"grade":1}]}"#, false),
        (&Filter, r#"{"grades":[{"item":0,"grade":1}]}"#, false),
        (&Filter, r#"{"grades":[{"item":1,"grade":4}]}"#, false),
        (&Filter, r#"{"grades":[{"item":1,"grade":-1}]}"#, false),
        (&Filter, r#"{"grades":[{"item":1,"#, false),
        (&Filter, r#"{"grades":[],"note":"x"}"#, false),
        (&Filter, "", false),
        (&Entity, r#"{"question":["x"],"items":[{"item":1,"names":["b","not there"]}]}"#, true),
        (&Entity, r#"{"question":[],"items":[{"item":9,"names":[]}]}"#, false),
        (
            &Temporal,
            r#"{"items":[{"item":1,"from":"2023-05-01","until":"2023-05-02"}],"fits":[1],"superseded":[]}"#,
            true,
        ),
        (
            &Temporal,
            r#"{"items":[{"item":1,"from":"2023-05-03","until":"2023-05-02"}],"fits":[],"superseded":[]}"#,
            false,
        ),
        (&Temporal, r#"{"items":[{"item":1,"from":"May","until":"2023-05-02"}],"fits":[],"superseded":[]}"#, false),
        (&Temporal, r#"{"items":[],"fits":[7],"superseded":[]}"#, false),
        (&Topic, r#"{"topics":[{"label":"letters","items":[1,2]}]}"#, true),
        (&Topic, r#"{"topics":[{"label":"letters","items":[1,3]}]}"#, false),
        (&Summary, r#"{"answerable":true,"summary":[{"text":"It is so.","items":[2,77]}]}"#, true),
        (&Summary, r#"{"answerable":true,"summary":[{"text":"It is so.","items":[77]}]}"#, false),
        (&Summary, r#"{"answerable":false,"summary":[]}"#, true),
    ];
    for (module, answer, good) in cases {
        let read = module.read(&pool, answer, &budget(Some(200)));
        assert_eq!(read.is_ok(), *good, "{}: {answer}: {read:?}", module.name());
    }
}

#[test]
fn names_that_are_not_in_the_text_are_not_taken() {
    let mut pool = pool("x", turns(&[("2023-05-01", "", "a b c"), ("2023-05-02", "", "a b d")]));
    let answer = r#"{"question":[],"items":[{"item":1,"names":["b","Zed"]},{"item":2,"names":["b","Zed"]}]}"#;
    let change = Entity.read(&pool, answer, &budget(None)).unwrap();
    let facts = pool.apply(change);
    let names: Vec<&str> =
        facts.iter().map(|fact| if let Fact::Entity { name, .. } = fact { name } else { "" }).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn citations_of_no_item_are_dropped() {
    let mut pool = pool("x", turns(&[("2023-05-01", "", "a b c"), ("2023-05-02", "", "d e f")]));
    let answer = r#"{"answerable":true,"summary":[{"text":"So.","items":[2,77]},{"text":"Made up.","items":[5]}]}"#;
    let change = Summary.read(&pool, answer, &budget(Some(400))).unwrap();
    let cited = pool.candidates()[1].id();
    pool.apply(change);
    let [only] = pool.statements() else { panic!("{:?}", pool.statements()) };
    assert_eq!((only.text.as_str(), only.items.as_slice()), ("So.", [cited].as_slice()));
}
