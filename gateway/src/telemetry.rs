//! What the gateway tells about itself: counters and histograms of exchanges, readings of everything else, as an
//! OpenMetrics page.
//!
//! Exchanges are counted as they end, by one look-up to a cell of plain atomics ([`metrics`]). Everything that some other
//! part counts anyway (queues, breakers, records, weights) is read when the page is asked for ([`readings`]). All names
//! and label sets stand in [`names`].
//!
//! No label ever holds a key, a prompt, a user id or an unchecked text of a client: consumers are those of the
//! configuration, and a model name that no provider has answered to is `other`.

mod histogram;
mod metrics;
mod names;
mod page;
mod process;
mod readings;
mod sample;
mod series;
mod unfit;

pub(crate) use histogram::Histogram;
pub(crate) use metrics::{Metrics, role_name};
pub(crate) use sample::{ArmKey, Counts, Sample};

use crate::state::Shared;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use std::sync::Arc;

/// Content type of the page.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page as it stands now.
pub(crate) fn scrape(shared: &Arc<Shared>) -> Response {
    match shared.metrics.render(readings::of(shared, crate::clock::now_us())) {
        Ok(page) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response(),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
