//! A linear classifier over hashed n-grams, trained with one source left out at a time: whether it would be worth a tier.
//!
//! Logistic regression by stochastic gradient descent, with class weights and an L2 penalty that were fixed beforehand.
//! Left-out sources are those with both kinds of messages; the others are always trained on.

use server::evaluation::score::{Outcome, Row};
use server::evaluation::{Case, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const BUCKETS: usize = 1 << 14;
const EPOCHS: usize = 40;
const RATE: f64 = 0.5;
const PENALTY: f64 = 1e-4;

/// A message: where it is from, its features, whether it is durable, and whether the low tier says so.
struct Example<'r> {
    source: &'r str,
    features: Vec<usize>,
    durable: bool,
    low: bool,
}

/// True positives, false positives, false negatives.
#[derive(Default, Clone, Copy)]
struct Tally(f64, f64, f64);

impl Tally {
    fn add(&mut self, label: bool, found: bool) {
        self.0 += f64::from(u8::from(label && found));
        self.1 += f64::from(u8::from(!label && found));
        self.2 += f64::from(u8::from(label && !found));
    }

    fn cells(self) -> String {
        let Self(both, wrong, missed) = self;
        let part = |of: f64| if of > 0.0 { both / of } else { 0.0 };
        let f1 = if both > 0.0 { 2.0 * both / (2.0 * both + wrong + missed) } else { 0.0 };
        format!("{:.3} | {:.3} | {f1:.3}", part(both + wrong), part(both + missed))
    }
}

/// Says how the classifier does beside the low tier on the sources that it was not trained on.
pub(crate) fn report(records: &[Record], rows: &[Row]) -> String {
    let examples = |with_low| -> Vec<Example<'_>> {
        records.iter().zip(rows).filter_map(|(record, row)| example(record, row, with_low)).collect()
    };
    let (plain, joined) = (examples(false), examples(true));
    let mut sources: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for example in &plain {
        sources.entry(example.source).or_default()[usize::from(example.durable)] = true;
    }
    let held: BTreeSet<&str> = sources.iter().filter(|(_, has)| **has == [true, true]).map(|(name, _)| *name).collect();
    let mut low = Tally::default();
    plain
        .iter()
        .filter(|example| held.contains(example.source))
        .for_each(|example| low.add(example.durable, example.low));
    let mut text = format!(
        "Logistic regression over hashed words, pairs of words and beginnings, alone and with the low tier's answer as one \
         more feature, trained on all sources but one and asked about that one, for the {} sources with both kinds of \
         messages. The low tier was written with all of them in view, so the comparison favours it; the classifier's own \
         figures are what leaving a source out gives.\n\n\
         | on the sources left out | precision | recall | F1 |\n|---|---|---|---|\n| low tier | {} |\n",
        held.len(),
        low.cells()
    );
    for (name, examples) in [("classifier", &plain), ("classifier with the low tier's answer", &joined)] {
        writeln!(text, "| {name} | {} |", left_out(examples, &held).cells()).unwrap_or_default();
    }
    text + "\nIt does not beat the low tier on sources that it was not trained on, so it is not shipped.\n"
}

fn example<'r>(record: &'r Record, row: &Row, with_low: bool) -> Option<Example<'r>> {
    let (Case::Message(message), Outcome::Message { durable, detected, .. }) = (&record.case, row.outcome) else {
        return None;
    };
    let lower = message.correction.text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    let mut features: BTreeSet<usize> = words.iter().map(|word| hash("w", word)).collect();
    features.extend(words.windows(2).map(|pair| hash("p", &pair.join(" "))));
    features.extend(words.first().map(|word| hash("first", word)));
    features.insert(hash("bias", ""));
    features.insert(hash("ends", if lower.trim_end().ends_with('?') { "?" } else { "" }));
    if with_low {
        features.insert(hash("low", &detected.to_string()));
    }
    let features = features.into_iter().collect();
    (!message.synthetic).then_some(Example { source: &record.source, features, durable, low: detected })
}

/// FNV-1a.
fn hash(kind: &str, text: &str) -> usize {
    let bytes = kind.bytes().chain([0]).chain(text.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    usize::try_from(hash % BUCKETS as u64).unwrap_or_default()
}

fn left_out(examples: &[Example<'_>], held: &BTreeSet<&str>) -> Tally {
    let mut tally = Tally::default();
    for source in held {
        let (test, train): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.source == *source);
        let weights = train_on(&train);
        for example in test {
            tally.add(example.durable, score(&weights, example) > 0.0);
        }
    }
    tally
}

fn score(weights: &[f64], example: &Example<'_>) -> f64 {
    example.features.iter().map(|feature| weights[*feature] * unit(example)).sum()
}

/// What each feature counts, so that long and short messages weigh the same.
#[expect(clippy::cast_precision_loss, reason = "counts of features are small")]
fn unit(example: &Example<'_>) -> f64 {
    1.0 / (example.features.len() as f64).sqrt()
}

fn train_on(examples: &[&Example<'_>]) -> Vec<f64> {
    let mut weights = vec![0.0; BUCKETS];
    let durable = examples.iter().filter(|example| example.durable).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of messages are small")]
    let balance = (examples.len() - durable) as f64 / durable.max(1) as f64;
    for _ in 0..EPOCHS {
        for example in examples {
            let wanted = f64::from(u8::from(example.durable));
            let found = 1.0 / (1.0 + (-score(&weights, example)).exp());
            let weight = if example.durable { balance } else { 1.0 };
            for feature in &example.features {
                let at = &mut weights[*feature];
                *at += RATE * (weight * (wanted - found) * unit(example) - PENALTY * *at);
            }
        }
    }
    weights
}
