//! What is answered over HTTP, beside what the pipelines that are played ask.

use crate::house::{House, MIGRATION, READERS, Told, told, verdict};
use gate::answer::flagger::Hook;
use serde_json::{Value, json};

async fn hook(house: &House, name: &str, body: &str) -> Told {
    let path = format!("/gate/{MIGRATION}/flagger/{name}");
    told(house.plain("POST", &path).bearer_auth(READERS[0]).body(body.to_owned())).await
}

const CALL: &str = r#"{"name": "chat", "namespace": "shop", "phase": "Progressing", "checksum": "85d557f47b"}"#;

#[tokio::test]
async fn without_a_verdict_there_is_nothing_to_measure_and_no_yes() {
    let house = House::build().await;
    for path in [format!("/gate/{MIGRATION}"), format!("/gate/{MIGRATION}/kayenta")] {
        let told = house.read(&path).await;
        assert_eq!((told.status, told.code().as_str()), (404, "no_verdict"), "{path}");
    }
    for one in Hook::ALL {
        let told = hook(&house, one.name(), CALL).await;
        assert_eq!(told.status, if one.asks() { 403 } else { 200 }, "{}", one.name());
        assert!(!one.asks() || told.text.contains("no verdict was given"), "{}", told.text);
    }
    for path in ["/gate/other", "/gate/other/kayenta", "/gate/", "/gate"] {
        let told = house.read(path).await;
        assert_eq!((told.status, told.code().as_str()), (404, "not_found"), "{path}");
    }
    assert_eq!(hook(&house, "Rollback", CALL).await.status, 404, "no such hook, so never a yes");
}

#[tokio::test]
async fn a_verdict_of_another_epoch_weight_or_day_lets_nothing_go_and_rolls_nothing_back() {
    let house = House::build().await;
    let (now, epoch) = (jiff::Timestamp::now(), house.gateway.epoch());
    let yesterday = (now - jiff::SignedDuration::from_hours(25)).to_string();
    for decision in ["go", "no-go"] {
        for given in [
            verdict(decision, (epoch - 1, 5.0), &now.to_string()),
            verdict(decision, (epoch, 10.0), &now.to_string()),
            verdict(decision, (epoch, 5.0), &yesterday),
        ] {
            house.give(&given).await;
            let body = house.read(&format!("/gate/{MIGRATION}")).await.json();
            assert_eq!(
                (&body["inconclusive"], &body["pass"], &body["fail"]),
                (&json!(true), &json!(false), &json!(false))
            );
            assert_eq!(body["verdict"], decision, "what was said is told all the same");
            for name in ["confirm-rollout", "confirm-traffic-increase", "rollout", "rollback"] {
                assert_eq!(hook(&house, name, CALL).await.status, 403, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_rollback_of_the_gateway_is_told_until_a_go_on_its_epoch() {
    let house = House::build().await;
    house.judge("go").await;
    assert_eq!(hook(&house, "rollback", CALL).await.status, 403);
    house.roll_back("errors after lunch").await;
    let rolled = hook(&house, "rollback", CALL).await;
    assert_eq!(rolled.status, 200, "{}", rolled.text);
    assert!(rolled.text.contains("errors after lunch"), "{}", rolled.text);
    let body = house.read(&format!("/gate/{MIGRATION}")).await.json();
    assert_eq!((&body["fail"], &body["verdict"], &body["weight_percent"]), (&json!(true), &json!("go"), &json!(0.0)));
    house.judge("go").await;
    assert_eq!(hook(&house, "rollback", CALL).await.status, 403);
    assert_eq!(house.read(&format!("/gate/{MIGRATION}")).await.json()["pass"], true);
}

#[tokio::test]
async fn only_changes_of_an_answer_are_noted_each_once() {
    let house = House::build().await;
    let path = format!("/gate/{MIGRATION}");
    for decision in ["hold", "hold", "go", "no-go"] {
        house.judge(decision).await;
        for _ in 0..3 {
            house.read(&path).await;
            hook(&house, "confirm-promotion", CALL).await;
            hook(&house, "event", CALL).await;
        }
    }
    let noted = house.answers_noted().await;
    let of = |asker: &str| noted.iter().filter(|reason| reason.starts_with(asker)).cloned().collect::<Vec<_>>();
    let expected = |asker: &str| {
        vec![
            format!("{asker} is told wait: errors: hold-insufficient"),
            format!("{asker} is told go instead of wait: errors: pass"),
            format!("{asker} is told stop instead of go: errors: fail"),
        ]
    };
    assert_eq!(of("argo"), expected("argo"));
    assert_eq!(of("flagger confirm-promotion"), expected("flagger confirm-promotion"));
    assert_eq!(noted.len(), 6, "events are in the log, not in the trail: {noted:?}");
}

#[tokio::test]
async fn calls_that_cannot_be_read_are_refused_and_repeated_to_nobody() {
    let house = House::build().await;
    house.judge("go").await;
    for body in ["", "null", "[1]", r#"{"name": "secret-words"}"#, r#"{"name": "", "namespace": "secret-words"}"#] {
        for name in ["confirm-rollout", "rollback", "event"] {
            let told = hook(&house, name, body).await;
            assert_eq!((told.status, told.code().as_str()), (400, "invalid_body"), "{name}, {body}");
            assert!(!told.text.contains("secret-words"), "{}", told.text);
        }
    }
    let huge = json!({"name": "n", "namespace": "n", "metadata": {"long": "x".repeat(70_000)}}).to_string();
    assert_eq!(hook(&house, "event", &huge).await.status, 413);
    let more: Value = json!({"name": "n", "namespace": "n", "phase": "Dreaming", "buildId": {"deep": [1]}});
    assert_eq!(hook(&house, "confirm-rollout", &more.to_string()).await.status, 200, "what is not known is ignored");
}
