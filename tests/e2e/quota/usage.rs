//! The usage book, the command, and the records say the same.

use super::{ANNA, BEN, CONSUMERS, ask, faulty, json_of, text};
use crate::command::{Ran, finish, run, weighbridge};
use crate::harness::{Plan, chat};
use datasets::Role;
use mocks::Faults;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[tokio::test]
async fn usage_agrees_with_the_records_to_the_nano_dollar() {
    let deepseek = faulty(Faults { error_500: 0.3, ..Faults::default() });
    let openai = faulty(Faults { error_event: 0.2, ..Faults::default() });
    let plan = Plan {
        weight_percent: 50.0,
        shadow_percent: 100.0,
        extra: text(&[CONSUMERS, "[quota_store]\n"]),
        migration: "repeat_percent = 20\nassign_by = \"request\"",
        openai,
        deepseek,
        ..Plan::default()
    };
    let house = plan.build().await;
    for turn in 0..40 {
        let key = [ANNA, BEN, "somebody"][turn % 3];
        let body = chat(&format!("hello {turn}"), &json!({"stream": turn % 2 == 0}));
        ask(&house, key, &body).await;
    }
    let records = house.records().await;
    let columns = "day,consumer,model,provider,arm,role,migration";
    let report = json_of(&house, &format!("/admin/v1/usage?by={columns}")).await;
    let mut sums: BTreeMap<String, (u64, u64, u64, u64, i64)> = BTreeMap::new();
    for record in &records {
        let mut key = String::new();
        let day = jiff::Timestamp::from_microsecond(record.at_us).unwrap().strftime("%Y-%m-%d").to_string();
        let consumer = record.consumer.as_deref().unwrap_or("anonymous");
        let role = serde_json::to_value(record.role).unwrap();
        write!(
            key,
            "{day} {consumer} {} {} {} {}",
            record.model,
            record.provider,
            record.arm.name(),
            role.as_str().unwrap()
        )
        .unwrap();
        let (prompt, completion) = record.usage.map_or((0, 0), |usage| (usage.prompt, usage.completion));
        let sum = sums.entry(key).or_default();
        *sum = (
            sum.0 + 1,
            sum.1 + u64::from(record.error.is_some()),
            sum.2 + prompt,
            sum.3 + completion,
            sum.4 + record.cost_nanos.unwrap_or(0),
        );
    }
    let rows: BTreeMap<String, (u64, u64, u64, u64, i64)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let of = |name: &str| row["of"][name].as_str().unwrap();
            let key = ["day", "consumer", "model", "provider", "arm", "role"].map(of).join(" ");
            let number = |value: &Value| value.as_u64().unwrap();
            let sums = (
                number(&row["requests"]),
                number(&row["failures"]),
                number(&row["tokens"]["prompt"]),
                number(&row["tokens"]["completion"]),
                row["cost_nanos"].as_i64().unwrap(),
            );
            (key, sums)
        })
        .collect();
    assert_eq!(rows, sums);
    assert!(rows.len() > 8 && records.iter().any(|one| one.role == Role::Fallback), "{rows:?}");
    let total: i64 = records.iter().filter_map(|record| record.cost_nanos).sum();
    assert_eq!(report["total"]["cost_usd"], wire::price::decimal(total, 9));
    assert!(total > 0);

    // The command says the same, asked of the gateway and of the files.
    let by = format!("{columns},payer");
    let target = format!("http://{}", house.gateway.admin_address);
    let live = run(["usage", "--json", "--by", &by, "--target", &target]).await;
    let files = run(["usage", "--json", "--by", &by, house.records.to_str().unwrap()]).await;
    assert_eq!((live.code, files.code), (0, 0), "{live:?}\n{files:?}");
    let value = |ran: &Ran| serde_json::from_str::<Value>(&ran.out).unwrap();
    assert_eq!(value(&live)["schema"], "weighbridge.usage/1");
    assert_eq!(value(&live), value(&files));
    // A candidate that failed and was replaced is the experiment's, like copies.
    let replaced = |row: &&Value| row["of"]["payer"] == "experiment" && row["of"]["role"] == "served";
    let replaced = value(&live)["rows"].as_array().unwrap().iter().find(replaced).cloned().unwrap();
    assert_eq!((&replaced["of"]["arm"], &replaced["failures"]), (&json!("candidate"), &replaced["requests"]));
    let anna = run(["usage", "--consumer", "anna", "--since", "24h", "--by", "consumer", "--target", &target]).await;
    assert!(anna.out.starts_with("consumer  requests") && anna.out.contains("\nanna "), "{anna:?}");
    assert!(!anna.out.contains("ben"), "{anna:?}");
    let wrong = run(["usage", "--by", "colour", "--target", &target]).await;
    assert!(wrong.code == 2 && wrong.err.contains("`colour` is no column"), "{wrong:?}");
    let mut refused = weighbridge(["usage", "--target", &target]);
    refused.env("WEIGHBRIDGE_ADMIN_TOKEN", "wrong");
    let refused = finish(refused).await;
    assert!(refused.code == 2 && refused.err.contains("refused the token"), "{refused:?}");
}
