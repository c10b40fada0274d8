//! Times of providers that lost requests: who survives is no sample of who was asked, so failures rank last.

use crate::records::{guardrail, real_file, replayed, usage, verdict};
use datasets::{Arm, Exchange};
use judge::verdict::{Decision, State, Verdict};
use wire::ErrorKind;

const FILE: &str = "latency/llmperf_llama2_70b_8providers.csv";

/// Times alone, of 150 requests, which is what there is.
const POLICY: &str = "[levels]\nlooks = \"one\"\n[floors]\npairs = 100\npairs_p95 = 140\n\
    [guardrails.cost]\nenabled = false\n[guardrails.errors]\nmargin_points = 5.0\n\
    [guardrails.ttft_p99]\nenabled = false\n[guardrails.duration_p99]\nenabled = false\n";

/// One provider's rows as one arm, in the order of the file.
fn arm(text: &str, arm: Arm, provider: &str) -> Vec<Exchange> {
    let rows = text.lines().skip(1).filter_map(|line| {
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        (cells[0] == provider).then_some(cells)
    });
    rows.enumerate().map(|(index, cells)| exchange(arm, index, provider, &cells)).collect()
}

fn exchange(arm: Arm, index: usize, provider: &str, cells: &[&str]) -> Exchange {
    let micros = |cell: &str| (cell.parse::<f64>().unwrap() * 1e6) as i64;
    let made = Exchange { streamed: true, ..replayed(arm, index, [provider, "llama-2-70b"]) };
    match cells[2] {
        "" => {
            let (ttft, duration) = (micros(cells[3]).unsigned_abs(), micros(cells[5]).unsigned_abs());
            let tokens = |cell: &str| cell.parse().unwrap();
            Exchange {
                ttft_us: Some(ttft),
                duration_us: duration.max(ttft),
                usage: usage(tokens(cells[7]), tokens(cells[8])),
                ..made
            }
        }
        code => {
            let (error, status) = if code == "429" { (ErrorKind::RateLimit, 429) } else { (ErrorKind::Server, 500) };
            // Whatever the clock says of a failure, it says nothing about speed.
            Exchange { error: Some(error), status, duration_us: 20_000, finish_reason: None, ..made }
        }
    }
}

fn between(baseline: &str, candidate: &str, survivors_only: bool) -> Option<Verdict> {
    let text = std::fs::read_to_string(real_file(FILE)?).unwrap();
    let (b, c) = (arm(&text, Arm::Baseline, baseline), arm(&text, Arm::Candidate, candidate));
    let n = b.len().min(c.len());
    let rows: Vec<Exchange> = b.into_iter().take(n).chain(c.into_iter().take(n)).collect();
    let kept = rows.into_iter().filter(|row| !survivors_only || row.error.is_none());
    Some(verdict(&kept.collect::<Vec<_>>(), &[], POLICY))
}

#[test]
fn a_provider_that_refused_most_requests_does_not_look_normal() {
    let Some(verdict) = between("fireworks", "lepton", false) else { return };
    assert_eq!(verdict.verdict, Decision::NoGo);
    let errors = guardrail(&verdict, "errors");
    assert_eq!((errors.n, errors.state), (150, State::Fail));
    assert!((errors.candidate_value.unwrap() - 130.0 / 150.0).abs() < 1e-12);
    let p50 = guardrail(&verdict, "duration_p50");
    assert_eq!((p50.candidate_value, p50.estimate, p50.upper), (None, None, None), "its median is a refused request");
    assert_ne!(p50.state, State::Pass);
    let times = verdict.evidence.latency.iter().find(|d| d.metric == "duration" && d.arm == "candidate").unwrap();
    assert_eq!((times.n, times.n_infinite), (150, 130));
    // On its twenty survivors it would look like the baseline; the pairs that are missing hold all the same.
    let survivors = between("fireworks", "lepton", true).unwrap();
    let p50 = guardrail(&survivors, "duration_p50");
    assert!(p50.candidate_value.is_some_and(|us| us > 4.4e6 && us < 4.8e6), "{p50:?}");
    assert_eq!(survivors.verdict, Decision::Hold);
    assert!(survivors.instrument.alarms.iter().any(|alarm| alarm.contains("mirrored requests is unknown")));
}

#[test]
fn a_third_of_failures_outweighs_any_speed() {
    let Some(verdict) = between("replicate", "bedrock", false) else { return };
    assert_eq!((verdict.verdict, guardrail(&verdict, "errors").state), (Decision::NoGo, State::Fail));
    assert_ne!(guardrail(&verdict, "duration_p95").state, State::Pass, "the slowest third is infinitely slow");
}

#[test]
fn a_clear_contrast_is_decided_in_either_direction() {
    let Some(slower) = between("groq", "replicate", false) else { return };
    assert_eq!((slower.verdict, guardrail(&slower, "duration_p50").state), (Decision::NoGo, State::Fail));
    let ratio = guardrail(&slower, "duration_p50").estimate.unwrap();
    assert!(ratio > 12.0 && ratio < 18.0, "0.81 s against 12.4 s: {ratio}");
    let faster = between("replicate", "groq", false).unwrap();
    assert_eq!(guardrail(&faster, "duration_p50").state, State::Pass, "{}", guardrail(&faster, "duration_p50").why);
    assert_eq!(guardrail(&faster, "duration_p95").state, State::Pass, "{}", guardrail(&faster, "duration_p95").why);
    assert_ne!(faster.verdict, Decision::NoGo);
}

#[test]
fn a_hard_contrast_is_left_open() {
    let Some(verdict) = between("anyscale", "together", false) else { return };
    let p50 = guardrail(&verdict, "duration_p50");
    assert!((p50.estimate.unwrap() - 2.44 / 2.26).abs() < 0.02, "{p50:?}");
    assert_eq!(p50.state, State::HoldInsufficient, "{}", p50.why);
    assert_ne!(verdict.verdict, Decision::Go);
}
