//! Rows of the price table by route, looked up once for an hour of traffic and not by name for each request.
//!
//! Periods of the day begin and end at whole hours. Within an hour, then, the rows that may be in force only become more,
//! and where the first and the last instant have the same row, so has every instant between them.

use crate::rows::{Names, RouteId, Row};
use wire::Usage;
use wire::price::{Priced, Row as TableRow, Tariffs, Tier};

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// In the order in which they are tried: the row of the model that answered, and of the one that was asked for.
type Found<'t> = [Option<&'t TableRow>; 2];

/// Prices of the requests that come next, which are most often of the same hour.
#[derive(Debug)]
pub(super) struct Prices<'t> {
    names: &'t Names,
    tariffs: &'t Tariffs,
    /// By route: an hour, and the rows that are in force in all of it.
    hours: Vec<Option<(i64, Found<'t>)>>,
}

impl<'t> Prices<'t> {
    pub(super) fn new(names: &'t Names, tariffs: &'t Tariffs) -> Self {
        Self { names, tariffs, hours: vec![None; names.routes().count()] }
    }

    /// The price of one exchange at the instant it was sent; `None` if the table has none.
    pub(super) fn of(&mut self, row: &Row, usage: &Usage) -> Option<Priced<'t>> {
        let found = self.found(row.route, row.sent_us);
        found.into_iter().flatten().find_map(|row| row.price(usage, Tier::Standard))
    }

    fn found(&mut self, route: RouteId, at_us: i64) -> Found<'t> {
        let hour = at_us.div_euclid(HOUR_US);
        let Some(slot) = self.hours.get_mut(route.0 as usize) else {
            return find(self.names, self.tariffs, route, at_us);
        };
        if let Some((_, found)) = slot.filter(|(known, _)| *known == hour) {
            return found;
        }
        let at = |at_us| find(self.names, self.tariffs, route, at_us);
        let from_us = hour.saturating_mul(HOUR_US);
        let (first, last) = (at(from_us), at(from_us.saturating_add(HOUR_US - 1)));
        let alike = first.iter().zip(&last).all(|(first, last)| match (first, last) {
            (Some(first), Some(last)) => std::ptr::eq(*first, *last),
            (None, None) => true,
            _ => false,
        });
        if !alike {
            return at(at_us);
        }
        *slot = Some((hour, first));
        first
    }
}

fn find<'t>(names: &Names, tariffs: &'t Tariffs, route: RouteId, at_us: i64) -> Found<'t> {
    let route = names.route(route);
    let of = |model: &str| tariffs.find(route.provider, model, at_us);
    [route.answered.and_then(of), of(route.model)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Route;

    #[test]
    fn an_hour_with_a_change_is_looked_up_for_each_request() {
        let head =
            "provider,model,period,input_usd_per_mtok,cached_usd_per_mtok,output_usd_per_mtok,valid_from,source\n";
        let table =
            format!("{head}p,m,any,1,1,1,1970-01-01T00:30:00Z,s\np,m,any,2,2,2,1970-01-01T03:59:59.999999Z,s\n");
        let tariffs = Tariffs::parse(&table).unwrap();
        let mut names = Names::default();
        let route = names.intern_route(Route { provider: "p", model: "m", answered: Some("m-2026-01-01") });
        let mut prices = Prices::new(&names, &tariffs);
        let minute_us = 60_000_000;
        for at_us in [0, 29, 30, 31, 59, 60, 90, 120, 180, 239, 240, 30, 0].map(|minute| minute * minute_us) {
            for at_us in [at_us, at_us + minute_us - 1] {
                let expected = find(&names, &tariffs, route, at_us);
                assert_eq!(prices.found(route, at_us), expected, "{at_us}");
                assert_eq!(expected[0].is_some(), at_us >= 30 * minute_us, "{at_us}");
            }
        }
        assert_eq!(prices.found(route, 240 * minute_us - 1)[0].unwrap().input_pico, 2_000_000);
        assert_eq!(prices.found(route, 240 * minute_us - 2)[0].unwrap().input_pico, 1_000_000);
    }
}
