use super::*;
use crate::telemetry::Metrics;
use datasets::Exchange;
use proptest::prelude::*;

const START_US: i64 = 1_700_000_000_000_000;

fn exchange(migration: &str, arm: &str, role: &str, error: bool) -> Exchange {
    let text = format!(
        r#"{{"pair":"p","arm":"{arm}","role":"{role}","migration":"{migration}","epoch":1,"weight_bp":1000,
        "provider":"openai","model":"x","streamed":true,"at_us":1,"sent_us":2,"ttft_us":200000,"duration_us":1200000,
        "status":200,"prompt_chars":4,"answer_chars":5,"cost_nanos":1000,
        "usage":{{"prompt":100,"completion":11,"source":"provider"}}}}"#
    );
    Exchange { error: error.then_some(wire::ErrorKind::Server), ..serde_json::from_str(&text).unwrap() }
}

fn in_force(migration: &str, epoch: u64, weight_percent: f64) -> InForce {
    InForce { migration: migration.to_owned(), epoch, weight_percent }
}

fn key(migration: &str, arm: &'static str, role: &'static str) -> ArmKey {
    ArmKey { migration: migration.to_owned(), arm, role }
}

fn tick(history: &mut History, metrics: &Metrics, number: i64, percent: f64) {
    let now_us = START_US + number * STEP_SECONDS * SECOND_US;
    let epoch = u64::try_from(now_us / 1000).unwrap();
    history.take(now_us, metrics.sample(), metrics.overhead(), &[in_force("m", epoch, percent)]);
}

#[test]
fn a_window_holds_what_came_in_it_and_a_curve_what_came_in_each_step() {
    let (metrics, mut history) = (Metrics::new(0), History::default());
    for number in 0..200_i64 {
        // Ten a step, one of them failing; nothing before the first tick and nothing in the last 100 steps.
        for request in 0..10 {
            if (1..=100).contains(&number) {
                metrics.observe(&exchange("m", "baseline", "served", request == 0));
            }
        }
        tick(&mut history, &metrics, number, 5.0);
        let key = key("m", "baseline", "served");
        let now_us = START_US + number * STEP_SECONDS * SECOND_US;
        let live = metrics.sample().get(&key).cloned().unwrap_or_default();
        let window = history.window(&key, live, now_us, START_US);
        let steps = u64::try_from(number.min(100) - (number - 60).clamp(0, 100)).unwrap();
        assert_eq!((window.sums.requests(), window.sums.errors()), (10 * steps, steps), "tick {number}");
    }
    let curves = history.curves();
    let curve = &curves.migrations["m"][0];
    assert_eq!((curve.at_us.len(), curve.per_second.len(), curve.cost_nanos.len()), (199, 199, 199));
    assert_eq!((curve.per_second[50], curve.cost_nanos[50], curve.error_share[50]), (2.0, 10_000, Some(0.1)));
    // The first request may lie in the very first step, because the migration was followed before it came.
    assert_eq!((curve.per_second[0], curve.at_us[0]), (2.0, START_US + STEP_SECONDS * SECOND_US));
    assert!(curve.ttft_p95_us[50].unwrap() > curve.ttft_p50_us[50].unwrap());
    let last = curve.at_us.len() - 1;
    assert_eq!((curve.per_second[last], curve.error_share[last], curve.ttft_p50_us[last]), (0.0, None, None));
    let newest = history.newest(&key("m", "baseline", "served")).unwrap();
    assert_eq!((newest.at_us, newest.per_second, newest.error_share), (curve.at_us[last], 0.0, None));
    assert_eq!(history.newest(&key("m", "candidate", "served")), None);
}

#[test]
fn everything_is_bounded_for_days() {
    let (metrics, mut history) = (Metrics::new(0), History::default());
    for (arm, role) in
        [("baseline", "served"), ("baseline", "fallback"), ("candidate", "served"), ("candidate", "shadow")]
    {
        metrics.observe(&exchange("m", arm, role, false));
    }
    for number in 0..10_000 {
        tick(&mut history, &metrics, number, f64::from(u32::try_from(number % 100).unwrap()));
    }
    assert_eq!(history.tracks.len(), 3, "a fall-back is served by the baseline");
    for track in history.tracks.values() {
        assert_eq!((track.samples.len(), track.points.len()), (SAMPLES_MAX, POINTS_MAX));
    }
    assert_eq!(history.overhead.len(), SAMPLES_MAX);
    assert_eq!(history.weights["m"].len(), POINTS_MAX);
    let many: Vec<InForce> = (0..300).map(|number| in_force(&format!("m{number}"), 1, 0.0)).collect();
    for one in &many {
        metrics.observe(&exchange(&one.migration, "baseline", "served", false));
    }
    history.take(START_US * 2, metrics.sample(), metrics.overhead(), &many);
    assert_eq!(history.tracks.len(), ARMS_MAX);
    let beyond = key("m99", "baseline", "served");
    let live = metrics.sample().remove(&beyond).unwrap();
    assert_eq!(history.window(&beyond, live, START_US * 2, START_US).sums.requests(), 1, "since the start");
}

#[test]
fn what_is_not_in_force_any_more_is_forgotten_and_comes_back_without_its_past() {
    let (metrics, mut history) = (Metrics::new(0), History::default());
    tick(&mut history, &metrics, 0, 5.0);
    metrics.observe(&exchange("m", "baseline", "served", false));
    metrics.observe(&exchange("other", "baseline", "served", false));
    tick(&mut history, &metrics, 1, 5.0);
    assert_eq!(history.curves().migrations.keys().collect::<Vec<_>>(), ["m"]);
    let at = |number: i64| START_US + number * STEP_SECONDS * SECOND_US;
    history.take(at(2), metrics.sample(), metrics.overhead(), &[in_force("other", 1, 1.0)]);
    assert_eq!(history.curves().migrations.keys().collect::<Vec<_>>(), ["other"]);
    history.take(at(3), metrics.sample(), metrics.overhead(), &[in_force("m", 1, 5.0), in_force("other", 1, 1.0)]);
    let found = key("m", "baseline", "served");
    let live = metrics.sample().remove(&found).unwrap();
    assert_eq!(history.window(&found, live, at(3), START_US).sums.requests(), 0, "it came long ago");
}

#[test]
fn a_weight_is_told_since_it_is_in_force() {
    let mut history = History::default();
    let (one, two) = (u64::try_from(START_US / 1000).unwrap(), u64::try_from(START_US / 1000).unwrap() + 6500);
    let at = |number: i64| START_US + number * STEP_SECONDS * SECOND_US;
    let mut take = |number, epoch, percent| {
        history.take(at(number), BTreeMap::new(), Counts::default(), &[in_force("m", epoch, percent)]);
    };
    take(0, one, 5.0);
    take(1, one, 5.0);
    take(2, two, 10.0);
    // Of an epoch that another clock has numbered, no more is known than that it began in this step.
    take(3, u64::MAX, 20.0);
    assert_eq!(history.curves().weights["m"], [(at(0), 5.0), (START_US + 6_500_000, 10.0), (at(3), 20.0)]);
}

#[test]
fn a_clock_that_is_set_back_begins_anew() {
    let (metrics, mut history) = (Metrics::new(0), History::default());
    metrics.observe(&exchange("m", "baseline", "served", false));
    tick(&mut history, &metrics, 5, 5.0);
    tick(&mut history, &metrics, 6, 5.0);
    tick(&mut history, &metrics, 2, 5.0);
    tick(&mut history, &metrics, 3, 5.0);
    assert_eq!(history.curves().migrations["m"][0].at_us, [START_US + 3 * STEP_SECONDS * SECOND_US]);
}

proptest! {
    /// However ticks fall, no window is longer than it says, and its sums are never more than came at all.
    #[test]
    fn windows_are_never_more_than_all(steps in proptest::collection::vec((1i64..20_000_000, 0u64..5), 1..80)) {
        let (metrics, mut history) = (Metrics::new(0), History::default());
        let (mut now_us, mut all) = (START_US, 0);
        let key = key("m", "baseline", "served");
        for (step_us, requests) in steps {
            now_us += step_us;
            all += requests;
            (0..requests).for_each(|_| metrics.observe(&exchange("m", "baseline", "served", false)));
            history.take(now_us, metrics.sample(), metrics.overhead(), &[in_force("m", 1, 5.0)]);
            let live = metrics.sample().get(&key).cloned().unwrap_or_default();
            let window = history.window(&key, live, now_us, START_US);
            prop_assert!(window.sums.requests() <= all);
            prop_assert!(window.seconds <= 303.0 || window.sums.requests() == all);
        }
    }
}
