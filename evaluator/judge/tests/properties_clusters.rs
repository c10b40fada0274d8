//! What must hold for any input of the estimators over clusters, running sums, ranks and families: exchanging the arms,
//! scale, shift, order, batching, more evidence, and an answer or a refusal instead of a NaN.

use judge::stats::adjust::{Row, Slope};
use judge::stats::cluster::{Moments, t_inflation};
use judge::stats::quantile::{self, QuantilePair, QuantileRatio, Ranked};
use judge::stats::randomisation::{self, UnitTotals};
use judge::stats::ratio::{ArmSums, MeanRatio, PairedSums, RatioOfRatios};
use judge::stats::{Side, multiple, paired, rank, unpaired};
use proptest::collection::vec;
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Lower, Side::Upper];

const fn other(side: Side) -> Side {
    match side {
        Side::Lower => Side::Upper,
        Side::Upper => Side::Lower,
    }
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()) + 1e-300
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.05), Just(0.025), 1e-4..0.49_f64]
}

/// Clusters as `(numerator, size)`, whole numbers.
fn clusters() -> impl Strategy<Value = Vec<(i64, u32)>> {
    vec((-1000_i64..1_000_000, 1_u32..1_000_000), 2..60)
}

fn sums_of(rows: &[(i64, u32)]) -> Moments {
    let mut totals = (0_i128, 0_u128, 0_u128, 0_i128, 0_u128);
    for (s, n) in rows {
        let (s, n) = (i128::from(*s), u128::from(*n));
        totals = (
            totals.0 + s,
            totals.1 + n,
            totals.2 + (s * s).unsigned_abs(),
            totals.3 + s * n.cast_signed(),
            totals.4 + n * n,
        );
    }
    Moments::from_sums(rows.len() as u64, totals.0, totals.1, totals.2, totals.3, totals.4)
}

/// Bills of pairs in whole units, from cents to a thousand dollars in nano-dollars.
fn bills() -> impl Strategy<Value = Vec<(i64, i64)>> {
    (0_u32..37).prop_flat_map(|scale| {
        vec((1_i64..1000, 1_i64..1000), 2..120)
            .prop_map(move |rows| rows.into_iter().map(|(b, c)| (b << (scale % 31), c << (scale % 31))).collect())
    })
}

fn paired_sums(rows: &[(i64, i64)]) -> PairedSums {
    let mut sums = PairedSums::default();
    for (b, c) in rows {
        sums.push(*b, *c);
    }
    sums
}

fn units() -> impl Strategy<Value = Vec<UnitTotals>> {
    let one = (any::<bool>(), -50.0..50.0_f64, 1_u32..500, proptest::option::weighted(0.8, -5.0..5.0_f64));
    vec(one, 4..40).prop_map(|rows| {
        let count = rows.len();
        let mut units: Vec<UnitTotals> = rows
            .into_iter()
            .map(|(candidate, sum, size, before)| UnitTotals { candidate, sum, size: f64::from(size), before })
            .collect();
        // Two of each arm at least.
        for (index, candidate) in [(0, true), (1, true), (count - 2, false), (count - 1, false)] {
            units[index].candidate = candidate;
        }
        units
    })
}

fn latencies() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![19 => (1_u32..5_000_000).prop_map(f64::from), 1 => Just(f64::INFINITY)], 1..300)
}

/// Buckets of 5 % around sorted values.
struct Buckets(Vec<f64>);

impl Ranked for Buckets {
    fn n(&self) -> u64 {
        self.0.n()
    }

    fn at(&self, rank: u64) -> (f64, f64) {
        let value = self.0.at(rank).0;
        if value.is_infinite() {
            return (value, value);
        }
        let step = (value.ln() / 0.05).floor();
        // Rounding must not put a value outside its own bucket.
        ((step * 0.05).exp().min(value), ((step + 1.0) * 0.05).exp().max(value))
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut ascending = values.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    ascending
}

proptest! {
    #[test]
    fn cluster_sums_give_what_the_clusters_give(rows in clusters()) {
        let (direct, summed) = (Moments::of(rows.iter().map(|(s, n)| (*s as f64, f64::from(*n)))), sums_of(&rows));
        prop_assert!(close(direct.ratio().unwrap(), summed.ratio().unwrap()));
        prop_assert!(close(direct.kish(), summed.kish()));
        let scale = summed.ss / summed.n / summed.n;
        prop_assert!((direct.variance().unwrap() - summed.variance().unwrap()).abs() <= 1e-12 * scale);
        prop_assert!(summed.kish() >= 1.0 - 1e-12 && summed.kish() <= rows.len() as f64 + 1e-9);
    }

    #[test]
    fn cluster_variance_follows_scale_and_shift(rows in clusters(), factor in 1_i64..1000, shift in -1000_i64..1000) {
        let before = sums_of(&rows).variance().unwrap();
        let scaled: Vec<(i64, u32)> = rows.iter().map(|(s, n)| (s * factor, *n)).collect();
        prop_assert!(close(sums_of(&scaled).variance().unwrap(), before * (factor * factor) as f64));
        // Adding a constant to every row moves the ratio and not its variance.
        let shifted: Vec<(i64, u32)> = rows.iter().map(|(s, n)| (s + shift * i64::from(*n), *n)).collect();
        prop_assert!(close(sums_of(&shifted).variance().unwrap(), before));
    }

    #[test]
    fn more_clusters_need_less_inflation(few in 2.0..200.0_f64, more in 0.1..200.0_f64, alpha in level()) {
        let (narrow, wide) = (t_inflation(few + more, alpha).unwrap(), t_inflation(few, alpha).unwrap());
        prop_assert!(wide >= narrow * (1.0 - 1e-9) && narrow >= 1.0);
    }

    #[test]
    fn running_sums_give_what_the_columns_give(rows in bills(), cut in 0_usize..120, alpha in level()) {
        let cut = cut % rows.len();
        let mut merged = paired_sums(&rows[cut..]);
        merged.merge(&paired_sums(&rows[..cut]));
        prop_assert_eq!(merged, paired_sums(&rows));
        let (b, c): (Vec<f64>, Vec<f64>) = rows.iter().map(|(b, c)| (*b as f64, *c as f64)).unzip();
        let summed = MeanRatio::from_sums(&merged).unwrap();
        let columns = MeanRatio::paired(&b, &c).unwrap();
        prop_assert!(close(summed.estimate(), columns.estimate()));
        prop_assert!((summed.log_standard_error - columns.log_standard_error).abs() < 1e-9);
        let separate = MeanRatio::unpaired_from_sums(&merged.baseline(), &merged.candidate()).unwrap();
        prop_assert!((separate.log_standard_error - MeanRatio::unpaired(&b, &c).unwrap().log_standard_error).abs() < 1e-9);
        for side in SIDES {
            match (summed.bound(alpha, side), columns.bound(alpha, side)) {
                (Ok(left), Ok(right)) => prop_assert!(close(left, right) || (left - right).abs() < 1e-9 * right.max(1.0)),
                (left, right) => prop_assert_eq!(left.is_err(), right.is_err()),
            }
        }
    }

    #[test]
    fn exchanging_the_arms_turns_the_ratio_over(rows in bills(), alpha in level()) {
        let turned: Vec<(i64, i64)> = rows.iter().map(|(b, c)| (*c, *b)).collect();
        let (here, there) =
            (MeanRatio::from_sums(&paired_sums(&rows)).unwrap(), MeanRatio::from_sums(&paired_sums(&turned)).unwrap());
        for side in SIDES {
            // Whether a ratio has a bound depends on its denominator, so that one of the two may be refused.
            if let (Ok(left), Ok(right)) = (here.bound(alpha, side), there.bound(alpha, other(side))) {
                prop_assert!(close(left, 1.0 / right), "{left} {right}");
            }
        }
    }

    #[test]
    fn the_difference_at_a_ratio_is_that_of_the_columns(rows in bills(), ratio in 0.0..3.0_f64) {
        let (mean, variance) = paired_sums(&rows).difference_at(ratio).unwrap();
        let differences: Vec<f64> = rows.iter().map(|(b, c)| *c as f64 - ratio * *b as f64).collect();
        let n = differences.len() as f64;
        let expected = differences.iter().sum::<f64>() / n;
        let spread = differences.iter().map(|d| (d - expected).powi(2)).sum::<f64>() / (n - 1.0) / n;
        let size = rows.iter().map(|(b, c)| (b + c) as f64).fold(0.0, f64::max);
        prop_assert!((mean - expected).abs() <= 1e-12 * size);
        prop_assert!((variance - spread).abs() <= 1e-12 * size * size);
    }

    #[test]
    fn ratios_of_ratios_do_not_see_units_or_order(
        rows in vec(((1.0..1e6_f64, 1.0..1e4_f64), (1.0..1e6_f64, 1.0..1e4_f64)), 3..60),
        scale in 1e-6..1e6_f64,
        alpha in level(),
    ) {
        let Ok(here) = RatioOfRatios::of(rows.iter().copied()).ratio() else { return Ok(()) };
        let scaled = rows.iter().rev().map(|((bn, bd), (cn, cd))| ((bn * scale, bd * 7.0), (cn * scale, cd * 7.0)));
        let there = RatioOfRatios::of(scaled).ratio().unwrap();
        prop_assert!(close(here.estimate(), there.estimate()));
        for side in SIDES {
            if let (Ok(left), Ok(right)) = (here.bound(alpha, side), there.bound(alpha, side)) {
                prop_assert!((left / right - 1.0).abs() < 1e-7, "{left} {right}");
            }
        }
    }

    #[test]
    fn sums_of_anything_are_answered_or_refused(
        n in any::<u64>(), b in any::<i128>(), c in any::<i128>(), bb in any::<u128>(), cc in any::<u128>(),
        bc in any::<i128>(), ratio in any::<f64>(),
    ) {
        let sums = PairedSums { n, b, c, bb, cc, bc };
        if let Ok(found) = MeanRatio::from_sums(&sums) {
            prop_assert!(found.log_standard_error >= 0.0 && found.estimate() > 0.0);
        }
        if let Ok((mean, variance)) = sums.difference_at(ratio) {
            prop_assert!(mean.is_finite() && variance >= 0.0);
        }
        let arm = ArmSums { n, sum: b, squares: bb };
        if let Ok(found) = MeanRatio::unpaired_from_sums(&arm, &arm) {
            prop_assert!(found.log_standard_error >= 0.0);
        }
        let moments = Moments::from_sums(n, b, bb, cc, bc, bb);
        prop_assert!(moments.variance().map_or(true, |variance| variance >= 0.0));
        prop_assert!(moments.kish() >= 0.0);
    }

    #[test]
    fn taking_out_the_covariate_keeps_the_mean_and_never_adds_variance(
        rows in vec((-1e3..1e3_f64, -1e3..1e3_f64, 0.1..50.0_f64), 2..80),
    ) {
        let rows: Vec<Row> =
            rows.into_iter().map(|(value, before, weight)| Row { value, before, weight }).collect();
        let slope = Slope::of(&rows).unwrap();
        let total: f64 = rows.iter().map(|row| row.weight).sum();
        let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(|row| row.weight * of(row)).sum::<f64>() / total;
        let adjusted = |row: &Row| slope.adjusted(row.value, row.before);
        let (plain, after) = (mean(&|row| row.value), mean(&adjusted));
        prop_assert!((plain - after).abs() < 1e-7);
        let spread = mean(&|row| (row.value - plain).powi(2));
        let left = mean(&|row| (adjusted(row) - after).powi(2));
        prop_assert!((left - spread * slope.variance_factor()).abs() <= 1e-7 * spread + 1e-9);
    }

    #[test]
    fn randomisation_is_antisymmetric_and_blind_to_order(units in units(), turn in 0_usize..40, seed in any::<u64>()) {
        let mut turned = units.clone();
        turned.rotate_left(turn % units.len());
        let exchanged: Vec<UnitTotals> =
            units.iter().map(|unit| UnitTotals { candidate: !unit.candidate, ..*unit }).collect();
        for side in SIDES {
            let here = randomisation::bound(&units, 0.1, side, 99, seed);
            prop_assert_eq!(&here, &randomisation::bound(&turned, 0.1, side, 99, seed));
            let there = randomisation::bound(&exchanged, 0.1, other(side), 99, seed);
            prop_assert_eq!(here.map(|bound| -bound), there);
        }
    }

    #[test]
    fn randomisation_bounds_move_with_scale_and_shift(units in units(), shift in -3.0..3.0_f64, seed in any::<u64>()) {
        let moved: Vec<UnitTotals> = units
            .iter()
            .map(|unit| {
                let shift = if unit.candidate { shift } else { 0.0 };
                UnitTotals { sum: 4.0 * (unit.sum + shift * unit.size), ..*unit }
            })
            .collect();
        for side in SIDES {
            let (here, there) =
                (randomisation::bound(&units, 0.2, side, 99, seed), randomisation::bound(&moved, 0.2, side, 99, seed));
            if let (Ok(here), Ok(there)) = (here, there) {
                // Units change places when sorted by sums, and with them the random assignments; the exact ones stay.
                let exact = units.len() <= 8;
                prop_assert!(!exact || (there - 4.0 * (here + shift)).abs() < 1e-6 * (1.0 + there.abs()), "{here} {there}");
            }
        }
    }

    #[test]
    fn every_margin_below_the_bound_is_ruled_out(units in units(), seed in any::<u64>(), below in 0.001..50.0_f64) {
        if let Ok(bound) = randomisation::bound(&units, 0.1, Side::Lower, 99, seed) {
            prop_assert!(randomisation::p_value(&units, bound - below, 99, seed).unwrap() <= 0.1);
            prop_assert!(randomisation::p_value(&units, bound, 99, seed).unwrap() > 0.1);
        }
    }

    #[test]
    fn buckets_never_shorten_a_quantile_bound(
        b in latencies(), c in latencies(), correlation in -1.0..1.0_f64, alpha in level(), share in 0.05..0.99_f64,
    ) {
        let (fine_b, fine_c) = (sorted(&b), sorted(&c));
        let (coarse_b, coarse_c) = (Buckets(fine_b.clone()), Buckets(fine_c.clone()));
        let of = |baseline: &dyn Ranked, candidate: &dyn Ranked, side| {
            let (baseline_effective, candidate_effective) = (baseline.n() as f64, candidate.n() as f64);
            QuantileRatio { baseline, candidate, baseline_effective, candidate_effective, share, correlation }
                .bound(alpha, side)
                .unwrap()
        };
        for side in SIDES {
            match (of(&fine_b, &fine_c, side), of(&coarse_b, &coarse_c, side)) {
                (Some(fine), Some(coarse)) if side == Side::Upper => prop_assert!(coarse >= fine * (1.0 - 1e-12)),
                (Some(fine), Some(coarse)) => prop_assert!(coarse <= fine * (1.0 + 1e-12)),
                (fine, coarse) => prop_assert_eq!(fine.is_none(), coarse.is_none()),
            }
        }
    }

    #[test]
    fn fewer_effective_values_never_shorten_a_quantile_interval(
        values in latencies(), share in 0.05..0.99_f64, alpha in level(), effect in 1.0..20.0_f64,
    ) {
        // A limit at a failed request is no limit either; very slow ones keep that apart from ranks that do not exist.
        let ascending: Vec<f64> = sorted(&values).into_iter().map(|value| value.min(1e12)).collect();
        let n = ascending.len() as f64;
        let plain = quantile::interval(&ascending, share, alpha).unwrap();
        let wide = quantile::interval_effective(&ascending, share, alpha, n / effect).unwrap();
        let low = |limit: Option<f64>| limit.unwrap_or(f64::NEG_INFINITY);
        let high = |limit: Option<f64>| limit.unwrap_or(f64::INFINITY);
        prop_assert!(low(wide.lower) <= low(plain.lower) && high(wide.upper) >= high(plain.upper));
        prop_assert!(low(wide.lower) <= wide.point && high(wide.upper) >= wide.point);
    }

    #[test]
    fn design_effects_widen_and_exchange(
        c01 in 0_u64..60, c10 in 0_u64..60, rest in 20_u64..5000, effect in 1.0..8.0_f64, alpha in level(),
    ) {
        let n = c01 + c10 + rest;
        let counts = paired::Discordant::of(c01, c10, n);
        let upper = |effect| paired::bound_effective(counts.over(effect), alpha, Side::Upper).unwrap();
        prop_assert!(upper(effect) >= upper(1.0) - 1e-9);
        let exchanged = paired::Discordant::of(c10, c01, n).over(effect);
        let lower = paired::bound_effective(exchanged, alpha, Side::Lower).unwrap();
        prop_assert!((upper(effect) + lower).abs() < 1e-12);
    }

    #[test]
    fn bounds_of_separate_arms_exchange_and_contain_the_estimate(
        x in 0_u64..60, rest_x in 1_u64..5000, y in 0_u64..60, rest_y in 1_u64..5000, alpha in level(),
    ) {
        let candidate = unpaired::Arm { events: x, n: x + rest_x };
        let baseline = unpaired::Arm { events: y, n: y + rest_y };
        let estimate = x as f64 / candidate.n as f64 - y as f64 / baseline.n as f64;
        for bound in [unpaired::farrington_manning, unpaired::newcombe] {
            for side in SIDES {
                let here = bound(candidate, baseline, alpha, side).unwrap();
                let there = bound(baseline, candidate, alpha, other(side)).unwrap();
                prop_assert!((here + there).abs() < 1e-12);
                let inside = if side == Side::Upper { here >= estimate - 1e-12 } else { here <= estimate + 1e-12 };
                prop_assert!(inside && here.abs() <= 1.0 + 1e-12);
            }
        }
    }

    #[test]
    fn rank_statistics_exchange_and_do_not_see_order(b in latencies(), c in latencies(), turn in 0_usize..300) {
        let (here, there) = (rank::mann_whitney(&b, &c).unwrap(), rank::mann_whitney(&c, &b).unwrap());
        prop_assert!((here.effect + there.effect - 1.0).abs() < 1e-12 && close(here.p_value, there.p_value));
        prop_assert!((0.0..=1.0).contains(&here.p_value));
        let mut turned = b.clone();
        turned.rotate_left(turn % b.len());
        prop_assert_eq!(here, rank::mann_whitney(&turned, &c).unwrap());
        let distance = rank::kolmogorov_smirnov(&b, &c).unwrap();
        prop_assert!((0.0..=1.0).contains(&distance));
        prop_assert!(close(distance, rank::kolmogorov_smirnov(&c, &b).unwrap()));
        let finite: Vec<f64> = b.iter().chain(&c).copied().filter(|value| value.is_finite()).collect();
        if finite.len() > 1 {
            let (left, right) = finite.split_at(finite.len() / 2);
            let shift = rank::hodges_lehmann(left, right).unwrap();
            prop_assert!(close(shift, -rank::hodges_lehmann(right, left).unwrap()));
            let later: Vec<f64> = right.iter().map(|value| value + 1000.0).collect();
            prop_assert!((rank::hodges_lehmann(left, &later).unwrap() - shift - 1000.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_harrell_davis_estimate_stays_among_the_values(values in latencies(), share in 0.01..0.99_f64) {
        let ascending = sorted(&values);
        if let Some(estimate) = quantile::harrell_davis(&ascending, share).unwrap() {
            let finite = ascending.iter().copied().filter(|value| value.is_finite());
            let (least, most) = finite.fold((f64::INFINITY, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
            prop_assert!(estimate >= least * (1.0 - 1e-9) && estimate <= most * (1.0 + 1e-9));
        }
    }

    #[test]
    fn adjusted_p_values_only_grow_and_keep_their_order(
        family in vec(proptest::option::weighted(0.9, prop_oneof![0.0..1.0_f64, Just(f64::NAN)]), 0..40),
    ) {
        let usable: Vec<f64> = family.iter().map(|p| p.filter(|p| !p.is_nan()).unwrap_or(1.0)).collect();
        let (holm, expected) = (multiple::holm(&family), multiple::benjamini_hochberg(&family));
        for adjusted in [&holm, &expected] {
            for (index, p) in usable.iter().enumerate() {
                prop_assert!(adjusted[index] >= *p && adjusted[index] <= 1.0);
                for (place, q) in usable.iter().enumerate() {
                    prop_assert!(p > q || adjusted[index] <= adjusted[place]);
                }
            }
        }
        prop_assert!(holm.iter().zip(&expected).all(|(strict, mild)| strict >= mild));
    }
}

#[test]
fn a_correlation_beyond_one_by_rounding_is_still_one() {
    // Every failed request fails on both sides: the indicators are the same column.
    let values: Vec<f64> = (0..41).map(|i| if i % 3 == 0 { f64::INFINITY } else { f64::from(i + 1) }).collect();
    for share in [0.1, 0.3, 0.5, 0.6] {
        let pair = QuantilePair::paired(&values, &values, share).unwrap();
        assert!(pair.correlation() <= 1.0);
        assert!(pair.bound(0.05, Side::Upper).is_ok());
    }
}
