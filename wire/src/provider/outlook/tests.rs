//! What findings say beside that they are there.

use super::*;
use crate::provider::{JsonSchema, Policy};

fn findings(model: &str, members: &str, policy: &Policy) -> Vec<Finding> {
    let messages = r#""messages":[{"role":"user","content":"q"}],"#;
    let messages = if members.starts_with("\"messages\"") { "" } else { messages };
    let body = format!(r#"{{"model":"gpt-4o",{messages}{members}}}"#);
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    outlook(Provider::DeepSeek, &request, &Target::new(model, policy))
}

fn found(members: &str, feature: &str) -> Finding {
    let all = findings("deepseek-flash", members, &Policy::default());
    all.into_iter().find(|finding| finding.feature == feature).unwrap_or_else(|| panic!("{feature} of {members}"))
}

#[test]
fn the_worst_comes_first() {
    let all = findings("deepseek-flash", r#""store":true,"seed":7,"n":3"#, &Policy::default());
    let told: Vec<_> = all.iter().take(3).map(|finding| (finding.feature, finding.effect, finding.loss)).collect();
    assert_eq!(
        told,
        [
            ("n>1", Effect::Fails, None),
            ("seed", Effect::Loses, Some(Loss::Behaviour)),
            ("store", Effect::Loses, Some(Loss::Harmless)),
        ]
    );
}

#[test]
fn a_failure_brings_its_remedy_and_its_numbers() {
    let schema = r#""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#;
    assert_eq!(found(schema, "json_schema").remedy, Some(Remedy::Policy { key: "json_schema", value: "instruct" }));
    let instructed = Policy { json_schema: JsonSchema::Instruct, ..Policy::default() };
    assert!(findings("deepseek-flash", schema, &instructed).iter().all(|finding| finding.effect != Effect::Fails));
    let hot = found(r#""temperature":3"#, "temperature out of range");
    assert_eq!((hot.remedy, hot.detail.as_deref()), (Some(Remedy::FixRequest), Some("3")));
    assert_eq!(found(r#""n":2"#, "n>1").remedy, Some(Remedy::StayOnBaseline));
    assert_eq!(found(r#""max_tokens":500000"#, "max_tokens").detail.as_deref(), Some("500000 becomes 393216"));
    assert_eq!(found(r#""max_tokens":5"#, "max_tokens").detail, None);
    let picture = r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#;
    let all = findings("deepseek-v4-pro", picture, &Policy::default());
    let blind = all.iter().find(|finding| finding.feature == "images").unwrap();
    assert_eq!(
        (blind.remedy, blind.detail.as_deref()),
        (Some(Remedy::Model { name: "deepseek-flash" }), Some("images: 1"))
    );
}

#[test]
fn no_detail_holds_content() {
    let secret = "\"secret words\"";
    for members in [
        format!(
            r#""temperature":{secret},"top_p":{secret},"max_tokens":{secret},"n":{secret},"top_logprobs":{secret}"#
        ),
        format!(
            r#""messages":[{{"role":{secret},"content":{secret}}}],"tools":[{{"type":"function","function":{{"name":{secret}}}}}]"#
        ),
        format!(r#""stop":{secret},"tool_choice":{secret},"response_format":{{"type":{secret}}},"user":{secret}"#),
    ] {
        for finding in findings("deepseek-flash", &members, &Policy::default()) {
            assert!(!format!("{finding:?}").contains("secret"), "{finding:?}");
        }
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_the_whole_finding() {
    let request = Request::parse(Endpoint::Embeddings, br#"{"model":"m","input":"x"}"#).unwrap();
    let policy = Policy::default();
    let all = outlook(Provider::DeepSeek, &request, &Target::new("deepseek-flash", &policy));
    assert_eq!(
        all.iter().map(|finding| (finding.feature, finding.effect)).collect::<Vec<_>>(),
        [("embeddings", Effect::Fails)]
    );
}

#[test]
fn every_feature_has_a_name_that_a_rule_can_say() {
    let features = features();
    assert!(features.len() > 100, "{}", features.len());
    for feature in &features {
        assert!(!feature.is_empty() && feature.len() <= 60 && *feature != "*", "{feature}");
        assert!(!feature.contains(['"', '\\', '\n']), "{feature}");
    }
    assert!(features.contains("n>1") && features.contains("embeddings") && features.contains("store"));
}

#[test]
fn a_rule_finds_the_features_it_names() {
    let body = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"q"}],"seed":7,"n":2}"#;
    let request = Request::parse(Endpoint::Chat, body).unwrap();
    let policy = Policy::default();
    let target = Target::new("deepseek-flash", &policy);
    let lookout = Lookout::new(Provider::DeepSeek, &request, &target);
    let first = |names: &[&str]| lookout.first_of(|feature| names.contains(&feature));
    assert_eq!(first(&["n>1"]), Some("n>1"));
    assert_eq!(first(&["seed", "top_p"]), Some("seed"));
    assert_eq!(first(&["top_p"]), None);
    assert_eq!(first(&[]), None);
}

/// Reading the messages anew for each question would be 2 GB of JSON.
#[test]
fn very_many_questions_about_one_request_read_it_once() {
    let text = "a".repeat(1 << 20);
    let body =
        format!(r#"{{"model":"m","messages":[{{"role":"developer","content":[{{"type":"text","text":"{text}"}}]}}]}}"#);
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let policy = Policy::default();
    let target = Target::new("deepseek-flash", &policy);
    let lookout = Lookout::new(Provider::DeepSeek, &request, &target);
    let heard = (0..2000).filter(|_| lookout.first_of(|feature| feature == "developer role").is_some()).count();
    assert_eq!((heard, lookout.first_of(|feature| feature == "images")), (2000, None));
    assert_eq!(lookout.findings(), outlook(Provider::DeepSeek, &request, &target));
}

/// Looking behind each member for its double would be 5 * 10^9 comparisons.
#[test]
fn very_many_unknown_members_cost_no_square_of_their_number() {
    let members: String = (0..100_000).map(|index| format!(r#","x{index}":1"#)).collect();
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"q"}}],"n":1{members},"n":2}}"#);
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let policy = Policy::default();
    let failing: Vec<&str> = outlook(Provider::DeepSeek, &request, &Target::new("deepseek-flash", &policy))
        .iter()
        .filter(|finding| finding.effect == Effect::Fails)
        .map(|finding| finding.feature)
        .collect();
    assert_eq!(failing, ["n>1"]);
}
