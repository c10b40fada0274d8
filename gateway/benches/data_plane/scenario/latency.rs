//! What the client waits longer for: an open loop of 2,000 requests a second, times counted from the due instant.

use super::{Figures, Scenario, rotated};
use crate::load::Leg;
use crate::options::Options;
use crate::payload::Wish;
use crate::report::{Report, Row, Target};
use crate::statistics::quantile;
use crate::subject::World;
use crate::{Trouble, say};

const P50: &str = "p50";
const P99: &str = "p99";
const COST: &str = "CPU a request";
const NAME: &str = Scenario::Latency.name();
const RATE: f64 = 2000.0;

pub(super) fn run(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let mut subjects = vec![world.direct()?];
    subjects.extend(world.nginx(false)?);
    subjects.push(world.bare()?);
    subjects.extend(world.envoy(false)?);
    subjects.push(world.gateway("gateway", 10.0, 0.0, "healthy")?);
    let mut figures = Figures::default();
    for round in 0..options.rounds {
        for subject in rotated(&subjects, round) {
            let leg = |seconds| Leg {
                address: subject.whole,
                wish: Wish::PLAIN,
                connections: 64,
                seconds: options.seconds(seconds),
                rate: Some(RATE),
            };
            world.warm_up(&leg(0.4))?;
            let mut measured = world.measure(subject, &leg(4.0))?;
            let cost = measured.cpu_nanos / 1000.0 / measured.tally.requests as f64;
            let mut at = |share| quantile(&mut measured.tally.nanos, share) / 1e6;
            let (p50, p99) = (at(0.5), at(0.99));
            let name = &subject.name;
            say::progress(&format!("  round {} {name}: p50 {p50:.3} ms, p99 {p99:.3} ms, {cost:.1} us", round + 1));
            figures.add(P50, name, p50);
            figures.add(P99, name, p99);
            figures.add(COST, name, cost);
        }
    }
    for (what, limit) in [(P50, 0.3), (P99, 1.0)] {
        report.rows.push(Row::new(NAME, &format!("{what} at 2,000/s"), "direct", "ms", figures.of(what, "direct")));
        for subject in subjects.iter().filter(|subject| subject.process.is_some()) {
            let added = figures.against(what, &subject.name, "direct", |ours, direct| ours - direct);
            let mut row = Row::new(NAME, &format!("added {what}"), &subject.name, "ms", added.unwrap_or_default());
            row.target = (subject.name == "gateway").then_some(Target::AtMost(limit));
            report.rows.push(row);
        }
    }
    for subject in subjects.iter().filter(|subject| subject.process.is_some()) {
        report.rows.push(Row::new(
            NAME,
            "CPU a request at 2,000/s",
            &subject.name,
            "us",
            figures.of(COST, &subject.name),
        ));
    }
    Ok(())
}
