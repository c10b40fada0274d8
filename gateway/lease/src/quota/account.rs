//! One account: what was taken of one limit for one subject.

use std::collections::VecDeque;

/// What was taken, by slot of the window. What is set aside and what is used are one number here: until a call ends, what
/// is set aside for it counts as used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Slot and amount, slots growing.
    slots: VecDeque<(i64, u64)>,
    taken: u64,
    /// Part of what was ever taken that belongs to calls under way.
    reserved: u64,
    /// What was added to the limit's own amount, or taken off it.
    topped: i64,
}

impl Account {
    /// One that stood in a snapshot. Calls under way follow by [`Account::reopen`].
    pub(super) fn restored(slots: Vec<(i64, u64)>, topped: i64) -> Self {
        let mut account = Self { topped, ..Self::default() };
        for (slot, amount) in slots {
            account.take(slot, amount);
        }
        account
    }

    /// What counts in the window, of calls under way and ended ones.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// What is set aside for calls under way, also for those that began before the window.
    #[must_use]
    pub const fn reserved(&self) -> u64 {
        self.reserved
    }

    /// What was added to the limit's own amount, or taken off it.
    #[must_use]
    pub const fn topped(&self) -> i64 {
        self.topped
    }

    /// Slots that count and what was taken in them.
    pub fn slots(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.slots.iter().copied()
    }

    /// What a limit of this amount leaves.
    #[must_use]
    pub fn left(&self, amount: u64) -> u64 {
        let left = i128::from(amount) + i128::from(self.topped) - i128::from(self.taken);
        u64::try_from(left.max(0)).unwrap_or(u64::MAX)
    }

    /// Forgets slots that no longer count.
    pub(super) fn retire(&mut self, oldest: i64) {
        while let Some((_, amount)) = self.slots.pop_front_if(|(slot, _)| *slot < oldest) {
            self.taken = self.taken.saturating_sub(amount);
        }
    }

    /// Takes without asking. Returns the slot: a clock set back does not open an older one.
    pub(super) fn take(&mut self, slot: i64, amount: u64) -> i64 {
        self.taken = self.taken.saturating_add(amount);
        match self.slots.back_mut() {
            Some((last, taken)) if *last >= slot => {
                *taken = taken.saturating_add(amount);
                *last
            }
            _ => {
                self.slots.push_back((slot, amount));
                slot
            }
        }
    }

    /// A call under way has taken this.
    pub(super) const fn reopen(&mut self, amount: u64) {
        self.reserved = self.reserved.saturating_add(amount);
    }

    /// A call under way has ended or was given up; what it took stays taken.
    pub(super) const fn close(&mut self, amount: u64) {
        self.reserved = self.reserved.saturating_sub(amount);
    }

    /// Puts the actual amount in the place of the one that was taken; nothing, if the slot no longer counts.
    pub(super) fn replace(&mut self, slot: i64, before: u64, after: u64) {
        let Ok(place) = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) else { return };
        let Some((_, amount)) = self.slots.get_mut(place) else { return };
        *amount = amount.saturating_sub(before).saturating_add(after);
        self.taken = self.taken.saturating_sub(before).saturating_add(after);
    }

    pub(super) const fn set_topped(&mut self, topped: i64) {
        self.topped = topped;
    }

    /// It says no more than one that was never used.
    pub(super) fn is_blank(&self) -> bool {
        self.taken == 0 && self.reserved == 0 && self.topped == 0
    }
}
