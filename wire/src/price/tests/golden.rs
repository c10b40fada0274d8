//! Golden bills: what one exchange costs on either side of every boundary, computed by hand.

use super::{at, usage};
use crate::price::{Call, Tariffs};
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
