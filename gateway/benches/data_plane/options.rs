//! The command line.

use crate::Trouble;
use crate::scenario::Scenario;
use std::path::PathBuf;

const HELP: &str = "\
cargo bench -p gateway --bench data_plane -- [OPTIONS]
  --rounds N       rounds over all subjects (5)
  --quick          one round of short legs: does everything run?
  --only A,B       scenarios: plain, latency, stream, shadow, memory, start (all)
  --json FILE      writes every figure of every round";

/// What to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub rounds: usize,
    pub quick: bool,
    pub only: Vec<Scenario>,
    pub json: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Trouble> {
        let mut options = Self { rounds: 5, quick: false, only: Scenario::ALL.to_vec(), json: None };
        let mut rounds = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{HELP}"));
            match word.as_str() {
                // Cargo says so itself.
                "--bench" => {}
                "--quick" => options.quick = true,
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds: expected a number from 1")?),
                "--json" => options.json = Some(PathBuf::from(value()?)),
                "--only" => options.only = value()?.split(',').map(Scenario::parse).collect::<Result<_, _>>()?,
                _ => return Err(format!("unknown option {word}\n{HELP}").into()),
            }
        }
        options.rounds = rounds.unwrap_or(if options.quick { 1 } else { 5 });
        if options.rounds == 0 {
            return Err("--rounds is 0: expected a number from 1".into());
        }
        Ok(options)
    }

    /// Length of a leg: `seconds`, or less in a hurry.
    pub(crate) fn seconds(&self, seconds: f64) -> f64 {
        if self.quick { seconds / 3.0 } else { seconds }
    }
}
