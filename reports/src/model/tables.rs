//! Latency, tokens and outcomes as tables, both arms side by side.

use judge::verdict::{Count, Distribution, Evidence, Outcomes, QuantileDifference};
use serde::Serialize;

use super::names;
use crate::charts::inputs::quantile;
use crate::charts::inputs::times::quantile_name;
use crate::format;

/// One latency metric in one segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LatencyView {
    /// Metric and segment.
    pub(crate) title: String,
    /// The last column holds intervals of the difference; else there is none.
    pub(crate) has_intervals: bool,
    /// Quantiles.
    pub(crate) rows: Vec<LatencyRow>,
    /// The metric and the segment as the verdict spells them.
    #[serde(skip)]
    pub(crate) key: (String, String),
}

/// A quantile, or the failures, of both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LatencyRow {
    /// Which quantile.
    pub(crate) label: String,
    /// Baseline.
    pub(crate) baseline: String,
    /// Candidate.
    pub(crate) candidate: String,
    /// Candidate against baseline; empty where that makes no sense.
    pub(crate) change: String,
    /// 95% interval of the difference; empty where none is known.
    pub(crate) interval: String,
}

/// Token sums of one arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TokensView {
    /// Arm.
    pub(crate) arm: String,
    /// Model.
    pub(crate) model: String,
    /// Exchanges with usage.
    pub(crate) exchanges: String,
    /// Prompt tokens at full price.
    pub(crate) prompt: String,
    /// Prompt tokens from a cache.
    pub(crate) cached: String,
    /// Completion tokens that the client sees.
    pub(crate) visible: String,
    /// Reasoning tokens.
    pub(crate) reasoning: String,
    /// Characters of the answers.
    pub(crate) characters: String,
}

/// Outcomes in one segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutcomeView {
    /// Segment, as a heading.
    pub(crate) title: String,
    /// Exchanges on the baseline.
    pub(crate) baseline_n: String,
    /// Exchanges on the candidate.
    pub(crate) candidate_n: String,
    /// Errors, then finish reasons.
    pub(crate) groups: Vec<OutcomeGroup>,
    /// The segment as the verdict spells it.
    #[serde(skip)]
    pub(crate) segment: String,
}

/// Errors or finish reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutcomeGroup {
    /// Which of them.
    pub(crate) title: &'static str,
    /// By name.
    pub(crate) rows: Vec<OutcomeRow>,
}

/// One kind of outcome on both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutcomeRow {
    /// What became of the request.
    pub(crate) label: String,
    /// Count on the baseline.
    pub(crate) baseline: String,
    /// Its share of all exchanges.
    pub(crate) baseline_share: String,
    /// Count on the candidate.
    pub(crate) candidate: String,
    /// Its share of all exchanges.
    pub(crate) candidate_share: String,
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

pub(super) fn latency(evidence: &Evidence) -> Vec<LatencyView> {
    let mut views: Vec<LatencyView> = Vec::new();
    for distribution in &evidence.latency {
        let title = names::guardrail(&distribution.metric, &distribution.segment);
        if views.iter().any(|view| view.title == title) {
            continue;
        }
        let find = |arm: &str| {
            let same = |d: &&Distribution| d.metric == distribution.metric && d.segment == distribution.segment;
            evidence.latency.iter().filter(same).find(|d| d.arm == arm)
        };
        let key = (distribution.metric.clone(), distribution.segment.clone());
        let of = |q: &&QuantileDifference| q.metric == key.0 && q.segment == key.1;
        let differences: Vec<&QuantileDifference> = evidence.quantiles.iter().filter(of).collect();
        let has_intervals = !differences.is_empty();
        let mut rows = if has_intervals {
            differences.into_iter().map(difference_row).collect()
        } else {
            latency_rows(find("baseline"), find("candidate"))
        };
        rows.push(failed_row(find("baseline"), find("candidate")));
        views.push(LatencyView { title, has_intervals, rows, key });
    }
    views
}

/// A quantile with the interval of its difference.
fn difference_row(q: &QuantileDifference) -> LatencyRow {
    let value = |us: Option<u64>| us.map_or_else(|| "unbounded".to_owned(), |us| format::micros(us as f64));
    let end = |us: Option<i64>| us.map_or_else(|| "unbounded".to_owned(), |us| format::micros_signed(us as f64));
    let change = q.difference_us.map_or_else(|| format::NOTHING.to_owned(), |us| format::micros_signed(us as f64));
    let interval = match (q.lower_us, q.upper_us) {
        (None, None) => format::NOTHING.to_owned(),
        (lower, upper) => format!("{} to {}", end(lower), end(upper)),
    };
    LatencyRow {
        label: quantile_name(q.share),
        baseline: value(q.baseline_us),
        candidate: value(q.candidate_us),
        change,
        interval,
    }
}

fn latency_rows(baseline: Option<&Distribution>, candidate: Option<&Distribution>) -> Vec<LatencyRow> {
    let value = |d: Option<&Distribution>, share: f64| match d {
        None => format::NOTHING.to_owned(),
        Some(d) => quantile(d, share).map_or_else(|| "unbounded".to_owned(), format::micros),
    };
    let change = |share: f64| {
        let both = baseline.and_then(|d| quantile(d, share)).zip(candidate.and_then(|d| quantile(d, share)));
        both.filter(|(b, _)| *b > 0.0).map_or_else(|| format::NOTHING.to_owned(), |(b, c)| format::change(c / b))
    };
    let rows = QUANTILES.into_iter().map(|(label, share)| LatencyRow {
        label: label.to_owned(),
        baseline: value(baseline, share),
        candidate: value(candidate, share),
        change: change(share),
        interval: String::new(),
    });
    rows.collect()
}

/// The requests that never finished.
fn failed_row(baseline: Option<&Distribution>, candidate: Option<&Distribution>) -> LatencyRow {
    let failed = |d: Option<&Distribution>| {
        d.map_or_else(|| format::NOTHING.to_owned(), |d| format::share_of(d.n_infinite, d.n))
    };
    LatencyRow {
        label: "never finished".to_owned(),
        baseline: failed(baseline),
        candidate: failed(candidate),
        change: String::new(),
        interval: String::new(),
    }
}

pub(super) fn tokens(evidence: &Evidence) -> Vec<TokensView> {
    let views = evidence.tokens.iter().map(|tokens| TokensView {
        arm: tokens.arm.clone(),
        model: tokens.model.clone(),
        exchanges: format::count(tokens.exchanges),
        prompt: format::count(tokens.prompt_uncached),
        cached: format::count(tokens.prompt_cached),
        visible: format::count(tokens.completion_visible),
        reasoning: format::count(tokens.completion_reasoning),
        characters: format::count(tokens.answer_chars),
    });
    views.collect()
}

pub(super) fn outcomes(evidence: &Evidence) -> Vec<OutcomeView> {
    let mut segments: Vec<&str> = Vec::new();
    for outcomes in &evidence.outcomes {
        if !segments.contains(&outcomes.segment.as_str()) {
            segments.push(&outcomes.segment);
        }
    }
    let views = segments.into_iter().map(|segment| {
        let find = |arm: &str| evidence.outcomes.iter().find(|o| o.segment == segment && o.arm == arm);
        outcome_view(segment, find("baseline"), find("candidate"))
    });
    views.collect()
}

fn outcome_view(segment: &str, baseline: Option<&Outcomes>, candidate: Option<&Outcomes>) -> OutcomeView {
    let n = |outcomes: Option<&Outcomes>| outcomes.map_or_else(|| format::NOTHING.to_owned(), |o| format::count(o.n));
    let group =
        |title, pick: fn(&Outcomes) -> &Vec<Count>| OutcomeGroup { title, rows: rows(baseline, candidate, pick) };
    let title = match segment {
        "all" => "Paired traffic".to_owned(),
        "canary" => "Served traffic (canary)".to_owned(),
        other => other.to_owned(),
    };
    let groups = vec![group("Errors", |o| &o.errors), group("Finish reasons", |o| &o.finish)];
    OutcomeView { title, baseline_n: n(baseline), candidate_n: n(candidate), groups, segment: segment.to_owned() }
}

/// Names of both arms, in the baseline's order first.
fn rows(
    baseline: Option<&Outcomes>,
    candidate: Option<&Outcomes>,
    pick: fn(&Outcomes) -> &Vec<Count>,
) -> Vec<OutcomeRow> {
    let mut names: Vec<&str> = Vec::new();
    for count in [baseline, candidate].into_iter().flatten().flat_map(pick) {
        if !names.contains(&count.name.as_str()) {
            names.push(&count.name);
        }
    }
    let cell = |outcomes: Option<&Outcomes>, name: &str| {
        outcomes.map_or_else(
            || (format::NOTHING.to_owned(), String::new()),
            |o| {
                let count = pick(o).iter().find(|c| c.name == name).map_or(0, |c| c.count);
                (format::count(count), format::share_of(count, o.n))
            },
        )
    };
    let rows = names.into_iter().map(|name| {
        let (on_baseline, on_candidate) = (cell(baseline, name), cell(candidate, name));
        OutcomeRow {
            label: names::reason(name),
            baseline: on_baseline.0,
            baseline_share: on_baseline.1,
            candidate: on_candidate.0,
            candidate_share: on_candidate.1,
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(arm: &str, errors: &[(&str, u64)]) -> Outcomes {
        let count = |(name, count): &(&str, u64)| Count { name: (*name).to_owned(), count: *count };
        let errors = errors.iter().map(count).collect();
        Outcomes { arm: arm.to_owned(), segment: "all".to_owned(), n: 200, errors, finish: Vec::new() }
    }

    #[test]
    fn kinds_of_both_arms_are_joined() {
        let evidence = Evidence {
            outcomes: vec![
                outcomes("baseline", &[("timeout", 3)]),
                outcomes("candidate", &[("rate_limited", 5), ("timeout", 1)]),
            ],
            ..Evidence::default()
        };
        let views = super::outcomes(&evidence);
        let rows = &views[0].groups[0].rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].label.as_str(), rows[0].baseline.as_str(), rows[0].candidate.as_str()),
            ("timeout", "3", "1")
        );
        assert_eq!((rows[1].label.as_str(), rows[1].baseline.as_str()), ("rate limited", "0"));
        assert_eq!(rows[1].candidate_share, "2.50%");
    }

    #[test]
    fn a_quantile_among_the_failures_is_unbounded() {
        let mut quantiles_us: Vec<Option<u64>> = (0..=200).map(|i| Some(100_000 + i * 1000)).collect();
        quantiles_us.iter_mut().skip(196).for_each(|q| *q = None);
        let arm = "candidate".to_owned();
        let (metric, segment) = ("ttft".to_owned(), "all".to_owned());
        let d = Distribution { metric, arm, segment, n: 1000, n_infinite: 22, quantiles_us };
        let rows = latency_rows(None, Some(&d));
        assert_eq!((rows[0].candidate.as_str(), rows[0].baseline.as_str()), ("200 ms", format::NOTHING));
        assert_eq!(rows[3].candidate, "unbounded");
        assert_eq!(failed_row(None, Some(&d)).candidate, "2.20%");
    }
}
