//! How many tokens a text has, without any tokenizer: an estimate that is meant to be too high rather than too low.
//!
//! Providers count differently and do not all publish how. The estimate follows what byte-pair vocabularies have in common:
//! short words are one token, long and unusual ones several, digits and punctuation one each, other scripts one to four a
//! character. Measured against three published vocabularies it is 1.2 to 1.6 times too high on conversations and code; a
//! table in the tests holds what they count. Single short texts in chat slang can be one or two tokens over.
//!
//! INVARIANT: texts that are put together by lines cost what the lines cost: `of(a + "\n" + b) == of(a) + of(b)`.

/// Runs of letters and digits from this length on are taken for hashes, keys and the like.
const DENSE_CHARS: usize = 16;

/// At most how many tokens a text has.
pub fn of(text: &str) -> u64 {
    text.split('\n').map(|line| line_tokens(line).saturating_add(1)).sum()
}

fn line_tokens(line: &str) -> u64 {
    let mut count = Count::default();
    // Bytes are the characters of most texts, and need not be taken apart.
    if line.is_ascii() {
        line.bytes().for_each(|byte| count.add(class(byte), 1));
    } else {
        line.chars().for_each(|c| count.add(u8::try_from(c).map_or(0, class), alone(c)));
    }
    count.end()
}

// What a character counts as; each text is looked at once, without a comparison for each of these.
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 4;
const SIGN: u8 = 8;
const VOWEL: u8 = 16;
const RARE: u8 = 32;
const SPACE: u8 = 64;
const LETTER: u8 = LOWER | UPPER;
const DENSE: u8 = LETTER | DIGIT | SIGN;

const CLASSES: [u8; 128] = {
    let mut classes = [0; 128];
    let mut at: u8 = 0;
    while at < 128 {
        let kind = match at {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'+' | b'/' => SIGN,
            b' ' => SPACE,
            _ => 0,
        };
        let sound = match at.to_ascii_lowercase() {
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' => VOWEL,
            b'j' | b'k' | b'q' | b'v' | b'w' | b'x' | b'z' => RARE,
            _ => 0,
        };
        #[expect(clippy::indexing_slicing, reason = "the loop ends before; a constant that did not would not compile")]
        {
            classes[at as usize] = kind | sound;
        }
        at += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// What a character counts that is no part of a word.
fn alone(c: char) -> u64 {
    match c {
        c if c.is_ascii() => 1,
        // Greek has hardly any token of more than a letter in the older vocabularies.
        '\u{370}'..'\u{400}' => 2,
        c => [1, 1, 1, 2, 4].get(c.len_utf8()).copied().unwrap_or(4),
    }
}

/// A line as far as it was counted.
#[derive(Debug, Default)]
struct Count {
    tokens: u64,
    spaces: u64,
    /// Letters, digits and signs that stand together: how many, of which classes, and their tokens but for the last word.
    together: usize,
    classes: u8,
    words: usize,
    word: Word,
    last: u8,
}

/// A piece of a word, in which upper case does not follow lower case; or one digit or sign.
#[derive(Debug, Default)]
struct Word {
    length: usize,
    upper: usize,
    vowels: usize,
    rare: usize,
}

impl Count {
    /// Counts a character of a class, which alone counts so much.
    fn add(&mut self, class: u8, alone: u64) {
        if class & DENSE != 0 {
            self.end_gap();
            let goes_on =
                self.last & LETTER != 0 && class & LETTER != 0 && !(self.last & LOWER != 0 && class & UPPER != 0);
            if !goes_on {
                self.words += std::mem::take(&mut self.word).tokens();
            }
            self.word.add(class);
            self.together += 1;
            self.classes |= class;
        } else {
            self.end_together();
            if class & SPACE != 0 {
                self.spaces += 1;
            } else {
                self.end_gap();
                self.tokens += alone;
            }
        }
        self.last = class;
    }

    /// One space belongs to the word after it; of more of them some count.
    fn end_gap(&mut self) {
        if self.spaces > 1 {
            self.tokens += 1 + self.spaces / 16;
        }
        self.spaces = 0;
    }

    fn end_together(&mut self) {
        let words = std::mem::take(&mut self.words) + std::mem::take(&mut self.word).tokens();
        let (length, classes) = (std::mem::take(&mut self.together), std::mem::take(&mut self.classes));
        let is_dense = length >= DENSE_CHARS && classes & DIGIT != 0 && classes & LETTER != 0;
        self.tokens += if is_dense { (length * 9).div_ceil(10) } else { words } as u64;
    }

    fn end(mut self) -> u64 {
        self.end_together();
        self.end_gap();
        self.tokens
    }
}

impl Word {
    fn add(&mut self, class: u8) {
        self.length += 1;
        self.upper += usize::from(class & UPPER != 0);
        self.vowels += usize::from(class & VOWEL != 0);
        self.rare += usize::from(class & RARE != 0);
    }

    fn tokens(self) -> usize {
        let Word { length, upper, vowels, rare } = self;
        if length <= 1 {
            return length;
        }
        let plain = if upper == length {
            length.div_ceil(2)
        } else if vowels * 5 < length {
            length - length / 4
        } else if length <= 6 {
            1
        } else {
            length.div_ceil(5)
        };
        let unusual = plain + rare.saturating_sub(1);
        // Longer than words are: in chance sequences of letters nearly each second one begins a token.
        if length > 12 { unusual.max((length * 4).div_ceil(5) - 5) } else { unusual }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use proptest::prelude::*;

    /// Texts, and the most tokens that `o200k_base`, `cl100k_base` and `p50k_base` count in them (the last one only where
    /// it is English or code).
    const COUNTED: &[(&str, u64)] = &[
        (
            "Caroline went to the LGBTQ support group yesterday and said that it was so powerful to hear everybody's stories.",
            22,
        ),
        (
            "I've been running longer distances lately; last Friday I did 8.5 miles before work and my knees didn't complain at all!",
            28,
        ),
        (
            "We moved the deployment to Thursday because the database migration takes about 40 minutes and nobody wants to do that on a Friday afternoon.",
            26,
        ),
        ("No, use pnpm here. Don't run npm install, it rewrites the lock file.", 22),
        ("The appointment is on 2023-05-08 at 14:30 with Dr. Martinez in room 1204.", 26),
        (
            "fn chunk_tokens(chunk: &[char]) -> u64 {\n    if !chunk.first().is_some_and(|first| is_dense(*first)) {\n        return 0;\n    }\n}",
            54,
        ),
        ("for (const [key, value] of Object.entries(settings)) { console.log(`${key}=${value}`); }", 32),
        ("kubectl rollout restart deploy/api-gw -n prod && rg -n \"fn main\" --type rust | head", 28),
        (
            "SELECT user_id, COUNT(*) FROM memories WHERE created_at >= '2024-01-01' GROUP BY user_id HAVING COUNT(*) > 10;",
            39,
        ),
        ("getUserByIdAndNameOrThrow TOKEN_EXPIRED_ERROR xml_http_request_handler_v2", 24),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 38),
        ("01890a5d-ac96-774b-bcce-b302099a8057", 22),
        ("https://example.com/a/b?q=1&r=%20x#section-2", 23),
        ("我们昨天去了北京的长城，天气很好，我很喜欢。", 26),
        ("昨日は友達と一緒に東京へ行きました。とても楽しかったです。", 32),
        ("저는 어제 친구와 함께 서울에 갔습니다. 정말 즐거웠어요.", 34),
        ("Wir haben gestern über die Größenänderungen in der Straßenbahn gesprochen.", 21),
        ("Nous sommes allés à Paris ; c’était très agréable — vraiment.", 17),
        ("Мы вчера ездили в Москву и видели Красную площадь.", 29),
        ("ذهبنا أمس إلى القاهرة وكان الطقس جميلا", 27),
        ("हम कल दिल्ली गए थे और मौसम बहुत अच्छा था", 41),
        ("👩‍👩‍👧‍👦🎉😀🇩🇪 emoji galore ❤️", 34),
        ("{\"items\":[{\"item\":1,\"grade\":3},{\"item\":2,\"grade\":0}],\"model\":\"gpt-x\"}", 27),
        ("\tif err != nil {\n\t\treturn fmt.Errorf(\"open %s: %w\", path, err)\n\t}", 29),
    ];

    #[test]
    fn what_published_vocabularies_count_is_never_more() {
        for (text, counted) in COUNTED {
            assert!(of(text) >= *counted, "{text:?}: {} < {counted}", of(text));
        }
    }

    #[test]
    fn prose_is_not_overestimated_by_half() {
        let prose = COUNTED.iter().filter(|(text, _)| text.len() > 80 && text.is_ascii());
        let (own, counted) = prose.fold((0, 0), |(own, sum), (text, counted)| (own + of(text), sum + counted));
        assert!(counted > 0 && own * 2 <= counted * 3, "{own} for {counted}");
    }

    proptest! {
        #[test]
        fn lines_cost_what_they_cost_alone(lines in proptest::collection::vec("[^\n]{0,40}", 1..6)) {
            let sum: u64 = lines.iter().map(|line| of(line)).sum();
            prop_assert_eq!(of(&lines.join("\n")), sum);
        }
    }
}
