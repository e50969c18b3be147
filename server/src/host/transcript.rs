//! The agent's last words, from the end of a transcript: for hosts that name its file where they do not say the words.
//!
//! INVARIANTS: at most [`TAIL_BYTES`] are read, however long the file is; words from before the user's last are not taken.
//! Total: a file that is missing, torn or of another form holds no words.

use serde_json::Value;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How much of a transcript's end is read, in bytes.
const TAIL_BYTES: u64 = 256 << 10;
/// How long to wait before a file that is not complete yet is read again.
const PAUSE: Duration = Duration::from_millis(5);

/// How a transcript of one JSON object a line tells who speaks.
#[derive(Debug)]
pub struct Transcript {
    /// Where the kind of a line stands.
    pub kind: &'static str,
    /// The kind of a line that holds words of the agent.
    pub agent: &'static str,
    /// The kind of a line that holds words of the user.
    pub user: &'static str,
    /// Where the agent's words stand.
    pub words: &'static str,
    /// Where a line stands that was written as we were called: what it says is in the payload, too.
    pub call: &'static str,
    /// Where that is in the payload.
    pub stamp: &'static str,
}

impl Transcript {
    /// What the agent has said last since the user spoke; nothing where that cannot be told. The file is written late: it is
    /// waited for until it tells of this call, but no longer than `patience`.
    pub fn last_words(&self, path: &Path, stamp: &Value, patience: Duration) -> Option<String> {
        let start = Instant::now();
        loop {
            let tail = match tail(path) {
                // A session that has just begun may have no file yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                other => other.ok()?,
            };
            let mut lines = tail.rsplit('\n').filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if lines.any(|line| line.pointer(self.call) == Some(stamp)) {
                return self.in_lines(lines);
            }
            if start.elapsed() >= patience {
                return None;
            }
            thread::sleep(PAUSE);
        }
    }

    /// The last words in lines that come last first.
    fn in_lines(&self, lines: impl Iterator<Item = Value>) -> Option<String> {
        for line in lines {
            match text(&line, self.kind) {
                Some(kind) if kind == self.user => return None,
                Some(kind) if kind == self.agent => {
                    // A message that only calls tools is empty.
                    if let Some(words) = text(&line, self.words).filter(|words| !words.trim().is_empty()) {
                        return Some(words.to_owned());
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn text<'v>(line: &'v Value, pointer: &str) -> Option<&'v str> {
    line.pointer(pointer)?.as_str()
}

/// The end of a file; its first line may be torn.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.seek(SeekFrom::Start(about.len().saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::TAIL_BYTES;
    use crate::host::copilot::TRANSCRIPT as COPILOT;
    use serde_json::json;
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};
    use std::time::Duration;
    use tempfile::{NamedTempFile, TempDir};

    fn says(kind: &str, words: &str) -> String {
        json!({ "type": kind, "data": { "content": words } }).to_string() + "\n"
    }

    fn called(stamp: u64) -> String {
        json!({ "type": "hook.start", "data": { "input": { "timestamp": stamp } } }).to_string() + "\n"
    }

    /// The last words at a call that is stamped with 2, in a file as it is.
    fn last_words(lines: &[&str]) -> Option<String> {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(lines.concat().as_bytes()).unwrap();
        COPILOT.last_words(file.path(), &json!(2), Duration::ZERO)
    }

    #[test]
    fn the_last_words_since_the_user_spoke_are_taken() {
        let user = says("user.message", "do it");
        let (first, last, call) =
            (says("assistant.message", "first"), says("assistant.message", "last"), says("assistant.message", ""));
        assert_eq!(last_words(&[&user, &first, &last, &call, &called(2)]).as_deref(), Some("last"));
        assert_eq!(last_words(&[&last, &user, &call, &called(2)]), None, "these belong to an earlier turn");
        assert_eq!(last_words(&[&user, &last, &called(1)]), None, "the rest is not written yet");
        assert_eq!(last_words(&[]), None);
        assert_eq!(last_words(&["{\"type\": torn\n", &called(2)]), None);
        assert_eq!(COPILOT.last_words("/nowhere".as_ref(), &json!(2), Duration::ZERO), None);
        assert_eq!(COPILOT.last_words("/".as_ref(), &json!(2), Duration::MAX), None, "nothing to wait for");
    }

    #[test]
    fn what_is_not_written_yet_is_waited_for() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("events.jsonl");
        std::thread::scope(|scope| {
            let read = scope.spawn(|| COPILOT.last_words(&path, &json!(2), Duration::MAX));
            let mut file = File::create(&path).unwrap();
            for line in [says("assistant.message", "before"), called(1), says("assistant.message", "last"), called(2)] {
                file.write_all(line.as_bytes()).unwrap();
            }
            assert_eq!(read.join().unwrap().as_deref(), Some("last"));
        });
    }

    #[test]
    fn only_the_end_of_a_long_transcript_is_read() {
        // Nothing is read of a hole, which makes the file as long as any.
        let file = NamedTempFile::new().unwrap();
        let mut end = file.as_file();
        end.set_len(50 << 20).unwrap();
        end.seek(SeekFrom::End(0)).unwrap();
        end.write_all(("\n".to_owned() + &says("assistant.message", "last") + &called(2)).as_bytes()).unwrap();
        assert_eq!(COPILOT.last_words(file.path(), &json!(2), Duration::ZERO).as_deref(), Some("last"));
        let tail = usize::try_from(TAIL_BYTES).unwrap();
        let beyond = "x".repeat(tail) + "\n";
        assert_eq!(last_words(&[&says("assistant.message", "first"), &beyond, &called(2)]), None);
        // A tail that begins within a letter is read all the same.
        let torn = "ü".repeat(tail) + "\n";
        assert_eq!(last_words(&[&torn, &says("assistant.message", "last"), &called(2)]).as_deref(), Some("last"));
    }
}
