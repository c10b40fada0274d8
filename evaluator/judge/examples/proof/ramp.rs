//! Whole migrations: T2, T9, T10 and T11. Shadow first, then the ladder, a check every five minutes.
//!
//! The judge sees what an evaluator would show it: all pairs, served traffic of the judged epoch and of the one before
//! it, earlier epochs as counts. The weight it recommends is followed at the end of every soak of half an hour, a NO-GO at
//! every check. As in the scenarios' description two guardrails are judged, errors and the p95 of the first token.

use judge::counters::{Canary, Paired};
use judge::evidence::{EarlierEpoch, Evidence};
use judge::policy::Policy;
use judge::verdict::Decision;
use rand_distr::{Binomial, Distribution, Poisson};

use crate::canary::{Minute, serve, slots};
use crate::rules;
use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::{IDENTICAL, Truth, policy_with};
use judge::metric::{Quantile, Share};

const PER_HOUR: f64 = 10_000.0;
const CHECK_MINUTES: i64 = 5;
const SOAK_CHECKS: i64 = 6;
const DAY_CHECKS: i64 = 24 * 60 / CHECK_MINUTES;
const SHADOW: usize = 2000;
/// A quarter of the traffic is mirrored meanwhile.
const SHADOW_CHECKS: i64 = 10;
/// Extra failures that the migration may cause.
const BUDGET: f64 = 120.0;

/// What is true at a weight.
type AtWeight = fn(f64) -> Truth;

/// The scenarios with their names.
const SCENARIOS: [(&str, AtWeight); 5] = [
    ("identical", |_| IDENTICAL),
    ("errors 1 % -> 2 %", |_| Truth { errors: [0.01, 0.02], ..IDENTICAL }),
    ("errors 1 % -> 4 %", |_| Truth { errors: [0.01, 0.04], ..IDENTICAL }),
    ("latency x1.4", |_| Truth { latency: 1.4, ..IDENTICAL }),
    ("errors 1 % -> 4 % from a weight of 25 % on", |weight| {
        if weight >= 0.25 { Truth { errors: [0.01, 0.04], ..IDENTICAL } } else { IDENTICAL }
    }),
];

/// How a migration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Stopped,
    Waiting,
}

#[derive(Debug, Clone, Copy)]
struct Migration {
    end: End,
    hours: f64,
    /// Hours until the first GO at a quarter of the traffic or more, which certifies the whole.
    certified: Option<f64>,
    /// Expected extra failures by the truth, over the ramp and what follows a promotion up to the 24th hour.
    harm: f64,
}

/// The ramp's policy. `hold_climbs` is `weight.hold_climbs_to_percent`.
fn policy(hold_climbs: f64) -> Policy {
    policy_with(&["errors", "ttft_p95"], &format!("[weight]\nhold_climbs_to_percent = {hold_climbs}\n"))
}

/// The migration as the evaluator and an operator who follows it would run it.
struct Ramp {
    evidence: Evidence,
    slots: Vec<usize>,
    weight: f64,
    epoch: u64,
    /// Requests and failures of each epoch by arm.
    served: Vec<(u64, [[u64; 2]; 2])>,
    harm: f64,
}

impl Ramp {
    fn shadowed(rng: &mut Generator, policy: &Policy, truth: Truth) -> Self {
        let mut evidence = Evidence { plan: truth.thresholds(rng, 1000, policy), ..Evidence::default() };
        let counters = evidence.paired.epochs.entry(0).or_default();
        for _ in 0..SHADOW {
            counters.add(&evidence.plan, &truth.pair(rng));
        }
        let slots = slots(&[Share::Errors], &[Quantile::P95]);
        Self { evidence, slots, weight: 0.0, epoch: 0, served: Vec::new(), harm: 0.0 }
    }

    /// A new epoch; what is older than the one before it is kept as counts.
    fn go_to(&mut self, weight: f64) {
        if (weight - self.weight).abs() < 1e-9 {
            return;
        }
        self.weight = weight;
        self.epoch += 1;
        self.evidence.weight_percent = weight * 100.0;
        self.evidence.paired.epochs.insert(self.epoch, Paired::default());
        if weight <= 0.0 {
            self.evidence.canary = None;
            self.evidence.judged_epoch_observations = None;
            return;
        }
        let newest = self.served.last().map(|(epoch, _)| *epoch);
        let mut canary = self.evidence.canary.take().unwrap_or_default();
        canary.epochs.retain(|epoch, _| Some(*epoch) == newest);
        self.served.push((self.epoch, [[0; 2]; 2]));
        let before = self.served.len() - 1;
        self.evidence.earlier_extra_failures = self.served[..before].iter().map(|(_, counts)| excess(*counts)).sum();
        self.evidence.earlier_epochs = self.served[..before.saturating_sub(1)].iter().map(|s| earlier(*s)).collect();
        self.evidence.canary = Some(canary);
    }

    fn five_minutes(&mut self, rng: &mut Generator, check: i64, truth: Truth) {
        let canary = self.evidence.canary.get_or_insert_with(Canary::default);
        for minute in 0..CHECK_MINUTES {
            let requests = Poisson::new(PER_HOUR / 60.0).expect("a rate").sample(rng) as u64;
            let at = check * CHECK_MINUTES + minute;
            let (weight, epoch) = (self.weight, self.epoch);
            let minute = Minute { at, requests, weight, epoch, slower: 1.0, more_errors: 0.0 };
            let counts = serve(rng, canary, &self.evidence.plan, &truth, minute, &self.slots);
            self.harm += counts[1][0] as f64 * (truth.errors[1] - truth.errors[0]);
            if let Some((_, sums)) = self.served.last_mut() {
                for (arm, more) in sums.iter_mut().zip(counts) {
                    arm[0] += more[0];
                    arm[1] += more[1];
                }
            }
        }
    }
}

fn excess([baseline, candidate]: [[u64; 2]; 2]) -> f64 {
    let share = |[n, bad]: [u64; 2]| bad as f64 / n.max(1) as f64;
    (candidate[0] as f64 * (share(candidate) - share(baseline))).max(0.0)
}

fn earlier((epoch, [baseline, candidate]): (u64, [[u64; 2]; 2])) -> EarlierEpoch {
    EarlierEpoch {
        epoch,
        baseline_requests: baseline[0],
        baseline_errors: baseline[1],
        candidate_requests: candidate[0],
        candidate_errors: candidate[1],
    }
}

fn migrate(rng: &mut Generator, policy: &Policy, truth: AtWeight) -> Migration {
    let mut ramp = Ramp::shadowed(rng, policy, truth(0.0));
    let (mut soak, mut certified) = (0, None);
    for check in SHADOW_CHECKS..DAY_CHECKS {
        let hours = check as f64 * CHECK_MINUTES as f64 / 60.0;
        let judged = judge::judge(&ramp.evidence, policy);
        if judged.verdict == Decision::NoGo {
            return Migration { end: End::Stopped, hours, certified, harm: ramp.harm };
        }
        if judged.verdict == Decision::Go && ramp.weight >= 0.249 {
            certified = certified.or(Some(hours));
        }
        if soak == 0 {
            if judged.next_weight_percent >= 100.0 {
                let excess = truth(1.0).errors[1] - truth(1.0).errors[0];
                let harm = ramp.harm + (24.0 - hours) * PER_HOUR * excess;
                return Migration { end: End::Done, hours, certified, harm };
            }
            ramp.go_to(judged.next_weight_percent / 100.0);
            soak = SOAK_CHECKS;
        }
        if ramp.weight > 0.0 {
            let now = truth(ramp.weight);
            ramp.five_minutes(rng, check, now);
            let of_epoch = ramp.served.last().map_or(0, |(_, [_, candidate])| candidate[0]);
            ramp.evidence.judged_epoch_observations = Some(of_epoch);
        } else if let Some(pairs) = ramp.evidence.paired.epochs.get_mut(&ramp.epoch) {
            // Back in the shadow: mirroring goes on.
            let now = truth(0.0);
            for _ in 0..SHADOW as i64 / SHADOW_CHECKS {
                pairs.add(&ramp.evidence.plan, &now.pair(rng));
            }
        }
        soak -= 1;
    }
    Migration { end: End::Waiting, hours: 24.0, certified, harm: ramp.harm }
}

/// The recommended ramp under one policy and scenario.
fn ours(runs: Runs, hold_climbs: f64, truth: AtWeight) -> Vec<Migration> {
    let policy = policy(hold_climbs);
    runs.repeat(|rng| migrate(rng, &policy, truth))
}

/// Errors and slow requests of both arms within a check: `[requests, failed, slow]`.
fn counts(rng: &mut Generator, truth: &Truth, weight: f64, slow: [f64; 2], minutes: f64) -> [[f64; 3]; 2] {
    let n = (PER_HOUR * minutes / 60.0) as u64;
    let candidates = binomial(rng, n, weight);
    let mut arm = |arm: usize, n: u64| {
        let failed = binomial(rng, n, truth.errors[arm]);
        let late = binomial(rng, n, slow[arm]);
        [n as f64, failed as f64, late as f64]
    };
    [arm(0, n - candidates), arm(1, candidates)]
}

fn binomial(rng: &mut Generator, n: u64, share: f64) -> u64 {
    Binomial::new(n, share).expect("a share").sample(rng)
}

const LADDER: [f64; 6] = [0.01, 0.05, 0.10, 0.25, 0.50, 1.0];

fn promoted(check: i64, harm: f64, truth: AtWeight) -> Migration {
    let hours = check as f64 * CHECK_MINUTES as f64 / 60.0;
    let excess = truth(1.0).errors[1] - truth(1.0).errors[0];
    Migration { end: End::Done, hours, certified: None, harm: harm + (24.0 - hours) * PER_HOUR * excess }
}

fn stopped(check: i64, harm: f64) -> Migration {
    Migration { end: End::Stopped, hours: check as f64 * CHECK_MINUTES as f64 / 60.0, certified: None, harm }
}

/// Shares of requests above `limit` times the usual p95, of the baseline and of a candidate this much slower.
fn slow_shares(rng: &mut Generator, latency: f64, limit: f64) -> [f64; 2] {
    let usual = rules::usual_p95_us(rng, &IDENTICAL);
    let share = |factor: f64, rng: &mut Generator| {
        let n = 200_000;
        let above = (0..n).filter(|_| {
            let prompt = crate::traffic::Prompt::draw(rng);
            IDENTICAL.answer(rng, prompt, true).ttft_us as f64 * factor > limit * usual
        });
        above.count() as f64 / f64::from(n)
    };
    [share(1.0, rng), share(latency, rng)]
}

/// A rung each half hour unless a cumulative z test at 5 % on errors or slow requests alarms at any check.
fn naive(rng: &mut Generator, truth: AtWeight, slow: [f64; 2]) -> Migration {
    let (mut sums, mut harm) = ([[0.0; 3]; 2], 0.0);
    for check in 0..DAY_CHECKS {
        let weight = LADDER[((check / SOAK_CHECKS) as usize).min(5)];
        if weight >= 1.0 {
            return promoted(check, harm, truth);
        }
        let now = truth(weight);
        let more = counts(rng, &now, weight, slow, CHECK_MINUTES as f64);
        harm += more[1][0] * (now.errors[1] - now.errors[0]);
        for (sum, more) in sums.as_flattened_mut().iter_mut().zip(more.as_flattened()) {
            *sum += more;
        }
        let [b, c] = sums;
        let alarm = (1..3).any(|metric| {
            let pooled = (b[metric] + c[metric]) / (b[0] + c[0]);
            let error = (pooled * (1.0 - pooled) * (1.0 / b[0] + 1.0 / c[0])).sqrt();
            error > 0.0 && (c[metric] / c[0] - b[metric] / b[0]) / error > 1.96
        });
        if alarm {
            return stopped(check, harm);
        }
    }
    Migration { end: End::Waiting, hours: 24.0, certified: None, harm }
}

/// Static limits on the canary of the last check: 10 % more per good one up to 50 %, then all; five bad ones end it.
fn static_limits(rng: &mut Generator, truth: AtWeight, slow: [f64; 2]) -> Migration {
    let (mut weight, mut bad, mut harm) = (0.10_f64, 0, 0.0);
    for check in 0..DAY_CHECKS {
        let now = truth(weight);
        let [_, c] = counts(rng, &now, weight, slow, CHECK_MINUTES as f64);
        harm += c[0] * (now.errors[1] - now.errors[0]);
        if c[1] / c[0] > 0.02 || c[2] / c[0] > 0.05 {
            bad += 1;
            if bad == 5 {
                return stopped(check + 1, harm);
            }
        } else if weight >= 0.499 {
            return promoted(check + 1, harm, truth);
        } else {
            weight += 0.10;
        }
    }
    Migration { end: End::Waiting, hours: 24.0, certified: None, harm }
}

/// Sixty one-minute points a rung, canary against as much of the baseline.
fn fixed_windows(rng: &mut Generator, truth: AtWeight, slow: [f64; 2]) -> Migration {
    let mut harm = 0.0;
    for (rung, weight) in LADDER.into_iter().take(5).enumerate() {
        let now = truth(weight);
        let mut points: [[Vec<f64>; 2]; 2] = Default::default();
        for _ in 0..60 {
            let n = Poisson::new(PER_HOUR / 60.0 * weight).expect("a rate").sample(rng) as u64;
            harm += n as f64 * (now.errors[1] - now.errors[0]);
            if n == 0 {
                continue;
            }
            for (metric, shares) in [now.errors, slow].into_iter().enumerate() {
                for (arm, share) in shares.into_iter().enumerate() {
                    let hits = binomial(rng, n, share);
                    points[metric][arm].push(hits as f64 / n as f64);
                }
            }
        }
        let check = (rung as i64 + 1) * 60 / CHECK_MINUTES;
        if points.iter().any(|[baseline, candidate]| rules::window_fails(candidate, baseline)) {
            return stopped(check, harm);
        }
        if rung == 4 {
            return promoted(check, harm, truth);
        }
    }
    Migration { end: End::Waiting, hours: 24.0, certified: None, harm }
}

fn describe(migrations: &[Migration]) -> String {
    let done = Frequency::of(migrations, |m| m.end == End::Done);
    let stopped = Frequency::of(migrations, |m| m.end == End::Stopped);
    let harm = Numbers::of(migrations.iter().map(|m| m.harm));
    let hours = Numbers::of(migrations.iter().filter(|m| m.end == End::Done).map(|m| m.hours)).median();
    let until = if hours.is_finite() { format!(" (median {hours:.2} h)") } else { String::new() };
    let certified = Numbers::of(migrations.iter().filter_map(|m| m.certified)).median();
    let first = if certified.is_finite() {
        format!(", first GO at 25 % or more after {certified:.2} h")
    } else {
        String::new()
    };
    let early = Numbers::of(migrations.iter().filter(|m| m.end == End::Stopped).map(|m| m.hours)).median();
    let at = if early.is_finite() { format!(" (median {early:.2} h)") } else { String::new() };
    format!(
        "100 % {}{until}{first}, stopped {}{at}, extra failures in 24 h {:.0} ± {:.0} (p95 {:.0})",
        done.text(),
        stopped.text(),
        harm.mean(),
        harm.error(),
        harm.quantile(0.95)
    )
}

/// T2, T9, T10, T11.
pub(crate) fn ramps(runs: Runs) -> Vec<Row> {
    let runs = runs.times(0.25);
    let mut rows = Vec::new();
    for (at, (name, truth)) in SCENARIOS.into_iter().enumerate() {
        let runs = runs.seeded(10 * at as u64);
        let mut rng = crate::runs::generator(runs.seed);
        let latency = truth(0.0).latency;
        let [usual, quarter] = [1.0, 1.25].map(|limit| slow_shares(&mut rng, latency, limit));
        let naive = runs.seeded(2).repeat(|rng| naive(rng, truth, usual));
        let fixed = runs.seeded(3).repeat(|rng| static_limits(rng, truth, quarter));
        let windows = runs.seeded(4).repeat(|rng| fixed_windows(rng, truth, usual));
        let rules = format!(
            "naive peeking: {}; static limits: {}; window of 60 min a rung: {}",
            describe(&naive),
            describe(&fixed),
            describe(&windows)
        );
        for (offset, hold_climbs) in [(0, 25.0), (1, 0.0)] {
            // Where shadow alone decides, or the load does, climbing while undecided changes little.
            if hold_climbs < 25.0 && at > 1 {
                continue;
            }
            let migrations = ours(runs.seeded(offset), hold_climbs, truth);
            let rules = if offset == 0 { rules.clone() } else { "as above".to_owned() };
            rows.extend(scenario_rows(at, name, hold_climbs, &migrations, &rules));
        }
    }
    rows
}

fn scenario_rows(at: usize, name: &str, hold_climbs: f64, migrations: &[Migration], rules: &str) -> Vec<Row> {
    let n = migrations.len();
    let done = Frequency::of(migrations, |m| m.end == End::Done);
    let stopped = Frequency::of(migrations, |m| m.end == End::Stopped);
    let harm = Numbers::of(migrations.iter().map(|m| m.harm));
    let over = Frequency::of(migrations, |m| m.harm > BUDGET);
    let id = ["T9", "T10", "T10", "T9", "T10"][at];
    let what = format!("ramp, {name}; hold_climbs_to_percent = {hold_climbs}");
    let mut row = Row::new(id, what.clone(), n).found(describe(migrations)).rules(rules);
    if at == 0 {
        let hours = Numbers::of(migrations.iter().filter(|m| m.end == End::Done).map(|m| m.hours)).median();
        row = row.target("100 % in >= 99 %, median <= 3 h", done.at_least(0.99) && hours <= 3.0);
    } else if at == 1 {
        let met = done.at_most(0.005) && harm.mean() <= 50.0 && harm.quantile(0.95) <= 70.0;
        row = row.target("promoted <= 0.5 %; extra failures mean <= 50, p95 <= 70", met);
    }
    let mut rows = vec![row];
    if at == 0 {
        rows.push(
            Row::new("T2", format!("false NO-GO, {what}"), n)
                .found(stopped.text())
                .target("<= 1 %", stopped.at_most(0.01)),
        );
    } else {
        rows.push(
            Row::new("T11", format!("harm above the budget of 120, {what}"), n)
                .found(over.text())
                .target("<= 1 %", over.at_most(0.01)),
        );
    }
    rows
}
