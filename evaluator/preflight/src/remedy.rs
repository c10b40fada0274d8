//! What can be done about a feature: a line to paste, or nothing, because the gateway does it already.

use crate::document::Remedy;
use wire::provider::Effect;

/// Names that lines to paste need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remedies<'o> {
    /// Name of the migration.
    pub migration: &'o str,
}

impl Remedies<'_> {
    pub(crate) fn of(&self, feature: &str, effect: Effect) -> Option<Remedy> {
        match effect {
            Effect::Same | Effect::Rewritten => None,
            Effect::Loses => Some(Remedy {
                advice: "where that matters, keep such requests on the baseline".to_owned(),
                toml: Some(self.stay(feature)),
            }),
            Effect::Fails => Some(Remedy {
                advice: "nothing to do: the gateway keeps such requests on the baseline".to_owned(),
                toml: None,
            }),
        }
    }

    /// A rule that keeps requests with a feature on the baseline.
    fn stay(&self, feature: &str) -> String {
        format!(
            "[[migrations.{}.stay]]\nfeatures = [{}]\nwhy = {}\n",
            key(self.migration),
            quoted(feature),
            quoted(&format!("{feature} would be lost at the candidate"))
        )
    }
}

/// A key of TOML, in quotes where it has to be.
pub(crate) fn key(name: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A string of TOML. Control characters were taken out of names before.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
