//! Ctrl-C and SIGTERM as a token.

use crate::outcome::Exit;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal. The second one ends the process at once: the handler stays in place
/// once it is set, so that nobody else would.
#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for an orderly end")]
pub(crate) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        wait().await;
        cancelled.cancel();
        wait().await;
        std::process::exit(Exit::World as i32);
    });
    token
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
