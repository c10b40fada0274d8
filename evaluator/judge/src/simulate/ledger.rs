//! The evidence of one simulated migration, kept running: increments are added, history is never read again.

use super::grid::Grid;
use super::law::LATENCIES;
use super::population::is_of_answers;
use super::tables::Draw;
use super::tick::Tick;
use super::world::{Request, World};
use crate::counters::Canary;
use crate::counters::cluster::{Amount, exceedance_slot};
use crate::evidence::{EarlierEpoch, Evidence};
use crate::metric::{Quantile, Share};
use crate::stats::blocks::{BlockFormer, Served};

/// What one tick came to, for the account of harm and money.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    /// Requests of both arms.
    pub(super) requests: u64,
    /// Requests that the candidate served.
    pub(super) candidate: u64,
    /// Requests that both arms answered.
    pub(super) pairs: u64,
}

/// Evidence and the epochs it is of.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) evidence: Evidence,
    epoch: u64,
    /// What the present epoch served; the evidence's own canary holds the epoch before it as well.
    present: Canary,
    /// Pairs and the candidate's served requests of the present epoch.
    observations: u64,
}

impl Ledger {
    pub(super) fn new(world: &World<'_>) -> Self {
        let evidence = Evidence { plan: world.plan.clone(), ..Evidence::default() };
        Self { evidence, epoch: 0, present: Canary::default(), observations: 0 }
    }

    /// The traffic of one tick enters the evidence.
    pub(super) fn tick(&mut self, world: &mut World<'_>, first_minute: u32, weight_percent: f64) -> Traffic {
        let scenario = world.scenario;
        let mut traffic = Traffic::default();
        let weight = weight_percent / 100.0;
        let mirrored =
            if weight > 0.0 { scenario.shadow.while_serving_percent } else { scenario.shadow.percent } / 100.0;
        let lost = scenario.shadow.lost_percent / 100.0;
        let (plan, grids, shares) = (world.plan.clone(), world.grids.clone(), world.shares.clone());
        let clustered = world.clustered();
        let mut tick = Tick::new(&grids, &shares);
        let mut former = BlockFormer::new(weight).ok();
        let (mut intended, mut pairs, mut of_consumers) = (0u64, Vec::new(), Vec::new());
        for minute in first_minute..first_minute + scenario.time.check_minutes {
            let mut form = |candidate: bool, outcomes: u64| {
                let served = Served { stratum: 0, minute: i64::from(minute), candidate, outcomes };
                former.iter_mut().for_each(|former| former.push(served, |block| tick.blocks.add(block)));
            };
            let (apart, mirrored_half) = (&mut tick.apart, &mut tick.mirrored);
            traffic.requests += world.minute(minute, weight, mirrored, |request| match request {
                Request::Served(candidate, draw, consumer) => {
                    let arm = usize::from(candidate);
                    if clustered {
                        of_consumers.push((candidate, consumer, draw));
                    }
                    apart[arm].add(draw);
                    traffic.candidate += u64::from(candidate);
                    if weight < 1.0 {
                        let cells = [0, 1].map(|place: usize| {
                            grids[place].outcomes[arm].get(usize::from(draw.cells[place])).copied().unwrap_or(0)
                        });
                        let slow = if draw.is(Share::Cancellations) { 0 } else { cells[0] | cells[1] };
                        form(candidate, u64::from(draw.bad) | slow);
                    }
                }
                Request::Mirrored(draw, pair, consumer) => {
                    intended += 1;
                    pairs.push((pair, consumer));
                    if weight > 0.0 {
                        if clustered {
                            of_consumers.push((false, consumer, draw));
                        }
                        mirrored_half.add(draw);
                        let slow = [0, 1].map(|place: usize| {
                            grids[place].outcomes[0].get(usize::from(draw.cells[place])).copied().unwrap_or(0)
                        });
                        form(false, u64::from(draw.bad) | slow[0] | slow[1]);
                    }
                }
            });
        }
        if let Some(former) = former {
            former.finish(|block| tick.blocks.add(block));
        }
        let kept = intended - world.some_of(intended, lost);
        for (pair, consumer) in pairs.iter().take(usize::try_from(kept).unwrap_or(usize::MAX)) {
            let cluster = clustered.then_some(*consumer as u64);
            self.evidence.paired.add(&plan, self.epoch, cluster, pair);
        }
        traffic.pairs = kept;
        if weight > 0.0 {
            let hour = i64::from(scenario.time.start_hour + first_minute / 60);
            let key = (self.epoch, (weight_percent * 100.0).round() as u32, hour);
            let mut canaries = [self.evidence.canary.get_or_insert_default(), &mut self.present];
            for (candidate, consumer, draw) in of_consumers {
                canaries
                    .iter_mut()
                    .for_each(|canary| enter_cluster(canary, &grids, &shares, candidate, consumer, draw));
            }
            tick.enter(&plan, &grids, &shares, key, &mut canaries);
        }
        self.count(world, first_minute, weight, mirrored, intended, traffic);
        traffic
    }

    /// So many pairs at the beginning, whatever the clock.
    pub(super) fn shadow(&mut self, world: &mut World<'_>, pairs: u64) {
        for _ in 0..pairs {
            let (pair, consumer) = world.first_pair();
            let cluster = world.clustered().then_some(consumer as u64);
            self.evidence.paired.add(&world.plan, self.epoch, cluster, &pair);
        }
        let mirrored = world.scenario.shadow.percent / 100.0;
        self.count(world, 0, 0.0, mirrored, pairs, Traffic { pairs, ..Traffic::default() });
    }

    fn count(&mut self, world: &World<'_>, minute: u32, weight: f64, mirrored: f64, intended: u64, traffic: Traffic) {
        self.observations += traffic.pairs + traffic.candidate;
        let instrument = &mut self.evidence.instrument;
        instrument.mirror_intended += intended;
        instrument.mirror_observed += traffic.pairs;
        instrument.pairs += traffic.pairs;
        let per_minute = world.scenario.requests_per_minute(minute);
        let per_hour = per_minute * 60.0;
        let rates = &mut self.evidence.rates;
        rates.requests_per_hour = Some(per_hour);
        rates.candidate_requests_per_hour = Some(per_hour * weight);
        rates.pairs_per_hour = Some(per_hour * (1.0 - weight) * mirrored);
        let peak = rates.requests_per_minute_peak.unwrap_or(0.0);
        rates.requests_per_minute_peak = Some(peak.max(per_minute));
        self.evidence.weight_percent = weight * 100.0;
        self.evidence.judged_epoch_observations = (self.epoch > 0).then_some(self.observations);
    }

    /// A new epoch begins, at another weight: the present one becomes the one before, and what was before it is kept as
    /// totals only.
    pub(super) fn next_epoch(&mut self, serves: bool) {
        let present = std::mem::take(&mut self.present);
        if let Some(served) = present.epochs.get(&self.epoch) {
            let totals = served.totals();
            let (baseline, candidate) = (totals.baseline.share(Share::Errors), totals.candidate.share(Share::Errors));
            let usual = baseline.bad as f64 / baseline.n.max(1) as f64;
            self.evidence.earlier_extra_failures += (candidate.bad as f64 - candidate.n as f64 * usual).max(0.0);
            self.evidence.earlier_epochs.push(EarlierEpoch {
                epoch: self.epoch,
                baseline_requests: baseline.n,
                baseline_errors: baseline.bad,
                candidate_requests: candidate.n,
                candidate_errors: candidate.bad,
            });
        }
        self.epoch += 1;
        self.observations = 0;
        self.evidence.canary = (serves && !present.epochs.is_empty()).then_some(present);
    }
}

/// One served request enters the sums of its consumer.
fn enter_cluster(
    canary: &mut Canary,
    grids: &[Grid; 2],
    shares: &[Share],
    candidate: bool,
    consumer: usize,
    draw: Draw,
) {
    let clusters = if candidate { &mut canary.clusters_candidate } else { &mut canary.clusters_baseline };
    let sums = clusters.of(consumer as u64);
    let cancelled = draw.is(Share::Cancellations);
    for share in shares.iter().filter(|share| !cancelled || **share == Share::Cancellations) {
        if !(draw.is(Share::Errors) && is_of_answers(share.slot())) {
            sums.add(share.slot(), i64::from(draw.is(*share)));
        }
    }
    for (place, latency) in LATENCIES.into_iter().enumerate().filter(|_| !cancelled) {
        let cell = usize::from(draw.cells[place]);
        let outcomes = grids[place].outcomes[usize::from(candidate)].get(cell).copied().unwrap_or(0);
        for slot in Quantile::ALL.map(|quantile| exceedance_slot(latency, quantile)) {
            sums.add(slot, i64::from(outcomes >> slot & 1 == 1));
        }
    }
    if let Some(cost) = draw.cost_nanos {
        sums.add_amount(Amount::Cost, 0, cost);
    }
}
