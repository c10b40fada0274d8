//! Streams of random numbers: one for each run and purpose, all from one seed.
//!
//! ChaCha is counted, so that a stream is its number and nothing that another run or thread drew can move it: the same
//! seed gives the same bits, whatever the number of threads and whichever policies are compared. The policies of one run
//! share a stream, so that they meet the same traffic as far as their weights agree.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator of a simulation.
pub(super) type Random = ChaCha8Rng;

/// The stream of a run.
pub(super) fn stream(seed: u64, run: u64) -> Random {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(run);
    random
}

/// Whether something of this chance happens.
pub(super) fn happens(random: &mut Random, chance: f64) -> bool {
    random.random::<f64>() < chance
}

/// A table from which a number below its length is drawn in constant time (Walker 1977, set up as Vose 1991 does).
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// By place: below this part of 2^32 the place itself, else the other.
    places: Vec<(u32, u32)>,
}

impl Alias {
    /// A table for these weights, which are not below zero; all of equal weight where they sum to nothing.
    pub(super) fn new(weights: &[f64]) -> Self {
        let n = weights.len().max(1);
        let total: f64 = weights.iter().sum();
        let scaled = |weight: f64| if total > 0.0 { weight / total * n as f64 } else { 1.0 };
        let mut rest: Vec<f64> = weights.iter().map(|weight| scaled(*weight)).collect();
        rest.resize(n, 1.0);
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|place| rest[*place] < 1.0);
        let mut places: Vec<(u32, u32)> = (0..n).map(|place| (u32::MAX, place as u32)).collect();
        while let (Some(low), Some(high)) = (small.pop(), large.last().copied()) {
            places[low] = ((rest[low] * f64::from(u32::MAX)) as u32, high as u32);
            rest[high] -= 1.0 - rest[low];
            if rest[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { places }
    }

    /// Draws a place.
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let bits = random.next_u64();
        let place = (((bits >> 32) * self.places.len() as u64) >> 32) as usize;
        match self.places.get(place) {
            Some((below, _)) if (bits as u32) < *below => place,
            Some((_, other)) => *other as usize,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ChiSquared, ContinuousCDF};

    #[test]
    fn a_table_draws_by_weight() {
        let weights = [0.5, 0.0, 2.0, 7.5, 0.001, 3.0];
        let (table, mut random) = (Alias::new(&weights), stream(5, 0));
        let draws = 400_000;
        let mut seen = [0u32; 6];
        for _ in 0..draws {
            seen[table.draw(&mut random)] += 1;
        }
        assert_eq!(seen[1], 0);
        let total: f64 = weights.iter().sum();
        let distance: f64 = [0, 2, 3, 4, 5]
            .map(|place: usize| {
                let expected = weights[place] / total * f64::from(draws);
                (f64::from(seen[place]) - expected).powi(2) / expected
            })
            .iter()
            .sum();
        let p = ChiSquared::new(4.0).unwrap().sf(distance);
        assert!(p > 1e-4, "chi-square {distance}, p {p}");
    }

    #[test]
    fn runs_have_streams_of_their_own() {
        let first = |seed, run| stream(seed, run).next_u64();
        assert_eq!(first(1, 7), first(1, 7));
        assert_ne!(first(1, 7), first(1, 8));
        assert_ne!(first(1, 7), first(2, 7));
    }
}
