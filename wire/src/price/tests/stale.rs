//! Doubts about prices.

use super::{HEAD, at, row, table};
use crate::price::{Doubt, Stale, Tariffs};

fn of(tariffs: &Tariffs, model: &str, time: &str) -> Option<Stale> {
    tariffs.find("openai", model, at(time)).unwrap().stale(at(time))
}

#[test]
fn marks_and_ends_are_told_in_a_sentence() {
    let tariffs = Tariffs::embedded().unwrap();
    assert_eq!(of(&tariffs, "gpt-5.6-sol", "2026-11-21T23:59:59Z"), None);
    let over = of(&tariffs, "gpt-5.6-sol", "2026-11-22T00:00:00Z").unwrap();
    assert_eq!((over.doubt, over.model.as_deref()), (Doubt::Unverified, Some("gpt-5.6-sol")));
    assert_eq!(
        over.sentence,
        "The price of gpt-5.6-sol at openai is not verified: the promotion was promised only through 2026-11-21; nobody \
         has checked whether the launch price is back."
    );
    assert_eq!(of(&tariffs, "gpt-6.2-astra", "2026-11-22T00:00:00Z").unwrap().doubt, Doubt::Inferred);
    assert_eq!(of(&tariffs, "gpt-4o", "2026-11-22T00:00:00Z"), None);
    // Past its end and without a successor, a price is still the best there is.
    let own = table(&row("2026-01-01", "1", "valid_until = 2026-06-01\nmark = 'inferred'"));
    let (before, after) = (at("2026-05-31T23:59:59.999999Z"), at("2026-06-01T00:00:00Z"));
    let found = own.find("p", "m", after).unwrap();
    assert_eq!(found.stale(before).unwrap().doubt, Doubt::Inferred);
    assert_eq!(
        found.stale(after).unwrap().sentence,
        "The price of m at p held until 2026-06-01, and the table has no later one."
    );
    assert_eq!(own.in_force("p", "m", before).until_us, after);
    // After a promotion, an older price without an end is back, and nothing is doubtful.
    let promotion = row("2026-01-01", "2", "") + &row("2026-03-01", "1", "valid_until = 2026-04-01");
    let back = table(&promotion);
    let found = back.find("p", "m", at("2026-05-01T00:00:00Z")).unwrap();
    assert_eq!((found.rates.input_pico, found.stale(at("2026-05-01T00:00:00Z"))), (2_000_000, None));
}

#[test]
fn a_table_is_old_after_so_many_days_and_tells_what_is_in_force() {
    let tariffs = Tariffs::embedded().unwrap();
    let doubts = |time, days_max| tariffs.stale(at(time), days_max);
    let now = doubts("2026-11-23T12:00:00Z", 45);
    let models: Vec<_> = now.iter().map(|stale| (stale.doubt, stale.model.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        models,
        [(Doubt::Unverified, "gpt-5.6-sol"), (Doubt::Inferred, "gpt-6.2-astra"), (Doubt::Inferred, "chat-latest"),]
    );
    assert!(doubts("2027-01-06T00:00:00Z", 45).iter().all(|stale| stale.doubt != Doubt::Old), "45 days are not more");
    let old: Vec<_> = doubts("2027-01-07T00:00:00Z", 45);
    let old: Vec<_> =
        old.iter().filter(|stale| stale.doubt == Doubt::Old).map(|stale| stale.sentence.as_str()).collect();
    assert_eq!(
        old,
        [
            "Prices at openai were last compared with their sources on 2026-11-22, 46 days ago.",
            "Prices at deepseek were last compared with their sources on 2026-11-22, 46 days ago.",
        ]
    );
    // A row may have been checked on a day of its own.
    let own = format!("{}{}", HEAD.replace("2026-11-22", "2026-01-01"), row("2026-01-01", "1", "checked = 2026-11-20"));
    assert_eq!(Tariffs::parse(&own).unwrap().stale(at("2026-11-23T00:00:00Z"), 45), []);
}

#[test]
fn a_row_is_doubted_outside_its_own_hours_and_a_rate_makes_it_old() {
    let weekend = at("2026-11-21T02:00:00Z");
    let timed = row("2026-01-01", "1", "") + &row("2026-01-01", "2", "period = 'deepseek-peak'\nmark = 'unverified'");
    let doubts = table(&timed).stale(weekend, 45);
    assert_eq!(doubts.iter().map(|stale| stale.doubt).collect::<Vec<_>>(), [Doubt::Unverified]);
    let exchange = "[exchange.CNY]\nrate = '0.1405'\nday = 2026-09-01\nsource = 'bank'\n";
    let converted = table(&format!("{exchange}{}", row("2026-01-01", "1", "currency = 'CNY'")));
    assert_eq!(
        converted.stale(weekend, 45).iter().map(|stale| stale.sentence.as_str()).collect::<Vec<_>>(),
        ["Prices at p were last compared with their sources on 2026-09-01, 81 days ago."]
    );
}

#[test]
fn holidays_that_are_not_announced_are_told() {
    let tariffs = Tariffs::embedded().unwrap();
    let told = |time| {
        let all = tariffs.stale(at(time), 45).into_iter();
        all.map(|stale| stale.sentence).filter(|sentence| sentence.starts_with("Holidays")).collect::<Vec<_>>()
    };
    assert_eq!(told("2026-12-31T23:59:59Z"), [""; 0]);
    assert_eq!(
        told("2027-01-01T00:00:00Z"),
        [
            "Holidays decide over prices at deepseek, and after 2026-12-31 those of the calendar china are not announced \
             but inferred."
        ]
    );
}

#[test]
fn an_inferred_alias_is_named_beside_the_price() {
    let tariffs = Tariffs::embedded().unwrap();
    let chat = tariffs.in_force("deepseek", "deepseek-chat", at("2026-11-20T02:00:00Z"));
    assert_eq!(chat.row.unwrap().model, "deepseek-flash");
    assert!(chat.alias.unwrap().mark.is_some());
    assert_eq!(tariffs.in_force("deepseek", "deepseek-flash", at("2026-11-20T02:00:00Z")).alias, None);
}

#[test]
fn prices_that_no_call_meets_are_told() {
    assert_eq!(Tariffs::embedded().unwrap().strangers(), None);
    let rows = |names: &[&str]| -> String {
        names.iter().map(|name| row("2026-01-01", "1", "").replace("'p'", &format!("'{name}'"))).collect()
    };
    assert_eq!(table(&rows(&["compatible"])).strangers(), None);
    let alias = "[[aliases]]\nprovider = 'my-openai'\nalias = 'a'\nmodel = 'b'\nfrom = 2026-01-01\nsource = 's'\n";
    assert_eq!(
        table(&(rows(&["mine", "openai"]) + alias)).strangers().unwrap(),
        "No call is ever priced at `mine`, `my-openai`: providers are openai, deepseek, compatible."
    );
    let many: Vec<String> = (0..10).map(|number| format!("p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(table(&rows(&many)).strangers().unwrap().contains("`p7` and 2 more: "));
}
