//! `weighbridge records summary`.

use super::progress;
use super::source::{Missing, Record, Source, files};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::summary::{Distinct, Group, GuardSums, Judged, Summary, Summing, Times};
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn run(args: &args::RecordsSummary) -> Result<Exit, Failure> {
    let mut summing = Summing::default();
    let mut records = 0;
    for path in files(&args.files)? {
        let mut source = Source::open(&path)?;
        summing.file(source.header().untimed);
        while let Some(record) = source.next() {
            match record {
                Ok(Record::Request(row)) => summing.request(&row),
                Ok(Record::Exchange(row)) => summing.exchange(&row),
                Ok(Record::Label(_)) => {
                    return Err(Failure::usage(format!(
                        "{} holds labels, which have nothing to sum up: name exchange records or request logs",
                        path.display()
                    )));
                }
                Err(Missing::Broken { .. }) => summing.broken(),
                Err(Missing::Stop(failure)) => return Err(failure),
            }
            records += 1;
            progress(records);
        }
    }
    render::progress("");
    let summary = summing.finish();
    if args.json {
        let json = serde_json::to_string_pretty(&summary)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("a summary does not serialise: {error}") })?;
        render::result(&(json + "\n"));
    } else {
        render::result(&text(&summary));
    }
    Ok(Exit::Done)
}

fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _infallible = writeln!(text, "{name:<12} {value}");
    };
    row("records", &format!("{} in {} files", summary.records, summary.files));
    if summary.broken > 0 {
        row("broken", &format!("{} lines; `weighbridge records check` names them", summary.broken));
    }
    if let (Some(from), Some(to)) = (summary.from_us, summary.to_us) {
        let (from_told, to_told) = (instant(from), instant(to));
        let seconds = to.saturating_sub(from) as f64 / 1e6;
        if summary.untimed {
            row("span", "the source held no times");
        } else {
            row("span", &format!("{from_told} to {to_told} ({seconds:.1} s)"));
        }
    }
    for (name, count) in &summary.migrations {
        row("migration", &format!("{name}: {count}"));
    }
    row("sessions", &distinct(summary.sessions));
    row("consumers", &distinct(summary.consumers));
    summary.groups.iter().for_each(|group| text.push_str(&of_group(group)));
    text
}

fn of_group(group: &Group) -> String {
    let names: Vec<&str> = [&group.arm, &group.provider, &group.model]
        .into_iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let mut text = format!("\n{}: {} records\n", names.join(" / "), group.records);
    let mut row = |name: &str, value: &str| {
        let _infallible = writeln!(text, "  {name:<10} {value}");
    };
    let kinds: Vec<String> = group.by_kind.iter().map(|(name, count)| format!("{name} {count}")).collect();
    row("kinds", &format!("{}, streamed {}", kinds.join(", "), group.streamed));
    let tokens = group.tokens;
    if tokens.records > 0 {
        row(
            "tokens",
            &format!(
                "prompt {} (cached {}), completion {} (reasoning {}); estimated in {} of {} records",
                tokens.prompt, tokens.cached, tokens.completion, tokens.reasoning, tokens.estimated, tokens.records
            ),
        );
    }
    if group.priced > 0 {
        row("money", &format!("${:.6} over {} records", group.cost_nanos as f64 / 1e9, group.priced));
    }
    if !group.errors.is_empty() {
        let errors: Vec<String> = group.errors.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        row("errors", &errors.join(", "));
    }
    if let Some(guard) = &group.guard {
        row("guard", &guarded(guard));
    }
    if group.untimed > 0 {
        row("untimed", &format!("{} answers without times", group.untimed));
    }
    let times = [
        ("event", group.first_event),
        ("ttft", group.ttft),
        ("visible", group.first_visible),
        ("duration", group.duration),
    ];
    for (name, times) in times {
        if let Some(times) = times {
            row(name, &quantiles(times));
        }
    }
    text
}

/// Flags and failures of both sides, then what was found in answers and who did not answer.
fn guarded(guard: &GuardSums) -> String {
    let side = |name: &str, judged: Judged| {
        format!("{name} {} (flagged {}, not judged {})", judged.seen, judged.flagged, judged.failed)
    };
    let counts = |counts: &BTreeMap<String, u64>| {
        let told: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        told.join(", ")
    };
    let mut text = format!("{}, {}", side("requests", guard.requests), side("answers", guard.answers));
    for (what, names) in [("found", &guard.categories), ("no verdict", &guard.failures)] {
        if !names.is_empty() {
            let _infallible = write!(text, "; {what}: {}", counts(names));
        }
    }
    text
}

fn quantiles(times: Times) -> String {
    let milliseconds = |us: u64| us as f64 / 1e3;
    format!(
        "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms ({} answers)",
        milliseconds(times.p50_us),
        milliseconds(times.p95_us),
        milliseconds(times.p99_us),
        milliseconds(times.max_us),
        times.count
    )
}

fn instant(at_us: i64) -> String {
    // Times of a log may count from its own beginning.
    const YEAR_2000_US: i64 = 946_684_800_000_000;
    match jiff::Timestamp::from_microsecond(at_us) {
        Ok(time) if at_us >= YEAR_2000_US => time.to_string(),
        _ => format!("{:.3} s", at_us as f64 / 1e6),
    }
}

fn distinct(names: Distinct) -> String {
    if names.at_least { format!("more than {}", names.count) } else { names.count.to_string() }
}
