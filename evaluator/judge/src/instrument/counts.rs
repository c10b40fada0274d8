//! The instrument's counts add up like those of the evidence: in any order and any batching.

use std::collections::BTreeMap;

use super::rows;
use crate::verdict::{Count, Instrument, MirrorLength};

impl Instrument {
    /// Counts one request that should have been mirrored under the length of its prompt, in octaves: a power of two
    /// up to below the next one. `observed`: the candidate's outcome is on record. The totals `mirror_intended` and
    /// `mirror_observed` are counted apart, because lengths need not be known.
    pub fn count_mirrored(&mut self, prompt_chars: u64, observed: bool) {
        let from = prompt_chars.checked_ilog2().map_or(0, |octave| 1 << octave);
        add_length(
            &mut self.mirror_by_length,
            MirrorLength { prompt_chars_from: from, intended: 1, observed: u64::from(observed) },
        );
    }

    /// Adds the counts of another part of the same evidence. What the judge computes from counts is cleared, for it
    /// holds no longer; given alarms are kept, each once. Reject shares follow from the counted rows; where a part
    /// brings shares alone, those of the part whose arms are further apart stay, since shares cannot be added up.
    pub fn add_counts(&mut self, other: &Self) {
        let shares = self.further_apart(other);
        for (own, add) in [
            (&mut self.mirror_intended, other.mirror_intended),
            (&mut self.mirror_observed, other.mirror_observed),
            (&mut self.pairs, other.pairs),
            (&mut self.unknown_arms, other.unknown_arms),
            (&mut self.duplicates, other.duplicates),
            (&mut self.clock_skew_pairs, other.clock_skew_pairs),
            (&mut self.mixed_epochs, other.mixed_epochs),
            (&mut self.mixed_tariffs, other.mixed_tariffs),
            (&mut self.recorded_pairs, other.recorded_pairs),
            (&mut self.untimed_pairs, other.untimed_pairs),
            (&mut self.untimed_streamed_pairs, other.untimed_streamed_pairs),
        ] {
            *own = own.saturating_add(add);
        }
        for arm in 0..2 {
            self.rows[arm] = self.rows[arm].saturating_add(other.rows[arm]);
            self.rows_rejected[arm] = self.rows_rejected[arm].saturating_add(other.rows_rejected[arm]);
        }
        [self.reject_share_baseline, self.reject_share_candidate] = shares;
        [self.reject_share_baseline, self.reject_share_candidate] = rows::reject_shares(self);
        add_names(&mut self.unmatched, &other.unmatched);
        add_names(&mut self.rejected, &other.rejected);
        for length in &other.mirror_by_length {
            add_length(&mut self.mirror_by_length, *length);
        }
        if let Some(others) = &other.guard {
            self.guard.get_or_insert_default().add(others);
        }
        self.replay_degraded |= other.replay_degraded;
        self.alarms.extend(other.alarms.iter().cloned());
        self.alarms.sort_unstable();
        self.alarms.dedup();
        self.mirror_loss = None;
        self.mirror_length_p = None;
        self.srm_p = None;
        self.srm_e = None;
        self.srm_units = None;
        self.repeat = None;
    }

    /// Reject shares of the two parts: those that are further apart, the larger ones if both are alike.
    fn further_apart(&self, other: &Self) -> [f64; 2] {
        let key = |shares: [f64; 2]| (shares[1] - shares[0]).abs();
        let own = [self.reject_share_baseline, self.reject_share_candidate];
        let others = [other.reject_share_baseline, other.reject_share_candidate];
        // Ordered totally, so that the result does not depend on which of the two comes first; NaN is the furthest.
        let order = key(own).total_cmp(&key(others));
        let order = order.then(own[0].total_cmp(&others[0])).then(own[1].total_cmp(&others[1]));
        if order.is_ge() { own } else { others }
    }
}

fn add_length(own: &mut Vec<MirrorLength>, add: MirrorLength) {
    match own.binary_search_by_key(&add.prompt_chars_from, |length| length.prompt_chars_from) {
        Ok(at) => {
            own[at].intended = own[at].intended.saturating_add(add.intended);
            own[at].observed = own[at].observed.saturating_add(add.observed);
        }
        Err(at) => own.insert(at, add),
    }
}

/// Adds counts by name; the result is sorted by name.
fn add_names(own: &mut Vec<Count>, others: &[Count]) {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for Count { name, count } in own.drain(..).chain(others.iter().cloned()) {
        let sum = sums.entry(name).or_insert(0);
        *sum = sum.saturating_add(count);
    }
    own.extend(sums.into_iter().map(|(name, count)| Count { name, count }));
}
