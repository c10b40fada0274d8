//! Guessing keys takes longer and longer, and holds up nobody who has one.

use super::{FIXED, Leased};
use std::time::{Duration, Instant};

#[tokio::test]
async fn wrong_keys_wait_longer_and_longer_while_right_ones_never_do() {
    let leased = Leased::new("").await;
    for _ in 0..3 {
        assert_eq!(leased.ask("sk-mistyped").await.status, 401);
    }
    let start = Instant::now();
    for (number, at_least_ms) in [(4, 100), (5, 300), (6, 700)] {
        assert_eq!(leased.ask(&format!("sk-guess-{number}")).await.status, 401);
        assert!(start.elapsed() >= Duration::from_millis(at_least_ms), "guess {number} after {:?}", start.elapsed());
    }
    // The seventh waits for 0.8 s, the eighth behind it for 1.6 s more: meanwhile a right key from the same address goes
    // through, as often as it likes.
    let (seventh, eighth) = (leased.ask("sk-guess-7"), leased.ask("sk-guess-8"));
    let right = async {
        for _ in 0..3 {
            assert_eq!(leased.ask(FIXED).await.status, 200);
        }
        Instant::now()
    };
    let both = async {
        let (seventh, eighth) = tokio::join!(seventh, eighth);
        assert_eq!((seventh.status, eighth.status), (401, 401));
        Instant::now()
    };
    let (right, wrong) = tokio::join!(right, both);
    assert!(right < wrong, "a right key is not slowed");
    let page = leased.house.admin("/metrics").await.text;
    for line in [
        "weighbridge_keys_refused_total{reason=\"unknown\"} 8",
        "weighbridge_keys_slowed_total 5",
        "weighbridge_keys_unslowed_total 0",
        "weighbridge_keys_waiting 0",
    ] {
        assert!(page.contains(line), "{line} is not on\n{page}");
    }
}
