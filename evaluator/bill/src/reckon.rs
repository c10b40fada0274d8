//! From sums to the verdict's words: the counterfactual, the month, the hours, the cache.
//!
//! **The same traffic on the other arm.** What pairs know is added up as it is. A request without a copy is estimated by
//! the ratio of sums `R = sum y / sum x` (y the other arm's money, x the serving arm's) over the pairs of its kind, times
//! its own money, times the *clock*: what the pairs' tokens cost at the price list that the other arm had at that moment,
//! over what they were billed. The estimator is the separate ratio estimator of stratified samples (Cochran 1977, 6.10);
//! where a kind has fewer than [`PAIRS_MIN`] pairs, those of its model stand in, then those of its arm, and the stratum
//! says so.
//!
//! **Its interval.** The linearised error over random groups of conversations (see [`crate::traffic`]) is
//! `u_g = sum_s W_s (y_gs - R_s x_gs)` with `W_s` the strata's rest over their pairs' money, and
//! `V = G/(G-1) sum_g u_g^2 + sum_s W_s clock_s V_s + sum_s X_s^2 T_s`. The second term is the rest's own scatter about the
//! ratio; the third, of kinds that take a pooled ratio for their money X, is the variance of the pooled kinds' ratios about
//! it, because a pooled ratio is off by that much. The bounds are `+- t` with Kish's effective groups less one as degrees
//! of freedom.
//!
//! **A month.** The window's traffic is a sample of what comes: the mean over requests, by conversations, with the error of
//! the ratios added to each group, is scaled to a month's requests. The number of requests itself is taken as it is.

mod cache;
mod month;
mod predict;
mod whole;

pub use month::{MONTH_HOURS, Month, hour_of_week};
pub use predict::PAIRS_MIN;

use crate::money::exact;
use crate::traffic::{Slice, Traffic, WEEK_HOURS};
use judge::stats::special::t_upper_quantile;
use judge::verdict::{CacheTable, Counterfactual, Hour, Saving};
use predict::{Predicted, Side};
use whole::Whole;

/// One-sided level of either bound of a 95 % interval.
pub(crate) const ALPHA: f64 = 0.025;

const METHOD: &str = "Requests with a copy are added up; the others are estimated by ratios of sums over the pairs of \
                      their kind, at the other arm's prices of their own time; 95 % intervals by random groups of \
                      conversations.";

/// What the bill says of the traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Reckoning {
    /// The same traffic on the other arm.
    pub counterfactual: Counterfactual,
    /// By hour of the day.
    pub by_hour: Vec<Hour>,
    /// The month.
    pub saving_per_month: Option<Saving>,
    /// The cache.
    pub cache: Option<CacheTable>,
    /// What could not be said, one sentence each.
    pub notes: Vec<String>,
}

/// How a month is made of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// First sending, microseconds since the Unix epoch.
    pub from_us: i64,
    /// Last sending.
    pub to_us: i64,
    /// Requests a month, where somebody said so.
    pub month_requests: Option<f64>,
    /// A price that was used is another one at other hours of the week.
    pub prices_vary: bool,
}

/// Reckons the traffic of a window; `model` gives the names of the models' numbers.
#[must_use]
pub fn reckon(traffic: &Traffic, window: Window, model: &dyn Fn(datasets::Arm, u32) -> String) -> Reckoning {
    let totals = &traffic.totals;
    let predicted = Predicted::of(traffic, model);
    let mut notes = Vec::new();
    let both = predicted.baseline.as_ref().zip(predicted.candidate.as_ref());
    if both.is_none() && totals.requests > 0 {
        notes.push(
            "No pair tells what the other arm costs for requests without a copy: mirror some of the traffic first."
                .to_owned(),
        );
    }
    let sums = both.map(|(baseline, candidate)| Whole { traffic, baseline, candidate });
    let counterfactual = Counterfactual {
        requests: totals.requests,
        requests_paired: totals.paired,
        requests_estimated: totals.requests - totals.paired,
        requests_unknown: totals.unknown,
        requests_failed: totals.failed.saturating_sub(totals.stepped_in),
        as_served: exact(totals.as_served),
        estimated_amount: exact(totals.estimated),
        baseline: sums.as_ref().map(|sums| sums.baseline_total().amount()),
        candidate: sums.as_ref().map(|sums| sums.candidate_total().amount()),
        saving: sums.as_ref().map(|sums| sums.saving_total().amount()),
        strata: predicted.strata.clone(),
        method: METHOD.to_owned(),
    };
    let month = match Month::of(window, &traffic.hours) {
        Ok(month) => {
            notes.extend(month.remark(window.prices_vary && totals.requests > 0));
            Some(month)
        }
        Err(why) => {
            notes.extend((totals.requests > 0).then(|| why.to_owned()));
            None
        }
    };
    let saving = sums.as_ref().zip(month.as_ref()).map(|(sums, month)| sums.month(month, window.prices_vary));
    Reckoning {
        by_hour: by_hour(traffic, sums.as_ref()),
        cache: sums.as_ref().and_then(|sums| cache::table(sums, saving.as_ref().map(|saving| &saving.arms))),
        counterfactual,
        saving_per_month: saving.map(|saving| saving.said),
        notes,
    }
}

/// Student's t for so many effective groups; `None` for fewer than two.
pub(crate) fn t_quantile(effective: f64) -> Option<f64> {
    (effective >= 2.0).then(|| t_upper_quantile(ALPHA, effective - 1.0)).filter(|t| t.is_finite())
}

fn by_hour(traffic: &Traffic, sums: Option<&Whole<'_>>) -> Vec<Hour> {
    if traffic.totals.requests == 0 {
        return Vec::new();
    }
    let of_day = |hour: usize| (hour..WEEK_HOURS).step_by(24);
    (0..24usize)
        .map(|hour| {
            let slices: Vec<(usize, &Slice)> =
                of_day(hour).filter_map(|place| Some((place, traffic.hours.get(place)?))).collect();
            let requests: u64 = slices.iter().map(|(_, slice)| slice.requests).sum();
            let peak: u64 = slices.iter().map(|(_, slice)| slice.peak).sum();
            let money = |known: i128, side: &Side| {
                let more: f64 = slices.iter().filter_map(|(place, _)| side.hours.get(*place)).sum();
                exact(known.saturating_add(more.round() as i128))
            };
            let baseline = slices.iter().map(|(_, slice)| slice.baseline).sum();
            let candidate = slices.iter().map(|(_, slice)| slice.candidate).sum();
            Hour {
                hour: hour as u8,
                requests,
                baseline: sums.map(|sums| money(baseline, sums.baseline)),
                candidate: sums.map(|sums| money(candidate, sums.candidate)),
                peak_share: if requests == 0 { 0.0 } else { peak as f64 / requests as f64 },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
