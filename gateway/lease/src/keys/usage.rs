//! When keys were used: the last time, and how often each day. It shows which old keys nobody uses any more.

use super::instant::Instant;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fmt;

const FORMAT: &str = "weighbridge.key-usage";
const VERSION: u32 = 1;
/// Days that are remembered of each key: a year, and a month for those who look late.
const DAYS_MAX: usize = 400;

/// A day of the calendar in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day in which this instant lies.
    #[must_use]
    pub fn of(us: i64) -> Self {
        let at = Timestamp::from_microsecond(us).unwrap_or_default();
        Self(at.to_zoned(TimeZone::UTC).date())
    }

    /// Number of the day since the Unix epoch.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_second().div_euclid(86_400))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| de::Error::custom("expected a day such as 2026-12-31"))
    }
}

/// Use of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUsage {
    /// The last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Instant>,
    /// How often, by day.
    #[serde(default)]
    pub uses_by_day: BTreeMap<Day, u64>,
}

/// Use of all keys, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    keys: BTreeMap<String, KeyUsage>,
}

/// Why a text is no list of uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no list of uses that this program knows; delete it to begin a new one")]
pub struct UsageError;

#[derive(Serialize, Deserialize)]
struct Kept<K> {
    format: String,
    version: u32,
    keys: K,
}

impl Usage {
    /// Counts uses of a key on one day.
    pub fn add(&mut self, id: &str, day: Day, uses: u64, last_us: i64) {
        let key = match self.keys.get_mut(id) {
            Some(key) => key,
            None => self.keys.entry(id.to_owned()).or_default(),
        };
        let count = key.uses_by_day.entry(day).or_default();
        *count = count.saturating_add(uses);
        key.last_used_at = key.last_used_at.max(Some(Instant::from_us(last_us)));
        while key.uses_by_day.len() > DAYS_MAX {
            key.uses_by_day.pop_first();
        }
    }

    /// Adds everything that another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (id, usage) in &other.keys {
            for (day, uses) in &usage.uses_by_day {
                self.add(id, *day, *uses, usage.last_used_at.map_or(i64::MIN, Instant::us));
            }
        }
    }

    /// Forgets keys that are not there any more.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.keys.retain(|id, _| is_there(id));
    }

    /// Use of one key.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&KeyUsage> {
        self.keys.get(id)
    }

    /// Whether nothing was ever used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Reads what is kept.
    ///
    /// # Errors
    /// It is something else, or a newer program's.
    pub fn from_json(bytes: &[u8]) -> Result<Self, UsageError> {
        let kept: Kept<BTreeMap<String, KeyUsage>> = serde_json::from_slice(bytes).map_err(|_| UsageError)?;
        if kept.format == FORMAT && kept.version <= VERSION { Ok(Self { keys: kept.keys }) } else { Err(UsageError) }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let kept = Kept { format: FORMAT.to_owned(), version: VERSION, keys: &self.keys };
        // Strings, numbers and maps with texts as keys: nothing of this can fail.
        let mut bytes = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn uses_are_counted_by_day_kept_and_put_together() {
        let mut one = Usage::default();
        one.add("a", Day::of(0), 2, 5);
        one.add("a", Day::of(DAY), 1, DAY + 7);
        one.add("a", Day::of(0), 1, 3);
        let mut two = Usage::from_json(&one.to_json()).unwrap();
        assert_eq!(two, one);
        two.merge(&one);
        let of = two.of("a").unwrap();
        assert_eq!(
            of.uses_by_day.iter().map(|(day, uses)| (day.to_string(), *uses)).collect::<Vec<_>>(),
            [("1970-01-01".to_owned(), 6), ("1970-01-02".to_owned(), 2)]
        );
        assert_eq!(of.last_used_at, Some(Instant::from_us(DAY + 7)));
        two.retain(|id| id != "a");
        assert!(two.is_empty());
        assert_eq!((Day::of(-1).number(), Day::of(DAY).number()), (-1, 1));
    }

    #[test]
    fn old_days_are_forgotten() {
        let mut usage = Usage::default();
        for day in 0..500 {
            usage.add("a", Day::of(day * DAY), 1, day * DAY);
        }
        let days = &usage.of("a").unwrap().uses_by_day;
        assert_eq!((days.len(), days.first_key_value().unwrap().0.number()), (DAYS_MAX, 100));
    }

    #[test]
    fn something_else_is_refused() {
        for text in ["", "{}", r#"{"format": "weighbridge.consumers", "version": 1, "keys": {}}"#] {
            assert_eq!(Usage::from_json(text.as_bytes()), Err(UsageError), "{text}");
        }
    }
}
