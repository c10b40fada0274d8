use super::*;
use crate::policy::{HardStop, Policy};
use crate::stats::betting::Hypothesis;
use crate::stats::blocks::{BlockCounts, BlockFormer, Served};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ERRORS: usize = Share::Errors.slot();
const BLOCKED: usize = Share::Blocked.slot();

fn bad(slots: &[usize]) -> Ending {
    let mut ending = Ending::default();
    slots.iter().for_each(|slot| ending.bad.insert(*slot));
    ending
}

fn fresh(at_us: i64, candidate: bool, unit: u64) -> Fresh {
    Fresh { at_us, candidate, streamed: false, unit }
}

/// Arrivals and endings in a jumble, as they come at a gateway: many under way at once, failures sooner than answers.
fn jumbled(rng: &mut StdRng, weight: f64, requests: usize) -> (Live, [BlockCounts; 2]) {
    let mut live = Live::new(1, weight, 1);
    let mut formers = [BlockFormer::new(weight).unwrap(), BlockFormer::new(weight).unwrap()];
    let mut counts: [BlockCounts; 2] = Default::default();
    let mut under_way: Vec<(Place, Ending)> = Vec::new();
    let mut at_us = 0;
    for unit in 0..requests as u64 {
        at_us += rng.random_range(0..600_000);
        let streamed = rng.random_bool(0.5);
        let candidate = rng.random_bool(weight);
        let share = if candidate { 0.10 } else { 0.03 };
        let slots: Vec<usize> = [ERRORS, BLOCKED].into_iter().filter(|_| rng.random_bool(share)).collect();
        let ending = bad(&slots);
        let outcomes = slots.iter().fold(0, |bits, slot| bits | 1 << slot);
        let served = Served { stratum: 0, minute: at_us / MINUTE_US, candidate, outcomes };
        let add = |block: &crate::stats::blocks::Block| {
            counts[0].add(block, ERRORS);
            counts[1].add(block, BLOCKED);
        };
        formers[usize::from(streamed)].push(served, add);
        under_way.push((live.arrived(Fresh { at_us, candidate, streamed, unit }), ending));
        while under_way.len() > rng.random_range(0..200) {
            let (place, ending) = under_way.swap_remove(rng.random_range(0..under_way.len()));
            live.ended(place, ending);
        }
    }
    under_way.into_iter().for_each(|(place, ending)| live.ended(place, ending));
    // Both minutes end: the last blocks are closed with what they have.
    live.arrived(fresh(at_us + 2 * MINUTE_US, false, u64::MAX));
    for former in formers {
        former.finish(|block| {
            counts[0].add(block, ERRORS);
            counts[1].add(block, BLOCKED);
        });
    }
    (live, counts)
}

#[test]
fn once_all_have_ended_the_blocks_are_the_evaluators_whatever_the_order_of_endings() {
    for (seed, weight) in [(1, 0.01), (2, 0.05), (3, 0.1), (4, 0.25), (5, 0.5), (6, 0.9)] {
        let (live, counts) = jumbled(&mut StdRng::seed_from_u64(seed), weight, 5000);
        for (share, counts) in [(Share::Errors, &counts[0]), (Share::Blocked, &counts[1])] {
            assert!(counts.blocks() > 0);
            assert_eq!(live.tallied().all().to_tally(share), counts.to_tally(), "{weight} {share:?}");
            assert_eq!(live.tallied().all().candidate_bad(share), counts.candidate_bad());
        }
        assert_eq!((live.late(), live.open.len()), (0, 0), "nothing is remembered that cannot change");
    }
}

#[test]
fn the_wealth_is_the_judges_to_the_last_bit_and_the_alarm_its_own_at_the_stated_level() {
    let policy = Policy::default();
    let rules = Rules::new(&policy);
    let margin = policy.share_margin(Share::Errors).value;
    let level: f64 = rules.first_level(Share::Errors);
    assert!((level - 0.01 * ERRORS_SHARE * FIRST_SHARE).abs() < 1e-12);
    // Without a hard stop and the other shares in the way.
    let text = "[hard_stop]\nerror_percent = 100\n[guardrails.blocked]\nenabled = false\n";
    let alone = Rules::new(&Policy::parse(text).unwrap());
    let mut alarms = 0;
    for seed in 0..20 {
        let (live, counts) = jumbled(&mut StdRng::seed_from_u64(seed), 0.25, 150 + 60 * seed as usize);
        let judges = counts[0].to_tally().unwrap().log_wealth(margin, Hypothesis::AtMost, 1.0).unwrap();
        let own = live.tallied().all().to_tally(Share::Errors).unwrap();
        assert_eq!(own.log_wealth(margin, Hypothesis::AtMost, 1.0), Ok(judges));
        let standing = alone.judge(live.tallied(), 0, 1);
        // A bound above the margin is a wealth above the level, and the other way round.
        let lower = own.lower(level, 1.0).unwrap();
        assert_eq!(standing.alarm.is_some(), lower > margin, "{seed}: {standing:?} {lower}");
        alarms += usize::from(standing.alarm.is_some());
    }
    assert!((1..20).contains(&alarms), "{alarms} of 20: some must and some must not");
}

#[test]
fn the_levels_of_all_questions_and_starts_sum_up_to_the_policys() {
    for text in ["", "[guardrails.errors]\nenabled = false\n", "[guardrails.slow_ttft]\nenabled = true\n"] {
        let rules = Rules::new(&Policy::parse(text).unwrap());
        let later: f64 = (1..100_000).map(|start| 1.0 / (f64::from(start) * f64::from(start + 1))).sum();
        let starts = FIRST_SHARE + (1.0 - FIRST_SHARE) * later;
        let sum: f64 = rules.levels().map(|level| level * starts).sum();
        assert!(sum <= 0.01 + 1e-12 && sum > 0.009_99, "{text}: {sum}");
    }
}

#[test]
fn what_is_under_way_is_no_evidence_against_anybody() {
    let mut live = Live::new(1, 0.5, 1);
    let rules = Rules::new(&Policy::default());
    // The candidate fails at once in one request of a hundred; nobody else has answered yet.
    for unit in 0..2000u64 {
        let place = live.arrived(fresh(unit as i64, unit.is_multiple_of(2), unit));
        if unit.is_multiple_of(200) {
            live.ended(place, bad(&[ERRORS]));
        }
    }
    assert_eq!(live.tallied().blocks(), 1000);
    let few = Rules::new(&Policy::parse("[hard_stop]\nmin_requests = 1000\n").unwrap());
    assert_eq!(few.judge(live.tallied(), 0, 1).alarm, None);
    assert!(rules.judge(live.tallied(), 0, 1).nearest.is_some_and(|hint| hint.log_wealth < hint.needed));
}

#[test]
fn one_unit_alone_raises_no_alarm_and_two_do() {
    let policy = Policy::parse("[hard_stop]\nmin_requests = 100000\n").unwrap();
    for (units, alarmed) in [(1, false), (2, true)] {
        let mut live = Live::new(1, 0.5, 1);
        for request in 0..400u64 {
            let candidate = request.is_multiple_of(2);
            let unit = if candidate { request / 2 % units } else { 1000 + request };
            let place = live.arrived(fresh(request as i64, candidate, unit));
            live.ended(place, if candidate { bad(&[ERRORS]) } else { Ending::default() });
        }
        let standing = Rules::new(&policy).judge(live.tallied(), 0, 1);
        assert_eq!(standing.alarm.is_some(), alarmed, "{units}: {standing:?}");
    }
}

#[test]
fn hard_stops_need_no_baseline() {
    let rules = Rules::new(&Policy::default());
    let mut live = Live::new(1, 1.0, 1);
    let end = |live: &mut Live, ending: Ending| {
        let place = live.arrived(fresh(0, true, 7));
        live.ended(place, ending);
        rules.judge(live.tallied(), live.refused_in_a_row(), 1).alarm
    };
    for _ in 0..26 {
        assert_eq!(end(&mut live, Ending::default()), None);
    }
    for _ in 0..3 {
        assert_eq!(end(&mut live, bad(&[ERRORS])), None);
    }
    let alarm = end(&mut live, bad(&[ERRORS])).unwrap();
    assert_eq!(alarm.to_string(), "hard stop: 4 of 30 requests of the candidate failed (13.3 %, limit 10 %)");
    let mut live = Live::new(1, 1.0, 1);
    let refused = Ending { key_refused: true, ..bad(&[ERRORS]) };
    for _ in 0..4 {
        assert_eq!(end(&mut live, refused), None);
    }
    let cancelled = Ending { cancelled: true, ..Ending::default() };
    assert_eq!(end(&mut live, cancelled), None, "a client that left says nothing about the key");
    assert_eq!(end(&mut live, refused), Some(Alarm::Refused { in_a_row: 5 }));
    assert_eq!(end(&mut live, Ending::default()), None);
}

#[test]
fn replicas_may_be_added_in_any_order_and_travel_as_text() {
    let of = |seed| jumbled(&mut StdRng::seed_from_u64(seed), 0.1, 3000).0.tallied().clone();
    let (a, b, c) = (of(1), of(2), of(3));
    let sum = |parts: [&Tallied; 3]| {
        let mut sum = Tallied::default();
        for part in parts {
            let text = serde_json::to_string(part).unwrap();
            assert!(text.len() < 4000, "{} bytes", text.len());
            let back: Tallied = serde_json::from_str(&text).unwrap();
            assert_eq!(back, *part);
            sum.merge(&back);
        }
        sum
    };
    assert_eq!(sum([&a, &b, &c]), sum([&c, &a, &b]));
    assert_eq!(sum([&a, &b, &c]).blocks(), a.blocks() + b.blocks() + c.blocks());
    for nonsense in [r#"{"b":{},"c":{},"a":{},"w":{}}"#, "[]", "", r#"{"b":1}"#] {
        assert!(serde_json::from_str::<Tallied>(nonsense).is_err(), "{nonsense}");
    }
}

#[test]
fn a_change_after_a_long_calm_is_seen_by_a_fresh_start() {
    let policy = Policy::parse("[hard_stop]\nmin_requests = 10000000\n").unwrap();
    let rules = Rules::new(&policy);
    let mut rng = StdRng::seed_from_u64(9);
    let mut live = Live::new(1, 0.5, 1);
    let mut serve = |live: &mut Live, request: u64, share: f64| {
        let candidate = request.is_multiple_of(2);
        let place = live.arrived(fresh(request as i64 * 1000, candidate, request));
        let failed = rng.random_bool(if candidate { share } else { 0.01 });
        live.ended(place, if failed { bad(&[ERRORS]) } else { Ending::default() });
    };
    for request in 0..100_000 {
        serve(&mut live, request, 0.01);
    }
    assert_eq!(rules.judge(live.tallied(), 0, 1).alarm, None);
    let mut more = 0;
    while rules.judge(live.tallied(), 0, 1).alarm.is_none() {
        serve(&mut live, 100_000 + more, 0.2);
        more += 1;
        assert!(more < 2000, "50,000 calm requests of the candidate must not hide a fifth that fail");
    }
    assert!(live.tallied().windows.len() <= WINDOWS_KEPT);
}

/// One epoch at this weight; the candidate's requests until an alarm, if there is one before `last`.
fn until_alarm(rng: &mut StdRng, rules: &Rules, weight: f64, share: f64, last: u64) -> Option<u64> {
    let mut live = Live::new(1, weight, 1);
    let mut candidates = 0;
    for unit in 0.. {
        let candidate = rng.random_bool(weight);
        candidates += u64::from(candidate);
        if candidates > last {
            return None;
        }
        let place = live.arrived(fresh(unit as i64 * 360_000, candidate, unit));
        let failed = rng.random_bool(if candidate { share } else { 0.01 });
        live.ended(place, if failed { bad(&[ERRORS]) } else { Ending::default() });
        if failed && rules.judge(live.tallied(), 0, 1).alarm.is_some() {
            return Some(candidates);
        }
    }
    None
}

#[test]
fn a_break_is_seen_soon_and_nothing_is_seen_where_nothing_is() {
    let rules = Rules::new(&Policy::default());
    let mut rng = StdRng::seed_from_u64(77);
    for (share, limit) in [(0.10, 170), (0.20, 75)] {
        for weight in [0.05, 0.5] {
            let mut found: Vec<u64> =
                (0..41).map(|_| until_alarm(&mut rng, &rules, weight, share, 4000).unwrap_or(u64::MAX)).collect();
            found.sort_unstable();
            assert!(found[20] <= limit, "{share} at {weight}: median {}", found[20]);
        }
    }
    for weight in [0.05, 0.1, 0.25, 0.5] {
        for _ in 0..25 {
            assert_eq!(until_alarm(&mut rng, &rules, weight, 0.01, 600), None, "{weight}");
        }
    }
}

#[test]
fn failures_of_the_baseline_that_take_longer_to_show_are_no_proof() {
    let rules =
        Rules::new(&Policy { hard_stop: HardStop { error_percent: 100.0, min_requests: 30 }, ..Policy::default() });
    let mut live = Live::new(1, 0.1, 1);
    let (mut hanging, mut candidates) = (Vec::new(), 0);
    for number in 0..20_000u64 {
        let candidate = number % 10 == 0;
        let place = live.arrived(fresh((number as i64) * 3000, candidate, number));
        // Each arm fails one time in twenty: the candidate at once, the baseline by a deadline that has not come.
        let fails = if candidate { candidates % 20 == 0 } else { number % 20 == 1 };
        candidates += u64::from(candidate);
        match (fails, candidate) {
            (true, false) => hanging.push(place),
            (fails, _) => live.ended(place, if fails { bad(&[ERRORS]) } else { Ending::default() }),
        }
        let standing = rules.judge(live.tallied(), 0, 1);
        assert_eq!(standing.alarm, None, "after {number} requests");
    }
    assert!(hanging.len() > 500 && candidates == 2000);
    hanging.into_iter().for_each(|place| live.ended(place, bad(&[ERRORS])));
    assert_eq!(rules.judge(live.tallied(), 0, 1).alarm, None);
}

#[test]
fn a_clock_that_was_set_back_does_not_blind_the_guard() {
    let mut live = Live::new(1, 0.5, 1);
    live.arrived(fresh(100 * MINUTE_US, false, 0));
    for unit in 1..=50 {
        for candidate in [true, false] {
            let place = live.arrived(fresh(3 * MINUTE_US, candidate, unit));
            live.ended(place, if candidate { bad(&[ERRORS]) } else { Ending::default() });
        }
    }
    assert_eq!((live.tallied().blocks(), live.tallied().all().candidate_bad(Share::Errors)), (50, 50));
}
