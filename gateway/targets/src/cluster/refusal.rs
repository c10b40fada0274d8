//! What an API server says when it says no, and what to do about it.

use super::kind::Names;
use crate::http::Answer;
use crate::{TargetError, answer};
use reqwest::StatusCode;
use serde::Deserialize;

/// A `Status` object, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

/// What was asked about.
pub(super) struct Asked<'a> {
    /// The target, as people write it.
    pub(super) shown: &'a str,
    pub(super) names: Names,
    pub(super) namespace: &'a str,
    /// Where the credentials are from.
    pub(super) whose: &'a str,
}

/// The error for an answer that is not 2xx.
pub(super) fn error(asked: &Asked<'_>, answer: &Answer) -> TargetError {
    let status: Status = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_from_an_api = status.kind == "Status";
    let said = if status.message.is_empty() { String::new() } else { format!(": {}", answer::quoted(&status.message)) };
    let Asked { shown, names, namespace, whose } = asked;
    let code = answer.status;
    let by_admission =
        status.message.contains("admission webhook") || status.message.contains("ValidatingAdmissionPolicy");
    match code {
        StatusCode::UNAUTHORIZED => TargetError::Usage(format!(
            "{shown}: the API server does not know who we are{said}; renew the token or certificate of {whose}"
        )),
        _ if by_admission && code.is_client_error() => {
            TargetError::Usage(format!("{shown}: the cluster's admission refuses the change{said}"))
        }
        StatusCode::FORBIDDEN => TargetError::Usage(format!(
            "{shown}: not allowed{said}; grant the verbs get and patch on {}.{} in namespace {namespace} (see the role in \
             gateway/deploy/kubernetes/rbac.yaml)",
            names.plural, names.group
        )),
        StatusCode::NOT_FOUND if is_from_an_api => {
            TargetError::Usage(format!("{shown}: not found{said}; check namespace and name, and {whose}"))
        }
        StatusCode::NOT_FOUND => TargetError::Usage(format!(
            "{shown}: this cluster serves no {} of {}/{}; install it or update it",
            names.plural, names.group, names.version
        )),
        StatusCode::CONFLICT => conflict(shown, &status, &said),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            TargetError::Usage(format!("{shown}: the API server takes this for invalid{said}"))
        }
        code if code.is_redirection() => TargetError::Usage(format!(
            "{shown}: {code} instead of an answer: the server of {whose} is no API server, or wants a login in a browser"
        )),
        code if code.is_client_error() && code != StatusCode::TOO_MANY_REQUESTS => {
            TargetError::Usage(format!("{shown}: the API server answered {code}{said}"))
        }
        code => TargetError::World(format!("{shown}: the API server answered {code}{said}; try again")),
    }
}

/// Two things have the same code: somebody else was faster, or somebody else manages the field.
fn conflict(shown: &str, status: &Status, said: &str) -> TargetError {
    let causes = status.details.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    let managers: Vec<String> = causes
        .take(10)
        .map(|cause| format!("{} ({})", answer::quoted(&cause.message), answer::quoted(&cause.field)))
        .collect();
    if managers.is_empty() {
        return TargetError::Changed(format!(
            "{shown}: somebody else has changed it since it was read{said}; look again"
        ));
    }
    TargetError::Usage(format!(
        "{shown}: {}: others manage this, and would undo the change or be undone by it. If that is a GitOps controller, \
         change its file instead (a file target with --out); if it was applied by hand, hand the weights over to the gate \
         with --write take-over, or change the numbers only with --write patch",
        managers.join("; ")
    ))
}
