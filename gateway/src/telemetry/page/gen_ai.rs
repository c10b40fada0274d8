//! Calls of providers under the names of OpenTelemetry's GenAI conventions, as Prometheus writes them.
//!
//! Towards the providers the gateway is a client, so their client metrics are what it can tell: how long a call took, and
//! what tokens its provider reported (an estimate is none). Their server metrics of tokens are told as the gateway sees
//! them, the way in between included; nobody nearer to the client can tell them of a provider. What they call a server's
//! request duration would be the same number as the client's once more, and what passes between two chunks is not measured.
//!
//! All migrations, arms and consumers are summed up, so there are as many series as models. The role stays a label, because
//! a copy is a call, and paid for, but nobody waits for it.

use super::super::cell::{Cell, OUTCOME_NAMES};
use super::super::histogram::{Histogram, Reading};
use super::super::names::views;
use super::super::series::{Labels, Series};
use super::writer::{Writer, escaped};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use wire::{Endpoint, ErrorKind};

/// Operation, provider, model, role, and what one metric has beside them.
type Key<'s> = [Cow<'s, str>; 5];
type Sums<'s> = BTreeMap<Key<'s>, Reading>;

/// Writes all of them.
pub(super) fn write(writer: &mut Writer<'_>, series: &[Arc<Series>]) -> fmt::Result {
    let tokens = sums(series, |cell| {
        let reported = &cell.reported;
        [("input", &reported.prompt_tokens), ("output", &reported.completion_tokens)].into_iter()
    });
    family(writer, views::TOKEN_USAGE, &tokens)?;
    let durations = sums(series, |cell| [("", &cell.duration)].into_iter().chain(failed(cell)));
    family(writer, views::OPERATION_DURATION, &durations)?;
    let chunk = sums(series, |cell| [("", &cell.first_event)].into_iter());
    family(writer, views::TIME_TO_FIRST_CHUNK, &chunk)?;
    let first = sums(series, |cell| [("", &cell.first_token)].into_iter());
    family(writer, views::TIME_TO_FIRST_TOKEN, &first)?;
    let later = sums(series, |cell| [("", &cell.output_token)].into_iter());
    family(writer, views::TIME_PER_OUTPUT_TOKEN, &later)
}

/// Failed calls by the kind of their error. What the gateway's own bounds kept from being sent was no call.
fn failed(cell: &Cell) -> impl Iterator<Item = (&'static str, &Histogram)> {
    let kinds = OUTCOME_NAMES.iter().copied().zip(&cell.failed);
    kinds
        .filter(|(kind, _)| *kind != ErrorKind::GatewayBusy.name())
        .filter_map(|(kind, failed)| Some((kind, &**failed.get()?)))
}

fn sums<'s, I>(series: &'s [Arc<Series>], pick: impl Fn(&'s Cell) -> I) -> Sums<'s>
where
    I: Iterator<Item = (&'static str, &'s Histogram)>,
{
    let mut sums = Sums::new();
    for one in series {
        let Labels { endpoint, provider, model, role, .. } = one.labels();
        for (last, histogram) in pick(&one.cell) {
            let reading = histogram.read();
            if reading.count() == 0 {
                continue;
            }
            let key = [operation(endpoint).into(), escaped(provider), escaped(model), role.into(), last.into()];
            match sums.get_mut(&key) {
                Some(sum) => sum.merge(&reading),
                None => {
                    sums.insert(key, reading);
                }
            }
        }
    }
    sums
}

fn family(writer: &mut Writer<'_>, metric: super::super::names::Metric, sums: &Sums<'_>) -> fmt::Result {
    writer.histogram(metric, sums.iter().map(|(key, sum)| (key.iter().map(AsRef::as_ref).collect(), sum.clone())))
}

/// The conventions' name of what an endpoint does; they have none for moderation.
fn operation(endpoint: &'static str) -> &'static str {
    const CHAT: &str = Endpoint::Chat.name();
    const COMPLETIONS: &str = Endpoint::Completions.name();
    const RESPONSES: &str = Endpoint::Responses.name();
    const MODERATIONS: &str = Endpoint::Moderations.name();
    match endpoint {
        CHAT | RESPONSES => "chat",
        COMPLETIONS => "text_completion",
        MODERATIONS => "moderation",
        other => other,
    }
}
