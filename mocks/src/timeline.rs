//! When which byte leaves: the bytes of an answer with the instants at which they are due. Pure.
//!
//! All instants count from the arrival of the request, so a late wake-up delays one chunk and not all that follow, and
//! an answer of a thousand chunks takes as long as planned. The whole answer is laid out before its first byte is sent:
//! sending is then nothing but slicing one shared buffer.

use rand::RngExt;

use crate::dice::Dice;
use crate::profile::{Fault, Faults, Latency, Profile};

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// After the last byte the body is complete.
    Complete,
    /// After the last byte nothing more comes and the connection stays open.
    Stall,
    /// After the last byte the connection breaks; what is under way may be lost.
    Abort,
    /// After the last byte the connection is closed although the answer is not complete.
    Close,
}

/// The bytes of an answer and when they are due.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) bytes: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
}

/// Bytes up to `end` are due at `due_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Microseconds since the request arrived.
    pub(crate) due_us: u64,
    /// Offset just after the step's last byte.
    pub(crate) end: usize,
}

impl Timeline {
    pub(crate) fn with_capacity(bytes: usize, steps: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), steps: Vec::with_capacity(steps), ending: Ending::Complete }
    }

    /// Closes a step over all bytes written since the last one.
    pub(crate) fn due(&mut self, due_us: u64) {
        self.steps.push(Step { due_us, end: self.bytes.len() });
    }

    /// Number of bytes before the middle step, from which a fault takes effect.
    fn middle(&self) -> usize {
        self.steps.len() / 2
    }

    /// Drops the second half of the steps.
    pub(crate) fn cut(&mut self, ending: Ending) {
        let keep = self.middle();
        self.steps.truncate(keep);
        self.bytes.truncate(self.steps.last().map_or(0, |step| step.end));
        self.ending = ending;
    }

    /// Drops the second half and says `frame` instead.
    pub(crate) fn cut_with(&mut self, frame: &[u8]) {
        let due_us = self.steps.get(self.middle()).map_or(0, |step| step.due_us);
        self.cut(Ending::Complete);
        self.bytes.extend_from_slice(frame);
        self.due(due_us);
    }

    /// Drops the last step if it is `frame`.
    pub(crate) fn drop_end(&mut self, frame: &[u8]) {
        let start = self.bytes.len().saturating_sub(frame.len());
        let before = self.steps.iter().rev().nth(1).map_or(0, |step| step.end);
        if before == start && self.bytes.ends_with(frame) {
            self.bytes.truncate(start);
            self.steps.pop();
        }
    }

    /// Puts `frame` in the place of the middle step.
    pub(crate) fn replace_middle(&mut self, frame: &[u8]) {
        let middle = self.middle();
        let start = middle.checked_sub(1).and_then(|before| self.steps.get(before)).map_or(0, |step| step.end);
        let Some(end) = self.steps.get(middle).map(|step| step.end) else {
            return;
        };
        self.bytes.splice(start..end, frame.iter().copied());
        for step in self.steps.iter_mut().skip(middle) {
            step.end = step.end - (end - start) + frame.len();
        }
    }

    /// Cuts an unstreamed answer, a single step, in the middle of its bytes.
    pub(crate) fn cut_bytes(&mut self, ending: Ending) {
        let keep = self.bytes.len() / 2;
        self.bytes.truncate(keep);
        self.steps.retain(|step| step.end <= keep);
        let due_us = self.steps.last().map_or(0, |step| step.due_us);
        self.due(due_us);
        self.ending = ending;
    }
}

/// The draws that decide how one request fares, made in a fixed order.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) fault: Option<Fault>,
    /// How long the request is queued, microseconds.
    pub(crate) queue_us: u64,
    /// When a queued request is given up, microseconds; 0 for never.
    pub(crate) queue_limit_us: u64,
    /// Distance of keep-alive signs while queued, microseconds; 0 for none.
    pub(crate) keep_alive_us: u64,
    pub(crate) pace: Pace,
}

/// Hands out the instant of one chunk after the other.
#[derive(Debug)]
pub(crate) struct Pace {
    now_us: f64,
    /// Microseconds per unscaled millisecond; 0 when nothing waits.
    scale: f64,
    gap: Gap,
    dice: Dice,
}

/// How long the model takes for a chunk.
#[derive(Clone, Copy, Debug)]
enum Gap {
    /// Each gap is drawn.
    Drawn(Latency),
    /// All of them are the same, milliseconds.
    Same(f64),
}

impl Delivery {
    /// `model` is the name asked for; `wait_factor` makes the model itself slower, as in peak hours.
    pub(crate) fn draw(profile: &Profile, model: &str, wait_factor: f64, dice: Dice) -> Self {
        Self::draw_with(profile, &profile.faults, model, wait_factor, dice)
    }

    /// The same with other faults than the profile's own.
    pub(crate) fn draw_with(profile: &Profile, faults: &Faults, model: &str, wait_factor: f64, mut dice: Dice) -> Self {
        let fault = faults.draw(&mut dice);
        let slow = dice.random::<f64>() < profile.slow_share;
        let queued = dice.random::<f64>() < profile.queue_share;
        let measured = profile.measured_of(model);
        let (first_token_ms, gap) = measured.map_or((None, None), |measured| measured.draw_times(&mut dice));
        let first_token_ms = first_token_ms.unwrap_or_else(|| profile.first_token.draw_ms(&mut dice));
        let gap = gap.map_or(Gap::Drawn(profile.gap), |gap_ms| Gap::Same(gap_ms * f64::from(profile.tokens_per_chunk)));
        let scale_of = |factor: f64| 1000.0 * profile.time_scale * factor;
        let queue = if queued { profile.queue_ms as f64 * scale_of(1.0) } else { 0.0 };
        let scale = scale_of(if slow { profile.slow_factor } else { 1.0 }) * wait_factor;
        Self {
            fault,
            queue_us: whole_us(queue),
            queue_limit_us: whole_us(profile.queue_limit_ms as f64 * scale_of(1.0)),
            keep_alive_us: whole_us(profile.keep_alive_ms as f64 * scale_of(1.0)),
            pace: Pace { now_us: queue + first_token_ms * scale, scale, gap, dice },
        }
    }
}

impl Pace {
    /// The instant of the chunk being written.
    pub(crate) fn now_us(&self) -> u64 {
        whole_us(self.now_us)
    }

    /// Moves on to the next chunk.
    pub(crate) fn advance(&mut self) {
        if self.scale > 0.0 {
            let gap_ms = match self.gap {
                Gap::Drawn(latency) => latency.draw_ms(&mut self.dice),
                Gap::Same(gap_ms) => gap_ms,
            };
            self.now_us += gap_ms * self.scale;
        }
    }

    /// The instant at which the last of `chunks` chunks would have left.
    pub(crate) fn skip(&mut self, chunks: u64) -> u64 {
        if self.scale > 0.0 {
            (1..chunks).for_each(|_| self.advance());
        }
        self.now_us()
    }
}

/// The cast saturates, and the values are finite and not negative.
fn whole_us(microseconds: f64) -> u64 {
    microseconds as u64
}

/// Splits a text into `count` pieces of nearly equal numbers of characters; fewer if there are not enough characters.
pub(crate) fn pieces(text: &str, count: u64) -> impl Iterator<Item = &str> {
    let characters = text.chars().count();
    let count = usize::try_from(count).unwrap_or(usize::MAX).clamp(1, characters.max(1));
    let mut rest = text;
    let mut taken = 0;
    (1..=count).filter(move |_| characters > 0).map(move |piece| {
        // In 128 bits, as a long text times a large count may pass 64.
        let until = usize::try_from(characters as u128 * piece as u128 / count as u128).unwrap_or(characters);
        let at = rest.char_indices().nth(until - taken).map_or(rest.len(), |(at, _)| at);
        taken = until;
        let (head, tail) = rest.split_at(at);
        rest = tail;
        head
    })
}

#[cfg(test)]
mod tests;
