//! The vectors in a file, so that a model need not run again for what it has seen.
//!
//! Each vector is stored with the digest of the text that it is of, and counts for nothing where that is not the record's text
//! any more: so there is no order of writes, and no crash, after which a wrong one is used. The file is of one store and one
//! embedder; another embedder's vectors are deleted, never compared.

use crate::embed::EmbedderId;
use crate::record::RecordId;
use crate::tenant::Tenant;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of what is written here.
const FORMAT: u32 = 1;
/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// How often a file that others have just made is tried again, and after which pause.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

const SCHEMA: &str = "BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS vector (
    tenant TEXT NOT NULL,
    id BLOB NOT NULL,
    digest INTEGER NOT NULL,
    numbers BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE IF NOT EXISTS made (of TEXT NOT NULL, by TEXT NOT NULL);
COMMIT;";

/// The file.
#[derive(Debug)]
pub(super) struct Vectors {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// The embedder whose vectors are written; nothing where vectors are only deleted.
    by: Option<EmbedderId>,
}

/// A vector as it is stored.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) tenant: String,
    pub(super) id: RecordId,
    pub(super) digest: u64,
    pub(super) numbers: Vec<f32>,
}

/// What a record says, and its vector.
pub(super) type Embedded = (RecordId, u64, Vec<f32>);

/// The vectors that lie in a folder of indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFile {
    /// The embedder that made them, as [`EmbedderId`] shows itself.
    pub by: String,
    /// How many there are.
    pub count: u32,
}

/// Looks at the vectors in a folder of indexes, and changes nothing; nothing where there are none.
///
/// # Errors
/// A text for a person, when there is a file that can't be read.
pub fn in_folder(folder: &Path) -> Result<Option<InFile>, String> {
    let path = folder.join("vectors.db");
    if !path.exists() {
        return Ok(None);
    }
    let read = || {
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        let sql = "SELECT by, (SELECT count(*) FROM vector) FROM made";
        let found = connection.query_row(sql, [], |row| Ok(InFile { by: row.get(0)?, count: row.get(1)? }));
        found.optional()
    };
    read().map_err(|error: rusqlite::Error| error.to_string())
}

impl Vectors {
    /// Opens the file, or makes it, and gives out what it holds. Tells why it was made anew, where there was one that can't be
    /// used. Without an embedder there is none to make, but one that is there still has to lose what is forgotten.
    ///
    /// # Errors
    /// [`rusqlite::Error`] when there is no way to make one.
    pub(super) fn open(
        path: &Path,
        store: &str,
        by: Option<&EmbedderId>,
        mut each: impl FnMut(Kept),
    ) -> Result<Option<(Vectors, Option<String>)>, rusqlite::Error> {
        let there = path.exists();
        if by.is_none() && !there {
            return Ok(None);
        }
        let why = match Vectors::opened(path, store, by, &mut each) {
            Err(why) if !is_busy(&why) => why.to_string(),
            opened => return opened.map(Some),
        };
        delete(path);
        if by.is_none() {
            return Ok(None);
        }
        let (vectors, _) = Vectors::opened(path, store, by, &mut each)?;
        Ok(Some((vectors, there.then_some(why))))
    }

    fn opened(
        path: &Path,
        store: &str,
        by: Option<&EmbedderId>,
        each: &mut impl FnMut(Kept),
    ) -> Result<(Vectors, Option<String>), rusqlite::Error> {
        let of = format!("{FORMAT} {store}");
        let connection = Mutex::new(connected(path, &of, by)?);
        let vectors = Vectors { path: path.to_owned(), connection, by: by.cloned() };
        let changed = vectors.claim(&of)?;
        vectors.each(each)?;
        Ok((vectors, changed))
    }

    /// Makes the file this embedder's; tells whose vectors had to go for it.
    fn claim(&self, of: &str) -> Result<Option<String>, rusqlite::Error> {
        let Some(by) = self.by.as_ref().map(EmbedderId::to_string) else { return Ok(None) };
        let mut connection = self.connection.lock();
        let claim = connection.transaction()?;
        let before: Option<String> = claim.query_row("SELECT by FROM made", [], |row| row.get(0)).optional()?;
        if before.as_ref() == Some(&by) {
            return Ok(None);
        }
        claim.execute("DELETE FROM vector", [])?;
        claim.execute("DELETE FROM made", [])?;
        claim.execute("INSERT INTO made VALUES (?1, ?2)", [of, &by])?;
        claim.commit()?;
        Ok(before.map(|before| format!("the vectors are of another embedder: `{before}`, not `{by}`")))
    }

    fn each(&self, each: &mut impl FnMut(Kept)) -> Result<(), rusqlite::Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT tenant, id, digest, numbers FROM vector")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (tenant, id) = (row.get(0)?, RecordId::from_bytes(row.get(1)?));
            let numbers = self.numbers(row.get_ref(3)?.as_blob()?);
            each(Kept { tenant, id, digest: row.get::<_, i64>(2)?.cast_unsigned(), numbers });
        }
        Ok(())
    }

    /// The vectors of some texts of records, as far as some process has made them.
    pub(super) fn known(
        &self,
        tenant: &Tenant,
        wanted: &[(RecordId, u64)],
    ) -> Result<HashMap<RecordId, Vec<f32>>, rusqlite::Error> {
        let connection = self.connection.lock();
        let sql = "SELECT numbers FROM vector WHERE tenant = ?1 AND id = ?2 AND digest = ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = HashMap::new();
        for (id, digest) in wanted {
            let parameters = params![tenant.name(), id.as_bytes(), digest.cast_signed()];
            let numbers =
                statement.query_row(parameters, |row| Ok(self.numbers(row.get_ref(0)?.as_blob()?))).optional()?;
            found.extend(numbers.map(|numbers| (*id, numbers)));
        }
        Ok(found)
    }

    /// Keeps some vectors, unless the file has become another embedder's meanwhile.
    pub(super) fn keep(&self, tenant: &Tenant, vectors: &[Embedded]) -> Result<(), rusqlite::Error> {
        let Some(by) = self.by.as_ref().map(EmbedderId::to_string) else { return Ok(()) };
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        {
            let sql = "INSERT OR REPLACE INTO vector
                SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM made WHERE by = ?5)";
            let mut statement = transaction.prepare_cached(sql)?;
            for (id, digest, numbers) in vectors {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                statement.execute(params![tenant.name(), id.as_bytes(), digest.cast_signed(), bytes, by])?;
            }
        }
        transaction.commit()
    }

    /// Deletes vectors.
    pub(super) fn delete<'t>(&self, records: impl Iterator<Item = (&'t str, RecordId)>) -> Result<(), rusqlite::Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached("DELETE FROM vector WHERE tenant = ?1 AND id = ?2")?;
            for (tenant, id) in records {
                statement.execute(params![tenant, id.as_bytes()])?;
            }
        }
        transaction.commit()
    }

    /// What SQLite finds wrong with the file.
    pub(super) fn damaged(&self) -> Result<Option<String>, rusqlite::Error> {
        let told: String = self.connection.lock().query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((told != "ok").then(|| format!("{}: {told}", self.path.display())))
    }

    /// A vector of bytes; empty where it is not of the embedder's dimension.
    fn numbers(&self, bytes: &[u8]) -> Vec<f32> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let dimension = self.by.as_ref().map_or(0, |by| by.dimension);
        if numbers.len() != dimension || !rest.is_empty() {
            return Vec::new();
        }
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    }
}

fn connected(path: &Path, of: &str, by: Option<&EmbedderId>) -> Result<Connection, rusqlite::Error> {
    // Whoever changes a new file to the write-ahead log needs it alone. SQLite does not wait for that: of two who make the file
    // at once, it turns one away.
    for _ in 0..TRIES {
        match connect(path, of, by) {
            Err(error) if is_busy(&error) => std::thread::sleep(PAUSE),
            connected => return connected,
        }
    }
    connect(path, of, by)
}

fn connect(path: &Path, of: &str, by: Option<&EmbedderId>) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PAUSE)?;
    // What is deleted is gone from the disk; what a crash loses is made again.
    // Of the usual pages, a quarter would stay empty with vectors of 384 numbers.
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;",
    )?;
    connection.execute_batch(SCHEMA)?;
    if let Some(by) = by {
        let sql = "INSERT INTO made SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM made)";
        connection.execute(sql, [of, &by.to_string()])?;
    }
    let made: Option<String> = connection.query_row("SELECT of FROM made", [], |row| row.get(0)).optional()?;
    connection.busy_timeout(BUSY)?;
    if made.as_deref() == Some(of) { Ok(connection) } else { Err(rusqlite::Error::InvalidQuery) }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn delete(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // What can't be deleted is told when it can't be opened either.
        drop(std::fs::remove_file(PathBuf::from(name)));
    }
}
