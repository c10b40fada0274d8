//! Laws of the whole verdict.

use judge::counters::{PairOutcome, PairedCounts, PairedEvidence};
use judge::evidence::Evidence;
use judge::metric::Share;
use judge::policy::Policy;
use judge::verdict::{Decision, Guardrail, Scale, State};
use judge::{Judged, judge};
use proptest::prelude::*;

use super::evidence::{Request, as_whole, counted, counted_as, merged, passes, plan, requests, with_blocks};

fn policy(looks: &str) -> Policy {
    Policy::parse(&format!("[levels]\nlooks = \"{looks}\"\n[segments]\ncritical = [\"model=1\", \"model=7\"]\n"))
        .unwrap()
}

fn of<'a>(judged: &'a Judged, metric: &str) -> Option<&'a Guardrail> {
    judged.guardrails.iter().find(|guardrail| guardrail.metric == metric && guardrail.segment == "all")
}

/// Evidence with a table of errors and nothing else.
fn errors(table: PairedCounts, epoch: u64) -> Evidence {
    let mut paired = PairedEvidence::default();
    let own = paired.epochs.entry(epoch).or_default();
    own.pairs = table.pairs();
    *own.table_mut(Share::Errors.slot()) = table;
    Evidence { plan: plan(), paired, ..Evidence::default() }
}

fn table() -> impl Strategy<Value = PairedCounts> {
    let few = || prop_oneof![4 => 0_u64..60, 1 => 0_u64..3000];
    (few(), few(), few(), prop_oneof![0_u64..20_000, 0_u64..1_000_000]).prop_map(|(both_bad, c01, c10, both_good)| {
        PairedCounts { both_bad, only_candidate_bad: c01, only_baseline_bad: c10, both_good }
    })
}

proptest! {
    // A whole judgement costs more than a bound.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_follow_from_the_bounds_and_nothing_passes_below_its_floor(
        requests in requests(400), looks in prop_oneof![Just("any"), Just("one")],
    ) {
        let (evidence, policy) = (with_blocks(counted(&requests), &requests), policy(looks));
        let judged = judge(&evidence, &policy);
        for guardrail in &judged.guardrails {
            let floor = match () {
                () if guardrail.metric.ends_with("p95") => policy.floors.pairs_p95,
                () if guardrail.metric.ends_with("p99") => policy.floors.pairs_p99,
                () => policy.floors.pairs,
            };
            let none = if guardrail.scale == Scale::Difference { 0.0 } else { 1.0 };
            let proven = guardrail.upper.is_some_and(|upper| upper <= guardrail.margin) && guardrail.n >= floor;
            let failed = guardrail.lower.is_some_and(|lower| lower >= guardrail.margin);
            let worse = guardrail.lower.is_some_and(|lower| lower >= none);
            let independent = guardrail.clusters_effective.is_none_or(|effective| effective >= 5.0);
            match guardrail.state {
                State::Pass => prop_assert!(proven && independent && !failed, "{guardrail:?}"),
                State::PassRegressed => prop_assert!(proven && independent && !failed && worse, "{guardrail:?}"),
                State::Fail => prop_assert!(failed, "{guardrail:?}"),
                State::Futile => prop_assert!(independent && !failed && guardrail.n >= floor, "{guardrail:?}"),
                State::HoldInsufficient | State::HoldInstrument | State::HoldConflict => {
                    prop_assert!(!failed || guardrail.scale == Scale::Ratio, "{guardrail:?}");
                }
            }
            for value in [guardrail.lower, guardrail.upper, guardrail.estimate].into_iter().flatten() {
                prop_assert!(value.is_finite(), "{guardrail:?}");
            }
            if let (Some(lower), Some(upper)) = (guardrail.lower, guardrail.upper) {
                prop_assert!(lower <= upper + 1e-9, "{guardrail:?}");
            }
        }
        if judged.verdict == Decision::Go {
            prop_assert!(judged.guardrails.iter().all(|guardrail| passes(guardrail.state) || !guardrail.decides));
            prop_assert!(judged.instrument.alarms.is_empty());
        }
        if judged.guardrails.iter().any(|guardrail| matches!(guardrail.state, State::Fail | State::Futile)) {
            prop_assert_eq!(judged.verdict, Decision::NoGo);
        }
        prop_assert!(judged.guardrails.iter().any(|guardrail| guardrail.segment == "model=7"), "critical and not there");
        prop_assert!(judged.verdict != Decision::Go, "model=7 is not there");
        prop_assert!(!judged.reasons.is_empty());
    }

    #[test]
    fn the_same_counters_give_the_same_bytes(requests in requests(300), cut in 0_usize..300, looks in prop_oneof![Just("any"), Just("one")]) {
        let (first, second) = requests.split_at(cut.min(requests.len()));
        let mut reversed = requests.clone();
        reversed.reverse();
        let whole = with_blocks(counted(&requests), &requests);
        let batched = with_blocks(merged(counted(second), &counted(first)), &requests);
        let turned = with_blocks(counted(&reversed), &requests);
        let text = serde_json::to_string(&whole).unwrap();
        let read: Evidence = serde_json::from_str(&text).unwrap();
        let judged = |evidence: &Evidence| serde_json::to_string(&judge(evidence, &policy(looks))).unwrap();
        let expected = judged(&whole);
        for other in [batched, turned, read] {
            prop_assert_eq!(&judged(&other), &expected);
        }
    }

    #[test]
    fn fewer_of_the_candidate_is_more_of_the_baseline(requests in requests(300), looks in prop_oneof![Just("any"), Just("one")]) {
        // Two-sided metrics ask both directions; with the arms exchanged each direction answers for the other.
        let clean: Vec<_> = requests.into_iter().map(|r| Request { cluster: None, served: None, ..r }).collect();
        let judged = |exchanged| judge(&counted_as(&clean, exchanged), &policy(looks));
        let (here, there) = (judged(false), judged(true));
        for (metric, other) in [("blocked", "fewer_blocked"), ("refusals", "fewer_refusals"), ("fewer_blocked", "blocked")] {
            let (a, b) = (of(&here, metric), of(&there, other));
            prop_assert_eq!(a.is_some(), b.is_some());
            if let (Some(a), Some(b)) = (a, b) {
                prop_assert_eq!((a.estimate, a.lower, a.upper, a.n, a.events), (b.estimate, b.lower, b.upper, b.n, b.events));
            }
        }
    }

    #[test]
    fn a_segment_is_judged_as_the_whole_would_be(requests in requests(300)) {
        let evidence = counted(&requests);
        if let Some(segment) = evidence.segments.get("model=1") {
            let whole = judge(&evidence, &policy("any"));
            let apart = judge(&Evidence { weight_percent: 20.0, ..as_whole(segment) }, &policy("any"));
            for guardrail in whole.guardrails.iter().filter(|g| g.segment == "model=1") {
                let alone = of(&apart, &guardrail.metric);
                // Served-only guardrails have the segment's name here and `canary` there.
                if let Some(alone) = alone.filter(|alone| alone.evidence == guardrail.evidence) {
                    prop_assert_eq!((guardrail.estimate, guardrail.upper, guardrail.n), (alone.estimate, alone.upper, alone.n));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_failure_more_never_looks_better(table in table(), exact in any::<bool>(), times in 1_u64..30) {
        // Within one method: the exact bound, and the asymptotic one where there are enough events for it.
        let events = if exact { 1_000_000_000_000_u64 } else { 0 };
        let policy = Policy::parse(&format!("[floors]\nevents = {events}\n[futility]\nenabled = false\n")).unwrap();
        let judged = |more: u64| {
            let moved = more.min(table.both_good);
            let table = PairedCounts { only_candidate_bad: table.only_candidate_bad + moved, both_good: table.both_good - moved, ..table };
            judge(&errors(table, 0), &policy)
        };
        let (before, after) = (judged(0), judged(times));
        let (before, after) = (of(&before, "errors").unwrap(), of(&after, "errors").unwrap());
        if let (Some(a), Some(b)) = (before.lower, after.lower) {
            prop_assert!(b >= a - 1e-9, "lower {a} {b}");
        }
        if let (true, Some(a), Some(b)) = (exact, before.upper, after.upper) {
            prop_assert!(b >= a - 1e-9, "upper {a} {b}");
        }
        prop_assert!(!(before.state == State::Fail && after.state != State::Fail));
    }

    #[test]
    fn more_of_the_same_evidence_never_unproves(table in table(), times in 2_u64..8) {
        let judged = |times: u64| {
            let mut whole = errors(PairedCounts::default(), 0);
            (0..times).for_each(|_| whole = merged(whole.clone(), &errors(table, 0)));
            judge(&whole, &Policy::default())
        };
        let (one, many) = (judged(1), judged(times));
        let (one, many) = (of(&one, "errors").unwrap(), of(&many, "errors").unwrap());
        prop_assert!(!(one.state == State::Fail && many.state != State::Fail), "{one:?} {many:?}");
        if one.method == many.method && passes(one.state) {
            prop_assert!(passes(many.state) || many.state == State::Fail, "{one:?} {many:?}");
        }
    }

    #[test]
    fn restarts_never_weaken_an_alarm(table in table(), other in table()) {
        // The same pairs in two epochs alarm whenever they do in one.
        let two = merged(errors(other, 0), &errors(table, 1));
        let one = merged(errors(other, 0), &errors(table, 0));
        let (two, one) = (judge(&two, &Policy::default()), judge(&one, &Policy::default()));
        let (two, one) = (of(&two, "errors").unwrap(), of(&one, "errors").unwrap());
        prop_assert!(two.lower >= one.lower, "{two:?} {one:?}");
        prop_assert_eq!(two.upper, one.upper);
    }

    #[test]
    fn any_counters_are_answered(
        cells in proptest::array::uniform4(prop_oneof![0_u64..100, any::<u64>(), Just(u64::MAX), Just(0_u64)]),
        weight in prop_oneof![any::<f64>(), 0.0..100.0_f64], looks in prop_oneof![Just("any"), Just("one")],
    ) {
        let [both_bad, only_candidate_bad, only_baseline_bad, both_good] = cells;
        let table = PairedCounts { both_bad, only_candidate_bad, only_baseline_bad, both_good };
        let mut evidence = Evidence { weight_percent: weight, ..errors(table, 0) };
        evidence.repeat.add(&plan(), &PairOutcome::default());
        evidence.repeat.pairs = both_bad;
        *evidence.repeat.table_mut(Share::Missed.slot()) = table;
        let judged = judge(&evidence, &policy(looks));
        prop_assert!(judged.next_weight_percent.is_finite());
        prop_assert!(judged.verdict != Decision::Go, "only errors were asked");
    }
}
