//! Whole numbers of 128 bits as JSON: a number where it fits into 64 bits, else its digits as a text.
//!
//! JSON knows no sizes, but most of its readers keep a number beyond 64 bits as a floating one, and a sum of squares that
//! has lost its last digits is another sum. A text arrives as it was sent, whoever passes it on.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

/// Writes `i128` or `u128`; for `#[serde(with = "...")]`.
pub(crate) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Display + TryInto<i64>,
    S: Serializer,
{
    match (*value).try_into() {
        Ok(narrow) => serializer.serialize_i64(narrow),
        Err(_) => serializer.collect_str(value),
    }
}

/// Reads what [`serialize`] writes, and any whole number that its reader has kept whole.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr + TryFrom<i64> + TryFrom<u64>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Whole(PhantomData))
}

struct Whole<T>(PhantomData<T>);

impl<T: FromStr + TryFrom<i64> + TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number, or its digits as a text where it exceeds 64 bits")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        value.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(with = "crate::wide")]
        signed: i128,
        #[serde(with = "crate::wide")]
        unsigned: u128,
    }

    #[test]
    fn every_size_arrives_as_it_was_sent() {
        let signed = [0, 1, -1, i128::from(i64::MAX) + 1, i128::from(u64::MAX), i128::MIN, i128::MAX];
        let unsigned = [0, 7, u128::from(u64::MAX), u128::from(u64::MAX) + 1, 1 << 100, u128::MAX, 1 << 63];
        for (signed, unsigned) in signed.into_iter().zip(unsigned) {
            let sent = Both { signed, unsigned };
            let text = serde_json::to_string(&sent).unwrap();
            assert_eq!(serde_json::from_str::<Both>(&text).unwrap(), sent, "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::from_value::<Both>(value).unwrap(), sent, "{text}");
        }
        assert_eq!(serde_json::to_string(&Both { signed: -5, unsigned: 9 }).unwrap(), r#"{"signed":-5,"unsigned":9}"#);
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        for text in [
            r#"{"signed":1.5,"unsigned":0}"#,
            r#"{"signed":0,"unsigned":-1}"#,
            r#"{"signed":0,"unsigned":"-1"}"#,
            r#"{"signed":"ten","unsigned":0}"#,
            r#"{"signed":1e30,"unsigned":0}"#,
            r#"{"signed":null,"unsigned":0}"#,
        ] {
            let error = serde_json::from_str::<Both>(text).unwrap_err().to_string();
            assert!(error.contains("digits as a text"), "{text}: {error}");
        }
    }
}
