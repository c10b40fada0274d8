use super::*;

#[test]
fn counts_are_grouped_from_five_digits_on() {
    assert_eq!(count(0), "0");
    assert_eq!(count(6000), "6000");
    assert_eq!(count(12_345), "12\u{202f}345");
    assert_eq!(count(u64::MAX), "18\u{202f}446\u{202f}744\u{202f}073\u{202f}709\u{202f}551\u{202f}615");
}

#[test]
fn differences_are_percentage_points_with_a_sign() {
    assert_eq!(points(0.0052), "+0.52 pp");
    assert_eq!(points(-0.012), "\u{2212}1.20 pp");
    assert_eq!(points(0.0), "0.00 pp");
    assert_eq!(points(-0.000_000_1), "0.000 pp");
    assert_eq!(points(0.000_333), "+0.033 pp");
    assert_eq!(points(f64::INFINITY), "unbounded");
    assert_eq!(points(f64::NAN), NOTHING);
}

#[test]
fn shares_and_ratios() {
    assert_eq!(share(0.0), "0%");
    assert_eq!(share(0.0123), "1.23%");
    assert_eq!(share(0.000_17), "0.017%");
    assert_eq!(share(0.5), "50.0%");
    assert_eq!(share_of(3, 0), NOTHING);
    assert_eq!(share_of(3, 12), "25.0%");
    assert_eq!(change(1.08), "+8.0%");
    assert_eq!(change(0.31), "\u{2212}69.0%");
    assert_eq!(change(1.0), "0.0%");
    assert_eq!(change(f64::INFINITY), "unbounded");
    assert_eq!(factor(1.084), "×1.08");
    assert_eq!(factor(12.34), "×12.3");
    assert_eq!(weight(25.0), "25%");
    assert_eq!(weight(2.5), "2.5%");
    assert_eq!(weight(0.0029), "0%");
    assert_eq!(weight(9.999), "10%");
    assert_eq!(level(0.05), "5%");
    assert_eq!(level(0.00125), "0.125%");
}

#[test]
fn p_values_keep_two_useful_digits() {
    assert_eq!(p_value(0.423), "0.42");
    assert_eq!(p_value(0.0312), "0.031");
    assert_eq!(p_value(0.000_31), "0.0003");
    assert_eq!(p_value(1e-12), "below 0.0001");
}

#[test]
fn times_take_the_unit_that_fits() {
    assert_eq!(micros(850.0), "850 µs");
    assert_eq!(micros(3_400.0), "3.4 ms");
    assert_eq!(micros(412_345.0), "412 ms");
    assert_eq!(micros(1_240_000.0), "1.24 s");
    assert_eq!(micros(12_440_000.0), "12.4 s");
    assert_eq!(micros(125_000_000.0), "2 min 5 s");
    assert_eq!(micros(f64::INFINITY), "unbounded");
    assert_eq!(micros_tick(200_000.0), "200 ms");
    assert_eq!(micros_tick(5e6), "5 s");
    assert_eq!(span(0, 22_320_000_000), "6 h 12 min");
    assert_eq!(span(0, 3_600_000_000 * 76), "3 d 4 h");
    assert_eq!(span(10, 5), "0 s");
    assert_eq!(hours(0.2), "under 1 h");
    assert_eq!(hours(3.46), "3.5 h");
    assert_eq!(hours(53.2), "2 d 6 h");
    assert_eq!(hours(f64::INFINITY), NOTHING);
}

#[test]
fn instants_are_utc_and_never_panic() {
    assert_eq!(instant(0), "1 Jan 1970, 00:00 UTC");
    assert_eq!(instant(1_795_000_000_000_000), "18 Nov 2026, 11:06 UTC");
    assert_eq!(instant(i64::MAX), format!("{} µs since 1970", i64::MAX));
}

#[test]
fn money_is_shown_as_given() {
    assert_eq!(money("1847.213", "USD"), "$1847.213");
    assert_eq!(money("-0.5", "EUR"), "\u{2212}€0.5");
    assert_eq!(money("12345.67", "CNY"), "12\u{202f}345.67 CNY");
    assert_eq!(money("0007.10", ""), "7.10");
    assert_eq!(money("about ten", "USD"), "about ten USD");
    assert_eq!(money("", "USD"), NOTHING);
}

#[test]
fn brief_money_rounds_on_digits() {
    assert_eq!(money_brief("1.847213", "USD"), "$1.85");
    assert_eq!(money_brief("9.999", "USD"), "$10.00");
    assert_eq!(money_brief("0.00184721", "USD"), "$0.00185");
    assert_eq!(money_brief("0.0", "USD"), "$0.00");
    assert_eq!(money_brief("3", "USD"), "$3.00");
    // A float would make 1.00 of this.
    assert_eq!(money_brief("1.005", "USD"), "$1.01");
}

#[test]
fn bars_need_a_number() {
    assert_eq!(to_number("1.5"), Some(1.5));
    assert_eq!(to_number("-1.5"), None);
    assert_eq!(to_number("inf"), None);
    assert_eq!(to_number("n/a"), None);
}
