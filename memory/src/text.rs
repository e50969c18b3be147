//! Words of texts, as they are indexed, looked for and counted.
//!
//! A *word* is a run of letters, digits and their marks; a *term* is what a word is found by: in lower case, without the
//! accents of Latin letters, and as the Snowball stem of its script's language, which for Latin letters is English. Where
//! the language of a text is told reliably and is another one, its words stand under the stem of that language too, at the
//! same place: a short question, whose language nobody can tell, finds them by the first, and a longer one by both.
//! Scripts without spaces are taken in pairs of characters.
//!
//! INVARIANT: the terms of a text depend on nothing but the text. Whoever changes them changes [`ANALYZER`] as well, since an
//! index made with other terms finds nothing.
//!
//! Deliberately absent: synonyms, spelling, stop words of languages other than English (rare terms outweigh them anyway).

use frostem::{Algorithm, Stemmer};
use std::borrow::Cow;
use std::collections::VecDeque;
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The name under which an index registers the analysis; it changes with the terms.
pub const ANALYZER: &str = "words-1";

/// The longest word that is looked at, in bytes: longer ones are data, not language.
const MAX_WORD_BYTES: usize = 256;

/// How many letters it takes to tell a language at all.
const MIN_LETTERS: usize = 40;

/// Words of English that say nothing about what a text is about.
const STOP_WORDS: [&str; 58] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "did", "do", "does", "for", "had", "has", "have", "he",
    "her", "his", "how", "i", "if", "in", "into", "is", "it", "me", "my", "no", "not", "of", "on", "or", "s", "she",
    "such", "t", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "we", "what", "when",
    "where", "which", "who", "why", "will", "with", "you", "your",
];

/// The analysis, as tantivy takes it.
pub fn analyzer() -> TextAnalyzer {
    TextAnalyzer::from(Words)
}

/// The terms of a text, in its order; a word that is said again is there again.
pub fn terms(text: &str) -> Vec<String> {
    tokens(text).map(|token| token.text).collect()
}

/// Splits texts into terms: the [`Tokenizer`] behind [`analyzer`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Words;

impl Tokenizer for Words {
    type TokenStream<'a> = Terms;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms {
        Terms { rest: tokens(text).collect(), token: Token::default() }
    }
}

/// The terms of one text, with their places.
#[derive(Debug)]
pub struct Terms {
    rest: VecDeque<Token>,
    token: Token,
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let next = self.rest.pop_front();
        let found = next.is_some();
        self.token = next.unwrap_or_default();
        found
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let language = language(text);
    let runs = runs(text).filter(|run| run.text.len() <= MAX_WORD_BYTES);
    let pieces = runs.flat_map(|run| if run.spaced { vec![run] } else { pairs(&run) });
    pieces.enumerate().flat_map(move |(position, run)| {
        let token = move |text: String| Token {
            offset_from: run.start,
            offset_to: run.start + run.text.len(),
            position,
            text,
            position_length: 1,
        };
        // Of a mark that stands alone nothing is left.
        forms(&run, language).into_iter().filter(|form| !form.is_empty()).map(token)
    })
}

/// A stretch of a text that is one word, or that has no spaces between its words.
#[derive(Debug, Clone, Copy)]
struct Run<'t> {
    start: usize,
    text: &'t str,
    spaced: bool,
}

/// The runs of a text in its order; the `'s` of English is none.
fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text.char_indices().peekable();
    let words = std::iter::from_fn(move || {
        let (start, first) = rest.find(|(_, c)| c.is_alphanumeric())?;
        let spaced = !is_unspaced(first);
        let goes_on = |c: char| is_combining_mark(c) || (c.is_alphanumeric() && is_unspaced(c) != spaced);
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = rest.next_if(|(_, c)| goes_on(*c)) {
            end = at + c.len_utf8();
        }
        Some(Run { start, text: text.get(start..end)?, spaced })
    });
    words.filter(move |run| {
        let possessive = matches!(run.text, "s" | "S")
            && text.get(..run.start).is_some_and(|before| before.ends_with(['\'', '\u{2019}']));
        !possessive
    })
}

/// Whether a character is of a script that is written without spaces, or of Korean, whose endings hide its words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The pairs of neighbouring characters of a run without spaces; and each Chinese character by itself, since it may be a word.
fn pairs<'t>(run: &Run<'t>) -> Vec<Run<'t>> {
    let ends: Vec<(usize, char)> = run.text.char_indices().collect();
    let piece = |from: usize, to: usize| {
        let end = ends.get(to).map_or(run.text.len(), |(end, _)| *end);
        Some(Run { start: run.start + from, text: run.text.get(from..end)?, spaced: false })
    };
    let mut pieces = Vec::with_capacity(2 * ends.len());
    for (at, (start, c)) in ends.iter().enumerate() {
        if is_han(*c) || ends.len() == 1 {
            pieces.extend(piece(*start, at + 1));
        }
        if at + 1 < ends.len() {
            pieces.extend(piece(*start, at + 2));
        }
    }
    pieces
}

/// What a word is found by: nothing for a stop word, and two terms where its text's language makes another one of it.
fn forms(run: &Run<'_>, language: Option<Algorithm>) -> Vec<String> {
    let word = lower(run.text);
    if !run.spaced {
        return vec![word.into_owned()];
    }
    let script = script(&word);
    let plain = match script {
        Some(Algorithm::English) => unaccented(&word),
        _ => Cow::Borrowed(&*word),
    };
    if STOP_WORDS.binary_search(&&*plain).is_ok() {
        return Vec::new();
    }
    let stem = |algorithm: Algorithm, word: &str| Stemmer::new(algorithm).stem(word).into_owned();
    let mut forms = vec![script.map_or_else(|| plain.to_string(), |algorithm| stem(algorithm, &plain))];
    if let Some(language) = language.filter(|_| script == Some(Algorithm::English)) {
        forms.push(unaccented(&stem(language, &word)).into_owned());
        forms.dedup();
    }
    forms
}

/// A word in lower case, in the one spelling that Unicode gives it.
fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    if word.is_ascii() {
        return Cow::Owned(word.to_ascii_lowercase());
    }
    Cow::Owned(word.nfkc().flat_map(char::to_lowercase).nfc().collect())
}

/// A word without the marks on its letters.
fn unaccented(word: &str) -> Cow<'_, str> {
    if word.is_ascii() { Cow::Borrowed(word) } else { word.nfd().filter(|c| !is_combining_mark(*c)).collect() }
}

/// The stemmer that the script of a word stands for; Cyrillic is Russian unless its letters say otherwise.
fn script(word: &str) -> Option<Algorithm> {
    match word.chars().find(|c| c.is_alphabetic())? {
        'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Algorithm::English),
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(Algorithm::Greek),
        '\u{400}'..='\u{52f}' => {
            let russian = !word.contains(|c| matches!(c, '\u{451}'..='\u{52f}') && c != '\u{451}');
            russian.then_some(Algorithm::Russian)
        }
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Some(Algorithm::Arabic),
        '\u{b80}'..='\u{bff}' => Some(Algorithm::Tamil),
        _ => None,
    }
}

/// The language of a text in Latin letters that is reliably another one than English, and has a stemmer.
fn language(text: &str) -> Option<Algorithm> {
    use whatlang::Lang;
    if text.chars().filter(|c| c.is_alphabetic()).nth(MIN_LETTERS).is_none() || is_english(text) {
        return None;
    }
    let found = whatlang::detect(text).filter(whatlang::Info::is_reliable)?;
    Some(match found.lang() {
        Lang::Dan => Algorithm::Danish,
        Lang::Deu => Algorithm::German,
        Lang::Fin => Algorithm::Finnish,
        Lang::Fra => Algorithm::French,
        Lang::Hun => Algorithm::Hungarian,
        Lang::Ita => Algorithm::Italian,
        Lang::Nld => Algorithm::Dutch,
        Lang::Nob => Algorithm::Norwegian,
        Lang::Por => Algorithm::Portuguese,
        Lang::Ron => Algorithm::Romanian,
        Lang::Spa => Algorithm::Spanish,
        Lang::Swe => Algorithm::Swedish,
        Lang::Tur => Algorithm::Turkish,
        _ => return None,
    })
}

/// Whether the small words of a text are English: surer than letters in short texts, and far cheaper to tell.
fn is_english(text: &str) -> bool {
    const SURE: [&str; 12] = ["and", "are", "did", "for", "have", "is", "of", "that", "the", "this", "what", "with"];
    let words = || text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let sure = words().filter(|word| SURE.iter().any(|sure| word.eq_ignore_ascii_case(sure))).count();
    text.is_ascii() && sure * 12 > words().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_by_their_terms() {
        let cases: [(&str, &[&str]); 15] = [
            ("Caroline's painting of a SUNRISE", &["carolin", "paint", "sunris"]),
            ("The dogs\u{2019}s beds", &["dog", "bed"]),
            ("snake_case, 3.5 and v2", &["snake", "case", "3", "5", "v2"]),
            ("a café, a cafe\u{301} and a CAFÉ", &["cafe", "cafe", "cafe"]),
            ("ＦＵＬＬ width", &["full", "width"]),
            ("猫", &["猫"]),
            ("我喜欢猫", &["我", "我喜", "喜", "喜欢", "欢", "欢猫", "猫"]),
            ("Pythonを使う", &["python", "を使", "使", "使う"]),
            ("한국어", &["한국", "국어"]),
            ("книги и книга", &["книг", "и", "книг"]),
            ("книжки їжак", &["книжк", "їжак"]),
            ("Καλημέρα", &["καλημερ"]),
            ("", &[]),
            ("to be or", &[]),
            ("?! — …", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn stop_words_can_be_searched_by_halves() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn words_of_a_language_that_is_told_stand_under_both_stems() {
        let text = "Die Häuser in unserer Straße wurden im vergangenen Jahr alle neu gestrichen.";
        let found = terms(text);
        assert!(found.contains(&"hauser".to_owned()) && found.contains(&"haus".to_owned()), "{found:?}");
        assert_eq!(terms("Häuser"), ["hauser"], "one word tells no language, and still finds it");
    }

    #[test]
    fn english_and_short_texts_have_no_other_language() {
        for text in [
            "What did the two of them paint together at the lake in the summer?",
            "Ich auch!",
            "pnpm, cargo, rustup, eslint, prettier, webpack, rollup, esbuild, vite, turbo",
        ] {
            let (all, words) = (terms(text).len(), runs(text).count());
            assert!(all <= words, "{text}: {all} terms of {words} words");
        }
    }

    #[test]
    fn data_is_no_word() {
        assert!(terms(&"x".repeat(MAX_WORD_BYTES + 1)).is_empty());
        assert_eq!(terms(&"x".repeat(MAX_WORD_BYTES)).len(), 1);
    }

    proptest! {
        #[test]
        fn tokens_lie_in_their_text_in_order(text in any::<String>()) {
            let mut words = Words;
            let mut stream = words.token_stream(&text);
            let mut last = (0, 0);
            while stream.advance() {
                let token = stream.token();
                prop_assert!(text.get(token.offset_from..token.offset_to).is_some_and(|word| !word.is_empty()));
                prop_assert!((token.offset_from, token.position) >= last);
                prop_assert!(!token.text.is_empty());
                last = (token.offset_from, token.position);
            }
        }

        #[test]
        fn case_and_spelling_of_unicode_do_not_matter(text in "[a-zA-Zäöüéñç ]{0,30}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(terms(&decomposed), terms(&text));
            prop_assert_eq!(terms(&text.to_uppercase()), terms(&text));
        }
    }
}
