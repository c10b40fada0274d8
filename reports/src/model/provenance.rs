//! Where the verdict comes from.

use judge::verdict::Verdict;
use serde::Serialize;

use super::Entry;
use crate::format;

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
