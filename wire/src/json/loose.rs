//! Reading JSON as loosely as the loosest parser behind us.
//!
//! Halves of surrogate pairs stand for no character and strict parsers refuse them. Others take them, so what counts or
//! judges a text must not pass over it because of one: here such halves read as the replacement character.

use super::Object;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What a JSON string says; `None` if `raw` is no JSON string.
#[must_use]
pub fn string(raw: &str) -> Option<String> {
    if !raw.starts_with('"') {
        return None;
    }
    serde_json::from_str(raw).or_else(|_| serde_json::from_str(&mended(raw))).ok()
}

/// The members of a JSON object; `None` if `raw` is no JSON object.
#[must_use]
pub fn object(raw: &str) -> Option<Object<'_>> {
    if !raw.starts_with('{') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(raw);
    let object = reader.deserialize_map(Members).ok()?;
    reader.end().ok().map(|()| object)
}

/// The entries of a JSON list; `None` if `raw` is no JSON list.
#[must_use]
pub fn list(raw: &str) -> Option<Vec<&RawValue>> {
    raw.starts_with('[').then(|| serde_json::from_str(raw).ok()).flatten()
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(key) = map.next_key_seed(Key)? {
            members.push((key, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
        }
        Ok(Object { members })
    }
}

/// A member's name, read as bytes: only so does the parser let halves of surrogate pairs through.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }
    fn visit_borrowed_bytes<E: Error>(self, name: &'de [u8]) -> Result<Self::Value, E> {
        Ok(String::from_utf8_lossy(name))
    }
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(String::from_utf8_lossy(name).into_owned()))
    }
}

/// JSON with the replacement character for every half of a surrogate pair that stands alone.
fn mended(raw: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let second = escape.get(6..).and_then(unit).is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
        let length = match unit(escape) {
            Some(0xD800..0xDC00) if second => 12,
            Some(0xD800..0xE000) => {
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            Some(_) => 6,
            None => 2,
        };
        let (kept, following) = escape.split_at_checked(length).unwrap_or((escape, ""));
        out.push_str(kept);
        rest = following;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_pairs_hide_nothing() {
        assert_eq!(string(r#""a\ud800b\ud83d\ude00\uDFFF""#).unwrap(), "a\u{fffd}b😀\u{fffd}");
        let members = object(r#"{"content":"x","\ud800":0,"c\u006fntent":"y"}"#).unwrap();
        let names: Vec<&str> = members.keys().collect();
        assert_eq!((names[0], names[2], members.len()), ("content", "content", 3));
    }

    #[test]
    fn what_is_not_asked_for_is_none() {
        for raw in ["1", "{", "{} {}", "[", "\"", "", "{\"\\ud8\":1}"] {
            assert!(string(raw).is_none() && object(raw).is_none() && list(raw).is_none(), "{raw}");
        }
    }
}
