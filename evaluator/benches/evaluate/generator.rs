//! Made-up records straight to a file: the same ones for the same seed, in the order in which a gateway writes them.

use datasets::{Arm, AssignedBy, Endpoint, Exchange, Role, ShadowFate};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use wire::{ErrorKind, Usage, UsageSource};

/// Friday, 20 November 2026, 12:00 UTC.
const NOON_US: i64 = 1_795_176_000_000_000;
/// One request each so often, microseconds: five million records cover 69 hours.
const EVERY_US: i64 = 100_000;
/// Consumers, of which the first ones ask most.
const CONSUMERS: f64 = 300.0;

/// Numbers by a counter and a seed (SplitMix64, Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Log-normal, roughly: the sum of four uniforms is nearly normal.
    fn skewed(&mut self, median: f64, spread: f64) -> u64 {
        let normal = (0..4).map(|_| self.uniform() - 0.5).sum::<f64>() * 3f64.sqrt();
        (median * (spread * normal).exp()) as u64
    }

    fn hex(&mut self, words: usize) -> String {
        (0..words).map(|_| format!("{:016x}", self.next())).collect()
    }
}

/// A record that will be written at an instant; ties in the order of making.
struct Due(i64, u64, Exchange);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// `pairs` mirrored requests, two records each, in the order of their ends.
pub(crate) fn each(pairs: u64, seed: u64, mut take: impl FnMut(Exchange)) {
    let mut draws = Draws(seed);
    let mut due = BinaryHeap::new();
    for index in 0..pairs {
        let at_us = NOON_US + index as i64 * EVERY_US;
        while due.peek().is_some_and(|Reverse(Due(ends_us, ..))| *ends_us <= at_us) {
            due.pop().into_iter().for_each(|Reverse(Due(_, _, exchange))| take(exchange));
        }
        for (exchange, number) in pair(at_us, &mut draws).into_iter().zip(0..) {
            due.push(Reverse(Due(exchange.sent_us + exchange.duration_us as i64, index * 2 + number, exchange)));
        }
    }
    while let Some(Reverse(Due(_, _, exchange))) = due.pop() {
        take(exchange);
    }
}

fn pair(at_us: i64, draws: &mut Draws) -> [Exchange; 2] {
    let (time, rest) = (at_us as u64 / 1000, draws.hex(2));
    let id = format!("{:08x}-{:04x}-7{}-8{}-{}", time >> 16, time & 0xFFFF, &rest[..3], &rest[3..6], &rest[6..18]);
    let asked = Asked {
        request: draws.hex(2),
        unit: draws.hex(2),
        consumer: format!("consumer-{}", draws.uniform().powi(3).mul_add(CONSUMERS, 0.0) as u64),
        streamed: draws.uniform() < 0.8,
        prompt_tokens: draws.skewed(800.0, 1.0),
        id,
        at_us,
    };
    [asked.answered(Arm::Baseline, draws), asked.answered(Arm::Candidate, draws)]
}

struct Asked {
    id: String,
    at_us: i64,
    request: String,
    unit: String,
    consumer: String,
    streamed: bool,
    prompt_tokens: u64,
}

impl Asked {
    fn answered(&self, arm: Arm, draws: &mut Draws) -> Exchange {
        let (provider, model, answered, role, scale) = match arm {
            Arm::Baseline => ("openai", "gpt-4o", "gpt-4o-2024-08-06", Role::Served, 1.0),
            Arm::Candidate => ("deepseek", "deepseek-flash", "deepseek-flash", Role::Shadow, 0.9),
        };
        let error = (draws.uniform() < 0.01).then_some(ErrorKind::Server);
        let ttft_us = draws.skewed(300_000.0 * scale, 0.5);
        let completion = draws.skewed(200.0, 0.6).max(1);
        let answered_text = error.is_none();
        Exchange {
            pair: self.id.clone(),
            arm,
            role,
            endpoint: Endpoint::Chat,
            migration: "chat".to_owned(),
            epoch: 1,
            weight_bp: 0,
            request: Some(self.request.clone()),
            unit: Some(self.unit.clone()),
            consumer: Some(self.consumer.clone()),
            assigned_by: Some(AssignedBy::Weight),
            assigned_bp: Some(10_000),
            shadow_bp: Some(10_000),
            provider: provider.to_owned(),
            model: model.to_owned(),
            model_answered: answered_text.then(|| answered.to_owned()),
            streamed: self.streamed,
            structured: false,
            at_us: self.at_us,
            sent_us: self.at_us + 150 + (draws.next() % 500) as i64,
            first_event_us: (self.streamed && answered_text).then_some(ttft_us * 7 / 10),
            ttft_us: (self.streamed && answered_text).then_some(ttft_us),
            first_visible_us: (self.streamed && answered_text).then_some(ttft_us),
            duration_us: ttft_us + draws.skewed(2_000_000.0 * scale, 0.6),
            status: if answered_text { 200 } else { 500 },
            attempts: 1,
            error,
            finish_reason: answered_text.then(|| "stop".to_owned()),
            form_failure: (answered_text && draws.uniform() < 0.01).then(|| "length".to_owned()),
            moderation: None,
            refused: false,
            guard: None,
            usage: answered_text.then_some(Usage {
                cached: Some(self.prompt_tokens / 3),
                ..Usage::new(self.prompt_tokens, completion, UsageSource::Provider)
            }),
            tier: wire::price::Tier::Standard,
            cost_nanos: answered_text.then_some((self.prompt_tokens * 2_500 + completion * 10_000) as i64),
            prompt_chars: self.prompt_tokens * 4,
            prompt_wide_chars: Some(0),
            answer_chars: completion * 4,
            reasoning_chars: None,
            answer_digest: answered_text.then(|| draws.hex(4)),
            tools_digest: None,
            answer: None,
            quality: None,
            shadow: (role == Role::Served).then_some(ShadowFate::Sent),
            recorded: None,
            dropped: Vec::new(),
        }
    }
}
