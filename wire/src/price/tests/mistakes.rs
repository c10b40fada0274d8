//! Mistakes in a table are named with line and field, and no text does any harm.

use super::{HEAD, row};
use crate::price::{TariffError, Tariffs};
use proptest::prelude::*;

fn error(rest: &str) -> TariffError {
    Tariffs::parse(&format!("{HEAD}{rest}")).map(|_| rest).expect_err("a mistake")
}

/// The header has three lines; a row begins on line 4 with `[[prices]]`, and what is added to it is on line 11.
#[test]
fn each_is_named_with_line_field_and_what_was_expected() {
    let plain = || row("2026-01-01", "1", "");
    let added = |rest: &str| row("2026-01-01", "1", rest);
    let period =
        |rest: &str| format!("[periods.x]\nwindows = ['01:00-02:00']\nutc_offset = '+00:00'\nsource = 's'\n{rest}\n");
    for (text, line, field, word) in [
        ("prices = 1".to_owned(), 4, "prices", "tables that begin with [[prices]]"),
        ("[price]".to_owned(), 4, "price", "is not known: expected one of schema, currency, checked"),
        ("[[prices]]".to_owned(), 4, "prices.provider", "is missing"),
        ("x = ".to_owned(), 4, "", "is not TOML"),
        (row("2026-01-01", "-1", ""), 8, "prices.input", "no sign"),
        (row("2026-01-01", "0.1234567", ""), 8, "prices.input", "six after the point"),
        (row("2026-01-01", "1234567890", ""), 8, "prices.input", "at most nine before"),
        (row("'2026-01-01'", "1", ""), 7, "prices.valid_from", "is text: expected an instant"),
        (row("2026-01-01T00:00:00", "1", ""), 7, "prices.valid_from", "2026-09-10T04:00:00Z"),
        (added("cached_input = 0.5"), 11, "prices.cached_input", "is a number with a fraction: expected an amount"),
        (added("cached_inputs = '1'"), 11, "prices.cached_inputs", "is not known"),
        (added("valid_until = 2026-01-01"), 11, "prices.valid_until", "is not after `valid_from`"),
        (added("period = 'night'"), 11, "prices.period", "add [periods.night]"),
        (added("terms = 'none'"), 11, "prices.terms", "add [terms.none]"),
        (added("currency = 'CNY'"), 11, "prices.currency", "add [exchange.CNY]"),
        (added("mark = 'guess'"), 11, "prices.mark", "\"unverified\" or \"inferred\""),
        (added("regional = '0'"), 11, "prices.regional", "above 0"),
        (added("tiers.fast = '2'"), 11, "prices.tiers.fast", "expected one of batch, flex, priority, ultrafast"),
        (added("tiers.batch = { input = '1' }"), 11, "prices.tiers.batch.output", "is missing"),
        (added("long_context = { input = '2' }"), 11, "prices.long_context.above_tokens", "is missing"),
        (added("long_context = { above_tokens = 0 }"), 11, "prices.long_context.above_tokens", "above 0"),
        (plain() + &plain(), 12, "prices.valid_from", "overlaps with line 4"),
        (
            added("valid_until = 2026-03-01") + &row("2026-02-01", "1", ""),
            12,
            "prices.valid_from",
            "let one end before the other begins",
        ),
        (added("period = 'deepseek-peak'"), 4, "prices.period", "a row without `period` that begins no later"),
        (
            period("") + &plain() + &added("period = 'x'") + &added("period = 'deepseek-peak'"),
            25,
            "prices.period",
            "shares hours with `x` of line 17",
        ),
        (period("calendar = 'c'"), 8, "periods.x.calendar", "add [calendars.c]"),
        (period("weekdays = ['sun']"), 8, "periods.x.weekdays", "holds `sun`"),
        (period("working_days = true"), 8, "periods.x.working_days", "without `calendar`"),
        ("[periods.x]\nwindows = ['25:00-26:00']".to_owned(), 5, "periods.x.windows", "holds `25:00-26:00`"),
        ("[periods.x]\nwindows = []".to_owned(), 5, "periods.x.windows", "has 0 items"),
        ("[periods.x]\nwindows = ['01:00-02:00']".to_owned(), 4, "periods.x.utc_offset", "is missing"),
        ("[calendars.c]\nholidays = ['2026-01-01']".to_owned(), 5, "calendars.c.holidays", "without quotes"),
        ("[calendars.c]\nholidays = [2026-01-01]\nworking_days = [2026-01-01]\nsource = 's'".to_owned(), 6,
            "calendars.c.working_days", "a holiday as well"),
        ("[calendars.c]\nholidays = [2026-02-30]\nsource = 's'".to_owned(), 5, "", "is not TOML"),
        ("[exchange.CNY]\nrate = '0'".to_owned(), 5, "exchange.CNY.rate", "above 0"),
        ("[options.openai]\ncache_lifetime = '30m'".to_owned(), 5, "options.openai.cache_lifetime", "\"short\" or \"long\""),
        (
            "[[aliases]]\nprovider = 'p'\nalias = 'a'\nmodel = 'b'\nfrom = 2026-01-01\nsource = 's'\n\
             [[aliases]]\nprovider = 'p'\nalias = 'b'\nmodel = 'a'\nfrom = 2027-01-01\nsource = 's'\n"
                .to_owned(),
            4,
            "aliases.model",
            "leads back to `a`",
        ),
        (
            "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = 2026-01-01\nper_gpu_hour = '1'\nutilisation = '2'\n\
             source = 's'\n"
                .to_owned(),
            9,
            "prices.utilisation",
            "at most 1",
        ),
        (
            "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = 2026-01-01\nper_gpu_hour = '1'\ninput = '1'\n\
             input_tokens_per_hour = 1\noutput_tokens_per_hour = 1\nsource = 's'\n"
                .to_owned(),
            9,
            "prices.input",
            "is not known",
        ),
        (
            "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = 2026-01-01\nper_gpu_hour = '999999999'\ngpus = '999'\n\
             input_tokens_per_hour = 1\noutput_tokens_per_hour = 1\nsource = 's'\n"
                .to_owned(),
            10,
            "prices.input_tokens_per_hour",
            "expected less",
        ),
    ] {
        let error = error(&text);
        assert_eq!((error.line, error.field.as_str()), (line, field), "{text}\n{error}");
        assert!(error.message.contains(word), "{text}\n{error}");
    }
}

#[test]
fn the_header_says_what_the_table_is() {
    for (from, to, field, word) in [
        ("weighbridge.tariffs/1", "weighbridge.tariffs/2", "schema", "this version reads \"weighbridge.tariffs/1\""),
        ("'USD'", "'CNY'", "currency", "state the rate in [exchange.CNY]"),
        ("checked = 2026-11-22", "", "checked", "is missing: expected the day"),
        ("2026-11-22", "'yesterday'", "checked", "is no day"),
    ] {
        let error = Tariffs::parse(&HEAD.replace(from, to)).map(|_| to).expect_err("a mistake");
        assert_eq!(error.field, field, "{error}");
        assert!(error.message.contains(word), "{error}");
    }
    let error = Tariffs::parse("").map(|_| ()).expect_err("a mistake");
    assert_eq!(error.to_string(), "price table, line 1, schema: is missing: expected \"weighbridge.tariffs/1\"");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_does_any_harm(text in "\\PC{0,200}") {
        let _result = Tariffs::parse(&text);
        let _result = Tariffs::parse(&format!("{HEAD}{text}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nor_does_the_bundled_table_with_something_else_in_it(
        cut in any::<prop::sample::Index>(), length in 0usize..40,
        with in "(|'|\"|\\[|\\]|=|9{25}|-1|2026-13-45|00:00-99:99|\\[\\[prices\\]\\]\n|0x7fffffffffffffff|\\{|\u{0})",
    ) {
        let text = include_str!("../tariffs.toml");
        let begin = cut.index(text.len());
        let end = (begin + length).min(text.len());
        prop_assume!(text.is_char_boundary(begin) && text.is_char_boundary(end));
        let _result = Tariffs::parse(&format!("{}{with}{}", &text[..begin], &text[end..]));
    }
}

/// Aliases `a0` to `a1` to ... to model `m`, so many, and a price of `m`.
fn chain(aliases: usize) -> String {
    let name = |number: usize| if number == aliases { "m".to_owned() } else { format!("a{number}") };
    let alias = |number: usize| {
        format!(
            "[[aliases]]\nprovider = 'p'\nalias = '{}'\nmodel = '{}'\nfrom = 2026-01-01\nsource = 's'\n",
            name(number),
            name(number + 1)
        )
    };
    row("2026-01-01", "1", "") + &(0..aliases).map(alias).collect::<String>()
}

#[test]
fn what_is_read_has_a_price_however_its_aliases_lead_to_it() {
    let at_us = super::at("2026-06-01T00:00:00Z");
    assert!(super::table(&chain(4)).find("p", "a0", at_us).is_some());
    let error = error(&chain(5));
    assert_eq!((error.line, error.field.as_str()), (12, "aliases.model"));
    assert!(error.message.contains("more than 3 others: name the model itself"), "{error}");
}
