//! Percent as servers say them, in the hundredths that everything here counts in.

use crate::TargetError;
use crate::file::split;

/// A share of the traffic that has at most two decimals.
///
/// # Errors
/// It is none.
pub(crate) fn exact(percent: f64, whose: &str) -> Result<f64, TargetError> {
    split::hundredths(percent).map(split::percent).map_err(|fault| fault.of(whose, ""))
}

/// Whether two shares are the same hundredth.
pub(crate) fn same(one_percent: f64, other_percent: f64) -> bool {
    (one_percent - other_percent).abs() < 0.005
}
