//! What goes wrong, and what is said of it.

use super::objects::{http_route, ingress, parent};
use super::{Stage, weight};
use crate::api_server::{ApiServer, Trouble, failure};
use crate::fake::{Fake, Reply};
use serde_json::{Value, json};
use std::time::Duration;
use targets::{Applied, Target, TargetError, Write};

async fn to_ten(server: ApiServer, write: Write) -> (Stage, Result<Applied, TargetError>) {
    let stage = Stage::new(server);
    let target = stage.target("httproute://shop/chat", write);
    let (_, applied) = stage.move_to(&target, weight(10.0)).await;
    (stage, applied)
}

fn weight_of(stage: &Stage) -> Value {
    let server = stage.server.lock().unwrap();
    server.object.pointer(server.weight).unwrap().clone()
}

#[tokio::test]
async fn somebody_elses_field_is_left_alone_and_they_are_named() {
    let mut server = http_route();
    server.manager = "argocd-controller";
    let (stage, applied) = to_ten(server, Write::Apply).await;
    let error = applied.unwrap_err();
    assert!(matches!(error, TargetError::Usage(_)), "{error:?}");
    let text = error.to_string();
    for word in ["conflict with \"argocd-controller\"", ".spec.rules", "--write take-over", "--write patch", "--out"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(weight_of(&stage), 5);
    for write in [Write::TakeOver, Write::Patch] {
        let mut server = http_route();
        server.manager = "argocd-controller";
        let (stage, applied) = to_ten(server, write).await;
        assert_eq!((applied.unwrap().in_force.weight_percent, weight_of(&stage)), (10.0, json!(10)));
    }
}

#[tokio::test]
async fn who_was_faster_wins() {
    for write in [Write::Apply, Write::TakeOver, Write::Patch] {
        let (stage, applied) = to_ten(http_route().with(Trouble::Overtaken(7)), write).await;
        let error = applied.unwrap_err();
        assert!(matches!(&error, TargetError::Changed(why) if why.contains("look again")), "{write:?}: {error:?}");
        assert_eq!(weight_of(&stage), 7, "{write:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_reading_again() {
    let (stage, applied) = to_ten(http_route().with(Trouble::ActsAndDrops), Write::Apply).await;
    let applied = applied.unwrap();
    assert!(applied.settled && applied.notes[0].contains("the change is in force"), "{applied:?}");
    assert_eq!(weight_of(&stage), 10);

    let (stage, applied) = to_ten(http_route().with(Trouble::Mumbles), Write::Apply).await;
    assert!(applied.unwrap().notes[0].contains("cannot be read"));
    assert_eq!(weight_of(&stage), 10);

    for trouble in [Trouble::Drops, Trouble::Says(504, failure(504, "Timeout", "etcd is slow", &json!({})))] {
        let (stage, applied) = to_ten(http_route().with(trouble), Write::Apply).await;
        let error = applied.unwrap_err();
        assert!(matches!(&error, TargetError::World(why) if why.contains("nothing was changed")), "{error:?}");
        assert_eq!(weight_of(&stage), 5);
    }
    let (_, applied) = to_ten(http_route().with(Trouble::OvertakenAndDrops(7)), Write::Apply).await;
    let error = applied.unwrap_err();
    assert!(
        matches!(&error, TargetError::Changed(why) if why.contains("7% is in force") || why.contains("somebody else")),
        "{error:?}"
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let webhook = r#"admission webhook "freeze.example" denied the request: change freeze until Monday"#;
    type Is = fn(&TargetError) -> bool;
    let usage: Is = |error| matches!(error, TargetError::Usage(_));
    let world: Is = |error| matches!(error, TargetError::World(_));
    let cases: [(u16, &str, &str, Is, &[&str]); 8] = [
        (401, "Unauthorized", "Unauthorized", usage, &["renew the token"]),
        (
            403,
            "Forbidden",
            "httproutes is forbidden",
            usage,
            &["get and patch on httproutes.gateway", "namespace shop", "rbac.yaml"],
        ),
        (403, "Forbidden", webhook, usage, &["admission refuses", "change freeze until Monday"]),
        (400, "BadRequest", webhook, usage, &["admission refuses"]),
        (404, "NotFound", "httproutes \"chat\" not found", usage, &["not found", "check namespace and name"]),
        (422, "Invalid", "spec.rules: too\u{1b}[31m many", usage, &["invalid", "too [31m many"]),
        (415, "UnsupportedMediaType", "no", usage, &["415"]),
        (429, "TooManyRequests", "slow down", world, &["try again"]),
    ];
    for (code, reason, message, is, words) in cases {
        for write in [Write::Apply, Write::Patch] {
            let trouble = Trouble::Says(code, failure(code, reason, message, &json!({})));
            let (stage, applied) = to_ten(http_route().with(trouble), write).await;
            let error = applied.unwrap_err();
            assert!(is(&error), "{error:?}");
            for word in words {
                assert!(error.to_string().contains(word), "{word}: {error}");
            }
            assert!(!error.to_string().contains("let-me-in"), "{error}");
            assert_eq!(weight_of(&stage), 5);
        }
    }
}

#[tokio::test]
async fn a_rehearsal_hears_the_refusal_before_anything_happens() {
    let message = r#"admission webhook "freeze.example" denied the request"#;
    let refusal = Trouble::Says(403, failure(403, "Forbidden", message, &json!({})));
    let stage = Stage::new(http_route().with(refusal).with(Trouble::Alters(1)));
    let target = stage.target("httproute://shop/chat", Write::Apply);
    let found = target.read().await.unwrap();
    let plan = target.plan(&found, weight(10.0), &super::because()).unwrap();
    let error = target.rehearse(&plan).await.unwrap_err();
    assert!(error.to_string().contains("admission refuses"), "{error}");
    assert_eq!(weight_of(&stage), 5);
}

#[tokio::test]
async fn what_admission_makes_of_it_is_noticed() {
    let mut server = http_route().with(Trouble::Alters(1));
    server.statuses.clear();
    server.statuses.push_back(json!({"parents": [parent(&[("Accepted", "True", 5), ("ResolvedRefs", "True", 5)])]}));
    let (_, applied) = to_ten(server, Write::Apply).await;
    let applied = applied.unwrap();
    assert!(!applied.settled, "{applied:?}");
    assert!(applied.notes[0].contains("10% was sent") && applied.notes[0].contains("admission changes"), "{applied:?}");
}

#[tokio::test]
async fn a_gateway_that_does_not_take_it_is_quoted() {
    let mut server = http_route();
    // What was said of the old generation says nothing; then half of it; then all of it.
    server.statuses = [
        parent(&[("Accepted", "True", 3), ("ResolvedRefs", "False", 3)]),
        parent(&[("Accepted", "True", 4)]),
        parent(&[("Accepted", "True", 4), ("ResolvedRefs", "False", 4)]),
    ]
    .into_iter()
    .map(|parent| json!({"parents": [parent]}))
    .collect();
    let (stage, applied) = to_ten(server, Write::Apply).await;
    let applied = applied.unwrap();
    assert!(!applied.settled);
    assert_eq!(
        applied.notes,
        [
            "written, but not taken: edge (example.net/gateway): ResolvedRefs is False: BackendNotFound: no service called deepseek"
        ]
    );
    assert_eq!((applied.in_force.weight_percent, stage.fake.seen().len()), (10.0, 5));
}

#[tokio::test]
async fn a_silent_gateway_is_not_waited_for_for_ever() {
    for parents in [json!([]), json!([parent(&[("Accepted", "True", 3)])]), json!("odd")] {
        let mut server = http_route();
        server.object["status"]["parents"] = parents;
        server.statuses.clear();
        let stage = Stage::new(server);
        let mut options = stage.options(Write::Apply);
        options.settle = Duration::ZERO;
        let target = Target::parse("httproute://shop/chat", &options).unwrap();
        let applied = stage.move_to(&target, weight(10.0)).await.1.unwrap();
        assert!(!applied.settled && applied.notes[0].contains("has not said within 0 s"), "{applied:?}");
        assert!(applied.notes[0].contains("generation 4"), "{applied:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_none_is_told_from_one() {
    for (status, body, words) in [
        (200, "<html>", "no HTTPRoute"),
        (200, r#"{"kind":"Ingress","metadata":{"resourceVersion":"1"}}"#, "no HTTPRoute"),
        (200, r#"{"kind":"HTTPRoute","metadata":{}}"#, "no HTTPRoute"),
        (404, "404 page not found\n", "serves no httproutes of gateway.networking.k8s.io/v1"),
        (302, "", "no API server"),
        (503, "", "try again"),
    ] {
        let fake = Fake::start(move |_| Reply::Answer(status, body.to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, super::kubeconfig(&fake.url(""), "token: let-me-in")).unwrap();
        let target = Target::parse("httproute://shop/chat", &super::options(&path, Write::Apply)).unwrap();
        let error = target.read().await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_object_that_says_no_weight_is_an_error_and_not_zero() {
    let mut server = ingress();
    server.object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"] = json!("many");
    let stage = Stage::new(server);
    let target = stage.target("ingress://shop/chat-canary", Write::Apply);
    assert!(matches!(target.read().await.unwrap_err(), TargetError::Usage(_)));
    let mut server = http_route();
    server.object["spec"]["rules"][0]["backendRefs"][1]["name"] = json!("other");
    let stage = Stage::new(server);
    let error = stage.target("httproute://shop/chat", Write::Apply).read().await.unwrap_err().to_string();
    assert!(error.contains("openai") && error.contains("deepseek") && error.contains("shop/chat"), "{error}");
}
