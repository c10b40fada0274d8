//! Writes one family at a time.

use super::super::histogram::Reading;
use super::super::names::Metric;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Label values in the order of the metric's labels. An empty one is not written: to every reader it is the same as none.
pub(super) type Values<'a> = Vec<&'a str>;

/// The encoder of `prometheus_client` writes label values as they are.
pub(super) fn escaped(value: &str) -> Cow<'_, str> {
    if value.contains(['\\', '"', '\n']) {
        Cow::Owned(value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    } else {
        Cow::Borrowed(value)
    }
}

/// The writer.
pub(super) struct Writer<'e>(DescriptorEncoder<'e>);

impl<'e> Writer<'e> {
    pub(super) const fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    pub(super) fn counter<'v, V: EncodeCounterValue>(
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

    pub(super) fn gauge<'v, V: EncodeGaugeValue>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, V)>,
    ) -> fmt::Result {
        self.plain_values(metric, MetricType::Gauge, samples)
    }

    /// Counters of others, whose names lack the `_total` without which OpenMetrics knows no counter.
    pub(super) fn unsuffixed_counter<'v>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, u64)>,
    ) -> fmt::Result {
        let samples = samples.into_iter().map(|(values, value)| (values, integer(value)));
        self.plain_values(metric, MetricType::Unknown, samples)
    }

    /// Samples that have the family's own name.
    fn plain_values<'v, V: EncodeGaugeValue>(
        &mut self,
        metric: Metric,
        kind: MetricType,
        samples: impl IntoIterator<Item = (Values<'v>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, kind)?;
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

    pub(super) fn histogram<'v>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Values<'v>, Reading)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Histogram)?;
        for (values, reading) in samples {
            let (count, (sum, buckets)) = (reading.count(), reading.shown());
            if values.is_empty() {
                family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            } else {
                let labels = pairs(metric, &values);
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn info<'v>(&mut self, metric: Metric, samples: impl IntoIterator<Item = Values<'v>>) -> fmt::Result {
        let mut family = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Info)?;
        samples.into_iter().try_for_each(|values| family.encode_info(&pairs(metric, &values)))
    }
}

fn pairs<'v>(metric: Metric, values: &[&'v str]) -> Vec<(&'static str, &'v str)> {
    metric.labels.iter().copied().zip(values.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

pub(super) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "exact to the nano-dollar up to nine million dollars")]
pub(super) fn dollars(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
