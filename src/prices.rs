//! `--prices FILE`: prices of one's own, one option and one meaning for every command that prices.
//!
//! A file is laid over the table that comes with this version, never used in its place: who states the price of a
//! server of their own still knows what the providers take.

use crate::outcome::{Exit, Failure};
use clap::Args as ClapArgs;
use datasets::Exchange;
use std::path::{Path, PathBuf};
use wire::price::{Call, Tariffs};

/// The option, to be flattened into a command's arguments.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct PriceTable {
    /// Prices of your own, TOML, laid over those that come with this version; `weighbridge prices set` writes such a file.
    #[arg(long = "prices", env = "WEIGHBRIDGE_PRICES", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl PriceTable {
    /// The prices to use if the user named a file.
    ///
    /// # Errors
    /// As [`Self::tariffs`].
    pub(crate) fn own_tariffs(&self) -> Result<Option<Tariffs>, Failure> {
        self.file.is_some().then(|| self.tariffs()).transpose()
    }

    /// The prices to use: the bundled ones, under the file's own.
    ///
    /// # Errors
    /// The file cannot be read, or is no price table; the sentence names file, line and field.
    pub(crate) fn tariffs(&self) -> Result<Tariffs, Failure> {
        let bundled = Tariffs::embedded().map_err(|error| Failure { exit: Exit::Bug, message: error.to_string() })?;
        match &self.file {
            None => Ok(bundled),
            Some(path) => Ok(bundled.overlaid_by(own(path)?)),
        }
    }
}

/// What a record's tokens cost by a table, nano-dollars; `None` without tokens or without a price.
pub(crate) fn cost_nanos(tariffs: &Tariffs, record: &Exchange) -> Option<i64> {
    let call = Call {
        provider: &record.provider,
        asked: &record.model,
        answered: record.model_answered.as_deref(),
        sent_us: record.sent_us,
        tier: record.tier,
    };
    tariffs.price(&call, record.usage.as_ref()?).map(|priced| priced.nanos)
}

/// The table in a file, alone.
pub(crate) fn own(path: &Path) -> Result<Tariffs, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}; check the path of the price table")))?;
    Tariffs::parse(&text).map_err(|error| Failure::usage(format!("{shown}: {error}")))
}
