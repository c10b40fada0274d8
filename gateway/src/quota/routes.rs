//! The admin plane's view of quotas and usage.

use super::store::{Away, Balance, Top};
use crate::config::{Dimension, QuotaRule};
use crate::problem::Problem;
use crate::state::Shared;
use crate::usage::{By, Query, Report};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, Uri};
use lease::quota::{AMOUNT_MAX, Left, Limit, Unit, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Accounts of one limit that are shown at once.
const ACCOUNTS_SHOWN_MAX: usize = 1000;

/// One limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct LimitState {
    name: String,
    unit: &'static str,
    window: String,
    amount: u64,
    accounts: Vec<AccountState>,
    /// Accounts that are not shown.
    more: usize,
}

/// One account of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AccountState {
    subject: String,
    amount: u64,
    left: u64,
    /// What counts in the window, set aside or used.
    taken: u64,
    /// Set aside for calls under way.
    reserved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_us: Option<i64>,
}

/// How a balance is to change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Whose balance, for limits per consumer.
    consumer: Option<String>,
    /// The account's subject as `GET /admin/v1/quotas` shows it, for all others.
    subject: Option<String>,
    /// Which of the limit's units; may be left out if it has one.
    unit: Option<String>,
    /// Requests, tokens or nano-dollars.
    amount: i64,
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/admin/v1/quotas", get(list))
        .route("/admin/v1/quotas/{name}/refresh", post(refresh))
        .route("/admin/v1/quotas/{name}/delta", post(delta))
        .route("/admin/v1/usage", get(usage))
}

fn problem(status: StatusCode, code: &str, message: impl Into<String>) -> Response {
    Problem::new(status, "invalid_request_error", Some(code), message).into_response()
}

fn unreachable(away: &Away) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "replicas_unreachable", away.to_string())
}

/// The values of a query; of a name that stands twice the last one.
fn values(uri: &Uri) -> BTreeMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn unknown(values: &BTreeMap<String, String>, known: &[&str]) -> Option<Response> {
    let name = values.keys().find(|name| !known.contains(&name.as_str()))?;
    let message =
        format!("`{}` is not known here: expected {}", name.chars().take(40).collect::<String>(), known.join(", "));
    Some(problem(StatusCode::BAD_REQUEST, "invalid_query", message))
}

async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let values = values(&uri);
    if let Some(wrong) = unknown(&values, &["name", "subject"]) {
        return wrong;
    }
    let now_us = crate::clock::now_us();
    let plane = shared.plane.load_full();
    let wanted = |name: &str| values.get("name").is_none_or(|wanted| wanted == name);
    let rules = plane.config.quotas.rules.iter().filter(|rule| wanted(&rule.name));
    let limits: Vec<&Limit> = rules.flat_map(|rule| &rule.limits).collect();
    let balances = match shared.quotas.store().balances(now_us, &limits).await {
        Ok(balances) => balances,
        Err(away) => return unreachable(&away),
    };
    let subject = values.get("subject");
    let state = |(place, limit): (usize, &&Limit)| {
        let of_limit = balances.iter().filter(|balance| balance.limit == place);
        let mut accounts: Vec<AccountState> =
            of_limit.map(account).filter(|one| subject.is_none_or(|subject| *subject == one.subject)).collect();
        let more = accounts.len().saturating_sub(ACCOUNTS_SHOWN_MAX);
        accounts.truncate(ACCOUNTS_SHOWN_MAX);
        LimitState {
            name: limit.name.as_ref().to_owned(),
            unit: limit.unit.name(),
            window: limit.window.to_string(),
            amount: limit.amount,
            accounts,
            more,
        }
    };
    let states: Vec<LimitState> = limits.iter().enumerate().map(state).collect();
    let counts = shared.quotas.counts(&[], now_us);
    Json(serde_json::json!({
        "quotas": states,
        "calls_open": counts.open_calls,
        "leases_expired": counts.leases_expired,
        "settled_late": counts.settled_late,
        "journal_errors": counts.journal_errors,
    }))
    .into_response()
}

fn account(balance: &Balance) -> AccountState {
    let Balance { account, left: Left { amount, left, reset_us }, taken, reserved, .. } = balance;
    let (amount, left, taken, reserved, reset_us) = (*amount, *left, *taken, *reserved, *reset_us);
    AccountState { subject: account.subject().to_owned(), amount, left, taken, reserved, reset_us }
}

async fn refresh(state: State<Arc<Shared>>, name: Path<String>, body: axum::body::Bytes) -> Response {
    top(state, name, body, |amount| u64::try_from(amount).ok().map(Top::To)).await
}

async fn delta(state: State<Arc<Shared>>, name: Path<String>, body: axum::body::Bytes) -> Response {
    top(state, name, body, |amount| Some(Top::By(amount))).await
}

async fn top(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
    change: fn(i64) -> Option<Top>,
) -> Response {
    let asked: Change = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    };
    let plane = shared.plane.load_full();
    let Some(rule) = plane.config.quotas.rules.iter().find(|rule| *rule.name == *name) else {
        return problem(StatusCode::NOT_FOUND, "not_found", "unknown quota");
    };
    let (limit, subject) = match target(rule, &asked) {
        Ok(target) => target,
        Err(message) => return problem(StatusCode::BAD_REQUEST, "invalid_body", message),
    };
    if asked.amount.unsigned_abs() > AMOUNT_MAX {
        let message = format!("amount is {}: expected {AMOUNT_MAX} at most", asked.amount);
        return problem(StatusCode::BAD_REQUEST, "invalid_body", message);
    }
    let Some(change) = change(asked.amount) else {
        return problem(StatusCode::BAD_REQUEST, "invalid_body", "amount is below 0: a balance is set to 0 or more");
    };
    let account = limit.account(&subject);
    let left = match shared.quotas.store().top(crate::clock::now_us(), &account, limit, change).await {
        Ok(left) => left,
        Err(away) => return unreachable(&away),
    };
    tracing::info!(quota = &*rule.name, subject, ?change, left = left.left, "a balance was changed");
    Json(serde_json::json!({"name": &*rule.name, "unit": limit.unit.name(), "subject": subject, "left": left.left}))
        .into_response()
}

/// The limit and the subject that a change is about.
fn target<'a>(rule: &'a QuotaRule, asked: &Change) -> Result<(&'a Limit, String), String> {
    let balances = rule.limits.iter().filter(|limit| limit.window == Window::Lifetime);
    let wanted = |limit: &&Limit| asked.unit.as_ref().is_none_or(|unit| limit.unit.name() == unit);
    let limit = match balances.filter(wanted).collect::<Vec<_>>().as_slice() {
        [limit] => *limit,
        [] => return Err("only a balance (window = \"lifetime\") can be topped up, in a unit that it has".to_owned()),
        _ => {
            let units = Unit::ALL.map(Unit::name).join(", ");
            return Err(format!("the quota has several units: name one of {units}"));
        }
    };
    let subject = match (&asked.subject, &asked.consumer) {
        (Some(subject), None) => subject.clone(),
        (None, Some(consumer)) if rule.per == [Dimension::Consumer] => format!("consumer={consumer}"),
        (None, None) if rule.per.is_empty() => "all".to_owned(),
        _ => {
            return Err(
                "expected `consumer` for a quota per consumer, and else `subject` as GET /admin/v1/quotas shows it"
                    .to_owned(),
            );
        }
    };
    if subject.len() > 512 || subject.chars().any(char::is_control) {
        return Err("the subject is too long or no plain text".to_owned());
    }
    Ok((limit, subject))
}

async fn usage(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let values = values(&uri);
    if let Some(wrong) = unknown(&values, &["consumer", "since", "by"]) {
        return wrong;
    }
    let Some(book) = shared.quotas.book() else {
        let message = "this gateway keeps no usage: give it a [quota_store]";
        return problem(StatusCode::NOT_FOUND, "usage_not_kept", message);
    };
    let by = values.get("by").map_or_else(|| Ok(By::USUAL.to_vec()), |text| By::list(text));
    let since = values.get("since").map(|text| Query::since(text, crate::clock::now_us())).transpose();
    match (by, since) {
        (Ok(by), Ok(since_day)) => {
            let query = Query { since_day, consumer: values.get("consumer").cloned(), by };
            Json(Report::new(&book, &query)).into_response()
        }
        (Err(message), _) => problem(StatusCode::BAD_REQUEST, "invalid_query", format!("by: {message}")),
        (_, Err(message)) => problem(StatusCode::BAD_REQUEST, "invalid_query", format!("since: {message}")),
    }
}
