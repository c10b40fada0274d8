//! How long a guardrail takes that is looked at all the time.

use crate::stats::special::normal_quantile;
use crate::stats::{BISECTION_STEPS, Refusal, border, sequence};

/// Observations until a proof by an asymptotic confidence sequence, for a candidate whose true effect lies `distance`
/// below the margin. All are in observations (pairs, requests per arm: whatever the variance is of).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialPlan {
    /// What one look at a sample of fixed size needs for a proof with probability `1 - beta`.
    pub fixed: f64,
    /// By then about half of all experiments have their proof. Where the bound comes closer than the distance, half
    /// of them would have it at that look alone; more have had it before, when the estimate was lucky. Simulated, the
    /// median is 0.79 to 0.95 of that number (levels 0.001 to 0.05, beta 0.05 to 0.2, 16 or 80 looks in a fixed
    /// sample; the later the fewer the looks), so 0.87 of it is within a tenth.
    pub median: f64,
    /// By then the proof has come with probability `1 - beta` at least: it comes there even without a single look
    /// before.
    pub likely: f64,
}

/// Share of the time until the bound alone would do, after which half of all experiments have their proof.
const PASSED_EARLIER: f64 = 0.87;

/// The plan, tuned (`I*`) to the fixed-sample information: `fixed = (z_a + z_b)^2 v / distance^2`, `median` 0.87 of the
/// n where `half_width(n / v) < distance`, `likely` where `half_width(n / v) + z_b sqrt(v / n) < distance`.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5, a distance that is not above 0, and a variance that is not a finite number above
/// 0.
pub fn sequential(variance: f64, distance: f64, alpha: f64, beta: f64) -> Result<SequentialPlan, Refusal> {
    if !(variance > 0.0 && variance.is_finite()) {
        return Err(Refusal::NotPositive { index: 0, value: variance });
    }
    let planned = sequence::planned_information(distance, alpha, beta)?;
    let out = Refusal::MarginOutOfRange { margin: distance, expected: "a distance above 0" };
    let reached = sequence::reached_at(variance, distance, planned, alpha).ok_or(out)?;
    let median = (PASSED_EARLIER * reached).ceil();
    let luck = normal_quantile(1.0 - beta);
    let near = |information: f64| {
        let width = sequence::half_width(information, planned, alpha);
        width.is_ok_and(|width| width + luck / information.sqrt() < distance)
    };
    let mut inside = planned;
    for _ in 0..BISECTION_STEPS {
        if near(inside) {
            break;
        }
        inside *= 2.0;
    }
    let information = border(inside, planned / 2.0, near);
    Ok(SequentialPlan {
        fixed: (planned * variance).ceil(),
        median,
        likely: (information * variance).ceil().max(median),
    })
}

/// How much larger a sample of clusters must be than one of independent observations: `1 + (m - 1) icc`, with the
/// mean size `m` of a cluster and the correlation within (Kish 1965).
///
/// # Errors
///
/// Refuses a cluster size below 1 and a correlation outside 0 to 1.
pub fn design_effect(cluster_size: f64, icc: f64) -> Result<f64, Refusal> {
    if !(cluster_size >= 1.0 && cluster_size.is_finite()) {
        let expected = "a finite number from 1 on";
        return Err(Refusal::OutOfRange { what: "cluster size", value: cluster_size, expected });
    }
    if !(0.0..=1.0).contains(&icc) {
        return Err(Refusal::OutOfRange { what: "correlation within clusters", value: icc, expected: "from 0 to 1" });
    }
    Ok(1.0 + (cluster_size - 1.0) * icc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planning_figures() {
        let plan = sequential(2.0 * 0.01 * 0.99, 0.005, 0.05, 0.10).unwrap();
        assert!((plan.fixed - 6783.0).abs() < 0.5);
        // Simulated: median 5000 at looks every 100 pairs, 5500 every 500; nine in ten after 11 100 or 12 500.
        assert!((5000.0..5500.0).contains(&plan.median), "{plan:?}");
        assert!((11_100.0..13_400.0).contains(&plan.likely), "{plan:?}");
        assert_eq!(design_effect(50.0, 0.02), Ok(1.98));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(sequential(0.0, 0.1, 0.05, 0.1).unwrap_err().reason(), "not-positive");
        assert_eq!(sequential(0.1, f64::NAN, 0.05, 0.1).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(sequential(0.1, 0.1, 0.05, 0.6).unwrap_err().reason(), "level-out-of-range");
        assert_eq!(design_effect(0.5, 0.0).unwrap_err().reason(), "out-of-range");
        assert_eq!(design_effect(2.0, f64::NAN).unwrap_err().reason(), "out-of-range");
    }
}
