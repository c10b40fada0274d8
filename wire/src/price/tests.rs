use super::*;
use crate::usage::UsageSource;

mod edges;
mod golden;
mod laws;
mod mistakes;
mod overlay;
mod stale;

const HEAD: &str = "schema = 'weighbridge.tariffs/1'\ncurrency = 'USD'\nchecked = 2026-11-22\n";

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn usage(prompt: u64, cached: u64, completion: u64) -> Usage {
    Usage { cached: Some(cached), ..Usage::new(prompt, completion, UsageSource::Provider) }
}

/// A table of one's own with this after its header.
fn table(rest: &str) -> Tariffs {
    Tariffs::parse(&format!("{HEAD}{rest}")).unwrap_or_else(|error| panic!("{error}"))
}

/// A row of model `m` at provider `p`, whose input costs so much.
fn row(from: &str, input: &str, rest: &str) -> String {
    format!(
        "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = {from}\ninput = '{input}'\noutput = '1'\nsource = 's'\n{rest}\n"
    )
}

#[test]
fn money_prints_as_decimals() {
    assert_eq!(decimal(525_000, 6), "0.000525");
    assert_eq!(decimal(1_234_567_890, 2), "1.23");
    assert_eq!(decimal(-1_235_000_000, 2), "-1.24");
    assert_eq!(decimal(-1, 2), "0.00");
    assert_eq!(decimal(1_500_000_000, 0), "2");
}

#[test]
fn the_model_that_answered_is_priced_else_the_one_that_was_asked_for() {
    let tariffs = Tariffs::embedded().unwrap();
    let call = |answered| Call { answered, ..Call::new("openai", "gpt-4o", at("2026-11-20T12:00:00Z")) };
    let model = |answered| tariffs.row_of(&call(answered)).map(|row| row.model.as_str());
    assert_eq!(model(Some("gpt-4o-mini-2024-07-18")), Some("gpt-4o-mini"));
    assert_eq!(model(Some("gpt-4o-fast-preview")), Some("gpt-4o"), "a name that nobody knows");
    assert_eq!(model(None), Some("gpt-4o"));
}

#[test]
fn the_other_periods_of_a_day_are_its_own() {
    let tariffs = Tariffs::embedded().unwrap();
    let periods = |time| {
        let rows = tariffs.periods_of("deepseek", "deepseek-flash", at(time)).into_iter();
        rows.map(|row| row.period.as_deref()).collect::<Vec<_>>()
    };
    assert_eq!(periods("2026-11-20T02:00:00Z"), [Some("deepseek-peak"), None]);
    assert_eq!(periods("2026-11-20T12:00:00Z"), [None, Some("deepseek-peak")]);
    assert_eq!(periods("2026-11-21T02:00:00Z"), [None], "a Saturday has no peak");
    let small = usage(2000, 1000, 500);
    let cost = |time| {
        let call = Call::new("deepseek", "deepseek-flash", at(time));
        (tariffs.price(&call, &small).unwrap().nanos, tariffs.cheapest(&call, &small).unwrap().nanos)
    };
    assert_eq!(cost("2026-11-20T02:00:00Z"), (906_000, 453_000));
    assert_eq!(cost("2026-11-20T12:00:00Z"), (453_000, 453_000));
    let unknown = Call::new("compatible", "llama", 0);
    assert_eq!(tariffs.cheapest(&unknown, &small), None);
    assert!(tariffs.periods_of("deepseek", "deepseek-flash", i64::MAX).len() <= 2);
}

#[test]
fn the_readmes_table_is_one() {
    let text = include_str!("../../README.md");
    let (_, text) = text.split_once("```toml\n").unwrap();
    let (text, _) = text.split_once("```").unwrap();
    let own = Tariffs::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let tariffs = Tariffs::embedded().unwrap().overlaid_by(own);
    let cost = |provider, model, time, tier| {
        let call = Call { tier, ..Call::new(provider, model, at(time)) };
        tariffs.price(&call, &usage(1_000_000, 0, 0)).map(|priced| priced.nanos / 1_000_000)
    };
    // Monday 22:30 in Beijing is 14:30 UTC; the surcharge makes 2.00 to 2.20, and 1.00 without terms stays.
    assert_eq!(cost("openai", "house-model", "2026-11-23T14:29:59Z", Tier::Standard), Some(2200));
    assert_eq!(cost("openai", "gpt-4o-2024-08-06", "2026-11-23T14:30:00Z", Tier::Standard), Some(1000));
    assert_eq!(cost("openai", "gpt-4o", "2026-11-23T14:29:59Z", Tier::Batch), Some(880));
    // 8 x 18 CNY / 0.4 = 360 CNY = 50.58 USD an hour over 40 million tokens: 1.2645 a million.
    assert_eq!(cost("compatible", "llama", "2026-11-23T14:30:00Z", Tier::Standard), Some(1264));
}
