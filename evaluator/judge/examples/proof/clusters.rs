//! Few, unequal consumers: T12. A canary that is sticky per consumer, of whom a few make most of the traffic.

use judge::stats::randomisation::{self, UnitTotals};
use judge::stats::special::normal_quantile;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Row};
use crate::traffic::normal;

/// Spread of consumers' mean log latency, of a request around it, and of a consumer between two periods.
const BETWEEN: f64 = 0.4;
const WITHIN: f64 = 0.6;
const DRIFT: f64 = 0.05;
const LEVEL: f64 = 0.05;

/// Which rules raise an alarm although nothing changed.
struct Alarms {
    ours: bool,
    on_requests: bool,
    on_consumers: bool,
}

/// One A/A canary over consumers of these sizes.
fn canary(rng: &mut Generator, sizes: &[f64]) -> Alarms {
    let mut arms: Vec<bool> = (0..sizes.len()).map(|place| place % 2 == 1).collect();
    arms.shuffle(rng);
    let mut units = Vec::with_capacity(sizes.len());
    for (size, candidate) in sizes.iter().copied().zip(arms) {
        let own = BETWEEN * normal(rng);
        let mut period = || own + WITHIN * normal(rng) / size.sqrt() + DRIFT * normal(rng);
        let before = Some(period());
        units.push(UnitTotals { candidate, sum: period() * size, size, before });
    }
    let p = randomisation::p_value(&units, 0.0, 999, rng.random()).expect("two units in each arm");
    let [candidate, baseline] =
        [true, false].map(|arm| Arm::of(units.iter().filter(move |unit| unit.candidate == arm)));
    let difference = candidate.mean - baseline.mean;
    let iid = (BETWEEN * BETWEEN + WITHIN * WITHIN) * (1.0 / candidate.size + 1.0 / baseline.size);
    let z = normal_quantile(1.0 - LEVEL);
    Alarms {
        ours: p <= LEVEL,
        on_requests: difference > z * iid.sqrt(),
        on_consumers: difference > z * (candidate.variance + baseline.variance).sqrt(),
    }
}

/// Mean over requests, its linearised variance over consumers, and requests.
struct Arm {
    mean: f64,
    variance: f64,
    size: f64,
}

impl Arm {
    fn of<'a>(units: impl Iterator<Item = &'a UnitTotals>) -> Self {
        let units: Vec<&UnitTotals> = units.collect();
        let size: f64 = units.iter().map(|unit| unit.size).sum();
        let mean = units.iter().map(|unit| unit.sum).sum::<f64>() / size;
        let squares: f64 = units.iter().map(|unit| (unit.sum - mean * unit.size).powi(2)).sum();
        let groups = units.len() as f64;
        Self { mean, variance: groups / (groups - 1.0) * squares / (size * size), size }
    }
}

/// T12.
pub(crate) fn calibration(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, consumers) in [12_usize, 40, 200].into_iter().enumerate() {
        let harmonic: f64 = (1..=consumers).map(|rank| 1.0 / rank as f64).sum();
        let size = |rank: usize| (20_000.0 / rank as f64 / harmonic).round().max(5.0);
        let sizes: Vec<f64> = (1..=consumers).map(size).collect();
        let results = runs.seeded(at as u64).times(2.0).repeat(|rng| canary(rng, &sizes));
        let ours = Frequency::of(&results, |r| r.ours);
        let met = ours.at_most(0.06) && ours.at_least(0.04);
        rows.push(
            Row::new("T12", format!("A/A, {consumers} Zipf consumers, one-sided alarm at 5 %"), results.len())
                .found(format!("randomisation test with CUPED {}", ours.text()))
                .target("4 to 6 %", met)
                .rules(format!(
                    "z on requests {}, z on consumers {}",
                    Frequency::of(&results, |r| r.on_requests).text(),
                    Frequency::of(&results, |r| r.on_consumers).text()
                )),
        );
    }
    rows
}
