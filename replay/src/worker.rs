//! Sends one request and reads its answer.

use crate::client::Route;
use crate::connections::{Connections, Connector};
use crate::measure::{Clock, Instants};
use crate::options::ReplayOptions;
use crate::plan::Item;
use bytes::{Buf, Bytes};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Sleep;
use wire::chat::{Answer, Firsts, Fold, Seen};
use wire::sse::Decoder;
use wire::{Endpoint, ErrorKind};

/// Header that carries the logged id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header that says which conversation a request belongs to.
pub(crate) const CONVERSATION: HeaderName = HeaderName::from_static("x-weighbridge-conversation");

/// Most bytes read of a whole answer, or held of an unfinished stream event: a bound against a runaway server.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most chunk gaps kept of one answer.
const GAPS_MAX: usize = 100_000;
/// How long the end of the body is waited for after the end mark, so that the connection can be used again.
const AFTER_DONE: Duration = Duration::from_secs(1);

/// What the requests of one runtime share.
#[derive(Debug)]
pub(crate) struct Sender {
    connections: Connections,
    route: Arc<Route>,
    clock: Clock,
    total_timeout: Duration,
    answer_bytes_max: usize,
}

/// How one exchange went.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) instants: Instants,
    /// HTTP status; 0 if there was no answer.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The answer came as a stream; as asked for where none came.
    pub(crate) streamed: bool,
    pub(crate) body: Body,
    pub(crate) chunk_gaps_us: Vec<u32>,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Body {
    /// A streamed answer, complete or broken off; the error says why it failed.
    Streamed(Box<Answer>, Option<ErrorKind>),
    /// A whole answer, unread as yet: reading it can wait until nobody is timed.
    Whole(Vec<u8>, Option<ErrorKind>),
    /// An error answer, unread by the provider's rules as yet.
    Refused(Vec<u8>),
    /// No answer at all.
    Nothing(ErrorKind),
}

impl Sender {
    pub(crate) fn new(connector: Connector, route: Arc<Route>, clock: Clock, options: &ReplayOptions) -> Self {
        let connections = Connections::new(connector);
        let (total_timeout, answer_bytes_max) = (options.total_timeout, options.answer_bytes_max);
        Self { connections, route, clock, total_timeout, answer_bytes_max }
    }

    /// Sends the item's request now. `on_send` is told the instant just before it goes out.
    pub(crate) async fn exchange(&self, item: &Item, planned_us: u64, on_send: impl FnOnce(u64)) -> Received {
        let request = self.request(item);
        let mut deadline = pin!(tokio::time::sleep(self.total_timeout));
        let sent_us = self.clock.now_us();
        on_send(sent_us);
        let mut received = Received {
            instants: Instants { planned_us, sent_us, firsts: Firsts::default(), done_us: sent_us },
            status: 0,
            headers: HeaderMap::new(),
            streamed: item.streamed,
            body: Body::Nothing(ErrorKind::Timeout),
            chunk_gaps_us: Vec::new(),
        };
        let answered = within(deadline.as_mut(), self.connections.send(request)).await;
        match answered.unwrap_or(Err(ErrorKind::Timeout)) {
            Ok((mut response, lease)) => {
                if self.receive(item.endpoint, &mut response, deadline, &mut received).await {
                    self.connections.put_back(lease);
                }
            }
            Err(kind) => {
                received.body = Body::Nothing(kind);
                received.instants.done_us = self.clock.now_us();
            }
        }
        received
    }

    fn request(&self, item: &Item) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(item.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.route.path(item.endpoint);
        let mut headers = self.route.headers.clone();
        headers.insert(REQUEST_ID, item.id_header.clone());
        if let Some(session) = &item.session_header {
            headers.insert(CONVERSATION, session.clone());
        }
        *request.headers_mut() = headers;
        request
    }

    /// Reads the answer. Says whether it was read to its end, so that the connection can be used again.
    async fn receive(
        &self,
        endpoint: Endpoint,
        response: &mut Response<Incoming>,
        deadline: Pin<&mut Sleep>,
        received: &mut Received,
    ) -> bool {
        received.status = response.status().as_u16();
        received.headers = std::mem::take(response.headers_mut());
        let refused = ErrorKind::of_status(received.status).is_some();
        // A refusal stays with the kind of answer that was asked for, so that streamed calls keep their failures.
        if !refused {
            received.streamed = is_event_stream(&received.headers);
            if received.streamed {
                let reader = StreamReader::new(endpoint, self.answer_bytes_max);
                return Box::pin(self.stream(reader, response.body_mut(), deadline, received)).await;
            }
        }
        let (body, broken) = self.whole(response.body_mut(), deadline, received).await;
        received.body = if refused { Body::Refused(body) } else { Body::Whole(body, broken) };
        broken.is_none()
    }

    async fn whole(
        &self,
        body: &mut Incoming,
        mut deadline: Pin<&mut Sleep>,
        received: &mut Received,
    ) -> (Vec<u8>, Option<ErrorKind>) {
        let mut bytes = Vec::new();
        let broken = loop {
            match chunk(body, deadline.as_mut()).await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_BYTES_MAX => break Some(ErrorKind::Malformed),
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(kind) => break Some(kind),
            }
        };
        received.instants.done_us = self.clock.now_us();
        (bytes, broken)
    }

    async fn stream(
        &self,
        mut reader: StreamReader,
        body: &mut Incoming,
        mut deadline: Pin<&mut Sleep>,
        received: &mut Received,
    ) -> bool {
        let mut ended = false;
        let broken = loop {
            match chunk(body, deadline.as_mut()).await {
                Ok(Some(bytes)) => {
                    let now_us = self.clock.now_us();
                    received.instants.done_us = now_us;
                    reader.take(bytes, now_us);
                    if reader.done {
                        break None;
                    }
                    if reader.decoder.pending_bytes() > BODY_BYTES_MAX {
                        break Some(ErrorKind::Malformed);
                    }
                }
                Ok(None) => {
                    ended = true;
                    break None;
                }
                Err(kind) => {
                    received.instants.done_us = self.clock.now_us();
                    break Some(kind);
                }
            }
        };
        if reader.done {
            // Only for the sake of the connection: the answer is complete, its last byte was timed above.
            ended = tokio::time::timeout(AFTER_DONE, read_out(body)).await.is_ok_and(|whole| whole);
        }
        received.instants.firsts = reader.firsts;
        received.chunk_gaps_us = std::mem::take(&mut reader.gaps_us);
        received.body = reader.finish(broken);
        ended
    }
}

/// The next bytes of a body; `None` at its end.
async fn chunk(body: &mut Incoming, mut deadline: Pin<&mut Sleep>) -> Result<Option<Bytes>, ErrorKind> {
    loop {
        match within(deadline.as_mut(), body.frame()).await {
            None => return Err(ErrorKind::Timeout),
            Some(None) => return Ok(None),
            Some(Some(Err(_))) => return Err(ErrorKind::Truncated),
            Some(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) if bytes.has_remaining() => return Ok(Some(bytes)),
                // Trailers say nothing here.
                _ => {}
            },
        }
    }
}

async fn read_out(body: &mut Incoming) -> bool {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}

/// `None` if the deadline passes first. The timer is looked at only when there is something to wait for.
async fn within<T>(deadline: Pin<&mut Sleep>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = deadline => None,
    }
}

/// Bytes with arrival times in, an answer and its instants out.
struct StreamReader {
    decoder: Decoder,
    fold: Fold,
    firsts: Firsts<u64>,
    last_text_us: u64,
    gaps_us: Vec<u32>,
    done: bool,
}

impl StreamReader {
    fn new(endpoint: Endpoint, answer_bytes_max: usize) -> Self {
        Self {
            decoder: Decoder::new(),
            fold: Fold::new(endpoint, answer_bytes_max),
            firsts: Firsts::default(),
            last_text_us: 0,
            gaps_us: Vec::new(),
            done: false,
        }
    }

    fn take(&mut self, bytes: Bytes, now_us: u64) {
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame() {
            if let Some(data) = frame.data() {
                let seen = self.fold.chunk(data);
                self.see(seen, now_us);
            }
        }
    }

    fn see(&mut self, seen: Seen, now_us: u64) {
        let has_spoken = self.firsts.text.is_some();
        self.firsts.see(seen, now_us);
        match seen {
            Seen::Content | Seen::Reasoning => {
                if has_spoken && self.gaps_us.len() < GAPS_MAX {
                    self.gaps_us.push(u32::try_from(now_us - self.last_text_us).unwrap_or(u32::MAX));
                }
                self.last_text_us = now_us;
            }
            Seen::Done => self.done = true,
            Seen::Frame | Seen::Error | Seen::Malformed => {}
        }
    }

    fn finish(self, broken: Option<ErrorKind>) -> Body {
        let answer = self.fold.answer();
        let error = broken.or_else(|| answer.fault());
        Body::Streamed(Box::new(answer), error)
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    const EVENTS: &[u8] = b"text/event-stream";
    let kind = headers.get(CONTENT_TYPE).map(|value| value.as_bytes().trim_ascii_start()).unwrap_or_default();
    kind.get(..EVENTS.len()).is_some_and(|start| start.eq_ignore_ascii_case(EVENTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_no_comment_and_text_neither_a_role_nor_an_empty_string() {
        let mut reader = StreamReader::new(Endpoint::Chat, 100);
        let mut take = |text: &'static str, now_us| reader.take(Bytes::from_static(text.as_bytes()), now_us);
        take(": keep-alive\n\n", 10);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n", 20);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_con", 30);
        take("tent\":\"hm\"}}]}\n\n", 40);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", 90);
        take("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n", 95);
        take("data: [DONE]\n\n", 99);
        let firsts = Firsts { event: Some(20), text: Some(40), visible: Some(90) };
        assert_eq!((reader.firsts, reader.gaps_us.as_slice(), reader.done), (firsts, &[50][..], true));
        assert!(matches!(reader.finish(None), Body::Streamed(answer, None) if answer.text == "a"));
    }
}
