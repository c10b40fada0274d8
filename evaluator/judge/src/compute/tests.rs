use super::*;

#[test]
fn refusals_begin_with_a_stable_reason() {
    let reason = |method: &str, inputs: Value| compute(method, &inputs).expect_err("must be refused").to_string();
    assert!(reason("magic", json!({})).starts_with("unknown-method: no method `magic`"));
    assert!(reason("wilson", json!({"events": 1})).starts_with("bad-input: missing field"));
    assert!(
        reason("srm", json!({"units_baseline": 1, "units_candidate": 1, "share": 0.5, "x": 1}))
            .contains("unknown field")
    );
    let empty = json!({"events": 0, "n": 0, "alpha": 0.05, "side": "upper"});
    assert!(reason("wilson", empty).starts_with("no-observations: "));
    let typo = json!({"evidence": {}, "policy": "alfa = 1"});
    assert!(reason("judge", typo).contains("policy: line 1: unknown key"));
}

#[test]
fn a_whole_judgement_can_be_asked_for() {
    let judged = compute("judge", &json!({"evidence": {}})).expect("judged");
    assert_eq!(judged["verdict"], "hold");
    let misspelt = compute("judge", &json!({"evidence": {"pared": {}}}));
    assert!(matches!(misspelt, Err(Declined::BadInput(_))));
}
