//! From values to positions.

/// A linear axis from `from` to `to`, drawn from `start` to `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Linear {
    /// Value at `start`.
    pub(crate) from: f64,
    /// Value at `end`.
    pub(crate) to: f64,
    /// Position of `from`.
    pub(crate) start: f64,
    /// Position of `to`.
    pub(crate) end: f64,
}

impl Linear {
    /// Position of a value, also outside the axis.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let width = self.to - self.from;
        // An axis without extent shows everything at its start.
        let share = if width == 0.0 { 0.0 } else { (value - self.from) / width };
        self.start + share * (self.end - self.start)
    }

    /// Position of a value, moved to the nearer end if it lies outside.
    pub(crate) fn clamped(&self, value: f64) -> f64 {
        self.at(value.clamp(self.from.min(self.to), self.from.max(self.to)))
    }
}

/// A logarithmic axis for positive values whose ends are round numbers (1, 2 or 5 times a power of ten).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Logarithmic {
    /// Smallest value.
    pub(crate) from: f64,
    /// Largest value.
    pub(crate) to: f64,
    inner: Linear,
}

impl Logarithmic {
    /// An axis that covers `[smallest, largest]`, rounded outwards. Values below one count as one.
    pub(crate) fn covering(smallest: f64, largest: f64, start: f64, end: f64) -> Self {
        let smallest = smallest.max(1.0);
        let largest = largest.max(smallest);
        let from = steps_around(smallest).filter(|step| *step <= smallest).last().unwrap_or(smallest);
        let to = steps_around(largest).find(|step| *step >= largest).unwrap_or(largest);
        let to = if to > from { to } else { from * 2.0 };
        Self { from, to, inner: Linear { from: from.ln(), to: to.ln(), start, end } }
    }

    /// Position of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        self.inner.at(value.max(1.0).ln())
    }

    /// Round values on the axis: 1, 2, 5 times powers of ten, or powers of ten only where those were more than `most`.
    pub(crate) fn ticks(&self, most: usize) -> Vec<f64> {
        let inside = |factors: &[f64]| -> Vec<f64> {
            let tolerance = 1.0 + 1e-9;
            (0..16)
                .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)))
                .filter(|tick| *tick * tolerance >= self.from && *tick <= self.to * tolerance)
                .collect()
        };
        [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]]
            .into_iter()
            .map(inside)
            .find(|ticks| ticks.len() <= most)
            .unwrap_or_else(|| inside(&[1.0]))
    }
}

/// Round numbers from zero to the first one that is not below `largest`, at most `most` steps; zero and one where there is nothing.
pub(crate) fn round_ticks(largest: f64, most: u32) -> Vec<f64> {
    if !(largest.is_finite() && largest > 0.0) {
        return vec![0.0, 1.0];
    }
    let least = largest / f64::from(most.max(1));
    let step = steps_around(least).find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(least);
    let steps = (largest / step - 1e-9).ceil().max(1.0) as u32;
    (0..=steps).map(|index| f64::from(index) * step).collect()
}

/// Round numbers from a power of ten below a value to one above it, ascending.
fn steps_around(value: f64) -> impl Iterator<Item = f64> {
    let decade = 10_f64.powf(value.log10().floor() - 1.0);
    (0..4).flat_map(move |power| [1.0, 2.0, 5.0].map(|factor| factor * decade * 10_f64.powi(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b.abs().max(1.0)
    }

    #[test]
    fn linear_positions_and_clamping() {
        let axis = Linear { from: -1.0, to: 2.0, start: 100.0, end: 400.0 };
        assert!(close(axis.at(0.0), 200.0));
        assert!(close(axis.clamped(7.0), 400.0));
        assert!(close(axis.clamped(f64::NEG_INFINITY), 100.0));
        let flat = Linear { from: 1.0, to: 1.0, start: 3.0, end: 9.0 };
        assert!(close(flat.at(5.0), 3.0));
    }

    #[test]
    fn ticks_of_money_begin_at_zero_and_cover_the_largest() {
        assert_eq!(round_ticks(11.1, 5), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(round_ticks(0.0, 5), [0.0, 1.0]);
        assert_eq!(round_ticks(f64::NAN, 5), [0.0, 1.0]);
        for largest in [0.000_031, 0.99, 1.0, 7.3, 123_456.0] {
            let ticks = round_ticks(largest, 5);
            assert!(ticks.len() <= 6 && *ticks.last().unwrap() >= largest * (1.0 - 1e-9), "{largest}: {ticks:?}");
        }
    }

    #[test]
    fn logarithmic_ends_are_round_and_cover_the_data() {
        let axis = Logarithmic::covering(137_000.0, 8_400_000.0, 0.0, 300.0);
        assert!(close(axis.from, 100_000.0) && close(axis.to, 10_000_000.0), "{axis:?}");
        assert!(close(axis.at(1_000_000.0), 150.0));
        let ticks = axis.ticks(8);
        assert_eq!(ticks.len(), 7, "{ticks:?}");
        assert_eq!(axis.ticks(6).len(), 5, "{:?}", axis.ticks(6));
        assert_eq!(axis.ticks(3).len(), 3);
    }

    #[test]
    fn a_single_value_still_has_an_axis() {
        let axis = Logarithmic::covering(1000.0, 1000.0, 0.0, 300.0);
        assert!(axis.to > axis.from);
        let nothing = Logarithmic::covering(0.0, 0.0, 0.0, 300.0);
        assert!(nothing.to > nothing.from && nothing.at(0.0).is_finite());
    }
}
