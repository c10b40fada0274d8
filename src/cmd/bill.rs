//! `weighbridge bill`: what was paid, what the other arm would have cost, what moving saves. Nobody is called.

mod csv_file;
mod table;

use super::evaluate::{failure, is_standard_output, write};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use evaluator::bill::{Column, StatementOptions, statement};

pub(super) fn run(args: &args::Bill) -> Result<Exit, Failure> {
    let options = StatementOptions {
        migration: args.migration.clone(),
        skip_broken: args.skip_broken,
        tariffs: args.prices.tariffs()?,
        columns: columns(&args.by)?,
        priced_at_us: args.at.as_deref().map(instant).transpose()?,
        month_requests: args.month_requests.map(requests).transpose()?,
        doubted_at_us: Some(jiff::Timestamp::now().as_microsecond()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let document = statement(&args.records, &options).map_err(|error| failure(&error))?;
    let csv = args.csv.as_ref().map(|path| csv_file::of(&document).map(|csv| (path, csv))).transpose();
    let csv = csv.map_err(|error| Failure { exit: Exit::Bug, message: format!("a bill is no table: {error}") })?;
    if args.json {
        let json = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("a bill does not serialise: {error}") })?;
        render::result(&(json + "\n"));
    } else if let Some((_, csv)) = csv.as_ref().filter(|(path, _)| is_standard_output(path)) {
        render::result(&String::from_utf8_lossy(csv));
    } else {
        render::result(&table::of(&document));
    }
    if let Some((path, csv)) = csv.filter(|(path, _)| !is_standard_output(path)) {
        write(path, &csv)?;
    }
    document.left_out.iter().for_each(|remark| render::note(remark));
    Ok(Exit::Done)
}

fn columns(text: &str) -> Result<Vec<Column>, Failure> {
    let known = || Column::ALL.map(Column::name).join(", ");
    let mut columns = Vec::new();
    for name in text.split(',').map(str::trim) {
        let column = Column::ALL.into_iter().find(|column| column.name() == name);
        let column = column.ok_or_else(|| {
            Failure::usage(format!("--by names `{name}`: expected columns with commas between them, of {}", known()))
        })?;
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}

fn instant(text: &str) -> Result<i64, Failure> {
    let wrong = |_| {
        Failure::usage(format!("--at is `{text}`: expected an instant with its offset, such as 2026-11-23T02:00:00Z"))
    };
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_microsecond).map_err(wrong)
}

fn requests(number: f64) -> Result<f64, Failure> {
    if number > 0.0 && number <= 1e12 {
        return Ok(number);
    }
    Err(Failure::usage(format!("--month-requests is {number}: expected a number of requests above 0, at most 1e12")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_be_say_what_was_expected() {
        assert_eq!(columns("day, arm,day").unwrap(), [Column::Day, Column::Arm]);
        assert!(columns("arm,hours").unwrap_err().message.contains("`hours`"));
        assert_eq!(instant("1970-01-01T00:00:01Z").unwrap(), 1_000_000);
        assert!(instant("today").unwrap_err().message.contains("--at"));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(requests(wrong).unwrap_err().exit, Exit::Usage);
        }
    }
}
