//! A log that is much longer than a run: how soon the first request arrives, and the most memory that was used.

use crate::{Fault, server, tools};
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The limits that the issue sets.
const FIRST_SEND_MAX: Duration = Duration::from_secs(1);
const MEMORY_KB_MAX: u64 = 200 * 1024;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
pub(crate) fn measure(rows: u64) -> Result<(), Fault> {
    println!("\nlog: {rows} rows, played as fast as 64 connections allow");
    let mut file = tempfile::NamedTempFile::new()?;
    {
        let mut lines = BufWriter::new(&mut file);
        writeln!(lines, r#"{{"format":"weighbridge.requests","version":"2.0","creator":"bench"}}"#)?;
        let body = tools::body(false);
        for row in 0..rows {
            // Somewhat out of order, as logs of several writers are.
            let at_us = row * 1_000 + (row * 7_919) % 50_000;
            writeln!(lines, r#"{{"id":"request-{row}","at_us":{at_us},"session":"s{}","body":{body}}}"#, row / 5)?;
        }
        lines.flush()?;
    }
    let server = server::Child::start()?;
    server.listen()?;
    let started = Instant::now();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["play", &format!("{}/plain", server.url), "max:64", "600", "false"]).arg(file.path());
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let (mut first_send, mut memory_kb) = (None, 0);
    while child.try_wait()?.is_none() {
        if first_send.is_none() && !server.arrivals()?.is_empty() {
            first_send = Some(started.elapsed());
        } else if first_send.is_none() {
            server.listen()?;
        }
        memory_kb = memory_kb.max(most_memory_kb(&status));
        std::thread::sleep(Duration::from_millis(10));
    }
    let first_send = first_send.ok_or("nothing was sent")?;
    println!("  first request after {} ms (limit {})", first_send.as_millis(), FIRST_SEND_MAX.as_millis());
    println!("  most memory {} MB (limit {})", memory_kb / 1024, MEMORY_KB_MAX / 1024);
    println!("  all rows after {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// `VmHWM` of a process, where the system tells.
fn most_memory_kb(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
