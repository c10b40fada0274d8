//! How long a verdict takes from counters: twelve metrics, over everything and in twenty critical segments.
//!
//! `cargo bench -p judge --bench verdict`. Prints the fastest, the median and the slowest of the runs, and fails above the
//! limit of 5 ms on the median (T16 of the operating characteristics).

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use judge::counters::{PairOutcome, Plan, Thresholds};
use judge::evidence::Evidence;
use judge::judge;
use judge::metric::Share;
use judge::policy::Policy;

const PAIRS: u64 = 200_000;
const SEGMENTS: u64 = 20;
const METRICS: usize = 12;
const RUNS: usize = 201;
const LIMIT_MILLISECONDS: f64 = 5.0;

/// A number from 0 to 1 that looks random, from a counter (splitmix64).
fn noise(index: u64, stream: u64) -> f64 {
    let mut z = (index * 8 + stream).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) as f64 / u64::MAX as f64
}

/// Heavy-tailed latency, microseconds, four requests in a thousand failed.
fn latency(index: u64, stream: u64, median_us: f64) -> Option<u64> {
    let share = noise(index, stream).clamp(1e-9, 1.0 - 1e-9);
    (noise(index, stream + 1) > 0.004).then(|| (median_us * (share / (1.0 - share)).powf(0.3)) as u64)
}

fn pair(index: u64) -> PairOutcome {
    let mut outcome = PairOutcome::default();
    for (stream, share) in
        [Share::Errors, Share::Blocked, Share::AnswerFailures, Share::Truncations].into_iter().enumerate()
    {
        outcome.asked.insert(share.slot());
        let both = noise(index, 40 + stream as u64) < 0.006;
        outcome.baseline.insert_if(share.slot(), both || noise(index, 50 + stream as u64) < 0.003);
        outcome.candidate.insert_if(share.slot(), both || noise(index, 60 + stream as u64) < 0.003);
    }
    outcome.latency_us = [
        Some([latency(index, 0, 4e5), latency(index, 2, 4e5)]),
        Some([latency(index, 4, 2e6), latency(index, 6, 2e6)]),
        None,
    ];
    let cost = 1_000_000 + (noise(index, 9) * 9e6) as i64;
    outcome.cost_nanos = Some([cost, cost / 7 + (noise(index, 10) * 1e5) as i64]);
    outcome
}

fn evidence(epochs: u64) -> Evidence {
    let reference = |stream: u64, median: f64| -> Option<Thresholds> {
        let values: Vec<Option<u64>> = (0..1000).map(|index| latency(1_000_000 + index, stream, median)).collect();
        Thresholds::freeze(&values, [1.10, 1.15, 1.25])
    };
    let plan = Plan { latency: [reference(0, 4e5), reference(4, 2e6), None], ..Plan::default() };
    let mut evidence = Evidence { plan: plan.clone(), ..Evidence::default() };
    for index in 0..PAIRS {
        let outcome = pair(index);
        let (epoch, cluster) = (index * epochs / PAIRS, Some(index % 997));
        evidence.paired.add(&plan, epoch, cluster, &outcome);
        let segment = evidence.segments.entry(format!("model=m{:02}", index % SEGMENTS)).or_default();
        segment.paired.add(&plan, epoch, cluster, &outcome);
    }
    evidence.paired.clusters.close();
    evidence.segments.values_mut().for_each(|segment| segment.paired.clusters.close());
    evidence
}

fn main() -> ExitCode {
    let names: Vec<String> = (0..SEGMENTS).map(|segment| format!("\"model=m{segment:02}\"")).collect();
    let Ok(policy) = Policy::parse(&format!("[segments]\ncritical = [{}]\n", names.join(", "))) else {
        return ExitCode::FAILURE;
    };
    let medians = [1, 3].map(|epochs| measured(epochs, &policy));
    // What the limit is about is one epoch; the second line shows what restarts cost.
    if medians[0] <= LIMIT_MILLISECONDS { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Judges again and again; the median in milliseconds.
fn measured(epochs: u64, policy: &Policy) -> f64 {
    let evidence = evidence(epochs);
    let judged = judge(&evidence, policy);
    let (asked, wanted) = (judged.guardrails.len(), METRICS * (SEGMENTS as usize + 1));
    println!("{PAIRS} pairs of {epochs} epochs, {asked} guardrails over everything and {SEGMENTS} critical segments");
    println!("{:?}: {}", judged.verdict, judged.reasons.first().map_or("", String::as_str));
    let mut milliseconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(judge(black_box(&evidence), black_box(policy)));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let [fastest, median, slowest] =
        [0, RUNS / 2, RUNS - 1].map(|at| milliseconds.get(at).copied().unwrap_or(f64::NAN));
    println!("fastest {fastest:.2} ms, median {median:.2} ms, slowest {slowest:.2} ms; limit {LIMIT_MILLISECONDS} ms");
    if asked >= wanted { median } else { f64::INFINITY }
}
