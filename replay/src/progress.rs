//! What a person sees while a replay runs. The library itself prints nothing: the caller hands in where to.

pub use crate::board::Live;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::Mutex;

/// Pause between two plain lines, microseconds.
const LINE_PERIOD_US: u64 = 5_000_000;

/// Told several times a second how a run goes. Failures to display are nobody's concern.
pub trait Progress: Send + Sync {
    /// A moment of the run.
    fn update(&self, live: &Live);
    /// The last one.
    fn finish(&self, live: &Live);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn update(&self, _live: &Live) {}
    fn finish(&self, _live: &Live) {}
}

/// A bar on standard error; draws nothing where that is no terminal.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that appears with the first update.
    #[must_use]
    pub fn stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} sent  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn update(&self, live: &Live) {
        if let Some(total) = live.total {
            self.0.set_length(total);
        }
        self.0.set_position(live.sent);
        self.0.set_message(numbers(live));
    }

    fn finish(&self, live: &Live) {
        self.update(live);
        self.0.finish_and_clear();
    }
}

/// A plain line every five seconds, for log files and pipes.
pub struct PlainLines {
    to: Mutex<(Box<dyn Write + Send>, u64)>,
}

impl std::fmt::Debug for PlainLines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PlainLines").finish_non_exhaustive()
    }
}

impl PlainLines {
    /// Lines to a writer, usually standard error.
    #[must_use]
    pub fn new(to: Box<dyn Write + Send>) -> Self {
        Self { to: Mutex::new((to, LINE_PERIOD_US)) }
    }

    fn line(&self, live: &Live, only_if_due: bool) {
        let Ok(mut guard) = self.to.lock() else { return };
        let (to, next_us) = &mut *guard;
        if only_if_due && live.elapsed_us < *next_us {
            return;
        }
        *next_us = live.elapsed_us + LINE_PERIOD_US;
        let _unseen = writeln!(to, "replay: {} sent  {}", of_total(live), numbers(live));
    }
}

impl Progress for PlainLines {
    fn update(&self, live: &Live) {
        self.line(live, true);
    }

    fn finish(&self, live: &Live) {
        self.line(live, false);
    }
}

/// The display that fits standard error: a bar on a terminal, else plain lines.
#[must_use]
pub fn for_stderr() -> Box<dyn Progress> {
    use std::io::IsTerminal;
    let stderr = std::io::stderr();
    if stderr.is_terminal() { Box::new(Bar::stderr()) } else { Box::new(PlainLines::new(Box::new(stderr))) }
}

fn of_total(live: &Live) -> String {
    live.total.map_or_else(|| live.sent.to_string(), |total| format!("{}/{total}", live.sent))
}

fn numbers(live: &Live) -> String {
    let dropped = if live.dropped > 0 { format!("  {} dropped", live.dropped) } else { String::new() };
    format!(
        "{} in flight  {} ok  {} failed{dropped}  lag p99 {:.1} ms  {:.1}/s",
        live.in_flight,
        live.ok,
        live.failed,
        live.lag_p99_us as f64 / 1e3,
        live.rate_per_second
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn plain_lines_come_every_five_seconds_and_at_the_end() {
        let page = Page::default();
        let lines = PlainLines::new(Box::new(page.clone()));
        for second in 0..=11 {
            lines.update(&Live { elapsed_us: second * 1_000_000, sent: second, total: Some(99), ..Live::default() });
        }
        lines.finish(&Live { elapsed_us: 11_500_000, sent: 12, total: Some(99), dropped: 3, ..Live::default() });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let sent: Vec<&str> = text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(sent, ["5/99", "10/99", "12/99"]);
        assert!(text.lines().last().unwrap().contains("3 dropped"), "{text}");
    }
}
