//! `weighbridge prices`: what tokens cost, and tables of one's own.

mod check;
mod gaps;
mod list;
mod set;
mod show;

use crate::args::{self, PricesCommand};
use crate::outcome::{Exit, Failure};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Length of a date such as 2026-12-01.
const DATE_BYTES: usize = 10;

pub(super) fn run(args: &args::Prices) -> Result<Exit, Failure> {
    let now_us = Timestamp::now().as_microsecond();
    match &args.command {
        PricesCommand::List(args) => list::run(args, now_us),
        PricesCommand::Check(args) => check::run(args, now_us),
        PricesCommand::Set(args) => set::run(args, now_us),
    }
}

/// An instant, or the first one of a day in UTC; microseconds since the Unix epoch.
fn instant_us(option: &str, text: &str) -> Result<i64, Failure> {
    let day = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    // A time without a zone would be taken for its day.
    let date = Some(text).filter(|text| text.len() <= DATE_BYTES).and_then(|text| text.parse::<Date>().ok());
    let at = text.parse::<Timestamp>().ok().or_else(|| date.and_then(day));
    at.map(Timestamp::as_microsecond).ok_or_else(|| {
        let expected = "expected an instant such as 2026-12-01T16:00:00Z, or a day such as 2026-12-01";
        Failure::usage(format!("{option} is `{text}`: {expected}"))
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("prices do not serialise: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_one_or_a_day() {
        assert_eq!(instant_us("--at", "1970-01-02").unwrap(), 86_400_000_000);
        assert_eq!(instant_us("--at", "1970-01-01T01:00:00+01:00").unwrap(), 0);
        for wrong in ["", "soon", "2026-13-01", "2026-12-01T16:00:00"] {
            let failure = instant_us("--at", wrong).unwrap_err();
            assert!(failure.message.contains("--at") && failure.exit == Exit::Usage, "{wrong}");
        }
    }
}
