//! Records of a known truth through the whole way: what `records synth` plants in the guard's verdicts is found, and
//! nothing else is.

use super::fixture::*;
use crate::{Outcome, evaluate};
use datasets::known::{Profile, write_file};
use judge::verdict::{Decision, State};

/// Both arms alike but for the price. Nothing that is asked of a part of the requests only: their few observations would
/// hold a verdict that is about the guard.
const ALIKE: &str = "prompts = { bad_share = 0.01 }\nmirror = { repeat = 0.0 }\nquality = { share = 0.0 }\n\
                     traffic = { structured_share = 0.0 }\n";

/// Half a day of mirrored traffic with a guard over both arms, looked at once.
fn planted(text: &str, requests: u64) -> Outcome {
    let text = format!("{ALIKE}{text}[guard]\nenabled = true\n");
    let (files, profile) = (Files::new(), Profile::parse(&text).unwrap());
    let path = files.path("records.ndjson");
    write_file(&profile, &text, requests, 20_261_123, &path, &mut |_| {}).unwrap();
    evaluate(&[path], &options_with("[segments]\nby = []\n")).unwrap()
}

/// Keys of an arm whose flags are rare outside of what is bad for both, so that four thousand pairs decide.
const RARE: &str = "guard_flags_bad = 0.9, guard_flags = 0.001";

fn state(outcome: &Outcome, metric: &str) -> State {
    guardrail(&outcome.verdict, metric, "all").state
}

#[test]
fn equal_flags_are_go() {
    let outcome = planted(&format!("baseline = {{ {RARE} }}\ncandidate = {{ {RARE} }}\n"), 4_000);
    assert_eq!(outcome.verdict.verdict, Decision::Go, "{:#?}", outcome.verdict.reasons);
    let flags = guardrail(&outcome.verdict, "guard_flags", "all");
    assert_eq!(flags.state, State::Pass);
    assert!(flags.n > 3_800 && (0.005..0.015).contains(&flags.baseline_value.unwrap()), "{flags:?}");
    let moderation = outcome.verdict.moderation.unwrap();
    assert!(moderation.tables.iter().any(|table| table.category == "illicit"));
    let below = |p: Option<f64>| p.is_some_and(|p| p <= moderation.alpha);
    assert!(moderation.tables.iter().all(|table| !below(table.p_more) && !below(table.p_fewer)));
}

#[test]
fn more_flags_are_no_go_and_fewer_hold() {
    let more = planted("candidate = { guard_flags = 0.03, guard_category = \"violence\" }\n", 4_000);
    assert_eq!((more.verdict.verdict, state(&more, "guard_flags")), (Decision::NoGo, State::Fail));
    let moderation = more.verdict.moderation.as_ref().unwrap();
    let marked = moderation.tables.iter().filter(|table| table.p_more.is_some_and(|p| p <= moderation.alpha));
    let marked: Vec<&str> = marked.map(|table| table.category.as_str()).collect();
    assert_eq!(marked, ["all", "violence"], "the category that has grown, and no other");
    let fewer = planted("baseline = { guard_flags = 0.03, guard_category = \"violence\" }\n", 4_000);
    assert_eq!((fewer.verdict.verdict, state(&fewer, "fewer_guard_flags")), (Decision::Hold, State::Fail));
}

#[test]
fn a_category_in_place_of_another_is_shown_though_the_flags_are_as_many() {
    let text = "baseline = { guard_flags = 0.02 }\ncandidate = { guard_flags = 0.02, guard_category = \"hate\" }\n";
    let outcome = planted(text, 4_000);
    assert_ne!(state(&outcome, "guard_flags"), State::Fail);
    let moderation = outcome.verdict.moderation.unwrap();
    let of = |name: &str| moderation.tables.iter().find(|table| table.category == name).unwrap();
    assert!(of("hate").p_more.unwrap() < 1e-6 && of("harassment").p_fewer.unwrap() < 1e-6);
    assert_eq!((of("hate").guardrail.as_ref(), of("harassment").guardrail.as_ref()), (None, None));
}

#[test]
fn a_dead_or_blind_guard_holds() {
    for (text, said) in [
        ("candidate = { guard_failed = 0.05 }\n", "guard-model:timeout"),
        ("baseline = { guard_failed = 0.05 }\n", "of the baseline's exchanges"),
        ("candidate = { guard_unseen = 0.05 }\n", "looked at the baseline's answer and not at the candidate's"),
        ("candidate = { guard_unseen = 1.0 }\n", "looked at the baseline's answer and not at the candidate's"),
    ] {
        let outcome = planted(text, 1_500);
        assert_eq!(outcome.verdict.verdict, Decision::Hold, "{text}");
        assert!(outcome.verdict.reasons.iter().any(|reason| reason.contains(said)), "{:?}", outcome.verdict.reasons);
    }
    // Within the limit it is no more than a little less evidence.
    let little = format!("baseline = {{ {RARE} }}\ncandidate = {{ {RARE}, guard_failed = 0.003 }}\n");
    let little = planted(&little, 4_000);
    assert_eq!(little.verdict.verdict, Decision::Go, "{:#?}", little.verdict.reasons);
}
