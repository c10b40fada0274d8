//! A server that notes every request as it came and answers as a test says.
//!
//! One request a connection, on threads of its own: what a target does must not depend on what the server's runtime does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Method and address, such as `GET /x?y=z`.
    pub line: String,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The request's line, the headers that are not about the connection, and the body.
    pub(crate) fn told(&self) -> String {
        let about_the_connection = ["host", "content-length", "accept-encoding"];
        let headers = self.headers.iter().filter(|(name, _)| !about_the_connection.contains(&name.as_str()));
        let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
        headers.sort();
        format!("{}\n{}\n{}", self.line, headers.concat(), self.body)
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status and body.
    Answer(u16, String),
    /// A status, further header lines, and a body.
    Headed(u16, &'static str, String),
    /// Nothing: the connection is closed.
    Drop,
}

type Handler = Box<dyn FnMut(&Request) -> Reply + Send>;

/// The server.
pub(crate) struct Fake {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    /// Starts one in clear.
    pub(crate) fn start(handler: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        Self::serve(None, Box::new(handler))
    }

    /// Starts one behind TLS.
    pub(crate) fn start_tls(
        config: rustls::ServerConfig,
        handler: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> Self {
        Self::serve(Some(Arc::new(config)), Box::new(handler))
    }

    fn serve(tls: Option<Arc<rustls::ServerConfig>>, handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let handler = Arc::new(Mutex::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, log, handler) = (tls.clone(), Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || connection(stream, tls, &log, &handler));
            }
        });
        Self { address, seen }
    }

    /// Everything that was asked so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// An address of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn connection(
    mut stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    log: &Mutex<Vec<Request>>,
    handler: &Mutex<Handler>,
) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    match tls {
        None => exchange(&mut stream, log, handler),
        Some(config) => {
            let mut session = rustls::ServerConnection::new(config).unwrap();
            exchange(&mut rustls::Stream::new(&mut session, &mut stream), log, handler);
            session.send_close_notify();
            // Whoever did not like the certificate has gone away.
            let _gone = session.complete_io(&mut stream);
        }
    }
}

fn exchange(stream: &mut (impl Read + Write), log: &Mutex<Vec<Request>>, handler: &Mutex<Handler>) {
    let Some(request) = read(stream) else { return };
    log.lock().unwrap().push(request.clone());
    let reply = (handler.lock().unwrap())(&request);
    let (status, more, body) = match reply {
        Reply::Answer(status, body) => (status, "", body),
        Reply::Headed(status, more, body) => (status, more, body),
        Reply::Drop => return,
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut lines = head.split("\r\n");
            let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
            let header = |line: &str| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_ascii_lowercase(), value.trim().to_owned())
            };
            let headers: Vec<(String, String)> = lines.map(header).collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length = length.map_or(0, |(_, value)| value.parse::<usize>().unwrap());
            while bytes.len() < end + 4 + length {
                let got = stream.read(&mut chunk).ok().filter(|got| *got > 0)?;
                bytes.extend_from_slice(&chunk[..got]);
            }
            return Some(Request { line, headers, body: String::from_utf8(bytes[end + 4..].to_vec()).unwrap() });
        }
        let got = stream.read(&mut chunk).ok().filter(|got| *got > 0)?;
        bytes.extend_from_slice(&chunk[..got]);
    }
}
