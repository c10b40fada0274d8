//! From a bill to the data of its charts.

use judge::verdict::{Bill, CachePoint};

use crate::charts::hours::{HourChart, HourColumns, spans};
use crate::charts::rates::{RateChart, RatePoint};
use crate::format;

/// The candidate's bill by its cache-hit rate; `None` without such a table.
pub(crate) fn rates(bill: &Bill) -> Option<RateChart> {
    let cache = bill.cache.as_ref()?;
    let mut points: Vec<RatePoint> = cache.rows.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    // The rows say what is saved against the baseline, so each of them knows its bill.
    let baseline = bill.counterfactual.as_ref().and_then(|both| format::to_number(&both.baseline.as_ref()?.value));
    let said: Vec<String> = points
        .iter()
        .map(|point| {
            let cost = format::money_brief(&format!("{:.9}", point.cost), &bill.currency);
            format!("{} ({}): {cost}", point.label, format::share(point.rate))
        })
        .collect();
    let baseline_says = baseline.map_or_else(String::new, |baseline| {
        format!(" The baseline's: {}.", format::money_brief(&format!("{baseline:.9}"), &bill.currency))
    });
    let description = format!("The candidate's bill: {}.{baseline_says} {}", said.join(", "), cache.reading);
    let break_even = cache.break_even;
    (points.len() > 1).then(|| RateChart { description, currency: bill.currency.clone(), baseline, points, break_even })
}

fn point(row: &CachePoint) -> Option<RatePoint> {
    let label = match row.name.as_str() {
        "baseline" => "as baseline",
        other => other,
    };
    Some(RatePoint { label: label.to_owned(), rate: row.hit_rate, cost: format::to_number(&row.candidate)? })
}

/// The bill by hour of the day; `None` where no hour costs anything.
pub(crate) fn hours(bill: &Bill) -> Option<HourChart> {
    let number = |amount: &Option<String>| amount.as_deref().and_then(format::to_number);
    let hours: Vec<HourColumns> = bill
        .by_hour
        .iter()
        .filter(|hour| hour.hour < 24)
        .map(|hour| HourColumns {
            hour: hour.hour,
            baseline: number(&hour.baseline),
            candidate: number(&hour.candidate),
            is_peak: hour.peak_share > 0.0,
        })
        .collect();
    let sum = |pick: fn(&HourColumns) -> Option<f64>| hours.iter().filter_map(pick).sum::<f64>();
    let brief = |value: f64| format::money_brief(&format!("{value:.9}"), &bill.currency);
    let peaks: Vec<u8> = hours.iter().filter(|hour| hour.is_peak).map(|hour| hour.hour).collect();
    let at_peak = if peaks.is_empty() {
        "The candidate's prices were the same at all hours.".to_owned()
    } else {
        format!("The candidate's prices were higher at {}.", spans(&peaks))
    };
    let (baseline, candidate) = (sum(|hour| hour.baseline), sum(|hour| hour.candidate));
    let description =
        format!("All hours together: baseline {}, candidate {}. {at_peak}", brief(baseline), brief(candidate));
    (baseline > 0.0 || candidate > 0.0).then(|| HourChart { description, currency: bill.currency.clone(), hours })
}
