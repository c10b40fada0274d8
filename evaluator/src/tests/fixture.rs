//! Made-up records: whole files in a temporary folder.

use crate::{EvaluateError, Options, Outcome, evaluate};
use datasets::{
    Appender, Arm, Exchange, Format, GuardAction, GuardCheck, GuardLevel, Guarded, Header, Label, Redaction, Role,
    ShadowFate,
};
use judge::policy::Policy;
use judge::verdict::{Guardrail, Verdict};
use std::path::{Path, PathBuf};
use wire::{ErrorKind, Usage, UsageSource};

/// Friday, 20 November 2026, 12:00 UTC: off-peak at DeepSeek.
pub(crate) const NOON_US: i64 = 1_795_176_000_000_000;

/// A folder with record files.
pub(crate) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn records(&self, name: &str, exchanges: &[Exchange]) -> PathBuf {
        self.write(name, Format::Exchanges, exchanges)
    }

    pub(super) fn labels(&self, name: &str, labels: &[Label]) -> PathBuf {
        self.write(name, Format::Labels, labels)
    }

    fn write<T: serde::Serialize>(&self, name: &str, format: Format, rows: &[T]) -> PathBuf {
        let path = self.path(name);
        let mut file = Appender::open(&path, &Header::new(format, Redaction::Hashed)).unwrap();
        for row in rows {
            file.push(row).unwrap();
        }
        file.sync().unwrap();
        path
    }
}

/// One look, and no 99th percentile: what a test that is about something else needs, so that a thousand pairs decide.
const ONE_LOOK: &str =
    "[levels]\nlooks = \"one\"\n[guardrails.ttft_p99]\nenabled = false\n[guardrails.duration_p99]\nenabled = false\n";

/// A single look that a thousand and a half pairs decide.
pub(crate) fn options() -> Options {
    options_with("")
}

/// The same with more of a policy's text.
pub(crate) fn options_with(policy: &str) -> Options {
    Options::new(Policy::parse(&format!("{ONE_LOOK}{policy}")).unwrap(), "0.1.0")
}

/// What a user gets who has no policy.
pub(crate) fn default_options() -> Options {
    Options::new(Policy::default(), "0.1.0")
}

/// Evaluates one file with these rows.
pub(crate) fn judge(exchanges: &[Exchange]) -> Outcome {
    judge_with(exchanges, &options()).unwrap()
}

pub(crate) fn judge_with(exchanges: &[Exchange], options: &Options) -> Result<Outcome, EvaluateError> {
    let files = Files::new();
    evaluate(&[files.records("records.ndjson", exchanges)], options)
}

/// A value that counters keep to within a bucket's width, a percent.
pub(crate) fn about(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found / expected - 1.0).abs() < 0.01)
}

pub(super) fn guardrail<'a>(verdict: &'a Verdict, metric: &str, segment: &str) -> &'a Guardrail {
    verdict
        .guardrails
        .iter()
        .find(|guardrail| guardrail.metric == metric && guardrail.segment == segment)
        .unwrap_or_else(|| panic!("no guardrail {metric} over {segment}"))
}

/// A good, streamed exchange: the baseline is gpt-4o, the candidate deepseek-flash.
pub(crate) fn exchange(pair: &str, arm: Arm, role: Role) -> Exchange {
    let (provider, model) = match arm {
        Arm::Baseline => ("openai", "gpt-4o"),
        Arm::Candidate => ("deepseek", "deepseek-flash"),
    };
    Exchange {
        pair: pair.to_owned(),
        arm,
        role,
        endpoint: datasets::Endpoint::Chat,
        migration: "chat".to_owned(),
        epoch: 1,
        weight_bp: 0,
        request: Some(format!("request-{pair}")),
        unit: Some(format!("unit-{pair}")),
        consumer: None,
        assigned_by: None,
        assigned_bp: None,
        shadow_bp: None,
        provider: provider.to_owned(),
        model: model.to_owned(),
        model_answered: None,
        streamed: true,
        structured: false,
        at_us: NOON_US,
        sent_us: NOON_US,
        first_event_us: None,
        ttft_us: Some(300_000),
        first_visible_us: None,
        duration_us: 2_000_000,
        status: 200,
        attempts: 1,
        error: None,
        finish_reason: Some("stop".to_owned()),
        form_failure: None,
        moderation: None,
        refused: false,
        guard: None,
        usage: Some(Usage { cached: Some(0), ..Usage::new(1000, 100, UsageSource::Provider) }),
        tier: wire::price::Tier::Standard,
        cost_nanos: None,
        prompt_chars: 4000,
        prompt_wide_chars: None,
        answer_chars: 400,
        reasoning_chars: None,
        answer_digest: Some(format!("{}-{pair}", arm.name())),
        tools_digest: None,
        answer: None,
        quality: None,
        shadow: (role == Role::Served).then_some(ShadowFate::Sent),
        recorded: None,
        dropped: Vec::new(),
    }
}

/// The exchange as a failure.
pub(crate) fn with_error(exchange: Exchange, error: ErrorKind) -> Exchange {
    Exchange { error: Some(error), status: 500, ttft_us: None, finish_reason: None, answer_digest: None, ..exchange }
}

/// Served by the baseline, mirrored to the candidate.
pub(crate) fn mirrored(pair: &str) -> [Exchange; 2] {
    [exchange(pair, Arm::Baseline, Role::Served), exchange(pair, Arm::Candidate, Role::Shadow)]
}

/// A guard's verdict on both sides: nothing in the request; in the answer something or nothing, or no verdict of one of its
/// back ends.
pub(crate) fn guarded(flagged: bool, failed: bool) -> Guarded {
    let action = if flagged { GuardAction::Flagged } else { GuardAction::None };
    let level = if flagged { GuardLevel::High } else { GuardLevel::None };
    let categories = if flagged { vec!["violence".to_owned()] } else { Vec::new() };
    let failed = if failed { vec!["llama:timeout".to_owned()] } else { Vec::new() };
    let response = Some(GuardCheck { action, level, categories, failed });
    Guarded { request: Some(GuardCheck::default()), response }
}

/// A multiplicative hash as a seeded coin: uniform in [0, 1), the same on every machine.
pub(crate) fn uniform(index: u64, stream: u64) -> f64 {
    let mut bits = index.wrapping_add(stream << 32).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits ^= bits >> 32;
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// `n` mirrored pairs, one a second, latencies spread over a factor of four, the candidate a fifth faster.
pub(crate) fn traffic(n: u64) -> Vec<Exchange> {
    let mut rows = Vec::new();
    for index in 0..n {
        let [mut baseline, mut candidate] = mirrored(&format!("pair-{index:06}"));
        for (exchange, stream, scale) in [(&mut baseline, 1, 1.0), (&mut candidate, 2, 0.8)] {
            let micros = |low: f64, spread: f64| (scale * low * (1.0 + spread * uniform(index, stream))) as u64;
            exchange.at_us = NOON_US + index as i64 * 1_000_000;
            exchange.sent_us = exchange.at_us + 100;
            exchange.ttft_us = Some(micros(200_000.0, 3.0));
            exchange.duration_us = micros(1_000_000.0, 3.0);
        }
        rows.extend([baseline, candidate]);
    }
    rows
}
