//! The last verdict on each migration, as an evaluation gave it.
//!
//! The gateway judges nothing here and follows nothing: it keeps what it is told, so that whoever looks at the migration sees
//! the weight and the evidence in one place. What was given last counts. It lives in this process only: an evaluation that runs
//! again and again tells a restarted gateway soon enough, and each of several replicas is told for itself.

mod kept;

#[cfg(test)]
pub(crate) use kept::tests::verdict as sample_verdict;
pub(crate) use kept::{GuardrailShown, Kept, Shown};

use super::{problem, unknown};
use crate::state::Shared;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http::{HeaderValue, StatusCode, header};
use judge::verdict::{SCHEMA, Verdict};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest verdict that is taken, bytes.
const VERDICT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// See the module's text. As many as there are migrations.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(Mutex<BTreeMap<String, Arc<Kept>>>);

impl Verdicts {
    /// The last verdict on a migration.
    pub(crate) fn of(&self, migration: &str) -> Option<Arc<Kept>> {
        self.all().get(migration).cloned()
    }

    /// Keeps a verdict instead of the one before, which joins the course. `is_known` says which migrations there are; what is
    /// kept of others is forgotten.
    fn keep(&self, bytes: Bytes, verdict: &Verdict, is_known: impl Fn(&str) -> bool, now_us: i64) -> Arc<Kept> {
        let mut all = self.all();
        all.retain(|name, _| is_known(name));
        let before = all.get(&verdict.migration).cloned();
        let kept = Arc::new(Kept::new(bytes, verdict, before.as_deref(), now_us));
        all.insert(verdict.migration.clone(), Arc::clone(&kept));
        kept
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/admin/v1/migrations/{name}/verdict", put(take))
        .layer(DefaultBodyLimit::max(VERDICT_BYTES_MAX))
}

pub(super) fn readable_routes() -> Router<Arc<Shared>> {
    Router::new().route("/admin/v1/migrations/{name}/verdict", get(show))
}

/// The last one as it was given.
async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    if shared.plane.load().lane(&name).is_none() {
        return unknown("migration");
    }
    match shared.verdicts.of(&name) {
        Some(kept) => json(kept.given.clone()),
        None => problem(StatusCode::NOT_FOUND, "no_verdict", "no verdict was given since this gateway started"),
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if shared.plane.load().lane(&name).is_none() {
        return unknown("migration");
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the verdict is larger than {VERDICT_BYTES_MAX} bytes");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message);
        }
        Err(rejection) => return problem(rejection.status(), "invalid_body", rejection.body_text()),
    };
    // Megabytes of text take a while, and the same threads serve clients.
    let read = tokio::task::spawn_blocking(move || read(&body).map(|verdict| (body, verdict))).await;
    let (body, verdict) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(message)) => return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_verdict", message),
        Err(_) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "verdict_not_read", "the verdict was not read"),
    };
    if verdict.migration != name {
        let message = format!("the verdict is about another migration: expected `{name}` in its `migration`");
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_verdict", message);
    }
    let plane = shared.plane.load_full();
    let now_us = crate::clock::now_us();
    let kept = shared.verdicts.keep(body, &verdict, |name| plane.lane(name).is_some(), now_us);
    tracing::info!(migration = name, verdict = verdict.verdict.word(), epoch = verdict.epoch, "a verdict was given");
    let epoch = plane.lane(&name).map_or(0, |lane| lane.snapshot().epoch);
    axum::Json(kept.shown(epoch, now_us)).into_response()
}

/// Reads a verdict, or says what is wrong with it.
fn read(bytes: &[u8]) -> Result<Verdict, String> {
    #[derive(serde::Deserialize)]
    struct Schema {
        #[serde(default)]
        schema: String,
    }
    let Schema { schema } =
        serde_json::from_slice(bytes).map_err(|error| format!("this is no JSON object: {error}"))?;
    if schema != SCHEMA {
        let schema: String = schema.chars().take(40).collect();
        return Err(format!("`schema` is `{schema}`: expected {SCHEMA}, as `weighbridge evaluate` writes it"));
    }
    // The text of the error names the place and repeats no value but a wrong word of a closed list.
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn json(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}
