use super::*;
use crate::usage::UsageSource;

mod golden;

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn usage(prompt: u64, cached: u64, completion: u64) -> Usage {
    Usage { cached: Some(cached), ..Usage::new(prompt, completion, UsageSource::Provider) }
}

#[test]
fn money_prints_as_decimals() {
    assert_eq!(decimal(525_000, 6), "0.000525");
    assert_eq!(decimal(1_234_567_890, 2), "1.23");
    assert_eq!(decimal(-1_235_000_000, 2), "-1.24");
    assert_eq!(decimal(-1, 2), "0.00");
    assert_eq!(decimal(1_500_000_000, 0), "2");
}
