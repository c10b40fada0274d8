//! What can go wrong with an evaluation, and whose turn it is then.

use crate::parquet::ParquetError;
use datasets::ReadError;
use std::path::PathBuf;
use wire::price::TariffError;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The call or the data are wrong: the user can mend it.
    Usage,
    /// Disk or permissions.
    World,
    /// A fault of this program.
    Bug,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// A file or a line cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A Parquet file cannot be read.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// A folder cannot be listed, or standard input not be kept.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    Folder {
        /// Folder or file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A folder without record files.
    #[error(
        "{path} holds no file named *.ndjson, *.ndjson.zst or *.parquet with exchange records; name another folder or the files"
    )]
    NoFiles {
        /// Folder.
        path: PathBuf,
    },
    /// Files without records.
    #[error("no exchange to judge in {files}; run `weighbridge replay` or the gateway first, or name other files")]
    NoRecords {
        /// File names.
        files: String,
    },
    /// No records of the epochs that were asked for.
    #[error("no exchange yet since epoch {epoch}")]
    NoRecordsSince {
        /// First epoch that counts.
        epoch: u64,
    },
    /// More rows than can be numbered.
    #[error("{found} exchanges are more than the {most} that can be judged at once; name fewer files")]
    TooManyRows {
        /// Rows read.
        found: usize,
        /// Rows that can be judged.
        most: usize,
    },
    /// More labelled metrics than can be judged.
    #[error("{0}; name fewer label files")]
    Plan(#[from] judge::counters::PlanError),
    /// Several migrations at once.
    #[error("the records hold {} migrations ({}); choose one of them with --migration", .names.len(), .names.join(", "))]
    SeveralMigrations {
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// The migration asked for is not there.
    #[error("no exchange of migration `{wanted}`; the records hold {}", .names.join(", "))]
    UnknownMigration {
        /// Asked for.
        wanted: String,
        /// Names in the records, sorted.
        names: Vec<String>,
    },
    /// A weight outside its range.
    #[error("the weight to judge at is {found}; expected percent from 0 to 100")]
    Weight {
        /// As given.
        found: f64,
    },
    /// Two labels for one answer that contradict each other.
    #[error(
        "{path}, line {line}: label `{metric}` of request `{request}` contradicts an earlier one for the same answer; \
         keep one of them, or give each judge a metric name of its own"
    )]
    LabelConflict {
        /// File of the later label.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Metric.
        metric: String,
        /// Request.
        request: String,
    },
    /// A label metric that is named like a guardrail which every verdict has.
    #[error(
        "{path}, line {line}: label metric `{metric}` is the name of a fixed guardrail; \
         give the metric another name, such as `label_{metric}`"
    )]
    LabelNameTaken {
        /// File of the label.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Metric.
        metric: String,
    },
    /// Answers were asked for, and standard input cannot be read twice.
    #[error(
        "answers are taken from a second reading of the records, and standard input can be read only once; write it to a \
         file and name that, or leave out --with-answers"
    )]
    AnswersOfInput,
    /// A replay summary that is none.
    #[error("{path}: {message}; name the JSON that `weighbridge replay` wrote")]
    Summary {
        /// File.
        path: PathBuf,
        /// What was found and expected.
        message: String,
    },
    /// The price table that comes with this version cannot be read.
    #[error(transparent)]
    Tariff(#[from] TariffError),
}

impl EvaluateError {
    /// Whose turn it is, for the exit code.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(ReadError::File { source, .. })
            | Self::Parquet(ParquetError::File { source, .. })
            | Self::Folder { source, .. } => kind_of(source),
            Self::Parquet(ParquetError::Encode { .. }) => ErrorKind::Bug,
            Self::Read(_)
            | Self::Parquet(_)
            | Self::NoFiles { .. }
            | Self::NoRecords { .. }
            | Self::NoRecordsSince { .. }
            | Self::TooManyRows { .. }
            | Self::Plan(_)
            | Self::SeveralMigrations { .. }
            | Self::UnknownMigration { .. }
            | Self::Weight { .. }
            | Self::AnswersOfInput
            | Self::LabelConflict { .. }
            | Self::LabelNameTaken { .. }
            | Self::Summary { .. } => ErrorKind::Usage,
            Self::Tariff(_) => ErrorKind::Bug,
        }
    }
}

/// A path that does not exist is a mistake in the call; anything else is the machine's.
fn kind_of(source: &std::io::Error) -> ErrorKind {
    if source.kind() == std::io::ErrorKind::NotFound { ErrorKind::Usage } else { ErrorKind::World }
}
