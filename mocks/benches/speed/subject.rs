//! Those that answer: the mock, and the plainest servers of hyper and axum.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mocks::{Latency, Length, MockConfig, Profile, Provider};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::{Scenario, Trouble, say};

const FIRST_TOKEN_MS: u32 = 20;
const GAP_MS: u32 = 2;
const TOKENS: u32 = 16;

/// Serves until standard input is closed or the process is ended.
pub(crate) fn serve(subject: &str, scenario: Scenario) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match subject {
            "mock" => mock(scenario).await,
            "axum" => axum_server(scenario).await,
            _ => hyper_server(scenario).await,
        }
    })
}

async fn mock(scenario: Scenario) -> Result<(), Trouble> {
    let exactly = |median_ms: u32| Latency { median_ms: f64::from(median_ms), sigma: 0.0 };
    let profile = Profile {
        time_scale: if scenario.paced { 1.0 } else { 0.0 },
        first_token: exactly(FIRST_TOKEN_MS),
        gap: exactly(GAP_MS),
        answer: Length { median_tokens: f64::from(TOKENS), sigma: 0.0, tokens_max: u64::from(TOKENS) },
        ..Profile::instant()
    };
    // As `weighbridge mock` has it: nobody looks at the log.
    let config = MockConfig { profile, log_capacity: 0, ..MockConfig::instant(Provider::OpenAi) };
    let mock = mocks::start(([127, 0, 0, 1], 0).into(), config).await?;
    say(&mock.addr.to_string());
    std::future::pending().await
}

/// The bytes that the plain servers answer with: as many and of the same kind as the mock's.
struct Fixed {
    whole: Bytes,
    frames: Vec<Bytes>,
    /// All frames as one.
    all: Bytes,
    paced: bool,
}

impl Fixed {
    fn new(scenario: Scenario) -> Arc<Self> {
        let head = r#"{"id":"chatcmpl-0123456789abcdefghijklmnopqrs","object":"chat.completion.chunk","created":1795000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":["#;
        let usage = r#"{"prompt_tokens":13,"completion_tokens":16,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;
        let delta = |delta: &str, reason: &str| {
            let choice = format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}"#);
            Bytes::from(format!("data: {head}{choice}],\"usage\":null,\"obfuscation\":\"kG7dPq2xVn9\"}}\n\n"))
        };
        let mut frames = vec![delta(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
        frames.extend((0..TOKENS).map(|_| delta(r#"{"content":" word"}"#, "null")));
        frames.push(delta("{}", "\"stop\""));
        frames.push(Bytes::from(format!("data: {head}],\"usage\":{usage}}}\n\ndata: [DONE]\n\n")));
        let message = r#"{"role":"assistant","content":"Sixteen tokens of plain and simple text, to be as long as the other.","refusal":null,"annotations":[]}"#;
        let choice = format!(r#"{{"index":0,"message":{message},"logprobs":null,"finish_reason":"stop"}}"#);
        let whole = Bytes::from(format!("{head}{choice}],\"usage\":{usage}}}"));
        let all = Bytes::from(frames.concat());
        Arc::new(Self { whole, frames, all, paced: scenario.paced })
    }

    /// The frames at their time, or all at once.
    fn stream(self: Arc<Self>) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let start = Instant::now();
        unfold((self, 0_u32), move |(fixed, at)| async move {
            if !fixed.paced {
                let all = (at == 0).then(|| fixed.all.clone());
                return all.map(|all| (Ok(all), (fixed, 1)));
            }
            let frame = fixed.frames.get(at as usize)?.clone();
            // The role leaves with the first token, and the end with the last one.
            let token = at.saturating_sub(1).min(TOKENS - 1);
            sleep_until(start + Duration::from_millis(u64::from(FIRST_TOKEN_MS + GAP_MS * token))).await;
            Some((Ok(frame), (fixed, at + 1)))
        })
    }
}

async fn hyper_server(scenario: Scenario) -> Result<(), Trouble> {
    let fixed = Fixed::new(scenario);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&listener.local_addr()?.to_string());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let fixed = Arc::clone(&fixed);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let fixed = Arc::clone(&fixed);
                async move {
                    request.into_body().collect().await?;
                    let body: UnsyncBoxBody<Bytes, Infallible> = if scenario.stream {
                        let stream = futures_util::StreamExt::map(fixed.stream(), |piece| piece.map(Frame::data));
                        StreamBody::new(stream).boxed_unsync()
                    } else {
                        Full::new(fixed.whole.clone()).boxed_unsync()
                    };
                    Ok::<_, hyper::Error>(Response::new(body))
                }
            });
            // A connection that ends, ends.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
        });
    }
}

async fn axum_server(scenario: Scenario) -> Result<(), Trouble> {
    let fixed = Fixed::new(scenario);
    let answer = move |_body: Bytes| {
        let fixed = Arc::clone(&fixed);
        async move {
            if scenario.stream {
                axum::body::Body::from_stream(fixed.stream())
            } else {
                axum::body::Body::from(fixed.whole.clone())
            }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&listener.local_addr()?.to_string());
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream: &mut tokio::net::TcpStream| {
        stream.set_nodelay(true).unwrap_or_default();
    });
    Ok(axum::serve(listener, Router::new().fallback(answer)).await?)
}
