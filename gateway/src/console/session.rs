//! Who has logged in to the console. Pure: secrets and times are arguments.
//!
//! A session is a secret of 256 bits that the browser keeps in a cookie and that this process keeps as its SHA-256: whoever
//! reads its memory learns nothing that opens. Sessions live in memory, so a restart ends them all, and with it the
//! only way to change the admin token. They are bounded; the oldest goes first.

use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// How long a session lasts, seconds.
pub(super) const LIFE_SECONDS: i64 = 12 * 3600;
/// Sessions beyond which the oldest one ends.
pub(super) const SESSIONS_MAX: usize = 256;

/// What is kept of a session's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; 32]);

impl SessionId {
    /// Of a secret as the cookie carries it.
    fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// When each ends, microseconds since the Unix epoch.
    ends_us: HashMap<SessionId, i64>,
    /// In the order in which they began.
    order: VecDeque<SessionId>,
}

impl Sessions {
    /// Begins a session with this secret and returns the cookie's value.
    pub(super) fn begin(&mut self, secret: [u8; 32], now_us: i64) -> String {
        let value = datasets::digest::hex(&secret);
        let id = SessionId::of(value.as_bytes());
        let ends_us = &mut self.ends_us;
        self.order.retain(|id| ends_us.get(id).is_some_and(|ends_us| *ends_us > now_us));
        ends_us.retain(|_, ends_us| *ends_us > now_us);
        while self.order.len() >= SESSIONS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                ends_us.remove(&oldest);
            }
        }
        ends_us.insert(id, now_us.saturating_add(LIFE_SECONDS * 1_000_000));
        self.order.push_back(id);
        value
    }

    /// The session of a cookie, and when it ends, if it lasts.
    pub(super) fn find(&self, cookie: &[u8], now_us: i64) -> Option<(SessionId, i64)> {
        // Looked up by digest: how long that takes says nothing about any secret.
        let id = SessionId::of(cookie);
        self.ends_us_of(id, now_us).map(|ends_us| (id, ends_us))
    }

    /// When a session ends, if it lasts.
    pub(super) fn ends_us_of(&self, id: SessionId, now_us: i64) -> Option<i64> {
        self.ends_us.get(&id).copied().filter(|ends_us| *ends_us > now_us)
    }

    /// Ends a session.
    pub(super) fn end(&mut self, cookie: &[u8]) {
        let id = SessionId::of(cookie);
        self.ends_us.remove(&id);
        self.order.retain(|other| *other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE_US: i64 = LIFE_SECONDS * 1_000_000;

    fn secret(number: usize) -> [u8; 32] {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&number.to_be_bytes());
        secret
    }

    #[test]
    fn a_session_opens_until_it_ends() {
        let mut sessions = Sessions::default();
        let cookie = sessions.begin(secret(1), 1000);
        assert_eq!(cookie.len(), 64);
        assert_eq!(sessions.find(cookie.as_bytes(), 1000 + LIFE_US - 1).map(|found| found.1), Some(1000 + LIFE_US));
        assert_eq!(sessions.find(cookie.as_bytes(), 1000 + LIFE_US), None, "over");
        assert_eq!(sessions.find(b"", 1000), None);
        assert_eq!(sessions.find(&cookie.as_bytes()[..63], 1000), None);
        sessions.end(cookie.as_bytes());
        assert_eq!(sessions.find(cookie.as_bytes(), 1001), None, "logged out");
    }

    #[test]
    fn the_oldest_goes_and_what_is_over_makes_room_first() {
        let mut sessions = Sessions::default();
        let cookies: Vec<String> = (0..=SESSIONS_MAX).map(|number| sessions.begin(secret(number), 0)).collect();
        let lasts =
            |sessions: &Sessions, place: usize, now_us| sessions.find(cookies[place].as_bytes(), now_us).is_some();
        assert!(!lasts(&sessions, 0, 1) && lasts(&sessions, 1, 1) && lasts(&sessions, SESSIONS_MAX, 1));
        sessions.begin(secret(1000), LIFE_US);
        assert_eq!((sessions.order.len(), sessions.ends_us.len()), (1, 1));
    }

    #[test]
    fn what_is_kept_is_not_what_opens() {
        let mut sessions = Sessions::default();
        let cookie = sessions.begin(secret(7), 0);
        assert!(!format!("{sessions:?}").contains(&cookie));
        assert!(!format!("{sessions:?}").contains("0, 0, 0, 0, 0, 0, 0, 7, 0, 0"));
    }
}
