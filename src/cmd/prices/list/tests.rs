use super::*;
use crate::args::{Args, Command, PricesCommand, PricesList};
use crate::lines::WIDTH;
use clap::Parser;

const NIGHT: &str = "2026-11-20T00:30:00Z";
const PEAK: &str = "2026-11-20T02:00:00Z";

fn args(line: &str) -> PricesList {
    match Args::try_parse_from(format!("weighbridge prices list{line}").split(' ')).unwrap().command {
        Command::Prices(prices) => match prices.command {
            PricesCommand::List(args) => args,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn listed(line: &str, at: &str) -> Listing {
    let own = "schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n[[prices]]\nprovider = \
               \"compatible\"\nmodel = \"llama\"\nvalid_from = 2026-01-01\nvalid_until = 2026-02-01\ninput = \"1\"\noutput = \
               \"2\"\nsource = \"us\"\n[[prices]]\nprovider = \"compatible\"\nmodel = \"llama\"\nvalid_from = \
               2027-01-01\ninput = \"3\"\noutput = \"4\"\ntiers = { batch = \"0.5\" }\nsource = \"us\"\n";
    let tariffs = Tariffs::embedded().unwrap().overlaid_by(Tariffs::parse(own).unwrap());
    listing(&tariffs, &args(line), crate::cmd::prices::instant_us("at", at).unwrap())
}

#[test]
fn every_period_is_listed_and_the_one_in_force_is_marked() {
    for (at, in_force) in [(NIGHT, "0.15"), (PEAK, "0.30")] {
        let listing = listed(" --provider deepseek --model deepseek-flash", at);
        assert_eq!(listing.prices.len(), 2, "{listing:?}");
        let marked: Vec<_> = listing.prices.iter().filter(|price| price.in_force).collect();
        assert_eq!(marked.iter().map(|price| price.amount("input")).collect::<Vec<_>>(), [in_force]);
    }
}

#[test]
fn prices_that_are_over_or_to_come_are_listed_when_asked_for() {
    assert_eq!(listed(" --model llama --all", "2026-01-15").prices.len(), 2);
    let [now] = listed(" --model llama", "2026-01-15").prices.try_into().unwrap();
    assert_eq!((now.amount("input"), now.in_force, now.doubts.len()), ("1.00", true, 0));
    let [over] = listed(" --model llama", "2026-06-01").prices.try_into().unwrap();
    assert!(over.in_force && over.doubts[0].contains("held until 2026-02-01"), "{over:?}");
    let [next] = listed(" --model llama", "2027-01-01").prices.try_into().unwrap();
    assert_eq!((next.amount("input"), next.tiers.len()), ("3.00", 1));
    assert!(listed(" --model llama", "2025-06-01").prices.is_empty());
}

#[test]
fn names_may_end_in_a_star_and_aliases_lead_to_their_model() {
    let listing = listed(" --model gpt-4o*", PEAK);
    let names: Vec<&str> = listing.prices.iter().map(|price| price.model.as_str()).collect();
    assert!(names.contains(&"gpt-4o") && names.contains(&"gpt-4o-mini") && !names.contains(&"gpt-4.1"), "{names:?}");
    let listing = listed(" --model deepseek-chat", "2026-07-01");
    assert!(!listing.aliases.is_empty() && !listing.prices.is_empty(), "{listing:?}");
    assert!(listing.prices.iter().all(|price| price.model != "deepseek-chat"), "its own price is over: {listing:?}");
    let own = listed(" --model deepseek-chat", "2026-01-01");
    assert!(own.prices.iter().any(|price| price.model == "deepseek-chat" && price.in_force), "{own:?}");
}

#[test]
fn the_text_fits_on_a_terminal_and_the_doubts_are_said() {
    for line in ["", " --all", " --model *", " --provider openai"] {
        let listing = listed(line, "2026-11-23");
        let text = text(&listing, line.contains("model"));
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > WIDTH).collect();
        assert!(long.is_empty(), "more than {WIDTH} columns: {long:#?}");
    }
    let listing = listed(" --model llama", "2026-06-01");
    assert!(text(&listing, false).contains("! doubtful:\n  The price of llama at compatible held until 2026-02-01"));
    assert!(text(&listing, true).contains("source: us"));
    let doubtful = listed(" --stale-after 1", "2026-11-25");
    assert!(doubtful.prices.iter().all(|price| !price.doubts.is_empty()), "everything is old");
}
