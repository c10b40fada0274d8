//! A server small enough not to be the bottleneck: one thread, canned answers. Other paths than `/arrivals` are
//! answered by their first segment, `plain` or `stream`.

use crate::Fault;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::time::Sleep;

const WHOLE: &str = r#"{"id":"a","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#;
const FIRST: &str =
    "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
const LAST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":16}}\n\ndata: [DONE]\n\n";
/// Streamed answers: first text, texts, pause between two.
const FIRST_TEXT: Duration = Duration::from_millis(20);
const TEXTS: u32 = 16;
const PAUSE: Duration = Duration::from_millis(2);

/// When requests arrived, microseconds; `None` while nobody wants to know.
type Arrivals = Arc<Mutex<Option<Vec<u64>>>>;
type Answer = Response<Either<Full<Bytes>, Paced>>;

/// Serves until killed. Prints its address first.
#[expect(clippy::print_stdout, reason = "the parent reads the address")]
pub(crate) fn run() -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        let (arrivals, begun) = (Arrivals::default(), Instant::now());
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let arrivals = Arc::clone(&arrivals);
            let service = service_fn(move |request| {
                let at_us = begun.elapsed().as_micros() as u64;
                answer(request, Arc::clone(&arrivals), at_us)
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            tokio::spawn(connection);
        }
    })
}

async fn answer(request: Request<Incoming>, arrivals: Arrivals, at_us: u64) -> Result<Answer, hyper::Error> {
    let path = request.uri().path();
    if path == "/arrivals" {
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = arrivals.take().unwrap_or_default();
        *arrivals = (request.method() == Method::POST).then(Vec::new);
        let text: String = seen.iter().map(|at_us| format!("{at_us}\n")).collect();
        return Ok(Response::new(Either::Left(Full::from(text))));
    }
    let streamed = path.starts_with("/stream");
    if let Some(arrivals) = arrivals.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        arrivals.push(at_us);
    }
    request.into_body().collect().await?;
    let (kind, body) = if streamed {
        ("text/event-stream", Either::Right(Paced::new()))
    } else {
        ("application/json", Either::Left(Full::from(WHOLE)))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
    Ok(response)
}

/// A streamed answer.
pub(crate) struct Paced {
    sent: u32,
    due: tokio::time::Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Paced {
    fn new() -> Self {
        let due = tokio::time::Instant::now() + FIRST_TEXT;
        Self { sent: 0, due, sleep: Box::pin(tokio::time::sleep_until(due)) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let text = match self.sent {
            0 => FIRST,
            sent if sent <= TEXTS => {
                if self.sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.due += PAUSE;
                let due = self.due;
                self.sleep.as_mut().reset(due);
                TEXT
            }
            sent if sent == TEXTS + 1 => LAST,
            _ => return Poll::Ready(None),
        };
        self.sent += 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}

/// The server as a process of its own.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) url: String,
}

impl Child {
    pub(crate) fn start() -> Result<Self, Fault> {
        let mut process = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        Ok(Self { process, url: url.trim().to_owned() })
    }

    /// Forgets arrivals and notes new ones.
    pub(crate) fn listen(&self) -> Result<(), Fault> {
        self.call("POST").map(drop)
    }

    /// When requests arrived, microseconds.
    pub(crate) fn arrivals(&self) -> Result<Vec<u64>, Fault> {
        let answer = self.call("GET")?;
        let body = answer.split_once("\r\n\r\n").ok_or("no body")?.1;
        Ok(body.lines().filter_map(|line| line.parse().ok()).collect())
    }

    fn call(&self, method: &str) -> Result<String, Fault> {
        let address = self.url.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address)?;
        write!(socket, "{method} /arrivals HTTP/1.0\r\nhost: a\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
