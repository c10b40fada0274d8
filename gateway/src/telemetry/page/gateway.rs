//! The gateway itself: its requests, migrations, mirror, records, prices and process.

use super::super::names;
use super::super::process::resident_bytes;
use super::Page;
use super::writer::{Values, Writer, count, dollars, escaped, integer};
use std::fmt;

impl Page {
    /// How many label sets there are, and what did not become one.
    pub(super) fn series(&self, writer: &mut Writer<'_>, series: usize) -> fmt::Result {
        writer.counter(names::FOLDED, [(Values::new(), self.metrics.folded())])?;
        writer.gauge(names::SERIES, [(Values::new(), count(series))])
    }

    pub(super) fn prices(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let prices = &self.readings.prices;
        writer.gauge(names::PRICE_AGE, [(Values::new(), prices.age_us / 1_000_000)])?;
        // Models that the configuration names may have any character.
        let named = prices.models.iter().map(|(provider, model, stale)| (escaped(provider), escaped(model), *stale));
        let named: Vec<_> = named.collect();
        let samples = named.iter().map(|(provider, model, stale)| (vec![&**provider, &**model], i64::from(*stale)));
        writer.gauge(names::PRICE_STALE, samples)
    }

    pub(super) fn traffic(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let readings = &self.readings;
        writer.histogram(names::OVERHEAD, [(Values::new(), self.metrics.overhead().read())])?;
        writer.gauge(names::IN_FLIGHT, [(Values::new(), integer(readings.requests_in_flight))])?;
        writer.gauge(names::IN_FLIGHT_MAX, [(Values::new(), count(readings.bounds.requests_in_flight))])?;
        writer.gauge(names::HELD_BYTES, [(Values::new(), integer(readings.requests_held_bytes))])?;
        writer.gauge(names::HELD_MAX_BYTES, [(Values::new(), count(readings.bounds.requests_held_bytes))])?;
        let shed =
            [("requests_in_flight", self.metrics.shed()), ("request_bytes_in_flight", readings.requests_refused)];
        writer.counter(names::SHED, shed.map(|(reason, count)| (vec![reason], count)))?;
        let unfit = self.metrics.unfit();
        let unfit: Vec<_> =
            unfit.iter().map(|((migration, feature), count)| (escaped(migration), feature, *count)).collect();
        let unfit = unfit.iter().map(|(migration, feature, count)| (vec![migration.as_ref(), *feature], *count));
        writer.counter(names::UNFIT, unfit)?;
        let named: Vec<_> = readings.migrations.iter().map(|one| (escaped(&one.name), one)).collect();
        let arms = named.iter().map(|(name, one)| vec![name.as_ref(), one.baseline, one.candidate]);
        writer.info(names::MIGRATION, arms)?;
        writer.gauge(names::WEIGHT, named.iter().map(|(name, one)| (vec![name.as_ref()], one.weight_percent)))?;
        writer.gauge(names::SHADOW_SHARE, named.iter().map(|(name, one)| (vec![name.as_ref()], one.shadow_percent)))?;
        let paused = named.iter().map(|(name, one)| (vec![name.as_ref()], i64::from(one.shadow_paused)));
        writer.gauge(names::SHADOW_PAUSED, paused)?;
        writer.gauge(names::EPOCH, named.iter().map(|(name, one)| (vec![name.as_ref()], integer(one.epoch))))
    }

    pub(super) fn mirror(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let (shadow, bounds) = (&self.readings.shadow, &self.readings.bounds);
        writer.gauge(names::SHADOW_HELD, [(Values::new(), integer(shadow.held))])?;
        writer.gauge(names::SHADOW_QUEUE, [(Values::new(), integer(shadow.waiting))])?;
        writer.gauge(names::SHADOW_QUEUE_MAX, [(Values::new(), count(bounds.shadow_queue_copies))])?;
        writer.gauge(names::SHADOW_HELD_BYTES, [(Values::new(), integer(shadow.held_bytes))])?;
        writer.gauge(names::SHADOW_HELD_MAX_BYTES, [(Values::new(), count(bounds.shadow_held_bytes))])?;
        writer.histogram(names::SHADOW_TAX, [(Values::new(), self.metrics.shadow_tax().read())])?;
        writer.counter(names::SHADOW_FINISHED, [(Values::new(), shadow.finished)])?;
        let dropped = shadow.dropped_by_reason.iter().map(|(reason, count)| (vec![*reason], *count));
        writer.counter(names::SHADOW_DROPPED, dropped.chain([(vec!["abandoned"], shadow.abandoned)]))?;
        let spent = u64::try_from(shadow.spent_today_nanos).unwrap_or(0);
        writer.gauge(names::SHADOW_SPENT, [(Values::new(), dollars(spent))])?;
        let Some(budget) = bounds.shadow_cost_per_day_nanos else { return Ok(()) };
        writer.gauge(names::SHADOW_BUDGET, [(Values::new(), dollars(u64::try_from(budget).unwrap_or(0)))])
    }

    pub(super) fn recorder(&self, writer: &mut Writer<'_>) -> fmt::Result {
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
        writer.gauge(names::RECORDS_QUEUE_MAX, [(Values::new(), count(self.readings.bounds.records_queue_lines))])?;
        writer.gauge(names::RECORDS_HEALTHY, [(Values::new(), i64::from(records.healthy))])
    }

    pub(super) fn spans(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(spans) = &self.readings.spans else { return Ok(()) };
        writer.counter(names::SPANS_EXPORTED, [(Values::new(), spans.exported)])?;
        writer.counter(names::SPANS_DROPPED, spans.dropped.iter().map(|(reason, spans)| (vec![*reason], *spans)))
    }

    pub(super) fn process(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.info(names::BUILD, [vec![env!("CARGO_PKG_VERSION")]])?;
        #[expect(clippy::cast_precision_loss, reason = "exact to the microsecond until the year 2255")]
        let started = self.metrics.process().started_us as f64 / 1e6;
        writer.gauge(names::PROCESS_START, [(Values::new(), started)])?;
        match resident_bytes() {
            Some(bytes) => writer.gauge(names::PROCESS_MEMORY, [(Values::new(), integer(bytes))]),
            None => Ok(()),
        }
    }
}
