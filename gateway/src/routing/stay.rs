//! Rules of the operator that keep requests on the baseline, beside those that the candidate's matrix makes.
//!
//! What the candidate would refuse stays in any case. These rules are for what it would only lose: a team that needs its
//! `seed`, a model that is not to move yet. A request that a rule takes is unfit, as if the candidate could not serve it:
//! it is neither drawn nor mirrored, so no comparison is made of traffic that will never move.

use super::models::Patterns;
use super::select::Asked;

/// What a rule without features is counted as.
pub const ANY: &str = "stay";
/// What a request is counted as whose model has no counterpart.
pub const UNMAPPED: &str = "model without a counterpart";

/// One rule. A list that is absent takes everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stay {
    /// Consumer names.
    pub consumers: Option<Vec<String>>,
    /// Model patterns.
    pub models: Option<Patterns>,
    /// Endpoint names.
    pub endpoints: Option<Vec<String>>,
    /// Names of features, of which the request needs one; `None` takes all requests.
    pub features: Option<Vec<&'static str>>,
    /// Why, for people who read the configuration later.
    pub why: String,
}

impl Stay {
    /// Whether the rule looks at such requests at all, whatever they hold.
    fn takes(&self, asked: &Asked<'_>) -> bool {
        let listed = |list: &Option<Vec<String>>, name: Option<&str>| {
            list.as_ref().is_none_or(|list| name.is_some_and(|name| list.iter().any(|one| one == name)))
        };
        listed(&self.endpoints, Some(asked.endpoint))
            && listed(&self.consumers, asked.consumer)
            && self.models.as_ref().is_none_or(|models| models.take(asked.model))
    }

    /// Whether everything that `other` takes is taken here, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        fn lists<T: PartialEq>(mine: Option<&Vec<T>>, theirs: Option<&Vec<T>>) -> bool {
            match (mine, theirs) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(mine), Some(theirs)) => theirs.iter().all(|name| mine.contains(name)),
            }
        }
        let models = match (&self.models, &other.models) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine.cover(theirs),
        };
        models
            && lists(self.endpoints.as_ref(), other.endpoints.as_ref())
            && lists(self.consumers.as_ref(), other.consumers.as_ref())
            && lists(self.features.as_ref(), other.features.as_ref())
    }
}

/// The feature because of which the first of the rules keeps a request, [`ANY`] where the rule names none. `first_of`
/// finds the first of some features that the request has.
#[must_use]
pub fn kept(
    rules: &[Stay],
    asked: &Asked<'_>,
    first_of: impl Fn(&[&'static str]) -> Option<&'static str>,
) -> Option<&'static str> {
    rules.iter().filter(|rule| rule.takes(asked)).find_map(|rule| match &rule.features {
        None => Some(ANY),
        Some(features) => first_of(features),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked { endpoint: "chat", model: "gpt-4o-mini", consumer: Some("team-a") };

    fn list(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_rule_needs_all_that_it_names() {
        let has_seed = |features: &[&'static str]| features.iter().find(|feature| **feature == "seed").copied();
        let patterns = |text| Some(Patterns::new([text]).unwrap());
        for (rule, expected) in [
            (Stay::default(), Some(ANY)),
            (Stay { consumers: list(&["team-a"]), ..Stay::default() }, Some(ANY)),
            (Stay { consumers: list(&["team-b"]), ..Stay::default() }, None),
            (
                Stay { models: patterns("gpt-4o*"), features: Some(vec!["top_p", "seed"]), ..Stay::default() },
                Some("seed"),
            ),
            (Stay { models: patterns("o3"), features: Some(vec!["seed"]), ..Stay::default() }, None),
            (Stay { endpoints: list(&["responses"]), ..Stay::default() }, None),
            (Stay { features: Some(vec!["top_p"]), ..Stay::default() }, None),
        ] {
            assert_eq!(kept(std::slice::from_ref(&rule), &ASKED, has_seed), expected, "{rule:?}");
        }
        let nobody = Asked { consumer: None, ..ASKED };
        assert_eq!(kept(&[Stay { consumers: list(&["team-a"]), ..Stay::default() }], &nobody, has_seed), None);
    }

    #[test]
    fn the_first_rule_that_keeps_it_names_the_feature() {
        let seed = Stay { features: Some(vec!["seed"]), ..Stay::default() };
        let any = Stay::default();
        assert_eq!(kept(&[seed.clone(), any.clone()], &ASKED, |_| Some("seed")), Some("seed"));
        assert_eq!(kept(&[seed.clone(), any.clone()], &ASKED, |_| None), Some(ANY));
        assert!(any.covers(&seed) && !seed.covers(&any));
        assert_eq!(kept(&[], &ASKED, |_| Some("seed")), None);
    }
}
