use super::*;
use crate::routing::rules::HeaderRule;
use crate::routing::sampling::Stratum;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

fn bp(percent: f64) -> WeightBp {
    WeightBp::from_percent(percent).unwrap()
}

fn weights(candidate: f64, shadow: f64) -> Weights {
    Weights { candidate: bp(candidate), shadow: bp(shadow) }
}

struct Case {
    rules: Rules,
    sampling: Sampling,
    headers: HeaderMap,
    fits: bool,
    prompt_chars: u64,
    paused: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            rules: Rules { header: Some(HeaderRule { name: CANARY, value: None }), ..Rules::default() },
            sampling: Sampling::default(),
            headers: HeaderMap::new(),
            fits: true,
            prompt_chars: 10,
            paused: false,
        }
    }
}

const CANARY: HeaderName = HeaderName::from_static("x-canary");

impl Case {
    fn forcing(value: &'static str) -> Self {
        let headers = [(CANARY, HeaderValue::from_static(value))].into_iter().collect();
        Self { headers, ..Self::default() }
    }

    fn plan(&self, unit: &[u8], weights: Weights) -> Plan {
        let question = Question {
            unit,
            headers: &self.headers,
            fits: self.fits,
            prompt_chars: self.prompt_chars,
            consumer: None,
            model: "m",
            paused: self.paused,
        };
        plan("s", &self.rules, &self.sampling, weights, &question)
    }
}

#[test]
fn an_unfit_request_stays_on_the_baseline_at_any_weight_and_by_any_header() {
    let case = Case { fits: false, ..Case::forcing("always") };
    let plan = case.plan(b"u", weights(100.0, 100.0));
    assert_eq!(plan.assignment, Assignment::forced(Arm::Baseline, AssignedBy::Unfit));
    assert_eq!((plan.mirror, plan.shadow_bp, plan.no_mirror), (false, 0, Some(ShadowFate::Unfit)));
}

#[test]
fn only_what_the_baseline_serves_is_mirrored() {
    let served = Case::default().plan(b"u", weights(100.0, 100.0));
    assert_eq!((served.assignment.arm, served.mirror, served.no_mirror), (Arm::Candidate, false, None));
    assert!(Case::default().plan(b"u", weights(0.0, 100.0)).mirror);
    assert_eq!(Case::default().plan(b"u", weights(0.0, 0.0)).no_mirror, Some(ShadowFate::NotSampled));
}

#[test]
fn a_pause_stops_copies_and_second_calls_and_changes_nobodys_arm() {
    let sampling = Sampling { repeat: WeightBp::ALL, ..Sampling::default() };
    let paused = Case { paused: true, sampling: sampling.clone(), ..Case::default() };
    let running = Case { sampling, ..Case::default() };
    for unit in 0..200u32 {
        let unit = unit.to_le_bytes();
        let (before, after) = (running.plan(&unit, weights(30.0, 40.0)), paused.plan(&unit, weights(30.0, 40.0)));
        assert_eq!(after.assignment, before.assignment);
        assert_eq!((after.mirror, after.repeat, after.shadow_bp), (false, false, 0));
        let fate = (after.assignment.arm == Arm::Baseline).then_some(ShadowFate::Paused);
        assert_eq!(after.no_mirror, fate);
    }
    assert_eq!(paused.plan(b"u", weights(0.0, 0.0)).no_mirror, Some(ShadowFate::NotSampled), "nothing would have been");
    let unfit = Case { fits: false, ..paused };
    assert_eq!(unfit.plan(b"u", weights(0.0, 40.0)).no_mirror, Some(ShadowFate::Unfit));
}

#[test]
fn headers_come_before_weights_and_forced_baseline_traffic_is_mirrored_by_the_same_coin() {
    let candidate = Case::forcing("always").plan(b"u", weights(0.0, 100.0));
    assert_eq!(candidate.assignment, Assignment::forced(Arm::Candidate, AssignedBy::Header));
    let mut mirrored = [0u32; 2];
    for unit in 0..2_000u32 {
        let unit = unit.to_le_bytes();
        let forced = Case::forcing("never").plan(&unit, weights(100.0, 30.0));
        assert_eq!(forced.assignment, Assignment::forced(Arm::Baseline, AssignedBy::Header));
        let drawn = Case::default().plan(&unit, weights(0.0, 30.0));
        assert_eq!((forced.mirror, forced.shadow_bp), (drawn.mirror, 3000));
        mirrored[usize::from(forced.mirror)] += 1;
    }
    assert!(mirrored[1].abs_diff(600) < 103, "{mirrored:?}");
}

/// Split, mirror and A/A leg at 50% each: all eight combinations come equally often, wherever all three are possible.
#[test]
fn the_three_coins_are_independent() {
    let case = Case { sampling: Sampling { strata: Vec::new(), repeat: bp(50.0) }, ..Case::default() };
    let plans: Vec<Plan> = (0..40_000u32).map(|unit| case.plan(&unit.to_le_bytes(), weights(50.0, 50.0))).collect();
    let baseline: Vec<&Plan> = plans.iter().filter(|plan| plan.assignment.arm == Arm::Baseline).collect();
    // Five standard deviations of 40 000 coins are 500, of 10 000 in 20 000 with p = 1/4 they are 306.
    assert!(baseline.len().abs_diff(20_000) < 500, "{}", baseline.len());
    for mirror in [false, true] {
        for repeat in [false, true] {
            let count = baseline.iter().filter(|plan| plan.mirror == mirror && plan.repeat == repeat).count();
            assert!(count.abs_diff(baseline.len() / 4) < 306, "mirror {mirror}, repeat {repeat}: {count}");
        }
    }
    assert!(plans.iter().all(|plan| plan.assignment.arm == Arm::Baseline || !plan.repeat));
}

#[test]
fn the_stratum_decides_the_share_and_the_share_is_recorded() {
    let strata = vec![Stratum {
        prompt_chars_min: 1000,
        prompt_chars_max: u64::MAX,
        consumer: None,
        models: None,
        share: bp(100.0),
    }];
    let long = Case {
        sampling: Sampling { strata: strata.clone(), repeat: WeightBp::ZERO },
        prompt_chars: 1000,
        ..Case::default()
    };
    let short = Case { sampling: Sampling { strata, repeat: WeightBp::ZERO }, prompt_chars: 999, ..Case::default() };
    for unit in 0..100u32 {
        let (long, short) =
            (long.plan(&unit.to_le_bytes(), weights(0.0, 0.0)), short.plan(&unit.to_le_bytes(), weights(0.0, 0.0)));
        assert_eq!((long.mirror, long.shadow_bp), (true, 10_000));
        assert_eq!((short.mirror, short.shadow_bp), (false, 0));
    }
}

proptest! {
    /// The whole plan, not only its coin: a unit on the candidate stays there when the weight rises, a unit on the
    /// baseline keeps its mirror, and probabilities are the weights'.
    #[test]
    fn raising_the_weight_only_adds_units(unit in proptest::collection::vec(any::<u8>(), 0..40), low in 0u32..=10_000, more in 0u32..=10_000, shadow in 0u32..=10_000) {
        let high = (low + more).min(10_000);
        let at = |candidate: u32| {
            let weights = Weights { candidate: bp(f64::from(candidate) / 100.0), shadow: bp(f64::from(shadow) / 100.0) };
            Case::default().plan(&unit, weights)
        };
        let (before, after) = (at(low), at(high));
        prop_assert!(before.assignment.arm == Arm::Baseline || after.assignment.arm == Arm::Candidate);
        if after.assignment.arm == Arm::Baseline {
            prop_assert_eq!((before.mirror, before.repeat), (after.mirror, after.repeat));
            prop_assert_eq!(after.shadow_bp, shadow);
            prop_assert_eq!(after.assignment.probability_bp, 10_000 - high);
        } else {
            prop_assert_eq!(after.assignment.probability_bp, high);
            prop_assert!(!after.mirror && !after.repeat);
        }
    }
}
