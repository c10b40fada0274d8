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
    assert_eq!(check.warnings, Vec::<String>::new());
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
    calls.add("compatible", [None, Some("llama")], None);
    calls.add("compatible", [Some("llama-2026-01-01"), Some("anything")], Some(NOW_US));
    calls.add("compatible", [Some("unknown"), Some("qwen")], Some(NOW_US));
    calls.add("compatible", [None, Some("qwen")], Some(NOW_US + 86_400_000_000));
    calls.add("compatible", [None, Some("llama")], Some(0));
    assert_eq!((calls.all, calls.priced), (5, 2));
    for number in 0..MODELS_MAX + 10 {
        calls.add("compatible", [None, Some(&format!("invented-{number}"))], None);
    }
    assert!(calls.missing.len() <= MODELS_MAX + 1);
    let rows = calls.unpriced();
    assert_eq!((rows[0].model.as_str(), rows[0].calls), (OTHER, 12));
    let qwen = rows.iter().find(|row| row.model == "qwen").unwrap();
    assert_eq!((qwen.calls, qwen.first.as_str(), qwen.last.as_str()), (2, "2026-11-23", "2026-11-24"));
}
