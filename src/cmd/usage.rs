//! `weighbridge usage`: sums of tokens and money, from the gateway or from its records.
//!
//! Both sum up by the same code, so they agree to the nano-dollar about the same requests. Records say what was reckoned
//! when they were written; with `--prices` their tokens are priced anew, each on the clock of its sending.

mod table;

use super::gate::AdminPlane;
use super::records::source::{Record, Source, files};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{prices, render};
use datasets::{Arm, Exchange, Role};
use gateway::usage::{Book, By, Key, Query, Report, Sums};
use std::collections::HashMap;

/// Rows that are told apart at most.
const ROWS_MAX: usize = 1_000_000;
/// Failed calls for which a later record may say that another arm answered.
const PENDING_MAX: usize = 100_000;

pub(super) async fn run(args: &args::Usage) -> Result<Exit, Failure> {
    let by = By::list(&args.by).map_err(|message| Failure::usage(format!("--by: {message}")))?;
    let now_us = jiff::Timestamp::now().as_microsecond();
    let since = args.since.as_deref().map(|text| (text, Query::since(text, now_us)));
    let since_day = match since {
        Some((text, Err(message))) => return Err(Failure::usage(format!("--since is `{text}`: {message}"))),
        Some((_, Ok(day))) => Some(day),
        None => None,
    };
    let report = if args.records.is_empty() {
        asked(args).await?
    } else {
        let query = Query { since_day, consumer: args.consumer.clone(), by };
        summed(args, &query)?
    };
    if args.json {
        let json = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("a report does not serialise: {error}") })?;
        render::result(&(json + "\n"));
    } else {
        render::result(&table::of(&report));
    }
    Ok(Exit::Done)
}

/// What the gateway says.
async fn asked(args: &args::Usage) -> Result<Report, Failure> {
    let token = std::env::var(&args.token_env).map_err(|_| {
        Failure::usage(format!("--token-env names the variable {}, which is not set: export it", args.token_env))
    })?;
    let plane = AdminPlane::new(&args.target, &token)?;
    let mut query = vec![("by", args.by.as_str())];
    query.extend(args.consumer.as_deref().map(|consumer| ("consumer", consumer)));
    query.extend(args.since.as_deref().map(|since| ("since", since)));
    plane.usage(&query).await
}

/// What the records say.
fn summed(args: &args::Usage, query: &Query) -> Result<Report, Failure> {
    let tariffs = args.prices.own_tariffs()?;
    let mut summing = Summing { book: Book::new(ROWS_MAX, u16::MAX), pending: HashMap::new() };
    for path in files(&args.records)? {
        let mut source = Source::open(&path)?;
        while let Some(record) = source.next_whole() {
            let Record::Exchange(mut record) = record? else {
                return Err(Failure::usage(format!(
                    "{} holds no exchange records, which `usage` sums up",
                    path.display()
                )));
            };
            if let Some(tariffs) = &tariffs {
                record.cost_nanos = prices::cost_nanos(tariffs, &record);
            }
            summing.add(&record);
        }
    }
    Ok(Report::new(&summing.book, query))
}

struct Summing {
    book: Book,
    /// Calls of the candidate that failed, by pair.
    pending: HashMap<String, (Key, Sums)>,
}

impl Summing {
    fn add(&mut self, record: &Exchange) {
        let (key, sums) = (Key::of(record), Sums::of(record));
        self.book.add(key.clone(), &sums);
        match (record.role, record.arm, record.error) {
            // Its record comes before the one of the arm that answered instead.
            (Role::Served, Arm::Candidate, Some(_)) => {
                if self.pending.len() >= PENDING_MAX {
                    self.pending.clear();
                }
                self.pending.insert(record.pair.clone(), (key, sums));
            }
            (Role::Fallback, _, _) => {
                if let Some((key, sums)) = self.pending.remove(&record.pair) {
                    self.book.charge_experiment(key, &sums);
                }
            }
            _ => {}
        }
    }
}
