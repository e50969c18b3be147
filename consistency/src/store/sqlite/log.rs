//! The log: every order that changed something, chained by hashes, and its replay.
//!
//! Replaying decides every order again, over a `Ledger` in memory, and compares what it comes to: hash by hash, then row by
//! row with the tables. A row that was changed by another hand, or an entry, or a shell that did not do what the core
//! decided: each is found and named.

use super::failure::Failure;
use super::file;
use super::rows::{Rows, cell, encoded, natural, signed, state, text, version};
use crate::cell::{SessionId, Version};
use crate::decide::{Decision, Order, decide};
use crate::history::{self, Event};
use crate::ledger::{Change, Effect, Ledger, Stored, View};
use crate::session::Session;
use crate::store::shell::{Entry, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How deep the JSON of an order may be nested; readers of JSON stop at 128.
const DEPTH: usize = 120;
/// How many entries are held in memory while replaying.
const PAGE: usize = 1024;

/// What replaying a log came to, where it fits the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How many entries there are.
    pub entries: u64,
    /// Where the store's clock stands.
    pub clock: Version,
    /// The hash over the log, as hexadecimal text.
    pub chain: String,
    /// The hash over all rows, as hexadecimal text: the same for stores that hold the same.
    pub rows: String,
}

/// An order as the log keeps it.
pub(super) fn entry(order: &Order) -> Result<String, Failure> {
    let entry = encoded(order);
    if depth(&entry) > DEPTH {
        return Err(Failure::Unusable(format!("a value is nested more than about {DEPTH} levels deep")));
    }
    Ok(entry)
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The hash of an entry: over the one before, the order, and what the order changed.
fn link(before: &[u8; 32], entry: &str, changes: &[Change]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(entry.as_bytes()).update(encoded(&changes).as_bytes());
    hasher.finalize().into()
}

impl Rows<'_> {
    /// Appends to the log.
    pub(super) fn log(&mut self, entry: &str, changes: &[Change]) -> Result<(), Failure> {
        self.head.chain = link(&self.head.chain, entry, changes);
        self.head.seq += 1;
        let row = params![signed(self.head.seq), super::rows::bits(self.head.clock), entry, self.head.chain];
        self.run("INSERT INTO log VALUES (?1, ?2, ?3, ?4)", row)?;
        Ok(())
    }

    pub(super) fn log_since(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, Failure> {
        let page = self.log_page(seq, limit)?;
        page.into_iter()
            .map(|raw| Ok(Entry { seq: raw.seq, version: raw.version, order: raw.order()?, chain: raw.chain }))
            .collect()
    }

    fn log_page(&self, seq: u64, limit: usize) -> Result<Vec<Raw>, Failure> {
        let sql = "SELECT seq, version, entry, chain FROM log WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(sql, [i64::try_from(seq).unwrap_or(i64::MAX), limit], |row| {
            let entry = text(row, 2)?.to_owned();
            Ok(Raw { seq: natural(row, 0)?, version: version(row, 1)?, entry, chain: row.get(3)? })
        })
    }
}

struct Raw {
    seq: u64,
    version: Version,
    entry: String,
    chain: [u8; 32],
}

impl Raw {
    fn order(&self) -> Result<Order, Failure> {
        let order = serde_json::from_str(&self.entry);
        order.map_err(|error| Failure::Damaged(format!("log entry {}: the order can't be read: {error}", self.seq)))
    }
}

/// Replays the log of the store in a file and compares it with the rows.
///
/// # Errors
/// [`StoreError::Damaged`] tells the first entry or row that does not fit; the others, why the file can't be read.
pub fn replay(path: &Path) -> Result<Replayed, StoreError> {
    let patience = Duration::from_secs(5);
    let replayed = file::reader(path, patience).and_then(|conn| replayed(&conn));
    replayed.map_err(|failure| failure.told(path, patience))
}

/// What happened to the store in a file, as its log tells it: what `trace anomalies` judges.
///
/// A session that committed is told to have begun at its snapshot, which it has at the latest.
///
/// # Errors
/// As [`replay`], but that the rows are not compared.
pub fn history(path: &Path) -> Result<Vec<Event>, StoreError> {
    let patience = Duration::from_secs(5);
    let told = file::reader(path, patience).and_then(|conn| told(&conn));
    told.map_err(|failure| failure.told(path, patience))
}

fn told(conn: &Connection) -> Result<Vec<Event>, Failure> {
    let moment = conn.unchecked_transaction()?;
    let rows = Rows::of(&moment)?;
    // Each with where the clock stood; and for each session, behind how many of them it began.
    let mut told: Vec<(Version, Event)> = Vec::new();
    let mut begun: Vec<(usize, Event)> = Vec::new();
    walk(&rows, |ledger, order, decision| {
        if let (Order::Commit(proposal), false) = (order, decision.changes.is_empty()) {
            let Session { snapshot, begin, .. } = &proposal.session;
            begun.push((told.partition_point(|(clock, _)| clock <= snapshot), history::begin(begin)));
        }
        let Ok(before) = ledger.clock();
        let after = decision.changes.iter().find_map(|change| match change {
            Change::Clock { version } => Some(*version),
            _ => None,
        });
        let clock = after.unwrap_or(before);
        told.extend(history::events(ledger, order, decision).into_iter().map(|event| (clock, event)));
    })?;
    begun.sort_by_key(|(place, _)| *place);
    let mut events = Vec::with_capacity(told.len() + begun.len());
    let mut begun = begun.into_iter().peekable();
    for (place, (_, event)) in told.into_iter().enumerate() {
        while let Some((_, begin)) = begun.next_if(|(first, _)| *first <= place) {
            events.push(begin);
        }
        events.push(event);
    }
    Ok(events)
}

fn replayed(conn: &Connection) -> Result<Replayed, Failure> {
    let moment = conn.unchecked_transaction()?;
    let intact: String = moment.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if intact != "ok" {
        return Err(Failure::Damaged(intact));
    }
    let rows = Rows::of(&moment)?;
    let mut rest = Rest::default();
    let (ledger, seq, chain) =
        walk(&rows, |_, _, decision| decision.changes.iter().for_each(|change| rest.apply(change)))?;
    let Ok(clock) = ledger.clock();
    let meant = meant(&ledger, &rest);
    compare(&meant, &kept(&rows)?)?;
    let chain = blake3::Hash::from_bytes(chain).to_hex().to_string();
    let rows = blake3::hash(encoded(&meant.iter().collect::<Vec<_>>()).as_bytes()).to_hex().to_string();
    Ok(Replayed { entries: seq, clock, chain, rows })
}

/// Decides every entry of the log again, in order, and shows each decision before it is applied; tells what it comes to, how
/// many entries there are, and the last hash.
fn walk(
    rows: &Rows<'_>,
    mut shown: impl FnMut(&Ledger, &Order, &Decision),
) -> Result<(Ledger, u64, [u8; 32]), Failure> {
    let (mut ledger, mut chain, mut seq) = (Ledger::default(), [0; 32], 0);
    loop {
        let page = rows.log_page(seq, PAGE)?;
        if page.is_empty() {
            break;
        }
        for raw in page {
            seq += 1;
            chain = again(&raw, seq, &chain, &mut ledger, &mut shown)?;
        }
    }
    let head = &rows.head;
    if (head.seq, head.chain) != (seq, chain) {
        return Err(Failure::Damaged(format!("the log ends at entry {seq}, the store stands at entry {}", head.seq)));
    }
    Ok((ledger, seq, chain))
}

/// Decides an entry again; tells its hash.
fn again(
    raw: &Raw,
    seq: u64,
    chain: &[u8; 32],
    ledger: &mut Ledger,
    shown: &mut impl FnMut(&Ledger, &Order, &Decision),
) -> Result<[u8; 32], Failure> {
    if raw.seq != seq {
        return Err(Failure::Damaged(format!("log entry {seq} is missing")));
    }
    let order = raw.order()?;
    let Ok(decision) = decide(ledger, &order);
    let chain = link(chain, &raw.entry, &decision.changes);
    if chain != raw.chain {
        let what =
            format!("log entry {seq}: its hash does not fit: it was changed, or its decision is another one now");
        return Err(Failure::Damaged(what));
    }
    shown(ledger, &order, &decision);
    for change in decision.changes {
        ledger.apply(change);
    }
    let Ok(clock) = ledger.clock();
    if clock != raw.version {
        return Err(Failure::Damaged(format!("log entry {seq}: it says version {}, which is {clock}", raw.version)));
    }
    Ok(chain)
}

/// What a ledger answers by key only.
#[derive(Debug, Default)]
struct Rest {
    retracted: Vec<Version>,
    stored: Vec<(String, Stored)>,
    finished: Vec<SessionId>,
}

impl Rest {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Retracted { version } => self.retracted.push(*version),
            Change::Stored { key, stored } => self.stored.push((key.clone(), stored.clone())),
            Change::Finished { session } => self.finished.push(*session),
            _ => {}
        }
    }
}

/// Rows as text: table and key, then what the row holds.
type Texts = BTreeMap<(&'static str, String), String>;

/// The first difference, in the order of tables and keys.
fn compare(meant: &Texts, kept: &Texts) -> Result<(), Failure> {
    let first = meant.keys().chain(kept.keys()).filter(|row| meant.get(row) != kept.get(row)).min();
    let Some(place @ (table, row)) = first else { return Ok(()) };
    let shown = |texts: &Texts| texts.get(place).map_or("no such row".to_owned(), |text| format!("`{text}`"));
    let (meant, kept) = (shown(meant), shown(kept));
    Err(Failure::Damaged(format!("table `{table}`, row `{row}`: the log comes to {meant}, the table has {kept}")))
}

/// The rows that a ledger stands for.
fn meant(ledger: &Ledger, rest: &Rest) -> Texts {
    let mut texts = Texts::new();
    let mut put = |table, key: String, text: String| drop(texts.insert((table, key), text));
    let (Ok(clock), Ok(horizon), Ok(token)) = (ledger.clock(), ledger.horizon(), ledger.last_token());
    put("head", "1".into(), encoded(&(clock, horizon, token, ledger.superseded())));
    for (key, _) in ledger.cells() {
        let next = ledger.history(key).skip(1).map(|written| Some(written.version)).chain([None]);
        for (written, until) in ledger.history(key).zip(next) {
            put("cell", format!("{key}@{}", written.version), encoded(&(written, until)));
        }
    }
    for open in ledger.open_commits() {
        put("open", open.version.to_string(), encoded(open));
        for earlier in &open.rests_on {
            put("rests", format!("{earlier}/{}", open.version), String::new());
        }
    }
    ledger.tools().for_each(|(tool, registered)| put("tool", tool.to_string(), encoded(registered)));
    ledger.leases().for_each(|(key, lease)| put("lease", key.to_string(), encoded(lease)));
    ledger.effects().for_each(|effect| put("effect", turn(effect), encoded(&(effect, state(&effect.stage)))));
    rest.retracted.iter().for_each(|version| put("retracted", version.to_string(), String::new()));
    rest.stored.iter().for_each(|(key, stored)| put("stored", key.clone(), encoded(stored)));
    rest.finished.iter().for_each(|session| put("finished", session.to_string(), String::new()));
    texts
}

fn turn(effect: &Effect) -> String {
    format!("{}/{}", effect.id.commit, effect.id.index)
}

/// The rows that the tables hold.
fn kept(rows: &Rows<'_>) -> Result<Texts, Failure> {
    let mut texts = Texts::new();
    let mut put = |table, key: String, text: String| drop(texts.insert((table, key), text));
    let head = &rows.head;
    put("head", "1".into(), encoded(&(head.clock, head.horizon, head.token, head.superseded)));
    let sql = "SELECT key, version, content, author, derived, NULL FROM cell
        UNION ALL SELECT key, version, content, author, derived, until FROM older";
    for (key, written, until) in rows.all(sql, [], |row| {
        let ((key, written), until) = (cell(row)?, row.get::<_, Option<i64>>(5)?);
        Ok((key, written, until.map(|until| Version::from_bits(until.cast_unsigned()))))
    })? {
        put("cell", format!("{key}@{}", written.version), encoded(&(written, until)));
    }
    for open in rows.open_commits()? {
        put("open", open.version.to_string(), encoded(&open));
    }
    let pairs = "SELECT earlier, version FROM rests";
    for (earlier, later) in rows.all(pairs, [], |row| Ok((version(row, 0)?, version(row, 1)?)))? {
        put("rests", format!("{earlier}/{later}"), String::new());
    }
    rows.tools()?.iter().for_each(|(tool, registered)| put("tool", tool.to_string(), encoded(registered)));
    rows.leases()?.iter().for_each(|(key, lease)| put("lease", key.to_string(), encoded(lease)));
    let states = rows.all("SELECT state FROM effect ORDER BY version, turn", [], |row| Ok(row.get::<_, u8>(0)?))?;
    for (effect, state) in rows.effects(None, usize::MAX)?.iter().zip(states) {
        put("effect", turn(effect), encoded(&(effect, state)));
    }
    for version in rows.all("SELECT version FROM retracted", [], |row| Ok(version(row, 0)?))? {
        put("retracted", version.to_string(), String::new());
    }
    let sql = "SELECT digest, version, key FROM stored";
    for (key, stored) in rows.all(sql, [], |row| Ok((text(row, 2)?.to_owned(), super::rows::stored(row)?)))? {
        put("stored", key, encoded(&stored));
    }
    for session in rows.all("SELECT session FROM finished", [], |row| Ok(SessionId(natural(row, 0)?)))? {
        put("finished", session.to_string(), String::new());
    }
    Ok(texts)
}
