//! From a chosen row to what will be sent and when. Everything costly (parsing, rewriting, digests) happens here, on
//! the reader's thread and ahead of time, so that sending stays on time.

use crate::budget::{self, Completion};
use crate::error::ReplayError;
use crate::finished::Finished;
use crate::ids::{Added, Ids};
use crate::log::header;
use crate::options::{ArmChoice, ReplayOptions};
use crate::schedule::Timetable;
use crate::select::Chosen;
use crate::sessions::Turn;
use bytes::Bytes;
use datasets::{Arm, LoggedRequest, Recorded, digest};
use http::HeaderValue;
use std::sync::Arc;
use wire::price::{Tariffs, Tier};
use wire::provider::{Policy, Provider, Target};
use wire::usage::{Characters, Tally};
use wire::{Endpoint, Form, Request, Unit};

/// What a row weighs in memory besides its texts, roughly.
const ROW_BYTES: usize = 2 * 1024;
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
    /// What a provider bills of the request.
    pub(crate) billed: Tally,
    /// Tokens that the request allows its answer in all its choices.
    pub(crate) completion_max: Option<u64>,
    pub(crate) choices: u64,
    /// Service tier that the request asks for.
    pub(crate) tier: Tier,
    /// Digest of the assignment unit; empty if nothing is recorded.
    pub(crate) unit: String,
    /// Members that were dropped for the provider.
    pub(crate) dropped: Vec<&'static str>,
    pub(crate) recorded: Option<Recorded>,
}

/// One request and its place in the run.
#[derive(Debug)]
pub(crate) struct Job {
    /// Counts the jobs of a run.
    pub(crate) ticket: u64,
    pub(crate) turn: Turn,
    /// Set aside for it while it is under way, nano-dollars.
    pub(crate) estimate_nanos: i64,
    pub(crate) item: Item,
}

impl Job {
    /// What it weighs in memory.
    pub(crate) fn bytes(&self) -> usize {
        let answer = self.item.recorded.as_ref().and_then(|recorded| recorded.answer.as_ref()).map_or(0, String::len);
        ROW_BYTES + self.item.body.len() + answer
    }
}

/// What becomes of a row.
#[derive(Debug)]
pub(crate) enum Planned {
    Job(Box<Job>),
    /// The provider cannot serve this feature.
    Unfit(&'static str),
    /// It has a record already.
    Done,
    /// It is due after the allowed duration, as all after it.
    Late,
}

/// Plans row after row.
#[derive(Debug)]
pub(crate) struct Planner {
    options: Arc<ReplayOptions>,
    finished: Arc<Finished>,
    timetable: Timetable,
    tariffs: Arc<Tariffs>,
    /// The wall clock at the origin, for prices, microseconds since the Unix epoch.
    origin_wall_us: i64,
    ids: Ids,
    /// Rows whose ids could not be compared with all others.
    pub(crate) ids_unchecked: u64,
    /// Instant of the first row that is sent, where rows before it were sent by an earlier run.
    resumed_us: Option<u64>,
    jobs: u64,
}

impl Planner {
    pub(crate) fn new(
        options: Arc<ReplayOptions>,
        finished: Arc<Finished>,
        timetable: Timetable,
        tariffs: Arc<Tariffs>,
        origin_wall_us: i64,
    ) -> Self {
        Self {
            options,
            finished,
            timetable,
            tariffs,
            origin_wall_us,
            ids: Ids::default(),
            ids_unchecked: 0,
            resumed_us: None,
            jobs: 0,
        }
    }

    /// # Errors
    /// The row cannot be sent, its id stands twice, or its model has no counterpart or no price.
    pub(crate) fn plan(&mut self, chosen: Chosen) -> Result<Planned, ReplayError> {
        // Later laps repeat the ids of the first, each with a mark of its own.
        if chosen.lap == 0 {
            match self.ids.add(&chosen.row.id) {
                Added::New => {}
                Added::Known => return Err(ReplayError::DuplicateId(chosen.row.id)),
                Added::Full => self.ids_unchecked += 1,
            }
        }
        let due_us = self.timetable.due_us(chosen.ordinal, chosen.at_us);
        if self.finished.requests.contains(&chosen.row.id) {
            return Ok(Planned::Done);
        }
        let (session, at_us) = (chosen.session_key(), chosen.at_us);
        let recorded_us = chosen.row.recorded.as_ref().and_then(|recorded| recorded.duration_us);
        let item = match item(chosen.row, &self.options)? {
            Ok(item) => item,
            Err(feature) => return Ok(Planned::Unfit(feature)),
        };
        let mut due_us = due_us.unwrap_or(0);
        if self.options.resume {
            // Nobody waits for what an earlier run has sent.
            due_us -= *self.resumed_us.get_or_insert(due_us);
        }
        let estimate_nanos = self.estimate(&item, due_us)?;
        let turn = Turn { session, at_us, due_us, recorded_us };
        let job = Box::new(Job { ticket: self.jobs, turn, estimate_nanos, item });
        self.jobs += 1;
        let end_us = self.options.duration.map_or(u64::MAX, crate::micros);
        Ok(if due_us >= end_us && self.options.rate.is_open_loop() { Planned::Late } else { Planned::Job(job) })
    }

    /// What to set aside; nothing where money has no limit. A gateway may send the request to either arm.
    fn estimate(&self, item: &Item, due_us: u64) -> Result<i64, ReplayError> {
        if self.options.budget_nanos.is_none() {
            return Ok(0);
        }
        let at_us = self.origin_wall_us.saturating_add_unsigned(due_us);
        let recorded = item.recorded.as_ref().and_then(|recorded| recorded.usage).map(|usage| usage.completion);
        let completion = Completion { allowed: item.completion_max, choices: item.choices, recorded, tier: item.tier };
        let of_arm = |arm: Arm| {
            let (provider, model) = (self.options.provider(arm), self.options.model(arm, &item.logged_model));
            budget::estimate(&self.tariffs, provider, model, at_us, &item.body, completion)
        };
        let estimate = match self.options.arm {
            ArmChoice::Forced(arm) => of_arm(arm),
            ArmChoice::AsRouted => of_arm(Arm::Baseline).max(of_arm(Arm::Candidate)),
        };
        estimate.ok_or_else(|| ReplayError::NoPrice { model: item.logged_model.clone() })
    }
}

/// One row. The inner error is the feature that the provider cannot serve.
fn item(row: LoggedRequest, options: &ReplayOptions) -> Result<Result<Item, &'static str>, ReplayError> {
    let refused = |message| ReplayError::Request { id: row.id.clone(), message };
    let id_header = header("id", &row.id).map_err(refused)?;
    let session_header =
        row.session.as_deref().map(|session| header("session", session)).transpose().map_err(refused)?;
    let request =
        Request::parse(row.endpoint, row.body.get().as_bytes()).map_err(|error| refused(format!("body: {error}")))?;
    let (prompt, billed) = request.measure();
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
        // Only records tell it.
        unit: options.out.as_ref().map_or_else(String::new, |_| unit(&request, row.session.as_deref(), &options.salt)),
        streamed: request.stream,
        form: request.form(),
        prompt,
        billed,
        completion_max: request.completion_max(),
        choices: request.choices(),
        tier: request.tier(),
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
pub(crate) mod tests {
    use super::*;
    use crate::schedule::Rate;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    /// A job of so many bytes without an id of its own.
    pub(crate) fn job(ticket: u64, bytes: usize) -> Box<Job> {
        let mut item = item(row("a", PLAIN), &ReplayOptions::default()).unwrap().unwrap();
        item.body = Bytes::from(vec![b' '; bytes]);
        let turn = Turn { session: None, at_us: 0, due_us: 0, recorded_us: None };
        Box::new(Job { ticket, turn, estimate_nanos: 0, item })
    }

    fn row(id: &str, body: &str) -> LoggedRequest {
        let body = RawValue::from_string(body.to_owned()).unwrap();
        LoggedRequest::chat(id, 0, body)
    }

    const PLAIN: &str = r#"{"model":"gpt-4o",  "messages":[{"role":"user","content":"abcd"}]}"#;

    fn candidate() -> ReplayOptions {
        let models = BTreeMap::from([("gpt-4o".into(), "deepseek-flash".into())]);
        ReplayOptions { arm: ArmChoice::Forced(Arm::Candidate), models, ..ReplayOptions::default() }
    }

    /// Plans rows, each with its time.
    fn plan(rows: &[(&str, u64, &str)], options: ReplayOptions, done: &[&str]) -> Result<Vec<Planned>, ReplayError> {
        let mut finished = Finished::default();
        done.iter().for_each(|id| assert_eq!(finished.requests.add(id), Added::New));
        let timetable = Timetable::new(options.rate, options.seed, None, options.duration).unwrap();
        let tariffs = Arc::new(Tariffs::embedded().unwrap());
        // Saturday: off-peak.
        let wall_us = 1_795_219_200_000_000;
        let mut planner = Planner::new(Arc::new(options), Arc::new(finished), timetable, tariffs, wall_us);
        let chosen = |(ordinal, (id, at_us, body)): (usize, &(&str, u64, &str))| Chosen {
            row: row(id, body),
            at_us: *at_us,
            ordinal: ordinal as u64,
            lap: 0,
        };
        rows.iter().enumerate().map(chosen).map(|chosen| planner.plan(chosen)).collect()
    }

    /// Ids and due times of what is sent; other fates by name.
    fn fates(planned: &[Planned]) -> Vec<String> {
        let fate = |planned: &Planned| match planned {
            Planned::Job(job) => format!("{} {}", job.item.id, job.turn.due_us),
            Planned::Unfit(feature) => format!("unfit {feature}"),
            Planned::Done => "done".to_owned(),
            Planned::Late => "late".to_owned(),
        };
        planned.iter().map(fate).collect()
    }

    fn only(planned: Vec<Planned>) -> Job {
        match planned.into_iter().next() {
            Some(Planned::Job(job)) => *job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn as_routed_keeps_every_byte_and_a_forced_arm_is_rewritten() {
        let routed = only(plan(&[("a", 0, PLAIN)], ReplayOptions::default(), &[]).unwrap());
        assert_eq!(routed.item.body, PLAIN);
        assert_eq!(routed.item.prompt.total(), 4);
        let forced = only(plan(&[("a", 0, PLAIN)], candidate(), &[]).unwrap());
        assert!(forced.item.body.starts_with(br#"{"model":"deepseek-flash""#), "{:?}", forced.item.body);
    }

    #[test]
    fn what_the_provider_cannot_serve_is_skipped_by_feature_and_others_keep_their_times() {
        let many = r#"{"model":"gpt-4o","n":2,"messages":[]}"#;
        let planned = plan(&[("a", 0, PLAIN), ("b", 100, many), ("c", 300, PLAIN)], candidate(), &[]).unwrap();
        assert_eq!(fates(&planned), ["a 0", "unfit n>1", "c 300"]);
    }

    #[test]
    fn a_resumed_run_starts_at_once_and_keeps_the_gaps() {
        let rows = [("a", 0, PLAIN), ("b", 100, PLAIN), ("c", 250, PLAIN), ("d", 600, PLAIN)];
        let resumed = ReplayOptions { resume: true, ..ReplayOptions::default() };
        let planned = plan(&rows, resumed.clone(), &["a", "c"]).unwrap();
        assert_eq!(fates(&planned), ["done", "b 0", "done", "d 500"]);
        let even = ReplayOptions { rate: "10/s".parse::<Rate>().unwrap(), ..resumed };
        assert_eq!(fates(&plan(&rows, even, &["a"]).unwrap()), ["done", "b 0", "c 100000", "d 200000"]);
    }

    #[test]
    fn what_is_due_after_the_duration_is_late() {
        let duration = Some(std::time::Duration::from_micros(300));
        let options = ReplayOptions { duration, ..ReplayOptions::default() };
        let rows = [("a", 0, PLAIN), ("b", 299, PLAIN), ("c", 300, PLAIN)];
        assert_eq!(fates(&plan(&rows, options.clone(), &[]).unwrap()), ["a 0", "b 299", "late"]);
        // Answers set the pace of a closed loop, so no row is late beforehand.
        let closed = ReplayOptions { rate: "max:1".parse::<Rate>().unwrap(), ..options };
        assert_eq!(fates(&plan(&rows, closed, &[]).unwrap()), ["a 0", "b 0", "c 0"]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let error =
            |rows: &[(&str, u64, &str)], options: ReplayOptions| plan(rows, options, &[]).unwrap_err().to_string();
        let plain = ReplayOptions::default;
        assert!(error(&[("a", 0, PLAIN), ("a", 1, PLAIN)], plain()).contains("`a`"));
        assert!(error(&[("a", 0, "{}")], plain()).contains("model"));
        assert!(error(&[("a\n", 0, PLAIN)], plain()).contains("id holds control"));
        let unmapped = ReplayOptions { models: BTreeMap::new(), ..candidate() };
        assert!(error(&[("a", 0, PLAIN)], unmapped).contains("`gpt-4o=deepseek-flash`"));
        let unpriced = ReplayOptions { budget_nanos: Some(1), ..plain() };
        let unknown = r#"{"model":"who","messages":[]}"#;
        assert!(error(&[("a", 0, unknown)], unpriced).contains("`who`"));
    }

    #[test]
    fn with_a_cap_on_money_each_request_has_its_price() {
        let bounded = r#"{"model":"gpt-4o","max_tokens":100,"messages":[{"role":"user","content":"abcd"}]}"#;
        let estimate = |options: ReplayOptions| only(plan(&[("a", 0, bounded)], options, &[]).unwrap()).estimate_nanos;
        assert_eq!(estimate(ReplayOptions::default()), 0);
        let capped = |options: ReplayOptions| estimate(ReplayOptions { budget_nanos: Some(1), ..options });
        let baseline = capped(ReplayOptions { arm: ArmChoice::Forced(Arm::Baseline), ..candidate() });
        // 100 tokens at 10 USD per million, and the bytes of the body at 2.50.
        assert!((1_200_000..1_300_000).contains(&baseline), "{baseline}");
        assert!(capped(candidate()) < baseline);
        // A gateway may choose the dear one.
        assert_eq!(capped(ReplayOptions { arm: ArmChoice::AsRouted, ..candidate() }), baseline);
    }
}
