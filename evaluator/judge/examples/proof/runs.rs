//! Repetitions of an experiment on all cores, the same whatever their number: every run has a stream of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of every experiment.
pub(crate) type Generator = ChaCha8Rng;

/// How often, and from which seed. A row that has several experiments gives each a seed of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    /// Repetitions.
    pub(crate) count: usize,
    /// Seed of the first experiment.
    pub(crate) seed: u64,
}

impl Runs {
    /// The same number from another seed.
    pub(crate) const fn seeded(self, offset: u64) -> Self {
        Self { seed: self.seed + offset, ..self }
    }

    /// Another number of runs, as a multiple.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { count: ((self.count as f64 * factor).round() as usize).max(20), ..self }
    }

    /// Repeats an experiment and returns the results in the order of the runs.
    pub(crate) fn repeat<T: Send>(self, experiment: impl Fn(&mut Generator) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(self.count));
        let work = || {
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= self.count {
                    return;
                }
                let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
                generator.set_stream(run as u64);
                let result = experiment(&mut generator);
                done.lock().expect("no experiment panics").push((run, result));
            }
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        let mut results = done.into_inner().expect("no experiment panics");
        results.sort_by_key(|(run, _)| *run);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// A generator outside of repeated runs.
pub(crate) fn generator(seed: u64) -> Generator {
    Generator::seed_from_u64(seed)
}
