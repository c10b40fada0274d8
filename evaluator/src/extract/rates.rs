//! How fast evidence comes in, and what the traffic asks of a provider.

use super::Sources;
use super::outcome;
use crate::rows::Row;
use datasets::{Arm, Role};
use judge::evidence::Rates;

/// Microseconds of a minute and of an hour.
const MINUTE_US: i64 = 60_000_000;
const HOUR_US: f64 = 3_600.0 * 1e6;

/// Rates and peaks. Those of the whole traffic are of what clients asked for, mirrored copies left out.
pub(super) fn rates(sources: &Sources<'_>, served: &[&Row], judged: u64) -> Rates {
    let pairs = &sources.pairing.pairs;
    let asked = sources.rows.all().iter().filter(|row| matches!(row.role, Role::Served | Role::Replayed));
    let (mut peaks, mut requests, mut span) = (Peaks::default(), 0u64, Span::default());
    for row in asked.filter(|row| row.role == Role::Served || row.arm == Arm::Baseline) {
        peaks.add(row);
        requests += 1;
        span.add(row.at_us);
    }
    let candidate = served.iter().filter(|row| row.arm == Arm::Candidate && row.epoch == judged);
    let mut durations: Vec<u64> = pairs
        .iter()
        .filter(|pair| !pair.candidate.untimed())
        .filter_map(|pair| outcome::duration(pair.candidate))
        .collect();
    let rank = (durations.len() * 95).div_ceil(100).saturating_sub(1);
    let p95 = (rank < durations.len()).then(|| *durations.select_nth_unstable(rank).1);
    Rates {
        pairs_per_hour: Span::over(pairs.iter().map(|pair| pair.candidate.at_us)).per_hour(pairs.len() as u64),
        requests_per_hour: span.per_hour(requests),
        candidate_requests_per_hour: Span::over(candidate.clone().map(|row| row.at_us))
            .per_hour(candidate.count() as u64),
        requests_per_minute_peak: (peaks.requests > 0).then_some(peaks.requests as f64),
        tokens_per_minute_peak: (peaks.tokens > 0).then_some(peaks.tokens as f64),
        duration_p95_seconds: p95.map(|us| us as f64 / 1e6),
    }
}

/// The fullest minutes of rows that come in the order of their arrival.
#[derive(Debug, Default)]
struct Peaks {
    minute: i64,
    /// Within the newest minute.
    running: (u64, u64),
    requests: u64,
    tokens: u64,
}

impl Peaks {
    fn add(&mut self, row: &Row) {
        let minute = row.at_us.div_euclid(MINUTE_US);
        if minute != self.minute {
            (self.minute, self.running) = (minute, (0, 0));
        }
        self.running.0 += 1;
        self.running.1 += row.usage().map_or(0, |usage| usage.prompt.saturating_add(usage.completion));
        self.requests = self.requests.max(self.running.0);
        self.tokens = self.tokens.max(self.running.1);
    }
}

/// From the first to the last instant.
#[derive(Debug, Clone, Copy, Default)]
struct Span(Option<(i64, i64)>);

impl Span {
    fn over(instants: impl Iterator<Item = i64>) -> Self {
        let mut span = Self::default();
        instants.for_each(|at| span.add(at));
        span
    }

    fn add(&mut self, at_us: i64) {
        self.0 = Some(self.0.map_or((at_us, at_us), |(from, to)| (from.min(at_us), to.max(at_us))));
    }

    /// A rate, where the span is long enough to name one (a second).
    fn per_hour(self, count: u64) -> Option<f64> {
        let (from, to) = self.0?;
        let span_us = (to - from) as f64;
        (count > 1 && span_us >= 1e6).then(|| count as f64 / span_us * HOUR_US)
    }
}
