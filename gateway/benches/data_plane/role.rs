//! The processes that this binary becomes: `data_plane worker ROLE SPEC`.
//!
//! Each says one line of JSON when it is ready, answers each line of its standard input with a line of JSON, and ends when
//! its standard input does; so none survives the process that started it, whatever ends that.

mod bare;
mod gateway;
mod upstream;

use crate::{Trouble, load, say};
use std::io::BufRead;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Runs a role to its end.
pub(crate) fn run(words: &[String]) -> Result<(), Trouble> {
    let [role, spec] = words else { return Err("worker: expected a role and its specification".into()) };
    match role.as_str() {
        "upstream" => Builder::new_current_thread().enable_all().build()?.block_on(upstream::run()),
        "gateway" => command_runtime()?.block_on(gateway::run(serde_json::from_str(spec)?)),
        "bare" => command_runtime()?.block_on(bare::run(serde_json::from_str(spec)?)),
        "load" => load::run(serde_json::from_str(spec)?),
        "hold" => load::hold::run(&serde_json::from_str(spec)?),
        _ => Err(format!("worker: unknown role {role}").into()),
    }
}

/// The runtime as the `weighbridge` command builds it: one worker thread a core it may use.
fn command_runtime() -> Result<Runtime, Trouble> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Lines of standard input; closed at its end.
fn questions() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn answer(value: &serde_json::Value) {
    say::result(&value.to_string());
}
