//! For tests: one case a row of a matrix, and the proof that no row is without one.

use super::draft::Scene;
use super::matrix::{applying, is_ordered};
use super::{Adapter, Policy, Target, Unfit};
use crate::endpoint::Endpoint;
use crate::request::Request;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a request has to become.
pub(super) enum Becomes {
    /// It stays on the baseline, because of the row's feature.
    Baseline,
    /// JSON pointers and what has to stand there; `None` for nothing.
    Sent(&'static [(&'static str, Option<&'static str>)], &'static [&'static str]),
}

/// A request that has a row's feature.
pub(super) struct Case {
    pub(super) member: &'static str,
    pub(super) feature: &'static str,
    /// Members of the request, beside the model.
    pub(super) request: &'static str,
    pub(super) model: &'static str,
    pub(super) policy: Policy,
    pub(super) becomes: Becomes,
}

/// Runs all cases of an endpoint, and fails for a row without one.
pub(super) fn check(adapter: &dyn Adapter, endpoint: Endpoint, cases: &[Case]) {
    let table = adapter.matrix(endpoint);
    assert!(is_ordered(table), "the table of {} is not in order", endpoint.name());
    let mut without_case: BTreeSet<(&str, &str)> = table.iter().map(|row| (row.member, row.feature)).collect();
    assert_eq!(without_case.len(), table.len(), "two rows have one name");
    for case in cases {
        run(adapter, endpoint, case);
        without_case.remove(&(case.member, case.feature));
    }
    assert!(without_case.is_empty(), "rows without a case: {without_case:?}");
}

fn run(adapter: &dyn Adapter, endpoint: Endpoint, case: &Case) {
    let subject = endpoint.subject();
    let filler = if case.request.contains(&format!("\"{subject}\":")) {
        String::new()
    } else {
        let text = if endpoint == Endpoint::Chat { r#"[{"role":"user","content":"hi"}]"# } else { "\"hi\"" };
        format!(r#","{subject}":{text}"#)
    };
    // Stored unless the client says no, which stands in the way of everything else.
    let stateless = endpoint == Endpoint::Responses && !case.request.contains("\"store\":");
    let store = if stateless { r#","store":false"# } else { "" };
    let body = format!(r#"{{"model":"gpt-4o-mini"{filler}{store},{}}}"#, case.request).replace(",}", "}");
    let request = Request::parse(endpoint, body.as_bytes()).unwrap();
    let target = Target::new(case.model, &case.policy);
    let scene = Scene::new(&request, &target);
    let rows: Vec<_> = applying(adapter.matrix(endpoint), &scene).map(|(row, _)| row).collect();
    assert!(
        rows.iter().any(|row| (row.member, row.feature) == (case.member, case.feature)),
        "{} / {} does not apply to {body}, but {rows:?}",
        case.member,
        case.feature
    );
    let done = adapter.rewrite(&request, &target);
    match case.becomes {
        Becomes::Baseline => assert_eq!(done, Err(Unfit { feature: case.feature }), "{body}"),
        Becomes::Sent(expected, dropped) => {
            let done = done.unwrap_or_else(|unfit| panic!("{body} is unfit: {unfit:?}"));
            let sent: Value = serde_json::from_slice(&done.body).unwrap();
            for (pointer, value) in expected {
                let value: Option<Value> = value.map(|text| serde_json::from_str(text).unwrap());
                assert_eq!(sent.pointer(pointer), value.as_ref(), "{pointer} of {sent}");
            }
            assert_eq!(done.dropped, dropped, "{body}");
        }
    }
}
