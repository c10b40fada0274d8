//! What the gateway's guard said, summed up.

use super::{GROUPS_MAX, OTHERS};
use crate::{GuardCheck, Guarded};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the guard said of a group's records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GuardSums {
    /// Requests that it looked at.
    pub requests: Judged,
    /// Answers that it looked at.
    pub answers: Judged,
    /// Categories that were found in answers.
    pub categories: BTreeMap<String, u64>,
    /// Back ends that gave no verdict, with the cause, of either side.
    pub failures: BTreeMap<String, u64>,
}

/// Texts that the guard looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// All of them.
    pub seen: u64,
    /// Judged by every back end, and flagged, masked or blocked.
    pub flagged: u64,
    /// Not judged by every back end.
    pub failed: u64,
}

impl Judged {
    fn add(&mut self, check: &GuardCheck) {
        self.seen += 1;
        self.flagged += u64::from(check.is_flag());
        self.failed += u64::from(!check.is_whole());
    }
}

impl GuardSums {
    pub(super) fn add(&mut self, guard: &Guarded) {
        if let Some(check) = &guard.request {
            self.requests.add(check);
        }
        if let Some(check) = &guard.response {
            self.answers.add(check);
            check.categories.iter().for_each(|name| count(&mut self.categories, name));
        }
        let checks = [&guard.request, &guard.response].into_iter().flatten();
        checks.flat_map(|check| &check.failed).for_each(|name| count(&mut self.failures, name));
    }
}

/// Names come from the file, so their number has a bound.
fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name = if counts.len() < GROUPS_MAX || counts.contains_key(name) { name } else { OTHERS };
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GuardAction;

    #[test]
    fn sides_are_kept_apart_and_names_bounded() {
        let mut sums = GuardSums::default();
        for index in 0..1_000 {
            let flag = GuardCheck {
                action: GuardAction::Masked,
                categories: vec![format!("c{index}")],
                ..GuardCheck::default()
            };
            let dead = GuardCheck { failed: vec!["words:busy".to_owned()], ..GuardCheck::default() };
            sums.add(&Guarded { request: Some(dead), response: (index % 2 == 0).then_some(flag) });
        }
        assert_eq!(sums.requests, Judged { seen: 1_000, flagged: 0, failed: 1_000 });
        assert_eq!(sums.answers, Judged { seen: 500, flagged: 500, failed: 0 });
        assert_eq!(sums.failures, BTreeMap::from([("words:busy".to_owned(), 1_000)]));
        assert_eq!((sums.categories.len(), sums.categories[OTHERS]), (GROUPS_MAX + 1, 400));
    }
}
