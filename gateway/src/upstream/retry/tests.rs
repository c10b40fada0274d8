use super::{Advice, Budget, Decision, Tried, decide};
use crate::config::RetryConfig;
use http::HeaderMap;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use wire::ErrorKind;

const CONFIG: RetryConfig =
    RetryConfig { attempts_max: 3, budget_percent: 10.0, wait_max: Duration::from_secs(2), after_timeout: false };
const MINUTE: Duration = Duration::from_secs(60);

fn tried(kind: ErrorKind, status: u16) -> Tried {
    Tried { attempt: 1, kind, status, advice: Advice::default() }
}

fn is_tried_again(tried: &Tried) -> bool {
    decide(&CONFIG, tried, MINUTE, 0.5) != Decision::GiveUp
}

fn advice(headers: &[(&'static str, &str)]) -> Advice {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Advice::of(&map, "1994-11-06T08:49:30Z".parse().unwrap())
}

#[test]
fn the_table_of_what_is_tried_again() {
    use ErrorKind::{Auth, BadRequest, Connect, Malformed, Moderation, Overloaded, Quota, RateLimit, Server, Timeout};
    for (kind, status, again) in [
        (Connect, 0, true),
        (Timeout, 0, false),
        (Malformed, 0, false),
        (Malformed, 302, false),
        (BadRequest, 400, false),
        (Moderation, 400, false),
        (Auth, 401, false),
        (Quota, 402, false),
        (Timeout, 408, true),
        (BadRequest, 409, true),
        (BadRequest, 422, false),
        (RateLimit, 429, false),
        (Quota, 429, false),
        (Server, 500, true),
        (Server, 501, false),
        (Server, 502, true),
        (Overloaded, 503, true),
        (Timeout, 504, true),
        (Server, 505, false),
    ] {
        assert_eq!(is_tried_again(&tried(kind, status)), again, "{kind:?} {status}");
    }
    let allowed = RetryConfig { after_timeout: true, ..CONFIG };
    assert_ne!(decide(&allowed, &tried(Timeout, 0), MINUTE, 0.5), Decision::GiveUp);
}

#[test]
fn the_provider_has_the_last_word() {
    let with = |kind, status, headers| Tried { advice: advice(headers), ..tried(kind, status) };
    assert!(!is_tried_again(&with(ErrorKind::Server, 500, &[("x-should-retry", "false")])));
    assert!(is_tried_again(&with(ErrorKind::RateLimit, 429, &[("x-should-retry", "true")])));
    assert!(is_tried_again(&with(ErrorKind::RateLimit, 429, &[("retry-after", "1")])));
    assert!(!is_tried_again(&with(ErrorKind::Quota, 429, &[("retry-after", "1")])));
    assert!(!is_tried_again(&with(ErrorKind::Overloaded, 503, &[("retry-after", "3")])), "longer than wait_max");
}

#[test]
fn waits_are_read_in_all_their_forms() {
    let wait = |headers| advice(headers).wait;
    assert_eq!(wait(&[("retry-after-ms", "120"), ("retry-after", "9")]), Some(Duration::from_millis(120)));
    assert_eq!(wait(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
    assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::from_secs(7)));
    assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:27 GMT")]), Some(Duration::ZERO));
    for nonsense in ["-1", "NaN", "soon", "1e300", ""] {
        assert_eq!(advice(&[("retry-after", nonsense)]).wait, None, "{nonsense}");
    }
}

#[test]
fn attempts_and_time_are_bounded() {
    let last = Tried { attempt: 3, ..tried(ErrorKind::Connect, 0) };
    assert_eq!(decide(&CONFIG, &last, MINUTE, 0.0), Decision::GiveUp);
    let asked = Tried { advice: advice(&[("retry-after", "1")]), ..tried(ErrorKind::Overloaded, 503) };
    assert_eq!(decide(&CONFIG, &asked, MINUTE, 0.9), Decision::Wait(Duration::from_secs(1)));
    assert_eq!(decide(&CONFIG, &asked, Duration::from_secs(1), 0.9), Decision::GiveUp, "no time would be left");
}

#[test]
fn a_share_of_the_requests_may_be_tried_again_and_a_few_in_any_case() {
    let now = Instant::now();
    let spent = |budget: &mut Budget, now| (0..1000).filter(|_| budget.spend(now)).count();
    let mut budget = Budget::new(10.0, now);
    assert_eq!(spent(&mut budget, now), 3);
    for _ in 0..200 {
        budget.earn(now);
    }
    assert_eq!(spent(&mut budget, now), 17);
    assert_eq!(spent(&mut budget, now + Duration::from_secs(10)), 3, "the window has passed");
    assert_eq!(spent(&mut Budget::new(0.0, now), now), 0);
}

proptest! {
    #[test]
    fn a_wait_is_never_longer_than_allowed(attempt in 1..3_u32, random in 0.0..1.0_f64) {
        let tried = Tried { attempt, ..tried(ErrorKind::Connect, 0) };
        let Decision::Wait(wait) = decide(&CONFIG, &tried, MINUTE, random) else { panic!("given up") };
        prop_assert!(wait <= Duration::from_millis(100 << (attempt - 1)));
    }
}
