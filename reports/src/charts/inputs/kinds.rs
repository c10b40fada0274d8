//! From counts and sums to charts of kinds.

use judge::verdict::{Bill, Count, Evidence, Outcomes, Paid};

use crate::charts::curves::Arm;
use crate::charts::kinds::{KindChart, KindRow};
use crate::charts::rates::amount;
use crate::charts::scale::round_ticks;
use crate::format;
use crate::model::names;

/// Kinds that are drawn at most; the table has them all.
const AT_MOST: usize = 10;

/// Which kinds of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutcomeKind {
    /// What went wrong.
    Errors,
    /// Why answers ended.
    Finish,
}

/// Errors or finish reasons of one part of the traffic; `None` where there are none.
pub(crate) fn outcomes(evidence: &Evidence, segment: &str, which: OutcomeKind) -> Option<KindChart> {
    let counts = |outcomes: &'_ Outcomes| -> Vec<Count> {
        match which {
            OutcomeKind::Errors => outcomes.errors.clone(),
            OutcomeKind::Finish => outcomes.finish.clone(),
        }
    };
    let arms: Vec<(Arm, u64, Vec<Count>)> = [Arm::Baseline, Arm::Candidate]
        .into_iter()
        .filter_map(|arm| {
            let of = |o: &&Outcomes| o.segment == segment && o.arm == arm.name();
            evidence.outcomes.iter().find(of).map(|o| (arm, o.n, counts(o)))
        })
        .collect();
    let mut totals: Vec<(String, u64)> = Vec::new();
    for count in arms.iter().flat_map(|(_, _, counts)| counts) {
        match totals.iter_mut().find(|(name, _)| *name == count.name) {
            Some((_, total)) => *total = total.saturating_add(count.count),
            None => totals.push((count.name.clone(), count.count)),
        }
    }
    totals.retain(|(_, total)| *total > 0);
    totals.sort_by_key(|(_, total)| std::cmp::Reverse(*total));
    totals.truncate(AT_MOST);
    let share = |counts: &[Count], name: &str, n: u64| {
        let count = counts.iter().find(|count| count.name == name).map_or(0, |count| count.count);
        (count as f64 / n.max(1) as f64, format!("{} ({})", format::count(count), format::share_of(count, n)))
    };
    let rows: Vec<KindRow> = totals
        .iter()
        .map(|(name, _)| KindRow {
            label: names::reason(name),
            bars: arms
                .iter()
                .map(|(arm, n, counts)| {
                    let (value, words) = share(counts, name, *n);
                    (*arm, value, words)
                })
                .collect(),
        })
        .collect();
    let title = match which {
        OutcomeKind::Errors => "Errors by kind",
        OutcomeKind::Finish => "Finish reasons",
    };
    let ticks =
        |largest: f64| round_ticks(largest, 4).into_iter().map(|value| (value, format::percent(value))).collect();
    chart(title, "share of the arm's requests", rows, ticks)
}

/// Money by consumer; `None` where the bill does not tell consumers apart.
pub(crate) fn consumers(bill: &Bill) -> Option<KindChart> {
    paid(bill, &bill.by_consumer, "Paid by consumer", |row| row.consumer.clone())
}

/// Money by model; `None` where the bill does not tell models apart.
pub(crate) fn models(bill: &Bill) -> Option<KindChart> {
    paid(bill, &bill.by_model, "Paid by model", |row| row.model.clone())
}

fn paid(bill: &Bill, rows: &[Paid], title: &str, name: fn(&Paid) -> Option<String>) -> Option<KindChart> {
    let mut kinds: Vec<KindRow> = Vec::new();
    for row in rows {
        let arm = match row.arm.as_deref() {
            Some("baseline") => Arm::Baseline,
            Some("candidate") => Arm::Candidate,
            _ => continue,
        };
        let (Some(label), Some(value)) = (name(row), format::to_number(&row.amount)) else { continue };
        let money = format::money_brief(&row.amount, &bill.currency);
        let has_unknown = row.unpriced.saturating_add(row.without_usage) > 0;
        let words = match (row.priced, has_unknown) {
            (0, true) => "not known".to_owned(),
            (_, true) => format!("at least {money}"),
            (_, false) => money,
        };
        let bar = (arm, value, words);
        match kinds.iter_mut().find(|kind| kind.label == label) {
            Some(kind) => kind.bars.push(bar),
            None => kinds.push(KindRow { label, bars: vec![bar] }),
        }
    }
    for kind in &mut kinds {
        kind.bars.sort_by_key(|(arm, ..)| *arm == Arm::Candidate);
    }
    let whole = |kind: &KindRow| kind.bars.iter().map(|(_, value, _)| value).sum::<f64>();
    kinds.sort_by(|a, b| whole(b).total_cmp(&whole(a)));
    kinds.truncate(AT_MOST);
    let unit = format!("paid, {}", bill.currency);
    let ticks = |largest: f64| {
        round_ticks(largest, 4).into_iter().map(|value| (value, amount(value, &bill.currency))).collect()
    };
    chart(title, &unit, kinds, ticks)
}

fn chart(title: &str, unit: &str, rows: Vec<KindRow>, ticks: impl Fn(f64) -> Vec<(f64, String)>) -> Option<KindChart> {
    let largest = rows.iter().flat_map(|row| &row.bars).map(|(_, value, _)| *value).fold(0.0, f64::max);
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            let bars = row.bars.iter().map(|(arm, _, words)| format!("{} {words}", arm.name()));
            format!("{}: {}", row.label, bars.collect::<Vec<_>>().join(", "))
        })
        .collect();
    (!rows.is_empty()).then(|| KindChart {
        title: title.to_owned(),
        description: format!("{}.", said.join(". ")),
        unit: unit.to_owned(),
        ticks: ticks(largest),
        rows,
    })
}
