//! What is printed: one row a figure, with its target beside it.

use crate::options::Options;
use crate::statistics::{Difference, median};
use crate::{Trouble, say};
use serde::Serialize;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The median is at most this.
    AtMost(f64),
    /// Every round is below this.
    EveryRoundBelow(f64),
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub scenario: &'static str,
    pub what: String,
    pub subject: String,
    pub unit: &'static str,
    /// One value a round; or the only one.
    pub rounds: Vec<f64>,
    /// In place of smallest and largest, where all rounds are pooled.
    pub interval: Option<Difference>,
    pub target: Option<Target>,
}

/// All of them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Row {
    pub(crate) fn new(scenario: &'static str, what: &str, subject: &str, unit: &'static str, rounds: Vec<f64>) -> Self {
        Self {
            scenario,
            what: what.to_owned(),
            subject: subject.to_owned(),
            unit,
            rounds,
            interval: None,
            target: None,
        }
    }

    pub(crate) const fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    fn value(&self) -> f64 {
        self.interval.map_or_else(|| median(&self.rounds), |interval| interval.value)
    }

    fn range(&self) -> (f64, f64) {
        match self.interval {
            Some(interval) => (interval.low, interval.high),
            None => (
                self.rounds.iter().copied().fold(f64::INFINITY, f64::min),
                self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
        }
    }

    /// With an interval, a target is met when the whole interval meets it, and open while it only may.
    fn verdict(&self) -> &'static str {
        let (low, high) = self.range();
        match self.target {
            None => "",
            Some(_) if self.value().is_nan() => "no figure",
            Some(Target::AtMost(limit)) => match self.interval {
                Some(_) if high <= limit => "met",
                Some(_) if low <= limit => "open",
                None if self.value() <= limit => "met",
                _ => "NOT met",
            },
            Some(Target::EveryRoundBelow(limit)) if high < limit => "met",
            Some(Target::EveryRoundBelow(_)) => "NOT met",
        }
    }

    fn line(&self) -> String {
        let (low, high) = self.range();
        let range = if self.rounds.len() > 1 || self.interval.is_some() {
            format!("{} .. {}", number(low), number(high))
        } else {
            String::new()
        };
        let target = match self.target {
            None => String::new(),
            Some(Target::AtMost(limit)) => format!("<= {}", number(limit)),
            Some(Target::EveryRoundBelow(limit)) => format!("every round < {}", number(limit)),
        };
        let (what, subject, unit, value, verdict) =
            (&self.what, &self.subject, self.unit, number(self.value()), self.verdict());
        format!("| {what} | {subject} | {value} | {unit} | {range} | {target} | {verdict} |")
    }
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Report {
    pub(crate) fn print(&self) {
        let mut scenario = "";
        for row in &self.rows {
            if row.scenario != scenario {
                scenario = row.scenario;
                say::result(&format!("\n## {scenario}\n"));
                say::result("| what | subject | median | unit | min .. max | target | |");
                say::result("|---|---|---:|---|---|---|---|");
            }
            say::result(&row.line());
        }
        if !self.notes.is_empty() {
            say::result("\n## notes\n");
        }
        for note in &self.notes {
            say::result(&format!("- {note}"));
        }
    }

    pub(crate) fn write(&self, options: &Options) -> Result<(), Trouble> {
        let Some(path) = &options.json else { return Ok(()) };
        std::fs::write(path, serde_json::to_string_pretty(self)?)
            .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
    }
}
