//! What differs between the vendors, as one trait: a new provider is one new implementation and one line in [`of`].

use axum::http::HeaderMap;

use crate::answer::Answer;
use crate::dice::Dice;
use crate::envelope::Envelope;
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, FieldFault};
use crate::timeline::{Pace, Timeline};
use crate::vendor::Vendor;

/// What a URL leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Chat,
    Models,
    /// One model by name.
    Model(String),
    Unknown,
}

/// How a stream is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: bool,
    pub(crate) include_obfuscation: bool,
    pub(crate) tokens_per_chunk: u32,
    /// Whether reasoning is shown.
    pub(crate) thinking: bool,
}

/// One vendor's manners.
pub(crate) trait Face: Send + Sync {
    /// Where a path leads; `post` tells the method.
    fn route(&self, post: bool, path: &str) -> Route;
    /// Answer to an unknown URL.
    fn no_such_url(&self, method: &str, path: &str) -> Refusal;
    /// Answer to a missing or wrong key. `key` is the bearer token, if there is one.
    fn wrong_key(&self, key: Option<&str>) -> Refusal;
    /// Answer to a body that is not JSON, or too large.
    fn unreadable(&self, problem: &str) -> Refusal;
    /// Answer to a field of the wrong type.
    fn misfit(&self, fault: &FieldFault) -> Refusal;
    /// Rules beyond types. `models` are the only names served, if stated.
    fn check(&self, request: &ChatRequest, models: Option<&[String]>) -> Result<(), Refusal>;
    /// The status that a fault stands for, if it does for this request.
    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal>;
    /// Answer when too many requests are in flight.
    fn too_many(&self, limit: u64, profile: &Profile) -> Refusal;
    /// What an error event in the middle of a stream says.
    fn mid_stream_error(&self) -> Refusal;
    /// Whether the model shows its reasoning.
    fn thinks_aloud(&self, request: &ChatRequest) -> bool;
    /// Whether status 200 is sent before the answer begins.
    fn accepts_early(&self) -> bool;
    /// The names of one answer.
    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope;
    /// Headers that every answer carries, errors included.
    fn headers(&self, envelope: &Envelope, processing_ms: u64, headers: &mut HeaderMap);
    /// A streamed answer, written at the end of `timeline`.
    fn stream(
        &self,
        answer: &Answer,
        envelope: &Envelope,
        options: StreamOptions,
        pace: &mut Pace,
        timeline: &mut Timeline,
    );
    /// An unstreamed answer.
    fn whole(&self, answer: &Answer, envelope: &Envelope, thinking: bool) -> String;
    /// The list of models, or one of them.
    fn models(&self, only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal>;
}

/// The manners of a vendor.
pub(crate) fn of(vendor: Vendor) -> &'static dyn Face {
    match vendor {
        Vendor::OpenAi => &crate::openai::OpenAi,
        Vendor::DeepSeek => &crate::deepseek::DeepSeek,
    }
}
