//! `[shadow]`: bounds of the mirror, over all migrations together.

use super::check::{Checker, LIMIT_MAX};
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShadow {
    pub workers: Option<usize>,
    pub queue_jobs_max: Option<usize>,
    pub queue_bytes_max: Option<usize>,
    pub cost_per_day_max_usd: Option<String>,
    pub total_timeout: Option<String>,
}

/// Bounds of the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// Copies under way at once.
    pub workers: usize,
    /// Copies that wait; one more is dropped and counted.
    pub queue_jobs: usize,
    /// Bytes of the copies that wait or are under way; beyond it a copy is dropped and counted.
    pub queue_bytes: usize,
    /// Money that copies may cost a day (UTC), nano-dollars; beyond it a copy is dropped and counted. `None`: no bound.
    pub cost_per_day_max_nanos: Option<i64>,
    /// From sending a copy to its last byte.
    pub total_timeout: Duration,
}

impl Checker<'_> {
    pub(super) fn shadow(&mut self, raw: &RawShadow) -> Option<Shadow> {
        let cost = raw.cost_per_day_max_usd.as_deref().map(|text| (text, nanos(text)));
        if let Some((text, None)) = cost {
            self.problems.push(format!(
                "shadow.cost_per_day_max_usd is `{text}`: expected dollars as a decimal string, such as \"25.00\""
            ));
        }
        let shadow = Shadow {
            workers: raw.workers.unwrap_or(256),
            queue_jobs: raw.queue_jobs_max.unwrap_or(4096),
            queue_bytes: raw.queue_bytes_max.unwrap_or(64 * 1024 * 1024),
            cost_per_day_max_nanos: cost.and_then(|(_, nanos)| nanos),
            total_timeout: self.duration("shadow.total_timeout", raw.total_timeout.as_deref(), 600)?,
        };
        for (key, value) in [
            ("shadow.workers", shadow.workers),
            ("shadow.queue_jobs_max", shadow.queue_jobs),
            ("shadow.queue_bytes_max", shadow.queue_bytes),
        ] {
            if !(1..=LIMIT_MAX).contains(&value) {
                self.problems.push(format!("{key} is {value}: expected 1 to {LIMIT_MAX}"));
            }
        }
        Some(shadow)
    }
}

/// Dollars with at most nine decimals as nano-dollars. No float takes part: money is exact.
pub(super) fn nanos(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 9 {
        return None;
    }
    let part = format!("{part:0<9}").parse::<i64>().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::nanos;

    #[test]
    fn dollars_are_exact() {
        assert_eq!(nanos("25.00"), Some(25_000_000_000));
        assert_eq!(nanos("0.1"), Some(100_000_000));
        assert_eq!(nanos("0.000000001"), Some(1));
        assert_eq!(nanos("7"), Some(7_000_000_000));
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000000001", "9223372037", "25 USD", "1_000"] {
            assert_eq!(nanos(wrong), None, "{wrong}");
        }
    }
}
