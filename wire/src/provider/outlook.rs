//! What would become of a request at a provider, told before it is sent.
//!
//! The findings are those of the matrix and of the checks that [`Adapter::rewrite`] makes: a request has a finding that
//! [`Effect::Fails`] exactly where `rewrite` says [`Unfit`](super::Unfit). So what preflight prints and what the gateway
//! does cannot differ.

use super::matrix::{Treatment, applying};
use super::{Provider, Target};
use crate::request::Request;
use serde::Serialize;

/// What a provider does with a feature of a request, from harmless to hopeless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It means the same there.
    Same,
    /// It is said in another way, and means the same.
    Rewritten,
    /// It is left out, and something is lost.
    Loses,
    /// The provider would refuse the request, or answer another one: it stays on the baseline.
    Fails,
}

/// One feature of a request, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the feature, as in the warning header and the matrix.
    pub feature: &'static str,
    /// Member of the request that it is about.
    pub member: &'static str,
    /// What becomes of it.
    pub effect: Effect,
    /// Why, in one sentence.
    pub why: &'static str,
    /// Numbers or names of this request, such as `1300000 tokens of 1048576`; never content.
    pub detail: Option<String>,
}

/// Everything that becomes of a request, worst first.
#[must_use]
pub fn outlook(provider: Provider, request: &Request<'_>, target: &Target<'_>) -> Vec<Finding> {
    let rows = applying(provider.adapter().matrix(request.endpoint), request, target);
    let mut findings: Vec<Finding> = rows
        .into_iter()
        .map(|row| Finding {
            feature: row.feature,
            member: row.member,
            effect: match row.treatment {
                Treatment::Same => Effect::Same,
                Treatment::Renamed(_) | Treatment::Rewritten => Effect::Rewritten,
                Treatment::Dropped(_) => Effect::Loses,
                Treatment::Baseline => Effect::Fails,
            },
            why: row.why,
            detail: None,
        })
        .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.effect));
    findings
}
