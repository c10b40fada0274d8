//! OpenAI: the identity, but for usage.
//!
//! A stream of OpenAI reports usage only if `stream_options.include_usage` asks for it. The gateway always asks,
//! because usage must never be lost, and takes the report out again for a client that did not.

use super::answer::{self, Manners};
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

    fn matrix(&self, _endpoint: Endpoint) -> &'static [Row] {
        &[]
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        let mut object = request.object.clone();
        if target.model != request.model {
            object.set_value("model", target.model);
        }
        let usage_on_request = matches!(request.endpoint, Endpoint::Chat | Endpoint::Completions);
        if request.stream && usage_on_request && !request.include_usage {
            ask_for_usage(&mut object);
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

    fn edit_whole(&self, _endpoint: Endpoint, _body: &[u8], _view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(None)
    }

    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        standard_error(status, body)
    }
}

/// Sets `stream_options.include_usage`, keeping what else the client put there.
fn ask_for_usage(object: &mut Object<'_>) {
    let options = object.get("stream_options").map(|raw| raw.get().to_owned());
    let mut inner = match options.as_deref().map(|text| Object::parse(text.as_bytes())) {
        Some(Ok(inner)) => inner,
        _ => match Object::parse(b"{}") {
            Ok(inner) => inner,
            Err(_) => return,
        },
    };
    inner.set_value("include_usage", &true);
    if let Ok(raw) = RawValue::from_string(String::from_utf8_lossy(&inner.to_bytes()).into_owned()) {
        object.set("stream_options", raw);
    }
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
}
