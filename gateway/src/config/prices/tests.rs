use crate::config::Config;
use std::path::Path;

/// Friday, in DeepSeek's busy hours.
const BUSY_US: i64 = 1_795_140_000_000_000; // 2026-11-20T02:00:00Z
const DAY_US: i64 = 86_400_000_000;

fn configuration(prices: &str, models: &str) -> String {
    format!(
        "[providers.openai]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\napi_key_env = \"KEY\"\n\
         [providers.mine]\nkind = \"compatible\"\nbase_url = \"http://127.0.0.1:2/v1\"\napi_key_env = \"KEY\"\n\
         [migrations.move]\nbaseline = \"openai\"\ncandidate = \"mine\"\nweight_percent = 0\nmodels = {{ {models} }}\n\
         [prices]\n{prices}\n"
    )
}

fn parse(prices: &str, models: &str) -> Result<Config, String> {
    let key = |_: &str| Some("key".to_owned());
    Config::parse(&configuration(prices, models), Path::new("gateway.toml"), &key).map_err(|error| error.to_string())
}

fn own(folder: &Path, more: &str) -> String {
    let path = folder.join("prices.toml");
    let text = format!(
        "schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n[[prices]]\nprovider = \
         \"compatible\"\nmodel = \"llama\"\nvalid_from = 2026-01-01\ninput = \"1\"\noutput = \"2\"\nsource = \"us\"\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    format!("file = {}", toml::Value::String(path.display().to_string()))
}

const MODELS: &str = "\"gpt-4o-mini\" = \"llama\"";

#[test]
fn an_own_table_lies_over_the_bundled_one() {
    let folder = tempfile::tempdir().unwrap();
    let prices = parse(&own(folder.path(), ""), MODELS).unwrap().prices;
    assert_eq!(prices.tariffs.find("compatible", "llama", BUSY_US).unwrap().rates.input_pico, 1_000_000);
    assert_eq!(prices.tariffs.find("openai", "gpt-4o-mini", BUSY_US).unwrap().rates.input_pico, 150_000);
    let file = prices.file.clone().unwrap();
    assert_eq!(file.digest, datasets::digest::of_bytes(&std::fs::read(&file.path).unwrap()));
    let bundled = parse("", MODELS).unwrap().prices;
    assert_eq!((bundled.file, bundled.stale_after_days), (None, 45));
    assert_ne!(prices.tariffs.digest(), bundled.tariffs.digest());
}

#[test]
fn a_broken_table_is_named_with_file_line_and_field_beside_every_other_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let line = own(folder.path(), "input = \"2\"\n");
    let error = parse(&line, MODELS).unwrap_err();
    assert!(error.contains("prices.file: ") && error.contains("prices.toml: ") && error.contains("line 11"), "{error}");
    let text = own(folder.path(), "").replace("prices.toml", "gone.toml");
    let error = parse(&format!("{text}\nstale_after = \"soon\""), MODELS).unwrap_err();
    for part in ["prices.file: cannot read", "gone.toml", "prices.stale_after is `soon`"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    for wrong in ["0d", "45", "1h", "-1d", "99999999999d", "3651d"] {
        assert!(parse(&format!("stale_after = \"{wrong}\""), MODELS).unwrap_err().contains("stale_after"), "{wrong}");
    }
    assert_eq!(parse("stale_after = \"7d\"", MODELS).unwrap().prices.stale_after_days, 7);
}

#[test]
fn missing_and_doubtful_prices_of_configured_models_are_said_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let config = parse("stale_after = \"3650d\"", MODELS).unwrap();
    assert_eq!(
        config.priced_models().into_iter().collect::<Vec<_>>(),
        [("compatible", "llama"), ("openai", "gpt-4o-mini")]
    );
    let missing = config.price_remarks(BUSY_US);
    assert!(matches!(&missing[..], [one] if one.contains("No price of llama at compatible")), "{missing:?}");

    let known = format!("{}\nstale_after = \"3650d\"", own(folder.path(), ""));
    assert_eq!(parse(&known, MODELS).unwrap().price_remarks(BUSY_US), Vec::<String>::new());
    let text = own(folder.path(), "");
    let file = folder.path().join("prices.toml");
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("\"compatible\"", "\"mine\"")).unwrap();
    let named = parse(&format!("{text}\nstale_after = \"3650d\""), MODELS).unwrap().price_remarks(BUSY_US);
    assert!(
        named[0].contains("No call is ever priced at `mine`") && named[1].contains("No price of llama"),
        "{named:?}"
    );
    let marked = format!("{}\nstale_after = \"3650d\"", own(folder.path(), "mark = \"unverified\"\n"));
    let marked = parse(&marked, MODELS).unwrap();
    assert!(marked.price_remarks(BUSY_US)[0].contains("not verified"), "{:?}", marked.price_remarks(BUSY_US));
    assert!(marked.prices.doubt("compatible", "llama", BUSY_US).is_some());
    assert_eq!(marked.prices.doubt("openai", "gpt-4o-mini", BUSY_US), None);
    assert_eq!(marked.prices.doubt("compatible", "nobody", BUSY_US), None, "no price is not a doubtful one");

    let two = parse("stale_after = \"30d\"", "\"gpt-4o-mini\" = \"llama\", \"gpt-4o\" = \"llama\"").unwrap();
    let later = two.price_remarks(BUSY_US + 60 * DAY_US);
    assert_eq!(later.iter().filter(|one| one.contains("days ago")).count(), 1, "one sentence a provider: {later:?}");
}
