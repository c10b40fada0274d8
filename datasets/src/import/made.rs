//! Bodies for data sets that have texts but no calls: a chat of these messages, with the model and the streaming that
//! the caller chose, and nothing else that the data do not have.

use super::calls::Parts;
use super::entry::Place;
use super::{ImportError, ImportOptions};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wire::Endpoint;

/// What a data set has of a call.
#[derive(Debug, Default)]
pub(super) struct Made<'a> {
    pub(super) messages: Value,
    pub(super) model: Option<&'a str>,
    pub(super) tools: Option<Value>,
    /// Tokens of the answer that the data set has or wants; becomes `max_tokens`.
    pub(super) output_tokens: Option<u64>,
}

impl Made<'_> {
    /// The body of the call.
    ///
    /// # Errors
    /// It does not serialise.
    pub(super) fn body(self, place: &Place, options: &ImportOptions) -> Result<Box<RawValue>, ImportError> {
        let mut parameters = Map::new();
        if let Some(tools) = self.tools {
            parameters.insert("tools".to_owned(), tools);
        }
        if let Some(most) = self.output_tokens {
            // A limit of 0 is refused everywhere.
            parameters.insert("max_tokens".to_owned(), most.max(1).into());
        }
        if options.stream {
            parameters.insert("stream".to_owned(), true.into());
            parameters.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
        let parts = Parts {
            endpoint: Endpoint::Chat,
            model: self.model,
            subject: self.messages,
            parameters: Some(&parameters),
            stream: None,
        };
        parts.body(place, options)
    }
}
