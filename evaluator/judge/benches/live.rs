//! What the live guard costs an exchange, and what a look costs.
//!
//! `cargo bench -p judge --bench live`. Prints nanoseconds for an arrival with its ending, at several weights with a
//! hundred requests under way, and for one look at what that left.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::time::Instant;

use judge::live::{Ending, Fresh, Live, Rules};
use judge::metric::Share;
use judge::policy::Policy;

const EXCHANGES: u64 = 2_000_000;
const LOOKS: u32 = 2000;
const UNDER_WAY: usize = 100;

/// A number from 0 to 1 that looks random, from a counter (splitmix64).
fn noise(index: u64, stream: u64) -> f64 {
    let mut z = (index * 8 + stream).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) as f64 / u64::MAX as f64
}

fn main() {
    let rules = Rules::new(&Policy::default());
    for weight in [0.01, 0.1, 0.5] {
        let mut live = Live::new(1, weight, 1);
        let mut ring = std::collections::VecDeque::with_capacity(UNDER_WAY + 1);
        let began = Instant::now();
        for index in 0..EXCHANGES {
            let candidate = noise(index, 0) < weight;
            let fresh = Fresh { at_us: index as i64 * 1000, candidate, streamed: index.is_multiple_of(2), unit: index };
            let mut ending = Ending::default();
            ending.bad.insert_if(Share::Errors.slot(), noise(index, 1) < 0.01);
            ending.bad.insert_if(Share::Truncations.slot(), noise(index, 2) < 0.03);
            ring.push_back((live.arrived(fresh), ending));
            if ring.len() > UNDER_WAY
                && let Some((place, ending)) = ring.pop_front()
            {
                live.ended(place, ending);
            }
        }
        let exchange = began.elapsed().as_nanos() as f64 / EXCHANGES as f64;
        let began = Instant::now();
        for _ in 0..LOOKS {
            black_box(rules.judge(black_box(live.tallied()), 0, 1));
        }
        let look = began.elapsed().as_micros() as f64 / f64::from(LOOKS);
        println!(
            "at {:>2.0} %: {exchange:.0} ns an exchange, {look:.0} us a look, {} blocks",
            weight * 100.0,
            live.tallied().blocks()
        );
    }
}
