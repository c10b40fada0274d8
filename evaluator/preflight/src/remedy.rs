//! What can be done about a feature: lines to paste into the gateway's configuration, or a sentence.

use crate::document::{Mapped, Remedy};
use crate::text;
use wire::provider;
use wire::provider::Effect;

/// Names that lines to paste need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remedies<'o> {
    /// Name of the migration.
    pub migration: &'o str,
    /// Name of the candidate among the providers.
    pub candidate: &'o str,
}

impl Remedies<'_> {
    /// What helps against a feature; `model` is one of the log's that has it.
    pub(crate) fn of(
        &self,
        feature: &str,
        effect: Effect,
        remedy: Option<provider::Remedy>,
        model: &str,
    ) -> Option<Remedy> {
        let told = |advice: &str, toml: Option<String>| Some(Remedy { advice: advice.to_owned(), toml });
        match (effect, remedy) {
            (Effect::Same | Effect::Rewritten, _) => None,
            (Effect::Loses, _) => {
                told("where that matters, keep such requests on the baseline", Some(self.stay(feature, "loses")))
            }
            (Effect::Fails, Some(provider::Remedy::Policy { key, value })) => told(
                "a setting of the candidate lets it take such requests, with a loss",
                Some(format!("[providers.{}]\n{key} = {}\n", bare(self.candidate), quoted(value))),
            ),
            (Effect::Fails, Some(provider::Remedy::Model { name })) if text::is_key(model) => told(
                "another model of the candidate takes such requests",
                Some(format!("[migrations.{}.models]\n{} = {}\n", bare(self.migration), quoted(model), quoted(name))),
            ),
            (Effect::Fails, Some(provider::Remedy::Model { name })) => told(
                &format!(
                    "another model of the candidate, {name}, takes such requests; the log's own model has a name that \
                     cannot be a line of the map"
                ),
                None,
            ),
            (Effect::Fails, Some(provider::Remedy::FixRequest)) => {
                told("whoever sends it has to mend it: the baseline refuses it, too, or is likely to", None)
            }
            (Effect::Fails, Some(provider::Remedy::StayOnBaseline) | None) => told(
                "nothing to do: the gateway keeps such requests on the baseline; a rule says so in the configuration",
                Some(self.stay(feature, "fails")),
            ),
        }
    }

    /// A rule that keeps requests with a feature on the baseline.
    fn stay(&self, feature: &str, verb: &str) -> String {
        format!(
            "[[migrations.{}.stay]]\nfeatures = [{}]\nwhy = {}\n",
            bare(self.migration),
            quoted(feature),
            quoted(&format!("preflight: {verb} at the candidate"))
        )
    }

    /// The whole map of models, as a section of the configuration. Who wrote the log chose its names: what would be a
    /// pattern or half a name is left out, and the section says so.
    pub(crate) fn models(&self, models: &[Mapped]) -> String {
        let moving = || models.iter().filter_map(|mapped| Some((mapped, mapped.to.as_deref()?)));
        let lines = moving()
            .filter(|(mapped, _)| text::is_key(&mapped.from))
            .map(|(mapped, to)| format!("{} = {}\n", quoted(&mapped.from), quoted(to)));
        let mut toml = format!("[migrations.{}.models]\n{}", bare(self.migration), lines.collect::<String>());
        let left_out = moving().filter(|(mapped, _)| !text::is_key(&mapped.from)).count();
        if left_out > 0 {
            toml.push_str(&format!(
                "# Left out: {left_out} model names of the log that are empty, too long, or hold `*` or control characters.\n"
            ));
        }
        toml
    }
}

/// A key of TOML, in quotes where it has to be.
fn bare(name: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// A string of TOML. Control characters were taken out of names before.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remedy_is_toml_that_can_be_read() {
        let remedies = Remedies { migration: "a b\"c", candidate: "deep" };
        for remedy in [
            provider::Remedy::Policy { key: "json_schema", value: "instruct" },
            provider::Remedy::Model { name: "deepseek-flash" },
            provider::Remedy::StayOnBaseline,
        ] {
            let told = remedies.of("n>1", Effect::Fails, Some(remedy), "ft:x\\y\"").unwrap();
            let toml: toml::Table = told.toml.unwrap().parse().unwrap();
            assert_eq!(toml.len(), 1, "{toml:?}");
        }
        assert_eq!(remedies.of("n>1", Effect::Fails, Some(provider::Remedy::FixRequest), "m").unwrap().toml, None);
        let mapped = Mapped { from: "a\"b".to_owned(), to: Some("c".to_owned()), chosen: None, requests: 1 };
        let toml: toml::Table = remedies.models(&[mapped]).parse().unwrap();
        assert_eq!(toml["migrations"]["a b\"c"]["models"]["a\"b"].as_str(), Some("c"));
    }

    #[test]
    fn a_name_of_the_log_never_becomes_a_pattern() {
        let remedies = Remedies { migration: "m", candidate: "c" };
        let mapped = |from: &str| Mapped { from: from.to_owned(), to: Some("x".to_owned()), chosen: None, requests: 1 };
        let text = remedies.models(&[mapped("gpt*"), mapped("*"), mapped("gpt-4o")]);
        let toml: toml::Table = text.parse().unwrap();
        let models = toml["migrations"]["m"]["models"].as_table().unwrap();
        assert_eq!((models.len(), models["gpt-4o"].as_str()), (1, Some("x")));
        assert!(text.contains("# Left out: 2 model names"), "{text}");
        let told = remedies.of("n>1", Effect::Fails, Some(provider::Remedy::Model { name: "flash" }), "*").unwrap();
        assert!(told.toml.is_none() && told.advice.contains("flash"), "{told:?}");
    }
}
