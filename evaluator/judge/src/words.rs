//! Numbers as people read them: percent, points, ratios, milliseconds, thousands.

use crate::verdict::{EvidenceKind, Scale};

/// What the judge calls a metric in a sentence.
pub(crate) fn metric(name: &str, segment: &str) -> String {
    let words = match name {
        "errors" => "request errors".to_owned(),
        "rate_limited" => "requests refused for want of quota (429)".to_owned(),
        "blocked" => "requests blocked by moderation".to_owned(),
        "fewer_blocked" => "fewer requests blocked by moderation".to_owned(),
        "missed" => "requests that only the baseline's moderation blocked".to_owned(),
        "refusals" => "refusals by the model".to_owned(),
        "fewer_refusals" => "fewer refusals by the model".to_owned(),
        "guard_flags" => "answers flagged by the guard".to_owned(),
        "fewer_guard_flags" => "fewer answers flagged by the guard".to_owned(),
        "answer_failures" => "unusable answers".to_owned(),
        "structured_failures" => "unusable answers where a form was demanded".to_owned(),
        "truncations" => "answers cut off at their length".to_owned(),
        "slow_ttft" => "first tokens later than the limit".to_owned(),
        "slow_duration" => "answers slower than the limit".to_owned(),
        "cancellations" => "requests given up by the client".to_owned(),
        "tool_disagreement" => "tool calls unlike the baseline's, net of its own variation".to_owned(),
        "answer_disagreement" => "answers unlike the baseline's, net of its own variation".to_owned(),
        "cost" => "mean cost per request".to_owned(),
        "quality" => "mean shortfall of quality".to_owned(),
        other => quantile(other).unwrap_or_else(|| format!("misses of the label `{other}`")),
    };
    match segment {
        ALL => words,
        CANARY => format!("{words} in served traffic"),
        part => format!("{words} where {part}"),
    }
}

fn quantile(name: &str) -> Option<String> {
    let (latency, quantile) = name.rsplit_once('_')?;
    let of = match latency {
        "ttft" => "time to first token",
        "duration" => "duration",
        "inter_token" => "gap between tokens",
        _ => return None,
    };
    Some(match quantile {
        "p50" => format!("median {of}"),
        "p95" => format!("95th percentile of the {of}"),
        "p99" => format!("99th percentile of the {of}"),
        _ => return None,
    })
}

/// Segment name of the served traffic.
pub(crate) const CANARY: &str = "canary";
/// Segment name of all pairs.
pub(crate) const ALL: &str = "all";

/// An effect or a margin: `+0.50 points` or `x1.15`.
pub(crate) fn effect(value: f64, scale: Scale) -> String {
    match scale {
        Scale::Difference => format!("{:+.2} points", value * 100.0),
        Scale::Ratio => format!("x{value:.3}"),
    }
}

/// An arm's own value, in the unit that belongs to the metric.
pub(crate) fn own_value(metric: &str, value: f64) -> String {
    if metric == "cost" {
        return format!("{:.6}", value / 1e9);
    }
    if quantile(metric).is_some() {
        return milliseconds(value);
    }
    format!("{:.2} %", value * 100.0)
}

fn milliseconds(us: f64) -> String {
    if us < 10_000.0 { format!("{:.2} ms", us / 1e3) } else { format!("{:.0} ms", us / 1e3) }
}

/// A level as the confidence people know: 0.05 gives `95 %`.
pub(crate) fn confidence(alpha: f64) -> String {
    let percent = (1.0 - alpha) * 100.0;
    let rounded = format!("{percent:.2}");
    format!("{} %", rounded.trim_end_matches('0').trim_end_matches('.'))
}

/// A weight without needless digits: `5 %`, `0.5 %`.
pub(crate) fn percent(value: f64) -> String {
    let rounded = format!("{value:.2}");
    format!("{} %", rounded.trim_end_matches('0').trim_end_matches('.'))
}

/// A count with thin groups of three: `12 345`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// What one observation is called.
pub(crate) const fn observations(evidence: EvidenceKind) -> &'static str {
    match evidence {
        EvidenceKind::Paired => "pairs",
        EvidenceKind::Served => "requests per arm",
        EvidenceKind::Combined => "pairs and requests per arm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(effect(0.005, Scale::Difference), "+0.50 points");
        assert_eq!(effect(-0.0123, Scale::Difference), "-1.23 points");
        assert_eq!(effect(1.15, Scale::Ratio), "x1.150");
        assert_eq!((confidence(0.05), confidence(0.01 / 8.0)), ("95 %".to_owned(), "99.88 %".to_owned()));
        assert_eq!((percent(100.0), percent(0.5)), ("100 %".to_owned(), "0.5 %".to_owned()));
        assert_eq!((count(0), count(999), count(1_234_567)), ("0".into(), "999".into(), "1 234 567".into()));
        assert_eq!(own_value("ttft_p95", 812_345.0), "812 ms");
        assert_eq!(own_value("cost", 1_500_000.0), "0.001500");
        assert_eq!(own_value("exact", 0.031), "3.10 %");
    }
}
