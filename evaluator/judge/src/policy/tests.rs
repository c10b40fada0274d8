use super::*;

fn refused(text: &str) -> PolicyError {
    Policy::parse(text).expect_err("must be refused")
}

#[test]
fn the_embedded_defaults_are_valid_and_are_the_documented_ones() {
    let policy = Policy::parse("").expect("defaults");
    assert_eq!(policy, Policy::default());
    assert_eq!((policy.levels.alpha_go, policy.levels.alpha_nogo), (0.05, 0.01));
    let floors = policy.floors;
    assert_eq!(
        (floors.pairs, floors.pairs_p95, floors.pairs_p99, floors.clusters, floors.events),
        (200, 400, 2000, 5, 20)
    );
    assert_eq!((policy.levels.looks, policy.levels.planned_starts), (Looks::Any, 16));
    assert_eq!((policy.futility.from_share, policy.futility.horizon, policy.futility.power_below), (0.6, 4.0, 0.01));
    assert_eq!(policy.weight.ladder_percent, [1.0, 5.0, 10.0, 25.0, 50.0, 100.0]);
    assert_eq!((policy.weight.harm_budget_requests, policy.weight.requests_per_step), (120.0, 5000.0));
    assert_eq!((policy.instrument.srm_p, policy.instrument.srm_e), (0.001, 1000.0));
    // Shares in judged order, percentage points turned into shares; those that need a limit or a taste are off.
    let shares = Share::ALL.map(|share| policy.share_margin(share));
    let points = shares.map(|margin| (margin.value * 1e4).round() / 100.0);
    assert_eq!(
        points.map(f64::to_bits),
        [0.5, 0.2, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 0.5].map(f64::to_bits)
    );
    let off: Vec<&str> =
        Share::ALL.into_iter().filter(|share| !policy.share_margin(*share).enabled).map(Share::name).collect();
    assert_eq!(off, ["slow_ttft", "slow_duration", "answer_disagreement"]);
    let ratios = Latency::ALL.map(|latency| {
        Quantile::ALL.map(|quantile| policy.latency_margin(latency, quantile).map_or(0.0, |margin| margin.value))
    });
    assert_eq!(
        ratios.map(|of| of.map(f64::to_bits)),
        [[1.10, 1.15, 1.25], [1.10, 1.15, 1.25], [1.10, 1.20, 0.0]].map(|of: [f64; 3]| of.map(f64::to_bits))
    );
    assert_eq!((policy.guardrails.cost.value, policy.guardrails.quality.value), (1.00, 2.0));
    assert_eq!(policy.label_margin("exact"), Margin { enabled: true, value: 2.0 });
    assert_eq!(policy.demanded_labels().count(), 0);
    assert_eq!(policy.fewer_margin(Share::GuardFlags), Margin { enabled: true, value: 0.01 });
    assert_eq!(policy.fewer_margin(Share::Blocked), policy.share_margin(Share::Blocked));
    assert_eq!(policy.instrument.guard_failed_percent.to_bits(), 1.0_f64.to_bits());
}

#[test]
fn own_keys_lie_over_the_defaults() {
    let text = "[guardrails.cost]\nmargin_ratio = 0.6\n[guardrails.ttft_p95]\nenabled = false\n[labels.exact]\nmargin_points = 1\n";
    let policy = Policy::parse(text).expect("policy");
    assert_eq!(policy.guardrails.cost, Margin { enabled: true, value: 0.6 });
    let ttft = |policy: &Policy, quantile| policy.latency_margin(Latency::Ttft, quantile).unwrap();
    assert!(!ttft(&policy, Quantile::P95).enabled);
    assert_eq!(policy.label_margin("exact"), Margin { enabled: true, value: 1.0 });
    assert_eq!(policy.label_margin("other"), Margin { enabled: true, value: 2.0 });
    assert_eq!(policy.demanded_labels().collect::<Vec<_>>(), ["exact"]);
    assert_eq!(ttft(&policy, Quantile::P50), ttft(&Policy::default(), Quantile::P50));
}

#[test]
fn unknown_keys_name_line_and_nearest_key() {
    let error = refused("# mine\n[guardrails.errors]\nmargin_point = 0.4\n");
    let PolicyError::UnknownKey { line, key, nearest } = &error else { panic!("{error:?}") };
    assert_eq!(
        (*line, key.as_str(), nearest.as_str()),
        (3, "guardrails.errors.margin_point", "guardrails.errors.margin_points")
    );
    assert_eq!(
        error.to_string(),
        "line 3: unknown key `guardrails.errors.margin_point`; the nearest known key is `guardrails.errors.margin_points`"
    );
    for text in [
        "[guardrials.errors]\nenabled = true",
        "colour = 1",
        "[latency]\n",
        "guardrails = 3",
        "[levels.alpha_go]\nx = 1",
        "[labels.errors]\nmargin_points = 1.0",
    ] {
        assert!(matches!(refused(text), PolicyError::UnknownKey { .. }), "{text}");
    }
    assert!(Policy::parse("[guardrails]\n[guardrails.errors]\n").is_ok(), "an empty table of known keys does no harm");
}

#[test]
fn wrong_kinds_and_ranges_are_refused_with_their_line() {
    let message = |text: &str| refused(text).to_string();
    assert_eq!(message("[levels]\nalpha_go = \"low\""), "line 2: `levels.alpha_go` must be a number, found a string");
    assert!(
        message("[levels]\nalpha_go = 0.7").starts_with("line 2: `levels.alpha_go` is 0.7; expected a number from")
    );
    assert!(message("[levels]\nalpha_go = nan").contains("expected a number from"));
    assert!(message("[floors]\npairs = 1.5").contains("whole number"));
    assert!(message("[floors]\npairs = 0").contains("whole number of 1 or more"));
    assert!(message("[weight]\nladder_percent = [5, 1]").contains("ascending percentages"));
    assert!(message("[weight]\nladder_percent = []").contains("ascending percentages"));
    assert!(message("[guardrails.cost]\nenabled = 1").contains("must be true or false, found a number"));
    assert!(matches!(refused("a = = 1"), PolicyError::Syntax { line: 1, .. }));
}

#[test]
fn a_small_reference_share_tightens_the_error_margin() {
    let margin = |reference: &str| {
        Policy::parse(&format!("[guardrails.errors]\nreference_error_percent = {reference}\n"))
            .expect("policy")
            .error_margin_points()
    };
    assert!((margin("0.3") - 0.15).abs() < 1e-12);
    assert!((margin("0.05") - 0.1).abs() < 1e-12);
    assert!((margin("0.5") - 0.5).abs() < 1e-12);
    assert!((margin("2") - 0.5).abs() < 1e-12);
    assert!((Policy::default().error_margin_points() - 0.5).abs() < 1e-12);
}

#[test]
fn the_digest_follows_values_and_not_spelling() {
    let default = Policy::default().digest();
    assert_eq!(default.len(), 64);
    assert_eq!(Policy::parse("# only a remark\n[levels]\nalpha_go = 0.050\n").expect("policy").digest(), default);
    assert_ne!(Policy::parse("[levels]\nalpha_go = 0.04\n").expect("policy").digest(), default);
    assert_ne!(Policy::parse("[labels.exact]\nmargin_points = 2\n").expect("policy").digest(), default);
}

#[test]
fn a_default_that_cannot_be_read_would_hold_everything() {
    let policy = Policy::holds_everything();
    assert!(!policy.share_margin(Share::Errors).enabled && policy.weight.ladder_percent.is_empty());
}

#[test]
fn borders_of_single_keys() {
    let message = |text: &str| refused(text).to_string();
    assert!(message("[levels]\nalpha_go = 0.5").starts_with("line 2: `levels.alpha_go` is 0.5; expected"));
    assert!(Policy::parse("[levels]\nalpha_go = 0.499").is_ok());
    assert!(message("[weight]\nladder_percent = [1, 2.005]").contains("steps of 0.01"));
    assert_eq!(Policy::parse("[weight]\nladder_percent = [0.07, 33.33]").unwrap().weight.ladder_percent, [0.07, 33.33]);
    assert!(message("[evidence]\nmax_age_hours = 0").contains("expected a number from 0.01"));
    assert!((Policy::default().evidence.max_age_hours - 168.0).abs() < 1e-12);
    assert!(Policy::default().share_margin(Share::Cancellations).enabled);
}

#[test]
fn an_empty_table_of_a_label_demands_it_with_the_defaults() {
    let policy = Policy::parse("[labels.exact]\n[labels.default]\n").expect("policy");
    assert_eq!(policy.demanded_labels().collect::<Vec<_>>(), ["exact"]);
    assert_eq!(policy.label_margin("exact"), Margin { enabled: true, value: 2.0 });
    assert!(matches!(refused("[labels.errors]\n"), PolicyError::UnknownKey { .. }));
}
