//! Weights as shares, in whole hundredths of a percent.
//!
//! A share is the candidate's weight by the weights of both arms. A third back end keeps its share of the whole, and the
//! candidate's percentage is then one of what the two arms get together: that is what records of both arms can prove
//! anything about, and of the whole it is never more than was said.
//!
//! Where both weights can say a wanted share exactly without a new sum, the sum stays: somebody chose it. Otherwise it
//! becomes 10,000, which says every hundredth of a percent.

use super::fault::Fault;

/// Hundredths of a percent in the whole.
pub(crate) const WHOLE: u32 = 10_000;

/// Percent as hundredths.
///
/// # Errors
/// It is not between 0 and 100, or finer than a hundredth.
pub(crate) fn hundredths(percent: f64) -> Result<u32, Fault> {
    let scaled = percent * 100.0;
    let near = scaled.round();
    if !(0.0..=f64::from(WHOLE)).contains(&near) {
        return Err(Fault::whole(format!("{percent}% was asked for; expected 0 to 100")));
    }
    if (scaled - near).abs() > 1e-6 {
        return Err(Fault::whole(format!("{percent}% was asked for; expected at most two decimals")));
    }
    // Between 0 and 10,000, and whole.
    Ok(near as u32)
}

/// Hundredths as percent.
pub(crate) fn percent(hundredths: u32) -> f64 {
    f64::from(hundredths) / 100.0
}

/// Hundredths as people write a percentage: `0`, `12.5`, `0.01`.
pub(crate) fn written(hundredths: u32) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match part {
        0 => whole.to_string(),
        part if part % 10 == 0 => format!("{whole}.{}", part / 10),
        part => format!("{whole}.{part:02}"),
    }
}

/// The nearest hundredth of `part` by `whole`; `None` where the whole is nothing. What is more than nothing never reads as
/// nothing, and what is less than everything never as everything.
pub(crate) fn share(part: u64, whole: u64) -> Option<u32> {
    if whole == 0 {
        return None;
    }
    let (part, whole) = (u128::from(part.min(whole)), u128::from(whole));
    let near = u32::try_from((part * u128::from(WHOLE) * 2 + whole) / (whole * 2)).ok()?;
    Some(if part == 0 || part == whole { near } else { near.clamp(1, WHOLE - 1) })
}

/// The largest part of `whole` that is not more than the share.
pub(crate) fn floor(share: u32, whole: u64) -> u64 {
    u64::try_from(u128::from(share.min(WHOLE)) * u128::from(whole) / u128::from(WHOLE)).unwrap_or(whole)
}

/// Whether a part of `whole` can be the share exactly.
pub(crate) fn is_exact(share: u32, whole: u64) -> bool {
    (u128::from(share) * u128::from(whole)).is_multiple_of(u128::from(WHOLE))
}

/// New weights of all back ends of a rule, in their order, each at most `most`; `candidate` of what `baseline` and
/// `candidate` get together becomes `wanted` hundredths.
///
/// # Errors
/// Both arms' weights are zero beside others that are not, or the others cannot keep their shares within `most`.
pub(crate) fn weights(
    old: &[u64],
    baseline: usize,
    candidate: usize,
    wanted: u32,
    most: u64,
) -> Result<Vec<u64>, Fault> {
    let weight = |index: usize| old.get(index).copied().unwrap_or_default();
    let pair = weight(baseline).saturating_add(weight(candidate));
    let others = old.iter().enumerate().any(|(index, weight)| ![baseline, candidate].contains(&index) && *weight > 0);
    if pair == 0 && others {
        return Err(Fault::whole(
            "baseline and candidate weigh 0 beside others that do not: which share is theirs is unknown; give the baseline \
             its weight by hand",
        ));
    }
    let kept = pair > 0 && is_exact(wanted, pair) && floor(wanted, pair).max(pair - floor(wanted, pair)) <= most;
    let factor = match (kept, others) {
        (true, _) | (false, false) => 1,
        (false, true) => u64::from(WHOLE) / gcd(u64::from(WHOLE), pair),
    };
    let pair = if !kept && !others { u64::from(WHOLE) } else { pair.saturating_mul(factor) };
    let new: Vec<u64> = (0..old.len())
        .map(|index| match index {
            index if index == candidate => floor(wanted, pair),
            index if index == baseline => pair - floor(wanted, pair),
            index => weight(index).saturating_mul(factor),
        })
        .collect();
    if new.iter().any(|weight| *weight > most) {
        return Err(Fault::whole(format!(
            "{}% beside the other back ends' shares takes weights above {most}; make the weights smaller by hand first",
            written(wanted)
        )));
    }
    Ok(new)
}

fn gcd(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { gcd(right, left % right) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sum_stays_where_it_can_say_the_share() {
        assert_eq!(weights(&[95, 5], 0, 1, 2500, 1_000_000).unwrap(), [75, 25]);
        assert_eq!(weights(&[95, 5], 0, 1, 50, 1_000_000).unwrap(), [9950, 50]);
        assert_eq!(weights(&[1, 1], 1, 0, 0, 1_000_000).unwrap(), [0, 2]);
        // A sum of two million cannot be in one entry.
        assert_eq!(weights(&[1_000_000, 1_000_000], 0, 1, 10_000, 1_000_000).unwrap(), [0, 10_000]);
        assert_eq!(weights(&[0, 0], 0, 1, 100, 1_000_000).unwrap(), [9900, 100]);
        assert_eq!(weights(&[99, 1, 0], 0, 1, 5, 1_000_000).unwrap(), [9995, 5, 0]);
    }

    #[test]
    fn a_third_back_end_keeps_its_share() {
        assert_eq!(weights(&[80, 0, 20], 0, 1, 2500, 1_000_000).unwrap(), [60, 20, 20]);
        assert_eq!(weights(&[1, 0, 1], 0, 1, 1, 1_000_000).unwrap(), [9999, 1, 10_000]);
        assert!(weights(&[1, 0, 101], 0, 1, 1, 1_000_000).is_err());
        assert!(weights(&[0, 0, 5], 0, 1, 1, 1_000_000).is_err());
    }

    #[test]
    fn percentages_are_read_and_written() {
        assert_eq!(hundredths(12.5).unwrap(), 1250);
        assert_eq!(hundredths(0.29).unwrap(), 29);
        for bad in [-0.01, 100.01, f64::NAN, f64::INFINITY, 0.005] {
            assert!(hundredths(bad).is_err(), "{bad}");
        }
        assert_eq!([0, 1, 10, 1250, 10_000].map(written), ["0", "0.01", "0.1", "12.5", "100"]);
        assert_eq!((share(1, 3), share(0, 3), share(3, 3), share(0, 0)), (Some(3333), Some(0), Some(10_000), None));
        assert_eq!((share(1, 1_000_000), share(999_999, 1_000_000)), (Some(1), Some(9999)));
    }

    proptest! {
        #[test]
        fn the_share_is_exact_and_others_keep_theirs(
            old in prop::collection::vec(0_u64..1_000_000, 2..5), wanted in 0_u32..=10_000,
        ) {
            if let Ok(new) = weights(&old, 0, 1, wanted, 1_000_000) {
                prop_assert_eq!(share(new[1], new[0] + new[1]), Some(wanted));
                prop_assert!(new.iter().all(|weight| *weight <= 1_000_000) && new.iter().any(|weight| *weight > 0));
                let (before, after): (u64, u64) = (old.iter().sum(), new.iter().sum());
                if old[0] + old[1] > 0 {
                    for (old, new) in old.iter().zip(&new).skip(2) {
                        prop_assert_eq!(u128::from(*old) * u128::from(after), u128::from(*new) * u128::from(before));
                    }
                }
            }
        }
    }
}
