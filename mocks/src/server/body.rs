//! A response body that hands out a timeline's bytes when they are due.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::listener::Line;
use crate::log::{Outcome, Ticket};
use crate::timeline::{Ending, Step, Timeline};

/// The body of one answer. It owns the request's ticket, so the request is in flight until its last byte is handed over.
pub(super) struct PacedBody {
    bytes: Bytes,
    steps: Vec<Step>,
    ending: Ending,
    next: usize,
    sent: usize,
    start: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    line: Line,
    ticket: Option<Ticket>,
}

impl PacedBody {
    /// `start` is when the request arrived.
    pub(super) fn new(timeline: Timeline, start: Instant, stop: CancellationToken, line: Line, ticket: Ticket) -> Self {
        Self {
            bytes: Bytes::from(timeline.bytes),
            steps: timeline.steps,
            ending: timeline.ending,
            next: 0,
            sent: 0,
            start,
            sleep: None,
            stopped: Box::pin(stop.cancelled_owned()),
            line,
            ticket: Some(ticket),
        }
    }

    /// All bytes that are due by now, as one piece. The timer's resolution is a millisecond, so chunks that are due
    /// within the same one leave together, as separate events in one write.
    fn take_due(&mut self, now: Instant) -> Option<Bytes> {
        let elapsed = now.saturating_duration_since(self.start).as_micros();
        let due = self.steps.iter().skip(self.next).take_while(|step| u128::from(step.due_us) <= elapsed).count();
        let end = self.next.checked_add(due)?.checked_sub(1).and_then(|last| self.steps.get(last))?.end;
        self.next += due;
        if due == 0 || end == self.sent {
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
}

impl Stream for PacedBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.take_due(Instant::now()) {
                if this.next == this.steps.len() && this.ending == Ending::Complete {
                    this.end(Outcome::Finished);
                }
                return Poll::Ready(Some(Ok(piece)));
            }
            if this.next == this.steps.len() && this.ending == Ending::Complete {
                this.end(Outcome::Finished);
                return Poll::Ready(None);
            }
            if this.next == this.steps.len() && this.ending == Ending::Abort {
                this.line.cut();
                this.end(Outcome::Broken);
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
            }
            if this.stopped.as_mut().poll(context).is_ready() {
                // Left to its drop, the ticket says cancelled.
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
            }
            let Some(step) = this.steps.get(this.next) else {
                // Stalled: only the client or the end of the mock gets us out of here.
                return Poll::Pending;
            };
            let due = this.start + Duration::from_micros(step.due_us);
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
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

    use axum::http::HeaderMap;
    use futures_util::StreamExt;

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
        let ticket = log.open("POST", "/", &HeaderMap::new(), &Bytes::new());
        (PacedBody::new(timeline, Instant::now(), stop.clone(), Line::default(), ticket), log)
    }

    #[tokio::test(start_paused = true)]
    async fn chunks_leave_when_due_without_drift() {
        let dues: Vec<u64> = (1..=1000).map(|index| index * 3_700).collect();
        let (mut body, log) = body(&dues, Ending::Complete, &CancellationToken::new());
        let start = Instant::now();
        let mut chunks = 0;
        while let Some(piece) = body.next().await {
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
        assert_eq!(body.next().await.unwrap().unwrap(), "x\nx\nx\n");
        assert_eq!(body.next().await.unwrap().unwrap(), "x\n");
        assert!(body.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_lasts_until_the_mock_stops_and_counts_as_cancelled() {
        let stop = CancellationToken::new();
        let (mut body, log) = body(&[0], Ending::Stall, &stop);
        assert!(body.next().await.unwrap().is_ok());
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, body.next()).await.is_err());
        stop.cancel();
        assert!(body.next().await.unwrap().is_err());
        drop(body);
        assert_eq!(log.counts().cancelled, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_abort_cuts_the_line_after_its_bytes() {
        let (mut body, log) = body(&[0], Ending::Abort, &CancellationToken::new());
        let line = body.line.clone();
        assert!(body.next().await.unwrap().is_ok());
        assert!(body.next().await.unwrap().is_err());
        assert!(line.is_cut());
        assert_eq!(log.counts().broken, 1);
    }
}
