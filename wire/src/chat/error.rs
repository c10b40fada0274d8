//! The error body that every OpenAI client understands.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `{"error": {...}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The inner object.
    pub error: ErrorDetail,
}

/// What clients show and branch on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For people.
    #[serde(default)]
    pub message: String,
    /// Family, for example `invalid_request_error`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Request member at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// Machine code, for example `model_not_found`.
    #[serde(default)]
    pub code: Option<String>,
}

impl ErrorBody {
    /// An error without a parameter.
    #[must_use]
    pub fn new(kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            error: ErrorDetail {
                message: message.into(),
                kind: kind.to_owned(),
                param: None,
                code: code.map(str::to_owned),
            },
        }
    }

    /// Names the request member at fault.
    #[must_use]
    pub fn with_param(mut self, param: &str) -> Self {
        self.error.param = Some(param.to_owned());
        self
    }

    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Four strings always serialise; the fallback keeps the shape if that ever stops being true.
        serde_json::to_string(self)
            .unwrap_or_else(|_| r#"{"error":{"message":"","type":"server_error","param":null,"code":null}}"#.to_owned())
    }

    /// Reads a provider's body, whichever of the usual shapes it has: OpenAI's (also with numbers as codes, and types
    /// that are null), `error` as a bare string, the error's members without an `error` around them, or FastAPI's
    /// `detail`. `None` for anything else.
    #[must_use]
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(bytes).ok()?;
        let error = match body.get("error") {
            Some(Value::String(message)) => ErrorDetail { message: message.clone(), ..ErrorDetail::default() },
            Some(Value::Object(_)) => ErrorDetail::read(body.get("error")?),
            _ => match body.get("detail") {
                Some(Value::String(message)) => ErrorDetail { message: message.clone(), ..ErrorDetail::default() },
                Some(Value::Array(details)) => ErrorDetail { message: joined(details)?, ..ErrorDetail::default() },
                _ => ErrorDetail::read(body.get("message").map(|_| &body)?),
            },
        };
        Some(Self { error })
    }
}

impl ErrorDetail {
    fn read(object: &Value) -> Self {
        let text = |name: &str| object.get(name).and_then(as_text);
        Self {
            message: text("message").unwrap_or_default(),
            kind: text("type").unwrap_or_default(),
            param: text("param"),
            code: text("code"),
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// FastAPI's list of mistakes: each says where and what, and repeats the input, which is left out.
fn joined(details: &[Value]) -> Option<String> {
    let one = |detail: &Value| {
        let message = detail.get("msg")?.as_str()?;
        let place: Vec<String> = detail.get("loc").and_then(Value::as_array)?.iter().filter_map(as_text).collect();
        Some(format!("{}: {message}", place.join(".")))
    };
    let all: Vec<String> = details.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_shapes_are_read() {
        for (body, message, kind, code) in [
            (r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#, "m", "t", Some("c")),
            (r#"{"error":{"message":"m","type":null,"code":400}}"#, "m", "", Some("400")),
            (r#"{"error":"m"}"#, "m", "", None),
            (
                r#"{"object":"error","message":"m","type":"BadRequestError","code":404}"#,
                "m",
                "BadRequestError",
                Some("404"),
            ),
            (r#"{"detail":"m"}"#, "m", "", None),
            (r#"{"detail":[{"loc":["body","n"],"msg":"m","input":"secret"}]}"#, "body.n: m", "", None),
        ] {
            let error = ErrorBody::from_json(body.as_bytes()).unwrap().error;
            assert_eq!((&*error.message, &*error.kind, error.code.as_deref()), (message, kind, code), "{body}");
        }
        for body in ["<html>", "[]", "{}", r#"{"error":null}"#, r#"{"detail":[]}"#, "\"m\""] {
            assert_eq!(ErrorBody::from_json(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let body = ErrorBody::new("t", Some("c"), "m").with_param("p");
        assert_eq!(ErrorBody::from_json(body.to_json().as_bytes()), Some(body));
    }
}
