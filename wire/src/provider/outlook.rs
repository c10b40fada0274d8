//! What would become of a request at a provider, told before it is sent.
//!
//! The findings are those of the matrix that drives [`Adapter::rewrite`](super::Adapter::rewrite): a request has a
//! finding that [`Effect::Fails`] exactly where `rewrite` says [`Unfit`](super::Unfit). So what preflight prints and what
//! the gateway does cannot differ.
//!
//! A model's end is not a finding here, because it needs a clock: see [`Model::retires_us`](crate::models::Model).

use super::draft::Scene;
use super::matrix::{self, Row, Treatment};
use super::{Provider, Target};
use crate::endpoint::Endpoint;
use crate::request::Request;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a provider does with a feature of a request, from harmless to hopeless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It means the same there.
    Same,
    /// It is said in another way, and means the same.
    Rewritten,
    /// Something is lost, or may be: see [`Loss`].
    Loses,
    /// The provider would refuse the request, or answer another one: it stays on the baseline.
    Fails,
}

/// How much a loss matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// The answer is the same without it: it names what is stored, billed or cached.
    Harmless,
    /// The answer may be another one, or take longer.
    Behaviour,
    /// Whether anything is lost is not known: the provider may even refuse the request.
    Doubtful,
}

/// What helps a request that would fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Remedy {
    /// A setting of the candidate's policy, as in `[providers.NAME]`.
    Policy {
        /// Name of the setting.
        key: &'static str,
        /// Its value, without quotes.
        value: &'static str,
    },
    /// Another model of the same provider, in `[migrations.NAME.models]`.
    Model {
        /// Its name.
        name: &'static str,
    },
    /// A rule in `[[migrations.NAME.stay]]`; the gateway keeps the request on the baseline without one, too.
    StayOnBaseline,
    /// The caller has to change the request: the baseline refuses it, too, or is likely to.
    FixRequest,
}

/// One feature of a request, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the feature, as in the warning header, the matrix and the gateway's `stay` rules.
    pub feature: &'static str,
    /// Member of the request that it is about; empty where it is about the endpoint.
    pub member: &'static str,
    /// What becomes of it.
    pub effect: Effect,
    /// How much is lost, where something [`Effect::Loses`].
    pub loss: Option<Loss>,
    /// What helps, where it [`Effect::Fails`].
    pub remedy: Option<Remedy>,
    /// Why, in one sentence.
    pub why: &'static str,
    /// Numbers or names of this request, such as `1300000 tokens of 1048576`; never content.
    pub detail: Option<String>,
}

/// One request, looked at on its way to a target as often as anybody asks. Its messages and tools are read at most once.
pub struct Lookout<'r> {
    obstacle: Option<&'static Row>,
    /// The rows that the request is held against.
    table: &'static [Row],
    scene: Scene<'r>,
}

impl<'r> Lookout<'r> {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(provider: Provider, request: &'r Request<'r>, target: &'r Target<'r>) -> Self {
        let adapter = provider.adapter();
        let untouched = adapter.passes_untouched(request, target);
        Self {
            obstacle: adapter.obstacle(request),
            table: if untouched { &[] } else { adapter.matrix(request.endpoint) },
            scene: Scene::new(request, target),
        }
    }

    /// Everything that becomes of the request, worst first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let target = self.scene.target;
        let rows = matrix::applying(self.table, &self.scene)
            .filter(|(row, _)| row.treatment != Treatment::Baseline || row.keeps_from(target))
            .map(|(row, value)| finding(row, (row.detail)(&self.scene, value)));
        let mut findings: Vec<Finding> = self.obstacle.map(|row| finding(row, None)).into_iter().chain(rows).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.effect, finding.loss)));
        findings
    }

    /// The first of some features that the request has; only the rows of those are looked at.
    #[must_use]
    pub fn first_of(&self, wanted: impl Fn(&str) -> bool) -> Option<&'static str> {
        let obstacle = self.obstacle.filter(|row| wanted(row.feature));
        let first = || matrix::applying_of(self.table, &self.scene, |row| wanted(row.feature)).next();
        obstacle.or_else(|| first().map(|(row, _)| row)).map(|row| row.feature)
    }
}

/// Everything that becomes of a request, worst first.
#[must_use]
pub fn outlook(provider: Provider, request: &Request<'_>, target: &Target<'_>) -> Vec<Finding> {
    Lookout::new(provider, request, target).findings()
}

fn finding(row: &Row, detail: Option<String>) -> Finding {
    let effect = match (row.treatment, row.loss) {
        (Treatment::Baseline, _) => Effect::Fails,
        (_, Some(_)) => Effect::Loses,
        (Treatment::Same, None) => Effect::Same,
        (_, None) => Effect::Rewritten,
    };
    Finding {
        feature: row.feature,
        member: row.member,
        effect,
        loss: row.loss.filter(|_| effect == Effect::Loses),
        remedy: (effect == Effect::Fails).then_some(row.remedy),
        why: row.why,
        detail,
    }
}

/// Names of all features that can be found, of every provider and endpoint: a closed list, in order.
#[must_use]
pub fn features() -> BTreeSet<&'static str> {
    let tables = Provider::ALL.into_iter().flat_map(|provider| {
        let adapter = provider.adapter();
        Endpoint::ALL.into_iter().flat_map(|endpoint| adapter.matrix(endpoint))
    });
    tables.chain(matrix::absences()).map(|row| row.feature).collect()
}

#[cfg(test)]
mod tests;
