//! What surrounds the answers: peak hours, money, and the day on which a model is exchanged. All of it depends on the mock's
//! clock or on what was asked before, so a profile has to ask for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Hours at which the provider is busy and dear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// Parts of a day in UTC, such as `01:00-04:00`; the end is not part of it, and `24:00` is the end of the day.
    pub windows: Vec<String>,
    /// Whether Saturdays and Sundays are never peak.
    #[serde(default)]
    pub weekdays_only: bool,
    /// Days that are never peak, such as `2026-10-01`: the provider's public holidays.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// Factor on all waits during the peak; it is no part of the price.
    #[serde(default = "one")]
    pub wait_factor: f64,
}

/// Prepaid money. It goes down with every answer: first the cap on concurrent requests falls, then nothing is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Currency of all amounts, as the provider's balance reports it.
    #[serde(default = "dollars")]
    pub currency: String,
    /// Money paid in, millionths.
    pub topped_up_micros: u64,
    /// Money given by the provider, millionths; it is spent first.
    #[serde(default)]
    pub granted_micros: u64,
    /// Below this balance, millionths, `low_concurrency_max` holds.
    #[serde(default)]
    pub low_balance_micros: u64,
    /// Requests in flight beyond which a 429 is answered while the balance is low; 0 means no other limit than usual.
    #[serde(default)]
    pub low_concurrency_max: u64,
    /// Prices in peak hours, percent of those below.
    #[serde(default = "hundred")]
    pub peak_percent: u64,
    /// Prices by model as answers name it. A model without a price costs nothing.
    #[serde(default)]
    pub prices: BTreeMap<String, Price>,
}

/// Millionths per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of prompt tokens read from the cache.
    pub hit_micros: u64,
    /// Of the other prompt tokens.
    pub miss_micros: u64,
    /// Of completion tokens, reasoning included.
    pub output_micros: u64,
}

/// A model that is exchanged behind its name: from an instant on, answers are others, and the name is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The instant by the mock's clock, such as `2026-10-17T00:00:00Z`.
    pub at: String,
    /// Factor on the length of generated answers.
    #[serde(default = "one")]
    pub length_factor: f64,
    /// What answers in prose begin with from then on, recorded ones too; a habit of the new model.
    #[serde(default)]
    pub opening: String,
    /// Whether `system_fingerprint` gives the exchange away.
    #[serde(default)]
    pub new_fingerprint: bool,
}

/// Peak hours, ready to be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeakHours {
    /// Minutes of the day, from and until.
    windows: Vec<(u32, u32)>,
    weekdays_only: bool,
    holidays: Vec<Date>,
}

impl PeakHours {
    /// The hours of a profile; a text that is not what it should be is returned.
    pub(crate) fn of(peak: &Peak) -> Result<Self, &str> {
        let windows = peak.windows.iter().map(|text| window(text).ok_or(text.as_str())).collect::<Result<_, _>>()?;
        let holidays =
            peak.holidays.iter().map(|text| text.parse().map_err(|_| text.as_str())).collect::<Result<_, _>>()?;
        Ok(Self { windows, weekdays_only: peak.weekdays_only, holidays })
    }

    /// Whether an instant, Unix seconds, lies in them.
    pub(crate) fn hold(&self, unix_s: u64) -> bool {
        let minute = u32::try_from(unix_s % 86_400 / 60).unwrap_or(0);
        if !self.windows.iter().any(|(from, until)| (*from..*until).contains(&minute)) {
            return false;
        }
        let Some(date) = date(unix_s) else {
            return false;
        };
        let weekend = date.weekday().to_monday_zero_offset() >= 5;
        let free = self.weekdays_only && weekend || self.holidays.contains(&date);
        !free
    }
}

/// The day of an instant in UTC; `None` beyond the calendar's end.
pub(crate) fn date(unix_s: u64) -> Option<Date> {
    let instant = Timestamp::from_second(i64::try_from(unix_s).ok()?).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(instant).date())
}

/// The instant that a checkpoint names, Unix seconds.
pub(crate) fn instant(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok()
}

fn window(text: &str) -> Option<(u32, u32)> {
    let (from, until) = text.split_once('-')?;
    let minute = |text: &str| {
        let (hours, minutes) = text.trim().split_once(':')?;
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes).filter(|minute| *minute <= 24 * 60)
    };
    Some((minute(from)?, minute(until)?)).filter(|(from, until)| from < until)
}

fn one() -> f64 {
    1.0
}

fn hundred() -> u64 {
    100
}

fn dollars() -> String {
    "USD".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deepseek() -> PeakHours {
        let peak = Peak {
            windows: vec!["01:00-04:00".to_owned(), "06:00-10:00".to_owned()],
            weekdays_only: true,
            holidays: vec!["2026-10-01".to_owned()],
            wait_factor: 1.0,
        };
        PeakHours::of(&peak).unwrap()
    }

    fn at(text: &str) -> u64 {
        instant(text).unwrap()
    }

    #[test]
    fn peaks_are_windows_of_working_days() {
        let peak = deepseek();
        for (text, expected) in [
            ("2026-11-23T00:59:59Z", false),
            ("2026-11-23T01:00:00Z", true),
            ("2026-11-23T03:59:59Z", true),
            ("2026-11-23T04:00:00Z", false),
            ("2026-11-23T06:00:00Z", true),
            ("2026-11-23T10:00:00Z", false),
            ("2026-11-21T07:00:00Z", false),
            ("2026-11-22T07:00:00Z", false),
            ("2026-10-01T07:00:00Z", false),
            ("2026-10-02T07:00:00Z", true),
        ] {
            assert_eq!(peak.hold(at(text)), expected, "{text}");
        }
        assert!(!peak.hold(u64::MAX), "beyond the calendar is never peak");
    }

    #[test]
    fn senseless_hours_and_days_are_returned() {
        for text in ["", "1-2", "04:00-01:00", "01:00-24:01", "01:60-02:00", "x"] {
            let peak =
                Peak { windows: vec![text.to_owned()], weekdays_only: false, holidays: vec![], wait_factor: 1.0 };
            assert_eq!(PeakHours::of(&peak).unwrap_err(), text);
        }
        let peak = Peak {
            windows: vec!["00:00-24:00".to_owned()],
            weekdays_only: false,
            holidays: vec!["2026-02-30".to_owned()],
            wait_factor: 1.0,
        };
        assert_eq!(PeakHours::of(&peak).unwrap_err(), "2026-02-30");
        assert_eq!(instant("yesterday"), None);
    }
}
