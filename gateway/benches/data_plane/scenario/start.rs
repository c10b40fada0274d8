//! From starting the process to the first answer to `/healthz`, configuration and record file included.

use super::Scenario;
use crate::Trouble;
use crate::options::Options;
use crate::report::{Report, Row, Target};
use crate::subject::World;
use std::time::Instant;

const NAME: &str = Scenario::Start.name();
const STARTS: usize = 10;

pub(super) fn run(world: &mut World, options: &Options, report: &mut Report) -> Result<(), Trouble> {
    let starts = if options.quick { 3 } else { STARTS };
    let (mut bare, mut gateway) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        let begin = Instant::now();
        let subject = world.bare()?;
        bare.push(begin.elapsed().as_secs_f64() * 1000.0);
        drop(subject);
        let begin = Instant::now();
        let subject = world.gateway("gateway", 10.0, 0.0, "healthy")?;
        gateway.push(begin.elapsed().as_secs_f64() * 1000.0);
        drop(subject);
    }
    report.rows.push(Row::new(NAME, "start to first answer", "bare hyper", "ms", bare));
    report.rows.push(Row::new(NAME, "start to first answer", "gateway", "ms", gateway).target(Target::AtMost(100.0)));
    Ok(())
}
