//! Logs of other tools, read as request logs.
//!
//! ```text
//! file ─► Input (gzip, zstd, plain) ─► detect ─► one Reader a format ─► Entry ─► finish: id, time, redaction, prompt
//! ```
//!
//! A reader knows one format and nothing else: it turns one row into an [`Entry`](entry::Entry), in which everything the
//! row does not tell is absent. What all formats need is done once, behind them: ids that can be sent in a header,
//! instants, the removal of credentials and personal data ([`redact`](crate::redact)), and prompts of the right length
//! for traces that have none ([`filler`]).
//!
//! Everything streams: memory does not grow with the file. A row that cannot be used is an error with its file, line and
//! member; the caller stops there or skips and counts it ([`ImportOptions::strict`]).

mod answered;
mod azure_llm;
mod burstgpt;
mod calls;
mod decimal;
mod detect;
mod documents;
mod entry;
mod error;
mod exchange;
mod failure;
mod filler;
mod finish;
mod format;
mod goreplay;
mod guidellm;
mod har;
mod helicone;
mod higress;
mod in_turn;
mod input;
mod instant;
mod langfuse;
mod litellm;
mod made;
mod mooncake;
mod nginx;
mod number;
mod openai_batch;
mod otlp;
mod own;
mod readers;
mod reply;
mod report;
mod row;
mod rows;
mod servegen;
mod sharegpt;
mod table;

mod vllm;
mod write;

pub use error::ImportError;
pub use format::{Field, LogFormat, UnknownFormat};
pub use report::{Report, Skip};

use crate::redact::Redactor;
use crate::{LoggedRequest, digest};
use entry::Reader;
use finish::Finish;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a caller may choose.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The format; `None` looks at the file.
    pub format: Option<LogFormat>,
    /// Stop at the first row that cannot be used, instead of skipping and counting it.
    pub strict: bool,
    /// What is removed from bodies and answers.
    pub redactor: Redactor,
    /// Salt of the digests that stand for keys, users and other identifiers.
    pub salt: String,
    /// Seed of generated prompts and of the jitter within a coarse clock.
    pub seed: u64,
    /// Model that is asked for where the log does not name one.
    pub model: String,
    /// Requests whose body the log does not have (traces without text, data sets of prompts) are streamed.
    pub stream: bool,
    /// Share of generated prompts that are Chinese, 0 to 100; the others are English.
    pub chinese_percent: u8,
    /// Names of the columns of an access log, TOML; see [`LogFormat::Nginx`].
    pub mapping: Option<PathBuf>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            format: None,
            strict: false,
            redactor: Redactor::default(),
            salt: "weighbridge".to_owned(),
            seed: 1,
            model: "gpt-4o-mini".to_owned(),
            stream: true,
            chinese_percent: 0,
            mapping: None,
        }
    }
}

impl ImportOptions {
    /// The digest that stands for an identifier.
    pub(crate) fn pseudonym(&self, text: &str) -> String {
        digest::content(&self.salt, text)
    }
}

/// Requests of one or several files, in the order of the files. Ends after the first error that reading cannot go on
/// after, and, if strict, after the first error.
pub struct Import {
    format: LogFormat,
    source: Source,
    strict: bool,
    ended: bool,
}

enum Source {
    /// Needs nothing: what weighbridge wrote is as it has to be, byte for byte.
    Own(Box<own::Own>),
    Foreign {
        reader: Box<dyn Reader>,
        finish: Box<Finish>,
    },
}

impl std::fmt::Debug for Import {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Import").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Opens files of one format; `-` is standard input. Files may be packed with gzip or zstd.
///
/// # Errors
/// A file cannot be read, its format is not known, or the files have different ones.
pub fn open(paths: &[PathBuf], options: ImportOptions) -> Result<Import, ImportError> {
    let (format, inputs) = detect::open(paths, &options)?;
    start(format, inputs, options)
}

/// As [`open`], for one log from any source, which may be packed as a file may be; `name` stands for it in messages.
///
/// # Errors
/// The source cannot be read, or its format is not known.
pub fn from_reader(name: &Path, source: Box<dyn Read + Send>, options: ImportOptions) -> Result<Import, ImportError> {
    let input = input::Input::unpack(name, source).map_err(|source| ImportError::file(name, source))?;
    let inputs = vec![input];
    let format = detect::tell(&inputs, &options)?;
    start(format, inputs, options)
}

fn start(format: LogFormat, inputs: Vec<input::Input>, options: ImportOptions) -> Result<Import, ImportError> {
    let strict = options.strict;
    let source = if format == LogFormat::Own {
        Source::Own(Box::new(own::Own::open(inputs)?))
    } else {
        let reader = format.reader(inputs, &options)?;
        Source::Foreign { reader, finish: Box::new(Finish::new(options)) }
    };
    Ok(Import { format, source, strict, ended: false })
}

impl Import {
    /// The format of the files.
    #[must_use]
    pub const fn format(&self) -> LogFormat {
        self.format
    }

    /// What has been read so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        match &self.source {
            Source::Own(own) => own.report(),
            Source::Foreign { finish, .. } => finish.report(),
        }
    }

    fn skip(&mut self, error: &ImportError) {
        match &mut self.source {
            Source::Own(own) => own.skip(error),
            Source::Foreign { finish, .. } => finish.skip(error),
        }
    }

    /// Whether the log has no times. Known once the first request was read.
    #[must_use]
    pub fn is_untimed(&self) -> bool {
        match &self.source {
            Source::Own(own) => own.is_untimed(),
            Source::Foreign { finish, .. } => finish.is_untimed(),
        }
    }
}

impl Iterator for Import {
    type Item = Result<LoggedRequest, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let request = match &mut self.source {
                Source::Own(own) => own.next_request(),
                Source::Foreign { reader, finish } => {
                    let entry = reader.next_entry();
                    finish.pass_over(reader.passed_over());
                    if let Some(note) = reader.take_note() {
                        finish.note(note);
                    }
                    match entry {
                        Ok(Some(entry)) => finish.request(entry).map(Some),
                        Ok(None) => Ok(None),
                        Err(error) => Err(error),
                    }
                }
            };
            match request {
                Ok(None) => break,
                Ok(Some(request)) => return Some(Ok(request)),
                Err(error) if error.is_of_a_row() && !self.strict => self.skip(&error),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.ended = true;
        None
    }
}

#[cfg(test)]
mod crossing;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
