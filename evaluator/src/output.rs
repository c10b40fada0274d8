//! The verdict as bytes and as a page for the terminal.

use judge::verdict::{Decision, Guardrail, Needed, Scale, State, Verdict};
use std::fmt::Write;

/// The file `verdict.json`: indented, with a line end.
#[must_use]
pub fn to_json(verdict: &Verdict) -> String {
    // Plain structs with string keys always serialise; numbers that JSON lacks become null.
    let mut text = serde_json::to_string_pretty(verdict).unwrap_or_default();
    text.push('\n');
    text
}

/// A compact summary for people, with a line end. `colour` adds ANSI colours to the verdict and the states.
#[must_use]
pub fn summary_text(verdict: &Verdict, colour: bool) -> String {
    let mut text = String::new();
    let paint = |word: &str, tone: Tone| if colour { tone.paint(word) } else { word.to_owned() };
    let word = paint(verdict.verdict.word(), tone_of(verdict.verdict));
    line(
        &mut text,
        format_args!("{word}  {}, epoch {} at {} %", verdict.migration, verdict.epoch, verdict.weight_percent),
    );
    for reason in &verdict.reasons {
        line(&mut text, format_args!("  {reason}"));
    }
    text.push('\n');
    table(&mut text, &verdict.guardrails, paint);
    text.push('\n');
    line(&mut text, format_args!("Pairs        {}", pairs(verdict)));
    line(&mut text, format_args!("Bill         {}", bill(verdict)));
    line(
        &mut text,
        format_args!(
            "Next weight  {} % (now {} %, decided by {})",
            verdict.next_weight_percent, verdict.weight_percent, verdict.next_weight_bound
        ),
    );
    if !verdict.needed.is_empty() {
        let needs: Vec<String> = verdict.needed.iter().map(needed).collect();
        line(&mut text, format_args!("Needed       {}", needs.join("; ")));
    }
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _infallible = text.write_fmt(words);
    text.push('\n');
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    Good,
    Unsure,
    Bad,
}

impl Tone {
    fn paint(self, word: &str) -> String {
        let code = match self {
            Self::Good => 32,
            Self::Unsure => 33,
            Self::Bad => 31,
        };
        format!("\u{1b}[1;{code}m{word}\u{1b}[0m")
    }
}

const fn tone_of(decision: Decision) -> Tone {
    match decision {
        Decision::Go => Tone::Good,
        Decision::Hold => Tone::Unsure,
        Decision::NoGo => Tone::Bad,
    }
}

const fn state(state: State) -> (&'static str, Tone) {
    match state {
        State::Pass => ("pass", Tone::Good),
        State::PassRegressed => ("pass, yet worse", Tone::Good),
        State::Fail => ("FAIL", Tone::Bad),
        State::Futile => ("FUTILE", Tone::Bad),
        State::HoldInsufficient => ("hold: insufficient", Tone::Unsure),
        State::HoldConflict => ("hold: conflict", Tone::Unsure),
        State::HoldInstrument => ("hold: instrument", Tone::Unsure),
    }
}

const HEADINGS: [&str; 6] = ["Guardrail", "Estimate", "Upper", "Margin", "n", "State"];

/// Columns as wide as their widest cell; the first is aligned left, numbers right. The state comes last, so that its
/// colour codes do not count in any width.
fn table(text: &mut String, guardrails: &[Guardrail], paint: impl Fn(&str, Tone) -> String) {
    // What only watches is shown where it has something to say.
    let worth =
        |guardrail: &&Guardrail| guardrail.decides || matches!(guardrail.state, State::Fail | State::PassRegressed);
    let guardrails: Vec<&Guardrail> = guardrails.iter().filter(worth).collect();
    let rows: Vec<[String; 5]> = guardrails.iter().map(|guardrail| cells(guardrail)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([HEADINGS.get(column).map_or(0, |heading| heading.len())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let aligned = |cells: &[&str]| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if column == 0 { ("", fill.as_str()) } else { (fill.as_str(), "") };
            line.push_str("  ");
            line.push_str(before);
            line.push_str(cell);
            line.push_str(after);
        }
        line
    };
    line(text, format_args!("{}  {}", aligned(&HEADINGS), HEADINGS[5]));
    for (row, guardrail) in rows.iter().zip(guardrails) {
        let (word, tone) = state(guardrail.state);
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        line(text, format_args!("{}  {}", aligned(&cells), paint(word, tone)));
    }
}

fn cells(guardrail: &Guardrail) -> [String; 5] {
    let effect = |value: Option<f64>| effect(value, guardrail.scale);
    let served = if guardrail.segment == "all" { String::new() } else { format!(" ({})", guardrail.segment) };
    [
        format!("{}{served}", guardrail.metric),
        effect(guardrail.estimate),
        effect(guardrail.upper),
        effect(Some(guardrail.margin)),
        guardrail.n.to_string(),
    ]
}

/// `+0.31 pt` or `x1.04`; a dash where there is no bound.
fn effect(value: Option<f64>, scale: Scale) -> String {
    match (value, scale) {
        (None, _) => "-".to_owned(),
        (Some(value), Scale::Difference) => format!("{:+.2} pt", value * 100.0),
        (Some(value), Scale::Ratio) => format!("x{value:.3}"),
    }
}

fn pairs(verdict: &Verdict) -> String {
    let instrument = &verdict.instrument;
    let mut words = instrument.pairs.to_string();
    if !instrument.unmatched.is_empty() {
        let reasons: Vec<String> =
            instrument.unmatched.iter().map(|reason| format!("{} {}", reason.count, reason.name)).collect();
        let _infallible = write!(words, "; no pair: {}", reasons.join(", "));
    }
    if let Some(loss) = instrument.mirror_loss {
        let _infallible = write!(words, "; mirror loss {:.2} %", loss * 100.0);
    }
    words
}

fn bill(verdict: &Verdict) -> String {
    let bill = &verdict.bill;
    if bill.pairs_priced == 0 {
        return "nothing could be priced".to_owned();
    }
    let mut words =
        format!("{} {} baseline, {} {} candidate", bill.baseline, bill.currency, bill.candidate, bill.currency);
    if let Some(ratio) = bill.ratio {
        let _infallible = write!(words, ", x{ratio:.3}");
    }
    if let (Some(lower), Some(upper)) = (bill.ratio_lower, bill.ratio_upper) {
        let _infallible = write!(words, " (95 %: x{lower:.3} to x{upper:.3})");
    }
    words
}

fn needed(needed: &Needed) -> String {
    let served = if needed.segment == "all" { String::new() } else { format!(" ({})", needed.segment) };
    let pairs = needed.pairs.map_or_else(|| "more data will not decide it".to_owned(), |pairs| format!("{pairs} more"));
    let hours = needed.hours.map_or_else(String::new, |hours| format!(", about {}", duration(hours)));
    format!("{}{served}: {pairs}{hours}", needed.metric)
}

/// Hours in the unit that reads best.
fn duration(hours: f64) -> String {
    if hours < 1.0 / 60.0 {
        format!("{:.0} s", (hours * 3600.0).ceil())
    } else if hours < 1.0 {
        format!("{:.0} min", (hours * 60.0).ceil())
    } else if hours < 48.0 {
        format!("{hours:.1} h")
    } else {
        format!("{:.1} days", hours / 24.0)
    }
}

#[cfg(test)]
mod tests;
