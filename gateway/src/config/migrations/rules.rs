//! `[migrations.NAME.rules]`: headers and cookies that force an arm.

use super::super::check::Checker;
use crate::routing::Rules;
use crate::routing::rules::{HeaderRule, NEVER, PatternRule};
use http::HeaderName;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    header: Option<RawHeader>,
    header_pattern: Option<RawPattern>,
    cookie: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    name: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    name: String,
    pattern: String,
}

impl Checker<'_> {
    pub(super) fn rules(&mut self, key: &str, raw: Raw) -> Option<Rules> {
        let before = self.problems.len();
        let header = raw.header.and_then(|rule| {
            let name = self.header_name(&format!("{key}.rules.header.name"), &rule.name);
            if let Some(value) = rule.value.as_deref().filter(|value| value.trim().is_empty() || *value == NEVER) {
                self.problems.push(format!(
                    "{key}.rules.header.value is `{value}`: expected the value that goes to the candidate; leave it out \
                     to take `always` only"
                ));
            }
            Some(HeaderRule { name: name?, value: rule.value.map(|value| value.trim().to_owned()) })
        });
        let header_pattern = raw.header_pattern.and_then(|rule| {
            let name = self.header_name(&format!("{key}.rules.header_pattern.name"), &rule.name);
            // Bytes and no Unicode tables: headers are ASCII in practice, and `(?i)` stays available and fast.
            let pattern = match regex::bytes::RegexBuilder::new(&rule.pattern).unicode(false).build() {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    let why = error.to_string();
                    let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    self.problem(format!(
                        "{key}.rules.header_pattern.pattern is `{}`: {why}; expected a regular expression",
                        rule.pattern
                    ))
                }
            };
            Some(PatternRule { name: name?, pattern: pattern? })
        });
        if let Some(cookie) = raw.cookie.as_deref().filter(|cookie| !is_token(cookie)) {
            self.problems.push(format!("{key}.rules.cookie is `{cookie}`: expected the name of a cookie"));
        }
        if let (Some(header), Some(pattern)) = (&header, &header_pattern)
            && header.name == pattern.name
        {
            self.warnings.push(format!(
                "{key}.rules.header_pattern is never asked: rules.header looks at the same header {} and comes first",
                header.name
            ));
        }
        (self.problems.len() == before).then_some(Rules { header, header_pattern, cookie: raw.cookie })
    }

    fn header_name(&mut self, key: &str, text: &str) -> Option<HeaderName> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(_) => self.problem(format!("{key} is `{text}`: expected a header name")),
        }
    }
}

/// A token of RFC 9110, 5.6.2: what a cookie may be called.
fn is_token(text: &str) -> bool {
    let symbol = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(symbol)
}
