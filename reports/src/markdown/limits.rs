//! A summary has a place to fit into: a step summary of a CI run may have 1 MiB, and is refused whole if it has more. So
//! lists have an end, texts have an end, and whatever happens the whole has one; what is left out is said.

use crate::format;
use crate::model::{GuardrailGroup, Page};

/// Rows of a list.
const ROWS_AT_MOST: usize = 100;
/// Characters of one text.
pub(super) const CHARACTERS_AT_MOST: usize = 500;
/// Bytes of the whole, some way below 1 MiB.
const BYTES_AT_MOST: usize = 1_000_000;

/// Cuts the lists of a page; says of each what is left out.
pub(super) fn shorten(page: &mut Page) -> Vec<String> {
    let mut said = Vec::new();
    let mut cut = |name: &str, left_out: usize| {
        if left_out > 0 {
            said.push(format!("{name}: {} more are in the page and in the verdict.", format::count(left_out as u64)));
        }
    };
    cut("Guardrails", groups(&mut page.guardrails));
    cut("Guardrails that are only watched", groups(&mut page.watched));
    cut("Evidence over time", list(&mut page.course));
    cut("Latencies", list(&mut page.latency));
    cut("Quantiles", page.latency.iter_mut().map(|view| list(&mut view.rows)).sum());
    if let Some(first_token) = &mut page.first_token {
        cut("Arms", list(&mut first_token.rows));
    }
    cut("Reasons", list(&mut page.headline.more_reasons));
    cut("Needed", list(&mut page.needed));
    cut("Alarms", list(&mut page.instrument.alarms));
    cut("Parts of the traffic", list(&mut page.parts));
    cut("Remarks", list(&mut page.remarks));
    cut("Input files", list(&mut page.provenance.inputs));
    cut("Exchanges without a partner", list(&mut page.instrument.unmatched));
    cut("Refused rows", list(&mut page.instrument.rejected));
    cut("Lengths of prompts", list(&mut page.instrument.mirror));
    if let Some(repeat) = &mut page.instrument.repeat {
        cut("Findings of the baseline against itself", list(&mut repeat.findings));
    }
    if let Some(bill) = &mut page.bill {
        cut("Stale prices", list(&mut bill.stale));
        cut("What was paid", list(&mut bill.arms));
        if let Some(cache) = &mut bill.cache {
            cut("Hit rates of the cache", list(&mut cache.rows));
        }
    }
    if let Some(moderation) = &mut page.moderation {
        cut("Categories of moderation", moderation.groups.iter_mut().map(|group| list(&mut group.rows)).sum());
        if let Some(guard) = &mut moderation.guard {
            cut("Figures of the guard", list(&mut guard.rows));
        }
    }
    said
}

/// Cuts a list; returns how many are left out.
fn list<T>(list: &mut Vec<T>) -> usize {
    let left_out = list.len().saturating_sub(ROWS_AT_MOST);
    list.truncate(ROWS_AT_MOST);
    left_out
}

/// Cuts the rows of all groups together.
fn groups(groups: &mut Vec<GuardrailGroup>) -> usize {
    let mut room = ROWS_AT_MOST;
    let mut left_out = 0;
    for group in groups.iter_mut() {
        left_out += group.rows.len().saturating_sub(room);
        group.rows.truncate(room);
        room -= group.rows.len();
    }
    groups.retain(|group| !group.rows.is_empty());
    left_out
}

/// The last resort: a text that is still too long ends after a whole line, with what was open closed.
pub(crate) fn bounded(text: String) -> String {
    if text.len() <= BYTES_AT_MOST {
        return text;
    }
    let mut kept = String::with_capacity(BYTES_AT_MOST);
    let lines = text.lines().take_while(|line| {
        let fits = kept.len() + line.len() < BYTES_AT_MOST;
        if fits {
            kept.push_str(line);
            kept.push('\n');
        }
        fits
    });
    let shown = lines.count();
    let is_open = kept.matches("<details>").count() > kept.matches("</details>").count();
    let end = if is_open { "\n</details>\n" } else { "" };
    let left_out = format::count((text.lines().count() - shown) as u64);
    format!("{kept}{end}\nThe summary ends here: {left_out} more lines do not fit into 1 MiB. The page has them all.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_ends_after_a_whole_line_and_says_so() {
        let text = format!("first\n<details>\n{}", "a line of some length\n".repeat(60_000));
        let short = bounded(text);
        assert!(short.len() < 1024 * 1024, "{}", short.len());
        let end: Vec<&str> = short.lines().rev().take(4).collect();
        assert!(end[0].starts_with("The summary ends here: ") && end[0].contains("more lines"), "{end:?}");
        assert!(end.contains(&"</details>"), "{end:?}");
        assert_eq!(bounded("short\n".to_owned()), "short\n");
    }
}
