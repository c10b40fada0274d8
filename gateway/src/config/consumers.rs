//! `[consumers.NAME]`: who may call, by the digest of a key.
//!
//! The text holds SHA-256 digests only; a key itself comes from the environment. A consumer may have several keys, so that
//! an old one goes on working while callers move to a new one. Consumers that are to change while the gateway runs are kept
//! elsewhere (`[keys]`), and stand beside these.

use super::check::{Checker, is_variable_name};
use lease::keys::{Consumer, Digest, Instant, Key, Scopes, is_name};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use wire::Endpoint;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConsumer {
    #[serde(default)]
    pub keys_sha256: Vec<String>,
    pub keys_env: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub scopes: Scopes,
    pub sunset_at: Option<Instant>,
}

/// The consumers of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumers {
    list: Vec<Consumer>,
    /// Others are kept elsewhere, so that no name is surely unknown.
    pub(super) open: bool,
}

impl Consumers {
    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|consumer| consumer.name.as_str())
    }

    /// Whether a consumer of this name exists, or may exist elsewhere.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.open || self.names().any(|one| one == name)
    }

    /// Whether nobody could ever be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.open && self.list.iter().all(|consumer| consumer.keys.is_empty())
    }

    /// With the instant since which each key is known: now, unless it was among those `before`.
    #[must_use]
    pub(crate) fn since(&self, now_us: i64, before: &[Consumer]) -> Vec<Consumer> {
        let known: HashMap<Digest, Instant> =
            before.iter().flat_map(|one| &one.keys).map(|key| (key.sha256, key.created_at)).collect();
        let mut list = self.list.clone();
        for key in list.iter_mut().flat_map(|consumer| &mut consumer.keys) {
            key.created_at = known.get(&key.sha256).copied().unwrap_or_else(|| Instant::from_us(now_us));
        }
        list
    }
}

impl Checker<'_> {
    /// All consumers; what is wrong is left out and reported, so that other sections can still be checked against the
    /// names.
    pub(super) fn consumers(&mut self, raw: BTreeMap<String, RawConsumer>) -> Consumers {
        let mut consumers = Consumers::default();
        let mut owners: HashMap<Digest, String> = HashMap::new();
        for (name, raw) in raw {
            self.consumer_rules(&name, &raw);
            let mut keys = Vec::new();
            for digest in self.digests(&name, &raw) {
                if let Some(other) = owners.insert(digest, name.clone()) {
                    self.problems.push(format!(
                        "consumers.{name} has a key that stands twice, also under consumers.{other}: a key belongs to \
                         one consumer, once"
                    ));
                }
                let id = format!("{name}.{}", keys.len() + 1);
                keys.push(Key { sunset_at: raw.sunset_at, ..Key::adopted(id, digest, Instant::from_us(0)) });
            }
            let RawConsumer { groups, scopes, .. } = raw;
            consumers.list.push(Consumer { name, groups, note: String::new(), scopes, keys });
        }
        consumers
    }

    fn consumer_rules(&mut self, name: &str, raw: &RawConsumer) {
        const NAME: &str =
            "a name of letters, digits, `.`, `_` and `-`, at most 64 long, and none of anonymous, none, other";
        if !is_name(name) {
            self.problems.push(format!("consumers.{name}: expected {NAME}"));
        }
        for group in raw.groups.iter().filter(|group| !is_name(group)) {
            self.problems.push(format!("consumers.{name}.groups has `{group}`: expected {NAME}"));
        }
        if let Some(list) = raw.scopes.empty_list() {
            self.problems.push(format!(
                "consumers.{name}.scopes.{list} is empty, which would forbid everything: leave it out or name some"
            ));
        }
        let takes_one = |pattern: &lease::keys::Pattern| {
            Endpoint::ALL.iter().any(|endpoint| pattern.takes(endpoint.name()) || pattern.takes(endpoint.path()))
        };
        for pattern in raw.scopes.endpoints.iter().flatten().filter(|pattern| !takes_one(pattern)) {
            let known: Vec<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
            self.problems.push(format!(
                "consumers.{name}.scopes.endpoints has `{pattern}`, which is none: expected some of {}, or their paths",
                known.join(", ")
            ));
        }
    }

    fn digests(&mut self, name: &str, raw: &RawConsumer) -> Vec<Digest> {
        let mut digests = Vec::new();
        for (place, text) in raw.keys_sha256.iter().enumerate() {
            match Digest::from_hex(text) {
                Some(digest) => digests.push(digest),
                // Not repeated: a slip may have put the key itself there.
                None => self.problems.push(format!(
                    "consumers.{name}.keys_sha256[{place}] is no SHA-256: expected 64 hexadecimal digits, such as \
                     `printf %s KEY | sha256sum` prints"
                )),
            }
        }
        if let Some(variable) = &raw.keys_env {
            let key = format!("consumers.{name}.keys_env");
            let found = is_variable_name(variable).then(|| (self.environment)(variable));
            match found {
                None => self.problems.push(format!("{key} is no name of a variable: name the one that holds the keys")),
                Some(None) => {
                    self.problems.push(format!("{key} names the variable {variable}, which is not set: export it"));
                }
                Some(Some(keys)) => {
                    let before = digests.len();
                    digests.extend(keys.split_ascii_whitespace().map(Digest::of));
                    if digests.len() == before {
                        self.problems.push(format!("{key}: the variable {variable} is empty"));
                    }
                }
            }
        }
        if raw.keys_sha256.is_empty() && raw.keys_env.is_none() {
            self.problems
                .push(format!("consumers.{name} has no key, so nobody could be it: give keys_sha256 or keys_env"));
        }
        digests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Consumers, Vec<String>) {
        let environment = |name: &str| match name {
            "KEYS" => Some("sk-new sk-newer\n".to_owned()),
            "EMPTY" => Some(" ".to_owned()),
            _ => None,
        };
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
        let consumers = checker.consumers(toml::from_str(text).unwrap());
        (consumers, checker.problems)
    }

    fn hex(key: &str) -> String {
        datasets::digest::of_bytes(key.as_bytes())
    }

    #[test]
    fn a_consumer_is_found_by_each_of_its_keys_and_by_nothing_else() {
        let text = format!(
            "[team-a]\nkeys_sha256 = [\"{}\"]\nkeys_env = \"KEYS\"\n[b]\nkeys_sha256 = [\"{}\"]",
            hex("sk-old"),
            hex("sk-b")
        );
        let (consumers, problems) = check(&text);
        assert_eq!(problems, Vec::<String>::new());
        let kept = consumers.since(5, &[]);
        let ring = lease::keys::Ring::new(&[lease::keys::Part { place: "here", consumers: &kept }]).unwrap();
        let find = |key: &str| ring.admit(key, 5).ok().map(|place| ring.entries()[place].consumer.to_string());
        for key in ["sk-old", "sk-new", "sk-newer"] {
            assert_eq!(find(key).as_deref(), Some("team-a"), "{key}");
        }
        assert_eq!(find("sk-b").as_deref(), Some("b"));
        for wrong in ["", "sk-new sk-newer", "sk-ol", &hex("sk-old")] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        let ids: Vec<&str> = ring.entries().iter().map(|entry| entry.key.id.as_str()).collect();
        assert_eq!(ids, ["b.1", "team-a.1", "team-a.2", "team-a.3"]);
        assert_eq!(consumers.since(9, &kept), kept, "what was known before is no newer now");
        assert_eq!(consumers.names().collect::<Vec<_>>(), ["b", "team-a"]);
        let debug = format!("{consumers:?}");
        assert!(debug.contains("team-a") && !debug.contains(&hex("sk-b")[..8]), "{debug}");
    }

    #[test]
    fn each_mistake_has_its_sentence_and_no_secret_is_repeated() {
        let twice = hex("k");
        let text = format!(
            "[a]\nkeys_sha256 = [\"sk-secret\"]\n[b]\n[c]\nkeys_env = \"sk-secret\"\n[d]\nkeys_env = \"NOT_SET\"\n\
             [e]\nkeys_env = \"EMPTY\"\n[f]\nkeys_sha256 = [\"{twice}\"]\n[g]\nkeys_sha256 = [\"{twice}\"]\n\
             [other]\nkeys_sha256 = [\"{}\"]\n[\"x y\"]\nkeys_sha256 = [\"{}\"]\n[z]\nkeys_sha256 = [\"{}\"]\n\
             groups = [\"a b\"]\nscopes = {{ models = [], endpoints = [\"chats\"] }}\n",
            hex("1"),
            hex("2"),
            hex("3")
        );
        let (_, problems) = check(&text);
        for (problem, part) in problems.iter().zip([
            "consumers.a.keys_sha256[0] is no SHA-256",
            "consumers.b has no key",
            "consumers.c.keys_env is no name of a variable",
            "consumers.d.keys_env names the variable NOT_SET",
            "consumers.e.keys_env: the variable EMPTY is empty",
            "consumers.g has a key that stands twice, also under consumers.f",
            "consumers.other: expected a name",
            "consumers.x y: expected a name",
            "consumers.z.groups has `a b`",
            "consumers.z.scopes.models is empty",
            "consumers.z.scopes.endpoints has `chats`, which is none: expected some of chat, completions",
        ]) {
            assert!(problem.contains(part) && !problem.contains("secret"), "{problem}");
        }
        assert_eq!(problems.len(), 11, "{problems:?}");
    }
}
