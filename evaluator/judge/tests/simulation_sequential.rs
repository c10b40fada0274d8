//! Simulated canaries: what the sequential estimators promise, under drift and changing weights.

#![expect(clippy::expect_used, reason = "helpers of a test; a refusal of a valid input must fail it")]

use judge::stats::betting::Hypothesis;
use judge::stats::blocks::{BlockCounts, BlockFormer, Served};
use judge::stats::stratified::{self, Stratum};
use judge::stats::{restarts, special};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const REQUESTS_PER_MINUTE: i64 = 60;
const HOURS: i64 = 5;

/// What one simulated canary leaves behind.
struct Canary {
    /// Whether the wealth against "no worse than margin 0" reached 20 at a look, one each hour.
    alarmed: bool,
    strata: Vec<Stratum>,
    /// Errors and requests of both arms in total.
    candidate: (u64, u64),
    baseline: (u64, u64),
}

/// The weight doubles each hour while errors go from 1 % to 9 %: totals compare a late candidate with an early baseline.
fn canary(rng: &mut ChaCha8Rng, excess: f64) -> Canary {
    let mut former = BlockFormer::new(0.03).expect("a weight");
    let mut counts = BlockCounts::default();
    let mut found = Canary { alarmed: false, strata: Vec::new(), candidate: (0, 0), baseline: (0, 0) };
    for hour in 0..HOURS {
        let weight = 0.03 * f64::from(1_u32 << hour);
        former.reweight(weight).expect("a weight");
        let mut stratum = Stratum::default();
        for request in 0..60 * REQUESTS_PER_MINUTE {
            let minute = hour * 60 + request / REQUESTS_PER_MINUTE;
            let usual = 0.01 + 0.08 * minute as f64 / (60 * HOURS) as f64;
            let candidate = rng.random_bool(weight);
            let failed = rng.random_bool(if candidate { usual + excess } else { usual });
            let outcomes = u64::from(failed);
            former.push(Served { stratum: 0, minute, candidate, outcomes }, |block| counts.add(block, 0));
            let (n, x) = if candidate {
                (&mut stratum.candidate_n, &mut stratum.candidate_x)
            } else {
                (&mut stratum.baseline_n, &mut stratum.baseline_x)
            };
            *n += 1;
            *x += outcomes;
        }
        let tally = counts.to_tally().expect("blocks");
        found.alarmed |= tally.log_wealth(0.0, Hypothesis::AtMost, 1.0).expect("wealth") >= 20.0_f64.ln();
        found.candidate = (found.candidate.0 + stratum.candidate_x, found.candidate.1 + stratum.candidate_n);
        found.baseline = (found.baseline.0 + stratum.baseline_x, found.baseline.1 + stratum.baseline_n);
        found.strata.push(stratum);
    }
    found
}

#[test]
fn drift_raises_no_alarm_in_blocks_and_strata_but_in_totals() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_123);
    let runs = 200;
    let (mut alarms, mut missed, mut naive) = (0, 0, 0);
    let z = special::normal_quantile(0.95);
    for _ in 0..runs {
        let found = canary(&mut rng, 0.0);
        alarms += u32::from(found.alarmed);
        let difference = stratified::risk_difference(&found.strata).expect("both arms in each hour");
        missed += u32::from(difference.estimate - z * difference.variance.sqrt() > 0.0);
        let share = |(x, n): (u64, u64)| (x as f64 / n as f64, x as f64 / n as f64 / n as f64);
        let ((p, v), (q, w)) = (share(found.candidate), share(found.baseline));
        naive += u32::from(p - q - z * (v + w).sqrt() > 0.0);
    }
    // Nominal 5 % for each; three standard errors more at 200 runs. Errors drift within the hour alike for both arms.
    assert!(alarms <= 10, "{alarms} alarms of the blocks in {runs} runs");
    assert!(missed <= 19, "{missed} misses of the strata in {runs} runs");
    assert!(naive > 150, "totals alarm in {naive} of {runs} runs: the drift of this test is too weak to see anything");
}

#[test]
fn real_harm_raises_the_alarm_in_blocks() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let alarms = (0..40).filter(|_| canary(&mut rng, 0.04).alarmed).count();
    assert!(alarms >= 38, "{alarms} alarms in 40 runs with four points more errors");
}

#[test]
fn a_fresh_start_sees_at_once_what_old_evidence_hides() {
    // 20 000 pairs in which the candidate fails half as often, then a change for the worse: 30 of 1000 against 5.
    let old = judge::stats::betting::Differences { minus: 200, zero: 19_700, plus: 100 };
    let new = judge::stats::betting::Differences { minus: 5, zero: 965, plus: 30 };
    let both = judge::stats::betting::Differences { minus: 205, zero: 20_665, plus: 130 };
    let log = |counts| judge::stats::betting::log_wealth(counts, 0.0, Hypothesis::AtMost).expect("wealth");
    let threshold = 100.0_f64.ln();
    assert!(log(both) < 0.0, "{}", log(both));
    let average = restarts::log_average(&[log(old), log(new)], 8).expect("two of eight starts");
    assert!(average > threshold, "{average}");
}
