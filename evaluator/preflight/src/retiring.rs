//! Models that end, on either side.

use crate::document::{Mapped, Retiring, Side};
use crate::facts;
use std::collections::BTreeMap;
use wire::provider::Provider;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// All that have a last day, soonest first; those that are over, too.
pub(crate) fn retiring(models: &[Mapped], baseline: Provider, candidate: Provider, now_us: i64) -> Vec<Retiring> {
    let mut requests: BTreeMap<(Side, &str), u64> = BTreeMap::new();
    for mapped in models {
        *requests.entry((Side::Baseline, &mapped.from)).or_default() += mapped.requests;
        if let Some(to) = &mapped.to {
            *requests.entry((Side::Candidate, to)).or_default() += mapped.requests;
        }
    }
    let provider = |side| if side == Side::Baseline { baseline } else { candidate };
    let told = requests.into_iter().filter_map(|((side, model), requests)| {
        let at_us = facts::retires_us(provider(side), model)?;
        let on = jiff::Timestamp::from_microsecond(at_us).ok()?.to_string();
        let days_left = at_us.saturating_sub(now_us).div_euclid(DAY_US);
        Some(Retiring { side, model: model.to_owned(), on, days_left, requests })
    });
    let mut retiring: Vec<Retiring> = told.collect();
    retiring.sort_by_key(|model| (model.days_left, std::cmp::Reverse(model.requests)));
    retiring
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_looked_at_and_the_soonest_stands_first() {
        let mapped = |from: &str, to: &str, requests| Mapped {
            from: from.to_owned(),
            to: Some(to.to_owned()),
            chosen: None,
            requests,
        };
        let models = [mapped("gpt-none", "deepseek-chat", 2), mapped("gpt-other", "deepseek-chat", 3)];
        let now_us = "2026-11-23T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let told = retiring(&models, Provider::OpenAi, Provider::DeepSeek, now_us);
        let [only] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            (only.side, &*only.on, only.days_left, only.requests),
            (Side::Candidate, "2026-07-24T15:59:00Z", -122, 5)
        );
    }
}
