use super::*;
use crate::args::{Args, Command, PricesCommand, PricesSet};
use clap::Parser;

const NOW_US: i64 = 1_795_392_000_000_000; // 2026-11-23T00:00:00Z

fn args(line: &str) -> PricesSet {
    let words = format!("weighbridge prices set {line} --file prices.toml");
    match Args::try_parse_from(words.split(' ')).unwrap().command {
        Command::Prices(prices) => match prices.command {
            PricesCommand::Set(args) => args,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn set(before: Option<&str>, line: &str) -> String {
    let args = args(line);
    let price = Price::new(&args, NOW_US).unwrap();
    edited(before, &price, &args.file).unwrap()
}

#[test]
fn a_new_file_is_a_whole_table() {
    let text = set(None, "gpt-4o --provider openai --input 2.10 --cached 1.05 --output 8.40");
    let expected = "\
# Prices of our own, laid over those that come with weighbridge.

schema = \"weighbridge.tariffs/1\"
currency = \"USD\"
checked = 2026-11-23

[[prices]]
provider = \"openai\"
model = \"gpt-4o\"
valid_from = 2026-11-23
input = \"2.10\"
cached_input = \"1.05\"
output = \"8.40\"
checked = 2026-11-23
source = \"set by hand on 2026-11-23\"
";
    assert_eq!(text, expected);
    let tariffs = Tariffs::parse(&text).unwrap();
    assert_eq!(tariffs.find("openai", "gpt-4o", NOW_US).unwrap().rates.input_pico, 2_100_000);
    assert_eq!(tariffs.find("openai", "gpt-4o", NOW_US - 1), None);
}

#[test]
fn comments_order_and_what_nobody_knows_of_stay() {
    let before = "\
# ours
currency = \"USD\" # what else
schema = \"weighbridge.tariffs/1\"
checked = 2026-11-01

# agreed with Kim
[[prices]]
model = \"gpt-4o\"
provider = \"openai\"
valid_from = 2026-11-01T00:00:00Z
input = \"2.00\"   # per million
output = \"8.00\"
tiers = { batch = \"0.5\" }
source = \"contract 7\"

# the machine in the cellar
[[prices]]
provider = \"compatible\"
model = \"llama\"
valid_from = 2026-01-01
input = \"0.10\"
output = \"0.20\"
source = \"us\"
";
    let line = "gpt-4o --provider openai --input 2.50 --output 9 --from 2026-11-01 --source contract-8";
    let text = set(Some(before), line);
    for kept in [
        "# ours\ncurrency = \"USD\" # what else\nschema",
        "# agreed with Kim\n[[prices]]\nmodel = \"gpt-4o\"\nprovider",
        "input = \"2.50\"   # per million\noutput = \"9\"\n",
        "tiers = { batch = \"0.5\" }\nsource = \"contract-8\"\nchecked = 2026-11-23\n",
        "# the machine in the cellar\n[[prices]]\nprovider = \"compatible\"",
    ] {
        assert!(text.contains(kept), "{kept}\nis not in\n{text}");
    }
    assert!(!text.contains("2.00"), "{text}");
    assert_eq!(Tariffs::parse(&text).unwrap().rows().len(), 2);
    let later = set(Some(&text), "gpt-4o --provider openai --input 1 --output 4 --from 2026-12-01");
    let tariffs = Tariffs::parse(&later).unwrap();
    assert_eq!(tariffs.rows().len(), 3, "another beginning is another price");
    assert!(later.starts_with("# ours\n") && later.find("llama") < later.find("2026-12-01"), "{later}");
}

#[test]
fn a_machine_by_the_hour_takes_the_place_of_amounts_and_back() {
    let amounts = set(None, "llama --provider compatible --input 1 --cached 0.5 --output 2");
    let machine = "llama --provider compatible --per-gpu-hour 2.40 --gpus 8 --utilisation 0.5 --input-tokens-per-hour \
                   40000000 --output-tokens-per-hour 4000000";
    let hourly = set(Some(&amounts), machine);
    let tariffs = Tariffs::parse(&hourly).unwrap();
    // 8 x 2.40 USD an hour, half of it in use: 38.40 USD for 40 and for 4 million tokens.
    let rates = tariffs.rows()[0].rates;
    assert_eq!((rates.input_pico, rates.cached_pico, rates.output_pico), (960_000, 960_000, 9_600_000));
    assert!(told(&tariffs.rows()[0]).contains("input 0.96, cached 0.96, output 9.60"));
    let back = set(Some(&hourly), "llama --provider compatible --input 1 --cached 0.5 --output 2");
    assert_eq!(Tariffs::parse(&back).unwrap().rows()[0].rates, Tariffs::parse(&amounts).unwrap().rows()[0].rates);
    assert!(!back.contains("gpu"), "{back}");
}

#[test]
fn wrong_prices_and_wrong_files_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.toml");
    let run_with = |line: &str| run(&PricesSet { file: file.clone(), ..args(line) }, NOW_US).unwrap_err();
    for (line, word) in [
        ("gpt-4o --provider openai --input cheap --output 1", "prices.input"),
        ("gpt-4o --provider openai --input 1 --output 0.1234567", "prices.output"),
        ("gpt-4o --provider openai --input 1 --output 1 --from 2026-12-01 --until 2026-11-01", "--until"),
        ("gpt-4o --provider openai --input 1 --output 1 --from soon", "--from"),
        ("gpt-4o --provider openai --input 1 --output 1 --period nights", "nights"),
    ] {
        let failure = run_with(line);
        assert!(failure.exit == Exit::Usage && failure.message.contains(word), "{line}: {}", failure.message);
        assert!(!file.exists(), "{line}");
    }
    for (text, word) in [("prices = 1\n", "[[prices]]"), ("a = [\n", "is not TOML"), ("schema = \"x\"\n", "schema")] {
        std::fs::write(&file, text).unwrap();
        let failure = run_with("gpt-4o --provider openai --input 1 --output 1");
        assert!(failure.message.contains(word), "{}", failure.message);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn amounts_and_machines_do_not_mix() {
    for line in [
        "m --provider compatible --input 1",
        "m --provider compatible --input 1 --output 1 --per-gpu-hour 2 --input-tokens-per-hour 1 --output-tokens-per-hour 1",
        "m --provider compatible --per-gpu-hour 2",
        "m --provider compatible --input 1 --output 1 --gpus 8",
        "m --input 1 --output 1",
        "m --provider acme --input 1 --output 1",
    ] {
        let words = format!("weighbridge prices set {line} --file prices.toml");
        assert!(Args::try_parse_from(words.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn a_price_that_states_more_than_the_command_sets_is_not_half_replaced() {
    let line = "gpt-4o --provider openai --input 2 --output 8 --from 2026-11-01";
    let row = |more: &str| {
        format!(
            "schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-01\n[[prices]]\nprovider = \
             \"openai\"\nmodel = \"gpt-4o\"\nvalid_from = 2026-11-01\ninput = \"1\"\noutput = \"4\"\nsource = \"us\"\n{more}\n"
        )
    };
    let refused = |more: &str, line: &str| {
        let args = args(line);
        let price = Price::new(&args, NOW_US).unwrap();
        edited(Some(&row(more)), &price, &args.file).unwrap_err().message
    };
    for (more, word) in [
        ("currency = \"CNY\"", "currency"),
        ("cache_write = \"9\"\nreasoning = \"7\"", "cache_write, reasoning"),
        ("audio_input = \"9\"", "audio_input"),
        ("tiers = { batch = { input = \"0.5\", output = \"2\" } }", "tiers"),
    ] {
        let message = refused(more, line);
        assert!(message.contains(&format!("states {word}, too")) && message.contains("--from"), "{message}");
    }
    let machine = "gpt-4o --provider openai --per-gpu-hour 2 --input-tokens-per-hour 4 --output-tokens-per-hour 4 --from \
                   2026-11-01";
    assert!(refused("currency = \"CNY\"", machine).contains("currency"));
    assert!(!set(Some(&row("cache_write = \"9\"")), machine).contains("cache_write"));
    assert!(set(Some(&row("tiers = { batch = \"0.5\" }")), line).contains("batch"), "a share holds of any amount");
}
