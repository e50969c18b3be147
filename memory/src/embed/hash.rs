//! Vectors without a model: words and pieces of words, hashed into a fixed number of places with a sign (Weinberger et al.
//! 2009, arXiv 0902.2206). They say which words are there and what they look like, not what they mean; typing errors and
//! endings do little harm.

use super::{EmbedError, Embedder, EmbedderId, normalize};
use crate::text::terms;

/// How many numbers a vector has.
const DIMENSION: usize = 512;

/// What a piece of a word counts, where the whole word counts 1.
const PIECE_WEIGHT: f32 = 0.25;

/// How many characters a piece has.
const PIECE: usize = 3;

/// The lexical embedder.
#[derive(Debug)]
pub struct Hash {
    id: EmbedderId,
}

impl Default for Hash {
    fn default() -> Hash {
        // The name changes with what is hashed: vectors of one name are comparable.
        Hash { id: EmbedderId { backend: "hash".to_owned(), model: "words-1".to_owned(), dimension: DIMENSION } }
    }
}

impl Embedder for Hash {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn is_semantic(&self) -> bool {
        false
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSION];
    for term in terms(text) {
        add(&mut vector, &term, 1.0);
        // The marks tell the ends of a word from its middle, and a piece from a word.
        let marked: Vec<char> = format!("<{term}>").chars().collect();
        for piece in marked.windows(PIECE).filter(|piece| piece.len() < marked.len()) {
            add(&mut vector, &format!("\0{}", piece.iter().collect::<String>()), PIECE_WEIGHT);
        }
    }
    if vector.iter().all(|number| *number == 0.0) {
        // A text without words stands at one place, so that every vector has the length 1.
        add(&mut vector, "\0", 1.0);
    }
    normalize(&mut vector);
    vector
}

fn add(vector: &mut [f32], feature: &str, weight: f32) {
    let [a, b, c, d, sign, ..] = *blake3::hash(feature.as_bytes()).as_bytes();
    let place = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default() % vector.len().max(1);
    if let Some(number) = vector.get_mut(place) {
        *number += if sign & 1 == 0 { weight } else { -weight };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::cosine;
    use proptest::prelude::*;

    #[test]
    fn what_shares_words_or_looks_alike_is_near_and_meaning_counts_for_nothing() {
        let near = |one: &str, other: &str| cosine(&vector(one), &vector(other));
        assert!(near("Melanie painted a sunrise", "the sunrise that Melanie painted") > 0.95);
        assert!(near("Kubernetes", "Kubernets") > 0.4);
        assert!(near("the dog sleeps", "a hound is dozing") < 0.2);
        assert!(!Hash::default().is_semantic());
    }

    proptest! {
        #[test]
        fn vectors_have_the_length_1(text in any::<String>()) {
            let length: f32 = vector(&text).iter().map(|number| number * number).sum();
            prop_assert!((length - 1.0).abs() < 1e-4);
        }
    }
}
