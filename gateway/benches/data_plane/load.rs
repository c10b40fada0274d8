//! The load generator: a process of threads, one a connection.
//!
//! With a rate it is an open loop: request number *n* is due at the start plus *n* over the rate, whoever is free takes the
//! next number, and times count from the due instant, so that a subject that stalls is charged for everybody who had to
//! wait. Without a rate it is a closed loop, for cost under saturation.

pub(crate) mod frames;
pub(crate) mod hold;

use crate::Trouble;
use crate::http_client::Connection;
use crate::payload::{self, Wish};
use frames::Frames;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Stack of a connection's thread; hundreds of them run.
const STACK_BYTES: usize = 256 * 1024;
/// Most failures that are told in words.
const WORDS_MAX: usize = 3;

/// One leg of load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub address: SocketAddr,
    pub wish: Wish,
    pub connections: u64,
    pub seconds: f64,
    /// Requests a second, or as fast as they are answered.
    pub rate: Option<f64>,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Answered well and completely.
    pub requests: u64,
    pub failed: u64,
    /// Why, of the first few.
    pub failures: Vec<String>,
    /// Pieces that arrived.
    pub pieces: u64,
    /// Pieces that were not the ones expected next.
    pub disordered: u64,
    /// To the end of a whole answer, to the first text of a stream, in the order in which they were due; open loop only.
    pub nanos: Vec<u64>,
    pub seconds: f64,
    /// The share of its core that the generator itself needed.
    pub busy: f64,
}

struct Shared {
    leg: Leg,
    requests: Vec<Vec<u8>>,
    next: AtomicU64,
    begin: Instant,
}

pub(crate) fn run(leg: Leg) -> Result<(), Trouble> {
    let requests = payload::requests(leg.wish);
    // Threads have to be there when the first request is due.
    let begin = Instant::now() + Duration::from_millis(20 + leg.connections / 4);
    let connections = leg.connections;
    let shared = Arc::new(Shared { leg, requests, next: AtomicU64::new(0), begin });
    let threads = (0..connections)
        .map(|_| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || drive(&shared))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut tally = Tally::default();
    let mut timed = Vec::new();
    for thread in threads {
        let mut part = thread.join().map_err(|_| "a connection's thread failed")?;
        tally.requests += part.tally.requests;
        tally.failed += part.tally.failed;
        tally.pieces += part.tally.pieces;
        tally.disordered += part.tally.disordered;
        part.tally.failures.truncate(WORDS_MAX.saturating_sub(tally.failures.len()));
        tally.failures.append(&mut part.tally.failures);
        timed.append(&mut part.timed);
    }
    timed.sort_unstable();
    tally.nanos = timed.into_iter().map(|(_, nanos)| nanos).collect();
    tally.seconds = begin.elapsed().as_secs_f64();
    tally.busy = own_cpu_seconds()? / tally.seconds;
    crate::say::result(&serde_json::to_string(&tally)?);
    Ok(())
}

/// User and system time of this process, ended threads included; in ticks of ten milliseconds.
fn own_cpu_seconds() -> Result<f64, Trouble> {
    let books = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = books.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// One connection's share.
#[derive(Default)]
struct Part {
    tally: Tally,
    /// Number of the request and its time.
    timed: Vec<(u64, u64)>,
}

fn drive(shared: &Shared) -> Part {
    let mut part = Part::default();
    let mut connection = Connection::open(shared.leg.address).ok();
    while let Some((number, due)) = next(shared) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let Some(request) = shared.requests.get(number as usize % shared.requests.len()) else { break };
        match once(shared, &mut connection, request, &mut part) {
            Ok(arrived) => {
                part.tally.requests += 1;
                if shared.leg.rate.is_some() {
                    part.timed.push((number, (arrived - due).as_nanos() as u64));
                }
            }
            Err(trouble) => {
                part.tally.failed += 1;
                if part.tally.failures.len() < WORDS_MAX {
                    part.tally.failures.push(trouble.to_string());
                }
                connection = None;
            }
        }
    }
    part
}

/// The next request's number and when it is due; `None` when the leg is over.
fn next(shared: &Shared) -> Option<(u64, Instant)> {
    let number = shared.next.fetch_add(1, Ordering::Relaxed);
    let (seconds, due) = match shared.leg.rate {
        Some(rate) => {
            let seconds = number as f64 / rate;
            (seconds, shared.begin + Duration::from_secs_f64(seconds))
        }
        None => {
            let due = Instant::now().max(shared.begin);
            ((due - shared.begin).as_secs_f64(), due)
        }
    };
    (seconds < shared.leg.seconds).then_some((number, due))
}

/// One request; returns when its answer (of a stream: its first text) was there.
fn once(
    shared: &Shared,
    connection: &mut Option<Connection>,
    request: &[u8],
    part: &mut Part,
) -> Result<Instant, Trouble> {
    if connection.is_none() {
        *connection = Some(Connection::open(shared.leg.address)?);
    }
    let connection = connection.as_mut().ok_or("no connection")?;
    connection.send(request)?;
    let Wish::Stream { chunks, .. } = shared.leg.wish else {
        return match connection.receive(&mut |_| {})? {
            200 => Ok(Instant::now()),
            status => Err(format!("status {status}").into()),
        };
    };
    let mut frames = Frames::default();
    let status = connection.receive(&mut |bytes| frames.push(bytes))?;
    part.tally.pieces += frames.pieces;
    part.tally.disordered += frames.disordered;
    if status != 200 || frames.pieces != chunks || frames.disordered > 0 || !frames.done || !frames.usage {
        return Err(format!(
            "status {status}, {} of {chunks} pieces, {} out of order, usage {}, end mark {}",
            frames.pieces, frames.disordered, frames.usage, frames.done
        )
        .into());
    }
    frames.first.ok_or_else(|| "no text".into())
}
