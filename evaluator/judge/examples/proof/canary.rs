//! Served traffic, request by request, as a gateway would count it: what ramps and canaries are made of.

use judge::counters::canary::{block_outcomes, equality_slot};
use judge::counters::cluster::exceedance_slot;
use judge::counters::{Canary, Plan, ServedOutcome};
use judge::metric::{Latency, Quantile, Share, ShareSet};
use judge::stats::blocks::{Block, BlockFormer, Served};
use rand::RngExt;

use crate::runs::Generator;
use crate::traffic::{Prompt, Truth, asked, chance};

/// What is served within one minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Minute {
    /// Minutes since the start.
    pub(crate) at: i64,
    /// Requests of both arms.
    pub(crate) requests: u64,
    /// Candidate's weight, 0 to 1.
    pub(crate) weight: f64,
    /// Epoch of constant weight.
    pub(crate) epoch: u64,
    /// Factor on both arms' latencies, and points added to both arms' errors: the hour of the day.
    pub(crate) slower: f64,
    pub(crate) more_errors: f64,
}

/// Serves a minute and counts it. Returns how many requests each arm had and how many of them failed.
pub(crate) fn serve(
    rng: &mut Generator,
    canary: &mut Canary,
    plan: &Plan,
    truth: &Truth,
    minute: Minute,
    slots: &[usize],
) -> [[u64; 2]; 2] {
    let mut former = BlockFormer::new(minute.weight).ok();
    let mut closed = Vec::new();
    let mut counts = [[0; 2]; 2];
    for _ in 0..minute.requests {
        let candidate = chance(rng, minute.weight);
        let outcome = request(rng, truth, minute, candidate);
        canary.add(plan, minute.epoch, &outcome);
        let arm = &mut counts[usize::from(candidate)];
        arm[0] += 1;
        arm[1] += u64::from(outcome.bad.contains(Share::Errors.slot()));
        if let Some(former) = &mut former {
            let outcomes = block_outcomes(plan, &outcome);
            let served = Served { stratum: 0, minute: minute.at, candidate, outcomes };
            former.push(served, |block| closed.push(*block));
        }
    }
    if let Some(former) = former {
        former.finish(|block| closed.push(*block));
    }
    let epoch = canary.epochs.entry(minute.epoch).or_default();
    epoch.weight_bp = (minute.weight * 10_000.0).round() as u32;
    epoch.units_baseline += counts[0][0];
    epoch.units_candidate += counts[1][0];
    closed.iter().for_each(|block| count(epoch, minute.at / 1440, block, slots));
    counts
}

fn count(epoch: &mut judge::counters::CanaryEpoch, day: i64, block: &Block, slots: &[usize]) {
    for slot in slots {
        epoch.block(day, *slot).add(block, *slot);
    }
}

/// Outcomes that blocks are counted for: these shares, and these quantiles of the first token.
pub(crate) fn slots(shares: &[Share], quantiles: &[Quantile]) -> Vec<usize> {
    let ttft =
        |quantile: &Quantile| [exceedance_slot(Latency::Ttft, *quantile), equality_slot(Latency::Ttft, *quantile)];
    shares.iter().map(|share| share.slot()).chain(quantiles.iter().flat_map(ttft)).collect()
}

fn request(rng: &mut Generator, truth: &Truth, minute: Minute, candidate: bool) -> ServedOutcome {
    let prompt = Prompt::draw(rng);
    let mut answer = truth.answer(rng, prompt, candidate);
    answer.failed |= rng.random::<f64>() < minute.more_errors;
    let mut bad = ShareSet::default();
    bad.insert_if(Share::Errors.slot(), answer.failed);
    bad.insert_if(Share::Blocked.slot(), answer.blocked);
    let mut latency_us = [None; 3];
    latency_us[Latency::Ttft.slot()] = Some(Some((answer.ttft_us as f64 * minute.slower) as u64));
    ServedOutcome {
        candidate,
        hour: minute.at / 60,
        asked: asked(),
        bad,
        latency_us,
        cost_nanos: Some(answer.cost_nanos),
        ..ServedOutcome::default()
    }
}
