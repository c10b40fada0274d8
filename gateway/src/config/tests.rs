use super::*;

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
    matches!(name, "OPENAI_API_KEY" | "DEEPSEEK_API_KEY" | "WEIGHBRIDGE_ADMIN_TOKEN")
        .then(|| format!("secret-{name}\n"))
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("gateway.toml"), &environment).map_err(|error| error.to_string())
}

#[test]
fn a_short_configuration_gets_the_documented_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.migration.weight.bp(), 1250);
    assert_eq!(config.migration.salt, "move");
    assert_eq!(config.baseline.base_url.to_string(), "http://127.0.0.1:9101/v1");
    assert_eq!(config.candidate.base_url.to_string(), "http://127.0.0.1:9102/");
    assert_eq!(config.candidate.timeouts.headers.as_millis(), 1500);
    assert!(config.records.is_none());
}

#[test]
fn secrets_never_show() {
    let debug = format!("{:?}", parse(GOOD).unwrap());
    assert!(!debug.contains("secret"), "{debug}");
}

#[test]
fn a_misspelt_key_names_file_line_and_the_nearest_key() {
    let error = parse(&GOOD.replace("weight_percent", "weigth_percent")).unwrap_err();
    assert!(error.starts_with("gateway.toml, line 16: unknown field `weigth_percent`"), "{error}");
    assert!(error.ends_with("did you mean `weight_percent`?"), "{error}");
}

#[test]
fn all_wrong_values_are_reported_at_once() {
    let text = GOOD
        .replace("12.5", "120")
        .replace("candidate = \"deepseek\"", "candidate = \"deepsek\"")
        .replace("1500ms", "soon")
        .replace("OPENAI_API_KEY", "NOT_SET");
    let error = parse(&text).unwrap_err();
    for part in [
        "migrations.move.weight_percent: 120 is no weight",
        "migrations.move.candidate is `deepsek`: expected one of the providers: deepseek, openai",
        "providers.deepseek.headers_timeout is `soon`",
        "the variable NOT_SET, which is not set",
    ] {
        assert!(error.contains(part), "{part} is not in:\n{error}");
    }
}

#[test]
fn slips_that_put_a_secret_in_the_wrong_place_do_not_print_it() {
    let key = parse(&GOOD.replace("\"OPENAI_API_KEY\"", "\"sk-live-1\"")).unwrap_err();
    assert!(key.contains("providers.openai.api_key_env") && !key.contains("sk-live-1"), "{key}");
    let url = parse(&GOOD.replace("http://127.0.0.1:9101/v1", "http://me:hunter2@127.0.0.1/v1")).unwrap_err();
    assert!(url.contains("providers.openai.base_url") && !url.contains("hunter2"), "{url}");
}

#[test]
fn a_limit_out_of_range_is_named() {
    let error = parse(&format!("server.requests_in_flight_max = 9223372036854775807\n{GOOD}")).unwrap_err();
    assert!(error.contains("server.requests_in_flight_max") && error.contains("expected 1 to"), "{error}");
}

#[test]
fn an_open_listener_needs_a_word() {
    let open = format!("server.listen = \"0.0.0.0:8080\"\n{GOOD}");
    assert!(parse(&open).unwrap_err().contains("allow_open_listener"));
    assert!(parse(&format!("server.allow_open_listener = true\n{open}")).is_ok());
}

#[test]
fn a_key_in_the_text_is_refused() {
    let error = parse(&GOOD.replace("api_key_env = \"OPENAI_API_KEY\"", "api_key = \"sk-1\"")).unwrap_err();
    assert!(error.contains("unknown field `api_key`") && !error.contains("sk-1"), "{error}");
}

#[test]
fn the_examples_are_valid_and_the_full_one_states_the_defaults() {
    let example = |text: &str| Config::parse(text, Path::new("example.toml"), &environment).unwrap();
    let split = example(include_str!("../../examples/split.toml"));
    assert_eq!((split.migration.weight.bp(), split.migration.shadow.bp()), (1000, 0));
    let shadow = example(include_str!("../../examples/shadow.toml"));
    let full = example(include_str!("../../examples/full.toml"));
    let text = |config: &Config| format!("{:?}", Config { digest: String::new(), ..config.clone() });
    assert_eq!(text(&shadow), text(&full));
}

/// The good configuration with lines added to the candidate's provider.
fn with_provider_lines(lines: &str) -> Result<Config, String> {
    parse(&GOOD.replace("headers_timeout = \"1500ms\"", lines))
}

#[test]
fn a_provider_has_the_documented_defaults() {
    let config = parse(GOOD).unwrap();
    let (openai, deepseek) = (&config.baseline, &config.candidate);
    assert_eq!((openai.requests_in_flight_max, deepseek.requests_in_flight_max), (4096, 2500));
    assert_eq!((openai.name.as_str(), openai.http, &openai.roots), ("openai", HttpVersion::One, &TlsRoots::System));
    assert_eq!((openai.retry.attempts_max, openai.retry.wait_max.as_secs()), (2, 2));
    assert!(!openai.retry.after_timeout && openai.breaker.is_some());
    assert_eq!(openai.policy, Policy::default());
    assert_eq!(openai.authorization.as_ref().unwrap(), "Bearer secret-OPENAI_API_KEY");
}

#[test]
fn every_key_of_a_provider_is_taken_over() {
    let config = with_provider_lines(
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
    let provider = config.unwrap().candidate;
    assert_eq!((provider.requests_in_flight_max, provider.idle_connections_max), (7, 8));
    assert_eq!((provider.http, provider.roots), (HttpVersion::Negotiated, TlsRoots::Bundled));
    let policy = Policy { thinking: Thinking::Never, json_schema: JsonSchema::Instruct, reasoning_to_client: true };
    assert_eq!(provider.policy, policy);
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
        assert!(with_provider_lines(&format!("breaker = {off}")).unwrap().candidate.breaker.is_none());
    }
    assert!(with_provider_lines("breaker = true").unwrap().candidate.breaker.is_some());
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
    std::fs::write(&path, include_str!("../upstream/tests/authority.pem")).unwrap();
    let TlsRoots::Own(roots) = with_provider_lines(&line).unwrap().candidate.roots else { panic!("other roots") };
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
