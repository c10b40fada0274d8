//! What must hold for any evidence and policy, and what repeated steps cost together.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use super::*;

fn any_situation() -> impl Strategy<Value = Situation> {
    let decision = prop_oneof![Just(Decision::Go), Just(Decision::Hold), Just(Decision::NoGo)];
    (decision, any::<[bool; 3]>()).prop_map(|(decision, [want, above, limited])| Situation {
        decision,
        hold_for_want_of_evidence_only: want,
        estimate_above_margin: above,
        rate_limited_above_margin: limited,
    })
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let weight = prop_oneof![prop::sample::select(vec![0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0]), 0.0..=100.0_f64];
    let counts = (0..200_u64, 0..200_u64, 0..100_000_u64);
    let canary = prop::option::of((0..20_000_u64, 0.0..=0.2_f64, 0..20_000_u64, 0.0..=0.2_f64));
    let rates = (prop::option::of(1.0..1e6_f64), prop::option::of(1.0..1e5_f64), prop::option::of(0.1..60.0_f64));
    (weight, counts, canary, 0.0..200.0_f64, rates).prop_map(|(weight, (c, b, more), canary, earlier, rates)| {
        let mut evidence = if c + b + more > 0 { pairs(c, b, c + b + more) } else { Evidence::default() };
        evidence.weight_percent = weight;
        evidence.earlier_extra_failures = earlier;
        let bad = |n: u64, share: f64| (n, (n as f64 * share) as u64);
        evidence.canary = canary.map(|(nb, pb, nc, pc)| served(bad(nb, pb), bad(nc, pc)));
        evidence.rates.requests_per_hour = rates.0;
        evidence.rates.requests_per_minute_peak = rates.1;
        evidence.rates.duration_p95_seconds = rates.2;
        evidence
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let climbs = prop::sample::select(vec![0.0, 10.0, 25.0]);
    (1.0..1e4_f64, 0.0..=100.0_f64, climbs, 100.0..1e5_f64).prop_map(|(budget, most, climbs, step)| {
        policy(&format!(
            "[weight]\nharm_budget_requests = {budget:.3}\nmax_percent = {most:.3}\nhold_climbs_to_percent = {climbs}\n\
             requests_per_step = {step:.1}\n[capacity]\nrequests_per_minute = 3000\nconcurrency = 500\n"
        ))
    })
}

proptest! {
    #[test]
    fn never_raised_beyond_a_bound_and_one_rung_at_most(
        situation in any_situation(), evidence in any_evidence(), policy in any_policy()
    ) {
        let next = next_weight(&situation, &evidence, &policy);
        let now = evidence.weight_percent;
        let ladder = &policy.weight.ladder_percent;
        prop_assert!((0.0..=100.0).contains(&next.percent));
        prop_assert!(next.percent <= policy.weight.max_percent);
        let on_ladder = ladder.iter().chain([&0.0, &now]).any(|rung| (next.percent - rung).abs() < 1e-12);
        prop_assert!(on_ladder, "{}", next.percent);
        if next.percent > now {
            let b = next.bounds;
            for limit in [b.risk_percent, b.reaction_percent, b.capacity_percent, b.policy_percent].into_iter().flatten() {
                prop_assert!(next.percent <= limit, "{next:?}");
            }
            prop_assert!(ladder.iter().all(|rung| *rung <= now || *rung >= next.percent), "more than a rung");
            prop_assert_eq!(next.bound, "ladder");
            let climbs = situation.decision == Decision::Go
                || (situation.hold_for_want_of_evidence_only && next.percent <= policy.weight.hold_climbs_to_percent);
            prop_assert!(climbs && !situation.rate_limited_above_margin);
        }
        if situation.decision == Decision::NoGo {
            prop_assert_eq!((next.percent, next.bound), (0.0, "verdict"));
        }
    }

    #[test]
    fn more_budget_never_lowers(
        situation in any_situation(), evidence in any_evidence(), policy in any_policy(), more in 1.0..1e4_f64
    ) {
        let mut richer = policy.clone();
        richer.weight.harm_budget_requests += more;
        let (poor, rich) = (next_weight(&situation, &evidence, &policy), next_weight(&situation, &evidence, &richer));
        prop_assert!(rich.percent >= poor.percent, "{poor:?} {rich:?}");
        prop_assert!(rich.bounds.risk_percent >= poor.bounds.risk_percent);
        prop_assert!(rich.bounds.reaction_percent >= poor.bounds.reaction_percent);
    }

    #[test]
    fn bad_news_never_raises(
        situation in any_situation(), evidence in any_evidence(), policy in any_policy(), worse in 1..100_u64
    ) {
        let before = next_weight(&situation, &evidence, &policy);
        let mut with_failures = evidence.clone();
        if let Some(paired) = with_failures.paired.epochs.get_mut(&0) {
            // As many pairs as before, some of them bad now.
            let table = paired.table_mut(Share::Errors.slot());
            let moved = worse.min(table.both_good);
            table.both_good -= moved;
            table.only_candidate_bad += moved;
        }
        let mut with_spending = evidence.clone();
        with_spending.earlier_extra_failures += worse as f64;
        let mut busier = evidence.clone();
        let raised = |rate: Option<f64>| rate.map(|rate| rate * (1.0 + worse as f64));
        busier.rates.requests_per_hour = raised(evidence.rates.requests_per_hour);
        busier.rates.requests_per_minute_peak = raised(evidence.rates.requests_per_minute_peak);
        for changed in [with_failures, with_spending, busier] {
            let after = next_weight(&situation, &changed, &policy);
            prop_assert!(after.percent <= before.percent, "{before:?} {after:?}");
        }
        for worse in [
            Situation { decision: Decision::NoGo, ..situation },
            Situation { rate_limited_above_margin: true, ..situation },
            Situation { estimate_above_margin: true, ..situation },
        ] {
            prop_assert!(next_weight(&worse, &evidence, &policy).percent <= before.percent);
        }
    }
}

/// A candidate that is worse by `excess` all the way, judged GO whatever happens (the worst judge there is), for `steps`
/// steps of `requests_per_step`. Returns the extra failures that it really caused, in expectation over its requests.
fn harm_of_a_ramp(random: &mut ChaCha8Rng, excess: f64, steps: u32, policy: &Policy) -> f64 {
    let base = 0.01;
    let mut evidence = Evidence::default();
    let paired = evidence.paired.epochs.entry(0).or_default();
    paired.pairs = 2000;
    for _ in 0..2000 {
        paired.table_mut(Share::Errors.slot()).add(random.random_bool(base), random.random_bool(base + excess));
    }
    let step = policy.weight.requests_per_step as u64;
    let mut harm = 0.0;
    for number in 0..steps {
        let next = next_weight(&Situation::of(Decision::Go), &evidence, policy);
        if next.percent >= 100.0 {
            // The migration is over; see the module's head.
            break;
        }
        let candidate = (step as f64 * next.percent / 100.0).round() as u64;
        let spent = next.bounds.spent_requests.unwrap();
        let bad = |random: &mut ChaCha8Rng, n: u64, share: f64| (n, Binomial::new(n, share).unwrap().sample(random));
        let baseline = bad(random, step - candidate, base);
        let answered = bad(random, candidate, base + excess);
        evidence.weight_percent = next.percent;
        evidence.earlier_extra_failures = spent;
        let mut canary = served(baseline, answered);
        let epoch = canary.epochs.remove(&1).unwrap();
        let canary = evidence.canary.get_or_insert_default();
        canary.epochs.insert(u64::from(number) + 1, epoch);
        harm += candidate as f64 * excess;
    }
    harm
}

#[test]
fn many_steps_cost_no_more_than_the_budget() {
    let mut random = ChaCha8Rng::seed_from_u64(20_261_123);
    let policy = policy("[weight]\nmax_percent = 50\n");
    let budget = policy.weight.harm_budget_requests;
    for (excess, steps) in [(0.002, 200), (0.005, 100), (0.02, 60), (0.1, 30)] {
        let runs = 40;
        let harms: Vec<f64> = (0..runs).map(|_| harm_of_a_ramp(&mut random, excess, steps, &policy)).collect();
        let mean = harms.iter().sum::<f64>() / f64::from(runs);
        let most = harms.iter().copied().fold(0.0, f64::max);
        println!("excess {excess}: mean harm {mean:.1}, most {most:.1} of {budget}");
        // The promise is about the expectation. What is spent is only observed, and the excess bounded by what two epochs
        // served, so that single runs of a judge that never says no may pass the budget.
        assert!(mean <= budget && most <= 2.0 * budget, "excess {excess}: {mean} {most}");
    }
}
