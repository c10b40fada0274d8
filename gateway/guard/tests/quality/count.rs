//! Counts of right and wrong, and the shares made of them with their 95 % intervals.

use std::fmt;

/// Quantile of the normal distribution for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Right and wrong answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    found: u64,
    false_alarms: u64,
    missed: u64,
    left: u64,
}

impl FromIterator<(bool, bool)> for Counts {
    /// Of pairs: whether it is so, and whether it was said.
    fn from_iter<T: IntoIterator<Item = (bool, bool)>>(pairs: T) -> Self {
        let mut counts = Self::default();
        for pair in pairs {
            *match pair {
                (true, true) => &mut counts.found,
                (false, true) => &mut counts.false_alarms,
                (true, false) => &mut counts.missed,
                (false, false) => &mut counts.left,
            } += 1;
        }
        counts
    }
}

impl Counts {
    /// Harmonic mean of precision and recall; 0 where nothing is found.
    pub(crate) fn f1(self) -> f64 {
        let all = 2 * self.found + self.false_alarms + self.missed;
        if all == 0 { 0.0 } else { 2.0 * self.found as f64 / all as f64 }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, line: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, false_alarms, missed, left } = *self;
        let same = |share: f64| share;
        // F1 is 2J/(1+J) of the share J of what was found among all that was found or should have been.
        let doubled = |share: f64| 2.0 * share / (1.0 + share);
        write!(
            line,
            "{} | {} | {} | {} | {}",
            found + false_alarms + missed + left,
            found + missed,
            interval(found, found + false_alarms, same),
            interval(found, found + missed, same),
            interval(found, found + false_alarms + missed, doubled)
        )
    }
}

/// How many it is true of, with the interval of the share in percent.
pub(crate) fn share(judged: impl Iterator<Item = bool>) -> String {
    let (mut yes, mut all) = (0, 0);
    for one in judged {
        all += 1;
        yes += u64::from(one);
    }
    let (lower, upper) = wilson(yes, all);
    format!("{yes} of {all} ({:.1} to {:.1} %)", 100.0 * lower, 100.0 * upper)
}

fn interval(part: u64, all: u64, scale: impl Fn(f64) -> f64) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    let (lower, upper) = wilson(part, all);
    format!("{:.2} ({:.2} to {:.2})", scale(part as f64 / all as f64), scale(lower), scale(upper))
}

/// Wilson's score interval. The evaluator's `judge` has it too; a few lines here keep its tree out of this crate's tests.
fn wilson(part: u64, all: u64) -> (f64, f64) {
    let (all, share) = (all as f64, part as f64 / all as f64);
    let middle = share + Z * Z / (2.0 * all);
    let half = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    let scale = 1.0 + Z * Z / all;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[test]
fn intervals_are_those_of_the_books() {
    let (lower, upper) = wilson(15, 148);
    assert!((lower - 0.0624).abs() < 1e-4 && (upper - 0.1605).abs() < 1e-4, "{lower} {upper}");
    assert!(wilson(0, 10).0 < 1e-9 && wilson(10, 10).1 > 1.0 - 1e-9);
}
