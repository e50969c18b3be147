//! The public data sets, where they are: parsed whole, with evidence that is there.

#![expect(clippy::print_stderr, reason = "a test that cannot be set up has failed")]

use memory::import::conversation::Conversation;
use memory::import::{locomo, longmemeval};
use memory::record::MAX_TEXT_BYTES;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// A file of the data to measure on, unless it is absent.
pub(crate) fn data(file: &str) -> Option<BufReader<File>> {
    let root = std::env::var_os("TRACE_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let path = root.join(file);
    match File::open(&path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) => {
            eprintln!("skipped: {}: {error}; set TRACE_DATA", path.display());
            None
        }
    }
}

#[test]
fn locomo_is_parsed_with_its_evidence() {
    let Some(file) = data("locomo/locomo8.json") else { return };
    let all = locomo::parse(file).unwrap();
    assert_eq!(all.len(), 8);
    whole(&all);
    let answerable = all.iter().flat_map(|one| &one.questions).filter(|asked| asked.category != "5");
    let (with, without): (Vec<_>, Vec<_>) = answerable.partition(|asked| !asked.evidence.is_empty());
    assert_eq!((with.len(), without.len()), (1224, 2));
    let turns: BTreeSet<(&str, &str)> = pairs(&all).collect();
    for one in &all {
        let cited = one.questions.iter().flat_map(|asked| &asked.evidence);
        assert!(cited.into_iter().all(|id| turns.contains(&(one.name.as_str(), id.as_str()))));
    }
}

#[test]
fn longmemeval_is_parsed_with_its_evidence() {
    let Some(file) = data("longmemeval/smoke.json") else { return };
    let all = longmemeval::parse(file).unwrap();
    whole(&all);
    assert_eq!(all.iter().map(|one| one.questions.len()).sum::<usize>(), 26);
    assert!(
        all.iter().flat_map(|one| &one.questions).all(|asked| !asked.evidence.is_empty() && asked.answer.is_some())
    );
    assert_eq!(all.iter().flat_map(|one| &one.turns).filter(|turn| turn.marked).count(), 6);
}

fn pairs(all: &[Conversation]) -> impl Iterator<Item = (&str, &str)> {
    all.iter().flat_map(|one| one.turns.iter().map(|turn| (one.name.as_str(), turn.id.as_str())))
}

/// Nothing is left out, everything is dated, ids are unique, and the drafts hold every word.
fn whole(all: &[Conversation]) {
    assert_eq!(all.iter().flat_map(|one| &one.left_out).next(), None);
    assert!(all.iter().flat_map(|one| &one.turns).all(|turn| turn.said_at.is_some()));
    assert_eq!(pairs(all).collect::<BTreeSet<_>>().len(), pairs(all).count());
    for one in all {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let said: Vec<String> = one.turns.iter().flat_map(|turn| words(&turn.said())).collect();
        let drafts: Vec<_> = one.drafts("import").collect();
        let kept: Vec<String> = drafts.iter().flat_map(|draft| words(&draft.text)).collect();
        assert_eq!(said.concat(), kept.concat());
        assert!(drafts.iter().all(|draft| !draft.text.is_empty() && draft.text.len() <= MAX_TEXT_BYTES));
    }
}
