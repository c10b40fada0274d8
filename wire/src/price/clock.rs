//! Time of day as providers bill it.

use serde::Serialize;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Which hours a price row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// All hours.
    Any,
    /// DeepSeek's peak: Monday to Friday, 01:00-04:00 and 06:00-10:00 UTC. Chinese public holidays, which are
    /// off-peak, are not known here: a bill for such a day is too high, never too low.
    Peak,
    /// All other hours.
    OffPeak,
}

impl Period {
    /// Whether the instant (microseconds since the Unix epoch) lies in the period.
    #[must_use]
    pub fn contains(self, at_us: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Peak => is_peak(at_us),
            Self::OffPeak => !is_peak(at_us),
        }
    }
}

fn is_peak(at_us: i64) -> bool {
    let day = at_us.div_euclid(DAY_US);
    // 1 January 1970 was a Thursday; 0 is Monday.
    let weekday = (day + 3).rem_euclid(7);
    let hour = at_us.rem_euclid(DAY_US) / HOUR_US;
    weekday < 5 && ((1..4).contains(&hour) || (6..10).contains(&hour))
}
