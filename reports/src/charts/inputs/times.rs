//! From latencies to the data of their charts: differences by quantile, and what the first token waits for.

use judge::verdict::{Evidence, FirstToken, QuantileDifference};

use crate::charts::bars::{Bar, BarGroup, Part};
use crate::charts::quantiles::{QuantilePanel, QuantileRow};
use crate::charts::scale::round_ticks;
use crate::format;
use crate::model::names;
use crate::palette::Ink;

/// The differences of one latency in one part of the traffic; `None` where the verdict has none.
pub(crate) fn quantiles(evidence: &Evidence, metric: &str, segment: &str) -> Option<QuantilePanel> {
    let all = evidence.quantiles.iter().filter(|q| q.metric == metric && q.segment == segment);
    let rows: Vec<QuantileRow> = all.map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let said: Vec<String> = rows.iter().map(|row| format!("{} {}", row.label, row.words)).collect();
    let description = format!("Candidate less baseline, with 95% intervals: {}.", said.join(", "));
    Some(QuantilePanel { title: names::guardrail(metric, segment), description, rows })
}

/// All of them, in the order of the verdict.
pub(crate) fn all_quantiles(evidence: &Evidence) -> Vec<QuantilePanel> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for q in &evidence.quantiles {
        let key = (q.metric.as_str(), q.segment.as_str());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter().filter_map(|(metric, segment)| quantiles(evidence, metric, segment)).collect()
}

fn row(q: &QuantileDifference) -> QuantileRow {
    let share = |us: Option<i64>| {
        let baseline = q.baseline_us.filter(|us| *us > 0)?;
        Some(us? as f64 / baseline as f64)
    };
    QuantileRow {
        label: quantile_name(q.share),
        point: share(q.difference_us),
        lower: share(q.lower_us),
        upper: share(q.upper_us),
        words: q.difference_us.map_or_else(|| format::NOTHING.to_owned(), |us| format::micros_signed(us as f64)),
    }
}

/// `0.95` is `p95`.
pub(crate) fn quantile_name(share: f64) -> String {
    let percent = share * 100.0;
    if (percent - percent.round()).abs() < 1e-6 { format!("p{percent:.0}") } else { format!("p{percent:.1}") }
}

/// What the first visible text waits for, one group a part of the traffic; none where no record tells.
pub(crate) fn first_token(evidence: &Evidence) -> Vec<BarGroup> {
    let mut segments: Vec<&str> = Vec::new();
    for arm in evidence.first_token.iter().filter(|arm| arm.n > 0) {
        if !segments.contains(&arm.segment.as_str()) {
            segments.push(&arm.segment);
        }
    }
    segments.into_iter().map(|segment| first_token_in(evidence, segment)).collect()
}

fn first_token_in(evidence: &Evidence, segment: &str) -> BarGroup {
    let of = |arm: &&FirstToken| arm.n > 0 && arm.segment == segment;
    let arms: Vec<&FirstToken> = evidence.first_token.iter().filter(of).collect();
    let whole = |arm: &FirstToken| arm.queue_us + arm.first_text_us + arm.thinking_us;
    let largest = arms.iter().map(|arm| whole(arm)).fold(0.0, f64::max);
    let bars = arms.iter().map(|arm| Bar {
        label: arm.arm.clone(),
        parts: [(Ink::Prompt, arm.queue_us), (Ink::Visible, arm.first_text_us), (Ink::Reasoning, arm.thinking_us)]
            .into_iter()
            .map(|(ink, value)| Part { ink, value })
            .collect(),
        value: format::micros(whole(arm)),
    });
    BarGroup {
        heading: names::first_visible(segment),
        remark: Some("Means, because only they add up.".to_owned()),
        legend: vec![(Ink::Prompt, "way, queue, prompt"), (Ink::Visible, "first text"), (Ink::Reasoning, "thinking")],
        bars: bars.collect(),
        ticks: round_ticks(largest, 4).into_iter().map(|us| (us, format::micros_tick(us))).collect(),
    }
}
