//! Rows of the table of decisions: equal ones in a row are one, and of too many the moves stay.

use gate::audit::What;

use super::weights::{Event, is_same};

/// Rows of the table.
const ROWS_MAX: usize = 300;
/// Of the moves so many of the first are kept, where there are too many for all.
const FIRST_KEPT: usize = 50;

/// Decisions that differ in nothing but their time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) first: Event<'a>,
    pub(super) last: Event<'a>,
    pub(super) times: usize,
}

/// The rows in the order of the log, and how many decisions are in none of them.
pub(super) fn rows<'a>(events: &[Event<'a>]) -> (Vec<Decided<'a>>, usize) {
    let mut rows: Vec<Decided<'a>> = Vec::new();
    for event in events {
        match rows.last_mut() {
            Some(row) if is_again(row, event) => {
                row.last = *event;
                row.times += 1;
            }
            _ => rows.push(Decided { first: *event, last: *event, times: 1 }),
        }
    }
    let kept = kept(&rows);
    let left_out = rows.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(row, _)| row.times).sum();
    let rows = rows.into_iter().zip(kept).filter_map(|(row, kept)| kept.then_some(row)).collect();
    (rows, left_out)
}

/// Whether nothing changed: somebody looked again and left the weight where it is, for the same reason.
fn is_again(row: &Decided<'_>, event: &Event<'_>) -> bool {
    let (a, b) = (row.last.entry, event.entry);
    let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => is_same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    matches!(a.what, What::Stay | What::DryRun)
        && a.what == b.what
        && a.who == b.who
        && a.target == b.target
        && same(a.from_percent, b.from_percent)
        && same(a.to_percent, b.to_percent)
        && a.evidence.as_ref().map(|e| e.verdict) == b.evidence.as_ref().map(|e| e.verdict)
        && shape(&a.why) == shape(&b.why)
}

/// A sentence without its figures: how long is still to wait changes with every look.
fn shape(why: &str) -> String {
    why.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What is always shown first: what changed something, or tried to.
const fn matters(what: What) -> bool {
    !matches!(what, What::Stay | What::DryRun | What::Lead)
}

/// Which rows stay: moves before looks without one, then the newest.
fn kept(rows: &[Decided<'_>]) -> Vec<bool> {
    let mut kept = vec![rows.len() <= ROWS_MAX; rows.len()];
    if rows.len() <= ROWS_MAX {
        return kept;
    }
    let (moves, others): (Vec<usize>, Vec<usize>) =
        (0..rows.len()).partition(|index| rows.get(*index).is_some_and(|row| matters(row.first.entry.what)));
    let newest = |from: &[usize], count: usize| from.iter().rev().take(count).copied().collect::<Vec<_>>();
    let mut chosen: Vec<usize> = moves.iter().take(FIRST_KEPT).copied().collect();
    chosen.extend(newest(moves.get(FIRST_KEPT..).unwrap_or_default(), ROWS_MAX - chosen.len()));
    chosen.extend(newest(&others, ROWS_MAX.saturating_sub(chosen.len())));
    for index in chosen {
        if let Some(slot) = kept.get_mut(index) {
            *slot = true;
        }
    }
    kept
}
