//! The candidate's bill by how much of the prompts its cache knows.
//!
//! A provider's cache starts cold after a switch, and what the shadow saw of it may be less than the whole traffic would
//! (a copy of every fourth turn of a conversation finds less of it). Prices are linear in the cached tokens, so two bills
//! carry the whole table: one with nothing cached and one with everything.

use super::whole::Whole;
use crate::money::{Estimate, rounded};
use crate::sums::Tokens;
use judge::verdict::{CachePoint, CacheTable};

/// A cache that knows nearly everything.
const WARM: f64 = 0.9;

/// The table; `None` where the candidate has no prompt tokens.
pub(super) fn table(sums: &Whole<'_>, month: Option<&[Estimate; 2]>) -> Option<CacheTable> {
    let totals = sums.totals();
    let [baseline_rate, candidate_rate] = totals.tokens.each_ref().map(Tokens::hit_rate);
    // Without a single known leg of the candidate there is nothing to vary.
    let observed_rate = candidate_rate?;
    let cold = totals.candidate.cold as f64 + sums.candidate.cold;
    let warm = totals.candidate.warm as f64 + sums.candidate.warm;
    let (observed, baseline) = (sums.candidate_total().value, sums.baseline_total().value);
    let at = |rate: f64| cold + rate * (warm - cold);
    let point = |name: &str, hit_rate: f64, candidate: f64| CachePoint {
        name: name.to_owned(),
        hit_rate,
        candidate: rounded(candidate),
        saving: rounded(baseline - candidate),
        saving_per_month: month
            .filter(|_| observed > 0.0)
            .map(|month| rounded(month[0].value - month[1].value * (candidate / observed))),
    };
    let mut rows = vec![point("cold", 0.0, cold), point("observed", observed_rate, observed)];
    rows.extend(baseline_rate.map(|rate| point("baseline", rate, at(rate))));
    rows.push(point("warm", WARM, at(WARM)));
    let break_even = Some((baseline - cold) / (warm - cold)).filter(|rate| (0.0..=1.0).contains(rate));
    let reading = match break_even {
        Some(rate) => format!(
            "Both arms cost the same at a hit rate of {:.1} %; below it the candidate is {}.",
            rate * 100.0,
            if cold > warm { "dearer" } else { "cheaper" }
        ),
        None if cold.max(warm) < baseline => "The candidate is cheaper at any hit rate.".to_owned(),
        None if cold.min(warm) > baseline => "The candidate is dearer at any hit rate.".to_owned(),
        None => "The hit rate makes no difference.".to_owned(),
    };
    Some(CacheTable { baseline_hit_rate: baseline_rate, candidate_hit_rate: candidate_rate, rows, break_even, reading })
}
