//! Times and lengths as they were measured, instead of a formula: production has queues, caches and two kinds of customers, and
//! no log-normal has the shape of that.
//!
//! A table holds the values at fixed shares of the requests. A draw picks a share and goes between the two values around
//! it, in proportion where one of them is 0, and else in equal ratios, as latencies spread. A slow start often goes with
//! slow tokens, so the gaps can have a table for each band of starts. Lengths are drawn independently of times.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Profile, ProfileError};
use crate::dice::Dice;

/// The shares of requests, 0 to 1, at which tables have their values.
pub const SHARES: [f64; 18] =
    [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0];

/// Measured times and lengths. An empty table is not measured, and the profile's formula holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Measured {
    /// From the arrival of a request to the first token, milliseconds at each of [`SHARES`].
    pub first_token_ms: Vec<f64>,
    /// From one token to the next, milliseconds at each of [`SHARES`]: one draw for a whole answer, as records only tell how
    /// long an answer took altogether.
    pub gap_ms: Vec<f64>,
    /// The same by the time of the first token, from the fastest starts to the slowest; where there are bands, `gap_ms` is not
    /// looked at.
    pub gap_bands: Vec<GapBand>,
    /// Tokens that a client sees of a generated answer, at each of [`SHARES`].
    pub answer_tokens: Vec<f64>,
    /// Tokens of reasoning, at each of [`SHARES`].
    pub reasoning_tokens: Vec<f64>,
}

/// The gaps of answers that started about equally fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapBand {
    /// Share of requests that start as fast or faster, 0 to 1; larger than that of the band before, and 1 in the last one.
    pub until: f64,
    /// As [`Measured::gap_ms`].
    pub gap_ms: Vec<f64>,
}

impl Measured {
    /// Draws the time to the first token and the gap of one answer, milliseconds; `None` for what was not measured.
    pub(crate) fn draw_times(&self, dice: &mut Dice) -> (Option<f64>, Option<f64>) {
        if self.first_token_ms.is_empty() {
            return (None, draw(&self.gap_ms, dice));
        }
        let share = dice.random();
        let band = self.gap_bands.iter().find(|band| share < band.until).or(self.gap_bands.last());
        let gap_ms = draw(band.map_or(&self.gap_ms, |band| &band.gap_ms), dice);
        (at(&self.first_token_ms, share), gap_ms)
    }
}

/// One draw from a table; `None` if the table is empty.
pub(crate) fn draw(table: &[f64], dice: &mut Dice) -> Option<f64> {
    if table.is_empty() { None } else { at(table, dice.random()) }
}

/// The value of a table at a share.
fn at(table: &[f64], share: f64) -> Option<f64> {
    let above = SHARES.partition_point(|known| *known <= share).min(SHARES.len() - 1);
    let below = above.checked_sub(1)?;
    let (from, until) = (SHARES.get(below)?, SHARES.get(above)?);
    let (low, high) = (*table.get(below)?, *table.get(above)?);
    let part = ((share - from) / (until - from)).clamp(0.0, 1.0);
    Some(if low > 0.0 { low * (high / low).powf(part) } else { low + (high - low) * part })
}

impl Profile {
    /// What was measured of a model, or of all.
    pub(crate) fn measured_of(&self, model: &str) -> Option<&Measured> {
        self.measured_by_model.get(model).or(self.measured.as_ref())
    }

    pub(super) fn check_measured(&self) -> Result<(), ProfileError> {
        let all = self.measured.iter().map(|measured| ("measured".to_owned(), measured));
        let by_model =
            self.measured_by_model.iter().map(|(model, measured)| (format!("measured_by_model.{model}"), measured));
        for (place, measured) in all.chain(by_model) {
            let Measured { first_token_ms, gap_ms, gap_bands, answer_tokens, reasoning_tokens } = measured;
            let ends: Vec<f64> = gap_bands.iter().map(|band| band.until).collect();
            let rises = ends.is_sorted() && ends.iter().all(|end| (0.0..=1.0).contains(end));
            if !rises {
                return Err(ProfileError::OutOfRange {
                    field: format!("{place}.gap_bands"),
                    found: format!("{ends:?}"),
                    expected: "bands whose `until` rises from 0 to 1",
                });
            }
            let tables = [
                ("first_token_ms", first_token_ms),
                ("gap_ms", gap_ms),
                ("answer_tokens", answer_tokens),
                ("reasoning_tokens", reasoning_tokens),
            ];
            let bands = gap_bands.iter().map(|band| ("gap_bands.gap_ms", &band.gap_ms));
            for (name, table) in tables.into_iter().chain(bands) {
                let holds = table.is_empty() || table.len() == SHARES.len();
                let holds = holds && table.is_sorted() && table.iter().all(|value| (0.0..=1e9).contains(value));
                if !holds {
                    return Err(ProfileError::OutOfRange {
                        field: format!("{place}.{name}"),
                        found: format!("{table:?}"),
                        expected: "no numbers, or 18 from 0 to 1e9 of which none is smaller than the one before it",
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn draws_keep_to_the_table() {
        let table: Vec<f64> = SHARES.iter().map(|share| 10.0 * (1.0 + share)).collect();
        assert_eq!((at(&table, 0.0), at(&table, 1.0)), (Some(10.0), Some(20.0)));
        assert!((at(&table, 0.5).unwrap() - 15.0).abs() < 1e-9);
        let mut dice = Dice::seed_from_u64(1);
        let mut draws: Vec<f64> = (0..20_000).map(|_| draw(&table, &mut dice).unwrap()).collect();
        draws.sort_by(f64::total_cmp);
        for share in [0.01, 0.2, 0.5, 0.9, 0.99] {
            let (found, expected) = (draws[(share * 20_000.0) as usize], 10.0 * (1.0 + share));
            assert!((found / expected - 1.0).abs() < 0.02, "{share}: {found} and not {expected}");
        }
        assert_eq!(draw(&[], &mut dice), None);
        let zeros = [0.0; 18];
        assert_eq!(at(&zeros, 0.37), Some(0.0));
    }
}
