use super::{Breaker, BreakerState, Outcome};
use crate::config::BreakerConfig;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

const CONFIG: BreakerConfig = BreakerConfig {
    window: Duration::from_secs(10),
    minimum: 4,
    failure_percent: 50.0,
    open_for: Duration::from_secs(5),
    open_for_max: Duration::from_secs(15),
    probes: 2,
};

fn breaker() -> (Breaker, Instant) {
    let now = Instant::now();
    (Breaker::new(CONFIG, now), now)
}

fn feed(breaker: &mut Breaker, outcomes: &[Outcome], now: Instant) {
    for outcome in outcomes {
        let pass = breaker.admit(now).unwrap();
        breaker.report(pass, *outcome, now);
    }
}

fn state(breaker: &Breaker, now: Instant) -> BreakerState {
    breaker.view(now).0
}

#[test]
fn it_opens_at_the_share_but_not_below_the_minimum() {
    use Outcome::{Failure, Success};
    let (mut breaker, now) = breaker();
    feed(&mut breaker, &[Failure, Failure, Failure], now);
    assert_eq!(state(&breaker, now), BreakerState::Closed);
    feed(&mut breaker, &[Success, Success, Success, Success], now);
    assert_eq!(state(&breaker, now), BreakerState::Closed, "3 of 7 are below half");
    feed(&mut breaker, &[Failure], now);
    assert_eq!(state(&breaker, now), BreakerState::Open);
    assert_eq!(breaker.admit(now + SECOND), Err(SECOND * 4));
}

#[test]
fn failures_older_than_the_window_are_forgotten() {
    let (mut breaker, now) = breaker();
    feed(&mut breaker, &[Outcome::Failure; 3], now);
    feed(&mut breaker, &[Outcome::Failure; 3], now + SECOND * 11);
    assert_eq!(state(&breaker, now + SECOND * 11), BreakerState::Closed);
    feed(&mut breaker, &[Outcome::Failure], now + SECOND * 12);
    assert_eq!(state(&breaker, now + SECOND * 12), BreakerState::Open);
}

#[test]
fn one_hopeless_outcome_opens_and_neutral_ones_never_do() {
    let (mut breaker, now) = breaker();
    feed(&mut breaker, &[Outcome::Neutral; 100], now);
    assert_eq!(state(&breaker, now), BreakerState::Closed);
    feed(&mut breaker, &[Outcome::Hopeless], now);
    assert_eq!(state(&breaker, now), BreakerState::Open);
}

#[test]
fn half_open_lets_the_probes_through_and_a_success_closes() {
    let (mut breaker, now) = breaker();
    feed(&mut breaker, &[Outcome::Hopeless], now);
    let later = now + SECOND * 5;
    assert_eq!(state(&breaker, later), BreakerState::HalfOpen);
    let first = breaker.admit(later).unwrap();
    let second = breaker.admit(later).unwrap();
    assert!(breaker.admit(later).is_err(), "two probes are the bound");
    breaker.report(second, Outcome::Neutral, later);
    let third = breaker.admit(later).unwrap();
    assert_eq!(breaker.report(first, Outcome::Success, later), Some(BreakerState::Closed));
    assert_eq!(state(&breaker, later), BreakerState::Closed);
    assert_eq!(breaker.report(third, Outcome::Failure, later), None);
    assert_eq!(breaker.window.sums(later), [0, 0], "a probe of the time before says nothing about the time after");
}

#[test]
fn each_time_in_a_row_it_stays_open_longer_up_to_the_bound() {
    let (mut breaker, mut now) = breaker();
    feed(&mut breaker, &[Outcome::Hopeless], now);
    for seconds in [5, 10, 15, 15] {
        assert_eq!(breaker.admit(now), Err(SECOND * seconds));
        now += SECOND * seconds;
        feed(&mut breaker, &[Outcome::Failure], now);
    }
    now += SECOND * 15;
    feed(&mut breaker, &[Outcome::Success], now);
    feed(&mut breaker, &[Outcome::Hopeless], now + SECOND);
    assert_eq!(breaker.admit(now + SECOND), Err(SECOND * 15), "closed for a second only: still the same row");
    now += SECOND * 16;
    feed(&mut breaker, &[Outcome::Success], now);
    feed(&mut breaker, &[Outcome::Hopeless], now + SECOND * 15);
    assert_eq!(breaker.admit(now + SECOND * 15), Err(SECOND * 5), "a good while closed ends the row");
    assert_eq!(breaker.view(now).2, 7);
}

#[test]
fn what_was_sent_before_it_opened_cannot_open_it_again() {
    let (mut breaker, now) = breaker();
    let early = breaker.admit(now).unwrap();
    feed(&mut breaker, &[Outcome::Hopeless], now);
    let later = now + SECOND * 6;
    feed(&mut breaker, &[Outcome::Success], later);
    breaker.report(early, Outcome::Hopeless, later);
    assert_eq!(state(&breaker, later), BreakerState::Closed);
}

proptest! {
    /// Whatever happens in whatever order: never more probes than allowed, and never shut for ever.
    #[test]
    fn it_never_lets_more_probes_through_and_never_sticks(
        steps in prop::collection::vec((0..5_u8, 0..4_usize, 0..4000_u64), 1..200),
    ) {
        let (mut breaker, mut now) = breaker();
        let mut under_way = Vec::new();
        for (action, which, millis) in steps {
            now += Duration::from_millis(millis);
            let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Hopeless, Outcome::Neutral];
            match action {
                0..=2 => if let Ok(pass) = breaker.admit(now) {
                    under_way.push(pass);
                },
                _ if under_way.is_empty() => {}
                _ => {
                    breaker.report(under_way.swap_remove(which % under_way.len()), outcomes[which], now);
                }
            }
            if state(&breaker, now) == BreakerState::HalfOpen {
                let probing = under_way.iter().filter(|pass| pass.generation == breaker.generation).count();
                prop_assert!(probing <= 2);
            }
        }
        for pass in under_way {
            breaker.report(pass, Outcome::Neutral, now);
        }
        prop_assert!(breaker.admit(now + SECOND * 15).is_ok());
    }
}
