//! What goes wrong at the recorded baseline: refusals for being too much, above all in bursts, and now and then a
//! failure of the server. All shares are assumptions; no public trace of such traffic has its failures.

use crate::Recorded;
use crate::synth::dice::Dice;
use wire::ErrorKind;

/// From so many requests in the second before on, the baseline's limit of rate bites.
const BUSY_PER_SECOND: usize = 18;
/// When the client gives up waiting, in microseconds.
const DEADLINE_US: u64 = 12_000_000;
/// A request is tried so often at most.
pub(super) const ATTEMPTS_MAX: u32 = 3;

/// One failed attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    status: u16,
    error: ErrorKind,
    pub(super) duration_us: u64,
    /// What the client waits before it tries again.
    pub(super) pause_us: u64,
}

impl Failure {
    /// Whether and how an attempt fails; `attempt` counts from 1, `busy` are the requests of the second before it.
    pub(super) fn draw(attempt: u32, busy: usize, dice: &mut Dice) -> Option<Self> {
        let too_much = dice.below(1_000) < if busy >= BUSY_PER_SECOND { 110 } else { 8 };
        let broken = dice.below(1_000) < 20;
        let pause_us = (dice.between(400_000, 1_200_000)) << (attempt - 1);
        let kind = dice.weighted(&[40, 25, 35]);
        let answered_us = dice.between(40_000, 900_000);
        if attempt >= ATTEMPTS_MAX || !(too_much || broken) {
            return None;
        }
        let (status, error, duration_us) = match kind {
            _ if too_much => (429, ErrorKind::RateLimit, answered_us / 8 + 20_000),
            0 => (500, ErrorKind::Server, answered_us),
            1 => (503, ErrorKind::Overloaded, answered_us),
            _ => (0, ErrorKind::Timeout, DEADLINE_US),
        };
        Some(Self { status, error, duration_us, pause_us })
    }

    /// As it stands in the log.
    pub(super) fn recorded(self, model: &str) -> Recorded {
        Recorded {
            duration_us: Some(self.duration_us),
            error: Some(self.error),
            ..Recorded::new("openai", model, self.status)
        }
    }
}
