//! Two counts over the recent past: a ring of ten buckets, each a tenth of the window wide.
//!
//! Counts and not a decaying average, because the rules above it speak of numbers ("at least twenty outcomes", "three
//! retries"), and an average forgets how many stood behind it. What is older than the window is forgotten a tenth of
//! it at a time, so the window is between nine and ten tenths of what was asked for.

use std::time::{Duration, Instant};

const BUCKETS: usize = 10;

/// See the module's text.
#[derive(Debug, Clone)]
pub(super) struct Window {
    origin: Instant,
    width: Duration,
    /// Number of the newest bucket since the origin.
    newest: u64,
    buckets: [[u32; 2]; BUCKETS],
}

impl Window {
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        let width = (length / 10).max(Duration::from_nanos(1));
        Self { origin: now, width, newest: 0, buckets: Default::default() }
    }

    /// Adds one to the first or the second count.
    pub(super) fn add(&mut self, which: usize, now: Instant) {
        self.advance(now);
        if let Some(count) = self.bucket(self.newest).get_mut(which) {
            *count = count.saturating_add(1);
        }
    }

    /// Both counts.
    pub(super) fn sums(&mut self, now: Instant) -> [u64; 2] {
        self.advance(now);
        self.buckets.iter().fold([0, 0], |[a, b], [x, y]| [a + u64::from(*x), b + u64::from(*y)])
    }

    pub(super) fn clear(&mut self) {
        self.buckets = Default::default();
    }

    /// Empties the buckets between the newest one and now. A clock that stands still or goes back changes nothing.
    fn advance(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.origin).as_nanos();
        let number = u64::try_from(elapsed / self.width.as_nanos()).unwrap_or(u64::MAX);
        if number <= self.newest {
            return;
        }
        if number - self.newest >= BUCKETS as u64 {
            self.clear();
        } else {
            for passed in self.newest + 1..=number {
                *self.bucket(passed) = [0, 0];
            }
        }
        self.newest = number;
    }

    fn bucket(&mut self, number: u64) -> &mut [u32; 2] {
        &mut self.buckets[usize::try_from(number % BUCKETS as u64).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut window = Window::new(Duration::from_secs(1), start);
        window.add(0, at(0));
        window.add(1, at(50));
        window.add(1, at(500));
        assert_eq!(window.sums(at(999)), [1, 2]);
        assert_eq!(window.sums(at(1000)), [0, 1]);
        assert_eq!(window.sums(at(1500)), [0, 0]);
        window.add(0, at(100_000));
        assert_eq!(window.sums(at(100_000)), [1, 0]);
        assert_eq!(window.sums(at(0)), [1, 0], "a clock that goes back forgets nothing");
    }
}
