//! The table: one row a characteristic.

use std::fmt::Write as _;

/// One characteristic beside its target.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// `T1` to `T16`, or the name of what the list does not have.
    pub(crate) id: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What it should be; empty where there is no target.
    pub(crate) target: String,
    /// What it is, with the simulation's standard error.
    pub(crate) ours: String,
    /// Runs; 0 where it is exact.
    pub(crate) runs: usize,
    /// What the comparison rules do.
    pub(crate) rules: String,
    /// Whether the target is met; `None` where there is none.
    pub(crate) met: Option<bool>,
}

impl Row {
    /// A row without target and comparison.
    pub(crate) fn new(id: &'static str, what: impl Into<String>, runs: usize) -> Self {
        let empty = String::new;
        Self { id, what: what.into(), target: empty(), ours: empty(), runs, rules: empty(), met: None }
    }

    /// With what was found.
    pub(crate) fn found(self, ours: impl Into<String>) -> Self {
        Self { ours: ours.into(), ..self }
    }

    /// With a target, met or not.
    pub(crate) fn target(self, target: impl Into<String>, met: bool) -> Self {
        Self { target: target.into(), met: Some(met), ..self }
    }

    /// With what the comparison rules do.
    pub(crate) fn rules(self, rules: impl Into<String>) -> Self {
        Self { rules: rules.into(), ..self }
    }
}

/// How often something happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frequency {
    hits: usize,
    runs: usize,
}

impl Frequency {
    /// Counts.
    pub(crate) fn of<T>(results: &[T], hit: impl Fn(&T) -> bool) -> Self {
        Self { hits: results.iter().filter(|result| hit(result)).count(), runs: results.len() }
    }

    /// Its share.
    pub(crate) fn share(self) -> f64 {
        self.hits as f64 / self.runs.max(1) as f64
    }

    /// One standard error of the simulation; where nothing (or everything) was hit, what one hit would give.
    pub(crate) fn error(self) -> f64 {
        let n = self.runs.max(1) as f64;
        let share = self.share().clamp(1.0 / n, 1.0 - 1.0 / n);
        (share * (1.0 - share) / n).sqrt()
    }

    /// As text: `1.7 % +- 0.3`.
    pub(crate) fn text(self) -> String {
        let decimals = if self.runs >= 10_000 { 2 } else { 1 };
        format!("{:.decimals$} % ± {:.decimals$}", self.share() * 100.0, self.error() * 100.0)
    }

    /// At most this share.
    pub(crate) fn at_most(self, limit: f64) -> bool {
        self.share() <= limit
    }

    /// At least this share.
    pub(crate) fn at_least(self, limit: f64) -> bool {
        self.share() >= limit
    }
}

/// Mean of numbers with its standard error, and quantiles.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    ascending: Vec<f64>,
}

impl Numbers {
    /// From any order.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut ascending: Vec<f64> = values.into_iter().collect();
        ascending.sort_by(f64::total_cmp);
        Self { ascending }
    }

    /// The mean.
    pub(crate) fn mean(&self) -> f64 {
        self.ascending.iter().sum::<f64>() / self.ascending.len().max(1) as f64
    }

    /// Standard error of the mean.
    pub(crate) fn error(&self) -> f64 {
        let (n, mean) = (self.ascending.len().max(2) as f64, self.mean());
        let squares: f64 = self.ascending.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (n - 1.0) / n).sqrt()
    }

    /// The quantile of rank `ceil(n share)`; NaN without numbers.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (self.ascending.len() as f64 * share).ceil() as usize;
        self.ascending.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// The median.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// The rows as Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| # | characteristic | target | measured (± one standard error) | runs | comparison rules | met |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let runs = if row.runs == 0 { "exact".to_owned() } else { row.runs.to_string() };
        // Writing to a string cannot fail.
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {runs} | {} | {met} |",
            row.id, row.what, row.target, row.ours, row.rules
        );
    }
    text
}
