//! Names of metrics, segments, bounds and methods in words. What is not known here is shown as it is spelled in the
//! verdict, so that a new metric or method needs no change in this crate.

/// A metric in words, without its segment: `ttft_p95` is `Time to first token, p95`.
pub(crate) fn metric(name: &str) -> String {
    let (stem, quantile) = split_quantile(name);
    let words = match stem {
        "errors" => "Errors".to_owned(),
        "answer_failures" => "Unusable answers".to_owned(),
        "ttft" => "Time to first token".to_owned(),
        "duration" => "Total time".to_owned(),
        "inter_token" => "Time between tokens".to_owned(),
        "cost" => "Cost per request".to_owned(),
        other => from_spelling(other),
    };
    quantile.map_or_else(|| words.clone(), |quantile| format!("{words}, {quantile}"))
}

/// A metric with its segment, where that is not the usual one: `Errors · canary`.
pub(crate) fn guardrail(name: &str, segment: &str) -> String {
    if segment == "all" || segment.is_empty() { metric(name) } else { format!("{} · {segment}", metric(name)) }
}

/// Splits `ttft_p95` into `ttft` and `p95`.
fn split_quantile(name: &str) -> (&str, Option<&str>) {
    let is_quantile = |text: &&str| {
        text.strip_prefix('p').is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
    };
    match name.rsplit_once('_') {
        Some((stem, last)) if is_quantile(&last) => (stem, Some(last)),
        _ => (name, None),
    }
}

/// `tool_calls` as `Tool calls`, `label:exact` as `Label: exact`.
fn from_spelling(name: &str) -> String {
    let spaced = name.replace('_', " ").replace(':', ": ");
    let mut characters = spaced.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Which bound decided the next weight, as the end of a sentence. `rises` says whether the weight goes up.
pub(crate) fn bound(bound: &str, rises: bool) -> String {
    match (bound, rises) {
        ("risk", _) => {
            "limited by the harm budget: more could cost more failed requests than the policy allows".to_owned()
        }
        ("ladder", true) => "limited by the ladder: one rung at a time".to_owned(),
        ("ladder", false) => "the top of the ladder is reached".to_owned(),
        ("policy", _) => "limited by the policy".to_owned(),
        ("verdict", _) => "follows from the verdict itself".to_owned(),
        (other, _) => format!("limited by: {other}"),
    }
}

/// A method in one sentence.
pub(crate) fn method(name: &str) -> String {
    let sentence = match name {
        "tango-score" => {
            "difference of two shares on paired requests: score bounds (Tango 1998), from the pairs in which exactly \
             one side failed"
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
            "difference of two shares between separate groups of requests: score bounds (Miettinen and Nurminen 1985)"
        }
        "miettinen-nurminen+exact" => {
            "as miettinen-nurminen; because failures are rare here, each bound is the more cautious of the score bound \
             and an exact one"
        }
        "order-statistics-mover-paired" | "quantile-ratio-mover" => {
            "ratio of the same quantile on both sides: order-statistic limits of each (Woodruff 1952), joined on the \
             logarithmic scale (Zou and Donner 2008) with the correlation of the pairs; failed requests count as \
             infinitely slow"
        }
        "order-statistics-mover" => {
            "ratio of the same quantile in two separate groups of requests: order-statistic limits of each (Woodruff \
             1952), joined on the logarithmic scale (Zou and Donner 2008); failed requests count as infinitely slow"
        }
        "log-ratio-of-means-t-paired" | "log-ratio-t" => {
            "ratio of two means on paired requests: t interval of its logarithm, with the covariance of the pairs"
        }
        "hard-stop" => "absolute limit of the policy, whatever the baseline does",
        _ => "",
    };
    sentence.to_owned()
}

/// A finish reason, error kind or mismatch reason in words.
pub(crate) fn reason(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_get_words_and_keep_their_quantile() {
        assert_eq!(metric("ttft_p95"), "Time to first token, p95");
        assert_eq!(metric("errors"), "Errors");
        assert_eq!(metric("tool_calls"), "Tool calls");
        assert_eq!(metric("step_pass"), "Step pass");
        assert_eq!(metric("label:exact"), "Label: exact");
        assert_eq!(metric(""), "");
        assert_eq!(guardrail("errors", "canary"), "Errors · canary");
        assert_eq!(guardrail("errors", "all"), "Errors");
    }

    #[test]
    fn unknown_bounds_and_methods_are_not_hidden() {
        assert_eq!(bound("moon", true), "limited by: moon");
        assert_eq!(method("bootstrap"), "");
        assert!(method("tango-score").contains("Tango"));
    }
}
