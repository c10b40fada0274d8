//! The endpoints that the gateway carries, as a closed list.

use serde::{Deserialize, Serialize};

/// An endpoint of OpenAI's API. The names are part of the configuration and of the record format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Chat completions.
    Chat,
    /// Legacy completions.
    Completions,
    /// Embeddings.
    Embeddings,
    /// Responses.
    Responses,
    /// Moderations.
    Moderations,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chat, Self::Completions, Self::Embeddings, Self::Responses, Self::Moderations];

    /// The name in configuration, records, metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Moderations => "moderations",
        }
    }

    /// The path at which clients call it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Responses => "/v1/responses",
            Self::Moderations => "/v1/moderations",
        }
    }

    /// The endpoint at a path; no query, no trailing slash.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == path)
    }

    /// Whether `stream: true` means something here.
    #[must_use]
    pub const fn may_stream(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Responses)
    }

    /// The member that holds what the model is asked.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completions => "prompt",
            Self::Embeddings | Self::Responses | Self::Moderations => "input",
        }
    }

    /// The path below a base URL that already ends in the version, as providers are configured.
    #[must_use]
    pub const fn path_below_version(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Responses => "/responses",
            Self::Moderations => "/moderations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn names_and_paths_lead_back() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::of_path(endpoint.path()), Some(endpoint));
            assert_eq!(endpoint.path(), format!("/v1{}", endpoint.path_below_version()));
            assert_eq!(serde_json::to_string(&endpoint).unwrap(), format!("\"{}\"", endpoint.name()));
        }
        assert_eq!(Endpoint::of_path("/v1/chat/completions/"), None);
        assert_eq!(Endpoint::of_path("/v1/models"), None);
    }
}
