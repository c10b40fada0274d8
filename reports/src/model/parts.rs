//! What is reported and not judged: parts of the traffic, and figures worth a look.

use judge::verdict::{SegmentReport, Verdict};
use serde::Serialize;

use crate::format;

/// A part of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PartView {
    /// Its name.
    pub(crate) label: String,
    /// A GO needs it to pass.
    pub(crate) is_critical: bool,
    /// More errors than chance allows.
    pub(crate) is_flagged: bool,
    /// Pairs.
    pub(crate) pairs: String,
    /// Error share of the candidate less that of the baseline.
    pub(crate) errors: String,
    /// p-value of it, adjusted for the number of parts.
    pub(crate) p: String,
    /// 95th percentile of the duration against the baseline.
    pub(crate) duration: String,
    /// Mean cost against the baseline.
    pub(crate) cost: String,
}

/// A figure that never changes a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RemarkView {
    /// Worth a look.
    pub(crate) is_flagged: bool,
    /// What it says.
    pub(crate) sentence: String,
}

/// All parts, where the candidate is worse first: proven worse, then those a GO needs, then by the difference in errors.
pub(super) fn parts(verdict: &Verdict) -> Vec<PartView> {
    let mut segments: Vec<&SegmentReport> = verdict.segments.iter().collect();
    let errors = |segment: &SegmentReport| segment.error_difference.unwrap_or(f64::NEG_INFINITY);
    segments.sort_by(|a, b| {
        let first = (!a.flagged, !a.critical).cmp(&(!b.flagged, !b.critical));
        first.then_with(|| errors(b).total_cmp(&errors(a))).then_with(|| a.name.cmp(&b.name))
    });
    segments.into_iter().map(part).collect()
}

/// In how many parts the candidate is worse, in a sentence.
pub(super) fn summary(verdict: &Verdict) -> String {
    let all = format::count(verdict.segments.len() as u64);
    match verdict.segments.iter().filter(|segment| segment.flagged).count() {
        0 => format!("In none of {all} parts of the traffic does the candidate make more errors than chance allows."),
        1 => format!("In one of {all} parts of the traffic the candidate makes more errors than chance allows."),
        worse => {
            format!("In {worse} of {all} parts of the traffic the candidate makes more errors than chance allows.")
        }
    }
}

fn part(segment: &SegmentReport) -> PartView {
    let or_nothing =
        |value: Option<f64>, spell: fn(f64) -> String| value.map_or_else(|| format::NOTHING.to_owned(), spell);
    PartView {
        label: segment.name.clone(),
        is_critical: segment.critical,
        is_flagged: segment.flagged,
        pairs: format::count(segment.pairs),
        errors: or_nothing(segment.error_difference, format::points),
        p: format::p_value(segment.error_p_adjusted),
        duration: or_nothing(segment.duration_p95_ratio, format::change),
        cost: or_nothing(segment.cost_ratio, format::change),
    }
}

/// The figures, those to look at first.
pub(super) fn remarks(verdict: &Verdict) -> Vec<RemarkView> {
    let mut remarks: Vec<RemarkView> = verdict
        .watch
        .iter()
        .map(|watch| RemarkView { is_flagged: watch.flagged, sentence: watch.why.clone() })
        .collect();
    remarks.sort_by_key(|remark| !remark.is_flagged);
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture;

    #[test]
    fn what_is_flagged_comes_first() {
        let verdict = fixture("full");
        let parts = parts(&verdict);
        assert_eq!(parts.len(), verdict.segments.len());
        assert!(parts[0].is_flagged && parts[0].label == "model=gpt-4.1-nano", "{parts:?}");
        assert!(parts[1].is_critical && !parts[1].is_flagged, "{parts:?}");
        assert_eq!((parts[0].errors.as_str(), parts[0].p.as_str()), ("+4.21 pp", "below 0.0001"));
        assert!(remarks(&verdict)[0].is_flagged);
    }
}
