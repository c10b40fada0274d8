//! The one pass over a log.

use crate::changes;
use crate::document::{Document, Log, MissingEndpoint, SCHEMA, Totals, Unread};
use crate::facts;
use crate::features::{Features, Row};
use crate::flight::Flights;
use crate::groups::{Fate, Groups};
use crate::look::{Look, OF_EVERY_REQUEST, look};
use crate::mapping::Mapping;
use crate::prompts::{Lengths, answer_limit};
use crate::remedy::Remedies;
use crate::retiring::retiring;
use crate::route::{Asked, Chosen, Route};
use crate::text;
use bill::project::{self, Projection};
use datasets::LoggedRequest;
use std::collections::BTreeMap;
use wire::price::Tariffs;
use wire::provider::{Policy, Provider, Target};
use wire::usage::Characters;
use wire::{Endpoint, Request};

/// Lines that could not be judged, of which is told where they stand.
const UNREAD_MAX: usize = 5;

/// What a preflight is about.
#[derive(Debug, Clone)]
pub struct Options {
    /// Version of weighbridge, for the document.
    pub version: String,
    /// Name of the migration, for rules to paste.
    pub migration: String,
    /// Name of the candidate among the gateway's providers, for rules to paste.
    pub candidate_name: String,
    /// Kind of the provider in use today.
    pub baseline: Provider,
    /// Kind of the provider that may take over.
    pub candidate: Provider,
    /// The candidate's policy.
    pub policy: Policy,
    /// The log has no times, only an order.
    pub untimed: bool,
    /// Now, microseconds since the Unix epoch; what retires is told from here.
    pub now_us: i64,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// File.
    pub file: &'a str,
    /// Line, from 1, where the format has one a row.
    pub line: Option<u64>,
    /// Request in the file, from 1.
    pub request: u64,
}

/// A preflight under way.
pub struct Preflight<'r> {
    options: Options,
    route: Box<dyn Fn(&Asked<'_>) -> Route + 'r>,
    log: Log,
    totals: Totals,
    mapping: Mapping,
    groups: Groups,
    features: Features,
    flights: Flights,
    lengths: Lengths,
    missing: BTreeMap<Endpoint, u64>,
    cost: Projection<'r>,
    /// Somebody chose models here that no configuration names yet.
    chosen_here: bool,
}

impl std::fmt::Debug for Preflight<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Preflight").field("totals", &self.totals).finish_non_exhaustive()
    }
}

impl<'r> Preflight<'r> {
    /// Begins. `tariffs` are the prices of both; `route` says which model of the candidate a request would go to.
    pub fn new(options: Options, tariffs: &'r Tariffs, route: impl Fn(&Asked<'_>) -> Route + 'r) -> Self {
        let cost = Projection::new(project::Options {
            baseline: options.baseline,
            candidate: options.candidate,
            alternatives: facts::on_sale(options.candidate),
            untimed: options.untimed,
            ..project::Options::new(tariffs, options.now_us)
        });
        Self {
            cost,
            chosen_here: false,
            options,
            route: Box::new(route),
            log: Log::default(),
            totals: Totals::default(),
            mapping: Mapping::default(),
            groups: Groups::default(),
            features: Features::default(),
            flights: Flights::default(),
            lengths: Lengths::default(),
            missing: BTreeMap::new(),
        }
    }

    /// A file that belongs to the log.
    pub fn file(&mut self, name: &str) {
        self.log.files.push(text::name(name));
    }

    /// Rows that could not be read at all, with where and why the first of them could not; never what stands in them.
    pub fn broken(&mut self, count: u64, examples: impl IntoIterator<Item = String>) {
        let broken = &mut self.log.broken;
        broken.count += count;
        let room = UNREAD_MAX.saturating_sub(broken.examples.len());
        broken.examples.extend(examples.into_iter().take(room));
    }

    /// One request of the log.
    pub fn see(&mut self, logged: &LoggedRequest, place: &Place<'_>) {
        self.log.requests += 1;
        let (first, last) = self.log.span_us.unwrap_or((logged.at_us, logged.at_us));
        self.log.span_us = Some((first.min(logged.at_us), last.max(logged.at_us)));
        let consumer = logged.consumer.as_deref();
        let request = match Request::parse(logged.endpoint, logged.body.get().as_bytes()) {
            Ok(request) => request,
            Err(error) => {
                self.totals.not_requests += 1;
                self.groups.add(consumer, "", Fate::NoRequest);
                unread(&mut self.log.not_requests, place, error.param);
                self.cost.see(logged, None);
                return;
            }
        };
        let asked = Asked { endpoint: logged.endpoint, model: &request.model, consumer, request: &request };
        let route = (self.route)(&asked);
        self.mapping.add(&request.model, &route);
        match &route {
            Route::Outside => {
                self.cost.see(logged, None);
                self.totals.outside += 1;
                self.groups.add(consumer, &request.model, Fate::Outside);
            }
            Route::To(model, chosen) => {
                self.chosen_here |= *chosen != Chosen::Config;
                self.judge(logged, &request, model, place);
            }
        }
    }

    fn judge(&mut self, logged: &LoggedRequest, request: &Request<'_>, model: &str, place: &Place<'_>) {
        let candidate = self.options.candidate;
        let look = look(candidate, request, &Target::new(model, &self.options.policy));
        self.totals.add(look.effect, look.harmless);
        let worst: Vec<&'static str> = look
            .findings
            .iter()
            .filter(|finding| finding.effect == look.effect && !OF_EVERY_REQUEST.contains(&finding.feature))
            .map(|finding| finding.feature)
            .collect();
        let consumer = logged.consumer.as_deref();
        self.groups.add(consumer, &request.model, Fate::Judged(look.effect, look.harmless, &worst));
        let Look { findings, sent, .. } = &look;
        let changes = || sent.as_ref().map(|sent| changes::between(request, &sent.body)).unwrap_or_default();
        self.features.see(findings, &Row { place, id: &logged.id, model: &request.model }, &changes);
        if candidate.adapter().path(logged.endpoint).is_none() {
            *self.missing.entry(logged.endpoint).or_default() += 1;
        }
        if sent.is_ok() {
            let duration = logged.recorded.as_ref().and_then(|recorded| recorded.duration_us);
            self.flights.add(model, logged.at_us, duration);
        }
        self.cost.see(logged, sent.is_ok().then_some(model));
        let mut prompt = Characters::default();
        request.for_each_text(|text| prompt.add(text));
        self.lengths.add(prompt, answer_limit(&request.object), candidate, model);
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Document {
        let Options { version, migration, candidate_name, baseline, candidate, now_us, untimed, .. } = self.options;
        let remedies = Remedies { migration: &migration, candidate: &candidate_name };
        let features = self.features.finish(self.totals.judged(), &remedies);
        let mut log = self.log;
        log.span_us = log.span_us.filter(|_| !untimed);
        let missing = self.missing.into_iter().map(|(endpoint, requests)| MissingEndpoint { endpoint, requests });
        let models = self.mapping.finish();
        let now = jiff::Timestamp::from_microsecond(now_us).map(|now| now.to_string()).unwrap_or_default();
        Document {
            schema: SCHEMA,
            version,
            now,
            baseline,
            candidate,
            log,
            totals: self.totals,
            models_toml: self.chosen_here.then(|| remedies.models(&models)),
            retiring: retiring(&models, baseline, candidate, now_us),
            models,
            groups: self.groups.finish(),
            features,
            missing_endpoints: missing.collect(),
            flight: self.flights.finish(candidate, untimed),
            prompts: self.lengths.finish(),
            cost: self.cost.finish(),
            migration,
        }
    }
}

fn unread(unread: &mut Unread, place: &Place<'_>, param: Option<&'static str>) {
    unread.count += 1;
    if unread.examples.len() < UNREAD_MAX {
        let row = place.line.map_or_else(|| format!("request {}", place.request), |line| format!("line {line}"));
        let wrong = param.map_or_else(
            || "the body is not a JSON object".to_owned(),
            |param| format!("`{param}` is missing, doubled or of another type"),
        );
        unread.examples.push(format!("{}, {row}: {wrong}", text::name(place.file)));
    }
}

#[cfg(test)]
mod tests;
