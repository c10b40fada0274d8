//! The true values behind the records, by calculation from the profile, never by counting the records.
//!
//! Truth is of the requests as they arrived: what was in force when (epochs, drift, prices) is weighted by the requests
//! that came under it, consumers by their shares and with the effects that this seed drew for them. What the mirror
//! loses changes no truth: an estimate that follows the losses is wrong, which is what such a profile is for.
//! Cancelled requests are left out of everything but their own share: they are drawn without regard to the answer.
//!
//! Shares are sums over the exclusive ends of `leg`. Times are mixtures of log-normals (the sum of time to first token
//! and pauses by numerical integration), failures ranked last; their quantiles are solved for by bisection.

mod latency;
mod shares;

use super::generator::Generator;
use super::population::Consumer;
use super::profile::{Behaviour, Profile};
use super::regime::{Cell, failures};
use latency::Times;
use serde::Serialize;
use shares::{Ends, Joint};
use std::collections::BTreeMap;

/// How an effect is made of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Candidate minus baseline.
    Difference,
    /// Candidate divided by baseline.
    Ratio,
}

/// The true value of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metric {
    /// The baseline's; absent where it is infinite or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// The candidate's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<f64>,
    /// Candidate against baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// How the effect is made of the two.
    pub scale: Scale,
}

/// The truth of a stretch of traffic, by metric. Times are in microseconds, money in nano-dollars.
pub type Metrics = BTreeMap<&'static str, Metric>;

/// The truth of one epoch, over all its requests: what served traffic is to show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochTruth {
    /// Number of the epoch, as in the records.
    pub epoch: u64,
    /// Candidate weight, percent.
    pub weight_percent: f64,
    /// Requests that arrived in it.
    pub requests: u64,
    /// Metrics.
    pub metrics: Metrics,
}

/// The truth behind a file of records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// `weighbridge.truth/1`.
    pub schema: &'static str,
    /// Seed of the records.
    pub seed: u64,
    /// Requests made.
    pub requests: u64,
    /// Records made.
    pub records: u64,
    /// Over what the baseline served in all epochs: what mirrored pairs are to show.
    pub paired: Metrics,
    /// Epochs that had requests.
    pub epochs: Vec<EpochTruth>,
}

/// The truth behind what a generator has made so far.
#[must_use]
pub(super) fn of(profile: &Profile, generator: &Generator<'_>, seed: u64) -> Truth {
    let cells = generator.cells();
    let teller = Teller::new(profile, generator.population().consumers());
    let baseline_share = |cell: &Cell| cell.requests as f64 * (1.0 - f64::from(cell.weight_bp) / 10_000.0);
    let all = |cell: &Cell| cell.requests as f64;
    let numbers: std::collections::BTreeSet<usize> =
        cells.iter().filter(|cell| cell.requests > 0).map(|cell| cell.epoch).collect();
    let epochs = numbers.into_iter().map(|number| {
        let own: Vec<&Cell> = cells.iter().filter(|cell| cell.epoch == number).collect();
        EpochTruth {
            epoch: number as u64 + 1,
            weight_percent: own.first().map_or(0.0, |cell| f64::from(cell.weight_bp) / 100.0),
            requests: own.iter().map(|cell| cell.requests).sum(),
            metrics: teller.metrics(&own, all, false),
        }
    });
    Truth {
        schema: "weighbridge.truth/1",
        seed,
        requests: generator.requests(),
        records: generator.records(),
        paired: teller.metrics(&cells.iter().collect::<Vec<_>>(), baseline_share, true),
        epochs: epochs.collect(),
    }
}

/// What is the same for all stretches.
struct Teller<'a> {
    profile: &'a Profile,
    consumers: &'a [Consumer],
    times: [Times; 2],
}

impl<'a> Teller<'a> {
    fn new(profile: &'a Profile, consumers: &'a [Consumer]) -> Self {
        let times = [&profile.baseline, &profile.candidate].map(|arm| Times::new(arm, &profile.prompts));
        Self { profile, consumers, times }
    }

    const fn arms(&self) -> [&'a Behaviour; 2] {
        [&self.profile.baseline, &self.profile.candidate]
    }

    /// Metrics over cells, each weighted by `weight`; none where nothing arrived. `paired` leaves out what only served
    /// requests have, and adds what only pairs have.
    fn metrics(&self, cells: &[&Cell], weight: impl Fn(&Cell) -> f64, paired: bool) -> Metrics {
        let mut metrics = Metrics::new();
        let weighted: Vec<(f64, &Cell)> =
            cells.iter().map(|cell| (weight(cell), *cell)).filter(|(weight, _)| *weight > 0.0).collect();
        let total: f64 = weighted.iter().map(|(weight, _)| weight).sum();
        if total <= 0.0 {
            return metrics;
        }
        let joint = self.joint(&weighted, total);
        let ends = [0, 1].map(|arm| self.ends(&weighted, total, arm));
        self.shares(&mut metrics, &ends, &joint, paired);
        self.quantiles(&mut metrics, &weighted, total);
        self.means(&mut metrics, &weighted);
        if paired {
            let answers = &self.profile.answers;
            let tool = self.profile.traffic.tool_share;
            let mixed = |plain: f64, of_tools: f64| (1.0 - tool) * plain + tool * of_tools;
            let repeat = mixed(answers.repeat_disagreement, answers.repeat_tool_disagreement);
            let candidate = mixed(answers.candidate_disagreement, answers.candidate_tool_disagreement);
            metrics.insert("answer_disagreement", difference([repeat, candidate]));
            let of_tools = [answers.repeat_tool_disagreement, answers.candidate_tool_disagreement];
            metrics.insert("tool_disagreement", difference(of_tools));
        }
        metrics
    }

    /// One arm's ends, over cells and consumers.
    fn ends(&self, cells: &[(f64, &Cell)], total: f64, arm: usize) -> Ends {
        let behaviour = self.arms()[arm];
        let mut failed = [0.0; 3];
        for (weight, cell) in cells {
            for consumer in self.consumers {
                let shares = failures(behaviour, &cell.effects[arm], consumer.error_factor);
                for (sum, share) in failed.iter_mut().zip(shares) {
                    *sum += weight / total * consumer.share * share;
                }
            }
        }
        Ends::new(self.profile, behaviour, failed)
    }

    /// Both arms' survival of everything but blocks, together: consumers make it more than a product of means.
    fn joint(&self, cells: &[(f64, &Cell)], total: f64) -> Joint {
        let [baseline, candidate] = self.arms();
        let mut both = 0.0;
        for (weight, cell) in cells {
            for consumer in self.consumers {
                let survive = |arm: &Behaviour, index: usize| {
                    1.0 - failures(arm, &cell.effects[index], consumer.error_factor).iter().sum::<f64>()
                };
                both += weight / total * consumer.share * survive(baseline, 0) * survive(candidate, 1);
            }
        }
        Joint::new(self.profile, both)
    }

    fn shares(&self, metrics: &mut Metrics, ends: &[Ends; 2], joint: &Joint, paired: bool) {
        let of = |share: fn(&Ends) -> f64| difference([share(&ends[0]), share(&ends[1])]);
        metrics.insert("errors", of(|ends| ends.errors));
        metrics.insert("rate_limited", of(|ends| ends.rate_limited));
        metrics.insert("timeouts", of(|ends| ends.timeouts));
        metrics.insert("failures", of(Ends::failures));
        metrics.insert("blocked", of(|ends| ends.blocked));
        metrics.insert("refused", of(|ends| ends.refused));
        metrics.insert("truncated", of(|ends| ends.truncated));
        metrics.insert("structured_failures", of(|ends| ends.structured_failures));
        if self.profile.guard.enabled {
            let flags = if paired { joint.guard_flags } else { ends.each_ref().map(|ends| ends.guard_flags) };
            metrics.insert("guard_flags", difference(flags));
        }
        if paired {
            metrics.insert("answer_failures", difference(joint.form_failures));
            metrics.insert("missed_blocks", difference([joint.blocked_again, joint.blocked_by_baseline_only]));
        } else {
            metrics.insert("answer_failures", of(|ends| ends.form_failures));
            metrics.insert("cancelled", difference(self.arms().map(|arm| arm.cancelled)));
        }
    }

    fn quantiles(&self, metrics: &mut Metrics, cells: &[(f64, &Cell)], total: f64) {
        type Curve = fn(&Times, f64) -> f64;
        let curves: [(Curve, [&'static str; 3]); 3] = [
            (Times::ttft, ["ttft_p50", "ttft_p95", "ttft_p99"]),
            (Times::duration, ["duration_p50", "duration_p95", "duration_p99"]),
            (Times::pause, ["inter_token_p50", "inter_token_p95", "inter_token_p99"]),
        ];
        let parts = [0, 1].map(|arm| self.parts(cells, total, arm));
        for (curve, names) in curves {
            for (name, level) in names.into_iter().zip([0.5, 0.95, 0.99]) {
                let value = |arm: usize| {
                    latency::quantile(level, |ln_us| {
                        parts[arm].iter().map(|(weight, ln)| weight * curve(&self.times[arm], ln_us - ln)).sum()
                    })
                };
                metrics.insert(name, ratio([value(0), value(1)]));
            }
        }
    }

    /// One arm's answers as parts of a mixture: share of all requests, logarithm of the factor on its times.
    fn parts(&self, cells: &[(f64, &Cell)], total: f64, arm: usize) -> Vec<(f64, f64)> {
        let behaviour = self.arms()[arm];
        let mut parts: Vec<(f64, f64)> = Vec::new();
        for consumer in self.consumers {
            let first = parts.len();
            for (weight, cell) in cells {
                let effects = &cell.effects[arm];
                let failed = failures(behaviour, effects, consumer.error_factor);
                let share = weight / total * consumer.share * shares::answered(self.profile, behaviour, failed);
                let ln = libm::log(behaviour.latency_ratio * effects.latency * consumer.latency_factor[arm]);
                match parts[first..].iter_mut().find(|(_, known)| known.total_cmp(&ln).is_eq()) {
                    Some(part) => part.0 += share,
                    None => parts.push((share, ln)),
                }
            }
        }
        latency::gathered(parts)
    }

    /// Means over what was answered.
    fn means(&self, metrics: &mut Metrics, cells: &[(f64, &Cell)]) {
        let arms = self.arms();
        let tokens = arms.map(|arm| shares::completion_tokens(arm, &self.profile.prompts));
        metrics.insert("output_tokens", ratio(tokens.map(Some)));
        metrics.insert("quality", difference(arms.map(|arm| arm.quality)));
        let cost = |arm: usize| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (weight, cell) in cells {
                let failed = failures(arms[arm], &cell.effects[arm], 1.0);
                let answered = weight * shares::answered(self.profile, arms[arm], failed);
                sum += answered * shares::mean_cost(self.profile, arms[arm], cell.prices[arm].as_ref()?);
                total += answered;
            }
            (total > 0.0).then(|| sum / total)
        };
        metrics.insert("cost", ratio([cost(0), cost(1)]));
    }
}

fn difference([baseline, candidate]: [f64; 2]) -> Metric {
    let effect = Some(candidate - baseline);
    Metric { baseline: Some(baseline), candidate: Some(candidate), effect, scale: Scale::Difference }
}

fn ratio([baseline, candidate]: [Option<f64>; 2]) -> Metric {
    let effect = baseline.zip(candidate).map(|(baseline, candidate)| candidate / baseline);
    Metric { baseline, candidate, effect, scale: Scale::Ratio }
}
