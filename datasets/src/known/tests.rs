//! The generator against its own truth: counts within exact binomial bounds, means within five standard errors.

mod guards;
mod profiles;

use super::*;
use crate::{Arm, Exchange, Lines, Role, ShadowFate};
use std::collections::{BTreeMap, BTreeSet};
use wire::ErrorKind;
use wire::price::Tariffs;

fn profile(text: &str) -> Profile {
    Profile::parse(text).unwrap()
}

fn bytes(text: &str, requests: u64, seed: u64) -> (Vec<u8>, Truth) {
    let mut out = Vec::new();
    let truth = write(&profile(text), text, requests, seed, &mut out, &mut |_| {}).unwrap();
    (out, truth)
}

/// Records read back by the reader of this crate.
fn made(text: &str, requests: u64, seed: u64) -> (Vec<Exchange>, Truth) {
    let (bytes, truth) = bytes(text, requests, seed);
    let source = Box::new(std::io::Cursor::new(bytes));
    let lines = Lines::<Exchange>::from_reader("made".as_ref(), source, Format::Exchanges).unwrap();
    assert!(lines.header().creator.ends_with("records synth"));
    (lines.map(Result::unwrap).collect(), truth)
}

/// One-sided tail of a binomial, summed exactly in the log domain from the count outwards.
fn tail(n: u64, p: f64, count: u64) -> f64 {
    let mean = n as f64 * p;
    let gamma = |x: u64| libm::lgamma(x as f64 + 1.0);
    let term = |k: u64| {
        let ln = |count: u64, p: f64| if count == 0 { 0.0 } else { count as f64 * libm::log(p) };
        libm::exp(gamma(n) - gamma(k) - gamma(n - k) + ln(k, p) + ln(n - k, 1.0 - p))
    };
    let range: Box<dyn Iterator<Item = u64>> =
        if (count as f64) < mean { Box::new((0..=count).rev()) } else { Box::new(count..=n) };
    range.map(term).take_while(|term| *term > 1e-30).sum()
}

/// The count is one that a share of `p` gives in all but a millionth of the cases, on either side.
fn agrees(what: &str, n: u64, count: u64, p: f64) {
    assert!(n > 0 && count <= n, "{what}: {count} of {n}");
    assert!(tail(n, p, count) > 1e-6, "{what}: {count} of {n} = {}, expected {p}", count as f64 / n as f64);
}

fn mean_agrees(what: &str, values: &[f64], expected: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance / n).sqrt();
    assert!((mean - expected).abs() < 5.0 * error, "{what}: {mean} +- {error}, expected {expected}");
}

fn count(rows: &[&Exchange], of: impl Fn(&Exchange) -> bool) -> u64 {
    rows.iter().filter(|row| of(row)).count() as u64
}

fn side(metrics: &Metrics, name: &str, arm: Arm) -> f64 {
    let metric = &metrics[name];
    match arm {
        Arm::Baseline => metric.baseline.unwrap(),
        Arm::Candidate => metric.candidate.unwrap(),
    }
}

/// Everything about one arm's records against its truth.
fn arm_agrees(rows: &[&Exchange], metrics: &Metrics, arm: Arm) {
    let whole: Vec<&Exchange> =
        rows.iter().copied().filter(|row| row.error != Some(ErrorKind::ClientCancelled)).collect();
    let n = whole.len() as u64;
    let is_block = |row: &Exchange| row.error == Some(ErrorKind::Moderation);
    let share =
        |name: &str, of: &dyn Fn(&Exchange) -> bool| agrees(name, n, count(&whole, of), side(metrics, name, arm));
    share("errors", &|row| row.error.is_some() && !is_block(row));
    share("rate_limited", &|row| row.error == Some(ErrorKind::RateLimit));
    share("timeouts", &|row| row.error == Some(ErrorKind::Timeout));
    share("failures", &|row| row.error.is_some());
    share("blocked", &|row| row.moderation.is_some());
    share("refused", &|row| row.refused);
    share("truncated", &|row| row.form_failure.as_deref() == Some("length"));
    let demanded: Vec<&Exchange> = whole.iter().copied().filter(|row| row.structured && row.error.is_none()).collect();
    let unfit = count(&demanded, |row| row.form_failure.is_some());
    agrees("structured_failures", demanded.len() as u64, unfit, side(metrics, "structured_failures", arm));
    for (level, suffix) in [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")] {
        // Where too many fail, there is no such time, which is infinite.
        let limit = |name: &str| {
            let metric = &metrics[format!("{name}_{suffix}").as_str()];
            let value = if arm == Arm::Baseline { metric.baseline } else { metric.candidate };
            assert_eq!(value.is_some(), side(metrics, "failures", arm) < 1.0 - level, "{name} {suffix}");
            value.unwrap_or(f64::INFINITY)
        };
        if limit("ttft").is_infinite() {
            continue;
        }
        let (ttft, duration, pause) = (limit("ttft"), limit("duration"), limit("inter_token"));
        // Failures are slower than any limit.
        let streamed: Vec<&Exchange> = whole.iter().copied().filter(|row| row.streamed).collect();
        let fast = count(&streamed, |row| row.ttft_us.is_some_and(|us| us as f64 <= ttft));
        agrees(&format!("ttft {suffix}"), streamed.len() as u64, fast, level);
        let fast = count(&whole, |row| row.error.is_none() && row.duration_us as f64 <= duration);
        agrees(&format!("duration {suffix}"), n, fast, level);
        let fast = count(&streamed, |row| {
            let tokens = row.usage.map_or(0.0, |usage| usage.completion as f64 - 1.0);
            row.ttft_us.is_some_and(|first| (row.duration_us - first) as f64 / tokens <= pause)
        });
        agrees(&format!("inter_token {suffix}"), streamed.len() as u64, fast, level);
    }
    let values = |of: &dyn Fn(&Exchange) -> Option<f64>| whole.iter().filter_map(|row| of(row)).collect::<Vec<_>>();
    let mean = |name: &str, of: &dyn Fn(&Exchange) -> Option<f64>| {
        mean_agrees(name, &values(of), side(metrics, name, arm));
    };
    mean("cost", &|row| row.cost_nanos.map(|nanos| nanos as f64));
    mean("output_tokens", &|row| row.usage.map(|usage| usage.completion as f64));
    mean("quality", &|row| row.quality);
}

fn pairs(rows: &[Exchange]) -> Vec<[&Exchange; 2]> {
    let mut by_pair: BTreeMap<&str, [Option<&Exchange>; 2]> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.role != Role::Repeat) {
        by_pair.entry(&row.pair).or_default()[usize::from(row.arm == Arm::Candidate)] = Some(row);
    }
    by_pair.into_values().filter_map(|[one, other]| Some([one?, other?])).collect()
}

/// Both arms differ in everything.
const DIFFERENT: &str = r#"
traffic = { requests_per_hour = 4000, daily_swing = 0.8 }
mirror = { repeat = 0.5 }
prompts = { bad_share = 0.05, failing_share = 0.01 }
quality = { share = 0.5 }
[baseline]
error = 0.02
truncated = 0.03
structured_failure = 0.1
[candidate]
error = 0.04
rate_limited = 0.01
timeout = 0.02
blocks_bad = 0.6
blocked = 0.01
block_as = "error"
refused = 0.04
truncated = 0.06
structured_failure = 0.2
ttft_ms = 500
token_ms = 9
slow_share = 0.05
latency_ratio = 1.1
tokens_ratio = 1.3
quality = 0.75
[answers]
candidate_disagreement = 0.4
repeat_tool_disagreement = 0.1
candidate_tool_disagreement = 0.2
"#;

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let one = bytes(DIFFERENT, 500, 7);
    assert_eq!(one, bytes(DIFFERENT, 500, 7));
    assert_ne!(one.0, bytes(DIFFERENT, 500, 8).0);
    // A longer file begins with the shorter one: nothing depends on how much is made.
    assert!(bytes(DIFFERENT, 600, 7).0.starts_with(&one.0));
}

#[test]
fn every_record_is_whole_possible_and_priced_as_the_tariff_says() {
    let (rows, truth) = made(DIFFERENT, 3_000, 1);
    assert_eq!(truth.records, rows.len() as u64);
    let tariffs = Tariffs::embedded().unwrap();
    let served: Vec<&Exchange> = rows.iter().filter(|row| row.role == Role::Served).collect();
    assert_eq!(served.len(), 3_000);
    assert!(served.windows(2).all(|rows| rows[0].at_us <= rows[1].at_us));
    assert_eq!(served.iter().map(|row| &row.pair).collect::<BTreeSet<_>>().len(), 3_000);
    for row in &rows {
        assert!(row.duration_us > 0 && row.sent_us > row.at_us, "{row:?}");
        assert!(row.ttft_us.is_none_or(|ttft| ttft > 0 && ttft <= row.duration_us && row.streamed), "{row:?}");
        let firsts = [row.first_event_us, row.ttft_us, row.first_visible_us];
        assert!(firsts.iter().flatten().is_sorted() && row.first_event_us != Some(0), "{row:?}");
        assert!(firsts.iter().flatten().all(|us| *us <= row.duration_us && row.streamed), "{row:?}");
        let all = row.streamed && row.error.is_none();
        assert!(!all || firsts.iter().all(Option::is_some), "{row:?}");
        assert!(row.quality.is_none_or(|quality| (0.0..=1.0).contains(&quality)), "{row:?}");
        assert_eq!(row.usage.is_some(), row.error.is_none());
        let priced = row
            .usage
            .and_then(|usage| tariffs.price(&wire::price::Call::new(&row.provider, &row.model, row.sent_us), &usage));
        assert_eq!(row.cost_nanos, priced.map(|priced| priced.nanos));
    }
}

#[test]
fn what_is_thought_aloud_comes_before_what_is_visible_and_changes_nothing_else() {
    let thinking = "[candidate]\nfirst_event_share = 0.25\nthinking_share = 0.6";
    let ((plain, truth), (thought, same)) = (made("", 2_000, 5), made(thinking, 2_000, 5));
    assert_eq!((truth.records, plain.len()), (same.records, thought.len()));
    let mut seen = 0;
    for (plain, row) in plain.iter().zip(&thought) {
        assert_eq!(
            (row.ttft_us, row.duration_us, row.cost_nanos),
            (plain.ttft_us, plain.duration_us, plain.cost_nanos)
        );
        let thought = row.usage.and_then(|usage| usage.reasoning).is_some();
        if row.arm == Arm::Baseline || row.error.is_some() {
            assert!(!thought, "{row:?}");
            continue;
        }
        assert!(thought || row.usage.is_some_and(|usage| usage.completion <= 3), "{row:?}");
        let firsts = (row.first_event_us, row.ttft_us, row.first_visible_us);
        let (Some(event), Some(text), Some(visible)) = firsts else { continue };
        seen += 1;
        assert!((event as f64 - text as f64 * 0.25).abs() <= 1.0, "{row:?}");
        assert!(((visible - text) as f64 - (row.duration_us - text) as f64 * 0.6).abs() <= 1.0, "{row:?}");
        assert!(row.answer_chars > 0 && (row.answer_chars < plain.answer_chars || !thought), "{row:?}");
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn mirrored_records_agree_with_the_truth() {
    let (rows, truth) = made(DIFFERENT, 40_000, 3);
    for (arm, role) in [(Arm::Baseline, Role::Served), (Arm::Candidate, Role::Shadow), (Arm::Baseline, Role::Repeat)] {
        let own: Vec<&Exchange> = rows.iter().filter(|row| (row.arm, row.role) == (arm, role)).collect();
        arm_agrees(&own, &truth.paired, arm);
    }
    let pairs = pairs(&rows);
    let whole: Vec<_> = pairs.iter().filter(|pair| pair[0].error != Some(ErrorKind::ClientCancelled)).collect();
    let n = whole.len() as u64;
    // Both arms fail together more often than by chance.
    let answered: Vec<_> = whole.iter().filter(|pair| pair.iter().all(|row| row.error.is_none())).collect();
    for (index, arm) in [Arm::Baseline, Arm::Candidate].into_iter().enumerate() {
        let unfit = answered.iter().filter(|pair| pair[index].form_failure.is_some()).count();
        agrees("answer_failures", answered.len() as u64, unfit as u64, side(&truth.paired, "answer_failures", arm));
    }
    let missed = whole.iter().filter(|[baseline, candidate]| {
        let sound = |row: &Exchange| row.error.is_none_or(|error| error == ErrorKind::Moderation);
        baseline.moderation.is_some() && candidate.moderation.is_none() && sound(candidate)
    });
    agrees("missed_blocks", n, missed.count() as u64, side(&truth.paired, "missed_blocks", Arm::Candidate));
    let differing = |pairs: &[[&Exchange; 2]]| {
        let told: Vec<_> = pairs.iter().filter(|pair| pair.iter().all(|row| row.answer_digest.is_some())).collect();
        (told.len() as u64, told.iter().filter(|pair| pair[0].answer_digest != pair[1].answer_digest).count() as u64)
    };
    let (n, count) = differing(&pairs);
    agrees("answer_disagreement", n, count, side(&truth.paired, "answer_disagreement", Arm::Candidate));
    let served: BTreeMap<&str, &Exchange> =
        rows.iter().filter(|row| row.role == Role::Served).map(|row| (row.pair.as_str(), row)).collect();
    let repeats = rows.iter().filter(|row| row.role == Role::Repeat);
    let again: Vec<_> = repeats.map(|row| [served[row.pair.as_str()], row]).collect();
    let (n, count) = differing(&again);
    agrees("A/A disagreement", n, count, side(&truth.paired, "answer_disagreement", Arm::Baseline));
    let called: Vec<_> = pairs.iter().filter(|pair| pair.iter().all(|row| row.tools_digest.is_some())).collect();
    let other = called.iter().filter(|pair| pair[0].tools_digest != pair[1].tools_digest).count();
    agrees("tools", called.len() as u64, other as u64, side(&truth.paired, "tool_disagreement", Arm::Candidate));
    // The prompt's factor ties both arms' times together.
    let slow = |row: &Exchange, name| row.duration_us as f64 > side(&truth.paired, name, row.arm);
    let share = |of: &dyn Fn(&[&Exchange; 2]) -> bool| {
        answered.iter().filter(|pair| of(pair)).count() as f64 / answered.len() as f64
    };
    let alone = [0, 1].map(|arm: usize| share(&|pair| slow(pair[arm], "duration_p50")));
    let both = share(&|pair| pair.iter().all(|row| slow(row, "duration_p50")));
    assert!(both > 1.2 * alone[0] * alone[1], "{both} against {alone:?}");
}

#[test]
fn served_epochs_agree_with_their_truth_under_drift_load_prices_and_uneven_consumers() {
    let text = format!(
        r#"
start = "2026-09-09T22:00:00Z"
epochs = [{{ weight_percent = 10, hours = 4 }}, {{ weight_percent = 50, hours = 4 }}, {{ weight_percent = 100, hours = 1 }}]
drift = [{{ from_hour = 1, hours = 1.5, error = 0.1, latency_ratio = 1.5 }}, {{ arm = "both", from_hour = 3, hours = 2, daily = true, error = 0.05 }}]
load = {{ above_percent = 25, error = 0.03, rate_limited = 0.02, latency_ratio = 1.2 }}
consumers = {{ error_sigma = 0.8, latency_sigma = 0.4, effect_sigma = 0.3, zipf = 0.5 }}
{}
model = "deepseek-v4-flash"
"#,
        DIFFERENT
            .replace("4000, daily_swing = 0.8", "6000")
            .replace("repeat = 0.5", "share_percent = 0")
            .replace("[answers]\ncandidate_disagreement = 0.4\nrepeat_tool_disagreement = 0.1\ncandidate_tool_disagreement = 0.2\n", "")
    );
    let (rows, truth) = made(&text, 50_000, 5);
    assert!(rows.iter().all(|row| row.role == Role::Served && row.shadow.is_none()));
    assert_eq!(truth.epochs.iter().map(|epoch| epoch.weight_percent).collect::<Vec<_>>(), [10.0, 50.0, 100.0]);
    for epoch in &truth.epochs {
        let own: Vec<&Exchange> = rows.iter().filter(|row| row.epoch == epoch.epoch).collect();
        assert_eq!((own.len() as u64, f64::from(own[0].weight_bp)), (epoch.requests, epoch.weight_percent * 100.0));
        for arm in [Arm::Baseline, Arm::Candidate] {
            let own: Vec<&Exchange> = own.iter().copied().filter(|row| row.arm == arm).collect();
            if own.is_empty() {
                assert_eq!((arm, epoch.weight_percent), (Arm::Baseline, 100.0));
                continue;
            }
            let gone = count(&own, |row| row.error == Some(ErrorKind::ClientCancelled));
            agrees("cancelled", own.len() as u64, gone, side(&epoch.metrics, "cancelled", arm));
            arm_agrees(&own, &epoch.metrics, arm);
        }
    }
    let errors = |epoch: usize| side(&truth.epochs[epoch].metrics, "errors", Arm::Candidate);
    assert!(errors(1) > errors(0) && side(&truth.epochs[1].metrics, "rate_limited", Arm::Candidate) > 0.02);
}

#[test]
fn units_stick_to_their_arm_and_a_higher_weight_only_adds_some() {
    let text = "mirror.share_percent = 0\nconsumers = { count = 3000, zipf = 0, conversation_requests = 2 }\n\
                epochs = [{ weight_percent = 20, hours = 1 }, { weight_percent = 60 }]";
    for (assign_by, of) in [("conversation", 1_000), ("consumer", 2_000)] {
        let (rows, _) = made(
            &format!("{text}\n[consumers2]").replace("\n[consumers2]", "").replace(
                "conversation_requests = 2",
                &format!("conversation_requests = 2, assign_by = \"{assign_by}\""),
            ),
            20_000,
            9,
        );
        let mut arms: BTreeMap<(&str, u64), BTreeSet<bool>> = BTreeMap::new();
        for row in &rows {
            arms.entry((row.unit.as_deref().unwrap(), row.epoch)).or_default().insert(row.arm == Arm::Candidate);
        }
        assert!(arms.values().all(|arms| arms.len() == 1), "one arm within an epoch");
        for ((unit, epoch), now) in &arms {
            let later = arms.get(&(*unit, epoch + 1));
            assert!(!now.contains(&true) || later.is_none_or(|later| later.contains(&true)), "{unit} went back");
        }
        for (epoch, weight) in [(1, 0.2), (2, 0.6)] {
            let units: Vec<_> = arms.iter().filter(|((_, of), _)| *of == epoch).collect();
            assert!(units.len() > of, "{assign_by}: {} units", units.len());
            let candidate = units.iter().filter(|(_, arms)| arms.contains(&true)).count();
            agrees("assigned", units.len() as u64, candidate as u64, weight);
        }
    }
}

#[test]
fn a_mirror_that_drops_long_prompts_moves_the_records_and_not_the_truth() {
    let drop = |long_drop: f64, fate: &str| {
        let text = format!(
            "mirror = {{ share_percent = 80, queue_full = 0.02, lost = 0.01, long_drop = {long_drop}, long_drop_as = \"{fate}\" }}"
        );
        made(&text, 20_000, 11)
    };
    let (whole, truth) = drop(0.0, "lost");
    let served: Vec<&Exchange> = whole.iter().filter(|row| row.role == Role::Served).collect();
    let fate = |fate: ShadowFate| count(&served, |row| row.shadow == Some(fate));
    agrees("sampled", 20_000, 20_000 - fate(ShadowFate::NotSampled), 0.8);
    agrees("full", 20_000, fate(ShadowFate::QueueFull), 0.8 * 0.02);
    let copies = whole.iter().filter(|row| row.role == Role::Shadow).count() as u64;
    agrees("lost", fate(ShadowFate::Sent), fate(ShadowFate::Sent) - copies, 0.01);
    for word in ["lost", "queue_full"] {
        let (rows, same_truth) = drop(0.9, word);
        assert_eq!((&same_truth.paired, same_truth.requests), (&truth.paired, truth.requests));
        let served = rows.iter().filter(|row| row.role == Role::Served);
        assert!(
            served
                .zip(whole.iter().filter(|row| row.role == Role::Served))
                .all(|(one, other)| one.at_us == other.at_us && one.duration_us == other.duration_us)
        );
        let of_length = |rows: &[Exchange], low: u64, high: u64| {
            let all: Vec<&Exchange> = rows.iter().filter(|row| (low..high).contains(&row.prompt_chars)).collect();
            (count(&all, |row| row.role == Role::Served), count(&all, |row| row.role == Role::Shadow))
        };
        let (served, copied) = of_length(&rows, 20_000, u64::MAX);
        agrees("long", served, copied, 0.8 * 0.98 * 0.99 * 0.1);
        let (served, copied) = of_length(&rows, 0, 4_000);
        agrees("short", served, copied, 0.8 * 0.98 * 0.99);
        let full = rows.iter().filter(|row| row.shadow == Some(ShadowFate::QueueFull)).count() as u64;
        assert_eq!(full > 2 * fate(ShadowFate::QueueFull), word == "queue_full");
    }
}

#[test]
fn a_price_change_in_the_middle_shows_in_records_and_truth() {
    let text =
        "start = \"2026-09-10T03:00:00Z\"\ncandidate.model = \"deepseek-v4-flash\"\ntraffic.requests_per_hour = 5000";
    let (rows, truth) = made(text, 8_000, 2);
    let change_us = "2026-09-10T04:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let tokens = |after: bool| {
        let own = rows.iter().filter(|row| row.role == Role::Shadow && (row.sent_us >= change_us) == after);
        own.filter_map(|row| Some(row.cost_nanos? as f64 / row.usage?.completion as f64)).collect::<Vec<_>>()
    };
    let (before, after) = (tokens(false), tokens(true));
    assert!(before.len() > 1_000 && after.len() > 1_000);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&before) > 1.3 * mean(&after), "peak at the old price, off-peak at the new one");
    let own: Vec<&Exchange> = rows.iter().filter(|row| row.role == Role::Shadow).collect();
    arm_agrees(&own, &truth.paired, Arm::Candidate);
}

#[test]
fn what_nobody_answers_has_no_quantile_and_nothing_is_infinite() {
    let (rows, truth) =
        made("candidate = { error = 0.6 }\nbaseline = { error = 1, rate_limited = 0, timeout = 0 }", 300, 1);
    let ttft = &truth.paired["ttft_p50"];
    assert_eq!((ttft.baseline, ttft.candidate, ttft.effect), (None, None, None));
    assert_eq!(truth.paired["cost"].baseline, None);
    assert!(rows.iter().filter(|row| row.arm == Arm::Baseline).all(|row| row.error.is_some()));
    let json = serde_json::to_value(&truth).unwrap();
    assert_eq!(json["schema"], "weighbridge.truth/1");
    assert!((json["paired"]["errors"]["baseline"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(bytes("", 0, 1).1.paired.len(), 0, "no requests, no truth");
}

#[test]
fn a_file_is_packed_by_its_name_and_left_alone_by_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str| write_file(&profile(""), "", 200, 4, &folder.path().join(name), &mut |_| {});
    assert_eq!(to("a.ndjson").unwrap(), to("a.ndjson.zst").unwrap());
    let read = |name: &str| {
        let lines = Lines::<Exchange>::open(&folder.path().join(name), Format::Exchanges).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(read("a.ndjson"), read("a.ndjson.zst"));
    let size = |name: &str| folder.path().join(name).metadata().unwrap().len();
    assert!(size("a.ndjson.zst") * 3 < size("a.ndjson"));
    let error = to("no/a.ndjson").unwrap_err().to_string();
    assert!(error.contains("no/a.ndjson") && error.contains("create the folder first"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let mut told = Vec::new();
    write(&profile(""), "", 20_000, 4, &mut std::io::sink(), &mut |requests| told.push(requests)).unwrap();
    assert_eq!(told, [0, 16_384, 20_000]);
}
