//! The whole traffic on either arm: what is known, and what is predicted of the rest.

use super::predict::{self, Side};
use super::{Month, t_quantile};
use crate::money::Estimate;
use crate::strata::CAN_WAIT;
use crate::traffic::{Slice, Totals, Traffic, WEEK_HOURS};
use judge::stats::cluster::Moments;
use judge::verdict::Saving;

/// Known and predicted.
pub(super) struct Whole<'a> {
    pub(super) traffic: &'a Traffic,
    pub(super) baseline: &'a Side,
    pub(super) candidate: &'a Side,
}

/// A month, as numbers and as words.
pub(super) struct MonthSaid {
    /// Nano-dollars of the baseline and of the candidate.
    pub(super) arms: [Estimate; 2],
    pub(super) said: Saving,
}

/// A sum over the arms: each with its sign, and when the candidate's requests are sent.
#[derive(Debug, Clone, Copy)]
struct Quantity {
    baseline: f64,
    candidate: f64,
    off_peak: bool,
}

const BASELINE: Quantity = Quantity { baseline: 1.0, candidate: 0.0, off_peak: false };
const CANDIDATE: Quantity = Quantity { baseline: 0.0, candidate: 1.0, off_peak: false };
const SAVING: Quantity = Quantity { baseline: 1.0, candidate: -1.0, off_peak: false };
const SAVING_OFF_PEAK: Quantity = Quantity { off_peak: true, ..SAVING };

impl Quantity {
    /// Of known and predicted money.
    fn of(self, slice: &Slice, baseline: f64, candidate: f64) -> f64 {
        let known = if self.off_peak { slice.off_peak } else { slice.candidate };
        self.baseline * (slice.baseline as f64 + baseline) + self.candidate * (known as f64 + candidate)
    }
}

impl Whole<'_> {
    pub(super) const fn totals(&self) -> &Totals {
        &self.traffic.totals
    }

    /// All of the traffic on the baseline, nano-dollars.
    pub(super) fn baseline_total(&self) -> Estimate {
        self.estimate(self.totals().baseline as f64 + self.baseline.value, BASELINE)
    }

    /// All of the traffic on the candidate.
    pub(super) fn candidate_total(&self) -> Estimate {
        self.estimate(self.totals().candidate.own as f64 + self.candidate.value, CANDIDATE)
    }

    /// The difference.
    pub(super) fn saving_total(&self) -> Estimate {
        let known = self.totals().baseline - self.totals().candidate.own;
        self.estimate(known as f64 + self.baseline.value - self.candidate.value, SAVING)
    }

    /// The interval of the predictions in a quantity over the same traffic.
    fn estimate(&self, value: f64, of: Quantity) -> Estimate {
        let sides = [(self.baseline, of.baseline), (self.candidate, of.candidate)];
        let sides: Vec<(&Side, f64)> =
            sides.into_iter().filter(|(side, sign)| side.requests > 0 && *sign != 0.0).collect();
        if sides.is_empty() {
            return Estimate::known(value);
        }
        let places = 0..self.traffic.groups.len();
        let summed = |part: &dyn Fn(&Side, f64, usize) -> Option<f64>| -> Vec<f64> {
            places.clone().map(|group| sides.iter().filter_map(|(side, sign)| part(side, *sign, group)).sum()).collect()
        };
        let errors = summed(&|side, sign, group| Some(sign * side.errors.get(group)?));
        let pairs = summed(&|side, _, group| side.pairs.get(group).copied());
        let noise: f64 = sides.iter().map(|(side, _)| side.noise + side.pooling).sum();
        let half = predict::squares(&errors, &pairs)
            .and_then(|squares| t_quantile(predict::kish(&pairs)).map(|t| t * (squares + noise).sqrt()));
        Estimate::around(value, half)
    }

    /// What a month saves; `varying`: prices differ between the hours of the week.
    pub(super) fn month(&self, month: &Month, varying: bool) -> MonthSaid {
        let totals = self.totals();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let unseen = varying && month.hours_seen < WEEK_HOURS;
        // An interval of what was seen would promise to hold what was not.
        let of_month = |of: Quantity| {
            let told = self.of_month(month, of);
            if unseen { Estimate::around(told.value, None) } else { told }
        };
        let arms = [of_month(BASELINE), of_month(CANDIDATE)];
        let said = Saving {
            requests: month.requests.round(),
            scaled_by: month.scaled_by.to_owned(),
            window_hours: month.window_hours,
            baseline: arms[0].amount(),
            candidate: arms[1].amount(),
            amount: of_month(SAVING).amount(),
            off_peak: of_month(SAVING_OFF_PEAK).amount(),
            can_wait_share: share(totals.waiting as f64, totals.requests as f64),
            can_wait_rule: CAN_WAIT.to_owned(),
            unknown_share: share(totals.unknown as f64, (totals.requests + totals.unknown) as f64),
            estimated_share: share(totals.estimated as f64, totals.as_served as f64),
        };
        MonthSaid { arms, said }
    }

    /// A quantity of a month: its value by hours of the week, its interval by the mean over requests in random groups, each
    /// with its share of the ratios' error.
    fn of_month(&self, month: &Month, of: Quantity) -> Estimate {
        let (baseline, candidate) = (self.baseline, self.candidate);
        let (of_groups, of_hours) = if of.off_peak {
            (&candidate.groups_off_peak, &candidate.hours_off_peak)
        } else {
            (&candidate.groups, &candidate.hours)
        };
        let at = |values: &[f64], place: usize| values.get(place).copied().unwrap_or(0.0);
        let hours = self.traffic.hours.iter().enumerate();
        let value = hours
            .map(|(hour, slice)| month.weight(hour) * of.of(slice, at(&baseline.hours, hour), at(of_hours, hour)))
            .sum();
        let groups = self.traffic.groups.iter().enumerate().filter(|(_, slice)| slice.requests > 0);
        let moments = Moments::of(groups.map(|(group, slice)| {
            let error = of.baseline * at(&baseline.errors, group) + of.candidate * at(&candidate.errors, group);
            let value = of.of(slice, at(&baseline.groups, group), at(of_groups, group));
            (value + error, slice.requests as f64)
        }));
        let requests = self.totals().requests as f64;
        let pooling = (of.baseline * of.baseline * baseline.pooling + of.candidate * of.candidate * candidate.pooling)
            / (requests * requests);
        let half = moments.variance().ok().zip(t_quantile(moments.kish()));
        Estimate::around(value, half.map(|(variance, t)| t * (variance + pooling).sqrt() * month.requests))
    }
}
