//! One replay from start to end.

use crate::board::Board;
use crate::client::Route;
use crate::collect::collect;
use crate::connections::Connector;
use crate::drive::{Driven, Limits, drive};
use crate::error::ReplayError;
use crate::finished::{self, Finished};
use crate::log::Log;
use crate::measure::Clock;
use crate::options::ReplayOptions;
use crate::outcome::{Context, Outcome};
use crate::plan::{Item, Plan, plan};
use crate::progress::Progress;
use crate::schedule::Schedule;
use crate::summary::Summary;
use crate::summary::old::Facts;
use crate::worker::Sender;
use datasets::{Appender, Format, Header};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::price::Tariffs;

/// Pause between two progress updates.
const TICK: Duration = Duration::from_millis(200);
/// The origin lies so far ahead that the tasks are up when the first request is due.
const LEAD: Duration = Duration::from_millis(20);
/// Finished exchanges that may wait for the collector. At the bound tasks wait with their result in hand, after the
/// last byte was timed; they keep their place in flight, so memory stays bounded.
const FINISHED_MAX: usize = 1024;

/// What the tasks of a run share.
struct Run {
    items: Vec<Item>,
    sender: Sender,
    context: Context,
    finished: Finished,
    board: Arc<Board>,
}

impl Run {
    async fn play(&self, row: usize, planned_us: u64, results: &mpsc::Sender<Outcome>) {
        let Some(item) = self.items.get(row) else { return };
        let on_send = |sent_us: u64| self.board.sent(sent_us.saturating_sub(planned_us));
        let received = self.sender.exchange(item, planned_us, on_send).await;
        let with_baseline =
            self.context.options.baseline_recorded && !self.finished.baselines.contains(item.id.as_str());
        let outcome = self.context.outcome(item, received, with_baseline);
        // The collector is gone only if the records cannot be written; the run is over then.
        let _halted = results.send(outcome).await;
    }
}

/// Plays a log at a target. Cancelling `cancel` ends it early with what has been measured; dropping the future ends it
/// too.
///
/// # Errors
/// The options, the target or a row are refused before anything is sent, or the records cannot be written. Failures of
/// the target are no errors: they are counted.
pub async fn run(
    log: impl Into<Log>,
    options: ReplayOptions,
    progress: &dyn Progress,
    cancel: CancellationToken,
) -> Result<Summary, ReplayError> {
    options.check()?;
    let route = Arc::new(Route::of(&options)?);
    let connector = Connector::new(&route.target, options.connect_timeout)?;
    let finished = finished::look(&options)?;
    let plan = plan(log.into(), &options, &finished)?;
    let tariffs = Tariffs::embedded()?;
    let out = open(&options)?;
    let facts = Facts::of(&plan, &options, &route.target);
    let limits = Limits { in_flight_max: options.in_flight_max, drain: options.drain, duration: options.duration };
    let Plan { items, schedule, .. } = plan;
    let clock =
        Clock { origin: Instant::now() + LEAD, origin_wall_us: wall_us().saturating_add_unsigned(crate::micros(LEAD)) };
    let board = Arc::new(Board::new(items.len() as u64 - facts.too_late.min(items.len() as u64)));
    let sender = Sender::new(connector, route, clock, &options);
    let context = Context { options, tariffs, clock };
    let run = Arc::new(Run { items, sender, context, finished, board: Arc::clone(&board) });

    let halt = cancel.child_token();
    let _stops_with_us = halt.clone().drop_guard();
    let (results, receiver) = mpsc::channel(FINISHED_MAX);
    let dispatcher = tokio::spawn(dispatch(run, schedule, limits, results, halt.clone()));
    let collector = {
        let board = Arc::clone(&board);
        tokio::task::spawn_blocking(move || collect(receiver, out, &board, &halt))
    };
    let live = || board.live(clock.now_us());
    let collected = watch(collector, || progress.update(&live())).await;
    let driven = dispatcher.await;
    progress.finish(&live());
    let broken = |error: tokio::task::JoinError| ReplayError::Broken(error.to_string());
    let (collected, driven) = (collected.map_err(broken)??, driven.map_err(broken)?);
    let end_us = clock.now_us();
    Ok(Summary::of(&facts, driven, &collected, board.lag(), (clock.wall_us(0), clock.wall_us(end_us))))
}

async fn dispatch(
    run: Arc<Run>,
    schedule: Schedule,
    limits: Limits,
    results: mpsc::Sender<Outcome>,
    halt: CancellationToken,
) -> Driven {
    let board = Arc::clone(&run.board);
    let origin = run.context.clock.origin.into();
    let rows = run.items.len();
    let job = move |row, planned_us| {
        let (run, results) = (Arc::clone(&run), results.clone());
        async move { run.play(row, planned_us, &results).await }
    };
    drive(&schedule, rows, limits, origin, &halt, &|| board.dropped(), job).await
}

/// Waits for a task and calls `tick` meanwhile.
async fn watch<T>(task: tokio::task::JoinHandle<T>, tick: impl Fn()) -> Result<T, tokio::task::JoinError> {
    let mut task = std::pin::pin!(task);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            result = &mut task => return result,
            _ = ticks.tick() => tick(),
        }
    }
}

fn open(options: &ReplayOptions) -> Result<Option<Appender>, ReplayError> {
    let header = Header::new(Format::Exchanges, options.redaction);
    Ok(options.out.as_deref().map(|path| Appender::open(path, &header)).transpose()?)
}

/// The wall clock, microseconds since the Unix epoch: the only look at it, once a run.
pub(crate) fn wall_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
