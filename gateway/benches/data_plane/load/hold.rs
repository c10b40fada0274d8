//! Many connections that do little: idle ones, and ones that read slowly.

use crate::Trouble;
use crate::http_client::Connection;
use crate::payload::{self, Wish};
use crate::say;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Bytes that a slow reader takes at a time.
const SIP_BYTES: usize = 16 * 1024;
/// Between two sips.
const SIP_PAUSE: Duration = Duration::from_millis(250);

/// What is held.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hold {
    pub address: SocketAddr,
    pub connections: u64,
    /// What is asked on each connection.
    pub wish: Wish,
    /// Read 64 KiB a second of it; otherwise all, and then nothing more happens.
    pub slowly: bool,
}

/// Says `"held"` when all connections are there, and ends with its standard input.
pub(crate) fn run(hold: &Hold) -> Result<(), Trouble> {
    let requests = payload::requests(hold.wish);
    let mut held = Vec::new();
    for request in requests.iter().cycle().take(hold.connections as usize) {
        let mut connection = Connection::open(hold.address)?;
        connection.send(request)?;
        if !hold.slowly {
            let status = connection.receive(&mut |_| {})?;
            if status != 200 {
                return Err(format!("status {status}").into());
            }
        }
        let stream = connection.into_stream();
        stream.set_nonblocking(true)?;
        held.push(stream);
    }
    say::result("\"held\"");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if hold.slowly {
            scope.spawn(|| sip(&mut held, &over));
        }
        // Ends when whoever started this closes it.
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        over.store(true, Ordering::Relaxed);
    });
    Ok(())
}

fn sip(held: &mut [TcpStream], over: &AtomicBool) {
    let mut sip = [0; SIP_BYTES];
    while !over.load(Ordering::Relaxed) {
        for stream in &mut *held {
            // Nothing there yet, or the end: both are fine.
            drop(stream.read(&mut sip));
        }
        std::thread::sleep(SIP_PAUSE);
    }
}
