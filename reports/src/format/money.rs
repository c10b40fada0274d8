//! Money. Amounts come as decimal strings and are shown as such: rounding works on the digits, never through a
//! float, so that a report cannot disagree with the bill by a hair.

use super::{MINUS, group};

/// An amount exactly as given, with its currency: `$1 847.213`.
pub(crate) fn money(amount: &str, currency: &str) -> String {
    match Decimal::parse(amount) {
        Some(decimal) => decimal.show(currency),
        None if amount.is_empty() => super::NOTHING.to_owned(),
        None => format!("{amount} {currency}").trim_end().to_owned(),
    }
}

/// An amount rounded for a headline: cents from one unit on, three significant digits below.
pub(crate) fn money_brief(amount: &str, currency: &str) -> String {
    match Decimal::parse(amount) {
        Some(decimal) => decimal.brief().show(currency),
        None => money(amount, currency),
    }
}

/// An amount as a number, for the length of a bar only.
pub(crate) fn to_number(amount: &str) -> Option<f64> {
    amount.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0)
}

/// A plain decimal number, digit by digit.
struct Decimal {
    negative: bool,
    /// Without leading zeros, at least one digit.
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads `[-]digits[.digits]`; anything else is not ours to interpret.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !is_plain(whole) || !is_plain(fraction) {
            return None;
        }
        let trimmed = whole.trim_start_matches('0');
        let whole = if trimmed.is_empty() { "0" } else { trimmed };
        Some(Self { negative, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }

    /// Rounded half up to what a headline needs.
    fn brief(self) -> Self {
        let decimals =
            if self.whole == "0" { self.fraction.find(|c| c != '0').map_or(2, |zeros| (zeros + 3).max(2)) } else { 2 };
        self.rounded(decimals)
    }

    fn rounded(self, decimals: usize) -> Self {
        if self.fraction.len() <= decimals {
            let fraction = format!("{:0<decimals$}", self.fraction);
            return Self { fraction, ..self };
        }
        let kept: String = self.fraction.chars().take(decimals).collect();
        let round_up = self.fraction.chars().nth(decimals).is_some_and(|c| c >= '5');
        let mut digits: Vec<u8> = self.whole.bytes().chain(kept.bytes()).collect();
        if round_up {
            increment(&mut digits);
        }
        let text: String = digits.into_iter().map(char::from).collect();
        let (whole, fraction) = text.split_at_checked(text.len() - decimals).unwrap_or((&text, ""));
        Self { negative: self.negative, whole: whole.to_owned(), fraction: fraction.to_owned() }
    }

    fn show(&self, currency: &str) -> String {
        let mut number = group(&self.whole);
        if !self.fraction.is_empty() {
            number.push('.');
            number.push_str(&self.fraction);
        }
        let sign = if self.negative { MINUS.to_string() } else { String::new() };
        match currency {
            "USD" => format!("{sign}${number}"),
            "EUR" => format!("{sign}€{number}"),
            "" => format!("{sign}{number}"),
            other => format!("{sign}{number} {other}"),
        }
    }
}

/// Adds one to the last of some ASCII digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}
