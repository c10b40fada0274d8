//! One look of the judge, reduced to what a timeline shows: whole verdicts are large, and a long migration has thousands.

use judge::verdict::{Decision, State, Verdict};

/// Guardrails of one look that are kept.
const GUARDRAILS_MAX: usize = 200;

/// One verdict with the folder of its report.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub(crate) folder: Option<String>,
    pub(crate) digest: String,
    pub(crate) at_us: i64,
    pub(crate) created_at: String,
    pub(crate) epoch: u64,
    pub(crate) weight_percent: f64,
    pub(crate) decision: Decision,
    pub(crate) reason: String,
    /// Metric, state and whether a GO needs it, in the policy's order.
    pub(crate) guardrails: Vec<(String, State, bool)>,
    pub(crate) extra_failures: Option<f64>,
    /// What copies cost so far, a decimal number, with its currency.
    pub(crate) shadow: Option<(String, String)>,
}

/// A verdict that no timeline can place.
#[derive(Debug, thiserror::Error)]
#[error("the verdict's time {created_at:?} is no RFC 3339 instant; write it anew with `weighbridge evaluate`")]
pub struct LookError {
    created_at: String,
}

impl Look {
    /// The look that made `verdict`. `digest` is the SHA-256 of the file's bytes, hexadecimal; `folder` is where its report lies,
    /// relative to the timeline's own folder, with `/` between the parts.
    ///
    /// # Errors
    /// The verdict does not say when its newest evidence is from.
    pub fn new(verdict: &Verdict, digest: String, folder: Option<String>) -> Result<Self, LookError> {
        let at: jiff::Timestamp =
            verdict.created_at.parse().map_err(|_| LookError { created_at: verdict.created_at.clone() })?;
        let guardrails = verdict.guardrails.iter().take(GUARDRAILS_MAX);
        Ok(Self {
            folder,
            digest,
            at_us: at.as_microsecond(),
            created_at: verdict.created_at.clone(),
            epoch: verdict.epoch,
            weight_percent: verdict.weight_percent,
            decision: verdict.verdict,
            reason: verdict.reasons.first().cloned().unwrap_or_default(),
            guardrails: guardrails.map(|g| (g.metric.clone(), g.state, g.decides)).collect(),
            extra_failures: verdict.weight_bounds.spent_requests.filter(|spent| spent.is_finite()),
            shadow: crate::format::to_number(&verdict.bill.shadow)
                .map(|_| (verdict.bill.shadow.clone(), verdict.bill.currency.clone())),
        })
    }

    /// The migration of a look is not kept: whoever reads a folder knows which one it is of.
    pub(crate) fn is_what_an_entry_rests_on(&self, evidence: &gate::audit::Evidence) -> bool {
        // A signed verdict and the one in its report's folder differ in bytes, but not in what they judged.
        self.digest == evidence.digest
            || (self.epoch == evidence.epoch
                && self.decision == evidence.verdict
                && self.created_at == evidence.created_at)
    }
}
