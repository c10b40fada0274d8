use super::*;
use crate::config::Consumers;
use lease::quota::{Period, Unit, Window};

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    quotas: Vec<RawRule>,
    quota_store: Option<RawStore>,
    quotas_higress: Option<RawHigress>,
}

fn check(text: &str) -> (Option<QuotaConfig>, Vec<String>, Vec<String>) {
    let environment = |name: &str| (name == "KEYS").then(|| "sk-a".to_owned());
    let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
    let consumers: Consumers = checker.consumers(toml::from_str("[team-a]\nkeys_env = 'KEYS'").unwrap());
    let Text { quotas, quota_store, quotas_higress } = toml::from_str(text).unwrap();
    let config = checker.quotas(quotas, quota_store.as_ref(), quotas_higress, &consumers, true);
    (config, checker.problems, checker.warnings)
}

#[test]
fn a_rule_has_a_limit_for_each_amount() {
    let (config, problems, warnings) = check(
        "[[quotas]]\nname = 'a'\nconsumers = ['team-a', 'free-*']\nper = ['model', 'consumer', 'model']\nwindow = '1d 12h'\n\
         requests = 10\nusd = '12.50'\n[[quotas]]\nname = 'b'\nwindow = 'minute'\ntokens = 0\noutput_tokens_max = 7\n\
         output_tokens_beyond = 'refuse'",
    );
    assert_eq!(problems, Vec::<String>::new());
    assert!(warnings.len() == 1 && warnings[0].contains("`a` begins anew"), "{warnings:?}");
    let config = config.unwrap();
    let limits: Vec<_> =
        config.rules.iter().flat_map(|rule| &rule.limits).map(|limit| (limit.unit, limit.amount)).collect();
    assert_eq!(limits, [(Unit::Requests, 10), (Unit::NanoDollars, 12_500_000_000), (Unit::Tokens, 0)]);
    assert_eq!(config.rules[0].limits[0].window, Window::Rolling { span_us: 36 * 3600 * 1_000_000 });
    assert_eq!(config.rules[1].limits[0].window, Window::Calendar(Period::Minute));
    assert_eq!(config.rules[0].per, [Dimension::Consumer, Dimension::Model]);
    assert_eq!((config.rules[1].output_tokens_max, config.rules[1].beyond), (Some(7), Beyond::Refuse));
    assert!(!config.store.usage && config.store.file.is_none() && config.higress.is_none());
}

#[test]
fn nothing_configured_keeps_nothing() {
    let (config, problems, warnings) = check("");
    assert_eq!((config, problems.len(), warnings.len()), (Some(QuotaConfig::default()), 0, 0));
    assert!(check("[quota_store]\nfile = 'q'").0.unwrap().store.usage);
}

#[test]
fn every_mistake_has_its_sentence() {
    let (config, problems, _) = check(
        "[[quotas]]\nname = 'a/b'\nwindow = 'day'\ntokens = 1\n[[quotas]]\nname = 'c'\nwindow = 'week'\ntokens = 1\n\
         [[quotas]]\nname = 'd'\nwindow = '1d'\n[[quotas]]\nname = 'e'\nwindow = 'day'\nusd = '1,5'\nconsumers = ['nobody']\n\
         [[quotas]]\nname = 'f'\nwindow = '10ms'\ntokens = 9007199254740993\nmodels = ['a*b']\ngroups = []\n\
         [quota_store]\nsync_interval = 'often'\ncompact_bytes = 1\noutput_tokens_default = 0\nusage_days = 0\n\
         usage_rows_max = 1\nlease = '0s'",
    );
    assert_eq!(config, None);
    let all = problems.join("\n");
    for part in [
        "quotas[0].name is `a/b`",
        "quotas `c`: window is `week`",
        "quotas `d` limits nothing",
        "quotas `e`: usd is `1,5`",
        "names `nobody`: expected one of team-a",
        "quotas `f`: window is `10ms`",
        "tokens is too large",
        "models: `a*b` is no",
        "groups is empty",
        "quota_store.sync_interval is `often`",
        "quota_store.compact_bytes is 1",
        "quota_store.output_tokens_default is 0",
        "quota_store.usage_days is 0",
        "quota_store.usage_rows_max is 1",
        "quota_store.lease is `0s`",
    ] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    assert_eq!(problems.len(), 15, "{all}");
    let (_, twice, _) =
        check("[[quotas]]\nname='a'\nwindow='day'\ntokens=1\n[[quotas]]\nname='a'\nwindow='day'\ntokens=1");
    assert!(twice[0].contains("`a`, which stands twice"), "{twice:?}");
}

#[test]
fn higress_routes_need_one_balance_and_somebody_who_may() {
    let balance = "[[quotas]]\nname='balance'\nper=['consumer']\nwindow='lifetime'\ntokens=0\n";
    let (config, problems, _) = check(&format!("{balance}[quotas_higress]\nenabled=true\nadmin_consumer='team-a'"));
    assert_eq!(problems, Vec::<String>::new());
    let expected = Higress { admin_consumer: "team-a".into(), path: "/quota".into(), rule: "balance".into() };
    assert_eq!(config.unwrap().higress, Some(expected));
    assert_eq!(check("[quotas_higress]\nenabled=false\npath='x'").1, Vec::<String>::new());
    for (text, part) in [
        ("[quotas_higress]\nenabled=true\nadmin_consumer='team-a'".to_owned(), "there is no [[quotas]]"),
        (format!("{balance}[quotas_higress]\nenabled=true"), "admin_consumer is missing"),
        (format!("{balance}[quotas_higress]\nenabled=true\nadmin_consumer='x'"), "names `x`"),
        (format!("{balance}[quotas_higress]\nenabled=true\nadmin_consumer='team-a'\npath='q'"), "path is `q`"),
        (
            format!(
                "{balance}{}[quotas_higress]\nenabled=true\nadmin_consumer='team-a'",
                balance.replace("balance", "b")
            ),
            "quotas_higress.quota is missing",
        ),
    ] {
        let problems = check(&text).1.join("\n");
        assert!(problems.contains(part), "{part} is not in:\n{problems}");
    }
}

/// The example is a comment, so that the file as it stands limits nobody.
#[test]
fn every_key_of_the_example_is_one_and_states_the_default() {
    let example = include_str!("../../../examples/full.toml");
    let (_, example) = example.split_once("# What consumers may use.").unwrap();
    let is_toml =
        |line: &str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let lines: Vec<&str> =
        example.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| is_toml(line)).collect();
    let (config, problems, _) = check(&lines.join("\n"));
    assert_eq!(problems, Vec::<String>::new());
    let config = config.unwrap();
    let usual = QuotaStore { file: Some("quotas.ndjson".into()), usage: true, ..QuotaStore::default() };
    assert_eq!((config.store, config.higress), (usual, None));
    let (rule, least) = (&config.rules[0], check("[[quotas]]\nname='a'\nwindow='day'\ntokens=1").0.unwrap());
    assert_eq!(rule.limits.iter().map(|limit| limit.unit).collect::<Vec<_>>(), Unit::ALL);
    assert_eq!((rule.beyond, rule.unpriced), (least.rules[0].beyond, least.rules[0].unpriced));
}
