//! Holds the bundled logs against the measured figures they were made from, and those against the traces themselves
//! where they are at hand.
//!
//! Here: `demo`, and what all have in common. The tolerances are at most about three standard errors of 2,000 draws: a
//! log of this size that misses them was hardly drawn from the measured distributions.

mod mixed;

use crate::LoggedRequest;
use crate::bundled::DEMO;
use crate::synth::{ScriptLine, expected};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

fn within(what: &str, got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "{what}: got {got}, expected {wanted} within {tolerance}");
}

/// The value below which `share` of the values lie (nearest rank).
fn quantile(values: &[u64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[((sorted.len() - 1) as f64 * share).round() as usize] as f64
}

/// Requests a second and coefficient of variation of the gaps.
fn rhythm(times_us: &[i64]) -> (f64, f64) {
    let gaps: Vec<f64> = times_us.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    (1e6 / mean, variance.sqrt() / mean)
}

/// Arrivals in each second, counted from the first arrival.
fn per_second(times_us: &[i64]) -> Vec<u32> {
    let second = |at_us: &i64| usize::try_from((at_us - times_us[0]) / 1_000_000).unwrap();
    let mut seconds = vec![0; second(times_us.last().unwrap()) + 1];
    for at_us in times_us {
        seconds[second(at_us)] += 1;
    }
    seconds
}

/// Most arrivals in one second.
fn peak(times_us: &[i64]) -> u32 {
    per_second(times_us).into_iter().max().unwrap()
}

/// Variance of the arrivals in a second, divided by their mean.
fn dispersion(times_us: &[i64]) -> f64 {
    let seconds = per_second(times_us);
    let mean = f64::from(seconds.iter().sum::<u32>()) / seconds.len() as f64;
    let variance = seconds.iter().map(|count| (f64::from(*count) - mean).powi(2)).sum::<f64>() / seconds.len() as f64;
    variance / mean
}

fn demo() -> (Vec<LoggedRequest>, Vec<Value>, Vec<ScriptLine>) {
    let requests = DEMO.requests().unwrap();
    let bodies = requests.iter().map(|request| serde_json::from_str(request.body.get()).unwrap()).collect();
    let text = DEMO.script_text().unwrap();
    (requests, bodies, text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn chinese(line: &ScriptLine) -> bool {
    line.prompt.chars().any(|letter| ('\u{4E00}'..='\u{9FFF}').contains(&letter))
}

fn share<T>(items: &[T], test: impl Fn(&T) -> bool) -> f64 {
    items.iter().filter(|item| test(item)).count() as f64 / items.len() as f64
}

#[test]
fn rhythm_and_sizes_follow_the_trace() {
    let (requests, _, script) = demo();
    let times: Vec<i64> = requests.iter().map(|request| request.at_us).collect();
    let (rate, variation) = rhythm(&times);
    within("requests a second", rate, expected::RATE_PER_SECOND, 0.4);
    within("variation of gaps", variation, expected::GAP_VARIATION, 0.08);
    let peak = peak(&times);
    assert!((11..=18).contains(&peak), "peak {peak}, the trace has 15");
    let prompt: Vec<u64> = script.iter().map(|line| line.openai.prompt_tokens).collect();
    let completion: Vec<u64> = script.iter().map(|line| line.openai.completion_tokens).collect();
    let (median, high) = expected::PROMPT_TOKENS_P50_P95;
    within("prompt tokens, median", quantile(&prompt, 0.5), median as f64, 30.0);
    within("prompt tokens, p95", quantile(&prompt, 0.95), high as f64, 40.0);
    let (median, high) = expected::COMPLETION_TOKENS_P50_P95;
    within("completion tokens, median", quantile(&completion, 0.5), median as f64, 15.0);
    within("completion tokens, p95", quantile(&completion, 0.95), high as f64, 25.0);
}

#[test]
fn the_readme_names_the_figures_of_the_bundled_log() {
    let (requests, _, script) = demo();
    let times: Vec<i64> = requests.iter().map(|request| request.at_us).collect();
    let (rate, variation) = rhythm(&times);
    let pair = |count: fn(&ScriptLine) -> u64| {
        let values: Vec<u64> = script.iter().map(count).collect();
        format!("{} and {}", grouped(quantile(&values, 0.5)), grouped(quantile(&values, 0.95)))
    };
    let rows = [
        format!("| requests a second, mean | 5.6 | {rate:.1} |"),
        format!("| requests in the busiest second | 15 | {} |", peak(&times)),
        format!("| coefficient of variation of the gaps | 1.07 | {variation:.2} |"),
        format!("| 1,033 and 4,086 | {} |", pair(|line| line.openai.prompt_tokens)),
        format!("| 136 and 461 | {} |", pair(|line| line.openai.completion_tokens)),
    ];
    for row in rows {
        assert!(include_str!("../README.md").contains(&row), "the README lacks `{row}`");
    }
}

/// A whole number with its thousands set apart.
fn grouped(value: f64) -> String {
    let value = value as u64;
    if value < 1_000 { value.to_string() } else { format!("{},{:03}", value / 1_000, value % 1_000) }
}

#[test]
fn the_mix_is_as_described() {
    let (requests, bodies, script) = demo();
    within("Chinese", share(&script, chinese), 0.30, 0.04);
    within("in sessions", share(&requests, |request| request.session.is_some()), 0.40, 0.05);
    within("JSON", share(&bodies, |body| body["response_format"]["type"] == "json_object"), 0.15, 0.03);
    within("tools", share(&bodies, |body| body["tools"].is_array()), 0.08, 0.02);
    within("streamed", share(&bodies, |body| body["stream"] == true), 0.65, 0.04);
    within("usage asked", share(&bodies, |body| body["stream_options"]["include_usage"] == true), 0.325, 0.04);
    within("gpt-4o", share(&bodies, |body| body["model"] == "gpt-4o"), 0.20, 0.03);
    for member in ["user", "prompt_cache_key", "temperature", "max_tokens"] {
        let found = share(&bodies, |body| body.get(member).is_some());
        assert!((0.1..0.5).contains(&found), "{member}: {found}");
    }
}

#[test]
fn the_tokenizers_differ_in_sign_by_language() {
    let (_, _, script) = demo();
    for (language, wanted) in [(false, 1.14), (true, 0.80)] {
        let lines: Vec<&ScriptLine> = script.iter().filter(|line| chinese(line) == language).collect();
        let sum = |count: fn(&ScriptLine) -> u64| lines.iter().map(|line| count(line)).sum::<u64>() as f64;
        let ratio = sum(|line| line.deepseek.prompt_tokens) / sum(|line| line.openai.prompt_tokens);
        within("DeepSeek prompt tokens per OpenAI prompt token", ratio, wanted, 0.01);
    }
}

#[test]
fn answers_are_of_modest_length() {
    let (_, _, script) = demo();
    let length = |line: &ScriptLine| line.openai.content.as_ref().map_or(0, |text| text.chars().count() as u64);
    let english: Vec<u64> = script.iter().filter(|line| !chinese(line)).map(length).collect();
    let median = quantile(&english, 0.5);
    assert!((180.0..420.0).contains(&median), "{median}");
    assert!(english.iter().all(|length| *length < 1_200));
}

/// One of the real traces, if this machine has it; says aloud if not.
fn real_trace(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets");
    let folder = std::env::var_os("WEIGHBRIDGE_REAL_DATA").map_or_else(beside, PathBuf::from);
    let trace = Some(folder.join("traces").join(name)).filter(|trace| trace.exists());
    if trace.is_none() {
        writeln!(std::io::stderr(), "skipped: no real data here").unwrap();
    }
    trace
}

/// Microseconds since midnight of `2023-11-16 18:15:46.6805900`; the trace stays within one day.
fn time_us(text: &str) -> i64 {
    let clock = text.split_once(' ').unwrap().1;
    let (seconds, fraction) = clock.split_once('.').unwrap();
    let seconds = seconds.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap());
    seconds * 1_000_000 + fraction[..6].parse::<i64>().unwrap()
}

/// What is measured of one trace.
struct Measured {
    trace: &'static str,
    rate: f64,
    variation: f64,
    peak: u32,
    dispersion: f64,
    prompt: (u64, u64),
    completion: (u64, u64),
}

const CONVERSATION: Measured = Measured {
    trace: "azure_llm_2023_conv_10k.csv",
    rate: expected::RATE_PER_SECOND,
    variation: expected::GAP_VARIATION,
    peak: expected::PEAK_PER_SECOND,
    dispersion: expected::DISPERSION,
    prompt: expected::PROMPT_TOKENS_P50_P95,
    completion: expected::COMPLETION_TOKENS_P50_P95,
};

const CODE: Measured = Measured {
    trace: "azure_llm_2023_code_5k.csv",
    rate: expected::CODE_RATE_PER_SECOND,
    variation: expected::CODE_GAP_VARIATION,
    peak: expected::CODE_PEAK_PER_SECOND,
    dispersion: expected::CODE_DISPERSION,
    prompt: expected::CODE_PROMPT_TOKENS_P50_P95,
    completion: expected::CODE_COMPLETION_TOKENS_P50_P95,
};

#[test]
fn the_constants_are_those_of_the_real_traces() {
    for measured in [CONVERSATION, CODE] {
        let Some(trace) = real_trace(measured.trace) else { return };
        let text = std::fs::read_to_string(trace).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split(',').collect()).collect();
        let times: Vec<i64> = rows.iter().map(|row| time_us(row[0])).collect();
        let (rate, variation) = rhythm(&times);
        within("requests a second", rate, measured.rate, 0.05);
        within("variation of gaps", variation, measured.variation, 0.03);
        within("dispersion", dispersion(&times), measured.dispersion, 0.05);
        assert_eq!(peak(&times), measured.peak);
        for (column, (median, high)) in [(1, measured.prompt), (2, measured.completion)] {
            let values: Vec<u64> = rows.iter().map(|row| row[column].parse().unwrap()).collect();
            within("median", quantile(&values, 0.5), median as f64, 1.0);
            within("p95", quantile(&values, 0.95), high as f64, 1.0);
        }
    }
}
