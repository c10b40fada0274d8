//! Services that judge texts over HTTP, without the HTTP: what each is asked, and what its answer says.
//!
//! A [`Backend`] cuts a text into pieces that its service takes, writes the request for each piece, and reads the answer
//! to it. All of that is pure: the clock's time and a number that is used once come as [`Moment`], and whoever carries the
//! [`Call`] decides about connections, deadlines and memory.
//!
//! One rule holds for every reader: what is not understood is [`Failure::Malformed`], never a harmless text. A level that
//! has no known name, a score that is missing, a word that is not of the model's language: the service has then not said
//! that the text is safe.

mod aliyun;
mod azure;
mod guard_model;
mod label;
mod locate;
mod merge;
mod openai;
mod pieces;
mod secret;

pub use aliyun::{Action, Aliyun};
pub use azure::{Azure, AzureCheck};
pub use guard_model::{Dialect, GuardModel};
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
    /// Alibaba Cloud's content safety.
    Aliyun(Aliyun),
    /// Azure's content safety.
    Azure(Azure),
    /// A model that was made to judge.
    GuardModel(GuardModel),
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
        let cut = match self {
            Self::OpenAi(backend) => backend.cut,
            Self::Aliyun(backend) => backend.cut,
            Self::Azure(backend) => backend.cut,
            Self::GuardModel(backend) => backend.cut,
        };
        cut.pieces(text)
    }

    /// Whether the service remembers sessions: pieces of one have to be judged in order, and a verdict holds for the piece
    /// behind those before it.
    #[must_use]
    pub const fn chains(&self) -> bool {
        matches!(self, Self::Aliyun(_))
    }

    /// The request that has `piece` judged. `session` names the answer that the piece is a part of, for services that
    /// remember.
    #[must_use]
    pub fn call(&self, phase: Phase, piece: &str, session: Option<&str>, moment: &Moment) -> Call {
        match self {
            Self::OpenAi(backend) => backend.call(piece),
            Self::Aliyun(backend) => backend.call(phase, piece, session, moment),
            Self::Azure(backend) => backend.call(phase, piece),
            Self::GuardModel(backend) => backend.call(phase, piece),
        }
    }

    /// What the answer says of `piece`. Spans are bytes of the piece.
    ///
    /// # Errors
    /// [`Failure::Refused`] if the service answered with an error, [`Failure::Malformed`] if it cannot be understood.
    pub fn read(&self, piece: &str, status: u16, body: &[u8]) -> Result<Verdict, Failure> {
        if status != 200 {
            return Err(Failure::Refused);
        }
        match self {
            Self::OpenAi(backend) => backend.read(body),
            Self::Aliyun(backend) => backend.read(piece, body),
            Self::Azure(backend) => backend.read(piece, body),
            Self::GuardModel(backend) => backend.read(body),
        }
    }
}

#[cfg(test)]
mod tests;
