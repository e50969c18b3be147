//! What is made of records, held against their labels: figures with intervals, by group, and what went wrong.
//!
//! Proportions have Wilson's 95 % interval (Wilson, *Probable inference, the law of succession, and statistical
//! inference*, JASA 1927); what is no proportion (F1, Cohen's kappa) has a percentile interval from 1,000 resamples of
//! the records, drawn by a generator with a fixed seed, so that the same input always gives the same figures.

use super::{Answer, Case, Derivable, Evaluation, Judgement, Record, Sentence, coarse};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many resamples an interval is made of.
const RESAMPLES: usize = 1000;

/// One answer, held against its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The label's kind; of an example, the rule.
    pub kind: String,
    /// The language of the text, as far as its script tells.
    pub language: &'static str,
    /// Where the record was taken from.
    pub source: String,
    /// Whether it counts: it is real, about one rule, and its label follows from its text.
    pub counts: bool,
    /// What was labelled and what was answered.
    pub outcome: Outcome,
    /// Why the answer is wrong, where it is.
    pub cause: Option<Cause>,
}

/// What was labelled and what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it: the label first, the answer after it")]
pub enum Outcome {
    Sentence { rule: bool, decidable: bool, detected: bool, compiled: bool, caught: bool, blocked: bool, passed: bool },
    Message { durable: bool, correction: Option<bool>, detected: bool, corrects: bool, checked: bool },
    Example { violates: bool, judgement: Judgement, derivable: Derivable },
}

/// Why an answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A rule was not taken for one.
    MissedDetection,
    /// A check looks at the wrong sort of action.
    WrongKind,
    /// A check looks at nothing that the rule names.
    WrongObject,
    /// A check finds what is no violation, or something that is no rule was taken for one.
    TooBroad,
    /// A check lets a violation pass.
    TooNarrow,
    /// A rule was seen, and no check could be made of it.
    NotExpressible,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MissedDetection => "missed detection",
            Self::WrongKind => "wrong kind",
            Self::WrongObject => "wrong object",
            Self::TooBroad => "too broad",
            Self::TooNarrow => "too narrow",
            Self::NotExpressible => "not expressible",
        })
    }
}

impl Row {
    /// Holds the answers to a record against its labels.
    pub fn of(record: &Record, answers: &[Answer], evaluation: &Evaluation) -> Vec<Self> {
        let row = |kind: &str, text: &str, counts, outcome, cause| Self {
            kind: kind.to_owned(),
            language: language(text),
            source: record.source.clone(),
            counts,
            outcome,
            cause,
        };
        let one = |answer: &Answer| match (&record.case, answer) {
            (Case::Sentence(sentence), Answer::Sentence { .. }) => {
                let (outcome, cause) = sentence_outcome(sentence, answer);
                Some(row(&sentence.kind, &sentence.text, true, outcome, cause))
            }
            (Case::Message(message), Answer::Message { is_correction, durable, rules, .. }) => {
                let checked = rules.iter().any(|rule| rule.deterministic);
                let outcome = Outcome::Message {
                    durable: message.durable,
                    correction: message.is_correction,
                    detected: *durable,
                    corrects: *is_correction,
                    checked,
                };
                let label = coarse(&message.kind);
                let other_kind = label.is_some() && rules.first().is_some_and(|rule| coarse(rule.kind) != label);
                let cause = match (message.durable, *durable) {
                    (true, false) => Some(Cause::MissedDetection),
                    (false, true) => Some(Cause::TooBroad),
                    (true, true) if checked && other_kind => Some(Cause::WrongKind),
                    _ => None,
                };
                Some(row(&message.kind, &message.correction.text, !message.synthetic, outcome, cause))
            }
            (Case::Example(example), Answer::Example { id, verdict }) => {
                let (name, _, violates) = example.official.iter().find(|(_, other, _)| other == id)?;
                let cause = match (*violates, *verdict) {
                    (true, Judgement::Ok) => Some(Cause::TooNarrow),
                    (false, Judgement::Violate) => Some(Cause::TooBroad),
                    (_, Judgement::Unknown) => Some(Cause::NotExpressible),
                    _ => None,
                };
                let derivable = evaluation.derivable(name);
                let counts = example.single && derivable == Derivable::Yes;
                let outcome = Outcome::Example { violates: *violates, judgement: *verdict, derivable };
                let rule = example.rule.as_deref().unwrap_or(name);
                Some(row(rule, example.text.as_deref().unwrap_or_default(), counts, outcome, cause))
            }
            _ => None,
        };
        answers.iter().filter_map(one).collect()
    }
}

fn sentence_outcome(sentence: &Sentence, answer: &Answer) -> (Outcome, Option<Cause>) {
    let Answer::Sentence { detected, rules, verdicts, .. } = answer else {
        let (judgement, derivable) = (Judgement::Unknown, Derivable::Yes);
        return (Outcome::Example { violates: false, judgement, derivable }, None);
    };
    let rule = sentence.kind != "none";
    let decided: Vec<_> = rules.iter().filter(|rule| rule.deterministic).collect();
    let judged = |side: Option<Judgement>, as_: Judgement| side == Some(as_);
    let (positive, negative) = (verdicts.map(|pair| pair.positive), verdicts.map(|pair| pair.negative));
    let caught = judged(positive, Judgement::Violate);
    let (blocked, passed) = (judged(negative, Judgement::Violate), judged(negative, Judgement::Ok));
    let same_kind = decided.iter().any(|rule| coarse(rule.kind) == coarse(&sentence.kind));
    let cause = if !rule || !sentence.deterministic {
        (if rule { !decided.is_empty() } else { *detected }).then_some(Cause::TooBroad)
    } else if !detected {
        Some(Cause::MissedDetection)
    } else if decided.is_empty() {
        Some(Cause::NotExpressible)
    } else if blocked {
        Some(Cause::TooBroad)
    } else if caught {
        None
    } else if !same_kind {
        Some(Cause::WrongKind)
    } else {
        let checks = serde_json::to_string(&decided.iter().map(|rule| &rule.check).collect::<Vec<_>>());
        let shared = words(&sentence.expected).intersection(&words(&checks.unwrap_or_default())).count() > 0;
        Some(if shared { Cause::TooNarrow } else { Cause::WrongObject })
    };
    let compiled = !decided.is_empty();
    let decidable = sentence.deterministic;
    (Outcome::Sentence { rule, decidable, detected: *detected, compiled, caught, blocked, passed }, cause)
}

/// The words of a text that are long enough to name something, but for the vocabulary of checks.
fn words(text: &str) -> BTreeSet<String> {
    let vocabulary = ["pattern", "never", "file", "path", "command", "code", "added", "every", "must", "then", "first"];
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2 && !vocabulary.contains(word))
        .map(str::to_lowercase)
        .collect()
}

/// The language of a text, as far as its script tells.
fn language(text: &str) -> &'static str {
    let has = |range: std::ops::RangeInclusive<char>| text.chars().any(|c| range.contains(&c));
    if has('\u{3040}'..='\u{30ff}') {
        "Japanese"
    } else if has('\u{4e00}'..='\u{9fff}') {
        "Chinese"
    } else if has('\u{0400}'..='\u{04ff}') {
        "Cyrillic"
    } else {
        "Latin script"
    }
}

/// A figure with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its value, from 0 to 1, where there is anything to measure.
    pub value: Option<f64>,
    /// The 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// How many answers it is measured on.
    pub of: usize,
}

/// Answers of one kind, language or source.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they have in common.
    pub by: &'static str,
    /// Each value of that with its number of answers and its main figures.
    pub parts: Vec<(String, usize, Vec<Figure>)>,
}

/// All figures of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The main figures.
    pub headline: Vec<Figure>,
    /// The same for each kind, language and source.
    pub groups: Vec<Group>,
    /// How many answers are wrong, by cause.
    pub causes: BTreeMap<Cause, usize>,
    /// How many answers do not count, since their record is made up, about several rules or not wholly derivable.
    pub left_out: usize,
}

impl Score {
    /// The figures of these answers.
    pub fn of(rows: &[Row]) -> Self {
        let counted: Vec<&Row> = rows.iter().filter(|row| row.counts).collect();
        let mut causes = BTreeMap::new();
        for cause in counted.iter().filter_map(|row| row.cause) {
            *causes.entry(cause).or_default() += 1;
        }
        let mut headline = figures(&counted);
        let others: Vec<&Row> = rows.iter().filter(|row| !row.counts).collect();
        let abstains = |row: &Row| match row.outcome {
            Outcome::Example { judgement, derivable: Derivable::No, .. } => Some(judgement == Judgement::Unknown),
            _ => None,
        };
        if others.iter().any(|row| abstains(row).is_some()) {
            headline.push(ratio("abstains where not derivable", &others, abstains));
        }
        let by = |by, of: fn(&Row) -> String| group(&counted, by, of);
        let groups = vec![
            by("kind", |row| row.kind.clone()),
            by("language", |row| row.language.to_owned()),
            by("source", |row| row.source.clone()),
        ];
        Self { headline, groups, causes, left_out: others.len() }
    }
}

fn group(rows: &[&Row], by: &'static str, of: fn(&Row) -> String) -> Group {
    let mut parts: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        parts.entry(of(row)).or_default().push(row);
    }
    let main =
        ["pair_correct_all", "false_block_compiled", "durable precision", "durable recall", "agreement", "kappa"];
    let figures = |rows: &[&Row]| figures(rows).into_iter().filter(|figure| main.contains(&figure.name)).collect();
    Group { by, parts: parts.into_iter().map(|(key, rows)| (key, rows.len(), figures(&rows))).collect() }
}

/// The figures that these answers have.
fn figures(rows: &[&Row]) -> Vec<Figure> {
    let mut found = Vec::new();
    if rows.iter().any(|row| matches!(row.outcome, Outcome::Sentence { .. })) {
        found.extend(of_sentences(rows));
    }
    if rows.iter().any(|row| matches!(row.outcome, Outcome::Message { .. })) {
        found.extend(of_messages(rows));
    }
    if rows.iter().any(|row| matches!(row.outcome, Outcome::Example { .. })) {
        found.extend(of_examples(rows));
    }
    found
}

fn of_sentences(rows: &[&Row]) -> Vec<Figure> {
    let found = |row: &Row| match row.outcome {
        Outcome::Sentence { rule, detected, .. } => Some((rule, detected)),
        _ => None,
    };
    let decidable = |row: &Row, of: fn(bool, bool, bool, bool) -> Option<bool>| match row.outcome {
        Outcome::Sentence { decidable: true, compiled, caught, blocked, passed, .. } => {
            of(compiled, caught, blocked, passed)
        }
        _ => None,
    };
    let mut figures = detection(["rule precision", "rule recall", "rule F1"], rows, found);
    figures.extend([
        ratio("compile_coverage", rows, |row| decidable(row, |compiled, _, _, _| Some(compiled))),
        ratio("pair_correct_all", rows, |row| decidable(row, |_, caught, _, passed| Some(caught && passed))),
        ratio("pair_correct_compiled", rows, |row| {
            decidable(row, |compiled, caught, _, passed| compiled.then_some(caught && passed))
        }),
        ratio("false_block_compiled", rows, |row| {
            decidable(row, |compiled, _, blocked, _| compiled.then_some(blocked))
        }),
        ratio("abstains_on_semantic", rows, |row| match row.outcome {
            Outcome::Sentence { rule: true, decidable: false, compiled, .. } => Some(!compiled),
            _ => None,
        }),
    ]);
    figures
}

fn of_messages(rows: &[&Row]) -> Vec<Figure> {
    let mut figures = detection(["durable precision", "durable recall", "durable F1"], rows, |row| match row.outcome {
        Outcome::Message { durable, detected, .. } => Some((durable, detected)),
        _ => None,
    });
    let names = ["correction precision", "correction recall", "correction F1"];
    figures.extend(detection(names, rows, |row| match row.outcome {
        Outcome::Message { correction, corrects, .. } => Some((correction?, corrects)),
        _ => None,
    }));
    figures.push(ratio("not durable, but checked", rows, |row| match row.outcome {
        Outcome::Message { durable: false, checked, .. } => Some(checked),
        _ => None,
    }));
    figures
}

fn of_examples(rows: &[&Row]) -> Vec<Figure> {
    let example = |row: &Row| match row.outcome {
        Outcome::Example { violates, judgement, .. } => Some((violates, judgement)),
        _ => None,
    };
    let answered = |row: &Row| match example(row)? {
        (_, Judgement::Unknown) => None,
        (violates, judgement) => Some((violates, judgement == Judgement::Violate)),
    };
    vec![
        ratio("answered", rows, |row| example(row).map(|(_, judgement)| judgement != Judgement::Unknown)),
        ratio("agreement", rows, |row| answered(row).map(|(violates, found)| violates == found)),
        resampled("kappa", rows, answered, kappa),
        ratio("missed violations", rows, |row| match example(row)? {
            (true, judgement) => Some(judgement != Judgement::Violate),
            _ => None,
        }),
        ratio("false blocks", rows, |row| match example(row)? {
            (false, judgement) => Some(judgement == Judgement::Violate),
            _ => None,
        }),
    ]
}

/// Precision, recall and F1 of pairs of a label and an answer.
fn detection(
    [precision, recall, f1]: [&'static str; 3],
    rows: &[&Row],
    pair: impl Fn(&Row) -> Option<(bool, bool)> + Copy,
) -> Vec<Figure> {
    vec![
        ratio(precision, rows, |row| pair(row).filter(|(_, found)| *found).map(|(label, _)| label)),
        ratio(recall, rows, |row| pair(row).filter(|(label, _)| *label).map(|(_, found)| found)),
        resampled(f1, rows, pair, self::f1),
    ]
}

/// The proportion of answers of which something is so, among those that it can be said of.
fn ratio(name: &'static str, rows: &[&Row], is: impl Fn(&Row) -> Option<bool>) -> Figure {
    let said: Vec<bool> = rows.iter().filter_map(|row| is(row)).collect();
    let (k, n) = (count(said.iter().filter(|is| **is).count()), count(said.len()));
    let value = (n > 0.0).then(|| k / n);
    Figure { name, value, interval: value.map(|share| wilson(share, n)), of: said.len() }
}

/// A figure that is no proportion.
fn resampled(
    name: &'static str,
    rows: &[&Row],
    pair: impl Fn(&Row) -> Option<(bool, bool)>,
    figure: fn(&[(bool, bool)]) -> Option<f64>,
) -> Figure {
    let pairs: Vec<(bool, bool)> = rows.iter().filter_map(|row| pair(row)).collect();
    let mut random = Random(7);
    let mut values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let sample: Vec<_> = pairs.iter().filter_map(|_| pairs.get(random.below(pairs.len()))).copied().collect();
            figure(&sample)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 1000).copied();
    Figure { name, value: figure(&pairs), interval: at(25).zip(at(975)), of: pairs.len() }
}

/// How many of the pairs are so labelled and so answered.
fn cells(pairs: &[(bool, bool)]) -> (f64, f64, f64, f64) {
    let cell = |is: (bool, bool)| count(pairs.iter().filter(|pair| **pair == is).count());
    (cell((true, true)), cell((false, true)), cell((true, false)), cell((false, false)))
}

fn f1(pairs: &[(bool, bool)]) -> Option<f64> {
    let (both, found, missed, _) = cells(pairs);
    let all = 2.0 * both + found + missed;
    (all > 0.0).then(|| 2.0 * both / all)
}

/// Cohen's kappa (*A coefficient of agreement for nominal scales*, 1960).
fn kappa(pairs: &[(bool, bool)]) -> Option<f64> {
    let (both, found, missed, neither) = cells(pairs);
    let n = both + found + missed + neither;
    let chance = ((both + missed) * (both + found) + (found + neither) * (missed + neither)) / (n * n);
    (n > 0.0 && chance < 1.0).then(|| ((both + neither) / n - chance) / (1.0 - chance))
}

/// Wilson's 95 % interval of a proportion of `n`.
pub(crate) fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z = 1.959_964;
    let middle = share + z * z / (2.0 * n);
    let width = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - width) / scale).max(0.0), ((middle + width) / scale).min(1.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of records are small")]
fn count(n: usize) -> f64 {
    n as f64
}

/// The generator `SplitMix64` (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014).
struct Random(u64);

impl Random {
    /// A number below a bound; 0 where the bound is.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (bound.max(1) as u64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_textbooks() {
        let near = |a: f64, b: f64| (a - b).abs() < 5e-4;
        let (low, high) = wilson(0.9, 10.0);
        assert!(near(low, 0.5958) && near(high, 0.9821), "{low} {high}");
        let pairs: Vec<_> = [((true, true), 20), ((false, true), 5), ((true, false), 10), ((false, false), 15)]
            .into_iter()
            .flat_map(|(pair, n)| std::iter::repeat_n(pair, n))
            .collect();
        assert!(near(kappa(&pairs).unwrap(), 0.4), "{:?}", kappa(&pairs));
        assert!(near(f1(&pairs).unwrap(), 40.0 / 55.0));
        assert_eq!((kappa(&[]), f1(&[(false, false)])), (None, None));
    }
}
