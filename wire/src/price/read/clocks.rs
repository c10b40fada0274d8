//! Calendars and periods.

use super::fields::Fields;
use crate::price::TariffError;
use crate::price::period::{Calendar, Period, Window};
use crate::price::table::Parts;
use std::collections::BTreeMap;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The most windows of a period.
const WINDOWS_MAX: usize = 48;

const DAY_MINUTES: u16 = 24 * 60;

pub(super) fn calendars(root: &mut Fields<'_>) -> Result<BTreeMap<String, Calendar>, TariffError> {
    let mut all = BTreeMap::new();
    for (name, mut fields) in root.named("calendars")? {
        let calendar = Calendar {
            holidays: fields.days("holidays")?,
            working_days: fields.days("working_days")?,
            announced_until: fields.day("announced_until")?.map(|(day, _)| day),
            source: fields.source()?,
        };
        if calendar.working_days.iter().any(|day| calendar.holidays.binary_search(day).is_ok()) {
            let message = "holds a day that is a holiday as well: expected each day in one of the two lists".to_owned();
            return Err(fields.wrong("working_days", message));
        }
        fields.finish()?;
        all.insert(name, calendar);
    }
    Ok(all)
}

pub(super) fn periods(
    root: &mut Fields<'_>,
    calendars: &BTreeMap<String, Calendar>,
    bundled: Option<&Parts>,
) -> Result<BTreeMap<String, Period>, TariffError> {
    let mut all = BTreeMap::new();
    for (name, mut fields) in root.named("periods")? {
        let calendar = fields.text("calendar")?.map(str::to_owned);
        let known =
            |name: &String| calendars.contains_key(name) || bundled.is_some_and(|all| all.calendars.contains_key(name));
        if let Some(unknown) = calendar.as_ref().filter(|name| !known(name)) {
            let message =
                format!("is `{unknown}`, which is not defined: add [calendars.{unknown}], or correct the name");
            return Err(fields.wrong("calendar", message));
        }
        let period = Period {
            weekdays: weekdays(&mut fields)?,
            windows: windows(&mut fields)?,
            utc_offset_minutes: utc_offset(&mut fields)?,
            working_days: fields.flag("working_days")?,
            source: fields.source()?,
            calendar,
        };
        if period.working_days && period.calendar.is_none() {
            return Err(fields.wrong("working_days", "is set without `calendar`, which has them: add one".to_owned()));
        }
        fields.finish()?;
        all.insert(name, period);
    }
    Ok(all)
}

fn weekdays(fields: &mut Fields<'_>) -> Result<[bool; 7], TariffError> {
    let expected = "a list of weekdays such as [\"monday\", \"friday\"]; without it, all seven";
    let names = fields.texts("weekdays", expected)?;
    let mut days = [names.is_empty(); 7];
    for name in names {
        let index = WEEKDAYS.iter().position(|weekday| *weekday == name);
        match index.and_then(|index| days.get_mut(index)) {
            Some(day) => *day = true,
            None => return Err(fields.wrong("weekdays", format!("holds `{}`: expected {expected}", short(name)))),
        }
    }
    Ok(days)
}

fn windows(fields: &mut Fields<'_>) -> Result<Vec<Window>, TariffError> {
    let expected = "times such as [\"09:00-12:00\", \"22:30-02:00\"], in the minutes of a day";
    let texts = fields.texts("windows", expected)?;
    if texts.is_empty() || texts.len() > WINDOWS_MAX {
        return Err(
            fields.wrong("windows", format!("has {} items: expected 1 to {WINDOWS_MAX} {expected}", texts.len()))
        );
    }
    let window = |text: &str| {
        let (begin, end) = text.split_once('-')?;
        let (begin, end) = (minute(begin)?, minute(end)?);
        let end_minute = if end > begin { end } else { end + DAY_MINUTES };
        (begin < DAY_MINUTES).then_some(Window { begin_minute: begin, end_minute })
    };
    let read = texts.into_iter().map(|text| window(text).ok_or(text)).collect::<Result<Vec<_>, _>>();
    read.map_err(|text| fields.wrong("windows", format!("holds `{}`: expected {expected}", short(text))))
}

fn utc_offset(fields: &mut Fields<'_>) -> Result<i32, TariffError> {
    let expected = "the clock of weekdays, windows and holidays, from \"-14:00\" to \"+14:00\", such as \"+08:00\"";
    let text = fields.text("utc_offset")?;
    let text = fields.required("utc_offset", text, expected)?;
    let minutes = text.strip_prefix(['+', '-']).and_then(minute).filter(|minutes| *minutes <= 14 * 60).map(i32::from);
    match minutes {
        Some(minutes) if text.starts_with('-') => Ok(-minutes),
        Some(minutes) => Ok(minutes),
        None => Err(fields.wrong("utc_offset", format!("is `{}`: expected {expected}", short(text)))),
    }
}

/// `HH:MM` from 00:00 to 24:00 in minutes.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && hour * 60 + minute <= DAY_MINUTES).then_some(hour * 60 + minute)
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}
