use super::*;
use crate::counters::{Canary, CanaryEpoch};
use crate::evidence::EarlierEpoch;
use crate::verdict::{Count, MirrorLength};

mod rates;
mod repeated;

fn levels(policy: &Policy) -> LevelsInForce {
    LevelsInForce::new(policy, 20)
}

fn of(evidence: &Evidence) -> Health {
    let policy = Policy::default();
    health(evidence, &policy, levels(&policy))
}

fn with(instrument: Instrument) -> Health {
    of(&Evidence { instrument, ..Evidence::default() })
}

/// The only alarm, and whether it concerns the pairs and the served traffic.
fn only(health: &Health) -> (&str, bool, bool) {
    let [alarm] = &*health.instrument.alarms else { panic!("{:?}", health.instrument.alarms) };
    (alarm, health.paired.contains(alarm), health.canary.contains(alarm))
}

fn length(prompt_chars_from: u64, intended: u64, observed: u64) -> MirrorLength {
    MirrorLength { prompt_chars_from, intended, observed }
}

fn split(units: [u64; 2], weight_bp: u32) -> Evidence {
    let epoch =
        CanaryEpoch { weight_bp, units_baseline: units[0], units_candidate: units[1], ..CanaryEpoch::default() };
    let mut canary = Canary::default();
    canary.epochs.insert(3, epoch);
    Evidence { canary: Some(canary), ..Evidence::default() }
}

#[test]
fn nothing_known_is_no_alarm() {
    let health = of(&Evidence::default());
    assert!(health.instrument.alarms.is_empty() && health.paired.is_empty() && health.canary.is_empty());
    assert_eq!((health.instrument.mirror_loss, health.instrument.srm_p, health.instrument.repeat), (None, None, None));
}

#[test]
fn what_is_given_stays_and_concerns_both() {
    let health = with(Instrument { alarms: vec!["Odd.".to_owned()], ..Instrument::default() });
    assert_eq!(only(&health), ("Odd.", true, true));
    assert!(only(&with(Instrument { replay_degraded: true, ..Instrument::default() })).0.contains("schedule"));
    assert!(only(&of(&Evidence { weight_percent: 101.0, ..Evidence::default() })).0.contains("101"));
}

#[test]
fn a_lossy_mirror_concerns_the_pairs() {
    let mirror = |mirror_intended, mirror_observed| {
        with(Instrument { mirror_intended, mirror_observed, ..Instrument::default() })
    };
    assert!(mirror(1000, 990).instrument.alarms.is_empty());
    let lossy = mirror(1000, 989);
    assert_eq!((only(&lossy).1, only(&lossy).2), (true, false));
    assert!((lossy.instrument.mirror_loss.unwrap() - 0.011).abs() < 1e-12);
    assert!(only(&mirror(10, 11)).0.contains("books"));
}

#[test]
fn a_mirror_that_drops_long_prompts_is_named_although_it_loses_little() {
    let lengths =
        vec![length(64, 3000, 3000), length(512, 4000, 3999), length(4096, 1500, 1470), length(8192, 1500, 1465)];
    let (intended, observed) = (10_000, 9934);
    let given = Instrument {
        mirror_intended: intended,
        mirror_observed: observed,
        mirror_by_length: lengths,
        ..Instrument::default()
    };
    let health = with(given.clone());
    let (alarm, paired, canary) = only(&health);
    assert!(alarm.contains("2.17 % of the prompts of 4 096 to 16 383 characters"), "{alarm}");
    assert!(paired && !canary && health.instrument.mirror_length_p.unwrap() < 1e-9);

    // The same loss spread evenly is none of this alarm's business.
    let even = vec![length(64, 3000, 2980), length(512, 4000, 3973), length(4096, 3000, 2981)];
    let health = with(Instrument { mirror_by_length: even, ..given.clone() });
    assert!(health.instrument.alarms.is_empty() && health.instrument.mirror_length_p.unwrap() > 0.05);
    // Books that do not balance within a length.
    let wrong = Instrument { mirror_by_length: vec![length(64, 1, 2), length(128, 2, 1)], ..given };
    assert!(only(&with(wrong)).0.contains("books"));
}

#[test]
fn octaves_make_thirds() {
    let thirds = |lengths: &[MirrorLength]| -> Vec<(u64, u64, u64)> {
        mirror::thirds(lengths).iter().map(|third| (third.chars.start, third.chars.end, third.intended)).collect()
    };
    let octaves: Vec<MirrorLength> = (0..9).rev().map(|octave| length(1 << octave, 10, 10)).collect();
    assert_eq!(thirds(&octaves), [(1, 8, 30), (8, 64, 30), (64, 512, 30)]);
    assert_eq!(thirds(&[length(0, 1, 1), length(1, 98, 98), length(2, 1, 1)]), [(0, 1, 1), (1, 2, 98), (2, 4, 1)]);
    assert_eq!(thirds(&[length(16, 5, 5)]), [(16, 32, 5)]);
    assert_eq!(thirds(&[]), []);
    let one = with(Instrument { mirror_by_length: vec![length(16, 500, 400)], ..Instrument::default() });
    assert_eq!((one.instrument.mirror_length_p, one.instrument.alarms.len()), (None, 0), "nothing to compare");
    // A tiny class beside huge ones goes to its neighbour instead of being skipped.
    let tiny = vec![length(1, 2, 2), length(1024, 2_000_000, 1_999_000), length(4096, 2_000_000, 1_990_000)];
    let health = with(Instrument { mirror_by_length: tiny, ..Instrument::default() });
    assert!(health.instrument.mirror_length_p.unwrap() < 1e-9 && only(&health).0.contains("4 096"));
}

#[test]
fn bad_rows_are_weighed() {
    let rows = |rows, rows_rejected| Instrument {
        rows,
        rows_rejected,
        rejected: vec![
            Count { name: "not a number".to_owned(), count: 3 },
            Count { name: "duration of zero".to_owned(), count: 9 },
        ],
        ..Instrument::default()
    };
    assert!(with(rows([10_000, 5000], [10, 9])).instrument.alarms.is_empty());
    let apart = with(rows([10_000, 5000], [0, 12]));
    assert!(only(&apart).0.ends_with("Most of them: duration of zero (9)."), "{}", only(&apart).0);
    assert_eq!((only(&apart).1, only(&apart).2), (true, true));
    assert!((apart.instrument.reject_share_candidate - 0.0024).abs() < 1e-12);
    let nan = with(Instrument { reject_share_baseline: f64::NAN, ..Instrument::default() });
    assert_eq!(nan.instrument.alarms.len(), 1);
    let unknown = |unknown_arms| with(Instrument { unknown_arms, rows: [5000, 5000], ..Instrument::default() });
    assert!(unknown(10).instrument.alarms.is_empty());
    assert!(only(&unknown(11)).0.contains("name neither arm"));
    // Each counts once; nothing is lost and nothing doubled.
    assert!(
        with(Instrument { duplicates: 500, rows: [500, 500], ..Instrument::default() }).instrument.alarms.is_empty()
    );
}

#[test]
fn pairs_that_are_none_are_weighed() {
    let base = Instrument { pairs: 1000, ..Instrument::default() };
    type Counter = fn(&mut Instrument) -> &mut u64;
    let cases: [(Counter, &str); 3] = [
        (|given| &mut given.clock_skew_pairs, "clocks that disagree"),
        (|given| &mut given.mixed_epochs, "different epochs"),
        (|given| &mut given.mixed_tariffs, "prices that have changed"),
    ];
    for (counter, words) in cases {
        let mut given = base.clone();
        *counter(&mut given) = 10;
        assert!(with(given.clone()).instrument.alarms.is_empty(), "{words}");
        *counter(&mut given) = 12;
        let health = with(given.clone());
        assert_eq!((only(&health).0.contains(words), only(&health).1, only(&health).2), (true, true, false));
        given.pairs = 0;
        assert!(only(&with(given)).0.contains("100.00 %"), "no other pairs at all");
    }
}

#[test]
fn a_broken_split_concerns_served_traffic() {
    let fine = of(&split([9000, 1000], 1000));
    assert!(fine.instrument.alarms.is_empty());
    assert_eq!(fine.instrument.srm_units, Some([9000, 1000]));
    assert!(fine.instrument.srm_p.unwrap() > 0.99 && fine.instrument.srm_e.unwrap() < 1.0);
    let broken = of(&split([1000, 750], 5000));
    let (alarm, paired, canary) = only(&broken);
    assert!(alarm.starts_with("Sample-ratio mismatch: 750 of 1 750 units (42.86 %)"), "{alarm}");
    assert!(canary && !paired && broken.instrument.srm_e.unwrap() > 1000.0);
    // A handful of units is enough if all of them went one way.
    assert!(only(&of(&split([0, 20], 5000))).0.contains("e-value"));
    let huge = of(&split([1_000_000_000, 1], 5000));
    assert!(huge.instrument.srm_e.unwrap().is_finite(), "can be written as a number");
    // The weight at which it was served, where that is known better.
    let served = Evidence { served_weight_percent: Some(42.86), ..split([1000, 750], 5000) };
    assert!(of(&served).instrument.alarms.is_empty());
}

#[test]
fn arms_of_weight_zero_leave_the_test_unless_they_served() {
    let off = of(&split([500, 0], 0));
    assert_eq!((off.instrument.srm_p, off.instrument.srm_e, off.instrument.alarms.len()), (Some(1.0), Some(1.0), 0));
    assert!(of(&split([0, 500], 10_000)).instrument.alarms.is_empty());
    for wrong in [split([500, 1], 0), split([1, 500], 10_000)] {
        let health = of(&wrong);
        assert!(only(&health).0.contains("cannot be checked"), "{}", only(&health).0);
        assert!(only(&health).2 && !only(&health).1);
    }
}

#[test]
fn served_requests_without_units_cannot_be_checked() {
    let mut evidence = split([0, 0], 500);
    assert!(of(&evidence).instrument.alarms.is_empty(), "nothing served yet");
    evidence.canary.as_mut().unwrap().epochs.get_mut(&3).unwrap().hours.entry(0).or_default();
    assert!(only(&of(&evidence)).0.contains("cannot be checked"));
}

#[test]
fn looks_decide_which_evidence_of_a_broken_split_counts() {
    // z = 3.6: enough for one look, not for any number of them.
    let between = split([5180, 4820], 5000);
    let any = of(&between);
    assert!(any.instrument.srm_p.unwrap() < 0.001 && any.instrument.alarms.is_empty());
    let one = Policy::parse("[levels]\nlooks = \"one\"\n").expect("policy");
    assert!(health(&between, &one, levels(&one)).instrument.alarms[0].contains("(p = "));
    // An epoch that is over is looked at once, however often that is.
    let mut later = between;
    let canary = later.canary.as_mut().unwrap();
    canary
        .epochs
        .insert(4, CanaryEpoch { weight_bp: 5000, units_baseline: 50, units_candidate: 51, ..CanaryEpoch::default() });
    assert!(only(&of(&later)).0.starts_with("Sample-ratio mismatch in epoch 3"));
}

#[test]
fn earlier_failures_are_remembered() {
    let earlier = |candidate_errors| EarlierEpoch {
        epoch: 2,
        baseline_requests: 2000,
        baseline_errors: 20,
        candidate_requests: 500,
        candidate_errors,
    };
    let of_epoch = |errors| of(&Evidence { earlier_epochs: vec![earlier(errors)], ..Evidence::default() });
    assert!(of_epoch(8).instrument.alarms.is_empty());
    let failed = of_epoch(40);
    assert!(only(&failed).0.contains("failed in epoch 2 (errors 8.0 % against 1.0 %)"), "{}", only(&failed).0);
    assert!(of_epoch(51).instrument.alarms[0].contains("10.2 %"), "the hard stop");
}

#[test]
fn counts_add_up_in_any_order() {
    let count = |name: &str, count| Count { name: name.to_owned(), count };
    let mut a = Instrument {
        mirror_intended: 10,
        mirror_observed: 9,
        pairs: 9,
        rows: [100, 100],
        rows_rejected: [1, 0],
        rejected: vec![count("zero", 1)],
        unmatched: vec![count("late", 2), count("alone", 1)],
        alarms: vec!["B.".to_owned()],
        srm_p: Some(0.5),
        ..Instrument::default()
    };
    let mut b = Instrument {
        mirror_intended: 5,
        mirror_observed: 5,
        rows: [50, 50],
        rows_rejected: [0, 6],
        rejected: vec![count("not a number", 6)],
        unmatched: vec![count("late", 3)],
        alarms: vec!["A.".to_owned(), "B.".to_owned()],
        replay_degraded: true,
        clock_skew_pairs: 4,
        mirror_loss: Some(0.0),
        ..Instrument::default()
    };
    for chars in [0, 1, 5, 7, 8] {
        a.count_mirrored(chars, true);
        b.count_mirrored(chars, chars != 7);
    }
    let c = Instrument { reject_share_candidate: 0.5, duplicates: 3, ..Instrument::default() };
    let sum = |parts: [&Instrument; 3]| {
        let mut sum = Instrument::default();
        parts.into_iter().for_each(|part| sum.add_counts(part));
        sum
    };
    let together = sum([&a, &b, &c]);
    for order in [[&b, &a, &c], [&c, &b, &a], [&a, &c, &b]] {
        assert_eq!(sum(order), together);
    }
    assert_eq!((together.mirror_intended, together.pairs, together.duplicates), (15, 9, 3));
    assert_eq!((together.rows, together.rows_rejected), ([150, 150], [1, 6]));
    assert!((together.reject_share_candidate - 0.04).abs() < 1e-12, "counted rows say it all");
    assert_eq!(together.unmatched, [count("alone", 1), count("late", 5)]);
    assert_eq!(together.alarms, ["A.", "B."]);
    let expected = [length(0, 2, 2), length(1, 2, 2), length(4, 4, 3), length(8, 2, 2)];
    assert_eq!(together.mirror_by_length, expected);
    assert_eq!((together.srm_p, together.mirror_loss, together.replay_degraded), (None, None, true));
}

#[test]
fn older_instruments_are_read() {
    let old = r#"{"mirror_intended":1,"mirror_observed":1,"mirror_loss":0.0,"pairs":1,"unmatched":[],"reject_share_baseline":0.0,
        "reject_share_candidate":0.0,"srm_p":null,"srm_units":null,"replay_degraded":false,"alarms":[]}"#;
    let read: Instrument = serde_json::from_str(old).expect("reads");
    assert_eq!((read.pairs, read.repeat, read.rows), (1, None, [0, 0]));
}
