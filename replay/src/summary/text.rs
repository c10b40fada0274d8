//! The summary for people.

use super::{Distribution, Dropped, Latencies, NotSent, Phase, Summary};
use std::fmt::Write;
use wire::price::decimal;

struct Page(String);

impl Page {
    fn line(&mut self, name: &str, value: &str) {
        // Writing into a string cannot fail.
        let _infallible = writeln!(self.0, "{name:<20} {value}");
    }

    fn count(&mut self, name: &str, count: u64, remark: &str) {
        if count > 0 {
            self.line(name, format!("{count} {remark}").trim_end());
        }
    }

    fn row(&mut self, name: &str, distribution: Option<&Distribution>) {
        let Some(d) = distribution else { return };
        let cells: String = [d.p50_us, d.p90_us, d.p95_us, d.p99_us, d.max_us]
            .into_iter()
            .map(|us| format!("{:>10.1}", ms(us)))
            .collect();
        let _infallible = writeln!(self.0, "{name:<20}{cells}{:>9}", d.count);
    }

    fn table(&mut self, title: &str, latencies: &Latencies) {
        if latencies.duration_from_sent.is_none() {
            self.line(title, "no exchange succeeded");
            return;
        }
        let heads: String =
            ["p50", "p90", "p95", "p99", "max"].map(|head| format!("{head:>10}")).concat() + &format!("{:>9}", "n");
        let _infallible = writeln!(self.0, "\n{title:<20}{heads}");
        self.row("  TTFT from sent", latencies.ttft_from_sent.as_ref());
        self.row("  TTFT from planned", latencies.ttft_from_planned.as_ref());
        self.row("  whole from sent", latencies.duration_from_sent.as_ref());
        self.row("  whole from planned", latencies.duration_from_planned.as_ref());
        self.row("  per output token", latencies.tpot.as_ref());
    }

    fn phase(&mut self, name: &str, phase: Option<&Phase>) {
        let Some(phase) = phase else { return };
        let seconds = |us: u64| us as f64 / 1e6;
        let mut text = format!(
            "{:.1} s to {:.1} s: {}{} ok, {} failed",
            seconds(phase.from_us),
            seconds(phase.to_us),
            phase.rate_per_second.map_or_else(String::new, |rate| format!("{rate:.1}/s, ")),
            phase.ok,
            phase.failed
        );
        if let Some(whole) = phase.latency.duration_from_sent {
            // Writing into a string cannot fail.
            let _infallible = write!(text, ", whole p50 {:.1} ms, p99 {:.1} ms", ms(whole.p50_us), ms(whole.p99_us));
        }
        self.line(name, &text);
    }
}

fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

pub(super) fn render(summary: &Summary) -> String {
    let mut page = Page(String::new());
    head(&mut page, summary);
    counts(&mut page, summary);
    let lag = summary.lag_us;
    page.line("send lag, ms", &format!("p50 {:.1}  p99 {:.1}  max {:.1}", ms(lag.p50), ms(lag.p99), ms(lag.max)));
    page.table("latency, ms", &summary.latency);
    if let Some(gaps) = &summary.chunk_gap {
        page.row("  chunk gap", Some(gaps));
    }
    if let Some(steady) = &summary.steady {
        page.table("steady state, ms", &steady.latency);
    }
    page.0.push('\n');
    page.phase("warm-up", summary.warm_up.as_ref());
    page.phase("steady", summary.steady.as_ref());
    page.phase("drain", summary.drain.as_ref());
    tail(&mut page, summary);
    page.0
}

fn head(page: &mut Page, summary: &Summary) {
    page.line("replayed to", &format!("{} ({})", summary.target, summary.arm));
    page.line("rate", &format!("{}, achieved {:.1}/s", summary.rate, summary.achieved_rate_per_second));
    if summary.sessions != "independent" {
        page.line("sessions", &format!("{} ({} turns waited for an answer)", summary.sessions, summary.delayed));
    }
    if summary.shards_of > 1 {
        page.line("machines", &summary.machines());
    }
    page.line("time", &format!("{} to {}", summary.started_at, summary.ended_at));
}

fn counts(page: &mut Page, summary: &Summary) {
    page.line("planned", &summary.planned.to_string());
    page.line("sent", &format!("{} ({} ok, {} failed)", summary.sent, summary.ok, summary.failed_total()));
    for (kind, count) in &summary.failed {
        page.count("  failed", *count, kind.name());
    }
    for (reason, count) in &summary.dropped_because {
        let why = match reason {
            Dropped::InFlight => "(too many in flight)",
            Dropped::Waiting => "(too many turns waited)",
        };
        page.count("dropped", *count, why);
    }
    page.count("unfinished", summary.unfinished, "");
    for (reason, count) in &summary.not_sent_because {
        let why = match reason {
            NotSent::Duration => "(the duration was over)",
            NotSent::Stopped => "(stopped)",
            NotSent::Budget => "(the budget was spent)",
            NotSent::Waiting => "(the previous answer did not come)",
        };
        page.count("not sent", *count, why);
    }
    if summary.rest_uncounted {
        page.line("", "and the rest of the log, which was not counted");
    }
    page.count("broken", summary.broken, "rows, left out");
    page.count("unchecked", summary.ids_unchecked, "rows: too many ids to find one that stands twice");
    page.count("out of order", summary.out_of_order, "rows, put in order");
    page.count("displaced", summary.displaced, "rows, sent late");
    let selected = summary.selected;
    page.count("outside the window", selected.outside_window, "rows");
    page.count("filtered", selected.filtered, "rows");
    page.count("not sampled", selected.not_sampled, "rows");
    page.count("other machines'", selected.other_shards, "rows");
    if selected.laps > 1 {
        page.count("laps", selected.laps, "");
    }
    page.count("already recorded", summary.already_done, "");
    for (feature, count) in &summary.skipped {
        page.count("skipped", *count, &format!("({feature})"));
    }
}

fn tail(page: &mut Page, summary: &Summary) {
    let tokens = &summary.tokens;
    page.0.push('\n');
    page.line("prompt tokens", &format!("{} ({} cached)", tokens.prompt, tokens.cached));
    page.line("completion tokens", &format!("{} ({} reasoning)", tokens.completion, tokens.reasoning));
    if tokens.estimated_exchanges > 0 {
        page.line("", &format!("{} exchanges estimated from characters", tokens.estimated_exchanges));
    }
    let budget = summary.budget_nanos.map_or_else(String::new, |nanos| format!(" of {}", decimal(nanos, 2)));
    let unpriced =
        if summary.unpriced > 0 { format!(" ({} exchanges without price)", summary.unpriced) } else { String::new() };
    page.line("cost", &format!("{}{budget} USD{unpriced}", decimal(summary.cost_nanos, 6)));
    if summary.baseline_recorded {
        page.line("baseline", "recorded answers: their latencies are of another time than the candidate's");
    }
    if summary.degraded {
        page.line("DEGRADED", &summary.degraded_because.join("; "));
    }
}
