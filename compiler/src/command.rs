//! Command patterns: `npm`, `npm install|i`, `git push --force|-f`, `cargo test $`.
//!
//! The grammar is documented at [`rules::predicate::CommandForm`]. Whether a flag takes the next word as its value is
//! not known in general, so both readings are tried: `git -C web push` is a `git push`.

use crate::facts::{Command, Word};
use crate::truth::Truth;
use fast_glob::glob_match;
use rules::predicate::CommandTest;
use serde::{Deserialize, Serialize};

/// A compiled command pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandPattern {
    /// Names of programs, of which one must match; globs.
    pub program: Vec<String>,
    /// The leading positional arguments.
    words: Vec<Step>,
    /// Whether no further positional argument may follow.
    end: bool,
    /// Groups of flags; of each, one must be there.
    flags: Vec<Vec<String>>,
    /// Flags and words of which none may be there.
    without: Vec<String>,
    /// An assignment that must stand in front.
    env: Option<(String, Option<String>)>,
    /// Globs for the directory, of which one must match.
    pub cwd: Vec<String>,
    /// Names of programs, of which its output must be piped into one; globs.
    into: Vec<String>,
}

/// One positional argument of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// One of these words; globs.
    One(Vec<String>),
    /// Any number of words.
    Many,
    /// The path of the instance.
    File,
}

/// How much of a pattern a command matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandMatch {
    /// Whether it matched.
    pub truth: Truth,
    /// How many of its arguments the pattern's words cover, flags between them included.
    pub covered: usize,
}

impl CommandPattern {
    /// The most positional words in a pattern; more would not fit the matcher's bit set.
    const MAX_WORDS: usize = 60;

    /// Compiles a test.
    ///
    /// # Errors
    /// What is wrong with the pattern, in lower case.
    pub fn of(test: &CommandTest) -> Result<Self, String> {
        let mut words = split(&test.run)?.into_iter();
        let program = words.next().ok_or("a command pattern needs a program: `npm`, or `*` for any")?;
        let mut pattern = Self {
            program: alternatives(&program),
            words: Vec::new(),
            end: false,
            flags: Vec::new(),
            without: test.without.clone(),
            env: test.env.as_deref().map(|env| match env.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (env.to_owned(), None),
            }),
            cwd: test.cwd.iter().map(|glob| glob.trim_end_matches('/').to_owned()).collect(),
            into: test.into.as_deref().map(alternatives).unwrap_or_default(),
        };
        for word in words {
            if pattern.end {
                return Err("`$` ends a command pattern, nothing may follow it".to_owned());
            }
            match word.as_str() {
                "$" => pattern.end = true,
                "**" => pattern.words.push(Step::Many),
                "$file" => pattern.words.push(Step::File),
                flag if flag.starts_with('-') && flag.len() > 1 => pattern.flags.push(alternatives(flag)),
                banned if banned.starts_with('!') && banned.len() > 1 => {
                    pattern.without.extend(alternatives(banned.trim_start_matches('!')));
                }
                plain => pattern.words.push(Step::One(alternatives(plain))),
            }
        }
        if pattern.words.len() > Self::MAX_WORDS {
            return Err(format!("a command pattern holds at most {} words", Self::MAX_WORDS));
        }
        for glob in &pattern.cwd {
            fast_glob::validate(glob).map_err(|error| format!("`{glob}` is not a glob: {error}"))?;
        }
        Ok(pattern)
    }

    /// Whether the pattern is about one path of a rule that holds per file.
    pub fn names_file(&self) -> bool {
        self.words.contains(&Step::File)
    }

    /// Words of which one must be an argument, if the pattern says so plainly.
    pub fn needed_words(&self) -> Option<&[String]> {
        self.words.iter().find_map(|step| match step {
            Step::One(words) if !words.iter().any(|word| word.contains(['*', '?'])) => Some(words.as_slice()),
            _ => None,
        })
    }

    /// Matches a command; `file` is the path that `$file` stands for.
    pub fn matches(&self, command: &Command, file: Option<&str>) -> CommandMatch {
        let program = self.program.iter().any(|glob| same(glob, &command.program));
        let fixed = program && self.env_matches(command) && self.cwd_matches(command) && self.sink_matches(command);
        if !fixed {
            return CommandMatch { truth: Truth::No, covered: 0 };
        }
        let (words, covered) = self.words_match(&command.args, file);
        let flags = self
            .flags
            .iter()
            .map(|group| group.iter().map(|flag| has_flag(&command.args, flag)).fold(Truth::No, |a, b| a | b))
            .fold(Truth::Yes, |a, b| a & b);
        let without = self.without.iter().map(|word| has_word(&command.args, word)).fold(Truth::No, |a, b| a | b);
        CommandMatch { truth: words & flags & !without, covered }
    }

    fn env_matches(&self, command: &Command) -> bool {
        self.env.as_ref().is_none_or(|(name, value)| {
            command.env.iter().any(|(key, text)| key == name && value.as_deref().is_none_or(|glob| same(glob, text)))
        })
    }

    fn sink_matches(&self, command: &Command) -> bool {
        self.into.is_empty() || command.into.iter().any(|program| self.into.iter().any(|glob| same(glob, program)))
    }

    fn cwd_matches(&self, command: &Command) -> bool {
        self.cwd.is_empty() || {
            let cwd = command.cwd.as_deref().unwrap_or(".");
            self.cwd.iter().any(|glob| glob_match(glob, cwd) || glob_match(format!("{glob}/**"), cwd))
        }
    }

    /// Runs the words as a small non-deterministic automaton: bit `i` of a set says that `i` words are matched.
    fn words_match(&self, args: &[Word], file: Option<&str>) -> (Truth, usize) {
        let goal = 1_u64 << self.words.len();
        let mut sure = self.skip_many(1);
        let mut maybe = sure;
        let mut covered = 0;
        let mut after_flag = false;
        // `cargo +nightly fmt` names a toolchain; `git push origin +main` is looked for as it stands.
        let wants_plus = self
            .words
            .iter()
            .any(|step| matches!(step, Step::One(words) if words.iter().any(|word| word.starts_with('+'))));
        for (at, arg) in args.iter().enumerate() {
            if !self.end && sure & goal != 0 {
                break;
            }
            let plus = !wants_plus && arg.text.starts_with('+') && arg.text.len() > 1;
            if arg.exact && (plus || arg.text.starts_with('-') && arg.text.len() > 1) {
                after_flag = !plus && arg.text != "--" && !arg.text.contains('=');
                continue;
            }
            let stay = if after_flag { u64::MAX } else { 0 };
            let next_sure = self.advance(sure, arg, file, Truth::Yes) | (sure & stay);
            let next_maybe = self.advance(maybe, arg, file, Truth::Unknown) | (maybe & stay) | next_sure;
            if sure & goal == 0 && next_sure & goal != 0 {
                covered = at + 1;
            }
            // Without `$`, a match stays one whatever follows.
            let keep = if self.end { 0 } else { goal };
            sure = next_sure | (sure & keep);
            maybe = next_maybe | (maybe & keep);
            after_flag = false;
        }
        let truth = if sure & goal != 0 {
            Truth::Yes
        } else if maybe & goal != 0 {
            Truth::Unknown
        } else {
            Truth::No
        };
        (truth, covered)
    }

    fn advance(&self, from: u64, arg: &Word, file: Option<&str>, at_least: Truth) -> u64 {
        let mut to = 0;
        for (i, step) in self.words.iter().enumerate() {
            if from & (1 << i) == 0 {
                continue;
            }
            match step {
                Step::Many => to |= 1 << i,
                Step::One(words) if one_of(words, arg) >= at_least => to |= 2 << i,
                Step::File if is_file(arg, file) >= at_least => to |= 2 << i,
                Step::One(_) | Step::File => {}
            }
        }
        self.skip_many(to)
    }

    /// `**` matches nothing too.
    fn skip_many(&self, mut set: u64) -> u64 {
        for (i, step) in self.words.iter().enumerate() {
            if *step == Step::Many && set & (1 << i) != 0 {
                set |= 2 << i;
            }
        }
        set
    }
}

fn one_of(words: &[String], arg: &Word) -> Truth {
    if arg.exact { words.iter().any(|glob| same(glob, &arg.text)).into() } else { Truth::Unknown }
}

fn is_file(arg: &Word, file: Option<&str>) -> Truth {
    match file {
        None => Truth::Unknown,
        Some(_) if !arg.exact => Truth::Unknown,
        Some(file) => (arg.text.trim_start_matches("./") == file).into(),
    }
}

/// Whether a flag is among the arguments: as it is, with `=value`, or within a cluster of short flags.
fn has_flag(args: &[Word], flag: &str) -> Truth {
    if flag == "--" {
        return args.iter().any(|arg| arg.text == flag).into();
    }
    let short = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-') && rest.chars().count() > 1);
    let clustered = |letters: &&str| letters.len() < 5 && letters.chars().all(char::is_alphabetic);
    let there =
        || args.iter().any(|arg| arg.text == flag || arg.text.split_once('=').is_some_and(|(name, _)| name == flag));
    if let Some(letters) = short.filter(clustered).filter(|_| !there()) {
        // A cluster in the pattern asks for each of its letters, unless it is one of the long flags with one dash.
        return letters.chars().map(|c| has_flag(args, &format!("-{c}"))).fold(Truth::Yes, |a, b| a & b);
    }
    let unknown = args.iter().any(|arg| !arg.exact && (arg.text.is_empty() || arg.text.starts_with('-')));
    let found = args.iter().take_while(|arg| arg.text != "--").any(|arg| {
        let cluster = arg.text.strip_prefix('-').is_some_and(|rest| {
            !rest.starts_with('-')
                && flag.len() == 2
                && flag
                    .chars()
                    .nth(1)
                    .is_some_and(|c| rest.chars().take_while(char::is_ascii_alphabetic).any(|r| r == c))
        });
        cluster || same(flag, &arg.text) || arg.text.split_once('=').is_some_and(|(name, _)| same(flag, name))
    });
    if found {
        Truth::Yes
    } else if unknown {
        Truth::Unknown
    } else {
        Truth::No
    }
}

fn has_word(args: &[Word], word: &str) -> Truth {
    if word.starts_with('-') {
        return has_flag(args, word);
    }
    args.iter().map(|arg| one_of(std::slice::from_ref(&word.to_owned()), arg)).fold(Truth::No, |a, b| a | b)
}

/// Compares a pattern with a word: `*` stands for any characters, `?` for one.
fn same(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken; only the last one is ever tried again.
    let mut star = None;
    while let Some(c) = text.get(t) {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(wanted), _) if *wanted == '?' || wanted == c => {
                p += 1;
                t += 1;
            }
            (_, Some((at, taken))) => {
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

fn alternatives(word: &str) -> Vec<String> {
    word.split('|').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Splits a pattern into words at white space; quotes keep white space inside a word.
fn split(pattern: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in pattern.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote in the command pattern `{pattern}` is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{NoWorkspace, facts};
    use rules::Event;

    fn command(text: &str) -> Command {
        let mut words = text.split(' ');
        let program = words.next().unwrap().to_owned();
        let args = words.map(|text| Word { text: text.to_owned(), exact: text != "?" }).collect();
        Command {
            program,
            args,
            env: vec![],
            cwd: None,
            writes: vec![],
            into: vec![],
            via: vec![],
            span: 0..text.len(),
        }
    }

    #[test]
    fn patterns_match_what_their_grammar_says() {
        let cases = [
            ("npm", "npm install x", Truth::Yes),
            ("npm", "pnpm install x", Truth::No),
            ("npm|npx", "npx cowsay", Truth::Yes),
            ("npm install|i", "npm --silent i x", Truth::Yes),
            ("npm install", "npm run install", Truth::No),
            ("npm install", "npm --prefix web install", Truth::Yes),
            ("npm install", "npm ?", Truth::Unknown),
            ("git push --force|-f", "git push origin main --force", Truth::Yes),
            ("git push --force|-f", "git push -uf origin", Truth::Yes),
            ("git push --force", "git push --force-with-lease", Truth::No),
            ("git push --force*", "git push --force-with-lease", Truth::Yes),
            ("rm -rf", "rm -r -f x", Truth::Yes),
            ("rm -rf", "rm -r x", Truth::No),
            ("cargo test $", "cargo test --all", Truth::Yes),
            ("cargo test $", "cargo test name", Truth::No),
            ("cargo test", "cargo +nightly test", Truth::Yes),
            ("git checkout ** main", "git checkout -q a b main", Truth::Yes),
            ("git checkout ** main", "git checkout main", Truth::Yes),
            ("pip* install", "pip3 install x", Truth::Yes),
            ("git commit !--amend", "git commit --amend", Truth::No),
            ("git commit !--amend", "git commit -m x", Truth::Yes),
            ("* --no-verify", "git commit --no-verify", Truth::Yes),
            ("git checkout -b release*", "git checkout -b release/1.2", Truth::Yes),
            ("a *x*y?", "a qxwyz", Truth::Yes),
            ("a *x*y?", "a qxwy", Truth::No),
            ("tool --a=1", "tool --a=1", Truth::Yes),
            ("find -delete", "find . -delete", Truth::Yes),
            ("git checkout * !--", "git checkout main", Truth::Yes),
            ("git checkout * !--", "git checkout -- a.rs", Truth::No),
            ("pnpm test --", "pnpm test -- a", Truth::Yes),
        ];
        for (pattern, text, expected) in cases {
            let compiled = CommandPattern::of(&pattern.into()).unwrap();
            assert_eq!(compiled.matches(&command(text), None).truth, expected, "`{pattern}` on `{text}`");
        }
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong() {
        assert!(CommandPattern::of(&"".into()).unwrap_err().contains("needs a program"));
        assert!(CommandPattern::of(&"a 'b".into()).unwrap_err().contains("not closed"));
        assert!(CommandPattern::of(&"a $ b".into()).unwrap_err().contains("ends"));
    }

    #[test]
    fn what_takes_a_commands_output_is_known_through_all_of_a_pipeline() {
        let found =
            facts(&Event::command("make test 2>&1 | tee a.log | (cat; head -3) && bash -c 'ls | sort'"), &NoWorkspace);
        let into: Vec<_> = found.commands.iter().map(|command| (&*command.program, command.into.join(" "))).collect();
        let expected = [
            ("make", "tee cat head"),
            ("tee", "cat head"),
            ("cat", ""),
            ("head", ""),
            ("bash", ""),
            ("ls", "sort"),
            ("sort", ""),
        ];
        assert_eq!(into, expected.map(|(program, into)| (program, into.to_owned())));
        let test = |into: &str| CommandTest { into: Some(into.to_owned()), ..CommandTest::from("make test") };
        let matches = |into: &str| {
            let pattern = CommandPattern::of(&test(into)).unwrap();
            found.commands.iter().map(|command| pattern.matches(command, None).truth).max()
        };
        assert_eq!(
            [matches("head|tail"), matches("*"), matches("less")],
            [Truth::Yes, Truth::Yes, Truth::No].map(Some)
        );
    }
}
