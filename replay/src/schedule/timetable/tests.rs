use super::*;
use proptest::prelude::*;

fn timetable(rate: &str, seed: u64, total: Option<u64>) -> Timetable {
    Timetable::new(rate.parse().unwrap(), seed, total, None).unwrap()
}

fn due(rate: &str, at_us: &[u64], seed: u64) -> Vec<u64> {
    let mut timetable = timetable(rate, seed, Some(at_us.len() as u64));
    at_us.iter().enumerate().map(|(ordinal, at)| timetable.due_us(ordinal as u64, *at).unwrap()).collect()
}

#[test]
fn recorded_times_scale() {
    let at = [0, 500_000, 3_000_000];
    assert_eq!(due("recorded", &at, 0), at);
    assert_eq!(due("x10", &at, 0), [0, 50_000, 300_000]);
    assert_eq!(due("x0.5", &at, 0), [0, 1_000_000, 6_000_000]);
}

#[test]
fn a_constant_rate_does_not_drift() {
    // A third of a second is no whole number of microseconds: added up it would be wrong by a third each time.
    let mut thirds = timetable("3/s", 0, None);
    let mut at = |ordinal| thirds.due_us(ordinal, 0).unwrap();
    assert_eq!((at(1), at(3), at(300_000)), (333_333, 1_000_000, 100_000_000_000));
}

#[test]
fn random_arrivals_repeat_by_seed_and_keep_their_mean_and_spread() {
    let zeros = vec![0; 20_001];
    assert_eq!(due("poisson:200/s", &zeros, 7), due("poisson:200/s", &zeros, 7));
    assert_ne!(due("poisson:200/s", &zeros, 7), due("poisson:200/s", &zeros, 8));
    // Squared coefficient of variation of gaps: 1 for Poisson, 1 / shape for gamma. Tolerances are about four
    // standard errors at 20 000 gaps.
    for (rate, spread, tolerance) in [
        ("poisson:200/s", 1.0, 0.08),
        ("gamma:200/s:0.5", 2.0, 0.25),
        ("gamma:200/s:4", 0.25, 0.02),
        ("gamma:200/s:cv=2", 4.0, 0.7),
    ] {
        let due = due(rate, &zeros, 11);
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 5_000.0).abs() < 300.0, "{rate}: mean gap {mean}");
        assert!((variance / mean / mean - spread).abs() < tolerance, "{rate}: {}", variance / mean / mean);
    }
}

#[test]
fn a_ramp_starts_and_ends_at_its_rates() {
    let due_of_total = due("ramp:10/s..190/s", &[0; 1001], 0);
    let gap = |at: usize| (due_of_total[at + 1] - due_of_total[at]) as f64;
    assert!((90_000.0..=100_000.0).contains(&gap(0)), "{}", gap(0));
    assert!((5_200.0..=5_400.0).contains(&gap(999)), "{}", gap(999));
    assert_eq!(due("ramp:4/s..4/s", &[0; 5], 0), [0, 250_000, 500_000, 750_000, 1_000_000]);
}

#[test]
fn a_ramp_with_a_length_holds_its_last_rate_afterwards() {
    // From 10/s to 30/s in 10 s are 200 rows; after that 30/s.
    let due = due("ramp:10/s..30/s:10s", &[0; 261], 0);
    assert_eq!((due[200], due[230], due[260]), (10_000_000, 11_000_000, 12_000_000));
    // Half of the time is over after 10 * 5 + 20 * 25 / 20 = 75 rows.
    assert_eq!(due[75], 5_000_000);
    let downwards = super::Timetable::new("ramp:30/s..10/s:10s".parse().unwrap(), 0, None, None);
    assert_eq!(downwards.unwrap().due_us(125, 0), Some(5_000_000));
}

#[test]
fn a_ramp_without_end_asks_for_one() {
    let rate: Rate = "ramp:1/s..9/s".parse().unwrap();
    let error = Timetable::new(rate, 0, None, None).unwrap_err().to_string();
    assert!(error.contains("`ramp:1/s..9/s:60s`") && error.contains("--duration"), "{error}");
    assert!(rate.needs_total(None) && !rate.needs_total(Some(Duration::from_secs(1))));
    let ten = Timetable::new(rate, 0, None, Some(Duration::from_secs(10)));
    assert_eq!(ten.unwrap().due_us(50, 0), Some(10_000_000));
}

#[test]
fn a_closed_loop_has_no_due_times() {
    assert_eq!(timetable("max:3", 0, None).due_us(5, 5), None);
}

fn any_rate() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("recorded"),
        Just("x3.7"),
        Just("x0.01"),
        Just("7/s"),
        Just("100000/s"),
        Just("poisson:50/s"),
        Just("gamma:50/s:0.1"),
        Just("ramp:1/s..90/s"),
        Just("ramp:90/s..1/s"),
        Just("ramp:2/s..90/s:3s")
    ]
}

proptest! {
    #[test]
    fn due_times_start_at_the_origin_and_never_fall(
        mut at in proptest::collection::vec(0u64..1_000_000_000_000, 1..200), seed in any::<u64>(), rate in any_rate(),
    ) {
        at.sort_unstable();
        at[0] = 0;
        let due = due(rate, &at, seed);
        prop_assert_eq!(due[0], 0);
        prop_assert!(due.is_sorted());
    }

    #[test]
    fn shards_send_at_the_instants_of_the_whole(
        gaps in proptest::collection::vec(0u64..5_000_000, 1..100), of in 1usize..5, seed in any::<u64>(),
        rate in any_rate(),
    ) {
        let at: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
        let whole = due(rate, &at, seed);
        let mut together = vec![None; at.len()];
        for shard in 0..of {
            let mut timetable = timetable(rate, seed, Some(at.len() as u64));
            // Any division of rows, not only an even one.
            for ordinal in (0..at.len()).filter(|ordinal| (ordinal * ordinal / 3) % of == shard) {
                together[ordinal] = timetable.due_us(ordinal as u64, at[ordinal]);
            }
        }
        prop_assert_eq!(together, whole.into_iter().map(Some).collect::<Vec<_>>());
    }
}
