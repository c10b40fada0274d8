use super::*;
use crate::measure::{Instants, Sample};
use proptest::prelude::*;
use wire::chat::Firsts;
use wire::{Usage, UsageSource};

fn facts() -> Facts {
    Facts {
        target: "http://127.0.0.1:9101/v1/chat/completions".into(),
        rate: "200/s".into(),
        arm: "candidate".into(),
        sessions: "independent".into(),
        seed: 1,
        lag_limit_us: 10_000,
        warm_up_us: 0,
        baseline_recorded: false,
        shards_of: 1,
    }
}

fn parts(facts: Facts, index: u32, samples: &[Sample]) -> Parts {
    let mut tally = Tally::new(facts.warm_up_us);
    let mut lag = Times::default();
    for sample in samples {
        tally.record(sample, &[sample.instants.lag_us() as u32 + 3]);
        lag.record(sample.instants.lag_us());
    }
    let planned = || samples.iter().map(|sample| sample.instants.planned_us);
    let counts = Counts {
        sent: samples.len() as u64,
        planned_us: planned().min().zip(planned().max()),
        records: samples.len() as u64,
        ..Counts::default()
    };
    Parts { facts, counts, tally, lag, wall_us: (0, 1_000_000), shards: vec![index], shard_reasons: vec![] }
}

fn spoke_at(text: Option<u64>) -> Firsts<u64> {
    Firsts { text, ..Firsts::default() }
}

fn sample(planned_us: u64, lag_us: u64, error: Option<ErrorKind>) -> Sample {
    let sent_us = planned_us + lag_us;
    let instants =
        Instants { planned_us, sent_us, firsts: spoke_at(Some(sent_us + 20_000)), done_us: sent_us + 90_000 };
    let usage = Usage { cached: Some(4), ..Usage::new(10, 8, UsageSource::Provider) };
    Sample { instants, error, usage: Some(usage), cost_nanos: Some(1_000) }
}

fn on_time(count: u64) -> Vec<Sample> {
    (0..count).map(|n| sample(n * 5_000, 100, None)).collect()
}

#[test]
fn counts_rates_and_latencies_of_a_small_run() {
    let mut samples = on_time(101);
    samples[7].error = Some(ErrorKind::Timeout);
    let summary = parts(facts(), 1, &samples).summary();
    assert_eq!((summary.planned, summary.sent, summary.ok, summary.failed_total()), (101, 101, 100, 1));
    assert_eq!(summary.planned_rate_per_second, Some(200.0));
    assert!((summary.achieved_rate_per_second - 200.0).abs() < 1e-9);
    assert_eq!((summary.tokens.prompt, summary.tokens.cached, summary.cost_nanos), (1_010, 404, 101_000));
    let near = |value: u64, expected: u64| value.abs_diff(expected) <= expected / 500;
    let latency = summary.latency;
    assert!(near(latency.ttft_from_sent.unwrap().p50_us, 20_000), "{latency:?}");
    assert!(near(latency.ttft_from_planned.unwrap().p99_us, 20_100), "{latency:?}");
    assert!(near(latency.tpot.unwrap().p50_us, 10_000), "{latency:?}");
    assert_eq!(latency.duration_from_sent.unwrap().count, 100);
    assert!(!summary.degraded, "{:?}", summary.degraded_because);
    assert!(summary.steady.is_some() && summary.warm_up.is_some() && summary.drain.is_some());
}

/// A summary in which every member says something.
pub(crate) fn full() -> Summary {
    let mut samples = on_time(200);
    samples[3].error = Some(ErrorKind::RateLimit);
    let mut parts = parts(Facts { shards_of: 3, ..facts() }, 2, &samples);
    parts.counts.dropped = BTreeMap::from([(Dropped::InFlight, 2)]);
    parts.counts.not_sent = BTreeMap::from([(NotSent::Budget, 2)]);
    parts.counts.skipped = BTreeMap::from([("n>1".to_owned(), 2)]);
    parts.counts.budget_nanos = Some(1);
    parts.shard_reasons = vec!["machine 2: late".to_owned()];
    parts.summary()
}

#[test]
fn a_part_is_never_worse_than_the_whole() {
    // The middle one is the worst; a phase keeps it less precisely, and rounds up.
    let mut samples = on_time(101);
    samples[50].instants.done_us += 4_681_700;
    let summary = parts(facts(), 1, &samples).summary();
    let worst = |latency: Latencies| latency.duration_from_sent.unwrap().max_us;
    assert_eq!(worst(summary.steady.unwrap().latency), worst(summary.latency));
    assert!(summary.steady.unwrap().rate_per_second.is_some() && summary.drain.unwrap().rate_per_second.is_none());
}

fn reasons(change: impl FnOnce(&mut Parts)) -> Vec<String> {
    let mut parts = parts(facts(), 1, &on_time(10));
    change(&mut parts);
    let summary = parts.summary();
    assert_eq!(summary.degraded, !summary.degraded_because.is_empty());
    summary.degraded_because
}

#[test]
fn what_makes_a_run_degraded_is_said() {
    assert!(reasons(|_| {}).is_empty());
    let one = |change: fn(&mut Parts), words: &str| {
        let reasons = reasons(change);
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{reasons:?}: {words}");
    };
    one(|parts| (0..10).for_each(|_| parts.lag.record(90_000)), "lag p99");
    one(
        |parts| parts.counts.dropped = BTreeMap::from([(Dropped::InFlight, 2)]),
        "2 requests were dropped: too many in",
    );
    one(|parts| parts.counts.dropped = BTreeMap::from([(Dropped::Waiting, 3)]), "session");
    one(|parts| parts.counts.selected.displaced = 4, "convert --sort");
    one(|parts| parts.counts.sent += 1, "1 requests were unfinished");
    one(|parts| parts.counts.stopped = true, "stopped");
    one(|parts| parts.counts.not_sent = BTreeMap::from([(NotSent::Budget, 5)]), "5 requests were not sent: the budget");
    // A duration that was asked for is no fault, nor is the lag of a closed loop.
    assert!(reasons(|parts| parts.counts.not_sent = BTreeMap::from([(NotSent::Duration, 5)])).is_empty());
    let closed = |parts: &mut Parts| {
        parts.facts.rate = "max:4".into();
        parts.lag.record(900_000);
    };
    assert!(reasons(closed).is_empty());
}

#[test]
fn a_run_that_sent_nothing_is_degraded_unless_everything_was_done() {
    let nothing = |already_done| {
        let mut parts = parts(facts(), 1, &[]);
        parts.counts.already_done = already_done;
        parts.summary().degraded
    };
    assert!(nothing(0) && !nothing(7));
}

fn of_three(index: u32, samples: &[Sample]) -> Summary {
    parts(Facts { shards_of: 3, ..facts() }, index, samples).summary()
}

#[test]
fn summaries_of_different_runs_are_not_merged() {
    let base = || of_three(1, &on_time(3));
    let refused = |other: Summary| Summary::merge([base(), other]).unwrap_err().to_string();
    let changed = |change: fn(&mut Facts)| {
        let mut facts = Facts { shards_of: 3, ..facts() };
        change(&mut facts);
        parts(facts, 2, &on_time(3)).summary()
    };
    for (change, word) in [
        ((|facts| facts.target = "http://10.0.0.1/".into()) as fn(&mut Facts), "target"),
        (|facts| facts.rate = "100/s".into(), "rate"),
        (|facts| facts.arm = "baseline".into(), "arm"),
        (|facts| facts.seed = 2, "seed"),
        (|facts| facts.shards_of = 4, "shards_of"),
        (|facts| facts.warm_up_us = 4, "warm-up"),
        (|facts| facts.sessions = "think".into(), "sessions"),
    ] {
        let error = refused(changed(change));
        assert!(error.contains(word) && error.contains("--shard"), "{error}");
    }
    assert!(refused(base()).contains("machine 1 of 3 is there twice"));
    assert_eq!(Summary::merge([]), Err(MergeError::None));
    let old = Summary { schema: "weighbridge.replay/9".into(), ..of_three(2, &[]) };
    assert!(refused(old).contains("weighbridge.replay/1"));
    let mended = Summary { started_at: "yesterday".into(), ..of_three(2, &[]) };
    assert!(refused(mended).contains("RFC 3339"));
}

#[test]
fn one_late_machine_among_many_is_not_hidden() {
    let late: Vec<Sample> = (0..3).map(|n| sample(n * 5_000, 90_000, None)).collect();
    let merged = Summary::merge([of_three(1, &on_time(2_000)), of_three(2, &late)]).unwrap();
    assert!(merged.lag_us.p99 < 10_000 && merged.degraded);
    assert!(merged.degraded_because[0].starts_with("machine 2: requests went out late"), "{merged:?}");
    let again = Summary::merge([merged, of_three(3, &on_time(5))]).unwrap();
    assert_eq!(again.shards, [1, 2, 3]);
    assert_eq!(again.degraded_because.len(), 1);
}

#[test]
fn what_the_log_lost_before_the_shards_parted_counts_once() {
    let selected = |chosen, other_shards| Selected {
        read: 100,
        laps: 1,
        out_of_order: 6,
        displaced: 0,
        outside_window: 10,
        filtered: 20,
        not_sampled: 30,
        other_shards,
        chosen,
    };
    let shard = |index, chosen, others| {
        let mut parts = parts(Facts { shards_of: 3, ..facts() }, index, &on_time(3));
        parts.counts.selected = selected(chosen, others);
        parts.summary()
    };
    let two = Summary::merge([shard(1, 12, 28), shard(3, 8, 32)]).unwrap();
    assert_eq!(two.selected, selected(20, 20));
    assert_eq!(Summary::merge([two, shard(2, 20, 20)]).unwrap().selected, selected(40, 0));
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let kind = proptest::option::weighted(0.2, prop_oneof![Just(ErrorKind::Timeout), Just(ErrorKind::RateLimit)]);
    (0u64..40_000_000, 0u64..9_000, kind, 0u64..5_000_000, proptest::option::of(1u64..500)).prop_map(
        |(planned_us, lag_us, error, took_us, tokens)| {
            let sent_us = planned_us + lag_us;
            let instants = Instants {
                planned_us,
                sent_us,
                firsts: spoke_at(tokens.map(|_| sent_us + took_us / 3)),
                done_us: sent_us + took_us,
            };
            let usage = tokens.map(|completion| Usage {
                reasoning: Some(completion / 2),
                ..Usage::new(
                    7,
                    completion,
                    if completion % 9 == 0 { UsageSource::Estimate } else { UsageSource::Provider },
                )
            });
            Sample { instants, error, usage, cost_nanos: tokens.filter(|n| n % 5 > 0).map(|n| n as i64 * 600) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn merged_shards_are_what_one_machine_would_have_reported(
        samples in proptest::collection::vec((any_sample(), 0usize..3), 3..60),
    ) {
        let all: Vec<Sample> = samples.iter().map(|(sample, _)| *sample).collect();
        let of = |shard: usize| -> Vec<Sample> {
            samples.iter().filter(|(_, of)| *of == shard).map(|(sample, _)| *sample).collect()
        };
        let shards: Vec<Summary> = (0..3).map(|shard| {
            let written = serde_json::to_string(&of_three(shard as u32 + 1, &of(shard))).unwrap();
            serde_json::from_str(&written).unwrap()
        }).collect();
        let json = |summary: &Summary| serde_json::to_string_pretty(summary).unwrap();
        let mut whole = parts(Facts { shards_of: 3, ..facts() }, 1, &all);
        whole.shards = vec![1, 2, 3];
        let whole = json(&whole.summary());
        let [one, two, three] = <[Summary; 3]>::try_from(shards).unwrap();
        let straight = Summary::merge([one.clone(), two.clone(), three.clone()]).unwrap();
        prop_assert_eq!(json(&straight), whole.clone());
        let turned = Summary::merge([three.clone(), one.clone(), two.clone()]).unwrap();
        prop_assert_eq!(json(&turned), whole.clone());
        let nested = Summary::merge([one, Summary::merge([three, two]).unwrap()]).unwrap();
        prop_assert_eq!(json(&nested), whole);
    }
}
