//! Methods in words, with their source. One that is not known here is shown by its name alone.

use judge::verdict::Verdict;
use serde::Serialize;

use super::names;

/// A method in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MethodView {
    /// Name in the verdict.
    pub(crate) name: String,
    /// What it does; empty if this version does not know it.
    pub(crate) sentence: &'static str,
    /// Its formula in words; empty where the sentence says it all.
    pub(crate) formula: &'static str,
    /// Where it is used.
    pub(crate) used_for: String,
}

/// The methods that occur, in the order of the guardrails, each with the metrics it was used for.
pub(super) fn methods(verdict: &Verdict) -> Vec<MethodView> {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for guardrail in &verdict.guardrails {
        let metric = names::metric(&guardrail.metric);
        match found.iter_mut().find(|(name, _)| *name == guardrail.method) {
            Some((_, metrics)) if metrics.contains(&metric) => {}
            Some((_, metrics)) => metrics.push(metric),
            None => found.push((&guardrail.method, vec![metric])),
        }
    }
    found
        .into_iter()
        .map(|(name, metrics)| MethodView {
            name: name.to_owned(),
            sentence: sentence(name),
            formula: formula(name),
            used_for: metrics.join("; "),
        })
        .collect()
}

/// How a method computes, in words.
fn formula(name: &str) -> &'static str {
    match name {
        "betting" => {
            "Each pair gives x: 1 if only the candidate is bad, −1 if only the baseline is, else 0. Against a mean of m or more \
             each of 40 players stakes a fixed share of their capital, which is multiplied by 1 + stake × (m − x) after each \
             pair. The bound is the smallest m at which their mean capital reaches 1 / level."
        }
        "betting-blocks" | "betting+blocks" => {
            "A block gives x: the candidate's outcome less the mean of the baseline's requests in the same block. Capital is \
             multiplied by 1 + stake × (m − x), and the bound is the smallest m at which the mean capital reaches 1 / level."
        }
        "confidence-sequence"
        | "confidence-sequence-combined"
        | "confidence-sequence-stratified"
        | "confidence-sequence-of-means" => {
            "Bound = estimate ± √( 2 (I k + 1) / (I² k) × ln(1 + √(I k + 1) / (2 × level)) ), where I is 1 / variance of the \
             estimate, and k makes the sequence narrowest at the planned amount of evidence."
        }
        "exceedances" | "exceedances-combined" | "exceedances-stratified" => {
            "With a limit L at the baseline's quantile: the ratio is at most r if the candidate is slower than r × L no more often \
             than the baseline is slower than L. The difference of these two shares is bounded; the bound of the ratio is the \
             smallest r at which it is proven to be at most 0."
        }
        "tango-score" | "tango-score+exact" => {
            "z(d) = (only candidate bad − only baseline bad − n × d) / √( n × (2 q + d × (1 − d)) ), where q is the share of pairs \
             in which only the baseline is bad if d is true. The bound is the d at which z is the normal quantile of the level."
        }
        "clopper-pearson" => {
            "The largest share p with which so few such pairs among n still have a probability of the level; for none of them, \
             1 − level^(1 / n)."
        }
        "miettinen-nurminen" | "miettinen-nurminen+exact" => {
            "z(d) = (candidate's share − baseline's share − d) / √( V × N / (N − 1) ), where V is the variance of the difference if \
             d is true. The bound is the d at which z is the normal quantile of the level."
        }
        "order-statistics-mover-paired" | "quantile-ratio-mover" | "order-statistics-mover" => {
            "With Wilson's limits of the share at the quantile, read off the sorted times of each side: log ratio ± \
             √( a² + b² − 2 r × a × b ), where a and b are the distances of both quantiles from their limits and r is the \
             correlation of the pairs."
        }
        "log-ratio-of-means-t" | "log-ratio-of-means-t-paired" | "log-ratio-t" => {
            "log(mean C / mean B) ± t × √( vC / mean C² + vB / mean B² − 2 cov / (mean C × mean B) ), where vC, vB and cov are \
             the variances and the covariance of the means."
        }
        _ => "",
    }
}

/// A method in one sentence.
fn sentence(name: &str) -> &'static str {
    match name {
        "betting" => {
            "difference of two shares on paired requests, by bets on each pair (Waudby-Smith and Ramdas 2024): exact, and \
             valid however often one looks; alarms start anew at each epoch and day (Shin, Ramdas and Rinaldo 2024)"
        }
        "betting-blocks" => {
            "difference of two shares between separate groups of requests, by bets on blocks of a fixed split: exact, and \
             valid however often one looks"
        }
        "betting+blocks" => "as betting over the pairs and as betting-blocks over what was served besides, joined",
        "confidence-sequence" => {
            "difference of two shares on paired requests, by an asymptotic confidence sequence (Waudby-Smith, Arbour and \
             others 2024), valid however often one looks; a failure needs the exact bets as well"
        }
        "confidence-sequence-combined" => {
            "as confidence-sequence, over pairs and served traffic, each weighted by its information"
        }
        "confidence-sequence-stratified" => {
            "as confidence-sequence, between separate groups of requests, compared within each stretch of constant weight"
        }
        "confidence-sequence-of-means" => {
            "means on paired requests, by an asymptotic confidence sequence (Waudby-Smith, Arbour and others 2024), valid \
             however often one looks"
        }
        "exceedances" => {
            "ratio of a quantile as a question of shares: how often each side is slower than a limit frozen from the \
             baseline's first requests, by confidence sequence and bets; failed requests count as infinitely slow"
        }
        "exceedances-combined" => "as exceedances, over pairs and served traffic, each weighted by its information",
        "exceedances-stratified" => {
            "as exceedances, between separate groups of requests, compared within each stretch of constant weight"
        }
        "tango-score" => {
            "difference of two shares on paired requests: score bounds (Tango 1998), from the pairs in which exactly \
             one side failed; for a single look"
        }
        "tango-score+exact" => {
            "as tango-score; because such pairs are rare here, each bound is the more cautious of the score bound and \
             an exact one (Clopper and Pearson 1934 above, betting after Waudby-Smith and Ramdas 2024 below)"
        }
        "clopper-pearson" => {
            "exact binomial bound on the share of pairs in which only the candidate failed, never below the true \
             difference"
        }
        "miettinen-nurminen" => {
            "difference of two shares between separate groups of requests: score bounds (Miettinen and Nurminen 1985); \
             for a single look"
        }
        "miettinen-nurminen+exact" => {
            "as miettinen-nurminen; because failures are rare here, each bound is the more cautious of the score bound \
             and an exact one"
        }
        "order-statistics-mover-paired" | "quantile-ratio-mover" => {
            "ratio of the same quantile on both sides: order-statistic limits of each (Woodruff 1952), joined on the \
             logarithmic scale (Zou and Donner 2008) with the correlation of the pairs; failed requests count as \
             infinitely slow; for a single look"
        }
        "order-statistics-mover" => {
            "ratio of the same quantile in two separate groups of requests: order-statistic limits of each (Woodruff \
             1952), joined on the logarithmic scale (Zou and Donner 2008); failed requests count as infinitely slow; for \
             a single look"
        }
        "log-ratio-of-means-t" | "log-ratio-of-means-t-paired" | "log-ratio-t" => {
            "ratio of two means on paired requests: t interval of its logarithm, with the covariance of the pairs; for a \
             single look"
        }
        "hard-stop" => "absolute limit of the policy, whatever the baseline does",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{formula, sentence};

    #[test]
    fn unknown_methods_have_no_sentence() {
        assert_eq!(sentence("bootstrap"), "");
        assert!(sentence("tango-score").contains("Tango"));
        assert_eq!(formula("bootstrap"), "");
        assert!(formula("betting").contains("1 / level"));
    }
}
