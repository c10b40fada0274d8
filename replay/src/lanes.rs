//! A closed loop: so many lanes, each of which sends its next request when its last answer has ended.
//!
//! The lanes take rows from the supply themselves. Nobody stands between the end of an answer and the next request, so
//! the rate is what the target can do and not what a dispatcher can.

use crate::agenda::{Agenda, Due};
use crate::drive::{Crew, Done, Driven, drain};
use crate::sessions::SessionMode;
use crate::supply::Taken;
use crate::worker::Sender;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;
use tokio::sync::Notify;

/// What the lanes share.
struct Lanes {
    crew: Arc<Crew>,
    agenda: Mutex<Agenda>,
    /// Told when a turn has ended that others may wait for.
    finished: Notify,
    started: AtomicU64,
    /// Lanes that have not ended.
    open: AtomicU64,
    /// Nothing more is to be sent.
    over: AtomicBool,
    out_of_money: AtomicBool,
    /// Waits for the lanes to end.
    owner: Thread,
}

/// What a lane does next.
enum Step {
    Send(Due),
    /// Look again when something has happened, or at this instant.
    Wait(Option<u64>),
    End,
}

/// Sends all rows over so many lanes, then waits for those in flight, at most the drain time.
pub(crate) fn run(crew: &Arc<Crew>, agenda: Agenda, connections: u32) -> Driven {
    let lanes = Arc::new(Lanes {
        crew: Arc::clone(crew),
        agenda: Mutex::new(agenda),
        finished: Notify::new(),
        started: AtomicU64::new(0),
        open: AtomicU64::new(u64::from(connections)),
        over: AtomicBool::new(false),
        out_of_money: AtomicBool::new(false),
        owner: std::thread::current(),
    });
    for _ in 0..connections {
        let lanes = Arc::clone(&lanes);
        crew.workers.spawn(|sender| async move { lanes.lane(&sender).await });
    }
    let mut cancelled = false;
    while !lanes.over.load(Ordering::Acquire) && !cancelled && crew.clock.now_us() < crew.end_us() {
        std::thread::park_timeout(Duration::from_millis(5));
        cancelled = crew.stop.is_asked();
    }
    lanes.over.store(true, Ordering::Release);
    crew.supply.close();
    let in_flight = || lanes.open.load(Ordering::Acquire);
    let in_flight_at_end = in_flight();
    let drain_us = drain(crew, || in_flight() == 0);
    let agenda = lanes.agenda();
    Driven {
        in_flight_at_end,
        drain_us,
        started: lanes.started.load(Ordering::Acquire),
        delayed: agenda.delayed(),
        cancelled,
        out_of_money: lanes.out_of_money.load(Ordering::Acquire),
        ..Driven::new(crew.limits.warm_up)
    }
}

impl Lanes {
    async fn lane(&self, sender: &Sender) {
        while let Some(Due { planned_us, job }) = self.next().await {
            if !self.crew.budget.admit(job.estimate_nanos) {
                self.out_of_money.store(true, Ordering::Release);
                break;
            }
            self.started.fetch_add(1, Ordering::AcqRel);
            let on_send = |sent_us: u64| self.crew.board.sent(sent_us.saturating_sub(planned_us));
            let received = sender.exchange(&job.item, planned_us, on_send).await;
            if self.crew.sessions != SessionMode::Independent {
                self.agenda().finished(job.ticket, self.crew.clock.now_us());
                self.finished.notify_waiters();
            }
            if self.crew.results.send(Done { job, received }).await.is_err() {
                break;
            }
        }
        self.over.store(true, Ordering::Release);
        self.finished.notify_waiters();
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.owner.unpark();
    }

    async fn next(&self) -> Option<Due> {
        loop {
            // Asked for before the look, so that nothing in between is missed.
            let (more, finished) = (self.crew.supply.more(), self.finished.notified());
            let at_us = match self.step() {
                Step::Send(due) => return Some(due),
                Step::End => return None,
                Step::Wait(at_us) => at_us.unwrap_or(u64::MAX).min(self.crew.end_us()),
            };
            tokio::select! {
                () = more => {}
                () = finished => {}
                () = self.crew.stop.asked() => return None,
                () = self.until(at_us) => {}
            }
        }
    }

    fn step(&self) -> Step {
        let now_us = self.crew.clock.now_us();
        if self.over.load(Ordering::Acquire) || now_us >= self.crew.end_us() {
            return Step::End;
        }
        let mut agenda = self.agenda();
        loop {
            if let Some(due) = agenda.take(now_us) {
                return Step::Send(due);
            }
            if !agenda.may_hold() {
                return Step::Wait(agenda.due_us());
            }
            match self.crew.supply.take() {
                Taken::Job(mut job) => {
                    job.turn.due_us = now_us;
                    // There is room: it was asked for above.
                    drop(agenda.arrive(job, now_us));
                }
                Taken::Ended if agenda.is_empty() => return Step::End,
                Taken::Ended | Taken::Empty => return Step::Wait(agenda.due_us()),
            }
        }
    }

    async fn until(&self, at_us: u64) {
        if at_us == u64::MAX {
            return std::future::pending().await;
        }
        tokio::time::sleep_until((self.crew.clock.origin + Duration::from_micros(at_us)).into()).await;
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
