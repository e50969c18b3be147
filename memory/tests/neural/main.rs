//! Embedding with a real model, as continuous integration has it (`.ci/neural`): `TRACE_TEST_MODEL` names a folder with
//! all-MiniLM-L6-v2 in both forms, `ORT_DYLIB_PATH` the library of ONNX Runtime. Without the first these tests skip; with
//! it they fail when anything is missing.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test that cannot be set up shall fail")]

use memory::embed::{Backend, Choice, Embedder, Settings, choose, cosine, embed_all};
use serde::Deserialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// A text, and its vector as ONNX Runtime computed it in Python.
#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

fn references() -> Vec<Reference> {
    let lines = include_str!("vectors.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("a reference vector a line")).collect()
}

/// An embedder of the model that is tested with, unless there is none.
fn embedder(backend: Backend, threads: usize) -> Option<Arc<dyn Embedder>> {
    let Some(model) = std::env::var_os("TRACE_TEST_MODEL") else {
        println!("skipped: TRACE_TEST_MODEL names no folder with an embedding model; see .ci/neural");
        return None;
    };
    let settings = Settings {
        backend,
        model_dir: Some(PathBuf::from(model)),
        library: std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from),
        data: None,
        threads: NonZeroUsize::new(threads).expect("some threads"),
    };
    let Choice { embedder, reason } = choose(&settings).expect("the model can be used");
    Some(embedder.expect(&reason))
}

fn vectors(embedder: &dyn Embedder, texts: &[&str]) -> Vec<Vec<f32>> {
    embedder.embed(texts).expect("vectors")
}

#[test]
fn both_ways_to_run_a_model_agree_with_vectors_computed_elsewhere() {
    let references = references();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    for backend in [Backend::Local, Backend::Fastembed] {
        let Some(embedder) = embedder(backend, 2) else { return };
        assert!(embedder.is_semantic());
        assert_eq!(embedder.id().dimension, 384);
        for (vector, reference) in vectors(&*embedder, &texts).iter().zip(&references) {
            let near = cosine(vector, &reference.vector);
            assert!(near > 0.9999, "{}: {near} for `{}`", embedder.id(), reference.text);
        }
    }
}

#[test]
fn in_rust_a_batch_equals_its_texts_one_by_one_to_the_bit() {
    let (Some(one), Some(many)) = (embedder(Backend::Local, 1), embedder(Backend::Local, 3)) else { return };
    let references = references();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    let single: Vec<Vec<f32>> = texts.iter().flat_map(|text| vectors(&*one, &[text])).collect();
    assert_eq!(vectors(&*one, &texts), single);
    assert_eq!(vectors(&*many, &texts), single, "the number of threads does not matter");
    assert!(vectors(&*many, &[]).is_empty());
}

#[test]
fn fastembed_has_a_batch_near_its_texts_one_by_one() {
    let Some(fast) = embedder(Backend::Fastembed, 2) else { return };
    let references = references();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    for (text, batch) in texts.iter().zip(vectors(&*fast, &texts)) {
        let near = cosine(&batch, &vectors(&*fast, &[text])[0]);
        assert!(near > 0.99999, "{near} for `{text}`");
    }
    assert!(vectors(&*fast, &[]).is_empty());
}

#[test]
fn the_best_way_is_taken_by_itself_and_vectors_of_two_ways_have_two_names() {
    let (Some(auto), Some(local)) = (embedder(Backend::Auto, 1), embedder(Backend::Local, 1)) else { return };
    assert_eq!(auto.id().backend, "fastembed");
    assert_ne!(auto.id(), local.id());
    assert_eq!(local.id(), embedder(Backend::Local, 2).expect("the same").id());
}

#[test]
fn what_means_the_same_in_other_words_is_found() {
    const FACTS: [&str; 8] = [
        "The lighthouse was built in 1871 by a Norwegian engineer.",
        "She is allergic to peanuts and carries an injector.",
        "Releases are cut every second Thursday.",
        "His daughter started to play the cello last spring.",
        "The staging database is wiped each night.",
        "They adopted two kittens from the shelter.",
        "Rent is due on the fifth of the month.",
        "The ferry does not sail when the wind is above force eight.",
    ];
    const QUESTIONS: [(&str, usize); 6] = [
        ("What food makes her ill?", 1),
        ("How often do we ship a new version?", 2),
        ("Which musical instrument is his child learning?", 3),
        ("Do they have any pets?", 5),
        ("When must I pay for the flat?", 6),
        ("Does the boat cross in a storm?", 7),
    ];
    for backend in [Backend::Local, Backend::Fastembed] {
        let Some(embedder) = embedder(backend, 2) else { return };
        let mut told = 0;
        let facts = embed_all(&*embedder, &FACTS, &mut |done| told = done).expect("vectors");
        assert_eq!(told, FACTS.len());
        for (question, answer) in QUESTIONS {
            let asked = &vectors(&*embedder, &[question])[0];
            let near = |fact: &usize| cosine(asked, &facts[*fact]);
            let best = (0..FACTS.len()).max_by(|one, other| near(one).total_cmp(&near(other)));
            assert_eq!(best, Some(answer), "{question}");
        }
    }
}
