//! `[keys]`: where requests carry their keys, and where consumers are kept that can be changed while the gateway runs.

use super::check::Checker;
use crate::callers::presented::KeySource;
use http::{HeaderName, header};
use lease::keys::Network;
use serde::Deserialize;
use std::path::PathBuf;

/// Headers that mean something else, to the gateway or on the way to it.
const TAKEN: [&str; 6] = ["authorization", "host", "content-type", "content-length", "cookie", "x-forwarded-for"];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    pub file: Option<PathBuf>,
    pub sources: Option<Vec<RawSource>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawSource {
    Bearer,
    Header(String),
    Query(String),
}

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The key file; without it, consumers are those of the configuration.
    pub file: Option<PathBuf>,
    /// Where a request's key may stand; all are looked at.
    pub sources: Vec<KeySource>,
}

impl Checker<'_> {
    pub(super) fn keys(&mut self, raw: RawKeys) -> Keys {
        let api_key = KeySource::Header(HeaderName::from_static("x-api-key"));
        let mut sources = Vec::new();
        for (place, source) in raw.sources.iter().flatten().enumerate() {
            let key = format!("keys.sources[{place}]");
            let found = match source {
                RawSource::Bearer => Some(KeySource::Bearer),
                RawSource::Header(name) => self.key_header(&key, name).map(KeySource::Header),
                RawSource::Query(name) if name.is_empty() => {
                    self.problem(format!("{key}.query is empty: name the parameter that holds the key"))
                }
                RawSource::Query(name) => Some(KeySource::Query(name.clone())),
            };
            match found {
                Some(found) if sources.contains(&found) => {
                    self.problems.push(format!("{key} stands twice: leave one out"));
                }
                Some(found) => sources.push(found),
                None => {}
            }
        }
        if raw.sources.as_ref().is_some_and(Vec::is_empty) {
            self.problems.push("keys.sources is empty, so nobody could show a key: leave it out".to_owned());
        }
        if raw.sources.is_none() {
            sources = vec![KeySource::Bearer, api_key];
        }
        if raw.file.as_ref().is_some_and(|file| file.file_name().is_none()) {
            self.problems.push("keys.file is no file: expected a path such as consumers.json".to_owned());
        }
        Keys { file: raw.file, sources }
    }

    fn key_header(&mut self, key: &str, name: &str) -> Option<HeaderName> {
        match name.parse::<HeaderName>() {
            Ok(header) if header == header::AUTHORIZATION => {
                self.problem(format!("{key}.header is `{name}`: write \"bearer\" for that one"))
            }
            Ok(header) if TAKEN.contains(&header.as_str()) => {
                self.problem(format!("{key}.header is `{name}`, which means something else: choose another header"))
            }
            Ok(header) => Some(header),
            Err(_) => self.problem(format!("{key}.header is `{name}`: expected a header name")),
        }
    }

    pub(super) fn trusted_proxies(&mut self, raw: Option<&[String]>) -> Vec<Network> {
        let mut networks = Vec::new();
        for (place, text) in raw.unwrap_or_default().iter().enumerate() {
            match Network::parse(text) {
                Some(network) => networks.push(network),
                None => self.problems.push(format!(
                    "server.trusted_proxies[{place}] is `{text}`: expected an address or a range such as 10.0.0.0/8"
                )),
            }
        }
        networks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Keys, Vec<String>) {
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &|_| None };
        let keys = checker.keys(toml::from_str(text).unwrap());
        (keys, checker.problems)
    }

    #[test]
    fn keys_stand_where_they_always_did_unless_it_is_said() {
        let (keys, problems) = check("");
        let header = |name| KeySource::Header(HeaderName::from_static(name));
        assert_eq!((keys.sources, keys.file, problems.len()), (vec![KeySource::Bearer, header("x-api-key")], None, 0));
        let text = "file = 'c.json'\nsources = ['bearer', {header = 'X-Team-Key'}, {query = 'api_key'}]";
        let (keys, problems) = check(text);
        assert_eq!(problems, Vec::<String>::new());
        let expected = vec![KeySource::Bearer, header("x-team-key"), KeySource::Query("api_key".to_owned())];
        assert_eq!((keys.sources, keys.file), (expected, Some(PathBuf::from("c.json"))));
    }

    #[test]
    fn each_slip_has_its_sentence() {
        let text = "file = '/'\nsources = ['bearer', 'bearer', {header = 'authorization'}, {header = 'host'}, \
                    {header = 'a b'}, {query = ''}]";
        let (_, problems) = check(text);
        for (problem, part) in problems.iter().zip([
            "keys.sources[1] stands twice",
            "write \"bearer\"",
            "means something else",
            "expected a header name",
            "keys.sources[5].query is empty",
            "keys.file is no file",
        ]) {
            assert!(problem.contains(part), "{problem}");
        }
        assert_eq!(problems.len(), 6, "{problems:?}");
        assert!(check("sources = []").1[0].contains("nobody could show a key"));
        assert!(toml::from_str::<RawKeys>("sources = ['cookie']").is_err());
    }
}
