//! From the log to the course of the weight: what was in force when, and where the log does not say.

use gate::audit::{Entry, What};
use std::collections::BTreeMap;

/// An entry with its place in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    /// Number of the line in the log, from 1, as the entries were handed over.
    pub(super) n: usize,
    /// When it is drawn: never before the event in front of it.
    pub(super) at_us: i64,
    /// Its own instant lies before that of a line in front of it, or is none at all.
    pub(super) is_out_of_order: bool,
    pub(super) entry: &'a Entry,
}

/// A weight that came into force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) at_us: i64,
    pub(super) percent: f64,
    /// It was found and not logged: somebody changed it since the step before, nobody knows when.
    pub(super) is_found: bool,
}

/// The course of one target's weight.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// The target.
    pub(super) target: String,
    pub(super) steps: Vec<Step>,
    /// What the log does not say, as sentences.
    pub(super) gaps: Vec<String>,
    /// How many there are; only the first are told.
    pub(super) gap_count: usize,
    /// Moves that were logged and then did not come about.
    pub(super) undone: usize,
}

/// Gaps that are told one by one.
const GAPS_TOLD: usize = 12;

/// Entries of the migration in the order of the log.
pub(super) fn events<'a>(entries: &'a [Entry], migration: &str) -> Vec<Event<'a>> {
    let mut latest = None::<i64>;
    let mut events = Vec::new();
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.migration == migration) {
        let said = entry.at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
        let at_us = said.unwrap_or(i64::MIN).max(latest.unwrap_or(i64::MIN));
        let is_out_of_order = said.is_none_or(|said| said < at_us);
        // Lines in front of the first one that has an instant stand where that one does.
        latest = said.map(|_| at_us).or(latest);
        events.push(Event { n: index + 1, at_us, is_out_of_order, entry });
    }
    let first = events.iter().map(|event| event.at_us).find(|at| *at != i64::MIN).unwrap_or(0);
    for event in events.iter_mut().take_while(|event| event.at_us == i64::MIN) {
        event.at_us = first;
    }
    events
}

/// The course of the target whose weight was changed most often; of equals the one that comes first.
pub(super) fn course(events: &[Event<'_>]) -> Course {
    let mut changes: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *changes.entry(&event.entry.target).or_default() += usize::from(moves(event.entry.what));
    }
    let most = changes.values().max().copied().unwrap_or(0);
    let Some(first) = events.iter().find(|event| changes.get(event.entry.target.as_str()) == Some(&most)) else {
        return Course::default();
    };
    let target = first.entry.target.as_str();
    let mut course = Course { target: target.to_owned(), ..Course::default() };
    for event in events.iter().filter(|event| is_here(event.entry, target)) {
        course.see(*event);
    }
    course
}

/// What a gateway calls itself in a log that it shares with those who change its weight.
const ITSELF: &str = "gateway";

/// Whether an entry is about this target: a gateway is known to itself by another name than to those who move its weight.
pub(super) fn is_here(entry: &Entry, target: &str) -> bool {
    let is_gateway = |name: &str| name == ITSELF || name.starts_with("http://") || name.starts_with("https://");
    entry.target == target
        || (is_gateway(&entry.target) && is_gateway(target) && (entry.target == ITSELF || target == ITSELF))
}

/// Whether a gateway tells, as somebody's change, what the one who made it has told before.
pub(super) fn is_echo(event: &Event<'_>, before: &[Event<'_>]) -> bool {
    let to = |entry: &Entry| entry.to_percent.unwrap_or(f64::NAN);
    let entry = event.entry;
    let mut moves_before =
        before.iter().rev().filter(|before| moves(before.entry.what) && is_here(before.entry, ITSELF));
    entry.target == ITSELF
        && entry.what == What::Set
        && moves_before
            .next()
            .is_some_and(|before| before.entry.target != ITSELF && is_same(to(before.entry), to(entry)))
}

/// Whether what was done changes the weight.
pub(super) const fn moves(what: What) -> bool {
    matches!(what, What::Raise | What::Lower | What::Rollback | What::Set)
}

/// Compared as weights are everywhere: in hundredths of a percent.
pub(super) fn is_same(a: f64, b: f64) -> bool {
    (a * 100.0).round().to_bits() == (b * 100.0).round().to_bits()
}

impl Course {
    /// What is in force, as far as the log says.
    pub(super) fn now(&self) -> Option<f64> {
        self.steps.last().map(|step| step.percent)
    }

    fn see(&mut self, event: Event<'_>) {
        let Event { n, at_us, entry, .. } = event;
        let percent = |value: Option<f64>| value.filter(|value| (0.0..=100.0).contains(value));
        let (from, to) = (percent(entry.from_percent), percent(entry.to_percent));
        if entry.what == What::Failure {
            self.fail(event, to);
            return;
        }
        let is_known = |percent: Option<f64>| percent.zip(self.now()).is_some_and(|(a, b)| is_same(a, b));
        if entry.target == ITSELF && entry.what == What::Set && is_known(to) {
            return;
        }
        match (from, self.now()) {
            (Some(from), Some(known)) if !is_same(from, known) => {
                self.gap(format!(
                    "Line {n} finds {} where the lines before it left {}: nobody logged that change.",
                    crate::format::weight(from),
                    crate::format::weight(known)
                ));
                self.steps.push(Step { at_us, percent: from, is_found: true });
            }
            (Some(from), None) => self.steps.push(Step { at_us, percent: from, is_found: false }),
            _ => {}
        }
        if !moves(entry.what) {
            return;
        }
        match to {
            Some(to) => self.steps.push(Step { at_us, percent: to, is_found: false }),
            None => self.gap(format!("Line {n} changes the weight and does not say to what.")),
        }
    }

    /// A raise is logged before it is made; one that then failed is followed by a failure that says which weight has stayed.
    fn fail(&mut self, event: Event<'_>, stayed: Option<f64>) {
        match (stayed, self.now()) {
            (Some(stayed), Some(known)) if !is_same(stayed, known) => {
                self.steps.push(Step { at_us: event.at_us, percent: stayed, is_found: false });
                self.undone += 1;
            }
            (None, Some(_)) => self.gap(format!("Line {} failed and does not say which weight stayed.", event.n)),
            _ => {}
        }
    }

    fn gap(&mut self, sentence: String) {
        self.gap_count += 1;
        if self.gaps.len() < GAPS_TOLD {
            self.gaps.push(sentence);
        }
    }
}
