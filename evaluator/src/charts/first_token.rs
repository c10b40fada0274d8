//! What the time to the first visible text is made of: queue, first text of any kind, thinking.
//!
//! Sums are whole numbers, so the means do not depend on the order of the rows. Nothing is judged by them.

use crate::rows::Row;
use datasets::Arm;
use judge::counters::Histogram;
use judge::verdict::FirstToken;

/// Sums over the answers of one arm.
#[derive(Debug, Default)]
pub(super) struct Parts {
    n: u64,
    unknown: u64,
    queue_us: u128,
    first_text_us: u128,
    thinking_us: u128,
    visible: Histogram,
}

impl Parts {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds an answer. What failed, broke off or was not streamed does not count.
    pub(super) fn add(&mut self, row: &Row) {
        if !row.streamed || row.error.is_some() {
            return;
        }
        let Some([event_us, text_us, visible_us]) = instants(row) else {
            self.unknown += 1;
            return;
        };
        self.n += 1;
        self.queue_us += u128::from(event_us);
        self.first_text_us += u128::from(text_us - event_us);
        self.thinking_us += u128::from(visible_us - text_us);
        self.visible.add(Some(visible_us));
    }

    /// What they add up to; `None` where nothing was streamed.
    pub(super) fn finish(self, arm: Arm, segment: &str) -> Option<FirstToken> {
        if self.n == 0 && self.unknown == 0 {
            return None;
        }
        let mean = |sum: u128| if self.n == 0 { 0.0 } else { sum as f64 / self.n as f64 };
        let quantile = |share: f64| self.visible.quantile_us(share).map_or(0, |us| us.round() as u64);
        Some(FirstToken {
            arm: arm.name().to_owned(),
            segment: segment.to_owned(),
            n: self.n,
            unknown: self.unknown,
            queue_us: mean(self.queue_us),
            first_text_us: mean(self.first_text_us),
            thinking_us: mean(self.thinking_us),
            visible_p50_us: quantile(0.5),
            visible_p95_us: quantile(0.95),
        })
    }
}

/// First event, first text and first visible text, if all three are known and follow each other. The times of a request
/// log are not of the load under which the other arm answered.
fn instants(row: &Row) -> Option<[u64; 3]> {
    let instants = [row.first_event_us()?, row.ttft_us()?, row.first_visible_us()?];
    (row.recorded().is_none() && instants.is_sorted()).then_some(instants)
}

#[cfg(test)]
mod tests;
