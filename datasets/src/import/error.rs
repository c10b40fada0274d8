//! What can be wrong with a foreign log.

use crate::ReadError;
use crate::file::FileError;
use std::path::{Path, PathBuf};

/// Why a log, or a row of it, cannot be imported. Messages never hold content of the log beyond names of members.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A file of weighbridge's own that cannot be read.
    #[error(transparent)]
    Own(#[from] ReadError),
    /// Nobody knows what the file is.
    #[error("{path}: {message}")]
    Format {
        /// File.
        path: PathBuf,
        /// What was found, expected, and what to do.
        message: String,
    },
    /// One row cannot be used; reading can go on behind it.
    #[error("{path}, line {line}: {message}")]
    Row {
        /// File.
        path: PathBuf,
        /// Line on which the row begins, from 1.
        line: u64,
        /// Member, found and expected.
        message: String,
    },
    /// The file is broken at this place, and nothing behind it can be told apart.
    #[error("{path}, line {line}: {message}; what follows cannot be read")]
    Broken {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Found and expected.
        message: String,
    },
    /// The request log cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// As before, where its name is not known.
    #[error("cannot write the request log: {0}")]
    Output(std::io::Error),
    /// The caller's options do not fit the log.
    #[error("{0}")]
    Options(String),
}

impl ImportError {
    pub(crate) fn row(path: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Row { path: path.to_owned(), line, message: message.into() }
    }

    pub(crate) fn broken(path: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Broken { path: path.to_owned(), line, message: message.into() }
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// Whether only one row is lost.
    #[must_use]
    pub const fn is_of_a_row(&self) -> bool {
        matches!(self, Self::Row { .. } | Self::Own(ReadError::Line { .. }))
    }
}
