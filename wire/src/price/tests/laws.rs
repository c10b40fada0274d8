//! What holds for every price and every report.

use super::HEAD;
use crate::price::{Call, Row, Tariffs, Tier};
use crate::usage::{Usage, UsageSource};
use proptest::prelude::*;

/// A row with these prices in millionths of a dollar per million tokens, in the order of the keys below.
fn tariffs(prices: [u64; 9], rest: &str) -> Tariffs {
    const KEYS: [&str; 9] = [
        "input",
        "cached_input",
        "output",
        "cache_write",
        "cache_write_long",
        "reasoning",
        "audio_input",
        "image_input",
        "audio_output",
    ];
    let amount = |pico: u64| format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
    let amounts: String = KEYS.iter().zip(prices).map(|(key, pico)| format!("{key} = '{}'\n", amount(pico))).collect();
    let row =
        format!("[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = 2026-01-01\nsource = 's'\n{amounts}{rest}");
    Tariffs::parse(&format!("{HEAD}{row}")).unwrap()
}

fn only(tariffs: &Tariffs) -> &Row {
    &tariffs.rows()[0]
}

fn nanos(row: &Row, usage: &Usage, tier: Tier) -> i64 {
    row.price(usage, tier).unwrap().nanos
}

fn reports(most: u64) -> impl Strategy<Value = Usage> {
    let part = || proptest::option::of(0..=most);
    ((0..=most, 0..=most), (part(), part(), part(), part(), part(), part())).prop_map(
        |((prompt, completion), (cached, cache_write, prompt_audio, prompt_image, reasoning, completion_audio))| {
            Usage {
                cached,
                cache_write,
                prompt_audio,
                prompt_image,
                reasoning,
                completion_audio,
                ..Usage::new(prompt, completion, UsageSource::Provider)
            }
        },
    )
}

/// The report of both, if each part of it is one of the whole.
fn sum(one: &Usage, two: &Usage) -> Usage {
    let add = |one: Option<u64>, two: Option<u64>| Some(one.unwrap_or(0) + two.unwrap_or(0));
    Usage {
        cached: add(one.cached, two.cached),
        cache_write: add(one.cache_write, two.cache_write),
        reasoning: add(one.reasoning, two.reasoning),
        ..Usage::new(one.prompt + two.prompt, one.completion + two.completion, UsageSource::Provider)
    }
}

/// A report whose parts fit into their sides.
fn whole(usage: &Usage) -> Usage {
    let cached = usage.cached.unwrap_or(0).min(usage.prompt);
    Usage {
        cached: Some(cached),
        cache_write: Some(usage.cache_write.unwrap_or(0).min(usage.prompt - cached)),
        reasoning: Some(usage.reasoning.unwrap_or(0).min(usage.completion)),
        ..Usage::new(usage.prompt, usage.completion, UsageSource::Provider)
    }
}

const PRICE_MAX: u64 = 100_000_000;

proptest! {
    #[test]
    fn every_token_is_priced_once_whatever_its_parts(usage in reports(1 << 40)) {
        // Where everything costs one dollar per million, an exchange costs its tokens: a thousand nano-dollars each.
        let even = tariffs([1_000_000; 9], "");
        prop_assert_eq!(nanos(only(&even), &usage, Tier::Standard), ((usage.prompt + usage.completion) * 1000) as i64);
    }

    #[test]
    fn more_tokens_never_cost_less(
        prices in proptest::array::uniform9(0..PRICE_MAX), usage in reports(100_000), more in 1u64..1000,
    ) {
        let tariffs = tariffs(prices, "long_context = { above_tokens = 50_000, input = '2', output = '1.5' }\n");
        let row = only(&tariffs);
        let usage = whole(&usage);
        let plain = nanos(row, &usage, Tier::Standard);
        let longer = Usage { completion: usage.completion + more, ..usage };
        let fuller = Usage { prompt: usage.prompt + more, ..usage };
        prop_assert!(nanos(row, &longer, Tier::Standard) >= plain);
        prop_assert!(nanos(row, &fuller, Tier::Standard) >= plain);
    }

    #[test]
    fn splitting_an_exchange_changes_its_cost_by_no_more_than_rounding(
        prices in proptest::array::uniform9(0..PRICE_MAX), one in reports(1 << 30), two in reports(1 << 30),
    ) {
        let tariffs = tariffs(prices, "tiers.batch = '0.3333'\n");
        let (row, one, two) = (only(&tariffs), whole(&one), whole(&two));
        for tier in [Tier::Standard, Tier::Batch] {
            let apart = nanos(row, &one, tier) + nanos(row, &two, tier);
            prop_assert!((apart - nanos(row, &sum(&one, &two), tier)).abs() <= 1);
        }
    }

    #[test]
    fn a_long_prompt_is_a_multiple_of_the_whole(prices in proptest::array::uniform9(0..PRICE_MAX), usage in reports(1 << 20)) {
        let long = tariffs(prices, "long_context = { above_tokens = 1, input = '3', output = '3' }\n");
        let tripled = tariffs(prices.map(|price| price * 3), "");
        prop_assume!(usage.prompt > 1);
        prop_assert_eq!(nanos(only(&long), &usage, Tier::Standard), nanos(only(&tripled), &usage, Tier::Standard));
    }

    #[test]
    fn any_counts_are_priced_or_not_and_never_break(
        counts in proptest::array::uniform8(any::<u64>()), price in 0..1_000_000_000_000u64,
    ) {
        let [prompt, completion, cached, cache_write, audio, image, reasoning, spoken] = counts;
        let usage = Usage {
            cached: Some(cached),
            cache_write: Some(cache_write),
            prompt_audio: Some(audio),
            prompt_image: Some(image),
            reasoning: Some(reasoning),
            completion_audio: Some(spoken),
            ..Usage::new(prompt, completion, UsageSource::Provider)
        };
        let tariffs = tariffs([price; 9], "tiers = { batch = '999.9999', ultrafast = '0.0001' }\nregional = '999'\n");
        for tier in [Tier::Standard, Tier::Batch, Tier::Flex, Tier::Priority, Tier::Ultrafast] {
            let cost = tariffs.price(&Call { tier, ..Call::new("p", "m", i64::MAX) }, &usage);
            prop_assert!(cost.is_none_or(|priced| priced.nanos >= 0));
        }
    }
}
