//! The lexical half of the parser: words, quotes and expansions.

use super::parser::{Parsed, Parser, ends_word};
use super::syntax::{Parameter, Piece, PieceKind, Pieces, Word};
use std::rc::Rc;

/// The operators of `${name…}`; of two with one beginning, the longer comes first.
const OPERATORS: [&str; 24] = [
    ":-", ":=", ":?", ":+", "-", "=", "?", "+", "##", "#", "%%", "%", "//", "/#", "/%", "/", "^^", "^", ",,", ",", "@",
    ":", "*", "~",
];

impl Parser<'_> {
    /// Whether `<(` or `>(` stands here.
    pub(super) fn process_ahead(&self) -> bool {
        self.rest().starts_with("<(") || self.rest().starts_with(">(")
    }

    /// A word, which must stand here.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        let start = self.at;
        let mut pieces = Vec::new();
        while self.peek().is_some_and(|next| !ends_word(next) || self.process_ahead()) {
            if self.process_ahead() {
                let writes = self.bump() == Some('>');
                self.bump();
                let body = self.list()?;
                self.close(')')?;
                pieces.push(Piece { kind: PieceKind::Process(Rc::new(body), writes), quoted: false });
            } else if self.extended_glob_ahead() {
                self.extended_glob(&mut pieces)?;
            } else if self.rest().starts_with("\r\n") {
                self.bump();
                break;
            } else {
                self.piece(&mut pieces, false)?;
            }
        }
        if self.at == start {
            return Err(self.fault("a word is missing"));
        }
        Ok(Word { pieces })
    }

    fn close(&mut self, closer: char) -> Parsed<()> {
        if self.peek() == Some(closer) {
            self.bump();
            Ok(())
        } else {
            Err(self.fault("a quote or substitution is not closed"))
        }
    }

    fn extended_glob_ahead(&self) -> bool {
        let rest = self.rest();
        rest.starts_with(['?', '*', '+', '@', '!']) && rest.get(1..).is_some_and(|after| after.starts_with('('))
    }

    /// `@(a|b)` and the like, as an unquoted pattern.
    fn extended_glob(&mut self, pieces: &mut Pieces) -> Parsed<()> {
        let mut level = 0_usize;
        loop {
            match self.peek() {
                None => return Err(self.fault("a pattern is not closed")),
                Some(next) if ends_word(next) => {
                    self.bump();
                    push(pieces, next, false);
                    level = match next {
                        '(' => level + 1,
                        ')' => level - 1,
                        _ => level,
                    };
                    if level == 0 {
                        return Ok(());
                    }
                }
                Some(_) => self.piece(pieces, false)?,
            }
        }
    }

    /// The next part of a word. With `quoted`, as in double quotes; the closing quote is not looked for.
    pub(super) fn piece(&mut self, pieces: &mut Pieces, quoted: bool) -> Parsed<()> {
        match self.bump() {
            Some('\\') => self.escape(pieces, quoted),
            Some('\'') if !quoted => {
                let body = self.until('\'')?;
                pieces.push(Piece::text(body, true));
            }
            Some('"') if !quoted => self.double_quotes(pieces)?,
            Some('$') => self.dollar(pieces, quoted)?,
            Some('`') => self.backquotes(pieces, quoted)?,
            Some(next) => push(pieces, next, quoted),
            None => {}
        }
        Ok(())
    }

    fn escape(&mut self, pieces: &mut Pieces, quoted: bool) {
        match self.peek() {
            Some('\n') => {
                self.bump();
            }
            Some(next) if !quoted || matches!(next, '$' | '`' | '"' | '\\') => {
                self.bump();
                push(pieces, next, true);
            }
            _ => push(pieces, '\\', true),
        }
    }

    /// The text up to a character, which is consumed.
    fn until(&mut self, closer: char) -> Parsed<String> {
        let length = self.rest().find(closer).ok_or_else(|| self.fault("a quote is not closed"))?;
        let body = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length + closer.len_utf8();
        Ok(body)
    }

    fn double_quotes(&mut self, pieces: &mut Pieces) -> Parsed<()> {
        // An empty pair of quotes is a word, too.
        pieces.push(Piece::text("", true));
        self.deeper(|parser| {
            while parser.peek().is_some_and(|next| next != '"') {
                parser.piece(pieces, true)?;
            }
            parser.close('"')
        })
    }

    fn backquotes(&mut self, pieces: &mut Pieces, quoted: bool) -> Parsed<()> {
        let start = self.at;
        let mut body = String::new();
        loop {
            match (self.bump(), self.peek()) {
                (None, _) => return Err(self.fault("a backquote is not closed")),
                (Some('`'), _) => break,
                (Some('\\'), Some(next)) if matches!(next, '`' | '\\' | '$') || (quoted && next == '"') => {
                    self.bump();
                    body.push(next);
                }
                (Some(next), _) => body.push(next),
            }
        }
        let program = self.inner(&body, self.span(start), |parser| {
            let program = parser.list()?;
            parser.ended(program)
        })?;
        pieces.push(Piece { kind: PieceKind::Output(Rc::new(program)), quoted });
        Ok(())
    }

    /// What follows a `$`.
    fn dollar(&mut self, pieces: &mut Pieces, quoted: bool) -> Parsed<()> {
        let kind = match self.peek() {
            Some('(') if self.rest().starts_with("((") && self.arithmetic_ahead() => {
                self.at += 2;
                PieceKind::Arithmetic(self.arithmetic(2)?)
            }
            Some('(') => {
                self.bump();
                let body = self.list()?;
                self.close(')')?;
                PieceKind::Output(Rc::new(body))
            }
            Some('{') => {
                self.bump();
                PieceKind::Parameter(Box::new(self.deeper(|parser| parser.parameter(quoted))?))
            }
            Some('[') => {
                self.bump();
                PieceKind::Arithmetic(self.deeper(|parser| parser.operand(&[']'], true))?)
            }
            Some('\'') if !quoted => {
                self.bump();
                let text = self.ansi_quotes()?;
                pieces.push(Piece::text(text, true));
                return Ok(());
            }
            Some('"') if !quoted => {
                self.bump();
                return self.double_quotes(pieces);
            }
            Some(next) => {
                let length = match self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                    _ if next.is_ascii_digit() || "@*#?-$!".contains(next) => 1,
                    Some(length) => length,
                    None => self.rest().len(),
                };
                let name = self.rest().get(..length).unwrap_or_default().to_owned();
                self.at += length;
                PieceKind::Parameter(Box::new(Parameter { name, ..Parameter::default() }))
            }
            None => PieceKind::Text("$".to_owned()),
        };
        let literal = matches!(&kind, PieceKind::Parameter(parameter) if parameter.name.is_empty());
        pieces.push(if literal { Piece::text("$", quoted) } else { Piece { kind, quoted } });
        Ok(())
    }

    /// The inside of `${…}`, including the closing brace.
    fn parameter(&mut self, quoted: bool) -> Parsed<Parameter> {
        let mut parameter = Parameter::default();
        let rest = self.rest();
        parameter.length = rest.starts_with('#') && !rest.starts_with("#}") && self.eat("#");
        parameter.indirect = rest.starts_with('!') && !rest.starts_with("!}") && self.eat("!");
        let rest = self.rest();
        let named = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        // A special parameter is one character.
        let length = if named == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { named };
        let name = rest.get(..length).filter(|name| *name != "}").unwrap_or_default();
        name.clone_into(&mut parameter.name);
        self.at += name.len();
        if self.eat("[") {
            parameter.index = Some(self.operand(&[']'], quoted)?);
        }
        if let Some(operator) = OPERATORS.into_iter().find(|operator| self.eat(operator)) {
            operator.clone_into(&mut parameter.operator);
            let separator = match operator.chars().next() {
                Some('/') => '/',
                Some(':') if operator.len() == 1 => ':',
                _ => '}',
            };
            // In two parts where the operator has two; the last one ends at the brace.
            let (first, ended) = self.operand_or(separator, quoted)?;
            parameter.operands.push(first);
            if ended {
                return Ok(parameter);
            }
            let second = self.operand(&['}'], quoted)?;
            parameter.operands.push(second);
            return Ok(parameter);
        }
        self.close('}')?;
        Ok(parameter)
    }

    /// Pieces up to a separator or `}`, which is consumed, and whether it was `}`.
    fn operand_or(&mut self, separator: char, quoted: bool) -> Parsed<(Pieces, bool)> {
        let pieces = self.operand(&['}', separator], quoted)?;
        let ended = self.text.get(..self.at).is_some_and(|text| text.ends_with('}'));
        Ok((pieces, ended))
    }

    /// Pieces up to one of these characters, which is consumed.
    fn operand(&mut self, closers: &[char], quoted: bool) -> Parsed<Pieces> {
        let mut pieces = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.fault("an expansion is not closed")),
                Some(next) if closers.contains(&next) => {
                    self.bump();
                    return Ok(pieces);
                }
                Some('"') => {
                    self.bump();
                    self.double_quotes(&mut pieces)?;
                }
                Some(_) => self.piece(&mut pieces, quoted)?,
            }
        }
    }

    /// Whether what begins with `((` here is arithmetic, and not a subshell in a subshell: it closes with `))`.
    pub(super) fn arithmetic_ahead(&self) -> bool {
        let mut level = 0_usize;
        let mut quote = None;
        let mut characters = self.rest().chars().peekable();
        while let Some(next) = characters.next() {
            match (quote, next) {
                (_, '\\') => {
                    characters.next();
                }
                (Some(open), _) if open == next => quote = None,
                (None, '\'' | '"') => quote = Some(next),
                (None, '(') => level += 1,
                (None, ')') => {
                    level -= 1;
                    if level <= 1 {
                        return level == 1 && characters.peek() == Some(&')');
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// The expansions inside arithmetic, up to the closing of so many parentheses.
    pub(super) fn arithmetic(&mut self, open: usize) -> Parsed<Pieces> {
        let (mut pieces, mut level) = (Vec::new(), open);
        while level > 0 {
            match self.peek() {
                None => return Err(self.fault("arithmetic is not closed")),
                Some('(') => level += 1,
                Some(')') => level -= 1,
                Some('"') => {}
                Some(_) => {
                    self.deeper(|parser| parser.piece(&mut pieces, true))?;
                    continue;
                }
            }
            self.bump();
        }
        Ok(pieces)
    }

    /// The text of `$'…'`, whose quote is consumed already.
    fn ansi_quotes(&mut self) -> Parsed<String> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.find(|c| {
            let closes = c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let end = end.ok_or_else(|| self.fault("a quote is not closed"))?;
        self.at += end + 1;
        Ok(unescape(rest.get(..end).unwrap_or_default()))
    }
}

/// Adds a character, to the last piece if that is such a text.
fn push(pieces: &mut Pieces, next: char, quoted: bool) {
    match pieces.last_mut() {
        Some(Piece { kind: PieceKind::Text(text), quoted: same }) if *same == quoted => text.push(next),
        _ => pieces.push(Piece::text(next, quoted)),
    }
}

/// Resolves the escapes of `$'…'`, `printf` and `echo -e`.
pub(super) fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(next) = characters.next() {
        if next != '\\' {
            result.push(next);
            continue;
        }
        let (radix, most) = match characters.peek() {
            Some('x') => (16, 2),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            Some('0'..='7') => (8, if characters.peek() == Some(&'0') { 4 } else { 3 }),
            _ => {
                result.push_str(&simple_escape(characters.next()));
                continue;
            }
        };
        if radix == 16 {
            characters.next();
        }
        let (mut code, mut count) = (0_u32, 0);
        while let Some(digit) = characters.peek().and_then(|c| c.to_digit(radix)).filter(|_| count < most) {
            code = code.saturating_mul(radix).saturating_add(digit);
            count += 1;
            characters.next();
        }
        result.extend(char::from_u32(code));
    }
    result
}

fn simple_escape(letter: Option<char>) -> String {
    match letter {
        Some('n') => "\n".to_owned(),
        Some('t') => "\t".to_owned(),
        Some('r') => "\r".to_owned(),
        Some('a') => "\x07".to_owned(),
        Some('b') => "\x08".to_owned(),
        Some('e' | 'E') => "\x1b".to_owned(),
        Some('f') => "\x0c".to_owned(),
        Some('v') => "\x0b".to_owned(),
        Some(other @ ('\\' | '\'' | '"' | '?')) => other.to_string(),
        Some(other) => format!("\\{other}"),
        None => "\\".to_owned(),
    }
}
