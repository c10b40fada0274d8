//! The log: standard error, as lines for people or, for a gateway that is told so, as JSON objects for programs.
//!
//! A program that reads the log must be able to read all of it. So with JSON everything that this process writes to standard
//! error is a line of the log: remarks, the reason of a failure, and panics too.

use crate::args::LogFormat;
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// Where remarks of the command itself come from.
pub(crate) const TARGET: &str = "weighbridge";

/// Set once, when the log begins.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Whether standard error is for a program.
pub(crate) fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Begins the log. `WEIGHBRIDGE_LOG` sets what is shown, in the usual filter syntax; without it, what `level` says.
pub(crate) fn start(level: &str, format: LogFormat) {
    let wanted = std::env::var("WEIGHBRIDGE_LOG").ok().filter(|wanted| !wanted.is_empty());
    let (filter, wrong) = match wanted.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(level), Some(error)),
        None => (EnvFilter::new(level), None),
    };
    let begun = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            begun.with_ansi(std::io::stderr().is_terminal() && !no_colour).init();
        }
        LogFormat::Json => {
            begun.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
            std::panic::set_hook(Box::new(panicked));
        }
    }
    // Only the first word counts, and nobody has said another one.
    FORMAT.get_or_init(|| format);
    if let Some(error) = wrong {
        tracing::warn!(target: TARGET, %error, "WEIGHBRIDGE_LOG is no filter and is not used; expected one such as info,gateway=debug");
    }
}

/// One line instead of the several that a panic prints by itself.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let why = panic.payload_as_str().unwrap_or("for a reason that is no text");
    tracing::error!(target: TARGET, place, "panicked: {why}");
}
