//! A provider that costs as little as it can: fixed bytes, made before the first request.
//!
//! One listener a manner of answering: OpenAI's shape for the baseline; DeepSeek's for the candidate, which may be healthy,
//! late, failing or silent. Asked, it says how many requests each listener got.

use crate::Trouble;
use crate::payload::{Vendor, WHOLE_BYTES, Wish};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Interval, MissedTickBehavior};

/// Pieces that are made beforehand; longer streams begin again.
const PIECES: u64 = 4096;
/// How late a late candidate is: as late as nginx' clients had to wait for its mirror when that was measured.
const LATE: Duration = Duration::from_millis(300);

/// How a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Healthy,
    Slow,
    Failing,
    Hanging,
}

/// Everything that is sent, ready made.
struct Script {
    vendor: Vendor,
    whole: Bytes,
    large: OnceLock<Bytes>,
    opening: Bytes,
    pieces: Vec<Bytes>,
    closing: Bytes,
}

impl Script {
    fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            whole: vendor.whole(WHOLE_BYTES).into(),
            large: OnceLock::new(),
            opening: vendor.opening().into(),
            pieces: (0..PIECES).map(|index| vendor.piece(index).into()).collect(),
            closing: vendor.closing().into(),
        }
    }

    /// An answer of `bytes`; one larger size a run is kept, so that a thousand readers share it.
    fn whole(&self, bytes: usize) -> Bytes {
        match bytes {
            WHOLE_BYTES => self.whole.clone(),
            _ => self.large.get_or_init(|| self.vendor.whole(bytes).into()).clone(),
        }
    }
}

pub(super) async fn run() -> Result<(), Trouble> {
    let baseline = Rc::new(Script::new(Vendor::OpenAi));
    let candidate = Rc::new(Script::new(Vendor::DeepSeek));
    let mut addresses = serde_json::Map::new();
    let mut counts = Vec::new();
    let local = tokio::task::LocalSet::new();
    for (name, manner) in [
        ("baseline", Manner::Healthy),
        ("healthy", Manner::Healthy),
        ("slow", Manner::Slow),
        ("failing", Manner::Failing),
        ("hanging", Manner::Hanging),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.insert(name.to_owned(), json!(listener.local_addr()?));
        let script = if name == "baseline" { Rc::clone(&baseline) } else { Rc::clone(&candidate) };
        let asked = Rc::new(Cell::new(0));
        counts.push((name, Rc::clone(&asked)));
        local.spawn_local(serve(listener, manner, script, asked));
    }
    super::answer(&serde_json::Value::Object(addresses));
    let mut questions = super::questions();
    local
        .run_until(async {
            while questions.recv().await.is_some() {
                let counts = counts.iter().map(|(name, asked)| ((*name).to_owned(), json!(asked.get()))).collect();
                super::answer(&serde_json::Value::Object(counts));
            }
        })
        .await;
    Ok(())
}

async fn serve(listener: TcpListener, manner: Manner, script: Rc<Script>, asked: Rc<Cell<u64>>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Fails only for a connection that is gone.
        drop(stream.set_nodelay(true));
        let (script, asked) = (Rc::clone(&script), Rc::clone(&asked));
        let service = service_fn(move |request| {
            asked.set(asked.get() + 1);
            respond(request, manner, Rc::clone(&script))
        });
        tokio::task::spawn_local(async move {
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    manner: Manner,
    script: Rc<Script>,
) -> Result<Response<Answer>, Infallible> {
    // A request that broke off gets the default answer, which nobody reads.
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    match manner {
        Manner::Healthy => {}
        Manner::Slow => tokio::time::sleep(LATE).await,
        Manner::Hanging => std::future::pending().await,
        Manner::Failing => {
            let error =
                r#"{"error":{"message":"Server error","type":"server_error","param":null,"code":"internal_error"}}"#;
            let mut response = typed("application/json", Answer::Whole(Bytes::from_static(error.as_bytes())));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
    }
    Ok(match Wish::of_body(std::str::from_utf8(&body).unwrap_or_default()) {
        Wish::Whole { bytes } => typed("application/json", Answer::Whole(script.whole(bytes))),
        Wish::Stream { chunks, interval_us } => {
            typed("text/event-stream", Answer::Stream(Stream::new(script, chunks, interval_us)))
        }
    })
}

fn typed(kind: &'static str, answer: Answer) -> Response<Answer> {
    let mut response = Response::new(answer);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A body of ready-made bytes.
enum Answer {
    Whole(Bytes),
    Stream(Stream),
}

struct Stream {
    script: Rc<Script>,
    /// Opening, pieces and closing that went out.
    sent: u64,
    chunks: u64,
    pace: Option<Interval>,
}

impl Stream {
    fn new(script: Rc<Script>, chunks: u64, interval_us: u64) -> Self {
        let pace = (interval_us > 0).then(|| {
            let mut pace = tokio::time::interval(Duration::from_micros(interval_us));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            pace
        });
        Self { script, sent: 0, chunks, pace }
    }

    fn next(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        // The opening leaves with the first piece, as both vendors send it; the closing with the last.
        let piece = self.sent.wrapping_sub(1);
        if self.sent > 0
            && piece < self.chunks
            && let Some(pace) = &mut self.pace
        {
            std::task::ready!(pace.poll_tick(task));
        }
        self.sent += 1;
        Poll::Ready(match piece {
            u64::MAX => Some(self.script.opening.clone()),
            piece if piece < self.chunks => self.script.pieces.get((piece % PIECES) as usize).cloned(),
            piece if piece == self.chunks => Some(self.script.closing.clone()),
            _ => None,
        })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(std::mem::take(bytes)),
            Self::Stream(stream) => std::task::ready!(stream.next(task)),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
