//! The shared truth as rows: what decisions read, and what a change makes of it.
//!
//! INVARIANT: applying a change has the effect that it has on a `Ledger`, row for row; replaying the log compares the two.
//! The newest version of a cell and the superseded ones live apart, so that searches never visit what is garbage.

use super::failure::Failure;
use crate::cell::{Fingerprint, Key, Lane, SessionId, Tool, Version};
use crate::ledger::{Change, Effect, EffectId, Lease, Open, Registered, Stage, Stored, View, Written};
use crate::range::Range;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, Params, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where the store stands: the one row that every transaction begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) clock: Version,
    pub(super) horizon: Version,
    pub(super) token: u64,
    /// How many entries the log has.
    pub(super) seq: u64,
    /// How many superseded versions are kept.
    pub(super) superseded: u64,
    /// The hash over the log so far.
    pub(super) chain: [u8; 32],
}

/// The rows as one transaction sees them.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    conn: &'a Connection,
    pub(super) head: Head,
}

impl<'a> Rows<'a> {
    /// The rows as the transaction that is under way on a connection sees them.
    pub(super) fn of(conn: &'a Connection) -> Result<Rows<'a>, Failure> {
        let mut statement =
            conn.prepare_cached("SELECT clock, horizon, token, seq, superseded, chain FROM head WHERE id = 1")?;
        let head = statement.query_row([], |row| {
            Ok(Head {
                clock: version(row, 0)?,
                horizon: version(row, 1)?,
                token: natural(row, 2)?,
                seq: natural(row, 3)?,
                superseded: natural(row, 4)?,
                chain: row.get(5)?,
            })
        })?;
        Ok(Rows { conn, head })
    }

    /// Writes down where the store stands.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let Head { clock, horizon, token, seq, superseded, chain } = &self.head;
        self.run(
            "UPDATE head SET clock = ?1, horizon = ?2, token = ?3, seq = ?4, superseded = ?5, chain = ?6 WHERE id = 1",
            params![bits(*clock), bits(*horizon), signed(*token), signed(*seq), signed(*superseded), chain],
        )?;
        Ok(())
    }

    pub(super) fn identity(&self) -> Result<String, Failure> {
        let name = self.one("SELECT name FROM identity", [], |row| Ok(text(row, 0)?.to_owned()))?;
        name.ok_or_else(|| Failure::Damaged("the store has lost its name".to_owned()))
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        decode: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        rows.next()?.map(decode).transpose()
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        decode: impl Fn(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(decode(row)?);
        }
        Ok(found)
    }

    /// Runs a statement; tells how many rows it changed.
    pub(super) fn run(&self, sql: &str, parameters: impl Params) -> Result<usize, Failure> {
        Ok(self.conn.prepare_cached(sql)?.execute(parameters)?)
    }

    /// The versions of a cell that are kept, oldest first.
    pub(super) fn history(&self, key: &Key) -> Result<Vec<Written>, Failure> {
        let sql = "SELECT version, content, author, derived FROM older WHERE key = ?1 ORDER BY version";
        let mut found = self.all(sql, [key.as_str()], |row| written(row, 0))?;
        found.extend(self.newest(key)?);
        Ok(found)
    }

    /// The newest versions of the cells written after a version, in the order of commits, the last commit whole.
    pub(super) fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, Failure> {
        let sql =
            "SELECT key, version, content, author, derived FROM cell WHERE version > ?1 ORDER BY version, key LIMIT ?2";
        let mut found = self.all(sql, params![bits(since), limited(limit)], cell)?;
        if found.len() >= limit
            && let Some((key, last)) = found.last()
        {
            let sql = "SELECT key, version, content, author, derived FROM cell
                WHERE version = ?1 AND key > ?2 ORDER BY key";
            let rest = self.all(sql, params![bits(last.version), key.as_str()], cell)?;
            found.extend(rest);
        }
        Ok(found)
    }

    /// The newest versions of the cells of an interval that hold a value, in the order of keys.
    pub(super) fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, Failure> {
        let sql = r#"SELECT key, version, content, author, derived FROM cell
            WHERE key >= ?1 AND key < ?2 AND content LIKE '{"is":"present"%' ORDER BY key LIMIT ?3"#;
        self.all(sql, params![range.from, beyond(range), limited(limit)], cell)
    }

    /// The keys of the cells written after a version.
    pub(super) fn keys_since(&self, since: Version, limit: usize) -> Result<Vec<Key>, Failure> {
        let sql = "SELECT key FROM cell WHERE version > ?1 LIMIT ?2";
        self.all(sql, params![bits(since), limited(limit)], |row| key(row, 0))
    }

    /// The effects after a place, in the order of the world.
    pub(super) fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, Failure> {
        let (version, turn) = place(after);
        let sql = "SELECT version, turn, lane, tool, payload, level, pinned, stage FROM effect
            WHERE (version, turn) > (?1, ?2) ORDER BY version, turn LIMIT ?3";
        self.all(sql, params![version, turn, limited(limit)], effect)
    }

    /// The lanes on which an effect is not settled.
    pub(super) fn lanes(&self) -> Result<Vec<Lane>, Failure> {
        self.all("SELECT DISTINCT lane FROM effect WHERE state > 0 ORDER BY lane", [], |row| Ok(text(row, 0)?.into()))
    }

    /// The commits that are not final, oldest first.
    pub(super) fn open_commits(&self) -> Result<Vec<Open>, Failure> {
        self.all("SELECT version, agent, held, rests_on, keys FROM open ORDER BY version", [], open)
    }

    /// All tools.
    pub(super) fn tools(&self) -> Result<Vec<(Tool, Registered)>, Failure> {
        let sql = "SELECT fingerprint, repeat, name FROM tool ORDER BY name";
        self.all(sql, [], |row| Ok((text(row, 2)?.into(), registered(row)?)))
    }

    /// All leases.
    pub(super) fn leases(&self) -> Result<Vec<(Key, Lease)>, Failure> {
        let sql = "SELECT holder, started, token, until, key FROM lease ORDER BY key";
        self.all(sql, [], |row| Ok((key(row, 4)?, lease(row)?)))
    }

    /// The version that superseded the one of this place, counted from the newest: where a horizon has to be so that no
    /// more than `keep` are left.
    pub(super) fn horizon_keeping(&self, keep: u64) -> Result<Option<Version>, Failure> {
        let sql = "SELECT until FROM older ORDER BY until DESC LIMIT 1 OFFSET ?1";
        self.one(sql, [signed(keep)], |row| Ok(version(row, 0)?))
    }
}

impl View for Rows<'_> {
    type Error = Failure;

    fn clock(&self) -> Result<Version, Failure> {
        Ok(self.head.clock)
    }
    fn horizon(&self) -> Result<Version, Failure> {
        Ok(self.head.horizon)
    }
    fn newest(&self, key: &Key) -> Result<Option<Written>, Failure> {
        let sql = "SELECT version, content, author, derived FROM cell WHERE key = ?1";
        self.one(sql, [key.as_str()], |row| written(row, 0))
    }
    fn version_of(&self, key: &Key) -> Result<Version, Failure> {
        let sql = "SELECT version FROM cell WHERE key = ?1";
        Ok(self.one(sql, [key.as_str()], |row| Ok(version(row, 0)?))?.unwrap_or(Version::ZERO))
    }
    fn at(&self, key: &Key, snapshot: Version) -> Result<Option<Written>, Failure> {
        let newest = self.newest(key)?;
        if newest.as_ref().is_none_or(|written| written.version <= snapshot) {
            return Ok(newest);
        }
        let sql = "SELECT version, content, author, derived FROM older WHERE key = ?1 AND version <= ?2
            ORDER BY version DESC LIMIT 1";
        self.one(sql, params![key.as_str(), bits(snapshot)], |row| written(row, 0))
    }
    fn scan(&self, range: &Range, snapshot: Version) -> Result<Vec<(Key, Written)>, Failure> {
        if snapshot >= self.head.clock {
            return self.changed_after(range, -1);
        }
        let sql = "SELECT key, version, content, author, derived FROM cell
                WHERE key >= ?1 AND key < ?2 AND version <= ?3
            UNION ALL SELECT key, version, content, author, derived FROM older
                WHERE key >= ?1 AND key < ?2 AND version <= ?3 AND until > ?3
            ORDER BY key";
        self.all(sql, params![range.from, beyond(range), bits(snapshot)], cell)
    }
    fn changed(&self, range: &Range, since: Version) -> Result<Vec<(Key, Written)>, Failure> {
        self.changed_after(range, bits(since))
    }
    fn open(&self, version: Version) -> Result<Option<Open>, Failure> {
        let sql = "SELECT version, agent, held, rests_on, keys FROM open WHERE version = ?1";
        self.one(sql, [bits(version)], open)
    }
    fn oldest_open(&self) -> Result<Option<Version>, Failure> {
        self.one("SELECT version FROM open ORDER BY version LIMIT 1", [], |row| Ok(version(row, 0)?))
    }
    fn resting_on(&self, version: Version) -> Result<Vec<Open>, Failure> {
        let sql = "SELECT open.version, agent, held, rests_on, keys FROM rests JOIN open USING (version)
            WHERE earlier = ?1 ORDER BY rests.version";
        self.all(sql, [bits(version)], open)
    }
    fn is_retracted(&self, version: Version) -> Result<bool, Failure> {
        Ok(self.one("SELECT 1 FROM retracted WHERE version = ?1", [bits(version)], |_| Ok(()))?.is_some())
    }
    fn stored(&self, key: &str) -> Result<Option<Stored>, Failure> {
        self.one("SELECT digest, version FROM stored WHERE key = ?1", [key], stored)
    }
    fn is_finished(&self, session: SessionId) -> Result<bool, Failure> {
        Ok(self.one("SELECT 1 FROM finished WHERE session = ?1", [signed(session.0)], |_| Ok(()))?.is_some())
    }
    fn tool(&self, tool: &Tool) -> Result<Option<Registered>, Failure> {
        self.one("SELECT fingerprint, repeat FROM tool WHERE name = ?1", [tool.as_str()], registered)
    }
    fn lease(&self, key: &Key) -> Result<Option<Lease>, Failure> {
        self.one("SELECT holder, started, token, until FROM lease WHERE key = ?1", [key.as_str()], lease)
    }
    fn last_token(&self) -> Result<u64, Failure> {
        Ok(self.head.token)
    }
    fn effect(&self, id: EffectId) -> Result<Option<Effect>, Failure> {
        let sql = "SELECT version, turn, lane, tool, payload, level, pinned, stage FROM effect
            WHERE version = ?1 AND turn = ?2";
        self.one(sql, params![bits(id.commit), id.index], effect)
    }
    fn effects_of(&self, commit: Version) -> Result<Vec<Effect>, Failure> {
        let sql = "SELECT version, turn, lane, tool, payload, level, pinned, stage FROM effect
            WHERE version = ?1 ORDER BY turn";
        self.all(sql, [bits(commit)], effect)
    }
    fn next_unsettled(&self, lane: &Lane, after: Option<EffectId>) -> Result<Option<Effect>, Failure> {
        let (version, turn) = place(after);
        let sql = "SELECT version, turn, lane, tool, payload, level, pinned, stage FROM effect
            WHERE state > 0 AND lane = ?1 AND (version, turn) > (?2, ?3) ORDER BY version, turn LIMIT 1";
        self.one(sql, params![lane.as_str(), version, turn], effect)
    }
    fn claimed(&self) -> Result<Vec<Effect>, Failure> {
        let sql = "SELECT version, turn, lane, tool, payload, level, pinned, stage FROM effect
            WHERE state = 2 ORDER BY lane, version, turn";
        self.all(sql, [], effect)
    }
}

impl Rows<'_> {
    fn changed_after(&self, range: &Range, since: i64) -> Result<Vec<(Key, Written)>, Failure> {
        let sql = "SELECT key, version, content, author, derived FROM cell
            WHERE key >= ?1 AND key < ?2 AND version > ?3 ORDER BY key";
        self.all(sql, params![range.from, beyond(range), since], cell)
    }

    /// Applies a change; where the store stands is written down by [`Rows::save`].
    pub(super) fn apply(&mut self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::Clock { version } => self.head.clock = *version,
            Change::Token { token } => self.head.token = *token,
            Change::Cell { key, written } => self.write(key, written)?,
            Change::Open { open } => self.open_up(open)?,
            Change::Close { version } => {
                self.run("DELETE FROM open WHERE version = ?1", [bits(*version)])?;
                self.run("DELETE FROM rests WHERE version = ?1", [bits(*version)])?;
            }
            Change::Retracted { version } => {
                self.run("INSERT OR IGNORE INTO retracted VALUES (?1)", [bits(*version)])?;
            }
            Change::Stored { key, stored } => {
                let row = params![key, signed(stored.digest), bits(stored.version)];
                self.run("INSERT OR REPLACE INTO stored VALUES (?1, ?2, ?3)", row)?;
            }
            Change::Finished { session } => {
                self.run("INSERT OR IGNORE INTO finished VALUES (?1)", [signed(session.0)])?;
            }
            Change::Tool { tool, registered: Some(registered) } => {
                let row = params![tool.as_str(), registered.fingerprint.as_str(), encoded(&registered.repeat)];
                self.run("INSERT OR REPLACE INTO tool VALUES (?1, ?2, ?3)", row)?;
            }
            Change::Tool { tool, registered: None } => {
                self.run("DELETE FROM tool WHERE name = ?1", [tool.as_str()])?;
            }
            Change::Lease { key, lease: Some(Lease { holder, started, token, until }) } => {
                let row = params![key.as_str(), signed(holder.0), signed(*started), signed(*token), signed(*until)];
                self.run("INSERT OR REPLACE INTO lease VALUES (?1, ?2, ?3, ?4, ?5)", row)?;
            }
            Change::Lease { key, lease: None } => {
                self.run("DELETE FROM lease WHERE key = ?1", [key.as_str()])?;
            }
            Change::Effect { effect } => self.effect_moves(effect)?,
            Change::Horizon { version } => self.collect(*version)?,
        }
        Ok(())
    }

    fn write(&mut self, key: &Key, written: &Written) -> Result<(), Failure> {
        let sql = "INSERT INTO older SELECT key, version, ?2, content, author, derived FROM cell WHERE key = ?1";
        let superseded = self.run(sql, params![key.as_str(), bits(written.version)])?;
        self.head.superseded += superseded as u64;
        let Written { version, content, author, derived } = written;
        self.run(
            "INSERT INTO cell VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) DO UPDATE SET
                version = excluded.version, content = excluded.content, author = excluded.author, derived = excluded.derived",
            params![key.as_str(), bits(*version), encoded(content), author.as_str(), encoded(derived)],
        )?;
        Ok(())
    }

    fn open_up(&mut self, open: &Open) -> Result<(), Failure> {
        let Open { version, agent, held, rests_on, keys } = open;
        let row = params![bits(*version), agent.as_str(), held, encoded(rests_on), encoded(keys)];
        self.run("INSERT OR REPLACE INTO open VALUES (?1, ?2, ?3, ?4, ?5)", row)?;
        self.run("DELETE FROM rests WHERE version = ?1", [bits(*version)])?;
        for earlier in rests_on {
            self.run("INSERT INTO rests VALUES (?1, ?2)", [bits(*earlier), bits(*version)])?;
        }
        Ok(())
    }

    fn effect_moves(&mut self, effect: &Effect) -> Result<(), Failure> {
        let Effect { id, lane, tool, payload, level, pinned, stage } = effect;
        let (lane, tool, pinned) = (lane.as_str(), tool.as_str(), pinned.as_ref().map(Fingerprint::as_str));
        let (version, turn, level, state) = (bits(id.commit), id.index, level.to_string(), state(stage));
        self.run(
            "INSERT OR REPLACE INTO effect VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![version, turn, lane, tool, encoded(payload), level, pinned, encoded(stage), state],
        )?;
        Ok(())
    }

    /// Deletes what no snapshot from `horizon` on can see; visits nothing else.
    fn collect(&mut self, horizon: Version) -> Result<(), Failure> {
        self.head.horizon = horizon;
        let gone = self.run("DELETE FROM older WHERE until <= ?1", [bits(horizon)])?;
        self.head.superseded = self.head.superseded.saturating_sub(gone as u64);
        self.run("DELETE FROM effect WHERE state = 0 AND version <= ?1", [bits(horizon)])?;
        Ok(())
    }
}

/// Under which index an effect is found.
pub(super) fn state(stage: &Stage) -> u8 {
    match stage {
        Stage::Done | Stage::Dropped(_) => 0,
        Stage::Waiting { .. } | Stage::InDoubt { .. } => 1,
        Stage::Claimed { .. } => 2,
    }
}

/// A version as a column; one that no store reaches counts as the greatest.
pub(super) fn bits(version: Version) -> i64 {
    i64::try_from(version.to_bits()).unwrap_or(i64::MAX)
}

/// Any 64 bits as a column; for equality, not for order.
pub(super) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The end of an interval; a blob is beyond every text.
fn beyond(range: &Range) -> Column {
    range.to.clone().map_or(Column::Blob(Vec::new()), Column::Text)
}

fn place(after: Option<EffectId>) -> (i64, i64) {
    after.map_or((-1, -1), |id| (bits(id.commit), id.index.into()))
}

pub(super) fn encoded<T: Serialize>(value: &T) -> String {
    // Writing texts, numbers, lists and maps of texts into memory can't fail.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    natural(row, column).map(Version::from_bits)
}

pub(super) fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, Failure> {
    row.get_ref(column)?.as_str().map_err(|_| Failure::Damaged(format!("column {column} of a row is no text")))
}

pub(super) fn key(row: &Row<'_>, column: usize) -> Result<Key, Failure> {
    Key::new(text(row, column)?).map_err(|malformed| Failure::Damaged(malformed.to_string()))
}

pub(super) fn decoded<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    let text = text(row, column)?;
    serde_json::from_str(text).map_err(|error| Failure::Damaged(format!("`{text}` can't be understood: {error}")))
}

pub(super) fn cell(row: &Row<'_>) -> Result<(Key, Written), Failure> {
    Ok((key(row, 0)?, written(row, 1)?))
}

fn written(row: &Row<'_>, first: usize) -> Result<Written, Failure> {
    Ok(Written {
        version: version(row, first)?,
        content: decoded(row, first + 1)?,
        author: text(row, first + 2)?.into(),
        derived: decoded(row, first + 3)?,
    })
}

fn open(row: &Row<'_>) -> Result<Open, Failure> {
    Ok(Open {
        version: version(row, 0)?,
        agent: text(row, 1)?.into(),
        held: row.get(2)?,
        rests_on: decoded(row, 3)?,
        keys: decoded(row, 4)?,
    })
}

pub(super) fn stored(row: &Row<'_>) -> Result<Stored, Failure> {
    Ok(Stored { digest: natural(row, 0)?, version: version(row, 1)? })
}

fn registered(row: &Row<'_>) -> Result<Registered, Failure> {
    Ok(Registered { fingerprint: text(row, 0)?.into(), repeat: decoded(row, 1)? })
}

fn lease(row: &Row<'_>) -> Result<Lease, Failure> {
    Ok(Lease {
        holder: SessionId(natural(row, 0)?),
        started: natural(row, 1)?,
        token: natural(row, 2)?,
        until: natural(row, 3)?,
    })
}

fn effect(row: &Row<'_>) -> Result<Effect, Failure> {
    let pinned: Option<String> = row.get(6)?;
    Ok(Effect {
        id: EffectId { commit: version(row, 0)?, index: row.get(1)? },
        lane: text(row, 2)?.into(),
        tool: text(row, 3)?.into(),
        payload: decoded(row, 4)?,
        level: text(row, 5)?.parse().map_err(Failure::Damaged)?,
        pinned: pinned.map(Into::into),
        stage: decoded(row, 7)?,
    })
}
