//! One verdict in what people look at: bounded, whatever was given. Pure.

use axum::body::Bytes;
use gate::answer::{Judged, STALE_AFTER_US};
use gate::rule::CLOCK_SKEW_US;
use judge::verdict::{Decision, Guardrail, Scale, State, Verdict};
use serde::Serialize;
use std::collections::VecDeque;

/// Earlier looks that are remembered.
pub(super) const COURSE_MAX: usize = 48;
/// Guardrails of one earlier look.
const COURSE_GUARDRAILS_MAX: usize = 16;
/// Guardrails that are shown.
const GUARDRAILS_MAX: usize = 100;
/// Reasons and missing pieces that are shown.
const SENTENCES_MAX: usize = 20;
/// Characters of any text that is shown.
const TEXT_CHARS_MAX: usize = 500;
/// Characters of a name that is shown: it is repeated with every look.
const NAME_CHARS_MAX: usize = 96;

/// The last verdict, and what came before it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// As it was given.
    pub given: Bytes,
    /// What pipelines are told from.
    pub judged: Judged,
    created_us: Option<i64>,
    shown: Shown,
}

/// A verdict as the console shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Shown {
    pub verdict: Decision,
    pub reasons: Vec<String>,
    pub epoch: u64,
    pub weight_percent: f64,
    pub next_weight_percent: f64,
    pub next_weight_bound: String,
    /// Newest evidence in it.
    pub created_at: String,
    pub received_us: i64,
    /// It judges the epoch in force.
    pub matches: bool,
    /// Its evidence is older than a day, of an unknown age, or of the future.
    pub stale: bool,
    /// Why it says nothing about the weight in force; empty if it does.
    pub why_not: String,
    pub needed: Vec<NeededShown>,
    /// Those that decide first, else in the policy's order.
    pub guardrails: Vec<GuardrailShown>,
    /// Guardrails that are not shown.
    pub guardrails_left_out: usize,
    /// Earlier looks in the order in which they were given.
    pub course: VecDeque<CoursePoint>,
}

/// What is still missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NeededShown {
    pub metric: String,
    pub segment: String,
    pub pairs: Option<u64>,
    pub hours: Option<f64>,
}

/// One guardrail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GuardrailShown {
    pub metric: String,
    pub segment: String,
    pub state: State,
    pub scale: Scale,
    pub estimate: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub margin: f64,
    pub n: u64,
    pub decides: bool,
    pub why: String,
}

/// What an earlier verdict said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CoursePoint {
    /// Its newest evidence; when it was given, if it does not say.
    pub at_us: i64,
    pub verdict: Decision,
    pub guardrails: Vec<CourseGuardrail>,
}

/// A guardrail of an earlier verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CourseGuardrail {
    pub metric: String,
    pub segment: String,
    pub state: State,
    pub estimate: Option<f64>,
    pub upper: Option<f64>,
    pub margin: f64,
}

/// How old the newest evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    Old,
    Future,
    Unknown,
}

impl Age {
    fn of(created_us: Option<i64>, now_us: i64) -> Self {
        match created_us.map(|created_us| now_us.saturating_sub(created_us)) {
            None => Self::Unknown,
            Some(age_us) if age_us > STALE_AFTER_US => Self::Old,
            Some(age_us) if age_us < -CLOCK_SKEW_US => Self::Future,
            Some(_) => Self::Fresh,
        }
    }
}

impl Kept {
    /// Takes a verdict; the one before joins the course, unless it saw the same evidence.
    pub(super) fn new(given: Bytes, verdict: &Verdict, before: Option<&Self>, now_us: i64) -> Self {
        let created_us = verdict.created_at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
        let mut course = before.map(|before| before.shown.course.clone()).unwrap_or_default();
        if let Some(before) = before.filter(|before| before.created_us.is_none() || before.created_us != created_us) {
            course.push_back(before.point());
            while course.len() > COURSE_MAX {
                course.pop_front();
            }
        }
        Self { given, judged: Judged::of(verdict), created_us, shown: shown(verdict, course, now_us) }
    }

    /// As it looks at an instant and in an epoch.
    pub(crate) fn shown(&self, epoch: u64, now_us: i64) -> Shown {
        let matches = self.shown.epoch == epoch;
        let age = Age::of(self.created_us, now_us);
        let stale = age != Age::Fresh;
        let mut why_not = Vec::new();
        if !matches {
            why_not.push(format!("It judges epoch {}; epoch {epoch} is in force.", self.shown.epoch));
        }
        match age {
            Age::Fresh => {}
            Age::Old => why_not.push("Its newest evidence is more than 24 hours old.".to_owned()),
            Age::Unknown => why_not.push("The age of its evidence is not known.".to_owned()),
            Age::Future => why_not.push("Its newest evidence is of the future: check the clocks.".to_owned()),
        }
        Shown { matches, stale, why_not: why_not.join(" "), ..self.shown.clone() }
    }

    fn point(&self) -> CoursePoint {
        let guardrail = |shown: &GuardrailShown| CourseGuardrail {
            metric: shown.metric.clone(),
            segment: shown.segment.clone(),
            state: shown.state,
            estimate: shown.estimate,
            upper: shown.upper,
            margin: shown.margin,
        };
        CoursePoint {
            at_us: self.created_us.unwrap_or(self.shown.received_us),
            verdict: self.shown.verdict,
            guardrails: self.shown.guardrails.iter().take(COURSE_GUARDRAILS_MAX).map(guardrail).collect(),
        }
    }
}

fn shown(verdict: &Verdict, course: VecDeque<CoursePoint>, now_us: i64) -> Shown {
    let needed = |needed: &judge::verdict::Needed| NeededShown {
        metric: name(&needed.metric),
        segment: name(&needed.segment),
        pairs: needed.pairs,
        hours: needed.hours,
    };
    // Sorting is stable: within both halves the policy's order stays.
    let mut guardrails: Vec<&Guardrail> = verdict.guardrails.iter().collect();
    guardrails.sort_by_key(|guardrail| !guardrail.decides);
    Shown {
        verdict: verdict.verdict,
        reasons: verdict.reasons.iter().take(SENTENCES_MAX).map(|reason| text(reason)).collect(),
        epoch: verdict.epoch,
        weight_percent: verdict.weight_percent,
        next_weight_percent: verdict.next_weight_percent,
        next_weight_bound: text(&verdict.next_weight_bound),
        created_at: text(&verdict.created_at),
        received_us: now_us,
        matches: false,
        stale: false,
        why_not: String::new(),
        needed: verdict.needed.iter().take(SENTENCES_MAX).map(needed).collect(),
        guardrails: guardrails.iter().take(GUARDRAILS_MAX).map(|guardrail| guardrail_shown(guardrail)).collect(),
        guardrails_left_out: guardrails.len().saturating_sub(GUARDRAILS_MAX),
        course,
    }
}

fn guardrail_shown(guardrail: &Guardrail) -> GuardrailShown {
    GuardrailShown {
        metric: name(&guardrail.metric),
        segment: name(&guardrail.segment),
        state: guardrail.state,
        scale: guardrail.scale,
        estimate: guardrail.estimate,
        lower: guardrail.lower,
        upper: guardrail.upper,
        margin: guardrail.margin,
        n: guardrail.n,
        decides: guardrail.decides,
        why: text(&guardrail.why),
    }
}

fn name(given: &str) -> String {
    given.chars().take(NAME_CHARS_MAX).collect()
}

fn text(given: &str) -> String {
    given.chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A verdict on the migration `move`, as a text.
    pub(crate) fn verdict(migration: &str, epoch: u64, created_at: &str) -> serde_json::Value {
        let guardrail = |metric: &str, decides: bool| {
            json!({"metric": metric, "segment": "all", "decides": decides, "state": "pass", "scale": "difference",
                "estimate": 0.001, "lower": -0.001, "upper": 0.003, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.01,
                "n": 5000, "baseline_value": null, "candidate_value": null, "method": "tango-score",
                "direction": "lower-is-better", "why": "the bound lies below the margin"})
        };
        json!({"schema": "weighbridge.verdict/1", "verdict": "go", "reasons": ["all pass"], "migration": migration,
            "epoch": epoch, "weight_percent": 5.0, "next_weight_percent": 10.0, "next_weight_bound": "ladder",
            "needed": [{"metric": "errors", "segment": "all", "pairs": 100, "hours": 2.5}],
            "guardrails": [guardrail("watched", false), guardrail("errors", true)],
            "instrument": {}, "bill": bill(), "window": {"from_us": 1, "to_us": 2}, "inputs": [], "policy_digest": "p",
            "tariff_digest": "t", "seed": 0, "version": "0.1.0", "created_at": created_at,
            "evidence": {"latency": [], "tokens": [], "outcomes": []}})
    }

    fn bill() -> serde_json::Value {
        serde_json::to_value(judge::verdict::Bill::default()).unwrap()
    }

    fn read(value: &serde_json::Value) -> Verdict {
        serde_json::from_value(value.clone()).unwrap()
    }

    const DAY: &str = "2026-11-23T12:00:00Z";
    const DAY_US: i64 = 1_795_435_200_000_000;

    #[test]
    fn it_says_whether_it_is_about_the_weight_in_force() {
        let kept = Kept::new(Bytes::new(), &read(&verdict("move", 7, DAY)), None, DAY_US);
        let now = kept.shown(7, DAY_US);
        assert_eq!((now.matches, now.stale, now.why_not.as_str()), (true, false, ""));
        assert_eq!(now.guardrails.iter().map(|one| one.metric.as_str()).collect::<Vec<_>>(), ["errors", "watched"]);
        let other = kept.shown(8, DAY_US + STALE_AFTER_US + 1);
        assert!(!other.matches && other.stale);
        assert!(
            other.why_not.contains("epoch 8 is in force") && other.why_not.contains("24 hours"),
            "{}",
            other.why_not
        );
        let undated = Kept::new(Bytes::new(), &read(&verdict("move", 7, "yesterday")), None, DAY_US);
        assert!(undated.shown(7, DAY_US).stale, "an unknown age is no young one");
        assert!(undated.shown(7, DAY_US).why_not.contains("not known"));
        let early = kept.shown(7, DAY_US - CLOCK_SKEW_US - 1);
        assert!(early.stale && early.why_not.contains("future") && !kept.shown(7, DAY_US - CLOCK_SKEW_US).stale);
    }

    #[test]
    fn the_course_remembers_a_bounded_number_of_earlier_looks_each_once() {
        let mut kept = Kept::new(Bytes::new(), &read(&verdict("move", 7, DAY)), None, DAY_US);
        kept = Kept::new(Bytes::new(), &read(&verdict("move", 7, DAY)), Some(&kept), DAY_US);
        assert!(kept.shown.course.is_empty(), "the same evidence twice is one look");
        for minute in 0..60 {
            let next = read(&verdict("move", 7, &format!("2026-11-23T13:{minute:02}:00Z")));
            kept = Kept::new(Bytes::new(), &next, Some(&kept), DAY_US);
        }
        let course = &kept.shown.course;
        assert_eq!(course.len(), COURSE_MAX);
        assert!(course.iter().zip(course.iter().skip(1)).all(|(one, next)| one.at_us < next.at_us));
        assert_eq!(
            course.back().unwrap().at_us,
            DAY_US + 3600 * 1_000_000 + 58 * 60_000_000,
            "not the last one itself"
        );
        assert_eq!(course[0].guardrails[0].metric, "errors");
    }

    #[test]
    fn what_is_shown_is_bounded_whatever_was_given() {
        let mut huge = verdict("move", 7, DAY);
        let one = huge["guardrails"][0].clone();
        huge["guardrails"] = std::iter::repeat_n(one, 5000).collect();
        huge["guardrails"][3]["why"] = "x".repeat(100_000).into();
        huge["reasons"] = std::iter::repeat_n(serde_json::Value::from("y".repeat(10_000)), 1000).collect();
        let kept = Kept::new(Bytes::new(), &read(&huge), None, DAY_US);
        let shown = kept.shown(7, DAY_US);
        assert_eq!((shown.guardrails.len(), shown.guardrails_left_out), (GUARDRAILS_MAX, 4900));
        assert!(serde_json::to_string(&shown).unwrap().len() < 100_000);
    }
}
