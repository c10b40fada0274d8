//! Golden bills: what one exchange costs on either side of every boundary, computed by hand.

use super::{HEAD, at, table, usage};
use crate::price::{Call, Tariffs, Tier};
use crate::usage::Usage;

fn nanos(provider: &str, model: &str, time: &str, usage: &Usage) -> Option<i64> {
    Tariffs::embedded().unwrap().price(&Call::new(provider, model, at(time)), usage).map(|priced| priced.nanos)
}

#[test]
fn the_parts_of_an_exchange() {
    // 1000 uncached x 0.15 + 1000 cached x 0.075 + 500 x 0.60 USD per million = 0.000525 USD.
    let small = usage(2000, 1000, 500);
    for (provider, model, time, expected) in [
        ("openai", "gpt-4o-mini", "2026-11-20T12:00:00Z", Some(525_000)),
        ("openai", "gpt-4o-mini-2024-07-18", "2026-11-20T12:00:00Z", Some(525_000)),
        // Friday 02:00 UTC is peak: 1000 x 0.30 + 1000 x 0.006 + 500 x 1.20. Half of it off-peak.
        ("deepseek", "deepseek-flash", "2026-11-20T02:00:00Z", Some(906_000)),
        ("deepseek", "deepseek-flash", "2026-11-20T05:00:00Z", Some(453_000)),
        // A server of one's own has no price until a tariff names it.
        ("compatible", "llama", "2026-11-20T05:00:00Z", None),
        ("openai", "no-such-model", "2026-11-20T05:00:00Z", None),
        ("openai", "gpt-4o", "2024-08-05T23:59:59.999999Z", None),
    ] {
        assert_eq!(nanos(provider, model, time, &small), expected, "{model} {time}");
    }
}

#[test]
fn a_cache_hit_that_is_reported_twice_is_priced_once() {
    // DeepSeek's report has the hits in both shapes, OpenAI's in one: 36 x 0.15 + 64 x 0.003 + 20 x 0.60 = 17.592.
    let both = r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":64},
        "prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#;
    let old =
        r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#;
    let new = r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":64}}"#;
    for report in [both, old, new] {
        let usage = Usage::from_json(report).unwrap();
        assert_eq!(nanos("deepseek", "deepseek-flash", "2026-11-20T12:00:00Z", &usage), Some(17_592), "{report}");
    }
}

#[test]
fn every_edge_of_the_clock() {
    // A million uncached input tokens, in thousandths of a dollar: 300 at peak, 150 off-peak.
    let one = usage(1_000_000, 0, 0);
    for (time, milli_dollars) in [
        // The minutes of the peak, Friday 20 November 2026.
        ("2026-11-20T00:59:59.999999Z", 150),
        ("2026-11-20T01:00:00Z", 300),
        ("2026-11-20T03:59:59.999999Z", 300),
        ("2026-11-20T04:00:00Z", 150),
        ("2026-11-20T05:59:59.999999Z", 150),
        ("2026-11-20T06:00:00Z", 300),
        ("2026-11-20T09:59:59.999999Z", 300),
        ("2026-11-20T10:00:00Z", 150),
        // The weekend: Friday is over in Beijing at 16:00 UTC, and Monday begins there at 16:00 UTC on Sunday.
        ("2026-11-20T23:30:00Z", 150),
        ("2026-11-21T02:00:00Z", 150),
        ("2026-11-22T09:00:00Z", 150),
        ("2026-11-23T00:59:59.999999Z", 150),
        ("2026-11-23T01:00:00Z", 300),
        // Mid-Autumn, 25 to 27 September: Thursday is peak, Friday is not, Monday is again.
        ("2026-09-24T09:59:59.999999Z", 300),
        ("2026-09-25T01:00:00Z", 150),
        ("2026-09-25T09:59:00Z", 150),
        ("2026-09-28T01:00:00Z", 300),
        // National Day, 1 (Thursday) to 7 (Wednesday) October.
        ("2026-09-30T09:59:59.999999Z", 300),
        ("2026-10-01T01:00:00Z", 150),
        ("2026-10-05T02:00:00Z", 150),
        ("2026-10-07T09:59:59.999999Z", 150),
        ("2026-10-08T01:00:00Z", 300),
        // Saturdays and Sundays that are worked stay what they are: the text says Monday to Friday.
        ("2026-09-20T02:00:00Z", 150),
        ("2026-10-10T02:00:00Z", 150),
        // New Year 2027 is a Friday; Thursday is peak, and so is Monday.
        ("2026-12-31T09:00:00Z", 300),
        ("2027-01-01T09:00:00Z", 150),
        ("2027-01-04T09:00:00Z", 300),
    ] {
        let expected = milli_dollars * 1_000_000;
        assert_eq!(nanos("deepseek", "deepseek-flash", time, &one), Some(expected), "{time}");
    }
}

/// Price of a million uncached input tokens in thousandths of a dollar; `None` if there is no price. A tenth of a million
/// is priced, which is no long prompt anywhere.
fn milli_dollars(provider: &str, model: &str, time: &str) -> Option<i64> {
    let nanos = nanos(provider, model, time, &usage(100_000, 0, 0))?;
    assert_eq!(nanos % 100_000, 0, "{model} {time}");
    Some(nanos / 100_000)
}

#[test]
fn every_change_of_a_price() {
    for (provider, model, time, expected) in [
        // One price all day, then peak and off-peak: it changed at midnight between Sunday and Monday in Beijing.
        ("deepseek", "deepseek-v4-pro", "2026-08-16T15:59:59.999999Z", Some(435)),
        ("deepseek", "deepseek-v4-pro", "2026-08-16T16:00:00Z", Some(660)),
        ("deepseek", "deepseek-v4-pro", "2026-08-17T01:00:00Z", Some(1320)),
        // The windows were daily until the tenth of September: a Saturday before, a Saturday after.
        ("deepseek", "deepseek-v4-pro", "2026-08-22T02:00:00Z", Some(1320)),
        ("deepseek", "deepseek-v4-pro", "2026-09-12T02:00:00Z", Some(660)),
        ("deepseek", "deepseek-v4-pro", "2026-09-10T03:59:59.999999Z", Some(1320)),
        ("deepseek", "deepseek-v4-pro", "2026-09-10T04:00:00Z", Some(660)),
        // A promotion and its end.
        ("openai", "gpt-5.6-sol", "2026-07-08T23:59:59.999999Z", None),
        ("openai", "gpt-5.6-sol", "2026-08-20T23:59:59.999999Z", Some(5000)),
        ("openai", "gpt-5.6-sol", "2026-08-21T00:00:00Z", Some(4000)),
        ("openai", "gpt-5.6-sol", "2026-11-21T23:59:59.999999Z", Some(4000)),
        ("openai", "gpt-5.6-sol", "2026-11-22T00:00:00Z", Some(5000)),
        // Aliases: v4-flash at its own peak, then Flash off-peak.
        ("deepseek", "deepseek-v4-flash", "2026-09-10T03:59:59.999999Z", Some(440)),
        ("deepseek", "deepseek-v4-flash", "2026-09-10T04:00:00Z", Some(150)),
        ("deepseek", "deepseek-v4-flash-vision-exp", "2026-08-21T12:00:00Z", Some(220)),
        ("deepseek", "deepseek-v4-flash-vision-exp", "2026-11-20T02:00:00Z", Some(300)),
        // A name that was a model, an alias, nothing, and an alias again.
        ("deepseek", "deepseek-chat", "2026-04-23T23:59:59.999999Z", Some(280)),
        ("deepseek", "deepseek-chat", "2026-04-24T00:00:00Z", Some(140)),
        ("deepseek", "deepseek-chat", "2026-07-24T15:58:59.999999Z", Some(140)),
        ("deepseek", "deepseek-chat", "2026-07-24T15:59:00Z", None),
        ("deepseek", "deepseek-chat", "2026-09-10T03:59:59.999999Z", None),
        ("deepseek", "deepseek-chat", "2026-09-10T04:00:00Z", Some(150)),
        // The night discount of 2025, over midnight, and its first and last night.
        ("deepseek", "deepseek-chat", "2025-02-26T16:29:59.999999Z", Some(270)),
        ("deepseek", "deepseek-chat", "2025-02-26T16:30:00Z", Some(135)),
        ("deepseek", "deepseek-chat", "2025-06-02T00:29:59.999999Z", Some(135)),
        ("deepseek", "deepseek-chat", "2025-06-02T00:30:00Z", Some(270)),
        ("deepseek", "deepseek-reasoner", "2025-06-02T16:29:59.999999Z", Some(550)),
        ("deepseek", "deepseek-reasoner", "2025-06-02T16:30:00Z", Some(135)),
        ("deepseek", "deepseek-reasoner", "2025-09-05T15:59:59.999999Z", Some(550)),
        ("deepseek", "deepseek-reasoner", "2025-09-05T16:30:00Z", Some(560)),
        ("deepseek", "deepseek-reasoner", "2025-09-29T00:00:00Z", Some(280)),
        ("openai", "text-embedding-3-small", "2026-11-20T00:00:00Z", Some(20)),
        ("openai", "text-embedding-3-large", "2026-11-20T00:00:00Z", Some(130)),
        ("openai", "text-embedding-ada-002", "2026-11-20T00:00:00Z", Some(100)),
    ] {
        assert_eq!(milli_dollars(provider, model, time), expected, "{model} {time}");
    }
}

#[test]
fn a_long_prompt_makes_the_whole_request_dearer() {
    let cost = |prompt| nanos("openai", "gpt-6.2-sol", "2026-11-20T00:00:00Z", &usage(prompt, 100_000, 1000));
    // 172 000 x 2 + 100 000 x 0.10 + 1000 x 10 = 364 000 micro-dollars.
    assert_eq!(cost(272_000), Some(364_000_000));
    // 172 001 x 4 + 100 000 x 0.20 + 1000 x 15 = 723 004 micro-dollars.
    assert_eq!(cost(272_001), Some(723_004_000));
    // A small model has no such threshold: 172 001 x 0.75 + 100 000 x 0.075 + 1000 x 4.50 = 141 000.75.
    let mini = nanos("openai", "gpt-5.4-mini", "2026-11-20T00:00:00Z", &usage(272_001, 100_000, 1000));
    assert_eq!(mini, Some(141_000_750));
}

#[test]
fn every_tier() {
    // 1000 x 2 + 100 x 10 = 3000 micro-dollars, times a half, a half, two and three; six from March 2027 on.
    let tariffs = Tariffs::embedded().unwrap();
    let cost = |provider, model, time, tier| {
        let call = Call { tier, ..Call::new(provider, model, at(time)) };
        tariffs.price(&call, &usage(1000, 0, 100)).map(|priced| priced.nanos)
    };
    let now = "2026-11-20T00:00:00Z";
    for (tier, time, micro_dollars) in [
        (Tier::Standard, now, 3_000),
        (Tier::Batch, now, 1_500),
        (Tier::Flex, now, 1_500),
        (Tier::Priority, now, 6_000),
        (Tier::Ultrafast, now, 9_000),
        (Tier::Ultrafast, "2027-02-28T23:59:59.999999Z", 9_000),
        (Tier::Ultrafast, "2027-03-01T00:00:00Z", 18_000),
    ] {
        assert_eq!(cost("openai", "gpt-6.2-sol", time, tier), Some(micro_dollars * 1000), "{tier:?} {time}");
    }
    // A tier without a price is not the standard one.
    assert_eq!(cost("openai", "gpt-4o", now, Tier::Ultrafast), None);
    assert_eq!(cost("deepseek", "deepseek-flash", now, Tier::Priority), None);
}

#[test]
fn cache_writes_of_both_lifetimes_and_the_regional_surcharge() {
    let written = Usage { cache_write: Some(300), ..usage(1000, 200, 0) };
    let cost = |options: &str, model: &str, usage: &Usage, tier| {
        let own = format!("{HEAD}[options.openai]\n{options}");
        let tariffs = Tariffs::embedded().unwrap().overlaid_by(Tariffs::parse(&own).unwrap());
        let call = Call { tier, ..Call::new("openai", model, at("2026-11-20T00:00:00Z")) };
        tariffs.price(&call, usage).map(|priced| priced.nanos)
    };
    let standard = |options| cost(options, "gpt-6.2-sol", &written, Tier::Standard);
    // 500 x 2 + 200 x 0.10 + 300 x 2.50 = 1770 micro-dollars; 12 hours: 300 x 5.00, 2520; in one region: 1770 x 1.1 = 1947.
    assert_eq!(standard(""), Some(1_770_000));
    assert_eq!(standard("cache_lifetime = 'short'"), Some(1_770_000));
    assert_eq!(standard("cache_lifetime = 'long'"), Some(2_520_000));
    assert_eq!(standard("regional = true"), Some(1_947_000));
    // Without a price for it, a write costs what the input costs: 800 x 2.50 + 200 x 1.25 = 2250, and 1 x 1.1.
    assert_eq!(cost("regional = true", "gpt-4o", &written, Tier::Standard), Some(2_475_000));
    // All factors at once: 272 001 x 2 x 2 x 0.5 x 1.1 = 598 402.2 micro-dollars.
    let long = usage(272_001, 0, 0);
    assert_eq!(cost("regional = true", "gpt-6.2-sol", &long, Tier::Batch), Some(598_402_200));
}

#[test]
fn speech_pictures_and_reasoning_have_prices_of_their_own_or_that_of_their_side() {
    let own = table(
        "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = 2026-01-01\ninput = '2'\ncached_input = '1'\noutput = '10'\n\
         audio_input = '40'\nimage_input = '5'\naudio_output = '80'\nreasoning = '3'\nsource = 's'\n\
         tiers.batch = { input = '1', output = '4', audio_output = '30' }\n",
    );
    let cost = |usage: &Usage, tier| {
        let call = Call { tier, ..Call::new("p", "m", at("2026-11-20T00:00:00Z")) };
        own.price(&call, usage).map(|priced| priced.nanos)
    };
    let mixed = Usage {
        prompt_audio: Some(100),
        prompt_image: Some(200),
        reasoning: Some(50),
        completion_audio: Some(30),
        ..usage(1000, 400, 100)
    };
    // 400 x 1 + 100 x 40 + 200 x 5 + 300 x 2 = 6000; 30 x 80 + 50 x 3 + 20 x 10 = 2750 micro-dollars.
    assert_eq!(cost(&mixed, Tier::Standard), Some(8_750_000));
    // Its own batch price: 1000 x 1 (nothing else is named) + 30 x 30 + 70 x 4 = 2180.
    assert_eq!(cost(&mixed, Tier::Batch), Some(2_180_000));
    // More speech than what no cache knew: 900 cached x 1 + 100 x 40; the other 500 of speech were cached.
    let much = Usage { prompt_audio: Some(600), ..usage(1000, 900, 0) };
    assert_eq!(cost(&much, Tier::Standard), Some(4_900_000));
}

#[test]
fn a_fraction_of_a_nano_dollar_is_kept_until_the_end() {
    // deepseek-v4-pro at launch: cached input 0.003625 USD per million = 3625 pico-dollars a token.
    let cached =
        |tokens| nanos("deepseek", "deepseek-v4-pro", "2026-05-01T00:00:00Z", &usage(tokens, tokens, 0)).unwrap();
    assert_eq!((cached(1), cached(4), cached(1000)), (4, 15, 3625));
    // Half a nano-dollar goes up, less goes down.
    let of_price = |price: &str| {
        let tariffs = table(&super::row("2026-01-01", price, ""));
        tariffs.price(&Call::new("p", "m", at("2026-11-20T00:00:00Z")), &usage(1, 0, 0)).map(|priced| priced.nanos)
    };
    assert_eq!((of_price("0.0005"), of_price("0.000499"), of_price("0.0015")), (Some(1), Some(0), Some(2)));
}

#[test]
fn machines_by_the_hour_and_another_currency() {
    let own = table(
        "[exchange.CNY]\nrate = '0.1405'\nday = 2026-11-20\nsource = 'bank'\n\
         [[prices]]\nprovider = 'deepseek'\nmodel = 'deepseek-flash'\nvalid_from = 2026-01-01\ncurrency = 'CNY'\n\
         cached_input = '0.02'\ninput = '1'\noutput = '4'\nsource = 'CNY list, off-peak'\n\
         [[prices]]\nprovider = 'compatible'\nmodel = 'llama'\nvalid_from = 2026-01-01\nper_gpu_hour = '2.40'\ngpus = '8'\n\
         utilisation = '0.5'\ninput_tokens_per_hour = 40_000_000\noutput_tokens_per_hour = 4_000_000\nsource = 'contract'\n",
    );
    let cost = |provider, model| {
        let call = Call::new(provider, model, at("2026-11-20T12:00:00Z"));
        own.price(&call, &usage(2_000_000, 1_000_000, 1_000_000)).map(|priced| priced.nanos)
    };
    // 1 CNY + 0.02 CNY + 4 CNY = 5.02 CNY = 0.70531 USD.
    assert_eq!(cost("deepseek", "deepseek-flash"), Some(705_310_000));
    // 8 x 2.40 / 0.5 = 38.40 USD an hour: 0.96 a million in, cached or not, 9.60 out; 2 x 0.96 + 9.60 = 11.52.
    assert_eq!(cost("compatible", "llama"), Some(11_520_000_000));
    let told: Vec<_> = own.rows().iter().map(|row| row.computed_from.as_deref().unwrap()).collect();
    assert_eq!(told, ["CNY at 0.1405 USD of 2026-11-20 (bank)", "2.40 per GPU hour"]);
}
