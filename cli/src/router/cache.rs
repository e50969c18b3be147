//! Vectors by the hash of their text, in a file: measuring embeds the same texts again and again.

use memory::embed::{EmbedError, Embedder, EmbedderId};
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const HASH_BYTES: usize = 32;

/// An embedder that computes each text once.
#[derive(Debug)]
pub(super) struct Cached {
    embedder: Arc<dyn Embedder>,
    file: PathBuf,
    vectors: Mutex<HashMap<[u8; HASH_BYTES], Vec<f32>>>,
}

impl Cached {
    /// Reads what is there of this embedder; a file that breaks off is read as far as it goes.
    pub(super) fn open(embedder: Arc<dyn Embedder>, folder: &Path) -> io::Result<Cached> {
        fs::create_dir_all(folder)?;
        let name = blake3::hash(embedder.id().to_string().as_bytes()).to_hex();
        let file = folder.join(format!("{}.vectors", name.chars().take(16).collect::<String>()));
        let bytes = if file.is_file() { fs::read(&file)? } else { Vec::new() };
        let vectors = bytes.chunks_exact(HASH_BYTES + 4 * embedder.id().dimension).filter_map(|entry| {
            let (hash, numbers) = entry.split_first_chunk::<HASH_BYTES>()?;
            Some((*hash, numbers.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
        });
        let vectors = Mutex::new(vectors.collect());
        Ok(Cached { embedder, file, vectors })
    }

    /// Writes what is known by now.
    pub(super) fn save(&self) -> io::Result<()> {
        let vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out =
            io::BufWriter::new(tempfile::NamedTempFile::new_in(self.file.parent().unwrap_or(Path::new(".")))?);
        for (hash, vector) in vectors.iter() {
            out.write_all(hash)?;
            vector.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.persist(&self.file)?;
        Ok(())
    }
}

impl Embedder for Cached {
    fn id(&self) -> &EmbedderId {
        self.embedder.id()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let hash = |text: &&str| *blake3::hash(text.as_bytes()).as_bytes();
        let known = || self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<&str> = {
            let known = known();
            texts.iter().copied().filter(|text| !known.contains_key(&hash(text))).collect()
        };
        if !missing.is_empty() {
            let vectors = self.embedder.embed(&missing)?;
            known().extend(missing.iter().map(hash).zip(vectors));
        }
        let known = known();
        Ok(texts.iter().filter_map(|text| known.get(&hash(text)).cloned()).collect())
    }

    fn is_semantic(&self) -> bool {
        self.embedder.is_semantic()
    }
}
