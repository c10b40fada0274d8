//! The busiest second of a schedule, in constant memory.

/// Slots of a millisecond that make a second.
const SLOTS: u64 = 1_000;

/// Counts instants that never fall, each in the window of the second before it.
#[derive(Debug)]
pub(super) struct Peak {
    slots: Vec<u64>,
    newest_ms: u64,
    within: u64,
    most: u64,
}

impl Default for Peak {
    fn default() -> Self {
        Self { slots: vec![0; SLOTS as usize], newest_ms: 0, within: 0, most: 0 }
    }
}

impl Peak {
    pub(super) fn see(&mut self, due_us: u64) {
        let now_ms = due_us / 1_000;
        let passed = now_ms.saturating_sub(self.newest_ms).min(SLOTS);
        for step in 1..=passed {
            // Slots between the two instants lie a second back or more.
            let slot = ((self.newest_ms + step) % SLOTS) as usize;
            self.within -= std::mem::take(&mut self.slots[slot]);
        }
        self.newest_ms = self.newest_ms.max(now_ms);
        self.slots[(self.newest_ms % SLOTS) as usize] += 1;
        self.within += 1;
        self.most = self.most.max(self.within);
    }

    /// Most instants within a second.
    pub(super) const fn most(&self) -> u64 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peak(due_us: &[u64]) -> u64 {
        let mut peak = Peak::default();
        due_us.iter().for_each(|due_us| peak.see(*due_us));
        peak.most()
    }

    #[test]
    fn any_second_counts_not_only_whole_ones() {
        assert_eq!(peak(&[0, 900_000, 1_000_000, 1_100_000, 1_899_999, 1_900_000, 5_000_000]), 4);
        assert_eq!(peak(&[]), 0);
        assert_eq!(peak(&[u64::MAX, u64::MAX]), 2);
    }

    proptest! {
        #[test]
        fn it_is_the_true_peak_of_instants_on_whole_milliseconds(gaps in proptest::collection::vec(0u64..900, 0..80)) {
            let at: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap * 1_000; Some(*at) }).collect();
            let within = |last: u64| at.iter().filter(|at| **at <= last && **at + 1_000_000 > last).count() as u64;
            prop_assert_eq!(peak(&at), at.iter().map(|last| within(*last)).max().unwrap_or(0));
        }
    }
}
