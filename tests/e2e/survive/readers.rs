//! A thousand clients that take their answers slowly, or not at all.

use super::child::serve;
use crate::harness::{chat, client, until};
use crate::raw;
use futures_util::StreamExt;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Clients by HTTP/2 over four connections; each opens its window for [`WINDOW_BYTES`] and no more.
const BY_HTTP_2: usize = 936;
const CONNECTIONS: usize = 4;
const WINDOW_BYTES: u32 = 16 * 1024;
/// Clients by HTTP/1.1 who read nothing behind the head. Fewer, because the system takes 2.5 MB for each on its own
/// account.
const BY_HTTP_1: usize = 64;
/// What a slow reader may cost: what is read ahead on the provider's connection (32 KiB), frames on their way, what waits
/// to be written (64 KiB), and the bookkeeping of two connections. Measured: 210 KiB in a debug build, at the peak.
const BYTES_A_READER_MAX: u64 = 256 * 1024;

/// A provider whose answers never end, and who is never the one that is waited for.
struct Torrent {
    url: String,
    calls: Arc<AtomicUsize>,
    bytes: Arc<AtomicU64>,
}

async fn torrent() -> Torrent {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(32 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1024).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (calls, bytes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
    let torrent = Torrent { url, calls: Arc::clone(&calls), bytes: Arc::clone(&bytes) };
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (calls, bytes) = (Arc::clone(&calls), Arc::clone(&bytes));
            tokio::spawn(async move {
                let mut request = [0; 8192];
                if socket.read(&mut request).await.is_ok_and(|length| length > 0) {
                    calls.fetch_add(1, Ordering::Relaxed);
                    // Ends when the gateway hangs up.
                    drop(pour(&mut socket, &bytes).await);
                }
            });
        }
    });
    torrent
}

async fn pour(socket: &mut TcpStream, bytes: &AtomicU64) -> std::io::Result<()> {
    let word = "w".repeat(4000);
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]});
    let frames = format!("data: {chunk}\n\n").repeat(4);
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await?;
    loop {
        socket.write_all(frames.as_bytes()).await?;
        bytes.fetch_add(frames.len() as u64, Ordering::Relaxed);
    }
}

impl Torrent {
    /// Nothing flows any more: every buffer on the way is full. `check` is asked on the way.
    async fn stands_still(&self, check: impl Fn()) {
        let mut last = 0;
        loop {
            check();
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = self.bytes.load(Ordering::Relaxed);
            if now == last {
                return;
            }
            last = now;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_readers_cost_a_bounded_amount_of_memory() {
    let torrent = torrent().await;
    // Should it ever take more than this, it ends before the machine does.
    let served = serve(&torrent.url, "", Some("ulimit -v 6000000"));
    let body = chat("tell me everything", &json!({"stream": true}));
    let rest_bytes = served.memory_bytes("VmRSS");

    let mut answers = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = reqwest::Client::builder()
            .http2_prior_knowledge()
            .http2_initial_stream_window_size(WINDOW_BYTES)
            .http2_initial_connection_window_size(64 * 1024 * 1024)
            .build()
            .unwrap();
        let asked = (0..BY_HTTP_2 / CONNECTIONS).map(|_| client.post(served.url()).json(&body).send());
        answers.extend(futures_util::future::join_all(asked).await);
    }
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status() == 200)));
    let mut sockets = Vec::new();
    for _ in 0..BY_HTTP_1 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut socket = socket.connect(served.address).await.unwrap();
        socket.write_all(raw::request(&body).as_bytes()).await.unwrap();
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        sockets.push(socket);
    }
    let readers = BY_HTTP_2 + BY_HTTP_1;
    until("every answer has begun", || torrent.calls.load(Ordering::Relaxed) == readers).await;
    let a_reader = || (served.memory_bytes("VmHWM") - rest_bytes) / readers as u64;
    torrent.stands_still(|| assert!(a_reader() <= BYTES_A_READER_MAX, "{} bytes a reader", a_reader())).await;
    crate::command::say(&format!("{readers} slow readers: {} KiB each", a_reader() / 1024));

    // And nobody else has to wait for them.
    let client = client();
    let mut pieces = client.post(served.url()).json(&body).send().await.unwrap().bytes_stream();
    let mut read = 0;
    while read < 1_000_000 {
        read += pieces.next().await.unwrap().unwrap().len();
    }
}
