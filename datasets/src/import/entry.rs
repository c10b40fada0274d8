//! What a reader makes of one row: what the row tells, and nothing more.

use super::ImportError;
use crate::Recorded;
use serde_json::value::RawValue;
use std::path::PathBuf;
use wire::Endpoint;

/// Reads one format. Pull by pull, in memory that does not grow with the file.
pub(crate) trait Reader: Send {
    /// The next request; `None` at the end. After an error [of a row](ImportError::is_of_a_row) reading goes on behind
    /// it.
    ///
    /// # Errors
    /// The row cannot be used, or the file cannot be read.
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError>;

    /// Rows so far that are sound but no calls that can be played: health checks, images, spans of other work.
    fn passed_over(&self) -> u64 {
        0
    }

    /// What the user should know of how the log was read, said once.
    fn take_note(&mut self) -> Option<String> {
        None
    }
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Line on which it begins, from 1.
    pub(crate) line: u64,
}

impl Place {
    pub(crate) fn wrong(&self, message: impl Into<String>) -> ImportError {
        ImportError::row(&self.path, self.line, message)
    }
}

/// One request of a foreign log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    /// The source's own id, any text.
    pub(crate) id: Option<String>,
    /// When it was sent, microseconds since the Unix epoch or since the start of the log.
    pub(crate) at_us: Option<i64>,
    /// Conversation, any text.
    pub(crate) session: Option<Identity>,
    /// Who asked.
    pub(crate) consumer: Option<Identity>,
    pub(crate) endpoint: Endpoint,
    pub(crate) content: Content,
    pub(crate) recorded: Option<Recorded>,
}

/// Text that says who or what something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A name that may stay as it is, such as a team's or a generated id.
    Name(String),
    /// A key, an address or a person: only its digest is kept.
    Secret(String),
}

/// What was asked.
#[derive(Debug)]
pub(crate) enum Content {
    /// The body of the call.
    Body(Box<RawValue>),
    /// Only sizes: a prompt of this length is made up.
    Lengths(Lengths),
}

/// The sizes of a request without text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) prompt_tokens: u64,
    /// Becomes `max_tokens`.
    pub(crate) completion_tokens: Option<u64>,
    /// Hashes of the prompt's leading blocks: equal leading hashes stand for an equal beginning of the text.
    pub(crate) prefix_blocks: Vec<u64>,
    /// Tokens of such a block.
    pub(crate) block_tokens: u64,
    /// Model asked for, if the trace names one.
    pub(crate) model: Option<String>,
}

impl Entry {
    /// A chat request of which only place and content are known.
    pub(crate) const fn new(place: Place, content: Content) -> Self {
        Self {
            place,
            id: None,
            at_us: None,
            session: None,
            consumer: None,
            endpoint: Endpoint::Chat,
            content,
            recorded: None,
        }
    }
}
