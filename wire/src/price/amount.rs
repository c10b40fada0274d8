//! Exact decimals: amounts, factors and exchange rates, from text to integers without floating point.
//!
//! One dollar per million tokens is 1 000 000 pico-dollars a token, so an amount with six decimals is a whole number of
//! pico-dollars a token and needs no rounding. Two things do: an amount in another currency, and the price of an hour of a
//! GPU. Both are one fraction of integers, rounded once, half up, to a whole pico-dollar a token when the table is read. That is
//! at most half a dollar in a million million tokens.

/// The largest price, pico-dollars a token: a thousand million dollars per million tokens.
const PICO_MAX: u128 = 1_000_000_000_000_000;

/// Ten-thousandths in one: the scale of factors.
const FACTOR_SCALE: u32 = 10_000;

/// The scale of exchange rates.
const RATE_SCALE: u128 = 100_000_000;

/// A multiplier with at most four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(u32);

impl Factor {
    /// Times one.
    pub const ONE: Self = Self(FACTOR_SCALE);

    /// Ten-thousandths: 1.1 is 11 000.
    #[must_use]
    pub const fn ten_thousandths(self) -> u32 {
        self.0
    }

    /// Reads a factor above zero and below 1000.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value = u32::try_from(digits(text, 3, 4)?).ok()?;
        (value > 0).then_some(Self(value))
    }
}

impl std::fmt::Display for Factor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / FACTOR_SCALE, self.0 % FACTOR_SCALE);
        let fraction = format!("{rest:04}");
        match fraction.trim_end_matches('0') {
            "" => write!(formatter, "{whole}"),
            fraction => write!(formatter, "{whole}.{fraction}"),
        }
    }
}

/// What one unit of another currency is worth in the table's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(u64);

impl Rate {
    /// Reads a rate above zero with at most eight decimals.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value = digits(text, 6, 8)?;
        (value > 0).then_some(Self(value))
    }
}

/// Units of currency with at most six decimals, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount(u64);

/// What a machine does and how much of it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// GPUs that serve the model; a share of one is below 1.
    pub(super) gpus: Factor,
    /// Share of the paid time in which they serve.
    pub(super) utilisation: Factor,
}

impl Amount {
    pub(super) fn parse(text: &str) -> Option<Self> {
        digits(text, 9, 6).map(Self)
    }

    /// An amount per million tokens as pico-dollars a token.
    pub(super) fn per_million_tokens(self, rate: Option<Rate>) -> Option<u64> {
        quotient(u128::from(self.0), 1, rate)
    }

    /// An amount per GPU hour as pico-dollars a token, at so many tokens an hour of the busy machine.
    pub(super) fn per_gpu_hour(self, machine: Machine, tokens_an_hour: u64, rate: Option<Rate>) -> Option<u64> {
        // Millionths of a dollar an hour times GPUs, over tokens an hour times the busy share; the factors' scales cancel.
        let pico_an_hour = u128::from(self.0) * 1_000_000 * u128::from(machine.gpus.0);
        quotient(pico_an_hour, u128::from(tokens_an_hour) * u128::from(machine.utilisation.0), rate)
    }
}

/// The one rounding of a price. `None` beyond [`PICO_MAX`].
fn quotient(numerator: u128, denominator: u128, rate: Option<Rate>) -> Option<u64> {
    let (numerator, denominator) = match rate {
        None => (numerator, denominator),
        Some(rate) => (numerator.checked_mul(u128::from(rate.0))?, denominator.checked_mul(RATE_SCALE)?),
    };
    let pico = numerator.checked_add(denominator / 2)?.checked_div(denominator)?;
    (pico <= PICO_MAX).then(|| u64::try_from(pico).ok()).flatten()
}

/// `12.5` with up to `whole_max` and `fraction_max` digits, as an integer of the last digit's unit.
fn digits(text: &str, whole_max: usize, fraction_max: usize) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        None => (text, ""),
        Some((_, "")) => return None,
        Some(parts) => parts,
    };
    let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && whole.len() <= whole_max && fraction.len() <= fraction_max;
    (fits && all(whole) && all(fraction)).then(|| format!("{whole}{fraction:0<fraction_max$}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(Amount::parse("0.003625").unwrap().per_million_tokens(None), Some(3625));
        assert_eq!(Amount::parse("999999999").unwrap().per_million_tokens(None), Some(999_999_999_000_000));
        for text in ["", ".5", "5.", "-1", "+1", "1e3", "0.0000001", "1234567890", "1,5", " 1", "٣"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Factor::parse("1.1").map(Factor::ten_thousandths), Some(11_000));
        assert_eq!((Factor::parse("0"), Factor::parse("1000"), Factor::parse("0.00001")), (None, None, None));
        assert_eq!(
            ["1.1", "2", "0.5", "0.0001"].map(|text| Factor::parse(text).unwrap().to_string()),
            ["1.1", "2", "0.5", "0.0001"]
        );
        assert_eq!(Rate::parse("0"), None);
    }

    #[test]
    fn another_currency_is_one_multiplication_and_one_rounding() {
        // 0.02 CNY x 0.1405 = 0.00281 USD per million.
        let rate = Rate::parse("0.1405");
        assert_eq!(Amount::parse("0.02").unwrap().per_million_tokens(rate), Some(2810));
        // 0.000001 x 0.5 is half a pico-dollar: up.
        assert_eq!(Amount::parse("0.000001").unwrap().per_million_tokens(Rate::parse("0.5")), Some(1));
        assert_eq!(Amount::parse("0.000001").unwrap().per_million_tokens(Rate::parse("0.49999999")), Some(0));
        assert_eq!(Amount::parse("999999999").unwrap().per_million_tokens(Rate::parse("2")), None, "too large");
    }

    #[test]
    fn an_hour_of_a_gpu_is_divided_by_its_tokens() {
        let machine =
            |gpus, busy| Machine { gpus: Factor::parse(gpus).unwrap(), utilisation: Factor::parse(busy).unwrap() };
        let hour = Amount::parse("2.40").unwrap();
        // 8 x 2.40 USD = 19.20 USD an hour over 40 million tokens: 0.48 USD per million.
        assert_eq!(hour.per_gpu_hour(machine("8", "1"), 40_000_000, None), Some(480_000));
        // Busy a quarter of the time, each token costs four times that.
        assert_eq!(hour.per_gpu_hour(machine("8", "0.25"), 40_000_000, None), Some(1_920_000));
        // Half a GPU: 1.20 USD over 7 million tokens is 0.171428571... USD per million.
        assert_eq!(hour.per_gpu_hour(machine("0.5", "1"), 7_000_000, None), Some(171_429));
        assert_eq!(hour.per_gpu_hour(machine("1", "1"), 0, None), None);
        assert_eq!(hour.per_gpu_hour(machine("999", "0.0001"), 1, None), None);
        assert_eq!(hour.per_gpu_hour(machine("0.0001", "999"), u64::MAX, None), Some(0));
    }
}
