//! What is measured, one file a question.

mod latency;
mod memory;
mod plain;
mod shadow;
mod start;
mod stream;

use crate::options::Options;
use crate::process;
use crate::report::{Report, Row, Target};
use crate::subject::{Subject, World};
use crate::{Trouble, envoy, nginx, say};
use std::collections::BTreeMap;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Plain,
    Latency,
    Stream,
    Shadow,
    Memory,
    Start,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Latency, Self::Stream, Self::Shadow, Self::Memory, Self::Start];

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Latency => "latency",
            Self::Stream => "stream",
            Self::Shadow => "shadow",
            Self::Memory => "memory",
            Self::Start => "start",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, Trouble> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("--only: unknown scenario `{name}`: expected {known}").into()
        })
    }
}

/// Runs what was asked for and prints it.
pub(crate) fn run(options: &Options) -> Result<(), Trouble> {
    let mut report = Report::default();
    say_what_is_missing(&mut report);
    for scenario in &options.only {
        say::progress(&format!("== {}", scenario.name()));
        // A world of its own, so that nothing of one scenario is left in the next.
        let mut world = World::new()?;
        match scenario {
            Scenario::Plain => plain::run(&mut world, options, &mut report)?,
            Scenario::Latency => latency::run(&mut world, options, &mut report)?,
            Scenario::Stream => stream::run(&mut world, options, &mut report)?,
            Scenario::Shadow => shadow::run(&mut world, options, &mut report)?,
            Scenario::Memory => memory::run(&mut world, options, &mut report)?,
            Scenario::Start => start::run(&mut world, options, &mut report)?,
        }
        say_what_was_saturated(*scenario, &world, &mut report);
        report.write(options)?;
    }
    report.print();
    Ok(())
}

fn say_what_is_missing(report: &mut Report) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    report.notes.push(format!("load average before the run: {load}; above 0.5, something else was running"));
    if !process::can_pin() {
        report.notes.push("processes are not pinned: taskset or a second core is missing".to_owned());
    }
    if !nginx::is_installed() {
        report.notes.push("nginx is not installed: no ratios to it (apt-get install -y nginx-light)".to_owned());
    }
    if !envoy::is_installed() {
        report.notes.push("envoy is not in PATH: no ratios to it".to_owned());
    }
}

fn say_what_was_saturated(scenario: Scenario, world: &World, report: &mut Report) {
    let mut most: BTreeMap<&str, f64> = BTreeMap::new();
    for (subject, busy) in &world.saturated {
        let entry = most.entry(subject).or_default();
        *entry = entry.max(*busy);
    }
    for (subject, busy) in most {
        let consequence = match scenario {
            Scenario::Plain => "its requests a second are not its limit; its cost a request is not touched",
            _ => "its times are not to be trusted",
        };
        let percent = 100.0 * busy;
        report.notes.push(format!(
            "{}: load generator and upstream needed {percent:.0}% of their core under `{subject}`: {consequence}",
            scenario.name()
        ));
    }
}

/// Figures by what they say and of whom, one value a round.
#[derive(Default)]
struct Figures(BTreeMap<(&'static str, String), Vec<f64>>);

impl Figures {
    fn add(&mut self, what: &'static str, subject: &str, value: f64) {
        self.0.entry((what, subject.to_owned())).or_default().push(value);
    }

    fn of(&self, what: &'static str, subject: &str) -> Vec<f64> {
        self.0.get(&(what, subject.to_owned())).cloned().unwrap_or_default()
    }

    /// Round by round, `combine` of the subject's value and the other's; empty if the other was not there.
    fn against(
        &self,
        what: &'static str,
        subject: &str,
        other: &str,
        combine: impl Fn(f64, f64) -> f64,
    ) -> Option<Vec<f64>> {
        let (ours, theirs) = (self.of(what, subject), self.of(what, other));
        let rounds: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| combine(*ours, *theirs)).collect();
        (!rounds.is_empty()).then_some(rounds)
    }
}

/// The row of a ratio, if both were measured.
fn ratio(
    figures: &Figures,
    scenario: &'static str,
    what: &'static str,
    (subject, other): (&str, &str),
    target: Option<Target>,
) -> Option<Row> {
    let rounds = figures.against(what, subject, other, |ours, theirs| ours / theirs)?;
    let mut row = Row::new(scenario, &format!("{what}, times {other}"), subject, "x", rounds);
    row.target = target;
    Some(row)
}

/// The indices of all subjects, begun with another one each round.
fn rotated(subjects: &[Subject], round: usize) -> impl Iterator<Item = &Subject> {
    subjects.iter().cycle().skip(round % subjects.len()).take(subjects.len())
}
