//! Argo Rollouts: the JSON of a `web` metric.
//!
//! Argo measures at intervals and evaluates its conditions on the body. A status other than 2xx is an error of the measuring,
//! which is repeated and after `consecutiveErrorLimit` aborts the rollout. So there is a body for every answer, and exactly one of
//! `pass`, `inconclusive` and `fail` is true: a template that asks for `pass` and for `fail` is inconclusive on everything else,
//! and its rollout waits.

use super::{Answer, Judged, Says, Standing};
use judge::verdict::Decision;
use serde::Serialize;

/// The body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// Migration.
    pub migration: String,
    /// What the last verdict says, whether or not it is about the weight in force; absent if none was given.
    pub verdict: Option<Decision>,
    /// A fresh GO about what is in force.
    pub pass: bool,
    /// Neither of the others.
    pub inconclusive: bool,
    /// A fresh NO-GO about what is in force, or a rollback in force.
    pub fail: bool,
    /// [`Judged::score`]; it decides nothing.
    pub score: f64,
    /// Why, the most important first.
    pub reasons: Vec<String>,
    /// Epoch in force.
    pub epoch: u64,
    /// Weight in force, percent.
    pub weight_percent: f64,
    /// Epoch judged.
    pub judged_epoch: Option<u64>,
    /// Weight judged, percent.
    pub judged_weight_percent: Option<f64>,
    /// Newest evidence of the verdict.
    pub created_at: Option<String>,
}

/// Says an answer in Argo's words.
#[must_use]
pub fn measurement(migration: &str, judged: Option<&Judged>, standing: &Standing, answer: &Answer) -> Measurement {
    Measurement {
        migration: migration.to_owned(),
        verdict: judged.map(|judged| judged.verdict),
        pass: answer.says == Says::Go,
        inconclusive: answer.says == Says::Wait,
        fail: answer.says == Says::Stop,
        score: judged.map_or(0.0, Judged::score),
        reasons: answer.why.clone(),
        epoch: standing.epoch,
        weight_percent: standing.weight_percent,
        judged_epoch: judged.map(|judged| judged.epoch),
        judged_weight_percent: judged.map(|judged| judged.weight_percent),
        created_at: judged.map(|judged| judged.created_at.clone()),
    }
}
