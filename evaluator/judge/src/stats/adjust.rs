//! V1: taking out of a metric what was known before the arms parted (CUPED; Deng, Xu, Kohavi, Walker 2013).
//!
//! The covariate must be one that the candidate cannot influence: the same consumer's mean before the start, the
//! prompt's length, the hour. The slope is pooled over both arms, so that it knows nothing of who was assigned where.

use super::Refusal;

/// One row: a value, what was known before, and how much the row counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The metric, `y`.
    pub value: f64,
    /// The covariate, `x`.
    pub before: f64,
    /// Weight, above zero; 1 for plain rows, the size for units.
    pub weight: f64,
}

/// The pooled slope of a metric on its covariate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// `theta = cov(y, x) / var(x)`, weighted; 0 where the covariate does not vary.
    pub theta: f64,
    /// Weighted mean of the covariate.
    pub mean_before: f64,
    /// Weighted correlation of the two; 0 where either does not vary.
    pub correlation: f64,
}

impl Slope {
    /// The weighted slope of `value` on `before`.
    ///
    /// # Errors
    ///
    /// Refuses without rows, values that are not finite and weights that are not above zero.
    pub fn of(rows: &[Row]) -> Result<Self, Refusal> {
        if rows.is_empty() {
            return Err(Refusal::NoObservations);
        }
        for (index, row) in rows.iter().enumerate() {
            if let Some(value) = [row.value, row.before, row.weight].into_iter().find(|value| !value.is_finite()) {
                return Err(Refusal::NotFinite { index, value });
            }
            if row.weight <= 0.0 {
                return Err(Refusal::NotPositive { index, value: row.weight });
            }
        }
        let total: f64 = rows.iter().map(|row| row.weight).sum();
        let mean = |of: fn(&Row) -> f64| rows.iter().map(|row| row.weight * of(row)).sum::<f64>() / total;
        let (mean_value, mean_before) = (mean(|row| row.value), mean(|row| row.before));
        let (mut both, mut values, mut befores) = (0.0, 0.0, 0.0);
        for row in rows {
            let (y, x) = (row.value - mean_value, row.before - mean_before);
            both += row.weight * y * x;
            values += row.weight * y * y;
            befores += row.weight * x * x;
        }
        // What is left of a constant column after subtracting its rounded mean is rounding, not variation.
        let varies = |squares: f64, mean: f64| squares > total * (mean * 1e-14).powi(2) && squares > 0.0;
        let theta = if varies(befores, mean_before) { both / befores } else { 0.0 };
        let correlation = if varies(befores, mean_before) && varies(values, mean_value) {
            (both / (befores.sqrt() * values.sqrt())).clamp(-1.0, 1.0)
        } else {
            0.0
        };
        if theta.is_finite() {
            Ok(Self { theta, mean_before, correlation })
        } else {
            Err(Refusal::NotFinite { index: 0, value: theta })
        }
    }

    /// `y - theta (x - mean x)`: the same expectation, less variance.
    #[must_use]
    pub fn adjusted(&self, value: f64, before: f64) -> f64 {
        value - self.theta * (before - self.mean_before)
    }

    /// What the variance is multiplied by, `1 - correlation^2`.
    #[must_use]
    pub fn variance_factor(&self) -> f64 {
        1.0 - self.correlation * self.correlation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[(f64, f64, f64)]) -> Vec<Row> {
        values.iter().map(|(value, before, weight)| Row { value: *value, before: *before, weight: *weight }).collect()
    }

    #[test]
    fn a_straight_line_is_taken_out_entirely() {
        let line = rows(&[(1.0, 0.0, 2.0), (4.0, 1.0, 1.0), (10.0, 3.0, 5.0)]);
        let slope = Slope::of(&line).unwrap();
        assert!((slope.theta - 3.0).abs() < 1e-12 && slope.variance_factor() < 1e-12);
        let first = slope.adjusted(1.0, 0.0);
        assert!(line.iter().all(|row| (slope.adjusted(row.value, row.before) - first).abs() < 1e-12));
    }

    #[test]
    fn what_does_not_vary_explains_nothing() {
        let flat = Slope::of(&rows(&[(1.0, 0.1, 1.0), (4.0, 0.1, 1.0), (2.0, 0.1, 1.0)])).unwrap();
        assert!(flat.theta.abs() < f64::MIN_POSITIVE && (flat.variance_factor() - 1.0).abs() < f64::EPSILON);
        let constant = Slope::of(&rows(&[(0.3, 1.0, 1.0), (0.3, 2.0, 1.0), (0.3, 4.0, 1.0)])).unwrap();
        assert!(constant.theta.abs() < 1e-12 && (constant.variance_factor() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn bad_rows_are_refused() {
        let reason = |values: &[(f64, f64, f64)]| Slope::of(&rows(values)).unwrap_err().reason();
        assert_eq!(reason(&[]), "no-observations");
        assert_eq!(reason(&[(f64::NAN, 1.0, 1.0)]), "not-finite");
        assert_eq!(reason(&[(1.0, 1.0, 0.0)]), "not-positive");
    }
}
