//! A policy's text.

use super::Policy;
use super::freeze::{DAYS, Freeze, Window, clock, zone};
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(file.as_deref(), *line))]
pub struct PolicyError {
    /// File, where it came from one.
    pub file: Option<PathBuf>,
    /// Line, from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// What was found, and what was expected.
    pub message: String,
}

fn place(file: Option<&Path>, line: Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}, line {line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        (None, Some(line)) => format!("line {line}: "),
        (None, None) => String::new(),
    }
}

impl PolicyError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let message = format!("the policy cannot be read: {error}; check --policy");
        Self { file: Some(path.to_owned()), line: None, message }
    }

    pub(super) fn of_file(self, path: &Path) -> Self {
        Self { file: Some(path.to_owned()), ..self }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    max_age: Option<Spanned<String>>,
    cool_down: Option<Spanned<String>>,
    unsigned: Option<Spanned<String>>,
    keys: Option<Vec<PathBuf>>,
    ladder_percent: Option<Spanned<Vec<f64>>>,
    kill_switch: Option<Spanned<PathBuf>>,
    kill_switch_variable: Option<Spanned<String>>,
    freeze: Option<Vec<Spanned<RawFreeze>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFreeze {
    #[serde(default)]
    why: String,
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    days: Option<Spanned<Vec<String>>>,
    hours: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
}

/// The text, for lines.
#[derive(Clone, Copy)]
struct Source<'a>(&'a str);

impl Source<'_> {
    fn line(self, offset: usize) -> usize {
        self.0.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(self, span: Range<usize>, message: String) -> PolicyError {
        PolicyError { file: None, line: Some(self.line(span.start)), message }
    }

    /// A value that is none of what its key may say.
    fn value(self, span: Range<usize>, key: &str, found: &str, expected: &str) -> PolicyError {
        self.wrong(span, format!("`{key}` is {found}; expected {expected}"))
    }
}

pub(super) fn parse(text: &str) -> Result<Policy, PolicyError> {
    let source = Source(text);
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let message = with_nearest_key(error.message());
        source.wrong(error.span().unwrap_or_default(), message)
    })?;
    let mut policy = Policy::default();
    if let Some(age) = &raw.max_age {
        policy.max_age = time(source, "max_age", age)?;
    }
    if let Some(pause) = &raw.cool_down {
        policy.cool_down = time(source, "cool_down", pause)?;
    }
    if let Some(word) = &raw.unsigned {
        policy.allow_unsigned = match word.get_ref().as_str() {
            "refuse" => false,
            "allow" => true,
            other => {
                return Err(source.value(word.span(), "unsigned", &quoted(other), "\"refuse\" or \"allow\""));
            }
        };
    }
    policy.keys = raw.keys.unwrap_or_default();
    if let Some(ladder) = &raw.ladder_percent {
        policy.ladder_percent = rungs(source, ladder)?;
    }
    policy.kill_switch =
        some(source, "kill_switch", "the name of a file", raw.kill_switch, |path| path.as_os_str().is_empty())?;
    policy.kill_switch_variable =
        some(source, "kill_switch_variable", "the name of a variable", raw.kill_switch_variable, |name| {
            name.is_empty() || name.contains(['=', '\0'])
        })?;
    let freezes = raw.freeze.unwrap_or_default();
    policy.freeze = freezes.into_iter().map(|raw| freeze(source, raw)).collect::<Result<_, _>>()?;
    Ok(policy)
}

/// A time with its unit, such as `90s`, `24h` or `7d`; a day has 24 hours.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

fn time(source: Source<'_>, key: &str, text: &Spanned<String>) -> Result<Duration, PolicyError> {
    let expected = "a time with its unit, such as \"45s\", \"30m\", \"24h\" or \"7d\"";
    duration(text.get_ref()).ok_or_else(|| source.value(text.span(), key, &quoted(text.get_ref()), expected))
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    format!("{short:?}")
}

fn some<T>(
    source: Source<'_>,
    key: &str,
    expected: &str,
    value: Option<Spanned<T>>,
    is_wrong: impl Fn(&T) -> bool,
) -> Result<Option<T>, PolicyError> {
    match value {
        Some(value) if is_wrong(value.get_ref()) => Err(source.value(value.span(), key, "no name", expected)),
        value => Ok(value.map(Spanned::into_inner)),
    }
}

fn rungs(source: Source<'_>, ladder: &Spanned<Vec<f64>>) -> Result<Vec<f64>, PolicyError> {
    let rungs = ladder.get_ref();
    let hundredths: Option<Vec<u32>> = rungs.iter().map(|rung| crate::rule::hundredths(*rung)).collect();
    let sound = hundredths.is_some_and(|rungs| {
        rungs.first().is_some_and(|first| *first > 0) && rungs.windows(2).all(|pair| pair[0] < pair[1])
    });
    if sound {
        return Ok(rungs.clone());
    }
    let expected = "ascending percentages, each above 0 and at most 100, in steps of 0.01";
    Err(source.value(ladder.span(), "ladder_percent", &format!("{rungs:?}"), expected))
}

fn freeze(source: Source<'_>, raw: Spanned<RawFreeze>) -> Result<Freeze, PolicyError> {
    let span = raw.span();
    let RawFreeze { why, from, to, days, hours, zone } = raw.into_inner();
    let window = match (from, to, days, hours, zone) {
        (Some(from), Some(to), None, None, None) => dated(source, &from, &to)?,
        (None, None, Some(days), Some(hours), Some(zone)) => weekly(source, &days, &hours, &zone)?,
        _ => {
            let expected = "either `from` and `to`, or `days`, `hours` and `zone`";
            return Err(source.value(span, "freeze", "neither dated nor weekly", expected));
        }
    };
    Ok(Freeze { why, window })
}

fn dated(source: Source<'_>, from: &Spanned<String>, to: &Spanned<String>) -> Result<Window, PolicyError> {
    let instant = |key: &str, text: &Spanned<String>| {
        let expected = "an instant with its offset, such as \"2026-12-18T18:00:00+01:00\"";
        let at: Result<jiff::Timestamp, _> = text.get_ref().parse();
        at.map(jiff::Timestamp::as_microsecond)
            .map_err(|_| source.value(text.span(), key, &quoted(text.get_ref()), expected))
    };
    let (from_us, to_us) = (instant("from", from)?, instant("to", to)?);
    if from_us >= to_us {
        return Err(source.value(to.span(), "to", &quoted(to.get_ref()), "an instant after `from`"));
    }
    Ok(Window::Dated { from_us, to_us })
}

fn weekly(
    source: Source<'_>,
    names: &Spanned<Vec<String>>,
    hours: &Spanned<String>,
    name: &Spanned<String>,
) -> Result<Window, PolicyError> {
    let mut days = [false; 7];
    for day in names.get_ref() {
        let place = DAYS.iter().position(|known| known == day);
        let Some(slot) = place.and_then(|place| days.get_mut(place)) else {
            return Err(source.value(names.span(), "days", &quoted(day), &format!("days among {}", DAYS.join(", "))));
        };
        *slot = true;
    }
    if !days.contains(&true) {
        return Err(source.value(names.span(), "days", "empty", &format!("days among {}", DAYS.join(", "))));
    }
    let clocks = hours.get_ref().split_once('-').and_then(|(from, to)| Some((clock(from.trim())?, clock(to.trim())?)));
    let Some((from_minute, to_minute)) = clocks.filter(|(from, to)| *from < 24 * 60 && from != to) else {
        let expected = "two times of the day, such as \"18:00-08:00\" or \"00:00-24:00\"";
        return Err(source.value(hours.span(), "hours", &quoted(hours.get_ref()), expected));
    };
    let zone_name = name.get_ref().clone();
    let Some(zone) = zone(&zone_name) else {
        let expected = "a time zone such as \"Europe/Berlin\", \"UTC\" or \"+08:00\"";
        return Err(source.value(name.span(), "zone", &quoted(&zone_name), expected));
    };
    Ok(Window::Weekly { days, from_minute, to_minute, zone, zone_name })
}

/// The parser's message, with the known key that is most like an unknown one: both stand in it between backticks, the unknown
/// one first.
fn with_nearest_key(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown field"));
    let nearest = unknown.and_then(|unknown| {
        let likeness = |name: &&str| strsim::jaro_winkler(unknown, name);
        names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    });
    match (unknown, nearest) {
        (Some(unknown), Some(nearest)) => format!("unknown key `{unknown}`; the nearest known key is `{nearest}`"),
        _ => message.to_owned(),
    }
}
