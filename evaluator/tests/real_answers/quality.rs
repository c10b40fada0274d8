//! Graded answers: the loss that is there is found, the one that is not proven is not claimed.

use crate::records::{guardrail, real_file, replayed, usage, verdict};
use datasets::{Arm, Exchange, Label, digest};
use evaluator::paired_answers::{Answer, PairedAnswers, read};
use judge::stats::paired::mcnemar_exact;
use judge::verdict::{Decision, State, Verdict};
use std::collections::BTreeSet;

/// Quality is real; errors, times and blocks are not there to be judged. One look: the files are complete.
const POLICY: &str = "[levels]\nlooks = \"one\"\n[guardrails.errors]\nenabled = false\n\
    [guardrails.duration_p50]\nenabled = false\n[guardrails.duration_p95]\nenabled = false\n\
    [guardrails.duration_p99]\nenabled = false\n[guardrails.cost]\nenabled = false\n\
    [guardrails.missed]\nenabled = false\n";

fn exchange(arm: Arm, index: usize, answer: &Answer) -> Exchange {
    let provider = if answer.model.starts_with("deepseek") { "deepseek" } else { "openai" };
    Exchange {
        usage: usage(answer.prompt_tokens, answer.completion_tokens),
        answer_digest: Some(digest::content("", &answer.text)),
        answer_chars: answer.text.chars().count() as u64,
        ..replayed(arm, index, [provider, &answer.model])
    }
}

/// Records and labels of a file, judged.
fn judged(answers: &PairedAnswers, policy: &str) -> Verdict {
    let metric = answers.metric.clone().unwrap();
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for (index, row) in answers.rows.iter().enumerate() {
        let arms = [(Arm::Baseline, &row.baseline), (Arm::Candidate, &row.candidate)];
        let mut seen = BTreeSet::new();
        for (arm, answer) in arms {
            let made = exchange(arm, index, answer);
            let (request, answer_digest) = (made.request.clone().unwrap(), made.answer_digest.clone().unwrap());
            if seen.insert(answer_digest.clone()) {
                labels.push(Label { request, answer_digest, metric: metric.clone(), good: answer.good.unwrap() });
            }
            rows.push(made);
        }
    }
    verdict(&rows, &labels, policy)
}

/// What is known about two models' answers.
struct Known {
    file: &'static str,
    baseline: Option<&'static str>,
    candidate: Option<&'static str>,
    pairs: u64,
    /// Pairs that only the baseline got right, and only the candidate.
    only_right: [u64; 2],
    /// Exact two-sided McNemar p-value, and how precisely it is known.
    p: (f64, f64),
}

const MINI: &str = "gpt-4o-mini-2024-07-18";

const fn known(file: &'static str, pairs: u64, only_right: [u64; 2], p: (f64, f64)) -> Known {
    Known { file, baseline: None, candidate: None, pairs, only_right, p }
}

fn check(known: &Known, policy: &str) -> Option<Verdict> {
    let answers = read(&real_file(&format!("pairs/{}.jsonl", known.file))?, known.baseline, known.candidate).unwrap();
    let verdict = judged(&answers, policy);
    let quality = guardrail(&verdict, answers.metric.as_deref().unwrap());
    let [baseline, candidate] = known.only_right;
    assert_eq!((quality.n, quality.events), (known.pairs, Some(baseline + candidate)), "{}", known.file);
    let loss = (baseline as f64 - candidate as f64) / known.pairs as f64;
    assert!((quality.estimate.unwrap() - loss).abs() < 1e-12, "{}: {quality:?}", known.file);
    let p = mcnemar_exact(baseline, candidate);
    assert!((p - known.p.0).abs() <= known.p.1, "{}: {p}", known.file);
    assert!(verdict.instrument.alarms.is_empty(), "{}: {:?}", known.file, verdict.instrument.alarms);
    Some(verdict)
}

fn quality(verdict: &Verdict) -> State {
    verdict.guardrails.iter().find(|guardrail| matches!(guardrail.metric.as_str(), "exact" | "followed")).unwrap().state
}

#[test]
fn grade_school_mathematics_shows_no_proven_loss() {
    let Some(verdict) = check(&known("zeroeval_gsm8k_500", 500, [22, 14], (0.243, 5e-4)), POLICY) else { return };
    assert_eq!(
        (verdict.verdict, quality(&verdict)),
        (Decision::Hold, State::HoldInsufficient),
        "{:#?}",
        verdict.reasons
    );
    // Non-inferiority depends on the margin: 1.6 points may be 3.7 at most.
    let wide = format!("{POLICY}[labels.exact]\nmargin_points = 5.0\n");
    let wide = check(&known("zeroeval_gsm8k_500", 500, [22, 14], (0.243, 5e-4)), &wide).unwrap();
    assert_eq!((wide.verdict, quality(&wide)), (Decision::Go, State::Pass), "{:#?}", wide.reasons);
}

#[test]
fn hard_mathematics_and_code_are_lost() {
    for known in [
        known("zeroeval_math_l5_200", 200, [48, 17], (0.0002, 5e-5)),
        known("zeroeval_crux_250", 250, [72, 5], (0.0, 1e-15)),
        known("mifeval_en_250", 250, [121, 5], (0.0, 1e-15)),
    ] {
        let Some(verdict) = check(&known, POLICY) else { return };
        assert_eq!((verdict.verdict, quality(&verdict)), (Decision::NoGo, State::Fail), "{}", known.file);
        assert!(verdict.next_weight_percent.abs() < 1e-12);
    }
}

#[test]
fn at_every_look_the_clear_losses_are_losses_all_the_same() {
    let every = POLICY.replace("\"one\"", "\"any\"");
    for known in
        [known("zeroeval_crux_250", 250, [72, 5], (0.0, 1e-15)), known("mifeval_en_250", 250, [121, 5], (0.0, 1e-15))]
    {
        let Some(verdict) = check(&known, &every) else { return };
        assert_eq!((verdict.verdict, quality(&verdict)), (Decision::NoGo, State::Fail), "{}", known.file);
    }
    let gsm8k = check(&known("zeroeval_gsm8k_500", 500, [22, 14], (0.243, 5e-4)), &every).unwrap();
    assert_eq!(gsm8k.verdict, Decision::Hold);
}

#[test]
fn the_same_model_raises_no_alarm() {
    let numersense = |baseline, candidate, only_right, p| Known {
        file: "zeroeval_numersense_200",
        baseline,
        candidate,
        pairs: 200,
        only_right,
        p,
    };
    let large = numersense(None, Some("gpt-4o-2024-05-13@t1"), [3, 3], (1.0, 1e-12));
    let small = numersense(Some(MINI), Some("gpt-4o-mini-2024-07-18@t1"), [22, 11], (0.080, 5e-4));
    for looks in ["one", "any"] {
        for known in [&large, &small] {
            let Some(verdict) = check(known, &POLICY.replace("\"one\"", &format!("\"{looks}\""))) else { return };
            assert_ne!(verdict.verdict, Decision::NoGo, "{looks}: {:#?}", verdict.reasons);
        }
    }
}

#[test]
fn a_smaller_model_of_the_house_is_not_proven_worse() {
    let known = Known { candidate: Some(MINI), ..known("mifeval_en_250", 250, [16, 10], (0.327, 5e-4)) };
    let Some(verdict) = check(&known, POLICY) else { return };
    assert_eq!(verdict.verdict, Decision::Hold, "{:#?}", verdict.reasons);
}
