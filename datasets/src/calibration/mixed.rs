//! `calm` and `violent` against the traces that they follow, and their mix against what is said of it.

use super::{CODE, CONVERSATION, Measured, dispersion, grouped, peak, quantile, rhythm, share, within};
use crate::LoggedRequest;
use crate::bundled::{Bundled, CALM, VIOLENT};
use serde_json::Value;

const MIXED: [(Bundled, Measured); 2] = [(CALM, CONVERSATION), (VIOLENT, CODE)];

fn read(log: &Bundled) -> Vec<(LoggedRequest, Value)> {
    let requests = log.requests().unwrap().into_iter();
    requests
        .map(|request| (serde_json::from_str(request.body.get()).unwrap(), request))
        .map(|(body, log)| (log, body))
        .collect()
}

/// Tokens of prompts and of completions, of what was answered.
fn tokens(requests: &[LoggedRequest]) -> (Vec<u64>, Vec<u64>) {
    let usages = requests.iter().filter_map(|request| request.recorded.as_ref()?.usage);
    usages.map(|usage| (usage.prompt, usage.completion)).unzip()
}

fn times(requests: &[LoggedRequest]) -> Vec<i64> {
    requests.iter().map(|request| request.at_us).collect()
}

/// `share` of a figure.
fn part(figure: impl Into<f64>, share: f64) -> f64 {
    figure.into() * share
}

#[test]
fn rhythm_and_sizes_follow_the_traces() {
    for (log, measured) in MIXED {
        let requests = log.requests().unwrap();
        let times = times(&requests);
        let (rate, variation) = rhythm(&times);
        within("requests a second", rate, measured.rate, part(measured.rate, 0.04));
        within("variation of gaps", variation, measured.variation, part(measured.variation, 0.05));
        within("peak", f64::from(peak(&times)), f64::from(measured.peak), part(measured.peak, 0.07));
        within("dispersion", dispersion(&times), measured.dispersion, part(measured.dispersion, 0.04));
        let (prompts, completions) = tokens(&requests);
        for (what, values, (median, high)) in
            [("prompt", prompts, measured.prompt), ("completion", completions, measured.completion)]
        {
            let (median, high) = (median as f64, high as f64);
            within(&format!("{} {what}, median", log.name), quantile(&values, 0.5), median, part(median, 0.1));
            within(&format!("{} {what}, p95", log.name), quantile(&values, 0.95), high, part(high, 0.08));
        }
    }
}

/// The row, if the README has it not.
fn lacking(row: String) -> Option<String> {
    Some(row).filter(|row| !include_str!("../../README.md").contains(row))
}

#[test]
fn the_readme_names_the_figures() {
    let column = |log: &Bundled| {
        let requests = log.requests().unwrap();
        let times = times(&requests);
        let (rate, variation) = rhythm(&times);
        let (prompts, completions) = tokens(&requests);
        let pair =
            |values: &[u64]| format!("{} and {}", grouped(quantile(values, 0.5)), grouped(quantile(values, 0.95)));
        [
            format!("{rate:.1}"),
            peak(&times).to_string(),
            format!("{variation:.2}"),
            format!("{:.1}", dispersion(&times)),
            pair(&prompts),
            pair(&completions),
        ]
    };
    let (calm, violent) = (column(&CALM), column(&VIOLENT));
    let rows = [
        ("requests a second, mean", "5.6", "3.1"),
        ("requests in the busiest second", "15", "67"),
        ("coefficient of variation of the gaps", "1.07", "13.7"),
        ("index of dispersion of the requests in a second", "1.3", "14.6"),
        ("prompt tokens, median and 95th percentile", "1,033 and 4,086", "1,473 and 7,289"),
        ("completion tokens, median and 95th percentile", "136 and 461", "13 and 85"),
    ];
    let mut missing = Vec::new();
    for ((what, conversation, code), (calm, violent)) in rows.into_iter().zip(calm.into_iter().zip(violent)) {
        missing.extend(lacking(format!("| {what} | {conversation} | {calm} | {code} | {violent} |")));
    }
    assert!(missing.is_empty(), "the README lacks:\n{}", missing.join("\n"));
}

#[test]
fn the_readme_names_the_mix() {
    let percent = |log: &Bundled| {
        let requests = read(log);
        let count = |test: &dyn Fn(&LoggedRequest, &Value) -> bool| {
            (share(&requests, |(log, body)| test(log, body)) * 100.0).round() as u64
        };
        let texts = |body: &Value| -> Vec<String> {
            let messages = body["messages"].as_array().unwrap().iter();
            messages.filter_map(|message| Some(message["content"].as_str()?.to_owned())).collect()
        };
        let asks =
            |body: &Value| body["messages"].as_array().unwrap().iter().filter(|said| said["role"] == "user").count();
        let format = |body: &Value, kind: &str| body["response_format"]["type"] == kind;
        let chinese = |letter: char| ('\u{4E00}'..='\u{9FFF}').contains(&letter);
        let recorded = |log: &LoggedRequest| log.recorded.clone().unwrap();
        [
            count(&|_, body| texts(body).iter().any(|text| text.chars().any(chinese))),
            count(&|_, body| asks(body) > 1),
            count(&|_, body| body["tools"].is_array()),
            count(&|_, body| format(body, "json_schema")),
            count(&|_, body| format(body, "json_object")),
            count(&|_, body| texts(body).iter().map(|text| text.chars().count()).sum::<usize>() >= 10_000),
            count(&|_, body| texts(body).iter().map(|text| text.chars().count()).sum::<usize>() >= 30_000),
            count(&|log, _| log.recorded.as_ref().is_some_and(|recorded| recorded.error.is_some())),
            count(&|_, body| body["stream"] == true),
            count(&|log, _| recorded(log).refused || recorded(log).finish_reason.as_deref() == Some("content_filter")),
        ]
    };
    let (calm, violent) = (percent(&CALM), percent(&VIOLENT));
    let rows = [
        "Chinese",
        "later turns, with the turns before",
        "functions offered",
        "a JSON schema demanded",
        "JSON demanded without a schema",
        "10,000 characters and more",
        "30,000 characters and more",
        "failed, each tried again",
        "streamed",
        "refused or filtered",
    ];
    let mut missing = Vec::new();
    for ((what, calm), violent) in rows.into_iter().zip(calm).zip(violent) {
        assert!(calm > 0 && violent > 0, "{what} is missing");
        missing.extend(lacking(format!("| {what} | {calm} % | {violent} % |")));
    }
    assert!(missing.is_empty(), "the README lacks:\n{}", missing.join("\n"));
}
