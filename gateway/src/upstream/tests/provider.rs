//! A provider for tests: real sockets, and for each request exactly the bytes or the misbehaviour that was asked for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Send this and keep the connection open.
    Answer(String),
    /// Send this and close.
    AnswerAndClose(String),
    /// Close without a word.
    Close,
    /// Send this and never say anything more.
    Hang(String),
}

pub(super) struct Provider {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// Does to the nth request, from 0, what `act` says; the last one is for all that follow.
    pub(super) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let provider = Self { address, connections: Arc::clone(&connections), requests: Arc::clone(&requests) };
        let acts = Arc::new(acts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connection(stream, Arc::clone(&acts), Arc::clone(&requests)));
            }
        });
        provider
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn connection(mut stream: TcpStream, acts: Arc<Vec<Act>>, requests: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            requests.len() - 1
        };
        match &acts[number.min(acts.len() - 1)] {
            Act::Answer(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
            Act::AnswerAndClose(bytes) => return stream.write_all(bytes.as_bytes()).await.unwrap(),
            Act::Close => return,
            Act::Hang(bytes) => {
                stream.write_all(bytes.as_bytes()).await.unwrap();
                // Until the other side gives up.
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
                return;
            }
        }
    }
}

/// One request with its body; `None` when the connection ends.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if body.len() >= length.parse().unwrap() {
            return Some(text);
        }
    }
}

/// An answer with a status line such as `200 OK`, further header lines, and a body.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

pub(super) fn good() -> Act {
    Act::Answer(answer("200 OK", "", "{}"))
}

pub(super) fn bad(status: &str, headers: &str) -> Act {
    Act::Answer(answer(status, headers, r#"{"error":{"message":"no","type":"t","param":null,"code":null}}"#))
}
