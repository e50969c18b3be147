//! Reads a shell text into its syntax tree: POSIX sh with bash's and most of zsh's and ksh's extensions.
//!
//! Recursive descent without backtracking. Invariants: it never panics; time is linear in the text, save for a look-ahead
//! of at most [`MAX_DEPTH`] times at `((`; nesting beyond [`MAX_DEPTH`] is a fault. What stands before a fault is kept.
//! It is lenient: a text that no shell accepts may still be read. Deliberately absent: expansion, and any meaning.

use super::syntax::{
    Assignment, Command, Item, Kind, Piece, PieceKind, Pieces, Program, Redirect, Target, Value, Word,
};
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// How deep commands, quotes and substitutions may nest.
pub(super) const MAX_DEPTH: usize = 64;

/// Words that end a list of commands where a command could stand.
const CLOSERS: [&str; 8] = ["then", "do", "done", "fi", "elif", "else", "esac", "}"];

/// Why a text could not be read, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) why: &'static str,
    pub(super) at: usize,
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// The state of reading one text.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    depth: usize,
    /// The span that everything gets, for a text that is not a literal part of the event's text.
    within: Option<Range<usize>>,
    /// Here-documents whose bodies begin after the current line.
    pending: Vec<HereDocument>,
}

#[derive(Debug)]
struct HereDocument {
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
    body: Rc<OnceCell<Word>>,
}

/// Reads a text. With `within`, every span is that one.
pub(super) fn parse(text: &str, within: Option<Range<usize>>) -> (Program, Option<Fault>) {
    let mut parser = Parser { text, at: 0, depth: 0, within, pending: Vec::new() };
    let mut program = Program::default();
    let fault = match parser.items(&mut program) {
        Ok(()) if parser.at < text.len() => Some(parser.fault("a word that closes nothing")),
        Ok(()) => None,
        Err(fault) => Some(fault),
    };
    (program, fault)
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    pub(super) fn fault(&self, why: &'static str) -> Fault {
        Fault { why, at: self.at }
    }

    pub(super) fn span(&self, start: usize) -> Range<usize> {
        self.within.clone().unwrap_or(start..self.at)
    }

    /// Runs a part one level deeper.
    pub(super) fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault("it is nested too deeply"));
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// Reads another text, such as what stands in backquotes, at this depth and with one span.
    pub(super) fn inner<T>(
        &mut self,
        text: &str,
        span: Range<usize>,
        part: impl FnOnce(&mut Parser<'_>) -> Parsed<T>,
    ) -> Parsed<T> {
        let mut inner = Parser { text, at: 0, depth: self.depth, within: Some(span), pending: Vec::new() };
        inner.deeper(part).map_err(|fault| self.fault(fault.why))
    }

    /// A program that must go to the end of the text.
    pub(super) fn ended(&self, program: Program) -> Parsed<Program> {
        if self.at < self.text.len() { Err(self.fault("a word that closes nothing")) } else { Ok(program) }
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            self.at += blanks;
            let continued =
                self.eat("\\\n") || self.eat("\\\r\n") || (self.rest().starts_with("\r\n") && self.eat("\r"));
            if blanks == 0 && !continued {
                break;
            }
        }
        if self.peek() == Some('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Skips white space, comments and line ends, reading here-documents on the way.
    pub(super) fn skip_lines(&mut self) -> Parsed<()> {
        loop {
            self.skip_blanks();
            if !self.eat("\n") {
                return Ok(());
            }
            self.here_documents()?;
        }
    }

    /// Whether a word of these characters stands here.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.rest().strip_prefix(word).is_some_and(|after| after.chars().next().is_none_or(ends_word))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.at += word.len();
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        self.skip_lines()?;
        if self.eat_word(word) { Ok(()) } else { Err(self.fault("a compound command is not closed")) }
    }

    /// Commands up to a closing word or character, which is left.
    pub(super) fn list(&mut self) -> Parsed<Program> {
        self.deeper(|parser| {
            let mut program = Program::default();
            parser.items(&mut program)?;
            Ok(program)
        })
    }

    fn items(&mut self, program: &mut Program) -> Parsed<()> {
        let mut conditional = false;
        loop {
            self.skip_lines()?;
            let rest = self.rest();
            let closed = rest.is_empty() || rest.starts_with([')']) || rest.starts_with(";;") || rest.starts_with(";&");
            if closed || CLOSERS.iter().any(|word| self.at_word(word)) {
                return Ok(());
            }
            if self.eat(";") {
                continue;
            }
            let commands = self.pipeline()?;
            self.skip_blanks();
            let chained = self.eat("&&") || self.eat("||");
            let background = !chained && self.eat("&");
            program.items.push(Item { commands, conditional, background });
            conditional = chained;
            let separated =
                chained || background || self.rest().starts_with(['\n', ';', ')']) || self.rest().is_empty();
            if !separated && !CLOSERS.iter().any(|word| self.at_word(word)) {
                return Err(self.fault("it is not shell syntax"));
            }
        }
    }

    fn pipeline(&mut self) -> Parsed<Vec<Command>> {
        let mut commands = Vec::new();
        loop {
            self.skip_lines()?;
            while self.eat_word("!") || self.eat_time() {
                self.skip_blanks();
            }
            commands.push(self.deeper(Self::command)?);
            self.skip_blanks();
            if self.rest().starts_with("||") || !(self.eat("|&") || self.eat("|")) {
                return Ok(commands);
            }
        }
    }

    /// The reserved word `time`; with other options than `-p` it is the program of that name.
    fn eat_time(&mut self) -> bool {
        let after = self.rest().strip_prefix("time").unwrap_or_default().trim_start_matches([' ', '\t']);
        if !self.at_word("time") || (after.starts_with('-') && !after.starts_with("-p ")) {
            return false;
        }
        self.at = self.text.len() - after.strip_prefix("-p ").unwrap_or(after).len();
        true
    }

    pub(super) fn command(&mut self) -> Parsed<Command> {
        let start = self.at;
        let Some(kind) = self.compound()? else { return self.simple() };
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => break,
            }
        }
        Ok(Command { kind, redirects, span: self.span(start) })
    }

    fn simple(&mut self) -> Parsed<Command> {
        let start = self.at;
        let (mut assignments, mut words, mut arrays, mut redirects) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut end = start;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            } else if self.peek().is_none_or(|next| ends_word(next) && !self.process_ahead()) {
                break;
            } else if let Some(assignment) = self.assignment(words.is_empty())? {
                if words.is_empty() { &mut assignments } else { &mut arrays }.push(assignment);
            } else {
                words.push(self.word()?);
            }
            end = self.at;
        }
        if end == start {
            return Err(self.fault("it is not shell syntax"));
        }
        let span = self.within.clone().unwrap_or(start..end);
        Ok(Command { kind: Kind::Simple { assignments, words, arrays }, redirects, span })
    }

    /// An assignment, if one stands here; among the words of a command, only that of an array.
    fn assignment(&mut self, in_front: bool) -> Parsed<Option<Assignment>> {
        let Some((name, index, append, length)) = assignment_ahead(self.rest()) else { return Ok(None) };
        let array = self.rest().get(length..).is_some_and(|after| after.starts_with('('));
        if !in_front && !array {
            return Ok(None);
        }
        let (name, at) = (name.to_owned(), self.at);
        let index = match index {
            Some(index) => Some(self.inner(index, self.span(at), |parser| parser.pieces_to_end(false))?),
            None => None,
        };
        self.at = at + length;
        let value = if self.eat("(") { Value::Array(self.array()?) } else { Value::One(self.word_or_nothing()?) };
        Ok(Some(Assignment { name, index, append, value }))
    }

    fn array(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.skip_lines()?;
            if self.eat(")") {
                return Ok(words);
            }
            if let Some((_, Some(_), _, length)) = assignment_ahead(&format!("a{}", self.head())) {
                // `[key]=value`: the values' order is all that is kept.
                self.at += length - 1;
            }
            match self.peek() {
                Some(next) if !ends_word(next) || self.process_ahead() => words.push(self.word()?),
                _ => return Err(self.fault("an array is not closed")),
            }
        }
    }

    /// The next few characters.
    fn head(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.char_indices().nth(ASSIGNMENT_INDEX_MAX).map_or(rest.len(), |(end, _)| end);
        rest.get(..end).unwrap_or_default()
    }

    fn word_or_nothing(&mut self) -> Parsed<Word> {
        match self.peek() {
            Some(next) if !ends_word(next) || self.process_ahead() => self.word(),
            _ => Ok(Word::default()),
        }
    }

    /// A redirection, if one stands here.
    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let rest = self.rest();
        let operator = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = rest.strip_suffix(operator).unwrap_or_default();
        let both = digits.is_empty() && operator.starts_with("&>");
        if !(operator.starts_with(['<', '>']) || both) || (digits.is_empty() && self.process_ahead()) {
            return Ok(None);
        }
        let fd = Some(digits.to_owned()).filter(|digits| !digits.is_empty());
        self.at += digits.len();
        let operator = ["<<<", "<<-", "<<", "<>", "<&", "<", "&>>", "&>", ">>", ">|", ">&", ">"]
            .into_iter()
            .find(|operator| self.eat(operator))
            .unwrap_or_default();
        self.skip_blanks();
        let target = match operator {
            "<<" | "<<-" => self.here_document(operator == "<<-")?,
            "<<<" => Target::HereString(self.word()?),
            "<" => Target::Read(self.word()?),
            "&>>" | ">>" => Target::Append(self.word()?),
            "<&" => Target::ReadFrom(self.word()?),
            ">&" => {
                let word = self.word()?;
                let descriptor = word.plain().is_some_and(|text| text.chars().all(|c| c.is_ascii_digit() || c == '-'));
                if descriptor { Target::Duplicate } else { Target::Write(word) }
            }
            _ => Target::Write(self.word()?),
        };
        Ok(Some(Redirect { fd, target }))
    }

    fn here_document(&mut self, strip_tabs: bool) -> Parsed<Target> {
        let word = self.word()?;
        let mut delimiter = String::new();
        for piece in &word.pieces {
            match &piece.kind {
                PieceKind::Text(text) => delimiter.push_str(text),
                _ => return Err(self.fault("the end of a here-document is computed")),
            }
        }
        let quoted = word.pieces.iter().any(|piece| piece.quoted);
        let body = Rc::new(OnceCell::new());
        self.pending.push(HereDocument { delimiter, quoted, strip_tabs, body: Rc::clone(&body) });
        Ok(Target::HereDocument(body))
    }

    /// Reads the bodies that begin here, after the end of a line.
    fn here_documents(&mut self) -> Parsed<()> {
        for document in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut body = String::new();
            while self.at < self.text.len() {
                let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
                self.at += line.len();
                let line = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches(['\n', '\r']) == document.delimiter {
                    break;
                }
                body.push_str(line);
            }
            let span = self.span(start);
            let pieces = if document.quoted {
                vec![Piece::text(body, true)]
            } else {
                self.inner(&body, span, |parser| parser.pieces_to_end(true))?
            };
            // A body is read once: its cell is new.
            let _unread = document.body.set(Word { pieces });
        }
        Ok(())
    }

    /// The whole text as pieces, quotes being ordinary characters if `quoted`.
    fn pieces_to_end(&mut self, quoted: bool) -> Parsed<Pieces> {
        let mut pieces = Vec::new();
        while self.at < self.text.len() {
            self.piece(&mut pieces, quoted)?;
        }
        Ok(pieces)
    }
}

/// How far ahead the `]` of an array element is looked for.
const ASSIGNMENT_INDEX_MAX: usize = 256;

/// The name, index, whether it appends, and the length up to the value, of an assignment at the beginning of a text.
fn assignment_ahead(text: &str) -> Option<(&str, Option<&str>, bool, usize)> {
    let name_end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let name = text.get(..name_end).filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))?;
    let after = text.get(name_end..)?;
    let (index, after) = match after.strip_prefix('[') {
        Some(inside) => {
            let mut level = 1_usize;
            let (end, _) = inside.char_indices().take(ASSIGNMENT_INDEX_MAX).find(|(_, c)| {
                level = match c {
                    '[' => level + 1,
                    ']' => level - 1,
                    _ => level,
                };
                level == 0
            })?;
            (inside.get(..end), inside.get(end + 1..)?)
        }
        None => (None, after),
    };
    let append = after.starts_with("+=");
    let value = after.strip_prefix("+=").or_else(|| after.strip_prefix('='))?;
    Some((name, index, append, text.len() - value.len()))
}

/// Whether a character ends a word that no quote protects.
pub(super) fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}
