//! JSON settings as text: additions that leave every byte of the rest as it is, comments and all.
//!
//! Reads JSON with comments and trailing commas, as hosts do, into places of the text. Total: what is no such JSON is
//! nothing, and is not edited.

use serde_json::Value;
use std::ops::Range;

/// A value, as a place of the text.
#[derive(Debug)]
struct Node {
    range: Range<usize>,
    items: Items,
}

#[derive(Debug)]
enum Items {
    /// Members: name, where the name begins, value.
    Object(Vec<(String, usize, Node)>),
    Array(Vec<Node>),
    Plain,
}

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// The text with an element at the end of a list, which is made where it is not there; nothing where that is impossible.
pub(super) fn with_element(text: &str, path: &[&str], element: &Value) -> Option<String> {
    let root = parse(text)?;
    let mut node = &root;
    for (depth, name) in path.iter().enumerate() {
        let Items::Object(members) = &node.items else { return None };
        if let Some((_, _, inner)) = members.iter().find(|(own, ..)| own == name) {
            node = inner;
            continue;
        }
        let missing = path.get(depth + 1..)?;
        let list = Value::Array(vec![element.clone()]);
        let value = missing.iter().rev().fold(list, |value, name| serde_json::json!({ *name: value }));
        return Some(inserted(text, node, depth, Some(name), &value));
    }
    matches!(node.items, Items::Array(_)).then(|| inserted(text, node, path.len(), None, element))
}

/// The text with a member at its outermost level, if there is none of that name.
pub(super) fn with_member(text: &str, name: &str, value: &Value) -> Option<String> {
    let root = parse(text)?;
    let Items::Object(members) = &root.items else { return None };
    let known = members.iter().any(|(own, ..)| own == name);
    Some(if known { text.to_owned() } else { inserted(text, &root, 0, Some(name), value) })
}

/// Whether a list holds an element that says the same.
pub(super) fn has_element(text: &str, path: &[&str], element: &Value) -> bool {
    elements(text, path).contains(element)
}

/// The elements of a list, but those that hold a comment.
pub(super) fn elements(text: &str, path: &[&str]) -> Vec<Value> {
    let Some(Items::Array(elements)) = within(text, path).map(|node| node.items) else { return Vec::new() };
    elements.iter().filter_map(|node| value(text, node)).collect()
}

/// The value that a path of members leads to.
pub(super) fn member(text: &str, path: &[&str]) -> Option<Value> {
    value(text, &within(text, path)?)
}

fn within(text: &str, path: &[&str]) -> Option<Node> {
    path.iter().try_fold(parse(text)?, |node, name| {
        let Items::Object(members) = node.items else { return None };
        members.into_iter().find(|(own, ..)| own == name).map(|(.., inner)| inner)
    })
}

fn value(text: &str, node: &Node) -> Option<Value> {
    serde_json::from_str(text.get(node.range.clone())?).ok()
}

/// The text without the elements of the lists under a member that are ours, and without the lists that are empty then.
pub(super) fn without_elements(text: &str, member: &str, is_ours: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut text = text.to_owned();
    loop {
        let root = parse(&text)?;
        let Some(own) = first_of_ours(&text, &root, member, is_ours) else { return Some(text) };
        text = removed(&text, &own);
    }
}

/// An item that is to be taken out, and where the one before it ends.
struct Item {
    range: Range<usize>,
    before: Option<usize>,
}

/// What is to be taken out next: an element, or the list or the member that holds nothing else.
fn first_of_ours(text: &str, root: &Node, member: &str, is_ours: &dyn Fn(&str) -> bool) -> Option<Item> {
    let Items::Object(members) = &root.items else { return None };
    let (.., holder) = members.iter().find(|(name, ..)| name == member)?;
    let Items::Object(lists) = &holder.items else { return None };
    for (name, _, list) in lists {
        let Items::Array(elements) = &list.items else { continue };
        let ours = |element: &Node| text.get(element.range.clone()).is_some_and(is_ours);
        let Some(at) = elements.iter().position(ours) else { continue };
        let spans = |members: &[(String, usize, Node)]| -> Vec<Range<usize>> {
            members.iter().map(|(_, start, node)| *start..node.range.end).collect()
        };
        let (items, at) = match (elements.len(), lists.len()) {
            (1, 1) => (spans(members), members.iter().position(|(name, ..)| name == member)?),
            (1, _) => (spans(lists), lists.iter().position(|(own, ..)| own == name)?),
            _ => (elements.iter().map(|element| element.range.clone()).collect(), at),
        };
        let before = at.checked_sub(1).and_then(|before| items.get(before)).map(|before| before.end);
        return Some(Item { range: items.get(at)?.clone(), before });
    }
    None
}

/// The text without an item and one comma; comments around it stay.
fn removed(text: &str, own: &Item) -> String {
    let comma = |from: usize| {
        let mut reader = Reader { bytes: text.as_bytes(), at: from };
        (reader.blank().is_some() && reader.peek() == Some(b',')).then_some(reader.at)
    };
    let Range { start, end } = own.range.clone();
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let (head, tail) = match (comma(end), own.before.and_then(comma)) {
        (Some(behind), _) => (part(0..start).to_owned(), part(end..behind).to_owned() + part(behind + 1..text.len())),
        (None, Some(before)) => {
            (part(0..before).to_owned() + part(before + 1..start), part(end..text.len()).to_owned())
        }
        (None, None) => (part(0..start).to_owned(), part(end..text.len()).to_owned()),
    };
    let line = tail.starts_with(['\n', '\r']);
    let head = if line { head.trim_end() } else { head.trim_end_matches([' ', '\t']) };
    format!("{head}{tail}")
}

/// The text with a new last item in an object or a list.
fn inserted(text: &str, holder: &Node, depth: usize, name: Option<&str>, value: &Value) -> String {
    let last = match &holder.items {
        Items::Object(members) => members.last().map(|(_, start, node)| *start..node.range.end),
        Items::Array(elements) => elements.last().map(|node| node.range.clone()),
        Items::Plain => None,
    };
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let unit = unit(text);
    let inside = text.get(holder.range.clone()).unwrap_or_default();
    let own_line = last.as_ref().map(|last| indentation(text, last.start));
    let spread = inside.contains('\n') || last.is_none();
    let indent = own_line.filter(|_| spread).unwrap_or_else(|| unit.repeat(depth + 1));
    let shown = spelled(name, value, spread.then_some((unit.as_str(), indent.as_str(), line_end)));
    let (at, new) = match last {
        Some(last) if spread => (last.end, format!(",{line_end}{indent}{shown}")),
        Some(last) => (last.end, format!(", {shown}")),
        None => {
            let outer = unit.repeat(depth);
            (holder.range.start + 1, format!("{line_end}{indent}{shown}{line_end}{outer}"))
        }
    };
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
    // What is blank in an empty object or list is in the way of the closing bracket.
    let tail = if last_is_none(holder) { tail.trim_start() } else { tail };
    format!("{head}{new}{tail}")
}

fn last_is_none(holder: &Node) -> bool {
    match &holder.items {
        Items::Object(members) => members.is_empty(),
        Items::Array(elements) => elements.is_empty(),
        Items::Plain => false,
    }
}

/// A value in the layout of its surroundings: unit, indentation and line end; without one, on one line.
fn spelled(name: Option<&str>, value: &Value, layout: Option<(&str, &str, &str)>) -> String {
    let text = match layout {
        None => value.to_string(),
        Some((unit, indent, line_end)) => {
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            let lines = pretty.lines().map(|line| {
                let level = (line.len() - line.trim_start().len()) / 2;
                format!("{}{}", unit.repeat(level), line.trim_start())
            });
            lines.collect::<Vec<_>>().join(&format!("{line_end}{indent}"))
        }
    };
    name.map_or_else(|| text.clone(), |name| format!("{}: {text}", Value::from(name)))
}

/// One step of indentation as the text has it.
fn unit(text: &str) -> String {
    let indented = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    let unit = indented.map(|line| line.get(..line.len() - line.trim_start().len()).unwrap_or_default());
    unit.unwrap_or("  ").to_owned()
}

/// The indentation of the line that a place is in.
fn indentation(text: &str, at: usize) -> String {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

fn parse(text: &str) -> Option<Node> {
    let mut reader = Reader { bytes: text.as_bytes(), at: usize::from(text.starts_with('\u{feff}')) * 3 };
    let node = reader.value(0)?;
    reader.blank()?;
    (reader.at == text.len()).then_some(node)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Passes blanks and comments over.
    fn blank(&mut self) -> Option<()> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            if rest.starts_with(b"//") {
                self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                self.at += rest.windows(2).skip(2).position(|pair| pair == b"*/")? + 4;
            } else if rest.first().is_some_and(u8::is_ascii_whitespace) {
                self.at += 1;
            } else {
                return Some(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.blank()?;
        let start = self.at;
        let items = match self.peek()? {
            _ if depth > MAX_DEPTH => return None,
            b'{' => Items::Object(self.object(depth)?),
            b'[' => Items::Array(self.array(depth)?),
            b'"' => {
                self.string()?;
                Items::Plain
            }
            _ => {
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                self.at += self.bytes.get(start..)?.iter().take_while(|byte| word(byte)).count();
                Items::Plain
            }
        };
        (self.at > start).then_some(Node { range: start..self.at, items })
    }

    fn object(&mut self, depth: usize) -> Option<Vec<(String, usize, Node)>> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.blank()?;
            if self.takes(b'}') {
                return Some(members);
            }
            let start = self.at;
            let name = self.string()?;
            self.blank()?;
            if !self.takes(b':') {
                return None;
            }
            members.push((name, start, self.value(depth + 1)?));
            self.blank()?;
            if !self.takes(b',') && self.peek() != Some(b'}') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.blank()?;
            if self.takes(b']') {
                return Some(elements);
            }
            elements.push(self.value(depth + 1)?);
            self.blank()?;
            if !self.takes(b',') && self.peek() != Some(b']') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        if !self.takes(b'"') {
            return None;
        }
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_slice(self.bytes.get(start..self.at)?).ok()
    }
}
