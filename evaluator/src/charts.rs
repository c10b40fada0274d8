//! Compact evidence for pictures: quantiles and sums, no content.

mod first_token;

use crate::pair::Pair;
use crate::rows::{Names, Row};
use datasets::Arm;
use first_token::Parts;
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
    let arms = [Arm::Baseline, Arm::Candidate];
    let mut all =
        arms.map(|arm| (outcomes_of(arm, "all"), Endings::new(names), TokensOf::new(arm, names), Parts::new()));
    for pair in pairs {
        for ((counted, endings, tokens, parts), row) in all.iter_mut().zip([pair.baseline, pair.candidate]) {
            counted.n += 1;
            endings.add(row);
            tokens.add(row);
            parts.add(row);
        }
    }
    let (mut outcomes, mut tokens, mut first_token) = (Vec::new(), Vec::new(), Vec::new());
    for (arm, (counted, endings, of_arm, parts)) in arms.into_iter().zip(all) {
        first_token.extend(parts.finish(arm, "all"));
        outcomes.push(endings.finish(counted, names));
        tokens.push(of_arm.finish(names));
    }
    if canary.is_some() {
        for arm in arms {
            let (mut counted, mut endings, mut parts) = (outcomes_of(arm, "canary"), Endings::new(names), Parts::new());
            for row in of(served, arm) {
                counted.n += 1;
                endings.add(row);
                parts.add(row);
            }
            outcomes.push(endings.finish(counted, names));
            first_token.extend(parts.finish(arm, "canary"));
        }
    }
    Evidence { latency, tokens, outcomes, first_token, ..Evidence::default() }
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

/// Token sums, counted by route so that no name is looked up for a row.
struct TokensOf {
    sums: Tokens,
    routes: Vec<u64>,
}

impl TokensOf {
    fn new(arm: Arm, names: &Names) -> Self {
        let sums = Tokens {
            arm: arm.name().to_owned(),
            model: String::new(),
            exchanges: 0,
            prompt_uncached: 0,
            prompt_cached: 0,
            completion_visible: 0,
            completion_reasoning: 0,
            answer_chars: 0,
        };
        Self { sums, routes: vec![0; names.routes().count()] }
    }

    fn add(&mut self, row: &Row) {
        let Some(usage) = row.usage().filter(|_| !row.failed()) else { return };
        let cached = usage.cached.unwrap_or(0).min(usage.prompt);
        let reasoning = usage.reasoning.unwrap_or(0).min(usage.completion);
        let sums = &mut self.sums;
        sums.exchanges += 1;
        sums.prompt_uncached += usage.prompt - cached;
        sums.prompt_cached += cached;
        sums.completion_visible += usage.completion - reasoning;
        sums.completion_reasoning += reasoning;
        sums.answer_chars += u64::from(row.answer_chars);
        if let Some(count) = self.routes.get_mut(row.route.0 as usize) {
            *count += 1;
        }
    }

    fn finish(mut self, names: &Names) -> Tokens {
        let mut models: BTreeMap<&str, u64> = BTreeMap::new();
        for ((_, route), count) in names.routes().zip(self.routes).filter(|(_, count)| *count > 0) {
            *models.entry(route.answered.unwrap_or(route.model)).or_default() += count;
        }
        self.sums.model = most_frequent(models).into_iter().next().map(|count| count.name).unwrap_or_default();
        self.sums
    }
}

fn outcomes_of(arm: Arm, segment: &str) -> Outcomes {
    Outcomes { arm: arm.name().to_owned(), segment: segment.to_owned(), n: 0, errors: Vec::new(), finish: Vec::new() }
}

/// How exchanges ended, counted by number so that no name is looked up for a row.
struct Endings {
    errors: BTreeMap<&'static str, u64>,
    endings: Vec<u64>,
}

impl Endings {
    fn new(names: &Names) -> Self {
        Self { errors: BTreeMap::new(), endings: vec![0; names.endings().count()] }
    }

    fn add(&mut self, row: &Row) {
        if let Some(error) = row.error {
            *self.errors.entry(error.name()).or_default() += 1;
        }
        if let Some(count) = self.endings.get_mut(row.ending.0 as usize) {
            *count += 1;
        }
    }

    fn finish(self, counted: Outcomes, names: &Names) -> Outcomes {
        let mut finish: BTreeMap<&str, u64> = BTreeMap::new();
        for ((_, ending), count) in names.endings().zip(self.endings).filter(|(_, count)| *count > 0) {
            if let Some(reason) = ending.finish_reason {
                *finish.entry(reason).or_default() += count;
            }
        }
        Outcomes { errors: most_frequent(self.errors), finish: most_frequent(finish), ..counted }
    }
}

/// Most frequent first, ties by name.
fn most_frequent(counts: BTreeMap<&str, u64>) -> Vec<Count> {
    let mut counts: Vec<Count> =
        counts.into_iter().map(|(name, count)| Count { name: name.to_owned(), count }).collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}
