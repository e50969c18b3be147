//! Learning from feedback on what was recalled: a log for each tenant, beside the store, and what the log teaches.
//!
//! The log holds what was known and done, as numbers and names of records: no text. One tenant's feedback changes nothing for
//! another.
//!
//! INVARIANT: what is known is what the log says, line by line from its beginning, whichever process wrote a line; whoever
//! writes holds the folder's lock. A line that a crash has torn is passed over.

use memory::{RecordId, Tenant};
use parking_lot::Mutex;
use router::online::{Bandit, Draw, Standing, Trial, reward};
use router::recall::Reply;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// How many trials of a tenant wait for feedback at most; the oldest are forgotten.
const MOST_WAITING: usize = 10_000;
/// The longest log, in bytes: of a longer one the older half is forgotten.
const MOST_BYTES: u64 = 256 << 20;

/// Names a recall that feedback can be given on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TrialId(#[schemars(with = "RecordId")] Uuid);

/// What became of the items of a context: the records that were used for the answer, cited in it, or of no use. Of others
/// nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Feedback {
    /// Used for the answer.
    pub used: BTreeSet<RecordId>,
    /// Cited in the answer.
    pub cited: BTreeSet<RecordId>,
    /// Of no use.
    pub useless: BTreeSet<RecordId>,
}

/// What feedback came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Learnt {
    /// What the context was worth, from 0 to 1.
    pub reward: f64,
    /// How many recalls had feedback by now.
    pub trials: u64,
    /// Whether recall does by now what feedback speaks for, where that is not what it does usually.
    pub is_adopted: bool,
}

/// Why nothing is learnt from feedback.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// It is not turned on.
    #[error(
        "nothing is learnt from feedback here: `online = true` in the section `[router]` of the configuration turns it on"
    )]
    Off,
    /// Nothing was recalled by that name, or it is too long ago, or it had its feedback.
    #[error("no recall of this name waits for feedback: it is given once, and on the last {MOST_WAITING} recalls")]
    Unknown,
    /// A record was not in the context.
    #[error("the record `{0}` was not in the context that was recalled")]
    NotShown(RecordId),
    /// Nothing is said.
    #[error("name at least one record of the context as `used`, `cited` or `useless`")]
    Nothing,
    /// The log can't be read or written.
    #[error("the log of feedback cannot be kept in `{folder}`: {source}")]
    Log {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A line of a log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    /// Something was recalled.
    Trial(TrialId, Noted),
    /// It was worth this much.
    Reward(TrialId, f64, Feedback),
}

/// A trial that waits for feedback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Noted {
    #[serde(flatten)]
    trial: Trial,
    /// The items of the context, with their tokens.
    items: BTreeMap<RecordId, u64>,
    /// The share of the time or the money that was spent, whichever is larger.
    spent: f64,
}

/// The logs of all tenants.
#[derive(Debug)]
pub struct Learning {
    folder: PathBuf,
    explore: f64,
    of: Mutex<BTreeMap<Tenant, Arc<Mutex<Log>>>>,
}

impl Learning {
    /// Learning in a folder, which is made when there is something to note. Another way than the usual one is tried with a
    /// probability of `explore`, at most a half.
    pub fn new(folder: PathBuf, explore: f64) -> Learning {
        Learning { folder, explore, of: Mutex::default() }
    }

    /// What recall chooses by.
    ///
    /// # Errors
    /// [`FeedbackError::Log`], also where the system gives no random numbers.
    pub fn draw(&self, tenant: &Tenant) -> Result<Draw, FeedbackError> {
        let log = self.log(tenant);
        let mut log = log.lock();
        log.catch_up().map_err(|source| self.failed(source))?;
        let random = getrandom::u64().map_err(|error| self.failed(io::Error::other(error.to_string())))?;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
        Ok(Draw { bandit: log.bandit.clone(), share })
    }

    /// Notes a reply, so that feedback on it can be given; nothing where there was nothing to choose.
    ///
    /// # Errors
    /// [`FeedbackError::Log`].
    pub fn note(&self, tenant: &Tenant, reply: &Reply, spent: f64) -> Result<Option<TrialId>, FeedbackError> {
        let Some(trial) = reply.trial.clone() else { return Ok(None) };
        let items = reply.items.iter().map(|item| (item.hit.stored.record.id, item.tokens)).collect();
        let id = TrialId(Uuid::now_v7());
        let entry = Entry::Trial(id, Noted { trial, items, spent });
        self.log(tenant).lock().append(&entry).map_err(|source| self.failed(source))?;
        Ok(Some(id))
    }

    /// Learns from feedback.
    ///
    /// # Errors
    /// [`FeedbackError`]; nothing is learnt then.
    pub fn learn(&self, tenant: &Tenant, id: TrialId, feedback: &Feedback) -> Result<Learnt, FeedbackError> {
        let log = self.log(tenant);
        let mut log = log.lock();
        let _lock = log.alone().map_err(|source| self.failed(source))?;
        log.catch_up().map_err(|source| self.failed(source))?;
        let Noted { items, spent, .. } = log.waiting.get(&id).ok_or(FeedbackError::Unknown)?;
        let Feedback { used, cited, useless } = feedback;
        let mut named = used.iter().chain(cited).chain(useless);
        if let Some(other) = named.clone().find(|id| !items.contains_key(id)) {
            return Err(FeedbackError::NotShown(*other));
        }
        // An empty context has nothing to name: that it was of no use is said by saying nothing.
        if named.next().is_none() && !items.is_empty() {
            return Err(FeedbackError::Nothing);
        }
        let tokens =
            |of: &dyn Fn(&RecordId) -> bool| items.iter().filter(|(id, _)| of(id)).map(|(_, tokens)| tokens).sum();
        let is_of_use = |id: &RecordId| used.contains(id) || cited.contains(id);
        let reward = reward(tokens(&is_of_use), tokens(&|id| !is_of_use(id) && useless.contains(id)), *spent);
        let entry = Entry::Reward(id, reward, feedback.clone());
        log.write(&entry).and_then(|()| log.catch_up()).map_err(|source| self.failed(source))?;
        let Standing { trials, is_adopted, .. } = log.bandit.standing();
        Ok(Learnt { reward, trials, is_adopted })
    }

    /// What was learnt so far.
    ///
    /// # Errors
    /// [`FeedbackError::Log`].
    pub fn standing(&self, tenant: &Tenant) -> Result<Standing, FeedbackError> {
        let log = self.log(tenant);
        let mut log = log.lock();
        log.catch_up().map_err(|source| self.failed(source))?;
        Ok(log.bandit.standing())
    }

    fn log(&self, tenant: &Tenant) -> Arc<Mutex<Log>> {
        let path = || self.folder.join(format!("{}.jsonl", tenant.name()));
        let new = || Arc::new(Mutex::new(Log::new(path(), self.explore)));
        self.of.lock().entry(tenant.clone()).or_insert_with(new).clone()
    }

    fn failed(&self, source: io::Error) -> FeedbackError {
        FeedbackError::Log { folder: self.folder.clone(), source }
    }
}

/// One tenant's log, as far as it was read.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    explore: f64,
    bandit: Arc<Bandit>,
    waiting: BTreeMap<TrialId, Noted>,
    /// How many bytes of the file were read.
    read: u64,
}

impl Log {
    fn new(path: PathBuf, explore: f64) -> Log {
        Log { path, explore, bandit: Arc::new(Bandit::new(explore)), waiting: BTreeMap::new(), read: 0 }
    }

    /// Reads what was written since, also by others.
    fn catch_up(&mut self) -> io::Result<()> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let length = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|about| about.len()))?;
        if length < self.read {
            // Somebody has made it shorter: it is another log now.
            *self = Log::new(std::mem::take(&mut self.path), self.explore);
        }
        let Some(mut file) = file.filter(|_| length > self.read) else { return Ok(()) };
        file.seek(SeekFrom::Start(self.read))?;
        let mut lines = BufReader::new(file.take(length - self.read));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 && line.last() == Some(&b'\n') {
            self.read += u64::try_from(line.len()).unwrap_or_default();
            if let Ok(entry) = serde_json::from_slice(&line) {
                self.apply(entry);
            }
            line.clear();
        }
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Trial(id, noted) => {
                self.waiting.insert(id, noted);
                if self.waiting.len() > MOST_WAITING {
                    self.waiting.pop_first();
                }
            }
            Entry::Reward(id, reward, _) => {
                if let Some(noted) = self.waiting.remove(&id) {
                    Arc::make_mut(&mut self.bandit).learn(&noted.trial, reward);
                }
            }
        }
    }

    /// The lock of the folder; the folder is made.
    fn alone(&self) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn append(&self, entry: &Entry) -> io::Result<()> {
        let _lock = self.alone()?;
        self.write(entry)
    }

    /// Writes a line, by who holds the lock.
    fn write(&self, entry: &Entry) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|about| about.len() > MOST_BYTES) {
            self.forget_the_older_half()?;
        }
        let mut file = File::options().create(true).read(true).append(true).open(&self.path)?;
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        // What a crash has torn is a line of its own, which nobody can read.
        let mut line = if last == [b'\n'] { Vec::new() } else { vec![b'\n'] };
        serde_json::to_writer(&mut line, entry)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    fn forget_the_older_half(&self) -> io::Result<()> {
        let bytes = fs::read(&self.path)?;
        let half = bytes.get(bytes.len() / 2..).unwrap_or_default();
        let whole = half.iter().position(|byte| *byte == b'\n').and_then(|end| half.get(end + 1..)).unwrap_or_default();
        let new = self.path.with_extension("new");
        fs::write(&new, whole)?;
        fs::rename(new, &self.path)
    }
}
