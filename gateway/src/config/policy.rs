//! What is done about features that a provider has in another form.

use super::check::Checker;
use super::providers::RawProvider;
use wire::provider::{JsonSchema, Policy, Thinking};

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
        let user_salt = match &raw.user_salt_env {
            // A secret that is at hand and does not change with a restart.
            None => Some(self.salt_of_key(raw)),
            Some(variable) => self.secret(&format!("providers.{name}.user_salt_env"), variable),
        };
        Some(Policy {
            thinking: thinking?,
            json_schema: json_schema?,
            reasoning_to_client: raw.reasoning_to_client.unwrap_or(false),
            user_salt: user_salt?,
        })
    }

    /// A salt made from the provider's first key: nobody who does not hold the key can compute it.
    fn salt_of_key(&self, raw: &RawProvider) -> String {
        let variable = raw.api_key_env.as_ref().or(raw.api_keys_env.first());
        let file = raw.api_key_file.as_ref().or(raw.api_key_files.first());
        let keys = variable.and_then(|variable| (self.environment)(variable));
        let keys = keys.or_else(|| file.and_then(|path| std::fs::read_to_string(path).ok())).unwrap_or_default();
        datasets::digest::content("end users", keys.split_ascii_whitespace().next().unwrap_or_default())
    }
}
