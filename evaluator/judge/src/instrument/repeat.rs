//! A/A: the baseline against its own repetition, by the rules of the verdict.
//!
//! The provider is the same, and so is the request. Whatever the verdict's exact alarm proves here was made by the
//! measuring: the order of the two calls, a prompt cache that the second one finds warm, a mirror with other timeouts, a
//! tokenizer applied to one side. The same bias would sit in every pair with the candidate, so that an A/A NO-GO disables
//! promotion.
//!
//! Shares are asked at their margins and in both directions, for a bias that flatters the candidate is the dangerous one.
//! Latencies are asked at no change at all: with thresholds frozen beforehand, `1{repetition above tau} - 1{first above
//! tau}` has mean zero exactly if the two answers are exchangeable. All questions together raise a false alarm with
//! probability `alpha_nogo` at most over all looks (Ville's inequality and Bonferroni): the level of each is the verdict's
//! own, or less where there are more questions here than guardrails there.
//!
//! Like the verdict's alarm it assumes that requests answer for themselves; see [`betting::log_wealth_scaled`].

use crate::counters::{LatencyPairs, Paired, PairedCounts, Thresholds};
use crate::evidence::Evidence;
use crate::guardrail::LevelsInForce;
use crate::metric::{Latency, Quantile, Share};
use crate::policy::Policy;
use crate::stats::betting::{self, Differences, Hypothesis};
use crate::verdict::{Discordance, RepeatHealth, RepeatLatency};
use crate::words;

/// One share: its name, its table and its margin.
struct ShareQuestion<'a> {
    name: &'a str,
    table: PairedCounts,
    margin: f64,
}

/// One quantile of a latency.
struct LatencyQuestion<'a> {
    latency: Latency,
    quantile: Quantile,
    counts: &'a LatencyPairs,
    thresholds: &'a Thresholds,
}

/// What the repetitions say; none where nothing was repeated.
pub(super) fn health(evidence: &Evidence, policy: &Policy, levels: LevelsInForce) -> Option<RepeatHealth> {
    let repeat = &evidence.repeat;
    if repeat.pairs == 0 {
        return None;
    }
    let labels = &evidence.plan.labels;
    let shares = share_questions(repeat, labels, policy);
    let latencies = latency_questions(evidence, policy);
    // Two directions each.
    let questions = 2 * (shares.len() + latencies.len());
    let alpha = levels.alarm.min(policy.levels.alpha_nogo / questions.max(1) as f64);
    let mut nogo: Vec<String> = shares.iter().filter_map(|question| biased_share(question, alpha)).collect();
    let mut latency = Vec::with_capacity(latencies.len());
    for question in &latencies {
        let (found, proven) = ratio(question, alpha);
        nogo.extend(proven.then(|| biased_latency(question, &found)));
        latency.push(found);
    }
    Some(RepeatHealth { pairs: repeat.pairs, alpha, discordance: discordance(repeat, labels), latency, nogo })
}

/// The alarms that follow.
pub(super) fn alarms(health: &RepeatHealth) -> impl Iterator<Item = String> {
    health.nogo.iter().map(|finding| format!("Instrument fault: {finding}"))
}

/// Whether a share compares the two answers by themselves. Of the others, some are asked of served traffic only, and the
/// rest compare an answer with the baseline's, of which its own repetition is the floor.
const fn compares_arms(share: Share) -> bool {
    !matches!(
        share,
        Share::RateLimited | Share::Cancellations | Share::Missed | Share::ToolDisagreement | Share::AnswerDisagreement
    )
}

fn share_questions<'a>(repeat: &Paired, labels: &'a [String], policy: &Policy) -> Vec<ShareQuestion<'a>> {
    let fixed = Share::ALL.into_iter().filter(|share| compares_arms(*share)).map(|share| {
        let margin = policy.share_margin(share);
        (share.name(), repeat.share(share), margin.enabled, margin.value)
    });
    let labelled = labels.iter().enumerate().map(|(index, name)| {
        let margin = policy.label_margin(name);
        (name.as_str(), repeat.label(index), margin.enabled, margin.value / 100.0)
    });
    fixed
        .chain(labelled)
        .filter(|(_, table, enabled, _)| *enabled && table.pairs() > 0)
        .map(|(name, table, _, margin)| ShareQuestion { name, table, margin })
        .collect()
}

fn latency_questions<'a>(evidence: &'a Evidence, policy: &Policy) -> Vec<LatencyQuestion<'a>> {
    let mut questions = Vec::new();
    for latency in Latency::ALL {
        let counts = &evidence.repeat.latency[latency.slot()];
        let Some(thresholds) = evidence.plan.of(latency).filter(|_| counts.tested > 0) else { continue };
        for quantile in Quantile::ALL {
            if policy.latency_margin(latency, quantile).is_some_and(|margin| margin.enabled) {
                questions.push(LatencyQuestion { latency, quantile, counts, thresholds });
            }
        }
    }
    questions
}

/// Wealth against a hypothesis has reached `1 / alpha`.
fn rejected(counts: Differences, border: f64, against: Hypothesis, alpha: f64) -> bool {
    betting::log_wealth(counts, border, against).is_ok_and(|wealth| wealth >= -alpha.ln())
}

fn biased_share(question: &ShareQuestion<'_>, alpha: f64) -> Option<String> {
    let table = question.table;
    let counts = Differences {
        minus: table.only_baseline_bad,
        zero: table.both_bad.saturating_add(table.both_good),
        plus: table.only_candidate_bad,
    };
    let worse = rejected(counts, question.margin, Hypothesis::AtMost, alpha);
    let better = rejected(counts, -question.margin, Hypothesis::AtLeast, alpha);
    (worse || better).then(|| {
        let direction = if worse { "more" } else { "less" };
        format!(
            "the baseline's own repetition has {direction} {} beyond the margin of {:.2} points ({} against {} in {} \
             requests answered twice), which only the measuring can have made.",
            words::metric(question.name, words::ALL),
            question.margin * 100.0,
            words::count(table.candidate_bad()),
            words::count(table.baseline_bad()),
            words::count(table.pairs())
        )
    })
}

/// Proven bounds of the ratio on the counted grid, and whether it is proven to differ from 1.
///
/// The claim "ratio <= rho" is `P(repetition > rho tau) <= P(first > tau)`. As rho rises, fewer repetitions are above and
/// the evidence against the claim falls, so that the proven bounds are found by bisection.
fn ratio(question: &LatencyQuestion<'_>, alpha: f64) -> (RepeatLatency, bool) {
    let slot = question.quantile.slot();
    let ratios = &question.thresholds.ratios[slot];
    let at = |place: usize, against: Hypothesis| {
        rejected(question.counts.differences(question.quantile, place), 0.0, against, alpha)
    };
    let places: Vec<usize> = (0..ratios.len()).collect();
    let above = places.partition_point(|place| at(*place, Hypothesis::AtMost));
    let not_below = places.partition_point(|place| !at(*place, Hypothesis::AtLeast));
    let equal = question.thresholds.equal_at[slot];
    let found = RepeatLatency {
        metric: format!("{}_{}", question.latency.name(), question.quantile.name()),
        pairs: question.counts.tested,
        ratio_lower: above.checked_sub(1).and_then(|place| ratios.get(place)).copied(),
        ratio_upper: ratios.get(not_below).copied(),
    };
    (found, at(equal, Hypothesis::AtMost) || at(equal, Hypothesis::AtLeast))
}

fn biased_latency(question: &LatencyQuestion<'_>, found: &RepeatLatency) -> String {
    let slot = question.quantile.slot();
    let equal = question.counts.differences(question.quantile, question.thresholds.equal_at[slot]);
    let direction = if equal.plus > equal.minus { "slower" } else { "faster" };
    format!(
        "the baseline's own repetition is proven {direction} in the {} ({} against {} of {} requests answered twice crossed \
         {:.2} ms alone); does the second call find a warm prompt cache, or wait for the first?",
        words::metric(&found.metric, words::ALL),
        words::count(equal.plus),
        words::count(equal.minus),
        words::count(question.counts.tested),
        question.thresholds.tau_us[slot] as f64 / 1e3
    )
}

/// The noise floor: how often the two answers differ. For the disagreements the table says itself how often the
/// repetition differs from the first answer.
fn discordance(repeat: &Paired, labels: &[String]) -> Vec<Discordance> {
    let fixed = Share::ALL.into_iter().map(|share| {
        let table = repeat.share(share);
        let differs = if compares_arms(share) { table.discordant() } else { table.candidate_bad() };
        (share.name(), table.pairs(), differs)
    });
    let labelled = labels.iter().enumerate().map(|(index, name)| {
        let table = repeat.label(index);
        (name.as_str(), table.pairs(), table.discordant())
    });
    fixed
        .chain(labelled)
        .filter(|(_, pairs, _)| *pairs > 0)
        .map(|(name, pairs, discordant)| Discordance { metric: name.to_owned(), pairs, discordant })
        .collect()
}
