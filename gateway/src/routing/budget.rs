//! What copies may cost a day.
//!
//! A copy reserves its estimated cost when it is sent and settles it when the bill is known, so that many copies under
//! way cannot overspend together. Money belongs to the day on which it was reserved; a day begins at 00:00 UTC. Estimates
//! that were too low can exceed the budget by their errors, for as many copies as were under way; then it is over.

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The day of an instant given in microseconds since the Unix epoch: days since 1970-01-01, UTC.
#[must_use]
pub const fn day_of(at_us: i64) -> i64 {
    at_us.div_euclid(MICROSECONDS_A_DAY)
}

/// Money that is set aside for a copy under way. One that is never settled stays spent: an unknown bill counts as its
/// estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a copy that is not sent has to be settled with zero"]
pub struct Reservation {
    day: i64,
    nanos: i64,
}

/// A budget for each day, in nano-dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// `None`: no bound.
    max_nanos: Option<i64>,
    day: i64,
    spent_nanos: i64,
}

impl Budget {
    /// A budget; `None` is no bound, but spending is still counted.
    #[must_use]
    pub const fn new(max_nanos: Option<i64>) -> Self {
        Self { max_nanos, day: i64::MIN, spent_nanos: 0 }
    }

    /// Whether a copy of this estimated cost may still be sent. One without a price (0) may be sent until the budget
    /// is spent.
    pub fn may_send(&mut self, day: i64, estimate_nanos: i64) -> bool {
        self.begin(day);
        let after = self.spent_nanos.saturating_add(estimate_nanos.max(0));
        self.max_nanos.is_none_or(|max| self.spent_nanos < max && after <= max)
    }

    /// Sets the estimated cost aside; `None` if the day's budget does not allow it.
    pub fn reserve(&mut self, day: i64, estimate_nanos: i64) -> Option<Reservation> {
        self.may_send(day, estimate_nanos).then(|| {
            let nanos = estimate_nanos.max(0);
            self.spent_nanos = self.spent_nanos.saturating_add(nanos);
            Reservation { day: self.day, nanos }
        })
    }

    /// Replaces the estimate by the bill. What was reserved on a day that is over changes nothing any more.
    pub fn settle(&mut self, reservation: Reservation, actual_nanos: i64) {
        if reservation.day == self.day {
            self.spent_nanos = (self.spent_nanos - reservation.nanos).saturating_add(actual_nanos.max(0));
        }
    }

    /// Spent and set aside on this day, nano-dollars.
    pub fn spent_nanos(&mut self, day: i64) -> i64 {
        self.begin(day);
        self.spent_nanos
    }

    /// Begins a new day. A clock set back does not: yesterday's budget would be spent twice.
    fn begin(&mut self, day: i64) {
        if day > self.day {
            self.day = day;
            self.spent_nanos = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_ends_at_midnight_utc_to_the_microsecond() {
        let at = |text: &str| day_of(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        assert_eq!(at("1970-01-01T23:59:59.999999Z"), 0);
        assert_eq!(at("1970-01-02T00:00:00Z"), 1);
        assert_eq!(at("1969-12-31T23:59:59.999999Z"), -1);
        assert_eq!(at("2026-11-22T23:59:59Z") + 1, at("2026-11-23T00:00:00Z"));
    }

    #[test]
    fn copies_under_way_cannot_overspend_together() {
        let mut budget = Budget::new(Some(100));
        let first = budget.reserve(7, 60).unwrap();
        assert_eq!(budget.reserve(7, 60), None);
        budget.settle(first, 10);
        let second = budget.reserve(7, 60).unwrap();
        // The bill is larger than the estimate: the budget is exceeded once, by the error.
        budget.settle(second, 95);
        assert_eq!(budget.spent_nanos(7), 105);
        assert!(!budget.may_send(7, 0));
    }

    #[test]
    fn a_new_day_begins_with_a_full_budget_and_owes_nothing_for_the_old_one() {
        let mut budget = Budget::new(Some(100));
        let late = budget.reserve(7, 100).unwrap();
        assert!(!budget.may_send(7, 1));
        assert!(budget.may_send(8, 100));
        budget.settle(late, 1_000_000);
        assert_eq!(budget.spent_nanos(8), 0);
        // A clock set back does not open yesterday again.
        let today = budget.reserve(8, 100).unwrap();
        assert!(!budget.may_send(7, 1));
        budget.settle(today, 100);
        assert_eq!(budget.spent_nanos(7), 100);
    }

    #[test]
    fn without_a_bound_spending_is_still_counted() {
        let mut budget = Budget::new(None);
        let reservation = budget.reserve(1, i64::MAX).unwrap();
        assert!(budget.may_send(1, i64::MAX));
        budget.settle(reservation, 5);
        assert_eq!(budget.spent_nanos(1), 5);
    }

    proptest! {
        /// With honest estimates the budget is never exceeded on any day, whatever order copies end in.
        #[test]
        fn honest_estimates_never_overspend(max in 0i64..1000, copies in proptest::collection::vec((0i64..4, 0i64..300, any::<bool>()), 0..60)) {
            let mut budget = Budget::new(Some(max));
            let mut days: Vec<i64> = copies.iter().map(|copy| copy.0).collect();
            days.sort_unstable();
            let mut bills = std::collections::BTreeMap::<i64, i64>::new();
            let mut under_way = Vec::new();
            for (day, (_, estimate, settles)) in days.into_iter().zip(copies) {
                if let Some(reservation) = budget.reserve(day, estimate) {
                    under_way.push((day, reservation, estimate / 2));
                    *bills.entry(day).or_default() += estimate / 2;
                }
                if settles && let Some((_, reservation, bill)) = under_way.pop() {
                    budget.settle(reservation, bill);
                }
                prop_assert!((0..=max).contains(&budget.spent_nanos(day)));
            }
            prop_assert!(bills.values().all(|bill| *bill <= max));
        }
    }
}
