//! The candidate's model for a model of today, where nobody named one.
//!
//! A small model becomes the small one and a large model the large one, as in the gateway's examples. That is a starting
//! point to be read and overruled, which is why the document says of each model who chose its counterpart.

use wire::provider::Provider;

/// Words in the name of a small model.
const SMALL: [&str; 6] = ["mini", "nano", "micro", "lite", "small", "turbo"];

/// The candidate's model that is nearest to `model`; `None` where there is nothing to choose by.
#[must_use]
pub fn counterpart(candidate: Provider, model: &str) -> Option<&'static str> {
    match candidate {
        Provider::DeepSeek => Some(deepseek(model)),
        Provider::OpenAi | Provider::Compatible => None,
    }
}

fn deepseek(model: &str) -> &'static str {
    // A fine-tuned model carries the name of its base, and so does a version with a date.
    let small = |word: &str| SMALL.contains(&word) || word == "luna" || word == "instant";
    if model.split(['-', ':', '.', '/', '_']).any(small) { "deepseek-flash" } else { "deepseek-v4-pro" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_becomes_small_and_large_becomes_large() {
        for (model, expected) in [
            ("gpt-4o-mini", "deepseek-flash"),
            ("gpt-4o-mini-2024-07-18", "deepseek-flash"),
            ("ft:gpt-4o-mini:acme::1", "deepseek-flash"),
            ("gpt-3.5-turbo", "deepseek-flash"),
            ("gpt-5-nano", "deepseek-flash"),
            ("gpt-4o", "deepseek-v4-pro"),
            ("gpt-5.6-sol", "deepseek-v4-pro"),
            ("o3", "deepseek-v4-pro"),
            ("", "deepseek-v4-pro"),
        ] {
            assert_eq!(counterpart(Provider::DeepSeek, model), Some(expected), "{model}");
        }
        assert_eq!(counterpart(Provider::Compatible, "gpt-4o"), None);
    }
}
