//! The services that judge, asked by the gateway's own codecs: what the one side writes, the other reads.

use std::time::SystemTime;

use guard::remote::{
    Action, Aliyun, Azure, AzureCheck, Backend, Cut, Dialect, GuardModel, Moment, OpenAi, Secret, Thresholds,
};
use guard::{Category, Failure, Level, Phase, Verdict};
use mocks::{Faults, ModerationConfig, ModerationService, Profile, RunningModeration, start_moderation};
use reqwest::Client;

/// Latin, Chinese, signs that encodings stumble over, and a character outside the basic plane.
const ODD: &str = "1 + 1 = 2 & 100% \"中文\" ~*'()/?#[]@ \\ \n\t😀\u{0}\u{7f}ß";

struct Asked {
    running: RunningModeration,
    client: Client,
}

impl Asked {
    async fn with(service: ModerationService, change: impl FnOnce(&mut ModerationConfig)) -> Self {
        let mut config = ModerationConfig::instant(service);
        change(&mut config);
        let running = start_moderation(([127, 0, 0, 1], 0).into(), config).await.unwrap();
        Self { running, client: Client::builder().no_proxy().build().unwrap() }
    }

    async fn ask(
        &self,
        backend: &Backend,
        phase: Phase,
        piece: &str,
        session: Option<&str>,
    ) -> Result<Verdict, Failure> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let now_us = i64::try_from(since.as_micros()).unwrap();
        let moment = Moment { now_us, nonce: uuid::Uuid::now_v7().as_u128() };
        let call = backend.call(phase, piece, session, &moment);
        let mut request = self.client.post(&call.url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|_| Failure::Unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|_| Failure::Unreachable)?;
        backend.read(piece, status, &body)
    }

    /// Category, label and level of everything.
    async fn found(&self, backend: &Backend, phase: Phase, piece: &str) -> Vec<(Category, String, Level)> {
        let verdict = self.ask(backend, phase, piece, None).await.unwrap();
        verdict.findings.into_iter().map(|one| (one.category, one.label, one.level)).collect()
    }
}

fn cut() -> Cut {
    Cut::new(1000, 64)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn openai(base_url: String) -> Backend {
    let (key, model) = (Some(secret("k")), "omni-moderation-latest".to_owned());
    Backend::OpenAi(OpenAi { base_url, key, model, thresholds: Thresholds::default(), cut: cut() })
}

fn aliyun(base_url: String, action: Action, key_secret: &str, token: Option<&str>) -> Backend {
    let (request, response) = action.services();
    Backend::Aliyun(Aliyun {
        base_url,
        key_id: secret("mock-id"),
        key_secret: secret(key_secret),
        token: token.map(secret),
        action,
        request_service: request.to_owned(),
        response_service: response.to_owned(),
        cut: cut(),
    })
}

fn azure(base_url: String, check: AzureCheck) -> Backend {
    let api_version = "2024-09-01".to_owned();
    Backend::Azure(Azure { base_url, key: secret("k"), api_version, check, cut: cut() })
}

fn content(blocklists: &[&str], eight_levels: bool) -> AzureCheck {
    AzureCheck::Content {
        categories: AzureCheck::CATEGORIES.map(str::to_owned).to_vec(),
        blocklists: blocklists.iter().map(|name| (*name).to_owned()).collect(),
        halt_on_blocklist_hit: !blocklists.is_empty(),
        eight_levels,
    }
}

fn guard_model(base_url: String, model: &str, dialect: Dialect) -> Backend {
    let (key, model) = (None, model.to_owned());
    Backend::GuardModel(GuardModel { base_url, key, model, dialect, controversial: Level::Medium, cut: cut() })
}

fn of(category: Category, label: &str, level: Level) -> (Category, String, Level) {
    (category, label.to_owned(), level)
}

#[tokio::test]
async fn openais_moderation_is_understood() {
    let mock = Asked::with(ModerationService::OpenAi, |_| {}).await;
    let backend = openai(mock.running.base_url());
    assert_eq!(mock.found(&backend, Phase::Request, ODD).await, []);
    assert_eq!(
        mock.found(&backend, Phase::Response, "TEST-HATE and TEST-SEXUAL-MINORS").await,
        [of(Category::Hate, "hate", Level::High), of(Category::SexualMinors, "sexual/minors", Level::High)]
    );
    mock.running.shutdown().await;
}

#[tokio::test]
async fn alibaba_clouds_signature_holds_whatever_the_text_has() {
    let mock = Asked::with(ModerationService::Aliyun, |_| {}).await;
    for action in [Action::TextModerationPlus, Action::MultiModalGuard] {
        let backend = aliyun(mock.running.base_url(), action, "mock-secret", None);
        for phase in [Phase::Request, Phase::Response] {
            for text in [ODD, "a+b", "+", " ", "%2B", "=&=", "\u{10FFFF}", "{\"content\": \"x\"}"] {
                assert_eq!(mock.ask(&backend, phase, text, Some(ODD)).await, Ok(Verdict::default()), "{text:?}");
            }
        }
        let wrong = aliyun(mock.running.base_url(), action, "another-secret", None);
        assert_eq!(mock.ask(&wrong, Phase::Request, "x", None).await, Err(Failure::Refused));
    }
    mock.running.shutdown().await;
}

#[tokio::test]
async fn alibaba_clouds_dimensions_are_understood() {
    let mock = Asked::with(ModerationService::Aliyun, |config| {
        config.blocked_words = vec!["rivalcorp".to_owned()];
    })
    .await;
    let text = "杀死 RivalCorp, TEST-ATTACK, call 13800138000";
    let plus = aliyun(mock.running.base_url(), Action::TextModerationPlus, "mock-secret", None);
    let verdict = mock.ask(&plus, Phase::Request, text, None).await.unwrap();
    let spans: Vec<Vec<&str>> =
        verdict.findings.iter().map(|one| one.spans.iter().map(|span| &text[span.clone()]).collect()).collect();
    assert_eq!(spans, [vec!["杀死"], vec!["RivalCorp"], vec![], vec!["13800138000"]]);
    let found = [
        of(Category::Violence, "violent_incidents", Level::High),
        of(Category::Custom, "customized", Level::High),
        of(Category::PromptAttack, "promptInjection", Level::High),
        of(Category::SensitiveData, "mobilePhone", Level::Medium),
    ];
    assert_eq!(mock.found(&plus, Phase::Request, text).await, found);
    // What a model says attacks nobody.
    assert_eq!(mock.found(&plus, Phase::Response, text).await.len(), 3);
    let guard = aliyun(mock.running.base_url(), Action::MultiModalGuard, "mock-secret", None);
    let mut everything = mock.found(&guard, Phase::Request, &format!("{text} https://malware.test")).await;
    everything.sort_unstable();
    let mut expected = found.to_vec();
    expected.push(of(Category::MaliciousUrl, "maliciousUrl", Level::High));
    expected.sort_unstable();
    assert_eq!(everything, expected);
    let verdict = mock.ask(&guard, Phase::Request, text, None).await.unwrap();
    let sensitive = verdict.findings.iter().find(|one| one.category == Category::SensitiveData).unwrap();
    assert_eq!(&text[sensitive.spans[0].clone()], "13800138000");
    mock.running.shutdown().await;
}

#[tokio::test]
async fn a_session_chains_the_pieces_of_an_answer() {
    let mock = Asked::with(ModerationService::Aliyun, |config| config.security_token = Some("sts".to_owned())).await;
    let backend = aliyun(mock.running.base_url(), Action::TextModerationPlus, "mock-secret", Some("sts"));
    let ask = async |piece, session| mock.ask(&backend, Phase::Response, piece, session).await.unwrap().level();
    assert_eq!(ask("TEST-", Some("s-1")).await, Level::None);
    assert_eq!(ask("VIOLENCE", None).await, Level::None);
    assert_eq!(ask("VIOLENCE", Some("s-1")).await, Level::High);
    let without = aliyun(mock.running.base_url(), Action::TextModerationPlus, "mock-secret", None);
    assert_eq!(mock.ask(&without, Phase::Request, "x", None).await, Err(Failure::Refused));
    mock.running.shutdown().await;
}

#[tokio::test]
async fn azures_severities_block_lists_and_shield_are_understood() {
    let mock = Asked::with(ModerationService::Azure, |config| {
        config.accept_key = Some("k".to_owned());
        config.blocked_words = vec!["rivalcorp".to_owned()];
    })
    .await;
    let url = || mock.running.base_url();
    for eight in [false, true] {
        let backend = azure(url(), content(&[], eight));
        assert_eq!(mock.found(&backend, Phase::Request, ODD).await, []);
        assert_eq!(
            mock.found(&backend, Phase::Response, "TEST-HATE, TEST-GORE").await,
            [of(Category::Hate, "Hate", Level::Medium), of(Category::Violence, "Violence", Level::High)]
        );
    }
    let lists = azure(url(), content(&["mock"], false));
    let verdict = mock.ask(&lists, Phase::Request, "中 RivalCorp TEST-HATE", None).await.unwrap();
    assert_eq!((verdict.findings.len(), verdict.findings[0].spans[0].clone()), (1, 4..13), "the hit ended it");
    assert_eq!(mock.found(&lists, Phase::Request, "TEST-HATE").await, [of(Category::Hate, "Hate", Level::Medium)]);
    let unknown = azure(url(), content(&["absent"], false));
    assert_eq!(mock.ask(&unknown, Phase::Request, "x", None).await, Err(Failure::Refused));
    let shield = azure(url(), AzureCheck::Attacks);
    for phase in [Phase::Request, Phase::Response] {
        assert_eq!(mock.found(&shield, phase, ODD).await, []);
        let found = mock.found(&shield, phase, "TEST-ATTACK").await;
        assert_eq!(found, [of(Category::PromptAttack, "attackDetected", Level::High)]);
    }
    let Backend::Azure(own) = azure(url(), AzureCheck::Attacks) else { unreachable!() };
    let stranger = Backend::Azure(Azure { key: secret("other"), ..own });
    assert_eq!(mock.ask(&stranger, Phase::Request, "x", None).await, Err(Failure::Refused));
    mock.running.shutdown().await;
}

#[tokio::test]
async fn guard_models_of_both_languages_are_understood() {
    let mock = Asked::with(ModerationService::Guard, |_| {}).await;
    let llama = guard_model(mock.running.base_url(), "llama-guard-4-12b", Dialect::LlamaGuard);
    let qwen = guard_model(mock.running.base_url(), "Qwen3Guard-Gen-8B", Dialect::Qwen3Guard);
    for phase in [Phase::Request, Phase::Response] {
        for backend in [&llama, &qwen] {
            assert_eq!(mock.found(backend, phase, ODD).await, []);
            assert_eq!(mock.ask(backend, phase, "TEST-NONSENSE", None).await, Err(Failure::Malformed));
        }
        assert_eq!(
            mock.found(&llama, phase, "TEST-HATE TEST-SEXUAL-MINORS").await,
            [
                of(Category::Hate, "S10 hate", Level::High),
                of(Category::SexualMinors, "S4 child sexual exploitation", Level::High)
            ]
        );
        let found = mock.found(&qwen, phase, "TEST-CONTROVERSIAL").await;
        assert_eq!(found, [of(Category::Other, "Unethical Acts", Level::Medium)]);
    }
    let attack = mock.found(&qwen, Phase::Request, "TEST-ATTACK").await;
    assert_eq!(attack, [of(Category::PromptAttack, "Jailbreak", Level::High)]);
    assert_eq!(mock.found(&qwen, Phase::Response, "TEST-ATTACK").await, [], "an answer attacks nobody");
    mock.running.shutdown().await;
}

#[tokio::test]
async fn no_fault_of_a_service_looks_like_a_verdict() {
    let one = Faults::default();
    let cases = [
        (Faults { error_402: 1.0, ..one }, Failure::Refused),
        (Faults { error_429: 1.0, ..one }, Failure::Refused),
        (Faults { error_500: 1.0, ..one }, Failure::Refused),
        (Faults { error_503: 1.0, ..one }, Failure::Refused),
        (Faults { truncate: 1.0, ..one }, Failure::Malformed),
        (Faults { bad_json: 1.0, ..one }, Failure::Malformed),
        (Faults { abort: 1.0, ..one }, Failure::Unreachable),
        (Faults { reset: 1.0, ..one }, Failure::Unreachable),
    ];
    for service in ModerationService::ALL {
        for (faults, expected) in &cases {
            let mock = Asked::with(service, |config| {
                config.profile = Profile { faults: *faults, ..Profile::instant() };
            })
            .await;
            let url = mock.running.base_url();
            let backend = match service {
                ModerationService::OpenAi => openai(url),
                ModerationService::Aliyun => aliyun(url, Action::MultiModalGuard, "mock-secret", None),
                ModerationService::Azure => azure(url, content(&[], false)),
                ModerationService::Guard => guard_model(url, "llama-guard", Dialect::LlamaGuard),
            };
            let result = mock.ask(&backend, Phase::Request, "hello", None).await;
            assert_eq!(result, Err(*expected), "{service:?} {faults:?}");
            mock.running.shutdown().await;
        }
    }
}
