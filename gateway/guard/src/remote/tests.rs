//! Laws of all back ends.

use super::*;
use crate::verdict::Level;
use proptest::prelude::*;
use serde_json::{Map, Value};

fn secret() -> Secret {
    Secret::new("k".to_owned())
}

fn all() -> Vec<Backend> {
    let base_url = "http://127.0.0.1:1".to_owned();
    let cut = Cut::new(300, 30);
    let model = "m".to_owned();
    let aliyun = |action: Action| {
        let (request, response) = action.services();
        Backend::Aliyun(Aliyun {
            base_url: base_url.clone(),
            key_id: secret(),
            key_secret: secret(),
            token: None,
            action,
            request_service: request.to_owned(),
            response_service: response.to_owned(),
            cut,
        })
    };
    let azure = |check| {
        let (base_url, api_version) = (base_url.clone(), "2024-09-01".to_owned());
        Backend::Azure(Azure { base_url, key: secret(), api_version, check, cut })
    };
    let guard = |dialect| {
        let (base_url, model) = (base_url.clone(), model.clone());
        Backend::GuardModel(GuardModel { base_url, key: None, model, dialect, controversial: Level::Low, cut })
    };
    let content = AzureCheck::Content {
        categories: vec!["Hate".to_owned()],
        blocklists: Vec::new(),
        halt_on_blocklist_hit: false,
        eight_levels: true,
    };
    let thresholds = Thresholds::default();
    vec![
        Backend::OpenAi(OpenAi { base_url: base_url.clone(), key: None, model: model.clone(), thresholds, cut }),
        aliyun(Action::TextModerationPlus),
        aliyun(Action::MultiModalGuard),
        azure(content),
        azure(AzureCheck::Attacks),
        guard(Dialect::LlamaGuard),
        guard(Dialect::Qwen3Guard),
    ]
}

/// Values such as answers have, in their places or in others.
fn json() -> impl Strategy<Value = Value> {
    let words =
        "none|low|high|S0|S3|block|pass|mask|x|中|a@b|safe|unsafe\nS1|Safety: Unsafe|promptAttack|sensitiveData";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1i64..300).prop_map(Value::from),
        (0.0f64..1.5).prop_map(Value::from),
        words.prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let names = "results|category_scores|hate|Code|Data|RiskLevel|Result|Label|RiskWords|SensitiveLevel|SensitiveResult|\
                 SensitiveData|Suggestion|Detail|Type|Level|Ext|Desensitization|blocklistsMatch|blocklistName|\
                 blocklistItemText|categoriesAnalysis|category|severity|choices|message|content|userPromptAnalysis|\
                 attackDetected";
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((names, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Whatever an answer says, spans lie in the text and on its characters, and names are names.
fn check(backend: &Backend, piece: &str, status: u16, body: &[u8]) -> Result<(), TestCaseError> {
    let Ok(verdict) = backend.read(piece, status, body) else { return Ok(()) };
    prop_assert_eq!(status, 200);
    for finding in verdict.findings {
        prop_assert!(finding.level > Level::None && !finding.label.is_empty());
        prop_assert!(finding.label.chars().count() <= 64 && !finding.label.contains('\n'));
        prop_assert!(finding.score.is_none_or(|score| (0.0..=1.0).contains(&score)));
        for span in finding.spans {
            prop_assert!(!piece[span].is_empty());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(value in json(), piece in "[x中 a@b😀]{0,30}", status in prop_oneof![Just(200u16), 100u16..600]) {
        let shell = |data: &Value| serde_json::json!({"Code": 200, "Data": data, "choices": [{"message": {"content": data}}],
            "results": [{"category_scores": data}], "categoriesAnalysis": data, "userPromptAnalysis": data});
        for backend in all() {
            for body in [value.to_string(), shell(&value).to_string()] {
                check(&backend, &piece, status, body.as_bytes())?;
            }
        }
    }

    #[test]
    fn no_bytes_are_too_strange(body in proptest::collection::vec(any::<u8>(), 0..80)) {
        for backend in all() {
            prop_assert!(backend.read("x", 200, &body).is_err());
        }
    }

    #[test]
    fn every_request_can_be_sent(piece in "\\PC{0,60}", session in proptest::option::of("\\PC{0,10}"), now_us: i64, nonce: u128) {
        for backend in all() {
            for phase in [Phase::Request, Phase::Response] {
                let call = backend.call(phase, &piece, session.as_deref(), &Moment { now_us, nonce });
                prop_assert!(call.url.starts_with("http://127.0.0.1:1/") && call.url.is_ascii());
                for (name, value) in &call.headers {
                    prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
                    prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
                }
            }
        }
    }
}

#[test]
fn only_a_good_status_can_bring_a_verdict() {
    let bodies = [
        r#"{"results":[{"category_scores":{"hate":0.0}}]}"#,
        r#"{"Code":200,"Data":{"RiskLevel":"none"}}"#,
        r#"{"Code":200,"Data":{"Suggestion":"pass"}}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}]}"#,
        r#"{"userPromptAnalysis":{"attackDetected":false}}"#,
        r#"{"choices":[{"message":{"content":"safe"}}]}"#,
        r#"{"choices":[{"message":{"content":"Safety: Safe"}}]}"#,
    ];
    for (backend, body) in all().iter().zip(bodies) {
        assert_eq!(backend.read("x", 200, body.as_bytes()), Ok(Verdict::default()), "{body}");
        for status in [201, 204, 302, 400, 401, 429, 500, 503] {
            assert_eq!(backend.read("x", status, body.as_bytes()), Err(Failure::Refused), "{status} {body}");
        }
    }
    assert_eq!(all().iter().filter(|backend| backend.chains()).count(), 2, "both of Alibaba Cloud's actions");
}

#[test]
fn a_deeply_nested_answer_is_malformed() {
    let body = "[".repeat(100_000);
    let inside = format!(r#"{{"Code":200,"Data":{body}"#);
    for backend in all() {
        assert_eq!(backend.read("x", 200, body.as_bytes()), Err(Failure::Malformed));
        assert_eq!(backend.read("x", 200, inside.as_bytes()), Err(Failure::Malformed));
    }
}
