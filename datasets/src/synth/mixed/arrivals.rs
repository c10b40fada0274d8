//! When requests arrive: the measured gaps, in an order that has the measured bursts.
//!
//! The gaps are drawn by strata, so that a short log still has the tail of the trace: in the violent pattern a handful
//! of silences makes almost all of the variation. Their order decides how many requests fall into one second: in the
//! traces short gaps follow short ones, and the code trace, shuffled, would lose half of its peak and a third of its
//! dispersion. So the ranks of the gaps follow a process with memory, whose one number was set so that peak and
//! dispersion come out as measured.

use crate::synth::dice::{Dice, strata};
use crate::synth::figures::{CODE_GAPS_US, CONVERSATION_GAPS_US};
use crate::synth::{Pattern, Settings};

/// How much of the rank of a gap is left in the next one, in percent.
const CONVERSATION_MEMORY_PERCENT: i64 = 14;
/// The same in the code trace.
const CODE_MEMORY_PERCENT: i64 = 66;
/// Size of the new part of a rank.
const NEWS: u64 = 1 << 20;

/// Instants of all requests, in microseconds from the first, in order.
pub(super) fn arrivals_us(settings: Settings) -> Vec<u64> {
    let (table, memory_percent) = match settings.pattern {
        Pattern::Calm => (CONVERSATION_GAPS_US, CONVERSATION_MEMORY_PERCENT),
        Pattern::Violent => (CODE_GAPS_US, CODE_MEMORY_PERCENT),
    };
    if settings.requests == 0 {
        return Vec::new();
    }
    let mut dice = Dice::new(settings.seed ^ 0x4152_5249_5645);
    let rising = strata(table, settings.requests - 1);
    let mut at_us = 0;
    let mut times = vec![0];
    for gap_us in ordered(&rising, memory_percent, &mut dice) {
        // Two requests at one instant would leave their order to the reader.
        at_us += gap_us.max(1);
        times.push(at_us);
    }
    times
}

/// The values in the order of a process whose next state keeps `memory_percent` of the last one.
fn ordered(rising: &[u64], memory_percent: i64, dice: &mut Dice) -> Vec<u64> {
    let mut state = 0;
    let mut places: Vec<(i64, usize)> = Vec::with_capacity(rising.len());
    for place in 0..rising.len() {
        let news: u64 = (0..4).map(|_| dice.below(NEWS)).sum();
        state = state * memory_percent / 100 + i64::try_from(news).unwrap_or(0) - i64::try_from(2 * NEWS).unwrap_or(0);
        places.push((state, place));
    }
    places.sort_unstable();
    let mut placed: Vec<(usize, u64)> =
        places.into_iter().map(|(_, place)| place).zip(rising.iter().copied()).collect();
    placed.sort_unstable();
    placed.into_iter().map(|(_, value)| value).collect()
}
