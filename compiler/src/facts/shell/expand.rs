//! Turns words into fields: brace, parameter and command expansion, splitting and patterns, as far as values are known.
//!
//! What is not known becomes a [`HOLE`]. Deliberately absent: file names for patterns (which files there are is not
//! known) and arithmetic (its value is a hole, its substitutions run).

use super::run::Shell;
use super::syntax::{HOLE, Parameter, Piece, PieceKind, Word};
use super::words::unescape;
use regex_lite::{NoExpand, Regex};
use std::rc::Rc;

/// The most fields that the braces of one word may make.
const MAX_ALTERNATIVES: usize = 1024;
/// How deep braces may nest.
const MAX_BRACE_DEPTH: usize = 8;
/// The most pieces that the braces of one word may make.
const MAX_PIECES: usize = 1 << 16;
/// The longest text, in bytes, that a pattern of `${name##pattern}` is tried on.
const MAX_PATTERN_TEXT: usize = 4096;
/// The work that a field counts for, beside its bytes.
pub(super) const FIELD_COST: usize = 16;
/// The names whose values every shell starts with.
const WELL_KNOWN: [(&str, &str); 4] = [("IFS", " \t\n"), ("HOME", "~"), ("SHELL", "/bin/sh"), ("BASH", "/bin/bash")];

/// A word after expansion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Field {
    pub(super) text: String,
    /// Whether it holds `*`, `?` or `[` outside quotes.
    pub(super) pattern: bool,
}

impl Field {
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), pattern: false }
    }
}

/// The fields of a word while it is expanded.
#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    /// Whether the current one holds a quoted list without values, so that it is no field if it stays empty.
    vanishes: bool,
}

impl Fields {
    fn push(&mut self, text: &str, quoted: bool) {
        let current = self.current.get_or_insert_default();
        current.text.push_str(text);
        current.pattern |= !quoted && text.contains(['*', '?', '[']);
    }

    fn next(&mut self) {
        let vanishes = std::mem::take(&mut self.vanishes);
        self.done.extend(self.current.take().filter(|field| !vanishes || !field.text.is_empty()));
    }

    /// Adds an unquoted value, which is split.
    fn split(&mut self, value: &str, separators: &str) {
        let mut parts = value.split(|c| separators.contains(c));
        if let Some(first) = parts.next().filter(|first| !first.is_empty()) {
            self.push(first, false);
        }
        for part in parts {
            self.next();
            if !part.is_empty() {
                self.push(part, false);
            }
        }
    }
}

impl Shell {
    /// The fields that a word becomes; none for an unset variable.
    pub(super) fn fields(&mut self, word: &Word) -> Vec<Field> {
        let mut fields = Fields::default();
        for pieces in expand_braces(&word.pieces) {
            for piece in &pieces {
                if !self.spend(1) {
                    break;
                }
                self.field_piece(piece, &mut fields);
            }
            fields.next();
        }
        fields.done
    }

    fn field_piece(&mut self, piece: &Piece, fields: &mut Fields) {
        if let PieceKind::Text(text) = &piece.kind {
            self.spend(text.len());
            return fields.push(text, piece.quoted);
        }
        let values = match &piece.kind {
            PieceKind::Parameter(parameter) => self.parameter(parameter),
            _ => vec![self.piece_text(piece)],
        };
        fields.vanishes |= values.is_empty();
        let separators = self.first_value("IFS").unwrap_or_default();
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                fields.next();
            }
            if !self.spend(value.len() + FIELD_COST) {
                fields.push(&HOLE.to_string(), true);
                return;
            }
            if piece.quoted {
                fields.push(value, true);
            } else {
                fields.split(value, &separators);
            }
        }
    }

    /// The text of a word that is not split, as in an assignment.
    pub(super) fn text(&mut self, word: &Word) -> String {
        self.pieces_text(&word.pieces)
    }

    /// The text of pieces that are not split.
    pub(super) fn pieces_text(&mut self, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for piece in pieces {
            let part = self.piece_text(piece);
            if !self.spend(part.len()) {
                text.push(HOLE);
                break;
            }
            text.push_str(&part);
        }
        text
    }

    fn piece_text(&mut self, piece: &Piece) -> String {
        match &piece.kind {
            PieceKind::Text(text) => text.clone(),
            PieceKind::Parameter(parameter) => self.parameter(parameter).join(" "),
            PieceKind::Output(program) => {
                let program = Rc::clone(program);
                let output = self.subshell(|shell| shell.program(&program, None));
                output.trim_end_matches('\n').to_owned()
            }
            PieceKind::Process(program, written) => self.process(&Rc::clone(program), *written),
            PieceKind::Arithmetic(pieces) => {
                self.pieces_text(pieces);
                HOLE.to_string()
            }
        }
    }

    fn first_value(&self, name: &str) -> Option<String> {
        let known = self.state.vars.get(name).map(|values| values.first().cloned().unwrap_or_default());
        known.or_else(|| WELL_KNOWN.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    /// The values of a parameter before its operator; `None` where it is unset as far as the text tells.
    fn values(&mut self, parameter: &Parameter) -> Option<Vec<String>> {
        let name = parameter.name.as_str();
        if let Ok(number) = name.parse::<usize>() {
            return Some(self.state.args.get(number).cloned().into_iter().collect());
        }
        let arguments = || self.state.args.iter().skip(1);
        match name {
            "@" | "*" => return Some(arguments().cloned().collect()),
            "#" => return Some(vec![arguments().count().to_string()]),
            "PWD" if !self.state.vars.contains_key("PWD") => return self.state.cwd.clone().map(|cwd| vec![cwd]),
            _ => {}
        }
        let Some(index) = &parameter.index else { return self.first_value(name).map(|value| vec![value]) };
        let index = self.pieces_text(&index.clone());
        let values = self.state.vars.get(name)?;
        match (index.as_str(), index.parse::<usize>()) {
            ("@" | "*", _) => Some(values.clone()),
            (_, Ok(number)) => Some(values.get(number).cloned().into_iter().collect()),
            _ => None,
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Vec<String> {
        let hole = || vec![HOLE.to_string()];
        let mut values = self.values(parameter);
        if parameter.indirect {
            let name = values.and_then(|values| values.into_iter().next()).unwrap_or_default();
            values = self.first_value(&name).map(|value| vec![value]);
        }
        if parameter.length {
            let all = parameter.index.is_some();
            return values.map_or_else(hole, |values| match values.first() {
                Some(first) if !all && first.contains(HOLE) => hole(),
                Some(first) if !all => vec![first.chars().count().to_string()],
                _ => vec![values.len().to_string()],
            });
        }
        let set = values.as_ref().is_some_and(|values| values.iter().any(|value| !value.is_empty()));
        match parameter.operator.as_str() {
            "" | ":?" | "?" => values.unwrap_or_else(hole),
            // Outside the text it may be set, but all that can be told is the default.
            ":-" | "-" | ":=" | "=" if !set => {
                let default = self.pieces_text(parameter.operands.first().map_or(&[], Vec::as_slice));
                if parameter.operator.ends_with('=') {
                    self.assign(&parameter.name, vec![default.clone()]);
                }
                vec![default]
            }
            ":-" | "-" | ":=" | "=" => values.unwrap_or_default(),
            ":+" | "+" if set => vec![self.pieces_text(parameter.operands.first().map_or(&[], Vec::as_slice))],
            ":" if matches!(parameter.name.as_str(), "@" | "*") || parameter.index.is_some() => self.slice(parameter),
            // A home directory's own text is not known, though `~` names it.
            _ if parameter.name == "HOME" => hole(),
            operator => match values {
                Some(values) => values.iter().map(|value| self.operate(operator, value, parameter)).collect(),
                None => hole(),
            },
        }
    }

    /// `${name[@]:offset:length}` and `${@:offset:length}`, where `$0` counts.
    fn slice(&mut self, parameter: &Parameter) -> Vec<String> {
        let mut numbers =
            parameter.operands.iter().map(|operand| self.pieces_text(operand).trim().parse::<usize>().ok());
        let (offset, length) = (numbers.next().flatten(), numbers.next());
        let arguments = || self.state.args.as_ref().clone();
        let values = if parameter.index.is_some() { self.values(parameter) } else { Some(arguments()) };
        match (values, offset, length.unwrap_or(Some(usize::MAX))) {
            (Some(values), Some(offset), Some(length)) => values.into_iter().skip(offset).take(length).collect(),
            _ => vec![HOLE.to_string()],
        }
    }

    /// A value after the operators that compute with it.
    fn operate(&mut self, operator: &str, value: &str, parameter: &Parameter) -> String {
        let first = parameter.operands.first().map_or(&[][..], Vec::as_slice);
        let second = parameter.operands.get(1).map_or(&[][..], Vec::as_slice);
        let hole = HOLE.to_string();
        if value.contains(HOLE) || value.len() > MAX_PATTERN_TEXT || !self.spend(value.len() * 8) {
            return hole;
        }
        let shortest = operator.len() == 1;
        let matched = |pattern: String| Regex::new(&pattern).ok();
        match operator {
            "#" | "##" => {
                let pattern = matched(format!("(?s)^{}", self.pattern(first, shortest)));
                pattern.map_or(hole, |pattern| pattern.replace(value, NoExpand("")).into_owned())
            }
            "%" | "%%" => {
                let before = if shortest { ".*" } else { ".*?" };
                let pattern = matched(format!("(?s)^({before}){}$", self.pattern(first, false)));
                pattern.map_or(hole, |pattern| pattern.replace(value, "$1").into_owned())
            }
            "/" | "//" | "/#" | "/%" => {
                let (start, end) = (if operator == "/#" { "^" } else { "" }, if operator == "/%" { "$" } else { "" });
                let pattern = matched(format!("(?s){start}{}{end}", self.pattern(first, false)));
                let replacement = self.pieces_text(second);
                let most = usize::from(operator != "//");
                pattern.map_or(hole, |pattern| pattern.replacen(value, most, NoExpand(&replacement)).into_owned())
            }
            "^^" | "@" if operator == "^^" || self.pieces_text(first) == "U" => value.to_uppercase(),
            ",," | "@" if operator == ",," || self.pieces_text(first) == "L" => value.to_lowercase(),
            "^" => change_first(value, |c| c.to_uppercase().collect()),
            "," => change_first(value, |c| c.to_lowercase().collect()),
            "@" if matches!(self.pieces_text(first).as_str(), "E" | "P") => unescape(value),
            "@" if self.pieces_text(first) == "Q" => value.to_owned(),
            ":" => {
                let (offset, length) = (self.pieces_text(first), self.pieces_text(second));
                substring(value, offset.trim(), length.trim()).unwrap_or(hole)
            }
            _ => hole,
        }
    }

    /// A shell pattern as a regular expression.
    fn pattern(&mut self, pieces: &[Piece], shortest: bool) -> String {
        let mut pattern = String::from("(?:");
        for piece in pieces {
            let text = self.piece_text(piece);
            if piece.quoted {
                pattern.push_str(&regex_lite::escape(&text));
                continue;
            }
            let set = text.find('[').is_some_and(|start| text.rfind(']').is_some_and(|end| end > start));
            for c in text.chars() {
                match c {
                    '*' => pattern.push_str(if shortest { ".*?" } else { ".*" }),
                    '?' => pattern.push('.'),
                    '[' | ']' if set => pattern.push(c),
                    _ => pattern.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
                }
            }
        }
        pattern.push(')');
        pattern
    }
}

fn change_first(value: &str, change: impl Fn(char) -> String) -> String {
    let mut characters = value.chars();
    characters.next().map_or_else(String::new, |first| change(first) + characters.as_str())
}

/// `${value:offset:length}`, negative numbers counting from the end; `None` where a number is not written out.
fn substring(value: &str, offset: &str, length: &str) -> Option<String> {
    let characters: Vec<char> = value.chars().collect();
    let from = |number: &str, start: usize| -> Option<usize> {
        let number: isize = number.parse().ok()?;
        let base = if number < 0 { characters.len() } else { start };
        Some(base.checked_add_signed(number)?.min(characters.len()))
    };
    let start = from(offset, 0)?;
    let end = if length.is_empty() { characters.len() } else { from(length, start)? };
    Some(characters.get(start..end).unwrap_or_default().iter().collect())
}

/// Brace expansion, before every other one.
fn expand_braces(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let open = |piece: &Piece| matches!(&piece.kind, PieceKind::Text(text) if !piece.quoted && text.contains('{'));
    if !pieces.iter().any(open) {
        return vec![pieces.to_vec()];
    }
    let mut atoms = Vec::new();
    for piece in pieces {
        match &piece.kind {
            PieceKind::Text(text) if !piece.quoted => atoms.extend(text.chars().map(|c| Piece::text(c, false))),
            _ => atoms.push(piece.clone()),
        }
    }
    alternatives(&atoms, 0)
}

/// An unquoted character.
fn character(atom: &Piece) -> Option<char> {
    match &atom.kind {
        PieceKind::Text(text) if !atom.quoted => text.chars().next(),
        _ => None,
    }
}

fn alternatives(atoms: &[Piece], depth: usize) -> Vec<Vec<Piece>> {
    let closing = closing_braces(atoms);
    let mut results = vec![Vec::new()];
    let (mut at, mut made) = (0, 0);
    while let Some(atom) = atoms.get(at) {
        let close = closing.get(at).copied().flatten();
        let group = close.and_then(|close| brace_group(atoms.get(at + 1..close)?, depth));
        if let (Some(close), Some(group)) = (close, group) {
            let pairs = results.iter().flat_map(|head| group.iter().map(move |tail| (head, tail)));
            let mut next = Vec::new();
            for (head, tail) in pairs.take(MAX_ALTERNATIVES) {
                made += head.len() + tail.len();
                if made > MAX_PIECES {
                    break;
                }
                next.push([head.as_slice(), tail.as_slice()].concat());
            }
            results = next;
            at = close + 1;
        } else {
            made += results.len();
            for result in &mut results {
                result.push(atom.clone());
            }
            at += 1;
        }
        if made > MAX_PIECES {
            results.push(vec![Piece::text(HOLE, true)]);
            break;
        }
    }
    results
}

/// For each place, where the brace that opens there closes; those nested too deeply are left alone, which keeps the sum of
/// what stands between braces linear.
fn closing_braces(atoms: &[Piece]) -> Vec<Option<usize>> {
    let mut closing = vec![None; atoms.len()];
    let mut open = Vec::new();
    for (at, atom) in atoms.iter().enumerate() {
        match character(atom) {
            Some('{') => open.push(at),
            Some('}') => {
                let start = open.pop().filter(|_| open.len() < MAX_BRACE_DEPTH);
                if let Some(slot) = start.and_then(|start| closing.get_mut(start)) {
                    *slot = Some(at);
                }
            }
            _ => {}
        }
    }
    closing
}

/// What stands between braces: a list or a sequence; `None` for neither.
fn brace_group(inside: &[Piece], depth: usize) -> Option<Vec<Vec<Piece>>> {
    if depth >= MAX_BRACE_DEPTH {
        return None;
    }
    let mut level = 0_usize;
    let parts: Vec<&[Piece]> = inside
        .split(|atom| {
            match character(atom) {
                Some('{') => level += 1,
                Some('}') => level = level.saturating_sub(1),
                Some(',') => return level == 0,
                _ => {}
            }
            false
        })
        .collect();
    if parts.len() > 1 {
        return Some(parts.into_iter().flat_map(|part| alternatives(part, depth + 1)).take(MAX_ALTERNATIVES).collect());
    }
    let text: String = inside.iter().map(character).collect::<Option<_>>()?;
    let members = sequence(&text)?;
    Some(members.into_iter().map(|member| vec![Piece::text(member, false)]).collect())
}

/// `1..5`, `a..e` and `1..9..2`.
fn sequence(text: &str) -> Option<Vec<String>> {
    let mut parts = text.split("..");
    let (first, last, step) = (parts.next()?, parts.next()?, parts.next().unwrap_or("1"));
    let step = step.parse::<i64>().ok()?.unsigned_abs().max(1);
    let letter = |text: &str| Some(i64::from(u32::from(text.chars().next().filter(|_| text.len() == 1)?)));
    let (numbers, first, last) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(first), Ok(last)) => (true, first, last),
        _ => (false, letter(first)?, letter(last)?),
    };
    let count = first.abs_diff(last) / step;
    let members = (0..=count).take(MAX_ALTERNATIVES).filter_map(|number| {
        let distance = i64::try_from(number.checked_mul(step)?).ok()?;
        let member = if first <= last { first.checked_add(distance) } else { first.checked_sub(distance) }?;
        if numbers { Some(member.to_string()) } else { char::from_u32(u32::try_from(member).ok()?).map(String::from) }
    });
    Some(members.collect())
}
