//! Weights and percent: pure, the same for every kind of target.
//!
//! Percent are in hundredths here, whole numbers from 0 to 10,000, so that nothing is compared with a tolerance. A wanted
//! share between two hundredths is rounded **down**: never more traffic than was proven.

use crate::TargetError;

/// All of the traffic, hundredths of a percent.
pub const WHOLE: u32 = 10_000;

/// Percent as hundredths, rounded down; what is within a millionth of a hundredth counts as that hundredth.
///
/// # Errors
/// It is not a number from 0 to 100.
pub fn hundredths(percent: f64) -> Result<u32, TargetError> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(TargetError::Usage(format!("{percent} is no share of the traffic: expected 0 to 100 percent")));
    }
    let exact = percent * 100.0;
    let near = exact.round();
    let whole = if (exact - near).abs() < 1e-6 { near } else { exact.floor() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number between 0 and 10,000")]
    Ok(whole as u32)
}

/// Hundredths as percent.
#[must_use]
pub fn percent(hundredths: u32) -> f64 {
    f64::from(hundredths) / 100.0
}

/// Whether two shares are the same in hundredths.
#[must_use]
pub fn same(one_percent: f64, other_percent: f64) -> bool {
    (one_percent - other_percent).abs() < 0.005
}
