//! Records of made-up transport around real answers and real times.

use datasets::{Appender, Arm, Endpoint, Exchange, Format, Header, Label, Redaction, Role};
use evaluator::{Options, evaluate};
use judge::policy::Policy;
use judge::verdict::{Guardrail, Verdict};
use std::io::Write;
use std::path::{Path, PathBuf};
use wire::{Usage, UsageSource};

/// Friday, 20 November 2026, 12:00 UTC.
const NOON_US: i64 = 1_795_176_000_000_000;

/// A file of the shared data; `None`, and said so, where they are not at hand.
pub(crate) fn real_file(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets");
    let folder = std::env::var_os("WEIGHBRIDGE_REAL_DATA").map_or_else(beside, PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    let words = format!("SKIPPED: {} is not there; name the data's folder in WEIGHBRIDGE_REAL_DATA\n", path.display());
    std::io::stderr().write_all(words.as_bytes()).unwrap();
    None
}

/// A good answer to the `index`th request, replayed to one arm.
pub(crate) fn replayed(arm: Arm, index: usize, [provider, model]: [&str; 2]) -> Exchange {
    let at_us = NOON_US + index as i64 * 1_000_000;
    Exchange {
        pair: format!("pair-{index:05}"),
        arm,
        role: Role::Replayed,
        endpoint: Endpoint::Chat,
        migration: "real".to_owned(),
        epoch: 1,
        weight_bp: 0,
        request: Some(format!("request-{index:05}")),
        unit: None,
        consumer: None,
        assigned_by: None,
        assigned_bp: None,
        shadow_bp: None,
        provider: provider.to_owned(),
        model: model.to_owned(),
        model_answered: None,
        streamed: false,
        structured: false,
        at_us,
        sent_us: at_us,
        first_event_us: None,
        ttft_us: None,
        first_visible_us: None,
        duration_us: 1_000_000,
        status: 200,
        attempts: 1,
        error: None,
        finish_reason: Some("stop".to_owned()),
        form_failure: None,
        moderation: None,
        refused: false,
        guard: None,
        usage: None,
        tier: wire::price::Tier::Standard,
        cost_nanos: None,
        prompt_chars: 100,
        prompt_wide_chars: None,
        answer_chars: 100,
        reasoning_chars: None,
        answer_digest: None,
        tools_digest: None,
        answer: None,
        quality: None,
        shadow: None,
        recorded: None,
        dropped: Vec::new(),
    }
}

pub(crate) const fn usage(prompt: u64, completion: u64) -> Option<Usage> {
    Some(Usage::new(prompt, completion, UsageSource::Provider))
}

/// The verdict on these records and labels.
pub(crate) fn verdict(rows: &[Exchange], labels: &[Label], policy: &str) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, format| (folder.path().join(name), Header::new(format, Redaction::Hashed));
    let (records, header) = write("records.ndjson", Format::Exchanges);
    let mut file = Appender::open(&records, &header).unwrap();
    rows.iter().for_each(|row| file.push(row).unwrap());
    file.sync().unwrap();
    let mut options = Options::new(Policy::parse(policy).unwrap(), "0");
    if !labels.is_empty() {
        let (path, header) = write("labels.ndjson", Format::Labels);
        let mut file = Appender::open(&path, &header).unwrap();
        labels.iter().for_each(|label| file.push(label).unwrap());
        file.sync().unwrap();
        options.labels.push(path);
    }
    evaluate(&[records], &options).unwrap().verdict
}

pub(crate) fn guardrail<'a>(verdict: &'a Verdict, metric: &str) -> &'a Guardrail {
    verdict.guardrails.iter().find(|guardrail| guardrail.metric == metric && guardrail.segment == "all").unwrap()
}
