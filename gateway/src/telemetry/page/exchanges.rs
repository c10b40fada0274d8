//! Exchanges, under our own names.

use super::super::cell::{Cell, FORM_FAILURES, OUTCOME_NAMES};
use super::super::histogram::Histogram;
use super::super::names;
use super::super::series::Series;
use super::writer::{Values, Writer, dollars, escaped, load};
use datasets::Arm;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wire::usage::Loss;

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

/// Writes all of them.
pub(super) fn write(writer: &mut Writer<'_>, series: &[Arc<Series>]) -> fmt::Result {
    let rows: Vec<Row> = series.iter().cloned().map(Row::new).collect();
    exchanges(writer, &rows)?;
    histograms(writer, &rows)
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
    writer.counter(names::MODERATION_BLOCKS, counter(|cell| &cell.moderation_blocks))?;
    writer.counter(names::GUARD_BLOCKS, counter(|cell| &cell.guard_blocks))
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
        (names::FIRST_EVENT, |cell| &cell.first_event),
        (names::FIRST_TOKEN, |cell| &cell.first_token),
        (names::FIRST_VISIBLE, |cell| &cell.first_visible),
        (names::OUTPUT_TOKEN, |cell| &cell.output_token),
    ] {
        let filled = rows.iter().map(|row| (row.labels(None), pick(&row.series.cell).read()));
        writer.histogram(metric, filled.filter(|(_, reading)| reading.count() > 0))?;
    }
    Ok(())
}
