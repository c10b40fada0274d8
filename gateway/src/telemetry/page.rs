//! The page: every family once, all its samples together, as OpenMetrics demands.
//!
//! Counters of exchanges that are still zero, and histograms without a value, are left out: a cell has some forty of
//! them and most never move.

use super::histogram::Histogram;
use super::metrics::{Inner, OUTCOME_NAMES};
use super::names::{self, Metric};
use super::process::resident_bytes;
use super::readings::{CallersReading, Readings};
use super::series::{Cell, FORM_FAILURES, Series};
use crate::replicas::FUNCTIONS;
use crate::upstream::BreakerState;
use datasets::Arm;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::usage::Loss;

/// What one page is made of.
#[derive(Debug)]
pub(super) struct Page {
    pub metrics: Arc<Inner>,
    pub readings: Readings,
}

/// Label values in the order of the metric's labels.
type Values<'a> = Vec<&'a str>;

/// A series' own label values, escaped once for all its samples.
struct Row {
    values: [String; 7],
    series: Arc<Series>,
}

impl Row {
    fn new(series: Arc<Series>) -> Self {
        let labels = series.labels();
        let values = [
            labels.migration,
            labels.arm,
            labels.role,
            labels.provider,
            labels.model,
            labels.consumer,
            labels.endpoint,
        ]
        .map(|value| escaped(value).into_owned());
        Self { values, series }
    }

    fn labels<'a>(&'a self, last: Option<&'a str>) -> Values<'a> {
        self.values.iter().map(String::as_str).chain(last).collect()
    }
}

/// The encoder of `prometheus_client` writes label values as they are.
fn escaped(value: &str) -> Cow<'_, str> {
    if value.contains(['\\', '"', '\n']) {
        Cow::Owned(value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    } else {
        Cow::Borrowed(value)
    }
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        let rows: Vec<Row> = self.metrics.series().into_iter().map(Row::new).collect();
        exchanges(&mut writer, &rows)?;
        histograms(&mut writer, &rows)?;
        writer.counter(names::FOLDED, [(Values::new(), self.metrics.folded())])?;
        writer.gauge(names::SERIES, [(Values::new(), count(rows.len()))])?;
        writer.histogram(names::OVERHEAD, [(Values::new(), self.metrics.overhead())])?;
        self.prices(&mut writer)?;
        self.traffic(&mut writer)?;
        self.mirror(&mut writer)?;
        self.recorder(&mut writer)?;
        self.callers(&mut writer)?;
        self.quotas(&mut writer)?;
        self.upstreams(&mut writer)?;
        self.moderators(&mut writer)?;
        self.replicas(&mut writer)?;
        self.guard(&mut writer)?;
        self.spans(&mut writer)?;
        self.process(&mut writer)
    }
}

fn exchanges(writer: &mut Writer<'_>, rows: &[Row]) -> fmt::Result {
    let each = |names: &'static [&'static str], pick: fn(&Cell) -> &[AtomicU64]| {
        rows.iter().flat_map(move |row| {
            let counts = pick(&row.series.cell).iter().map(load);
            names.iter().zip(counts).map(|(name, count)| (row.labels(Some(name)), count))
        })
    };
    let counter = |pick: fn(&Cell) -> &AtomicU64| {
        rows.iter().map(move |row| (row.labels(None), load(pick(&row.series.cell)))).filter(|(_, count)| *count > 0)
    };
    writer.counter(names::EXCHANGES, each(&OUTCOME_NAMES, |cell| &cell.outcomes).filter(|(_, count)| *count > 0))?;
    writer.counter(names::PROMPT_TOKENS, counter(|cell| &cell.prompt_tokens))?;
    writer.counter(names::CACHED_TOKENS, counter(|cell| &cell.cached_tokens))?;
    writer.counter(names::COMPLETION_TOKENS, counter(|cell| &cell.completion_tokens))?;
    writer.counter(names::REASONING_TOKENS, counter(|cell| &cell.reasoning_tokens))?;
    let estimated = rows.iter().map(|row| (row.labels(None), row.series.cell.usage_estimated.iter().map(load).sum()));
    writer.counter(names::USAGE_ESTIMATED, estimated.filter(|(_, count): &(_, u64)| *count > 0))?;
    writer.counter(names::USAGE_LOST, lost(rows))?;
    let dollars = counter(|cell| &cell.cost_nanos).map(|(labels, nanos)| (labels, dollars(nanos)));
    writer.counter(names::COST, dollars)?;
    writer.counter(names::UNPRICED, counter(|cell| &cell.unpriced))?;
    writer.counter(names::FALLBACKS, counter(|cell| &cell.fallbacks))?;
    writer.counter(names::RETRIES, counter(|cell| &cell.retries))?;
    let failures = each(&FORM_FAILURES, |cell| &cell.form_failures).filter(|(_, count)| *count > 0);
    writer.counter(names::FORM_FAILURES, failures)?;
    writer.counter(names::MODERATION_BLOCKS, counter(|cell| &cell.moderation_blocks))
}

/// Exchanges with estimated tokens by arm and reason, also those that are zero: so nobody has to guess the names.
fn lost(rows: &[Row]) -> impl Iterator<Item = (Values<'static>, u64)> {
    let of = |arm: Arm, place: usize| {
        let cells = rows.iter().filter(|row| row.series.labels().arm == arm.name()).map(|row| &row.series.cell);
        cells.filter_map(|cell| cell.usage_estimated.get(place)).map(load).sum()
    };
    [Arm::Baseline, Arm::Candidate].into_iter().flat_map(move |arm| {
        (0..).zip(Loss::ALL).map(move |(place, loss)| (vec![arm.name(), loss.name()], of(arm, place)))
    })
}

fn histograms(writer: &mut Writer<'_>, rows: &[Row]) -> fmt::Result {
    for (metric, pick) in [
        (names::DURATION, (|cell| &cell.duration) as fn(&Cell) -> &Histogram),
        (names::FIRST_TOKEN, |cell| &cell.first_token),
        (names::OUTPUT_TOKEN, |cell| &cell.output_token),
    ] {
        let filled = rows.iter().map(|row| (row.labels(None), pick(&row.series.cell)));
        writer.histogram(metric, filled.filter(|(_, histogram)| !histogram.is_empty()))?;
    }
    Ok(())
}

impl Page {
    fn prices(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let prices = &self.readings.prices;
        writer.gauge(names::PRICE_AGE, [(Values::new(), prices.age_us / 1_000_000)])?;
        // Models that the configuration names may have any character.
        let named = prices.models.iter().map(|(provider, model, stale)| (escaped(provider), escaped(model), *stale));
        let named: Vec<_> = named.collect();
        let samples = named.iter().map(|(provider, model, stale)| (vec![&**provider, &**model], i64::from(*stale)));
        writer.gauge(names::PRICE_STALE, samples)
    }

    fn traffic(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let readings = &self.readings;
        writer.gauge(names::IN_FLIGHT, [(Values::new(), integer(readings.requests_in_flight))])?;
        writer.counter(names::SHED, [(vec!["requests_in_flight"], self.metrics.shed())])?;
        let unfit = self.metrics.unfit();
        let unfit: Vec<_> =
            unfit.iter().map(|((migration, feature), count)| (escaped(migration), feature, *count)).collect();
        let unfit = unfit.iter().map(|(migration, feature, count)| (vec![migration.as_ref(), *feature], *count));
        writer.counter(names::UNFIT, unfit)?;
        let named: Vec<_> = readings.migrations.iter().map(|one| (escaped(&one.name), one)).collect();
        writer.gauge(names::WEIGHT, named.iter().map(|(name, one)| (vec![name.as_ref()], one.weight_percent)))?;
        writer.gauge(names::SHADOW_SHARE, named.iter().map(|(name, one)| (vec![name.as_ref()], one.shadow_percent)))?;
        writer.gauge(names::EPOCH, named.iter().map(|(name, one)| (vec![name.as_ref()], integer(one.epoch))))
    }

    fn mirror(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let shadow = &self.readings.shadow;
        writer.gauge(names::SHADOW_HELD, [(Values::new(), integer(shadow.held))])?;
        writer.gauge(names::SHADOW_HELD_BYTES, [(Values::new(), integer(shadow.held_bytes))])?;
        writer.counter(names::SHADOW_FINISHED, [(Values::new(), shadow.finished)])?;
        let dropped = shadow.dropped_by_reason.iter().map(|(reason, count)| (vec![*reason], *count));
        writer.counter(names::SHADOW_DROPPED, dropped.chain([(vec!["abandoned"], shadow.abandoned)]))?;
        let spent = u64::try_from(shadow.spent_today_nanos).unwrap_or(0);
        writer.gauge(names::SHADOW_SPENT, [(Values::new(), dollars(spent))])
    }

    fn recorder(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(records) = &self.readings.records else { return Ok(()) };
        writer.counter(names::RECORDS_WRITTEN, [(Values::new(), records.written)])?;
        let dropped = [
            ("queue_full_served", records.dropped_served),
            ("queue_full_shadow", records.dropped_shadow),
            ("disk", records.lost),
            ("too_long", records.too_long),
            ("not_serialised", records.not_serialised),
        ];
        writer.counter(names::RECORDS_DROPPED, dropped.map(|(reason, count)| (vec![reason], count)))?;
        writer.gauge(names::RECORDS_QUEUE, [(Values::new(), integer(records.waiting))])?;
        writer.gauge(names::RECORDS_HEALTHY, [(Values::new(), i64::from(records.healthy))])
    }

    fn callers(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let CallersReading { refusals, old_uses, kept } = &self.readings.callers;
        writer.counter(names::KEYS_REFUSED, refusals.refused.iter().map(|(reason, count)| (vec![*reason], *count)))?;
        writer.counter(names::KEYS_SLOWED, [(Values::new(), refusals.slowed)])?;
        writer.counter(names::KEYS_UNSLOWED, [(Values::new(), refusals.unslowed)])?;
        writer.gauge(names::KEYS_WAITING, [(Values::new(), integer(refusals.waiting))])?;
        writer.counter(names::KEYS_OLD_USES, [(Values::new(), *old_uses)])?;
        let Some((healthy, taken, refused)) = *kept else { return Ok(()) };
        writer.gauge(names::KEYS_HEALTHY, [(Values::new(), i64::from(healthy))])?;
        writer.counter(
            names::KEYS_CHANGES,
            [("taken", taken), ("refused", refused)].map(|(result, count)| (vec![result], count)),
        )
    }

    fn quotas(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(quotas) = &self.readings.quotas else { return Ok(()) };
        let refused = quotas.refused.iter().map(|(limit, count)| (vec![limit.as_ref()], *count));
        writer.counter(names::QUOTA_REFUSED, refused)?;
        let left = quotas.left_percent.iter().map(|(limit, unit, percent)| (vec![limit.as_ref(), *unit], *percent));
        writer.gauge(names::QUOTA_LEFT, left)?;
        writer.gauge(names::QUOTA_OPEN, [(Values::new(), integer(quotas.open_calls))])?;
        writer.counter(names::QUOTA_EXPIRED, [(Values::new(), quotas.leases_expired)])?;
        writer.counter(names::QUOTA_LATE, [(Values::new(), quotas.settled_late)])?;
        writer.counter(names::QUOTA_JOURNAL_ERRORS, [(Values::new(), quotas.journal_errors)])?;
        writer.gauge(names::USAGE_ROWS, [(Values::new(), integer(quotas.usage_rows))])?;
        writer.counter(names::USAGE_FOLDED, [(Values::new(), quotas.usage_folded)])
    }

    fn spans(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(spans) = &self.readings.spans else { return Ok(()) };
        writer.counter(names::SPANS_EXPORTED, [(Values::new(), spans.exported)])?;
        writer.counter(names::SPANS_DROPPED, spans.dropped.iter().map(|(reason, spans)| (vec![*reason], *spans)))
    }

    fn upstreams(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let named: Vec<_> =
            self.readings.providers.iter().map(|one| (escaped(&one.name), one.plane, &one.counts)).collect();
        let states = named.iter().flat_map(|(name, plane, counts)| {
            BREAKER_STATES.map(|(state, text)| (vec![name.as_ref(), plane, text], i64::from(state == counts.breaker)))
        });
        writer.gauge(names::BREAKER, states)?;
        let each = || named.iter().map(|(name, plane, counts)| (vec![name.as_ref(), *plane], *counts));
        writer.gauge(names::PROVIDER_IN_FLIGHT, each().map(|(labels, one)| (labels, count(one.in_flight))))?;
        writer.counter(names::PROVIDER_ATTEMPTS, each().map(|(labels, one)| (labels, one.attempts)))?;
        writer.counter(names::PROVIDER_RETRIES, each().map(|(labels, one)| (labels, one.retries + one.resends)))?;
        let refused = named.iter().flat_map(|(name, plane, counts)| {
            [("limit", counts.shed), ("breaker", counts.breaker_refused), ("retry_budget", counts.retries_over_budget)]
                .map(|(reason, count)| (vec![name.as_ref(), plane, reason], count))
        });
        writer.counter(names::PROVIDER_REFUSED, refused)?;
        let connects = named.iter().flat_map(|(name, plane, counts)| {
            [("made", counts.connects), ("failed", counts.connect_failures)]
                .map(|(result, count)| (vec![name.as_ref(), plane, result], count))
        });
        writer.counter(names::PROVIDER_CONNECTS, connects)?;
        let keys = named.iter().flat_map(|(name, plane, counts)| {
            [("in_use", counts.keys.saturating_sub(counts.keys_resting)), ("resting", counts.keys_resting)]
                .map(|(state, keys)| (vec![name.as_ref(), plane, state], count(keys)))
        });
        writer.gauge(names::PROVIDER_KEYS, keys)?;
        writer.counter(names::PROVIDER_KEY_FAILOVERS, each().map(|(labels, one)| (labels, one.key_failovers)))?;
        writer.counter(names::BREAKER_OPENED, each().map(|(labels, one)| (labels, one.breaker_opened)))
    }

    fn guard(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let guard = &self.readings.guard;
        let verdicts = &guard.verdicts;
        let outcomes = verdicts.outcomes.iter();
        writer.counter(
            names::GUARD_VERDICTS,
            outcomes.map(|((policy, phase, action), count)| (vec![&**policy, *phase, *action], *count)),
        )?;
        let found: Vec<_> = verdicts.findings.iter().map(|(key, count)| (escaped(&key.4), key, *count)).collect();
        let found = found.iter().map(|(consumer, (policy, phase, category, action, _), count)| {
            (vec![&**policy, *phase, *category, *action, consumer.as_ref()], *count)
        });
        writer.counter(names::GUARD_FOUND, found)?;
        let failures = verdicts.failures.iter();
        writer.counter(
            names::GUARD_UNJUDGED,
            failures.map(|((policy, phase, backend, why), count)| (vec![&**policy, *phase, &**backend, *why], *count)),
        )?;
        writer.counter(names::GUARD_PARTS, [(Values::new(), guard.unjudged)])?;
        let delays = guard.delays().map(|(at, histogram)| (vec![at], histogram));
        writer.histogram(names::GUARD_DELAY, delays.filter(|(_, histogram)| !histogram.is_empty()))
    }

    fn moderators(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let moderators = &self.readings.moderators;
        // Names of sections: nothing in them has to be escaped.
        let each = || moderators.iter().map(|one| (vec![one.name.as_str()], one));
        writer.counter(names::GUARD_CHECKS, each().map(|(labels, one)| (labels, one.checks)))?;
        writer.counter(names::GUARD_CALLS, each().map(|(labels, one)| (labels, one.calls)))?;
        writer.counter(names::GUARD_CACHED, each().map(|(labels, one)| (labels, one.cached)))?;
        let failures = moderators
            .iter()
            .flat_map(|one| one.failures.iter().map(|(reason, count)| (vec![one.name.as_str(), *reason], *count)));
        writer.counter(names::GUARD_FAILURES, failures)?;
        writer.histogram(names::GUARD_CALL, each().map(|(labels, one)| (labels, one.latency())))?;
        writer.gauge(names::GUARD_IN_FLIGHT, each().map(|(labels, one)| (labels, count(one.in_flight()))))?;
        writer.gauge(names::GUARD_CACHE, each().map(|(labels, one)| (labels, integer(one.cache_bytes()))))?;
        let states = moderators.iter().flat_map(|one| {
            BREAKER_STATES.map(|(state, text)| (vec![one.name.as_str(), text], i64::from(state == one.breaker())))
        });
        writer.gauge(names::GUARD_BREAKER, states)
    }

    fn replicas(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(redis) = &self.readings.redis else { return Ok(()) };
        writer.gauge(names::REDIS_UP, [(Values::new(), i64::from(redis.up))])?;
        let each = |counts: &[u64; FUNCTIONS.len()]| FUNCTIONS.map(|name| vec![name]).into_iter().zip(*counts);
        writer.counter(names::REDIS_CALLS, each(&redis.calls))?;
        writer.counter(names::REDIS_FAILURES, each(&redis.failures))
    }

    fn process(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.info(names::BUILD, &[env!("CARGO_PKG_VERSION")])?;
        #[expect(clippy::cast_precision_loss, reason = "exact to the microsecond until the year 2255")]
        let started = self.metrics.process().started_us as f64 / 1e6;
        writer.gauge(names::PROCESS_START, [(Values::new(), started)])?;
        match resident_bytes() {
            Some(bytes) => writer.gauge(names::PROCESS_MEMORY, [(Values::new(), integer(bytes))]),
            None => Ok(()),
        }
    }
}

/// States of a breaker by their names.
const BREAKER_STATES: [(BreakerState, &str); 3] =
    [(BreakerState::Closed, "closed"), (BreakerState::Open, "open"), (BreakerState::HalfOpen, "half_open")];

/// Writes one family at a time.
struct Writer<'e>(DescriptorEncoder<'e>);

impl Writer<'_> {
    fn counter<'v, V: EncodeCounterValue>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Counter)?;
        for (values, value) in samples {
            if values.is_empty() {
                family.encode_counter::<NoLabelSet, V, f64>(&value, None)?;
            } else {
                let labels = pairs(metric, &values);
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, V, f64>(&value, None)?;
            }
        }
        Ok(())
    }

    fn gauge<'v, V: EncodeGaugeValue>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Gauge)?;
        for (values, value) in samples {
            if values.is_empty() {
                family.encode_gauge(&value)?;
            } else {
                let labels = pairs(metric, &values);
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn histogram<'v>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, &'v Histogram)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Histogram)?;
        for (values, histogram) in samples {
            let (sum, buckets) = histogram.read();
            let count = buckets.iter().map(|(_, count)| count).sum();
            if values.is_empty() {
                family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            } else {
                let labels = pairs(metric, &values);
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }

    fn info(&mut self, metric: Metric, values: &[&str]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Info)?;
        family.encode_info(&pairs(metric, values))
    }
}

fn pairs<'v>(metric: Metric, values: &[&'v str]) -> Vec<(&'static str, &'v str)> {
    metric.labels.iter().copied().zip(values.iter().copied()).collect()
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "exact to the nano-dollar up to nine million dollars")]
fn dollars(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
