//! Every metric: name, help and labels. Dashboards and alerts hold on to these; a name never changes its meaning.
//!
//! Units stand last (`_seconds`, `_usd`, `_tokens`, `_bytes`, `_percent`); counters get `_total` behind that. The two
//! `process_` names are those that every Prometheus client library uses, so that common dashboards find them. What others
//! have named stands apart, in [`views`], under the names that they gave it.

mod callers;
mod exchange;
mod gateway;
mod neighbours;
pub(super) mod views;

pub(super) use callers::*;
pub(super) use exchange::*;
pub(super) use gateway::*;
pub(super) use neighbours::*;

/// One metric family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    /// Name without the `_total` of counters.
    pub name: &'static str,
    /// One sentence without its full stop.
    pub help: &'static str,
    /// Labels, in order.
    pub labels: &'static [&'static str],
}

const fn metric(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, help, labels }
}

/// All that are ours.
#[cfg(test)]
pub(super) fn own() -> Vec<Metric> {
    [exchange::ALL, gateway::ALL, callers::ALL, neighbours::ALL].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_follow_the_rules() {
        let all = own();
        let names: BTreeSet<&str> = all.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), all.len());
        for metric in &all {
            let name = metric.name;
            assert!(name.starts_with("weighbridge_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            // The page writer adds these itself.
            assert!(["_total", "_info", "_bucket", "_count", "_sum"].iter().all(|end| !name.ends_with(end)), "{name}");
            assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
            let units = ["seconds", "usd", "tokens", "bytes", "percent"];
            let misplaced = units.iter().find(|unit| name.contains(&format!("_{unit}_")));
            assert_eq!(misplaced, None, "{name}: units stand last");
        }
    }

    #[test]
    fn the_names_of_others_are_as_they_gave_them() {
        for metric in views::GEN_AI {
            assert!(metric.name.starts_with("gen_ai_client_") || metric.name.starts_with("gen_ai_server_"));
            assert!(metric.labels.starts_with(&["gen_ai_operation_name", "gen_ai_provider_name"]), "{}", metric.name);
        }
        for metric in views::HIGRESS {
            assert!(metric.name.starts_with("route_upstream_model_consumer_metric_"), "{}", metric.name);
            assert_eq!(metric.labels, ["ai_route", "ai_cluster", "ai_model", "ai_consumer"]);
        }
        assert!(own().iter().all(|own| !views::GEN_AI.iter().chain(views::HIGRESS).any(|view| view.name == own.name)));
    }
}
