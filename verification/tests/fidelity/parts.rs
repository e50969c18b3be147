//! What each part of understanding contributes: the same sentences, understood without it.

use rules::correction::Context;
use rules::{Correction, Lexicon, understand};
use server::evaluation::{Case, Judgement, Record, Sentence, checks, judged};
use std::fmt::Write;

/// One way to understand less.
struct Without {
    name: &'static str,
    lexicon: bool,
    literals: bool,
    surroundings: bool,
}

const WAYS: [Without; 6] = [
    Without { name: "everything", lexicon: true, literals: true, surroundings: true },
    Without { name: "without the lexicon's names", lexicon: false, literals: true, surroundings: true },
    Without { name: "without literals", lexicon: true, literals: false, surroundings: true },
    Without { name: "without what stands around", lexicon: true, literals: true, surroundings: false },
    Without { name: "without names and literals", lexicon: false, literals: false, surroundings: true },
    Without { name: "the grammar alone", lexicon: false, literals: false, surroundings: false },
];

/// How many sentences that a check can decide became one, how many the right one, and how many one that stops the clean action.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    all: u32,
    compiled: u32,
    pub(crate) right: u32,
    blocks: u32,
}

/// A table of the sentences among some records.
pub(crate) fn report(records: &[Record]) -> String {
    let mut text =
        "| understood with | compile_coverage | pair_correct_all | pair_correct_compiled | false_block_compiled |\n\
        |---|---|---|---|---|\n"
            .to_owned();
    for (way, counts) in counts(records) {
        let Counts { all, compiled, right, blocks } = counts;
        let share = |part: u32, of: u32| {
            if of == 0 { "–".to_owned() } else { format!("{:.3}", f64::from(part) / f64::from(of)) }
        };
        let cells = [share(compiled, all), share(right, all), share(right, compiled), share(blocks, compiled)];
        writeln!(text, "| {way} | {} |", cells.join(" | ")).unwrap();
    }
    text
}

/// Each way with what it came to.
pub(crate) fn counts(records: &[Record]) -> Vec<(&'static str, Counts)> {
    let nameless = Lexicon::nameless();
    WAYS.iter().map(|way| (way.name, counted(records, way, &nameless))).collect()
}

fn counted(records: &[Record], way: &Without, nameless: &Lexicon) -> Counts {
    let lexicon = if way.lexicon { Lexicon::builtin() } else { nameless };
    let mut counts = Counts::default();
    for record in records {
        let Case::Sentence(sentence) = &record.case else { continue };
        let Some((positive, negative)) = sentence.pair.as_ref().filter(|_| sentence.deterministic) else { continue };
        let checks = checks(&understand(&said(sentence, way), lexicon).rules);
        let [violated, blocked] = [positive, negative].map(|event| judged(&checks, event) == Judgement::Violate);
        counts.all += 1;
        counts.compiled += u32::from(!checks.is_empty());
        counts.right += u32::from(violated && !blocked);
        counts.blocks += u32::from(blocked);
    }
    counts
}

/// A sentence as far as a way lets it be seen: without literals nothing is marked as one.
fn said(sentence: &Sentence, way: &Without) -> Correction {
    let plain = |text: &String| if way.literals { text.clone() } else { text.replace(['`', '"', '“', '”'], "") };
    let seen = |context: &Context| Context {
        heading: context.heading.as_ref().map(plain),
        body: context.body.as_ref().map(plain),
        ..context.clone()
    };
    let context = sentence.context.as_ref().filter(|_| way.surroundings).map(seen);
    Correction { context, source: Some("AGENTS.md".to_owned()), ..Correction::of(plain(&sentence.text)) }
}
