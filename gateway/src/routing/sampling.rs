//! Which share of the requests is mirrored: by stratum, because long prompts are rare and dear, and a plain share would
//! see few of them or cost too much.
//!
//! The stratum depends on what is known before any answer is: length, consumer, model. Its share is recorded with the
//! exchange, so that an evaluation can weigh each copy by the inverse of its probability.

use super::split::WeightBp;

/// A part of the traffic with a mirrored share of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stratum {
    /// Fewest characters of the prompt.
    pub prompt_chars_min: u64,
    /// Most characters of the prompt, itself included.
    pub prompt_chars_max: u64,
    /// Consumer name; `None`: any, or none.
    pub consumer: Option<String>,
    /// Model patterns; `None`: any.
    pub models: Option<super::Patterns>,
    /// The share.
    pub share: WeightBp,
}

impl Stratum {
    /// Whether the request lies in it.
    #[must_use]
    pub fn takes(&self, prompt_chars: u64, consumer: Option<&str>, model: &str) -> bool {
        (self.prompt_chars_min..=self.prompt_chars_max).contains(&prompt_chars)
            && self.consumer.as_deref().is_none_or(|name| consumer == Some(name))
            && self.models.as_ref().is_none_or(|models| models.take(model))
    }

    /// Whether everything that lies in `other` lies here, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let models = match (&self.models, &other.models) {
            (None, _) => true,
            (Some(mine), Some(theirs)) => mine.cover(theirs),
            (Some(_), None) => false,
        };
        self.prompt_chars_min <= other.prompt_chars_min
            && self.prompt_chars_max >= other.prompt_chars_max
            && (self.consumer.is_none() || self.consumer == other.consumer)
            && models
    }
}

/// How copies are chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sampling {
    /// Asked in this order; the first that takes the request has it.
    pub strata: Vec<Stratum>,
    /// Share of what the baseline serves that also gets a second baseline call: the A/A leg, which shows how much two
    /// answers of the same provider differ.
    pub repeat: WeightBp,
}

impl Sampling {
    /// The mirrored share of a request; `otherwise` is the share of what lies in no stratum.
    #[must_use]
    pub fn share(&self, prompt_chars: u64, consumer: Option<&str>, model: &str, otherwise: WeightBp) -> WeightBp {
        let stratum = self.strata.iter().find(|stratum| stratum.takes(prompt_chars, consumer, model));
        stratum.map_or(otherwise, |stratum| stratum.share)
    }

    /// Whether any request could be mirrored at all.
    #[must_use]
    pub fn mirrors(&self, otherwise: WeightBp) -> bool {
        otherwise > WeightBp::ZERO || self.strata.iter().any(|stratum| stratum.share > WeightBp::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Patterns;
    use proptest::prelude::*;

    fn bp(percent: u32) -> WeightBp {
        WeightBp::from_percent(f64::from(percent)).unwrap()
    }

    fn any_stratum() -> impl Strategy<Value = Stratum> {
        let consumer = proptest::option::of(proptest::sample::select(vec!["x", "y"]));
        let model = proptest::option::of(proptest::sample::select(vec!["a", "a*", "*"]));
        (0u64..100, 0u64..100, consumer, model, 0u32..=100).prop_map(|(min, more, consumer, model, percent)| Stratum {
            prompt_chars_min: min,
            prompt_chars_max: min + more,
            consumer: consumer.map(str::to_owned),
            models: model.map(|model| Patterns::new([model]).unwrap()),
            share: bp(percent),
        })
    }

    proptest! {
        /// Every request has exactly one share: that of the first stratum it lies in, or the share of the rest.
        #[test]
        fn strata_are_total(strata in proptest::collection::vec(any_stratum(), 0..5), chars in 0u64..250, consumer in proptest::option::of("[xyz]"), model in "[ab]{1,2}") {
            let sampling = Sampling { strata: strata.clone(), repeat: WeightBp::ZERO };
            let share = sampling.share(chars, consumer.as_deref(), &model, bp(7));
            let mut expected = bp(7);
            for stratum in strata.iter().rev() {
                let length = stratum.prompt_chars_min <= chars && chars <= stratum.prompt_chars_max;
                let by_name = stratum.consumer.is_none() || stratum.consumer == consumer;
                let by_model = stratum.models.as_ref().is_none_or(|models| models.take(&model));
                if length && by_name && by_model {
                    expected = stratum.share;
                }
            }
            prop_assert_eq!(share, expected);
        }
    }

    #[test]
    fn a_mirror_is_off_only_if_nothing_could_be_copied() {
        let strata = |percent| Sampling {
            strata: vec![Stratum {
                prompt_chars_min: 0,
                prompt_chars_max: u64::MAX,
                consumer: None,
                models: None,
                share: bp(percent),
            }],
            repeat: bp(1),
        };
        assert!(!Sampling::default().mirrors(WeightBp::ZERO));
        assert!(Sampling::default().mirrors(bp(1)));
        assert!(!strata(0).mirrors(WeightBp::ZERO));
        assert!(strata(1).mirrors(WeightBp::ZERO));
    }
}
