//! The bill, against sums by hand.

use super::fixture::*;
use crate::bill::{Column, StatementOptions, statement};
use datasets::{Arm, Exchange, Role, ShadowFate};
use judge::verdict::Paid;
use wire::price::{Call, Tariffs, Tier, decimal};
use wire::{ErrorKind, Usage, UsageSource};

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

/// Traffic of everything that money depends on: tiers, parts of usage, hours, failures, lost counts, unknown models.
fn motley(n: u64) -> Vec<Exchange> {
    let mut rows = Vec::new();
    for index in 0..n {
        let draw = |stream: u64| uniform(index, stream);
        let sent_us = NOON_US + (draw(1) * 3.0 * 86_400e6) as i64;
        for (mut row, stream) in mirrored(&format!("motley-{index:04}")).into_iter().zip([100, 200]) {
            let draw = |part: u64| draw(stream + part);
            let prompt = 100 + (draw(1) * 5000.0) as u64;
            let source = if draw(2) < 0.2 { UsageSource::Estimate } else { UsageSource::Provider };
            row.usage = Some(Usage {
                cached: (draw(3) < 0.7).then_some((draw(4) * prompt as f64 / 2.0) as u64),
                cache_write: (draw(5) < 0.2).then_some(prompt / 10),
                reasoning: (draw(6) < 0.3).then_some(7),
                ..Usage::new(prompt, 10 + (draw(7) * 500.0) as u64, source)
            });
            (row.at_us, row.sent_us) = (sent_us, sent_us + 1 + (draw(8) * 1e6) as i64);
            row.consumer = Some(format!("team-{}", index % 3));
            row.streamed = draw(9) < 0.6;
            if row.provider == "openai" && draw(10) < 0.2 {
                row.tier = Tier::Flex;
            }
            if draw(11) < 0.05 {
                row.model = "mystery".to_owned();
            }
            if draw(12) < 0.05 {
                row.usage = None;
            }
            if draw(13) < 0.05 {
                row = Exchange { usage: None, ..with_error(row, ErrorKind::RateLimit) };
            }
            // A third of the requests is not mirrored.
            if row.role == Role::Served && index % 3 == 0 {
                row.shadow = Some(ShadowFate::NotSampled);
            }
            if row.role == Role::Served || index % 3 != 0 {
                rows.push(row);
            }
        }
    }
    rows
}

/// What a record costs by the table alone, and how it is counted.
fn priced(row: &Exchange, tariffs: &Tariffs) -> Option<i64> {
    let call = Call {
        provider: &row.provider,
        asked: &row.model,
        answered: row.model_answered.as_deref(),
        sent_us: row.sent_us,
        tier: row.tier,
    };
    Some(tariffs.price(&call, row.usage.as_ref()?)?.nanos)
}

fn nanos(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 9, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

#[test]
fn what_was_paid_is_the_sum_over_the_records_to_the_nano_dollar() {
    let (rows, tariffs) = (motley(400), Tariffs::embedded().unwrap());
    let bill = judge(&rows).verdict.bill;
    let expected = |matches: &dyn Fn(&Exchange) -> bool| -> i128 {
        rows.iter().filter(|row| matches(row)).filter_map(|row| priced(row, &tariffs)).map(i128::from).sum()
    };
    let paid = |paid: &[Paid]| -> i128 { paid.iter().map(|paid| nanos(&paid.amount)).sum() };
    let all = expected(&|_| true);
    assert!(all > 0);
    assert_eq!((paid(&bill.by_arm), paid(&bill.by_model), paid(&bill.by_day)), (all, all, all));
    for of in &bill.by_arm {
        let arm = of.arm.clone().unwrap();
        let same = |row: &Exchange| row.arm.name() == arm;
        assert_eq!(nanos(&of.amount), expected(&same), "{arm}");
        let count = |matches: &dyn Fn(&Exchange) -> bool| rows.iter().filter(|row| same(row) && matches(row)).count();
        assert_eq!(of.exchanges as usize, count(&|_| true));
        assert_eq!(of.priced as usize, count(&|row| priced(row, &tariffs).is_some()));
        assert_eq!(of.unpriced as usize, count(&|row| row.usage.is_some() && priced(row, &tariffs).is_none()));
        assert_eq!(of.without_usage as usize, count(&|row| row.usage.is_none() && row.error.is_none()));
        assert_eq!(of.unbilled as usize, count(&|row| row.error.is_some()));
        let estimated = |row: &Exchange| row.usage.is_some_and(|usage| usage.source == UsageSource::Estimate);
        assert_eq!(nanos(&of.estimated_amount), expected(&|row| same(row) && estimated(row)));
    }
    let of_flash = bill.by_model.iter().find(|paid| paid.model.as_deref() == Some("deepseek-flash")).unwrap();
    assert_eq!(nanos(&of_flash.amount), expected(&|row| row.model == "deepseek-flash"));
    let days: Vec<&str> = bill.by_day.iter().filter_map(|paid| paid.day.as_deref()).collect();
    assert!(days.is_sorted() && days.first() == Some(&"2026-11-20") && days.last() == Some(&"2026-11-23"), "{days:?}");
    assert_eq!(bill.shadow, decimal(expected(&|row| row.role == Role::Shadow) as i64, 6));
    // A tier is a price of its own.
    assert!(rows.iter().any(|row| row.tier == Tier::Flex && priced(row, &tariffs).is_some()));
}

#[test]
fn columns_of_a_statement_add_up_and_an_instant_prices_everything() {
    let (files, tariffs) = (Files::new(), Tariffs::embedded().unwrap());
    let rows = motley(200);
    let path = [files.records("records.ndjson", &rows)];
    let options = StatementOptions {
        migration: None,
        skip_broken: false,
        tariffs: tariffs.clone(),
        columns: vec![Column::Consumer, Column::Hour],
        priced_at_us: None,
        month_requests: None,
        doubted_at_us: None,
        version: "0.1.0".to_owned(),
    };
    let document = statement(&path, &options).unwrap();
    let sum = |paid: &[Paid]| -> i128 { paid.iter().map(|paid| nanos(&paid.amount)).sum() };
    assert_eq!(sum(&document.paid), nanos(&document.total.amount));
    let of = |consumer: &str, hour: u8| -> i128 {
        let same = |row: &&Exchange| {
            row.consumer.as_deref() == Some(consumer)
                && row.sent_us.div_euclid(3_600_000_000).rem_euclid(24) == i64::from(hour)
        };
        rows.iter().filter(same).filter_map(|row| priced(row, &tariffs)).map(i128::from).sum()
    };
    for paid in &document.paid {
        assert_eq!(nanos(&paid.amount), of(paid.consumer.as_deref().unwrap(), paid.hour.unwrap()), "{paid:?}");
    }
    // Monday, 23 November 2026, 02:00 UTC: peak at DeepSeek for all.
    let at_us = NOON_US + (2 * 24 + 14) * 3_600_000_000;
    let at_peak = StatementOptions { priced_at_us: Some(at_us), columns: vec![Column::Arm], ..options };
    let document = statement(&path, &at_peak).unwrap();
    let expected: i128 = rows
        .iter()
        .filter(|row| row.arm == Arm::Candidate)
        .filter_map(|row| priced(&Exchange { sent_us: at_us, ..row.clone() }, &tariffs))
        .map(i128::from)
        .sum();
    let candidate = document.paid.iter().find(|paid| paid.arm.as_deref() == Some("candidate")).unwrap();
    assert_eq!(nanos(&candidate.amount), expected);
    assert_eq!((candidate.peak, document.priced_at.as_deref()), (candidate.priced, Some("2026-11-23T02:00:00Z")));
}

#[test]
fn the_same_traffic_on_the_other_arm_is_known_of_copies_and_estimated_of_the_rest() {
    let mut rows = Vec::new();
    for index in 0..100 {
        let [served, copy] = mirrored(&format!("pair-{index}"));
        let sent_us = NOON_US + index * 60_000_000;
        rows.extend([served, copy].map(|row| Exchange { at_us: sent_us, sent_us, ..row }));
    }
    // Ten without a copy, half a day later: DeepSeek's peak begins at 01:00 UTC of a working day, so on Monday.
    let monday_peak_us = NOON_US + (2 * 24 + 14) * 3_600_000_000;
    for index in 0..10 {
        let [served, _] = mirrored(&format!("alone-{index}"));
        let shadow = Some(ShadowFate::NotSampled);
        rows.push(Exchange { at_us: monday_peak_us, sent_us: monday_peak_us, shadow, streamed: false, ..served });
    }
    // One failed, one nobody counted, one whose copy failed.
    let [served, copy] = mirrored("failed");
    rows.extend([with_error(Exchange { usage: None, ..served }, ErrorKind::Server), copy]);
    let [served, copy] = mirrored("uncounted");
    rows.extend([Exchange { usage: None, ..served }, copy]);
    let [served, copy] = mirrored("copy-failed");
    rows.extend([served, Exchange { usage: None, ..with_error(copy, ErrorKind::Server) }]);
    let bill = judge(&rows).verdict.bill;
    let said = bill.counterfactual.as_ref().unwrap();
    assert_eq!((said.requests, said.requests_paired, said.requests_estimated), (111, 100, 11));
    assert_eq!((said.requests_failed, said.requests_unknown), (1, 1));
    // gpt-4o: 0.0035 each. deepseek-flash: 0.00021 off-peak for 100 and the one whose copy failed, 0.00042 at peak for ten.
    assert_eq!(nanos(&said.as_served), 111 * 3_500_000);
    assert_eq!(nanos(&said.baseline.as_ref().unwrap().value), 111 * 3_500_000);
    assert_eq!(nanos(&said.candidate.as_ref().unwrap().value), 101 * 210_000 + 10 * 420_000);
    let saving = bill.saving_per_month.as_ref().unwrap();
    assert_eq!((saving.scaled_by.as_str(), saving.window_hours), ("mean-rate", 62.0));
    let month = 730.5 / 62.0;
    let close = |text: &str, expected: f64| {
        let found = nanos(text) as f64;
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    };
    close(&saving.amount.value, month * f64::from(111 * 3_500_000 - 101 * 210_000 - 10 * 420_000));
    // The ten were not streamed, so they can wait for the cheap hours.
    close(&saving.off_peak.value, month * f64::from(111 * 3_500_000 - 111 * 210_000));
    assert!((saving.can_wait_share - 10.0 / 111.0).abs() < 1e-12);
    let peak: Vec<(u8, f64)> =
        bill.by_hour.iter().filter(|hour| hour.peak_share > 0.0).map(|hour| (hour.hour, hour.peak_share)).collect();
    assert_eq!(peak, [(2, 1.0)]);
    let cache = bill.cache.as_ref().unwrap();
    assert_eq!((cache.candidate_hit_rate, cache.baseline_hit_rate), (Some(0.0), Some(0.0)));
    assert_eq!(cache.reading, "The candidate is cheaper at any hit rate.");
}

#[test]
fn a_stale_price_and_an_old_verdict_are_said_and_read() {
    let mut rows = ["a", "b"].map(mirrored).concat();
    rows[0].model = "gpt-5.6-sol".to_owned();
    let late_us = NOON_US + 5 * 86_400_000_000;
    rows.iter_mut().for_each(|row| (row.at_us, row.sent_us) = (late_us, late_us));
    let verdict = judge(&rows).verdict;
    assert!(verdict.bill.stale.iter().any(|stale| stale.model == "gpt-5.6-sol"), "{:?}", verdict.bill.stale);
    // A verdict from before this version has none of it and stays readable.
    let mut old = serde_json::to_value(&verdict).unwrap();
    let bill = old["bill"].as_object_mut().unwrap();
    for new in ["by_arm", "by_model", "by_day", "by_hour", "counterfactual", "saving_per_month", "cache", "stale"] {
        bill.remove(new);
    }
    let read: judge::verdict::Verdict = serde_json::from_value(old).unwrap();
    assert_eq!((read.bill.baseline, read.bill.counterfactual), (verdict.bill.baseline, None));
}

#[test]
fn answers_of_a_log_are_not_paid_again_and_stand_for_the_baseline() {
    let mut rows = (0..40).flat_map(|index| mirrored(&format!("replayed-{index}"))).collect::<Vec<_>>();
    for row in &mut rows {
        row.role = Role::Replayed;
        row.shadow = None;
        row.recorded = (row.arm == Arm::Baseline).then_some(datasets::FromLog::Timed);
    }
    let bill = judge(&rows).verdict.bill;
    let roles: Vec<(Option<&str>, Option<&str>)> =
        bill.by_arm.iter().map(|paid| (paid.arm.as_deref(), paid.role.as_deref())).collect();
    assert_eq!(roles, [(Some("baseline"), Some("recorded")), (Some("candidate"), Some("replayed"))]);
    let said = bill.counterfactual.unwrap();
    assert_eq!((said.requests, said.requests_paired), (40, 40));
    assert_eq!(nanos(&said.saving.unwrap().value), 40 * (3_500_000 - 210_000));
    assert!(bill.saving_per_month.is_none() && bill.notes.iter().any(|note| note.contains("--month-requests")));
}

#[test]
fn of_many_models_the_frequent_ones_are_told_apart() {
    let mut rows = (0..40).flat_map(|index| mirrored(&format!("pair-{index}"))).collect::<Vec<_>>();
    for model in 0..30 {
        for index in 0..=model {
            let [served, _] = mirrored(&format!("alone-{model}-{index}"));
            // A dated snapshot has its model's price.
            let model = format!("gpt-4o-2024-01-{:02}", model + 1);
            rows.push(Exchange { model, shadow: Some(ShadowFate::NotSampled), ..served });
        }
    }
    let said = judge(&rows).verdict.bill.counterfactual.unwrap();
    let models: Vec<&str> = said.strata.iter().map(|stratum| stratum.model.as_str()).collect();
    // gpt-4o and the 15 most frequent of the snapshots; the 15 others are one.
    assert_eq!((models.len(), models[0]), (16, "other"), "{models:?}");
    assert!(models.contains(&"gpt-4o-2024-01-30") && !models.contains(&"gpt-4o-2024-01-15"));
    assert_eq!(said.strata[0].requests, (1..=15).sum::<u64>());
    assert!(said.strata.iter().all(|stratum| stratum.taken_from == "arm" && stratum.ratio == Some(0.06)), "{said:?}");
}
