//! The guardrails as a table for spreadsheets and scripts: plain numbers in the units of `verdict.json`, one line a
//! guardrail, empty where the verdict has nothing.

use judge::verdict::{EvidenceKind, Scale, Verdict};

use crate::error::ReportError;
use crate::states;

const COLUMNS: [&str; 21] = [
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

/// The table as CSV with a header line.
pub(crate) fn table(verdict: &Verdict) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for g in &verdict.guardrails {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let scale = match g.scale {
            Scale::Difference => "difference",
            Scale::Ratio => "ratio",
        };
        let evidence = match g.evidence {
            EvidenceKind::Paired => "paired",
            EvidenceKind::Served => "served",
            EvidenceKind::Combined => "combined",
        };
        writer.write_record([
            harmless(&g.metric),
            harmless(&g.segment),
            states::name(g.state).to_owned(),
            scale.to_owned(),
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
