use super::*;
use crate::measure::Instants;
use proptest::prelude::*;
use wire::ErrorKind;
use wire::chat::Firsts;

fn sample(planned_us: u64, duration_us: u64) -> Sample {
    let instants = Instants {
        planned_us,
        sent_us: planned_us + 5,
        firsts: Firsts::default(),
        done_us: planned_us + 5 + duration_us,
    };
    Sample { instants, error: None, usage: None, cost_nanos: None }
}

fn phases(warm_up_us: u64, planned_us: impl IntoIterator<Item = u64>) -> Phases {
    let mut phases = Phases::new(warm_up_us);
    planned_us.into_iter().for_each(|planned_us| phases.record(&sample(planned_us, 1_000)));
    phases
}

const SECOND: u64 = 1_000_000;

#[test]
fn a_run_of_minutes_has_tens_of_slices() {
    let minutes = phases(0, (0..600).map(|n| n * SECOND));
    assert_eq!(minutes.width_us, WIDTH_MIN_US << 14);
    let line = minutes.time_line();
    assert_eq!(line.len(), 36);
    assert_eq!(line.iter().map(|slice| slice.ok).sum::<u64>(), 600);
    assert!(line.windows(2).all(|pair| pair[0].to_us == pair[1].from_us));
}

#[test]
fn without_a_warm_up_the_first_and_the_last_slice_are_left_out() {
    let [warm_up, steady, drain] = phases(0, (0..600).map(|n| n * SECOND)).phases().map(Option::unwrap);
    assert_eq!((warm_up.ok, steady.ok, drain.ok), (17, 571, 12));
    assert_eq!((warm_up.from_us, warm_up.to_us, steady.to_us), (0, steady.from_us, drain.from_us));
    let seconds = (steady.to_us - steady.from_us) as f64 / 1e6;
    assert!((steady.rate_per_second.unwrap() - 571.0 / seconds).abs() < 1e-9);
}

#[test]
fn a_warm_up_is_cut_where_it_was_asked_for() {
    let [warm_up, steady, drain] = phases(10 * SECOND, (0..600).map(|n| n * SECOND)).phases().map(Option::unwrap);
    assert_eq!((warm_up.ok, warm_up.from_us, warm_up.to_us), (10, 0, 10 * SECOND));
    assert_eq!(steady.from_us, 10 * SECOND);
    assert_eq!(warm_up.ok + steady.ok + drain.ok, 600);
    let line = phases(10 * SECOND, [0, 11 * SECOND]).time_line();
    assert_eq!((line[0].ok, line[0].to_us, line[1].from_us), (1, 10 * SECOND, 10 * SECOND));
}

#[test]
fn short_runs_have_no_steady_state() {
    assert_eq!(phases(0, []).phases(), [None, None, None]);
    let [warm_up, steady, drain] = phases(0, [0]).phases();
    assert!(warm_up.is_some() && steady.is_none() && drain.is_none());
    let [warm_up, steady, drain] = phases(0, [0, WIDTH_MIN_US]).phases();
    assert!(warm_up.is_some() && steady.is_none() && drain.is_some());
    let [warm_up, steady, drain] = phases(SECOND, [SECOND, 2 * SECOND]).phases();
    assert!(warm_up.is_none() && steady.is_some() && drain.is_some());
}

#[test]
fn failures_and_drops_are_counted_beside_latencies() {
    let mut phases = Phases::new(0);
    phases.record(&Sample { error: Some(ErrorKind::Timeout), ..sample(0, 9) });
    phases.record(&sample(10, 700));
    phases.dropped(20);
    let slice = phases.time_line()[0];
    assert_eq!((slice.ok, slice.failed, slice.dropped), (1, 1, 1));
    assert!(slice.duration_p50_us.unwrap().abs_diff(700) <= 7 && slice.lag_p99_us == Some(5), "{slice:?}");
}

#[test]
fn the_farthest_instants_are_no_trouble() {
    let mut phases = Phases::new(0);
    phases.dropped(u64::MAX);
    phases.record(&sample(0, 1));
    assert!(phases.is_sound());
    assert_eq!(phases.phases()[0].unwrap().ok, 1);
    assert_eq!(phases.phases()[2].unwrap().dropped, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn parts_add_up_in_any_division_and_order(
        runs in proptest::collection::vec(proptest::collection::vec(0u64..400 * SECOND, 0..20), 1..4),
        warm_up_us in prop_oneof![Just(0), Just(7 * SECOND)], scale in 0u32..20,
    ) {
        let runs: Vec<Vec<u64>> = runs.into_iter().map(|run| run.into_iter().map(|at| at >> scale).collect()).collect();
        let whole = phases(warm_up_us, runs.concat());
        let mut forwards = Phases::new(warm_up_us);
        runs.iter().for_each(|run| forwards.add(phases(warm_up_us, run.iter().copied())));
        let mut backwards = Phases::new(warm_up_us);
        runs.iter().rev().for_each(|run| backwards.add(phases(warm_up_us, run.iter().copied())));
        prop_assert_eq!(&forwards, &whole);
        prop_assert_eq!(&backwards, &whole);
        prop_assert!(whole.slices.len() as u64 <= SLICES_MAX && whole.is_sound());
        let counted: u64 = whole.phases().into_iter().flatten().map(|phase| phase.ok).sum();
        prop_assert_eq!(counted, runs.concat().len() as u64);
        let again: Phases = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        prop_assert_eq!(again.time_line(), whole.time_line());
    }
}
