//! When each part of a call has to be over; pure.
//!
//! The total deadline is one point in time for all tries, waits and the answer's last byte. The headers have a
//! deadline of their own in each try, but only for streams: a provider may compute a whole answer before it sends the
//! headers, so a whole answer has until the total deadline. Silence within an answer and the first token are the
//! relay's business, because only it knows whether it is the provider or the client that is waited for.

use crate::config::Timeouts;
use tokio::time::Instant;

/// See the module's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    timeouts: Timeouts,
    streamed: bool,
    /// When everything has to be over.
    pub total: Instant,
}

impl Deadlines {
    /// Of a call that begins `now`.
    pub(super) fn begin(timeouts: Timeouts, streamed: bool, now: Instant) -> Self {
        Self { timeouts, streamed, total: now + timeouts.total }
    }

    /// When the headers of a try that begins `now` have to be there.
    pub(super) fn headers(&self, now: Instant) -> Instant {
        if self.streamed { self.total.min(now + self.timeouts.headers) } else { self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;
    use crate::config::Timeouts;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn headers_are_due_early_in_streams_only_and_never_after_the_total() {
        let second = Duration::from_secs(1);
        let timeouts =
            Timeouts { connect: second, headers: second * 3, first_token: second, idle: second, total: second * 10 };
        let now = Instant::now();
        let stream = Deadlines::begin(timeouts, true, now);
        assert_eq!(stream.headers(now), now + second * 3);
        assert_eq!(stream.headers(now + second * 9), now + second * 10);
        assert_eq!(Deadlines::begin(timeouts, false, now).headers(now), now + second * 10);
    }
}
