//! What categories, levels and phases are called in configurations, records and metrics.

use crate::verdict::{Category, Level, Phase};

/// All categories.
pub const CATEGORIES: [Category; 15] = [
    Category::Harassment,
    Category::Hate,
    Category::Illicit,
    Category::SelfHarm,
    Category::Sexual,
    Category::SexualMinors,
    Category::Violence,
    Category::Profanity,
    Category::Political,
    Category::PromptAttack,
    Category::SensitiveData,
    Category::MaliciousUrl,
    Category::Hallucination,
    Category::Custom,
    Category::Other,
];

/// Name of a category.
#[must_use]
pub const fn category(category: Category) -> &'static str {
    match category {
        Category::Harassment => "harassment",
        Category::Hate => "hate",
        Category::Illicit => "illicit",
        Category::SelfHarm => "self_harm",
        Category::Sexual => "sexual",
        Category::SexualMinors => "sexual_minors",
        Category::Violence => "violence",
        Category::Profanity => "profanity",
        Category::Political => "political",
        Category::PromptAttack => "prompt_attack",
        Category::SensitiveData => "sensitive_data",
        Category::MaliciousUrl => "malicious_url",
        Category::Hallucination => "hallucination",
        Category::Custom => "custom",
        Category::Other => "other",
    }
}

/// Name of a level.
#[must_use]
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Low => "low",
        Level::Medium => "medium",
        Level::High => "high",
        Level::Max => "max",
    }
}

/// Name of a phase.
#[must_use]
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Request => "request",
        Phase::Response => "response",
    }
}

/// Name of the risk dimension that Higress would put a category under.
#[must_use]
pub const fn higress_dimension(category: Category) -> &'static str {
    match category {
        Category::PromptAttack => "promptAttack",
        Category::SensitiveData => "sensitiveData",
        Category::MaliciousUrl => "maliciousUrl",
        Category::Hallucination => "modelHallucination",
        Category::Custom => "customLabel",
        _ => "contentModeration",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_forms() {
        for one in CATEGORIES {
            assert_eq!(serde_json::to_string(&one).unwrap(), format!("\"{}\"", category(one)));
        }
        for one in [Level::None, Level::Low, Level::Medium, Level::High, Level::Max] {
            assert_eq!(serde_json::to_string(&one).unwrap(), format!("\"{}\"", level(one)));
        }
        for one in [Phase::Request, Phase::Response] {
            assert_eq!(serde_json::to_string(&one).unwrap(), format!("\"{}\"", phase(one)));
        }
    }
}
