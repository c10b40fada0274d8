//! What a call costs on the ledger: `cargo bench -p lease`. Says microseconds for each call, and the journal's share as a
//! ratio of the same run.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark talks to whoever started it, and ends at the first surprise"
)]

use lease::quota::{AMOUNT_MAX, Claim, Entry, Id, Ledger, Limit, Period, Settled, Unit, Window};
use std::io::Write;
use std::time::Instant;

const CALLS: u32 = 200_000;

/// Microseconds a call: reserved and settled on three limits of one consumer among 1000, with 100 calls under way.
fn per_call_us(mut log: impl FnMut(&Entry)) -> f64 {
    let rolling = Window::Rolling { span_us: 60_000_000 };
    let limits = [
        (Unit::Requests, rolling),
        (Unit::Tokens, Window::Calendar(Period::Day)),
        (Unit::NanoDollars, Window::Lifetime),
    ]
    .map(|(unit, window)| Limit { name: "team".into(), unit, window, amount: AMOUNT_MAX });
    let mut ledger = Ledger::default();
    let begun = Instant::now();
    for call in 0..CALLS {
        let (id, now_us) = (Id(u128::from(call)), 1_700_000_000_000_000 + i64::from(call) * 50);
        let subject = format!("consumer=team-{}", call % 1000);
        let claims = limits.each_ref().map(|limit| Claim { account: limit.account(&subject), limit, amount: 1000 });
        ledger.reserve(now_us, now_us + 3_600_000_000, id, &claims).unwrap();
        let taken = claims.iter().map(|claim| (claim.account.clone(), claim.amount)).collect();
        log(&Entry::Reserve { id, at_us: now_us, until_us: now_us + 3_600_000_000, claims: taken });
        if let Some(earlier) = call.checked_sub(100) {
            let (id, amounts) = (Id(u128::from(earlier)), vec![1, 600, 77_000]);
            assert_eq!(ledger.settle(now_us, id, &amounts), Settled::Done);
            log(&Entry::Settle { id, at_us: now_us, amounts });
        }
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

fn with_a_journal_us() -> f64 {
    let path = std::env::temp_dir().join(format!("weighbridge-quota-cost-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    let mut line = Vec::new();
    let per_call_us = per_call_us(|entry| {
        line.clear();
        serde_json::to_writer(&mut line, entry).unwrap();
        line.push(b'\n');
        file.write_all(&line).unwrap();
    });
    std::fs::remove_file(&path).unwrap();
    per_call_us
}

fn main() {
    let (memory_us, journal_us) = (per_call_us(|_| {}), with_a_journal_us());
    println!("reserve and settle on three limits: {memory_us:.2} us");
    println!("the same with two lines in a journal: {journal_us:.2} us, {:.1} times as long", journal_us / memory_us);
}
