//! `[metrics]`: under which other names the page of metrics shows the same numbers.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMetrics {
    pub gen_ai: Option<bool>,
    pub higress: Option<bool>,
}

/// Views of the page of metrics beside our own names, which are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricViews {
    /// Names of OpenTelemetry's GenAI conventions. On by default: they are summed over consumers, so they cost few series,
    /// and dashboards for them exist.
    pub gen_ai: bool,
    /// Names of Higress' `ai-statistics`. Off by default: only who comes from there has dashboards for them.
    pub higress: bool,
}

impl RawMetrics {
    /// Nothing in it can be wrong.
    pub(super) fn views(&self) -> MetricViews {
        MetricViews { gen_ai: self.gen_ai.unwrap_or(true), higress: self.higress.unwrap_or(false) }
    }
}
