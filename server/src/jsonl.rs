//! Files of JSON lines that only grow.
//!
//! INVARIANT: a line is whole or it is not there. A crash can tear the last line; the next append cuts it off and says so.
//! Appending is for those who hold the folder's lock; reading needs none, since a line that is still being written
//! counts as not there yet.

use rules::{Code, Diagnostic, Severity, Span};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::Path;

/// The longest line that is read, in bytes; longer ones are passed over.
const MOST_BYTES: u64 = 64 << 20;

/// The values of a file, one a line; what is not one is told, and the rest is read.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    input: Option<BufReader<File>>,
    name: String,
    number: usize,
    values: PhantomData<fn() -> T>,
}

impl<T> Lines<T> {
    /// The lines of a file, which need not exist; `name` is what diagnostics call it.
    pub(crate) fn of(path: &Path, name: String) -> io::Result<Self> {
        let input = match File::open(path) {
            Ok(file) => Some(BufReader::with_capacity(1 << 16, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { input, name, number: 0, values: PhantomData })
    }

    fn fault(&self, code: Code, message: impl Into<String>, line: &[u8]) -> Diagnostic {
        let text = String::from_utf8_lossy(line.get(..line.len().min(400)).unwrap_or_default());
        Diagnostic::of(code, message).at(Span::on(&self.name, self.number, 1, line.len(), &text))
    }
}

impl<T: DeserializeOwned> Iterator for Lines<T> {
    type Item = io::Result<Result<T, Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        let input = self.input.as_mut()?;
        let mut line = Vec::new();
        match input.take(MOST_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => self.number += 1,
            Err(error) => {
                self.input = None;
                return Some(Err(error));
            }
        }
        let ended = line.last() == Some(&b'\n');
        if !ended && line.len() as u64 == MOST_BYTES {
            return Some(match input.skip_until(b'\n') {
                Ok(_) => Ok(Err(self.fault(Code::LineTooLong, "this line is longer than 64 MiB", &line))),
                Err(error) => Err(error),
            });
        }
        match serde_json::from_slice(&line) {
            Ok(value) => Some(Ok(Ok(value))),
            Err(error) if ended => Some(Ok(Err(self.fault(Code::NotJson, error.to_string(), &line)))),
            Err(_) => None,
        }
    }
}

/// A file that is open at its end.
#[derive(Debug)]
pub(crate) struct Appender(BufWriter<File>);

impl Appender {
    /// Opens a file for appending, mended where a crash has torn it.
    pub(crate) fn open(path: &Path, name: &str) -> io::Result<(Self, Option<Diagnostic>)> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let tail = tail(&mut file, length)?;
        let kept = length - tail.len() as u64;
        let mut torn = None;
        if !tail.is_empty() && serde_json::from_slice::<IgnoredAny>(&tail).is_err() {
            file.set_len(kept)?;
            torn = Some(cut(path, name, &tail)?);
        }
        file.seek(SeekFrom::End(0))?;
        if !tail.is_empty() && torn.is_none() {
            file.write_all(b"\n")?;
        }
        Ok((Self(BufWriter::new(file)), torn))
    }

    /// The last line of the file.
    pub(crate) fn last<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let file = self.0.get_mut();
        let length = file.seek(SeekFrom::End(0))?;
        let line = tail(file, length.saturating_sub(1))?;
        file.seek(SeekFrom::End(0))?;
        Ok(serde_json::from_slice(&line).ok())
    }

    /// Appends a value.
    pub(crate) fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    /// Brings what was appended to the disk.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_data()
    }
}

/// The bytes before a place that follow the last line feed before it.
fn tail(file: &mut File, end: u64) -> io::Result<Vec<u8>> {
    let (mut start, mut step) = (end, 1 << 12);
    while start > 0 {
        let next = start.saturating_sub(step);
        file.seek(SeekFrom::Start(next))?;
        let mut bytes = Vec::new();
        file.take(start - next).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            start = next + at as u64 + 1;
            break;
        }
        (start, step) = (next, step * 2);
    }
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What was cut off.
fn cut(path: &Path, name: &str, tail: &[u8]) -> io::Result<Diagnostic> {
    let mut lines = Lines::<IgnoredAny>::of(path, name.to_owned())?;
    lines.number = lines.by_ref().count() + 1;
    let fault = lines.fault(Code::NotJson, "a crash had torn the last line, which was cut off", tail);
    Ok(Diagnostic { severity: Severity::Warning, ..fault.help("nothing to do; all other lines are whole") })
}
