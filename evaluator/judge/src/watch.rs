//! What is reported and not judged: verbosity, whole distributions, any harm at all, parts of the traffic.
//!
//! A verdict must not depend on everything that can be computed; but whoever decides wants to see whether the candidate
//! says more for the same question, whether its latencies lie elsewhere as a whole, and where it is worse. Flags here
//! never change a verdict. They are for one look, except the e-value of any harm.

use serde::{Deserialize, Serialize};

use crate::counters::histogram::Histogram;
use crate::counters::{Paired, PairedSums};
use crate::evidence::Evidence;
use crate::metric::{Latency, Quantile, Share};
use crate::policy::Policy;
use crate::stats::multiple::benjamini_hochberg;
use crate::stats::ratio::MeanRatio;
use crate::stats::{Side, discordant, paired};

/// One-sided level of either bound that is shown here: two-sided 95 %.
const ALPHA_SHOWN: f64 = 0.025;
/// False discovery rate of flagged segments.
const DISCOVERY_RATE: f64 = 0.05;

/// A figure that is reported and not judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Stable name: `answer_chars`, `cost_per_1000_answer_chars`, `any_harm_errors`, `ttft_distribution`, ...
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Lower end of its 95 % interval, where one is known.
    pub lower: Option<f64>,
    /// Upper end of it.
    pub upper: Option<f64>,
    /// Worth a look.
    pub flagged: bool,
    /// What it says, as a sentence.
    pub why: String,
}

/// A part of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Its name, for example `model=gpt-4o`.
    pub name: String,
    /// Whether a GO needs it to pass.
    pub critical: bool,
    /// Pairs.
    pub pairs: u64,
    /// Error share of the candidate less that of the baseline.
    pub error_difference: Option<f64>,
    /// McNemar's mid-p value of it, two-sided, for one look; 1 where it cannot be computed.
    pub error_p: f64,
    /// The same adjusted for the number of segments (Benjamini & Hochberg 1995).
    pub error_p_adjusted: f64,
    /// Candidate's 95th percentile of the duration over the baseline's.
    pub duration_p95_ratio: Option<f64>,
    /// Candidate's mean cost over the baseline's.
    pub cost_ratio: Option<f64>,
    /// The candidate makes more errors here, beyond chance at a false discovery rate of 5 %.
    pub flagged: bool,
}

/// Everything worth reporting about the pairs.
pub(crate) fn watch(pooled: &Paired, policy: &Policy) -> Vec<Watch> {
    let mut watches = Vec::new();
    watches.extend(verbosity(&pooled.answer_chars, policy.guardrails.answer_chars_range));
    watches.extend(price_of_length(&pooled.cost, &pooled.answer_chars));
    watches.extend(any_harm(pooled, policy.levels.alpha_nogo));
    for latency in Latency::ALL {
        let counts = &pooled.latency[latency.slot()];
        watches.extend(distribution(latency, &counts.baseline, &counts.candidate));
    }
    watches
}

/// Characters of an answer, candidate over baseline. Tokens of two tokenizers would be no common unit.
fn verbosity(sums: &PairedSums, range: [f64; 2]) -> Option<Watch> {
    let ratio = MeanRatio::from_sums(sums).ok()?;
    let estimate = ratio.estimate();
    let flagged = !(range[0]..=range[1]).contains(&estimate);
    let outside = if flagged { ", outside of" } else { ", within" };
    Some(Watch {
        name: "answer_chars".to_owned(),
        value: estimate,
        lower: ratio.bound(ALPHA_SHOWN, Side::Lower).ok(),
        upper: ratio.bound(ALPHA_SHOWN, Side::Upper).ok(),
        flagged,
        why: format!(
            "The candidate's answers are x{estimate:.2} as long, in characters{outside} the range of {} to {}.",
            range[0], range[1]
        ),
    })
}

/// What a thousand characters of answers cost, candidate over baseline, prompts included.
fn price_of_length(cost: &PairedSums, length: &PairedSums) -> Option<Watch> {
    let each = |nanos: i128, length: i128| (length > 0 && nanos > 0).then(|| nanos as f64 / length as f64);
    let value = each(cost.c, length.c)? / each(cost.b, length.b)?;
    Some(Watch {
        name: "cost_per_1000_answer_chars".to_owned(),
        value,
        lower: None,
        upper: None,
        flagged: false,
        why: format!(
            "A thousand characters of answers cost x{value:.2} of the baseline's, over the pairs with prices and with text."
        ),
    })
}

/// Evidence of any more errors at all, at every look.
fn any_harm(pooled: &Paired, alpha: f64) -> Option<Watch> {
    let table = pooled.share(Share::Errors);
    let log_e = discordant::log_e_value(table.only_candidate_bad, table.discordant()).ok()?;
    let flagged = log_e >= -alpha.ln();
    let says = if flagged { "proven to make more errors than" } else { "not proven to make more errors than" };
    Some(Watch {
        name: "any_harm_errors".to_owned(),
        value: log_e,
        lower: None,
        upper: None,
        flagged,
        why: format!("The candidate is {says} the baseline, by any margin (log e-value {log_e:.2})."),
    })
}

/// Distance of the two distributions (Kolmogorov-Smirnov) with the band of Dvoretzky, Kiefer, Wolfowitz and Massart, and
/// how often the candidate is the slower one (Mann-Whitney): they answer location and are blind to tails.
fn distribution(latency: Latency, baseline: &Histogram, candidate: &Histogram) -> Option<Watch> {
    let (n_b, n_c) = (baseline.n() as f64, candidate.n() as f64);
    if n_b < 1.0 || n_c < 1.0 {
        return None;
    }
    let (mut distance, mut slower) = (0.0_f64, 0.0);
    let (mut below_b, mut below_c) = (0.0, 0.0);
    let mut of_candidate = candidate.buckets().peekable();
    let mut of_baseline = baseline.buckets().peekable();
    loop {
        let next = [of_baseline.peek(), of_candidate.peek()].into_iter().flatten().map(|bucket| bucket.0).min();
        let Some(next) = next else { break };
        let b = of_baseline.next_if(|bucket| bucket.0 == next).map_or(0.0, |bucket| bucket.2 as f64);
        let c = of_candidate.next_if(|bucket| bucket.0 == next).map_or(0.0, |bucket| bucket.2 as f64);
        slower += c * (below_b + b / 2.0);
        below_b += b;
        below_c += c;
        distance = distance.max((below_b / n_b - below_c / n_c).abs());
    }
    // Failures are the slowest of all.
    slower += candidate.infinite() as f64 * (below_b + baseline.infinite() as f64 / 2.0);
    let effect = slower / (n_b * n_c);
    let band = ((2.0 / (2.0 * ALPHA_SHOWN)).ln() / 2.0).sqrt() * (1.0 / n_b.sqrt() + 1.0 / n_c.sqrt());
    let name = latency.name();
    Some(Watch {
        name: format!("{name}_distribution"),
        value: distance,
        lower: Some((distance - band).max(0.0)),
        upper: Some((distance + band).min(1.0)),
        flagged: distance > band,
        why: format!(
            "The distributions of {name} are at most {distance:.3} apart (chance allows {band:.3}); in {:.1} % of mixed \
             pairs the candidate is the slower one.",
            effect * 100.0
        ),
    })
}

/// All counted segments, in the order of their names.
pub(crate) fn segments(evidence: &Evidence, policy: &Policy) -> Vec<SegmentReport> {
    let mut reports: Vec<SegmentReport> = evidence
        .segments
        .iter()
        .map(|(name, segment)| {
            report(name, &segment.paired.pooled(), policy.segments.critical.iter().any(|critical| critical == name))
        })
        .collect();
    let adjusted = benjamini_hochberg(&reports.iter().map(|report| Some(report.error_p)).collect::<Vec<_>>());
    for (report, adjusted) in reports.iter_mut().zip(adjusted) {
        report.error_p_adjusted = adjusted;
        report.flagged =
            adjusted <= DISCOVERY_RATE && report.error_difference.is_some_and(|difference| difference > 0.0);
    }
    reports
}

fn report(name: &str, pooled: &Paired, critical: bool) -> SegmentReport {
    let table = pooled.share(Share::Errors);
    let pairs = table.pairs();
    let difference = table.only_candidate_bad as f64 - table.only_baseline_bad as f64;
    let duration = &pooled.latency[Latency::Duration.slot()];
    let p95 = |histogram: &Histogram| histogram.quantile_us(Quantile::P95.share());
    let cost = &pooled.cost;
    SegmentReport {
        name: name.to_owned(),
        critical,
        pairs,
        error_difference: (pairs > 0).then(|| difference / pairs as f64),
        error_p: paired::mcnemar_mid_p(table.only_candidate_bad, table.only_baseline_bad),
        error_p_adjusted: 1.0,
        duration_p95_ratio: p95(&duration.candidate).zip(p95(&duration.baseline)).map(|(c, b)| c / b.max(0.5)),
        cost_ratio: (cost.b > 0).then(|| cost.c as f64 / cost.b as f64),
        flagged: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl Iterator<Item = u64>, failed: u64) -> Histogram {
        let mut histogram = Histogram::default();
        values.for_each(|value| histogram.add(Some(value)));
        histogram.add_many(None, failed);
        histogram
    }

    #[test]
    fn equal_distributions_are_not_flagged_and_shifted_ones_are() {
        let same = distribution(Latency::Ttft, &histogram(1..=400, 4), &histogram(1..=400, 4)).unwrap();
        assert!(same.value.abs() < 1e-12 && !same.flagged && same.why.contains("50.0 %"), "{same:?}");
        let later = distribution(Latency::Ttft, &histogram(1..=400, 0), &histogram(401..=800, 0)).unwrap();
        assert!((later.value - 1.0).abs() < 1e-12 && later.flagged && later.why.contains("100.0 %"), "{later:?}");
        assert_eq!(distribution(Latency::Ttft, &Histogram::default(), &histogram(1..=2, 0)), None);
    }

    #[test]
    fn verbosity_is_flagged_outside_of_its_range() {
        let mut sums = PairedSums::default();
        (1..=100).for_each(|length| sums.push(length, length * 3 / 2));
        let watch = verbosity(&sums, [0.8, 1.25]).unwrap();
        assert!(watch.flagged && watch.why.contains("x1.4") || watch.why.contains("x1.5"), "{watch:?}");
        assert!(!verbosity(&sums, [0.8, 2.0]).unwrap().flagged);
    }

    #[test]
    fn segments_are_flagged_for_more_errors_only() {
        let mut evidence = Evidence::default();
        for (name, worse, better) in [("model=a", 30, 2), ("model=b", 2, 30), ("model=c", 3, 3)] {
            let paired = evidence.segments.entry(name.to_owned()).or_default();
            let table = paired.paired.epochs.entry(1).or_default().table_mut(Share::Errors.slot());
            (table.only_candidate_bad, table.only_baseline_bad, table.both_good) = (worse, better, 1000);
        }
        let flagged: Vec<bool> = segments(&evidence, &Policy::default()).iter().map(|report| report.flagged).collect();
        assert_eq!(flagged, [true, false, false]);
    }
}
