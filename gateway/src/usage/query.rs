//! Which rows somebody wants to see, and what they are summed up by.

use super::book::{Book, Key, Sums};
use std::collections::BTreeMap;

/// A column that rows can be told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// UTC day.
    Day,
    /// Who pays.
    Payer,
    /// Migration.
    Migration,
    /// Consumer.
    Consumer,
    /// Model.
    Model,
    /// Provider.
    Provider,
    /// Arm.
    Arm,
    /// Role.
    Role,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Day, Self::Payer, Self::Migration, Self::Consumer, Self::Model, Self::Provider, Self::Arm, Self::Role];
    /// What is shown if nobody says what.
    pub const USUAL: [Self; 5] = [Self::Day, Self::Consumer, Self::Model, Self::Arm, Self::Payer];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Payer => "payer",
            Self::Migration => "migration",
            Self::Consumer => "consumer",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Arm => "arm",
            Self::Role => "role",
        }
    }

    /// A list of names with commas between them.
    ///
    /// # Errors
    /// A name is not known; the sentence says which are.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        let one = |name: &str| {
            Self::ALL.into_iter().find(|by| by.name() == name).ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("`{}` is no column: expected some of {known}", name.chars().take(40).collect::<String>())
            })
        };
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(one).collect()
    }

    fn of(self, key: &Key) -> String {
        match self {
            Self::Day => date(key.day),
            Self::Payer => key.payer.name().to_owned(),
            Self::Migration => key.migration.clone(),
            Self::Consumer => key.consumer.clone(),
            Self::Model => key.model.clone(),
            Self::Provider => key.provider.clone(),
            Self::Arm => key.arm.name().to_owned(),
            Self::Role => crate::telemetry::role_name(key.role).to_owned(),
        }
    }
}

/// What to sum up, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// First day, days since 1970-01-01; `None` from the beginning.
    pub since_day: Option<i64>,
    /// Only this consumer's requests.
    pub consumer: Option<String>,
    /// Columns; none sums everything up in one row.
    pub by: Vec<By>,
}

impl Query {
    /// Whether a row is wanted.
    #[must_use]
    pub fn takes(&self, key: &Key) -> bool {
        self.since_day.is_none_or(|since| key.day >= since)
            && self.consumer.as_ref().is_none_or(|consumer| *consumer == key.consumer)
    }

    /// Sums by the values of the columns, sorted.
    #[must_use]
    pub fn sum(&self, book: &Book) -> BTreeMap<Vec<String>, Sums> {
        let mut sums: BTreeMap<Vec<String>, Sums> = BTreeMap::new();
        for (key, row) in book.rows().filter(|(key, _)| self.takes(key)) {
            sums.entry(self.by.iter().map(|by| by.of(key)).collect()).or_default().add(row);
        }
        sums
    }

    /// The first day that a text names: a date such as 2026-11-22, or a time that reaches back from now, such as 24h or 7d.
    /// Days are whole, in UTC.
    ///
    /// # Errors
    /// It is neither.
    pub fn since(text: &str, now_us: i64) -> Result<i64, String> {
        const DAY_US: i64 = 86_400_000_000;
        if let Ok(date) = text.parse::<jiff::civil::Date>() {
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
            return Ok(midnight.timestamp().as_microsecond().div_euclid(DAY_US));
        }
        let length = |span: jiff::Span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        let back = text.parse::<jiff::Span>().and_then(length).ok().filter(|span| !span.is_negative());
        match back.and_then(|span| i64::try_from(span.as_micros()).ok()) {
            Some(back_us) => Ok(now_us.saturating_sub(back_us).div_euclid(DAY_US)),
            None => {
                Err("expected a date such as 2026-11-22, or a time that reaches back, such as 24h or 7d".to_owned())
            }
        }
    }
}

/// `2026-11-22`.
pub(super) fn date(day: i64) -> String {
    let midnight = jiff::Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or_default();
    midnight.strftime("%Y-%m-%d").to_string()
}
