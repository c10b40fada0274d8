//! `[consumers.NAME]`: who may call, by the digest of a key.
//!
//! The text holds SHA-256 digests only; a key itself comes from the environment. A consumer may have several keys, so that
//! an old one goes on working while callers move to a new one.

use super::check::{Checker, is_variable_name};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// Names that metrics and records use for something else.
const RESERVED: [&str; 3] = ["anonymous", "none", "other"];
/// Longest name of a consumer.
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConsumer {
    #[serde(default)]
    pub keys_sha256: Vec<String>,
    pub keys_env: Option<String>,
}

/// Consumers by the SHA-256 of their keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Consumers {
    by_digest: HashMap<[u8; 32], Arc<str>>,
    names: Vec<Arc<str>>,
}

/// Names only: a digest of a weak key is as good as the key.
impl fmt::Debug for Consumers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Consumers").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Consumers {
    /// The consumer that holds this key. The look-up is by digest, so its time tells nothing about any key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Arc<str>> {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        self.by_digest.get(&digest).cloned()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Whether a consumer of this name exists.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|one| one == name)
    }

    /// Whether nobody could ever be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }
}

impl Checker<'_> {
    /// All consumers; what is wrong is left out and reported, so that other sections can still be checked against the
    /// names.
    pub(super) fn consumers(&mut self, raw: &BTreeMap<String, RawConsumer>) -> Consumers {
        let mut consumers = Consumers::default();
        for (name, raw) in raw {
            if !is_name(name) {
                self.problems.push(format!(
                    "consumers.{name}: expected a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} \
                     long, and none of {}",
                    RESERVED.join(", ")
                ));
            }
            let shared: Arc<str> = Arc::from(name.as_str());
            for digest in self.digests(name, raw) {
                let taken = consumers.by_digest.insert(digest, Arc::clone(&shared));
                if let Some(other) = taken {
                    self.problems.push(format!(
                        "consumers.{name} has a key that stands twice, also under consumers.{other}: a key belongs to \
                         one consumer, once"
                    ));
                }
            }
            consumers.names.push(shared);
        }
        consumers
    }

    fn digests(&mut self, name: &str, raw: &RawConsumer) -> Vec<[u8; 32]> {
        let mut digests = Vec::new();
        for (place, text) in raw.keys_sha256.iter().enumerate() {
            match digest(text) {
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
                    digests.extend(keys.split_ascii_whitespace().map(|key| <[u8; 32]>::from(Sha256::digest(key))));
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

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !RESERVED.contains(&name)
}

fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
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
        let consumers = checker.consumers(&toml::from_str(text).unwrap());
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
        let find = |key: &str| consumers.find(key).map(|name| name.to_string());
        for key in ["sk-old", "sk-new", "sk-newer"] {
            assert_eq!(find(key).as_deref(), Some("team-a"), "{key}");
        }
        assert_eq!(find("sk-b").as_deref(), Some("b"));
        for wrong in ["", "sk-new sk-newer", "sk-ol", &hex("sk-old")] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
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
             [other]\nkeys_sha256 = [\"{}\"]\n[\"x y\"]\nkeys_sha256 = [\"{}\"]\n",
            hex("1"),
            hex("2")
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
        ]) {
            assert!(problem.contains(part) && !problem.contains("secret"), "{problem}");
        }
        assert_eq!(problems.len(), 8, "{problems:?}");
    }
}
