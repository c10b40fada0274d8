//! The deadlines of an answer under way: to the first token, between two pieces, and in all.
//!
//! One timer serves all three. It runs only while the provider is waited for: time that the client takes to read is not
//! the provider's silence.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// See the module's text.
pub(crate) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    runs: bool,
    idle: Duration,
    total: Instant,
    /// Until the first piece of the answer proper; `None` from then on.
    first: Option<Instant>,
    reason: &'static str,
}

impl Deadline {
    /// `first` and `total` are points in time; `idle` is the longest silence.
    pub(crate) const fn new(first: Option<Instant>, idle: Duration, total: Instant) -> Self {
        Self { timer: None, runs: false, idle, total, first, reason: "" }
    }

    /// A piece came: the silence is over.
    pub(crate) const fn heard(&mut self) {
        self.runs = false;
    }

    /// The answer proper has begun: comments of a queue are not the first token.
    pub(crate) const fn begun(&mut self) {
        self.first = None;
    }

    /// What ran out.
    pub(crate) const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Ready when a deadline has passed. To be polled only while the provider is waited for.
    pub(crate) fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.runs, true) {
            let (end, reason) = self.next(Instant::now());
            self.reason = reason;
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(end),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(end))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(task))
    }

    fn next(&self, now: Instant) -> (Instant, &'static str) {
        let idle = (now + self.idle, "the provider went silent");
        let total = (self.total, "the answer took longer than it may");
        let first = self.first.map(|first| (first, "the provider did not begin its answer in time"));
        [Some(total), first]
            .into_iter()
            .flatten()
            .fold(idle, |soonest, other| if other.0 < soonest.0 { other } else { soonest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const SECOND: Duration = Duration::from_secs(1);

    async fn wait(deadline: &mut Deadline) -> Duration {
        let start = Instant::now();
        poll_fn(|task| deadline.poll(task)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_piece() {
        let mut deadline = Deadline::new(None, 3 * SECOND, Instant::now() + 100 * SECOND);
        tokio::select! {
            () = tokio::time::sleep(2 * SECOND) => {}
            _ = wait(&mut deadline) => unreachable!("too early"),
        }
        deadline.heard();
        assert!(wait(&mut deadline).await >= 3 * SECOND);
        assert_eq!(deadline.reason(), "the provider went silent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_only_comments_does_not_put_the_first_token_off() {
        let mut deadline = Deadline::new(Some(Instant::now() + 5 * SECOND), 3 * SECOND, Instant::now() + 100 * SECOND);
        for _ in 0..2 {
            tokio::select! {
                () = tokio::time::sleep(2 * SECOND) => {}
                _ = wait(&mut deadline) => unreachable!("too early"),
            }
            deadline.heard();
        }
        assert!(wait(&mut deadline).await < 2 * SECOND);
        assert_eq!(deadline.reason(), "the provider did not begin its answer in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_ends_meets_the_total() {
        let start = Instant::now();
        let mut deadline = Deadline::new(Some(start + SECOND), 3 * SECOND, start + 10 * SECOND);
        deadline.begun();
        loop {
            tokio::select! {
                biased;
                _ = wait(&mut deadline) => break,
                () = tokio::time::sleep(SECOND) => deadline.heard(),
            }
        }
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(deadline.reason(), "the answer took longer than it may");
    }
}
