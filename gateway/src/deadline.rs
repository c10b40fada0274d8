//! The deadlines of an answer under way: to the first token, between two pieces, and in all.
//!
//! One timer serves all three. It runs only while the provider is waited for: time that the client takes to read is not
//! the provider's silence.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// What is said when the total has passed.
const TOTAL: &str = "the answer took longer than it may";

/// See the module's text.
pub(crate) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    /// The provider is waited for, since then.
    runs: bool,
    waiting_since: Instant,
    idle: Duration,
    total: Instant,
    /// Until the first piece of the answer proper; `None` from then on.
    first: Option<Instant>,
    reason: &'static str,
}

impl Deadline {
    /// `first` and `total` are points in time; `idle` is the longest silence.
    pub(crate) const fn new(first: Option<Instant>, idle: Duration, total: Instant) -> Self {
        Self { timer: None, runs: false, waiting_since: total, idle, total, first, reason: "" }
    }

    /// A piece came: the silence is over. `false` if it came after the total.
    pub(crate) fn heard(&mut self) -> bool {
        // Without a pause there was no wait in which the total could have been noticed.
        let waited = std::mem::replace(&mut self.runs, false);
        if waited || Instant::now() < self.total {
            return true;
        }
        self.reason = TOTAL;
        false
    }

    /// The answer proper has begun: comments of a queue are not the first token. Says whether it had not before.
    pub(crate) const fn begun(&mut self) -> bool {
        self.first.take().is_some()
    }

    /// What ran out.
    pub(crate) const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Ready when a deadline has passed. To be polled only while the provider is waited for.
    pub(crate) fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.runs, true) {
            self.waiting_since = Instant::now();
        }
        // Deadlines only ever move away, so a timer that runs is left alone; when it rings, it is set anew if there is
        // still time. A stream of a thousand pieces touches it a few times, not a thousand.
        loop {
            let timer = match &mut self.timer {
                Some(timer) => timer,
                None => {
                    let (end, _) = self.end();
                    self.timer.insert(Box::pin(tokio::time::sleep_until(end)))
                }
            };
            ready!(timer.as_mut().poll(task));
            let (end, reason) = self.end();
            if end <= Instant::now() {
                self.reason = reason;
                return Poll::Ready(());
            }
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(end);
            }
        }
    }

    /// The deadline that comes first, and what is said when it has passed.
    fn end(&self) -> (Instant, &'static str) {
        let mut end = (self.waiting_since + self.idle, "the provider went silent");
        if self.total < end.0 {
            end = (self.total, TOTAL);
        }
        match self.first {
            Some(first) if first < end.0 => (first, "the provider did not begin its answer in time"),
            _ => end,
        }
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
        assert!(deadline.heard());
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
            assert!(deadline.heard());
        }
        assert!(wait(&mut deadline).await < 2 * SECOND);
        assert_eq!(deadline.reason(), "the provider did not begin its answer in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_ends_meets_the_total() {
        let start = Instant::now();
        let mut deadline = Deadline::new(Some(start + SECOND), 3 * SECOND, start + 10 * SECOND);
        assert!(deadline.begun() && !deadline.begun());
        loop {
            tokio::select! {
                biased;
                _ = wait(&mut deadline) => break,
                () = tokio::time::sleep(SECOND) => assert!(deadline.heard()),
            }
        }
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(deadline.reason(), "the answer took longer than it may");
    }
}
