//! The requests, byte for byte, and what follows from them where nothing goes wrong.

use super::objects::{http_route, ingress, virtual_service};
use super::{Stage, because, weight};
use targets::{Wanted, Write};

const AGENT: &str = concat!("user-agent: weighbridge/", env!("CARGO_PKG_VERSION"));
const ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/chat";

fn get(path: &str) -> String {
    format!("GET {path}\naccept: application/json\nauthorization: Bearer let-me-in\n{AGENT}\n\n")
}

fn patch(path: &str, content_type: &str, body: &str) -> String {
    format!(
        "PATCH {path}\naccept: application/json\nauthorization: Bearer let-me-in\ncontent-type: {content_type}\n{AGENT}\n\n{body}"
    )
}

#[tokio::test]
async fn a_route_is_applied_whole_with_its_version_and_waited_for() {
    let stage = Stage::new(http_route());
    let target = stage.target("httproute://shop/chat", Write::Apply);
    let found = target.read().await.unwrap();
    assert_eq!((found.in_force.weight_percent, found.in_force.shadow_percent), (5.0, Some(10.0)));
    assert_eq!(
        (found.in_force.target.as_str(), found.in_force.generation.as_deref()),
        ("httproute://shop/chat", Some("41"))
    );

    let plan = target.plan(&found, weight(12.5), &because()).unwrap();
    let body = include_str!("requests/httproute.json");
    assert_eq!(plan.text, body);
    let shown = include_str!("requests/httproute.txt").replace("ADDRESS", &stage.fake.address.to_string());
    assert_eq!(plan.shown, shown);

    assert_eq!(target.rehearse(&plan).await.unwrap(), ["the API server and its admission would take it (dryRun=All)"]);
    let applied = target.apply(&plan).await.unwrap();
    assert_eq!((applied.in_force.weight_percent, applied.in_force.generation.as_deref()), (12.5, Some("42")));
    assert_eq!((applied.settled, applied.notes), (true, vec!["the gateway has taken it".to_owned()]));

    let kind = "application/apply-patch+yaml";
    let query = "?fieldManager=weighbridge&force=false";
    let expected = [
        get(ROUTE),
        patch(&format!("{ROUTE}{query}&dryRun=All"), kind, body),
        patch(&format!("{ROUTE}{query}"), kind, body),
        get(ROUTE),
    ];
    assert_eq!(stage.told(), expected);
}

#[tokio::test]
async fn a_patch_tests_the_version_and_the_old_numbers() {
    let stage = Stage::new(http_route());
    let target = stage.target("httproute://shop/chat/0", Write::Patch);
    let wanted = Wanted { weight_percent: 10.0, mirror_percent: Some(0.0) };
    let (_, applied) = stage.move_to(&target, wanted).await;
    let applied = applied.unwrap();
    assert_eq!(
        (applied.in_force.weight_percent, applied.in_force.shadow_percent, applied.settled),
        (10.0, Some(0.0), true)
    );
    let path = format!("{ROUTE}?fieldManager=weighbridge");
    let body = include_str!("requests/httproute.patch.json");
    assert_eq!(stage.told()[1], patch(&path, "application/json-patch+json", body));
}

#[tokio::test]
async fn a_virtual_service_and_a_missing_weight() {
    let path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/chat";
    for (write, query, kind, body) in [
        (Write::TakeOver, "&force=true", "application/apply-patch+yaml", include_str!("requests/virtualservice.json")),
        (Write::Patch, "", "application/json-patch+json", include_str!("requests/virtualservice.patch.json")),
    ] {
        let stage = Stage::new(virtual_service());
        let target = stage.target("virtualservice://shop/chat", write);
        let wanted = Wanted { weight_percent: 1.0, mirror_percent: Some(2.5) };
        let (_, applied) = stage.move_to(&target, wanted).await;
        let applied = applied.unwrap();
        assert_eq!((applied.in_force.weight_percent, applied.in_force.shadow_percent), (1.0, Some(2.5)));
        assert!(applied.settled && applied.notes.is_empty(), "nobody says anything of it, and nobody is waited for");
        assert_eq!(stage.told(), [get(path), patch(&format!("{path}?fieldManager=weighbridge{query}"), kind, body)]);
    }
}

#[tokio::test]
async fn an_ingress_is_owned_annotation_by_annotation_and_keeps_what_was_ours() {
    let stage = Stage::new(ingress());
    let target = stage.target("ingress://shop/chat-canary", Write::Apply);
    let (_, applied) = stage.move_to(&target, weight(2.5)).await;
    assert_eq!(applied.unwrap().in_force.weight_percent, 2.5);
    let path = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/chat-canary";
    let query = "?fieldManager=weighbridge&force=false";
    let body = include_str!("requests/ingress.json");
    assert_eq!(stage.told(), [get(path), patch(&format!("{path}{query}"), "application/apply-patch+yaml", body)]);
    let server = stage.server.lock().unwrap();
    let total = server.object.pointer("/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight-total");
    assert_eq!(total.unwrap(), "1000", "an apply that left it out would have removed it");
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_changes() {
    let stage = Stage::new(http_route());
    let target = stage.target("httproute://shop/chat", Write::Apply);
    let (plan, applied) = stage.move_to(&target, weight(5.0)).await;
    assert_eq!((plan.shown.as_str(), applied.unwrap().in_force.weight_percent), ("", 5.0));
    assert_eq!(stage.told(), [get(ROUTE)]);
}
