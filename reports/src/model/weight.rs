//! The next weight with all its bounds, and which of them binds.

use judge::verdict::{Verdict, WeightBounds};
use serde::Serialize;

use crate::format;

/// How far the weight may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WeightView {
    /// Which bound decided, in a sentence.
    pub(crate) summary: String,
    /// The bounds.
    pub(crate) rows: Vec<BoundView>,
}

/// One bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BoundView {
    /// What limits.
    pub(crate) label: &'static str,
    /// The weight that it allows, or demands.
    pub(crate) value: String,
    /// What it means, with its figures.
    pub(crate) detail: String,
    /// This one decided.
    pub(crate) binds: bool,
}

pub(super) fn weight(verdict: &Verdict) -> Option<WeightView> {
    let bounds = &verdict.weight_bounds;
    if *bounds == WeightBounds::default() {
        return None;
    }
    let binding = verdict.next_weight_bound.as_str();
    let most = |value: Option<f64>, none: &str| {
        value.map_or_else(|| none.to_owned(), |percent| format!("at most {}", format::weight(percent)))
    };
    let row = |name: &str, label, value, detail| BoundView { label, value, detail, binds: name == binding };
    let reaction = "a break is noticed and undone before it has cost the whole harm budget";
    let capacity = "the candidate's provider can take the traffic's peak";
    let mut rows = vec![
        row("risk", "Harm budget", most(bounds.risk_percent, "not known"), risk(bounds)),
        row("reaction", "Reaction", most(bounds.reaction_percent, "not known"), reaction.to_owned()),
        row("capacity", "Capacity", most(bounds.capacity_percent, "no limit named"), capacity.to_owned()),
        row(
            "policy",
            "Policy",
            most(bounds.policy_percent, "no limit"),
            "the policy's own maximum and rules".to_owned(),
        ),
    ];
    if let Some(floor) = bounds.statistics_percent {
        let value = if floor > 100.0 { "no weight".to_owned() } else { format!("at least {}", format::weight(floor)) };
        let detail = "decides from served traffic alone within the planned time; no limit, but a floor";
        rows.push(row("statistics", "Statistics", value, detail.to_owned()));
    }
    Some(WeightView { summary: summary(verdict), rows })
}

fn summary(verdict: &Verdict) -> String {
    let (now, next) = (format::weight(verdict.weight_percent), format::weight(verdict.next_weight_percent));
    let moves = if now == next { format!("It stays at {now}") } else { format!("From {now} to {next}") };
    let rises = verdict.next_weight_percent > verdict.weight_percent;
    format!("{moves}: {}.", super::names::bound(&verdict.next_weight_bound, rises))
}

/// `a step may risk a third of ...` with the figures that went in.
fn risk(bounds: &WeightBounds) -> String {
    let excess = bounds.excess_upper.map(|excess| format!("excess failures are {} at most", format::share(excess)));
    let left = bounds.left_requests.map(|left| format!("{} extra failures are left", format::few(left)));
    let spent = bounds.spent_requests.map(|spent| format!("{} were spent", format::few(spent)));
    let parts: Vec<String> = [excess, left, spent].into_iter().flatten().collect();
    if parts.is_empty() { "extra failures that the next step may cost".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture;

    #[test]
    fn all_bounds_are_shown_and_the_binding_one_is_marked() {
        let mut verdict = fixture("go");
        verdict.weight_bounds = WeightBounds {
            risk_percent: Some(53.33),
            reaction_percent: Some(12.0),
            policy_percent: Some(100.0),
            statistics_percent: Some(140.0),
            excess_upper: Some(0.015),
            spent_requests: Some(4.0),
            left_requests: Some(116.0),
            ..WeightBounds::default()
        };
        verdict.next_weight_bound = "reaction".to_owned();
        let view = weight(&verdict).unwrap();
        let said: Vec<(&str, &str, bool)> = view.rows.iter().map(|r| (r.label, r.value.as_str(), r.binds)).collect();
        assert_eq!(
            said,
            [
                ("Harm budget", "at most 53.33%", false),
                ("Reaction", "at most 12%", true),
                ("Capacity", "no limit named", false),
                ("Policy", "at most 100%", false),
                ("Statistics", "no weight", false),
            ]
        );
        assert_eq!(view.rows[0].detail, "excess failures are 1.50% at most, 116 extra failures are left, 4 were spent");
        verdict.weight_bounds = WeightBounds::default();
        assert_eq!(weight(&verdict), None);
    }
}
