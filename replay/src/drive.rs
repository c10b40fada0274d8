//! The dispatcher: a thread that starts each request when it is due.
//!
//! On an open-loop schedule nothing that happens to earlier requests delays a later one. The only bound is the number
//! in flight, and at the bound a request is counted as dropped: holding it back would hide the overload that the
//! replay is there to show. A closed loop ([`lanes`](crate::lanes)) waits for a free place by definition.
//!
//! The thread does nothing but wait and start. It sleeps until shortly before an instant and spends the rest awake,
//! because a runtime's timers have a resolution of a millisecond and a sleep may end a twentieth of one late.

use crate::agenda::{Agenda, Due};
use crate::board::Board;
use crate::budget::Budget;
use crate::measure::Clock;
use crate::options::ReplayOptions;
use crate::plan::Job;
use crate::sessions::SessionMode;
use crate::stop::Stop;
use crate::summary::Tally;
use crate::supply::{Supply, Taken};
use crate::worker::Received;
use crate::workers::Workers;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// Longest sleep before the dispatcher looks around, for example whether it shall stop.
const NAP: Duration = Duration::from_millis(20);
/// This long before an instant it stops sleeping: what a sleep is late by.
const AWAKE_US: u64 = 60;

/// Bounds of a drive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) in_flight_max: usize,
    /// Wait for answers after the last start.
    pub(crate) drain: Duration,
    /// Nothing starts later than this.
    pub(crate) duration: Option<Duration>,
    pub(crate) warm_up: Duration,
}

impl Limits {
    pub(crate) const fn of(options: &ReplayOptions) -> Self {
        Self {
            in_flight_max: options.in_flight_max,
            drain: options.drain,
            duration: options.duration,
            warm_up: options.warm_up,
        }
    }
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) started: u64,
    /// Not sent because too many were in flight.
    pub(crate) dropped: u64,
    /// Not sent because too many waited for earlier turns of their sessions.
    pub(crate) dropped_waiting: u64,
    /// Sent late because the previous answer was.
    pub(crate) delayed: u64,
    /// The caller ended it before the log did.
    pub(crate) cancelled: bool,
    /// The money did.
    pub(crate) out_of_money: bool,
    /// The log is at its end, and turns that waited for an answer were given up.
    pub(crate) gave_up_waiting: bool,
    /// The drops on the time line.
    pub(crate) tally: Tally,
    /// First and last planned instant of what was sent or dropped.
    pub(crate) planned_us: Option<(u64, u64)>,
    /// In flight when the last request had been sent.
    pub(crate) in_flight_at_end: u64,
    /// How long their answers were waited for.
    pub(crate) drain_us: u64,
}

impl Driven {
    pub(crate) fn new(warm_up: Duration) -> Self {
        Self {
            started: 0,
            dropped: 0,
            dropped_waiting: 0,
            delayed: 0,
            cancelled: false,
            out_of_money: false,
            gave_up_waiting: false,
            tally: Tally::new(crate::micros(warm_up)),
            planned_us: None,
            in_flight_at_end: 0,
            drain_us: 0,
        }
    }

    /// Notes when a request was due.
    fn planned(&mut self, at_us: u64) {
        let (first, last) = self.planned_us.unwrap_or((at_us, at_us));
        self.planned_us = Some((first.min(at_us), last.max(at_us)));
    }
}

/// An exchange that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) job: Box<Job>,
    pub(crate) received: Received,
}

/// What those who send share.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) workers: Workers,
    pub(crate) supply: Arc<Supply>,
    pub(crate) results: mpsc::Sender<Done>,
    pub(crate) board: Arc<Board>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) clock: Clock,
    pub(crate) stop: Stop,
    pub(crate) limits: Limits,
    pub(crate) sessions: SessionMode,
}

impl Crew {
    /// Nothing starts at or after this, microseconds from the origin.
    pub(crate) fn end_us(&self) -> u64 {
        self.limits.duration.map_or(u64::MAX, crate::micros)
    }
}

/// Called when an exchange has ended, if anybody has to know.
type Ended = Option<(SyncSender<u64>, Thread)>;

struct Dispatcher<'a> {
    crew: &'a Crew,
    agenda: Agenda,
    /// The row after those in the agenda.
    next: Option<Box<Job>>,
    /// No more rows come.
    read: bool,
    places: Arc<Semaphore>,
    ended: Ended,
    finished: Receiver<u64>,
    driven: Driven,
}

/// Sends every row when it is due, then waits for those in flight, at most the drain time.
pub(crate) fn drive(crew: &Crew, agenda: Agenda) -> Driven {
    let places = crew.limits.in_flight_max.min(Semaphore::MAX_PERMITS);
    let told = crew.sessions != SessionMode::Independent;
    // Each one in flight is in it once at most.
    let (ended, finished) = sync_channel(if told { places } else { 0 });
    crew.supply.wake_this_thread();
    let mut dispatcher = Dispatcher {
        crew,
        agenda,
        next: None,
        read: false,
        places: Arc::new(Semaphore::new(places)),
        ended: told.then(|| (ended, std::thread::current())),
        finished,
        driven: Driven::new(crew.limits.warm_up),
    };
    dispatcher.send_all();
    crew.supply.close();
    dispatcher.driven.delayed = dispatcher.agenda.delayed();
    let in_flight = || (places - dispatcher.places.available_permits()) as u64;
    dispatcher.driven.in_flight_at_end = in_flight();
    dispatcher.driven.drain_us = drain(crew, || in_flight() == 0);
    dispatcher.driven
}

/// Waits until all is `done`, until the drain time is over, or until the caller is impatient. Says how long that took,
/// microseconds.
pub(crate) fn drain(crew: &Crew, done: impl Fn() -> bool) -> u64 {
    let begun = Instant::now();
    while !done() && !crew.stop.waiting.is_cancelled() && begun.elapsed() < crew.limits.drain {
        std::thread::park_timeout(Duration::from_millis(2));
    }
    crate::micros(begun.elapsed())
}

impl Dispatcher<'_> {
    fn send_all(&mut self) {
        let end_us = self.crew.end_us();
        let mut waits_since = None;
        loop {
            if self.crew.stop.is_asked() {
                self.driven.cancelled = true;
                return;
            }
            let now_us = self.crew.clock.now_us();
            self.look_around(now_us);
            // What was due before the end is sent, however late; what a previous answer has put behind it is not.
            let is_over = now_us >= end_us;
            while let Some(due) = self.agenda.take(if is_over { u64::MAX } else { now_us }) {
                if due.planned_us < end_us && !self.start(due, now_us) {
                    return;
                }
            }
            if is_over && self.read {
                return;
            }
            if self.read && self.agenda.due_us().is_none() {
                // What is left waits for answers that may never come.
                let since = *waits_since.get_or_insert_with(Instant::now);
                self.driven.gave_up_waiting = !self.agenda.is_empty();
                if self.agenda.is_empty() || since.elapsed() >= self.crew.limits.drain {
                    return;
                }
            } else {
                waits_since = None;
            }
            self.wait(end_us);
        }
    }

    /// Lets rows come up, and turns whose previous one has ended.
    fn look_around(&mut self, now_us: u64) {
        while let Ok(ticket) = self.finished.try_recv() {
            self.agenda.finished(ticket, now_us);
        }
        loop {
            let Some(job) = self.next.take().or_else(|| self.read_next()) else { return };
            if job.turn.due_us > now_us && !self.agenda.looks_ahead() {
                self.next = Some(job);
                return;
            }
            let due_us = job.turn.due_us;
            if self.agenda.arrive(job, now_us).is_err() {
                self.driven.dropped_waiting += 1;
                self.drop_due(due_us);
            }
        }
    }

    fn read_next(&mut self) -> Option<Box<Job>> {
        match self.crew.supply.take() {
            Taken::Job(job) => Some(job),
            Taken::Empty => None,
            Taken::Ended => {
                self.read = true;
                None
            }
        }
    }

    /// Notes that a request was due and is not sent.
    fn drop_due(&mut self, planned_us: u64) {
        self.driven.planned(planned_us);
        self.driven.tally.dropped(planned_us);
        self.crew.board.dropped();
    }

    /// Starts a request. `false` if there is no money for it.
    fn start(&mut self, due: Due, now_us: u64) -> bool {
        let Due { planned_us, job } = due;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.driven.dropped += 1;
            self.drop_due(planned_us);
            self.agenda.finished(job.ticket, now_us);
            return true;
        };
        if !self.crew.budget.admit(job.estimate_nanos) {
            self.driven.out_of_money = true;
            return false;
        }
        self.driven.started += 1;
        self.driven.planned(planned_us);
        let (board, results, ended) = (Arc::clone(&self.crew.board), self.crew.results.clone(), self.ended.clone());
        self.crew.workers.spawn(|sender| async move {
            let on_send = |sent_us: u64| board.sent(sent_us.saturating_sub(planned_us));
            let received = sender.exchange(&job.item, planned_us, on_send).await;
            if let Some((ended, dispatcher)) = ended {
                // There is room for every one in flight, and somebody listens as long as more is to be sent.
                let _over = ended.try_send(job.ticket);
                dispatcher.unpark();
            }
            // The collector is gone only if the records cannot be written; the run is over then.
            drop(results.send(Done { job, received }).await);
            drop(place);
        });
        true
    }

    /// Sleeps until the next row is due, until something happens, or for a nap.
    fn wait(&self, end_us: u64) {
        let next_us = self.next.as_ref().map(|job| job.turn.due_us);
        let due_us = self.agenda.due_us().into_iter().chain(next_us).fold(end_us, u64::min);
        let left_us = due_us.saturating_sub(self.crew.clock.now_us());
        if left_us > AWAKE_US {
            std::thread::park_timeout(Duration::from_micros(left_us - AWAKE_US).min(NAP));
            return;
        }
        while self.crew.clock.now_us() < due_us {
            std::hint::spin_loop();
        }
    }
}
