//! The intervals from anything that can be ranked: sorted values, or a histogram's buckets.
//!
//! A bucket knows a value only up to its edges. Limits are therefore rounded outwards to the edge that makes the
//! interval longer, and the ratio's bound is the worst one over all values the buckets allow, so that a histogram
//! widens an interval by its bucket width and never shortens it.

use super::super::proportion::wilson_share;
use super::super::{Refusal, Side, check_level};

/// Values that can be asked for by rank.
pub trait Ranked {
    /// Number of values.
    fn n(&self) -> u64;

    /// Edges `(low, high)` of the bucket that holds the value of 1-based `rank`, from 1 to [`Ranked::n`]; equal where
    /// the value itself is known, both infinite for a failed request.
    fn at(&self, rank: u64) -> (f64, f64);
}

/// Ascending values, failed requests infinite and last.
impl Ranked for [f64] {
    fn n(&self) -> u64 {
        self.len() as u64
    }

    fn at(&self, rank: u64) -> (f64, f64) {
        let index = usize::try_from(rank.saturating_sub(1)).unwrap_or(usize::MAX);
        let value = self.get(index).copied().unwrap_or(f64::INFINITY);
        (value, value)
    }
}

/// Ascending values, as a slice of them.
impl Ranked for Vec<f64> {
    fn n(&self) -> u64 {
        self.as_slice().n()
    }

    fn at(&self, rank: u64) -> (f64, f64) {
        self.as_slice().at(rank)
    }
}

/// 1-based ranks of a quantile and its limits; `None` where the rank does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// Rank of the lower limit.
    pub low: Option<u64>,
    /// Rank of the quantile itself, `ceil(n share)`.
    pub point: u64,
    /// Rank of the upper limit.
    pub high: Option<u64>,
}

/// Ranks of the interval of a quantile at one-sided level `alpha` on each side (Woodruff 1952): with Wilson's limits
/// `[L, U]` of the distribution function at `share` among `n_effective` observations, `floor(n L)` and
/// `ceil(n U) + 1`. `n_effective` is `n` for independent values and `n` over the design effect for clusters; what
/// exceeds `n` counts as `n`. A rank exists only if it would among `n_effective` values too: 20 independent consumers have
/// no finite upper limit of p95 however many requests they send.
///
/// # Errors
///
/// Refuses an empty sample, an `n_effective` that is not above zero, shares outside 0 to 1 and levels outside 0 to 0.5.
pub fn ranks(n: u64, share: f64, alpha: f64, n_effective: f64) -> Result<Ranks, Refusal> {
    check_level(alpha)?;
    if !(share > 0.0 && share < 1.0) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    if n == 0 || n_effective.is_nan() {
        return Err(Refusal::NoObservations);
    }
    let size = n as f64;
    let effective = n_effective.min(size);
    let below = wilson_share(share, effective, alpha, Side::Lower)?;
    let above = wilson_share(share, effective, alpha, Side::Upper)?;
    let low = (size * below).floor();
    let high = (size * above).ceil() + 1.0;
    // A rank that independent values of that number would not have does not come from repeating them.
    let low_exists = low >= 1.0 && (effective * below).floor() >= 1.0;
    let high_exists = high <= size && (effective * above).ceil() + 1.0 <= effective;
    // A hair is taken off, so that 0.95 * 100 is rank 95 whatever the last bit says.
    let point = ((size * share - 1e-9).ceil() as u64).clamp(1, n);
    Ok(Ranks { low: low_exists.then_some(low as u64), point, high: high_exists.then_some(high as u64) })
}

/// Limits of one quantile, rounded outwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedInterval {
    /// Edges of the bucket that holds the quantile; infinite if it is a failed request.
    pub point: (f64, f64),
    /// Lower limit: the low edge of its bucket; `None` where the rank does not exist or is a failed request.
    pub lower: Option<f64>,
    /// Upper limit: the high edge of its bucket; `None` where the rank does not exist or the value is infinite.
    pub upper: Option<f64>,
}

/// The interval of one quantile of ranked values at one-sided level `alpha` on each side; see [`ranks`].
///
/// # Errors
///
/// As [`ranks`].
pub fn interval_ranked(
    values: &(impl Ranked + ?Sized),
    share: f64,
    alpha: f64,
    n_effective: f64,
) -> Result<RankedInterval, Refusal> {
    let ranks = ranks(values.n(), share, alpha, n_effective)?;
    let edges = |rank: Option<u64>| rank.map(|rank| values.at(rank));
    Ok(RankedInterval {
        point: values.at(ranks.point),
        lower: edges(ranks.low).map(|(low, _)| low).filter(|value| value.is_finite()),
        upper: edges(ranks.high).map(|(_, high)| high).filter(|value| value.is_finite()),
    })
}

/// The ratio of two arms' quantiles (or their difference), ready to be bounded.
#[derive(Clone, Copy)]
pub struct QuantileRatio<'a> {
    /// The baseline's values.
    pub baseline: &'a dyn Ranked,
    /// The candidate's values.
    pub candidate: &'a dyn Ranked,
    /// Effective number of the baseline's values.
    pub baseline_effective: f64,
    /// Effective number of the candidate's values.
    pub candidate_effective: f64,
    /// Which quantile, above 0 and below 1.
    pub share: f64,
    /// Correlation over pairs of "slower than one's own quantile"; 0 for separate samples.
    pub correlation: f64,
}

impl QuantileRatio<'_> {
    /// Smallest and largest ratio of the two quantiles that their buckets allow; `None` if either is infinite or zero.
    ///
    /// # Errors
    ///
    /// Refuses empty arms and shares outside 0 to 1.
    pub fn estimate(&self) -> Result<Option<(f64, f64)>, Refusal> {
        let point = |values: &dyn Ranked| -> Result<(f64, f64), Refusal> {
            Ok(values.at(ranks(values.n(), self.share, 0.25, values.n() as f64)?.point))
        };
        let (baseline, candidate) = (point(self.baseline)?, point(self.candidate)?);
        let (low, high) = (candidate.0 / baseline.1, candidate.1 / baseline.0);
        let known = baseline.1.is_finite() && candidate.1.is_finite() && low.is_finite() && high.is_finite();
        Ok(known.then_some((low, high)))
    }

    /// A bound of the ratio at one-sided level `alpha`; `None` where no finite one exists. MOVER on the log scale (Zou &
    /// Donner 2008) with `d = log(qC/qB)`: lower `d - sqrt(a^2 + b^2 - 2 r a b)`, `a = log(qC/lC)`, `b = log(uB/qB)`;
    /// upper `d + sqrt(...)`, `a = log(uC/qC)`, `b = log(qB/lB)`.
    ///
    /// The upper bound rises with `qC` and falls with `qB` (and the lower one too), and its root is convex in `(a, b)`:
    /// the worst case over buckets lies at the outer edges of the points and at a corner of the limits' edges.
    ///
    /// # Errors
    ///
    /// As [`ranks`], for either arm; a correlation outside -1 to 1 is refused.
    pub fn bound(&self, alpha: f64, side: Side) -> Result<Option<f64>, Refusal> {
        let log_bound = self.moved(alpha, side, |above, below| (above / below).ln())?;
        Ok(log_bound.map(f64::exp).filter(|bound| bound.is_finite()))
    }

    /// A bound of the difference of the two quantiles, candidate less baseline, at one-sided level `alpha`; `None` where no
    /// finite one exists. As [`QuantileRatio::bound`] on the scale of the values themselves: `d = qC - qB`, and so on.
    ///
    /// # Errors
    ///
    /// As [`QuantileRatio::bound`].
    pub fn difference_bound(&self, alpha: f64, side: Side) -> Result<Option<f64>, Refusal> {
        self.moved(alpha, side, |above, below| above - below)
    }

    /// The bound of a difference on the scale on which `less` subtracts its second argument from its first.
    fn moved(&self, alpha: f64, side: Side, less: impl Fn(f64, f64) -> f64) -> Result<Option<f64>, Refusal> {
        if !(-1.0..=1.0).contains(&self.correlation) {
            return Err(Refusal::MarginOutOfRange { margin: self.correlation, expected: "a correlation, -1 to 1" });
        }
        let baseline = ranks(self.baseline.n(), self.share, alpha, self.baseline_effective)?;
        let candidate = ranks(self.candidate.n(), self.share, alpha, self.candidate_effective)?;
        let (slow, fast, slow_ranks, fast_ranks) = match side {
            Side::Upper => (self.candidate, self.baseline, candidate, baseline),
            // Exchanging the arms turns the lower bound of the difference into the negated upper one.
            Side::Lower => (self.baseline, self.candidate, baseline, candidate),
        };
        let (Some(high), Some(low)) = (slow_ranks.high, fast_ranks.low) else { return Ok(None) };
        let (slow_point, fast_point) = (slow.at(slow_ranks.point).1, fast.at(fast_ranks.point).0);
        let (high, low) = (slow.at(high), fast.at(low));
        if !(slow_point.is_finite() && fast.at(fast_ranks.point).1.is_finite() && high.1.is_finite()) {
            return Ok(None);
        }
        let distance = |above: f64, below: f64| less(above, below).max(0.0);
        let mut half = 0.0_f64;
        for a in [distance(high.0, slow_point), distance(high.1, slow_point)] {
            for b in [distance(fast_point, low.0), distance(fast_point, low.1)] {
                half = half.max((a * a + b * b - 2.0 * self.correlation * a * b).max(0.0).sqrt());
            }
        }
        let bound = match side {
            Side::Upper => less(slow_point, fast_point) + half,
            Side::Lower => less(fast_point, slow_point) - half,
        };
        Ok(bound.is_finite().then_some(bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buckets of 1 % around values.
    struct Buckets(Vec<f64>);

    impl Ranked for Buckets {
        fn n(&self) -> u64 {
            self.0.n()
        }

        fn at(&self, rank: u64) -> (f64, f64) {
            let step = (self.0.at(rank).0.ln() / 0.01).floor();
            ((step * 0.01).exp(), ((step + 1.0) * 0.01).exp())
        }
    }

    fn ratio<'a>(baseline: &'a dyn Ranked, candidate: &'a dyn Ranked, correlation: f64) -> QuantileRatio<'a> {
        let (baseline_effective, candidate_effective) = (baseline.n() as f64, candidate.n() as f64);
        QuantileRatio { baseline, candidate, baseline_effective, candidate_effective, share: 0.95, correlation }
    }

    #[test]
    fn buckets_widen_by_little_and_never_shorten() {
        let baseline: Vec<f64> = (1..=2000).map(|i| 400.0 + f64::from(i)).collect();
        let candidate: Vec<f64> = baseline.iter().map(|value| value * 1.07).collect();
        let (coarse_b, coarse_c) = (Buckets(baseline.clone()), Buckets(candidate.clone()));
        for correlation in [-0.5, 0.0, 0.5, 0.95, 1.0] {
            let fine = ratio(&baseline, &candidate, correlation);
            let coarse = ratio(&coarse_b, &coarse_c, correlation);
            let bound = |which: &QuantileRatio<'_>, side| which.bound(0.05, side).unwrap().unwrap();
            let (low, high) = (bound(&coarse, Side::Lower), bound(&coarse, Side::Upper));
            assert!(low <= bound(&fine, Side::Lower) && high >= bound(&fine, Side::Upper), "{correlation}");
            assert!(low >= bound(&fine, Side::Lower) * 0.95 && high <= bound(&fine, Side::Upper) * 1.05);
            let (least, most) = coarse.estimate().unwrap().unwrap();
            assert!((least..=most).contains(&1.07) && most / least < 1.021);
        }
    }

    #[test]
    fn fewer_effective_values_lose_the_upper_limit_first() {
        assert!(ranks(1000, 0.95, 0.025, 1000.0).unwrap().high.is_some());
        assert_eq!(ranks(1000, 0.95, 0.025, 20.0).unwrap().high, None);
        // 59 independent values are the fewest with a limit of p95, whatever their repetitions; p99 needs 296.
        let exists = |share, effective: u32| ranks(100_000, share, 0.025, f64::from(effective)).unwrap().high.is_some();
        assert!(exists(0.95, 59) && !exists(0.95, 58) && exists(0.99, 296) && !exists(0.99, 295));
        assert_eq!(ranks(1000, 0.95, 0.025, 1e9), ranks(1000, 0.95, 0.025, 1000.0));
        assert_eq!(ranks(1000, 0.95, 0.025, 0.0), Err(Refusal::NoObservations));
        assert_eq!(ranks(1000, 0.95, 0.025, f64::NAN), Err(Refusal::NoObservations));
    }

    #[test]
    fn an_underflow_bucket_gives_no_bound() {
        struct Underflow;
        impl Ranked for Underflow {
            fn n(&self) -> u64 {
                500
            }
            fn at(&self, _: u64) -> (f64, f64) {
                (0.0, 1.0)
            }
        }
        let values = vec![1.0; 500];
        assert_eq!(ratio(&Underflow, &values, 0.5).bound(0.05, Side::Upper).unwrap(), None);
        assert_eq!(ratio(&Underflow, &values, 0.5).estimate().unwrap(), None);
    }
}
