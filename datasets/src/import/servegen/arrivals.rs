//! Instants of arrival, drawn client by client and merged by time.
//!
//! A window is a renewal process in its steady state. Its gaps have the family's shape and the mean 1 / rate. What is left
//! of the gap in which the window begins is a uniform share of a gap that is drawn in proportion to its length: for a
//! Gamma of shape k that is one of shape k + 1, and for a Weibull of shape c the power 1 / c of a Gamma of shape
//! 1 + 1 / c. With it, the expected number of arrivals is rate times length exactly, however bursty the client is. A gap
//! ends with its window: the next one has a law of its own.

use super::super::entry::Place;
use super::rates::{Client, Family, RateTable, Window};
use crate::digest;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Weibull};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One request.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) at_us: u64,
    pub(super) client: String,
    /// Where its window stands in the table.
    pub(super) place: Place,
    /// When its window began.
    pub(super) window_us: u64,
    /// Where in the distribution of lengths it lies: two draws from the unit interval.
    pub(super) lengths: [f64; 2],
}

/// All clients.
pub(super) struct Merged {
    streams: Vec<Stream>,
    /// The next instant of each client that has one, and its place.
    heap: BinaryHeap<Reverse<(u64, usize)>>,
}

struct Stream {
    client: Client,
    current: Option<Current>,
    /// Key of this client's draws.
    key: [u64; 2],
    window_us: u64,
}

/// The window that is being drawn.
struct Current {
    window: Window,
    gaps: Gaps,
    draws: ChaCha8Rng,
    /// Seconds into the window.
    offset_s: f64,
}

impl Merged {
    pub(super) fn new(rates: RateTable, seed: u64) -> Self {
        let window_us = rates.window_us;
        let stream = |client: Client| {
            let key = [seed, digest::short(client.name.as_bytes())];
            Stream { client, current: None, key, window_us }
        };
        let mut streams: Vec<Stream> = rates.clients.into_iter().map(stream).collect();
        let firsts = streams.iter_mut().enumerate();
        let heap = firsts.filter_map(|(place, stream)| Some(Reverse((stream.advance()?, place)))).collect();
        Self { streams, heap }
    }

    pub(super) fn next_arrival(&mut self) -> Option<Arrival> {
        let Reverse((at_us, place)) = self.heap.pop()?;
        let stream = self.streams.get_mut(place)?;
        let current = stream.current.as_mut()?;
        let arrival = Arrival {
            at_us,
            client: stream.client.name.clone(),
            place: current.window.place.clone(),
            window_us: current.window.start_us,
            lengths: [current.draws.random(), current.draws.random()],
        };
        if let Some(next_us) = stream.advance() {
            self.heap.push(Reverse((next_us, place)));
        }
        Some(arrival)
    }
}

impl Stream {
    /// Moves to the client's next arrival.
    fn advance(&mut self) -> Option<u64> {
        let length_s = self.window_us as f64 / 1e6;
        loop {
            let Some(current) = &mut self.current else {
                let window = self.client.windows.pop_front()?;
                let mut draws = generator([self.key[0], self.key[1], window.start_us]);
                let gaps = Gaps::of(&window);
                let offset_s = gaps.as_ref().map_or(f64::INFINITY, |gaps| gaps.rest(&mut draws));
                if let (Some(gaps), true) = (gaps, offset_s < length_s) {
                    let at_us = instant(&window, offset_s);
                    self.current = Some(Current { window, gaps, draws, offset_s });
                    return Some(at_us);
                }
                continue;
            };
            current.offset_s += current.gaps.next(&mut current.draws);
            if current.offset_s < length_s {
                return Some(instant(&current.window, current.offset_s));
            }
            self.current = None;
        }
    }
}

fn instant(window: &Window, offset_s: f64) -> u64 {
    window.start_us.saturating_add((offset_s * 1e6) as u64)
}

fn generator(parts: [u64; 3]) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, part) in key.chunks_exact_mut(8).zip(parts) {
        place.copy_from_slice(&part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The law of the gaps of a window, in seconds.
enum Gaps {
    Gamma { each: Gamma<f64>, around: Gamma<f64> },
    Weibull { each: Weibull<f64>, around: Gamma<f64>, scale: f64, power: f64 },
}

impl Gaps {
    /// `None` for numbers that the families do not take; the table has none.
    fn of(window: &Window) -> Option<Self> {
        let Window { rate, shape, .. } = *window;
        match window.family {
            Family::Gamma => {
                let scale = 1.0 / (rate * shape);
                Some(Self::Gamma { each: Gamma::new(shape, scale).ok()?, around: Gamma::new(shape + 1.0, scale).ok()? })
            }
            Family::Weibull => {
                let power = 1.0 / shape;
                // Shapes near 0 have a mean beyond what can be told, and are then no law.
                let scale = 1.0 / (rate * libm::tgamma(1.0 + power));
                let around = Gamma::new(1.0 + power, 1.0).ok()?;
                Some(Self::Weibull { each: Weibull::new(scale, shape).ok()?, around, scale, power })
            }
        }
    }

    fn next(&self, draws: &mut impl Rng) -> f64 {
        match self {
            Self::Gamma { each, .. } => each.sample(draws),
            Self::Weibull { each, .. } => each.sample(draws),
        }
    }

    /// What is left of the gap in which a clock begins to look.
    fn rest(&self, draws: &mut impl Rng) -> f64 {
        let share: f64 = draws.random();
        let around = match self {
            Self::Gamma { around, .. } => around.sample(draws),
            Self::Weibull { around, scale, power, .. } => scale * around.sample(draws).powf(*power),
        };
        share * around
    }
}
