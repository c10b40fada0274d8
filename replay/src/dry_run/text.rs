//! The dry run for people.

use super::{ArmPreview, DryRun};
use std::collections::BTreeMap;
use std::fmt::Write;
use wire::price::decimal;

struct Page(String);

impl Page {
    fn line(&mut self, name: &str, value: &str) {
        // Writing into a string cannot fail.
        let _infallible = writeln!(self.0, "{name:<20} {value}");
    }

    fn count(&mut self, name: &str, count: u64) {
        if count > 0 {
            self.line(name, &count.to_string());
        }
    }

    fn arm(&mut self, title: &str, arm: &ArmPreview) {
        let _infallible = writeln!(self.0, "\n{title} at {}", arm.provider);
        let mut fate = format!("{} as they are, {} rewritten", arm.same, arm.rewritten);
        if arm.losing > 0 {
            let _infallible = write!(fate, ", {} lose members ({})", arm.losing, names(&arm.lost));
        }
        if arm.unfit > 0 {
            let _infallible = write!(fate, ", {} cannot be served ({})", arm.unfit, names(&arm.unfit_because));
        }
        self.line("  rows", &fate);
        if !arm.unmapped.is_empty() {
            self.line("  models unnamed", &format!("{}; add --model FROM=TO", names(&arm.unmapped)));
        }
        let unpriced = if arm.unpriced_rows > 0 {
            format!(" ({} rows without a price)", arm.unpriced_rows)
        } else {
            String::new()
        };
        self.line(
            "  cost",
            &format!(
                "about {} USD, up to {} USD set aside{unpriced}",
                decimal(arm.cost_nanos_expected, 4),
                decimal(arm.cost_nanos_at_most, 4)
            ),
        );
    }
}

fn names(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn render(dry: &DryRun) -> String {
    let mut page = Page(String::new());
    page.line("requests", &dry.rows.to_string());
    page.line("of models", &names(&dry.models));
    page.count("in conversations", dry.session_rows);
    let selected = dry.selected;
    for (name, count) in [
        ("out of order", dry.out_of_order),
        ("displaced", selected.displaced),
        ("outside the window", selected.outside_window),
        ("filtered", selected.filtered),
        ("not sampled", selected.not_sampled),
        ("other machines'", selected.other_shards),
        ("already recorded", dry.already_done),
        ("after the duration", dry.too_late),
        ("broken", dry.broken),
    ] {
        page.count(name, count);
    }
    if selected.laps > 1 {
        page.count("laps", selected.laps);
    }
    for (feature, count) in &dry.skipped {
        page.line("skipped", &format!("{count} ({feature})"));
    }
    let span = dry.span_us.map(|us| format!("{:.1} s", us as f64 / 1e6));
    page.line("duration", &span.unwrap_or_else(|| "as fast as answers come".to_owned()));
    if let Some(peak) = dry.peak_per_second {
        page.line("peak", &format!("{peak} in one second"));
    }
    page.line("prompts", &format!("{} characters, about {} tokens", dry.prompt_chars, dry.prompt_tokens_estimate));
    page.line(
        "completions",
        &format!("{} tokens recorded, {} rows unknown", dry.completion_tokens_recorded, dry.completion_unknown_rows),
    );
    page.arm("baseline", &dry.baseline);
    page.arm("candidate", &dry.candidate);
    page.0.push('\n');
    let cost = dry.cost_nanos_estimate.map(|nanos| format!("about {} USD", decimal(nanos, 4)));
    page.line(
        "cost",
        &cost.unwrap_or_else(|| "between the two, by who answers, and more where no price is known".into()),
    );
    if let Some(budget) = dry.budget_nanos {
        page.line("budget", &format!("{} USD", decimal(budget, 2)));
    }
    for remark in &dry.remarks {
        page.line("note", remark);
    }
    for refusal in &dry.refused_because {
        page.line("WOULD BE REFUSED", refusal);
    }
    page.line("sent", "nothing (dry run)");
    page.0
}
