//! What a consumer, or one of its keys, may be used for. Both are asked, and both must allow it.

use super::address::Network;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// A name, a beginning followed by `*`, or `*` alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern; `None` if it is empty or has a star before its end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('*').unwrap_or(text);
        (!text.is_empty() && !name.contains('*') && text.len() <= 256).then(|| Self(text.to_owned()))
    }

    /// Whether it takes this name.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.0 == name,
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected a name, or its beginning followed by one `*`, such as gpt-4o*")
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is allowed. A list that is missing allows everything; an empty one is refused where it is read, because it looks
/// like "everything" and would mean "nothing".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// Models that may be asked for, by the names that clients send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<Pattern>>,
    /// Migrations whose traffic it may be; `none` is what belongs to no migration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Vec<Pattern>>,
    /// Endpoints by name (`chat`) or path (`/v1/chat/completions`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Pattern>>,
    /// Addresses that calls may come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Network>>,
}

/// What a call wants.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Model as the client named it.
    pub model: &'a str,
    /// Migration that takes it, `none` for none.
    pub migration: &'a str,
    /// Name of the endpoint.
    pub endpoint: &'a str,
    /// Its path.
    pub path: &'a str,
}

impl Scopes {
    /// Whether nothing is forbidden.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        matches!(self, Self { models: None, migrations: None, endpoints: None, sources: None })
    }

    /// Whether some models, migrations, endpoints or paths are left out; where calls come from does not matter here.
    #[must_use]
    pub const fn is_narrowed(&self) -> bool {
        !matches!(self, Self { models: None, migrations: None, endpoints: None, .. })
    }

    /// Whether the call is allowed, as far as it says what it wants.
    #[must_use]
    pub fn allow(&self, wish: &Wish<'_>) -> bool {
        self.allow_model(wish.model)
            && self.allow_migration(wish.migration)
            && one_takes(self.endpoints.as_deref(), |one| one.takes(wish.endpoint) || one.takes(wish.path))
    }

    /// Whether this model may be asked for.
    #[must_use]
    pub fn allow_model(&self, model: &str) -> bool {
        one_takes(self.models.as_deref(), |one| one.takes(model))
    }

    /// Whether traffic of this migration is allowed.
    #[must_use]
    pub fn allow_migration(&self, migration: &str) -> bool {
        one_takes(self.migrations.as_deref(), |one| one.takes(migration))
    }

    /// Whether calls may come from there.
    #[must_use]
    pub fn allow_source(&self, source: IpAddr) -> bool {
        one_takes(self.sources.as_deref(), |one| one.contains(source))
    }

    /// The first list that allows nothing, by its name.
    #[must_use]
    pub fn empty_list(&self) -> Option<&'static str> {
        let empty = |list: &Option<Vec<Pattern>>| list.as_ref().is_some_and(Vec::is_empty);
        [
            ("models", empty(&self.models)),
            ("migrations", empty(&self.migrations)),
            ("endpoints", empty(&self.endpoints)),
            ("sources", self.sources.as_ref().is_some_and(Vec::is_empty)),
        ]
        .into_iter()
        .find_map(|(name, empty)| empty.then_some(name))
    }
}

fn one_takes<T>(list: Option<&[T]>, takes: impl Fn(&T) -> bool) -> bool {
    list.is_none_or(|list| list.iter().any(takes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(json: &str) -> Scopes {
        serde_json::from_str(json).unwrap()
    }

    const CHAT: Wish<'static> =
        Wish { model: "gpt-4o-mini", migration: "move", endpoint: "chat", path: "/v1/chat/completions" };

    #[test]
    fn what_is_not_named_is_not_forbidden_and_what_is_named_excludes_the_rest() {
        assert!(Scopes::default().is_everything() && Scopes::default().allow(&CHAT));
        for (text, allowed) in [
            (r#"{"models": ["gpt-4o*"]}"#, true),
            (r#"{"models": ["gpt-4o"]}"#, false),
            (r#"{"models": ["o3", "*"]}"#, true),
            (r#"{"migrations": ["move"]}"#, true),
            (r#"{"migrations": ["none"]}"#, false),
            (r#"{"endpoints": ["embeddings", "chat"]}"#, true),
            (r#"{"endpoints": ["/v1/chat/*"]}"#, true),
            (r#"{"endpoints": ["/v1/embeddings"]}"#, false),
            (r#"{"models": ["gpt-4o*"], "endpoints": ["embeddings"]}"#, false),
            (r#"{"models": []}"#, false),
        ] {
            assert_eq!(scopes(text).allow(&CHAT), allowed, "{text}");
            assert!(!scopes(text).is_everything());
        }
        assert_eq!(scopes(r#"{"sources": []}"#).empty_list(), Some("sources"));
        assert_eq!(scopes(r#"{"models": ["a"]}"#).empty_list(), None);
    }

    #[test]
    fn only_what_may_be_called_narrows() {
        for text in [r#"{"models": ["*"]}"#, r#"{"migrations": ["none"]}"#, r#"{"endpoints": ["chat"]}"#] {
            assert!(scopes(text).is_narrowed(), "{text}");
        }
        assert!(!Scopes::default().is_narrowed() && !scopes(r#"{"sources": ["10.0.0.0/8"]}"#).is_narrowed());
    }

    #[test]
    fn sources_are_ranges() {
        let scopes = scopes(r#"{"sources": ["10.0.0.0/8", "2001:db8::1"]}"#);
        assert!(scopes.allow_source("10.4.4.4".parse().unwrap()));
        assert!(scopes.allow_source("2001:db8::1".parse().unwrap()));
        assert!(!scopes.allow_source("127.0.0.1".parse().unwrap()));
        assert_eq!(
            serde_json::to_string(&scopes).unwrap(),
            r#"{"sources":["10.0.0.0/8","2001:db8::1/128"]}"#,
            "what is missing stays missing"
        );
    }

    #[test]
    fn slips_are_refused_with_what_is_expected() {
        for text in [r#"{"models": ["a*b"]}"#, r#"{"models": [""]}"#, r#"{"sources": ["home"]}"#, r#"{"model": []}"#] {
            let error = serde_json::from_str::<Scopes>(text).unwrap_err().to_string();
            assert!(error.contains("expected"), "{error}");
        }
    }
}
