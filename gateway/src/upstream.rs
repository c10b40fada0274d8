//! Calls to providers: explicit deadlines, no redirects, no system proxy, nothing of the client's headers.
//!
//! HTTP/1.1 on purpose: one connection a request. Over HTTP/2 all requests of a provider would share one connection with
//! its stream limit and its flow-control window, so a few slow readers could hold up everybody else.

use crate::config::ProviderConfig;
use bytes::Bytes;
use http::{HeaderValue, header};
use reqwest::redirect::Policy;
use wire::ErrorKind;
use wire::provider::Adapter;

/// One provider, as one purpose reaches it. Serving and mirroring have clients of their own, so that no pool and no
/// limit is shared between them.
pub(crate) struct Upstream {
    client: reqwest::Client,
    pub config: ProviderConfig,
}

impl Upstream {
    pub(crate) fn new(config: ProviderConfig) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.total_timeout)
            .redirect(Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .http1_only()
            .pool_max_idle_per_host(1024)
            .build()?;
        Ok(Self { client, config })
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        self.config.kind.adapter()
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.config.kind.name()
    }

    /// Sends a chat request; returns at the answer's headers. A provider may make a whole answer before it sends the
    /// headers, so the deadline of the first byte holds for streams only.
    pub(crate) async fn send(&self, body: Bytes, streamed: bool) -> Result<reqwest::Response, ErrorKind> {
        let deadline = if streamed { self.config.first_byte_timeout } else { self.config.total_timeout };
        let request = self
            .client
            .post(self.config.chat_url.clone())
            .header(header::AUTHORIZATION, self.config.authorization.clone())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .send();
        match tokio::time::timeout(deadline, request).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                // Without the address: it is configuration, and its query might one day hold a secret.
                let kind = kind_of(&error);
                tracing::warn!(provider = self.name(), error = %error.without_url(), "provider not reached");
                Err(kind)
            }
            Err(_) => Err(ErrorKind::Timeout),
        }
    }
}

/// What a transport error was: a deadline, or a connection that was never there or broke.
pub(crate) fn kind_of(error: &reqwest::Error) -> ErrorKind {
    if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connect }
}

/// Reads an error body, at most 64 KiB: providers' errors are short, and a page of HTML is of no use.
pub(crate) async fn error_body(mut response: reqwest::Response) -> Vec<u8> {
    const BYTES_MAX: usize = 64 * 1024;
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        let room = BYTES_MAX - body.len();
        body.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        if body.len() == BYTES_MAX {
            break;
        }
    }
    body
}
