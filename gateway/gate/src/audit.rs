//! The log of decisions: append-only, one JSON object a line, each chained to the one before by its hash.
//!
//! A line holds the hash of the line before it, so that nobody can change, remove or insert one without breaking the chain
//! behind it. The head (number and hash of the last line) is what to keep elsewhere: it proves that nothing was cut off the
//! end. Several processes may write to one file; each appends under a lock.

use datasets::digest;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What was decided or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The weight was raised.
    Raise,
    /// The weight was lowered, but not to nothing.
    Lower,
    /// The weight was set back, to the last safe rung or to nothing.
    Rollback,
    /// Somebody set the weight.
    Set,
    /// The weight was left alone.
    Stay,
    /// It was asked only what would happen.
    DryRun,
    /// Copies are offered to nobody any more.
    ShadowPause,
    /// Copies are offered again.
    ShadowResume,
    /// An alarm was raised.
    Alarm,
    /// Something was tried and did not work.
    Failure,
    /// Somebody began or ceased to lead.
    Lead,
}

/// What a decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `go`, `hold` or `no-go`.
    pub verdict: judge::verdict::Decision,
    /// SHA-256 of the verdict's bytes, hexadecimal.
    pub digest: String,
    /// Time of its newest evidence.
    pub created_at: String,
    /// SHA-256 of the policy it was judged by.
    pub policy_digest: String,
    /// Epoch judged.
    pub epoch: u64,
    /// Weight judged, percent.
    pub weight_percent: f64,
    /// Fingerprint of the key that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What was decided.
    pub what: What,
    /// By whose hand: `gate`, `autopilot`, `live-guard`, `token`, `console`, `config`, `gateway`, `pipeline`.
    pub who: String,
    /// Name of the process or replica, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
    /// Migration.
    pub migration: String,
    /// Where the weight lives, without secrets.
    pub target: String,
    /// Candidate weight before, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_percent: Option<f64>,
    /// Candidate weight after, or the one that would be, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_percent: Option<f64>,
    /// Epoch in force afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Why, for people. Never holds content, keys or prompts.
    pub why: String,
    /// From what evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the line, from 1.
    pub n: u64,
    /// SHA-256 of the line before, hexadecimal, its line feed left out; of the first line 64 zeros.
    pub previous: String,
    /// The decision.
    pub entry: Entry,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Lines in the file.
    pub lines: u64,
    /// SHA-256 of the last line, hexadecimal; 64 zeros where there is none.
    pub hash: String,
}

/// Why a decision was not logged.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk said no.
    #[error(transparent)]
    File(#[from] datasets::file::FileError),
    /// The last line is none of ours.
    #[error("{path}: the last line is no line of an audit log; `weighbridge audit verify` says more")]
    Broken {
        /// File.
        path: PathBuf,
    },
}

/// An audit log. Opened anew for each line: lines are few, and several processes share the file.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// A log in this file, which is created with the first line.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, and returns when it is on disk.
    ///
    /// # Errors
    /// See [`AuditError`]; then nothing was appended.
    pub fn append(&self, entry: &Entry) -> Result<Head, AuditError> {
        let failed = |source| AuditError::File(datasets::file::FileError::new(&self.path, source));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let head = self.head_of(&mut file)?;
        let line = Line { n: head.lines + 1, previous: head.hash, entry: entry.clone() };
        let mut text = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        let hash = digest::of_bytes(&text);
        text.push(b'\n');
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(failed)?;
        Ok(Head { lines: line.n, hash })
    }

    /// All decisions, the oldest first; none where there is no file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is no audit log.
    pub fn read(&self) -> Result<Vec<Entry>, AuditError> {
        let failed = |source| AuditError::File(datasets::file::FileError::new(&self.path, source));
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let entry = |line: &str| serde_json::from_str::<Line>(line).map(|line| line.entry);
        text.lines().map(entry).collect::<Result<_, _>>().map_err(|_| AuditError::Broken { path: self.path.clone() })
    }

    fn head_of(&self, file: &mut File) -> Result<Head, AuditError> {
        let failed = |source| AuditError::File(datasets::file::FileError::new(&self.path, source));
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text)).map_err(failed)?;
        let Some(last) = text.lines().last() else { return Ok(Head { lines: 0, hash: "0".repeat(64) }) };
        let line: Line = serde_json::from_str(last).map_err(|_| AuditError::Broken { path: self.path.clone() })?;
        Ok(Head { lines: line.n, hash: digest::of_bytes(last.as_bytes()) })
    }
}
