//! Is the guard itself sound? A guard that is dead finds nothing, which looks like safety; so does one that looks at one
//! arm only, from the other side.
//!
//! Three things are asked. Whether back ends gave their verdicts, at each arm. Whether in each pair the guard saw both
//! answers or neither. And whether of served answers it saw as many at one arm as at the other: these are other requests,
//! so a difference of shares is held against the limit. An answer counts as one to be judged where the guard looked at
//! another one of the same kind (the pair's other half; the same consumer, hour and epoch), because a policy may well
//! leave consumers alone, and answers without text have nothing to look at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{part, percent};
use crate::verdict::Count;
use crate::words;

/// Failures that are told apart, at most.
const FAILURES_MAX: usize = 20;
/// Name of the failures beyond these.
const OTHERS: &str = "others";

/// What the guard looked at, and what it could not judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardHealth {
    /// At the baseline.
    pub baseline: GuardArm,
    /// At the candidate.
    pub candidate: GuardArm,
    /// Pairs in which both arms answered and the guard looked at one answer at least.
    pub pairs: u64,
    /// Those of them in which it looked at the baseline's answer alone.
    pub pairs_only_baseline: u64,
    /// Those of them in which it looked at the candidate's answer alone.
    pub pairs_only_candidate: u64,
}

/// The guard at one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardArm {
    /// Exchanges of which the guard looked at a side, or should have looked at the answer.
    pub exchanges: u64,
    /// Answers that it looked at and judged whole.
    pub judged: u64,
    /// Exchanges for which some back end gave no verdict.
    pub failed: u64,
    /// The failures by back end and cause (`llama:timeout`), most frequent first, ties by name.
    pub failures: Vec<Count>,
    /// Requests that it judged whole.
    pub requests: u64,
    /// Those of them that it flagged.
    pub requests_flagged: u64,
    /// Served answers to be judged that are in no pair.
    pub served: u64,
    /// Those of them that it did not look at.
    pub served_unseen: u64,
}

impl GuardArm {
    /// Counts failures of one back end and cause.
    pub fn fail(&mut self, name: &str, count: u64) {
        add_failures(&mut self.failures, &[Count { name: name.to_owned(), count }]);
    }

    fn add(&mut self, other: &Self) {
        for (own, add) in [
            (&mut self.exchanges, other.exchanges),
            (&mut self.judged, other.judged),
            (&mut self.failed, other.failed),
            (&mut self.requests, other.requests),
            (&mut self.requests_flagged, other.requests_flagged),
            (&mut self.served, other.served),
            (&mut self.served_unseen, other.served_unseen),
        ] {
            *own = own.saturating_add(add);
        }
        add_failures(&mut self.failures, &other.failures);
    }
}

impl GuardHealth {
    /// Adds what the guard looked at in other records.
    pub fn add(&mut self, other: &Self) {
        self.baseline.add(&other.baseline);
        self.candidate.add(&other.candidate);
        self.pairs = self.pairs.saturating_add(other.pairs);
        self.pairs_only_baseline = self.pairs_only_baseline.saturating_add(other.pairs_only_baseline);
        self.pairs_only_candidate = self.pairs_only_candidate.saturating_add(other.pairs_only_candidate);
    }
}

/// Adds failures by name and orders them; those beyond the bound become one.
fn add_failures(own: &mut Vec<Count>, others: &[Count]) {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for Count { name, count } in own.drain(..).chain(others.iter().cloned()) {
        let sum = sums.entry(name).or_insert(0);
        *sum = sum.saturating_add(count);
    }
    let mut rest = sums.remove(OTHERS).unwrap_or(0);
    own.extend(sums.into_iter().map(|(name, count)| Count { name, count }));
    own.sort_by(|a, b| b.count.cmp(&a.count).then(a.name.cmp(&b.name)));
    for beyond in own.split_off(own.len().min(FAILURES_MAX)) {
        rest = rest.saturating_add(beyond.count);
    }
    if rest > 0 {
        own.push(Count { name: OTHERS.to_owned(), count: rest });
    }
}

/// What holds the verdict, at a limit in percent.
pub(super) fn alarms(health: &GuardHealth, limit: f64) -> Vec<String> {
    let arms = [("baseline", &health.baseline), ("candidate", &health.candidate)];
    let mut alarms: Vec<String> = arms.iter().filter_map(|(name, arm)| failing(name, arm, limit)).collect();
    let sides =
        [("baseline", "candidate", health.pairs_only_baseline), ("candidate", "baseline", health.pairs_only_candidate)];
    alarms.extend(sides.into_iter().filter_map(|(seen, unseen, alone)| one_sided(health, seen, unseen, alone, limit)));
    alarms.extend(apart(health, limit));
    alarms
}

fn failing(name: &str, arm: &GuardArm, limit: f64) -> Option<String> {
    let worst = || {
        let named = arm.failures.iter().map(|failure| format!("{} ({})", failure.name, words::count(failure.count)));
        named.take(2).collect::<Vec<_>>().join(", ")
    };
    (percent(arm.failed, arm.exchanges) > limit).then(|| {
        format!(
            "The guard could not judge {} of the {name}'s exchanges (limit {}), most often because of {}; what was not judged is \
             not known to be safe, so see to that back end and evaluate records from after.",
            part(arm.failed, arm.exchanges),
            words::percent(limit),
            worst()
        )
    })
}

fn one_sided(health: &GuardHealth, seen: &str, unseen: &str, alone: u64, limit: f64) -> Option<String> {
    (percent(alone, health.pairs) > limit).then(|| {
        format!(
            "In {} pairs the guard looked at the {seen}'s answer and not at the {unseen}'s (limit {}), of which nothing is \
             known then; let the same guard look at both arms.",
            part(alone, health.pairs),
            words::percent(limit)
        )
    })
}

/// Served answers that are in no pair: the shares that nobody looked at.
fn apart(health: &GuardHealth, limit: f64) -> Option<String> {
    let (baseline, candidate) = (&health.baseline, &health.candidate);
    if baseline.served == 0 || candidate.served == 0 {
        return None;
    }
    let share = |arm: &GuardArm| percent(arm.served_unseen, arm.served);
    let (of_baseline, of_candidate) = (share(baseline), share(candidate));
    ((of_baseline - of_candidate).abs() > limit).then(|| {
        let left_out = |arm: &GuardArm| part(arm.served_unseen, arm.served);
        format!(
            "The guard left out {} of the candidate's served answers and {} of the baseline's (limit: {} points apart); let the \
             same guard look at both arms.",
            left_out(candidate),
            left_out(baseline),
            limit
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(exchanges: u64, failed: u64) -> GuardArm {
        let mut arm = GuardArm { exchanges, failed, judged: exchanges - failed, ..GuardArm::default() };
        if failed > 0 {
            arm.fail("llama:timeout", failed);
        }
        arm
    }

    #[test]
    fn failures_alarm_above_their_limit_and_name_arm_back_end_and_share() {
        let health =
            |failed| GuardHealth { baseline: arm(1000, 0), candidate: arm(1000, failed), ..GuardHealth::default() };
        assert!(alarms(&health(10), 1.0).is_empty());
        let told = alarms(&health(11), 1.0);
        assert_eq!(told.len(), 1);
        for word in ["candidate", "llama:timeout (11)", "11 of 1 000 (1.10 %)", "limit 1 %"] {
            assert!(told[0].contains(word), "{} lacks {word}", told[0]);
        }
    }

    #[test]
    fn a_guard_that_sees_one_arm_only_alarms_and_one_that_sees_neither_does_not() {
        let mut health = GuardHealth { pairs: 200, pairs_only_baseline: 200, ..GuardHealth::default() };
        assert!(alarms(&health, 1.0)[0].contains("looked at the baseline's answer and not at the candidate's"));
        (health.pairs_only_baseline, health.pairs_only_candidate) = (2, 3);
        assert_eq!(alarms(&health, 1.0).len(), 1);
        assert!(alarms(&health, 1.0)[0].contains("not at the baseline's"));
        assert!(alarms(&GuardHealth::default(), 0.0).is_empty());
    }

    #[test]
    fn served_answers_are_compared_by_their_shares() {
        let served = |served, served_unseen| GuardArm { served, served_unseen, ..GuardArm::default() };
        let health = |baseline, candidate| GuardHealth { baseline, candidate, ..GuardHealth::default() };
        assert!(alarms(&health(served(1000, 300), served(100, 30)), 1.0).is_empty(), "alike at both arms");
        assert_eq!(alarms(&health(served(1000, 0), served(100, 100)), 1.0).len(), 1);
        assert!(alarms(&health(served(1000, 0), served(0, 0)), 1.0).is_empty(), "nothing served");
    }

    #[test]
    fn failures_add_up_and_are_bounded() {
        let mut one = GuardArm::default();
        (0..100).for_each(|index| one.fail(&format!("b{index:03}:busy"), 1 + index));
        assert_eq!((one.failures.len(), one.failures[0].name.as_str()), (FAILURES_MAX + 1, "b099:busy"));
        assert_eq!(one.failures.iter().map(|failure| failure.count).sum::<u64>(), 5050);
        let mut both = GuardHealth { baseline: one.clone(), ..GuardHealth::default() };
        both.add(&GuardHealth { baseline: one, ..GuardHealth::default() });
        assert_eq!(both.baseline.failures[0].count, 200);
    }
}
