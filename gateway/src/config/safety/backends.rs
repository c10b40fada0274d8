//! `[safety.backends.NAME]`: one who judges texts, how it is reached, and how much is asked of it.

use crate::config::check::{Checker, LIMIT_MAX};
use crate::config::transport::TlsRoots;
use guard::remote::{Backend, Cut, OpenAi, Secret, Thresholds};
use http::{HeaderValue, Uri};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Verdicts kept in memory unless it is said otherwise.
const CACHE_BYTES: usize = 8 << 20;
/// Longest name of a back end: it is a label of metrics.
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBackend {
    kind: String,
    timeout: Option<String>,
    calls_in_flight_max: Option<usize>,
    cache_bytes_max: Option<usize>,
    cache_for: Option<String>,
    piece_characters_max: Option<usize>,
    base_url: Option<String>,
    tls_roots: Option<String>,
    ca_file: Option<PathBuf>,
    api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
    model: Option<String>,
    thresholds: Option<BTreeMap<String, [f64; 3]>>,
}

/// One who judges texts. Equal ones go on with their connections and their memory when the configuration is read again.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendConfig {
    /// Name of its section.
    pub name: String,
    /// Who it is.
    pub judge: Judge,
    /// How long one check may take, all of a text's pieces and every wait included.
    pub timeout: Duration,
    /// Calls under way at once; whoever comes later waits, but not beyond `timeout`.
    pub calls_in_flight_max: usize,
    /// Bytes of verdicts kept for texts that come again; 0 keeps none.
    pub cache_bytes_max: usize,
    /// How long a verdict counts for the same text.
    pub cache_for: Duration,
}

/// Who judges.
#[derive(Debug, Clone, PartialEq)]
pub enum Judge {
    /// A service.
    Remote {
        /// What it is asked.
        backend: Backend,
        /// Scheme, host and port.
        address: Uri,
        /// Whose certificates are believed.
        roots: TlsRoots,
    },
}

impl Checker<'_> {
    pub(super) fn safety_backend(&mut self, name: &str, raw: &RawBackend) -> Option<BackendConfig> {
        let at = format!("safety.backends.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            self.problems.push(format!(
                "{at}: expected a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} long"
            ));
        }
        let judge = match raw.kind.as_str() {
            "openai" => self.openai(&at, raw),
            other => self.problem(format!("{at}.kind is `{other}`: expected \"openai\"")),
        };
        let timeout = self.duration(&format!("{at}.timeout"), raw.timeout.as_deref(), 2);
        let cache_for = self.duration(&format!("{at}.cache_for"), raw.cache_for.as_deref(), 600);
        let calls_in_flight_max = match raw.calls_in_flight_max.unwrap_or(64) {
            calls if (1..=LIMIT_MAX).contains(&calls) => Some(calls),
            calls => self.problem(format!("{at}.calls_in_flight_max is {calls}: expected 1 to {LIMIT_MAX}")),
        };
        Some(BackendConfig {
            name: name.to_owned(),
            judge: judge?,
            timeout: timeout?,
            calls_in_flight_max: calls_in_flight_max?,
            cache_bytes_max: raw.cache_bytes_max.unwrap_or(CACHE_BYTES),
            cache_for: cache_for?,
        })
    }

    fn openai(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let url = raw.base_url.as_deref().unwrap_or("https://api.openai.com/v1");
        let address = self.plain_address(&format!("{at}.base_url"), url, "https://api.openai.com/v1");
        let key = self.optional_secret(&format!("{at}.api_key"), raw.api_key_env.as_deref(), raw.api_key_file.as_ref());
        let roots = self.tls_roots(at, raw.tls_roots.as_deref(), raw.ca_file.as_deref());
        let thresholds = self.thresholds(at, raw.thresholds.as_ref());
        let cut = self.cut(at, raw, 4000);
        let backend = Backend::OpenAi(OpenAi {
            base_url: url.trim_end_matches('/').to_owned(),
            key: key?,
            model: raw.model.clone().unwrap_or_else(|| "omni-moderation-latest".to_owned()),
            thresholds: thresholds?,
            cut: cut?,
        });
        Some(Judge::Remote { backend, address: address?, roots: roots? })
    }

    fn thresholds(&mut self, at: &str, raw: Option<&BTreeMap<String, [f64; 3]>>) -> Option<Thresholds> {
        let mut thresholds = Thresholds::default();
        let mut good = true;
        for (category, bounds) in raw.into_iter().flatten() {
            let rises = bounds.iter().all(|bound| (0.0..=1.0).contains(bound)) && bounds.is_sorted();
            if !rises {
                good = false;
                self.problems.push(format!(
                    "{at}.thresholds.{category}: expected three scores from 0 to 1 that do not fall, such as [0.25, 0.5, 0.8]"
                ));
            } else if category == "default" {
                thresholds = thresholds.with_default(*bounds);
            } else if OpenAi::CATEGORIES.contains(&category.as_str()) {
                thresholds = thresholds.with(category, *bounds);
            } else {
                good = false;
                self.problems.push(format!(
                    "{at}.thresholds has `{category}`: expected default or one of {}",
                    OpenAi::CATEGORIES.join(", ")
                ));
            }
        }
        good.then_some(thresholds)
    }

    fn cut(&mut self, at: &str, raw: &RawBackend, default_characters: usize) -> Option<Cut> {
        /// What is judged twice at a cut: longer than any name, address or insult.
        const OVERLAP_CHARACTERS: usize = 64;
        match raw.piece_characters_max.unwrap_or(default_characters) {
            characters if (Cut::CHARACTERS_MIN..=LIMIT_MAX).contains(&characters) => {
                Some(Cut::new(characters, OVERLAP_CHARACTERS))
            }
            characters => self.problem(format!(
                "{at}.piece_characters_max is {characters}: expected {} to {LIMIT_MAX}",
                Cut::CHARACTERS_MIN
            )),
        }
    }

    fn optional_secret(&mut self, key: &str, variable: Option<&str>, file: Option<&PathBuf>) -> Option<Option<Secret>> {
        let text = match (variable, file) {
            (None, None) => return Some(None),
            (Some(_), Some(_)) => {
                return self.problem(format!("{key}_env and {key}_file are both given: keep one of them"));
            }
            (Some(variable), None) => self.secret(&format!("{key}_env"), variable)?,
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => text.trim().to_owned(),
                Err(error) => return self.problem(format!("{key}_file: cannot read {}: {error}", path.display())),
            },
        };
        if text.is_empty() || HeaderValue::from_str(&text).is_err() {
            return self.problem(format!("{key}: the secret is empty or has characters that no header may carry"));
        }
        Some(Some(Secret::new(text)))
    }
}
