//! One migration from the first mirrored request to its end, by the judge's verdicts and the rule of the next weight.

use serde::Serialize;

use super::ledger::{Ledger, Traffic};
use super::world::World;
use crate::policy::Policy;
use crate::verdict::{Decision, State};
use crate::{Judged, judge};

/// How a migration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The candidate serves everything.
    Promoted,
    /// It was taken back.
    RolledBack,
    /// Neither before the horizon.
    Open,
}

/// One simulated migration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ramp {
    /// How it ended.
    pub end: End,
    /// When, minutes from the start; the horizon if it did not.
    pub minute: u32,
    /// Failures that the candidate caused beyond the baseline's until the horizon: its requests times the true excess.
    /// What follows a promotion counts, to the horizon.
    pub extra_failures: f64,
    /// Cost of the mirrored requests, units of the currency.
    pub shadow_cost: f64,
    /// What the candidate's served requests cost more than they would have cost on the baseline until the end of the
    /// migration; below 0 if they were cheaper.
    pub served_extra_cost: f64,
    /// Pairs.
    pub pairs: u64,
    /// Requests that the candidate served before the end.
    pub candidate_requests: u64,
    /// Guardrail, or other reason, that took it back.
    pub stopped_by: Option<String>,
    /// Candidate weight in force at each look, percent.
    pub weights_percent: Vec<f32>,
}

/// The account of one migration.
#[derive(Debug)]
pub(super) struct Account {
    ramp: Ramp,
}

impl Account {
    pub(super) fn new(world: &World<'_>) -> Self {
        let ramp = Ramp {
            end: End::Open,
            minute: world.scenario.time.horizon_hours * 60,
            extra_failures: 0.0,
            shadow_cost: 0.0,
            served_extra_cost: 0.0,
            pairs: 0,
            candidate_requests: 0,
            stopped_by: None,
            weights_percent: Vec::with_capacity(world.scenario.ticks() as usize),
        };
        Self { ramp }
    }

    /// Books the traffic of a tick.
    pub(super) fn book(&mut self, world: &World<'_>, minute: u32, weight_percent: f64, traffic: Traffic) {
        self.book_part(world, minute, weight_percent, traffic, true);
    }

    /// Books a part of a tick; `first`: it begins the tick, so that its weight is noted.
    pub(super) fn book_part(
        &mut self,
        world: &World<'_>,
        minute: u32,
        weight_percent: f64,
        traffic: Traffic,
        first: bool,
    ) {
        let excess = world.excess(minute, weight_percent);
        let ramp = &mut self.ramp;
        if first {
            ramp.weights_percent.push(weight_percent as f32);
        }
        ramp.extra_failures += traffic.candidate as f64 * excess.failures;
        ramp.shadow_cost += traffic.pairs as f64 * excess.candidate_cost;
        ramp.served_extra_cost += traffic.candidate as f64 * (excess.candidate_cost - excess.baseline_cost);
        ramp.pairs += traffic.pairs;
        ramp.candidate_requests += traffic.candidate;
    }

    /// Taken back at a minute: the candidate serves on until the way back is done.
    pub(super) fn rolled_back(mut self, world: &World<'_>, minute: u32, weight_percent: f64, why: String) -> Ramp {
        for late in minute..minute + world.scenario.time.rollback_minutes {
            let excess = world.excess(late, weight_percent);
            let served = world.scenario.requests_per_minute(late) * weight_percent / 100.0;
            self.ramp.extra_failures += served * excess.failures;
            self.ramp.served_extra_cost += served * (excess.candidate_cost - excess.baseline_cost);
        }
        self.ramp.stopped_by = Some(why);
        self.ended(world, End::RolledBack, minute, 0.0)
    }

    /// Promoted at a minute: from there on everything is the candidate's, to the horizon.
    pub(super) fn promoted(mut self, world: &World<'_>, minute: u32) -> Ramp {
        for late in minute..world.scenario.time.horizon_hours * 60 {
            self.ramp.extra_failures += world.scenario.requests_per_minute(late) * world.excess(late, 100.0).failures;
        }
        self.ended(world, End::Promoted, minute, 100.0)
    }

    fn ended(mut self, world: &World<'_>, end: End, minute: u32, weight_percent: f32) -> Ramp {
        self.ramp.end = end;
        self.ramp.minute = minute;
        self.ramp.weights_percent.resize(world.scenario.ticks() as usize, weight_percent);
        self.ramp
    }

    /// Neither promoted nor taken back.
    pub(super) fn open(self) -> Ramp {
        self.ramp
    }
}

/// A migration by the judge: a look every tick, a NO-GO takes it back, the weight falls at once and rises when the rung has
/// lasted a step.
pub(super) fn judged(world: &mut World<'_>, policy: &Policy) -> Ramp {
    let time = world.scenario.time;
    let mut ledger = Ledger::new(world);
    let mut account = Account::new(world);
    let (mut weight, mut changed_at) = (0.0, 0);
    for look in 0..world.scenario.ticks() {
        let minute = look * time.check_minutes;
        let traffic = ledger.tick(world, minute, weight);
        account.book(world, minute, weight, traffic);
        let now = minute + time.check_minutes;
        let seen = judge(&ledger.evidence, policy);
        if seen.verdict == Decision::NoGo {
            return account.rolled_back(world, now, weight, culprit(&seen));
        }
        let next = seen.next_weight_percent;
        let soaked = if weight > 0.0 {
            now - changed_at >= time.step_minutes
        } else {
            ledger.evidence.instrument.pairs >= world.scenario.shadow.pairs
        };
        if next < weight || (next > weight && soaked) {
            if next >= 100.0 {
                return account.promoted(world, now);
            }
            weight = next;
            changed_at = now;
            ledger.next_epoch(weight > 0.0);
        }
    }
    account.open()
}

/// What made a verdict NO-GO: the first guardrail that failed or cannot pass any more, else the hard stop.
fn culprit(judged: &Judged) -> String {
    let with = |state: State| judged.guardrails.iter().find(|guardrail| guardrail.state == state);
    let named = |guardrail: &crate::verdict::Guardrail, word: &str| format!("{}{word}", guardrail.metric);
    with(State::Fail)
        .map(|guardrail| named(guardrail, ""))
        .or_else(|| with(State::Futile).map(|guardrail| named(guardrail, " (futile)")))
        .unwrap_or_else(|| "hard stop".to_owned())
}
