//! The budget, the breaker and the bound on what is under way.

use super::super::{BreakerState, Refusal};
use super::provider::{Act, bad, good};
use super::{BREAKER, STREAM, WHOLE, body, send, upstream};
use std::time::Duration;
use wire::ErrorKind;

#[tokio::test]
async fn a_spent_budget_ends_retries() {
    let failing = bad("500 Internal Server Error", "retry-after-ms: 0\r\n");
    let (provider, upstream) = upstream(vec![failing], |config| config.retry.budget_percent = 1.0).await;
    for _ in 0..5 {
        let failure = send(&upstream, WHOLE).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Server);
    }
    let counts = upstream.counts();
    assert_eq!((counts.attempts, counts.retries, counts.retries_over_budget), (8, 3, 2));
    assert_eq!(provider.requests().len(), 8);
}

#[tokio::test]
async fn the_breaker_opens_refuses_probes_and_closes() {
    let failing = bad("500 Internal Server Error", "");
    let (provider, upstream) = upstream(vec![failing.clone(), failing, good()], |config| {
        config.breaker = Some(BREAKER);
        config.retry.attempts_max = 1;
    })
    .await;
    for _ in 0..2 {
        assert_eq!(send(&upstream, WHOLE).await.unwrap_err().status, 500);
    }
    assert_eq!(upstream.breaker_state(), BreakerState::Open);
    let refused = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((refused.refusal, refused.kind), (Some(Refusal::BreakerOpen), ErrorKind::Overloaded));
    assert_eq!((refused.attempts, refused.status), (0, 0));
    assert_eq!(refused.retry_after.as_ref().unwrap(), "5");
    assert_eq!(provider.requests().len(), 2, "nothing is sent");
    assert_eq!(upstream.counts().breaker_refused, 1);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    // A probe whose client goes away says nothing and makes room for the next one.
    drop(send(&upstream, WHOLE).await.unwrap());
    assert_eq!(upstream.breaker_state(), BreakerState::HalfOpen);
    let mut probe = send(&upstream, WHOLE).await.unwrap();
    assert_eq!(send(&upstream, WHOLE).await.unwrap_err().refusal, Some(Refusal::BreakerOpen), "one probe at once");
    probe.slot.begun();
    assert_eq!(upstream.breaker_state(), BreakerState::Closed);
    probe.slot.settle(None);
    body(send(&upstream, WHOLE).await.unwrap()).await;
    assert_eq!(upstream.counts().breaker_opened, 1);
}

#[tokio::test]
async fn an_empty_balance_opens_the_breaker_at_once() {
    let (provider, upstream) =
        upstream(vec![bad("402 Payment Required", "")], |config| config.breaker = Some(BREAKER)).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (ErrorKind::Quota, 1));
    assert_eq!(send(&upstream, WHOLE).await.unwrap_err().refusal, Some(Refusal::BreakerOpen));
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn clients_mistakes_and_broken_off_waits_do_not_open_it() {
    let acts = vec![bad("400 Bad Request", ""), bad("400 Bad Request", ""), Act::Hang(String::new())];
    let (provider, upstream) = upstream(acts, |config| config.breaker = Some(BREAKER)).await;
    for _ in 0..2 {
        send(&upstream, WHOLE).await.unwrap_err();
    }
    for number in 3..6 {
        // The client goes away once the provider has the request.
        tokio::select! {
            _ = send(&upstream, STREAM) => panic!("answered"),
            () = async { while provider.requests().len() < number { tokio::task::yield_now().await } } => {}
        }
    }
    assert_eq!(upstream.breaker_state(), BreakerState::Closed);
    assert_eq!(upstream.counts().in_flight, 0, "places are given back");
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts_and_an_error_about_the_request_does_not() {
    let (_provider, upstream) = upstream(vec![good()], |config| config.breaker = Some(BREAKER)).await;
    for error in [ErrorKind::ClientCancelled, ErrorKind::Moderation, ErrorKind::BadRequest] {
        for _ in 0..3 {
            send(&upstream, WHOLE).await.unwrap().slot.settle(Some(error));
        }
    }
    assert_eq!(upstream.breaker_state(), BreakerState::Closed);
    for _ in 0..2 {
        send(&upstream, WHOLE).await.unwrap().slot.settle(Some(ErrorKind::Truncated));
    }
    assert_eq!(upstream.breaker_state(), BreakerState::Open);
}

#[tokio::test]
async fn retries_stop_when_the_breaker_opens() {
    let failing = bad("500 Internal Server Error", "retry-after-ms: 0\r\n");
    let (provider, upstream) = upstream(vec![failing], |config| {
        config.breaker = Some(BREAKER);
        config.retry.attempts_max = 10;
    })
    .await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.status, failure.attempts, failure.refusal), (500, 2, None), "the failure, not the refusal");
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn one_too_many_is_shed_until_an_answer_ends() {
    let (provider, upstream) = upstream(vec![good()], |config| config.requests_in_flight_max = 1).await;
    let held = send(&upstream, WHOLE).await.unwrap();
    let shed = send(&upstream, STREAM).await.unwrap_err();
    assert_eq!((shed.refusal, shed.kind, shed.attempts), (Some(Refusal::Full), ErrorKind::GatewayBusy, 0));
    assert_eq!(shed.retry_after.as_ref().unwrap(), "1");
    assert_eq!((upstream.counts().shed, upstream.counts().in_flight), (1, 1));
    drop(held);
    body(send(&upstream, WHOLE).await.unwrap()).await;
    assert_eq!((provider.requests().len(), upstream.counts().in_flight), (2, 0));
}
