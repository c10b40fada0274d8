//! Compact evidence for pictures: quantiles and sums, no content.

use crate::pair::Pair;
use crate::rows::{Names, Row};
use datasets::Arm;
use judge::counters::{Canary, Histogram, Paired};
use judge::metric::Latency;
use judge::verdict::{Count, Distribution, Evidence, Outcomes, Tokens};
use std::collections::BTreeMap;

/// Steps of the quantile grid: 0, 0.005, ..., 1.
const GRID_STEPS: usize = 200;

/// Everything for the pictures. `served` are the judged epoch's exchanges, if a canary was judged.
#[must_use]
pub fn evidence(
    pairs: &[Pair<'_>],
    pooled: &Paired,
    served: &[&Row],
    names: &Names,
    canary: Option<&Canary>,
) -> Evidence {
    let mut latency = Vec::new();
    for metric in [Latency::Ttft, Latency::Duration, Latency::InterToken] {
        let counts = &pooled.latency[metric.slot()];
        latency.extend(distribution(metric, Arm::Baseline, "all", &counts.baseline));
        latency.extend(distribution(metric, Arm::Candidate, "all", &counts.candidate));
    }
    for metric in [Latency::Ttft, Latency::Duration] {
        if let Some(canary) = canary {
            latency.extend(distribution(metric, Arm::Baseline, "canary", &canary.latency_baseline[metric.slot()]));
            latency.extend(distribution(metric, Arm::Candidate, "canary", &canary.latency_candidate[metric.slot()]));
        }
    }
    let sides: [Vec<&Row>; 2] =
        [pairs.iter().map(|pair| pair.baseline).collect(), pairs.iter().map(|pair| pair.candidate).collect()];
    let arms = [Arm::Baseline, Arm::Candidate];
    let mut outcomes: Vec<Outcomes> =
        arms.iter().zip(&sides).map(|(arm, side)| outcomes(*arm, "all", side.iter().copied(), names)).collect();
    if canary.is_some() {
        outcomes.extend(arms.iter().map(|arm| self::outcomes(*arm, "canary", of(served, *arm), names)));
    }
    Evidence {
        latency,
        tokens: arms.iter().zip(&sides).map(|(arm, side)| tokens(*arm, side, names)).collect(),
        outcomes,
    }
}

fn of<'a, 'b>(served: &'b [&'a Row], arm: Arm) -> impl Iterator<Item = &'a Row> + 'b {
    served.iter().copied().filter(move |row| row.arm == arm)
}

/// Order statistics `ceil(n p)` on the grid to within a bucket's width, infinite ones last; `None` without observations.
fn distribution(metric: Latency, arm: Arm, segment: &str, histogram: &Histogram) -> Option<Distribution> {
    if histogram.n() == 0 {
        return None;
    }
    Some(Distribution {
        metric: metric.name().to_owned(),
        arm: arm.name().to_owned(),
        segment: segment.to_owned(),
        n: histogram.n(),
        n_infinite: histogram.infinite(),
        quantiles_us: histogram.spread_us(GRID_STEPS),
    })
}

fn tokens(arm: Arm, rows: &[&Row], names: &Names) -> Tokens {
    let mut sums = Tokens {
        arm: arm.name().to_owned(),
        model: String::new(),
        exchanges: 0,
        prompt_uncached: 0,
        prompt_cached: 0,
        completion_visible: 0,
        completion_reasoning: 0,
        answer_chars: 0,
    };
    let mut models: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.failed()) {
        let Some(usage) = row.usage() else { continue };
        let cached = usage.cached.unwrap_or(0).min(usage.prompt);
        let reasoning = usage.reasoning.unwrap_or(0).min(usage.completion);
        sums.exchanges += 1;
        sums.prompt_uncached += usage.prompt - cached;
        sums.prompt_cached += cached;
        sums.completion_visible += usage.completion - reasoning;
        sums.completion_reasoning += reasoning;
        sums.answer_chars += u64::from(row.answer_chars);
        let route = names.route(row.route);
        *models.entry(route.answered.unwrap_or(route.model)).or_default() += 1;
    }
    sums.model = most_frequent(models).into_iter().next().map(|count| count.name).unwrap_or_default();
    sums
}

fn outcomes<'a>(arm: Arm, segment: &str, rows: impl Iterator<Item = &'a Row>, names: &Names) -> Outcomes {
    let mut n = 0;
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    let mut finish: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        n += 1;
        if let Some(error) = row.error {
            *errors.entry(error.name()).or_default() += 1;
        }
        if let Some(reason) = names.ending(row.ending).finish_reason {
            *finish.entry(reason).or_default() += 1;
        }
    }
    Outcomes {
        arm: arm.name().to_owned(),
        segment: segment.to_owned(),
        n,
        errors: most_frequent(errors),
        finish: most_frequent(finish),
    }
}

/// Most frequent first, ties by name.
fn most_frequent(counts: BTreeMap<&str, u64>) -> Vec<Count> {
    let mut counts: Vec<Count> =
        counts.into_iter().map(|(name, count)| Count { name: name.to_owned(), count }).collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}
