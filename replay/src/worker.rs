//! Sends one request and reads its answer.

use crate::measure::{Clock, Instants};
use crate::plan::Item;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use std::time::Duration;
use wire::chat::{Answer, Fold, Seen};
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

/// What every request of a run shares.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) endpoint: Url,
    pub(crate) clock: Clock,
    pub(crate) answer_bytes_max: usize,
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
    /// An answer, complete or broken off; the error says why it failed.
    Answer(Box<Answer>, Option<ErrorKind>),
    /// An error answer, unread by the provider's rules as yet.
    Refused(Vec<u8>),
    /// No answer at all.
    Nothing(ErrorKind),
}

impl Sender {
    /// Sends the request now. `on_send` is told the instant just before it goes out.
    pub(crate) async fn exchange(&self, item: &Item, planned_us: u64, on_send: impl FnOnce(u64)) -> Received {
        let mut request = self.client.post(self.endpoint.clone()).body(item.body.clone());
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request = request.header(REQUEST_ID, item.id_header.clone());
        if let Some(session) = &item.session {
            request = request.header(CONVERSATION, session.clone());
        }
        let sent_us = self.clock.now_us();
        on_send(sent_us);
        let mut received = Received {
            instants: Instants { planned_us, sent_us, first_text_us: None, done_us: sent_us },
            status: 0,
            headers: HeaderMap::new(),
            streamed: item.streamed,
            body: Body::Nothing(ErrorKind::Connect),
            chunk_gaps_us: Vec::new(),
        };
        match request.send().await {
            Ok(response) => self.receive(response, &mut received).await,
            Err(error) => {
                received.body = Body::Nothing(if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connect });
                received.instants.done_us = self.clock.now_us();
            }
        }
        received
    }

    async fn receive(&self, mut response: Response, received: &mut Received) {
        received.status = response.status().as_u16();
        received.headers = std::mem::take(response.headers_mut());
        if ErrorKind::of_status(received.status).is_some() {
            // A refusal stays with the kind of answer that was asked for, so that streamed calls keep their failures.
            let (body, _broken) = self.whole(&mut response, received).await;
            received.body = Body::Refused(body);
            return;
        }
        received.streamed = is_event_stream(&received.headers);
        if received.streamed {
            received.body = self.stream(&mut response, received).await;
        } else {
            let (body, broken) = self.whole(&mut response, received).await;
            let mut fold = Fold::new(Endpoint::Chat, self.answer_bytes_max);
            let seen = fold.whole(&body);
            let error = broken.or(match seen {
                Seen::Malformed => Some(ErrorKind::Malformed),
                Seen::Error => Some(ErrorKind::Server),
                _ => None,
            });
            received.body = Body::Answer(Box::new(fold.answer()), error);
        }
    }

    async fn whole(&self, response: &mut Response, received: &mut Received) -> (Vec<u8>, Option<ErrorKind>) {
        let mut body = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(bytes)) if body.len() + bytes.len() > BODY_BYTES_MAX => break Some(ErrorKind::Malformed),
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break None,
                Err(error) => break Some(broken_off(&error)),
            }
        };
        received.instants.done_us = self.clock.now_us();
        (body, broken)
    }

    async fn stream(&self, response: &mut Response, received: &mut Received) -> Body {
        let mut reader = StreamReader::new(self.answer_bytes_max);
        let broken = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    let now_us = self.clock.now_us();
                    received.instants.done_us = now_us;
                    reader.take(&bytes, now_us);
                    if reader.done {
                        break None;
                    }
                    if reader.decoder.pending_bytes() > BODY_BYTES_MAX {
                        break Some(ErrorKind::Malformed);
                    }
                }
                Ok(None) => break None,
                Err(error) => {
                    received.instants.done_us = self.clock.now_us();
                    break Some(broken_off(&error));
                }
            }
        };
        if reader.done {
            // Only politeness towards the connection pool: the answer is complete, its last byte was timed above.
            let _rest =
                tokio::time::timeout(AFTER_DONE, async { while let Ok(Some(_)) = response.chunk().await {} }).await;
        }
        received.instants.first_text_us = reader.first_text_us;
        received.chunk_gaps_us = std::mem::take(&mut reader.gaps_us);
        reader.finish(broken)
    }
}

/// Bytes with arrival times in, an answer and its instants out.
struct StreamReader {
    decoder: Decoder,
    fold: Fold,
    first_text_us: Option<u64>,
    last_text_us: u64,
    gaps_us: Vec<u32>,
    done: bool,
}

impl StreamReader {
    fn new(answer_bytes_max: usize) -> Self {
        Self {
            decoder: Decoder::new(),
            fold: Fold::new(Endpoint::Chat, answer_bytes_max),
            first_text_us: None,
            last_text_us: 0,
            gaps_us: Vec::new(),
            done: false,
        }
    }

    fn take(&mut self, bytes: &Bytes, now_us: u64) {
        self.decoder.push(bytes.clone());
        while let Some(frame) = self.decoder.next_frame() {
            if let Some(data) = frame.data() {
                let seen = self.fold.chunk(data);
                self.see(seen, now_us);
            }
        }
    }

    fn see(&mut self, seen: Seen, now_us: u64) {
        match seen {
            Seen::Content | Seen::Reasoning => {
                if self.first_text_us.is_none() {
                    self.first_text_us = Some(now_us);
                } else if self.gaps_us.len() < GAPS_MAX {
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
        Body::Answer(Box::new(answer), error)
    }
}

fn broken_off(error: &reqwest::Error) -> ErrorKind {
    if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Truncated }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_text_is_neither_a_role_nor_an_empty_string_nor_a_comment() {
        let mut reader = StreamReader::new(100);
        let mut take = |text: &'static str, now_us| reader.take(&Bytes::from_static(text.as_bytes()), now_us);
        take(": keep-alive\n\n", 10);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n", 20);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_con", 30);
        take("tent\":\"hm\"}}]}\n\n", 40);
        take("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", 90);
        take("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n", 95);
        take("data: [DONE]\n\n", 99);
        assert_eq!((reader.first_text_us, reader.gaps_us.as_slice(), reader.done), (Some(40), &[50][..], true));
        assert!(matches!(reader.finish(None), Body::Answer(answer, None) if answer.text == "a"));
    }
}
