//! The table of rates.

use super::super::ImportError;
use super::super::entry::Place;
use super::super::finish::NAME_BYTES_MAX;
use super::super::input::Input;
use super::super::number::{decimal, micros};
use super::super::table::{Row, Table};
use std::collections::{BTreeMap, HashMap, VecDeque};

pub(super) const COLUMNS: [&str; 5] = ["client", "window_start_s", "rate_rps", "interarrival_family", "param1"];

/// Windows of all clients together that are kept: some 50 MB.
const WINDOWS_MAX: usize = 250_000;
/// Rows that are told to be wrong before the table is given up.
const ERRORS_MAX: usize = 10_000;
/// Length of a window where no client has two.
const WINDOW_US: u64 = 600_000_000;
/// Highest rate of one client, a second. The instants are whole microseconds.
const RATE_MAX: f64 = 100_000.0;
/// Shapes between which the families can be drawn; beyond them no measured traffic lies.
const SHAPES: std::ops::RangeInclusive<f64> = 0.01..=10_000.0;

/// The clients, in the order of the table.
pub(super) struct RateTable {
    pub(super) clients: Vec<Client>,
    pub(super) windows: usize,
    pub(super) window_us: u64,
}

pub(super) struct Client {
    pub(super) name: String,
    /// In the order of time.
    pub(super) windows: VecDeque<Window>,
}

#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) place: Place,
    pub(super) start_us: u64,
    pub(super) rate: f64,
    pub(super) family: Family,
    pub(super) shape: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Gamma,
    Weibull,
}

impl RateTable {
    /// Reads the files; rows that are wrong go to `errors`.
    ///
    /// # Errors
    /// A file cannot be read, or has too many rows.
    pub(super) fn read(inputs: Vec<Input>, errors: &mut VecDeque<ImportError>) -> Result<Self, ImportError> {
        let mut clients: Vec<(String, BTreeMap<u64, Window>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut windows = 0;
        for input in inputs {
            let mut table = Table::open(input, &COLUMNS)?;
            while let Some(row) = table.next_row()? {
                let (name, window) = match window(&row) {
                    Ok(Some(found)) => found,
                    Ok(None) => continue,
                    Err(error) => {
                        collect(errors, error, &row)?;
                        continue;
                    }
                };
                windows += 1;
                if windows > WINDOWS_MAX {
                    let message = format!("the table has more than {WINDOWS_MAX} windows; split it by time");
                    return Err(ImportError::broken(&window.place.path, window.place.line, message));
                }
                let place = *places.entry(name.clone()).or_insert_with(|| {
                    clients.push((name, BTreeMap::new()));
                    clients.len() - 1
                });
                if let Some((_, windows)) = clients.get_mut(place) {
                    windows.insert(window.start_us, window);
                }
            }
        }
        let gaps = clients.iter().flat_map(|(_, windows)| windows.keys().zip(windows.keys().skip(1)));
        let window_us = gaps.map(|(one, two)| two - one).min().unwrap_or(WINDOW_US);
        let clients = clients
            .into_iter()
            .map(|(name, windows)| Client { name, windows: windows.into_values().collect() })
            .collect();
        Ok(Self { clients, windows, window_us })
    }
}

/// Keeps an error of a row for later.
///
/// # Errors
/// There are too many.
pub(super) fn collect(
    errors: &mut VecDeque<ImportError>,
    error: ImportError,
    row: &Row<'_>,
) -> Result<(), ImportError> {
    if !error.is_of_a_row() {
        return Err(error);
    }
    if errors.len() >= ERRORS_MAX {
        let place = row.place();
        return Err(ImportError::broken(&place.path, place.line, format!("more than {ERRORS_MAX} rows are wrong")));
    }
    errors.push_back(error);
    Ok(())
}

/// The name of a row's client. Tables are kept in memory, so its length has a bound.
pub(super) fn client(row: &Row<'_>) -> Result<String, ImportError> {
    let name = row.needed("client")?;
    if name.len() > NAME_BYTES_MAX {
        return Err(row
            .place()
            .wrong(format!("`client` is longer than {NAME_BYTES_MAX} bytes; give it a shorter name")));
    }
    Ok(name.to_owned())
}

/// When a window begins.
pub(super) fn start_us(row: &Row<'_>) -> Result<u64, ImportError> {
    decimal(row.needed("window_start_s")?)
        .and_then(|seconds| micros(seconds, 1e6))
        .ok_or_else(|| row.place().wrong("`window_start_s` is no number, expected seconds"))
}

/// A client's window; `None` where nothing was sent.
fn window(row: &Row<'_>) -> Result<Option<(String, Window)>, ImportError> {
    let place = row.place();
    let name = client(row)?;
    let start_us = start_us(row)?;
    let rate = decimal(row.needed("rate_rps")?).filter(|rate| *rate <= RATE_MAX);
    let rate = rate.ok_or_else(|| place.wrong(format!("`rate_rps` is no number from 0 to {RATE_MAX}")))?;
    if rate <= 0.0 {
        return Ok(None);
    }
    let family = match row.needed("interarrival_family")?.to_ascii_lowercase().as_str() {
        "gamma" => Family::Gamma,
        "weibull" => Family::Weibull,
        _ => return Err(place.wrong("`interarrival_family` is another word, expected `Gamma` or `Weibull`")),
    };
    let shape = decimal(row.needed("param1")?).filter(|shape| SHAPES.contains(shape));
    let shape = shape.ok_or_else(|| {
        let (low, high) = (SHAPES.start(), SHAPES.end());
        place.wrong(format!("`param1` is no number from {low} to {high}, expected the shape of the family"))
    })?;
    Ok(Some((name, Window { place, start_us, rate, family, shape })))
}
