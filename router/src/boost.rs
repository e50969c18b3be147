//! Learning boosted trees: histograms of gradients (Ke et al. 2017), grown at the leaf that gains most, with rows and features
//! drawn for each tree (Friedman 2002).
//!
//! One seed and the same rows make the same trees. The gradients are of the logistic loss, of the order that the trees should
//! bring about (`LambdaMART`, Burges 2010), or of both.

use crate::features::directions;
use crate::random::Random;
use crate::trees::{Node, Trees};

/// How finely a feature is looked at; the first bin is for what is not a number.
const BINS: usize = 64;
/// How deep an order counts.
const RANKED: usize = 10;

/// How trees are learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many trees.
    pub trees: usize,
    /// How many ends a tree has at most.
    pub leaves: usize,
    /// What a tree counts.
    pub rate: f32,
    /// How much evidence an end needs, as a sum of second derivatives.
    pub least: f32,
    /// The penalty on the square of an end's value.
    pub ridge: f32,
    /// The share of questions that a tree sees.
    pub questions: f64,
    /// The share of features that it sees.
    pub features: f64,
    /// Whether only features are used whose direction is known beforehand, and in that direction alone, one at a time: what is
    /// learnt from conversations of one style then holds for another (additive and monotone, as in Lou et al. 2012).
    pub is_bound: bool,
    /// How much the order counts next to the logistic loss: 0 for that alone.
    pub order: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            trees: 160,
            leaves: 16,
            rate: 0.06,
            least: 4.0,
            ridge: 4.0,
            questions: 0.7,
            features: 0.4,
            is_bound: false,
            order: 1.0,
        }
    }
}

impl Settings {
    /// For a model that is to serve conversations of another style than those that it is learnt from.
    pub fn bound() -> Settings {
        Settings { trees: 300, leaves: 2, is_bound: true, ..Settings::default() }
    }
}

/// Rows to learn from, one for each candidate; those of one question stand together.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The features.
    pub features: Vec<Vec<f32>>,
    /// Whether the candidate is evidence: 0 or 1.
    pub labels: Vec<f32>,
    /// How many rows each question has.
    pub questions: Vec<usize>,
}

impl Rows {
    /// Adds the candidates of a question.
    pub fn push(&mut self, features: impl IntoIterator<Item = Vec<f32>>, labels: impl IntoIterator<Item = f32>) {
        let before = self.features.len();
        self.features.extend(features);
        self.labels.extend(labels);
        self.questions.push(self.features.len() - before);
    }
}

/// Learns trees.
pub fn boost(rows: &Rows, settings: &Settings, seed: u64) -> Trees {
    let binned = Binned::new(&rows.features);
    let positive = rows.labels.iter().sum::<f32>() / real(rows.labels.len().max(1));
    let base = (positive.max(1e-4) / (1.0 - positive).max(1e-4)).ln();
    let directions = if settings.is_bound { directions() } else { Vec::new() };
    let mut trees = Trees { base, ..Trees::default() };
    let mut scores = vec![base; rows.labels.len()];
    let mut random = Random::new(seed);
    for _ in 0..settings.trees {
        let gradients = gradients(rows, &scores, settings.order);
        let sample = drawn(rows, settings.questions, &mut random);
        let wanted = |random: &mut Random| random.share() < settings.features;
        let is_known = |feature: &usize| directions.get(*feature).is_none_or(|direction| *direction != 0.0);
        let drawn = (0..binned.width).filter(|_| wanted(&mut random));
        let features: Vec<usize> = drawn.filter(is_known).collect();
        let (gradients, directions) = (&gradients, &directions);
        let grown = Grower { binned: &binned, gradients, features: &features, directions, settings }.grow(sample);
        for (row, score) in scores.iter_mut().enumerate() {
            *score += binned.value(&grown, row);
        }
        append(&mut trees, &grown, &binned);
    }
    trees
}

/// The rows of the questions that a tree sees.
fn drawn(rows: &Rows, share: f64, random: &mut Random) -> Vec<u32> {
    let (mut drawn, mut begin) = (Vec::new(), 0);
    for count in &rows.questions {
        if random.share() < share {
            drawn.extend((begin..begin + count).filter_map(|row| u32::try_from(row).ok()));
        }
        begin += count;
    }
    drawn
}

/// First and second derivatives of the loss for each row.
fn gradients(rows: &Rows, scores: &[f32], order: f32) -> Vec<[f32; 2]> {
    let logistic = |(label, score): (&f32, &f32)| {
        let chance = sigmoid(*score);
        [chance - label, (chance * (1.0 - chance)).max(1e-6)]
    };
    let mut gradients: Vec<[f32; 2]> = rows.labels.iter().zip(scores).map(logistic).collect();
    if order > 0.0 {
        let (mut labels, mut scores, mut rest) = (rows.labels.as_slice(), scores, gradients.as_mut_slice());
        for count in &rows.questions {
            let (of_labels, other_labels) = labels.split_at(*count);
            let (of_scores, other_scores) = scores.split_at(*count);
            let (of_rest, other_rest) = rest.split_at_mut(*count);
            ordered(of_labels, of_scores, order, of_rest);
            (labels, scores, rest) = (other_labels, other_scores, other_rest);
        }
    }
    gradients
}

/// Adds the gradients of the order of one question's rows: for each pair of evidence and not, by how much nDCG would change if
/// they changed places.
fn ordered(labels: &[f32], scores: &[f32], order: f32, gradients: &mut [[f32; 2]]) {
    let mut ranked: Vec<usize> = (0..scores.len()).collect();
    let score = |at: usize| scores.get(at).copied().unwrap_or_default();
    ranked.sort_by(|one, other| score(*other).total_cmp(&score(*one)));
    let mut discounts = vec![0.0_f32; scores.len()];
    for (rank, at) in ranked.iter().enumerate() {
        if let Some(discount) = discounts.get_mut(*at) {
            *discount = discounted(rank);
        }
    }
    let evidence: Vec<usize> = labels.iter().enumerate().filter(|(_, label)| **label > 0.5).map(|(at, _)| at).collect();
    let ideal: f32 = (0..evidence.len().min(RANKED)).map(discounted).sum();
    if ideal <= 0.0 {
        return;
    }
    for one in &evidence {
        for other in (0..scores.len()).filter(|other| labels.get(*other).is_some_and(|label| *label < 0.5)) {
            let of = |at: usize| discounts.get(at).copied().unwrap_or_default();
            let change = order * (of(*one) - of(other)).abs() / ideal;
            let wrong = sigmoid(score(other) - score(*one));
            let second = change * wrong * (1.0 - wrong);
            for (at, sign) in [(*one, -1.0), (other, 1.0)] {
                if let Some([first, curvature]) = gradients.get_mut(at) {
                    *first += sign * change * wrong;
                    *curvature += second;
                }
            }
        }
    }
}

/// What a place counts; beyond those that are measured it still counts a little, so that evidence there is drawn up.
fn discounted(rank: usize) -> f32 {
    1.0 / (real(rank) + 2.0).log2()
}

/// The features of all rows as bins.
struct Binned {
    width: usize,
    bins: Vec<u8>,
    /// The upper ends of the bins of each feature, from the second bin on.
    ends: Vec<Vec<f32>>,
}

impl Binned {
    fn new(features: &[Vec<f32>]) -> Binned {
        let width = features.first().map_or(0, Vec::len);
        let ends: Vec<Vec<f32>> = (0..width).map(|feature| ends(features, feature)).collect();
        let bin = |(value, ends): (&f32, &Vec<f32>)| {
            if value.is_nan() {
                0
            } else {
                u8::try_from(1 + ends.partition_point(|end| end < value)).unwrap_or(u8::MAX)
            }
        };
        let bins = features.iter().flat_map(|row| row.iter().zip(&ends).map(bin)).collect();
        Binned { width, bins, ends }
    }

    fn row(&self, row: usize) -> &[u8] {
        self.bins.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }

    /// What a tree whose thresholds are bins makes of a row.
    fn value(&self, tree: &[Grown], row: usize) -> f32 {
        let bins = self.row(row);
        let mut at = 0;
        while let Some(node) = tree.get(at) {
            let Some(split) = &node.split else { return node.value };
            at = if bins.get(split.feature).is_some_and(|bin| *bin > split.bin) {
                node.children[1]
            } else {
                node.children[0]
            };
        }
        0.0
    }
}

/// Where the bins of a feature end: so that each has about as many rows.
fn ends(features: &[Vec<f32>], feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> =
        features.iter().filter_map(|row| row.get(feature)).copied().filter(|value| !value.is_nan()).collect();
    values.sort_by(f32::total_cmp);
    let wanted = BINS - 2;
    let mut ends: Vec<f32> =
        (1..=wanted).filter_map(|part| values.get(values.len() * part / (wanted + 1))).copied().collect();
    ends.dedup();
    ends
}

/// A node while a tree grows.
struct Grown {
    value: f32,
    split: Option<Split>,
    children: [usize; 2],
}

#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    /// What is in a later bin goes right.
    bin: u8,
    gain: f32,
}

type Histogram = Vec<[f32; 2]>;

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    histogram: Histogram,
    best: Option<Split>,
}

struct Grower<'g> {
    binned: &'g Binned,
    gradients: &'g [[f32; 2]],
    features: &'g [usize],
    /// In which direction each feature may count; empty where any may.
    directions: &'g [f32],
    settings: &'g Settings,
}

impl Grower<'_> {
    fn grow(&self, rows: Vec<u32>) -> Vec<Grown> {
        let mut nodes = Vec::new();
        let histogram = self.histogram(&rows);
        let mut leaves = vec![self.leaf(&mut nodes, rows, histogram)];
        while leaves.len() < self.settings.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |best| best.gain);
            let best = leaves.iter().enumerate().max_by(|one, other| gain(one.1).total_cmp(&gain(other.1)));
            let Some((at, split)) = best.and_then(|(at, leaf)| Some((at, leaf.best?))) else { break };
            let leaf = leaves.swap_remove(at);
            let goes_left = |row: &u32| self.bins(*row).get(split.feature).is_some_and(|bin| *bin <= split.bin);
            let (left, right): (Vec<u32>, Vec<u32>) = leaf.rows.into_iter().partition(goes_left);
            // The greater side is what the lesser one leaves of both.
            let is_left = left.len() < right.len();
            let lesser = self.histogram(if is_left { &left } else { &right });
            let greater: Histogram =
                leaf.histogram.iter().zip(&lesser).map(|(all, part)| [all[0] - part[0], all[1] - part[1]]).collect();
            let (of_left, of_right) = if is_left { (lesser, greater) } else { (greater, lesser) };
            let (left, right) = (self.leaf(&mut nodes, left, of_left), self.leaf(&mut nodes, right, of_right));
            if let Some(node) = nodes.get_mut(leaf.node) {
                (node.split, node.children) = (Some(split), [left.node, right.node]);
            }
            leaves.extend([left, right]);
        }
        nodes
    }

    fn bins(&self, row: u32) -> &[u8] {
        usize::try_from(row).map(|row| self.binned.row(row)).unwrap_or_default()
    }

    fn leaf(&self, nodes: &mut Vec<Grown>, rows: Vec<u32>, histogram: Histogram) -> Leaf {
        let first = histogram.first_chunk::<BINS>().map_or([0.0; 2], sum);
        let value = -self.settings.rate * first[0] / (first[1] + self.settings.ridge);
        nodes.push(Grown { value, split: None, children: [0; 2] });
        Leaf { node: nodes.len() - 1, best: self.best(&histogram), rows, histogram }
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let mut histogram = vec![[0.0; 2]; self.features.len() * BINS];
        for row in rows {
            let gradient =
                usize::try_from(*row).ok().and_then(|row| self.gradients.get(row)).copied().unwrap_or_default();
            let bins = self.bins(*row);
            for (feature, sums) in self.features.iter().zip(histogram.as_chunks_mut::<BINS>().0) {
                let Some(sum) = bins.get(*feature).and_then(|bin| sums.get_mut(usize::from(*bin))) else { continue };
                sum[0] += gradient[0];
                sum[1] += gradient[1];
            }
        }
        histogram
    }

    fn best(&self, histogram: &Histogram) -> Option<Split> {
        let Settings { ridge, least, .. } = *self.settings;
        let gain = |[first, second]: [f32; 2]| first * first / (second + ridge);
        let mut best: Option<Split> = None;
        for (feature, bins) in self.features.iter().zip(histogram.as_chunks::<BINS>().0) {
            let all = sum(bins);
            let mut left = [0.0; 2];
            for (bin, of) in (0_u8..).zip(bins) {
                left = [left[0] + of[0], left[1] + of[1]];
                let right = [all[0] - left[0], all[1] - left[1]];
                let rises = left[0] / (left[1] + ridge) - right[0] / (right[1] + ridge);
                let is_against = self.directions.get(*feature).is_some_and(|direction| direction * rises < 0.0);
                if left[1] < least || right[1] < least || is_against {
                    continue;
                }
                let gain = gain(left) + gain(right) - gain(all);
                if gain > best.map_or(1e-4, |best| best.gain) {
                    best = Some(Split { feature: *feature, bin, gain });
                }
            }
        }
        best
    }
}

fn sum(bins: &[[f32; 2]; BINS]) -> [f32; 2] {
    bins.iter().fold([0.0; 2], |all, of| [all[0] + of[0], all[1] + of[1]])
}

/// Adds a tree that has grown, with numbers in the place of bins.
fn append(trees: &mut Trees, grown: &[Grown], binned: &Binned) {
    let begin = u32::try_from(trees.nodes.len()).unwrap_or(u32::MAX);
    trees.roots.push(begin);
    let child = |at: usize| u32::try_from(at).map_or(u32::MAX, |at| begin.saturating_add(at));
    trees.nodes.extend(grown.iter().map(|node| {
        let Some(split) = node.split else { return Node::end(node.value) };
        let bin = usize::from(split.bin);
        let ends = binned.ends.get(split.feature).map(Vec::as_slice).unwrap_or_default();
        let threshold = if bin == 0 { f32::NEG_INFINITY } else { ends.get(bin - 1).copied().unwrap_or(f32::INFINITY) };
        let [left, right] = node.children.map(child);
        Node { feature: u16::try_from(split.feature).unwrap_or(u16::MAX), threshold, left, right, value: node.value }
    }));
}

/// From log-odds to a probability.
pub(crate) fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

fn real(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^24 candidates")]
    {
        count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Questions with ten candidates each, of which the one is evidence whose features agree; the third feature is noise.
    fn rows(questions: usize, seed: u64) -> Rows {
        let (mut rows, mut random) = (Rows::default(), Random::new(seed));
        for _ in 0..questions {
            let evidence = random.below(10);
            let feature = |random: &mut Random, is: bool| {
                #[expect(clippy::cast_possible_truncation, reason = "a feature")]
                let noise = random.share() as f32;
                if is {
                    noise + 0.6
                } else if noise < 0.05 {
                    f32::NAN
                } else {
                    noise
                }
            };
            let row = |at: usize, random: &mut Random| {
                vec![feature(random, at == evidence), feature(random, at == evidence), feature(random, false)]
            };
            let features: Vec<Vec<f32>> = (0..10).map(|at| row(at, &mut random)).collect();
            rows.push(features, (0..10).map(|at| if at == evidence { 1.0 } else { 0.0 }));
        }
        rows
    }

    /// How often the best of a question's candidates is the evidence.
    fn hits(trees: &Trees, rows: &Rows) -> usize {
        let questions = rows.features.chunks(10).zip(rows.labels.chunks(10));
        let best = |features: &[Vec<f32>]| {
            (0..10)
                .max_by(|one, other| trees.value(&features[*one]).total_cmp(&trees.value(&features[*other])))
                .unwrap()
        };
        questions.filter(|(features, labels)| labels[best(features)] > 0.5).count()
    }

    #[test]
    fn trees_learn_what_tells_and_a_seed_makes_the_same_ones() {
        let (seen, unseen) = (rows(200, 1), rows(100, 2));
        for order in [0.0, 1.0] {
            let settings = Settings { trees: 40, order, features: 0.8, ..Settings::default() };
            let trees = boost(&seen, &settings, 3);
            assert_eq!(trees, boost(&seen, &settings, 3));
            assert_ne!(trees, boost(&seen, &settings, 4));
            let (learnt, uses) = (hits(&trees, &unseen), trees.uses(3));
            assert!(learnt > 55, "{learnt} of 100 where one feature alone has some 40");
            assert!(uses[2] < uses[0] && uses[2] < uses[1], "{uses:?}");
        }
    }

    #[test]
    fn nothing_to_learn_from_is_no_failure() {
        assert!(boost(&Rows::default(), &Settings::default(), 1).value(&[1.0]).is_finite());
        let mut same = Rows::default();
        same.push(vec![vec![f32::NAN]; 4], [0.0; 4]);
        assert!(boost(&same, &Settings::default(), 1).value(&[f32::NAN]) < 0.0);
    }
}
