//! A yardstick: the plainest reverse proxy that hyper makes. It parses nothing, counts nothing and keeps nothing; the same
//! runtime and allocator as the gateway.

use crate::Trouble;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Incoming>;
type Body = Either<Incoming, Empty<Bytes>>;

pub(super) async fn run(upstream: SocketAddr) -> Result<(), Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    super::answer(&json!({ "address": listener.local_addr()? }));
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    let authority: Authority = upstream.to_string().parse()?;
    let host = HeaderValue::from_str(authority.as_str())?;
    let mut questions = super::questions();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = questions.recv() => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let (client, authority, host) = (client.clone(), authority.clone(), host.clone());
        let service = service_fn(move |request| forward(client.clone(), authority.clone(), host.clone(), request));
        tokio::spawn(async move {
            // A client that goes away is no event here.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn forward(
    client: Upstream,
    authority: Authority,
    host: HeaderValue,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/healthz" {
        return Ok(Response::new(Either::Right(Empty::new())));
    }
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(authority));
    let sent = async {
        *request.uri_mut() = http::Uri::from_parts(parts)?;
        request.headers_mut().remove(header::CONNECTION);
        request.headers_mut().insert(header::HOST, host);
        Ok::<_, Trouble>(client.request(request).await?)
    };
    Ok(match sent.await {
        Ok(mut response) => {
            response.headers_mut().remove(header::CONNECTION);
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            response.map(Either::Left)
        }
        Err(_) => {
            let mut failed = Response::new(Either::Right(Empty::new()));
            *failed.status_mut() = StatusCode::BAD_GATEWAY;
            failed
        }
    })
}
