//! Access logs of JSON lines whose columns a mapping file names: nginx's, and those of other proxies that write JSON.
//!
//! What to write into the mapping stands in [`mapping`]. Each line is one request; the body must have been logged
//! (`$request_body`, which nginx has only where it read the body into memory). Calls that are not known by their `path`
//! are passed over and counted.
//!
//! **Escapes.** With `escape=json` the body is JSON as text inside JSON. With `escape=default` nginx writes `\x22` and the
//! like, which is no JSON; such escapes are turned into what they stand for. What stands before the first `{` of a line
//! (a syslog head) is left out.
//!
//! **Times.** nginx logs a request when it ends: unless the mapping says `time_is = "start"`, the duration is taken off.
//! `$msec` has milliseconds; `$time_iso8601` and `$time_local` whole seconds only, so requests may come up to a second too
//! early. Durations may be lists (`0.010, 0.020 : 0.500`, a call after a retry or a redirect): their sum counts, or
//! their last, as the mapping says. `-` is nothing.
//!
//! **Status.** 499 is nginx's own word for a client that went away.

mod escapes;
mod mapping;

use super::detect::Head;
use super::entry::{Content, Entry, Identity, Reader};
use super::exchange;
use super::format::Field;
use super::input::Input;
use super::row::Row;
use super::{ImportError, ImportOptions, answered, calls, instant};
use crate::Recorded;
use jiff::Timestamp;
use jiff::fmt::strtime;
use mapping::{Column, Lists, Mapping};
use wire::{Endpoint, ErrorKind};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Time,
    Field::Session,
    Field::Consumer,
    Field::Prompt,
    Field::Answered,
    Field::Ttft,
    Field::Duration,
    Field::Usage,
    Field::Cached,
    Field::CacheWrite,
    Field::Audio,
    Field::Image,
    Field::Reasoning,
    Field::Tier,
    Field::Answer,
    Field::Tools,
    Field::FinishReason,
    Field::Error,
];

/// A client that went away, as nginx has it.
const CLIENT_CLOSED: u16 = 499;

/// Nobody can tell from the beginning of a file: its columns have names of the user's choice.
pub(super) const fn is_it(_head: &Head) -> bool {
    false
}

/// Reads the files.
///
/// # Errors
/// There is no mapping, it has a mistake, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    let path = options.mapping.as_deref().ok_or_else(|| {
        ImportError::Options(format!(
            "an access log needs a mapping: name a TOML file with --mapping\n{}",
            mapping::EXAMPLE
        ))
    })?;
    let mapping = Mapping::open(path)?;
    let rest = inputs.into_iter().rev().collect();
    Ok(Box::new(Nginx { rest, mapping, line: Vec::new(), passed_over: 0 }))
}

struct Nginx {
    /// Files that are still to be read, the current one last.
    rest: Vec<Input>,
    mapping: Mapping,
    line: Vec<u8>,
    passed_over: u64,
}

impl Reader for Nginx {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(input) = self.rest.last_mut() {
            let Some(line) = input.next_line()? else {
                self.rest.pop();
                continue;
            };
            let Some(start) = memchr::memchr(b'{', line) else {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Err(input.place().wrong("the line has no JSON object"));
            };
            escapes::undone(line.get(start..).unwrap_or_default(), &mut self.line);
            let row = Row::parse(input.place(), &self.line)?;
            match entry(&row, &self.mapping)? {
                Some(entry) => return Ok(Some(entry)),
                None => self.passed_over += 1,
            }
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// The request of a line; `None` if it is no call that can be played.
fn entry(row: &Row<'_>, mapping: &Mapping) -> Result<Option<Entry>, ImportError> {
    let text = |column: Column| match mapping.name(column) {
        Some(name) => look(row, name, text_at).map(known),
        None => Ok(None),
    };
    let (path, method) = (text(Column::Path)?, text(Column::Method)?);
    let mapped = mapping.name(Column::Path).is_some();
    let Some(endpoint) = endpoint(path.as_deref(), method.as_deref(), mapped) else {
        return Ok(None);
    };
    let column = mapping.name(Column::Body).unwrap_or_default();
    let body = look(row, column, json_at)?;
    let body = body.ok_or_else(|| {
        row.place.wrong(format!("`{column}` is empty or absent, expected the body of the call; is it logged?"))
    })?;
    let (body, model) = exchange::body(&row.place, body.as_bytes())?;
    let duration_us =
        text(Column::Duration)?.map(|text| duration(row, mapping, Column::Duration, &text)).transpose()?;
    let recorded = match text(Column::Status)? {
        Some(status) => {
            let mut recorded = Recorded::new(mapping.provider(), model, status_of(row, mapping, &status)?);
            recorded.duration_us = duration_us;
            recorded.ttft_us =
                text(Column::Ttft)?.map(|text| duration(row, mapping, Column::Ttft, &text)).transpose()?;
            let answer = match mapping.name(Column::Answer) {
                Some(name) => look(row, name, answer_text)?,
                None => None,
            };
            fill(&mut recorded, endpoint, answer);
            Some(recorded)
        }
        None => None,
    };
    let at_us = text(Column::Time)?.map(|text| at_us(row, mapping, &text)).transpose()?;
    let before = duration_us.filter(|_| mapping.time_is_end()).unwrap_or(0);
    let consumer = text(Column::Consumer)?;
    let named = |name: String| if mapping.consumer_is_name() { Identity::Name(name) } else { Identity::Secret(name) };
    Ok(Some(Entry {
        id: text(Column::Id)?,
        at_us: at_us.map(|at_us| at_us.saturating_sub_unsigned(before)),
        session: text(Column::Session)?.map(Identity::Secret),
        consumer: consumer.map(named),
        endpoint,
        recorded,
        ..Entry::new(row.place.clone(), Content::Body(body))
    }))
}

/// A member, or one of objects within objects whose names are joined by dots.
fn look<T>(
    row: &Row<'_>,
    name: &str,
    read: impl Fn(&Row<'_>, &str) -> Result<Option<T>, ImportError> + Copy,
) -> Result<Option<T>, ImportError> {
    if row.has(name) {
        return read(row, name);
    }
    let Some((outer, inner)) = name.split_once('.') else { return Ok(None) };
    match row.get(outer).filter(|value| value.get().starts_with('{')) {
        Some(value) => look(&Row::parse(row.place.clone(), value.get().as_bytes())?, inner, read),
        None => Ok(None),
    }
}

fn text_at(row: &Row<'_>, name: &str) -> Result<Option<String>, ImportError> {
    row.text(name)
}

fn json_at(row: &Row<'_>, name: &str) -> Result<Option<String>, ImportError> {
    row.json(name)
}

/// What is not `-`.
fn known(text: Option<String>) -> Option<String> {
    text.filter(|text| !matches!(text.trim(), "" | "-"))
}

/// The endpoint by the path, which may be a whole request line; chat where no path is logged.
fn endpoint(path: Option<&str>, method: Option<&str>, mapped: bool) -> Option<Endpoint> {
    let Some(path) = path else { return (!mapped).then_some(Endpoint::Chat) };
    let mut words = path.split_ascii_whitespace();
    let (first, second) = (words.next()?, words.next());
    let (method, path) = match second {
        Some(path) => (first, path),
        None => (method.unwrap_or("POST"), first),
    };
    calls::endpoint(path).filter(|_| method.eq_ignore_ascii_case("POST"))
}

fn status_of(row: &Row<'_>, mapping: &Mapping, text: &str) -> Result<u16, ImportError> {
    // Of a call that was retried, the last status counts.
    let last = text.rsplit([',', ':']).next().unwrap_or_default().trim();
    let status = last.parse().ok().filter(|status| *status < 1000);
    status.ok_or_else(|| {
        row.place.wrong(format!("`{}` is no status, expected one like 200", mapping.shown(Column::Status)))
    })
}

fn duration(row: &Row<'_>, mapping: &Mapping, column: Column, text: &str) -> Result<u64, ImportError> {
    let wrong =
        || row.place.wrong(format!("`{}` is no duration, expected a number or a list of them", mapping.shown(column)));
    let mut total = 0_u64;
    let parts = text.split([',', ':']).map(str::trim).filter(|part| !matches!(*part, "" | "-"));
    for part in parts {
        let number = super::number::decimal(part).ok_or_else(wrong)?;
        let part = super::row::duration_of(number, mapping.unit_us(column)).ok_or_else(wrong)?;
        total = if mapping.lists() == Lists::Sum { total.saturating_add(part) } else { part };
    }
    Ok(total)
}

/// An instant, also in the words of the common log format.
fn at_us(row: &Row<'_>, mapping: &Mapping, text: &str) -> Result<i64, ImportError> {
    let common = || strtime::parse("%d/%b/%Y:%H:%M:%S %z", text.trim_matches(['[', ']'])).ok()?.to_timestamp().ok();
    instant::of_text(text).or_else(|| common().map(Timestamp::as_microsecond)).ok_or_else(|| {
        let column = mapping.shown(Column::Time);
        row.place.wrong(format!("`{column}` is no instant, expected `$msec`, `$time_iso8601` or `$time_local`"))
    })
}

/// An answer as it was logged: as text, or as the object itself.
fn answer_text(row: &Row<'_>, name: &str) -> Result<Option<String>, ImportError> {
    match row.get(name) {
        Some(value) if value.get().starts_with(['{', '[']) => Ok(Some(value.get().to_owned())),
        _ => row.text(name),
    }
}

/// Notes status and answer. Access logs cut long answers off, which is not held against the provider.
fn fill(recorded: &mut Recorded, endpoint: Endpoint, answer: Option<String>) {
    let answer = known(answer).unwrap_or_default();
    let plain = !answer.trim_start().starts_with('{') && !answered::is_event_stream(answer.as_bytes());
    if plain && !answer.is_empty() && ErrorKind::of_status(recorded.status).is_none() {
        recorded.answer = Some(answer);
        return;
    }
    exchange::answer(recorded, endpoint, answer.as_bytes(), false);
    if recorded.status == CLIENT_CLOSED {
        recorded.error = Some(ErrorKind::ClientCancelled);
    }
    if recorded.status == 0 {
        recorded.error = Some(ErrorKind::Connect);
    }
}

#[cfg(test)]
mod tests;
