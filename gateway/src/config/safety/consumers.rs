//! `[[safety.consumers]]`: whose requests are judged by another policy, or by other bars.
//!
//! The first entry that takes a consumer decides. Bars without a policy change those of whatever policy would hold.

use super::policies::NO_POLICY;
use crate::config::check::Checker;
use guard::policy::{Bar, Policy};
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    name: Option<String>,
    prefix: Option<String>,
    pattern: Option<String>,
    group: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    bars: BTreeMap<String, Bar>,
}

/// Policies by name.
pub(super) type Policies = BTreeMap<String, Arc<Policy>>;

/// Whom an entry takes.
#[derive(Debug, Clone)]
enum Whom {
    Name(String),
    Prefix(String),
    Pattern(Regex),
    Group(String),
}

impl PartialEq for Whom {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other))
            | (Self::Prefix(one), Self::Prefix(other))
            | (Self::Group(one), Self::Group(other)) => one == other,
            (Self::Pattern(one), Self::Pattern(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    whom: Whom,
    /// The policy that it names; `Some(None)` for no policy, `None` where it names none.
    policy: Option<Option<String>>,
    /// Every policy with the bars of this entry, by name.
    changed: Policies,
}

impl Rule {
    /// Whether it takes a consumer.
    pub(super) fn takes(&self, consumer: &str, groups: &[Arc<str>]) -> bool {
        match &self.whom {
            Whom::Name(name) => name == consumer,
            Whom::Prefix(prefix) => consumer.starts_with(prefix.as_str()),
            Whom::Pattern(pattern) => pattern.is_match(consumer),
            Whom::Group(name) => groups.iter().any(|group| **group == **name),
        }
    }

    /// The policy that holds where `otherwise` would.
    pub(super) fn policy<'r>(&'r self, otherwise: Option<&'r Arc<Policy>>) -> Option<&'r Arc<Policy>> {
        match &self.policy {
            Some(name) => self.changed.get(name.as_deref()?),
            None => otherwise.map(|policy| self.changed.get(&*policy.name).unwrap_or(policy)),
        }
    }
}

impl Checker<'_> {
    pub(super) fn safety_rule(&mut self, place: usize, raw: &RawRule, policies: &Policies) -> Option<Rule> {
        let at = format!("safety.consumers[{place}]");
        let RawRule { name, prefix, pattern, group, .. } = raw;
        let whom = match (name, prefix, pattern, group) {
            (Some(name), None, None, None) => Some(Whom::Name(name.clone())),
            (None, Some(prefix), None, None) => Some(Whom::Prefix(prefix.clone())),
            (None, None, None, Some(group)) => Some(Whom::Group(group.clone())),
            (None, None, Some(pattern), None) => match Regex::new(pattern) {
                Ok(pattern) => Some(Whom::Pattern(pattern)),
                Err(error) => self.problem(format!("{at}.pattern is no regular expression: {error}")),
            },
            _ => self.problem(format!("{at}: expected exactly one of name, prefix, pattern and group")),
        };
        let named = match raw.policy.as_deref() {
            Some(name) => Some(self.named_policy(&format!("{at}.policy"), name, policies)?),
            None => None,
        };
        if named.is_none() && raw.bars.is_empty() {
            self.problems.push(format!("{at} changes nothing: give it a policy, or bars"));
        }
        // Only what is named changes; what is wrong is said once.
        self.by_category(&format!("{at}.bars"), &raw.bars, Bar::High)?;
        let mut changed = Policies::new();
        for (name, policy) in policies {
            let mut bars = self.by_category(&format!("{at}.bars"), &raw.bars, policy.bars.default)?;
            for (category, bar) in &policy.bars.named {
                bars.named.entry(*category).or_insert(*bar);
            }
            changed.insert(name.clone(), Arc::new(Policy { bars, ..Policy::clone(policy) }));
        }
        Some(Rule { whom: whom?, policy: named, changed })
    }

    /// A policy's name, `None` inside for no policy.
    pub(in crate::config) fn named_policy(
        &mut self,
        key: &str,
        name: &str,
        policies: &Policies,
    ) -> Option<Option<String>> {
        if name == NO_POLICY {
            return Some(None);
        }
        if policies.contains_key(name) {
            return Some(Some(name.to_owned()));
        }
        let known = policies.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.problem(format!("{key} is `{name}`: expected {NO_POLICY} or one of [safety.policies]: {known}"))
    }
}
