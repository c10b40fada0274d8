//! Which form a request demands of its answer.
//!
//! Only a demand makes an answer without that form a failure: tools that are merely offered may be left alone.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::Text;
use serde::Deserialize;

/// The form that an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Any text, or calls of the tools that were offered.
    #[default]
    Free,
    /// JSON: `json_object` or `json_schema`.
    Json,
    /// A call of a tool, whatever the format of text would be.
    Call,
}

impl Form {
    /// Whether a form is demanded at all.
    #[must_use]
    pub const fn is_demanded(self) -> bool {
        !matches!(self, Self::Free)
    }
}

/// A choice of tools that is an object: one tool by name, or several that are allowed.
#[derive(Deserialize)]
struct Chosen<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
    /// Of allowed tools, in responses.
    #[serde(borrow, default)]
    mode: Option<Text<'a>>,
    /// Of allowed tools, in chat.
    #[serde(borrow, default)]
    allowed_tools: Option<Allowed<'a>>,
}

#[derive(Deserialize)]
struct Allowed<'a> {
    #[serde(borrow, default)]
    mode: Option<Text<'a>>,
}

pub(super) fn of(request: &Request<'_>) -> Form {
    let object = &request.object;
    // `function_call` is how tools were chosen before there were tools.
    let forced = match request.endpoint {
        Endpoint::Chat => [object.get("tool_choice"), object.get("function_call")],
        Endpoint::Responses => [object.get("tool_choice"), None],
        Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => [None, None],
    };
    if forced.into_iter().flatten().any(|choice| is_forced(choice.get())) {
        return Form::Call;
    }
    if request.wants_json() { Form::Json } else { Form::Free }
}

fn is_forced(choice: &str) -> bool {
    if let Ok(word) = serde_json::from_str::<Text<'_>>(choice) {
        return word.0 == "required";
    }
    let Ok(chosen) = serde_json::from_str::<Chosen<'_>>(choice) else { return false };
    let is_required = |mode: &Option<Text<'_>>| mode.as_ref().is_some_and(|mode| mode.0 == "required");
    match chosen.kind.as_ref().map(|kind| &*kind.0) {
        Some("allowed_tools") => {
            is_required(&chosen.mode) || chosen.allowed_tools.is_some_and(|allowed| is_required(&allowed.mode))
        }
        // `{"name": ...}` is the form of old; hosted tools of responses answer in their own way.
        None | Some("function" | "custom") => true,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_demanded_by_format_or_by_a_forced_call() {
        use Form::{Call, Free, Json};
        for (members, form) in [
            (r#""tools":[]"#, Free),
            (r#""tools":[],"tool_choice":"auto""#, Free),
            (r#""tool_choice":"none","response_format":{"type":"json_object"}"#, Json),
            (r#""tool_choice":"required","response_format":{"type":"json_schema"}"#, Call),
            (r#""tool_choice":{"type":"function","function":{"name":"f"}}"#, Call),
            (r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#, Call),
            (r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}"#, Free),
            (r#""functions":[],"function_call":{"name":"f"}"#, Call),
            (r#""functions":[],"function_call":"auto""#, Free),
            (r#""tool_choice":null"#, Free),
            (r#""tool_choice":7"#, Free),
        ] {
            let body = format!(r#"{{"model":"m","messages":[],{members}}}"#);
            assert_eq!(Request::parse(Endpoint::Chat, body.as_bytes()).unwrap().form(), form, "{members}");
        }
        for (members, form) in [
            (r#""tool_choice":{"type":"function","name":"f"}"#, Call),
            (r#""tool_choice":{"type":"file_search"}"#, Free),
            (r#""tool_choice":{"type":"allowed_tools","mode":"required"}"#, Call),
            (r#""text":{"format":{"type":"json_schema"}}"#, Json),
        ] {
            let body = format!(r#"{{"model":"m","input":"x",{members}}}"#);
            let form_of = |endpoint| Request::parse(endpoint, body.as_bytes()).unwrap().form();
            assert_eq!((form_of(Endpoint::Responses), form_of(Endpoint::Embeddings)), (form, Free), "{members}");
        }
    }
}
