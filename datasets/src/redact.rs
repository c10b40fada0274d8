//! Takes credentials and personal data out of texts on their way in.
//!
//! What is found is replaced by its kind and a short salted digest, such as `[email:3fa2c1]`: the same address gets the
//! same mark everywhere, so that a conversation keeps its sense and a cache its hits, and nobody can read it back. A body
//! in which nothing is found keeps its bytes; in one in which something is, only the texts concerned change.
//!
//! Patterns find what has a form: keys, tokens, addresses, numbers with a check digit. Names and street addresses in
//! running text have none and stay; protect an imported log as the application's own data. Names of members, and data
//! in base64, are left alone.

mod checks;
mod patterns;

use crate::digest;
use patterns::{Class, rules};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::Range;

/// How often each kind was found.
pub type Counts = BTreeMap<&'static str, u64>;

/// Hexadecimal digits of a mark's digest.
const MARK_DIGITS: usize = 6;

/// Members whose text is a secret whatever it looks like, in lower case without `-` and `_`.
const SECRET_MEMBERS: [&str; 12] = [
    "apikey",
    "authorization",
    "password",
    "passwd",
    "secret",
    "clientsecret",
    "accesstoken",
    "refreshtoken",
    "privatekey",
    "secretkey",
    "accesskeysecret",
    "xapikey",
];

/// Something that a text should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is, such as `email` or `api_key`.
    pub kind: &'static str,
    /// Whether it opens something; otherwise it is about a person.
    pub credential: bool,
    /// Where it stands: bytes, on character boundaries.
    pub bytes: Range<usize>,
}

/// What is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redactor {
    /// Keys, tokens, passwords.
    pub credentials: bool,
    /// Addresses, telephone numbers, numbers of persons, cards and accounts.
    pub personal: bool,
    /// Salt of the marks.
    pub salt: String,
}

impl Default for Redactor {
    fn default() -> Self {
        Self { credentials: true, personal: true, salt: "weighbridge".to_owned() }
    }
}

impl Redactor {
    /// One that takes nothing out.
    #[must_use]
    pub fn none() -> Self {
        Self { credentials: false, personal: false, salt: String::new() }
    }

    /// The body without what is to be taken out; `None` if it has nothing of it, so that its bytes stay as they are.
    #[must_use]
    pub fn json(&self, body: &RawValue, counts: &mut Counts) -> Option<Box<RawValue>> {
        let text = body.get();
        let mut out = String::new();
        // Everything before this byte is in `out` already.
        let mut copied = 0;
        let mut member = String::new();
        let mut at = 0;
        while let Some((start, end)) = literal(text, at) {
            at = end;
            let literal = text.get(start..end).unwrap_or_default();
            if is_name(text, end) {
                member = normal(&decoded(literal));
                continue;
            }
            let found = self.inside(&decoded(literal), &member, counts);
            member.clear();
            if let Some(found) = found.and_then(|found| serde_json::to_string(&found).ok()) {
                out.push_str(text.get(copied..start).unwrap_or_default());
                out.push_str(&found);
                copied = end;
            }
        }
        if copied == 0 {
            return None;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        RawValue::from_string(out).ok()
    }

    /// As [`Redactor::json`], in place, in all texts of a value.
    pub fn value(&self, value: &mut Value, counts: &mut Counts) {
        self.walk(value, "", counts);
    }

    fn walk(&self, value: &mut Value, member: &str, counts: &mut Counts) {
        match value {
            Value::String(text) => {
                if let Some(clean) = self.inside(text, member, counts) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, "", counts)),
            Value::Object(members) => {
                for (name, item) in members {
                    self.walk(item, &normal(name), counts);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text that stands in a member; `member` is its name in normal form.
    fn inside(&self, text: &str, member: &str, counts: &mut Counts) -> Option<String> {
        if self.credentials && SECRET_MEMBERS.contains(&member) && !text.is_empty() && !is_mark(text) {
            *counts.entry("secret").or_default() += 1;
            return Some(self.mark("secret", text));
        }
        // A call of a tool has its arguments as JSON inside a text: names of members count there too.
        if member == "arguments"
            && text.trim_start().starts_with('{')
            && let Ok(inner) = serde_json::from_str::<Box<RawValue>>(text)
        {
            return self.json(&inner, counts).map(|clean| clean.get().to_owned());
        }
        self.text(text, counts)
    }

    /// As [`Redactor::json`], for a text.
    #[must_use]
    pub fn text(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let all = self.find(text);
        if all.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for found in &all {
            out.push_str(text.get(copied..found.bytes.start).unwrap_or_default());
            out.push_str(&self.mark(found.kind, text.get(found.bytes.clone()).unwrap_or_default()));
            copied = found.bytes.end;
            *counts.entry(found.kind).or_default() += 1;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Some(out)
    }

    /// All that would be taken out of a text, in its order; none overlaps another.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        if !(self.credentials || self.personal) || text.starts_with("data:") {
            return Vec::new();
        }
        let rules = rules();
        let mut all = Vec::new();
        for index in rules.set.matches(text) {
            if let Some(rule) = rules.all.get(index).filter(|rule| self.wants(rule.class)) {
                let new = rule.find(text, &all);
                all.extend(new);
                all.sort_unstable_by_key(|found| found.bytes.start);
            }
        }
        all
    }

    const fn wants(&self, class: Class) -> bool {
        match class {
            Class::Credential => self.credentials,
            Class::Personal => self.personal,
        }
    }

    fn mark(&self, kind: &str, secret: &str) -> String {
        let digest = digest::content(&self.salt, secret);
        format!("[{kind}:{}]", digest.get(..MARK_DIGITS).unwrap_or_default())
    }
}

/// Whether a text was taken out before.
fn is_mark(text: &str) -> bool {
    text.starts_with("[secret:") && text.ends_with(']')
}

/// Start and end of the next string literal at or behind a byte, quotes included. The text is sound JSON.
fn literal(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let start = from + memchr::memchr(b'"', bytes.get(from..)?)?;
    let mut at = start + 1;
    loop {
        let next = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(next) == Some(&b'"') {
            return Some((start, next + 1));
        }
        at = next + 2;
    }
}

/// Whether the literal that ends here is the name of a member.
fn is_name(text: &str, end: usize) -> bool {
    text.as_bytes().get(end..).unwrap_or_default().trim_ascii_start().first() == Some(&b':')
}

/// The text of a literal. One without escapes is its own text.
fn decoded(literal: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'\\', literal.as_bytes()).is_none() {
        return literal.get(1..literal.len() - 1).unwrap_or_default().into();
    }
    serde_json::from_str::<String>(literal).unwrap_or_default().into()
}

/// A member's name as the list of secret ones has it.
fn normal(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
