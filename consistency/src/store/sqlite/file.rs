//! The file: opening it, telling it from other files, bringing it up to date, and who has it open.
//!
//! A lock file beside it is held shared by every process that has the store open, and alone by the one that opens it while
//! nobody else does. That one sees whether the last process left in order: then no write-ahead log remains.

use super::failure::{FORMAT, Failure};
use super::rows::Rows;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// "Trac", in the header of every file of ours.
const APPLICATION: i32 = 0x5472_6163;
const SCHEMA: &str = include_str!("schema.sql");
const STATEMENTS: usize = 96;

/// The lock that tells the processes of a store from each other.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Nobody else has the store open.
    pub(super) alone: bool,
    /// The last processes that had it open did not leave in order.
    pub(super) unclean: bool,
}

impl Lock {
    /// Takes the lock: alone if nobody has it, else shared, as soon as whoever has it alone has opened the store.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Lock, Failure> {
        let file = File::options().create(true).truncate(false).write(true).read(true).open(beside(path, "-lock"))?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    let unclean = beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
                    return Ok(Lock { file, alone: true, unclean });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            match file.try_lock_shared() {
                Ok(()) => return Ok(Lock { file, alone: false, unclean: false }),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(Failure::Busy),
                Err(TryLockError::WouldBlock) => pause(Duration::from_millis(1)),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    /// Lets the others in.
    pub(super) fn share(&mut self) -> Result<(), Failure> {
        if self.alone {
            self.file.unlock()?;
            self.file.lock_shared()?;
            self.alone = false;
        }
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Sleeps for about so long; never as long as another who sleeps for the same reason.
pub(super) fn pause(about: Duration) {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let dice = u32::try_from(RandomState::new().build_hasher().finish() % 128).unwrap_or_default();
    std::thread::sleep(about * (64 + dice) / 128);
}

/// A connection that writes; it makes the file where there is none.
pub(super) fn writer(path: &Path, alone: bool) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(path, flags)?;
    conn.busy_timeout(Duration::ZERO)?;
    let found = format(&conn)?;
    if conn.is_readonly("main")? {
        return Err(Failure::Unusable("the file can't be written: allow it, or store elsewhere".to_owned()));
    }
    if alone {
        conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    }
    durable(&conn, true)?;
    if found == 0 {
        let begun = conn.unchecked_transaction()?;
        begun.execute_batch(SCHEMA)?;
        begun.pragma_update(None, "application_id", APPLICATION)?;
        begun.pragma_update(None, "user_version", FORMAT)?;
        begun.commit()?;
    }
    tail_fits(&conn)?;
    Ok(conn)
}

/// A connection that reads.
pub(super) fn reader(path: &Path, patience: Duration) -> Result<Connection, Failure> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(patience)?;
    if format(&conn)? == 0 {
        return Err(Failure::Unusable("there is no store in this file".to_owned()));
    }
    Ok(conn)
}

/// Chooses whether a commit waits until it is on disk.
pub(super) fn durable(conn: &Connection, durable: bool) -> Result<(), Failure> {
    Ok(conn.pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?)
}

/// Lets the last connection that closes empty the write-ahead log, which says that all went in order.
pub(super) fn close_in_order(conn: &Connection) -> Result<(), Failure> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Failure> {
    let conn = Connection::open_with_flags(path, flags)?;
    // Unless all goes in order, the write-ahead log stays: it tells the next process of the crash.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// The format of the file; 0 for an empty one.
fn format(conn: &Connection) -> Result<u32, Failure> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, u32::try_from(found).unwrap_or_default()) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION, found) if found > FORMAT => Err(Failure::TooNew(found)),
        (APPLICATION, found) if found > 0 => Ok(found),
        (APPLICATION, _) => Err(Failure::Damaged("the header tells no format".to_owned())),
        _ => Err(Failure::Unusable("this is a database of another program: store elsewhere".to_owned())),
    }
}

/// Compares where the store stands with the end of its log.
fn tail_fits(conn: &Connection) -> Result<(), Failure> {
    let rows = Rows::of(conn)?;
    let last = rows.one("SELECT seq, version, chain FROM log ORDER BY seq DESC LIMIT 1", [], |row| {
        Ok((super::rows::natural(row, 0)?, super::rows::version(row, 1)?, row.get::<_, [u8; 32]>(2)?))
    })?;
    let head = &rows.head;
    if last.unwrap_or_default() == (head.seq, head.clock, head.chain) {
        return Ok(());
    }
    Err(Failure::Damaged(format!("the log ends before or after entry {}, where the store stands", head.seq)))
}
