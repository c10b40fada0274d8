//! Exchanges as typed columns.
//!
//! Only what the join needs becomes a column; everything else stays in the rows, and `row` leads back to it.

use crate::load::role_rank;
use datasets::{Arm, Exchange};
use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series};

/// Position in the rows, `u32`.
pub const ROW: &str = "row";
/// Pair id, string.
pub const PAIR: &str = "pair";
/// The candidate's (else the baseline's), boolean.
pub const CANDIDATE: &str = "candidate";
/// Rank of the role, `u32`: served 0, replayed 1, shadow 2.
pub const ROLE: &str = "role";

/// The columns [`ROW`], [`PAIR`], [`CANDIDATE`], [`ROLE`], in the order of the rows.
///
/// # Errors
/// More than 2^32 rows, or polars refuses (a bug).
pub fn frame(exchanges: &[Exchange]) -> PolarsResult<DataFrame> {
    let rows: Vec<u32> = (0..).take(exchanges.len()).collect();
    let pairs: Vec<&str> = exchanges.iter().map(|exchange| exchange.pair.as_str()).collect();
    let candidate: Vec<bool> = exchanges.iter().map(|exchange| exchange.arm == Arm::Candidate).collect();
    let roles: Vec<u32> = exchanges.iter().map(|exchange| role_rank(exchange.role)).collect();
    let columns: Vec<Column> = [
        Series::new(ROW.into(), rows),
        Series::new(PAIR.into(), pairs),
        Series::new(CANDIDATE.into(), candidate),
        Series::new(ROLE.into(), roles),
    ]
    .into_iter()
    .map(Column::from)
    .collect();
    DataFrame::new(exchanges.len(), columns)
}
