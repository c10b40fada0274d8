//! What an earlier run has finished: read back from its records.

use crate::error::ReplayError;
use crate::ids::{Added, IDS_MAX, Ids};
use crate::options::{ArmChoice, ReplayOptions};
use datasets::{Arm, Exchange, Format, Lines, Role};
use std::path::Path;

/// Requests that need not be sent again.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Logged ids whose exchange on the chosen arm is recorded, failed ones included.
    pub(crate) requests: Ids,
    /// Logged ids whose recorded baseline answer is in the file.
    pub(crate) baselines: Ids,
}

/// Looks into the records file before it is opened for writing.
///
/// # Errors
/// Without `resume` a file with content is refused; with it, a file that cannot be read.
pub(crate) fn look(options: &ReplayOptions) -> Result<Finished, ReplayError> {
    let Some(path) = options.out.as_deref() else { return Ok(Finished::default()) };
    let Ok(meta) = path.metadata() else { return Ok(Finished::default()) };
    if !meta.is_file() {
        if options.resume {
            let message = format!("`--resume` cannot read {} back: it is no ordinary file", path.display());
            return Err(ReplayError::Options(message));
        }
        return Ok(Finished::default());
    }
    if meta.len() == 0 {
        return Ok(Finished::default());
    }
    if !options.resume {
        return Err(ReplayError::Exists(path.to_owned()));
    }
    read(path, options.arm)
}

fn read(path: &Path, arm: ArmChoice) -> Result<Finished, ReplayError> {
    let mut finished = Finished::default();
    let mut lines = Lines::<Exchange>::open(path, Format::Exchanges)?.peekable();
    while let Some(line) = lines.next() {
        let exchange = match line {
            Ok(exchange) => exchange,
            // A crash may have left the last line unfinished; the writer cuts it off.
            Err(_) if lines.peek().is_none() && !ends_with_line_end(path) => break,
            Err(error) => return Err(error.into()),
        };
        // Gateways may give pair ids of their own; the logged id is always in `request`.
        let id = exchange.request.unwrap_or(exchange.pair);
        let ours = match arm {
            ArmChoice::AsRouted => exchange.role == Role::Observed,
            ArmChoice::Forced(arm) => exchange.role == Role::Replayed && exchange.arm == arm,
        };
        let added = if ours {
            finished.requests.add(&id)
        } else if exchange.role == Role::Replayed && exchange.arm == Arm::Baseline {
            finished.baselines.add(&id)
        } else {
            continue;
        };
        if added == Added::Full {
            let message = format!(
                "{} holds more than {IDS_MAX} finished requests, more than can be kept in mind; replay the rest of the \
                 log into another file",
                path.display()
            );
            return Err(ReplayError::Options(message));
        }
    }
    Ok(finished)
}

fn ends_with_line_end(path: &Path) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let last = || -> std::io::Result<u8> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    last().is_ok_and(|byte| byte == b'\n')
}
