//! Resident memory: at rest, under idle connections, under streams, and under readers that do not keep up.

use super::{Figures, Scenario, stream};
use crate::load::hold::Hold;
use crate::options::Options;
use crate::payload::{WHOLE_BYTES, Wish};
use crate::process::{OTHER_CORE, Process};
use crate::report::{Report, Row, Target};
use crate::subject::{Subject, World};
use crate::{Trouble, say};
use std::time::Duration;

const NAME: &str = Scenario::Memory.name();
const REST: &str = "at rest";
const IDLE: &str = "1,000 idle connections";
const STREAMS: &str = "512 active streams";
const SLOW_STREAMS: &str = "1,000 slow readers of 8 MB streams";
const SLOW_WHOLE: &str = "1,000 slow readers of 1 MB answers";
/// How long slow readers are watched: most of a megabyte has passed then.
const SLOW: Duration = Duration::from_secs(8);
const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn run(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let mut figures = Figures::default();
    for round in 0..options.rounds.min(3) {
        for index in 0..3 {
            // One at a time and fresh, because memory remembers.
            let subject = match (index + round) % 3 {
                0 => world.nginx(false)?,
                1 => Some(world.bare()?),
                _ => Some(world.gateway("gateway", 10.0, 0.0, "healthy")?),
            };
            if let Some(subject) = subject {
                measure(world, &subject, round, &mut figures)?;
            }
        }
    }
    for what in [REST, IDLE, STREAMS, SLOW_STREAMS, SLOW_WHOLE] {
        for subject in ["nginx", "bare hyper", "gateway"] {
            let rounds = figures.of(what, subject);
            if !rounds.is_empty() {
                let row = Row::new(NAME, what, subject, "MiB", rounds);
                let rest = what == REST && subject == "gateway";
                report.rows.push(if rest { row.target(Target::AtMost(64.0)) } else { row });
            }
        }
    }
    Ok(())
}

fn measure(world: &World, subject: &Subject, round: usize, figures: &mut Figures) -> Result<(), Trouble> {
    let process = subject.process.as_ref().ok_or("no process")?;
    let mut note = |what| -> Result<(), Trouble> {
        let resident = process.resident_bytes()? as f64 / MIB;
        say::progress(&format!("  round {} {}, {what}: {resident:.1} MiB", round + 1, subject.name));
        figures.add(what, &subject.name, resident);
        Ok(())
    };
    std::thread::sleep(Duration::from_millis(500));
    note(REST)?;
    {
        let _held = hold(world, subject, Wish::Whole { bytes: WHOLE_BYTES }, false)?;
        std::thread::sleep(Duration::from_millis(500));
        note(IDLE)?;
    }
    {
        let wish = Wish::Stream { chunks: 100, interval_us: 25_000 };
        let leg = stream::leg(subject, 512, wish, 4.0);
        let mut load = Process::role("load", &leg, OTHER_CORE, &world.log("load"))?;
        std::thread::sleep(Duration::from_millis(3500));
        note(STREAMS)?;
        load.line()?;
    }
    {
        let _held = hold(world, subject, Wish::Stream { chunks: 40_000, interval_us: 0 }, true)?;
        std::thread::sleep(SLOW);
        note(SLOW_STREAMS)?;
    }
    // nginx would put these on disk.
    if subject.name != "nginx" {
        let _held = hold(world, subject, Wish::Whole { bytes: 1024 * 1024 }, true)?;
        std::thread::sleep(SLOW);
        note(SLOW_WHOLE)?;
    }
    Ok(())
}

fn hold(world: &World, subject: &Subject, wish: Wish, slowly: bool) -> Result<Process, Trouble> {
    let hold = Hold { address: subject.stream, connections: 1000, wish, slowly };
    let mut process = Process::role("hold", &hold, OTHER_CORE, &world.log("hold"))?;
    process.line()?;
    Ok(process)
}
