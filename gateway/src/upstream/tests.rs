//! Calls over real sockets; what is decided about them is tested beside the deciding code.

mod calls;
mod guard;
mod keys;
mod provider;
mod transport;

use super::{Failure, Sent, Upstream};
use crate::config::{BreakerConfig, HttpVersion, KeyUse, ProviderConfig, RetryConfig, Timeouts, TlsRoots};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::time::Duration;
use wire::provider::{Policy, Provider as Kind};

const HOUR: Duration = Duration::from_secs(3600);
const PATH: &str = "/chat/completions";

/// Deadlines that never pass, one retry at once, no breaker.
fn config(base_url: &str) -> ProviderConfig {
    let mut authorization = http::HeaderValue::from_static("Bearer key-1");
    authorization.set_sensitive(true);
    ProviderConfig {
        name: "test".to_owned(),
        kind: Kind::DeepSeek,
        base_url: base_url.parse().unwrap(),
        keys: vec![authorization],
        key_use: KeyUse::InTurn,
        timeouts: Timeouts { connect: HOUR, headers: HOUR, first_token: HOUR, idle: HOUR, total: HOUR },
        requests_in_flight_max: 100,
        idle_connections_max: 100,
        http: HttpVersion::One,
        roots: TlsRoots::Bundled,
        retry: RetryConfig {
            attempts_max: 2,
            budget_percent: 100.0,
            wait_max: Duration::from_secs(2),
            after_timeout: false,
        },
        breaker: None,
        policy: Policy::default(),
    }
}

const BREAKER: BreakerConfig = BreakerConfig {
    window: Duration::from_secs(10),
    minimum: 2,
    failure_percent: 50.0,
    open_for: Duration::from_secs(5),
    open_for_max: Duration::from_secs(60),
    probes: 1,
};

async fn upstream(
    acts: Vec<provider::Act>,
    change: impl FnOnce(&mut ProviderConfig),
) -> (provider::Provider, Upstream) {
    let provider = provider::Provider::start(acts).await;
    let mut config = config(&format!("http://{}/v1", provider.address));
    change(&mut config);
    (provider, Upstream::new(config).unwrap())
}

async fn send(upstream: &Upstream, streamed: bool) -> Result<Sent, Box<Failure>> {
    upstream.send(PATH, Bytes::from_static(b"{\"a\":1}"), streamed, None).await
}

/// What is asked for: a whole answer, or a stream.
const WHOLE: bool = false;
const STREAM: bool = true;

/// The whole body, so that the connection is free again.
async fn body(sent: Sent) -> String {
    let bytes = sent.response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
