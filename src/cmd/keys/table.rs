//! Consumers and keys as tables of plain text.

use crate::table::{Column, Table};
use lease::keys::{ConsumerView, Day, Instant, KeyView, Listing, Origin, State};

const DAY_US: i64 = 86_400_000_000;

/// Rows of cells, the heads first. What people wrote is cut where lines are too long; keys and dates stay whole.
fn table(rows: &[Vec<String>]) -> String {
    let Some((heads, rows)) = rows.split_first() else { return String::new() };
    let column = |head: &String| match head.as_str() {
        "CONSUMER" | "FOR" | "NOTE" => Column::text(head.as_str()),
        _ => Column::whole(head.as_str()),
    };
    let mut table = Table::new(heads.iter().map(column).collect(), 0);
    rows.iter().for_each(|row| table.row(row));
    table.text()
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// All keys, one a line, and consumers without any.
pub(super) fn of_keys(listing: &Listing) -> String {
    let mut rows = vec![heads(&["CONSUMER", "KEY", "ORIGIN", "STATE", "ENDS", "LAST USED", "USES", "FOR", "NOTE"])];
    for consumer in &listing.consumers {
        if consumer.keys.is_empty() {
            rows.push(heads(&[&consumer.name, "(no key)", "", "", "", "", "", "", &consumer.note]));
        }
        for key in &consumer.keys {
            rows.push(vec![
                consumer.name.clone(),
                key.id.clone(),
                format!("{} ({})", origin(key.origin), super::place(consumer.place)),
                state(key.state).to_owned(),
                ends(key),
                key.last_used_at.map_or_else(|| "never".to_owned(), second),
                uses(key).to_string(),
                limits(consumer, key),
                if key.note.is_empty() { consumer.note.clone() } else { key.note.clone() },
            ]);
        }
    }
    table(&rows)
}

/// Adopted keys with their use by day, the last day first.
pub(super) fn of_old(listing: &Listing, days: usize) -> String {
    let days: Vec<Day> = (0_i64..).take(days).map(|back| Day::of(listing.now.us() - back * DAY_US)).collect();
    let mut head = heads(&["CONSUMER", "KEY", "STATE", "SUNSET", "LAST USED"]);
    head.extend(days.iter().map(|day| day.to_string().chars().skip(5).collect()));
    let mut rows = vec![head];
    let (mut all, mut used) = (0_usize, 0_usize);
    for (consumer, key) in listing.consumers.iter().flat_map(|one| one.keys.iter().map(move |key| (one, key))) {
        let counts: Vec<u64> = days.iter().map(|day| key.uses_by_day.get(day).copied().unwrap_or(0)).collect();
        all += 1;
        used += usize::from(counts.iter().any(|count| *count > 0));
        let mut row = vec![
            consumer.name.clone(),
            key.id.clone(),
            state(key.state).to_owned(),
            key.sunset_at.map_or_else(|| "none".to_owned(), second),
            key.last_used_at.map_or_else(|| "never".to_owned(), second),
        ];
        row.extend(counts.iter().map(|count| if *count == 0 { "-".to_owned() } else { count.to_string() }));
        rows.push(row);
    }
    format!("{}\n{used} of {all} old keys were used in the last {} days (UTC)\n", table(&rows), days.len())
}

fn uses(key: &KeyView) -> u64 {
    key.uses_by_day.values().fold(0, |sum, uses| sum.saturating_add(*uses))
}

/// To the second, which is as exact as people need it.
fn second(instant: Instant) -> String {
    Instant::from_us(instant.unix_seconds() * 1_000_000).to_string()
}

const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Issued => "issued",
        Origin::Adopted => "adopted",
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Valid => "valid",
        State::Expired => "expired",
        State::Sunset => "sunset",
        State::Revoked => "revoked",
    }
}

fn ends(key: &KeyView) -> String {
    let end = key.expires_at.into_iter().chain(key.sunset_at).min();
    let end = end.map_or_else(|| "never".to_owned(), second);
    key.rotated_to.as_ref().map_or_else(|| end.clone(), |next| format!("{end} (now {next})"))
}

/// What bounds a key, in one word for each list.
fn limits(consumer: &ConsumerView, key: &KeyView) -> String {
    let both = [&consumer.scopes, &key.scopes];
    let bound = [
        ("models", both.iter().any(|scopes| scopes.models.is_some())),
        ("migrations", both.iter().any(|scopes| scopes.migrations.is_some())),
        ("endpoints", both.iter().any(|scopes| scopes.endpoints.is_some())),
        ("sources", both.iter().any(|scopes| scopes.sources.is_some())),
    ];
    let names: Vec<&str> = bound.iter().filter_map(|(name, bound)| bound.then_some(*name)).collect();
    if names.is_empty() { "everything".to_owned() } else { format!("some {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lease::keys::{Consumer, Digest, Key, Place, Usage};

    fn listing() -> Listing {
        let at = |text: &str| Instant::parse(text, 0).unwrap();
        let now_us = at("2026-11-23T10:00:00Z").us();
        let old = |id: &str, sunset: &str| Key {
            sunset_at: Some(at(sunset)),
            ..Key::adopted(id.to_owned(), Digest::of(id), at("2026-11-01"))
        };
        let team = Consumer {
            name: "team-a".to_owned(),
            note: "ask Kim".to_owned(),
            scopes: serde_json::from_str(r#"{"models": ["gpt-4o*"]}"#).unwrap(),
            keys: vec![old("one", "2026-12-31"), old("two", "2026-11-20")],
            ..Consumer::default()
        };
        let mut usage = Usage::default();
        usage.add("one", Day::of(now_us), 7, now_us);
        usage.add("one", Day::of(now_us - DAY_US), 2, now_us);
        let kept = [team, Consumer { name: "b".to_owned(), ..Consumer::default() }];
        Listing::new(3, now_us, &[(Place::Kept, &kept)], &usage)
    }

    #[test]
    fn a_line_says_what_a_key_is_worth_and_how_it_is_used() {
        let expected = "\
CONSUMER  KEY       ORIGIN          STATE   ENDS                  LAST USED             USES  FOR          NOTE
team-a    one       adopted (kept)  valid   2026-12-31T00:00:00Z  2026-11-23T10:00:00Z  9     some models  ask Kim
team-a    two       adopted (kept)  sunset  2026-11-20T00:00:00Z  never                 0     some models  ask Kim
b         (no key)
";
        assert_eq!(of_keys(&listing()), expected);
    }

    #[test]
    fn old_keys_show_their_days_so_that_one_sees_which_can_go() {
        let expected = "\
CONSUMER  KEY  STATE   SUNSET                LAST USED             11-23  11-22  11-21
team-a    one  valid   2026-12-31T00:00:00Z  2026-11-23T10:00:00Z  7      2      -
team-a    two  sunset  2026-11-20T00:00:00Z  never                 -      -      -

1 of 2 old keys were used in the last 3 days (UTC)
";
        assert_eq!(of_old(&listing(), 3), expected);
    }
}
