use crate::config::{Config, Migration};
use crate::routing::fallback::Class;
use crate::routing::{Asked, AssignBy, select};
use std::path::Path;
use std::time::Duration;

const PROVIDERS: &str = r#"
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9101/v1"
api_key_env = "KEY"

[providers.azure]
kind = "openai"
base_url = "http://127.0.0.1:9103/v1"
api_key_env = "KEY"

[providers.deepseek]
kind = "deepseek"
base_url = "http://127.0.0.1:9102"
api_key_env = "KEY"

[consumers.team-a]
keys_env = "KEY"
"#;

/// A migration of the given name with more lines.
fn migration(name: &str, baseline: &str, models: &str, more: &str) -> String {
    format!(
        "[migrations.{name}]\nbaseline = \"{baseline}\"\ncandidate = \"deepseek\"\nweight_percent = 10\n\
         models = {{ {models} }}\n{more}\n"
    )
}

fn parse(text: &str) -> Result<Config, String> {
    let text = format!("{PROVIDERS}\n{text}");
    Config::parse(&text, Path::new("g.toml"), &|_| Some("key".to_owned())).map_err(|error| error.to_string())
}

fn one(more: &str) -> Result<Config, String> {
    parse(&migration("m", "openai", "\"gpt-4o-mini\" = \"flash\"", more))
}

fn first(config: &Config) -> &Migration {
    config.migrations.first().unwrap()
}

#[test]
fn a_short_migration_gets_the_documented_defaults() {
    let config = one("").unwrap();
    let migration = first(&config);
    assert_eq!((migration.baseline.as_str(), migration.candidate.as_str()), ("openai", "deepseek"));
    assert_eq!((migration.salt.as_str(), migration.assign_by), ("m", AssignBy::Conversation));
    assert_eq!((migration.sampling.repeat.bp(), migration.sampling.strata.len()), (0, 0));
    assert!(migration.rules.is_empty());
    assert_eq!(migration.fallback, crate::routing::Fallback::default());
    assert_eq!(config.default_provider, "openai");
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn migrations_are_asked_in_the_order_of_the_text() {
    let text = [
        migration("zeta", "openai", "\"gpt-4o\" = \"pro\"", "match.consumers = [\"team-a\"]"),
        migration("alpha", "openai", "\"gpt-4o\" = \"pro\"", "match.endpoints = [\"chat\"]"),
        migration("mid", "openai", "\"gpt-4o-mini\" = \"flash\"", "match.models = [\"gpt-4o*\"]"),
    ]
    .concat();
    let config = parse(&text).unwrap();
    let chosen = |endpoint, model, consumer| {
        let place = select(config.migrations.iter().map(|one| &one.matcher), &Asked { endpoint, model, consumer });
        place.and_then(|place| config.migrations.get(place)).map(|one| one.name.as_str())
    };
    assert_eq!(chosen("chat", "gpt-4o", Some("team-a")), Some("zeta"));
    assert_eq!(chosen("chat", "gpt-4o", None), Some("alpha"));
    assert_eq!(chosen("responses", "gpt-4o", None), Some("mid"));
    assert_eq!(chosen("responses", "o3", None), None);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn everything_that_can_be_said_is_read() {
    let config = one(r#"
        repeat_percent = 0.5
        assign_by = "consumer"
        salt = "pepper"
        fallback = { on = ["5xx", "429"], hold = "0s" }
        [migrations.m.rules]
        header = { name = "X-Canary", value = "beta" }
        header_pattern = { name = "x-team", pattern = "(?i)^red-\\d+$" }
        cookie = "canary"
        [[migrations.m.shadow.strata]]
        prompt_chars_min = 10000
        percent = 100
        [[migrations.m.shadow.strata]]
        consumer = "team-a"
        model = "gpt-4o*"
        percent = 12.5
    "#)
    .unwrap();
    let migration = first(&config);
    assert_eq!((migration.assign_by, migration.salt.as_str()), (AssignBy::Consumer, "pepper"));
    assert_eq!(migration.fallback.on, [Class::Server, Class::RateLimit]);
    assert_eq!(migration.fallback.hold, Duration::ZERO);
    assert_eq!(migration.rules.header.as_ref().unwrap().name, "x-canary");
    assert!(migration.rules.header_pattern.as_ref().unwrap().pattern.is_match(b"Red-17"));
    assert_eq!(migration.rules.cookie.as_deref(), Some("canary"));
    let share =
        |chars, consumer, model| migration.sampling.share(chars, consumer, model, crate::routing::WeightBp::ZERO).bp();
    assert_eq!(share(10_000, None, "o3"), 10_000);
    assert_eq!(share(9_999, Some("team-a"), "gpt-4o-mini"), 1250);
    assert_eq!(share(9_999, None, "gpt-4o-mini"), 0);
    assert_eq!(migration.sampling.repeat.bp(), 50);
}

#[test]
fn each_wrong_value_has_its_sentence() {
    for (more, part) in [
        ("match.models = [\"a*b\"]", "migrations.m.match.models: `a*b` is no model pattern"),
        ("match.models = []", "migrations.m.match.models is empty"),
        ("match.models = [\"a\", \"a\"]", "migrations.m.match.models names `a` twice"),
        (
            "match.endpoints = [\"chats\"]",
            "migrations.m.match.endpoints names `chats`: expected one of chat, completions",
        ),
        ("match.endpoints = [\"chat\", \"chat\"]", "names `chat` twice"),
        (
            "match.consumers = [\"team-b\"]",
            "migrations.m.match.consumers names `team-b`: expected one of the consumers: team-a",
        ),
        ("rules.header = { name = \"a b\" }", "migrations.m.rules.header.name is `a b`: expected a header name"),
        ("rules.header = { name = \"a\", value = \"never\" }", "migrations.m.rules.header.value is `never`"),
        ("rules.header = { name = \"a\", value = \" \" }", "migrations.m.rules.header.value is ` `"),
        (
            "rules.header_pattern = { name = \"a\", pattern = \"x(\" }",
            "pattern is `x(`: unclosed group; expected a regular expression",
        ),
        ("rules.cookie = \"a=b\"", "migrations.m.rules.cookie is `a=b`: expected the name of a cookie"),
        ("shadow.strata = [{ percent = 101 }]", "migrations.m.shadow.strata[0].percent: 101 is no weight"),
        (
            "shadow.strata = [{ prompt_chars_min = 2, prompt_chars_max = 1, percent = 1 }]",
            "strata[0]: prompt_chars_min is 2 and prompt_chars_max 1",
        ),
        ("shadow.strata = [{ consumer = \"x\", percent = 1 }]", "strata[0].consumer is `x`: there is no [consumers.x]"),
        ("shadow.strata = [{ model = \"*x\", percent = 1 }]", "strata[0].model: `*x` is no model pattern"),
        ("repeat_percent = -1", "migrations.m.repeat_percent: -1 is no weight"),
        ("fallback.hold = \"soon\"", "migrations.m.fallback.hold is `soon`"),
        ("fallback.on = [\"4xx\"]", "unknown variant `4xx`, expected one of `connect`"),
        ("assign_by = \"user\"", "unknown variant `user`, expected one of `conversation`, `consumer`, `request`"),
        ("match.model = [\"a\"]", "did you mean `models`?"),
    ] {
        let error = one(more).unwrap_err();
        assert!(error.contains(part), "{part} is not in:\n{error}");
    }
    let none = migration("none", "openai", "\"a\" = \"b\"", "");
    assert!(parse(&none).unwrap_err().contains("migrations.none: expected a name"));
    let pattern = migration("m", "openai", "\"a*b\" = \"b\"", "");
    assert!(parse(&pattern).unwrap_err().contains("migrations.m.models: `a*b` is no model pattern"));
    let target = migration("m", "openai", "\"a\" = \"\"", "");
    assert!(parse(&target).unwrap_err().contains("migrations.m.models.\"a\" is empty"));
    assert!(parse("[migrations]").unwrap_err().contains("migrations has no entry"));
}

#[test]
fn what_is_surely_not_meant_is_a_warning() {
    for (more, part) in [
        (
            "rules.header = { name = \"a\" }\nrules.header_pattern = { name = \"A\", pattern = \"x\" }",
            "migrations.m.rules.header_pattern is never asked",
        ),
        ("match.models = [\"o3*\"]", "migrations.m.models.\"gpt-4o-mini\" is never used"),
        (
            "shadow.strata = [{ percent = 1 }, { prompt_chars_min = 5, percent = 2 }]",
            "migrations.m.shadow.strata[1] is never used: strata[0]",
        ),
    ] {
        let warnings = one(more).unwrap().warnings;
        assert!(matches!(&warnings[..], [warning] if warning.contains(part)), "{part}: {warnings:?}");
    }
    let overlap = |models: &str, more: &str| {
        let text =
            migration("wide", "openai", "\"gpt-4o*\" = \"pro\"", "") + &migration("late", "openai", models, more);
        parse(&text).unwrap().warnings
    };
    let whole = overlap("\"gpt-4o-mini\" = \"flash\"", "");
    assert!(matches!(&whole[..], [one] if one.starts_with("migrations.late never gets a request: migrations.wide")));
    let part = overlap("\"gpt-4o-mini\" = \"flash\", \"o3\" = \"pro\"", "");
    assert!(
        matches!(&part[..], [one] if one.starts_with("migrations.late never gets the model gpt-4o-mini")),
        "{part:?}"
    );
    assert_eq!(overlap("\"gpt-4*\" = \"pro\"", ""), Vec::<String>::new());
}

#[test]
fn several_baselines_need_a_default_provider() {
    let two = migration("a", "openai", "\"x\" = \"y\"", "") + &migration("b", "azure", "\"z\" = \"y\"", "");
    let error = parse(&two).unwrap_err();
    assert!(error.contains("server.default_provider is missing") && error.contains("(azure, openai)"), "{error}");
    let named = |name: &str| parse(&format!("{two}\n[server]\ndefault_provider = \"{name}\""));
    assert_eq!(named("azure").unwrap().default_provider, "azure");
    assert!(
        named("bedrock").unwrap_err().contains("server.default_provider is `bedrock`: expected one of the providers")
    );
}

#[test]
fn rules_alone_put_the_candidate_into_play() {
    let weights = |config: &Config| crate::routing::Weights {
        candidate: crate::routing::WeightBp::ZERO,
        shadow: first(config).shadow,
    };
    for (more, expected) in [
        ("", false),
        ("repeat_percent = 100", false),
        ("shadow_percent = 1", true),
        ("rules.cookie = \"c\"", true),
        ("shadow.strata = [{ percent = 1 }]", true),
    ] {
        let config = one(more).unwrap();
        assert_eq!(first(&config).reaches_candidate(weights(&config)), expected, "{more}");
    }
}

/// What stands behind `# ` in the full example as a table or a key is an example, too.
#[test]
fn the_examples_that_are_commented_out_are_valid() {
    let is_toml = |text: &str| {
        text.starts_with('[')
            || text
                .split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()))
    };
    // Files of prices and of a policy are read with the configuration, and here are none.
    let is_file = |text: &str| ["file = \"prices.toml\"", "policy = \"policy.toml\""].contains(&text);
    let uncommented = |line: &str| match line.strip_prefix("# ").filter(|text| is_toml(text) && !is_file(text)) {
        Some(text) => text.to_owned(),
        None => line.to_owned(),
    };
    let text: Vec<String> = include_str!("../../../examples/full.toml").lines().map(uncommented).collect();
    let config = Config::parse(&text.join("\n"), Path::new("full.toml"), &|name| {
        Some(if name == "REDIS_URL" { "redis://127.0.0.1".to_owned() } else { "key".to_owned() })
    })
    .unwrap();
    let migration = first(&config);
    assert!(migration.rules.header.is_some() && migration.matcher.consumers.is_some());
    assert_eq!(migration.sampling.strata.len(), 1);
    let stay = migration.stay.first().unwrap();
    assert_eq!(stay.features.as_deref(), Some(&["seed", "parallel_tool_calls"][..]));
    assert!(stay.models.is_some() && stay.consumers.is_some() && stay.endpoints.is_some() && !stay.why.is_empty());
    let redis = config.redis.unwrap();
    assert_eq!((redis.timeout.as_millis(), redis.poll_interval.as_millis(), redis.lost_after.as_secs()), (250, 300, 3));
    assert_eq!((redis.calls_in_flight_max, redis.on_loss), (1024, crate::config::OnLoss::default()));
    assert!(config.consumers.has("team-a") && config.shadow.cost_per_day_max_nanos.is_some());
}

fn stay(lines: &str) -> Result<Config, String> {
    one(&format!("[[migrations.m.stay]]\n{lines}"))
}

#[test]
fn rules_that_keep_requests_are_read_in_order() {
    let config =
        stay("features = [\"*\"]\nconsumers = [\"team-a\"]\n[[migrations.m.stay]]\nfeatures = [\"n>1\", \"seed\"]")
            .unwrap();
    let rules = &first(&config).stay;
    assert_eq!(rules.iter().map(|rule| rule.features.clone()).collect::<Vec<_>>(), [None, Some(vec!["n>1", "seed"])]);
    assert_eq!(config.warnings, Vec::<String>::new());
    let config = stay("features = [\"*\"]\n[[migrations.m.stay]]\nfeatures = [\"seed\"]").unwrap();
    assert!(
        config.warnings.iter().any(|warning| warning.contains("stay[1] is never used: stay[0]")),
        "{:?}",
        config.warnings
    );
}

#[test]
fn a_rule_that_keeps_nothing_that_is_known_is_an_error() {
    for (lines, expected) in [
        (
            "features = [\"sead\"]",
            "migrations.m.stay[0].features names `sead`: there is no such feature; the nearest is `seed`",
        ),
        ("features = []", "migrations.m.stay[0].features is empty"),
        ("features = [\"*\", \"seed\"]", "it stands for all requests"),
        ("features = [\"seed\", \"seed\"]", "names `seed` twice"),
        ("features = [\"seed\"]\nconsumers = [\"team-b\"]", "migrations.m.stay[0].consumers names `team-b`"),
        ("features = [\"seed\"]\nendpoints = [\"chats\"]", "migrations.m.stay[0].endpoints names `chats`"),
        ("features = [\"seed\"]\nmodels = [\"a*b\"]", "migrations.m.stay[0].models"),
        ("features = [\"seed\"]\nbecause = \"x\"", "because"),
        ("why = \"x\"", "features"),
    ] {
        let error = stay(lines).unwrap_err();
        assert!(error.contains(expected), "{lines}: {error}");
    }
}
