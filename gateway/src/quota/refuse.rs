//! What clients get to see of limits: headers as OpenAI has them, and refusals in its shape.

use crate::problem::Problem;
use http::{HeaderName, HeaderValue, StatusCode, header};
use lease::quota::{Left, Refused, Unit, Window};
use wire::price::decimal;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Limit, remaining, reset.
const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Of requests and of tokens what the tightest limit leaves. Money has no header of this kind.
pub(super) fn headers(limits: impl Iterator<Item = (Unit, Left)>) -> Vec<(HeaderName, HeaderValue)> {
    let (mut requests, mut tokens): (Option<Left>, Option<Left>) = (None, None);
    for (unit, left) in limits {
        let tightest = match unit {
            Unit::Requests => &mut requests,
            Unit::InputTokens | Unit::OutputTokens | Unit::Tokens => &mut tokens,
            Unit::NanoDollars => continue,
        };
        if tightest.is_none_or(|tightest| left.left < tightest.left) {
            *tightest = Some(left);
        }
    }
    let mut headers = Vec::new();
    for (names, left) in [(REQUESTS, requests), (TOKENS, tokens)] {
        let Some(left) = left else { continue };
        let [limit, remaining, reset] = names;
        headers.push((limit, HeaderValue::from(left.amount)));
        headers.push((remaining, HeaderValue::from(left.left)));
        // A balance never comes back by itself.
        headers.extend(left.reset_us.and_then(|us| Some((reset, HeaderValue::from_str(&span(us)).ok()?))));
    }
    headers
}

/// A refusal: 429 that names the limit, and the wait if waiting helps.
pub(super) fn over(refused: &Refused) -> Problem {
    let Refused { limit, unit, window, amount, taken, asked, retry_after_us } = refused;
    let is_balance = *window == Window::Lifetime || *unit == Unit::NanoDollars;
    let (kind, code) = match unit {
        _ if is_balance => ("insufficient_quota", "insufficient_quota"),
        Unit::Requests => ("requests", "rate_limit_exceeded"),
        _ => ("tokens", "rate_limit_exceeded"),
    };
    let advice = match retry_after_us {
        Some(wait_us) => format!("Try again in {}.", span(*wait_us)),
        None if *window == Window::Lifetime && taken >= amount => "It has to be topped up.".to_owned(),
        None if asked > amount => {
            "One request may never use so much: make it smaller, or name a lower bound.".to_owned()
        }
        None => "It has to be topped up.".to_owned(),
    };
    let message = format!(
        "Limit {limit} reached: {} {}, {} used or set aside, {} asked for. {advice}",
        quantity(*unit, *amount),
        over_time(*window),
        quantity(*unit, *taken),
        quantity(*unit, *asked),
    );
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, kind, Some(code), message);
    if let Some(wait_us) = retry_after_us {
        let wait_ms = u64::try_from(wait_us.saturating_add(999) / 1000).unwrap_or(0);
        problem.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
        problem.headers.insert(RETRY_AFTER_MS, HeaderValue::from(wait_ms));
    }
    if is_balance || retry_after_us.is_none() {
        problem.headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    let left = Left { amount: *amount, left: amount.saturating_sub(*taken), reset_us: *retry_after_us };
    problem.headers.extend(headers(std::iter::once((*unit, left))));
    problem
}

/// A limit of money, and nobody knows what the request costs.
pub(super) fn unpriced(limit: &str, model: &str) -> Problem {
    let message =
        format!("limit {limit} is one of money, and the price of `{model}` in the tier asked for is not known here");
    Problem::new(StatusCode::FORBIDDEN, "insufficient_quota", Some("model_unpriced"), message)
}

fn quantity(unit: Unit, amount: u64) -> String {
    match unit {
        Unit::Requests => format!("{amount} requests"),
        Unit::InputTokens => format!("{amount} input tokens"),
        Unit::OutputTokens => format!("{amount} output tokens"),
        Unit::Tokens => format!("{amount} tokens"),
        Unit::NanoDollars => format!("{} USD", decimal(i64::try_from(amount).unwrap_or(i64::MAX), 6)),
    }
}

fn over_time(window: Window) -> String {
    match window {
        Window::Rolling { span_us } => format!("within {}", span(span_us)),
        Window::Calendar(period) => format!("a {}", period.name()),
        Window::Lifetime => "in all".to_owned(),
    }
}

/// A time as OpenAI writes it: `120ms`, `1s`, `1.5s`, `6m0s`, `2h0m0s`. Rounded up to the millisecond.
pub(super) fn span(us: i64) -> String {
    let ms = us.max(0).saturating_add(999) / 1000;
    let (seconds, rest) = (ms / 1000, ms % 1000);
    if seconds == 0 {
        return format!("{rest}ms");
    }
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}").trim_end_matches('0').to_owned() };
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}{fraction}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}{fraction}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lease::quota::Period;

    #[test]
    fn times_look_as_clients_know_them() {
        for (us, text) in [
            (0, "0ms"),
            (1, "1ms"),
            (120_000, "120ms"),
            (1_000_000, "1s"),
            (1_500_000, "1.5s"),
            (360_000_000, "6m0s"),
            (61_010_000, "1m1.01s"),
            (86_400_000_000, "24h0m0s"),
            (-5, "0ms"),
        ] {
            assert_eq!(span(us), text);
        }
    }

    fn refused(unit: Unit, window: Window, retry_after_us: Option<i64>) -> Problem {
        over(&Refused { limit: "team".into(), unit, window, amount: 100, taken: 90, asked: 20, retry_after_us })
    }

    fn header<'a>(problem: &'a Problem, name: &str) -> &'a str {
        problem.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn a_rate_says_when_to_come_back_and_a_balance_that_it_is_of_no_use() {
        let rate = refused(Unit::Tokens, Window::Calendar(Period::Minute), Some(1_000_001));
        assert_eq!(
            (rate.status.as_u16(), header(&rate, "retry-after"), header(&rate, "retry-after-ms")),
            (429, "2", "1001")
        );
        assert_eq!(header(&rate, "x-should-retry"), "");
        assert_eq!(
            (header(&rate, "x-ratelimit-remaining-tokens"), header(&rate, "x-ratelimit-limit-tokens")),
            ("10", "100")
        );
        let error = &rate.body.error;
        assert_eq!((error.kind.as_str(), error.code.as_deref()), ("tokens", Some("rate_limit_exceeded")));
        assert_eq!(
            error.message,
            "Limit team reached: 100 tokens a minute, 90 tokens used or set aside, 20 tokens asked for. Try again in 1.001s."
        );
        let money = refused(Unit::NanoDollars, Window::Rolling { span_us: 3_600_000_000 }, Some(5));
        assert_eq!((header(&money, "x-should-retry"), header(&money, "retry-after")), ("false", "1"));
        assert_eq!(money.body.error.code.as_deref(), Some("insufficient_quota"));
        assert!(money.body.error.message.contains("0.000000 USD within 1h0m0s"), "{}", money.body.error.message);
        let balance = refused(Unit::Tokens, Window::Lifetime, None);
        assert_eq!((header(&balance, "x-should-retry"), header(&balance, "retry-after")), ("false", ""));
        let large = refused(Unit::Requests, Window::Calendar(Period::Day), None);
        assert_eq!((large.body.error.kind.as_str(), header(&large, "x-should-retry")), ("requests", "false"));
    }

    #[test]
    fn the_tightest_limit_is_told() {
        let left = |amount, left, reset_us| Left { amount, left, reset_us };
        let told = headers(
            [
                (Unit::Tokens, left(1000, 900, Some(60_000_000))),
                (Unit::OutputTokens, left(5000, 10, None)),
                (Unit::NanoDollars, left(1, 0, None)),
                (Unit::Requests, left(7, 6, Some(1))),
            ]
            .into_iter(),
        );
        let told: Vec<_> = told.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(
            told,
            [
                ("x-ratelimit-limit-requests", "7"),
                ("x-ratelimit-remaining-requests", "6"),
                ("x-ratelimit-reset-requests", "1ms"),
                ("x-ratelimit-limit-tokens", "5000"),
                ("x-ratelimit-remaining-tokens", "10"),
            ]
        );
    }
}
