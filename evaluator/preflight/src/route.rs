//! Where a request would go. Who decides is the caller: a model map, a gateway's configuration, or the defaults.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::{Endpoint, Request};

/// What a route is chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was asked.
    pub endpoint: Endpoint,
    /// Model that the client named.
    pub model: &'a str,
    /// Who asked, if the log says so.
    pub consumer: Option<&'a str>,
    /// All of it: rules may look at its features.
    pub request: &'a Request<'a>,
}

/// Who chose the candidate's model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Chosen {
    /// The caller, by name.
    Given,
    /// The gateway's configuration.
    Config,
    /// [`counterpart`](crate::counterpart): nobody said anything.
    Default,
}

/// Where a request would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To this model of the candidate.
    To(Arc<str>, Chosen),
    /// Nowhere else than today: no migration takes it, or a rule keeps it.
    Outside,
}
