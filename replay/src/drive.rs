//! The dispatcher: one loop that starts each request when it is due.
//!
//! On an open-loop schedule nothing that happens to earlier requests delays a later one. The only bound is the number
//! in flight, and at the bound a request is counted as dropped: holding it back would hide the overload that the
//! replay is there to show. A closed loop waits for a free place by definition.
//!
//! The loop only spawns. Sending, reading, digests and files belong to the tasks and the collector, so that the timer
//! is looked at again at once. Timers have a resolution of a millisecond; everything due by then starts together.

use crate::schedule::Schedule;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Starts between two looks at other tasks in a burst.
const BURST: u64 = 64;

/// Bounds of a drive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) in_flight_max: usize,
    /// Wait for answers after the last start.
    pub(crate) drain: Duration,
    /// Nothing starts later than this; open-loop schedules are cut beforehand.
    pub(crate) duration: Option<Duration>,
}

/// What the dispatcher did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Driven {
    pub(crate) started: u64,
    pub(crate) dropped: u64,
    /// The caller ended it before the schedule did.
    pub(crate) cancelled: bool,
}

/// Called by the dispatcher for each drop, so that progress can show it.
pub(crate) type OnDrop<'a> = &'a (dyn Fn() + Sync);

struct Dispatcher<'a, J> {
    tasks: JoinSet<()>,
    places: Arc<Semaphore>,
    driven: Driven,
    origin: Instant,
    cancel: &'a CancellationToken,
    job: J,
}

/// Runs `job(row, planned_us)` for each row of the schedule, then waits for those in flight, at most the drain time.
/// On cancellation what is in flight is given up at once.
pub(crate) async fn drive<J, F>(
    schedule: &Schedule,
    rows: usize,
    limits: Limits,
    origin: Instant,
    cancel: &CancellationToken,
    on_drop: OnDrop<'_>,
    job: J,
) -> Driven
where
    J: Fn(usize, u64) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let places = match schedule {
        Schedule::Open(_) => limits.in_flight_max,
        Schedule::Closed { connections } => *connections as usize,
    };
    let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
    let mut dispatcher = Dispatcher { tasks: JoinSet::new(), places, driven: Driven::default(), origin, cancel, job };
    sleep_until(origin).await;
    match schedule {
        Schedule::Open(due) => dispatcher.open(due, on_drop).await,
        Schedule::Closed { .. } => dispatcher.closed(rows, limits.duration).await,
    }
    dispatcher.drain(limits.drain).await
}

impl<J, F> Dispatcher<'_, J>
where
    J: Fn(usize, u64) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    async fn open(&mut self, due: &[u64], on_drop: OnDrop<'_>) {
        for (row, planned_us) in due.iter().enumerate() {
            if crate::micros(self.origin.elapsed()) < *planned_us {
                self.reap();
                tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => {}
                    () = sleep_until(self.origin + Duration::from_micros(*planned_us)) => {}
                }
            }
            if self.cancel.is_cancelled() {
                self.driven.cancelled = true;
                return;
            }
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => self.start(row, *planned_us, place).await,
                Err(_) => {
                    self.driven.dropped += 1;
                    on_drop();
                }
            }
        }
    }

    async fn closed(&mut self, rows: usize, duration: Option<Duration>) {
        let end = duration.map(|duration| self.origin + duration);
        for row in 0..rows {
            self.reap();
            let place = tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    self.driven.cancelled = true;
                    return;
                }
                () = until(end) => return,
                place = Arc::clone(&self.places).acquire_owned() => place,
            };
            let Ok(place) = place else { return };
            let planned_us = crate::micros(self.origin.elapsed());
            self.start(row, planned_us, place).await;
        }
    }

    async fn start(&mut self, row: usize, planned_us: u64, place: tokio::sync::OwnedSemaphorePermit) {
        let work = (self.job)(row, planned_us);
        self.tasks.spawn(async move {
            work.await;
            drop(place);
        });
        self.driven.started += 1;
        if self.driven.started.is_multiple_of(BURST) {
            tokio::task::yield_now().await;
        }
    }

    /// Forgets tasks that have ended, so that memory follows what is in flight.
    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }

    async fn drain(mut self, limit: Duration) -> Driven {
        let end = Instant::now() + limit;
        while !self.driven.cancelled {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => self.driven.cancelled = true,
                () = sleep_until(end) => break,
                ended = self.tasks.join_next() => if ended.is_none() { break },
            }
        }
        self.tasks.shutdown().await;
        self.driven
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LIMITS: Limits = Limits { in_flight_max: 4096, drain: Duration::from_secs(30), duration: None };

    #[derive(Default)]
    struct Seen {
        /// Row, planned, started.
        starts: Mutex<Vec<(usize, u64, u64)>>,
        now: AtomicUsize,
        most: AtomicUsize,
        finished: AtomicUsize,
    }

    /// Drives jobs that last `work_ms(row)` on the paused clock.
    async fn check(
        schedule: &Schedule,
        rows: usize,
        limits: Limits,
        cancel: &CancellationToken,
        work_ms: fn(usize) -> u64,
    ) -> (Driven, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        let origin = Instant::now();
        let driven = drive(schedule, rows, limits, origin, cancel, &|| {}, |row, planned_us| {
            let seen = Arc::clone(&seen);
            async move {
                seen.starts.lock().unwrap().push((row, planned_us, crate::micros(origin.elapsed())));
                seen.most.fetch_max(seen.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(work_ms(row))).await;
                seen.now.fetch_sub(1, Ordering::SeqCst);
                seen.finished.fetch_add(1, Ordering::SeqCst);
            }
        })
        .await;
        (driven, seen)
    }

    #[tokio::test(start_paused = true)]
    async fn open_loop_sends_on_time_however_slow_the_answers_are() {
        let schedule = Schedule::plan("100/s".parse().unwrap(), &[0; 500], 0);
        let (driven, seen) = check(&schedule, 500, LIMITS, &CancellationToken::new(), |_| 20_000).await;
        assert_eq!((driven.started, driven.dropped), (500, 0));
        assert_eq!(seen.finished.load(Ordering::SeqCst), 500);
        for (row, planned, started) in seen.starts.lock().unwrap().iter() {
            assert_eq!(*planned, *row as u64 * 10_000);
            // The timer's resolution, and no drift: the last request is as punctual as the first.
            assert!(*started >= *planned && *started - *planned <= 1_000, "row {row}: {planned} {started}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_bound_requests_are_dropped_and_the_rest_stays_on_time() {
        let schedule = Schedule::plan("100/s".parse().unwrap(), &[0; 100], 0);
        let limits = Limits { in_flight_max: 10, ..LIMITS };
        let (driven, seen) = check(&schedule, 100, limits, &CancellationToken::new(), |_| 400).await;
        assert_eq!(driven.started + driven.dropped, 100);
        // Each place serves one request in 400 ms: ten of every forty.
        assert!((25..=30).contains(&driven.started), "{driven:?}");
        assert_eq!(seen.most.load(Ordering::SeqCst), 10);
        assert!(seen.starts.lock().unwrap().iter().all(|(_, planned, started)| started - planned <= 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_keeps_its_places_filled_and_never_exceeds_them() {
        let schedule = Schedule::Closed { connections: 7 };
        let (driven, seen) = check(&schedule, 200, LIMITS, &CancellationToken::new(), |row| 10 + row as u64 % 13).await;
        assert_eq!((driven.started, driven.dropped), (200, 0));
        assert_eq!(seen.most.load(Ordering::SeqCst), 7);
        assert_eq!(seen.finished.load(Ordering::SeqCst), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_ends_with_its_duration() {
        let limits = Limits { duration: Some(Duration::from_secs(1)), ..LIMITS };
        let schedule = Schedule::Closed { connections: 2 };
        let (driven, seen) = check(&schedule, 1000, limits, &CancellationToken::new(), |_| 100).await;
        assert!((18..=22).contains(&driven.started), "{driven:?}");
        assert_eq!(seen.finished.load(Ordering::SeqCst) as u64, driven.started);
        assert!(!driven.cancelled);
    }

    #[tokio::test(start_paused = true)]
    async fn the_drain_is_bounded() {
        let schedule = Schedule::Open(vec![0, 0, 1_000]);
        let limits = Limits { drain: Duration::from_secs(5), ..LIMITS };
        let before = Instant::now();
        let (driven, seen) =
            check(&schedule, 3, limits, &CancellationToken::new(), |row| [10, 3_600_000, 10][row]).await;
        assert_eq!((driven.started, seen.finished.load(Ordering::SeqCst)), (3, 2));
        assert!(before.elapsed() <= Duration::from_millis(5_100), "{:?}", before.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_at_once_and_keeps_the_counts() {
        let schedule = Schedule::plan("10/s".parse().unwrap(), &[0; 1000], 0);
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(930)).await;
            stop.cancel();
        });
        let before = Instant::now();
        let (driven, seen) = check(&schedule, 1000, LIMITS, &cancel, |_| 450).await;
        assert!(driven.cancelled);
        assert_eq!((driven.started, seen.finished.load(Ordering::SeqCst)), (10, 5));
        assert!(before.elapsed() < Duration::from_secs(1));
    }
}
