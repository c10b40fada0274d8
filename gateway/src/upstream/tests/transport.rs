//! Connections: deadlines, versions, certificates.

use super::super::Upstream;
use super::super::counters::Counters;
use super::super::link::{ConnectDeadline, Connector};
use super::{HOUR, WHOLE, body, config, send};
use crate::config::{HttpVersion, TlsRoots};
use http::Uri;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use wire::ErrorKind;

/// Connections that are never made.
#[derive(Clone)]
struct Nowhere;

impl Service<Uri> for Nowhere {
    type Response = TokioIo<tokio::net::TcpStream>;
    type Error = std::io::Error;
    type Future = std::future::Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_made_ends_with_its_deadline() {
    let counters = Arc::new(Counters::default());
    let mut connector = Connector::new(Nowhere, Duration::from_secs(5), Arc::clone(&counters));
    let begun = tokio::time::Instant::now();
    let error = connector.call(Uri::from_static("http://nowhere")).await.unwrap_err();
    assert!(error.is::<ConnectDeadline>(), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!((counters.connects.get(), counters.connect_failures.get()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_part_of_connecting() {
    // The listener takes the connection and never says a word.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("https://{}", listener.local_addr().unwrap()));
    config.timeouts.connect = Duration::from_secs(4);
    config.retry.attempts_max = 1;
    let upstream = Upstream::new(config).unwrap();
    let begun = tokio::time::Instant::now();
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, begun.elapsed().as_secs()), (ErrorKind::Connect, 4));
}

#[tokio::test]
async fn a_closed_port_is_tried_twice_and_counted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let upstream = Upstream::new(config(&format!("http://{address}"))).unwrap();
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (ErrorKind::Connect, 2));
    assert_eq!((upstream.counts().connects, upstream.counts().connect_failures), (0, 2));
}

#[tokio::test]
async fn http_2_shares_one_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let seen =
                    format!("{:?} {} {}", request.version(), request.uri(), request.headers().contains_key("host"));
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(bytes::Bytes::from(seen))))
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    let mut config = config(&format!("http://{address}/v1/"));
    config.http = HttpVersion::Two;
    let upstream = Upstream::new(config).unwrap();
    let first = send(&upstream, WHOLE).await.unwrap();
    let second = send(&upstream, WHOLE).await.unwrap();
    for sent in [first, second] {
        assert_eq!(body(sent).await, format!("HTTP/2.0 http://{address}/v1/chat/completions false"));
    }
    assert_eq!(upstream.counts().connects, 1);
}

/// A server with the test authority's certificate for `localhost`: answers one request on each connection.
fn tls_server() -> u16 {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            // A client that does not like the certificate goes away.
            if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").unwrap();
            }
        }
    });
    port
}

#[tokio::test]
async fn only_certificates_of_the_configured_roots_are_believed() {
    let port = tls_server();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(include_bytes!("authority.pem")).unwrap()).unwrap();
    for (host, roots, believed) in [
        ("localhost", TlsRoots::Own(Arc::new(roots.clone())), true),
        ("127.0.0.1", TlsRoots::Own(Arc::new(roots)), false),
        ("localhost", TlsRoots::Bundled, false),
        ("localhost", TlsRoots::System, false),
    ] {
        let mut config = config(&format!("https://{host}:{port}"));
        config.timeouts.total = HOUR;
        config.retry.attempts_max = 1;
        config.roots = roots;
        match send(&Upstream::new(config).unwrap(), WHOLE).await {
            Ok(sent) => assert!(believed && body(sent).await == "secret", "{host}"),
            Err(failure) => assert!(!believed && failure.kind == ErrorKind::Connect, "{host} {failure:?}"),
        }
    }
}
