//! The mirror: what a request with its copy costs, and whether the client notices what the candidate does.
//!
//! The tax is a difference of quantiles over all rounds, with an interval; a leg has at least 20,000 requests in all. Each
//! leg has a gateway of its own, freshly started: copies that hang in one would fill the queue of the next.

use super::{Figures, Scenario, ratio};
use crate::load::Leg;
use crate::options::Options;
use crate::payload::Wish;
use crate::report::{Report, Row, Target};
use crate::statistics::{difference, quantile};
use crate::subject::{Subject, World};
use crate::{Trouble, say};
use serde_json::Value;
use std::time::{Duration, Instant};

const NAME: &str = Scenario::Shadow.name();
const COST: &str = "CPU a request with its copy";
const COPIES: &str = "share of copies that the candidate got";
/// Requests a second at which the mirrors' costs are compared.
const COST_RATE: f64 = 4000.0;
/// Requests a second at which the tax is measured.
const TAX_RATE: f64 = 2000.0;
/// Requests that a leg of the tax has at least, over all rounds.
const TAX_REQUESTS: f64 = 20_000.0;
/// A tax is allowed to be this, or 5%, whichever is more.
const TAX_MS: f64 = 0.1;
const TAX_SHARE: f64 = 0.05;
/// How long copies may take to end after the last answer.
const COPIES_TIMEOUT: Duration = Duration::from_secs(5);
const NO_SHADOW: &str = "no shadow";

pub(super) fn run(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    cost(world, options, report)?;
    tax(world, options, report)
}

fn leg(subject: &Subject, rate: f64, seconds: f64) -> Leg {
    Leg { address: subject.whole, wish: Wish::PLAIN, connections: 64, seconds, rate: Some(rate) }
}

fn cost(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let mut subjects = Vec::new();
    subjects.extend(world.nginx(true)?);
    subjects.extend(world.envoy(true)?);
    subjects.push(world.gateway("gateway", 0.0, 100.0, "healthy")?);
    let mut figures = Figures::default();
    for round in 0..options.rounds {
        for subject in super::rotated(&subjects, round) {
            world.warm_up(&leg(subject, COST_RATE, options.seconds(0.4)))?;
            let before = world.asked("healthy")?;
            let measured = world.measure(subject, &leg(subject, COST_RATE, options.seconds(3.0)))?;
            let requests = measured.tally.requests as f64;
            let copies = (world.asked("healthy")? - before) as f64 / requests;
            let cost = measured.cpu_nanos / 1000.0 / requests;
            let name = &subject.name;
            say::progress(&format!("  round {} {name}: {cost:.1} us, {copies:.3} copies", round + 1));
            figures.add(COST, name, cost);
            figures.add(COPIES, name, copies);
        }
    }
    for subject in &subjects {
        report.rows.push(Row::new(NAME, COST, &subject.name, "us", figures.of(COST, &subject.name)));
        report.rows.push(Row::new(NAME, COPIES, &subject.name, "", figures.of(COPIES, &subject.name)));
    }
    for (other, target) in [("nginx mirror", Some(Target::AtMost(1.0))), ("envoy mirror", None)] {
        report.rows.extend(ratio(&figures, NAME, COST, ("gateway", other), target));
    }
    Ok(())
}

/// One manner of the candidate, over all rounds.
struct Manner {
    name: &'static str,
    shadow_percent: f64,
    candidate: &'static str,
    rounds: Vec<Vec<u64>>,
    failed: u64,
    /// What the gateway said of its copies, one a round.
    counts: Vec<Value>,
    /// Copies that the candidate really got.
    arrived: Vec<f64>,
}

impl Manner {
    const fn new(name: &'static str, shadow_percent: f64, candidate: &'static str) -> Self {
        Self { name, shadow_percent, candidate, rounds: Vec::new(), failed: 0, counts: Vec::new(), arrived: Vec::new() }
    }
}

fn tax(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let mut manners = [
        Manner::new(NO_SHADOW, 0.0, "healthy"),
        Manner::new("healthy", 100.0, "healthy"),
        Manner::new("slow by 300 ms", 100.0, "slow"),
        Manner::new("failing", 100.0, "failing"),
        Manner::new("hanging", 100.0, "hanging"),
    ];
    let count = manners.len();
    let seconds = (TAX_REQUESTS / TAX_RATE / options.rounds as f64 * 1.02).max(2.0);
    for round in 0..options.rounds {
        for index in 0..count {
            let manner = &mut manners[(index + round) % count];
            once(world, manner, options.seconds(seconds), round)?;
        }
    }
    let [without, with @ ..] = &manners;
    for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
        let base = quantile(&mut without.rounds.concat(), share) / 1e6;
        report.rows.push(Row::new(NAME, &format!("{what} at 2,000/s"), NO_SHADOW, "ms", vec![base]));
        for manner in with {
            let mut tax = difference(&manner.rounds, &without.rounds, share);
            for nanos in [&mut tax.value, &mut tax.low, &mut tax.high] {
                *nanos /= 1e6;
            }
            let mut row = Row::new(NAME, &format!("shadow tax {what}"), manner.name, "ms", Vec::new());
            row.interval = Some(tax);
            report.rows.push(row.target(Target::AtMost(TAX_MS.max(TAX_SHARE * base))));
        }
    }
    for manner in &manners {
        let row = Row::new(NAME, "requests that failed", manner.name, "", vec![manner.failed as f64]);
        report.rows.push(row.target(Target::AtMost(without.failed as f64)));
        let requests: usize = manner.rounds.iter().map(Vec::len).sum();
        report.rows.push(Row::new(NAME, "requests", manner.name, "", vec![requests as f64]));
    }
    for manner in with {
        for name in ["accepted", "finished", "dropped"] {
            let counts = manner.counts.iter().filter_map(|counts| counts[name].as_f64()).collect();
            report.rows.push(Row::new(NAME, &format!("copies {name}"), manner.name, "a leg", counts));
        }
        let arrived = manner.arrived.clone();
        report.rows.push(Row::new(NAME, "copies that the candidate got", manner.name, "a leg", arrived));
    }
    Ok(())
}

fn once(world: &mut World, manner: &mut Manner, seconds: f64, round: usize) -> Result<(), Trouble> {
    let before = world.asked(manner.candidate)?;
    let mut subject = world.gateway(manner.name, 0.0, manner.shadow_percent, manner.candidate)?;
    world.warm_up(&leg(&subject, TAX_RATE, 0.4))?;
    let mut tally = world.measure(&subject, &leg(&subject, TAX_RATE, seconds))?.tally;
    let counts = counts(&mut subject)?;
    let p50 = quantile(&mut tally.nanos.clone(), 0.5) / 1e6;
    let p99 = quantile(&mut tally.nanos.clone(), 0.99) / 1e6;
    let name = manner.name;
    say::progress(&format!("  round {} candidate {name}: p50 {p50:.3} ms, p99 {p99:.3} ms, {counts}", round + 1));
    manner.rounds.push(std::mem::take(&mut tally.nanos));
    manner.failed += tally.failed;
    manner.counts.push(counts);
    manner.arrived.push((world.asked(manner.candidate)? - before) as f64);
    Ok(())
}

/// The gateway's own account of its copies, once they ended or will not.
fn counts(subject: &mut Subject) -> Result<Value, Trouble> {
    let process = subject.process.as_mut().ok_or("no gateway")?;
    let begin = Instant::now();
    loop {
        let counts = process.ask("shadow")?;
        if counts["held"] == 0 || begin.elapsed() > COPIES_TIMEOUT {
            return Ok(counts);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
