//! Which rows make a pair, and what becomes of the others.

use super::fixture::*;
use crate::pair::{self, Pairing};
use crate::rows::{PairKey, Rows};
use crate::{Options, evaluate};
use datasets::{Arm, Exchange, Role, ShadowFate};
use judge::verdict::Count;
use wire::ErrorKind;

/// `reason=count`, in order.
fn unmatched(counts: &[Count]) -> Vec<String> {
    counts.iter().map(|count| format!("{}={}", count.name, count.count)).collect()
}

fn keys(pairing: &Pairing<'_>) -> Vec<PairKey> {
    pairing.pairs.iter().map(|pair| pair.candidate.pair).collect()
}

fn sorted(names: &[&str]) -> Vec<PairKey> {
    let mut keys: Vec<PairKey> = names.iter().map(|name| PairKey::of(name)).collect();
    keys.sort();
    keys
}

fn served(pair: &str, fate: Option<ShadowFate>) -> Exchange {
    Exchange { shadow: fate, ..exchange(pair, Arm::Baseline, Role::Served) }
}

#[test]
fn each_way_to_make_a_pair() {
    let rows = [
        mirrored("a").to_vec(),
        vec![exchange("b", Arm::Candidate, Role::Served), exchange("b", Arm::Baseline, Role::Shadow)],
        vec![exchange("c", Arm::Baseline, Role::Replayed), exchange("c", Arm::Candidate, Role::Replayed)],
        vec![served("d", None), exchange("d", Arm::Candidate, Role::Replayed)],
    ]
    .concat();
    let rows = Rows::of(&rows);
    let pairing = pair::pair(&rows, 168.0);
    assert_eq!(keys(&pairing), sorted(&["a", "b", "c", "d"]));
    assert!(pairing.pairs.iter().all(|p| p.baseline.pair == p.candidate.pair && p.baseline.arm == Arm::Baseline));
    assert_eq!(unmatched(&pairing.unmatched), Vec::<String>::new());
}

#[test]
fn whatever_makes_no_pair_is_counted_by_reason() {
    let cancelled = |role| with_error(exchange("i", Arm::Baseline, role), ErrorKind::ClientCancelled);
    let mut rows = vec![
        served("a", Some(ShadowFate::NotSampled)),
        served("b", Some(ShadowFate::NotSampled)),
        served("c", Some(ShadowFate::QueueFull)),
        served("d", Some(ShadowFate::Unfit)),
        served("e", Some(ShadowFate::ShuttingDown)),
        served("f", Some(ShadowFate::Sent)),
        served("g", None),
        exchange("h", Arm::Candidate, Role::Shadow),
        cancelled(Role::Served),
        exchange("i", Arm::Candidate, Role::Shadow),
        exchange("j", Arm::Candidate, Role::Served),
        served("k", Some(ShadowFate::Sent)),
        exchange("k", Arm::Candidate, Role::Served),
        exchange("l", Arm::Candidate, Role::Replayed),
        with_error(served("n", Some(ShadowFate::Sent)), ErrorKind::GatewayStopped),
        exchange("n", Arm::Candidate, Role::Shadow),
    ];
    rows.extend(mirrored("m"));
    let outcome = judge(&rows);
    assert_eq!(
        unmatched(&outcome.verdict.instrument.unmatched),
        [
            "baseline missing=2",
            "candidate missing=1",
            "client cancelled=1",
            "gateway stopped=1",
            "not mirrored=1",
            "not sampled=2",
            "queue full=1",
            "served by both arms=1",
            "served side missing=1",
            "shutting down=1",
            "unfit=1",
        ]
    );
    assert_eq!(outcome.verdict.instrument.pairs, 1);
}

#[test]
fn what_was_to_be_mirrored_and_was_not_is_mirror_loss() {
    let mut rows = traffic(96);
    rows.push(served("full", Some(ShadowFate::QueueFull)));
    rows.push(served("down", Some(ShadowFate::ShuttingDown)));
    rows.push(served("lost", Some(ShadowFate::Sent)));
    rows.push(served("unsampled", Some(ShadowFate::NotSampled)));
    rows.push(served("unfit", Some(ShadowFate::Unfit)));
    // The client left, but the copy ran: no pair, and no loss either.
    rows.push(with_error(served("left", Some(ShadowFate::Sent)), ErrorKind::ClientCancelled));
    rows.push(exchange("left", Arm::Candidate, Role::Shadow));
    let instrument = judge(&rows).verdict.instrument;
    assert_eq!((instrument.mirror_intended, instrument.mirror_observed), (100, 97));
    assert!((instrument.mirror_loss.unwrap() - 0.03).abs() < 1e-12);
    assert!(instrument.alarms.iter().any(|alarm| alarm.contains("3.00 %")), "{:?}", instrument.alarms);
}

#[test]
fn a_replay_that_lost_one_arm_is_loss_as_well() {
    let replayed = |pair: &str, arm| exchange(pair, arm, Role::Replayed);
    let rows = [replayed("a", Arm::Baseline), replayed("a", Arm::Candidate), replayed("b", Arm::Baseline)];
    let instrument = judge(&rows).verdict.instrument;
    assert_eq!((instrument.mirror_intended, instrument.mirror_observed), (2, 1));
    assert_eq!(unmatched(&instrument.unmatched), ["candidate missing=1"]);
    // One arm alone was never meant to be a comparison.
    let alone = judge(&[replayed("a", Arm::Baseline), replayed("b", Arm::Baseline)]).verdict.instrument;
    assert_eq!(alone.mirror_intended, 0);
}

#[test]
fn of_duplicates_the_one_sent_first_counts() {
    let [baseline, candidate] = mirrored("a");
    let later = Exchange { sent_us: candidate.sent_us + 5, duration_us: 9_000_000, ..candidate.clone() };
    for rows in [[baseline.clone(), later.clone(), candidate.clone()], [later, candidate, baseline]] {
        let outcome = judge(&rows);
        assert_eq!((outcome.counts.load.duplicates, outcome.verdict.instrument.pairs), (1, 1));
        assert!(about(guardrail(&outcome.verdict, "duration_p50", "all").candidate_value, 2_000_000.0));
    }
}

#[test]
fn a_served_outcome_goes_before_a_replayed_one() {
    let [baseline, candidate] = mirrored("a");
    let replayed = Exchange { duration_us: 9_000_000, ..exchange("a", Arm::Baseline, Role::Replayed) };
    let outcome = judge(&[replayed, baseline, candidate]);
    assert_eq!(unmatched(&outcome.verdict.instrument.unmatched), ["second outcome of the same arm=1"]);
    assert!(about(guardrail(&outcome.verdict, "duration_p50", "all").baseline_value, 2_000_000.0));
}

#[test]
fn pairs_come_in_the_order_of_time_then_key() {
    let mut rows = [mirrored("z"), mirrored("b"), mirrored("a")].concat();
    for row in rows.iter_mut().filter(|row| row.pair == "z") {
        row.at_us -= 1;
    }
    let files = Files::new();
    let loaded = crate::load::load(&[files.records("r.ndjson", &rows)], None, false).unwrap();
    let pairing = pair::pair(&loaded.rows, 168.0);
    assert_eq!(keys(&pairing), [vec![PairKey::of("z")], sorted(&["a", "b"])].concat());
}

#[test]
fn rows_of_epochs_before_the_first_that_counts_are_no_evidence() {
    let of_epoch = |epoch, pair: &str| mirrored(pair).map(|row| Exchange { epoch, ..row });
    let rows = [of_epoch(1, "a"), of_epoch(2, "b"), of_epoch(2, "c"), of_epoch(3, "d")].concat();
    let files = Files::new();
    let path = files.records("r.ndjson", &rows);
    let judged = |since_epoch| evaluate(std::slice::from_ref(&path), &Options { since_epoch, ..options() });
    for (since_epoch, pairs, left_out) in [(0, 4, 0), (1, 4, 0), (2, 3, 2), (3, 1, 6)] {
        let outcome = judged(since_epoch).unwrap();
        assert_eq!(outcome.verdict.instrument.pairs, pairs, "{since_epoch}");
        assert_eq!(outcome.counts.load.earlier_epochs, left_out, "{since_epoch}");
    }
    assert!(judged(4).unwrap_err().to_string().contains("since epoch 4"));
}
