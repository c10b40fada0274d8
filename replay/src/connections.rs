//! Connections to the target: made when they are needed, kept while they are good, never shared by two requests.
//!
//! One request on one HTTP/1.1 connection is what the common SDKs do, and what can be timed: nothing else on the
//! connection can delay it. hyper's bare connections are used rather than a client with a pool, because a replay at
//! full rate spends most of its time in the client, and because a pool sends again what it believes unsent. Here a
//! request goes out again only if the connection says that not one byte of it was taken. No redirect is followed and
//! no proxy is looked up: the target is exactly the address that was given.

use crate::error::ReplayError;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tower_service::Service;
use wire::ErrorKind;

/// Load balancers in front of providers close idle connections after 60 s or more; closing first avoids the race.
const IDLE_MAX: Duration = Duration::from_secs(50);
/// Most that is read ahead of the reader, by connection; also the bound on an answer's headers.
const READ_BUFFER_BYTES_MAX: usize = 64 * 1024;

type Body = Full<Bytes>;

/// Makes connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<HttpConnector>,
    /// Scheme and host of the target.
    target: Uri,
    deadline: Duration,
}

impl Connector {
    /// A connector to the host of `target`. Certificates are judged by the platform.
    ///
    /// # Errors
    /// The platform's certificates cannot be loaded.
    pub(crate) fn new(target: &Uri, deadline: Duration) -> Result<Self, ReplayError> {
        let failed = |error: rustls::Error| ReplayError::Client(error.to_string());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let builder = if target.scheme() == Some(&Scheme::HTTPS) {
            builder.try_with_platform_verifier().map_err(failed)?
        } else {
            // Nobody is asked for a certificate, so none has to be loaded.
            builder.with_root_certificates(rustls::RootCertStore::empty())
        };
        let mut tcp = HttpConnector::new();
        // `https` addresses pass through here too.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config(builder.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self { inner, target: target.clone(), deadline })
    }

    async fn connect(&self) -> Result<SendRequest<Body>, ErrorKind> {
        let connecting = self.inner.clone().call(self.target.clone());
        let stream = match tokio::time::timeout(self.deadline, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) => return Err(ErrorKind::Connect),
            // Nothing was sent: a deadline that passes here costs nothing.
            Err(_) => return Err(ErrorKind::Connect),
        };
        let handshake = http1::Builder::new().max_buf_size(READ_BUFFER_BYTES_MAX).handshake(stream).await;
        let (sender, connection) = handshake.map_err(|_| ErrorKind::Connect)?;
        // Its errors reach the exchange that is under way on it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

/// The connections of one runtime. There are never more of them than requests under way at one time.
#[derive(Debug)]
pub(crate) struct Connections {
    connector: Connector,
    /// The one used last is at the end.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

/// A connection in use. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Lease(SendRequest<Body>);

impl Connections {
    pub(crate) const fn new(connector: Connector) -> Self {
        Self { connector, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request and returns at the answer's headers.
    ///
    /// # Errors
    /// No connection, none in time, it broke before an answer, or what came is no HTTP.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Result<(Response<Incoming>, Lease), ErrorKind> {
        loop {
            let (mut sender, is_new) = match self.take_idle() {
                Some(sender) => (sender, false),
                // Boxed, because it is large and rare: what is sent over a kept connection must not carry it along.
                None => (Box::pin(self.connector.connect()).await?, true),
            };
            if sender.ready().await.is_err() {
                if is_new {
                    return Err(ErrorKind::Connect);
                }
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Lease(sender))),
                // The server had closed a kept connection, and nothing was sent on it.
                Err(mut error) => match error.take_message().filter(|_| !is_new) {
                    Some(unsent) => request = unsent,
                    None if error.error().is_parse() => return Err(ErrorKind::Malformed),
                    None => return Err(ErrorKind::Connect),
                },
            }
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub(crate) fn put_back(&self, lease: Lease) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(Idle { sender: lease.0, since: Instant::now() });
        }
    }

    fn take_idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().ok()?;
        let last = idle.pop()?;
        if last.since.elapsed() > IDLE_MAX {
            // Those below it have been idle for longer.
            idle.clear();
            return None;
        }
        Some(last.sender)
    }
}
