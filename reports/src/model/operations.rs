//! Health of the measuring, methods and origin.

use judge::verdict::Verdict;
use serde::Serialize;

use super::{Entry, names};
use crate::format;

/// Health of the measuring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InstrumentView {
    /// Nothing is wrong.
    pub(crate) is_sound: bool,
    /// What is wrong, as sentences.
    pub(crate) alarms: Vec<String>,
    /// All figures.
    pub(crate) entries: Vec<Entry>,
    /// Exchanges without a partner, by reason.
    pub(crate) unmatched: Vec<Entry>,
}

/// A method in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MethodView {
    /// Name in the verdict.
    pub(crate) name: String,
    /// What it does; empty if this version does not know it.
    pub(crate) sentence: String,
    /// Where it is used.
    pub(crate) used_for: String,
}

/// Where the verdict comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ProvenanceView {
    /// Input files.
    pub(crate) inputs: Vec<InputView>,
    /// Everything else.
    pub(crate) entries: Vec<Entry>,
    /// When the newest record was made.
    pub(crate) created_at: String,
    /// Version of weighbridge.
    pub(crate) version: String,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InputView {
    /// Its name.
    pub(crate) name: String,
    /// Its records.
    pub(crate) rows: String,
    /// SHA-256 of its bytes.
    pub(crate) digest: String,
}

pub(super) fn instrument(verdict: &Verdict) -> InstrumentView {
    let i = &verdict.instrument;
    let observed = format!("{} of {} on record", format::count(i.mirror_observed), format::count(i.mirror_intended));
    let loss = i.mirror_loss.map_or_else(|| format::NOTHING.to_owned(), format::share);
    let mirror = if i.mirror_intended == 0 { "nothing was mirrored".to_owned() } else { observed };
    let split = i.srm_units.map_or_else(
        || "no split was judged".to_owned(),
        |[baseline, candidate]| {
            format!("{} units on the baseline, {} on the candidate", format::count(baseline), format::count(candidate))
        },
    );
    let rejected = format!(
        "baseline {}, candidate {}",
        format::share(i.reject_share_baseline),
        format::share(i.reject_share_candidate)
    );
    let schedule = if i.replay_degraded { "fell behind" } else { "kept" };
    let entries = vec![
        Entry::new("Complete pairs", format::count(i.pairs), ""),
        Entry::new("Lost by the mirror", loss, mirror),
        Entry::new("Rows refused at loading", rejected, ""),
        Entry::new(
            "Split as configured",
            i.srm_p.map_or_else(|| format::NOTHING.to_owned(), |p| format!("p = {}", format::p_value(p))),
            split,
        ),
        Entry::new("Schedule of the replay", schedule, ""),
    ];
    let unmatched = i.unmatched.iter().map(|c| Entry::new(&names::reason(&c.name), format::count(c.count), ""));
    InstrumentView { is_sound: i.alarms.is_empty(), alarms: i.alarms.clone(), entries, unmatched: unmatched.collect() }
}

pub(super) fn methods(verdict: &Verdict) -> Vec<MethodView> {
    let mut views: Vec<MethodView> = Vec::new();
    for guardrail in &verdict.guardrails {
        let label = names::guardrail(&guardrail.metric, &guardrail.segment);
        if let Some(view) = views.iter_mut().find(|view| view.name == guardrail.method) {
            view.used_for = format!("{}; {label}", view.used_for);
        } else {
            let name = guardrail.method.clone();
            views.push(MethodView { sentence: names::method(&name), name, used_for: label });
        }
    }
    views
}

pub(super) fn provenance(verdict: &Verdict) -> ProvenanceView {
    let (from, to) = (verdict.window.from_us, verdict.window.to_us);
    let window = format!("{} to {}", format::instant(from), format::instant(to));
    let seed = if verdict.seed == 0 { "0, nothing was random".to_owned() } else { verdict.seed.to_string() };
    let inputs = verdict.inputs.iter().map(|input| InputView {
        name: input.name.clone(),
        rows: format::count(input.rows),
        digest: input.digest.clone(),
    });
    ProvenanceView {
        inputs: inputs.collect(),
        entries: vec![
            Entry::new("Time covered", window, ""),
            Entry::new("Epoch", verdict.epoch.to_string(), ""),
            Entry::new("Newest record", verdict.created_at.clone(), ""),
            Entry::new("Policy, SHA-256", verdict.policy_digest.clone(), ""),
            Entry::new("Price table, SHA-256", verdict.tariff_digest.clone(), ""),
            Entry::new("Seed", seed, ""),
            Entry::new("Format", verdict.schema.clone(), ""),
            Entry::new("weighbridge", verdict.version.clone(), ""),
        ],
        created_at: verdict.created_at.clone(),
        version: verdict.version.clone(),
    }
}
