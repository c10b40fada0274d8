//! OpenAI: what it accepts, how it refuses, how its answers look.

mod check;
mod models;

use http::{HeaderMap, HeaderValue};
use wire::provider::Provider;

use crate::answer::Usage;
use crate::dialect::{Dialect, UsagePlace};
use crate::dice::{self, Dice};
use crate::envelope::{self, Envelope};
use crate::face::{Face, Route, Served};
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, FieldFault, Image};

/// Limits of an imaginary account, for the rate limit headers.
const REQUESTS_PER_MINUTE: u64 = 10_000;
const TOKENS_PER_MINUTE: u64 = 2_000_000;

const INVALID: &str = "invalid_request_error";

/// What a picture costs, tokens: a rough look, and a close one at the size that most pictures are brought to.
const ROUGH_LOOK_TOKENS: u64 = 85;
const CLOSE_LOOK_TOKENS: u64 = 765;

/// Bytes of recorded speech that are one token: a tenth of a second of 16 bits at 16 kHz, whatever the format.
const SOUND_BYTES_PER_TOKEN: u64 = 3_200;

static DIALECT: Dialect = Dialect {
    chat_id_prefix: "chatcmpl-",
    completion_id_prefix: "cmpl-",
    call_id: |stem, choice, position| format!("call_{stem}{choice}{position}"),
    call_index_in_whole: false,
    service_tier: true,
    fingerprint: true,
    refusals: true,
    spells_out_nulls: false,
    null_content_beside_calls: true,
    usage_place: UsagePlace::OwnChunk,
    null_usage_elsewhere: true,
    text_in_finish_delta: false,
    obfuscates: true,
    stop_reason: false,
    usage,
};

/// OpenAI's manners.
pub(crate) struct OpenAi;

impl Face for OpenAi {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn route(&self, post: bool, path: &str) -> Route {
        let below = |folder: &str| path.strip_prefix(folder).filter(|name| !name.is_empty()).map(str::to_owned);
        match (post, path) {
            (true, "/v1/chat/completions") => Route::Chat { strict_tools: false },
            (true, "/v1/completions") => Route::Completions,
            (true, "/v1/embeddings") => Route::Embeddings,
            (true, "/v1/responses") => Route::Responses,
            (true, "/v1/moderations") => Route::Moderations,
            (false, "/v1/models") => Route::Models,
            (false, _) => {
                let response = below("/v1/responses/").map(Route::Response);
                response.or_else(|| below("/v1/models/").map(Route::Model)).unwrap_or(Route::Unknown)
            }
            _ => Route::Unknown,
        }
    }

    fn no_such_url(&self, method: &str, path: &str) -> Refusal {
        Refusal::new(404, INVALID, Some("unknown_url"), format!("Unknown request URL: {method} {path}"))
    }

    fn wrong_key(&self, key: Option<&str>) -> Refusal {
        match key {
            None => Refusal::new(401, INVALID, None, "No API key was given: send Authorization: Bearer YOUR_KEY"),
            Some(key) => {
                let message = format!("Incorrect API key provided: {}", masked(key));
                Refusal::new(401, INVALID, Some("invalid_api_key"), message)
            }
        }
    }

    fn unreadable(&self, problem: &str) -> Refusal {
        Refusal::new(400, INVALID, None, format!("The JSON body of the request could not be read: {problem}"))
    }

    fn misfit(&self, fault: &FieldFault) -> Refusal {
        let FieldFault { field, expected, missing } = fault;
        let (code, message) = if *missing {
            ("missing_required_parameter", format!("Missing required parameter: '{field}'."))
        } else {
            ("invalid_type", format!("Invalid type for '{field}': expected {expected}."))
        };
        Refusal::new(400, INVALID, Some(code), message).about(field)
    }

    fn invalid(&self, param: &str, message: String) -> Refusal {
        Refusal::new(400, INVALID, Some("invalid_value"), message).about(param)
    }

    fn check_model(&self, model: &str, served: Served<'_>) -> Result<(), Refusal> {
        let listed = served.only.is_none_or(|list| list.iter().any(|name| name == model));
        let over = served.profile.retires_models_by_date && models::is_over(model, served.now);
        if listed && !over { Ok(()) } else { Err(models::unknown(model)) }
    }

    fn check(&self, request: &ChatRequest, _strict_tools: bool) -> Result<(), Refusal> {
        check::check(request)
    }

    fn keeps_responses(&self) -> bool {
        true
    }

    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal> {
        match fault {
            // Not the status 402: an empty account is a limit like others here, but one that no waiting helps against.
            Fault::Error402 => {
                let message = "You exceeded your current quota, please check your plan and billing details.";
                Some(Refusal::new(429, "insufficient_quota", Some("insufficient_quota"), message))
            }
            Fault::Error429 => Some(self.too_many(REQUESTS_PER_MINUTE, profile)),
            Fault::PromptFilter => {
                let message = "Invalid prompt: your prompt was flagged as potentially violating our usage policy.";
                Some(Refusal::new(400, INVALID, Some("invalid_prompt"), message))
            }
            Fault::Error500 => Some(server_error()),
            Fault::ErrorEvent if !stream => Some(server_error()),
            Fault::Error503 => {
                let message = "The engine is currently overloaded, please try again later";
                let refusal = Refusal::new(503, "service_unavailable_error", Some("server_is_overloaded"), message);
                Some(refusal.retry_after_ms(profile.retry_after_ms))
            }
            _ => None,
        }
    }

    fn too_many(&self, limit: u64, profile: &Profile) -> Refusal {
        let wait = profile.retry_after_ms;
        let message = format!(
            "Rate limit reached on requests per min (RPM): Limit {limit}, Used {limit}, Requested 1. \
             Please try again in {wait}ms."
        );
        Refusal::new(429, "requests", Some("rate_limit_exceeded"), message).retry_after_ms(wait)
    }

    fn mid_stream_error(&self) -> Refusal {
        server_error()
    }

    fn thinks_aloud(&self, _request: &ChatRequest) -> bool {
        false
    }

    fn output_limit(&self, request: &ChatRequest, _profile: &Profile) -> Option<u64> {
        request.max_completion_tokens.or(request.max_tokens)
    }

    fn image_tokens(&self, _model: &str, image: Image) -> u64 {
        if image.low_detail { ROUGH_LOOK_TOKENS } else { CLOSE_LOOK_TOKENS }
    }

    fn sound_tokens(&self, bytes: u64) -> u64 {
        bytes.div_ceil(SOUND_BYTES_PER_TOKEN)
    }

    fn bills_cache_writes(&self) -> bool {
        true
    }

    fn accepts_early(&self) -> bool {
        false
    }

    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope {
        let model = models::snapshot(model).to_owned();
        Envelope {
            stem: envelope::token(dice, 29),
            created,
            fingerprint: format!("fp_{}", dice::fingerprint(Provider::OpenAi, &model)),
            model,
            call_stem: envelope::token(dice, 22),
            trace: format!("req_{}", envelope::hexadecimal(dice)),
        }
    }

    fn headers(&self, envelope: &Envelope, processing_ms: u64, headers: &mut HeaderMap) {
        if let Ok(trace) = HeaderValue::from_str(&envelope.trace) {
            headers.insert("x-request-id", trace);
        }
        headers.insert("openai-processing-ms", HeaderValue::from(processing_ms));
        headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
        headers.insert("openai-organization", HeaderValue::from_static("org-mock"));
        headers.insert("x-ratelimit-limit-requests", HeaderValue::from(REQUESTS_PER_MINUTE));
        headers.insert("x-ratelimit-limit-tokens", HeaderValue::from(TOKENS_PER_MINUTE));
        headers.insert("x-ratelimit-remaining-requests", HeaderValue::from(REQUESTS_PER_MINUTE - 1));
        headers.insert("x-ratelimit-remaining-tokens", HeaderValue::from(TOKENS_PER_MINUTE - 1000));
        headers.insert("x-ratelimit-reset-requests", HeaderValue::from_static("6ms"));
        headers.insert("x-ratelimit-reset-tokens", HeaderValue::from_static("30ms"));
    }

    fn models(&self, only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal> {
        models::list(only, models)
    }
}

fn usage(usage: &Usage, _thinking: bool) -> String {
    let Usage { prompt, completion, cached, cache_write, image, sound, reasoning, spoken } = *usage;
    let some = |name: &str, count: u64| if count > 0 { format!(",\"{name}\":{count}") } else { String::new() };
    let (written, image) = (some("cache_write_tokens", cache_write), some("image_tokens", image));
    format!(
        "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{cached}{written},\"audio_tokens\":{sound}{image}}},\
         \"completion_tokens_details\":{{\"reasoning_tokens\":{reasoning},\"audio_tokens\":{spoken},\
         \"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}}",
        usage.total()
    )
}

fn server_error() -> Refusal {
    Refusal::new(500, "server_error", None, "The server had an error while processing your request")
}

/// A key with its middle hidden. Short keys are hidden entirely.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    match characters.as_slice() {
        [first, second, third, .., last_but_one, last] if characters.len() > 12 => {
            format!("{first}{second}{third}***{last_but_one}{last}")
        }
        _ => "***".to_owned(),
    }
}
