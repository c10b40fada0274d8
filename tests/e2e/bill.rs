//! `weighbridge bill` over a gateway's own records: to the nano-dollar what the records, the gateway and `usage` say.

use crate::command::run;
use crate::harness::{Plan, chat};
use datasets::{Arm, Exchange, Role};
use serde_json::{Value, json};

fn nanos(text: &Value) -> i128 {
    let (whole, fraction) = text.as_str().unwrap().split_once('.').unwrap();
    assert_eq!(fraction.len(), 9, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

fn cost(records: &[Exchange], matches: impl Fn(&Exchange) -> bool) -> i128 {
    records.iter().filter(|record| matches(record)).map(|record| i128::from(record.cost_nanos.unwrap())).sum()
}

#[tokio::test]
async fn a_gateways_traffic_is_billed_as_its_records_say() {
    let house = Plan { weight_percent: 30.0, shadow_percent: 60.0, ..Plan::default() }.build().await;
    for index in 0..60 {
        let question = if index % 3 == 0 { "请介绍一下杭州的西湖" } else { "tell me about the lake" };
        let more = json!({"stream": index % 2 == 0, "user": format!("user-{}", index % 20)});
        assert_eq!(house.ask(&chat(&format!("{question}, {index}"), &more)).await.status, 200);
    }
    let records = house.records().await;
    let path = house.records.to_str().unwrap().to_owned();
    let ran = run(["bill", &path, "--by", "arm,role,model", "--json", "--month-requests", "1000000"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let bill: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(bill["schema"], "weighbridge.bill/1");
    // What was paid, by hand.
    let all = cost(&records, |_| true);
    assert!(all > 0);
    assert_eq!(nanos(&bill["total"]["amount"]), all);
    for paid in bill["paid"].as_array().unwrap() {
        let role = match paid["role"].as_str().unwrap() {
            "served" => Role::Served,
            "shadow" => Role::Shadow,
            other => panic!("no such role here: {other}"),
        };
        let same = |record: &Exchange| {
            paid["arm"] == record.arm.name() && record.role == role && paid["model"] == record.model.as_str()
        };
        assert_eq!(nanos(&paid["amount"]), cost(&records, same), "{paid}");
        assert_eq!(paid["exchanges"], records.iter().filter(|record| same(record)).count());
    }
    // And as `usage` says of the same file.
    let usage = run(["usage", &path, "--by", "arm", "--json"]).await;
    let usage: Value = serde_json::from_str(&usage.out).unwrap();
    let used: i128 =
        usage["rows"].as_array().unwrap().iter().map(|row| i128::from(row["cost_nanos"].as_i64().unwrap())).sum();
    assert_eq!(used, all, "{usage}");
    // Each request once, and every one of them known or estimated.
    let said = &bill["bill"]["counterfactual"];
    let served = cost(&records, |record| record.role == Role::Served);
    assert_eq!((said["requests"].as_u64(), nanos(&said["as_served"])), (Some(60), served));
    let copied = |record: &Exchange| records.iter().any(|copy| copy.role == Role::Shadow && copy.pair == record.pair);
    let paired = records.iter().filter(|record| record.role == Role::Served && copied(record)).count();
    assert_eq!(said["requests_paired"], paired);
    // What is known is a part of what is said of either arm.
    for arm in [Arm::Baseline, Arm::Candidate] {
        let amount = &said[arm.name()];
        assert!(nanos(&amount["value"]) >= cost(&records, |record| record.arm == arm), "{amount}");
    }
    assert_eq!(bill["bill"]["saving_per_month"]["requests"], 1e6);

    let table = run(["bill", &path, "--by", "arm,consumer,model,day", "--month-requests", "1000000"]).await;
    assert_eq!(table.code, 0, "{}", table.err);
    assert!(table.out.lines().all(|line| line.chars().count() <= 80), "{}", table.out);
    for words in ["Paid", "all on the candidate", "A month of 1000000 requests", "cold, after a switch", "an answer"] {
        assert!(table.out.contains(words), "{words}: {}", table.out);
    }
    eprintln!("{}", table.out);
    let csv = run(["bill", &path, "--by", "model", "--csv", "-"]).await;
    let lines: Vec<&str> = csv.out.lines().collect();
    assert!(lines[0].starts_with("provider,model,exchanges,"), "{}", csv.out);
    assert_eq!(lines.len(), 3, "{}", csv.out);
    house.gateway.shutdown().await;
}

#[tokio::test]
async fn old_records_are_priced_anew_without_calling_anyone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let records = path("records.ndjson");
    let made = run(["records", "synth", "--n", "400", "--seed", "7", "--out", &records]).await;
    assert_eq!(made.code, 0, "{}", made.err);
    let bill = async |more: &[&str]| {
        let args = [&["bill", &records, "--by", "arm", "--json"], more].concat();
        let ran = run(&args).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let of_arm = |bill: &Value, arm: &str| {
        let paid = bill["paid"].as_array().unwrap().iter().find(|paid| paid["arm"] == arm).unwrap();
        (nanos(&paid["amount"]), paid["exchanges"].clone())
    };
    // Tuesday, off-peak and peak: DeepSeek is twice as dear, OpenAI as it was.
    let (off_peak, peak) =
        (bill(&["--at", "2026-11-24T12:00:00Z"]).await, bill(&["--at", "2026-11-24T02:00:00Z"]).await);
    assert_eq!(of_arm(&off_peak, "baseline"), of_arm(&peak, "baseline"));
    let (cheap, dear) = (of_arm(&off_peak, "candidate").0, of_arm(&peak, "candidate").0);
    // Each exchange is rounded by itself.
    assert!((dear - 2 * cheap).abs() <= 400, "{cheap} {dear}");
    assert_eq!(off_peak["priced_at"], "2026-11-24T12:00:00Z");

    let wrong = run(["bill", &records, "--by", "arm,colour"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("`colour`"), "{}", wrong.err);
    let nothing = run(["bill", &path("missing.ndjson")]).await;
    assert_ne!(nothing.code, 0);
}
