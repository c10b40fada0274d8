//! The price table: dated rows, read from CSV.

use super::Period;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Provider name.
    pub provider: String,
    /// Model name.
    pub model: String,
    /// Hours it is for.
    pub period: Period,
    /// Uncached input, pico-dollars a token.
    pub input_pico: u64,
    /// Cached input, pico-dollars a token.
    pub cached_pico: u64,
    /// Output, pico-dollars a token.
    pub output_pico: u64,
    /// First instant it holds, microseconds since the Unix epoch.
    pub valid_from_us: i64,
    /// Where the price was read.
    pub source: String,
}

/// A price table.
#[derive(Debug, Clone)]
pub struct Tariffs {
    rows: Vec<Row>,
    digest: String,
}

/// What is wrong with a price table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("price table, line {line}: {message}")]
pub struct TariffError {
    /// Line in the text, the heading being 1.
    pub line: u64,
    /// What was expected and found.
    pub message: String,
}

#[derive(Deserialize)]
struct Line {
    provider: String,
    model: String,
    period: String,
    input_usd_per_mtok: String,
    cached_usd_per_mtok: String,
    output_usd_per_mtok: String,
    valid_from: String,
    source: String,
}

impl Tariffs {
    /// The table that comes with this version.
    ///
    /// # Errors
    /// Never in a released version: a test reads the embedded table.
    pub fn embedded() -> Result<Self, TariffError> {
        Self::parse(include_str!("tariffs.csv"))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// A line is not of the form that the heading of the embedded table shows; the error names it.
    pub fn parse(text: &str) -> Result<Self, TariffError> {
        let mut rows = Vec::new();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for line in reader.deserialize::<Line>() {
            let number = rows.len() as u64 + 2;
            let line = line.map_err(|error| TariffError {
                line: error.position().map_or(number, csv::Position::line),
                message: error.to_string(),
            })?;
            rows.push(row(line).map_err(|message| TariffError { line: number, message })?);
        }
        let digest = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { rows, digest })
    }

    /// SHA-256 of the table's text, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The row in force: the newest one that had begun. A dated snapshot (`gpt-4o-2024-08-06`) has the price of
    /// its model.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str, at_us: i64) -> Option<&Row> {
        let newest = |name: &str| {
            self.rows
                .iter()
                .filter(|row| row.provider == provider && row.model == name)
                .filter(|row| row.valid_from_us <= at_us && row.period.contains(at_us))
                .max_by_key(|row| row.valid_from_us)
        };
        newest(model).or_else(|| newest(without_date(model)?))
    }
}

/// `name-2024-08-06` without its date.
fn without_date(model: &str) -> Option<&str> {
    let cut = model.len().checked_sub(11)?;
    let (name, date) = (model.get(..cut)?, model.get(cut..)?);
    let dated = date.bytes().enumerate().all(|(index, byte)| match index {
        0 | 5 | 8 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    dated.then_some(name)
}

fn row(line: Line) -> Result<Row, String> {
    let period = match line.period.as_str() {
        "any" => Period::Any,
        "peak" => Period::Peak,
        "offpeak" => Period::OffPeak,
        other => return Err(format!("period is `{other}`: expected any, peak or offpeak")),
    };
    let valid_from: jiff::Timestamp = line
        .valid_from
        .parse()
        .map_err(|_| format!("valid_from is `{}`: expected a time such as 2026-09-10T04:00:00Z", line.valid_from))?;
    Ok(Row {
        period,
        input_pico: pico("input_usd_per_mtok", &line.input_usd_per_mtok)?,
        cached_pico: pico("cached_usd_per_mtok", &line.cached_usd_per_mtok)?,
        output_pico: pico("output_usd_per_mtok", &line.output_usd_per_mtok)?,
        valid_from_us: valid_from.as_microsecond(),
        provider: line.provider,
        model: line.model,
        source: line.source,
    })
}

/// Dollars per million tokens, at most six decimals, as pico-dollars a token; exact, without floating point.
fn pico(column: &str, text: &str) -> Result<u64, String> {
    let wrong = || format!("{column} is `{text}`: expected dollars with at most six decimals, such as 0.15");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<6}").parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "provider,model,period,input_usd_per_mtok,cached_usd_per_mtok,output_usd_per_mtok,valid_from,source\n";

    #[test]
    fn mistakes_name_line_and_column() {
        let parse =
            |line: &str| Tariffs::parse(&format!("{HEAD}p,m,any,1,1,1,2026-01-01T00:00:00Z,s\n{line}\n")).unwrap_err();
        for (line, word) in [
            ("p,m,night,1,1,1,2026-01-01T00:00:00Z,s", "period"),
            ("p,m,any,-1,1,1,2026-01-01T00:00:00Z,s", "input_usd_per_mtok"),
            ("p,m,any,1,0.1234567,1,2026-01-01T00:00:00Z,s", "cached_usd_per_mtok"),
            ("p,m,any,1,1,1,yesterday,s", "valid_from"),
            ("p,m", "fields"),
        ] {
            let error = parse(line);
            assert_eq!(error.line, 3, "{line}");
            assert!(error.message.contains(word), "{error}");
        }
    }

    #[test]
    fn dates_are_cut_off_names() {
        assert_eq!(without_date("gpt-4o-2024-08-06"), Some("gpt-4o"));
        assert_eq!(without_date("gpt-4o"), None);
        assert_eq!(without_date("gpt-4o-mini-preview"), None);
    }
}
