//! One verdict from those of a text's pieces.

use crate::verdict::{Finding, Verdict};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is kept of one verdict, whatever a service writes.
pub(super) const FINDINGS_MAX: usize = 64;

/// Joins verdicts of pieces that begin at the given bytes of the text: what was found twice under the same name is one
/// finding, as bad as the worse of them, and its spans are bytes of the whole text, in order and without overlap.
#[must_use]
pub fn joined(parts: impl IntoIterator<Item = (usize, Verdict)>) -> Verdict {
    let mut findings: BTreeMap<_, Finding> = BTreeMap::new();
    for (start, verdict) in parts {
        for mut finding in verdict.findings {
            for span in &mut finding.spans {
                *span = span.start + start..span.end + start;
            }
            match findings.get_mut(&(finding.category, finding.label.clone())) {
                Some(known) => {
                    known.level = known.level.max(finding.level);
                    known.score = [known.score, finding.score].into_iter().flatten().reduce(f64::max);
                    known.spans.append(&mut finding.spans);
                }
                None => {
                    findings.insert((finding.category, finding.label.clone()), finding);
                }
            }
        }
    }
    let mut findings: Vec<Finding> = findings.into_values().collect();
    for finding in &mut findings {
        finding.spans = united(std::mem::take(&mut finding.spans));
    }
    Verdict { findings }
}

/// In order and without overlap.
fn united(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut united: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match united.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => united.push(span),
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Category, Level};

    fn found(label: &str, level: Level, score: Option<f64>, spans: &[Range<usize>]) -> Verdict {
        let finding =
            Finding { category: Category::Hate, label: label.to_owned(), level, score, spans: spans.to_vec() };
        Verdict { findings: vec![finding] }
    }

    #[test]
    fn what_two_pieces_say_is_one_finding_of_the_whole_text() {
        let verdict = joined([
            (0, found("hate", Level::Low, Some(0.3), &[3..5, 90..95])),
            (90, found("hate", Level::High, None, &[0..5, 7..9])),
            (90, found("other", Level::Medium, Some(0.1), &[])),
            (200, Verdict::default()),
        ]);
        assert_eq!(verdict.findings.len(), 2);
        assert_eq!(verdict.findings[0], found("hate", Level::High, Some(0.3), &[3..5, 90..95, 97..99]).findings[0]);
        assert_eq!(verdict.findings[1].label, "other");
        assert_eq!(joined([]), Verdict::default());
    }
}
