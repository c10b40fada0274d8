//! Sums by their basis, turned into money.

use super::based::{BASES, Based, Basis};
use super::document::{Money, Nanos};
use super::estimate::{Estimates, Factor};
use super::tally::Pair;

/// What the sums of each basis are multiplied with; `None` where nothing can be said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale(pub [Option<Factor>; BASES]);

impl Scale {
    /// What a bound of the estimated parts comes to.
    fn rest(&self, sum: &Based, bound: fn(&Factor) -> f64) -> f64 {
        let parts = Basis::ALL.into_iter().filter(|basis| *basis != Basis::Recorded && sum.of(*basis) != 0);
        // A sum of nothing would be -0.
        parts
            .filter_map(|basis| Some(sum.of(basis) as f64 * bound(self.0[basis as usize].as_ref()?)))
            .fold(0.0, |sum, part| sum + part)
    }

    /// The likely size of the part that nobody counted.
    pub(super) fn estimated(&self, sum: &Based) -> f64 {
        self.rest(sum, |factor| factor.likely)
    }

    /// The likely sum.
    pub(super) fn likely(&self, sum: &Based) -> f64 {
        sum.of(Basis::Recorded) as f64 + self.estimated(sum)
    }

    /// The same, to the nano-dollar where everything was counted.
    pub(super) fn nanos(&self, sum: &Based) -> i64 {
        self.bound(sum, |factor| factor.likely)
    }

    fn bound(&self, sum: &Based, bound: fn(&Factor) -> f64) -> i64 {
        crate::money::saturated(sum.of(Basis::Recorded)).saturating_add(whole(self.rest(sum, bound)))
    }

    /// An amount with the bounds of ratios and estimates.
    pub(super) fn money(&self, low: &Based, likely: &Based, high: &Based) -> Money {
        Money {
            value: Nanos(self.nanos(likely)),
            lower: Nanos(self.bound(low, |factor| factor.low)),
            upper: Nanos(self.bound(high, |factor| factor.high)),
        }
    }

    /// What a choice saves. An estimate's error is the same in both arms, a ratio's is in the candidate's alone.
    pub(super) fn saving(&self, pair: &Pair) -> Money {
        let (mut lower, mut upper) = (0.0, 0.0);
        for basis in Basis::ALL {
            let Some(factor) = self.0[basis as usize] else { continue };
            let against = pair.against.of(basis);
            let least = (against - pair.high.of(basis)) as f64;
            let most = (against - pair.low.of(basis)) as f64;
            lower += (least * factor.low).min(least * factor.high);
            upper += (most * factor.low).max(most * factor.high);
        }
        let value = self.nanos(&pair.against).saturating_sub(self.nanos(&pair.likely));
        Money { value: Nanos(value), lower: Nanos(whole(lower).min(value)), upper: Nanos(whole(upper).max(value)) }
    }

    /// Answers of which nothing can be said, and answers that are taken as long as they may be.
    pub(super) fn unseen_answers(&self, estimates: &Estimates) -> (u64, u64) {
        if self.0[Basis::AnswerUnseen as usize].is_some() {
            return (0, 0);
        }
        let limited = estimates.estimated(Basis::AnswerLimit);
        (estimates.estimated(Basis::AnswerUnseen).saturating_sub(limited), limited)
    }
}

/// The nearest whole number; what is too large saturates.
pub(super) fn whole(value: f64) -> i64 {
    value.round() as i64
}
