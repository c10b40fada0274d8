//! Why a call brought no good answer, and what the client may be told about it.

use super::retry::{Advice, RETRY_AFTER_MS, SHOULD_RETRY};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::Instant;
use wire::ErrorKind;
use wire::provider::{Adapter, ClientError};

/// Longest error body that is read: providers' errors are short, and a page of HTML is of no use.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// How long an error body may take.
const ERROR_TIME_MAX: Duration = Duration::from_secs(10);

/// The gateway itself did not send the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many requests are under way to the provider as may be.
    Full,
    /// The provider is left alone for a while.
    BreakerOpen,
}

/// Why a call brought no good answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    /// 0: no answer.
    pub status: u16,
    /// Tries that were made; 0 if the gateway refused.
    pub attempts: u32,
    /// When the first try began.
    pub sent: std::time::Instant,
    /// The provider's error in the client's terms, if it sent one.
    pub client: Option<ClientError>,
    /// The gateway refused, not the provider.
    pub refusal: Option<Refusal>,
    /// Headers for the client.
    pub retry_after: Option<HeaderValue>,
    pub retry_after_ms: Option<HeaderValue>,
    pub should_retry: Option<HeaderValue>,
    pub(super) advice: Advice,
}

impl Failure {
    pub(super) fn unanswered(kind: ErrorKind, sent: Instant) -> Box<Self> {
        Box::new(Self {
            kind,
            status: 0,
            attempts: 0,
            sent: sent.into_std(),
            client: None,
            refusal: None,
            retry_after: None,
            retry_after_ms: None,
            should_retry: None,
            advice: Advice::default(),
        })
    }

    /// Refused by the gateway; worth another try after `wait`.
    pub(super) fn refused(refusal: Refusal, wait: Duration, now: Instant) -> Box<Self> {
        // A bound of ours says nothing about the provider; a breaker that is open does.
        let kind = match refusal {
            Refusal::Full => ErrorKind::GatewayBusy,
            Refusal::BreakerOpen => ErrorKind::Overloaded,
        };
        let mut failure = Self::unanswered(kind, now);
        failure.refusal = Some(refusal);
        // Rounded up: whoever comes back too early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        failure.retry_after = Some(HeaderValue::from(seconds.max(1)));
        failure
    }

    /// Refused by the provider.
    pub(super) fn answered(adapter: &dyn Adapter, refused: Refused, sent: Instant) -> Box<Self> {
        let Refused { status, headers, body } = refused;
        // A redirect is not followed; what it says is not for the client.
        let client = (status >= 400).then(|| adapter.error(status, &body));
        let kind = client.as_ref().map_or(ErrorKind::Malformed, |client| client.kind);
        let mut failure = Self::unanswered(kind, sent);
        failure.status = status;
        failure.client = client;
        failure.advice = Advice::of(&headers, jiff::Timestamp::now());
        failure.retry_after = headers.get(header::RETRY_AFTER).cloned();
        failure.retry_after_ms = headers.get(RETRY_AFTER_MS).cloned();
        failure.should_retry = headers.get(SHOULD_RETRY).cloned();
        failure
    }
}

/// An answer with a status that is not good.
#[derive(Debug)]
pub(super) struct Refused {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Refused {
    pub(super) async fn read(response: Response<Incoming>, deadline: Instant) -> Self {
        let (head, body) = response.into_parts();
        let body = error_body(body, deadline).await;
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }
}

/// Reads an error body: at most 64 KiB and ten seconds, and not beyond `deadline`. What came until then counts.
pub(crate) async fn error_body(mut incoming: Incoming, deadline: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = incoming.frame().await {
            let bytes = frame.into_data().unwrap_or_default();
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
    };
    let deadline = deadline.min(Instant::now() + ERROR_TIME_MAX);
    if tokio::time::timeout_at(deadline, read).await.is_err() {
        tracing::debug!("an error body did not arrive in time");
    }
    body
}
