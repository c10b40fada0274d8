//! `[migrations.NAME.match]`: which requests belong to a migration.

use super::super::check::Checker;
use super::super::consumers::Consumers;
use super::super::ordered::Ordered;
use super::Migration;
use crate::routing::{Matcher, Patterns};
use serde::Deserialize;

/// Names of the endpoints, as `wire` has them.
const ENDPOINTS: [&str; 5] = ["chat", "completions", "embeddings", "responses", "moderations"];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    models: Option<Vec<String>>,
    endpoints: Option<Vec<String>>,
    consumers: Option<Vec<String>>,
}

impl Checker<'_> {
    /// Without model patterns, the keys of the model map are taken: what is not mapped then belongs to a later migration
    /// or to none.
    pub(super) fn matcher(
        &mut self,
        key: &str,
        raw: Raw,
        map: &Ordered<String>,
        consumers: &Consumers,
    ) -> Option<Matcher> {
        let keys = || map.0.iter().map(|(from, _)| from.as_str());
        let models = match &raw.models {
            None => Patterns::new(keys()).ok(),
            Some(patterns) => match Patterns::new(patterns.iter().map(String::as_str)) {
                Ok(models) => {
                    self.list(&format!("{key}.match.models"), patterns, |_| true, "a model pattern");
                    for unreachable in keys().filter(|from| !overlaps(&models, from)) {
                        self.warnings.push(format!(
                            "{key}.models.\"{unreachable}\" is never used: {key}.match.models does not take it"
                        ));
                    }
                    Some(models)
                }
                Err(error) => self.problem(format!("{key}.match.models: {error}")),
            },
        };
        if let Some(endpoints) = &raw.endpoints {
            self.endpoint_names(&format!("{key}.match.endpoints"), endpoints);
        }
        if let Some(names) = &raw.consumers {
            self.consumer_names(&format!("{key}.match.consumers"), names, consumers);
        }
        Some(Matcher { models: models?, endpoints: raw.endpoints, consumers: raw.consumers })
    }

    /// A list of endpoints.
    pub(super) fn endpoint_names(&mut self, key: &str, endpoints: &[String]) {
        let known = ENDPOINTS.join(", ");
        self.list(key, endpoints, |name| ENDPOINTS.contains(&name), &format!("one of {known}"));
    }

    /// A list of consumers.
    pub(super) fn consumer_names(&mut self, key: &str, names: &[String], consumers: &Consumers) {
        let known = consumers.names().collect::<Vec<_>>().join(", ");
        let expected = if known.is_empty() {
            "a consumer, but there is no [consumers.NAME]".to_owned()
        } else {
            format!("one of the consumers: {known}")
        };
        self.list(key, names, |name| consumers.has(name), &expected);
    }

    /// A list of names: not empty, each known and there once.
    pub(super) fn list(&mut self, key: &str, names: &[String], is_known: impl Fn(&str) -> bool, expected: &str) {
        if names.is_empty() {
            self.problems.push(format!("{key} is empty, so no request could match: leave it out or name some"));
        }
        for (place, name) in names.iter().enumerate() {
            if !is_known(name) {
                self.problems.push(format!("{key} names `{name}`: expected {expected}"));
            } else if names.iter().take(place).any(|earlier| earlier == name) {
                self.problems.push(format!("{key} names `{name}` twice: leave one out"));
            }
        }
    }

    /// Warns of migrations, or of single model patterns of theirs, that earlier migrations leave nothing.
    pub(super) fn warn_of_shadowed(&mut self, migrations: &[Migration]) {
        for (place, later) in migrations.iter().enumerate() {
            let earlier = migrations.get(..place).unwrap_or_default();
            let taker = |matcher: &Matcher| earlier.iter().find(|earlier| earlier.matcher.covers(matcher));
            if let Some(taker) = taker(&later.matcher) {
                self.warnings.push(format!(
                    "migrations.{} never gets a request: migrations.{}, which stands before it, takes all that it would; \
                     move it up or narrow that one's match",
                    later.name, taker.name
                ));
                continue;
            }
            for pattern in later.matcher.models.each() {
                let alone = Matcher { models: pattern.clone(), ..later.matcher.clone() };
                if let Some(taker) = taker(&alone) {
                    self.warnings.push(format!(
                        "migrations.{} never gets the model {pattern}: migrations.{}, which stands before it, takes it",
                        later.name, taker.name
                    ));
                }
            }
        }
    }
}

/// Whether some model that `key` of the map stands for is taken by the patterns.
fn overlaps(models: &Patterns, key: &str) -> bool {
    match key.strip_suffix('*') {
        None => models.take(key),
        // A beginning and a pattern have names in common if either covers the other, at least in part.
        Some(prefix) => {
            models.take(prefix) || Patterns::new([key]).is_ok_and(|key| models.each().any(|one| key.cover(&one)))
        }
    }
}
