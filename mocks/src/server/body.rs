//! The bodies of answers: one that is whole, and one that hands out a timeline's bytes when they are due.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::listener::Line;
use crate::log::{Outcome, Ticket};
use crate::timeline::{Ending, Step, Timeline};

/// The body of an answer.
pub(super) enum Body {
    /// It leaves in one piece, together with its headers. `None` once it is gone.
    Whole(Option<Bytes>),
    /// It takes its time.
    Paced(PacedBody),
}

impl Body {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Paced(paced) => paced.poll_piece(context).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    /// Saying that nothing more comes lets the end mark leave in the same write as the last piece.
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Paced(paced) => paced.is_complete(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Paced(_) => SizeHint::default(),
        }
    }
}

/// The body of one answer. It owns the request's ticket, so the request is in flight until its last byte is handed over.
pub(super) struct PacedBody {
    bytes: Bytes,
    steps: Arc<[Step]>,
    ending: Ending,
    next: usize,
    sent: usize,
    start: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Looked at whenever the connection wakes up, which the end of the mock makes it do.
    stop: CancellationToken,
    line: Line,
    ticket: Option<Ticket>,
}

/// What a body hands out: bytes, when each of them is due, and how it ends.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) bytes: Bytes,
    pub(super) steps: Arc<[Step]>,
    pub(super) ending: Ending,
}

impl From<Timeline> for Script {
    fn from(timeline: Timeline) -> Self {
        let Timeline { bytes, steps, ending } = timeline;
        Self { bytes: bytes.into(), steps: steps.into(), ending }
    }
}

impl PacedBody {
    /// `start` is when the request arrived.
    pub(super) fn new(script: Script, start: Instant, stop: CancellationToken, line: Line, ticket: Ticket) -> Self {
        let Script { bytes, steps, ending } = script;
        Self { bytes, steps, ending, next: 0, sent: 0, start, sleep: None, stop, line, ticket: Some(ticket) }
    }

    fn is_complete(&self) -> bool {
        self.next == self.steps.len() && self.ending == Ending::Complete
    }

    /// All bytes that are due by now, as one piece. The timer's resolution is a millisecond, so chunks that are due
    /// within the same one leave together, as separate events in one write.
    fn take_due(&mut self) -> Option<Bytes> {
        // Most pieces of an unpaced answer are due at 0, for which no clock has to be read.
        let mut elapsed_us = None;
        let mut now = || *elapsed_us.get_or_insert_with(|| self.start.elapsed().as_micros());
        let left = self.steps.get(self.next..).unwrap_or_default();
        let due = left.iter().take_while(|step| step.due_us == 0 || u128::from(step.due_us) <= now()).count();
        let end = left.get(due.checked_sub(1)?)?.end;
        self.next += due;
        if end == self.sent {
            return None;
        }
        let piece = self.bytes.slice(self.sent..end);
        self.sent = end;
        Some(piece)
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.ends(outcome);
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let piece = self.take_due();
            if self.is_complete() {
                self.end(Outcome::Finished);
                return Poll::Ready(piece.map(Ok));
            }
            if let Some(piece) = piece {
                return Poll::Ready(Some(Ok(piece)));
            }
            if self.next == self.steps.len() && self.ending == Ending::Abort {
                self.line.cut();
                self.end(Outcome::Broken);
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
            }
            if self.stop.is_cancelled() {
                // Left to its drop, the ticket says cancelled.
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
            }
            let Some(step) = self.steps.get(self.next) else {
                // Stalled: only the client or the end of the mock gets us out of here.
                return Poll::Pending;
            };
            let due = self.start + Duration::from_micros(step.due_us);
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if sleep.deadline() != due {
                sleep.as_mut().reset(due);
            }
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as WallInstant;

    use http::HeaderMap;

    use super::*;
    use crate::log::RequestLog;

    fn body(dues_us: &[u64], ending: Ending, stop: &CancellationToken) -> (PacedBody, RequestLog) {
        let mut timeline = Timeline::with_capacity(0, 0);
        for due_us in dues_us {
            timeline.bytes.extend_from_slice(b"x\n");
            timeline.due(*due_us);
        }
        timeline.ending = ending;
        let log = RequestLog::new(8, WallInstant::now());
        let ticket = log.open("POST", "/", HeaderMap::new(), &Bytes::new());
        (PacedBody::new(timeline.into(), Instant::now(), stop.clone(), Line::default(), ticket), log)
    }

    async fn next(body: &mut PacedBody) -> Option<io::Result<Bytes>> {
        std::future::poll_fn(|context| body.poll_piece(context)).await
    }

    #[tokio::test(start_paused = true)]
    async fn chunks_leave_when_due_without_drift() {
        let dues: Vec<u64> = (1..=1000).map(|index| index * 3_700).collect();
        let (mut body, log) = body(&dues, Ending::Complete, &CancellationToken::new());
        let start = Instant::now();
        let mut chunks = 0;
        while let Some(piece) = next(&mut body).await {
            assert_eq!(piece.unwrap(), "x\n");
            let late = start.elapsed().as_micros() - u128::from(dues[chunks]);
            assert!(late <= 1_000, "chunk {chunks} is {late} us late");
            chunks += 1;
        }
        assert_eq!(chunks, 1000);
        assert_eq!(log.counts().finished, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn chunks_due_together_leave_together() {
        let (mut body, _log) = body(&[0, 0, 0, 5_000], Ending::Complete, &CancellationToken::new());
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "x\nx\nx\n");
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "x\n");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_lasts_until_the_mock_stops_and_counts_as_cancelled() {
        let stop = CancellationToken::new();
        let (mut body, log) = body(&[0], Ending::Stall, &stop);
        assert!(next(&mut body).await.unwrap().is_ok());
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, next(&mut body)).await.is_err());
        stop.cancel();
        assert!(next(&mut body).await.unwrap().is_err());
        drop(body);
        assert_eq!(log.counts().cancelled, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_abort_cuts_the_line_after_its_bytes() {
        let (mut body, log) = body(&[0], Ending::Abort, &CancellationToken::new());
        let line = body.line.clone();
        assert!(next(&mut body).await.unwrap().is_ok());
        assert!(next(&mut body).await.unwrap().is_err());
        assert!(line.is_cut());
        assert_eq!(log.counts().broken, 1);
    }
}
