//! Names of metrics, bounds and parts of the traffic in words. What is not known here is shown as it is spelled in the
//! verdict, so that a new metric needs no change in this crate.

/// A metric in words, without its segment: `ttft_p95` is `Time to first token, p95`.
pub(crate) fn metric(name: &str) -> String {
    let (stem, quantile) = split_quantile(name);
    let words = match stem {
        "errors" => "Errors".to_owned(),
        "rate_limited" => "Rate limited (429)".to_owned(),
        "blocked" => "Blocked by moderation".to_owned(),
        "fewer_blocked" => "No longer blocked".to_owned(),
        "missed" => "Missed by moderation".to_owned(),
        "refusals" => "Refused by the model".to_owned(),
        "fewer_refusals" => "No longer refused".to_owned(),
        "guard_flags" => "Flagged by the guard".to_owned(),
        "fewer_guard_flags" => "No longer flagged".to_owned(),
        "answer_failures" => "Unusable answers".to_owned(),
        "structured_failures" => "Unusable structured answers".to_owned(),
        "truncations" => "Answers cut off".to_owned(),
        "slow_ttft" => "First token too late".to_owned(),
        "slow_duration" => "Answer too late".to_owned(),
        "cancellations" => "Given up by the client".to_owned(),
        "tool_disagreement" => "Other tool calls".to_owned(),
        "answer_disagreement" => "Other answers".to_owned(),
        "quality" => "Lost quality".to_owned(),
        "ttft" => "Time to first token".to_owned(),
        "duration" => "Total time".to_owned(),
        "inter_token" => "Time between tokens".to_owned(),
        "cost" => "Cost per request".to_owned(),
        other => from_spelling(other),
    };
    quantile.map_or_else(|| words.clone(), |quantile| format!("{words}, {quantile}"))
}

/// What a metric asks, where its name alone may be misread; empty where it says enough.
pub(crate) const fn remark(name: &str) -> &'static str {
    match name.as_bytes() {
        b"fewer_blocked" => "the baseline blocked more: too little moderation harms as well",
        b"fewer_refusals" => "the baseline refused more: that harms as well",
        b"guard_flags" => "the same guard over both arms, answers only",
        b"fewer_guard_flags" => "the guard flagged more of the baseline's answers: milder, or it cannot read them",
        b"missed" => "only the baseline blocked it",
        b"structured_failures" => "among requests that demanded JSON or a tool call",
        b"tool_disagreement" | b"answer_disagreement" => "beyond how often the baseline differs from itself",
        b"rate_limited" | b"cancellations" => "only served traffic can show it",
        b"quality" => "mean score, baseline minus candidate",
        _ => "",
    }
}

/// What the first visible text waits for, as a heading.
pub(crate) fn first_visible(segment: &str) -> String {
    match segment {
        "all" | "" => "Mean time to the first visible text, pairs".to_owned(),
        "canary" => "Mean time to the first visible text, served traffic".to_owned(),
        part => format!("Mean time to the first visible text, {part}"),
    }
}

/// A part of the traffic as a heading.
pub(crate) fn segment(name: &str) -> String {
    match name {
        "all" | "" => "All traffic".to_owned(),
        "canary" => "Served traffic".to_owned(),
        part => format!("Where {part}"),
    }
}

/// A part of the traffic in a table.
pub(crate) fn segment_short(name: &str) -> String {
    match name {
        "all" | "" => "pairs".to_owned(),
        "canary" => "served traffic".to_owned(),
        part => part.to_owned(),
    }
}

/// A metric with its segment, where that is not the usual one: `Errors · served traffic`.
pub(crate) fn guardrail(name: &str, segment: &str) -> String {
    match segment {
        "all" | "" => metric(name),
        "canary" => format!("{} · served traffic", metric(name)),
        part => format!("{} · {part}", metric(name)),
    }
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
        ("reaction", _) => {
            "limited by the time until a break is noticed and undone: more could cost the whole harm budget".to_owned()
        }
        ("capacity", _) => "limited by what the candidate's provider can take".to_owned(),
        ("ladder", true) => "limited by the ladder: one rung at a time".to_owned(),
        ("ladder", false) => "the top of the ladder is reached".to_owned(),
        ("policy", _) => "limited by the policy".to_owned(),
        ("verdict", _) => "follows from the verdict itself".to_owned(),
        (other, _) => format!("limited by: {other}"),
    }
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
        assert_eq!(guardrail("errors", "canary"), "Errors · served traffic");
        assert_eq!(guardrail("errors", "model=gpt-4o"), "Errors · model=gpt-4o");
        assert_eq!(guardrail("errors", "all"), "Errors");
    }

    #[test]
    fn every_metric_of_the_judge_has_words_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for share in judge::metric::Share::ALL {
            let name = share.name();
            assert!(name == "errors" || metric(name) != from_spelling(name), "{name} has no words");
            assert!(seen.insert(metric(name)), "{name} is called like another");
        }
        for name in ["fewer_blocked", "fewer_refusals", "fewer_guard_flags", "quality", "cost", "inter_token_p95"] {
            assert!(metric(name) != from_spelling(name) && seen.insert(metric(name)), "{name}");
        }
    }

    #[test]
    fn unknown_bounds_are_not_hidden() {
        assert_eq!(bound("moon", true), "limited by: moon");
    }
}
