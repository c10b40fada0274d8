#![expect(clippy::float_cmp, reason = "hundredths of a percent are the same float wherever they come from")]

use crate::file::tests::{Paper, changed_lines, paper};

const ARMS: (&str, &str) = ("chat-openai", "chat-deepseek");

fn ingress(text: &str) -> Paper<'_> {
    paper("ingress:ing.yaml", ARMS, text)
}

pub(in crate::file) const MANIFEST: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat
  annotations:
    higress.io/mirror-target-service: shop/chat-deepseek:8080
    higress.io/mirror-percentage: '10'
spec:
  ingressClassName: higress
  rules: [{http: {paths: [{path: /v1, pathType: Prefix, backend: {service: {name: chat-openai, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: chat-canary
  annotations:
    higress.io/canary: 'true'
    higress.io/canary-weight: '5'   # percent
spec:
  ingressClassName: higress
  rules:
  - http:
      paths:
      - path: /v1
        pathType: Prefix
        backend:
          service:
            name: chat-deepseek
            port: {number: 80}
";

#[test]
fn weight_and_mirror_are_annotations_of_two_objects() {
    assert_eq!(ingress(MANIFEST).look().unwrap(), (5.0, Some(10.0)));
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    assert_eq!(
        changed_lines(MANIFEST, &ingress(MANIFEST).set(25.0, Some(0.0))),
        [
            pair("higress.io/mirror-percentage: '10'", "higress.io/mirror-percentage: '0'"),
            pair("higress.io/canary-weight: '5'   # percent", "higress.io/canary-weight: '25'   # percent"),
        ]
    );
    assert_eq!(paper("ingress:i#chat-canary", ("chat", "chat-canary"), MANIFEST).look().unwrap().0, 5.0);
}

#[test]
fn a_missing_weight_is_nothing_and_a_total_is_kept() {
    let text = MANIFEST.replace("    higress.io/canary-weight: '5'   # percent\n", "");
    assert_eq!(ingress(&text).look().unwrap().0, 0.0);
    let line = "higress.io/canary: 'true'\n";
    assert_eq!(
        ingress(&text).set(5.0, None),
        text.replace(line, &format!("{line}    higress.io/canary-weight: '5'\n"))
    );
    let total = MANIFEST
        .replace("'5'   # percent", "\"5\"\n    higress.io/canary-weight-total: \"1000\"")
        .replace("higress.io/canary", "nginx.ingress.kubernetes.io/canary");
    assert_eq!(ingress(&total).look().unwrap().0, 0.5);
    assert_eq!(ingress(&total).set(2.5, None), total.replace("\"5\"", "\"25\""));
    let plan = ingress(MANIFEST).plan(7.5, None).unwrap();
    assert_eq!((plan.wanted.weight_percent, plan.text), (7.0, MANIFEST.replace("'5'", "'7'")));
    assert!(plan.shown.contains("canary-weight-total"), "{}", plan.shown);
    assert!(ingress(MANIFEST).plan(5.5, None).unwrap_err().ends_with("nothing would rise"));
    assert_eq!(ingress(MANIFEST).plan(0.5, None).unwrap().text, MANIFEST.replace("'5'", "'0'"));
}

#[test]
fn traps_are_refused_with_their_place() {
    for (old, new, wanted) in [
        ("canary: 'true'", "canary: true", "ing.yaml:17:5: expected the annotation `canary: \"true\"`"),
        ("canary: 'true'", "canary: 'false'", "ing.yaml:17:5: expected the annotation `canary: \"true\"`"),
        ("canary-weight: '5'", "canary-weight: 5", "ing.yaml:18:31: expected a whole number from 0 to 100 in quotes"),
        (
            "canary-weight: '5'",
            "canary-weight: '101'",
            "ing.yaml:18:31: expected a whole number from 0 to 100 in quotes",
        ),
        (
            "# percent",
            "\n    nginx.ingress.kubernetes.io/canary-weight: '5'",
            "ing.yaml:18:31: `canary-weight` stands under both",
        ),
        ("# percent", "\n    higress.io/canary-by-cookie: beta", "ing.yaml:19:34: `canary-by-cookie` is set"),
        (
            "annotations:\n    higress.io/mirror",
            "annotations:\n    higress.io/canary: 'true'\n    higress.io/mirror",
            "ing.yaml:6:5: the baseline's Ingress is a canary too",
        ),
        ("name: chat-deepseek\n", "name: chat-mistral\n", "ing.yaml: no Ingress is called `chat-deepseek`"),
        (
            "name: chat-openai",
            "name: chat-deepseek",
            "ing.yaml: `chat-deepseek` fits several Ingresses: chat, chat-canary",
        ),
        ("mirror-percentage: '10'", "mirror-percentage: '101'", "ing.yaml:7:35: expected a whole number from 0 to 100"),
    ] {
        let text = MANIFEST.replace(old, new);
        assert_ne!(text, MANIFEST);
        let error = ingress(&text).look().unwrap_err();
        assert!(error.starts_with(wanted), "{new}: {error}");
    }
    // ingress-nginx looks at the weight where the header says neither `always` nor `never`.
    let text = MANIFEST
        .replace("higress.io/canary", "nginx.ingress.kubernetes.io/canary")
        .replace("ClassName: higress", "ClassName: nginx");
    let text = text.replace("# percent", "\n    nginx.ingress.kubernetes.io/canary-by-header: x-canary");
    assert_eq!(ingress(&text).look().unwrap().0, 5.0);
}
