//! The only place that prints: results to standard output, everything else to standard error.
#![expect(clippy::print_stderr, reason = "this is where printing belongs")]

use crate::logs;
use crate::outcome::Failure;
use std::io::{IsTerminal, Write};

/// Colours are for people on a terminal who did not forbid them.
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A name that a log brought along, fit for one line of a terminal: whoever wrote the log chose it.
pub(crate) fn name(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A result.
pub(crate) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that has gone away, as in `| head`, is no failure.
    let _closed =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    let _closed = out.flush();
}

/// A remark on the way.
pub(crate) fn note(text: &str) {
    if logs::is_json() {
        tracing::info!(target: logs::TARGET, "{text}");
    } else {
        eprintln!("{text}");
    }
}

/// How far a run is: one line that replaces the one before, for people on a terminal only.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{text}");
    }
}

/// Why the run failed.
pub(crate) fn failure(failure: &Failure) {
    if logs::is_json() {
        tracing::error!(target: logs::TARGET, exit_code = failure.exit as u8, "{}", failure.message);
    } else {
        eprintln!("error: {}", failure.message);
    }
}

/// Help goes to standard output, wrong usage to standard error, as clap decides.
pub(crate) fn clap_message(message: &clap::Error) {
    // A reader that has gone away, as in `| head`, is no failure.
    let _closed = message.print();
}
