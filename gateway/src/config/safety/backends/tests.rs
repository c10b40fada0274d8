use super::*;
use guard::Phase;

fn check(text: &str) -> (Option<BackendConfig>, Vec<String>) {
    let environment = |name: &str| match name {
        "KEY" | "ID" | "SECRET" | "TOKEN" => Some(format!("the-{}-secret\n", name.to_lowercase())),
        "ODD" => Some("中文".to_owned()),
        _ => None,
    };
    let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
    let config = checker.safety_backend("judge", &toml::from_str(text).unwrap_or_else(|error| panic!("{error}")));
    (config, checker.problems)
}

fn good(text: &str) -> BackendConfig {
    let (config, problems) = check(text);
    assert_eq!(problems, Vec::<String>::new(), "{text}");
    let config = config.unwrap();
    assert_eq!(config, check(text).0.unwrap(), "the same text is the same configuration");
    assert!(!format!("{config:?}").contains("-secret"), "{config:?}");
    config
}

fn host(config: &BackendConfig) -> String {
    let Judge::Remote { backend, address, .. } = &config.judge else { panic!("{config:?}") };
    let moment = guard::remote::Moment { now_us: 0, nonce: 0 };
    let call = backend.call(Phase::Request, "x", None, &moment);
    assert!(call.url.starts_with(&address.to_string()), "{} {address}", call.url);
    call.url
}

#[test]
fn each_kind_does_with_the_little_it_needs() {
    let openai = good("kind = \"openai\"");
    assert_eq!(host(&openai), "https://api.openai.com/v1/moderations");
    let defaults = (openai.timeout, openai.calls_in_flight_max, openai.cache_bytes_max, openai.cache_for);
    assert_eq!(defaults, (Duration::from_secs(2), 64, 8 << 20, Duration::from_secs(600)));
    let keys = "access_key_id_env = \"ID\"\naccess_key_secret_env = \"SECRET\"";
    let aliyun = good(&format!("kind = \"aliyun\"\n{keys}"));
    assert_eq!(host(&aliyun), "https://green-cip.cn-shanghai.aliyuncs.com/");
    let aliyun = good(&format!("kind = \"aliyun\"\nregion = \"ap-southeast-1\"\naction = \"MultiModalGuard\"\n{keys}"));
    assert_eq!(host(&aliyun), "https://green-cip.ap-southeast-1.aliyuncs.com/");
    let Judge::Remote { backend: Backend::Aliyun(backend), .. } = &aliyun.judge else { panic!() };
    assert_eq!((backend.request_service.as_str(), backend.token.is_none()), ("query_security_check", true));
    assert_eq!(backend.key_secret.expose(), "the-secret-secret", "without its line end");
    let azure = good("kind = \"azure\"\nbase_url = \"https://x.test/\"\napi_key_env = \"KEY\"");
    assert_eq!(host(&azure), "https://x.test/contentsafety/text:analyze?api-version=2024-09-01");
    let model = "kind = \"guard_model\"\nbase_url = \"http://x.test/v1\"\nmodel = \"m\"\ndialect = \"qwen3_guard\"";
    assert_eq!(host(&good(model)), "http://x.test/v1/chat/completions");
    assert!(matches!(good("kind = \"lists\"\nlists = [\"en\", \"zh\"]").judge, Judge::Lists(_)));
    let personal = Judge::Personal(Personal { credentials: true, persons: false });
    assert_eq!(good("kind = \"personal\"\npersons = false").judge, personal);
}

#[test]
fn own_lists_are_read_and_another_text_is_another_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.txt");
    std::fs::write(&path, "rivalcorp\n").unwrap();
    let text = format!("kind = \"lists\"\nfiles = [{:?}]", path.to_str().unwrap());
    let first = good(&text);
    let Judge::Lists(compiled) = &first.judge else { panic!() };
    assert_eq!(compiled.lists.check("we like RivalCorp").findings.len(), 1);
    std::fs::write(&path, "rivalcorp\nother\n").unwrap();
    assert_ne!(good(&text), first);
    std::fs::write(folder.path().join("bad.toml"), "name = \"x\"\nnonsense = 1\n").unwrap();
    let bad = format!("kind = \"lists\"\nfiles = [{:?}]", folder.path().join("bad.toml").to_str().unwrap());
    let (_, problems) = check(&bad);
    assert!(problems.len() == 1 && problems[0].contains("bad.toml, line 2"), "{problems:?}");
}

#[test]
fn each_mistake_has_its_sentence_and_no_secret_is_repeated() {
    for (text, parts) in [
        (
            "kind = \"openai\"\ndialect = \"llama_guard\"",
            &["judge.dialect means nothing for kind `openai`: it is for guard_model"][..],
        ),
        ("kind = \"openai\"\napi_key_env = \"sk-secret\"", &["judge.api_key_env is no name of a variable"]),
        (
            "kind = \"openai\"\napi_key_env = \"NOT_SET\"",
            &["judge.api_key_env names the variable NOT_SET, which is not set"],
        ),
        ("kind = \"openai\"\napi_key_env = \"ODD\"", &["judge.api_key: the secret is empty or has characters"]),
        (
            "kind = \"openai\"\napi_key_env = \"KEY\"\napi_key_file = \"x\"",
            &["judge.api_key_env and safety.backends.judge.api_key_file are both given"],
        ),
        ("kind = \"openai\"\napi_key_file = \"not-there\"", &["judge.api_key_file: cannot read not-there"]),
        (
            "kind = \"openai\"\nthresholds = { hate = [0.5, 0.4, 0.9], spam = [0, 0, 0] }",
            &["thresholds.hate: expected three scores", "thresholds has `spam`"],
        ),
        (
            "kind = \"openai\"\nbase_url = \"https://user:secret@x/v1\"\npiece_characters_max = 10\ncalls_in_flight_max = 0\ntimeout = \"2\"",
            &[
                "piece_characters_max is 10",
                "base_url is no plain address",
                "judge.timeout is `2`",
                "calls_in_flight_max is 0",
            ],
        ),
        ("kind = \"openai\"\ntls_roots = \"none\"", &["safety.backends.judge.tls_roots is `none`"]),
        ("kind = \"aliyun\"", &["judge.access_key_id_env is missing", "judge.access_key_secret_env is missing"]),
        ("kind = \"aliyun\"\nregion = \"evil.test/\"", &["judge.region is `evil.test/`"]),
        ("kind = \"aliyun\"\nregion = \"cn-shanghai\"\nbase_url = \"http://x\"", &["has region and base_url"]),
        ("kind = \"aliyun\"\nbase_url = \"http://x/path\"", &["judge.base_url has a path"]),
        ("kind = \"azure\"", &["judge.base_url is missing"]),
        (
            "kind = \"azure\"\nbase_url = \"https://x\"\napi_key_env = \"KEY\"\ncategories = [\"Spam\"]\napi_version = \"1&x\"",
            &["judge.categories: expected one or more of Hate", "judge.api_version is `1&x`"],
        ),
        (
            "kind = \"azure\"\nbase_url = \"https://x\"\napi_key_env = \"KEY\"\ncheck = \"attacks\"\nseverities = \"eight\"",
            &["judge.severities means nothing with check"],
        ),
        ("kind = \"guard_model\"\nmodel = \"m\"", &["judge needs base_url"]),
        ("kind = \"lists\"", &["judge has no list"]),
        (
            "kind = \"lists\"\nlists = [\"fr\"]\nfiles = [\"not-there\"]",
            &["judge.files: cannot read not-there", "judge.lists has `fr`: expected some of en, zh"],
        ),
        ("kind = \"personal\"\ncache_for = \"1s\"", &["judge.cache_for means nothing for kind `personal`"]),
    ] {
        let (_, problems) = check(text);
        assert_eq!(problems.len(), parts.len(), "{text}: {problems:?}");
        for (problem, part) in problems.iter().zip(parts) {
            assert!(problem.contains(part), "{problem}\n{part}");
            assert!(!problem.contains("sk-secret") && !problem.contains("user:secret"), "{problem}");
        }
    }
}

#[test]
fn a_misspelt_key_or_word_is_an_error_of_its_line() {
    let read = |text: &str| toml::from_str::<RawBackend>(text).unwrap_err().to_string();
    assert!(read("kind = \"lists\"\nfile = []").contains("unknown field `file`"));
    assert!(read("kind = \"aliun\"").contains("unknown variant `aliun`"));
    assert!(read("kind = \"azure\"\ncheck = \"both\"").contains("unknown variant `both`"));
}

/// What the full example says of back ends, with the signs of comments taken away from keys and tables.
fn examples() -> BTreeMap<String, toml::Value> {
    let lines = include_str!("../../../../examples/full.toml").lines();
    let lines = lines.skip_while(|line| !line.starts_with("# [safety.backends."));
    let lines = lines.take_while(|line| !line.starts_with("# [") || line.starts_with("# [safety.backends."));
    let is_toml =
        |text: &str| text.starts_with('[') || text.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let lines = lines.filter_map(|line| line.strip_prefix("# ")).filter(|text| is_toml(text));
    let text: Vec<&str> = lines.collect();
    let tree: toml::Table = toml::from_str(&text.join("\n")).unwrap();
    tree["safety"]["backends"].clone().try_into().unwrap()
}

#[test]
fn the_full_example_knows_every_key_and_states_the_defaults() {
    let examples = examples();
    let mut keys: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    for (example, least) in [
        ("openai", "api_key_env = \"KEY\""),
        ("aliyun", "access_key_id_env = \"ID\"\naccess_key_secret_env = \"SECRET\"\nsecurity_token_env = \"TOKEN\""),
        (
            "azure",
            "base_url = \"https://NAME.cognitiveservices.azure.com\"\napi_key_env = \"KEY\"\nblocklists = [\"own-words\"]",
        ),
        (
            "guard-model",
            "base_url = \"http://127.0.0.1:8000/v1\"\nmodel = \"Qwen/Qwen3Guard-Gen-8B\"\ndialect = \"qwen3_guard\"",
        ),
        ("words", "lists = [\"en\", \"zh\"]"),
        ("personal-data", ""),
    ] {
        let table = examples[example].as_table().unwrap();
        keys.extend(table.keys().cloned());
        let mut text = toml::to_string(table).unwrap();
        for (name, known) in [
            ("OPENAI_API_KEY", "KEY"),
            ("AZURE_CONTENT_SAFETY_KEY", "KEY"),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ID"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "SECRET"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "TOKEN"),
        ] {
            text = text.replace(&format!("\"{name}\""), &format!("\"{known}\""));
        }
        let kind = table["kind"].as_str().unwrap();
        assert_eq!(good(&text), good(&format!("kind = \"{kind}\"\n{least}")), "{example} states the defaults");
    }
    let unknown = toml::from_str::<RawBackend>("kind = \"lists\"\nnothing = 1").unwrap_err().to_string();
    let known = unknown
        .split('`')
        .skip(3)
        .step_by(2)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    // Files instead of variables, and an authority's file, are named in the text around the examples.
    let missing: Vec<&str> = known.filter(|name| !name.ends_with("_file") && !keys.contains(*name)).collect();
    assert_eq!(missing, ["files"], "stands in the text around the examples");
}
