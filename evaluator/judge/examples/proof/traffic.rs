//! The traffic of the experiments, and its counters.
//!
//! The time to the first token is log-normal with a part that both arms share (the prompt's length) and a slow one in a
//! hundred (a stalled stream, four times as slow); one request in a hundred fails, 0.6 % are blocked, nine times in ten
//! by both arms alike; the bill is log-normal with a large shared part. An error does not change the time to the first
//! token here: what it does to the tails where it counts as infinitely slow is an experiment of its own.

use judge::counters::{PairOutcome, Plan, Thresholds};
use judge::evidence::Evidence;
use judge::metric::{Latency, Share, ShareSet};
use judge::policy::Policy;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::runs::Generator;

/// What is true of a migration. Pairs of numbers are baseline and candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    /// Shares of failed requests.
    pub(crate) errors: [f64; 2],
    /// Factor on all of the candidate's latencies.
    pub(crate) latency: f64,
    /// Shares of stalled streams.
    pub(crate) stalled: [f64; 2],
    /// Candidate's cost over the baseline's.
    pub(crate) cost: f64,
    /// A failed request counts as infinitely slow, as the evaluator has it.
    pub(crate) failures_are_slow: bool,
}

/// Nothing changes but the bill.
pub(crate) const IDENTICAL: Truth =
    Truth { errors: [0.01; 2], latency: 1.0, stalled: [0.01; 2], cost: 0.35, failures_are_slow: false };

/// The listed regressions.
pub(crate) const REGRESSIONS: [(&str, Truth); 4] = [
    ("errors 1 % -> 2 %", Truth { errors: [0.01, 0.02], ..IDENTICAL }),
    ("errors 1 % -> 3 %", Truth { errors: [0.01, 0.03], ..IDENTICAL }),
    ("latency x1.20", Truth { latency: 1.20, ..IDENTICAL }),
    ("stalled streams 1 % -> 4 % (p99 x1.46, p95 x1.16)", SLOW_TAIL),
];

/// p50 nearly unchanged, p95 1.16 and p99 1.46 times as slow.
pub(crate) const SLOW_TAIL: Truth = Truth { stalled: [0.01, 0.04], ..IDENTICAL };

/// Within every margin.
pub(crate) const SLIGHTLY_SLOWER: Truth = Truth { latency: 1.03, ..IDENTICAL };

/// One request of one arm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// Microseconds.
    pub(crate) ttft_us: u64,
    /// It failed.
    pub(crate) failed: bool,
    /// Moderation blocked it.
    pub(crate) blocked: bool,
    /// Nano-units.
    pub(crate) cost_nanos: i64,
}

/// What the arms share when they answer the same prompt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prompt {
    /// Log length, standardised.
    pub(crate) length: f64,
    /// It offends.
    pub(crate) offends: bool,
}

/// A standard normal number.
pub(crate) fn normal(rng: &mut Generator) -> f64 {
    StandardNormal.sample(rng)
}

/// Yes with this probability.
pub(crate) fn chance(rng: &mut Generator, share: f64) -> bool {
    rng.random::<f64>() < share
}

impl Prompt {
    /// A prompt of the population.
    pub(crate) fn draw(rng: &mut Generator) -> Self {
        Self { length: normal(rng), offends: chance(rng, 0.006) }
    }
}

impl Truth {
    /// What an arm makes of a prompt.
    pub(crate) fn answer(&self, rng: &mut Generator, prompt: Prompt, candidate: bool) -> Request {
        let arm = usize::from(candidate);
        let (slower, price) = if candidate { (self.latency, self.cost) } else { (1.0, 1.0) };
        let stall = if chance(rng, self.stalled[arm]) { 4.0 } else { 1.0 };
        let ttft = 420e3 * slower * stall * (0.30 * prompt.length + 0.45 * normal(rng)).exp();
        let blocked = (prompt.offends && chance(rng, 0.9)) || chance(rng, 0.001);
        let cost = 1e6 * price * (0.8 * prompt.length + 0.35 * normal(rng)).exp();
        Request {
            ttft_us: ttft.round() as u64,
            failed: chance(rng, self.errors[arm]),
            blocked,
            cost_nanos: cost.round() as i64,
        }
    }

    /// Both arms' answers to one prompt, as a pair is counted.
    pub(crate) fn pair(&self, rng: &mut Generator) -> PairOutcome {
        let prompt = Prompt::draw(rng);
        let baseline = self.answer(rng, prompt, false);
        let candidate = self.answer(rng, prompt, true);
        pair_outcome(baseline, candidate, self.failures_are_slow)
    }

    /// Thresholds frozen on earlier requests of the baseline.
    pub(crate) fn thresholds(&self, rng: &mut Generator, requests: usize, policy: &Policy) -> Plan {
        let reference: Vec<Option<u64>> = (0..requests)
            .map(|_| {
                let prompt = Prompt::draw(rng);
                self.visible(self.answer(rng, prompt, false))
            })
            .collect();
        let thresholds = Thresholds::freeze(&reference, policy.latency_margins(Latency::Ttft));
        Plan { latency: [thresholds, None, None], labels: Vec::new() }
    }

    /// The latency as it is counted.
    pub(crate) fn visible(&self, request: Request) -> Option<u64> {
        (!(self.failures_are_slow && request.failed)).then_some(request.ttft_us)
    }
}

/// A pair as it is counted.
pub(crate) fn pair_outcome(baseline: Request, candidate: Request, failures_are_slow: bool) -> PairOutcome {
    let bad = |request: Request| {
        let mut set = ShareSet::default();
        set.insert_if(Share::Errors.slot(), request.failed);
        set.insert_if(Share::Blocked.slot(), request.blocked);
        set
    };
    let visible = |request: Request| (!(failures_are_slow && request.failed)).then_some(request.ttft_us);
    PairOutcome {
        asked: asked(),
        baseline: bad(baseline),
        candidate: bad(candidate),
        latency_us: [Some([visible(baseline), visible(candidate)]), None, None],
        cost_nanos: Some([baseline.cost_nanos, candidate.cost_nanos]),
        ..PairOutcome::default()
    }
}

/// Shares that are asked of every request here.
pub(crate) fn asked() -> ShareSet {
    let mut set = ShareSet::default();
    set.insert(Share::Errors.slot());
    set.insert(Share::Blocked.slot());
    set
}

/// The guardrails of the experiments: errors, blocks (both directions), p50, p95 and p99 of the first token, cost.
pub(crate) const SIX: [&str; 6] = ["errors", "blocked", "ttft_p50", "ttft_p95", "ttft_p99", "cost"];

/// The default policy with these guardrails only, and `more` on top.
pub(crate) fn policy_with(guardrails: &[&str], more: &str) -> Policy {
    let latencies =
        ["ttft", "duration"].into_iter().flat_map(|name| ["p50", "p95", "p99"].map(|q| format!("{name}_{q}")));
    let others = ["inter_token_p50", "inter_token_p95", "cost", "quality"].map(str::to_owned);
    let shares = Share::ALL.into_iter().map(|share| share.name().to_owned());
    let all = shares.chain(latencies).chain(others);
    let mut text = String::from(more);
    for name in all {
        let enabled = guardrails.contains(&name.as_str());
        text.push_str(&format!("\n[guardrails.{name}]\nenabled = {enabled}\n"));
    }
    Policy::parse(&text).expect("a valid policy")
}

/// Evidence of so many pairs of one epoch.
pub(crate) fn evidence(rng: &mut Generator, truth: &Truth, pairs: usize, policy: &Policy) -> Evidence {
    let mut evidence = Evidence { plan: truth.thresholds(rng, 3000, policy), ..Evidence::default() };
    let counters = evidence.paired.epochs.entry(1).or_default();
    for _ in 0..pairs {
        counters.add(&evidence.plan, &truth.pair(rng));
    }
    evidence
}
