//! The only place of this crate that reads the wall clock.

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
