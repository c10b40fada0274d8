//! The HTTP client of one provider for one purpose: hyper's own, with everything prepared that can be.
//!
//! Addresses and headers are parsed once; a request clones counted references. No redirect is followed and no proxy
//! is looked up in the environment: a provider is exactly the address that is configured. Nothing of the client's
//! headers comes here.
//!
//! Connections are kept open for less than providers keep them, so that they seldom close one just when it is used.
//! When that happens nevertheless the request goes out once more on another connection.

use super::counters::Counters;
use super::link::{Connector, Memory};
use crate::config::{HttpVersion, ProviderConfig, TlsRoots};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Paths of the endpoints below the base URL; another one is put together when it is asked for.
const PATHS: [&str; 5] = ["/chat/completions", "/completions", "/embeddings", "/responses", "/moderations"];
/// Load balancers in front of providers close idle connections after 60 s or more.
const IDLE_MAX: Duration = Duration::from_secs(55);
/// A kept connection that was already dead says so within this time. Later the provider may have begun on the request, and
/// to send it again is a matter of the retry budget.
const STALE_WITHIN: Duration = Duration::from_secs(1);
/// Most that is read ahead of a slow reader, by connection; also the bound on an answer's headers.
const READ_BUFFER_BYTES_MAX: usize = 32 * 1024;
/// The same for one HTTP/2 stream, and for all streams of a connection.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// How a dead peer is found out on connections without traffic.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why calls to a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The certificates that it would be judged by cannot be loaded.
    #[error(
        "providers.{provider}: TLS cannot be set up: {source}; if the system has no certificates, set tls_roots = \
         \"bundled\" or name a ca_file"
    )]
    Tls {
        /// Name of the provider's section.
        provider: String,
        /// Cause.
        source: rustls::Error,
    },
    /// The base URL cannot be extended by a path.
    #[error("providers.{provider}.base_url cannot be used: {source}")]
    Address {
        /// Name of the provider's section.
        provider: String,
        /// Cause.
        source: http::Error,
    },
}

/// No answer came.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// The answer broke the rules of HTTP; else the connection was not there or broke.
    pub malformed: bool,
    /// The chain of causes, without the address.
    pub why: String,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Client {
    inner: legacy::Client<Connector<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    headers: HeaderMap,
    base: String,
    addresses: Vec<(&'static str, Uri)>,
    counters: Arc<Counters>,
}

impl Client {
    pub(super) fn new(config: &ProviderConfig, counters: Arc<Counters>) -> Result<Self, UpstreamError> {
        let base = config.base_url.to_string().trim_end_matches('/').to_owned();
        let mut addresses = Vec::with_capacity(PATHS.len());
        for path in PATHS {
            let address = address(&base, path)
                .map_err(|source| UpstreamError::Address { provider: config.name.clone(), source })?;
            addresses.push((path, address));
        }
        let tls = tls(&config.roots, is_encrypted(&config.base_url))
            .map_err(|source| UpstreamError::Tls { provider: config.name.clone(), source })?;
        let connector = Connector::new(https(tls, config.http), config.timeouts.connect, Arc::clone(&counters));
        let inner = pool(config).build(connector);
        Ok(Self { inner, headers: headers(config), base, addresses, counters })
    }

    /// Sends `body` by POST and returns at the answer's headers.
    pub(super) async fn post(
        &self,
        path: &'static str,
        body: Bytes,
        authorization: Option<&HeaderValue>,
        beside: Option<&HeaderMap>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let address = self.address(path)?;
        let start = Instant::now();
        match self.inner.request(self.request(address.clone(), body.clone(), authorization, beside)).await {
            Ok(response) => Ok(response),
            Err(error) if went_stale(&error) && start.elapsed() < STALE_WITHIN => {
                self.counters.resends.add_one();
                let again = self.inner.request(self.request(address, body, authorization, beside));
                again.await.map_err(|error| Unanswered::from(&error))
            }
            Err(error) => Err(Unanswered::from(&error)),
        }
    }

    fn request(
        &self,
        address: Uri,
        body: Bytes,
        authorization: Option<&HeaderValue>,
        beside: Option<&HeaderMap>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = address;
        *request.headers_mut() = self.headers.clone();
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        for (name, value) in beside.into_iter().flatten() {
            request.headers_mut().insert(name, value.clone());
        }
        request
    }

    fn address(&self, path: &'static str) -> Result<Uri, Unanswered> {
        if let Some((_, address)) = self.addresses.iter().find(|(known, _)| *known == path) {
            return Ok(address.clone());
        }
        address(&self.base, path).map_err(|error| Unanswered { malformed: true, why: error.to_string() })
    }
}

impl From<&legacy::Error> for Unanswered {
    fn from(error: &legacy::Error) -> Self {
        let mut why = error.to_string();
        let mut malformed = false;
        let mut cause = error.source();
        while let Some(error) = cause {
            why = format!("{why}: {error}");
            malformed |= error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
            cause = error.source();
        }
        Self { malformed, why }
    }
}

/// The provider closed a connection that had been kept open, just when it was used again. What hyper knows not to
/// have been sent at all it sends again by itself; this is what was on its way already.
fn went_stale(error: &legacy::Error) -> bool {
    let Some(info) = error.connect_info().filter(|info| !info.is_negotiated_h2() && !error.is_connect()) else {
        return false;
    };
    let mut extras = http::Extensions::new();
    info.get_extras(&mut extras);
    extras.get::<Memory>().is_some_and(Memory::went_stale)
}

fn address(base: &str, path: &str) -> Result<Uri, http::Error> {
    format!("{base}{path}").parse().map_err(http::Error::from)
}

fn headers(config: &ProviderConfig) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    // HTTP/2 has the host in the address.
    if config.http == HttpVersion::One
        && let Some(host) = host(&config.base_url)
    {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    // Bytes are passed on as they come, so they must not come compressed.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("weighbridge/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers
}

/// Host and port, without a port that the scheme implies.
fn host(base: &Uri) -> Option<HeaderValue> {
    let host = base.host()?;
    match (base.port_u16(), base.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => HeaderValue::from_str(host).ok(),
        (Some(port), _) => HeaderValue::from_str(&format!("{host}:{port}")).ok(),
    }
}

fn pool(config: &ProviderConfig) -> legacy::Builder {
    let mut pool = plain_pool(config.idle_connections_max);
    if config.http != HttpVersion::One {
        pool.http2_only(config.http == HttpVersion::Two)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    }
    pool
}

fn plain_pool(idle_connections_max: usize) -> legacy::Builder {
    let mut pool = legacy::Client::builder(TokioExecutor::new());
    pool.timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(idle_connections_max)
        .retry_canceled_requests(true)
        .http1_max_buf_size(READ_BUFFER_BYTES_MAX);
    pool
}

/// A client for whoever is asked beside the providers: connections and trust are the same, headers, deadlines and
/// counters are the caller's business.
pub(crate) type PlainClient = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sets one up for one address; connects to nothing.
///
/// # Errors
/// The certificates that it would judge by cannot be loaded.
pub(crate) fn plain_client(
    address: &Uri,
    roots: &TlsRoots,
    idle_connections_max: usize,
) -> Result<PlainClient, rustls::Error> {
    let tls = tls(roots, is_encrypted(address))?;
    Ok(plain_pool(idle_connections_max).build(https(tls, HttpVersion::One)))
}

fn is_encrypted(address: &Uri) -> bool {
    address.scheme_str() != Some("http")
}

fn https(tls: ClientConfig, version: HttpVersion) -> HttpsConnector<HttpConnector> {
    let mut tcp = HttpConnector::new();
    // The scheme is checked above: `https` addresses pass through here too.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE_INTERVAL));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    match version {
        HttpVersion::One => builder.enable_http1().wrap_connector(tcp),
        HttpVersion::Two => builder.enable_http2().wrap_connector(tcp),
        HttpVersion::Negotiated => builder.enable_all_versions().wrap_connector(tcp),
    }
}

fn tls(roots: &TlsRoots, encrypted: bool) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder = match roots {
        // Nobody is asked for a certificate, so none has to be read.
        _ if !encrypted => builder.with_root_certificates(RootCertStore::empty()),
        TlsRoots::System => builder.try_with_platform_verifier()?,
        TlsRoots::Bundled => builder.with_webpki_roots(),
        TlsRoots::Own(roots) => builder.with_root_certificates(Arc::clone(roots)),
    };
    Ok(builder.with_no_client_auth())
}
