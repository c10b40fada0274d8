//! The bill in words: what was paid, the same traffic on either arm, a month, the cache, doubtful prices.
//!
//! Lengths of answers are told in characters: tokens of two providers are not of one size.

use judge::verdict::{Amount, Bill, CachePoint, CacheTable, Counterfactual, Paid, Saving, Stratum};
use serde::Serialize;

use super::Entry;
use crate::format::{self, count, share, share_of};

/// Days that are shown, the newest.
const DAYS_MAX: usize = 14;
/// Kinds of requests whose ratios are shown.
const STRATA_MAX: usize = 12;

/// The chapter beyond what pairs alone say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BillView {
    /// Prices that may not hold any more, a sentence each.
    pub(crate) stale: Vec<String>,
    /// By arm and by what the answers were for.
    pub(crate) arms: Vec<PaidView>,
    /// By arm and model.
    pub(crate) models: Vec<PaidView>,
    /// By arm and consumer.
    pub(crate) consumers: Vec<PaidView>,
    /// Every hour of the day.
    pub(crate) hours: Vec<HourView>,
    /// By day.
    pub(crate) days: Vec<DayView>,
    /// Days that are only in the verdict.
    pub(crate) days_left_out: usize,
    /// The same traffic on either arm.
    pub(crate) both: Option<BothView>,
    /// A month.
    pub(crate) month: Option<MonthView>,
    /// The cache.
    pub(crate) cache: Option<CacheView>,
}

/// A group of exchanges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PaidView {
    /// Arm.
    pub(crate) arm: String,
    /// Role or model.
    pub(crate) name: String,
    /// Its price is doubted.
    pub(crate) is_stale: bool,
    /// Exchanges.
    pub(crate) exchanges: String,
    /// Exchanges without a price or without token counts.
    pub(crate) unknown: String,
    /// There are any.
    pub(crate) has_unknown: bool,
    /// Money.
    pub(crate) amount: String,
    /// Share of the priced exchanges whose token counts are an estimate.
    pub(crate) estimated: String,
    /// Share of the priced exchanges sent at dearer times.
    pub(crate) peak: String,
    /// Prompt tokens at full price, written to a cache or not.
    pub(crate) prompt: String,
    /// Prompt tokens read from a cache.
    pub(crate) cached: String,
    /// Completion tokens that the client sees.
    pub(crate) visible: String,
    /// Reasoning tokens.
    pub(crate) reasoning: String,
    /// Characters an answer.
    pub(crate) characters: String,
    /// Money per 1000 characters of answers.
    pub(crate) per_1000: String,
}

/// An hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HourView {
    /// Which: `06–07`.
    pub(crate) hour: String,
    /// Requests with known costs.
    pub(crate) requests: String,
    /// Their bill on the baseline.
    pub(crate) baseline: String,
    /// Their bill on the candidate.
    pub(crate) candidate: String,
    /// Share of them at dearer times.
    pub(crate) peak: String,
    /// There are any.
    pub(crate) is_peak: bool,
}

/// A day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DayView {
    /// Which.
    pub(crate) day: String,
    /// Paid to the baseline.
    pub(crate) baseline: String,
    /// Paid to the candidate.
    pub(crate) candidate: String,
    /// Exchanges of unknown cost.
    pub(crate) unknown: String,
    /// There are any.
    pub(crate) has_unknown: bool,
}

/// The same traffic on either arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BothView {
    /// Which requests.
    pub(crate) summary: String,
    /// Amounts.
    pub(crate) entries: Vec<Entry>,
    /// How it was computed.
    pub(crate) method: String,
    /// Ratios that stand in for missing copies.
    pub(crate) strata: Vec<StratumView>,
    /// Ratios that are only in the verdict.
    pub(crate) strata_left_out: usize,
}

/// A ratio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StratumView {
    /// Arm and model that served.
    pub(crate) served: String,
    /// Script and kind.
    pub(crate) kind: String,
    /// Requests without a copy.
    pub(crate) requests: String,
    /// Pairs.
    pub(crate) pairs: String,
    /// Ratio.
    pub(crate) ratio: String,
    /// Its interval.
    pub(crate) interval: String,
    /// What it was taken from.
    pub(crate) from: String,
}

/// A month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MonthView {
    /// How large it is and where that is from.
    pub(crate) summary: String,
    /// Amounts.
    pub(crate) entries: Vec<Entry>,
    /// What to know about them.
    pub(crate) remarks: Vec<String>,
}

/// The candidate's bill by cache-hit rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CacheView {
    /// What the table says.
    pub(crate) reading: String,
    /// A month can be said.
    pub(crate) has_month: bool,
    /// One hit rate after the other.
    pub(crate) rows: Vec<CacheRow>,
}

/// One hit rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CacheRow {
    /// Which.
    pub(crate) label: String,
    /// The rate.
    pub(crate) rate: String,
    /// The candidate's bill.
    pub(crate) candidate: String,
    /// What it saves.
    pub(crate) saving: String,
    /// The same in a month.
    pub(crate) month: String,
}

/// What a bill says beyond the pairs; `None` where it says no more.
pub(crate) fn bill(bill: &Bill) -> Option<BillView> {
    let mut days = days(bill);
    let days_left_out = days.len().saturating_sub(DAYS_MAX);
    days.drain(..days_left_out);
    let view = BillView {
        stale: bill.stale.iter().map(|stale| stale.why.clone()).collect(),
        arms: bill.by_arm.iter().map(|row| paid(bill, row, role(row))).collect(),
        models: bill.by_model.iter().map(|row| paid(bill, row, model(row))).collect(),
        consumers: bill.by_consumer.iter().map(|row| paid(bill, row, row.consumer.clone())).collect(),
        hours: hours(bill),
        days,
        days_left_out,
        both: bill.counterfactual.as_ref().map(|said| both(bill, said)),
        month: bill.saving_per_month.as_ref().map(|saving| month(bill, saving)),
        cache: bill.cache.as_ref().filter(|table| !table.rows.is_empty()).map(|table| cache(bill, table)),
    };
    let says = !(view.consumers.is_empty()
        && view.stale.is_empty()
        && view.arms.is_empty()
        && view.models.is_empty()
        && view.days.is_empty());
    (says || view.both.is_some() || view.month.is_some() || view.cache.is_some()).then_some(view)
}

/// The figure for the first screen: what a month saves.
pub(super) fn figure(bill: &Bill) -> Option<Entry> {
    let Some(saving) = bill.saving_per_month.as_ref() else {
        let detail = "the evidence does not tell what a month costs";
        return (bill.pairs_priced > 0).then(|| Entry::new("Saved a month", "not known", detail));
    };
    let (label, amount) = if saving.amount.value.starts_with('-') {
        ("Dearer a month", turned(&saving.amount))
    } else {
        ("Saved a month", saving.amount.clone())
    };
    Some(Entry::new(label, format::money_brief(&amount.value, &bill.currency), interval(bill, &amount)))
}

/// An amount with the other sign: what is not saved but paid more.
fn turned(amount: &Amount) -> Amount {
    let turn = |text: &String| text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned);
    Amount {
        value: turn(&amount.value),
        lower: amount.upper.as_ref().map(turn),
        upper: amount.lower.as_ref().map(turn),
    }
}

fn role(row: &Paid) -> Option<String> {
    let role = match row.role.as_deref()? {
        "served" => "served to clients",
        "shadow" => "copies for comparison",
        "repeat" => "repetitions on the same arm",
        "replayed" => "replayed",
        "fallback" => "fallbacks",
        "recorded" => "recorded, not asked for",
        other => other,
    };
    Some(role.to_owned())
}

fn model(row: &Paid) -> Option<String> {
    let model = row.model.as_deref()?;
    Some(row.provider.as_deref().map_or_else(|| model.to_owned(), |provider| format!("{model} at {provider}")))
}

fn paid(bill: &Bill, row: &Paid, name: Option<String>) -> PaidView {
    let unknown = row.unpriced.saturating_add(row.without_usage);
    let is_stale = bill.stale.iter().any(|stale| {
        row.provider.as_deref() == Some(&stale.provider)
            && (stale.model.is_empty() || row.model.as_deref() == Some(&stale.model))
    });
    let money = |amount: &str| format::money_brief(amount, &bill.currency);
    PaidView {
        arm: row.arm.clone().unwrap_or_default(),
        name: name.unwrap_or_else(|| "all others".to_owned()),
        is_stale,
        exchanges: count(row.exchanges),
        unknown: count(unknown),
        has_unknown: unknown > 0,
        amount: if row.priced == 0 && unknown > 0 { "not known".to_owned() } else { money(&row.amount) },
        estimated: share_of(row.estimated, row.priced),
        peak: share_of(row.peak, row.priced),
        prompt: count(row.prompt_uncached.saturating_add(row.prompt_cache_write)),
        cached: count(row.prompt_cached),
        visible: count(row.completion_visible),
        reasoning: count(row.completion_reasoning),
        characters: row.chars_per_answer.map_or_else(|| format::NOTHING.to_owned(), |each| count(each.round() as u64)),
        per_1000: row.per_1000_chars.as_deref().map_or_else(|| format::NOTHING.to_owned(), money),
    }
}

/// The hours in which something was asked.
fn hours(bill: &Bill) -> Vec<HourView> {
    let money = |amount: &Option<String>| {
        amount.as_deref().map_or_else(|| "not known".to_owned(), |amount| format::money_brief(amount, &bill.currency))
    };
    let hours = bill.by_hour.iter().filter(|hour| hour.requests > 0);
    hours
        .map(|hour| HourView {
            hour: format!("{:02}–{:02}", hour.hour, u16::from(hour.hour) + 1),
            requests: count(hour.requests),
            baseline: money(&hour.baseline),
            candidate: money(&hour.candidate),
            peak: share(hour.peak_share),
            is_peak: hour.peak_share > 0.0,
        })
        .collect()
}

/// Both arms of a day in one row, in the order of time.
fn days(bill: &Bill) -> Vec<DayView> {
    let mut days: Vec<(Option<&str>, Vec<&Paid>)> = Vec::new();
    for row in &bill.by_day {
        let day = row.day.as_deref();
        match days.last_mut() {
            Some((last, rows)) if *last == day => rows.push(row),
            _ => days.push((day, vec![row])),
        }
    }
    let money = |rows: &[&Paid], arm: &str| {
        let row = rows.iter().find(|row| row.arm.as_deref() == Some(arm));
        row.map_or_else(|| format::NOTHING.to_owned(), |row| format::money_brief(&row.amount, &bill.currency))
    };
    let views = days.into_iter().map(|(day, rows)| {
        let sum = |pick: fn(&Paid) -> u64| rows.iter().fold(0_u64, |sum, row| sum.saturating_add(pick(row)));
        let unknown = sum(|row| row.unpriced.saturating_add(row.without_usage));
        DayView {
            day: day.unwrap_or("all others").to_owned(),
            baseline: money(&rows, "baseline"),
            candidate: money(&rows, "candidate"),
            unknown: count(unknown),
            has_unknown: unknown > 0,
        }
    });
    views.collect()
}

/// How sure an amount is.
fn interval(bill: &Bill, amount: &Amount) -> String {
    let brief = |amount: &str| format::money_brief(amount, &bill.currency);
    match (&amount.lower, &amount.upper) {
        (Some(lower), Some(upper)) if *lower == amount.value && *upper == amount.value => {
            "known, not estimated".to_owned()
        }
        (Some(lower), Some(upper)) => format!("95% interval {} to {}", brief(lower), brief(upper)),
        _ => "too little data for an interval".to_owned(),
    }
}

fn amount(bill: &Bill, label: &str, amount: Option<&Amount>) -> Entry {
    let Some(amount) = amount else {
        return Entry::new(label, "not known", "requests without a copy, and no pair tells how to estimate them");
    };
    Entry::new(label, format::money_brief(&amount.value, &bill.currency), interval(bill, amount))
}

fn both(bill: &Bill, said: &Counterfactual) -> BothView {
    let mut summary = format!(
        "{} requests, each counted once and priced at its own instant: for {} both costs are known, for {} the other arm's is \
         estimated.",
        count(said.requests),
        count(said.requests_paired),
        count(said.requests_estimated)
    );
    if said.requests_unknown > 0 || said.requests_failed > 0 {
        summary.push_str(&format!(
            " In no sum: {} of unknown cost and {} that failed.",
            count(said.requests_unknown),
            count(said.requests_failed)
        ));
    }
    let estimated =
        format!("{} of it from estimated token counts", format::money_brief(&said.estimated_amount, &bill.currency));
    BothView {
        summary,
        entries: vec![
            Entry::new("As it was split", format::money_brief(&said.as_served, &bill.currency), estimated),
            amount(bill, "All on the baseline", said.baseline.as_ref()),
            amount(bill, "All on the candidate", said.candidate.as_ref()),
            amount(bill, "Saved by the candidate", said.saving.as_ref()),
        ],
        method: said.method.clone(),
        strata: said.strata.iter().take(STRATA_MAX).map(stratum).collect(),
        strata_left_out: said.strata.len().saturating_sub(STRATA_MAX),
    }
}

fn stratum(stratum: &Stratum) -> StratumView {
    let from = match stratum.taken_from.as_str() {
        "stratum" => "pairs of this kind".to_owned(),
        "model" => "all pairs of the model".to_owned(),
        "arm" => "all pairs".to_owned(),
        other => other.to_owned(),
    };
    let interval = stratum.ratio_lower.zip(stratum.ratio_upper);
    StratumView {
        served: format!("{}, {}", stratum.served, stratum.model),
        kind: format!("{}, {}", stratum.language, stratum.kind),
        requests: count(stratum.requests),
        pairs: count(stratum.pairs),
        ratio: stratum.ratio.map_or_else(|| format::NOTHING.to_owned(), format::factor),
        interval: interval.map_or_else(
            || format::NOTHING.to_owned(),
            |(lower, upper)| format!("{} to {}", format::factor(lower), format::factor(upper)),
        ),
        from,
    }
}

fn month(bill: &Bill, saving: &Saving) -> MonthView {
    let window = format::hours(saving.window_hours);
    let how = match saving.scaled_by.as_str() {
        "hour-of-week" => format!("each hour of the week as it was in {window}"),
        "mean-rate" => format!("at the mean rate of {window}, which is less than a week"),
        "stated" => "the number that was stated".to_owned(),
        other => other.to_owned(),
    };
    let requests = count(saving.requests.clamp(0.0, 1e18).round() as u64);
    let mut remarks = vec![format!(
        "Off-peak: {} of the requests can wait and are priced at the cheapest time of their day. {}",
        share(saving.can_wait_share),
        super::headline::sentence(&saving.can_wait_rule)
    )];
    if saving.unknown_share > 0.0 {
        remarks.push(format!("{} of the requests have no known cost and are in no sum.", share(saving.unknown_share)));
    }
    if saving.estimated_share > 0.0 {
        remarks.push(format!("{} of the money rests on estimated token counts.", share(saving.estimated_share)));
    }
    MonthView {
        summary: format!("A month of {requests} requests: {how}."),
        entries: vec![
            amount(bill, "On the baseline", Some(&saving.baseline)),
            amount(bill, "On the candidate", Some(&saving.candidate)),
            amount(bill, "Saved at today's hours", Some(&saving.amount)),
            amount(bill, "Saved if what can wait moved off-peak", Some(&saving.off_peak)),
        ],
        remarks,
    }
}

fn cache(bill: &Bill, table: &CacheTable) -> CacheView {
    let money = |amount: &str| format::money_brief(amount, &bill.currency);
    let row = |row: &CachePoint| CacheRow {
        label: match row.name.as_str() {
            "cold" => "cold, as just after a switch".to_owned(),
            "observed" => "as observed".to_owned(),
            "baseline" => "the baseline's rate".to_owned(),
            other => other.to_owned(),
        },
        rate: share(row.hit_rate),
        candidate: money(&row.candidate),
        saving: money(&row.saving),
        month: row.saving_per_month.as_deref().map_or_else(|| format::NOTHING.to_owned(), money),
    };
    CacheView {
        reading: table.reading.clone(),
        has_month: table.rows.iter().any(|row| row.saving_per_month.is_some()),
        rows: table.rows.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::billed;

    #[test]
    fn a_bill_that_says_no_more_has_no_chapter() {
        assert_eq!(bill(&Bill::default()), None);
    }

    #[test]
    fn what_is_not_known_is_said_and_never_nothing() {
        let mut said = billed().bill;
        said.counterfactual.as_mut().unwrap().candidate = None;
        said.by_model[0] = Paid { unpriced: 7, amount: "0".to_owned(), exchanges: 7, ..said.by_model[0].clone() };
        said.by_model[0].priced = 0;
        let view = bill(&said).unwrap();
        assert_eq!(view.both.unwrap().entries[2].value, "not known");
        assert_eq!((view.models[0].amount.as_str(), view.models[0].has_unknown), ("not known", true));
    }

    #[test]
    fn an_amount_says_how_sure_it_is() {
        let said = Bill { currency: "USD".to_owned(), ..Bill::default() };
        let of = |lower: Option<&str>, upper: Option<&str>| Amount {
            value: "2.5".to_owned(),
            lower: lower.map(str::to_owned),
            upper: upper.map(str::to_owned),
        };
        assert_eq!(interval(&said, &of(Some("2.5"), Some("2.5"))), "known, not estimated");
        assert_eq!(interval(&said, &of(Some("2"), Some("3"))), "95% interval $2.00 to $3.00");
        assert_eq!(interval(&said, &of(None, Some("3"))), "too little data for an interval");
    }

    #[test]
    fn a_dearer_candidate_is_not_called_a_saving() {
        let mut said = billed().bill;
        assert_eq!(figure(&said).unwrap().label, "Saved a month");
        said.saving_per_month.as_mut().unwrap().amount =
            Amount { value: "-12.5".to_owned(), lower: Some("-20".to_owned()), upper: Some("1".to_owned()) };
        let figure = figure(&said).unwrap();
        assert_eq!((figure.label.as_str(), figure.value.as_str()), ("Dearer a month", "$12.50"));
        assert_eq!(figure.detail, "95% interval −$1.00 to $20.00");
    }
}
