use super::{House, told};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files_and_is_kept_by_nobody() {
    let house = House::build(5.0).await;
    let page = told(house.plain("GET", "/console")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("content-security-policy"), POLICY);
    assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), ("nosniff", "no-referrer"));
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text.contains(super::TOKEN));
    for address in page.text.split("=\"/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let file = told(house.plain("GET", &format!("/{address}"))).await;
        assert_eq!((file.status, file.header("content-security-policy")), (200, POLICY), "/{address}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let again = house.plain("GET", &format!("/{address}")).header("if-none-match", file.header("etag"));
        let again = told(again).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "/{address}");
    }
    for path in ["/console/nothing.js", "/console/../Cargo.toml", "/console/%2e%2e/x", "/console/"] {
        assert_eq!(told(house.plain("GET", path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_whole_before_anything_was_asked() {
    let house = House::build(5.0).await;
    let told = told(house.token("GET", "/admin/v1/console")).await;
    assert_eq!(told.header("cache-control"), "no-store");
    let document = told.json();
    assert_eq!(
        (document["schema"].as_str(), document["stopping"].as_bool()),
        (Some("weighbridge.console/1"), Some(false))
    );
    assert_eq!((&document["replicas"], &document["records"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    let migration = &document["migrations"][0];
    assert_eq!((migration["name"].as_str(), migration["weight_percent"].as_f64()), (Some("move"), Some(5.0)));
    assert_eq!(
        (&migration["verdict"], &migration["shadow_paused"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let arms: Vec<_> = migration["arms"].as_array().unwrap().iter().map(|arm| (&arm["arm"], &arm["role"])).collect();
    assert_eq!(
        serde_json::to_string(&arms).unwrap(),
        r#"[["baseline","served"],["candidate","served"],["candidate","shadow"]]"#
    );
    let arm = &migration["arms"][0];
    assert_eq!((arm["requests"].as_u64(), &arm["ttft_us"]), (Some(0), &serde_json::Value::Null), "no number is no 0");
    assert_eq!(document["providers"][0]["serving"]["breaker"], "closed");
    assert_eq!(
        (document["history"]["step_seconds"].as_u64(), document["history"]["points"].as_u64()),
        (Some(5), Some(720))
    );
}

#[tokio::test]
async fn what_was_asked_is_in_the_document() {
    let house = House::build(0.0).await;
    for _ in 0..3 {
        assert_eq!(house.ask().await, 502);
    }
    house.running.settle().await;
    let document = house.document().await;
    let arm = &document["migrations"][0]["arms"][0];
    assert_eq!((arm["requests"].as_u64(), arm["errors"].as_u64()), (Some(3), Some(3)));
    assert_eq!((arm["errors_by_kind"]["connect"].as_u64(), arm["since_start"]["errors"].as_u64()), (Some(3), Some(3)));
    assert_eq!((arm["provider"].as_str(), &arm["duration_us"]), (Some("openai"), &serde_json::Value::Null));
    let shadow = &document["migrations"][0]["arms"][2];
    assert_eq!((shadow["role"].as_str(), shadow["requests"].as_u64()), (Some("shadow"), Some(3)));
    assert_eq!(document["shadow"]["finished"].as_u64(), Some(3));
    assert!(document["overhead_us"]["p95"].as_u64().is_some());
}
