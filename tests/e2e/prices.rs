//! Prices of one's own: they count wherever money is told, and a table that is wrong counts nowhere.

use crate::command::{Ran, finish, run, weighbridge};
use crate::harness::{Plan, chat};
use datasets::{Appender, Exchange, Format, Header, Redaction};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A table that begins long ago; prices are easy to reckon with: 1000 and 2000 USD per million tokens are a thousandth and
/// two thousandths of a dollar a token.
fn table(provider: &str, model: &str, input: &str, more: &str) -> String {
    format!(
        "schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n\n[[prices]]\nprovider = \
         \"{provider}\"\nmodel = \"{model}\"\nvalid_from = 2020-01-01\ninput = \"{input}\"\noutput = \"2000\"\nsource = \
         \"a test\"\n{more}"
    )
}

const OWN: &str = "schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n\n[[prices]]\nprovider = \
                   \"openai\"\nmodel = \"gpt-4o-mini\"\nvalid_from = 2020-01-01\ninput = \"1000\"\noutput = \
                   \"2000\"\nmark = \"unverified\"\nsource = \"a test\"\n\n[[prices]]\nprovider = \"deepseek\"\nmodel = \
                   \"deepseek-flash\"\nvalid_from = 2020-01-01\ninput = \"1\"\noutput = \"2\"\nsource = \"a test\"\n";

/// What an exchange costs at so many nano-dollars an input token, and 2 000 000 an output token.
fn nanos(record: &Exchange, input_nanos: u64) -> Option<i64> {
    let usage = record.usage.unwrap();
    i64::try_from(usage.prompt * input_nanos + usage.completion * 2_000_000).ok()
}

#[tokio::test]
async fn the_gateway_prices_by_its_own_table_and_a_broken_one_is_refused_whole() {
    let extra = "prices.file = \"FOLDER/prices.toml\"\nprices.stale_after = \"3650d\"";
    let house = Plan { extra, prices: OWN, ..Plan::default() }.build().await;
    let hi = chat("hi", &json!({}));
    assert_eq!(house.ask(&hi).await.status, 200);
    let first = house.records().await.remove(0);
    assert_eq!(first.cost_nanos, nanos(&first, 1_000_000));

    let page = house.admin("/metrics").await.text;
    let stale = |model: &str, value: u8| format!("weighbridge_price_stale{{{model}\"}} {value}\n");
    assert!(page.contains(&stale("provider=\"openai\",model=\"gpt-4o-mini", 1)), "{page}");
    assert!(page.contains(&stale("provider=\"deepseek\",model=\"deepseek-flash", 0)), "{page}");
    let age = page.lines().find_map(|line| line.strip_prefix("weighbridge_price_table_age_seconds "));
    assert!(age.unwrap().parse::<u64>().unwrap() < 3650 * 86_400, "{page}");

    // Both files are changed, and only one of them is right: neither is used.
    let file = house.config().with_file_name("prices.toml");
    std::fs::write(&file, OWN.replace("\"1000\"", "\"cheap\"")).unwrap();
    let config = std::fs::read_to_string(house.config()).unwrap();
    std::fs::write(house.config(), config.replace("weight_percent = 0.0", "weight_percent = 50.0")).unwrap();
    let refused = house.reload().await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    for part in ["prices.toml", "line 9", "prices.input", "cheap"] {
        assert!(refused.text.contains(part), "{part} is not in {}", refused.text);
    }
    let weight = house.admin("/admin/v1/migrations/move/weight").await.json()["weight_percent"].clone();
    assert_eq!(weight, json!(0.0), "whole or not at all");
    assert_eq!(house.ask(&hi).await.status, 200);
    let second = house.records().await.remove(1);
    assert_eq!(second.cost_nanos, nanos(&second, 1_000_000), "the old prices stay in force");

    std::fs::write(house.config(), config).unwrap();
    std::fs::write(&file, OWN.replace("\"1000\"", "\"3000\"")).unwrap();
    let taken = house.reload().await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(house.ask(&hi).await.status, 200);
    let third = house.records().await.remove(2);
    assert_eq!(third.cost_nanos, nanos(&third, 3_000_000));
}

/// Exchange records of a server of one's own.
fn records(folder: &Path) -> PathBuf {
    let path = folder.join("records.ndjson");
    let mut file = Appender::open(&path, &Header::new(Format::Exchanges, Redaction::None)).unwrap();
    for number in 0..4 {
        let record: Exchange = serde_json::from_value(json!({
            "pair": format!("p{number}"), "arm": "baseline", "role": "served", "migration": "m", "epoch": 1, "weight_bp": 0,
            "provider": "compatible", "model": "llama", "streamed": false, "at_us": 1_795_392_000_000_000_i64 + number,
            "sent_us": 1_795_392_000_000_000_i64 + number, "duration_us": 1000, "status": 200, "prompt_chars": 4,
            "answer_chars": 5, "usage": {"prompt": 1000, "completion": 500, "source": "provider"}
        }))
        .unwrap();
        file.push(&record).unwrap();
    }
    file.sync().unwrap();
    path
}

async fn usage(args: &[&str], prices: Option<&Path>) -> Value {
    let mut command = weighbridge(["usage"].iter().chain(args).chain(&["--json"]));
    prices.map(|prices| command.env("WEIGHBRIDGE_PRICES", prices));
    let ran = finish(command).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[tokio::test]
async fn a_model_on_a_machine_of_ones_own_is_priced_by_the_gpu_hour() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(folder.path());
    let prices = folder.path().join("prices.toml");
    let (records, prices_text) = (records.to_str().unwrap(), prices.to_str().unwrap());
    let unknown = usage(&[records], None).await;
    assert_eq!((&unknown["total"]["unpriced"], &unknown["total"]["cost_nanos"]), (&json!(4), &json!(0)));
    let checked = run(["prices", "check", "/dev/null"]).await;
    assert_eq!(checked.code, 2, "nothing is no table: {}", checked.out);

    // 4 GPUs at 2.40 USD: 9.60 USD an hour, for 96 million tokens read or 9.6 million written.
    let line = "prices set llama --provider compatible --from 2026-01-01 --per-gpu-hour 2.40 --gpus 4 \
                --input-tokens-per-hour 96000000 --output-tokens-per-hour 9600000 --file";
    let set = run(line.split(' ').filter(|word| !word.is_empty()).chain([prices_text])).await;
    assert_eq!(set.code, 0, "{}", set.err);
    assert!(set.out.contains("input 0.10, cached 0.10, output 1.00"), "{}", set.out);

    // 4 x (1000 x 0.10 + 500 x 1.00) USD per million = 0.0024 USD.
    for (args, variable) in [(vec![records, "--prices", prices_text], None), (vec![records], Some(prices.as_path()))] {
        let known = usage(&args, variable).await;
        assert_eq!((&known["total"]["unpriced"], &known["total"]["cost_usd"]), (&json!(0), &json!("0.002400000")));
    }

    let checked = run(["prices", "check", prices_text, "--log", records]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("4 of 4 calls in the log have a price"), "{}", checked.out);
    std::fs::write(&prices, table("compatible", "qwen", "1", "")).unwrap();
    let checked = run(["prices", "check", prices_text, "--log", records, "--json"]).await;
    let findings: Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!((checked.code, &findings["good"], &findings["priced_calls"]), (2, &json!(false), &json!(0)));
    assert_eq!((&findings["unpriced"][0]["model"], &findings["unpriced"][0]["calls"]), (&json!("llama"), &json!(4)));
}

async fn evaluate(folder: &Path, name: &str, more: &[&str]) -> (Ran, Value) {
    let (records, out) = (folder.join("synth.ndjson"), folder.join(name));
    let args = ["evaluate", records.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let ran = run(args.iter().chain(more)).await;
    let verdict = std::fs::read_to_string(&out).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (ran, verdict)
}

#[tokio::test]
async fn every_command_that_prices_takes_the_same_table_and_refuses_a_broken_one_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (synth, own, broken) = (at("synth.ndjson"), at("own.toml"), at("broken.toml"));
    let made = run(["records", "synth", "--n", "600", "--seed", "7", "--out", &synth]).await;
    assert_eq!(made.code, 0, "{}", made.err);
    // Ten thousand times the price of the candidate: whoever judges by this table sees no saving.
    std::fs::write(&own, table("deepseek", "deepseek-flash", "1000", "")).unwrap();
    std::fs::write(&broken, table("deepseek", "deepseek-flash", "1e3", "")).unwrap();

    let (_, bundled) = evaluate(folder.path(), "bundled.json", &[]).await;
    let (_, dear) = evaluate(folder.path(), "dear.json", &["--prices", &own]).await;
    assert_ne!(bundled["tariff_digest"], dear["tariff_digest"]);
    let ratio = |verdict: &Value| {
        let guardrails = verdict["guardrails"].as_array().unwrap();
        let cost = guardrails.iter().find(|one| one["metric"] == "cost").unwrap_or_else(|| panic!("{verdict:#}"));
        cost["estimate"]["value"].as_f64().or_else(|| cost["estimate"].as_f64()).unwrap_or_else(|| panic!("{cost:#}"))
    };
    assert!(ratio(&dear) > 1000.0 * ratio(&bundled).abs(), "{} {}", ratio(&dear), ratio(&bundled));

    for args in [
        vec!["evaluate", &synth, "--out", &at("never.json")],
        vec!["usage", &synth],
        vec!["plan", &synth],
        vec!["replay", &synth, "--target", "http://127.0.0.1:9", "--dry-run"],
        vec!["demo", "--out", &at("never"), "--requests", "1"],
        vec!["prices", "list"],
    ] {
        let ran = run(args.iter().copied().chain(["--prices", &broken])).await;
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.out, ran.err);
        for part in ["broken.toml", "line 9", "prices.input"] {
            assert!(ran.err.contains(part), "{args:?}: {part} is not in {}", ran.err);
        }
    }
    assert!(!Path::new(&at("never.json")).exists() && !Path::new(&at("never")).exists());
}
