//! Which models are told apart, and which model of the other arm a request would go to.

use crate::pair::Pair;
use crate::rows::{NameId, Names, RouteId, Rows};
use ::bill::traffic::MODELS_MAX;
use datasets::{Arm, Role};
use std::collections::BTreeMap;

/// What is known of the models before the walk; by number of the route.
#[derive(Debug, Default)]
pub(super) struct Models {
    arms: [OfArm; 2],
}

#[derive(Debug, Default)]
struct OfArm {
    /// Number of the route's model; [`MODELS_MAX`] for those that are not told apart.
    numbers: Vec<u32>,
    /// The models that are.
    names: Vec<NameId>,
    /// The other arm's route in the newest pair of the same model, else in the newest pair.
    counterparts: Vec<Option<RouteId>>,
    newest: Option<RouteId>,
    /// There are requests that this arm served and that are in no pair.
    alone: bool,
}

impl Models {
    /// Of rows, of those that only cost money, and of the pairs that count as evidence.
    pub(super) fn of(rows: &Rows, fallbacks: bool, pairs: &[Pair<'_>]) -> Self {
        let routes = rows.names().routes().count();
        let mut counts = [vec![0u64; routes], vec![0u64; routes]];
        let mut requests = [0u64; 2];
        for row in rows.all() {
            let arm = usize::from(row.arm == Arm::Candidate);
            if let Some(count) = counts[arm].get_mut(row.route.0 as usize) {
                *count += 1;
            }
            requests[arm] += u64::from(matches!(row.role, Role::Served | Role::Replayed));
        }
        let mut paired = [0u64; 2];
        let mut models = Self { arms: counts.map(|counts| OfArm::of(&counts, rows.names())) };
        for pair in pairs {
            let legs = [pair.baseline, pair.candidate];
            // Failed ones are estimated like those without a copy.
            let answered = legs.iter().all(|leg| !leg.failed() && leg.usage().is_some());
            for (arm, (leg, other)) in [(legs[0], legs[1]), (legs[1], legs[0])].into_iter().enumerate() {
                models.arms[arm].see(leg.route, other.route);
                let served = matches!(leg.role, Role::Served | Role::Replayed);
                paired[arm] += u64::from(served && answered);
            }
        }
        let arms = models.arms.iter_mut().zip(requests.into_iter().zip(paired));
        for (arm, (requests, paired)) in arms {
            arm.alone = requests > paired;
        }
        models.arms[0].alone |= fallbacks;
        models.arms.iter_mut().for_each(|arm| arm.spread(rows.names()));
        models
    }

    /// The model's number of a row of an arm.
    pub(super) fn number(&self, arm: Arm, route: RouteId) -> u32 {
        self.arm(arm).numbers.get(route.0 as usize).copied().unwrap_or(MODELS_MAX)
    }

    /// The name of a model's number.
    pub(super) fn name(&self, arm: Arm, number: u32, names: &Names) -> String {
        let name = self.arm(arm).names.get(number as usize);
        name.map_or_else(|| "other".to_owned(), |name| names.text(*name).to_owned())
    }

    /// Where the other arm would send what this arm's route served.
    pub(super) fn counterpart(&self, arm: Arm, route: RouteId) -> Option<RouteId> {
        let arm = self.arm(arm);
        arm.counterparts.get(route.0 as usize).copied().flatten().or(arm.newest)
    }

    /// Whether there may be requests that this arm served alone, so that pairs have to teach what the other one costs.
    pub(super) fn alone(&self, arm: Arm) -> bool {
        self.arm(arm).alone
    }

    fn arm(&self, arm: Arm) -> &OfArm {
        match arm {
            Arm::Baseline => &self.arms[0],
            Arm::Candidate => &self.arms[1],
        }
    }
}

impl OfArm {
    /// The most frequent models get the numbers; of equally frequent ones those that come first by name.
    fn of(counts: &[u64], names: &Names) -> Self {
        let mut by_model: BTreeMap<NameId, u64> = BTreeMap::new();
        for ((route, _), count) in names.routes().zip(counts).filter(|(_, count)| **count > 0) {
            if let Some(model) = names.model(route) {
                *by_model.entry(model).or_default() += count;
            }
        }
        let mut models: Vec<(NameId, u64)> = by_model.into_iter().collect();
        models.sort_by_key(|(model, count)| (std::cmp::Reverse(*count), *model));
        let kept: Vec<NameId> = models.into_iter().take(MODELS_MAX as usize).map(|(model, _)| model).collect();
        let number = |route: RouteId| {
            let model = names.model(route)?;
            kept.iter().position(|kept| *kept == model)
        };
        let numbers =
            names.routes().map(|(route, _)| number(route).map_or(MODELS_MAX, |number| number as u32)).collect();
        Self { numbers, names: kept, counterparts: vec![None; counts.len()], ..Self::default() }
    }

    fn see(&mut self, route: RouteId, other: RouteId) {
        self.newest = Some(other);
        if let Some(counterpart) = self.counterparts.get_mut(route.0 as usize) {
            *counterpart = Some(other);
        }
    }

    /// A model that answered under several names has several routes; those without a pair take another one's counterpart.
    fn spread(&mut self, names: &Names) {
        let mut by_model: BTreeMap<Option<NameId>, RouteId> = BTreeMap::new();
        for ((route, _), counterpart) in names.routes().zip(&self.counterparts) {
            if let Some(counterpart) = counterpart {
                by_model.insert(names.model(route), *counterpart);
            }
        }
        for ((route, _), counterpart) in names.routes().zip(&mut self.counterparts) {
            *counterpart = counterpart.or_else(|| by_model.get(&names.model(route)).copied());
        }
    }
}
