//! The page: every family once, all its samples together, as OpenMetrics demands.
//!
//! Counters of exchanges that are still zero, and histograms without a value, are left out: a cell has some sixty of
//! them and most never move.

mod callers;
mod exchanges;
mod gateway;
mod gen_ai;
mod higress;
mod live_guard;
mod neighbours;
mod verdicts;
mod writer;

use super::metrics::Inner;
use super::readings::Readings;
use super::series::Series;
use crate::config::MetricViews;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;
use std::sync::Arc;
use writer::Writer;

/// What one page is made of.
#[derive(Debug)]
pub(super) struct Page {
    pub metrics: Arc<Inner>,
    pub readings: Readings,
    pub views: MetricViews,
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer::new(encoder);
        let series: Vec<Arc<Series>> = self.metrics.series();
        exchanges::write(&mut writer, &series)?;
        self.series(&mut writer, series.len())?;
        self.prices(&mut writer)?;
        self.traffic(&mut writer)?;
        self.verdicts(&mut writer)?;
        self.live_guards(&mut writer)?;
        self.mirror(&mut writer)?;
        self.recorder(&mut writer)?;
        self.callers(&mut writer)?;
        self.quotas(&mut writer)?;
        self.upstreams(&mut writer)?;
        self.moderators(&mut writer)?;
        self.replicas(&mut writer)?;
        self.guard(&mut writer)?;
        self.spans(&mut writer)?;
        self.process(&mut writer)?;
        if self.views.gen_ai {
            gen_ai::write(&mut writer, &series)?;
        }
        if self.views.higress {
            higress::write(&mut writer, &series)?;
        }
        Ok(())
    }
}
