//! The answers of a batch, found by their `custom_id`.
//!
//! They are laid down in a temporary file, and only where they stand is kept in memory, 32 bytes each. The bound is a
//! number of answers; a batch of OpenAI has 50,000 at most, so only somebody who puts very many batches together comes to
//! it, and is told to import them one by one.

use crate::digest;
use crate::import::ImportError;
use crate::import::row::Row;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

/// Answers that are held.
const ANSWERS_MAX: usize = 2 * 1024 * 1024;

/// The answers.
pub(super) struct Answers {
    file: BufWriter<File>,
    bytes: u64,
    /// Digest of the id, and where the answer stands.
    places: HashMap<u64, (u64, usize)>,
    written: bool,
}

impl Answers {
    /// None yet.
    ///
    /// # Errors
    /// There can be no temporary file.
    pub(super) fn new() -> Result<Self, ImportError> {
        let file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        Ok(Self { file, bytes: 0, places: HashMap::new(), written: false })
    }

    /// Answers for which no request was seen.
    pub(super) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// Takes a row of an output file.
    ///
    /// # Errors
    /// The row has no id, or one that was there before; the file cannot be written; there are too many.
    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<(), ImportError> {
        let id = row.text("custom_id")?.ok_or_else(|| row.wrong("custom_id", "a text"))?;
        match row.json("response")? {
            Some(response) => status(&Row::parse(row.place.clone(), response.as_bytes())?).map(|_| ())?,
            None if row.json("error")?.is_some() => {}
            None => return Err(row.wrong("response", "an object, or `error` instead of it")),
        }
        let key = digest::short(id.as_bytes());
        if self.places.contains_key(&key) {
            let message = "`custom_id` has an answer already, and the first one is kept; import batches one by one";
            return Err(row.place.wrong(message));
        }
        if self.places.len() >= ANSWERS_MAX {
            let message = format!("there are more than {ANSWERS_MAX} answers; import the batches one by one");
            return Err(ImportError::broken(&row.place.path, row.place.line, message));
        }
        let text = row.as_json();
        self.file.write_all(&text).map_err(failed)?;
        self.places.insert(key, (self.bytes, text.len()));
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// The row with the answer to a request, which is then gone.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn take(&mut self, id: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let Some((start, length)) = self.places.remove(&digest::short(id.as_bytes())) else { return Ok(None) };
        if !self.written {
            self.file.flush().map_err(failed)?;
            self.written = true;
        }
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut text = vec![0; length];
        file.read_exact(&mut text).map_err(failed)?;
        Ok(Some(text))
    }
}

/// The HTTP status of a response.
///
/// # Errors
/// There is none.
pub(super) fn status(response: &Row<'_>) -> Result<u16, ImportError> {
    let status = response.count("status_code")?.and_then(|status| u16::try_from(status).ok());
    status.ok_or_else(|| response.wrong("status_code", "the HTTP status of the answer"))
}

fn failed(source: std::io::Error) -> ImportError {
    ImportError::file(&std::env::temp_dir(), source)
}
