//! Measuring retrieval: a conversation whose figures a hand can compute, and the public data set where it is.

#![expect(clippy::expect_used, reason = "a test that cannot be set up shall fail")]

use consistency::store::{Sequence, Store};
use memory::Memories;
use memory::embed::{Backend, Embedder, Hash, Settings, choose};
use memory::evaluation::{Measures, NAMES, Report, Tools, evaluate};
use memory::import::conversation::Conversation;
use memory::import::locomo;
use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

fn measured(conversations: &[Conversation], embedder: Option<Arc<dyn Embedder>>) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tools = Tools {
        embedder,
        tokens: &|text| text.chars().count() / 4 + 1,
        memories: Memories::new(Store::in_memory(), Arc::new(Sequence::default())),
        folder: folder.path(),
        progress: &mut |_| {},
    };
    evaluate(conversations, &mut tools).expect("figures")
}

/// The mean measures of a row, by its name.
fn row(report: &Report, name: &str) -> [f64; 8] {
    let found = report.rows.iter().find(|row| format!("{} {}", row.unit, row.method) == name);
    Measures::mean(&found.expect(name).each).0
}

/// Two sessions; of the first question one of two pieces of evidence shares a word with it, of the second the only one.
const SMALL: &str = r#"[{
    "sample_id": "small",
    "conversation": {
        "session_1_date_time": "9:00 am on 3 March, 2024",
        "session_1": [
            {"speaker": "Ann", "dia_id": "D1:1", "text": "My kayak leaks."},
            {"speaker": "Bob", "dia_id": "D1:2", "text": "Patch it tonight."},
            {"speaker": "Ann", "dia_id": "D1:3", "text": "Good idea."}
        ],
        "session_2_date_time": "9:00 am on 4 April, 2024",
        "session_2": [
            {"speaker": "Ann", "dia_id": "D2:1", "text": "Photo time!", "blip_caption": "a red barn"},
            {"speaker": "Bob", "dia_id": "D2:2", "text": "Lovely."}
        ]
    },
    "qa": [
        {"question": "Whose kayak leaks?", "answer": "hers", "evidence": ["D1:1", "D1:03"], "category": 1},
        {"question": "Which barn?", "answer": "the red one", "evidence": ["D2:1"], "category": 2},
        {"question": "What happened in April?", "answer": "a photo", "evidence": ["D2:2"], "category": 2},
        {"question": "Who sailed?", "answer": "nobody", "evidence": ["D1:2"], "category": 5}
    ]
}]"#;

#[test]
fn a_small_conversation_has_the_figures_that_a_hand_computes() {
    let conversations = locomo::parse(SMALL.as_bytes()).unwrap();
    let report = measured(&conversations, None);
    assert_eq!((report.conversations, report.questions), (1, 3), "what has no answer is not asked");
    // Question 1 finds one of two at place 1: recall 1/2, nDCG 1 / (1 + 1/log2 3). Question 2 finds all, question 3 nothing.
    let half = 1.0 / (1.0 + 1.0 / 3.0_f64.log2());
    let recall = (0.5 + 1.0) / 3.0;
    let expected = [recall, recall, recall, recall, recall, 1.0 / 3.0, (half + 1.0) / 3.0, 2.0 / 3.0];
    close(row(&report, "turn BM25"), expected);
    // With its date each turn of the second session has the word April; the shorter one comes first.
    assert!(row(&report, "turn BM25, date")[4] > expected[4]);
    // Both pieces of evidence of question 1 lie in one session, that of question 3 shares no word with it.
    close(row(&report, "session BM25"), [2.0 / 3.0; 8]);
    close(row(&report, "chunk BM25"), [2.0 / 3.0; 8]);
    assert!(report.rows.iter().all(|row| row.method.to_string() != "dense"), "without an embedder nothing is dense");
}

#[test]
fn with_an_embedder_there_is_a_row_for_each_way() {
    let conversations = locomo::parse(SMALL.as_bytes()).unwrap();
    let report = measured(&conversations, Some(Arc::new(Hash::default())));
    assert_eq!(report.rows.len(), 10);
    assert!(report.rows.iter().all(|row| row.each.len() == 3));
    let recall = |name: &str| row(&report, name)[4];
    assert!(recall("turn the product's search") >= recall("turn BM25"), "what words find, both find");
}

fn close(found: [f64; 8], expected: [f64; 8]) {
    for ((name, one), other) in NAMES.iter().zip(found).zip(expected) {
        assert!((one - other).abs() < 1e-9, "{name}: {one}, not {other}");
    }
}

/// What others measured on these conversations, in percent.
const WORDS: [(&str, [f64; 8]); 3] = [
    ("turn BM25", [31.7, 48.5, 53.6, 61.3, 67.8, 55.6, 47.9, 46.8]),
    ("turn BM25, date", [34.5, 51.1, 56.3, 63.5, 70.4, 57.6, 50.5, 49.6]),
    ("session BM25", [61.5, 80.0, 85.9, 92.1, 97.6, 87.8, 80.0, 78.5]),
];

/// How far a figure may be off: the reference's stop words are not known.
const TOLERANCE: f64 = 0.45;

#[test]
fn the_public_data_set_has_the_figures_that_others_measured() {
    let root = std::env::var_os("TRACE_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let path = root.join("locomo/locomo8.json");
    let Ok(file) = File::open(&path) else {
        println!("skipped: there is no {}; set TRACE_DATA", path.display());
        return;
    };
    let conversations = locomo::parse(BufReader::new(file)).unwrap();
    let report = measured(&conversations, model());
    assert_eq!(report.questions, 1224);
    for row in &report.rows {
        let values = Measures::mean(&row.each).0.map(|value| format!("{:5.1}", value * 100.0));
        println!("{:40} {}", format!("{} {}", row.unit, row.method), values.join(" "));
    }
    for (name, expected) in WORDS {
        for ((measure, found), expected) in NAMES.iter().zip(row(&report, name)).zip(expected) {
            assert!((found * 100.0 - expected).abs() <= TOLERANCE, "{name}, {measure}: {found}, not {expected}");
        }
    }
}

/// The model to measure with, where `TRACE_EVAL_MODEL` names one: minutes of work, so not the one that tests are run with.
fn model() -> Option<Arc<dyn Embedder>> {
    let settings = Settings {
        backend: Backend::Auto,
        model_dir: Some(PathBuf::from(std::env::var_os("TRACE_EVAL_MODEL")?)),
        library: std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from),
        data: None,
        threads: NonZeroUsize::MIN,
    };
    choose(&settings).expect("the model can be used").embedder
}
