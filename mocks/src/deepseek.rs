//! DeepSeek's chat completions: close to OpenAI's, and different wherever a migration can break.

mod check;
mod shape;

use axum::http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::dice::{self, Dice};
use crate::envelope::{self, Envelope};
use crate::face::{Face, Route, StreamOptions};
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, FieldFault};
use crate::timeline::{Pace, Timeline};
use crate::vendor::Vendor;

/// The code of nearly every error, whatever its cause.
const CODE: Option<&str> = Some("invalid_request_error");
const INVALID: &str = "invalid_request_error";

/// The models on sale.
const MODELS: [&str; 2] = ["deepseek-flash", "deepseek-v4-pro"];
/// Older names that are still served, and what serves them.
const ALIASES: [(&str, &str); 1] = [("deepseek-v4-flash", "deepseek-flash")];

/// DeepSeek's manners.
pub(crate) struct DeepSeek;

impl Face for DeepSeek {
    fn route(&self, post: bool, path: &str) -> Route {
        match (post, path) {
            (true, "/chat/completions" | "/v1/chat/completions" | "/beta/chat/completions") => Route::Chat,
            (false, "/models" | "/v1/models") => Route::Models,
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

    fn check(&self, request: &ChatRequest, models: Option<&[String]>) -> Result<(), Refusal> {
        check::check(request, models, self.thinks_aloud(request))
    }

    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal> {
        match fault {
            Fault::Error402 => Some(Refusal::new(402, "unknown_error", CODE, "Insufficient Balance")),
            Fault::Error429 => Some(self.too_many(profile.concurrency_max.max(1), profile)),
            Fault::Error500 => Some(server_error()),
            Fault::ErrorEvent if !stream => Some(server_error()),
            Fault::Error503 => {
                Some(Refusal::new(503, "service_unavailable_error", CODE, "Service is too busy, please retry later"))
            }
            Fault::ContentFilter => Some(invalid("Content Exists Risk")),
            _ => None,
        }
    }

    fn too_many(&self, limit: u64, _profile: &Profile) -> Refusal {
        let message = format!("Too many requests: the concurrency limit of this account for this model is {limit}");
        // No advice to wait, in the body or the headers: the vendor gives none.
        Refusal::new(429, "rate_limit_reached_error", CODE, message)
    }

    fn mid_stream_error(&self) -> Refusal {
        server_error()
    }

    fn thinks_aloud(&self, request: &ChatRequest) -> bool {
        // On unless switched off: the most expensive default of a migration.
        request.thinking.unwrap_or(true)
    }

    fn accepts_early(&self) -> bool {
        true
    }

    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope {
        let model = ALIASES.iter().find(|(alias, _)| *alias == model).map_or(model, |(_, served)| served).to_owned();
        Envelope {
            id: envelope::uuid(dice),
            created,
            fingerprint: format!("fp_{}", dice::fingerprint(Vendor::DeepSeek, &model)),
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
    }

    fn stream(
        &self,
        answer: &Answer,
        envelope: &Envelope,
        options: StreamOptions,
        pace: &mut Pace,
        timeline: &mut Timeline,
    ) {
        shape::stream(answer, envelope, options, pace, timeline);
    }

    fn whole(&self, answer: &Answer, envelope: &Envelope, thinking: bool) -> String {
        shape::whole(answer, envelope, thinking)
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

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, INVALID, CODE, message)
}

fn server_error() -> Refusal {
    Refusal::new(500, "server_error", CODE, "Internal Server Error")
}
