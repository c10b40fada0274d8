//! Simulates the default scenario, or one in a file: `simulate RUNS THREADS [SCENARIO.toml [POLICY.toml]]`. Prints the
//! table of operating characteristics and how long a migration took to compute.
#![expect(clippy::print_stdout, reason = "an example prints")]

use judge::policy::Policy;
use judge::simulate::{Contender, Extent, Naive, Population, Rule, Scenario, simulate};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = |place: usize| arguments.get(place).map_or(Ok(String::new()), std::fs::read_to_string);
    let number = |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let extent = Extent { runs: number(0, 100)?, seed: 1, threads: usize::try_from(number(1, 2)?)? };
    let (scenario, policy) = (Scenario::parse(&file(2)?)?, Policy::parse(&file(3)?)?);
    let judge = Contender { name: "judge".to_owned(), rule: Rule::Judge(policy) };
    let naive = Naive::ALL.map(|rule| Contender { name: rule.name().to_owned(), rule: Rule::Naive(rule) });
    for contender in std::iter::once(judge).chain(naive) {
        let started = Instant::now();
        let simulation = simulate(&scenario, &Population::Synthetic, &[contender], extent, &|| {});
        for result in &simulation.contenders {
            println!(
                "{:16} promoted {:.3} in {:?} h, taken back {:.3} in {:?} h, open {:.3}, extra failures {:.1} (p95 {:.1}), \
                 {:?}",
                result.name,
                result.promoted,
                result.hours_to_full.map(|hours| hours.median),
                result.rolled_back,
                result.hours_to_rollback.map(|hours| hours.median),
                result.open,
                result.extra_failures.mean,
                result.extra_failures.p95,
                result.stopped_by
            );
        }
        println!("{:16} {:.1} s", "", started.elapsed().as_secs_f64());
    }
    Ok(())
}
