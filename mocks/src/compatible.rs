//! Any server that speaks OpenAI's language, in the manner of vLLM: no key unless one is demanded, no fingerprint, errors
//! in a shape of its own, and nulls spelled out where OpenAI says nothing.

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::answer::Usage;
use crate::dialect::{Dialect, UsagePlace};
use crate::dice::Dice;
use crate::envelope::{self, Envelope};
use crate::face::{Face, Route, Served};
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, FieldFault, Format, Image, ToolChoice};
use crate::tokens;
use wire::provider::Provider;

const BAD_REQUEST: &str = "BadRequestError";
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// The model listed where none is configured; any name is served then.
const MODEL: &str = "local-model";
/// Unix time reported as the birth of every model.
const CREATED: u64 = 1_760_000_000;
/// Longest conversation, tokens.
const CONTEXT_TOKENS: u64 = 131_072;
/// What a picture costs, tokens.
const IMAGE_TOKENS: u64 = 256;

static DIALECT: Dialect = Dialect {
    chat_id_prefix: "chatcmpl-",
    completion_id_prefix: "cmpl-",
    call_id: |stem, choice, position| format!("chatcmpl-tool-{stem}{choice:02x}{position:02x}"),
    call_index_in_whole: false,
    service_tier: false,
    fingerprint: false,
    refusals: false,
    spells_out_nulls: true,
    null_content_beside_calls: true,
    usage_place: UsagePlace::OwnChunk,
    null_usage_elsewhere: false,
    text_in_finish_delta: true,
    obfuscates: false,
    stop_reason: true,
    usage,
};

/// A compatible server's manners.
pub(crate) struct Compatible;

impl Face for Compatible {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn route(&self, post: bool, path: &str) -> Route {
        match (post, path) {
            (true, "/v1/chat/completions") => Route::Chat { strict_tools: false },
            (true, "/v1/completions") => Route::Completions,
            (true, "/v1/embeddings") => Route::Embeddings,
            (false, "/v1/models") => Route::Models,
            (false, path) => match path.strip_prefix("/v1/models/").filter(|name| !name.is_empty()) {
                Some(name) => Route::Model(name.to_owned()),
                None => Route::Unknown,
            },
            _ => Route::Unknown,
        }
    }

    fn needs_key(&self) -> bool {
        false
    }

    fn no_such_url(&self, _method: &str, _path: &str) -> Refusal {
        Refusal::new(404, NO_ROUTE, None, "Not Found")
    }

    fn wrong_key(&self, _key: Option<&str>) -> Refusal {
        Refusal::new(401, UNAUTHORIZED, None, "Unauthorized")
    }

    fn unreadable(&self, problem: &str) -> Refusal {
        bad_request(format!("JSON decode error: {problem}"))
    }

    fn misfit(&self, fault: &FieldFault) -> Refusal {
        let FieldFault { field, expected, missing } = fault;
        let problem = if *missing { "Field required" } else { "Input is not valid" };
        bad_request(format!("{field}: {problem}, expected {expected}"))
    }

    fn invalid(&self, param: &str, message: String) -> Refusal {
        bad_request(format!("{param}: {message}"))
    }

    fn check_model(&self, model: &str, served: Served<'_>) -> Result<(), Refusal> {
        let served = served.only.is_none_or(|models| models.iter().any(|name| name == model));
        if served { Ok(()) } else { Err(unknown(model)) }
    }

    fn check(&self, request: &ChatRequest, _strict_tools: bool) -> Result<(), Refusal> {
        if let Some(message) = request.messages.iter().find(|message| !ROLES.contains(&message.role.as_str())) {
            return Err(bad_request(format!("Unexpected message role: {}", message.role)));
        }
        if request.has_stream_options && !request.stream {
            return Err(bad_request("Stream options can only be defined when `stream=True`."));
        }
        if request.temperature.is_some_and(|temperature| temperature < 0.0) {
            return Err(bad_request("temperature must be non-negative"));
        }
        if let Some(tokens) = tokens::beyond(Provider::Compatible, request, CONTEXT_TOKENS) {
            return Err(bad_request(format!(
                "This model's maximum context length is {CONTEXT_TOKENS} tokens. However, you requested {tokens} tokens in \
                 the messages."
            )));
        }
        if request.n == 0 {
            return Err(bad_request("n must be at least 1"));
        }
        if matches!(request.format, Format::JsonSchema(ref schema) if !schema.is_object()) {
            return Err(bad_request("response_format.json_schema.schema must be an object"));
        }
        let demanded = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
        if demanded && request.tools.is_empty() {
            return Err(bad_request("When using `tool_choice`, `tools` must be set."));
        }
        Ok(())
    }

    fn refusal_for(&self, fault: Fault, stream: bool, profile: &Profile) -> Option<Refusal> {
        match fault {
            Fault::Error402 => Some(Refusal::new(402, "PaymentRequiredError", None, "Payment required")),
            Fault::Error429 => Some(self.too_many(profile.concurrency_max.max(1), profile)),
            Fault::Error500 => Some(server_error()),
            Fault::ErrorEvent if !stream => Some(server_error()),
            Fault::Error503 => Some(Refusal::new(503, "ServiceUnavailableError", None, "The engine is not ready")),
            _ => None,
        }
    }

    fn too_many(&self, limit: u64, _profile: &Profile) -> Refusal {
        Refusal::new(429, "RateLimitError", None, format!("More than {limit} requests at once"))
    }

    fn mid_stream_error(&self) -> Refusal {
        server_error()
    }

    fn error_body(&self, refusal: &Refusal) -> String {
        match refusal.kind {
            // Two answers come from the frame around the server and not from itself.
            NO_ROUTE => json!({"detail": refusal.message}).to_string(),
            UNAUTHORIZED => json!({"error": refusal.message}).to_string(),
            _ => error_value(refusal).to_string(),
        }
    }

    fn error_event(&self, refusal: &Refusal) -> String {
        json!({"error": error_value(refusal)}).to_string()
    }

    fn thinks_aloud(&self, _request: &ChatRequest) -> bool {
        false
    }

    fn output_limit(&self, request: &ChatRequest, profile: &Profile) -> Option<u64> {
        let modern = request.max_completion_tokens.filter(|_| !profile.ignores_max_completion_tokens);
        modern.or(request.max_tokens)
    }

    fn image_tokens(&self, _model: &str, _image: Image) -> u64 {
        IMAGE_TOKENS
    }

    fn accepts_early(&self) -> bool {
        false
    }

    fn envelope(&self, model: &str, created: u64, dice: &mut Dice) -> Envelope {
        Envelope {
            stem: envelope::hexadecimal(dice),
            created,
            model: model.to_owned(),
            fingerprint: String::new(),
            call_stem: envelope::hexadecimal(dice).chars().take(28).collect(),
            trace: String::new(),
        }
    }

    fn headers(&self, _envelope: &Envelope, _processing_ms: u64, headers: &mut HeaderMap) {
        headers.insert("server", HeaderValue::from_static("uvicorn"));
    }

    fn models(&self, only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal> {
        if let Some(name) = only {
            let served = models.is_none_or(|models| models.iter().any(|model| model == name));
            return if served { Ok(model(name).to_string()) } else { Err(unknown(name)) };
        }
        let data: Vec<Value> = match models {
            Some(models) => models.iter().map(|name| model(name)).collect(),
            None => vec![model(MODEL)],
        };
        Ok(json!({"object": "list", "data": data}).to_string())
    }
}

/// Kinds that stand for answers without the server's own shape.
const NO_ROUTE: &str = "no route";
const UNAUTHORIZED: &str = "unauthorized";

fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "vllm", "root": name, "parent": null,
           "max_model_len": CONTEXT_TOKENS})
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(404, "NotFoundError", None, format!("The model `{name}` does not exist."))
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new(400, BAD_REQUEST, None, message)
}

fn server_error() -> Refusal {
    Refusal::new(500, "InternalServerError", None, "Internal server error")
}

fn error_value(refusal: &Refusal) -> Value {
    json!({"object": "error", "message": refusal.message, "type": refusal.kind, "param": refusal.param,
           "code": refusal.status})
}

fn usage(usage: &Usage, _thinking: bool) -> String {
    let Usage { prompt, completion, cached, .. } = *usage;
    let cached = if cached > 0 { format!("{{\"cached_tokens\":{cached}}}") } else { "null".to_owned() };
    format!(
        "{{\"prompt_tokens\":{prompt},\"total_tokens\":{},\"completion_tokens\":{completion},\
         \"prompt_tokens_details\":{cached},\"completion_tokens_details\":null}}",
        usage.total()
    )
}
