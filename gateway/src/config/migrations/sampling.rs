//! `[[migrations.NAME.shadow.strata]]` and `repeat_percent`: which share is mirrored, which is asked twice.

use super::super::check::Checker;
use super::super::consumers::Consumers;
use crate::routing::{Patterns, Sampling, Stratum};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    strata: Vec<RawStratum>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStratum {
    prompt_chars_min: Option<u64>,
    prompt_chars_max: Option<u64>,
    consumer: Option<String>,
    model: Option<String>,
    percent: f64,
}

impl Checker<'_> {
    pub(super) fn sampling(
        &mut self,
        key: &str,
        raw: Raw,
        repeat_percent: f64,
        consumers: &Consumers,
    ) -> Option<Sampling> {
        let repeat = self.weight(&format!("{key}.repeat_percent"), repeat_percent);
        let checked: Vec<Option<Stratum>> = raw
            .strata
            .into_iter()
            .enumerate()
            .map(|(place, raw)| self.stratum(&format!("{key}.shadow.strata[{place}]"), raw, consumers))
            .collect();
        let strata: Vec<Stratum> = checked.into_iter().collect::<Option<_>>()?;
        for (place, later) in strata.iter().enumerate() {
            if let Some(first) = strata.iter().take(place).position(|earlier| earlier.covers(later)) {
                self.warnings.push(format!(
                    "{key}.shadow.strata[{place}] is never used: strata[{first}], which stands before it, takes all that \
                     it would; move it up"
                ));
            }
        }
        Some(Sampling { strata, repeat: repeat? })
    }

    fn stratum(&mut self, key: &str, raw: RawStratum, consumers: &Consumers) -> Option<Stratum> {
        let share = self.weight(&format!("{key}.percent"), raw.percent);
        let (min, max) = (raw.prompt_chars_min.unwrap_or(0), raw.prompt_chars_max.unwrap_or(u64::MAX));
        if min > max {
            self.problems.push(format!(
                "{key}: prompt_chars_min is {min} and prompt_chars_max {max}: expected the first to be at most the second"
            ));
        }
        if let Some(name) = raw.consumer.as_deref().filter(|name| !consumers.has(name)) {
            self.problems.push(format!("{key}.consumer is `{name}`: there is no [consumers.{name}]"));
        }
        let models = match raw.model.as_deref().map(|model| Patterns::new([model])).transpose() {
            Ok(models) => Some(models),
            Err(error) => self.problem(format!("{key}.model: {error}")),
        };
        Some(Stratum {
            prompt_chars_min: min,
            prompt_chars_max: max,
            consumer: raw.consumer,
            models: models?,
            share: share?,
        })
    }
}
