//! The folder `.trace` and the user's own rules: what is at rest between two runs.
//!
//! ```text
//! .trace/corrections.jsonl   what was said, append-only
//! .trace/rules/NAME.toml     one rule to a file
//! .trace/lexicon/*.toml      what the workspace adds to the lexicon
//! .trace/history.jsonl       each change of a rule, with the whole file before and after it
//! .trace/cache/checks.bin    derived, may always be deleted
//! .trace/feedback/           what feedback on recalls has taught
//! .trace/lock                held by whoever writes
//! .trace/sessions/           where sessions of agents stand
//! .trace/log.jsonl           what hooks have blocked and noted
//! ```
//!
//! INVARIANTS: files are replaced whole, so that a reader sees the old text or the new one; whoever writes holds the lock;
//! a file that cannot be read disables nothing else. There is no clock and no environment here: times and the user's
//! folder come in as arguments.

mod transaction;

pub(crate) use transaction::replace;
pub use transaction::{Cause, Transaction};

use crate::git;
use rules::book::RuleBook;
use rules::{Code, Diagnostic, Rule, RuleId, Span, file};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The longest rule file that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// What is ignored by git: what is derived, and what changes all the time: shared state, sessions and the log.
const IGNORED: &str = "cache/\nfeedback/\nindex/\ninstalled/\nlock\nlog*.jsonl\nsessions/\nstate.db*\n";

/// The folder `.trace` of a repository, with the folder of the user's own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
    user: Option<PathBuf>,
}

/// What could not be done with a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} `{path}`")]
pub struct FolderError {
    /// What, as a verb.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl FolderError {
    pub(crate) fn of(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { what, path: path.to_owned(), source }
    }
}

/// Whose a rule is: the folder that its file lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The user's, in every repository.
    User,
    /// The repository's.
    Repository,
}

/// The layers, in the order in which their files are read.
const LAYERS: [Layer; 2] = [Layer::User, Layer::Repository];

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "user",
            Self::Repository => "repository",
        })
    }
}

/// A rule with the file it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFile {
    /// Whose it is.
    pub layer: Layer,
    /// The file.
    pub path: PathBuf,
    /// Its whole text.
    pub text: String,
    /// The rule.
    pub rule: Rule,
    /// Whether another file holds a rule of the same name that is narrower or closer, so that this one does not apply.
    pub overridden: bool,
}

/// All rule files, in order of layer and name, with what is wrong with any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The files that can be read.
    pub files: Vec<RuleFile>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// The rules that apply, one of each name.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.files.iter().filter(|file| !file.overridden).map(|file| &file.rule)
    }

    /// The rule book of those.
    pub fn book(&self) -> RuleBook {
        self.rules().cloned().collect()
    }

    /// The file that a rule is from.
    pub fn file(&self, id: &RuleId) -> Option<&RuleFile> {
        self.files.iter().find(|file| file.rule.id == *id && !file.overridden)
    }
}

/// A lock on the folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _files: Vec<File>,
}

impl Folder {
    /// The nearest folder `.trace` at a place or above it, but within its repository if it is in one; `user` is where the
    /// user's own rules lie.
    pub fn find(start: &Path, user: Option<&Path>) -> Option<Self> {
        let start = fs::canonicalize(start).ok()?;
        let top = git::top(&start);
        let within = |place: &&Path| top.as_ref().is_none_or(|top| place.starts_with(top));
        let root = start.ancestors().take_while(within).find(|place| place.join(".trace").is_dir())?;
        Some(Self { root: root.to_owned(), user: user.map(Path::to_owned) })
    }

    /// The folder that belongs to a place: at the top of its repository, or at the place itself. It is not created.
    pub fn at(start: &Path, user: Option<&Path>) -> Self {
        let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
        let root = git::top(&start).unwrap_or(start);
        Self { root, user: user.map(Path::to_owned) }
    }

    /// The folder of this very directory. It is not created.
    pub fn under(root: &Path, user: Option<&Path>) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        Self { root, user: user.map(Path::to_owned) }
    }

    /// Creates the folder where it is not there.
    ///
    /// # Errors
    /// What could not be created.
    pub fn create(&self) -> Result<(), FolderError> {
        let rules = self.rules(Layer::Repository).unwrap_or_default();
        fs::create_dir_all(&rules).map_err(FolderError::of("create", &rules))?;
        self.ignore()
    }

    /// Has git ignore what is derived. A file of an older version gets what it lacks; one in which nothing is ours is a
    /// person's own, and so is a line that is negated or commented out.
    fn ignore(&self) -> Result<(), FolderError> {
        let path = self.path(".gitignore");
        let failed = |what| FolderError::of(what, &path);
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read")(error)),
        };
        let said =
            |line: &str| before.lines().any(|own| own.trim_start_matches(['#', '!', '/', ' ']).trim_end() == line);
        let missing: Vec<&str> = IGNORED.lines().filter(|line| !said(line)).collect();
        let is_own = !before.is_empty() && missing.len() == IGNORED.lines().count();
        if missing.is_empty() || is_own {
            return Ok(());
        }
        let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let text = format!("{before}{end}{}\n", missing.join("\n"));
        replace(&path, text.as_bytes(), false).map_err(failed("write"))
    }

    /// The directory that holds the folder: the root of all paths in rules.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(".trace").join(name)
    }

    /// The folder of a layer's rules, if there is that layer.
    pub fn rules(&self, layer: Layer) -> Option<PathBuf> {
        match layer {
            Layer::Repository => Some(self.path("rules")),
            Layer::User => self.user.clone(),
        }
    }

    /// Where the file of a rule lies, or would lie: the repository's comes before the user's.
    pub fn rule_path(&self, id: &RuleId) -> PathBuf {
        let name = format!("{id}.toml");
        let own = self.path("rules").join(&name);
        let users = self.user.as_ref().map(|user| user.join(&name));
        match users.filter(|users| !own.exists() && users.exists()) {
            Some(users) => users,
            None => own,
        }
    }

    /// A path as diagnostics show it: relative to the root, if it lies there.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Reads all rules of both layers. Of two with one name, the one with the narrower scope applies, and of two as
    /// narrow the repository's.
    pub fn load(&self) -> Loaded {
        let mut loaded = Loaded::default();
        let files = LAYERS.into_iter().filter_map(|layer| {
            let place = self.rules(layer)?;
            Some(self.rule_files(layer).into_iter().map(move |(name, _)| (layer, place.join(name))))
        });
        for (layer, path) in files.flatten() {
            let name = self.shown(&path);
            match read(&path, &name).and_then(|text| file::parse(&text, &name).map(|rule| (text, rule))) {
                Ok((text, rule)) => {
                    loaded.diagnostics.extend(file::misnamed(&rule, &text, &name));
                    loaded.files.push(RuleFile { layer, path, text, rule, overridden: false });
                }
                Err(faults) => loaded.diagnostics.extend(faults),
            }
        }
        let mut nearest: BTreeMap<RuleId, _> = BTreeMap::new();
        for (index, file) in loaded.files.iter().enumerate() {
            let named = file.path.file_stem().is_some_and(|stem| stem == file.rule.id.as_str());
            let rank = ((file.rule.scope.precedence(), file.layer, named), index);
            nearest.entry(file.rule.id.clone()).and_modify(|best| *best = rank.max(*best)).or_insert(rank);
        }
        for (index, file) in loaded.files.iter_mut().enumerate() {
            file.overridden = nearest.get(&file.rule.id).is_some_and(|(_, best)| *best != index);
        }
        loaded
    }

    /// A hash over the names, sizes and times of all rule files: what is made from the rules is current while it stays
    /// the same. It reads no file, and asks the system for each.
    pub fn fingerprint(&self) -> [u8; 16] {
        // One text, hashed at once: feeding the hash thousands of small pieces costs more than hashing them.
        let mut text = Vec::new();
        for layer in LAYERS {
            for (name, metadata) in self.rule_files(layer) {
                let name = name.as_encoded_bytes();
                let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                text.push(layer as u8);
                text.extend(name.len().to_le_bytes());
                text.extend(name);
                text.extend(metadata.len().to_le_bytes());
                text.extend(modified.unwrap_or_default().as_nanos().to_le_bytes());
            }
        }
        short_hash(&text)
    }

    /// A hash over the times of the folders of rules: it changes when a rule file is added, removed, renamed or replaced
    /// whole, as we, git and most editors do it, and not when one is overwritten in place. It costs the same however many
    /// rules there are.
    pub fn stamp(&self) -> [u8; 16] {
        let mut text = Vec::new();
        for layer in LAYERS {
            let about = self.rules(layer).and_then(|place| fs::metadata(place).ok());
            let modified = about.and_then(|about| about.modified().ok()?.duration_since(UNIX_EPOCH).ok());
            text.extend(modified.unwrap_or_default().as_nanos().to_le_bytes());
        }
        short_hash(&text)
    }

    /// The rule files of a layer, in order of name. Hidden files, such as an editor's, are none.
    fn rule_files(&self, layer: Layer) -> Vec<(OsString, Metadata)> {
        let Some(Ok(entries)) = self.rules(layer).map(fs::read_dir) else { return Vec::new() };
        let is_rule = |entry: &DirEntry| {
            let name = entry.file_name();
            !name.as_encoded_bytes().starts_with(b".") && name.as_encoded_bytes().ends_with(b".toml")
        };
        let mut files: Vec<_> = entries.flatten().filter(is_rule).filter_map(|entry| about(&entry)).collect();
        files.sort_by(|(name, _), (other, _)| name.cmp(other));
        files
    }

    /// Waits until nobody else holds the lock or shares it, and holds it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn lock(&self) -> Result<Lock, FolderError> {
        self.locked(File::lock)
    }

    /// Waits until nobody holds the lock, and shares it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn lock_shared(&self) -> Result<Lock, FolderError> {
        self.locked(File::lock_shared)
    }

    /// Locks this folder and then the user's, which all repositories share; the order is the same everywhere, so that
    /// two processes never wait for each other.
    fn locked(&self, lock: fn(&File) -> io::Result<()>) -> Result<Lock, FolderError> {
        self.create()?;
        let users = self.user.as_deref().filter(|user| user.is_dir()).and_then(Path::parent);
        let paths = [Some(self.path("lock")), users.map(|place| place.join("lock"))];
        let mut files = Vec::new();
        for path in paths.into_iter().flatten() {
            let file = File::options().write(true).create(true).truncate(false).open(&path);
            let file = file.and_then(|file| lock(&file).map(|()| file));
            files.push(file.map_err(FolderError::of("lock", &path))?);
        }
        Ok(Lock { _files: files })
    }

    /// Locks the folder to change it. What a change depends on must be loaded after this.
    ///
    /// # Errors
    /// Why it cannot be locked.
    pub fn transaction(&self) -> Result<Transaction<'_>, FolderError> {
        Ok(Transaction::of(self, self.lock()?))
    }

    /// The compiled checks, if there are any.
    pub fn read_cache(&self) -> Option<Vec<u8>> {
        fs::read(self.path("cache/checks.bin")).ok()
    }

    /// Keeps the compiled checks. That this fails, as in a folder that is read-only, is only worth knowing.
    pub fn write_cache(&self, bytes: &[u8]) -> Option<Diagnostic> {
        let path = self.path("cache/checks.bin");
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let error = folder.and_then(|()| transaction::replace(&path, bytes, false)).err()?;
        let message = format!("the compiled checks cannot be kept in `{}`: {error}", self.shown(&path));
        Some(Diagnostic::of(Code::StaleCache, message).help("make the folder writable, or ignore this"))
    }
}

/// The first half of a text's hash.
fn short_hash(text: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.iter_mut().zip(blake3::hash(text).as_bytes()).for_each(|(byte, hashed)| *byte = *hashed);
    hash
}

/// The name of a rule file and what the system says of it; a link is followed.
fn about(entry: &DirEntry) -> Option<(OsString, Metadata)> {
    let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
    let metadata = if link { fs::metadata(entry.path()) } else { entry.metadata() };
    metadata.ok().filter(Metadata::is_file).map(|metadata| (entry.file_name(), metadata))
}

/// The text of a rule file.
fn read(path: &Path, name: &str) -> Result<String, Vec<Diagnostic>> {
    let mut bytes = Vec::new();
    let size = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    let fault = |message: String, span| vec![Diagnostic::of(Code::RuleFileSyntax, message).at(span)];
    match size {
        Err(error) => Err(fault(error.to_string().to_lowercase(), Span::on(name, 1, 1, 1, ""))),
        Ok(size) if size as u64 > MOST_BYTES => {
            Err(fault("this file is longer than 4 MiB".to_owned(), Span::on(name, 1, 1, 1, "")))
        }
        Ok(_) => String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            fault("this file is not UTF-8".to_owned(), Span::within(name, &text, place..place + 1))
        }),
    }
}
