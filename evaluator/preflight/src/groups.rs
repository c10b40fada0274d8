//! Requests by consumer and model. A log may name any number of both, so only the first 1000 pairs are told apart; the rest
//! is one group of its own.

use crate::document::{Group, Totals};
use crate::text;
use std::collections::{BTreeMap, HashMap};
use wire::provider::Effect;

/// Groups that are told apart.
const GROUPS_MAX: usize = 1000;
/// Features of one group that are named.
const WORST_MAX: usize = 5;

/// What one request adds to its group.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate<'f> {
    /// Judged; whether a loss is harmless; and the features that have this effect.
    Judged(Effect, bool, &'f [&'static str]),
    Outside,
    NoRequest,
}

#[derive(Debug, Default)]
struct Sums {
    totals: Totals,
    worst: BTreeMap<&'static str, u64>,
}

impl Sums {
    fn add(&mut self, fate: Fate<'_>) {
        match fate {
            Fate::Outside => self.totals.outside += 1,
            Fate::NoRequest => self.totals.not_requests += 1,
            Fate::Judged(effect, harmless, features) => {
                self.totals.add(effect, harmless);
                if effect >= Effect::Loses {
                    for feature in features {
                        *self.worst.entry(feature).or_default() += 1;
                    }
                }
            }
        }
    }

    fn group(self, consumer: Option<String>, model: String, other: bool) -> Group {
        let mut worst: Vec<(String, u64)> =
            self.worst.into_iter().map(|(feature, count)| (feature.to_owned(), count)).collect();
        worst.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        worst.truncate(WORST_MAX);
        Group { consumer, model, other, totals: self.totals, worst }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: HashMap<(Option<String>, String), Sums>,
    other: Sums,
}

impl Groups {
    pub(crate) fn add(&mut self, consumer: Option<&str>, model: &str, fate: Fate<'_>) {
        let key = (consumer.map(text::name), text::name(model));
        let sums = if self.groups.len() < GROUPS_MAX {
            self.groups.entry(key).or_default()
        } else {
            self.groups.get_mut(&key).unwrap_or(&mut self.other)
        };
        sums.add(fate);
    }

    /// All groups, those with the most failures first, then with the most losses.
    pub(crate) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> =
            self.groups.into_iter().map(|((consumer, model), sums)| sums.group(consumer, model, false)).collect();
        if self.other.totals.all() > 0 {
            groups.push(self.other.group(None, "other".to_owned(), true));
        }
        let rank = |group: &Group| {
            let Totals { fails, loses, .. } = group.totals;
            std::cmp::Reverse((fails, loses, group.totals.all()))
        };
        groups.sort_by(|a, b| {
            rank(a).cmp(&rank(b)).then_with(|| (&a.model, &a.consumer, a.other).cmp(&(&b.model, &b.consumer, b.other)))
        });
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_stands_first_and_no_log_fills_the_memory() {
        let mut groups = Groups::default();
        groups.add(Some("calm"), "m", Fate::Judged(Effect::Same, false, &[]));
        groups.add(Some("bad"), "m", Fate::Judged(Effect::Fails, false, &["n>1", "audio"]));
        groups.add(Some("bad"), "m", Fate::Judged(Effect::Fails, false, &["audio"]));
        groups.add(None, "m", Fate::Judged(Effect::Loses, false, &["seed"]));
        for number in 0..5000 {
            groups.add(Some(&format!("c{number}")), "m", Fate::Outside);
        }
        groups.add(Some("bad"), "m", Fate::NoRequest);
        let groups = groups.finish();
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!(groups[0].consumer.as_deref(), Some("bad"));
        assert_eq!(groups[0].worst, [("audio".to_owned(), 2), ("n>1".to_owned(), 1)]);
        assert_eq!(groups[0].totals.not_requests, 1, "a group that is there stays there beyond the bound");
        assert_eq!((groups[1].consumer.as_deref(), groups[1].totals.loses), (None, 1));
        assert!(groups[2].other && groups[2].totals.outside == 5000 - (GROUPS_MAX as u64 - 3));
        assert_eq!(groups.iter().map(|group| group.totals.all()).sum::<u64>(), 5005);
    }
}
