//! Rows of the price table by route, looked up once for a stretch of traffic and not by name for each request.

use crate::rows::{Names, RouteId, Row};
use wire::Usage;
use wire::price::{Priced, Row as TableRow, Tariffs};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// In the order in which they are tried: the row of the model that answered, and of the one that was asked for.
type Found<'t> = [Option<&'t TableRow>; 2];

/// Rows that are in force from an instant until another, exclusively.
#[derive(Debug, Clone, Copy)]
struct Stretch<'t> {
    from_us: i64,
    until_us: i64,
    found: Found<'t>,
}

/// The rows of one UTC day.
#[derive(Debug, Clone)]
struct Day<'t> {
    number: i64,
    rows: Vec<&'t TableRow>,
}

/// Prices of the requests that come next, which are most often of the same hour.
#[derive(Debug)]
pub(super) struct Prices<'t> {
    names: &'t Names,
    tariffs: &'t Tariffs,
    /// The instant at which everything is priced, if not each exchange at its own.
    at_us: Option<i64>,
    /// By route.
    stretches: Vec<Option<Stretch<'t>>>,
    /// By route.
    days: Vec<Option<Day<'t>>>,
}

impl<'t> Prices<'t> {
    pub(super) fn new(names: &'t Names, tariffs: &'t Tariffs) -> Self {
        Self::at(names, tariffs, None)
    }

    /// Everything priced as if it were sent at one instant, if there is one.
    pub(super) fn at(names: &'t Names, tariffs: &'t Tariffs, at_us: Option<i64>) -> Self {
        let routes = names.routes().count();
        Self { names, tariffs, at_us, stretches: vec![None; routes], days: vec![None; routes] }
    }

    /// The price of one exchange at the instant it was sent; `None` if the table has none.
    pub(super) fn of(&mut self, row: &Row, usage: &Usage) -> Option<Priced<'t>> {
        self.in_force(row.route, row.sent_us)?.price(usage, row.tier())
    }

    /// The row that prices a route at an instant of sending.
    pub(super) fn in_force(&mut self, route: RouteId, sent_us: i64) -> Option<&'t TableRow> {
        let at_us = self.at_us.unwrap_or(sent_us);
        self.found(route, at_us).into_iter().flatten().next()
    }

    /// The rows that price a route at some time of the UTC day of its sending. Without a change of price in the day there
    /// is one.
    pub(super) fn of_day(&mut self, route: RouteId, sent_us: i64) -> &[&'t TableRow] {
        let at_us = self.at_us.unwrap_or(sent_us);
        let number = at_us.div_euclid(DAY_US);
        let known = |day: &Option<Day<'t>>| day.as_ref().is_some_and(|day| day.number == number);
        if !self.days.get(route.0 as usize).is_some_and(known) {
            let of_answered = self.found(route, at_us)[0].is_some();
            let found = self.names.route(route);
            let model = found.answered.filter(|_| of_answered).unwrap_or(found.model);
            let rows = self.tariffs.periods_of(found.provider, model, at_us);
            if let Some(day) = self.days.get_mut(route.0 as usize) {
                *day = Some(Day { number, rows });
            }
        }
        self.days.get(route.0 as usize).and_then(Option::as_ref).map_or(&[], |day| &day.rows)
    }

    fn found(&mut self, route: RouteId, at_us: i64) -> Found<'t> {
        let slot = self.stretches.get(route.0 as usize).copied().flatten();
        if let Some(stretch) = slot.filter(|stretch| (stretch.from_us..stretch.until_us).contains(&at_us)) {
            return stretch.found;
        }
        let stretch = find(self.names, self.tariffs, route, at_us);
        if let Some(slot) = self.stretches.get_mut(route.0 as usize) {
            *slot = Some(stretch);
        }
        stretch.found
    }
}

fn find<'t>(names: &Names, tariffs: &'t Tariffs, route: RouteId, at_us: i64) -> Stretch<'t> {
    let route = names.route(route);
    let of = |model: &str| tariffs.in_force(route.provider, model, at_us);
    let (answered, asked) = (route.answered.map(of), of(route.model));
    let until_us = answered.map_or(asked.until_us, |answered| answered.until_us.min(asked.until_us));
    Stretch { from_us: at_us, until_us, found: [answered.and_then(|answered| answered.row), asked.row] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Route;

    #[test]
    fn a_change_of_price_is_seen_to_the_microsecond_in_any_order() {
        let row = |price: &str, from: &str| {
            format!(
                "[[prices]]\nprovider = 'p'\nmodel = 'm'\nvalid_from = {from}\ninput = '{price}'\noutput = '{price}'\nsource = 's'\n"
            )
        };
        let head = "schema = 'weighbridge.tariffs/1'\ncurrency = 'USD'\nchecked = 1970-01-01\n";
        let (early, late) = (row("1", "1970-01-01T00:30:00Z"), row("2", "1970-01-01T03:59:59.999999Z"));
        let tariffs = Tariffs::parse(&format!("{head}{early}{late}")).unwrap();
        let mut names = Names::default();
        let route = names.intern_route(Route { provider: "p", model: "m", answered: Some("m-2026-01-01") });
        let mut prices = Prices::new(&names, &tariffs);
        let minute_us = 60_000_000;
        for at_us in [0, 29, 30, 31, 59, 60, 90, 120, 180, 239, 240, 30, 0].map(|minute| minute * minute_us) {
            for at_us in [at_us, at_us + minute_us - 1] {
                let expected = find(&names, &tariffs, route, at_us).found;
                assert_eq!(prices.found(route, at_us), expected, "{at_us}");
                assert_eq!(expected[0].is_some(), at_us >= 30 * minute_us, "{at_us}");
            }
        }
        assert_eq!(prices.found(route, 240 * minute_us - 1)[0].unwrap().rates.input_pico, 2_000_000);
        assert_eq!(prices.found(route, 240 * minute_us - 2)[0].unwrap().rates.input_pico, 1_000_000);
    }
}
