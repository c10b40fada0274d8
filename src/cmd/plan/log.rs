//! What a request log tells a plan: the rate, the baseline's errors and latencies, and money.

use crate::args;
use crate::cmd::import;
use crate::outcome::Failure;
use bill::project::{Document, Options, Projection};
use bill::reckon::MONTH_HOURS;
use datasets::import::{ImportOptions, open};
use datasets::{LoggedRequest, Recorded};
use judge::evidence::Evidence;
use judge::plan::{assumed, assumed_of};
use judge::policy::Policy;
use judge::simulate::Scenario;
use preflight::counterpart;
use serde::Serialize;
use std::path::PathBuf;
use wire::price::Tariffs;
use wire::provider::{Policy as Rewriting, Provider, Target};
use wire::{ErrorKind, Request};

/// Answers with a latency below which the log's own law is not taken.
const LATENCIES_MIN: u64 = 100;
/// Models that everything is priced at beside the mapped ones.
const ALTERNATIVES: [&str; 2] = ["deepseek-flash", "deepseek-v4-pro"];

/// What was read.
#[derive(Debug)]
pub(super) struct Log {
    pub told: Told,
    pub projection: Document,
    pub evidence: Evidence,
}

/// What of a log goes into the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Told {
    /// Requests.
    pub requests: u64,
    /// Requests that can go to the candidate; only these are mirrored.
    pub movable: u64,
    /// Length of the log in hours; absent where it has no times.
    pub hours: Option<f64>,
    /// Rows that could not be read.
    pub skipped: u64,
    /// Failed requests, percent, rate limits not among them; absent where no answer is recorded.
    pub errors_percent: Option<f64>,
    /// Requests over a rate limit, percent.
    pub rate_limited_percent: Option<f64>,
    /// Latencies of the baseline, where enough are recorded.
    pub ttft: Option<Latency>,
    /// The same to the last byte.
    pub duration: Option<Latency>,
}

/// A log-normal latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Latency {
    /// Median, milliseconds.
    pub median_ms: f64,
    /// Standard deviation of the logarithm.
    pub log_sd: f64,
}

/// Sums of logarithms of milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Logarithms {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Logarithms {
    fn add(&mut self, us: Option<u64>) {
        let Some(us) = us.filter(|us| *us > 0) else { return };
        let log = (us as f64 / 1e3).ln();
        self.count += 1;
        self.sum += log;
        self.squares += log * log;
    }

    fn latency(&self) -> Option<Latency> {
        if self.count < LATENCIES_MIN {
            return None;
        }
        let count = self.count as f64;
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        Some(Latency { median_ms: mean.exp(), log_sd: variance.sqrt() })
    }
}

/// Answers of the pass.
#[derive(Debug, Default)]
struct Answers {
    recorded: u64,
    failed: u64,
    limited: u64,
    ttft: Logarithms,
    duration: Logarithms,
}

impl Answers {
    fn add(&mut self, recorded: &Recorded) {
        self.recorded += 1;
        if recorded.error == Some(ErrorKind::RateLimit) || recorded.status == 429 {
            self.limited += 1;
        } else if recorded.error.is_some() || !(200..300).contains(&recorded.status) {
            self.failed += 1;
        } else {
            self.ttft.add(recorded.ttft_us);
            self.duration.add(recorded.duration_us);
        }
    }

    fn percent(&self, count: u64) -> Option<f64> {
        (self.recorded > 0).then(|| count as f64 / self.recorded as f64 * 100.0)
    }
}

/// Reads the logs in one pass. `rate` is the whole traffic, requests an hour, if somebody named it.
pub(super) fn read(args: &args::Plan, policy: &Policy, tariffs: &Tariffs, rate: Option<f64>) -> Result<Log, Failure> {
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    let mut untimed = false;
    for path in &args.records {
        let mut rows = open_one(path)?;
        // Some formats tell with their first row only whether they have times.
        drop(rows.next());
        untimed |= rows.is_untimed();
    }
    let mut projection = Projection::new(Options {
        alternatives: ALTERNATIVES.map(str::to_owned).to_vec(),
        untimed,
        month_requests: rate.map(|rate| rate * MONTH_HOURS),
        ..Options::new(tariffs, now.as_microsecond())
    });
    let (mut answers, mut requests, mut movable, mut skipped) = (Answers::default(), 0, 0, 0);
    for path in &args.records {
        let mut rows = open_one(path)?;
        for row in rows.by_ref() {
            let logged = row.map_err(import::failure)?;
            let to = destination(&logged);
            requests += 1;
            movable += u64::from(to.is_some());
            logged.recorded.iter().for_each(|recorded| answers.add(recorded));
            projection.see(&logged, to);
        }
        skipped += rows.report().skipped;
    }
    if requests == 0 {
        return Err(Failure::usage("no request could be read from the log: check it with `weighbridge preflight`"));
    }
    let projection = projection.finish();
    let told = Told {
        requests,
        movable,
        hours: projection.log.span_seconds.map(|seconds| seconds / 3600.0),
        skipped,
        errors_percent: answers.percent(answers.failed),
        rate_limited_percent: answers.percent(answers.limited),
        ttft: answers.ttft.latency(),
        duration: answers.duration.latency(),
    };
    let evidence = stand_in(&told, &projection, policy);
    Ok(Log { told, projection, evidence })
}

fn open_one(path: &PathBuf) -> Result<datasets::import::Import, Failure> {
    open(std::slice::from_ref(path), ImportOptions::default()).map_err(import::failure)
}

/// The candidate's model that a request would go to; `None` where the gateway would leave it on the baseline.
fn destination(logged: &LoggedRequest) -> Option<&'static str> {
    let candidate = Provider::DeepSeek;
    let request = Request::parse(logged.endpoint, logged.body.get().as_bytes()).ok()?;
    let model = counterpart(candidate, &request.model)?;
    candidate.adapter().path(logged.endpoint)?;
    let policy = Rewriting::default();
    candidate.adapter().rewrite(&request, &Target::new(model, &policy)).ok().map(|_| model)
}

/// Pairs of the default scenario, with what the log tells of the baseline in its place.
fn stand_in(told: &Told, projection: &Document, policy: &Policy) -> Evidence {
    let Ok(mut scenario) = Scenario::parse("") else { return assumed(policy) };
    for (name, percent) in [("errors", told.errors_percent), ("rate_limited", told.rate_limited_percent)] {
        if let (Some(percent), Some(law)) = (percent, scenario.shares.get_mut(name)) {
            (law.baseline_percent, law.candidate_percent) = (percent, percent);
        }
    }
    for (latency, law) in [(told.ttft, &mut scenario.latency.ttft), (told.duration, &mut scenario.latency.duration)] {
        if let Some(latency) = latency {
            (law.median_ms, law.log_sd) = (latency.median_ms, latency.log_sd);
        }
    }
    if let Some(choice) = projection.choices.first().filter(|choice| choice.against.value.0 > 0) {
        scenario.cost.candidate_ratio = choice.cost.value.0 as f64 / choice.against.value.0 as f64;
    }
    // A log may have values that no scenario takes, such as a median of nothing: then the default one stands in.
    let text = toml::to_string(&scenario).unwrap_or_default();
    Scenario::parse(&text).map_or_else(|_| assumed(policy), |scenario| assumed_of(&scenario, policy))
}
