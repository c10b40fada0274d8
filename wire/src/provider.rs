//! What each provider does differently. One file a provider; a difference that shows anywhere else is a defect.
//!
//! An [`Adapter`] is pure: it turns the client's request into the provider's, and the provider's frames, answers and
//! errors into what the client expects of OpenAI.

mod answer;
#[cfg(test)]
mod cases;
pub mod compatible;
pub mod deepseek;
mod draft;
mod error;
mod history;
pub mod matrix;
mod messages;
pub mod openai;
pub mod outlook;
pub mod policy;
#[cfg(test)]
mod properties;
mod refusals;
mod splice;
mod steps;
mod toolbox;
mod values;
mod window;

pub use error::{ClientError, standard_error};
pub use matrix::{Row, Treatment};
pub use outlook::{Effect, Finding, Lookout, Loss, Remedy, features, outlook};
pub use policy::{JsonSchema, Policy, Target, Thinking, View, no_recall};

use crate::endpoint::Endpoint;
use crate::request::Request;
use serde::{Deserialize, Serialize};

/// The providers that have an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// OpenAI.
    OpenAi,
    /// DeepSeek.
    DeepSeek,
    /// Any server that speaks OpenAI's chat completions, such as vLLM or Ollama.
    Compatible,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::DeepSeek, Self::Compatible];

    /// The name in configuration, records and price tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::DeepSeek => "deepseek",
            Self::Compatible => "compatible",
        }
    }

    /// Its adapter.
    #[must_use]
    pub fn adapter(self) -> &'static dyn Adapter {
        match self {
            Self::OpenAi => &openai::OpenAi,
            Self::DeepSeek => &deepseek::DeepSeek,
            Self::Compatible => &compatible::Compatible,
        }
    }
}

/// A request in the provider's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Body to send.
    pub body: Vec<u8>,
    /// Members of the client's request that the provider would ignore or refuse and that were left out.
    pub dropped: Vec<&'static str>,
}

/// Why a request cannot be sent to a provider without changing its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// Feature that stands in the way, for example `n>1`.
    pub feature: &'static str,
}

/// What to do with one frame of a provider's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Pass its bytes on untouched.
    Keep,
    /// The client must not see it.
    Drop,
    /// Send events with these data instead. The frame's other fields (`event:`) stay as they are.
    Replace(Vec<String>),
}

/// A provider's differences.
pub trait Adapter: Sync + Send {
    /// Path of an endpoint below the base URL; `None` where the provider has no such endpoint.
    fn path(&self, endpoint: Endpoint) -> Option<&'static str>;

    /// What becomes of each feature of a request; a member without a row passes untouched.
    fn matrix(&self, endpoint: Endpoint) -> &'static [Row];

    /// What stands in the way of a request before any of its members is looked at; the row has no member, or one that
    /// is absent.
    fn obstacle(&self, request: &Request<'_>) -> Option<&'static Row> {
        if self.path(request.endpoint).is_none() { matrix::absent(request.endpoint) } else { None }
    }

    /// Whether the request is sent to this target as it is, whatever the matrix says.
    fn passes_untouched(&self, _request: &Request<'_>, _target: &Target<'_>) -> bool {
        false
    }

    /// The request in the provider's terms, addressed to the target.
    ///
    /// # Errors
    /// The provider cannot serve it; the other arm has to.
    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit>;

    /// Whether a whole (not streamed) answer must be read completely before the client sees any of it, because
    /// [`Adapter::edit_whole`] may change it or find an error in it. A view with another model's name needs it too.
    fn edits_whole(&self, endpoint: Endpoint) -> bool;

    /// What to do with a stream frame that carries `data`.
    fn edit(&self, endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit;

    /// A whole answer that came with a good status, as the client shall see it; `None` passes it on untouched.
    ///
    /// # Errors
    /// It is an error in spite of its status.
    fn edit_whole(&self, endpoint: Endpoint, body: &[u8], view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError>;

    /// The client's view of an error event: `data` of a stream frame that carries an error instead of an answer.
    fn error_event(&self, endpoint: Endpoint, data: &str) -> ClientError {
        self.edit_whole(endpoint, data.as_bytes(), &View::default())
            .err()
            .unwrap_or_else(|| error::hidden_in(data.as_bytes()))
    }

    /// The client's view of an error answer.
    fn error(&self, status: u16, body: &[u8]) -> ClientError;
}
