//! Services that judge texts over HTTP, without the HTTP: what each is asked, and what its answer says.
//!
//! A [`Backend`] cuts a text into pieces that its service takes, writes the request for each piece, and reads the answer
//! to it. All of that is pure: the clock's time and a number that is used once come as [`Moment`], and whoever carries the
//! [`Call`] decides about connections, deadlines and memory.
//!
//! One rule holds for every reader: what is not understood is [`Failure::Malformed`], never a harmless text. A level that
//! has no known name, a score that is missing, a word that is not of the model's language: the service has then not said
//! that the text is safe.

mod label;
mod merge;
mod openai;
mod pieces;
mod secret;

pub use merge::joined;
pub use openai::{OpenAi, Thresholds};
pub use pieces::Cut;
pub use secret::Secret;

use crate::verdict::{Failure, Phase, Verdict};
use std::fmt;
use std::ops::Range;

/// One configured service.
#[derive(Debug, Clone, PartialEq)]
pub enum Backend {
    /// OpenAI's moderation endpoint, or one of its shape.
    OpenAi(OpenAi),
}

/// What a request needs from the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since the Unix epoch.
    pub now_us: i64,
    /// Never the same twice.
    pub nonce: u128,
}

/// A request by POST.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Where to.
    pub url: String,
    /// Names in lower case, and values. Some are secret.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `content-type` is among the headers.
    pub body: Vec<u8>,
}

/// Neither values of headers, which may be keys, nor the text that is judged.
impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        formatter
            .debug_struct("Call")
            .field("url", &self.url)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl Backend {
    /// Where the text is cut: bytes, on character boundaries, in order, overlapping; together they cover the text. Nothing
    /// for a text without a visible character.
    #[must_use]
    pub fn pieces(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::OpenAi(backend) => backend.cut.pieces(text),
        }
    }

    /// Whether pieces of one session have to be judged in order, and mean something else with their session than without.
    #[must_use]
    pub const fn chains(&self) -> bool {
        match self {
            Self::OpenAi(_) => false,
        }
    }

    /// The request that has `piece` judged. `session` names the answer that the piece is a part of, for services that
    /// remember.
    #[must_use]
    pub fn call(&self, _phase: Phase, piece: &str, _session: Option<&str>, _moment: &Moment) -> Call {
        match self {
            Self::OpenAi(backend) => backend.call(piece),
        }
    }

    /// What the answer says of `piece`. Spans are bytes of the piece.
    ///
    /// # Errors
    /// [`Failure::Refused`] if the service answered with an error, [`Failure::Malformed`] if it cannot be understood.
    pub fn read(&self, _piece: &str, status: u16, body: &[u8]) -> Result<Verdict, Failure> {
        if status != 200 {
            return Err(Failure::Refused);
        }
        match self {
            Self::OpenAi(backend) => backend.read(body),
        }
    }
}
