//! Reads a text line by line in bounded memory: what is longer than the limit is passed over, and said so.

use rules::{Code, Diagnostic};
use std::io::{self, BufRead};

/// One line of an input.
#[derive(Debug)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// How many bytes of the input end with it.
    pub end: u64,
    bytes: Vec<u8>,
    /// The limit that it is longer than.
    over: Option<usize>,
}

impl Line {
    /// Its text, without the line feed.
    ///
    /// # Errors
    /// What is wrong with it: it is too long, or not UTF-8.
    pub fn text(&self) -> Result<&str, Diagnostic> {
        if let Some(max) = self.over {
            return Err(Diagnostic::of(Code::LineTooLong, format!("this line is longer than {} MiB", max >> 20)));
        }
        std::str::from_utf8(&self.bytes).map_err(|_| Diagnostic::of(Code::NotUtf8, "this line is not UTF-8"))
    }
}

/// The lines of an input, of which each may be `max` bytes long.
pub fn bounded(mut input: impl BufRead, max: usize) -> impl Iterator<Item = io::Result<Line>> {
    let (mut number, mut end) = (0, 0);
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        let mut is_cut = false;
        let start = end;
        loop {
            let chunk = match input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(Err(error)),
            };
            if chunk.is_empty() {
                break;
            }
            let found = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..found.unwrap_or(chunk.len())).unwrap_or_default();
            is_cut |= bytes.len() + part.len() > max;
            if is_cut {
                bytes.clear();
            } else {
                bytes.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(found.is_some());
            end += taken as u64;
            input.consume(taken);
            if found.is_some() {
                break;
            }
        }
        if end == start {
            return None;
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        number += 1;
        Some(Ok(Line { number, end, bytes, over: is_cut.then_some(max) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_broken_lines_are_told_and_the_others_read() {
        let input = b"one\r\n0123456789\n\xff\n\nlast".as_slice();
        let lines: Vec<Line> = bounded(io::BufReader::with_capacity(3, input), 8).map(Result::unwrap).collect();
        let texts: Vec<_> = lines.iter().map(|line| (line.number, line.text().map_err(|wrong| wrong.code))).collect();
        let expected =
            [(1, Ok("one")), (2, Err(Code::LineTooLong)), (3, Err(Code::NotUtf8)), (4, Ok("")), (5, Ok("last"))];
        assert_eq!(texts, expected);
        assert_eq!(lines.last().unwrap().end, input.len() as u64);
    }
}
