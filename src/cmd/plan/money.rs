//! Money of a plan's stages, from what a log's requests cost.

use bill::project::{Document, Money, Nanos};
use judge::plan::{Plan, Stage};
use serde::Serialize;

/// Money of one stage beyond the baseline's bill; below 0 where serving saves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct StageMoney {
    /// Candidate weight, percent; 0 is the shadow.
    pub weight_percent: f64,
    /// Requests that the candidate answers in it.
    pub candidate_requests: Option<f64>,
    /// Money; absent where the stage has no length, or no price.
    pub money: Option<Money>,
}

/// Of all stages, in their order.
pub(super) fn of(plan: &Plan, projection: &Document) -> Vec<StageMoney> {
    plan.stages.iter().map(|stage| of_stage(stage, plan.traffic.shadow_percent, projection)).collect()
}

fn of_stage(stage: &Stage, shadow_percent: f64, projection: &Document) -> StageMoney {
    let shadow = stage.weight_percent <= 0.0;
    let share = if shadow { shadow_percent } else { stage.weight_percent } / 100.0;
    let candidate_requests = stage.requests.map(|requests| requests * share);
    let money = candidate_requests.and_then(|requests| {
        let choice = projection.choices.first()?;
        let priced = choice.moved.checked_sub(choice.unpriced).filter(|priced| *priced > 0)?;
        let times = requests / priced as f64;
        let saving = choice.saving?;
        // The shadow is paid on top; what is served is paid instead of the baseline.
        Some(if shadow {
            let cost = choice.moved_cost;
            Money {
                value: scaled(cost.value, times),
                lower: scaled(cost.lower, times),
                upper: scaled(cost.upper, times),
            }
        } else {
            let less = |nanos: Nanos| scaled(Nanos(nanos.0.saturating_neg()), times);
            Money { value: less(saving.value), lower: less(saving.upper), upper: less(saving.lower) }
        })
    });
    StageMoney { weight_percent: stage.weight_percent, candidate_requests, money }
}

fn scaled(nanos: Nanos, times: f64) -> Nanos {
    // A cast saturates.
    Nanos((nanos.0 as f64 * times).round() as i64)
}
