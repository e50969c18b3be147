//! The language of prose: of what agents answer and write, not of code.
//!
//! A text's script tells some languages however short it is, its function words others, and the frequencies of its trigrams
//! the rest (the crate `whatlang`). What none of them tells is *unknown*: a reply of two words breaks no rule.

use crate::text::{is_unspaced, prose};
use crate::truth::Truth;
use std::collections::BTreeSet;

/// Below so many letters trigrams tell nothing.
const MIN_LETTERS: usize = 24;
/// So many different function words of one language, and none or few of another, tell that a text is in the one.
const MIN_WORDS: usize = 3;

/// Articles, prepositions, pronouns and forms of `to be`: every sentence has some, and few are the same in two languages.
const FUNCTION_WORDS: [(&str, &str); 10] = [
    ("da", "af at den der det du en er et for fra har ikke jeg med men nu og på som til var ved vi"),
    (
        "de",
        "als am auf aus bei das dem den der des die ein eine es für hat ich im ist jetzt mit nicht noch sie sind und von \
            war werden wird wurde zu zum zur",
    ),
    (
        "en",
        "a an and are as at be been by for from has have i in is it its no not now of on or so that the then there this to \
            was we were will with you",
    ),
    (
        "es",
        "al ahora como con de del el en es esta está este ha hay la las lo los más no para pero por que se si sin son su un \
            una y ya",
    ),
    (
        "fr",
        "a au aux avec ce cette dans de des du elle en est et il ils je la le les maintenant mais ne nous on ou par pas pour \
            que qui sa se son sont sur un une vous",
    ),
    (
        "it",
        "adesso al alla che con da dal dei del della di e ed gli ha ho i il in la le lo ma nel nella non ora per più si sono \
            su un una è",
    ),
    (
        "nl",
        "aan bij dan dat de deze die dit een en er het heb hebben heeft ik in is maar met naar niet nog nu of om ook op te \
            tot uit van voor was we wordt zijn",
    ),
    ("pl", "ale co dla do i jak jest już lub na nie o od oraz po przez się są teraz ten to w z za że"),
    (
        "pt",
        "a agora ao as com como da das de do dos e ela ele em era está foi mais mas na nas no nos não o os ou para por que se \
            sem são sua um uma é",
    ),
    ("sv", "att av den det du en ett från för har i inte jag kan med men nu och om på som till var vi är"),
];

/// Whether a language can be told at all.
pub(crate) fn is_known(code: &str) -> bool {
    whatlang_code(code).is_some()
}

/// Whether the prose of a text is in a language; code does not count.
pub(crate) fn is_in(text: &str, code: &str) -> Truth {
    // What stands in backticks is code, in whatever language the sentence around it is.
    let spoken = |line| str::split(line, '`').step_by(2);
    let words = prose(text).map(|line| spoken(line).collect::<String>()).collect::<Vec<_>>().join("\n");
    let unspaced = words.chars().filter(|c| is_unspaced(*c)).count();
    if let Some(truth) = by_script(&words, code, unspaced).or_else(|| by_function_words(&words, code)) {
        return truth;
    }
    if words.chars().filter(|c| c.is_alphabetic()).count() + 3 * unspaced < MIN_LETTERS {
        return Truth::Unknown;
    }
    match (whatlang::detect(&words), whatlang_code(code)) {
        (Some(found), Some(wanted)) if found.lang() == wanted => Truth::Yes,
        (Some(found), Some(wanted)) if found.is_reliable() || found.script() != script_of(wanted) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// What the function words of a text tell, where they are those of one language alone.
fn by_function_words(text: &str, code: &str) -> Option<Truth> {
    let lower = text.to_lowercase();
    let words: BTreeSet<&str> = lower.split(|c: char| !c.is_alphabetic()).collect();
    let count = |list: &str| list.split_whitespace().filter(|word| words.contains(word)).count();
    let own = FUNCTION_WORDS.iter().find(|(language, _)| *language == code).map(|(_, list)| count(list))?;
    let others = FUNCTION_WORDS.iter().filter(|(language, _)| *language != code).map(|(_, list)| count(list));
    match (own, others.max().unwrap_or_default()) {
        (own, others @ MIN_WORDS..) if others > 5 * own => Some(Truth::No),
        (MIN_WORDS.., others) if own > 2 * others => Some(Truth::Yes),
        _ => None,
    }
}

/// What the script alone tells of a text, however short; a character of a script without spaces counts for three letters.
fn by_script(words: &str, code: &str, unspaced: usize) -> Option<Truth> {
    let letters = words.chars().filter(|c| c.is_alphabetic() && !is_unspaced(*c)).count();
    let kana = words.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    match code {
        "zh" if unspaced * 6 >= letters && unspaced > 1 => Some((!kana).into()),
        "ja" if unspaced * 6 >= letters && kana => Some(Truth::Yes),
        "zh" | "ja" if unspaced == 0 && letters > 7 => Some(Truth::No),
        "en" | "de" | "es" | "fr" if unspaced * 3 > letters && unspaced > 1 => Some(Truth::No),
        _ => None,
    }
}

fn script_of(lang: whatlang::Lang) -> whatlang::Script {
    use whatlang::{Lang, Script};
    match lang {
        Lang::Ara => Script::Arabic,
        Lang::Cmn => Script::Mandarin,
        Lang::Ell => Script::Greek,
        Lang::Heb => Script::Hebrew,
        Lang::Hin => Script::Devanagari,
        Lang::Jpn => Script::Hiragana,
        Lang::Kor => Script::Hangul,
        Lang::Rus | Lang::Ukr => Script::Cyrillic,
        Lang::Tha => Script::Thai,
        _ => Script::Latin,
    }
}

/// A language by its two letters (ISO 639-1).
fn whatlang_code(code: &str) -> Option<whatlang::Lang> {
    use whatlang::Lang;
    const CODES: &[(&str, Lang)] = &[
        ("ar", Lang::Ara),
        ("cs", Lang::Ces),
        ("da", Lang::Dan),
        ("de", Lang::Deu),
        ("el", Lang::Ell),
        ("en", Lang::Eng),
        ("es", Lang::Spa),
        ("fi", Lang::Fin),
        ("fr", Lang::Fra),
        ("he", Lang::Heb),
        ("hi", Lang::Hin),
        ("hu", Lang::Hun),
        ("id", Lang::Ind),
        ("it", Lang::Ita),
        ("ja", Lang::Jpn),
        ("ko", Lang::Kor),
        ("nl", Lang::Nld),
        ("pl", Lang::Pol),
        ("pt", Lang::Por),
        ("ro", Lang::Ron),
        ("ru", Lang::Rus),
        ("sv", Lang::Swe),
        ("th", Lang::Tha),
        ("tr", Lang::Tur),
        ("uk", Lang::Ukr),
        ("vi", Lang::Vie),
        ("zh", Lang::Cmn),
    ];
    CODES.iter().find(|(name, _)| *name == code).map(|(_, lang)| *lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What agents say at the end of a turn: each is short, and of one language.
    const SAID: [(&str, &str); 12] = [
        ("da", "Alle test er grønne, og jeg har ikke ændret noget i parseren."),
        ("de", "Der Parser liest jetzt auch negative Zahlen."),
        ("en", "The parser now reads negative numbers, and the suite is green."),
        ("es", "El analizador ya lee los números negativos."),
        ("fr", "Le parseur lit maintenant les nombres négatifs."),
        ("it", "Il parser ora legge anche i numeri negativi, e i test sono verdi."),
        ("nl", "De parser leest nu ook negatieve getallen, en het werkt."),
        ("pl", "Parser czyta teraz liczby ujemne i nie ma już błędów."),
        ("pt", "O parser agora lê os números negativos e não há erros."),
        ("sv", "Alla tester är gröna, och jag har inte ändrat något i tolken."),
        ("ja", "パーサーは負の数も読めるようになりました。"),
        ("zh", "解析器现在也能读取负数了。"),
    ];

    #[test]
    fn a_short_answer_is_in_its_own_language_and_in_no_other() {
        for (own, text) in SAID {
            assert_ne!(is_in(text, own), Truth::No, "{own}: {text}");
            for (other, _) in SAID.iter().filter(|(other, _)| *other != own) {
                let found = is_in(text, other);
                assert_ne!(found, Truth::Yes, "{own} as {other}");
                // Who asks for another language mostly gets English.
                assert!(own != "en" || found == Truth::No, "{own} as {other}: {found:?}");
            }
        }
    }

    #[test]
    fn code_in_a_sentence_is_of_no_language() {
        let text = "J'ai lancé les tests avec `the new runner is not on the path of this shell` et tout est vert.";
        assert_ne!(is_in(text, "fr"), Truth::No);
        assert_eq!(is_in(text, "en"), Truth::No);
        assert_eq!(is_in("`is the of and to`", "fr"), Truth::Unknown);
    }

    #[test]
    fn what_says_next_to_nothing_is_in_no_language() {
        for text in ["OK.", "Done!", "src/main.rs", "42 passed", ""] {
            for (code, _) in FUNCTION_WORDS {
                assert_eq!(is_in(text, code), Truth::Unknown, "{text:?} as {code}");
            }
        }
    }

    #[test]
    fn function_words_are_those_of_known_languages_and_each_once() {
        for (code, list) in FUNCTION_WORDS {
            assert!(is_known(code), "{code}");
            let words: Vec<_> = list.split_whitespace().collect();
            assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{code}");
        }
    }
}
