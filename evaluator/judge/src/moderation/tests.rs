//! Tables add up in any order, are bounded, and say no more than they can.

use super::*;
use crate::verdict::EvidenceKind;

fn cells(both: u64, only_candidate: u64, only_baseline: u64, neither: u64) -> PairedCounts {
    PairedCounts {
        both_bad: both,
        only_candidate_bad: only_candidate,
        only_baseline_bad: only_baseline,
        both_good: neither,
    }
}

fn counts(tables: &[(Source, Side, &str, PairedCounts)]) -> ModerationCounts {
    let mut counts = ModerationCounts::default();
    tables.iter().for_each(|(source, side, category, table)| counts.add(*source, *side, category, *table));
    counts
}

fn of(counts: &ModerationCounts) -> Moderation {
    judged(counts, &[], &Policy::default()).unwrap()
}

#[test]
fn nothing_counted_is_no_section() {
    assert_eq!(judged(&ModerationCounts::default(), &[], &Policy::default()), None);
}

#[test]
fn p_values_are_those_of_the_e_value_times_all_questions() {
    let all = of(&counts(&[
        (Source::Guard, Side::Response, ALL, cells(3, 40, 10, 900)),
        (Source::Guard, Side::Response, "hate", cells(0, 2, 2, 949)),
        (Source::Guard, Side::Request, ALL, cells(5, 4, 0, 944)),
    ]));
    assert_eq!((all.questions, all.tables.len()), (4, 3));
    let answers = all.tables.iter().find(|table| table.side == Side::Response && table.category == ALL).unwrap();
    assert_eq!((answers.pairs, answers.both, answers.only_baseline, answers.only_candidate), (953, 3, 10, 40));
    // 40 of 50 discordant pairs: log e 8.365959, as in the statistics' own known value.
    assert!((answers.p_more.unwrap() - 4.0 * (-8.365_959_f64).exp()).abs() < 1e-8);
    assert_eq!(answers.p_fewer, Some(1.0));
    let requests = all.tables.iter().find(|table| table.side == Side::Request).unwrap();
    assert_eq!((requests.p_more, requests.p_fewer, &requests.guardrail), (None, None, &None));
}

#[test]
fn the_order_and_the_batching_do_not_matter() {
    let parts = [
        (Source::Refusal, Side::Response, ALL, cells(1, 2, 3, 4)),
        (Source::Guard, Side::Response, "violence", cells(0, 1, 0, 9)),
        (Source::Guard, Side::Response, ALL, cells(1, 1, 1, 7)),
        (Source::ProviderBlock, Side::Response, ALL, cells(0, 0, 1, 9)),
        (Source::Guard, Side::Response, "a", cells(0, 0, 1, 9)),
    ];
    let whole = counts(&parts);
    let mut turned = counts(&[parts[4], parts[3], parts[2]]);
    turned.merge(&counts(&[parts[1], parts[0]]));
    assert_eq!(turned, whole);
    let names: Vec<(Source, String)> =
        of(&whole).tables.into_iter().map(|table| (table.source, table.category)).collect();
    let expected = [
        (Source::ProviderBlock, ALL),
        (Source::Refusal, ALL),
        (Source::Guard, ALL),
        (Source::Guard, "a"),
        (Source::Guard, "violence"),
    ];
    assert_eq!(names, expected.map(|(source, name)| (source, name.to_owned())));
    turned.merge(&whole);
    assert_eq!(of(&turned).tables[1].pairs, 20);
}

#[test]
fn the_most_frequent_categories_stay() {
    let mut many = counts(&[(Source::Guard, Side::Response, ALL, cells(100, 0, 0, 0))]);
    for index in 0..60_u64 {
        many.add(Source::Guard, Side::Response, &format!("c{index:02}"), cells(0, index, 0, 1000 - index));
    }
    many.leave_out(3);
    let bounded = of(&many);
    assert_eq!((bounded.tables.len(), bounded.categories_left_out), (1 + CATEGORIES_MAX, 43));
    assert!(bounded.tables.iter().skip(1).all(|table| table.only_candidate >= 40), "the rare ones go");
    assert_eq!(bounded.questions, 2 * 21);
}

#[test]
fn a_table_with_a_guardrail_names_it() {
    let guardrail: Guardrail = serde_json::from_value(serde_json::json!({
        "metric": "guard_flags", "segment": "all", "state": "pass", "scale": "difference", "estimate": null, "lower": null,
        "upper": null, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.001, "n": 1, "baseline_value": null,
        "candidate_value": null, "method": "betting", "direction": "lower-is-better", "why": ""
    }))
    .unwrap();
    assert_eq!(guardrail.evidence, EvidenceKind::Paired);
    let counted = counts(&[
        (Source::Guard, Side::Response, ALL, cells(0, 0, 0, 9)),
        (Source::Guard, Side::Response, "hate", cells(0, 0, 0, 9)),
        (Source::Refusal, Side::Response, ALL, cells(0, 0, 0, 9)),
    ]);
    let named: Vec<Option<String>> = judged(&counted, &[guardrail], &Policy::default())
        .unwrap()
        .tables
        .into_iter()
        .map(|table| table.guardrail)
        .collect();
    assert_eq!(named, [None, Some("guard_flags".to_owned()), None]);
}
