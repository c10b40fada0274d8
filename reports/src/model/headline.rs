//! The first screen: the answer, why, what to do, what it costs, what is missing.

use judge::verdict::{Bill, Decision, Needed, State, Verdict};
use serde::Serialize;

use super::{Entry, names};
use crate::format;

/// The answer and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Headline {
    /// `go`, `hold` or `no-go`: class names.
    pub(crate) tone: &'static str,
    /// `GO`, `HOLD` or `NO-GO`.
    pub(crate) word: &'static str,
    /// A sign for plain text.
    pub(crate) sign: &'static str,
    /// What the word means, in one sentence.
    pub(crate) meaning: &'static str,
    /// The most important reason.
    pub(crate) why: String,
    /// The other reasons, except for what the guardrails say about themselves.
    pub(crate) more_reasons: Vec<String>,
    /// What is still missing before a decision, in one sentence; empty where nothing is waited for.
    pub(crate) needed: String,
    /// Name of the migration.
    pub(crate) migration: String,
    /// What to do with the weight.
    pub(crate) advice: &'static str,
    /// Weight that was judged.
    pub(crate) weight: String,
    /// Recommended weight.
    pub(crate) next_weight: String,
    /// Which bound decided, in words.
    pub(crate) bound: String,
}

/// A figure with its name and a remark.
pub(crate) type Figure = Entry;

/// Something that is still missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NeededView {
    /// The metric, in words.
    pub(crate) label: String,
    /// Observations still needed.
    pub(crate) pairs: String,
    /// Time still needed.
    pub(crate) hours: String,
}

/// What both sides cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MoneyView {
    /// One sentence.
    pub(crate) summary: String,
    /// All figures.
    pub(crate) entries: Vec<Entry>,
    /// Remarks on prices.
    pub(crate) notes: Vec<String>,
}

pub(super) fn headline(verdict: &Verdict) -> Headline {
    let (tone, sign, meaning) = match verdict.verdict {
        Decision::Go => ("go", "✅", "The candidate is proven to stay within every margin."),
        Decision::Hold => ("hold", "⏸️", "Not decided: neither safety nor harm is proven."),
        Decision::NoGo => ("no-go", "⛔", "The candidate is proven worse than the policy allows."),
    };
    let advice = match verdict.next_weight_percent.total_cmp(&verdict.weight_percent) {
        std::cmp::Ordering::Greater => "Raise the weight",
        std::cmp::Ordering::Equal => "Keep the weight",
        std::cmp::Ordering::Less => "Lower the weight",
    };
    let why = verdict.reasons.first().map(|reason| sentence(reason));
    // What a guardrail says about itself stands in its own line below; here it would only be in the way.
    let is_own = |reason: &&String| !verdict.guardrails.iter().any(|g| g.why == **reason);
    let more = verdict.reasons.iter().skip(1).filter(is_own).map(|reason| sentence(reason));
    Headline {
        tone,
        word: verdict.verdict.word(),
        sign,
        meaning,
        why: why.unwrap_or_else(|| "No reason is on record.".to_owned()),
        more_reasons: more.collect(),
        needed: needed_summary(verdict),
        migration: verdict.migration.clone(),
        advice,
        weight: format::weight(verdict.weight_percent),
        next_weight: format::weight(verdict.next_weight_percent),
        bound: names::bound(&verdict.next_weight_bound, verdict.next_weight_percent > verdict.weight_percent),
    }
}

/// A reason as a sentence: capital first, full stop last. A reason that begins with a name keeps its spelling.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let first_word = text.split_whitespace().next().unwrap_or_default();
    let is_plain_word = first_word.chars().all(char::is_alphabetic);
    let mut out = String::with_capacity(text.len() + 1);
    let mut characters = text.chars();
    if let Some(first) = characters.next() {
        if is_plain_word {
            out.extend(first.to_uppercase());
        } else {
            out.push(first);
        }
        out.extend(characters);
    }
    if !out.is_empty() && !out.ends_with(['.', '!', '?', ':']) {
        out.push('.');
    }
    out
}

pub(super) fn figures(verdict: &Verdict) -> Vec<Figure> {
    let bill = &verdict.bill;
    let mut figures: Vec<Figure> = super::bill::figure(bill).into_iter().collect();
    if bill.pairs_priced > 0 {
        let baseline = format::money_brief(&bill.baseline_per_1000, &bill.currency);
        let candidate = format::money_brief(&bill.candidate_per_1000, &bill.currency);
        figures.push(Entry::new("Cost per 1000 requests", format!("{baseline} → {candidate}"), saving(bill)));
    }
    let deciding = || verdict.guardrails.iter().filter(|g| g.decides);
    let decided = deciding().filter(|g| matches!(g.state, State::Pass | State::PassRegressed)).count();
    let total = deciding().count();
    figures.push(Entry::new(
        "Guardrails within margin",
        format!("{decided} of {total}"),
        super::guardrails::summary(verdict),
    ));
    let pairs = verdict.instrument.pairs;
    let mut covered = format!("{}, from {}", span(verdict), format::instant(verdict.window.from_us));
    if !bill.shadow.is_empty() {
        let shadow = format::money_brief(&bill.shadow, &bill.currency);
        covered.push_str(&format!("; the shadow calls cost {shadow}"));
    }
    figures.push(Entry::new("Evidence", format!("{} pairs", format::count(pairs)), covered));
    figures
}

fn span(verdict: &Verdict) -> String {
    format!("over {}", format::span(verdict.window.from_us, verdict.window.to_us))
}

/// The saving with its interval: `−69.0%, 95% interval −69.9% to −68.1%`.
fn saving(bill: &Bill) -> String {
    match (bill.ratio, bill.ratio_lower, bill.ratio_upper) {
        (Some(ratio), Some(lower), Some(upper)) => {
            format!("{}, 95% interval {} to {}", format::change(ratio), format::change(lower), format::change(upper))
        }
        (Some(ratio), _, _) => format!("{}, too little data for an interval", format::change(ratio)),
        _ => "no ratio: too little data".to_owned(),
    }
}

/// What is missing, where something is waited for: after a NO-GO nothing is.
pub(super) fn needed(verdict: &Verdict) -> Vec<NeededView> {
    let needed = verdict.needed.iter();
    needed
        .filter(|_| verdict.verdict != Decision::NoGo)
        .map(|needed| NeededView {
            label: names::guardrail(&needed.metric, &needed.segment),
            pairs: needed.pairs.map_or_else(|| "cannot be said yet".to_owned(), format::count),
            hours: needed.hours.map_or_else(|| "cannot be said yet".to_owned(), format::hours),
        })
        .collect()
}

/// The longest wait, in one sentence.
fn needed_summary(verdict: &Verdict) -> String {
    if verdict.verdict != Decision::Hold {
        return String::new();
    }
    let size = |needed: &&Needed| needed.pairs.unwrap_or(0);
    let Some(most) = verdict.needed.iter().max_by_key(size) else {
        return if verdict.instrument.alarms.is_empty() {
            String::new()
        } else {
            "Still needed: a measuring that is not in doubt.".to_owned()
        };
    };
    let label = names::guardrail(&most.metric, &most.segment);
    let mut said = match (most.pairs, most.hours) {
        (Some(pairs), Some(hours)) => format!(
            "Still needed: {} more observations ({} at the present rate) for {label}.",
            format::count(pairs),
            format::hours(hours)
        ),
        (Some(pairs), None) => format!("Still needed: {} more observations for {label}.", format::count(pairs)),
        (None, _) => format!("Still needed: more evidence for {label}; how much cannot be said yet."),
    };
    match verdict.needed.len() - 1 {
        0 => {}
        1 => said.push_str(" One other guardrail is open as well."),
        others => said.push_str(&format!(" {others} other guardrails are open as well.")),
    }
    said
}

pub(super) fn money(verdict: &Verdict) -> Option<MoneyView> {
    let bill = &verdict.bill;
    if bill.pairs_priced == 0 && bill.pairs_unpriced == 0 && bill.notes.is_empty() {
        return None;
    }
    let exact = |amount: &str| format::money(amount, &bill.currency);
    let total = bill.pairs_priced.saturating_add(bill.pairs_unpriced);
    let unpriced = format!("{} pairs had no price or no usage", format::count(bill.pairs_unpriced));
    let mut entries = vec![
        Entry::new("Baseline, per 1000 requests", exact(&bill.baseline_per_1000), ""),
        Entry::new("Candidate, per 1000 requests", exact(&bill.candidate_per_1000), ""),
        Entry::new(
            "Candidate against baseline",
            bill.ratio.map_or_else(|| format::NOTHING.to_owned(), format::factor),
            saving(bill),
        ),
        Entry::new("Baseline, all priced pairs", exact(&bill.baseline), ""),
        Entry::new("Candidate, all priced pairs", exact(&bill.candidate), ""),
        Entry::new("Shadow calls", exact(&bill.shadow), "the price of this experiment"),
        Entry::new(
            "Pairs with a price on both sides",
            format::count(bill.pairs_priced),
            format!("{}; {unpriced}", format::share_of(bill.pairs_priced, total)),
        ),
    ];
    let estimated = "usage that the provider did not report";
    entries.push(Entry::new("Estimated usage", format::share(bill.estimated_share), estimated));
    Some(MoneyView { summary: money_summary(bill), entries, notes: bill.notes.clone() })
}

fn money_summary(bill: &Bill) -> String {
    let brief = |amount: &str| format::money_brief(amount, &bill.currency);
    let (baseline, candidate) = (brief(&bill.baseline_per_1000), brief(&bill.candidate_per_1000));
    if bill.pairs_priced == 0 {
        return "No pair has a price on both sides, so nothing can be said about cost.".to_owned();
    }
    format!("Per 1000 requests the candidate costs {candidate} where the baseline costs {baseline} ({}).", saving(bill))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_become_sentences_and_names_keep_their_spelling() {
        assert_eq!(sentence("too few pairs"), "Too few pairs.");
        assert_eq!(sentence("ttft_p95 is beyond its margin."), "ttft_p95 is beyond its margin.");
        assert_eq!(sentence("  élan vital "), "Élan vital.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_saving_without_interval_says_so() {
        let mut bill = Bill { ratio: Some(0.5), ..Bill::default() };
        assert_eq!(saving(&bill), "\u{2212}50.0%, too little data for an interval");
        bill.ratio_lower = Some(0.4);
        bill.ratio_upper = Some(0.6);
        assert_eq!(saving(&bill), "\u{2212}50.0%, 95% interval \u{2212}60.0% to \u{2212}40.0%");
        bill.ratio = None;
        assert_eq!(saving(&bill), "no ratio: too little data");
    }
}
