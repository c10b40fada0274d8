//! What the named files are: exchange records, or request logs.

use crate::outcome::Failure;
use datasets::Format;
use datasets::read::unpacked;
use serde::Deserialize;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// Bytes of a first line that are looked at: more than any header has.
const HEADER_BYTES_MAX: u64 = 64 * 1024;

/// The kinds of files that a plan can be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Exchange records, in which there may be pairs; also what is no log for certain, so that its error is theirs.
    Records,
    /// Request logs, our own or another tool's.
    Log,
}

/// The kind of all files; standard input and no file at all are records.
///
/// # Errors
/// Some are records and some are logs.
pub(super) fn of(paths: &[PathBuf]) -> Result<Source, Failure> {
    let log = paths.iter().find(|path| kind(path) == Source::Log);
    let records = paths.iter().find(|path| kind(path) == Source::Records);
    match (log, records) {
        (Some(log), Some(records)) => Err(Failure::usage(format!(
            "{} is a request log and {} is not: a plan is made from one kind of file; name the records alone if there are \
             pairs in them, they tell more than a log",
            log.display(),
            records.display()
        ))),
        (Some(_), None) => Ok(Source::Log),
        (None, _) => Ok(Source::Records),
    }
}

#[derive(Deserialize)]
struct Told {
    format: Format,
}

fn kind(path: &Path) -> Source {
    if path == Path::new("-") {
        return Source::Records;
    }
    let mut first = Vec::new();
    let read = unpacked(path).and_then(|source| source.take(HEADER_BYTES_MAX).read_until(b'\n', &mut first));
    // A file that cannot be read, an empty one and a table of columns are for the reader of records to judge.
    if read.is_err() || first.is_empty() || first.starts_with(b"PAR1") {
        return Source::Records;
    }
    match serde_json::from_slice::<Told>(&first) {
        Ok(Told { format: Format::Exchanges | Format::Labels }) => Source::Records,
        Ok(Told { format: Format::Requests }) | Err(_) => Source::Log,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_line_and_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let header =
            |format: &str| format!("{{\"format\":\"weighbridge.{format}\",\"version\":\"1.0\",\"creator\":\"t\"}}\n");
        let records = file("records.ndjson", &header("exchanges"));
        let log = file("log.ndjson", &header("requests"));
        let trace = file("trace.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n");
        assert_eq!(of(&[]).unwrap(), Source::Records);
        assert_eq!(of(&[folder.path().join("nowhere")]).unwrap(), Source::Records);
        assert_eq!(of(std::slice::from_ref(&records)).unwrap(), Source::Records);
        assert_eq!(of(&[log.clone(), trace]).unwrap(), Source::Log);
        let message = of(&[records, log]).unwrap_err().message;
        assert!(message.contains("log.ndjson is a request log") && message.contains("records alone"), "{message}");
    }
}
