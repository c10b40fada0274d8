//! A table whose order counts.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// The entries of a TOML table in the order of the text.
#[derive(Debug)]
pub(super) struct Ordered<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails without the `preserve_order` feature of `toml`, which sorts the names otherwise.
    #[test]
    fn the_order_is_that_of_the_text() {
        #[derive(serde::Deserialize)]
        struct Text {
            t: Ordered<toml::Table>,
        }
        let names = |text: &str| {
            toml::from_str::<Text>(text).unwrap().t.0.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("[t.z]\n[t.a]\n[t.m]\n"), ["z", "a", "m"]);
        assert_eq!(names("t = { z = {}, a = {} }"), ["z", "a"]);
        // A table's own header counts; what is continued further down stays in its place.
        assert_eq!(names("[t.z]\n[t.a]\n[t.z.inner]\nx = 1"), ["z", "a"]);
        assert_eq!(names("t.z.x = 1\nt.a.x = 1\nt.z.y = 1"), ["z", "a"]);
    }
}
