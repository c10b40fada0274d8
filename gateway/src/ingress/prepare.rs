//! Decides what happens to a request, and puts it into its provider's terms. Sends nothing and changes nothing.

use crate::config::Migration;
use crate::exchange::Context;
use crate::lane::{Lane, Link, Snapshot};
use crate::plane::Plane;
use crate::problem::Problem;
use crate::routing::{Asked, Assignment, Plan, Question, plan, split, stay};
use crate::safety::Watch;
use crate::state::Shared;
use crate::trace::Trace;
use datasets::{Arm, AssignedBy, NO_MIGRATION};
use http::{HeaderMap, HeaderName};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::provider::{Lookout, Rewritten, Target, Unfit};
use wire::usage::{Characters, Tally};
use wire::{Endpoint, Request};

/// Longest request id that is taken over from a client.
const REQUEST_ID_BYTES_MAX: usize = 128;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request in a provider's terms.
#[derive(Clone)]
pub(super) struct Addressed {
    pub path: &'static str,
    pub model: String,
    pub rewritten: Rewritten,
}

/// One request, ready to go.
pub(super) struct Prepared {
    pub plan: Plan,
    pub context: Arc<Context>,
    pub wants_usage: bool,
    pub serve: Addressed,
    /// For the candidate, where the mirror gets a copy.
    pub copy: Option<Addressed>,
    /// How long it took to put the request in the candidate's terms.
    pub rewriting: Duration,
    /// What the client called the model.
    pub model: String,
    /// The feature because of which the candidate does not get it.
    pub unfit: Option<&'static str>,
}

/// What is known of a request before its body was read.
pub(super) struct Head<'a> {
    pub endpoint: Endpoint,
    pub headers: &'a HeaderMap,
    pub consumer: Option<Arc<str>>,
    pub pair: &'a str,
    pub arrived: Instant,
    pub at_us: i64,
    /// Characters of the prompt, and what is billed of it.
    pub measured: (Characters, Tally),
    pub watch: Option<Watch>,
    pub trace: Option<Arc<Trace>>,
}

impl Head<'_> {
    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What is decided about a request before anybody puts it into words.
struct Decided {
    plan: Plan,
    /// Bytes of the assignment unit.
    unit: Vec<u8>,
    /// The request in the candidate's terms; the feature that stands in the way if it does not get it, `None` where
    /// nobody asked.
    for_candidate: Result<Addressed, Option<&'static str>>,
    /// How long that took.
    rewriting: Duration,
}

/// Everything about a request that is decided before it is sent.
pub(super) fn prepare(
    shared: &Shared,
    plane: &Plane,
    lane: &Arc<Lane>,
    head: Head<'_>,
    request: &Request<'_>,
) -> Result<Prepared, Problem> {
    let snapshot = lane.snapshot();
    let (prompt, billed) = head.measured;
    let decided = decide(shared, plane, lane, snapshot, &head, request, prompt);
    let (mut plan, unit) = (decided.plan, decided.unit);
    let unfit = decided.for_candidate.as_ref().err().copied().flatten();
    let (serve, copy) = match (plan.assignment.arm, decided.for_candidate.ok()) {
        (Arm::Candidate, Some(addressed)) => (addressed, None),
        (_, for_candidate) => match (for_baseline(shared, lane, head.consumer.as_deref(), request), for_candidate) {
            (Ok(serve), for_candidate) => (serve, for_candidate.filter(|_| plan.mirror)),
            // Nobody but the candidate can serve it, so nothing is drawn.
            (Err(_), Some(addressed)) => {
                plan = Plan { assignment: Assignment::forced(Arm::Candidate, AssignedBy::Unfit), ..Plan::PLAIN };
                (addressed, None)
            }
            (Err(problem), None) => return Err(problem),
        },
    };
    let salt = lane.migration.as_ref().map_or(NO_MIGRATION, |migration| &migration.salt);
    // The unit may be a user's name, and a migration's salt may be known: records have a secret of their own.
    let secret = shared.records.as_ref().map_or("", |records| records.salt.as_str());
    let context = Context {
        pair: head.pair.to_owned(),
        request: head.text(&REQUEST_ID).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX).map(str::to_owned),
        unit: datasets::digest::content(secret, &format!("{salt}\0{}", datasets::digest::hex(&unit))),
        lane: Arc::clone(lane),
        snapshot,
        endpoint: head.endpoint,
        consumer: head.consumer,
        assignment: plan.assignment,
        shadow_bp: lane.migration.as_ref().map(|_| plan.shadow_bp),
        at_us: head.at_us,
        arrived: head.arrived,
        streamed: request.stream,
        form: request.form(),
        uses_functions: request.uses_functions(),
        prompt,
        billed,
        completion_max: request.completion_max(),
        tier: request.tier(),
        tariffs: Arc::clone(&plane.config.prices.tariffs),
        watch: head.watch,
        trace: head.trace,
    };
    Ok(Prepared {
        plan,
        context: Arc::new(context),
        wants_usage: request.include_usage,
        serve,
        copy,
        rewriting: decided.rewriting,
        model: request.model.clone().into_owned(),
        unfit,
    })
}

/// Rules, coins and what the candidate can do, under one snapshot.
fn decide(
    shared: &Shared,
    plane: &Plane,
    lane: &Lane,
    snapshot: Snapshot,
    head: &Head<'_>,
    request: &Request<'_>,
    prompt: Characters,
) -> Decided {
    let conversation = || request.unit(head.text(&plane.config.conversation_header));
    let (Some(migration), Some(candidate)) = (&lane.migration, &lane.candidate) else {
        let unit = split::unit_bytes(&conversation());
        return Decided { plan: Plan::PLAIN, unit, for_candidate: Err(None), rewriting: Duration::ZERO };
    };
    let consumer = head.consumer.as_deref();
    let unit = migration.assign_by.unit(conversation, consumer, head.pair);
    let weights = snapshot.weights;
    // While nothing can go to the candidate, nobody asks whether it could serve.
    let in_play = migration.reaches_candidate(weights);
    let begun = Instant::now();
    let for_candidate = if in_play {
        let model = migration.models.get(&request.model).ok_or(stay::UNMAPPED);
        model
            .and_then(|model| self::for_candidate(shared, migration, candidate, consumer, request, model))
            .map_err(Some)
    } else {
        Err(None)
    };
    let rewriting = begun.elapsed();
    let question = Question {
        unit: &unit,
        headers: head.headers,
        fits: for_candidate.is_ok() || !in_play,
        prompt_chars: prompt.total(),
        consumer,
        model: &request.model,
        paused: lane.is_paused(),
    };
    let plan = plan(&migration.salt, &migration.rules, &migration.sampling, weights, &question);
    Decided { plan, unit, for_candidate, rewriting }
}

/// The request in the baseline's terms.
///
/// # Errors
/// The baseline cannot serve it, either: nobody can.
pub(super) fn for_baseline(
    shared: &Shared,
    lane: &Lane,
    consumer: Option<&str>,
    request: &Request<'_>,
) -> Result<Addressed, Problem> {
    let recall = |call: &str| shared.memory.recall(consumer, call);
    // What the baseline itself would refuse is its own to refuse, in words that its clients know.
    let target =
        Target { recall: &recall, last_resort: true, ..Target::new(&request.model, &lane.baseline.config.policy) };
    address(&lane.baseline, request, &target).map_err(|unfit| Problem::unfit(unfit.feature))
}

/// The request in the candidate's terms.
///
/// # Errors
/// The feature because of which it stays on the baseline: the candidate cannot serve it, or a rule keeps it.
fn for_candidate(
    shared: &Shared,
    migration: &Migration,
    link: &Link,
    consumer: Option<&str>,
    request: &Request<'_>,
    model: &str,
) -> Result<Addressed, &'static str> {
    let recall = |call: &str| shared.memory.recall(consumer, call);
    let target = Target { recall: &recall, ..Target::new(model, &link.config.policy) };
    let asked = Asked { endpoint: request.endpoint.name(), model: &request.model, consumer };
    // However many rules ask, the request is read once.
    let lookout = Lookout::new(link.config.kind, request, &target);
    let first_of = |features: &[&'static str]| lookout.first_of(|feature| features.contains(&feature));
    match stay::kept(&migration.stay, &asked, first_of) {
        Some(feature) => Err(feature),
        None => address(link, request, &target).map_err(|unfit| unfit.feature),
    }
}

fn address(link: &Link, request: &Request<'_>, target: &Target<'_>) -> Result<Addressed, Unfit> {
    let (adapter, model) = (link.adapter(), target.model);
    let path = adapter.path(request.endpoint).ok_or(Unfit { feature: request.endpoint.name() })?;
    let rewritten = adapter.rewrite(request, target)?;
    Ok(Addressed { path, model: model.to_owned(), rewritten })
}
