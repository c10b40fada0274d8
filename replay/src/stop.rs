//! How a caller ends a run early: first politely, then at once.

use tokio_util::sync::CancellationToken;

/// Two wishes of somebody who does not want to wait.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Send nothing more; wait for the answers that are under way, at most the drain time.
    pub sending: CancellationToken,
    /// Wait for nothing: what is under way counts as unfinished.
    pub waiting: CancellationToken,
}

impl From<CancellationToken> for Stop {
    /// The first wish alone.
    fn from(sending: CancellationToken) -> Self {
        Self { sending, waiting: CancellationToken::new() }
    }
}

impl Stop {
    /// A stop that this one causes, and that causes nothing.
    pub(crate) fn child(&self) -> Self {
        Self { sending: self.sending.child_token(), waiting: self.waiting.child_token() }
    }

    pub(crate) fn now(&self) {
        self.sending.cancel();
        self.waiting.cancel();
    }

    /// Nothing more may be sent.
    pub(crate) fn is_asked(&self) -> bool {
        self.sending.is_cancelled() || self.waiting.is_cancelled()
    }

    pub(crate) async fn asked(&self) {
        tokio::select! {
            () = self.sending.cancelled() => {}
            () = self.waiting.cancelled() => {}
        }
    }
}
