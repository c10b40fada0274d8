//! The wealth of constant bets on values in [-1, 1], and where it reaches a threshold.
//!
//! Everything here is about one hypothesis, "the mean is at least m"; the other one is its mirror image (values and
//! border negated). With `u = -ln(1 - m)` a bet `f / (1 - m)` multiplies the wealth by
//!
//! ```text
//! 1 + f (m - x) / (1 - m)  =  1 - f + f (1 - x) e^u
//! ```
//!
//! whose logarithm grows with u and is convex in u. So is a sum of such logarithms, and so is the logarithm of a mean
//! of products. Newton's method on an increasing convex function overshoots once at most and then descends to the
//! root, doubling its digits: a handful of evaluations instead of the 64 of a bisection, and no bracket that could
//! be wrong. The factor of `x = 1` does not depend on m at all.

use std::sync::LazyLock;

/// Bet sizes in the mixture.
const BETS: usize = 40;
/// Smallest and largest bet, as a share of the largest admissible one; the others lie log-spaced between.
const SMALLEST_BET: f64 = 0.002;
const LARGEST_BET: f64 = 0.98;

/// The most evaluations of the wealth that a bound may take. Four are usual and seven the most seen below 1e9
/// observations; with counts whose logarithms have no digits left (1e18) the search would go on for ever.
const STEPS_MAX: u32 = 20;

/// A step this small, relative to the distance from the mean, leaves an error of about its square.
const SMALL_STEP: f64 = 1e-6;

/// Largest u: there m is 1 but for rounding.
const CEILING: f64 = 37.0;

/// Terms smaller than the largest by this factor (as a logarithm) change no digit of the sum.
const NEGLIGIBLE: f64 = -41.0;

/// The bets, and what each leaves when it loses: `ln(1 - f)`.
struct Shares {
    bets: [f64; BETS],
    lost: [f64; BETS],
}

static SHARES: LazyLock<Shares> = LazyLock::new(|| {
    let bets = std::array::from_fn(|index| {
        let step = index as f64 / (BETS - 1) as f64;
        (SMALLEST_BET.ln() + step * (LARGEST_BET / SMALLEST_BET).ln()).exp()
    });
    Shares { bets, lost: bets.map(|bet| (-bet).ln_1p()) }
});

/// A value from -1 to 1, and how often it was seen (not whole once divided by a design effect).
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) count: f64,
}

/// Logarithm of the wealth against "the mean is at least m", `m` above -1 and below 1.
pub(super) fn log_wealth(points: &[Point], m: f64) -> f64 {
    grown(points, m / (1.0 - m)).0
}

/// Logarithm of the wealth and its slope over u, at `shift = m / (1 - m) = e^u - 1`. Points are taken in the order
/// given.
fn grown(points: &[Point], shift: f64) -> (f64, f64) {
    let shares = &*SHARES;
    let mut logs = [0.0_f64; BETS];
    let mut slopes = [0.0_f64; BETS];
    for point in points.iter().filter(|point| point.count > 0.0) {
        let room = 1.0 - point.x;
        if room <= 0.0 {
            logs.iter_mut().zip(&shares.lost).for_each(|(log, lost)| *log += point.count * lost);
            continue;
        }
        let growth = shift * room - point.x;
        let pull = point.count * (1.0 + shift) * room;
        for ((bet, log), slope) in shares.bets.iter().zip(&mut logs).zip(&mut slopes) {
            let gain = bet * growth;
            let factor = 1.0 + gain;
            let inverse = 1.0 / factor;
            // ln(1 + gain): the rounding of the sum is put back, which costs less than `ln_1p`.
            *log += point.count * (factor.ln() + (gain - (factor - 1.0)) * inverse);
            *slope += pull * bet * inverse;
        }
    }
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (log, slope) in logs.iter().zip(&slopes) {
        if log - largest > NEGLIGIBLE {
            let weight = (log - largest).exp();
            sum += weight;
            weighted += weight * slope;
        }
    }
    (largest + sum.ln() - (BETS as f64).ln(), weighted / sum)
}

/// A bound and the number of evaluations it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) bound: f64,
    #[cfg_attr(not(test), expect(dead_code, reason = "only the tests ask what a bound cost"))]
    pub(super) evaluations: u32,
}

/// Largest m that has not been bet away at `alpha`; 1 without observations.
pub(super) fn upper(points: &[Point], alpha: f64) -> Found {
    let n: f64 = points.iter().map(|point| point.count).sum();
    let mean = points.iter().map(|point| point.count * point.x).sum::<f64>() / n;
    if !(n > 0.0 && mean < 1.0) {
        return Found { bound: 1.0, evaluations: 0 };
    }
    let threshold = -alpha.ln();
    let variance = points.iter().map(|point| point.count * (point.x - mean) * (point.x - mean)).sum::<f64>() / n;
    // At the mean no bet has won, so the root lies above. A start a little beyond it is the quickest.
    let least = -(-mean).ln_1p();
    let reach = threshold + 2.5;
    let distance = (2.0 * variance * reach / n).sqrt() + reach / n / 2.0;
    let mut u = (least + distance / (1.0 - mean)).min(CEILING);
    let mut evaluations = 0;
    while evaluations < STEPS_MAX {
        evaluations += 1;
        let (log, slope) = grown(points, u.exp_m1());
        if u >= CEILING && log < threshold {
            return Found { bound: 1.0, evaluations };
        }
        let next = (u - (log - threshold) / slope).clamp(least, CEILING);
        let small = (next - u).abs() <= SMALL_STEP * (next - least);
        u = next;
        if small {
            break;
        }
    }
    Found { bound: (-(-u).exp_m1()).clamp(mean.max(-1.0), 1.0), evaluations }
}
