//! What an operator decides about a migration's requests, and what an adapter is told beside the request.

use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

/// Whether a model that can think does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Only for callers that ask for reasoning: thinking is billed as output.
    #[default]
    OnRequest,
    /// Not even for them.
    Never,
    /// Always, unless the caller says no.
    Always,
}

/// What becomes of a request for a JSON schema where the provider knows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonSchema {
    /// It stays on the baseline.
    #[default]
    Baseline,
    /// The schema becomes an instruction, and the format any JSON object. Nothing enforces the schema then.
    Instruct,
}

/// An operator's decisions about the requests of a migration.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whether the model thinks.
    pub thinking: Thinking,
    /// What becomes of JSON schemas.
    pub json_schema: JsonSchema,
    /// Whether clients see `reasoning_content`, which no client of OpenAI knows.
    pub reasoning_to_client: bool,
    /// Secret that end users' ids are hashed with, so that the provider can tell users apart but not who they are.
    pub user_salt: String,
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Policy")
            .field("thinking", &self.thinking)
            .field("json_schema", &self.json_schema)
            .field("reasoning_to_client", &self.reasoning_to_client)
            .finish_non_exhaustive()
    }
}

/// Where a request goes, and what is known beside it.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The provider's model.
    pub model: &'a str,
    /// The migration's policy.
    pub policy: &'a Policy,
    /// The reasoning text of the turn that made a tool call, by the call's id; `None` if it is not known any more.
    pub recall: &'a dyn Fn(&str) -> Option<Arc<str>>,
    /// Whether no other provider could take the request instead. Then a value that this one would refuse is sent all
    /// the same: its error tells the client more than ours would.
    pub last_resort: bool,
}

impl<'a> Target<'a> {
    /// A target without memory of earlier turns, beside a provider that could take the request instead.
    #[must_use]
    pub fn new(model: &'a str, policy: &'a Policy) -> Self {
        Self { model, policy, recall: &no_recall, last_resort: false }
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Target").field("model", &self.model).finish_non_exhaustive()
    }
}

/// A memory that remembers nothing.
#[must_use]
pub fn no_recall(_call: &str) -> Option<Arc<str>> {
    None
}

/// How the client shall see an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View<'a> {
    /// It asked for a usage chunk.
    pub wants_usage: bool,
    /// The model's name to show; `None` keeps the provider's.
    pub model: Option<&'a str>,
    /// Whether it sees reasoning text.
    pub reasoning: bool,
    /// It offered deprecated `functions` ([`Request::uses_functions`](crate::Request::uses_functions)), so a call has
    /// to come back as `function_call`.
    pub functions: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_by_name_and_never_shows_its_secret() {
        let policy: Policy =
            serde_json::from_str(r#"{"thinking":"never","json_schema":"instruct","user_salt":"pepper"}"#).unwrap();
        assert_eq!((policy.thinking, policy.json_schema), (Thinking::Never, JsonSchema::Instruct));
        assert!(!format!("{policy:?}").contains("pepper"));
        assert!(serde_json::from_str::<Policy>(r#"{"thought":"never"}"#).is_err());
        assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
    }
}
