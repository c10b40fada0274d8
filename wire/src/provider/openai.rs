//! OpenAI: the identity, but for usage, as long as the model stays. A request on its way to another model follows a
//! matrix ([`chat`]).
//!
//! A stream of OpenAI reports usage only if `stream_options.include_usage` asks for it. The gateway always asks,
//! because usage must never be lost, and takes the report out again for a client that did not.

mod chat;

use super::answer::{self, Manners};
use super::draft::Draft;
use super::error::hidden;
use super::{Adapter, ClientError, Edit, Rewritten, Row, Target, Unfit, View, standard_error};
use crate::endpoint::Endpoint;
use crate::json::Object;
use crate::request::Request;
use serde_json::value::RawValue;

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct OpenAi;

impl Adapter for OpenAi {
    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        Some(endpoint.path_below_version())
    }

    fn matrix(&self, endpoint: Endpoint) -> &'static [Row] {
        if endpoint == Endpoint::Chat { chat::TABLE } else { &[] }
    }

    fn passes_untouched(&self, request: &Request<'_>, target: &Target<'_>) -> bool {
        target.last_resort || target.model == request.model || request.endpoint != Endpoint::Chat
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        let usage_on_request = matches!(request.endpoint, Endpoint::Chat | Endpoint::Completions);
        let asks = request.stream && usage_on_request && !request.include_usage;
        if !self.passes_untouched(request, target) {
            let mut draft = Draft::new(chat::TABLE, request, target)?;
            if let Some(options) = asks.then(|| options_with_usage(&request.object)).flatten() {
                draft.set("stream_options", options.get().to_owned());
            }
            return Ok(draft.finish());
        }
        let mut object = request.object.clone();
        if target.model != request.model {
            object.set_value("model", target.model);
        }
        if let Some(options) = asks.then(|| options_with_usage(&object)).flatten() {
            object.set("stream_options", options);
        }
        Ok(Rewritten { body: object.to_bytes(), dropped: Vec::new() })
    }

    fn edits_whole(&self, _endpoint: Endpoint) -> bool {
        false
    }

    fn edit(&self, endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit {
        // Responses always report usage, and their clients expect it.
        let hides_usage = !view.wants_usage && endpoint != Endpoint::Responses;
        if view.model.is_none() && !(hides_usage && memchr::memmem::find(data.as_bytes(), b"\"usage\"").is_some()) {
            return Edit::Keep;
        }
        match endpoint {
            Endpoint::Responses => answer::edit_response(data, view),
            _ => answer::edit(data, view, Manners::default(), &hidden),
        }
    }

    fn edit_whole(&self, endpoint: Endpoint, body: &[u8], view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        match (view.model, endpoint) {
            (None, _) | (_, Endpoint::Embeddings | Endpoint::Moderations) => Ok(None),
            (Some(_), _) => answer::edit_whole(body, view, Manners::default(), &hidden),
        }
    }

    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        standard_error(status, body)
    }
}

/// `stream_options` with `include_usage`, keeping what else the client put there.
fn options_with_usage(object: &Object<'_>) -> Option<Box<RawValue>> {
    let given = object.get("stream_options").and_then(|raw| Object::parse(raw.get().as_bytes()).ok());
    let mut options = given.or_else(|| Object::parse(b"{}").ok())?;
    options.set_value("include_usage", &true);
    RawValue::from_string(String::from_utf8_lossy(&options.to_bytes()).into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(body: &str) -> String {
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        String::from_utf8(
            OpenAi.rewrite(&request, &Target::new(&request.model, &crate::provider::Policy::default())).unwrap().body,
        )
        .unwrap()
    }

    #[test]
    fn usage_is_asked_for_only_where_the_client_streams_and_did_not_ask() {
        let whole = r#"{"model":"m","messages":[]}"#;
        assert_eq!(rewritten(whole), whole);
        let asked = r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;
        assert_eq!(rewritten(asked), asked);
        assert_eq!(
            rewritten(r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_obfuscation":false}}"#),
            r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}"#
        );
        assert_eq!(
            rewritten(r#"{"model":"m","messages":[],"stream":true}"#),
            r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#
        );
    }

    fn edit(data: &str, wants_usage: bool) -> Edit {
        OpenAi.edit(Endpoint::Chat, data, &View { wants_usage, ..View::default() })
    }

    #[test]
    fn the_client_sees_no_trace_of_usage_it_did_not_ask_for() {
        let report = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        let delta = r#"{"id":"c","choices":[{"index":0,"delta":{"content":"\"usage\""}}],"usage":null}"#;
        assert_eq!(edit(report, false), Edit::Drop);
        assert_eq!(
            edit(delta, false),
            Edit::Replace(vec![r#"{"id":"c","choices":[{"index":0,"delta":{"content":"\"usage\""}}]}"#.into()])
        );
        assert_eq!(edit("[DONE]", false), Edit::Keep);
        assert_eq!(edit(r#"{"choices":[{"delta":{"content":"usage"}}]}"#, false), Edit::Keep);
        assert_eq!(edit(report, true), Edit::Keep);
    }

    #[test]
    fn another_name_is_shown_where_the_view_has_one() {
        let view = View { model: Some("shown"), wants_usage: true, ..View::default() };
        let chunk = r#"{"id":"c","model":"m","choices":[]}"#;
        let renamed = r#"{"id":"c","model":"shown","choices":[]}"#;
        assert_eq!(OpenAi.edit(Endpoint::Chat, chunk, &view), Edit::Replace(vec![renamed.into()]));
        let whole = OpenAi.edit_whole(Endpoint::Chat, chunk.as_bytes(), &view).unwrap();
        assert_eq!(whole.as_deref(), Some(renamed.as_bytes()));
        assert_eq!(OpenAi.edit_whole(Endpoint::Chat, b"<html>", &View::default()).unwrap(), None);
        let event = r#"{"type":"response.completed","response":{"model":"m","usage":{"input_tokens":1}}}"#;
        assert_eq!(OpenAi.edit(Endpoint::Responses, event, &View::default()), Edit::Keep);
        assert_eq!(
            OpenAi.edit(Endpoint::Responses, event, &view),
            Edit::Replace(vec![event.replace("\"m\"", "\"shown\"")])
        );
    }
}
