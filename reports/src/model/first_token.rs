//! What the first visible text waits for, as a table and a sentence.

use judge::verdict::{Evidence, FirstToken};
use serde::Serialize;

use super::names;
use crate::format;

/// The decomposition of both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FirstTokenView {
    /// What makes the difference, in a sentence.
    pub(crate) sentence: String,
    /// One line an arm.
    pub(crate) rows: Vec<FirstTokenRow>,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FirstTokenRow {
    /// Which.
    pub(crate) arm: String,
    /// In which part of the traffic.
    pub(crate) segment: String,
    /// Way, queue and reading of the prompt.
    pub(crate) queue: String,
    /// From there to the first text of any kind.
    pub(crate) first_text: String,
    /// Thinking.
    pub(crate) thinking: String,
    /// The mean of the whole.
    pub(crate) whole: String,
    /// Its median.
    pub(crate) p50: String,
    /// Its 95th percentile.
    pub(crate) p95: String,
    /// Answers in it.
    pub(crate) n: String,
    /// Streamed answers that are left out.
    pub(crate) unknown: String,
}

pub(super) fn first_token(evidence: &Evidence) -> Option<FirstTokenView> {
    let arms: Vec<&FirstToken> = evidence.first_token.iter().collect();
    // Pairs tell more: the same requests on both arms.
    let find = |name: &str| arms.iter().find(|arm| arm.segment == "all" && arm.arm == name && arm.n > 0).copied();
    let sentence = match (find("baseline"), find("candidate")) {
        (Some(baseline), Some(candidate)) => difference(baseline, candidate),
        _ => "No pairs tell the parts of the time on both arms.".to_owned(),
    };
    (!arms.is_empty()).then(|| FirstTokenView { sentence, rows: arms.into_iter().map(row).collect() })
}

fn whole(arm: &FirstToken) -> f64 {
    arm.queue_us + arm.first_text_us + arm.thinking_us
}

fn row(arm: &FirstToken) -> FirstTokenRow {
    let known = |us: f64| if arm.n == 0 { format::NOTHING.to_owned() } else { format::micros(us) };
    FirstTokenRow {
        arm: arm.arm.clone(),
        segment: names::segment_short(&arm.segment),
        queue: known(arm.queue_us),
        first_text: known(arm.first_text_us),
        thinking: known(arm.thinking_us),
        whole: known(whole(arm)),
        p50: known(arm.visible_p50_us as f64),
        p95: known(arm.visible_p95_us as f64),
        n: format::count(arm.n),
        unknown: format::count(arm.unknown),
    }
}

/// Which part differs most, and by how much.
fn difference(baseline: &FirstToken, candidate: &FirstToken) -> String {
    let parts = [
        ("the way, the queue and the reading of the prompt", candidate.queue_us - baseline.queue_us),
        ("the way to the first text", candidate.first_text_us - baseline.first_text_us),
        ("thinking", candidate.thinking_us - baseline.thinking_us),
    ];
    let all = whole(candidate) - whole(baseline);
    let Some((name, most)) = parts.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) else {
        return String::new();
    };
    let (all_said, most_said) = (format::micros(all.abs()), format::micros_signed(most));
    if all < 0.0 {
        format!(
            "On average the candidate's first visible text comes {all_said} earlier; the part that differs most is {name}, by \
             {most_said}."
        )
    } else {
        format!(
            "On average the candidate's first visible text comes {all_said} later; the part that differs most is {name}, by \
             {most_said}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(name: &str, n: u64, parts: [f64; 3]) -> FirstToken {
        let [queue_us, first_text_us, thinking_us] = parts;
        let (visible_p50_us, visible_p95_us) = (1_000_000, 2_000_000);
        FirstToken {
            arm: name.to_owned(),
            segment: "all".to_owned(),
            n,
            unknown: 3,
            queue_us,
            first_text_us,
            thinking_us,
            visible_p50_us,
            visible_p95_us,
        }
    }

    #[test]
    fn the_part_that_differs_most_is_named() {
        let first_token = vec![arm("baseline", 50, [400e3, 60e3, 0.0]), arm("candidate", 50, [300e3, 80e3, 1400e3])];
        let view = super::first_token(&Evidence { first_token, ..Evidence::default() }).unwrap();
        assert_eq!(
            view.sentence,
            "On average the candidate's first visible text comes 1.32 s later; the part that differs most is thinking, by \
             +1.40 s."
        );
        assert_eq!((view.rows[1].whole.as_str(), view.rows[1].unknown.as_str()), ("1.78 s", "3"));
    }

    #[test]
    fn an_arm_without_answers_has_no_figures() {
        let first_token = vec![arm("baseline", 50, [400e3, 60e3, 0.0]), arm("candidate", 0, [0.0; 3])];
        let view = super::first_token(&Evidence { first_token, ..Evidence::default() }).unwrap();
        assert_eq!(view.rows[1].queue, format::NOTHING);
        assert!(view.sentence.starts_with("No pairs tell"));
        assert_eq!(super::first_token(&Evidence::default()), None);
    }
}
