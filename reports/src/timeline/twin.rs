//! The story for machines: what the page shows, in plain numbers, and whatever the page has no room for.

use serde::Serialize;

use super::Story;
use super::weights::{self, Step};
use super::{Chain, lanes};
use crate::error::ReportError;

/// Value of the member `schema`.
const SCHEMA: &str = "weighbridge.timeline/1";

#[derive(Serialize)]
struct Twin<'a> {
    schema: &'static str,
    migration: &'a str,
    target: String,
    clock_speed: u32,
    chain: &'static str,
    weights: Vec<Weight>,
    gaps: Vec<String>,
    gap_count: usize,
    without_looks_us: Vec<(i64, i64)>,
    looks: usize,
    decisions: Vec<&'a gate::audit::Entry>,
}

#[derive(Serialize)]
struct Weight {
    at_us: i64,
    percent: f64,
    /// Found and not logged.
    found: bool,
}

/// The file `timeline.json`: weights in percent, instants in microseconds since the Unix epoch, all decisions as logged.
pub(super) fn json(story: &Story<'_>) -> Result<Vec<u8>, ReportError> {
    let events = weights::events(story.entries, story.migration);
    let course = weights::course(&events);
    let end = events.last().map_or(0, |event| event.at_us);
    let lanes = lanes::lanes(story.looks, end);
    let weight = |step: &Step| Weight { at_us: step.at_us, percent: step.percent, found: step.is_found };
    let twin = Twin {
        schema: SCHEMA,
        migration: story.migration,
        clock_speed: story.clock_speed.max(1),
        chain: match story.chain {
            Chain::Whole { .. } => "whole",
            Chain::Torn { .. } => "torn",
            Chain::Broken { .. } => "broken",
        },
        weights: course.steps.iter().map(weight).collect(),
        target: course.target,
        gaps: course.gaps,
        gap_count: course.gap_count,
        without_looks_us: lanes.gaps,
        looks: lanes.looks,
        decisions: events.iter().map(|event| event.entry).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&twin).map_err(|error| ReportError::Twin(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
