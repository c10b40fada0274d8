//! The proof: operating characteristics of the judge by simulation, beside their targets and beside common practice.
//!
//! ```text
//! cargo run --release -p judge --example proof -- [--scale 0.1] [--only T3[,T4]] [--out FILE.md]
//! ```
//!
//! Every row says how often it was run and from fixed seeds; the same command gives the same table on any number of
//! cores. Progress goes to standard error, the table to standard output or the file. Nothing is tuned to a seed: where a
//! target is missed, the table says so.

#![expect(clippy::expect_used, reason = "an experiment with a wrong constant must stop")]

mod canary;
mod clusters;
mod detection;
mod health;
mod intervals;
mod live;
mod owed;
mod pairs;
mod ramp;
mod rules;
mod runs;
mod same;
mod table;
mod traffic;

use std::io::{self, Write};
use std::time::Instant;

use runs::Runs;
use table::Row;

/// Runs of most rows at scale 1.
const RUNS: f64 = 2000.0;

type Experiment = (&'static str, u64, fn(Runs) -> Vec<Row>);

/// All experiments with their seeds.
const EXPERIMENTS: &[Experiment] = &[
    ("T1", 1_000, pairs::false_go_at_the_margin),
    ("T3", 3_000, pairs::go_on_identical),
    ("T4", 4_000, pairs::go_under_regression),
    ("T5", 5_000, detection::no_go_on_errors),
    ("T6", 6_000, detection::detection),
    ("T6-live", 6_100, live::detection),
    ("T7", 7_000, pairs::slow_tail),
    ("T8", 8_000, pairs::harmless_slowdown),
    ("T9", 9_000, ramp::ramps),
    ("T12", 12_000, clusters::calibration),
    ("T13", 13_000, intervals::misses),
    ("T14", 14_000, health::false_alarms),
    ("T15", 15_000, same::any_order),
    ("T16", 16_000, same::cost_of_a_verdict),
    ("canary", 17_000, owed::drifting_canary),
    ("prices", 18_000, owed::price_change),
    ("mirror", 19_000, owed::biased_mirror),
];

struct Arguments {
    scale: f64,
    only: Vec<String>,
    out: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments { scale: 1.0, only: Vec::new(), out: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--scale" => {
                let text = value()?;
                let scale = text.parse().ok().filter(|scale: &f64| *scale > 0.0 && scale.is_finite());
                parsed.scale = scale.ok_or_else(|| format!("--scale: `{text}` is not a number above 0"))?;
            }
            "--only" => parsed.only.extend(value()?.split(',').map(str::to_owned)),
            "--out" => parsed.out = Some(value()?),
            _ => return Err(format!("unknown argument `{name}`; known are --scale, --only and --out")),
        }
    }
    for wanted in &parsed.only {
        if !EXPERIMENTS.iter().any(|(id, ..)| id == wanted) {
            let known: Vec<&str> = EXPERIMENTS.iter().map(|(id, ..)| *id).collect();
            return Err(format!("--only: no experiment `{wanted}`; there are {}", known.join(", ")));
        }
    }
    Ok(parsed)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = arguments()?;
    let start = Instant::now();
    let mut rows = Vec::new();
    for (id, seed, experiment) in EXPERIMENTS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|wanted| wanted == id) {
            continue;
        }
        write!(io::stderr(), "{id} ...")?;
        let began = Instant::now();
        rows.extend(experiment(Runs { count: (RUNS * arguments.scale).round().max(20.0) as usize, seed: *seed }));
        writeln!(io::stderr(), " {:.1} s", began.elapsed().as_secs_f64())?;
    }
    writeln!(io::stderr(), "{:.1} s in all", start.elapsed().as_secs_f64())?;
    let table = table::markdown(&rows);
    match arguments.out {
        Some(path) => std::fs::write(path, table)?,
        None => io::stdout().write_all(table.as_bytes())?,
    }
    Ok(())
}
