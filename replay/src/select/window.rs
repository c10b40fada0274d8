//! The ends of a window on a log.

use std::fmt;
use std::str::FromStr;

/// One end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Microseconds after the log's first row.
    After(u64),
    /// Microseconds since the Unix epoch, for logs that hold such times.
    At(i64),
}

/// A text that is no end of a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no place in a log: expected a time after its first row, such as 90s, 10m or 1h30m, or an instant such \
     as 2026-11-20T08:00:00Z"
)]
pub struct EdgeError {
    text: String,
}

impl Edge {
    /// Whether a row at `at_us` in a log that begins at `origin_us` comes at or after this end.
    pub(super) const fn is_at_or_before(self, at_us: i64, origin_us: i64) -> bool {
        match self {
            Self::After(offset_us) => at_us >= origin_us.saturating_add_unsigned(offset_us),
            Self::At(instant_us) => at_us >= instant_us,
        }
    }
}

impl FromStr for Edge {
    type Err = EdgeError;

    fn from_str(text: &str) -> Result<Self, EdgeError> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(instant.as_microsecond()));
        }
        let begins_with_a_digit = text.starts_with(|first: char| first.is_ascii_digit());
        text.parse::<jiff::SignedDuration>()
            .ok()
            .filter(|_| begins_with_a_digit)
            .and_then(|duration| u64::try_from(duration.as_micros()).ok())
            .map(Self::After)
            .ok_or_else(|| EdgeError { text: text.to_owned() })
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(offset_us) => write!(formatter, "{}s", *offset_us as f64 / 1e6),
            Self::At(instant_us) => match jiff::Timestamp::from_microsecond(*instant_us) {
                Ok(instant) => write!(formatter, "{instant}"),
                Err(_) => write!(formatter, "{instant_us}us"),
            },
        }
    }
}
