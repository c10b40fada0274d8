//! Numbers as people read them. Every figure of a report passes through here, so that the page, the summary and the
//! pictures never show two spellings of one number.
//!
//! Signs are typographic (U+2212 minus), thousands are set apart by a narrow no-break space, and anything that is
//! not a finite number is said in words: a report must not show `NaN` or `inf`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

mod money;
#[cfg(test)]
mod tests;

pub(crate) use money::{money, money_brief, to_number};

/// Between groups of three digits.
const NARROW_SPACE: char = '\u{202f}';
/// Typographic minus, as wide as a plus sign.
const MINUS: char = '\u{2212}';

/// Where there is no number.
pub(crate) const NOTHING: &str = "–";

/// `1234567` as `1 234 567`, with narrow no-break spaces; four digits stay together.
pub(crate) fn count(value: u64) -> String {
    group(&value.to_string())
}

/// Groups a run of digits by three from the right; runs of up to four digits stay as they are.
fn group(digits: &str) -> String {
    if digits.len() <= 4 {
        return digits.to_owned();
    }
    let mut out = String::with_capacity(digits.len() + digits.len());
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(NARROW_SPACE);
        }
        out.push(digit);
    }
    out
}

/// A number with a fixed count of decimals, grouped, with a typographic minus; no sign on what rounds to zero.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    let (whole, fraction) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let mut out = String::new();
    if value < 0.0 && !is_zero {
        out.push(MINUS);
    }
    out.push_str(&group(whole));
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Like [`fixed`], with a plus sign on what is above zero.
fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    if value > 0.0 && !is_zero { format!("+{text}") } else { text }
}

/// Words for what is not a finite number; `None` if it is one.
fn not_finite(value: f64) -> Option<String> {
    match value {
        v if v.is_nan() => Some(NOTHING.to_owned()),
        v if v.is_infinite() => Some("unbounded".to_owned()),
        _ => None,
    }
}

/// A difference of shares in percentage points: `0.0052` is `+0.52 pp`. Small differences get a third decimal.
pub(crate) fn points(difference: f64) -> String {
    not_finite(difference).unwrap_or_else(|| {
        let points = difference * 100.0;
        let decimals = if points != 0.0 && points.abs() < 0.095 { 3 } else { 2 };
        format!("{} pp", signed(points, decimals))
    })
}

/// A share in percent: `0.0123` is `1.23%`, `0.5` is `50.0%`.
pub(crate) fn share(share: f64) -> String {
    not_finite(share).unwrap_or_else(|| {
        let percent = share * 100.0;
        let decimals = match percent.abs() {
            0.0 => 0,
            p if p < 0.0995 => 3,
            p if p < 9.95 => 2,
            _ => 1,
        };
        format!("{}%", fixed(percent, decimals))
    })
}

/// A round share on an axis, with as few decimals as it needs: `25%`, `0.5%`.
pub(crate) fn percent(share: f64) -> String {
    not_finite(share).unwrap_or_else(|| {
        let percent = share * 100.0;
        let decimals = (0..6).find(|decimals| {
            let scaled = percent * 10_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6
        });
        format!("{}%", fixed(percent, decimals.unwrap_or(6).unsigned_abs() as usize))
    })
}

/// `count` of `total` as a share; nothing of nothing has none.
pub(crate) fn share_of(count: u64, total: u64) -> String {
    if total == 0 { NOTHING.to_owned() } else { share(count as f64 / total as f64) }
}

/// A ratio as a change: `1.08` is `+8.0%`, `0.31` is `−69.0%`.
pub(crate) fn change(ratio: f64) -> String {
    not_finite(ratio).unwrap_or_else(|| {
        let percent = (ratio - 1.0) * 100.0;
        let decimals = if percent.abs() >= 1000.0 { 0 } else { 1 };
        format!("{}%", signed(percent, decimals))
    })
}

/// A relative difference on an axis: `0.1` is `+10%`.
pub(crate) fn change_brief(difference: f64) -> String {
    not_finite(difference).unwrap_or_else(|| {
        let percent = difference * 100.0;
        let decimals = usize::from((percent - percent.round()).abs() > 1e-9);
        format!("{}%", signed(percent, decimals))
    })
}

/// A ratio as a factor: `1.08` is `×1.08`.
pub(crate) fn factor(ratio: f64) -> String {
    not_finite(ratio).unwrap_or_else(|| format!("×{}", fixed(ratio, if ratio.abs() < 9.995 { 2 } else { 1 })))
}

/// A weight in percent: `25.0` is `25%`, `2.5` is `2.5%`.
pub(crate) fn weight(percent: f64) -> String {
    not_finite(percent).unwrap_or_else(|| {
        let decimals = usize::from((percent - percent.round()).abs() > 1e-9) * 2;
        let text = fixed(percent, decimals);
        format!("{}%", if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
    })
}

/// A test level: `0.05` is `5%`, `0.00125` is `0.125%`.
pub(crate) fn level(alpha: f64) -> String {
    not_finite(alpha).unwrap_or_else(|| {
        let text = format!("{:.3}", alpha * 100.0);
        format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
    })
}

/// A p-value with two useful digits.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => NOTHING.to_owned(),
        p if p < 0.0001 => "below 0.0001".to_owned(),
        p if p < 0.001 => format!("{p:.4}"),
        p if p < 0.1 => format!("{p:.3}"),
        _ => format!("{p:.2}"),
    }
}

/// An e-value: evidence against the hypothesis, in powers of ten where it is overwhelming.
pub(crate) fn e_value(e: f64) -> String {
    not_finite(e).unwrap_or_else(|| match e {
        e if e < 0.01 => "below 0.01".to_owned(),
        e if e < 10.0 => fixed(e, 2),
        e if e < 1e6 => fixed(e, 0),
        e => format!("10^{}", e.log10().floor()),
    })
}

/// A number of which only the size matters: `1.8`, `43`, `12 000`.
pub(crate) fn few(value: f64) -> String {
    not_finite(value).unwrap_or_else(|| {
        let decimals = usize::from(value.abs() < 9.95 && (value - value.round()).abs() > 0.049);
        fixed(value, decimals)
    })
}

/// Microseconds in the unit that fits: `850 µs`, `412 ms`, `1.24 s`, `2 min 5 s`.
pub(crate) fn micros(us: f64) -> String {
    not_finite(us).unwrap_or_else(|| match us {
        0.0 => "0 s".to_owned(),
        us if us < 999.5 => format!("{} µs", fixed(us, 0)),
        us if us < 9_995.0 => format!("{} ms", fixed(us / 1e3, 1)),
        us if us < 999_500.0 => format!("{} ms", fixed(us / 1e3, 0)),
        us if us < 9_995_000.0 => format!("{} s", fixed(us / 1e6, 2)),
        us if us < 99_950_000.0 => format!("{} s", fixed(us / 1e6, 1)),
        us => span_seconds(us / 1e6),
    })
}

/// A difference of times with its sign: `+21 ms`, `−1.30 s`.
pub(crate) fn micros_signed(us: f64) -> String {
    not_finite(us).unwrap_or_else(|| {
        let size = micros(us.abs());
        match us {
            us if us > 0.0 => format!("+{size}"),
            us if us < 0.0 => format!("{MINUS}{size}"),
            _ => size,
        }
    })
}

/// A tick of a time axis: `5 ms`, `200 ms`, `1 s`, `2.5 s`, never a trailing zero.
pub(crate) fn micros_tick(us: f64) -> String {
    // Round numbers need two decimals at most.
    let plain = |value: f64| format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    match us {
        0.0 => "0 s".to_owned(),
        us if us < 1e3 => format!("{} µs", plain(us)),
        us if us < 1e6 => format!("{} ms", plain(us / 1e3)),
        us => format!("{} s", plain(us / 1e6)),
    }
}

/// A length of time, two units at most: `45 s`, `6 h 12 min`, `3 d 4 h`.
fn span_seconds(seconds: f64) -> String {
    // Casting a float saturates, so that absurd spans stay absurd and do not panic.
    let total = seconds.max(0.0).round() as u64;
    let (days, hours, minutes, rest) = (total / 86_400, total / 3600 % 24, total / 60 % 60, total % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, m) if rest == 0 || m >= 10 => format!("{m} min"),
        (0, 0, m) => format!("{m} min {rest} s"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, 0, _) => format!("{} d", count(d)),
        (d, h, _) => format!("{} d {h} h", count(d)),
    }
}

/// The time between two instants in microseconds.
pub(crate) fn span(from_us: i64, to_us: i64) -> String {
    span_seconds(to_us.saturating_sub(from_us) as f64 / 1e6)
}

/// Hours, said roughly: `under 1 h`, `3.5 h`, `2 d 6 h`.
pub(crate) fn hours(hours: f64) -> String {
    match hours {
        h if !h.is_finite() => NOTHING.to_owned(),
        h if h < 1.0 => "under 1 h".to_owned(),
        h if h < 10.0 => format!("{h:.1} h"),
        h => span_seconds(h.ceil() * 3600.0),
    }
}

/// An instant as `20 Nov 2026, 14:03 UTC`; what no calendar knows is shown as the number it is.
pub(crate) fn instant(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(
        |_| format!("{us} µs since 1970"),
        |at| at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string(),
    )
}

/// An instant on an axis: `20 Nov, 14:03`.
pub(crate) fn moment(us: i64) -> String {
    Timestamp::from_microsecond(us)
        .map_or_else(|_| format!("{us} µs"), |at| at.to_zoned(TimeZone::UTC).strftime("%-d %b, %H:%M").to_string())
}
