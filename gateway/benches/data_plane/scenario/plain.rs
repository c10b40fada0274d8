//! What a request costs under saturation: a closed loop over 64 connections.

use super::{Figures, Scenario, ratio, rotated};
use crate::load::Leg;
use crate::options::Options;
use crate::payload::Wish;
use crate::report::{Report, Row, Target};
use crate::subject::World;
use crate::{Trouble, say};

const COST: &str = "CPU a request";
const SPEED: &str = "requests a second";
const NAME: &str = Scenario::Plain.name();

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
                rate: None,
            };
            world.warm_up(&leg(0.4))?;
            let measured = world.measure(subject, &leg(3.0))?;
            let requests = measured.tally.requests as f64;
            let (cost, speed) = (measured.cpu_nanos / 1000.0 / requests, requests / measured.tally.seconds);
            let name = &subject.name;
            say::progress(&format!("  round {} {name}: {cost:.1} us, {speed:.0}/s", round + 1));
            figures.add(COST, name, cost);
            figures.add(SPEED, name, speed);
        }
    }
    for subject in &subjects {
        let name = &subject.name;
        if subject.process.is_some() {
            report.rows.push(Row::new(NAME, COST, name, "us", figures.of(COST, name)));
        }
        report.rows.push(Row::new(NAME, SPEED, name, "/s", figures.of(SPEED, name)));
    }
    for (pair, target) in [
        (("bare hyper", "nginx"), None),
        (("envoy", "nginx"), None),
        (("gateway", "nginx"), Some(Target::AtMost(2.0))),
        (("gateway", "envoy"), Some(Target::EveryRoundBelow(1.0))),
        (("gateway", "bare hyper"), None),
    ] {
        report.rows.extend(ratio(&figures, NAME, COST, pair, target));
    }
    Ok(())
}
