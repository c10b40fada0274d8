//! From record files to a signed verdict, off the async threads.

use super::config::Config;
use super::records::File;
use crate::cmd::evaluate;
use crate::outcome::{Exit, Failure};
use evaluator::{Options, output};
use gate::signature::{self, Opened};
use std::path::PathBuf;
use std::sync::Arc;

/// A verdict as it is published and decided on.
#[derive(Debug)]
pub(super) struct Judged {
    /// The verdict, whose it is, and its digest.
    pub opened: Opened,
    /// Its text, signed where there is a key.
    pub text: String,
    /// First epoch whose rows count.
    pub since_epoch: u64,
}

/// Evaluates.
///
/// # Errors
/// There is nothing to judge yet, or something cannot be read.
pub(super) async fn judge(config: &Arc<Config>, files: &[File], since_epoch: u64) -> Result<Judged, Failure> {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let config = Arc::clone(config);
    if paths.is_empty() {
        return Err(Failure::usage("there are no records yet"));
    }
    let judged = tokio::task::spawn_blocking(move || of(&config, &paths, since_epoch)).await;
    judged.map_err(|_| Failure { exit: Exit::Bug, message: "the evaluation panicked".to_owned() })?
}

fn of(config: &Config, paths: &[PathBuf], since_epoch: u64) -> Result<Judged, Failure> {
    let mut options = Options::new(config.policy.clone(), env!("CARGO_PKG_VERSION"));
    options.labels.clone_from(&config.labels);
    options.migration = Some(config.migration.clone());
    options.tariffs = Some(config.tariffs.clone());
    options.since_epoch = since_epoch;
    let outcome = evaluator::evaluate(paths, &options).map_err(|error| evaluate::failure(&error))?;
    let plain = output::to_json(&outcome.verdict);
    let bug = |message: String| Failure { exit: Exit::Bug, message };
    let text = match &config.sign_key {
        Some(key) => signature::sign(plain.as_bytes(), key).map_err(|error| bug(error.to_string()))?,
        None => plain,
    };
    // Read as anybody else would read it: what is decided on is what is published.
    let opened = signature::open(text.as_bytes(), &config.trusted).map_err(|error| bug(error.to_string()))?;
    Ok(Judged { opened, text, since_epoch })
}
