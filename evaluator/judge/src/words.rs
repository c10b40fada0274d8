//! Numbers as people read them: percent, points, ratios, milliseconds, thousands.

use crate::verdict::Scale;

/// What the judge calls a metric in a sentence.
pub(crate) fn metric(name: &str, segment: &str) -> String {
    let words = match name {
        "errors" => "request errors".to_owned(),
        "answer_failures" => "unusable answers".to_owned(),
        "ttft_p50" => "median time to first token".to_owned(),
        "ttft_p95" => "95th percentile of the time to first token".to_owned(),
        "duration_p50" => "median duration".to_owned(),
        "duration_p95" => "95th percentile of the duration".to_owned(),
        "cost" => "mean cost per request".to_owned(),
        "cancellations" => "requests given up by the client".to_owned(),
        label => format!("misses of the label `{label}`"),
    };
    if segment == CANARY { format!("{words} in served traffic") } else { words }
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
    if metric.starts_with("ttft_") || metric.starts_with("duration_") {
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
pub(crate) fn observations(segment: &str) -> &'static str {
    if segment == CANARY { "requests per arm" } else { "pairs" }
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
