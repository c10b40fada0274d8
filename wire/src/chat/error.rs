//! The error body that every OpenAI client understands.

use serde::{Deserialize, Serialize};

/// `{"error": {...}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The inner object.
    pub error: ErrorDetail,
}

/// What clients show and branch on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// Reads a provider's body; `None` if it has another shape.
    #[must_use]
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
