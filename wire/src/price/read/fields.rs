//! Fields of a TOML table with their lines.

use crate::price::TariffError;
use crate::price::amount::{Amount, Factor};
use crate::price::stale::Mark;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

/// A text and where its lines begin.
#[derive(Debug)]
pub(super) struct Document<'t> {
    table: Spanned<DeTable<'t>>,
    line_starts: Vec<usize>,
}

/// A table within a document. It remembers what was asked of it, so that the rest can be refused.
#[derive(Debug)]
pub(super) struct Fields<'d> {
    line_starts: &'d [usize],
    path: String,
    table: &'d DeTable<'d>,
    line: u64,
    asked: Vec<&'static str>,
}

/// The kind of a value, as an error names it.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Line of an offset, from 1.
fn line_of(line_starts: &[usize], offset: usize) -> u64 {
    line_starts.partition_point(|start| *start <= offset) as u64
}

impl<'t> Document<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, TariffError> {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        let line_starts: Vec<usize> = std::iter::once(0).chain(after).collect();
        let table = DeTable::parse(text).map_err(|error| TariffError {
            line: error.span().map_or(1, |span| line_of(&line_starts, span.start)),
            field: String::new(),
            message: format!("is not TOML: {}", error.message().replace('\n', ", ")),
        })?;
        Ok(Self { table, line_starts })
    }

    pub(super) fn root(&self) -> Fields<'_> {
        Fields {
            line_starts: &self.line_starts,
            path: String::new(),
            table: self.table.get_ref(),
            line: 1,
            asked: Vec::new(),
        }
    }
}

impl<'d> Fields<'d> {
    /// Line on which the table stands.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn line_of(&self, offset: usize) -> u64 {
        line_of(self.line_starts, offset)
    }

    fn entry(&self, key: &str) -> Option<(&'d Spanned<toml::de::DeString<'d>>, &'d Spanned<DeValue<'d>>)> {
        self.table.get_key_value(key)
    }

    /// A mistake in a field; on the line of its key, or of the table if it is missing.
    pub(super) fn wrong(&self, key: &str, message: String) -> TariffError {
        let line = self.entry(key).map_or(self.line, |(key, _)| self.line_of(key.span().start));
        TariffError { line, field: self.field(key), message }
    }

    fn unexpected(&self, key: &str, value: &DeValue<'_>, expected: &str) -> TariffError {
        self.wrong(key, format!("is {}: expected {expected}", kind(value)))
    }

    fn get(&mut self, key: &'static str) -> Option<&'d DeValue<'d>> {
        self.asked.push(key);
        self.entry(key).map(|(_, value)| value.get_ref())
    }

    /// The value of a field that must not be missing.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>, expected: &str) -> Result<T, TariffError> {
        value.ok_or_else(|| self.wrong(key, format!("is missing: expected {expected}")))
    }

    /// Text that says something, on one line.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'d str>, TariffError> {
        let value = match self.get(key) {
            None => return Ok(None),
            Some(DeValue::String(text)) => text.trim(),
            Some(other) => return Err(self.unexpected(key, other, "text in quotes")),
        };
        if value.is_empty() || value.chars().any(char::is_control) || value.len() > 1000 {
            return Err(self.wrong(
                key,
                "is empty, longer than 1000 bytes or has more than one line: expected a short text".to_owned(),
            ));
        }
        Ok(Some(value))
    }

    /// A name that must be there.
    pub(super) fn name(&mut self, key: &'static str, expected: &str) -> Result<String, TariffError> {
        let name = self.text(key)?;
        self.required(key, name, expected).map(str::to_owned)
    }

    /// Where the facts of the table were read.
    pub(super) fn source(&mut self) -> Result<String, TariffError> {
        self.name("source", "where this was read, and when")
    }

    pub(super) fn mark(&mut self) -> Result<Option<Mark>, TariffError> {
        match self.text("mark")? {
            None => Ok(None),
            Some("unverified") => Ok(Some(Mark::Unverified)),
            Some("inferred") => Ok(Some(Mark::Inferred)),
            Some(other) => Err(self.wrong("mark", format!("is `{other}`: expected \"unverified\" or \"inferred\""))),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool, TariffError> {
        match self.get(key) {
            None => Ok(false),
            Some(DeValue::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.unexpected(key, other, "true or false")),
        }
    }

    /// A count above zero.
    pub(super) fn count(&mut self, key: &'static str) -> Result<Option<u64>, TariffError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::Integer(integer)) => {
                let count = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|count| *count > 0);
                count.map(Some).ok_or_else(|| self.wrong(key, format!("is {integer}: expected a whole number above 0")))
            }
            Some(other) => Err(self.unexpected(key, other, "a whole number above 0")),
        }
    }

    pub(super) fn amount(&mut self, key: &'static str) -> Result<Option<Amount>, TariffError> {
        const EXPECTED: &str =
            "an amount such as \"0.15\": digits in quotes, at most nine before and six after the point, no sign";
        self.decimal(key, EXPECTED, Amount::parse)
    }

    pub(super) fn factor(&mut self, key: &'static str) -> Result<Option<Factor>, TariffError> {
        const EXPECTED: &str =
            "a factor such as \"0.5\": digits in quotes, above 0, at most three before and four after the point";
        self.decimal(key, EXPECTED, Factor::parse)
    }

    fn decimal<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, TariffError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::String(text)) => {
                let value = parse(text);
                let shown: String = text.chars().filter(|character| !character.is_control()).take(40).collect();
                value.map(Some).ok_or_else(|| self.wrong(key, format!("is `{shown}`: expected {expected}")))
            }
            Some(other) => Err(self.unexpected(key, other, expected)),
        }
    }

    /// An instant, microseconds since the Unix epoch; a date alone is its first instant in UTC.
    pub(super) fn instant(&mut self, key: &'static str) -> Result<Option<i64>, TariffError> {
        const EXPECTED: &str = "an instant such as 2026-09-10T04:00:00Z, or a day such as 2026-09-10, which begins at 00:00 UTC; no quotes";
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::Datetime(at)) => {
                instant_us(at).map(Some).ok_or_else(|| self.wrong(key, format!("is {at}: expected {EXPECTED}")))
            }
            Some(other) => Err(self.unexpected(key, other, EXPECTED)),
        }
    }

    /// A day, days since 1 January 1970, and as it is written.
    pub(super) fn day(&mut self, key: &'static str) -> Result<Option<(i64, String)>, TariffError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => day_of(value).map(Some).ok_or_else(|| {
                self.wrong(key, "is no day: expected one such as 2026-11-22, without quotes".to_owned())
            }),
        }
    }

    /// Days, ascending, each once.
    pub(super) fn days(&mut self, key: &'static str) -> Result<Vec<i64>, TariffError> {
        let expected = "a list of days such as [2026-10-01, 2026-10-02], without quotes";
        let mut days = Vec::new();
        for item in self.list(key, expected)? {
            let line = self.line_of(item.span().start);
            let day = day_of(item.get_ref()).map(|(day, _)| day).ok_or_else(|| TariffError {
                line,
                field: self.field(key),
                message: format!("holds {}: expected {expected}", kind(item.get_ref())),
            })?;
            days.push(day);
        }
        days.sort_unstable();
        days.dedup();
        Ok(days)
    }

    /// Texts of a list, with their lines.
    pub(super) fn texts(&mut self, key: &'static str, expected: &str) -> Result<Vec<&'d str>, TariffError> {
        let mut texts = Vec::new();
        for item in self.list(key, expected)? {
            match item.get_ref() {
                DeValue::String(text) => texts.push(text.as_ref()),
                other => return Err(self.wrong(key, format!("holds {}: expected {expected}", kind(other)))),
            }
        }
        Ok(texts)
    }

    fn list(&mut self, key: &'static str, expected: &str) -> Result<&'d [Spanned<DeValue<'d>>], TariffError> {
        match self.get(key) {
            None => Ok(&[]),
            Some(DeValue::Array(items)) if items.len() <= 4096 => Ok(items),
            Some(DeValue::Array(_)) => Err(self.wrong(key, "has more than 4096 items: expected fewer".to_owned())),
            Some(other) => Err(self.unexpected(key, other, expected)),
        }
    }

    /// Whether a field is a table (and not, say, a text).
    pub(super) fn is_table(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|(_, value)| matches!(value.get_ref(), DeValue::Table(_)))
    }

    /// A table in the table.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Fields<'d>>, TariffError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::Table(table)) => Ok(Some(self.inner(key, self.field(key), table))),
            Some(other) => Err(self.unexpected(key, other, "a table")),
        }
    }

    fn inner(&self, key: &str, path: String, table: &'d DeTable<'d>) -> Fields<'d> {
        let line = self.entry(key).map_or(self.line, |(key, _)| self.line_of(key.span().start));
        Fields { line_starts: self.line_starts, path, table, line, asked: Vec::new() }
    }

    /// Tables `[key.NAME]` with their names.
    pub(super) fn named(&mut self, key: &'static str) -> Result<Vec<(String, Fields<'d>)>, TariffError> {
        let Some(outer) = self.table(key)? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for (name, value) in outer.table {
            let text: &str = name.get_ref();
            match value.get_ref() {
                DeValue::Table(table) => all.push((text.to_owned(), outer.inner(text, outer.field(text), table))),
                other => return Err(outer.unexpected(text, other, "a table")),
            }
        }
        Ok(all)
    }

    /// Tables `[[key]]`.
    pub(super) fn repeated(&mut self, key: &'static str, most: usize) -> Result<Vec<Fields<'d>>, TariffError> {
        let items = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(DeValue::Array(items)) if items.len() <= most => items,
            Some(DeValue::Array(_)) => {
                return Err(self.wrong(key, format!("has more than {most} entries: expected fewer")));
            }
            Some(other) => return Err(self.unexpected(key, other, &format!("tables that begin with [[{key}]]"))),
        };
        let mut all = Vec::new();
        for item in items {
            let DeValue::Table(table) = item.get_ref() else {
                return Err(self.unexpected(key, item.get_ref(), &format!("tables that begin with [[{key}]]")));
            };
            let line = self.line_of(item.span().start);
            all.push(Fields { line_starts: self.line_starts, path: key.to_owned(), table, line, asked: Vec::new() });
        }
        Ok(all)
    }

    /// Refuses a key that nobody asked for.
    pub(super) fn finish(self) -> Result<(), TariffError> {
        let unknown = self.table.iter().map(|(key, _)| key.get_ref()).find(|key| !self.asked.contains(&key.as_ref()));
        match unknown {
            None => Ok(()),
            Some(key) => {
                let shown: String = key.chars().filter(|character| !character.is_control()).take(60).collect();
                let mut error = self.wrong(key, String::new());
                error.field = self.field(&shown);
                error.message = format!("is not known: expected one of {}", self.asked.join(", "));
                Err(error)
            }
        }
    }
}

fn instant_us(at: &Datetime) -> Option<i64> {
    if at.date.is_some() && at.time.is_some() && at.offset.is_some() {
        return at.to_string().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
    }
    day_number(at)?.checked_mul(86_400_000_000)
}

/// Days since 1 January 1970 of a date without a time.
fn day_number(at: &Datetime) -> Option<i64> {
    let (date, None, None) = (at.date?, at.time, at.offset) else { return None };
    let (year, month, day) =
        (i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    let midnight = jiff::civil::Date::new(year, month, day).ok()?.at(0, 0, 0, 0);
    Some(TimeZone::UTC.to_timestamp(midnight).ok()?.as_second().div_euclid(86_400))
}

fn day_of(value: &DeValue<'_>) -> Option<(i64, String)> {
    match value {
        DeValue::Datetime(at) => Some((day_number(at)?, at.to_string())),
        _ => None,
    }
}
