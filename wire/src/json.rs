//! A JSON object whose members stay untouched until somebody changes one.
//!
//! A gateway reads four or five members of a request and must not disturb the other forty: not their order, not
//! their spelling, not a number's last digit. [`Object`] keeps each member as the bytes it came in and copies them
//! once, when the object is written.

pub mod loose;

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A JSON object as an ordered list of raw members.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, RawValue>)>,
}

impl<'a> Object<'a> {
    /// Reads one JSON object; leading and trailing blanks are allowed.
    ///
    /// # Errors
    /// The text is not a JSON object. The error says line and column.
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The raw value of a member. Where a key stands twice, the last one counts, as in most parsers.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// A member as a typed value; `None` if it is absent, `null` or of another type.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_str::<Option<T>>(self.get(key)?.get()).ok().flatten()
    }

    /// A member that is a string, borrowed from the input where it has no escapes.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.members.iter().rev().find(|(name, _)| name == key)?;
        match value {
            Cow::Borrowed(raw) => serde_json::from_str::<Text<'a>>(raw.get()).ok().map(|text| text.0),
            Cow::Owned(raw) => serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned),
        }
    }

    /// How many members there are, doubles included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Index of a member among the members; of doubles, the one that counts.
    #[must_use]
    pub fn place(&self, key: &str) -> Option<usize> {
        self.members.iter().rposition(|(name, _)| name == key)
    }

    /// About how many bytes the object takes, written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.members.iter().map(|(key, value)| key.len() + value.get().len() + 4).sum()
    }

    /// Names and raw values of the members, in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.members.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether the member is there and not `null`.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.get() != "null")
    }

    /// Replaces a member in its place, or appends it. Doubles of the key disappear.
    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        let Some(place) = self.members.iter().position(|(name, _)| name == key) else {
            self.members.push((Cow::Owned(key.to_owned()), Cow::Owned(value)));
            return;
        };
        let mut index = 0;
        self.members.retain(|(name, _)| {
            index += 1;
            name != key || index == place + 1
        });
        if let Some(member) = self.members.get_mut(place) {
            member.1 = Cow::Owned(value);
        }
    }

    /// Replaces a member by a value that serialises, for example a string.
    pub fn set_value<T: serde::Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            self.set(key, raw);
        }
    }

    /// Removes a member (all its doubles). Says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|(name, _)| name != key);
        self.members.len() != before
    }

    /// Gives a member another name, in its place; a member that already has that name is replaced.
    pub fn rename(&mut self, from: &str, to: &str) {
        let Some(value) = self.get(from).map(ToOwned::to_owned) else { return };
        self.remove(to);
        self.set(from, value);
        for (name, _) in &mut self.members {
            if name == from {
                *name = Cow::Owned(to.to_owned());
            }
        }
    }

    /// Names of the members, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
    }

    /// The object as JSON text without blanks between members.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes() + 2);
        out.push(b'{');
        for (index, (key, value)) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(&mut out, key);
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.push(b'}');
        out
    }
}

/// Appends `text` as a JSON string literal.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail; the branch exists only for the type.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    members.push((key.0, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A string that borrows from the input where the input has no escapes.
#[derive(Debug, Clone, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A list that nearly always has one entry, which then needs no memory of its own.
#[derive(Debug, Clone)]
pub struct Few<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<T> Few<T> {
    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Few<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                let mut rest = Vec::new();
                if first.is_some() {
                    while let Some(entry) = list.next_element()? {
                        rest.push(entry);
                    }
                }
                Ok(Few { first, rest })
            }
        }
        deserializer.deserialize_seq(Entries(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{ "model": "gpt-4o", "big": 12345678901234567890.10, "x": {"a" : [1, 2]}, "model": "b" }"#;

    #[test]
    fn untouched_members_keep_their_bytes() {
        let object = Object::parse(BODY.as_bytes()).unwrap();
        let text = String::from_utf8(object.to_bytes()).unwrap();
        assert_eq!(text, r#"{"model":"gpt-4o","big":12345678901234567890.10,"x":{"a" : [1, 2]},"model":"b"}"#);
    }

    #[test]
    fn the_last_double_counts_and_set_leaves_one() {
        let mut object = Object::parse(BODY.as_bytes()).unwrap();
        assert_eq!(object.read::<String>("model").unwrap(), "b");
        object.set_value("model", "c");
        let text = String::from_utf8(object.to_bytes()).unwrap();
        assert_eq!(text, r#"{"model":"c","big":12345678901234567890.10,"x":{"a" : [1, 2]}}"#);
    }

    #[test]
    fn rename_keeps_the_place_and_replaces_the_target() {
        let mut object = Object::parse(br#"{"a":1,"b":2,"c":3}"#).unwrap();
        object.rename("b", "c");
        assert_eq!(object.to_bytes(), br#"{"a":1,"c":2}"#);
        object.rename("absent", "a");
        assert_eq!(object.to_bytes(), br#"{"a":1,"c":2}"#);
    }

    #[test]
    fn escaped_keys_are_read_and_written() {
        let object = Object::parse(br#"{"mo\u0064el":"x","q\"":1}"#).unwrap();
        assert_eq!(object.read::<String>("model").unwrap(), "x");
        assert_eq!(object.to_bytes(), br#"{"model":"x","q\"":1}"#);
    }

    #[test]
    fn other_json_is_refused() {
        for text in ["[]", "1", "\"x\"", "{", "{\"a\":}", "", "{} {}"] {
            assert!(Object::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
