//! Health of the measuring.

use judge::verdict::{Instrument, RepeatHealth, Verdict};
use serde::Serialize;

use super::{Entry, names};
use crate::format;

/// Health of the measuring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InstrumentView {
    /// Nothing is wrong.
    pub(crate) is_sound: bool,
    /// What is wrong, as sentences.
    pub(crate) alarms: Vec<String>,
    /// All figures.
    pub(crate) entries: Vec<Entry>,
    /// Exchanges without a partner, by reason.
    pub(crate) unmatched: Vec<Entry>,
    /// Rows refused at loading, by reason.
    pub(crate) rejected: Vec<Entry>,
    /// Mirrored requests by length of the prompt.
    pub(crate) mirror: Vec<MirrorRow>,
    /// Whether the lengths are lost equally.
    pub(crate) mirror_summary: String,
    /// The baseline against its own repetition.
    pub(crate) repeat: Option<RepeatView>,
}

/// Mirrored requests whose prompts have about the same length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MirrorRow {
    /// Characters of the prompt.
    pub(crate) length: String,
    /// Requests that should have been mirrored.
    pub(crate) intended: String,
    /// Those on record.
    pub(crate) observed: String,
    /// Share that was lost.
    pub(crate) lost: String,
}

/// The baseline against its own repetition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RepeatView {
    /// What it says, in a sentence.
    pub(crate) summary: String,
    /// Nothing that was made by the measuring was found.
    pub(crate) is_sound: bool,
    /// What was found, as sentences.
    pub(crate) findings: Vec<String>,
    /// How often two answers to one request differ, by metric.
    pub(crate) noise: Vec<NoiseRow>,
    /// Ratio of the latencies, by metric.
    pub(crate) latency: Vec<Entry>,
}

/// How often the baseline differs from itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NoiseRow {
    /// The metric, in words.
    pub(crate) label: String,
    /// Requests that differ.
    pub(crate) differ: String,
    /// Requests answered twice.
    pub(crate) pairs: String,
    /// Share of them.
    pub(crate) share: String,
}

pub(super) fn instrument(verdict: &Verdict) -> InstrumentView {
    let i = &verdict.instrument;
    let named = |counts: &[judge::verdict::Count]| {
        counts.iter().map(|c| Entry::new(&names::reason(&c.name), format::count(c.count), "")).collect()
    };
    let unequal = "short, middle and long prompts lost equally";
    InstrumentView {
        is_sound: i.alarms.is_empty(),
        alarms: i.alarms.clone(),
        entries: entries(verdict),
        unmatched: named(&i.unmatched),
        rejected: named(&i.rejected),
        mirror: mirror(i),
        mirror_summary: i.mirror_length_p.map_or_else(
            || format!("Whether {unequal} could not be asked."),
            |p| format!("{}: p = {}.", capitalised(unequal), format::p_value(p)),
        ),
        repeat: i.repeat.as_ref().map(repeat),
    }
}

fn entries(verdict: &Verdict) -> Vec<Entry> {
    let i = &verdict.instrument;
    let observed = format!("{} of {} on record", format::count(i.mirror_observed), format::count(i.mirror_intended));
    let loss = i.mirror_loss.map_or_else(|| format::NOTHING.to_owned(), format::share);
    let mirror = if i.mirror_intended == 0 { "nothing was mirrored".to_owned() } else { observed };
    let rejected = format!(
        "baseline {}, candidate {}",
        format::share(i.reject_share_baseline),
        format::share(i.reject_share_candidate)
    );
    let schedule = if i.replay_degraded { "fell behind" } else { "kept" };
    let mut entries = vec![
        Entry::new("Complete pairs", format::count(i.pairs), ""),
        Entry::new("Lost by the mirror", loss, mirror),
        Entry::new("Rows refused at loading", rejected, rows_read(i)),
        split(i),
        Entry::new("Schedule of the replay", schedule, ""),
    ];
    entries.extend(independence(verdict));
    entries.extend(oddities(i));
    entries
}

/// `of 12 000 and 11 980 rows`, where they are known.
fn rows_read(i: &Instrument) -> String {
    let [baseline, candidate] = i.rows;
    if baseline == 0 && candidate == 0 {
        return String::new();
    }
    format!("of {} and {} rows", format::count(baseline), format::count(candidate))
}

/// The sample-ratio test, as it was asked: for one look, at any time, or both.
fn split(i: &Instrument) -> Entry {
    let units = i.srm_units.map_or_else(
        || "no split was judged".to_owned(),
        |[baseline, candidate]| {
            format!("{} units on the baseline, {} on the candidate", format::count(baseline), format::count(candidate))
        },
    );
    let p = i.srm_p.map(|p| format!("p = {}", format::p_value(p)));
    let e = i.srm_e.map(|e| format!("e = {}", format::e_value(e)));
    let said: Vec<String> = [p, e].into_iter().flatten().collect();
    let said = if said.is_empty() { format::NOTHING.to_owned() } else { said.join(", ") };
    Entry::new("Split as configured", said, units)
}

/// What requests that resemble each other cost at most.
fn independence(verdict: &Verdict) -> Vec<Entry> {
    let asked = || verdict.guardrails.iter().filter(|g| g.decides && g.n > 0);
    let mut entries = Vec::new();
    let worst = asked().filter(|g| g.design_effect > 1.0).max_by(|a, b| a.design_effect.total_cmp(&b.design_effect));
    if let Some(worst) = worst {
        let of = format!("the largest; {}", names::guardrail(&worst.metric, &worst.segment));
        entries.push(Entry::new("Design effect", format::few(worst.design_effect), of));
    }
    let clusters = |g: &&judge::verdict::Guardrail| g.clusters_effective.filter(|c| c.is_finite());
    let fewest = asked().filter_map(|g| clusters(&g).map(|c| (c, g))).min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((clusters, guardrail)) = fewest {
        let of = format!("effectively, the fewest; {}", names::guardrail(&guardrail.metric, &guardrail.segment));
        entries.push(Entry::new("Independent consumers or conversations", format::few(clusters), of));
    }
    entries
}

/// What should not occur: counted where it does, and named together where it does not.
fn oddities(i: &Instrument) -> Vec<Entry> {
    let all = [
        ("Rows of an unknown arm", i.unknown_arms, "left out"),
        ("Repeated rows", i.duplicates, "each counts once"),
        ("Pairs whose clocks disagree", i.clock_skew_pairs, ""),
        ("Pairs of two epochs", i.mixed_epochs, "no pairs, therefore"),
        ("Pairs of two price tables", i.mixed_tariffs, "their costs are not compared"),
    ];
    let (found, none): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, count, _)| *count > 0);
    let mut entries: Vec<Entry> =
        found.into_iter().map(|(label, count, detail)| Entry::new(label, format::count(count), detail)).collect();
    if !none.is_empty() {
        let names: Vec<String> = none.into_iter().map(|(label, ..)| uncapitalised(label)).collect();
        entries.push(Entry::new("Not found", "none", names.join(", ")));
    }
    entries
}

fn mirror(i: &Instrument) -> Vec<MirrorRow> {
    let rows = i.mirror_by_length.iter();
    rows.map(|row| {
        let from = row.prompt_chars_from;
        let to = if from == 0 { 1 } else { from.saturating_mul(2) } - 1;
        let length =
            if from >= to { format::count(from) } else { format!("{} to {}", format::count(from), format::count(to)) };
        let lost = row.intended.saturating_sub(row.observed);
        MirrorRow {
            length,
            intended: format::count(row.intended),
            observed: format::count(row.observed),
            lost: format::share_of(lost, row.intended),
        }
    })
    .collect()
}

fn repeat(health: &RepeatHealth) -> RepeatView {
    let is_sound = health.nogo.is_empty();
    let pairs = format::count(health.pairs);
    let summary = if is_sound {
        format!("{pairs} requests were answered twice by the baseline. Nothing is proven to differ, as it should be.")
    } else {
        format!(
            "{pairs} requests were answered twice by the baseline. What differs between them was made by the measuring."
        )
    };
    let noise = health.discordance.iter().map(|row| NoiseRow {
        label: names::metric(&row.metric),
        differ: format::count(row.discordant),
        pairs: format::count(row.pairs),
        share: format::share_of(row.discordant, row.pairs),
    });
    let latency = health.latency.iter().map(|row| {
        let end = |value: Option<f64>, side: &str| value.map_or_else(|| format!("unbounded {side}"), format::change);
        let range = match (row.ratio_lower, row.ratio_upper) {
            (None, None) => "too few to tell".to_owned(),
            (lower, upper) => format!("{} to {}", end(lower, "below"), end(upper, "above")),
        };
        Entry::new(&names::metric(&row.metric), range, format!("{} requests", format::count(row.pairs)))
    });
    RepeatView { summary, is_sound, findings: health.nogo.clone(), noise: noise.collect(), latency: latency.collect() }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::verdict::{Discordance, MirrorLength, RepeatLatency};

    #[test]
    fn what_does_not_occur_is_named_in_one_line() {
        let mut i = Instrument::default();
        let said = oddities(&i);
        assert_eq!((said.len(), said[0].label.as_str()), (1, "Not found"));
        assert!(said[0].detail.contains("repeated rows") && said[0].detail.contains("pairs of two epochs"));
        i.duplicates = 3;
        let said = oddities(&i);
        assert_eq!((said[0].label.as_str(), said[0].value.as_str()), ("Repeated rows", "3"));
        assert!(!said[1].detail.contains("repeated rows"));
    }

    #[test]
    fn octaves_of_length_say_where_they_end() {
        let row = |prompt_chars_from, intended, observed| MirrorLength { prompt_chars_from, intended, observed };
        let i = Instrument {
            mirror_by_length: vec![row(0, 1, 1), row(1, 1, 1), row(64, 100, 75), row(4096, 0, 0)],
            ..Instrument::default()
        };
        let rows = mirror(&i);
        let said: Vec<(&str, &str)> = rows.iter().map(|row| (row.length.as_str(), row.lost.as_str())).collect();
        assert_eq!(said, [("0", "0%"), ("1", "0%"), ("64 to 127", "25.0%"), ("4096 to 8191", format::NOTHING)]);
    }

    #[test]
    fn the_repetition_says_what_differs_and_what_is_open() {
        let latency = |ratio_lower, ratio_upper| RepeatLatency {
            metric: "ttft_p95".to_owned(),
            pairs: 80,
            ratio_lower,
            ratio_upper,
        };
        let health = RepeatHealth {
            pairs: 90,
            discordance: vec![Discordance { metric: "errors".to_owned(), pairs: 90, discordant: 9 }],
            latency: vec![latency(Some(0.95), Some(1.08)), latency(None, Some(1.2)), latency(None, None)],
            ..RepeatHealth::default()
        };
        let view = repeat(&health);
        assert!(view.is_sound && view.summary.starts_with("90 requests"));
        assert_eq!((view.noise[0].share.as_str(), view.noise[0].differ.as_str()), ("10.0%", "9"));
        let said: Vec<&str> = view.latency.iter().map(|row| row.value.as_str()).collect();
        assert_eq!(said, ["\u{2212}5.0% to +8.0%", "unbounded below to +20.0%", "too few to tell"]);
        assert!(!repeat(&RepeatHealth { nogo: vec!["x".to_owned()], ..health }).is_sound);
    }
}
