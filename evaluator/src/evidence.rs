//! The judge's evidence alone, for those who plan instead of judging.

use crate::bill;
use crate::error::EvaluateError;
use crate::extract::{self, Sources};
use crate::labels::Labels;
use crate::load;
use crate::pair;
use crate::run::Options;
use judge::evidence::Evidence;
use std::path::PathBuf;
use wire::price::Tariffs;

/// Evidence of record files, as [`crate::evaluate()`] would judge it.
///
/// # Errors
/// [`EvaluateError`]; its `kind` says whose turn it is.
pub fn evidence(inputs: &[PathBuf], options: &Options) -> Result<Evidence, EvaluateError> {
    let tariffs = match &options.tariffs {
        Some(tariffs) => tariffs.clone(),
        None => Tariffs::embedded()?,
    };
    let loaded = load::load(inputs, options.migration.as_deref(), options.skip_broken)?;
    let (labels, _) = Labels::load(&options.labels)?;
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
        replay_degraded: false,
        at_weight_percent: options.at_weight_percent,
    })?;
    Ok(extracted.evidence)
}
