//! What a person sees while a replay runs. The library itself prints nothing: the caller hands in where to.
//!
//! On a terminal a few lines stay in place and change; elsewhere a plain line comes every five seconds. There is no
//! colour in either, and nothing of a request: only counts, times and money.

pub use crate::board::Live;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use wire::price::decimal;

/// Pause between two plain lines, microseconds.
const LINE_PERIOD_US: u64 = 5_000_000;
/// Kinds of errors that are named; the rest is summed up.
const KINDS_MAX: usize = 3;

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

/// A bar and a few lines on standard error; draws nothing where that is no terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    styled: AtomicBool,
}

impl Bar {
    /// A bar that appears with the first update.
    #[must_use]
    pub fn stderr() -> Self {
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()), styled: AtomicBool::new(false) }
    }

    /// How much is left can be drawn only where the length is known.
    fn style(&self, live: &Live) {
        if self.styled.swap(true, Ordering::Relaxed) {
            return;
        }
        let template =
            if live.total.is_some() { "{bar:40} {pos}/{len} sent\n{msg}" } else { "{spinner} {pos} sent\n{msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }
}

impl Progress for Bar {
    fn update(&self, live: &Live) {
        self.style(live);
        if let Some(total) = live.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(live.sent);
        self.bar.set_message(block(live));
        self.bar.tick();
    }

    fn finish(&self, live: &Live) {
        self.update(live);
        self.bar.finish_and_clear();
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

fn ms(us: u64) -> String {
    format!("{:.1} ms", us as f64 / 1e3)
}

/// The lines below the bar.
fn block(live: &Live) -> String {
    let rate = format!("{:.1}/s now, {:.1}/s so far{}", live.rate_now_per_second, live.rate_per_second, planned(live));
    let mut lines = vec![
        format!("  rate       {rate}, {:.0} s gone", live.elapsed_us as f64 / 1e6),
        format!("  lag        p99 {}, {} in flight{}", ms(live.lag_p99_us), live.in_flight, dropped(live)),
        format!("  answers    {} ok, {}", live.ok, failed(live)),
    ];
    if let Some(ttft) = ttft(live) {
        lines.push(format!("  TTFT       {ttft}"));
    }
    if let Some(money) = money(live) {
        lines.push(format!("  money      {money}"));
    }
    lines.join("\n")
}

/// All of it in one line.
fn numbers(live: &Live) -> String {
    let mut text = format!(
        "{:.1}/s now  {:.1}/s so far{}  lag p99 {}  {} in flight{}  {} ok  {}",
        live.rate_now_per_second,
        live.rate_per_second,
        planned(live),
        ms(live.lag_p99_us),
        live.in_flight,
        dropped(live),
        live.ok,
        failed(live)
    );
    for part in [ttft(live).map(|ttft| format!("TTFT {ttft}")), money(live)].into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&part);
    }
    text
}

fn planned(live: &Live) -> String {
    live.rate_planned_per_second.map_or_else(String::new, |rate| format!(", {rate:.1}/s planned"))
}

fn dropped(live: &Live) -> String {
    if live.dropped > 0 { format!(", {} dropped", live.dropped) } else { String::new() }
}

fn failed(live: &Live) -> String {
    let mut kinds: Vec<String> =
        live.errors.iter().take(KINDS_MAX).map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    let rest: u64 = live.errors.iter().skip(KINDS_MAX).map(|(_, count)| count).sum();
    if rest > 0 {
        kinds.push(format!("{rest} other"));
    }
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    format!("{} failed{kinds}", live.failed)
}

fn ttft(live: &Live) -> Option<String> {
    Some(format!("p50 {}, p99 {}", ms(live.ttft_p50_us?), ms(live.ttft_p99_us?)))
}

/// Absent where nothing is known to cost anything.
fn money(live: &Live) -> Option<String> {
    let spent = decimal(live.cost_nanos, 4);
    match live.budget_nanos {
        Some(budget) => Some(format!("{spent} of {} USD", decimal(budget, 2))),
        None => (live.cost_nanos > 0).then(|| format!("{spent} USD")),
    }
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

    #[test]
    fn a_moment_in_words() {
        use wire::ErrorKind;
        let live = Live {
            total: Some(1_000),
            sent: 400,
            ok: 350,
            failed: 20,
            errors: vec![
                (ErrorKind::Timeout, 9),
                (ErrorKind::RateLimit, 6),
                (ErrorKind::Connect, 3),
                (ErrorKind::Server, 1),
                (ErrorKind::Auth, 1),
            ],
            dropped: 2,
            in_flight: 30,
            lag_p99_us: 1_260,
            ttft_p50_us: Some(20_000),
            ttft_p99_us: Some(41_000),
            rate_per_second: 199.0,
            rate_now_per_second: 201.5,
            rate_planned_per_second: Some(200.0),
            cost_nanos: 21_300_000,
            budget_nanos: Some(5_000_000_000),
            elapsed_us: 2_000_000,
        };
        assert_eq!(
            block(&live),
            "  rate       201.5/s now, 199.0/s so far, 200.0/s planned, 2 s gone\n\
             \x20 lag        p99 1.3 ms, 30 in flight, 2 dropped\n\
             \x20 answers    350 ok, 20 failed (9 timeout, 6 rate_limit, 3 connect, 2 other)\n\
             \x20 TTFT       p50 20.0 ms, p99 41.0 ms\n\
             \x20 money      0.0213 of 5.00 USD"
        );
        let calm = block(&Live::default());
        assert!(!calm.contains("TTFT") && !calm.contains("money") && !calm.contains("planned"), "{calm}");
        assert!(numbers(&live).ends_with("TTFT p50 20.0 ms, p99 41.0 ms  0.0213 of 5.00 USD"), "{}", numbers(&live));
    }
}
