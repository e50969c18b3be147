//! The text index in files: tantivy, with the words of every record and what the roster knows of it.
//!
//! Each term carries the tenant's name, so that no query can reach another tenant's records and no score depends on them. What
//! the files hold is said by the payload of the last commit: of which store, and up to which version.
//! A writer exists only while the tail is moved here; where another process has it, the tail simply waits.

use super::tail::Tail;
use super::unit::{Change, Row};
use crate::record::{RecordId, Scope};
use crate::tenant::Tenant;
use crate::text::ANALYZER;
use consistency::Version;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight, BooleanQuery, ConstScoreQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TantivyDocument, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Directory, DocId, IndexReader, ReloadPolicy, Score, Searcher, SegmentReader, TantivyError, Term};

/// The version of what is written here; it changes with the fields and with what is in them.
const FORMAT: u32 = 1;
/// How much memory writing may take.
const WRITER_BYTES: usize = 32 << 20;

/// The files.
pub(super) struct Words {
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    store: String,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Words of {}", self.store)
    }
}

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Tenant and id.
    key: Field,
    /// The four parts of the scope.
    parts: [Field; 4],
    words: Field,
    /// The halves of the id, for reading many.
    high: Field,
    low: Field,
    row: Field,
}

const HIGH: &str = "high";
const LOW: &str = "low";

impl Fields {
    fn new() -> (Schema, Fields) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs);
        let fields = Fields {
            key: schema.add_text_field("key", STRING),
            parts: Scope::default().parts().map(|(part, _)| schema.add_text_field(part, STRING)),
            words: schema.add_text_field("words", TextOptions::default().set_indexing_options(indexing)),
            high: schema.add_u64_field(HIGH, FAST),
            low: schema.add_u64_field(LOW, FAST),
            row: schema.add_bytes_field("row", STORED),
        };
        (schema.build(), fields)
    }
}

/// What the last commit says of itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    format: u32,
    analyzer: String,
    store: String,
    version: Version,
}

/// What moving the tail came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// The files are up to date as of this version.
    Until(Version),
    /// Another process is writing.
    Busy,
}

impl Words {
    /// Opens the files, or makes them; tells up to which version they reach.
    ///
    /// # Errors
    /// Why they can't be used: damaged, of another store, of another format, or ahead of the store.
    pub(super) fn open(folder: &Path, store: &str, clock: Version) -> Result<(Words, Version), TantivyError> {
        std::fs::create_dir_all(folder)?;
        let (schema, fields) = Fields::new();
        let index = tantivy::Index::open_or_create(MmapDirectory::open(folder)?, schema)?;
        for file in index.load_metas()?.list_segment_files() {
            // Tantivy's own check passes over files that its list of files does not name, and that list may be damaged, too;
            // what is damaged makes its reader panic.
            let is_there = index.directory().exists(&file)?;
            if is_there && !index.directory().validate_checksum(&file)? {
                return Err(foreign(&format!("{} is damaged", file.display())));
            }
            // Of the files that every segment has, this is the one without which its reader opens, and finds nothing.
            if !is_there && file.extension().is_some_and(|extension| extension == "pos") {
                return Err(foreign(&format!("{} is missing", file.display())));
            }
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let words = Words { index, reader, fields, store: store.to_owned() };
        let version = words.version()?;
        if version > clock {
            return Err(TantivyError::InvalidArgument(format!("it is at {version}, and the store at {clock}")));
        }
        Ok((words, version))
    }

    /// Up to which version the files reach.
    fn version(&self) -> Result<Version, TantivyError> {
        let metas = self.index.load_metas()?;
        let Some(payload) = metas.payload else {
            let empty = metas.segments.is_empty();
            return if empty { Ok(Version::ZERO) } else { Err(foreign("it does not say of which store it is")) };
        };
        let payload: Payload = serde_json::from_str(&payload).map_err(|error| foreign(&error.to_string()))?;
        let expected = self.payload(payload.version);
        if payload == expected { Ok(payload.version) } else { Err(foreign("it is of another store or another format")) }
    }

    fn payload(&self, version: Version) -> Payload {
        Payload { format: FORMAT, analyzer: ANALYZER.to_owned(), store: self.store.clone(), version }
    }

    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// What the files hold now.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// The rows of all records.
    pub(super) fn rows(&self, mut each: impl FnMut(Row)) -> Result<(), TantivyError> {
        for segment in self.searcher().segment_readers() {
            let store = segment.get_store_reader(1)?;
            for document in store.iter::<TantivyDocument>(segment.alive_bitset()) {
                let document = document?;
                let bytes = document.get_first(self.fields.row).and_then(|row| row.as_bytes());
                let row = bytes.and_then(|bytes| postcard::from_bytes(bytes).ok());
                each(row.ok_or_else(|| foreign("a record's row can't be read"))?);
            }
        }
        Ok(())
    }

    /// Moves the changes after `base`, which the files held once, up to a version here, and makes sure of them on the disk.
    pub(super) fn take(&self, changes: &[Arc<Change>], base: Version, until: Version) -> Result<Moved, TantivyError> {
        let mut writer = match self.index.writer_with_num_threads(1, WRITER_BYTES) {
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Ok(Moved::Busy),
            writer => writer?,
        };
        // Nobody else writes now; what others wrote before need not be written again.
        let reached = self.version()?;
        if reached < base {
            // Another process makes the files again, and is not as far as they were: what lies between is its to write.
            return Ok(Moved::Busy);
        }
        if reached < until {
            for change in changes.iter().filter(|change| change.version > reached) {
                writer.delete_term(self.key(&change.tenant, change.id));
                if let Some(document) = self.document(change)? {
                    writer.add_document(document)?;
                }
            }
            let mut commit = writer.prepare_commit()?;
            let payload = serde_json::to_string(&self.payload(until)).map_err(|error| foreign(&error.to_string()))?;
            commit.set_payload(&payload);
            commit.commit()?;
            writer.wait_merging_threads()?;
        }
        self.reader.reload()?;
        Ok(Moved::Until(reached.max(until)))
    }

    fn document(&self, change: &Change) -> Result<Option<TantivyDocument>, TantivyError> {
        let Some(document) = &change.document else { return Ok(None) };
        let (row, mut written) = (&document.row, TantivyDocument::new());
        written.add_text(self.fields.key, key(&change.tenant, change.id));
        for (field, (_, part)) in self.fields.parts.into_iter().zip(row.scope().parts()) {
            if let Some(part) = part {
                written.add_text(field, part);
            }
        }
        let token = |(position, term): (usize, &String)| Token {
            position,
            text: term_of(&change.tenant, term),
            ..Token::default()
        };
        let tokens = document.terms.iter().enumerate().map(token).collect();
        written.add_pre_tokenized_text(self.fields.words, PreTokenizedString { text: String::new(), tokens });
        let (high, low) = halves(change.id);
        written.add_u64(self.fields.high, high);
        written.add_u64(self.fields.low, low);
        let row = postcard::to_stdvec(row).map_err(|error| foreign(&error.to_string()))?;
        written.add_bytes(self.fields.row, &row);
        Ok(Some(written))
    }

    fn key(&self, tenant: &Tenant, id: RecordId) -> Term {
        Term::from_field_text(self.fields.key, &key(tenant, id))
    }

    /// The names of the files that are damaged.
    pub(super) fn damaged(&self) -> Result<Vec<String>, TantivyError> {
        Ok(self.index.validate_checksum()?.into_iter().map(|path| path.display().to_string()).collect())
    }
}

fn foreign(what: &str) -> TantivyError {
    TantivyError::InvalidArgument(what.to_owned())
}

fn key(tenant: &Tenant, id: RecordId) -> String {
    format!("{tenant}/{id}")
}

/// A term of a tenant: names of tenants hold no `/`, so that two tenants have no term in common.
fn term_of(tenant: &Tenant, term: &str) -> String {
    format!("{tenant}/{term}")
}

fn halves(id: RecordId) -> (u64, u64) {
    let both = u128::from_be_bytes(*id.as_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    ((both >> 64) as u64, both as u64)
}

fn whole(high: u64, low: u64) -> RecordId {
    RecordId::from_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// A search by words: the files and the tail as one.
#[derive(Debug)]
pub(super) struct Lookup<'s> {
    pub(super) fields: Fields,
    pub(super) searcher: &'s Searcher,
    pub(super) tail: &'s Tail,
    pub(super) tenant: &'s Tenant,
    /// How many records the tenant has, and how many words they have.
    pub(super) records: usize,
    pub(super) words: u64,
}

impl Lookup<'_> {
    /// All records that have one of the terms and belong to a scope, with their BM25 scores, in no order.
    pub(super) fn matches(
        &self,
        terms: &[String],
        scope: &Scope,
        in_scope: impl Fn(RecordId) -> bool,
    ) -> Result<Vec<(RecordId, f32)>, TantivyError> {
        if self.records == 0 || terms.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.searcher.search_with_statistics_provider(&self.query(terms, scope), &All, self)?;
        found.retain(|(id, _)| !self.tail.hides(*id));
        let mut of_tail = HashMap::new();
        for term in terms {
            let weight = Bm25Weight::for_terms(self, &[self.term(term)])?;
            self.tail.score(term, &weight, &mut of_tail);
        }
        found.extend(of_tail.into_iter().filter(|(id, _)| in_scope(*id)));
        Ok(found)
    }

    /// How much a term tells: the fewer of the tenant's records have it, the more (BM25's inverse document frequency).
    pub(super) fn weight(&self, term: &str) -> f32 {
        let having = self.doc_freq(&self.term(term)).unwrap_or_default();
        let (having, all) = (real(having), real(self.records as u64));
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    fn query(&self, terms: &[String], scope: &Scope) -> BooleanQuery {
        let word = |term: &String| -> (Occur, Box<dyn Query>) {
            let term = self.term(term);
            (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
        };
        let words = BooleanQuery::new(terms.iter().map(word).collect());
        let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (field, (_, part)) in self.fields.parts.into_iter().zip(scope.parts()) {
            let Some(part) = part else { continue };
            let is = TermQuery::new(Term::from_field_text(field, part), IndexRecordOption::Basic);
            all.push((Occur::Must, Box::new(ConstScoreQuery::new(Box::new(is), 0.0))));
        }
        if all.is_empty() {
            return words;
        }
        all.push((Occur::Must, Box::new(words)));
        BooleanQuery::new(all)
    }

    fn term(&self, term: &str) -> Term {
        Term::from_field_text(self.fields.words, &term_of(self.tenant, term))
    }
}

fn real(count: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm of it is taken")]
    {
        count as f32
    }
}

impl Bm25StatisticsProvider for Lookup<'_> {
    fn total_num_tokens(&self, _: Field) -> Result<u64, TantivyError> {
        Ok(self.words)
    }

    fn total_num_docs(&self) -> Result<u64, TantivyError> {
        Ok(self.records as u64)
    }

    fn doc_freq(&self, term: &Term) -> Result<u64, TantivyError> {
        let value = term.value();
        let of_tail = value.as_str().and_then(|term| term.split_once('/')).map_or(0, |(_, term)| self.tail.count(term));
        // Until segments are merged the files count records that are changed or forgotten; more than all it can't be.
        Ok((self.searcher.doc_freq(term)? + of_tail as u64).min(self.records as u64))
    }
}

/// Collects everything that matches.
struct All;

/// The same in one segment.
struct AllOfSegment {
    high: Column<u64>,
    low: Column<u64>,
    found: Vec<(RecordId, f32)>,
}

impl Collector for All {
    type Fruit = Vec<(RecordId, f32)>;
    type Child = AllOfSegment;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> Result<AllOfSegment, TantivyError> {
        let fields = segment.fast_fields();
        Ok(AllOfSegment { high: fields.u64(HIGH)?, low: fields.u64(LOW)?, found: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Vec<(RecordId, f32)>>) -> Result<Vec<(RecordId, f32)>, TantivyError> {
        Ok(segments.concat())
    }
}

impl SegmentCollector for AllOfSegment {
    type Fruit = Vec<(RecordId, f32)>;

    fn collect(&mut self, document: DocId, score: Score) {
        if let (Some(high), Some(low)) = (self.high.first(document), self.low.first(document)) {
            self.found.push((whole(high, low), score));
        }
    }

    fn harvest(self) -> Vec<(RecordId, f32)> {
        self.found
    }
}
