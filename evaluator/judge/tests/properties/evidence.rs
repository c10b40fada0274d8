//! Random requests, and the counters that they become; laws of the counters.

use judge::counters::canary::{block_outcomes, block_slots};
use judge::counters::{PairOutcome, Plan, ServedOutcome, Thresholds};
use judge::evidence::{Evidence, SegmentEvidence};
use judge::metric::{Latency, Share, ShareSet};
use judge::stats::blocks::{BlockFormer, Served};
use judge::verdict::State;
use proptest::collection::vec;
use proptest::prelude::*;

/// One request of the random traffic.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) epoch: u64,
    pub(crate) cluster: Option<u64>,
    pub(crate) segment: u8,
    /// In a pair, served, or both.
    pub(crate) paired: bool,
    pub(crate) served: Option<(bool, i64)>,
    pub(crate) bad: [u16; 2],
    pub(crate) asked: u16,
    pub(crate) latency_us: [Option<u64>; 2],
    pub(crate) cost_nanos: [i64; 2],
    pub(crate) tokens: [i64; 2],
    pub(crate) reference: bool,
}

/// Latencies around the thresholds, failed ones, and extremes.
fn latency() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        12 => (50_u64..400).prop_map(|hundredths| Some(hundredths * 10)),
        1 => Just(None),
        1 => prop_oneof![Just(Some(0)), Just(Some(u64::MAX)), Just(Some(1)), Just(Some(1000))],
    ]
}

/// Bits of rare bad outcomes.
fn rare() -> impl Strategy<Value = u16> {
    prop_oneof![6 => Just(0_u16), 2 => any::<u16>().prop_map(|bits| bits & (bits >> 3)), 1 => any::<u16>()]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let cost = prop_oneof![20 => 0_i64..2_000_000, 1 => prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(-1_i64)]];
    (
        (0_u64..3, proptest::option::weighted(0.7, 0_u64..9), 0_u8..3, any::<bool>()),
        proptest::option::of((any::<bool>(), 480_000_i64..480_003)),
        [rare(), rare()],
        any::<u16>(),
        [latency(), latency()],
        [cost.clone(), cost],
        [0_i64..4000, 0_i64..4000],
        proptest::bool::weighted(0.1),
    )
        .prop_map(
            |((epoch, cluster, segment, paired), served, bad, asked, latency_us, cost_nanos, tokens, reference)| {
                Request {
                    epoch,
                    cluster,
                    segment,
                    paired,
                    served,
                    bad,
                    asked,
                    latency_us,
                    cost_nanos,
                    tokens,
                    reference,
                }
            },
        )
}

pub(crate) fn requests(most: usize) -> impl Strategy<Value = Vec<Request>> {
    vec(request(), 0..most)
}

pub(crate) fn plan() -> Plan {
    let at = |tau| Some(Thresholds::at(tau, 500, [1.10, 1.15, 1.25]));
    Plan::new([at([1000, 2000, 3000]), at([1500, 2500, 3500]), None], vec!["exact".to_owned()]).unwrap()
}

fn set(bits: u16) -> ShareSet {
    let mut set = ShareSet::default();
    (0..Share::ALL.len()).chain([16]).for_each(|slot| set.insert_if(slot, bits >> (slot % 14) & 1 == 1));
    set
}

impl Request {
    fn pair(&self, exchanged: bool) -> PairOutcome {
        let turn = |values: [_; 2]| if exchanged { [values[1], values[0]] } else { values };
        let [baseline, candidate] = if exchanged { [self.bad[1], self.bad[0]] } else { self.bad };
        let asked = set(self.asked | 1);
        let both = |own: ShareSet| {
            let mut kept = ShareSet::default();
            own.slots().filter(|slot| asked.contains(*slot)).for_each(|slot| kept.insert(slot));
            kept
        };
        PairOutcome {
            asked,
            baseline: both(set(baseline)),
            candidate: both(set(candidate)),
            latency_us: [Some(turn(self.latency_us)), self.reference.then_some(turn(self.latency_us)), None],
            reference: self.reference,
            cost_nanos: Some(if exchanged { [self.cost_nanos[1], self.cost_nanos[0]] } else { self.cost_nanos }),
            answer_chars: Some(self.tokens),
            quality_millionths: None,
        }
    }

    fn served(&self, candidate: bool, hour: i64) -> ServedOutcome {
        let arm = usize::from(candidate);
        let asked = set(self.asked | 1);
        let mut bad = ShareSet::default();
        set(self.bad[arm]).slots().filter(|slot| asked.contains(*slot)).for_each(|slot| bad.insert(slot));
        ServedOutcome {
            candidate,
            hour,
            paired: self.paired,
            unit: self.cluster,
            asked,
            bad,
            latency_us: [Some(self.latency_us[arm]), None, None],
            cost_nanos: Some(self.cost_nanos[arm]),
            answer_chars: Some(self.tokens[arm]),
        }
    }
}

/// Counts the requests one by one.
pub(crate) fn counted(requests: &[Request]) -> Evidence {
    counted_as(requests, false)
}

/// The same; with the arms of every pair `exchanged` (served traffic keeps its arms, and is left out).
pub(crate) fn counted_as(requests: &[Request], exchanged: bool) -> Evidence {
    let plan = plan();
    let mut evidence = Evidence { plan: plan.clone(), weight_percent: 20.0, ..Evidence::default() };
    for request in requests {
        if request.paired {
            let outcome = request.pair(exchanged);
            evidence.paired.add(&plan, request.epoch, request.cluster, &outcome);
            let segment = evidence.segments.entry(format!("model={}", request.segment)).or_default();
            segment.paired.add(&plan, request.epoch, request.cluster, &outcome);
            if request.reference {
                evidence.repeat.add(&plan, &outcome);
            }
        }
        if let Some((candidate, hour)) = request.served.filter(|_| !exchanged) {
            let outcome = request.served(candidate, hour);
            evidence.canary.get_or_insert_default().add(&plan, request.epoch, &outcome);
            let segment = evidence.segments.entry(format!("model={}", request.segment)).or_default();
            segment.canary.get_or_insert_default().add(&plan, request.epoch, &outcome);
        }
    }
    evidence
}

/// Adds blocks of the served requests, which depend on the order of arrival and are therefore formed in one go.
pub(crate) fn with_blocks(mut evidence: Evidence, requests: &[Request]) -> Evidence {
    let plan = plan();
    let Some(canary) = &mut evidence.canary else { return evidence };
    for epoch in 0..3 {
        let mut former = BlockFormer::new(0.3).unwrap();
        let mut blocks = Vec::new();
        for request in requests.iter().filter(|request| request.epoch == epoch) {
            let Some((candidate, hour)) = request.served else { continue };
            let outcomes = block_outcomes(&plan, &request.served(candidate, hour));
            former.push(Served { stratum: 0, minute: 0, candidate, outcomes }, |block| blocks.push(*block));
        }
        former.finish(|block| blocks.push(*block));
        for block in &blocks {
            for slot in block_slots(true) {
                canary.epochs.entry(epoch).or_default().block(0, slot).add(block, slot);
            }
        }
    }
    evidence
}

pub(crate) fn merged(mut first: Evidence, second: &Evidence) -> Evidence {
    first.merge(second).unwrap();
    first
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn order_and_batching_leave_no_trace(requests in requests(120), cuts in (0_usize..120, 0_usize..120), turn in 0_usize..120) {
        let whole = counted(&requests);
        let mut turned = requests.clone();
        turned.rotate_left(turn % requests.len().max(1));
        turned.reverse();
        prop_assert_eq!(&counted(&turned), &whole);
        let (a, b) = (cuts.0.min(requests.len()), cuts.1.min(requests.len()));
        let parts = [&requests[..a.min(b)], &requests[a.min(b)..a.max(b)], &requests[a.max(b)..]].map(counted);
        let [x, y, z] = parts;
        // Associative and commutative, and nothing is an element that changes nothing.
        prop_assert_eq!(&merged(merged(x.clone(), &y), &z), &whole);
        prop_assert_eq!(&merged(z.clone(), &merged(y.clone(), &x)), &whole);
        prop_assert_eq!(&merged(whole.clone(), &counted(&[])), &whole);
        prop_assert_eq!(&merged(counted(&[]), &whole), &whole);
    }

    #[test]
    fn clusters_may_be_closed_one_by_one_or_together(requests in requests(120), later in 0_u64..9) {
        let mut all = counted(&requests);
        // What is closed early must be complete: the clusters below `later` here, the others there.
        let (first, second): (Vec<_>, Vec<_>) = requests.into_iter().partition(|r| r.cluster.is_none_or(|key| key < later));
        let (mut one, other) = (counted(&first), counted(&second));
        one.paired.clusters.close();
        one.merge(&other).unwrap();
        prop_assert_eq!(one.paired.clusters.count(), all.paired.clusters.count());
        for slot in 0..judge::counters::cluster::EFFECT_SLOTS {
            prop_assert_eq!(one.paired.clusters.effect(slot), all.paired.clusters.effect(slot));
        }
        all.paired.clusters.close();
        one.paired.clusters.close();
        prop_assert_eq!(one.paired.clusters, all.paired.clusters);
    }

    #[test]
    fn written_and_read_evidence_is_the_same(requests in requests(80)) {
        let evidence = with_blocks(counted(&requests), &requests);
        let text = serde_json::to_string(&evidence).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Evidence>(&text).unwrap(), &evidence);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&serde_json::from_value::<Evidence>(value).unwrap(), &evidence);
    }

    #[test]
    fn exchanging_the_arms_of_pairs_exchanges_every_table(requests in requests(120)) {
        let (first, second) = (counted_as(&requests, false), counted_as(&requests, true));
        let (here, there) = (first.paired.pooled(), second.paired.pooled());
        for share in Share::ALL {
            prop_assert_eq!(here.share(share).swapped(), there.share(share));
        }
        for latency in Latency::ALL {
            let (a, b) = (&here.latency[latency.slot()], &there.latency[latency.slot()]);
            prop_assert_eq!((&a.baseline, &a.candidate, a.tested), (&b.candidate, &b.baseline, b.tested));
        }
        prop_assert_eq!((here.cost.b, here.cost.c, here.cost.bc), (there.cost.c, there.cost.b, there.cost.bc));
    }

    #[test]
    fn epochs_add_up_from_each_of_them_to_the_end(requests in requests(120)) {
        let evidence = counted(&requests);
        let since = evidence.paired.since_each_later_epoch();
        prop_assert_eq!(since.len(), evidence.paired.epochs.len().saturating_sub(1));
        for (start, paired) in evidence.paired.epochs.keys().skip(1).zip(&since) {
            let kept: Vec<_> = requests.iter().filter(|r| r.epoch >= *start).cloned().collect();
            let alone = counted(&kept).paired.pooled().into_owned();
            prop_assert_eq!(paired.pairs, alone.pairs);
            for share in Share::ALL {
                prop_assert_eq!(paired.share(share), alone.share(share));
            }
            for (own, other) in paired.latency.iter().zip(&alone.latency) {
                for quantile in judge::metric::Quantile::ALL {
                    prop_assert_eq!(own.all_differences(quantile, 60), other.all_differences(quantile, 60));
                }
            }
        }
    }

    #[test]
    fn what_is_mirrored_is_not_apart(requests in requests(120)) {
        let evidence = counted(&requests);
        let apart = requests.iter().filter(|r| r.served.is_some() && !r.paired).count() as u64;
        let counted: u64 = evidence.canary.iter().flat_map(|canary| canary.epochs.values()).flat_map(|epoch| epoch.hours_apart.values())
            .map(|hour| hour.baseline.share(Share::Errors).n + hour.candidate.share(Share::Errors).n).sum();
        prop_assert_eq!(counted, apart);
    }
}

/// A state that lets a guardrail pass.
pub(crate) const fn passes(state: State) -> bool {
    matches!(state, State::Pass | State::PassRegressed)
}

/// A segment's evidence counts as the whole's.
pub(crate) fn as_whole(segment: &SegmentEvidence) -> Evidence {
    Evidence { plan: plan(), paired: segment.paired.clone(), canary: segment.canary.clone(), ..Evidence::default() }
}
