//! The whole way, from files to a verdict.

use crate::bill;
use crate::bill::{Account, AccountOptions, PricedPairs};
use crate::charts;
use crate::counts::Counts;
use crate::error::EvaluateError;
use crate::examples;
use crate::extract::{self, Extracted, Sources, served::drawn};
use crate::labels::Labels;
use crate::load::{self, Loaded};
use crate::pair::{self, Pairing};
use crate::quantiles;
use crate::rows::{Row, Rows};
use datasets::digest;
use judge::counters::{Canary, Paired};
use judge::course::course;
use judge::evidence::Evidence;
use judge::policy::Policy;
use judge::quantiles::quantile_differences;
use judge::verdict::{Input, SCHEMA, Verdict};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use wire::price::Tariffs;

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Margins, levels, floors and budgets.
    pub policy: Policy,
    /// Label files.
    pub labels: Vec<PathBuf>,
    /// Weight to judge at, percent, instead of the newest one in the records.
    pub at_weight_percent: Option<f64>,
    /// Migration to judge, where the records hold several.
    pub migration: Option<String>,
    /// Summaries of the replays that drove the traffic (`weighbridge.replay/1`).
    pub replay_summaries: Vec<PathBuf>,
    /// First epoch whose rows count, 0 for all: what was recorded before a rollback is what led into it.
    pub since_epoch: u64,
    /// Count broken lines instead of stopping at them.
    pub skip_broken: bool,
    /// Prices, if not those that come with this version.
    pub tariffs: Option<Tariffs>,
    /// Add both answers to the examples, where the records keep them. Without it no text of an answer is in a verdict.
    pub with_answers: bool,
    /// Version of weighbridge, for the verdict.
    pub version: String,
}

impl Options {
    /// A policy and a version, and nothing special else.
    #[must_use]
    pub fn new(policy: Policy, version: &str) -> Self {
        Self {
            policy,
            labels: Vec::new(),
            at_weight_percent: None,
            migration: None,
            replay_summaries: Vec::new(),
            since_epoch: 0,
            skip_broken: false,
            tariffs: None,
            with_answers: false,
            version: version.to_owned(),
        }
    }
}

/// A verdict with what people may want to know beside it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What was read and left out.
    pub counts: Counts,
}

/// Evaluates record files. The same input, in whatever split and order of files, gives the same verdict except for
/// its list of inputs.
///
/// # Errors
/// [`EvaluateError`]; its `kind` says whose turn it is.
pub fn evaluate(inputs: &[PathBuf], options: &Options) -> Result<Outcome, EvaluateError> {
    if options.with_answers && inputs.iter().any(|path| path == Path::new("-")) {
        return Err(EvaluateError::AnswersOfInput);
    }
    gather(inputs, options, |gathered| judged(gathered, inputs, options))?
}

/// The judge's evidence alone, as [`evaluate`] would judge it, for those who plan instead of judging.
///
/// # Errors
/// As [`evaluate`].
pub fn evidence(inputs: &[PathBuf], options: &Options) -> Result<Evidence, EvaluateError> {
    gather(inputs, options, |gathered| gathered.extracted.evidence)
}

/// Everything that was read and extracted.
struct Gathered<'a> {
    loaded: &'a Loaded,
    pairing: &'a Pairing<'a>,
    priced: &'a PricedPairs,
    tariffs: &'a Tariffs,
    extracted: Extracted,
    inputs: Vec<Input>,
}

/// Reads, pairs, prices and extracts; what comes out borrows from what was read, so that its use is handed in.
fn gather<T>(inputs: &[PathBuf], options: &Options, used: impl FnOnce(Gathered<'_>) -> T) -> Result<T, EvaluateError> {
    let tariffs = match &options.tariffs {
        Some(tariffs) => tariffs.clone(),
        None => Tariffs::embedded()?,
    };
    let loaded = load::load_since(inputs, options.migration.as_deref(), options.skip_broken, options.since_epoch)?;
    let (labels, label_inputs) = Labels::load(&options.labels)?;
    let (replay_degraded, summary_inputs) = replay_summaries(&options.replay_summaries)?;
    let pairing = pair::pair(&loaded.rows, options.policy.evidence.max_age_hours);
    let priced = bill::price_pairs(&pairing.pairs, &loaded.rows, &tariffs);
    let extracted = extract::extract(Sources {
        rows: &loaded.rows,
        aside: &loaded.aside,
        tariffs: &tariffs,
        pairing: &pairing,
        priced: &priced,
        labels: &labels,
        counts: &loaded.counts,
        policy: &options.policy,
        replay_degraded,
        at_weight_percent: options.at_weight_percent,
    })?;
    let inputs = sorted([loaded.inputs.clone(), label_inputs, summary_inputs].concat());
    Ok(used(Gathered { loaded: &loaded, pairing: &pairing, priced: &priced, tariffs: &tariffs, extracted, inputs }))
}

fn judged(gathered: Gathered<'_>, records: &[PathBuf], options: &Options) -> Result<Outcome, EvaluateError> {
    let Gathered { loaded, pairing, priced, tariffs, extracted, inputs } = gathered;
    let judged = judge::judge(&extracted.evidence, &options.policy);
    let pooled = extracted.evidence.paired.pooled();
    let pictures = || -> Result<judge::verdict::Evidence, EvaluateError> {
        Ok(judge::verdict::Evidence {
            course: course(&extracted.stretches, &extracted.evidence, &options.policy, &judged),
            examples: examples::examples(&examples::Sources {
                pairing,
                priced,
                names: loaded.rows.names(),
                pooled: &pooled,
                records,
                with_answers: options.with_answers,
            })?,
            ..pictures(&loaded.rows, pairing, &extracted, &pooled)
        })
    };
    let (evidence, bill) = both(pictures, || {
        let account = Account::of(pairing, &loaded.rows, &loaded.aside, tariffs, AccountOptions::default());
        bill::bill(priced, &account, loaded.counts.fallbacks)
    });
    let verdict = Verdict {
        schema: SCHEMA.to_owned(),
        verdict: judged.verdict,
        reasons: judged.reasons,
        migration: loaded.migration.clone(),
        epoch: extracted.epoch,
        weight_percent: extracted.evidence.weight_percent,
        next_weight_percent: judged.next_weight_percent,
        next_weight_bound: judged.next_weight_bound,
        weight_bounds: judged.weight_bounds,
        watch: judged.watch,
        moderation: judged.moderation,
        segments: judged.segments,
        needed: judged.needed,
        guardrails: judged.guardrails,
        instrument: judged.instrument,
        bill,
        window: extracted.window.clone(),
        inputs,
        policy_digest: options.policy.digest(),
        tariff_digest: tariffs.digest().to_owned(),
        seed: 0,
        version: options.version.clone(),
        created_at: rfc3339(extracted.newest_evidence_us),
        evidence: evidence?,
        signature: None,
    };
    let counts = Counts {
        exchanges: loaded.rows.len() as u64,
        load: loaded.counts.clone(),
        pairs: extracted.pair_counts.clone(),
        answers_missing: if options.with_answers { answers_missing(&verdict) } else { 0 },
    };
    Ok(Outcome { verdict, counts })
}

/// Answers that examples should have and that are not on record, although something was answered.
fn answers_missing(verdict: &Verdict) -> u64 {
    let sides = verdict.evidence.examples.iter().flat_map(|example| [&example.baseline, &example.candidate]);
    sides.filter(|side| side.answer_chars > 0 && side.answer.is_none()).count() as u64
}

/// Two answers, the second one on a thread of its own.
pub(crate) fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl FnOnce() -> B + Send) -> (A, B) {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        let first = first();
        // A panic there is one here.
        match second.join() {
            Ok(second) => (first, second),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn pictures(rows: &Rows, pairing: &Pairing<'_>, extracted: &Extracted, pooled: &Paired) -> judge::verdict::Evidence {
    let units = |canary: &&Canary| canary.epochs.values().any(|epoch| epoch.units_baseline + epoch.units_candidate > 0);
    let canary = extracted.evidence.canary.as_ref().filter(units);
    let of_epoch = |row: &&Row| row.epoch == extracted.epoch && drawn(row);
    let served: Vec<&Row> = if canary.is_some() { rows.all().iter().filter(of_epoch).collect() } else { Vec::new() };
    let correlations = quantiles::correlations(&pairing.pairs, pooled);
    judge::verdict::Evidence {
        quantiles: quantile_differences(&extracted.evidence, &correlations),
        ..charts::evidence(&pairing.pairs, pooled, &served, rows.names(), canary)
    }
}

fn sorted(mut inputs: Vec<Input>) -> Vec<Input> {
    inputs.sort_by(|a, b| (&a.name, &a.digest).cmp(&(&b.name, &b.digest)));
    inputs
}

/// An instant, microseconds since the Unix epoch, as RFC 3339 in UTC. Instants that it cannot write were refused at
/// loading; the number itself stands in for one that was not.
pub(crate) fn rfc3339(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).map_or_else(|_| at_us.to_string(), |time| time.to_string())
}

/// The part of a replay summary that a verdict depends on.
#[derive(Deserialize)]
struct ReplaySummary {
    schema: String,
    degraded: bool,
}

/// Schema of replay summaries that this version reads.
const REPLAY_SCHEMA: &str = "weighbridge.replay/1";

fn replay_summaries(paths: &[PathBuf]) -> Result<(bool, Vec<Input>), EvaluateError> {
    let mut degraded = false;
    let mut inputs = Vec::new();
    for path in paths {
        let bytes = std::fs::read(path).map_err(|source| EvaluateError::Folder { path: path.clone(), source })?;
        degraded |= read_summary(path, &bytes)?.degraded;
        inputs.push(Input { name: load::name_of(path), digest: digest::of_bytes(&bytes), rows: 1 });
    }
    Ok((degraded, inputs))
}

fn read_summary(path: &Path, bytes: &[u8]) -> Result<ReplaySummary, EvaluateError> {
    let wrong = |message| EvaluateError::Summary { path: path.to_owned(), message };
    let summary: ReplaySummary =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("no replay summary ({error})")))?;
    if summary.schema == REPLAY_SCHEMA {
        Ok(summary)
    } else {
        Err(wrong(format!("schema is `{}`, expected `{REPLAY_SCHEMA}`", summary.schema)))
    }
}
