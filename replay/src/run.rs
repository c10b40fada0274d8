//! One replay from start to end.

use crate::agenda::{Agenda, HELD_ROWS_MAX};
use crate::board::Board;
use crate::budget::Budget;
use crate::client::Route;
use crate::collect::{Collector, Writer};
use crate::connections::Connector;
use crate::drive::{Crew, Driven, Limits, drive};
use crate::error::ReplayError;
use crate::feed::{Feed, Rest};
use crate::finished;
use crate::lanes;
use crate::log::Log;
use crate::measure::Clock;
use crate::options::ReplayOptions;
use crate::outcome::Context;
use crate::progress::Progress;
use crate::schedule::Rate;
use crate::sessions::Sessions;
use crate::stop::Stop;
use crate::summary::{Counts, Dropped, Facts, NotSent, Parts, Summary};
use crate::worker::Sender;
use crate::workers::{Workers, threads};
use datasets::{Appender, Format, Header};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// Pause between two progress updates.
const TICK: Duration = Duration::from_millis(200);
/// The origin lies so far ahead that the threads are up when the first request is due.
const LEAD: Duration = Duration::from_millis(20);
/// Finished exchanges that may wait for the collector. At the bound tasks wait with their result in hand, after the
/// last byte was timed; they keep their place in flight, so memory stays bounded.
const FINISHED_MAX: usize = 2_048;
/// Plays a log at a target. `stop` ends it early: first with the answers that are under way, then without them; either
/// way what was measured is the result. Dropping the future ends it too.
///
/// A broken row ends the run as well, unless broken rows are skipped: what comes before it is sent, and the result
/// names it. Where it is the first row, nothing is sent.
///
/// # Errors
/// The options, the target or the first row are refused before anything is sent, or the records cannot be written.
/// Failures of the target are no errors: they are counted.
pub async fn run(
    log: impl Into<Log>,
    options: ReplayOptions,
    progress: &dyn Progress,
    stop: impl Into<Stop>,
) -> Result<Summary, ReplayError> {
    options.check()?;
    let log = log.into();
    let stop = stop.into().child();
    let _stops_with_us = (stop.sending.clone().drop_guard(), stop.waiting.clone().drop_guard());
    let route = Arc::new(Route::of(&options)?);
    let connector = Connector::new(&route.target, options.connect_timeout)?;
    let finished = Arc::new(finished::look(&options)?);
    let tariffs = Arc::new(options.tariffs()?);
    let options = Arc::new(options);
    let feed = Feed::start(&log, &options, &finished, &tariffs)?;
    tokio::select! {
        begun = feed.begun() => begun?,
        // Then the result is that nothing was sent.
        () = stop.asked() => {}
    }
    let writer = Writer::new(open(&options)?);
    let clock = Clock::starting_in(LEAD);
    let board = Arc::new(Board::with(log.rows(), options.rate, options.budget_nanos));
    let budget = Arc::new(Budget::new(options.budget_nanos));
    let (results, receiver) = mpsc::channel(FINISHED_MAX);
    let context = Context { options: Arc::clone(&options), tariffs, clock };
    let collector = Collector {
        context,
        finished,
        writer,
        board: Arc::clone(&board),
        budget: Arc::clone(&budget),
        stop: stop.clone(),
    };
    let workers = Workers::start(threads(), || Sender::new(connector.clone(), Arc::clone(&route), clock, &options))?;
    let (supply, limits, impatient) = (Arc::clone(&feed.supply), Limits::of(&options), stop.waiting.clone());
    let crew = Crew {
        workers,
        supply,
        results,
        board: Arc::clone(&board),
        budget,
        clock,
        stop,
        limits,
        sessions: options.sessions,
    };
    let (rate, agenda) = (options.rate, Agenda::new(sessions(&options)));
    let driver = thread("replay-dispatch", move || dispatch(crew, agenda, rate))?;
    let collector = thread("replay-collect", move || collector.run(receiver))?;

    let live = || board.live(clock.now_us());
    let driven = watch(driver, || progress.update(&live())).await?;
    let collected = watch(collector, || progress.update(&live())).await??;
    let rest = feed.rest(&impatient).await;
    progress.finish(&live());
    let wall_us = (clock.wall_us(0), clock.wall_us(clock.now_us()));
    let facts = Facts::new(&options, &route.target);
    let shards = vec![options.selection.shard.map_or(1, |shard| shard.index)];
    let (lag, shard_reasons) = (board.lag(), Vec::new());
    let counts = counts(&options, rest, &driven, collected.records);
    let mut tally = collected.tally;
    tally.add(driven.tally);
    Ok(Parts { facts, counts, tally, lag, wall_us, shards, shard_reasons }.summary())
}

/// What was counted of a run beside the exchanges.
fn counts(options: &ReplayOptions, rest: Rest, driven: &Driven, records: u64) -> Counts {
    let Rest { read, selected, error } = rest;
    let dropped = [(Dropped::InFlight, driven.dropped), (Dropped::Waiting, driven.dropped_waiting)];
    let due = driven.started + driven.dropped + driven.dropped_waiting;
    let reason = if driven.cancelled {
        NotSent::Stopped
    } else if driven.out_of_money {
        NotSent::Budget
    } else if driven.gave_up_waiting {
        NotSent::Waiting
    } else {
        NotSent::Duration
    };
    let not_sent = [(reason, read.planned.saturating_sub(due))];
    Counts {
        sent: driven.started,
        dropped: dropped.into_iter().filter(|(_, count)| *count > 0).collect(),
        not_sent: not_sent.into_iter().filter(|(_, count)| *count > 0).collect(),
        skipped: read.skipped,
        already_done: read.already_done,
        broken: read.broken,
        rest_uncounted: !read.whole && error.is_none(),
        ended_by: error.map(|error| error.to_string()),
        ids_unchecked: read.ids_unchecked,
        records,
        stopped: driven.cancelled,
        delayed: driven.delayed,
        in_flight_at_end: driven.in_flight_at_end,
        drain_us: driven.drain_us,
        planned_us: driven.planned_us,
        selected,
        budget_nanos: options.budget_nanos,
    }
}

/// Sends everything and waits for the answers; what is under way after that is given up.
fn dispatch(crew: Crew, agenda: Agenda, rate: Rate) -> Driven {
    let crew = Arc::new(crew);
    std::thread::sleep(crew.clock.origin.saturating_duration_since(Instant::now()));
    let driven = match rate {
        Rate::Closed { connections } => lanes::run(&crew, agenda, connections),
        _ => drive(&crew, agenda),
    };
    crew.workers.end();
    driven
}

fn sessions(options: &ReplayOptions) -> Sessions {
    let factor = if let Rate::Recorded { factor } = options.rate { factor } else { 1.0 };
    Sessions::new(options.sessions, HELD_ROWS_MAX, factor, options.selection.idle_cap_us)
}

/// Starts a thread; the receiver gets what it returns.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<oneshot::Receiver<T>, ReplayError> {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits for it if the run was dropped.
    let work = move || drop(sender.send(work()));
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|error| ReplayError::Client(error.to_string()))?;
    Ok(receiver)
}

/// Waits for a thread and calls `tick` meanwhile.
async fn watch<T>(mut result: oneshot::Receiver<T>, tick: impl Fn()) -> Result<T, ReplayError> {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            result = &mut result => return result.map_err(|_| ReplayError::Broken("a thread ended early".to_owned())),
            _ = ticks.tick() => tick(),
        }
    }
}

fn open(options: &ReplayOptions) -> Result<Option<Appender>, ReplayError> {
    let header = Header::new(Format::Exchanges, options.redaction);
    Ok(options.out.as_deref().map(|path| Appender::open(path, &header)).transpose()?)
}

/// The wall clock, microseconds since the Unix epoch.
pub(crate) fn wall_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
