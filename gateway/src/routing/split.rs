//! The coin: a hash, so that a conversation always gets the same side.

use sha2::{Digest, Sha256};
use wire::Unit;

/// A weight in hundredths of a percent, 0 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WeightBp(u32);

impl WeightBp {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(10_000);

    /// From percent, in steps of 0.01.
    ///
    /// # Errors
    /// The number is not between 0 and 100, or has more than two decimals.
    pub fn from_percent(percent: f64) -> Result<Self, String> {
        let wrong = || format!("{percent} is no weight: expected 0 to 100 percent in steps of 0.01");
        if !(0.0..=100.0).contains(&percent) {
            return Err(wrong());
        }
        let hundredths = (percent * 100.0).round();
        if (hundredths - percent * 100.0).abs() > 1e-6 {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10000, checked above")]
        Ok(Self(hundredths as u32))
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn bp(self) -> u32 {
        self.0
    }

    /// Percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// A conversation's place between 0 and 9 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin(u32);

impl Coin {
    /// The place of `unit` under `salt`: the first 64 bits of SHA-256 over salt, a zero byte and the unit, scaled
    /// to 10 000 places. Any language can compute it again.
    #[must_use]
    pub fn toss(salt: &str, unit: &[u8]) -> Self {
        Self::toss_for(salt, "", unit)
    }

    /// The place of `unit` for another purpose, under the salt `SALTPURPOSE` (such as `SALT/shadow`): a coin of its own.
    #[must_use]
    pub fn toss_for(salt: &str, purpose: &str, unit: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(salt.as_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(unit);
        let digest = hash.finalize();
        let high = digest.iter().take(8).fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let place = (u128::from(high) * 10_000) >> 64;
        Self(u32::try_from(place).unwrap_or(9_999))
    }

    /// Whether the place lies under the weight. Raising a weight only adds conversations; 0 takes none and 10 000
    /// all.
    #[must_use]
    pub const fn under(self, weight: WeightBp) -> bool {
        self.0 < weight.0
    }
}

/// The bytes that stand for an assignment unit. The kind is part of them, so that a user called like a header value
/// is somebody else.
#[must_use]
pub fn unit_bytes(unit: &Unit) -> Vec<u8> {
    match unit {
        Unit::Header(value) => [b"header\0", value.as_bytes()].concat(),
        Unit::Member(name, value) => [name.as_bytes(), b"\0", value.as_bytes()].concat(),
        Unit::Opening(hash) => [b"opening\0".as_slice(), hash].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn raising_the_weight_only_adds_units(unit in proptest::collection::vec(any::<u8>(), 0..40), low in 0u32..=10_000, more in 0u32..=10_000) {
            let coin = Coin::toss("salt", &unit);
            let high = (low + more).min(10_000);
            prop_assert!(!coin.under(WeightBp(low)) || coin.under(WeightBp(high)));
            prop_assert!(coin.under(WeightBp::ALL));
            prop_assert!(!coin.under(WeightBp::ZERO));
        }
    }

    #[test]
    fn the_share_is_the_weight_and_salts_are_independent() {
        let weight = WeightBp::from_percent(10.0).unwrap();
        let hit = |salt: &str, unit: u32| Coin::toss(salt, &unit.to_le_bytes()).under(weight);
        let count = (0..100_000).filter(|unit| hit("a", *unit)).count();
        // Five standard deviations of a binomial with n = 100 000 and p = 0.1 are 474.
        assert!(count.abs_diff(10_000) < 474, "{count}");
        let both = (0..100_000).filter(|unit| hit("a", *unit) && hit("b", *unit)).count();
        assert!(both.abs_diff(1000) < 158, "{both}");
    }

    #[test]
    fn the_coin_is_fixed_for_ever() {
        // python3: int.from_bytes(hashlib.sha256(b"salt\0unit").digest()[:8], "big") * 10_000 >> 64
        assert_eq!(Coin::toss("salt", b"unit"), Coin(9264));
        assert_eq!(Coin::toss_for("salt", "/shadow", b"unit"), Coin::toss("salt/shadow", b"unit"));
    }

    #[test]
    fn weights_have_two_decimals() {
        assert_eq!(WeightBp::from_percent(12.34).unwrap().bp(), 1234);
        assert_eq!(WeightBp::from_percent(100.0).unwrap(), WeightBp::ALL);
        for wrong in [-1.0, 100.01, 0.001, f64::NAN, f64::INFINITY] {
            assert!(WeightBp::from_percent(wrong).is_err(), "{wrong}");
        }
    }
}
