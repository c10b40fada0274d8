//! A provider and a client that are nothing but sockets: what is on the wire is exactly what a test writes, when it
//! writes it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Waits for something that has to come; a test that never gets there ends.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// Reads up to and including a blank line; what came behind it stays in `rest`.
async fn read_head(socket: &mut TcpStream, rest: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = rest.drain(..end + 4).collect();
            return Some(String::from_utf8(head).unwrap());
        }
        if socket.read_buf(rest).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    head.lines().find_map(value)
}

/// A provider.
pub(crate) struct Provider {
    listener: TcpListener,
    pub url: String,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// The next call, of which the request is here.
    pub(crate) async fn call(&self) -> Call {
        soon("a call of the provider", async {
            loop {
                let (mut socket, _) = self.listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                let mut body = Vec::new();
                // A connection that was opened in reserve and never used is no call.
                let Some(head) = read_head(&mut socket, &mut body).await else { continue };
                let length = header(&head, "content-length").unwrap().parse::<usize>().unwrap();
                while body.len() < length {
                    assert!(socket.read_buf(&mut body).await.unwrap() > 0, "the request broke off");
                }
                return Call { body, socket };
            }
        })
        .await
    }
}

/// One call of a provider; each has a connection of its own, which ends with the answer.
pub(crate) struct Call {
    pub body: Vec<u8>,
    socket: TcpStream,
}

impl Call {
    /// Writes bytes as they are.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The head of a stream. Everything that is sent from now on is its body, up to the end of the connection.
    pub(crate) async fn begin_stream(&mut self) {
        self.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await;
    }

    /// A whole answer, with more header lines.
    pub(crate) async fn answer(mut self, status: u16, lines: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
        self.send(format!("{head}{lines}connection: close\r\n\r\n{body}")).await;
    }

    /// Waits until the gateway has hung up.
    pub(crate) async fn hung_up(&mut self) {
        let mut rest = [0; 64];
        let end = soon("the gateway hangs up", self.socket.read(&mut rest)).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
}

/// A client that speaks HTTP/1.1 by hand.
pub(crate) struct Client {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a chat request.
    pub(crate) async fn ask(&mut self, body: &serde_json::Value) {
        self.send(request(body)).await;
    }

    /// Status and head of the next answer.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let head = soon("an answer", read_head(&mut self.socket, &mut self.unread)).await.expect("an answer");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    /// The next whole answer.
    pub(crate) async fn whole(&mut self) -> (u16, String) {
        let (status, head) = self.head().await;
        let length = header(&head, "content-length").expect("a length").parse().unwrap();
        (status, String::from_utf8(self.take(length).await).unwrap())
    }

    /// The next chunk of a body in chunks, exactly as the gateway has cut it; `None` behind the last one.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let end = loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                break end;
            }
            let more = self.unread.len() + 1;
            self.fill(more).await;
        };
        let line = self.take(end + 2).await;
        let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        let mut chunk = self.take(length + 2).await;
        chunk.truncate(length);
        (length > 0).then_some(chunk)
    }

    async fn take(&mut self, count: usize) -> Vec<u8> {
        self.fill(count).await;
        self.unread.drain(..count).collect()
    }

    async fn fill(&mut self, count: usize) {
        soon("bytes of an answer", async {
            while self.unread.len() < count {
                assert!(self.socket.read_buf(&mut self.unread).await.unwrap() > 0, "the answer broke off");
            }
        })
        .await;
    }
}

/// A chat request in HTTP/1.1.
pub(crate) fn request(body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
