//! A door in front of a provider: it counts who comes, and can be closed, or have nobody behind it but a voice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a closed door says, and then hangs up.
const CLOSED: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Passes connections on while it is open; answers each with 503 while it is not.
pub(crate) struct Door {
    address: SocketAddr,
    is_open: Arc<AtomicBool>,
    connections: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Door {
    /// In front of a provider.
    pub(crate) async fn before(inside: SocketAddr, is_open: bool) -> Self {
        Self::new(Some(inside), is_open, CLOSED.to_owned()).await
    }

    /// Always closed, and says this, a whole HTTP answer, to everybody.
    pub(crate) async fn saying(answer: String) -> Self {
        Self::new(None, false, answer).await
    }

    async fn new(inside: Option<SocketAddr>, is_open: bool, answer: String) -> Self {
        let listener = TcpListener::bind(crate::harness::ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_open, connections) = (Arc::new(AtomicBool::new(is_open)), Arc::new(AtomicU64::new(0)));
        let (now_open, counted) = (Arc::clone(&is_open), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let inside = inside.filter(|_| now_open.load(Ordering::SeqCst));
                tokio::spawn(pass(stream, inside, answer.clone()));
            }
        });
        Self { address, is_open, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Either side may hang up at any time; that ends the passage and nothing else.
async fn pass(mut stream: TcpStream, inside: Option<SocketAddr>, answer: String) {
    if let Some(inside) = inside {
        let mut inside = TcpStream::connect(inside).await.unwrap();
        drop(copy_bidirectional(&mut stream, &mut inside).await);
        return;
    }
    let mut request = [0; 64 * 1024];
    if stream.read(&mut request).await.is_ok() && stream.write_all(answer.as_bytes()).await.is_ok() {
        // What is still under way is taken in, so that no reset overtakes the answer.
        drop(stream.shutdown().await);
        while stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {}
    }
}
