//! What is found, and how it is ranked.

use crate::setup::{Hashed, Place, all, ids, tenant, user};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::index::{Hit, Index, IndexError, Mode, Query, Settings, unit};
use memory::{Draft, Filter, Patch, RecordId, Tenant, Turn, text};
use serde_json::json;
use std::sync::Arc;

fn query(text: &str, mode: Mode, limit: usize) -> Query {
    Query { text: text.to_owned(), filter: Filter::everything(), limit, mode, neighbours: false }
}

fn said(conversation: &str, place: u32, speaker: &str, text: &str) -> Draft {
    let turn = Turn {
        conversation: conversation.to_owned(),
        place,
        speaker: Some(speaker.to_owned()),
        said_at: Some(1_683_545_400_000),
    };
    Draft { turn: Some(turn), ..Draft::new(text) }
}

fn scores(hits: &[Hit]) -> Vec<(RecordId, f32)> {
    hits.iter().map(|hit| (hit.stored.record.id, hit.score)).collect()
}

#[test]
fn words_are_found_in_the_forms_of_their_language() {
    let cases = [
        ("She was painting sunrises at the lake.", "a painted sunrise"),
        ("Die Häuser in unserer Straße wurden im vergangenen Jahr alle neu gestrichen.", "Häuser"),
        ("Mi hermana y sus perros viven ahora en una casa pequeña cerca de la playa.", "perro"),
        ("Мы читали старые книги всю ночь.", "книга"),
        ("我喜欢在家里喝绿茶", "绿茶"),
        ("来週の会議は東京で開かれます", "東京"),
        ("회의는 서울에서 열립니다", "서울"),
    ];
    let (place, tenant) = (Place::new(), tenant("one"));
    let added: Vec<RecordId> = cases.iter().map(|(text, _)| place.add(&tenant, &Draft::new(*text))).collect();
    let index = place.open(None);
    for moved in [false, true] {
        for ((text, asked), id) in cases.iter().zip(&added) {
            let hits = index.search(&tenant, &query(asked, Mode::Hybrid, 1)).unwrap();
            assert_eq!(hits.first().map(|hit| hit.stored.record.id), Some(*id), "{asked} in {text}, in files: {moved}");
        }
        index.commit().unwrap();
    }
}

#[test]
fn speaker_and_date_are_words_of_a_turn() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let id = place.add(&tenant, &said("c", 0, "Caroline", "I went to the group."));
    place.add(&tenant, &Draft::new("I went to the other group."));
    let index = place.open(None);
    for asked in ["Caroline", "May 2023", "8 May"] {
        assert_eq!(ids(&index, &tenant, &query(asked, Mode::Lexical, 9)), [id], "{asked}");
    }
}

/// BM25 (Robertson and Zaragoza 2009) with k₁ = 1.2 and b = 0.75, of texts short enough that their lengths are kept exactly.
#[expect(clippy::cast_precision_loss, reason = "there are few texts")]
fn bm25(texts: &[(RecordId, Vec<String>)], asked: &[String]) -> Vec<(RecordId, f32)> {
    let mean = texts.iter().map(|(_, terms)| terms.len()).sum::<usize>() as f32 / texts.len() as f32;
    let score = |terms: &Vec<String>| -> f32 {
        let of = |asked: &String| {
            let with = texts.iter().filter(|(_, terms)| terms.contains(asked)).count() as f32;
            let count = terms.iter().filter(|term| *term == asked).count() as f32;
            let rarity = (1.0 + (texts.len() as f32 - with + 0.5) / (with + 0.5)).ln();
            rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * terms.len() as f32 / mean))
        };
        asked.iter().map(of).sum()
    };
    texts.iter().map(|(id, terms)| (*id, score(terms))).filter(|(_, score)| *score > 0.0).collect()
}

#[test]
fn scores_are_bm25_wherever_the_words_are() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open(None);
    let asked = "tea or coffee in Berlin, tea";
    let add = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let words = ["tea", "coffee", "Berlin", "rust", "snow"].iter().enumerate();
            let text: Vec<&str> = words.filter(|(at, _)| number * 7 % (at + 2) == 0).map(|(_, word)| *word).collect();
            place.add(&tenant, &Draft::new(format!("{} n{number} {}", text.join(" "), "tea ".repeat(number % 3))));
        }
    };
    let check = |step: &str| {
        let records = place.live(&tenant, &Filter::everything());
        let of = |record| (text::terms(&unit(record)), record);
        let texts: Vec<_> = records.iter().map(|it| of(&it.record)).map(|(terms, record)| (record.id, terms)).collect();
        let mut expected = bm25(&texts, &text::terms(asked));
        let mut found = scores(&index.search(&tenant, &query(asked, Mode::Lexical, usize::MAX)).unwrap());
        assert!(found.is_sorted_by(|one, other| one.1 >= other.1), "{step}: best first");
        expected.sort_by_key(|(id, _)| *id);
        found.sort_by_key(|(id, _)| *id);
        assert_eq!(found.len(), expected.len(), "{step}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-3, "{step}: {found:?}, {expected:?}");
        }
    };
    add(0..40);
    check("all in the tail");
    index.commit().unwrap();
    check("all in files");
    add(40..70);
    check("some in files, some in the tail");
}

#[test]
fn what_a_record_said_before_does_not_find_it() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let embedder = Hashed::new("one", 64, true);
    let id = place.add(&tenant, &Draft::new("violin"));
    let say = |text: &str| {
        let patch = Patch { text: Some(text.to_owned()), ..Patch::default() };
        place.memories.update(&tenant, "test", id, &patch, None).unwrap();
    };
    let check = |index: &Index, said: &str, before: &[&str]| {
        let find = |text: &str, mode| index.search(&tenant, &query(text, mode, 9)).unwrap();
        for text in before {
            assert_eq!(find(text, Mode::Lexical), [], "{text}, and it says {said}");
        }
        assert_eq!(find(said, Mode::Lexical).len(), 1, "{said}");
        index.embed_pending(&mut |_| {}).unwrap();
        assert!(find(said, Mode::Dense)[0].score > 0.999, "{said} means what it says");
    };
    let index = place.open(Some(embedder.clone()));
    check(&index, "violin", &[]);
    say("cello");
    check(&index, "cello", &["violin"]);
    index.commit().unwrap();
    say("viola");
    check(&index, "viola", &["violin", "cello"]);
    say("harp");
    check(&index, "harp", &["violin", "cello", "viola"]);
    index.commit().unwrap();
    check(&index, "harp", &["violin", "cello", "viola"]);
    drop(index);
    say("flute");
    check(&place.open(Some(embedder)), "flute", &["violin", "cello", "viola", "harp"]);
}

#[test]
fn nothing_of_another_tenant_is_found_counted_or_weighed() {
    let (place, [one, two]) = (Place::new(), [tenant("one"), tenant("two")]);
    let index = place.open(Some(Hashed::new("one", 16, false)));
    for number in 0..20 {
        place.add(&one, &Draft::new(format!("tea number {number}")).within(user("ana")));
    }
    let look = || {
        let hits = index.search(&one, &query("tea number 7", Mode::Hybrid, 50)).unwrap();
        let listed = index.list(&one, &Filter::everything(), 0, 50).unwrap();
        (scores(&hits), listed, index.entities(&one).unwrap())
    };
    let before = look();
    for number in 0..60 {
        place.add(&two, &Draft::new(format!("tea tea number {number}")).within(user("eve")));
    }
    assert_eq!(look(), before, "in the tail");
    index.commit().unwrap();
    assert_eq!(look(), before, "in files");
    assert_eq!(index.search(&tenant("three"), &query("tea", Mode::Hybrid, 9)).unwrap(), []);
}

#[test]
fn filters_do_not_starve_a_search() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let add = |number: usize| {
        let metadata = [("kind".to_owned(), json!(if number % 500 == 499 { "rare" } else { "common" }))];
        let text =
            format!("tea number {number} {}", if number % 500 == 499 { "in a long and winding text" } else { "" });
        Draft { metadata: metadata.into_iter().collect(), ..Draft::new(text) }
    };
    let all: Vec<Draft> = (0..1_500).map(add).collect();
    place.memories.write(&tenant, "test", |it| all.iter().try_for_each(|draft| it.add(draft).map(drop))).unwrap();
    let index = place.open(Some(Hashed::new("one", 16, false)));
    let filter = Filter::parse(&json!({"metadata": {"kind": "rare"}})).unwrap();
    for (mode, neighbours) in
        [(Mode::Lexical, false), (Mode::Lexical, true), (Mode::Hybrid, true), (Mode::Dense, false)]
    {
        let query = Query { text: "tea".into(), filter: filter.clone(), limit: 3, mode, neighbours };
        assert_eq!(index.search(&tenant, &query).unwrap().len(), 3, "{mode:?}");
    }
    assert_eq!(index.list(&tenant, &filter, 2, 5).map(|it| (it.total, it.page.len())).unwrap(), (3, 1));
}

#[test]
fn what_was_said_next_to_a_match_is_found_within_its_scope() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let add = |name: &str, place_in: u32, text: &str| {
        place.add(&tenant, &said("c", place_in, "Ana", text).within(user(name)))
    };
    let question = add("ana", 4, "Where did you find the violin?");
    let answer = add("ana", 5, "In the old shop by the station.");
    add("ben", 5, "Somebody else's shop.");
    add("ana", 9, "Far away from it all.");
    let index = place.open(None);
    let near = |neighbours| {
        let query = Query { neighbours, ..query("violin", Mode::Hybrid, 9) };
        index.search(&tenant, &query).unwrap().iter().map(|hit| hit.stored.record.id).collect::<Vec<_>>()
    };
    assert_eq!(near(false), [question]);
    assert_eq!(near(true), [question, answer]);
}

#[test]
fn what_only_words_or_only_meaning_finds_is_found() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let index = place.open(Some(Hashed::new("one", 64, true)));
    let old = place.add(&tenant, &Draft::new("violin"));
    assert_eq!(index.embed_pending(&mut |_| {}).unwrap(), 1);
    let new = place.add(&tenant, &Draft::new("cello and viola"));
    let find = |text| {
        let hits = index.search(&tenant, &query(text, Mode::Hybrid, 9)).unwrap();
        hits.iter().map(|hit| (hit.stored.record.id, hit.lexical.is_some(), hit.dense.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(find("viola"), [(new, true, false), (old, false, true)]);
    assert_eq!(index.embed_pending(&mut |_| {}).unwrap(), 1);
    assert_eq!(find("viola"), [(new, true, true), (old, false, true)]);
}

/// An embedder whose model has gone.
#[derive(Debug)]
struct Gone(EmbedderId);

impl Embedder for Gone {
    fn id(&self) -> &EmbedderId {
        &self.0
    }

    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Err(EmbedError::Failed("gone".to_owned()))
    }

    fn is_semantic(&self) -> bool {
        true
    }
}

#[test]
fn without_a_model_words_are_left() {
    let (place, tenant) = (Place::new(), tenant("one"));
    let id = place.add(&tenant, &Draft::new("violin"));
    let gone = Arc::new(Gone(EmbedderId { backend: "test".into(), model: "gone".into(), dimension: 4 }));
    for embedder in [None, Some(gone as Arc<dyn Embedder>)] {
        let index = Index::open(place.folder.path(), &place.memories, embedder).unwrap();
        assert_eq!(ids(&index, &tenant, &all("violin", Mode::Hybrid, &Filter::everything())), [id]);
        let dense = index.search(&tenant, &query("violin", Mode::Dense, 1));
        assert!(matches!(dense, Err(IndexError::Embed(_))), "{dense:?}");
    }
}

#[test]
fn the_graph_finds_nearly_what_all_comparisons_find_and_gives_exact_cosines() {
    let (place, tenant, embedder) = (Place::new(), tenant("one"), Hashed::new("one", 32, true));
    let words =
        |number: usize| (0..6).map(|at| format!("w{}", number * (at + 3) * 7 % 97)).collect::<Vec<_>>().join(" ");
    let drafts: Vec<Draft> = (0..1_200).map(|number| Draft::new(format!("{} {number}", words(number)))).collect();
    place.memories.write(&tenant, "test", |it| drafts.iter().try_for_each(|draft| it.add(draft).map(drop))).unwrap();
    let index = place.open_telling(Some(embedder.clone()), Settings { exact: 600, ..Settings::default() }).0;
    assert_eq!(index.embed_pending(&mut |_| {}).unwrap(), 1_200);
    for id in place.live(&tenant, &Filter::everything()).iter().step_by(5).map(|it| it.record.id) {
        place.memories.forget(&tenant, "test", id).unwrap();
    }
    let mut same = 0;
    for number in 0..20 {
        let asked = words(number * 31 + 5);
        let near = |of: &Tenant| index.search(of, &query(&asked, Mode::Dense, 10)).unwrap();
        let question = embedder.vector(&asked);
        let cosine =
            |text: &str| embedder.vector(text).iter().zip(&question).map(|(one, other)| one * other).sum::<f32>();
        let mut exact: Vec<f32> =
            place.live(&tenant, &Filter::everything()).iter().map(|it| cosine(&it.record.text)).collect();
        exact.sort_by(|one, other| other.total_cmp(one));
        for hit in near(&tenant) {
            assert!((hit.score - cosine(&hit.stored.record.text)).abs() < 1e-5, "{hit:?}");
            same += usize::from(hit.score >= exact[9] - 1e-5);
        }
    }
    assert!(same >= 190, "{same} of 200");
}
