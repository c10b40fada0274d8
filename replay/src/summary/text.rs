//! The summary for people.

use super::{Distribution, Latencies, Summary};
use std::fmt::Write;
use wire::price::decimal;

struct Page(String);

impl Page {
    fn line(&mut self, name: &str, value: &str) {
        // Writing into a string cannot fail.
        let _infallible = writeln!(self.0, "{name:<22} {value}");
    }

    fn row(&mut self, name: &str, distribution: Option<&Distribution>) {
        let Some(d) = distribution else { return };
        let cells: String = [d.p50_us, d.p90_us, d.p95_us, d.p99_us, d.max_us]
            .into_iter()
            .map(|us| format!("{:>10.1}", us as f64 / 1e3))
            .collect();
        let _infallible = writeln!(self.0, "{name:<22} {cells} {:>9}", d.count);
    }

    fn table(&mut self, title: &str, latencies: &Latencies) {
        if latencies.duration_from_sent.is_none() {
            self.line(title, "no exchange succeeded");
            return;
        }
        let heads: String = ["p50", "p90", "p95", "p99", "max", "n"].map(|head| format!("{head:>10}")).concat();
        let _infallible = writeln!(self.0, "\n{title:<22} {heads}");
        self.row("  TTFT from sent", latencies.ttft_from_sent.as_ref());
        self.row("  TTFT from planned", latencies.ttft_from_planned.as_ref());
        self.row("  whole from sent", latencies.duration_from_sent.as_ref());
        self.row("  whole from planned", latencies.duration_from_planned.as_ref());
        self.row("  per output token", latencies.tpot.as_ref());
    }
}

pub(super) fn render(summary: &Summary) -> String {
    let mut page = Page(String::new());
    page.line("replayed to", &format!("{} ({})", summary.target, summary.arm));
    page.line("rate", &format!("{}, achieved {:.1}/s", summary.rate, summary.achieved_rate_per_second));
    page.line("time", &format!("{} to {}", summary.started_at, summary.ended_at));
    page.line("planned", &summary.planned.to_string());
    page.line("sent", &format!("{} ({} ok, {} failed)", summary.sent, summary.ok, summary.failed_total()));
    for (kind, count) in &summary.failed {
        page.line("  failed", &format!("{count} {}", kind.name()));
    }
    for (name, count) in [
        ("dropped", summary.dropped),
        ("unfinished", summary.unfinished),
        ("not sent", summary.not_sent),
        ("out of order", summary.out_of_order),
        ("already recorded", summary.already_done),
    ] {
        if count > 0 {
            page.line(name, &count.to_string());
        }
    }
    for (feature, count) in &summary.skipped {
        page.line("skipped", &format!("{count} ({feature})"));
    }
    let ms = |us: u64| us as f64 / 1e3;
    let lag = summary.lag_us;
    page.line("send lag, ms", &format!("p50 {:.1}  p99 {:.1}  max {:.1}", ms(lag.p50), ms(lag.p99), ms(lag.max)));
    page.table("latency, ms", &summary.latency);
    if let Some(gaps) = &summary.chunk_gap {
        page.row("  chunk gap", Some(gaps));
    }
    if let Some(steady) = &summary.steady {
        page.table("steady state, ms", &steady.latency);
    }
    tail(&mut page, summary);
    page.0
}

fn tail(page: &mut Page, summary: &Summary) {
    let tokens = &summary.tokens;
    page.0.push('\n');
    page.line("prompt tokens", &format!("{} ({} cached)", tokens.prompt, tokens.cached));
    page.line("completion tokens", &format!("{} ({} reasoning)", tokens.completion, tokens.reasoning));
    if tokens.estimated_exchanges > 0 {
        page.line("", &format!("{} exchanges estimated from characters", tokens.estimated_exchanges));
    }
    let unpriced =
        if summary.unpriced > 0 { format!(" ({} exchanges without price)", summary.unpriced) } else { String::new() };
    page.line("cost", &format!("{} USD{unpriced}", decimal(summary.cost_nanos, 6)));
    if summary.degraded {
        page.line("DEGRADED", &summary.degraded_because.join("; "));
    }
}
