//! Prepaid money while a mock runs: what is left, and what follows from it.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::answer::Usage;
use crate::profile::{Account, Price};

/// Parts of a millionth that prices per million tokens come to: a token costs a whole number of them.
const PICOS_PER_MICRO: u128 = 1_000_000;

/// The money of one mock.
#[derive(Debug)]
pub(crate) struct Purse {
    account: Account,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Paid in since the start, millionths.
    added_micros: u64,
    /// Spent since the start, millionths of a millionth.
    spent_picos: u128,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// Not more than so many requests at once.
    Low(u64),
    Empty,
}

impl Purse {
    pub(crate) fn new(account: Account) -> Self {
        Self { account, state: Mutex::new(State::default()) }
    }

    /// What a new request may do.
    pub(crate) fn standing(&self) -> Standing {
        let left = self.left_micros();
        match self.account.low_concurrency_max {
            _ if left == 0 => Standing::Empty,
            limit if limit > 0 && left < self.account.low_balance_micros => Standing::Low(limit),
            _ => Standing::Good,
        }
    }

    /// Pays for an answer. The last one may cost more than is left, as its price is only known at its end.
    pub(crate) fn charge(&self, model: &str, usage: &Usage, peak: bool) {
        let Some(price) = self.account.prices.get(model) else {
            return;
        };
        let percent = if peak { self.account.peak_percent } else { 100 };
        let picos = picos(*price, usage) * u128::from(percent) / 100;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.spent_picos = state.spent_picos.saturating_add(picos);
    }

    /// Pays money in, millionths.
    pub(crate) fn top_up(&self, micros: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.added_micros = state.added_micros.saturating_add(micros);
    }

    /// The balance as the provider tells it.
    pub(crate) fn balance(&self) -> Value {
        let left = self.left_micros();
        let spent = self.paid_in_micros().saturating_sub(left);
        let granted = self.account.granted_micros.saturating_sub(spent).min(left);
        balance(&self.account.currency, granted, left - granted)
    }

    fn paid_in_micros(&self) -> u64 {
        let added = self.state.lock().unwrap_or_else(PoisonError::into_inner).added_micros;
        self.account.topped_up_micros.saturating_add(self.account.granted_micros).saturating_add(added)
    }

    /// Begun millionths count as gone.
    fn left_micros(&self) -> u64 {
        let spent = self.state.lock().unwrap_or_else(PoisonError::into_inner).spent_picos.div_ceil(PICOS_PER_MICRO);
        self.paid_in_micros().saturating_sub(u64::try_from(spent).unwrap_or(u64::MAX))
    }
}

/// What an answer costs, millionths of a millionth.
fn picos(price: Price, usage: &Usage) -> u128 {
    let cost = |tokens: u64, micros: u64| u128::from(tokens) * u128::from(micros);
    cost(usage.cached, price.hit_micros)
        + cost(usage.prompt.saturating_sub(usage.cached), price.miss_micros)
        + cost(usage.completion, price.output_micros)
}

/// A balance in the provider's words: amounts are texts with two decimals, rounded down.
pub(crate) fn balance(currency: &str, granted_micros: u64, topped_up_micros: u64) -> Value {
    let text = |micros: u64| format!("{}.{:02}", micros / 1_000_000, micros / 10_000 % 100);
    let total = granted_micros.saturating_add(topped_up_micros);
    json!({
        "is_available": total > 0,
        "balance_infos": [{
            "currency": currency,
            "total_balance": text(total),
            "granted_balance": text(granted_micros),
            "topped_up_balance": text(topped_up_micros),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purse() -> Purse {
        let price = Price { hit_micros: 3_000, miss_micros: 150_000, output_micros: 600_000 };
        Purse::new(Account {
            currency: "USD".to_owned(),
            topped_up_micros: 1_000_000,
            granted_micros: 500_000,
            low_balance_micros: 600_000,
            low_concurrency_max: 39,
            peak_percent: 200,
            prices: [("m".to_owned(), price)].into(),
        })
    }

    fn million(kind: &str) -> Usage {
        match kind {
            "hit" => Usage { prompt: 1_000_000, cached: 1_000_000, ..Usage::default() },
            "miss" => Usage { prompt: 1_000_000, ..Usage::default() },
            _ => Usage { completion: 1_000_000, ..Usage::default() },
        }
    }

    #[test]
    fn money_goes_down_by_kind_of_token_and_by_hour() {
        let purse = purse();
        assert_eq!(purse.balance()["balance_infos"][0]["total_balance"], "1.50");
        purse.charge("m", &million("hit"), false);
        assert_eq!(purse.left_micros(), 1_497_000);
        purse.charge("m", &million("miss"), true);
        assert_eq!(purse.left_micros(), 1_197_000);
        assert_eq!(purse.standing(), Standing::Good);
        purse.charge("free", &million("output"), true);
        purse.charge("m", &million("output"), false);
        assert_eq!(purse.left_micros(), 597_000);
        assert_eq!(purse.standing(), Standing::Low(39));
        // The gift is spent before the money paid in.
        let infos = &purse.balance()["balance_infos"][0];
        assert_eq!((&infos["granted_balance"], &infos["topped_up_balance"]), (&json!("0.00"), &json!("0.59")));
    }

    #[test]
    fn an_empty_account_stays_empty_until_money_comes() {
        let purse = purse();
        purse.charge("m", &Usage { completion: u64::MAX, ..Usage::default() }, true);
        assert_eq!((purse.standing(), purse.left_micros()), (Standing::Empty, 0));
        assert_eq!(purse.balance()["is_available"], false);
        let small = self::purse();
        small.charge("m", &million("output"), true);
        small.charge("m", &million("output"), true);
        assert_eq!(small.standing(), Standing::Empty);
        small.top_up(2_000_000);
        assert_eq!(small.standing(), Standing::Good);
    }
}
