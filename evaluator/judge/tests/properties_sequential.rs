//! What must hold for any sequential evidence: order, batching, exchange, more evidence, and an answer instead of a
//! panic.

#![expect(clippy::unwrap_used, reason = "helpers of a test; a refusal of a valid input must fail it")]

use judge::stats::betting::{self, Differences, Hypothesis, Tally};
use judge::stats::blocks::{BlockCounts, BlockFormer, Served};
use judge::stats::group_sequential::{self, Spending};
use judge::stats::stratified::{self, Stratum, Sums};
use judge::stats::{discordant, power, restarts, sequence, srm};
use proptest::collection::vec;
use proptest::prelude::*;

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.05), Just(0.025), Just(0.01 / 240.0), 1e-9..0.49_f64]
}

fn design_effect() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 1.0..60.0_f64]
}

/// Counts from none to beyond 1e9.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..50, 0_u64..5000, 0_u64..4_000_000_000]
}

fn differences() -> impl Strategy<Value = Differences> {
    (count(), count(), count()).prop_map(|(minus, zero, plus)| Differences { minus, zero, plus })
}

/// Values of blocks, not reduced and in any order.
fn values() -> impl Strategy<Value = Vec<(i32, u32, u64)>> {
    let value = (1_u32..=20, 0_u32..=40, count())
        .prop_map(|(of, above, count)| ((above % (2 * of + 1)) as i32 - of as i32, of, count));
    vec(value, 0..40)
}

fn requests() -> impl Strategy<Value = Vec<Served>> {
    let request = (0_u64..3, 0_i64..3, any::<bool>(), any::<u64>());
    vec(request, 0..300).prop_map(|rows| {
        let mut minute = 0;
        let mut next = |(stratum, wait, candidate, outcomes): (u64, i64, bool, u64)| {
            minute += i64::from(wait == 2);
            Served { stratum, minute, candidate, outcomes }
        };
        rows.into_iter().map(&mut next).collect()
    })
}

fn formed(weight: f64, requests: &[Served], metric: usize) -> (BlockCounts, u64, u64) {
    let mut former = BlockFormer::new(weight).unwrap();
    let mut counts = BlockCounts::default();
    let mut used = 0;
    let mut note = |block: &judge::stats::blocks::Block| {
        counts.add(block, metric);
        used += 1 + u64::from(block.baselines());
    };
    for request in requests {
        former.push(*request, &mut note);
    }
    let unused = former.finish(&mut note);
    (counts, used, unused.candidate + unused.baseline + unused.late)
}

proptest! {
    #[test]
    fn exchanging_the_arms_negates_bets_to_the_last_bit(
        rows in values(), m in -0.9..0.9_f64, alpha in level(), deff in design_effect(),
    ) {
        let here = Tally::new(rows.iter().copied()).unwrap();
        let there = Tally::new(rows.iter().map(|(x, of, count)| (-x, *of, *count))).unwrap();
        prop_assert_eq!(&here.negated(), &there);
        let (upper, lower) = (here.upper(alpha, deff).unwrap(), there.lower(alpha, deff).unwrap());
        prop_assert_eq!(upper.to_bits(), (-lower).to_bits());
        let won = here.log_wealth(m, Hypothesis::AtMost, deff).unwrap();
        prop_assert_eq!(won.to_bits(), there.log_wealth(-m, Hypothesis::AtLeast, deff).unwrap().to_bits());
    }

    #[test]
    fn tallies_do_not_know_in_which_order_they_were_filled(
        rows in values(), twist in 1_usize..40, alpha in level(), deff in design_effect(),
    ) {
        let mut turned: Vec<_> = rows.iter().rev().map(|(x, of, count)| (3 * x, 3 * of, *count)).collect();
        if !turned.is_empty() {
            let middle = twist % turned.len();
            turned.rotate_left(middle);
        }
        // And each row in two parts.
        let parts = rows.iter().flat_map(|(x, of, count)| [(*x, *of, count / 3), (*x, *of, count - count / 3)]);
        let here = Tally::new(rows.iter().copied()).unwrap();
        for there in [Tally::new(turned).unwrap(), Tally::new(parts).unwrap()] {
            prop_assert_eq!(here.upper(alpha, deff).unwrap().to_bits(), there.upper(alpha, deff).unwrap().to_bits());
            prop_assert_eq!(here.lower(alpha, deff).unwrap().to_bits(), there.lower(alpha, deff).unwrap().to_bits());
            let wealth = |tally: &Tally| tally.log_wealth(0.01, Hypothesis::AtMost, deff).unwrap().to_bits();
            prop_assert_eq!(wealth(&here), wealth(&there));
        }
    }

    #[test]
    fn bounds_are_where_the_wealth_meets_the_threshold(rows in values(), alpha in level(), deff in design_effect()) {
        let tally = Tally::new(rows).unwrap();
        let Some(mean) = tally.mean() else { return Ok(()) };
        let upper = tally.upper(alpha, deff).unwrap();
        let lower = tally.lower(alpha, deff).unwrap();
        prop_assert!(-1.0 <= lower && lower <= mean + 1e-15 && mean <= upper + 1e-15 && upper <= 1.0);
        let threshold = -alpha.ln();
        // A step of rounding in the border moves the wealth by a step of rounding times all counts.
        let room = 1e-9 + tally.n() as f64 * 1e-15 / (1.0 - upper).max(1e-12);
        if upper < 1.0 - 1e-9 && upper > mean {
            let wealth = tally.log_wealth(upper, Hypothesis::AtLeast, deff).unwrap();
            prop_assert!((wealth - threshold).abs() < room, "{} {}", wealth, threshold);
        }
        let room = 1e-9 + tally.n() as f64 * 1e-15 / (1.0 + lower).max(1e-12);
        if lower > -1.0 + 1e-9 && lower < mean {
            let wealth = tally.log_wealth(lower, Hypothesis::AtMost, deff).unwrap();
            prop_assert!((wealth - threshold).abs() < room, "{} {}", wealth, threshold);
        }
    }

    #[test]
    fn harm_moves_bounds_up_and_a_design_effect_moves_them_apart(
        counts in differences(), alpha in level(), deff in design_effect(),
    ) {
        let more = Differences { plus: counts.plus + 1, ..counts };
        let worse = Differences { zero: counts.zero.saturating_sub(1), plus: counts.plus + 1, ..counts };
        let upper = betting::upper_scaled(counts, deff, alpha).unwrap();
        let lower = betting::lower_scaled(counts, deff, alpha).unwrap();
        for after in [more, worse] {
            prop_assume!(after == more || counts.zero > 0);
            // With a billion counts the wealth itself has nine digits.
            prop_assert!(betting::lower_scaled(after, deff, alpha).unwrap() >= lower - 1e-11);
            prop_assert!(betting::upper_scaled(worse, deff, alpha).unwrap() >= upper - 1e-11);
        }
        prop_assert!(betting::upper_scaled(counts, deff * 1.5, alpha).unwrap() >= upper - 1e-12);
        prop_assert!(betting::lower_scaled(counts, deff * 1.5, alpha).unwrap() <= lower + 1e-12);
        prop_assert!(betting::upper_scaled(counts, deff, alpha / 2.0).unwrap() >= upper - 1e-12);
    }

    #[test]
    fn every_request_is_in_a_block_or_counted_as_unused(
        requests in requests(), weight in 0.01..0.99_f64, metric in 0_usize..64,
    ) {
        let (counts, used, unused) = formed(weight, &requests, metric);
        prop_assert_eq!(used + unused, requests.len() as u64);
        prop_assert_eq!(counts.to_tally().unwrap().n(), counts.blocks());
    }

    #[test]
    fn what_became_of_requests_does_not_decide_who_meets_whom(
        requests in requests(), weight in 0.01..0.99_f64, mask in any::<u64>(),
    ) {
        // Other outcomes: the same blocks, of the same sizes, in the same order.
        let sizes = |requests: &[Served]| {
            let mut former = BlockFormer::new(weight).unwrap();
            let mut sizes = Vec::new();
            requests.iter().for_each(|request| former.push(*request, |block| sizes.push(block.baselines())));
            let unused = former.finish(|block| sizes.push(block.baselines()));
            (sizes, unused)
        };
        let changed: Vec<_> = requests.iter().map(|r| Served { outcomes: r.outcomes ^ mask, ..*r }).collect();
        prop_assert_eq!(sizes(&requests), sizes(&changed));
    }

    #[test]
    fn counters_of_blocks_may_be_merged_in_any_order(requests in requests(), weight in 0.01..0.99_f64, cut in 0_i64..100) {
        // Cut between two minutes, as files are.
        let (first, second): (Vec<_>, Vec<_>) = requests.iter().copied().partition(|request| request.minute < cut);
        let mut merged = formed(weight, &second, 5).0;
        merged.merge(&formed(weight, &first, 5).0);
        let whole = formed(weight, &requests, 5).0;
        prop_assert_eq!(&merged, &whole);
        let text = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(serde_json::from_str::<BlockCounts>(&text).unwrap(), whole);
    }

    #[test]
    fn averages_over_starts_know_no_order_and_cost_their_logarithm_at_most(
        logs in vec(-800.0..800.0_f64, 1..30), spare in 0_usize..30,
    ) {
        let planned = logs.len() + spare;
        let average = restarts::log_average(&logs, planned).unwrap();
        let reversed: Vec<_> = logs.iter().rev().copied().collect();
        prop_assert_eq!(average.to_bits(), restarts::log_average(&reversed, planned).unwrap().to_bits());
        let best = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(average >= best - (planned as f64).ln() - 1e-9 && average <= best.max(0.0) + 1e-9);
        let mut better = logs;
        better[0] += 1.0;
        prop_assert!(restarts::log_average(&better, planned).unwrap() >= average);
    }

    #[test]
    fn sequences_shrink_with_information_and_grow_with_confidence(
        information in 1e-3..1e9_f64, planned in 1e-3..1e9_f64, alpha in level(), factor in 1.01..50.0_f64,
    ) {
        let width = sequence::half_width(information, planned, alpha).unwrap();
        prop_assert!(sequence::half_width(information * factor, planned, alpha).unwrap() < width);
        // The tuning follows the level; above 5 % it may outweigh it.
        let strict = |alpha: f64| sequence::half_width(information, planned, alpha.min(0.04) / factor).unwrap();
        prop_assert!(strict(alpha / factor) > strict(alpha) * (1.0 - 1e-12));
        // Wider than the bound of a single look, and units do not matter.
        let single = judge::stats::special::normal_quantile(1.0 - alpha) / information.sqrt();
        prop_assert!(width > single);
        let scaled = sequence::half_width(information * factor, planned * factor, alpha).unwrap();
        prop_assert!((scaled * factor.sqrt() / width - 1.0).abs() < 1e-12);
        let n = sequence::reached_at(2.0, width, planned, alpha).unwrap();
        prop_assert!((n - 2.0 * information).abs() <= 1.0 + 1e-9 * n, "{} {}", n, information);
    }

    #[test]
    fn discordant_evidence_grows_with_harm(n in count(), share in 0.0..1.0_f64) {
        let s = (n as f64 * share) as u64;
        prop_assume!(s < n);
        let here = discordant::log_e_value(s, n).unwrap();
        prop_assert!(discordant::log_e_value(s + 1, n).unwrap() > here - 1e-9 - here.abs() * 1e-15);
        // One pair more, whichever it is, on average leaves the e-value where it is: half heads, half tails.
        let (head, tail) = (discordant::log_e_value(s + 1, n + 1).unwrap(), discordant::log_e_value(s, n + 1).unwrap());
        let average = (((head - here).exp() + (tail - here).exp()) / 2.0).ln();
        prop_assert!(average.abs() < 1e-7 + here.abs() * 1e-14, "{}", average);
    }

    #[test]
    fn the_split_s_evidence_is_symmetric_and_fair(b in count(), c in count(), share in 0.001..0.999_f64) {
        let here = srm::log_e_value(b, c, share, 100.0).unwrap();
        let there = srm::log_e_value(c, b, 1.0 - share, 100.0).unwrap();
        prop_assert!((here - there).abs() < 1e-6 * here.abs().max(1.0));
        let (baseline, candidate) = (srm::log_e_value(b + 1, c, share, 100.0), srm::log_e_value(b, c + 1, share, 100.0));
        let average = (1.0 - share) * (baseline.unwrap() - here).exp() + share * (candidate.unwrap() - here).exp();
        prop_assert!((average - 1.0).abs() < 1e-5 + here.abs() * 1e-14, "{}", average);
    }

    #[test]
    fn losses_are_compared_in_any_order_of_groups(mut groups in vec((0_u64..60, 0_u64..60), 2..5)) {
        groups.iter_mut().for_each(|(observed, intended)| *intended += *observed);
        prop_assume!(groups.iter().filter(|(_, intended)| *intended > 0).count() >= 2);
        let Ok(p) = srm::homogeneity_p(&groups) else { return Ok(()) };
        prop_assert!((0.0..=1.0).contains(&p));
        let missing: Vec<_> = groups.iter().rev().map(|(observed, intended)| (intended - observed, *intended)).collect();
        prop_assert!((srm::homogeneity_p(&missing).unwrap() - p).abs() < 1e-9);
    }

    #[test]
    fn strata_know_no_order_and_exchange_negates(rows in vec((0_u64..90, 0_u64..90, 0_u64..90, 0_u64..90), 1..40)) {
        let strata: Vec<_> = rows.iter().map(|(x, rest, other_x, other_rest)| Stratum {
            candidate_n: x + rest, candidate_x: *x, baseline_n: other_x + other_rest, baseline_x: *other_x,
        }).collect();
        let exchanged: Vec<_> = strata.iter().rev().map(|s| Stratum {
            candidate_n: s.baseline_n, candidate_x: s.baseline_x, baseline_n: s.candidate_n, baseline_x: s.candidate_x,
        }).collect();
        let Ok(here) = stratified::risk_difference(&strata) else { return Ok(()) };
        let there = stratified::risk_difference(&exchanged).unwrap();
        prop_assert!((here.estimate + there.estimate).abs() < 1e-12);
        prop_assert!((here.variance - there.variance).abs() < 1e-12);
        prop_assert!(here.variance >= 0.0 && (-1.0..=1.0).contains(&here.estimate));
        prop_assert_eq!((here.strata, here.unused), (there.strata, there.unused));
    }

    #[test]
    fn means_over_strata_follow_shift_and_scale(
        rows in vec((vec(-50.0..50.0_f64, 0..9), vec(-50.0..50.0_f64, 0..9)), 1..12), shift in -9.0..9.0_f64, scale in 0.1..9.0_f64,
    ) {
        let sums = |values: &[f64], shift: f64| {
            let moved = values.iter().map(|value| value * scale + shift);
            Sums { n: values.len() as u64, sum: moved.clone().sum(), squares: moved.map(|value| value * value).sum() }
        };
        let here: Vec<_> = rows.iter().map(|(c, b)| (sums(c, 0.0), sums(b, 0.0))).collect();
        let moved: Vec<_> = rows.iter().map(|(c, b)| (sums(c, shift), sums(b, 0.0))).collect();
        let Ok(found) = stratified::mean_difference(&here) else { return Ok(()) };
        let after = stratified::mean_difference(&moved).unwrap();
        prop_assert!((after.estimate - found.estimate - shift).abs() < 1e-9);
        prop_assert!((after.variance - found.variance).abs() < 1e-6 * found.variance.max(1e-3));
    }

    #[test]
    fn anything_is_answered_or_refused(
        a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), x in any::<f64>(), y in any::<f64>(), z in any::<f64>(),
        numerator in any::<i32>(), denominator in any::<u32>(),
    ) {
        let counts = Differences { minus: a, zero: b, plus: c };
        let tally = Tally::new([(numerator, denominator, a), (1, 3, b), (-1, 1, c)]).unwrap_or_default();
        let answers = [
            betting::upper_scaled(counts, x, y), betting::lower_scaled(counts, x, y),
            betting::upper_scaled(counts, x.abs(), 0.01), betting::lower(counts, 0.01),
            betting::log_wealth_scaled(counts, x, Hypothesis::AtMost, y),
            betting::log_wealth_scaled(counts, x, Hypothesis::AtLeast, 2.0),
            tally.upper(x, y), tally.lower(0.05, 1.0), tally.upper(0.05, 3.0),
            tally.log_wealth(x, Hypothesis::AtLeast, 1.0),
            sequence::half_width(x, y, z), sequence::half_width_two_sided(x.abs(), y.abs(), 0.05),
            sequence::planned_information(x, y, z), sequence::planned_information(x.abs(), 0.05, 0.1),
            restarts::log_average(&[x, y], 3), srm::log_e_value(a, b, x, y), srm::log_e_value(a, b, 0.3, 100.0),
            srm::homogeneity_p(&[(a, b), (c, c)]), srm::homogeneity_p(&[(a.min(b), b), (c / 2, c), (0, 7)]),
            power::futility(x, y, z, x, y), power::futility(x, y.abs(), z.abs(), 0.1, 0.2), power::design_effect(x, y),
        ];
        for answer in answers.into_iter().flatten() {
            prop_assert!(!answer.is_nan());
        }
        prop_assert!(sequence::reached_at(x, y, z, 0.05).is_none_or(|n| n >= 1.0));
        prop_assert!(sequence::reached_at(x.abs(), y.abs(), z.abs(), 0.05).is_none_or(|n| n >= 1.0));
        if let Ok(plan) = power::sequential(x.abs(), y.abs(), 0.05, 0.1) {
            prop_assert!(plan.fixed <= plan.likely && plan.median <= plan.likely);
        }
        let strata = [Stratum { candidate_n: a, candidate_x: a / 2, baseline_n: b, baseline_x: b.min(c) }];
        if let Ok(found) = stratified::risk_difference(&strata) {
            prop_assert!(found.estimate.abs() <= 1.0 && found.variance >= 0.0);
        }
        let sums = Sums { n: a, sum: x, squares: y };
        if let Ok(found) = stratified::mean_difference(&[(sums, Sums { n: b, sum: z, squares: y })]) {
            prop_assert!(found.estimate.is_finite() && found.variance >= 0.0);
        }
        if let Ok(bounds) = group_sequential::boundaries(&[x, y, 1.0], z, Spending::Pocock) {
            prop_assert!(bounds.iter().all(|bound| bound.is_finite()));
        }
    }
}

proptest! {
    // A count of 1e19 takes a long continued fraction, a plan a long integral.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn discordant_counts_of_any_size_are_answered(n in any::<u64>(), share in 0.0..1.0_f64, near in any::<bool>()) {
        let s = if near { n / 2 + (n as f64).sqrt() as u64 / 3 } else { (n as f64 * share) as u64 };
        prop_assert!(!discordant::log_e_value(s.min(n), n).unwrap().is_nan());
    }

    #[test]
    fn later_looks_of_a_plan_do_not_change_the_earlier_ones(
        mut fractions in vec(1_u32..=100, 1..6), alpha in 1e-4..0.3_f64, pocock in any::<bool>(),
    ) {
        fractions.sort_unstable();
        fractions.dedup();
        let fractions: Vec<_> = fractions.into_iter().map(|percent| f64::from(percent) / 100.0).collect();
        let spending = if pocock { Spending::Pocock } else { Spending::OBrienFleming };
        let Ok(whole) = group_sequential::boundaries(&fractions, alpha, spending) else { return Ok(()) };
        let single = judge::stats::special::normal_quantile(1.0 - alpha);
        prop_assert!(whole.iter().all(|bound| bound.is_finite()) && whole.iter().all(|bound| *bound > single - 1e-9));
        let part = group_sequential::boundaries(&fractions[..fractions.len().div_ceil(2)], alpha, spending).unwrap();
        prop_assert!(part.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-8), "{:?} {:?}", part, whole);
    }
}
