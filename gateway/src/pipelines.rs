//! What other people's pipelines ask: `/gate/MIGRATION` for Argo Rollouts, and below it addresses for Flagger and for tools that
//! read Kayenta's results.
//!
//! Deciding is `gate::answer` and pure; here is what it is decided from: the verdict that was kept, the lane's snapshot, the trail,
//! and now. Nothing here changes anything. What is told is noted when it changes ([`told`]), never with each question.

mod told;

pub(crate) use told::Pipelines;

use crate::admin::audit::What;
use crate::admin::{problem, unknown};
use crate::state::Shared;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gate::answer::flagger::{Call, Hook, reply};
use gate::answer::{Answer, Judged, Standing, argo, kayenta};
use http::StatusCode;
use std::sync::Arc;
use told::Asker;

/// Longest body of a call, bytes. Flagger's own members take some two hundred, metadata is the author's.
const CALL_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/gate/{migration}", get(measure))
        .route("/gate/{migration}/kayenta", get(execution))
        .route("/gate/{migration}/flagger/{hook}", post(hear))
        .layer(DefaultBodyLimit::max(CALL_BYTES_MAX))
}

/// What an answer is made from, and the answer; it is absent where there is nothing to answer from.
struct Asked {
    kept: Option<Arc<crate::admin::verdict::Kept>>,
    standing: Standing,
    answer: Option<Answer>,
    now_us: i64,
}

impl Asked {
    fn judged(&self) -> Option<&Judged> {
        self.kept.as_ref().map(|kept| &kept.judged)
    }
}

/// For Argo Rollouts: 200 with exactly one of `pass`, `inconclusive` and `fail`.
async fn measure(State(shared): State<Arc<Shared>>, Path(migration): Path<String>) -> Response {
    let Some(asked) = ask(&shared, &migration).await else { return unknown("migration") };
    shared.note_told(&migration, Asker::Argo, &asked.standing, asked.answer.as_ref(), asked.now_us);
    match &asked.answer {
        Some(answer) => Json(argo::measurement(&migration, asked.judged(), &asked.standing, answer)).into_response(),
        None => no_verdict(),
    }
}

/// In Kayenta's shape: 200, complete once there is a GO or a NO-GO.
async fn execution(State(shared): State<Arc<Shared>>, Path(migration): Path<String>) -> Response {
    let Some(asked) = ask(&shared, &migration).await else { return unknown("migration") };
    shared.note_told(&migration, Asker::Kayenta, &asked.standing, asked.answer.as_ref(), asked.now_us);
    match &asked.answer {
        Some(answer) => Json(kayenta::execution(&migration, asked.judged(), &asked.standing, answer)).into_response(),
        None => no_verdict(),
    }
}

/// For Flagger: 200 is a yes, 403 a no, and what a yes means depends on the hook.
async fn hear(
    State(shared): State<Arc<Shared>>,
    Path((migration, hook)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(hook) = Hook::of(&hook) else { return unknown("webhook type") };
    let call = match body {
        Ok(body) => Call::read(&body),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the call is larger than {CALL_BYTES_MAX} bytes");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message);
        }
        Err(rejection) => return problem(rejection.status(), "invalid_body", rejection.body_text()),
    };
    let call = match call {
        Ok(call) => call,
        Err(message) => return problem(StatusCode::BAD_REQUEST, "invalid_body", message),
    };
    let Some(asked) = ask(&shared, &migration).await else { return unknown("migration") };
    if hook.asks() {
        shared.note_told(&migration, Asker::Flagger(hook), &asked.standing, asked.answer.as_ref(), asked.now_us);
    } else {
        let Call { name, namespace, phase, .. } = &call;
        let message = call.event_message();
        tracing::info!(migration, name, namespace, phase, message, hook = hook.name(), "flagger tells");
    }
    let reply = reply(hook, asked.answer.as_ref());
    // Not a problem document: Flagger puts the body into a Kubernetes event as it is.
    (if reply.yes { StatusCode::OK } else { StatusCode::FORBIDDEN }, reply.text + "\n").into_response()
}

/// 404 and not a word that could be taken for an answer: whoever asks counts it as an error of the measuring, and gives up
/// after as many as he allows. Nobody measures here, or the gateway has just been restarted and is told again soon.
fn no_verdict() -> Response {
    let message = "no verdict was given since this gateway started: `weighbridge evaluate --publish` gives one";
    problem(StatusCode::NOT_FOUND, "no_verdict", message)
}

/// Looks at everything that an answer is made from; `None` where there is no such migration.
async fn ask(shared: &Shared, migration: &str) -> Option<Asked> {
    let snapshot = shared.plane.load().lane(migration)?.snapshot();
    let standing = Standing {
        epoch: snapshot.epoch,
        weight_percent: snapshot.weights.candidate.percent(),
        rolled_back: rolled_back(shared, migration, snapshot.epoch).await,
    };
    let kept = shared.verdicts.of(migration);
    let now_us = crate::clock::now_us();
    let answer = gate::answer::told(kept.as_ref().map(|kept| &kept.judged), &standing, now_us);
    Some(Asked { kept, standing, answer, now_us })
}

/// Why the epoch in force began with a rollback, if it did; a weight that was set to nothing is one, too. Of several replicas any may have been told; while Redis is away, this
/// one knows its own.
async fn rolled_back(shared: &Shared, migration: &str, epoch: u64) -> Option<String> {
    let began = |entry: &crate::admin::audit::AuditEntry| {
        let is_back = entry.what == What::Rollback.name()
            || (entry.what == What::Weight.name() && entry.to_percent <= 0.0 && entry.from_percent > 0.0);
        is_back && entry.migration == migration && entry.epoch == epoch
    };
    let told = |entry: crate::admin::audit::AuditEntry| match entry.reason.trim() {
        "" => format!("by {}", entry.who),
        reason => reason.to_owned(),
    };
    if let Some(entry) = shared.audit.find(began) {
        return Some(told(entry));
    }
    let all = shared.replicas.as_ref()?.audit().await.ok()?;
    all.into_iter().find(began).map(told)
}
