//! Until when an answer holds.

use super::{at, row, table};
use crate::price::Tariffs;
use proptest::prelude::*;

const MINUTE_US: i64 = 60_000_000;

/// Walks from one answer to the next and compares each with a lookup, minute by minute and at the edges.
fn walk(tariffs: &Tariffs, provider: &str, model: &str, from: &str, to: &str) -> Vec<String> {
    let (mut at_us, end_us) = (at(from), at(to));
    let mut changes = Vec::new();
    while at_us < end_us {
        let in_force = tariffs.in_force(provider, model, at_us);
        assert!(in_force.until_us > at_us, "no step from {at_us}");
        let until_us = in_force.until_us.min(end_us);
        let same = |instant_us| {
            let found = tariffs.find(provider, model, instant_us);
            assert_eq!(found.map(std::ptr::from_ref), in_force.row.map(std::ptr::from_ref), "{model} {instant_us}");
        };
        (at_us..until_us).step_by(usize::try_from(MINUTE_US).unwrap()).for_each(same);
        same(until_us - 1);
        if tariffs.find(provider, model, until_us).map(std::ptr::from_ref) != in_force.row.map(std::ptr::from_ref) {
            changes.push(jiff::Timestamp::from_microsecond(until_us).unwrap().to_string());
        }
        at_us = until_us;
    }
    changes
}

#[test]
fn an_answer_holds_until_it_says_and_changes_are_met_to_the_microsecond() {
    let tariffs = Tariffs::embedded().unwrap();
    // Over the National Day: Wednesday has its peaks, the next ones are on Thursday a week later.
    let changes = walk(&tariffs, "deepseek", "deepseek-flash", "2026-09-30T00:00:00Z", "2026-10-08T05:00:00Z");
    assert_eq!(
        changes,
        [
            "2026-09-30T01:00:00Z",
            "2026-09-30T04:00:00Z",
            "2026-09-30T06:00:00Z",
            "2026-09-30T10:00:00Z",
            "2026-10-08T01:00:00Z",
            "2026-10-08T04:00:00Z",
        ]
    );
    // An alias that ends, and one that begins in the middle of a peak of the model that it leads to.
    let changes = walk(&tariffs, "deepseek", "deepseek-chat", "2026-07-20T00:00:00Z", "2026-09-10T07:00:00Z");
    assert_eq!(changes, ["2026-07-24T15:59:00Z", "2026-09-10T04:00:00Z", "2026-09-10T06:00:00Z"]);
    let changes = walk(&tariffs, "openai", "gpt-5.6-sol-2026-07-09", "2026-07-01T00:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!(changes, ["2026-07-09T00:00:00Z", "2026-08-21T00:00:00Z", "2026-11-22T00:00:00Z"]);
    assert_eq!(walk(&tariffs, "p", "m", "2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z"), [""; 0]);
    assert_eq!(tariffs.in_force("p", "m", 0).until_us, i64::MAX);
}

#[test]
fn instants_without_a_calendar_do_no_harm() {
    let tariffs = Tariffs::embedded().unwrap();
    for at_us in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
        for row in tariffs.rows() {
            let in_force = tariffs.in_force(&row.provider, &row.model, at_us);
            assert_eq!(in_force.row, tariffs.find(&row.provider, &row.model, at_us));
            assert!(in_force.until_us > at_us || at_us == i64::MAX, "{at_us}");
        }
    }
}

#[test]
fn weekdays_windows_and_holidays_are_of_the_periods_own_clock() {
    // Friday 22:30 to Saturday 02:00, five and a half hours ahead of UTC: 17:00 to 20:30 UTC, not on the holiday.
    let tariffs = table(&format!(
        "[calendars.c]\nholidays = [2026-11-13]\nworking_days = [2026-11-22]\nsource = 's'\n\
         [periods.late]\nweekdays = ['friday']\nwindows = ['22:30-02:00']\nutc_offset = '+05:30'\ncalendar = 'c'\n\
         working_days = true\nsource = 's'\n{}{}",
        row("2026-01-01", "1", ""),
        row("2026-01-01", "2", "period = 'late'"),
    ));
    let changes = walk(&tariffs, "p", "m", "2026-11-01T00:00:00Z", "2026-11-29T00:00:00Z");
    let friday = |day: u8| [format!("2026-11-{day:02}T17:00:00Z"), format!("2026-11-{day:02}T20:30:00Z")];
    assert_eq!(changes, [friday(6), friday(20), friday(22), friday(27)].concat(), "the 22nd is worked");
}

fn a_table() -> impl Strategy<Value = String> {
    let window = (0u32..24, 0u32..60, 0u32..24, 0u32..60);
    let one = (proptest::collection::vec(window, 1..4), -14i32..=14, 1u32..28, any::<bool>());
    (one, 0i64..40).prop_map(|((windows, offset, holiday, weekdays), day)| {
        let windows: Vec<String> =
            windows.iter().map(|(a, b, c, d)| format!("'{a:02}:{b:02}-{c:02}:{d:02}'")).collect();
        let weekdays = if weekdays { "weekdays = ['monday', 'saturday']\n" } else { "" };
        let sign = if offset < 0 { '-' } else { '+' };
        let changed = jiff::Timestamp::from_second(1_793_000_000 + day * 86_399).unwrap();
        format!(
            "[calendars.c]\nholidays = [2026-11-{holiday:02}]\nsource = 's'\n[periods.x]\n{weekdays}windows = [{}]\n\
             utc_offset = '{sign}{:02}:00'\ncalendar = 'c'\nsource = 's'\n{}{}{}",
            windows.join(", "),
            offset.abs(),
            row("2026-01-01", "1", ""),
            row("2026-01-01", "2", "period = 'x'"),
            row(&changed.to_string(), "3", ""),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_holds_until_it_says(text in a_table()) {
        walk(&table(&text), "p", "m", "2026-11-05T00:00:00Z", "2026-11-12T00:00:00Z");
    }
}
