//! The same counters whatever the order and batching (T15), and what a verdict costs (T16).

use std::time::Instant;

use judge::evidence::{Evidence, SegmentEvidence};
use judge::policy::Policy;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::{IDENTICAL, SIX, policy_with};

/// Pairs of a run.
const PAIRS: usize = 3000;

/// T15: pairs of two epochs in any order, counted in any batches, merged in any order.
pub(crate) fn any_order(runs: Runs) -> Vec<Row> {
    let policy = policy_with(&SIX, "");
    let same = runs.times(0.1).repeat(|rng| {
        let plan = IDENTICAL.thresholds(rng, 1000, &policy);
        let mut pairs: Vec<(u64, u64, _)> =
            (0..PAIRS).map(|at| (1 + u64::from(at > 1000), rng.random_range(0..60), IDENTICAL.pair(rng))).collect();
        let empty = || Evidence { plan: plan.clone(), ..Evidence::default() };
        let mut whole = empty();
        for (epoch, cluster, outcome) in &pairs {
            whole.paired.add(&plan, *epoch, Some(*cluster), outcome);
        }
        pairs.shuffle(rng);
        let mut batches = batches(rng, &pairs);
        batches.shuffle(rng);
        let mut merged = empty();
        for batch in batches {
            let mut part = empty();
            for (epoch, cluster, outcome) in batch {
                part.paired.add(&plan, *epoch, Some(*cluster), outcome);
            }
            merged.merge(&part).expect("the same plan");
        }
        let judged = [&whole, &merged].map(|evidence| format!("{:?}", judge::judge(evidence, &policy)));
        whole == merged && judged[0] == judged[1]
    });
    let all = Frequency::of(&same, |same| *same);
    vec![
        Row::new(
            "T15",
            "3000 pairs in any order, batched and merged at random: every digit of the verdict",
            same.len(),
        )
        .found(format!("identical in {:.0} % of runs", all.share() * 100.0))
        .target("identical bit for bit", all.at_least(1.0)),
    ]
}

fn batches<'a, T>(rng: &mut Generator, mut rest: &'a [T]) -> Vec<&'a [T]> {
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(rng.random_range(1..=rest.len().min(900)));
        batches.push(batch);
        rest = after;
    }
    batches
}

/// T16: twelve guardrails over everything and over each of twenty critical segments.
pub(crate) fn cost_of_a_verdict(runs: Runs) -> Vec<Row> {
    let names: Vec<String> = (0..20).map(|at| format!("model=m{at}")).collect();
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let twelve = [
        "errors",
        "blocked",
        "missed",
        "answer_failures",
        "ttft_p50",
        "ttft_p95",
        "ttft_p99",
        "duration_p50",
        "duration_p95",
        "duration_p99",
        "cost",
    ];
    let policy: Policy = policy_with(&twelve, &format!("[segments]\ncritical = [{list}]\n"));
    let mut rng = crate::runs::generator(runs.seed);
    let evidence = segmented(&mut rng, &names, &policy);
    let questions = judge::judge(&evidence, &policy).guardrails.len();
    let times = Numbers::of((0..50).map(|_| {
        let start = Instant::now();
        let judged = judge::judge(&evidence, &policy);
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(judged.guardrails.len(), questions, "the same questions");
        milliseconds
    }));
    vec![
        Row::new(
            "T16",
            format!("a verdict of {questions} guardrails (12 over 20 segments and over all), one core"),
            50,
        )
        .found(format!("median {:.1} ms, p95 {:.1} ms", times.median(), times.quantile(0.95)))
        .target("< 5 ms", times.median() < 5.0),
    ]
}

fn segmented(rng: &mut Generator, names: &[String], policy: &Policy) -> Evidence {
    use judge::counters::Thresholds;
    use judge::metric::{Latency, Share};
    let mut plan = IDENTICAL.thresholds(rng, 1000, policy);
    let doubled = |at: u64| Thresholds::at([420_000 * at, 1_000_000 * at, 2_000_000 * at], 1000, [1.10, 1.15, 1.25]);
    plan.latency[Latency::Duration.slot()] = Some(doubled(5));
    let mut evidence = Evidence { plan, ..Evidence::default() };
    for at in 0..40_000_usize {
        let mut outcome = IDENTICAL.pair(rng);
        let ttft = outcome.latency_us[0].unwrap_or_default();
        outcome.latency_us[Latency::Duration.slot()] = Some(ttft.map(|us| us.map(|us| us * 5)));
        for share in [Share::Missed, Share::AnswerFailures] {
            outcome.asked.insert(share.slot());
        }
        evidence.paired.add(&evidence.plan, 1, None, &outcome);
        let segment: &mut SegmentEvidence = evidence.segments.entry(names[at % names.len()].clone()).or_default();
        segment.paired.add(&evidence.plan, 1, None, &outcome);
    }
    evidence
}
