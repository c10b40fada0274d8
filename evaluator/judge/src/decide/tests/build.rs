//! Evidence of a known truth, request by request: what the rules of the verdict are tested on.

use crate::counters::canary::{block_outcomes, block_slots};
use crate::counters::{Canary, PairOutcome, Plan, ServedOutcome, Thresholds};
use crate::evidence::Evidence;
use crate::metric::{Latency, Share, ShareSet};
use crate::policy::Policy;
use crate::stats::blocks::{BlockFormer, Served};
use crate::verdict::{Guardrail, State};
use crate::{Judged, judge};

pub(super) const TTFT_US: u64 = 400_000;
pub(super) const DURATION_US: u64 = 2_000_000;

/// Deterministic latencies, evenly between half and three halves of their median, in scrambled order.
pub(super) fn latency(index: u64, median_us: u64) -> u64 {
    median_us / 2 + median_us * (index.wrapping_mul(7919) % 1009) / 1009
}

/// Thresholds at the true quantiles of [`latency`].
pub(super) fn plan(labels: &[&str]) -> Plan {
    let at =
        |median: u64| Some(Thresholds::at([median, median * 145 / 100, median * 149 / 100], 1000, [1.10, 1.15, 1.25]));
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Plan::new([at(TTFT_US), at(DURATION_US), None], labels).unwrap()
}

/// Whether the item at `index` is among `some` of `all`, spread evenly.
pub(super) const fn spread(index: u64, some: u64, all: u64) -> bool {
    index * some / all != (index + 1) * some / all
}

/// A pair in which all went well on both sides; the candidate costs a tenth.
pub(super) fn pair(index: u64) -> PairOutcome {
    let mut outcome = PairOutcome::default();
    for share in [Share::Errors, Share::AnswerFailures] {
        outcome.asked.insert(share.slot());
    }
    let both = |median: u64, shift: u64| Some([Some(latency(index, median)), Some(latency(index + shift, median))]);
    outcome.latency_us = [both(TTFT_US, 31), both(DURATION_US, 57), None];
    let cost = 1_000_000 + i64::try_from(index % 977).unwrap() * 1000;
    outcome.cost_nanos = Some([cost, cost / 10 + i64::try_from(index % 13).unwrap()]);
    outcome
}

/// One table's worth of a share: so many pairs of `n`, each kind spread evenly over its own part of the pairs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bad {
    pub(super) only_candidate: u64,
    pub(super) only_baseline: u64,
    pub(super) both: u64,
}

impl Bad {
    /// Both arms fail half a percent of the same requests, and a fifth of a percent each by themselves.
    pub(super) const fn usual(n: u64) -> Self {
        Self { only_candidate: n / 500, only_baseline: n / 500, both: n / 200 }
    }

    /// Marks a share of the pair at `index`.
    pub(super) fn mark(self, outcome: &mut PairOutcome, share: usize, index: u64) {
        outcome.asked.insert(share);
        let (first, second) = (self.only_candidate, self.only_candidate + self.only_baseline);
        outcome.candidate.insert_if(share, index < first || (second..second + self.both).contains(&index));
        outcome.baseline.insert_if(share, (first..second + self.both).contains(&index));
    }
}

/// `n` pairs of one epoch, each as `make` makes it from its index.
pub(super) fn pairs(n: u64, make: impl Fn(u64) -> PairOutcome) -> Evidence {
    let mut evidence = Evidence { plan: plan(&[]), ..Evidence::default() };
    add_pairs(&mut evidence, 0, n, make);
    evidence.instrument.mirror_intended = n;
    evidence.instrument.mirror_observed = n;
    evidence.instrument.pairs = n;
    evidence
}

pub(super) fn add_pairs(evidence: &mut Evidence, epoch: u64, n: u64, make: impl Fn(u64) -> PairOutcome) {
    let plan = evidence.plan.clone();
    for index in 0..n {
        evidence.paired.add(&plan, epoch, None, &make(index));
    }
}

/// A healthy pair among `n`.
pub(super) fn usual(index: u64, n: u64) -> PairOutcome {
    let mut outcome = pair(index);
    Bad::usual(n).mark(&mut outcome, Share::Errors.slot(), index);
    Bad::usual(n).mark(&mut outcome, Share::AnswerFailures.slot(), index);
    outcome
}

/// A candidate that is as good as the baseline and costs a tenth, over `n` pairs.
pub(super) fn healthy(n: u64) -> Evidence {
    pairs(n, |index| usual(index, n))
}

/// The same, but for the errors.
pub(super) fn failing(n: u64, bad: Bad) -> Evidence {
    pairs(n, |index| {
        let mut outcome = usual(index, n);
        let errors = Share::Errors.slot();
        outcome.baseline = without(outcome.baseline, errors);
        outcome.candidate = without(outcome.candidate, errors);
        bad.mark(&mut outcome, errors, index);
        outcome
    })
}

pub(super) fn without(set: ShareSet, slot: usize) -> ShareSet {
    let mut left = ShareSet::default();
    set.slots().filter(|other| *other != slot).for_each(|other| left.insert(other));
    left
}

/// Served traffic in one epoch: requests and errors of baseline and candidate, 10 000 an hour in even mixture.
pub(super) fn served(plan: &Plan, requests: [u64; 2], errors: [u64; 2]) -> Canary {
    served_as(plan, 1, requests, |outcome, index| {
        let arm = usize::from(outcome.candidate);
        let bad = errors[arm] > 0 && spread(index, errors[arm], requests[arm]);
        outcome.bad.insert_if(Share::Errors.slot(), bad);
    })
}

/// The same with every request as `make` changes it, from its index within its arm.
pub(super) fn served_as(plan: &Plan, epoch: u64, requests: [u64; 2], make: impl Fn(&mut ServedOutcome, u64)) -> Canary {
    let total = requests[0] + requests[1];
    let mut canary = Canary::default();
    let mut blocks = BlockFormer::new((requests[1] as f64 / total as f64).clamp(0.001, 0.999)).unwrap();
    let mut closed = Vec::new();
    let mut counts = [0_u64; 2];
    for index in 0..total {
        let candidate = spread(index, requests[1], total);
        let own = &mut counts[usize::from(candidate)];
        let mut asked = ShareSet::default();
        for share in [Share::Errors, Share::AnswerFailures, Share::RateLimited, Share::Cancellations] {
            asked.insert(share.slot());
        }
        let mut outcome = ServedOutcome { candidate, hour: (index / 10_000) as i64, asked, ..ServedOutcome::default() };
        outcome.latency_us = [Some(Some(latency(*own, TTFT_US))), Some(Some(latency(*own + 7, DURATION_US))), None];
        make(&mut outcome, *own);
        *own += 1;
        canary.add(plan, epoch, &outcome);
        let request =
            Served { stratum: 0, minute: (index / 166) as i64, candidate, outcomes: block_outcomes(plan, &outcome) };
        blocks.push(request, |block| closed.push(*block));
    }
    blocks.finish(|block| closed.push(*block));
    let entry = canary.epochs.entry(epoch).or_default();
    (entry.units_baseline, entry.units_candidate) = (requests[0], requests[1]);
    entry.weight_bp = (requests[1] * 10_000 / total) as u32;
    for block in &closed {
        for slot in block_slots(true) {
            entry.block(0, slot).add(block, slot);
        }
    }
    canary
}

pub(super) fn judged(evidence: &Evidence) -> Judged {
    judge(evidence, &Policy::default())
}

pub(super) fn of<'a>(judged: &'a Judged, metric: &str, segment: &str) -> &'a Guardrail {
    let found = judged.guardrails.iter().find(|guardrail| guardrail.metric == metric && guardrail.segment == segment);
    found.unwrap_or_else(|| panic!("no guardrail {metric} in {segment}"))
}

pub(super) fn state_of(judged: &Judged, metric: &str, segment: &str) -> State {
    of(judged, metric, segment).state
}

/// Metrics of one segment, in order.
pub(super) fn metrics<'a>(judged: &'a Judged, segment: &str) -> Vec<&'a str> {
    judged.guardrails.iter().filter(|g| g.segment == segment).map(|g| g.metric.as_str()).collect()
}

/// The place of a latency's outcome in a pair, for changing it.
pub(super) fn latency_mut(outcome: &mut PairOutcome, latency: Latency) -> &mut [Option<u64>; 2] {
    outcome.latency_us[latency.slot()].get_or_insert([None, None])
}
