//! What the gateway tells about itself: counters and histograms of exchanges, readings of everything else, as a page of
//! text, in OpenMetrics or in Prometheus' older format ([`accept`]).
//!
//! Exchanges are counted as they end, by one look-up to a cell of plain atomics ([`metrics`]). Everything that some other
//! part counts anyway (queues, breakers, records, weights) is read when the page is asked for ([`readings`]). All names
//! and label sets stand in [`names`]. Names that others gave are other views of the same counters, made with the page.
//!
//! No label ever holds a key, a prompt, a user id or an unchecked text of a client: consumers are those of the
//! configuration, and a model name that no provider has answered to is `other`.

mod accept;
mod cell;
mod histogram;
mod metrics;
mod names;
mod page;
mod plain;
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
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page as it stands now, in the format that the scraper accepts.
pub(crate) fn scrape(shared: &Arc<Shared>, headers: &HeaderMap) -> Response {
    let views = shared.plane.load().config.metrics;
    let rendered = shared.metrics.render(readings::of(shared, crate::clock::now_us()), views);
    let page = |kind, text| ([(header::CONTENT_TYPE, kind), (header::VARY, "accept")], text).into_response();
    match rendered {
        Ok(open) if accept::wants_open_metrics(headers) => page(OPEN_METRICS, open),
        Ok(open) => page(PLAIN, plain::of_open_metrics(&open)),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
