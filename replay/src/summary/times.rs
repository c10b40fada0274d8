//! A histogram of times that can be written down and merged without loss.

use super::distribution::US_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Most bytes of one histogram in a file: a full one of three digits has less than a third of it.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Times in microseconds, up to a day, kept to `DIGITS` significant digits. In JSON it is an HDR histogram in the
/// compressed V2 form, in Base64, which the HdrHistogram libraries of all languages read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Times<const DIGITS: u8>(Option<Histogram<u64>>);

impl From<Option<Histogram<u64>>> for Times<3> {
    fn from(histogram: Option<Histogram<u64>>) -> Self {
        Self(histogram)
    }
}

impl<const DIGITS: u8> Times<DIGITS> {
    fn empty() -> Option<Histogram<u64>> {
        // These bounds are never refused.
        Histogram::new_with_bounds(1, US_MAX, DIGITS).ok()
    }

    /// Adds a time; one above a day counts as a day.
    pub(crate) fn record(&mut self, us: u64) {
        if self.0.is_none() {
            self.0 = Self::empty();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(us);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        match &mut self.0 {
            // Both have the same bounds, which is all that adding asks for.
            Some(ours) => drop(ours.add(theirs)),
            None => self.0 = Some(theirs.clone()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(Histogram::is_empty)
    }

    pub(crate) fn histogram(&self) -> Option<&Histogram<u64>> {
        self.0.as_ref().filter(|histogram| !histogram.is_empty())
    }

    /// A quantile from 0 to 1.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        self.histogram().map(|histogram| histogram.value_at_quantile(quantile))
    }

    fn encode(&self) -> Option<String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(self.histogram()?, &mut bytes).ok()?;
        Some(STANDARD.encode(bytes))
    }

    fn decode(text: &str) -> Result<Self, &'static str> {
        if text.len() > TEXT_BYTES_MAX {
            return Err("the histogram is longer than any that weighbridge writes");
        }
        let bytes = STANDARD.decode(text).map_err(|_| "the histogram is no Base64")?;
        let theirs: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|_| "the histogram is not in HdrHistogram's V2 form")?;
        // Into our own bounds, so that all of one kind are alike.
        let mut ours = Self::empty().ok_or("the histogram has no bounds")?;
        if theirs.sigfig() != DIGITS {
            return Err("the histogram has another precision");
        }
        ours.add(theirs).map_err(|_| "the histogram holds times of more than a day")?;
        Ok(Self(Some(ours)))
    }
}

impl<const DIGITS: u8> Serialize for Times<DIGITS> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encode().unwrap_or_default().serialize(serializer)
    }
}

impl<'de, const DIGITS: u8> Deserialize<'de> for Times<DIGITS> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        Self::decode(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times<const D: u8>(values: &[u64]) -> Times<D> {
        let mut times = Times::default();
        values.iter().for_each(|value| times.record(*value));
        times
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        let error = |text: &str| serde_json::from_str::<Times<3>>(&format!("\"{text}\"")).unwrap_err().to_string();
        assert!(error("%%").contains("Base64"));
        assert!(error("AAAA").contains("V2"));
        assert!(error(&"A".repeat(TEXT_BYTES_MAX + 4)).contains("longer"));
        let coarse = times::<2>(&[1]).encode().unwrap();
        assert!(error(&coarse).contains("precision"));
        let mut long = Histogram::<u64>::new(3).unwrap();
        long.record(US_MAX * 9).unwrap();
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&long, &mut bytes).unwrap();
        assert!(error(&STANDARD.encode(bytes)).contains("more than a day"));
    }

    #[test]
    fn the_text_is_the_one_that_other_libraries_know() {
        // The cookie of a compressed V2 histogram in Base64.
        assert!(times::<3>(&[5, 5_000]).encode().unwrap().starts_with("HISTF"));
        assert_eq!(serde_json::to_string(&Times::<3>::default()).unwrap(), "\"\"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn writing_down_and_adding_lose_nothing(
            one in proptest::collection::vec(0u64..200_000_000_000, 0..50),
            two in proptest::collection::vec(0u64..50_000, 0..50),
        ) {
            let again = |times: &Times<3>| -> Times<3> {
                serde_json::from_str(&serde_json::to_string(times).unwrap()).unwrap()
            };
            let mut sum = again(&times(&one));
            sum.add(&again(&times(&two)));
            let whole = times::<3>(&[one, two].concat());
            prop_assert_eq!(sum.is_empty(), whole.is_empty());
            prop_assert_eq!(sum.encode(), whole.encode());
            prop_assert_eq!(sum.quantile(0.99), whole.quantile(0.99));
            prop_assert_eq!(
                sum.histogram().map(|h| (h.mean(), h.max(), h.len())),
                whole.histogram().map(|h| (h.mean(), h.max(), h.len()))
            );
        }

        #[test]
        fn reading_never_panics(text in "[A-Za-z0-9+/=]{0,60}") {
            let _read = serde_json::from_str::<Times<3>>(&format!("\"HIST{text}\""));
        }
    }
}
