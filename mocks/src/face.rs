//! What differs between the providers in what they accept and how they refuse, as one trait; how their answers are
//! written is data, see [`Dialect`]. A new provider is one new implementation and one line in [`of`].

use http::HeaderMap;
use serde_json::Value;
use wire::provider::Provider;

use crate::dialect::Dialect;
use crate::dice::Dice;
use crate::envelope::Envelope;
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, FieldFault, Image};

/// What a URL leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Chat {
        /// Whether the provider checks strict tools there.
        strict_tools: bool,
    },
    Completions,
    Embeddings,
    Responses,
    /// One stored response.
    Response(String),
    Moderations,
    Models,
    /// What is left on the account.
    Balance,
    /// One model by name.
    Model(String),
    Unknown,
}

/// Which models there are.
#[derive(Clone, Copy)]
pub(crate) struct Served<'a> {
    /// The only ones, if the mock is told so.
    pub(crate) only: Option<&'a [String]>,
    pub(crate) profile: &'a Profile,
    /// Unix seconds.
    pub(crate) now: u64,
}

/// How an answer is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: bool,
    pub(crate) include_obfuscation: bool,
    pub(crate) tokens_per_chunk: u32,
    /// Whether reasoning is shown.
    pub(crate) thinking: bool,
    /// Log probabilities, with so many alternatives each.
    pub(crate) logprobs: Option<u64>,
    /// Whether the log probabilities of reasoning have a list of their own.
    pub(crate) reasoning_logprobs: bool,
    /// Whether the content is spoken.
    pub(crate) speaks: bool,
}

impl StreamOptions {
    /// The member `logprobs` of a choice, with its entries under `member`.
    pub(crate) fn all_probabilities(self, entries: Vec<Value>, member: &str) -> Value {
        let other = match (self.reasoning_logprobs, member) {
            (true, _) => "reasoning_content",
            (false, "content") => "refusal",
            (false, _) => "content",
        };
        let members = [(member.to_owned(), Value::Array(entries)), (other.to_owned(), Value::Null)];
        Value::Object(members.into_iter().collect())
    }
}

/// One provider's manners.
pub(crate) trait Face: Send + Sync {
    /// How its answers are written.
    fn dialect(&self) -> &'static Dialect;
    /// Where a path leads; `post` tells the method.
    fn route(&self, post: bool, path: &str) -> Route;
    /// Whether a request without a key is refused even where no particular key is demanded.
    fn needs_key(&self) -> bool {
        true
    }
    /// Answer to an unknown URL.
    fn no_such_url(&self, method: &str, path: &str) -> Refusal;
    /// Answer to a missing or wrong key. `key` is the bearer token, if there is one.
    fn wrong_key(&self, key: Option<&str>) -> Refusal;
    /// Answer to a body that is not JSON, or too large.
    fn unreadable(&self, problem: &str) -> Refusal;
    /// Answer to a field of the wrong type.
    fn misfit(&self, fault: &FieldFault) -> Refusal;
    /// Answer to a field whose value is not allowed; `param` names the field.
    fn invalid(&self, param: &str, message: String) -> Refusal;
    /// Answer to a model that is not served.
    fn check_model(&self, model: &str, served: Served<'_>) -> Result<(), Refusal>;
    /// Rules of chat completions beyond types and model.
    fn check(&self, request: &ChatRequest, strict_tools: bool) -> Result<(), Refusal>;
    /// Rules of responses beyond types and model: `body` is the request as it came.
    fn check_responses(&self, _body: &Value) -> Result<(), Refusal> {
        Ok(())
    }
    /// How many tokens a legacy completion may ask for.
    fn completion_tokens_max(&self) -> Option<u64> {
        None
    }
    /// Answer when the account is empty.
    fn out_of_money(&self, profile: &Profile) -> Option<Refusal> {
        self.refusal_for(Fault::Error402, false, profile)
    }
    /// Whether responses are kept for later turns.
    fn keeps_responses(&self) -> bool {
        false
    }
    /// The status that a fault stands for, if it does for this request.
    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal>;
    /// Answer when too many requests are in flight.
    fn too_many(&self, limit: u64, profile: &Profile) -> Refusal;
    /// What an error event in the middle of a stream says.
    fn mid_stream_error(&self) -> Refusal;
    /// The body of an error.
    fn error_body(&self, refusal: &Refusal) -> String {
        refusal.body()
    }
    /// The data of an error event.
    fn error_event(&self, refusal: &Refusal) -> String {
        refusal.body()
    }
    /// Whether the model shows its reasoning.
    fn thinks_aloud(&self, request: &ChatRequest) -> bool;
    /// Whether several tools are called at once even if the request says not to.
    fn ignores_parallel_switch(&self) -> bool {
        false
    }
    /// How many tokens the answer may have, reasoning included.
    fn output_limit(&self, request: &ChatRequest, profile: &Profile) -> Option<u64>;
    /// What a picture costs, tokens.
    fn image_tokens(&self, model: &str, image: Image) -> u64;
    /// What recorded speech costs, tokens; nothing where it is not heard.
    fn sound_tokens(&self, _bytes: u64) -> u64 {
        0
    }
    /// Whether callers may say what is to be cached, and pay for it.
    fn bills_cache_writes(&self) -> bool {
        false
    }
    /// Whether status 200 is sent before the answer begins.
    fn accepts_early(&self) -> bool;
    /// The names of one answer.
    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope;
    /// Headers that every answer carries, errors included.
    fn headers(&self, envelope: &Envelope, processing_ms: u64, headers: &mut HeaderMap);
    /// The list of models, or one of them.
    fn models(&self, only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal>;
}

/// The manners of a provider.
pub(crate) fn of(provider: Provider) -> &'static dyn Face {
    match provider {
        Provider::OpenAi => &crate::openai::OpenAi,
        Provider::DeepSeek => &crate::deepseek::DeepSeek,
        Provider::Compatible => &crate::compatible::Compatible,
    }
}
