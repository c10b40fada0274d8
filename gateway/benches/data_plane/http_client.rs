//! A blocking HTTP/1.1 connection that writes prepared bytes and reads answers.
//!
//! Blocking on purpose: one thread a connection costs one system call each way and wakes at its planned instant with the
//! kernel's precision (an event loop's timers tick in milliseconds), so the generator stays far below what it measures.

use crate::Trouble;
use httparse::Status;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const BUFFER_BYTES: usize = 32 * 1024;
/// Longest that a read may wait. Nothing that is measured takes as long.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 })
    }

    /// Gives the socket out, for readers that go their own way.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Writes a complete request.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<(), Trouble> {
        Ok(self.stream.write_all(request)?)
    }

    /// Reads one complete answer; its body goes to `sink` as it arrives. Returns the status.
    pub(crate) fn receive(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<u16, Trouble> {
        let (status, framing) = self.head()?;
        match framing {
            Framing::Length(length) => self.pass(length, sink)?,
            Framing::Chunked => self.chunks(sink)?,
        }
        Ok(status)
    }

    fn head(&mut self) -> Result<(u16, Framing), Trouble> {
        loop {
            if self.start < self.end {
                let mut headers = [httparse::EMPTY_HEADER; 48];
                let mut response = httparse::Response::new(&mut headers);
                if let Status::Complete(length) = response.parse(&self.buffer[self.start..self.end])? {
                    let status = response.code.unwrap_or(0);
                    let framing = framing(response.headers)?;
                    self.start += length;
                    return Ok((status, framing));
                }
            }
            self.fill()?;
        }
    }

    fn chunks(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<(), Trouble> {
        loop {
            let size = match httparse::parse_chunk_size(&self.buffer[self.start..self.end]) {
                Ok(Status::Complete((line, size))) => {
                    self.start += line;
                    usize::try_from(size)?
                }
                Ok(Status::Partial) => {
                    self.fill()?;
                    continue;
                }
                Err(_) => return Err("a chunk has no size".into()),
            };
            self.pass(size, sink)?;
            // The line end behind each chunk; trailers are not sent by anybody here.
            self.pass(2, &mut |_| {})?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn pass(&mut self, mut left: usize, sink: &mut dyn FnMut(&[u8])) -> Result<(), Trouble> {
        while left > 0 {
            if self.start == self.end {
                self.fill()?;
            }
            let taken = left.min(self.end - self.start);
            sink(&self.buffer[self.start..self.start + taken]);
            self.start += taken;
            left -= taken;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<(), Trouble> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err("the connection was closed in the middle of an answer".into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }
}

fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, Trouble> {
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            return Ok(Framing::Length(std::str::from_utf8(header.value)?.trim().parse()?));
        }
        if header.name.eq_ignore_ascii_case("transfer-encoding") && header.value.ends_with(b"chunked") {
            return Ok(Framing::Chunked);
        }
    }
    Err("an answer has neither a length nor chunks".into())
}

/// One GET on a connection of its own; `None` if nobody answers with 200.
pub(crate) fn get_ok(address: SocketAddr, path: &str) -> Option<()> {
    let mut connection = Connection::open(address).ok()?;
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").as_bytes()).ok()?;
    (connection.receive(&mut |_| {}).ok()? == 200).then_some(())
}
