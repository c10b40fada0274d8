//! The pace of a replay, as users write it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How fast requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// As recorded, `factor` times as fast: at 10 an hour of log takes six minutes.
    Recorded {
        /// Speed, above 0.
        factor: f64,
    },
    /// Evenly spaced.
    Constant {
        /// Requests a second.
        per_second: f64,
    },
    /// Independent arrivals (exponential gaps), seeded.
    Poisson {
        /// Requests a second on average.
        per_second: f64,
    },
    /// Gamma-distributed gaps, seeded. A shape below 1 is burstier than Poisson, above 1 calmer.
    Gamma {
        /// Requests a second on average.
        per_second: f64,
        /// Shape of the distribution of gaps; their coefficient of variation is `1 / sqrt(shape)`.
        shape: f64,
    },
    /// The rate grows or falls evenly in time, and then stays.
    Ramp {
        /// Requests a second at the start.
        from_per_second: f64,
        /// Requests a second at the end.
        to_per_second: f64,
        /// Seconds from start to end; `None` for the length of the run.
        seconds: Option<f64>,
    },
    /// As fast as so many connections allow: each sends its next request when its last answer has ended.
    Closed {
        /// Requests in flight.
        connections: u32,
    },
}

/// A text that names no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rate is `{text}`: expected `recorded`, a factor such as `x10` or `x0.5`, a constant rate such as `200/s` (`/m` and `/h` work too), \
     `poisson:200/s`, `gamma:200/s:0.5` (rate and shape; `gamma:200/s:cv=2` names the coefficient of variation of the gaps instead), \
     `ramp:10/s..200/s` over the whole run, `ramp:10/s..200/s:60s` with a length, or `max:64` (as fast as 64 connections allow)"
)]
pub struct RateError {
    /// What was found.
    pub text: String,
}

impl Rate {
    /// Whether requests are sent when they are due, whatever became of earlier ones.
    #[must_use]
    pub const fn is_open_loop(self) -> bool {
        !matches!(self, Self::Closed { .. })
    }

    /// Whether the schedule follows the times in the log, so that the log must have some.
    #[must_use]
    pub const fn follows_log(self) -> bool {
        matches!(self, Self::Recorded { .. })
    }

    /// Requests a second, on average; `None` where log, time or answers set the pace.
    #[must_use]
    pub const fn per_second(self) -> Option<f64> {
        match self {
            Self::Constant { per_second } | Self::Poisson { per_second } | Self::Gamma { per_second, .. } => {
                Some(per_second)
            }
            Self::Recorded { .. } | Self::Ramp { .. } | Self::Closed { .. } => None,
        }
    }

    /// How many times faster than the log time passes; 1 where the log does not set the pace.
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Self::Recorded { factor } => factor,
            _ => 1.0,
        }
    }

    /// Whether the number of rows must be known before the first one is due. A log that is a stream has to be counted
    /// for it, which takes one more pass.
    #[must_use]
    pub const fn needs_total(self, duration: Option<Duration>) -> bool {
        matches!(self, Self::Ramp { seconds: None, .. }) && duration.is_none()
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::Recorded { factor: 1.0 }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        parse(text.trim()).ok_or_else(|| RateError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Rate> {
    if text == "recorded" {
        return Some(Rate::default());
    }
    if let Some((kind, rest)) = text.split_once(':') {
        return match kind {
            "max" => rest.parse().ok().filter(|n| *n > 0).map(|connections| Rate::Closed { connections }),
            "poisson" => per_second(rest).map(|per_second| Rate::Poisson { per_second }),
            "gamma" => {
                let (rate, shape) = rest.split_once(':')?;
                let shape = match shape.strip_prefix("cv=") {
                    // The coefficient of variation of gamma gaps is 1 / sqrt(shape).
                    Some(variation) => in_range(positive(variation)?.powi(-2))?,
                    None => positive(shape)?,
                };
                Some(Rate::Gamma { per_second: per_second(rate)?, shape })
            }
            "ramp" => {
                let (from, to) = rest.split_once("..")?;
                let (to, seconds) = match to.split_once(':') {
                    Some((to, length)) => (to, Some(seconds(length)?)),
                    None => (to, None),
                };
                Some(Rate::Ramp { from_per_second: per_second(from)?, to_per_second: per_second(to)?, seconds })
            }
            _ => None,
        };
    }
    if let Some(factor) = text.strip_prefix('x') {
        return positive(factor).map(|factor| Rate::Recorded { factor });
    }
    per_second(text).map(|per_second| Rate::Constant { per_second })
}

fn per_second(text: &str) -> Option<f64> {
    let (count, unit) = text.split_once('/')?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    positive(count).map(|count| count / seconds)
}

fn seconds(text: &str) -> Option<f64> {
    for (unit, factor) in [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)] {
        if let Some(count) = text.strip_suffix(unit)
            && let Some(count) = positive(count)
        {
            return Some(count * factor);
        }
    }
    None
}

/// A plain number between a millionth and a thousand million: outside of it a schedule would overflow or stand still.
fn positive(text: &str) -> Option<f64> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    text.parse().ok().filter(|_| plain).and_then(in_range)
}

fn in_range(number: f64) -> Option<f64> {
    (1e-6..=1e9).contains(&number).then_some(number)
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded { factor } if factor.total_cmp(&1.0).is_eq() => formatter.write_str("recorded"),
            Self::Recorded { factor } => write!(formatter, "x{factor}"),
            Self::Constant { per_second } => write!(formatter, "{per_second}/s"),
            Self::Poisson { per_second } => write!(formatter, "poisson:{per_second}/s"),
            Self::Gamma { per_second, shape } => write!(formatter, "gamma:{per_second}/s:{shape}"),
            Self::Ramp { from_per_second, to_per_second, seconds } => {
                write!(formatter, "ramp:{from_per_second}/s..{to_per_second}/s")?;
                seconds.map_or(Ok(()), |seconds| write!(formatter, ":{seconds}s"))
            }
            Self::Closed { connections } => write!(formatter, "max:{connections}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_and_prints_the_same() {
        for text in [
            "recorded",
            "x10",
            "x0.5",
            "200/s",
            "0.5/s",
            "poisson:200/s",
            "gamma:200/s:0.5",
            "ramp:10/s..200/s",
            "ramp:10/s..200/s:60s",
            "max:64",
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("120/m".parse::<Rate>().unwrap(), Rate::Constant { per_second: 2.0 });
        assert_eq!("7200/h".parse::<Rate>().unwrap(), Rate::Constant { per_second: 2.0 });
        assert_eq!("x1".parse::<Rate>().unwrap(), Rate::default());
        assert_eq!("gamma:8/s:cv=2".parse::<Rate>().unwrap(), Rate::Gamma { per_second: 8.0, shape: 0.25 });
        assert_eq!("ramp:1/s..2/s:5m".parse::<Rate>().unwrap().to_string(), "ramp:1/s..2/s:300s");
    }

    #[test]
    fn mistakes_are_quoted_and_the_forms_listed() {
        for text in [
            "",
            "fast",
            "x",
            "x0",
            "x-1",
            "xinf",
            "xnan",
            "200",
            "0/s",
            "-1/s",
            "1/d",
            "1e99/s",
            "max:0",
            "max:",
            "max:-1",
            "poisson:5",
            "gamma:5/s",
            "gamma:5/s:0",
            "ramp:1/s",
            "ramp:1/s..0/s",
            "ramp:1/s..2/s:",
            "ramp:1/s..2/s:5",
            "ramp:1/s..2/s:0s",
            "gamma:5/s:cv=0",
            "gamma:5/s:cv=1e-5",
            "+1/s",
            "inf/s",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
            for form in ["`recorded`", "`x10`", "`200/s`", "`poisson:200/s`", "`max:64`"] {
                assert!(error.contains(form), "{error}");
            }
        }
    }
}
