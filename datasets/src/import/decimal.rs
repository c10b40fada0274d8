//! Money as logs write it, to whole nano-dollars.
//!
//! Decimal text is read digit by digit, never through a double, so 0.1 + 0.2 is 0.3 here too. What is finer than a
//! nano-dollar is rounded, a half to the even neighbour.

/// Digits of a nano-dollar behind the point.
const DIGITS: i64 = 9;
/// Longest number that is read.
const BYTES_MAX: usize = 400;
/// Digits that fit into the result for certain.
const WHOLE_DIGITS_MAX: i64 = 18;

/// Nano-dollars of a decimal number of dollars, such as `0.0000315`, `3.15e-05` or `-1`; `None` if it is no number, or
/// above a thousand million dollars.
pub(super) fn nanos(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > BYTES_MAX {
        return None;
    }
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
        None => (text, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + part.len() == 0 || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = [whole, part].concat();
    let significant = digits.trim_start_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()? - zeros + exponent + DIGITS;
    let amount = rounded(significant, point)?;
    Some(if negative { -amount } else { amount })
}

/// The digits with the point behind the `point`th of them, as a whole number.
fn rounded(digits: &str, point: i64) -> Option<i64> {
    if digits.is_empty() || point < 0 {
        return Some(0);
    }
    if point > WHOLE_DIGITS_MAX {
        return None;
    }
    let point = usize::try_from(point).ok()?;
    let (whole, rest) = digits.split_at(point.min(digits.len()));
    let padding = "0".repeat(point - whole.len());
    let amount: i64 = if point == 0 { 0 } else { [whole, &padding].concat().parse().ok()? };
    let up = match rest.bytes().next() {
        Some(b'5') => rest.bytes().skip(1).any(|digit| digit != b'0') || amount % 2 == 1,
        Some(digit) => digit > b'5',
        None => false,
    };
    Some(amount + i64::from(up))
}

#[cfg(test)]
mod tests {
    use super::nanos;

    #[test]
    fn dollars_become_nano_dollars_without_a_double_between() {
        for (text, expected) in [
            ("0", 0),
            ("1", 1_000_000_000),
            ("-1.5", -1_500_000_000),
            ("0.0000315", 31_500),
            ("3.15e-05", 31_500),
            (" 3.15E-5 ", 31_500),
            ("0.30000000000000004", 300_000_000),
            (".5", 500_000_000),
            ("5.", 5_000_000_000),
            ("1e3", 1_000_000_000_000),
            ("0.0000000005", 0),
            ("0.0000000015", 2),
            ("0.0000000025", 2),
            ("0.00000000250000001", 3),
            ("0.00000000049", 0),
            ("0.00000000051", 1),
            ("00012.000", 12_000_000_000),
            ("1e-400", 0),
            ("0e999", 0),
        ] {
            assert_eq!(nanos(text), Some(expected), "{text}");
        }
        for text in ["", ".", "-", "1e", "1e99999999999", "12e30", "0x10", "1,5", "NaN", "1 2", &"9".repeat(500)] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
