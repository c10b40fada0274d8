//! What the guard decided, in numbers. Labels are names of the configuration and of this program, never a client's text.

use crate::telemetry::Histogram;
use guard::{Action, Decision, Phase, names};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Label sets beyond which consumers are folded.
const SERIES_MAX: usize = 2000;
/// Upper bounds of added delays, microseconds.
const DELAY_BOUNDS_US: [u64; 14] = [
    50, 250, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    20_000_000,
];
const ANONYMOUS: &str = "anonymous";
const OTHER: &str = "other";

/// Policy, phase, action.
type Outcome = (Arc<str>, &'static str, &'static str);
/// Policy, phase, category, action, consumer.
type Finding = (Arc<str>, &'static str, &'static str, &'static str, Arc<str>);

/// Policy, phase, back end, failure.
type Unjudged = (Arc<str>, &'static str, Arc<str>, &'static str);

/// How often which decision was taken, by its labels in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// Every decision.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Those that found something at its bar, once for each category.
    pub findings: BTreeMap<Finding, u64>,
    /// Those that lack a back end's verdict.
    pub failures: BTreeMap<Unjudged, u64>,
}

/// The live counters.
#[derive(Debug)]
pub(super) struct Counters {
    verdicts: Mutex<Verdicts>,
    /// Pictures, recordings and files, which nobody judges.
    unjudged: AtomicU64,
    delays: [Histogram; 4],
}

/// What the guard made somebody wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delay {
    Request,
    Whole,
    FirstText,
    End,
}

/// Names of the delays, in the order of [`Delay`].
const DELAYS: [&str; 4] = ["request", "whole", "first_text", "end"];

impl Default for Counters {
    fn default() -> Self {
        Self {
            verdicts: Mutex::default(),
            unjudged: AtomicU64::new(0),
            delays: std::array::from_fn(|_| Histogram::new(&DELAY_BOUNDS_US)),
        }
    }
}

impl Counters {
    /// Held for a few instructions, never across a wait.
    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn decided(&self, policy: &Arc<str>, phase: Phase, decision: &Decision, consumer: Option<&str>) {
        let (phase, action) = (names::phase(phase), decision.action.name());
        let mut verdicts = self.verdicts();
        *verdicts.outcomes.entry((Arc::clone(policy), phase, action)).or_default() += 1;
        for category in decision.categories.keys() {
            let category = names::category(*category);
            let key = |consumer: &str| (Arc::clone(policy), phase, category, action, Arc::from(consumer));
            let consumer = consumer.unwrap_or(ANONYMOUS);
            let is_new = verdicts.findings.len() >= SERIES_MAX && !verdicts.findings.contains_key(&key(consumer));
            *verdicts.findings.entry(key(if is_new { OTHER } else { consumer })).or_default() += 1;
        }
        if decision.categories.is_empty() && decision.action == Action::Blocked {
            let key = (Arc::clone(policy), phase, "unjudged", action, Arc::from(consumer.unwrap_or(ANONYMOUS)));
            *verdicts.findings.entry(key).or_default() += 1;
        }
        for (backend, failure) in &decision.failed {
            let key = (Arc::clone(policy), phase, Arc::clone(backend), *failure);
            *verdicts.failures.entry(key).or_default() += 1;
        }
    }

    fn waited(&self, delay: Delay, time: Duration) {
        if let Some(histogram) = self.delays.get(delay as usize) {
            histogram.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// A request was judged.
    pub(super) fn inspected(&self, time: Duration) {
        self.waited(Delay::Request, time);
    }

    /// So many parts of a request are no text.
    pub(super) fn saw_other_parts(&self, unjudged: usize) {
        self.unjudged.fetch_add(unjudged as u64, Ordering::Relaxed);
    }

    /// A whole answer was judged.
    pub(super) fn waited_whole(&self, time: Duration) {
        self.waited(Delay::Whole, time);
    }

    /// The first text of a stream went out, so long after it had come.
    pub(super) fn waited_first(&self, time: Duration) {
        self.waited(Delay::FirstText, time);
    }

    /// The end of a stream went out, so long after it had come.
    pub(super) fn waited_end(&self, time: Duration) {
        self.waited(Delay::End, time);
    }

    pub(super) fn reading(self: &Arc<Self>) -> GuardReading {
        GuardReading {
            verdicts: self.verdicts().clone(),
            unjudged: self.unjudged.load(Ordering::Relaxed),
            counters: Some(Arc::clone(self)),
        }
    }
}

/// One look at the counters.
#[derive(Debug, Default)]
pub(crate) struct GuardReading {
    pub verdicts: Verdicts,
    pub unjudged: u64,
    counters: Option<Arc<Counters>>,
}

impl GuardReading {
    /// What was waited for, and how long.
    pub(crate) fn delays(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        DELAYS.into_iter().zip(self.counters.iter().flat_map(|counters| &counters.delays))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guard::{Category, Level};

    #[test]
    fn decisions_are_counted_by_names_and_bounded() {
        let counters = Arc::new(Counters::default());
        let blocked = Decision {
            action: Action::Blocked,
            categories: [(Category::Hate, Level::High)].into(),
            ..Decision::default()
        };
        let policy: Arc<str> = "p".into();
        for number in 0..SERIES_MAX + 50 {
            counters.decided(&policy, Phase::Request, &blocked, Some(&format!("team-{number}")));
        }
        counters.decided(&policy, Phase::Request, &Decision::default(), None);
        let verdicts = counters.reading().verdicts;
        assert_eq!(verdicts.outcomes[&(Arc::clone(&policy), "request", "blocked")], SERIES_MAX as u64 + 50);
        assert_eq!(verdicts.outcomes[&(Arc::clone(&policy), "request", "none")], 1);
        assert_eq!(verdicts.findings.len(), SERIES_MAX + 1);
        assert_eq!(verdicts.findings[&(policy, "request", "hate", "blocked", "other".into())], 50);
    }
}
