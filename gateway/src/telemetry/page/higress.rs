//! Answers under the names of Higress' `ai-statistics`, so that dashboards made for it go on working.
//!
//! It counts what a client got, where the answer reports its tokens, and nothing else: so do we. A copy is no client's, and
//! an answer without a report is not there at all, neither with its tokens nor with its time; our own names have both.
//! `ai_route` is the migration, `ai_cluster` the provider, `ai_model` the model that was asked for there, and `ai_consumer`
//! the consumer, `none` for one without a name. Times are sums of whole milliseconds.
//!
//! Envoy shows these counters without `_total`, and that is how dashboards ask for them. OpenMetrics knows no such
//! counter, so there they are of unknown type, and in the older text they are counters, as Envoy has them; Prometheus keeps
//! the same series either way.

use super::super::metrics::ANONYMOUS;
use super::super::names::views;
use super::super::series::{Labels, Series};
use super::writer::{Writer, escaped, load};
use datasets::Role;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Higress' word for a consumer without a name.
const NO_CONSUMER: &str = "none";
const MICROS_A_MILLISECOND: u64 = 1000;

/// Route, cluster, model and consumer.
type Key<'s> = [Cow<'s, str>; 4];

/// What is summed up for one of them.
#[derive(Default)]
struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    duration_us: u64,
    answers: u64,
    first_token_us: u64,
    streams: u64,
}

impl Counts {
    fn add(&mut self, series: &Series) {
        let reported = &series.cell.reported;
        let (prompt, completion) = (reported.prompt_tokens.read(), reported.completion_tokens.read());
        for (sum, more) in [
            (&mut self.prompt_tokens, prompt.raw_sum()),
            (&mut self.completion_tokens, completion.raw_sum()),
            (&mut self.duration_us, load(&reported.duration_us)),
            (&mut self.answers, prompt.count()),
            (&mut self.first_token_us, load(&reported.first_token_us)),
            (&mut self.streams, load(&reported.streams)),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    /// In the order of [`views::HIGRESS`].
    const fn values(&self) -> [u64; 7] {
        [
            self.prompt_tokens,
            self.completion_tokens,
            self.prompt_tokens.saturating_add(self.completion_tokens),
            self.duration_us / MICROS_A_MILLISECOND,
            self.answers,
            self.first_token_us / MICROS_A_MILLISECOND,
            self.streams,
        ]
    }
}

/// Writes all of them.
pub(super) fn write(writer: &mut Writer<'_>, series: &[Arc<Series>]) -> fmt::Result {
    let mut all: BTreeMap<Key<'_>, Counts> = BTreeMap::new();
    for one in series {
        let Labels { migration, provider, model, consumer, role, .. } = one.labels();
        if role != super::super::role_name(Role::Served) && role != super::super::role_name(Role::Fallback) {
            continue;
        }
        let consumer = if consumer == ANONYMOUS { NO_CONSUMER } else { consumer };
        let key = [migration, provider, model, consumer].map(escaped);
        all.entry(key).or_default().add(one);
    }
    all.retain(|_, counts| counts.answers > 0);
    let rows: Vec<(&Key<'_>, [u64; 7])> = all.iter().map(|(key, counts)| (key, counts.values())).collect();
    for (place, metric) in views::HIGRESS.iter().enumerate() {
        let samples = rows
            .iter()
            .filter_map(|(key, values)| Some((key.iter().map(AsRef::as_ref).collect(), *values.get(place)?)));
        writer.unsuffixed_counter(*metric, samples)?;
    }
    Ok(())
}
