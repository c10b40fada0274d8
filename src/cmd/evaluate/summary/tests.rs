use super::*;
use judge::verdict::{Bill, Count, Evidence, EvidenceKind, Instrument, SCHEMA, WeightBounds, Window};

fn guardrail(metric: &str, segment: &str, scale: Scale, upper: Option<f64>, state: State) -> Guardrail {
    let (estimate, margin) = if scale == Scale::Ratio { (1.0312, 1.15) } else { (-0.0004, 0.005) };
    Guardrail {
        metric: metric.to_owned(),
        segment: segment.to_owned(),
        evidence: EvidenceKind::Paired,
        decides: true,
        state,
        scale,
        estimate: Some(estimate),
        lower: None,
        upper,
        margin,
        alpha: 0.05,
        alpha_alarm: 0.001,
        n: 1200,
        events: Some(12),
        design_effect: 1.0,
        clusters_effective: None,
        baseline_value: None,
        candidate_value: None,
        method: "m".to_owned(),
        direction: "lower-is-better".to_owned(),
        why: String::new(),
    }
}

fn verdict() -> Verdict {
    Verdict {
        schema: SCHEMA.to_owned(),
        verdict: Decision::Hold,
        reasons: vec!["Not enough.".to_owned()],
        migration: "chat".to_owned(),
        epoch: 3,
        weight_percent: 10.0,
        next_weight_percent: 10.0,
        next_weight_bound: "verdict".to_owned(),
        weight_bounds: WeightBounds::default(),
        moderation: None,
        watch: Vec::new(),
        segments: Vec::new(),
        needed: vec![Needed {
            metric: "ttft_p95".to_owned(),
            segment: "canary".to_owned(),
            pairs: Some(310),
            hours: Some(0.5),
        }],
        guardrails: vec![
            guardrail("errors", "all", Scale::Difference, Some(0.0031), State::Pass),
            guardrail("ttft_p95", "canary", Scale::Ratio, None, State::HoldInsufficient),
        ],
        instrument: Instrument {
            pairs: 1200,
            unmatched: vec![Count { name: "not sampled".to_owned(), count: 7 }],
            mirror_loss: Some(0.005),
            ..Instrument::default()
        },
        bill: Bill {
            currency: "USD".to_owned(),
            pairs_priced: 1200,
            baseline: "1.000000".to_owned(),
            candidate: "0.250000".to_owned(),
            ratio: Some(0.25),
            ratio_lower: Some(0.24),
            ratio_upper: Some(0.26),
            ..Bill::default()
        },
        window: Window::default(),
        inputs: Vec::new(),
        policy_digest: String::new(),
        tariff_digest: String::new(),
        seed: 0,
        version: "0".to_owned(),
        created_at: "2026-11-20T00:00:00Z".to_owned(),
        evidence: Evidence::default(),
        signature: None,
    }
}

#[test]
fn the_summary_is_one_aligned_page() {
    let expected = "\
HOLD  chat, epoch 3 at 10 %
- Not enough.

  Guardrail          Estimate     Upper    Margin     n  State
  errors             -0.04 pt  +0.31 pt  +0.50 pt  1200  pass
  ttft_p95 (canary)    x1.031         -    x1.150  1200  hold: insufficient

Pairs        1200; no pair: 7 not sampled; mirror loss 0.50 %
Bill         1.000000 USD baseline, 0.250000 USD candidate, x0.250 (95 %: x0.240
             to x0.260)
Next weight  10 % (now 10 %, decided by verdict)
Needed       ttft_p95 (canary): 310 more, about 30 min
";
    assert_eq!(of(&verdict(), false), expected);
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let coloured = of(&verdict(), true);
    assert!(coloured.starts_with("\u{1b}[1;33mHOLD\u{1b}[0m"), "{coloured}");
    let mut plain = coloured;
    for code in ["\u{1b}[1;31m", "\u{1b}[1;32m", "\u{1b}[1;33m", "\u{1b}[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, of(&verdict(), false));
}
