//! What a scenario may say.

use super::scenario::{LatencyLaw, Scenario, ScenarioError};
use crate::metric::Share;

/// Shares that no scenario can have: they follow from something else.
const DERIVED: [Share; 5] =
    [Share::Missed, Share::SlowTtft, Share::SlowDuration, Share::ToolDisagreement, Share::AnswerDisagreement];

fn within(key: &str, value: f64, low: f64, high: f64, expected: &'static str) -> Result<(), ScenarioError> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(ScenarioError::OutOfRange { key: key.to_owned(), found: value.to_string(), expected })
}

fn percent(key: &str, value: f64) -> Result<(), ScenarioError> {
    within(key, value, 0.0, 100.0, "a percentage from 0 to 100")
}

pub(super) fn check(scenario: &Scenario) -> Result<(), ScenarioError> {
    time(scenario)?;
    let positive = "a number above 0";
    within("traffic.requests_per_hour", scenario.traffic.requests_per_hour, 1.0, 1e7, "from 1 to 10 million")?;
    curve("traffic.by_hour", &scenario.traffic.by_hour)?;
    curve("traffic.latency_by_hour", &scenario.traffic.latency_by_hour)?;
    percent("shadow.percent", scenario.shadow.percent)?;
    percent("shadow.while_serving_percent", scenario.shadow.while_serving_percent)?;
    percent("shadow.lost_percent", scenario.shadow.lost_percent)?;
    for (name, law) in &scenario.shares {
        known_share(&format!("shares.{name}"), name)?;
        percent(&format!("shares.{name}.baseline_percent"), law.baseline_percent)?;
        percent(&format!("shares.{name}.candidate_percent"), law.candidate_percent)?;
        percent(&format!("shares.{name}.shared_percent"), law.shared_percent)?;
    }
    latency("latency.ttft", &scenario.latency.ttft)?;
    latency("latency.duration", &scenario.latency.duration)?;
    let cost = scenario.cost;
    within("cost.baseline_mean", cost.baseline_mean, 1e-9, 1e4, "above 0 and at most 10 000")?;
    within("cost.candidate_ratio", cost.candidate_ratio, 1e-6, 1e6, positive)?;
    within("cost.log_sd", cost.log_sd, 0.0, 5.0, "from 0 to 5")?;
    within("cost.shared", cost.shared, 0.0, 1.0, "from 0 to 1")?;
    let consumers = scenario.consumers;
    within("consumers.count", f64::from(consumers.count), 0.0, 10_000.0, "from 0 to 10 000")?;
    within("consumers.zipf", consumers.zipf, 0.0, 5.0, "from 0 to 5")?;
    within("consumers.log_sd", consumers.log_sd, 0.0, 3.0, "from 0 to 3")?;
    within("consumers.arm_log_sd", consumers.arm_log_sd, 0.0, 3.0, "from 0 to 3")?;
    effects(scenario)
}

fn time(scenario: &Scenario) -> Result<(), ScenarioError> {
    let time = scenario.time;
    let out = |key: &str, found: u32, expected| {
        Err(ScenarioError::OutOfRange { key: key.to_owned(), found: found.to_string(), expected })
    };
    if time.check_minutes == 0 || !60u32.is_multiple_of(time.check_minutes) {
        return out("time.check_minutes", time.check_minutes, "a number of minutes that divides 60");
    }
    if time.step_minutes == 0 || !time.step_minutes.is_multiple_of(time.check_minutes) {
        return out("time.step_minutes", time.step_minutes, "a multiple of check_minutes above 0");
    }
    if !(1..=24 * 60).contains(&time.horizon_hours) {
        return out("time.horizon_hours", time.horizon_hours, "from 1 hour to 60 days");
    }
    if time.rollback_minutes > 24 * 60 {
        return out("time.rollback_minutes", time.rollback_minutes, "a day at most");
    }
    if time.start_hour > 23 {
        return out("time.start_hour", time.start_hour, "an hour of the day from 0 to 23");
    }
    Ok(())
}

fn curve(key: &str, factors: &[f64]) -> Result<(), ScenarioError> {
    let positive = |factor: &f64| *factor > 0.0 && factor.is_finite();
    if factors.is_empty() || (factors.len() == 24 && factors.iter().all(positive)) {
        return Ok(());
    }
    let found = format!("a list of {}", factors.len());
    Err(ScenarioError::OutOfRange { key: key.to_owned(), found, expected: "24 numbers above 0, or none" })
}

fn latency(key: &str, law: &LatencyLaw) -> Result<(), ScenarioError> {
    let of = |name: &str| format!("{key}.{name}");
    within(&of("median_ms"), law.median_ms, 0.01, 1e7, "from 0.01 to ten million")?;
    within(&of("log_sd"), law.log_sd, 0.0, 3.0, "from 0 to 3")?;
    within(&of("shared"), law.shared, 0.0, 1.0, "from 0 to 1")?;
    within(&of("candidate_ratio"), law.candidate_ratio, 0.01, 100.0, "from 0.01 to 100")?;
    within(&of("slow_factor"), law.slow_factor, 0.01, 1000.0, "from 0.01 to 1000")?;
    percent(&of("baseline_slow_percent"), law.baseline_slow_percent)?;
    percent(&of("candidate_slow_percent"), law.candidate_slow_percent)
}

fn known_share(key: &str, name: &str) -> Result<(), ScenarioError> {
    let known = Share::ALL.into_iter().any(|share| share.name() == name && !DERIVED.contains(&share));
    if known {
        return Ok(());
    }
    let expected = "errors, rate_limited, blocked, refusals, answer_failures, structured_failures, truncations or \
                    cancellations";
    Err(ScenarioError::OutOfRange { key: key.to_owned(), found: format!("`{name}`"), expected })
}

fn effects(scenario: &Scenario) -> Result<(), ScenarioError> {
    for (index, effect) in scenario.effects.iter().enumerate() {
        let key = |name: &str| format!("effects[{index}].{name}");
        if !matches!(effect.metric.as_str(), "ttft" | "duration" | "cost") {
            known_share(&key("metric"), &effect.metric)?;
            if !scenario.shares.contains_key(&effect.metric) {
                let found = format!("`{}`", effect.metric);
                let expected = "a share that the scenario has under [shares]";
                return Err(ScenarioError::OutOfRange { key: key("metric"), found, expected });
            }
        }
        within(&key("from_weight_percent"), effect.from_weight_percent, 0.0, 100.0, "a percentage from 0 to 100")?;
        within(&key("add_points"), effect.add_points, -100.0, 100.0, "from -100 to 100")?;
        within(&key("slow_add_points"), effect.slow_add_points, -100.0, 100.0, "from -100 to 100")?;
        within(&key("ratio"), effect.ratio, 0.01, 100.0, "from 0.01 to 100")?;
        within(&key("from_hour"), effect.from_hour, 0.0, 1e5, "an hour of the migration")?;
    }
    Ok(())
}
