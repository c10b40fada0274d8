//! What is done about features that a provider has in another form.

use super::check::Checker;
use super::providers::RawProvider;

/// See the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// When the provider's model thinks before it answers.
    pub thinking: Thinking,
    /// What is done with a request that demands a JSON schema.
    pub json_schema: JsonSchema,
    /// Whether clients see the reasoning text.
    pub reasoning_to_client: bool,
}

/// When the model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Thinking {
    /// When the request asks for reasoning.
    #[default]
    OnRequest,
    /// Never.
    Never,
    /// Always.
    Always,
}

/// What is done with a request that demands a JSON schema of a provider that knows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonSchema {
    /// The baseline serves it.
    #[default]
    Baseline,
    /// The schema becomes an instruction, and the answer is asked for as JSON.
    Instruct,
}

impl Checker<'_> {
    pub(super) fn policy(&mut self, name: &str, raw: &RawProvider) -> Option<Policy> {
        let thinking = match raw.thinking.as_deref() {
            None | Some("on_request") => Some(Thinking::OnRequest),
            Some("never") => Some(Thinking::Never),
            Some("always") => Some(Thinking::Always),
            Some(other) => self.problem(format!(
                "providers.{name}.thinking is `{other}`: expected \"on_request\", \"never\" or \"always\""
            )),
        };
        let json_schema = match raw.json_schema.as_deref() {
            None | Some("baseline") => Some(JsonSchema::Baseline),
            Some("instruct") => Some(JsonSchema::Instruct),
            Some(other) => self
                .problem(format!("providers.{name}.json_schema is `{other}`: expected \"baseline\" or \"instruct\"")),
        };
        Some(Policy {
            thinking: thinking?,
            json_schema: json_schema?,
            reasoning_to_client: raw.reasoning_to_client.unwrap_or(false),
        })
    }
}
