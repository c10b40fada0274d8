//! DeepSeek: everything it does differently, and nothing else (API state of November 2026).
//!
//! The biggest difference is silent: its models think by default, and thinking is billed. A request that does not
//! ask for reasoning is therefore sent with thinking switched off.

use super::openai::is_empty_list;
use super::{Adapter, ClientError, Edit, Rewritten, Target, Unfit, View, standard_error};
use crate::chat::ErrorBody;
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::json::Object;
use crate::request::Request;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct DeepSeek;

/// Largest `max_tokens` that the API takes.
const MAX_TOKENS: u64 = 393_216;

/// The model that takes images.
const IMAGE_MODEL: &str = "deepseek-flash";

/// Members that the API ignores, refuses or that mean something only at OpenAI. They are left out by name.
const DROPPED: [&str; 17] = [
    "seed",
    "logit_bias",
    "parallel_tool_calls",
    "presence_penalty",
    "frequency_penalty",
    "store",
    "metadata",
    "service_tier",
    "verbosity",
    "prediction",
    "modalities",
    "audio",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
];

impl Adapter for DeepSeek {
    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Chat | Endpoint::Responses => Some(endpoint.path_below_version()),
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => None,
        }
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        let model = target.model;
        if request.endpoint != Endpoint::Chat {
            return Err(Unfit { feature: "endpoint" });
        }
        fits(request, model)?;
        let mut object = request.object.clone();
        object.set_value("model", model);
        rename_developer(request, &mut object);
        let end_user = end_user(&object);
        let thinking = set_thinking(request, &mut object);
        if object.read::<String>("tool_choice").as_deref() == Some("auto") {
            object.remove("tool_choice");
        }
        limit_tokens(&mut object);
        let strict = strip_strict(&mut object);
        set_stream_options(request, &mut object);
        // A member that is null asks for nothing: it goes without a word.
        let mut dropped: Vec<&'static str> = DROPPED.into_iter().filter(|name| object.has(name)).collect();
        for name in DROPPED {
            object.remove(name);
        }
        if strict {
            dropped.push("tools.strict");
        }
        if let Some(id) = end_user {
            object.set_value("user_id", &id);
            dropped.retain(|name| !matches!(*name, "user" | "safety_identifier"));
        }
        if thinking == Thinking::Overruled {
            dropped.push("reasoning_effort");
        }
        Ok(Rewritten { body: object.to_bytes(), dropped })
    }

    /// Usage rides on the finish chunk here, whatever the client asked for.
    fn edits_whole(&self, _endpoint: Endpoint) -> bool {
        false
    }

    fn edit(&self, _endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit {
        let client_wants_usage = view.wants_usage;
        if !data.contains("\"usage\"") {
            return Edit::Keep;
        }
        let Ok(mut chunk) = Object::parse(data.as_bytes()) else { return Edit::Keep };
        let usage = chunk.get("usage").filter(|usage| usage.get() != "null").map(ToOwned::to_owned);
        // Some resellers report as OpenAI does.
        if usage.is_some() && chunk.get("choices").is_some_and(is_empty_list) {
            return if client_wants_usage { Edit::Keep } else { Edit::Drop };
        }
        match (usage, client_wants_usage) {
            (None, true) => Edit::Keep,
            (None, false) => {
                if chunk.remove("usage") {
                    Edit::Replace(vec![text(&chunk)])
                } else {
                    Edit::Keep
                }
            }
            (Some(_), false) => {
                chunk.remove("usage");
                Edit::Replace(vec![text(&chunk)])
            }
            (Some(usage), true) => split_usage(chunk, usage),
        }
    }

    fn edit_whole(&self, _endpoint: Endpoint, _body: &[u8], _view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(None)
    }

    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        let mut error = standard_error(status, body);
        let message = error.body.error.message.clone();
        let replaced = match status {
            400 if message.contains("Content Exists Risk") => {
                Some((400, "invalid_request_error", "content_filter", ErrorKind::Moderation))
            }
            400 if message.contains("supported API model names") => {
                Some((404, "invalid_request_error", "model_not_found", ErrorKind::NotFound))
            }
            400 if message.contains("maximum context length") => {
                Some((400, "invalid_request_error", "context_length_exceeded", ErrorKind::BadRequest))
            }
            402 => Some((429, "insufficient_quota", "insufficient_quota", ErrorKind::Quota)),
            422 => Some((400, "invalid_request_error", "invalid_request_error", ErrorKind::BadRequest)),
            429 => Some((429, "requests", "rate_limit_exceeded", ErrorKind::RateLimit)),
            _ => None,
        };
        if let Some((status, family, code, kind)) = replaced {
            error = ClientError {
                status,
                body: ErrorBody::new(family, Some(code), message),
                kind,
                retry_after_seconds: None,
            };
        }
        error
    }
}

/// What cannot be sent here without changing its meaning.
fn fits(request: &Request<'_>, model: &str) -> Result<(), Unfit> {
    let object = &request.object;
    let unfit = |feature| Err(Unfit { feature });
    if object.read::<u64>("n").is_some_and(|n| n > 1) {
        return unfit("n>1");
    }
    if request.response_format().as_deref() == Some("json_schema") {
        return unfit("response_format json_schema");
    }
    if object.has("functions") || object.has("function_call") {
        return unfit("functions");
    }
    if object.has("web_search_options") {
        return unfit("web_search_options");
    }
    if object.has("audio") {
        return unfit("audio");
    }
    // A request for a safety check must not be answered without it.
    if object.has("moderation") {
        return unfit("moderation");
    }
    if object.get("logit_bias").is_some_and(|bias| !matches!(bias.get().trim(), "null" | "{}")) {
        return unfit("logit_bias");
    }
    let tools = object.read::<Vec<Value>>("tools").unwrap_or_default();
    if tools.iter().any(|tool| tool.get("type").and_then(Value::as_str) != Some("function")) {
        return unfit("tools other than functions");
    }
    if object.get("tool_choice").is_some_and(|raw| raw.get().contains("allowed_tools")) {
        return unfit("tool_choice allowed_tools");
    }
    let messages = object.get("messages").map_or("", RawValue::get);
    if messages.contains("\"input_audio\"") || messages.contains("\"file\"") {
        return unfit("audio or file content");
    }
    // Only this model sees images; the others drop them without a word.
    if messages.contains("\"image_url\"") && model != IMAGE_MODEL {
        return unfit("images");
    }
    if request.roles().iter().any(|role| role == "function") {
        return unfit("functions");
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Thinking {
    AsAsked,
    /// Reasoning was asked for but cannot be had on this turn.
    Overruled,
}

/// Thinking is off unless the caller asked for reasoning; forced tool choice and tool turns without their
/// reasoning text are refused while thinking, so they switch it off too.
fn set_thinking(request: &Request<'_>, object: &mut Object<'_>) -> Thinking {
    if object.has("thinking") {
        return Thinking::AsAsked;
    }
    let effort = match object.read::<String>("reasoning_effort").as_deref() {
        None | Some("none") => None,
        Some("minimal" | "low") => Some("low"),
        Some("max") => Some("max"),
        Some(_) => Some("high"),
    };
    let forced = object.get("tool_choice").is_some_and(|raw| !matches!(raw.get(), "\"auto\"" | "\"none\"" | "null"));
    let orphaned = misses_reasoning(request);
    match effort {
        Some(effort) if !forced && !orphaned => {
            object.set_value("reasoning_effort", effort);
            Thinking::AsAsked
        }
        wish => {
            object.remove("reasoning_effort");
            object.set_value("thinking", &serde_json::json!({"type": "disabled"}));
            if wish.is_some() { Thinking::Overruled } else { Thinking::AsAsked }
        }
    }
}

/// In a conversation with tools, every earlier answer has to come back with its reasoning, else the API refuses it.
fn misses_reasoning(request: &Request<'_>) -> bool {
    let messages = request.messages();
    let messages: Vec<Object<'_>> =
        messages.iter().filter_map(|raw| Object::parse(raw.get().as_bytes()).ok()).collect();
    let role = |message: &Object<'_>| message.read::<String>("role").unwrap_or_default();
    let offers = request.object.read::<Vec<Value>>("tools").is_some_and(|tools| !tools.is_empty());
    let tools = offers || messages.iter().any(|message| message.has("tool_calls") || role(message) == "tool");
    tools && messages.iter().any(|message| role(message) == "assistant" && !message.has("reasoning_content"))
}

/// The role `developer` is unknown here and means `system`.
fn rename_developer(request: &Request<'_>, object: &mut Object<'_>) {
    if !request.roles().iter().any(|role| role == "developer") {
        return;
    }
    let mut list = Vec::from(*b"[");
    for (index, raw) in request.messages().into_iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        match Object::parse(raw.get().as_bytes()) {
            Ok(mut message) if message.read::<String>("role").as_deref() == Some("developer") => {
                message.set_value("role", "system");
                list.extend_from_slice(&message.to_bytes());
            }
            _ => list.extend_from_slice(raw.get().as_bytes()),
        }
    }
    list.push(b']');
    if let Ok(raw) = RawValue::from_string(String::from_utf8_lossy(&list).into_owned()) {
        object.set("messages", raw);
    }
}

/// `max_completion_tokens` would be ignored here: it becomes `max_tokens`, within the allowed range.
fn limit_tokens(object: &mut Object<'_>) {
    if object.has("max_completion_tokens") {
        object.rename("max_completion_tokens", "max_tokens");
    } else {
        object.remove("max_completion_tokens");
    }
    if let Some(limit) = object.read::<u64>("max_tokens").filter(|limit| *limit > MAX_TOKENS) {
        object.set_value("max_tokens", &limit.min(MAX_TOKENS));
    }
}

/// Strict schemas exist only on the beta address; elsewhere the mark is not understood. Says whether one was set.
fn strip_strict(object: &mut Object<'_>) -> bool {
    if !object.get("tools").is_some_and(|tools| tools.get().contains("\"strict\"")) {
        return false;
    }
    let Some(mut tools) = object.read::<Vec<Value>>("tools") else { return false };
    let mut strict = false;
    for tool in &mut tools {
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            strict |= function.shift_remove("strict") == Some(Value::Bool(true));
        }
    }
    object.set_value("tools", &tools);
    strict
}

/// Stream options without a stream are refused here, and only `include_usage` is known.
fn set_stream_options(request: &Request<'_>, object: &mut Object<'_>) {
    if !object.has("stream_options") {
        return;
    }
    if request.stream && request.include_usage {
        object.set_value("stream_options", &serde_json::json!({"include_usage": true}));
    } else {
        object.remove("stream_options");
    }
}

/// The end user's id, hashed: another provider need not know whom we serve, only who is the same.
fn end_user(object: &Object<'_>) -> Option<String> {
    let given = |name| object.read::<String>(name).filter(|id| !id.is_empty());
    let id = given("safety_identifier").or_else(|| given("user"))?;
    let digest = Sha256::digest(id.as_bytes());
    Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// The finish chunk with usage becomes OpenAI's two: the finish, then usage with no choices.
fn split_usage(mut finish: Object<'_>, usage: Box<RawValue>) -> Edit {
    let mut report = finish.clone();
    finish.set_value("usage", &Value::Null);
    report.set_value("choices", &Value::Array(Vec::new()));
    report.set("usage", usage);
    Edit::Replace(vec![text(&finish), text(&report)])
}

fn text(object: &Object<'_>) -> String {
    String::from_utf8_lossy(&object.to_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(body: &str) -> Result<(Value, Vec<&'static str>), &'static str> {
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        let done = DeepSeek
            .rewrite(&request, &Target::new("deepseek-flash", &crate::provider::Policy::default()))
            .map_err(|unfit| unfit.feature)?;
        Ok((serde_json::from_slice(&done.body).unwrap(), done.dropped))
    }

    fn chat(members: &str) -> String {
        format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"hi"}}]{members}}}"#)
    }

    #[test]
    fn a_plain_request_gets_the_model_and_no_thinking() {
        let (body, dropped) = rewrite(&chat(r#","temperature":0.2,"x_unknown":{"a":1}"#)).unwrap();
        assert_eq!(body["model"], "deepseek-flash");
        assert_eq!(body["thinking"]["type"], "disabled");
        assert_eq!(body["temperature"], 0.2);
        assert_eq!(body["x_unknown"]["a"], 1);
        assert!(dropped.is_empty());
    }

    #[test]
    fn reasoning_is_kept_where_it_was_asked_for() {
        let (body, _) = rewrite(&chat(r#","reasoning_effort":"medium""#)).unwrap();
        assert_eq!(body["reasoning_effort"], "high");
        assert!(body.get("thinking").is_none());
        let forced = chat(
            r#","reasoning_effort":"low","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#,
        );
        let (body, dropped) = rewrite(&forced).unwrap();
        assert_eq!(body["thinking"]["type"], "disabled");
        assert_eq!(dropped, ["reasoning_effort"]);
    }

    #[test]
    fn renamed_limited_and_dropped_members() {
        let (body, dropped) = rewrite(&chat(
            r#","max_completion_tokens":999999999,"seed":1,"user":"anna@example.org","tool_choice":"auto","stream_options":{"include_usage":true}"#,
        ))
        .unwrap();
        assert_eq!(body["max_tokens"], MAX_TOKENS);
        assert_eq!(dropped, ["seed"]);
        assert_eq!(body["user_id"].as_str().unwrap().len(), 32);
        for gone in ["max_completion_tokens", "seed", "user", "tool_choice", "stream_options"] {
            assert!(body.get(gone).is_none(), "{gone}");
        }
        assert!(!body.to_string().contains("anna"));
    }

    #[test]
    fn developer_becomes_system_and_other_messages_keep_their_bytes() {
        let request =
            r#"{"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user",  "content":"1.50"}]}"#;
        let parsed = Request::parse(Endpoint::Chat, request.as_bytes()).unwrap();
        let body = String::from_utf8(
            DeepSeek
                .rewrite(&parsed, &Target::new("deepseek-flash", &crate::provider::Policy::default()))
                .unwrap()
                .body,
        )
        .unwrap();
        assert!(body.contains(r#"{"role":"system","content":"d"},{"role":"user",  "content":"1.50"}"#), "{body}");
    }

    #[test]
    fn strict_marks_are_taken_out_of_tools() {
        let (body, _) =
            rewrite(&chat(r#","tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{}}}]"#))
                .unwrap();
        assert_eq!(body["tools"].to_string(), r#"[{"type":"function","function":{"name":"f","parameters":{}}}]"#);
    }

    #[test]
    fn members_that_are_null_ask_for_nothing() {
        let (body, dropped) =
            rewrite(&chat(r#","max_tokens":50,"max_completion_tokens":null,"seed":null,"user":"","logit_bias":null"#))
                .unwrap();
        assert_eq!(body["max_tokens"], 50, "the limit survives");
        assert!(body.get("max_completion_tokens").is_none() && body.get("user_id").is_none());
        assert_eq!(dropped, ["user"], "an empty user names nobody, and is not passed on");
    }

    #[test]
    fn images_go_only_to_the_model_that_sees_them() {
        let body =
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"#;
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        assert_eq!(
            DeepSeek.rewrite(&request, &Target::new("deepseek-v4-pro", &crate::provider::Policy::default())),
            Err(Unfit { feature: "images" })
        );
        assert!(
            DeepSeek.rewrite(&request, &Target::new("deepseek-flash", &crate::provider::Policy::default())).is_ok()
        );
    }

    #[test]
    fn a_conversation_with_tools_thinks_only_with_all_its_reasoning() {
        let with = |messages: &str, more: &str| {
            let body = format!(r#"{{"model":"m","reasoning_effort":"high","messages":[{messages}]{more}}}"#);
            rewrite(&body).unwrap().0.get("thinking").is_none()
        };
        let user = r#"{"role":"user","content":"q"}"#;
        let plain = r#"{"role":"assistant","content":"a","tool_calls":null}"#;
        let full = r#"{"role":"assistant","content":"a","reasoning_content":"because"}"#;
        let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
        assert!(with(&format!("{user},{plain},{user}"), ""), "without tools nothing has to come back");
        assert!(!with(&format!("{user},{plain},{user}"), tools));
        assert!(with(&format!("{user},{full},{user}"), tools));
    }

    #[test]
    fn what_would_change_its_meaning_stays_on_the_baseline() {
        for (members, feature) in [
            (r#","n":2"#, "n>1"),
            (r#","response_format":{"type":"json_schema","json_schema":{}}"#, "response_format json_schema"),
            (r#","functions":[]"#, "functions"),
            (r#","audio":{}"#, "audio"),
            (r#","moderation":{"model":"omni-moderation-latest"}"#, "moderation"),
            (r#","logit_bias":{"50256":-100}"#, "logit_bias"),
            (r#","tools":[{"type":"custom"}]"#, "tools other than functions"),
        ] {
            assert_eq!(rewrite(&chat(members)).unwrap_err(), feature);
        }
    }

    #[test]
    fn usage_takes_the_shape_that_the_client_asked_for() {
        let finish = r#"{"id":"u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        assert_eq!(
            DeepSeek.edit(Endpoint::Chat, finish, &View { wants_usage: true, ..View::default() }),
            Edit::Replace(vec![
                r#"{"id":"u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":null}"#
                    .into(),
                r#"{"id":"u","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#.into(),
            ])
        );
        assert_eq!(
            DeepSeek.edit(Endpoint::Chat, finish, &View { wants_usage: false, ..View::default() }),
            Edit::Replace(vec![
                r#"{"id":"u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}"#.into()
            ])
        );
        assert_eq!(
            DeepSeek.edit(Endpoint::Chat, r#"{"choices":[],"x":1}"#, &View { wants_usage: true, ..View::default() }),
            Edit::Keep
        );
    }

    #[test]
    fn errors_take_openais_meaning() {
        let error = |status, message: &str| {
            let body = ErrorBody::new("unknown_error", Some("invalid_request_error"), message).to_json();
            let error = DeepSeek.error(status, body.as_bytes());
            (error.status, error.body.error.code.unwrap_or_default(), error.kind)
        };
        assert_eq!(error(402, "Insufficient Balance"), (429, "insufficient_quota".into(), ErrorKind::Quota));
        assert_eq!(error(400, "Content Exists Risk"), (400, "content_filter".into(), ErrorKind::Moderation));
        assert_eq!(error(400, "The supported API model names are a or b").1, "model_not_found");
        assert_eq!(error(429, "slow"), (429, "rate_limit_exceeded".into(), ErrorKind::RateLimit));
        assert_eq!(DeepSeek.error(503, b"<html>").body.error.kind, "server_error");
    }
}
