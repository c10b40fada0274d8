//! A chat server small enough to misbehave on purpose: chunked answers with pauses, broken connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a request is answered.
#[derive(Clone)]
pub(super) enum Reply {
    /// Status, extra header lines, and pieces of the body, each after its pause in milliseconds.
    Stream(u16, String, Vec<(u64, String)>),
    /// As a stream, but the connection breaks before the end of the body.
    Cut(Vec<(u64, String)>),
    /// The connection is closed without an answer.
    Close,
    /// No answer, ever.
    Hang,
}

pub(super) struct Server {
    pub(super) url: String,
    /// Heads and bodies in order of arrival.
    pub(super) seen: Arc<Mutex<Vec<(String, String)>>>,
    /// Most requests at one time.
    pub(super) most: Arc<AtomicUsize>,
    /// Connections made.
    pub(super) connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Script = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

impl Server {
    /// Answers the `n`-th request (from 0) with body `body` by `script(n, body)`.
    pub(super) async fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let connections = Arc::new(AtomicUsize::new(0));
        let script: Script = Arc::new(script);
        let task = {
            let connections = Arc::clone(&connections);
            let (seen, most) = (Arc::clone(&seen), Arc::clone(&most));
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (seen, now, most) = (Arc::clone(&seen), Arc::clone(&now), Arc::clone(&most));
                    let script = Arc::clone(&script);
                    tokio::spawn(async move { connection(socket, &script, &seen, &now, &most).await });
                }
            })
        };
        Self { url, seen, most, connections, task }
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn connection(
    mut socket: TcpStream,
    script: &Script,
    seen: &Mutex<Vec<(String, String)>>,
    now: &AtomicUsize,
    most: &AtomicUsize,
) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = request(&mut socket, &mut buffer).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push((head, body.clone()));
            seen.len() - 1
        };
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let keep = answer(&mut socket, script(number, &body), now).await;
        if !keep {
            return;
        }
    }
}

async fn request(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
                buffer.drain(..end + 4 + length);
                return Some((head, body));
            }
        }
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Whether the connection can be used again.
async fn answer(socket: &mut TcpStream, reply: Reply, now: &AtomicUsize) -> bool {
    let (status, headers, pieces, whole) = match reply {
        Reply::Stream(status, headers, pieces) => (status, headers, pieces, true),
        Reply::Cut(pieces) => (200, EVENTS.to_owned(), pieces, false),
        Reply::Close => return false,
        Reply::Hang => std::future::pending().await,
    };
    let head = format!("HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n{headers}\r\n");
    let mut last = socket.write_all(head.as_bytes()).await;
    for (pause_ms, piece) in pieces {
        if pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        last = socket.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
    }
    now.fetch_sub(1, Ordering::SeqCst);
    if whole {
        last = socket.write_all(b"0\r\n\r\n").await;
    }
    whole && last.is_ok()
}

pub(super) const EVENTS: &str = "content-type: text/event-stream\r\n";
const JSON: &str = "content-type: application/json\r\n";

fn event(json: &str) -> String {
    format!("data: {json}\n\n")
}

/// Role at once, first text after `first_ms`, `tokens` texts `gap_ms` apart, finish, usage, end mark.
pub(super) fn pieces(first_ms: u64, tokens: u64, gap_ms: u64) -> Vec<(u64, String)> {
    let delta = |delta: &str| event(&format!(r#"{{"model":"served","choices":[{{"index":0,"delta":{delta}}}]}}"#));
    let mut pieces = vec![(0, delta(r#"{"role":"assistant","content":""}"#))];
    for token in 0..tokens {
        pieces.push((if token == 0 { first_ms } else { gap_ms }, delta(r#"{"content":"ab "}"#)));
    }
    pieces.push((0, event(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#)));
    let usage =
        format!(r#"{{"prompt_tokens":10,"completion_tokens":{tokens},"prompt_tokens_details":{{"cached_tokens":4}}}}"#);
    pieces.push((0, event(&format!(r#"{{"choices":[],"usage":{usage}}}"#))));
    pieces.push((0, event("[DONE]")));
    pieces
}

pub(super) fn stream(first_ms: u64, tokens: u64, gap_ms: u64) -> Reply {
    Reply::Stream(200, EVENTS.to_owned(), pieces(first_ms, tokens, gap_ms))
}

pub(super) fn json(status: u16, body: &str) -> Reply {
    Reply::Stream(status, JSON.to_owned(), vec![(0, body.to_owned())])
}
