use super::{House, told};
use crate::admin::verdict::sample_verdict;
use serde_json::json;

const VERDICT: &str = "/admin/v1/migrations/move/verdict";

#[tokio::test]
async fn a_verdict_is_given_back_as_it_came_and_shown_beside_the_weight() {
    let house = House::build(5.0).await;
    assert_eq!(told(house.token("GET", VERDICT)).await.code(), "no_verdict");
    let now = jiff::Timestamp::now().to_string();
    let given = format!("  {}\n", sample_verdict("move", house.running.epoch(), &now));
    let taken = told(house.token("PUT", VERDICT).body(given.clone())).await;
    assert_eq!((taken.status, &taken.json()["matches"]), (200, &json!(true)), "{}", taken.text);
    assert_eq!(told(house.token("GET", VERDICT)).await.text, given);
    let shown = &house.document().await["migrations"][0]["verdict"];
    assert_eq!((&shown["verdict"], &shown["stale"], &shown["why_not"]), (&json!("go"), &json!(false), &json!("")));
    assert_eq!((&shown["guardrails"][0]["metric"], &shown["next_weight_bound"]), (&json!("errors"), &json!("ladder")));
    assert_eq!(shown["needed"][0]["pairs"], 100);

    // The weight goes on; what was judged stays behind.
    assert_eq!(told(house.token("POST", "/admin/v1/migrations/move/rollback")).await.status, 200);
    let shown = &house.document().await["migrations"][0]["verdict"];
    assert_eq!(shown["matches"], false);
    let next = sample_verdict("move", house.running.epoch(), "2020-01-01T00:00:00Z").to_string();
    assert_eq!(told(house.token("PUT", VERDICT).body(next)).await.json()["stale"], true);
    let shown = &house.document().await["migrations"][0]["verdict"];
    assert_eq!((shown["course"].as_array().unwrap().len(), &shown["course"][0]["verdict"]), (1, &json!("go")));
}

#[tokio::test]
async fn what_is_no_verdict_on_this_migration_is_refused() {
    let house = House::build(5.0).await;
    let refused = async |body: String| told(house.token("PUT", VERDICT).body(body)).await;
    let mut future = sample_verdict("move", 1, "2026-11-23T00:00:00Z");
    future["schema"] = json!("weighbridge.verdict/9");
    let mut odd = sample_verdict("move", 1, "2026-11-23T00:00:00Z");
    odd["verdict"] = json!("perhaps");
    let other = sample_verdict("other", 1, "2026-11-23T00:00:00Z");
    for body in
        [future.to_string(), odd.to_string(), other.to_string(), "{}".to_owned(), "no".to_owned(), String::new()]
    {
        let told = refused(body).await;
        assert_eq!((told.status, told.code().as_str()), (422, "invalid_verdict"), "{}", told.text);
    }
    let huge = format!("{}{}", " ".repeat(8 * 1024 * 1024), sample_verdict("move", 1, "2026-11-23T00:00:00Z"));
    let huge = refused(huge).await;
    assert_eq!((huge.status, huge.code().as_str()), (413, "request_too_large"));
    assert_eq!(told(house.token("PUT", "/admin/v1/migrations/none/verdict").body("{}")).await.status, 404);
    assert_eq!(told(house.token("GET", "/admin/v1/migrations/none/verdict")).await.status, 404);
    assert_eq!(told(house.token("GET", VERDICT)).await.status, 404, "nothing was kept");
}
