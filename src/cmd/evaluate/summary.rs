//! The verdict on a terminal, 80 columns wide: the answer, why, the guardrails, and what follows.

use crate::lines;
use crate::table::{Column, Table};
use judge::verdict::{Amount, Decision, Guardrail, Needed, Scale, State, Verdict};
use std::fmt::Write as _;

/// Columns before the words of the last lines.
const LABEL: usize = 13;

/// A page for people, with a line end. `colour` adds ANSI colours to the verdict and the states.
pub(in crate::cmd) fn of(verdict: &Verdict, colour: bool) -> String {
    let paint = |word: &str, tone: Tone| if colour { tone.paint(word) } else { word.to_owned() };
    let word = paint(verdict.verdict.word(), tone_of(verdict.verdict));
    let judged = format!("{}, epoch {} at {} %", verdict.migration, verdict.epoch, verdict.weight_percent);
    let before = verdict.verdict.word().len() + 2;
    let mut text = format!("{word}  {}\n", lines::wrapped(&crate::render::name(&judged), before, before));
    for reason in &verdict.reasons {
        _ = writeln!(text, "- {}", lines::wrapped(reason, 2, 2));
    }
    text.push('\n');
    text.push_str(&table(&verdict.guardrails, paint));
    text.push('\n');
    let mut say = |label: &str, words: &str| {
        _ = writeln!(text, "{label:<LABEL$}{}", lines::wrapped(words, LABEL, LABEL));
    };
    say("Pairs", &pairs(verdict));
    say("Bill", &bill(verdict));
    if let Some(saving) = &verdict.bill.saving_per_month {
        say("A month", &month(&saving.amount, &verdict.bill.currency));
    }
    say(
        "Next weight",
        &format!(
            "{} % (now {} %, decided by {})",
            verdict.next_weight_percent, verdict.weight_percent, verdict.next_weight_bound
        ),
    );
    for (place, lacking) in verdict.needed.iter().enumerate() {
        say(if place == 0 { "Needed" } else { "" }, &needed(lacking));
    }
    text
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

/// The guardrails; what only watches is shown where it has something to say.
fn table(guardrails: &[Guardrail], paint: impl Fn(&str, Tone) -> String) -> String {
    let worth =
        |guardrail: &&Guardrail| guardrail.decides || matches!(guardrail.state, State::Fail | State::PassRegressed);
    let guardrails: Vec<&Guardrail> = guardrails.iter().filter(worth).collect();
    let numbers = ["Estimate", "Upper", "Margin", "n"].map(Column::number);
    let columns = std::iter::once(Column::text("Guardrail")).chain(numbers).chain([Column::whole("State")]).collect();
    let mut table = Table::new(columns, 2);
    for guardrail in &guardrails {
        let effect = |value: Option<f64>| effect(value, guardrail.scale);
        let part = if guardrail.segment == "all" { String::new() } else { format!(" ({})", guardrail.segment) };
        table.row(&[
            format!("{}{part}", guardrail.metric),
            effect(guardrail.estimate),
            effect(guardrail.upper),
            effect(Some(guardrail.margin)),
            guardrail.n.to_string(),
            state(guardrail.state).0.to_owned(),
        ]);
    }
    table.lines(|cell, row, column| match guardrails.get(row).filter(|_| column == 5) {
        Some(guardrail) => paint(cell, state(guardrail.state).1),
        None => cell.to_owned(),
    })
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

/// What moving everything saves in a month; nothing is rounded to a gain.
fn month(saved: &Amount, currency: &str) -> String {
    let cents = |text: &String| text.parse::<f64>().map_or_else(|_| text.clone(), |amount| format!("{amount:.2}"));
    let range = match (&saved.lower, &saved.upper) {
        (Some(lower), Some(upper)) => format!(" (95 %: {} to {})", cents(lower), cents(upper)),
        _ => ", without an interval".to_owned(),
    };
    format!("all on the candidate saves {} {currency}{range}", cents(&saved.value))
}

fn needed(needed: &Needed) -> String {
    let served = if needed.segment == "all" { String::new() } else { format!(" ({})", needed.segment) };
    let pairs =
        needed.pairs.map_or_else(|| "how much more cannot be said yet".to_owned(), |pairs| format!("{pairs} more"));
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
