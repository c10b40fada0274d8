//! Laws of the estimators: symmetry, scale, order, batching, and an answer instead of a panic.

use judge::counters::PairedCounts;
use judge::stats::betting::{self, Differences, Hypothesis};
use judge::stats::quantile::QuantilePair;
use judge::stats::ratio::MeanRatio;
use judge::stats::unpaired::{self, Arm};
use judge::stats::{Side, paired, proportion, srm};
use proptest::collection::vec;
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Lower, Side::Upper];

const fn other(side: Side) -> Side {
    match side {
        Side::Lower => Side::Upper,
        Side::Upper => Side::Lower,
    }
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.05), Just(0.025), Just(0.01 / 7.0), 1e-6..0.49_f64]
}

/// Discordant pairs and all pairs, from tiny to huge.
fn pairs() -> impl Strategy<Value = (u64, u64, u64)> {
    (0_u64..60, 0_u64..60, 0_u64..40).prop_map(|(c01, c10, scale)| (c01, c10, c01 + c10 + (1 << (scale % 31))))
}

fn arm() -> impl Strategy<Value = Arm> {
    (0_u64..80, 0_u32..30).prop_map(|(events, scale)| Arm { events, n: events + (1 << scale) })
}

/// Two columns of latencies of the same length; some failed.
fn columns() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let value = prop_oneof![19 => (1_u32..5_000_000).prop_map(f64::from), 1 => Just(f64::INFINITY)];
    vec((value.clone(), value), 1..300).prop_map(|rows| rows.into_iter().unzip())
}

/// Bounds agree up to rounding, and are absent together.
fn agree(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs(),
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn exchanging_the_arms_negates_the_bounds_of_pairs((c01, c10, n) in pairs(), alpha in level()) {
        for bound in [paired::tango, paired::bound] {
            for side in SIDES {
                let here = bound(c01, c10, n, alpha, side).unwrap();
                let there = bound(c10, c01, n, alpha, other(side)).unwrap();
                prop_assert!((here + there).abs() < 1e-12);
            }
        }
        let counts = Differences { minus: c10, zero: n - c01 - c10, plus: c01 };
        let swapped = Differences { minus: c01, plus: c10, ..counts };
        prop_assert!((betting::upper(counts, alpha).unwrap() + betting::lower(swapped, alpha).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn exchanging_the_arms_negates_the_score_bound_of_two_arms(c in arm(), b in arm(), alpha in level()) {
        for side in SIDES {
            let here = unpaired::miettinen_nurminen(c, b, alpha, side).unwrap();
            let there = unpaired::miettinen_nurminen(b, c, alpha, other(side)).unwrap();
            prop_assert!((here + there).abs() < 1e-12);
        }
    }

    #[test]
    fn bounds_bracket_the_estimate_and_widen_with_confidence((c01, c10, n) in pairs(), c in arm(), b in arm()) {
        let estimate = (c01 as f64 - c10 as f64) / n as f64;
        let difference = c.events as f64 / c.n as f64 - b.events as f64 / b.n as f64;
        let (mut paired_last, mut unpaired_last) = ((estimate, estimate), (difference, difference));
        for alpha in [0.3, 0.05, 0.001, 1e-6] {
            let here = |side| paired::bound(c01, c10, n, alpha, side).unwrap();
            let now = (here(Side::Lower), here(Side::Upper));
            prop_assert!(now.0 <= paired_last.0 + 1e-12 && now.1 >= paired_last.1 - 1e-12);
            paired_last = now;
            let here = |side| unpaired::bound(c, b, alpha, side).unwrap();
            let now = (here(Side::Lower), here(Side::Upper));
            prop_assert!(now.0 <= unpaired_last.0 + 1e-12 && now.1 >= unpaired_last.1 - 1e-12);
            unpaired_last = now;
        }
    }

    #[test]
    fn one_more_failure_of_the_candidate_never_looks_better((c01, c10, n) in pairs(), alpha in level()) {
        prop_assume!(c01 + c10 < n);
        for side in SIDES {
            let before = paired::tango(c01, c10, n, alpha, side).unwrap();
            let after = paired::tango(c01 + 1, c10, n, alpha, side).unwrap();
            prop_assert!(after >= before - 1e-12, "{side:?} {before} {after}");
        }
        let upper = |c01| betting::upper(Differences { minus: c10, zero: n - c01 - c10, plus: c01 }, alpha).unwrap();
        prop_assert!(upper(c01 + 1) >= upper(c01) - 1e-12);
    }

    #[test]
    fn more_of_the_same_evidence_never_widens_the_bounds((c01, c10, n) in pairs(), alpha in level(), times in 2_u64..9) {
        let bound = |k: u64, side| paired::bound(c01 * k, c10 * k, n * k, alpha, side).unwrap();
        prop_assert!(bound(times, Side::Upper) <= bound(1, Side::Upper) + 1e-12);
        prop_assert!(bound(times, Side::Lower) >= bound(1, Side::Lower) - 1e-12);
    }

    #[test]
    fn one_proportion_is_symmetric_in_what_counts_as_an_event(x in 0_u64..500, rest in 0_u64..5000, alpha in level()) {
        prop_assume!(x + rest > 0);
        for limit in [proportion::wilson, proportion::clopper_pearson] {
            let low = limit(x, x + rest, alpha, Side::Lower).unwrap();
            let high = limit(rest, x + rest, alpha, Side::Upper).unwrap();
            prop_assert!((low + high - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn wealth_depends_on_counters_alone(differences in vec(-1_i8..=1, 0..400), m in -0.5..0.5_f64, cut in 0_usize..400) {
        // The product taken one pair after the other, per bet, against the formula on the counters.
        let count = |part: &[i8]| {
            let of = |x: i8| part.iter().filter(|d| **d == x).count() as u64;
            Differences { minus: of(-1), zero: of(0), plus: of(1) }
        };
        let bets = (0..40).map(|j| 0.002_f64 * (0.98_f64 / 0.002).powf(f64::from(j) / 39.0));
        let product: f64 = bets
            .map(|f| differences.iter().map(|x| 1.0 + f / (1.0 + m) * (f64::from(*x) - m)).product::<f64>())
            .sum::<f64>() / 40.0;
        let counts = count(&differences);
        let wealth = betting::log_wealth(counts, m, Hypothesis::AtMost).unwrap();
        prop_assert!((wealth - product.ln()).abs() < 1e-8 || product < 1e-280);

        let (first, second) = differences.split_at(cut.min(differences.len()));
        let (first, second) = (count(first), count(second));
        let merged = Differences {
            minus: first.minus + second.minus,
            zero: first.zero + second.zero,
            plus: first.plus + second.plus,
        };
        prop_assert_eq!(betting::upper(merged, 0.05).unwrap().to_bits(), betting::upper(counts, 0.05).unwrap().to_bits());
    }

    #[test]
    fn paired_counters_may_be_filled_in_any_order_and_batch(
        rows in vec((any::<bool>(), any::<bool>()), 0..200),
        cut in 0_usize..200,
    ) {
        let fill = |rows: &[(bool, bool)]| {
            let mut counts = PairedCounts::default();
            rows.iter().for_each(|(b, c)| counts.add(*b, *c));
            counts
        };
        let (first, second) = rows.split_at(cut.min(rows.len()));
        prop_assert_eq!(fill(second).merged(fill(first)), fill(&rows));
        prop_assert_eq!(fill(&rows).pairs(), rows.len() as u64);
        let exchanged: Vec<_> = rows.iter().map(|(b, c)| (*c, *b)).collect();
        prop_assert_eq!(fill(&exchanged), fill(&rows).swapped());
    }

    #[test]
    fn quantile_ratios_follow_scale_and_exchange(
        (b, c) in columns(), share in 0.05..0.95_f64, alpha in level(), factor in 1_u32..50,
    ) {
        let factor = f64::from(factor);
        let scaled: Vec<f64> = c.iter().map(|value| value * factor).collect();
        let here = QuantilePair::paired(&b, &c, share).unwrap();
        let larger = QuantilePair::paired(&b, &scaled, share).unwrap();
        let exchanged = QuantilePair::paired(&c, &b, share).unwrap();
        for side in SIDES {
            let bound = here.bound(alpha, side).unwrap();
            prop_assert!(agree(larger.bound(alpha, side).unwrap(), bound.map(|value| value * factor)));
            prop_assert!(agree(exchanged.bound(alpha, other(side)).unwrap(), bound.map(|value| 1.0 / value)));
        }
    }

    #[test]
    fn quantile_ratios_do_not_depend_on_the_order_of_pairs((b, c) in columns(), turn in 0_usize..300, alpha in level()) {
        let (mut b2, mut c2) = (b.clone(), c.clone());
        let turn = turn % b.len();
        b2.rotate_left(turn);
        c2.rotate_left(turn);
        b2.reverse();
        c2.reverse();
        prop_assert_eq!(QuantilePair::paired(&b, &c, 0.5).unwrap(), QuantilePair::paired(&b2, &c2, 0.5).unwrap());
        let upper = |b: &[f64], c: &[f64]| QuantilePair::paired(b, c, 0.95).unwrap().bound(alpha, Side::Upper).unwrap();
        prop_assert_eq!(upper(&b, &c).map(f64::to_bits), upper(&b2, &c2).map(f64::to_bits));
    }

    #[test]
    fn a_failure_more_never_makes_the_candidate_look_faster((b, c) in columns(), which in 0_usize..300) {
        let mut failed = c.clone();
        let which = which % c.len();
        failed[which] = f64::INFINITY;
        let upper = |c: &[f64]| QuantilePair::unpaired(&b, c, 0.9).unwrap().bound(0.05, Side::Upper).unwrap();
        match (upper(&c), upper(&failed)) {
            (Some(before), Some(after)) => prop_assert!(after >= before * (1.0 - 1e-12)),
            (None, after) => prop_assert!(after.is_none()),
            (Some(_), None) => {}
        }
    }

    #[test]
    fn cost_ratios_follow_scale_and_exchange(
        rows in vec((1_u32..1_000_000, 1_u32..1_000_000), 2..200), factor in 1_u32..50, alpha in level(),
    ) {
        let (b, c): (Vec<f64>, Vec<f64>) = rows.iter().map(|(b, c)| (f64::from(*b), f64::from(*c))).unzip();
        let scaled: Vec<f64> = c.iter().map(|value| value * f64::from(factor)).collect();
        let here = MeanRatio::paired(&b, &c).unwrap();
        let larger = MeanRatio::paired(&b, &scaled).unwrap();
        let exchanged = MeanRatio::paired(&c, &b).unwrap();
        for side in SIDES {
            if let (Ok(bound), Ok(of_larger)) = (here.bound(alpha, side), larger.bound(alpha, side)) {
                prop_assert!(agree(Some(of_larger), Some(bound * f64::from(factor))));
            }
            if let (Ok(bound), Ok(back)) = (here.bound(alpha, side), exchanged.bound(alpha, other(side))) {
                prop_assert!(agree(Some(back), Some(1.0 / bound)));
            }
        }
    }

    #[test]
    fn split_p_values_are_probabilities(b in 0_u64..3000, c in 0_u64..3000, share in 0.0001..0.9999_f64) {
        prop_assume!(b + c > 0);
        let p = srm::p_value(b, c, share).unwrap();
        prop_assert!((0.0..=1.0).contains(&p));
        prop_assert!((p - srm::p_value(c, b, 1.0 - share).unwrap()).abs() < 1e-6);
    }

    #[test]
    fn estimators_answer_or_refuse_anything(
        a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), d in any::<u64>(), x in any::<f64>(), y in any::<f64>(),
    ) {
        for side in SIDES {
            let bounds = [
                proportion::wilson(a, b, x, side),
                paired::bound(a, b, c, x, side),
                unpaired::bound(Arm { events: a, n: b }, Arm { events: c, n: d }, x, side),
            ];
            for bound in bounds.into_iter().flatten() {
                prop_assert!((-1.0..=1.0).contains(&bound));
            }
        }
        let counts = Differences { minus: a, zero: b, plus: c };
        if let Ok(upper) = betting::upper(counts, x) {
            prop_assert!((-1.0..=1.0).contains(&upper));
        }
        if let Ok(wealth) = betting::log_wealth(counts, y, Hypothesis::AtLeast) {
            prop_assert!(!wealth.is_nan());
        }
        if let Ok(pair) = QuantilePair::paired(&[x, y], &[y, x], 0.5) {
            prop_assert!(pair.bound(0.05, Side::Upper).is_ok());
        }
        if let Ok(ratio) = MeanRatio::unpaired(&[x, y, 1.0], &[y, x]) {
            prop_assert!(ratio.bound(0.05, Side::Upper).map_or(true, |bound| !bound.is_nan()));
        }
    }
}
