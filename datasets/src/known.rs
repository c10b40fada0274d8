//! Exchange records of a known truth: so that anyone can check what a judge makes of them.
//!
//! A [`Profile`] states every effect; [`write`](fn@write) makes the records, streaming and in constant memory, and
//! tells the [`Truth`] that follows from the profile by calculation. The same profile and seed give the same bytes on
//! every platform. The records look like a gateway's of a migration, with content hashed away, but nobody asked and no
//! model answered, which the header's `creator` says.
//!
//! What it deliberately does not do: it has no model of queues (load is a step in the weight), times and tokens know
//! nothing of a refusal or a cut, and a client goes away without regard to how long it waited. Each of these would
//! make the truth a simulation of its own.

mod draws;
mod generator;
mod guard;
mod leg;
mod population;
pub mod profile;
mod regime;
mod sheet;
pub mod truth;

pub use generator::Generator;
pub use profile::{DEFAULT_TOML, Profile, ProfileError};
pub use truth::{EpochTruth, Metric, Metrics, Scale, Truth};

use crate::file::{FileError, Packed, stream_whole};
use crate::{Format, Header, Redaction, digest};
use std::io::Write;
use std::path::Path;

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;
/// Requests between two reports of progress.
const REPORT_REQUESTS: u64 = 16_384;

/// Why records could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// What they are written to said no.
    #[error("cannot write the records: {0}")]
    Write(#[from] std::io::Error),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bug: the price table of this version cannot be read, or a record does not serialise.
    #[error("cannot make the records: {0}")]
    Broken(String),
}

/// Writes a record file of `requests` requests (a mirrored one gives two records, a repeated one three) and tells the
/// truth behind it. `profile_text` is what the profile was read from; its digest is kept in the header. `progress` is
/// told the number of requests now and then.
///
/// # Errors
/// `out` cannot be written.
pub fn write(
    profile: &Profile,
    profile_text: &str,
    requests: u64,
    seed: u64,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Truth, SynthError> {
    let broken = |error: &dyn std::fmt::Display| SynthError::Broken(error.to_string());
    let mut generator = Generator::new(profile, seed).map_err(|error| broken(&error))?;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
    let header = Header {
        creator: concat!("weighbridge ", env!("CARGO_PKG_VERSION"), ", records synth").to_owned(),
        config_digest: Some(digest::of_bytes(profile_text.as_bytes())),
        ..Header::new(Format::Exchanges, Redaction::Hashed)
    };
    serde_json::to_writer(&mut buffer, &header).map_err(|error| broken(&error))?;
    buffer.push(b'\n');
    for number in 0..requests {
        generator
            .request(|exchange| {
                serde_json::to_writer(&mut buffer, exchange)?;
                buffer.push(b'\n');
                Ok(())
            })
            .map_err(|error: serde_json::Error| broken(&error))?;
        if buffer.len() >= BUFFER_BYTES {
            out.write_all(&buffer)?;
            buffer.clear();
        }
        if number % REPORT_REQUESTS == 0 {
            progress(number);
        }
    }
    out.write_all(&buffer)?;
    out.flush()?;
    progress(requests);
    Ok(truth::of(profile, &generator, seed))
}

/// As [`write`](fn@write), into a file that is whole or not there; a name that ends in `.zst` is packed with zstd.
///
/// # Errors
/// The file cannot be written.
pub fn write_file(
    profile: &Profile,
    profile_text: &str,
    requests: u64,
    seed: u64,
    path: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Truth, SynthError> {
    stream_whole(path, |out| {
        if path.extension().is_none_or(|extension| extension != "zst") {
            return write(profile, profile_text, requests, seed, out, progress);
        }
        let mut packed = Packed::new(out)?;
        let truth = write(profile, profile_text, requests, seed, &mut packed, progress)?;
        packed.finish()?;
        Ok(truth)
    })
    .map_err(|error| match error {
        // Only here the name is known.
        SynthError::Write(source) => SynthError::File(FileError::new(path, source)),
        other => other,
    })
}

#[cfg(test)]
mod tests;
