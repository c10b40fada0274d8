//! Evidence for spreadsheets and scripts: plain numbers in the units of `verdict.json`, empty where the verdict has nothing.
//! One file for the guardrails, one for how their bounds came about, one for latencies by quantile.

use judge::verdict::{EvidenceKind, Scale, Verdict};

use crate::error::ReportError;
use crate::states;

const GUARDRAILS: [&str; 21] = [
    "metric",
    "segment",
    "state",
    "scale",
    "estimate",
    "lower",
    "upper",
    "margin",
    "alpha",
    "alpha_alarm",
    "n",
    "baseline_value",
    "candidate_value",
    "method",
    "direction",
    "why",
    "evidence",
    "decides",
    "events",
    "design_effect",
    "clusters_effective",
];

const COURSE: [&str; 10] =
    ["metric", "segment", "scale", "margin", "at_us", "n", "estimate", "lower", "upper", "state"];

const QUANTILES: [&str; 8] = [
    "metric",
    "segment",
    "share",
    "baseline_us",
    "candidate_us",
    "difference_us",
    "difference_lower_us",
    "difference_upper_us",
];

/// All tables with their file names. A verdict without evidence of a kind has a table of one line, so that a folder that
/// is written again holds nothing of before.
pub(crate) fn all(verdict: &Verdict) -> Result<[(&'static str, Vec<u8>); 3], ReportError> {
    Ok([
        ("evidence.csv", guardrails(verdict)?),
        ("course.csv", course(verdict)?),
        ("quantiles.csv", quantiles(verdict)?),
    ])
}

fn scale(scale: Scale) -> String {
    match scale {
        Scale::Difference => "difference",
        Scale::Ratio => "ratio",
    }
    .to_owned()
}

fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

fn whole<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// One line a guardrail.
fn guardrails(verdict: &Verdict) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(GUARDRAILS)?;
    for g in &verdict.guardrails {
        let evidence = match g.evidence {
            EvidenceKind::Paired => "paired",
            EvidenceKind::Served => "served",
            EvidenceKind::Combined => "combined",
        };
        writer.write_record([
            harmless(&g.metric),
            harmless(&g.segment),
            states::name(g.state).to_owned(),
            scale(g.scale),
            number(g.estimate),
            number(g.lower),
            number(g.upper),
            g.margin.to_string(),
            g.alpha.to_string(),
            g.alpha_alarm.to_string(),
            g.n.to_string(),
            number(g.baseline_value),
            number(g.candidate_value),
            harmless(&g.method),
            harmless(&g.direction),
            harmless(&g.why),
            evidence.to_owned(),
            g.decides.to_string(),
            g.events.map_or_else(String::new, |events| events.to_string()),
            g.design_effect.to_string(),
            number(g.clusters_effective),
        ])?;
    }
    finished(writer)
}

/// One line a look.
fn course(verdict: &Verdict) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COURSE)?;
    for course in &verdict.evidence.course {
        for look in &course.looks {
            writer.write_record([
                harmless(&course.metric),
                harmless(&course.segment),
                scale(course.scale),
                course.margin.to_string(),
                look.at_us.to_string(),
                look.n.to_string(),
                number(look.estimate),
                number(look.lower),
                number(look.upper),
                states::name(look.state).to_owned(),
            ])?;
        }
    }
    finished(writer)
}

/// One line a quantile.
fn quantiles(verdict: &Verdict) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(QUANTILES)?;
    for q in &verdict.evidence.quantiles {
        writer.write_record([
            harmless(&q.metric),
            harmless(&q.segment),
            q.share.to_string(),
            whole(q.baseline_us),
            whole(q.candidate_us),
            whole(q.difference_us),
            whole(q.lower_us),
            whole(q.upper_us),
        ])?;
    }
    finished(writer)
}

fn finished(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, ReportError> {
    writer.into_inner().map_err(|error| ReportError::Table(error.into_error().into()))
}

/// A text that a spreadsheet does not take for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused() {
        assert_eq!(harmless("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(harmless("errors"), "errors");
    }
}
