//! A closed loop of connections that ask, read to the last byte, and ask again: written by hand, as the generator must be
//! cheaper than what it measures.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::{Scenario, Trouble, say};

/// What stands in the question where it has to differ; as long as the numbers that take its place.
const MARK: &str = "0000000000";

/// What all connections share.
struct Board {
    counting: Cell<bool>,
    stopping: Cell<bool>,
    warm: Cell<usize>,
    asked: Cell<u64>,
    incomplete: Cell<u64>,
    times_us: RefCell<Vec<u32>>,
}

pub(crate) fn run(address: SocketAddr, scenario: Scenario, length: Duration) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measure(address, scenario, length))
}

async fn measure(address: SocketAddr, scenario: Scenario, length: Duration) -> Result<(), Trouble> {
    let board = Rc::new(Board {
        counting: Cell::new(false),
        stopping: Cell::new(false),
        warm: Cell::new(0),
        asked: Cell::new(0),
        incomplete: Cell::new(0),
        times_us: RefCell::new(Vec::new()),
    });
    for _ in 0..scenario.connections {
        let board = Rc::clone(&board);
        tokio::task::spawn_local(async move {
            if connection(address, scenario, &board).await.is_err() {
                board.incomplete.set(board.incomplete.get() + 1);
            }
        });
    }
    let patience = Instant::now() + Duration::from_secs(20);
    while board.warm.get() < scenario.connections {
        if Instant::now() > patience {
            return Err("not all connections got an answer within 20 s".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    say("warm");
    board.counting.set(true);
    let start = Instant::now();
    tokio::time::sleep(length).await;
    board.counting.set(false);
    let seconds = start.elapsed().as_secs_f64();
    board.stopping.set(true);
    let mut times = board.times_us.take();
    times.sort_unstable();
    let quantile = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0);
    say(&format!("{} {} {seconds} {} {}", times.len(), board.incomplete.get(), quantile(0.5), quantile(0.99)));
    // The process is ended once its figures were read; until then its connections stay as they are.
    std::future::pending().await
}

async fn connection(address: SocketAddr, scenario: Scenario, board: &Board) -> Result<(), Trouble> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut question = question(address, scenario);
    let mark = question.windows(MARK.len()).position(|window| window == MARK.as_bytes()).ok_or("no mark")?;
    let mut buffer = vec![0; 64 * 1024];
    let mut first = true;
    while !board.stopping.get() {
        if scenario.distinct {
            let number = board.asked.get();
            board.asked.set(number + 1);
            let digits = format!("{number:010}");
            if let Some(place) = question.get_mut(mark..mark + MARK.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        let start = Instant::now();
        stream.write_all(&question).await?;
        let complete = answer(&mut stream, &mut buffer, scenario.stream).await?;
        if std::mem::take(&mut first) {
            board.warm.set(board.warm.get() + 1);
        }
        if !complete {
            board.incomplete.set(board.incomplete.get() + 1);
        } else if board.counting.get() {
            board.times_us.borrow_mut().push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok(())
}

/// Reads one answer to its end; says whether it was a whole one.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8], streamed: bool) -> Result<bool, Trouble> {
    let mut filled = 0;
    let mut body: Option<(usize, Option<usize>)> = None;
    loop {
        let free = buffer.get_mut(filled..).filter(|free| !free.is_empty()).ok_or("an answer that is too long")?;
        let read = stream.read(free).await?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        filled += read;
        let seen = buffer.get(..filled).unwrap_or_default();
        if body.is_none() {
            body = head(seen);
        }
        let (Some((start, length)), good) = (body, seen.starts_with(b"HTTP/1.1 200")) else {
            continue;
        };
        match length {
            Some(length) if filled >= start + length => return Ok(good && !streamed),
            None if seen.ends_with(b"0\r\n\r\n") => {
                let tail = seen.get(filled.saturating_sub(40)..).unwrap_or_default();
                return Ok(good && streamed && tail.windows(6).any(|window| window == b"[DONE]"));
            }
            _ => {}
        }
    }
}

/// Where the body begins, and its length unless it comes in chunks.
fn head(seen: &[u8]) -> Option<(usize, Option<usize>)> {
    let end = seen.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(seen.get(..end)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    });
    Some((end + 4, length))
}

fn question(address: SocketAddr, scenario: Scenario) -> Vec<u8> {
    let stream = if scenario.stream { r#""stream":true,"stream_options":{"include_usage":true},"# } else { "" };
    let body = format!(
        r#"{{"model":"gpt-4o-mini",{stream}"max_tokens":16,"messages":[{{"role":"user","content":"Say hello, {MARK}."}}]}}"#
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk-load\r\ncontent-type: \
         application/json\r\naccept: */*\r\nuser-agent: speed\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
