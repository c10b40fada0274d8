//! An import as a request log of weighbridge's own.

use super::{Import, ImportError};
use crate::file::{FileError, Packed, stream_whole};
use crate::{Format, Header, Redaction};
use std::io::Write;
use std::path::Path;

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;
/// Requests between two reports of progress.
const REPORT_REQUESTS: u64 = 4096;

impl Import {
    /// Writes all requests as a request log. `progress` is told the number of requests now and then.
    ///
    /// # Errors
    /// As the iterator; and `out` cannot be written.
    pub fn write(&mut self, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<(), ImportError> {
        let failed = |error: std::io::Error| ImportError::Output(error);
        // Whether the log has times is known with its first request.
        let first = self.next().transpose()?;
        let mut header = Header::new(Format::Requests, Redaction::Full);
        header.creator = format!("{}, import from {}", header.creator, self.format());
        header.untimed = self.is_untimed();
        if !header.untimed {
            "times are microseconds since the Unix epoch or the start of the log".clone_into(&mut header.clock);
        }
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
        line(&mut buffer, &header).map_err(failed)?;
        let mut number = 0;
        let mut next = first;
        while let Some(request) = next {
            line(&mut buffer, &request).map_err(failed)?;
            number += 1;
            if buffer.len() >= BUFFER_BYTES {
                out.write_all(&buffer).map_err(failed)?;
                buffer.clear();
            }
            if number % REPORT_REQUESTS == 0 {
                progress(number);
            }
            next = self.next().transpose()?;
        }
        out.write_all(&buffer).and_then(|()| out.flush()).map_err(failed)?;
        progress(number);
        Ok(())
    }

    /// As [`Import::write`], into a file that is whole or not there; a name that ends in `.zst` is packed with zstd.
    ///
    /// # Errors
    /// As [`Import::write`].
    pub fn write_file(&mut self, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), ImportError> {
        let named = |error: ImportError| match error {
            ImportError::Output(source) => ImportError::Write(FileError::new(path, source)),
            other => other,
        };
        stream_whole(path, |out| {
            if path.extension().is_none_or(|extension| extension != "zst") {
                return self.write(out, progress);
            }
            let mut packed = Packed::new(out).map_err(ImportError::Output)?;
            self.write(&mut packed, progress)?;
            packed.finish().map_err(ImportError::Output)
        })
        .map_err(named)
    }
}

fn line<T: serde::Serialize>(buffer: &mut Vec<u8>, value: &T) -> std::io::Result<()> {
    serde_json::to_writer(&mut *buffer, value)?;
    buffer.push(b'\n');
    Ok(())
}
