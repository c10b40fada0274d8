use super::*;
use crate::verdict::{Category, Finding};
use std::collections::BTreeMap;

const MOMENT: Moment = Moment { now_us: 1_795_680_000_000_000, nonce: 7 };

fn backend(action: Action) -> Aliyun {
    let (request, response) = action.services();
    Aliyun {
        base_url: Aliyun::base_url("cn-shanghai"),
        key_id: Secret::new("the-id".to_owned()),
        key_secret: Secret::new("the-secret".to_owned()),
        token: None,
        action,
        request_service: request.to_owned(),
        response_service: response.to_owned(),
        cut: Cut::new(1800, 64),
    }
}

fn read(action: Action, piece: &str, data: &Value) -> Result<Vec<Finding>, Failure> {
    let body = json!({"Code": 200, "Message": "OK", "RequestId": "R", "Data": data}).to_string();
    backend(action).read(piece, body.as_bytes()).map(|verdict| verdict.findings)
}

/// Category, label, level, and spans as text.
fn brief(findings: &[Finding]) -> Vec<(Category, &str, Level, String)> {
    findings.iter().map(|one| (one.category, one.label.as_str(), one.level, format!("{:?}", one.spans))).collect()
}

#[test]
fn a_request_is_a_signed_form_whatever_the_text_holds() {
    let text = "1 + 1 = 2 & 100% \"中文\" ~*'() \n\u{0}😀";
    let call = backend(Action::TextModerationPlus).call(Phase::Request, text, Some("s-1"), &MOMENT);
    assert_eq!(call.url, "https://green-cip.cn-shanghai.aliyuncs.com/");
    let headers: BTreeMap<&str, &str> = call.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(headers["host"], "green-cip.cn-shanghai.aliyuncs.com");
    assert_eq!(headers["x-acs-action"], "TextModerationPlus");
    assert_eq!(headers["x-acs-date"], "2026-11-26T08:00:00Z");
    assert_eq!(headers["x-acs-signature-nonce"], "00000000000000000000000000000007");
    assert!(headers["authorization"].starts_with(
        "ACS3-HMAC-SHA256 Credential=the-id,SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;\
         x-acs-signature-nonce;x-acs-version,Signature="
    ));
    let body = String::from_utf8(call.body.clone()).unwrap();
    assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%=&".contains(&byte)), "{body}");
    let (service, parameters) = body.split_once("&ServiceParameters=").unwrap();
    assert_eq!(service, "Service=llm_query_moderation");
    let parameters = percent_encoding::percent_decode_str(parameters).decode_utf8().unwrap();
    let parameters: Value = serde_json::from_str(&parameters).unwrap();
    assert_eq!(parameters, json!({"content": text, "sessionId": "s-1"}));
    let seen = format!("{call:?} {:?}", backend(Action::TextModerationPlus));
    assert!(!seen.contains("the-secret") && !seen.contains("Signature=") && !seen.contains("中文"), "{seen}");
}

#[test]
fn services_follow_the_phase_and_a_temporary_key_brings_its_token() {
    let backend = Aliyun { token: Some(Secret::new("sts".to_owned())), ..backend(Action::MultiModalGuard) };
    let call = backend.call(Phase::Response, "x", None, &MOMENT);
    let body = String::from_utf8(call.body).unwrap();
    assert_eq!(body, "Service=response_security_check&ServiceParameters=%7B%22content%22%3A%22x%22%7D");
    let headers: BTreeMap<&str, String> = call.headers.into_iter().collect();
    assert_eq!(headers["x-acs-security-token"], "sts");
    assert!(headers["authorization"].contains("x-acs-security-token;"), "{}", headers["authorization"]);
    let local = |base_url: &str| Aliyun { base_url: base_url.to_owned(), ..backend.clone() }.host().to_owned();
    assert_eq!(local("http://127.0.0.1:9104"), "127.0.0.1:9104");
    assert_eq!(local("https://example.org:443"), "example.org");
}

#[test]
fn each_dimension_of_text_moderation_plus_has_its_level() {
    let piece = "这是白痴 idiot, call 13800138000, Idiot";
    let data = json!({
        "RiskLevel": "medium",
        "Result": [
            {"Label": "inappropriate_profanity", "Confidence": 81.5, "RiskWords": "白痴,idiot", "Description": "d",
             "RiskPositions": [{"RiskWord": "白痴", "StartPos": 2, "EndPos": 4}]},
            {"Label": "customized", "Confidence": 100.0, "CustomizedHit": [{"LibName": "mine", "KeyWords": "call"}]},
            {"Label": "nonLabel", "Description": "nothing"},
        ],
        "AttackLevel": "low",
        "AttackResult": [{"AttackLevel": "low", "Label": "promptInjection", "Confidence": 30}],
        "SensitiveLevel": "S3",
        "SensitiveResult": [
            {"SensitiveLevel": "S2", "Label": "1780", "SensitiveData": ["13800138000"]},
        ],
        "Advice": [{"Answer": "no", "HitLabel": "x", "HitLibName": "y"}],
        "DetectedLanguage": "zh",
        "Score": 1,
    });
    let findings = read(Action::TextModerationPlus, piece, &data).unwrap();
    assert_eq!(
        brief(&findings),
        [
            (Category::Profanity, "inappropriate_profanity", Level::Medium, "[6..12, 13..18, 38..43]".to_owned()),
            (Category::Custom, "customized", Level::Medium, "[20..24]".to_owned()),
            (Category::PromptAttack, "promptInjection", Level::Low, "[]".to_owned()),
            (Category::SensitiveData, "1780", Level::Medium, "[25..36]".to_owned()),
            // The dimension is worse than what it explains.
            (Category::SensitiveData, "sensitive", Level::High, "[]".to_owned()),
        ]
    );
    assert_eq!(findings[0].score, Some(0.815));
}

#[test]
fn a_harmless_text_has_no_findings_in_either_form() {
    let data = json!({"RiskLevel": "none", "Result": [{"Label": "nonLabel"}], "AttackLevel": "none", "AttackResult": [],
        "SensitiveLevel": "S0", "SensitiveResult": null});
    assert_eq!(read(Action::TextModerationPlus, "x", &data), Ok(Vec::new()));
    let data = json!({"Suggestion": "pass", "Detail": [
        {"Type": "contentModeration", "Level": "none", "Suggestion": "pass", "Result": [{"Label": "nonLabel", "Level": "none"}]},
        {"Type": "sensitiveData", "Level": "S0", "Suggestion": "pass"}]});
    assert_eq!(read(Action::MultiModalGuard, "x", &data), Ok(Vec::new()));
    assert_eq!(read(Action::MultiModalGuard, "x", &json!({"Suggestion": "pass"})), Ok(Vec::new()));
}

#[test]
fn each_dimension_of_multi_modal_guard_is_a_category() {
    let piece = "电话13800138000。";
    let data = json!({"Suggestion": "block", "DataId": "d", "Detail": [
        {"Type": "contentModeration", "Level": "high", "Suggestion": "block",
         "Result": [{"Label": "political_n", "Level": "high", "Confidence": 99.0, "Description": "d"}]},
        {"Type": "promptAttack", "Level": "medium", "Suggestion": "watch", "Result": [{"Label": "Jailbreak", "Level": "medium"}]},
        {"Type": "sensitiveData", "Level": "S4", "Suggestion": "mask", "Result": [
            {"Label": "phone", "Level": "S2", "Ext": {"Desensitization": "电话138****8000。"}},
            {"Label": "number", "Level": "S4", "Ext": [{"SensitiveData": ["13800138000"]}]}]},
        {"Type": "maliciousUrl", "Level": "low", "Suggestion": "pass", "Result": []},
        {"Type": "modelHallucination", "Suggestion": "block"},
        {"Type": "customLabel", "Level": "max", "Suggestion": "block", "Result": [{"Label": "mine", "Level": "max"}]},
        {"Type": "somethingNew", "Level": "high", "Suggestion": "block", "Result": [{"Label": "new_label", "Level": "high"}]},
    ]});
    assert_eq!(
        brief(&read(Action::MultiModalGuard, piece, &data).unwrap()),
        [
            (Category::Political, "political_n", Level::High, "[]".to_owned()),
            (Category::PromptAttack, "Jailbreak", Level::Medium, "[]".to_owned()),
            (Category::SensitiveData, "phone", Level::Medium, "[9..13]".to_owned()),
            (Category::SensitiveData, "number", Level::Max, "[6..17]".to_owned()),
            (Category::MaliciousUrl, "maliciousUrl", Level::Low, "[]".to_owned()),
            (Category::Hallucination, "modelHallucination", Level::High, "[]".to_owned()),
            (Category::Custom, "mine", Level::Max, "[]".to_owned()),
            (Category::Other, "new_label", Level::High, "[]".to_owned()),
        ]
    );
    let unexplained = read(Action::MultiModalGuard, "x", &json!({"Suggestion": "block", "Detail": []})).unwrap();
    assert_eq!(brief(&unexplained), [(Category::Other, "suggestion", Level::High, "[]".to_owned())]);
}

#[test]
fn an_error_behind_a_good_status_is_an_error() {
    for (body, expected) in [
        (json!({"Code": 408, "Message": "PERMISSION_DENY", "RequestId": "R"}), Failure::Refused),
        (json!({"Code": 500, "Data": {"RiskLevel": "none"}}), Failure::Refused),
        (json!({"Code": "Throttling.User", "Message": "m"}), Failure::Refused),
        (json!({"Message": "OK", "Data": {"RiskLevel": "none"}}), Failure::Malformed),
        (json!({"Code": 200}), Failure::Malformed),
        (json!({"Code": 200, "Data": null}), Failure::Malformed),
        (json!({"Code": 200, "Data": {}}), Failure::Malformed),
        (json!({"Code": 200, "Data": {"RiskLevel": "fine"}}), Failure::Malformed),
        (json!({"Code": 200, "Data": {"RiskLevel": 0}}), Failure::Malformed),
        (json!({"Code": 200, "Data": []}), Failure::Malformed),
        (json!(null), Failure::Malformed),
    ] {
        for action in [Action::TextModerationPlus, Action::MultiModalGuard] {
            assert_eq!(backend(action).read("x", body.to_string().as_bytes()), Err(expected), "{action:?} {body}");
        }
    }
    let detail = |detail: Value| read(Action::MultiModalGuard, "x", &json!({"Suggestion": "pass", "Detail": [detail]}));
    assert_eq!(detail(json!({"Type": "promptAttack"})), Err(Failure::Malformed));
    assert_eq!(detail(json!({"Type": "promptAttack", "Level": "S9"})), Err(Failure::Malformed));
    assert_eq!(detail(json!({"Level": "none"})), Err(Failure::Malformed));
    let suggestion = read(Action::MultiModalGuard, "x", &json!({"Suggestion": "perhaps", "Detail": []}));
    assert_eq!(suggestion, Err(Failure::Malformed));
}

#[test]
fn a_label_without_a_level_was_worth_naming() {
    let data = json!({"Result": [{"Label": "violent_incidents", "Confidence": 50}]});
    let findings = read(Action::TextModerationPlus, "x", &data).unwrap();
    assert_eq!(brief(&findings), [(Category::Violence, "violent_incidents", Level::High, "[]".to_owned())]);
    let findings = read(Action::TextModerationPlus, "x", &json!({"RiskLevel": "high"})).unwrap();
    assert_eq!(brief(&findings), [(Category::Other, "content", Level::High, "[]".to_owned())]);
}
