//! Ctrl-C and SIGTERM as a token, and SIGHUP as a wish to read the configuration again.

use std::sync::LazyLock;
use tokio_util::sync::CancellationToken;

/// Cancelled by the second signal. Once a handler is set it stays, so that nobody else would end the process.
static INSISTED: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// A token that is cancelled by the first signal. The second one ends [`insisted`]. Called once a run.
pub(crate) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        wait().await;
        cancelled.cancel();
        wait().await;
        INSISTED.cancel();
    });
    token
}

/// Waits for somebody who does not want to wait for an orderly end.
pub(crate) async fn insisted() {
    INSISTED.cancelled().await;
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupt().await;
    };
    tokio::select! {
        () = interrupt() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait() {
    interrupt().await;
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // No signals here: run until killed.
        std::future::pending::<()>().await;
    }
}

/// SIGHUPs, from the moment on at which this was made; none is missed in between.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    /// Waits for the next one; for ever where there are none.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals {
            signals.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
