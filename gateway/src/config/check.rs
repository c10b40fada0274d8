//! What every section's check uses: it collects problems, so that all are reported at once.

use http::HeaderValue;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Largest value of any limit: what a semaphore and a queue can hold on every platform.
pub(super) const LIMIT_MAX: usize = 1 << 29;

/// Collects problems, so that all are reported at once.
pub(super) struct Checker<'a> {
    pub problems: Vec<String>,
    /// What is valid but surely not meant; the configuration is used all the same.
    pub warnings: Vec<String>,
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Checker<'_> {
    pub(super) fn problem<T>(&mut self, text: String) -> Option<T> {
        self.problems.push(text);
        None
    }

    pub(super) fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => self.problem(format!("{key} is `{text}`: expected an address and port such as 127.0.0.1:8080")),
        }
    }

    pub(super) fn duration(&mut self, key: &str, text: Option<&str>, default_seconds: u64) -> Option<Duration> {
        let Some(text) = text else { return Some(Duration::from_secs(default_seconds)) };
        let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        match parsed.filter(|span| !span.is_zero()) {
            Some(span) => Some(span),
            None => self.problem(format!("{key} is `{text}`: expected a time with its unit, such as 30s or 500ms")),
        }
    }

    /// The same where nothing is a time, too; nothing is the default.
    pub(super) fn duration_or_nothing(&mut self, key: &str, text: Option<&str>) -> Option<Duration> {
        match text {
            None => Some(Duration::ZERO),
            Some(text) if text.parse::<jiff::SignedDuration>().is_ok_and(|span| span.is_zero()) => Some(Duration::ZERO),
            text => self.duration(key, text, 0),
        }
    }

    /// A secret that is used as it is, from the environment.
    pub(super) fn secret(&mut self, key: &str, variable: &str) -> Option<String> {
        if !is_variable_name(variable) {
            // Not repeated: it may be the secret itself.
            return self.problem(format!("{key} is no name of a variable: name the variable that holds the secret"));
        }
        match (self.environment)(variable).map(|secret| secret.trim().to_owned()).filter(|secret| !secret.is_empty()) {
            Some(secret) => Some(secret),
            None => self.problem(format!("{key} names the variable {variable}, which is not set: export it")),
        }
    }

    /// A secret as the header value it is sent in; marked sensitive, so it never shows in debug output.
    pub(super) fn bearer(&mut self, key: &str, variable: Option<&str>, file: Option<&PathBuf>) -> Option<HeaderValue> {
        let secret = self.secret_text(key, variable, file)?;
        self.header(key, secret.trim())
    }

    /// The same where a variable or a file may hold several, with spaces or lines between them.
    pub(super) fn bearers(&mut self, key: &str, variable: Option<&str>, file: Option<&PathBuf>) -> Vec<HeaderValue> {
        let Some(secrets) = self.secret_text(key, variable, file) else { return Vec::new() };
        if secrets.trim().is_empty() {
            return self.header(key, "").into_iter().collect();
        }
        secrets.split_ascii_whitespace().filter_map(|secret| self.header(key, secret)).collect()
    }

    fn secret_text(&mut self, key: &str, variable: Option<&str>, file: Option<&PathBuf>) -> Option<String> {
        match (variable, file) {
            (Some(variable), _) if !is_variable_name(variable) => {
                // Not repeated: it may be the secret itself.
                self.problem(format!("{key} is no name of a variable: name the variable that holds the key"))
            }
            (Some(variable), _) => match (self.environment)(variable) {
                Some(secret) => Some(secret),
                None => self.problem(format!("{key} names the variable {variable}, which is not set: export it")),
            },
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(secret) => Some(secret),
                Err(error) => self.problem(format!("{key}: cannot read {}: {error}", path.display())),
            },
            (None, None) => self.problem(format!("{key} is missing: name an environment variable that holds the key")),
        }
    }

    fn header(&mut self, key: &str, secret: &str) -> Option<HeaderValue> {
        match HeaderValue::from_str(&format!("Bearer {secret}")) {
            Ok(mut value) if !secret.is_empty() => {
                value.set_sensitive(true);
                Some(value)
            }
            _ => self.problem(format!("{key}: the secret is empty or has characters that no header may carry")),
        }
    }
}

pub(super) fn is_variable_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
