//! What rows and aliases must not say together.

use crate::price::TariffError;
use crate::price::lookup::HOPS_MAX;
use crate::price::stale::day;
use crate::price::table::{Alias, Parts};
use std::collections::{BTreeMap, BTreeSet};

/// A row's or an alias's life, and its line.
#[derive(Clone, Copy)]
struct Life<'a> {
    from_us: i64,
    until_us: Option<i64>,
    period: Option<&'a str>,
    line: u64,
}

/// Rows of one model and period must not contradict each other, and a model with a price for a period needs one for the
/// other hours.
pub(super) fn rows(parts: &Parts, bundled: Option<&Parts>, lines: &[u64]) -> Result<(), TariffError> {
    let mut models: BTreeMap<(&str, &str), Vec<Life<'_>>> = BTreeMap::new();
    for (row, line) in parts.rows.iter().zip(lines) {
        let period = row.period.as_deref();
        let life = Life { from_us: row.valid_from_us, until_us: row.valid_until_us, period, line: *line };
        models.entry((&row.provider, &row.model)).or_default().push(life);
    }
    for ((_, model), mut lives) in models {
        lives.sort_by_key(|life| (life.period, life.from_us));
        overlaps("prices.valid_from", model, &lives)?;
        let plain_from_us = lives.iter().filter(|life| life.period.is_none()).map(|life| life.from_us).min();
        for life in lives.iter().filter(|life| life.period.is_some()) {
            if plain_from_us.is_none_or(|from_us| from_us > life.from_us) {
                let message = format!(
                    "gives `{model}` a price for some hours, and none for the others: add a row without `period` that \
                     begins no later"
                );
                return Err(TariffError { line: life.line, field: "prices.period".to_owned(), message });
            }
        }
        lives.sort_by_key(|life| life.line);
        meeting(parts, bundled, model, &lives)?;
    }
    Ok(())
}

/// Two periods of one model that begin together must not share an hour: nothing would say which price counts.
fn meeting(parts: &Parts, bundled: Option<&Parts>, model: &str, lives: &[Life<'_>]) -> Result<(), TariffError> {
    let period = |name: &str| parts.periods.get(name).or_else(|| bundled?.periods.get(name));
    let mut begun: BTreeMap<i64, Vec<(&str, u64)>> = BTreeMap::new();
    for life in lives {
        let Some(name) = life.period else { continue };
        let others = begun.entry(life.from_us).or_default();
        for (other, line) in others.iter() {
            let meet = period(name).zip(period(other)).is_some_and(|(one, two)| one.meets(two));
            if meet {
                let message = format!(
                    "is `{name}`, which shares hours with `{other}` of line {line}, and both prices of `{model}` begin \
                     together: keep one, or let the periods be apart"
                );
                return Err(TariffError { line: life.line, field: "prices.period".to_owned(), message });
            }
        }
        if others.len() < 48 {
            others.push((name, life.line));
        }
    }
    Ok(())
}

/// Of one name: two that begin together, or an end beyond the beginning of the next. An open end is closed by the next; and
/// after one with an end, an older one without is back.
fn overlaps(field: &str, name: &str, lives: &[Life<'_>]) -> Result<(), TariffError> {
    for (earlier, later) in lives.iter().zip(lives.iter().skip(1)).filter(|(one, two)| one.period == two.period) {
        let beyond = earlier.until_us.is_some_and(|until_us| until_us > later.from_us);
        if earlier.from_us == later.from_us || beyond {
            let message = format!(
                "begins on {} and overlaps with line {}, which is about `{name}` and the same hours too: let one end before \
                 the other begins, or drop one",
                day(later.from_us),
                earlier.line
            );
            return Err(TariffError { line: later.line, field: field.to_owned(), message });
        }
    }
    Ok(())
}

/// Aliases of one name follow each other, and lead to a model.
pub(super) fn aliases(parts: &Parts, lines: &[u64]) -> Result<(), TariffError> {
    let mut names: BTreeMap<(&str, &str), Vec<Life<'_>>> = BTreeMap::new();
    let mut targets: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (alias, line) in parts.aliases.iter().zip(lines) {
        let life = Life { from_us: alias.from_us, until_us: alias.until_us, period: None, line: *line };
        names.entry((&alias.provider, &alias.alias)).or_default().push(life);
        targets.entry((&alias.provider, &alias.alias)).or_default().insert(&alias.model);
    }
    for ((_, name), mut lives) in names {
        lives.sort_by_key(|life| life.from_us);
        overlaps("aliases.from", name, &lives)?;
    }
    for (alias, line) in parts.aliases.iter().zip(lines) {
        if circles(alias, &targets) {
            let message = format!("is `{}`, which leads back to `{}`: name the model itself", alias.model, alias.alias);
            return Err(TariffError { line: *line, field: "aliases.model".to_owned(), message });
        }
        if hops(alias, &targets) > HOPS_MAX {
            let message = format!(
                "is `{}`, an alias that leads over more than {} others: name the model itself",
                alias.model,
                HOPS_MAX - 1
            );
            return Err(TariffError { line: *line, field: "aliases.model".to_owned(), message });
        }
    }
    Ok(())
}

/// How many aliases follow each other from this one on, whenever they hold; counted as far as one too many.
fn hops(alias: &Alias, targets: &BTreeMap<(&str, &str), BTreeSet<&str>>) -> usize {
    let mut open = BTreeSet::from([alias.model.as_str()]);
    let mut hops = 0;
    while !open.is_empty() && hops <= HOPS_MAX {
        hops += 1;
        let next = open.iter().filter_map(|name| targets.get(&(alias.provider.as_str(), *name)));
        open = next.flatten().copied().collect();
    }
    hops
}

/// Whether a name is reached again from it, whenever its aliases hold.
fn circles(alias: &Alias, targets: &BTreeMap<(&str, &str), BTreeSet<&str>>) -> bool {
    let (mut reached, mut open) = (BTreeSet::new(), vec![alias.model.as_str()]);
    while let Some(name) = open.pop() {
        if name == alias.alias {
            return true;
        }
        if reached.insert(name) {
            open.extend(targets.get(&(alias.provider.as_str(), name)).into_iter().flatten());
        }
    }
    false
}
