//! BM25 over a few thousand texts in memory: tantivy with the product's analysis, and its constants (k1 = 1.2, b = 0.75).

use crate::text::{ANALYZER, analyzer, terms};
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, Searcher, TantivyDocument, TantivyError, Term};

/// The memory that writing may use, in bytes.
const WRITER_BYTES: usize = 20 << 20;

/// An index of texts, each found by its place among them.
pub(super) struct Bm25 {
    searcher: Searcher,
    text: Field,
    count: usize,
}

impl Bm25 {
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Bm25, TantivyError> {
        let mut schema = Schema::builder();
        let indexing =
            TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let index = Index::create(RamDirectory::create(), schema.build(), tantivy::IndexSettings::default())?;
        index.tokenizers().register(ANALYZER, analyzer());
        // One thread keeps the order: a document's number is the place of its text.
        let mut writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        let mut count = 0;
        for said in texts {
            let mut document = TantivyDocument::new();
            document.add_text(text, said);
            writer.add_document(document)?;
            count += 1;
        }
        writer.commit()?;
        Ok(Bm25 { searcher: index.reader()?.searcher(), text, count })
    }

    /// The places of all texts that share a term with a question, with their scores.
    pub(super) fn search(&self, question: &str) -> Result<Vec<(usize, f64)>, TantivyError> {
        let query = |term: String| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(self.text, &term), IndexRecordOption::WithFreqs))
        };
        let query = BooleanQuery::union(terms(question).into_iter().map(query).collect());
        let found = self.searcher.search(&query, &TopDocs::with_limit(self.count.max(1)).order_by_score())?;
        let place = |document: u32| usize::try_from(document).unwrap_or(usize::MAX);
        Ok(found.into_iter().map(|(score, address)| (place(address.doc_id), f64::from(score))).collect())
    }
}
