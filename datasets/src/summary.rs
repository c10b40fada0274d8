//! What is in record files, in constant memory: rows, span, arms and models, tokens, money, errors, latencies.
//!
//! Latencies are quantiles of HDR histograms with three significant digits, of answers that did not fail and whose times
//! are known. Distinct names are counted up to a bound, above which the count is said to be a lower one.

mod guard;

pub use guard::{GuardSums, Judged};

use crate::{Exchange, FromLog, LoggedRequest};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use wire::{ErrorKind, Usage};

/// Schema of [`Summary`].
pub const SCHEMA: &str = "weighbridge.summary/1";
/// Groups that are told apart; what comes after them is one group more.
const GROUPS_MAX: usize = 100;
/// Distinct names that are counted exactly.
const DISTINCT_MAX: usize = 1_000_000;
/// Longest time that is told apart: a day, microseconds.
const LONGEST_US: u64 = 24 * 3_600 * 1_000_000;
/// Name of the group of everything that has no group of its own.
const OTHERS: &str = "(others)";
/// Name of the arm of a logged request's answer, and of a request without one.
const RECORDED: &str = "recorded";
const NO_ANSWER: &str = "no answer";

/// What is in the files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Files.
    pub files: u64,
    /// Records: exchanges, or logged requests.
    pub records: u64,
    /// Lines that are no records.
    pub broken: u64,
    /// First instant of arrival, microseconds; absent without records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_us: Option<i64>,
    /// Last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_us: Option<i64>,
    /// Request logs without times: order is all that `from_us` and `to_us` tell.
    pub untimed: bool,
    /// Names of migrations with their records.
    pub migrations: BTreeMap<String, u64>,
    /// Different conversations: assignment units of exchanges, sessions of request logs.
    pub sessions: Distinct,
    /// Different consumers.
    pub consumers: Distinct,
    /// By arm, provider and model.
    pub groups: Vec<Group>,
}

/// A number of different names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// There are more than these.
    pub at_least: bool,
}

/// Records of one arm, provider and model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// `baseline`, `candidate`; of request logs `recorded`, or `no answer`.
    pub arm: String,
    /// Provider; of requests without an answer nothing.
    pub provider: String,
    /// Model that was asked for; of recorded answers the one that answered.
    pub model: String,
    /// Records.
    pub records: u64,
    /// By role; of request logs by endpoint.
    pub by_kind: BTreeMap<String, u64>,
    /// Streamed ones.
    pub streamed: u64,
    /// Tokens; zeros without usage.
    pub tokens: Tokens,
    /// Records with a cost.
    pub priced: u64,
    /// Sum of the costs on record, nano-dollars.
    pub cost_nanos: i128,
    /// Failures by kind.
    pub errors: BTreeMap<&'static str, u64>,
    /// What the gateway's guard said; absent where none looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardSums>,
    /// Answers without times.
    pub untimed: u64,
    /// Time to the first event of the stream; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<Times>,
    /// Time to the first token; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft: Option<Times>,
    /// Time to the first visible text or call of a tool; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_visible: Option<Times>,
    /// Time to the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Times>,
}

/// Sums of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Records with usage.
    pub records: u64,
    /// Those of them whose usage is estimated.
    pub estimated: u64,
    /// Prompt tokens.
    pub prompt: u64,
    /// Part of them that was read from a cache, where that is known.
    pub cached: u64,
    /// Completion tokens.
    pub completion: u64,
    /// Part of them that was spent on reasoning, where that is known.
    pub reasoning: u64,
}

/// Quantiles, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Values.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
}

/// A summary that is being made.
#[derive(Debug, Default)]
pub struct Summing {
    files: u64,
    records: u64,
    broken: u64,
    span: Option<(i64, i64)>,
    untimed: bool,
    migrations: BTreeMap<String, u64>,
    sessions: Names,
    consumers: Names,
    groups: BTreeMap<(String, String, String), Sums>,
}

/// Hashes of names, up to the bound.
#[derive(Debug, Default)]
struct Names {
    hashes: HashSet<u64>,
    more: bool,
}

impl Names {
    fn add(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        let mut hash = DefaultHasher::new();
        name.hash(&mut hash);
        let hash = hash.finish();
        if self.hashes.len() < DISTINCT_MAX {
            self.hashes.insert(hash);
        } else {
            self.more |= !self.hashes.contains(&hash);
        }
    }

    fn count(&self) -> Distinct {
        Distinct { count: self.hashes.len() as u64, at_least: self.more }
    }
}

#[derive(Debug, Default)]
struct Sums {
    records: u64,
    by_kind: BTreeMap<String, u64>,
    streamed: u64,
    tokens: Tokens,
    priced: u64,
    cost_nanos: i128,
    errors: BTreeMap<&'static str, u64>,
    guard: Option<GuardSums>,
    untimed: u64,
    first_event: Option<Histogram<u64>>,
    ttft: Option<Histogram<u64>>,
    first_visible: Option<Histogram<u64>>,
    duration: Option<Histogram<u64>>,
}

impl Sums {
    fn usage(&mut self, usage: Option<&Usage>) {
        let Some(usage) = usage else { return };
        let tokens = &mut self.tokens;
        tokens.records += 1;
        tokens.estimated += u64::from(usage.source == wire::UsageSource::Estimate);
        for (sum, add) in [
            (&mut tokens.prompt, usage.prompt),
            (&mut tokens.cached, usage.cached.unwrap_or(0)),
            (&mut tokens.completion, usage.completion),
            (&mut tokens.reasoning, usage.reasoning.unwrap_or(0)),
        ] {
            *sum = sum.saturating_add(add);
        }
    }

    fn cost(&mut self, cost_nanos: Option<i64>) {
        self.priced += u64::from(cost_nanos.is_some());
        self.cost_nanos += i128::from(cost_nanos.unwrap_or(0));
    }

    /// `duration_us` is absent where nobody knows it.
    fn times(&mut self, error: Option<ErrorKind>, duration_us: Option<u64>, ttft_us: Option<u64>) {
        if let Some(error) = error {
            *self.errors.entry(error.name()).or_default() += 1;
            return;
        }
        match duration_us {
            Some(duration) => record(&mut self.duration, duration),
            None => self.untimed += 1,
        }
        if let Some(ttft) = ttft_us {
            record(&mut self.ttft, ttft);
        }
    }

    /// What came before and after the first text, of an answer whose times are known.
    fn firsts(&mut self, row: &Exchange) {
        let of_both = [(&mut self.first_event, row.first_event_us), (&mut self.first_visible, row.first_visible_us)];
        for (histogram, us) in of_both {
            if let Some(us) = us.filter(|_| row.error.is_none()) {
                record(histogram, us);
            }
        }
    }

    fn kind(&mut self, name: &str) {
        match self.by_kind.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.by_kind.insert(name.to_owned(), 1);
            }
        }
    }
}

fn record(histogram: &mut Option<Histogram<u64>>, value_us: u64) {
    if histogram.is_none() {
        *histogram = Histogram::new_with_bounds(1, LONGEST_US, 3).ok();
    }
    if let Some(histogram) = histogram {
        histogram.saturating_record(value_us);
    }
}

fn times(histogram: Option<&Histogram<u64>>) -> Option<Times> {
    let histogram = histogram?;
    let at = |share| histogram.value_at_quantile(share);
    Some(Times { count: histogram.len(), p50_us: at(0.5), p95_us: at(0.95), p99_us: at(0.99), max_us: histogram.max() })
}

/// The part of a request's body that is summed up.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    stream: Option<bool>,
}

impl Summing {
    /// Another file; `untimed` as its header says.
    pub fn file(&mut self, untimed: bool) {
        self.files += 1;
        self.untimed |= untimed;
    }

    /// A line that is no record.
    pub const fn broken(&mut self) {
        self.broken += 1;
    }

    /// An exchange.
    pub fn exchange(&mut self, row: &Exchange) {
        self.at(row.at_us);
        self.sessions.add(row.unit.as_deref());
        self.consumers.add(row.consumer.as_deref());
        if self.migrations.len() < GROUPS_MAX || self.migrations.contains_key(&row.migration) {
            *self.migrations.entry(row.migration.clone()).or_default() += 1;
        } else {
            *self.migrations.entry(OTHERS.to_owned()).or_default() += 1;
        }
        let role = crate::check::role(row);
        let sums = self.group(row.arm.name(), &row.provider, &row.model);
        sums.kind(&role);
        sums.streamed += u64::from(row.streamed);
        sums.usage(row.usage.as_ref());
        sums.cost(row.cost_nanos);
        if let Some(guard) = &row.guard {
            sums.guard.get_or_insert_default().add(guard);
        }
        let known = row.recorded != Some(FromLog::Untimed);
        sums.times(row.error, known.then_some(row.duration_us), row.ttft_us.filter(|_| known));
        if known {
            sums.firsts(row);
        }
    }

    /// A logged request, with its recorded answer if it has one.
    pub fn request(&mut self, row: &LoggedRequest) {
        self.at(row.at_us);
        self.sessions.add(row.session.as_deref());
        self.consumers.add(row.consumer.as_deref());
        let body: Option<Body<'_>> = serde_json::from_str(row.body.get()).ok();
        let streamed = body.as_ref().and_then(|body| body.stream).unwrap_or(false);
        let asked = body.as_ref().and_then(|body| body.model.as_deref()).unwrap_or_default();
        let sums = match &row.recorded {
            Some(recorded) => self.group(RECORDED, &recorded.provider, &recorded.model),
            None => self.group(NO_ANSWER, "", asked),
        };
        sums.kind(row.endpoint.name());
        sums.streamed += u64::from(streamed);
        if let Some(recorded) = &row.recorded {
            sums.usage(recorded.usage.as_ref());
            sums.cost(recorded.cost_nanos);
            sums.times(recorded.error, recorded.duration_us, recorded.ttft_us);
        }
    }

    fn at(&mut self, at_us: i64) {
        self.records += 1;
        self.span = Some(self.span.map_or((at_us, at_us), |(from, to)| (from.min(at_us), to.max(at_us))));
    }

    fn group(&mut self, arm: &str, provider: &str, model: &str) -> &mut Sums {
        let mut key = (arm.to_owned(), provider.to_owned(), model.to_owned());
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&key) {
            key = (OTHERS.to_owned(), String::new(), String::new());
        }
        let sums = self.groups.entry(key).or_default();
        sums.records += 1;
        sums
    }

    /// The summary so far.
    #[must_use]
    pub fn finish(&self) -> Summary {
        let group = |((arm, provider, model), sums): (&(String, String, String), &Sums)| Group {
            arm: arm.clone(),
            provider: provider.clone(),
            model: model.clone(),
            records: sums.records,
            by_kind: sums.by_kind.clone(),
            streamed: sums.streamed,
            tokens: sums.tokens,
            priced: sums.priced,
            cost_nanos: sums.cost_nanos,
            errors: sums.errors.clone(),
            guard: sums.guard.clone(),
            untimed: sums.untimed,
            first_event: times(sums.first_event.as_ref()),
            ttft: times(sums.ttft.as_ref()),
            first_visible: times(sums.first_visible.as_ref()),
            duration: times(sums.duration.as_ref()),
        };
        Summary {
            schema: SCHEMA,
            files: self.files,
            records: self.records,
            broken: self.broken,
            from_us: self.span.map(|(from, _)| from),
            to_us: self.span.map(|(_, to)| to),
            untimed: self.untimed,
            migrations: self.migrations.clone(),
            sessions: self.sessions.count(),
            consumers: self.consumers.count(),
            groups: self.groups.iter().map(group).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{full_exchange, full_request};
    use crate::{Arm, Role};

    #[test]
    fn exchanges_are_summed_up_by_arm_and_model() {
        let mut summing = Summing::default();
        summing.file(false);
        for index in 1..=1000u64 {
            let arm = if index % 2 == 0 { Arm::Baseline } else { Arm::Candidate };
            let error = (index % 10 == 5).then_some(ErrorKind::Timeout);
            summing.exchange(&Exchange {
                arm,
                error,
                at_us: index as i64,
                unit: Some(format!("u{}", index % 7)),
                duration_us: index * 1000,
                first_event_us: (index % 4 == 0).then_some(index),
                ttft_us: Some(index),
                first_visible_us: Some(index * 2_000),
                recorded: (index % 10 == 2).then_some(FromLog::Untimed),
                ..full_exchange()
            });
        }
        let summary = summing.finish();
        assert_eq!((summary.records, summary.from_us, summary.to_us), (1000, Some(1), Some(1000)));
        assert_eq!(
            (summary.sessions.count, summary.consumers, summary.groups.len()),
            (7, Distinct { count: 1, at_least: false }, 2)
        );
        let baseline = &summary.groups[0];
        assert_eq!((baseline.arm.as_str(), baseline.records, baseline.untimed), ("baseline", 500, 100));
        assert_eq!((baseline.tokens.prompt, baseline.cost_nanos, baseline.priced), (3500, 2500, 500));
        let duration = baseline.duration.unwrap();
        assert_eq!(duration.count, 400);
        assert!(duration.p50_us.abs_diff(500_000) <= 6_000 && duration.max_us >= 1_000_000, "{duration:?}");
        let visible = baseline.first_visible.unwrap();
        assert!(visible.count == 400 && visible.p50_us.abs_diff(1_000_000) <= 12_000, "{visible:?}");
        assert_eq!(baseline.first_event.map(|times| times.count), Some(200), "a failure and an unknown time are none");
        let guard = baseline.guard.as_ref().unwrap();
        assert_eq!((guard.answers.seen, guard.answers.failed, guard.categories["self_harm"]), (500, 500, 500));
        assert_eq!(summary.groups[1].errors, BTreeMap::from([("timeout", 100)]));
        assert_eq!(summary.groups[1].by_kind, BTreeMap::from([("served".to_owned(), 500)]));
        assert_eq!(summary.migrations, BTreeMap::from([("m".to_owned(), 1000)]));
        assert!(
            serde_json::to_string(&summary).unwrap().starts_with(r#"{"schema":"weighbridge.summary/1","files":1,"#)
        );
        assert_ne!(full_exchange().role, Role::Shadow);
    }

    #[test]
    fn request_logs_are_summed_up_by_their_answers() {
        let mut summing = Summing::default();
        let body = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        let asked =
            LoggedRequest { recorded: None, body: body(r#"{"model":"gpt-4o","stream":true}"#), ..full_request() };
        let mut answered = LoggedRequest { session: Some("t".into()), body: body("{}"), ..full_request() };
        if let Some(recorded) = &mut answered.recorded {
            (recorded.error, recorded.duration_us) = (None, None);
        }
        for row in [&asked, &answered, &answered] {
            summing.request(row);
        }
        let summary = summing.finish();
        let told: Vec<_> =
            summary.groups.iter().map(|group| (group.arm.as_str(), group.model.as_str(), group.records)).collect();
        assert_eq!(told, [("no answer", "gpt-4o", 1), ("recorded", "m", 2)]);
        assert_eq!((summary.groups[0].streamed, summary.groups[1].untimed, summary.sessions.count), (1, 2, 2));
        assert!(summary.groups[1].duration.is_none() && summary.groups[1].ttft.is_some());
        assert!(summary.groups.iter().all(|group| group.guard.is_none()));
        assert_eq!(summary.groups[1].by_kind, BTreeMap::from([("embeddings".to_owned(), 2)]));
    }

    #[test]
    fn hostile_files_take_a_bounded_place() {
        let mut summing = Summing::default();
        for index in 0..5_000 {
            summing.exchange(&Exchange {
                model: format!("m{index}"),
                migration: format!("m{index}"),
                ..full_exchange()
            });
        }
        let summary = summing.finish();
        assert!(summary.groups.len() <= GROUPS_MAX + 1 && summary.migrations.len() <= GROUPS_MAX + 1);
        assert_eq!(summary.groups.iter().map(|group| group.records).sum::<u64>(), 5_000);
    }
}
