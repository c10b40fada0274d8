//! The bill, against sums by hand.

use super::fixture::*;
use datasets::Exchange;
use wire::{Usage, UsageSource};

#[test]
fn every_exchange_is_priced_on_its_own_clock() {
    let mut rows = ["a", "b"].map(mirrored).concat();
    // Pair b arrives a microsecond before DeepSeek's peak (Friday, 01:00 UTC) and is sent at its first, at twice the
    // price. The recorded cost is not believed.
    let peak_us = NOON_US - 11 * 3_600_000_000;
    for row in rows.iter_mut().filter(|row| row.pair == "b") {
        *row = Exchange { at_us: peak_us - 1, sent_us: peak_us, cost_nanos: Some(1), ..row.clone() };
    }
    let verdict = judge(&rows).verdict;
    let bill = &verdict.bill;
    // gpt-4o: 1000 x 2.50 + 100 x 10 USD per million = 0.0035 each. deepseek-flash: 1000 x 0.15 + 100 x 0.60 = 0.00021
    // off-peak, 0.00042 at peak.
    assert_eq!((bill.baseline.as_str(), bill.candidate.as_str()), ("0.007000", "0.000630"));
    assert_eq!((bill.baseline_per_1000.as_str(), bill.candidate_per_1000.as_str()), ("3.500000", "0.315000"));
    assert_eq!(bill.shadow, "0.000630");
    assert!((bill.ratio.unwrap() - 0.09).abs() < 1e-12);
    assert_eq!((bill.currency.as_str(), bill.pairs_priced, bill.pairs_unpriced), ("USD", 2, 0));
    assert!(bill.notes.iter().any(|note| note.contains("holidays")), "{:?}", bill.notes);
    assert!(bill.notes.iter().any(|note| note == "Price of gpt-4o at openai: in force since 2024-08-06."));
}

#[test]
fn the_interval_holds_the_ratio_and_cached_tokens_are_cheaper() {
    let mut rows = traffic(100);
    for (index, row) in rows.iter_mut().enumerate() {
        row.usage.as_mut().unwrap().completion = 50 + (index as u64 * 37) % 100;
    }
    let full = judge(&rows).verdict.bill;
    let (lower, ratio, upper) = (full.ratio_lower.unwrap(), full.ratio.unwrap(), full.ratio_upper.unwrap());
    assert!(lower < ratio && ratio < upper && upper < 0.1, "{lower} {ratio} {upper}");
    for row in rows.iter_mut().filter(|row| row.provider == "deepseek") {
        row.usage.as_mut().unwrap().cached = Some(1000);
    }
    let cached = judge(&rows).verdict.bill;
    assert!(cached.ratio.unwrap() < ratio / 2.0, "{cached:?}");
}

#[test]
fn what_cannot_be_priced_is_left_out_counted_and_named() {
    let mut rows = ["a", "b", "c", "d"].map(mirrored).concat();
    rows[1].model = "mystery".to_owned();
    rows[2].usage = None;
    let usage = Usage::new(1, 1, UsageSource::Estimate);
    rows[5] = Exchange { usage: Some(usage), ..rows[5].clone() };
    // The table knows the model that answered, so its price counts, not that of the name asked for.
    rows[7] =
        Exchange { model: "alias".to_owned(), model_answered: Some("deepseek-flash".to_owned()), ..rows[7].clone() };
    let verdict = judge(&rows).verdict;
    let bill = &verdict.bill;
    assert_eq!((bill.pairs_priced, bill.pairs_unpriced), (2, 2));
    assert!((bill.estimated_share - 0.25).abs() < 1e-12);
    let note = |text: &str| assert!(bill.notes.iter().any(|note| note.contains(text)), "{text}: {:?}", bill.notes);
    note("No price for mystery at deepseek: 1 exchanges");
    note("1 exchanges without token counts");
    note("25.0 % of the token counts are estimated");
    assert_eq!(guardrail(&verdict, "cost", "all").n, 2);
}
