//! The kinds of routes in a cluster whose weights move.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    HttpRoute,
    VirtualService,
    Ingress,
}

/// What the API calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    /// As an address begins.
    pub(super) word: &'static str,
    pub(super) kind: &'static str,
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    /// Key of the atomic list under `spec` that holds the weights; `None` where annotations do.
    pub(super) list: Option<&'static str>,
}

impl Kind {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::HttpRoute, Self::VirtualService, Self::Ingress].into_iter().find(|kind| kind.names().word == word)
    }

    pub(super) fn names(self) -> Names {
        match self {
            Self::HttpRoute => Names {
                word: "httproute",
                kind: "HTTPRoute",
                group: "gateway.networking.k8s.io",
                version: "v1",
                plural: "httproutes",
                list: Some("rules"),
            },
            Self::VirtualService => Names {
                word: "virtualservice",
                kind: "VirtualService",
                group: "networking.istio.io",
                version: "v1",
                plural: "virtualservices",
                list: Some("http"),
            },
            Self::Ingress => Names {
                word: "ingress",
                kind: "Ingress",
                group: "networking.k8s.io",
                version: "v1",
                plural: "ingresses",
                list: None,
            },
        }
    }
}
