//! What a request log would cost at either provider, before anybody is called.
//!
//! One pass in bounded memory. Each request is priced as it was counted by the provider that answered it, or, where nobody
//! counted, as its characters suggest ([`estimate`]); and then once for each choice of the candidate's models, its tokens
//! translated into the candidate's vocabulary ([`ratio`]):
//!
//! ```text
//! LoggedRequest ─► read: tokens, text, tier ─► week: price at its hour of this week ─► tally: totals, groups
//!                                    └─► ratio: candidate's tokens, low / likely / high ┘        └─► series: a month
//! ```
//!
//! The candidate is taken to give the same answers in its own tokens, without reasoning (the gateway's rewrite switches it
//! off), out of a cache that hits as often, in the standard tier. What happens if it is not so stands beside it: by share of
//! cached input, by length of answers, with reasoning. Requests that failed cost nothing in either arm.
//!
//! Intervals are 95 % and never too narrow on purpose: the errors of translation are taken to have the same direction in
//! all requests, and only what is independent of them, the chance in the traffic, is added as squares.

mod based;
mod document;
mod estimate;
mod finish;
mod month;
pub mod ratio;
mod read;
mod scale;
mod series;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod week;

pub use document::{
    Baseline, Cached, Choice, Document, Group, GroupChoice, Language, Length, Log, Money, Month, Nanos, RatioTable,
    SCHEMA, Thinking, Unpriced,
};
pub use week::DATED_FROM_US;

use crate::reckon::hour_of_week;
use crate::traffic::WEEK_HOURS;
use based::{Based, Basis};
use datasets::LoggedRequest;
use estimate::{Estimates, visible};
use ratio::{Ratio, Ratios, Script, vocabulary};
use read::{Billed, billed};
use series::Series;
use std::collections::{BTreeMap, HashMap};
use tally::{Bill, Groups, Pair};
use week::{HOUR_US, Week, When, call};
use wire::price::{Call, Tariffs, Tier};
use wire::provider::Provider;
use wire::usage::Vocabulary;
use wire::{Request, Usage, UsageSource};

/// Consumers that are told apart.
const CONSUMERS_MAX: usize = 1000;
/// Models that are told apart.
const MODELS_MAX: usize = 200;
/// Days that are told apart: more than a year.
const DAYS_MAX: usize = 400;
/// Choices of models beside the mapped one.
const ALTERNATIVES_MAX: usize = 4;
/// Bytes of a consumer's or a model's name that are kept.
const NAME_BYTES_MAX: usize = 200;

/// What is projected.
#[derive(Debug, Clone)]
pub struct Options<'t> {
    /// Prices.
    pub tariffs: &'t Tariffs,
    /// Provider of the requests whose log does not say who answered.
    pub baseline: Provider,
    /// Provider that may take over.
    pub candidate: Provider,
    /// Models of the candidate that everything that moves is priced at, too, each for itself; at most four.
    pub alternatives: Vec<String>,
    /// End of the seven days whose prices are taken, microseconds since the Unix epoch.
    pub now_us: i64,
    /// The log has no times, only an order.
    pub untimed: bool,
    /// Requests in a month; without it the log's own rate goes on.
    pub month_requests: Option<f64>,
}

impl<'t> Options<'t> {
    /// From OpenAI to DeepSeek.
    #[must_use]
    pub const fn new(tariffs: &'t Tariffs, now_us: i64) -> Self {
        Self {
            tariffs,
            baseline: Provider::OpenAi,
            candidate: Provider::DeepSeek,
            alternatives: Vec::new(),
            now_us,
            untimed: false,
            month_requests: None,
        }
    }
}

/// A projection under way.
#[derive(Debug)]
pub struct Projection<'t> {
    options: Options<'t>,
    week: Week<'t>,
    ratios: Ratios,
    estimates: Estimates,
    log: Log,
    /// First and last instant.
    span_us: Option<(i64, i64)>,
    dated: bool,
    baseline: Based,
    paid: Based,
    paid_unpriced: u64,
    recorded: (i64, u64),
    cached: (u64, u64),
    choices: Vec<(Bill, u64, u64)>,
    consumers: Groups<String>,
    models: Groups<String>,
    days: Groups<i64>,
    hours: Groups<usize>,
    languages: BTreeMap<&'static str, Language>,
    unpriced: HashMap<(String, String), u64>,
    unpriced_baseline: u64,
    series: Series,
}

/// Who answered a request, or would have.
#[derive(Debug, Clone, Copy)]
struct Served<'a> {
    provider: &'a str,
    asked: &'a str,
    answered: Option<&'a str>,
}

impl Served<'_> {
    /// Tokens that an answer may have at all; `None` for a model of which that is not known.
    fn output_max(&self) -> Option<u64> {
        let provider =
            [Provider::OpenAi, Provider::DeepSeek].into_iter().find(|known| known.name() == self.provider)?;
        let known = |name: &str| wire::models::find(provider, name);
        Some(self.answered.and_then(known).or_else(|| known(self.asked))?.output_tokens_max)
    }
}

impl<'t> Projection<'t> {
    /// Begins.
    #[must_use]
    pub fn new(mut options: Options<'t>) -> Self {
        options.alternatives.truncate(ALTERNATIVES_MAX);
        let choices = options.alternatives.len() + 1;
        let by_index = options.untimed || options.month_requests.is_some();
        Self {
            week: Week::new(options.tariffs, options.now_us),
            ratios: Ratios::default(),
            estimates: Estimates::default(),
            log: Log::default(),
            span_us: None,
            dated: true,
            baseline: Based::default(),
            paid: Based::default(),
            paid_unpriced: 0,
            recorded: (0, 0),
            cached: (0, 0),
            choices: vec![(Bill::default(), 0, 0); choices],
            consumers: Groups::new(CONSUMERS_MAX),
            models: Groups::new(MODELS_MAX),
            days: Groups::new(DAYS_MAX),
            hours: Groups::new(WEEK_HOURS),
            languages: BTreeMap::new(),
            unpriced: HashMap::new(),
            unpriced_baseline: 0,
            series: Series::new(if by_index { 1 } else { 1_000_000 }, choices),
            options,
        }
    }

    /// One request. `to` is the candidate's model that it would go to; without one it stays where it is.
    pub fn see(&mut self, logged: &LoggedRequest, to: Option<&str>) {
        let position = i64::try_from(self.log.requests).unwrap_or(i64::MAX);
        self.log.requests += 1;
        let when = self.time(logged.at_us);
        let request = Request::parse(logged.endpoint, logged.body.get().as_bytes()).ok();
        self.log.unreadable += u64::from(request.is_none());
        let recorded = logged.recorded.as_ref();
        let answered = recorded.map(|recorded| &*recorded.model);
        let asked = request.as_ref().map(|request| &*request.model);
        let served = Served {
            provider: recorded.map_or(self.options.baseline.name(), |recorded| &recorded.provider),
            asked: asked.or(answered).unwrap_or_default(),
            answered,
        };
        let counts_in = Vocabulary::of(served.provider, answered.unwrap_or(served.asked));
        let Some(billed) = billed(logged, request.as_ref(), counts_in, served.output_max(), &mut self.estimates) else {
            self.log.failed += 1;
            return;
        };
        self.count(logged, &billed);
        let Some(baseline) = self.priced(&served, when, &billed) else {
            self.unpriced_baseline += 1;
            self.without_price(served.provider, served.asked);
            return;
        };
        self.baseline.plus(&baseline);
        self.pay(&served, logged.at_us, when, &billed);
        let endpoint = self.options.candidate.adapter().path(logged.endpoint);
        let to = to.filter(|_| request.is_some() && endpoint.is_some());
        let bills = self.bills(&served, to, when, &billed, &baseline);
        self.group(logged, &served, when, &baseline, &bills);
        let savings: Vec<Based> = bills.iter().map(|bill| difference(&bill.pair)).collect();
        let by_index = self.options.untimed || self.options.month_requests.is_some();
        self.series.add(if by_index { position } else { logged.at_us }, &savings);
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Document {
        finish::document(self)
    }

    fn time(&mut self, at_us: i64) -> When {
        if !self.options.untimed {
            let (first, last) = self.span_us.unwrap_or((at_us, at_us));
            self.span_us = Some((first.min(at_us), last.max(at_us)));
        }
        let when = When::of(at_us, self.options.untimed);
        self.dated &= when != When::Undated;
        when
    }

    fn count(&mut self, logged: &LoggedRequest, billed: &Billed) {
        self.log.billed += 1;
        self.log.estimated += u64::from(!billed.counted);
        self.log.can_wait += u64::from(billed.waits);
        if let Some(cost) = logged.recorded.as_ref().and_then(|recorded| recorded.cost_nanos) {
            self.recorded = (self.recorded.0.saturating_add(cost), self.recorded.1 + 1);
        }
        let script = billed.prompt.script();
        let name = match script {
            Script::Chinese => "chinese",
            Script::English => "english",
            Script::Unknown => "unknown",
        };
        let language =
            self.languages.entry(name).or_insert(Language { script, requests: 0, prompt_tokens: 0, answer_tokens: 0 });
        language.requests += 1;
        for (_, usage) in billed.parts.iter().filter(|(basis, _)| *basis == Basis::Recorded) {
            language.prompt_tokens = language.prompt_tokens.saturating_add(usage.prompt);
            language.answer_tokens = language.answer_tokens.saturating_add(visible(usage));
            match usage.cached {
                Some(cached) => {
                    self.cached.0 = self.cached.0.saturating_add(cached);
                    self.cached.1 = self.cached.1.saturating_add(usage.prompt);
                }
                None => self.log.cached_unknown += 1,
            }
        }
    }

    /// The baseline's bill at this week's prices.
    fn priced(&mut self, served: &Served<'_>, when: When, billed: &Billed) -> Option<Based> {
        let mut amount = Based::default();
        for (basis, usage) in &billed.parts {
            let call = call(served.provider, served.asked, served.answered, billed.tier);
            amount.add(*basis, self.week.cost(&call, when, usage)?.own);
        }
        Some(amount)
    }

    /// The bill of the day on which the request was sent.
    fn pay(&mut self, served: &Served<'_>, at_us: i64, when: When, billed: &Billed) {
        if when == When::Undated {
            return;
        }
        let mut amount = Based::default();
        for (basis, usage) in &billed.parts {
            let call = call(served.provider, served.asked, served.answered, billed.tier);
            let Some(priced) = self.options.tariffs.price(&Call { sent_us: at_us, ..call }, usage) else {
                self.paid_unpriced += 1;
                return;
            };
            amount.add(*basis, i128::from(priced.nanos));
        }
        self.paid.plus(&amount);
    }

    /// The bill with each choice, and booked there.
    fn bills(
        &mut self,
        served: &Served<'_>,
        to: Option<&str>,
        when: When,
        billed: &Billed,
        baseline: &Based,
    ) -> Vec<Bill> {
        let alternatives = std::mem::take(&mut self.options.alternatives);
        let targets = std::iter::once(to).chain(alternatives.iter().map(|model| to.map(|_| model.as_str())));
        let mut bills = Vec::with_capacity(self.choices.len());
        for (index, target) in targets.enumerate() {
            let bill = match target {
                None => Some(staying(baseline)),
                Some(model) => self.moving(served, model, when, billed, baseline),
            };
            if bill.is_none()
                && let Some(model) = target
            {
                self.without_price(self.options.candidate.name(), model);
            }
            if let Some((sum, moved, unpriced)) = self.choices.get_mut(index) {
                *moved += u64::from(target.is_some());
                *unpriced += u64::from(bill.is_none());
                sum.plus(&bill.unwrap_or_default());
            }
            bills.push(bill.unwrap_or_default());
        }
        self.options.alternatives = alternatives;
        bills
    }

    fn moving(
        &mut self,
        served: &Served<'_>,
        model: &str,
        when: When,
        billed: &Billed,
        baseline: &Based,
    ) -> Option<Bill> {
        let provider = self.options.candidate.name();
        let from = vocabulary(served.provider, served.answered.unwrap_or(served.asked));
        let (prompt, answer) = self.translation(billed, from, vocabulary(provider, model));
        let call = call(provider, model, None, Tier::Standard);
        let mut bill = Bill { pair: Pair { against: *baseline, ..Pair::default() }, ..Bill::default() };
        for (basis, usage) in &billed.parts {
            let with = |prompt: f64, answer: f64| translated(usage, prompt, answer);
            let likely = with(prompt.likely, answer.likely);
            let mut cost = |usage: &Usage| self.week.cost(&call, when, usage);
            let own = cost(&likely)?;
            bill.pair.likely.add(*basis, own.own);
            bill.pair.low.add(*basis, cost(&with(prompt.low, answer.low))?.own);
            bill.pair.high.add(*basis, cost(&with(prompt.high, answer.high))?.own);
            bill.cheapest.add(*basis, own.cheapest);
            bill.dearest.add(*basis, own.dearest);
            bill.peak.add(*basis, own.peak);
            bill.batch_moved.add(*basis, if billed.waits { own.cheapest } else { own.own });
            bill.cold.add(*basis, cost(&Usage { cached: Some(0), ..likely })?.own);
            let nine_tenths = u64::try_from(u128::from(likely.prompt) * 9 / 10).unwrap_or(u64::MAX);
            bill.warm.add(*basis, cost(&Usage { cached: Some(nine_tenths), ..likely })?.own);
            bill.answers.add(*basis, cost(&Usage::new(0, likely.completion, UsageSource::Estimate))?.own);
        }
        bill.moved = bill.pair;
        Some(bill)
    }

    /// Ratios of the prompt's and of the answer's tokens. An answer that was not kept is in the prompt's language.
    fn translation(&self, billed: &Billed, from: Option<Vocabulary>, to: Option<Vocabulary>) -> (Ratio, Ratio) {
        let answer = billed.answer.as_ref().unwrap_or(&billed.prompt);
        (billed.prompt.ratio(&self.ratios, from, to), answer.ratio(&self.ratios, from, to))
    }

    fn group(&mut self, logged: &LoggedRequest, served: &Served<'_>, when: When, baseline: &Based, bills: &[Bill]) {
        let pairs = || bills.iter().map(|bill| bill.pair);
        let consumer = logged.consumer.as_deref().map_or("-", short);
        self.consumers.cell(consumer).add(baseline, pairs());
        self.models.cell(short(served.asked)).add(baseline, pairs());
        if let When::At(at_us) = when {
            self.days.cell(&at_us.div_euclid(24 * HOUR_US)).add(baseline, pairs());
        }
        // Without dates the hours are those of the log's own week, from which a month can still be made.
        let hour = if self.options.untimed { 0 } else { hour_of_week(logged.at_us) };
        self.hours.cell(&hour).add(baseline, pairs());
    }

    fn without_price(&mut self, provider: &str, model: &str) {
        let key = (short(provider).to_owned(), short(model).to_owned());
        if self.unpriced.contains_key(&key) || self.unpriced.len() < MODELS_MAX {
            *self.unpriced.entry(key).or_default() += 1;
        } else {
            *self.unpriced.entry(("other".to_owned(), "other".to_owned())).or_default() += 1;
        }
    }
}

/// A request that no choice moves costs what it costs.
fn staying(baseline: &Based) -> Bill {
    let pair = Pair { against: *baseline, low: *baseline, likely: *baseline, high: *baseline };
    Bill {
        pair,
        cheapest: *baseline,
        dearest: *baseline,
        batch_moved: *baseline,
        cold: *baseline,
        warm: *baseline,
        ..Bill::default()
    }
}

/// The same exchange in the candidate's tokens: without reasoning, and with the same part of the prompt cached.
fn translated(usage: &Usage, prompt: f64, answer: f64) -> Usage {
    let scaled = |tokens: u64, ratio: f64| (tokens as f64 * ratio).round() as u64;
    let tokens = scaled(usage.prompt, prompt);
    Usage {
        cached: usage.cached.map(|cached| scaled(cached, prompt).min(tokens)),
        ..Usage::new(tokens, scaled(visible(usage), answer), UsageSource::Estimate)
    }
}

fn difference(pair: &Pair) -> Based {
    let mut difference = Based::default();
    for basis in Basis::ALL {
        difference.add(basis, pair.against.of(basis) - pair.likely.of(basis));
    }
    difference
}

/// The beginning of a name, cut between characters.
fn short(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
