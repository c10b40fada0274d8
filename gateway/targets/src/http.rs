//! Calls of other people's servers: with deadlines, bounded answers, no redirects, and no proxy that nobody named.
//!
//! What matters after a call that failed is whether the other side may have acted on it. A connection that never came
//! about is told apart from one that was lost, after which only reading again says what is in force.

use crate::TargetError;
use reqwest::{RequestBuilder, StatusCode, Url, header};
use std::error::Error as _;
use std::time::Duration;

/// From the first byte sent to the last one received.
const CALL: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// Longest answer, bytes. Objects of a cluster are at most 1.5 MiB, and who manages which field comes on top.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// An HTTP address without user name, password and fragment.
pub(crate) fn address(text: &str, example: &str) -> Result<Url, TargetError> {
    // Text that is no address may still hold a password: it is not repeated.
    let wrong = |why: &str| TargetError::Usage(format!("the target {why}: expected an address such as {example}"));
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no address ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("does not lead to a server by http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password, which belong into variables"));
    }
    if url.fragment().is_some() {
        return Err(wrong("has a fragment (`#`)"));
    }
    Ok(url)
}

/// The address as people may see it: a query may be a secret.
pub(crate) fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    if url.query().is_some() { format!("{shown}?(hidden)") } else { shown.to_string() }
}

/// Whether an address leads to this machine only, so that what travels in clear is seen by nobody else.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A builder with the bounds that every call has.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .timeout(CALL)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("weighbridge/", env!("CARGO_PKG_VERSION")))
}

/// The client, or why there is none.
pub(crate) fn built(builder: reqwest::ClientBuilder, whose: &str) -> Result<reqwest::Client, TargetError> {
    builder.build().map_err(|error| TargetError::Usage(format!("cannot set up calls of {whose}: {}", cause(error))))
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// No whole answer came.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// There was no connection: nothing has happened.
    Unreachable(String),
    /// It broke or took too long: the other side may have acted.
    Lost(String),
}

impl Unanswered {
    /// For a call that changes nothing.
    pub(crate) fn while_reading(self, whose: &str) -> TargetError {
        match self {
            Self::Unreachable(why) => TargetError::World(format!("cannot reach {whose}: {why}")),
            Self::Lost(why) => TargetError::World(format!("the answer of {whose} broke off: {why}; try again")),
        }
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn call(request: RequestBuilder) -> Result<Answer, Unanswered> {
    let mut response = request.send().await.map_err(|error| {
        if error.is_connect() || error.is_builder() {
            Unanswered::Unreachable(cause(error))
        } else {
            Unanswered::Lost(cause(error))
        }
    })?;
    let status = response.status();
    if status.is_redirection() {
        // Told as an answer: a redirect to a login page is an error of the address, and a token is not carried along.
        return Ok(Answer { status, body: Vec::new() });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Unanswered::Lost(cause(error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered::Lost(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// The chain of causes, without the address, whose query may be a secret.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        source = inner.source();
    }
    words
}

/// A header that is not shown.
pub(crate) fn hidden(text: &str, what: &str) -> Result<header::HeaderValue, TargetError> {
    let mut value = header::HeaderValue::from_str(text)
        .map_err(|_| TargetError::Usage(format!("{what} has characters that no header may carry")))?;
    value.set_sensitive(true);
    Ok(value)
}
