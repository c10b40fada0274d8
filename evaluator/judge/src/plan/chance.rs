//! The chance that a guardrail has passed after so much traffic.
//!
//! With information I there, and d0 observed of it, a truly equal candidate's estimate at a larger information J is normal
//! around `d0 I / J` with variance `(J - I) / J^2`, and the guardrail passes if it is further below the margin than the
//! sequence is wide:
//!
//! ```text
//! P(J) = Phi((distance - width(J) - d0 I / J) J / sqrt(J - I))
//! ```
//!
//! That is the chance at one look; looking on only helps, so that a plan errs on the side of caution. The chances of all
//! guardrails are multiplied: they are told by different counts of the same requests, which makes them nearly independent,
//! and where they are not, a joint pass is likelier than the product.

use super::variance::Effect;
use crate::stats::sequence;
use crate::stats::special::{normal_quantile, normal_upper_tail};

/// Traffic beyond which nothing is planned, requests.
const MOST: f64 = 1e13;
/// Steps of the search for a number of requests.
const STEPS: u32 = 80;

/// One guardrail against the traffic of a stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Passes already.
    pub(super) passed: bool,
    /// What is known of the effect; `None` for those that clean observations decide.
    pub(super) effect: Option<Effect>,
    /// Pairs' worth of information in one request of the traffic.
    pub(super) pairs_per_request: f64,
    /// Requests without which it cannot pass, whatever they say.
    pub(super) at_least: f64,
    /// Level of the bound, and accepted chance to miss with the planned information.
    pub(super) levels: (f64, f64),
    /// The bound is for one look.
    pub(super) one_look: bool,
}

impl Need {
    /// Chance to have passed after so many requests.
    pub(super) fn chance(&self, requests: f64) -> f64 {
        if self.passed && requests >= self.at_least {
            return 1.0;
        }
        if requests < self.at_least {
            return 0.0;
        }
        let Some(effect) = self.effect else { return 1.0 };
        let (there, more) = (effect.n / effect.pair, requests * self.pairs_per_request / effect.pair);
        let all = there + more;
        let Some(width) = self.width(all, effect.distance) else { return 0.0 };
        let room = effect.distance - width - effect.observed * there / all;
        if more <= 0.0 {
            return if room > 0.0 { 1.0 } else { 0.0 };
        }
        1.0 - normal_upper_tail(room * all / more.sqrt())
    }

    fn width(&self, information: f64, distance: f64) -> Option<f64> {
        let (alpha, beta) = self.levels;
        if self.one_look {
            return Some(normal_quantile(1.0 - alpha) / information.sqrt());
        }
        let planned = sequence::planned_information(distance, alpha, beta).ok()?;
        sequence::half_width(information, planned, alpha).ok()
    }
}

/// Requests after which all have passed with a chance of one half; `None` if that is beyond any traffic.
pub(super) fn median(needs: &[Need]) -> Option<f64> {
    let even = |requests: f64| needs.iter().map(|need| need.chance(requests)).product::<f64>() >= 0.5;
    if even(0.0) {
        return Some(0.0);
    }
    if !even(MOST) {
        return None;
    }
    let (mut before, mut after) = (0.0_f64, MOST.ln());
    for _ in 0..STEPS {
        let middle = f64::midpoint(before, after);
        if even(middle.exp()) { after = middle } else { before = middle }
    }
    Some(after.exp())
}

#[cfg(test)]
mod tests {
    use super::super::variance::Served;
    use super::*;

    fn need(distance: f64, n: f64, observed: f64) -> Need {
        let effect = Effect { pair: 0.0198, served: Served::Never, distance, observed, events: 1.0, n };
        Need {
            passed: false,
            effect: Some(effect),
            pairs_per_request: 1.0,
            at_least: 0.0,
            levels: (0.05, 0.1),
            one_look: false,
        }
    }

    #[test]
    fn errors_of_one_percent_take_what_the_design_says() {
        // The design's simulation: a median of 5500 pairs, looked at every 500; a plan keeps within a fifth of it.
        let pairs = median(&[need(0.005, 1.0, 0.0)]).unwrap();
        assert!((4400.0..6600.0).contains(&pairs), "{pairs}");
        // Two of them take longer than one, and nothing is needed once both have passed.
        assert!(median(&[need(0.005, 1.0, 0.0); 2]).unwrap() > 1.05 * pairs);
        assert_eq!(median(&[Need { passed: true, ..need(0.005, 1.0, 0.0) }]), Some(0.0));
    }

    #[test]
    fn what_was_seen_counts() {
        let unlucky = median(&[need(0.005, 2000.0, 0.003)]).unwrap();
        let lucky = median(&[need(0.005, 2000.0, -0.003)]).unwrap();
        assert!(lucky < unlucky, "{lucky} {unlucky}");
    }
}
