//! What its labels stand for.

use crate::verdict::Category;

/// Labels of content by their beginnings, the longer ones first.
const BEGINNINGS: [(&str, Category); 17] = [
    ("pornographic_minor", Category::SexualMinors),
    ("sexual_minor", Category::SexualMinors),
    ("pornographic", Category::Sexual),
    ("sexual", Category::Sexual),
    ("political", Category::Political),
    ("violent", Category::Violence),
    ("contraband", Category::Illicit),
    ("inappropriate_discrimination", Category::Hate),
    ("inappropriate_profanity", Category::Profanity),
    ("inappropriate_oral", Category::Profanity),
    ("inappropriate_suicide", Category::SelfHarm),
    ("inappropriate_selfharm", Category::SelfHarm),
    ("inappropriate_self_harm", Category::SelfHarm),
    ("inappropriate_abuse", Category::Harassment),
    ("inappropriate_bully", Category::Harassment),
    ("custom", Category::Custom),
    ("c_", Category::Custom),
];

/// The kind of harm that a label of content names; labels of other services and of later years are `Other`.
pub(super) fn category(label: &str) -> Category {
    let label = label.to_ascii_lowercase();
    let known = BEGINNINGS.iter().find(|(beginning, _)| label.starts_with(beginning));
    known.map_or(Category::Other, |(_, category)| *category)
}

/// Whether a result says that there was none.
pub(super) fn is_none(label: &str) -> bool {
    label.is_empty() || label.eq_ignore_ascii_case("nonLabel") || label.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_their_kind() {
        for (label, expected) in [
            ("pornographic_adult", Category::Sexual),
            ("sexual_terms", Category::Sexual),
            ("political_n", Category::Political),
            ("violent_weapons", Category::Violence),
            ("contraband_gambling", Category::Illicit),
            ("inappropriate_discrimination", Category::Hate),
            ("inappropriate_profanity", Category::Profanity),
            ("inappropriate_ethics", Category::Other),
            ("customized", Category::Custom),
            ("C_customized", Category::Custom),
            ("pt_to_sites", Category::Other),
            ("", Category::Other),
        ] {
            assert_eq!(category(label), expected, "{label}");
        }
        assert!(is_none("nonLabel") && !is_none("political_n"));
    }

    #[test]
    fn a_longer_beginning_comes_before_its_own_beginning() {
        for (place, (longer, _)) in BEGINNINGS.iter().enumerate() {
            let earlier = BEGINNINGS.iter().take(place).find(|(shorter, _)| longer.starts_with(shorter));
            assert_eq!(earlier, None, "{longer} is never reached");
        }
    }
}
