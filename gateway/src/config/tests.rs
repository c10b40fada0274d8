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
    assert_eq!(config.migrations[0].weight.bp(), 1250);
    assert_eq!(config.migrations[0].salt, "move");
    assert_eq!(config.providers["openai"].base_url.to_string(), "http://127.0.0.1:9101/v1");
    assert_eq!(config.providers["deepseek"].base_url.to_string(), "http://127.0.0.1:9102/");
    assert_eq!(config.providers["deepseek"].timeouts.headers.as_millis(), 1500);
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
    assert_eq!((split.migrations[0].weight.bp(), split.migrations[0].shadow.bp()), (1000, 0));
    let guarded = example(include_str!("../../examples/guarded.toml"));
    assert_eq!(guarded.safety.policy(None, &[], None).unwrap().name.as_ref(), "usual");
    assert_eq!(guarded.safety.policy(Some("internal-x"), &[], None).unwrap().name.as_ref(), "look");
    assert_eq!(guarded.warnings, Vec::<String>::new());
    let leased = example(include_str!("../../examples/leased.toml"));
    assert_eq!((leased.quotas.rules.len(), &leased.warnings), (2, &Vec::new()));
    let shadow = example(include_str!("../../examples/shadow.toml"));
    let full = example(include_str!("../../examples/full.toml"));
    let text = |config: &Config| format!("{:?}", Config { digest: String::new(), ..config.clone() });
    assert_eq!(text(&shadow), text(&full));
}
