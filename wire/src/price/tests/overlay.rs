//! A table of one's own over the bundled one.

use super::{HEAD, at, table, usage};
use crate::price::{Call, Tariffs};

fn over(rest: &str) -> Tariffs {
    Tariffs::embedded().unwrap().overlaid_by(table(rest))
}

fn own(provider: &str, model: &str, from: &str, input: &str, rest: &str) -> String {
    format!(
        "[[prices]]\nprovider = '{provider}'\nmodel = '{model}'\nvalid_from = {from}\ninput = '{input}'\noutput = '1'\n\
         source = 'contract'\n{rest}\n"
    )
}

fn milli_dollars(tariffs: &Tariffs, provider: &str, model: &str, time: &str) -> Option<i64> {
    let priced = tariffs.price(&Call::new(provider, model, at(time)), &usage(100_000, 0, 0))?;
    Some(priced.nanos / 100_000)
}

#[test]
fn an_own_row_replaces_the_bundled_ones_from_its_beginning_on() {
    let tariffs = over(&own("deepseek", "deepseek-flash", "2026-11-01", "0.2", ""));
    let flash = |time| milli_dollars(&tariffs, "deepseek", "deepseek-flash", time);
    assert_eq!(flash("2026-10-30T02:00:00Z"), Some(300), "before it, the bundled peak");
    assert_eq!(flash("2026-10-31T23:59:59.999999Z"), Some(150));
    assert_eq!(flash("2026-11-02T02:00:00Z"), Some(200), "at what was the peak");
    assert_eq!(flash("2026-11-02T12:00:00Z"), Some(200));
    assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-v4-flash", "2026-11-02T02:00:00Z"), Some(200), "by alias");
    assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-v4-pro", "2026-11-02T02:00:00Z"), Some(1320));
    // Rows of the bundled table that begin later are gone as well.
    let early = over(&own("openai", "gpt-5.6-sol", "2026-08-01", "3", ""));
    for time in ["2026-08-01T00:00:00Z", "2026-08-21T00:00:00Z", "2026-11-22T00:00:00Z", "2027-06-01T00:00:00Z"] {
        assert_eq!(milli_dollars(&early, "openai", "gpt-5.6-sol", time), Some(3000), "{time}");
    }
    assert_eq!(milli_dollars(&early, "openai", "gpt-5.6-sol", "2026-07-31T23:59:59Z"), Some(5000));
    // And so is an alias of the name.
    let named = over(&own("deepseek", "deepseek-chat", "2026-10-01", "7", ""));
    assert_eq!(milli_dollars(&named, "deepseek", "deepseek-chat", "2026-11-02T12:00:00Z"), Some(7000));
    assert_eq!(milli_dollars(&named, "deepseek", "deepseek-chat", "2026-09-30T12:00:00Z"), Some(150));
}

#[test]
fn bundled_periods_calendars_and_terms_may_be_named_and_replaced() {
    let flash = own("deepseek", "deepseek-flash", "2026-09-10", "0.1", "")
        + &own("deepseek", "deepseek-flash", "2026-09-10", "0.9", "period = 'deepseek-peak'\nterms = 'openai'");
    let tariffs = over(&flash);
    assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-flash", "2026-11-20T02:00:00Z"), Some(900));
    assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-flash", "2026-11-20T05:00:00Z"), Some(100));
    assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-flash", "2026-10-01T02:00:00Z"), Some(100), "a holiday");
    // Another calendar: the twentieth of November is off, the first of October is not.
    let calendar = "[calendars.china]\nholidays = [2026-11-20]\nsource = 'own'\n";
    for (text, peak, off_peak) in [(calendar.to_owned(), 300, 150), (format!("{calendar}{flash}"), 900, 100)] {
        let tariffs = over(&text);
        assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-flash", "2026-11-20T02:00:00Z"), Some(off_peak));
        assert_eq!(milli_dollars(&tariffs, "deepseek", "deepseek-flash", "2026-10-01T02:00:00Z"), Some(peak));
    }
    // A table that only names what is bundled changes nothing of it: a later one's calendar stays.
    let twice = over(calendar).overlaid_by(table(&flash));
    assert_eq!(milli_dollars(&twice, "deepseek", "deepseek-flash", "2026-10-01T02:00:00Z"), Some(900));
    let period = "[periods.deepseek-peak]\nwindows = ['00:00-24:00']\nutc_offset = '+00:00'\nsource = 'own'\n";
    assert_eq!(milli_dollars(&over(period), "deepseek", "deepseek-flash", "2026-11-21T23:00:00Z"), Some(300));
}

#[test]
fn digests_name_both_tables_and_the_older_check_counts() {
    let (bundled, own) = (Tariffs::embedded().unwrap(), table(""));
    let both = bundled.clone().overlaid_by(own.clone());
    assert_eq!(bundled.digest().len(), 64);
    assert!(both.digest() != bundled.digest() && both.digest() != own.digest());
    assert_eq!(both.digest(), bundled.clone().overlaid_by(own).digest());
    assert_eq!(bundled.checked_us(), at("2026-11-22T00:00:00Z"));
    let older = Tariffs::parse(&HEAD.replace("2026-11-22", "2026-01-02")).unwrap();
    assert_eq!(bundled.overlaid_by(older).checked_us(), at("2026-01-02T00:00:00Z"));
}

#[test]
fn a_row_stands_until_another_takes_its_hours() {
    let tariffs = Tariffs::embedded().unwrap();
    let used = |model, time| tariffs.find("deepseek", model, at(time)).unwrap();
    let newest_us = at("2026-11-21T12:00:00Z");
    let peak = used("deepseek-flash", "2026-11-20T02:00:00Z");
    let off_peak = used("deepseek-flash", "2026-11-20T12:00:00Z");
    assert!(tariffs.stands(peak, newest_us), "although a Saturday has no peak");
    assert!(tariffs.stands(off_peak, newest_us));
    assert!(!tariffs.stands(used("deepseek-v4-flash", "2026-08-20T02:00:00Z"), newest_us), "an alias now");
    assert!(!tariffs.stands(used("deepseek-v4-pro", "2026-08-20T02:00:00Z"), newest_us), "its daily peak");
    assert!(tariffs.stands(used("deepseek-v4-pro", "2026-08-20T02:00:00Z"), at("2026-09-01T00:00:00Z")));
    assert!(!tariffs.stands(peak, at("2026-09-01T00:00:00Z")), "not begun");
}
