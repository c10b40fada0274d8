#![expect(clippy::float_cmp, reason = "hundredths of a percent are the same float wherever they come from")]

use crate::file::tests::{Paper, changed_lines, paper};

const ARMS: (&str, &str) = ("chat-openai", "chat-deepseek");

fn route(text: &str) -> Paper<'_> {
    paper("httproute:route.yaml", ARMS, text)
}

/// As people keep it in Git: comments, two documents, an odd indentation, one weight in flow style.
pub(in crate::file) const MANIFEST: &str = "\
# Chat, split by weighbridge. Do not edit weights by hand.
apiVersion: v1
kind: Service
metadata: {name: chat-openai}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: chat
  namespace: shop
spec:
  hostnames: [\"chat.example\"]   # public
  rules:
    # health stays with the baseline
    - matches: [{path: {value: /healthz}}]
      backendRefs:
      - {name: chat-openai, port: 8080}
    - filters:
      - type: RequestMirror
        requestMirror:
          backendRef: {name: chat-deepseek, port: 8080}
          percent: 10
      backendRefs:
      - name: chat-openai      # the baseline
        port: 8080
        weight: 95             # 100 - canary
      - {name: chat-deepseek, port: 8080, weight: 5}

# the end
";

#[test]
fn both_weights_and_the_mirror_change_and_nothing_else() {
    assert_eq!(route(MANIFEST).look().unwrap(), (5.0, Some(10.0)));
    let new = route(MANIFEST).set(25.0, Some(3.0));
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    assert_eq!(
        changed_lines(MANIFEST, &new),
        [
            pair("percent: 10", "percent: 3"),
            pair("weight: 95             # 100 - canary", "weight: 75             # 100 - canary"),
            pair("- {name: chat-deepseek, port: 8080, weight: 5}", "- {name: chat-deepseek, port: 8080, weight: 25}"),
        ]
    );
    // Half a percent takes a larger sum.
    let new = route(MANIFEST).set(0.5, None);
    assert!(new.contains("weight: 9950  ") && new.contains("weight: 50}") && new.contains("percent: 10"), "{new}");
    let windows = MANIFEST.replace('\n', "\r\n");
    assert_eq!(route(&windows).set(0.5, None), new.replace('\n', "\r\n"));
}

#[test]
fn weights_that_are_not_said_are_one_and_put_in() {
    let text = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat}
spec:
  rules:
  - backendRefs:
    - name: chat-openai
      port: 80
    - name: chat-deepseek
      port: 80
      weight: 0
";
    assert_eq!(route(text).look().unwrap(), (0.0, None));
    let new = route(text).set(1.0, None);
    assert_eq!(
        new,
        text.replace("openai\n      port: 80\n", "openai\n      port: 80\n      weight: 9900\n")
            .replace("weight: 0", "weight: 100")
    );
    assert_eq!(
        route(text).set(100.0, None),
        text.replace("openai\n      port: 80\n", "openai\n      port: 80\n      weight: 0\n")
            .replace("weight: 0\n\"", "")
            .replace("port: 80\n      weight: 0\n\n", "")
            .replacen("deepseek\n      port: 80\n      weight: 0", "deepseek\n      port: 80\n      weight: 1", 1)
    );
    assert!(route(text).plan(1.0, Some(5.0)).unwrap_err().contains("no filter `RequestMirror`"));
    let none = text.replace("      weight: 0\n", "");
    assert_eq!(route(&none).look().unwrap(), (50.0, None));
    assert_eq!(route(&none).plan(50.0, None).unwrap().shown, "");
}

#[test]
fn json_from_kubectl_is_read_too() {
    let text = r#"{
	"apiVersion": "v1",
	"items": [
		{
			"apiVersion": "gateway.networking.k8s.io/v1",
			"kind": "HTTPRoute",
			"metadata": {"name": "chat", "namespace": "shop", "annotations": {"note": "caf\u00e9 \ud83d\ude00"}},
			"spec": {"rules": [{"backendRefs": [
				{"group": "", "kind": "Service", "name": "chat-openai", "port": 80, "weight":	1},
				{"group": "", "kind": "Service", "name": "chat-deepseek", "port": 80, "weight":	1}
			]}]}
		}
	],
	"kind": "List"
}
"#;
    let new = route(text).set(0.0, None);
    assert_eq!(
        new,
        text.replacen("\"weight\":\t1", "\"weight\":\t2", 1).replacen(
            "\"port\": 80, \"weight\":\t1}",
            "\"port\": 80, \"weight\":\t0}",
            1
        )
    );
}

#[test]
fn mirrors_say_percents_or_fractions() {
    for (says, share, weight, wanted) in [
        ("percent: 10", 10.0, 0.0, "percent: 0"),
        ("fraction: {numerator: 1}", 1.0, 3.0, "fraction: {numerator: 3}"),
        ("fraction: {numerator: 1, denominator: 1000}", 0.1, 2.5, "fraction: {numerator: 25, denominator: 1000}"),
        ("# everything", 100.0, 100.0, "# everything"),
    ] {
        let text = MANIFEST.replace("percent: 10", says);
        assert_eq!(route(&text).look().unwrap(), (5.0, Some(share)), "{says}");
        assert_eq!(route(&text).set(5.0, Some(weight)), MANIFEST.replace("percent: 10", wanted));
    }
    let text = MANIFEST.replace("          percent: 10\n", "");
    let line = "backendRef: {name: chat-deepseek, port: 8080}\n";
    assert_eq!(route(&text).set(5.0, Some(7.0)), text.replace(line, &format!("{line}          percent: 7\n")));
    assert_eq!(
        route(&text).set(5.0, Some(0.25)),
        text.replace(
            line,
            &format!("{line}          fraction:\n            numerator: 25\n            denominator: 10000\n")
        )
    );
    let plan = route(MANIFEST).plan(5.0, Some(2.5)).unwrap();
    assert_eq!(plan.wanted.mirror_percent, Some(2.0));
    assert!(plan.shown.starts_with("note: a mirrored share of 2.5%"), "{}", plan.shown);
    let error = route(MANIFEST).plan(5.0, Some(10.5)).unwrap_err();
    assert!(error.contains("so nothing would rise"), "{error}");
}

#[test]
fn the_rule_with_both_is_meant_and_several_are_listed() {
    let twice = MANIFEST.replace(
        "      - {name: chat-openai, port: 8080}\n",
        "      - {name: chat-openai}\n      - {name: chat-deepseek}\n",
    );
    let error = route(&twice).look().unwrap_err();
    assert_eq!(
        error,
        "route.yaml: `chat-openai` and `chat-deepseek` are both in the rules 0 (line 15), 1 (line 19); name one behind `#`, as \
         NAMESPACE/NAME/RULE"
    );
    assert_eq!(paper("httproute:r#shop/chat/1", ARMS, &twice).look().unwrap().0, 5.0);
    assert_eq!(paper("httproute:r#//0", ARMS, &twice).look().unwrap().0, 50.0);
    let other = paper("httproute:r", ("chat-openai", "chat-mistral"), MANIFEST).look().unwrap_err();
    assert!(other.contains("no rule holds both") && other.contains("chat-openai, chat-deepseek"), "{other}");
    assert_eq!(paper("httproute:r", ("chat-openai:8080", "chat-deepseek"), MANIFEST).look().unwrap().0, 5.0);
    let error = paper("httproute:r#shop/other", ARMS, MANIFEST).look().unwrap_err();
    assert!(error.ends_with("the file has HTTPRoute shop/chat"), "{error}");
    let error = paper("httproute:r", ARMS, "kind: Service\nmetadata: {name: a}\n").look().unwrap_err();
    assert!(error.ends_with("the file has Service a"), "{error}");
    let two =
        format!("{MANIFEST}---\n{}", MANIFEST.split("---\n").nth(1).unwrap().replace("name: chat\n", "name: bulk\n"));
    let error = route(&two).look().unwrap_err();
    assert!(error.contains("several HTTPRoutes fit: shop/chat (line 6), shop/bulk (line 31)"), "{error}");
    assert_eq!(paper("httproute:r#bulk", ARMS, &two).look().unwrap().0, 5.0);
}

#[test]
fn what_is_no_weight_is_refused_with_its_place() {
    for (old, new, wanted) in [
        (
            "weight: 95 ",
            "weight: \"95\" ",
            "route.yaml:26:17: expected a whole number from 0 to 1000000, without quotes",
        ),
        ("weight: 95 ", "weight: 095 ", "route.yaml:26:17: expected a whole number"),
        ("weight: 95 ", "weight: 2000000 ", "route.yaml:26:17: expected a whole number"),
        ("weight: 95 ", "weight: -1 ", "route.yaml:26:17: expected a whole number"),
        ("weight: 95 ", "weight: {{ .Values.w }} ", "route.yaml:26:17: expected a whole number"),
        ("percent: 10", "percent: 101", "route.yaml:22:20: expected a whole number from 0 to 100"),
        ("percent: 10", "percent: 1\n          fraction: {numerator: 1}", "route.yaml:22:20: expected `percent` or"),
        ("percent: 10", "fraction: {numerator: 1, denominator: 0}", "route.yaml:22:21: expected a `denominator`"),
        ("weight: 95 ", "weight: 0\n        weight: 95 ", "route.yaml:27:9: the key `weight` stands twice"),
    ] {
        let text = MANIFEST.replace(old, new);
        let error = route(&text).look().unwrap_err();
        assert!(error.starts_with(wanted), "{new}: {error}");
    }
    let text = MANIFEST.replace("weight: 95 ", "weight: 0").replace("weight: 5}", "weight: 0}");
    assert!(route(&text).look().unwrap_err().contains("both weigh 0"));
    let text = MANIFEST.replace("weight: 95 ", "weight: &w 95 ");
    assert_eq!(route(&text).look().unwrap().0, 5.0);
    assert!(route(&text).plan(10.0, None).unwrap_err().starts_with("route.yaml:26:17: this value has an anchor"));
}

#[test]
fn a_third_back_end_keeps_its_share() {
    let text = MANIFEST.replace("weight: 5}", "weight: 5}\n      - {name: chat-cache, weight: 50}");
    assert_eq!(route(&text).look().unwrap().0, 5.0);
    let new = route(&text).set(25.0, None);
    assert!(new.contains("weight: 75 ") && new.contains("weight: 25}") && new.contains("weight: 50}"), "{new}");
    let new = route(&text).set(0.5, None);
    assert!(
        new.contains("weight: 9950 ") && new.contains("weight: 50}\n      - {name: chat-cache, weight: 5000}"),
        "{new}"
    );
}
