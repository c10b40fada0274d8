//! Sums by hand, and intervals by simulation.

use super::*;
use crate::strata::{Kind, Language};
use crate::sums::Tokens;
use crate::traffic::{Alone, Cell, Leg, Lesson, Rate, Request};
use datasets::Arm;

const MONDAY_US: i64 = 1_795_392_000_000_000;
const DAY_US: i64 = 86_400_000_000;

fn cell(language: Language) -> Cell {
    Cell { served: Arm::Baseline, model: 0, language, kind: Kind::Streamed }
}

fn request(conversation: u64, hour_of_week: usize) -> Request {
    let conversation = mixed(conversation);
    Request { served: Arm::Baseline, conversation, hour_of_week, waits: false, peak: false, estimated: false }
}

/// Well mixed bits of a number.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn uniform(number: u64, stream: u64) -> f64 {
    (mixed(number ^ mixed(stream)) >> 11) as f64 / (1u64 << 53) as f64
}

fn pair(traffic: &mut Traffic, request: &Request, cell: Cell, baseline: i64, candidate: Leg) {
    let tokens = Tokens { uncached: 100, visible: 10, ..Tokens::default() };
    traffic.pair(request, baseline, &candidate, [tokens, tokens]);
    let lesson = Lesson { cell, x: baseline, y: candidate, tokens, rate: Some(OFF_PEAK) };
    traffic.lesson(request.conversation, &lesson);
}

fn alone(traffic: &mut Traffic, request: &Request, cell: Cell, nanos: i64, rate: Rate) {
    let tokens = Tokens { uncached: 100, visible: 10, ..Tokens::default() };
    let rate = Some(rate);
    traffic.alone(request, &Alone { cell, leg: Leg::plain(nanos), tokens, rate, rate_off_peak: Some(OFF_PEAK) });
}

const OFF_PEAK: Rate = Rate([150_000, 3_000, 150_000, 600_000]);
const PEAK: Rate = Rate([300_000, 6_000, 300_000, 1_200_000]);

fn week(month_requests: Option<f64>) -> Window {
    Window { from_us: MONDAY_US, to_us: MONDAY_US + 7 * DAY_US, month_requests, prices_vary: false }
}

fn reckoned(traffic: &Traffic, window: Window) -> Reckoning {
    reckon(traffic, window, &|_, number| format!("model-{number}"))
}

#[test]
fn pairs_alone_are_added_up_and_nothing_is_estimated() {
    let mut traffic = Traffic::default();
    for index in 0..40 {
        let leg = Leg { own: 30, off_peak: 20, cold: 50, warm: 10 };
        pair(&mut traffic, &request(index, 9), cell(Language::Latin), 100, leg);
    }
    let said = reckoned(&traffic, week(Some(400.0)));
    let counterfactual = &said.counterfactual;
    assert_eq!((counterfactual.requests, counterfactual.requests_paired), (40, 40));
    assert_eq!(counterfactual.as_served, "0.000004000");
    let saving = counterfactual.saving.as_ref().unwrap();
    assert_eq!((saving.value.as_str(), saving.lower.as_deref()), ("0.000002800", Some("0.000002800")));
    assert!(counterfactual.strata.is_empty());
    let month = said.saving_per_month.unwrap();
    assert_eq!((month.amount.value.as_str(), month.off_peak.value.as_str()), ("0.000028000", "0.000032000"));
    let cache = said.cache.unwrap();
    let savings: Vec<&str> = cache.rows.iter().map(|row| row.saving.as_str()).collect();
    // 4000 less 2000 cold, 1200 observed, 2000 at the baseline's rate of 0, and 400 + 0.1 x 1600 at 90 %.
    assert_eq!(savings, ["0.000002000", "0.000002800", "0.000002000", "0.000003440"]);
    assert_eq!((cache.break_even, cache.reading.as_str()), (None, "The candidate is cheaper at any hit rate."));
    assert_eq!(said.by_hour[9].requests, 40);
    assert_eq!(said.by_hour[9].candidate.as_deref(), Some("0.000001200"));
}

#[test]
fn the_rest_takes_the_ratio_of_its_kind_at_the_price_of_its_own_hour() {
    let mut traffic = Traffic::default();
    for index in 0..60 {
        pair(&mut traffic, &request(index, 20), cell(Language::Latin), 1000, Leg::plain(500));
        pair(&mut traffic, &request(1000 + index, 20), cell(Language::Wide), 1000, Leg::plain(250));
    }
    for index in 0..10 {
        alone(&mut traffic, &request(2000 + index, 20), cell(Language::Latin), 100, OFF_PEAK);
        alone(&mut traffic, &request(3000 + index, 2), cell(Language::Wide), 100, PEAK);
    }
    let said = reckoned(&traffic, week(None)).counterfactual;
    // Known: 120 x 1000 and 60 x 750. Predicted: 10 x 100 x 0.5, and 10 x 100 x 0.25 at twice the price.
    assert_eq!(said.baseline.unwrap().value, "0.000122000");
    let candidate = said.candidate.unwrap();
    assert_eq!(candidate.value, "0.000046000");
    // The pairs agree with each other in each kind: no scatter.
    assert_eq!((candidate.lower.as_deref(), candidate.upper.as_deref()), (Some("0.000046000"), Some("0.000046000")));
    let of = |language: &str| said.strata.iter().find(|stratum| stratum.language == language).unwrap();
    assert_eq!((of("latin").ratio, of("wide").ratio), (Some(0.5), Some(0.25)));
    assert_eq!((of("latin").taken_from.as_str(), of("latin").requests, of("latin").pairs), ("stratum", 10, 60));
}

#[test]
fn a_kind_with_few_pairs_takes_its_models_and_says_so() {
    let mut traffic = Traffic::default();
    for index in 0..60 {
        pair(&mut traffic, &request(index, 1), cell(Language::Latin), 1000, Leg::plain(500));
    }
    pair(&mut traffic, &request(100, 1), cell(Language::Wide), 1000, Leg::plain(9000));
    alone(&mut traffic, &request(200, 1), cell(Language::Wide), 1000, OFF_PEAK);
    let other = Cell { model: 7, ..cell(Language::Wide) };
    alone(&mut traffic, &request(201, 1), other, 1000, OFF_PEAK);
    let said = reckoned(&traffic, week(None)).counterfactual;
    let taken: Vec<(&str, &str)> =
        said.strata.iter().map(|stratum| (stratum.model.as_str(), stratum.taken_from.as_str())).collect();
    assert_eq!(taken, [("model-0", "model"), ("model-7", "arm")]);
    let ratio = said.strata[0].ratio.unwrap();
    assert!((ratio - 39.0 / 61.0).abs() < 1e-12, "{ratio}");
}

#[test]
fn without_a_pair_nothing_is_said_of_the_other_arm() {
    let mut traffic = Traffic::default();
    alone(&mut traffic, &request(1, 1), cell(Language::Latin), 1000, OFF_PEAK);
    let said = reckoned(&traffic, week(None));
    assert_eq!(said.counterfactual.as_served, "0.000001000");
    assert_eq!((said.counterfactual.candidate, said.counterfactual.saving), (None, None));
    assert_eq!((said.saving_per_month, said.cache), (None, None));
    assert!(said.notes.iter().any(|note| note.contains("mirror some")), "{:?}", said.notes);
    // Nothing at all is nothing to complain of.
    assert!(reckoned(&Traffic::default(), Window { to_us: MONDAY_US, ..week(None) }).notes.is_empty());
}

#[test]
fn what_the_candidate_served_is_predicted_for_the_baseline() {
    let mut traffic = Traffic::default();
    let of_candidate = Cell { served: Arm::Candidate, ..cell(Language::Latin) };
    for index in 0..50 {
        let request = request(index, 1);
        pair(&mut traffic, &request, cell(Language::Latin), 1000, Leg::plain(200));
        let tokens = Tokens::default();
        let lesson = Lesson { cell: of_candidate, x: 200, y: Leg::plain(1000), tokens, rate: None };
        traffic.lesson(request.conversation, &lesson);
    }
    let served = Request { served: Arm::Candidate, ..request(99, 1) };
    alone(&mut traffic, &served, of_candidate, 20, OFF_PEAK);
    let said = reckoned(&traffic, week(None)).counterfactual;
    assert_eq!(
        (said.baseline.unwrap().value, said.candidate.unwrap().value),
        ("0.000050100".into(), "0.000010020".into())
    );
    assert_eq!(said.as_served, "0.000050020");
}

#[test]
fn a_cache_that_decides_has_a_break_even() {
    let mut traffic = Traffic::default();
    for index in 0..10 {
        pair(
            &mut traffic,
            &request(index, 1),
            cell(Language::Latin),
            100,
            Leg { own: 140, off_peak: 140, cold: 150, warm: 50 },
        );
    }
    let cache = reckoned(&traffic, week(None)).cache.unwrap();
    assert!((cache.break_even.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(cache.reading, "Both arms cost the same at a hit rate of 50.0 %; below it the candidate is dearer.");
}

#[test]
fn halves_merged_in_either_order_say_the_same() {
    let build = |range: std::ops::Range<u64>| {
        let mut traffic = Traffic::default();
        for index in range {
            let request = request(index / 3, (index % 168) as usize);
            let nanos = 1000 + (uniform(index, 1) * 1000.0) as i64;
            if index % 4 == 0 {
                pair(&mut traffic, &request, cell(Language::Latin), nanos, Leg::plain(nanos / 3));
            } else {
                alone(
                    &mut traffic,
                    &request,
                    cell(Language::Latin),
                    nanos,
                    if index % 5 == 0 { PEAK } else { OFF_PEAK },
                );
            }
        }
        traffic
    };
    let whole = build(0..600);
    let (first, second) = (build(0..217), build(217..600));
    let mut merged = first.clone();
    merged.merge(&second);
    let mut turned = second;
    turned.merge(&first);
    assert_eq!(merged, whole);
    assert_eq!(turned, whole);
    let text = |traffic: &Traffic| serde_json::to_string(&reckoned(traffic, week(None)).counterfactual).unwrap();
    assert_eq!(text(&merged), text(&whole));
}

/// One made-up world: conversations of a few turns, money with a heavy tail, a ratio that depends on the language, its
/// scatter shared within a conversation; a quarter of the requests is mirrored. Gives the traffic, and the truth.
fn world(seed: u64, conversations: u64) -> (Traffic, f64) {
    let mut traffic = Traffic::default();
    let mut truth = 0.0;
    for conversation in 0..conversations {
        let draw = |stream: u64| uniform(conversation, seed.wrapping_mul(1000) + stream);
        let normal = |stream: u64| (0..6).map(|part| draw(stream * 10 + part)).sum::<f64>() - 3.0;
        let (wide, turns) = (draw(1) < 0.3, 1 + (draw(2) * 5.0) as u64);
        let (language, ratio) = if wide { (Language::Wide, 0.12) } else { (Language::Latin, 0.30) };
        let shared = (0.5 * normal(3)).exp();
        for turn in 0..turns {
            let baseline = 1e6 * (0.9 * normal(4 + turn)).exp();
            let candidate = baseline * ratio * shared * (0.4 * normal(20 + turn)).exp();
            let request = request(conversation ^ (seed << 32), (conversation % 168) as usize);
            let (baseline, candidate) = (baseline as i64, candidate as i64);
            truth += candidate as f64;
            if draw(40 + turn) < 0.25 {
                pair(&mut traffic, &request, cell(language), baseline, Leg::plain(candidate));
            } else {
                alone(&mut traffic, &request, cell(language), baseline, OFF_PEAK);
            }
        }
    }
    (traffic, truth)
}

fn bounds(amount: &judge::verdict::Amount) -> (f64, f64) {
    let number = |text: &Option<String>| text.as_ref().unwrap().parse::<f64>().unwrap() * 1e9;
    (number(&amount.lower), number(&amount.upper))
}

#[test]
fn intervals_of_the_same_traffic_cover_its_truth() {
    for (conversations, least) in [(150, 0.90), (1500, 0.93)] {
        let runs = 400;
        let (mut covered, mut width) = (0, 0.0);
        for seed in 0..runs {
            let (traffic, truth) = world(seed, conversations);
            let said = reckoned(&traffic, week(None)).counterfactual;
            let (lower, upper) = bounds(said.candidate.as_ref().unwrap());
            covered += u64::from(lower <= truth && truth <= upper);
            width += (upper - lower) / truth / runs as f64;
        }
        let share = covered as f64 / runs as f64;
        eprintln!(
            "{conversations} conversations: {share:.3} of {runs} intervals cover, mean width {:.1} %",
            width * 100.0
        );
        assert!((least..=0.985).contains(&share), "{conversations}: {share}");
    }
}

#[test]
fn intervals_of_a_month_cover_the_mean_of_the_world() {
    // The truth of a month is the mean of many worlds.
    let conversations = 600;
    let mean =
        |traffic: &Traffic, truth: f64| (traffic.totals.baseline as f64 - truth) / traffic.totals.requests as f64;
    let worlds: Vec<(Traffic, f64)> = (10_000..10_400).map(|seed| world(seed, conversations)).collect();
    let requests: f64 = worlds.iter().map(|(traffic, _)| traffic.totals.requests as f64).sum();
    let saved: f64 = worlds.iter().map(|(traffic, truth)| mean(traffic, *truth) * traffic.totals.requests as f64).sum();
    let expected = saved / requests * 1e6;
    let covered = worlds.iter().filter(|(traffic, _)| {
        let month = reckoned(traffic, week(Some(1e6))).saving_per_month.unwrap();
        let (lower, upper) = bounds(&month.amount);
        lower <= expected && expected <= upper
    });
    let share = covered.count() as f64 / worlds.len() as f64;
    eprintln!("a month: {share:.3} of {} intervals cover", worlds.len());
    assert!((0.91..=0.985).contains(&share), "{share}");
}

#[test]
fn a_window_that_has_not_met_all_prices_gives_a_month_without_an_interval() {
    let mut traffic = Traffic::default();
    for index in 0..200 {
        let cost = 100 + (uniform(index, 7) * 50.0) as i64;
        pair(&mut traffic, &request(index, 9), cell(Language::Latin), cost, Leg::plain(30));
    }
    let day = Window { to_us: MONDAY_US + DAY_US, ..week(None) };
    let flat = reckoned(&traffic, day);
    let varying = reckoned(&traffic, Window { prices_vary: true, ..day });
    let (flat_month, month) = (flat.saving_per_month.unwrap(), varying.saving_per_month.unwrap());
    assert!(flat_month.amount.lower.is_some());
    assert_eq!((month.amount.lower, month.candidate.upper, month.off_peak.lower), (None, None, None));
    assert_eq!(month.amount.value, flat_month.amount.value);
    assert!(varying.notes.iter().any(|note| note.contains("covers 25 of the 168 hours")), "{:?}", varying.notes);
    assert!(flat.notes.iter().all(|note| !note.contains("168 hours")));
    // What was sent in the window is known as well as before, and a whole week has met every price.
    assert_eq!(varying.counterfactual, flat.counterfactual);
    let whole = reckoned(&traffic, Window { prices_vary: true, ..week(None) });
    assert!(whole.saving_per_month.unwrap().amount.lower.is_some() && whole.notes.is_empty());
}
