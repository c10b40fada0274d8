//! Which migration a request belongs to.
//!
//! Migrations are asked in the order in which the configuration names them, and the first that takes the request has it;
//! specificity plays no part, so that reading from the top to the bottom tells the answer. A request that none takes is
//! plain traffic of the default provider.

use super::models::Patterns;

/// What a migration is chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Name of the endpoint (`chat`, `completions`, `embeddings`, `responses`, `moderations`).
    pub endpoint: &'a str,
    /// Model that the client named.
    pub model: &'a str,
    /// Who asks; `None` for callers without a name.
    pub consumer: Option<&'a str>,
}

/// What one migration takes. A list that is absent takes everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher {
    /// Models: the configured patterns, or the keys of the model map where there are none.
    pub models: Patterns,
    /// Endpoint names.
    pub endpoints: Option<Vec<String>>,
    /// Consumer names.
    pub consumers: Option<Vec<String>>,
}

impl Matcher {
    /// Whether the migration takes the request.
    #[must_use]
    pub fn takes(&self, asked: &Asked<'_>) -> bool {
        let listed = |list: &Option<Vec<String>>, name: Option<&str>| {
            list.as_ref().is_none_or(|list| name.is_some_and(|name| list.iter().any(|one| one == name)))
        };
        listed(&self.endpoints, Some(asked.endpoint))
            && listed(&self.consumers, asked.consumer)
            && self.models.take(asked.model)
    }

    /// Whether everything that `other` takes is taken here, too; asked before it, this one leaves it nothing.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let lists = |mine: &Option<Vec<String>>, theirs: &Option<Vec<String>>| match (mine, theirs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs.iter().all(|name| mine.contains(name)),
        };
        lists(&self.endpoints, &other.endpoints)
            && lists(&self.consumers, &other.consumers)
            && self.models.cover(&other.models)
    }
}

/// The place of the first migration that takes the request; `None` if none does.
#[must_use]
pub fn select<'m>(matchers: impl IntoIterator<Item = &'m Matcher>, asked: &Asked<'_>) -> Option<usize> {
    matchers.into_iter().position(|matcher| matcher.takes(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matcher(models: &[&str], endpoints: Option<&[&str]>, consumers: Option<&[&str]>) -> Matcher {
        let list = |names: Option<&[&str]>| names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Matcher {
            models: Patterns::new(models.iter().copied()).unwrap(),
            endpoints: list(endpoints),
            consumers: list(consumers),
        }
    }

    fn asked<'a>(endpoint: &'a str, model: &'a str, consumer: Option<&'a str>) -> Asked<'a> {
        Asked { endpoint, model, consumer }
    }

    #[test]
    fn the_first_that_takes_it_has_it_however_specific_the_later_ones_are() {
        let all = [
            matcher(&["gpt-4o*"], Some(&["chat"]), Some(&["team-a"])),
            matcher(&["gpt-4o*"], Some(&["chat"]), None),
            matcher(&["gpt-4o-mini"], None, None),
        ];
        for (request, place) in [
            (asked("chat", "gpt-4o-mini", Some("team-a")), Some(0)),
            (asked("chat", "gpt-4o-mini", Some("team-b")), Some(1)),
            (asked("chat", "gpt-4o-mini", None), Some(1)),
            (asked("embeddings", "gpt-4o-mini", None), Some(2)),
            (asked("embeddings", "gpt-4o", None), None),
            (asked("chat", "o3", Some("team-a")), None),
        ] {
            assert_eq!(select(&all, &request), place, "{request:?}");
        }
    }

    fn any_matcher() -> impl Strategy<Value = Matcher> {
        let names = |all: &'static [&'static str]| proptest::sample::subsequence(all, 1..=all.len());
        (
            names(&["a", "a*", "ab", "ab*", "b", "*"]),
            proptest::option::of(names(&["chat", "embeddings"])),
            proptest::option::of(names(&["x", "y"])),
        )
            .prop_map(|(models, endpoints, consumers)| matcher(&models, endpoints.as_deref(), consumers.as_deref()))
    }

    proptest! {
        #[test]
        fn a_covered_migration_is_never_selected(first in any_matcher(), second in any_matcher()) {
            let covered = first.covers(&second);
            for endpoint in ["chat", "embeddings", "other"] {
                for model in ["a", "ab", "abc", "b", "c"] {
                    for consumer in [None, Some("x"), Some("y"), Some("z")] {
                        let place = select([&first, &second], &asked(endpoint, model, consumer));
                        prop_assert!(!(covered && place == Some(1)));
                        // Never past one that takes it, never to one that does not.
                        let takes = [&first, &second].map(|one| one.takes(&asked(endpoint, model, consumer)));
                        prop_assert_eq!(place, takes.iter().position(|taken| *taken));
                    }
                }
            }
        }
    }
}
