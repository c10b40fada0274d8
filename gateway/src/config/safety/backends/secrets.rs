//! Secrets of a back end: each from a variable or from a file, never from the text.

use crate::config::check::Checker;
use guard::remote::Secret;
use http::HeaderValue;
use std::path::PathBuf;

/// Where a secret is: `KEY_env` or `KEY_file`.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub variable: &'a Option<String>,
    pub file: &'a Option<PathBuf>,
}

impl Checker<'_> {
    /// One that has to be there. `key` is the name without `_env` and `_file`.
    pub(super) fn needed_secret(&mut self, key: &str, source: Source<'_>) -> Option<Secret> {
        match self.optional_secret(key, source)? {
            Some(secret) => Some(secret),
            None => self.problem(format!(
                "{key}_env is missing: name the environment variable that holds it, or the file by {key}_file"
            )),
        }
    }

    /// One that can be sent in a header, if there is one.
    pub(super) fn optional_secret(&mut self, key: &str, source: Source<'_>) -> Option<Option<Secret>> {
        let text = match (source.variable, source.file) {
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
        if text.is_empty() || !text.is_ascii() || HeaderValue::from_str(&text).is_err() {
            return self.problem(format!("{key}: the secret is empty or has characters that no header may carry"));
        }
        Some(Some(Secret::new(text)))
    }
}
