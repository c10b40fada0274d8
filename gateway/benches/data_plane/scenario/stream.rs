//! Streams: what a piece costs, how much later the first text arrives, and whether every piece arrives in its order.

use super::{Figures, Scenario, ratio, rotated};
use crate::load::Leg;
use crate::options::Options;
use crate::payload::Wish;
use crate::report::{Report, Row, Target};
use crate::statistics::quantile;
use crate::subject::{Subject, World};
use crate::{Trouble, say};

const NAME: &str = Scenario::Stream.name();

/// One size of the question, with the names of its figures.
struct Size {
    streams: u64,
    chunks: u64,
    interval_us: u64,
    seconds: f64,
    cost: &'static str,
    first_p50: &'static str,
    first_p99: &'static str,
    failed: &'static str,
}

const SIZES: [Size; 2] = [
    Size {
        streams: 100,
        chunks: 50,
        interval_us: 10_000,
        seconds: 5.0,
        cost: "CPU a piece, 100 streams",
        first_p50: "first text p50, 100 streams",
        first_p99: "first text p99, 100 streams",
        failed: "streams not complete and in order, of 100 at once",
    },
    Size {
        streams: 512,
        chunks: 100,
        interval_us: 25_000,
        seconds: 5.0,
        cost: "CPU a piece, 512 streams",
        first_p50: "first text p50, 512 streams",
        first_p99: "first text p99, 512 streams",
        failed: "streams not complete and in order, of 512 at once",
    },
];

/// A leg in which about `streams` run at any time, begun one after the other.
pub(super) fn leg(subject: &Subject, streams: u64, wish: Wish, seconds: f64) -> Leg {
    let length = match wish {
        Wish::Stream { chunks, interval_us } => chunks as f64 * interval_us as f64 / 1e6,
        Wish::Whole { .. } => 1.0,
    };
    Leg {
        address: subject.stream,
        wish,
        // A few more, so that somebody is free when a stream is due.
        connections: streams + streams / 8,
        seconds,
        rate: Some(streams as f64 / length),
    }
}

pub(super) fn run(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let mut subjects = vec![world.direct()?];
    subjects.extend(world.nginx(false)?);
    subjects.push(world.bare()?);
    subjects.extend(world.envoy(false)?);
    subjects.push(world.gateway("gateway", 10.0, 0.0, "healthy")?);
    for size in SIZES {
        let mut figures = Figures::default();
        for round in 0..options.rounds {
            for subject in rotated(&subjects, round) {
                measure(world, subject, &size, options, (round, &mut figures))?;
            }
        }
        rows(&subjects, &size, &figures, report);
    }
    Ok(())
}

fn measure(
    world: &mut World,
    subject: &Subject,
    size: &Size,
    options: &Options,
    (round, figures): (usize, &mut Figures),
) -> Result<(), Trouble> {
    let wish = Wish::Stream { chunks: size.chunks, interval_us: size.interval_us };
    let short = Wish::Stream { chunks: 20, interval_us: 1000 };
    world.warm_up(&leg(subject, 4, short, 0.4))?;
    let mut measured = world.measure(subject, &leg(subject, size.streams, wish, options.seconds(size.seconds)))?;
    let cost = measured.cpu_nanos / 1000.0 / measured.tally.pieces as f64;
    let mut at = |share| quantile(&mut measured.tally.nanos, share) / 1e6;
    let (p50, p99) = (at(0.5), at(0.99));
    let name = &subject.name;
    let failed = measured.tally.failed;
    say::progress(&format!(
        "  round {} {name}, {} streams: {cost:.2} us, p50 {p50:.3} ms, p99 {p99:.3} ms, {failed} failed",
        round + 1,
        size.streams
    ));
    figures.add(size.cost, name, cost);
    figures.add(size.first_p50, name, p50);
    figures.add(size.first_p99, name, p99);
    figures.add(size.failed, name, failed as f64);
    Ok(())
}

fn rows(subjects: &[Subject], size: &Size, figures: &Figures, report: &mut Report) {
    let measured = || subjects.iter().filter(|subject| subject.process.is_some()).map(|subject| &subject.name);
    for name in measured() {
        report.rows.push(Row::new(NAME, size.cost, name, "us", figures.of(size.cost, name)));
    }
    for (pair, target) in [
        (("bare hyper", "nginx"), None),
        (("gateway", "nginx"), Some(Target::AtMost(1.6))),
        (("gateway", "envoy"), None),
        (("gateway", "bare hyper"), None),
    ] {
        report.rows.extend(ratio(figures, NAME, size.cost, pair, target));
    }
    for (what, limit) in [(size.first_p50, 0.3), (size.first_p99, 1.0)] {
        report.rows.push(Row::new(NAME, what, "direct", "ms", figures.of(what, "direct")));
        // Without a subject between them, hundreds of streams have their whole load on one core: nothing to compare with.
        let comparable = size.streams == 100;
        for name in measured() {
            report.rows.push(if comparable {
                let added = figures.against(what, name, "direct", |ours, direct| ours - direct).unwrap_or_default();
                let mut row = Row::new(NAME, &format!("added {what}"), name, "ms", added);
                row.target = (name == "gateway").then_some(Target::AtMost(limit));
                row
            } else {
                Row::new(NAME, what, name, "ms", figures.of(what, name))
            });
        }
    }
    for name in measured() {
        let row = Row::new(NAME, size.failed, name, "", figures.of(size.failed, name));
        report.rows.push(if name == "gateway" { row.target(Target::AtMost(0.0)) } else { row });
    }
}
