use super::*;

const NOW_US: i64 = 1_795_392_000_000_000; // 2026-11-23T00:00:00Z

fn table(rows: &str) -> Tariffs {
    Tariffs::parse(&format!("schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n{rows}"))
        .unwrap()
}

fn row(provider: &str, model: &str, from: &str, more: &str) -> String {
    format!(
        "[[prices]]\nprovider = \"{provider}\"\nmodel = \"{model}\"\nvalid_from = {from}\ninput = \"1\"\noutput = \
         \"2\"\nsource = \"us\"\n{more}\n"
    )
}

fn checked(rows: &str) -> Check {
    of_table(&table(rows), &Tariffs::embedded().unwrap(), NOW_US, 45)
}

#[test]
fn what_is_replaced_is_said_with_both_prices() {
    let check =
        checked(&(row("openai", "gpt-4o-mini", "2026-11-01", "") + &row("compatible", "llama", "2026-01-01", "")));
    let [one] = check.overrides.as_slice() else { panic!("{check:?}") };
    assert_eq!((one.model.as_str(), one.from.as_str(), one.later_hidden), ("gpt-4o-mini", "2026-11-01", 0));
    assert_eq!(one.before.as_ref().unwrap(), &["0.15", "0.075", "0.60"].map(str::to_owned));
    assert_eq!(one.now, ["1.00", "1.00", "2.00"].map(str::to_owned), "no cached price: as input");
    assert!(check.warnings.iter().all(|warning| warning.contains("tiers")), "{check:?}");
}

#[test]
fn an_early_beginning_hides_later_bundled_prices() {
    let check = checked(&row("deepseek", "deepseek-flash", "2020-01-01", ""));
    assert!(check.overrides[0].before.is_none() && check.overrides[0].later_hidden >= 2, "{check:?}");
}

#[test]
fn what_is_surely_not_meant_is_a_warning() {
    let text = row("opneai", "gpt-4o", "2026-01-01", "")
        + &row("compatible", "old", "2026-01-01", "valid_until = 2026-02-01")
        + &row("compatible", "new", "2027-01-01", "");
    let warnings = checked(&text).warnings.join("\n");
    for part in ["`opneai`", "old at compatible held until 2026-02-01", "new at compatible begins only at 2027-01-01"] {
        assert!(warnings.contains(part), "{part} is not in {warnings}");
    }
    let old = of_table(&table(&row("openai", "x", "2026-01-01", "")), &Tariffs::embedded().unwrap(), NOW_US, 1);
    assert!(old.warnings.iter().any(|warning| warning.contains("3 days ago")), "{old:?}");
}

#[test]
fn calls_without_a_price_are_counted_by_model_and_bounded() {
    let tariffs = table(&row("compatible", "llama", "2026-01-01", ""));
    let mut calls = Calls { tariffs, now_us: NOW_US, all: 0, priced: 0, missing: BTreeMap::new() };
    let call = |asked, sent_us| Call::new("compatible", asked, sent_us);
    calls.add(&call("llama", NOW_US), None);
    calls.add(&Call { answered: Some("llama-2026-01-01"), ..call("anything", NOW_US) }, None);
    calls.add(&Call { answered: Some("unknown"), ..call("qwen", NOW_US) }, None);
    calls.add(&call("qwen", NOW_US + 86_400_000_000), None);
    calls.add(&call("llama", 0), None);
    assert_eq!((calls.all, calls.priced), (5, 2));
    for number in 0..MODELS_MAX + 10 {
        calls.add(&Call::new("compatible", &format!("invented-{number}"), NOW_US), None);
    }
    assert!(calls.missing.len() <= MODELS_MAX + 1);
    let rows = calls.unpriced();
    assert_eq!((rows[0].model.as_str(), rows[0].calls), (OTHER, 12));
    let qwen = rows.iter().find(|row| row.model == "qwen").unwrap();
    assert_eq!((qwen.calls, qwen.first.as_str(), qwen.last.as_str()), (2, "2026-11-23", "2026-11-24"));
}

#[test]
fn a_tier_without_a_price_is_not_priced_by_the_standard_one() {
    let tariffs = table(&row("openai", "gpt-x", "2026-01-01", "tiers = { batch = \"0.5\" }"));
    let mut calls = Calls { tariffs, now_us: NOW_US, all: 0, priced: 0, missing: BTreeMap::new() };
    for tier in [Tier::Standard, Tier::Batch, Tier::Priority] {
        calls.add(&Call { tier, ..Call::new("openai", "gpt-x", NOW_US) }, None);
    }
    let body = r#"{"model":"gpt-x","service_tier":"priority"}"#.to_owned();
    let asks = LoggedRequest::chat("a", 0, serde_json::value::RawValue::from_string(body).unwrap());
    calls.add_logged(&asks, "openai", true);
    assert_eq!((calls.all, calls.priced), (4, 2));
    let body = r#"{"model":"gpt-x"}"#.to_owned();
    let early = LoggedRequest::chat("b", 5_000_000, serde_json::value::RawValue::from_string(body).unwrap());
    calls.add_logged(&early, "openai", false);
    assert_eq!((calls.all, calls.priced), (5, 3), "five seconds after the start of a log is no day of 1970");
    let rows = calls.unpriced();
    let [one] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((one.model.as_str(), one.tier, one.calls), ("gpt-x", Tier::Priority, 2));
    assert_eq!(serde_json::to_value(one).unwrap()["tier"], "priority");
}
