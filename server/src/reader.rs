//! What messages are understood by: the lexicon, with the workspace's own files, and a language model where one is to be
//! asked.
//!
//! INVARIANT: a file of a lexicon that cannot be read is left out and told; it disables nothing else.

use crate::folder::Folder;
use crate::proposer::Proposer;
use memory::model::Model;
use rules::{Code, Correction, Diagnostic, Lexicon, Span, Understanding};
use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest file of a lexicon that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// Understands messages.
#[derive(Debug)]
pub struct Reader {
    lexicon: Cow<'static, Lexicon>,
    proposer: Option<Proposer>,
}

impl Reader {
    /// The reader of a workspace, and what is wrong with its own lexicon.
    pub(crate) fn of(folder: &Folder) -> (Self, Vec<Diagnostic>) {
        let (mut lexicon, mut faults) = (Cow::Borrowed(Lexicon::builtin()), Vec::new());
        for path in files(&folder.path("lexicon")) {
            let name = folder.shown(&path);
            match text(&path, &name).and_then(|text| lexicon.with(&text, &name)) {
                Ok(more) => lexicon = Cow::Owned(more),
                Err(fault) => faults.push(fault),
            }
        }
        (Self { lexicon, proposer: None }, faults)
    }

    /// The same reader, which asks a model about what the grammar leaves open.
    #[must_use]
    pub fn asking(self, model: Arc<dyn Model>) -> Self {
        Self { proposer: Some(Proposer::new(model)), ..self }
    }

    /// What the model that was asked came to, in one line; nothing where none is asked.
    pub fn asked(&self) -> Option<String> {
        self.proposer.as_ref().map(Proposer::told)
    }

    /// The lexicon.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Reads a message.
    pub fn understand(&self, correction: &Correction) -> Understanding {
        let understood = rules::understand(correction, &self.lexicon);
        match &self.proposer {
            Some(proposer) => proposer.complete(correction, understood),
            None => understood,
        }
    }
}

/// The files of a lexicon in a folder, in the order of their names; hidden ones, such as an editor's, are none.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_lexicon = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        path.extension().is_some_and(|extension| extension == "toml") && !is_hidden && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries.filter(is_lexicon).collect();
    files.sort();
    files
}

/// The text of a file of a lexicon.
pub(crate) fn text(path: &Path, name: &str) -> Result<String, Diagnostic> {
    let size = fs::metadata(path).map(|about| about.len());
    let read = match size {
        Ok(size) if size > MOST_BYTES => Err(io::Error::other("this file is longer than 4 MiB")),
        Ok(_) => fs::read_to_string(path),
        Err(error) => Err(error),
    };
    read.map_err(|error| {
        let fault = Diagnostic::of(Code::RuleFileSyntax, error.to_string().to_lowercase());
        fault.help("make the lexicon file readable, as UTF-8").at(Span::on(name, 1, 1, 1, ""))
    })
}
