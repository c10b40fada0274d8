//! From a log and options to what will be sent and when. Everything costly (parsing, rewriting, digests) happens
//! here, before the clock starts, so that sending stays on time.

use crate::error::ReplayError;
use crate::finished::Finished;
use crate::log::{Log, check, header};
use crate::options::{ArmChoice, ReplayOptions};
use crate::schedule::Schedule;
use bytes::Bytes;
use datasets::{Arm, LoggedRequest, Recorded, digest};
use http::HeaderValue;
use std::collections::{BTreeMap, HashSet};
use wire::provider::{Policy, Provider, Target};
use wire::usage::Characters;
use wire::{Endpoint, Form, Request, Unit};

/// One request, ready to send.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) id_header: HeaderValue,
    pub(crate) session_header: Option<HeaderValue>,
    pub(crate) consumer: Option<String>,
    pub(crate) endpoint: Endpoint,
    pub(crate) body: Bytes,
    /// Model in the log.
    pub(crate) logged_model: String,
    pub(crate) streamed: bool,
    pub(crate) form: Form,
    pub(crate) prompt: Characters,
    /// Digest of the assignment unit.
    pub(crate) unit: String,
    /// Members that were dropped for the provider.
    pub(crate) dropped: Vec<&'static str>,
    pub(crate) recorded: Option<Recorded>,
}

/// What will be sent and when.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    pub(crate) schedule: Schedule,
    pub(crate) out_of_order: u64,
    /// Rows that the provider cannot serve, by feature.
    pub(crate) skipped: BTreeMap<String, u64>,
    /// Rows that have a record already.
    pub(crate) already_done: u64,
    /// Rows that are due after the allowed duration.
    pub(crate) too_late: u64,
}

/// Makes the plan.
///
/// # Errors
/// The log is empty, a row cannot be sent, an id stands twice, or a model has no counterpart.
pub(crate) fn plan(log: Log, options: &ReplayOptions, finished: &Finished) -> Result<Plan, ReplayError> {
    if log.rows.is_empty() {
        return Err(ReplayError::Empty);
    }
    let mut plan = Plan {
        items: Vec::new(),
        schedule: Schedule::Open(Vec::new()),
        out_of_order: log.out_of_order,
        skipped: BTreeMap::new(),
        already_done: 0,
        too_late: 0,
    };
    let mut ids = HashSet::new();
    let mut at_us = Vec::new();
    for row in log.rows.into_iter().take(options.limit.unwrap_or(usize::MAX)) {
        if !ids.insert(row.id.clone()) {
            return Err(ReplayError::DuplicateId(row.id));
        }
        if finished.requests.contains(&row.id) {
            plan.already_done += 1;
            continue;
        }
        let at = row.at_us;
        match item(row, options)? {
            Ok(item) => {
                plan.items.push(item);
                at_us.push(at);
            }
            Err(feature) => *plan.skipped.entry(feature.to_owned()).or_default() += 1,
        }
    }
    plan.schedule = Schedule::plan(options.rate, &at_us, options.seed);
    if let Some(duration) = options.duration {
        plan.too_late = plan.schedule.cut(crate::micros(duration)) as u64;
    }
    Ok(plan)
}

/// One row. The inner error is the feature that the provider cannot serve.
fn item(row: LoggedRequest, options: &ReplayOptions) -> Result<Result<Item, &'static str>, ReplayError> {
    let refused = |message| ReplayError::Request { id: row.id.clone(), message };
    check(&row).map_err(refused)?;
    let id_header = header("id", &row.id).map_err(refused)?;
    let session_header =
        row.session.as_deref().map(|session| header("session", session)).transpose().map_err(refused)?;
    let request =
        Request::parse(row.endpoint, row.body.get().as_bytes()).map_err(|error| refused(error.to_string()))?;
    let mut prompt = Characters::default();
    request.for_each_text(|text| prompt.add(text));
    let policy = Policy::default();
    let rewritten = match options.arm {
        ArmChoice::AsRouted => None,
        ArmChoice::Forced(arm) => {
            let model = target_model(options, arm, &request.model)?;
            match options.provider(arm).adapter().rewrite(&request, &Target::new(model, &policy)) {
                Ok(rewritten) => Some(rewritten),
                Err(unfit) => return Ok(Err(unfit.feature)),
            }
        }
    };
    let mut item = Item {
        id_header,
        session_header,
        consumer: row.consumer,
        endpoint: row.endpoint,
        body: Bytes::new(),
        unit: unit(&request, row.session.as_deref(), &options.salt),
        streamed: request.stream,
        form: request.form(),
        prompt,
        dropped: Vec::new(),
        logged_model: request.model.clone().into_owned(),
        recorded: row.recorded,
        id: row.id,
    };
    match rewritten {
        Some(rewritten) => {
            item.body = Bytes::from(rewritten.body);
            item.dropped = rewritten.dropped;
        }
        // As routed means byte for byte: the gateway has to cope with what clients send.
        None => item.body = Bytes::from(Box::<str>::from(row.body).into_boxed_bytes()),
    }
    Ok(Ok(item))
}

/// The model at the forced arm's provider. An OpenAI name sent to DeepSeek would fail on every row, so it is refused
/// before the first one.
fn target_model<'a>(options: &'a ReplayOptions, arm: Arm, logged: &'a str) -> Result<&'a str, ReplayError> {
    let model = options.model(arm, logged);
    let provider = options.provider(arm);
    if arm == Arm::Candidate && provider == Provider::DeepSeek && !model.starts_with("deepseek") {
        return Err(ReplayError::Model { provider: provider.name(), model: logged.to_owned() });
    }
    Ok(model)
}

fn unit(request: &Request<'_>, session: Option<&str>, salt: &str) -> String {
    match request.unit(session) {
        Unit::Header(text) | Unit::Member(_, text) => digest::content(salt, &text),
        Unit::Opening(hash) => digest::content(salt, &digest::hex(&hash)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn row(id: &str, at_us: i64, body: &str) -> LoggedRequest {
        let body = RawValue::from_string(body.to_owned()).unwrap();
        LoggedRequest::chat(id, at_us, body)
    }

    const PLAIN: &str = r#"{"model":"gpt-4o",  "messages":[{"role":"user","content":"abcd"}]}"#;

    fn candidate() -> ReplayOptions {
        let models = BTreeMap::from([("gpt-4o".into(), "deepseek-flash".into())]);
        ReplayOptions { arm: ArmChoice::Forced(Arm::Candidate), models, ..ReplayOptions::default() }
    }

    #[test]
    fn as_routed_keeps_every_byte_and_a_forced_arm_is_rewritten() {
        let log = || Log::from(vec![row("a", 0, PLAIN)]);
        let routed = plan(log(), &ReplayOptions::default(), &Finished::default()).unwrap();
        assert_eq!(routed.items[0].body, PLAIN);
        assert_eq!(routed.items[0].prompt.total(), 4);
        let forced = plan(log(), &candidate(), &Finished::default()).unwrap();
        assert!(forced.items[0].body.starts_with(br#"{"model":"deepseek-flash""#), "{:?}", forced.items[0].body);
    }

    #[test]
    fn what_the_provider_cannot_serve_is_skipped_by_feature_and_others_keep_their_times() {
        let many = r#"{"model":"gpt-4o","n":2,"messages":[]}"#;
        let log = Log::from(vec![row("a", 100, PLAIN), row("b", 200, many), row("c", 400, PLAIN)]);
        let plan = plan(log, &candidate(), &Finished::default()).unwrap();
        assert_eq!(plan.skipped, BTreeMap::from([("n>1".to_owned(), 1)]));
        assert_eq!(plan.schedule, Schedule::Open(vec![0, 300]));
    }

    #[test]
    fn the_limit_counts_rows_of_the_log_so_a_resumed_run_ends_where_the_first_would_have() {
        let log = Log::from((0..10).map(|n| row(&format!("r{n}"), n, PLAIN)).collect::<Vec<_>>());
        let options = ReplayOptions { limit: Some(4), ..ReplayOptions::default() };
        let finished = Finished { requests: HashSet::from(["r1".into(), "r2".into()]), ..Finished::default() };
        let plan = plan(log, &options, &finished).unwrap();
        assert_eq!(plan.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["r0", "r3"]);
        assert_eq!(plan.already_done, 2);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_anything_is() {
        let error = |rows: Vec<LoggedRequest>, options: &ReplayOptions| {
            plan(Log::from(rows), options, &Finished::default()).unwrap_err().to_string()
        };
        let plain = ReplayOptions::default();
        assert!(error(vec![], &plain).contains("no request"));
        assert!(error(vec![row("a", 0, PLAIN), row("a", 1, PLAIN)], &plain).contains("`a`"));
        assert!(error(vec![row("a", 0, "{}")], &plain).contains("model"));
        let unmapped = ReplayOptions { models: BTreeMap::new(), ..candidate() };
        assert!(error(vec![row("a", 0, PLAIN)], &unmapped).contains("`gpt-4o=deepseek-flash`"));
    }
}
