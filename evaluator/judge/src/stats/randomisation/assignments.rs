//! Other assignments of the same units: all of them where there are few, random ones otherwise.

/// Yields assignments of labels to units, each with the original number of candidates.
pub(super) struct Assignments {
    labels: Vec<bool>,
    actual: Vec<bool>,
    random: Option<SplitMix64>,
    others: usize,
    yielded: usize,
    begun: bool,
}

impl Assignments {
    /// All assignments but the actual one if there are at most `permutations` of these, else `permutations` random ones.
    pub(super) fn new(actual: &[bool], permutations: u32, seed: u64) -> Self {
        let candidates = actual.iter().filter(|label| **label).count();
        let distinct = combinations(actual.len(), candidates, u64::from(permutations) + 1);
        let (random, others, labels) = match distinct {
            Some(all) => {
                let mut first = vec![false; actual.len() - candidates];
                first.resize(actual.len(), true);
                (None, all.saturating_sub(1) as usize, first)
            }
            None => (Some(SplitMix64(seed)), permutations as usize, actual.to_vec()),
        };
        Self { labels, actual: actual.to_vec(), random, others, yielded: 0, begun: false }
    }

    /// How many are yielded.
    pub(super) const fn others(&self) -> usize {
        self.others
    }

    /// Whether these are all that exist.
    pub(super) const fn all(&self) -> bool {
        self.random.is_none()
    }

    /// The next assignment; the slice is overwritten by the one after it.
    pub(super) fn next(&mut self) -> Option<&[bool]> {
        if self.yielded == self.others {
            return None;
        }
        self.yielded += 1;
        if let Some(random) = &mut self.random {
            random.shuffle(&mut self.labels);
            return Some(&self.labels);
        }
        loop {
            if self.begun && !next_in_order(&mut self.labels) {
                return None;
            }
            self.begun = true;
            if self.labels != self.actual {
                return Some(&self.labels);
            }
        }
    }
}

/// `n` over `k` if it is at most `limit`.
fn combinations(n: usize, k: usize, limit: u64) -> Option<u64> {
    let mut count = 1_u128;
    for step in 1..=k.min(n - k) {
        // Always whole: it is the number of combinations of the first factors.
        count = count * (n - step + 1) as u128 / step as u128;
        if count > u128::from(limit) {
            return None;
        }
    }
    u64::try_from(count).ok()
}

/// The next arrangement in lexicographic order with false before true; `false` after the last.
fn next_in_order(labels: &mut [bool]) -> bool {
    // The last place that can still rise.
    let Some(pivot) = (1..labels.len()).rev().find(|place| !labels[place - 1] && labels[*place]) else {
        return false;
    };
    labels.swap(pivot - 1, pivot);
    // What follows becomes the smallest arrangement of itself: it is descending, so it is reversed.
    labels[pivot + 1..].reverse();
    true
}

/// Steele, Lea, Flood 2014: one addition and a mix a number; every seed is a good one.
struct SplitMix64(u64);

impl SplitMix64 {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Fisher and Yates; the bias of the multiplication is below 1e-16 for any number of units.
    fn shuffle(&mut self, labels: &mut [bool]) {
        for last in (1..labels.len()).rev() {
            let chosen = (u128::from(self.next()) * (last as u128 + 1)) >> 64;
            labels.swap(last, chosen as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_assignment_comes_once() {
        let actual = [true, false, true, false, false];
        let mut assignments = Assignments::new(&actual, 9, 1);
        assert_eq!((assignments.others(), assignments.all()), (9, true));
        let mut seen = std::collections::BTreeSet::new();
        while let Some(labels) = assignments.next() {
            assert_eq!(labels.iter().filter(|label| **label).count(), 2);
            assert!(labels != actual && seen.insert(labels.to_vec()));
        }
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn many_assignments_are_drawn_evenly() {
        let mut actual = vec![true; 3];
        actual.resize(10, false);
        let mut assignments = Assignments::new(&actual, 100, 7);
        assert_eq!((assignments.others(), assignments.all()), (100, false));
        let mut drawn = [0_u32; 10];
        let mut many = Assignments { others: 30_000, ..Assignments::new(&actual, 100, 7) };
        while let Some(labels) = many.next() {
            for (count, label) in drawn.iter_mut().zip(labels) {
                *count += u32::from(*label);
            }
        }
        // 9000 each, standard deviation 79.
        assert!(drawn.iter().all(|count| count.abs_diff(9000) < 400), "{drawn:?}");
        assert!(assignments.next().is_some());
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs for seed 1234567, as printed with the reference implementation.
        let mut generator = SplitMix64(1_234_567);
        assert_eq!(generator.next(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next(), 3_203_168_211_198_807_973);
    }
}
