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
            used_for: metrics.join("; "),
        })
        .collect()
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
    use super::sentence;

    #[test]
    fn unknown_methods_have_no_sentence() {
        assert_eq!(sentence("bootstrap"), "");
        assert!(sentence("tango-score").contains("Tango"));
    }
}
