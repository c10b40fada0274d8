//! What copies have cost, from the records alone: by file and day, kept in memory for files that do not change.

use super::config::Period;
use super::records::{File, Stamp};
use evaluator::EvaluateError;
use evaluator::bill::{Column, StatementOptions, statement};
use gate::pilot::Spent;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wire::price::Tariffs;

/// What the copies in one file cost, by day of sending (UTC, `2026-11-23`).
type Days = BTreeMap<String, Spent>;

/// Files that were counted, as they were then. As many as there are record files.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<PathBuf, (Stamp, Days)>);

impl Ledger {
    /// Counts files that are new or have changed, and adds up the period that `now` lies in. A file that was written to last before
    /// the period began holds nothing of it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn spent(
        &mut self,
        files: &[File],
        migration: &str,
        tariffs: &Tariffs,
        period: Period,
        now: jiff::Timestamp,
    ) -> Result<Spent, EvaluateError> {
        let first = first_day(period, now);
        self.0.retain(|path, _| files.iter().any(|file| file.path == *path));
        for file in files {
            let known = self.0.get(&file.path).is_some_and(|(stamp, _)| *stamp == file.stamp);
            if !known && day_of(file.stamp.written_us) >= first {
                let days = count(file, migration, tariffs)?;
                self.0.insert(file.path.clone(), (file.stamp, days));
            }
        }
        let mut sum = Spent::default();
        let days = self.0.values().flat_map(|(_, days)| days);
        for (_, spent) in days.filter(|(day, _)| **day >= first) {
            sum.nanos = sum.nanos.saturating_add(spent.nanos);
            sum.unknown = sum.unknown.saturating_add(spent.unknown);
        }
        Ok(sum)
    }
}

fn count(file: &File, migration: &str, tariffs: &Tariffs) -> Result<Days, EvaluateError> {
    let options = StatementOptions {
        migration: Some(migration.to_owned()),
        skip_broken: false,
        tariffs: tariffs.clone(),
        columns: vec![Column::Role, Column::Day],
        priced_at_us: None,
        month_requests: None,
        doubted_at_us: None,
        version: String::new(),
    };
    let document = match statement(std::slice::from_ref(&file.path), &options) {
        Ok(document) => document,
        // Nothing of this migration yet is nothing spent.
        Err(EvaluateError::NoRecords { .. } | EvaluateError::UnknownMigration { .. }) => return Ok(Days::new()),
        Err(error) => return Err(error),
    };
    let mut days = Days::new();
    let copies = document.paid.iter().filter(|paid| {
        // What was too much to tell apart is counted as copies: a budget is kept rather too well.
        paid.role.as_deref().is_none_or(|role| matches!(role, "shadow" | "repeat" | "other"))
    });
    for paid in copies {
        let spent = days.entry(paid.day.clone().unwrap_or_else(|| "9999".to_owned())).or_default();
        match nanos(&paid.amount) {
            Some(nanos) => spent.nanos = spent.nanos.saturating_add(nanos),
            None => spent.unknown += paid.exchanges,
        }
        spent.unknown += paid.unpriced + paid.without_usage;
    }
    Ok(days)
}

/// A decimal amount, nano-units of its currency; `None` for what is none, or finer.
pub(super) fn nanos(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !is_number(whole) || !is_number(part) {
        return None;
    }
    let part: i64 = format!("{part:0<9}").parse().ok()?;
    let whole: i64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(part)?.checked_mul(sign)
}

fn day_of(at_us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(at_us).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// First day of the period that `now` lies in.
fn first_day(period: Period, now: jiff::Timestamp) -> String {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = match period {
        Period::All => return String::new(),
        Period::Day => today,
        Period::Week => {
            let days = i64::from(today.weekday().to_monday_zero_offset());
            today.checked_sub(jiff::Span::new().days(days)).unwrap_or(today)
        }
        Period::Month => today.first_of_month(),
    };
    first.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_to_the_nano() {
        for (text, expected) in [
            ("25.00", Some(25_000_000_000)),
            ("0.000000001", Some(1)),
            ("7", Some(7_000_000_000)),
            ("-1.5", Some(-1_500_000_000)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("9223372037", None),
            ("0.0000000001", None),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("25,00", None),
            ("+1", None),
        ] {
            assert_eq!(nanos(text), expected, "{text}");
        }
    }

    #[test]
    fn a_period_begins_at_midnight_in_utc() {
        let now = "2026-11-26T00:30:00+01:00".parse().unwrap();
        for (period, first) in [
            (Period::Day, "2026-11-25"),
            (Period::Week, "2026-11-23"),
            (Period::Month, "2026-11-01"),
            (Period::All, ""),
        ] {
            assert_eq!(first_day(period, now), first);
        }
    }
}
