//! DeepSeek: close to OpenAI, and different wherever a migration can break.

mod check;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use wire::provider::Provider;

use crate::answer::Usage;
use crate::dialect::{Dialect, UsagePlace};
use crate::dice::{self, Dice};
use crate::envelope::{self, Envelope};
use crate::face::{Face, Route, Served};
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::field::present;
use crate::request::{ChatRequest, FieldFault, Image};

/// The code of nearly every error, whatever its cause.
const CODE: Option<&str> = Some("invalid_request_error");
const INVALID: &str = "invalid_request_error";

/// The models on sale.
const MODELS: [&str; 2] = ["deepseek-flash", "deepseek-v4-pro"];
/// Older names that are still served, and what serves them.
const ALIASES: [(&str, &str); 1] = [("deepseek-v4-flash", "deepseek-flash")];

/// Names that were withdrawn, and what serves them where a profile lets them live on.
const RETIRED: [(&str, &str); 2] = [("deepseek-chat", "deepseek-flash"), ("deepseek-reasoner", "deepseek-flash")];
/// When they were withdrawn, Unix seconds: 2026-07-24T15:59:00Z.
const RETIRED_AT: u64 = 1_784_908_740;
/// Tokens that a legacy completion may ask for, at most.
const COMPLETION_TOKENS_MAX: u64 = 4096;
/// The model that cannot see: pictures are dropped in silence.
const BLIND: &str = "deepseek-v4-pro";
/// What a picture costs, tokens: a rough look and a close one.
const ROUGH_LOOK_TOKENS: u64 = 180;
const CLOSE_LOOK_TOKENS: u64 = 1024;

static DIALECT: Dialect = Dialect {
    chat_id_prefix: "",
    completion_id_prefix: "",
    call_id: |stem, _choice, position| format!("call_{position:02}_{stem}"),
    call_index_in_whole: true,
    service_tier: false,
    fingerprint: true,
    refusals: false,
    spells_out_nulls: false,
    null_content_beside_calls: false,
    usage_place: UsagePlace::FinishChunk,
    null_usage_elsewhere: true,
    text_in_finish_delta: true,
    obfuscates: false,
    stop_reason: false,
    usage,
};

/// DeepSeek's manners.
pub(crate) struct DeepSeek;

impl Face for DeepSeek {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn route(&self, post: bool, path: &str) -> Route {
        match (post, path) {
            (true, "/chat/completions" | "/v1/chat/completions") => Route::Chat { strict_tools: false },
            (true, "/beta/chat/completions") => Route::Chat { strict_tools: true },
            (true, "/beta/completions") => Route::Completions,
            (true, "/responses" | "/v1/responses") => Route::Responses,
            (false, "/models" | "/v1/models") => Route::Models,
            (false, "/user/balance") => Route::Balance,
            _ => Route::Unknown,
        }
    }

    fn no_such_url(&self, method: &str, path: &str) -> Refusal {
        Refusal::new(404, INVALID, CODE, format!("Not found: {method} {path}"))
    }

    fn wrong_key(&self, key: Option<&str>) -> Refusal {
        let message = match key {
            None => "Authentication Fails, no api key was given".to_owned(),
            Some(key) => {
                let shown = key.char_indices().rev().nth(3).and_then(|(at, _)| key.get(at..)).unwrap_or_default();
                format!("Authentication Fails, Your api key: ****{shown} is invalid")
            }
        };
        Refusal::new(401, "authentication_error", CODE, message)
    }

    fn unreadable(&self, problem: &str) -> Refusal {
        invalid(format!("Failed to parse the request body as JSON: {problem}"))
    }

    fn misfit(&self, fault: &FieldFault) -> Refusal {
        let FieldFault { field, expected, missing } = fault;
        let problem = if *missing { "missing field" } else { "invalid value" };
        invalid(format!(
            "Failed to deserialize the JSON body into the target type: {field}: {problem}, expected {expected}"
        ))
    }

    fn invalid(&self, _param: &str, message: String) -> Refusal {
        invalid(message)
    }

    fn check_model(&self, model: &str, served: Served<'_>) -> Result<(), Refusal> {
        let retired = served.profile.serves_retired_names || served.now < RETIRED_AT;
        check::check_model(model, served.only, retired)
    }

    fn check(&self, request: &ChatRequest, strict_tools: bool) -> Result<(), Refusal> {
        check::check(request, self.thinks_aloud(request))?;
        if strict_tools { check::check_strict(request) } else { Ok(()) }
    }

    fn check_responses(&self, body: &Value) -> Result<(), Refusal> {
        match ["previous_response_id", "conversation"].into_iter().find(|name| present(body, name).is_some()) {
            Some(name) => Err(invalid(format!("{name} is not supported: responses are not stored"))),
            None => Ok(()),
        }
    }

    fn completion_tokens_max(&self) -> Option<u64> {
        Some(COMPLETION_TOKENS_MAX)
    }

    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal> {
        match fault {
            Fault::Error402 => Some(Refusal::new(402, "unknown_error", CODE, "Insufficient Balance")),
            Fault::Error429 => Some(self.too_many(usual_limit(profile), profile)),
            Fault::Error500 => Some(server_error()),
            Fault::ErrorEvent if !stream => Some(server_error()),
            Fault::Error503 => {
                Some(Refusal::new(503, "service_unavailable_error", CODE, "Service is too busy, please retry later"))
            }
            Fault::ContentFilter | Fault::PromptFilter => Some(invalid("Content Exists Risk")),
            _ => None,
        }
    }

    fn too_many(&self, limit: u64, _profile: &Profile) -> Refusal {
        let message = format!("Too many requests: the concurrency limit of this account for this model is {limit}");
        // No advice to wait, in the body or the headers: the provider gives none.
        Refusal::new(429, "rate_limit_reached_error", CODE, message)
    }

    fn mid_stream_error(&self) -> Refusal {
        server_error()
    }

    fn thinks_aloud(&self, request: &ChatRequest) -> bool {
        // On unless switched off: the most expensive default of a migration.
        request.thinking.unwrap_or(true)
    }

    fn ignores_parallel_switch(&self) -> bool {
        true
    }

    fn output_limit(&self, request: &ChatRequest, _profile: &Profile) -> Option<u64> {
        // `max_completion_tokens` is unknown here and ignored in silence.
        request.max_tokens
    }

    fn image_tokens(&self, model: &str, image: Image) -> u64 {
        match image.low_detail {
            _ if model == BLIND => 0,
            true => ROUGH_LOOK_TOKENS,
            false => CLOSE_LOOK_TOKENS,
        }
    }

    fn accepts_early(&self) -> bool {
        true
    }

    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope {
        let model = ALIASES
            .iter()
            .chain(&RETIRED)
            .find(|(alias, _)| *alias == model)
            .map_or(model, |(_, served)| served)
            .to_owned();
        Envelope {
            stem: envelope::uuid(dice),
            created,
            fingerprint: format!("fp_{}", dice::fingerprint(Provider::DeepSeek, &model)),
            model,
            call_stem: envelope::token(dice, 22),
            trace: envelope::hexadecimal(dice),
        }
    }

    fn headers(&self, envelope: &Envelope, _processing_ms: u64, headers: &mut HeaderMap) {
        if let Ok(trace) = HeaderValue::from_str(&envelope.trace) {
            headers.insert("x-ds-trace-id", trace);
        }
        headers.insert("server", HeaderValue::from_static("openresty"));
        // It stands behind a content delivery network.
        headers.insert("x-cache", HeaderValue::from_static("Miss from cloudfront"));
        headers.insert("via", HeaderValue::from_static("1.1 mock.cloudfront.net (CloudFront)"));
        headers.insert("x-amz-cf-pop", HeaderValue::from_static("MOCK50-C1"));
    }

    fn models(&self, _only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal> {
        let model = |name: &str| json!({"id": name, "object": "model", "owned_by": "deepseek"});
        let data: Vec<Value> = match models {
            Some(models) => models.iter().map(|name| model(name)).collect(),
            None => MODELS.map(model).to_vec(),
        };
        Ok(json!({"object": "list", "data": data}).to_string())
    }
}

/// The limit that a 429 names where none was really reached.
fn usual_limit(profile: &Profile) -> u64 {
    let by_model = profile.concurrency_by_model.values().copied().max();
    by_model.unwrap_or(profile.concurrency_max).max(1)
}

fn usage(usage: &Usage, thinking: bool) -> String {
    let Usage { prompt, completion, cached, reasoning, .. } = *usage;
    let details = if thinking {
        format!("\"completion_tokens_details\":{{\"reasoning_tokens\":{reasoning}}},")
    } else {
        String::new()
    };
    format!(
        "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{cached}}},{details}\
         \"prompt_cache_hit_tokens\":{cached},\"prompt_cache_miss_tokens\":{}}}",
        usage.total(),
        prompt.saturating_sub(cached)
    )
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, INVALID, CODE, message)
}

fn server_error() -> Refusal {
    Refusal::new(500, "server_error", CODE, "Internal Server Error")
}
