//! Sums of an arm, as they stand at an instant; two of them make a window of time.
//!
//! The table counts by model, consumer and endpoint as well. Who looks at a migration wants its arms, so this folds the
//! rest away: two passes over as many cells as there are series, without a lock, on the side of whoever asks.

use super::cell::{OUTCOME_NAMES, OUTCOMES};
use super::histogram::Histogram;
use super::series::Series;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Kinds of error that say nothing about the provider: the client left, or the gateway itself did not go on.
const NOBODYS_FAULT: [&str; 3] = ["client_cancelled", "gateway_stopped", "gateway_busy"];

/// An arm of a migration, and what it was asked for. Fall-backs are served requests of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArmKey {
    pub migration: String,
    /// `baseline` or `candidate`.
    pub arm: &'static str,
    /// `served`, `shadow` or `repeat`.
    pub role: &'static str,
}

/// Counts by bucket of a histogram.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Upper bounds, microseconds, rising.
    pub bounds_us: &'static [u64],
    /// One more than there are bounds: the last is what lies above all of them. Empty where nothing was ever counted.
    pub counts: Vec<u64>,
}

/// See the module's text. Sums since the process started, or of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    outcomes: [u64; OUTCOMES],
    pub prompt_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
    /// Exchanges whose tokens are estimated.
    pub estimated: u64,
    pub cost_nanos: u64,
    pub unpriced: u64,
    pub fallbacks: u64,
    pub moderation_blocks: u64,
    pub guard_blocks: u64,
    pub duration: Counts,
    pub first_token: Counts,
    pub first_visible: Counts,
    pub output_token: Counts,
}

/// Folds series to arms.
pub(super) fn fold(series: &[Arc<Series>]) -> BTreeMap<ArmKey, Sample> {
    let mut arms: BTreeMap<ArmKey, Sample> = BTreeMap::new();
    for series in series {
        let labels = series.labels();
        let role = if labels.role == "fallback" { "served" } else { labels.role };
        let key = ArmKey { migration: labels.migration.to_owned(), arm: labels.arm, role };
        arms.entry(key).or_default().add(&Sample::of(series));
    }
    arms
}

impl Sample {
    fn of(series: &Series) -> Self {
        let cell = &series.cell;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            outcomes: std::array::from_fn(|place| cell.outcomes.get(place).map_or(0, read)),
            prompt_tokens: read(&cell.prompt_tokens),
            cached_tokens: read(&cell.cached_tokens),
            completion_tokens: read(&cell.completion_tokens),
            reasoning_tokens: read(&cell.reasoning_tokens),
            estimated: cell.usage_estimated.iter().map(read).sum(),
            cost_nanos: read(&cell.cost_nanos),
            unpriced: read(&cell.unpriced),
            fallbacks: read(&cell.fallbacks),
            moderation_blocks: read(&cell.moderation_blocks),
            guard_blocks: read(&cell.guard_blocks),
            duration: Counts::of(&cell.duration),
            first_token: Counts::of(&cell.first_token),
            first_visible: Counts::of(&cell.first_visible),
            output_token: Counts::of(&cell.output_token),
        }
    }

    /// Exchanges that ended, however.
    pub(crate) fn requests(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Those that failed by the provider or on the way to it.
    pub(crate) fn errors(&self) -> u64 {
        self.by_kind().filter(|(kind, _)| !NOBODYS_FAULT.contains(kind)).map(|(_, count)| count).sum()
    }

    /// Those that did not end well, by kind; also the kinds that are nobody's fault.
    pub(crate) fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOME_NAMES.into_iter().zip(self.outcomes).skip(1).filter(|(_, count)| *count > 0)
    }

    /// Adds the sums of another label set.
    pub(crate) fn add(&mut self, other: &Self) {
        self.join(other, u64::saturating_add);
    }

    /// What came since `older`, a sample of the same arm.
    #[must_use]
    pub(crate) fn since(mut self, older: &Self) -> Self {
        self.join(older, u64::saturating_sub);
        self
    }

    fn join(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64 + Copy) {
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine = with(*mine, theirs);
        }
        for (mine, theirs) in [
            (&mut self.prompt_tokens, other.prompt_tokens),
            (&mut self.cached_tokens, other.cached_tokens),
            (&mut self.completion_tokens, other.completion_tokens),
            (&mut self.reasoning_tokens, other.reasoning_tokens),
            (&mut self.estimated, other.estimated),
            (&mut self.cost_nanos, other.cost_nanos),
            (&mut self.unpriced, other.unpriced),
            (&mut self.fallbacks, other.fallbacks),
            (&mut self.moderation_blocks, other.moderation_blocks),
            (&mut self.guard_blocks, other.guard_blocks),
        ] {
            *mine = with(*mine, theirs);
        }
        self.duration.join(&other.duration, with);
        self.first_token.join(&other.first_token, with);
        self.first_visible.join(&other.first_visible, with);
        self.output_token.join(&other.output_token, with);
    }
}

impl Counts {
    /// Of a histogram of times, as it stands.
    pub(super) fn of(histogram: &Histogram) -> Self {
        let reading = histogram.read();
        Self { bounds_us: reading.bounds, counts: reading.counts }
    }

    fn join(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        if self.counts.is_empty() {
            self.bounds_us = other.bounds_us;
            self.counts = vec![0; other.counts.len()];
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = with(*mine, *theirs);
        }
    }

    /// What came since `older`.
    #[must_use]
    pub(crate) fn since(mut self, older: &Self) -> Self {
        self.join(older, u64::saturating_sub);
        self
    }

    /// The value that this share of the values does not exceed, microseconds: on a straight line between the bounds of its
    /// bucket. What lies above the last bound is told as the last bound. `None` without a value.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place within a bucket, between two bounds of less than 2^53"
    )]
    pub(crate) fn quantile_us(&self, share: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = share.clamp(0.0, 1.0) * total as f64;
        let mut below = 0_u64;
        let mut lower_us = 0_u64;
        for (bound_us, count) in self.bounds_us.iter().zip(&self.counts) {
            let upto = below.saturating_add(*count);
            if *count > 0 && upto as f64 >= rank {
                let part = ((rank - below as f64) / *count as f64).clamp(0.0, 1.0);
                return Some(lower_us + (part * (bound_us - lower_us) as f64).round() as u64);
            }
            (below, lower_us) = (upto, *bound_us);
        }
        self.bounds_us.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::series::{Labels, SERIES_MAX, Table};
    use proptest::prelude::*;

    const BOUNDS_US: [u64; 3] = [100, 200, 400];

    fn counts(values: &[u64]) -> Counts {
        let histogram = Histogram::new(&BOUNDS_US);
        values.iter().for_each(|value| histogram.add(*value));
        Counts::of(&histogram)
    }

    #[test]
    fn quantiles_lie_on_a_line_within_their_bucket() {
        assert_eq!(Counts::default().quantile_us(0.5), None);
        assert_eq!(counts(&[]).quantile_us(0.5), None);
        let four = counts(&[150, 160, 170, 180]);
        assert_eq!((four.quantile_us(0.5), four.quantile_us(1.0)), (Some(150), Some(200)));
        assert_eq!(four.quantile_us(0.25), Some(125));
        assert_eq!(counts(&[50, 300]).quantile_us(0.5), Some(100));
        assert_eq!(counts(&[1_000_000]).quantile_us(0.5), Some(400), "no more is known than that it lies above");
    }

    #[test]
    fn a_full_table_is_folded_to_its_arms_in_a_fraction_of_a_step() {
        let table = Table::new(SERIES_MAX);
        for number in 0..SERIES_MAX {
            let (model, consumer) = (format!("model-{}", number % 50), format!("team-{}", number / 50));
            let role = if number % 2 == 0 { "served" } else { "fallback" };
            let (provider, endpoint, arm) = ("openai", "chat", "baseline");
            let labels = Labels { migration: "m", arm, role, provider, model: &model, consumer: &consumer, endpoint };
            table.with(
                &labels,
                || true,
                |cell| {
                    cell.prompt_tokens.fetch_add(1, Ordering::Relaxed);
                },
            );
        }
        let begun = std::time::Instant::now();
        let arms = fold(&table.all());
        let taken = begun.elapsed();
        println!("{SERIES_MAX} label sets are folded in {taken:?}");
        assert_eq!(arms.into_values().map(|sums| sums.prompt_tokens).collect::<Vec<_>>(), [SERIES_MAX as u64]);
        // Milliseconds, without optimisation on a busy machine some more; nothing that grows with its square.
        assert!(taken < std::time::Duration::from_secs(2), "{taken:?}");
    }

    proptest! {
        #[test]
        fn a_quantile_is_in_the_bucket_of_the_true_one(
            mut values in proptest::collection::vec(0u64..400, 1..50),
            percent in 1usize..=100,
        ) {
            let told = counts(&values).quantile_us(f64::from(u32::try_from(percent).unwrap()) / 100.0).unwrap();
            values.sort_unstable();
            let truth = values[(percent * values.len()).div_ceil(100) - 1];
            // On its bounds, too: what is little above the lower one is rounded to it.
            let bucket = BOUNDS_US.partition_point(|bound| *bound < truth);
            let lower = bucket.checked_sub(1).map_or(0, |place| BOUNDS_US[place]);
            prop_assert!((lower..=BOUNDS_US[bucket]).contains(&told), "{told} {truth}");
        }

        #[test]
        fn a_window_is_what_came_in_it(before in proptest::collection::vec(0u64..500, 0..30), after in proptest::collection::vec(0u64..500, 0..30)) {
            let all: Vec<u64> = before.iter().chain(&after).copied().collect();
            prop_assert_eq!(counts(&all).since(&counts(&before)), counts(&after));
        }
    }
}
