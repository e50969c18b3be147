//! Rules and events made of bytes, so that a fuzzer which changes bytes changes them a little.

use rules::directive::{Fail, Undecided};
use rules::predicate::{CommandTest, ExitTest, FileAction, FileTest, Indent, Moment, PathTest, TextTest, ToolTest};
use rules::{
    Decision, Directive, During, Event, EventKind, Pattern, Per, Predicate, Rule, RuleId, Scope, State, Strength,
};
use serde_json::json;

/// A rule that is enforced everywhere.
pub(super) fn rule(at: usize, check: Directive) -> Rule {
    Rule {
        id: RuleId::slug(&format!("rule {at}")),
        title: String::new(),
        state: State::Armed,
        strength: Strength::Must,
        decided_by: Decision::Check,
        confidence: None,
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope: Scope::default(),
        check: Some(check),
        remind_when: None,
        said: Vec::new(),
        examples: Vec::new(),
    }
}

/// Bytes that are used up; after the last, everything is zero.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    /// How many predicates may still be made.
    predicates: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, predicates: 64 }
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    pub(super) fn below(&mut self, limit: u8) -> usize {
        usize::from(self.next() % limit.max(1))
    }

    fn one<T: Clone>(&mut self, of: &[T], or: T) -> T {
        let limit = u8::try_from(of.len()).unwrap_or(u8::MAX);
        let at = self.below(limit);
        of.get(at).cloned().unwrap_or(or)
    }

    /// A word from a small list, or whatever the bytes say.
    fn text(&mut self, known: &[&str]) -> String {
        let choice = self.below(8);
        if choice > 0 {
            return self.one(known, "").to_owned();
        }
        let length = self.below(24).min(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn texts(&mut self, known: &[&str]) -> Vec<String> {
        (0..self.below(3)).map(|_| self.text(known)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) == 1).then(|| make(self))
    }

    fn text_test(&mut self, depth: u8) -> TextTest {
        let words = ["todo", "fix", "console.log(", "\u{1f600}", "ß", "a\nb", ""];
        let inner = |bytes: &mut Self| Box::new(bytes.text_test(depth.saturating_sub(1)));
        let parts = |bytes: &mut Self| {
            (0..bytes.below(3)).map(|_| bytes.text_test(depth.saturating_sub(1))).collect::<Vec<_>>()
        };
        match self.below(if depth == 0 { 15 } else { 22 }) {
            0 => TextTest::Contains(self.text(&words)),
            1 => TextTest::Mentions(self.text(&words)),
            2 => TextTest::Matches(self.text(&["t.do", "a+b", "^x*$", "(a|b)*c", "[a-z]+\\d", "(", ".{1,9}"])),
            3 => TextTest::StartsWith(self.text(&words)),
            4 => TextTest::EndsWith(self.text(&words)),
            5 => TextTest::Empty(self.below(2) == 1),
            6 => TextTest::Emoji(self.below(2) == 1),
            7 => TextTest::Language(self.text(&["de", "en", "zh", "xx"])),
            8 => TextTest::MaxWords(u32::from(self.next())),
            9 => TextTest::MaxSentences(u32::from(self.next())),
            10 => TextTest::MaxLineChars(u32::from(self.next())),
            11 => TextTest::MaxQuestions(u32::from(self.next())),
            12 => TextTest::MinHeadings(u32::from(self.next())),
            13 => TextTest::Imperative(self.below(2) == 1),
            14 => TextTest::Indent(self.one(&[Indent::Tabs, Indent::Spaces, Indent::TwoSpaces], Indent::FourSpaces)),
            15 => TextTest::All(parts(self)),
            16 => TextTest::Any(parts(self)),
            17 => TextTest::Not(inner(self)),
            18 => TextTest::FirstLine(inner(self)),
            19 => TextTest::FirstSentence(inner(self)),
            20 => TextTest::Body(inner(self)),
            _ => TextTest::SomeLine(inner(self)),
        }
    }

    fn file_test(&mut self) -> FileTest {
        let globs = ["*.rs", "src/", "**/a*", "[ab].md", "{a,b}/**", "x", "/", "!a"];
        let actions = [FileAction::Create, FileAction::Modify, FileAction::Delete];
        FileTest {
            path: self.texts(&globs),
            not_path: self.texts(&globs),
            language: self.texts(&["rust", "markdown"]),
            action: self.maybe(|bytes| bytes.one(&actions, FileAction::Create)),
            name: self.maybe(|bytes| bytes.text_test(1)),
            added: self.maybe(|bytes| bytes.text_test(2)),
            removed: self.maybe(|bytes| bytes.text_test(1)),
            content: self.maybe(|bytes| bytes.text_test(2)),
            code: None,
        }
    }

    fn predicate(&mut self, depth: u8) -> Predicate {
        self.predicates = self.predicates.saturating_sub(1);
        let depth = if self.predicates == 0 { 0 } else { depth };
        let parts = |bytes: &mut Self| {
            (0..bytes.below(4)).map(|_| bytes.predicate(depth.saturating_sub(1))).collect::<Vec<_>>()
        };
        let moments = [Moment::Prompt, Moment::Tool, Moment::Reply, Moment::Stop, Moment::SubagentStop];
        match self.below(if depth == 0 { 10 } else { 13 }) {
            0 => Predicate::Command(CommandTest {
                run: self.text(&["a", "b x", "a|b", "* -f", "a ** x $", "c $file", "a !-f", "?"]),
                without: self.texts(&["-f", "x"]),
                env: self.maybe(|bytes| bytes.text(&["E", "E=1", "E=*"])),
                cwd: self.maybe(|bytes| bytes.text(&["src", "*"])),
                into: self.maybe(|bytes| bytes.text(&["a|b", "*"])),
            }),
            1 => Predicate::File(Box::new(self.file_test())),
            2 => Predicate::Read(PathTest { path: self.texts(&["*.rs", "src/"]), not_path: self.texts(&["a.rs"]) }),
            3 => Predicate::Commit(self.text_test(2)),
            4 => Predicate::Reply(self.text_test(3)),
            5 => Predicate::Prompt(self.text_test(2)),
            6 => Predicate::Tool(ToolTest {
                name: self.texts(&["Bash", "W*"]),
                arg: self.maybe(|bytes| bytes.text(&["/command", "", "/a~1b/0", "x"])),
                value: self.maybe(|bytes| bytes.text_test(2)),
            }),
            7 => Predicate::Exit(self.one(&[ExitTest::Ok, ExitTest::Failed], ExitTest::Code(2))),
            8 => Predicate::Event(self.one(&moments, Moment::SessionStart)),
            9 => Predicate::PullRequest(self.text_test(2)),
            10 => Predicate::All(parts(self)),
            11 => Predicate::Any(parts(self)),
            _ => Predicate::Not(Box::new(self.predicate(depth.saturating_sub(1)))),
        }
    }

    pub(super) fn directive(&mut self) -> Directive {
        let one = |bytes: &mut Self| bytes.predicate(2);
        let some = |bytes: &mut Self| (0..bytes.below(4)).map(|_| bytes.predicate(1)).collect::<Vec<_>>();
        let pattern = match self.below(8) {
            0 => Pattern::Absence { never: one(self) },
            1 => Pattern::Universality { every: one(self), must: one(self) },
            2 => Pattern::Precedence { first: one(self), then: one(self), again_after: self.maybe(one) },
            3 => Pattern::Response { trigger: one(self), require: one(self) },
            4 => Pattern::Existence { require: one(self) },
            5 => Pattern::BoundedExistence { of: one(self), at_most: self.next() >> 3 },
            6 => Pattern::ResponseChain { trigger: one(self), require: some(self) },
            _ => Pattern::PrecedenceChain { first: some(self), then: one(self) },
        };
        Directive {
            pattern,
            when: self.maybe(one),
            unless: self.maybe(one),
            during: During { after: self.maybe(one), before: self.maybe(one), until: self.maybe(one) },
            per: self.one(&[Per::Session, Per::Turn], Per::File),
            undecided: if self.below(4) == 1 { Undecided::Violated } else { Undecided::Pass },
            fail: Fail::Open,
        }
    }

    /// The next event; nothing when the bytes are used up.
    pub(super) fn event(&mut self) -> Option<Event> {
        if self.rest.is_empty() {
            return None;
        }
        let paths = ["a.rs", "src/a.rs", "src/../b.md", "/x/y", "", "src/\u{e9}.rs", "a b"];
        let texts = ["", "todo\n", "fix \u{1f600} it", "a\nb\n", "aab", "\tx\n  y\n", "Is it? Yes. Warum denn nicht?"];
        let commands = [
            "a",
            "b x -f",
            "cd src && a",
            "a \"$V\"",
            "git commit -m 'fix it'",
            "echo x > a.rs",
            "c src/a.rs",
            "E=1 a",
        ];
        Some(match self.below(9) {
            0 | 1 => Event::command(self.text(&commands)),
            2 => Event::write(self.text(&paths), self.text(&texts)),
            3 => Event::edit(self.text(&paths), self.text(&texts), self.text(&texts)),
            4 => Event::tool("Read", json!({ "file_path": self.text(&paths) })),
            5 => Event::command(self.text(&commands)).done(self.below(2) == 1),
            6 => Event::of(EventKind::UserPromptSubmit { text: self.text(&texts) }),
            7 => Event::of(EventKind::Reply { text: self.text(&texts) }),
            _ => Event::stop(self.text(&texts), self.maybe(Self::event).flatten().into_iter().collect()),
        })
    }
}
