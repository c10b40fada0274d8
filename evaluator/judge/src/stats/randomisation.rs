//! A test that assumes nothing but the assignment: for 5 to 40 effective clusters, where no variance can be trusted.
//!
//! Who was assigned where is the only thing known to be random. Under "the candidate adds exactly `margin`" every
//! other assignment of the same units would have given the same values once the margin is taken off the candidate's, so
//! the share of assignments with a statistic at least as large is an exact p-value (Fisher 1935). The statistic is the
//! difference of the arms' size-weighted means after CUPED ([`super::adjust`]) with a slope pooled over both arms.
//!
//! **Why no search is needed for the bound.** Value and arm enter linearly. With `A` the adjusted values and `Z` the
//! adjusted indicator of the candidate, the statistic under assignment `p` and margin `m` is `A(p) - m Z(p)`. An
//! assignment counts against "worse than `m`" from its critical margin `(A(0) - A(p)) / (Z(0) - Z(p))` on, with 0 the actual
//! one. (In a small, lopsided sample some assignment may be more "candidate" than the real one after adjustment,
//! `Z(p) > Z(0)`; it counts up to its critical margin instead.) The p-value at any margin is a count of critical margins, and
//! the bound is the first of them at which too many count: the same assignments at every margin, found by sorting.
//!
//! Assignments keep the number of candidate units. All of them are taken where there are few enough, otherwise
//! `permutations` random ones and the actual one (Phipson & Smyth 2010).

mod assignments;

use self::assignments::Assignments;
use super::adjust::{Row, Slope};
use super::{Refusal, Side, check_level};

/// What one unit of assignment (a consumer, a conversation) did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitTotals {
    /// Whether the unit was assigned to the candidate.
    pub candidate: bool,
    /// Sum of the metric over the unit's rows.
    pub sum: f64,
    /// Number of rows, above zero.
    pub size: f64,
    /// The unit's mean of the same metric before the start; a unit without one is left unadjusted.
    pub before: Option<f64>,
}

/// Relative distance below which two statistics are the same number computed on two ways.
const TIE: f64 = 1e-10;

/// One-sided p-value of "the candidate's mean exceeds the baseline's by more than `margin`": small when it does.
///
/// # Errors
///
/// Refuses fewer than two units in an arm, sums that are not finite, sizes that are not above zero, a margin that is not
/// finite, and no permutations.
pub fn p_value(units: &[UnitTotals], margin: f64, permutations: u32, seed: u64) -> Result<f64, Refusal> {
    if !margin.is_finite() {
        return Err(Refusal::MarginOutOfRange { margin, expected: "a finite number" });
    }
    let critical = Critical::of(units, permutations, seed)?;
    let from = critical.from.iter().filter(|at| **at <= margin + critical.tie).count();
    let until = critical.until.iter().filter(|at| **at >= margin - critical.tie).count();
    Ok((1 + critical.always + from + until) as f64 / critical.assignments as f64)
}

/// Bound of the candidate's mean less the baseline's at one-sided level `alpha`: the lower one is the largest margin
/// that [`p_value`] rules out (p at most `alpha`), the upper one the same with the arms exchanged.
///
/// # Errors
///
/// As [`p_value`], levels outside 0 to 0.5, and with [`Refusal::LevelUnreachable`] where even the most extreme
/// assignment has a p-value above `alpha`: more units or more permutations are needed.
pub fn bound(units: &[UnitTotals], alpha: f64, side: Side, permutations: u32, seed: u64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    if side == Side::Upper {
        let exchanged: Vec<UnitTotals> =
            units.iter().map(|unit| UnitTotals { candidate: !unit.candidate, ..*unit }).collect();
        return bound(&exchanged, alpha, Side::Lower, permutations, seed).map(|bound| -bound);
    }
    let critical = Critical::of(units, permutations, seed)?;
    // A margin is ruled out as long as fewer than this many other assignments count. The hair keeps 0.05 * 1000 at 50.
    let enough = (alpha * critical.assignments as f64 + 1e-9).floor() as usize;
    let more_units = Refusal::LevelUnreachable { alpha, needed: units.len() as u64 + 1, what: "units" };
    if enough == 0 && !critical.all {
        let needed = (1.0 / alpha).ceil() as u64 - 1;
        return Err(Refusal::LevelUnreachable { alpha, needed, what: "permutations" });
    }
    critical.first_margin_with(enough).ok_or(more_units)
}

/// The adjusted difference, candidate's mean less the baseline's: the margin at which the statistic is zero.
///
/// # Errors
///
/// As [`p_value`]; where the covariate tells the arms apart completely there is no difference to estimate, and the
/// refusal is [`Refusal::VarianceOutOfRange`].
pub fn difference(units: &[UnitTotals]) -> Result<f64, Refusal> {
    let prepared = Prepared::of(units)?;
    let (value, arm) = prepared.statistic(&prepared.labels);
    if arm > TIE {
        Ok(value / arm)
    } else {
        let expected = "an arm that the covariate does not explain";
        Err(Refusal::VarianceOutOfRange { variance: arm, expected })
    }
}

/// Units in a fixed order with the adjusted sums of value and arm.
struct Prepared {
    labels: Vec<bool>,
    /// `(size, adjusted sum, adjusted sum of the indicator)` per unit.
    sums: Vec<(f64, f64, f64)>,
    totals: (f64, f64, f64),
}

impl Prepared {
    fn of(units: &[UnitTotals]) -> Result<Self, Refusal> {
        check(units)?;
        // A fixed order, so that the same units in any order give the same answer.
        let mut units = units.to_vec();
        units.sort_unstable_by(|a, b| {
            let before = |unit: &UnitTotals| unit.before.unwrap_or(f64::NEG_INFINITY);
            (a.size.total_cmp(&b.size))
                .then(a.sum.total_cmp(&b.sum))
                .then(before(a).total_cmp(&before(b)))
                .then(a.candidate.cmp(&b.candidate))
        });
        let slope = |of: &dyn Fn(&UnitTotals) -> f64| -> Result<Option<Slope>, Refusal> {
            let row = |unit: &UnitTotals| unit.before.map(|before| Row { value: of(unit), before, weight: unit.size });
            let rows: Vec<Row> = units.iter().filter_map(row).collect();
            if rows.is_empty() { Ok(None) } else { Slope::of(&rows).map(Some) }
        };
        let value = |unit: &UnitTotals| unit.sum / unit.size;
        let arm = |unit: &UnitTotals| f64::from(u8::from(unit.candidate));
        let (of_value, of_arm) = (slope(&value)?, slope(&arm)?);
        let adjusted = |slope: Option<Slope>, value: f64, unit: &UnitTotals| match (slope, unit.before) {
            (Some(slope), Some(before)) => slope.adjusted(value, before) * unit.size,
            _ => value * unit.size,
        };
        let sums: Vec<(f64, f64, f64)> = units
            .iter()
            .map(|unit| (unit.size, adjusted(of_value, value(unit), unit), adjusted(of_arm, arm(unit), unit)))
            .collect();
        let totals = sums.iter().fold((0.0, 0.0, 0.0), |t, s| (t.0 + s.0, t.1 + s.1, t.2 + s.2));
        Ok(Self { labels: units.iter().map(|unit| unit.candidate).collect(), sums, totals })
    }

    /// Difference of the arms' weighted means, of the value and of the indicator, under an assignment.
    fn statistic(&self, labels: &[bool]) -> (f64, f64) {
        let (mut size, mut value, mut arm) = (0.0, 0.0, 0.0);
        for (sums, _) in self.sums.iter().zip(labels).filter(|(_, candidate)| **candidate) {
            size += sums.0;
            value += sums.1;
            arm += sums.2;
        }
        let rest = self.totals.0 - size;
        (value / size - (self.totals.1 - value) / rest, arm / size - (self.totals.2 - arm) / rest)
    }
}

/// At which margins each other assignment counts.
struct Critical {
    /// Counts from here on, ascending.
    from: Vec<f64>,
    /// Counts up to here, ascending.
    until: Vec<f64>,
    /// Assignments that count at any margin.
    always: usize,
    /// All assignments, with the actual one.
    assignments: usize,
    /// Margins closer than this are the same.
    tie: f64,
    /// Whether these are all assignments that exist.
    all: bool,
}

impl Critical {
    fn of(units: &[UnitTotals], permutations: u32, seed: u64) -> Result<Self, Refusal> {
        if permutations == 0 {
            return Err(Refusal::TooFew { n: 0, needed: 1 });
        }
        let prepared = Prepared::of(units)?;
        let actual = prepared.statistic(&prepared.labels);
        let mut assignments = Assignments::new(&prepared.labels, permutations, seed);
        let mut statistics = Vec::with_capacity(assignments.others());
        while let Some(labels) = assignments.next() {
            statistics.push(prepared.statistic(labels));
        }
        let largest = statistics.iter().fold(actual.0.abs(), |largest, (value, _)| largest.max(value.abs()));
        let (mut from, mut until, mut always) = (Vec::new(), Vec::new(), 0);
        for (value, arm) in &statistics {
            let (distance, gap) = (actual.0 - value, actual.1 - arm);
            if gap > TIE {
                from.push(distance / gap);
            } else if gap < -TIE {
                until.push(distance / gap);
            } else if distance <= TIE * largest {
                always += 1;
            }
        }
        from.sort_unstable_by(f64::total_cmp);
        until.sort_unstable_by(f64::total_cmp);
        let (tie, all) = (TIE * largest, assignments.all());
        Ok(Self { from, until, always, assignments: statistics.len() + 1, tie, all })
    }

    /// The smallest margin at which `enough` other assignments count; `None` if they do at every margin, however low, or
    /// at none.
    fn first_margin_with(&self, enough: usize) -> Option<f64> {
        let mut count = self.always + self.until.len();
        if count >= enough {
            return None;
        }
        let mut ended = 0;
        for margin in &self.from {
            while self.until.get(ended).is_some_and(|end| end < margin) {
                ended += 1;
                count -= 1;
            }
            count += 1;
            if count >= enough {
                return Some(*margin);
            }
        }
        None
    }
}

fn check(units: &[UnitTotals]) -> Result<(), Refusal> {
    if units.is_empty() {
        return Err(Refusal::NoObservations);
    }
    for (index, unit) in units.iter().enumerate() {
        let given = [Some(unit.sum), Some(unit.size), unit.before];
        if let Some(value) = given.into_iter().flatten().find(|value| !value.is_finite()) {
            return Err(Refusal::NotFinite { index, value });
        }
        if unit.size <= 0.0 {
            return Err(Refusal::NotPositive { index, value: unit.size });
        }
    }
    let candidates = units.iter().filter(|unit| unit.candidate).count();
    let fewer = candidates.min(units.len() - candidates) as u64;
    if fewer < 2 { Err(Refusal::TooFew { n: fewer, needed: 2 }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
