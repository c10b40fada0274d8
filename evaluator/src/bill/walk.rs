//! One walk over the traffic: every exchange into the book of what was paid, every request once into the traffic's sums.
//!
//! Requests are walked pair by pair. What the client got (a served row, else a replayed one) is the request; the other arm's
//! row is its counterpart where the two are a pair that counts as evidence, that is where [`crate::pair`] says so and both
//! were answered. A copy that failed is no counterpart: what fails costs nothing, and would pass for a saving. Neither is
//! one whose price is not known. Such requests are estimated like those without a copy.

use super::models::Models;
use super::prices::Prices;
use crate::pair::Pair;
use crate::rows::{NameId, RouteId, Row, Rows, role_rank};
use ::bill::book::Book;
use ::bill::reckon::hour_of_week;
use ::bill::strata::{Kind, Language, can_wait};
use ::bill::sums::{Cost, Line, Tokens};
use ::bill::traffic::{Alone, Cell, Leg, Lesson, Rate, Request, Traffic};
use datasets::{Arm, Endpoint, Role};
use wire::price::{Row as TableRow, Tariffs};
use wire::{ErrorKind, Usage};

/// Groups that are told apart while walking.
const ROWS_MAX: usize = 200_000;
/// Consumers that are told apart while walking, once for each arm.
const CONSUMERS_MAX: usize = 50_000;
const HOUR_US: i64 = 3_600_000_000;

/// Which group an exchange is paid in. What nobody asked about is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) arm: Arm,
    /// The role; `None` for an answer that was taken from a log.
    pub(super) role: Option<Role>,
    pub(super) route: RouteId,
    pub(super) consumer: Option<NameId>,
    /// Days since the Unix epoch.
    pub(super) day: i64,
    pub(super) hour: u8,
}

/// What is told apart beside arm, role, route and day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Columns {
    pub(super) consumer: bool,
    pub(super) hour: bool,
}

/// What a walk found.
#[derive(Debug)]
pub(super) struct Walked<'t> {
    pub(super) book: Book<Key>,
    /// The same by arm and consumer alone: thousands of consumers must not crowd models and days out of the other book.
    pub(super) consumers: Book<(Arm, Option<NameId>)>,
    pub(super) traffic: Traffic,
    /// Rows of the price table that were used, in the order of first use.
    pub(super) used: Vec<&'t TableRow>,
}

/// Everything that a walk needs to know beforehand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'t> {
    pub(super) rows: &'t Rows,
    pub(super) tariffs: &'t Tariffs,
    /// The instant at which everything is priced, if not each exchange at its own.
    pub(super) at_us: Option<i64>,
    pub(super) columns: Columns,
    pub(super) models: &'t Models,
}

/// One exchange with its cost.
#[derive(Debug, Clone, Copy)]
struct Costed<'a> {
    row: &'a Row,
    usage: Option<Usage>,
    cost: Cost,
}

impl Costed<'_> {
    /// Answered, with a known cost.
    fn known(&self) -> Option<(i64, bool, Usage)> {
        match (self.cost, self.usage) {
            (Cost::Priced { nanos, peak }, Some(usage)) if !self.row.failed() => Some((nanos, peak, usage)),
            _ => None,
        }
    }
}

/// A walk under way.
pub(super) struct Walk<'t> {
    plan: Plan<'t>,
    prices: Prices<'t>,
    walked: Walked<'t>,
}

impl<'t> Walk<'t> {
    pub(super) fn new(plan: Plan<'t>) -> Self {
        let prices = Prices::at(plan.rows.names(), plan.tariffs, plan.at_us);
        let walked = Walked {
            book: Book::new(ROWS_MAX),
            consumers: Book::new(2 * CONSUMERS_MAX),
            traffic: Traffic::default(),
            used: Vec::new(),
        };
        Self { plan, prices, walked }
    }

    /// Walks over requests; `pairs` are those of them that count as pairs, in the same order.
    pub(super) fn requests<'a, R>(mut self, requests: impl Iterator<Item = R>, pairs: &[Pair<'a>]) -> Walked<'t>
    where
        R: Iterator<Item = &'a Row>,
    {
        let mut pairs = pairs.iter().peekable();
        for request in requests {
            let mut best: [Option<Costed<'a>>; 2] = [None; 2];
            for row in request {
                let costed = self.pay(row);
                let slot = &mut best[usize::from(row.arm == Arm::Candidate)];
                if slot.is_none_or(|best| role_rank(row.role) < role_rank(best.row.role)) {
                    *slot = Some(costed);
                }
            }
            let [baseline, candidate] = best;
            let is = |costed: Option<Costed<'a>>, row: &Row| costed.is_some_and(|costed| std::ptr::eq(costed.row, row));
            let pair = pairs.next_if(|pair| is(baseline, pair.baseline) && is(candidate, pair.candidate));
            self.request(best, pair.is_some());
        }
        self.walked
    }

    /// Walks over rows that only cost money: repetitions, and answers in place of a failed candidate, which are requests
    /// that the baseline served.
    pub(super) fn aside(mut self, rows: &[Row]) -> Walked<'t> {
        for row in rows {
            let costed = self.pay(row);
            if row.role == Role::Fallback && !row.failed() {
                self.walked.traffic.stepped_in();
                self.alone(costed);
            }
        }
        self.walked
    }

    /// Books one exchange.
    fn pay<'a>(&mut self, row: &'a Row) -> Costed<'a> {
        let usage = row.usage();
        let cost = match &usage {
            None if may_be_billed(row) => Cost::WithoutUsage,
            None => Cost::Unbilled,
            Some(usage) => self.cost(row, usage),
        };
        let columns = self.plan.columns;
        let key = Key {
            arm: row.arm,
            role: Some(row.role).filter(|_| row.recorded().is_none()),
            route: row.route,
            consumer: row.consumer.filter(|_| columns.consumer),
            day: row.sent_us.div_euclid(24 * HOUR_US),
            hour: if columns.hour { (row.sent_us.div_euclid(HOUR_US)).rem_euclid(24) as u8 } else { 0 },
        };
        let consumer = key.consumer.map_or(0, |name| name.position() as usize + 1);
        let like = (row.route.0 as usize * 8 + row.role as usize).wrapping_add(consumer.wrapping_mul(31));
        let answered = row.error.is_none();
        let line = Line { answered, usage, cost, answer_chars: u64::from(row.answer_chars) };
        self.walked.book.of(key, like).add(&line);
        let like = row.consumer.map_or(0, |name| name.position() as usize + 1) * 2 + row.arm as usize;
        self.walked.consumers.of((row.arm, row.consumer), like).add(&line);
        Costed { row, usage, cost }
    }

    fn cost(&mut self, row: &Row, usage: &Usage) -> Cost {
        let Some(priced) = self.prices.of(row, usage) else { return Cost::Unpriced };
        if !self.walked.used.iter().any(|used| std::ptr::eq(*used, priced.row)) {
            self.walked.used.push(priced.row);
        }
        let peak = self.cheapest(row, usage).is_some_and(|cheapest| cheapest < priced.nanos);
        Cost::Priced { nanos: priced.nanos, peak }
    }

    /// What an exchange would cost at the cheapest time of its day; `None` where that is always the same.
    fn cheapest(&mut self, row: &Row, usage: &Usage) -> Option<i64> {
        match self.prices.of_day(row.route, row.sent_us) {
            [] | [_] => None,
            rows => rows.iter().filter_map(|table| table.price(usage, row.tier())).map(|priced| priced.nanos).min(),
        }
    }

    fn request(&mut self, best: [Option<Costed<'_>>; 2], is_pair: bool) {
        let [baseline, candidate] = best;
        let got = |role: Role| [baseline, candidate].into_iter().flatten().find(move |leg| leg.row.role == role);
        let Some(served) = got(Role::Served).or_else(|| got(Role::Replayed)) else { return };
        let known = baseline.and_then(|leg| Some((leg.row, leg.known()?)));
        let other = candidate.and_then(|leg| Some((leg.row, leg.known()?)));
        if let (Some((baseline, of_baseline)), Some((candidate, of_candidate)), true) = (known, other, is_pair) {
            self.pair(served.row, baseline, of_baseline, candidate, of_candidate);
        } else {
            self.alone(served);
        }
    }

    fn pair(
        &mut self,
        served: &Row,
        baseline: &Row,
        (x, _, of_baseline): (i64, bool, Usage),
        candidate: &Row,
        (y, peak, of_candidate): (i64, bool, Usage),
    ) {
        let request = Request { peak, ..self.request_of(served) };
        let tokens = [Tokens::of(&of_baseline), Tokens::of(&of_candidate)];
        let leg = self.leg(candidate, &of_candidate, y, request.waits);
        self.walked.traffic.pair(&request, x, &leg, tokens);
        if self.plan.models.alone(Arm::Baseline) {
            let rate = self.prices.in_force(candidate.route, candidate.sent_us).map(Rate::of);
            let cell = self.cell(baseline, &of_baseline);
            let lesson = Lesson { cell, x, y: leg, tokens: tokens[1], rate };
            self.walked.traffic.lesson(request.conversation, &lesson);
        }
        if self.plan.models.alone(Arm::Candidate) {
            let rate = self.prices.in_force(baseline.route, baseline.sent_us).map(Rate::of);
            let cell = self.cell(candidate, &of_candidate);
            let lesson = Lesson { cell, x: y, y: Leg::plain(x), tokens: tokens[0], rate };
            self.walked.traffic.lesson(request.conversation, &lesson);
        }
    }

    fn alone(&mut self, served: Costed<'_>) {
        let row = served.row;
        let Some((nanos, peak, usage)) = served.known() else {
            match served.cost {
                _ if row.failed() => self.walked.traffic.failed(),
                // Nothing reached a provider: there was no request to speak of.
                Cost::Unbilled => {}
                Cost::Priced { .. } | Cost::Unpriced | Cost::WithoutUsage => self.walked.traffic.unknown(),
            }
            return;
        };
        let request = self.request_of(row);
        let other = self.plan.models.counterpart(row.arm, row.route);
        let rate = other.and_then(|route| self.prices.in_force(route, row.sent_us)).map(Rate::of);
        let cheapest = other.and_then(|route| {
            self.prices.of_day(route, row.sent_us).iter().map(|table| Rate::of(table)).min_by_key(Rate::dearness)
        });
        let dearer = rate.zip(cheapest).is_some_and(|(rate, cheapest)| cheapest.dearness() < rate.dearness());
        let (leg, peak) = match row.arm {
            Arm::Baseline => (Leg::plain(nanos), dearer),
            Arm::Candidate => (self.leg(row, &usage, nanos, request.waits), peak),
        };
        let rate_off_peak = if request.waits && row.arm == Arm::Baseline { cheapest.or(rate) } else { rate };
        let alone = Alone { cell: self.cell(row, &usage), leg, tokens: Tokens::of(&usage), rate, rate_off_peak };
        self.walked.traffic.alone(&Request { peak, ..request }, &alone);
    }

    /// The candidate's money under each way to price it.
    fn leg(&mut self, row: &Row, usage: &Usage, own: i64, waits: bool) -> Leg {
        let off_peak = if waits { self.cheapest(row, usage).unwrap_or(own).min(own) } else { own };
        let table = self.prices.in_force(row.route, row.sent_us);
        let with = |cached: u64, known: bool| {
            if known {
                return own;
            }
            let usage = Usage { cached: Some(cached), cache_write: None, ..*usage };
            table.and_then(|table| table.price(&usage, row.tier())).map_or(own, |priced| priced.nanos)
        };
        let nothing_cached = usage.cached.unwrap_or(0) == 0 && usage.cache_write.unwrap_or(0) == 0;
        Leg { own, off_peak, cold: with(0, nothing_cached), warm: with(usage.prompt, false) }
    }

    fn request_of(&self, row: &Row) -> Request {
        let conversation = row.unit.map_or_else(|| row.pair.mixed(), std::num::NonZeroU64::get);
        Request {
            served: row.arm,
            // Multiplied, because not every hash is mixed well in its upper bits.
            conversation: conversation.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            hour_of_week: hour_of_week(row.sent_us),
            waits: can_wait(row.tier(), row.streamed),
            peak: false,
            estimated: row.usage_is_estimate(),
        }
    }

    fn cell(&self, row: &Row, usage: &Usage) -> Cell {
        let kind = match row.endpoint {
            Endpoint::Embeddings => Kind::Embeddings,
            _ if row.structured() => Kind::Structured,
            _ if row.tools.is_some() => Kind::Tools,
            _ if usage.reasoning.is_some_and(|reasoning| reasoning > 0) => Kind::Thinking,
            _ if row.streamed => Kind::Streamed,
            _ => Kind::Whole,
        };
        let language = Language::of(u64::from(row.prompt_chars), row.prompt_wide_chars());
        Cell { served: row.arm, model: self.plan.models.number(row.arm, row.route), language, kind }
    }
}

/// Whether a provider may have billed an exchange whose tokens nobody counted; see the table in `wire::usage`.
fn may_be_billed(row: &Row) -> bool {
    match row.error {
        None => row.endpoint != Endpoint::Moderations,
        Some(
            ErrorKind::ClientCancelled
            | ErrorKind::GatewayStopped
            | ErrorKind::Timeout
            | ErrorKind::Truncated
            | ErrorKind::Malformed,
        ) => row.status == 0 || ErrorKind::of_status(row.status).is_none(),
        Some(_) => false,
    }
}

impl Walked<'_> {
    /// Adds what another walk found.
    pub(super) fn merge(&mut self, other: Self) {
        self.book.merge(&other.book);
        self.consumers.merge(&other.consumers);
        self.traffic.merge(&other.traffic);
        for row in other.used {
            if !self.used.iter().any(|used| std::ptr::eq(*used, row)) {
                self.used.push(row);
            }
        }
    }
}
