//! How many requests of one unit go into blocks.

/// Requests of one unit that go into blocks within an hour, or within 4 096 requests where those come sooner. Eight failures in a row multiply a wealth by some 250 at
/// most, spread over 40 bets; an alarm needs a hundred.
pub const UNIT_REQUESTS_MAX: u8 = 8;

/// Places. Units that meet in one share its bound, which costs evidence and nothing else; with one request a place on
/// average, eight seldom meet.
const PLACES: usize = 4096;

/// Counts of this hour, by digest of the unit.
#[derive(Debug, Clone)]
pub(super) struct Units {
    hour: i64,
    taken: usize,
    most: u8,
    counts: Vec<u8>,
}

impl Units {
    pub(super) fn new(replicas: u32) -> Self {
        let share = u32::from(UNIT_REQUESTS_MAX) / replicas.max(1);
        Self { hour: i64::MIN, taken: 0, most: u8::try_from(share).unwrap_or(1).max(1), counts: vec![0; PLACES] }
    }

    /// Whether one more request of this unit may go into a block.
    pub(super) fn take(&mut self, unit: u64, hour: i64) -> bool {
        if hour > self.hour || self.taken >= PLACES {
            self.hour = self.hour.max(hour);
            self.taken = 0;
            self.counts.fill(0);
        }
        let Some(count) = self.counts.get_mut(unit as usize % PLACES) else { return false };
        let room = *count < self.most;
        *count += u8::from(room);
        self.taken += usize::from(room);
        room
    }
}
