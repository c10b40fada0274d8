//! Spinnaker's webhook stage, as its task describes it, by `deploy/kayenta.json`.

use crate::house::{House, READERS, told};
use crate::yaml;
use serde_json::Value;

fn stage() -> Value {
    let pipeline: Value = serde_json::from_str(&yaml::read("kayenta.json")).unwrap();
    let stages = pipeline["stages"].as_array().unwrap();
    for (place, stage) in stages.iter().enumerate() {
        assert_eq!(stage["refId"], (place + 1).to_string());
        assert!(stage["requisiteStageRefIds"].is_array() && stage["type"].is_string(), "{stage}");
    }
    stages[0].clone()
}

/// One poll: `SUCCEEDED`, `TERMINAL` or `RUNNING`.
async fn poll(house: &House, stage: &Value) -> &'static str {
    assert_eq!((&stage["statusUrlResolution"], &stage["waitForCompletion"]), (&"getMethod".into(), &true.into()));
    let url = stage["url"].as_str().unwrap().replace("http://weighbridge.weighbridge.svc:8081", &house.url(""));
    let header = stage["customHeaders"]["Authorization"].as_str().unwrap().replace("READ-TOKEN", READERS[0]);
    let told = told(house.client.get(url).header("authorization", header)).await;
    if told.status == 429 || told.status >= 500 {
        return "RUNNING";
    }
    if !(200..300).contains(&told.status) {
        let retried = stage["retryStatusCodes"].as_array().unwrap().contains(&told.status.into());
        return if retried { "RUNNING" } else { "TERMINAL" };
    }
    let body = told.json();
    let member = stage["statusJsonPath"].as_str().unwrap().strip_prefix("$.").unwrap();
    let status = body[member].as_str().expect("a text: a number would be progress");
    let is = |name: &str| stage[name].as_str().unwrap().split(',').any(|one| one.trim().eq_ignore_ascii_case(status));
    if is("successStatuses") {
        "SUCCEEDED"
    } else if is("terminalStatuses") {
        "TERMINAL"
    } else {
        "RUNNING"
    }
}

#[tokio::test]
async fn a_stage_waits_for_a_verdict_and_ends_with_it() {
    let (house, stage) = (House::build().await, stage());
    assert_eq!(poll(&house, &stage).await, "RUNNING", "nothing was judged yet");
    house.judge("hold").await;
    assert_eq!(poll(&house, &stage).await, "RUNNING");
    house.judge("go").await;
    assert_eq!(poll(&house, &stage).await, "SUCCEEDED");
    house.judge("no-go").await;
    assert_eq!(poll(&house, &stage).await, "TERMINAL");
    let old = crate::house::verdict("no-go", (house.gateway.epoch() - 1, 5.0), &jiff::Timestamp::now().to_string());
    house.give(&old).await;
    assert_eq!(poll(&house, &stage).await, "RUNNING", "of another epoch");
    house.roll_back("errors").await;
    assert_eq!(poll(&house, &stage).await, "TERMINAL");
}
