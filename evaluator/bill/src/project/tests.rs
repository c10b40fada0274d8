//! Projections against sums by hand, and what they say where something is missing.

use super::*;
use datasets::Recorded;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Friday 2026-11-20, 12:00 UTC: DeepSeek's off-peak.
const FRIDAY_NOON: &str = "2026-11-20T12:00:00Z";
/// Friday 2026-11-20, 02:00 UTC: its peak.
const FRIDAY_NIGHT: &str = "2026-11-20T02:00:00Z";

const ENGLISH: &str = "When will my order be delivered, and may I still change the address of it?";
const CHINESE: &str = "我的订单什么时候送到我还可以更改地址吗";

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn now() -> i64 {
    at("2026-11-23T00:00:00Z")
}

fn body(model: &str, prompt: &str, stream: bool) -> Box<RawValue> {
    let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream});
    RawValue::from_string(body.to_string()).unwrap()
}

/// An answered request.
fn logged(time_us: i64, model: &str, prompt: &str, usage: Option<Usage>) -> LoggedRequest {
    let recorded = Recorded { usage, ..Recorded::new("openai", model, 200) };
    LoggedRequest { recorded: Some(recorded), ..LoggedRequest::chat("r", time_us, body(model, prompt, true)) }
}

fn counted(prompt: u64, cached: u64, completion: u64) -> Option<Usage> {
    Some(Usage { cached: Some(cached), ..Usage::new(prompt, completion, UsageSource::Provider) })
}

fn project(options: Options<'_>, log: &[(LoggedRequest, Option<&str>)]) -> Document {
    let mut projection = Projection::new(options);
    for (request, to) in log {
        projection.see(request, *to);
    }
    projection.finish()
}

fn scaled(tokens: u64, ratio: f64) -> i64 {
    (tokens as f64 * ratio).round() as i64
}

#[test]
fn recorded_tokens_cost_what_they_cost_by_hand() {
    let tariffs = Tariffs::embedded().unwrap();
    let usage = counted(10_000, 4_000, 2_000);
    let log = [
        (logged(at(FRIDAY_NOON), "gpt-4o-mini", ENGLISH, usage), Some("deepseek-flash")),
        (logged(at(FRIDAY_NIGHT), "gpt-4o-mini", CHINESE, usage), Some("deepseek-flash")),
        (logged(at(FRIDAY_NOON), "gpt-4o-mini", ENGLISH, usage), None),
    ];
    let document = project(Options::new(&tariffs, now()), &log);
    // 6,000 uncached at 0.15, 4,000 cached at 0.075, 2,000 out at 0.60 USD per million: 0.0024 USD.
    let each = 6_000 * 150 + 4_000 * 75 + 2_000 * 600;
    assert_eq!(each, 2_400_000);
    let exact = |nanos: i64| Money { value: Nanos(nanos), lower: Nanos(nanos), upper: Nanos(nanos) };
    assert_eq!(document.baseline.today, exact(3 * each));
    assert_eq!(document.baseline.paid, Some(exact(3 * each)));

    let ratios = Ratios::default();
    let in_deepseek = |script| ratios.between(Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek), script);
    // Off-peak 0.15, 0.003, 0.60; twice that at peak.
    let candidate = |ratio: f64| {
        let (prompt, cached, answer) = (scaled(10_000, ratio), scaled(4_000, ratio), scaled(2_000, ratio));
        (prompt - cached) * 150 + cached * 3 + answer * 600
    };
    let (english, chinese) = (in_deepseek(Script::English), in_deepseek(Script::Chinese));
    let all = |pick: fn(&Ratio) -> f64| each + candidate(pick(&english)) + 2 * candidate(pick(&chinese));
    let choice = &document.choices[0];
    assert_eq!((choice.name.as_str(), choice.moved, choice.unpriced), ("as mapped", 2, 0));
    assert_eq!(choice.against, exact(3 * each));
    let cost = Money {
        value: Nanos(all(|ratio| ratio.likely)),
        lower: Nanos(all(|ratio| ratio.low)),
        upper: Nanos(all(|ratio| ratio.high)),
    };
    assert_eq!(choice.cost, cost);
    let saving = choice.saving.unwrap();
    assert_eq!(saving.value.0, 3 * each - cost.value.0);
    assert_eq!((saving.lower.0, saving.upper.0), (3 * each - cost.upper.0, 3 * each - cost.lower.0));
    // At the cheapest hours the second request costs half, and at the dearest the first one twice.
    assert_eq!(choice.cheapest_hours.0, each + candidate(english.likely) + candidate(chinese.likely));
    assert_eq!(choice.dearest_hours.0, each + 2 * (candidate(english.likely) + candidate(chinese.likely)));
    let peak = 2 * candidate(chinese.likely);
    let share = peak as f64 / (peak + candidate(english.likely)) as f64;
    assert!((choice.peak_share.unwrap() - share).abs() < 1e-12);
    // Groups add up to the whole.
    for groups in [&document.by_consumer, &document.by_model, &document.by_day, &document.by_hour] {
        assert_eq!(groups.iter().map(|group| group.baseline.0).sum::<i64>(), 3 * each);
        assert_eq!(groups.iter().map(|group| group.choices[0].cost.value.0).sum::<i64>(), cost.value.0);
    }
    let hours: Vec<&str> = document.by_hour.iter().map(|group| &*group.name).collect();
    assert_eq!(hours, ["Fri 02", "Fri 12"]);
    assert_eq!(document.by_day[0].name, "2026-11-20");
}

#[test]
fn an_old_log_is_priced_today_at_its_hour_and_then_as_it_was_paid() {
    let tariffs = Tariffs::embedded().unwrap();
    // A Friday night of July: gpt-5.6-sol was at its list price of 5 and 30 USD.
    let july = at("2026-07-31T02:00:00Z");
    let log = [(logged(july, "gpt-5.6-sol", ENGLISH, counted(100_000, 0, 0)), Some("deepseek-v4-pro"))];
    let document = project(Options::new(&tariffs, now()), &log);
    assert_eq!(document.baseline.paid.unwrap().value, Nanos(500_000_000));
    assert_ne!(document.baseline.today.value, Nanos(0));
    // Its vocabulary is o200k's family, its hour is DeepSeek's peak: 1.32 USD.
    let english =
        Ratios::default().between(Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek), Script::English).likely;
    assert_eq!(document.choices[0].cost.value, Nanos(scaled(100_000, english) * 1320));
}

#[test]
fn a_log_without_dates_gets_the_mean_of_a_week() {
    let tariffs = Tariffs::embedded().unwrap();
    let log = [(logged(0, "gpt-4o-mini", ENGLISH, counted(1_000_000, 0, 0)), Some("deepseek-flash"))];
    let document = project(Options::new(&tariffs, now()), &log);
    let tokens = scaled(
        1_000_000,
        Ratios::default().between(Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek), Script::English).likely,
    );
    // 35 of the 168 hours are peak.
    assert_eq!(document.choices[0].cost.value.0, (tokens * 150 * (133 + 2 * 35) + 84) / 168);
    assert_eq!((document.log.clock, document.by_day.len(), document.baseline.paid), ("undated", 0, None));
    assert!((document.choices[0].peak_share.unwrap() - 70.0 / 203.0).abs() < 1e-6);
}

#[test]
fn alternatives_stand_side_by_side_and_sensitivities_move_the_right_way() {
    let tariffs = Tariffs::embedded().unwrap();
    let alternatives = vec!["deepseek-flash".to_owned(), "deepseek-v4-pro".to_owned(), "no-such-model".to_owned()];
    let log =
        [(logged(at(FRIDAY_NIGHT), "gpt-4o-mini", ENGLISH, counted(10_000, 5_000, 1_000)), Some("deepseek-flash"))];
    let document = project(Options { alternatives, ..Options::new(&tariffs, now()) }, &log);
    let cost = |index: usize| document.choices[index].cost.value;
    assert_eq!(cost(0), cost(1));
    assert!(cost(2) > cost(1));
    // No price is no sum, and said.
    assert_eq!((document.choices[3].unpriced, cost(3), document.choices[3].against.value), (1, Nanos(0), Nanos(0)));
    assert_eq!(
        document.unpriced,
        [Unpriced { provider: "deepseek".into(), model: "no-such-model".into(), requests: 1 }]
    );
    let choice = &document.choices[0];
    let [cold, as_today, warm] = choice.cache.as_slice() else { panic!("{:?}", choice.cache) };
    assert!(cold.cost > as_today.cost && as_today.cost > warm.cost && as_today.cost == choice.cost.value);
    assert_eq!(as_today.saving.0, document.baseline.today.value.0 - as_today.cost.0);
    // Peak flash is twice as dear as gpt-4o-mini: only a warm cache saves.
    assert!(cold.saving.0 < 0 && warm.saving.0 > 0, "{cold:?} {warm:?}");
    let share = choice.cache_break_even.unwrap();
    let between = |share: f64| cold.cost.0 as f64 + (warm.cost.0 - cold.cost.0) as f64 * share / 0.9;
    assert!((between(share) - choice.against.value.0 as f64).abs() < 10.0);
    assert!(choice.lengths.windows(2).all(|pair| pair[0].cost < pair[1].cost));
    let thinking = choice.thinking.unwrap();
    assert!(thinking.off && !thinking.measured && thinking.cost > choice.cost.value);
}

#[test]
fn uncounted_requests_are_estimated_at_the_rate_of_the_log() {
    let tariffs = Tariffs::embedded().unwrap();
    let prompt = "word ".repeat(200);
    // A thousand characters are 500 tokens in this log, twice the usual.
    let mut log: Vec<_> = (0..40)
        .map(|_| (logged(at(FRIDAY_NOON), "gpt-4o-mini", &prompt, counted(500, 0, 100)), Some("deepseek-flash")))
        .collect();
    let sure = project(Options::new(&tariffs, now()), &log);
    log.extend((0..10).map(|_| (logged(at(FRIDAY_NOON), "gpt-4o-mini", &prompt, None), Some("deepseek-flash"))));
    let document = project(Options::new(&tariffs, now()), &log);
    let (whole, part) = (document.baseline.today, sure.baseline.today.value.0);
    assert!((whole.value.0 - part * 5 / 4).abs() <= 1, "{whole:?} {part}");
    assert_eq!((document.log.estimated, document.log.answers_unknown), (10, 0));
    assert!((document.log.estimated_share.unwrap() - 0.2).abs() < 1e-9);
}

#[test]
fn what_cannot_be_known_is_no_saving() {
    let tariffs = Tariffs::embedded().unwrap();
    let log: Vec<_> = (0..40)
        .map(|second| {
            let request =
                LoggedRequest::chat("r", at(FRIDAY_NOON) + second * 1_000_000, body("gpt-4o-mini", ENGLISH, true));
            (request, Some("deepseek-flash"))
        })
        .collect();
    let document = project(Options::new(&tariffs, now()), &log);
    let choice = &document.choices[0];
    assert_eq!((document.log.answers_unknown, choice.saving), (40, None));
    assert_eq!(choice.month, None);
    assert!(document.notes[0].starts_with("40 answers"), "{:?}", document.notes);
    // The prompts are priced, to a quarter.
    let today = document.baseline.today;
    assert!(today.lower < today.value && today.value < today.upper && today.lower.0 > 0);
}

#[test]
fn failures_cost_nothing_and_odd_requests_stay() {
    let tariffs = Tariffs::embedded().unwrap();
    let mut failed = logged(at(FRIDAY_NOON), "gpt-4o-mini", ENGLISH, None);
    failed.recorded.as_mut().unwrap().status = 503;
    let mut broken = logged(at(FRIDAY_NOON), "gpt-4o-mini", ENGLISH, counted(100, 0, 100));
    broken.body = RawValue::from_string("[]".to_owned()).unwrap();
    let mut embedding = broken.clone();
    embedding.endpoint = wire::Endpoint::Embeddings;
    embedding.body = RawValue::from_string(r#"{"model":"gpt-4o-mini","input":"x"}"#.to_owned()).unwrap();
    let unpriced = logged(at(FRIDAY_NOON), "nobody-knows", ENGLISH, counted(1, 1, 1));
    let log = [failed, broken, embedding, unpriced].map(|request| (request, Some("deepseek-flash")));
    let document = project(Options::new(&tariffs, now()), &log);
    let Log { requests, billed, failed, unreadable, .. } = document.log;
    assert_eq!((requests, billed, failed, unreadable, document.baseline.unpriced), (4, 3, 1, 1, 1));
    let choice = &document.choices[0];
    assert_eq!((choice.moved, choice.saving.unwrap().value), (0, Nanos(0)));
    assert_eq!(choice.cost.value, Nanos(2 * (100 * 150 + 100 * 600)));
}

#[test]
fn any_number_of_names_takes_bounded_room_and_loses_nothing() {
    let tariffs = Tariffs::embedded().unwrap();
    let mut projection = Projection::new(Options::new(&tariffs, now()));
    let mut name = String::new();
    for number in 0..3_000u32 {
        name.clear();
        write!(name, "consumer-{number}").unwrap();
        let mut request = logged(i64::from(number) * 86_400_000_000, "gpt-4o-mini", ENGLISH, counted(1_000, 0, 0));
        request.consumer = Some(name.clone());
        projection.see(&request, None);
    }
    let document = projection.finish();
    assert_eq!(document.by_consumer.len(), CONSUMERS_MAX + 1);
    let last = document.by_consumer.last().unwrap();
    assert_eq!((last.name.as_str(), last.requests), ("other", 2_000));
    assert_eq!(document.by_consumer.iter().map(|group| group.baseline.0).sum::<i64>(), document.baseline.today.value.0);
}

#[test]
fn any_numbers_are_borne() {
    let tariffs = Tariffs::embedded().unwrap();
    let log: Vec<_> = [0, i64::MIN, i64::MAX, now(), 1]
        .into_iter()
        .flat_map(|time| {
            [u64::MAX, 0, 1 << 40].map(|tokens| {
                (logged(time, "gpt-4o-mini", ENGLISH, counted(tokens, tokens, tokens)), Some("deepseek-flash"))
            })
        })
        .cycle()
        .take(60)
        .collect();
    let document = project(Options { now_us: i64::MAX, ..Options::new(&tariffs, now()) }, &log);
    assert_eq!(document.log.requests, 60);
    let document = project(Options { month_requests: Some(1e300), ..Options::new(&tariffs, i64::MIN) }, &log);
    assert!(serde_json::to_string(&document).unwrap().contains("weighbridge.projection/1"));
}

/// Traffic of hours, of which the log is a part, with a known saving: the month's interval holds it as often as it says.
#[test]
fn the_interval_of_a_month_covers() {
    use rand::{RngExt as _, SeedableRng as _};
    let hour_us = 3_600_000_000.0;
    let (mut inside, draws) = (0, 300u64);
    for seed in 0..draws {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut series = Series::new(1_000_000, 1);
        // Requests of a Poisson process, 300 an hour on average for two hours; each saves something, with a long tail, and
        // those of a conversation resemble each other.
        let (mut time, mut saved) = (0.0, 0.0);
        while time < 2.0 * hour_us {
            time += -(1.0 - random.random::<f64>()).ln() * hour_us / 100.0;
            let size = -(1.0 - random.random::<f64>()).ln();
            for turn in 0..3u32 {
                let nanos = (size * random.random_range(0.5..1.5) * 1e6) as i128;
                let mut saving = Based::default();
                saving.add(Basis::Recorded, nanos);
                series.add((time + f64::from(turn) * 1e7) as i64, &[saving]);
                saved += nanos as f64;
            }
        }
        let half = series.half_width(0, |sum| sum.of(Basis::Recorded) as f64).unwrap();
        // 200 conversations of three requests, each saving 1e6 on average.
        inside += u64::from((saved - 200.0 * 3.0 * 1e6).abs() <= half);
    }
    println!("months: {inside} of {draws} intervals hold the truth");
    // 95 % of 300 is 285, and three standard errors below that 274.
    assert!((274..=draws).contains(&inside), "{inside} of {draws}");
}

#[test]
fn a_month_is_told_with_its_interval_where_the_log_is_long_enough() {
    let tariffs = Tariffs::embedded().unwrap();
    let log = |minutes: i64| -> Vec<_> {
        (0..400)
            .map(|row| {
                let time = at(FRIDAY_NOON) + row * minutes * 60_000_000 / 400;
                let usage = counted(1_000 + (row as u64 * 37) % 500, 0, 100);
                (logged(time, "gpt-4o", ENGLISH, usage), Some("deepseek-flash"))
            })
            .collect()
    };
    let document = project(Options::new(&tariffs, now()), &log(120));
    let month = document.choices[0].month.as_ref().unwrap();
    let (saving, whole) = (month.saving.unwrap(), document.choices[0].saving.unwrap());
    assert_eq!(month.scaled_by, "mean-rate");
    let times = 730.5 / month.window_hours;
    assert!((saving.value.0 as f64 / (whole.value.0 as f64 * times) - 1.0).abs() < 1e-6);
    // Wider than ratios alone, and both bounds are there.
    assert!((saving.upper.0 - saving.value.0) as f64 > (whole.upper.0 - whole.value.0) as f64 * times);
    assert!(saving.lower.0 > 0);
    // Minutes are no month, unless somebody says how many requests a month has.
    let document = project(Options::new(&tariffs, now()), &log(6));
    assert_eq!(document.choices[0].month, None);
    assert!(document.notes.iter().any(|note| note.contains("month")), "{:?}", document.notes);
    let named = Options { month_requests: Some(4_000.0), ..Options::new(&tariffs, now()) };
    let document = project(named, &log(6));
    let month = document.choices[0].month.as_ref().unwrap();
    assert_eq!((month.scaled_by, month.requests), ("stated", 4_000.0));
    assert!((month.cost.0 - document.choices[0].cost.value.0 * 10).abs() <= 10);
}

#[test]
fn a_short_log_at_cheap_hours_does_not_promise_a_cheap_month() {
    let tariffs = Tariffs::embedded().unwrap();
    let log: Vec<_> = (0..400)
        .map(|row| {
            let usage = counted(1_000, 0, 100);
            (logged(at(FRIDAY_NOON) + row * 18_000_000, "gpt-4o-mini", ENGLISH, usage), Some("deepseek-flash"))
        })
        .collect();
    let document = project(Options::new(&tariffs, now()), &log);
    let choice = &document.choices[0];
    let month = choice.month.as_ref().unwrap();
    let saving = month.saving.unwrap();
    // All of it was sent off-peak; had it been sent at peak it would have cost twice as much, and the bound reaches there.
    assert_eq!((choice.cheapest_hours, choice.dearest_hours.0), (Nanos(choice.cost.value.0), choice.cost.value.0 * 2));
    assert!(saving.value.0 - saving.lower.0 >= month.cost.0, "{saving:?} {}", month.cost.0);
    let remark = |document: &Document| document.notes.iter().any(|note| note.contains("2 of the 168 hours"));
    assert!(remark(&document) || document.notes.iter().any(|note| note.contains("3 of the 168 hours")));
    // A log without hours is priced at the mean of the week: there is nothing that it has not seen.
    let options = Options { untimed: true, month_requests: Some(1e5), ..Options::new(&tariffs, now()) };
    let document = project(options, &log);
    let mean = document.choices[0].month.as_ref().unwrap();
    assert!(mean.saving.is_none_or(|saving| saving.value.0 - saving.lower.0 < mean.cost.0));
    assert!(document.notes.iter().all(|note| !note.contains("168 hours")), "{:?}", document.notes);
}

#[test]
fn models_without_a_price_save_nothing_that_could_be_told() {
    let tariffs = Tariffs::embedded().unwrap();
    let log = [(logged(at(FRIDAY_NOON), "nobody-knows", ENGLISH, counted(10, 0, 10)), Some("deepseek-flash"))];
    let choice = &project(Options::new(&tariffs, now()), &log).choices[0];
    assert_eq!((choice.priced, choice.saving, choice.month.is_none()), (0, None, true));
    let log = [(logged(at(FRIDAY_NOON), "gpt-4o", ENGLISH, counted(10, 0, 10)), Some("nobody-knows"))];
    let choice = &project(Options::new(&tariffs, now()), &log).choices[0];
    assert_eq!((choice.priced, choice.unpriced, choice.saving), (0, 1, None));
    let log = [(logged(at(FRIDAY_NOON), "gpt-4o", ENGLISH, counted(10, 0, 10)), Some("deepseek-flash"))];
    assert_eq!(project(Options::new(&tariffs, now()), &log).choices[0].priced, 1);
}

#[test]
fn no_answer_is_longer_than_its_model_can_write() {
    let tariffs = Tariffs::embedded().unwrap();
    let cost = |model: &str, allowed: u64| {
        let mut request = logged(at(FRIDAY_NOON), model, ENGLISH, None);
        let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": ENGLISH}],
                                      "max_completion_tokens": allowed});
        request.body = RawValue::from_string(body.to_string()).unwrap();
        project(Options::new(&tariffs, now()), &[(request, Some("deepseek-flash"))]).baseline.today.value.0
    };
    // gpt-4o writes 16,384 tokens at most, at 10 USD per million.
    assert_eq!(cost("gpt-4o", 1_000_000), cost("gpt-4o", 16_384));
    assert_eq!(cost("gpt-4o", 16_384) - cost("gpt-4o", 6_384), 10_000 * 10_000);
}
