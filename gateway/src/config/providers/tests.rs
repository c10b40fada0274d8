use crate::config::{Config, HttpVersion, ProviderConfig, TlsRoots};
use std::path::Path;
use wire::provider::{JsonSchema, Policy, Thinking};

/// Line 11 is the candidate's own.
const GOOD: &str = r#"
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9101/v1"
api_key_env = "OPENAI_API_KEY"

[providers.deepseek]
kind = "deepseek"
base_url = "http://127.0.0.1:9102/"
api_key_env = "DEEPSEEK_API_KEY"
headers_timeout = "1500ms"

[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = 12.5
models = { "gpt-4o-mini" = "deepseek-flash" }
"#;

fn environment(name: &str) -> Option<String> {
    matches!(name, "OPENAI_API_KEY" | "DEEPSEEK_API_KEY" | "SPARE" | "WEIGHBRIDGE_ADMIN_TOKEN")
        .then(|| format!("secret-{name}\n"))
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("gateway.toml"), &environment).map_err(|error| error.to_string())
}

fn deepseek(lines: &str) -> ProviderConfig {
    with_provider_lines(lines).unwrap().providers.remove("deepseek").unwrap()
}

/// The good configuration with lines added to the candidate's provider.
fn with_provider_lines(lines: &str) -> Result<Config, String> {
    parse(&GOOD.replace("headers_timeout = \"1500ms\"", lines))
}

#[test]
fn a_provider_has_the_documented_defaults() {
    let config = parse(GOOD).unwrap();
    let (openai, deepseek) = (&config.providers["openai"], &config.providers["deepseek"]);
    assert_eq!((openai.requests_in_flight_max, deepseek.requests_in_flight_max), (4096, 2500));
    assert_eq!((openai.name.as_str(), openai.http, &openai.roots), ("openai", HttpVersion::One, &TlsRoots::System));
    assert_eq!((openai.retry.attempts_max, openai.retry.wait_max.as_secs()), (2, 2));
    assert!(!openai.retry.after_timeout && openai.breaker.is_some());
    let salt = &openai.policy.user_salt;
    assert!(salt.len() == 32 && *salt != deepseek.policy.user_salt, "made from the key, and not the key");
    assert_eq!(openai.policy, Policy { user_salt: salt.clone(), ..Policy::default() });
    assert_eq!(openai.keys[0], "Bearer secret-OPENAI_API_KEY");
}

#[test]
fn a_provider_may_have_several_keys_from_variables_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "from-file-1\nfrom-file-2\n").unwrap();
    let line = format!("api_keys_env = [\"SPARE\"]\napi_key_files = [{file:?}]");
    let keys = deepseek(&line).keys;
    let own = "Bearer secret-DEEPSEEK_API_KEY";
    assert_eq!(keys, [own, "Bearer secret-SPARE", "Bearer from-file-1", "Bearer from-file-2"]);
    assert!(keys.iter().all(http::HeaderValue::is_sensitive) && !format!("{keys:?}").contains("from-file"));
    let twice = with_provider_lines("api_keys_env = [\"DEEPSEEK_API_KEY\"]").unwrap_err();
    assert!(twice.contains("providers.deepseek has the same key twice") && !twice.contains("secret-"), "{twice}");
    std::fs::write(&file, " \n").unwrap();
    let empty = with_provider_lines(&format!("api_key_files = [{file:?}]")).unwrap_err();
    assert!(empty.contains("providers.deepseek.api_key_files: the secret is empty"), "{empty}");
}

#[test]
fn every_key_of_a_provider_is_taken_over() {
    let provider = deepseek(
        r#"
        requests_in_flight_max = 7
        idle_connections_max = 8
        http = "negotiated"
        tls_roots = "bundled"
        thinking = "never"
        json_schema = "instruct"
        reasoning_to_client = true
        first_token_timeout = "9s"
        retry = { attempts_max = 5, budget_percent = 0, wait_max = "7s", after_timeout = true }
        breaker = { window = "20s", minimum = 3, failure_percent = 12.5, open_for = "90s", probes = 1 }
        "#,
    );
    assert_eq!((provider.requests_in_flight_max, provider.idle_connections_max), (7, 8));
    assert_eq!((provider.http, provider.roots), (HttpVersion::Negotiated, TlsRoots::Bundled));
    let policy = provider.policy;
    assert_eq!((policy.thinking, policy.json_schema), (Thinking::Never, JsonSchema::Instruct));
    assert!(policy.reasoning_to_client);
    assert_eq!(provider.timeouts.first_token.as_secs(), 9);
    let retry = provider.retry;
    assert_eq!((retry.attempts_max, retry.budget_percent, retry.after_timeout), (5, 0.0, true));
    let breaker = provider.breaker.unwrap();
    assert_eq!((breaker.window.as_secs(), breaker.minimum, breaker.probes), (20, 3, 1));
    assert_eq!((breaker.open_for.as_secs(), breaker.open_for_max.as_secs()), (90, 90));
}

#[test]
fn the_breaker_can_be_switched_off_in_two_ways() {
    for off in ["false", "\"off\""] {
        assert!(deepseek(&format!("breaker = {off}")).breaker.is_none());
    }
    assert!(deepseek("breaker = true").breaker.is_some());
}

#[test]
fn each_wrong_value_of_a_provider_gets_a_sentence() {
    for (line, sentence) in [
        ("requests_in_flight_max = 0", "requests_in_flight_max is 0: expected 1 to"),
        ("http = \"3\"", "http is `3`: expected \"1.1\", \"2\" or \"negotiated\""),
        ("tls_roots = \"all\"", "tls_roots is `all`: expected \"system\" or \"bundled\""),
        ("tls_roots = \"system\"\nca_file = \"ca.pem\"", "has tls_roots and ca_file: keep one"),
        ("ca_file = \"/nowhere/ca.pem\"", "ca_file: /nowhere/ca.pem cannot be read"),
        ("thinking = \"often\"", "thinking is `often`: expected"),
        ("json_schema = \"drop\"", "json_schema is `drop`: expected"),
        ("retry = { attempts_max = 0 }", "retry.attempts_max is 0: expected 1 (no retry) to 10"),
        ("retry = { budget_percent = 101 }", "retry.budget_percent is 101: expected 0 to 100"),
        ("retry = { wait_max = \"2\" }", "retry.wait_max is `2`: expected a time with its unit"),
        ("breaker = { failure_percent = 0 }", "breaker.failure_percent is 0: expected 1 to 100"),
        ("breaker = { minimum = 0 }", "breaker.minimum is 0: expected at least 1"),
        ("breaker = \"never\"", "breaker is `never`: expected a table"),
        ("headers_timeout = \"0s\"", "headers_timeout is `0s`: expected a time"),
    ] {
        let error = with_provider_lines(line).unwrap_err();
        assert!(error.contains("providers.deepseek") && error.contains(sentence), "{line}:\n{error}");
    }
}

#[test]
fn a_misspelt_key_within_the_breaker_is_named_too() {
    let error = with_provider_lines("breaker = { minimun = 3 }").unwrap_err();
    assert!(error.contains("line 11: unknown field `minimun`"), "{error}");
    assert!(error.ends_with("did you mean `minimum`?"), "{error}");
    assert!(with_provider_lines("breaker = 5").unwrap_err().contains("expected a table such as"));
}

#[test]
fn a_ca_file_is_read_and_has_to_hold_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let line = format!("ca_file = {:?}", path.display().to_string());
    std::fs::write(&path, include_str!("../../upstream/tests/authority.pem")).unwrap();
    let TlsRoots::Own(roots) = deepseek(&line).roots else { panic!("other roots") };
    assert_eq!(roots.len(), 1);
    std::fs::write(&path, "nothing of the kind").unwrap();
    assert!(with_provider_lines(&line).unwrap_err().contains("holds no certificate; expected a PEM file"));
}

#[test]
fn the_address_of_a_provider_is_plain() {
    for wrong in ["127.0.0.1:9101", "ftp://host", "http://", "http://host?key=1", "http://host/#part", "https://a@b/v1"]
    {
        let error = parse(&GOOD.replace("http://127.0.0.1:9101/v1", wrong)).unwrap_err();
        assert!(error.contains("providers.openai.base_url is no plain address"), "{wrong}: {error}");
    }
}

#[test]
fn only_a_compatible_server_may_do_without_a_key() {
    let without = GOOD.replace("api_key_env = \"DEEPSEEK_API_KEY\"\n", "");
    assert!(parse(&without).unwrap_err().contains("providers.deepseek.api_key_env is missing"));
    let compatible = without.replace("kind = \"deepseek\"", "kind = \"compatible\"");
    assert!(parse(&compatible).unwrap().providers["deepseek"].keys.is_empty());
}
