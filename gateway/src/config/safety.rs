//! `[safety]`: who judges what clients send and models answer, and what is done about it.
//!
//! The policy of a request is that of the first entry of `[[safety.consumers]]` that takes its consumer; else that of its
//! migration; else `safety.policy`; else none, and then nothing is judged. An entry with bars and no policy changes the
//! bars of the policy that would hold without it.

mod backends;
mod consumers;
mod policies;

pub use backends::{BackendConfig, Compiled, Judge};

use super::check::{Checker, LIMIT_MAX};
use super::migrations::Migration;
use guard::Policy;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of one streamed answer that are held back at most.
const HELD_BYTES: usize = 4 << 20;

/// What a migration says of its policy: `None` for no policy.
pub(super) fn policy_name(name: String) -> Option<String> {
    Some(name).filter(|name| name != policies::NO_POLICY)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSafety {
    policy: Option<String>,
    held_bytes_max: Option<usize>,
    #[serde(default)]
    backends: BTreeMap<String, backends::RawBackend>,
    #[serde(default)]
    policies: BTreeMap<String, policies::RawPolicy>,
    #[serde(default)]
    consumers: Vec<consumers::RawRule>,
}

/// The guard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Safety {
    /// Who can be asked, by name.
    pub backends: BTreeMap<String, BackendConfig>,
    /// Policies, by name.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// Bytes of one streamed answer that are held back; beyond it what is held is judged in parts.
    pub held_bytes_max: usize,
    default: Option<String>,
    consumers: Vec<consumers::Rule>,
}

impl Safety {
    /// The policy of a request. `migration` is what its migration says: `Some(None)` for no policy.
    #[must_use]
    pub fn policy(
        &self,
        consumer: Option<&str>,
        groups: &[Arc<str>],
        migration: Option<&Option<String>>,
    ) -> Option<&Arc<Policy>> {
        if self.policies.is_empty() {
            return None;
        }
        let named = migration.unwrap_or(&self.default).as_deref();
        let otherwise = named.and_then(|name| self.policies.get(name));
        let rule = consumer.and_then(|name| self.consumers.iter().find(|rule| rule.takes(name, groups)));
        match rule {
            Some(rule) => rule.policy(otherwise),
            None => otherwise,
        }
    }
}

impl Checker<'_> {
    /// Whether the policies that migrations name are there.
    pub(super) fn migration_policies(&mut self, migrations: &[Migration], safety: &Safety) {
        for migration in migrations {
            if let Some(Some(name)) = &migration.safety {
                self.named_policy(&format!("migrations.{}.safety", migration.name), name, &safety.policies);
            }
        }
    }

    pub(super) fn safety(&mut self, raw: &RawSafety) -> Option<Safety> {
        let backends: Vec<_> = raw.backends.iter().map(|(name, backend)| self.safety_backend(name, backend)).collect();
        let reach = |backend: &BackendConfig| match &backend.judge {
            Judge::Lists(compiled) => compiled.lists.reach(),
            _ => 0,
        };
        let reaches = backends.iter().map(|backend| backend.as_ref().map_or(0, reach));
        let known: policies::Reaches<'_> = raw.backends.keys().map(String::as_str).zip(reaches).collect();
        let policies: Vec<_> = raw
            .policies
            .iter()
            .map(|(name, policy)| Some((name.clone(), self.safety_policy(name, policy, &known)?)))
            .collect();
        let backends: Vec<BackendConfig> = backends.into_iter().collect::<Option<_>>()?;
        let policies: BTreeMap<String, Arc<Policy>> = policies.into_iter().collect::<Option<_>>()?;
        let default = match raw.policy.as_deref() {
            Some(name) => self.named_policy("safety.policy", name, &policies)?,
            None => None,
        };
        let consumers: Vec<_> =
            raw.consumers.iter().enumerate().map(|(place, rule)| self.safety_rule(place, rule, &policies)).collect();
        let held_bytes_max = raw.held_bytes_max.unwrap_or(HELD_BYTES);
        if !(1..=LIMIT_MAX).contains(&held_bytes_max) {
            self.problems.push(format!("safety.held_bytes_max is {held_bytes_max}: expected 1 to {LIMIT_MAX}"));
        }
        Some(Safety {
            backends: backends.into_iter().map(|backend| (backend.name.clone(), backend)).collect(),
            policies,
            held_bytes_max,
            default,
            consumers: consumers.into_iter().collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
